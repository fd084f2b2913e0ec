import { afterAll, beforeAll, expect, test } from "vitest";
import { openClassify, type ClassifyParts } from "../../../test/kit/classify.ts";
import { minutesLater, modelRow, rowTime } from "../../../test/kit/classify-rows.ts";
import { openVerifier, type AuditRow } from "../engine/audit.ts";
import { lineOf } from "../engine/lines.ts";
import { auditDigest, checkHead, exportAudit, findHead, insertAudit } from "./audit.ts";
import { hashWritten, openRowVerifier, sealedTables, type RowProblem } from "./ledger.ts";
import { insertLine, insertModel } from "./lines.ts";

let parts: ClassifyParts;
beforeAll(async () => {
  parts = await openClassify();
});
afterAll(async () => await parts.close());

const append = async (kind: string): Promise<number> =>
  (await parts.database.transaction(async (tx) => await insertAudit(tx, parts.vault, { at: rowTime, kind, record: { kind } }))).seq;

async function readLog(): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  for await (const row of exportAudit(parts.database)) rows.push(row);
  return rows;
}

async function compare(): Promise<readonly Pick<RowProblem, "table" | "problem" | "seq">[]> {
  const verifier = openRowVerifier();
  for (const row of await readLog()) verifier.add(row);
  const found = [];
  for await (const { table, problem, seq } of verifier.compare(parts.database, new AbortController().signal))
    found.push({ table, problem, seq });
  return found;
}

test("an empty log has no end, and nothing is wrong with that", async () => {
  expect(await findHead(parts.database)).toBeUndefined();
  expect(await checkHead(parts.database, parts.vault)).toBeUndefined();
  expect(await readLog()).toEqual([]);
});

test("who appends at once gets numbers without gaps, each row following the one before; a record rolled back leaves none", async () => {
  const numbers = await Promise.all(Array.from({ length: 8 }, async (_, at) => await append(`fact ${at}`)));
  expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const failed = parts.database.transaction(async (tx) => {
    await insertAudit(tx, parts.vault, { at: rowTime, kind: "lost", record: {} });
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  expect(await append("next")).toBe(9);
  const verifier = openVerifier({ digest: auditDigest(parts.vault) });
  for (const row of await readLog()) expect(verifier.add(row)).toBeUndefined();
  expect(verifier.finish()).toMatchObject({ kind: "intact", rows: 9, head: await findHead(parts.database) });
});

test("the database itself refuses to change or cut the log", async () => {
  for (const sql of [
    "update stockroom.classify_audit set kind = 'x'",
    "delete from stockroom.classify_audit",
    "truncate stockroom.classify_audit",
  ])
    await expect(parts.database.query(sql)).rejects.toThrow("append-only");
});

test("where the log ends is kept with a digest that only the vault can make", async () => {
  expect(await checkHead(parts.database, parts.vault)).toBeUndefined();
  await parts.database.query("update stockroom.classify_audit_head set seq = 5");
  expect(await checkHead(parts.database, parts.vault)).toContain("was not written by us");
  await parts.database.query("update stockroom.classify_audit_head set seq = 9");
  expect(await checkHead(parts.database, parts.vault)).toBeUndefined();
});

test("rows are vouched for by what was written with them: changed, gone and unknown ones are found, in their table", async () => {
  await parts.database.transaction(async (tx) => {
    await insertLine(tx, parts.vault, lineOf("GBR", "WASTE"), rowTime);
    await insertModel(tx, modelRow("m1", "GBR-WASTE"));
    await insertModel(tx, modelRow("m2", "GBR-WASTE"));
    const written = [{ table: "classify_model", where: { id: ["m1", "m2"] } }] as const;
    await insertAudit(tx, parts.vault, { at: rowTime, kind: "model", record: {}, written });
  });
  expect(await compare()).toEqual([]);
  await insertModel(parts.database, modelRow("m3", "GBR-WASTE"));
  await parts.database.query("update stockroom.classify_model set seed = 2 where id = 'm1'");
  await parts.database.query("delete from stockroom.classify_model where id = 'm2'");
  expect(await compare()).toEqual([
    { table: "classify_model", problem: "changed", seq: 11 },
    { table: "classify_model", problem: "unknown", seq: undefined },
    { table: "classify_model", problem: "gone", seq: 11 },
  ]);
  // Sealed again, lawfully: the newest record counts.
  await parts.database.transaction(async (tx) => {
    const written = [{ table: "classify_model", where: { id: ["m1", "m3"] } }] as const;
    await insertAudit(tx, parts.vault, { at: minutesLater(1), kind: "adopted", record: {}, written });
  });
  expect(await compare()).toEqual([{ table: "classify_model", problem: "gone", seq: 11 }]);
});

test("a column added later changes no hash while it has no value", async () => {
  const written = [{ table: "classify_line", where: { line: "GBR-WASTE" } }] as const;
  const before = await hashWritten(parts.database, written);
  await parts.database.query("alter table stockroom.classify_line add column added_later text");
  expect(await hashWritten(parts.database, written)).toEqual(before);
  await parts.database.query("update stockroom.classify_line set added_later = 'x'");
  expect(await hashWritten(parts.database, written)).not.toEqual(before);
});

test("every table of the module is sealed, but for the log's own", async () => {
  const rows = await parts.database.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'stockroom' and table_name like 'classify\\_%' order by 1",
  );
  expect(rows.map(({ name }) => name).filter((name) => !name.startsWith("classify_audit"))).toEqual(Object.keys(sealedTables).toSorted());
});
