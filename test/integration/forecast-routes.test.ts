// The forecasting module over HTTP, in a real app with a small shop whose names attack: every route, every page, the guard before them.

import { request } from "node:http";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askLake } from "../../src/platform/warehouse/index.ts";
import { makeTables } from "../../src/forecast/workflows/views/tables.ts";
import { addAdjustment } from "../../src/forecast/store/adjustments.ts";
import { insertAnswer } from "../../src/forecast/store/answers.ts";
import { findLatest, requestGroup } from "../../src/forecast/store/runs.ts";
import type { App } from "../../src/app.ts";
import type {
  AdjustmentList,
  Drill,
  ForecastRunDetail,
  ForecastRunList,
  GroupList,
  ImportDetail,
  ImportList,
  ScenarioDetail,
  ScenarioList,
} from "../../src/forecast/module.ts";
import type { ApiError } from "../../src/server/api.ts";
import type { OpenServer } from "../../src/server/index.ts";
import { shopDefaults, shopMetadata, shopTarget } from "../kit/forecast-shop.ts";
import { seedImport } from "../kit/sap-app.ts";
import { testDatabase, type TestDatabase } from "../kit/database.ts";
import { makePlace, openAt, operator, serve, settled, textBytes, type TestPlace } from "../kit/app.ts";

const attack = `<script>alert(1)</script>`;
const token = "a-token-of-more-than-16";

let place: TestPlace;
let dashboards: TestDatabase;
let app: App;
let server: OpenServer;
let first: string;
let latest: string;

const get = async (path: string): Promise<Response> => await fetch(`${server.url}${path}`, { redirect: "manual" });

const json = async <T>(path: string): Promise<T> => {
  const answer = await get(path);
  expect([path, answer.status]).toEqual([path, 200]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the test then checks
  return (await answer.json()) as T;
};

const page = async (path: string, status = 200): Promise<string> => {
  const answer = await get(path);
  const markup = await answer.text();
  expect([path, answer.status, answer.headers.get("content-type")]).toEqual([path, status, "text/html; charset=utf-8"]);
  expect(answer.headers.get("content-security-policy")).toMatch(/^default-src 'none'.*frame-ancestors 'none'/);
  expect(markup).not.toContain(attack);
  return markup;
};

const latestRun = async (): Promise<string> => (await findLatest(app.database, "shop"))?.id ?? "";

beforeAll(async () => {
  dashboards = await testDatabase();
  const target = { url: dashboards.url, tables: ["aggregated", "runs", "classify_figures"] };
  place = await makePlace({ STOCKROOM_FORECAST_SETTLE_MS: "0", STOCKROOM_PUBLISH_TARGETS: JSON.stringify({ bi: target }) });
  app = await openAt(place, { work: true, quiet: true });
  const put = async (key: string, text: string): Promise<void> => void (await app.objects.put(operator, key, textBytes(text)));
  const odd = (csv: string): string => csv.replaceAll("item_1", attack).replaceAll("tea", `tea "& ${attack}`.replaceAll('"', ""));
  await put("forecast-defaults.yaml", shopDefaults());
  await put("forecast/train/shop.metadata.csv", odd(shopMetadata({ items: 4 })));
  await put("forecast/train/shop.csv", odd(shopTarget({ items: 4, months: 30 })));
  await settled(app);
  first = await latestRun();
  await put("forecast/train/shop.csv", odd(shopTarget({ items: 4, months: 31 })));
  await settled(app);
  latest = await latestRun();
  await app.database.transaction(async (tx) => await requestGroup(tx, "waiting", "0", "2026-01-01T00:00:00Z"));
  await seedImport(app, { target: "car", product: `Product ${attack}` });
  await seedScenario();
  await app.database.transaction(async (tx) => {
    await addAdjustment(tx, {
      group: "shop",
      kind: "percent",
      value: 20,
      said: "store = store_1",
      conditions: [],
      fromAt: "2024-08-01T00:00:00Z",
      untilAt: "2024-09-01T00:00:00Z",
      author: "Ada",
      reason: `Fair in town ${attack}`,
      madeAt: "2024-07-30T00:00:00Z",
    });
  });
  server = await serve(app);
}, 280_000);

afterAll(async () => {
  await server.close();
  await app.close();
  await place.remove();
  await dashboards.drop();
});

/** An answer kept as the module keeps them. */
async function seedScenario(): Promise<void> {
  const entry = await app.objects.put({ role: "plan", purpose: "test" }, "forecast/scenarios/s1/forecast.csv", textBytes("item_id\n1\n"));
  await app.database.transaction(async (tx) => {
    await insertAnswer(tx, {
      id: "whatif-1",
      kind: "whatif",
      group: "shop",
      run: latest,
      title: `price *= 0.9 ${attack}`,
      author: "Ada",
      asked: { changes: [] },
      summary: {
        baseline: 4,
        scenario: 5,
        delta: 1,
        percent: 25,
        series: 1,
        moved: 1,
        steps: [[4, 5]],
        effects: [],
        warnings: [`odd ${attack}`],
      },
      exports: { forecast: { key: entry.key, version: entry.version } },
      at: "2026-01-01T00:00:00Z",
    });
  });
}

describe("routes", () => {
  it("groups and runs", async () => {
    const { groups } = await json<GroupList>("/api/forecast/groups");
    expect(groups).toMatchObject([
      { name: "shop", runs: 2, latest },
      { name: "waiting", runs: 0 },
    ]);
    const { runs } = await json<ForecastRunList>("/api/forecast/runs?group=shop&limit=10");
    // A request of the burst that began before the next one came is listed as superseded.
    const done = runs.filter((run) => run.state !== "superseded");
    expect(done.map((run) => run.id)).toEqual([latest, first]);
    expect(done[0]).toMatchObject({ group: "shop", state: "done", summary: { series: 4 } });
    expect(Object.keys(done[0] ?? {})).not.toContain("settings");
    expect((await json<ForecastRunList>("/api/forecast/runs?limit=1")).runs).toHaveLength(1);
  });

  it("a run with its exports, and each export as a download", async () => {
    const { run, exports } = await json<ForecastRunDetail>(`/api/forecast/runs/${latest}`);
    expect(run).toMatchObject({ id: latest, settings: { horizon: 3 }, inputs: { target: { key: "forecast/train/shop.csv" } } });
    expect(exports[0]?.name).toBe("accuracy");
    expect(exports.at(-1)?.name).toMatch(/^aggregated\/month_starting=2024-10-01\//);
    for (const { name, bytes } of exports.filter((one) => !one.name.startsWith("aggregated/") || one.name.includes("2024-10"))) {
      const answer = await get(`/api/forecast/runs/${latest}/exports/${name}`);
      expect([name, answer.status, (await answer.arrayBuffer()).byteLength]).toEqual([name, 200, bytes]);
      expect(answer.headers.get("content-disposition")).toMatch(/^attachment; filename="shop-[\w.=-]+\.(?:csv|json|html|parquet)"$/);
      expect(answer.headers.get("content-security-policy")).toContain("sandbox");
    }
    const forecast = await (await get(`/api/forecast/runs/${latest}/exports/forecast`)).text();
    expect(forecast.split(/\r?\n/)[0]).toBe("item_id,store,timestamp,mean,p10,p50,p90");
  });

  it("the dashboard as data", async () => {
    expect(await json<{ title: string; categories: unknown[] }>(`/api/forecast/runs/${latest}/dashboard`)).toMatchObject({ title: "shop" });
  });

  it("figures by an axis within a choice, which add up", async () => {
    const whole = await json<Drill>(`/api/forecast/runs/${latest}/figures`);
    expect(whole.axes.map((axis) => axis.name)).toEqual(["category", "store", "item_id"]);
    expect(new Set(whole.levels.map((level) => level.name))).toEqual(new Set(["juice", `tea & ${attack}`]));
    const total = (levels: Drill["levels"], field: "actual" | "ahead"): number =>
      levels.reduce((sum, level) => sum + (level[field] ?? 0), 0);
    const byItem = await json<Drill>(`/api/forecast/runs/${latest}/figures?by=item_id`);
    expect(byItem.levels).toHaveLength(4);
    expect(total(byItem.levels, "actual")).toBeCloseTo(total(whole.levels, "actual"), 6);
    expect(total(byItem.levels, "ahead")).toBeCloseTo(total(whole.levels, "ahead"), 6);
    const juice = await json<Drill>(`/api/forecast/runs/${latest}/figures?by=store&category=juice`);
    expect(total(juice.levels, "actual")).toBeCloseTo(whole.levels.find((level) => level.name === "juice")?.actual ?? 0, 6);
    // 31 months that came, 3 ahead; the backtests' 6 months have both.
    expect(whole.instants).toHaveLength(34);
    expect(whole.instants.filter(({ actual, forecast }) => actual !== null && forecast !== null)).toHaveLength(6);
    expect(whole.instants.filter(({ actual }) => actual === null).map(({ at }) => at.slice(0, 7))).toEqual([
      "2024-08",
      "2024-09",
      "2024-10",
    ]);
    expect((await json<Drill>(`/api/forecast/runs/${latest}/figures?category=${encodeURIComponent("' or true --")}`)).levels).toEqual([]);
  });

  it("the figures are those of the accuracy export", async () => {
    const { levels } = await json<Drill>(`/api/forecast/runs/${latest}/figures?by=item_id`);
    const [header = "", ...rows] = (await (await get(`/api/forecast/runs/${latest}/exports/accuracy`)).text()).trim().split(/\r?\n/);
    const at = header.split(",").indexOf("WAPE");
    const naive = header.split(",").indexOf("seasonal_naive_WAPE");
    for (const row of rows) {
      const cells = row.split(",");
      expect(levels.find((level) => level.name === cells[0])?.wape).toBeCloseTo(Number(cells[at]), 5);
      expect(levels.find((level) => level.name === cells[0])?.naiveWape).toBeCloseTo(Number(cells[naive]), 5);
    }
    expect(rows).toHaveLength(4);
  });

  it("adjustments of planners", async () => {
    const { adjustments } = await json<AdjustmentList>("/api/forecast/adjustments?group=shop&standing=yes");
    expect(adjustments).toMatchObject([{ group: "shop", kind: "percent", value: 20, author: "Ada" }]);
    expect((await json<AdjustmentList>("/api/forecast/adjustments?group=waiting")).adjustments).toEqual([]);
    const [table] = (await makeTables(app.forecast.deps, operator)).filter(({ name }) => name === "adjustments");
    const answer = await askLake(
      table === undefined ? [] : [table],
      "select id, value, author, until_at - from_at as days, withdrawn_at from adjustments",
    );
    for await (const batch of answer.batches) expect(batch).toEqual([["1", 20, "Ada", "31 days", null]]);
    expect(answer.read.rows).toBe(1);
  });

  it("tables for dashboards, published after the forecast by itself, with the rows that SQL has", async () => {
    const client = new Client({ connectionString: dashboards.url });
    await client.connect();
    try {
      const told = await client.query("select table_name, row_count::int from stockroom.stockroom_published order by 1");
      expect(told.rows.map(({ table_name: name }) => name)).toEqual(["aggregated", "classify_figures", "runs"]);
      const sql = "select count(*)::int as rows, sum(p50) as likely, max(forecast_run) as run, count(distinct identifier)::int as items";
      const there = await client.query(`${sql} from stockroom.aggregated`);
      const { batches } = await app.lake.ask(await makeTables(app.forecast.deps, operator), `${sql} from aggregated`);
      const here: unknown[] = [];
      for await (const batch of batches) here.push(...batch);
      expect(here).toEqual([[there.rows[0].rows, expect.closeTo(there.rows[0].likely, 6), latest, 4]]);
      expect(there.rows[0].run).toBe(latest);
      const rows = await client.query("select identifier from stockroom.aggregated where identifier like '%script%' limit 1");
      expect(rows.rows).toEqual([{ identifier: attack }]);
    } finally {
      await client.end();
    }
  });

  it("what was asked of forecasts, with its exports", async () => {
    const { scenarios } = await json<ScenarioList>("/api/forecast/scenarios?group=shop&kind=whatif");
    expect(scenarios).toMatchObject([{ id: "whatif-1", run: latest, summary: { percent: 25 } }]);
    expect((await json<ScenarioList>("/api/forecast/scenarios?kind=replenish")).scenarios).toEqual([]);
    expect((await json<ScenarioDetail>("/api/forecast/scenarios/whatif-1")).exports).toMatchObject([{ name: "forecast", bytes: 10 }]);
    const answer = await get("/api/forecast/scenarios/whatif-1/exports/forecast");
    expect(answer.headers.get("content-disposition")).toBe('attachment; filename="shop-whatif-1-forecast.csv"');
    expect(await answer.text()).toBe("item_id\n1\n");
  });

  it("imports with what the ERP answered", async () => {
    expect((await json<ImportList>("/api/forecast/imports")).imports).toMatchObject([
      { id: "shop-1", state: "partly", sent: 1, failed: 1 },
    ]);
    expect((await json<ImportList>("/api/forecast/imports?state=partly")).imports).toMatchObject([{ id: "shop-1" }]);
    expect((await json<ImportList>("/api/forecast/imports?state=unsure")).imports).toEqual([]);
    const failed = await json<ImportDetail>("/api/forecast/imports/shop-1");
    expect(failed).toMatchObject({ batches: [{ sent: 2, failed: 1 }], answers: [{ seq: 1, taken: false, messages: [{ id: "ZFC/012" }] }] });
    const all = await json<ImportDetail>("/api/forecast/imports/shop-1?answers=all&limit=1");
    expect(all).toMatchObject({ answers: [{ seq: 0, taken: true }], more: true });
  });

  it.each([
    ["/api/forecast/groups?x=1", 400, "QUERY_BAD"],
    ["/api/forecast/runs?limit=0", 400, "QUERY_BAD"],
    ["/api/forecast/runs?limit=1001", 400, "QUERY_BAD"],
    ["/api/forecast/runs?limit=1&limit=2", 400, "QUERY_BAD"],
    ["/api/forecast/runs/none", 404, "FORECAST_RUN_MISSING"],
    ["/api/forecast/runs/LATEST/exports/none", 404, "FORECAST_EXPORT_MISSING"],
    ["/api/forecast/runs/LATEST/exports/", 404, "FORECAST_EXPORT_MISSING"],
    ["/api/forecast/runs/LATEST/exports/__proto__", 404, "FORECAST_EXPORT_MISSING"],
    ["/api/forecast/runs/LATEST/exports/..%2F..%2Fforecast.csv", 404, "FORECAST_EXPORT_MISSING"],
    ["/api/forecast/runs/LATEST/figures?by=nothing", 400, "FORECAST_AXIS"],
    ["/api/forecast/runs/LATEST/figures?colour=red", 400, "FORECAST_AXIS"],
    ["/api/forecast/scenarios?kind=rumour", 400, "QUERY_BAD"],
    ["/api/forecast/scenarios/none", 404, "FORECAST_SCENARIO_MISSING"],
    ["/api/forecast/scenarios/whatif-1/exports/none", 404, "FORECAST_EXPORT_MISSING"],
    ["/api/forecast/imports/none", 404, "SAP_IMPORT_MISSING"],
    ["/api/forecast/imports/shop-1?answers=some", 400, "QUERY_BAD"],
    ["/api/forecast/imports?state=lost", 400, "QUERY_BAD"],
  ])("%s is refused", async (path, status, code) => {
    const answer = await get(path.replace("LATEST", latest));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the test then checks
    expect([answer.status, ((await answer.json()) as ApiError).code]).toEqual([status, code]);
  });
});

describe("pages", () => {
  it("the first page leads to the forecasts, and they to each group", async () => {
    expect(await page("/")).toContain('href="/forecast"');
    const overview = await page("/forecast");
    expect(overview).toContain('href="/forecast/shop"');
    expect(overview).not.toContain('href="/forecast/waiting"');
    expect(overview).toContain("shop-1");
  });

  it("a group shows its latest dashboard with the way to exports, former forecasts and figures; scripts run by their hash alone", async () => {
    const answer = await get("/forecast/shop");
    const markup = await answer.text();
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/script-src 'sha256-[\w+/]+='; .*frame-ancestors 'none'$/);
    expect(policy).not.toContain("unsafe");
    expect(markup).not.toContain(attack);
    expect(markup).toContain(`href="/forecast/shop?run=${first}"`);
    expect(markup).toContain(`href="/api/forecast/runs/${latest}/exports/forecast"`);
    expect(markup).toContain('href="/forecast/shop/figures"');
    // But for the links it is the exported page.
    const exported = await (await get(`/api/forecast/runs/${latest}/exports/dashboard.html`)).text();
    expect(markup.replace(/\n<nav[\s\S]*?<\/nav>\s/, "").replace(/<h2 id="exports">[\s\S]*<\/main>/, "</main>")).toBe(exported);
    const former = await page(`/forecast/shop?run=${first}`);
    expect(former).toContain("a former forecast");
    expect(former).toContain(`href="/forecast/shop/figures?run=${first}"`);
  });

  it("figures lead from level to level", async () => {
    const whole = await page("/forecast/shop/figures");
    expect(whole).toContain('href="/forecast/shop/figures?by=dimension_1&amp;metadata_1=juice"');
    expect(whole).toContain("<svg");
    const within = await page("/forecast/shop/figures?by=dimension_1&metadata_1=juice");
    expect(within).toMatch(/category: juice/);
    expect(within).toContain("store_1");
    const items = await page(`/forecast/shop/figures?run=${first}&by=identifier&metadata_1=juice&dimension_1=store_1`);
    expect(items).toContain(`run=${first}`);
    expect(await page("/forecast/shop/figures?metadata_1=none")).toContain("nothing under this choice");
  });

  it("adjustments show who said what and why", async () => {
    const markup = await page("/forecast/-/adjustments?group=shop");
    expect(markup).toContain("percent 20");
    expect(markup).toContain("Fair in town");
    expect(await page("/forecast/-/adjustments?group=waiting")).toContain("the system's own");
    expect(await (await get("/forecast/shop")).text()).toMatch(
      /href="\/forecast\/-\/adjustments\?group=shop"[\s\S]*href="\/forecast\/-\/scenarios\?group=shop"/,
    );
  });

  it("what was asked shows its answers", async () => {
    const markup = await page("/forecast/-/scenarios?group=shop");
    expect(markup).toContain("price *= 0.9");
    expect(markup).toContain("percent 25, baseline 4, scenario 5");
    expect(markup).toContain('href="/api/forecast/scenarios/whatif-1/exports/forecast"');
  });

  it("imports show what the ERP said", async () => {
    expect(await page("/forecast/-/imports")).toContain('href="/forecast/-/imports/shop-1"');
    const refused = await page("/forecast/-/imports/shop-1");
    expect(refused).toContain("ZFC/012");
    expect(refused).toContain("1 of 2 rows");
    expect(await page("/forecast/-/imports/shop-1?answers=all")).toContain("taken");
  });

  it.each([
    ["/forecast?x=1", 400, "QUERY_BAD"],
    ["/forecast/nobody", 404, "FORECAST_GROUP_MISSING"],
    [`/forecast/${encodeURIComponent(attack)}`, 404, "FORECAST_GROUP_MISSING"],
    ["/forecast/waiting", 404, "FORECAST_NONE_YET"],
    ["/forecast/waiting/figures", 404, "FORECAST_NONE_YET"],
    ["/forecast/shop?run=none", 404, "FORECAST_RUN_MISSING"],
    [`/forecast/shop/figures?by=${encodeURIComponent(attack)}`, 400, "FORECAST_AXIS"],
    ["/forecast/-/imports/none", 404, "SAP_IMPORT_MISSING"],
  ])("%s says what is wrong", async (path, status, code) => {
    expect(await page(path, status)).toContain(code);
  });
});

describe("the guard", () => {
  const paths = ["/forecast", "/forecast/shop", "/forecast/shop/figures", "/api/forecast/groups", "/forecast/-/imports"];

  it("asks for the token, where there is one, on every page", async () => {
    const guarded = await serve(app, { token });
    try {
      for (const path of paths) {
        expect((await fetch(`${guarded.url}${path}`)).status).toBe(401);
        expect((await fetch(`${guarded.url}${path}`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
      }
    } finally {
      await guarded.close();
    }
  });

  it("hears no other host's name", async () => {
    for (const path of paths) {
      const { hostname, port } = new URL(server.url);
      const status = await new Promise<number | undefined>((resolve, reject) => {
        request({ hostname, port, path, headers: { host: "evil.example" } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .once("error", reject)
          .end();
      });
      expect([path, status]).toEqual([path, 403]);
    }
  });
});

describe("grants", () => {
  it("reads in the role operator, and every reading is in the log of key uses", async () => {
    const rows = await app.database.query<{ purpose: string }>(
      "select distinct purpose from stockroom.key_use where role = 'operator' and zone = 'forecasts' and purpose like 'http GET %' order by 1",
    );
    expect(rows.map((row) => row.purpose)).toContain("http GET /forecast/shop");
    expect(rows.map((row) => row.purpose)).toContain(`http GET /api/forecast/runs/${latest}/figures`);
  });
});
