import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bareStyles, dateStyles, findDateStyle, findStyle, readDate } from "./dates.ts";

const seconds = (iso: string): number => Date.parse(iso) / 1_000;

test.each([
  ["2024-01-31", "2024-01-31", "day"],
  ["31.01.2024", "2024-01-31", "day"],
  ["31. 1. 2024", "2024-01-31", "day"],
  ["1/31/2024 3:05 PM", "2024-01-31T15:05:00Z", "time"],
  ["1/31/2024 12:00:00 AM", "2024-01-31", "time"],
  ["Jan-24", "2024-01-01", "month"],
  ["31 Jan 2024", "2024-01-31", "day"],
  ["Wed, 31 Jan 2024 10:00", "2024-01-31T10:00:00Z", "time"],
  ["January 31st, 2024", "2024-01-31", "day"],
  ["März 2024", "2024-03-01", "month"],
  ["août 2024", "2024-08-01", "month"],
  ["2024-W05", "2024-01-29", "week"],
  ["KW 5/2024", "2024-01-29", "week"],
  ["2021-W01", "2021-01-04", "week"],
  ["2020-W53", "2020-12-28", "week"],
  ["2024Q2", "2024-04-01", "quarter"],
  ["Q4 2024", "2024-10-01", "quarter"],
  ["20240131", "2024-01-31", "day"],
  ["2024M03", "2024-03-01", "month"],
  ["12/2024", "2024-12-01", "month"],
  ["2024-01-31 10:00:00.123", "2024-01-31T10:00:00Z", "time"],
])("%s is %s, a %s", (text, iso, unit) => {
  expect(readDate(text)).toMatchObject({ seconds: seconds(iso), unit });
});

test("a zone that is written is kept beside the clock that was written", () => {
  expect(readDate("2024-01-31T10:00:00+05:30")).toEqual({ seconds: seconds("2024-01-31T10:00:00Z"), unit: "time", offset: 19_800 });
  expect(readDate("2024-01-31T10:00:00Z")?.offset).toBe(0);
  expect(readDate("2024-01-31 10:00")?.offset).toBeUndefined();
});

test.each([
  "2023-02-29",
  "31.04.2024",
  "2024-W54",
  "2021-W53",
  "00/01/2024",
  "13:00",
  "A-2019",
  "Model 2024",
  "May",
  "12",
  "1.234,56",
  "2024-01-31 25:00",
  "Week 5",
])("%s is no date", (text) => {
  expect(readDate(text)).toBeUndefined();
});

describe("laws", () => {
  const days = fc.integer({ min: -25_000, max: 80_000 }).map((day) => new Date(day * 86_400_000));

  test("D1: what a style reads is the day that was written, whatever the day", () => {
    const two = (value: number): string => String(value).padStart(2, "0");
    const write: Readonly<Record<string, (at: Date) => string>> = {
      "yyyy-mm-dd": (at) => at.toISOString().slice(0, 10),
      "dd.mm.yyyy": (at) => `${two(at.getUTCDate())}.${two(at.getUTCMonth() + 1)}.${at.getUTCFullYear()}`,
      "mm/dd/yyyy": (at) => `${at.getUTCMonth() + 1}/${at.getUTCDate()}/${at.getUTCFullYear()}`,
      yyyymmdd: (at) => at.toISOString().slice(0, 10).replaceAll("-", ""),
    };
    fc.assert(
      fc.property(days, (at) => {
        for (const [id, text] of Object.entries(write)) expect(findDateStyle(id)?.read(text(at))?.seconds).toBe(at.getTime() / 1_000);
      }),
    );
  });

  test("no style throws or reads a text to no number", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40, unit: "binary" }), (text) => {
        for (const style of [...dateStyles, ...bareStyles]) expect(Number.isNaN(style.read(text)?.seconds ?? 0)).toBe(false);
      }),
    );
  });
});

test("D2: day or month first is proved by a value over 12, or by the order of the rows, or left open", () => {
  expect(findStyle(["1/2/2024", "13/2/2024"])).toMatchObject({
    style: { id: "dd/mm/yyyy" },
    reason: "proved",
    proof: "13/2/2024",
    rival: undefined,
  });
  expect(
    findStyle([
      "01/02/2024",
      "02/02/2024",
      "03/02/2024",
      "04/02/2024",
      "05/02/2024",
      "06/02/2024",
      "01/03/2024",
      "02/03/2024",
      "03/03/2024",
      "04/03/2024",
    ]),
  ).toMatchObject({
    style: { id: "dd/mm/yyyy" },
    reason: "order",
  });
  expect(findStyle(["03/04/2024", "05/04/2024"])).toMatchObject({ rival: { id: "mm/dd/yyyy" } });
  // Read both ways alike, there is nothing to ask.
  expect(findStyle(["03/03/2024", "04/04/2024"])?.rival).toBeUndefined();
});
