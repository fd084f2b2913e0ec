// A target holds what the tables held at one moment, or nothing new; and dashboards on it see only that.

import { execFileSync, spawnSync } from "node:child_process";
import process from "node:process";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../../../test/kit/database.ts";
import { listPart, openLake, type LakeColumn, type LakeTable } from "../warehouse/index.ts";
import { makePublish, publishTo, type PublishSettings } from "./publish.ts";

const hasPsql = spawnSync("psql", ["--version"]).status === 0;

let database: TestDatabase;
let reader: Client;
const lake = openLake();
const { signal } = new AbortController();

beforeAll(async () => {
  database = await testDatabase();
  reader = new Client({ connectionString: database.url });
  await reader.connect();
});

afterEach(async () => {
  await reader.query("drop schema if exists bi cascade");
});

afterAll(async () => {
  await lake.close();
  await reader.end();
  await database.drop();
});

type Row = Readonly<Record<string, string | number | null>>;

const columns: readonly LakeColumn[] = [
  { name: "item", type: "text" },
  { name: "at", type: "timestamp" },
  { name: "units", type: "number" },
];

const tableOf = (name: string, rows: () => readonly Row[], own = columns): LakeTable => ({
  name,
  about: "",
  open: async () => ({
    columns: [...own, { name: "group", type: "text" }, { name: "day", type: "date" }],
    places: [{ part: listPart(name, own, async () => rows()), constants: { group: 'it\'s "tea"', day: "2026-02-03" } }],
  }),
});

const settingsOf = (tables: readonly string[], url = database.url, readers: readonly string[] = []): PublishSettings => ({
  targets: { bi: { url, schema: "bi", tables: [...tables], readers: [...readers] } },
  schedule: "7 * * * *",
});

const publish = async (tables: readonly LakeTable[], settings = settingsOf(tables.map(({ name }) => name))) =>
  await publishTo({ settings, lake, tables: async () => tables }, "bi", { signal });

const sales: readonly Row[] = [
  { item: "a\n\"x\",\t'y'\\N", at: "2026-01-01T00:00:00", units: 1.25 },
  { item: null, at: null, units: null },
  { item: "NULL", at: "2026-01-02T03:04:05", units: -0.1 },
  { item: "é😀", at: "2026-01-02", units: 1e15 },
];

describe.each(["postgres", "redshift"])("a target of %s", (scheme) => {
  const url = (): string => database.url.replace(/^postgres(ql)?:/, `${scheme}:`);

  it("has every value as it is, with constants and types", async () => {
    const table = tableOf("sales", () => sales);
    expect(await publish([table], settingsOf(["sales"], url()))).toEqual([{ table: "sales", rows: 4, isNew: true }]);
    const { rows } = await reader.query(`select item, at::text, units, "group", day::text from bi.sales order by units nulls first`);
    expect(rows).toEqual([
      { item: null, at: null, units: null, group: 'it\'s "tea"', day: "2026-02-03" },
      { item: "NULL", at: "2026-01-02 03:04:05", units: -0.1, group: 'it\'s "tea"', day: "2026-02-03" },
      { item: "a\n\"x\",\t'y'\\N", at: "2026-01-01 00:00:00", units: 1.25, group: 'it\'s "tea"', day: "2026-02-03" },
      { item: "é😀", at: "2026-01-02 00:00:00", units: 1e15, group: 'it\'s "tea"', day: "2026-02-03" },
    ]);
  });

  it("has many rows, in pieces", async () => {
    const many = Array.from({ length: 9_001 }, (_, at) => ({ item: `i${at}`, at: "2026-01-01", units: at }));
    await publish([tableOf("sales", () => many)], settingsOf(["sales"], url()));
    const { rows } = await reader.query("select count(*)::int as n, count(distinct item)::int as d, sum(units) as s from bi.sales");
    expect(rows).toEqual([{ n: 9_001, d: 9_001, s: (9_000 * 9_001) / 2 }]);
  });
});

describe("publishing", () => {
  it("writes only what changed, and keeps views and rights on the tables", async () => {
    let rows = sales;
    const tables = [tableOf("sales", () => rows), tableOf("items", () => [])];
    await publish(tables);
    await reader.query("create view bi.big as select * from bi.sales where units > 1");
    expect(await publish(tables)).toEqual([
      { table: "sales", rows: 4, isNew: false },
      { table: "items", rows: 0, isNew: false },
    ]);
    rows = [{ item: "z", at: null, units: 7 }];
    expect((await publish(tables)).map(({ isNew }) => isNew)).toEqual([true, false]);
    expect((await reader.query("select item from bi.big")).rows).toEqual([{ item: "z" }]);
  });

  it("shows readers all of the old until all of the new is there", async () => {
    let rows: readonly Row[] = [{ item: "old", at: null, units: 1 }];
    const tables = [tableOf("sales", () => rows), tableOf("items", () => rows)];
    await publish(tables);
    rows = [{ item: "new", at: null, units: 2 }];
    // The second table fails on its way; nothing of the first may stand.
    const broken: LakeTable = {
      ...tableOf("items", () => rows),
      open: async () => ({
        columns,
        places: [{ part: { id: "broken", columns, read: async () => Promise.reject(new Error("cut")) }, constants: {} }],
      }),
    };
    await expect(publish([tables[0] ?? broken, broken])).rejects.toThrow("cut");
    expect((await reader.query("select item from bi.sales")).rows).toEqual([{ item: "old" }]);
    await publish(tables);
    expect((await reader.query("select item from bi.sales union all select item from bi.items")).rows).toEqual([
      { item: "new" },
      { item: "new" },
    ]);
  });

  it("adds columns, keeps those that went, and refuses one of another type by name", async () => {
    await publish([tableOf("sales", () => sales)]);
    const wider = [...columns, { name: "price", type: "number" } as const].filter(({ name }) => name !== "at");
    await publish([tableOf("sales", () => [{ item: "b", units: 1, price: 2 }], wider)]);
    expect((await reader.query("select item, at, units, price from bi.sales")).rows).toEqual([{ item: "b", at: null, units: 1, price: 2 }]);
    const other = columns.map((column) => (column.name === "units" ? ({ name: "units", type: "text" } as const) : column));
    await expect(publish([tableOf("sales", () => [], other)])).rejects.toMatchObject({
      code: "PUBLISH_COLUMN",
      message: expect.stringContaining("units"),
    });
  });

  it("says what is wrong with settings, rights and the server, and never the password", async () => {
    await expect(publish([tableOf("sales", () => sales)], settingsOf(["sale"]))).rejects.toMatchObject({
      code: "PUBLISH_TABLE_UNKNOWN",
      message: expect.stringContaining("Did you mean sales?"),
    });
    const nobody = await publish([tableOf("sales", () => sales)], settingsOf(["sales"], "postgres://u:geheim@127.0.0.1:1/x")).catch(
      (thrown: unknown) => thrown,
    );
    expect(nobody).toMatchObject({ kind: "busy", code: "PUBLISH_UNREACHABLE" });
    expect(JSON.stringify(nobody) + String(nobody)).not.toContain("geheim");
    await reader.query("drop role if exists weak_publisher; create role weak_publisher login password 'geheim'");
    try {
      const url = new URL(database.url);
      url.username = "weak_publisher";
      url.password = "geheim";
      await reader.query("create schema bi");
      await expect(publish([tableOf("sales", () => sales)], settingsOf(["sales"], url.href))).rejects.toMatchObject({
        kind: "denied",
        code: "PUBLISH_DENIED",
      });
      await reader.query("grant usage, create on schema bi to weak_publisher");
      await publish([tableOf("sales", () => sales)], settingsOf(["sales"], url.href));
      await reader.query("create role weak_reader; grant usage on schema bi to weak_reader");
      await publish([tableOf("sales", () => [])], settingsOf(["sales"], url.href, ["weak_reader"]));
      expect((await reader.query("select has_table_privilege('weak_reader', 'bi.sales', 'select') as may")).rows).toEqual([{ may: true }]);
    } finally {
      await reader.query("drop schema bi cascade; drop owned by weak_publisher; drop role weak_publisher; drop role if exists weak_reader");
    }
  });

  it("waits for no reader that holds a table up, and is told as busy", async () => {
    await publish([tableOf("sales", () => sales)]);
    const holder = new Client({ connectionString: database.url });
    await holder.connect();
    await holder.query("begin; select * from bi.sales");
    try {
      // A new column needs the table for itself; the rows alone do not.
      await publish([tableOf("sales", () => [])]);
      const wider = tableOf("sales", () => [], [...columns, { name: "price", type: "number" }]);
      const parts = { settings: settingsOf(["sales"]), lake, tables: async () => [wider] };
      await expect(publishTo(parts, "bi", { signal, lockTimeoutMs: 50 })).rejects.toMatchObject({
        kind: "busy",
        code: "PUBLISH_UNREACHABLE",
      });
    } finally {
      await holder.end();
    }
    expect((await reader.query("select count(*)::int as n from bi.sales")).rows).toEqual([{ n: 0 }]);
  });

  it.skipIf(!hasPsql)("is found and read by psql, which asks the catalogue as the drivers of dashboards do", async () => {
    await publish([tableOf("sales", () => sales)]);
    const psql = (...words: readonly string[]): string =>
      execFileSync("psql", [database.url, "--no-psqlrc", "--csv", "--quiet", ...words], {
        encoding: "utf8",
        env: { ...process.env, PGTZ: "UTC" },
      });
    expect(psql("-c", "\\dt bi.*")).toContain("bi,sales,table,");
    const described = psql("-c", "\\d bi.sales");
    for (const column of ["item,text", "at,timestamp without time zone", "units,double precision", "group,text", "day,date"])
      expect(described).toContain(column);
    expect(psql("-c", `select item, units, day from bi.sales where units > 1 and item like 'a%'`)).toBe(
      `item,units,day\n"a\n""x"",\t'y'\\N",1.25,2026-02-03\n`,
    );
  });

  it("goes by itself after events that change tables, one run a target", () => {
    const { subscriptions, schedules } = makePublish({
      settings: settingsOf(["sales"]),
      lake,
      tables: async () => [],
      kinds: ["forecast.exported"],
    });
    expect(subscriptions.map(({ name, kind }) => [name, kind])).toEqual([["publish-bi-forecast.exported", "forecast.exported"]]);
    expect(schedules).toMatchObject([{ name: "publish.bi", input: "bi" }]);
    const none = makePublish({ settings: { targets: {}, schedule: "7 * * * *" }, lake, tables: async () => [], kinds: ["a"] });
    expect([none.subscriptions, none.schedules]).toEqual([[], []]);
  });
});
