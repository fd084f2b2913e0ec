// Counts: the service in numbers. Plain additions on the hot path; names and formats are made when somebody looks.

import type { Outcome, Reply } from "./contract.ts";

/** Upper bounds of the time classes, in seconds. */
export const timeBounds = [0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

export interface Counts {
  /** Sources asked for a whole original. */
  reads: number;
  /** Sources asked whether an original changed. */
  revalidations: number;
  transforms: number;
  transformMs: number;
  bytesOut: number;
  readonly byOutcome: Record<Outcome, number>;
  readonly byStatus: Map<number, number>;
  /** Answers that took at most the bound of the same place; the last place is for all others. */
  readonly times: number[];
  secondsTotal: number;
  answered(reply: Reply): void;
  timed(seconds: number): void;
}

export function makeCounts(): Counts {
  return {
    reads: 0,
    revalidations: 0,
    transforms: 0,
    transformMs: 0,
    bytesOut: 0,
    byOutcome: { hit: 0, disk: 0, stale: 0, made: 0, joined: 0, unchanged: 0, refused: 0, failed: 0 },
    byStatus: new Map(),
    times: Array.from({ length: timeBounds.length + 1 }, () => 0),
    secondsTotal: 0,
    answered({ outcome, status, body }) {
      this.byOutcome[outcome] += 1;
      this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1);
      this.bytesOut += body?.byteLength ?? 0;
    },
    timed(seconds) {
      const at = timeBounds.findIndex((bound) => seconds <= bound);
      const place = at < 0 ? timeBounds.length : at;
      this.times[place] = (this.times[place] ?? 0) + 1;
      this.secondsTotal += seconds;
    },
  };
}
