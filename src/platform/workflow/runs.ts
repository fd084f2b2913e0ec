// Runs: what is on disk about them, and every statement that changes it.
//
// Owns: the rows of runs, steps and dead letters. Does not own: when a change is due (execution.ts, workflows.ts).
//   R1. Only the execution whose token is in the row writes for a run; a token is replaced when the run is taken up anew, so an execution
//       that was given up for dead and lives on can change nothing.
//   R2. Every statement may be repeated: after a lost connection nobody knows whether it took effect.
//   R3. A run found running by one who takes it up has seen its process die: whoever stops cleanly writes another state first.
//       deaths counts these since a step was last done; any step done is a step away from what kills.

import { describeError, StockroomError, unknownKind } from "../errors.ts";
import type { ErrorRecord } from "../errors.ts";
import type { Tx } from "../database/contract.ts";
import { instantOf, microsOf, type Keyed } from "../database/sort-key.ts";
import { currentTrace } from "../tracing/spans.ts";
import type { DeadLetter, RunDetail, RunQuery, RunRow, RunState } from "./contract.ts";
import type { Attempt } from "./engine.ts";
import { readJson } from "./json.ts";

export const activeStates = "('queued', 'running', 'retrying')";

/** A run taken up by an execution. */
export interface Begun {
  readonly input: string;
  readonly tries: number;
  readonly crashes: number;
  readonly priority: number;
  readonly trace: string | null;
}

export interface NewRun {
  readonly id: string;
  readonly workflow: string;
  readonly queue: string;
  readonly title: string;
  readonly input: string;
  readonly priority: number;
  readonly parent: string | undefined;
}

/** Writes the row of a new run; false when the id is taken (W1). */
export async function insertRun(tx: Tx, run: NewRun): Promise<boolean> {
  const rows = await tx.query(
    `insert into stockroom.run (id, workflow, queue, title, input, state, priority, parent, trace)
     values ($1, $2, $3, $4, $5, 'queued', $6, $7, $8) on conflict (id) do nothing returning 1 as one`,
    [run.id, run.workflow, run.queue, run.title, run.input, run.priority, run.parent ?? null, currentTrace()],
  );
  return rows.length > 0;
}

/** Whether a run that is taken up under the token $3 was left running by a dead process. */
const died = `(begun and state = 'running' and token is distinct from $3)::int`;

/** Takes an attempt up if it is still the run's and its process has died fewer than `below` times in a row. */
export async function beginRun(tx: Tx, attempt: Attempt, token: string, executorId: string, below: number): Promise<Begun | undefined> {
  const [row] = await tx.query<Begun>(
    `update stockroom.run set
       state = 'running', token = $3, executor = $4, begun = true,
       tries = tries + case when begun then 0 else 1 end,
       crashes = crashes + ${died}, deaths = deaths + ${died},
       updated_at = clock_timestamp()
     where id = $1 and leg = $2 and state in ${activeStates} and deaths + ${died} < $5
     returning input, tries, crashes, priority, trace`,
    [attempt.runId, attempt.number, token, executorId, below],
  );
  return row;
}

/** Deaths in a row under an attempt that the token's owner wants to take up, or undefined when the attempt is no longer to be run. */
export async function deathsOf(tx: Tx, attempt: Attempt, token: string): Promise<number | undefined> {
  const [row] = await tx.query<{ deaths: number }>(
    `select deaths + ${died} as deaths from stockroom.run where id = $1 and leg = $2 and state in ${activeStates}`,
    [attempt.runId, attempt.number, token],
  );
  return row?.deaths;
}

/** What a step left behind. `error`: it failed; otherwise `output` is its result, undefined for none. */
export interface StepRecord {
  readonly name: string;
  readonly lasting: boolean;
  readonly output: string | undefined;
  readonly error: string | undefined;
  readonly tries: number;
  readonly startedAt: number;
}

/** The steps an attempt need not do again: all results, and the failures of this very attempt (W6). */
export async function recordedSteps(
  tx: Tx,
  attempt: Attempt,
): Promise<Map<string, { output: string | undefined; error: string | undefined }>> {
  const rows = await tx.query<{ name: string; output: string | null; error: string | null }>(
    `select name, output, error from stockroom.run_step where run_id = $1 and (lasting or leg = $2)`,
    [attempt.runId, attempt.number],
  );
  return new Map(rows.map((row) => [row.name, { output: row.output ?? undefined, error: row.error ?? undefined }]));
}

/** Database a step and, in the same statement, that the run has moved on. False: the execution no longer holds the run (R1). */
export async function recordStep(tx: Tx, attempt: Attempt, token: string, step: StepRecord): Promise<boolean> {
  const rows = await tx.query(
    `with held as (
       update stockroom.run set deaths = 0, updated_at = clock_timestamp()
       where id = $1 and token = $2 and state = 'running' returning id
     )
     insert into stockroom.run_step (run_id, name, leg, lasting, output, error, tries, started_at)
     select id, $3, $4, $5, $6, $7, $8, to_timestamp($9::float8 / 1000) from held
     on conflict (run_id, name) do update set
       leg = excluded.leg, lasting = excluded.lasting, output = excluded.output, error = excluded.error,
       tries = excluded.tries, started_at = excluded.started_at, ended_at = clock_timestamp()
     returning 1 as one`,
    [attempt.runId, token, step.name, attempt.number, step.lasting, step.output ?? null, step.error ?? null, step.tries, step.startedAt],
  );
  return rows.length > 0;
}

/** Ends a run well. False: not ours any more. */
export async function finishRun(tx: Tx, runId: string, token: string, output: string | undefined): Promise<boolean> {
  const rows = await tx.query(
    `update stockroom.run set state = 'done', output = $3, error = null, deaths = 0,
       updated_at = clock_timestamp(), ended_at = clock_timestamp()
     where id = $1 and token = $2 and state in ('running', 'done') returning 1 as one`,
    [runId, token, output ?? null],
  );
  return rows.length > 0;
}

/** Gives a run back unfinished, so that taking it up again counts neither as a try nor as a crash. */
export async function handBackRun(tx: Tx, runId: string, token: string): Promise<void> {
  await tx.query(
    `update stockroom.run set state = 'queued', executor = null, token = null, updated_at = clock_timestamp()
     where id = $1 and token = $2 and state = 'running'`,
    [runId, token],
  );
}

/** Moves a run to its next attempt after a failed try. Gives that attempt, or undefined when the run is not ours any more. */
export async function nextTry(tx: Tx, runId: string, token: string, error: ErrorRecord): Promise<number | undefined> {
  const [row] = await tx.query<{ attempt: number }>(
    `update stockroom.run set state = 'retrying', error = $3, leg = leg + 1, begun = false, deaths = 0, executor = null, token = null,
       updated_at = clock_timestamp()
     where id = $1 and token = $2 and state = 'running' returning leg as attempt`,
    [runId, token, JSON.stringify(error)],
  );
  return row?.attempt;
}

/** Which row may go to the dead letters: the one an execution holds, or one whose attempt has died too often. */
export type DeadRun = { readonly kind: "held"; readonly token: string } | { readonly kind: "crashed"; readonly attempt: number };

/** Makes a dead letter of a run. Undefined: it is no longer to become one. */
export async function deadLetterRun(tx: Tx, runId: string, deadRun: DeadRun, error: ErrorRecord): Promise<DeadLetter | undefined> {
  const which = deadRun.kind === "held" ? "token = $3 and state = 'running'" : `leg = $3::integer and state in ${activeStates}`;
  const [run] = await tx.query<{ workflow: string; title: string; tries: number; crashes: number }>(
    // A death is counted when the run is taken up again, which a crashed one no longer is.
    `update stockroom.run set state = 'dead', error = $2, token = null,
       crashes = crashes + ${deadRun.kind === "held" ? "0" : "(begun and state = 'running')::int"}, deaths = 0,
       updated_at = clock_timestamp(), ended_at = clock_timestamp()
     where id = $1 and ${which} returning workflow, title, tries, crashes`,
    [runId, JSON.stringify(error), deadRun.kind === "held" ? deadRun.token : deadRun.attempt],
  );
  if (run === undefined) return undefined;
  const [row] = await tx.query<LetterRow>(
    `insert into stockroom.dead_letter (run_id, workflow, title, error, tries, crashes) values ($1, $2, $3, $4, $5, $6) returning ${letterColumns}`,
    [runId, run.workflow, run.title, JSON.stringify(error), run.tries, run.crashes],
  );
  return row === undefined ? undefined : letterOf(row);
}

interface LetterRow {
  readonly id: string;
  readonly run_id: string;
  readonly workflow: string;
  readonly title: string;
  readonly error: string;
  readonly tries: number;
  readonly crashes: number;
  readonly at_ms: number;
  readonly state: DeadLetter["state"];
}

const letterColumns = `id::text as id, run_id, workflow, title, error, tries, crashes, (extract(epoch from at) * 1000)::float8 as at_ms, state`;

function letterOf(row: LetterRow): DeadLetter {
  return {
    id: row.id,
    runId: row.run_id,
    workflow: row.workflow,
    title: row.title,
    error: readJson<ErrorRecord>(row.error),
    tries: row.tries,
    crashes: row.crashes,
    at: new Date(row.at_ms).toISOString(),
    state: row.state,
  };
}

export async function listLetters(
  tx: Tx,
  {
    state,
    runId,
    workflow,
    after,
    limit,
  }: {
    readonly state?: DeadLetter["state"] | undefined;
    readonly runId?: string | undefined;
    readonly workflow?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<DeadLetter[]> {
  const rows = await tx.query<LetterRow>(
    `select ${letterColumns} from stockroom.dead_letter where ($1::text is null or state = $1) and ($3::text is null or run_id = $3)
       and ($4::bigint is null or dead_letter.id < $4) and ($5::text is null or workflow = $5)
     order by dead_letter.id desc limit $2`,
    [state ?? null, limit, runId ?? null, after ?? null, workflow ?? null],
  );
  return rows.map(letterOf);
}

export async function findLetter(tx: Tx, id: string): Promise<DeadLetter | undefined> {
  if (!/^[0-9]{1,18}$/.test(id)) return undefined;
  const [row] = await tx.query<LetterRow>(`select ${letterColumns} from stockroom.dead_letter where id = $1::bigint`, [id]);
  return row === undefined ? undefined : letterOf(row);
}

/** Closes the waiting letters of a run. False: there was none. */
export async function closeLetters(tx: Tx, runId: string, state: "redriven" | "dropped"): Promise<boolean> {
  const rows = await tx.query(`update stockroom.dead_letter set state = $2 where run_id = $1 and state = 'waiting' returning 1 as one`, [
    runId,
    state,
  ]);
  return rows.length > 0;
}

/** A run that ended badly and is to go on. */
export interface Revived {
  readonly id: string;
  readonly workflow: string;
  readonly queue: string;
  readonly priority: number;
  readonly attempt: number;
}

/** Puts a badly ended run at the start of a new attempt, with a clean count. */
export async function reviveRun(tx: Tx, runId: string, fromStart: boolean): Promise<Revived | undefined> {
  const [row] = await tx.query<Revived>(
    `update stockroom.run set state = 'queued', leg = leg + 1, begun = false, deaths = 0, tries = 0, crashes = 0,
       executor = null, token = null, error = null, ended_at = null, updated_at = clock_timestamp()
     where id = $1 and state in ('failed', 'cancelled', 'dead') returning id, workflow, queue, priority, leg as attempt`,
    [runId],
  );
  if (row !== undefined && fromStart) await tx.query(`delete from stockroom.run_step where run_id = $1`, [runId]);
  return row;
}

export async function failedChildren(tx: Tx, runId: string): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `select id from stockroom.run where parent = $1 and state in ('cancelled', 'dead') order by created_at, id`,
    [runId],
  );
  return rows.map((row) => row.id);
}

export async function dropRun(tx: Tx, runId: string): Promise<void> {
  await tx.query(`update stockroom.run set state = 'failed', updated_at = clock_timestamp() where id = $1 and state = 'dead'`, [runId]);
}

/** Cancels a run and all it started. Gives the ids that were still under way. */
export async function cancelRuns(tx: Tx, runId: string): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `with recursive family as (
       select id from stockroom.run where id = $1
       union select child.id from stockroom.run as child join family on child.parent = family.id
     )
     update stockroom.run set state = 'cancelled', token = null, deaths = 0, updated_at = clock_timestamp(), ended_at = clock_timestamp()
     where id in (select id from family) and state in ${activeStates} returning id`,
    [runId],
  );
  return rows.map((row) => row.id);
}

/** Of these executions, the ones that no longer hold their run, with the state it is in now. */
export async function lostRuns(tx: Tx, held: readonly { runId: string; token: string }[]): Promise<{ token: string; state: RunState }[]> {
  return tx.query<{ token: string; state: RunState }>(
    `select held.token, run.state from unnest($1::text[], $2::text[]) as held(id, token)
     join stockroom.run as run on run.id = held.id where run.token is distinct from held.token`,
    [held.map((one) => one.runId), held.map((one) => one.token)],
  );
}

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly note: string;
}

export async function writeProgress(tx: Tx, all: readonly { token: string; runId: string; progress: Progress }[]): Promise<void> {
  await tx.query(
    `update stockroom.run as run set progress_done = news.done, progress_total = news.total, progress_note = news.note, updated_at = clock_timestamp()
     from unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::text[]) as news(id, token, done, total, note)
     where run.id = news.id and run.token = news.token and run.state = 'running'`,
    [
      all.map((one) => one.runId),
      all.map((one) => one.token),
      all.map((one) => one.progress.done),
      all.map((one) => one.progress.total),
      all.map((one) => one.progress.note),
    ],
  );
}

/** How a run ended, its result still as text. */
export type Outcome =
  | { readonly kind: "done"; readonly output: string | undefined }
  | { readonly kind: "failed"; readonly error: ErrorRecord }
  | { readonly kind: "cancelled" };

/** Of the runs there are among `ids`: how they ended, or undefined while they have not. */
export async function readOutcomes(tx: Tx, ids: readonly string[]): Promise<Map<string, Outcome | undefined>> {
  const rows = await tx.query<{ id: string; state: RunState; output: string | null; error: string | null }>(
    `select id, state, case when state = 'done' then output end as output, error from stockroom.run where id = any($1)`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, outcomeOf(row)]));
}

function outcomeOf(row: { state: RunState; output: string | null; error: string | null }): Outcome | undefined {
  switch (row.state) {
    case "done":
      return { kind: "done", output: row.output ?? undefined };
    case "cancelled":
      return { kind: "cancelled" };
    case "failed":
    case "dead":
      return { kind: "failed", error: readError(row.error) ?? describeError("no error was recorded") };
    case "queued":
    case "running":
    case "retrying":
      return undefined;
    default:
      throw unknownKind(row.state, "state of a run");
  }
}

/** Whether waiting for `child` could close a circle: a run that waits, or is waited for by one, has its place in the child's queue. */
export async function sharesQueue(tx: Tx, runId: string, child: string): Promise<boolean> {
  const rows = await tx.query(
    `with recursive above as (
       select id, parent, queue from stockroom.run where id = $1
       union select run.id, run.parent, run.queue from stockroom.run as run join above on run.id = above.parent where run.state = 'running'
     )
     select 1 as one from above join stockroom.run as child on child.id = $2 and child.queue = above.queue limit 1`,
    [runId, child],
  );
  return rows.length > 0;
}

interface StoredRun {
  readonly id: string;
  readonly workflow: string;
  readonly title: string;
  readonly state: RunState;
  readonly queue: string;
  readonly tries: number;
  readonly crashes: number;
  readonly executor: string | null;
  readonly created_ms: number;
  readonly updated_ms: number;
  readonly error: string | null;
  readonly progress_done: number | null;
  readonly progress_total: number | null;
  readonly progress_note: string | null;
  readonly parent: string | null;
}

const runColumns = `id, workflow, title, state, queue, tries, crashes, executor, error, parent, progress_done, progress_total, progress_note,
  (extract(epoch from created_at) * 1000)::float8 as created_ms, (extract(epoch from updated_at) * 1000)::float8 as updated_ms`;

function rowOf(run: StoredRun): RunRow {
  return {
    id: run.id,
    workflow: run.workflow,
    title: run.title,
    state: run.state,
    queue: run.queue,
    tries: run.tries,
    crashes: run.crashes,
    executor: run.executor ?? undefined,
    createdAt: new Date(run.created_ms).toISOString(),
    updatedAt: new Date(run.updated_ms).toISOString(),
    error: readError(run.error),
    progress:
      run.progress_done === null || run.progress_total === null
        ? undefined
        : { done: run.progress_done, total: run.progress_total, note: run.progress_note ?? "" },
    parent: run.parent ?? undefined,
  };
}

function readError(text: string | null): ErrorRecord | undefined {
  return text === null ? undefined : readJson<ErrorRecord>(text);
}

/** A day is its beginning in UTC, whatever the session's zone. */
const isoOf = (at: string | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

/** Throws `input` `RUNS_STRETCH` for a stretch of time that ends before it begins: nothing would be said of what was meant. */
export async function listRuns(tx: Tx, query: RunQuery): Promise<readonly Keyed<RunRow>[]> {
  const [since, until] = [isoOf(query.since), isoOf(query.until)];
  if (since !== null && until !== null && since >= until) {
    throw new StockroomError(
      "input",
      "RUNS_STRETCH",
      `Expected \`until\` to come after \`since\` but ${until} does not come after ${since}. Change them about.`,
    );
  }
  const rows = await tx.query<StoredRun & { readonly place: string }>(
    `select ${runColumns}, ${microsOf("created_at")} as place from stockroom.run
     where ($1::text is null or state = $1) and ($2::text is null or workflow = $2) and ($3::text is null or parent = $3)
       and ($6::timestamptz is null or created_at >= $6) and ($7::timestamptz is null or created_at < $7)
       and ($5::bigint is null or created_at < ${instantOf("$5")} or (created_at = ${instantOf("$5")} and id > $8))
     order by created_at desc, id limit $4`,
    [
      query.state ?? null,
      query.workflow ?? null,
      query.parent ?? null,
      query.limit ?? 100,
      query.after?.[0] ?? null,
      since,
      until,
      query.after?.[1] ?? null,
    ],
  );
  return rows.map((run) => ({ row: rowOf(run), key: [run.place, run.id] }));
}

/** How many runs began in a stretch of time, by workflow and state. */
export interface RunCount {
  /** Where the stretch begins, ISO, UTC. */
  readonly at: string;
  readonly workflow: string;
  readonly state: RunState;
  readonly count: number;
}

export interface CountQuery {
  /** ISO; runs that began at or after it. */
  readonly since: string;
  readonly by: "hour" | "day";
  readonly state?: RunState | undefined;
  readonly workflow?: string | undefined;
}

/** Counts runs by when they began, the oldest first; a stretch in which none began is left out. Reads what began since, by its index. */
export async function countRuns(tx: Tx, { since, by, state, workflow }: CountQuery): Promise<RunCount[]> {
  const rows = await tx.query<{ at_ms: number; workflow: string; state: RunState; count: number }>(
    `select (extract(epoch from date_trunc($2, created_at, 'UTC')) * 1000)::float8 as at_ms, workflow, state, count(*)::float8 as count
       from stockroom.run
      where created_at >= $1::timestamptz and ($3::text is null or state = $3) and ($4::text is null or workflow = $4)
      group by 1, 2, 3 order by 1, 2, 3`,
    [since, by, state ?? null, workflow ?? null],
  );
  return rows.map(({ at_ms, ...row }) => ({ at: new Date(at_ms).toISOString(), ...row }));
}

/** Runs that have changed at or after a moment (ms), in the order of their last change. Reads what is under way and what began or ended since. */
export async function changedRuns(tx: Tx, sinceMs: number, limit: number): Promise<RunRow[]> {
  const rows = await tx.query<StoredRun>(
    `select ${runColumns} from stockroom.run
      where (state in ${activeStates} or created_at >= to_timestamp($1::float8 / 1000) or ended_at >= to_timestamp($1::float8 / 1000))
        and updated_at >= to_timestamp($1::float8 / 1000)
      order by updated_at, id limit $2`,
    [sinceMs, limit],
  );
  return rows.map(rowOf);
}

export async function findRun(tx: Tx, runId: string): Promise<Omit<RunDetail, "repeatable"> | undefined> {
  const [run] = await tx.query<StoredRun & { input: string; output: string | null }>(
    `select ${runColumns}, input, output from stockroom.run where id = $1`,
    [runId],
  );
  if (run === undefined) return undefined;
  const steps = await tx.query<{ name: string; started_ms: number; ended_ms: number; error: string | null; tries: number }>(
    `select name, error, tries, (extract(epoch from started_at) * 1000)::float8 as started_ms,
       (extract(epoch from ended_at) * 1000)::float8 as ended_ms
     from stockroom.run_step where run_id = $1 order by started_at, ended_at, name`,
    [runId],
  );
  return {
    ...rowOf(run),
    input: readJson(run.input),
    output: run.output === null ? undefined : readJson(run.output),
    steps: steps.map((step) => ({
      name: step.name,
      startedAt: new Date(step.started_ms).toISOString(),
      endedAt: new Date(step.ended_ms).toISOString(),
      error: readError(step.error)?.message,
      tries: step.tries,
    })),
  };
}

/** Has whoever else locks the run wait until this transaction ends. */
export async function lockRun(tx: Tx, runId: string): Promise<void> {
  await tx.query(`select 1 as one from stockroom.run where id = $1 for no key update`, [runId]);
}

/** The newest run under way of a workflow whose id begins so. */
export async function findUnderway(tx: Tx, workflow: string, beginning: string): Promise<string | undefined> {
  const [row] = await tx.query<{ id: string }>(
    `select id from stockroom.run where state in ${activeStates} and workflow = $1 and starts_with(id, $2) order by created_at desc, id limit 1`,
    [workflow, beginning],
  );
  return row?.id;
}

/**
 * Whether objects under a prefix that were stored before `version` are still to be worked off by a workflow: their events wait, or its runs
 * are not at their end.
 */
export async function anyUnderway(
  tx: Tx,
  { workflow, prefix, version }: { readonly workflow: string; readonly prefix: string; readonly version: string },
): Promise<boolean> {
  const rows = await tx.query(
    `select 1 as one from stockroom.outbox
     where relayed_at is null and kind = 'object.stored' and starts_with(subject, $2) and data->>'version' < $3
     union all
     select 1 from stockroom.run where workflow = $1 and state in ${activeStates} and input::jsonb->>'version' < $3
     limit 1`,
    [workflow, prefix, version],
  );
  return rows.length > 0;
}

/** Whether a run of a workflow that has begun and not ended works at this version of an object. */
export async function isWorkedAt(
  tx: Tx,
  { workflow, key, version }: { readonly workflow: string; readonly key: string; readonly version: string },
): Promise<boolean> {
  const rows = await tx.query(
    `select 1 as one from stockroom.run where workflow = $1 and state in ('running', 'retrying')
       and input::jsonb->>'key' = $2 and input::jsonb->>'version' = $3 limit 1`,
    [workflow, key, version],
  );
  return rows.length > 0;
}

/** Whether any run is queued, running or waiting for its next try. */
export async function anyActive(tx: Tx, resting: ReadonlySet<string>): Promise<boolean> {
  const rows = await tx.query(`select 1 as one from stockroom.run where state in ${activeStates} and queue <> all($1::text[]) limit 1`, [
    [...resting],
  ]);
  return rows.length > 0;
}

/** Gives a new attempt to runs that have been under way unchanged for `quietMs` although the engine knows of no attempt of theirs to come. */
export async function renewAttempts(tx: Tx, quietMs: number): Promise<Revived[]> {
  return tx.query<Revived>(
    `update stockroom.run set state = 'queued', leg = leg + 1, begun = false, token = null, executor = null, updated_at = clock_timestamp()
     where state in ${activeStates} and updated_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000)
       and not exists (
         select 1 from dbos.workflow_status as attempt
         where attempt.workflow_uuid = run.leg || '/' || run.id and attempt.status in ('ENQUEUED', 'PENDING', 'DELAYED'))
     returning id, workflow, queue, priority, leg as attempt`,
    [quietMs],
  );
}

/** Forgets runs that ended well, were cancelled or given up long ago. Dead ones wait for a person however long. */
export async function forgetRuns(tx: Tx, olderThanMs: number): Promise<number> {
  const rows = await tx.query(
    `delete from stockroom.run where id in (
       select id from stockroom.run where state in ('done', 'failed', 'cancelled')
         and not exists (select 1 from stockroom.run p where p.id = run.parent and p.state not in ('done', 'failed', 'cancelled'))
         and ended_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000) limit 2000) returning 1 as one`,
    [olderThanMs],
  );
  return rows.length;
}
