// Who may do what: every route that there is, tried over HTTP by nobody and by every role, and the table of it for people.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { modules } from "../../src/modules.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import { makeIdentity } from "../../src/platform/identity/identity.ts";
import { identityMigrations } from "../../src/platform/identity/migrations.ts";
import { makeLog } from "../../src/platform/log.ts";
import { systemClock } from "../../src/platform/time.ts";
import { isSpeaker } from "../../src/platform/web/fields.ts";
import { may, roles, type Needs } from "../../src/platform/web/roles.ts";
import { makeEntrance } from "../../src/server/identity/entrance.ts";
import { makeServer } from "../../src/server/server.ts";
import { testDatabase } from "../kit/database.ts";
import { mountAll, type Mounted } from "../kit/routes.ts";

let mounted: readonly Mounted[];
let url: string;
const tokens = new Map<string, string>();
const closing: (() => Promise<unknown>)[] = [];

// Sign-in is real; behind the guard there is nothing, so that whoever is let in changes nothing: a handler fails, and that is not a refusal.
beforeAll(async () => {
  const all = await mountAll();
  mounted = all.mounted;
  await all.server.close();
  const postgres = await testDatabase();
  const home = await mkdtemp(path.join(tmpdir(), "stockroom-roles-"));
  const log = makeLog({ level: "silent" });
  const database = await openDatabase({ url: postgres.url, home, log, migrations: identityMigrations });
  const identity = makeIdentity({
    database,
    clock: systemClock,
    log,
    macKey: new Uint8Array(32),
    usersFile: path.join(home, "users.yaml"),
    serverToken: "the-one-token-of-this-server",
    times: { idleMs: 3_600_000, longestMs: 3_600_000 },
    isLocal: true,
  });
  for (const role of roles) {
    const maker = { id: "local", roles: ["administrator"], via: "local" } as const;
    tokens.set(role, (await identity.tokens.add({ name: role, roles: [role], days: 1, machine: true }, maker)).secret);
  }
  const nothing = { log, clock: systemClock, database: {}, objects: {}, workflows: {}, events: {}, notices: {}, vault: {} };
  const server = await makeServer({
    deps: nothing as never,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1 },
    version: "test",
    entrance: makeEntrance({ identity }),
    modules: modules.map((module) => ({ module, parts: { deps: {} }, isOpen: true, front: undefined })),
  });
  url = await server.listen({ host: "127.0.0.1", port: 0 });
  closing.push(
    () => server.close(),
    () => database.close(),
    () => postgres.drop(),
    () => rm(home, { recursive: true, force: true }),
  );
});
afterAll(async () => {
  for (const close of closing) await close();
});

/** What the guard says: a refusal's code, or nothing. */
async function ask({ method, url: way, route }: Mounted, token: string | undefined): Promise<string | undefined> {
  const gone = new AbortController();
  const body = method === "GET" || method === "HEAD" || route?.body === undefined ? {} : { body: "{}" };
  const response = await fetch(`${url}${way.replaceAll(/:[^/]+/g, "x").replace("*", "x/y")}`, {
    method,
    signal: gone.signal,
    redirect: "manual",
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...("body" in body ? { "content-type": "application/json" } : {}),
    },
    ...body,
  });
  const refused = response.status === 401 || response.status === 403;
  if (method === "HEAD") return refused ? `${response.status}` : undefined;
  const text = refused ? await response.text() : "";
  gone.abort();
  const code = /"code":"(\w+)"/.exec(text)?.[1] ?? /Code (\w+)/.exec(text)?.[1];
  return code === "TOKEN_WANTED" ? "401" : code === "ROLE_WANTED" ? "403" : undefined;
}

it("every route is answered for the roles that it declares and refused to all others, and to nobody in particular", async () => {
  expect(mounted.length).toBeGreaterThan(100);
  const wrong: unknown[] = [];
  let [allowed, refused] = [0, 0];
  for (const one of mounted) {
    const needs: Needs = one.needs ?? "administrator";
    for (const who of ["nobody", ...roles] as const) {
      const expected = who === "nobody" ? (needs === "anyone" ? undefined : "401") : may([who], needs) ? undefined : "403";
      const said = await ask(one, tokens.get(who));
      if (expected === undefined) allowed++;
      else refused++;
      if (said !== expected) wrong.push([one.method, one.url, who, { expected, said }]);
    }
  }
  expect(wrong).toEqual([]);
  expect(allowed + refused).toBe(mounted.length * (roles.length + 1));
  expect(Math.min(allowed, refused)).toBeGreaterThan(100);
});

it("every body's field that says who speaks has the name of the sign-in", () => {
  const found = mounted.flatMap(({ route }) => {
    const body = route?.body instanceof z.ZodObject ? route.body.shape : {};
    return Object.entries(body).flatMap(([name, field]) =>
      /^(?:by|author|reviewer|user)$/.test(name) ? [[route?.name, name, isSpeaker(field) !== false] as const] : [],
    );
  });
  expect(found.length).toBeGreaterThan(8);
  expect(found.filter(([, , speaks]) => !speaks)).toEqual([]);
});

it("what does not exist is told to nobody who may not ask", async () => {
  const missing: Mounted = { method: "GET", url: "/api/nothing", route: undefined, needs: "viewer" };
  expect(await ask(missing, undefined)).toBe("401");
  expect(await ask({ ...missing, method: "DELETE" }, "stockroom_wrong")).toBe("401");
  expect((await fetch(`${url}/api/nothing`, { headers: { authorization: `Bearer ${tokens.get("viewer") ?? ""}` } })).status).toBe(404);
});

it("docs/reference/roles-routes.md says so", async () => {
  const rows = mounted
    .map(({ method, url: way, needs = "administrator" }) => ({ way, method, needs }))
    .toSorted((a, b) => (a.way < b.way ? -1 : a.way > b.way ? 1 : a.method < b.method ? -1 : 1));
  const text = [
    "# Which role may use which route",
    "",
    "Made from the declarations of the routes; each cell is tried over HTTP by `test/integration/server-roles.test.ts`. After a change of a declaration:",
    "",
    "    npx vitest run --project integration integration/server-roles -u",
    "",
    `| route | nobody | ${roles.join(" | ")} |`,
    `| --- | ${["nobody", ...roles].map(() => "---").join(" | ")} |`,
    ...rows.map(({ method, way, needs }) => {
      const cells = [needs === "anyone", ...roles.map((role) => may([role], needs))].map((yes) => (yes ? "yes" : ""));
      return `| ${method} ${way.replace("*", "\\*")} | ${cells.join(" | ")} |`;
    }),
    "",
  ].join("\n");
  await expect(text).toMatchFileSnapshot("../../docs/reference/roles-routes.md");
});
