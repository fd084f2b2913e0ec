// No row twice and none told as taken without proof: one app, a target and a gateway for each way in which a receiver fails to say.

import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { importIdOf, readRefused, settleBatch } from "../../src/forecast/workflows/sap/deliver.ts";
import { getImport, listUnanswered, markBatch } from "../../src/forecast/store/sap.ts";
import type { App } from "../../src/app.ts";
import { textBytes } from "../kit/app.ts";
import { openSapApp, type SapApp } from "../kit/sap-app.ts";
import type { Fault, Gateway, Habits } from "../kit/sap-gateway.ts";

interface Case {
  readonly habits: Habits;
  readonly kind?: "odata" | "soap" | "file" | "module";
  readonly settings?: readonly string[];
}

const keyed = { set: "Forecasts", keys: ["PRODUCT", "DAY"] };
const shape = { PRODUCT: "Edm.String", DAY: "Edm.DateTime", QUANTITY: "Edm.Decimal" };

const cases = {
  plain: { habits: { repeatability: "none" } },
  rejected: { habits: { repeatability: "rejected" } },
  silent: { habits: { repeatability: "silent" } },
  accepted: { habits: { repeatability: "accepted" } },
  vouched: { habits: { repeatability: "none" }, settings: ["repeatable: true"] },
  half: { habits: { repeatability: "none" } },
  middle: { habits: { repeatability: "none" } },
  keyed: { habits: { repeatability: "none", target: keyed, metadata: shape } },
  keys: { habits: { repeatability: "none", target: keyed }, settings: ["keys: [PRODUCT, DAY]"] },
  late: { habits: { repeatability: "accepted" }, settings: ["remembers: 1 ms"] },
  guarded: { habits: { guard: "echo" }, kind: "soap" },
  unguarded: { habits: { guard: "ignored" }, kind: "soap" },
  torn: { habits: { guard: "ignored" }, kind: "soap" },
  drop: { habits: {}, kind: "file" },
  order: { habits: { repeatability: "none", target: keyed, metadata: shape } },
  older: { habits: { repeatability: "none" } },
  own: { habits: {}, kind: "module" },
  shared: { habits: { repeatability: "none", target: keyed, metadata: shape } },
  mixed: { habits: { repeatability: "none" } },
  apart: { habits: { repeatability: "none" } },
} satisfies Record<string, Case>;

type Name = keyof typeof cases;

let sap: SapApp<Name>;
let folder: string;
let app: App;

const gatewayOf = (name: Name): Gateway => sap.gatewayOf(name);

function settingsOf(name: Name, one: Case, gateway: Gateway): string {
  const { kind = "odata" } = one;
  const way = {
    odata: [`url: ${gateway.url}`, "set: Forecasts", "credentials: secrets/sap.json"],
    soap: [`url: ${gateway.soapUrl}`, "function: Z_FORECAST_IMPORT", "credentials: secrets/sap.json"],
    file: [`folder: ${folder}`],
    module: [`module: ${path.join(folder, "own.mjs")}`],
  }[kind];
  const lines = [
    `kind: ${kind}`,
    ...way,
    "batchRows: 4",
    "pauseMs: 1",
    "timeoutMs: 2000",
    "tries: 3",
    `fields: { PRODUCT: { from: item_id }, DAY: { from: timestamp, as: ${kind === "odata" ? "date" : "dats"} }, QUANTITY: { from: p50, as: decimal } }`,
    ...(one.settings ?? []),
  ];
  return [`      - name: ${name}`, ...lines.map((line) => `        ${line}`)].join("\n");
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "stockroom-drop-"));
  sap = await openSapApp<Name, Case>("targets", cases, {
    gateway: ({ habits }) => ({ set: "Forecasts", keys: ["PRODUCT", "DAY"], count: 0, row: () => ({}), habits }),
    settings: settingsOf,
  });
  ({ app } = sap);
}, 120_000);

afterAll(async () => {
  await sap.close();
  await rm(folder, { recursive: true });
});

type Ref = { readonly key: string; readonly version: string };

async function putExport(name: Name, rows: number, tenth = 5, { first = 0, run = `${name}/r1` } = {}): Promise<Ref> {
  const lines = Array.from({ length: rows }, (_, index) => `P${first + index},2026-12-01,${first + index}.${tenth}`);
  const entry = await app.objects.put(
    { role: "forecast", purpose: "test" },
    `forecast/exports/${run}/forecast.csv`,
    textBytes(["item_id,timestamp,p50", ...lines, ""].join("\n")),
  );
  return { key: entry.key, version: entry.version };
}

type Ended = { readonly kind: string; readonly said: string };

async function deliver(target: Name, source: Ref, group: string = target): Promise<Ended> {
  const input = { kind: "new", target, group, export: source };
  const run = await app.workflows.start("forecast.sap.deliver", input, { id: `forecast.sap.deliver/${importIdOf(target, source)}` });
  const outcome = await app.workflows.outcome(run, { timeoutMs: 120_000 });
  return { kind: outcome.kind, said: JSON.stringify(outcome) };
}

/** The n-th POST (from 1) meets the fault, the others do not. */
function faultAt(gateway: Gateway, nth: number, fault: Fault): void {
  let posts = 0;
  gateway.setFault((_, { method }) => (method === "POST" && (posts += 1) === nth ? fault : undefined));
}

const products = (rows: number): string[] => Array.from({ length: rows }, (_, index) => `P${index}`);
const takenBy = (name: Name): unknown[] => gatewayOf(name).taken.map((row) => row["PRODUCT"]);
const stateOf = async (name: Name, source: Ref) => await getImport(app.database, importIdOf(name, source));

/** A person's word; then the import goes on, as the command has it. */
async function settle(name: Name, source: Ref, batch: number, as: "taken" | "lost"): Promise<unknown> {
  const id = importIdOf(name, source);
  const run = await settleBatch(app.forecast.deps, id, batch, as, "test");
  const letter = (await app.workflows.deadLetters({ state: "waiting" })).find((one) => one.runId === run);
  await app.workflows.redrive(letter?.id ?? "none");
  return await app.workflows.outcome(run ?? "", { timeoutMs: 120_000 });
}

describe("an OData service that does not say it knows repeats", () => {
  test.each(["plain", "rejected", "silent", "vouched"] as const)("is not sent a batch twice: its rows are unsure (%s)", async (name) => {
    const source = await putExport(name, 6);
    faultAt(gatewayOf(name), 1, "cut-after");
    const ended = await deliver(name, source);
    expect(ended.kind).not.toBe("done");
    expect(ended.said).toMatch(/SAP_UNSURE.*rows 1 to 4.*settle/);
    expect(takenBy(name)).toEqual(products(4));
    expect(await stateOf(name, source)).toMatchObject({ state: "unsure", sent: 0, failed: 0, unsure: 4 });
    const notice = (await app.notices.list({ limit: 1_000 })).find((one) => one.title === `4 rows of ${name} are perhaps in ${name}`);
    expect(notice?.severity).toBe("warning");
    // Redriven before anybody has said a word it stays where it is.
    const letter = (await app.workflows.deadLetters({ state: "waiting" })).find((one) => one.runId.endsWith(importIdOf(name, source)));
    await app.workflows.redrive(letter?.id ?? "none");
    expect(await app.workflows.outcome(letter?.runId ?? "", { timeoutMs: 120_000 })).not.toMatchObject({ kind: "done" });
    expect(takenBy(name)).toEqual(products(4));
    expect(await settle(name, source, 1, "taken")).toMatchObject({ kind: "done", value: { taken: 6 } });
    expect(takenBy(name)).toEqual(products(6));
    expect(await stateOf(name, source)).toMatchObject({ state: "done", sent: 6, unsure: 0 });
  });

  test("is sent again what a person calls lost, and no row of it that was answered", async () => {
    const gateway = gatewayOf("half");
    const source = await putExport("half", 4);
    faultAt(gateway, 1, "half");
    expect((await deliver("half", source)).said).toMatch(/SAP_UNSURE.*2 of its 4 rows.*rows 3 to 4/);
    expect(await stateOf("half", source)).toMatchObject({ unsure: 2 });
    gateway.taken.length = 2;
    expect(await settle("half", source, 1, "lost")).toMatchObject({ kind: "done", value: { taken: 4 } });
    expect(takenBy("half")).toEqual(products(4));
  });

  test("whose answer breaks off in the middle leaves certain what it said", async () => {
    const source = await putExport("middle", 4);
    faultAt(gatewayOf("middle"), 1, "cut-middle");
    expect((await deliver("middle", source)).said).toMatch(/SAP_UNSURE/);
    const [open] = await listUnanswered(app.database, importIdOf("middle", source));
    expect(open?.unsure).toBeGreaterThan(0);
    expect(open?.unsure).toBeLessThan(4);
    expect(await settle("middle", source, 1, "taken")).toMatchObject({ kind: "done", value: { taken: 4 } });
    expect(takenBy("middle")).toEqual(products(4));
  });

  test.each(["keyed", "keys"] as const)("and shows what it holds is read back instead (%s)", async (name) => {
    const gateway = gatewayOf(name);
    const source = await putExport(name, 10);
    const faults: (Fault | undefined)[] = [undefined, "cut-after", undefined, "half"];
    let posts = 0;
    gateway.setFault((_, { method }) => (method === "POST" ? faults[posts++] : undefined));
    expect(await deliver(name, source)).toMatchObject({ kind: "done" });
    expect(takenBy(name)).toEqual(products(10));
    expect(await stateOf(name, source)).toMatchObject({ state: "done", sent: 10, unsure: 0 });
  });

  test("and has nothing of a lost batch gets it again, once", async () => {
    const gateway = gatewayOf("keyed");
    gateway.taken.length = 0;
    const source = await putExport("keyed", 12);
    // The second batch dies before it is carried out.
    faultAt(gateway, 2, "cut");
    expect(await deliver("keyed", source)).toMatchObject({ kind: "done" });
    expect(takenBy("keyed")).toEqual(products(12));
  });
});

describe("an OData service that says it knows repeats", () => {
  test("is asked with the same id, even when its first answer dies", async () => {
    const gateway = gatewayOf("accepted");
    const source = await putExport("accepted", 10);
    faultAt(gateway, 1, "cut-after");
    expect(await deliver("accepted", source)).toMatchObject({ kind: "done" });
    expect(takenBy("accepted")).toEqual(products(10));
    expect(gateway.counts.repeats).toBe(1);
  });

  test("is not asked for what it has forgotten by now", async () => {
    const source = await putExport("late", 4);
    const id = importIdOf("late", source);
    faultAt(gatewayOf("late"), 1, "cut-after");
    expect((await deliver("late", source)).said).toMatch(/SAP_UNSURE/);
    expect(takenBy("late")).toEqual(products(4));
    expect(await markBatch(app.database, id, 1, 1, new Date().toISOString())).toMatchObject({ isNew: false, unsure: 4 });
  });
});

describe("a function module", () => {
  test("that gives the request id back is called again; before that its rows are unsure", async () => {
    const gateway = gatewayOf("guarded");
    const source = await putExport("guarded", 8);
    faultAt(gateway, 2, "cut-after");
    expect(await deliver("guarded", source)).toMatchObject({ kind: "done" });
    expect(takenBy("guarded")).toEqual(products(8));
    expect(gateway.counts.repeats).toBe(1);
  });

  test.each([
    ["unguarded", "cut-after"],
    ["torn", "cut-middle"],
  ] as const)("that does not is not called twice (%s)", async (name, fault) => {
    const source = await putExport(name, 8);
    faultAt(gatewayOf(name), 2, fault);
    expect((await deliver(name, source)).said).toMatch(/SAP_UNSURE.*rows 5 to 8/);
    expect(takenBy(name)).toEqual(products(8));
    expect(await settle(name, source, 2, "taken")).toMatchObject({ kind: "done", value: { taken: 8 } });
    expect(takenBy(name)).toEqual(products(8));
  });
});

describe("a folder", () => {
  test("whose file was taken away before its answer was kept does not get it again", async () => {
    const source = await putExport("drop", 4);
    const writer = await import("../../src/forecast/workflows/sap/writers/file.ts");
    const target = app.forecast.deps.settings.sap.targets.find((one) => one.name === "drop");
    if (target?.kind !== "file") throw new Error("drop");
    const open = writer.openFileWriter(target);
    const request = { requestId: "0".repeat(32), madeAt: "2026-11-29T00:00:00.000Z", signal: new AbortController().signal };
    const rows = [{ seq: 1, fields: { PRODUCT: "P0", DAY: "20261201", QUANTITY: "1.000" } }];
    await open.write(rows, request);
    const [name = ""] = (await readdir(folder)).filter((one) => one.endsWith(".csv"));
    await rename(path.join(folder, name), path.join(folder, "processed"));
    expect(await open.write(rows, request)).toMatchObject([{ taken: true }]);
    expect((await readdir(folder)).filter((one) => one.endsWith(".csv"))).toEqual([]);
    await open.forget?.(request);
    expect(await readdir(folder)).toEqual(["processed"]);
    expect(await deliver("drop", source)).toMatchObject({ kind: "done" });
    const [file = ""] = (await readdir(folder)).filter((one) => one.endsWith(".csv"));
    expect((await readFile(path.join(folder, file), "utf8")).trim().split("\n")).toHaveLength(5);
    expect((await readdir(folder)).filter((one) => one.startsWith("."))).toEqual([]);
  });
});

describe("a writer of one's own", () => {
  test("that does not speak of a row is not called again for it", async () => {
    const log = path.join(folder, "own.log");
    const text = `import { appendFile } from "node:fs/promises";
      export const openWriter = () => ({
        write: async (rows) => {
          await appendFile(${JSON.stringify(log)}, rows.map(({ fields }) => fields.PRODUCT + "\\n").join(""));
          return rows.slice(1).map(({ seq }) => ({ seq, taken: true, messages: [] }));
        },
      });`;
    await writeFile(path.join(folder, "own.mjs"), text);
    const source = await putExport("own", 4);
    expect((await deliver("own", source)).said).toMatch(/SAP_UNSURE.*1 of its 4 rows.*rows 1 to 1/);
    expect(await settle("own", source, 1, "taken")).toMatchObject({ kind: "done", value: { taken: 4 } });
    expect((await readFile(log, "utf8")).trim().split("\n")).toEqual(products(4));
  });
});

describe("two forecasts of one group on their way into one target", () => {
  const amounts = (rows: number, tenth: number): string[] => Array.from({ length: rows }, (_, index) => `${index}.${tenth}00`);
  const titles = async (): Promise<string[]> => (await app.notices.list({ limit: 1_000 })).map((notice) => notice.title);

  test("leave the newer one there: the older stops before its next batch, and says so", async () => {
    const gateway = gatewayOf("order");
    const [old, young] = [await putExport("order", 24, 1), await putExport("order", 12, 2)];
    let second: Promise<Ended> | undefined;
    // The newer one is asked for during the first batch of the older one, whose second finds the door shut until the newer one has begun.
    let hasBegun = false;
    let posts = 0;
    gateway.setFault((_, { method }) => {
      if (method !== "POST") return undefined;
      second ??= deliver("order", young);
      return (posts += 1) === 1 || hasBegun ? undefined : 429;
    });
    const begun = vi.waitFor(async () => await stateOf("order", young), { timeout: 60_000 }).then(() => (hasBegun = true));
    expect((await deliver("order", old)).said).toMatch(/"superseded":true/);
    await begun;
    expect(await second).toMatchObject({ kind: "done" });
    expect(gateway.taken.slice(-12).map((row) => row["QUANTITY"])).toEqual(amounts(12, 2));
    expect(gateway.taken.length).toBeLessThan(36);
    expect(await stateOf("order", old)).toMatchObject({ state: "superseded", sent: gateway.taken.length - 12, unsure: 0 });
    expect(await stateOf("order", young)).toMatchObject({ state: "done", sent: 12 });
    expect(await titles()).toContain("A forecast of order was superseded on its way into order");
  });

  test("asked for the wrong way round send the older one not at all, nor what was left of it", async () => {
    const gateway = gatewayOf("older");
    const [old, middle, young] = [await putExport("older", 6, 1), await putExport("older", 6, 2), await putExport("older", 6, 3)];
    // The middle one stops at rows nobody knows of, then the newest comes: what is lost of the middle one does not go out after it.
    faultAt(gateway, 1, "cut-after");
    expect((await deliver("older", middle)).said).toMatch(/SAP_UNSURE/);
    expect((await deliver("older", young)).said).toMatch(/"kind":"done"/);
    expect(await settle("older", middle, 1, "lost")).toMatchObject({ kind: "done", value: { superseded: true } });
    expect((await deliver("older", old)).said).toMatch(/"superseded":true/);
    expect(gateway.taken.map((row) => row["QUANTITY"])).toEqual([...amounts(4, 2), ...amounts(6, 3)]);
    expect(await stateOf("older", middle)).toMatchObject({ state: "superseded", sent: 0 });
    expect(await stateOf("older", old)).toMatchObject({ state: "superseded", sent: 0 });
    const resumed = await app.workflows.start(
      "forecast.sap.deliver",
      { kind: "resume", import: importIdOf("older", old), requestedAt: "later" },
      { id: "resume-older" },
    );
    expect(JSON.stringify(await app.workflows.outcome(resumed, { timeoutMs: 120_000 }))).toMatch(/SAP_IMPORT_SUPERSEDED/);
  });
});

describe("forecasts of two groups on their way into one target", () => {
  const noticed = async (title: string): Promise<string | undefined> =>
    (await app.notices.list({ limit: 1_000 })).find((notice) => notice.title === title)?.body;
  const amountOf = (name: Name, product: string): unknown =>
    gatewayOf(name).taken.findLast((row) => row["PRODUCT"] === product)?.["QUANTITY"];

  test("leave the newest one of each series there; the older one sends the others, and says which it did not send", async () => {
    const gateway = gatewayOf("shared");
    const old = await putExport("shared", 12, 1);
    const young = await putExport("shared", 8, 2, { first: 6, run: "toys/r1" });
    let second: Promise<Ended> | undefined;
    let hasBegun = false;
    let posts = 0;
    gateway.setFault((_, { method }) => {
      if (method !== "POST") return undefined;
      second ??= deliver("shared", young, "toys");
      return (posts += 1) === 1 || hasBegun ? undefined : 429;
    });
    const begun = vi.waitFor(async () => await stateOf("shared", young), { timeout: 60_000 }).then(() => (hasBegun = true));
    expect((await deliver("shared", old)).kind).toBe("done");
    await begun;
    expect(await second).toMatchObject({ kind: "done" });
    for (let index = 0; index < 14; index++) expect(amountOf("shared", `P${index}`)).toBe(`${index}.${index < 6 ? 1 : 2}00`);
    expect(await stateOf("shared", young)).toMatchObject({ state: "done", sent: 8 });
    const told = await noticed("toys writes series into shared that another group writes, too");
    expect(told).toMatch(/6 of shared .*older one and is overwritten/);
  });

  test("asked for the wrong way round, even after a cut answer, do not bring the older rows back", async () => {
    const gateway = gatewayOf("mixed");
    const old = await putExport("mixed", 6, 1);
    const young = await putExport("mixed", 2, 2, { first: 2, run: "tools/r1" });
    faultAt(gateway, 1, "cut-after");
    // Its first four rows are perhaps there; then a newer forecast of P2 and P3 comes.
    expect((await deliver("mixed", old)).said).toMatch(/SAP_UNSURE/);
    expect((await deliver("mixed", young, "tools")).kind).toBe("done");
    expect(await settle("mixed", old, 1, "lost")).toMatchObject({ kind: "done", value: { taken: 4, refused: 2 } });
    expect(gateway.taken.map((row) => `${String(row["PRODUCT"])} ${String(row["QUANTITY"])}`)).toEqual([
      "P0 0.100",
      "P1 1.100",
      "P2 2.100",
      "P3 3.100",
      "P2 2.200",
      "P3 3.200",
      "P0 0.100",
      "P1 1.100",
      "P4 4.100",
      "P5 5.100",
    ]);
    const refused = await readRefused(app.forecast.deps, "test", importIdOf("mixed", old));
    expect(refused.map(({ seq, messages }) => [seq, messages[0]?.text])).toEqual(
      [3, 4].map((seq) => [seq, "not sent any more: the forecast of tools for this series, which goes into mixed too, is newer"]),
    );
    // Resumed, they still are not sent.
    const input = { kind: "resume", import: importIdOf("mixed", old), requestedAt: "later" };
    const resumed = await app.workflows.start("forecast.sap.deliver", input, { id: "resume-mixed" });
    expect(await app.workflows.outcome(resumed, { timeoutMs: 120_000 })).toMatchObject({ kind: "done", value: { refused: 2 } });
    expect(gateway.taken).toHaveLength(10);
  });

  test("that share no series go side by side, and so do exports of folders, whose names change", async () => {
    expect((await deliver("apart", await putExport("apart", 2, 1))).kind).toBe("done");
    expect((await deliver("apart", await putExport("apart", 2, 1, { first: 2, run: "b/r1" }), "b")).kind).toBe("done");
    expect(await noticed("b writes series into apart that another group writes, too")).toBeUndefined();
    for (const [tenth, month] of ["june", "july"].entries()) {
      const source = await putExport("apart", 2, tenth, { first: 4, run: `${month}/direct-${month}` });
      expect((await deliver("apart", source, month)).kind).toBe("done");
    }
    expect(amountOf("apart", "P4")).toBe("4.100");
    expect(await noticed("july writes series into apart that another group writes, too")).toBeUndefined();
  });
});
