import { execFile, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFileAtomically, fileStateOf, isAlive, renameDurably, takePidLock, withFileLock, writeFileAtomically } from "./index.ts";

let folder = "";
let file = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "stockroom-files-"));
  file = path.join(folder, "report.csv");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const whole = "new content whole\n";

/** Runs the writer in a process of its own, killed at the fault point; gives the signal that ended it. */
async function killedAt(fault: string, how: "replace" | "create"): Promise<string | undefined> {
  const script = path.join(import.meta.dirname, "fixtures/write-in-blocks.ts");
  return await new Promise((resolve) => {
    execFile(process.execPath, [script, file, how], { env: { ...process.env, STOCKROOM_FAULT: fault } }, (thrown) =>
      resolve(thrown?.signal ?? undefined),
    );
  });
}

describe("an atomic write", () => {
  test("takes texts, bytes and streams, and gives their size", async () => {
    async function* stream(): AsyncIterable<Uint8Array> {
      yield Buffer.from("ä");
      yield Buffer.from("€");
    }
    expect(await writeFileAtomically(file, "ä€")).toBe(5);
    expect(await readFile(file, "utf8")).toBe("ä€");
    expect(await writeFileAtomically(file, Buffer.from([1, 2, 3]))).toBe(3);
    expect([...(await readFile(file))]).toEqual([1, 2, 3]);
    expect(await writeFileAtomically(file, stream())).toBe(5);
    expect(await readFile(file, "utf8")).toBe("ä€");
    expect(await writeFileAtomically(file, [], { mode: 0o600, durable: false })).toBe(0);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["report.csv"]);
  });

  test("that breaks leaves what stood there and nothing beside it", async () => {
    await writeFile(file, "old");
    async function* breaking(): AsyncIterable<Uint8Array> {
      yield Buffer.from("half");
      throw new RangeError("the source broke");
    }
    await expect(writeFileAtomically(file, breaking())).rejects.toThrow("the source broke");
    await mkdir(path.join(folder, "taken", "inner"), { recursive: true });
    await expect(writeFileAtomically(path.join(folder, "taken"), "x")).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/);
    expect(await readFile(file, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["report.csv", "taken"]);
  });

  test("tells of a folder that is not there, and of one that is closed", async () => {
    const nowhere = writeFileAtomically(path.join(folder, "none", "a"), "x");
    await expect(nowhere).rejects.toMatchObject({ kind: "missing", code: "FOLDER_MISSING" });
    if (process.getuid?.() === 0) return;
    await chmod(folder, 0o500);
    await expect(writeFileAtomically(file, "x")).rejects.toMatchObject({ code: "EACCES" });
    await chmod(folder, 0o700);
  });

  test.each(["replace", "create"] as const)(
    "killed at any point (%s), the name has the old content or the new one, and the next write clears up",
    async (how) => {
      for (const [fault, expected] of [
        ["files.written-aside", how === "create" ? undefined : "old"],
        ["files.renamed", whole],
      ] as const) {
        await rm(file, { force: true });
        if (how === "replace") await writeFile(file, "old");
        expect(await killedAt(fault, how)).toBe("SIGKILL");
        expect(await readFile(file, "utf8").catch(() => undefined)).toBe(expected);
        for (const name of await readdir(folder)) if (name.endsWith(".tmp")) await utimes(path.join(folder, name), 0, 0);
        await rm(file, { force: true });
        expect(await killedAt("none", how)).toBeUndefined();
        expect(await readFile(file, "utf8")).toBe(whole);
        expect(await readdir(folder)).toEqual(["report.csv"]);
      }
    },
  );

  test("leaves alone what another writer is at, and files that only look like left ones", async () => {
    const names = [".report.csv.0011aabb.tmp", ".report.csv.notes.tmp", ".report.csv2.00.tmp", "report.csv.00.tmp"];
    for (const name of names) await writeFile(path.join(folder, name), "x");
    for (const name of names.slice(1)) await utimes(path.join(folder, name), 0, 0);
    await writeFileAtomically(file, "x");
    expect(await readdir(folder)).toEqual([...names, "report.csv"].toSorted());
  });

  test("of many that create one file, one does", async () => {
    const made = await Promise.all(Array.from({ length: 8 }, (_, i) => createFileAtomically(file, String(i))));
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await readFile(file, "utf8")).toBe(String(made.indexOf(true)));
    expect(await readdir(folder)).toEqual(["report.csv"]);
  });

  test("of many that replace one file, the last wins and every reader finds a whole one", async () => {
    const texts = Array.from({ length: 12 }, (_, i) => String(i).repeat(10_000));
    await writeFileAtomically(file, texts[0] ?? "");
    const read = async (): Promise<void> => expect(texts).toContain(await readFile(file, "utf8"));
    await Promise.all(texts.flatMap((text) => [writeFileAtomically(file, text), read()]));
    await read();
  });
});

test("a folder is renamed over an empty one only", async () => {
  const [from, to] = [path.join(folder, "from"), path.join(folder, "to")];
  await mkdir(from);
  await writeFile(path.join(from, "a"), "x");
  await renameDurably(from, to);
  expect(await readdir(to)).toEqual(["a"]);
  await mkdir(from);
  await expect(renameDurably(from, to)).rejects.toThrow(/ENOTEMPTY|EEXIST|EPERM/);
});

test("the state of a file changes with its content, and not with its name", async () => {
  const stateOf = async (name: string): Promise<string> => fileStateOf(await stat(name, { bigint: true }));
  await writeFile(file, "one");
  const first = await stateOf(file);
  await rename(file, `${file}.2`);
  expect(await stateOf(`${file}.2`)).toBe(first);
  await writeFile(`${file}.2`, "four");
  expect(await stateOf(`${file}.2`)).not.toBe(first);
});

describe("a file lock", () => {
  const waiting = { patienceMs: 60_000, onTimeout: () => new Error("too late") };

  test("lets one in at a time, and the next when the first has failed", async () => {
    let inside = 0;
    let most = 0;
    const work = async (i: number): Promise<void> => {
      most = Math.max(most, ++inside);
      await readFile(file).catch(() => undefined);
      inside -= 1;
      if (i === 0) throw new Error("first");
    };
    const ends = await Promise.allSettled([0, 1, 2, 3].map((i) => withFileLock(`${file}.lock`, () => work(i), waiting)));
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled", "fulfilled"]);
    expect(most).toBe(1);
  });

  test("gives up after the time allowed, and when it is told to", async () => {
    await withFileLock(
      `${file}.lock`,
      async () => {
        const never = async (): Promise<void> => Promise.reject(new Error("let in"));
        await expect(withFileLock(`${file}.lock`, never, { ...waiting, patienceMs: -1 })).rejects.toThrow("too late");
        await expect(withFileLock(`${file}.lock`, never, { ...waiting, signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
      },
      waiting,
    );
  });
});

describe("a pid lock", () => {
  test("is held once, names its holder, and is free again", async () => {
    const taken = await Promise.all([1, 2, 3].map(() => takePidLock(file)));
    expect(taken.map(({ kind }) => kind).toSorted()).toEqual(["busy", "busy", "held"]);
    expect(taken.find(({ kind }) => kind === "busy")).toEqual({ kind: "busy", pid: process.pid });
    for (const lock of taken) if (lock.kind === "held") await lock.release();
    expect((await takePidLock(file)).kind).toBe("held");
  });

  test("of a process that is no more is taken over, of a living one is not", async () => {
    const other = spawn(process.execPath, ["-e", "process.stdin.resume()"]);
    const pid = other.pid ?? 0;
    await writeFile(file, String(pid));
    expect(await takePidLock(file)).toEqual({ kind: "busy", pid });
    other.kill("SIGKILL");
    await once(other, "exit");
    expect(isAlive(pid)).toBe(false);
    const taken = await Promise.all([takePidLock(file), takePidLock(file)]);
    expect(taken.map(({ kind }) => kind).toSorted()).toEqual(["busy", "held"]);
    expect(await readFile(file, "utf8")).toBe(String(process.pid));
    for (const left of ["", "garbage", "-1", String(process.pid)]) {
      const again = path.join(folder, `again${left}`);
      await writeFile(again, left);
      expect([left, (await takePidLock(again)).kind]).toEqual([left, "held"]);
    }
  });
});
