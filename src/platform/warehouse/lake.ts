// Lake: SQL over tables whose rows lie sealed in the store. They are unsealed into memory, for one query, and only what it needs.
//
// Owns: finding out what a query needs, loading that, answering. Does not own: which objects make which tables, who may read them.
//   K1. Nothing unsealed touches the disk: DuckDB lives in memory, may not spill, and may not reach files or the network. Its settings are locked.
//   K2. What a query needs is said by DuckDB's own planner, over empty tables of the same shape: which parts are scanned, and which of their columns.
//       A part that its constants or its range rule out is not opened; a column that the plan does not read is not kept.
//   K3. That holds whatever the rows are: the planner's rules that look at what tables contain are off while it is asked.
//   K4. Memory is bounded: rows that do not fit are an error, never a swap file.

import {
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  DOUBLE,
  TIMESTAMP,
  VARCHAR,
} from "@duckdb/node-api";
import { isStockroomError, StockroomError } from "../errors.ts";
import type { LakeAnswer, LakeColumn, LakeOptions, LakePart, LakePlace, LakeTable, LakeType } from "./contract.ts";
import { explain, interruptible, leash, prepareSelect, startQuery, valueCell } from "./duckdb.ts";
import { bindNames } from "./sql-place.ts";

/** Rules of the planner that draw conclusions from rows, and empty tables would mislead them. */
const rulesOverRows = "statistics_propagation,compressed_materialization,late_materialization,join_order";

const sqlTypes: Readonly<Record<LakeType, { readonly sql: string; readonly type: DuckDBType }>> = {
  text: { sql: "VARCHAR", type: VARCHAR },
  number: { sql: "DOUBLE", type: DOUBLE },
  timestamp: { sql: "TIMESTAMP", type: TIMESTAMP },
  date: { sql: "DATE", type: VARCHAR },
};

/** DuckDB's own measure of a vector. */
const chunkRows = 2_048;

interface OpenTable {
  readonly name: string;
  readonly schema: string;
  readonly columns: readonly LakeColumn[];
  readonly places: readonly LakePlace[];
}

/**
 * Asks the tables by one SELECT and gives its rows as they are pulled.
 *
 * A table is known to the query when the query's text has its name; so a name put together at run time is not found.
 * Throws, also while streaming: `input` `WAREHOUSE_SQL`, `WAREHOUSE_NOT_SELECT`, `WAREHOUSE_OUT_OF_MEMORY`, and what reading a part throws.
 *
 * @example
 * const answer = await askLake(tables, "select identifier, sum(p50) from aggregated where month_starting = '2026-10-01' group by all");
 */
export async function askLake(tables: readonly LakeTable[], sql: string, options: LakeOptions = {}): Promise<LakeAnswer> {
  const { signal, maxMemoryMb = 1_024 } = options;
  signal?.throwIfAborted();
  const text = bindNames(sql, {}).sql.replace(/[;\s]+$/, "");
  const open = await openNamed(tables, text, signal);
  const needed = await planOf(open, text, maxMemoryMb, signal);
  const held = await hold({ ...leash(maxMemoryMb), enable_external_access: "false" });
  try {
    const loaded = new Map<string, Loaded>();
    await bounded(held, signal, async (connection) => {
      await connection.run("create schema parts");
      for (const { part, columns } of needed) {
        options.onPart?.(loaded.size, needed.length);
        loaded.set(part.id, await load(connection, part, columns, `part_${loaded.size}`, signal));
      }
      await defineViews(connection, open, (place, table) => {
        const one = loaded.get(place.part.id);
        return one === undefined ? undefined : viewSql(place, table, one.table, one.columns);
      });
    });
    const { columns, batches } = await startQuery(held.connection, sql, signal === undefined ? {} : { signal }, valueCell, held.close);
    const rows = [...loaded.values()].reduce((sum, one) => sum + one.rows, 0);
    return { columns, batches, read: { parts: loaded.size, rows } };
  } catch (thrown) {
    held.close();
    throw tight(thrown, maxMemoryMb);
  }
}

interface Held {
  readonly connection: DuckDBConnection;
  /** Any number of times. */
  readonly close: () => void;
}

async function hold(settings: Record<string, string>): Promise<Held> {
  const instance = await DuckDBInstance.create(":memory:", settings);
  const connection = await instance.connect();
  let isOpen = true;
  return {
    connection,
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Works on the connection until done or aborted. */
async function bounded<T>(
  { connection }: Held,
  signal: AbortSignal | undefined,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const interrupts = interruptible(connection, signal);
  try {
    return await work(connection);
  } catch (thrown) {
    signal?.throwIfAborted();
    throw explain(thrown);
  } finally {
    interrupts.end();
  }
}

function tight(thrown: unknown, maxMemoryMb: number): unknown {
  if (!isStockroomError(thrown) || thrown.code !== "WAREHOUSE_OUT_OF_MEMORY") return thrown;
  return new StockroomError(
    "input",
    thrown.code,
    `Expected the rows this query needs to fit ${maxMemoryMb} MB but they do not, and rows may not spill to disk. Ask for fewer months, groups and columns, or allow more memory.`,
    { facts: { maxMemoryMb }, cause: thrown },
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

interface Needed {
  readonly part: LakePart;
  readonly columns: readonly string[];
}

/** What the query will read, by the planner (K2). Throws what DuckDB says of a query it cannot run. */
async function planOf(
  open: readonly OpenTable[],
  sql: string,
  maxMemoryMb: number,
  signal: AbortSignal | undefined,
): Promise<readonly Needed[]> {
  const parts = [...new Map(open.flatMap(({ places }) => places.map(({ part }) => [part.id, part] as const))).values()];
  const names = new Map(parts.map((part, index) => [part.id, `part_${index}`]));
  const held = await hold({ ...leash(maxMemoryMb), enable_external_access: "false", disabled_optimizers: rulesOverRows });
  try {
    return await bounded(held, signal, async (connection) => {
      await connection.run("create schema parts");
      for (const part of parts) await connection.run(tableSql(names.get(part.id) ?? "", part.columns));
      await defineViews(connection, open, (place, table) =>
        viewSql(place, table, names.get(place.part.id) ?? "", new Set(place.part.columns.map(({ name }) => name))),
      );
      // By itself first: what stands after EXPLAIN is then one SELECT and no option of EXPLAIN's own, and a mistake's place is the caller's.
      await prepareSelect(connection, sql).catch((thrown: unknown) => {
        throw explain(thrown, sql);
      });
      const reader = await connection.runAndReadAll(`explain (format json) ${sql}`);
      const scans = scansOf(String(reader.getRows().at(-1)?.[1] ?? ""));
      return parts.flatMap((part) => {
        const scan = scans.get(names.get(part.id) ?? "");
        if (scan === undefined) return [];
        return [{ part, columns: part.columns.flatMap(({ name }) => (scan.has(name) ? [name] : [])) }];
      });
    });
  } finally {
    held.close();
  }
}

interface Scan {
  /** Whether the scan reads a column. */
  has(column: string): boolean;
}

/**
 * The scans of a plan, by table: the leaves of DuckDB's EXPLAIN (FORMAT JSON), with the columns they hand on and the filters they apply themselves.
 * A column that is only filtered by stands in the text of a filter, so every column whose name occurs there is taken.
 */
function scansOf(plan: string): ReadonlyMap<string, Scan> {
  const scans = new Map<string, { readonly columns: Set<string>; filters: string }>();
  const walk = (node: PlanNode): void => {
    const { Table: table, Projections: columns, ...others } = node.extra_info ?? {};
    if (typeof table === "string") {
      const name = table.split(".").at(-1) ?? "";
      const scan = scans.get(name) ?? { columns: new Set(), filters: "" };
      for (const column of typeof columns === "string" ? [columns] : (columns ?? [])) scan.columns.add(column);
      scan.filters += JSON.stringify(others);
      scans.set(name, scan);
    }
    for (const child of node.children ?? []) walk(child);
  };
  const nodes: readonly PlanNode[] = JSON.parse(plan);
  for (const node of nodes) walk(node);
  return new Map(
    [...scans].map(([name, { columns, filters }]) => [name, { has: (column) => columns.has(column) || filters.includes(column) }]),
  );
}

interface PlanNode {
  readonly children?: readonly PlanNode[];
  readonly extra_info?: { readonly Table?: string; readonly Projections?: string | readonly string[]; readonly [name: string]: unknown };
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const tableSql = (name: string, columns: readonly LakeColumn[]): string =>
  `create table parts.${quoted(name)} (${columns.map((column) => `${quoted(column.name)} ${sqlTypes[column.type].sql}`).join(", ")})`;

/** A place as one SELECT: constants, the columns its part has, NULL for the others. */
function viewSql(place: LakePlace, table: OpenTable, part: string, has: ReadonlySet<string>): string {
  const { constants, range } = place;
  const columns = table.columns.map(({ name, type }) => {
    const constant = Object.hasOwn(constants, name) ? constants[name] : undefined;
    if (constant !== undefined && constant !== null) return `${literal(constant)}::${sqlTypes[type].sql} as ${quoted(name)}`;
    return has.has(name) && constant === undefined ? quoted(name) : `NULL::${sqlTypes[type].sql} as ${quoted(name)}`;
  });
  const bounds =
    range === undefined || !has.has(range.column)
      ? ""
      : ` where ${quoted(range.column)} >= ${literal(range.from)}::TIMESTAMP and ${quoted(range.column)} < ${literal(range.to)}::TIMESTAMP`;
  return `select ${columns.join(", ")} from parts.${quoted(part)}${bounds}`;
}

/** Defines each table as its places one after the other; a place without SQL is left out. */
async function defineViews(
  connection: DuckDBConnection,
  open: readonly OpenTable[],
  sqlOf: (place: LakePlace, table: OpenTable) => string | undefined,
): Promise<void> {
  for (const schema of new Set(open.map((table) => table.schema))) await connection.run(`create schema if not exists ${quoted(schema)}`);
  for (const table of open) {
    const places = table.places.flatMap((place) => sqlOf(place, table) ?? []);
    const nothing = `select ${table.columns.map(({ name, type }) => `NULL::${sqlTypes[type].sql} as ${quoted(name)}`).join(", ")} where false`;
    await connection.run(
      `create view ${quoted(table.schema)}.${quoted(table.name)} as ${places.length === 0 ? nothing : places.join(" union all ")}`,
    );
  }
}

interface Loaded {
  readonly table: string;
  readonly columns: ReadonlySet<string>;
  readonly rows: number;
}

/** Reads a part's wanted columns into a table. */
async function load(
  connection: DuckDBConnection,
  part: LakePart,
  wanted: readonly string[],
  name: string,
  signal: AbortSignal | undefined,
): Promise<Loaded> {
  const table = await part.read(wanted, signal);
  const columns = part.columns.filter((column) => wanted.includes(column.name) && table.columns.includes(column.name));
  // Rows of which only their number is asked still need something to be rows of.
  const kept: readonly LakeColumn[] = columns.length > 0 ? columns : [{ name: "row", type: "number" }];
  await connection.run(tableSql(name, kept));
  const appender = await connection.createAppender(name, "parts");
  const at = kept.map((column) => table.columns.indexOf(column.name));
  const types = kept.map(({ type }) => sqlTypes[type].type);
  const makers = kept.map(({ type }) => valueMaker(type, part.id));
  let rows = 0;
  try {
    for await (const batch of table.batches) {
      signal?.throwIfAborted();
      for (let from = 0; from < batch.rows.length; from += chunkRows) {
        const piece = batch.rows.slice(from, from + chunkRows);
        const chunk = DuckDBDataChunk.create(types, piece.length);
        for (let c = 0; c < kept.length; c++) {
          const index = at[c] ?? -1;
          const make = makers[c];
          chunk.setColumnValues(
            c,
            piece.map((row) => {
              const text = index < 0 ? "" : (row[index] ?? "");
              return text === "" || make === undefined ? null : make(text);
            }),
          );
        }
        appender.appendDataChunk(chunk);
      }
      rows += batch.rows.length;
    }
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
  return { table: name, columns: new Set(columns.map((column) => column.name)), rows };
}

const mostInstants = 100_000;

function valueMaker(type: LakeType, part: string): (text: string) => DuckDBValue {
  if (type === "number") {
    return (text) => {
      const value = Number(text);
      if (!Number.isNaN(value) || text === "NaN") return value;
      throw unreadable(part, "a number");
    };
  }
  if (type !== "timestamp") return (text) => text;
  // Few instants, many rows.
  const known = new Map<string, DuckDBTimestampValue>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const ms = Date.parse(text.length === 10 ? `${text}T00:00:00Z` : `${text.replace(" ", "T").replace(/Z$/, "")}Z`);
    if (Number.isNaN(ms)) throw unreadable(part, "a timestamp");
    const made = new DuckDBTimestampValue(BigInt(ms) * 1000n);
    if (known.size >= mostInstants) known.clear();
    known.set(text, made);
    return made;
  };
}

function unreadable(part: string, wanted: string): StockroomError {
  return new StockroomError(
    "fault",
    "LAKE_VALUE",
    `Expected ${wanted} in every row of ${part} but there is another value. The object was not written by this installation, or is of another version.`,
    { facts: { part } },
  );
}
