// Commit: staged bytes become objects, all or none.
//
// The order of a put, and what a crash leaves after each step:
//   1. seal into staging/ID, synced            -> a file without row; swept after the grace time
//   2. rename to objects/HH/HASH-ID, synced    -> the same
//   3. one transaction: row, `object.stored`   -> the object, complete
// The final path holds the staging id, so two writers of one key never meet in a file, and which of them becomes current is decided by
// the transactions alone (an advisory lock per key). See decisions/object-commit-order.md.

import type { Clock } from "../time.ts";
import { StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import type { Log } from "../log.ts";
import type { Database, Tx } from "../database/contract.ts";
import type { Actor } from "../vault/contract.ts";
import { announceStored, findCommitted, insertVersion, pathOf } from "./catalogue.ts";
import type { ObjectEntry, PutOptions, StagedObject, WriteHandle } from "./contract.ts";
import type { Driver } from "./drivers/contract.ts";
import { lockFiles, lockKeys } from "./locks.ts";
import { checkKey, idOf } from "./names.ts";
import { contentTypeOf } from "./types.ts";

export interface StoreDeps {
  readonly driver: Driver;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

export type CommitOptions = PutOptions & { readonly alongside?: (tx: Tx, entries: readonly ObjectEntry[]) => Promise<void> | undefined };

/** See `ObjectStore.commit`. */
export async function commit(
  deps: StoreDeps,
  actor: Actor,
  staged: readonly StagedObject[],
  options: CommitOptions = {},
): Promise<readonly ObjectEntry[]> {
  const { driver, database, log } = deps;
  options.signal?.throwIfAborted();
  checkStaged(staged, options.maxBytes);
  const before = await findCommitted(database, staged);
  for (const { handle } of staged) {
    if (before.has(handle.stagingPath)) continue;
    // Gone, or committed by another process this very moment: the transaction sees which.
    await driver.promote(handle.stagingPath, pathOf(handle)).catch(ignoreNoFile);
    faultPoint("objects.promoted");
  }
  const unused: string[] = [];
  const entries = await database.transaction(async (tx) => {
    unused.length = 0;
    await lockKeys(
      tx,
      staged.map((one) => one.handle.key),
    );
    // Against a sweep of the same files (reconcile.ts).
    await lockFiles(
      tx,
      staged.map((one) => one.handle.stagingPath),
    );
    const done = await findCommitted(tx, staged);
    if (done.size > 0) {
      // Committed before, with whatever stood alongside: a resumed step gets the same answer.
      return staged.map((one) => done.get(one.handle.stagingPath) ?? fail(mixed()));
    }
    const made: ObjectEntry[] = [];
    for (const one of staged) {
      const { entry, isNew } = await commitOne(deps, tx, actor, one, options);
      if (!isNew) unused.push(pathOf(one.handle));
      made.push(entry);
    }
    await options.alongside?.(tx, made);
    faultPoint("objects.written");
    return made;
  });
  faultPoint("objects.committed");
  // The bytes of puts that changed nothing. If this fails or we die, the sweep takes them.
  for (const path of unused)
    await driver.remove(path).catch((error: unknown) => log.warn("unused bytes left for the sweep", { path, error }));
  return entries;
}

async function commitOne(
  { driver, clock }: StoreDeps,
  tx: Tx,
  actor: Actor,
  staged: StagedObject,
  options: PutOptions,
): Promise<{ readonly entry: ObjectEntry; readonly isNew: boolean }> {
  const path = pathOf(staged.handle);
  const file = await driver.stat(path);
  if (file?.bytes !== staged.sealedBytes) throw gone(staged.handle);
  const contentType = contentTypeOf(staged.handle.key, options.contentType);
  const made = await insertVersion(tx, { staged, path, actor, atMs: clock.now(), contentType, labels: options.labels ?? {} });
  if (made.isNew && options.announce !== false) await announceStored(tx, made.entry);
  return made;
}

/** Removes the bytes of handles that nobody will commit. Only what has no row goes: a commit whose answer was lost may have happened. */
export async function discard({ driver, database }: StoreDeps, handles: readonly WriteHandle[]): Promise<void> {
  for (const handle of handles) {
    await driver.remove(handle.stagingPath);
    const path = pathOf(handle);
    if ((await driver.stat(path)) === undefined) continue;
    await database.transaction(async (tx) => {
      await lockFiles(tx, [path]);
      const [row] = await tx.query("select 1 from stockroom.object where path = $1", [path]);
      if (row === undefined) await driver.remove(path);
    });
  }
}

function checkStaged(staged: readonly StagedObject[], maxBytes: number | undefined): void {
  if (new Set(staged.map((one) => one.handle.stagingPath)).size !== staged.length) {
    throw new StockroomError("input", "OBJECT_STAGED_TWICE", "Expected each staged object once but one is listed twice. List it once.");
  }
  for (const { handle, bytes } of staged) {
    checkKey(handle.key);
    if (handle.seal.object !== handle.key || handle.seal.context["object"] !== idOf(handle.stagingPath)) {
      throw new StockroomError(
        "input",
        "OBJECT_BAD_TICKET",
        "Expected a handle as the store gave it but it was changed. Ask for a new one.",
      );
    }
    if (maxBytes !== undefined && bytes > maxBytes) throw tooLarge(handle.key, maxBytes);
  }
}

function ignoreNoFile(cause: unknown): void {
  if (!(cause instanceof StockroomError) || cause.code !== "STORE_NO_FILE") throw cause;
}

function fail(error: StockroomError): never {
  throw error;
}

export const tooLarge = (key: string, maxBytes: number): StockroomError =>
  new StockroomError(
    "input",
    "OBJECT_TOO_LARGE",
    `Expected "${key}" to have at most ${maxBytes} bytes but it has more. Split it, or raise the limit where it is set.`,
    { facts: { key, maxBytes } },
  );

const gone = (handle: WriteHandle): StockroomError =>
  new StockroomError(
    "conflict",
    "OBJECT_STAGING_GONE",
    `Expected the staged bytes of "${handle.key}" as they were written but they are gone or changed. Write them again with a new handle.`,
    { facts: { key: handle.key, stagingPath: handle.stagingPath } },
  );

const mixed = (): StockroomError =>
  new StockroomError(
    "conflict",
    "OBJECT_COMMIT_MIXED",
    "Expected to commit objects for the first time, or the same ones again, but some of these were committed before and some were not. " +
      "Commit the rest by themselves.",
  );
