// Value shapes: what the driver makes of PostgreSQL's values. Numbers that a double may not hold, and dates, stay text.

import { types } from "pg";

/** 2026-06-01 12:00:00.123456+00 -> 2026-06-01T12:00:00.123Z, the form of Date.toISOString, so that both compare as text. */
function isoInstant(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00$/.exec(text);
  // infinity, years before Christ or beyond 9999: PostgreSQL's own words.
  if (match === null) return text;
  return `${match[1]}T${match[2]}.${(match[3] ?? "").slice(0, 3).padEnd(3, "0")}Z`;
}

/** The driver's typings know only the built-in numbers; its code takes any. */
const driver: { readonly getTypeParser: (oid: number, format?: "text" | "binary") => (text: string) => unknown } = types;

const asText = (text: string): string => text;
const shapes = new Map<number, (text: string) => unknown>([
  [types.builtins.INT8, asText],
  [types.builtins.NUMERIC, asText],
  [types.builtins.DATE, asText],
  [types.builtins.TIMESTAMP, asText],
  [types.builtins.TIMESTAMPTZ, isoInstant],
  [types.builtins.INTERVAL, asText],
  [600, asText], // point
  [718, asText], // circle
]);

/** Of arrays the driver keeps its own parsers, but not those that make local dates or lose digits. */
const arrayShapes = new Map<number, number>([
  [1016, types.builtins.INT8],
  [1231, types.builtins.NUMERIC],
  [1182, types.builtins.DATE],
  [1115, types.builtins.TIMESTAMP],
  [1185, types.builtins.TIMESTAMPTZ],
]);
const textArray = driver.getTypeParser(1009, "text");

/** The parser of a type, by its number in PostgreSQL. */
export function parserOf(oid: number, format?: "text" | "binary"): (text: string) => unknown {
  if (format === "binary") return driver.getTypeParser(oid, "binary");
  const shape = shapes.get(oid);
  if (shape !== undefined) return shape;
  const element = shapes.get(arrayShapes.get(oid) ?? -1);
  if (element === undefined) return driver.getTypeParser(oid, "text");
  return (text: string) => mapNested(textArray(text), element);
}

function mapNested(value: unknown, element: (text: string) => unknown): unknown {
  if (Array.isArray(value)) return value.map((inner) => mapNested(inner, element));
  return typeof value === "string" ? element(value) : value;
}
