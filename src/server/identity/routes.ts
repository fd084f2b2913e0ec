// Users, sessions and tokens over HTTP.

import type { FastifyInstance, FastifyRequest } from "fastify";
import { StockroomError } from "../../platform/errors.ts";
import type { User } from "../../platform/identity/users.ts";
import type { Log } from "../../platform/log.ts";
import { callerOf, type Caller } from "../../platform/web/caller.ts";
import { may } from "../../platform/web/roles.ts";
import { serve } from "../../platform/web/route.ts";
import * as routes from "./contract.ts";
import type { Entrance } from "./entrance.ts";

/** The guard lets nobody to a handler without one. */
export function whoOf({ caller }: FastifyRequest): Caller {
  if (caller !== undefined) return caller;
  throw new StockroomError("fault", "CALLER_UNKNOWN", "Expected a caller that the guard let in but there is none.");
}

/** Whose rows a caller sees: undefined is everybody's. */
const ownOnly = (caller: Caller): string | undefined => (may(caller.roles, "administrator") ? undefined : caller.id);

const shown = ({ name, roles, addedAt, changedAt }: User) => ({ name, roles, addedAt, changedAt });

export function mountIdentity(server: FastifyInstance, entrance: Entrance, log: Log): void {
  const { sessions, tokens } = entrance.identity;
  serve(server, routes.getMe, ({ request }) => {
    const { id, name, roles, via, session } = whoOf(request);
    return { id, name, roles, via, ...(session === undefined ? {} : { expiresAt: session.expiresAt }) };
  });
  serve(server, routes.setMyPassword, async ({ body, request }) => {
    await entrance.identity.changeOwnPassword(whoOf(request), body.current, body.password, entrance.see(request.raw).address);
  });
  serve(server, routes.listSessions, async ({ request }) => {
    const caller = whoOf(request);
    const open = await sessions.list(ownOnly(caller));
    return { sessions: open.map((session) => ({ ...session, current: session.id === caller.session?.id })) };
  });
  serve(server, routes.endSession, async ({ params, request }) => await sessions.endById(params.id, ownOnly(whoOf(request))));
  serve(server, routes.listTokens, async ({ request }) => ({ tokens: await tokens.list(ownOnly(whoOf(request))) }));
  serve(server, routes.addToken, async ({ body, request }) => {
    const made = await tokens.add(body, whoOf(request));
    log.info("token made", { id: made.token.id, name: made.token.name, by: callerOf(request) });
    return made;
  });
  serve(server, routes.revokeToken, async ({ params, request }) => {
    const token = await tokens.revoke(params.id, whoOf(request));
    log.info("token revoked", { id: token.id, name: token.name, by: callerOf(request) });
    return token;
  });
  mountUsers(server, entrance, log);
}

function mountUsers(server: FastifyInstance, { identity: { users } }: Entrance, log: Log): void {
  const tell = (what: string, user: User, request: FastifyRequest): void =>
    log.info(what, { user: user.name, roles: user.roles.join(","), by: callerOf(request) });
  serve(server, routes.listUsers, () => ({ users: users.list().map(shown) }));
  serve(server, routes.addUser, async ({ body: { name, roles, password }, request }) => {
    const user = await users.add(name, roles, password);
    tell("user added", user, request);
    return shown(user);
  });
  serve(server, routes.changeUser, async ({ params, body, request }) => {
    const user = await users.change(params.name, body);
    tell("user changed", user, request);
    return shown(user);
  });
  serve(server, routes.removeUser, async ({ params, request }) => tell("user removed", await users.remove(params.name), request));
}
