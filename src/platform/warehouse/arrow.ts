// Arrow: an answer in Arrow's streaming format, which pyarrow, polars, R, pandas and browsers read without parsing.
//
// Owns: which Arrow type stands for which type of an answer, and the buffers of its values. Does not own: the messages around them
// (@uwdata/flechette), nor where the rows come from.
//   A1. The schema comes first and does not hang on the rows: an answer without any has it all the same.
//   A2. A value that Arrow's type does not hold is refused by name, never changed. Infinite dates and timestamps are the largest ones, either
//       way, as in DuckDB's own Arrow.
//   A3. One batch of rows is in memory at a time.

import {
  batchType,
  binary,
  bool,
  Column,
  type DataType,
  dateDay,
  decimal128,
  field,
  fixedSizeList,
  float32,
  float64,
  int,
  interval,
  IntervalUnit,
  list,
  map,
  nullType,
  struct,
  tableFromColumns,
  tableToIPC,
  time,
  timestamp,
  TimeUnit,
  union,
  UnionMode,
  utf8,
} from "@uwdata/flechette";
import type { Body } from "../bytes.ts";
import { StockroomError, unknownKind } from "../errors.ts";
import type { AnswerType, ExactCell } from "./contract.ts";

interface Columns {
  readonly columns: readonly string[];
  readonly types: readonly AnswerType[];
}

/**
 * Writes rows as an Arrow stream; pull-driven, so that a slow reader slows the query.
 *
 * Throws while streaming: `input` `ARROW_RANGE` for a value that has no place in its type.
 */
export async function* writeArrow({ columns, types }: Columns, batches: AsyncIterable<readonly (readonly ExactCell[])[]>): Body {
  const { schema, end } = partsOf(columns, types, []);
  yield schema;
  for await (const rows of batches) if (rows.length > 0) yield partsOf(columns, types, rows).rows;
  yield end;
}

const endBytes = 8;

/** The messages of a stream: its schema, its rows, its end. */
function partsOf(columns: readonly string[], types: readonly AnswerType[], rows: readonly (readonly ExactCell[])[]) {
  const made = types.map((type, at): [string, Column<unknown>] => {
    const values = rows.map((row) => row[at] ?? null);
    return [columns[at]?.toWellFormed() ?? "", new Column([vector(values, type, columns[at] ?? "")])];
  });
  const bytes = tableToIPC(tableFromColumns(made), { format: "stream" });
  if (bytes === null) throw new Error("no bytes of an Arrow table");
  // A message: four bytes of 0xff, the length of its head, the head. A schema has nothing behind it.
  const schemaBytes = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  return {
    schema: bytes.subarray(0, schemaBytes),
    rows: bytes.subarray(schemaBytes, bytes.length - endBytes),
    end: bytes.subarray(bytes.length - endBytes),
  };
}

/** The Arrow type of a type of an answer. */
function arrowType(type: AnswerType): DataType {
  switch (type.kind) {
    case "null":
      return nullType();
    case "boolean":
      return bool();
    case "integer":
      return type.bits === 128 ? decimal128(mostDigits, 0) : int(type.bits, type.signed);
    case "float":
      return type.bits === 32 ? float32() : float64();
    case "decimal":
      return decimal128(type.width, type.scale);
    case "text":
      return utf8();
    case "bytes":
      return binary();
    case "date":
      return dateDay();
    case "time":
      return time(units[type.unit]);
    case "timestamp":
      return timestamp(units[type.unit], type.zoned ? "UTC" : null);
    case "interval":
      return interval(IntervalUnit.MONTH_DAY_NANO);
    case "list":
      return list(field("item", arrowType(type.of)));
    case "array":
      return fixedSizeList(field("item", arrowType(type.of)), type.length);
    case "struct":
      return struct(type.fields.map(({ name, type: inner }) => field(name.toWellFormed(), arrowType(inner))));
    case "map":
      return map(field("key", arrowType(type.key), false), field("value", arrowType(type.value)));
    case "union":
      return union(
        UnionMode.Sparse,
        type.members.map(({ name, type: inner }) => field(name.toWellFormed(), arrowType(inner))),
        type.members.map((_member, at) => at),
      );
    default:
      throw unknownKind(type, "type");
  }
}

const units = { s: TimeUnit.SECOND, ms: TimeUnit.MILLISECOND, us: TimeUnit.MICROSECOND, ns: TimeUnit.NANOSECOND } as const;

/** Of a decimal of 128 bits. */
const mostDigits = 38;
const mostDecimal = 10n ** BigInt(mostDigits);

type Values = readonly ExactCell[];

interface Buffers {
  readonly values?: unknown;
  readonly offsets?: unknown;
  readonly typeIds?: unknown;
  readonly children?: readonly unknown[];
}

/** Values of one type as Arrow's buffers; `name` is for errors. */
function vector(values: Values, type: AnswerType, name: string) {
  const validity = new Uint8Array(Math.ceil(values.length / 8));
  let nullCount = 0;
  for (const [at, value] of values.entries()) {
    if (value === null) nullCount++;
    else validity[at >> 3] = (validity[at >> 3] ?? 0) | (1 << (at & 7));
  }
  const arrow = arrowType(type);
  // A union says by its members what is null.
  const nulls = type.kind === "union" ? { nullCount: 0 } : { nullCount, validity: nullCount === 0 ? new Uint8Array(0) : validity };
  const Batch = batchType(arrow);
  return new Batch({ length: values.length, type: arrow, ...nulls, ...buffersOf(values, type, name) });
}

function buffersOf(values: Values, type: AnswerType, name: string): Buffers {
  switch (type.kind) {
    case "null":
      return {};
    case "boolean":
      return { values: bitsOf(values) };
    case "integer":
      return { values: type.bits === 128 ? wide(values, name) : integers(values, type) };
    case "float":
      return { values: type.bits === 32 ? Float32Array.from(numbers(values)) : Float64Array.from(numbers(values)) };
    case "decimal":
      return { values: wide(values, name) };
    case "text":
      return texts(values);
    case "bytes":
      return joined(values.map((value) => (value instanceof Uint8Array ? value : empty)));
    case "date":
      return { values: Int32Array.from(numbers(values)) };
    case "time":
    case "timestamp":
      return { values: BigInt64Array.from(values.map(whole)) };
    case "interval":
      return { values: intervals(values, name) };
    case "list": {
      const { offsets, inner } = flat(values);
      return { offsets, children: [vector(inner, type.of, name)] };
    }
    case "array": {
      const inner = values.flatMap((value) => (value === null ? Array.from<null>({ length: type.length }).fill(null) : items(value)));
      return { children: [vector(inner, type.of, name)] };
    }
    case "struct":
      return { children: type.fields.map((one, at) => vector(values.map(itemAt(at)), one.type, `${name}.${one.name}`)) };
    case "map": {
      const { offsets, inner } = flat(values);
      const fields = [
        { name: "key", type: type.key },
        { name: "value", type: type.value },
      ];
      return { offsets, children: [vector(inner, { kind: "struct", fields }, name)] };
    }
    case "union": {
      const tags = values.map((value) => (value === null ? 0 : Number(items(value)[0])));
      const children = type.members.map((one, at) => {
        const own = values.map((value, row) => (value === null || tags[row] !== at ? null : (items(value)[1] ?? null)));
        return vector(own, one.type, `${name}.${one.name}`);
      });
      return { typeIds: Int8Array.from(tags), children };
    }
    default:
      throw unknownKind(type, "type");
  }
}

const empty = new Uint8Array(0);

const whole = (value: ExactCell): bigint => (typeof value === "bigint" || typeof value === "number" ? BigInt(value) : 0n);

const items = (value: ExactCell): Values => (Array.isArray(value) ? value : []);

const itemAt =
  (at: number) =>
  (value: ExactCell): ExactCell =>
    items(value)[at] ?? null;

function bitsOf(values: Values): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  for (const [at, value] of values.entries()) if (value === true) bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
  return bits;
}

const numbers = (values: Values): readonly number[] => values.map((value) => Number(value ?? 0));

function integers(values: Values, { bits, signed }: Extract<AnswerType, { kind: "integer" }>) {
  switch (bits) {
    case 8:
      return signed ? Int8Array.from(numbers(values)) : Uint8Array.from(numbers(values));
    case 16:
      return signed ? Int16Array.from(numbers(values)) : Uint16Array.from(numbers(values));
    case 32:
      return signed ? Int32Array.from(numbers(values)) : Uint32Array.from(numbers(values));
    default:
      return signed ? BigInt64Array.from(values.map(whole)) : BigUint64Array.from(values.map(whole));
  }
}

function wide(values: Values, name: string): BigUint64Array {
  const words = new BigUint64Array(values.length * 2);
  for (const [at, value] of values.entries()) {
    const number = whole(value);
    if (number >= mostDecimal || number <= -mostDecimal) {
      throw outOfRange(name, `whole numbers of at most ${mostDigits} digits`, `${number}`);
    }
    words[at * 2] = BigInt.asUintN(64, number);
    words[at * 2 + 1] = BigInt.asUintN(64, number >> 64n);
  }
  return words;
}

const mostNanos = 2n ** 63n - 1n;

function intervals(values: Values, name: string): Uint8Array {
  const bytes = new Uint8Array(values.length * 16);
  const view = new DataView(bytes.buffer);
  for (const [at, value] of values.entries()) {
    const [months = 0, days = 0, micros = 0n] = items(value);
    const nanos = whole(micros) * 1_000n;
    if (nanos > mostNanos || nanos < -mostNanos) throw outOfRange(name, "intervals of at most 292 years in hours", `${whole(micros)} µs`);
    view.setInt32(at * 16, Number(months), true);
    view.setInt32(at * 16 + 4, Number(days), true);
    view.setBigInt64(at * 16 + 8, nanos, true);
  }
  return bytes;
}

function outOfRange(name: string, wanted: string, came: string): StockroomError {
  return new StockroomError(
    "input",
    "ARROW_RANGE",
    `Expected ${wanted} in the column ${name} for Arrow but ${came} came. Cast it in the query (${name}::varchar, ${name}::double), or ask for JSON or CSV.`,
    { facts: { column: name } },
  );
}

const encoder = new TextEncoder();

const texts = (values: Values): Buffers => joined(values.map((value) => (value === null ? empty : encoder.encode(String(value)))));

function joined(parts: readonly Uint8Array[]): Buffers {
  const offsets = new Int32Array(parts.length + 1);
  for (const [at, part] of parts.entries()) offsets[at + 1] = (offsets[at] ?? 0) + part.length;
  const values = new Uint8Array(offsets.at(-1) ?? 0);
  for (const [at, part] of parts.entries()) values.set(part, offsets[at]);
  return { offsets, values };
}

function flat(values: Values): { readonly offsets: Int32Array; readonly inner: Values } {
  const offsets = new Int32Array(values.length + 1);
  const inner: ExactCell[] = [];
  for (const [at, value] of values.entries()) {
    for (const item of items(value)) inner.push(item);
    offsets[at + 1] = inner.length;
  }
  return { offsets, inner };
}
