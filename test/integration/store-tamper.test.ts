// Somebody with the store's folder in hand: nothing to be read in it, and nothing to be changed unnoticed.

import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sealStream } from "../../src/platform/vault/seal.ts";
import { clerk, codeOf, graceMs, openTestStore, type TestStore } from "./store-kit.ts";

let app: TestStore;
beforeAll(async () => {
  app = await openTestStore();
});
afterAll(() => app.close());

const plain = Buffer.from("GB-WEEE;Kettle Deluxe 3000;Elektrogerät für Zuhause\n".repeat(50));
const fileOf = async (key: string, version?: string): Promise<string> => {
  const entry = await app.store.head(key, version);
  const [row] = await app.database.query<{ path: string }>("select path from stockroom.object where key = $1 and version = $2", [
    key,
    entry?.version,
  ]);
  return path.join(app.root, row?.path ?? "none");
};
const outcome = (key: string, version?: string): Promise<string> =>
  codeOf(app.store.read(clerk, key, version === undefined ? {} : { version }));

describe("a stored file", () => {
  test("changed at any byte is found", async () => {
    const key = "classify/sales/flip";
    await app.store.put(clerk, key, plain);
    const file = await fileOf(key);
    const good = await readFile(file);
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.nat(7), async (at, bit) => {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] ?? 0) ^ (1 << bit);
        await writeFile(file, bad);
        expect(await outcome(key)).toBe("OBJECT_TAMPERED");
      }),
      { numRuns: 100 },
    );
    await writeFile(file, good);
    expect(await outcome(key)).toBe("none");
  });

  test("cut, lengthened, emptied or gone is found", async () => {
    const key = "classify/sales/cut";
    await app.store.put(clerk, key, plain);
    const file = await fileOf(key);
    const good = await readFile(file);
    for (const size of [0, 1, good.length - 1]) {
      await truncate(file, size);
      expect(await outcome(key)).toBe("OBJECT_TAMPERED");
      await writeFile(file, good);
    }
    await writeFile(file, Buffer.concat([good, Buffer.from("x")]));
    expect(await outcome(key)).toBe("OBJECT_TAMPERED");
    await rm(file);
    expect(await outcome(key)).toBe("OBJECT_BYTES_MISSING");
    expect((await app.store.reconcile()).missingBytes).toEqual([`${key}@${(await app.store.head(key))?.version}`]);
    await writeFile(file, good);
    expect((await app.store.reconcile()).missingBytes).toEqual([]);
  });

  test("swapped with another, of the same size and zone too, is found", async () => {
    await app.store.put(clerk, "classify/sales/swap-a", Buffer.from("aaaa"));
    await app.store.put(clerk, "classify/sales/swap-b", Buffer.from("bbbb"));
    const [a, b] = [await fileOf("classify/sales/swap-a"), await fileOf("classify/sales/swap-b")];
    await rename(a, `${a}.kept`);
    await rename(b, a);
    await rename(`${a}.kept`, b);
    expect([await outcome("classify/sales/swap-a"), await outcome("classify/sales/swap-b")]).toEqual([
      "OBJECT_TAMPERED",
      "OBJECT_TAMPERED",
    ]);
  });

  test("replaced by an older version of itself is found", async () => {
    const key = "classify/sales/older";
    const old = await app.store.put(clerk, key, Buffer.from("old price"));
    await app.store.put(clerk, key, Buffer.from("new price"));
    await copyFile(await fileOf(key, old.version), await fileOf(key));
    expect(await outcome(key)).toBe("OBJECT_TAMPERED");
    expect(await outcome(key, old.version)).toBe("none");
  });

  test("given another name or zone in the catalogue does not open", async () => {
    const key = "classify/sales/moved";
    await app.store.put(clerk, key, plain);
    await app.database.query("alter table stockroom.object_staging drop constraint object_staging_key_version_fkey");
    await app.database.query("update stockroom.object set key = 'classify/sales/elsewhere' where key = $1", [key]);
    expect(await outcome("classify/sales/elsewhere")).toBe("OBJECT_TAMPERED");
    await app.database.query(
      "update stockroom.object set key = 'classify/labelled/elsewhere', zone = 'labelled' where key = 'classify/sales/elsewhere'",
    );
    expect(await codeOf(app.store.read({ role: "train", purpose: "t" }, "classify/labelled/elsewhere"))).toBe("OBJECT_TAMPERED");
  });
});

test("known plain text is nowhere under the store's folder, staged and committed, in any of the usual spellings", async () => {
  const words = ["Kettle Deluxe 3000", "Elektrogerät für Zuhause", "GB-WEEE"];
  await app.store.put(clerk, "classify/sales/secret", plain);
  const all = await readdir(app.folder, { recursive: true, withFileTypes: true });
  const files = all.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    const bytes = await readFile(file);
    for (const word of words) {
      for (const spelling of [Buffer.from(word), Buffer.from(word, "latin1"), Buffer.from(word, "utf16le")]) {
        expect([file, word, bytes.includes(spelling)]).toEqual([file, word, false]);
      }
    }
  }
});

test("the name of an object is nowhere under the store's folder, neither written nor as a digest that a guess could be tried against", async () => {
  const key = "classify/sales/2026-10/confidential-supplier.csv";
  await app.store.put(clerk, key, plain);
  const file = await fileOf(key);
  expect(path.basename(file)).not.toContain(createHash("sha256").update(key).digest("hex"));
  const words = [key, "confidential-supplier", createHash("sha256").update(key).digest("hex"), createHash("md5").update(key).digest("hex")];
  for (const entry of await readdir(app.root, { recursive: true, withFileTypes: true })) {
    const whole = path.join(entry.parentPath, entry.name);
    const bytes = entry.isFile() ? await readFile(whole) : Buffer.alloc(0);
    for (const word of words) expect([whole.includes(word) || bytes.includes(word), word]).toEqual([false, word]);
  }
});

test("an object of a release that bound the name itself opens as before, and only under its own name", async () => {
  const key = "classify/sales/old";
  await app.store.put(clerk, key, plain);
  const now = await fileOf(key);
  const id = path.basename(now).split("-").at(-1) ?? "";
  const seal = await app.vault.handle(clerk, "write", key, { zone: "sales", keyVersion: 1, namedPlainly: true });
  expect(seal.context).toEqual({ store: "stockroom", zone: "sales", key });
  const hash = createHash("sha256").update(key).digest("hex");
  const before = `objects/${hash.slice(0, 2)}/${hash}-${id}`;
  await mkdir(path.dirname(path.join(app.root, before)), { recursive: true });
  const sealed: Uint8Array[] = [];
  const body = async function* () {
    yield plain;
  };
  for await (const chunk of sealStream({ ...seal, context: { ...seal.context, object: id } }, body())) sealed.push(chunk);
  await writeFile(path.join(app.root, before), Buffer.concat(sealed));
  await rm(now);
  await app.database.query("update stockroom.object set path = $1, sealed_bytes = $2 where key = $3 and state = 'current'", [
    before,
    Buffer.concat(sealed).length,
    key,
  ]);
  expect(Buffer.from(await app.store.read(clerk, key))).toEqual(plain);
  await app.database.query("update stockroom.object set key = 'classify/sales/other' where key = $1", [key]);
  expect(await outcome("classify/sales/other")).toBe("OBJECT_TAMPERED");
});

test("files put there by hand are reported, never adopted and never deleted", async () => {
  const byHand = ["notes.txt", "objects/ab/notes.txt", "staging/upload.csv", "objects/ab/0123.tmp"];
  for (const name of byHand) {
    await mkdir(path.dirname(path.join(app.root, name)), { recursive: true });
    await writeFile(path.join(app.root, name), plain);
  }
  const before = await app.store.list("");
  for (let i = 0; i < 3; i++) {
    expect((await app.store.reconcile()).unknownFiles).toEqual(byHand.toSorted());
    app.clock.advance(graceMs);
  }
  expect(await app.store.list("")).toEqual(before);
  for (const name of byHand) expect(await readFile(path.join(app.root, name))).toEqual(plain);
});
