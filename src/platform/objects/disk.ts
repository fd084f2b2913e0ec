// Disk: how much room is left where the app writes.

import { stat, statfs } from "node:fs/promises";
import path from "node:path";
import { StockroomError } from "../errors.ts";

interface FreeSpace {
  /** The first folder of those asked for that lies on it. */
  readonly folder: string;
  /** Bytes that an ordinary user may still write. */
  readonly free: number;
  readonly size: number;
  /** Whether the file system takes no further file, however small. */
  readonly outOfFiles: boolean;
}

/** The room on each disk that `folders` lie on; a folder that is not there yet counts as the one above it. */
export async function freeSpaceOf(folders: readonly string[]): Promise<readonly FreeSpace[]> {
  const rooms = new Map<number, FreeSpace>();
  for (const folder of folders) {
    const there = await nearest(path.resolve(folder));
    const { dev } = await stat(there);
    if (rooms.has(dev)) continue;
    const disk = await statfs(there);
    rooms.set(dev, {
      folder,
      free: disk.bavail * disk.bsize,
      size: disk.blocks * disk.bsize,
      outOfFiles: disk.files > 0 && disk.ffree === 0,
    });
  }
  return [...rooms.values()];
}

async function nearest(folder: string): Promise<string> {
  const found = await stat(folder).catch(() => undefined);
  const above = path.dirname(folder);
  return found !== undefined || above === folder ? folder : nearest(above);
}

/** Throws `busy` `DISK_FULL` when a disk has less than `minFree` bytes, or no room for another file. */
export async function proveFreeSpace(folders: readonly string[], minFree: number): Promise<void> {
  const full = (await freeSpaceOf(folders)).find((room) => room.free < minFree || room.outOfFiles);
  if (full === undefined) return;
  throw new StockroomError(
    "busy",
    "DISK_FULL",
    `Expected at least ${minFree} bytes free (disk.minFree) under ${full.folder} but ${full.outOfFiles ? "it takes no further file" : `there are ${full.free}`}. Make room.`,
    { facts: { folder: full.folder, free: full.free } },
  );
}
