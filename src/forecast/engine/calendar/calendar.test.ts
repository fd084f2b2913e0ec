import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Frequency, Grid } from "../contract.ts";
import {
  dayOfMonth,
  dayOfWeek,
  dayOfYear,
  featuresOf,
  featureTable,
  hour,
  minuteOfHour,
  month,
  quarter,
  weekOfYear,
  year,
} from "./features.ts";
import { parseFrequency, printFrequency, stepMinutes } from "./frequency.ts";
import { anchorUnit, dayMs, daysOfDate, indexAt, instantAt, minuteOfUnit, stampAt, timestampOf, truncate, unitOfMinute } from "./grid.ts";
import { daysOf, holidayRegressors } from "./holidays.ts";
import { parseSeasons, seasonsOf } from "./seasons.ts";

const frequency = (text: string): Frequency => {
  const parsed = parseFrequency(text);
  if (parsed === undefined) throw new Error(`${text} is no frequency`);
  return parsed;
};

const gridFrom = (text: string, start: string, length = 24, horizon = 6): Grid => ({
  frequency: frequency(text),
  startMs: Date.parse(start),
  length,
  horizon,
});

const anyFrequency = fc.constantFrom(
  ...["Y", "Q", "2Q", "M", "2M", "3M", "5M", "W", "2W", "D", "2D", "6D", "H", "6H", "5H", "30min", "15min", "1min", "7min"].map(frequency),
  ...["W-SUN", "2W-WED", "ME", "QE", "QS-FEB", "YS-APR", "YE"].map(frequency),
  { unit: "M", multiple: 1, stamp: { from: "begin", seconds: 29 * 86_400 } } satisfies Frequency,
);
/** 1900 to 2100, in whole minutes. */
const anyMinute = fc.integer({ min: -36_817_920, max: 68_372_639 });

describe("frequencies", () => {
  test("are read and printed as Amazon Forecast writes them", () => {
    for (const text of [
      "Y",
      "Q",
      "M",
      "W",
      "D",
      "H",
      "30min",
      "15min",
      "10min",
      "5min",
      "1min",
      "2W",
      "3M",
      "11M",
      "23H",
      "59min",
      "W-SUN",
      "2W-WED",
      "ME",
      "QS-FEB",
      "YS-APR",
      "YE",
    ]) {
      expect(printFrequency(frequency(text))).toBe(text);
    }
    expect(frequency("1D")).toEqual({ unit: "D", multiple: 1 });
    expect(printFrequency(frequency("1W"))).toBe("W");
  });

  test("beyond their unit are none", () => {
    for (const text of [
      "",
      "m",
      "d",
      "min",
      "60min",
      "24H",
      "7D",
      "5W",
      "12M",
      "2Y",
      "4Q",
      "0D",
      "-1D",
      "1.5H",
      "hourly",
      "1 min",
      "W-XYZ",
      "M-JAN",
      "DS",
      "ME-JAN",
    ]) {
      expect([text, parseFrequency(text)]).toEqual([text, undefined]);
    }
  });

  test("compare by their mean length", () => {
    expect(stepMinutes(frequency("3M"))).toBeCloseTo(stepMinutes(frequency("Q")), 1);
    expect(stepMinutes(frequency("W"))).toBeGreaterThan(stepMinutes(frequency("6D")));
  });
});

describe("grids", () => {
  test("agree with the platform's calendar", () => {
    fc.assert(
      fc.property(anyMinute, (minute) => {
        const date = new Date(minute * 60_000);
        const grid: Grid = { frequency: frequency("1min"), startMs: minute * 60_000, length: 1, horizon: 1 };
        expect(daysOfDate(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())).toBe(Math.floor(minute / 1440));
        expect(year(grid, 0)).toBe(date.getUTCFullYear());
        expect(month(grid, 0)).toBe(date.getUTCMonth() + 1);
        expect(dayOfMonth(grid, 0)).toBe(date.getUTCDate());
        expect(dayOfWeek(grid, 0)).toBe((date.getUTCDay() + 6) % 7);
        expect(hour(grid, 0)).toBe(date.getUTCHours());
        expect(minuteOfHour(grid, 0)).toBe(date.getUTCMinutes());
      }),
    );
  });

  test("index and instant are inverse, and every instant of a step has its index", () => {
    fc.assert(
      fc.property(
        anyFrequency,
        anyMinute,
        fc.integer({ min: -200, max: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (frequency, minute, index, share) => {
          const unit = anchorUnit(frequency, unitOfMinute(frequency, minute));
          const grid: Grid = { frequency, startMs: minuteOfUnit(frequency, unit) * 60_000, length: 10, horizon: 5 };
          const begin = instantAt(grid, index);
          const end = instantAt(grid, index + 1);
          expect(end).toBeGreaterThan(begin);
          expect(indexAt(grid, begin)).toBe(index);
          expect(indexAt(grid, stampAt(grid, index))).toBe(index);
          expect(indexAt(grid, Math.min(end - 1, begin + Math.floor(share * (end - begin))))).toBe(index);
          expect(indexAt(grid, begin - 1)).toBe(index - 1);
        },
      ),
    );
  });

  test("weeks begin on Monday, quarters in January, months on the first", () => {
    const at = (text: string, instant: string): string =>
      timestampOf({ frequency: frequency(text), startMs: truncate(frequency(text), Date.parse(instant)), length: 1, horizon: 1 }, 0);
    expect(at("W", "2024-02-29")).toBe("2024-02-26");
    expect(at("W", "2024-03-03T23:59:59Z")).toBe("2024-02-26");
    expect(at("M", "2024-02-29")).toBe("2024-02-01");
    expect(at("Q", "2024-03-31")).toBe("2024-01-01");
    expect(at("3M", "2024-12-31")).toBe("2024-10-01");
    expect(at("Y", "2023-12-31")).toBe("2023-01-01");
    expect(at("6H", "2024-02-29T17:30:00Z")).toBe("2024-02-29 12:00:00");
    expect(at("15min", "2024-02-29T17:44:59Z")).toBe("2024-02-29 17:30:00");
    expect(at("D", "1969-12-31T23:00:00Z")).toBe("1969-12-31");
    expect(at("W-SUN", "2024-02-29")).toBe("2024-02-25");
    expect(at("ME", "2024-02-10")).toBe("2024-02-29");
    expect(at("QE", "2024-02-10")).toBe("2024-03-31");
    expect(at("QS-FEB", "2024-01-31")).toBe("2023-11-01");
    expect(at("YS-APR", "2024-03-31")).toBe("2023-04-01");
    expect(at("YE", "2024-03-31")).toBe("2024-12-31");
  });

  test("step over a leap day", () => {
    const days = gridFrom("D", "2024-02-28T00:00:00Z");
    expect(timestampOf(days, 1)).toBe("2024-02-29");
    expect(timestampOf(days, 2)).toBe("2024-03-01");
    const months = gridFrom("M", "2024-01-01T00:00:00Z");
    expect(timestampOf(months, 13)).toBe("2025-02-01");
    expect(indexAt(months, Date.parse("2024-02-29T23:59:59Z"))).toBe(1);
  });
});

describe("calendar features", () => {
  test("count weeks as ISO 8601 does", () => {
    const week = (date: string): number => weekOfYear(gridFrom("D", `${date}T00:00:00Z`), 0);
    expect([week("2020-12-31"), week("2021-01-03"), week("2021-01-04"), week("2024-12-30"), week("2026-11-23")]).toEqual([
      53, 53, 1, 1, 48,
    ]);
  });

  test("as tables cover history and horizon", () => {
    const days = gridFrom("D", "2024-12-30T00:00:00Z", 2, 2);
    expect([...featureTable(days, "dayOfYear")]).toEqual([365, 366, 1, 2]);
    expect([...featureTable(days, "quarter")]).toEqual([4, 4, 1, 1]);
    expect(dayOfYear(days, 1)).toBe(366);
    expect(quarter(days, 2)).toBe(1);
    expect(featuresOf(days)).toContain("dayOfWeek");
    expect(featuresOf(gridFrom("M", "2024-01-01"))).not.toContain("dayOfWeek");
  });
});

describe("seasons", () => {
  test("by frequency", () => {
    const seasons = (text: string): readonly number[] => seasonsOf(frequency(text));
    expect(seasons("Y")).toEqual([]);
    expect(seasons("Q")).toEqual([4]);
    expect(seasons("M")).toEqual([12]);
    expect(seasons("3M")).toEqual([4]);
    expect(seasons("W")).toEqual([52.18]);
    expect(seasons("D")).toEqual([7, 365.25]);
    expect(seasons("H")).toEqual([24, 168]);
    expect(seasons("6H")).toEqual([4, 28]);
    expect(seasons("30min")).toEqual([48, 336]);
    expect(seasons("15min")).toEqual([96, 672]);
    expect(seasons("5min")).toEqual([12, 288, 2016]);
  });

  test("by hand", () => {
    expect(parseSeasons("12")).toEqual([12]);
    expect(parseSeasons("365.25, 7")).toEqual([7, 365.25]);
    expect(parseSeasons("1")).toEqual([]);
    expect(parseSeasons("seven")).toBeUndefined();
    expect(parseSeasons("0.5")).toBeUndefined();
  });
});

describe("holidays", () => {
  const christmas = [
    { name: "Christmas", day: Date.parse("2023-12-25") / dayMs, days: 2 },
    { name: "Christmas", day: Date.parse("2024-12-25") / dayMs, days: 2 },
    { name: "Sunday's fair", day: Date.parse("2024-12-26") / dayMs, days: 1 },
  ];
  const named = (grid: Grid): Record<string, number[]> =>
    Object.fromEntries(holidayRegressors(grid, christmas).map(({ name, values }) => [name, [...values]]));

  test("are 0 or 1 by day and hour, counts by week and month", () => {
    expect(named(gridFrom("D", "2024-12-24T00:00:00Z", 4, 1))).toEqual({
      holiday: [0, 1, 1, 0, 0],
      "holiday:Christmas": [0, 1, 1, 0, 0],
      "holiday:Sunday's fair": [0, 0, 1, 0, 0],
    });
    expect(named(gridFrom("W", "2024-12-16T00:00:00Z", 2, 1))).toMatchObject({ holiday: [0, 2, 0], "holiday:Christmas": [0, 2, 0] });
    expect(named(gridFrom("M", "2023-12-01T00:00:00Z", 12, 1))["holiday:Christmas"]).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    expect(named(gridFrom("6H", "2024-12-24T18:00:00Z", 3, 1))["holiday:Christmas"]).toEqual([0, 1, 1, 1]);
  });

  test("that stand in no history are left out", () => {
    expect(named(gridFrom("M", "2023-12-01T00:00:00Z", 12, 1))["holiday:Sunday's fair"]).toBeUndefined();
    expect(holidayRegressors(gridFrom("D", "2024-05-01T00:00:00Z"), christmas)).toEqual([]);
  });

  test("are asked for the days of the grid", () => {
    expect(daysOf(gridFrom("H", "2024-01-01T12:00:00Z", 24, 12))).toEqual({ from: 19723, to: 19725 });
  });
});
