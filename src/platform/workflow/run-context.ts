// Run context: what workflow code is handed while one process works at one attempt: its steps, children and pauses.
//
// Owns: replay of what was done before, tries of a step, coming to rest. Does not own: the run's end (execution.ts), the rows (runs.ts).
//   X1. What a step returns is recorded before its caller sees it; what it throws is tried again or recorded as its failure.
//   X2. Told to stop, it gives workflow code nothing but `Interrupted` from then on; the run's end is then not its to write.
// Concurrency: steps of one run may run side by side; all else happens on the event loop between two awaits.

import { setTimeout as pause } from "node:timers/promises";
import { StockroomError, describeError, meanings, reviveError } from "../errors.ts";
import type { ErrorRecord } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import { listenedTo, type Log } from "../log.ts";
import type { Mutex } from "../concurrency/mutex.ts";
import type { Database, Tx } from "../database/contract.ts";
import { traced } from "../tracing/spans.ts";
import type { ChildOutcome, DeadLetter, RunContext, StartOptions, StepOptions } from "./contract.ts";
import { attemptId, type Attempt, type Engine } from "./engine.ts";
import { jsonText, readJson } from "./json.ts";
import { readOutcome } from "./outcomes.ts";
import { backoff, Interrupted, persist, type StopReason } from "./persist.ts";
import type { RunLogs, Speaker } from "./run-log.ts";
import { recordStep, sharesQueue } from "./runs.ts";
import type { Begun, Outcome, Progress, StepRecord } from "./runs.ts";

const stepDefaults = { tries: 4, backoffMs: 1_000 } as const;

/** Mistakes of the workflow's code, the same at every try. */
const finals = new WeakSet<object>();

function final(error: StockroomError): StockroomError {
  finals.add(error);
  return error;
}

export function isFinal(thrown: unknown): boolean {
  return typeof thrown === "object" && thrown !== null && finals.has(thrown);
}

export function finalText(value: unknown, what: string): string {
  try {
    return jsonText(value, what);
  } catch (thrown) {
    throw thrown instanceof StockroomError ? final(thrown) : thrown;
  }
}

/** A recorded result; a step that gave nothing gives nothing again. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the type the step had when it wrote it
function readResult<T>(output: string | undefined): T;
function readResult(output: string | undefined): unknown {
  return output === undefined ? undefined : readJson<unknown>(output);
}

/** What an execution needs of the part. */
export interface ExecutionDeps {
  readonly database: Database;
  readonly engine: Engine;
  readonly executorId: string;
  readonly crashLimit: number;
  readonly log: Log;
  readonly runLogs: RunLogs;
  /** Runs that died before are taken up one at a time, so that the one which kills is alone when it does. */
  readonly suspects: Mutex;
  readonly stopping: AbortSignal;
  startIn(tx: Tx, workflow: string, input: unknown, options: StartOptions & { readonly parent: string | undefined }): Promise<string>;
  outcome(runId: string, signal: AbortSignal): Promise<Outcome>;
  onDead(tx: Tx, letter: DeadLetter): Promise<void>;
  /** Tells those who wait in this process that a run has ended. */
  ended(runId: string): void;
}

export interface Execution {
  readonly runId: string;
  readonly token: string;
  readonly attemptId: string;
  /** True once nothing of it runs any more. */
  over: boolean;
  /** Reported now and then by the part. */
  progressed: Progress | undefined;
  stop(reason: StopReason): void;
}

export interface RunOptions {
  readonly workflow: string;
  readonly attempt: Attempt;
  /** Fences off whoever held the run before. */
  readonly token: string;
  readonly begun: Begun;
  /** What earlier attempts did, by the step's name. */
  readonly recorded: ReadonlyMap<string, { readonly output: string | undefined; readonly error: string | undefined }>;
  /** Told whenever a step has been recorded. */
  readonly onMoved: () => void;
}

/** One attempt's context, from taking the run up until it has come to rest. */
export class WorkingRun implements Execution {
  readonly runId: string;
  readonly token: string;
  /** What workflow code is given; plain, so that it may be taken apart. */
  readonly context: RunContext;
  readonly attemptId: string;
  over = false;
  progressed: Progress | undefined;
  readonly #speaker: Speaker;
  readonly #deps: ExecutionDeps;
  readonly #options: RunOptions;
  readonly #abort = new AbortController();
  readonly #names = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  #stopped: Interrupted | undefined;
  /** Whether workflow code has been given an interruption: what it returns after that is not its true result. */
  #told = false;
  #resting = false;
  #isMute = false;
  #sleeps = 0;

  constructor(deps: ExecutionDeps, options: RunOptions) {
    this.#deps = deps;
    this.#options = options;
    this.runId = options.attempt.runId;
    this.token = options.token;
    this.attemptId = attemptId(options.attempt);
    this.#speaker = { runId: this.runId, token: this.token, tries: options.begun.tries };
    this.context = {
      runId: this.runId,
      attempt: options.begun.crashes,
      signal: this.#signal,
      step: (name, task, wanted) => this.#step(name, task, wanted),
      startChild: (workflow, input, wanted) => this.#startChild(workflow, input, wanted),
      childResult: (child) => this.#childResult(child),
      sleep: (ms) => this.#sleep(ms),
      progress: (done, total, note = "") => {
        this.progressed = { done, total, note };
      },
    };
  }

  get #signal(): AbortSignal {
    return this.#abort.signal;
  }

  #step<T>(name: string, task: (signal: AbortSignal) => Promise<T>, options: StepOptions = {}): Promise<T> {
    return this.#track(async () => {
      this.#claimName(name);
      const known = this.#replay(name);
      if (known !== undefined) return readResult<T>(known.output);
      return await this.listened(name, async () => await this.#perform(name, task, options));
    });
  }

  #startChild(workflow: { readonly name: string }, input: unknown, options: StartOptions): Promise<string> {
    const deps = this.#deps;
    const wanted = { ...options, parent: this.runId };
    return this.#track(() => persist(deps, () => deps.database.transaction((tx) => deps.startIn(tx, workflow.name, input, wanted))));
  }

  #childResult<T>(child: string): Promise<ChildOutcome<T>> {
    return this.#track(async () => {
      const name = `result of ${child}`;
      const known = this.#replay(name);
      if (known !== undefined) return readOutcome<T>(readResult<Outcome>(known.output));
      if (await persist(this.#deps, () => sharesQueue(this.#deps.database, this.runId, child))) throw queueCycle(child);
      const startedAt = Date.now();
      let outcome: Outcome;
      try {
        outcome = await this.#deps.outcome(child, this.#signal);
      } catch (thrown) {
        if (this.#signal.aborted) return this.#interrupt();
        throw thrown;
      }
      // A child that failed may be redriven before this run's next try, so only a success holds for ever.
      await this.#record({
        name,
        lasting: outcome.kind === "done",
        output: JSON.stringify(outcome),
        error: undefined,
        tries: 1,
        startedAt,
      });
      return readOutcome<T>(outcome);
    });
  }

  #sleep(ms: number): Promise<void> {
    this.#sleeps += 1;
    const name = `sleep ${this.#sleeps}`;
    return this.#track(async () => {
      const known = this.#replay(name);
      const startedAt = Date.now();
      const until = known === undefined ? startedAt + ms : readResult<number>(known.output);
      if (known === undefined) await this.#record({ name, lasting: true, output: String(until), error: undefined, tries: 1, startedAt });
      // setTimeout holds at most 2^31 - 1 ms.
      for (let leftMs = until - Date.now(); leftMs > 0; leftMs = until - Date.now()) {
        await pause(Math.min(leftMs, 2_147_483_647), undefined, { signal: this.#signal }).catch(() => undefined);
        if (this.#signal.aborted) this.#interrupt();
      }
    });
  }

  stop(reason: StopReason): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = new Interrupted(reason);
    this.#abort.abort(this.#stopped);
  }

  /** Does a part of the run so that what is logged in it is kept with the run, as of a step or as of what is between steps. */
  async listened<Result>(step: string | undefined, work: () => Promise<Result>): Promise<Result> {
    return await listenedTo((line) => {
      if (!this.#isMute) this.#deps.runLogs.take(this.#speaker, step, line);
    }, work);
  }

  /** Its end is written: what was opened in it and lives on (a connection, a thread) speaks for itself now. */
  mute(): void {
    this.#isMute = true;
  }

  /** Stops what still runs and waits until it has come to rest (X3). */
  async rest(): Promise<void> {
    this.#resting = true;
    if (this.#underWay.size > 0) {
      // Not `stop`: the run has ended by itself, and a step that still returns is recorded.
      this.#abort.abort(new Interrupted("lost"));
      await Promise.allSettled(this.#underWay);
    }
    this.over = true;
  }

  /** Why the end that workflow code came to is not the run's end, if so. */
  interrupted(end: "returned" | "threw"): Interrupted | undefined {
    // A run that returned without having met the stop is as done as any; the fence decides about the rest.
    return end === "returned" && !this.#told ? undefined : this.#stopped;
  }

  #interrupt(): never {
    // While resting nobody listens any more: the run's end stands.
    if (!this.#resting) this.#told = true;
    throw this.#stopped ?? new Interrupted("lost");
  }

  /** Keeps count of what is under way, so that the run can come to rest. */
  async #track<T>(doing: () => Promise<T>): Promise<T> {
    if (this.#stopped !== undefined || this.#resting) return this.#interrupt();
    const promise = doing();
    this.#underWay.add(promise);
    try {
      return await promise;
    } finally {
      this.#underWay.delete(promise);
    }
  }

  #claimName(name: string): void {
    if (name.length === 0 || name.length > 200) {
      throw final(
        new StockroomError(
          "fault",
          "WORKFLOW_STEP_NAME",
          `Expected a step name of 1 to 200 characters but came ${name.length}. Name it after what it does.`,
        ),
      );
    }
    if (this.#names.has(name)) {
      throw final(
        new StockroomError(
          "fault",
          "WORKFLOW_STEP_TWICE",
          `Expected every step of ${this.#options.workflow} to have a name of its own but "${name}" came twice. Add what tells them apart, e.g. its number.`,
          { facts: { step: name } },
        ),
      );
    }
    this.#names.add(name);
  }

  /** The recorded end of a step, as the undisturbed run saw it; undefined when it has yet to be done. */
  #replay(name: string): { readonly output: string | undefined } | undefined {
    const known = this.#options.recorded.get(name);
    if (known?.error !== undefined) throw reviveError(readJson<ErrorRecord>(known.error));
    return known;
  }

  async #record(step: StepRecord): Promise<void> {
    let ours: boolean;
    try {
      ours = await persist(this.#deps, () => recordStep(this.#deps.database, this.#options.attempt, this.token, step));
    } catch (thrown) {
      if (thrown instanceof Interrupted) this.stop(thrown.reason);
      if (this.#stopped !== undefined) return this.#interrupt();
      throw thrown;
    }
    if (!ours) {
      this.stop("lost");
      this.#interrupt();
    }
    this.#options.onMoved();
  }

  async #perform<T>(name: string, task: (signal: AbortSignal) => Promise<T>, options: StepOptions): Promise<T> {
    const startedAt = Date.now();
    faultPoint("workflow.step.before");
    for (let tries = 1; ; tries++) {
      let value: T;
      try {
        const attributes = { "stockroom.run": this.runId, "stockroom.try": tries };
        value = await traced(`step ${name}`, { attributes }, async () => await tryOnce(name, task, this.#signal, options.timeoutMs));
      } catch (thrown) {
        if (await this.#triesAgain(name, thrown, tries, options)) continue;
        return await this.#fail(name, thrown, tries, startedAt);
      }
      faultPoint(`${this.#options.workflow}.${name}`);
      const output = value === undefined ? undefined : finalText(value, `the result of step "${name}"`);
      faultPoint("workflow.step.done");
      await this.#record({ name, lasting: true, output, error: undefined, tries, startedAt });
      faultPoint("workflow.step.recorded");
      return readResult<T>(output);
    }
  }

  /** Whether a step that threw is to be tried once more, after its pause. Throws where the run itself has ended. */
  async #triesAgain(name: string, thrown: unknown, tries: number, options: StepOptions): Promise<boolean> {
    if (this.#stopped !== undefined || thrown instanceof Interrupted) this.#interrupt();
    // The run has failed elsewhere and this step was told to stop: not a failure of its own.
    if (this.#resting) throw thrown;
    const error = describeError(thrown);
    if (tries >= (options.tries ?? stepDefaults.tries) || !meanings[error.kind].retry || isFinal(thrown)) return false;
    this.#deps.log.info("a step is tried again", { runId: this.runId, step: name, attempt: tries, error });
    const pauseMs = backoff(options.backoffMs ?? stepDefaults.backoffMs, tries);
    await pause(pauseMs, undefined, { signal: this.#signal }).catch(() => undefined);
    if (this.#isStopped()) this.#interrupt();
    if (this.#isResting()) throw thrown;
    return true;
  }

  /** As methods, because both may change in a pause, which the compiler does not see. */
  #isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  #isResting(): boolean {
    return this.#resting;
  }

  async #fail(name: string, thrown: unknown, tries: number, startedAt: number): Promise<never> {
    const error = describeError(thrown);
    await this.#record({ name, lasting: false, output: undefined, error: JSON.stringify(error), tries, startedAt });
    const revived = reviveError(error);
    // For the log only; everything else equals what a resumed run would be thrown.
    revived.cause = thrown;
    throw revived;
  }
}

async function tryOnce<T>(
  name: string,
  task: (signal: AbortSignal) => Promise<T>,
  stop: AbortSignal,
  timeoutMs: number | undefined,
): Promise<T> {
  if (timeoutMs === undefined) return await task(stop);
  const late = new AbortController();
  const timer = new AbortController();
  try {
    return await Promise.race([
      task(AbortSignal.any([stop, late.signal])),
      pause(timeoutMs, undefined, { signal: timer.signal }).then(() => {
        const error = new StockroomError(
          "busy",
          "WORKFLOW_STEP_TIMEOUT",
          `Expected step "${name}" to end within ${timeoutMs} ms but it did not. It is tried again; raise its timeoutMs if that is its nature.`,
          { facts: { step: name, timeoutMs } },
        );
        late.abort(error);
        throw error;
      }),
    ]);
  } finally {
    timer.abort();
  }
}

function queueCycle(child: string): StockroomError {
  return final(
    new StockroomError(
      "fault",
      "WORKFLOW_QUEUE_CYCLE",
      `Expected ${child} to use another queue than the runs that wait for it, but it shares one. Two such could wait for each other for ever; give it a queue of its own.`,
      { facts: { child } },
    ),
  );
}
