// Values: the one canonical text of numbers, dates and times, whatever format or warehouse they come from.
//
//   A number has no exponent and no needless zeros. A date is `2026-10-31`. A timestamp is `2026-10-31T12:00:00` with as many decimals
//   as it needs, and `Z` when it names an instant; without one it is local time of nobody knows where. A missing value is "".

import { StockroomError } from "../errors.ts";

/** What may be written into a table. */
export type Cell = string | number | boolean | null;

/** Canonical text of a value: numbers in plain decimals, null as "". */
export function cellText(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return "";
  return typeof cell === "number" ? plainNumber(cell) : String(cell);
}

/**
 * A number in plain decimals, without an exponent; reads back as the same number.
 *
 * Throws `input` `TABLE_NUMBER_NOT_FINITE` for NaN and the infinities.
 */
export function plainNumber(value: number): string {
  if (!Number.isFinite(value)) {
    throw new StockroomError(
      "input",
      "TABLE_NUMBER_NOT_FINITE",
      `Expected a finite number to write but ${value} came. Write null for what is not known.`,
    );
  }
  const text = String(value);
  const split = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (split === null) return text;
  const [, sign = "", whole = "", fraction = "", exponent = ""] = split;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return point >= digits.length
    ? sign + digits + "0".repeat(point - digits.length)
    : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** A decimal of `unscaled` / 10^`scale`, digit for digit. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const dayMs = 86_400_000;

/** Days since 1970 as a date; years beyond four digits carry a sign, as ISO 8601 has it. */
export function dateText(days: number): string {
  const at = new Date(days * dayMs);
  return Number.isNaN(at.getTime()) ? `${days} days from 1970-01-01` : (at.toISOString().split("T")[0] ?? "");
}

/** Nanoseconds of a day as a time. */
export function timeText(nanos: bigint): string {
  const seconds = Number(nanos / 1_000_000_000n);
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${fraction(nanos % 1_000_000_000n)}`;
}

/** Nanoseconds since 1970 as date and time; `utc` when they name an instant. */
export function timestampText(nanos: bigint, utc: boolean): string {
  const dayNanos = 86_400_000_000_000n;
  const within = ((nanos % dayNanos) + dayNanos) % dayNanos;
  return `${dateText(Number((nanos - within) / dayNanos))}T${timeText(within)}${utc ? "Z" : ""}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function fraction(nanos: bigint): string {
  return nanos === 0n ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
}

/** JSON of a nested value, with whole numbers of any size and dates as text. */
export function nestedText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === "bigint") return Number.isSafeInteger(Number(inner)) ? Number(inner) : String(inner);
    return inner instanceof Uint8Array ? Buffer.from(inner).toString("hex") : inner;
  });
}
