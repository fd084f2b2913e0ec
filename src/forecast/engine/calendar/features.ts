// What the calendar says about a step: weekday, month, week of the year. Numbers for models, from the instant at which the step begins.

import type { Grid } from "../contract.ts";
import { dayMs, daysOfDate, firstDayOfMonth, instantAt, monthOfDay } from "./grid.ts";

export type CalendarFeature =
  | "year"
  | "quarter"
  | "month"
  | "weekOfYear"
  | "dayOfYear"
  | "dayOfMonth"
  | "dayOfWeek"
  | "hour"
  | "minuteOfHour";

/** 0 is Monday, 6 Sunday. */
export function dayOfWeek(grid: Grid, index: number): number {
  return weekdayOf(dayAt(grid, index));
}

/** 1..31. */
export function dayOfMonth(grid: Grid, index: number): number {
  const day = dayAt(grid, index);
  return day - firstDayOfMonth(monthOfDay(day)) + 1;
}

/** 1..366. */
export function dayOfYear(grid: Grid, index: number): number {
  const day = dayAt(grid, index);
  return day - daysOfDate(1970 + Math.floor(monthOfDay(day) / 12), 1, 1) + 1;
}

/** 1..53, as ISO 8601 counts: the week of the year's first Thursday is week 1. */
export function weekOfYear(grid: Grid, index: number): number {
  const day = dayAt(grid, index);
  const thursday = day - weekdayOf(day) + 3;
  const firstDay = daysOfDate(1970 + Math.floor(monthOfDay(thursday) / 12), 1, 1);
  return Math.floor((thursday - firstDay) / 7) + 1;
}

/** 1..12. */
export function month(grid: Grid, index: number): number {
  const months = monthOfDay(dayAt(grid, index));
  return months - Math.floor(months / 12) * 12 + 1;
}

/** 1..4. */
export function quarter(grid: Grid, index: number): number {
  return Math.floor((month(grid, index) + 2) / 3);
}

export function year(grid: Grid, index: number): number {
  return 1970 + Math.floor(monthOfDay(dayAt(grid, index)) / 12);
}

/** 0..23. */
export function hour(grid: Grid, index: number): number {
  return Math.floor(minuteOfDay(grid, index) / 60);
}

/** 0..59. */
export function minuteOfHour(grid: Grid, index: number): number {
  return minuteOfDay(grid, index) % 60;
}

const features: Readonly<Record<CalendarFeature, (grid: Grid, index: number) => number>> = {
  year,
  quarter,
  month,
  weekOfYear,
  dayOfYear,
  dayOfMonth,
  dayOfWeek,
  hour,
  minuteOfHour,
};

/** The features that differ between steps of this frequency, coarse to fine: for days no hour, for months no weekday. */
export function featuresOf(grid: Grid): readonly CalendarFeature[] {
  switch (grid.frequency.unit) {
    case "Y":
      return ["year"];
    case "Q":
      return ["year", "quarter"];
    case "M":
      return ["year", "quarter", "month"];
    case "W":
      return ["year", "quarter", "month", "weekOfYear"];
    case "D":
      return ["year", "quarter", "month", "weekOfYear", "dayOfYear", "dayOfMonth", "dayOfWeek"];
    case "H":
      return ["year", "month", "weekOfYear", "dayOfMonth", "dayOfWeek", "hour"];
    default: // "min"
      return ["year", "month", "weekOfYear", "dayOfMonth", "dayOfWeek", "hour", "minuteOfHour"];
  }
}

/** One feature for every step of history and horizon, for inner loops; length: grid.length + grid.horizon. */
export function featureTable(grid: Grid, name: CalendarFeature): Int16Array {
  const at = features[name];
  const table = new Int16Array(grid.length + grid.horizon);
  for (let index = 0; index < table.length; index++) table[index] = at(grid, index);
  return table;
}

function dayAt(grid: Grid, index: number): number {
  return Math.floor(instantAt(grid, index) / dayMs);
}

function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}

function minuteOfDay(grid: Grid, index: number): number {
  const minutes = Math.floor(instantAt(grid, index) / 60_000);
  return ((minutes % 1440) + 1440) % 1440;
}
