// Every route that changes something, on installations that are not as they should be: nobody has signed up, no password file is meant to be, the
// disk takes nothing, a provider alone lets people in, the database is away. What cannot be done is a problem with a code and what to do.

import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { App } from "../../src/app.ts";
import { problem } from "../../src/platform/web/problem.ts";
import type { RouteSpec } from "../../src/platform/web/route.ts";
import { openEntrance, openServer, type OpenServer } from "../../src/server/index.ts";
import { makePlace, openAt, type TestPlace } from "../kit/app.ts";
import { mountAll } from "../kit/routes.ts";

let place: TestPlace;
let app: App;
let routes: readonly RouteSpec[];
const serverToken = "the-one-token-of-this-server";
const headers = { authorization: `Bearer ${serverToken}` };
const open: OpenServer[] = [];
let databaseWay: Awaited<ReturnType<typeof openWay>>;

/** A way to the database that can be cut. */
async function openWay(to: URL) {
  const sockets = new Set<Socket>();
  const between = createServer((ours) => {
    const theirs = connect(Number(to.port), to.hostname);
    for (const socket of [ours, theirs]) {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    }
    ours.pipe(theirs).pipe(ours);
  });
  await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
  const address = between.address();
  const url = new URL(to);
  url.hostname = "127.0.0.1";
  url.port = String(typeof address === "object" && address !== null ? address.port : 0);
  return {
    url: url.href,
    cut: () => {
      between.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

beforeAll(async () => {
  const { server, mounted } = await mountAll();
  await server.close();
  routes = mounted.flatMap(({ route }) => (route === undefined || ["GET", "HEAD"].includes(route.method) ? [] : [route]));
  place = await makePlace();
  databaseWay = await openWay(new URL(place.databaseUrl));
  app = await openAt({ ...place, env: { ...place.env, DATABASE_URL: databaseWay.url } }, { work: false, quiet: true });
}, 120_000);
afterAll(async () => {
  for (const server of open) await server.close();
  await app.close();
  await place.remove();
});

/** A server of the app; `entrance` false: opened without one. */
async function openHere({ token, auth, entrance = true }: { token?: string; auth?: object; entrance?: boolean }): Promise<string> {
  const settings = { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000_000, token };
  const known = { ...app, settings: { server: { ...app.settings.server, token }, auth: { ...app.settings.auth, ...auth } } };
  const server = await openServer({
    deps: app,
    settings,
    version: "1.2.3",
    modules: app.modules,
    ...(entrance ? { entrance: openEntrance(known) } : {}),
  });
  open.push(server);
  return server.url;
}

interface Shape {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Shape[];
  readonly allOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly prefixItems?: readonly Shape[];
  readonly minItems?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly format?: string;
}

/** A value that a schema takes, as small as can be. */
function sample(shape: Shape): unknown {
  if (shape.const !== undefined) return shape.const;
  if (shape.enum !== undefined) return shape.enum[0];
  const [any] = shape.anyOf ?? shape.allOf ?? [];
  if (any !== undefined) return sample(any);
  switch (shape.type) {
    case "object":
      return Object.fromEntries((shape.required ?? []).map((name) => [name, sample(shape.properties?.[name] ?? {})]));
    case "array":
      return shape.items === undefined ? [] : Array.from({ length: Math.max(1, shape.minItems ?? 0) }, () => sample(shape.items ?? {}));
    case "integer":
    case "number":
      return Math.max(1, shape.minimum ?? 1, (shape.exclusiveMinimum ?? 0) + 1);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return shape.pattern?.includes("\\d{4}") === true ? "2026-10" : "word".repeat(Math.ceil(Math.max(1, shape.minLength ?? 0) / 4));
  }
}

const bodies: Readonly<Record<string, unknown>> = {
  addUser: { name: "anna", roles: ["viewer"], password: "a password of some length" },
  changeUser: { password: "another one of some length" },
  setMyPassword: { current: "a password of some length", password: "another one of some length" },
  adjustForecast: { group: "shop", kind: "set", value: 1, author: "Ada", reason: "a test" },
  askSql: { query: "select 1" },
  putForecastDefaults: { content: "Default: {}" },
};

/** What a route says to a body that fits. */
async function ask(url: string, route: RouteSpec, more: Readonly<Record<string, string>> = headers) {
  const { method, name, params, body } = route;
  const shape: Shape = params === undefined ? {} : shapeOf(params);
  const way = route.path.replaceAll(/:([^/]+)|\*/g, (whole, param: string | undefined) =>
    whole === "*" ? "states/one.txt" : encodeURIComponent(String(pathValue(shape.properties?.[param ?? ""] ?? {}))),
  );
  const isJson = body !== undefined && !("kind" in body);
  const sent = body === undefined ? undefined : isJson ? JSON.stringify(bodies[name] ?? sample(shapeOf(body))) : "one";
  const response = await fetch(`${url}${way}`, {
    method,
    headers: { ...more, ...(isJson ? { "content-type": "application/json" } : {}) },
    ...(sent === undefined ? {} : { body: sent }),
    signal: AbortSignal.timeout(60_000),
  });
  return { status: response.status, text: await response.text() };
}

const pathValue = (shape: Shape): unknown =>
  shape.enum === undefined ? (shape.type === "string" ? "general" : sample(shape)) : shape.enum[0];
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON Schema as zod writes it
const shapeOf = (schema: z.ZodType): Shape => z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Shape;

/** Routes that failed where they should have refused, with what they said. */
async function failuresOf(url: string, more?: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  for (const route of routes) {
    const { status, text } = await ask(url, route, more);
    if (status < 400) continue;
    const told = problem.safeParse(text.startsWith("{") ? JSON.parse(text) : undefined).data;
    // A list of mistakes has no one remedy: each line has its own.
    const hasRemedy = told?.remedy !== undefined || told?.message.includes("\n") === true;
    if (told === undefined || status === 500 || !hasRemedy || /^E[A-Z]+$/.test(told.code)) {
      failures.push([route.name, status, told?.code ?? text, told?.message]);
    }
  }
  return failures;
}

const routeOf = (name: string): RouteSpec => {
  const found = routes.find((route) => route.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};

async function codeOf(url: string, name: string, more?: Readonly<Record<string, string>>): Promise<readonly [number, string]> {
  const { status, text } = await ask(url, routeOf(name), more);
  return [status, /"code":"(\w+)"/.exec(text)?.[1] ?? ""];
}

test("an installation with nothing in it", async () => {
  expect(routes.length).toBeGreaterThan(40);
  expect(await failuresOf(await openHere({ token: serverToken }))).toEqual([]);
}, 120_000);

test("a server opened without an entrance has no password file, and writes none anywhere", async () => {
  const before = await readdir(process.cwd());
  const url = await openHere({ token: serverToken, entrance: false });
  for (const name of ["addUser", "changeUser", "removeUser"])
    expect([name, await codeOf(url, name)]).toEqual([name, [409, "USERS_FILE_NONE"]]);
  expect(await failuresOf(url)).toEqual([]);
  expect(await readdir(process.cwd())).toEqual(before);
});

test("a provider alone lets people in", async () => {
  const oidc = { issuer: "http://127.0.0.1:9", clientId: "stockroom", clientSecret: "a secret", scopes: ["openid"], label: "elsewhere" };
  const usersFile = path.join(place.home, "none", "users.yaml");
  const claims = {
    nameClaim: "name",
    groupsClaim: "groups",
    roles: { viewer: [], reviewer: [], planner: [], operator: [], administrator: [] },
  };
  const url = await openHere({ token: serverToken, auth: { usersFile, oidc: { ...oidc, ...claims } } });
  expect(await failuresOf(url)).toEqual([]);
});

test("a password file that cannot be used is told to whoever can mend it, and its name to nobody else", async () => {
  const usersFile = path.join(place.home, "odd.yaml");
  const url = await openHere({ token: serverToken, auth: { usersFile } });
  const odd: readonly [string, () => Promise<unknown>][] = [
    ["USERS_FILE_BAD", () => writeFile(usersFile, "anna:\n  roles: [king]\n", { mode: 0o600 })],
    ["USERS_FILE_EXPOSED", () => chmod(usersFile, 0o644)],
    ["USERS_FILE_UNREADABLE", async () => await rm(usersFile).then(async () => await mkdir(usersFile, { mode: 0o700 }))],
  ];
  for (const [code, change] of odd) {
    await change();
    expect([code, await codeOf(url, "addUser")]).toEqual([code, [503, code]]);
    expect([code, await failuresOf(url)]).toEqual([code, []]);
    const stranger = await ask(url, routeOf("addUser"), {});
    expect([stranger.status, stranger.text.includes(code), stranger.text.includes("odd.yaml"), stranger.text.includes("king")]).toEqual([
      503,
      true,
      false,
      false,
    ]);
  }
  await rm(usersFile, { recursive: true });
  // Its folder is a file.
  await writeFile(path.join(place.home, "file"), "");
  const nowhere = await openHere({ token: serverToken, auth: { usersFile: path.join(place.home, "file", "users.yaml") } });
  expect(await codeOf(nowhere, "addUser")).toEqual([503, "USERS_FILE_UNWRITABLE"]);
});

/** Whether this process may do what modes forbid; then it is somebody else for the test. */
const isRoot = process.getuid?.() === 0;

test.skipIf(process.platform === "win32")(
  "a home that takes no writing",
  async () => {
    const url = await openHere({ token: serverToken, auth: { usersFile: path.join(place.home, "new.yaml") } });
    const inside = await readdir(place.home, { recursive: true, withFileTypes: true });
    const folders = [place.home, ...inside.filter((one) => one.isDirectory()).map((one) => path.join(one.parentPath, one.name))];
    for (const folder of folders) await chmod(folder, 0o555);
    if (isRoot) process.seteuid?.(65_534);
    try {
      expect(await codeOf(url, "addUser")).toEqual([503, "USERS_FILE_UNWRITABLE"]);
      expect(await codeOf(url, "putObject")).toEqual([503, "STORE_REFUSED"]);
      expect(await failuresOf(url)).toEqual([]);
    } finally {
      if (isRoot) process.seteuid?.(0);
      for (const folder of folders) await chmod(folder, 0o700);
    }
  },
  120_000,
);

test("the database is away", async () => {
  const url = await openHere({ token: serverToken });
  databaseWay.cut();
  expect((await codeOf(url, "putObject"))[0]).toBe(503);
  expect(await failuresOf(url)).toEqual([]);
}, 240_000);
