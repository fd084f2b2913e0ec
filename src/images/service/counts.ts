// Counts: the service in numbers. Plain additions on the hot path; names and formats are made when somebody looks (metrics.ts).

import { Histogram } from "prom-client";
import type { Outcome, Reply } from "./contract.ts";

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
  /** Of times to answer, in no registry yet. */
  readonly seconds: Histogram;
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
    seconds: new Histogram({
      name: "stockroom_images_seconds",
      help: "Time to answer",
      buckets: [0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers: [],
    }),
    answered({ outcome, status, body }) {
      this.byOutcome[outcome] += 1;
      this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1);
      this.bytesOut += body?.byteLength ?? 0;
    },
    timed(seconds) {
      this.seconds.observe(seconds);
    },
  };
}
