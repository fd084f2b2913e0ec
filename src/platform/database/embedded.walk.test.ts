import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, describe, expect, it } from "vitest";
import { describeError, isStockroomError } from "../errors.ts";
import { makeMemoryLog } from "../log.ts";
import { canReach, copyForUser, findBinaries } from "./binaries.ts";
import type { Database } from "./contract.ts";
import { isServing, makeWorld, until } from "./fixtures/world.ts";
import type { Embedded } from "./fixtures/world.ts";
import { openDatabase } from "./open.ts";

const world = makeWorld();
afterAll(() => world.end());

const isRoot = process.geteuid?.() === 0;
/** A system user that is neither root nor the one the server would be given. */
const nobody = 65_534;
const othersCanRun =
  isRoot &&
  (await canReach(import.meta.dirname, { uid: nobody, gid: nobody })) &&
  (await canReach(process.execPath, { uid: nobody, gid: nobody }));

function open(home: string, log = makeMemoryLog()): Promise<Database> {
  return openDatabase({ home, log, migrations: [] });
}

function about(database: Database): Embedded {
  const found = database.about();
  if (found.kind !== "embedded") throw new Error("an embedded server was expected");
  return found;
}

async function note(database: Database, text: string): Promise<void> {
  await database.query("create table if not exists notes (text text)");
  await database.query("insert into notes values ($1)", [text]);
}

async function notes(database: Database): Promise<string[]> {
  const rows = await database.query<{ text: string }>("select text from notes order by text");
  return rows.map(({ text }) => text);
}

function kill(pid: number | undefined): void {
  if (pid === undefined) throw new Error("a process was expected");
  process.kill(pid, "SIGKILL");
}

describe("first and later starts", () => {
  it("make a database that is safe by default, and keep what was written", async () => {
    const home = world.home();
    const database = await open(home);
    const first = about(database);
    await note(database, "kept");
    const [settings] = await database.query(`
      select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit, current_setting('full_page_writes') as pages,
        current_setting('listen_addresses') as listens, current_setting('unix_socket_directories') as sockets,
        current_setting('password_encryption') as password, current_setting('data_checksums') as checksums`);
    expect(settings).toEqual({
      fsync: "on",
      commit: "on",
      pages: "on",
      listens: "127.0.0.1",
      sockets: "",
      password: "scram-sha-256",
      checksums: "on",
    });
    expect(statSync(path.join(home, "postgres", "password")).mode & 0o777).toBe(0o600);
    expect(statSync(path.join(home, "postgres")).mode & 0o077).toBe(0);
    expect(readFileSync(path.join(home, "postgres", "data", "pg_hba.conf"), "utf8").match(/^(?!#).*(trust|peer|md5)$/m)).toBeNull();
    await database.close();
    expect(await isServing(first)).toBe(false);

    const again = await open(home);
    expect(about(again)).toMatchObject({ port: first.port, adopted: false });
    expect(await notes(again)).toEqual(["kept"]);
    await again.close();
    await again.close();
    await expect(again.query("select 1")).rejects.toThrow(/after calling end/);
  });

  it("take another port when theirs is taken, and remember it", async () => {
    const home = await world.usedHome();
    const port = Number(readFileSync(path.join(home, "postgres", "port"), "utf8"));
    const thief = createServer();
    await new Promise<void>((resolve) => thief.listen(port, "127.0.0.1", resolve));
    const database = await open(home);
    expect(about(database).port).not.toBe(port);
    expect(Number(readFileSync(path.join(home, "postgres", "port"), "utf8"))).toBe(about(database).port);
    await database.close();
    await new Promise((resolve) => thief.close(resolve));
  });

  it("are not held up by a pid file of a foreign process, of a dead one, or by an empty one", async () => {
    const home = await world.usedHome();
    const file = path.join(home, "postgres", "data", "postmaster.pid");
    for (const text of [`${process.ppid}\n`, `${process.pid}\n/x\n1\n1\n\n127.0.0.1\n1 1\nready\n`, "999999\n/x\n", "", "garbage\n"]) {
      writeFileSync(file, text);
      const database = await open(home);
      expect(await database.query("select 1 as one")).toEqual([{ one: 1 }]);
      await database.close();
    }
  });

  it("refuse data of another major version, leaving it as it is", async () => {
    const home = await world.usedHome();
    writeFileSync(path.join(home, "postgres", "data", "PG_VERSION"), "16\n");
    await expect(open(home)).rejects.toMatchObject({ kind: "conflict", code: "RECORDS_OTHER_VERSION", facts: { found: "16" } });
    expect(existsSync(path.join(home, "postgres", "data", "global", "pg_control"))).toBe(true);
  });

  it("refuse a folder that is somebody's, leaving it as it is", async () => {
    const home = world.home();
    const folder = path.join(home, "postgres", "data");
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, "thesis.txt"), "mine");
    await expect(open(home)).rejects.toMatchObject({ code: "RECORDS_FOREIGN_FOLDER" });
    expect(readFileSync(path.join(folder, "thesis.txt"), "utf8")).toBe("mine");
  });

  it("say what is wrong with a home that cannot be", async () => {
    const home = world.home();
    writeFileSync(home, "a file");
    await expect(open(home)).rejects.toMatchObject({ kind: "input", code: "RECORDS_HOME_UNUSABLE" });
    rmSync(home);
  });

  it("can be given up, and leave no server behind", async () => {
    const home = await world.usedHome();
    const giveUp = new AbortController();
    const opening = openDatabase({ home, log: makeMemoryLog(), migrations: [], signal: giveUp.signal });
    await until(() => existsSync(path.join(home, "postgres", "data", "postmaster.pid")));
    giveUp.abort();
    await opening.then(
      (database) => database.close(),
      (thrown: unknown) => expect(thrown).toMatchObject({ name: "AbortError" }),
    );
    expect(existsSync(path.join(home, "postgres", "data", "postmaster.pid"))).toBe(false);
  });
});

describe("the password file", () => {
  it("when wrong, is an error that says what to do; when gone, a new one is set", async () => {
    const home = await world.usedHome();
    const file = path.join(home, "postgres", "password");
    const right = readFileSync(file, "utf8");
    const before = await open(home);
    await note(before, "kept");
    await before.close();

    writeFileSync(file, "wrong");
    const refused = await open(home).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ kind: "denied", code: "RECORDS_PASSWORD_REFUSED" });
    expect(isStockroomError(refused) && refused.message).toContain("delete it");
    expect(existsSync(path.join(home, "postgres", "data", "postmaster.pid"))).toBe(false);

    rmSync(file);
    const log = makeMemoryLog();
    const database = await open(home, log);
    expect(await notes(database)).toEqual(["kept"]);
    expect(readFileSync(file, "utf8")).not.toBe(right);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(log.lines.map(({ message }) => message).join()).toContain("password file was missing");
    await database.close();
  });

  it("when gone under an orphan, is set anew all the same", async () => {
    const home = await world.usedHome();
    const holder = await world.hold(home);
    await holder.kill();
    expect(await isServing(holder.about)).toBe(true);
    rmSync(path.join(home, "postgres", "password"));
    const database = await open(home);
    expect(await database.query("select 1 as one")).toEqual([{ one: 1 }]);
    await database.close();
    expect(await isServing(holder.about)).toBe(false);
  });
});

describe("several processes on one home", () => {
  it("share one server, and the last one out stops it", async () => {
    const home = await world.usedHome();
    const holder = await world.hold(home);
    const database = await open(home);
    expect(about(database)).toMatchObject({ pid: holder.about.pid, adopted: true });
    expect(holder.about.adopted).toBe(false);
    // The one who started it leaves first.
    expect(await holder.say("close")).toBe("done");
    expect(await isServing(holder.about)).toBe(true);
    await note(database, "still here");
    const other = await world.hold(home);
    await database.close();
    expect(await other.say("select 1")).toBe("done");
    await other.say("close");
    expect(await isServing(holder.about)).toBe(false);
  });

  it("may come all at once to an empty home", async () => {
    const home = world.home();
    const holders = await Promise.all([1, 2, 3].map(() => world.hold(home)));
    expect(holders.filter(({ about: one }) => !one.adopted)).toHaveLength(1);
    expect(new Set(holders.map(({ about: one }) => one.pid)).size).toBe(1);
    await Promise.all(holders.map((holder) => holder.say("close")));
    for (const { about: one } of holders) expect(await isServing(one)).toBe(false);
  });

  it("may come while the last one goes: nobody loses the server, and none is left", async () => {
    const home = await world.usedHome();
    let database = await open(home);
    for (let round = 0; round < 8; round++) {
      const [next] = await Promise.all([open(home), database.close()]);
      expect(await next.query("select 1 as one")).toEqual([{ one: 1 }]);
      database = next;
    }
    const last = about(database);
    await database.close();
    expect(await isServing(last)).toBe(false);
  });

  it("migrate once, whoever comes first", async () => {
    const home = await world.usedHome();
    const migrations = [1, 2, 3].map((n) => ({
      id: `test-00${n}-step`,
      sql: `create table stockroom.step_${n} (n int); insert into stockroom.step_${n} select ${n} from pg_sleep(0.05);`,
    }));
    const holders = await Promise.all([1, 2].map(() => world.hold(home, { migrations })));
    const database = await openDatabase({ home, log: makeMemoryLog(), migrations });
    const rows = await database.query<{ n: number }>(
      "select n from stockroom.step_1 union all select n from stockroom.step_2 union all select n from stockroom.step_3",
    );
    expect(rows.map(({ n }) => n)).toEqual([1, 2, 3]);
    await database.close();
    for (const holder of holders) await holder.say("close");
  });

  it("can leave the server up when asked to", async () => {
    const home = await world.usedHome();
    const holder = await world.hold(home);
    await holder.say("keep");
    expect(await isServing(holder.about)).toBe(true);
    const database = await open(home);
    expect(about(database)).toMatchObject({ pid: holder.about.pid, adopted: true });
    await database.close();
    expect(await isServing(holder.about)).toBe(false);
  });
});

describe("kill -9", () => {
  it("of our process leaves a server that the next one adopts, with everything that was told to be kept", async () => {
    const home = await world.usedHome();
    const holder = await world.hold(home);
    await holder.say("create table notes (text text)");
    await holder.say("insert into notes values ('told')");
    await holder.kill();
    expect(await isServing(holder.about)).toBe(true);
    const database = await open(home);
    expect(about(database)).toMatchObject({ pid: holder.about.pid, adopted: true });
    expect(await notes(database)).toEqual(["told"]);
    await database.close();
    expect(await isServing(holder.about)).toBe(false);
  });

  it("of our process and the server at once loses nothing", async () => {
    const home = await world.usedHome();
    const holder = await world.hold(home);
    await holder.say("create table notes (text text)");
    await holder.say("insert into notes values ('told')");
    kill(holder.about.pid);
    await holder.kill();
    const database = await open(home);
    expect(await notes(database)).toEqual(["told"]);
    await database.close();
  });

  it.each(["records.initialised-aside", "records.server-started"])("at %s does no harm", async (fault) => {
    const home = world.home();
    expect(await world.runToDeath(home, fault)).toBe("SIGKILL");
    const database = await open(home);
    const last = about(database);
    expect(await database.query("select 1 as one")).toEqual([{ one: 1 }]);
    await database.close();
    expect(await isServing(last)).toBe(false);
    expect(existsSync(path.join(home, "postgres", "data.new"))).toBe(false);
  });

  it("of the server under us is told as busy, and it comes back by itself", async () => {
    const home = await world.usedHome();
    const database = await open(home);
    await note(database, "before");
    let heard = 0;
    const stop = await database.listen("bell", () => {
      heard += 1;
    });
    const before = about(database);
    const sleeping = database.query("select pg_sleep(600)").catch((thrown: unknown) => thrown);
    await until(
      async () =>
        (
          await database.query(
            "select 1 from pg_stat_activity where query like '%pg_sleep(600)%' and state = 'active' and pid <> pg_backend_pid()",
          )
        ).length > 0,
    );
    kill(before.pid);
    expect(await sleeping).toMatchObject({ kind: "busy", code: "RECORDS_UNREACHABLE" });
    const failures: unknown[] = [];
    await until(() =>
      database.query("select 1").then(
        // Sessions of the killed server may still answer for a moment.
        () => about(database).state === "up" && about(database).pid !== before.pid,
        (thrown: unknown) => {
          failures.push(thrown);
          return false;
        },
      ),
    );
    for (const failure of failures) expect(failure).toMatchObject({ kind: "busy", code: "RECORDS_UNREACHABLE" });
    expect(about(database).pid).not.toBe(before.pid);
    expect(about(database).port).toBe(before.port);
    expect(await notes(database)).toEqual(["before"]);
    // The listener is back and was told that it may have missed something; a new bell reaches it as well.
    await until(() => heard > 0);
    const told = heard;
    await database.query("notify bell");
    await until(() => heard > told);
    await stop();
    await database.close();
    expect(await isServing(about(database))).toBe(false);
  });

  it("of one of the server's own processes is survived too", async () => {
    const home = await world.usedHome();
    const database = await open(home);
    await note(database, "before");
    const victim = database.session(async (tx) => {
      const [row] = await tx.query<{ pid: number }>("select pg_backend_pid() as pid");
      kill(row?.pid);
      await tx.query("select 1");
    });
    await expect(victim).rejects.toMatchObject({ code: "RECORDS_UNREACHABLE" });
    await until(() =>
      notes(database).then(
        (found) => found.length === 1 && about(database).state === "up",
        () => false,
      ),
    );
    const last = about(database);
    await database.close();
    expect(await isServing(last)).toBe(false);
  });

  it("of the server while two processes use it: both get it back", async () => {
    const home = await world.usedHome();
    const holder = await world.hold(home);
    const database = await open(home);
    const { pid } = about(database);
    kill(pid);
    await until(() => about(database).state === "up" && about(database).pid !== pid);
    await until(async () => (await holder.say("select 1")) === "done");
    await until(() =>
      database.query("select 1").then(
        () => true,
        () => false,
      ),
    );
    const last = about(database);
    await holder.say("close");
    expect(await isServing(last)).toBe(true);
    await database.close();
    expect(await isServing(last)).toBe(false);
  });

  it("of the data folder's server and the folder itself is an error, never a new empty database", async () => {
    const home = await world.usedHome();
    const log = makeMemoryLog();
    const database = await open(home, log);
    const { pid, folder } = about(database);
    rmSync(folder, { recursive: true, force: true });
    kill(pid);
    await until(() => log.lines.some(({ facts }) => JSON.stringify(facts).includes("RECORDS_DATA_GONE")));
    expect(existsSync(folder)).toBe(false);
    await database.close();
  });
});

// A disk of our own to fill; where we may not mount one, pool.test.ts still shows what the error becomes.
const smallDisk = path.join(os.tmpdir(), `stockroom-disk-${process.pid}`);
const canMount = isRoot && mountSmallDisk();
afterAll(() => {
  if (canMount) spawnSync("umount", ["-l", smallDisk]);
  rmSync(smallDisk, { recursive: true, force: true });
});

function mountSmallDisk(): boolean {
  mkdirSync(smallDisk, { recursive: true });
  return spawnSync("mount", ["-t", "tmpfs", "-o", "size=120m,mode=700", "tmpfs", smallDisk]).status === 0;
}

describe("a full disk", () => {
  it.runIf(canMount)("is told as busy, loses nothing that was accepted, and work goes on once there is room", async () => {
    const home = path.join(smallDisk, "home");
    cpSync(await world.usedHome(), home, { recursive: true });
    const database = await open(home);
    try {
      await database.query("create table filler (n int primary key, text text)");
      const ballast = path.join(smallDisk, "ballast");
      let accepted = 0;
      writeFileSync(ballast, Buffer.alloc(40 * 1024 * 1024));
      const failure = await (async () => {
        for (;;) {
          try {
            await database.query(
              "insert into filler select $1::int * 1000 + i, repeat(md5(i::text), 100) from generate_series(0, 999) as i",
              [accepted],
            );
            accepted += 1;
          } catch (thrown) {
            return thrown;
          }
        }
      })();
      expect(failure).toMatchObject({ kind: "busy" });
      expect(["RECORDS_DISK_FULL", "RECORDS_UNREACHABLE"]).toContain(describeError(failure).code);
      rmSync(ballast);
      const count = async (): Promise<number> => (await database.query<{ n: number }>("select count(*)::int as n from filler"))[0]?.n ?? 0;
      await until(() =>
        count().then(
          (n) => n > 0,
          () => false,
        ),
      );
      expect(await count()).toBe(accepted * 1000);
      await database.query("insert into filler values (-1, 'room again')");
    } finally {
      await database.close();
    }
  });

  it.runIf(canMount)("at the first start is told as such, and the next start with room succeeds", async () => {
    const ballast = path.join(smallDisk, "ballast-2");
    const home = path.join(smallDisk, "fresh");
    writeFileSync(ballast, "");
    const { bavail, bsize } = statfsSync(smallDisk);
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - 8 * 1024 * 1024)));
    await expect(open(home)).rejects.toMatchObject({ kind: "busy", code: "RECORDS_DISK_FULL" });
    rmSync(ballast);
    rmSync(path.join(smallDisk, "home"), { recursive: true, force: true });
    const database = await open(home);
    expect(await database.query("select 1 as one")).toEqual([{ one: 1 }]);
    await database.close();
  });
});

describe("users", () => {
  it.runIf(isRoot)("as root, the server runs under another one, in a home that one cannot walk to", async () => {
    const home = await world.usedHome();
    const database = await open(home);
    const { uid, pid, folder } = about(database);
    expect(uid).toBeGreaterThan(0);
    expect(statSync(`/proc/${pid}`).uid).toBe(uid);
    expect(statSync(folder).uid).toBe(uid);
    expect(await canReach(folder, { uid: uid ?? 0, gid: 0 })).toBe(false);
    // Files of a server at work: tables, temporary files, the log.
    await database.query("create table big as select i, repeat('x', 100) as x from generate_series(1, 20000) as i");
    expect(await database.query("select count(distinct x || i)::int as n from big")).toEqual([{ n: 20_000 }]);
    await database.query("checkpoint");
    await database.close();
  });

  it.runIf(isRoot)(
    "as root, with an installation that the other one cannot walk to, gets the programs from a place where it can",
    async () => {
      const closed = world.home();
      mkdirSync(closed, { mode: 0o700 });
      const place = path.join(os.tmpdir(), `stockroom-programs-${process.pid}`);
      const user = { uid: nobody, gid: nobody };
      try {
        // A place that strangers could have filled is not taken.
        mkdirSync(path.join(closed, "open"), { mode: 0o777 });
        chmodSync(path.join(closed, "open"), 0o777);
        const { postgres } = await findBinaries(undefined);
        const native = path.join(closed, "native");
        cpSync(path.join(path.dirname(postgres), ".."), native, { recursive: true, verbatimSymlinks: true });
        const places = [path.join(closed, "open"), place];
        const copies = await Promise.all([1, 2, 3].map(() => copyForUser(native, "18.0", user, places)));
        expect(new Set(copies)).toEqual(new Set([path.join(place, `postgresql-18.0-linux-${process.arch}`)]));
        const version = spawnSync(path.join(copies[0] ?? "", "bin", "postgres"), ["--version"], user);
        expect(version.stdout.toString()).toMatch(/^postgres \(PostgreSQL\) 18\./);
        expect(readdirSync(place)).toHaveLength(1);
        await expect(copyForUser(native, "18.0", user, [path.join(closed, "open")])).rejects.toMatchObject({
          kind: "input",
          code: "RECORDS_BINARIES_OUT_OF_REACH",
        });
      } finally {
        rmSync(place, { recursive: true, force: true });
      }
    },
  );

  // On a clone where others cannot walk, an ordinary user cannot run the sources either.
  it.runIf(isRoot && othersCanRun)("as an ordinary one, in a home of its own, but not in root's", async () => {
    const mine = path.join(os.tmpdir(), `stockroom-nobody-${process.pid}`);
    mkdirSync(mine, { mode: 0o700 });
    chownSync(mine, nobody, nobody);
    try {
      const user = { uid: nobody, gid: nobody };
      const home = path.join(mine, "home");
      const holder = await world.hold(home, user);
      expect(holder.about.uid).toBeUndefined();
      expect(statSync(`/proc/${holder.about.pid}`).uid).toBe(nobody);
      await holder.kill();
      // Root comes to the same home: it adopts the server and stops it.
      const database = await open(home);
      expect(about(database)).toMatchObject({ pid: holder.about.pid, adopted: true, uid: nobody });
      await database.close();
      // And takes nothing away: the user can come back.
      const again = await world.hold(home, user);
      expect(await again.say("select 1")).toBe("done");
      await again.say("close");
      const roots = path.join(mine, "roots");
      mkdirSync(path.join(roots, "postgres"), { recursive: true, mode: 0o755 });
      await expect(world.hold(roots, user)).rejects.toThrow("failed RECORDS_FOREIGN_HOME");
    } finally {
      rmSync(mine, { recursive: true, force: true });
    }
  });
});
