// DuckDB as a warehouse: a database file opened read-only, or CSV, Parquet and JSON files named in the SQL.
//
// It runs inside this process, so it is held on a short leash: no extension is loaded or fetched, nothing spills to disk, its settings are
// locked, and a statement that is not a SELECT is refused before it runs.

import { stat } from "node:fs/promises";
import {
  BIGINT,
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  type DuckDBType,
  type DuckDBValue,
  StatementType,
} from "@duckdb/node-api";
import { type RowBatch, checkHeader } from "../formats/index.ts";
import type { AnswerType, QueryOptions, Warehouse, WarehouseAddress } from "./contract.ts";
import { answerType, valueText } from "./duckdb-values.ts";
import { bindNames, notSelect, sqlError, warehouseError } from "./sql-place.ts";

type DuckDBAddress = Extract<WarehouseAddress, { kind: "duckdb" }>;

/** What every instance of ours is held by. */
export function leash(maxMemoryMb: number): Record<string, string> {
  return {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
    // Rows that spill would lie on disk in the clear.
    temp_directory: "",
    memory_limit: `${maxMemoryMb}MB`,
    lock_configuration: "true",
  };
}

/** Throws `missing` `WAREHOUSE_MISSING`. */
export async function checkDuckDB({ path }: DuckDBAddress): Promise<void> {
  if (path !== undefined && !(await stat(path).catch(() => undefined))?.isFile()) {
    throw warehouseError("missing", "WAREHOUSE_MISSING", `Expected a DuckDB file at ${path} but there is none. Check the path.`, { path });
  }
}

export async function openDuckDB(address: DuckDBAddress): Promise<Warehouse> {
  const { path } = address;
  await checkDuckDB(address);
  const instance = await DuckDBInstance.create(path ?? ":memory:", {
    ...leash(address.maxMemoryMb ?? 1024),
    ...(path === undefined ? {} : { access_mode: "READ_ONLY" }),
  }).catch((thrown: unknown) => {
    throw explain(thrown);
  });
  const open = new Set<DuckDBConnection>();
  return {
    kind: "duckdb",
    query: async (sql, options = {}) => {
      const connection = await instance.connect();
      open.add(connection);
      const release = (): void => {
        if (open.delete(connection)) connection.closeSync();
      };
      const { columns: names, types, batches } = await startQuery(connection, sql, options, valueText, release);
      const columns = checkHeader(names, "the query's result");
      const typed = new Set(columns.filter((_, at) => types[at]?.kind === "float" || types[at]?.kind === "decimal"));
      return { columns, isTyped: (column) => typed.has(column), batches: numbered(batches) };
    },
    close: async () => {
      for (const connection of open) connection.interrupt();
      for (const connection of open) connection.closeSync();
      open.clear();
      instance.closeSync();
    },
  };
}

/** What a query gives: rows in batches, each value as `convert` makes it. */
interface Answer<T> {
  readonly columns: readonly string[];
  readonly types: readonly AnswerType[];
  readonly batches: AsyncIterable<readonly (readonly T[])[]>;
}

type Convert<T> = (value: DuckDBValue, type: DuckDBType | undefined) => T;

/** Interrupts the connection when the signal aborts, until `end`. */
export function interruptible(connection: DuckDBConnection, signal: AbortSignal | undefined): { end(): void } {
  // An interrupt that comes just before a statement starts is forgotten by its start; so it is said again until the end.
  let again: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    connection.interrupt();
    again = setInterval(() => connection.interrupt(), 50);
  };
  signal?.addEventListener("abort", interrupt, { once: true });
  return {
    end: () => {
      signal?.removeEventListener("abort", interrupt);
      clearInterval(again);
    },
  };
}

/** Prepares the one SELECT that `sql` must be. Throws `input` `WAREHOUSE_NOT_SELECT`, and what DuckDB itself says of it. */
export async function prepareSelect(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) throw notSelect(`${statements.count} statements came`);
  const statement = await statements.prepare(0);
  if (statement.statementType !== StatementType.SELECT) throw notSelect("another kind of statement came");
  return statement;
}

/** Starts one SELECT; `release` is called once, when the last row is out, the reader has left, or something went wrong. */
export async function startQuery<T>(
  connection: DuckDBConnection,
  sql: string,
  options: QueryOptions,
  convert: Convert<T>,
  release: () => void,
): Promise<Answer<T>> {
  const { signal, batchRows = 2048 } = options;
  const interrupts = interruptible(connection, signal);
  const end = (): void => {
    interrupts.end();
    release();
  };
  try {
    signal?.throwIfAborted();
    const bound = bindNames(sql, options.parameters ?? {});
    const statement = await prepareSelect(connection, bound.sql);
    // Whole numbers would else be bound as doubles and found unequal to wide integers.
    if (bound.values.length > 0) {
      const types = bound.values.map((value) => (Number.isSafeInteger(value) ? BIGINT : undefined));
      const typed = bound.values.map((value) => (typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value));
      statement.bind(typed, Object.fromEntries(types.map((type, i) => [String(i + 1), type])));
    }
    signal?.throwIfAborted();
    const result = await statement.stream();
    const types = result.columnTypes().map(answerType);
    return { columns: result.columnNames(), types, batches: batchesOf(result, { sql, batchRows, signal, convert, end }) };
  } catch (thrown) {
    end();
    signal?.throwIfAborted();
    throw explain(thrown, sql);
  }
}

interface BatchOptions<T> {
  readonly sql: string;
  readonly batchRows: number;
  readonly signal: AbortSignal | undefined;
  readonly convert: Convert<T>;
  /** Called once when the rows have ended, or nobody wants more. */
  readonly end: () => void;
}

async function* batchesOf<T>(
  result: DuckDBResult,
  { sql, batchRows, signal, convert, end }: BatchOptions<T>,
): AsyncGenerator<readonly (readonly T[])[]> {
  const types = result.columnTypes();
  let rows: T[][] = [];
  try {
    for (;;) {
      const chunk = await result.fetchChunk().catch((thrown: unknown) => {
        signal?.throwIfAborted();
        throw explain(thrown, sql);
      });
      signal?.throwIfAborted();
      if (chunk === null || chunk.rowCount === 0) break;
      for (const values of chunk.getRows()) {
        rows.push(values.map((value, i) => convert(value, types[i])));
        if (rows.length < batchRows) continue;
        yield rows;
        rows = [];
      }
    }
    if (rows.length > 0) yield rows;
  } finally {
    end();
  }
}

async function* numbered(batches: AsyncIterable<readonly (readonly string[])[]>): AsyncGenerator<RowBatch> {
  let count = 0;
  for await (const rows of batches) {
    const before = count;
    count += rows.length;
    yield { rows, lines: rows.map((_, i) => before + i + 1) };
  }
}

/** DuckDB says what kind of error it is in the first words. */
export function explain(thrown: unknown, sql = ""): unknown {
  if (!(thrown instanceof Error) || thrown.name === "StockroomError") return thrown;
  const { message } = thrown;
  const [first = ""] = message.split("\n");
  if (/^Out of Memory Error|could not allocate block|failed to (?:allocate|pin) (?:data|block)/i.test(first)) {
    const text =
      "Expected the query to fit its memory but it does not, and rows may not spill to disk. Select less, or leave out ORDER BY.";
    return warehouseError("input", "WAREHOUSE_OUT_OF_MEMORY", text, {}, thrown);
  }
  if (/No files found|No such file|does not exist.*file|Cannot open file/i.test(first) && message.startsWith("IO Error")) {
    return warehouseError(
      "missing",
      "WAREHOUSE_MISSING",
      `Expected the file the SQL names but the warehouse says: ${first}. Check the path.`,
      {},
      thrown,
    );
  }
  if (message.startsWith("IO Error: Could not set lock")) {
    return warehouseError(
      "busy",
      "WAREHOUSE_UNREACHABLE",
      "Expected to read the DuckDB file but another process is writing it. Try again later.",
      {},
      thrown,
    );
  }
  if (/^(IO|Internal|FATAL|INTERNAL) Error/.test(message)) {
    return warehouseError("fault", "WAREHOUSE_FAULT", `Expected DuckDB to answer but it says: ${first}.`, {}, thrown);
  }
  return sqlError(first, placeIn(message, sql), thrown);
}

/** The place its message points at: `LINE 2: select x` and a caret below. Long lines are cut with `...`, then only the line is sure. */
function placeIn(message: string, sql: string): { readonly line: number; readonly column: number } | undefined {
  const found = /^(LINE (\d+): )(.*)\n( *)\^/m.exec(message);
  if (found === null) return undefined;
  const [, prefix = "", line = "1", shown = "", pad = ""] = found;
  const whole = sql.split("\n")[Number(line) - 1] ?? "";
  const cut = shown.startsWith("...") ? 3 : 0;
  const from = cut === 0 ? 0 : whole.indexOf(shown.slice(3).replace(/\.\.\.$/, ""));
  return { line: Number(line), column: Math.max(1, from + pad.length - prefix.length - cut + 1) };
}
