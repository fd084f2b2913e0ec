import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { testDatabase } from "../../../test/kit/database.ts";
import { makeMemoryLog } from "../log.ts";
import { backupDatabase, restoreDatabase } from "./backup.ts";
import { makeWorld, until } from "./fixtures/world.ts";
import { openDatabase } from "./open.ts";

const world = makeWorld();
afterAll(() => world.end());
const log = makeMemoryLog();

describe("a backup", () => {
  it("taken while others write is the database of one instant, and comes back whole", async () => {
    const home = await world.usedHome();
    const database = await openDatabase({ home, log, migrations: [] });
    await database.query("create table counted (n int primary key, filler text)");
    let written = 0;
    const stop = new AbortController();
    const writer = (async () => {
      while (!stop.signal.aborted) {
        await database.query("insert into counted select $1, repeat('x', 2000)", [written + 1]);
        written += 1;
      }
    })();
    await until(() => written >= 100);
    const before = written;
    const target = path.join(home, "backup");
    const manifest = await backupDatabase(database, target);
    const after = written;
    await until(() => written > after + 50);
    stop.abort();
    await writer;
    await database.close();
    expect(readdirSync(home).filter((name) => name.includes("partial"))).toEqual([]);
    expect(statSync(target).mode & 0o077).toBe(0);
    // Neither the password nor anything of the running process goes along.
    const password = readFileSync(path.join(home, "postgres", "password"), "utf8");
    expect(manifest.files.map((file) => file.path).filter((name) => /postmaster|password/.test(name))).toEqual([]);
    expect(readFileSync(path.join(target, "stockroom-backup.json"), "utf8")).not.toContain(password);

    const other = world.home();
    await restoreDatabase(target, other, log);
    const restored = await openDatabase({ home: other, log, migrations: [] });
    const [row] = await restored.query<{ count: number; highest: number }>("select count(*)::int as count, max(n) as highest from counted");
    expect(row?.count).toBe(row?.highest);
    expect(row?.highest).toBeGreaterThanOrEqual(before);
    // One insert may have been on its way when the copy ended.
    expect(row?.highest).toBeLessThanOrEqual(after + 1);
    await restored.query("insert into counted values (0, 'goes on')");
    await restored.close();
    const again = await openDatabase({ home: other, log, migrations: [] });
    expect(await again.query("select filler from counted where n = 0")).toEqual([{ filler: "goes on" }]);

    // Nothing is written over.
    await expect(backupDatabase(again, target)).rejects.toMatchObject({ kind: "conflict", code: "RECORDS_BACKUP_EXISTS" });
    await again.close();
    await expect(restoreDatabase(target, other, log)).rejects.toMatchObject({ kind: "conflict", code: "RECORDS_RESTORE_OVER_DATA" });

    // One flipped bit, one missing file, one made longer: all found, nothing put in place.
    const third = world.home();
    const victim = manifest.files.find((file) => file.bytes > 8192) ?? manifest.files[0];
    const file = path.join(target, "data", victim?.path ?? "");
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    bad[5000] = (bad[5000] ?? 0) ^ 1;
    writeFileSync(file, bad);
    await expect(restoreDatabase(target, third, log)).rejects.toMatchObject({
      code: "RECORDS_BACKUP_DAMAGED",
      facts: { file: victim?.path },
    });
    writeFileSync(file, good);
    appendFileSync(file, "x");
    await expect(restoreDatabase(target, third, log)).rejects.toMatchObject({ code: "RECORDS_BACKUP_DAMAGED" });
    expect(existsSync(path.join(third, "postgres", "data"))).toBe(false);
    expect(existsSync(path.join(third, "postgres", "data.new"))).toBe(false);
  });

  it("given up leaves nothing behind, neither a folder nor a slot that would keep the log for ever", async () => {
    const home = await world.usedHome();
    const database = await openDatabase({ home, log, migrations: [] });
    const target = path.join(home, "backup");
    await expect(backupDatabase(database, target, AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
    expect(readdirSync(home)).toEqual(["postgres"]);
    await until(async () => (await database.query("select 1 from pg_replication_slots")).length === 0);
    await database.close();
  });

  it("that is none is refused", async () => {
    await expect(restoreDatabase(world.home(), world.home(), log)).rejects.toMatchObject({
      kind: "input",
      code: "RECORDS_BACKUP_UNREADABLE",
    });
  });

  it("of a database of DATABASE_URL is left to its own tools", async () => {
    const postgres = await testDatabase();
    const database = await openDatabase({ url: postgres.url, home: "unused", log, migrations: [] });
    await expect(backupDatabase(database, world.home())).rejects.toMatchObject({ kind: "input", code: "RECORDS_BACKUP_ELSEWHERE" });
    await database.close();
    await postgres.drop();
  });
});
