// Clock: time as an argument, so that tests move it instead of sleeping.

/** Milliseconds since 1970 (UTC), from whichever clock the caller was handed. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  advance(ms: number): void;
}

/**
 * Makes a clock for tests that starts at `startMs`.
 *
 * @testing
 */
export function makeManualClock(startMs: number): ManualClock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance: (ms) => {
      nowMs += ms;
    },
  };
}
