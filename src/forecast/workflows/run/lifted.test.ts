import { describe, expect, test } from "vitest";
import { openCompute } from "../../../platform/compute/index.ts";
import { makeMemoryLog } from "../../../platform/log.ts";
import { makeRandom } from "../../../platform/random.ts";
import { type EventSpan, placeEvents } from "../../engine/calendar/events.ts";
import { daysOfDate } from "../../engine/calendar/grid.ts";
import type { Panel } from "../../engine/contract.ts";
import { makePanel } from "../../engine/panel/make.ts";
import { reforecast } from "./reforecast.ts";
import type { RunSettings, SeriesResult } from "./contract.ts";
import { inlineCompute } from "./inline.ts";
import { memoryChunks } from "./pieces.ts";
import { openRun, runForecast } from "./run.ts";

const settings: RunSettings = {
  levels: [0.1, 0.5, 0.9],
  mean: true,
  windows: 1,
  offset: 14,
  models: "auto",
  nonNegative: true,
  seed: 7,
  hierarchy: [],
};

const blackFridays = [
  [2021, 26],
  [2022, 25],
  [2023, 24],
  [2024, 29],
].map(([year, day]) => daysOfDate(year, 11, day));
const event = (day: number): EventSpan => ({ name: "Black Friday", day, days: 1, place: undefined, before: 0, after: 0 });

/** Five series of about 20 a day, four times as much on each Black Friday; forecast from 22 November 2024 on. */
function shop(lift = 4, days: readonly number[] = blackFridays): Panel {
  const random = makeRandom(5);
  const first = daysOfDate(2021, 3, 1);
  const length = daysOfDate(2024, 11, 22) - first;
  const series = Array.from({ length: 5 }, (_, s) => ({
    item: `item ${s}`,
    values: Array.from({ length }, (__, t) => {
      const mean = 20 * (blackFridays.includes(first + t) ? lift : 1);
      return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
    }),
  }));
  const panel = makePanel({
    grid: { frequency: { unit: "D", multiple: 1 }, startMs: first * 86_400_000, length, horizon: 14 },
    series,
    seasons: [7],
  });
  const placed = placeEvents(panel, days.map(event));
  return { ...panel, regressors: [...panel.regressors, ...placed.regressors], shared: [...panel.shared, ...placed.shared] };
}

async function gather(panel: Panel, own: Partial<RunSettings> = {}, compute = inlineCompute()): Promise<readonly SeriesResult[]> {
  const result = await runForecast(panel, { ...settings, ...own }, { compute, chunks: memoryChunks() });
  const all: SeriesResult[] = [];
  for await (const each of result.series()) all.push(each);
  return all;
}

describe("a rare event", () => {
  test("that quadrupled demand three times is forecast at four times the usual", async () => {
    for (const { mixed } of await gather(shop())) {
      const { mean, quantiles } = mixed.forecast ?? { mean: new Float64Array(14), quantiles: new Float64Array(42) };
      const at = 7;
      for (const h of [0, 6, 8, 13]) expect(Math.abs(mean[h] - 20)).toBeLessThan(3);
      for (const value of [mean[at], quantiles[14 + at]]) {
        expect(value).toBeGreaterThan(70);
        expect(value).toBeLessThan(90);
      }
      expect(quantiles[28 + at]).toBeGreaterThan(90);
      expect(quantiles[at]).toBeLessThan(75);
    }
  }, 120_000);

  test("is known to a single model of one series, and asked again gives the same", async () => {
    const own: RunSettings = { ...settings, models: ["theta", "naive"], windows: 2 };
    const tools = { compute: inlineCompute(), chunks: memoryChunks() };
    const panel = shop();
    const run = await openRun(panel, own, tools);
    await run.mix();
    const first: SeriesResult[] = [];
    for await (const each of run.result().series()) first.push(each);
    for (const { mixed } of first) expect(Math.abs((mixed.forecast?.mean[7] ?? 0) / (mixed.forecast?.mean[6] ?? 1) - 4)).toBeLessThan(0.6);
    const repeated = await reforecast(panel, own, await run.model(), [0, 3], { compute: tools.compute });
    expect(repeated.map(({ forecast }) => forecast)).toEqual([first[0].mixed.forecast, first[3].mixed.forecast]);
    // Without the event ahead: an ordinary day.
    const shared = panel.shared.map((each) => ({ ...each, values: each.values.map((value, t) => (t < panel.grid.length ? value : 0)) }));
    const [ordinary] = await reforecast({ ...panel, shared }, own, await run.model(), [0], { compute: tools.compute });
    expect(ordinary.forecast?.mean[7]).toBeLessThan(25);
  }, 60_000);

  test("gives the same bytes on threads, and a backtest knows only the times before it", async () => {
    const own = { models: ["theta"] as const, windows: 2, offset: 364 };
    const pool = openCompute({ threads: 2, log: makeMemoryLog() });
    try {
      const panel = shop();
      const inline = await gather(panel, own);
      expect(await gather(panel, own, pool)).toEqual(inline);
      // Another last year, unknown to the windows before it.
      const last = daysOfDate(2023, 12, 24) - daysOfDate(2021, 3, 1);
      const other = { ...panel, values: panel.values.slice() };
      for (let i = 0; i < 5; i++) for (let t = last; t < panel.grid.length; t++) other.values[panel.offsets[i] + t] *= 3;
      const changed = await gather(other, own);
      changed.forEach(({ mixed }, i) => {
        mixed.backtests.forEach(({ forecast }, w) => expect(forecast).toEqual(inline[i].mixed.backtests[w].forecast));
      });
    } finally {
      await pool.close();
    }
  }, 60_000);
});
