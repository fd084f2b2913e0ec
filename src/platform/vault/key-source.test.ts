import { chmod, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { codeOf } from "../../../test/integration/store-kit.ts";
import { makeKeyFileSource } from "./key-source.ts";

const at = "2026-10-01T00:00:00.000Z";
let folder = "";
let file = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "stockroom-keys-"));
  file = path.join(folder, "home", "keys.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a key file is made once, for its owner alone, and read back", async () => {
  const source = makeKeyFileSource(file);
  expect(await source.load()).toBeUndefined();
  const made = await source.create(["labelled", "sales"], at);
  expect(made.keys.map((key) => [key.zone, key.version, key.createdAt, key.key.length])).toEqual([
    ["labelled", 1, at, 32],
    ["sales", 1, at, 32],
  ]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await source.load()).toEqual(made);
  expect(await codeOf(source.create(["labelled"], at))).toBe("VAULT_KEY_FILE_MOVED");
  expect(await source.load()).toEqual(made);
});

test("a new version leaves the old ones as they were and no file beside", async () => {
  const source = makeKeyFileSource(file);
  const first = await source.create(["sales"], at);
  // What a process killed in the middle of writing leaves.
  const left = path.join(folder, "home", ".keys.json.abc.tmp");
  await writeFile(left, "half a file");
  // An hour old: nobody is writing it any more.
  await utimes(left, Date.now() / 1000 - 3600, Date.now() / 1000 - 3600);
  const second = await source.add(["sales", "models"], at);
  expect(second.keys.slice(0, 1)).toEqual(first.keys);
  expect(second.keys.map((key) => `${key.zone}/${key.version}`)).toEqual(["sales/1", "sales/2", "models/1"]);
  expect(second.macKey).toEqual(first.macKey);
  expect(await readdir(path.join(folder, "home"))).toEqual(["keys.json"]);
});

test("of two that make the file at once, one wins and nothing is lost", async () => {
  const codes = await Promise.all(Array.from({ length: 8 }, () => codeOf(makeKeyFileSource(file).create(["sales"], at))));
  expect(codes.filter((code) => code === "none")).toHaveLength(1);
  expect(await codeOf(makeKeyFileSource(file).load())).toBe("none");
});

test("a file others can read, a broken, a cut, an emptied and a changed one are errors, are left alone, and tell nothing of the keys", async () => {
  const source = makeKeyFileSource(file);
  await source.create(["sales"], at);
  const good = await readFile(file, "utf8");
  const secret = /"key": "([^"]+)"/.exec(good)?.[1] ?? "";
  expect(secret).toHaveLength(44);
  const changes: readonly [code: string, change: () => Promise<void>][] = [
    ["VAULT_KEY_FILE_EXPOSED", () => chmod(file, 0o640)],
    ["VAULT_KEY_FILE_EXPOSED", () => chmod(file, 0o604)],
    ["VAULT_KEY_FILE_BROKEN", () => truncate(file, 0)],
    ["VAULT_KEY_FILE_BROKEN", () => truncate(file, good.length - 20)],
    ["VAULT_KEY_FILE_BROKEN", () => writeFile(file, good.replace(secret, `${secret.slice(0, 20)}" ${secret.slice(20)}`))],
    ["VAULT_KEY_FILE_BROKEN", () => writeFile(file, good.replace(secret, `${secret[0] === "A" ? "B" : "A"}${secret.slice(1)}`))],
    ["VAULT_KEY_FILE_BROKEN", () => writeFile(file, good.replace('"formatVersion": 1', '"formatVersion": 2'))],
    ["VAULT_KEY_FILE_BROKEN", () => writeFile(file, good.replace('"version": 1,', '"version": 3,'))],
    ["VAULT_KEY_FILE_BROKEN", () => writeFile(file, "{}")],
  ];
  for (const [code, change] of changes) {
    await change();
    const now = await readFile(file, "utf8");
    for (const work of [() => source.load(), () => source.add(["sales"], at), () => source.create(["sales"], at)]) {
      const thrown = await work().then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(thrown).toMatchObject({ code });
      const shown = thrown instanceof Error ? `${thrown.message} ${thrown.stack} ${JSON.stringify(thrown)} ${String(thrown.cause)}` : "";
      expect(shown).not.toContain(secret.slice(0, 12));
      expect(shown).not.toContain(secret.slice(24, 40));
    }
    expect(await readFile(file, "utf8")).toBe(now);
    await writeFile(file, good);
    await chmod(file, 0o600);
  }
  expect(await codeOf(source.load())).toBe("none");
});
