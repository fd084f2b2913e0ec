// One change on any column of any table of the module, one row taken out or put in, any cut of the log: `audit verify` finds it and names it.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { insertAudit } from "../../src/classify/store/audit.ts";
import { sealedTables } from "../../src/classify/store/ledger.ts";
import { adoptRows, verifyAuditLog, type AuditProof } from "../../src/classify/workflows/audit.ts";
import { recodePeriod } from "../../src/classify/workflows/recode.ts";
import { writeReport } from "../../src/classify/workflows/report.ts";
import { amendReview, answerReview } from "../../src/classify/workflows/review.ts";
import { setAutomatic } from "../../src/classify/workflows/champions.ts";
import { insertRuling } from "../../src/classify/store/champions.ts";
import { listVerdicts } from "../../src/classify/store/lines.ts";
import { listReviews } from "../../src/classify/store/reviews.ts";
import type { App } from "../../src/app.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/app.ts";

/** Columns that no verification covers, as `table.column`, each with its reason. */
const uncovered: Readonly<Record<string, string>> = {};

const signal = new AbortController().signal;
const period = "2026-09";
let place: TestPlace;
let app: App;

const verify = async (anchor?: { readonly seq: number; readonly hash: string }): Promise<AuditProof> =>
  await verifyAuditLog(app.classify.deps, "test", signal, anchor === undefined ? [] : [anchor]);
const sql = async <Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> =>
  await app.database.query<Row>(text, values);
const put = async (key: string, text: string): Promise<void> => {
  await app.objects.put(operator, key, textBytes(text));
  await settled(app);
};

interface Column {
  readonly table: string;
  readonly column: string;
  readonly type: string;
}

const tables = [...Object.keys(sealedTables), "classify_audit", "classify_audit_head"];
let columns: readonly Column[];

/** What an intruder with the database in hand takes away first: nothing in it may hinder a change. */
async function dropGuards(): Promise<void> {
  for (const table of tables) {
    await sql(`alter table stockroom.${table} disable trigger all`);
    await sql(`create table stockroom.kept_${table} as table stockroom.${table}`);
  }
  const constraints = await sql<{ table: string; name: string }>(
    `select t.relname as "table", quote_ident(c.conname) as name
       from pg_constraint c join pg_class t on t.oid = c.conrelid join pg_namespace n on n.oid = t.relnamespace
      where n.nspname = 'stockroom' and t.relname like 'classify\\_%' and c.contype in ('p', 'u', 'f', 'c')
      order by c.contype = 'f' desc`,
  );
  for (const { table, name } of constraints) await sql(`alter table stockroom.${table} drop constraint if exists ${name} cascade`);
  for (const { table, column } of columns) {
    await sql(`alter table stockroom.${table} alter column ${column} drop identity if exists`);
    await sql(`alter table stockroom.${table} alter column ${column} drop not null`);
  }
}

async function restore(table: string): Promise<void> {
  await sql(`delete from stockroom.${table}`);
  await sql(`insert into stockroom.${table} overriding system value select * from stockroom.kept_${table}`);
}

const others: Readonly<Record<string, string>> = {
  text: "coalesce(C, '') || 'x'",
  int4: "coalesce(C, 0) + 1",
  int8: "coalesce(C, 0) + 1",
  float8: "coalesce(C, 0) + 0.001",
  bool: "not C",
  timestamptz: "C + interval '1 millisecond'",
  jsonb: `case jsonb_typeof(C) when 'array' then C || '[1]' else coalesce(C, '{}') || '{"put in": 1}' end`,
};

/** The row that is attacked, by the values that name it. */
async function firstRow(table: string): Promise<{ readonly ctid: string; readonly name: string }> {
  const [row] = await sql<{ ctid: string; row: Record<string, unknown> }>(
    `select ctid::text, to_jsonb(t) as row from stockroom.${table} t order by 1 desc limit 1`,
  );
  const keys: readonly string[] = (sealedTables as Readonly<Record<string, readonly string[]>>)[table] ?? ["seq"];
  const name = JSON.stringify(keys.map((key) => row.row[key]));
  return {
    ctid: row.ctid,
    name: table === "classify_audit" ? `row ${name.slice(1, -1)}` : table === "classify_audit_head" ? table : `${table} ${name}`,
  };
}

beforeAll(async () => {
  place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "2" });
  app = await openAt(place, { work: true, quiet: true });
  await put(
    "classify/schemes/test.yaml",
    `scheme: GBR-TEST
country: GBR
versions:
  - { version: old, valid_from: 2020-01-01, valid_to: 2026-09-30, codes: [{ code: K, name: kettles }, { code: P, name: phones }] }
  - { version: new, valid_from: 2026-10-01, codes: [{ code: K2, name: kettles }, { code: P1, name: cases }, { code: P2, name: covers }] }
mappings:
  - { from: old, to: new, codes: [{ from: K, to: [K2] }, { from: P, to: [P1, P2] }] }
`,
  );
  // Columns of its own: how it was read is kept, and under the log.
  await put(
    "classify/labelled/GBR/shop.csv",
    `Item;Description;GBR-TEST\n${Array.from({ length: 60 }, (_, i) => `o${i};${i % 2 === 0 ? "kettle steel" : "phone case"} ${i};${i % 2 === 0 ? "K" : "P"}\n`).join("")}`,
  );
  const rows = (prefix: string, count: number, make: (i: number, title: string) => string): string =>
    Array.from({ length: count }, (_, i) => `${prefix}${i},GBR,${make(i, `${i % 2 === 0 ? "kettle steel" : "phone case"} ${i}`)}\n`).join(
      "",
    );
  await put(
    "classify/labelled/GBR/all.csv",
    `id,country,title,brand,date,code.GBR-TEST\n${rows("g", 400, (i, title) => `${title},Acme,2026-01-01,${i % 2 === 0 ? "K" : "P"}`)}`,
  );
  await put(
    `classify/sales/${period}/GBR.csv`,
    `id,country,title,brand,date,units,kg\n${rows("s", 40, (_, title) => `${title},Acme,${period}-05,2,1.5`)}`,
  );
  const [first, second] = (await listReviews(app.database, { period, limit: 100 })).filter((review) => review.predicted === "P");
  const { deps } = app.classify;
  await answerReview(deps, first?.id ?? "", "K", "ann");
  await amendReview(deps, first?.id ?? "", { code: "P", reviewer: "bob", reason: "no kettle" });
  await answerReview(deps, second?.id ?? "", "K", "ann");
  await recodePeriod(deps, "test", { period, scheme: undefined, to: "new" }, signal);
  await writeReport(deps, "test", period, "GBR");
  await setAutomatic(deps, "GBR-GBR-TEST", false, { reason: "a trial" });
  const [verdict] = await listVerdicts(app.database);
  // A held promotion takes a month of history to come by; its ruling is written as it would be.
  await app.database.transaction(async (tx) => {
    const at = new Date().toISOString();
    await insertRuling(tx, { verdict: verdict.id, line: verdict.line, ruling: "rejected", reason: "a trial", by: "ann", at });
    await insertAudit(tx, deps.vault, {
      at,
      kind: "ruling",
      record: {},
      written: [{ table: "classify_ruling", where: { verdict: verdict.id } }],
    });
  });
  columns = await sql<Column>(
    `select table_name as "table", column_name as "column", udt_name as "type" from information_schema.columns
      where table_schema = 'stockroom' and table_name like 'classify\\_%' order by table_name, ordinal_position`,
  );
}, 120_000);

afterAll(async () => {
  await app.close();
  await place.remove();
});

describe("tampering", () => {
  test("nothing was done: the log is whole, and every table is under it and has rows to attack", async () => {
    expect((await verify()).problems).toEqual([]);
    expect([...new Set(columns.map((column) => column.table))].toSorted()).toEqual(tables.toSorted());
    for (const table of tables) expect([table, (await sql(`select 1 from stockroom.${table}`)).length > 0]).toEqual([table, true]);
    await dropGuards();
  });

  test("any column of any row that is changed is named with its table and row", async () => {
    const missed: string[] = [];
    for (const { table, column, type } of columns) {
      const { ctid, name } = await firstRow(table);
      const change = others[type];
      expect([table, column, type, change !== undefined]).toEqual([table, column, type, true]);
      await sql(`update stockroom.${table} set ${column} = ${change?.replaceAll("C", column)} where ctid = $1::tid`, [ctid]);
      const { ok, problems } = await verify();
      if (ok || !problems.some((problem) => problem.includes(name))) missed.push(`${table}.${column}`);
      await restore(table);
    }
    expect(missed.toSorted()).toEqual(Object.keys(uncovered).toSorted());
    expect((await verify()).problems).toEqual([]);
  }, 120_000);

  test("a row taken out of, put into or doubled in any table is named", async () => {
    for (const table of tables) {
      const { ctid, name } = await firstRow(table);
      await sql(`delete from stockroom.${table} where ctid = $1::tid`, [ctid]);
      expect([
        table,
        (await verify()).problems.some(
          (problem) => problem.includes(name) || problem.includes("classify_audit_head") || problem.includes("tail"),
        ),
      ]).toEqual([table, true]);
      await restore(table);
      if (table === "classify_audit_head") continue;
      const [{ column, type }] = columns.filter((one) => one.table === table && (one.type === "text" || one.column === "seq"));
      await sql(
        `insert into stockroom.${table} overriding system value select * from stockroom.${table} where ctid = (select max(ctid) from stockroom.${table})`,
      );
      expect([table, (await verify()).ok]).toEqual([table, false]);
      await sql(
        `update stockroom.${table} set ${column} = ${others[type]?.replaceAll("C", column)} where ctid = (select max(ctid) from stockroom.${table})`,
      );
      expect([table, (await verify()).ok]).toEqual([table, false]);
      await restore(table);
    }
    expect((await verify()).problems).toEqual([]);
  }, 120_000);
});

describe("cutting the log", () => {
  const restoreLog = async (): Promise<void> => {
    for (const table of tables) await restore(table);
    expect((await verify()).problems).toEqual([]);
  };
  const cut = async (rows: number): Promise<void> => {
    await sql("delete from stockroom.classify_audit where seq > (select max(seq) from stockroom.classify_audit) - $1", [rows]);
  };

  test("a row from the middle, the tail alone, the tail with where it ends, all of it", async () => {
    await sql("delete from stockroom.classify_audit where seq = 3");
    expect((await verify()).problems[0]).toContain("row 3: After row 2 comes row 4");
    await restoreLog();
    await cut(1);
    expect((await verify()).problems.join()).toContain("its tail was cut off");
    await sql("delete from stockroom.classify_audit_head");
    expect((await verify()).problems.join()).toContain("where it ends is not on record");
    await restoreLog();
    await sql("delete from stockroom.classify_audit");
    await sql("delete from stockroom.classify_audit_head");
    expect((await verify()).ok).toBe(false);
    await restoreLog();
  });

  test("a cut tail is not forgotten when the log goes on", async () => {
    await cut(1);
    await app.database.transaction(
      async (tx) => await insertAudit(tx, app.classify.deps.vault, { at: new Date().toISOString(), kind: "test", record: {} }),
    );
    expect((await verify()).problems.join()).toContain("when it was written, this was found");
    await restoreLog();
  });

  test("a tail written anew without our key", async () => {
    const { appendAudit, genesis } = await import("../../src/classify/engine/audit.ts");
    const kept = await sql<{ seq: string; at: string; kind: string; record: Record<string, string>; hash: string }>(
      "select seq, at, kind, record, hash from stockroom.classify_audit order by seq",
    );
    let anchor = genesis;
    for (const row of kept) {
      const again = appendAudit(anchor, { ...row, record: { ...row.record, reviewer: "mallory" } });
      anchor = { seq: again.seq, hash: again.hash };
      await sql("update stockroom.classify_audit set record = $2, previous = $3, hash = $4 where seq = $1", [
        row.seq,
        JSON.stringify(again.record),
        again.previous,
        again.hash,
      ]);
    }
    await sql("update stockroom.classify_audit_head set hash = $1", [anchor.hash]);
    expect((await verify()).problems[0]).toContain("row 1 does not match its own hash".replace("row", "Row"));
    await restoreLog();
  });

  test("who keeps an old end of the log and sets all of it back is found by an anchor kept outside, and by nothing inside", async () => {
    const before = tables.map((table) => `create table stockroom.old_${table} as table stockroom.${table}`);
    for (const statement of before) await sql(statement);
    await app.database.transaction(
      async (tx) => await insertAudit(tx, app.classify.deps.vault, { at: new Date().toISOString(), kind: "test", record: {} }),
    );
    const outside = (await verify()).head;
    for (const table of ["classify_audit", "classify_audit_head"]) {
      await sql(`delete from stockroom.${table}`);
      await sql(`insert into stockroom.${table} overriding system value select * from stockroom.old_${table}`);
    }
    expect((await verify()).problems).toEqual([]);
    expect((await verify(outside)).problems.join()).toContain("its tail was cut off");
  });
});

describe("vouching by hand", () => {
  test("makes the log whole again and is told ever after", async () => {
    await sql("update stockroom.classify_review set units = units + 1 where id = (select max(id) from stockroom.classify_review)");
    await sql("delete from stockroom.classify_completion");
    await expect(adoptRows(app.classify.deps, "ann", " ", signal)).rejects.toMatchObject({ code: "AUDIT_ADOPT" });
    expect(await adoptRows(app.classify.deps, "ann", "a disk was lost", signal)).toBeGreaterThanOrEqual(2);
    const proof = await verify();
    expect(proof.problems).toEqual([]);
    expect(proof.lines.join("\n")).toMatch(/vouched for by hand by "ann" at .*: "a disk was lost"/);
    expect(await adoptRows(app.classify.deps, "ann", "again", signal)).toBe(0);
  });
});
