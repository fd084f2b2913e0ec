// Warehouse: rows out of somebody else's database, by one SELECT.
//
// Owns: opening DuckDB and PostgreSQL (Redshift too: the same wire), streaming a query's rows as canonical text, saying clearly what went wrong;
// and SQL over tables of our own whose rows lie sealed (lake.ts).
// Does not own: what the columns mean, where the rows go. It never writes.
//   X1. Only one SELECT at a time; whatever else a statement would do is refused before or by the database's own read-only mode.
//   X2. Memory does not grow with the result, and no row rests on disk: DuckDB may not spill, so a query that does not fit its memory fails.
//   X3. A password never reaches an error, a fact or a log.

import type { Table } from "../formats/contract.ts";
import type { MemoryFiles, MemoryLease } from "./memory-files.ts";

export type WarehouseAddress =
  | {
      readonly kind: "duckdb";
      /** A database file. Absent: none; the SQL names CSV, Parquet or JSON files (`from 'items.csv'`). */
      readonly path?: string | undefined;
      /** Default 1,024. */
      readonly maxMemoryMb?: number | undefined;
    }
  | {
      readonly kind: "postgres";
      /** `postgres://user:password@host:5432/database?sslmode=require`; also Redshift. */
      readonly url: string;
      /** The server ends a statement that takes longer: `busy` `WAREHOUSE_TIMEOUT`. Default 30 minutes. */
      readonly statementTimeoutMs?: number | undefined;
      /** Default 15,000. */
      readonly connectTimeoutMs?: number;
    };

export type Parameter = string | number | boolean | null;

export interface QueryOptions {
  /** By name: `{ period: "2026-10" }` for `$period` in the SQL. Those the SQL does not use are left out; one it lacks is `WAREHOUSE_SQL`. */
  readonly parameters?: Readonly<Record<string, Parameter>>;
  readonly signal?: AbortSignal;
  /** Default 2,048. */
  readonly batchRows?: number;
}

export interface Warehouse {
  readonly kind: WarehouseAddress["kind"];
  /**
   * Starts a SELECT and gives its rows as they are pulled; `lines` are row numbers from 1.
   *
   * Numbers in plain decimals, dates `2026-10-31`, timestamps `2026-10-31T12:00:00` (with `Z` when they name an instant), NULL as "".
   * Walk `batches` to the end or leave the loop: that frees the connection. Queries may run at the same time.
   * Throws, also while streaming: `input` `WAREHOUSE_SQL` (facts `line`, `column` where known), `WAREHOUSE_NOT_SELECT`,
   * `WAREHOUSE_OUT_OF_MEMORY`; `missing` `WAREHOUSE_MISSING`; `denied` `WAREHOUSE_DENIED`; `busy` `WAREHOUSE_UNREACHABLE`, `WAREHOUSE_TIMEOUT`.
   */
  query(sql: string, options?: QueryOptions): Promise<Table>;
  close(): Promise<void>;
}

/** A value of an answer as JSON has it. */
export type AnswerCell = string | number | boolean | null | readonly AnswerCell[] | { readonly [name: string]: AnswerCell };

/** What a column of an answer holds. */
export type AnswerType =
  | { readonly kind: "null" }
  | { readonly kind: "boolean" }
  | { readonly kind: "integer"; readonly bits: 8 | 16 | 32 | 64 | 128; readonly signed: boolean }
  | { readonly kind: "float"; readonly bits: 32 | 64 }
  | { readonly kind: "decimal"; readonly width: number; readonly scale: number }
  | { readonly kind: "text" }
  | { readonly kind: "bytes" }
  | { readonly kind: "date" }
  | { readonly kind: "time"; readonly unit: "us" | "ns" }
  | { readonly kind: "timestamp"; readonly unit: "s" | "ms" | "us" | "ns"; readonly zoned: boolean }
  | { readonly kind: "interval" }
  | { readonly kind: "list"; readonly of: AnswerType }
  | { readonly kind: "array"; readonly of: AnswerType; readonly length: number }
  | { readonly kind: "struct"; readonly fields: readonly AnswerField[] }
  | { readonly kind: "map"; readonly key: AnswerType; readonly value: AnswerType }
  | { readonly kind: "union"; readonly members: readonly AnswerField[] };

export interface AnswerField {
  readonly name: string;
  readonly type: AnswerType;
}

/**
 * A value of which nothing is lost, by its type: whole numbers to 32 bits and floats as numbers, wider ones and the digits of a decimal as
 * bigint, bytes as they are; days since 1970; of times and timestamps the number of their units (the largest, either way, for infinity); an
 * interval as [months, days, microseconds]; a struct as its values in order, a map as pairs, of a union [place of the member, value].
 */
export type ExactCell = string | number | bigint | boolean | null | Uint8Array | readonly ExactCell[];

export type LakeType = "text" | "number" | "timestamp" | "date";

export interface LakeColumn {
  readonly name: string;
  readonly type: LakeType;
}

/** Rows that are read as one, if a query needs them: an object of the store, or a list from elsewhere. */
export interface LakePart {
  /** The same rows under the same id; read once, however many tables have them. */
  readonly id: string;
  /** What the rows are at the moment, as a short text; absent: the id says it, because rows under it never change. */
  readonly fingerprint?: () => Promise<string>;
  /** What the rows may have; those that their bytes lack are NULL. */
  readonly columns: readonly LakeColumn[];
  /** Opens the rows, as text, "" for NULL. `only`: the columns that are wanted; others may be left out. */
  readonly read: (only: readonly string[], signal: AbortSignal | undefined) => Promise<Table>;
  /** The part as a Parquet file in memory, when it is Parquet and this machine has such files. Access is checked by each call. */
  readonly memory?: (files: MemoryFiles, signal: AbortSignal | undefined) => Promise<MemoryLease | undefined>;
}

/** A part in its place within a table. */
export interface LakePlace {
  readonly part: LakePart;
  /** Columns that are the same in every row. A query that contradicts them does not read the part. */
  readonly constants: Readonly<Record<string, string | null>>;
  /** Every value of the part's column lies in [from, to): timestamps such as `2026-10-01`. */
  readonly range?: { readonly column: string; readonly from: string; readonly to: string };
}

/** A table that can be asked. */
export interface LakeTable {
  readonly name: string;
  /** Default: the one that needs no prefix. */
  readonly schema?: string;
  /** A sentence for the list of tables. */
  readonly about: string;
  /** Called only for tables that a query names. */
  open(signal: AbortSignal | undefined): Promise<{ readonly columns: readonly LakeColumn[]; readonly places: readonly LakePlace[] }>;
}

export interface LakeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Of DuckDB; what does not fit fails. Default 1,024. */
  readonly maxMemoryMb?: number | undefined;
  readonly onPart?: (done: number, total: number) => void;
}

export interface LakeAnswer<Cell = AnswerCell> {
  /** Each a name of its own: a second `units` is called `units_1`. */
  readonly columns: readonly string[];
  readonly types: readonly AnswerType[];
  /** Walk to the end or leave the loop: that gives the memory back. */
  readonly batches: AsyncIterable<readonly (readonly Cell[])[]>;
  /** What was read for it. */
  readonly read: { readonly parts: number; readonly rows: number };
}

/** SQL over sealed tables, for the life of an app. */
export interface LakeAccess {
  /** Asks by one SELECT of our own making, in this process. See lake.ts. */
  ask(tables: readonly LakeTable[], sql: string, options?: LakeOptions): Promise<LakeAnswer>;
  /** The same for a SELECT that somebody else wrote: in a process of its own. See isolated.ts. */
  askIsolated(tables: readonly LakeTable[], sql: string, options?: LakeOptions): Promise<LakeAnswer>;
  /** The same with every value as nothing is lost of it. */
  askExact(tables: readonly LakeTable[], sql: string, options?: LakeOptions): Promise<LakeAnswer<ExactCell>>;
  close(): Promise<void>;
}
