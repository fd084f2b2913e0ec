// The store killed at every named point, and the store with neighbours: nothing half visible, nothing lost, nothing twice.

import { spawn } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeManualClock } from "../../src/platform/time.ts";
import { openObjectStore } from "../../src/platform/objects/store.ts";
import { writeThrough } from "../../src/platform/objects/handles.ts";
import { clerk, codeOf, graceMs, openDeps, openTestStore, pieces, type TestStore } from "./store-kit.ts";

let app: TestStore;
beforeEach(async () => {
  app = await openTestStore();
});
afterEach(() => app.close());

interface Ended {
  readonly signal: string | null;
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the child to its end; kills it when it has printed `killAt`. */
function child(args: readonly string[], options: { readonly fault?: string; readonly killAt?: string } = {}): Promise<Ended> {
  const script = path.join(import.meta.dirname, "store-child.ts");
  const env = { ...process.env, STOCKROOM_FAULT: options.fault ?? "" };
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, [script, app.url, app.folder, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    running.stdout.on("data", (text: Buffer) => {
      out += text.toString();
      if (options.killAt !== undefined && out.includes(options.killAt)) running.kill("SIGKILL");
    });
    running.stderr.on("data", (text: Buffer) => (err += text.toString()));
    running.on("error", reject);
    running.on("close", (code, signal) => resolve({ signal, code, out, err }));
  });
}
const well = async (args: readonly string[]): Promise<string> => {
  const ended = await child(args);
  expect([ended.code, ended.signal, ended.err]).toEqual([0, null, ""]);
  return ended.out;
};
const files = async (): Promise<number> => {
  const all = await readdir(app.root, { recursive: true, withFileTypes: true }).catch(() => []);
  return all.filter((entry) => entry.isFile()).length;
};
const events = async (): Promise<readonly string[]> => {
  const rows = await app.database.query<{ line: string }>("select kind || ' ' || subject as line from stockroom.outbox order by id");
  return rows.map((row) => row.line);
};
/** What the next start, and the one after the grace time, do. */
const settle = async (): Promise<void> => {
  await app.store.reconcile();
  app.clock.advance(graceMs);
  const report = await app.store.reconcile();
  expect([report.missingBytes, report.unknownFiles]).toEqual([[], []]);
};
/** Another process whose reconcile sweeps at once whatever has no row. */
const openImpatient = () => {
  const { vault, database, clock, log, root } = app;
  return openObjectStore({ driver: { kind: "folder", root }, vault, database, clock, log, graceMs: 0 });
};
const key = "classify/sales/crash";

describe("killed at every point of a put", () => {
  for (const fault of ["objects.staged", "objects.promoted", "objects.written", "objects.committed"]) {
    test(`after ${fault}`, async () => {
      const ended = await child(["put", key, "payload"], { fault });
      expect(ended.signal).toBe("SIGKILL");
      expect(await files()).toBe(1);
      const visible = fault === "objects.committed";
      expect((await app.store.head(key)) !== undefined).toBe(visible);
      expect(await events()).toHaveLength(visible ? 1 : 0);
      await settle();
      expect(await files()).toBe(visible ? 1 : 0);
      // The caller, told nothing, does it again.
      await well(["put", key, "payload"]);
      expect(Buffer.from(await app.store.read(clerk, key)).toString()).toBe("payload");
      expect(await app.store.versions(key)).toHaveLength(1);
      expect(await events()).toEqual([`object.stored ${key}`]);
      await settle();
      expect(await files()).toBe(1);
    });
  }

  for (const fault of ["objects.staged#2", "objects.promoted#1", "objects.committed"]) {
    test(`a batch, ${fault}`, async () => {
      expect((await child(["put-two", `${key}/`], { fault })).signal).toBe("SIGKILL");
      const visible = fault === "objects.committed" ? 2 : 0;
      expect(await app.store.list(`${key}/`)).toHaveLength(visible);
      expect(await events()).toHaveLength(visible);
      await settle();
      expect(await files()).toBe(visible);
    });
  }

  test("in the middle of the bytes", async () => {
    expect((await child(["put-stuck", key], { killAt: "half written" })).signal).toBe("SIGKILL");
    expect(await app.store.head(key)).toBeUndefined();
    expect(await files()).toBe(1);
    await settle();
    expect(await files()).toBe(0);
  });
});

test("killed while sweeping removed bytes: they are gone at the next reconcile, and the row says so", async () => {
  await app.store.put(clerk, key, Buffer.from("payload"));
  expect((await child(["remove-and-reconcile", key], { fault: "objects.removed-bytes" })).signal).toBe("SIGKILL");
  expect(await app.store.head(key)).toBeUndefined();
  await settle();
  expect(await files()).toBe(0);
  expect(await app.database.query("select state from stockroom.object")).toEqual([{ state: "swept" }]);
  expect(await events()).toEqual([`object.stored ${key}`, `object.removed ${key}`]);
});

test("killed after the key file was written: the key is there once, and everything opens", async () => {
  await app.store.put(clerk, key, Buffer.from("payload"));
  expect((await child(["rotate", "-", "1"], { fault: "vault.key-file-written" })).signal).toBe("SIGKILL");
  await well(["put", `${key}2`, "after"]);
  expect(Buffer.from(await app.store.read(clerk, key)).toString()).toBe("payload");
  expect(await app.store.head(`${key}2`)).toMatchObject({ keyVersion: 2 });
  expect(Buffer.from(await app.store.read(clerk, `${key}2`)).toString()).toBe("after");
});

for (const fault of ["objects.inbox-moved", "objects.staged", "objects.committed", "objects.inbox-committed"]) {
  test(`an inbox file taken by a process killed at ${fault} is taken once`, async () => {
    const folder = path.join(app.folder, "inbox");
    await mkdir(path.join(folder, "classify/sales"), { recursive: true });
    await writeFile(path.join(folder, key), "dropped");
    expect((await child(["inbox", folder], { fault })).signal).toBe("SIGKILL");
    await well(["inbox", folder]);
    expect(Buffer.from(await app.store.read(clerk, key)).toString()).toBe("dropped");
    expect(await app.store.versions(key)).toHaveLength(1);
    expect(await events()).toEqual([`object.stored ${key}`]);
    const left = await readdir(folder, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
    await settle();
    expect(await files()).toBe(1);
  });
}

test("killed while sweeping what crashes left: the next reconcile goes on", async () => {
  for (const name of ["1", "2", "3"]) await child(["put", `${key}/${name}`, "payload"], { fault: "objects.staged" });
  await app.store.put(clerk, key, Buffer.from("stays"));
  await app.store.reconcile();
  expect((await child(["reconcile", "-", String(graceMs)], { fault: "objects.swept#2" })).signal).toBe("SIGKILL");
  expect(await files()).toBe(2);
  await well(["reconcile", "-", String(graceMs)]);
  expect(await files()).toBe(1);
  expect(await app.database.query("select * from stockroom.object_stray")).toEqual([]);
  expect(Buffer.from(await app.store.read(clerk, key)).toString()).toBe("stays");
});

describe("neighbours", () => {
  test("two processes put one key at once: every version is whole, one is current, each has its event", async () => {
    await Promise.all([well(["put-many", key, "15", "a"]), well(["put-many", key, "15", "b"])]);
    const versions = await app.store.versions(key);
    expect(versions).toHaveLength(30);
    const bodies = await Promise.all(
      versions.map(async ({ version }) => Buffer.from(await app.store.read(clerk, key, { version })).toString()),
    );
    expect(bodies.toSorted()).toEqual(["a", "b"].flatMap((who) => Array.from({ length: 15 }, (_, i) => `${who}/${i}`)).toSorted());
    expect((await app.store.head(key))?.version).toBe(versions[0]?.version);
    // Each process's own puts are in its order.
    for (const who of ["a", "b"]) expect(bodies.filter((body) => body.startsWith(who))[0]).toBe(`${who}/14`);
    expect(await events()).toHaveLength(30);
    expect(await files()).toBe(30);
  });

  test("the same bytes put at once by many make one version and one event", async () => {
    const entries = await Promise.all(Array.from({ length: 12 }, () => app.store.put(clerk, key, Buffer.from("same"))));
    expect(new Set(entries.map((entry) => entry.version)).size).toBe(1);
    expect(await events()).toHaveLength(1);
    expect(await files()).toBe(1);
  });

  test("one staged object committed by many at once is committed once", async () => {
    const staged = await writeThrough(await app.store.writeHandle(clerk, key), pieces(Buffer.from("staged"), 2));
    let ran = 0;
    const alongside = async (): Promise<void> => {
      ran += 1;
    };
    const answers = await Promise.all(Array.from({ length: 6 }, () => app.store.commit(clerk, [staged], { alongside })));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect([ran, (await events()).length, await files()]).toEqual([1, 1, 1]);
  });

  test("processes that rotate at once lose no key", async () => {
    await Promise.all([well(["rotate", "-", "5"]), well(["rotate", "-", "5"])]);
    const sales = (await app.vault.keys()).filter((one) => one.zone === "sales");
    expect(sales.map((one) => one.version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    for (const { zone, version } of sales) await app.vault.handle(clerk, "read", key, { zone, keyVersion: version });
  });

  test("a reconcile without any patience, against writers: a put is whole or refused, never a row without bytes", async () => {
    const impatient = await openImpatient();
    const writing = new AbortController();
    const sweeping = (async () => {
      while (!writing.signal.aborted) expect((await impatient.reconcile()).missingBytes).toEqual([]);
    })();
    const writers = Array.from({ length: 3 }, async (_, writer) => {
      for (let i = 0; i < 25; i++) {
        const name = `classify/sales/race/${writer}/${i}`;
        const code = await codeOf(app.store.put(clerk, name, Buffer.from(name)));
        expect(["none", "OBJECT_STAGING_GONE"]).toContain(code);
        expect((await app.store.head(name)) !== undefined).toBe(code === "none");
      }
    });
    await Promise.all(writers);
    writing.abort();
    await sweeping;
    for (const entry of await app.store.list("classify/sales/race/")) {
      expect(Buffer.from(await app.store.read(clerk, entry.key)).toString()).toBe(entry.key);
    }
    expect(await impatient.reconcile()).toMatchObject({ missingBytes: [], unknownFiles: [] });
    expect(await files()).toBe((await app.store.list("classify/sales/race/")).length);
  });

  test("staged bytes swept before their commit are told, and written again they are stored", async () => {
    const impatient = await openImpatient();
    const staged = await writeThrough(await app.store.writeHandle(clerk, key), pieces(Buffer.from("staged"), 2));
    expect((await impatient.reconcile()).sweptStaging).toBe(1);
    expect(await codeOf(app.store.commit(clerk, [staged]))).toBe("OBJECT_STAGING_GONE");
    expect(await app.store.head(key)).toBeUndefined();
    await app.store.put(clerk, key, Buffer.from("staged"));
    expect(await app.store.versions(key)).toHaveLength(1);
  });

  test("a sweep that meets a commit waits for it, and then leaves its file alone", async () => {
    const impatient = await openImpatient();
    const staged = await writeThrough(await app.store.writeHandle(clerk, key), pieces(Buffer.from("staged"), 2));
    let sweep: ReturnType<typeof impatient.reconcile> | undefined;
    const waiting = async (): Promise<boolean> => {
      const rows = await app.database.query(
        `select 1 from pg_locks where locktype = 'advisory' and not granted
         and database = (select oid from pg_database where datname = current_database())`,
      );
      return rows.length > 0;
    };
    await app.store.commit(clerk, [staged], {
      // The commit holds its locks, and its row is not yet to be seen.
      alongside: async () => {
        sweep = impatient.reconcile();
        await expect.poll(waiting, { timeout: 30_000 }).toBe(true);
      },
    });
    expect(await sweep).toMatchObject({ sweptStaging: 0, missingBytes: [] });
    expect(Buffer.from(await app.store.read(clerk, key)).toString()).toBe("staged");
  });

  test("a long put is not swept while it writes, nor a staged one before its grace", async () => {
    let at = 0;
    const slow = async function* () {
      for (; at < 4; at++) {
        yield Buffer.alloc(3 << 20, at);
        await app.store.reconcile();
        app.clock.advance(graceMs);
      }
    };
    const entry = await app.store.put(clerk, key, slow());
    expect(entry.bytes).toBe(12 << 20);
    const staged = await writeThrough(await app.store.writeHandle(clerk, `${key}/staged`), pieces(Buffer.from("later"), 2));
    await app.store.reconcile();
    app.clock.advance(graceMs - 1);
    expect((await app.store.reconcile()).sweptStaging).toBe(0);
    const [committed] = await app.store.commit(clerk, [staged]);
    expect(committed?.bytes).toBe(5);
    app.clock.advance(graceMs * 10);
    expect((await app.store.reconcile()).sweptStaging).toBe(0);
  });

  test("another process sees a put as soon as it has returned", async () => {
    const elsewhere = await openDeps(app.url, app.folder, makeManualClock(app.clock.now()));
    try {
      const entry = await app.store.put(clerk, key, Buffer.from("seen"));
      expect(await elsewhere.store.head(key)).toEqual(entry);
      expect(Buffer.from(await elsewhere.store.read(clerk, key)).toString()).toBe("seen");
    } finally {
      await elsewhere.database.close();
    }
  });
});

test("200 MB in and out keep memory flat", async () => {
  const small = Number(await well(["stream", key, "4"]));
  const large = Number(await well(["stream", `${key}/large`, "200"]));
  // In KiB. Buffers wait for the collector, so the bound is loose; holding the object would take 200 MiB or more on top.
  expect(large - small).toBeLessThan(120 * 1024);
});
