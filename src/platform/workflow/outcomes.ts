// Outcomes: waiting for runs to end, in whichever process they end.
//
// One statement asks for all that are waited for, so that a parent of sixty children costs no more than a parent of one.

import { setTimeout as pause } from "node:timers/promises";
import { StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Database } from "../database/contract.ts";
import type { ChildOutcome } from "./contract.ts";
import { readJson } from "./json.ts";
import { readOutcomes } from "./runs.ts";
import type { Outcome } from "./runs.ts";

const lookMs = 200;

export interface Outcomes {
  /** Throws `RUN_UNKNOWN` (missing), or the signal's reason. */
  wait(runId: string, signal: AbortSignal): Promise<Outcome>;
  /** Looks soon: a run of this process has ended. */
  ended(runId: string): void;
}

interface Waiter {
  resolve(outcome: Outcome): void;
  reject(reason: unknown): void;
}

/** Makes the one watcher of a process. */
export function makeOutcomes(database: Database, log: Log): Outcomes {
  const waiting = new Map<string, Set<Waiter>>();
  let looking = false;
  let wake = new AbortController();

  const look = async (): Promise<void> => {
    while (waiting.size > 0) {
      wake = new AbortController();
      const ids = [...waiting.keys()];
      try {
        const outcomes = await readOutcomes(database, ids);
        for (const id of ids) {
          const waiters = waiting.get(id);
          if (waiters === undefined) continue;
          const outcome = outcomes.get(id);
          if (outcome === undefined && outcomes.has(id)) continue;
          waiting.delete(id);
          for (const waiter of waiters) {
            if (outcome !== undefined) waiter.resolve(outcome);
            else waiter.reject(unknownRun(id));
          }
        }
      } catch (thrown) {
        log.debug("could not look for the ends of runs; it is tried again", { error: thrown });
      }
      if (waiting.size > 0) await pause(lookMs, undefined, { signal: wake.signal }).catch(() => undefined);
    }
    looking = false;
  };

  return {
    wait: (runId, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        const set = waiting.get(runId) ?? new Set<Waiter>();
        waiting.set(runId, set);
        const leave = (): void => {
          signal.removeEventListener("abort", onAbort);
        };
        const waiter: Waiter = {
          resolve: (outcome) => {
            leave();
            resolve(outcome);
          },
          reject: (reason) => {
            leave();
            reject(reason);
          },
        };
        const onAbort = (): void => {
          set.delete(waiter);
          if (set.size === 0 && waiting.get(runId) === set) waiting.delete(runId);
          leave();
          reject(signal.reason);
        };
        signal.addEventListener("abort", onAbort, { once: true });
        set.add(waiter);
        if (looking) wake.abort();
        else {
          looking = true;
          void look();
        }
      }),
    ended: (runId) => {
      if (waiting.has(runId)) wake.abort();
    },
  };
}

/** The outcome as callers see it. A run without a result is done without a value. */
export function readOutcome<T>(outcome: Outcome): ChildOutcome<T>;
export function readOutcome(outcome: Outcome): { readonly kind: Outcome["kind"]; readonly value?: unknown } {
  if (outcome.kind !== "done") return outcome;
  // Without the key rather than with undefined, so that an outcome may be part of a step's result.
  return outcome.output === undefined ? { kind: "done" } : { kind: "done", value: readJson<unknown>(outcome.output) };
}

export function unknownRun(runId: string): StockroomError {
  return new StockroomError("missing", "RUN_UNKNOWN", `Expected a run with the id "${runId}" but there is none. See \`stockroom runs\`.`, {
    facts: { runId },
  });
}
