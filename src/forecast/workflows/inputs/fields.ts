// Timestamps of input files, read without a detour: millions of them pass here. Numbers: platform/formats/numbers.ts.

import { daysOfDate } from "../../engine/calendar/grid.ts";

/** Years beyond these are placeholders (`9999-12-31`) or slips, and would stretch every series to them. */
const firstYear = 1700;
const lastYear = 2299;

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Reads `yyyy-MM-dd` or `yyyy-MM-dd HH:mm:ss` as seconds since 1970, UTC; NaN for anything else, and for years outside of 1700..2299.
 *
 * Also as Parquet files and shop systems write: `T` between date and time, decimals of a second (dropped), `Z` or an offset from UTC at the end.
 * A stamp with an offset is the local time it shows (`2026-01-31T00:00:00+01:00` is 31 January): sales belong to the day of the place they were made in.
 */
export function parseTimestamp(text: string): number {
  const { length } = text;
  if (length < 10 || text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return Number.NaN;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  // A comparison with NaN is false, so that a wrong digit fails here.
  if (!(year >= firstYear && year <= lastYear && month >= 1 && month <= 12 && day >= 1)) return Number.NaN;
  if (day > monthDays[month - 1] && !(month === 2 && day === 29 && isLeap(year))) return Number.NaN;
  const seconds = daysOfDate(year, month, day) * 86_400;
  return length === 10 ? seconds : seconds + timeOf(text);
}

const ending = /^(?:\.\d+)? ?(?:Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?$/;

/** The offset from UTC at the end of a stamp, as it stands; undefined for none. */
export function offsetOf(text: string): string | undefined {
  return text.length < 20 ? undefined : (/(?:Z|[+-]\d{2}(?::?\d{2})?)$/.exec(text.slice(19))?.[0] ?? undefined);
}

function timeOf(text: string): number {
  const between = text.charCodeAt(10);
  if (text.length < 19 || (between !== 32 && between !== 84) || text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return Number.NaN;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN;
  if (text.length > 19 && !ending.test(text.slice(19))) return Number.NaN;
  return hour * 3600 + minute * 60 + second;
}

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** An instant (seconds since 1970) as people write it: a day where it begins one. */
export const instantText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ").replace(" 00:00:00", "");
