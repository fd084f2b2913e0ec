// Opens one input file: finds out whether it has a header, and gives its rows with columns that have names.
//
// Owns: header or none, closing. Does not own: what the columns mean (schema.ts), bad fields (read.ts).

import type { Body } from "../../../platform/bytes.ts";
import { StockroomError } from "../../../platform/errors.ts";
import { type ColumnMap, renameColumns } from "../../../platform/formats/columns.ts";
import type { RowBatch } from "../../../platform/formats/contract.ts";
import { type BadRow, type DecimalSign, detectFormat, formatOf, readTable, type Table } from "../../../platform/formats/index.ts";
import { unpack } from "../../../platform/formats/container.ts";
import { peek } from "../../../platform/formats/text-in.ts";
import { domains, type Domain, type InputKind, type SchemaAttribute } from "./schema.ts";

/** A file to read: CSV, TSV, JSONL or Parquet, plain or gzip. */
export interface InputFile {
  /** Named in messages; its endings tell the format. */
  readonly name: string;
  readonly body: Body;
  /** In place of `body`: rows that were brought into shape already, under the domain's own names of columns. */
  readonly table?: (onBadRow: (row: BadRow) => void) => Promise<Table>;
  /** Of `table`: the decimal sign of its numbers. Its dates are ISO. */
  readonly decimal?: DecimalSign;
  /** Of `table`: its column that says whether there was stock. */
  readonly stockColumn?: string | undefined;
  /** The columns in their order. Needed where a file has no header and more than the domain's own columns. */
  readonly schema?: readonly SchemaAttribute[];
}

export interface OpenFile {
  readonly table: Table;
  /** The first rows, which `table` gives all the same. */
  readonly sample: RowBatch;
  /** Names of the map that no column of this file has. */
  readonly unmapped: readonly string[];
  /** The first line holds data: columns were named by their places. */
  readonly headless: boolean;
  /** Columns were named by their places, whether there was a first line of other names or none. */
  readonly byPlace: boolean;
  /** What of a container was read, where it holds more. */
  readonly note?: string | undefined;
  /** Lets go of the bytes that were not read. */
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly kind: InputKind;
  readonly domain: Domain;
  readonly map: ColumnMap;
  readonly encoding: string | undefined;
  /** Seconds since 1970 of a timestamp, NaN for other texts. */
  readonly parseTime: (text: string) => number;
  readonly onBadRow: (row: BadRow) => void;
  readonly signal: AbortSignal | undefined;
}

/** Bytes within which the first line must end for a missing header to be noticed. */
const firstLineBytes = 1 << 16;

/**
 * Opens the file. A text file has a header unless its first line holds a timestamp; then columns go by position in the schema, as they do
 * where a header has none of the schema's names. Metadata without the item's name in its first line has no header if a schema fits it.
 *
 * Throws what `readTable` throws, and `input` `INPUT_NO_HEADER` when columns cannot be named by position.
 */
export async function openInput(file: InputFile, options: OpenOptions): Promise<OpenFile> {
  if (file.table !== undefined) {
    const shaped = await file.table(options.onBadRow);
    const { sample, batches } = await sampled(shaped.batches);
    return {
      table: { ...shaped, batches },
      sample,
      unmapped: [],
      headless: false,
      byPlace: false,
      close: async () => void (await batches[Symbol.asyncIterator]().return?.()),
    };
  }
  const source = closable(file.body);
  try {
    const packed = await unpack(source.body, file.name);
    const unpacked = await peek(packed.body, firstLineBytes);
    const { format } = detectFormat(packed.name, unpacked.first);
    const text = (format ?? formatOf(packed.name) ?? "csv") === "csv" || format === "tsv";
    const positions = text ? byPosition(firstFields(unpacked.first), file, options) : undefined;
    const table = await readTable(unpacked.body, {
      name: file.name,
      onBadRow: options.onBadRow,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      encoding: options.encoding,
      ...(positions === undefined ? {} : { header: false, columns: positions }),
    });
    const placed = renamed(table.columns, file, options);
    const mapped = renameColumns(placed, options.map);
    const { sample, batches } = await sampled(table.batches);
    return {
      table: { ...table, columns: mapped.columns, batches },
      sample,
      unmapped: mapped.missing,
      headless: positions !== undefined,
      byPlace: positions !== undefined || placed !== table.columns,
      note: packed.note,
      close: () => source.close(),
    };
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}

/** Looks at the first batch without taking it away. */
async function sampled(
  batches: AsyncIterable<RowBatch>,
): Promise<{ readonly sample: RowBatch; readonly batches: AsyncIterable<RowBatch> }> {
  const iterator = batches[Symbol.asyncIterator]();
  const first = await iterator.next();
  const sample: RowBatch = first.done === true ? { rows: [], lines: [] } : first.value;
  async function* all(): AsyncGenerator<RowBatch> {
    try {
      if (first.done === true) return;
      yield first.value;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { sample, batches: all() };
}

/** A body whose end can be called from outside. */
function closable(body: Body): { readonly body: Body; close(): Promise<void> } {
  const iterator = body[Symbol.asyncIterator]();
  const shared = {
    next: () => iterator.next(),
    return: async () => (await iterator.return?.()) ?? { done: true as const, value: undefined },
  };
  return {
    body: { [Symbol.asyncIterator]: () => shared },
    close: async () => {
      await iterator.return?.();
    },
  };
}

/** The schema's names for a header in words of its own, as Amazon Forecast takes columns by their place; a header with any of them stands. */
function renamed(columns: readonly string[], { schema }: InputFile, { kind, map }: OpenOptions): readonly string[] {
  if (Object.keys(map).length > 0 || schema === undefined || kind === "metadata" || schema.length !== columns.length) return columns;
  const known = new Set(columns.map((column) => column.trim().toLowerCase()));
  return schema.some(({ name }) => known.has(name.toLowerCase())) ? columns : schema.map(({ name }) => name);
}

/** Names for the columns of a file without header; undefined when the first line is a header. */
function byPosition(fields: readonly string[], file: InputFile, options: OpenOptions): readonly string[] | undefined {
  const names = domains[options.domain];
  const usual = options.kind === "target" ? [names.item, "timestamp", names.target] : options.kind === "related" ? undefined : [names.item];
  const columns = file.schema?.map(({ name }) => name) ?? usual;
  const lower = new Set(fields.map((field) => field.trim().toLowerCase()));
  if (Object.keys(options.map).some((name) => lower.has(name.toLowerCase()))) return undefined;
  if (lower.has(names.item.toLowerCase()) || (options.kind !== "metadata" && lower.has("timestamp"))) return undefined;
  if (options.kind === "metadata") {
    // Nothing in a line of texts says that it is data: without the item's name in it, a schema of the same width decides.
    return file.schema !== undefined && fields.length === file.schema.length ? columns : undefined;
  }
  if (!fields.some((field) => !Number.isNaN(options.parseTime(field.trim())))) return undefined;
  if (columns !== undefined && columns.length === fields.length) return columns;
  const expected = columns === undefined ? "a header" : `${columns.length} columns (${columns.join(", ")}) or a header`;
  throw new StockroomError(
    "input",
    "INPUT_NO_HEADER",
    `Expected ${expected} in ${file.name} but its first line is data of ${fields.length} columns. Add a header line, or give the schema.`,
    { facts: { file: file.name, line: 1, columns: fields.length } },
  );
}

/** The fields of a first line, as well as they can be told before the real reader has it. */
function firstFields(bytes: Uint8Array): readonly string[] {
  const text = new TextDecoder().decode(bytes).replace(/^\s+/, "");
  const line = /^(?:"[^"]*"|[^\r\n"])*/.exec(text)?.[0] ?? "";
  const bare = line.replaceAll(/"[^"]*"/g, "");
  const delimiter = [",", ";", "\t", "|"].find((each) => bare.includes(each)) ?? ",";
  const fields: string[] = [""];
  let quoted = false;
  for (const char of line) {
    if (char === '"') quoted = !quoted;
    else if (char === delimiter && !quoted) fields.push("");
    else fields[fields.length - 1] += char;
  }
  return fields;
}
