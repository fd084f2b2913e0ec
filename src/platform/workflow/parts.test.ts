import * as fc from "fast-check";
import { expect, test } from "vitest";
import { backoff } from "./execution.ts";
import { makeLatch } from "../concurrency/latch.ts";
import { lockKey } from "./liveness.ts";
import { makeMutex } from "../concurrency/mutex.ts";

test("the turnstile lets one pass at a time, in order, and those who give up hold up nobody", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), async (givesUp) => {
      const mutex = makeMutex();
      const passed: number[] = [];
      let within = 0;
      await Promise.all(
        givesUp.map(async (quits, index) => {
          const quitting = new AbortController();
          const entering = mutex.enter(quitting.signal);
          if (quits) quitting.abort(new Error("tired"));
          let leave: () => void;
          try {
            leave = await entering;
          } catch {
            return;
          }
          within += 1;
          expect(within).toBe(1);
          await new Promise((resolve) => setImmediate(resolve));
          within -= 1;
          passed.push(index);
          leave();
          leave();
        }),
      );
      expect(passed).toEqual(passed.toSorted((a, b) => a - b));
      // Whoever did not give up has passed.
      expect(givesUp.flatMap((quits, index) => (quits ? [] : [index])).every((index) => passed.includes(index))).toBe(true);
    }),
  );
});

test("a gate keeps waiting who comes while it is shut, until it opens or they give up", async () => {
  const latch = makeLatch();
  const patient = new AbortController();
  const waiting = latch.pass(patient.signal);
  const tired = new AbortController();
  const quitting = latch.pass(tired.signal);
  tired.abort(new Error("tired"));
  await expect(quitting).rejects.toThrow("tired");
  latch.open();
  await waiting;
  await latch.pass(patient.signal);
  latch.shut();
  expect(latch.isOpen).toBe(false);
  const again = latch.pass(patient.signal);
  latch.open();
  await again;
  patient.abort(new Error("late"));
  await expect(latch.pass(patient.signal)).rejects.toThrow("late");
});

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

test("lock keys are positive, stable and apart", () => {
  expect(lockKey("one")).toBe(lockKey("one"));
  const keys = new Set(Array.from({ length: 1_000 }, (_, index) => lockKey(`worker-${index}`)));
  expect(keys.size).toBe(1_000);
  for (const key of keys) expect(BigInt(key) >= 0n && BigInt(key) < 2n ** 63n).toBe(true);
});
