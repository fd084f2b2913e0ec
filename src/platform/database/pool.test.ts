import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testDatabase } from "../../../test/kit/database.ts";
import type { TestDatabase } from "../../../test/kit/database.ts";
import { makeMemoryLog } from "../log.ts";
import type { Database, Tx } from "./contract.ts";
import { isLostRace, translate } from "./failures.ts";
import { until } from "./fixtures/world.ts";
import { openDatabase } from "./open.ts";
import { appendEvent, outboxChannel } from "./outbox.ts";

let postgres: TestDatabase;
let database: Database;

beforeAll(async () => {
  postgres = await testDatabase();
  database = await openDatabase({ url: postgres.url, home: "unused", log: makeMemoryLog(), migrations: [] });
  await database.query("create table accounts (id int primary key, amount int not null)");
});

afterAll(async () => {
  await database.close();
  await postgres.drop();
});

describe("values", () => {
  it("come as JSON can carry them", async () => {
    const [row] = await database.query(`
      select 9007199254740993::bigint as big, 1.10::numeric as exact, 7::int as small, 0.5::float8 as real,
        timestamptz '2026-06-01 12:00:00.123456+02' as at, timestamptz 'infinity' as never,
        date '2026-06-01' as day, timestamp '2026-06-01 12:00:00' as wall, '{"a":1}'::jsonb as json,
        array[1, null]::bigint[] as bigs, array[array['2026-01-01Z'::timestamptz]] as nested, '\\x01ff'::bytea as bytes, null as nothing`);
    expect(row).toEqual({
      big: "9007199254740993",
      exact: "1.10",
      small: 7,
      real: 0.5,
      at: "2026-06-01T10:00:00.123Z",
      never: "infinity",
      day: "2026-06-01",
      wall: "2026-06-01 12:00:00",
      json: { a: 1 },
      bigs: ["1", null],
      nested: [["2026-01-01T00:00:00.000Z"]],
      bytes: Buffer.from([1, 255]),
      nothing: null,
    });
  });

  it("instants go in and come back as JavaScript writes them, whatever the server's time zone", async () => {
    await database.query(`alter database ${new URL(postgres.url).pathname.slice(1)} set timezone = 'Asia/Kolkata'`);
    const other = await openDatabase({ url: postgres.url, home: "unused", log: makeMemoryLog(), migrations: [] });
    const range = { min: new Date("1900-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true };
    await fc.assert(
      fc.asyncProperty(fc.date(range), async (date) => {
        const [row] = await other.query<{ at: string }>("select $1::timestamptz as at", [date.toISOString()]);
        expect(row?.at).toBe(date.toISOString());
      }),
      { numRuns: 50 },
    );
    await other.close();
  });
});

describe("transactions", () => {
  it("happen wholly or not at all", async () => {
    const boom = new Error("boom");
    const failing = database.transaction(async (tx) => {
      await tx.query("insert into accounts values (1, 1)");
      throw boom;
    });
    await expect(failing).rejects.toBe(boom);
    expect(await database.query("select 1 from accounts where id = 1")).toEqual([]);
    await database.transaction((tx) => tx.query("insert into accounts values (1, 1)"));
    expect(await database.query("select amount from accounts where id = 1")).toEqual([{ amount: 1 }]);
  });

  it("are dead once they have ended", async () => {
    let kept: Tx | undefined;
    await database.transaction((tx) => {
      kept = tx;
      return Promise.resolve();
    });
    await expect(kept?.query("select 1")).rejects.toMatchObject({ code: "RECORDS_TX_ENDED" });
  });

  it("that lose a race are done again, so that nothing is lost: many serialisable increments all count", async () => {
    await database.query("insert into accounts values (2, 0)");
    let attempts = 0;
    const increment = (): Promise<unknown> =>
      database.transaction(async (tx) => {
        attempts += 1;
        await tx.query("set transaction isolation level repeatable read");
        const [row] = await tx.query<{ amount: number }>("select amount from accounts where id = 2");
        await tx.query("update accounts set amount = $1 where id = 2", [(row?.amount ?? 0) + 1]);
      });
    // Pairs: each round one of the two must lose and win the second time.
    for (let round = 0; round < 20; round++) await Promise.all([increment(), increment()]);
    expect(await database.query("select amount from accounts where id = 2")).toEqual([{ amount: 40 }]);
    expect(attempts).toBeGreaterThanOrEqual(40);
  });

  it("that lie across each other (deadlock) both come through", async () => {
    await database.query("insert into accounts values (10, 0), (11, 0)");
    await database.query("set deadlock_timeout = '20ms'");
    let entered = 0;
    const both = (first: number, second: number): Promise<unknown> =>
      database.transaction(async (tx) => {
        await tx.query("set local deadlock_timeout = '20ms'");
        await tx.query("update accounts set amount = amount + 1 where id = $1", [first]);
        entered += 1;
        // The first time round both hold one row before either asks for the other.
        await until(() => entered >= 2);
        await tx.query("update accounts set amount = amount + 1 where id = $1", [second]);
      });
    await Promise.all([both(10, 11), both(11, 10)]);
    expect(entered).toBeGreaterThan(2);
    expect(await database.query("select amount from accounts where id in (10, 11)")).toEqual([{ amount: 2 }, { amount: 2 }]);
  });

  it("that keep losing end as busy after five tries", async () => {
    let attempts = 0;
    const losing = database.transaction(async (tx) => {
      attempts += 1;
      await tx.query("do $$ begin raise exception 'no luck' using errcode = '40001'; end $$");
    });
    await expect(losing).rejects.toMatchObject({ kind: "busy", code: "RECORDS_CONTENDED" });
    expect(attempts).toBe(5);
  });

  it("leave mistakes of a statement to the caller, with SQLSTATE as code, and the connection usable", async () => {
    await expect(database.transaction((tx) => tx.query("insert into accounts values (1, 5)"))).rejects.toMatchObject({ code: "23505" });
    await expect(database.query("selec 1")).rejects.toMatchObject({ code: "42601" });
    expect(await database.query("select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("whose connection is cut fail as busy, and the next one works", async () => {
    const cut = database.transaction(async (tx) => {
      const [row] = await tx.query<{ pid: number }>("select pg_backend_pid() as pid");
      await database.query("select pg_terminate_backend($1)", [row?.pid]);
      await tx.query("select 1");
    });
    await expect(cut).rejects.toMatchObject({ kind: "busy", code: "RECORDS_UNREACHABLE" });
    expect(await database.query("select 1 as one")).toEqual([{ one: 1 }]);
  });
});

describe("sessions", () => {
  it("hold their locks until they end, however they end", async () => {
    const lock = "select pg_try_advisory_lock(7) as got";
    await database.session(async (tx) => {
      expect(await tx.query(lock)).toEqual([{ got: true }]);
      await database.session(async (other) => expect(await other.query(lock)).toEqual([{ got: false }]));
    });
    await expect(
      database.session(async (tx) => {
        await tx.query(lock);
        throw new Error("dropped");
      }),
    ).rejects.toThrow("dropped");
    await until(() => database.session(async (tx) => (await tx.query<{ got: boolean }>(lock))[0]?.got ?? false));
  });
});

describe("outbox", () => {
  it("keeps an event exactly if its transaction is kept, and wakes whoever listens", async () => {
    let heard = 0;
    const stop = await database.listen(outboxChannel, () => {
      heard += 1;
    });
    const event = { kind: "object.stored", subject: "a/b", data: { n: 1 } };
    await expect(
      database.transaction(async (tx) => {
        await appendEvent(tx, event);
        throw new Error("never mind");
      }),
    ).rejects.toThrow("never mind");
    expect(await database.query("select 1 from stockroom.outbox")).toEqual([]);
    const id = await database.transaction((tx) => appendEvent(tx, event));
    expect(await database.query("select id::int as id, kind, subject, data, relayed_at from stockroom.outbox")).toEqual([
      { id, ...event, relayed_at: null },
    ]);
    await until(() => heard === 1);
    await stop();
  });

  it("writes one of several with the same dedupe, even when they come at once", async () => {
    const event = { kind: "a.b", subject: "s", data: {}, dedupe: "only-one" };
    const ids = await Promise.all([1, 2, 3, 4].map(() => database.transaction((tx) => appendEvent(tx, event))));
    expect(ids.filter((id) => id !== undefined)).toHaveLength(1);
    expect(await database.query("select 1 as one from stockroom.outbox where dedupe = 'only-one'")).toEqual([{ one: 1 }]);
  });

  it("listening goes on after its connection was cut, and tells that something may have been missed", async () => {
    const told: string[] = [];
    const stop = await database.listen("bell", (payload) => told.push(payload));
    await database.query("select pg_notify('bell', 'one')");
    await until(() => told.includes("one"));
    await database.query("select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen %bell%'");
    await until(() => told.includes(""));
    await database.query("select pg_notify('bell', 'two')");
    await until(() => told.includes("two"));
    expect(told).toEqual(["one", "", "two"]);
    await stop();
  });
});

const open = (url: string): Promise<Database> => openDatabase({ url, home: "unused", log: makeMemoryLog(), migrations: [] });

describe("opening", () => {
  it("says what is wrong with a DATABASE_URL, never showing its password", async () => {
    const wrong = new URL(postgres.url);
    wrong.password = "hunter2";
    const nowhere = new URL(postgres.url);
    nowhere.port = "1";
    const nameless = new URL(postgres.url);
    nameless.pathname = "/no_such_database";
    const cases: [string, string][] = [
      ["not a url hunter2", "RECORDS_BAD_URL"],
      ["mysql://me:hunter2@host/db", "RECORDS_BAD_URL"],
      [wrong.href, "RECORDS_PASSWORD_REFUSED"],
      [nowhere.href, "RECORDS_UNREACHABLE"],
      [nameless.href, "RECORDS_NO_DATABASE"],
    ];
    for (const [url, code] of cases) {
      const thrown = await open(url).catch((one: unknown) => one);
      expect(thrown).toMatchObject({ code });
      expect(`${String(thrown)} ${JSON.stringify(thrown)}`).not.toMatch(/hunter2/);
      expect(String(thrown)).not.toContain(new URL(postgres.url).password);
    }
    expect(database.about()).toMatchObject({ kind: "external", database: new URL(postgres.url).pathname.slice(1) });
  });
});

const error = (code: string): Error => Object.assign(new Error(code), { code });

describe("failures", () => {
  it("are told apart by what helps: waiting, a person, or neither", () => {
    for (const code of ["ECONNREFUSED", "57P01", "57P03", "08006"])
      expect(translate(error(code))).toMatchObject({ code: "RECORDS_UNREACHABLE" });
    for (const code of ["53100", "ENOSPC"]) expect(translate(error(code))).toMatchObject({ kind: "busy", code: "RECORDS_DISK_FULL" });
    expect(translate(error("53300"))).toMatchObject({ kind: "busy", code: "RECORDS_TOO_MANY_CONNECTIONS" });
    for (const code of ["55P03", "57014", "40001"])
      expect(translate(error(code))).toMatchObject({ kind: "busy", code: "RECORDS_CONTENDED" });
    const broken = error("23505");
    expect(translate(broken)).toBe(broken);
    expect(isLostRace(error("40P01"))).toBe(true);
  });
});
