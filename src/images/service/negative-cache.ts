// Negative cache: failures that are told again for a while instead of being tried again.
//
//   pictures.N1. Kept is only what the request or the original is to blame for; what is busy or broken may be well again the next moment.
//   pictures.N2. A failure is told for `missingMs` and then forgotten; bounded, the ones longest not asked for go first.

import { isStockroomError } from "../../platform/errors.ts";
import type { StockroomError } from "../../platform/errors.ts";
import { makeLru } from "../store/cache/memory.ts";

export interface NegativeCache {
  /** The failure under a key (the id of an answer, or of an original that is not there). */
  find(key: string): StockroomError | undefined;
  /** Keeps a failure, if it is one to be kept. */
  put(key: string, error: unknown): void;
}

const mostFailures = 5_000;

/** Makes one that knows of no failure. */
export function makeNegativeCache({ missingMs, nowMs }: { readonly missingMs: number; readonly nowMs: () => number }): NegativeCache {
  const failures = makeLru<{ readonly error: StockroomError; readonly untilMs: number }>(mostFailures, () => 1);
  return {
    find(key) {
      const failure = failures.get(key);
      return failure !== undefined && nowMs() < failure.untilMs ? failure.error : undefined;
    },
    put(key, error) {
      if (!isStockroomError(error) || error.kind === "busy" || error.kind === "fault") return;
      // What had to be ended is on the slow list, which knows of which content.
      if (error.facts["ended"] === true) return;
      failures.set(key, { error, untilMs: nowMs() + missingMs });
    },
  };
}
