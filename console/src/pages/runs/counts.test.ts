import { describe, expect, it } from "vitest";
import { countsWith, facetOf, overTime, stretchOf, type RunCount } from "./counts.ts";

const counts: readonly RunCount[] = [
  { at: "2026-10-01T00:00:00.000Z", workflow: "classify.train", state: "done", count: 3 },
  { at: "2026-10-01T00:00:00.000Z", workflow: "classify.train", state: "dead", count: 1 },
  { at: "2026-10-03T00:00:00.000Z", workflow: "forecast.run", state: "done", count: 5 },
  { at: "2026-10-03T00:00:00.000Z", workflow: "classify.train", state: "failed", count: 2 },
];

describe("counts of runs", () => {
  it("are summed by state and workflow, the most first", () => {
    expect(facetOf(counts, "state")).toEqual([
      { value: "done", count: 8 },
      { value: "failed", count: 2 },
      { value: "dead", count: 1 },
    ]);
    expect(facetOf(counts, "workflow")).toEqual([
      { value: "classify.train", count: 6 },
      { value: "forecast.run", count: 5 },
    ]);
  });

  it("are those of what is chosen", () => {
    expect(countsWith(counts, { workflow: "classify.train", state: "" }).map(({ count }) => count)).toEqual([3, 1, 2]);
    expect(countsWith(counts, { state: "done" }).map(({ count }) => count)).toEqual([3, 5]);
  });

  it("have a figure for every stretch, also where nothing began", () => {
    const { at, all, bad } = overTime(counts, "day", "2026-09-30T13:00:00Z", Date.parse("2026-10-04T01:00:00Z"));
    expect(at.map((ms) => new Date(ms).toISOString().slice(0, 10))).toEqual([
      "2026-09-30",
      "2026-10-01",
      "2026-10-02",
      "2026-10-03",
      "2026-10-04",
    ]);
    expect(all).toEqual([0, 4, 0, 7, 0]);
    expect(bad).toEqual([0, 1, 0, 2, 0]);
  });

  it("are of whole stretches where some bars were chosen", () => {
    const stretch = (from: string, until: string) => {
      const chosen = stretchOf(Date.parse(from), Date.parse(until), "day");
      return [chosen.since.slice(0, 10), chosen.until.slice(0, 10)];
    };
    // A bar stands around its day's beginning.
    expect(stretch("2026-10-01T20:00:00Z", "2026-10-03T03:00:00Z")).toEqual(["2026-10-02", "2026-10-04"]);
    expect(stretch("2026-10-01T20:00:00Z", "2026-10-02T01:00:00Z")).toEqual(["2026-10-02", "2026-10-03"]);
    // Within one bar, on either side of where it stands.
    expect(stretch("2026-10-02T01:00:00Z", "2026-10-02T05:00:00Z")).toEqual(["2026-10-02", "2026-10-03"]);
    expect(stretch("2026-10-01T19:00:00Z", "2026-10-01T23:00:00Z")).toEqual(["2026-10-02", "2026-10-03"]);
  });
});
