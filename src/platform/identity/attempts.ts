// Attempts: how often somebody may try to sign in, by where from and as whom.
//
//   A1. A name that nobody has is counted like any other: being slowed down tells nothing of who there is.
//   A2. Nobody is shut out by a stranger's attempts soon: from one address a name is refused after few, from all together after many.
//   A3. What is remembered is bounded. Each process counts for itself.

import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { StockroomError } from "../errors.ts";
import type { Clock } from "../time.ts";

const windowMs = 15 * 60_000;
/** Failures within the window. */
const limits = { pair: 10, address: 50, name: 200 } as const;

interface Count {
  failures: number;
  /** When it begins anew. */
  until: number;
}

/** The code of too many attempts; answered with 429. */
export const tooMany = "SIGN_IN_TOO_MANY";

export interface Attempts {
  /** Throws `denied` `SIGN_IN_TOO_MANY` when there were too many failures; counts this one as a failure until `succeeded`. */
  begin(address: string, name: string): { succeeded(): void };
}

export function makeAttempts(clock: Clock): Attempts {
  const counts = new LRUCache<string, Count>({ max: 20_000 });
  const countOf = (key: string): Count => {
    const known = counts.get(key);
    if (known !== undefined && known.until > clock.now()) return known;
    const fresh = { failures: 0, until: clock.now() + windowMs };
    counts.set(key, fresh);
    return fresh;
  };
  return {
    begin: (address, name) => {
      const as = createHash("sha256").update(name).digest("base64url");
      const all = [
        [countOf(`pair ${address} ${as}`), limits.pair],
        [countOf(`address ${address}`), limits.address],
        [countOf(`name ${as}`), limits.name],
      ] as const;
      const full = all.find(([count, limit]) => count.failures >= limit)?.[0];
      if (full !== undefined) {
        const minutes = Math.max(1, Math.ceil((full.until - clock.now()) / 60_000));
        throw new StockroomError(
          "denied",
          tooMany,
          `Expected fewer attempts to sign in but there were too many that failed. Try again in ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`,
          { facts: { retryAfterSeconds: minutes * 60 } },
        );
      }
      // Counted before the password is compared, or many at once would all pass.
      for (const [count] of all) count.failures += 1;
      return {
        succeeded: () => {
          for (const [count] of all) count.failures -= 1;
        },
      };
    },
  };
}
