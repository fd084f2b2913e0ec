// A lake that reads only what a query needs answers as one that holds everything.

import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { makeRandom } from "../random.ts";
import { askLake, type LakeColumn, type LakePart, type LakeTable } from "./index.ts";

const columns: readonly LakeColumn[] = [
  { name: "timestamp", type: "timestamp" },
  { name: "identifier", type: "text" },
  { name: "metric", type: "number" },
  { name: "p10", type: "number" },
  { name: "p50", type: "number" },
  { name: "absent", type: "number" },
];

const random = makeRandom(7);
const months = Array.from({ length: 8 }, (_, month) => ({
  from: new Date(Date.UTC(2026, month, 1)).toISOString().slice(0, 10),
  to: new Date(Date.UTC(2026, month + 1, 1)).toISOString().slice(0, 10),
  rows: Array.from({ length: 40 }, (_, row) => [
    new Date(Date.UTC(2026, month, 1 + (row % 28), row % 24)).toISOString().slice(0, 19).replace("T", " "),
    row % 9 === 0 ? "" : `item '${row % 5}'`,
    String(Math.floor(random.next() * 50)),
    random.next() < 0.5 ? "" : String(Math.floor(random.next() * 50)),
    row % 7 === 0 ? "" : String(Math.floor(random.next() * 50)),
  ]),
}));

let opened: string[] = [];

const partOf = (id: string, rows: readonly (readonly string[])[]): LakePart => ({
  id,
  columns,
  // Other columns than were asked for do no harm, and `absent` is not there.
  read: async () => {
    opened.push(id);
    return {
      columns: columns.slice(0, -1).map(({ name }) => name),
      batches: (async function* () {
        yield { rows, lines: rows.map((_, at) => at + 1) };
      })(),
    };
  },
});

const places = ["tea", "it's"].flatMap((group) =>
  months.map(({ from, to, rows }) => ({
    part: partOf(`${group} ${from}`, rows),
    constants: { dataset_group: group, month_starting: from, nothing: null },
    range: { column: "timestamp", from, to },
  })),
);

const view: LakeTable = {
  name: "view",
  about: "",
  open: async () => ({
    columns: [
      ...columns,
      { name: "month_starting", type: "date" },
      { name: "dataset_group", type: "text" },
      { name: "nothing", type: "text" },
    ],
    places,
  }),
};
const empty: LakeTable = { name: "empty", about: "", open: async () => ({ columns, places: [] }) };

const ask = async (sql: string, signal?: AbortSignal, maxMemoryMb?: number): Promise<unknown[]> => {
  opened = [];
  const answer = await askLake([view, empty], sql, { signal, maxMemoryMb });
  const rows: unknown[] = [];
  for await (const batch of answer.batches) rows.push(...batch);
  return rows;
};

describe("every query answers as over the whole", () => {
  const queries: readonly (readonly [sql: string, parts: number])[] = [
    ["select * from view order by all", 16],
    ["select count(*) from view", 16],
    ["select count(*) from view where dataset_group = 'tea'", 8],
    ["select identifier, sum(metric) from view where month_starting = '2026-03-01' group by all order by all", 2],
    ["select metric from view where month_starting in ('2026-03-01', '2026-05-01') and dataset_group = 'it''s' order by all", 2],
    ["select max(p50) from view where timestamp >= '2026-07-10'", 4],
    ["select sum(p10) from view where timestamp between '2026-02-03' and '2026-03-04' and p50 is not null", 4],
    ["select count(*) from view where date_trunc('month', timestamp) = '2026-05-01'", 2],
    ["select count(*) from view where month_starting > '2030-01-01'", 0],
    ["select count(*) from view where nothing is not null", 0],
    ["select count(*) from view where nothing is null and absent is null", 16],
    ["select count(*) from view where identifier like '%3%' or p10 > 30", 16],
    ["select count(*) from view where identifier is null", 16],
    [
      "select a.identifier, count(*) from view a join view b using (identifier, dataset_group) where a.month_starting = '2026-01-01' and b.month_starting = '2026-02-01' group by all order by all",
      4,
    ],
    [
      "select month_starting, (select count(*) from view b where b.metric > a.metric and b.month_starting = '2026-01-01') as n from view a where a.month_starting = '2026-08-01' order by all",
      4,
    ],
    ["select count(*) from view where p50 > (select avg(p10) from view where month_starting = '2026-04-01')", 16],
    ["select v from (select view as v from view where month_starting = '2026-06-01') order by all", 2],
    ["with x as materialized (select * from view) select count(*) from x where month_starting = '2026-01-01'", 2],
    ["select count(*) from (from view union all from view) where month_starting = '2026-02-01'", 2],
    ["select month_starting, rank() over (order by sum(metric)) from view group by month_starting order by all", 16],
    ["select count(*) from view where metric in (select p10 from view where dataset_group = 'tea')", 16],
    ["select count(*) from empty right join view on empty.metric = view.metric", 16],
    ["from view select columns('p.*') where month_starting = '2026-01-01' order by all", 2],
    ["select count(*) from view left join empty using (identifier) where empty.metric is null", 16],
    ["select 1 where exists (from empty)", 0],
  ];

  it.each(queries)("%s", async (sql, parts) => {
    const instance = await DuckDBInstance.create(":memory:");
    const whole = await instance.connect();
    try {
      await whole.run(
        "create table view (timestamp timestamp, identifier varchar, metric double, p10 double, p50 double, absent double, month_starting date, dataset_group varchar, nothing varchar)",
      );
      await whole.run("create table empty (timestamp timestamp, identifier varchar, metric double, p10 double, p50 double, absent double)");
      for (const { constants } of places) {
        const rows = months.find(({ from }) => from === constants.month_starting)?.rows ?? [];
        const text = (value: string): string => (value === "" ? "null" : `'${value.replaceAll("'", "''")}'`);
        const values = rows.map(
          (row) => `(${row.map(text).join(", ")}, null, '${constants.month_starting}', ${text(constants.dataset_group)}, null)`,
        );
        await whole.run(`insert into view values ${values.join(", ")}`);
      }
      const expected = (await whole.runAndReadAll(`select * from (${sql})`)).getRowsJson();
      const answered = await ask(sql);
      // Both as text: one writes 3 where the other writes 3.0, and timestamps with a T.
      const plain = (rows: unknown): string =>
        JSON.stringify(rows)
          .replaceAll(/(\d{4}-\d\d-\d\d)T/g, "$1 ")
          .replaceAll(/"(-?\d+)"/g, "$1");
      expect(plain(answered)).toBe(plain(expected));
      expect(opened).toHaveLength(parts);
    } finally {
      whole.closeSync();
      instance.closeSync();
    }
  });
});

describe("a lake", () => {
  it("reads a part once, however often it stands in the query", async () => {
    await ask(
      "select count(*) from view a, view b, view c where a.month_starting = '2026-01-01' and b.month_starting = '2026-01-01' and c.metric < 1",
    );
    expect(new Set(opened).size).toBe(opened.length);
  });

  it("stops when it is told to", async () => {
    await expect(ask("select count(*) from view", AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    const stop = new AbortController();
    const asked = ask("select count(*) from range(100000000) a, range(100000000) b where a.range * b.range % 7 = 3", stop.signal);
    stop.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
  });

  it("refuses rows that do not fit", async () => {
    const long = partOf(
      "long",
      Array.from({ length: 20_000 }, (_, at) => ["2026-01-01", `${at} ${"long ".repeat(1_000)}`, "1", "", ""]),
    );
    const table: LakeTable = { name: "long", about: "", open: async () => ({ columns, places: [{ part: long, constants: {} }] }) };
    await expect(askLake([table], "select max(identifier) from long", { maxMemoryMb: 32 })).rejects.toMatchObject({
      kind: "input",
      code: "WAREHOUSE_OUT_OF_MEMORY",
      message: expect.stringContaining("32 MB"),
    });
  });

  it("says which part holds what is no number", async () => {
    const bad = partOf("bad part", [["2026-01-01", "a", "many", "", ""]]);
    const table: LakeTable = { name: "bad", about: "", open: async () => ({ columns, places: [{ part: bad, constants: {} }] }) };
    await expect(askLake([table], "select sum(metric) from bad")).rejects.toMatchObject({
      code: "LAKE_VALUE",
      facts: { part: "bad part" },
    });
  });
});
