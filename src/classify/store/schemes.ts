// Schemes as the store keeps them: every imported text of a scheme is a revision, so that an old month can be coded again as it was.
//
// Owns: classify_scheme. Does not own: what a scheme means (engine/schemes.ts).

import { createHash } from "node:crypto";
import type { Tx } from "../../platform/database/contract.ts";
import type { Scheme } from "../engine/schemes.ts";
import type { ObjectRef } from "./keys.ts";

export interface SchemeRevision {
  readonly revision: number;
  readonly scheme: Scheme;
  readonly source: string;
  readonly importedAt: string;
}

interface SchemeRecord {
  readonly revision: string;
  readonly definition: Scheme;
  readonly source: string;
  readonly imported_at: string;
}

const toRevision = (row: SchemeRecord): SchemeRevision => ({
  revision: Number(row.revision),
  scheme: row.definition,
  source: row.source,
  importedAt: row.imported_at,
});

/** Keeps a scheme; the same definition as the latest one makes no new revision. */
export async function insertScheme(
  tx: Tx,
  scheme: Scheme,
  source: string,
  at: string,
): Promise<{ readonly revision: number; readonly isNew: boolean }> {
  const definition = JSON.stringify(scheme);
  const sha256 = createHash("sha256").update(definition).digest("hex");
  await tx.query("select pg_advisory_xact_lock(hashtext($1))", [`classify.scheme/${scheme.scheme}`]);
  const [latest] = await tx.query<{ revision: string; sha256: string }>(
    "select revision, sha256 from stockroom.classify_scheme where scheme = $1 order by imported_at desc, revision desc limit 1",
    [scheme.scheme],
  );
  if (latest?.sha256 === sha256) return { revision: Number(latest.revision), isNew: false };
  const [row] = await tx.query<{ revision: string }>(
    `insert into stockroom.classify_scheme (scheme, definition, sha256, source, imported_at) values ($1, $2, $3, $4, $5)
     on conflict (scheme, sha256) do update set imported_at = excluded.imported_at returning revision`,
    [scheme.scheme, definition, sha256, source, at],
  );
  return { revision: Number(row?.revision), isNew: true };
}

/** The latest revision of a scheme, or of the given number. */
export async function findScheme(tx: Tx, scheme: string, revision?: number): Promise<SchemeRevision | undefined> {
  const [row] = await tx.query<SchemeRecord>(
    `select revision, definition, source, imported_at from stockroom.classify_scheme
      where scheme = $1 and ($2::bigint is null or revision = $2) order by imported_at desc, revision desc limit 1`,
    [scheme, revision ?? null],
  );
  return row === undefined ? undefined : toRevision(row);
}

/** The latest revision of every scheme. */
export async function listSchemes(tx: Tx): Promise<readonly SchemeRevision[]> {
  const rows = await tx.query<SchemeRecord>(
    `select distinct on (scheme) revision, definition, source, imported_at from stockroom.classify_scheme
      order by scheme, imported_at desc, revision desc`,
  );
  return rows.map(toRevision);
}

/** Marks versions of scheme files as read, whatever came of it. */
export async function insertSchemeFiles(tx: Tx, files: readonly ObjectRef[], imported: boolean, at: string): Promise<void> {
  for (const file of files) {
    await tx.query(
      `insert into stockroom.classify_scheme_file (key, version, imported, at) values ($1, $2, $3, $4)
       on conflict (key, version) do update set imported = excluded.imported, at = excluded.at`,
      [file.key, file.version, imported, at],
    );
  }
}

/** Which of these versions of scheme files nobody has read yet. */
export async function unreadSchemeFiles(tx: Tx, files: readonly ObjectRef[]): Promise<readonly ObjectRef[]> {
  if (files.length === 0) return [];
  const rows = await tx.query<ObjectRef>("select key, version from stockroom.classify_scheme_file where key = any($1)", [
    files.map((file) => file.key),
  ]);
  const read = new Set(rows.map((row) => `${row.key}@${row.version}`));
  return files.filter((file) => !read.has(`${file.key}@${file.version}`));
}
