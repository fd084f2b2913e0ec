// What is known of every source and import of SAP: how far an extraction has come, which rows of an import were answered.
//
// Owns: forecast_sap_source, forecast_import, forecast_import_batch, forecast_import_series. Does not own: rows and answers themselves (sealed objects).
//   A1. A source's delta link changes only together with the replica it belongs to (one transaction), and only from the generation the
//       extraction began at: of two at once, the later one to end changes nothing.
//   A2. A batch has a row before it is sent, and its answers in that row before the next one is sent: a row without answers was perhaps sent.
//       Once it is known that nobody can tell, the row is unsure, and stays so until a person settles it.
//   A3. Of the imports of one group into one target the one of the newest export counts: from the moment its row is there, no batch of an older one
//       is sent. Versions of objects are in the order of time.
//   A4. Of the imports of different groups that write one series of a target, the one of the newest export counts for that series: from the moment
//       it has claimed it, no row of the series of an older one is sent.

import { setTimeout as pause } from "node:timers/promises";
import { isStockroomError, StockroomError } from "../../platform/errors.ts";
import type { Migration, Database, Tx } from "../../platform/database/contract.ts";
import { instantOf, microsOf, type Keyed, type SortKey } from "../../platform/database/sort-key.ts";
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

/** Later than the tables of runs and plans: appended to the list of the module. */
export const sapChangeMigrations: readonly Migration[] = [
  {
    id: "forecast-005-sap-changes",
    sql: `
      alter table stockroom.forecast_sap_source add column format int not null default 1, add column kind text;
    `,
  },
  {
    id: "forecast-006-sap-unsure",
    sql: `
      alter table stockroom.forecast_import
        drop constraint forecast_import_state_check,
        add constraint forecast_import_state_check check (state in ('running', 'unsure', 'done', 'partly')),
        add column unsure bigint not null default 0,
        add column batch_rows int,
        add column run_id text;
      alter table stockroom.forecast_import_batch
        add column perhaps boolean not null default true,
        add column attempt int not null default 1,
        add column unsure int not null default 0,
        add column reason text,
        add column part_key text,
        add column part_version text,
        add column repeats boolean not null default false;
    `,
  },
];

/** Appended after the ends of runs. */
export const sapOrderMigrations: readonly Migration[] = [
  {
    id: "forecast-007-sap-order",
    sql: `
      alter table stockroom.forecast_import
        drop constraint forecast_import_state_check,
        add constraint forecast_import_state_check check (state in ('running', 'unsure', 'done', 'partly', 'superseded'));
      create index forecast_import_order on stockroom.forecast_import (target, dataset_group, source_version);
    `,
  },
];

/** Appended after the order of imports. */
export const sapDoubtMigrations: readonly Migration[] = [
  {
    id: "forecast-008-sap-doubt",
    sql: `
      alter table stockroom.forecast_sap_source add column may_repeat boolean not null default false;
    `,
  },
  {
    id: "forecast-009-sap-series",
    sql: `
      create table stockroom.forecast_import_series (
        target text not null,
        series bigint not null,
        import text not null,
        version text collate "C" not null,
        primary key (target, series)
      );
    `,
  },
];

/** Appended after the marks of doubt. */
export const sapSettingsMigrations: readonly Migration[] = [
  {
    id: "forecast-010-sap-settings",
    sql: `
      alter table stockroom.forecast_sap_source add column settings text;
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
  /** Which delta link is ours was a guess: changes may come twice by it. */
  readonly mayRepeat: boolean;
  /** Names the settings that say which rows and fields the replica holds; null in rows of earlier versions. */
  readonly settings: string | null;
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
    may_repeat: boolean;
    settings: string | null;
  }>(
    `select name, generation::int, delta_link, replica_key, replica_version, rows::float8, run_id, at, format, kind, may_repeat, settings
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
    mayRepeat: row.may_repeat,
    settings: row.settings,
  };
}

/**
 * Puts the source where an extraction has brought it (A1); the same run again changes nothing.
 *
 * Throws `conflict` `SAP_SOURCE_MOVED` when another extraction ended meanwhile.
 */
export async function moveSource(tx: Tx, from: number, row: Omit<SourceRow, "generation">): Promise<void> {
  const moved = await tx.query(
    `insert into stockroom.forecast_sap_source as s (name, generation, delta_link, replica_key, replica_version, rows, run_id, at, format, kind, may_repeat, settings)
     values ($1, $2::bigint + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     on conflict (name) do update
       set generation = excluded.generation, delta_link = excluded.delta_link, replica_key = excluded.replica_key,
           replica_version = excluded.replica_version, rows = excluded.rows, run_id = excluded.run_id, at = excluded.at,
           format = excluded.format, kind = excluded.kind, may_repeat = excluded.may_repeat,
           settings = excluded.settings
       where s.generation = $2 or s.run_id = excluded.run_id
     returning name`,
    [
      row.name,
      from,
      row.deltaLink,
      row.replica.key,
      row.replica.version,
      row.rows,
      row.runId,
      row.at,
      row.format,
      row.kind,
      row.mayRepeat,
      row.settings,
    ],
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
  /** `unsure`: stopped at rows that were perhaps taken, until somebody settles them. `superseded`: a newer export of the group goes there (A3). */
  readonly state: "running" | "unsure" | "done" | "partly" | "superseded";
  readonly rows: number;
  /** Rows the ERP has taken. */
  readonly sent: number;
  /** Rows it has refused and not taken since. */
  readonly failed: number;
  /** Rows of which nobody knows. */
  readonly unsure: number;
  /** Rows of one batch, from its beginning on, whatever the settings say later. */
  readonly batchRows: number | undefined;
  /** The run that stopped for unsure rows. */
  readonly runId: string | undefined;
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
  readonly unsure: number;
  readonly batch_rows: number | null;
  readonly run_id: string | null;
  readonly started_at: string;
  readonly ended_at: string | null;
}

const importColumns = `id, target, dataset_group, source_key, source_version, state, rows::float8, sent::float8, failed::float8, unsure::float8, batch_rows, run_id, started_at, ended_at`;

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
  unsure: row.unsure,
  batchRows: row.batch_rows ?? undefined,
  runId: row.run_id ?? undefined,
  startedAt: row.started_at,
  endedAt: row.ended_at ?? undefined,
});

const order = (import_: string): string => `(${import_}.source_version collate "C")`;

/** Whether a newer export of the same group is on its way into the same target, or there (A3). */
export async function isSuperseded(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx.query(
    `select 1 from stockroom.forecast_import i join stockroom.forecast_import n using (target, dataset_group)
      where i.id = $1 and ${order("n")} > ${order("i")} limit 1`,
    [id],
  );
  return rows.length > 0;
}

/** Marks an import that is superseded itself. */
export async function markSuperseded(tx: Tx, id: string): Promise<void> {
  await tx.query("update stockroom.forecast_import set state = 'superseded' where id = $1", [id]);
}

/** Marks the older imports that have not ended, or not well. Gives those it marked. */
export async function supersedeOlder(tx: Tx, id: string, at: string): Promise<readonly ImportRow[]> {
  const rows = await tx.query<ImportRecord>(
    `update stockroom.forecast_import i set state = 'superseded', ended_at = coalesce(i.ended_at, $2)
       from stockroom.forecast_import n
      where n.id = $1 and i.target = n.target and i.dataset_group = n.dataset_group and ${order("i")} < ${order("n")}
        and i.state in ('running', 'unsure', 'partly')
      returning ${importColumns
        .split(", ")
        .map((column) => `i.${column}`)
        .join(", ")}`,
    [id, at],
  );
  return rows.map(importOf);
}

/** So long between two looks whether it is our turn, in milliseconds. */
const turnMs = 100;

/** Waits for a lock that ends with the session. */
async function lock(tx: Tx, kind: "alone" | "shared", key: string, signal: AbortSignal): Promise<void> {
  const name = kind === "alone" ? "pg_try_advisory_lock" : "pg_try_advisory_lock_shared";
  for (;;) {
    const [row] = await tx.query<{ mine: boolean }>(`select ${name}(hashtextextended($1, 0)) as mine`, [key]);
    if (row?.mine) return;
    await pause(turnMs, undefined, { signal });
  }
}

/**
 * Runs `work` while no other import of the group sends anything into the target, in whichever process: so a batch of an older import that was begun
 * before a newer one came has arrived before the newer one sends its first. Other groups send side by side.
 */
export async function inTurn<T>(
  database: Pick<Database, "session">,
  way: { readonly target: string; readonly group: string },
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  return await database.session(async (tx) => {
    await lock(tx, "alone", `forecast.import/${way.target}/${way.group}`, signal);
    await lock(tx, "shared", `forecast.import/${way.target}`, signal);
    return await work();
  });
}

/** So long in the queue for a lock at a time, in milliseconds; between two times the signal is heard. */
const queueMs = 1_000;

/**
 * Waits until every batch is answered that is on its way into the target this moment. Later ones see what was claimed before (A4).
 *
 * Stands in the database's own queue, so that batches that follow each other closely do not keep it waiting.
 */
export async function passBatches(database: Pick<Database, "session">, target: string, signal: AbortSignal): Promise<void> {
  await database.session(async (tx) => {
    await tx.query(`select set_config('lock_timeout', $1, false)`, [`${queueMs}ms`]);
    for (;;) {
      signal.throwIfAborted();
      const isThere = await tx.query("select pg_advisory_lock(hashtextextended($1, 0))", [`forecast.import/${target}`]).then(
        () => true,
        (error: unknown) => {
          if (isStockroomError(error) && error.code === "RECORDS_CONTENDED") return false;
          throw error;
        },
      );
      if (isThere) return;
    }
  });
}

/** Series of a target that an import of another group writes, too. */
export interface SharedSeries {
  readonly group: string;
  readonly import: string;
  readonly sourceKey: string;
  readonly count: number;
  /** Theirs is the newer export. */
  readonly theirsCounts: boolean;
}

/** Claims series of the import's target for it, where no newer export has (A4). Gives those that other groups had. */
export async function claimSeries(tx: Tx, id: string, series: readonly string[]): Promise<readonly SharedSeries[]> {
  const shared = await tx.query<{ import: string; dataset_group: string; source_key: string; count: number; theirs: boolean }>(
    `select s.import, i.dataset_group, i.source_key, count(*)::float8 as count, bool_or(s.version > n.source_version collate "C") as theirs
       from stockroom.forecast_import n
       join stockroom.forecast_import_series s on s.target = n.target and s.series = any($2::bigint[])
       join stockroom.forecast_import i on i.id = s.import
      where n.id = $1 and i.dataset_group <> n.dataset_group
      group by 1, 2, 3 order by 2, 1`,
    [id, series],
  );
  await tx.query(
    `insert into stockroom.forecast_import_series as s (target, series, import, version)
     select n.target, u.series, n.id, n.source_version from stockroom.forecast_import n, unnest($2::bigint[]) as u(series) where n.id = $1
     on conflict (target, series) do update set import = excluded.import, version = excluded.version where s.version < excluded.version`,
    [id, series],
  );
  return shared.map((row) => ({
    group: row.dataset_group,
    import: row.import,
    sourceKey: row.source_key,
    count: row.count,
    theirsCounts: row.theirs,
  }));
}

/** Which of these series a newer export of another group has claimed, and which group's that is (A4). */
export async function findClaimed(tx: Tx, id: string, series: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.query<{ series: string; dataset_group: string }>(
    `select s.series::text, i.dataset_group
       from stockroom.forecast_import n
       join stockroom.forecast_import_series s on s.target = n.target and s.series = any($2::bigint[]) and s.version > n.source_version collate "C"
       join stockroom.forecast_import i on i.id = s.import
      where n.id = $1 and i.dataset_group <> n.dataset_group`,
    [id, series],
  );
  return new Map(rows.map((row) => [row.series, row.dataset_group]));
}

/** Writes the import's row; the same id again changes nothing. */
export async function beginImport(
  tx: Tx,
  row: {
    readonly id: string;
    readonly target: string;
    readonly group: string;
    readonly source: ObjectRef;
    readonly rows: number;
    readonly batchRows?: number;
    readonly at: string;
  },
): Promise<void> {
  await tx.query(
    `insert into stockroom.forecast_import (id, target, dataset_group, source_key, source_version, state, rows, batch_rows, started_at)
     values ($1, $2, $3, $4, $5, 'running', $6, $7, $8) on conflict (id) do nothing`,
    [row.id, row.target, row.group, row.source.key, row.source.version, row.rows, row.batchRows ?? null, row.at],
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

/** Newest first, each with where it stands in the list: when it began (microseconds), its id. `state`: only those that are in it. */
export async function placeImports(tx: Tx, limit = 100, after?: SortKey, state?: ImportRow["state"]): Promise<readonly Keyed<ImportRow>[]> {
  const rows = await tx.query<ImportRecord & { readonly place: string }>(
    `select ${importColumns}, ${microsOf("started_at")} as place from stockroom.forecast_import
      where ($3::text is null or state = $3)
        and ($2::bigint is null or started_at < ${instantOf("$2")} or (started_at = ${instantOf("$2")} and id > $4))
      order by started_at desc, id limit $1`,
    [limit, after?.[0] ?? null, state ?? null, after?.[1] ?? null],
  );
  return rows.map((row) => ({ row: importOf(row), key: [row.place, row.id] }));
}

/** As `placeImports`, without the places. */
export const listImports = async (tx: Tx, limit = 100): Promise<readonly ImportRow[]> =>
  (await placeImports(tx, limit)).map(({ row }) => row);

export interface BatchRow {
  readonly round: number;
  readonly batch: number;
  readonly sent: number;
  readonly failed: number;
  readonly answers: ObjectRef;
}

/** What stands of a batch before it is sent. */
export interface BatchMark {
  /** Nothing of it can have been sent before. */
  readonly isNew: boolean;
  /** When it was first sent. */
  readonly at: string;
  /** Its request id changes with this: a batch of other rows is another request. */
  readonly attempt: number;
  /** Rows of which nobody knows; above 0 a person must say. */
  readonly unsure: number;
  /** Answers that came before the line died; rows without one are unsure. */
  readonly part: ObjectRef | undefined;
}

/** Writes the row of a batch about to be sent (A2), or finds it. */
export async function markBatch(tx: Tx, importId: string, round: number, batch: number, at: string): Promise<BatchMark> {
  const [made] = await tx.query<{ attempt: number; part_key: string | null; part_version: string | null }>(
    `insert into stockroom.forecast_import_batch as b (import, round, batch, at) values ($1, $2, $3, $4)
     on conflict (import, round, batch) do update set perhaps = true, at = excluded.at where not b.perhaps and b.answers_key is null
     returning attempt, part_key, part_version`,
    [importId, round, batch, at],
  );
  if (made !== undefined) {
    const part = made.part_key === null ? undefined : { key: made.part_key, version: made.part_version ?? "" };
    return { isNew: true, at, attempt: made.attempt, unsure: 0, part };
  }
  const [row] = await tx.query<{ at: string; attempt: number; unsure: number; part_key: string | null; part_version: string | null }>(
    "select at, attempt, unsure, part_key, part_version from stockroom.forecast_import_batch where import = $1 and round = $2 and batch = $3",
    [importId, round, batch],
  );
  if (row === undefined) return await markBatch(tx, importId, round, batch, at);
  const part = row.part_key === null ? undefined : { key: row.part_key, version: row.part_version ?? "" };
  return { isNew: false, at: row.at, attempt: row.attempt, unsure: row.unsure, part };
}

/** Keeps the answers that came of a batch whose other rows are to be sent again as a request of their own. Gives the new attempt's number. */
export async function splitBatch(tx: Tx, importId: string, round: number, batch: number, part: ObjectRef): Promise<number> {
  const [row] = await tx.query<{ attempt: number }>(
    `update stockroom.forecast_import_batch set part_key = $4, part_version = $5, attempt = attempt + 1
      where import = $1 and round = $2 and batch = $3 returning attempt`,
    [importId, round, batch, part.key, part.version],
  );
  return row?.attempt ?? 1;
}

/** Notes that nobody knows of some rows of a batch, and stops the import there. */
export async function doubtBatch(
  tx: Tx,
  importId: string,
  doubt: {
    readonly round: number;
    readonly batch: number;
    readonly unsure: number;
    readonly reason: string;
    readonly part: ObjectRef;
    readonly runId: string;
  },
): Promise<void> {
  await tx.query(
    `update stockroom.forecast_import_batch set unsure = $4, reason = $5, part_key = $6, part_version = $7
      where import = $1 and round = $2 and batch = $3 and answers_key is null`,
    [importId, doubt.round, doubt.batch, doubt.unsure, doubt.reason, doubt.part.key, doubt.part.version],
  );
  await tx.query(
    `update stockroom.forecast_import i set state = 'unsure', run_id = $2,
            unsure = (select coalesce(sum(unsure), 0) from stockroom.forecast_import_batch where import = $1 and answers_key is null)
      where id = $1 and state in ('running', 'unsure')`,
    [importId, doubt.runId],
  );
}

/** Lets the rows of a batch be sent again that are known not to be there. */
export async function reopenBatch(tx: Tx, importId: string, round: number, batch: number): Promise<void> {
  await tx.query(
    `update stockroom.forecast_import_batch set perhaps = false, unsure = 0, reason = null, attempt = attempt + 1
      where import = $1 and round = $2 and batch = $3 and answers_key is null`,
    [importId, round, batch],
  );
}

/** Sets an import going again when no row of it is unsure any more; true when it is. */
export async function clearDoubt(tx: Tx, importId: string): Promise<boolean> {
  const rows = await tx.query<{ unsure: number }>(
    `update stockroom.forecast_import i
        set unsure = b.unsure, state = case when i.state = 'unsure' and b.unsure = 0 then 'running' else i.state end
       from (select coalesce(sum(unsure), 0) as unsure from stockroom.forecast_import_batch where import = $1 and answers_key is null) b
      where i.id = $1 returning i.unsure::float8`,
    [importId],
  );
  return rows[0]?.unsure === 0;
}

/** Takes the mark of a batch away that was certainly not sent. */
export async function unmarkBatch(tx: Tx, importId: string, round: number, batch: number): Promise<void> {
  await tx.query(
    "update stockroom.forecast_import_batch set perhaps = false, unsure = 0, reason = null where import = $1 and round = $2 and batch = $3 and answers_key is null",
    [importId, round, batch],
  );
}

export interface Unanswered {
  readonly round: number;
  readonly batch: number;
  readonly at: string;
  /** Rows of which nobody knows; 0: on its way this moment, or its process died. */
  readonly unsure: number;
  readonly reason: string | undefined;
  readonly part: ObjectRef | undefined;
}

/** Batches that were perhaps sent and have no answers: on their way this moment, or a person must say (`settleBatch`). */
export async function listUnanswered(tx: Tx, importId: string): Promise<readonly Unanswered[]> {
  const rows = await tx.query<{
    round: number;
    batch: number;
    at: string;
    unsure: number;
    reason: string | null;
    part_key: string | null;
    part_version: string | null;
  }>(
    `select round, batch, at, unsure, reason, part_key, part_version from stockroom.forecast_import_batch
      where import = $1 and answers_key is null and perhaps order by round, batch`,
    [importId],
  );
  return rows.map(({ reason, part_key: key, part_version: version, ...row }) => ({
    ...row,
    reason: reason ?? undefined,
    part: key === null ? undefined : { key, version: version ?? "" },
  }));
}

/** Whether a receiver has said, in an answer to this import, that it knows repeats. */
export async function hasSaidRepeats(tx: Tx, importId: string): Promise<boolean> {
  const rows = await tx.query("select 1 from stockroom.forecast_import_batch where import = $1 and repeats limit 1", [importId]);
  return rows.length > 0;
}

/** Keeps a batch's outcome (A2); the first one stays. */
export async function insertBatch(tx: Tx, importId: string, batch: BatchRow, at: string, repeats = false): Promise<void> {
  await tx.query(
    `update stockroom.forecast_import_batch
        set sent = $4, failed = $5, answers_key = $6, answers_version = $7, at = $8, repeats = $9, unsure = 0, reason = null
      where import = $1 and round = $2 and batch = $3 and answers_key is null`,
    [importId, batch.round, batch.batch, batch.sent, batch.failed, batch.answers.key, batch.answers.version, at, repeats],
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

/** Counts an import's outcome anew from its batches: taken in any round, refused in the last one. A superseded one stays so unless every row had arrived. */
export async function endImport(tx: Tx, id: string, at: string): Promise<ImportRow> {
  const [row] = await tx.query<ImportRecord>(
    `update stockroom.forecast_import i
        set sent = b.taken, failed = b.refused, ended_at = $2,
            unsure = case when i.state = 'superseded' then b.open else 0 end, state = case when i.state = 'superseded' and b.taken < i.rows then i.state when b.refused > 0 then 'partly' else 'done' end
       from (select coalesce(sum(sent - failed), 0) as taken,
                    coalesce(sum(unsure) filter (where answers_key is null), 0) as open,
                    coalesce(sum(failed) filter (where round = (select max(round) from stockroom.forecast_import_batch where import = $1)), 0) as refused
               from stockroom.forecast_import_batch where import = $1) b
      where i.id = $1 returning ${importColumns}`,
    [id, at],
  );
  if (row === undefined) return await getImport(tx, id);
  return importOf(row);
}
