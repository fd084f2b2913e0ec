import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { makeRandom } from "../../../../platform/random.ts";
import type { Fitted, Series } from "../../contract.ts";
import { regression } from "./regression.ts";
import { makeNormal, makeScratch, solveRidge } from "./ridge.ts";
import { chooseMemory, whiten } from "./errors.ts";

const levels = [0.05, 0.1, 0.5, 0.9, 0.95];

function fit(values: ArrayLike<number>, more: Partial<Series> = {}, horizon = 12, nonNegative = false): Fitted {
  const series = { values: Float64Array.from(values), seasons: [], regressors: [], position: 0, ...more };
  const fitted = regression.fit(series, { horizon, random: makeRandom(7), nonNegative });
  if (fitted.kind === "unfit") throw new Error(fitted.reason);
  return fitted;
}

function expectSound(fitted: Fitted, horizon: number): void {
  const { mean, quantiles } = fitted.forecast(horizon, levels);
  for (let h = 0; h < horizon; h++) {
    expect(Number.isFinite(mean[h])).toBe(true);
    for (let i = 0; i < levels.length; i++) {
      expect(Number.isFinite(quantiles[i * horizon + h])).toBe(true);
      expect(quantiles[i * horizon + h]).toBeGreaterThanOrEqual(quantiles[Math.max(0, i - 1) * horizon + h]);
    }
  }
}

/** Days of a shop: weekly season, a slow level, price and promotion. */
function shop(n: number, horizon: number, seed: number) {
  const random = makeRandom(seed);
  const price = new Float64Array(n + horizon);
  const promotion = new Float64Array(n + horizon);
  for (let t = 0; t < n + horizon; t++) {
    price[t] = t % 35 < 7 ? 1.5 : 2;
    promotion[t] = random.next() < 0.15 ? 1 : 0;
  }
  const truth = new Float64Array(n + horizon);
  for (let t = 0; t < n + horizon; t++) {
    truth[t] = 100 * Math.exp(0.4 * Math.sin((2 * Math.PI * t) / 7) - 2 * Math.log(price[t] / 2) + 0.5 * promotion[t]);
  }
  const values = Float64Array.from(truth.subarray(0, n), (x) => x * Math.exp(0.05 * random.normal()));
  return {
    values,
    truth,
    regressors: [
      { name: "price", values: price },
      { name: "promotion_applied", values: promotion },
    ],
  };
}

describe("regression", () => {
  it("finds the elasticity of price and the lift of a promotion, and forecasts by them", () => {
    const { values, truth, regressors } = shop(280, 28, 1);
    const fitted = fit(values, { seasons: [7], regressors }, 28);
    expect(fitted.parameters["log"]).toBe(1);
    expect(fitted.parameters["beta price"]).toBeCloseTo(-2, 1);
    expect(fitted.parameters["beta promotion_applied"]).toBeCloseTo(0.5, 1);
    const { mean } = fitted.forecast(28, []);
    for (let h = 0; h < 28; h++) expect(Math.abs(mean[h] / truth[280 + h] - 1)).toBeLessThan(0.08);
  });

  it("follows a bent line and continues its last slope, fading", () => {
    const values = Float64Array.from({ length: 120 }, (_, t) => (t < 60 ? t : 60 + 3 * (t - 60)));
    const { mean } = fit(values).forecast(12, []);
    expect(mean[0]).toBeGreaterThan(238);
    expect(mean[0]).toBeLessThan(243);
    for (let h = 1; h < 12; h++) expect(mean[h]).toBeGreaterThan(mean[h - 1]);
    expect(mean[11] - mean[10]).toBeLessThan(mean[1] - mean[0]);
  });

  it("starts at the present level of a series that wanders", () => {
    const random = makeRandom(3);
    let level = 50;
    const values = Float64Array.from({ length: 150 }, () => (level += random.normal()));
    expect(Math.abs(fit(values).forecast(1, []).mean[0] - level)).toBeLessThan(1.5);
  });

  it("covers about what it says on series of its own kind", () => {
    let inside = 0;
    let all = 0;
    for (let seed = 0; seed < 40; seed++) {
      const random = makeRandom(seed);
      const values = Float64Array.from({ length: 132 }, (_, t) => 20 + 5 * Math.cos((2 * Math.PI * t) / 12) + 2 * random.normal());
      const { quantiles } = fit(values.subarray(0, 120), { seasons: [12] }).forecast(12, [0.1, 0.9]);
      for (let h = 0; h < 12; h++) {
        all++;
        if (values[120 + h] >= quantiles[h] && values[120 + h] <= quantiles[12 + h]) inside++;
      }
    }
    expect(inside / all).toBeGreaterThan(0.72);
    expect(inside / all).toBeLessThan(0.88);
  });

  it("serves strange series or says why not", () => {
    const options = { horizon: 6, random: makeRandom(1), nonNegative: true };
    const make = (values: number[]) =>
      regression.fit({ values: Float64Array.from(values), seasons: [7], regressors: [], position: 0 }, options);
    for (const values of [[], [1], [1, 2], [Number.NaN, Number.NaN, 3], Array.from({ length: 50 }, () => Number.NaN)]) {
      const unfit = make(values);
      expect(unfit).toMatchObject({ kind: "unfit", reason: expect.stringContaining("6 known values") });
    }
    for (const constant of [0, 5, 1e7, 1e-9]) {
      const fitted = make(Array.from({ length: 40 }, () => constant));
      if (fitted.kind === "unfit") throw new Error(fitted.reason);
      expectSound(fitted, 6);
      for (const x of fitted.forecast(6, []).mean) expect(Math.abs(x - constant)).toBeLessThanOrEqual(1e-6 * constant);
    }
    const gaps = make(Array.from({ length: 60 }, (_, t) => (t % 3 === 0 ? 10 + (t % 7) : Number.NaN)));
    if (gaps.kind === "unfit") throw new Error(gaps.reason);
    expectSound(gaps, 6);
  });

  it("stays finite and ordered on arbitrary histories, and gives the same numbers twice", () => {
    const value = fc.oneof(
      fc.constant(0),
      fc.constant(Number.NaN),
      fc.double({ min: 0, max: 1e7, noNaN: true }),
      fc.double({ min: -1e3, max: 1e3, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(value, { minLength: 6, maxLength: 90 }), fc.boolean(), (values, nonNegative) => {
        const series = { values: Float64Array.from(values), seasons: [7, 30.4], regressors: [], position: 11 };
        const fitted = regression.fit(series, { horizon: 10, random: makeRandom(2), nonNegative });
        if (fitted.kind === "unfit") return;
        expectSound(fitted, 10);
        const one = fitted.forecast(10, levels);
        expect(one).toEqual(fitted.forecast(10, levels));
        expect(Math.min(...one.quantiles, ...one.mean)).toBeGreaterThanOrEqual(nonNegative ? 0 : Number.NEGATIVE_INFINITY);
      }),
      { numRuns: 60 },
    );
  });

  it("scales with the target", () => {
    const { values, regressors } = shop(140, 14, 5);
    const one = fit(values, { seasons: [7], regressors }, 14).forecast(14, levels);
    for (const factor of [1e-9, 1e5]) {
      const other = fit(
        values.map((y) => y * factor),
        { seasons: [7], regressors },
        14,
      ).forecast(14, levels);
      for (let h = 0; h < 14; h++) expect(other.mean[h] / factor / one.mean[h]).toBeCloseTo(1, 6);
      for (let i = 0; i < one.quantiles.length; i++) expect(other.quantiles[i] / factor / one.quantiles[i]).toBeCloseTo(1, 6);
    }
  });

  it("advances over the same history to the same forecast, and over a longer one without a search", () => {
    const { values, truth, regressors } = shop(200, 60, 9);
    const series = { values: values.subarray(0, 160), seasons: [7], regressors, position: 3 };
    const fitted = fit(series.values, series, 20);
    const advanced = fitted.advance(series);
    if (advanced.kind === "unfit") throw new Error(advanced.reason);
    expect(advanced.forecast(20, levels)).toEqual(fitted.forecast(20, levels));
    const longer = fitted.advance({ ...series, values });
    if (longer.kind === "unfit") throw new Error(longer.reason);
    expect(longer.title).toBe(fitted.title);
    const { mean } = longer.forecast(20, []);
    for (let h = 0; h < 20; h++) expect(Math.abs(mean[h] / truth[200 + h] - 1)).toBeLessThan(0.12);
  });

  it("reads nothing of the target after the cut, and of regressors nothing beyond the horizon", () => {
    const { values, regressors } = shop(150, 40, 4);
    const cut = values.subarray(0, 120);
    const plain = fit(cut, { seasons: [7], regressors }, 10).forecast(10, levels);
    const other = values.slice();
    other.fill(1e6, 120);
    const far = regressors.map(({ name, values: x }) => ({ name, values: x.map((v, t) => (t > 130 ? 99 : v)) }));
    expect(fit(other.subarray(0, 120), { seasons: [7], regressors: far }, 10).forecast(10, levels)).toEqual(plain);
  });

  it("takes an unknown promotion as none and an unknown price as the last one", () => {
    const { values, regressors } = shop(150, 10, 6);
    const known = regressors.map(({ name, values: x }) => ({
      name,
      values: x.map((v, t) => (t < 150 ? v : name === "price" ? x[149] : 0)),
    }));
    const unknown = regressors.map(({ name, values: x }) => ({ name, values: x.map((v, t) => (t < 150 ? v : Number.NaN)) }));
    const a = fit(values, { seasons: [7], regressors: known }, 10).forecast(10, []).mean;
    const b = fit(values, { seasons: [7], regressors: unknown }, 10).forecast(10, []).mean;
    expect([...b]).toEqual([...a]);
  });
});

describe("ridge", () => {
  it("solves the penalised normal equations and counts its freedom", () => {
    // Orthogonal columns: every coefficient is cross / (n + penalty), the freedom n / (n + penalty).
    const columns = Float64Array.of(1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1);
    const y = Float64Array.of(5, 1, 3, -1);
    const solved = solveRidge(makeNormal({ columns, width: 3, count: 4, rows: 4 }, y), Float64Array.of(0, 4, 12), makeScratch(3));
    expect([...solved.beta].map((b) => Number(b.toFixed(8)))).toEqual([2, 1, 0.25]);
    expect(solved.edf).toBeCloseTo(1 + 0.5 + 0.25, 8);
    expect(solved.rss).toBeCloseTo(4 * (1 * 1 + 0.75 * 0.75), 7);
  });
});

describe("error memory", () => {
  it("tells white noise from a wandering level and from a decaying one", () => {
    const random = makeRandom(8);
    const n = 600;
    const known = new Uint8Array(n).fill(1);
    const white = Float64Array.from({ length: n }, () => random.normal());
    expect(chooseMemory(white, known, n).alpha).toBeLessThan(0.05);
    let walk = 0;
    expect(
      chooseMemory(
        Float64Array.from({ length: n }, () => (walk += random.normal())),
        known,
        n,
      ),
    ).toMatchObject({ phi: 1 });
    let ar = 0;
    const decaying = Float64Array.from({ length: n }, () => (ar = 0.55 * ar + random.normal()));
    const memory = chooseMemory(decaying, known, n);
    expect(memory.phi * memory.alpha).toBeGreaterThan(0.4);
    expect(memory.phi).toBeLessThan(0.9);
    const out = new Float64Array(n);
    whiten(decaying, 1, known, memory, out);
    let lag = 0;
    let squares = 0;
    for (let t = 1; t < n; t++) {
      lag += out[t] * out[t - 1];
      squares += out[t] * out[t];
    }
    expect(Math.abs(lag / squares)).toBeLessThan(0.12);
  });
});
