import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { gather } from "../../../platform/bytes.ts";
import type { Forecast, Panel } from "../../engine/contract.ts";
import { repeatSeason, scaleOf, tallyForecast } from "../../engine/metrics/metrics.ts";
import { makePanel } from "../../engine/panel/make.ts";
import type { RunResult, RunSettings, SeriesResult } from "./contract.ts";
import { makeReport } from "./report-data.ts";
import { renderReport } from "./report/page.ts";
import { openResult } from "./result.ts";
import { rowsOf, tableBody, type RunTable } from "./rows.ts";

const settings: RunSettings = {
  levels: [0.1, 0.5, 0.9],
  mean: true,
  windows: 2,
  offset: 2,
  models: "auto",
  nonNegative: true,
  seed: 1,
  hierarchy: [],
};
const evil = `</script><img src=x onerror="alert(1)">`;

/** Forecasts the last value, ten below and ten above it. */
function last(values: Float64Array, horizon: number): Forecast {
  const level = values.at(-1) ?? 0;
  const quantiles = settings.levels.flatMap((_, i) => Array.from({ length: horizon }, () => level + 10 * (i - 1)));
  return { mean: new Float64Array(horizon).fill(level), quantiles: Float64Array.from(quantiles), levels: settings.levels };
}

function standIn(panel: Panel, ahead = last): RunResult {
  const { length, horizon } = panel.grid;
  const series = panel.itemIds.map((key, index): SeriesResult => {
    const values = panel.values.subarray(panel.offsets[index], panel.offsets[index + 1]);
    const start = length - values.length;
    const backtests = [length - 2 * horizon, length - horizon]
      .filter((cut) => cut > start)
      .map((cut) => ({
        cut,
        actual: values.slice(cut - start, cut - start + horizon),
        forecast: last(values.subarray(0, cut - start), horizon),
      }));
    return {
      index,
      mixed: {
        key,
        forecast: values.length === 0 ? undefined : ahead(values, horizon),
        components: [{ model: "naive", title: "Naive", weight: 1 }],
        backtests,
      },
      demand: "smooth",
      unfit: [{ model: "ets", reason: "Too short." }],
      tallies: backtests.map(({ cut, actual, forecast }) => {
        const before = values.subarray(0, cut - start);
        return tallyForecast(actual, forecast, scaleOf(before, 1), repeatSeason(before, 1, horizon));
      }),
    };
  });
  return openResult(panel, settings, "0123", { parts: 1, read: () => Promise.resolve(series), sums: () => Promise.resolve([]) });
}

const panel = makePanel({
  grid: { frequency: { unit: "M", multiple: 1 }, startMs: Date.UTC(2024, 0, 1), length: 8, horizon: 2 },
  series: [
    { item: "a", dimensions: { location: "x" }, metadata: { category: "fruit" }, values: [10, 12, 11, 13, 12, 14, 20, 16] },
    { item: evil, dimensions: { location: "y" }, metadata: { category: evil }, values: [5, Number.NaN, 5, 5, 5] },
    { item: "c", dimensions: { location: "x" }, metadata: { category: "fruit" }, values: [] },
  ],
});

const csv = async (table: RunTable): Promise<string[]> =>
  Buffer.from(await gather(tableBody(rowsOf(standIn(panel), table))))
    .toString("utf8")
    .trimEnd()
    .split("\n");

describe("the tables of a run", () => {
  test("forecast: item, dimensions, timestamp, mean and quantiles; a silent series has no rows", async () => {
    const lines = await csv("forecast");
    expect(lines.slice(0, 3)).toEqual([
      "item_id,location,timestamp,mean,p10,p50,p90",
      "a,x,2024-09-01,16,6,16,26",
      "a,x,2024-10-01,16,6,16,26",
    ]);
    expect(lines).toHaveLength(5);
  });

  test("backtests: what came beside what would have been forecast, by window", async () => {
    const lines = await csv("forecasted-values");
    expect(lines[0]).toBe("item_id,location,timestamp,target_value,backtestwindow_start_time,backtestwindow_end_time,mean,p10,p50,p90");
    expect(lines[1]).toBe("a,x,2024-05-01,12,2024-05-01,2024-06-01,13,3,13,23");
    expect(lines.slice(1).filter((line) => line.startsWith("a,"))).toHaveLength(4);
  });

  test("accuracy by window as it is worked out by hand", async () => {
    const [head, first] = await csv("accuracy-metrics");
    expect(head).toBe(
      "item_id,location,backtest_window,backtestwindow_start_time,backtestwindow_end_time,wQL[0.1],wQL[0.5],wQL[0.9],average_wQL,WAPE,MASE,MAPE,RMSE",
    );
    // Forecast 13, 13 against 12, 14: errors 1 and 1. Before the cut the steps were 2, 1 and 2.
    const [item, location, window, from, to, ...measures] = first.split(",");
    expect([item, location, window, from, to]).toEqual(["a", "x", "1", "2024-05-01", "2024-06-01"]);
    const [low, middle, high, average, wape, mase, mape, rmse] = measures.map(Number);
    expect(low).toBeCloseTo((2 * (0.1 * (12 - 3) + 0.1 * (14 - 3))) / 26, 6);
    expect(middle).toBeCloseTo((2 * (0.5 * 1 + 0.5 * 1)) / 26, 6);
    expect(high).toBeCloseTo((2 * (0.1 * (23 - 12) + 0.1 * (23 - 14))) / 26, 6);
    expect(average).toBeCloseTo((low + middle + high) / 3, 6);
    expect(wape).toBeCloseTo(2 / 26, 6);
    expect(mase).toBeCloseTo(1 / (5 / 3), 6);
    expect(mape).toBeCloseTo((1 / 12 + 1 / 14) / 2, 6);
    expect(rmse).toBe(1);
  });

  test("accuracy by series and models with weights and reasons", async () => {
    const accuracy = await csv("accuracy");
    expect(accuracy).toHaveLength(3);
    const models = await csv("models");
    expect(models.slice(0, 3)).toEqual([
      "item_id,location,demand,model,title,weight,reason",
      "a,x,smooth,naive,Naive,1,",
      "a,x,smooth,ets,,0,Too short.",
    ]);
  });
});

describe("the report", () => {
  test("is one page that refers to nothing outside and runs nothing but its own script", async () => {
    const page = await renderReport(await makeReport(standIn(panel), { title: evil, notes: [evil], facts: [["target", evil]] }));
    expect(page.length).toBeLessThan(100_000);
    expect(page).not.toContain("<img");
    // Names of SVG are no addresses that anybody asks.
    expect(page.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(
      /https?:|<[a-z][^>]*\b(src|href|action)="(?!data:)|@import|url\((?!#)/,
    );
    const script = /<script>(.*?)<\/script>/s.exec(page)?.[1] ?? "";
    const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? "";
    const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    expect(page).toContain(`default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)};`);
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page).not.toMatch(/<[a-z][^>]* (style|on[a-z]+)="/);
    const data: unknown = JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? "");
    expect(data).toMatchObject({ horizon: 2, split: 8, levels: settings.levels });
  });

  test("sums up, shows the worst first and says what is silent", async () => {
    const report = await makeReport(standIn(panel), { title: "t" });
    expect(report.total.history.slice(-2)).toEqual([25, 21]);
    expect(report.total.mean).toEqual([21, 21]);
    expect(report.total.quantiles.map(([first]) => first)).toEqual(
      report.total.quantiles.map(([first]) => first).toSorted((a, b) => a - b),
    );
    expect(report.worst[0].name).toBe("a · x");
    expect(report.series.length).toBeGreaterThanOrEqual(2);
    expect(report.winners).toEqual([{ model: "naive", leads: 1.5, weight: 1.5 }]);
    expect(report.notes.join(" ")).toMatch(/1 of \d+ series could not be forecast/);
    expect(JSON.stringify(report)).not.toMatch(/NaN|Infinity/);
  });

  test("shows the seasonal naive beside every WAPE: of a series, a category, the whole", async () => {
    const report = await makeReport(standIn(panel), { title: "t" });
    // Series a: 12, 14 and 20, 16 came; repeating the last value says 13 and 14.
    expect(report.worst[0]).toMatchObject({ name: "a · x", wape: 0.1613, naiveWape: 0.1613 });
    expect(report.series.every(({ metrics }) => metrics.naiveWape !== undefined)).toBe(true);
    expect(report.categories[0]?.rows.map(({ naiveWape }) => naiveWape)).toEqual([0.1613, 0]);
    expect(report.tiles.some(({ name }) => name.includes("seasonal naive"))).toBe(true);
    expect(await renderReport(report)).toContain('<th class="n">seasonal naive</th>');
  });

  test("says of items that sell so rarely that p90 is nothing why their mean is more", async () => {
    const rare = (_: Float64Array, horizon: number): Forecast => ({
      mean: new Float64Array(horizon).fill(0.05),
      quantiles: new Float64Array(3 * horizon),
      levels: settings.levels,
    });
    expect((await makeReport(standIn(panel, rare), { title: "t" })).notes.join(" ")).toMatch(/2 series sell in so few steps that p90/);
    expect((await makeReport(standIn(panel), { title: "t" })).notes.join(" ")).not.toMatch(/sell in so few/);
  });
});
