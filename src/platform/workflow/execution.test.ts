import * as fc from "fast-check";
import { expect, test } from "vitest";
import { backoff } from "./persist.ts";

test("pauses double, stay within a minute, and are never less than half", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (first, attempt, random) => {
        const pause = backoff(first, attempt, () => random);
        const whole = Math.min(first * 2 ** (attempt - 1), 60_000);
        expect(pause).toBeGreaterThanOrEqual(whole / 2);
        expect(pause).toBeLessThanOrEqual(whole);
      },
    ),
  );
});
