// Locks: the advisory locks of the catalogue, all held to the end of the transaction. Keys before files, each in one order, so that two
// batches do not wait for each other.

import type { Tx } from "../database/contract.ts";
import { idOf } from "./names.ts";

/** One writer of a key at a time. */
export async function lockKeys(tx: Tx, keys: readonly string[]): Promise<void> {
  for (const key of [...new Set(keys)].sort()) {
    await tx.query("select pg_advisory_xact_lock(hashtextextended($1, 1))", [`stockroom.object/${key}`]);
  }
}

/** Held by whoever gives a file its row, and by whoever sweeps it. */
export async function lockFiles(tx: Tx, paths: readonly string[]): Promise<void> {
  for (const id of paths.map(idOf).sort()) {
    await tx.query("select pg_advisory_xact_lock(hashtextextended($1, 2))", [`stockroom.file/${id}`]);
  }
}
