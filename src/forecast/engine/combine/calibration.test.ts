import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom, type Random } from "../../../platform/random.ts";
import type { Forecast } from "../contract.ts";
import { normalQuantile } from "../numerics/normal.ts";
import { boundMean, boundQuantiles, type Blend } from "./blend.ts";
import type { MixOptions, Trial } from "./contract.ts";
import { mixForecast } from "./mix.ts";
import { planMix } from "./plan.ts";
import { profileSeries } from "./profile.ts";

const levels = [0.1, 0.5, 0.9, 0.95];
const horizon = 6;
const options: MixOptions = {
  horizon,
  levels,
  windows: 3,
  offset: horizon,
  nonNegative: true,
  models: "auto",
  random: makeRandom(1),
};

/** A model that says normal with a spread of 20 around 100; `noise` is what comes, `biases` what all series of a window have in common. */
function trialOf(index: number, biases: readonly number[], noise: (random: Random) => number): Trial {
  const random = makeRandom(index + 1);
  const windows = biases.length;
  const quantiles = levels.flatMap((level) => Array.from({ length: horizon }, () => 100 + 20 * normalQuantile(level)));
  const profile = profileSeries({ values: new Float64Array(60).map((_, t) => 100 + (t % 3)), seasons: [], regressors: [], position: 0 });
  return {
    key: `s${index}`,
    profile,
    group: "smooth/1/long",
    futureGroup: "smooth/1/long",
    informed: false,
    scale: 20,
    levels,
    horizon,
    models: ["theta"],
    titles: ["Theta"],
    unfit: [],
    cuts: Int32Array.from(biases, (_, w) => 60 - (windows - w) * horizon),
    asked: windows,
    actuals: Float64Array.from({ length: windows * horizon }, (_, k) => 100 + biases[Math.floor(k / horizon)] + noise(random)),
    means: new Float32Array(windows * horizon).fill(100),
    quantiles: Float32Array.from({ length: windows * quantiles.length }, (_, k) => quantiles[k % quantiles.length]),
    futureMeans: new Float64Array(horizon).fill(100),
    futureQuantiles: Float64Array.from(quantiles),
  };
}

const normal = (random: Random): number => 20 * random.normal();
/** Skewed to the right, mean 0: its median lies below. */
const skewed = (random: Random): number => 12 * (Math.exp(0.9 * random.normal()) - Math.exp(0.405));

function ahead(biases: readonly number[], noise: (random: Random) => number, series = 200): Forecast {
  const trials = Array.from({ length: series }, (_, i) => trialOf(i, biases, noise));
  const { forecast } = mixForecast(trials[0], planMix(trials, options), 0, options);
  if (forecast === undefined) throw new Error("Expected a forecast.");
  return forecast;
}

/** Shares below p10 and above p90 of what comes when the mean is right. */
function tails({ quantiles }: Forecast, noise: (random: Random) => number): { low: number; high: number } {
  const random = makeRandom(99);
  const count = 4000;
  let low = 0;
  let high = 0;
  for (let i = 0; i < count; i++) {
    const y = 100 + noise(random);
    if (y < quantiles[0]) low++;
    if (y > quantiles[2 * horizon]) high++;
  }
  return { low: low / count, high: high / count };
}

describe("calibration", () => {
  test.each([
    ["normal", normal],
    ["skewed", skewed],
  ])("without a common error each tail holds, %s sales", (_, noise) => {
    const { low, high } = tails(ahead([0, 0, 0], noise), noise);
    expect(Math.abs(low - 0.1)).toBeLessThan(0.03);
    expect(Math.abs(high - 0.1)).toBeLessThan(0.03);
  });

  test("one biased window, the last, does not lean the fan to either side", () => {
    fc.assert(
      fc.property(fc.constantFrom(-30, -15, 15, 30), fc.integer({ min: 0, max: 2 }), (bias, which) => {
        const biases = [0, 0, 0];
        biases[which] = bias;
        const { quantiles } = ahead(biases, normal, 60);
        const below = quantiles[horizon] - quantiles[0];
        const above = quantiles[2 * horizon] - quantiles[horizon];
        expect(Math.max(below, above) / Math.min(below, above)).toBeLessThan(1.3);
        // It widens both instead, and the median stays.
        expect(Math.min(below, above)).toBeGreaterThan(22);
        expect(Math.abs(quantiles[horizon] - 100)).toBeLessThan(4);
      }),
      { numRuns: 12 },
    );
  });

  test("a shape skewed to the right stays so whatever the windows erred by", () => {
    for (const biases of [
      [0, 0, 25],
      [0, 0, -25],
      [20, -20, 10],
    ]) {
      const { quantiles } = ahead(biases, skewed);
      expect(quantiles[2 * horizon] - quantiles[horizon]).toBeGreaterThan(1.2 * (quantiles[horizon] - quantiles[0]));
      expect(quantiles[horizon]).toBeLessThan(99);
    }
  });

  test("a window of promotions, which raise the mean and not the middle, leaves the low side where it is", () => {
    // In one window one sale in six is fivefold.
    const rare = (random: Random): number => (random.next() < 1 / 6 ? 400 : 0) + skewed(random);
    for (const which of [0, 1, 2]) {
      const series = 200;
      const trials = Array.from({ length: series }, (_, i) => trialOf(i, [0, 0, 0], skewed));
      for (const [i, trial] of trials.entries()) {
        const random = makeRandom(1000 + i);
        for (let h = 0; h < horizon; h++) trial.actuals[which * horizon + h] = 100 + rare(random);
      }
      const { forecast } = mixForecast(trials[0], planMix(trials, options), 0, options);
      if (forecast === undefined) throw new Error("Expected a forecast.");
      expect(Math.abs(tails(forecast, skewed).low - 0.1)).toBeLessThan(0.06);
    }
  });

  test("what one window did at one step is no shape of the fan over the horizon", () => {
    // In the last window everything at the third step is threefold as far off: a Christmas.
    const trials = Array.from({ length: 200 }, (_, i) => trialOf(i, [0, 0, 0], normal));
    for (const trial of trials) trial.actuals[2 * horizon + 2] = 100 + 3 * (trial.actuals[2 * horizon + 2] - 100);
    const { forecast } = mixForecast(trials[0], planMix(trials, options), 0, options);
    if (forecast === undefined) throw new Error("Expected a forecast.");
    const width = (h: number): number => forecast.quantiles[2 * horizon + h] - forecast.quantiles[h];
    expect(width(2) / width(4)).toBeLessThan(1.2);
  });

  test("what models erred by when they had seen little does not widen the fan of what they know now", () => {
    // Six steps before the first window, twelve and eighteen before the others; what comes is as much wider as a fit to so few steps makes it.
    const trials = Array.from({ length: 200 }, (_, i) => {
      const trial = trialOf(i, [0, 0, 0], normal);
      const actuals = trial.actuals.map((y, k) => 100 + (y - 100) * (1 + 4 / (6 * (1 + Math.floor(k / horizon)))));
      return { ...trial, cuts: Int32Array.of(6, 12, 18), actuals };
    });
    const { forecast } = mixForecast(trials[0], planMix(trials, options), 0, options);
    if (forecast === undefined) throw new Error("Expected a forecast.");
    const wide = (random: Random): number => (1 + 4 / 24) * normal(random);
    const { low, high } = tails(forecast, wide);
    expect(Math.abs(low - 0.1)).toBeLessThan(0.03);
    expect(Math.abs(high - 0.1)).toBeLessThan(0.03);
  });

  test("a mean lies within a standard deviation of the median, as means do", () => {
    const value = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(value, value, value, value, (a, b, c, mean) => {
        const [low, middle, high] = [a, b, c].toSorted((x, y) => x - y);
        const blend: Blend = { mean: Float64Array.of(mean), quantiles: Float64Array.of(low, middle, high) };
        boundMean(blend, 1, { low: 0, median: 1, high: 2 });
        expect(blend.mean[0] === mean || (blend.mean[0] >= low && blend.mean[0] <= high)).toBe(true);
        const inside = mean >= middle - 0.78 * (middle - low) && mean <= middle + 0.78 * (high - middle);
        expect(!inside || blend.mean[0] === mean).toBe(true);
      }),
    );
  });

  test("no quantile of demand lies where its mean leaves no room for it", () => {
    const value = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 3, maxLength: 3 }), value, (values, mean) => {
        const [low, middle, high] = values.toSorted((x, y) => x - y);
        const blend: Blend = { mean: Float64Array.of(mean), quantiles: Float64Array.of(low, middle, high) };
        boundQuantiles(blend, 1, [0.1, 0.5, 0.9]);
        for (const [l, level] of [0.1, 0.5, 0.9].entries()) {
          const before = [low, middle, high][l];
          const room = mean / (1 - level);
          // Were nothing below the quantile sold, and exactly it above: the mean would still be this.
          expect(blend.quantiles[l]).toBeCloseTo(Math.min(before, room), 6);
        }
        expect([...blend.quantiles]).toEqual([...blend.quantiles].toSorted((x, y) => x - y));
      }),
    );
  });
});
