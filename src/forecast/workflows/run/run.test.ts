import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gather } from "../../../platform/bytes.ts";
import { openCompute, type Compute } from "../../../platform/compute/index.ts";
import { makeMemoryLog } from "../../../platform/log.ts";
import { makeRandom } from "../../../platform/random.ts";
import type { Forecast, Panel } from "../../engine/contract.ts";
import { makePanel } from "../../engine/panel/make.ts";
import { reforecast } from "./reforecast.ts";
import type { ChunkStore, RunResult, RunSettings, SeriesResult } from "./contract.ts";
import { inlineCompute } from "./inline.ts";
import { memoryChunks } from "./pieces.ts";
import { rowsOf, tableBody, type RunTable } from "./rows.ts";
import { openRun, runForecast } from "./run.ts";

const settings: RunSettings = {
  levels: [0.1, 0.5, 0.9],
  mean: true,
  windows: 3,
  offset: 4,
  models: "auto",
  nonNegative: true,
  seed: 7,
  hierarchy: [],
};

/** A dozen series of a little shop, with a price; two begin late, one not at all. */
function shop(): Panel {
  const random = makeRandom(3);
  const [length, horizon] = [70, 4];
  const series = Array.from({ length: 12 }, (_, s) => {
    const own = s === 11 ? 0 : s === 10 ? 25 : s === 9 ? 50 : length;
    const price = Array.from({ length: own + horizon }, () => (random.next() < 0.15 ? 0.8 : 1) * (2 + s));
    const rate = s % 4 === 3 ? 0.4 : 5 + 3 * s;
    const values = price.slice(0, own).map((each, t) => {
      const mean = rate * (1 + 0.3 * Math.sin((2 * Math.PI * t) / 13)) * (each / (2 + s)) ** -2;
      return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
    });
    return {
      item: `item ${s >> 1}`,
      dimensions: { location: `store ${s & 1}` },
      metadata: { category: s < 6 ? "x" : "y" },
      values,
      regressors: { price },
    };
  });
  return makePanel({
    grid: { frequency: { unit: "W", multiple: 1 }, startMs: Date.UTC(2024, 0, 1), length, horizon },
    series,
    seasons: [13],
  });
}
const small = shop();
const runTables: readonly RunTable[] = ["forecast", "forecasted-values", "accuracy-metrics", "accuracy", "models"];

async function gatherSeries(result: RunResult): Promise<SeriesResult[]> {
  const all: SeriesResult[] = [];
  for await (const each of result.series()) all.push(each);
  return all;
}
const runInline = async (panel: Panel, given: RunSettings = settings, chunks: ChunkStore = memoryChunks()): Promise<SeriesResult[]> =>
  gatherSeries(await runForecast(panel, given, { compute: inlineCompute(), chunks }));

describe("a run over threads", () => {
  const pools: Compute[] = [];
  beforeAll(() => {
    for (const threads of [1, 3]) pools.push(openCompute({ threads, log: makeMemoryLog() }));
  });
  afterAll(async () => {
    for (const pool of pools) await pool.close();
  });

  test("gives the same numbers and the same tables on one thread and on three", async () => {
    const ends = await Promise.all(
      pools.map(async (compute) => {
        const chunks = memoryChunks();
        const stages = new Set<string>();
        const result = await runForecast(small, settings, {
          compute,
          chunks,
          onProgress: ({ stage, done, total }) => done === total && stages.add(stage),
        });
        expect(stages).toEqual(new Set(["learn", "try", "plan", "mix"]));
        const tables = await Promise.all(runTables.map((table) => gather(tableBody(rowsOf(result, table)))));
        return { names: [...chunks.pieces.keys()].toSorted(), series: await gatherSeries(result), tables: tables.map(String) };
      }),
    );
    const [one, three] = ends;
    expect(one.names.length).toBeGreaterThan(6);
    expect(three).toEqual(one);
  }, 240_000);
});

describe("a run that was interrupted", () => {
  test("goes on with what is there and ends as if nothing had happened", async () => {
    const whole = await runInline(small);
    const chunks = memoryChunks();
    for (let tries = 0; ; tries++) {
      expect(tries).toBeLessThan(20);
      const before = chunks.pieces.size;
      const abort = new AbortController();
      let put = 0;
      const stopping: ChunkStore = {
        ...chunks,
        put: async (name, bytes) => {
          await chunks.put(name, bytes);
          put += 1;
          if (put === 3) abort.abort(new Error("enough"));
        },
      };
      const ended = await runForecast(small, settings, { compute: inlineCompute(), chunks: stopping, signal: abort.signal }).then(
        (result) => result,
        (thrown: unknown) => thrown,
      );
      expect(chunks.pieces.size).toBeGreaterThan(before);
      if (!(ended instanceof Error)) break;
      if (ended.message !== "enough") throw ended;
    }
    const resumed = await runInline(small, settings, chunks);
    expect(resumed).toEqual(whole);
  }, 240_000);

  test("takes up no piece of another seed, panel or setting", async () => {
    const chunks = memoryChunks();
    const light: RunSettings = { ...settings, models: ["theta"], windows: 1 };
    await runInline(small, light, chunks);
    const { size } = chunks.pieces;
    await runInline(small, { ...light, seed: 8 }, chunks);
    expect(chunks.pieces.size).toBe(2 * size);
    const values = small.values.slice();
    values[0] += 1;
    await runInline({ ...small, values }, light, chunks);
    expect(chunks.pieces.size).toBe(3 * size);
    await runInline(small, light, chunks);
    expect(chunks.pieces.size).toBe(3 * size);
  }, 240_000);
});

describe("the past of a backtest", () => {
  test("does not change when its future does", async () => {
    const random = makeRandom(5);
    const { horizon } = small.grid;
    const values = small.values.slice();
    for (let s = 0; s + 1 < small.offsets.length; s++) {
      for (let t = Math.max(small.offsets[s], small.offsets[s + 1] - horizon); t < small.offsets[s + 1]; t++) {
        values[t] = random.next() < 0.2 ? Number.NaN : Math.floor(values[t] * 3 * random.next());
      }
    }
    const [before, after] = [await runInline(small), await runInline({ ...small, values })];
    let compared = 0;
    for (const [at, { mixed }] of before.entries()) {
      expect(after[at].mixed.backtests.map(({ cut, forecast }) => ({ cut, forecast }))).toEqual(
        mixed.backtests.map(({ cut, forecast }) => ({ cut, forecast })),
      );
      compared += mixed.backtests.length;
    }
    expect(compared).toBeGreaterThan(20);
    expect(after.map(({ mixed }) => mixed.forecast)).not.toEqual(before.map(({ mixed }) => mixed.forecast));
  }, 240_000);
});

/** Finite, in order, and nothing below zero unless that means something. */
function checkForecast(forecast: Forecast | undefined, least = 0): void {
  if (forecast === undefined) return;
  const { mean, quantiles, levels } = forecast;
  const steps = Array.from(mean, (value, h) => ({ value, own: levels.map((_, i) => quantiles[i * mean.length + h]) }));
  expect(steps.filter(({ value, own }) => ![value, ...own].every((each) => Number.isFinite(each) && each >= least))).toEqual([]);
  expect(steps.filter(({ own }) => own.some((each, i) => i > 0 && each < own[i - 1]))).toEqual([]);
}

describe("forecasting again", () => {
  test("gives what the run gave while nothing ahead has changed, and answers to what has", async () => {
    const compute = inlineCompute();
    const run = await openRun(small, settings, { compute, chunks: memoryChunks() });
    await run.mix();
    const before = await gatherSeries(run.result());
    const model = await run.model();
    const repeated = await reforecast(small, settings, model, [3, 0, 11], { compute });
    expect(repeated).toEqual([3, 0, 11].map((index) => ({ index, forecast: before[index].mixed.forecast })));
    const cheaper = small.regressors.map(({ name, values }) => ({ name, values: values.slice() }));
    for (let s = 0; s < 12; s++) {
      const end = small.offsets[s + 1] + (s + 1) * 4;
      for (let at = end - 4; at < end; at++) cheaper[0].values[at] = 0.8 * (2 + s);
    }
    const [answer] = await reforecast({ ...small, regressors: cheaper }, settings, model, [6], { compute });
    const sum = (forecast: Forecast | undefined): number => forecast?.mean.reduce((total, value) => total + value, 0) ?? Number.NaN;
    expect(sum(answer.forecast)).toBeGreaterThan(1.05 * sum(before[6].mixed.forecast));
  }, 240_000);
});

describe("strange series", () => {
  const length = 60;
  const wave = (scale: number): number[] =>
    Array.from({ length }, (_, t) => scale * (10 + 3 * Math.sin((2 * Math.PI * t) / 12) + ((t * 7) % 5) / 5));
  const strange: Readonly<Record<string, readonly number[]>> = {
    constant: Array.from({ length }, () => 7),
    zeros: Array.from({ length }, () => 0),
    "one point": [3],
    "two points": [3, 5],
    "all missing": Array.from({ length }, () => Number.NaN),
    "one known among missing": Array.from({ length }, (_, t) => (t === 30 ? 4 : Number.NaN)),
    "one sale": Array.from({ length }, (_, t) => (t === 30 ? 4 : 0)),
    gaps: wave(1).map((value, t) => (t % 4 === 1 ? Number.NaN : value)),
    "ten million": wave(1e7),
    "a billionth": wave(1e-9),
    "a spike": wave(1).map((value, t) => (t === 40 ? 1e6 : value)),
    nothing: [],
    plain: wave(1),
  };
  const panel = makePanel({
    grid: { frequency: { unit: "M", multiple: 1 }, startMs: Date.UTC(2020, 1, 1), length, horizon: 4 },
    series: Object.entries(strange).map(([item, values]) => ({ item, values })),
    seasons: [12],
  });

  test("get a sensible forecast or none, with the reason; never NaN, never a crash", async () => {
    const results = new Map((await runInline(panel)).map((each) => [panel.itemIds[each.index], each]));
    expect([...results.keys()]).toEqual(Object.keys(strange));
    for (const { mixed } of results.values()) {
      for (const forecast of [mixed.forecast, ...mixed.backtests.map((each) => each.forecast)]) checkForecast(forecast);
    }
    // Of a series with any value, however few, there is a forecast, and it lies where the series lies.
    const largest = Object.entries(strange).flatMap(([name, values]) => {
      const known = values.filter((value) => !Number.isNaN(value));
      const ahead = results.get(name)?.mixed.forecast?.mean;
      return known.length === 0 ? [] : [{ name, ratio: ahead === undefined ? Infinity : Math.max(...ahead) / Math.max(...known, 0.01) }];
    });
    expect(largest.filter(({ ratio }) => !(ratio <= 3))).toEqual([]);
    const meanOf = (name: string): number =>
      Array.from(results.get(name)?.mixed.forecast?.mean ?? []).reduce((sum, value) => sum + value / 4, 0);
    expect(meanOf("constant")).toBeCloseTo(7, 1);
    expect(meanOf("zeros")).toBeCloseTo(0, 1);
    expect(meanOf("ten million") / 1e8).toBeCloseTo(1, 0);
    expect(meanOf("a billionth") / 1e-8).toBeCloseTo(1, 0);
  }, 240_000);

  test("a leap day is a day like any other", async () => {
    const days = makePanel({
      grid: { frequency: { unit: "D", multiple: 1 }, startMs: Date.UTC(2023, 11, 1), length: 90, horizon: 7 },
      series: ["a", "b"].map((item) => ({ item, values: Array.from({ length: 90 }, (_, t) => 20 + (t % 7) * 3) })),
      seasons: [7, 365.25],
    });
    for (const { mixed } of await runInline(days, { ...settings, offset: 7 })) {
      checkForecast(mixed.forecast);
      const errors = Array.from(mixed.forecast?.mean ?? [], (value, h) => Math.abs(value - (20 + ((90 + h) % 7) * 3)));
      expect(errors).toHaveLength(7);
      expect(Math.max(...errors)).toBeLessThan(3);
    }
  }, 240_000);

  test("may go below zero where that means something", async () => {
    const values = wave(1).map((value) => value - 12);
    const own = makePanel({ grid: panel.grid, series: [{ item: "a", values }], seasons: [12] });
    const [{ mixed }] = await runInline(own, { ...settings, nonNegative: false });
    checkForecast(mixed.forecast, -Infinity);
    expect(Math.min(...(mixed.forecast?.quantiles ?? []))).toBeLessThan(0);
  }, 240_000);
});

describe("settings", () => {
  const wrong = (changed: Partial<RunSettings>): Promise<unknown> => runInline(small, { ...settings, ...changed });

  test("that make no sense are told as the user's", async () => {
    const input = { kind: "input", code: "FORECAST_SETTINGS" };
    await expect(wrong({ levels: [0.9, 0.1] })).rejects.toMatchObject(input);
    await expect(wrong({ levels: [0, 0.5] })).rejects.toMatchObject(input);
    await expect(wrong({ windows: 1.5 })).rejects.toMatchObject(input);
    await expect(wrong({ offset: 3 })).rejects.toMatchObject({
      ...input,
      message: expect.stringContaining("at least the horizon (4 steps)"),
    });
    await expect(wrong({ offset: 70 })).rejects.toMatchObject({
      ...input,
      message: expect.stringContaining("shorter than the history (70 steps)"),
    });
  });

  test("of no window and no quantile are taken", async () => {
    const results = await runInline(small, { ...settings, windows: 0, levels: [], models: ["theta", "ets"] });
    expect(results.every(({ mixed }) => mixed.backtests.length === 0)).toBe(true);
    expect(results.filter(({ mixed }) => mixed.forecast?.mean.length === 4).length).toBeGreaterThan(8);
  }, 240_000);
});

describe("sums that agree", () => {
  const asked: RunSettings = { ...settings, models: ["theta", "ets"], hierarchy: ["category", "item_id"] };

  test("are the sums of their parts at every level, ahead and in every backtest", async () => {
    const { horizon } = small.grid;
    const result = await runForecast(small, asked, { compute: inlineCompute(), chunks: memoryChunks() });
    const series = await gatherSeries(result);
    const sums = await result.sums();
    expect(sums.map(({ level, label }) => `${level}: ${label}`).slice(0, 3)).toEqual(["total: total", "category: x", "category: y"]);
    expect(sums).toHaveLength(1 + 2 + 6);
    const category = small.metadata[0];
    const parts: Readonly<Record<string, (index: number) => boolean>> = {
      total: () => true,
      x: (index) => category.levels[category.codes[index]] === "x",
      "y / item 4": (index) => small.itemIds[index] === "item 4",
    };
    for (const [label, within] of Object.entries(parts)) {
      const sum = sums.find((each) => each.label === label);
      const own = series.filter(({ index }) => within(index));
      for (let h = 0; h < horizon; h++) {
        const ahead = own.reduce((total, { mixed }) => total + (mixed.forecast?.mean[h] ?? 0), 0);
        expect(sum?.result.mixed.forecast?.mean[h]).toBeCloseTo(ahead, 6);
        const last = own.reduce((total, { mixed }) => total + (mixed.backtests.find(({ cut }) => cut === 66)?.forecast.mean[h] ?? 0), 0);
        expect(sum?.result.mixed.backtests.at(-1)?.forecast.mean[h]).toBeCloseTo(last, 6);
      }
      // A quantile of a sum is less extreme than the sum of quantiles.
      const upper = own.reduce((total, { mixed }) => total + (mixed.forecast?.quantiles[2 * horizon] ?? 0), 0);
      expect(sum?.result.mixed.forecast?.quantiles[2 * horizon]).toBeLessThan(upper);
    }
    for (const { mixed } of [...series, ...sums.map((each) => each.result)]) checkForecast(mixed.forecast);
  }, 240_000);

  test("leave the past of a backtest alone, too", async () => {
    const values = small.values.slice();
    for (let s = 0; s + 1 < small.offsets.length; s++) {
      for (let t = Math.max(small.offsets[s], small.offsets[s + 1] - 4); t < small.offsets[s + 1]; t++) values[t] *= 3;
    }
    const pasts = await Promise.all(
      [small, { ...small, values }].map(async (panel) =>
        (await runInline(panel, asked)).map(({ mixed }) => mixed.backtests.map(({ cut, forecast }) => ({ cut, forecast }))),
      ),
    );
    expect(pasts[1]).toEqual(pasts[0]);
  }, 240_000);

  test("leave small series what they were beside a giant, in every window and whatever the number of errors", async () => {
    const random = makeRandom(5);
    const grid = { frequency: { unit: "W", multiple: 1 } as const, startMs: Date.UTC(2024, 0, 1), length: 60, horizon: 2 };
    const series = Array.from({ length: 60 }, (_, i) => {
      const level = i === 17 ? 30_000 : 1 + (i % 30);
      const spread = i === 17 ? 0.15 * level : Math.sqrt(level);
      const values = Float64Array.from({ length: 60 }, () => Math.max(0, Math.round(level + spread * random.normal())));
      return { item: `item ${i}`, metadata: { category: `kind ${i >> 1}` }, values };
    });
    const panel = makePanel({ grid, series, seasons: [] });
    const own: RunSettings = { ...settings, offset: 2, models: ["ets", "naive"] };
    const alone = await runInline(panel, own);
    const reconciled = await runInline(panel, { ...own, hierarchy: ["category"] });
    const small = (all: readonly SeriesResult[], window: number): { error: number; actual: number } =>
      all.reduce(
        (sum, { index, tallies }) =>
          index === 17
            ? sum
            : {
                error: sum.error + (tallies[window]?.absoluteError ?? 0),
                actual: sum.actual + (tallies[window]?.absoluteActual ?? 0),
              },
        { error: 0, actual: 0 },
      );
    for (const window of [0, 1, 2]) expect(small(reconciled, window).error).toBeLessThan(1.03 * small(alone, window).error);
    for (const [i, { mixed }] of reconciled.entries()) {
      if (i === 17) continue;
      const [before, after] = [alone[i].mixed.forecast, mixed.forecast];
      const width = (before?.quantiles[4] ?? 0) - (before?.quantiles[0] ?? 0);
      expect(Math.abs((after?.mean[0] ?? 0) - (before?.mean[0] ?? 0))).toBeLessThan(0.1 * width + 0.01);
      expect(after?.quantiles[4] ?? 0).toBeLessThan((before?.quantiles[4] ?? 0) + 0.5 * width + 0.01);
    }
  }, 240_000);

  test("want a column that is there and two quantiles", async () => {
    await expect(runInline(small, { ...asked, hierarchy: ["colour"] })).rejects.toMatchObject({ kind: "input", code: "HIERARCHY_COLUMN" });
    await expect(runInline(small, { ...asked, levels: [0.5] })).rejects.toMatchObject({ kind: "input", code: "FORECAST_SETTINGS" });
  });
});
