// Workflow: durable runs on DBOS Transact. A run survives kill -9 and goes on at the step where it stood.
//
// Owns: definitions, queues, runs, schedules, retries, dead letters, executor liveness, the sweep, the crash counter.
// Does not own: what runs do; who starts them on an event (events).
//   W1. A run's id is its identity: starting it twice is starting it once.
//   W2. A step's result is on disk before the next step begins; steps give back references, never data.
//   W3. A run that fails its tries, or whose process dies under it N times, becomes a dead letter: kept, listed, told, redrivable.
//   W4. Workflow code between steps is deterministic: no clock, no randomness, no I/O outside `step`.
//   W5. A dead executor's runs go on elsewhere after its liveness lock is missed several times; a live one's never do.

import type { ErrorRecord } from "../errors.ts";

/** JSON values only. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface StepOptions {
  /** Tries in all, the first included. Default 4. Errors whose kind is not worth a retry (see `meanings`) stop at once. */
  readonly tries?: number;
  /** First pause; doubles each time, with jitter. Default 1,000. */
  readonly backoffMs?: number;
  readonly timeoutMs?: number;
}

/** What a run sees of the house. */
export interface RunContext {
  readonly runId: string;
  /** How often this run has been started anew after a crash of its process; 0 the first time. */
  readonly attempt: number;
  /** Aborts on cancel and on shutdown. */
  readonly signal: AbortSignal;
  /** Runs `work` once; after a crash its recorded result is given back instead. `name` is stable and unique within the run. */
  step<T>(name: string, work: (signal: AbortSignal) => Promise<T>, options?: StepOptions): Promise<T>;
  /** Starts another run (durably) and gives its id at once; `await childResult(id)` waits for it. */
  startChild<Input extends Json>(workflow: WorkflowDefinition<Input>, input: Input, options: StartOptions): Promise<string>;
  childResult<T>(runId: string): Promise<ChildOutcome<T>>;
  /** Durable sleep. */
  sleep(ms: number): Promise<void>;
  /** Shown by `stockroom runs show` and the console; not durable. */
  progress(done: number, total: number, note?: string): void;
}

export type ChildOutcome<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "failed"; readonly error: ErrorRecord }
  | { readonly kind: "cancelled" };

export interface WorkflowDefinition<Input extends Json = Json, Output = Json | void> {
  /** `wing.verb`, unique in the house, stable: runs on disk name it. */
  readonly name: string;
  readonly queue: string;
  readonly run: (context: RunContext, input: Input) => Promise<Output>;
  /** Tries of the whole run, the first included, before the dead letters. Default 3; with backoff. */
  readonly tries?: number;
  /** Deaths of the process under this run before the dead letters. Default 3. */
  readonly crashLimit?: number;
  /** In plain words for lists: "train GB-WEEE on classify/labelled/GBR/june.csv". */
  readonly title?: (input: Input) => string;
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

export interface StartOptions {
  /** The run's identity (W1). */
  readonly id: string;
  /** Lower first. Default 100. */
  readonly priority?: number;
}

export type RunState = "queued" | "running" | "retrying" | "done" | "failed" | "cancelled" | "dead";

export interface RunRow {
  readonly id: string;
  readonly workflow: string;
  readonly title: string;
  readonly state: RunState;
  readonly queue: string;
  readonly tries: number;
  readonly crashes: number;
  readonly executor: string | undefined;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly error: ErrorRecord | undefined;
  readonly progress: { readonly done: number; readonly total: number; readonly note: string } | undefined;
  readonly parent: string | undefined;
}

export interface RunDetail extends RunRow {
  readonly input: Json;
  readonly output: Json | undefined;
  readonly steps: readonly {
    readonly name: string;
    readonly startedAt: string | undefined;
    readonly endedAt: string | undefined;
    readonly error: string | undefined;
  }[];
}

export interface DeadLetter {
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

export interface Workflows {
  /** Starts (enqueues) a run. The same id again is harmless and gives the same id back. */
  start<Input extends Json>(workflow: WorkflowDefinition<Input> | string, input: Input, options: StartOptions): Promise<string>;
  /** Waits until the run is done, failed, cancelled or dead. */
  outcome<T = Json>(runId: string, options?: { readonly timeoutMs?: number }): Promise<ChildOutcome<T>>;
  list(query?: { readonly state?: RunState; readonly workflow?: string; readonly limit?: number }): Promise<readonly RunRow[]>;
  show(runId: string): Promise<RunDetail>;
  cancel(runId: string): Promise<void>;
  /** Starts a failed, cancelled or dead run again under the same id, from the step where it failed. */
  retry(runId: string): Promise<void>;
  deadLetters(query?: { readonly state?: DeadLetter["state"]; readonly limit?: number }): Promise<readonly DeadLetter[]>;
  redrive(deadLetterId: string): Promise<string>;
  drop(deadLetterId: string): Promise<void>;
  schedules(): Promise<readonly (ScheduleDefinition & { readonly lastAt: string | undefined; readonly nextAt: string })[]>;
  /** True when no run is queued, running or retrying, and the outbox has been relayed. */
  idle(): Promise<boolean>;
  close(): Promise<void>;
}
