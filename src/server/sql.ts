// SQL over HTTP: a question and its rows, as JSON, CSV, Parquet or Arrow.
//
//   Q1. Bounded in rows, memory and time, and in how many are asked at once; what is too much is refused by name, never swapped.
//   Q2. A caller who goes away ends the query: its process is killed.
//   Q3. An answer that fails on the way ends in a broken connection, never in an end that looks clean; the first rows are there before any header is out.

import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Body } from "../platform/bytes.ts";
import { StockroomError } from "../platform/errors.ts";
import { askLakeExact, askLakeIsolated, firstRows, gatherRows, type Answer, type ExactCell } from "../platform/warehouse/index.ts";
import type { Caller } from "../platform/web/caller.ts";
import { may } from "../platform/web/roles.ts";
import { serve, whileCalling } from "../platform/web/route.ts";
import { answerFile, type FileForm } from "./answer-file.ts";
import { askSealed, askSealedExact, askSystem, exactAnswer, listTables, type AskPlace } from "./ask.ts";
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
  { database, lake = { askIsolated: askLakeIsolated, askExact: askLakeExact } }: ServerDeps,
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
      const plain = async (): Promise<Answer> =>
        system ? await askSystem(database, query, { ...bounds, limit: limit + 1 }) : await askSealed(place, query, bounds);
      if (format === "json") {
        const answer = firstRows(await plain(), limit);
        const rows = await gatherRows(answer, maxMemoryMb);
        const text = JSON.stringify({ columns: answer.columns, rows, more: answer.isCut() });
        return await reply.type("application/json; charset=utf-8").send(text);
      }
      const exact = async (): Promise<Answer<ExactCell>> =>
        system ? exactAnswer(await plain()) : await askSealedExact(place, query, bounds);
      const { body: bytes } = await answerFile(format, { plain, exact }, limit);
      return await sendFile(reply, bytes, format);
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
    if (type === "application/vnd.apache.arrow.stream") return "arrow";
    if (type === "application/json" || type === "*/*") return "json";
  }
  return "json";
}

/** Sends a file, and waits until all of it is out. */
async function sendFile(reply: FastifyReply, body: Body, format: FileForm): Promise<FastifyReply> {
  reply.headers({
    "content-type": `${routes.sqlTypes[format]}${format === "csv" ? "; charset=utf-8" : ""}`,
    "content-disposition": `attachment; filename="answer.${format === "arrow" ? "arrows" : format}"`,
  });
  const stream = Readable.from(body, { objectMode: false });
  const over = new Promise<void>((resolve) => stream.once("close", resolve));
  void reply.send(stream);
  await over;
  return reply;
}
