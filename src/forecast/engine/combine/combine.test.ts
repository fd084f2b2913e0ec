import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import type { Forecast, Series } from "../contract.ts";
import type { GivenForecast, MixOptions, Trial } from "./contract.ts";
import { mixForecast } from "./mix.ts";
import { planMix } from "./plan.ts";
import { profileSeries } from "./profile.ts";
import { tryModels } from "./trial.ts";

const options: MixOptions = {
  horizon: 4,
  levels: [0.1, 0.5, 0.9],
  windows: 2,
  offset: 4,
  nonNegative: true,
  models: ["theta", "ets", "naive"],
  random: makeRandom(7),
};

const seriesOf = (values: readonly number[], seasons: readonly number[] = [4]): Series => ({
  values: Float64Array.from(values),
  seasons,
  regressors: [],
  position: 0,
});

/** A quarterly series of some kind, long enough to learn from. */
function make(seed: number, length = 32): number[] {
  const random = makeRandom(seed);
  const level = 20 + 200 * random.next();
  const slope = random.normal();
  const wave = 0.3 * random.next();
  return Array.from({ length }, (_, t) =>
    Math.max(0, (level + slope * t) * (1 + wave * Math.sin((t * Math.PI) / 2)) + 0.05 * level * random.normal()),
  );
}

const tryAll = (all: readonly number[][], own: MixOptions = options): Trial[] =>
  all.map((values, i) => tryModels(`s${i}`, seriesOf(values), own));

describe("laws of the mix", () => {
  test("changing the future never changes a backtest's past", () => {
    const before = Array.from({ length: 12 }, (_, i) => make(i));
    // Everything from the latest cut on becomes something else, in every series.
    const after = before.map((values, i) => values.map((value, t) => (t < 28 ? value : 1000 * (i + 1) + t)));
    const left = tryAll(before);
    const right = tryAll(after);
    const leftPlan = planMix(left, options);
    const rightPlan = planMix(right, options);
    for (let i = 0; i < before.length; i++) {
      const one = mixForecast(left[i], leftPlan, i, options);
      const two = mixForecast(right[i], rightPlan, i, options);
      expect(one.backtests.map((each) => each.cut)).toEqual([24, 28]);
      expect(two.backtests.map((each) => each.forecast)).toEqual(one.backtests.map((each) => each.forecast));
      expect(two.forecast).not.toEqual(one.forecast);
    }
  });

  test("days of a calendar make no series informed, as a price known ahead does", () => {
    const trial = (name: string): Trial => {
      const values = Float64Array.from({ length: 36 }, (_, t) => (t % 5 === 0 ? 1 : 0));
      return tryModels("s", { ...seriesOf(make(1)), regressors: [{ name, values }] }, options);
    };
    expect(["price", "holidays", "holiday", "holiday:Easter Monday", "event:Fair"].map((name) => trial(name).informed)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test("a model that expects one step in ten far beyond all seen has no say", () => {
    // Spiky sales, on which multiplicative ETS puts p90 at ten thousand times the largest sale and more.
    const own: MixOptions = { ...options, horizon: 8, offset: 8, windows: 1 };
    for (const seed of [72, 138, 144, 195, 214]) {
      const random = makeRandom(seed);
      const values = Array.from({ length: 60 }, () => Math.round(2000 * Math.exp(0.5 * random.normal()) * (random.next() < 0.12 ? 30 : 1)));
      const trials = [tryModels("spiky", seriesOf(values, []), own)];
      expect(trials[0].unfit.map(({ model }) => model)).toEqual(["ets"]);
      const { forecast } = mixForecast(trials[0], planMix(trials, own), 0, own);
      expect(Math.max(...(forecast?.quantiles ?? [Number.NaN]))).toBeLessThan(20 * Math.max(...values));
    }
  });

  test("neither order nor company of the trials changes one, and a trial survives the way between threads", () => {
    const all = Array.from({ length: 6 }, (_, i) => make(i));
    const once = tryAll(all);
    const again = all.map((values, i) => ({ values, i })).toReversed();
    for (const { values, i } of again) expect(tryModels(`s${i}`, seriesOf(values), options)).toEqual(once[i]);
    const plan = planMix(once, options);
    const crossed = structuredClone(once);
    expect(planMix(crossed, options)).toEqual(plan);
    expect(mixForecast(crossed[2], structuredClone(plan), 2, options)).toEqual(mixForecast(once[2], plan, 2, options));
  });

  test("weights sum to one, and windows are only those asked for", () => {
    const trials = tryAll([make(1), make(2, 60), make(3, 9), make(4, 6)]);
    const plan = planMix(trials, options);
    for (const [i, trial] of trials.entries()) {
      const mixed = mixForecast(trial, plan, i, options);
      expect(mixed.components.reduce((sum, each) => sum + each.weight, 0)).toBeCloseTo(1, 9);
      expect(mixed.backtests.length).toBeLessThanOrEqual(2);
      expect(mixed.backtests.map((each) => each.actual.length)).toEqual(mixed.backtests.map(() => 4));
    }
  });

  test("any series gets a sound forecast or, without a value, none", () => {
    const value = fc.oneof(fc.double({ min: -1e7, max: 1e7, noNaN: true }), fc.constant(0), fc.constant(Number.NaN));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 30 }), fc.boolean(), fc.constantFrom(1, 1e-9, 1e3), (raw, nonNegative, unit) => {
        const own: MixOptions = { ...options, nonNegative, models: "auto" };
        const trial = tryModels("odd", seriesOf(raw.map((each) => each * unit)), own);
        const { forecast } = mixForecast(trial, planMix([trial], own), 0, own);
        expect(forecast === undefined).toBe(raw.every((each) => Number.isNaN(each)));
        if (forecast === undefined) return;
        expectSound(forecast, nonNegative);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ["one point", [5]],
    ["two points", [5, 6]],
    ["a constant", Array.from({ length: 30 }, () => 1e7)],
    ["all zeros", Array.from({ length: 30 }, () => 0)],
    ["rare sales", Array.from({ length: 40 }, (_, t) => (t % 7 === 3 ? 4 : 0))],
  ])("%s", (_, values) => {
    const own: MixOptions = { ...options, models: "auto" };
    const trial = tryModels("s", seriesOf(values), own);
    const { forecast } = mixForecast(trial, planMix([trial], own), 0, own);
    expect(forecast).toBeDefined();
    if (forecast !== undefined) expectSound(forecast, true);
    const largest = Math.max(...values);
    expect(Math.max(...(forecast?.mean ?? []))).toBeLessThanOrEqual(2 * largest);
  });

  test("what never sold sells nothing, though the global model hopes; what is new is left to it", () => {
    const own: MixOptions = { ...options, models: "auto" };
    const hope: Forecast = { mean: new Float64Array(4).fill(3), levels: [0.1, 0.5, 0.9], quantiles: new Float64Array(12).fill(3) };
    const given: GivenForecast[] = [{ name: "global", windows: [hope, hope], future: hope }];
    const silent = tryModels("silent", seriesOf(Array.from({ length: 30 }, () => 0)), own, given);
    const fresh = tryModels("fresh", seriesOf([]), own, given);
    const plan = planMix([silent, fresh], own);
    const { forecast } = mixForecast(silent, plan, 0, own);
    expect([...(forecast?.mean ?? [1]), ...(forecast?.quantiles ?? [1])]).toEqual(Array.from({ length: 16 }, () => 0));
    expect([...(mixForecast(fresh, plan, 1, own).forecast?.mean ?? [])]).toEqual([3, 3, 3, 3]);
  });
});

function expectSound(forecast: Forecast, nonNegative: boolean): void {
  const { mean, quantiles, levels } = forecast;
  expect([...mean, ...quantiles].every((each) => Number.isFinite(each) && (!nonNegative || each >= 0))).toBe(true);
  for (let h = 0; h < mean.length; h++) {
    for (let i = 1; i < levels.length; i++)
      expect(quantiles[i * mean.length + h]).toBeGreaterThanOrEqual(quantiles[(i - 1) * mean.length + h]);
  }
}

test("a forecast given from outside is weighed by what it was worth", () => {
  const all = Array.from({ length: 12 }, (_, i) => make(i, 40));
  const given = (values: readonly number[], off: number): GivenForecast => {
    const at = (cut: number): Forecast => {
      const mean = Float64Array.from({ length: 4 }, (_, h) => (values[cut + h] ?? values[cut - 4 + h]) * off);
      return { mean, levels: [0.5], quantiles: mean };
    };
    return { name: "global", windows: [at(32), at(36)], future: at(40) };
  };
  const share = (off: number): number => {
    const trials = all.map((values, i) => tryModels(`s${i}`, seriesOf(values), options, [given(values, off)]));
    const plan = planMix(trials, options);
    const weights = trials.map(
      (trial, i) => mixForecast(trial, plan, i, options).components.find((each) => each.model === "global")?.weight ?? 0,
    );
    return weights.reduce((sum, each) => sum + each, 0) / weights.length;
  };
  const right = share(1);
  expect(right).toBeGreaterThan(0.4);
  expect(share(3)).toBeLessThan(0.3 * right);
});

test("a series without history takes what is given", () => {
  const mean = Float64Array.of(1, 2, 3, 4);
  const given: GivenForecast = { name: "global", windows: [], future: { mean, levels: [0.5], quantiles: mean } };
  const trial = tryModels("new", seriesOf([]), options, [given]);
  const mixed = mixForecast(trial, planMix([trial], options), 0, options);
  expect(mixed.forecast?.mean).toEqual(mean);
  expect(mixed.components).toEqual([{ model: "global", title: "global", weight: 1 }]);
});

test("intervals cover what they promise on series to come", () => {
  const random = makeRandom(3);
  const wild = Array.from({ length: 80 }, () => {
    let level = 1000;
    return Array.from({ length: 44 }, () => Math.max(0, (level += 10 * random.normal()) + 25 * random.normal()));
  });
  const trials = wild.map((values, i) => tryModels(`s${i}`, seriesOf(values.slice(0, 40)), { ...options, models: ["theta", "ets"] }));
  const plan = planMix(trials, options);
  let inside = 0;
  for (const [i, trial] of trials.entries()) {
    const quantiles = mixForecast(trial, plan, i, options).forecast?.quantiles ?? new Float64Array(12);
    for (let h = 0; h < 4; h++) if (wild[i][40 + h] >= quantiles[h] && wild[i][40 + h] <= quantiles[8 + h]) inside++;
  }
  expect(inside / 320).toBeGreaterThan(0.74);
  expect(inside / 320).toBeLessThan(0.86);
});

test("a series that ended is not given the spread of those that go on", () => {
  const random = makeRandom(11);
  const sold = (rate: number): number => Math.max(0, Math.round(rate + 3 * random.normal()));
  const going = Array.from({ length: 16 }, () => Array.from({ length: 60 }, () => sold(9)));
  const ended = Array.from({ length: 4 }, (_, i) => Array.from({ length: 60 }, (_unused, t) => (t < 40 + 4 * i ? sold(9) : 0)));
  const trials = tryAll([...going, ...ended]);
  const plan = planMix(trials, options);
  for (const [i, trial] of trials.entries()) {
    const { mean, quantiles } = mixForecast(trial, plan, i, options).forecast ?? { mean: [], quantiles: [] };
    expect(mean).toHaveLength(4);
    for (const [h, each] of mean.entries())
      for (const [l, level] of options.levels.entries()) expect((1 - level) * quantiles[l * 4 + h]).toBeLessThanOrEqual(each * (1 + 1e-9));
  }
});

test("demand is classed by its interval and its variation", () => {
  const classOf = (values: readonly number[]): string => profileSeries(seriesOf(values)).demand;
  expect(classOf([9, 10, 11, 10])).toBe("smooth");
  expect(classOf([1, 30, 2, 9])).toBe("erratic");
  expect(classOf([0, 5, 0, 5, 0, 5])).toBe("intermittent");
  expect(classOf([0, 0, 1, 0, 0, 40, 0, 0, 2])).toBe("lumpy");
  expect(classOf([0, 0, Number.NaN])).toBe("none");
  const seasonal = profileSeries(seriesOf(Array.from({ length: 24 }, (_, t) => 10 + (t % 4))));
  expect(seasonal.seasonStrength).toBeGreaterThan(0.95);
});
