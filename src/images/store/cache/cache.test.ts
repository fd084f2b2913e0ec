import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeMemoryLog } from "../../../platform/log.ts";
import { makeCache } from "./cache.ts";
import type { PictureCache, Stored } from "./contract.ts";
import { openDiskCache } from "./disk.ts";
import { makeLru } from "./memory.ts";

const id = (n: number): string => n.toString(16).padStart(40, "0");
const stored = (body: string | Buffer, version = "1"): Stored => ({
  version,
  contentType: "image/jpeg",
  body: Buffer.from(body),
  source: { lastModified: "x" },
  checkedAtMs: 5,
});

describe("the memory", () => {
  it("behaves like a list that drops its oldest, whatever is done to it", () => {
    const step = fc.record({ put: fc.boolean(), key: fc.integer({ min: 0, max: 9 }), weight: fc.integer({ min: 1, max: 40 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const lru = makeLru<number>(100, (weight) => weight);
        let model: (readonly [string, number])[] = [];
        for (const { put, key, weight } of steps) {
          const name = String(key);
          const found = model.find(([other]) => other === name);
          expect(put ? found?.[1] : lru.get(name)).toBe(found?.[1]);
          if (put) {
            model = [...model.filter((one) => one !== found), [name, weight] as const];
            while (model.reduce((sum, [, each]) => sum + each, 0) > 100) model.shift();
            lru.set(name, weight);
          } else if (found !== undefined) model = [...model.filter((one) => one !== found), found];
          expect([lru.size, lru.weight]).toEqual([model.length, model.reduce((sum, [, each]) => sum + each, 0)]);
        }
      }),
    );
  });

  it("does not keep what is heavier than all of it", () => {
    const lru = makeLru<number>(10, (weight) => weight);
    lru.set("a", 5);
    lru.set("a", 11);
    expect([lru.get("a"), lru.weight]).toEqual([undefined, 0]);
  });
});

describe("the cache", () => {
  let folder: string;
  const open: PictureCache[] = [];
  const log = makeMemoryLog();
  const cacheOf = (memoryMaxBytes = 100_000, maxBytes = 1_000_000): PictureCache => {
    const cache = makeCache({ memoryMaxBytes, disk: { folder, maxBytes }, log });
    open.push(cache);
    return cache;
  };
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "cache-"));
  });
  afterEach(async () => {
    for (const cache of open.splice(0)) await cache.close();
    await rm(folder, { recursive: true, force: true });
  });
  const filesIn = async (): Promise<string[]> =>
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));

  it("finds on disk what an earlier process kept", async () => {
    const first = cacheOf();
    first.put(id(1), stored("cat"));
    await first.close();
    const second = cacheOf();
    expect(second.peek(id(1))).toBeUndefined();
    expect(await second.find(id(1))).toEqual({ ...stored("cat"), body: expect.anything() as unknown });
    expect(Buffer.from((await second.find(id(1)))?.body ?? []).toString()).toBe("cat");
    expect(second.peek(id(1))?.version).toBe("1");
  });

  it("takes nothing that a power cut or a bad disk left", async () => {
    const first = cacheOf();
    first.put(id(1), stored("cat".repeat(100)));
    await first.close();
    const [file = ""] = await filesIn();
    const whole = await readFile(file);
    for (const damage of [
      async () => await truncate(file, 0),
      async () => await truncate(file, 5),
      async () => await truncate(file, whole.byteLength - 1),
      async () => await writeFile(file, Buffer.concat([whole.subarray(0, -1), Buffer.from("x")])),
      async () => await writeFile(file, Buffer.concat([whole, Buffer.from("x")])),
      async () => await writeFile(file, Buffer.alloc(whole.byteLength)),
    ]) {
      await writeFile(file, whole);
      await damage();
      const next = cacheOf();
      expect(await next.find(id(1))).toBeUndefined();
      await next.close();
      expect(await filesIn()).toEqual([]);
    }
  });

  it("keeps the folder within its bound, the oldest going first, also after a restart", async () => {
    const body = Buffer.alloc(10_000);
    const first = await openDiskCache({ folder, maxBytes: 55_000, log });
    for (let n = 0; n < 20; n++) first.put(id(n), stored(body));
    await first.close();
    expect(await filesIn()).toHaveLength(5);
    for (const file of await filesIn()) await utimes(file, 1, 1);
    const second = await openDiskCache({ folder, maxBytes: 25_000, log });
    await second.counted;
    await second.close();
    expect(await filesIn()).toHaveLength(2);
  });

  it("clears away what a killed writer left, once it is surely dead", async () => {
    const first = cacheOf();
    first.put(id(1), stored("cat"));
    await first.close();
    const shard = path.dirname((await filesIn())[0] ?? "");
    await writeFile(path.join(shard, ".dead"), "x");
    await writeFile(path.join(shard, ".alive"), "x");
    await utimes(path.join(shard, ".dead"), 1, 1);
    const second = cacheOf();
    await second.find(id(1));
    await second.close();
    expect((await filesIn()).map((file) => path.basename(file)).sort()).toEqual([".alive", id(1).slice(2)]);
  });

  it("does without a folder that cannot be had, and says so once", async () => {
    await writeFile(path.join(folder, "file"), "x");
    const cache = makeCache({ memoryMaxBytes: 100_000, disk: { folder: path.join(folder, "file"), maxBytes: 1_000 }, log });
    open.push(cache);
    for (const n of [1, 2, 3]) cache.put(id(n), stored("cat"));
    expect((await cache.find(id(2)))?.version).toBe("1");
    expect(await cache.find(id(9))).toBeUndefined();
    expect(log.lines.filter((line) => line.message.includes("cannot be opened"))).toHaveLength(1);
  });

  it("counts the bytes it holds, not the buffer they were cut from", () => {
    const cache = makeCache({ memoryMaxBytes: 100_000, log });
    cache.put(id(1), { ...stored(""), body: new Uint8Array(1_000_000).subarray(0, 10) });
    expect(cache.peek(id(1))?.body.buffer.byteLength).toBe(10);
  });
});
