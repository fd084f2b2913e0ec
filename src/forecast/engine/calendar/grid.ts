// The calendar of a panel: which instants exist, between index and instant.
//
// Owns: steps of a frequency in UTC, months and years by the Gregorian calendar, weeks from any weekday, and the stamps of steps. Does not own:
// values, holidays, time zones.
//   K1. `indexAt(grid, instantAt(grid, k)) === k` for every k; any instant of step k has index k.
//   K2. A multiple that divides its larger unit stands on the calendar (3M begins in January, 6H at midnight, 15min at the hour);
//       any other (2W, 5M, 2D, 7min) counts from the earliest instant of the data.
//   K3. A stamp lies within its step, so `indexAt` of what `stampAt` gives is the step again, whichever way the files stamp.
//
// Civil dates by the day-number arithmetic of Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013), with eras of 400 years.

import type { Frequency, FrequencyUnit, Grid } from "../contract.ts";

const minuteMs = 60_000;
const dayMinutes = 1440;
export const dayMs = 86_400_000;

/** Days since 1970-01-01 of a Gregorian date; `month` 1..12. A day beyond its month counts on into the next. */
export function daysOfDate(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}

/** Months since 1970-01 of the day `days` after 1970-01-01. */
export function monthOfDay(days: number): number {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const year = yearOfEra + era * 400 + (fromMarch >= 10 ? 1 : 0);
  return (year - 1970) * 12 + (fromMarch >= 10 ? fromMarch - 10 : fromMarch + 2);
}

/** Days since 1970-01-01 of the first day of a month counted from 1970-01. */
export function firstDayOfMonth(month: number): number {
  const year = Math.floor(month / 12);
  return daysOfDate(1970 + year, month - year * 12 + 1, 1);
}

/** Whole units since 1970 (weeks: since the one around 1970-01-01) that begin at or before a minute since 1970. */
export function unitOfMinute({ unit, begins = 0 }: Frequency, minute: number): number {
  switch (unit) {
    case "min":
      return minute;
    case "H":
      return Math.floor(minute / 60);
    case "D":
      return Math.floor(minute / dayMinutes);
    case "W":
      return Math.floor((Math.floor(minute / dayMinutes) + 3 - begins) / 7);
    case "M":
      return monthOfDay(Math.floor(minute / dayMinutes));
    case "Q":
      return Math.floor((monthOfDay(Math.floor(minute / dayMinutes)) - begins) / 3);
    default: // "Y"
      return Math.floor((monthOfDay(Math.floor(minute / dayMinutes)) - begins) / 12);
  }
}

/** The first minute since 1970 of a unit; the inverse of `unitOfMinute`. */
export function minuteOfUnit({ unit, begins = 0 }: Frequency, index: number): number {
  switch (unit) {
    case "min":
      return index;
    case "H":
      return index * 60;
    case "D":
      return index * dayMinutes;
    case "W":
      return (index * 7 - 3 + begins) * dayMinutes;
    case "M":
      return firstDayOfMonth(index) * dayMinutes;
    case "Q":
      return firstDayOfMonth(index * 3 + begins) * dayMinutes;
    default: // "Y"
      return firstDayOfMonth(index * 12 + begins) * dayMinutes;
  }
}

/** How many units make the next larger one, where a multiple may stand on the calendar. */
const larger: Partial<Record<FrequencyUnit, number>> = { M: 12, Q: 4, H: 24, min: 60 };

/** The unit on which the step of an earliest unit begins (K2). */
export function anchorUnit(frequency: Frequency, earliest: number): number {
  const { unit, multiple } = frequency;
  const whole = larger[unit];
  return whole !== undefined && whole % multiple === 0 ? Math.floor(earliest / multiple) * multiple : earliest;
}

const startUnit = (grid: Grid): number => unitOfMinute(grid.frequency, Math.floor(grid.startMs / minuteMs));

/** The instant (UTC, ms) at which step `index` begins; any whole number, also before 0 and after the horizon. */
export function instantAt(grid: Grid, index: number): number {
  return minuteOfUnit(grid.frequency, startUnit(grid) + index * grid.frequency.multiple) * minuteMs;
}

/** The step in which an instant falls; may lie outside of the history. */
export function indexAt(grid: Grid, ms: number): number {
  const unit = unitOfMinute(grid.frequency, Math.floor(ms / minuteMs));
  return Math.floor((unit - startUnit(grid)) / grid.frequency.multiple);
}

/** The begin of the step around an instant, for frequencies whose steps stand on the calendar; others begin with the instant's own unit. */
export function truncate(frequency: Frequency, ms: number): number {
  const unit = unitOfMinute(frequency, Math.floor(ms / minuteMs));
  return minuteOfUnit(frequency, anchorUnit(frequency, unit)) * minuteMs;
}

/** The instant (UTC, ms) that stands for step `index` in the files: its begin, unless they stamp otherwise. */
export function stampAt(grid: Grid, index: number): number {
  const { stamp } = grid.frequency;
  const begin = instantAt(grid, index);
  if (stamp === undefined) return begin;
  const end = instantAt(grid, index + 1);
  // The 30th of every month is February's last day.
  if (stamp.from === "begin") return Math.min(begin + stamp.seconds * 1000, end - dayMs + ((stamp.seconds * 1000) % dayMs));
  return end - stamp.seconds * 1000;
}

/** The stamp of a step as the files have it: `2026-11-23`, with ` 15:04:05` where the frequency is finer than a day or stamps carry a time. */
export function timestampOf(grid: Grid, index: number): string {
  return instantText(stampAt(grid, index), grid.frequency);
}

/** An instant in the files' way of writing. */
export function instantText(ms: number, { unit }: Frequency): string {
  const text = new Date(ms).toISOString();
  const date = text.slice(0, text.indexOf("T"));
  return unit === "H" || unit === "min" || ms % dayMs !== 0 ? `${date} ${text.slice(-13, -5)}` : date;
}
