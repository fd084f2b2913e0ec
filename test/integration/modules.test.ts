// A system is one value: whoever puts them together knows none by name, and one more is one line in the list.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { openAppOf, type OpenApp } from "../../src/app.ts";
import { modules } from "../../src/modules.ts";
import { defineCommand } from "../../src/platform/command/contract.ts";
import { defineModule, storedObject } from "../../src/platform/module.ts";
import { defineRoute, list, serve } from "../../src/platform/web/route.ts";
import { listPart } from "../../src/platform/warehouse/index.ts";
import type { WorkflowDefinition } from "../../src/platform/workflow/contract.ts";
import { openServer } from "../../src/server/index.ts";
import { makePlace, operator, settled, textBytes, waitFor, type TestPlace } from "../kit/app.ts";
import { runWords } from "../kit/command.ts";

const listReturns = defineRoute({
  name: "listReturns",
  method: "GET",
  path: "/api/returns",
  summary: "Goods that came back",
  needs: "viewer",
  answer: z.strictObject({ returns: list(z.looseObject({})) }),
});

const root = path.resolve(import.meta.dirname, "../..");

describe("by name", () => {
  const files = ["src/app.ts", "src/server", "src/cli"].flatMap((place) =>
    place.endsWith(".ts")
      ? [place]
      : readdirSync(path.join(root, place), { recursive: true, encoding: "utf8" })
          .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
          .map((file) => `${place}/${file.split(path.sep).join("/")}`),
  );
  // Also inside a name (`classifyRoutes`), but not a name that only begins like the word (`classification`).
  const naming = new RegExp(modules.map(({ name }) => `${name}(?![a-z])`).join("|"), "i");

  test("app, server and command line name no module", () => {
    expect(files.length).toBeGreaterThan(30);
    const found = files.flatMap((file) =>
      readFileSync(path.join(root, file), "utf8")
        .split("\n")
        .flatMap((line, at) => (naming.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });

  test("the list does, and each module stands in the folder of its name", () => {
    const list = readFileSync(path.join(root, "src/modules.ts"), "utf8");
    for (const { name } of modules) expect(list).toContain(`from "./${name}/module.ts"`);
  });
});

const returned = z.strictObject({ shop: z.string(), goods: z.number() });

/** Goods that come back: a module with one of everything. */
const returns = defineModule({
  name: "returns",
  about: "Goods that come back",
  settings: z.strictObject({ reason: z.string().default("none given") }),
  migrations: [
    {
      id: "returns/0001",
      sql: "create table stockroom.returns (key text primary key, shop text not null, goods int not null, reason text not null)",
    },
  ],
  zones: [{ name: "returned", prefixes: ["returns/"] }],
  grants: [
    { role: "operator", zone: "returned", access: "write" },
    { role: "counter", zone: "returned", access: "read" },
  ],
  make: async ({ settings, database, objects }) => {
    const count: WorkflowDefinition<{ readonly key: string; readonly version: string }> = {
      name: "returns.count",
      queue: "returns.light",
      run: async (context, { key, version }) =>
        await context.step("count", async () => {
          const bytes = await objects.read({ role: "counter", purpose: "count" }, key, { version, maxBytes: 1_000 });
          const { shop, goods } = returned.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
          await database.query("insert into stockroom.returns values ($1, $2, $3, $4) on conflict do nothing", [
            key,
            shop,
            goods,
            settings.reason,
          ]);
          return { goods };
        }),
    };
    return {
      deps: { database, objects },
      workflows: [count],
      queues: [{ name: "returns.light", perWorker: 1 }],
      subscriptions: [{ name: "returns.count", kind: "object.stored", prefix: "returns/", workflow: count, input: storedObject }],
      schedules: [{ name: "returns.nightly", cron: "0 4 * * *", workflow: "returns.count", input: { key: "", version: "" } }],
      awaited: [{ keys: "returns/{file}.{ending}", holes: { file: { name: "name", fits: /^[^/]+$/ } }, endings: ["json"] }],
    };
  },
  routes: async (server, { deps }) => {
    serve(server, listReturns, async () => ({ returns: await deps.database.query("select * from stockroom.returns") }));
    await Promise.resolve();
  },
  page: { path: "/returns", name: "Returns", about: "goods that came back" },
  commands: async (tools) => ({
    list: defineCommand({
      meta: { name: "list", description: "Goods that came back" },
      run: async () => {
        const { deps } = await tools.open();
        tools.print.table(await deps.database.query<{ shop: string; goods: number }>("select shop, goods from stockroom.returns"), {
          json: false,
          empty: "none",
        });
      },
    }),
  }),
  front: async () => ({
    listener: (_request, response) => void response.end("in front of the routes"),
    isGuarded: () => false,
    measure: () => undefined,
    close: async () => undefined,
  }),
  tables: async ({ database }) => {
    const columns = [{ name: "shop", type: "text" } as const, { name: "goods", type: "number" } as const];
    return [
      {
        name: "returns",
        about: "Goods that came back",
        open: async () => ({
          columns,
          places: [
            {
              part: listPart("returns", columns, async () => await database.query("select shop, goods from stockroom.returns")),
              constants: {},
            },
          ],
        }),
      },
    ];
  },
  sample: {
    seed: async ({ objects, actor, workflows }) => {
      await objects.put(actor, "returns/sample.json", textBytes('{"shop":"Leeds","goods":3}'));
      await waitFor("the sample", async () => await workflows.idle());
      return { stored: 1, files: 1 };
    },
    tour: [["stockroom returns list", "goods that came back"]],
  },
  examples: { put: ["stockroom put monday.json returns/monday.json"] },
});

const four = [...modules, returns] as const;

let place: TestPlace;

beforeAll(async () => {
  place = await makePlace({ STOCKROOM_RETURNS_REASON: "too small" });
});

afterAll(async () => await place.remove());

const openFour = async (more: { readonly open?: readonly string[]; readonly serves?: boolean } = {}) =>
  await openAppOf(four, { cwd: place.home, env: place.env, work: true, ...more });

const runOf = async (app: OpenApp, workflow: string) => (await app.workflows.list({ workflow, limit: 10 }))[0]?.state;

describe("a fourth module", () => {
  test("has its settings, table, workflow, schedule, route, page, command, SQL table, sample and examples from one value", async () => {
    const app = await openFour({ serves: true });
    const server = await openServer({
      deps: app,
      settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000 },
      version: "test",
      modules: app.modules,
    });
    try {
      const deps: { readonly database: unknown } = app.returns.deps;
      expect(deps.database).toBe(app.database);
      expect((await app.workflows.schedules()).map(({ name }) => name)).toContain("returns.nightly");
      const stored = await fetch(`${server.url}/objects/returns/monday.json`, { method: "PUT", body: '{"shop":"York","goods":7}' });
      expect(stored.status).toBe(201);
      await settled(app);
      const row = { key: "returns/monday.json", shop: "York", goods: 7, reason: "too small" };
      expect(await (await fetch(`${server.url}/api/returns`)).json()).toEqual({ returns: [row] });
      expect(await (await fetch(`${server.url}/returns/anything`)).text()).toBe("in front of the routes");
      expect(await (await fetch(server.url)).text()).toContain('<a href="/returns">Returns</a>: goods that came back');
      expect(await app.hintOf("returns/monday.jsn")).toContain("returns/monday.json");
      expect((await runWords(place, app, ["returns", "list"], four)).out).toMatch(/York +7/);
      expect((await runWords(place, app, ["sql", "select goods from returns"], four)).out).toMatch(/\b7\b/);
      const last = app.modules.at(-1);
      expect(last?.parts).toBe(app.returns);
      const tools = { objects: app.objects, workflows: app.workflows, actor: operator, signal: new AbortController().signal };
      expect(await last?.module.sample?.seed({ ...tools, say: () => undefined, progress: () => undefined })).toEqual({
        stored: 1,
        files: 1,
      });
      expect((await runWords(place, app, ["returns", "list"], four)).out).toMatch(/Leeds +3/);
    } finally {
      await server.close();
      await app.close();
    }
  });
});

describe("a module that is not open here", () => {
  test("has its runs waiting, its schedules and routes absent; another process takes them up", async () => {
    const scheme =
      "scheme: T-ONE\ncountry: GBR\nversions:\n  - version: '1'\n    valid_from: 2020-01-01\n    codes:\n      - { code: A }\n      - { code: B }\n";
    const some = await openFour({ open: ["returns"] });
    const server = await openServer({
      deps: some,
      settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000 },
      version: "test",
      modules: some.modules,
    });
    try {
      expect((await fetch(`${server.url}/api/classify/lines`)).status).toBe(404);
      expect((await fetch(`${server.url}/api/returns`)).status).toBe(200);
      // A worker opens nothing that only answers.
      expect(some.modules.map(({ front }) => front)).toEqual(some.modules.map(() => undefined));
      const schedules = (await some.workflows.schedules()).map(({ name }) => name);
      expect([schedules.includes("returns.nightly"), schedules.includes("classify.restate")]).toEqual([true, false]);
      await some.objects.put(operator, "classify/schemes/t.yaml", textBytes(scheme));
      await some.objects.put(operator, "returns/later.json", textBytes('{"shop":"Hull","goods":1}'));
      await waitFor("the run of the open module", async () => (await runOf(some, "returns.count")) === "done");
      await waitFor("the run of the other", async () => (await runOf(some, "classify.scheme-import")) !== undefined);
      // What waits for another process keeps nobody here waiting: `up NAME --demo`.
      await waitFor("all that is open to be done", async () => await some.workflows.idle());
      expect(await runOf(some, "classify.scheme-import")).toBe("queued");
    } finally {
      await server.close();
      await some.close();
    }
    const all = await openFour();
    try {
      await waitFor("the run that waited", async () => !["queued", "running"].includes((await runOf(all, "classify.scheme-import")) ?? ""));
      expect(await runOf(all, "classify.scheme-import")).toBe("done");
    } finally {
      await all.close();
    }
  });
});
