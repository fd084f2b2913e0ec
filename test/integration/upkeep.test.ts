// Upkeep of a real app: the scrub finds every damaged object and goes on where it stopped; retention takes what may go and nothing else.

import { rmSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { holdings, listDamage, scrub, scrubActor } from "../../src/platform/maintenance/maintenance.ts";
import { purge } from "../../src/platform/maintenance/retention.ts";
import { keepOf, recordZones, type App } from "../../src/app.ts";
import { makePlace, openAt, operator, settled, textBytes, waitFor, type TestPlace } from "../kit/app.ts";

let place: TestPlace;
let app: App;

beforeAll(async () => {
  place = await makePlace();
  app = await openAt(place, { work: true, quiet: true });
});

afterAll(async () => {
  await app.close();
  await place.remove();
});

const fileOf = async (key: string): Promise<string> => {
  const [row] = await app.database.query<{ path: string }>("select path from stockroom.object where key = $1 order by version limit 1", [
    key,
  ]);
  return path.join(app.settings.objects.root, row?.path ?? "");
};

function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

test("a scrub reads everything, former versions too, names what is damaged, and is told", async () => {
  for (const name of ["flipped", "gone", "sound"]) await app.objects.put(operator, `shop/${name}`, textBytes(`first ${name}`));
  await app.objects.put(operator, "shop/flipped", textBytes("second"));
  await settled(app);
  flip(await fileOf("shop/flipped"));
  rmSync(await fileOf("shop/gone"));
  await app.workflows.start("app.scrub", null, { id: "scrub 1" });
  expect(await app.workflows.outcome("scrub 1")).toEqual({ kind: "done", value: { damaged: 2 } });
  expect((await listDamage(app.database)).map(({ key, code }) => [key, code])).toEqual([
    ["shop/flipped", "OBJECT_TAMPERED"],
    ["shop/gone", "OBJECT_BYTES_MISSING"],
  ]);
  const told = await waitFor("the alarm", async () => (await app.notices.list()).find(({ id }) => id === "scrub/scrub 1"));
  expect(told).toMatchObject({ severity: "alarm", topic: "mlops", body: expect.stringContaining("shop/gone") });
  // Mended or removed, it is no damage any more.
  flip(await fileOf("shop/flipped"));
  await app.objects.remove(operator, "shop/gone");
  expect(await scrub(app, { actor: scrubActor, bytesPerSecond: 1e9 })).toMatchObject({ objects: 3, ended: true });
  expect(await listDamage(app.database)).toEqual([]);
});

test("a scrub that is stopped goes on behind the last object, and a second one stops", async () => {
  const stop = new AbortController();
  const first = scrub(app, { actor: scrubActor, bytesPerSecond: 1e9, afresh: true, signal: stop.signal, told: () => stop.abort() });
  await expect(first).rejects.toThrow("abort");
  const ended = await scrub(app, { actor: scrubActor, bytesPerSecond: 1e9 });
  expect(ended).toMatchObject({ objects: 3, ended: true });
  const both = await Promise.allSettled([1, 2].map(() => scrub(app, { actor: scrubActor, bytesPerSecond: 1e9, afresh: true })));
  const failed = both.filter(({ status }) => status === "rejected");
  for (const one of failed) expect(one).toMatchObject({ reason: { code: "SCRUB_RUNNING" } });
  expect(failed.length).toBeLessThan(2);
});

const dayMs = 86_400_000;

test("what is old goes, and what waits, is named by something, or is a record stays", async () => {
  const { database, objects } = app;
  const sales = { role: "operator", purpose: "test" } as const;
  for (const text of ["one", "two", "three"]) {
    await objects.put(operator, "shop/often", textBytes(text), { announce: false });
    await objects.put(sales, "classify/sales/2026-01/XXX.csv", textBytes(text), { announce: false });
  }
  await settled(app);
  const [named] = await objects.versions("shop/often").then((all) => all.slice(1));
  await database.query(
    `insert into stockroom.run (id, workflow, queue, title, input, state, priority, ended_at) values
       ('old', 'w', 'q', 't', 'null', 'done', 1, now()), ('old parent', 'w', 'q', 't', $1, 'dead', 1, now()),
       ('old child', 'w', 'q', 't', 'null', 'done', 1, now())`,
    [JSON.stringify({ version: named?.version })],
  );
  await database.query(`update stockroom.run set parent = 'old parent' where id = 'old child'`);
  await database.query(
    `insert into stockroom.dead_letter (run_id, workflow, title, error, tries, crashes) values ('old parent', 'w', 't', '{}', 1, 0)`,
  );
  const keep = { ...keepOf(app.settings), formerVersions: 90 * dayMs, keyUses: undefined };
  const nowMs = Date.now() + 2_000 * dayMs;
  expect(await purge(database, { keep, recordZones, nowMs: Date.now() })).toEqual([]);
  const uses = (await database.query("select 1 from stockroom.key_use")).length;
  const due = await holdings(database, { keep, recordZones, nowMs });
  expect(due.find(({ what }) => what.startsWith("ended runs"))?.due).toBeGreaterThan(0);
  await purge(database, { keep, recordZones, nowMs });
  // The waiting letter, its run and that run's child; the version the run names; the sales; the log that is kept for ever.
  expect((await database.query<{ id: string }>("select id from stockroom.run order by id")).map(({ id }) => id)).toEqual([
    "old child",
    "old parent",
  ]);
  expect((await objects.versions("shop/often")).length).toBe(2);
  expect((await objects.versions("shop/often"))[1]?.version).toBe(named?.version);
  expect((await objects.versions("classify/sales/2026-01/XXX.csv")).length).toBe(3);
  expect((await database.query("select 1 from stockroom.key_use")).length).toBe(uses);
  expect(await database.query("select 1 from stockroom.object_staging")).toEqual([]);
  expect(await database.query("select 1 from stockroom.notices")).toEqual([]);
  // The bytes go at the next reconcile, the rows with their tombstones a retention later.
  await objects.reconcile();
  const swept = "select 1 from stockroom.object where state = 'swept'";
  expect((await database.query(swept)).length).toBeGreaterThan(0);
  await purge(database, { keep: { ...keep, keyUses: dayMs }, recordZones, nowMs: nowMs + 400 * dayMs });
  expect(await database.query(swept)).toEqual([]);
  expect(await database.query("select 1 from stockroom.key_use")).toEqual([]);
  // Without retention's word the log of uses stays append-only.
  await objects.put(operator, "shop/often", textBytes("four"));
  await expect(database.query("delete from stockroom.key_use")).rejects.toThrow("append-only");
});

test("a commit repeated after retention took its mark gives the same object and leaves its bytes alone", async () => {
  const { objects, database } = app;
  const { writeThrough } = await import("../../src/platform/objects/handles.ts");
  const handle = await objects.writeHandle(operator, "shop/late");
  const body = async function* () {
    yield textBytes("late");
  };
  const staged = await writeThrough(handle, body());
  const [first] = await objects.commit(operator, [staged]);
  await database.query("delete from stockroom.object_staging");
  expect(await objects.commit(operator, [staged])).toEqual([first]);
  expect(Buffer.from(await objects.read(operator, "shop/late")).toString()).toBe("late");
});
