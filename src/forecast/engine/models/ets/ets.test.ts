import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../../platform/random.ts";
import type { Fitted, Series, Unfit } from "../../contract.ts";
import { ets, fitEts } from "./ets.ts";
import { rankStructures } from "./select.ts";
import { joinLists } from "../../../../../test/kit/golden.ts";
import expected from "../../../../../test/golden/ets/expected.json" with { type: "json" };
import input from "../../../../../test/golden/ets/input.json" with { type: "json" };
import type { FixedParameters } from "./estimate.ts";

interface Given {
  readonly series: string;
  readonly model: string;
}
interface Reference {
  readonly fixed: FixedParameters;
  readonly logLik: number;
  readonly aicc: number;
  readonly sigma2: number;
  readonly mean: readonly number[];
  readonly upper?: readonly number[];
}
const golden = {
  series: input.series,
  fits: joinLists<Given, Reference>(input.fits, expected.fits),
  auto: joinLists(input.auto, expected.auto),
};

function seriesOf(values: ArrayLike<number>, seasons: readonly number[] = []): Series {
  return { values: Float64Array.from(values), seasons, regressors: [], position: 0 };
}

function goldenSeries(name: string): Series {
  const found = golden.series.find((series) => series.name === name);
  if (!found) throw new Error(`no series ${name}`);
  return seriesOf(found.values, found.period > 1 ? [found.period] : []);
}

function fitted(result: Fitted | Unfit): Fitted {
  if (result.kind === "unfit") throw new Error(result.reason);
  return result;
}

const options = (horizon: number) => ({ horizon, random: makeRandom(7), nonNegative: false });

describe("parity with R's ets (forecast 8.20, R 4.2.2)", () => {
  test.each(golden.fits.map((fit) => [fit.series, fit.model, fit] as const))("%s %s: likelihood, mean, variance", (name, model, fit) => {
    const ours = fitted(fitEts(goldenSeries(name), { model, fixed: fit.fixed }));
    expect(Math.abs(ours.likelihood!.logLik - fit.logLik)).toBeLessThan(1e-6);
    expect(Math.abs(ours.parameters["sigma"] ** 2 / fit.sigma2 - 1)).toBeLessThan(1e-8);
    // R's own recursion for damped models without a variance formula adds phi + phi instead of phi + phi^2, and its formula for M,Ad,M starts
    // undamped: those means are its slip, and only the others are compared. 1e-5: beyond one period the variances of class 3 are approximate.
    const { mean, quantiles } = ours.forecast(10, [0.9]);
    const compared = /Md|AdM/.test(model) ? 0 : 10;
    const misses = (given: readonly number[], found: Float64Array, tolerance: number): readonly number[] =>
      given.slice(0, compared).filter((value, h) => !(Math.abs(found[h] / value - 1) < tolerance));
    expect(misses(fit.mean, mean, 1e-6)).toEqual([]);
    expect(misses(fit.upper ?? [], quantiles, 1e-5)).toEqual([]);
  });

  test.each(golden.fits.map((fit) => [fit.series, fit.model, fit] as const))(
    "%s %s: our search finds no lower likelihood",
    (name, model, fit) => {
      const ours = fitted(fitEts(goldenSeries(name), { model }));
      // The tolerance: R's simplex may stray a hair out of the usual region, and a few likelihoods have many summits.
      expect(ours.likelihood!.logLik).toBeGreaterThan(fit.logLik - 0.5);
    },
  );

  test.each(golden.auto.map((auto) => [auto.series, auto] as const))("%s: the chosen model has no higher AICc", (name, auto) => {
    expect(fitted(fitEts(goldenSeries(name))).likelihood!.aicc).toBeLessThan(auto.aicc + 0.01);
  });
});

describe("what the model promises", () => {
  const monthly = goldenSeries("monthly");

  test("a mixture is named by its best member, and its quantiles do not cross", () => {
    const mixed = fitted(ets.fit(monthly, options(18)));
    const single = fitted(fitEts(monthly));
    expect(mixed.title.startsWith(single.title)).toBe(true);
    const levels = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
    const { mean, quantiles } = mixed.forecast(18, levels);
    for (let h = 0; h < 18; h++) {
      for (let i = 1; i < 99; i++) expect(quantiles[i * 18 + h]).toBeGreaterThanOrEqual(quantiles[(i - 1) * 18 + h]);
      expect(Math.abs(quantiles[49 * 18 + h] / mean[h] - 1)).toBeLessThan(0.05);
    }
    expect([...mixed.forecast(18, levels).quantiles]).toEqual([...quantiles]);
  });

  test("sample paths agree with the quantiles, and the same stream gives the same paths", () => {
    for (const model of [undefined, "AAdA", "MAM", "MMN", "AAM"]) {
      const fit = fitted(fitEts(monthly, model === undefined ? { mix: true } : { model }));
      const paths = fit.simulate(14, 4000, makeRandom(3));
      const { quantiles } = fit.forecast(14, [0.1, 0.9]);
      for (const h of [0, 5, 13]) {
        const step = Array.from({ length: 4000 }, (_, p) => paths[p * 14 + h]).sort((a, b) => a - b);
        const width = quantiles[14 + h] - quantiles[h];
        expect(Math.abs(step[400] - quantiles[h])).toBeLessThan(0.12 * width);
        expect(Math.abs(step[3600] - quantiles[14 + h])).toBeLessThan(0.12 * width);
      }
      expect([...fit.simulate(14, 5, makeRandom(9))]).toEqual([...fit.simulate(14, 5, makeRandom(9))]);
    }
  });

  test("advancing over the same history changes nothing, over a longer one keeps the past", () => {
    const part = { ...monthly, values: monthly.values.subarray(0, 70) };
    const fit = fitted(ets.fit(part, options(6)));
    const same = fitted(fit.advance(part));
    expect([...same.forecast(6, [0.3]).quantiles]).toEqual([...fit.forecast(6, [0.3]).quantiles]);
    const longer = fitted(fit.advance(monthly));
    expect([...longer.fitted.subarray(0, 70)]).toEqual([...fit.fitted]);
    const shaken = { ...monthly, values: monthly.values.map((value, t) => (t < 80 ? value : 3 * value)) };
    expect([...fitted(fit.advance(shaken)).fitted.subarray(0, 80)]).toEqual([...longer.fitted.subarray(0, 80)]);
  });

  test("advancing over another part of the series works its states out anew", () => {
    const fit = fitted(ets.fit(monthly, options(6)));
    const later = { ...monthly, values: monthly.values.subarray(12), position: 12 };
    const moved = fitted(fit.advance(later));
    const expected = fit.forecast(6, []).mean;
    moved.forecast(6, []).mean.forEach((value, h) => expect(Math.abs(value / expected[h] - 1)).toBeLessThan(0.03));
  });

  test("advancing over another part of a level series stays at its level, whatever its first days look like", () => {
    for (const seed of [5, 6, 7]) {
      const random = makeRandom(seed);
      const values = Float64Array.from({ length: 700 }, () => Math.max(1, Math.round(20 + 4.5 * random.normal())));
      const part = (end: number): Series => ({
        values: values.subarray(end - 400, end),
        seasons: [7],
        regressors: [],
        position: end - 400,
      });
      const fit = fitted(ets.fit(part(600), options(14)));
      for (let end = 610; end <= 700; end += 10) {
        const moved = fit.advance(part(end));
        if (moved.kind === "unfit") continue;
        const mean = moved.forecast(14, []).mean;
        for (const value of mean) expect(Math.abs(value - 20), `${seed} ${end}`).toBeLessThan(3);
      }
    }
  });

  test("gaps are not zeros: a tenth missing moves the forecast little", () => {
    const values = monthly.values.map((value, t) => (t % 10 === 4 ? Number.NaN : value));
    const full = fitted(ets.fit(monthly, options(12))).forecast(12, []).mean;
    const holed = fitted(ets.fit({ ...monthly, values }, options(12)));
    holed.forecast(12, []).mean.forEach((value, h) => expect(Math.abs(value / full[h] - 1)).toBeLessThan(0.08));
    expect(holed.fitted.every((value) => Number.isFinite(value))).toBe(true);
  });

  test("long and fractional seasons are left out", () => {
    const choices = rankStructures(monthly.values, 1, 0);
    expect(fitted(fitEts({ ...monthly, seasons: [52.18] })).title).toBe(fitted(fitEts({ ...monthly, seasons: [] })).title);
    expect(choices[0].structure.season).toBe("N");
  });

  test("bounds: the admissible region holds a likelihood at least as high as the usual one", () => {
    for (const model of ["AAdA", "ANN", "AAN"]) {
      const usual = fitted(fitEts(monthly, { model, bounds: "usual" })).likelihood!.logLik;
      expect(fitted(fitEts(monthly, { model, bounds: "admissible" })).likelihood!.logLik).toBeGreaterThan(usual - 0.3);
    }
  });
});

describe("strange series", () => {
  const n = Number.NaN;
  test.each([
    ["empty", [], /every value/],
    ["all missing", [n, n, n], /every value/],
    ["one point", [3], /at least 5 values.*has 1/],
    ["two points", [3, 4], /has 2/],
  ])("%s: says why not", (_name, values, reason) => {
    expect(ets.fit(seriesOf(values, [4]), options(3))).toMatchObject({ kind: "unfit", reason: expect.stringMatching(reason) });
  });

  test.each([
    ["constant", [4, 4, 4, 4, 4, 4]],
    ["constant with gaps", [n, 4, n, 4, 4, 4, 4, n, n, 4, 4, 4, n]],
    ["all zeros", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["a straight line", Array.from({ length: 30 }, (_, t) => 5 + 2 * t)],
    ["a pure season", Array.from({ length: 40 }, (_, t) => [1, 5, 2, 9][t % 4])],
    ["one jump", Array.from({ length: 40 }, (_, t) => (t < 35 ? 1e-3 : 1e7))],
    ["negative", Array.from({ length: 20 }, (_, t) => -50 + (t % 3))],
    ["mostly zeros", Array.from({ length: 60 }, (_, t) => (t % 17 === 3 ? 8 : 0))],
  ])("%s: a finite forecast", (_name, values) => {
    for (const seasons of [[], [4], [12]]) {
      const fit = fitted(ets.fit(seriesOf(values, seasons), options(30)));
      const { mean, quantiles } = fit.forecast(30, [0.01, 0.5, 0.99]);
      expect([...mean, ...quantiles, ...fit.simulate(30, 20, makeRandom(1))].every((value) => Number.isFinite(value))).toBe(true);
    }
  });

  test("a constant is forecast by itself, without width", () => {
    expect(fitted(ets.fit(seriesOf([4, 4, 4, 4, 4]), options(2))).forecast(2, [0.1, 0.9])).toMatchObject({
      mean: Float64Array.of(4, 4),
      quantiles: Float64Array.of(4, 4, 4, 4),
    });
  });

  test("a pure season goes on", () => {
    const values = Array.from({ length: 40 }, (_, t) => [1, 5, 2, 9][t % 4]);
    const { mean } = fitted(ets.fit(seriesOf(values, [4]), options(4))).forecast(4, []);
    [1, 5, 2, 9].forEach((value, h) => expect(mean[h]).toBeCloseTo(value, 3));
  });

  test.each([1e7, 1e-9])("scaling by %d scales the forecast", (factor) => {
    const series = goldenSeries("quarterly");
    const plain = fitted(ets.fit(series, options(8))).forecast(8, [0.1, 0.9]);
    const scaled = fitted(ets.fit({ ...series, values: series.values.map((value) => value * factor) }, options(8))).forecast(8, [0.1, 0.9]);
    scaled.quantiles.forEach((value, i) => expect(Math.abs(value / factor / plain.quantiles[i] - 1)).toBeLessThan(1e-4));
  });

  test("a named model that cannot serve says why", () => {
    expect(fitEts(seriesOf([1, 2, 0, 4, 5, 6, 7, 8, 9]), { model: "MAN" })).toMatchObject({ reason: expect.stringMatching(/above zero/) });
    expect(fitEts(seriesOf([1, 2, 3]), { model: "AAA" })).toMatchObject({ reason: expect.stringMatching(/Expected a model/) });
    expect(fitEts(seriesOf([1, 2, 3], [4]), { model: "AAA" })).toMatchObject({ reason: expect.stringMatching(/needs at least/) });
  });

  test("whatever comes: finite, ordered, or a reason", () => {
    const value = fc.oneof(
      { weight: 6, arbitrary: fc.double({ min: -1e7, max: 1e7, noNaN: true }) },
      { weight: 2, arbitrary: fc.constantFrom(0, 1, Number.NaN) },
    );
    const law = fc.property(fc.array(value, { maxLength: 40 }), fc.constantFrom([], [2], [4], [7]), (values, seasons) => {
      const result = ets.fit(seriesOf(values, seasons), options(9));
      if (result.kind === "unfit") return result.reason.length > 10;
      const { mean, quantiles } = result.forecast(9, [0.1, 0.5, 0.9]);
      for (let i = 0; i < 18; i++) if (!(quantiles[i] <= quantiles[i + 9])) return false;
      return mean.every((x) => Number.isFinite(x)) && quantiles.every((x) => Number.isFinite(x));
    });
    expect(fc.check(law, { numRuns: 150, seed: 5 })).toMatchObject({ failed: false });
  });
});
