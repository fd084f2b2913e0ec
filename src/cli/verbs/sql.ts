// sql: read-only questions to the house's own tables.
//
//   Q1. One query, opened as a cursor in a read-only transaction: nothing but what gives rows can stand there, and nothing after it.
//   Q2. A superuser (the embedded server's owner is one) steps down to a role that may only read, so that no function reaches files or other sessions.
//   Q3. Rows are fetched in pieces and stop at the limit; the statement is ended by the server after its time.

import { defineCommand } from "citty";
import { describeError, isStockroomError, StockroomError } from "../../base/errors.ts";
import type { Records } from "../../base/records/contract.ts";
import { printRows, toJson } from "../output.ts";
import type { Cell, Column } from "../output.ts";
import { readNumber } from "../read-args.ts";
import { jsonFlag } from "../tools.ts";
import type { Tools } from "../tools.ts";

const reader = "stockroom_reader";
const fetchRows = 500;

export const sqlVerb = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "sql",
      description: `Ask the house's tables, read-only
The tables stand in the schema stockroom and need no prefix. Without a QUERY, the tables and their columns are listed.
Examples:
  stockroom sql "select state, count(*) from run group by state"
  stockroom sql "select zone, role, count(*) from key_use where not allowed group by zone, role"
  stockroom sql "select kind, count(*), max(at) from outbox group by kind" --json`,
    },
    args: {
      query: { type: "positional", required: false, description: "One query" },
      limit: { type: "string", description: "At most so many rows", default: "1000", valueHint: "n" },
      timeout: { type: "string", description: "Seconds until the query is ended", default: "30", valueHint: "s" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const limit = readNumber("--limit", args.limit, 1, 1_000_000);
      const timeoutS = readNumber("--timeout", args.timeout, 1, 3_600);
      const { records } = await tools.open();
      const rows = await ask(records, args.query ?? tablesQuery, { limit, timeoutS, own: records.about().kind === "embedded" });
      const shown = rows.slice(0, limit);
      if (args.json) tools.output.print(toJson(shown));
      else printRows(tools.output, shown, columnsOf(shown), { json: false, none: "no rows" });
      if (rows.length > limit) tools.output.say(`There are more rows; these are the first ${limit}. Raise --limit for more.`);
    },
  });

const tablesQuery = `select table_name as table, string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position) as columns
  from information_schema.columns where table_schema = 'stockroom' group by table_name order by table_name`;

type Row = Readonly<Record<string, unknown>>;

function columnsOf(rows: readonly Row[]): Column<Row>[] {
  return Object.keys(rows[0] ?? {}).map((name) => ({ name, cell: (row) => asCell(row[name]) }));
}

function asCell(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (Buffer.isBuffer(value)) return `\\x${value.toString("hex")}`;
  return JSON.stringify(value);
}

interface Bounds {
  readonly limit: number;
  readonly timeoutS: number;
  /** The server is ours, so that its rules may be tightened. */
  readonly own: boolean;
}

/** The text travels as a value, not in a statement: "select 1; commit; ..." in a statement would be three. */
const openCursor = `do $$ declare answer refcursor := 'answer'; begin open answer no scroll for execute current_setting('stockroom.query'); end $$`;

/** Runs one query and gives at most `limit + 1` rows. Throws `input` `SQL_REFUSED` with the server's words for a query it does not take. */
export async function ask(records: Pick<Records, "transaction">, query: string, { limit, timeoutS, own }: Bounds): Promise<Row[]> {
  const text = query.trim().replace(/;\s*$/, "");
  if (text === "") throw refused("the query is empty", "");
  const restricted = await records.transaction(async (tx) => {
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
  return await records.transaction(async (tx) => {
    await tx.query("set transaction isolation level repeatable read, read only");
    await tx.query(`set local statement_timeout = '${timeoutS}s'`);
    await tx.query("set local search_path = stockroom");
    await tx.query("select set_config('stockroom.query', $1, true)", [text]);
    if (restricted) await tx.query(`set local role ${reader}`);
    try {
      await tx.query(openCursor);
      const rows: Row[] = [];
      while (rows.length <= limit) {
        const piece = await tx.query(`fetch ${Math.min(fetchRows, limit + 1 - rows.length)} from answer`);
        rows.push(...piece);
        if (piece.length === 0) break;
      }
      return rows;
    } catch (error) {
      // What records has put into its own words is still told apart by the server's code beneath.
      const { code, message } = describeError(isStockroomError(error) && error.cause !== undefined ? error.cause : error);
      // SQLSTATE has five letters; anything else is the connection's trouble, not the query's.
      if (!/^[0-9A-Z]{5}$/.test(code) || /^(08|53|57P|58|XX)/.test(code)) throw error;
      if (code === "57014") {
        throw new StockroomError(
          "input",
          "SQL_TIMEOUT",
          `Expected an answer within ${timeoutS} s but there was none. Narrow the query or raise --timeout.`,
        );
      }
      throw refused(message, code);
    }
  });
}

function refused(reason: string, sqlstate: string): StockroomError {
  return new StockroomError(
    "input",
    "SQL_REFUSED",
    `Expected one read-only query (SELECT, VALUES or WITH) but the database says: ${reason}. See the tables: stockroom sql`,
    { facts: { sqlstate } },
  );
}
