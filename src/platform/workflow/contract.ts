// Workflow: durable runs on DBOS Transact. A run survives kill -9 and goes on at the step where it stood.
//
// Owns: definitions, queues, runs, schedules, retries, dead letters, executor liveness, the sweep, the crash counter.
// Does not own: what runs do; who starts them on an event (events).
//   W1. A run's id is its identity: starting it twice is starting it once.
//   W2. A step's result is on disk before the next step begins; steps give back references, never data.
//   W3. A run that fails its tries, or whose process dies under it N times, becomes a dead letter: kept, listed, told, redrivable.
//   W4. Workflow code between steps is deterministic: no clock, no randomness, no I/O outside `step`.
//   W5. A dead executor's runs go on elsewhere after its liveness lock is missed several times; a live one's never do.
//   W6. A resumed run sees what the undisturbed one saw: the same results and, within one try, the same failures. Steps are known by
//       their name, not their place, so they may run side by side in any order and a new release may add some.

import type { ErrorRecord } from "../errors.ts";
import type { Tx } from "../database/contract.ts";
import type { Keyed, SortKey } from "../database/sort-key.ts";

/** JSON values only. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** How a step is tried. A step that is told to stop (its signal aborts) throws; what it returns counts as done. */
export interface StepOptions {
  /** Tries in all, the first included. Default 4. Errors whose kind is not worth a retry (see `meanings`) stop at once. */
  readonly tries?: number;
  /** First pause; doubles each time, with jitter. Default 1,000. */
  readonly backoffMs?: number;
  /** Longest time of one try; then its signal aborts and the try counts as failed with `WORKFLOW_STEP_TIMEOUT` (busy). Default: none. */
  readonly timeoutMs?: number;
}

/** What a run sees of the app. */
export interface RunContext {
  readonly runId: string;
  /** How often this run has been started anew after a crash of its process; 0 the first time. */
  readonly attempt: number;
  /** Aborts on cancel and on shutdown. */
  readonly signal: AbortSignal;
  /**
   * Runs `work` once; after a crash its recorded result is given back instead. `name` is stable and unique within the run.
   *
   * `work` gives JSON (at most 1 MiB) or nothing at all; the caller gets the copy that was recorded. Throws `WORKFLOW_NOT_JSON`,
   * `WORKFLOW_TOO_LARGE`, `WORKFLOW_STEP_TWICE`, and after the last try the step's own error.
   */
  step<T>(name: string, work: (signal: AbortSignal) => Promise<T>, options?: StepOptions): Promise<T>;
  /** Starts another run (durably) and gives its id at once; `await childResult(id)` waits for it. Cancelling this run cancels the child. */
  startChild<Input>(workflow: WorkflowDefinition<Input>, input: Input, options: StartOptions): Promise<string>;
  /**
   * Waits for a run. The waiting run keeps its place in its queue, so the other must use another queue than this run and those that
   * wait for it: `WORKFLOW_QUEUE_CYCLE` otherwise, because two such could wait for each other for ever.
   */
  childResult<T>(runId: string): Promise<ChildOutcome<T>>;
  /** Durable sleep: a run that crashed meanwhile sleeps only for the rest. */
  sleep(ms: number): Promise<void>;
  /** Shown by `stockroom runs show` and the console; not durable. */
  progress(done: number, total: number, note?: string): void;
}

export type ChildOutcome<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "failed"; readonly error: ErrorRecord }
  | { readonly kind: "cancelled" };

/** `Input` and `Output` are JSON; that is checked when they are made, because TypeScript would not take an interface for one. */
export interface WorkflowDefinition<Input = unknown, Output = unknown> {
  /** `module.command`, unique in the app, stable: runs on disk name it. */
  readonly name: string;
  readonly queue: string;
  run(context: RunContext, input: Input): Promise<Output>;
  /**
   * Tries of the whole run, the first included, before the dead letters. Default 3. An error whose kind is not worth a retry
   * (a poison file: `input`) needs no second try and goes there after its first.
   */
  readonly tries?: number;
  /** Pause before the second try of the run; doubles each time, with jitter. Default 5,000. */
  readonly backoffMs?: number;
  /** Deaths of the process under this run before the dead letters. Default 3. */
  readonly crashLimit?: number;
  /** It acts on others' systems (an ERP): in a copy of a home it does not run. */
  readonly outward?: boolean;
  /**
   * The input of a new run that does again what a run of this input did, asked for at a moment (ISO). Absent, or undefined for an input: it is not done
   * again by hand. Only where a second run tells and sends nothing twice: what it makes takes the place of what the first made, or stands beside it
   * as a later one.
   */
  rerun?(input: Input, at: string): Input | undefined;
  /** In plain words for lists: "train GB-WEEE on classify/labelled/GBR/june.csv". */
  title?(input: Input): string;
}

export interface QueueDefinition {
  readonly name: string;
  /** Runs at once in one process. */
  readonly perWorker: number;
  /** Runs at once over all processes; absent: no bound. */
  readonly overall?: number;
}

export interface ScheduleDefinition {
  readonly name: string;
  /** Five or six fields, UTC. */
  readonly cron: string;
  readonly workflow: string;
  readonly input: Json;
}

export interface ScheduleRow extends ScheduleDefinition {
  readonly lastAt: string | undefined;
  /** ISO, `paused`, or `never`. */
  readonly nextAt: string;
  readonly paused: { readonly at: string; readonly by: string; readonly reason: string | undefined } | undefined;
}

export interface StartOptions {
  /** The run's identity (W1). */
  readonly id: string;
  /** Lower first. Default 100. */
  readonly priority?: number;
}

/** `failed`: its dead letter was dropped. */
export type RunState = "queued" | "running" | "retrying" | "done" | "failed" | "cancelled" | "dead";

export interface RunRow {
  readonly id: string;
  readonly workflow: string;
  readonly title: string;
  readonly state: RunState;
  readonly queue: string;
  /** Tries begun since it was started or redriven. */
  readonly tries: number;
  /** Deaths of a process under it since it was started or redriven. */
  readonly crashes: number;
  readonly executor: string | undefined;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly error: ErrorRecord | undefined;
  readonly progress: { readonly done: number; readonly total: number; readonly note: string } | undefined;
  readonly parent: string | undefined;
}

export interface RunDetail extends RunRow {
  /** It is done, and a new run may do the same again (`rerun`). */
  readonly repeatable: boolean;
  readonly input: Json;
  readonly output: Json | undefined;
  readonly steps: readonly {
    readonly name: string;
    readonly startedAt: string | undefined;
    readonly endedAt: string | undefined;
    readonly error: string | undefined;
    /** Tries it took in the process that ended it. */
    readonly tries: number;
  }[];
}

export type RunLogLevel = "info" | "warn" | "error";

/** A line that a process logged while it worked at a run. */
export interface RunLogLine {
  /** Larger ones came later. */
  readonly id: number;
  readonly at: string;
  readonly level: RunLogLevel;
  /** Absent: between steps. */
  readonly step: string | undefined;
  /** Which try of the run it was. */
  readonly tries: number;
  readonly executor: string;
  readonly message: string;
  /** Secrets in them are concealed. */
  readonly facts: { readonly [key: string]: Json };
}

export interface DeadLetter {
  /** A number as text; people type it. */
  readonly id: string;
  readonly runId: string;
  readonly workflow: string;
  readonly title: string;
  readonly error: ErrorRecord;
  readonly tries: number;
  readonly crashes: number;
  readonly at: string;
  readonly state: "waiting" | "redriven" | "dropped";
}

/** Which runs are wanted. */
export interface RunQuery {
  readonly state?: RunState | undefined;
  readonly workflow?: string | undefined;
  readonly parent?: string | undefined;
  /** ISO; only those that began at or after it. */
  readonly since?: string | undefined;
  /** ISO; only those that began before it. */
  readonly until?: string | undefined;
  /** Only those that come after this place of the list: when a run began (microseconds), its id. */
  readonly after?: SortKey | undefined;
  readonly limit?: number | undefined;
}

export interface Workflows {
  /** Starts (enqueues) a run. The same id again is harmless and gives the same id back. */
  start<Input>(workflow: WorkflowDefinition<Input> | string, input: Input, options: StartOptions): Promise<string>;
  /** The same within the caller's transaction: the run exists if and only if that commits. */
  startIn<Input>(tx: Tx, workflow: WorkflowDefinition<Input> | string, input: Input, options: StartOptions): Promise<string>;
  /** Whether a workflow of that name is registered in this process. */
  has(workflow: string): boolean;
  /** Waits until the run is done, failed, cancelled or dead. Throws `RUN_UNKNOWN`, and `RUN_NOT_ENDED` (busy) after `timeoutMs`. */
  outcome<T = Json>(
    runId: string,
    options?: { readonly timeoutMs?: number | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<ChildOutcome<T>>;
  /** Newest first. Default limit 100. */
  list(query?: RunQuery): Promise<readonly RunRow[]>;
  /** The same with where each stands: a page begins after a key. */
  place(query: RunQuery): Promise<readonly Keyed<RunRow>[]>;
  /** How many runs began since a moment, by stretch of time (UTC), workflow and state; the oldest first. */
  count(query: {
    /** ISO. */
    readonly since: string;
    readonly by: "hour" | "day";
    readonly state?: RunState | undefined;
    readonly workflow?: string | undefined;
  }): Promise<readonly { readonly at: string; readonly workflow: string; readonly state: RunState; readonly count: number }[]>;
  /** Throws `RUN_UNKNOWN`. */
  show(runId: string): Promise<RunDetail>;
  /**
   * What was logged while the run was worked at, the oldest line first: the newest thousand lines are kept. When a run is seen to have ended its lines
   * are there, but for those that could not be written. Default limit 100. Throws `RUN_UNKNOWN`.
   */
  logs(
    runId: string,
    query?: {
      readonly step?: string | undefined;
      /** That and worse. */
      readonly level?: RunLogLevel | undefined;
      /** Only those after the line of this number. */
      readonly after?: number | undefined;
      readonly limit?: number | undefined;
    },
  ): Promise<readonly RunLogLine[]>;
  /** The same of every run, the oldest line first: those after `after`, else the newest there are. Default limit 100. */
  allLogs(query?: {
    /** ISO; only lines of this moment or later. */
    readonly since?: string | undefined;
    readonly level?: RunLogLevel | undefined;
    readonly after?: number | undefined;
    readonly limit?: number | undefined;
  }): Promise<readonly (RunLogLine & { readonly run: string })[]>;
  /**
   * Stops the run and the runs it started, in whichever process they are; what has ended stays as it is. One that was cancelled before is no
   * mistake. Throws `RUN_UNKNOWN`, and `RUN_ENDED` (conflict) for one that is done, failed or dead with nothing of it under way.
   */
  cancel(runId: string): Promise<void>;
  /**
   * Starts a failed, cancelled or dead run again under the same id, from the step where it failed; the dead and cancelled runs it had
   * started go on too. Throws `RUN_NOT_ENDED_BADLY` (conflict) for any other.
   */
  retry(runId: string): Promise<void>;
  /**
   * Starts a new run that does what a run that is done did, and gives its id; while such a one is under way it gives that one's. Throws `RUN_UNKNOWN`, `RUN_NOT_DONE` (conflict) for one that is under way
   * or ended badly, and `RUN_NOT_REPEATABLE` (conflict) where the workflow is not done again by hand.
   */
  rerun(runId: string): Promise<string>;
  /** Newest first. Default limit 100. */
  deadLetters(query?: {
    readonly state?: DeadLetter["state"] | undefined;
    readonly runId?: string | undefined;
    readonly workflow?: string | undefined;
    /** Only those older than this letter. */
    readonly after?: string | undefined;
    readonly limit?: number | undefined;
  }): Promise<readonly DeadLetter[]>;
  /** Throws `DEAD_LETTER_UNKNOWN`. */
  deadLetter(deadLetterId: string): Promise<DeadLetter>;
  /** Runs it again from the step where it failed, or from its start, and gives the run's id. Throws `DEAD_LETTER_SETTLED` when it was before. */
  redrive(deadLetterId: string, options?: { readonly fromStart?: boolean | undefined }): Promise<string>;
  /** Gives it up: the run stays `failed`. */
  drop(deadLetterId: string): Promise<void>;
  /** Those of this process. */
  schedules(): Promise<readonly ScheduleRow[]>;
  /** Starts nothing of it until it is resumed; what would have begun meanwhile is passed over. Throws `missing` `SCHEDULE_UNKNOWN`. */
  pauseSchedule(name: string, word: { readonly by: string; readonly reason?: string | undefined }): Promise<void>;
  /** Goes on with the next tick. Throws `missing` `SCHEDULE_UNKNOWN`. */
  resumeSchedule(name: string): Promise<void>;
  /** Starts its run now, paused or not, beside its ticks; gives the run's id. Throws `missing` `SCHEDULE_UNKNOWN`. */
  runSchedule(name: string): Promise<string>;
  /** True when no run of a queue that is taken from here is queued, running or retrying, and the outbox has been relayed. */
  idle(): Promise<boolean>;
  /** Takes no more work, tells runs to stop, waits for them a bounded time; unfinished runs stay resumable. */
  close(): Promise<void>;
}
