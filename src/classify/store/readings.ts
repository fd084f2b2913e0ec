// Readings: how each version of a labelled file with columns of its own was read, or the run that waits for an answer about it.
//
// Owns: classify_reading. Does not own: what a reading says (workflows/intake), mappings for the next file (platform/mappings).
//   G1. A version is read for as long as it lies there as it was read when it came: a mapping that changes later changes no training on it.
//   G2. The audit log vouches for it: who changes how labels were read changes what every later model learned.

import type { Migration, Tx } from "../../platform/database/contract.ts";
import type { Vault } from "../../platform/vault/contract.ts";
import { insertAudit } from "./audit.ts";
import type { ObjectRef } from "./keys.ts";

export const readingMigration: Migration = {
  id: "classify-010-readings",
  sql: `
    create table stockroom.classify_reading (
      object_key text collate "C" not null,
      object_version text not null,
      -- Null: it is asked about.
      taken jsonb,
      -- The run that looked at it last.
      run_id text not null,
      at timestamptz not null,
      primary key (object_key, object_version)
    );
  `,
};

export interface ReadingRow extends ObjectRef {
  readonly taken: unknown;
  readonly runId: string;
}

/** Keeps how a version was read, or that it is asked about, in the place of what was kept of it before. */
export async function putReading(
  tx: Tx,
  vault: Pick<Vault, "mac">,
  { key, version, taken, runId, at }: ReadingRow & { readonly at: string },
): Promise<void> {
  await tx.query(
    `insert into stockroom.classify_reading (object_key, object_version, taken, run_id, at) values ($1, $2, $3, $4, $5)
     on conflict (object_key, object_version) do update set taken = excluded.taken, run_id = excluded.run_id, at = excluded.at`,
    [key, version, taken === null ? null : JSON.stringify(taken), runId, at],
  );
  const written = [{ table: "classify_reading", where: { object_key: key, object_version: version } }] as const;
  await insertAudit(tx, vault, { at, kind: "reading", record: { key, version, runId, asked: taken === null }, written });
}

/** What is kept of a version; undefined where it was read as it stands, or not yet. */
export async function findReading(tx: Tx, { key, version }: ObjectRef): Promise<ReadingRow | undefined> {
  const [row] = await tx.query<{ taken: unknown; run_id: string }>(
    "select taken, run_id from stockroom.classify_reading where object_key = $1 and object_version = $2",
    [key, version],
  );
  return row === undefined ? undefined : { key, version, taken: row.taken, runId: row.run_id };
}

/** Versions that are asked about, with the runs that asked. */
export async function listAskedAbout(tx: Tx): Promise<readonly (ObjectRef & { readonly runId: string })[]> {
  const rows = await tx.query<{ object_key: string; object_version: string; run_id: string }>(
    "select object_key, object_version, run_id from stockroom.classify_reading where taken is null order by object_key, object_version",
  );
  return rows.map(({ object_key: key, object_version: version, run_id: runId }) => ({ key, version, runId }));
}
