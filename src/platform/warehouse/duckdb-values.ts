// DuckDB values: the types of an answer, and its values in the three forms in which they are handed on.
//
// Owns: which AnswerType a type of DuckDB is, and the text, the JSON and the exact form of each value. Does not own: files and streams of them.
//   V1. What is nested is written by the same rules as what is not.
//   V2. The exact form loses nothing; the other two are made of the same value.

import {
  DuckDBArrayValue,
  DuckDBArrayType,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalType,
  DuckDBDecimalValue,
  DuckDBGeometryValue,
  DuckDBIntervalValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapType,
  DuckDBMapValue,
  DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimeNSValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBType,
  DuckDBTypeId,
  DuckDBUnionType,
  DuckDBUnionValue,
  type DuckDBValue,
  DuckDBVariantValue,
} from "@duckdb/node-api";
import { StockroomError } from "../errors.ts";
import { dateText, decimalText, plainNumber, timeText, timestampText } from "../formats/index.ts";
import { plainCell } from "./answer.ts";
import type { AnswerCell, AnswerType, ExactCell } from "./contract.ts";

const integers: ReadonlyMap<DuckDBTypeId, AnswerType> = new Map<DuckDBTypeId, AnswerType>([
  [DuckDBTypeId.TINYINT, { kind: "integer", bits: 8, signed: true }],
  [DuckDBTypeId.SMALLINT, { kind: "integer", bits: 16, signed: true }],
  [DuckDBTypeId.INTEGER, { kind: "integer", bits: 32, signed: true }],
  [DuckDBTypeId.BIGINT, { kind: "integer", bits: 64, signed: true }],
  [DuckDBTypeId.HUGEINT, { kind: "integer", bits: 128, signed: true }],
  [DuckDBTypeId.UTINYINT, { kind: "integer", bits: 8, signed: false }],
  [DuckDBTypeId.USMALLINT, { kind: "integer", bits: 16, signed: false }],
  [DuckDBTypeId.UINTEGER, { kind: "integer", bits: 32, signed: false }],
  [DuckDBTypeId.UBIGINT, { kind: "integer", bits: 64, signed: false }],
  [DuckDBTypeId.UHUGEINT, { kind: "integer", bits: 128, signed: false }],
]);

const plain: ReadonlyMap<DuckDBTypeId, AnswerType> = new Map<DuckDBTypeId, AnswerType>([
  ...integers,
  [DuckDBTypeId.BOOLEAN, { kind: "boolean" }],
  [DuckDBTypeId.FLOAT, { kind: "float", bits: 32 }],
  [DuckDBTypeId.DOUBLE, { kind: "float", bits: 64 }],
  [DuckDBTypeId.BLOB, { kind: "bytes" }],
  [DuckDBTypeId.GEOMETRY, { kind: "bytes" }],
  [DuckDBTypeId.DATE, { kind: "date" }],
  [DuckDBTypeId.TIME, { kind: "time", unit: "us" }],
  [DuckDBTypeId.TIME_NS, { kind: "time", unit: "ns" }],
  [DuckDBTypeId.TIMESTAMP_S, { kind: "timestamp", unit: "s", zoned: false }],
  [DuckDBTypeId.TIMESTAMP_MS, { kind: "timestamp", unit: "ms", zoned: false }],
  [DuckDBTypeId.TIMESTAMP, { kind: "timestamp", unit: "us", zoned: false }],
  [DuckDBTypeId.TIMESTAMP_NS, { kind: "timestamp", unit: "ns", zoned: false }],
  [DuckDBTypeId.TIMESTAMP_TZ, { kind: "timestamp", unit: "us", zoned: true }],
  [DuckDBTypeId.INTERVAL, { kind: "interval" }],
  [DuckDBTypeId.SQLNULL, { kind: "null" }],
]);

/** The type of a column; what has none of its own elsewhere (UUID, ENUM, BIT, JSON, BIGNUM, a time with its zone, VARIANT) is text. */
export function answerType(type: DuckDBType): AnswerType {
  const known = plain.get(type.typeId);
  if (known !== undefined) return known;
  if (type instanceof DuckDBDecimalType) return { kind: "decimal", width: type.width, scale: type.scale };
  if (type instanceof DuckDBListType) return { kind: "list", of: answerType(type.valueType) };
  if (type instanceof DuckDBArrayType) return { kind: "array", of: answerType(type.valueType), length: type.length };
  if (type instanceof DuckDBStructType) return { kind: "struct", fields: fieldsOf(type.entryNames, type.entryTypes) };
  if (type instanceof DuckDBMapType) return { kind: "map", key: answerType(type.keyType), value: answerType(type.valueType) };
  if (type instanceof DuckDBUnionType) return { kind: "union", members: fieldsOf(type.memberTags, type.memberTypes) };
  return { kind: "text" };
}

function fieldsOf(names: readonly string[], types: readonly DuckDBType[]): readonly { readonly name: string; readonly type: AnswerType }[] {
  // The driver gives fields by their names: of two that are called alike the first would be lost without a word.
  if (new Set(names).size < names.length || names.includes("__proto__")) {
    throw new StockroomError(
      "input",
      "WAREHOUSE_FIELD_NAMES",
      `Expected every field of a struct to have a name of its own but these came: ${names.map((name) => JSON.stringify(name)).join(", ")}. Name them: {'a': ..., 'b': ...} instead of row(...).`,
    );
  }
  return names.map((name, at) => ({ name, type: answerType(types[at] ?? never(name)) }));
}

function never(what: string): never {
  throw new Error(`no type for ${what}`);
}

const infinite = (isPositive: boolean): string => (isPositive ? "infinity" : "-infinity");

/** Canonical text of a value; NULL is "". */
export function valueText(value: DuckDBValue, type: DuckDBType | undefined): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return numberText(value, type);
    case "bigint":
    case "boolean":
      return String(value);
    default:
      break;
  }
  if (value === null || value === undefined) return "";
  if (value instanceof DuckDBDecimalValue) return decimalText(value.value, value.scale);
  if (value instanceof DuckDBBlobValue || value instanceof DuckDBGeometryValue) return Buffer.from(value.bytes).toString("hex");
  const time = momentText(value);
  if (time !== undefined) return time;
  const inner = nestedCell(value, type);
  return inner === undefined ? value.toString() : String(plainCell(inner) ?? "");
}

function momentText(value: DuckDBValue): string | undefined {
  if (value instanceof DuckDBDateValue) return value.isFinite ? dateText(value.days) : infinite(value.days > 0);
  if (value instanceof DuckDBTimeValue) return timeText(value.micros * 1000n);
  if (value instanceof DuckDBTimeNSValue) return timeText(value.nanos);
  const stamp = stampOf(value);
  if (stamp === undefined) return undefined;
  const { count, nanos, isFinite, zoned } = stamp;
  return isFinite ? timestampText(count * nanos, zoned) : infinite(count > 0n);
}

/** A timestamp of whatever unit: how many of its units since 1970, and how long one is. */
function stampOf(
  value: DuckDBValue,
): { readonly count: bigint; readonly nanos: bigint; readonly isFinite: boolean; readonly zoned: boolean } | undefined {
  if (value instanceof DuckDBTimestampTZValue) return { count: value.micros, nanos: 1_000n, isFinite: value.isFinite, zoned: true };
  if (value instanceof DuckDBTimestampValue) return { count: value.micros, nanos: 1_000n, isFinite: value.isFinite, zoned: false };
  if (value instanceof DuckDBTimestampSecondsValue)
    return { count: value.seconds, nanos: 1_000_000_000n, isFinite: value.isFinite, zoned: false };
  if (value instanceof DuckDBTimestampMillisecondsValue)
    return { count: value.millis, nanos: 1_000_000n, isFinite: value.isFinite, zoned: false };
  if (value instanceof DuckDBTimestampNanosecondsValue) return { count: value.nanos, nanos: 1n, isFinite: value.isFinite, zoned: false };
  return undefined;
}

function numberText(value: number, type: DuckDBType | undefined): string {
  if (!Number.isFinite(value)) return String(value);
  return plainNumber(type?.typeId === DuckDBTypeId.FLOAT ? shortest32(value) : value);
}

/** The shortest decimal that names the same 32-bit number. */
function shortest32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return value;
}

/** Makes values of one answer to what JSON has: numbers a double holds exactly, `null`, lists and structs; all else as text. */
export function makeValueCell(): (value: DuckDBValue, type: DuckDBType | undefined) => AnswerCell {
  // Few instants, many rows.
  const instants = new Map<bigint, string>();
  return (value, type) => {
    if (!(value instanceof DuckDBTimestampValue)) return valueCell(value, type);
    const known = instants.get(value.micros);
    if (known !== undefined) return known;
    const made = valueText(value, type);
    if (instants.size >= mostInstants) instants.clear();
    instants.set(value.micros, made);
    return made;
  };
}

const mostInstants = 10_000;

function valueCell(value: DuckDBValue, type: DuckDBType | undefined): AnswerCell {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return value;
  // Zero has no sign.
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return String(value);
    return type?.typeId === DuckDBTypeId.FLOAT ? shortest32(value) + 0 : value + 0;
  }
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof DuckDBDecimalValue) {
    // 15 digits are what every double keeps.
    const text = decimalText(value.value, value.scale);
    return text.replaceAll(/[-.]/g, "").length <= 15 ? Number(text) + 0 : text;
  }
  return nestedCell(value, type) ?? valueText(value, type);
}

/** What is made of other values, as JSON has it; undefined for what is not. */
function nestedCell(value: DuckDBValue, type: DuckDBType | undefined): AnswerCell | undefined {
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) {
    const of = itemType(type);
    return value.items.map((item) => valueCell(item, of));
  }
  if (value instanceof DuckDBStructValue) {
    const types = new Map(type instanceof DuckDBStructType ? type.entryNames.map((name, at) => [name, type.entryTypes[at]]) : []);
    return Object.fromEntries(Object.entries(value.entries).map(([name, inner]) => [name, valueCell(inner, types.get(name))]));
  }
  if (value instanceof DuckDBMapValue) {
    const [keyType, valueType] = type instanceof DuckDBMapType ? [type.keyType, type.valueType] : [];
    return value.entries.map((entry) => ({ key: valueCell(entry.key, keyType), value: valueCell(entry.value, valueType) }));
  }
  if (value instanceof DuckDBUnionValue) return { tag: value.tag, value: valueCell(value.value, memberType(value, type)) };
  if (value instanceof DuckDBVariantValue) return valueCell(value.value, value.type);
  return undefined;
}

const itemType = (type: DuckDBType | undefined): DuckDBType | undefined =>
  type instanceof DuckDBListType || type instanceof DuckDBArrayType ? type.valueType : undefined;

const memberType = ({ tag }: DuckDBUnionValue, type: DuckDBType | undefined): DuckDBType | undefined =>
  type instanceof DuckDBUnionType ? type.memberTypes[type.memberTags.indexOf(tag)] : undefined;

/** A value as nothing is lost of it; see `ExactCell`. */
export function exactCell(value: DuckDBValue, type: DuckDBType | undefined): ExactCell {
  if (value === null || value === undefined) return null;
  if (typeof value === "bigint") return type?.typeId === DuckDBTypeId.BIGNUM ? String(value) : value;
  if (typeof value !== "object") return value;
  if (value instanceof DuckDBDecimalValue) return value.value;
  // Copied: what the driver gives is a view into memory that is not ours.
  if (value instanceof DuckDBBlobValue || value instanceof DuckDBGeometryValue) return Uint8Array.from(value.bytes);
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBTimeValue) return value.micros;
  if (value instanceof DuckDBTimeNSValue) return value.nanos;
  if (value instanceof DuckDBIntervalValue) return [value.months, value.days, value.micros];
  return stampOf(value)?.count ?? exactNested(value, type);
}

function exactNested(value: DuckDBValue & object, type: DuckDBType | undefined): ExactCell {
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) {
    const of = itemType(type);
    return value.items.map((item) => exactCell(item, of));
  }
  if (value instanceof DuckDBStructValue && type instanceof DuckDBStructType) {
    return type.entryNames.map((name, at) => exactCell(value.entries[name] ?? null, type.entryTypes[at]));
  }
  if (value instanceof DuckDBMapValue && type instanceof DuckDBMapType) {
    return value.entries.map((entry) => [exactCell(entry.key, type.keyType), exactCell(entry.value, type.valueType)]);
  }
  if (value instanceof DuckDBUnionValue && type instanceof DuckDBUnionType) {
    return [type.memberTags.indexOf(value.tag), exactCell(value.value, memberType(value, type))];
  }
  return valueText(value, type);
}
