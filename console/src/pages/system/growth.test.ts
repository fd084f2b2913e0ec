import { expect, it } from "vitest";
import { cumulated } from "./growth.ts";

it("is what there is today at the last day, and less by what came at each day before", () => {
  const days = [
    { day: "2026-10-02", bytes: 10 },
    { day: "2026-10-02", bytes: 5 },
    { day: "2026-10-04", bytes: 20 },
  ];
  const { at, bytes } = cumulated("2026-10-01T00:00:00.000Z", Date.parse("2026-10-04T12:00:00Z"), days, [{ bytes: 100 }, { bytes: 35 }]);
  expect(at.map((ms) => new Date(ms).toISOString().slice(8, 10))).toEqual(["01", "02", "03", "04"]);
  expect(bytes).toEqual([100, 115, 115, 135]);
  expect(cumulated("2026-10-01T00:00:00.000Z", Date.parse("2026-10-01T00:00:00Z"), [], []).bytes).toEqual([0]);
});
