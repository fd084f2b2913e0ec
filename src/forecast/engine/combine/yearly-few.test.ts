// Fewer series than make a group: one to four of them, with a year that comes again and without.

import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import type { Panel } from "../contract.ts";
import { makePanel } from "../panel/make.ts";
import { mixForecast } from "./mix.ts";
import { planMix } from "./plan.ts";
import { tryModels } from "./trial.ts";
import type { MixOptions } from "./contract.ts";
import { seriesAt } from "../panel/series.ts";
import { yearlySeason } from "./yearly.ts";

const horizon = 13;

type Course = "none" | "wandering" | "trend" | "wave" | "Christmas";

/** Weeks of a shop whose series share one course; `all` goes on beyond what is known. */
function shop(course: Course, series: number, { length = 95, noise = 0.12, seed = 1 } = {}): { panel: Panel; all: number[][] } {
  const random = makeRandom(seed);
  const all = Array.from({ length: series }, (_, i) => {
    let level = 100 * (1 + i);
    return Array.from({ length: length + horizon }, (__, t) => {
      if (course === "wandering") level *= Math.exp(0.05 * random.normal());
      const factor =
        course === "wave"
          ? Math.exp(0.4 * Math.sin((2 * Math.PI * t) / 52))
          : course === "Christmas" && t % 52 >= 47 && t % 52 < 51
            ? 2.2
            : course === "trend"
              ? 1 + t / 150
              : 1;
      return Math.round(level * factor * Math.exp(noise * random.normal()));
    });
  });
  const grid = { frequency: { unit: "W", multiple: 1 } as const, startMs: Date.UTC(2024, 0, 1), length, horizon };
  const rows = all.map((values, i) => ({ item: `item ${i}`, values: Float64Array.from(values.slice(0, length)) }));
  return { panel: makePanel({ grid, series: rows, seasons: [365.25 / 7] }), all };
}

/** Logarithms ahead. */
const ahead = (panel: Panel, cut = panel.grid.length): number[] => [...(yearlySeason(panel)?.(0, cut)?.subarray(cut) ?? [])];
const meanSize = (logs: readonly number[]): number => logs.reduce((sum, each) => sum + Math.abs(each), 0) / Math.max(1, logs.length);

describe.each([1, 2, 3, 4])("a shop of %i series", (count) => {
  test("has the year that its first one showed", () => {
    for (const length of [70, 95]) {
      const wave = ahead(shop("wave", count, { length }).panel);
      const right = wave.map((_, h) => 0.4 * Math.sin((2 * Math.PI * (length + h)) / 52));
      const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;
      // What counts is its course: a level is the models'.
      const apart = wave.map((each, h) => each - right[h] - mean(wave) + mean(right));
      expect(wave).toHaveLength(horizon);
      expect(meanSize(apart)).toBeLessThan(0.12);
    }
    const peaks = ahead(shop("Christmas", count).panel);
    // Weeks 99 to 102 are those before the second Christmas.
    for (const h of [4, 5, 6, 7]) expect(Math.exp(peaks[h])).toBeGreaterThan(1.6);
    for (const h of [0, 1, 10, 11]) expect(Math.exp(peaks[h])).toBeLessThan(1.25);
  });

  test("has none where nothing comes again", () => {
    const sizes = (course: Course): number =>
      Array.from({ length: 20 }, (_, i) => meanSize(ahead(shop(course, count, { seed: i + 1, noise: 0.2 }).panel))).reduce(
        (a, b) => a + b,
      ) / 20;
    expect(sizes("none")).toBeLessThan(0.03);
    expect(sizes("trend")).toBeLessThan(0.05);
    expect(sizes("wandering")).toBeLessThan(0.12);
  });
});

test("what lies after a cut changes nothing of what is said there", () => {
  const { panel } = shop("wave", 2);
  const other: Panel = { ...panel, values: panel.values.map((value, i) => (i % 95 < 75 ? value : 7)) };
  expect(yearlySeason(other)?.(1, 75)).toEqual(yearlySeason(panel)?.(1, 75));
});

/** Sums of absolute errors over what was sold: of the mix, and of repeating the year before. */
function errorsOf(course: Course, count: number, seed: number): readonly [ours: number, naive: number] {
  const { panel, all } = shop(course, count, { seed });
  const options: MixOptions = {
    horizon,
    levels: [0.1, 0.5, 0.9],
    windows: 2,
    offset: horizon,
    nonNegative: true,
    models: "auto",
    random: makeRandom(7),
  };
  const season = yearlySeason(panel);
  const trials = all.map((_, i) => tryModels(`s${i}`, seriesAt(panel, i), options, [], { yearly: (end) => season?.(i, end) }));
  const plan = planMix(trials, options);
  let [ours, naive, sold] = [0, 0, 0];
  for (const [i, values] of all.entries()) {
    const mean = mixForecast(trials[i], plan, i, options).forecast?.mean ?? [];
    for (let h = 0; h < horizon; h++) {
      ours += Math.abs(mean[h] - values[95 + h]);
      naive += Math.abs(values[95 + h - 52] - values[95 + h]);
      sold += values[95 + h];
    }
  }
  return [ours / sold, naive / sold];
}

test.each([
  ["wave", 1],
  ["wave", 3],
  ["Christmas", 1],
  ["Christmas", 3],
] as const)("a year that comes as a %s is forecast better than by repeating it, of %i series", (course, count) => {
  const errors = Array.from({ length: count === 1 ? 6 : 3 }, (_, i) => errorsOf(course, count, i + 1));
  const sum = (of: 0 | 1): number => errors.reduce((total, each) => total + each[of], 0);
  expect(sum(0)).toBeLessThan(0.9 * sum(1));
});
