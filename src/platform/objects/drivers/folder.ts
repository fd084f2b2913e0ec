// The folder driver: one file per sealed object in a local (or shared, POSIX) folder.
//
// Concurrency: paths are unique to one writer (the store puts a random id into each), so files need no locks; `wx` and `rename` do the rest.

import { constants } from "node:fs";
import { mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import type { Body } from "../../bytes.ts";
import { codeOf, StockroomError, type ErrorKind } from "../../errors.ts";
import { syncFolder } from "../../files/index.ts";
import type { Driver, ReadOptions, StoredFile } from "./contract.ts";

/** Read size; large enough that the opening of frames, not the turns of the event loop, takes the time. */
const readBytes = 1 << 20;

export interface FolderOptions {
  /** How files are opened for writing; another one lets a test make the disk full. Default `open` of node:fs/promises. */
  readonly openFile?: (file: string, flags: string | number, mode: number) => Promise<FileHandle>;
}

/** Makes the driver of the folder `root`, which is made when first written to. */
export function makeFolderDriver(root: string, options: FolderOptions = {}): Driver {
  return new FolderDriver(path.resolve(root), options.openFile ?? open);
}

class FolderDriver implements Driver {
  readonly #base: string;
  readonly #openFile: NonNullable<FolderOptions["openFile"]>;
  /** Folders known to be there and on disk. */
  readonly #made = new Set<string>();

  constructor(base: string, openFile: NonNullable<FolderOptions["openFile"]>) {
    this.#base = base;
    this.#openFile = openFile;
  }

  async write(name: string, body: Body, signal?: AbortSignal): Promise<number> {
    const file = this.#fileOf(name);
    const handle = await this.#create(file);
    let bytes = 0;
    try {
      try {
        for await (const chunk of body) {
          signal?.throwIfAborted();
          await writeAll(handle, chunk, this.#base);
          bytes += chunk.length;
        }
        signal?.throwIfAborted();
        await onDisk(() => handle.sync(), this.#base);
      } finally {
        await onDisk(() => handle.close(), this.#base);
      }
      await onDisk(() => syncFolder(path.dirname(file)), this.#base);
    } catch (cause) {
      await rm(file, { force: true }).catch(() => undefined);
      throw cause;
    }
    return bytes;
  }

  async promote(from: string, to: string): Promise<void> {
    const source = this.#fileOf(from);
    const target = this.#fileOf(to);
    try {
      await this.#makeFolder(path.dirname(target));
      await rename(source, target);
    } catch (cause) {
      if (codeOf(cause) !== "ENOENT") throw explain(cause, this.#base);
      // Either it has been moved before, or it is gone.
      if ((await this.stat(to)) === undefined) throw explain(cause, this.#base);
    }
    await onDisk(() => syncFolder(path.dirname(target)), this.#base);
  }

  async *read(name: string, range: ReadOptions = {}): Body {
    range.signal?.throwIfAborted();
    const handle = await onDisk(() => open(this.#fileOf(name), "r"), this.#base);
    try {
      // What is at a path never changes, so its size is known; a buffer no larger than the rest keeps small objects cheap.
      const { size } = await onDisk(() => handle.stat(), this.#base);
      const end = Math.min(range.end ?? size, size);
      for (let at = range.start ?? 0; at < end;) {
        range.signal?.throwIfAborted();
        // A new buffer each time: the reader may keep what it was given.
        const buffer = Buffer.allocUnsafeSlow(Math.min(readBytes, end - at));
        const { bytesRead } = await onDisk(() => handle.read(buffer, 0, buffer.length, at), this.#base);
        // Cut short under us: whoever counts the bytes will say so.
        if (bytesRead === 0) return;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  async stat(name: string): Promise<StoredFile | undefined> {
    try {
      const about = await stat(this.#fileOf(name));
      return about.isFile() ? { path: name, bytes: about.size, modifiedMs: about.mtimeMs } : undefined;
    } catch (cause) {
      if (codeOf(cause) === "ENOENT" || codeOf(cause) === "ENOTDIR") return undefined;
      throw explain(cause, this.#base);
    }
  }

  async remove(name: string): Promise<void> {
    await onDisk(() => rm(this.#fileOf(name), { force: true }), this.#base);
  }

  async *list(folder: string): AsyncIterable<StoredFile> {
    let entries;
    try {
      entries = await opendir(folder === "" ? this.#base : this.#fileOf(folder));
    } catch (cause) {
      if (codeOf(cause) === "ENOENT") return;
      throw explain(cause, this.#base);
    }
    for await (const entry of entries) {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        yield* this.list(name);
      } else {
        const about = await stat(path.join(this.#base, ...name.split("/"))).catch(() => undefined);
        // Gone meanwhile: then it is not there.
        if (about !== undefined) yield { path: name, bytes: about.size, modifiedMs: about.mtimeMs };
      }
    }
  }

  #fileOf(name: string): string {
    const file = path.join(this.#base, ...name.split("/"));
    // The store makes all paths itself (D1); this is the wall behind it.
    if (name === "" || !file.startsWith(this.#base + path.sep)) {
      throw new StockroomError("fault", "STORE_BAD_PATH", "Expected a path inside the store but it leads elsewhere. Report this.");
    }
    return file;
  }

  async #create(file: string): Promise<FileHandle> {
    const folder = path.dirname(file);
    try {
      await this.#makeFolder(folder);
      return await this.#openFile(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    } catch (cause) {
      this.#made.delete(folder);
      throw explain(cause, this.#base);
    }
  }

  /** Makes a folder and writes the entry of every new one to disk, so that a loss of power cannot lose the way to a file. */
  async #makeFolder(folder: string): Promise<void> {
    if (this.#made.has(folder)) return;
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (first !== undefined) {
      for (let at = folder; at.length >= first.length; at = path.dirname(at)) await syncFolder(path.dirname(at));
    }
    this.#made.add(folder);
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, base: string): Promise<void> {
  let at = 0;
  while (at < chunk.length) {
    const { bytesWritten } = await onDisk(() => handle.write(chunk, at, chunk.length - at), base);
    at += bytesWritten;
  }
}

async function onDisk<T>(work: () => Promise<T>, base: string): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw explain(cause, base);
  }
}

const meaning: Readonly<Record<string, readonly [kind: ErrorKind, code: string, text: (base: string) => string]>> = {
  ENOSPC: [
    "busy",
    "STORE_FULL",
    (base) => `Expected room on the disk under ${base} but it is full. Free some; nothing of this object has been kept.`,
  ],
  EDQUOT: [
    "busy",
    "STORE_FULL",
    (base) => `Expected room under ${base} but the quota is used up. Raise it; nothing of this object has been kept.`,
  ],
  EMFILE: [
    "busy",
    "STORE_BUSY",
    () => "Expected to open one more file but the process has too many open. Try again or raise the limit (ulimit -n).",
  ],
  ENFILE: ["busy", "STORE_BUSY", () => "Expected to open one more file but the system has too many open. Try again later."],
  EACCES: [
    "busy",
    "STORE_REFUSED",
    (base) => `Expected to read and write in ${base} but the system refused. Give the folder to the user that runs Stockroom.`,
  ],
  EPERM: [
    "busy",
    "STORE_REFUSED",
    (base) => `Expected to read and write in ${base} but the system refused. Give the folder to the user that runs Stockroom.`,
  ],
  EROFS: [
    "busy",
    "STORE_REFUSED",
    (base) => `Expected to write in ${base} but its file system is read-only. Mount it for writing or choose another folder.`,
  ],
  ENOENT: [
    "missing",
    "STORE_NO_FILE",
    (base) => `Expected a file of the store in ${base} but it is not there. Run the reconcile to see what else is missing.`,
  ],
  EEXIST: [
    "conflict",
    "STORE_PATH_TAKEN",
    () => "Expected an unused path in the store but it is taken. Ask for a new handle; one is good for one object.",
  ],
};

function explain(cause: unknown, base: string): unknown {
  const known = meaning[codeOf(cause) ?? ""];
  if (known === undefined) return cause;
  const [kind, code, text] = known;
  return new StockroomError(kind, code, text(base), { cause });
}
