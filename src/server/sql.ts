// SQL over HTTP: a question and its rows, as JSON, CSV or Parquet.
//
//   Q1. Bounded in rows, memory and time, and in how many are asked at once; what is too much is refused by name, never swapped.
//   Q2. A caller who goes away ends the query: its process is killed.
//   Q3. An answer that fails on the way ends in a broken connection, never in an end that looks clean; the first rows are there before any header is out.

import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import { StockroomError } from "../platform/errors.ts";
import type { ColumnType } from "../platform/formats/contract.ts";
import { writeTable } from "../platform/formats/index.ts";
import { askLakeIsolated, firstRows, gatherRows, plainCell, type Answer, type AnswerCell } from "../platform/warehouse/index.ts";
import type { Caller } from "../platform/web/caller.ts";
import { may } from "../platform/web/roles.ts";
import { serve, whileCalling } from "../platform/web/route.ts";
import { askSealed, askSystem, listTables, type AskPlace } from "./ask.ts";
import * as routes from "./contract.ts";
import type { ServerDeps } from "./deps.ts";
import { operatorOverHttp } from "./objects.ts";
import type { ServedModule } from "./server.ts";

/** Each may take its whole memory. */
const queriesAtOnce = 4;
const usualJsonRows = 1_000;
const mostRows = 1_000_000;

type Format = keyof typeof routes.sqlTypes;

export function mountSql(
  server: FastifyInstance,
  { database, lake = { askIsolated: askLakeIsolated } }: ServerDeps,
  modules: readonly ServedModule[],
): void {
  const place: AskPlace = { database, lake, modules: modules.filter(({ isOpen }) => isOpen), actor: operatorOverHttp("sql") };
  const own = (): boolean => database.about().kind === "embedded";
  let asked = 0;
  /** Asks, if not too many do. */
  const alongside = async <T>(work: () => Promise<T>): Promise<T> => {
    if (asked >= queriesAtOnce) {
      throw new StockroomError(
        "busy",
        "SQL_BUSY",
        `Expected fewer than ${queriesAtOnce} queries at once but so many are asked. Ask again soon.`,
      );
    }
    asked += 1;
    try {
      return await work();
    } finally {
      asked -= 1;
    }
  };

  serve(server, routes.listTables, async ({ reply }) => {
    const bounds = { timeoutS: 60, maxMemoryMb: 256, own: own(), signal: whileCalling(reply), limit: 10_000 };
    const rows = await alongside(async () => await gatherRows(await listTables(place, bounds, true), bounds.maxMemoryMb));
    const textOf = (cell: unknown): string => (typeof cell === "string" ? cell : "");
    return { tables: rows.map(([table, about, columns]) => ({ table: textOf(table), about: textOf(about), columns: textOf(columns) })) };
  });

  serve(server, routes.askSql, async ({ body, request, reply }) => {
    const { query, system, timeoutSeconds: timeoutS, memoryMb: maxMemoryMb } = body;
    if (system) checkOperator(request.caller);
    const format = body.format ?? formatOf(request.headers.accept);
    const limit = body.limit ?? (format === "json" ? usualJsonRows : mostRows);
    const bounds = { timeoutS, maxMemoryMb, own: own(), signal: whileCalling(reply) };
    return await alongside(async () => {
      // One more than wanted tells whether there are more.
      const found = system ? await askSystem(database, query, { ...bounds, limit: limit + 1 }) : await askSealed(place, query, bounds);
      const answer = firstRows(found, limit);
      if (format === "json") {
        const rows = await gatherRows(answer, maxMemoryMb);
        const text = JSON.stringify({ columns: answer.columns, rows, more: answer.isCut() });
        return await reply.type("application/json; charset=utf-8").send(text);
      }
      return await sendTable(reply, answer, format);
    });
  });
}

/** Stockroom's own tables hold everybody's runs, reviews and notices, whatever grants say of zones. */
function checkOperator(caller: Caller | undefined): void {
  if (caller === undefined || may(caller.roles, "operator")) return;
  throw new StockroomError(
    "denied",
    "ROLE_WANTED",
    `Expected the role operator for Stockroom's own tables (system) but ${caller.name ?? "the caller"} is ${caller.roles.join(", ")}. Ask an administrator for it.`,
    { facts: { needs: "operator" } },
  );
}

/** The first form that the caller takes and that we have; JSON for who takes anything. */
function formatOf(accept: string | undefined): Format {
  const types = (accept ?? "").split(",").map((part) => part.split(";", 1)[0]?.trim().toLowerCase());
  for (const type of types) {
    if (type === "text/csv") return "csv";
    if (type === "application/vnd.apache.parquet") return "parquet";
    if (type === "application/json" || type === "*/*") return "json";
  }
  return "json";
}

/** Streams rows as a file, and waits until all of them are out. */
async function sendTable(reply: FastifyReply, answer: Answer, format: "csv" | "parquet"): Promise<FastifyReply> {
  const { columns } = answer;
  const batches = answer.batches[Symbol.asyncIterator]();
  const first = await batches.next();
  const types = format === "parquet" ? typesOf(columns, first.done === true ? [] : first.value) : {};
  const plain = async function* (): AsyncGenerator<readonly (readonly (string | number | boolean | null)[])[]> {
    try {
      for (let next = first; next.done !== true; next = await batches.next()) {
        yield next.value.map((row) => row.map((cell, at) => cellOf(cell, types[columns[at] ?? ""])));
      }
    } finally {
      await batches.return?.();
    }
  };
  const body = writeTable(plain(), { format, columns, types, ...(format === "csv" ? { spreadsheet: true } : {}) });
  reply.headers({
    "content-type": `${routes.sqlTypes[format]}${format === "csv" ? "; charset=utf-8" : ""}`,
    "content-disposition": `attachment; filename="answer.${format}"`,
  });
  const stream = Readable.from(body, { objectMode: false });
  const over = new Promise<void>((resolve) => stream.once("close", resolve));
  void reply.send(stream);
  await over;
  return reply;
}

/** A column is of numbers or of truths when those of the first rows are; SQL's own columns are of one type. */
function typesOf(columns: readonly string[], rows: readonly (readonly AnswerCell[])[]): Readonly<Record<string, ColumnType>> {
  const typed = columns.flatMap((name, at) => {
    const kinds = new Set(rows.flatMap((row) => (row[at] === null || row[at] === undefined ? [] : [typeof row[at]])));
    const [kind] = kinds;
    return kinds.size === 1 && (kind === "number" || kind === "boolean") ? [[name, kind] as const] : [];
  });
  return Object.fromEntries(typed);
}

function cellOf(cell: AnswerCell, type: ColumnType | undefined): string | number | boolean | null {
  const plain = plainCell(cell);
  if (plain === null || type === undefined || typeof plain === type) return plain;
  throw new StockroomError(
    "input",
    "SQL_COLUMN_MIXED",
    `Expected a column of ${type} values as in its first rows but a ${typeof plain} came. Cast it in the query, or ask for CSV.`,
  );
}
