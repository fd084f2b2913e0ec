// Parquet: columns in row groups, with the table of contents at the file's end.
//
//   Q1. The end must be read first, and what arrives is a stream that may not touch the disk; so the packed file is held in memory, at most
//       `maxParquetBytes` of it, and one row group unpacked beside it.
//   Q2. Values are read from their raw form: no decimal passes through a floating number, no timestamp loses its microseconds.
//   Q3. Nested columns become JSON; bytes that are no text make a bad row (`line` is the row's number, from 1).

import { isUtf8 } from "node:buffer";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  type SchemaElement,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
} from "hyparquet";
import type { Body } from "../bytes.ts";
import { StockroomError, unknownKind } from "../errors.ts";
import type { BadRow, ColumnType, ReadOptions, RowBatch, Table, WriteOptions } from "./contract.ts";
import { checkHeader, encode, wrongWidth } from "./csv.ts";
import { wrongType } from "./jsonl.ts";
import { writeGroups, type ParquetValue } from "./parquet-groups.ts";
import { type Cell, cellText, dateText, decimalText, nestedText, plainNumber, timeText, timestampText } from "./values.ts";

/** Larger packed files are refused: split them, or take CSV. */
const maxParquetBytes = 1 << 30;

const compressors: Compressors = {
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
  ZSTD: (input, length) => zstdDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
};

/** Turns a raw value into text, or undefined when it is none. */
type ToText = (value: unknown) => string | undefined;

/** Reads Parquet bytes. See `readTable`. */
export async function readParquet(body: Body, options: ReadOptions): Promise<Table> {
  const { name } = options;
  const file = await hold(body, options);
  const { metadata, columns, toText, typed } = await orBroken(name, async () => {
    const metadata = await parquetMetadataAsync(file, { geoparquet: false });
    checkCounts(metadata);
    const { only } = options;
    const children = parquetSchema(metadata).children.filter((child) => only === undefined || only.includes(child.element.name));
    // makeToText takes the logical types out of the schema.
    const typed = new Set(children.filter((child) => isNumeric(child)).map((child) => child.element.name));
    return { metadata, columns: children.map((child) => child.element.name), toText: children.map((child) => makeToText(child)), typed };
  });
  // Without any wanted column there are still rows to count.
  if (columns.length > 0 || options.only === undefined) checkHeader(columns, name);
  return { columns, isTyped: (column) => typed.has(column), batches: batchesOf(file, metadata, columns, toText, options) };
}

/** Row counts that contradict each other would have the reader make rows by the billion. */
function checkCounts(metadata: FileMetaData): void {
  let total = 0n;
  for (const group of metadata.row_groups) {
    total += group.num_rows;
    const counts = group.columns
      .filter((column) => column.meta_data?.path_in_schema.length === 1)
      .map((column) => column.meta_data?.num_values);
    if (group.num_rows < 0n || counts.some((count) => count !== group.num_rows)) throw new Error("its row counts contradict each other");
  }
  if (total !== metadata.num_rows) throw new Error("its row counts contradict each other");
}

async function hold(body: Body, options: ReadOptions): Promise<AsyncBuffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    options.signal?.throwIfAborted();
    size += chunk.length;
    if (size > maxParquetBytes) {
      const message = `Expected a Parquet file of at most ${maxParquetBytes} bytes in ${options.name} but it is larger. Split it, or send CSV.`;
      throw new StockroomError("input", "TABLE_PARQUET_TOO_LARGE", message, { facts: { name: options.name } });
    }
    chunks.push(chunk);
  }
  if (size === 0) {
    const message = `Expected a Parquet file in ${options.name} but it is empty. Send it again.`;
    throw new StockroomError("input", "TABLE_EMPTY", message, { facts: { name: options.name } });
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks.splice(0)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { byteLength: size, slice: (start, end) => bytes.buffer.slice(start, end) };
}

async function* batchesOf(
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: readonly string[],
  toText: readonly ToText[],
  options: ReadOptions,
): AsyncGenerator<RowBatch> {
  const { name, batchRows = 2048, onBadRow } = options;
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    options.signal?.throwIfAborted();
    const rowEnd = rowStart + Number(group.num_rows);
    const raw = await orBroken(name, async () => readGroup(file, metadata, columns, rowStart, rowEnd));
    let rows: string[][] = [];
    let lines: number[] = [];
    for (let i = 0; i < raw.length; i++) {
      const line = rowStart + i + 1;
      const row = textRow(raw[i] ?? [], toText, line);
      if (Array.isArray(row)) {
        rows.push(row);
        lines.push(line);
      } else onBadRow(row);
      if (rows.length < batchRows) continue;
      yield { rows, lines };
      [rows, lines] = [[], []];
    }
    if (rows.length > 0) yield { rows, lines };
    rowStart = rowEnd;
  }
}

async function readGroup(
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: readonly string[],
  rowStart: number,
  rowEnd: number,
): Promise<readonly (readonly unknown[])[]> {
  if (rowEnd === rowStart) return [];
  if (columns.length === 0) return Array.from({ length: rowEnd - rowStart }, () => []);
  const state: { failed: boolean; rows: readonly (readonly unknown[])[] } = { failed: false, rows: [] };
  // When the reader finds a second column impossible, it throws and forgets the first one's read, whose rejection nobody would then
  // handle: that ends the process. So bytes come only after such a throw has had its time, and never to a reading that failed.
  const late: AsyncBuffer = {
    byteLength: file.byteLength,
    slice: async (start, end) => {
      await new Promise<void>((resolve) => {
        setImmediate(() => {
          if (!state.failed) resolve();
        });
      });
      return file.slice(start, end);
    },
  };
  const reading = parquetRead({
    file: late,
    metadata,
    columns: [...columns],
    rowStart,
    rowEnd,
    compressors,
    utf8: false,
    geoparquet: false,
    // For INT96 and within nested columns; all else comes raw.
    parsers: {
      timestampFromNanoseconds: (nanos) => nanos,
      timestampFromMicroseconds: (micros) => timestampText(micros * 1000n, false),
      timestampFromMilliseconds: (millis) => timestampText(millis * 1_000_000n, false),
      dateFromDays: dateText,
      stringFromBytes: (bytes) => Buffer.from(bytes).toString("utf8"),
    },
    onComplete: (rows) => {
      state.rows = rows;
    },
  });
  try {
    await reading;
  } catch (thrown) {
    state.failed = true;
    throw thrown;
  }
  return state.rows;
}

function textRow(raw: readonly unknown[], toText: readonly ToText[], line: number): string[] | BadRow {
  const row: string[] = [];
  for (let i = 0; i < toText.length; i++) {
    const value = raw[i];
    const text = value === null || value === undefined ? "" : toText[i]?.(value);
    if (text === undefined || text.includes("\0")) {
      const [code, what] = text === undefined ? ["TABLE_NOT_UTF8", "bytes that are not UTF-8"] : ["TABLE_NUL", "a NUL character"];
      return {
        line,
        column: i + 1,
        code,
        reason: `Expected text in this column (its number is given) but ${what} came. Correct the value.`,
        sample: "",
      };
    }
    row.push(text);
  }
  return row;
}

interface SchemaNode {
  readonly children: readonly unknown[];
  readonly element: SchemaElement;
}

/**
 * Takes the meaning off a column's schema element, so that its raw values come through, and gives their way to text.
 *
 * Changes `element`, which belongs to the metadata of this one reading.
 */
/** Whether a column's values are numbers with a fraction: those of other types read the same with every decimal sign. */
function isNumeric({ element, children }: SchemaNode): boolean {
  if (children.length > 0 || element.repetition_type === "REPEATED") return false;
  const { type, converted_type: converted, logical_type: logical } = element;
  return type === "FLOAT" || type === "DOUBLE" || converted === "DECIMAL" || logical?.type === "DECIMAL" || logical?.type === "FLOAT16";
}

function makeToText(node: SchemaNode): ToText {
  const { element } = node;
  if (node.children.length > 0 || element.repetition_type === "REPEATED") return nestedText;
  const { type, converted_type: converted, logical_type: logical } = element;
  if (logical?.type === "FLOAT16") return (value) => floatText(Number(value));
  const scale = logical?.type === "DECIMAL" ? logical.scale : (element.scale ?? 0);
  delete element.converted_type;
  delete element.logical_type;
  if (converted === "DECIMAL" || logical?.type === "DECIMAL") return (value) => decimalText(wholeOf(value), scale);
  if (converted === "DATE" || logical?.type === "DATE") return (value) => dateText(Number(value));
  if (type === "INT96") return (value) => timestampText(wholeOf(value), false);
  const time = timeOf(element.type, converted, logical);
  if (time !== undefined) return time;
  if (logical?.type === "INTEGER" ? !logical.isSigned : converted?.startsWith("UINT_") === true) {
    return (value) => String(BigInt.asUintN(type === "INT64" ? 64 : 32, wholeOf(value)));
  }
  switch (type) {
    case "BOOLEAN":
    case "INT32":
    case "INT64":
      return String;
    case "FLOAT":
      // The shortest decimal that names the same 32-bit number, not the tail of its widening.
      return (value) => floatText(shortest32(Number(value)));
    case "DOUBLE":
      return (value) => floatText(Number(value));
    case "FIXED_LEN_BYTE_ARRAY":
      return (value) => (logical?.type === "UUID" ? uuidText(hexOf(value)) : hexOf(value));
    default:
      return (value) =>
        value instanceof Uint8Array && isUtf8(value)
          ? Buffer.from(value.buffer, value.byteOffset, value.length).toString("utf8")
          : undefined;
  }
}

function timeOf(
  type: SchemaElement["type"],
  converted: SchemaElement["converted_type"],
  logical: SchemaElement["logical_type"],
): ToText | undefined {
  const stamp = logical?.type === "TIMESTAMP" ? logical : undefined;
  const time = logical?.type === "TIME" ? logical : undefined;
  if (stamp === undefined && time === undefined && converted?.startsWith("TIME") !== true) return undefined;
  const unit = (stamp ?? time)?.unit ?? (converted?.endsWith("MILLIS") === true ? "MILLIS" : "MICROS");
  const nanos = { MILLIS: 1_000_000n, MICROS: 1000n, NANOS: 1n }[unit];
  const isTime = time !== undefined || converted === "TIME_MILLIS" || converted === "TIME_MICROS" || type === "INT32";
  if (isTime) return (value) => timeText(wholeOf(value) * nanos);
  // The old annotations always mean an instant.
  const utc = stamp?.isAdjustedToUTC ?? true;
  return (value) => timestampText(wholeOf(value) * nanos, utc);
}

function wholeOf(value: unknown): bigint {
  if (typeof value === "bigint" || typeof value === "number") return BigInt(value);
  if (!(value instanceof Uint8Array)) throw new TypeError("not a whole number");
  return value.length === 0 ? 0n : BigInt.asIntN(value.length * 8, BigInt(`0x${hexOf(value)}`));
}

function hexOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : "";
}

function uuidText(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function floatText(value: number): string {
  return Number.isFinite(value) ? plainNumber(value) : String(value);
}

function shortest32(value: number): number {
  for (let digits = 6; digits <= 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return value;
}

/** Everything a Parquet reader throws comes from the file. */
async function orBroken<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const said = thrown instanceof Error ? thrown.message : String(thrown);
    const unsupported = said.includes("unsupported");
    throw new StockroomError(
      "input",
      unsupported ? "TABLE_PARQUET_UNSUPPORTED" : "TABLE_PARQUET_BROKEN",
      unsupported
        ? `Expected a Parquet file with a usual encoding in ${name} but it has one we do not read (${said}). Write it with snappy or zstd.`
        : `Expected a whole Parquet file in ${name} but it cannot be read (${said}). Send the file again.`,
      { facts: { name }, cause: thrown },
    );
  }
}

/** Writes Parquet, see parquet-groups.ts and `writeTable`. */
export function writeParquet(batches: AsyncIterable<readonly (readonly Cell[])[]>, { columns, types, metadata }: WriteOptions): Body {
  const kinds = columns.map((column) => types?.[column] ?? "text");
  return writeGroups({
    columns: columns.map((name, at) => elementOf(name.toWellFormed(), kinds[at] ?? "text")),
    batches,
    metadata,
    valueOf: (row: readonly Cell[], at) => {
      if (at === 0 && row.length !== columns.length) throw wrongWidth(row.length, columns.length);
      return valueOf(row[at] ?? null, kinds[at] ?? "text", columns[at] ?? "");
    },
  });
}

function elementOf(name: string, kind: ColumnType): SchemaElement {
  switch (kind) {
    case "number":
      return { name, type: "DOUBLE" };
    case "boolean":
      return { name, type: "BOOLEAN" };
    case "date":
      return { name, type: "INT32", converted_type: "DATE", logical_type: { type: "DATE" } };
    case "timestamp":
      // Both names: readers older than the second know only the first, and all of them then make it a plain timestamp.
      return {
        name,
        type: "INT64",
        converted_type: "TIMESTAMP_MILLIS",
        logical_type: { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "MILLIS" },
      };
    case "text":
      return { name, type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } };
    default:
      throw unknownKind(kind, "column");
  }
}

function valueOf(cell: Cell, kind: ColumnType, column: string): ParquetValue {
  if (cell === null) return null;
  const text = cellText(cell);
  if (kind === "text") {
    if (text.includes("\0")) encode(text);
    return text.toWellFormed();
  }
  if (text === "") return null;
  if (kind === "boolean") {
    if (text === "true" || text === "false") return text === "true";
  } else if (kind === "number") {
    // A whole number that a double cannot hold must not change on its way.
    const value = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isFinite(value) && (text.includes(".") || Number.isSafeInteger(value))) return value;
  } else if (kind === "timestamp") {
    const match = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?))?$/.exec(text);
    const ms = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2] ?? "00:00:00"}Z`);
    if (Number.isFinite(ms) && new Date(ms).toISOString().startsWith(match?.[1] ?? "")) return BigInt(ms);
  } else {
    const days = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) / 86_400_000 : Number.NaN;
    if (Number.isInteger(days) && dateText(days) === text) return days;
  }
  throw wrongType(kind, column);
}
