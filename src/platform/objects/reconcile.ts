// Reconcile: files and rows compared, and what a crash left swept. Runs at start-up and now and then; safe while others write.
//
//   A file without row may belong to a put under way, here or elsewhere, or to a run that will resume. It is swept only when an earlier
//   reconcile has seen it, unchanged since, at least the grace time ago; and under the lock that `commit` takes, with the row looked for
//   once more. Counting from when it was seen, not from when it was written, gives a run that was down for days the grace time too.
//   What the store did not make is reported and never touched: by-hand files are neither adopted nor lost.

import { faultPoint } from "../faults.ts";
import type { StoreDeps } from "./commit.ts";
import type { ReconcileReport } from "./contract.ts";
import type { StoredFile } from "./drivers/contract.ts";
import { lockFiles } from "./locks.ts";
import { findId } from "./names.ts";

export interface ReconcileDeps extends StoreDeps {
  /** How long a file without row must have been seen unchanged before it is swept. */
  readonly graceMs: number;
}

const pageSize = 1000;

/** Compares the whole store with the catalogue; memory does not grow with either. */
export async function reconcile(deps: ReconcileDeps): Promise<ReconcileReport> {
  await sweepRemoved(deps);
  let sweptStaging = 0;
  const unknownFiles: string[] = [];
  for await (const page of pagesOf(deps.driver.list(""))) {
    const ours = page.filter((file) => findId(file.path) !== undefined);
    for (const file of page) if (findId(file.path) === undefined) unknownFiles.push(file.path);
    sweptStaging += await sweepStrays(deps, ours);
  }
  await forgetStrays(deps);
  const missingBytes = await findMissing(deps);
  if (sweptStaging > 0) deps.log.info("swept files without row", { files: sweptStaging });
  if (missingBytes.length > 0) deps.log.error("objects without bytes", { objects: missingBytes.length, first: missingBytes[0] });
  if (unknownFiles.length > 0)
    deps.log.warn("files in the store that are not ours", { files: unknownFiles.length, first: unknownFiles[0] });
  return { sweptStaging, missingBytes, unknownFiles: unknownFiles.toSorted() };
}

/** Deletes the bytes of removed objects, then says so in their rows; dying in between only repeats the first. */
async function sweepRemoved({ driver, database }: ReconcileDeps): Promise<void> {
  for (;;) {
    const rows = await database.query<{ path: string }>(
      "select path from stockroom.object where state = 'removed' order by path limit $1",
      [pageSize],
    );
    for (const { path } of rows) await driver.remove(path);
    faultPoint("objects.removed-bytes");
    await database.query("update stockroom.object set state = 'swept' where state = 'removed' and path = any($1)", [
      rows.map((row) => row.path),
    ]);
    if (rows.length < pageSize) return;
  }
}

async function sweepStrays({ driver, database, clock, graceMs }: ReconcileDeps, files: readonly StoredFile[]): Promise<number> {
  const rows = await database.query<{ path: string }>("select path from stockroom.object where path = any($1)", [
    files.map((file) => file.path),
  ]);
  const known = new Set(rows.map((row) => row.path));
  const strays = files.filter((file) => !known.has(file.path));
  if (strays.length === 0) return 0;
  const nowMs = clock.now();
  // A file that has changed since it was seen is being written: its time starts again.
  const seen = await database.query<{ path: string; seen_ms: number }>(
    `insert into stockroom.object_stray as s (path, bytes, modified_ms, seen_at)
     select path, bytes, modified_ms, $4 from unnest($1::text[], $2::bigint[], $3::float8[]) as f (path, bytes, modified_ms)
     on conflict (path) do update set bytes = excluded.bytes, modified_ms = excluded.modified_ms,
       seen_at = case when s.bytes = excluded.bytes and s.modified_ms = excluded.modified_ms then s.seen_at else excluded.seen_at end
     returning path, extract(epoch from seen_at)::float8 * 1000 as seen_ms`,
    [
      strays.map((file) => file.path),
      strays.map((file) => file.bytes),
      strays.map((file) => file.modifiedMs),
      new Date(nowMs).toISOString(),
    ],
  );
  let swept = 0;
  for (const { path, seen_ms: seenMs } of seen) {
    if (nowMs - seenMs < graceMs) continue;
    swept += await database.transaction(async (tx) => {
      await lockFiles(tx, [path]);
      const [row] = await tx.query("select 1 from stockroom.object where path = $1", [path]);
      if (row !== undefined) return 0;
      await driver.remove(path);
      await tx.query("delete from stockroom.object_stray where path = $1", [path]);
      return 1;
    });
    faultPoint("objects.swept");
  }
  return swept;
}

/** Notes of files that have got a row or have gone since. */
async function forgetStrays({ driver, database }: ReconcileDeps): Promise<void> {
  await database.query("delete from stockroom.object_stray s using stockroom.object o where o.path = s.path");
  let after = "";
  for (;;) {
    const rows = await database.query<{ path: string }>("select path from stockroom.object_stray where path > $1 order by path limit $2", [
      after,
      pageSize,
    ]);
    const goneNow: string[] = [];
    for (const { path } of rows) if ((await driver.stat(path)) === undefined) goneNow.push(path);
    if (goneNow.length > 0) await database.query("delete from stockroom.object_stray where path = any($1)", [goneNow]);
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return;
    after = last.path;
  }
}

async function findMissing({ driver, database }: ReconcileDeps): Promise<readonly string[]> {
  const missing: string[] = [];
  let after = "";
  for (;;) {
    const rows = await database.query<{ key: string; version: string; path: string }>(
      "select key, version, path from stockroom.object where path > $1 and state in ('current', 'former') order by path limit $2",
      [after, pageSize],
    );
    for (const { key, version, path } of rows) {
      if ((await driver.stat(path)) !== undefined) continue;
      // Removed and swept by another process meanwhile?
      const [still] = await database.query("select 1 from stockroom.object where path = $1 and state in ('current', 'former')", [path]);
      if (still !== undefined) missing.push(`${key}@${version}`);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return missing.toSorted();
    after = last.path;
  }
}

async function* pagesOf(files: AsyncIterable<StoredFile>): AsyncGenerator<readonly StoredFile[], void, undefined> {
  let page: StoredFile[] = [];
  for await (const file of files) {
    page.push(file);
    if (page.length < pageSize) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
