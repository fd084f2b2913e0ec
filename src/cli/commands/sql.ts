// sql: read-only questions, to what modules keep sealed in the store, or with --system to the app's own tables.
//
// The command reads its words and prints; what makes a question safe is the warehouse's: the sealed tables are asked in memory, in a process of
// its own (warehouse/isolated.ts), the app's tables read-only on the server (warehouse/read-only.ts).

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, readWhole } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { writeTable } from "../../platform/formats/index.ts";
import { firstRows, gatherRows, plainCell, type Answer, type AnswerCell } from "../../platform/warehouse/index.ts";
import { askSealed, askSystem, listTables } from "../../server/ask.ts";
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
        const place = { ...app, actor: operatorAtShell("sql") };
        if (args.query === undefined) return await listTables(place, { ...bounds, limit: 10_000 }, args.system !== true);
        if (args.system === true) return await askSystem(app.database, args.query, { ...bounds, limit: Math.min(limit, 1_000_000) });
        const progress = tools.progress("reading");
        return await askSealed(place, args.query, bounds, (done, total) => progress.update(done, total, "objects")).finally(() =>
          progress.end(),
        );
      };
      const answer = firstRows(await ask(), limit);
      await show(tools, answer, { csv, json, maxMemoryMb });
      if (answer.isCut()) tools.print.say(`There are more rows; these are the first ${limit}. Raise --limit for more.`);
    },
  });

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
