import { expect, test } from "vitest";
import { timeMarks } from "./time-marks.ts";

const at = (text: string): number => Date.parse(text) / 1_000;

test("marks of time name the larger part where it begins", () => {
  const day = 86_400;
  expect(timeMarks(["2026-12-30T00:00Z", "2026-12-31T00:00Z", "2027-01-01T00:00Z"].map(at), day)).toEqual([
    "30 Dec\n2026",
    "31 Dec",
    "1 Jan\n2027",
  ]);
  expect(timeMarks(["2026-12-31T22:00Z", "2026-12-31T23:00Z", "2027-01-01T00:00Z"].map(at), 3_600)).toEqual([
    "22:00\n31 Dec",
    "23:00",
    "00:00\n1 Jan",
  ]);
  expect(timeMarks(["2026-11-01T00:00Z", "2026-12-01T00:00Z", "2027-01-01T00:00Z"].map(at), 30 * day)).toEqual([
    "Nov\n2026",
    "Dec",
    "Jan\n2027",
  ]);
  expect(timeMarks(["2026-01-01T00:00Z", "2027-01-01T00:00Z"].map(at), 365 * day)).toEqual(["2026", "2027"]);
  expect(timeMarks([], day)).toEqual([]);
});
