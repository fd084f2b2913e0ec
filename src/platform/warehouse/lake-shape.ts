// Lake shape: tables of a lake as DuckDB is told of them. Shared by the plan (what a query needs) and the answer (where it lies).
//
//   Every table becomes a view: its places one after the other, constants in the place of what a part does not have. Columns that no place
//   reads stand once outside of the union, so that a view of hundreds of columns costs what its few read ones cost.

import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { LakeColumn, LakePlace, LakeType } from "./contract.ts";
import { explain, interruptible } from "./duckdb.ts";

export interface OpenTable {
  readonly name: string;
  readonly schema: string;
  readonly columns: readonly LakeColumn[];
  readonly places: readonly LakePlace[];
}

export const sqlType: Readonly<Record<LakeType, string>> = { text: "VARCHAR", number: "DOUBLE", timestamp: "TIMESTAMP", date: "DATE" };

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** What a table's columns are made of in some of its places: an expression by name; of a column that is not named, NULL. */
export interface Source {
  readonly from: string;
  readonly columns: ReadonlyMap<string, string>;
}

/** A table as its sources one after the other. */
export function viewSql(table: OpenTable, sources: readonly Source[]): string {
  const read = table.columns.filter(({ name }) => sources.some(({ columns }) => columns.has(name)));
  const inner = sources.map(({ from, columns }) => {
    const list = read.map(({ name, type }) => `${columns.get(name) ?? `NULL::${sqlType[type]}`} as ${quoted(name)}`);
    return `select ${list.length === 0 ? "1" : list.join(", ")} ${from}`;
  });
  const isRead = new Set(read);
  const outer = table.columns.map((column) =>
    isRead.has(column) ? quoted(column.name) : `NULL::${sqlType[column.type]} as ${quoted(column.name)}`,
  );
  const from = inner.length === 0 ? "where false" : `from (${inner.join(" union all ")})`;
  return `create view ${quoted(table.schema)}.${quoted(table.name)} as select ${outer.join(", ")} ${from}`;
}

export async function defineViews(
  connection: DuckDBConnection,
  tables: readonly OpenTable[],
  sourcesOf: (table: OpenTable) => readonly Source[],
): Promise<void> {
  for (const schema of new Set(tables.map((table) => table.schema))) await connection.run(`create schema if not exists ${quoted(schema)}`);
  for (const table of tables) await connection.run(viewSql(table, sourcesOf(table)));
}

/** A constant of a place as SQL; undefined where the place has none under that name. */
export function constantOf({ constants }: LakePlace, { name, type }: LakeColumn): string | undefined {
  if (!Object.hasOwn(constants, name)) return undefined;
  const value = constants[name];
  return value === undefined || value === null ? `NULL::${sqlType[type]}` : `${literal(value)}::${sqlType[type]}`;
}

export const tableSql = (name: string, columns: readonly LakeColumn[]): string =>
  `create table ${name} (${columns.map((column) => `${quoted(column.name)} ${sqlType[column.type]}`).join(", ")})`;

export interface Instance {
  readonly connect: () => Promise<DuckDBConnection>;
  /** Any number of times; connections of it must be closed before. */
  readonly close: () => void;
}

export async function openInstance(settings: Record<string, string>): Promise<Instance> {
  const instance = await DuckDBInstance.create(":memory:", settings);
  let isOpen = true;
  return {
    connect: async () => await instance.connect(),
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      instance.closeSync();
    },
  };
}

/** Works on the connection until done or aborted; what DuckDB says of a mistake is put in our words. */
export async function whileOpen<T>(connection: DuckDBConnection, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const interrupts = interruptible(connection, signal);
  try {
    return await work();
  } catch (thrown) {
    signal?.throwIfAborted();
    throw explain(thrown);
  } finally {
    interrupts.end();
  }
}
