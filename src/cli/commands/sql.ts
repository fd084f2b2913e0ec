// sql: read-only questions, to forecasts and predictions as they lie sealed in the store, or with --app to the app's own tables.
//
//   Q1. One query, and nothing but what gives rows. The sealed tables are asked in memory (base/warehouse/lake.ts): there is nothing to write to.
//   Q2. The app's tables are asked through a cursor in a read-only transaction; a superuser (the embedded server's owner is one) steps down to
//       a role that may only read, so that no function reaches files or other sessions.
//   Q3. Rows are fetched in pieces and stop at the limit; the query is ended after its time, and on Ctrl-C at once.
//   Q4. Memory is bounded: a query to the store's tables has a process of its own (base/warehouse/apart.ts); of the app's tables the server
//       counts the answer's bytes before it sends them, and the embedded server's own process is watched; what is printed as a whole is counted.

import { setTimeout as pause } from "node:timers/promises";
import { defineCommand } from "citty";
import { describeError, isStockroomError, StockroomError } from "../../platform/errors.ts";
import type { Database, Tx } from "../../platform/database/contract.ts";
import { writeTable } from "../../platform/formats/index.ts";
import { askLakeIsolated, residentMb, type AnswerCell, type LakeColumn, type LakeTable } from "../../platform/warehouse/index.ts";
import type { App } from "../../app.ts";
import { makeProgress, printRows, toJson } from "../output.ts";
import type { Column } from "../output.ts";
import { readNumber } from "../read-args.ts";
import { jsonFlag, operatorAtShell } from "../tools.ts";
import type { Tools } from "../tools.ts";

const reader = "stockroom_reader";
const fetchRows = 500;
const usualLimit = 1_000;

export const sqlCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "sql",
      description: `Ask forecasts, backtests and predictions, read-only
DuckDB's SQL, in memory: what a query needs is decrypted for it and never touches the disk. Without a QUERY, the tables are listed.
Examples:
  stockroom sql "select timestamp, sum(p50) from forecasts group by all order by all"
  stockroom sql "select identifier, metric, p10, p50, p90 from aggregated where dataset_group = 'retail' and month_starting = '2026-10-01'"
  stockroom sql "select item_id, avg(WAPE) from backtest_accuracy group by all order by 2 desc limit 20" --json
  stockroom sql "from forecasts" --csv > forecasts.csv
Stockroom's own tables (runs, events, uses of keys), in PostgreSQL's SQL:
  stockroom sql --system "select state, count(*) from run group by state"
docs/forecast-sql.md lists all columns.`,
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
      const { output } = tools;
      const { csv = false, json = false } = args;
      if (csv && json) throw new StockroomError("input", "USAGE", "Expected --csv or --json but both came. Choose one.");
      const limit = args.limit === undefined ? (csv ? Number.POSITIVE_INFINITY : usualLimit) : readNumber("--limit", args.limit, 1, 1e9);
      const timeoutS = readNumber("--timeout", args.timeout, 1, 86_400);
      const maxMemoryMb = readNumber("--memory", args.memory, 64, 1_000_000);
      const app = await tools.open();
      const { database } = app;
      const own = database.about().kind === "embedded";
      const bounds = { timeoutS, own, maxMemoryMb, signal: tools.signal };
      const ofApp = async (query: string, most: number): Promise<Result> => {
        const rows = await ask(database, query, { limit: most, ...bounds });
        const columns = Object.keys(rows[0] ?? {});
        return { columns, batches: once(rows.map((row) => columns.map((name) => asCell(row[name])))) };
      };
      if (args.query === undefined) {
        const tables = args.system ? [] : await describeTables(await tablesOf(app));
        // The app's tables are many and for whoever looks after it; they follow after what is asked for every day.
        const apps = await ask(database, tablesQuery, { limit: 10_000, ...bounds });
        const rows = [
          ...tables,
          ...apps.map((row) => ({ table: String(row["table"]), about: "Stockroom's own (--system)", columns: String(row["columns"]) })),
        ];
        const columns = ["table", "about", "columns"] as const;
        await show(
          tools,
          { columns, batches: once(rows.map((row) => columns.map((name) => row[name]))) },
          { csv, json, limit, maxMemoryMb },
        );
        return;
      }
      if (args.system) {
        await show(tools, await ofApp(args.query, Math.min(limit, 1_000_000)), { csv, json, limit, maxMemoryMb });
        return;
      }
      const late = AbortSignal.timeout(timeoutS * 1_000);
      const progress = makeProgress(output, "reading");
      try {
        const answer = await askLakeIsolated(await tablesOf(app), args.query, {
          signal: AbortSignal.any([tools.signal, late]),
          maxMemoryMb,
          onPart: (done, total) => progress.update(done, total, "objects"),
        }).finally(() => progress.end());
        await show(tools, answer, { csv, json, limit, maxMemoryMb });
      } catch (error) {
        if (late.aborted && !tools.signal.aborted && !isStockroomError(error)) throw timeoutError(timeoutS);
        if (isStockroomError(error) && error.code === "WAREHOUSE_OUT_OF_MEMORY") {
          throw new StockroomError(error.kind, error.code, `${error.message} That is: --memory.`, { facts: error.facts, cause: error });
        }
        throw isStockroomError(error) && error.code === "WAREHOUSE_SQL" ? await withHint(database, error, bounds) : error;
      }
    },
  });

/** Everything that can be asked without --app. Of tables with one name the first stands: a group does not hide a table of the app's. */
async function tablesOf(app: App): Promise<readonly LakeTable[]> {
  const [{ forecastTables }, { classifyTables }] = await Promise.all([
    import("../../forecast/module.ts"),
    import("../../classify/module.ts"),
  ]);
  const actor = operatorAtShell("sql");
  const coded = classifyTables(app.classify.deps, actor);
  const taken = new Set(coded.map((table) => table.name));
  const forecast = await forecastTables(app.forecast.deps, actor);
  return [...forecast.filter((table) => table.schema !== undefined || !taken.has(table.name.toLowerCase())), ...coded];
}

interface Listed {
  readonly table: string;
  readonly about: string;
  readonly columns: string;
}

async function describeTables(tables: readonly LakeTable[]): Promise<Listed[]> {
  const listed: Listed[] = [];
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
    listed.push({ table: name, about: table.about, columns });
  }
  return listed;
}

function denied(error: unknown): string {
  if (isStockroomError(error) && error.kind === "denied") return "not granted to the role operator";
  throw error;
}

const sqlName = (name: string): string => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

const typeNames: Readonly<Record<LakeColumn["type"], string>> = { text: "text", number: "double", timestamp: "timestamp", date: "date" };

/** Columns with their types; a run of numbered ones (p1, p2, ... p99) as one. */
function columnList(columns: readonly LakeColumn[]): string {
  const shown: { first: string; last: string; readonly stem: string; next: number; readonly type: string }[] = [];
  for (const { name, type } of columns) {
    const [, stem = "", digits = ""] = /^(.*?)(\d+)$/.exec(name) ?? [];
    const before = shown.at(-1);
    if (
      before !== undefined &&
      digits !== "" &&
      before.stem === stem &&
      before.next === Number(digits) &&
      before.type === typeNames[type]
    ) {
      before.last = name;
      before.next += 1;
    } else shown.push({ first: name, last: name, stem, next: Number(digits) + 1, type: typeNames[type] });
  }
  return shown
    .map(({ first, last, type }) => `${first === last ? quotedColumn(first) : `${quotedColumn(first)}..${quotedColumn(last)}`} ${type}`)
    .join(", ");
}

/** SQL of both kinds takes other letters only in quotes. */
const quotedColumn = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

interface Result {
  readonly columns: readonly string[];
  readonly batches: AsyncIterable<readonly (readonly AnswerCell[])[]>;
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}

/** Prints at most `limit` rows and says when there are more. */
async function show(
  { output }: Tools,
  { columns, batches }: Result,
  {
    csv,
    json,
    limit,
    maxMemoryMb,
  }: { readonly csv: boolean; readonly json: boolean; readonly limit: number; readonly maxMemoryMb: number },
): Promise<void> {
  let more = false;
  async function* limited(): AsyncGenerator<readonly (readonly AnswerCell[])[]> {
    let left = limit;
    for await (const batch of batches) {
      if (batch.length > 0 && left === 0) {
        more = true;
        return;
      }
      more = batch.length > left;
      yield batch.slice(0, left);
      if (more) return;
      left -= batch.length;
    }
  }
  if (csv) {
    if (columns.length > 0) await printCsv(output, columns, limited());
  } else {
    const rows: (readonly AnswerCell[])[] = [];
    const mostBytes = answerBytes(maxMemoryMb);
    let bytes = 0;
    for await (const batch of limited()) {
      bytes += batch.reduce((sum, row) => sum + row.reduce<number>((of, cell) => of + sizeOf(cell), 0), 0);
      if (bytes > mostBytes)
        throw tooLarge(mostBytes, "Lower --limit, select shorter columns, print --csv (row by row), or raise --memory.");
      rows.push(...batch);
    }
    if (json) output.print(toJson(rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at] ?? null])))));
    else {
      const shown = columns.map((name, at): Column<readonly AnswerCell[]> => ({ name, cell: (row) => plainCell(row[at] ?? null) }));
      printRows(output, rows, shown, { json: false, none: "no rows" });
    }
  }
  if (more) output.say(`There are more rows; these are the first ${limit}. Raise --limit for more.`);
}

/** An answer that is printed as a whole stands in memory several times: as rows, as text, as bytes. Strings end at 512 MB. */
const answerBytes = (maxMemoryMb: number): number => Math.min(256, maxMemoryMb / 8) * 1_048_576;

const sizeOf = (cell: AnswerCell): number =>
  typeof cell === "string" ? cell.length : typeof cell === "object" && cell !== null ? JSON.stringify(cell).length : 8;

function tooLarge(bytes: number, remedy: string): StockroomError {
  const mb = Math.floor(bytes / 1_048_576);
  return new StockroomError("input", "SQL_ANSWER_TOO_LARGE", `Expected an answer of at most ${mb} MB but it is larger. ${remedy}`, {
    facts: { mostMb: mb },
  });
}

async function printCsv(
  output: Tools["output"],
  columns: readonly string[],
  batches: AsyncIterable<readonly (readonly AnswerCell[])[]>,
): Promise<void> {
  async function* plain(): AsyncGenerator<readonly (readonly (string | number | boolean | null)[])[]> {
    for await (const batch of batches) yield batch.map((row) => row.map(plainCell));
  }
  for await (const bytes of writeTable(plain(), { format: "csv", columns, spreadsheet: true })) await output.write(bytes);
}

const plainCell = (value: AnswerCell): string | number | boolean | null =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : value;

function timeoutError(timeoutS: number): StockroomError {
  return new StockroomError(
    "input",
    "SQL_TIMEOUT",
    `Expected an answer within ${timeoutS} s but there was none. Narrow the query or raise --timeout.`,
  );
}

/** Adds where to look, when a table that is not there is one of the app's. */
async function withHint(database: SqlDatabase, error: StockroomError, bounds: Omit<Bounds, "limit">): Promise<StockroomError> {
  const name = /Table with name (\S+) does not exist/.exec(error.message)?.[1]?.replaceAll('"', "");
  if (name === undefined) return error;
  const apps = await ask(database, "select table_name from information_schema.tables where table_schema = 'stockroom'", {
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

type Row = Readonly<Record<string, unknown>>;

function asCell(value: unknown): AnswerCell {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (Buffer.isBuffer(value)) return `\\x${value.toString("hex")}`;
  return JSON.parse(JSON.stringify(value));
}

type SqlDatabase = Pick<Database, "transaction" | "query">;

interface Bounds {
  readonly limit: number;
  readonly timeoutS: number;
  /** The server is ours, so that its rules may be tightened and its processes watched. */
  readonly own: boolean;
  /** Of the embedded server's process for this query; an eighth of it may be answered. */
  readonly maxMemoryMb: number;
  readonly signal: AbortSignal;
}

/** The text travels as a value, not in a statement: "select 1; commit; ..." in a statement would be three. */
const openCursor = (setting: string): string =>
  `do $$ declare answer refcursor := 'answer'; begin open answer no scroll for execute current_setting('stockroom.${setting}'); end $$`;

const counter = "stockroom answer bytes";

/**
 * The query with the bytes of its rows added up on the server: a driver builds a row before anybody can look at it, and one of a gigabyte
 * would end this process. Over the bound the last column's cast fails, and with it the query.
 */
const counted = (query: string, mostBytes: number): string => {
  const bytes = "sum(octet_length(answer::text)) over (rows unbounded preceding)";
  // With the sum in it, because the planner would try a constant cast beforehand.
  const fail = `cast('${counter} ' || ${bytes} as integer)`;
  return `select answer.*, case when ${bytes} > ${Math.floor(mostBytes)} then ${fail} end as "${counter}" from (${query}\n) as answer`;
};

/** Runs one query and gives at most `limit + 1` rows. Throws `input` `SQL_REFUSED` with the server's words for a query it does not take. */
export async function ask(database: SqlDatabase, query: string, bounds: Bounds): Promise<Row[]> {
  const { limit, timeoutS, own, maxMemoryMb, signal } = bounds;
  const text = query.trim().replace(/;\s*$/, "");
  if (text === "") throw refused("the query is empty", "");
  signal.throwIfAborted();
  const restricted = await makeReader(database, own);
  const work = database.transaction(
    async (tx) => {
      await tx.query("set transaction isolation level repeatable read, read only");
      await tx.query(`set local statement_timeout = '${timeoutS}s'`);
      await tx.query("set local search_path = stockroom");
      await tx.query("select set_config('stockroom.query', $1, true), set_config('stockroom.counted', $2, true)", [
        text,
        counted(text, answerBytes(maxMemoryMb)),
      ]);
      // Sorting and joining may use the server's disk, but not all of it.
      if (own) await tx.query(`set local temp_file_limit = '${maxMemoryMb}MB'`);
      if (restricted) await tx.query(`set local role ${reader}`);
      const watched = await watchServer(database, tx, bounds);
      try {
        // By itself first: what is wrong with it is then said of the query and not of what is put around it.
        await tx.query(openCursor("query"));
        await tx.query("close answer");
        await tx.query(openCursor("counted"));
        const rows: Row[] = [];
        while (rows.length <= limit) {
          const piece = await tx.query(`fetch ${Math.min(fetchRows, limit + 1 - rows.length)} from answer`);
          for (const { [counter]: _counted, ...row } of piece) rows.push(row);
          if (piece.length === 0) break;
        }
        return rows;
      } catch (error) {
        signal.throwIfAborted();
        throw watched.isTooMuch() ? serverMemory(maxMemoryMb, error) : inWords(error, bounds);
      } finally {
        watched.end();
      }
    },
    { statementMs: timeoutS * 1_000 + 30_000 },
  );
  return await work;
}

/** Makes the role that may only read, where the user of the connection could do more. False where it is not needed. */
async function makeReader(database: SqlDatabase, own: boolean): Promise<boolean> {
  return await database.transaction(async (tx) => {
    const [me] = await tx.query<{ super: boolean }>("select rolsuper as super from pg_roles where rolname = current_user");
    if (!(me?.super ?? false)) return false;
    await tx.query("select pg_advisory_xact_lock(hashtextextended('stockroom.reader', 0))");
    const known = await tx.query("select 1 from pg_roles where rolname = $1", [reader]);
    if (known.length === 0) await tx.query(`create role ${reader} nologin`);
    await tx.query(`grant usage on schema stockroom to ${reader}`);
    await tx.query(`grant select on all tables in schema stockroom to ${reader}`);
    // Else a query could step up again in the middle of itself: set_config('role', 'none', true).
    if (own) await tx.query("revoke execute on function pg_catalog.set_config(text, text, boolean) from public");
    return true;
  });
}

interface Watched {
  readonly isTooMuch: () => boolean;
  readonly end: () => void;
}

/** Cancels what the server does for `tx` on abort, and when its process, if it is the embedded server's, takes more than the bound. */
async function watchServer(database: SqlDatabase, tx: Tx, { signal, own, maxMemoryMb }: Bounds): Promise<Watched> {
  const [me] = await tx.query<{ pid: number }>("select pg_backend_pid() as pid");
  const pid = me?.pid ?? 0;
  const state = { isOver: false, isTooMuch: false };
  const cancel = async (): Promise<void> => {
    // A cancel between two statements is lost; so it is said until the end.
    while (!state.isOver) {
      await database.query("select pg_cancel_backend($1)", [pid]).catch(() => undefined);
      await pause(100);
    }
  };
  const stop = (): void => void cancel();
  const look = async (): Promise<void> => {
    while (!state.isOver) {
      if ((await residentMb(pid)) > maxMemoryMb) {
        state.isTooMuch = true;
        await cancel();
      }
      await pause(20);
    }
  };
  signal.addEventListener("abort", stop, { once: true });
  if (own) void look();
  return {
    isTooMuch: () => state.isTooMuch,
    end: () => {
      state.isOver = true;
      signal.removeEventListener("abort", stop);
    },
  };
}

/** The server's words for what it did not take; what is the connection's trouble stays as it is. */
function inWords(error: unknown, { timeoutS, maxMemoryMb }: Bounds): unknown {
  // What records has put into its own words is still told apart by the server's code beneath.
  const { code, message } = describeError(isStockroomError(error) && error.cause !== undefined ? error.cause : error);
  if (message.includes(counter))
    return tooLarge(answerBytes(maxMemoryMb), "Lower the number of rows, select shorter columns, or raise --memory.");
  if (code === "57014") return timeoutError(timeoutS);
  const isMemory =
    code === "53200" || code === "53400" || code === "54000" || /memory alloc request size|enlarge string buffer/.test(message);
  if (isMemory) return serverMemory(maxMemoryMb, error, message);
  // SQLSTATE has five letters; anything else is the connection's trouble, not the query's.
  if (!/^[0-9A-Z]{5}$/.test(code) || /^(08|53|57P|58|XX)/.test(code)) return error;
  return refused(message, code);
}

function serverMemory(maxMemoryMb: number, cause: unknown, said = ""): StockroomError {
  const why = said === "" ? "it does not" : `the database says: ${said}`;
  return new StockroomError(
    "input",
    "SQL_OUT_OF_MEMORY",
    `Expected the query to fit ${maxMemoryMb} MB on the server but ${why}. Select less and shorter, or raise --memory.`,
    { facts: { maxMemoryMb }, cause },
  );
}

function refused(reason: string, sqlstate: string): StockroomError {
  return new StockroomError(
    "input",
    "SQL_REFUSED",
    `Expected one read-only query (SELECT, VALUES or WITH) but the database says: ${reason}. See the tables: stockroom sql --system`,
    { facts: { sqlstate } },
  );
}
