// The identity part itself: passwords, provider, tokens and sessions held together.

import { createHmac } from "node:crypto";
import { StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Tx } from "../database/contract.ts";
import type { Clock } from "../time.ts";
import { makeAttempts } from "./attempts.ts";
import { makeCallers } from "./callers.ts";
import type { Identity, SignedIn, Visitor } from "./contract.ts";
import { makePasswords } from "./passwords.ts";
import { makeSessions, type SessionTimes } from "./sessions.ts";
import { makeTokens, tokenPrefix } from "./tokens.ts";
import { makeUsers, nameKey } from "./users.ts";
import { admitVouched } from "./vouched.ts";

export interface IdentityOptions {
  readonly database: Tx;
  readonly clock: Clock;
  readonly log: Log;
  /** Of digests for forms; the same in every process that answers. */
  readonly macKey: Uint8Array;
  /** The password file; need not be there. Undefined: nobody signs in by a password. */
  readonly usersFile: string | undefined;
  /** The one token of the settings. */
  readonly serverToken?: string | undefined;
  /** What people call the provider of their accounts. */
  readonly provider?: string | undefined;
  readonly times: SessionTimes;
  /** Whether only this machine can reach the server; elsewhere it is never open. */
  readonly isLocal: boolean;
}

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
  const callers = makeCallers({ database, users, tokens, sessions, serverToken });
  const { callerOfSession, isServerToken, serverTokenId } = callers;

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
    identify: async ({ bearer, session, isUse }) => {
      if (bearer !== undefined) return await callers.ofBearer(bearer);
      return session === undefined ? undefined : await callers.ofSession(session, isUse);
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
    signInVouched: async (person, visitor) => await start(await admitVouched({ database, clock, log, users, sessions }, person), visitor),
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
}
