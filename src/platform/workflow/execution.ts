// Execution: one process working at one attempt of a run, from taking it up to its end.
//
// Owns: what an error does to the run. Does not own: its context and steps (run-context.ts), who gives
// it the attempt (engine.ts), the rows (runs.ts).
//   X3. A run's end is written only after all its steps have come to rest, so that a next try never overlaps with this one.
// Concurrency: steps of one run may run side by side; all else happens on the event loop between two awaits.

import { randomUUID } from "node:crypto";
import { describeError, meanings } from "../errors.ts";
import type { ErrorRecord } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import { traced } from "../tracing/spans.ts";
import { asCaller } from "../web/caller.ts";
import type { DeadLetter, WorkflowDefinition } from "./contract.ts";
import type { Attempt } from "./engine.ts";
import { readJson } from "./json.ts";
import { backoff, Interrupted, persist } from "./persist.ts";
import { finalText, isFinal, WorkingRun, type Execution, type ExecutionDeps } from "./run-context.ts";
import { beginRun, deadLetterRun, finishRun, handBackRun, nextTry, deathsOf, recordedSteps } from "./runs.ts";
import type { Begun, DeadRun } from "./runs.ts";

const runDefaults = { tries: 3, backoffMs: 5_000 } as const;

/** `over`: the attempt has ended. `handed-back`: it must stay open, to be put back into the queue. */
export type Ending = "over" | "handed-back";

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
    const recorded = await persist(deps, () => recordedSteps(deps.database, attempt));
    const onMoved = (): void => release?.();
    const run = new WorkingRun(deps, { workflow: definition.name, attempt, token, begun, recorded, onMoved });
    onBegun(run);
    try {
      return await run.listened(undefined, async () => await work(deps, definition, run, begun));
    } finally {
      run.mute();
    }
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

async function work(deps: ExecutionDeps, definition: WorkflowDefinition, run: WorkingRun, begun: Begun): Promise<Ending> {
  const { runId, token } = run;
  // Begun just as the process stopped: nobody else would tell it.
  if (deps.stopping.aborted) run.stop("stopping");

  let end: { readonly kind: "returned"; readonly output: string | undefined } | { readonly kind: "threw"; readonly thrown: unknown };
  try {
    // Whoever asked for it has gone; what it may do is a matter of its own role.
    const output = await asCaller(
      undefined,
      async () =>
        await traced(
          `run ${definition.name}`,
          {
            kind: "consumer",
            parent: begun.trace,
            attributes: { "stockroom.run": runId, "stockroom.try": begun.tries, "stockroom.queue": definition.queue },
          },
          async () => await definition.run(run.context, readJson(begun.input)),
        ),
    );
    end = { kind: "returned", output: output === undefined ? undefined : finalText(output, `the result of ${definition.name}`) };
  } catch (thrown) {
    end = { kind: "threw", thrown };
  }
  await run.rest();
  await deps.runLogs.settle(runId);

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
