// Tables: rows in and out of bytes: CSV (RFC 4180), TSV, JSONL, Parquet, each plain or gzip; streamed.
//
// Owns: parsing, writing, format detection, bad rows with their line and column. Does not own: what the columns mean.
//   T1. Memory does not grow with the file (Parquet is read whole and packed, its contents stand at the end; one row group of it is unpacked).
//   T2. A bad row is set apart with its line, column and reason; the rest goes on. Only a file without a usable header, or not text at all, is refused whole.
//   T3. What `writeTable` writes, `readTable` reads back the same.

import type { Body } from "../bytes.ts";

/** How a text was encoded, and how that is known. */
export interface TextEncoding {
  /** As the Encoding Standard names it: `utf-8`, `utf-16le`, `windows-1252`. */
  readonly name: string;
  readonly from: "given" | "mark" | "bytes";
}

export type TableFormat = "csv" | "tsv" | "jsonl" | "parquet";

/** Rows in batches, because a promise per row costs more than the row. */
export interface RowBatch {
  /** Index-aligned with the table's columns; a missing value is "". Values may be slices of their block of the file: keep few of them for long. */
  readonly rows: readonly (readonly string[])[];
  /** Physical line (1-based) on which each row begins; for Parquet the row number. */
  readonly lines: readonly number[];
}

export interface BadRow {
  readonly line: number;
  readonly column: number | undefined;
  readonly code: string;
  /** Expected, came, what to do. */
  readonly reason: string;
  /** The start of the offending text, at most 200 characters; it may hold item text, so it goes only to sealed objects and the terminal, never to logs. */
  readonly sample: string;
}

export interface Table {
  readonly columns: readonly string[];
  /** What separates the fields; undefined for formats without. */
  readonly delimiter?: string;
  /** How its text was encoded, as far as it was read; formats without text have none. */
  readonly encoding?: () => TextEncoding | undefined;
  /**
   * Whether a column's values came as numbers and not as text, as far as they were read (Parquet, JSONL, a query): they stand in plain decimals with a
   * decimal point, whatever people's texts are written with. Absent: all is text.
   */
  readonly isTyped?: (column: string) => boolean;
  readonly batches: AsyncIterable<RowBatch>;
}

export interface ReadOptions {
  /** From the name's endings (`.csv.gz`) when absent, then from the first bytes. */
  readonly format?: TableFormat;
  /** Named in errors. */
  readonly name: string;
  readonly onBadRow: (row: BadRow) => void;
  /** Rows per batch. Default 2,048. */
  readonly batchRows?: number;
  readonly signal?: AbortSignal;
  /** False: no header line; columns are then `columns`. For JSONL `columns` alone names the columns. */
  readonly header?: boolean;
  readonly columns?: readonly string[];
  /** CSV: what separates the fields; absent: found in the first record. */
  readonly delimiter?: "," | ";" | "\t" | "|";
  /** CSV: lines of text before the first record, which are not read. */
  readonly skippedLines?: number;
  /** Parquet: read these columns of those it has; the others are not unpacked. Other formats are read as a whole all the same. */
  readonly only?: readonly string[];
  /** How the text is encoded (`latin1`, `windows-1250`, `utf-16le`); absent: by its mark, or found from its bytes (text-in.ts D3). */
  readonly encoding?: string | undefined;
  /** The table was written with `spreadsheet`: a quote that stands before what would be a formula is taken away again. */
  readonly spreadsheet?: boolean;
  /** A longer record (characters) is taken for a lost quote and set apart. Default 1,048,576. */
  readonly maxRecordChars?: number;
}

export type ReadTable = (body: Body, options: ReadOptions) => Promise<Table>;

export type ColumnType = "text" | "number" | "boolean" | "date" | "timestamp";

export interface WriteOptions {
  readonly format: TableFormat;
  readonly gzip?: boolean;
  readonly columns: readonly string[];
  /**
   * CSV and TSV that people open: a text that a spreadsheet would run as a formula (it begins with = + - @, a tab or a carriage return, and is no number) gets a
   * quote before it. `ReadOptions.spreadsheet` gives the text back. Default false.
   */
  readonly spreadsheet?: boolean;
  /** Parquet and JSONL types; default all text. A timestamp is text such as `2026-10-31` or `2026-10-31 12:00:00`, without a zone. */
  readonly types?: Readonly<Record<string, ColumnType>>;
  /** Parquet: what the file says of itself, by key. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Bytes of the table; pull-driven, so that a slow sink slows the source. */
export type WriteTable = (
  batches: AsyncIterable<readonly (readonly (string | number | boolean | null)[])[]>,
  options: WriteOptions,
) => Body;
