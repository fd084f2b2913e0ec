// Disk: results that outlive the process, one file each, in a folder of their own.
//
//   F1. A file under its final name is whole: it is written under another name and renamed. What a power cut leaves is caught by length and checksum.
//   F2. The folder is bounded; the least recently used go first. Several processes may share a folder, each keeping to its own bound.
//   F3. Losing the folder, or any file of it, costs time and nothing else: no failure of the disk reaches an answer.
//   F4. Writing never holds up an answer; when the disk is slower than the pictures come, some are simply not kept.

import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import { writeFileAtomically } from "../../../platform/files/index.ts";
import type { Log } from "../../../platform/log.ts";
import { makeLru } from "./memory.ts";
import type { Stored } from "./contract.ts";

const magic = Buffer.from("SRI1");
const mostPendingBytes = 32 * 1024 * 1024;
const orphanMs = 60 * 60 * 1000;

export interface DiskCache {
  get(id: string): Promise<Stored | undefined>;
  put(id: string, stored: Stored): void;
  delete(id: string): void;
  readonly bytes: number;
  /** Resolves when what lay in the folder has been counted, and what was too much is gone. */
  readonly counted: Promise<void>;
  /** Waits for the writes under way. */
  close(): Promise<void>;
}

export interface DiskCacheOptions {
  readonly folder: string;
  readonly maxBytes: number;
  readonly log: Log;
}

/** Opens the folder, making it if need be; what lies in it is counted in the background. */
export async function openDiskCache({ folder, maxBytes, log }: DiskCacheOptions): Promise<DiskCache> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const removing = new Set<Promise<void>>();
  const remove = (id: string): void => {
    const gone = rm(placeOf(folder, id), { force: true })
      .catch(() => undefined)
      .finally(() => removing.delete(gone));
    removing.add(gone);
  };
  const sizes = makeLru<number>(maxBytes, (size) => size, remove);
  const writing = new Map<string, Promise<void>>();
  let pendingBytes = 0;
  let closed = false;
  let warned = false;
  const tell = (error: unknown): void => {
    if (!warned) log.warn("the picture cache on disk fails; pictures are made again instead", { error });
    warned = true;
  };
  const keep = (id: string, size: number): void => {
    sizes.set(id, size);
    if (size > maxBytes) remove(id);
  };
  const count = async (): Promise<void> => {
    const found = await findFiles(folder, () => closed);
    for (const { id, size } of found) if (sizes.get(id) === undefined) keep(id, size);
  };
  const counting = count().catch(tell);

  return {
    async get(id) {
      const bytes = await readFile(placeOf(folder, id)).catch(() => undefined);
      if (bytes === undefined) return undefined;
      const stored = unpack(bytes);
      if (stored === undefined) {
        sizes.delete(id);
        remove(id);
      } else sizes.set(id, bytes.byteLength);
      return stored;
    },
    put(id, stored) {
      const size = stored.body.byteLength;
      if (closed || writing.has(id) || pendingBytes + size > mostPendingBytes) return;
      pendingBytes += size;
      const done = write(placeOf(folder, id), stored)
        .then((written) => keep(id, written), tell)
        .finally(() => {
          pendingBytes -= size;
          writing.delete(id);
        });
      writing.set(id, done);
    },
    delete(id) {
      sizes.delete(id);
      remove(id);
    },
    get bytes() {
      return sizes.weight;
    },
    counted: counting,
    async close() {
      closed = true;
      await counting;
      await Promise.all(writing.values());
      await Promise.all(removing);
    },
  };
}

const placeOf = (folder: string, id: string): string => path.join(folder, id.slice(0, 2), id.slice(2));

/** The files of the folder, the longest untouched first; what a killed writer left is removed on the way. */
async function findFiles(folder: string, isStopped: () => boolean): Promise<{ readonly id: string; readonly size: number }[]> {
  const found: { id: string; size: number; at: number }[] = [];
  for (const shard of await readdir(folder)) {
    if (!/^[0-9a-f]{2}$/.test(shard)) continue;
    for (const name of await readdir(path.join(folder, shard))) {
      if (isStopped()) return [];
      const file = path.join(folder, shard, name);
      const facts = await stat(file).catch(() => undefined);
      if (facts === undefined) continue;
      if (!name.startsWith(".")) found.push({ id: shard + name, size: facts.size, at: facts.mtimeMs });
      else if (Date.now() - facts.mtimeMs > orphanMs) await rm(file, { force: true });
    }
  }
  return found.sort((a, b) => a.at - b.at);
}

/** Writes one answer; gives the size of its file. F1: what a power cut leaves is caught on reading, so no picture waits for the disk. */
async function write(file: string, stored: Stored): Promise<number> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  return await writeFileAtomically(file, pack(stored), { mode: 0o600, durable: false });
}

/** `SRI1`, the length of the head, the head as JSON, the picture. */
function pack({ body, ...facts }: Stored): Uint8Array[] {
  const head = Buffer.from(JSON.stringify({ ...facts, bytes: body.byteLength, crc: crc32(body) }));
  const prefix = Buffer.alloc(8);
  magic.copy(prefix);
  prefix.writeUInt32LE(head.byteLength, 4);
  return [prefix, head, body];
}

function unpack(bytes: Buffer): Stored | undefined {
  if (bytes.byteLength < 8 || !bytes.subarray(0, 4).equals(magic)) return undefined;
  const at = 8 + bytes.readUInt32LE(4);
  try {
    const {
      bytes: length,
      crc,
      ...facts
    } = JSON.parse(bytes.subarray(8, at).toString()) as Omit<Stored, "body"> & { bytes: number; crc: number };
    const body = bytes.subarray(at);
    return body.byteLength === length && crc32(body) === crc ? { ...facts, body } : undefined;
  } catch {
    return undefined;
  }
}
