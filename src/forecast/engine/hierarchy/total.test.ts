import { expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import type { Forecast } from "../contract.ts";
import { normalQuantile } from "../numerics/normal.ts";
import { sumForecasts } from "./total.ts";

const levels = [0.1, 0.5, 0.9];

/** A normal forecast of two steps. */
const normal = (mean: number, sd: number): Forecast => ({
  mean: Float64Array.of(mean, 2 * mean),
  quantiles: Float64Array.from(levels.flatMap((level) => [mean, 2 * mean].map((middle) => middle + sd * normalQuantile(level)))),
  levels,
});

const at = (forecast: Forecast, level: number, h = 0): number =>
  forecast.quantiles[levels.indexOf(level) * forecast.mean.length + h] ?? Number.NaN;

test("one series keeps its own quantiles", () => {
  const only = normal(10, 2);
  expect(sumForecasts([only], { errors: new Float64Array(40), random: makeRandom(1) })).toEqual({
    forecast: only,
    method: "own",
    paths: 0,
  });
});

test("independent series: spreads add as squares, means add up", () => {
  const parts = Array.from({ length: 16 }, () => normal(100, 10));
  const { forecast, method } = sumForecasts(parts, { errors: new Float64Array(0), random: makeRandom(1), paths: 2_000 });
  expect(method).toBe("independent draws");
  expect([...forecast.mean]).toEqual([1_600, 3_200]);
  // sqrt(16) * 10 = 40, where adding quantiles would say 160.
  expect((at(forecast, 0.9) - at(forecast, 0.5)) / normalQuantile(0.9)).toBeCloseTo(40, -0.5);
  expect(at(forecast, 0.5)).toBeCloseTo(1_600, -1);
});

test("series whose errors went together: the sum is nearly as wide as the spreads added", () => {
  const steps = 200;
  const random = makeRandom(7);
  const common = Float64Array.from({ length: steps }, () => random.normal());
  const errors = new Float64Array(4 * steps);
  for (let i = 0; i < 4; i++) errors.set(common, i * steps);
  const parts = Array.from({ length: 4 }, () => normal(100, 10));
  const { forecast, method } = sumForecasts(parts, { errors, random: makeRandom(1), paths: 2_000 });
  expect(method).toBe("joint draws");
  const sd = (at(forecast, 0.9) - at(forecast, 0.5)) / normalQuantile(0.9);
  // Independent: 20; in lockstep: 40.
  expect(sd).toBeGreaterThan(36);
  expect(sd).toBeLessThanOrEqual(41);
});

test("errors in seven steps are too few to know how series go together, and one quantile is none", () => {
  const parts = [normal(1, 1), normal(2, 1)];
  expect(sumForecasts(parts, { errors: new Float64Array(14), random: makeRandom(1) }).method).toBe("independent draws");
  expect(sumForecasts(parts, { errors: new Float64Array(16), random: makeRandom(1) }).method).toBe("joint draws");
  const point = { mean: Float64Array.of(3), quantiles: Float64Array.of(3), levels: [0.5] };
  expect(sumForecasts([point, point], { errors: new Float64Array(0), random: makeRandom(1) })).toMatchObject({
    method: "none",
    forecast: { mean: Float64Array.of(6) },
  });
});
