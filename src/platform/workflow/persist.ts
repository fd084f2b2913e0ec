// Persist: outlasting an outage of the database, and the one way in which work at a run is told to stop.

import { setTimeout as pause } from "node:timers/promises";
import { isStockroomError } from "../errors.ts";
import type { Log } from "../log.ts";

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

/**
 * Repeats `work` while the database cannot be reached, however long that takes; what a run has done is worth the wait.
 * Gives up with `Interrupted` once the process stops.
 */
export async function persist<T>(deps: { readonly stopping: AbortSignal; readonly log: Log }, work: () => Promise<T>): Promise<T> {
  for (let waitMs = 25; ; waitMs = Math.min(waitMs * 2, 2_000)) {
    try {
      return await work();
    } catch (thrown) {
      // Only the database's own: a busy subscriber or hook is not the database being away.
      if (!isStockroomError(thrown) || thrown.kind !== "busy" || !thrown.code.startsWith("RECORDS_")) throw thrown;
      if (deps.stopping.aborted) throw new Interrupted("stopping");
      deps.log.debug("waiting for the database", { error: thrown });
      await pause(waitMs * (0.5 + Math.random() / 2), undefined, { signal: deps.stopping }).catch(() => undefined);
    }
  }
}

/** Pause before the try that follows `tries`: doubling, and half of it random, so that those who failed together do not return together. */
export function backoff(firstMs: number, tries: number, random: () => number = Math.random): number {
  return Math.min(firstMs * 2 ** (tries - 1), Math.max(maxBackoffMs, firstMs)) * (0.5 + random() / 2);
}
