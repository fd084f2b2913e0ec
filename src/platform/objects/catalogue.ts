// The catalogue: one row an object version, in `stockroom.object`, and the marks of uploads, in `stockroom.object_staging`.
//
// Owns: reading and writing these rows. Does not own: the bytes (drivers), the order of a put (commit.ts).

import { StockroomError } from "../errors.ts";
import { appendEvent } from "../database/outbox.ts";
import type { Tx } from "../database/contract.ts";
import type { Actor, Sealed } from "../vault/contract.ts";
import type { ObjectEntry, StagedObject, WriteHandle } from "./contract.ts";
import { isPlainPath, objectPath } from "./names.ts";

export interface ObjectRow {
  readonly key: string;
  readonly version: string;
  readonly zone: string;
  readonly key_version: number;
  readonly path: string;
  readonly bytes: number;
  readonly sealed_bytes: number;
  readonly sha256: string;
  readonly content_type: string;
  readonly written_by: string;
  readonly stored_at: string;
  readonly labels: Readonly<Record<string, string>>;
}

const columns = `o.key, o.version, o.zone, o.key_version, o.path, o.bytes::float8 as bytes, o.sealed_bytes::float8 as sealed_bytes,
  o.sha256, o.content_type, o.written_by, o.stored_at, o.labels`;
/** The current version of a key, or the one asked for, unless it has been removed. */
export async function findRow(tx: Tx, key: string, version?: string): Promise<ObjectRow | undefined> {
  const [row] = await tx.query<ObjectRow>(
    version === undefined
      ? `select ${columns} from stockroom.object o where key = $1 and state = 'current'`
      : `select ${columns} from stockroom.object o where key = $1 and version = $2 and state in ('current', 'former')`,
    version === undefined ? [key] : [key, version],
  );
  return row;
}

/** Current versions by key, after `after`. */
export async function listEntries(tx: Tx, prefix: string, after: string | undefined, limit: number): Promise<readonly ObjectEntry[]> {
  // In byte order the last key with a prefix stands before prefix + U+10FFFF, so the index gives exactly the range.
  const rows = await tx.query<ObjectRow>(
    `select ${columns} from stockroom.object o
     where state = 'current' and key >= $1 and key < $1 || chr(1114111) and ($2::text is null or key > $2) order by key limit $3`,
    [prefix, after ?? null, limit],
  );
  return rows.map(entryOf);
}

/** Newest first. */
export async function listVersions(tx: Tx, key: string): Promise<readonly ObjectEntry[]> {
  const rows = await tx.query<ObjectRow>(
    `select ${columns} from stockroom.object o where key = $1 and state in ('current', 'former') order by version desc`,
    [key],
  );
  return rows.map(entryOf);
}

/** Hides all versions of a key under a tombstone each; gives the newest of them. The caller holds the key's lock. */
export async function hideVersions(
  tx: Tx,
  key: string,
  by: { readonly actor: Actor; readonly atMs: number },
): Promise<{ readonly version: string; readonly zone: string } | undefined> {
  const hidden = await tx.query<{ version: string; zone: string }>(
    `with hidden as (
       update stockroom.object set state = 'removed' where key = $1 and state in ('current', 'former') returning version, zone
     )
     insert into stockroom.object_tombstone (key, version, removed_by, removed_at) select $1, version, $2, $3 from hidden
     returning version, (select zone from hidden h where h.version = object_tombstone.version) as zone`,
    [key, byOf(by.actor), new Date(by.atMs).toISOString()],
  );
  return hidden.toSorted((a, b) => (a.version < b.version ? 1 : -1))[0];
}

/** What makes a row of a staged object. */
export interface NewVersion {
  readonly staged: StagedObject;
  readonly path: string;
  readonly actor: Actor;
  readonly atMs: number;
  readonly contentType: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Makes a staged object the current version of its key, unless the current one holds the same bytes in the same zone; then that stays. */
export async function insertVersion(
  tx: Tx,
  { staged, path, actor, ...about }: NewVersion,
): Promise<{ readonly entry: ObjectEntry; readonly isNew: boolean }> {
  const { key, seal, stagingPath } = staged.handle;
  const current = await findRow(tx, key);
  // In another zone it is not the same: who may read it has changed.
  const isSame = current?.sha256 === staged.sha256 && current.bytes === staged.bytes && current.zone === seal.zone;
  let row = current;
  if (!isSame) {
    await tx.query("update stockroom.object set state = 'former' where key = $1 and state = 'current'", [key]);
    [row] = await tx.query<ObjectRow>(
      `insert into stockroom.object as o (key, version, state, zone, key_version, path, bytes, sealed_bytes, sha256, content_type,
         written_by, stored_at, labels)
       values ($1, lpad(nextval('stockroom.object_version')::text, 12, '0'), 'current', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       returning ${columns}`,
      [
        key,
        seal.zone,
        seal.keyVersion,
        path,
        staged.bytes,
        staged.sealedBytes,
        staged.sha256,
        about.contentType,
        byOf(actor),
        new Date(about.atMs).toISOString(),
        JSON.stringify(about.labels),
      ],
    );
  }
  if (row === undefined)
    throw new StockroomError("fault", "OBJECT_NO_ENTRY", "Expected the new row of the catalogue but got none. Report this.");
  await tx.query("insert into stockroom.object_staging (staging_path, key, version) values ($1, $2, $3)", [stagingPath, key, row.version]);
  return { entry: entryOf(row), isNew: !isSame };
}

/** Tells of a new version, in the transaction that makes it (O1). */
export async function announceStored(tx: Tx, { key, version, zone, bytes, sha256, labels }: ObjectEntry): Promise<void> {
  await appendEvent(tx, {
    kind: "object.stored",
    subject: key,
    data: { key, version, zone, bytes, sha256, labels },
    dedupe: `object/${key}/${version}`,
  });
}

/** Tells of a removal, in the transaction that hides the versions. */
export async function announceRemoved(
  tx: Tx,
  key: string,
  { version, zone }: { readonly version: string; readonly zone: string },
): Promise<void> {
  await appendEvent(tx, { kind: "object.removed", subject: key, data: { key, version, zone }, dedupe: `object/${key}/${version}/removed` });
}

/** By the mark of the upload or, when retention has taken that, by the path, which holds the same id. */
export async function findCommitted(tx: Tx, staged: readonly StagedObject[]): Promise<ReadonlyMap<string, ObjectEntry>> {
  if (staged.length === 0) return new Map();
  const paths = new Map(staged.map(({ handle }) => [pathOf(handle), handle.stagingPath]));
  const stagingPaths = [...paths.values()];
  const made = await tx.query<ObjectRow>(`select ${columns} from stockroom.object o where o.path = any($1)`, [[...paths.keys()]]);
  const rows = await tx.query<ObjectRow & { staging_path: string }>(
    `select ${columns}, s.staging_path from stockroom.object_staging s join stockroom.object o using (key, version)
     where s.staging_path = any($1)`,
    [stagingPaths],
  );
  return new Map([
    ...made.map((row) => [paths.get(row.path) ?? "", entryOf(row)] as const),
    ...rows.map((row) => [row.staging_path, entryOf(row)] as const),
  ]);
}

/** Where the object of a handle lies once promoted. */
export const pathOf = (handle: WriteHandle): string => objectPath(handle.seal.context["name"] ?? "", handle.stagingPath);

export const sealedAs = (row: ObjectRow): Sealed => ({
  zone: row.zone,
  keyVersion: row.key_version,
  namedPlainly: isPlainPath(row.key, row.path),
});

const byOf = (actor: Actor): string => `${actor.role}: ${actor.purpose}`;

export const entryOf = (row: ObjectRow): ObjectEntry => ({
  key: row.key,
  version: row.version,
  zone: row.zone,
  keyVersion: row.key_version,
  bytes: row.bytes,
  sealedBytes: row.sealed_bytes,
  sha256: row.sha256,
  contentType: row.content_type,
  writtenBy: row.written_by,
  storedAt: row.stored_at,
  labels: row.labels,
});
