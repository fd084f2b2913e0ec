// Extraction and rule books in a real app: rows out of warehouses go sealed into the store and start what uploads start; what is wrong is told.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { App } from "../../src/app.ts";
import { gather } from "../../src/platform/bytes.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import { makeMemoryLog } from "../../src/platform/log.ts";
import { importSchemes } from "../../src/classify/workflows/schemes.ts";
import { verifyAuditLog } from "../../src/classify/workflows/audit.ts";
import { recodePeriod } from "../../src/classify/workflows/recode.ts";
import { listRejected } from "../../src/classify/workflows/rejected.ts";
import { currentInferences } from "../../src/classify/store/inferences.ts";
import { listModels } from "../../src/classify/store/lines.ts";
import { listSchemes } from "../../src/classify/store/schemes.ts";
import { testDatabase } from "../kit/database.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/app.ts";

const secretWord = "xyzzy-kettle-plaintext";

describe("extraction", () => {
  let place: TestPlace;
  let app: App;
  let folder: string;
  const stop = new AbortController();

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "stockroom-extract-"));
    const rows = Array.from({ length: 600 }, (_, i) => {
      const country = i % 2 === 0 ? "GBR" : "FRA";
      const kettle = i % 4 < 2;
      return `i${i},${country},en,"${kettle ? `${secretWord} steel` : "phone case"} ${i}",Acme,,2026-0${1 + (i % 9)}-03,,${kettle ? "K" : "P"}`;
    });
    await writeFile(path.join(folder, "items.csv"), `id,country,lang,title,brand,description,date,group,code.TEST\n${rows.join("\n")}\n`);
    const warehouse = await testDatabase();
    const database = await openDatabase({ url: warehouse.url, home: folder, log: makeMemoryLog(), migrations: [] });
    await database.query(
      "create table sold (id text, country text, title text, brand text, description text, date date, units int, kg numeric)",
    );
    await database.query(
      "insert into sold select 's' || i, case when i % 2 = 0 then 'GBR' else 'FRA' end, case when i % 3 = 0 then 'steel kettle' else 'phone case' end, 'Acmé', '', date '2026-10-01' + (i % 30), 1 + i % 3, 1.250 from generate_series(1, 500) i",
    );
    await database.close();
    place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "2" });
    await writeFile(
      path.join(place.home, "stockroom.yaml"),
      `classify:
  # How people's files are written; what the extraction itself writes is read right all the same.
  columns: { decimal: ",", encoding: windows-1252 }
  warehouses:
    files: { kind: duckdb }
    shop: { kind: postgres, url: ${JSON.stringify(warehouse.url)} }
    gone: { kind: postgres, url: "postgres://nobody:secretpassword@127.0.0.1:1/none" }
  extracts:
    - { name: labels, kind: labelled, warehouse: files, sql: ${JSON.stringify(`select * from '${path.join(folder, "items.csv")}'`)} }
    - { name: sales, kind: sales, warehouse: shop, sql: "select *, 'en' as lang from sold where to_char(date, 'YYYY-MM') = $period" }
    - { name: holes, kind: sales, warehouse: shop, sql: "select id, case when id in ('s3', 's5') then null when id = 's7' then 'Nowhere' else country end as country, title, brand, description, date, units, kg from sold where to_char(date, 'YYYY-MM') = $period order by length(id), id limit 20" }
    - { name: holes-labels, kind: labelled, warehouse: files, sql: ${JSON.stringify(`select * replace (case when id = 'i4' then '' else country end as country) from '${path.join(folder, "items.csv")}'`)} }
    - { name: nowhere, kind: sales, warehouse: shop, sql: "select id, '' as country, title, date, units, kg from sold limit 10" }
    - { name: wrong, kind: labelled, warehouse: files, sql: "selec * from items" }
    - { name: down, kind: labelled, warehouse: gone, sql: "select 1 as country" }
    - { name: lost, kind: labelled, warehouse: files, sql: "select * from '${folder}/nowhere.csv'" }
`,
    );
    app = await openAt(place, { work: true, quiet: true });
  }, 120_000);

  afterAll(async () => {
    stop.abort();
    await app.close();
    await place.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const extract = async (
    name: string,
  ): Promise<{ readonly kind: string; readonly error?: { readonly code: string; readonly message: string } }> => {
    const id = await app.workflows.start("classify.extract", { name, period: "2026-10" }, { id: `extract/${name}` });
    return await app.workflows.outcome(id);
  };

  test("labelled items of a CSV file come in as one sealed object a country, and their lines are trained", async () => {
    expect(await extract("labels")).toMatchObject({
      kind: "done",
      value: { rows: 600, objects: ["classify/labelled/FRA/labels.csv", "classify/labelled/GBR/labels.csv"] },
    });
    await settled(app);
    expect((await listModels(app.database)).map((model) => model.line).toSorted()).toEqual(["FRA-TEST", "GBR-TEST"]);
  });

  test("sales of PostgreSQL come in by period, are coded and reported", async () => {
    expect(await extract("sales")).toMatchObject({ kind: "done", value: { rows: 500 } });
    await settled(app);
    const coded = await app.database.query("select line, items::int from stockroom.classify_inference order by line");
    expect(coded).toEqual([
      { line: "FRA-TEST", items: 250 },
      { line: "GBR-TEST", items: 250 },
    ]);
    const inferences = await currentInferences(app.database, "2026-10");
    const figures = inferences.flatMap(({ figures }) => Object.values(figures).flatMap((codes) => Object.values(codes)));
    expect(figures.reduce((sum, one) => sum + one.kg, 0)).toBeCloseTo(500 * 1.25, 6);
    expect(inferences.map(({ badRows }) => badRows)).toEqual([0, 0]);
    // Their text is UTF-8, whatever people's files are in.
    const { body } = await app.objects.get({ role: "infer", purpose: "test" }, "classify/sales/2026-10/GBR/sales.csv");
    expect(Buffer.from(await gather(body)).toString("utf8")).toContain('Acmé,,2026-10-03,3,"1,250",en');
  });

  test("rows without a country are set apart, listed and told", async () => {
    expect(await extract("holes")).toMatchObject({ kind: "done", value: { rows: 17, badRows: 3 } });
    const listed = await listRejected(app.classify.deps, "test", { period: "2026-10", limit: 100 });
    const own = listed.rows.filter((row) => row.file === "extract holes");
    expect(own.map(({ line, column, code }) => [line, column, code])).toEqual([3, 5, 7].map((line) => [line, 2, "ITEM_COUNTRY"]));
    expect(own[2]).toMatchObject({ reason: expect.stringContaining('received "Nowhere"'), sample: expect.stringContaining("s7,Nowhere") });
    expect((await listRejected(app.classify.deps, "test", { period: "2026-10", country: "GBR", limit: 9 })).rows).toEqual([]);
    const notices = async (name: string) =>
      await app.database.query<{ title: string; body: string }>("select title, body from stockroom.notices where title like $1", [
        `% of extract ${name} w% set apart`,
      ]);
    const [told] = await notices("holes");
    expect(told).toMatchObject({ title: "3 rows of extract holes were set apart", body: expect.stringContaining("3 of 20 rows") });
    expect(told?.body).toContain("`stockroom classify rejected --period 2026-10`");

    expect(await extract("holes-labels")).toMatchObject({ kind: "done", value: { rows: 599, badRows: 1 } });
    expect((await notices("holes-labels"))[0]?.body).toContain("classify/rejected/extracts/holes-labels/2026-10.jsonl");
    expect(await app.objects.head("classify/rejected/extracts/holes-labels/2026-10.jsonl")).toBeDefined();

    // Without any country nothing is kept, as with a file of bad rows alone.
    expect(await extract("nowhere")).toMatchObject({ kind: "failed", error: { code: "TOO_MANY_BAD_ROWS" } });
    expect((await app.objects.list("classify/sales/2026-10/")).filter(({ key }) => key.includes("nowhere"))).toEqual([]);
    const all = await listRejected(app.classify.deps, "test", { period: "2026-10", limit: 100 });
    expect(all.rows.filter((row) => row.file === "extract nowhere")).toHaveLength(10);
    await settled(app);
  }, 60_000);

  test.each([
    ["wrong SQL", "wrong", "WAREHOUSE_SQL"],
    ["a missing file", "lost", "WAREHOUSE_MISSING"],
  ])("%s ends in the dead letters after one try and says where", async (_what, name, code) => {
    expect(await extract(name)).toMatchObject({ kind: "failed", error: { code } });
    expect((await app.workflows.deadLetters()).find((letter) => letter.title.includes(name))).toMatchObject({
      tries: 1,
      error: { code },
    });
  });

  test("a warehouse that is down is tried again, and its password is nowhere", async () => {
    const id = await app.workflows.start("classify.extract", { name: "down", period: null }, { id: "extract/down" });
    const seen = await app.workflows.outcome(id, { timeoutMs: 100, signal: stop.signal }).catch((error: unknown) => error);
    expect(seen).toMatchObject({ code: "RUN_NOT_ENDED" });
    expect(JSON.stringify(await app.workflows.show(id))).not.toContain("secretpassword");
    await app.workflows.cancel(id);
  });

  test("no plain word of an item rests anywhere under the home folder", async () => {
    await app.database.query("checkpoint");
    const found: string[] = [];
    for (const entry of await readdir(place.home, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      if ((await readFile(file)).includes(secretWord)) found.push(file);
    }
    expect(found).toEqual([]);
    const tables = await app.database.query<{ name: string }>(
      "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('stockroom', 'dbos')",
    );
    for (const { name } of tables) {
      const [row] = await app.database.query<{ count: string }>(
        `select count(*) as count from ${name} t where t::text like '%${secretWord}%'`,
      );
      expect([name, row?.count]).toEqual([name, "0"]);
    }
  });

  test("the audit log is whole, and a changed row or a flipped bit of a prediction is found", async () => {
    const signal = stop.signal;
    expect(await verifyAuditLog(app.classify.deps, "test", signal)).toMatchObject({ ok: true });
    const changed = await app.database.query<{ line: string }>(
      "select record->>'line' as line from stockroom.classify_audit where seq = 2",
    );
    await app.database.transaction(async (tx) => {
      await tx.query("alter table stockroom.classify_audit disable trigger all");
      await tx.query("update stockroom.classify_audit set record = jsonb_set(record, '{line}', '\"ZZZ-TEST\"') where seq = 2");
    });
    const proof = await verifyAuditLog(app.classify.deps, "test", signal);
    expect(proof.ok).toBe(false);
    expect(proof.problems[0]).toContain("row 2");
    const [{ line } = { line: "" }] = changed;
    await app.database.query("update stockroom.classify_audit set record = jsonb_set(record, '{line}', to_jsonb($1::text)) where seq = 2", [
      line,
    ]);
    expect(await verifyAuditLog(app.classify.deps, "test", signal)).toMatchObject({ ok: true });
    const [object] = await app.database.query<{ path: string }>(
      "select path from stockroom.object where key like 'classify/predictions/2026-10/%.csv' limit 1",
    );
    const file = path.join(app.settings.objects.root, object?.path ?? "");
    const bytes = await readFile(file);
    const middle = bytes.length - 60;
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    await writeFile(file, bytes);
    const flipped = await verifyAuditLog(app.classify.deps, "test", signal);
    expect(flipped.ok).toBe(false);
    expect(flipped.problems.join()).toContain("does not open");
  });
});

describe("rule books", () => {
  let place: TestPlace;
  let app: App;

  beforeAll(async () => {
    place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "2" });
    app = await openAt(place, { work: true, quiet: true });
  });

  afterAll(async () => {
    await app.close();
    await place.remove();
  });

  const yaml = (to: string, from: string): string => `scheme: GBR-VAPES
country: GBR
versions:
  - version: UK14
    valid_from: "2014-01-01"
    valid_to: "${to}"
    codes: [{ code: "7", name: Toys }, { code: "3", name: IT }]
  - version: UK15
    valid_from: "${from}"
    codes: [{ code: "7", name: Toys }, { code: "7.1", name: Vapes }, { code: "3", name: IT }]
mappings:
  - from: UK14
    to: UK15
    codes: [{ from: "7", to: ["7", "7.1"] }, { from: "3", to: ["3"] }]
`;

  test("overlapping dates are told with their place and nothing is imported", async () => {
    const deps = app.classify.deps;
    await expect(
      importSchemes(deps, [{ name: "uk.yaml", bytes: textBytes(yaml("2025-09-01", "2025-08-12")) }], "test"),
    ).rejects.toMatchObject({
      code: "SCHEMES_BAD",
      message: expect.stringContaining("uk.yaml"),
    });
    expect(await listSchemes(app.database)).toEqual([]);
  });

  test("broken YAML is told with line and column", async () => {
    await expect(
      importSchemes(app.classify.deps, [{ name: "uk.yaml", bytes: textBytes("scheme: [\n  a\nversions: }") }], "test"),
    ).rejects.toMatchObject({
      message: expect.stringMatching(/uk\.yaml, line \d+, column \d+/),
    });
  });

  test("the same import again makes no revision; a changed one does", async () => {
    const good = textBytes(yaml("2025-08-11", "2025-08-12"));
    const first = await importSchemes(app.classify.deps, [{ name: "uk.yaml", bytes: good }], "test");
    expect(first.schemes).toEqual([expect.objectContaining({ scheme: "GBR-VAPES", isNew: true })]);
    expect((await importSchemes(app.classify.deps, [{ name: "uk.yaml", bytes: good }], "test")).schemes[0]?.isNew).toBe(false);
  });

  test("old months are coded by the old version, new ones by the new; a split code goes to a person; recoding writes beside", async () => {
    const rows = Array.from(
      { length: 400 },
      (_, i) => `v${i},GBR,en,${i % 2 === 0 ? `toy car ${i}` : `laptop ${i}`},Acme,,2025-0${1 + (i % 7)}-02,,${i % 2 === 0 ? "7" : "3"}`,
    );
    await app.objects.put(
      operator,
      "classify/labelled/GBR/old.csv",
      textBytes(`id,country,lang,title,brand,description,date,group,code.GBR-VAPES\n${rows.join("\n")}\n`),
    );
    await settled(app);
    const sales = (day: string): Uint8Array =>
      textBytes(
        `id,country,lang,title,brand,description,date,units,kg\n${Array.from({ length: 40 }, (_, i) => `s${i},GBR,en,${i % 2 === 0 ? "toy car" : "laptop"} ${i},Acme,,${day},1,1`).join("\n")}\n`,
      );
    await app.objects.put(operator, "classify/sales/2025-07/GBR.csv", sales("2025-07-10"));
    await app.objects.put(operator, "classify/sales/2025-09/GBR.csv", sales("2025-09-10"));
    await settled(app);
    const figures = await app.database.query<{
      period: string;
      figures: Record<string, Record<string, { items: number; autoItems: number }>>;
    }>("select period, figures from stockroom.classify_inference order by period");
    expect(Object.keys(figures[0]?.figures ?? {})).toEqual(["UK14"]);
    expect(Object.keys(figures[1]?.figures ?? {})).toEqual(["UK15"]);
    // Code 7 may be 7 or 7.1 now: no model of old labels can say which.
    expect(figures[1]?.figures["UK15"]?.["7"]).toMatchObject({ items: 20, autoItems: 0 });
    const recoded = await recodePeriod(
      app.classify.deps,
      "test",
      { period: "2025-07", scheme: undefined, to: undefined },
      new AbortController().signal,
    );
    expect(recoded).toEqual([expect.objectContaining({ line: "GBR-GBR-VAPES", to: "UK15", ambiguous: 20, same: 20 })]);
    const before = await app.objects.list("classify/predictions/2025-07/");
    expect(before.map((entry) => entry.key)).toContain("classify/predictions/2025-07/GBR/GBR-VAPES.csv");
    expect(before.map((entry) => entry.key)).toContain("classify/predictions/2025-07/GBR/recoded/GBR-VAPES.UK15.csv");
  });
});
