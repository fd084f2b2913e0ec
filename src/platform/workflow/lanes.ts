// Lanes: which engine queue a run waits in, so that a process is handed only what it can do.
//
// The processes of a fleet may know different workflows: other settings, or an older release during an upgrade. A workflow that every
// working process knows waits in its queue. One that some do not know waits in a lane of its own, `<queue>/<workflow>`, which only
// those who know it look into.
//
// Owns: the table `executor` (who works, and what it knows). Does not own: claims (engine), signs of life (liveness).
//   L1. A process asks for work only in its queues and the lanes of its workflows.
//   L2. Knowledge is a few seconds old; a run claimed meanwhile by a process that does not know it moves to its lane when put back.
//   L3. While a fleet is unequal, a lane has its queue's bounds for itself: `perWorker` and `overall` hold per lane.

import type { Database, Tx } from "../database/contract.ts";

/** How often a working process says that it still works; rows not renewed in several times this long are tested for life. */
export const renewMs = 20_000;

export function laneOf(workflow: string, queue: string): string {
  return `${queue}/${workflow}`;
}

/** SQL: the lane of `run`. */
export const laneSql = `run.queue || '/' || run.workflow`;

export interface Lanes {
  /** The engine queue a new attempt of this workflow waits in, as far as is known now. */
  placeOf(workflow: string, queue: string): string;
  /** Reads anew who works and knows what. */
  refresh(): Promise<void>;
}

/** Reads who works now. */
export async function openLanes(database: Database): Promise<Lanes> {
  // undefined: nobody works, so nobody can be in the way.
  let common: ReadonlySet<string> | undefined;
  const refresh = async (): Promise<void> => {
    const [row] = await database.query<{ executors: number; common: string[] | null }>(
      `with known as (select unnest(workflows) as workflow from stockroom.executor),
            total as (select count(*) as executors from stockroom.executor)
       select total.executors::int as executors,
              (select array_agg(workflow) from (
                 select workflow from known group by workflow having count(*) = total.executors) as every) as common
       from total`,
    );
    common = row === undefined || row.executors === 0 ? undefined : new Set(row.common ?? []);
  };
  await refresh();
  return {
    placeOf: (workflow, queue) => (common === undefined || common.has(workflow) ? queue : laneOf(workflow, queue)),
    refresh,
  };
}

/** Says that an executor works, and what it knows. */
export async function registerExecutor(tx: Tx, executorId: string, workflows: readonly string[]): Promise<void> {
  await tx.query(
    `insert into stockroom.executor (id, workflows) values ($1, $2)
     on conflict (id) do update set workflows = excluded.workflows, seen_at = clock_timestamp()`,
    [executorId, workflows],
  );
}

export async function forgetExecutor(tx: Tx, executorId: string): Promise<void> {
  await tx.query(`delete from stockroom.executor where id = $1`, [executorId]);
}

/** A process that takes up runs. */
export interface Worker {
  readonly id: string;
  /** How many workflows it takes up. */
  readonly workflows: number;
  readonly since: string;
  /** When it last said that it works. */
  readonly seenAt: string;
  /** Runs that it works at. */
  readonly runs: number;
}

/** Those that said so, the longest at work first; one that died is among them until it is found dead. */
export async function listWorkers(tx: Tx): Promise<readonly Worker[]> {
  const rows = await tx.query<Omit<Worker, "since" | "seenAt"> & { readonly since_ms: number; readonly seen_ms: number }>(
    `select id, cardinality(workflows) as workflows, (extract(epoch from since) * 1000)::float8 as since_ms,
       (extract(epoch from seen_at) * 1000)::float8 as seen_ms,
       (select count(*) from stockroom.run where run.executor = executor.id and run.state = 'running')::int as runs
     from stockroom.executor order by since, id`,
  );
  return rows.map(({ since_ms, seen_ms, ...row }) => ({
    ...row,
    since: new Date(since_ms).toISOString(),
    seenAt: new Date(seen_ms).toISOString(),
  }));
}

/** Executors that have not said for long that they work; whether they are dead is for liveness to find out. */
export async function silentExecutors(tx: Tx): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `select id from stockroom.executor where seen_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000)`,
    [renewMs * 3],
  );
  return rows.map(({ id }) => id);
}
