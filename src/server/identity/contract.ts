// The routes about users, sessions and tokens as data. routes.ts answers them; the pages for people stand in pages.ts.

import { z } from "zod";
import { line } from "../../platform/web/fields.ts";
import { roles as allRoles } from "../../platform/web/roles.ts";
import { defineRoute, list } from "../../platform/web/route.ts";

const role = z.enum(allRoles);
const roles = z.array(role).min(1).max(allRoles.length);
const byId = z.strictObject({ id: z.string().min(1).max(100) });
const byName = z.strictObject({ name: z.string().min(1).max(200) });
const password = z.string().min(1).max(2_000);

export const getMe = defineRoute({
  name: "getMe",
  method: "GET",
  path: "/api/me",
  summary: "Who the caller is, and what the caller may do",
  needs: "viewer",
  answer: z
    .strictObject({
      /** Stable; `local` and `server-token` are nobody in particular. */
      id: z.string(),
      name: z.string().optional(),
      roles: list(role),
      via: z.enum(["local", "server-token", "token", "session"]),
      /** Of a session: when it ends at the latest. */
      expiresAt: z.string().optional(),
    })
    .meta({ id: "Me" }),
});

export const setMyPassword = defineRoute({
  name: "setMyPassword",
  method: "PUT",
  path: "/api/me/password",
  summary: "Set one's own password; every session of one's own ends",
  needs: "viewer",
  body: z.strictObject({ current: password, password }),
  answer: "nothing",
});

const session = z
  .strictObject({
    id: z.string(),
    userId: z.string(),
    /** As the browser called itself. */
    agent: z.string(),
    address: z.string(),
    createdAt: z.string(),
    seenAt: z.string(),
    expiresAt: z.string(),
    /** The one that asks. */
    current: z.boolean(),
  })
  .meta({ id: "Session" });

export const listSessions = defineRoute({
  name: "listSessions",
  method: "GET",
  path: "/api/sessions",
  summary: "Open sessions: one's own, for an administrator everybody's",
  needs: "viewer",
  answer: z.strictObject({ sessions: list(session) }),
});

export const endSession = defineRoute({
  name: "endSession",
  method: "DELETE",
  path: "/api/sessions/:id",
  summary: "End a session: one's own, for an administrator anybody's",
  needs: "viewer",
  params: byId,
  answer: "nothing",
});

const token = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    roles: list(role),
    /** A person's id; absent: a machine's. */
    owner: z.string().optional(),
    madeBy: z.string(),
    createdAt: z.string(),
    expiresAt: z.string(),
    usedAt: z.string().optional(),
    revokedAt: z.string().optional(),
    revokedBy: z.string().optional(),
  })
  .meta({ id: "Token" });

export const listTokens = defineRoute({
  name: "listTokens",
  method: "GET",
  path: "/api/tokens",
  summary: "API tokens, the newest first: one's own, for an administrator everybody's",
  needs: "viewer",
  answer: z.strictObject({ tokens: list(token) }),
});

export const addToken = defineRoute({
  name: "addToken",
  method: "POST",
  path: "/api/tokens",
  summary: "Make an API token, shown this once: of one's own, or as an administrator of a machine",
  needs: "viewer",
  body: z.strictObject({
    name: line(100),
    roles,
    days: z.int().min(1).max(366).default(90),
    /** Of a machine, not of the maker. */
    machine: z.boolean().default(false),
  }),
  answer: z.strictObject({ token, secret: z.string() }),
  status: [201],
});

export const revokeToken = defineRoute({
  name: "revokeToken",
  method: "DELETE",
  path: "/api/tokens/:id",
  summary: "End an API token: one's own, for an administrator anybody's",
  needs: "viewer",
  params: byId,
  answer: token,
});

const user = z.strictObject({ name: z.string(), roles: list(role), addedAt: z.string(), changedAt: z.string() }).meta({ id: "User" });

export const listUsers = defineRoute({
  name: "listUsers",
  method: "GET",
  path: "/api/users",
  summary: "Who may sign in by a password",
  needs: "administrator",
  answer: z.strictObject({ users: list(user) }),
});

export const addUser = defineRoute({
  name: "addUser",
  method: "POST",
  path: "/api/users",
  summary: "Let somebody sign in by a password",
  needs: "administrator",
  body: z.strictObject({ name: line(200), roles, password }),
  answer: user,
  status: [201],
});

export const changeUser = defineRoute({
  name: "changeUser",
  method: "PUT",
  path: "/api/users/:name",
  summary: "Set somebody's roles or password; with a password every session of theirs ends",
  needs: "administrator",
  params: byName,
  body: z.strictObject({ roles: roles.optional(), password: password.optional() }),
  answer: user,
});

export const removeUser = defineRoute({
  name: "removeUser",
  method: "DELETE",
  path: "/api/users/:name",
  summary: "Let somebody in no more: sessions and tokens of theirs end",
  needs: "administrator",
  params: byName,
  answer: "nothing",
});
