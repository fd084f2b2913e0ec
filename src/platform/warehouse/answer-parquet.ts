// Answer Parquet: an answer as a Parquet file, each column of the type that the query gave it.
//
//   What Parquet has no type for (intervals, lists, structs, maps, unions) is text, as in CSV. Infinite dates and timestamps are the largest
//   ones, either way, as in DuckDB. A value that its type does not hold is refused by name, never changed.

import type { SchemaElement } from "hyparquet-writer";
import type { Body } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import { writeGroups } from "../formats/parquet-groups.ts";
import type { AnswerCell, AnswerType, ExactCell } from "./contract.ts";
import { exactOf } from "./exact.ts";

/** Of a decimal in sixteen bytes. */
const mostDigits = 38;
const mostDecimal = 10n ** BigInt(mostDigits);

interface Columns {
  readonly columns: readonly string[];
  readonly types: readonly AnswerType[];
}

/**
 * Writes rows as Parquet, see formats/parquet-groups.ts.
 *
 * Throws while streaming: `input` `PARQUET_RANGE` for a whole number of more than 38 digits, `SQL_COLUMN_MIXED`.
 */
export function writeAnswerParquet({ columns, types }: Columns, batches: AsyncIterable<readonly (readonly AnswerCell[])[]>): Body {
  return writeGroups({
    columns: columns.map((name, at) => ({ name: name.toWellFormed(), ...elementOf(types[at] ?? text) })),
    batches,
    valueOf: (row: readonly AnswerCell[], at) => valueOf(row[at] ?? null, types[at] ?? text, columns[at] ?? ""),
  });
}

const text: AnswerType = { kind: "text" };

function elementOf(type: AnswerType): Omit<SchemaElement, "name"> {
  switch (type.kind) {
    case "boolean":
      return { type: "BOOLEAN" };
    case "integer":
      if (type.bits === 128) return decimal(mostDigits, 0);
      if (type.bits === 64) return type.signed ? { type: "INT64" } : { type: "INT64", converted_type: "UINT_64" };
      return type.bits === 32 && !type.signed ? { type: "INT64" } : { type: "INT32" };
    case "float":
      return { type: type.bits === 32 ? "FLOAT" : "DOUBLE" };
    case "decimal":
      return decimal(type.width, type.scale);
    case "bytes":
      return { type: "BYTE_ARRAY" };
    case "date":
      return { type: "INT32", converted_type: "DATE", logical_type: { type: "DATE" } };
    case "time":
      return { type: "INT64", logical_type: { type: "TIME", isAdjustedToUTC: false, unit: parquetUnit[type.unit] } };
    case "timestamp":
      return { type: "INT64", logical_type: { type: "TIMESTAMP", isAdjustedToUTC: type.zoned, unit: parquetUnit[type.unit] } };
    default:
      return { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } };
  }
}

const decimal = (precision: number, scale: number): Omit<SchemaElement, "name"> => ({
  type: "FIXED_LEN_BYTE_ARRAY",
  type_length: 16,
  converted_type: "DECIMAL",
  precision,
  scale,
  logical_type: { type: "DECIMAL", precision, scale },
});

/** Parquet has no seconds. */
const parquetUnit = { s: "MILLIS", ms: "MILLIS", us: "MICROS", ns: "NANOS" } as const;

const mostUnits = 2n ** 63n - 1n;

function valueOf(cell: AnswerCell, type: AnswerType, column: string): ExactCell {
  const value = exactOf(cell, type, column);
  if (value === null) return null;
  switch (type.kind) {
    case "integer":
      if (typeof value === "bigint" && type.bits === 128 && (value >= mostDecimal || value <= -mostDecimal)) throw tooWide(column, value);
      return type.bits === 32 && !type.signed ? BigInt(Number(value)) : value;
    case "timestamp":
      if (type.unit !== "s" || typeof value !== "bigint") return value;
      return value === mostUnits || value === -mostUnits ? value : value * 1_000n;
    default:
      return typeof value === "string" ? value.toWellFormed() : value;
  }
}

function tooWide(column: string, value: bigint): StockroomError {
  return new StockroomError(
    "input",
    "PARQUET_RANGE",
    `Expected whole numbers of at most ${mostDigits} digits in the column ${column} for Parquet but ${value} came. Cast it in the query (${column}::varchar, ${column}::double), or ask for JSON or CSV.`,
    { facts: { column } },
  );
}
