import * as fc from "fast-check";
import { expect, test } from "vitest";
import { normalQuantile } from "./normal.ts";
import { makeSpread } from "./spread.ts";

const percents = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);

test("a normal distribution is found again from any two of its quantiles", () => {
  const at = (level: number): number => 100 + 15 * normalQuantile(level);
  for (const levels of [
    [0.1, 0.9],
    [0.5, 0.9],
    [0.1, 0.5, 0.9],
    [0.025, 0.4],
  ]) {
    const spread = makeSpread(levels, percents, 0)(levels.map(at));
    for (const [i, level] of percents.entries()) expect(spread[i]).toBeCloseTo(at(level), 6);
  }
});

test("given quantiles stay, none cross, none lie below the floor", () => {
  const ascending = fc
    .uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 2, maxLength: 9 })
    .map((list) => list.toSorted((a, b) => a - b).map((percent) => percent / 100));
  fc.assert(
    fc.property(ascending, fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 9, maxLength: 9 }), (levels, steps) => {
      let sum = 0;
      // Every third step is none: quantiles may be equal, and zero.
      const values = levels.map((_, i) => (sum += i % 3 === 0 ? 0 : (steps[i] ?? 0)));
      const spread = makeSpread(levels, percents, 0)(values);
      for (const [i, level] of levels.entries()) expect(spread[Math.round(level * 100) - 1]).toBe(values[i]);
      for (let i = 1; i < spread.length; i++) expect(spread[i]).toBeGreaterThanOrEqual(spread[i - 1] ?? 0);
      expect(spread[0]).toBeGreaterThanOrEqual(0);
    }),
  );
});

test("below zero only what may be: the floor is for what lies beyond the given", () => {
  expect(makeSpread([0.1, 0.5], [0.01, 0.1], 0)([1, 10])).toEqual([0, 1]);
  expect(makeSpread([0.1, 0.5], [0.01], -Infinity)([1, 10])[0]).toBeLessThan(0);
  expect(makeSpread([0.1, 0.5], [0.01, 0.1, 0.3], 0)([-4, -2])[0]).toBeLessThanOrEqual(-4);
});

test("one quantile tells nothing of the others", () => {
  expect(makeSpread([0.5], [0.1, 0.5, 0.9], 0)([7])).toEqual([Number.NaN, 7, Number.NaN]);
  expect(makeSpread([], [0.5], 0)([])).toEqual([Number.NaN]);
});
