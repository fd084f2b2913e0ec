import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testDatabase } from "../../../test/kit/database.ts";
import type { TestDatabase } from "../../../test/kit/database.ts";
import { makeMemoryLog } from "../log.ts";
import type { Migration, Database } from "./contract.ts";
import { openDatabase } from "./open.ts";
import { databaseMigrations } from "./outbox.ts";

let postgres: TestDatabase;

beforeAll(async () => {
  postgres = await testDatabase();
});
afterAll(() => postgres.drop());

const open = (migrations: readonly Migration[]): Promise<Database> =>
  openDatabase({ url: postgres.url, home: "unused", log: makeMemoryLog(), migrations });

async function applied(migrations: readonly Migration[]): Promise<string[]> {
  const database = await open(migrations);
  const rows = await database.query<{ id: string }>("select id from stockroom.migrations order by applied_at, id");
  await database.close();
  return rows.map(({ id }) => id);
}

const one = { id: "test-001-one", sql: "create table stockroom.one (n int);\n" };
const two = { id: "test-002-two", sql: "create table stockroom.two (n int);\ninsert into stockroom.two values (1);" };

describe("migrations", () => {
  it("run once, in the order of the list, after the records' own", async () => {
    const own = databaseMigrations.map(({ id }) => id);
    expect(await applied([one])).toEqual([...own, one.id]);
    expect(await applied([one, two])).toEqual([...own, one.id, two.id]);
    // Given by the caller as well, they still run once.
    expect(await applied([...databaseMigrations, one, two])).toEqual([...own, one.id, two.id]);
    const database = await open([one, two]);
    expect(await database.query("select n from stockroom.two")).toEqual([{ n: 1 }]);
    await database.close();
  });

  it("do not mind other line ends, but any other change of an applied text", async () => {
    expect(await applied([{ ...one, sql: `\r\n${one.sql.replaceAll("\n", "  \r\n")}` }, two])).toContain(one.id);
    const changed = { ...one, sql: "create table stockroom.one (n bigint);" };
    await expect(open([changed, two])).rejects.toMatchObject({ code: "RECORDS_MIGRATION_CHANGED", facts: { id: one.id } });
  });

  it("that are unknown mean a newer program was here", async () => {
    const refused = await open([one]).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ kind: "conflict", code: "RECORDS_NEWER" });
    expect(String(refused)).toContain("this database was used by a newer Stockroom".slice(14));
    expect(String(refused)).toContain(two.id);
  });

  it("that fail leave the database as it was, those before them included", async () => {
    const three = { id: "test-003-three", sql: "create table stockroom.three (n int)" };
    const broken = { id: "test-004-broken", sql: "create table stockroom.four (n int); select 1 / 0;" };
    await expect(open([one, two, three, broken])).rejects.toMatchObject({
      code: "RECORDS_MIGRATION_FAILED",
      facts: { id: broken.id, sqlstate: "22012" },
    });
    const database = await open([one, two]);
    expect(await database.query("select to_regclass('stockroom.three') as three, to_regclass('stockroom.four') as four")).toEqual([
      { three: null, four: null },
    ]);
    await database.close();
  });

  it("may not share an id", async () => {
    await expect(open([one, one])).rejects.toMatchObject({ code: "RECORDS_MIGRATION_TWICE" });
  });

  it("that race are applied once", async () => {
    const slow = {
      id: "test-003-slow",
      sql: "create table stockroom.slow (n int); insert into stockroom.slow select 1 from pg_sleep(0.1);",
    };
    const all = await Promise.all([1, 2, 3].map(() => open([one, two, slow])));
    expect(await all[0]?.query("select n from stockroom.slow")).toEqual([{ n: 1 }]);
    await Promise.all(all.map((database) => database.close()));
  });
});
