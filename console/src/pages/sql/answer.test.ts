import { describe, expect, it } from "vitest";
import { planChart } from "./answer.ts";

const answer = (columns: readonly string[], ...rows: readonly (readonly (string | number | null)[])[]) => ({ columns, rows, more: false });

describe("the chart of an answer", () => {
  it("lays times below and draws the numbers", () => {
    expect(planChart(answer(["day", "sold", "price"], ["2026-01-02", 5, 1], ["2026-01-01", 3, null]))).toEqual({
      over: "time",
      at: ["2026-01-01", "2026-01-02"],
      lines: [
        { title: "sold", values: [3, 5] },
        { title: "price", values: [null, 1] },
      ],
    });
  });

  it("draws a line for each text beside one number, and adds up what is of one time", () => {
    const plan = planChart(answer(["day", "shop", "sold"], ["2026-01-01", "A", 1], ["2026-01-01", "A", 2], ["2026-01-02", "B", 4]));
    expect(plan?.lines).toEqual([
      { title: "A", values: [3, null] },
      { title: "B", values: [null, 4] },
    ]);
  });

  it("lays texts below where there are no times", () => {
    expect(planChart(answer(["code", "items"], ["b", 2], ["a", 1]))).toEqual({
      over: "text",
      at: ["b", "a"],
      lines: [{ title: "items", values: [2, 1] }],
    });
  });

  it("draws nothing without numbers, or of one row", () => {
    expect(planChart(answer(["a", "b"], ["x", "y"], ["z", "w"]))).toBeUndefined();
    expect(planChart(answer(["a", "b"], ["x", 1]))).toBeUndefined();
  });
});
