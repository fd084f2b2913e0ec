// The forecasting pipeline in a whole app: from an upload to exports and a notice, once for each content.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findLatest, listRuns, type ForecastRunRow } from "../../src/forecast/store/runs.ts";
import type { App } from "../../src/app.ts";
import { shopDefaults, shopMetadata, shopRelated, shopTarget } from "../kit/forecast-shop.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/app.ts";

let place: TestPlace;
let app: App;

beforeEach(async () => {
  place = await makePlace({ STOCKROOM_FORECAST_SETTLE_MS: "300" });
  app = await openAt(place, { work: true, quiet: true });
});

afterEach(async () => {
  await app.close();
  await place.remove();
});

const put = async (key: string, text: string | Uint8Array): Promise<void> => {
  await app.objects.put(operator, key, typeof text === "string" ? textBytes(text) : text);
};

const read = async (key: string): Promise<string> => Buffer.from(await app.objects.read(operator, key)).toString("utf8");

const notices = async (): Promise<readonly string[]> => (await app.notices.list({ limit: 100 })).map((notice) => notice.title);

const outcomes = async (): Promise<readonly string[]> =>
  (
    await Promise.all(
      (await app.workflows.list({ workflow: "forecast.run", limit: 100 })).map(async (run) => {
        const { output } = await app.workflows.show(run.id);
        return typeof output === "object" && output !== null && "outcome" in output && typeof output["outcome"] === "string"
          ? output["outcome"]
          : run.state;
      }),
    )
  ).toSorted();

interface GlueTable {
  readonly run: ForecastRunRow;
  /** Lines of the CSV export: identifier, store, timestamp, then mean and the quantiles asked for. */
  readonly forecast: readonly string[];
  readonly columns: readonly string[];
  /** What the file says was asked for, and of what was not. */
  readonly asked: string;
  readonly said: RegExp;
  /** Quantiles that have a value in every row ahead; the others have none in any. */
  readonly filled: readonly string[];
}

/** Opens the files of the aggregated view as any other reader would: with the names, order and types of the AWS solution's Glue table. */
async function isTheGlueTable({ run, forecast, columns, asked, said, filled }: GlueTable): Promise<void> {
  const folder = path.join(place.home, `glue-${run.id}`);
  for (const [name, ref] of Object.entries(run.exports)) {
    if (!name.startsWith("aggregated/")) continue;
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), await app.objects.read(operator, ref.key, { version: ref.version }));
  }
  const instance = await DuckDBInstance.create();
  const db = await instance.connect();
  const ask = async (query: string) => (await db.runAndReadAll(query)).getRowsJson();
  const files = `read_parquet('${folder}/aggregated/*/*.parquet', hive_partitioning = false)`;
  expect((await ask(`select column_name || ' ' || column_type from (describe select * from ${files})`)).flat()).toEqual([
    "timestamp TIMESTAMP",
    "identifier VARCHAR",
    "metric DOUBLE",
    ...numbered("p", 99).map((name) => `${name} DOUBLE`),
    "mean DOUBLE",
    ...numbered("dimension_", 10).map((name) => `${name} VARCHAR`),
    ...numbered("metadata_", 10).map((name) => `${name} VARCHAR`),
  ]);
  const all = numbered("p", 99);
  const crossed = all.slice(1).map((name, i) => `${name} < ${all[i]}`);
  const counts = all.map((name) => `count(${name})`);
  expect(
    await ask(
      `select ${counts.join(", ")}, coalesce(sum((p1 < 0)::int), 0), coalesce(sum((${crossed.join(" or ")})::int), 0) from ${files} where metric is null`,
    ),
  ).toEqual([[...all.map((name) => (filled.includes(name) ? "24" : "0")), "0", "0"]]);
  const told = await ask(
    `select identifier, dimension_1, strftime(timestamp, '%Y-%m-%d'), ${columns.join(", ")} from ${files} where metric is null`,
  );
  expect(told.map((row) => row.map(String).join(",")).toSorted()).toEqual([...forecast].toSorted());
  const words = async (name: string) =>
    await ask(
      `select distinct decode(value) from parquet_kv_metadata('${folder}/aggregated/*/*.parquet') where decode(key) = 'stockroom.quantiles.${name}'`,
    );
  expect(await words("forecast")).toEqual([[asked]]);
  expect(JSON.stringify(await words("interpolated"))).toMatch(said);
  // History has no quantiles.
  const quantile = columns.at(-1);
  expect(await ask(`select count(${quantile}) from ${files} where timestamp < '2024-06-01'`)).toEqual([["0"]]);
  db.closeSync();
  instance.closeSync();
}

const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);

describe("a group", () => {
  test("goes from its upload to exports with the names and columns of Amazon Forecast", async () => {
    await put("forecast-defaults.yaml", shopDefaults({ related: true }));
    await put("forecast/train/2026/shop.metadata.csv", shopMetadata());
    await put("forecast/train/2026/shop.related.csv.gz", gzipSync(shopRelated()));
    await put("forecast/train/2026/shop.csv", shopTarget());
    await settled(app);
    expect(await notices()).toContain("The forecast of shop is ready");
    const run = await findLatest(app.database, "shop");
    if (run === undefined) throw new Error("there is no run");
    const prefix = `forecast/exports/shop/${run.id}/`;
    expect(
      Object.keys(run.exports)
        .filter((name) => !name.startsWith("aggregated/"))
        .toSorted(),
    ).toEqual([
      "accuracy",
      "backtest/accuracy-metrics",
      "backtest/forecasted-values",
      "dashboard.html",
      "dashboard.json",
      "forecast",
      "models",
    ]);
    const [header, ...rows] = (await read(`${prefix}forecast.csv`)).trim().split(/\r?\n/);
    expect(header).toBe("item_id,store,timestamp,mean,p10,p50,p90");
    expect(rows).toHaveLength(8 * 3);
    for (const row of rows) {
      const [, , , mean, p10, p50, p90] = row.split(",").map(Number);
      expect([p10, p50, p90].every((value, i, all) => i === 0 || (value ?? 0) >= (all[i - 1] ?? 0))).toBe(true);
      expect(mean).toBeGreaterThan(0);
    }
    expect(rows[0]).toMatch(/^item_0,store_0,2025-01-01,/);
    expect((await read(`${prefix}backtest/forecasted-values.csv`)).split(/\r?\n/)[0]).toBe(
      "item_id,store,timestamp,target_value,backtestwindow_start_time,backtestwindow_end_time,mean,p10,p50,p90",
    );
    expect((await read(`${prefix}backtest/accuracy-metrics.csv`)).split(/\r?\n/)[0]).toBe(
      "item_id,store,backtest_window,backtestwindow_start_time,backtestwindow_end_time,wQL[0.1],wQL[0.5],wQL[0.9],average_wQL,WAPE,MASE,MAPE,RMSE",
    );
    const months = Object.keys(run.exports).filter((name) => name.startsWith("aggregated/"));
    expect(months).toHaveLength(39);
    expect(months).toContain("aggregated/month_starting=2025-03-01/part-0.parquet");
    expect(await read(`${prefix}dashboard.html`)).toContain("shop");
    await isTheGlueTable({
      run,
      forecast: rows,
      columns: ["mean", "p10", "p50", "p90"],
      asked: "p10,p50,p90",
      said: /The other quantiles lie between these on straight lines over the normal scale.*never below 0/,
      filled: numbered("p", 99),
    });
    // Nothing of the long part is left but what is asked of the run later.
    expect((await app.objects.list("forecast/runs/shop/")).filter(({ key }) => /\/(?:try|mix)-/.test(key))).toEqual([]);
  });

  test("has the Glue table of the AWS solution however many quantiles it asks for", async () => {
    const ten = [5, 10, 20, 30, 40, 50, 60, 75, 90, 99];
    const types = [...ten.map((percent) => percent / 100), "mean"].map((type) => `"${type}"`);
    const settings = (list: readonly string[]): string =>
      shopDefaults().replace(/ForecastTypes: .*/, `ForecastTypes: [${list.join(", ")}]`);
    const forecastOf = async (group: string): Promise<{ run: ForecastRunRow; rows: readonly string[]; header: string }> => {
      await put(`forecast/train/${group}.csv`, shopTarget());
      await put(`forecast/train/${group}.metadata.csv`, shopMetadata());
      await settled(app);
      const run = await findLatest(app.database, group);
      if (run === undefined) throw new Error("there is no run");
      const [header = "", ...rows] = (await read(`forecast/exports/${group}/${run.id}/forecast.csv`)).trim().split(/\r?\n/);
      return { run, rows, header };
    };
    await put("forecast-defaults.yaml", settings([`"0.50"`, `"mean"`]));
    const one = await forecastOf("one");
    expect(one.header).toBe("item_id,store,timestamp,mean,p50");
    // The others lie between those that models learn anyway.
    await isTheGlueTable({
      run: one.run,
      forecast: one.rows,
      columns: ["mean", "p50"],
      asked: "p10,p50,p90",
      said: /The other quantiles lie between these/,
      filled: numbered("p", 99),
    });
    await put(
      "forecast-defaults.yaml",
      settings([`"0.50"`, `"mean"`]).replace("    MaxAge: 0", `    MaxAge: 0\n    ForecastTypes: ["0.50", mean]`),
    );
    const alone = await forecastOf("alone");
    await isTheGlueTable({
      run: alone.run,
      forecast: alone.rows,
      columns: ["mean", "p50"],
      asked: "p50",
      said: /The others are empty: one quantile tells nothing/,
      filled: ["p50"],
    });
    // In no order.
    await put("forecast-defaults.yaml", settings(types.toReversed()));
    const many = await forecastOf("many");
    const names = ten.map((percent) => `p${percent}`);
    expect(many.header).toBe(`item_id,store,timestamp,mean,${names.join(",")}`);
    await isTheGlueTable({
      run: many.run,
      forecast: many.rows,
      columns: ["mean", ...names],
      asked: names.join(","),
      said: /The other quantiles lie between these/,
      filled: numbered("p", 99),
    });
  });

  test("that is uploaded again without a change trains nothing, and other bytes of the same rows train anew", async () => {
    await put("forecast-defaults.yaml", shopDefaults());
    await put("forecast/train/shop.metadata.csv", shopMetadata());
    await put("forecast/train/shop.csv", shopTarget());
    await settled(app);
    await put("forecast/train/shop.csv", shopTarget());
    await settled(app);
    expect((await outcomes()).filter((outcome) => outcome !== "superseded")).toEqual(["forecast"]);
    // There and back again: a new version of the same content.
    await put("forecast/train/shop.csv", shopTarget({ seed: 2 }));
    await settled(app);
    await put("forecast/train/shop.csv", shopTarget());
    await settled(app);
    expect((await outcomes()).filter((outcome) => outcome === "forecast")).toHaveLength(2);
    expect(await outcomes()).toContain("unchanged");
    // The latest is again the one whose content the files have.
    const [older] = (await listRuns(app.database)).toReversed();
    expect((await findLatest(app.database, "shop"))?.id).toBe(older?.id);
    expect((await notices()).filter((title) => title.startsWith("The forecast of"))).toHaveLength(2);
  });

  test("that is uploaded three times in a burst trains once, on the newest", async () => {
    await put("forecast-defaults.yaml", shopDefaults());
    await put("forecast/train/shop.metadata.csv", shopMetadata());
    for (const seed of [1, 2, 3]) await put("forecast/train/shop.csv", shopTarget({ seed }));
    await settled(app);
    const runs = await listRuns(app.database, { group: "shop" });
    expect(runs.filter((run) => run.state === "done")).toHaveLength(1);
    const newest = await app.objects.head("forecast/train/shop.csv");
    expect(runs.find((run) => run.state === "done")?.inputs.target?.version).toBe(newest?.version);
    expect((await notices()).filter((title) => title.startsWith("The forecast of"))).toHaveLength(1);
  });

  test("whose settings are wrong is told every fault in one notice and trains nothing; mended, it goes on by itself", async () => {
    const wrong = shopDefaults()
      .replace("ForecastHorizon: 3", "ForecastHorizon: soon")
      .replace("DataFrequency: M", "DataFrequency: fortnightly")
      .replace('"0.10"', '"1.10"');
    await put("forecast-defaults.yaml", wrong);
    await settled(app);
    const told = (await app.notices.list()).filter((notice) => notice.title.startsWith("Given up"));
    expect(told).toHaveLength(1);
    for (const part of ["Default.Predictor.ForecastHorizon", "DataFrequency", "1.10"]) expect(told[0]?.body).toContain(part);
    await put("forecast/train/shop.metadata.csv", shopMetadata());
    await put("forecast/train/shop.csv", shopTarget());
    await settled(app);
    expect(await listRuns(app.database)).toEqual([]);
    await put("forecast-defaults.yaml", shopDefaults());
    await settled(app);
    expect((await listRuns(app.database)).map((run) => run.state)).toEqual(["done"]);
  });

  test("without its target waits for it, and a name that is no upload's goes to the dead letters", async () => {
    await put("forecast-defaults.yaml", shopDefaults());
    await put("forecast/train/shop.metadata.csv", shopMetadata());
    await put("forecast/train/readme.docx", "hello");
    await settled(app);
    expect((await outcomes()).filter((outcome) => outcome !== "superseded")).toEqual(["waiting"]);
    expect((await app.workflows.deadLetters()).map((letter) => letter.error.code)).toEqual(["FORECAST_UPLOAD_NAME"]);
  });

  test("whose model is younger than MaxAge is forecast from new data without training, and keeps its backtests", async () => {
    await put("forecast-defaults.yaml", shopDefaults({ maxAge: 604_800 }));
    await put("forecast/train/shop.metadata.csv", shopMetadata());
    await put("forecast/train/shop.csv", shopTarget());
    await settled(app);
    const first = await findLatest(app.database, "shop");
    await put("forecast/train/shop.csv", shopTarget({ months: 37 }));
    await settled(app);
    const second = await findLatest(app.database, "shop");
    expect(second?.id).not.toBe(first?.id);
    expect(second?.reuses).toBe(first?.id);
    expect(second?.exports["backtest/accuracy-metrics"]).toEqual(first?.exports["backtest/accuracy-metrics"]);
    expect(second?.exports["forecast"]).not.toEqual(first?.exports["forecast"]);
    expect(await read(`forecast/exports/shop/${second?.id}/forecast.csv`)).toContain("2025-02-01");
  });

  test("sets bad rows apart, tells of them, and forecasts the rest", async () => {
    await put("forecast-defaults.yaml", shopDefaults());
    await put("forecast/train/shop.metadata.csv", shopMetadata());
    await put("forecast/train/shop.csv", `${shopTarget()}item_0,store_0,2024-13-41,5\nitem_0,store_0,2024-12-01,many\n`);
    await settled(app);
    const [told] = (await app.notices.list()).filter((notice) => notice.title.includes("set apart"));
    expect(told?.title).toBe("2 rows of shop were set apart");
    expect(told?.body).toMatch(/line 29\d/);
    const [apart] = await app.objects.list("forecast/rejected/shop/");
    expect((await read(apart?.key ?? "")).trim().split("\n")).toHaveLength(2);
    expect(await notices()).toContain("The forecast of shop is ready");
  });

  test("that reads the files of another is forecast when those change", async () => {
    const more = `shop:
  DatasetGroup: { Domain: RETAIL }
other:
  DatasetGroup: { Domain: RETAIL }
  Datasets: { From: shop }
  Predictor:
    PerformAutoML: true
    MaxAge: 0
    ForecastHorizon: 6
    FeaturizationConfig:
      ForecastFrequency: M
      ForecastDimensions: [store]
`;
    await put("forecast-defaults.yaml", shopDefaults({ more }));
    await put("forecast/train/shop.metadata.csv", shopMetadata());
    await put("forecast/train/shop.csv", shopTarget());
    await settled(app);
    expect(
      (await listRuns(app.database))
        .filter((run) => run.state === "done")
        .map((run) => run.group)
        .toSorted(),
    ).toEqual(["other", "shop"]);
    const other = await findLatest(app.database, "other");
    expect(await read(`forecast/exports/other/${other?.id}/forecast.csv`)).toContain("2025-06-01");
  });
});
