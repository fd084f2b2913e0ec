import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Forecast } from "../contract.ts";
import { accuracyOf, addTally, makeTally, owaOf, repeatSeason, scaleOf, tallyForecast } from "./metrics.ts";

const forecast = (mean: number[], levels: number[], ...quantiles: number[][]): Forecast => ({
  mean: Float64Array.from(mean),
  levels,
  quantiles: Float64Array.from(quantiles.flat()),
});

test("the seasonal naive forecast repeats the last season, or the last value, and is measured over what it reaches", () => {
  expect([...repeatSeason(Float64Array.of(1, 2, 3, 4, 5), 3, 5)]).toEqual([3, 4, 5, 3, 4]);
  expect([...repeatSeason(Float64Array.of(1, 2, Number.NaN), 7, 2)]).toEqual([2, 2]);
  expect([...repeatSeason(new Float64Array(0), 7, 1)]).toEqual([Number.NaN]);
  const one = { mean: Float64Array.of(1, 1), levels: [], quantiles: new Float64Array(0) };
  const tally = tallyForecast(Float64Array.of(4, 6), one, { absolute: 1, squared: 1 }, Float64Array.of(3, Number.NaN));
  addTally(tally, tallyForecast(Float64Array.of(5, 5), one, { absolute: 1, squared: 1 }));
  expect(accuracyOf(tally)?.naiveWape).toBeCloseTo(1 / 4, 9);
  expect(accuracyOf(tallyForecast(Float64Array.of(4, 6), one, { absolute: 1, squared: 1 }))?.naiveWape).toBeUndefined();
});

describe("a worked example", () => {
  // Two steps, actual 10 and 20; mean 12 and 15; p10 8 and 21, p50 11 and 16, p90 9.5 and 30.
  const actual = Float64Array.of(10, 20);
  const history = Float64Array.of(1, 2, 4, 7);
  const worked = tallyForecast(actual, forecast([12, 15], [0.1, 0.5, 0.9], [8, 21], [11, 16], [9.5, 30]), scaleOf(history, 1));
  const accuracy = accuracyOf(worked);

  test("point measures use the mean", () => {
    expect(accuracy?.rmse).toBeCloseTo(Math.sqrt((4 + 25) / 2), 12);
    expect(accuracy?.wape).toBeCloseTo(7 / 30, 12);
    expect(accuracy?.mape).toBeCloseTo((0.2 + 0.25) / 2, 12);
    expect(accuracy?.smape).toBeCloseTo((4 / 22 + 10 / 35) / 2, 12);
    // Changes of the history: 1, 2, 3.
    expect(accuracy?.mase).toBeCloseTo(3.5 / 2, 12);
    expect(accuracy?.rmsse).toBeCloseTo(Math.sqrt(14.5 / (14 / 3)), 12);
    expect(accuracy?.bias).toBeCloseTo((-2 + 5) / 30, 12);
  });

  test("wQL = 2 sum(t max(y - q, 0) + (1 - t) max(q - y, 0)) / sum |y|", () => {
    expect(accuracy?.wql[0]).toBeCloseTo((2 * (0.1 * 2 + 0.9 * 1)) / 30, 12);
    expect(accuracy?.wql[1]).toBeCloseTo((2 * (0.5 * 1 + 0.5 * 4)) / 30, 12);
    expect(accuracy?.wql[2]).toBeCloseTo((2 * (0.9 * 0.5 + 0.1 * 10)) / 30, 12);
    expect(accuracy?.averageWql).toBeCloseTo((2 * (1.1 + 2.5 + 1.45)) / 90, 12);
  });

  test("an interval covers what lies between its two levels", () => {
    expect(accuracy?.coverage).toEqual({ "0.8": 0 });
    const wide = tallyForecast(actual, forecast([10, 20], [0.1, 0.9], [10, 5], [12, 19]), scaleOf(history, 1));
    expect(accuracyOf(wide)?.coverage).toEqual({ "0.8": 0.5 });
    // Panels keep actuals in 32 bits: what was forecast as it came is held.
    const exact = tallyForecast(
      Float64Array.of(Math.fround(0.12), Math.fround(0.1)),
      forecast([0, 0], [0.1, 0.9], [0.12, 0.1], [0.12, 0.1]),
      scaleOf(history, 1),
    );
    expect([accuracyOf(exact)?.coverage, exact.notAbove]).toEqual([{ "0.8": 1 }, [2, 2]]);
  });

  test("OWA is the mean of two ratios", () => {
    expect(owaOf({ smape: 0.1, mase: 0.9 }, { smape: 0.2, mase: 1 })).toBeCloseTo(0.7, 12);
    expect(owaOf({ smape: 0, mase: 0 }, { smape: 0, mase: 0 })).toBe(1);
  });
});

test("a seasonal scale compares with the season before, and with the step before where there is none", () => {
  expect(scaleOf(Float64Array.of(1, 5, 2, 8), 2).absolute).toBe(2);
  expect(scaleOf(Float64Array.of(1, 5, 2), 12).absolute).toBe(3.5);
  expect(scaleOf(Float64Array.of(1, Number.NaN, 4, 6), 1)).toEqual({ absolute: 2, squared: 4 });
  // RMSSE begins at the first sale.
  expect(scaleOf(Float64Array.of(0, 0, 0, 2, 4), 1).squared).toBe(4);
});

test("a missing actual is skipped, a zero divisor leaves the error undivided", () => {
  const flat = scaleOf(Float64Array.of(3, 3, 3), 1);
  const tally = tallyForecast(Float64Array.of(0, Number.NaN, 0), forecast([1, 9, 3], [0.5], [1, 9, 3]), flat);
  expect(accuracyOf(tally)).toMatchObject({ points: 2, wape: 4, mape: 2, mase: 2, smape: 2, wql: [4], averageWql: 4 });
  expect(accuracyOf(tally)?.rmsse).toBeCloseTo(Math.sqrt(5), 12);
  expect(accuracyOf(makeTally([0.5]))).toBeUndefined();
});

test("tallies add up, and no measure is ever NaN", () => {
  const number = fc.double({ min: -1e9, max: 1e9, noNaN: true });
  const part = fc.record({
    actual: fc.array(fc.oneof(number, fc.constant(Number.NaN), fc.constant(0)), { minLength: 3, maxLength: 3 }),
    mean: fc.array(number, { minLength: 3, maxLength: 3 }),
    history: fc.array(fc.oneof(number, fc.constant(0)), { maxLength: 6 }),
  });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      const total = makeTally([0.1, 0.9]);
      let points = 0;
      let absolute = 0;
      for (const { actual, mean, history } of parts) {
        const q = forecast(
          mean,
          [0.1, 0.9],
          mean.map((each) => each - 1),
          mean.map((each) => each + 1),
        );
        addTally(total, tallyForecast(Float64Array.from(actual), q, scaleOf(Float64Array.from(history), 1)));
        actual.forEach((y, h) => {
          if (Number.isNaN(y)) return;
          points++;
          absolute += Math.abs(y - mean[h]);
        });
      }
      const accuracy = accuracyOf(total);
      expect(accuracy === undefined).toBe(points === 0);
      if (accuracy === undefined) return;
      expect(total.points).toBe(points);
      expect(total.absoluteError).toBeCloseTo(absolute, -2);
      const numbers = Object.values(accuracy)
        .flat()
        .filter((value) => typeof value === "number");
      expect(numbers.every((value) => Number.isFinite(value))).toBe(true);
    }),
    { numRuns: 200 },
  );
});
