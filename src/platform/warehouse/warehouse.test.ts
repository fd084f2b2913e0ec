import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import * as fc from "fast-check";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../../../test/kit/database.ts";
import { isStockroomError } from "../errors.ts";
import { openDuckDB } from "./duckdb.ts";
import { openPostgres } from "./postgres.ts";
import { type QueryOptions, type Warehouse, openWarehouse } from "./index.ts";
import { bindNames, firstWord, placeAt } from "./sql-place.ts";

let folder = "";
let scratch: TestDatabase;
let duck: Warehouse;
let postgres: Warehouse;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "stockroom-warehouse-"));
  scratch = await testDatabase();
  const client = new Client({ connectionString: scratch.url });
  await client.connect();
  await client.query("create table items (id bigint, title text)");
  await client.query("insert into items values (1, 'one')");
  await client.end();
  const file = path.join(folder, "shop.duckdb");
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  await connection.run("create table items (id bigint, title text)");
  await connection.run("insert into items values (1, 'one')");
  connection.closeSync();
  instance.closeSync();
  // In this process: in one of its own (isolated.walk.test.ts) each query takes a third of a second more.
  duck = await openDuckDB({ kind: "duckdb", path: file });
  postgres = openPostgres({ kind: "postgres", url: scratch.url });
});
afterAll(async () => {
  await duck.close();
  await postgres.close();
  await scratch.drop();
  rmSync(folder, { recursive: true });
});

const both = (): readonly Warehouse[] => [duck, postgres];

interface Result {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly lines: readonly number[];
}

async function ask(warehouse: Warehouse, sql: string, options?: QueryOptions): Promise<Result> {
  const table = await warehouse.query(sql, options);
  const rows: (readonly string[])[] = [];
  const lines: number[] = [];
  for await (const batch of table.batches) {
    rows.push(...batch.rows);
    lines.push(...batch.lines);
  }
  return { columns: table.columns, rows, lines };
}

const refusal = (asking: Promise<unknown>): Promise<string> =>
  asking.then(
    () => "answered",
    (thrown: { kind: string; code: string }) => `${thrown.kind} ${thrown.code}`,
  );

describe("the text of a statement", () => {
  it("finds the first word behind comments and brackets", () => {
    expect(["select 1", " -- delete\n (SELECT 1)", "/* drop */WITH a as (select 1) select 1", "", "-- only"].map(firstWord)).toEqual([
      "select",
      "select",
      "with",
      "",
      "",
    ]);
  });

  it("binds names outside of strings and comments, and keeps every place", () => {
    const sql = `select $period, '$period', "$period", $$ $period $$, $t$ $period $t$ -- $period\n, $Other, $period /* $x */`;
    const bound = bindNames(sql, { period: "2026-10", Other: 1, unused: true });
    expect(bound.sql).toBe(`select $1     , '$period', "$period", $$ $period $$, $t$ $period $t$ -- $period\n, $2    , $1      /* $x */`);
    expect(bound.values).toEqual(["2026-10", 1]);
    expect(() => bindNames("select 1,\n $absent", {})).toThrow("no parameter named absent");
    expect(() => bindNames("select $toString", {})).toThrow("no parameter");
  });

  it("counts lines and columns from one", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z ]*$/), { minLength: 1 }), fc.nat(), (lines, pick) => {
        const at = pick % lines.length;
        const offset = lines.slice(0, at).join("\n").length + (at > 0 ? 1 : 0);
        expect(placeAt(lines.join("\n"), offset)).toEqual({ line: at + 1, column: 1 });
      }),
    );
  });
});

describe("rows", () => {
  it("come as canonical text, the same from both", async () => {
    const sql = `select 1 as i, cast(9007199254740993 as bigint) as big, cast('12345678901234567890.50' as decimal(30,2)) as dec,
      cast('-0.05' as decimal(4,2)) as small, cast(0.1 as real) as f, cast(1e-7 as double precision) as d, cast(1e22 as double precision) as e,
      true as b, 'hé"l,lo' as s, cast('2018-08-15' as date) as day, cast('2026-10-31 12:34:56.1234' as timestamp) as ts,
      cast('2026-10-31 14:00:00+02' as timestamptz) as tz, cast('23:59:59.5' as time) as tm, cast(null as text) as n,
      cast('123e4567-e89b-12d3-a456-426614174000' as uuid) as id`;
    for (const warehouse of both()) {
      const result = await ask(warehouse, sql);
      expect(result.columns).toEqual(["i", "big", "dec", "small", "f", "d", "e", "b", "s", "day", "ts", "tz", "tm", "n", "id"]);
      expect(result.rows).toEqual([
        [
          "1",
          "9007199254740993",
          "12345678901234567890.50",
          "-0.05",
          "0.1",
          "0.0000001",
          "10000000000000000000000",
          "true",
          'hé"l,lo',
          "2018-08-15",
          "2026-10-31T12:34:56.1234",
          "2026-10-31T12:00:00Z",
          "23:59:59.5",
          "",
          "123e4567-e89b-12d3-a456-426614174000",
        ],
      ]);
    }
  });

  it("come in batches, counted from one, and take parameters by name", async () => {
    for (const warehouse of both()) {
      const sql = "select cast(i as text) as i from generate_series(1, 5000) t(i) where i <> cast($skip as bigint)";
      const table = await warehouse.query(sql, { parameters: { skip: 3, unused: "x" }, batchRows: 1000 });
      const sizes: number[] = [];
      let last = 0;
      for await (const batch of table.batches) {
        sizes.push(batch.rows.length);
        last = batch.lines.at(-1) ?? 0;
      }
      expect(sizes).toEqual([1000, 1000, 1000, 1000, 999]);
      expect(last).toBe(4999);
      expect(
        (await ask(warehouse, "select title from items where id = $id and title = $t", { parameters: { id: 1, t: "one" } })).rows,
      ).toEqual([["one"]]);
    }
  });

  it("may be none, and may be left early", async () => {
    for (const warehouse of both()) {
      expect(await ask(warehouse, "select id, title from items where id = 99")).toEqual({ columns: ["id", "title"], rows: [], lines: [] });
      const table = await warehouse.query("select i from generate_series(1, 100000) t(i)", { batchRows: 10 });
      for await (const batch of table.batches) {
        expect(batch.rows.length).toBe(10);
        break;
      }
      expect((await ask(warehouse, "select count(*) as n from items")).rows).toEqual([["1"]]);
    }
  });

  it("say which columns came as numbers and which as text", async () => {
    for (const warehouse of both()) {
      const table = await warehouse.query("select 1.250 as kg, 2.5::double precision as price, '1.250' as said, 3 as units");
      for await (const { rows } of table.batches) expect(rows).toEqual([["1.250", "2.5", "1.250", "3"]]);
      expect(table.columns.filter((column) => table.isTyped?.(column))).toEqual(["kg", "price"]);
    }
  });

  it("come from CSV and Parquet files, and as JSON where they are nested", async () => {
    const csv = path.join(folder, "items.csv");
    writeFileSync(csv, "id,title\n1,one\n2,two\n");
    const files = await openWarehouse({ kind: "duckdb" });
    expect((await ask(files, `select title, [id, 2] as l, {'a': id} as s from '${csv}' order by id`)).rows[0]).toEqual([
      "one",
      "[1,2]",
      '{"a":1}',
    ]);
    await files.close();
  });
});

describe("what is refused, and how", () => {
  it("says where wrong SQL is wrong", async () => {
    for (const warehouse of both()) {
      await expect(ask(warehouse, "select id,\n  absent_column\nfrom items")).rejects.toMatchObject({
        kind: "input",
        code: "WAREHOUSE_SQL",
        facts: { line: 2, column: 3 },
        message: expect.stringContaining("absent_column"),
      });
      expect(await refusal(ask(warehouse, "select from where"))).toBe("input WAREHOUSE_SQL");
      expect(await refusal(ask(warehouse, "select * from absent_table"))).toBe("input WAREHOUSE_SQL");
      expect(await refusal(ask(warehouse, "select cast(title as integer) from items"))).toBe("input WAREHOUSE_SQL");
      expect(await refusal(ask(warehouse, "select 1 as a, 2 as a"))).toBe("input TABLE_HEADER_DUPLICATE");
    }
  });

  it("lets nothing through but one SELECT", async () => {
    const target = path.join(folder, "out.csv");
    const wicked = [
      "insert into items values (2, 'two')",
      "delete from items",
      "drop table items",
      "create table more (a integer)",
      `copy (select 1) to '${target}'`,
      "select 1; delete from items",
      "set timezone = 'UTC'",
      "commit",
      "explain analyze delete from items",
      "",
    ];
    for (const warehouse of both()) {
      for (const sql of wicked)
        expect(await refusal(ask(warehouse, sql)), `${warehouse.kind}: ${sql}`).toMatch(/^input WAREHOUSE_(NOT_SELECT|SQL)$/);
      expect((await ask(warehouse, "select count(*) as n from items")).rows).toEqual([["1"]]);
    }
    expect(await refusal(ask(postgres, "with gone as (delete from items returning 1) select * from gone"))).toBe(
      "input WAREHOUSE_NOT_SELECT",
    );
    for (const sql of ["install httpfs", "load httpfs", "attach ':memory:' as other", "pragma enable_profiling", "call pragma_version()"]) {
      expect(`${sql}: ${await refusal(ask(duck, sql))}`).toMatch(/: input WAREHOUSE_/);
    }
    expect(readdirSync(folder)).not.toContain("out.csv");
  });

  it("never lets DuckDB put rows on disk", async () => {
    const before = readdirSync(process.cwd());
    const small = await openWarehouse({ kind: "duckdb", maxMemoryMb: 30 });
    const sql = "select i, md5(i::varchar) as h, md5((i + 1)::varchar) as g from range(3000000) t(i) order by h";
    expect(await refusal(ask(small, sql))).toBe("input WAREHOUSE_OUT_OF_MEMORY");
    expect(await refusal(ask(small, "set temp_directory = '/tmp'"))).toBe("input WAREHOUSE_NOT_SELECT");
    await small.close();
    expect(readdirSync(process.cwd())).toEqual(before);
  });

  it("tells a missing file, database, server and right apart, and never says a password", async () => {
    expect(await refusal(openWarehouse({ kind: "duckdb", path: path.join(folder, "absent.duckdb") }))).toBe("missing WAREHOUSE_MISSING");
    expect(await refusal(ask(duck, "select * from 'absent.csv'"))).toBe("missing WAREHOUSE_MISSING");
    expect(await refusal(openWarehouse({ kind: "postgres", url: "postgres://u:hunter2@:::" }))).toBe("input WAREHOUSE_ADDRESS");

    const changed = (change: (url: URL) => void): string => {
      const url = new URL(scratch.url);
      change(url);
      return url.href;
    };
    const said: string[] = [];
    const refused = async (url: string): Promise<string> => {
      const warehouse = await openWarehouse({ kind: "postgres", url, connectTimeoutMs: 10_000 });
      try {
        await ask(warehouse, "select 1 as a");
        return "answered";
      } catch (thrown) {
        if (!isStockroomError(thrown)) throw thrown;
        said.push(JSON.stringify(thrown.facts), inspect(thrown, { depth: 8 }));
        return `${thrown.kind} ${thrown.code}`;
      } finally {
        await warehouse.close();
      }
    };
    expect(await refused(changed((url) => (url.password = "hunter2")))).toBe("denied WAREHOUSE_DENIED");
    expect(await refused(changed((url) => (url.pathname = "/absent")))).toBe("missing WAREHOUSE_MISSING");
    const closed: Server = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const address = closed.address();
    await new Promise((resolve) => closed.close(resolve));
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await refused(`postgres://someone:hunter2@127.0.0.1:${port}/shop`)).toBe("busy WAREHOUSE_UNREACHABLE");
    const { password } = new URL(scratch.url);
    for (const text of said) {
      expect(text).not.toContain("hunter2");
      expect(text).not.toContain(password === "" ? "hunter2" : password);
    }
  });

  it("ends a statement at its time limit, and on abort", async () => {
    const hasty = await openWarehouse({ kind: "postgres", url: scratch.url, statementTimeoutMs: 50 });
    expect(await refusal(ask(hasty, "select pg_sleep(60)"))).toBe("busy WAREHOUSE_TIMEOUT");
    await hasty.close();
    const endless = {
      duckdb: "select count(*) as n from range(10000000) a(i), range(10000000) b(j) where i + j = 7",
      postgres: "select pg_sleep(3600)",
    };
    for (const warehouse of both()) {
      const abort = new AbortController();
      const asking = ask(warehouse, endless[warehouse.kind], { signal: abort.signal });
      setImmediate(() => abort.abort(new Error("enough")));
      await expect(asking).rejects.toThrow("enough");
    }
  });
});
