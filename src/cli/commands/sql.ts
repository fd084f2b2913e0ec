// sql: read-only questions, to what modules keep sealed in the store, or with --system to the app's own tables.
//
// The command reads its words and prints; what makes a question safe is the warehouse's: the sealed tables are asked in memory, in a process of
// its own (warehouse/isolated.ts), the app's tables read-only on the server (warehouse/read-only.ts).

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, readChoice, readWhole } from "../../platform/command/flags.ts";
import { withProgress } from "../../platform/command/output.ts";
import { StockroomError } from "../../platform/errors.ts";
import { firstRows, gatherRows, plainCell, type Answer, type AnswerCell, type ExactCell } from "../../platform/warehouse/index.ts";
import { answerFile, fileForms, type FileForm } from "../../server/answer-file.ts";
import { askSealed, askSealedExact, askSystem, exactAnswer, listTables } from "../../server/ask.ts";
import { operatorAtShell } from "../tools.ts";
import type { AskedServer } from "../server.ts";
import type { Tools } from "../tools.ts";
import { bodyOf } from "./file-io.ts";

const usualLimit = 1_000;
/** Of Stockroom's own tables: their rows stand in memory before the first is printed. */
const mostSystemRows = 1_000_000;

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
      csv: { type: "boolean", description: "Print CSV; as --format csv" },
      json: jsonFlag,
      format: {
        type: "string",
        description: "One of csv, parquet or arrow (an Arrow stream): the answer as a file; all but csv are bytes for a file or a pipe",
        valueHint: "form",
      },
      limit: {
        type: "string",
        description: `At most so many rows (default ${usualLimit}; of a file all; with --system at most ${mostSystemRows})`,
        valueHint: "n",
      },
      timeout: { type: "string", description: "Seconds until the query is ended", default: "300", valueHint: "s" },
      memory: {
        type: "string",
        description: "Megabytes that rows may take; what does not fit is refused",
        default: "1024",
        valueHint: "MB",
      },
    },
    run: async ({ args }) => {
      const { json, system = false } = args;
      const form = readForm(args, tools);
      if (form !== undefined && json)
        throw new StockroomError("input", "USAGE", "Expected --json or a file but received both. Choose one.");
      const usual = form === undefined ? usualLimit : Number.POSITIVE_INFINITY;
      const wanted = args.limit === undefined ? usual : readWhole("--limit", args.limit, 1, 1e9);
      const limit = system ? Math.min(wanted, mostSystemRows) : wanted;
      const timeoutS = readWhole("--timeout", args.timeout, 1, 86_400);
      const maxMemoryMb = readWhole("--memory", args.memory, 64, 1_000_000);
      const more = (isCut: boolean): void => {
        if (!isCut) return;
        const remedy = system && limit === mostSystemRows ? "Narrow the query for the others." : "Raise --limit for more.";
        tools.print.say(`There are more rows; these are the first ${limit}. ${remedy}`);
      };
      const server = await tools.server();
      if (server !== undefined) {
        more(await askThere(tools, server, { query: args.query, system, form, json, limit, timeoutS, maxMemoryMb }));
        return;
      }
      const app = await tools.open();
      const bounds = { timeoutS, maxMemoryMb, own: app.database.about().kind === "embedded", signal: tools.signal };
      const place = { ...app, actor: operatorAtShell("sql") };
      const sealed = async <T>(ask: (query: string, onPart: (done: number, total: number) => void) => Promise<T>): Promise<T> =>
        await withProgress(
          tools,
          "reading",
          async (progress) => await ask(args.query ?? "", (done, total) => progress.update(done, total, "objects")),
        );
      const isListed = args.query === undefined;
      const plain = async (): Promise<Answer> => {
        if (args.query === undefined) return await listTables(place, { ...bounds, limit: 10_000 }, !system);
        if (system) return await askSystem(app.database, args.query, { ...bounds, limit });
        return await sealed(async (query, onPart) => await askSealed(place, query, bounds, onPart));
      };
      const exact = async (): Promise<Answer<ExactCell>> =>
        isListed || system
          ? exactAnswer(await plain())
          : await sealed(async (query, onPart) => await askSealedExact(place, query, bounds, onPart));
      if (form !== undefined) {
        const { body, isCut } = await answerFile(form, { plain, exact }, limit);
        for await (const bytes of body) await tools.print.bytes(bytes);
        more(isCut());
        return;
      }
      const answer = firstRows(await plain(), limit);
      show(tools, answer.columns, await gatherRows(answer, maxMemoryMb), json);
      more(answer.isCut());
    },
  });

/** The form of a file that is wanted; what is not text is refused where a person would see it. */
function readForm(
  { format, csv = false }: { readonly format?: string | undefined; readonly csv?: boolean | undefined },
  { print }: Tools,
): FileForm | undefined {
  const known = format === undefined ? (csv ? "csv" : undefined) : readChoice("--format", format, fileForms);
  if (csv && known !== "csv")
    throw new StockroomError("input", "USAGE", `Expected --csv or --format ${known} but received both. Choose one.`);
  if (known !== undefined && known !== "csv" && print.isTerminal) {
    throw new StockroomError(
      "input",
      "USAGE",
      `Expected a file or a pipe to write ${known} to but the output is a terminal. Add > answer.${known}, or ask for --csv.`,
    );
  }
  return known;
}

/** Prints rows as a table or JSON. */
function show({ print }: Tools, columns: readonly string[], rows: readonly (readonly AnswerCell[])[], json: boolean): void {
  if (json) print.json(rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at] ?? null]))));
  else {
    const cells = columns.map((name, at) => [name, (row: readonly AnswerCell[]) => plainCell(row[at] ?? null)] as const);
    print.table(rows, { json: false, empty: "no rows", columns: Object.fromEntries(cells) });
  }
}

interface Wanted {
  readonly query: string | undefined;
  readonly system: boolean;
  readonly form: FileForm | undefined;
  readonly json: boolean;
  readonly limit: number;
  readonly timeoutS: number;
  readonly maxMemoryMb: number;
}

/** As large as a server answers (docs/reference/http.md). */
const mostThere = { rows: 1_000_000, timeoutS: 600, memoryMb: 2_048 } as const;

/** Asks a server and prints; gives whether there were more rows. */
async function askThere(tools: Tools, server: AskedServer, { query, system, form, json, limit, ...bounds }: Wanted): Promise<boolean> {
  if (query === undefined) {
    if (form !== undefined) {
      throw new StockroomError(
        "input",
        "USAGE",
        `Expected a query to write as ${form} but there is none: a server lists its tables as text or --json.`,
      );
    }
    const { tables } = await server.call("GET /api/sql");
    const own = tables.filter(({ about }) => !system || about.startsWith("Stockroom's own"));
    show(
      tools,
      ["table", "about", "columns"],
      own.map(({ table, about, columns }) => [table, about, columns]),
      json,
    );
    return false;
  }
  const answer = await server.call("POST /api/sql", {
    body: {
      query,
      system,
      format: form ?? "json",
      limit: Math.min(limit, mostThere.rows),
      timeoutSeconds: Math.min(bounds.timeoutS, mostThere.timeoutS),
      memoryMb: Math.min(bounds.maxMemoryMb, mostThere.memoryMb),
    },
  });
  if (form !== undefined) {
    for await (const bytes of bodyOf(answer)) await tools.print.bytes(bytes);
    return false;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as docs/reference/http.md says of the form json
  const { columns, rows, more } = (await answer.json()) as SqlRows;
  show(tools, columns, rows, json);
  return more;
}

interface SqlRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly AnswerCell[])[];
  readonly more: boolean;
}
