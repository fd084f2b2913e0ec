import { expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import type { Panel } from "../contract.ts";
import { makePanel } from "../panel/make.ts";
import { inSeason, withoutSeason, yearlySeason } from "./yearly.ts";

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

/** Factors on the horizon of the shop as it stood at `cut`. */
const ahead = (panel: Panel, index: number, cut: number): number[] =>
  Array.from(yearlySeason(panel)?.(index, cut)?.subarray(cut, cut + 8) ?? [], Math.exp);

test("a category's first Christmas tells of its second; one without any stays as it is", () => {
  const [x, y] = [ahead(shop(97), 0, 97), ahead(shop(97), 1, 97)];
  // Weeks 97 to 104 are 45 to 52 of the second year: four of them sell more.
  expect(x[3]).toBeGreaterThan(2);
  expect(x[4]).toBeGreaterThan(2);
  expect(x[0]).toBeLessThan(1.2);
  for (const each of y) expect(Math.abs(each - 1)).toBeLessThan(0.15);
});

test("just after a season the level is that of the ordinary weeks", () => {
  const panel = shop(103);
  const season = yearlySeason(panel)?.(0, 103);
  const values = panel.values.subarray(panel.offsets[0], panel.offsets[1]);
  const shown = withoutSeason("ets", values, season);
  const mean = (from: number, to: number): number => shown.subarray(from, to).reduce((sum, each) => sum + each, 0) / (to - from);
  expect(mean(99, 103) / mean(60, 90)).toBeLessThan(1.25);
  expect(mean(99, 103) / mean(60, 90)).toBeGreaterThan(0.8);
  // A Christmas three weeks early, and so strong that it looks like a new level, is not carried on either.
  const early = shop(103, (value, t) => (t >= 96 && t < 103 ? value * 2 : value));
  const odd = withoutSeason("ets", early.values.subarray(early.offsets[0], early.offsets[1]), yearlySeason(early)?.(0, 103));
  expect(Math.max(...odd.subarray(99, 103))).toBeLessThan(2 * mean(60, 90));
  expect(withoutSeason("snaive", values, season)).toBe(values);
});

test("nothing is said before a whole year, of short seasons, or by what lies after the cut", () => {
  expect(yearlySeason(shop(97))?.(0, 55)).toBeUndefined();
  expect(yearlySeason({ ...shop(97), seasons: [12] })).toBeUndefined();
  const other = shop(97, (value, t) => (t < 80 ? value : 1000));
  expect(yearlySeason(other)?.(0, 80)).toEqual(yearlySeason(shop(97))?.(0, 80));
});

test("a year that did not come again is hardly believed; one that did is", () => {
  // Three years; in the odd panel the second Christmas stayed away.
  const [steady, odd] = [shop(149), shop(149, (value, t) => (t >= 97 && t < 105 ? value / 2.5 : value))];
  const flat = shop(149, (value, t) => (t >= 99 && t < 103 ? value / 2.5 : value));
  const peak = (panel: Panel): number => Math.max(...ahead(panel, 0, 149));
  expect(peak(steady)).toBeGreaterThan(2.2);
  for (const each of [odd, flat]) expect(peak(each)).toBeLessThan(1.5);
});

test("promotions that all series share in one year are hardly a season of the next", () => {
  // Every brand halves its price in weeks of its own, other weeks each year.
  const random = makeRandom(5);
  const weeks = Array.from({ length: 105 }, () => (random.next() < 0.15 ? 3 : 1));
  const flat = (value: number, t: number): number => (value * weeks[t]) / (t % 52 >= 47 && t % 52 < 51 ? 2.5 : 1);
  const panel = shop(105, flat);
  // Threefold once: less than half of it, as a logarithm, is expected again.
  for (const cut of [97, 105]) for (const each of ahead(panel, 0, cut)) expect(each).toBeLessThan(Math.sqrt(3));
});

test("a model that sees the year in part gets what is missing, one that repeats it nothing, a blind one all", () => {
  const season = new Float64Array(24);
  season.fill(Math.log(3), 22);
  const past = new Float64Array(20).fill(10);
  const forecast = (peak: number) => ({
    mean: Float64Array.of(10, 10, peak, peak),
    levels: [0.5],
    quantiles: Float64Array.of(10, 10, peak, peak),
  });
  expect(inSeason("global", forecast(30), season, past).mean[2]).toBeCloseTo(30);
  expect(inSeason("global", forecast(10 * Math.sqrt(3)), season, past).mean[2]).toBeCloseTo(30);
  expect(inSeason("regression", forecast(10), season, past).quantiles[3]).toBeCloseTo(30);
  expect(inSeason("snaive", forecast(20), season, past).mean[2]).toBe(20);
  expect(inSeason("ets", forecast(20), season, past).mean[2]).toBeCloseTo(60);
  // A series without a past has no level to follow a season from.
  expect(inSeason("global", forecast(20), season.subarray(20), past.subarray(20)).mean[2]).toBe(20);
});
