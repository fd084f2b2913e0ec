import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import type { Series } from "../contract.ts";
import { closedSteps } from "./closed.ts";
import type { MixOptions } from "./contract.ts";
import { mixForecast } from "./mix.ts";
import { planMix } from "./plan.ts";
import { tryModels } from "./trial.ts";

const series = (values: readonly number[], seasons: readonly number[] = [7], open?: readonly number[]): Series => ({
  values: Float64Array.from(values),
  seasons,
  regressors: open === undefined ? [] : [{ name: "open", values: Float64Array.from(open) }],
  position: 0,
});

/** Sales every day but where `closed` says so. */
function shop(length: number, closed: (t: number) => boolean, seed = 1): number[] {
  const random = makeRandom(seed);
  return Array.from({ length }, (_, t) => (closed(t) ? 0 : Math.max(1, Math.round(20 + 4 * random.normal()))));
}

describe("closed steps", () => {
  test("are every seventh day, the nights of hours, and two days a week alike", () => {
    const found = (values: number[], seasons: number[], horizon: number): number[] =>
      Array.from(closedSteps(series(values, seasons), values.length, horizon) ?? []);
    expect(
      found(
        shop(100, (t) => t % 7 === 6),
        [7, 365.25],
        7,
      ),
    ).toEqual([0, 0, 0, 0, 1, 0, 0]);
    expect(
      found(
        shop(98, (t) => t % 7 > 4),
        [7],
        7,
      ),
    ).toEqual([0, 0, 0, 0, 0, 1, 1]);
    expect(
      found(
        shop(240, (t) => t % 24 < 8),
        [24, 168],
        24,
      ).slice(0, 10),
    ).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
  });

  test("are none by chance, of few weeks, once it sold lately, or where a number known ahead says open", () => {
    const rare = Array.from({ length: 210 }, (_, t) => (t % 10 === 3 && t % 7 !== 6 ? 3 : 0));
    expect(closedSteps(series(rare), 210, 7)).toBeUndefined();
    expect(closedSteps(series(shop(49, (t) => t % 7 === 6)), 49, 7)).toBeUndefined();
    const opened = shop(140, (t) => t % 7 === 6 && t < 130);
    expect(closedSteps(series(opened), 140, 7)).toBeUndefined();
    const values = shop(140, (t) => t % 7 === 6);
    const open = Array.from({ length: 154 }, (_, t) => (t % 7 === 6 && t !== 146 ? 0 : 1));
    expect(Array.from(closedSteps(series(values, [7], open), 140, 14) ?? [])).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  test("see nothing after the cut", () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 120 }), fc.integer(), (cut, seed) => {
        const values = shop(140, (t) => t % 7 === 6, seed);
        const other = values.map((value, t) => (t < cut ? value : 99));
        expect(closedSteps(series(other), cut, 7)).toEqual(closedSteps(series(values), cut, 7));
      }),
      { numRuns: 30 },
    );
  });

  test("get nothing at any level, in windows and ahead; the others keep their fan", () => {
    const options: MixOptions = {
      horizon: 7,
      levels: [0.1, 0.5, 0.9, 0.99],
      windows: 2,
      offset: 7,
      nonNegative: true,
      models: "auto",
      random: makeRandom(7),
    };
    const trials = [1, 2, 3].map((seed) => tryModels(`s${seed}`, series(shop(119, (t) => t % 7 === 6, seed)), options));
    const plan = planMix(trials, options);
    const { forecast, backtests } = mixForecast(trials[0], plan, 0, options);
    for (const each of [forecast, ...backtests.map((test) => test.forecast)]) {
      expect(Array.from({ length: 4 }, (_, l) => each?.quantiles[l * 7 + 6])).toEqual([0, 0, 0, 0]);
      expect(each?.mean[6]).toBe(0);
      expect(each?.quantiles[0]).toBeGreaterThan(8);
    }
  });
});

test.each([
  ["two days a week", 203, 7, (t: number) => t % 7 > 4],
  ["the nights of hours", 24 * 30, 24, (t: number) => t % 24 < 8 || t % 24 > 20],
])("a shop that sells 20 to 40 when open is no shop of rare sales for being closed %s", (_, length, season, isClosed) => {
  const options: MixOptions = {
    horizon: season,
    levels: [0.1, 0.5, 0.9],
    windows: 3,
    offset: season,
    nonNegative: true,
    models: "auto",
    random: makeRandom(7),
  };
  const trials = [1, 2].map((seed) => {
    const random = makeRandom(seed);
    const values = Array.from({ length }, (__, t) => (isClosed(t) ? 0 : 20 + random.below(21)));
    return tryModels(`s${seed}`, series(values, [season]), options);
  });
  expect(trials.map(({ profile }) => profile.demand)).toEqual(["smooth", "smooth"]);
  const { forecast } = mixForecast(trials[0], planMix(trials, options), 0, options);
  const open = Array.from({ length: season }, (__, h) => h).filter((h) => !isClosed(length + h));
  // Evenly between 20 and 40: p10 is 22, p50 and the mean 30, p90 38.
  const middle = (values: ArrayLike<number>, from: number): number => open.reduce((sum, h) => sum + values[from + h], 0) / open.length;
  const { mean, quantiles } = forecast ?? { mean: [], quantiles: [] };
  expect(Math.abs(middle(mean, 0) - 30)).toBeLessThan(2.5);
  expect(Math.abs(middle(quantiles, 0) - 22)).toBeLessThan(3);
  expect(Math.abs(middle(quantiles, season) - 30)).toBeLessThan(2.5);
  expect(Math.abs(middle(quantiles, 2 * season) - 38)).toBeLessThan(3);
});

test.each([[1], [1, Number.NaN]])("a single value has an honest fan", (...values) => {
  const options: MixOptions = {
    horizon: 3,
    levels: [0.1, 0.5, 0.9],
    windows: 2,
    offset: 3,
    nonNegative: true,
    models: "auto",
    random: makeRandom(7),
  };
  const trial = tryModels("one", series(values.map((each) => 100 * each)), options);
  const { forecast } = mixForecast(trial, planMix([trial], options), 0, options);
  const [low, middle, high] = [0, 3, 6].map((at) => forecast?.quantiles[at] ?? Number.NaN);
  expect(middle).toBeCloseTo(100, 0);
  expect(low).toBeLessThan(60);
  expect(high).toBeGreaterThan(140);
});
