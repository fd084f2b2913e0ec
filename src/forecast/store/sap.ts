// What is known of every source and import of SAP: how far an extraction has come, which rows of an import were answered.
//
// Owns: forecast_sap_source, forecast_import, forecast_import_batch. Does not own: rows and answers themselves (sealed objects).
//   A1. A source's delta link changes only together with the replica it belongs to (one transaction), and only from the generation the
//       extraction began at: of two at once, the later one to end changes nothing.
//   A2. A batch has a row before it is sent, and its answers in that row before the next one is sent: a row without answers was perhaps sent.

import { StockroomError } from "../../base/errors.ts";
import type { Migration, Tx } from "../../base/records/contract.ts";
import type { ObjectRef } from "./keys.ts";

export const sapMigrations: readonly Migration[] = [
  {
    id: "forecast-001-sap",
    sql: `
      create table stockroom.forecast_sap_source (
        name text primary key,
        generation bigint not null,
        delta_link text,
        replica_key text not null,
        replica_version text not null,
        rows bigint not null,
        run_id text not null,
        at timestamptz not null
      );

      create table stockroom.forecast_import (
        id text primary key,
        target text not null,
        dataset_group text not null,
        source_key text not null,
        source_version text not null,
        state text not null check (state in ('running', 'done', 'partly')),
        rows bigint not null,
        sent bigint not null default 0,
        failed bigint not null default 0,
        started_at timestamptz not null,
        ended_at timestamptz
      );
      create index forecast_import_latest on stockroom.forecast_import (started_at desc);

      create table stockroom.forecast_import_batch (
        import text not null references stockroom.forecast_import,
        round int not null,
        batch int not null,
        sent int not null default 0,
        failed int not null default 0,
        answers_key text,
        answers_version text,
        at timestamptz not null,
        primary key (import, round, batch)
      );
    `,
  },
];

/** Later than the tables of runs and plans: appended to the list of the wing. */
export const sapChangeMigrations: readonly Migration[] = [
  {
    id: "forecast-005-sap-changes",
    sql: `
      alter table stockroom.forecast_sap_source add column format int not null default 1, add column kind text;
    `,
  },
];

export interface SourceRow {
  readonly name: string;
  readonly generation: number;
  readonly deltaLink: string | null;
  readonly replica: ObjectRef;
  readonly rows: number;
  readonly runId: string;
  readonly at: string;
  /** In which way the replica was written. */
  readonly format: number;
  /** Found from its changes; null as long as they do not tell. */
  readonly kind: "additive" | "overwriting" | null;
}

export async function findSource(tx: Tx, name: string): Promise<SourceRow | undefined> {
  const [row] = await tx.query<{
    name: string;
    generation: number;
    delta_link: string | null;
    replica_key: string;
    replica_version: string;
    rows: number;
    run_id: string;
    at: string;
    format: number;
    kind: SourceRow["kind"];
  }>(
    `select name, generation::int, delta_link, replica_key, replica_version, rows::float8, run_id, at, format, kind
       from stockroom.forecast_sap_source where name = $1`,
    [name],
  );
  if (row === undefined) return undefined;
  return {
    name: row.name,
    generation: row.generation,
    deltaLink: row.delta_link,
    replica: { key: row.replica_key, version: row.replica_version },
    rows: row.rows,
    runId: row.run_id,
    at: row.at,
    format: row.format,
    kind: row.kind,
  };
}

/**
 * Puts the source where an extraction has brought it (A1); the same run again changes nothing.
 *
 * Throws `conflict` `SAP_SOURCE_MOVED` when another extraction ended meanwhile.
 */
export async function moveSource(tx: Tx, from: number, row: Omit<SourceRow, "generation">): Promise<void> {
  const moved = await tx.query(
    `insert into stockroom.forecast_sap_source as s (name, generation, delta_link, replica_key, replica_version, rows, run_id, at, format, kind)
     values ($1, $2::bigint + 1, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (name) do update
       set generation = excluded.generation, delta_link = excluded.delta_link, replica_key = excluded.replica_key,
           replica_version = excluded.replica_version, rows = excluded.rows, run_id = excluded.run_id, at = excluded.at,
           format = excluded.format, kind = excluded.kind
       where s.generation = $2 or s.run_id = excluded.run_id
     returning name`,
    [row.name, from, row.deltaLink, row.replica.key, row.replica.version, row.rows, row.runId, row.at, row.format, row.kind],
  );
  if (moved.length === 1) return;
  throw new StockroomError(
    "conflict",
    "SAP_SOURCE_MOVED",
    `Expected source "${row.name}" to stand where this extraction began but another one has ended since. Nothing is lost: start the extraction again.`,
    { facts: { source: row.name } },
  );
}

export interface ImportRow {
  readonly [key: string]: string | number | undefined;
  readonly id: string;
  readonly target: string;
  readonly group: string;
  readonly sourceKey: string;
  readonly sourceVersion: string;
  readonly state: "running" | "done" | "partly";
  readonly rows: number;
  /** Rows the ERP has taken. */
  readonly sent: number;
  /** Rows it has refused and not taken since. */
  readonly failed: number;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
}

interface ImportRecord {
  readonly id: string;
  readonly target: string;
  readonly dataset_group: string;
  readonly source_key: string;
  readonly source_version: string;
  readonly state: ImportRow["state"];
  readonly rows: number;
  readonly sent: number;
  readonly failed: number;
  readonly started_at: string;
  readonly ended_at: string | null;
}

const importColumns = `id, target, dataset_group, source_key, source_version, state, rows::float8, sent::float8, failed::float8, started_at, ended_at`;

const importOf = (row: ImportRecord): ImportRow => ({
  id: row.id,
  target: row.target,
  group: row.dataset_group,
  sourceKey: row.source_key,
  sourceVersion: row.source_version,
  state: row.state,
  rows: row.rows,
  sent: row.sent,
  failed: row.failed,
  startedAt: row.started_at,
  endedAt: row.ended_at ?? undefined,
});

/** Writes the import's row; the same id again changes nothing. */
export async function beginImport(
  tx: Tx,
  row: {
    readonly id: string;
    readonly target: string;
    readonly group: string;
    readonly source: ObjectRef;
    readonly rows: number;
    readonly at: string;
  },
): Promise<void> {
  await tx.query(
    `insert into stockroom.forecast_import (id, target, dataset_group, source_key, source_version, state, rows, started_at)
     values ($1, $2, $3, $4, $5, 'running', $6, $7) on conflict (id) do nothing`,
    [row.id, row.target, row.group, row.source.key, row.source.version, row.rows, row.at],
  );
}

/** Throws `missing` `SAP_IMPORT_MISSING`. */
export async function getImport(tx: Tx, id: string): Promise<ImportRow> {
  const [row] = await tx.query<ImportRecord>(`select ${importColumns} from stockroom.forecast_import where id = $1`, [id]);
  if (row !== undefined) return importOf(row);
  throw new StockroomError(
    "missing",
    "SAP_IMPORT_MISSING",
    `Expected an import "${id}" but there is none. \`stockroom forecast imports\` lists them.`,
  );
}

/** Newest first. */
export async function listImports(tx: Tx, limit = 100): Promise<readonly ImportRow[]> {
  const rows = await tx.query<ImportRecord>(
    `select ${importColumns} from stockroom.forecast_import order by started_at desc, id limit $1`,
    [limit],
  );
  return rows.map(importOf);
}

export interface BatchRow {
  readonly round: number;
  readonly batch: number;
  readonly sent: number;
  readonly failed: number;
  readonly answers: ObjectRef;
}

/** Writes the row of a batch about to be sent (A2); false when it stands there already: then it was perhaps sent. */
export async function markBatch(tx: Tx, importId: string, round: number, batch: number, at: string): Promise<boolean> {
  const rows = await tx.query(
    `insert into stockroom.forecast_import_batch (import, round, batch, at) values ($1, $2, $3, $4)
     on conflict (import, round, batch) do nothing returning batch`,
    [importId, round, batch, at],
  );
  return rows.length === 1;
}

/** Takes the mark of a batch away that was certainly not sent. */
export async function unmarkBatch(tx: Tx, importId: string, round: number, batch: number): Promise<void> {
  await tx.query("delete from stockroom.forecast_import_batch where import = $1 and round = $2 and batch = $3 and answers_key is null", [
    importId,
    round,
    batch,
  ]);
}

/** The round of a batch that was perhaps sent and has no answers; absent when there is none. */
export async function findMark(tx: Tx, importId: string, batch: number): Promise<number | undefined> {
  const [row] = await tx.query<{ round: number }>(
    `select round from stockroom.forecast_import_batch
      where import = $1 and batch = $2 and answers_key is null order by round desc limit 1`,
    [importId, batch],
  );
  return row?.round;
}

/** Batches that were perhaps sent and have no answers: on their way this moment, or a person must say (`settleBatch`). */
export async function listUnanswered(
  tx: Tx,
  importId: string,
): Promise<readonly { readonly round: number; readonly batch: number; readonly at: string }[]> {
  return await tx.query<{ round: number; batch: number; at: string }>(
    "select round, batch, at from stockroom.forecast_import_batch where import = $1 and answers_key is null order by round, batch",
    [importId],
  );
}

/** Keeps a batch's outcome (A2); the first one stays. */
export async function keepBatch(tx: Tx, importId: string, batch: BatchRow, at: string): Promise<void> {
  await tx.query(
    `update stockroom.forecast_import_batch set sent = $4, failed = $5, answers_key = $6, answers_version = $7, at = $8
      where import = $1 and round = $2 and batch = $3 and answers_key is null`,
    [importId, batch.round, batch.batch, batch.sent, batch.failed, batch.answers.key, batch.answers.version, at],
  );
}

/** In the order in which they were sent. */
export async function listBatches(tx: Tx, importId: string): Promise<readonly BatchRow[]> {
  const rows = await tx.query<{ round: number; batch: number; sent: number; failed: number; answers_key: string; answers_version: string }>(
    `select round, batch, sent, failed, answers_key, answers_version from stockroom.forecast_import_batch
      where import = $1 and answers_key is not null order by round, batch`,
    [importId],
  );
  return rows.map((row) => ({
    round: row.round,
    batch: row.batch,
    sent: row.sent,
    failed: row.failed,
    answers: { key: row.answers_key, version: row.answers_version },
  }));
}

/** Counts an import's outcome anew from its batches: taken in any round, refused in the last one. */
export async function endImport(tx: Tx, id: string, at: string): Promise<ImportRow> {
  const [row] = await tx.query<ImportRecord>(
    `update stockroom.forecast_import i
        set sent = b.taken, failed = b.refused, ended_at = $2, state = case when b.refused > 0 then 'partly' else 'done' end
       from (select coalesce(sum(sent - failed), 0) as taken,
                    coalesce(sum(failed) filter (where round = (select max(round) from stockroom.forecast_import_batch where import = $1)), 0) as refused
               from stockroom.forecast_import_batch where import = $1) b
      where i.id = $1 returning ${importColumns}`,
    [id, at],
  );
  if (row === undefined) return await getImport(tx, id);
  return importOf(row);
}
