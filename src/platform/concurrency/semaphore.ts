// Semaphore: how much work is done at once, and how much may wait for it.
//
// Owns: order, bounds, leaving the queue. Does not own: what is done inside, the words of the refusal.
//   concurrency.S1. Never more than `most` are inside, nor more than `capacity` in weight, except one that alone weighs more: it enters when nobody is inside.
//   concurrency.S2. First come, first served: nobody overtakes a heavy one that waits. Whoever waits can leave (its signal aborts) and then holds nothing.
//   concurrency.S3. Past `mostWaiting` nobody waits: the refusal is immediate.

import { StockroomError } from "../errors.ts";

/** Safe to enter any number of times at once. */
export interface Semaphore {
  /** Resolves to the way out, which may be called more than once. Throws `refusal` past the queue, or the signal's reason. */
  enter(weight: number, signal: AbortSignal): Promise<() => void>;
  readonly inside: number;
  readonly waiting: number;
}

export interface SemaphoreOptions {
  /** Pieces of work at once. */
  readonly most: number;
  /** Weight at once, in the caller's unit. Default: no bound. */
  readonly capacity?: number;
  /** Default: no bound. */
  readonly mostWaiting?: number;
  /** What is thrown past `mostWaiting`. Default: `busy` `SEMAPHORE_FULL`. */
  readonly refusal?: () => Error;
}

interface Waiter {
  readonly weight: number;
  go(): void;
}

/** Makes a semaphore with nobody inside. */
export function makeSemaphore(options: SemaphoreOptions): Semaphore {
  const { most, capacity = Number.POSITIVE_INFINITY, mostWaiting = Number.POSITIVE_INFINITY, refusal = full } = options;
  const queue = new Set<Waiter>();
  let inside = 0;
  let weightInside = 0;
  const fits = (weight: number): boolean => inside < most && (inside === 0 || weightInside + weight <= capacity);

  /** Lets in whoever stands at the head of the queue, as long as it fits (S2). */
  const admit = (): void => {
    for (const next of queue) {
      if (!fits(next.weight)) break;
      queue.delete(next);
      next.go();
    }
  };
  const pass = (weight: number): (() => void) => {
    inside += 1;
    weightInside += weight;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      inside -= 1;
      weightInside -= weight;
      admit();
    };
  };
  const wait = (weight: number, signal: AbortSignal): Promise<() => void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        queue.delete(waiter);
        reject(signal.reason as Error);
        // The one behind may be lighter than the one that left.
        admit();
      };
      const waiter: Waiter = {
        weight,
        go: () => {
          signal.removeEventListener("abort", leave);
          resolve(pass(weight));
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      queue.add(waiter);
    });

  return {
    async enter(weight, signal) {
      signal.throwIfAborted();
      if (queue.size === 0 && fits(weight)) return pass(weight);
      if (queue.size >= mostWaiting) throw refusal();
      return await wait(weight, signal);
    },
    get inside() {
      return inside;
    },
    get waiting() {
      return queue.size;
    },
  };
}

const full = (): StockroomError =>
  new StockroomError("busy", "SEMAPHORE_FULL", "Expected room for one more but all places are taken. Try again in a moment.");
