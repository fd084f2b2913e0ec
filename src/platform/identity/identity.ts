// The identity part itself: passwords, provider, tokens and sessions held together.

import { createHmac, timingSafeEqual } from "node:crypto";
import { StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Tx } from "../database/contract.ts";
import type { Clock } from "../time.ts";
import type { Caller } from "../web/caller.ts";
import { roles as allRoles, within, type Role } from "../web/roles.ts";
import { makeAttempts } from "./attempts.ts";
import type { Identity, SignedIn, Visitor, Vouched } from "./contract.ts";
import { makePasswords } from "./passwords.ts";
import { digestOf } from "./secrets.ts";
import { makeSessions, type SessionTimes } from "./sessions.ts";
import { makeTokens, tokenPrefix, type ApiToken } from "./tokens.ts";
import { makeUsers, nameKey } from "./users.ts";

export interface IdentityOptions {
  readonly database: Tx;
  readonly clock: Clock;
  readonly log: Log;
  /** Of digests for forms; the same in every process that answers. */
  readonly macKey: Uint8Array;
  /** The password file; need not be there. */
  readonly usersFile: string;
  /** The one token of the settings. */
  readonly serverToken?: string | undefined;
  /** What people call the provider of their accounts. */
  readonly provider?: string | undefined;
  readonly times: SessionTimes;
  /** Whether only this machine can reach the server; elsewhere it is never open. */
  readonly isLocal: boolean;
}

/** Nobody in particular, who may do everything. */
const nobody = (via: "local" | "server-token"): Caller => ({ id: via, roles: ["administrator"], via });

const failed = (): StockroomError =>
  new StockroomError(
    "denied",
    "SIGN_IN_FAILED",
    "Expected what belongs to a user here but it does not fit. Check its spelling and try again, or ask an administrator.",
  );

/** Makes the identity part; asks nothing of the database before a request comes. */
export function makeIdentity(options: IdentityOptions): Identity {
  const { database, clock, log, macKey, serverToken, provider, isLocal } = options;
  const users = makeUsers(options.usersFile, clock);
  const tokens = makeTokens(database, clock);
  const sessions = makeSessions(database, clock, options.times);
  const passwords = makePasswords();
  const attempts = makeAttempts(clock);
  const wanted = serverToken === undefined ? undefined : digestOf(serverToken);
  // A session that the server's token began ends when that token is changed.
  const serverTokenId =
    wanted === undefined ? undefined : `server-token:${digestOf(`session ${wanted.toString("hex")}`).toString("base64url")}`;
  const isServerToken = (text: string): boolean => wanted !== undefined && timingSafeEqual(digestOf(text), wanted);

  /** A person as they are now; undefined when there is none any more. `since`: what they proved is no older than that. */
  const findPerson = async (
    id: string,
    since: string,
    of: "session" | "token",
  ): Promise<{ name: string; roles: readonly Role[] } | undefined> => {
    if (id.startsWith("password:")) {
      const user = users.find(id.slice("password:".length));
      const from = of === "session" ? user?.changedAt : user?.addedAt;
      return user === undefined || from === undefined || Date.parse(since) < Date.parse(from) ? undefined : user;
    }
    const [row] = await database.query<{ name: string; roles: readonly string[] }>(
      "select name, roles from stockroom.identity_user where id = $1",
      [id],
    );
    const roles = allRoles.filter((role) => row?.roles.includes(role));
    // A name belongs to one: whoever stands in the password file has it.
    return row === undefined || roles.length === 0 || users.find(row.name) !== undefined ? undefined : { name: row.name, roles };
  };

  const callerOfToken = async (token: ApiToken): Promise<Caller | undefined> => {
    if (token.owner === undefined) return { id: `machine:${token.id}`, name: `machine:${token.name}`, roles: token.roles, via: "token" };
    const person = await findPerson(token.owner, token.createdAt, "token");
    if (person === undefined) return undefined;
    const roles = within(token.roles, person.roles);
    return roles.length === 0 ? undefined : { id: token.owner, name: person.name, roles, via: "token" };
  };

  const identifyBearer = async (bearer: string): Promise<Caller | undefined> => {
    if (isServerToken(bearer)) return nobody("server-token");
    const token = bearer.startsWith(tokenPrefix) ? await tokens.find({ secret: bearer }) : undefined;
    return token === undefined ? undefined : await callerOfToken(token);
  };

  const callerOfSession = async (userId: string, createdAt: string): Promise<Caller | undefined> => {
    if (userId.startsWith("server-token:")) return userId === serverTokenId ? nobody("server-token") : undefined;
    if (userId.startsWith("token:")) {
      const token = await tokens.find({ id: userId.slice("token:".length) });
      return token === undefined ? undefined : await callerOfToken(token);
    }
    const person = await findPerson(userId, createdAt, "session");
    return person === undefined ? undefined : { id: userId, name: person.name, roles: person.roles, via: "session" };
  };

  const identifySession = async (secret: string): Promise<Caller | undefined> => {
    const session = await sessions.find(secret);
    if (session === undefined) return undefined;
    const caller = await callerOfSession(session.userId, session.createdAt);
    // Whoever a token let in is still a token: it makes no other.
    return caller === undefined ? undefined : { ...caller, session: { id: session.id, expiresAt: session.expiresAt } };
  };

  const start = async (userId: string, visitor: Visitor): Promise<SignedIn> => {
    const { secret, session } = await sessions.start(userId, visitor);
    const caller = await callerOfSession(userId, session.createdAt);
    if (caller === undefined) throw failed();
    log.info("signed in", { user: caller.name ?? caller.id, by: userId.split(":", 1)[0] ?? "", from: visitor.address });
    return { secret, caller: { ...caller, session: { id: session.id, expiresAt: session.expiresAt } }, expiresAt: session.expiresAt };
  };
  const refused = (how: string, visitor: Pick<Visitor, "address">): StockroomError => {
    log.warn("sign-in refused", { by: how, from: visitor.address });
    return failed();
  };

  return {
    users,
    tokens,
    sessions,
    isOpen: () => isLocal && serverToken === undefined && provider === undefined && users.list().length === 0,
    ways: () => ({ password: users.list().length > 0, provider, token: true }),
    identify: async ({ bearer, session }) => {
      if (bearer !== undefined) return await identifyBearer(bearer);
      return session === undefined ? undefined : await identifySession(session);
    },
    signInByPassword: async (name, password, visitor) => {
      const attempt = attempts.begin(visitor.address, nameKey(name));
      const user = users.find(name);
      if (!(await passwords.fits(password, user?.password)) || user === undefined) throw refused("password", visitor);
      attempt.succeeded();
      return await start(`password:${nameKey(user.name)}`, visitor);
    },
    signInByToken: async (text, visitor) => {
      const attempt = attempts.begin(visitor.address, "a token");
      const token = text.startsWith(tokenPrefix) ? await tokens.find({ secret: text }) : undefined;
      const id = isServerToken(text) ? serverTokenId : token === undefined ? undefined : `token:${token.id}`;
      if (id === undefined || (await callerOfSession(id, new Date(clock.now()).toISOString())) === undefined)
        throw refused("token", visitor);
      attempt.succeeded();
      return await start(id, visitor);
    },
    signInVouched: async (person, visitor) => await start(await keepPerson(person), visitor),
    signOut: async (session) => await sessions.end({ secret: session }),
    changeOwnPassword: async (caller, current, password, address) => {
      const user =
        caller.id.startsWith("password:") && caller.via === "session" ? users.find(caller.id.slice("password:".length)) : undefined;
      if (user === undefined) {
        throw new StockroomError(
          "denied",
          "PASSWORD_NOT_HERE",
          "Expected somebody who signed in by a password but this is not so. Change it where the account is.",
        );
      }
      const attempt = attempts.begin(address, nameKey(user.name));
      if (!(await passwords.fits(current, user.password))) throw refused("password", { address });
      attempt.succeeded();
      await users.change(user.name, { password });
    },
    mac: (purpose, text) => createHmac("sha256", macKey).update(`${purpose}\0${text}`).digest("base64url"),
  };

  /** Keeps who a provider vouched for, with the roles of now; gives the id. */
  async function keepPerson({ issuer, subject, name, roles }: Vouched): Promise<string> {
    const id = `oidc:${digestOf(`${issuer}\n${subject}`).toString("base64url").slice(0, 32)}`;
    const at = new Date(clock.now()).toISOString();
    const refuse = async (code: string, message: string): Promise<never> => {
      await database.query("update stockroom.identity_user set roles = '{}' where id = $1", [id]);
      await sessions.end({ userId: id });
      log.warn("sign-in refused", { by: "oidc", code });
      throw new StockroomError("denied", code, message);
    };
    if (roles.length === 0) {
      return await refuse(
        "SIGN_IN_NO_ROLE",
        "Expected an account in one of the groups that have a role here but yours is in none. Ask an administrator for one.",
      );
    }
    const taken = async (): Promise<never> =>
      await refuse("SIGN_IN_NAME_TAKEN", `Expected a name of your own but another user here is called ${name}. Ask an administrator.`);
    if (users.find(name) !== undefined) return await taken();
    const rows = await database.query(
      `insert into stockroom.identity_user (id, name, name_key, roles, seen_at)
       select $1, $2, $3, $4, $5 where not exists (select 1 from stockroom.identity_user where name_key = $3 and id <> $1)
       on conflict (id) do update set name = excluded.name, name_key = excluded.name_key, roles = excluded.roles, seen_at = excluded.seen_at
       returning id`,
      [id, name, nameKey(name), [...roles], at],
    );
    return rows.length === 0 ? await taken() : id;
  }
}
