// Mutex: lets one pass at a time, in order of arrival.
//
//   concurrency.M1. A semaphore of one place: its laws hold (semaphore.ts).

import { makeSemaphore } from "./semaphore.ts";

/** Safe to enter any number of times at once. */
export interface Mutex {
  /** Waits for its turn; the function given back lets the next one pass, and may be called more than once. Throws the signal's reason. */
  enter(signal: AbortSignal): Promise<() => void>;
}

/** Makes a mutex that is free. */
export function makeMutex(): Mutex {
  const semaphore = makeSemaphore({ most: 1 });
  return { enter: async (signal) => await semaphore.enter(1, signal) };
}
