// Budgets: how much is done at once, and when somebody who is refused should come again.
//
//   pictures.B1. At work are at most `concurrency` pictures and `pixelsInFlight` pixels, or one larger picture by itself.
//   pictures.B2. In hand (being read, or waiting for their turn) are a few originals more, so that work does not wait for reading.
//   pictures.B3. One source holds two places less than there are, so that others are never shut out by one that dribbles.
//   pictures.B4. Past `maxWaiting` the refusal is immediate.

import { makeSemaphore } from "../../platform/concurrency/semaphore.ts";
import type { Semaphore } from "../../platform/concurrency/semaphore.ts";
import { tooBusy } from "./problems.ts";

export interface BudgetSettings {
  readonly concurrency: number;
  readonly maxWaiting: number;
  readonly pixelsInFlight: number;
}

export interface Budgets {
  /** Originals in hand; weight 1. */
  readonly inHand: Semaphore;
  /** Pictures at work; the weight is in pixels. */
  readonly atWork: Semaphore;
  /** Reads of one bucket; weight 1. */
  readingFrom(bucket: string): Semaphore;
  /** Pictures at work and waiting now. */
  load(): { readonly working: number; readonly waiting: number };
  /** Whether there is so much to do that nothing is looked up again behind the scenes. */
  isFull(): boolean;
  /** A picture took so long to make. */
  took(ms: number): void;
  /** Whole seconds after which what waits now will be done; at least one, at most two minutes. */
  retryAfterSeconds(): number;
}

const spare = 6;
const mostRetrySeconds = 120;

/** Makes budgets of which nothing is spent. */
export function makeBudgets({ concurrency, maxWaiting, pixelsInFlight }: BudgetSettings): Budgets {
  const most = concurrency + spare;
  const bounded = (places: number): Semaphore => makeSemaphore({ most: places, mostWaiting: maxWaiting, refusal: tooBusy });
  const inHand = bounded(most);
  const atWork = makeSemaphore({ most: concurrency, capacity: pixelsInFlight });
  // As many as there are buckets in the settings: the engine lets no other name through.
  const readers = new Map<string, Semaphore>();
  /** Mean time of one picture. */
  let meanMs = 100;
  const load = (): { readonly working: number; readonly waiting: number } => ({
    working: atWork.inside,
    waiting: [...readers.values()].reduce((sum, reader) => sum + reader.waiting, inHand.waiting + atWork.waiting),
  });
  return {
    inHand,
    atWork,
    readingFrom(bucket) {
      const reader = readers.get(bucket) ?? bounded(most - 2);
      readers.set(bucket, reader);
      return reader;
    },
    load,
    isFull: () => load().waiting > concurrency * 4,
    took(ms) {
      meanMs += (ms - meanMs) / 16;
    },
    retryAfterSeconds: () => Math.min(mostRetrySeconds, Math.max(1, Math.ceil((load().waiting * meanMs) / concurrency / 1000))),
  };
}
