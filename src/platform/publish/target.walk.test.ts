// Attacks on a target: names and values that a database would change in silence, tables of somebody else, two at once, a target that goes away.

import { createHash } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../../../test/kit/database.ts";
import type { AnswerCell, LakeColumn } from "../warehouse/index.ts";
import { nameThere, postgres } from "./dialects.ts";
import { publishTables, type Publication, type PublishOptions, type Target } from "./target.ts";

let database: TestDatabase;
let reader: Client;
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
  await reader.end();
  await database.drop();
});

type Rows = readonly (readonly AnswerCell[])[];

const units: readonly LakeColumn[] = [
  { name: "item", type: "text" },
  { name: "units", type: "number" },
];

const hashOf = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");

const tableOf = (name: string, columns: readonly LakeColumn[], rows: Rows, content = hashOf([columns, rows])): Publication => ({
  name,
  columns,
  content,
  rows: async () =>
    (async function* () {
      yield rows;
    })(),
});

const publish = async (tables: readonly Publication[], to: Partial<Target> = {}, options: Partial<PublishOptions> = {}) =>
  await publishTables({ url: database.url, schema: "bi", readers: [], ...to }, tables, { signal, ...options });
const ask = async (sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> => (await reader.query(sql)).rows;
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => "done",
    (thrown: unknown) => String((thrown as { code?: string }).code),
  );

describe("names", () => {
  const long = "ß".repeat(31);
  const usual = ["Item", "ITEM ", 'a "b"', "select", "order", "user", "é😀", " ", "a.b", "x;drop table bi.t", "$1", "\\", "'"];
  const kept = ["xmin", "ctid", "CTID", "tableoid", "oid", "a\0b"];
  const cut = [`${long}x`, `${long}xy1`, `${long}xy2`, "y".repeat(63), "y".repeat(64), "y".repeat(300)];
  const names = [...usual, ...kept, ...cut];

  it.each(["postgres", "redshift"])("every one is a column of its own on %s, the same one the next time", async (scheme) => {
    // PostgreSQL, that plays Redshift here, cuts earlier.
    const tried = scheme === "redshift" ? names.filter((name) => Buffer.byteLength(name) <= 63) : names;
    const columns = tried.map((name): LakeColumn => ({ name, type: "text" }));
    const url = database.url.replace(/^postgres(ql)?:/, `${scheme}:`);
    for (const round of ["old", "new"]) {
      await publish([tableOf("t", columns, [tried.map((_, at) => `${round} ${at}`)])], { url });
      const [row = {}] = await ask("select * from bi.t");
      expect(Object.keys(row)).toHaveLength(tried.length);
      expect(Object.values(row)).toEqual(tried.map((_, at) => `${round} ${at}`));
      // What needs no other name keeps its own.
      expect(Object.keys(row).slice(0, 13)).toEqual(tried.slice(0, 13));
    }
  });

  it("of tables too, and those that the database does not tell apart are refused by name", async () => {
    const [one, two] = [`${"t".repeat(70)}1`, `${"t".repeat(70)}2`];
    for (const rows of [[["a", 1]], [["b", 2]]]) await publish([tableOf(one, units, rows), tableOf(two, units, rows)]);
    expect(await ask(`select * from bi."${nameThere(two, postgres)}"`)).toEqual([{ item: "b", units: 2 }]);
    const url = database.url.replace(/^postgres(ql)?:/, "redshift:");
    const twins = ["item", "Item"].map((name): LakeColumn => ({ name, type: "text" }));
    expect(await codeOf(publish([tableOf("t", twins, [])], { url }))).toBe("PUBLISH_NAME");
    expect(await codeOf(publish([tableOf("t", twins, [["a", "b"]])]))).toBe("done");
    expect(await codeOf(publish([tableOf("stockroom_published", units, [])]))).toBe("PUBLISH_NAME");
    expect(await codeOf(publish([tableOf("t", units, [])], { schema: "s".repeat(64) }))).toBe("PUBLISH_NAME");
  });
});

describe("values", () => {
  const columns: readonly LakeColumn[] = [
    { name: "word", type: "text" },
    { name: "figure", type: "number" },
    { name: "at", type: "timestamp" },
    { name: "day", type: "date" },
  ];

  it("are those they were: without end, not a number, of any year, with what no text may hold left out", async () => {
    const rows: Rows = [
      ["a\0b\0", "Infinity", "infinity", "-infinity"],
      ["\ud800", "-Infinity", "-004712-01-01T00:00:00", "-004712-01-01"],
      ["x".repeat(100_000), "NaN", "+294276-12-31T23:59:59.999999", "+012345-06-07"],
      ["NULL", 5e-324, "0000-02-29T01:02:03", "0000-02-29"],
      ["\\N", 1.7976931348623157e308, "-000044-03-15T00:00:00", "0001-01-01"],
      [null, "9007199254740993", "9999-12-31T00:00:00", "9999-12-31"],
      [true, "12345678901234.56789", null, null],
      [["a", { b: [1, null] }], 0, "2026-01-02T03:04:05.123456789", "2026-01-02"],
    ];
    await publish([tableOf("t", columns, rows)]);
    expect(await ask(`select left(word, 30) as word, figure::text, at::text, day::text from bi.t`)).toEqual([
      { word: "ab", figure: "Infinity", at: "infinity", day: "-infinity" },
      { word: "\ufffd", figure: "-Infinity", at: "4713-01-01 00:00:00 BC", day: "4713-01-01 BC" },
      { word: "x".repeat(30), figure: "NaN", at: "294276-12-31 23:59:59.999999", day: "12345-06-07" },
      { word: "NULL", figure: "5e-324", at: "0001-02-29 01:02:03 BC", day: "0001-02-29 BC" },
      { word: "\\N", figure: "1.7976931348623157e+308", at: "0045-03-15 00:00:00 BC", day: "0001-01-01" },
      { word: null, figure: "9.007199254740992e+15", at: "9999-12-31 00:00:00", day: "9999-12-31" },
      { word: "true", figure: "12345678901234.568", at: null, day: null },
      { word: '["a",{"b":[1,null]}]', figure: "0", at: "2026-01-02 03:04:05.123457", day: "2026-01-02" },
    ]);
  });

  it.each([
    ["at", ["", 0, "-100000000 days from 1970-01-01T00:00:00", null]],
    ["at", ["", 0, "-005000-01-01T00:00:00", null]],
    ["day", ["", 0, null, "+5874898-01-01"]],
  ])("that cannot be held are refused by their column, and nothing of the old goes (%s)", async (column, row) => {
    await publish([tableOf("t", columns, [["old", 1, null, null]])]);
    await expect(publish([tableOf("t", columns, [["new", 1, null, null], row])])).rejects.toMatchObject({
      kind: "conflict",
      code: "PUBLISH_VALUE",
      facts: { table: "t", column },
    });
    expect(await ask("select word from bi.t")).toEqual([{ word: "old" }]);
  });

  it("of text are as long as Redshift takes, or refused", async () => {
    const url = database.url.replace(/^postgres(ql)?:/, "redshift:");
    const word = [{ name: "word", type: "text" }] as const;
    await publish([tableOf("t", word, [["é".repeat(32_767)]])], { url });
    expect(await codeOf(publish([tableOf("t", word, [["é".repeat(32_768)]])], { url }))).toBe("PUBLISH_VALUE");
  });
});

describe("what is there", () => {
  it("is filled anew when a table or a column of it went, though the same was published before", async () => {
    const tables = [tableOf("t", units, [["a", 1]])];
    await publish(tables);
    expect(await publish(tables)).toMatchObject([{ isNew: false }]);
    for (const change of ["drop table bi.t", "alter table bi.t drop column units", "drop table bi.stockroom_published, bi.t"]) {
      await reader.query(change);
      expect([change, await publish(tables)]).toMatchObject([change, [{ isNew: true, rows: 1 }]]);
      expect(await ask("select item, units from bi.t")).toEqual([{ item: "a", units: 1 }]);
    }
  });

  it("is never emptied when it is somebody else's", async () => {
    await reader.query(
      "create schema bi; create table bi.own (item text, units double precision); insert into bi.own values ('theirs', 1)",
    );
    await reader.query("create view bi.seen as select * from bi.own");
    for (const name of ["own", "seen"]) {
      expect([name, await codeOf(publish([tableOf(name, units, [["ours", 2]])]))]).toEqual([name, "PUBLISH_TAKEN"]);
    }
    expect(await ask("select item from bi.own")).toEqual([{ item: "theirs" }]);
    // An empty one was made for us.
    await reader.query("delete from bi.own");
    await publish([tableOf("own", units, [["ours", 2]])]);
    expect(await ask("select item from bi.own")).toEqual([{ item: "ours" }]);
  });

  it("keeps views, rights and keys that people hung on it; a rule that forbids emptying is told", async () => {
    await publish([tableOf("t", units, [["a", 1]])]);
    await reader.query("create view bi.v as select sum(units) as s from bi.t; create materialized view bi.m as select * from bi.t");
    const wider: readonly LakeColumn[] = [...units, { name: "price", type: "number" }];
    await publish([tableOf("t", wider, [["b", 2, 3]])]);
    expect(await ask("select s from bi.v")).toEqual([{ s: 2 }]);
    await publish([tableOf("t", [], [])]).catch(() => undefined);
    await reader.query(
      "alter table bi.t add unique (item); create table bi.notes (item text references bi.t (item)); insert into bi.notes values ('b')",
    );
    await expect(publish([tableOf("t", units, [["c", 2]])])).rejects.toMatchObject({ kind: "conflict", code: "PUBLISH_CONSTRAINT" });
    expect(await ask("select item from bi.t")).toEqual([{ item: "b" }]);
  });

  it("may be empty", async () => {
    expect(await publish([tableOf("t", units, [])])).toEqual([{ table: "t", rows: 0, isNew: true }]);
    expect(await ask("select * from bi.t")).toEqual([]);
  });
});

describe("rights", () => {
  it("the least are enough, and a reader whom it cannot let in is told with what to run", async () => {
    const roles = ["k14_publisher", "k14_reader"];
    await reader.query("create role k14_publisher login password 'geheim'; create role k14_reader; create schema bi");
    await reader.query("grant usage, create on schema bi to k14_publisher");
    try {
      const url = new URL(database.url);
      url.username = "k14_publisher";
      url.password = "geheim";
      const to = { url: url.href };
      await publish([tableOf("t", units, [["a", 1]])], to);
      await expect(publish([tableOf("t", units, [["b", 1]])], { ...to, readers: ["k14_reader"] })).rejects.toMatchObject({
        code: "PUBLISH_READER",
        message: expect.stringContaining('grant usage on schema "bi" to "k14_reader"'),
      });
      expect(await codeOf(publish([tableOf("t", units, [["b", 1]])], { ...to, readers: ["nobody_there"] }))).toBe("PUBLISH_READER");
      await reader.query("grant usage on schema bi to k14_reader");
      await publish([tableOf("t", units, [["b", 1]])], { ...to, readers: ["k14_reader"] });
      // Once all is there, what makes things anew is not needed any more.
      await reader.query("revoke create on schema bi from k14_publisher");
      await publish([tableOf("t", units, [["c", 1]])], { ...to, readers: ["k14_reader"] });
      await reader.query("set role k14_reader");
      expect(await ask("select item from bi.t")).toEqual([{ item: "c" }]);
      await reader.query("reset role");
      expect(await ask("select has_table_privilege('k14_reader', 'bi.t', 'select') as may")).toEqual([{ may: true }]);
    } finally {
      await reader.query("reset role; drop schema bi cascade");
      for (const role of roles) await reader.query(`drop owned by ${role}; drop role ${role}`);
    }
  });
});

describe("two at once", () => {
  it("write whole tables, each as if alone, or are told to try again; the one that was first is not undone by an older one", async () => {
    for (let round = 0; round < 5; round++) {
      const contents = Array.from({ length: 6 }, (_, at) => `${round}-${at}`);
      const said = await Promise.all(
        contents.map(
          async (content) =>
            await codeOf(publish([tableOf("t", units, [[content, 1]], content), tableOf("u", units, [[content, 1]], content)])),
        ),
      );
      expect(said.filter((one) => one !== "done" && one !== "PUBLISH_MEANWHILE")).toEqual([]);
      expect(said).toContain("done");
      const [t] = await ask("select item from bi.t");
      expect(await ask("select item from bi.u")).toEqual([t]);
      expect(await ask("select distinct content from bi.stockroom_published")).toEqual([{ content: t?.["item"] }]);
      if (round === 2) await reader.query("drop schema bi cascade");
    }
  });
});

describe("a target that goes away", () => {
  /** A way to the database that ends, or says nothing more, after so many bytes. */
  const openWay = async (most: number, then: "cut" | "silent") => {
    const to = new URL(database.url);
    const [port, host] = [Number(to.port), to.hostname];
    const sockets = new Set<Socket>();
    let [left, total] = [most, 0];
    const between = createServer((ours) => {
      const theirs = connect(port, host);
      for (const socket of [ours, theirs]) {
        sockets.add(socket);
        socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
      }
      theirs.pipe(ours);
      ours.on("data", (bytes) => {
        total += bytes.byteLength;
        left -= bytes.byteLength;
        if (left >= 0) theirs.write(bytes);
        else if (then === "cut") for (const socket of [ours, theirs]) socket.destroy();
      });
      ours.on("end", () => theirs.end());
    });
    await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
    const address = between.address();
    to.hostname = "127.0.0.1";
    to.port = String(typeof address === "object" && address !== null ? address.port : 0);
    const close = (): void => {
      between.close();
      for (const socket of sockets) socket.destroy();
    };
    return { url: to.href, total: () => total, close };
  };
  const many = (word: string): Publication =>
    tableOf(
      "t",
      units,
      Array.from({ length: 5_000 }, (_, at) => [`${word} ${at}`, at]),
    );
  const state = async (): Promise<unknown> => await ask("select split_part(item, ' ', 1) as word, count(*)::int as n from bi.t group by 1");

  it("leaves the old whole, or the new, wherever the way was cut", async () => {
    await publish([many("old")]);
    const whole = await openWay(Number.MAX_SAFE_INTEGER, "cut");
    await publish([many("probe")], { url: whole.url });
    const bytes = whole.total();
    whole.close();
    await publish([many("old")]);
    const ends: unknown[] = [];
    // In the beginning, while rows are loaded, and closely around the change at the end.
    const places = [
      ...[0.01, 0.3, 0.6, 0.9].map((part) => Math.floor(bytes * part)),
      ...Array.from({ length: 25 }, (_, at) => bytes - 1 - at * 30),
    ];
    for (const place of places) {
      const way = await openWay(place, "cut");
      const said = await codeOf(publish([many("new")], { url: way.url }));
      way.close();
      const found = await state();
      ends.push(found);
      expect([place, said]).toEqual([place, expect.stringMatching(/^(?:done|PUBLISH_UNREACHABLE)$/)]);
      expect([[{ word: "old", n: 5_000 }], [{ word: "new", n: 5_000 }]]).toContainEqual(found);
      // What was said to be done stands there.
      expect([said, found]).not.toEqual(["done", [{ word: "old", n: 5_000 }]]);
      await publish([many("old")]);
    }
    expect(ends).toContainEqual([{ word: "old", n: 5_000 }]);
    expect(await publish([many("new")])).toMatchObject([{ isNew: true }]);
  }, 120_000);

  it("is given up when it says nothing any more", async () => {
    await publish([many("old")]);
    const way = await openWay(20_000, "silent");
    const said = await codeOf(publish([many("new")], { url: way.url }, { statementMs: 1_000 }));
    way.close();
    expect([said, way.total() > 20_000]).toEqual(["PUBLISH_UNREACHABLE", true]);
    expect(await state()).toEqual([{ word: "old", n: 5_000 }]);
  });
});
