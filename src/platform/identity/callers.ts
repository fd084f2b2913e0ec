// Callers: who stands behind an API token, a session or the server's token, as they are at the moment of asking.

import { timingSafeEqual } from "node:crypto";
import type { Tx } from "../database/contract.ts";
import type { Caller } from "../web/caller.ts";
import { roles as allRoles, within, type Role } from "../web/roles.ts";
import { digestOf } from "./secrets.ts";
import type { makeSessions } from "./sessions.ts";
import { type ApiToken, type makeTokens, tokenPrefix } from "./tokens.ts";
import type { makeUsers } from "./users.ts";

export interface Callers {
  readonly ofBearer: (bearer: string) => Promise<Caller | undefined>;
  readonly ofSession: (secret: string, isUse?: boolean) => Promise<Caller | undefined>;
  /** Whom a session of that user, begun at that instant, would stand for. */
  readonly callerOfSession: (userId: string, createdAt: string) => Promise<Caller | undefined>;
  readonly isServerToken: (text: string) => boolean;
  /** The user id of sessions that the server's token begins. */
  readonly serverTokenId: string | undefined;
}

interface CallersDeps {
  readonly database: Tx;
  readonly users: ReturnType<typeof makeUsers>;
  readonly tokens: ReturnType<typeof makeTokens>;
  readonly sessions: ReturnType<typeof makeSessions>;
  readonly serverToken: string | undefined;
}

/** Nobody in particular, who may do everything. */
const nobody = (via: "local" | "server-token"): Caller => ({ id: via, roles: ["administrator"], via });

export function makeCallers({ database, users, tokens, sessions, serverToken }: CallersDeps): Callers {
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

  const ofBearer = async (bearer: string): Promise<Caller | undefined> => {
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

  const ofSession = async (secret: string, isUse = true): Promise<Caller | undefined> => {
    const session = await sessions.find(secret, isUse);
    if (session === undefined) return undefined;
    const caller = await callerOfSession(session.userId, session.createdAt);
    // Whoever a token let in is still a token: it makes no other.
    return caller === undefined ? undefined : { ...caller, session: { id: session.id, expiresAt: session.expiresAt } };
  };

  return { ofBearer, ofSession, callerOfSession, isServerToken, serverTokenId };
}
