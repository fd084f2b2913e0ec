// Attempts: how often somebody may try to sign in, by where from and as whom.
//
//   A1. A name that nobody has is counted like any other: being slowed down tells nothing of who there is.
//   A2. Nobody is shut out by a stranger's attempts soon: from one address a name is refused after few, from all together after many; and never by
//       those of others where the name has signed in before: there only what is tried under it from there counts.
//   A3. An address of IPv6 is its network of 64 bits: whoever has one of them has all of them.
//   A4. What is remembered is bounded. Each process counts for itself.

import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";
import { LRUCache } from "lru-cache";
import { StockroomError } from "../errors.ts";
import type { Clock } from "../time.ts";

const windowMs = 15 * 60_000;
/** How long it is known that somebody signed in from an address. */
const knownMs = 30 * 24 * 60 * 60_000;
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
  /** Until when a pair of address and name that signed in is known. */
  const known = new LRUCache<string, number>({ max: 20_000 });
  const countOf = (key: string): Count => {
    const found = counts.get(key);
    if (found !== undefined && found.until > clock.now()) return found;
    const fresh = { failures: 0, until: clock.now() + windowMs };
    counts.set(key, fresh);
    return fresh;
  };
  return {
    begin: (address, name) => {
      const as = createHash("sha256").update(name).digest("base64url");
      const from = networkOf(address);
      const pair = `pair ${from} ${as}`;
      const all = [
        [countOf(pair), limits.pair],
        [countOf(`address ${from}`), limits.address],
        [countOf(`name ${as}`), limits.name],
      ] as const;
      const isKnown = (known.get(pair) ?? 0) > clock.now();
      const full = all.slice(0, isKnown ? 1 : all.length).find(([count, limit]) => count.failures >= limit)?.[0];
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
          known.set(pair, clock.now() + knownMs);
        },
      };
    },
  };
}

/** An address of IPv4 as it is, of IPv6 its first 64 bits. */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [plain = ""] = address.split("%", 1);
  if (!isIPv6(plain)) return address;
  const [head = "", tail] = plain.toLowerCase().split("::", 2);
  const groups = (text: string | undefined): string[] => (text === undefined || text === "" ? [] : text.split(":"));
  const [first, last] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => "0");
  const all = tail === undefined ? first : [...first, ...zeros, ...last];
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":");
}
