import { expect, test } from "vitest";
import { alignedTo, bandsOf, secondsOf, summedText, yearBefore, zoomed } from "./curve.ts";

const days = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"];

test("a stretch of time, and all of it where it holds fewer than two instants", () => {
  expect(zoomed(days, secondsOf("2026-01-02"), secondsOf("2026-01-03"))).toEqual({ from: 1, to: 3 });
  expect(zoomed(days, secondsOf("2026-01-02"), secondsOf("2026-01-02") + 5)).toEqual({ from: 0, to: 4 });
  expect(zoomed(days, Number.NaN, Number.NaN)).toEqual({ from: 0, to: 4 });
  expect(secondsOf("2026-01-02 06:00:00") - secondsOf("2026-01-02")).toBe(6 * 3_600);
});

test("a year before: as many steps back as the year has, ahead too", () => {
  expect(yearBefore({ instants: days, history: [1, 2], yearSteps: 2 })).toEqual([null, null, 1, 2]);
  expect(yearBefore({ instants: days, history: [1, 2], yearSteps: null })).toEqual([null, null, null, null]);
});

test("another forecast stands at its own instants", () => {
  const other = { instants: ["2025-12-31", "2026-01-01", "2026-01-02"], split: 1, system: { mean: [7, 8], quantiles: [] } };
  expect(alignedTo(days, other)).toEqual([7, 8, null, null]);
});

test("bands: pairs around the middle, the widest first; a middle alone is none", () => {
  const system = { mean: [5], quantiles: [[1], [5], [9]] };
  expect(bandsOf({ levels: [0.1, 0.5, 0.9], instants: ["a", "b"], split: 1, system })).toEqual([
    { title: "10 % to 90 %", low: [null, 1], high: [null, 9], strength: 0.16 },
  ]);
  expect(bandsOf({ levels: [0.5], instants: ["a"], split: 0, system: { mean: [5], quantiles: [[5]] } })).toEqual([]);
});

test("how a sum came about is said", () => {
  expect(summedText({ summed: { method: "own", paths: 0, windows: 2 }, forecast: 1 })).toContain("own quantiles");
  expect(summedText({ summed: { method: "joint draws", paths: 400, windows: 1 }, forecast: 8 })).toContain("in 1 backtest window.");
  expect(summedText({ summed: { method: "independent draws", paths: 400, windows: 1 }, forecast: 8 })).toContain("independent");
});
