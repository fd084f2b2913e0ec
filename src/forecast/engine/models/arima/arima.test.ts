import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../../platform/random.ts";
import type { Fitted, Regressor, Series } from "../../contract.ts";
import { arima } from "./arima.ts";
import input from "../../../../../test/golden/arima/input.json" with { type: "json" };

const levels = [0.05, 0.5, 0.95];

function seriesOf(values: ArrayLike<number>, seasons: readonly number[] = [], regressors: readonly Regressor[] = []): Series {
  return { values: Float64Array.from(values), seasons, regressors, position: 0 };
}

function fit(series: Series, horizon = 12) {
  return arima.fit(series, { horizon, random: makeRandom(1), nonNegative: false });
}

function fitted(series: Series, horizon = 12): Fitted {
  const answer = fit(series, horizon);
  if (answer.kind === "unfit") throw new Error(answer.reason);
  return answer;
}

function noise(seed: number, length: number): Float64Array {
  const random = makeRandom(seed);
  return Float64Array.from({ length }, () => random.normal());
}

/** A seasonal walk with noise. */
function sample(seed: number, length: number, period: number): Float64Array {
  const e = noise(seed, length);
  let level = 50;
  return e.map((value, t) => {
    level += 0.5 * value;
    return level + 8 * Math.sin((2 * Math.PI * t) / period) + 0.7 * e[(t * 7) % length];
  });
}

describe("the order it chooses", () => {
  test("the airline model for the logs of the airline passengers", () => {
    const air = input.cases.find(({ name }) => name === "airline model")!.y.map((value) => value!);
    const model = fitted(seriesOf(air, [12]));
    expect(model.title).toBe("ARIMA(0,1,1)(0,1,1)[12]");
    // R 4.2.2, forecast 8.20: auto.arima(log(AirPassengers)).
    expect(model.parameters["ma1"]).toBeCloseTo(-0.4018, 3);
    expect(model.parameters["sma1"]).toBeCloseTo(-0.5569, 3);
    expect(model.likelihood!.aicc).toBeCloseTo(-483.21, 1);
  });

  test("white noise about a mean", () => {
    const model = fitted(seriesOf(noise(3, 120).map((value) => 20 + value)));
    expect(model.title).toBe("ARIMA(0,0,0) with non-zero mean");
    expect(model.parameters["mean"]).toBeCloseTo(20, 0);
  });

  test("a straight line is a drift without error", () => {
    const model = fitted(seriesOf(Float64Array.from({ length: 30 }, (_, t) => 5 + 2 * t)));
    const { mean } = model.forecast(3, []);
    expect(mean[2]).toBeCloseTo(5 + 2 * 32, 6);
  });

  test("a season too long for lags becomes waves", () => {
    const e = noise(4, 300);
    const model = fitted(
      seriesOf(
        e.map((value, t) => 10 * Math.sin((2 * Math.PI * t) / 52.18) + value),
        [52.18],
      ),
      26,
    );
    expect(model.title).toMatch(/harmonics? of 52\.18/);
    const { mean } = model.forecast(26, []);
    for (let h = 0; h < 26; h++) expect(Math.abs(mean[h] - 10 * Math.sin((2 * Math.PI * (300 + h)) / 52.18))).toBeLessThan(1.5);
  });
});

describe("strange series", () => {
  const gappy = sample(5, 60, 12).map((value, t) => (t % 7 === 3 ? Number.NaN : value));
  const cases: readonly (readonly [string, ArrayLike<number>])[] = [
    ["constant", new Float64Array(40).fill(7)],
    ["all zeros", new Float64Array(40)],
    ["one other value", Float64Array.from({ length: 40 }, (_, t) => (t === 20 ? 1 : 0))],
    ["a step at the end", Float64Array.from({ length: 40 }, (_, t) => (t === 39 ? 1e6 : 1))],
    ["alternating", Float64Array.from({ length: 41 }, (_, t) => t % 2)],
    ["a parabola", Float64Array.from({ length: 30 }, (_, t) => t * t)],
    ["exponential growth", Float64Array.from({ length: 60 }, (_, t) => 1.5 ** t)],
    ["an exact season", Float64Array.from({ length: 48 }, (_, t) => (t % 12) ** 2)],
    ["1e7 in scale", sample(6, 60, 12).map((value) => 1e7 * value)],
    ["1e-9 in scale", sample(6, 60, 12).map((value) => 1e-9 * value)],
    ["1e140 in scale", sample(6, 60, 12).map((value) => 1e140 * value)],
    ["small about a high level", sample(7, 60, 12).map((value) => 1e9 + value)],
    ["gaps", gappy],
    ["mostly gaps", sample(8, 90, 12).map((value, t) => (t % 9 === 0 ? value : Number.NaN))],
    ["gaps at both ends", sample(9, 60, 12).map((value, t) => (t < 5 || t > 50 ? Number.NaN : value))],
    ["an infinite value", sample(9, 60, 12).map((value, t) => (t === 30 ? Infinity : value))],
    ["six values", [3, 1, 4, 1, 5, 9]],
    ["seven values, constant", new Float64Array(7).fill(3)],
  ];
  test.each(cases)("%s: finite quantiles that do not cross", (_, values) => {
    for (const seasons of [[], [12], [4], [7, 30.4]]) {
      const model = fitted(seriesOf(values, seasons));
      const { mean, quantiles } = model.forecast(12, levels);
      for (let h = 0; h < 12; h++) {
        expect(Number.isFinite(mean[h])).toBe(true);
        expect(quantiles[h]).toBeLessThanOrEqual(quantiles[12 + h]);
        expect(quantiles[12 + h]).toBeLessThanOrEqual(quantiles[24 + h]);
      }
      expect(quantiles.every(Number.isFinite)).toBe(true);
      expect(model.simulate(12, 5, makeRandom(2)).every(Number.isFinite)).toBe(true);
      expect(Object.values(model.parameters).every(Number.isFinite)).toBe(true);
      const likelihood = model.likelihood;
      expect(likelihood === undefined || Number.isFinite(likelihood.logLik)).toBe(true);
    }
  });

  test.each([
    ["empty", []],
    ["one value", [4]],
    ["two values", [4, 5]],
    ["all missing", new Float64Array(30).fill(Number.NaN)],
    ["beyond double precision", new Float64Array(30).map((_, t) => 1e200 * (1 + (t % 3)))],
  ] as const)("%s: a reason", (_, values) => {
    const answer = fit(seriesOf(values, [12]));
    expect(answer).toMatchObject({ kind: "unfit", reason: expect.stringMatching(/\d/) });
  });

  test("a constant stays what it is", () => {
    const { mean, quantiles } = fitted(seriesOf(new Float64Array(40).fill(7), [12])).forecast(12, levels);
    for (const value of [...mean, ...quantiles]) expect(value).toBeCloseTo(7, 6);
  });
});

describe("laws", () => {
  test("scale and, under differences, shift go through", () => {
    const values = sample(11, 72, 12);
    const { mean, quantiles } = fitted(seriesOf(values, [12])).forecast(12, levels);
    const other = fitted(
      seriesOf(
        values.map((value) => 1000 * value + 5000),
        [12],
      ),
    ).forecast(12, levels);
    for (let h = 0; h < 12; h++) expect(other.mean[h]).toBeCloseTo(1000 * mean[h] + 5000, 1);
    for (let i = 0; i < 36; i++) expect(Math.abs(other.quantiles[i] - (1000 * quantiles[i] + 5000))).toBeLessThan(0.5);
  });

  test("the same input gives the same bytes", () => {
    const values = sample(12, 80, 7);
    const once = fitted(seriesOf(values, [7]));
    const repeated = fitted(seriesOf(values, [7]));
    expect(repeated.forecast(9, levels)).toEqual(once.forecast(9, levels));
    expect(repeated.simulate(9, 4, makeRandom(3))).toEqual(once.simulate(9, 4, makeRandom(3)));
  });

  test("what comes after a cut changes nothing before it", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 30, max: 70 }), (seed, cut) => {
        const values = sample(seed, 80, 7);
        const other = values.map((value, t) => (t < cut ? value : -1000 * value));
        const a = fitted(seriesOf(values.subarray(0, cut), [7]), 8);
        const b = fitted(seriesOf(other.subarray(0, cut), [7]), 8);
        expect(b.forecast(8, levels)).toEqual(a.forecast(8, levels));
        const ahead = a.advance(seriesOf(values, [7]));
        const else_ = a.advance(seriesOf(other, [7]));
        if (ahead.kind === "unfit" || else_.kind === "unfit") throw new Error("Expected both to be served.");
        // One-step forecasts up to the cut are the same, whatever follows.
        expect(else_.fitted.slice(0, cut + 1)).toEqual(ahead.fitted.slice(0, cut + 1));
      }),
      { numRuns: 8 },
    );
  });

  test("advancing over the same history changes nothing, over a longer one forecasts one step ahead", () => {
    for (const gap of [-1, 20]) {
      const values = sample(13, 100, 4).map((value, t) => (t === gap ? Number.NaN : value));
      const model = fitted(seriesOf(values.subarray(0, 90), [4]));
      const same = model.advance(seriesOf(values.subarray(0, 90), [4]));
      if (same.kind === "unfit") throw new Error(same.reason);
      expect(same.forecast(5, levels)).toEqual(model.forecast(5, levels));
      const longer = model.advance(seriesOf(values, [4]));
      if (longer.kind === "unfit") throw new Error(longer.reason);
      expect(longer.title).toBe(model.title);
      expect(longer.parameters).toEqual(model.parameters);
      expect(longer.fitted[90]).toBeCloseTo(model.forecast(1, []).mean[0], 6);
    }
  });

  test("a history too short for the model it was fitted with is refused", () => {
    const model = fitted(seriesOf(sample(14, 72, 12), [12]));
    expect(model.advance(seriesOf(sample(14, 3, 12), [12])).kind).toBe("unfit");
  });

  test("missing values at the end are steps ahead", () => {
    const values = sample(15, 60, 4);
    const model = fitted(seriesOf(values, [4]));
    const open = fitted(seriesOf([...values, Number.NaN, Number.NaN, Number.NaN], [4]));
    const long = model.forecast(8, levels);
    const short = open.forecast(5, levels);
    for (let h = 0; h < 5; h++) {
      expect(short.mean[h]).toBeCloseTo(long.mean[3 + h], 9);
      expect(short.quantiles[h]).toBeCloseTo(long.quantiles[3 + h], 9);
    }
    expect(open.fitted[61]).toBeCloseTo(long.mean[1], 9);
  });

  test("paths have the mean and the spread of the forecast", () => {
    const values = sample(16, 96, 12);
    for (const history of [values, values.map((value, t) => (t === 50 || t === 95 ? Number.NaN : value))]) {
      const model = fitted(seriesOf(history, [12]));
      const horizon = 6;
      const paths = 4000;
      const { mean, quantiles } = model.forecast(horizon, [0.8413447460685429]);
      const drawn = model.simulate(horizon, paths, makeRandom(4));
      for (let h = 0; h < horizon; h++) {
        let sum = 0;
        let squares = 0;
        for (let p = 0; p < paths; p++) {
          const e = drawn[p * horizon + h] - mean[h];
          sum += e;
          squares += e * e;
        }
        const se = quantiles[h] - mean[h];
        expect(Math.abs(sum / paths)).toBeLessThan((4 * se) / Math.sqrt(paths));
        expect(Math.sqrt(squares / paths) / se).toBeGreaterThan(0.94);
        expect(Math.sqrt(squares / paths) / se).toBeLessThan(1.06);
      }
    }
  });
});

describe("regressors", () => {
  const length = 110;
  const horizon = 10;
  const x = noise(21, length + horizon).map((value) => 3 + value);
  const e = noise(22, length);
  const y = e.map((value, t) => 30 + 4 * x[t] + 0.5 * value);
  const price: Regressor = { name: "price", values: x };

  test("are found and used over the horizon", () => {
    const model = fitted(seriesOf(y, [], [price]), horizon);
    expect(model.title).toMatch(/with 1 regressor$/);
    expect(model.parameters["price"]).toBeCloseTo(4, 0);
    const { mean } = model.forecast(horizon, []);
    for (let h = 0; h < horizon; h++) expect(Math.abs(mean[h] - (30 + 4 * x[length + h]))).toBeLessThan(1);
  });

  test("that are constant, collinear, too short or repeated are left out", () => {
    const useless: Regressor[] = [
      { name: "flat", values: new Float64Array(length + horizon).fill(2) },
      { name: "twice", values: x.map((value) => 2 * value - 1) },
      { name: "short", values: x.subarray(0, length) },
      { name: "price", values: x.map((value) => value * value) },
      { name: "unknown", values: new Float64Array(length + horizon).fill(Number.NaN) },
    ];
    const alone = fitted(seriesOf(y, [], [price]), horizon);
    const crowd = fitted(seriesOf(y, [], [price, ...useless]), horizon);
    expect(crowd.title).toBe(alone.title);
    expect(crowd.forecast(horizon, levels)).toEqual(alone.forecast(horizon, levels));
  });

  test("unknown here and there do no harm", () => {
    const holes = x.map((value, t) => (t % 15 === 4 ? Number.NaN : value));
    const { mean } = fitted(seriesOf(y, [], [{ name: "price", values: holes }]), horizon).forecast(horizon, []);
    expect(mean.every(Number.isFinite)).toBe(true);
  });

  test("more of them than the history can bear: some are kept", () => {
    const many = Array.from({ length: 60 }, (_, j) => ({ name: `x${j}`, values: noise(100 + j, length + horizon) }));
    const model = fitted(seriesOf(y, [], [...many, price]), horizon);
    expect(model.parameters["price"]).toBeCloseTo(4, 0);
    expect(Object.keys(model.parameters).length).toBeLessThan(25);
  });

  test("a history without a regressor of the fit is refused by name", () => {
    const answer = fitted(seriesOf(y, [], [price]), horizon).advance(seriesOf(y));
    expect(answer).toMatchObject({ kind: "unfit", reason: expect.stringContaining('"price"') });
  });
});
