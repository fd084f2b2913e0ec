// What a planner is told of a forecast that rests on a guess: at the upload, in the notice, in lists, on pages, over HTTP, in the dashboard.

import { afterAll, beforeAll, expect, test } from "vitest";
import { findLatest, listRuns, requestGroup } from "../../src/forecast/store/runs.ts";
import type { App } from "../../src/app.ts";
import type { ScenarioDetail, ScenarioList } from "../../src/forecast/module.ts";
import type { StoredObject } from "../../src/server/api.ts";
import type { OpenServer } from "../../src/server/index.ts";
import { runWords, type Told } from "../kit/command.ts";
import { shopDefaults, shopMetadata, shopRelated, shopTarget } from "../kit/forecast-shop.ts";
import { openServed, operator, settled, textBytes, type ServedApp, type TestPlace } from "../kit/app.ts";

let place: TestPlace;
let served: ServedApp;
let app: App;
let server: OpenServer;

const size = { items: 2, months: 30 } as const;

const put = async (key: string, text: string): Promise<string> => (await app.objects.put(operator, key, textBytes(text))).version;

const putHttp = async (key: string, body: string): Promise<string | undefined> => {
  const answer = await fetch(`${server.url}/objects/${key}`, { method: "PUT", body });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the test then checks
  return ((await answer.json()) as StoredObject).hint;
};

const stockroom = async (...words: readonly string[]): Promise<Told> => await runWords(place, app, ["forecast", ...words]);

const text = async (path: string): Promise<string> => await (await fetch(`${server.url}${path}`)).text();

beforeAll(async () => {
  served = await openServed({ STOCKROOM_FORECAST_SETTLE_MS: "0" });
  ({ app, place, server } = served);
});

afterAll(async () => await served.close());

const short =
  /price of forecast\/train\/shop\.related\.csv ends before the horizon for 2 of 2 series, the first being item_0 \/ store_0 at 2024-07-01 \(needed to 2024-09-01\)\. It was left out\. Add its values to 2024-09-01, or say what it will be: futurefill/;

test("a related file that ends with the history is told at the upload, and wherever the forecast is shown", async () => {
  await put("forecast-defaults.yaml", shopDefaults({ related: true }));
  await put("forecast/train/shop.metadata.csv", shopMetadata(size));
  // Nothing can be told before the target is there; then the answer to either upload tells it.
  expect(await putHttp("forecast/train/shop.related.csv", shopRelated(size, 0))).toBeUndefined();
  expect(await putHttp("forecast/train/shop.csv", shopTarget(size))).toMatch(short);
  expect(await putHttp("forecast/train/shop.related.csv", shopRelated(size, 0))).toMatch(short);
  await settled(app);
  const run = await findLatest(app.database, "shop");
  expect(run?.summary).toMatchObject({ warnings: [expect.stringMatching(short)] });
  const notice = (await app.notices.list({ limit: 100 })).find(({ id }) => id === `forecast.done/${run?.id}`);
  expect(notice).toMatchObject({ severity: "warning", body: expect.stringMatching(short) });
  expect(JSON.parse((await stockroom("list", "--json")).out)).toMatchObject([
    { forecast: { summary: { warnings: [expect.stringMatching(short)] } } },
  ]);
  expect((await stockroom("show", "shop")).out.replaceAll(/\s+/g, " ")).toMatch(short);
  expect(await text("/forecast")).toMatch(short);
  expect(await text("/forecast/shop")).toMatch(short);
  expect(await text(`/api/forecast/runs/${run?.id}`)).toMatch(short);
  expect(await text(`/api/forecast/runs/${run?.id}/dashboard`)).toMatch(short);
  expect(await text(`/api/forecast/runs/${run?.id}/exports/dashboard.html`)).toMatch(short);
});

test("events are put as a file beside the others, and other events make another forecast", async () => {
  const events =
    "name,date,place,after\nFair,2022-05-10..2022-05-20,,0\nFair,2023-05-10..2023-05-20,,0\nFair,2024-08-10..2024-08-20,,0\nMars,2023-01-01,mars,0\n";
  expect(await putHttp("forecast/train/shop.event.csv", events)).toMatch(/did you mean forecast\/train\/shop\.events\.csv/);
  expect(await putHttp("forecast/train/shop.related.csv", shopRelated(size, 3))).toBeUndefined();
  await settled(app);
  const before = await findLatest(app.database, "shop");
  expect(await putHttp("forecast/train/shop.events.csv", events)).toBeUndefined();
  await settled(app);
  const run = await findLatest(app.database, "shop");
  expect(run?.id).not.toBe(before?.id);
  expect(run).toMatchObject({ inputs: { events: { key: "forecast/train/shop.events.csv" } } });
  expect(run?.summary).toMatchObject({ warnings: [expect.stringMatching(/^Events in mars \(1 events\) are left out/)] });
  // The same again trains nothing; what cannot be read is told by line.
  await put("forecast/train/shop.events.csv", events);
  await settled(app);
  expect((await findLatest(app.database, "shop"))?.id).toBe(run?.id);
  await put("forecast/train/shop.events.csv", "name,date\nFair,soon\n");
  await settled(app);
  expect((await listRuns(app.database, { group: "shop", limit: 1 }))[0]).toMatchObject({
    state: "failed",
    why: expect.stringMatching(/shop\.events\.csv.*line 2.*"soon"/),
  });
  await put("forecast/train/shop.events.csv", events);
  await settled(app);
});

test("a what-if far outside anything seen says so in its answer, over HTTP and on the page", async () => {
  const told = /far outside anything seen: 50 of item_0 \/ store_0 at 2024-07-01, but seen were 1\.5 to 2/;
  const asked = await stockroom("scenario", "whatif", "shop", "--set", "price = 50", "--author", "Ada", "--wait", "--json");
  expect([asked.exit, asked.said]).toEqual([0, asked.said]);
  const { id } = JSON.parse(asked.out);
  const list: ScenarioList = JSON.parse(await text("/api/forecast/scenarios?group=shop&kind=whatif"));
  expect(list.scenarios).toMatchObject([{ id, summary: { warnings: [expect.stringMatching(told)] } }]);
  const one: ScenarioDetail = JSON.parse(await text(`/api/forecast/scenarios/${id}`));
  expect(one.scenario.summary).toMatchObject({ warnings: [expect.stringMatching(told)] });
  expect(one.exports.map(({ name }) => name).toSorted()).toEqual(["comparison", "forecast"]);
  expect(await text("/forecast/-/scenarios")).toMatch(told);
  expect((await stockroom("scenario", "show", id)).said).toMatch(told);
});

test("a request that comes while the files are read supersedes the forecast, which ends so", async () => {
  const { checks } = app.forecast.deps;
  const read = checks.run.bind(checks);
  let isFirst = true;
  Object.assign(checks, {
    run: async (...asked: Parameters<typeof checks.run>) => {
      const found = await read(...asked);
      if (isFirst) await app.database.transaction(async (tx) => await requestGroup(tx, "shop", "9".repeat(26), "2030-01-01T00:00:00Z"));
      isFirst = false;
      return found;
    },
  });
  await put("forecast/train/shop.csv", shopTarget({ ...size, seed: 9 }));
  await settled(app);
  expect((await listRuns(app.database, { group: "shop", limit: 1 }))[0]).toMatchObject({ state: "superseded" });
  expect((await stockroom("list", "shop")).out).toContain("superseded");
});

test("a group is removed by command, and said twice it is unknown", async () => {
  expect(await stockroom("remove", "shpo")).toMatchObject({ exit: 2, said: expect.stringMatching(/received "shpo".*Groups: shop/) });
  expect(await stockroom("remove", "shop")).toMatchObject({
    exit: 0,
    out: expect.stringMatching(/^removed: shop \(\d+ files, \d+ pieces/),
  });
  expect(await app.objects.list("forecast/train/")).toEqual([expect.objectContaining({ key: "forecast/train/shop.event.csv" })]);
  expect(JSON.parse((await stockroom("list", "--json")).out)).toEqual([]);
  expect((await stockroom("remove", "shop")).exit).toBe(2);
});
