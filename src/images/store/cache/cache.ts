// Cache: finished answers by what they answer, in memory and, if wanted, on disk.
//
// Owns: what is kept and in how much space. Does not own: whether it is still right; that is the service's question, asked with the version.
//   C1. An id is a digest of a plan; a stored answer says of which version of the original it was made. Only both together prove it right.
//   C2. `peek` never waits and touches no disk: the hot path.

import type { Log } from "../../../platform/log.ts";
import type { PictureCache, Stored } from "./contract.ts";
import { openDiskCache } from "./disk.ts";
import type { DiskCache } from "./disk.ts";
import { makeLru } from "./memory.ts";

export interface CacheOptions {
  readonly memoryMaxBytes: number;
  /** Absent: memory only. The files hold plain pictures. */
  readonly disk?: { readonly folder: string; readonly maxBytes: number } | undefined;
  readonly log: Log;
}

/** What an entry costs beside its body: its headers, its key, its places in maps. */
const overheadBytes = 1_024;

/** Makes a cache; the folder on disk is opened at the first use. */
export function makeCache({ memoryMaxBytes, disk, log }: CacheOptions): PictureCache {
  const memory = makeLru<Stored>(memoryMaxBytes, ({ body }) => body.byteLength + overheadBytes);
  let opening: Promise<DiskCache | undefined> | undefined;
  let files: DiskCache | undefined;
  const openFiles = async (): Promise<DiskCache | undefined> => {
    if (disk === undefined || files !== undefined) return files;
    opening ??= openDiskCache({ ...disk, log }).catch((error: unknown) => {
      log.warn("the folder of the picture cache cannot be opened; pictures are kept in memory only", { folder: disk.folder, error });
      return undefined;
    });
    files = await opening;
    return files;
  };
  // Closing waits for what was handed over before it, also while the folder was still being opened.
  const handing = new Set<Promise<void>>();
  const onFiles = (act: (files: DiskCache) => void): void => {
    if (disk === undefined) return;
    const hand = async (): Promise<void> => {
      const open = await openFiles();
      if (open !== undefined) act(open);
    };
    const handed = hand().finally(() => handing.delete(handed));
    handing.add(handed);
  };
  return {
    peek: (id) => memory.get(id),
    async find(id) {
      const near = memory.get(id);
      if (near !== undefined || disk === undefined) return near;
      const found = await (await openFiles())?.get(id);
      if (found !== undefined) memory.set(id, found);
      return found;
    },
    put(id, stored) {
      // A view on a larger buffer would hold all of it.
      const body = stored.body.byteLength === stored.body.buffer.byteLength ? stored.body : new Uint8Array(stored.body);
      const kept = { ...stored, body };
      memory.set(id, kept);
      onFiles((open) => open.put(id, kept));
    },
    delete(id) {
      memory.delete(id);
      onFiles((open) => open.delete(id));
    },
    get memoryBytes() {
      return memory.weight;
    },
    get memoryEntries() {
      return memory.size;
    },
    get diskBytes() {
      return files?.bytes ?? 0;
    },
    async close() {
      await Promise.all(handing);
      await (await opening)?.close();
      memory.clear();
    },
  };
}
