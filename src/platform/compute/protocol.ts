// Protocol: what passes between the pool and its threads. Plain data, one envelope a task, one reply.

import type { MessagePort } from "node:worker_threads";
import type { ErrorRecord } from "../errors.ts";

export interface Envelope {
  /** File URL of the task's module. */
  readonly module: string;
  readonly name: string;
  readonly input: unknown;
  /** Cells of `flagCells`, shared, so that a loop that never yields can still see an abort. */
  readonly flags: SharedArrayBuffer;
  readonly progress: MessagePort;
}

export type Reply =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly error: ErrorRecord; readonly stack: string | undefined };

/** `[done, total, note]`. */
export type ProgressMessage = readonly [done: number, total: number, note: string];

/** Where in the shared flags a cell lies, counted in 32-bit words. */
export const flagCells = { aborted: 0, started: 1, count: 2 } as const;

/** At this spacing, with the one message that flushes the last state, at most 10 reach the caller a second. */
export const progressSpacingMs = 125;
