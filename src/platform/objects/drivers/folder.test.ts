import { mkdtemp, open, readdir, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { expect, test } from "vitest";
import { codeOf } from "../../../../test/integration/store-kit.ts";
import type { Body } from "../../bytes.ts";
import { makeFolderDriver, type FolderOptions } from "./folder.ts";

const makeRoot = (): Promise<string> => mkdtemp(path.join(os.tmpdir(), "stockroom-driver-"));

async function* million(): Body {
  for (let i = 0; i < 10; i++) yield Buffer.alloc(100_000, i);
}

/** A disk that fails with `code` once `part` bytes have been written. */
function failing(code: string, room: number): NonNullable<FolderOptions["openFile"]> {
  return async (file, flags, mode) => {
    const handle = await open(file, flags, mode);
    const write = handle.write.bind(handle);
    let used = 0;
    const limited = async (chunk: Uint8Array, at: number, length: number) => {
      if (used >= room) throw Object.assign(new Error(`${code}: as the system says it`), { code });
      // As a real disk does, the last write before the end is a short one.
      const { bytesWritten } = await write(chunk, at, Math.min(length, room - used));
      used += bytesWritten;
      return { bytesWritten, buffer: chunk };
    };
    return Object.assign(handle, { write: limited });
  };
}

/** A disk that takes at most 33,333 bytes at a time. */
const short: NonNullable<FolderOptions["openFile"]> = async (file, flags, mode) => {
  const handle = await open(file, flags, mode);
  const write = handle.write.bind(handle);
  return Object.assign(handle, {
    write: (chunk: Uint8Array, at: number, length: number) => write(chunk, at, Math.min(length, 33_333)),
  });
};

test("a full disk is busy, not a fault, at any byte, and nothing is left", async () => {
  const root = await makeRoot();
  try {
    for (const room of [0, 1, 100_000, 550_001, 999_999]) {
      for (const [code, ours] of [
        ["ENOSPC", "STORE_FULL"],
        ["EDQUOT", "STORE_FULL"],
      ] as const) {
        const driver = makeFolderDriver(root, { openFile: failing(code, room) });
        await expect(driver.write("staging/a", million())).rejects.toMatchObject({ code: ours, kind: "busy" });
        expect(await readdir(path.join(root, "staging"))).toEqual([]);
      }
    }
    expect(await makeFolderDriver(root).write("staging/a", million())).toBe(1_000_000);
  } finally {
    await rm(root, { recursive: true });
  }
});

test("a disk that writes less than asked still gets every byte", async () => {
  const root = await makeRoot();
  try {
    expect(await makeFolderDriver(root, { openFile: short }).write("staging/a", million())).toBe(1_000_000);
    const back: Uint8Array[] = [];
    for await (const chunk of makeFolderDriver(root).read("staging/a")) back.push(chunk);
    expect(Buffer.concat(back).subarray(550_000, 550_001)[0]).toBe(5);
    expect(Buffer.concat(back)).toHaveLength(1_000_000);
  } finally {
    await rm(root, { recursive: true });
  }
});

test("a refused folder and too many open files say so", async () => {
  const root = await makeRoot();
  try {
    for (const [code, ours] of [
      ["EACCES", "STORE_REFUSED"],
      ["EROFS", "STORE_REFUSED"],
      ["EMFILE", "STORE_BUSY"],
    ] as const) {
      const refusing: NonNullable<FolderOptions["openFile"]> = async () => {
        throw Object.assign(new Error(code), { code });
      };
      expect(await codeOf(makeFolderDriver(root, { openFile: refusing }).write("staging/a", million()))).toBe(ours);
    }
  } finally {
    await rm(root, { recursive: true });
  }
});

test.skipIf(process.platform === "win32")("files are for their owner alone, and no path leads out", async () => {
  const root = await makeRoot();
  try {
    const driver = makeFolderDriver(path.join(root, "store"));
    await driver.write("objects/ab/c", million());
    expect((await stat(path.join(root, "store/objects/ab/c"))).mode & 0o777).toBe(0o600);
    expect((await stat(path.join(root, "store/objects"))).mode & 0o777).toBe(0o700);
    for (const bad of ["../out", "a/../../out", "", "..", "."]) expect(await codeOf(driver.write(bad, million()))).toBe("STORE_BAD_PATH");
    expect(await readdir(root)).toEqual(["store"]);
  } finally {
    await rm(root, { recursive: true });
  }
});

test("a folder that goes away under an open driver is made again", async () => {
  const root = await makeRoot();
  try {
    const driver = makeFolderDriver(root);
    await driver.write("staging/a", million());
    await rm(path.join(root, "staging"), { recursive: true });
    expect(await codeOf(driver.write("staging/b", million()))).toBe("STORE_NO_FILE");
    expect(await driver.write("staging/b", million())).toBe(1_000_000);
  } finally {
    await rm(root, { recursive: true });
  }
});
