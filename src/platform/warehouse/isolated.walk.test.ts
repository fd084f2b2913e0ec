// A query that somebody else wrote is stopped at once and never takes more than its memory, whatever it does.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { askLakeIsolated, type LakeTable, openWarehouse } from "./index.ts";

const tables: readonly LakeTable[] = [
  {
    name: "sales",
    about: "",
    open: async () => ({
      columns: [
        { name: "item", type: "text" },
        { name: "units", type: "number" },
      ],
      places: [
        {
          part: {
            id: "june",
            columns: [
              { name: "item", type: "text" },
              { name: "units", type: "number" },
            ],
            read: async () => ({
              columns: ["item", "units"],
              batches: (async function* () {
                for (const from of [0, 3_000]) {
                  const rows = Array.from({ length: 3_000 }, (_, at) => [`item ${(from + at) % 7}`, String(from + at)]);
                  yield { rows, lines: rows.map((_row, at) => from + at + 1) };
                }
              })(),
            }),
          },
          constants: {},
        },
      ],
    }),
  },
];

async function rowsOf(sql: string, options: Parameters<typeof askLakeIsolated>[2] = {}): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const batch of (await askLakeIsolated(tables, sql, options)).batches) rows.push(...batch);
  return rows;
}

/** The processes that this one has started and that still run. */
function children(): string[] {
  if (process.platform !== "linux") return [];
  return readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter((pid) => {
      try {
        return /^[^Z].*isolated-job/.test(execFileSync("ps", ["-o", "stat=,args=", "-p", pid], { encoding: "utf8" }));
      } catch {
        return false;
      }
    });
}

describe("a query in a process of its own", () => {
  it("gets the rows of tables read here, and gives its own in batches", async () => {
    expect(await rowsOf("select count(*), sum(units), [1, 2], {'a': NULL} from sales")).toEqual([[6_000, 17_997_000, [1, 2], { a: null }]]);
    await expect(rowsOf("select nothing from sales")).rejects.toMatchObject({
      kind: "input",
      code: "WAREHOUSE_SQL",
      facts: { line: 1, column: 8 },
    });
  });

  it.each([
    ["a text of 2 GB", "select repeat('x', 2000000000)"],
    ["many texts of 50 MB", "select repeat('x', 50000000) from range(100)"],
    ["a list of 100 million numbers", "select list(i) from range(100000000) t(i)"],
    ["texts that double", "with recursive r(t) as (select 'x' union all select t || t from r) select max(length(t)) from r"],
    ["all rows in order", "select i, repeat('y', 200) from range(20000000) t(i) order by hash(i)"],
  ])("is ended by its memory: %s", async (_what, sql) => {
    await expect(rowsOf(sql, { maxMemoryMb: 128 })).rejects.toMatchObject({
      kind: "input",
      code: "WAREHOUSE_OUT_OF_MEMORY",
      message: expect.stringContaining("128 MB"),
    });
  });

  it("is refused rows that are too large, by the row", async () => {
    await expect(rowsOf("select repeat('x', 80000000)")).rejects.toMatchObject({ kind: "input", code: "WAREHOUSE_ROW_TOO_LARGE" });
    const warehouse = await openWarehouse({ kind: "duckdb" });
    const table = await warehouse.query("select repeat('x', 80000000) as t");
    await expect(table.batches[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "WAREHOUSE_ROW_TOO_LARGE" });
    await warehouse.close();
  });

  it("is over at once when it is stopped, and leaves no process", async () => {
    const stop = new AbortController();
    const asking = rowsOf("select count(*) from range(100000000) a(i), range(100000000) b(j) where i + j = 7", { signal: stop.signal });
    asking.catch(() => undefined);
    setImmediate(() => stop.abort(new Error("enough")));
    await expect(asking).rejects.toThrow("enough");
    const left = (await askLakeIsolated(tables, "from range(1000000)")).batches;
    for await (const _rows of left) break;
    while (children().length > 0) await new Promise(setImmediate);
    expect(children()).toEqual([]);
  });
});
