import { expect, it } from "vitest";
import { progressText, timeLineOf } from "./timeline.ts";

const at = (seconds: number): string => new Date(Date.UTC(2026, 9, 1) + seconds * 1_000).toISOString();

it("places each step by its time, from the run's begin to its last change", () => {
  const steps = [
    { name: "read", startedAt: at(2), endedAt: at(4), tries: 1 },
    { name: "fit", startedAt: at(4), endedAt: at(9), tries: 2 },
  ];
  const line = timeLineOf({ createdAt: at(0), updatedAt: at(10), steps }, undefined);
  expect(line.bars.map(({ from, width, tookMs }) => [from, width, tookMs])).toEqual([
    [0.2, 0.2, 2_000],
    [0.4, 0.5, 5_000],
  ]);
});

it("lets what is under way go on until now, and needs no step", () => {
  const line = timeLineOf(
    { createdAt: at(0), updatedAt: at(1), steps: [{ name: "read", startedAt: at(5), tries: 1 }] },
    Date.parse(at(10)),
  );
  expect(line.bars.map(({ from, width, tookMs }) => [from, width, tookMs])).toEqual([[0.5, 0.5, undefined]]);
  const none = timeLineOf({ createdAt: at(0), updatedAt: at(0), steps: [] }, undefined);
  expect(none.endMs).toBeGreaterThan(none.beginMs);
});

it("says how far a run is, also where nobody knows how much there is", () => {
  expect(progressText({ done: 1_200, total: 3_000, note: "rows read" })).toBe("1,200 of 3,000: rows read");
  expect(progressText({ done: 30, total: 0, note: "trials" })).toBe("30 trials");
  expect(progressText({ done: 3, total: 0, note: "" })).toBe("3");
});
