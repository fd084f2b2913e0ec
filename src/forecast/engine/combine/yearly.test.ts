import { expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import type { Panel } from "../contract.ts";
import { makePanel } from "../panel/make.ts";
import { inSeason, yearlyFactors } from "./yearly.ts";

/** Weeks of a shop whose category x sells twice and a half as much in the four weeks before Christmas, y the same all year. */
function shop(length: number, change: (value: number, t: number) => number = (value) => value): Panel {
  const series = Array.from({ length: 40 }, (_, i) => {
    const random = makeRandom(i + 1);
    const lift = i % 2 === 0 ? 2.5 : 1;
    const values = Float64Array.from({ length }, (__, t) =>
      change((5 + 20 * (i % 7)) * (t % 52 >= 47 && t % 52 < 51 ? lift : 1) * Math.exp(0.3 * random.normal()), t),
    );
    return { item: `item ${i}`, metadata: { category: i % 2 === 0 ? "x" : "y" }, values };
  });
  const grid = { frequency: { unit: "W", multiple: 1 } as const, startMs: Date.UTC(2023, 0, 2), length, horizon: 8 };
  return makePanel({ grid, series, seasons: [365.25 / 7] });
}

test("a category's first Christmas tells of its second; one without any stays as it is", () => {
  const factors = yearlyFactors(shop(97));
  const [x, y] = [factors?.(0, 97), factors?.(1, 97)];
  // Weeks 97 to 104 are 45 to 52 of the second year: four of them sell more.
  expect(x?.[3]).toBeGreaterThan(2);
  expect(x?.[4]).toBeGreaterThan(2);
  expect(x?.[0]).toBeLessThan(1.2);
  for (const each of y ?? []) expect(Math.abs(each - 1)).toBeLessThan(0.15);
});

test("nothing is said before a whole year, of short seasons, or by what lies after the cut", () => {
  expect(yearlyFactors(shop(97))?.(0, 55)).toBeUndefined();
  expect(yearlyFactors({ ...shop(97), seasons: [12] })).toBeUndefined();
  const other = shop(97, (value, t) => (t < 80 ? value : 1000));
  expect(yearlyFactors(other)?.(0, 80)).toEqual(yearlyFactors(shop(97))?.(0, 80));
});

test("a year that did not come again is hardly believed; one that did is", () => {
  // Three years; in the odd panel the second Christmas stayed away.
  const [steady, odd] = [shop(149), shop(149, (value, t) => (t >= 97 && t < 105 ? value / 2.5 : value))];
  const flat = shop(149, (value, t) => (t >= 99 && t < 103 ? value / 2.5 : value));
  const peak = (panel: Panel): number => Math.max(...(yearlyFactors(panel)?.(0, 149) ?? [1]));
  expect(peak(steady)).toBeGreaterThan(2);
  for (const each of [odd, flat]) expect(peak(each)).toBeLessThan(1.5);
});

test("a model that sees the year in part gets what is missing, one that repeats it nothing, a blind one all", () => {
  const factors = Float64Array.of(1, 1, 3, 3);
  const past = new Float64Array(20).fill(10);
  const forecast = (peak: number) => ({
    mean: Float64Array.of(10, 10, peak, peak),
    levels: [0.5],
    quantiles: Float64Array.of(10, 10, peak, peak),
  });
  expect(inSeason("global", forecast(30), factors, past).mean[2]).toBeCloseTo(30);
  expect(inSeason("global", forecast(10 * Math.sqrt(3)), factors, past).mean[2]).toBeCloseTo(30);
  expect(inSeason("regression", forecast(10), factors, past).quantiles[3]).toBeCloseTo(30);
  expect(inSeason("snaive", forecast(20), factors, past).mean[2]).toBe(20);
  expect(inSeason("ets", forecast(20), factors, past).mean[2]).toBeCloseTo(60);
});
