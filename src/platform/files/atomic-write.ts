// Atomic write: a file appears whole under its name, or what stood there before stays.
//
// Owns: the order write aside, fsync, rename, fsync of the folder; what a killed writer leaves. Does not own: where files lie, who may write.
//   files.A1. Under its name a file is whole at every moment, through kill -9 and loss of power: the bytes are on disk before the name points to them.
//   files.A2. When the writer throws, nothing is left beside the file. What a killed one leaves (`.name.<hex>.tmp`) goes with the next write of that file.
//   files.A3. Two writers of one file do not meet: each has a file aside of its own; the last to rename wins.

import { randomBytes } from "node:crypto";
import { link, open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { eachBounded } from "../concurrency/bounded.ts";
import { codeOf, StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";

export type FileContent = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

export interface AtomicWriteOptions {
  /** Permissions of a new file, less the umask. Default 0o666. */
  readonly mode?: number;
  /** False: no fsync and no look for what a killed writer left, for caches that check what they read. Default true. */
  readonly durable?: boolean;
}

/**
 * Writes `content` to `file`, replacing what is there. Gives the number of bytes.
 *
 * Cost: two fsyncs unless `durable` is false. Throws `missing` `FOLDER_MISSING`, what the content throws, and what the file system says.
 */
export async function writeFileAtomically(file: string, content: FileContent, options: AtomicWriteOptions = {}): Promise<number> {
  const { aside, bytes } = await writeAside(file, content, options);
  try {
    await rename(aside, file);
  } catch (thrown) {
    await rm(aside, { force: true });
    throw thrown;
  }
  faultPoint("files.renamed");
  if (options.durable !== false) await syncFolder(path.dirname(file));
  return bytes;
}

/**
 * The same for a file that must not be there yet: false, and nothing written, when it is. Of several at once exactly one gets true.
 *
 * On a file system without hard links a file made by another in the last instant is replaced.
 */
export async function createFileAtomically(file: string, content: FileContent, options: AtomicWriteOptions = {}): Promise<boolean> {
  const { aside } = await writeAside(file, content, options);
  try {
    // link refuses to replace, which rename does not.
    await link(aside, file);
  } catch (thrown) {
    if (codeOf(thrown) === "EEXIST") return false;
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(codeOf(thrown) ?? "")) throw thrown;
    await rename(aside, file);
  } finally {
    await rm(aside, { force: true });
  }
  faultPoint("files.renamed");
  if (options.durable !== false) await syncFolder(path.dirname(file));
  return true;
}

async function writeAside(file: string, content: FileContent, options: AtomicWriteOptions) {
  const folder = path.dirname(file);
  const durable = options.durable !== false;
  if (durable) await removeLeft(folder, asidePrefix(file));
  const aside = path.join(folder, `${asidePrefix(file)}${randomBytes(6).toString("hex")}.tmp`);
  const handle = await open(aside, "wx", options.mode ?? 0o666).catch((thrown: unknown) => {
    throw codeOf(thrown) === "ENOENT" ? folderMissing(file, thrown) : thrown;
  });
  try {
    let bytes = 0;
    try {
      for await (const chunk of chunksOf(content)) {
        await handle.writeFile(chunk);
        bytes += chunk.byteLength;
      }
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    faultPoint("files.written-aside");
    return { aside, bytes };
  } catch (thrown) {
    await rm(aside, { force: true });
    throw thrown;
  }
}

function chunksOf(content: FileContent): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof content === "string") return [Buffer.from(content)];
  return content instanceof Uint8Array ? [content] : content;
}

const asidePrefix = (file: string): string => `.${path.basename(file)}.`;

/** Longer than a writer at work leaves its file untouched. */
const leftAfterMs = 10 * 60_000;

async function removeLeft(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(prefix) || !/^[0-9a-f]+\.tmp$/.test(name.slice(prefix.length))) continue;
    const left = path.join(folder, name);
    const about = await stat(left).catch(() => undefined);
    if (about !== undefined && Date.now() - about.mtimeMs > leftAfterMs) await rm(left, { force: true });
  }
}

function folderMissing(file: string, cause: unknown): StockroomError {
  const folder = path.dirname(file);
  return new StockroomError("missing", "FOLDER_MISSING", `Expected a folder ${folder} to write to but there is none. Make it.`, {
    facts: { file },
    cause,
  });
}

/** Renames a file or folder whose content is on disk, and makes both folders' entries last. `to` may be a file or an empty folder. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  faultPoint("files.renamed");
  await syncFolder(path.dirname(to));
  if (path.dirname(from) !== path.dirname(to)) await syncFolder(path.dirname(from));
}

/** Makes the entries of a folder last through a power cut. Systems that cannot sync a folder do not need it (NTFS journals its entries). */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } catch (thrown) {
    // Network shares and the like refuse; they do as they do.
    if (!["EINVAL", "EPERM", "EISDIR", "EACCES", "ENOTSUP"].includes(codeOf(thrown) ?? "")) throw thrown;
  } finally {
    await handle.close();
  }
}

const syncsAtOnce = 16;

/** Makes all files and folders under `root` last; many at once, because the disk takes them together (a tenth of the time, one by one). */
export async function syncTree(root: string): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  await eachBounded(entries, syncsAtOnce, async (entry) => {
    const at = path.join(entry.parentPath, entry.name);
    if (entry.isDirectory()) return await syncFolder(at);
    // Windows syncs only what is open for writing.
    const handle = await open(at, process.platform === "win32" ? "r+" : "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
  await syncFolder(root);
}
