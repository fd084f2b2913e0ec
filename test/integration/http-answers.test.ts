// Every route of a running app, asked with success: what it answers is what its declaration says. A route that nobody asks here, or that only
// refuses, fails by its name.

import { tableFromIPC } from "apache-arrow";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { z } from "zod";
import { gather } from "../../src/platform/bytes.ts";
import { insertAudit } from "../../src/classify/store/audit.ts";
import { insertVerdict } from "../../src/classify/store/lines.ts";
import { makeShop } from "../../src/classify/sample/shop.ts";
import { findLatest } from "../../src/forecast/store/runs.ts";
import { problem } from "../../src/platform/web/problem.ts";
import { statusesOf, type RouteSpec } from "../../src/platform/web/route.ts";
import { makeClient } from "../../src/client/index.ts";
import type { App } from "../../src/app.ts";
import { openEntrance, openServer, type OpenServer } from "../../src/server/index.ts";
import { makePlace, openAt, operator, settled, textBytes, waitFor, type TestPlace } from "../kit/app.ts";
import { verdictRow } from "../kit/classify-rows.ts";
import { fieldsOf, makeBrowser } from "../kit/browser.ts";
import { shopDefaults, shopMetadata, shopRelated, shopTarget } from "../kit/forecast-shop.ts";
import { mountAll } from "../kit/routes.ts";
import { seedDoubt, seedImport } from "../kit/sap-app.ts";

let place: TestPlace;
let folder: string;
let app: App;
let server: OpenServer;
let routes: ReadonlyMap<string, RouteSpec>;
/** Routes that were answered as their declaration says. */
const answered = new Set<string>();

const shop = makeShop({ seed: 5, items: 160, countries: ["GBR"], months: ["2026-10"] });

beforeAll(async () => {
  const { server: bare, mounted } = await mountAll();
  await bare.close();
  routes = new Map(mounted.flatMap(({ route }) => (route === undefined ? [] : [[route.name, route] as const])));
  folder = await mkdtemp(path.join(tmpdir(), "stockroom-answers-"));
  place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "1", STOCKROOM_FORECAST_SETTLE_MS: "0" });
  await writeFile(path.join(folder, "items.csv"), "id,country,title,units\na,GBR,kettle,2\n");
  await writeFile(
    path.join(place.home, "stockroom.yaml"),
    `classify:
  warehouses:
    files: { kind: duckdb }
  extracts:
    - { name: sold, kind: sales, warehouse: files, sql: "select * from '${path.join(folder, "items.csv")}'" }
forecast:
  sap:
    sources:
      - { name: facts, url: "http://127.0.0.1:9/none", set: Facts, keys: [Product], credentials: secrets/sap.json, group: facts, columns: { item_id: Product, timestamp: Day, demand: Quantity } }
    targets:
      - { name: drop, kind: file, folder: "${folder}", fields: { PRODUCT: { from: item_id }, DAY: { from: timestamp, as: dats }, QUANTITY: { from: p50, as: decimal } } }
`,
  );
  app = await openAt(place, { work: true, quiet: true });
  server = await openServer({
    deps: app,
    entrance: openEntrance(app),
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000_000 },
    version: "1.2.3",
    modules: app.modules,
  });
  for (const file of shop.files()) {
    if (file.key.includes("/sales/")) await settled(app);
    await app.objects.put(operator, file.key, textBytes(Buffer.from(await gather(file.body())).toString("utf8")), {
      contentType: file.contentType,
    });
  }
  const put = async (key: string, text: string): Promise<void> => void (await app.objects.put(operator, key, textBytes(text)));
  await put("forecast-defaults.yaml", shopDefaults({ related: true }));
  await put("forecast/train/shop.metadata.csv", shopMetadata({ items: 4 }));
  await put("forecast/train/shop.related.csv", shopRelated({ items: 4, months: 32 }));
  await put("forecast/train/shop.csv", shopTarget({ items: 4, months: 30 }));
  await put("forecast/stock/shop.csv", "item_id,store,on_hand,pack_size\nitem_0,store_0,0,12\nitem_1,store_1,500,12\n");
  await settled(app);
  await put("forecast/train/shop.csv", shopTarget({ items: 4, months: 32 }));
  await settled(app);
}, 300_000);

afterAll(async () => {
  await server.close();
  await app.close();
  await place.remove();
  await rm(folder, { recursive: true, force: true });
});

interface Ask {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is answered when things are not so that it can be done. */
  readonly refused?: string;
}

/** Asks a route by its name and holds the answer against its declaration. */
async function ask<T = Record<string, never>>(
  name: string,
  { params = {}, query = {}, body, headers = {}, refused }: Ask = {},
): Promise<T> {
  const route = routes.get(name);
  if (route === undefined) throw new Error(`There is no route ${name}.`);
  const way = route.path.replaceAll(/:([^/]+)|\*/g, (whole, param: string | undefined) => {
    const value = params[param ?? "*"] ?? "";
    return whole === "*" ? value : encodeURIComponent(value);
  });
  const sends = body === undefined ? {} : typeof body === "string" ? { body } : { body: JSON.stringify(body) };
  const typed = body === undefined || typeof body === "string" ? {} : { "content-type": "application/json" };
  const answer = await fetch(`${server.url}${way}?${new URLSearchParams(query).toString()}`, {
    method: route.method,
    headers: { ...typed, ...headers },
    ...sends,
  });
  const text = await answer.text();
  expect([name, flawOf(route, answer, text, refused)]).toEqual([name, undefined]);
  if (refused === undefined) answered.add(name);
  return /^application\/(?:problem\+)?json/.test(answer.headers.get("content-type") ?? "") && !isBytes(route)
    ? JSON.parse(text)
    : (text as T);
}

/** What an answer was that was not as declared: `ask` holds it against nothing. */
const saidBy = (failed: unknown): string =>
  JSON.stringify(typeof failed === "object" && failed !== null && "actual" in failed ? failed.actual : String(failed));

/** Asks the same twice at once: one is done, and the other is told by `code` that it was. Gives the answer of the first. */
async function askTwice<T>(name: string, asked: Omit<Ask, "refused">, code: string): Promise<T> {
  const both = await Promise.allSettled([ask<T>(name, asked), ask<T>(name, asked)]);
  const [done, ...more] = both.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const refusals = both.flatMap((one) => (one.status === "rejected" ? [saidBy(one.reason)] : []));
  expect([name, more.length, refusals.length, refusals[0]]).toEqual([name, 0, 1, expect.stringContaining(code)]);
  if (done === undefined) throw new Error(name);
  return done;
}

const isBytes = ({ answer }: RouteSpec): boolean => answer !== "nothing" && "kind" in answer;

/** In what an answer is not as declared. */
function flawOf(route: RouteSpec, answer: Response, text: string, refused: string | undefined): unknown {
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
  if (refused !== undefined) {
    const told = problem.safeParse(type === "application/problem+json" ? JSON.parse(text) : undefined);
    if (!told.success) return { expected: refused, type, text };
    return told.data.code === refused && told.data.status === answer.status ? undefined : { expected: refused, told: told.data };
  }
  if (!answer.ok || !statusesOf(route).includes(answer.status)) return { status: answer.status, text };
  if (route.answer === "nothing") return text === "" ? undefined : { text };
  if ("kind" in route.answer && route.answer.kind === "bytes") {
    const { types } = route.answer;
    return types.includes(type) || types[0] === "application/octet-stream" ? undefined : { type };
  }
  if (type !== "application/json") return { type };
  return (route.answer as z.ZodType).safeParse(JSON.parse(text)).error?.issues;
}

type Rows = readonly { readonly id: string; readonly [name: string]: unknown }[];

test("the platform's", async () => {
  for (const name of [
    "getLive",
    "getHealth",
    "getReady",
    "getMetrics",
    "getOpenApi",
    "listSubscriptions",
    "listSchedules",
    "listKeys",
    "listGrants",
  ])
    await ask(name);
  for (const name of ["listSettings", "getGrowth", "getHome", "listDamaged", "listTables"]) await ask(name);

  const key = { "*": "answers/one.txt" };
  await ask("putObject", { params: key, body: "one" });
  await ask("putObject", { params: key, body: "two" });
  expect(await ask<string>("getObject", { params: key })).toBe("two");
  await ask("headObject", { params: key });
  expect((await ask<{ objects: Rows }>("listObjectVersions", { query: { key: key["*"] } })).objects).toHaveLength(2);
  const page = await ask<{ next: string }>("listObjects", { query: { limit: "1" } });
  await ask("listObjects", { query: { limit: "1", cursor: page.next } });
  await ask("removeObject", { params: key });
  expect(await ask("lookAtBody", { query: { name: "sales.csv" }, body: shopTarget({ items: 4, months: 30 }) })).toMatchObject({
    lines: expect.any(Array),
  });

  const { runs, next } = await ask<{ runs: Rows; next: string }>("listRuns", { query: { limit: "2" } });
  const more = await ask<{ runs: Rows }>("listRuns", { query: { limit: "2", cursor: next } });
  const all = await ask<{ runs: Rows }>("listRuns", { query: { limit: "4" } });
  expect([...runs, ...more.runs].map(({ id }) => id)).toEqual(all.runs.map(({ id }) => id));
  await ask("listRuns", { query: { cursor: "bm9uZQ" }, refused: "CURSOR_BAD" });
  await ask("listRuns", { query: { status: "done" }, refused: "QUERY_BAD" });
  const { counts } = await ask<{ counts: Rows }>("countRuns", { query: { by: "hour", state: "done" } });
  expect(counts.length).toBeGreaterThan(0);
  await ask("getRun", { params: { id: runs[0]?.id ?? "" } });
  const { lines: logged } = await ask<{ lines: readonly { id: number; run: string }[] }>("listLogs", { query: { limit: "3" } });
  const [firstLine] = logged;
  expect(await ask("listLogs", { query: { after: String(firstLine?.id ?? 0), limit: "2" } })).toEqual({ lines: logged.slice(1) });
  await ask("cancelRun", { params: { id: runs[0]?.id ?? "" }, body: { reason: "a test" }, refused: "RUN_ENDED" });
  await ask("retryRun", { params: { id: runs[0]?.id ?? "" }, refused: "RUN_NOT_ENDED_BADLY" });
  const { lines } = await ask<{ lines: Rows }>("listRunLog", { params: { id: runs[0]?.id ?? "" }, query: { level: "info" } });
  expect(lines.every((line) => typeof line === "object")).toBe(true);
  await ask("rerunRun", { params: { id: "none" }, refused: "RUN_UNKNOWN" });
  const [trained] = (await ask<{ runs: Rows }>("listRuns", { query: { workflow: "classify.train", state: "done" } })).runs;
  expect(await ask("getRun", { params: { id: trained?.id ?? "" } })).toMatchObject({ repeatable: true });
  const again = await ask<{ id: string }>("rerunRun", { params: { id: trained?.id ?? "" }, body: { reason: "to see" } });
  expect(again.id).toMatch(/\/again\/\d{4}-/);
  const acted = await ask<{ done: string[]; failed: Rows }>("cancelRuns", { body: { ids: [runs[0]?.id, "none"] } });
  expect([acted.done, acted.failed.map(({ id }) => id)]).toEqual([[], [runs[0]?.id, "none"]]);
  await ask("retryRuns", { body: { workflow: "no.such" } });
  await ask("cancelRuns", { body: {}, refused: "BODY_BAD" });

  const events = await ask<{ events: readonly { id: number }[]; next: string }>("listEvents", { query: { limit: "3" } });
  const older = await ask<{ events: readonly { id: number }[] }>("listEvents", { query: { limit: "3", cursor: events.next } });
  expect(Math.max(...older.events.map(({ id }) => id))).toBeLessThan(Math.min(...events.events.map(({ id }) => id)));
  const notices = await ask<{ notices: Rows; next: string }>("listNotices", { query: { limit: "1" } });
  await ask("listNotices", { query: { cursor: notices.next } });
  await ask("listNotices", { query: { cursor: "bm9uZQ" }, refused: "CURSOR_BAD" });
  const noticeId = notices.notices[0]?.id ?? "";
  await ask("resendNotice", { params: { id: noticeId }, body: { channel: "none" }, refused: "NOTICE_NOT_FAILED" });
  await app.database.query(
    `insert into stockroom.notice_deliveries (notice, channel, state, error) values ($1, 'log', 'failed', 'a test')
     on conflict (notice, channel) do update set state = 'failed'`,
    [noticeId],
  );
  const sent = await ask<{ deliveries: readonly { channel: string; run: string }[] }>("resendNotice", { params: { id: noticeId } });
  expect(sent.deliveries.map(({ channel }) => channel)).toEqual(["log"]);
  expect(await app.workflows.outcome(sent.deliveries[0]?.run ?? "")).toMatchObject({ kind: "done" });
  const uses = await ask<{ next: string }>("listKeyUses", { query: { limit: "2", role: "operator" } });
  await ask("listKeyUses", { query: { limit: "2", cursor: uses.next } });
  await ask("forgetSubscription", { params: { name: "none" }, refused: "SUBSCRIPTION_UNKNOWN" });
  await app.database.query(
    `insert into stockroom.subscription (name, kind, prefix, workflow, seen_at) values ('gone', 'test.gone', '', 'test.gone', now() - interval '1 day')`,
  );
  expect(await ask("forgetSubscription", { params: { name: "gone" } })).toEqual({ events: 0, runs: 0 });

  await ask("allowGrant", { params: { role: "visitor", zone: "general", access: "read" } });
  await ask("denyGrant", { params: { role: "visitor", zone: "general", access: "read" } });
  await ask("allowGrant", { params: { role: "visitor", zone: "general", access: "own" }, refused: "PATH_BAD" });
  await ask("rotateKey", { params: { zone: "general" } });
}, 120_000);

test("schedules rest, go on, and run now", async () => {
  const name = "app.scrub";
  const paused = async () => {
    const { schedules } = await ask<{ schedules: readonly { name: string; nextAt: string; paused?: { by: string; reason: string } }[] }>(
      "listSchedules",
    );
    return schedules.find((one) => one.name === name);
  };
  await ask("pauseSchedule", { params: { name }, body: { reason: "a busy day" } });
  expect(await paused()).toMatchObject({ nextAt: "paused", paused: { reason: "a busy day" } });
  expect(await app.workflows.startDueSchedules()).not.toContainEqual(expect.stringContaining(name));
  await ask("resumeSchedule", { params: { name } });
  expect((await paused())?.paused).toBeUndefined();
  const { run } = await ask<{ run: string }>("runSchedule", { params: { name } });
  expect(run).toContain(`schedule/${name}/now/`);
  await ask("pauseSchedule", { params: { name: "none" }, refused: "SCHEDULE_UNKNOWN" });
});

/** Trains the line on more than its first file, so that it has a model beside its champion. */
async function secondModel(line: string, champion: string): Promise<string> {
  const labelled = [...shop.files()].find(({ key }) => key.includes("/labelled/"));
  const text = labelled === undefined ? "" : Buffer.from(await gather(labelled.body())).toString("utf8");
  await app.objects.put(operator, "classify/labelled/GBR/some.csv", textBytes(text.split("\n").slice(0, 81).join("\n")));
  await settled(app);
  const { models } = await ask<{ models: Rows }>("listClassifyModels", { query: { line } });
  const second = models.find(({ id }) => id !== champion)?.id;
  if (second === undefined) throw new Error(`${line} has no second model.`);
  return second;
}

/** A promotion that waits for a person takes a month of history to come by; it is written as it would be. */
async function holdPromotion(between: { readonly line: string; readonly challenger: string; readonly champion: string }): Promise<void> {
  const verdict = verdictRow("answers-held", between.line, between.challenger, {
    champion: between.champion,
    decision: "held",
    promoted: false,
    at: new Date().toISOString(),
  });
  await app.database.transaction(async (tx) => {
    await insertVerdict(tx, verdict);
    const written = [{ table: "classify_verdict", where: { id: verdict.id } }] as const;
    await insertAudit(tx, app.classify.deps.vault, { at: verdict.at, kind: "verdict", record: {}, written });
  });
}

test("classification's", async () => {
  const period = "2026-10";
  const { lines } = await ask<{ lines: readonly { line: string; champion: string }[] }>("listClassifyLines");
  const [{ line, champion } = { line: "", champion: "" }] = lines;
  const models = await ask<{ models: Rows; next: string }>("listClassifyModels", { query: { limit: "1" } });
  const rest = await ask<{ models: Rows }>("listClassifyModels", { query: { limit: "1", cursor: models.next } });
  expect(rest.models.map(({ id }) => id)).not.toEqual(models.models.map(({ id }) => id));
  for (const name of [
    "listClassifyVerdicts",
    "listClassifyCodings",
    "listClassifyChampions",
    "listClassifyPeriods",
    "getClassifyReviewRates",
    "getClassifyReviewCounts",
  ])
    await ask(name);
  await ask("listClassifySchemes");
  await ask("listClassifySchemes", { query: { scheme: "GBR-WASTE" } });
  await ask("getClassifyReport", { query: { period } });
  await ask("restateClassifyReport", { body: { period } });
  await ask("listClassifyRejected", { query: { period, limit: "1" } });
  const queue = await ask<{ reviews: Rows; next: string }>("listClassifyReviews", { query: { limit: "1" } });
  const second = await ask<{ reviews: Rows }>("listClassifyReviews", { query: { limit: "1", cursor: queue.next } });
  const both = await ask<{ reviews: readonly { id: string; line: string; schemeVersion: string; itemId: string }[] }>(
    "listClassifyReviews",
    { query: { limit: "2" } },
  );
  expect([...queue.reviews, ...second.reviews].map(({ id }) => id)).toEqual(both.reviews.map(({ id }) => id));
  const [review] = both.reviews;
  const { schemes } = await ask<{
    schemes: readonly [{ scheme: { versions: readonly { version: string; codes: readonly { code: string; heading?: true }[] }[] } }];
  }>("listClassifySchemes", { query: { scheme: review?.line.replace("GBR-", "") ?? "" } });
  const version = schemes[0].scheme.versions.find((one) => one.version === review?.schemeVersion);
  const [one = "", other = ""] = (version?.codes ?? []).filter(({ heading }) => heading !== true).map(({ code }) => code);
  await askTwice("answerClassifyReview", { params: { id: review?.id ?? "" }, body: { code: one, by: "ann" } }, "REVIEW_ANSWERED");
  const amended = { code: other, by: "ann", reason: "looked again" };
  await askTwice("amendClassifyReview", { params: { id: review?.id ?? "" }, body: amended }, "REVIEW_SAME");

  await ask("setClassifyChampion", { body: { line, model: champion, reason: "a test" }, refused: "CHAMPION_ALREADY" });
  await ask("ruleOnHeldChampion", { body: { held: line, ruling: "approved", reason: "a test" }, refused: "HELD_MISSING" });
  const rival = await secondModel(line, champion);
  const word = { reason: "a test", by: "ann" };
  expect(await ask("setClassifyChampion", { body: { line, model: rival, ...word } })).toMatchObject({ model: rival, kind: "set" });
  await holdPromotion({ line, challenger: champion, champion: rival });
  expect(await ask("listClassifyChampions", { query: { line } })).toMatchObject({ held: [{ challenger: champion, champion: rival }] });
  const approval = { body: { held: line, ruling: "approved", ...word } };
  const ruled = await askTwice("ruleOnHeldChampion", { body: { ...approval.body, held: "answers-held" } }, "HELD_RULED");
  expect(ruled).toMatchObject({ line, ruling: "approved", by: "ann" });
  expect(await ask("listClassifyChampions", { query: { line } })).toMatchObject({
    champions: [{ model: champion, kind: "approved" }, {}, {}],
  });
  await ask("ruleOnHeldChampion", { ...approval, refused: "HELD_MISSING" });
  await ask("setClassifyAutomatic", { body: { line, automatic: false, reason: "a test" } });
  for (const [name, body] of [
    ["trainClassify", { line }],
    ["compareClassify", { line }],
    ["inferClassify", { period }],
    ["extractClassify", { period }],
  ] as const)
    await ask(name, { body });
  const rules = [...shop.files()].filter(({ key }) => key.includes("/schemes/"));
  expect(rules.length).toBeGreaterThan(0);
  const contents = await Promise.all(rules.map(async ({ body }) => Buffer.from(await gather(body())).toString("utf8")));
  await ask("importClassifySchemes", {
    body: { files: rules.map(({ key }, at) => ({ name: path.basename(key), content: contents[at] })) },
  });
  await ask("importClassifySchemes", { body: { files: [{ name: "waste.json", content: "{" }] }, refused: "SCHEMES_BAD" });
  const file = "GBR/mappings-of-strangers";
  await ask("listClassifyMappings", { query: { file } });
  await ask("setClassifyMapping", { body: { file, intake: { scheme: "X" } }, refused: "LABELLED_MISSING" });
  await app.objects.put(operator, `classify/labelled/${file}.csv`, textBytes("name,a,b\n"));
  await ask("setClassifyMapping", { body: { file, intake: { map: { a: "label", name: "text" } } } });
  await ask("setClassifyMapping", { body: { file, intake: { mpa: {} } }, refused: "BODY_BAD" });
  expect((await ask<{ mappings: Rows }>("listClassifyMappings", { query: { file } })).mappings).toHaveLength(1);
  await ask("forgetClassifyMappings", { query: { file } });
  await ask("forgetClassifyMappings", { query: { file }, refused: "CLASSIFY_MAPPING_MISSING" });
  await ask("recodeClassifySchemes", { body: { period, scheme: "GBR-WASTE" } });
  await settled(app);
  await ask("getClassifyAuditItem", { query: { id: review?.itemId ?? "", period } });
  const { head } = await ask<{ head: string }>("getClassifyAuditHead");
  await ask("verifyClassifyAudit", { query: { anchor: head } });
  await ask("adoptClassifyAudit", { body: { by: "ann", reason: "a test" } });
  const log = await ask<string>("exportClassifyAudit");
  expect(
    log
      .trim()
      .split("\n")
      .map((each) => typeof JSON.parse(each)),
  ).toContain("object");
}, 240_000);

test("forecasting's", async () => {
  const query = { group: "shop" };
  await ask("listForecastGroups");
  const page = await ask<{ runs: Rows; next: string }>("listForecasts", { query: { ...query, limit: "1" } });
  const second = await ask<{ runs: Rows }>("listForecasts", { query: { ...query, limit: "1", cursor: page.next } });
  expect(second.runs.map(({ id }) => id)).not.toEqual(page.runs.map(({ id }) => id));
  const id = (await findLatest(app.database, "shop"))?.id ?? "";
  await ask("getForecast", { params: { id } });
  await ask("getForecastExport", { params: { id, "*": "forecast" } });
  await ask("getForecastDashboard", { params: { id } });
  await ask("getForecastFigures", { params: { id }, query: { by: "store", category: "tea" } });
  expect(await ask("getForecastCurve", { params: { id }, query: { category: "juice" } })).toMatchObject({
    series: 2,
    summed: { windows: 2 },
  });
  expect(await ask("getForecastCurve", { params: { id }, query: { identifier: "item_1" } })).toMatchObject({ summed: { method: "own" } });
  await ask("getForecastCurve", { params: { id }, query: { shelf: "3" }, refused: "FORECAST_AXIS" });
  const cells = await ask<{ rows: Rows; next: string }>("getForecastCells", { params: { id }, query: { limit: "1", store: "store_1" } });
  expect(cells).toMatchObject({ total: 2, rows: [{ ids: ["item_3", "store_1"] }] });
  const others = await ask("getForecastCells", { params: { id }, query: { store: "store_1", cursor: cells.next } });
  expect(others).toMatchObject({ rows: [{ ids: ["item_1", "store_1"] }] });
  await ask("getMonitor", { query });
  await ask("getValueAdded", { query });

  const word = { group: "shop", kind: "set", value: 100, where: "item_id = item_0", from: "2024-09-01", author: "Ada", reason: "festival" };
  expect(await ask("listForecastExceptions", { params: { id }, query: { store: "store_0" } })).toMatchObject({ series: 2 });
  const { author: _author, reason: _reason, group: _group, ...said } = word;
  expect(await ask("previewAdjustments", { body: { group: "shop", words: [said] } })).toMatchObject({
    series: 1,
    cells: [{ ids: ["item_0", "store_0"], at: "2024-09-01", after: { mean: 100 } }],
    sum: { after: 100 },
    orders: [{ ids: ["item_0", "store_0"] }],
  });
  await ask("previewAdjustments", {
    body: { group: "shop", words: [{ ...said, where: "item_id = item_9" }] },
    refused: "ADJUSTMENT_NO_SERIES",
  });
  expect(await ask("listAdjustments", { query })).toMatchObject({ adjustments: [] });
  const { adjustment } = await askTwice<{ adjustment: { id: string } }>("adjustForecast", { body: word }, "ADJUSTMENT_SAID");
  await ask("adjustForecast", { body: { ...word, value: 50, from: "2024-10-01" } });
  expect(await ask("previewAdjustments", { body: { group: "shop", words: [said] } })).toMatchObject({
    warnings: [expect.stringContaining(`Adjustment ${adjustment.id} says the same already (Ada: festival)`)],
  });
  const last = await ask<{ adjustments: Rows; next: string }>("listAdjustments", { query: { limit: "1" } });
  const before = await ask<{ adjustments: Rows }>("listAdjustments", { query: { limit: "1", cursor: last.next } });
  expect(before.adjustments.map((one) => one.id)).toEqual([adjustment.id]);
  await askTwice("withdrawAdjustment", { params: { id: adjustment.id }, body: { author: "Ada" } }, "ADJUSTMENT_WITHDRAWN");

  const question = { forecast: "shop", author: "Ada" };
  const explained = await ask<{ scenario: string }>("askExplain", { body: { ...question, item: "item_0" } });
  const stocked = await ask<{ scenario: string }>("askReplenish", { body: question });
  const again = await ask<{ scenario: string }>("askReplenish", {
    body: { ...question, leadTime: 2, service: { kind: "fill", level: 0.9 } },
  });
  await ask("askWhatif", { body: { ...question, set: "priec *= 0.9" }, refused: "SCENARIO_FAULTS" });
  const cheaper = await ask<{ scenario: string }>("askWhatif", { body: { ...question, set: "price *= 0.9" } });
  await settled(app);
  const scenarios = await ask<{ next: string }>("listScenarios", { query: { limit: "1" } });
  await ask("listScenarios", { query: { limit: "1", cursor: scenarios.next } });
  await ask("getScenario", { params: { id: stocked.scenario } });
  await ask("getScenario", { params: { id: cheaper.scenario } });
  expect(explained.scenario).not.toBe("");
  await ask("getScenarioExport", { params: { id: stocked.scenario, "*": "orders" } });
  await ask("compareScenarios", { query: { ids: `${stocked.scenario},${again.scenario}` } });

  await ask("listForecastMappings");
  await ask("setForecastMapping", { body: { group: "shop", intake: { map: { demand: "demand" } } } });
  expect((await ask<{ mappings: Rows }>("listForecastMappings", { query })).mappings).toHaveLength(1);
  await ask("setForecastMapping", { body: { group: "shop", intake: { mpa: {} } }, refused: "BODY_BAD" });
  await ask("forgetForecastMappings", { query });
  await ask("forgetForecastMappings", { query, refused: "FORECAST_MAPPING_MISSING" });

  const { content } = await ask<{ content: string }>("getForecastDefaults");
  await ask("checkForecastDefaults");
  await ask("checkForecastDefaults", { body: { content: "Default: {}" } });
  await ask("getForecastDefaultsSample");
  await ask("putForecastDefaults", { body: { content: "Default: [" }, refused: "DEFAULTS_INVALID" });
  await ask("putForecastDefaults", { body: { content } });

  const { import: importId } = await ask<{ import: string }>("exportToSap", { body: { forecast: "shop", to: "drop" } });
  await settled(app);
  // Nobody answers there, so that it is tried again for long.
  const { run } = await ask<{ run: string }>("extractFromSap", { body: { source: "facts" } });
  await ask("cancelRun", { params: { id: run }, body: { reason: "nobody is there" } });
  expect(await app.events.list({ kind: "run.cancelled" })).toMatchObject([{ subject: run, data: { reason: "nobody is there" } }]);
  await ask("retryRun", { params: { id: run } });
  expect(await ask("cancelRuns", { body: { workflow: "forecast.sap.extract" } })).toEqual({ done: [run], failed: [] });
  expect(await ask("retryRuns", { body: { workflow: "forecast.sap.extract", state: "cancelled" } })).toEqual({ done: [run], failed: [] });
  expect(await ask("cancelRuns", { body: { ids: [run] } })).toEqual({ done: [run], failed: [] });
  await ask("listSapImports", { query: { limit: "1" } });
  await ask("getSapImport", { params: { id: importId } });
  await ask("resumeSapImport", { params: { id: importId }, refused: "SAP_IMPORT_NOT_PARTLY" });
  await seedImport(app, { target: "drop" });
  await ask("resumeSapImport", { params: { id: "shop-1" } });
  await ask("settleSapImport", { params: { id: importId }, body: { batch: 1, as: "taken" }, refused: "SAP_BATCH_CERTAIN" });
  await seedDoubt(app, { id: "shop-2", target: "drop" });
  const doubt = { params: { id: "shop-2" }, body: { batch: 1, as: "taken" } };
  expect(await ask("settleSapImport", doubt)).toMatchObject({ import: "shop-2", batch: 1, as: "taken" });
  expect(await ask("getSapImport", { params: { id: "shop-2" }, query: { answers: "all" } })).toMatchObject({
    unsure: [],
    answers: [
      { seq: 1, taken: true },
      { seq: 2, taken: true, messages: [{ text: "settled by hand" }] },
    ],
  });
  await ask("settleSapImport", { ...doubt, refused: "SAP_BATCH_CERTAIN" });
}, 240_000);

test("dead letters, after runs that could not be done", async () => {
  // The source and the resumed import of before have nobody to speak to.
  for (const id of ["forecast.sap.extract", "forecast.sap.deliver"]) {
    const { runs } = await ask<{ runs: Rows }>("listRuns", { query: { workflow: id } });
    expect([id, runs.length > 0]).toEqual([id, true]);
  }
  await app.workflows.start("classify.train", { line: "none", key: "none", version: "1" }, { id: "answers/dead/1" });
  await app.workflows.start("classify.train", { line: "none", key: "none", version: "2" }, { id: "answers/dead/2" });
  for (const id of ["answers/dead/1", "answers/dead/2"]) await app.workflows.outcome(id);
  const { letters } = await ask<{ letters: readonly { id: string; runId: string }[] }>("listDead", { query: { state: "waiting" } });
  const [one = "", two = ""] = ["answers/dead/1", "answers/dead/2"].map((run) => letters.find(({ runId }) => runId === run)?.id ?? "");
  await ask("getDead", { params: { id: one } });
  await askTwice("redriveDead", { params: { id: one }, body: { reason: "try again" } }, "DEAD_LETTER_SETTLED");
  await askTwice("dropDead", { params: { id: two }, body: { reason: "poison" } }, "DEAD_LETTER_SETTLED");
  expect(await app.events.list({ kind: "dead.dropped" })).toMatchObject([{ subject: two, data: { reason: "poison" } }]);
  await app.workflows.outcome("answers/dead/1");
  const again = await ask<{ done: string[] }>("redriveManyDead", { body: { workflow: "classify.train", reason: "once more" } });
  expect(again.done).toHaveLength(1);
  await app.workflows.outcome("answers/dead/1");
  const dropped = await ask<{ done: string[] }>("dropManyDead", { body: { all: true } });
  expect(dropped.done.length).toBeGreaterThan(0);
}, 120_000);

test("SQL's, in each form", async () => {
  const rows = JSON.parse(
    await ask<string>("askSql", { body: { query: "select identifier, dataset_group from aggregated order by all limit 3", limit: 2 } }),
  );
  expect(rows).toMatchObject({
    columns: ["identifier", "dataset_group"],
    rows: [[expect.any(String), "shop"], expect.any(Array)],
    more: true,
  });
  const csv = await ask<string>("askSql", { body: { query: "select 1 as one, 'a' as word" }, headers: { accept: "text/csv" } });
  expect(csv).toBe("one,word\n1,a\n");
  expect(await ask<string>("askSql", { body: { query: "select 1 as one", format: "parquet" } })).toMatch(/^PAR1/);
  // Both of our own tables and of the sealed ones: a schema without rows, names told apart, and no type lost.
  const arrowOf = async (body: object) => {
    const answer = await fetch(`${server.url}/api/sql`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/vnd.apache.arrow.stream" },
      body: JSON.stringify(body),
    });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/vnd.apache.arrow.stream"]);
    const { schema, numRows } = tableFromIPC(new Uint8Array(await answer.arrayBuffer()));
    return [schema.fields.map(String), numRows];
  };
  expect(await arrowOf({ query: "select 1::bigint as n, 'x' as n, now()::timestamp as at", limit: 1 })).toEqual([
    ["n: Int64", "n_1: Utf8", "at: Timestamp<MICROSECOND>"],
    1,
  ]);
  expect(
    await arrowOf({ query: "select 1::bigint as n, now() as n, '\\x00'::bytea as raw, null::jsonb as more where false", system: true }),
  ).toEqual([["n: Int64", "n_1: Timestamp<MICROSECOND, UTC>", "raw: Binary", "more: Utf8"], 0]);
  expect(JSON.parse(await ask<string>("askSql", { body: { query: "select 1 as id, 2 as id", system: true } }))).toMatchObject({
    columns: ["id", "id_1"],
    rows: [[1, 2]],
  });
  expect(JSON.parse(await ask<string>("askSql", { body: { query: "select count(*) as n from run", system: true } }))).toMatchObject({
    columns: ["n"],
  });
  await ask("askSql", { body: { query: "drop table run" }, refused: "WAREHOUSE_SQL" });
  await ask("askSql", { body: { query: "select" }, refused: "WAREHOUSE_SQL" });
  await ask("askSql", {
    body: { query: "select count(*) from range(1000000000000000) where hash(range) = 1", timeoutSeconds: 1 },
    refused: "SQL_TIMEOUT",
  });
});

/** Processes of this one that answer queries. */
async function askers(): Promise<number> {
  const found = await Promise.all(
    (await readdir("/proc"))
      .filter((name) => /^\d+$/.test(name))
      .map(async (pid) => {
        const [status, command] = await Promise.all(
          ["status", "cmdline"].map(async (file) => await readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
        );
        return command?.includes("isolated") && status?.includes(`PPid:\t${process.pid}\n`) && !status.includes("State:\tZ");
      }),
  );
  return found.filter(Boolean).length;
}

test.runIf(process.platform === "linux")(
  "a caller who goes away ends the query",
  async () => {
    const endless = "select count(*) from range(1000000000000000) where hash(range) = 1";
    const gone = new AbortController();
    const client = makeClient({ url: server.url });
    const queries = Array.from(
      { length: 4 },
      async () => await client.call("POST /api/sql", { body: { query: endless, timeoutSeconds: 600 }, signal: gone.signal }),
    );
    await waitFor("the queries to run", async () => (await askers()) === 4);
    await ask("askSql", { body: { query: "select 1" }, refused: "SQL_BUSY" });
    gone.abort();
    for (const query of queries) await expect(query).rejects.toThrow(/abort/i);
    await waitFor("the queries to end", async () => (await askers()) === 0);
    await ask("askSql", { body: { query: "select 1" } });
  },
  120_000,
);

test("the stream's begin", async () => {
  answered.add("streamChanges"); // http-stream.test.ts tells the rest
  const begun = await makeClient({ url: server.url }).call("GET /api/stream");
  expect([begun.status, begun.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  await begun.body?.cancel();
});

test("a group goes at last", async () => {
  expect(await ask("removeForecastGroup", { params: { id: "shop" } })).toMatchObject({ group: "shop" });
});

test("sign-in's", async () => {
  expect(await ask("getMe")).toMatchObject({ via: "local" });
  await ask("setMyPassword", { body: { current: "none", password: "a password of some length" }, refused: "PASSWORD_NOT_HERE" });
  const made = await ask<{ token: { id: string }; secret: string }>("addToken", {
    body: { name: "notebook", roles: ["administrator"], machine: true },
  });
  // From the first user on, everybody says who they are.
  const headers = { authorization: `Bearer ${made.secret}` };
  await ask("addUser", { body: { name: "anna", roles: ["viewer"], password: "a password of some length" }, headers });
  await ask("listUsers", { headers });
  await ask("changeUser", { params: { name: "anna" }, body: { roles: ["planner"] }, headers });
  await ask("endSession", { params: { id: "none" }, headers, refused: "SESSION_MISSING" });
  const browser = makeBrowser();
  const enter = async (password: string): Promise<Readonly<Record<string, string>>> => {
    const fields = fieldsOf(await browser.get(`${server.url}/sign-in`), "/sign-in");
    await browser.post(`${server.url}/sign-in`, { ...fields, name: "anna", password });
    const cookie = browser.cookies(server.url).get("stockroom_session")?.value ?? "";
    return { cookie: `stockroom_session=${cookie}`, origin: server.url };
  };
  const sessionsOf = async (): Promise<Rows> => (await ask<{ sessions: Rows }>("listSessions", { headers })).sessions;
  const [first, second] = ["a password of some length", "another one of some length"];
  const anna = await enter(first);
  await ask("setMyPassword", { body: { current: second, password: second }, headers: anna, refused: "SIGN_IN_FAILED" });
  await ask("setMyPassword", { body: { current: first, password: second }, headers: anna });
  await ask("getMe", { headers: anna, refused: "TOKEN_WANTED" });
  await ask("getMe", { headers: await enter(second) });
  const [session] = (await sessionsOf()).filter(({ userId }) => userId === "password:anna");
  await ask("endSession", { params: { id: session?.id ?? "" }, headers });
  expect((await sessionsOf()).filter(({ id }) => id === session?.id)).toEqual([]);
  await ask("removeUser", { params: { name: "anna" }, headers });
  await ask("listTokens", { headers });
  await ask("revokeToken", { params: { id: made.token.id }, headers });
});

test("none was left out, and none was only refused", () => {
  expect([...routes.keys()].filter((name) => !answered.has(name))).toEqual([]);
});
