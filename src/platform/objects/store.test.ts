import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clerk, codeOf, grants, openTestStore, pieces, zones, type TestStore } from "../../../test/integration/store-kit.ts";
import { gather, type Body } from "../bytes.ts";
import { openVault } from "../vault/vault.ts";
import { openObjectStore } from "./store.ts";
import { openHandle, writeThrough } from "./handles.ts";

let app: TestStore;
beforeAll(async () => {
  app = await openTestStore();
});
afterAll(() => app.close());

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const storedEvents = (key: string) =>
  app.database.query<{ kind: string; data: Record<string, unknown>; dedupe: string }>(
    "select kind, data, dedupe from stockroom.outbox where subject = $1 order by id",
    [key],
  );
const filesIn = async (folder: string): Promise<readonly string[]> => {
  const all = await readdir(path.join(app.root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  return all.filter((entry) => entry.isFile()).map((entry) => entry.name);
};

async function* failing(): Body {
  yield Buffer.from("half");
  throw new RangeError("the source broke");
}

describe("put and get", () => {
  test("what was put comes back, with its row and its event", async () => {
    const key = "classify/sales/a.csv";
    const entry = await app.store.put(clerk, key, Buffer.from("id,units\n1,2\n"), {
      contentType: "text/csv",
      labels: { period: "2026-10" },
    });
    expect(entry).toMatchObject({ key, zone: "sales", keyVersion: 1, bytes: 13, contentType: "text/csv", labels: { period: "2026-10" } });
    expect(entry.writtenBy).toBe("clerk: test");
    expect(entry.storedAt).toBe("2026-10-01T00:00:00.000Z");
    expect(text(await app.store.read(clerk, key))).toBe("id,units\n1,2\n");
    expect(await app.store.head(key)).toEqual(entry);
    const { version, sha256 } = entry;
    expect(await storedEvents(key)).toEqual([
      {
        kind: "object.stored",
        data: { key, version, zone: "sales", bytes: 13, sha256, labels: { period: "2026-10" } },
        dedupe: `object/${key}/${version}`,
      },
    ]);
  });

  test("other bytes make a later version, the same bytes none and no event", async () => {
    const key = "classify/sales/versions";
    const first = await app.store.put(clerk, key, Buffer.from("one"));
    const second = await app.store.put(clerk, key, Buffer.from("two"));
    const again = await app.store.put(clerk, key, Buffer.from("two"));
    const back = await app.store.put(clerk, key, Buffer.from("one"));
    expect(again).toEqual(second);
    expect([first.version, second.version, back.version].toSorted()).toEqual([first.version, second.version, back.version]);
    expect((await app.store.versions(key)).map((entry) => entry.version)).toEqual([back.version, second.version, first.version]);
    expect(text(await app.store.read(clerk, key, { version: second.version }))).toBe("two");
    expect(await storedEvents(key)).toHaveLength(3);
    expect(await filesIn("staging")).toEqual([]);
  });

  test("many frames stream through in any chunks", async () => {
    const bytes = randomBytes(3_500_000);
    for (const size of [999, 70_001, bytes.length]) {
      const key = `classify/sales/big-${size}`;
      await app.store.put(clerk, key, pieces(bytes, size));
      const { entry, body } = await app.store.get(clerk, key);
      expect(entry.bytes).toBe(bytes.length);
      expect(Buffer.compare(await gather(body), bytes)).toBe(0);
    }
  });

  test("an unannounced put makes no event", async () => {
    await app.store.put(clerk, "classify/sales/quiet", Buffer.from("x"), { announce: false });
    expect(await storedEvents("classify/sales/quiet")).toEqual([]);
  });

  test("a body that fails, is too large or is aborted leaves nothing", async () => {
    const key = "classify/sales/never";
    await expect(app.store.put(clerk, key, failing())).rejects.toThrow("the source broke");
    expect(await codeOf(app.store.put(clerk, key, Buffer.alloc(11), { maxBytes: 10 }))).toBe("OBJECT_TOO_LARGE");
    const abort = new AbortController();
    const endless = async function* () {
      yield Buffer.from("x");
      abort.abort(new Error("stop"));
      await new Promise(() => undefined);
    };
    await expect(app.store.put(clerk, key, endless(), { signal: abort.signal })).rejects.toThrow("stop");
    expect(await app.store.head(key)).toBeUndefined();
    expect(await filesIn("staging")).toEqual([]);
  });

  test("clear errors for what is not there, not granted, too large", async () => {
    await app.store.put(clerk, "classify/sales/there", Buffer.from("0123456789"));
    expect(await codeOf(app.store.get(clerk, "classify/sales/not-there"))).toBe("OBJECT_MISSING");
    expect(await codeOf(app.store.get({ role: "train", purpose: "t" }, "classify/sales/there"))).toBe("VAULT_NO_GRANT");
    expect(await codeOf(app.store.put({ role: "train", purpose: "t" }, "classify/sales/there", Buffer.from("")))).toBe("VAULT_NO_GRANT");
    expect(await codeOf(app.store.put(clerk, "nowhere/x", Buffer.from("")))).toBe("VAULT_NO_ZONE");
    expect(await codeOf(app.store.read(clerk, "classify/sales/there", { maxBytes: 9 }))).toBe("OBJECT_TOO_LARGE");
  });

  test("objects keep opening when their keys come to belong to a new zone, and the same bytes put again move into it", async () => {
    const key = "classify/sales/margins/a";
    const old = await app.store.put(clerk, key, Buffer.from("margins"));
    const { database, clock, log, root, keyFile } = app;
    const vault = await openVault({
      keyFile,
      database,
      clock,
      log,
      zones: [...zones, { name: "margins", prefixes: ["classify/sales/margins/"] }],
      grants: [...grants, { role: "clerk", zone: "margins", access: "write" }],
    });
    const store = await openObjectStore({ driver: { kind: "folder", root }, vault, database, clock, log });
    expect(Buffer.from(await store.read(clerk, key)).toString()).toBe("margins");
    const moved = await store.put(clerk, key, Buffer.from("margins"));
    expect([old.zone, moved.zone, moved.version > old.version]).toEqual(["sales", "margins", true]);
    expect(await codeOf(store.read(clerk, key))).toBe("VAULT_NO_GRANT");
    expect(Buffer.from(await store.read(clerk, key, { version: old.version })).toString()).toBe("margins");
  });
});

describe("list and remove", () => {
  test("lists current objects by key, in pages, and takes prefixes literally", async () => {
    const keys = [
      "classify/sales/l/%",
      "classify/sales/l/A",
      "classify/sales/l/_",
      "classify/sales/l/a",
      "classify/sales/l/ä",
      "classify/sales/l/😀",
    ];
    for (const key of keys) await app.store.put(clerk, key, Buffer.from(key));
    const listed = await app.store.list("classify/sales/l/");
    expect(listed.map((entry) => entry.key)).toEqual(keys);
    const page = await app.store.list("classify/sales/l/", { after: "classify/sales/l/A", limit: 2 });
    expect(page.map((entry) => entry.key)).toEqual(["classify/sales/l/_", "classify/sales/l/a"]);
    expect((await app.store.list("classify/sales/l/%")).map((entry) => entry.key)).toEqual(["classify/sales/l/%"]);
  });

  test("a removed object is hidden at once and its bytes go at the next reconcile", async () => {
    const key = "classify/sales/removed";
    const first = await app.store.put(clerk, key, Buffer.from("one"));
    const second = await app.store.put(clerk, key, Buffer.from("two"));
    const before = (await filesIn("objects")).length;
    await app.store.remove(clerk, key);
    expect(await app.store.head(key)).toBeUndefined();
    expect(await app.store.versions(key)).toEqual([]);
    expect(await codeOf(app.store.get(clerk, key, { version: first.version }))).toBe("OBJECT_MISSING");
    expect(await codeOf(app.store.remove(clerk, key))).toBe("OBJECT_MISSING");
    expect((await storedEvents(key)).at(-1)).toEqual({
      kind: "object.removed",
      data: { key, version: second.version, zone: "sales" },
      dedupe: `object/${key}/${second.version}/removed`,
    });
    const report = await app.store.reconcile();
    expect(report.missingBytes).toEqual([]);
    expect(await filesIn("objects")).toHaveLength(before - 2);
    const again = await app.store.put(clerk, key, Buffer.from("two"));
    expect(again.version > second.version).toBe(true);
    expect(text(await app.store.read(clerk, key))).toBe("two");
  });
});

describe("handles and commit", () => {
  test("a batch is visible all or none, with rows of the caller's own, and committing twice is committing once", async () => {
    const handles = await Promise.all(["x", "y"].map((name) => app.store.writeHandle(clerk, `classify/sales/batch/${name}`)));
    const staged = await Promise.all(handles.map((handle) => writeThrough(structuredClone(handle), pieces(Buffer.from(handle.key), 3))));
    await expect(
      app.store.commit(clerk, staged, {
        alongside: async () => {
          throw new Error("not now");
        },
      }),
    ).rejects.toThrow("not now");
    expect(await app.store.list("classify/sales/batch/")).toEqual([]);
    let runs = 0;
    const alongside = async (): Promise<void> => {
      runs += 1;
    };
    const entries = await app.store.commit(clerk, staged, { alongside });
    expect(await app.store.commit(clerk, staged, { alongside })).toEqual(entries);
    expect(runs).toBe(1);
    expect(await app.store.list("classify/sales/batch/")).toEqual(entries);
    expect(await storedEvents("classify/sales/batch/x")).toHaveLength(1);
    const read = await app.store.readHandle(clerk, "classify/sales/batch/x");
    expect(text(await gather(openHandle(structuredClone(read))))).toBe("classify/sales/batch/x");
  });

  test("a commit of staged bytes that are gone is refused, as is a mixed one, a repeated one and a changed handle", async () => {
    const handle = await app.store.writeHandle(clerk, "classify/sales/gone");
    const staged = await writeThrough(handle, pieces(Buffer.from("bytes"), 5));
    await app.store.discard([handle]);
    expect(await codeOf(app.store.commit(clerk, [staged]))).toBe("OBJECT_STAGING_GONE");
    const one = await writeThrough(await app.store.writeHandle(clerk, "classify/sales/m1"), pieces(Buffer.from("1"), 1));
    const two = await writeThrough(await app.store.writeHandle(clerk, "classify/sales/m2"), pieces(Buffer.from("2"), 1));
    expect(await codeOf(app.store.commit(clerk, [one, one]))).toBe("OBJECT_STAGED_TWICE");
    await app.store.commit(clerk, [one]);
    expect(await codeOf(app.store.commit(clerk, [one, two]))).toBe("OBJECT_COMMIT_MIXED");
    const moved = { ...two, handle: { ...two.handle, key: "classify/sales/elsewhere" } };
    expect(await codeOf(app.store.commit(clerk, [moved]))).toBe("OBJECT_BAD_TICKET");
    expect(
      await codeOf(writeThrough(one.handle, pieces(Buffer.from("1"), 1)).then(() => writeThrough(one.handle, pieces(Buffer.from("1"), 1)))),
    ).toBe("STORE_PATH_TAKEN");
  });

  test("a worker thread reads and writes with handles alone", async () => {
    await app.store.put(clerk, "classify/sales/in", Buffer.from("through a thread"));
    const read = await app.store.readHandle(clerk, "classify/sales/in");
    const write = await app.store.writeHandle(clerk, "classify/sales/out");
    const worker = new Worker(
      `import { parentPort, workerData } from "node:worker_threads";
       const { openHandle, writeThrough } = await import(workerData.module);
       parentPort.postMessage(await writeThrough(workerData.write, openHandle(workerData.read)));`,
      { eval: true, workerData: { module: new URL("handles.ts", import.meta.url).href, read, write } },
    );
    const staged = await new Promise<Awaited<ReturnType<typeof writeThrough>>>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    await worker.terminate();
    await app.store.commit(clerk, [staged]);
    expect(text(await app.store.read(clerk, "classify/sales/out"))).toBe("through a thread");
  });
});
