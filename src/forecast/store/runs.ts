// What is known of every dataset group and of every run over it.
//
// Owns: forecast_group, forecast_run. Does not own: inputs, pieces and exports themselves (sealed objects).
//   R1. A group's `requested` only grows: it is the version of the newest object that asks for a run. An older request finds that out and ends.
//   R2. A run has one content (inputs and settings): two runs of one content never both reach `done`.
//   R3. A run is visible as done in the transaction that tells of it: the row, its events and its notice.
//   R4. The latest run of a group is the one whose content its files have now: a run that is found again becomes the latest once more.

import { StockroomError } from "../../platform/errors.ts";
import type { Migration, Tx } from "../../platform/database/contract.ts";
import { instantOf, microsOf, type Keyed, type SortKey } from "../../platform/database/sort-key.ts";
import type { ObjectRef } from "./keys.ts";

export const runMigrations: readonly Migration[] = [
  {
    id: "forecast-002-runs",
    sql: `
      create table stockroom.forecast_group (
        name text primary key,
        requested text not null,
        since timestamptz not null
      );

      create table stockroom.forecast_run (
        id text primary key,
        dataset_group text not null references stockroom.forecast_group,
        run_id text not null unique,
        request text not null,
        content text not null,
        recipe text not null,
        inputs jsonb not null,
        settings jsonb not null,
        reuses text references stockroom.forecast_run,
        state text not null check (state in ('running', 'done')),
        summary jsonb,
        exports jsonb not null default '{}',
        started_at timestamptz not null,
        ended_at timestamptz
      );
      create index forecast_run_latest on stockroom.forecast_run (dataset_group, started_at desc);
      create unique index forecast_run_content on stockroom.forecast_run (dataset_group, content) where state = 'done';
    `,
  },
];

/** Applied after the other tables; see `migrations.ts`. */
export const currentMigrations: readonly Migration[] = [
  {
    id: "forecast-004-current",
    sql: `
      alter table stockroom.forecast_run add column current_at timestamptz;
      update stockroom.forecast_run set current_at = ended_at;
    `,
  },
];

/** Applied after these. */
export const endMigrations: readonly Migration[] = [
  {
    id: "forecast-005-ends",
    sql: `
      alter table stockroom.forecast_run drop constraint forecast_run_state_check;
      alter table stockroom.forecast_run add constraint forecast_run_state_check
        check (state in ('running', 'done', 'superseded', 'failed', 'cancelled'));
      alter table stockroom.forecast_run add column why text;
      update stockroom.forecast_run f
         set state = case r.state when 'cancelled' then 'cancelled' when 'dead' then 'failed' when 'failed' then 'failed' else 'superseded' end,
             why = r.error::jsonb->>'message', ended_at = coalesce(r.ended_at, f.started_at)
        from stockroom.run r where r.id = f.run_id and f.state = 'running' and r.state in ('done', 'cancelled', 'dead', 'failed');
      alter table stockroom.forecast_group add column state text not null default 'idle'
        check (state in ('idle', 'queued', 'waiting', 'running', 'failed', 'cancelled'));
      alter table stockroom.forecast_group add column why text;
      alter table stockroom.forecast_group add column run_id text;
      alter table stockroom.forecast_group add column removed_at timestamptz;
    `,
  },
];

export const runStates = ["running", "done", "superseded", "failed", "cancelled"] as const;
export type ForecastRunState = (typeof runStates)[number];

/** What a group is about at present; `idle`: its latest forecast is the one its files have. */
export type GroupState = "idle" | "queued" | "waiting" | "running" | "failed" | "cancelled";

export type InputRefs = { readonly [kind in "target" | "related" | "metadata" | "events"]?: ObjectRef & { readonly sha256: string } };

/** One run over a group. */
export interface ForecastRunRow {
  readonly id: string;
  readonly group: string;
  /** The durable run that made it. */
  readonly runId: string;
  readonly request: string;
  /** Of inputs and settings: equal content gives equal forecasts. */
  readonly content: string;
  /** Of the settings alone: what a model must agree in to be reused. */
  readonly recipe: string;
  readonly inputs: InputRefs;
  readonly settings: Readonly<Record<string, unknown>>;
  /** The run whose models served this one; absent: it trained its own. */
  readonly reuses: string | undefined;
  readonly state: ForecastRunState;
  /** Of one that failed: what went wrong. */
  readonly why: string | undefined;
  readonly summary: Readonly<Record<string, unknown>> | undefined;
  /** By name: forecast, backtest/forecasted-values, ... */
  readonly exports: Readonly<Record<string, ObjectRef>>;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  /** When it last became the latest of its group. */
  readonly currentAt: string | undefined;
}

interface StoredRun {
  readonly id: string;
  readonly dataset_group: string;
  readonly run_id: string;
  readonly request: string;
  readonly content: string;
  readonly recipe: string;
  readonly inputs: InputRefs;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly reuses: string | null;
  readonly state: ForecastRunState;
  readonly why: string | null;
  readonly summary: Readonly<Record<string, unknown>> | null;
  readonly exports: Readonly<Record<string, ObjectRef>>;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly current_at: string | null;
}

const columns = `id, dataset_group, run_id, request, content, recipe, inputs, settings, reuses, state, why, summary, exports, started_at, ended_at, current_at`;

const rowOf = (row: StoredRun): ForecastRunRow => ({
  id: row.id,
  group: row.dataset_group,
  runId: row.run_id,
  request: row.request,
  content: row.content,
  recipe: row.recipe,
  inputs: row.inputs,
  settings: row.settings,
  reuses: row.reuses ?? undefined,
  state: row.state,
  why: row.why ?? undefined,
  summary: row.summary ?? undefined,
  exports: row.exports,
  startedAt: row.started_at,
  endedAt: row.ended_at ?? undefined,
  currentAt: row.current_at ?? undefined,
});

/** The durable run of a request, which is known by it. */
export const runIdOf = (group: string, request: string): string => `forecast/${group}/${request}`;

/** The durable run that does the long part of a request. */
export const trainIdOf = (runId: string): string => `${runId}/train`;

/** Whose run an id names; undefined for a run of another kind. */
export function readRunId(id: string): { readonly runId: string; readonly group: string; readonly request: string } | undefined {
  const found = /^(forecast\/([^/]+)\/([^/]+))(?:\/train)?$/.exec(id);
  return found === null ? undefined : { runId: found[1], group: found[2], request: found[3] };
}

/** Notes that something newer asks for a run of the group (R1). A group that was removed is one again. */
export async function requestGroup(tx: Tx, group: string, version: string, at: string): Promise<void> {
  await tx.query(
    `insert into stockroom.forecast_group (name, requested, since, state, run_id) values ($1, $2, $3, 'queued', $4)
     on conflict (name) do update set requested = greatest(forecast_group.requested, excluded.requested), removed_at = null,
       state = case when excluded.requested >= forecast_group.requested then 'queued' else forecast_group.state end,
       why = case when excluded.requested >= forecast_group.requested then null else forecast_group.why end,
       run_id = case when excluded.requested >= forecast_group.requested then excluded.run_id else forecast_group.run_id end`,
    [group, version, at, runIdOf(group, version)],
  );
}

/** Says what the newest request of a group is about; an older one says nothing any more. */
export async function setGroupState(tx: Tx, group: string, request: string, state: GroupState, why?: string): Promise<void> {
  await tx.query("update stockroom.forecast_group set state = $3, why = $4, run_id = $5 where name = $1 and requested = $2", [
    group,
    request,
    state,
    why ?? null,
    runIdOf(group, request),
  ]);
}

/** Ends a forecast that will not be done. What is done stays done. Gives its content; undefined when there is none under way. */
export async function endUndone(
  tx: Tx,
  runId: string,
  state: Exclude<ForecastRunState, "running" | "done">,
  at: string,
  why?: string,
): Promise<{ readonly group: string; readonly content: string } | undefined> {
  const [row] = await tx.query<{ group: string; content: string }>(
    `update stockroom.forecast_run set state = $2, why = $3, ended_at = $4 where run_id = $1 and state = 'running'
     returning dataset_group as group, content`,
    [runId, state, why ?? null, at],
  );
  return row;
}

/** A forecast that ended undone is under way again. */
export async function resumeRun(tx: Tx, runId: string): Promise<void> {
  await tx.query(
    "update stockroom.forecast_run set state = 'running', why = null, ended_at = null where run_id = $1 and state in ('failed', 'cancelled')",
    [runId],
  );
}

/** What forecasts of this content are there for: one at least is under way, one is done and none under way, or neither. */
export async function useOfContent(tx: Tx, group: string, content: string): Promise<"running" | "done" | undefined> {
  const [row] = await tx.query<{ state: "running" | "done" | null }>(
    `select case when bool_or(state = 'running') then 'running' when bool_or(state = 'done') then 'done' end as state
       from stockroom.forecast_run where dataset_group = $1 and content = $2`,
    [group, content],
  );
  return row?.state ?? undefined;
}

/** Takes a group off all lists until something asks for it again; its rows stay, planners' words among them. False: there is none. */
export async function hideGroup(tx: Tx, group: string, at: string): Promise<boolean> {
  const rows = await tx.query(
    "update stockroom.forecast_group set removed_at = $2, state = 'idle', why = null, run_id = null where name = $1 and removed_at is null returning name",
    [group, at],
  );
  return rows.length === 1;
}

/** Whether a newer request stands. */
export async function isSuperseded(tx: Tx, group: string, request: string): Promise<boolean> {
  const [row] = await tx.query<{ newer: boolean }>("select requested > $2 as newer from stockroom.forecast_group where name = $1", [
    group,
    request,
  ]);
  return row?.newer ?? false;
}

export interface ForecastGroup {
  readonly name: string;
  readonly since: string;
  /** Finished ones. */
  readonly runs: number;
  readonly latest: string | undefined;
  readonly state: GroupState;
  /** What it waits for, or why it failed. */
  readonly why: string | undefined;
  /** The durable run of its newest request. */
  readonly runId: string | undefined;
}

export async function listGroups(tx: Tx): Promise<readonly ForecastGroup[]> {
  const rows = await tx.query<{
    name: string;
    since: string;
    runs: number;
    latest: string | null;
    state: GroupState;
    why: string | null;
    run_id: string | null;
  }>(
    `select g.name, g.since, g.state, g.why, g.run_id, count(r.id) filter (where r.state = 'done')::int as runs,
            (select x.id from stockroom.forecast_run x where x.dataset_group = g.name and x.state = 'done' order by x.current_at desc, x.id desc limit 1) as latest
       from stockroom.forecast_group g left join stockroom.forecast_run r on r.dataset_group = g.name
      where g.removed_at is null group by g.name order by g.name`,
  );
  return rows.map(({ run_id: runId, ...row }) => ({
    ...row,
    latest: row.latest ?? undefined,
    why: row.why ?? undefined,
    runId: runId ?? undefined,
  }));
}

/**
 * Writes the run's row and gives its id. A durable run that plans again, because it died before its plan was on record, keeps the id it had: whatever
 * it does from then on is found under it.
 */
export async function beginRun(
  tx: Tx,
  row: Omit<ForecastRunRow, "state" | "why" | "summary" | "exports" | "endedAt" | "currentAt">,
): Promise<string> {
  const [written] = await tx.query<{ id: string }>(
    `insert into stockroom.forecast_run (id, dataset_group, run_id, request, content, recipe, inputs, settings, reuses, state, started_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'running', $10)
     on conflict (run_id) do update
       set content = excluded.content, recipe = excluded.recipe, inputs = excluded.inputs, settings = excluded.settings, reuses = excluded.reuses
       where forecast_run.state = 'running'
     returning id`,
    [
      row.id,
      row.group,
      row.runId,
      row.request,
      row.content,
      row.recipe,
      JSON.stringify(row.inputs),
      JSON.stringify(row.settings),
      row.reuses ?? null,
      row.startedAt,
    ],
  );
  if (written !== undefined) return written.id;
  throw new StockroomError(
    "fault",
    "FORECAST_RUN_ENDED",
    `Expected the forecast of ${row.group} to be under way but it has ended. Look at \`stockroom forecasts list\`.`,
  );
}

/** Makes the run visible as done (R3); false when it was before, or when another run of the same content was quicker (R2). */
export async function endRun(
  tx: Tx,
  id: string,
  ended: {
    readonly summary: Readonly<Record<string, unknown>>;
    readonly exports: Readonly<Record<string, ObjectRef>>;
    readonly at: string;
  },
): Promise<boolean> {
  const rows = await tx.query(
    `update stockroom.forecast_run r set state = 'done', summary = $2, exports = $3, ended_at = $4, current_at = $4
      where r.id = $1 and r.state = 'running'
        and not exists (select 1 from stockroom.forecast_run o
                         where o.dataset_group = r.dataset_group and o.content = r.content and o.state = 'done')
      returning id`,
    [id, JSON.stringify(ended.summary), JSON.stringify(ended.exports), ended.at],
  );
  return rows.length === 1;
}

/** Puts one export of a finished run in the place of another, or beside the others. */
export async function putRunExport(tx: Tx, id: string, name: string, ref: ObjectRef): Promise<void> {
  await tx.query(
    "update stockroom.forecast_run set exports = exports || jsonb_build_object($2::text, $3::jsonb) where id = $1 and state = 'done'",
    [id, name, JSON.stringify(ref)],
  );
}

/** Makes a finished run the latest of its group again (R4). */
export async function makeCurrent(tx: Tx, id: string, at: string): Promise<void> {
  await tx.query("update stockroom.forecast_run set current_at = $2 where id = $1 and state = 'done' and current_at < $2", [id, at]);
}

/** The finished run of a content, if there is one. */
export async function findRunOf(tx: Tx, group: string, content: string): Promise<ForecastRunRow | undefined> {
  const [row] = await tx.query<StoredRun>(
    `select ${columns} from stockroom.forecast_run where dataset_group = $1 and content = $2 and state = 'done'`,
    [group, content],
  );
  return row === undefined ? undefined : rowOf(row);
}

/** The last run that trained by this recipe, not before `since`. */
export async function findTrained(tx: Tx, group: string, recipe: string, since: string): Promise<ForecastRunRow | undefined> {
  const [row] = await tx.query<StoredRun>(
    `select ${columns} from stockroom.forecast_run
      where dataset_group = $1 and recipe = $2 and state = 'done' and reuses is null and ended_at >= $3 order by ended_at desc, id desc limit 1`,
    [group, recipe, since],
  );
  return row === undefined ? undefined : rowOf(row);
}

/** The last finished run of a group. */
export async function findLatest(tx: Tx, group: string): Promise<ForecastRunRow | undefined> {
  const [row] = await tx.query<StoredRun>(
    `select ${columns} from stockroom.forecast_run
      where dataset_group = $1 and state = 'done'
        and not exists (select 1 from stockroom.forecast_group where name = $1 and removed_at is not null)
      order by current_at desc, id desc limit 1`,
    [group],
  );
  return row === undefined ? undefined : rowOf(row);
}

/** Throws `missing` `FORECAST_RUN_MISSING`. */
export async function getRun(tx: Tx, id: string): Promise<ForecastRunRow> {
  const [row] = await tx.query<StoredRun>(`select ${columns} from stockroom.forecast_run where id = $1`, [id]);
  if (row !== undefined) return rowOf(row);
  throw new StockroomError(
    "missing",
    "FORECAST_RUN_MISSING",
    `Expected a forecast "${id}" but there is none. \`stockroom forecasts list\` shows them.`,
  );
}

/** Newest first, each with where it stands in the list. */
export async function placeRuns(
  tx: Tx,
  query: {
    readonly group?: string | undefined;
    /** Only those that come after this place of the list: when it began (microseconds), its id. */
    readonly after?: SortKey | undefined;
    readonly limit?: number;
  } = {},
): Promise<readonly Keyed<ForecastRunRow>[]> {
  const rows = await tx.query<StoredRun & { readonly place: string }>(
    `select ${columns}, ${microsOf("started_at")} as place from stockroom.forecast_run
      where ($1::text is null or dataset_group = $1)
        and ($3::bigint is null or (started_at, id) < (${instantOf("$3")}, $4))
        and dataset_group not in (select name from stockroom.forecast_group where removed_at is not null) order by started_at desc, id desc limit $2`,
    [query.group ?? null, query.limit ?? 100, query.after?.[0] ?? null, query.after?.[1] ?? null],
  );
  return rows.map((row) => ({ row: rowOf(row), key: [row.place, row.id] }));
}

/** As `placeRuns`, without the places. */
export const listRuns = async (...asked: Parameters<typeof placeRuns>): Promise<readonly ForecastRunRow[]> =>
  (await placeRuns(...asked)).map(({ row }) => row);
