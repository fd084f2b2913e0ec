// A lake that reads only what a query needs answers as one that holds everything, whether its parts lie as Parquet in memory or come by rows.

import { readdir } from "node:fs/promises";
import process from "node:process";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { gather } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import { writeTable, type Cell } from "../formats/index.ts";
import { makeRandom } from "../random.ts";
import { askLake, askLakeIsolated, openLake, type LakeColumn, type LakePart, type LakeTable } from "./index.ts";
import { openMemoryFiles } from "./memory-files.ts";

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

const rowPart = (id: string, rows: readonly (readonly string[])[]): LakePart => ({
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

/** Rows as a Parquet file of the columns that they have. */
async function parquetOf(rows: readonly (readonly string[])[], timestamp: "timestamp" | "text" = "timestamp"): Promise<Uint8Array> {
  const own = columns.slice(0, -1);
  const cells = rows.map((row) =>
    own.map(({ type }, at): Cell => {
      const text = row[at] ?? "";
      return text === "" ? null : type === "number" ? Number(text) : type === "timestamp" ? text.replace(" ", "T") : text;
    }),
  );
  const batches = (async function* () {
    yield cells;
  })();
  const types = Object.fromEntries(own.map(({ name, type }) => [name, type === "timestamp" ? timestamp : type]));
  return await gather(writeTable(batches, { format: "parquet", columns: own.map(({ name }) => name), types }));
}

async function* bodyOf(bytes: Uint8Array) {
  yield bytes;
}

const filePart = (id: string, rows: readonly (readonly string[])[], timestamp?: "timestamp" | "text"): LakePart => {
  const { read, ...part } = rowPart(id, rows);
  return {
    ...part,
    read: async (only, signal) => {
      opened = opened.filter((one) => one !== id);
      return await read(only, signal);
    },
    memory: async (files) => {
      opened.push(id);
      const bytes = await parquetOf(rows, timestamp);
      return await files.lease(id, () => bodyOf(bytes));
    },
  };
};

type Lying = "as rows" | "as files" | "as files of earlier versions" | "in both ways";

const partOf = (lying: Lying, at: number, id: string, rows: readonly (readonly string[])[]): LakePart => {
  if (lying === "as rows" || (lying === "in both ways" && at % 3 === 0)) return rowPart(id, rows);
  return filePart(id, rows, lying === "as files of earlier versions" ? "text" : "timestamp");
};

const placesOf = (lying: Lying) =>
  ["tea", "it's"].flatMap((group) =>
    months.map(({ from, to, rows }, at) => ({
      part: partOf(lying, at, `${group} ${from}`, rows),
      constants: { dataset_group: group, month_starting: from, nothing: null },
      range: { column: "timestamp", from, to },
    })),
  );

const viewOf = (lying: Lying): LakeTable => ({
  name: "view",
  about: "",
  open: async () => ({
    columns: [
      ...columns,
      { name: "month_starting", type: "date" },
      { name: "dataset_group", type: "text" },
      { name: "nothing", type: "text" },
    ],
    places: placesOf(lying),
  }),
});
const empty: LakeTable = { name: "empty", about: "", open: async () => ({ columns, places: [] }) };

const gathered = async ({ batches }: { readonly batches: AsyncIterable<readonly unknown[]> }): Promise<unknown[]> => {
  const rows: unknown[] = [];
  for await (const batch of batches) rows.push(...batch);
  return rows;
};

const ask = async (sql: string, { lying = "as files", signal }: { lying?: Lying; signal?: AbortSignal } = {}): Promise<unknown[]> => {
  opened = [];
  return await gathered(await askLake([viewOf(lying), empty], sql, { signal }));
};

describe.each<Lying>(["as rows", "as files", "as files of earlier versions", "in both ways"])(
  "every query over parts %s answers as over the whole",
  (lying) => {
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
        await whole.run(
          "create table empty (timestamp timestamp, identifier varchar, metric double, p10 double, p50 double, absent double)",
        );
        for (const { constants } of placesOf(lying)) {
          const rows = months.find(({ from }) => from === constants.month_starting)?.rows ?? [];
          const text = (value: string): string => (value === "" ? "null" : `'${value.replaceAll("'", "''")}'`);
          const values = rows.map(
            (row) => `(${row.map(text).join(", ")}, null, '${constants.month_starting}', ${text(constants.dataset_group)}, null)`,
          );
          await whole.run(`insert into view values ${values.join(", ")}`);
        }
        const expected = (await whole.runAndReadAll(`select * from (${sql})`)).getRowsJson();
        const answered = await ask(sql, { lying });
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
  },
);

describe("a lake", () => {
  it("reads a part once, however often it stands in the query", async () => {
    await ask(
      "select count(*) from view a, view b, view c where a.month_starting = '2026-01-01' and b.month_starting = '2026-01-01' and c.metric < 1",
    );
    expect(new Set(opened).size).toBe(opened.length);
  });

  it("stops when it is told to", async () => {
    await expect(ask("select count(*) from view", { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    const stop = new AbortController();
    const asked = ask("select count(*) from range(100000000) a, range(100000000) b where a.range * b.range % 7 = 3", {
      signal: stop.signal,
    });
    stop.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
  });

  it("refuses rows that do not fit", async () => {
    const long = rowPart(
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
    const bad = rowPart("bad part", [["2026-01-01", "a", "many", "", ""]]);
    const table: LakeTable = { name: "bad", about: "", open: async () => ({ columns, places: [{ part: bad, constants: {} }] }) };
    await expect(askLake([table], "select sum(metric) from bad")).rejects.toMatchObject({
      code: "LAKE_VALUE",
      facts: { part: "bad part" },
    });
  });
});

describe("parts in memory files", () => {
  const tableOf = (part: LakePart): LakeTable => ({
    name: "sales",
    about: "",
    open: async () => ({ columns, places: [{ part, constants: { group: "tea" } }] }),
  });
  const rows = [["2026-01-01T00:00:00", "a", "1", "", ""]];
  const descriptors = async (): Promise<number> => (await readdir("/proc/self/fd")).length;
  const isLinux = process.platform === "linux";

  it("are read by nobody who may not read them now, although an earlier query had them", async () => {
    let isAllowed = true;
    const part = filePart("p", rows);
    const guarded: LakePart = {
      ...part,
      memory: async (files, signal) => {
        if (!isAllowed) throw new StockroomError("denied", "VAULT_DENIED", "Expected a grant.");
        return await part.memory?.(files, signal);
      },
    };
    const lake = openLake();
    const sql = "select count(*) from sales";
    expect(await gathered(await lake.ask([tableOf(guarded)], sql))).toEqual([[1]]);
    isAllowed = false;
    await expect(lake.ask([tableOf(guarded)], sql)).rejects.toMatchObject({ code: "VAULT_DENIED" });
    await expect(lake.askIsolated([tableOf(guarded)], sql)).rejects.toMatchObject({ code: "VAULT_DENIED" });
    await lake.close();
  });

  it("answer many queries at once, each for itself, and leave nothing open", async () => {
    await ask("select 1");
    const before = isLinux ? await descriptors() : 0;
    const lake = openLake();
    const tables = [viewOf("as files"), empty];
    const answers = await Promise.all(
      Array.from({ length: 12 }, async (_, at) =>
        gathered(await lake.ask(tables, `select count(*) from view where month_starting = '2026-0${1 + (at % 4)}-01' and metric >= 0`)),
      ),
    );
    expect(answers).toEqual(answers.map(() => [[80]]));
    await expect(lake.ask(tables, "select nonsense from view")).rejects.toMatchObject({ code: "WAREHOUSE_SQL" });
    expect(await gathered(await lake.ask(tables, "select count(*) from view"))).toEqual([[640]]);
    await lake.close();
    await expect.poll(async () => (isLinux ? await descriptors() : 0)).toBeLessThanOrEqual(before);
  });

  it("of another part under the same tables are another answer", async () => {
    const lake = openLake();
    const sql = "select sum(metric) from sales";
    expect(await gathered(await lake.ask([tableOf(filePart("v1", rows))], sql))).toEqual([[1]]);
    expect(await gathered(await lake.ask([tableOf(filePart("v2", [["2026-01-01T00:00:00", "a", "2", "", ""]]))], sql))).toEqual([[2]]);
    expect(await gathered(await lake.ask([tableOf(filePart("v1", rows))], sql))).toEqual([[1]]);
    await lake.close();
  });

  it.skipIf(!isLinux)("are all that a query can open, and not by asking the settings either", async () => {
    for (const path of ["/etc/hostname", "/proc/self/environ", "/proc/self/fd/0", `/proc/${process.pid}/fd/0/../../environ`]) {
      await expect(ask(`select * from read_text('${path}'), (select count(*) from view)`)).rejects.toMatchObject({ code: "WAREHOUSE_SQL" });
    }
    const [[paths]] = (await ask("select current_setting('allowed_paths')::varchar from view limit 1")) as [[string]];
    expect(paths).not.toMatch(/shm|[a-z]{5}\./);
  });

  it("count as memory of the query, and are given up to rows where there is no room for a file", async () => {
    const many = Array.from({ length: 60_000 }, (_, at) => [
      "2026-01-01T00:00:00",
      `${at * 7919} ${random.next()} ${random.next()}`,
      "1",
      "",
      "",
    ]);
    const lake = openLake();
    await expect(
      lake.ask([tableOf(filePart("many", many))], "select count(distinct identifier) from sales", { maxMemoryMb: 33 }),
    ).rejects.toMatchObject({
      code: "WAREHOUSE_OUT_OF_MEMORY",
    });
    await lake.close();
    const nowhere: LakePart = { ...rowPart("nowhere", rows), memory: async () => undefined };
    expect(await gathered(await askLake([tableOf(nowhere)], "select count(*) from sales"))).toEqual([[1]]);
    expect(await gathered(await askLakeIsolated([tableOf(nowhere)], "select count(*) from sales"))).toEqual([[1]]);
  });

  it("reach a process of its own", async () => {
    opened = [];
    expect(await gathered(await askLakeIsolated([viewOf("as files")], "select sum(metric) > 0, count(*) from view"))).toEqual([
      [true, 640],
    ]);
    expect(opened).toHaveLength(16);
  });
});

describe("memory files", () => {
  const file = (size: number) => () => bodyOf(new Uint8Array(size).fill(7));

  it("are kept for the next while they fit, the longest unused going first, and never while they are used", async () => {
    const files = openMemoryFiles({ maxBytes: 250 });
    const used = await files.lease("used", file(200));
    const serials: (number | undefined)[] = [];
    for (const id of ["a", "b", "c"]) {
      const lease = await files.lease(id, file(100));
      serials.push(lease?.file.serial);
      lease?.release();
      lease?.release();
    }
    const again = await files.lease("c", file(100));
    const gone = await files.lease("a", file(100));
    expect(again?.file.serial).toBe(serials[2]);
    expect(gone === undefined || gone.file.serial !== serials[0]).toBe(true);
    expect((await files.lease("used", file(1)))?.file.serial).toBe(used?.file.serial);
    await files.close();
  });

  it("are made once for all who want them, and again after a failure that was another's", async () => {
    const files = openMemoryFiles();
    let reads = 0;
    const read = async function* () {
      reads += 1;
      if (reads === 1) throw new Error("cut");
      yield new Uint8Array(10);
    };
    const asked = await Promise.allSettled([files.lease("x", read), files.lease("x", read), files.lease("x", read)]);
    expect(asked.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(reads).toBe(process.platform === "linux" ? 2 : 3);
    await files.close();
  });
});
