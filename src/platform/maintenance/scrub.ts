// Scrub: every byte of every current and former object read and opened, at a pace, from where the last one stopped.
//
//   S1. The position is kept in the database after each object; who comes next, a schedule or a person, goes on from there.
//   S2. What was found is kept (`stockroom.object_damage`) until the object is found whole, or is gone from the catalogue.
//   S3. One scrub at a time: the second finds that the position has moved under it and stops.

import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { describeError, StockroomError } from "../errors.ts";
import type { ObjectStore } from "../objects/contract.ts";
import { openHandle } from "../objects/handles.ts";
import type { Database } from "../database/contract.ts";
import type { Actor } from "../vault/contract.ts";

interface ScrubDeps {
  readonly database: Database;
  readonly objects: Pick<ObjectStore, "readHandle">;
}

interface ScrubOptions {
  readonly actor: Actor;
  /** Sealed bytes a second. */
  readonly bytesPerSecond: number;
  /** Stops after about so long, at an object's end; absent: at the end of the store. */
  readonly forMs?: number;
  /** Forgets how far the last one came. */
  readonly afresh?: boolean | undefined;
  readonly signal?: AbortSignal;
  readonly told?: (progress: ScrubProgress) => void;
}

interface Damage {
  readonly key: string;
  readonly version: string;
  readonly code: string;
  readonly foundAt: string;
}

interface ScrubProgress {
  readonly beganAt: string;
  readonly objects: number;
  readonly bytes: number;
  readonly ended: boolean;
}

interface Candidate {
  readonly key: string;
  readonly version: string;
  readonly path: string;
  readonly bytes: number;
}

/** Goes on with the scrub under way, or begins one. Throws `conflict` `SCRUB_RUNNING` when another moves the position meanwhile. */
export async function scrub(deps: ScrubDeps, options: ScrubOptions): Promise<ScrubProgress> {
  const { database } = deps;
  const began = performance.now();
  let read = 0;
  let { position, ...progress } = await begin(database, options.afresh ?? false);
  for (;;) {
    options.signal?.throwIfAborted();
    if (options.forMs !== undefined && performance.now() - began > options.forMs) return progress;
    const [next] = await database.query<Candidate>(
      `select key, version, path, sealed_bytes::float8 as bytes from stockroom.object
       where path > $1 and state in ('current', 'former') order by path limit 1`,
      [position],
    );
    if (next === undefined) return end(database, position, progress);
    const code = await readWhole(deps, options, next, async (bytes) => {
      read += bytes;
      const aheadMs = (read / options.bytesPerSecond) * 1_000 - (performance.now() - began);
      if (aheadMs > 5) await pause(aheadMs, undefined, { signal: options.signal });
    });
    await keep(database, next, code);
    progress = await move(database, position, next);
    position = next.path;
    options.told?.(progress);
  }
}

async function begin(database: Database, afresh: boolean): Promise<ScrubProgress & { position: string }> {
  const [row] = await database.query<{ position: string; began: string; objects: number; bytes: number }>(
    `insert into stockroom.scrub as s (one) values (true)
     on conflict (one) do update set
       began_at = case when s.ended or $1 then clock_timestamp() else s.began_at end,
       position = case when s.ended or $1 then '' else s.position end,
       objects = case when s.ended or $1 then 0 else s.objects end,
       bytes = case when s.ended or $1 then 0 else s.bytes end,
       ended = false
     returning position, began_at as began, objects::float8 as objects, bytes::float8 as bytes`,
    [afresh],
  );
  return { position: row?.position ?? "", beganAt: row?.began ?? "", objects: row?.objects ?? 0, bytes: row?.bytes ?? 0, ended: false };
}

/** The code of what is wrong with an object, or `undefined`. What may pass by itself (`busy`) is thrown. */
async function readWhole(
  { objects }: ScrubDeps,
  { actor, signal }: ScrubOptions,
  { key, version }: Candidate,
  paced: (bytes: number) => Promise<void>,
): Promise<string | undefined> {
  try {
    const handle = await objects.readHandle(actor, key, version);
    const hash = createHash("sha256");
    for await (const chunk of openHandle(handle, signal)) {
      hash.update(chunk);
      await paced(chunk.length);
    }
    return hash.digest("hex") === handle.entry.sha256 ? undefined : "OBJECT_TAMPERED";
  } catch (error) {
    signal?.throwIfAborted();
    const { kind, code } = describeError(error);
    if (kind === "busy") throw error;
    // Removed while we came to it.
    return code === "OBJECT_MISSING" ? undefined : code;
  }
}

async function keep(database: Database, { key, version }: Candidate, code: string | undefined): Promise<void> {
  if (code === undefined) await database.query("delete from stockroom.object_damage where key = $1 and version = $2", [key, version]);
  else {
    await database.query(
      `insert into stockroom.object_damage (key, version, code)
       select $1, $2, $3 where exists (select 1 from stockroom.object where key = $1 and version = $2 and state in ('current', 'former'))
       on conflict (key, version) do update set code = excluded.code`,
      [key, version, code],
    );
  }
}

async function move(database: Database, from: string, { path, bytes }: Candidate): Promise<ScrubProgress> {
  const [row] = await database.query<{ began: string; objects: number; bytes: number }>(
    `update stockroom.scrub set position = $2, objects = objects + 1, bytes = bytes + $3 where position = $1 and not ended
     returning began_at as began, objects::float8 as objects, bytes::float8 as bytes`,
    [from, path, bytes],
  );
  if (row === undefined) throw running();
  return { beganAt: row.began, objects: row.objects, bytes: row.bytes, ended: false };
}

async function end(database: Database, position: string, progress: ScrubProgress): Promise<ScrubProgress> {
  await database.transaction(async (tx) => {
    await tx.query(
      `delete from stockroom.object_damage d where not exists
         (select 1 from stockroom.object o where o.key = d.key and o.version = d.version and o.state in ('current', 'former'))`,
    );
    const rows = await tx.query(
      `update stockroom.scrub set ended = true, ended_at = clock_timestamp() where position = $1 and not ended returning 1 as one`,
      [position],
    );
    if (rows.length === 0) throw running();
  });
  return { ...progress, ended: true };
}

const running = (): StockroomError =>
  new StockroomError(
    "conflict",
    "SCRUB_RUNNING",
    "Expected to be the only scrub but another one reads this store now. Let it finish; `stockroom doctor` shows how far it is.",
  );

/** Everything found wrong and not found whole since. */
export async function listDamage(database: Pick<Database, "query">): Promise<readonly Damage[]> {
  return database.query<Damage>(
    `select d.key, d.version, d.code, d.found_at as "foundAt" from stockroom.object_damage d
     join stockroom.object o using (key, version) where o.state in ('current', 'former') order by key, version`,
  );
}
