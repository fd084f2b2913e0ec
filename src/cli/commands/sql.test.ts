import { expect, test } from "vitest";
import { quietTools } from "../../../test/kit/tools.ts";
import { findCall, runCall } from "../../platform/command/parse.ts";
import type { Tools } from "../tools.ts";
import { sqlCommand } from "./sql.ts";

/** Asks Stockroom's own tables, of which one has so many rows. */
async function ask(rowCount: number, ...words: string[]): Promise<{ readonly said: readonly string[]; readonly bytes: number }> {
  const said: string[] = [];
  let bytes = 0;
  let left = rowCount;
  const tx = {
    query: async (text: string) =>
      await Promise.resolve(text.includes("rolsuper") ? [{ super: false }] : text.includes("pg_backend_pid") ? [{ pid: 0 }] : []),
    table: async (text: string) => {
      const count = Math.min(left, Number(/fetch (\d+)/.exec(text)?.[1]));
      left -= count;
      const columns = [
        { name: "n", oid: 23 },
        { name: "bytes", oid: 23 },
      ];
      return await Promise.resolve({ columns, rows: Array.from({ length: count }, () => [7, null]) });
    },
  };
  const database = {
    about: () => ({ kind: "server" }),
    query: tx.query,
    transaction: async <T>(work: (of: typeof tx) => Promise<T>) => await work(tx),
  };
  const print = {
    say: (text: string) => void said.push(text),
    bytes: async (part: Uint8Array) => {
      bytes += part.length;
      return await Promise.resolve();
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the command asks of the app
  const tools = { ...quietTools(print), open: async () => await Promise.resolve({ database, modules: [] }) } as unknown as Tools;
  await runCall(await findCall({ subCommands: { sql: sqlCommand(tools) } }, ["sql", "--system", "select n", ...words]));
  return { said, bytes };
}

test("what is left out is said, and how to come by it", async () => {
  expect((await ask(4, "--limit", "3")).said).toEqual(["There are more rows; these are the first 3. Raise --limit for more."]);
  expect((await ask(3, "--limit", "3")).said).toEqual([]);
  expect(await ask(1_000_001, "--csv")).toEqual({
    said: ["There are more rows; these are the first 1000000. Narrow the query for the others."],
    bytes: 2 + 2 * 1_000_000,
  });
});

test.each([
  [["--csv", "--format", "parquet"], "Expected --csv or --format parquet but received both. Choose one."],
  [["--format", "arrow", "--json"], "Expected --json or a file but received both. Choose one."],
  [["--format", "xlsx"], 'Expected --format to be csv or parquet or arrow but received "xlsx". Correct it.'],
])("%j is refused", async (words, message) => {
  await expect(ask(0, ...words)).rejects.toMatchObject({ code: "USAGE", message });
});
