// Gone: between a list and what is done with it others work on, so some of what it gave may be gone.

import { isStockroomError } from "../errors.ts";
import type { Actor } from "../vault/contract.ts";
import type { ObjectEntry, ObjectStore } from "./contract.ts";

/** What comes of work on an object; undefined when somebody removed it before. */
export async function unlessGone<Value>(work: Promise<Value>): Promise<Value | undefined> {
  return await work.catch((error: unknown) => {
    if (isStockroomError(error) && error.code === "OBJECT_MISSING") return undefined;
    throw error;
  });
}

/** Removes what a list gave; gives how many. What somebody else removed since is as gone as was wanted. */
export async function removeListed(
  objects: Pick<ObjectStore, "remove">,
  actor: Actor,
  listed: readonly Pick<ObjectEntry, "key">[],
): Promise<number> {
  let removed = 0;
  for (const { key } of listed) if ((await unlessGone(objects.remove(actor, key).then(() => key))) !== undefined) removed++;
  return removed;
}
