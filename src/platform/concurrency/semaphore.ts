// Gate: how much work is done at once, and how much may wait for it.
//
// Owns: order, bounds, leaving the queue. Does not own: what is done inside.
//   G1. Never more than `part` weight is inside, except one that alone weighs more: it goes in when the gate is empty.
//   G2. First come, first served; whoever waits can leave (its signal aborts) and then holds nothing.
//   G3. Past `mostWaiting` nobody waits: the refusal is immediate.

import { StockroomError } from "../errors.ts";

export interface Semaphore {
  /** Resolves to the way out, which may be called more than once. Throws `busy` `IMAGES_BUSY` past the queue, or the signal's reason. */
  enter(weight: number, signal: AbortSignal): Promise<() => void>;
  readonly inside: number;
  readonly waiting: number;
}

interface Waiter {
  readonly weight: number;
  go(): void;
}

/** Makes a gate for `part` weight in total and `most` pieces of work. */
export function makeSemaphore(options: { readonly room: number; readonly most: number; readonly mostWaiting: number }): Semaphore {
  const { room, most, mostWaiting } = options;
  const queue = new Set<Waiter>();
  let inside = 0;
  let weightInside = 0;
  const fits = (weight: number): boolean => inside < most && (inside === 0 || weightInside + weight <= room);

  const pass = (weight: number): (() => void) => {
    inside += 1;
    weightInside += weight;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      inside -= 1;
      weightInside -= weight;
      for (const next of queue) {
        // Nobody overtakes: a heavy one at the head is let in as soon as there is room for it.
        if (!fits(next.weight)) break;
        queue.delete(next);
        next.go();
      }
    };
  };

  return {
    async enter(weight, signal) {
      signal.throwIfAborted();
      if (queue.size === 0 && fits(weight)) return pass(weight);
      if (queue.size >= mostWaiting) throw tooBusy();
      return await new Promise((resolve, reject) => {
        const leave = (): void => {
          queue.delete(waiter);
          reject(signal.reason as Error);
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
    },
    get inside() {
      return inside;
    },
    get waiting() {
      return queue.size;
    },
  };
}

/** The refusal of a full app. */
export function tooBusy(): StockroomError {
  return new StockroomError(
    "busy",
    "ServiceBusy",
    "Expected room for one more picture but all places are taken. Try again after the time in Retry-After.",
    {
      facts: { status: 503 },
    },
  );
}
