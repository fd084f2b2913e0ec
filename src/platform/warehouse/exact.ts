// Exact: values of an answer as JSON has them, taken back to what they were made of, for formats with types of their own.
//
// Owns: reading canonical text by a column's type. Does not own: how that text is made (duckdb-values.ts; PostgreSQL's own forms).
//   What is nested and intervals stay as they are: those formats that have them get them from the query itself.

import { StockroomError } from "../errors.ts";
import { plainCell } from "./answer.ts";
import type { AnswerCell, AnswerType, ExactCell } from "./contract.ts";

/** A value of `type` as nothing is lost of it. Throws `input` `SQL_COLUMN_MIXED` for one that is not of the type. */
export function exactOf(cell: AnswerCell, type: AnswerType, column: string): ExactCell {
  if (cell === null) return null;
  const found = readExact(plainCell(cell) ?? "", type);
  if (found !== undefined) return found;
  throw new StockroomError(
    "input",
    "SQL_COLUMN_MIXED",
    `Expected ${type.kind} values in the column ${column} but another one came. Cast it in the query (${column}::text), or ask for JSON or CSV.`,
    { facts: { column } },
  );
}

function readExact(value: string | number | boolean, type: AnswerType): ExactCell | undefined {
  switch (type.kind) {
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "integer":
      return readInteger(value, type.bits);
    case "float":
      return readFloat(value);
    case "decimal":
      return readDecimal(value, type.scale);
    case "bytes":
      return typeof value === "string" && /^(?:\\x)?[\da-f]*$/i.test(value) ? Buffer.from(value.replace(/^\\x/, ""), "hex") : undefined;
    case "date":
      return typeof value === "string" ? readDate(value) : undefined;
    case "time":
      return typeof value === "string" ? readTime(value, nanosOf[type.unit]) : undefined;
    case "timestamp":
      return typeof value === "string" ? readTimestamp(value, nanosOf[type.unit]) : undefined;
    default:
      return typeof value === "string" ? value : String(value);
  }
}

const nanosOf = { s: 1_000_000_000n, ms: 1_000_000n, us: 1_000n, ns: 1n } as const;

function readInteger(value: string | number | boolean, bits: number): ExactCell | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? (bits > 32 ? BigInt(value) : value) : undefined;
  if (typeof value !== "string" || !/^-?\d+$/.test(value)) return undefined;
  return bits > 32 ? BigInt(value) : Number(value);
}

function readFloat(value: string | number | boolean): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" && /^(?:NaN|-?Infinity)$/.test(value) ? Number(value) : undefined;
}

function readDecimal(value: string | number | boolean, scale: number): bigint | undefined {
  // Numbers here have at most 15 digits, so that this is the decimal they were made of.
  const text = typeof value === "number" ? value.toFixed(scale) : String(value);
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === "" || fraction.length > scale) return undefined;
  return BigInt(`${sign}${whole}${fraction.padEnd(scale, "0")}`);
}

const dayMs = 86_400_000;
const mostDays = 2_147_483_647;
const mostUnits = 9_223_372_036_854_775_807n;

function readDate(text: string): number | undefined {
  if (text === "infinity") return mostDays;
  if (text === "-infinity") return -mostDays;
  const far = /^(-?\d+) days from 1970-01-01$/.exec(text)?.[1];
  if (far !== undefined) return Number(far);
  const days = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\d$/.test(text) ? Date.parse(text) / dayMs : Number.NaN;
  return Number.isInteger(days) ? days : undefined;
}

function readTime(text: string, unit: bigint): bigint | undefined {
  const [, hours, minutes, seconds, fraction = ""] = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (hours === undefined) return undefined;
  const whole = BigInt(Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds));
  return (whole * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"))) / unit;
}

function readTimestamp(text: string, unit: bigint): bigint | undefined {
  if (text === "infinity") return mostUnits;
  if (text === "-infinity") return -mostUnits;
  const [, date = "", time = ""] = /^(.*)[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:Z|\+00)?$/.exec(text) ?? [];
  const days = readDate(date);
  const within = readTime(time, 1n);
  return days === undefined || within === undefined ? undefined : (BigInt(days) * 86_400_000_000_000n + within) / unit;
}
