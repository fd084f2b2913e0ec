// Read-only: one query to the tables of a PostgreSQL server that holds more than answers, such as the app's own.
//
//   Y1. One query, and nothing but what gives rows: it runs through a cursor in a read-only transaction.
//   Y2. A superuser (the embedded server's owner is one) steps down to a role that may only read, so that no function reaches files or other
//       sessions.
//   Y3. Rows are fetched in batches and stop at the limit; the query is ended after its time, and on abort at once.
//   Y4. Memory is bounded: the server counts the answer's bytes before it sends them, and an embedded server's own process is watched.

import { setTimeout as pause } from "node:timers/promises";
import type { Database, Tx, TxTable } from "../database/contract.ts";
import { describeError, isStockroomError, StockroomError } from "../errors.ts";
import { answerTooLarge, asCell, mostAnswerBytes, namesApart, queryTimedOut } from "./answer.ts";
import type { AnswerCell, AnswerType } from "./contract.ts";
import { residentMb } from "./memory.ts";

const reader = "stockroom_reader";
const fetchRows = 500;

type Row = Readonly<Record<string, unknown>>;

export type SqlDatabase = Pick<Database, "transaction" | "query">;

export interface ReadOnlyBounds {
  readonly limit: number;
  readonly timeoutS: number;
  /** The server is ours, so that its rules may be tightened and its processes watched. */
  readonly own: boolean;
  /** Of the embedded server's process for this query; an eighth of it may be answered. */
  readonly maxMemoryMb: number;
  readonly signal: AbortSignal;
  /** Tables of the app that no query reads: what proves who somebody is. */
  readonly hidden?: readonly string[];
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

/** What PostgreSQL's types are in an answer, by their numbers; all others are text. */
const typesByOid: ReadonlyMap<number, AnswerType> = new Map<number, AnswerType>([
  [16, { kind: "boolean" }],
  [17, { kind: "bytes" }],
  [21, { kind: "integer", bits: 16, signed: true }],
  [23, { kind: "integer", bits: 32, signed: true }],
  [20, { kind: "integer", bits: 64, signed: true }],
  [700, { kind: "float", bits: 32 }],
  [701, { kind: "float", bits: 64 }],
  [1082, { kind: "date" }],
  [1114, { kind: "timestamp", unit: "us", zoned: false }],
  [1184, { kind: "timestamp", unit: "us", zoned: true }],
]);

export interface ReadOnlyAnswer {
  /** Each a name of its own: a second `id` is called `id_1`. */
  readonly columns: readonly string[];
  readonly types: readonly AnswerType[];
  readonly rows: readonly (readonly AnswerCell[])[];
}

/** Runs one query and gives at most `limit + 1` rows by the names of their columns. See `askReadOnlyTable`. */
export async function askReadOnly(database: SqlDatabase, query: string, bounds: ReadOnlyBounds): Promise<Row[]> {
  const { columns, rows } = await askTable(database, query, bounds);
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, at) => [name, row[at]])));
}

/** Runs one query and gives at most `limit + 1` rows. Throws `input` `SQL_REFUSED` with the server's words for a query it does not take. */
export async function askReadOnlyTable(database: SqlDatabase, query: string, bounds: ReadOnlyBounds): Promise<ReadOnlyAnswer> {
  const { columns, rows } = await askTable(database, query, bounds);
  return {
    columns: namesApart(columns.map(({ name }) => name)),
    types: columns.map(({ oid }) => typesByOid.get(oid) ?? { kind: "text" }),
    rows: rows.map((row) => row.map(asCell)),
  };
}

async function askTable(database: SqlDatabase, query: string, bounds: ReadOnlyBounds): Promise<TxTable> {
  const { limit, timeoutS, own, maxMemoryMb, signal } = bounds;
  const text = query.trim().replace(/;\s*$/, "");
  if (text === "") throw refused("the query is empty", "");
  signal.throwIfAborted();
  const restricted = await makeReader(database, bounds);
  // Without a role that may not read them, their names are refused wherever they stand.
  if (!restricted) checkHidden(text, bounds);
  const work = database.transaction(
    async (tx) => {
      await tx.query("set transaction isolation level repeatable read, read only");
      await tx.query(`set local statement_timeout = '${timeoutS}s'`);
      await tx.query("set local search_path = stockroom");
      await tx.query("select set_config('stockroom.query', $1, true), set_config('stockroom.counted', $2, true)", [
        text,
        counted(text, mostAnswerBytes(maxMemoryMb)),
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
        const rows: (readonly unknown[])[] = [];
        let columns: TxTable["columns"] = [];
        while (rows.length <= limit) {
          const fetched = await tx.table(`fetch ${Math.min(fetchRows, limit + 1 - rows.length)} from answer`);
          // The counted bytes stand last.
          columns = fetched.columns.slice(0, -1);
          for (const row of fetched.rows) rows.push(row.slice(0, -1));
          if (fetched.rows.length === 0) break;
        }
        return { columns, rows };
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
async function makeReader(database: SqlDatabase, { own, hidden = [] }: ReadOnlyBounds): Promise<boolean> {
  return await database.transaction(async (tx) => {
    const [me] = await tx.query<{ super: boolean }>("select rolsuper as super from pg_roles where rolname = current_user");
    if (!(me?.super ?? false)) return false;
    await tx.query("select pg_advisory_xact_lock(hashtextextended('stockroom.reader', 0))");
    const known = await tx.query("select 1 from pg_roles where rolname = $1", [reader]);
    if (known.length === 0) await tx.query(`create role ${reader} nologin`);
    await tx.query(`grant usage on schema stockroom to ${reader}`);
    await tx.query(`grant select on all tables in schema stockroom to ${reader}`);
    for (const table of hidden) await tx.query(`revoke select on stockroom.${table} from ${reader}`);
    // Else a query could step up again in the middle of itself: set_config('role', 'none', true).
    if (own) await tx.query("revoke execute on function pg_catalog.set_config(text, text, boolean) from public");
    return true;
  });
}

function checkHidden(text: string, { hidden = [] }: ReadOnlyBounds): void {
  const named = hidden.find((table) => text.toLowerCase().includes(table));
  if (named !== undefined) throw refused(`permission denied for table ${named}`, "42501");
}

interface Watched {
  readonly isTooMuch: () => boolean;
  readonly end: () => void;
}

/** Cancels what the server does for `tx` on abort, and when its process, if it is the embedded server's, takes more than the bound. */
async function watchServer(database: SqlDatabase, tx: Tx, { signal, own, maxMemoryMb }: ReadOnlyBounds): Promise<Watched> {
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
function inWords(error: unknown, { timeoutS, maxMemoryMb }: ReadOnlyBounds): unknown {
  // What the database part has put into its own words is still told apart by the server's code beneath.
  const { code, message } = describeError(isStockroomError(error) && error.cause !== undefined ? error.cause : error);
  if (message.includes(counter))
    return answerTooLarge(
      mostAnswerBytes(maxMemoryMb),
      "Lower the number of rows, select shorter columns, or allow more: --memory, over HTTP memoryMb.",
    );
  if (code === "57014") return queryTimedOut(timeoutS);
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
    `Expected the query to fit ${maxMemoryMb} MB on the server but ${why}. Select less and shorter, or allow more: --memory, over HTTP memoryMb.`,
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
