import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import type { Forecast, Panel } from "../contract.ts";
import { makePanel } from "../panel/make.ts";
import type { PlainSeries } from "../panel/make.ts";
import { decodeGlobal, encodeGlobal } from "./bytes.ts";
import { fitGlobal, forecastGlobal } from "./global.ts";
import type { GlobalModel } from "./global.ts";

const horizon = 6;
const length = 80;
const levels = [0.1, 0.5, 0.9];
const quick = { trees: 40, rate: 0.12, patience: 20 };

interface ShopOptions {
  readonly items?: number;
  readonly places?: number;
  readonly scale?: (series: number) => number;
  /** Replaces the values of a series. */
  readonly strange?: Readonly<Record<number, readonly number[]>>;
  /** Adds to every value at or after this grid index. */
  readonly shock?: { readonly from: number; readonly by: number };
}

/** Items that sell by their brand and place, three times as much on promotion, less when dear, less on Sundays. */
function shop(options: ShopOptions = {}): Panel {
  const series: PlainSeries[] = [];
  const random = makeRandom(11);
  for (let item = 0; item < (options.items ?? 8); item++) {
    for (let place = 0; place < (options.places ?? 3); place++) {
      const index = series.length;
      const usual = [4, 10, 25][item % 3] * (1 + place) * (options.scale?.(index) ?? 1);
      const promotion = Float64Array.from({ length: length + horizon }, () => (random.next() < 0.2 ? 1 : 0));
      const price = promotion.map((flag) => 3 + 0.2 * random.normal() - 0.5 * flag);
      const values = Array.from({ length }, (_, t) => {
        const wave = t % 7 === 6 ? 0.4 : 1;
        return usual * wave * (1 + 2 * promotion[t]) * (0.8 + 0.4 * random.next());
      });
      if (options.shock !== undefined) for (let t = options.shock.from; t < length; t++) values[t] += options.shock.by;
      const kept = options.strange?.[index] ?? values;
      const skip = length - kept.length;
      series.push({
        item: `item ${item}`,
        dimensions: { place: `place ${place}` },
        metadata: { brand: ["plain", "better", "best"][item % 3] },
        values: kept,
        regressors: { price: price.subarray(skip), promotion: promotion.subarray(skip) },
      });
    }
  }
  const holiday = Float64Array.from({ length: length + horizon }, (_, t) => (t % 30 === 29 ? 1 : 0));
  return makePanel({
    grid: { frequency: { unit: "D", multiple: 1 }, startMs: Date.UTC(2024, 0, 1), length, horizon },
    series,
    shared: { holiday },
    seasons: [7],
  });
}

function fit(panel: Panel, cut = length, seed = 1, nonNegative = true): GlobalModel {
  const model = fitGlobal(panel, { cut, horizon, levels, random: makeRandom(seed), nonNegative, rows: 3000, tuning: quick });
  if (model.kind === "unfit") throw new Error(model.reason);
  return model;
}

function forecastAll(model: GlobalModel, panel: Panel, cut = length, asked: readonly number[] = levels): Forecast[] {
  return forecastGlobal(model, panel, { from: 0, to: panel.itemIds.length }, { cut, horizon, levels: asked });
}

function expectSound(forecast: Forecast): void {
  for (const value of [...forecast.mean, ...forecast.quantiles]) {
    expect(Number.isFinite(value)).toBe(true);
    expect(value).toBeGreaterThanOrEqual(0);
  }
  const steps = forecast.mean.length;
  for (let h = 0; h < steps; h++) {
    for (let q = 1; q < forecast.levels.length; q++) {
      expect(forecast.quantiles[q * steps + h]).toBeGreaterThanOrEqual(forecast.quantiles[(q - 1) * steps + h]);
    }
  }
}

describe("the global model", () => {
  const panel = shop();
  const model = fit(panel);

  test("learns what a promotion does, and needs no more than the plan of prices", () => {
    const cut = length - horizon;
    const early = fit(panel, cut);
    const forecasts = forecastAll(early, panel, cut);
    let error = 0;
    let level = 0;
    let actual = 0;
    for (let i = 0; i < panel.itemIds.length; i++) {
      const past = panel.values.subarray(panel.offsets[i], panel.offsets[i] + cut);
      const mean = past.reduce((sum, value) => sum + value, 0) / cut;
      for (let h = 0; h < horizon; h++) {
        const value = panel.values[panel.offsets[i] + cut + h];
        actual += value;
        error += Math.abs(value - forecasts[i].mean[h]);
        level += Math.abs(value - mean);
      }
    }
    expect(error / actual).toBeLessThan(0.25);
    expect(error).toBeLessThan(0.5 * level);
  });

  test("quantiles never cross, at any levels asked, and are never below zero", () => {
    const asked = [0.01, 0.05, 0.1, 0.2, 0.5, 0.8, 0.97, 0.99];
    for (const forecast of forecastAll(model, panel, length, asked)) expectSound(forecast);
    const many = fitGlobal(panel, {
      cut: length,
      horizon,
      levels: asked,
      random: makeRandom(1),
      nonNegative: true,
      rows: 4000,
      tuning: quick,
    });
    if (many.kind === "unfit") throw new Error(many.reason);
    expect(many.levels.length).toBeLessThan(asked.length);
    for (const forecast of forecastAll(many, panel, length, asked)) expectSound(forecast);
  });

  test("changing the future changes neither the model nor a forecast of the past", () => {
    const cut = 60;
    const other = shop({ shock: { from: cut, by: 1000 } });
    expect(encodeGlobal(fit(other, cut))).toEqual(encodeGlobal(fit(panel, cut)));
    expect(forecastAll(fit(other, cut), other, cut)).toEqual(forecastAll(fit(panel, cut), panel, cut));
  });

  test("regressors after the horizon of a cut change nothing either", () => {
    const cut = 60;
    const other = shop();
    for (const each of other.regressors) {
      for (let i = 0; i < other.itemIds.length; i++) {
        const first = other.offsets[i] + i * horizon;
        for (let t = cut + horizon; t < length + horizon; t++) each.values[first + t] = 0.5;
      }
    }
    other.shared[0].values.fill(0.5, cut + horizon);
    expect(forecastAll(fit(other, cut), other, cut)).toEqual(forecastAll(fit(panel, cut), panel, cut));
  });

  test("serves a later cut without a new fit", () => {
    const early = fit(panel, 60);
    for (const forecast of forecastAll(early, panel, 74)) expectSound(forecast);
    expect(forecastAll(early, panel, 74)[0].mean).not.toEqual(forecastAll(early, panel, 60)[0].mean);
  });

  test("the same seed gives the same bytes; bytes give the model back; ranges do not matter", () => {
    const bytes = encodeGlobal(model);
    expect(encodeGlobal(fit(panel))).toEqual(bytes);
    const decoded = decodeGlobal(bytes);
    expect(decoded).toEqual(model);
    expect(structuredClone(model)).toEqual(model);
    const whole = forecastAll(model, panel);
    const part = forecastGlobal(decoded, panel, { from: 5, to: 9 }, { cut: length, horizon, levels });
    expect(part).toEqual(whole.slice(5, 9));
  });

  test("bytes of something else are refused", () => {
    const bytes = encodeGlobal(model);
    expect(() => decodeGlobal(new Uint8Array(40))).toThrow(/bytes of a global model/);
    expect(() => decodeGlobal(bytes.subarray(0, 5))).toThrow(/bytes of a global model/);
    expect(() => decodeGlobal(bytes.subarray(0, bytes.length - 64))).toThrow(/bytes of a global model/);
  });

  test("a thousand times the demand, a thousand times the forecast", () => {
    const larger = shop({ scale: () => 1024 });
    const forecasts = forecastAll(fit(larger), larger);
    forecastAll(model, panel).forEach((forecast, i) => {
      for (let h = 0; h < horizon; h++) expect(forecasts[i].mean[h] / 1024 / forecast.mean[h]).toBeCloseTo(1, 2);
    });
  });

  test("series of 10 million and of 1e-9 stand side by side", () => {
    const wide = shop({ scale: (series) => (series % 2 === 0 ? 1e7 : 1e-9) });
    const forecasts = forecastAll(fit(wide), wide);
    forecasts.forEach((forecast, i) => {
      expectSound(forecast);
      const past = wide.values.subarray(wide.offsets[i], wide.offsets[i + 1]);
      const mean = past.reduce((sum, value) => sum + value, 0) / past.length;
      const ahead = forecast.mean.reduce((sum, value) => sum + value, 0) / horizon;
      expect(ahead / mean).toBeGreaterThan(0.3);
      expect(ahead / mean).toBeLessThan(3);
    });
  });

  test("strange series are served: empty, one point, two points, constant, all zeros, all missing, gaps", () => {
    const gaps = Array.from({ length: 40 }, (_, t) => (t % 3 === 0 ? 8 : Number.NaN));
    const zeros = Array.from({ length }, () => 0);
    const strange = shop({
      strange: { 0: [], 3: [5], 4: [5, 7], 7: Array.from({ length }, () => 6), 9: zeros, 10: [Number.NaN, Number.NaN], 12: gaps },
    });
    const forecasts = forecastAll(fit(strange), strange);
    for (const forecast of forecasts) expectSound(forecast);
    expect(forecasts[9].mean[0]).toBeLessThan(1);
    expect(forecasts[12].mean[0]).toBeGreaterThan(2);
  });

  test("a new item is forecast at the level of its brand and place", () => {
    const cold = shop({ items: 24, strange: { 60: [], 65: [] } });
    const forecasts = forecastAll(fit(cold), cold);
    // Series 60: item 20, brand "best" (25 a day), place 0; series 65: item 21, brand "plain" (4), place 2.
    const mean = (i: number): number => forecasts[i].mean.reduce((sum, value) => sum + value, 0) / horizon;
    expect(mean(60)).toBeGreaterThan(15);
    expect(mean(60)).toBeLessThan(70);
    expect(mean(65)).toBeGreaterThan(6);
    expect(mean(65)).toBeLessThan(34);
  });

  test("demand below zero is learned where it may be", () => {
    const values = Array.from({ length }, (_, t) => -20 + (t % 7));
    const balance = makePanel({
      grid: { frequency: { unit: "D", multiple: 1 }, startMs: 0, length, horizon },
      series: Array.from({ length: 6 }, (_, i) => ({ item: `${i}`, values: values.map((value) => value + i) })),
      seasons: [7],
    });
    const signed = fit(balance, length, 1, false);
    expect(signed.loss.kind).toBe("squared");
    expect(forecastAll(signed, balance)[0].mean[0]).toBeLessThan(-10);
  });

  test("says why where there is nothing to learn from", () => {
    const empty = makePanel({
      grid: { frequency: { unit: "D", multiple: 1 }, startMs: 0, length, horizon },
      series: [{ item: "a", values: [] }],
    });
    const unfit = fitGlobal(empty, { cut: length, horizon, levels, random: makeRandom(1), nonNegative: true });
    expect(unfit).toMatchObject({ kind: "unfit", reason: expect.stringContaining("the panel has 0") });
  });

  test("zeros everywhere are forecast as zeros", () => {
    const zeros = Array.from({ length: 4 }, (_, i) => ({ item: `${i}`, values: new Float64Array(length) }));
    const still = makePanel({ grid: { frequency: { unit: "W", multiple: 1 }, startMs: 0, length, horizon }, series: zeros });
    for (const forecast of forecastAll(fit(still), still))
      expect([...forecast.mean, ...forecast.quantiles].every((each) => each === 0)).toBe(true);
  });

  test("a horizon longer than the model's is refused", () => {
    expect(() => forecastGlobal(model, panel, { from: 0, to: 1 }, { cut: length, horizon: horizon + 1, levels })).toThrow(RangeError);
  });
});

test("what sells once in fifty steps is expected to sell as often as it did", () => {
  for (const [chance, size] of [
    [0.02, 1],
    [0.05, 8],
    [0.15, 3],
  ] as const) {
    const random = makeRandom(11);
    let sold = 0;
    const sale = (): number => (size === 1 ? 1 : 1 + Math.floor(-Math.log(1 - random.next()) * (size - 1)));
    const values = Array.from({ length: 30 }, () =>
      Float64Array.from({ length: 300 }, () => {
        const value = random.next() < chance ? sale() : 0;
        sold += value;
        return value;
      }),
    );
    const panel = makePanel({
      grid: { frequency: { unit: "D", multiple: 1 }, startMs: Date.UTC(2024, 0, 1), length: 300, horizon: 14 },
      series: values.map((each, i) => ({ item: `x${i}`, values: each })),
      seasons: [7],
    });
    const model = fitGlobal(panel, { cut: 300, horizon: 14, levels: [0.5], random: makeRandom(5), nonNegative: true });
    if (model.kind === "unfit") throw new Error(model.reason);
    // From several instants: of one the last weeks decide.
    const means = [120, 160, 200, 240, 280, 300].flatMap((cut) =>
      forecastGlobal(model, panel, { from: 0, to: 30 }, { cut, horizon: 14, levels: [0.5] }).flatMap(({ mean }) => [...mean]),
    );
    const said = means.reduce((sum, each) => sum + each, 0) / means.length;
    expect(said / (sold / 9000)).toBeGreaterThan(0.8);
    expect(said / (sold / 9000)).toBeLessThan(1.25);
  }
});
