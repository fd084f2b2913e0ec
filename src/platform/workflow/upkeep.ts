// Upkeep: what a working process does again and again beside the runs: runs without an attempt, old rows.

import { setTimeout as pause } from "node:timers/promises";
import type { Log } from "../log.ts";
import type { Database } from "../database/contract.ts";
import type { Engine } from "./engine.ts";
import { forgetRuns, renewAttempts } from "./runs.ts";

const dayMs = 86_400_000;
/** What one statement of a sweep takes at most. */
const sweepRows = 2_000;

export interface UpkeepDeps {
  readonly database: Database;
  readonly engine: Engine;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Does `work` every `ms` until the signal aborts; what fails is tried again the next time. */
export async function every(
  { log, signal }: Pick<UpkeepDeps, "log" | "signal">,
  ms: number,
  what: string,
  work: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    await pause(ms, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await work();
    } catch (thrown) {
      log.debug(`${what} failed; it is tried again`, { error: thrown });
    }
  }
}

/** A run that waits for an attempt which is not there (the engine's tables were restored, or repaired by hand) gets a new one. */
export async function requeueRuns({ database, engine, log }: UpkeepDeps): Promise<void> {
  await database.transaction(async (tx) => {
    for (const { id, attempt, workflow, queue, priority } of await renewAttempts(tx, 60_000)) {
      log.warn("a run had lost its place in the queue; it is put there again", { runId: id });
      await engine.enqueue(tx, { runId: id, number: attempt }, { workflow, queue, priority });
    }
  });
}

/** Removes runs that ended more than `keepDays` ago, and what the engine kept of attempts that ended more than `attemptMs` ago. */
export async function forgetOld({ database, engine, signal }: UpkeepDeps, keepDays: number, attemptMs: number): Promise<void> {
  while ((await engine.sweepAttempts(attemptMs)) >= sweepRows && !signal.aborted);
  while ((await forgetRuns(database, keepDays * dayMs)) >= sweepRows && !signal.aborted);
}
