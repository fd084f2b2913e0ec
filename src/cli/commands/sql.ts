// sql: read-only questions, to what modules keep sealed in the store, or with --system to the app's own tables.
//
// The command reads its words and prints; what makes a question safe is the warehouse's: the sealed tables are asked in memory, in a process of
// its own (warehouse/isolated.ts), the app's tables read-only on the server (warehouse/read-only.ts).

import { defineCommand, type Progress } from "../../platform/command/contract.ts";
import { jsonFlag, readWhole } from "../../platform/command/flags.ts";
import { isStockroomError, StockroomError } from "../../platform/errors.ts";
import { writeTable } from "../../platform/formats/index.ts";
import {
  answerOf,
  asCell,
  askReadOnly,
  columnList,
  firstRows,
  gatherRows,
  plainCell,
  queryTimedOut,
  sqlName,
  type Answer,
  type AnswerCell,
  type LakeTable,
  type ReadOnlyBounds,
  type SqlDatabase,
} from "../../platform/warehouse/index.ts";
import type { OpenApp } from "../../app.ts";
import { operatorAtShell } from "../tools.ts";
import type { Tools } from "../tools.ts";

const usualLimit = 1_000;

export const sqlCommand = (tools: Tools, examples: readonly string[] = []) =>
  defineCommand({
    meta: {
      name: "sql",
      description: `Ask the tables of all systems, read-only
DuckDB's SQL, in memory: what a query needs is decrypted for it and never touches the disk. Without a QUERY, the tables are listed.
Examples:
${examples.map((line) => `  ${line}`).join("\n")}
Stockroom's own tables (runs, events, uses of keys), in PostgreSQL's SQL:
  stockroom sql --system "select state, count(*) from run group by state"
Without a query, every table is listed with its columns.`,
    },
    args: {
      query: { type: "positional", required: false, description: "One query" },
      system: { type: "boolean", alias: "house", description: "Ask Stockroom's own tables (schema stockroom)" },
      csv: { type: "boolean", description: "Print CSV" },
      json: jsonFlag,
      limit: { type: "string", description: `At most so many rows (default ${usualLimit}; with --csv all)`, valueHint: "n" },
      timeout: { type: "string", description: "Seconds until the query is ended", default: "300", valueHint: "s" },
      memory: {
        type: "string",
        description: "Megabytes that rows may take; what does not fit is refused",
        default: "1024",
        valueHint: "MB",
      },
    },
    run: async ({ args }) => {
      const { csv = false, json } = args;
      if (csv && json) throw new StockroomError("input", "USAGE", "Expected --csv or --json but received both. Choose one.");
      const limit = args.limit === undefined ? (csv ? Number.POSITIVE_INFINITY : usualLimit) : readWhole("--limit", args.limit, 1, 1e9);
      const timeoutS = readWhole("--timeout", args.timeout, 1, 86_400);
      const maxMemoryMb = readWhole("--memory", args.memory, 64, 1_000_000);
      const app = await tools.open();
      const bounds = { timeoutS, maxMemoryMb, own: app.database.about().kind === "embedded", signal: tools.signal };
      const ask = async (): Promise<Answer> => {
        if (args.query === undefined) return await listTables(app, { ...bounds, limit: 10_000 }, args.system !== true);
        if (args.system === true) return await askSystem(app.database, args.query, { ...bounds, limit: Math.min(limit, 1_000_000) });
        return await askSealed(app, args.query, bounds, tools.progress("reading"));
      };
      const answer = firstRows(await ask(), limit);
      await show(tools, answer, { csv, json, maxMemoryMb });
      if (answer.isCut()) tools.print.say(`There are more rows; these are the first ${limit}. Raise --limit for more.`);
    },
  });

type Bounds = Omit<ReadOnlyBounds, "limit">;

/** Asks the app's own tables, in PostgreSQL's SQL. */
async function askSystem(database: SqlDatabase, query: string, bounds: ReadOnlyBounds): Promise<Answer> {
  const rows = await askReadOnly(database, query, bounds);
  const columns = Object.keys(rows[0] ?? {});
  return answerOf(
    columns,
    rows.map((row) => columns.map((name) => asCell(row[name]))),
  );
}

/** Asks forecasts and predictions, in DuckDB's SQL. */
async function askSealed(app: OpenApp, query: string, bounds: Bounds, progress: Progress): Promise<Answer> {
  const { signal, timeoutS, maxMemoryMb } = bounds;
  const late = AbortSignal.timeout(timeoutS * 1_000);
  const inWords = async (error: unknown): Promise<unknown> => {
    if (!isStockroomError(error)) return late.aborted && !signal.aborted ? queryTimedOut(timeoutS) : error;
    if (error.code === "WAREHOUSE_OUT_OF_MEMORY")
      return new StockroomError(error.kind, error.code, `${error.message} That is: --memory.`, { facts: error.facts, cause: error });
    return error.code === "WAREHOUSE_SQL" ? await withHint(app.database, error, bounds) : error;
  };
  try {
    const { columns, batches } = await app.lake
      .askIsolated(await tablesOf(app), query, {
        signal: AbortSignal.any([signal, late]),
        maxMemoryMb,
        onPart: (done, total) => progress.update(done, total, "objects"),
      })
      .finally(() => progress.end());
    // Errors of later rows are told like those of the first.
    const told = async function* (): Answer["batches"] {
      try {
        yield* batches;
      } catch (error) {
        throw await inWords(error);
      }
    };
    return { columns, batches: told() };
  } catch (error) {
    throw await inWords(error);
  }
}

/**
 * Everything that can be asked without --system. Of tables with one name the first stands; but one that is named by a user, which can also be
 * asked for by its schema, never hides another.
 */
async function tablesOf(app: OpenApp): Promise<readonly LakeTable[]> {
  const actor = operatorAtShell("sql");
  const found: { readonly table: LakeTable; readonly id: string; readonly byUser: boolean }[] = [];
  for (const { module, parts } of app.modules) {
    const tables = (await module.tables?.(parts.deps, actor)) ?? [];
    const inSchema = new Set(tables.filter(({ schema }) => schema !== undefined).map(idOf));
    for (const table of tables) found.push({ table, id: idOf(table), byUser: inSchema.has(idOf(table)) });
  }
  const stands = new Map<string, LakeTable>();
  for (const { table, id } of found.toSorted((a, b) => Number(a.byUser) - Number(b.byUser))) {
    if (table.schema === undefined && !stands.has(id)) stands.set(id, table);
  }
  return found.flatMap(({ table, id }) => (table.schema !== undefined || stands.get(id) === table ? [table] : []));
}

const idOf = ({ name }: LakeTable): string => name.toLowerCase();

/** Every table with what it is about and its columns: those asked every day first, then the app's own, which are for whoever looks after it. */
async function listTables(app: OpenApp, bounds: ReadOnlyBounds, withSealed: boolean): Promise<Answer> {
  const own = await askReadOnly(app.database, tablesQuery, bounds);
  return answerOf(
    ["table", "about", "columns"],
    [
      ...(withSealed ? await describeTables(await tablesOf(app)) : []),
      ...own.map((row) => [String(row["table"]), "Stockroom's own (--system)", String(row["columns"])]),
    ],
  );
}

async function describeTables(tables: readonly LakeTable[]): Promise<(readonly AnswerCell[])[]> {
  const listed: (readonly AnswerCell[])[] = [];
  for (const table of tables) {
    const name = [...(table.schema === undefined ? [] : [table.schema]), table.name].map(sqlName).join(".");
    // `..._all` has the columns of its sister and may be made of thousands of objects.
    const sister = name.endsWith("_all") ? name.slice(0, -"_all".length) : undefined;
    const columns =
      sister === undefined
        ? await table.open(undefined).then((open) => columnList(open.columns), denied)
        : table.schema === "groups"
          ? `as ${sqlName(table.name)}`
          : `as ${sister}`;
    listed.push([name, table.about, columns]);
  }
  return listed;
}

function denied(error: unknown): string {
  if (isStockroomError(error) && error.kind === "denied") return "not granted to the role operator";
  throw error;
}

/** Prints rows as a table, JSON or CSV. */
async function show(
  { print }: Tools,
  answer: Answer,
  { csv, json, maxMemoryMb }: { readonly csv: boolean; readonly json: boolean; readonly maxMemoryMb: number },
): Promise<void> {
  const { columns } = answer;
  if (csv) {
    if (columns.length === 0) return;
    const plain = async function* (): AsyncGenerator<readonly (readonly (string | number | boolean | null)[])[]> {
      for await (const batch of answer.batches) yield batch.map((row) => row.map(plainCell));
    };
    for await (const bytes of writeTable(plain(), { format: "csv", columns, spreadsheet: true })) await print.bytes(bytes);
    return;
  }
  const rows = await gatherRows(answer, maxMemoryMb);
  if (json) print.json(rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at] ?? null]))));
  else {
    const cells = columns.map((name, at) => [name, (row: readonly AnswerCell[]) => plainCell(row[at] ?? null)] as const);
    print.table(rows, { json: false, empty: "no rows", columns: Object.fromEntries(cells) });
  }
}

/** Adds where to look, when a table that is not there is one of the app's. */
async function withHint(database: SqlDatabase, error: StockroomError, bounds: Bounds): Promise<StockroomError> {
  const name = /Table with name (\S+) does not exist/.exec(error.message)?.[1]?.replaceAll('"', "");
  if (name === undefined) return error;
  const apps = await askReadOnly(database, "select table_name from information_schema.tables where table_schema = 'stockroom'", {
    ...bounds,
    limit: 10_000,
    timeoutS: 30,
  });
  const hint = apps.some((row) => row["table_name"] === name)
    ? `${name} is one of Stockroom's own tables: add --system.`
    : "See the tables: stockroom sql";
  return new StockroomError("input", "WAREHOUSE_SQL", `${error.message} ${hint}`, { facts: error.facts, cause: error });
}

const tablesQuery = `select table_name as table, string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position) as columns
  from information_schema.columns where table_schema = 'stockroom' group by table_name order by table_name`;
