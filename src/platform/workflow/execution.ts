// Execution: one process working at one attempt of a run, from taking it up to its end.
//
// Owns: the run's context, steps and their tries, what an error does to the run. Does not own: who gives it the attempt (engine), the rows (runs).
//   X1. What a step returns is recorded before its caller sees it; what it throws is tried again or recorded as its failure.
//   X2. An execution told to stop gives workflow code nothing but `Interrupted` from then on; the run's end is then not its to write.
//   X3. A run's end is written only after all its steps have come to rest, so that a next try never overlaps with this one.
// Concurrency: steps of one run may run side by side; all else happens on the event loop between two awaits.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { StockroomError, describeError, isStockroomError, meanings, reviveError } from "../errors.ts";
import type { ErrorRecord } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import type { Log } from "../log.ts";
import type { Database, Tx } from "../database/contract.ts";
import type { DeadLetter, RunContext, StartOptions, StepOptions, WorkflowDefinition } from "./contract.ts";
import { attemptId } from "./engine.ts";
import type { Engine, Attempt } from "./engine.ts";
import { jsonText, readJson } from "./json.ts";
import { readOutcome } from "./outcomes.ts";
import { beginRun, deadLetterRun, finishRun, handBackRun, nextTry, deathsOf, recordStep, recordedSteps, sharesQueue } from "./runs.ts";
import type { Begun, DeadRun, Outcome, Progress, StepRecord } from "./runs.ts";
import type { Mutex } from "../concurrency/mutex.ts";

const stepDefaults = { tries: 4, backoffMs: 1_000 } as const;
const runDefaults = { tries: 3, backoffMs: 5_000 } as const;
const maxBackoffMs = 60_000;

export type StopReason = "stopping" | "cancelled" | "lost";

/** Thrown into workflow code that must not go on here. It is no failure of the run. */
export class Interrupted extends Error {
  override readonly name = "AbortError";
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(`The run was interrupted: ${reason}.`);
    this.reason = reason;
  }
}

/** What an execution needs of the part. */
export interface ExecutionDeps {
  readonly database: Database;
  readonly engine: Engine;
  readonly executorId: string;
  readonly crashLimit: number;
  readonly log: Log;
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
  progress: Progress | undefined;
  stop(reason: StopReason): void;
}

/** `over`: the attempt has ended. `handed-back`: it must stay open, to be put back into the queue. */
export type Ending = "over" | "handed-back";

/**
 * Repeats `work` while the database cannot be reached, however long that takes; what a run has done is worth the wait.
 * Gives up with `Interrupted` once the process stops.
 */
export async function persist<T>(deps: Pick<ExecutionDeps, "stopping" | "log">, work: () => Promise<T>): Promise<T> {
  for (let waitMs = 25; ; waitMs = Math.min(waitMs * 2, 2_000)) {
    try {
      return await work();
    } catch (thrown) {
      // Only the records' own: a busy subscriber or hook is not the database being away.
      if (!isStockroomError(thrown) || thrown.kind !== "busy" || !thrown.code.startsWith("RECORDS_")) throw thrown;
      if (deps.stopping.aborted) throw new Interrupted("stopping");
      deps.log.debug("waiting for the database", { error: thrown });
      await pause(waitMs * (0.5 + Math.random() / 2), undefined, { signal: deps.stopping }).catch(() => undefined);
    }
  }
}

/** Pause before the try that follows `attempt`: doubling, and half of it random, so that those who failed together do not return together. */
export function backoff(firstMs: number, attempt: number, random: () => number = Math.random): number {
  return Math.min(firstMs * 2 ** (attempt - 1), Math.max(maxBackoffMs, firstMs)) * (0.5 + random() / 2);
}

/** Takes an attempt up and works at it to its end. Never rejects but for a bug of this part. */
export async function execute(
  deps: ExecutionDeps,
  definition: WorkflowDefinition,
  attempt: Attempt,
  onBegun: (execution: Execution) => void,
): Promise<Ending> {
  const limit = definition.crashLimit ?? deps.crashLimit;
  const token = randomUUID();
  let release: (() => void) | undefined;
  try {
    // The common case costs one statement: a run that never died.
    let begun = await persist(deps, () => beginRun(deps.database, attempt, token, deps.executorId, Math.max(1, limit - 1)));
    if (begun === undefined) {
      const deaths = await persist(deps, () => deathsOf(deps.database, attempt, token));
      // Cancelled, ended elsewhere, or an attempt that another has replaced.
      if (deaths === undefined) return "over";
      if (deaths >= limit) {
        await toDeadLetter(deps, attempt.runId, { kind: "crashed", attempt: attempt.number }, crashRecord(deaths));
        return "over";
      }
      release = await deps.suspects.enter(deps.stopping);
      begun = await persist(deps, () => beginRun(deps.database, attempt, token, deps.executorId, limit));
      if (begun === undefined) return "over";
    }
    faultPoint("workflow.run.begun");
    return await work(deps, definition, attempt, token, begun, onBegun, () => release?.());
  } catch (thrown) {
    if (thrown instanceof Interrupted) return "handed-back";
    throw thrown;
  } finally {
    release?.();
  }
}

function crashRecord(deaths: number): ErrorRecord {
  return {
    kind: "fault",
    code: "WORKFLOW_CRASHED",
    message: `Expected the run to get past its next step but its process died ${deaths} times under it. See the log of the processes, then redrive it.`,
    facts: { deaths },
  };
}

async function toDeadLetter(deps: ExecutionDeps, runId: string, deadRun: DeadRun, error: ErrorRecord): Promise<void> {
  const attempt = (tell: boolean): Promise<DeadLetter | undefined> =>
    persist(deps, () =>
      deps.database.transaction(async (tx) => {
        const letter = await deadLetterRun(tx, runId, deadRun, error);
        if (letter !== undefined && tell) await deps.onDead(tx, letter);
        return letter;
      }),
    );
  let letter: DeadLetter | undefined;
  try {
    letter = await attempt(true);
  } catch (thrown) {
    if (thrown instanceof Interrupted) throw thrown;
    // A hook that fails must not keep a dead run among the living.
    deps.log.error("the dead-letter hook failed", { runId, error: thrown });
    letter = await attempt(false);
  }
  faultPoint("workflow.dead.recorded");
  if (letter === undefined) return;
  deps.log.warn("a run became a dead letter", { runId, deadLetter: letter.id, workflow: letter.workflow, error: letter.error });
  deps.ended(runId);
}

async function work(
  deps: ExecutionDeps,
  definition: WorkflowDefinition,
  attempt: Attempt,
  token: string,
  begun: Begun,
  onBegun: (execution: Execution) => void,
  moved: () => void,
): Promise<Ending> {
  const { runId } = attempt;
  const recorded = await persist(deps, () => recordedSteps(deps.database, attempt));
  const run = openRun(deps, definition, attempt, token, begun, recorded, moved);
  onBegun(run.execution);
  // Begun just as the process stopped: nobody else would tell it.
  if (deps.stopping.aborted) run.execution.stop("stopping");

  let end: { readonly kind: "returned"; readonly output: string | undefined } | { readonly kind: "threw"; readonly thrown: unknown };
  try {
    const output = await definition.run(run.context, readJson(begun.input));
    end = { kind: "returned", output: output === undefined ? undefined : finalText(output, `the result of ${definition.name}`) };
  } catch (thrown) {
    end = { kind: "threw", thrown };
  }
  await run.rest();
  run.execution.over = true;

  const interrupted = run.interrupted(end.kind);
  if (interrupted !== undefined) {
    if (interrupted.reason !== "stopping") return "over";
    try {
      await handBackRun(deps.database, runId, token);
    } catch (thrown) {
      // Its next begin will count as a crash; that is all that is lost.
      deps.log.warn("a run could not be handed back", { runId, error: thrown });
    }
    return "handed-back";
  }

  if (end.kind === "returned") {
    const { output } = end;
    faultPoint("workflow.run.done");
    const ours = await persist(deps, () => finishRun(deps.database, runId, token, output));
    faultPoint("workflow.run.recorded");
    if (ours) deps.ended(runId);
    return "over";
  }

  const error = describeError(end.thrown);
  const tries = definition.tries ?? runDefaults.tries;
  if (!meanings[error.kind].retry || isFinal(end.thrown) || begun.tries >= tries) {
    await toDeadLetter(deps, runId, { kind: "held", token }, error);
    return "over";
  }
  deps.log.info("a run is tried again", { runId, workflow: definition.name, tries: begun.tries, error });
  const delayMs = backoff(definition.backoffMs ?? runDefaults.backoffMs, begun.tries);
  await persist(deps, () =>
    deps.database.transaction(async (tx) => {
      const next = await nextTry(tx, runId, token, error);
      if (next === undefined) return;
      await deps.engine.enqueue(
        tx,
        { runId, number: next },
        { workflow: definition.name, queue: definition.queue, priority: begun.priority, delayMs },
      );
    }),
  );
  faultPoint("workflow.retry.recorded");
  return "over";
}

/** Mistakes of the workflow's code, the same at every try. */
const finals = new WeakSet<object>();

function final(error: StockroomError): StockroomError {
  finals.add(error);
  return error;
}

function isFinal(thrown: unknown): boolean {
  return typeof thrown === "object" && thrown !== null && finals.has(thrown);
}

function finalText(value: unknown, what: string): string {
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

interface OpenRun {
  readonly context: RunContext;
  readonly execution: Execution;
  /** Stops what still runs and waits until it has come to rest (X3). */
  rest(): Promise<void>;
  /** Why the end that workflow code came to is not the run's end, if so. */
  interrupted(end: "returned" | "threw"): Interrupted | undefined;
}

function openRun(
  deps: ExecutionDeps,
  definition: WorkflowDefinition,
  attempt: Attempt,
  token: string,
  begun: Begun,
  recorded: ReadonlyMap<string, { readonly output: string | undefined; readonly error: string | undefined }>,
  moved: () => void,
): OpenRun {
  const { runId } = attempt;
  const abort = new AbortController();
  const names = new Set<string>();
  const underWay = new Set<Promise<unknown>>();
  let stopped: Interrupted | undefined;
  // Whether workflow code has been given an interruption: what it returns after that is not its true result.
  let told = false;
  let resting = false;
  let sleeps = 0;

  const stop = (reason: StopReason): void => {
    if (stopped !== undefined) return;
    stopped = new Interrupted(reason);
    abort.abort(stopped);
  };

  const interrupt = (): never => {
    // While resting nobody listens any more: the run's end stands.
    if (!resting) told = true;
    throw stopped ?? new Interrupted("lost");
  };

  const claimName = (name: string): void => {
    if (name.length === 0 || name.length > 200) {
      throw final(
        new StockroomError(
          "fault",
          "WORKFLOW_STEP_NAME",
          `Expected a step name of 1 to 200 characters but came ${name.length}. Name it after what it does.`,
        ),
      );
    }
    if (names.has(name)) {
      throw final(
        new StockroomError(
          "fault",
          "WORKFLOW_STEP_TWICE",
          `Expected every step of ${definition.name} to have a name of its own but "${name}" came twice. Add what tells them apart, e.g. its number.`,
          { facts: { step: name } },
        ),
      );
    }
    names.add(name);
  };

  const record = async (step: StepRecord): Promise<void> => {
    let ours: boolean;
    try {
      ours = await persist(deps, () => recordStep(deps.database, attempt, token, step));
    } catch (thrown) {
      if (thrown instanceof Interrupted) stop(thrown.reason);
      if (stopped !== undefined) return interrupt();
      throw thrown;
    }
    if (!ours) {
      stop("lost");
      interrupt();
    }
    moved();
  };

  /** The recorded end of a step, as the undisturbed run saw it; undefined when it has yet to be done. */
  const replay = (name: string): { readonly output: string | undefined } | undefined => {
    const known = recorded.get(name);
    if (known?.error !== undefined) throw reviveError(readJson<ErrorRecord>(known.error));
    return known;
  };

  const perform = async <T>(name: string, task: (signal: AbortSignal) => Promise<T>, options: StepOptions): Promise<T> => {
    const tries = options.tries ?? stepDefaults.tries;
    const startedAt = Date.now();
    faultPoint("workflow.step.before");
    for (let attempt = 1; ; attempt++) {
      let value: T;
      try {
        value = await tryOnce(name, task, options.timeoutMs);
      } catch (thrown) {
        if (stopped !== undefined || thrown instanceof Interrupted) return interrupt();
        // The run has failed elsewhere and this step was told to stop: not a failure of its own.
        if (resting) throw thrown;
        const error = describeError(thrown);
        if (attempt < tries && meanings[error.kind].retry && !isFinal(thrown)) {
          deps.log.debug("a step is tried again", { runId, step: name, attempt, error });
          await pause(backoff(options.backoffMs ?? stepDefaults.backoffMs, attempt), undefined, { signal: abort.signal }).catch(
            () => undefined,
          );
          if (stopped !== undefined) return interrupt();
          if (resting) throw thrown;
          continue;
        }
        await record({ name, lasting: false, output: undefined, error: JSON.stringify(error), tries: attempt, startedAt });
        const revived = reviveError(error);
        // For the log only; everything else equals what a resumed run would be thrown.
        revived.cause = thrown;
        throw revived;
      }
      faultPoint(`${definition.name}.${name}`);
      const output = value === undefined ? undefined : finalText(value, `the result of step "${name}"`);
      faultPoint("workflow.step.done");
      await record({ name, lasting: true, output, error: undefined, tries: attempt, startedAt });
      faultPoint("workflow.step.recorded");
      return readResult<T>(output);
    }
  };

  const tryOnce = async <T>(name: string, task: (signal: AbortSignal) => Promise<T>, timeoutMs: number | undefined): Promise<T> => {
    if (timeoutMs === undefined) return task(abort.signal);
    const late = new AbortController();
    const timer = new AbortController();
    const signal = AbortSignal.any([abort.signal, late.signal]);
    try {
      return await Promise.race([
        task(signal),
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
  };

  /** Keeps count of what is under way, so that the run can come to rest. */
  const track = async <T>(doing: () => Promise<T>): Promise<T> => {
    if (stopped !== undefined || resting) return interrupt();
    const promise = doing();
    underWay.add(promise);
    try {
      return await promise;
    } finally {
      underWay.delete(promise);
    }
  };

  const execution: Execution = { runId, token, attemptId: attemptId(attempt), over: false, progress: undefined, stop };

  const context: RunContext = {
    runId,
    attempt: begun.crashes,
    signal: abort.signal,
    step: <T>(name: string, task: (signal: AbortSignal) => Promise<T>, options: StepOptions = {}) =>
      track(async () => {
        claimName(name);
        const known = replay(name);
        return known === undefined ? perform(name, task, options) : readResult<T>(known.output);
      }),
    startChild: (workflow, input, options) =>
      track(() =>
        persist(deps, () => deps.database.transaction((tx) => deps.startIn(tx, workflow.name, input, { ...options, parent: runId }))),
      ),
    childResult: <T>(child: string) =>
      track(async () => {
        const name = `result of ${child}`;
        const known = replay(name);
        if (known !== undefined) return readOutcome<T>(readResult<Outcome>(known.output));
        if (await persist(deps, () => sharesQueue(deps.database, runId, child))) {
          throw final(
            new StockroomError(
              "fault",
              "WORKFLOW_QUEUE_CYCLE",
              `Expected ${child} to use another queue than the runs that wait for it, but it shares one. Two such could wait for each other for ever; give it a queue of its own.`,
              { facts: { child } },
            ),
          );
        }
        const startedAt = Date.now();
        let outcome: Outcome;
        try {
          outcome = await deps.outcome(child, abort.signal);
        } catch (thrown) {
          if (abort.signal.aborted) return interrupt();
          throw thrown;
        }
        // A child that failed may be redriven before this run's next try, so only a success holds for ever.
        await record({ name, lasting: outcome.kind === "done", output: JSON.stringify(outcome), error: undefined, tries: 1, startedAt });
        return readOutcome<T>(outcome);
      }),
    sleep: (ms) => {
      sleeps += 1;
      const name = `sleep ${sleeps}`;
      return track(async () => {
        const known = replay(name);
        const startedAt = Date.now();
        const until = known === undefined ? startedAt + ms : readResult<number>(known.output);
        if (known === undefined) await record({ name, lasting: true, output: String(until), error: undefined, tries: 1, startedAt });
        // setTimeout holds at most 2^31 - 1 ms.
        for (let leftMs = until - Date.now(); leftMs > 0; leftMs = until - Date.now()) {
          await pause(Math.min(leftMs, 2_147_483_647), undefined, { signal: abort.signal }).catch(() => undefined);
          if (abort.signal.aborted) interrupt();
        }
      });
    },
    progress: (done, total, note = "") => {
      execution.progress = { done, total, note };
    },
  };

  return {
    context,
    execution,
    rest: async () => {
      resting = true;
      if (underWay.size === 0) return;
      // Not `stop`: the run has ended by itself, and a step that still returns is recorded.
      abort.abort(new Interrupted("lost"));
      await Promise.allSettled(underWay);
    },
    interrupted: (end) => {
      if (stopped === undefined) return undefined;
      // A run that returned without having met the stop is as done as any; the fence decides about the rest.
      return end === "returned" && !told ? undefined : stopped;
    },
  };
}
