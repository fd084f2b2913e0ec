// Quick: objects that are small enough to be looked at while whoever put them waits.

import type { Body } from "../bytes.ts";
import type { IntakeFile } from "../intake/profile.ts";
import type { ObjectEntry, ObjectStore } from "../objects/contract.ts";
import type { Actor } from "../vault/contract.ts";

/** All that is read for one answer, as it lies in the store. */
const mostBytes = 8 << 20;
/** What is packed may be so many times as long. */
const packed = 8;

const sizeOf = ({ key, bytes }: Pick<ObjectEntry, "key" | "bytes">): number =>
  bytes * (/\.(?:gz|parquet|xlsx|zip)$/i.test(key) ? packed : 1);

export const isQuick = (entries: readonly Pick<ObjectEntry, "key" | "bytes">[]): boolean =>
  entries.reduce((sum, entry) => sum + sizeOf(entry), 0) <= mostBytes;

/** The line that stands in the place of a look at larger ones. */
export const tooLargeNow = (key: string): string =>
  `${key} has columns of its own; it is too large to be looked at while you wait, and its run tells how it is read`;

/** An object as a file that can be read more than once. */
export function fileOfObject(objects: Pick<ObjectStore, "get">, actor: Actor, { key, version }: ObjectEntry): IntakeFile {
  async function* open(): Body {
    yield* (await objects.get(actor, key, { version })).body;
  }
  return { name: key, open };
}
