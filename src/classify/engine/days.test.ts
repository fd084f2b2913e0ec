import { expect, test } from "vitest";
import { makeDayReader, zoneOf } from "./days.ts";

const berlin = makeDayReader("Europe/Berlin");

test.each([
  ["2026-10-31", "2026-10-31"],
  ["2026-10-31T23:59:59", "2026-10-31"],
  ["2026-10-31 00:00", "2026-10-31"],
  ["2026-09-30T22:30:00Z", "2026-10-01"],
  ["2026-09-30T21:30:00Z", "2026-09-30"],
  ["2026-09-30T23:30:00+02:00", "2026-09-30"],
  ["2026-09-30T23:30:00-02:00", "2026-10-01"],
  ["2026-10-01T00:30:00+09:00", "2026-09-30"],
  ["2026-12-31T23:30:00.123Z", "2027-01-01"],
  ["2026-10-25 00:30:00+00", "2026-10-25"],
  ["", ""],
  [" 2026-10-31 ", "2026-10-31"],
])("%s is on %s in Germany", (text, day) => {
  expect(berlin(text)).toBe(day);
});

test.each(["2026-02-30", "31.10.2026", "2026-10-31 garbage", "2026-10-31T25:00:00", "10/31/2026", "2026-10", "20261031", "0000-00-00"])(
  "%s is no date",
  (text) => {
    expect(berlin(text)).toBeUndefined();
  },
);

test("without a zone an instant goes by its offset as written", () => {
  const read = makeDayReader();
  expect(read("2026-09-30T23:30:00-05:00")).toBe("2026-09-30");
  expect(read("2026-09-30T23:30:00Z")).toBe("2026-09-30");
});

test("every zone known is one the machine knows", () => {
  for (const country of ["DEU", "GBR", "USA", "IND", "AUS", "PRT"])
    expect(makeDayReader(zoneOf(country))("2026-10-31T12:00:00Z")).toMatch(/^2026-10-31$|^2026-11-01$/);
  expect(zoneOf("XXX")).toBeUndefined();
});
