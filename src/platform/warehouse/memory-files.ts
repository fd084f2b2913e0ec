// Memory files: whole objects in plain, in memory alone, for a library that opens files by their path.
//
// Owns: making them, sharing them between queries, letting them go. Does not own: who may read what; whoever leases has asked the vault before.
//   F1. Nothing has a name: a file is unlinked before its first byte is written. It is reached through a descriptor of this process
//       (`/proc/PID/fd/N`), by this user alone, and it is gone with the process.
//   F2. Nothing is on a disk: the files lie in /dev/shm, which is memory. Where there is none, or it is full, there is no memory file, and the
//       caller reads its rows in another way.
//   F3. Bounded: files that nobody uses are kept up to `maxBytes` and for `idleMs` at most, the longest unused goes first.
//   F4. A descriptor's number comes again; `serial` never does. Whoever keeps a path keeps its lease as well.

import { open, unlink, type FileHandle } from "node:fs/promises";
import process from "node:process";
import { randomUUID } from "node:crypto";
import type { Body } from "../bytes.ts";
import { codeOf } from "../errors.ts";

const folder = "/dev/shm";

export interface MemoryFile {
  /** Good for this process and its children while it is leased. */
  readonly path: string;
  readonly bytes: number;
  /** Of this file and no other, in this process. */
  readonly serial: number;
}

export interface MemoryLease {
  readonly file: MemoryFile;
  /** Gives it back; any number of times. */
  release(): void;
}

export interface MemoryFiles {
  /** The bytes known as `id`, read by `read` when they are not here. Undefined: this machine has no memory files, or no room for this one. */
  lease(id: string, read: () => Body): Promise<MemoryLease | undefined>;
  /** Lets go of what nobody uses, and of the rest when it is given back. */
  close(): Promise<void>;
}

interface Entry {
  readonly id: string;
  readonly file: MemoryFile;
  readonly handle: FileHandle;
  uses: number;
  usedAt: number;
}

let serials = 0;

export function openMemoryFiles({ maxBytes = 256 << 20, idleMs = 300_000 } = {}): MemoryFiles {
  const entries = new Map<string, Entry>();
  const loading = new Map<string, Promise<Entry | undefined>>();
  let isOpen = true;
  let timer: NodeJS.Timeout | undefined;

  const drop = (entry: Entry): void => {
    entries.delete(entry.id);
    void entry.handle.close();
  };
  /** Lets go of what is unused: all that is too old, then the longest unused until the rest fits. */
  const sweep = (): void => {
    clearTimeout(timer);
    const unused = [...entries.values()].filter(({ uses }) => uses === 0).toSorted((a, b) => a.usedAt - b.usedAt);
    let kept = unused.reduce((sum, { file }) => sum + file.bytes, 0);
    const oldest = Date.now() - idleMs;
    for (const entry of unused) {
      if (isOpen && kept <= maxBytes && entry.usedAt > oldest) break;
      kept -= entry.file.bytes;
      drop(entry);
    }
    if (kept > 0) timer = setTimeout(sweep, idleMs).unref();
  };
  const leaseOf = (entry: Entry): MemoryLease => {
    entry.uses += 1;
    let isHeld = true;
    return {
      file: entry.file,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        entry.uses -= 1;
        entry.usedAt = Date.now();
        if (entry.uses === 0) sweep();
      },
    };
  };

  return {
    lease: async (id, read) => {
      for (;;) {
        const known = entries.get(id);
        if (known !== undefined) return leaseOf(known);
        const running = loading.get(id);
        if (running === undefined) break;
        // Another query is at it; if that one ends in an error, which may be its own end, this one tries itself.
        await running.catch(() => undefined);
      }
      const made = makeEntry(id, read());
      loading.set(id, made);
      try {
        const entry = await made;
        if (entry === undefined) return undefined;
        entries.set(id, entry);
        return leaseOf(entry);
      } finally {
        loading.delete(id);
      }
    },
    close: async () => {
      isOpen = false;
      sweep();
    },
  };
}

async function makeEntry(id: string, body: Body): Promise<Entry | undefined> {
  const handle = await openNameless();
  if (handle === undefined) return undefined;
  try {
    await handle.writeFile(body);
    const { size: bytes } = await handle.stat();
    serials += 1;
    return { id, file: { path: `/proc/${process.pid}/fd/${handle.fd}`, bytes, serial: serials }, handle, uses: 0, usedAt: Date.now() };
  } catch (thrown) {
    await handle.close();
    if (codeOf(thrown) === "ENOSPC") return undefined;
    throw thrown;
  }
}

/** A file that is open and nowhere. */
async function openNameless(): Promise<FileHandle | undefined> {
  if (process.platform !== "linux") return undefined;
  const path = `${folder}/${randomUUID()}`;
  try {
    const handle = await open(path, "wx+", 0o600);
    await unlink(path);
    return handle;
  } catch {
    return undefined;
  }
}
