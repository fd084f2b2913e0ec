// `stockroom sql` may ask and nothing else, even as the superuser of the embedded server.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askReadOnly as ask } from "../../src/platform/warehouse/read-only.ts";
import { makeMemoryLog } from "../../src/platform/log.ts";
import type { Database } from "../../src/platform/database/contract.ts";
import { appendEvent } from "../../src/platform/database/outbox.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import { testDatabase } from "../kit/database.ts";
import type { TestDatabase } from "../kit/database.ts";

const bounds = { limit: 1_000, timeoutS: 30, own: true, maxMemoryMb: 128, signal: new AbortController().signal };
let postgres: TestDatabase;
let database: Database;

beforeAll(async () => {
  postgres = await testDatabase();
  database = await openDatabase({ url: postgres.url, home: "", log: makeMemoryLog(), migrations: [] });
  await database.transaction((tx) => appendEvent(tx, { kind: "shop.opened", subject: "shop/1", data: { n: 1 } }));
});
afterAll(async () => {
  await database.close();
  await postgres.drop();
});

describe("a question", () => {
  it.each([
    ["select kind, subject from outbox", [{ kind: "shop.opened", subject: "shop/1" }]],
    ["  SELECT count(*)::int as n FROM stockroom.outbox ;  ", [{ n: 1 }]],
    ["with o as (select * from outbox) select data from o", [{ data: { n: 1 } }]],
    ["values (1), (2)", [{ column1: 1 }, { column1: 2 }]],
    ["select ';' as semicolon -- and a note", [{ semicolon: ";" }]],
  ])("%s", async (query, rows) => {
    expect(await ask(database, query, bounds)).toEqual(rows);
  });

  it("stops one row after its limit, however many there are", async () => {
    expect(await ask(database, "select generate_series(1, 1000000000) as n", { ...bounds, limit: 700 })).toHaveLength(701);
  });

  it("is ended after its time", async () => {
    await expect(ask(database, "select pg_sleep(60)", { ...bounds, timeoutS: 1 })).rejects.toMatchObject({
      kind: "input",
      code: "SQL_TIMEOUT",
    });
  });
});

describe("a question that asks too much is ended, and says which bound", () => {
  it.each([
    ["one long text", "select repeat('x', 900000000) as t", /SQL_ANSWER_TOO_LARGE|SQL_OUT_OF_MEMORY/],
    ["many long texts", "select repeat('x', 1000000) as t from generate_series(1, 1000)", /SQL_ANSWER_TOO_LARGE/],
    ["more than the server's own bound", "select repeat('x', 2000000000) as t", /SQL_OUT_OF_MEMORY/],
    ["a long list", "select array_agg(i) as l from generate_series(1, 100000000) t(i)", /SQL_OUT_OF_MEMORY/],
    [
      "a text that doubles",
      "with recursive r(t) as (select 'x' union all select t || t from r) select max(length(t)) as n from r",
      /SQL_OUT_OF_MEMORY/,
    ],
    [
      "a sort on the server's disk",
      "select i, repeat('y', 100) as y from generate_series(1, 50000000) t(i) order by md5(i::text)",
      /SQL_OUT_OF_MEMORY/,
    ],
  ])("%s", async (_what, query, code) => {
    const thrown = await ask(database, query, bounds).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ kind: "input", message: expect.stringMatching(/--memory/) });
    expect(thrown).toMatchObject({ code: expect.stringMatching(code) });
  });

  it("ends on the server when it is stopped here", async () => {
    const stop = new AbortController();
    const asking = ask(database, "select pg_sleep(3600), 'to be stopped'", { ...bounds, timeoutS: 3_600, signal: stop.signal });
    asking.catch(() => undefined);
    const running = async () => await database.query("select 1 from pg_stat_activity where state = 'active' and query like 'fetch%'");
    while ((await running()).length === 0) await new Promise(setImmediate);
    stop.abort(new Error("enough"));
    await expect(asking).rejects.toThrow("enough");
    expect(await running()).toEqual([]);
  });
});

describe("anything else is refused and changes nothing", () => {
  it.each([
    "delete from outbox",
    "insert into outbox (kind, subject, data) values ('x', 'x', '{}')",
    "with gone as (delete from outbox returning *) select * from gone",
    "select 1; delete from outbox",
    "select 1; commit; delete from outbox",
    "update outbox set kind = 'x'",
    "drop table outbox",
    "create table stockroom.mine (n int)",
    "select * into stockroom.mine from outbox",
    "copy outbox to program 'id'",
    "do $$ begin delete from stockroom.outbox; end $$",
    "select nextval('outbox_id_seq')",
    "select pg_read_file('postgresql.conf')",
    "select pg_ls_dir('.')",
    "select lo_import('/etc/hostname')",
    "select rolpassword from pg_authid",
    "select pg_terminate_backend(pg_backend_pid())",
    "select set_config('role', 'none', true), pg_read_file('postgresql.conf')",
    "select set_config('role', 'none', true), query_to_xml('select pg_read_file(''postgresql.conf'')', true, true, '')",
    "select query_to_xml('select set_' || 'config(''role'', ''none'', false)', true, true, ''), pg_sleep(0)",
    "select query_to_xml('reset role', true, true, '')",
    "reset role",
    "set transaction read write",
    "selec 1",
    "select * from nowhere",
    "",
    ";",
  ])("%s", async (query) => {
    await expect(ask(database, query, bounds)).rejects.toMatchObject({ kind: "input", code: "SQL_REFUSED" });
    expect(await ask(database, "select kind from outbox", bounds)).toEqual([{ kind: "shop.opened" }]);
    const tables = await ask(database, "select table_name from information_schema.tables where table_name = 'mine'", bounds);
    expect(tables).toEqual([]);
  });
});
