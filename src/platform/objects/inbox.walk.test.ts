import { appendFile, chmod, mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { clerk, openTestStore, type TestStore } from "../../../test/integration/store-kit.ts";
import { systemClock } from "../time.ts";
import { StockroomError } from "../errors.ts";
import type { ObjectStore } from "./contract.ts";
import { makeInbox, openInbox, type Inbox } from "./inbox.ts";

const unchangedMs = 2000;
let app: TestStore;
let folder = "";
let inbox: Inbox;
beforeEach(async () => {
  app = await openTestStore();
  folder = path.join(app.folder, "inbox");
  inbox = await make();
});
afterEach(() => app.close());

const make = (store: ObjectStore = app.store): Promise<Inbox> =>
  makeInbox({ folder, store, actor: clerk, clock: app.clock, log: app.log, unchangedMs });
const drop = async (name: string, content: string): Promise<void> => {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
};
const read = async (key: string): Promise<string> => Buffer.from(await app.store.read(clerk, key)).toString();
const left = async (): Promise<readonly string[]> => {
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  return all
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .toSorted();
};
const rejected = (name: string): Promise<string> => readFile(path.join(folder, ".rejected", name), "utf8");
const settled = async (): Promise<Awaited<ReturnType<Inbox["scan"]>>> => {
  const first = await inbox.scan();
  app.clock.advance(unchangedMs);
  const second = await inbox.scan();
  return { taken: [...first.taken, ...second.taken], rejected: [...first.rejected, ...second.rejected], waiting: second.waiting };
};

test("a settled file becomes an object named after its path, and goes", async () => {
  await drop("classify/sales/DE/june.csv", "id,units\n1,2\n");
  expect(await inbox.scan()).toEqual({ taken: [], rejected: [], waiting: 1 });
  app.clock.advance(unchangedMs - 1);
  expect(await inbox.scan()).toEqual({ taken: [], rejected: [], waiting: 1 });
  app.clock.advance(1);
  expect(await inbox.scan()).toEqual({ taken: ["classify/sales/DE/june.csv"], rejected: [], waiting: 0 });
  expect(await read("classify/sales/DE/june.csv")).toBe("id,units\n1,2\n");
  expect((await app.store.head("classify/sales/DE/june.csv"))?.contentType).toBe("text/csv");
  expect(await left()).toEqual([]);
  expect(await readdir(path.join(folder, ".taking"))).toEqual([]);
});

test("a file that still grows waits, and is taken whole", async () => {
  await drop("classify/sales/grows", "a");
  await inbox.scan();
  for (let i = 0; i < 3; i++) {
    app.clock.advance(unchangedMs);
    await appendFile(path.join(folder, "classify/sales/grows"), "b");
    expect((await inbox.scan()).taken).toEqual([]);
  }
  app.clock.advance(unchangedMs);
  expect((await inbox.scan()).taken).toEqual(["classify/sales/grows"]);
  expect(await read("classify/sales/grows")).toBe("abbb");
});

test("a file of the same size written again starts to settle anew", async () => {
  await drop("classify/sales/same", "aaaa");
  await inbox.scan();
  app.clock.advance(unchangedMs);
  await drop("classify/sales/same", "bbbb");
  await utimes(path.join(folder, "classify/sales/same"), 1, 1);
  expect((await inbox.scan()).taken).toEqual([]);
});

test("unfinished and hidden names, links and other people's folders are left alone", async () => {
  for (const name of [
    "classify/sales/a.part",
    "classify/sales/b.TMP",
    "classify/sales/c.crdownload",
    "classify/sales/.hidden",
    ".git/classify",
  ]) {
    await drop(name, "x");
  }
  await writeFile(path.join(app.folder, "secret"), "not for the store");
  await symlink(path.join(app.folder, "secret"), path.join(folder, "classify/sales/link"));
  await symlink(app.folder, path.join(folder, "classify/sales/linked"));
  expect(await settled()).toEqual({ taken: [], rejected: [], waiting: 0 });
  expect(await app.store.list("")).toEqual([]);
  await rename(path.join(folder, "classify/sales/a.part"), path.join(folder, "classify/sales/a"));
  expect((await settled()).taken).toEqual(["classify/sales/a"]);
});

test("what can never be taken is put aside with its reason, and never over another", async () => {
  await drop("nowhere/x.csv", "first");
  await drop("classify/models/m", "no grant");
  expect((await settled()).rejected).toEqual(["classify/models/m", "nowhere/x.csv"]);
  await drop("nowhere/x.csv", "second");
  await settled();
  expect(await left()).toEqual([
    ".rejected/classify/models/m",
    ".rejected/classify/models/m.reason.txt",
    ".rejected/nowhere/x.csv",
    ".rejected/nowhere/x.csv.reason.txt",
    ".rejected/nowhere/x.csv~2",
    ".rejected/nowhere/x.csv~2.reason.txt",
  ]);
  expect(await rejected("nowhere/x.csv")).toBe("first");
  expect(await rejected("nowhere/x.csv~2")).toBe("second");
  expect(await rejected("nowhere/x.csv.reason.txt")).toContain("VAULT_NO_ZONE");
  expect(await rejected("classify/models/m.reason.txt")).toContain("VAULT_NO_GRANT");
});

test("what cannot be taken now stays, is told once, and is taken when it can be", async () => {
  let full = true;
  let tries = 0;
  const commit: ObjectStore["commit"] = (...given) => {
    tries += 1;
    if (full) throw new StockroomError("busy", "STORE_FULL", "Expected room.");
    return app.store.commit(...given);
  };
  inbox = await make({ ...app.store, commit });
  await drop("classify/sales/later", "x");
  expect((await settled()).waiting).toBe(1);
  // Ten minutes of looking every two seconds: less and less often tried.
  for (let i = 0; i < 300; i++) expect((await settled()).taken).toEqual([]);
  expect(tries).toBeGreaterThan(10);
  expect(tries).toBeLessThan(20);
  expect(app.log.lines.filter((line) => line.level === "warn")).toHaveLength(1);
  full = false;
  app.clock.advance(60_000);
  expect((await settled()).taken).toEqual(["classify/sales/later"]);
  expect(await left()).toEqual([]);
  // No try has left its sealed bytes behind.
  expect(await readdir(path.join(app.root, "staging"))).toEqual([]);
});

test("a repeat after a crash between commit and delete changes nothing, even when a newer version came in between", async () => {
  await drop("classify/sales/crash", "old");
  const file = path.join(folder, "classify/sales/crash");
  // Commits and then dies, as far as the inbox can tell.
  const dying: ObjectStore = {
    ...app.store,
    commit: async (...given) => {
      await app.store.commit(...given);
      throw new Error("killed");
    },
  };
  inbox = await make(dying);
  await settled();
  expect(await left()).toHaveLength(1);
  await app.store.put(clerk, "classify/sales/crash", Buffer.from("newer"));
  inbox = await make();
  expect((await settled()).taken).toEqual(["classify/sales/crash"]);
  expect(await left()).toEqual([]);
  expect(await read("classify/sales/crash")).toBe("newer");
  expect(await app.store.versions("classify/sales/crash")).toHaveLength(2);
  await rm(file, { force: true });
});

test("a new file of the same name, dropped while the old one is taken, is not lost", async () => {
  await drop("classify/sales/name", "one");
  const slow: ObjectStore = {
    ...app.store,
    commit: async (...given) => {
      await drop("classify/sales/name", "two");
      return app.store.commit(...given);
    },
  };
  inbox = await make(slow);
  await settled();
  expect(await read("classify/sales/name")).toBe("one");
  inbox = await make();
  await settled();
  expect(await read("classify/sales/name")).toBe("two");
  expect(await app.store.versions("classify/sales/name")).toHaveLength(2);
});

test("a file that grows while it is read is not taken half", async () => {
  await drop("classify/sales/open", "first");
  const file = path.join(folder, "classify/sales/open");
  let appended = false;
  inbox = await make({
    ...app.store,
    writeHandle: async (...given) => {
      if (!appended) await appendFile(file, " second");
      appended = true;
      return app.store.writeHandle(...given);
    },
  });
  expect((await settled()).taken).toEqual([]);
  expect(await app.store.head("classify/sales/open")).toBeUndefined();
  expect((await settled()).taken).toEqual(["classify/sales/open"]);
  expect(await read("classify/sales/open")).toBe("first second");
  expect(await left()).toEqual([]);
});

test("two processes on one inbox take each file once", async () => {
  const names = Array.from({ length: 12 }, (_, i) => `classify/sales/many/${String(i).padStart(2, "0")}`);
  for (const name of names) await drop(name, name);
  const both = [await make(), await make()];
  for (const one of both) await one.scan();
  app.clock.advance(unchangedMs);
  await Promise.all(both.map((one) => one.scan()));
  app.clock.advance(unchangedMs);
  for (const one of both) await one.scan();
  app.clock.advance(unchangedMs);
  for (const one of both) await one.scan();
  expect(await left()).toEqual([]);
  for (const name of names) expect(await app.store.versions(name)).toHaveLength(1);
});

test("the watching inbox takes a dropped file by itself and stops on its signal", async () => {
  const stop = new AbortController();
  const watching = await openInbox({
    folder,
    store: app.store,
    actor: clerk,
    clock: systemClock,
    log: app.log,
    unchangedMs: 20,
    pollMs: 50,
    signal: stop.signal,
  });
  await drop("classify/sales/watched", "x");
  await expect.poll(() => app.store.head("classify/sales/watched"), { timeout: 30_000 }).toBeDefined();
  await expect.poll(left, { timeout: 30_000 }).toEqual([]);
  stop.abort();
  await watching.close();
  await drop("classify/sales/after", "x");
  expect(await left()).toEqual(["classify/sales/after"]);
});

test("a folder that cannot be read is told, and the watching goes on", async () => {
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true });
  expect(await inbox.scan()).toEqual({ taken: [], rejected: [], waiting: 0 });
  await drop("classify/sales/back", "x");
  expect((await settled()).taken).toEqual(["classify/sales/back"]);
});
