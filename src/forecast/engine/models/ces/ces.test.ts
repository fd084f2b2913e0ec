import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../../platform/random.ts";
import type { Fitted, Series, Unfit } from "../../contract.ts";
import { ces, fitCes } from "./ces.ts";
import { countStates, isStableCes, makeCesPass, makePairs, makeStateWorkspace, runCes, solveStates } from "./filter.ts";

const seriesOf = (values: ArrayLike<number>, seasons: readonly number[] = []): Series => ({
  values: Float64Array.from(values),
  seasons,
  regressors: [],
  position: 0,
});
const options = { horizon: 12, random: makeRandom(1), nonNegative: false };

function fitted(result: Fitted | Unfit): Fitted {
  if (result.kind === "unfit") throw new Error(result.reason);
  return result;
}

const random = makeRandom(11);
const monthly = seriesOf(
  Array.from({ length: 84 }, (_, t) => 200 + 0.8 * t + 30 * Math.sin((2 * Math.PI * t) / 12) + 6 * random.normal()),
  [12],
);

describe("the filter", () => {
  test("stability is the region of the paper: outside two circles and inside a third", () => {
    let inside = 0;
    for (let i = 0; i < 2000; i++) {
      const a = 3.5 * random.next() - 0.5;
      const b = 3.5 * random.next() - 1;
      const paper = (a - 2.5) ** 2 + b ** 2 > 1.25 && (a - 0.5) ** 2 + (b - 1) ** 2 > 0.25 && (a - 1.5) ** 2 + (b - 0.5) ** 2 < 1.5;
      expect(isStableCes("none", [a, b], 1, 100)).toBe(paper);
      if (paper) inside++;
    }
    expect(inside).toBeGreaterThan(100);
  });

  test.each(["none", "simple", "partial", "full"] as const)("%s: no other first states have smaller errors, gaps or not", (season) => {
    const period = season === "none" ? 1 : 12;
    const point = [1.3, 0.95, season === "partial" ? 0.1 : 1.2, 0.99];
    for (const hole of [-1, 30]) {
      const values = monthly.values.map((value, t) => (t === hole ? Number.NaN : value));
      const pass = makeCesPass(values, 200, period);
      const solved = solveStates(pass, season, point, makeStateWorkspace(pass.length, countStates(season, period)))!;
      const { quick, slow } = makePairs(season, point);
      for (let round = 0; round < 10; round++) {
        const free = season === "simple" ? 2 : 0;
        const last = season === "none" ? 2 : season === "partial" ? 2 + period : 2 + 2 * period;
        pass.states.set(solved.first);
        for (let i = free; i < last; i++) if (season !== "partial" || i < 2) pass.states[i] += 0.003 * random.normal();
        runCes(pass, quick, slow, pass.values);
        expect(pass.error.reduce((sum, error) => sum + error * error, 0)).toBeGreaterThanOrEqual(solved.squares * (1 - 1e-6));
      }
    }
  });
});

describe("what the model promises", () => {
  test("a season and a trend go on", () => {
    const { mean, quantiles } = fitted(ces.fit(monthly, options)).forecast(12, [0.1, 0.5, 0.9]);
    for (let h = 0; h < 12; h++) {
      const t = 84 + h;
      expect(Math.abs(mean[h] - (200 + 0.8 * t + 30 * Math.sin((2 * Math.PI * t) / 12)))).toBeLessThan(15);
      expect(quantiles[h]).toBeLessThan(quantiles[12 + h]);
      expect(quantiles[12 + h]).toBeLessThan(quantiles[24 + h]);
    }
  });

  test.each([undefined, "none", "simple", "partial", "full"] as const)("%s: sample paths spread as the quantiles do", (season) => {
    const fit = fitted(fitCes(monthly, season));
    const samples = fit.simulate(12, 3000, makeRandom(4));
    const { quantiles } = fit.forecast(12, [0.1, 0.9]);
    for (const h of [0, 4, 11]) {
      const step = Array.from({ length: 3000 }, (_, p) => samples[p * 12 + h]).sort((a, b) => a - b);
      const width = quantiles[12 + h] - quantiles[h];
      expect(Math.abs(step[300] - quantiles[h])).toBeLessThan(0.12 * width);
      expect(Math.abs(step[2700] - quantiles[12 + h])).toBeLessThan(0.12 * width);
    }
  });

  test("advancing keeps the past and never reads the future", () => {
    const fit = fitted(ces.fit({ ...monthly, values: monthly.values.subarray(0, 60) }, options));
    const longer = fitted(fit.advance(monthly));
    const shaken = fitted(fit.advance({ ...monthly, values: monthly.values.map((value, t) => (t < 70 ? value : -value)) }));
    expect([...longer.fitted.subarray(0, 60)]).toEqual([...fit.fitted]);
    expect([...shaken.fitted.subarray(0, 70)]).toEqual([...longer.fitted.subarray(0, 70)]);
    const later = fitted(fit.advance({ ...monthly, values: monthly.values.subarray(12), position: 12 }));
    expect(later.forecast(1, []).mean[0]).toBeCloseTo(longer.forecast(1, []).mean[0], -1);
  });

  test("scale changes nothing", () => {
    const plain = fitted(ces.fit(monthly, options)).forecast(6, [0.1]);
    for (const factor of [1e7, 1e-9]) {
      const values = monthly.values.map((value) => value * factor);
      const { quantiles } = fitted(ces.fit({ ...monthly, values }, options)).forecast(6, [0.1]);
      quantiles.forEach((value, h) => expect(Math.abs(value / factor / plain.quantiles[h] - 1)).toBeLessThan(1e-4));
    }
  });

  test("what it cannot serve, it refuses with the figure", () => {
    expect(ces.fit(seriesOf([]), options)).toMatchObject({ reason: expect.stringMatching(/every value/) });
    expect(ces.fit(seriesOf([1, 2]), options)).toMatchObject({ reason: expect.stringMatching(/at least 7 values.*has 2/) });
    expect(fitCes(monthly.seasons.length > 0 ? seriesOf(monthly.values) : monthly, "full")).toMatchObject({ kind: "unfit" });
    expect([...fitted(ces.fit(seriesOf(new Float64Array(9)), options)).forecast(2, [0.1, 0.9]).quantiles]).toEqual([0, 0, 0, 0]);
    expect([...fitted(ces.fit(seriesOf(new Float64Array(9).fill(-3)), options)).forecast(2, [0.9]).quantiles]).toEqual([-3, -3]);
  });

  test("whatever comes: finite, ordered, or a reason", () => {
    const value = fc.oneof(
      { weight: 6, arbitrary: fc.double({ min: -1e7, max: 1e7, noNaN: true }) },
      { weight: 2, arbitrary: fc.constantFrom(0, 1, Number.NaN) },
    );
    const law = fc.property(fc.array(value, { maxLength: 40 }), fc.constantFrom([], [2], [4], [7]), (values, seasons) => {
      const result = ces.fit(seriesOf(values, seasons), options);
      if (result.kind === "unfit") return result.reason.length > 10;
      const { mean, quantiles } = result.forecast(9, [0.1, 0.5, 0.9]);
      for (let i = 0; i < 18; i++) if (!(quantiles[i] <= quantiles[i + 9])) return false;
      return mean.every((x) => Number.isFinite(x)) && quantiles.every((x) => Number.isFinite(x));
    });
    expect(fc.check(law, { numRuns: 120, seed: 5 })).toMatchObject({ failed: false });
  });
});
