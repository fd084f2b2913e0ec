import { describe, expect, it } from "vitest";
import { makeRandom } from "../../../../platform/random.ts";
import type { FitOptions, Fitted, Series, Unfit } from "../../contract.ts";
import { npts } from "./npts.ts";

const series = (values: ArrayLike<number>, seasons: readonly number[] = []): Series => ({
  values: Float64Array.from(values),
  seasons,
  regressors: [],
  position: 0,
});
const options = (horizon = 6): FitOptions => ({ horizon, random: makeRandom(1), nonNegative: false });
const sure = (fit: Fitted | Unfit): Fitted => {
  if (fit.kind === "unfit") throw new Error(fit.reason);
  return fit;
};
const levels = [0.1, 0.5, 0.9];

describe("npts", () => {
  it("forecasts the quantiles of steady draws", () => {
    const random = makeRandom(3);
    const { quantiles, mean } = sure(npts.fit(series(Array.from({ length: 400 }, () => random.next())), options())).forecast(1, levels);
    levels.forEach((level, i) => expect(Math.abs(quantiles[i] - level)).toBeLessThan(0.1));
    expect(Math.abs(mean[0] - 0.5)).toBeLessThan(0.05);
  });

  it("follows a level that moved", () => {
    const random = makeRandom(4);
    const moved = Array.from({ length: 200 }, (_, t) => (t < 120 ? 100 : 10) + random.normal());
    expect(Math.abs(sure(npts.fit(series(moved), options())).forecast(1, levels).mean[0] - 10)).toBeLessThan(3);
  });

  it("keeps to the place in the season, a fractional one too", () => {
    for (const season of [7, 52.18]) {
      const random = makeRandom(5);
      const at = (t: number): number => 50 + 40 * Math.sin((2 * Math.PI * t) / season);
      const fit = sure(
        npts.fit(
          series(
            Array.from({ length: 300 }, (_, t) => at(t) + random.normal()),
            [season],
          ),
          options(12),
        ),
      );
      expect(fit.title).toBe(`NPTS(${season})`);
      const { mean } = fit.forecast(12, levels);
      for (let h = 0; h < 12; h++) expect(Math.abs(mean[h] - at(300 + h))).toBeLessThan(12);
    }
  });

  it("forecasts only values it has seen, and its paths agree with its quantiles", () => {
    const random = makeRandom(6);
    const values = Array.from({ length: 90 }, () => random.below(5) * 3);
    const fit = sure(npts.fit(series(values, [7]), options()));
    const seen = new Set(values);
    const { quantiles } = fit.forecast(6, [0.05, 0.1, 0.5, 0.9, 0.95]);
    const paths = fit.simulate(6, 5000, makeRandom(7));
    for (const value of [...quantiles, ...paths]) expect(seen.has(value)).toBe(true);
    for (let i = 1; i < 5; i++) for (let h = 0; h < 6; h++) expect(quantiles[i * 6 + h]).toBeGreaterThanOrEqual(quantiles[(i - 1) * 6 + h]);
    for (let h = 0; h < 6; h++) {
      let below = 0;
      for (let p = 0; p < 5000; p++) if (paths[p * 6 + h] <= quantiles[2 * 6 + h]) below++;
      expect(below / 5000).toBeGreaterThan(0.48);
    }
  });

  it("is exact: equal weights over one value in each tenth", () => {
    const values = [3, 1, 4, 10, 5, 9, 2, 6, 8, 7];
    const fit = sure(npts.fit(series(values.slice(0, 2)), options()));
    // Of two values, with the plain history the only sensible rate, each has at most its age's weight.
    const { quantiles } = fit.forecast(1, [0.01, 0.99]);
    expect([...quantiles]).toEqual([1, 3]);
  });

  it("scales with its values", () => {
    const random = makeRandom(8);
    const values = Array.from({ length: 80 }, (_, t) => 20 + (t % 7) + random.normal());
    const base = sure(npts.fit(series(values, [7]), options())).forecast(6, levels);
    for (const scale of [1e7, 1e-9]) {
      const scaled = sure(
        npts.fit(
          series(
            values.map((y) => y * scale),
            [7],
          ),
          options(),
        ),
      ).forecast(6, levels);
      for (let i = 0; i < base.quantiles.length; i++) expect(scaled.quantiles[i] / scale / base.quantiles[i]).toBeCloseTo(1, 9);
    }
  });

  it("advances with its shapes, and to the same history changes nothing", () => {
    const random = makeRandom(9);
    const values = Array.from({ length: 80 }, () => random.below(9));
    const fit = sure(npts.fit(series(values, [7]), options()));
    expect(sure(fit.advance(series(values, [7]))).forecast(6, levels)).toEqual(fit.forecast(6, levels));
    const longer = sure(fit.advance(series([...values, 4, 4], [7])));
    expect(longer.parameters).toEqual(fit.parameters);
    expect(longer.fitted.length).toBe(82);
  });

  it.each([
    ["constant", Array.from({ length: 30 }, () => 7)],
    ["zeros", Array.from({ length: 30 }, () => 0)],
    ["two points", [4, 5]],
    ["gaps", Array.from({ length: 40 }, (_, t) => (t % 3 === 0 ? Number.NaN : t))],
    ["a lost phase", Array.from({ length: 60 }, (_, t) => (t % 12 === 0 ? Number.NaN : t % 12))],
    ["ends missing", [...Array.from({ length: 30 }, (_, t) => t), ...Array.from({ length: 30 }, () => Number.NaN)]],
    ["wild", Array.from({ length: 30 }, (_, t) => (t % 2 === 0 ? 1e7 : -1e-9))],
  ])("serves a strange series: %s", (_name, values) => {
    const fit = sure(npts.fit(series(values, [12]), { ...options(14), nonNegative: true }));
    const { mean, quantiles } = fit.forecast(14, levels);
    for (const each of [mean, quantiles, fit.simulate(14, 20, makeRandom(2))]) {
      expect(each.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
    }
    expect(fit.fitted.length).toBe(values.length);
  });

  it("says why it does not serve", () => {
    expect(npts.fit(series([]), options())).toMatchObject({ reason: "NPTS needs at least 2 values; the history has 0." });
    expect(npts.fit(series([Number.NaN, 3]), options()).kind).toBe("unfit");
  });
});
