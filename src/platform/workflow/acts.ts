// Acts: what a person does to runs and dead letters, one or many at once, with a word that stays: an event of who did it and why.
//
//   A1. One that cannot be done keeps nothing else from being done; it comes back with its error.
//   A2. The word is kept when the act is done. A process that dies between them leaves the act without its word, never a word without its act.

import { describeError, isStockroomError, type ErrorRecord } from "../errors.ts";
import type { Tx } from "../database/contract.ts";
import { appendEvent } from "../database/outbox.ts";
import type { Workflows } from "./contract.ts";

export const acts = ["cancel", "retry", "rerun", "redrive", "drop"] as const;
export type Act = (typeof acts)[number];

/** Whose word it is, and why. */
export interface Word {
  readonly by: string;
  readonly reason?: string | undefined;
}

export interface ActDeps {
  readonly database: Tx;
  readonly workflows: Pick<Workflows, Act>;
}

const kinds = {
  cancel: "run.cancelled",
  retry: "run.retried",
  rerun: "run.rerun",
  redrive: "dead.redriven",
  drop: "dead.dropped",
} as const satisfies Record<Act, string>;

/**
 * Does one, to a run (`cancel`, `retry`, `rerun`) or a dead letter; gives the id of the new run after `rerun`, of the letter's after `redrive`, else `id`.
 * Throws what the act throws.
 */
export async function actOn({ database, workflows }: ActDeps, act: Act, id: string, { by, reason }: Word): Promise<string> {
  const of = (await workflows[act](id)) ?? id;
  await appendEvent(database, {
    kind: kinds[act],
    subject: id,
    data: { by, ...(reason === undefined ? {} : { reason }), ...(act === "rerun" ? { run: of } : {}) },
  });
  return of;
}

export interface ActedOnMany {
  readonly done: readonly string[];
  readonly failed: readonly { readonly id: string; readonly error: ErrorRecord }[];
}

/** Does it to each. Throws only what is a fault, or what `signal` was aborted with; what was done by then stays done. */
export async function actOnMany(deps: ActDeps, act: Act, ids: readonly string[], word: Word, signal: AbortSignal): Promise<ActedOnMany> {
  const done: string[] = [];
  const failed: { id: string; error: ErrorRecord }[] = [];
  for (const id of new Set(ids)) {
    signal.throwIfAborted();
    try {
      await actOn(deps, act, id, word);
      done.push(id);
    } catch (error) {
      if (!isStockroomError(error) || error.kind === "fault") throw error;
      failed.push({ id, error: describeError(error) });
    }
  }
  return { done, failed };
}
