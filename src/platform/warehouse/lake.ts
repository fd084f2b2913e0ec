// Lake: SQL over tables whose rows lie sealed in the store. They are unsealed into memory, and only what a query needs.
//
// Owns: finding out what a query needs, putting that where DuckDB can read it, answering. Does not own: which objects make which tables, who
// may read them.
//   K1. Nothing unsealed touches the disk: DuckDB lives in memory, may not spill, and may reach neither the network nor any file but the
//       memory files of the query. Its settings are locked.
//   K2. What a query needs is said by DuckDB's own planner, over empty tables of the same shape (lake-plan.ts): which parts are scanned, and
//       which of their columns. A part that its constants or its range rule out is not opened; a column that the plan does not read is not kept.
//   K3. That holds whatever the rows are: the planner's rules that look at what tables contain are off while it is asked.
//   K4. Memory is bounded: rows that do not fit are an error, never a swap file. Memory files count.
//   K5. Whoever asks is checked for every query: a part is leased by its own `memory` or `read`, never taken because an earlier query had it.
//       What is kept between queries is the plan of an SQL text over the same tables, and an instance over the same leased files.

import type { DuckDBConnection, DuckDBType, DuckDBValue } from "@duckdb/node-api";
import { LRUCache } from "lru-cache";
import { isStockroomError, StockroomError } from "../errors.ts";
import { namesApart } from "./answer.ts";
import type { AnswerCell, ExactCell, LakeAnswer, LakeOptions, LakePart, LakeTable } from "./contract.ts";
import { leash, startQuery } from "./duckdb.ts";
import { exactCell, makeValueCell } from "./duckdb-values.ts";
import { describeFiles, fileSources, isReadable, listOf, type ParquetFile } from "./lake-files.ts";
import { loadPart, type Loaded } from "./lake-load.ts";
import { Planner, type Needed } from "./lake-plan.ts";
import { constantOf, defineViews, type Instance, openInstance, type OpenTable, quoted, type Source, whileOpen } from "./lake-shape.ts";
import { type MemoryFiles, type MemoryLease, openMemoryFiles } from "./memory-files.ts";
import { bindNames } from "./sql-place.ts";

/** What is kept for the next query. */
const mostPlans = 256;
const mostPlanners = 4;
const mostInstances = 4;
const idleMs = 60_000;

/** DuckDB's own share of a query's memory, whatever its files take. */
const leastOwnMb = 32;

/** Keeps what queries over the same tables share. */
export class Lake {
  readonly #files: MemoryFiles;
  readonly #plans = new LRUCache<string, readonly { readonly id: string; readonly columns: readonly string[] }[]>({ max: mostPlans });
  readonly #planners = new LRUCache<string, Promise<Planner>>({
    max: mostPlanners,
    ttl: idleMs,
    ttlAutopurge: true,
    dispose: (planner) => void planner.then(async (one) => await one.close()).catch(() => undefined),
  });
  readonly #instances = new LRUCache<string, Filled>({
    max: mostInstances,
    ttl: idleMs,
    ttlAutopurge: true,
    dispose: empty,
    noDisposeOnSet: true,
  });
  #isOpen = true;

  constructor(files: MemoryFiles = openMemoryFiles()) {
    this.#files = files;
  }

  /**
   * Asks the tables by one SELECT and gives its rows as they are pulled.
   *
   * A table is known to the query when the query's text has its name; so a name put together at run time is not found.
   * Throws, also while streaming: `input` `WAREHOUSE_SQL`, `WAREHOUSE_NOT_SELECT`, `WAREHOUSE_OUT_OF_MEMORY`, and what reading a part throws.
   */
  async ask(tables: readonly LakeTable[], sql: string, options: LakeOptions = {}): Promise<LakeAnswer> {
    return await this.#ask<AnswerCell>(tables, sql, options, makeValueCell());
  }

  /** The same with every value as nothing is lost of it. */
  async askExact(tables: readonly LakeTable[], sql: string, options: LakeOptions = {}): Promise<LakeAnswer<ExactCell>> {
    return await this.#ask<ExactCell>(tables, sql, options, exactCell);
  }

  async #ask<Cell>(
    tables: readonly LakeTable[],
    sql: string,
    options: LakeOptions,
    convert: (value: DuckDBValue, type: DuckDBType | undefined) => Cell,
  ): Promise<LakeAnswer<Cell>> {
    const { signal, maxMemoryMb = 1_024 } = options;
    signal?.throwIfAborted();
    const text = bindNames(sql, {}).sql.replace(/[;\s]+$/, "");
    const open = await openNamed(tables, text, signal);
    const shape = shapeOf(open);
    const needed = await this.#plan(open, shape, text, signal);
    try {
      const filled = await this.#fill(open, needed, { ...options, shape, maxMemoryMb });
      const { rows } = filled;
      const { connection, end } = await this.#connect(filled);
      const { columns, types, batches } = await startQuery(connection, sql, signal === undefined ? {} : { signal }, convert, end);
      return { columns: namesApart(columns), types, batches, read: { parts: needed.length, rows } };
    } catch (thrown) {
      throw tight(thrown, maxMemoryMb);
    }
  }

  /** Lets go of what is kept; queries that run come to their end. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#planners.clear();
    this.#instances.clear();
    await this.#files.close();
  }

  async #plan(open: readonly OpenTable[], shape: string, sql: string, signal: AbortSignal | undefined): Promise<readonly Needed[]> {
    const parts = new Map(open.flatMap(({ places }) => places.map(({ part }) => [part.id, part] as const)));
    const key = `${sql}\n${shape}`;
    const known = this.#plans.get(key);
    if (known !== undefined) {
      this.#plans.set(key, known);
      return known.flatMap(({ id, columns }) => {
        const part = parts.get(id);
        return part === undefined ? [] : [{ part, columns }];
      });
    }
    const planner = this.#planners.get(shape) ?? Planner.open(open);
    this.#planners.set(shape, planner);
    try {
      const needed = await (await planner).plan(sql, signal);
      this.#plans.set(
        key,
        needed.map(({ part, columns }) => ({ id: part.id, columns })),
      );
      return needed.flatMap(({ part: { id }, columns }) => {
        const part = parts.get(id);
        return part === undefined ? [] : [{ part, columns }];
      });
    } catch (thrown) {
      // One that could not be opened is no planner; one that refused this query is good for the next.
      await planner.catch(() => this.#planners.delete(shape));
      throw thrown;
    }
  }

  /** What is needed where DuckDB can read it: an instance that an earlier query left over the same files, or one of its own. */
  async #fill(
    open: readonly OpenTable[],
    needed: readonly Needed[],
    options: LakeOptions & { readonly shape: string; readonly maxMemoryMb: number },
  ): Promise<Filled> {
    const { signal, shape, maxMemoryMb, onPart } = options;
    const leases = new Map<string, MemoryLease>();
    const release = (): void => {
      for (const lease of leases.values()) lease.release();
    };
    try {
      for (const [index, { part }] of needed.entries()) {
        onPart?.(index, needed.length);
        const lease = await part.memory?.(this.#files, signal);
        if (lease !== undefined) leases.set(part.id, lease);
      }
      const files = [...leases].map(([id, { file }]) => `${file.serial} ${id}`);
      const key = leases.size === needed.length ? JSON.stringify([files, maxMemoryMb, shape]) : undefined;
      const kept = key === undefined ? undefined : this.#instances.get(key);
      if (key !== undefined && kept !== undefined) {
        // One query at a time has an instance, because its memory is that query's bound; `taken` keeps it from being emptied.
        kept.isTaken = true;
        this.#instances.delete(key);
        release();
        return kept;
      }
      return await makeFilled({ open, needed, leases, maxMemoryMb, signal, key });
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  async #connect(filled: Filled): Promise<{ readonly connection: DuckDBConnection; readonly end: () => void }> {
    try {
      const connection = await filled.instance.connect();
      let isOpen = true;
      return {
        connection,
        end: () => {
          if (!isOpen) return;
          isOpen = false;
          connection.closeSync();
          this.#keep(filled);
        },
      };
    } catch (thrown) {
      filled.isTaken = false;
      empty(filled);
      throw thrown;
    }
  }

  #keep(filled: Filled): void {
    const { key } = filled;
    filled.isTaken = false;
    if (key === undefined || !this.#isOpen || this.#instances.has(key)) empty(filled);
    else this.#instances.set(key, filled);
  }
}

/** An instance with everything that a query reads. */
interface Filled {
  readonly instance: Instance;
  readonly leases: readonly MemoryLease[];
  readonly rows: number;
  /** Says which queries it can answer; undefined: that of which it was made alone. */
  readonly key: string | undefined;
  /** A query has it. */
  isTaken: boolean;
}

function empty({ instance, leases, isTaken }: Filled): void {
  if (isTaken) return;
  instance.close();
  for (const lease of leases) lease.release();
}

interface ToFill {
  readonly open: readonly OpenTable[];
  readonly needed: readonly Needed[];
  readonly leases: ReadonlyMap<string, MemoryLease>;
  readonly maxMemoryMb: number;
  readonly signal: AbortSignal | undefined;
  readonly key: string | undefined;
}

async function makeFilled({ open, needed, leases, maxMemoryMb, signal, key }: ToFill): Promise<Filled> {
  const files = [...leases.values()].map(({ file }) => file);
  const inFilesMb = Math.ceil(files.reduce((sum, { bytes }) => sum + bytes, 0) / (1 << 20));
  if (inFilesMb + leastOwnMb > maxMemoryMb && files.length > 0) throw doesNotFit(maxMemoryMb);
  const { lock_configuration: lock = "true", ...settings } = leash(maxMemoryMb - inFilesMb);
  const instance = await openInstance({ ...settings, enable_external_file_cache: "false" });
  try {
    const connection = await instance.connect();
    try {
      // Which files may be read is said before everything else is forbidden, and what is forbidden stays so.
      const allowed = files.length === 0 ? "" : `set allowed_paths = ${listOf(files)};`;
      await connection.run(`${allowed} set enable_external_access = false; set lock_configuration = ${lock}; create schema parts`);
      const rows = await whileOpen(connection, signal, async () => await putIn(connection, { open, needed, leases, signal }));
      const isByFiles = [...leases.keys()].length === needed.length && !rows.isByRows;
      return { instance, leases: [...leases.values()], rows: rows.count, key: isByFiles ? key : undefined, isTaken: true };
    } finally {
      connection.closeSync();
    }
  } catch (thrown) {
    instance.close();
    throw thrown;
  }
}

/** Makes the tables' views over files and over rows that are read into memory; `isByRows`: some had to be. */
async function putIn(
  connection: DuckDBConnection,
  { open, needed, leases, signal }: Pick<ToFill, "open" | "needed" | "leases" | "signal">,
): Promise<{ readonly count: number; readonly isByRows: boolean }> {
  const described = await describeFiles(
    connection,
    [...leases.values()].map(({ file }) => file),
  );
  const bySerial = new Map(described.map((parquet) => [parquet.file.serial, parquet]));
  const files = new Map<string, ParquetFile>();
  const loaded = new Map<string, Loaded>();
  for (const one of needed) {
    const parquet = bySerial.get(leases.get(one.part.id)?.file.serial ?? 0);
    if (parquet !== undefined && isReadable(parquet, one.part.columns)) files.set(one.part.id, parquet);
    else loaded.set(one.part.id, await loadPart(connection, one, `part_${loaded.size}`, signal));
  }
  await defineViews(connection, open, (table) => [
    ...fileSources(table, ({ part }) => files.get(part.id)),
    ...table.places.flatMap((place): Source[] => {
      const one = loaded.get(place.part.id);
      return one === undefined ? [] : [loadedSource(table, place, one)];
    }),
  ]);
  const count = [...files.values(), ...loaded.values()].reduce((sum, { rows }) => sum + rows, 0);
  return { count, isByRows: loaded.size > 0 };
}

function loadedSource(table: OpenTable, place: OpenTable["places"][number], { table: from, columns: has }: Loaded): Source {
  const columns = new Map(
    table.columns.flatMap((column): [string, string][] => {
      const made = constantOf(place, column) ?? (has.has(column.name) ? quoted(column.name) : undefined);
      return made === undefined ? [] : [[column.name, made]];
    }),
  );
  return { from: `from ${from}`, columns };
}

/** What the tables are, as a key: two queries with the same key mean the same by the same SQL. */
function shapeOf(open: readonly OpenTable[]): string {
  const lists = new Map<LakePart["columns"], number>();
  const columnsOf = (columns: LakePart["columns"]): unknown => {
    const known = lists.get(columns);
    if (known !== undefined) return known;
    lists.set(columns, lists.size);
    return columns;
  };
  return JSON.stringify(
    open.map(({ schema, name, columns, places }) => [
      schema,
      name,
      columnsOf(columns),
      places.map(({ part, constants, range }) => [part.id, columnsOf(part.columns), constants, range]),
    ]),
  );
}

/** Opens the tables whose names stand in the text; all of them when it asks which there are. */
async function openNamed(tables: readonly LakeTable[], sql: string, signal: AbortSignal | undefined): Promise<OpenTable[]> {
  const text = sql.toLowerCase();
  const asksForAll = /\bshow\b|information_schema|\bduckdb_\w+\s*\(|\bpragma_/.test(text);
  const open: OpenTable[] = [];
  for (const table of tables) {
    if (!asksForAll && !text.includes(table.name.toLowerCase())) continue;
    open.push({ name: table.name, schema: table.schema ?? "main", ...(await table.open(signal)) });
  }
  return open;
}

function doesNotFit(maxMemoryMb: number, cause?: unknown): StockroomError {
  return new StockroomError(
    "input",
    "WAREHOUSE_OUT_OF_MEMORY",
    `Expected the rows this query needs to fit ${maxMemoryMb} MB but they do not, and rows may not spill to disk. Ask for fewer months, groups and columns, or allow more memory.`,
    { facts: { maxMemoryMb }, ...(cause === undefined ? {} : { cause }) },
  );
}

const tight = (thrown: unknown, maxMemoryMb: number): unknown =>
  isStockroomError(thrown) && thrown.code === "WAREHOUSE_OUT_OF_MEMORY" ? doesNotFit(maxMemoryMb, thrown) : thrown;
