// Lake plan: what a query needs, said by DuckDB's own planner over empty tables of the same shape.
//
//   Asked twice. First over one empty table for each table of the lake: which columns are read at all. Then over an empty table for each part
//   with those columns: which parts are left when constants and ranges have ruled out the others.

import type { DuckDBConnection } from "@duckdb/node-api";
import type { LakePart } from "./contract.ts";
import { explain, leash, prepareSelect } from "./duckdb.ts";
import {
  constantOf,
  defineViews,
  literal,
  type Instance,
  openInstance,
  quoted,
  type OpenTable,
  type Source,
  tableSql,
  whileOpen,
} from "./lake-shape.ts";

/** Rules of the planner that draw conclusions from rows, and empty tables would mislead them. */
const rulesOverRows = "statistics_propagation,compressed_materialization,late_materialization,join_order";

const planMemoryMb = 512;

export interface Needed {
  readonly part: LakePart;
  /** Of the part's columns those that the query reads. */
  readonly columns: readonly string[];
}

/** Says what queries over some tables need, one query after the other. */
export class Planner {
  readonly #tables: readonly OpenTable[];
  readonly #instance: Instance;
  readonly #connection: DuckDBConnection;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(tables: readonly OpenTable[], instance: Instance, connection: DuckDBConnection) {
    this.#tables = tables;
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open(tables: readonly OpenTable[]): Promise<Planner> {
    const instance = await openInstance({
      ...leash(planMemoryMb),
      enable_external_access: "false",
      disabled_optimizers: rulesOverRows,
      threads: "1",
    });
    const connection = await instance.connect();
    await connection.run("create schema shapes; create schema parts");
    for (const [index, { columns }] of tables.entries()) await connection.run(tableSql(`shapes.table_${index}`, columns));
    await defineViews(connection, tables, (table) => [
      { from: `from shapes.table_${tables.indexOf(table)}`, columns: new Map(table.columns.map(({ name }) => [name, quoted(name)])) },
    ]);
    return new Planner(tables, instance, connection);
  }

  /** What the query will read. Throws what DuckDB says of a query it cannot run. */
  async plan(sql: string, signal: AbortSignal | undefined): Promise<readonly Needed[]> {
    const before = this.#last;
    const plan = (async () => {
      await before.catch(() => undefined);
      return await whileOpen(this.#connection, signal, async () => await this.#plan(sql));
    })();
    this.#last = plan;
    return await plan;
  }

  /** Ends when the queries at hand have their plans. */
  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    this.#connection.closeSync();
    this.#instance.close();
  }

  async #plan(sql: string): Promise<readonly Needed[]> {
    const read = await columnsRead(this.#connection, this.#tables, sql);
    const wanted = wantedBy(this.#tables, read);
    if (!mayRuleOut(this.#tables, read)) {
      const isRead = new Set([...read.keys()].flatMap(({ places }) => places.map(({ part }) => part.id)));
      return [...wanted.values()].flatMap(({ part, columns }): Needed[] =>
        isRead.has(part.id) ? [{ part, columns: part.columns.flatMap(({ name }) => (columns.has(name) ? [name] : [])) }] : [],
      );
    }
    // What is made for this query alone is taken back, and the views are those of the tables again.
    await this.#connection.run("begin");
    try {
      return await partsRead(this.#connection, this.#tables, wanted, sql);
    } finally {
      await this.#connection.run("rollback");
    }
  }
}

/** The tables that are read at all, with the columns that are. */
type ReadColumns = ReadonlyMap<OpenTable, ReadonlySet<string>>;

async function columnsRead(connection: DuckDBConnection, tables: readonly OpenTable[], sql: string): Promise<ReadColumns> {
  // By itself first: what stands after EXPLAIN is then one SELECT and no option of EXPLAIN's own, and a mistake's place is the caller's.
  await prepareSelect(connection, sql).catch((thrown: unknown) => {
    throw explain(thrown, sql);
  });
  const scans = await scansOf(connection, sql);
  return new Map(
    tables.flatMap((table, index) => {
      const scan = scans.get(`table_${index}`);
      return scan === undefined ? [] : [[table, new Set(table.columns.flatMap(({ name }) => (scan.has(name) ? [name] : [])))] as const];
    }),
  );
}

/** Whether a part could be left out: by a constant, a range or a column that it has not; nothing else is known of it beforehand. */
function mayRuleOut(tables: readonly OpenTable[], read: ReadColumns): boolean {
  return tables.some((table) => {
    const columns = [...(read.get(table) ?? [])];
    return table.places.some(({ part, constants, range }) =>
      columns.some((name) => Object.hasOwn(constants, name) || name === range?.column || !part.columns.some((own) => own.name === name)),
    );
  });
}

type Wanted = ReadonlyMap<string, { readonly part: LakePart; readonly columns: ReadonlySet<string> }>;

/** A part may stand in several tables; it is asked for what any of them reads. */
function wantedBy(tables: readonly OpenTable[], read: ReadColumns): Wanted {
  const wanted = new Map<string, { readonly part: LakePart; readonly columns: Set<string> }>();
  for (const table of tables) {
    for (const { part } of table.places) {
      const known = wanted.get(part.id) ?? { part, columns: new Set<string>() };
      wanted.set(part.id, known);
      for (const { name } of part.columns) if (read.get(table)?.has(name) === true) known.columns.add(name);
    }
  }
  return wanted;
}

async function partsRead(
  connection: DuckDBConnection,
  tables: readonly OpenTable[],
  wanted: Wanted,
  sql: string,
): Promise<readonly Needed[]> {
  const names = new Map([...wanted.keys()].map((id, index) => [id, `part_${index}`]));
  const made = [...wanted].map(([id, { part, columns }]) => {
    const kept = part.columns.filter(({ name }) => columns.has(name));
    // Rows of which only their number is asked still need something to be rows of.
    return tableSql(`parts.${names.get(id) ?? ""}`, kept.length > 0 ? kept : [{ name: "row", type: "number" }]);
  });
  const dropped = tables.map(({ schema, name }) => `drop view ${quoted(schema)}.${quoted(name)}`);
  await connection.run([...made, ...dropped].join(";"));
  await defineViews(connection, tables, (table) =>
    table.places.map((place): Source => {
      const has = new Set(place.part.columns.flatMap(({ name }) => (wanted.get(place.part.id)?.columns.has(name) === true ? [name] : [])));
      const columns = new Map(
        table.columns.flatMap((column): [string, string][] => {
          const made = constantOf(place, column) ?? (has.has(column.name) ? quoted(column.name) : undefined);
          return made === undefined ? [] : [[column.name, made]];
        }),
      );
      const { range } = place;
      const bounds =
        range === undefined || !has.has(range.column)
          ? ""
          : ` where ${quoted(range.column)} >= ${literal(range.from)}::TIMESTAMP and ${quoted(range.column)} < ${literal(range.to)}::TIMESTAMP`;
      return { from: `from parts.${names.get(place.part.id) ?? ""}${bounds}`, columns };
    }),
  );
  const scans = await scansOf(connection, sql);
  return [...wanted].flatMap(([id, { part }]): Needed[] => {
    const scan = scans.get(names.get(id) ?? "");
    if (scan === undefined) return [];
    return [{ part, columns: part.columns.flatMap(({ name }) => (scan.has(name) ? [name] : [])) }];
  });
}

interface Scan {
  /** Whether the scan reads a column. */
  has(column: string): boolean;
}

/**
 * The scans of a plan, by table: the leaves of DuckDB's EXPLAIN (FORMAT JSON), with the columns they hand on and the filters they apply themselves.
 * A column that is only filtered by stands in the text of a filter, so every column whose name occurs there is taken.
 */
async function scansOf(connection: DuckDBConnection, sql: string): Promise<ReadonlyMap<string, Scan>> {
  const reader = await connection.runAndReadAll(`explain (format json) ${sql}`);
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
  const nodes: readonly PlanNode[] = JSON.parse(String(reader.getRows().at(-1)?.[1] ?? "[]"));
  for (const node of nodes) walk(node);
  return new Map(
    [...scans].map(([name, { columns, filters }]) => [name, { has: (column) => columns.has(column) || filters.includes(column) }]),
  );
}

interface PlanNode {
  readonly children?: readonly PlanNode[];
  readonly extra_info?: { readonly Table?: string; readonly Projections?: string | readonly string[]; readonly [name: string]: unknown };
}
