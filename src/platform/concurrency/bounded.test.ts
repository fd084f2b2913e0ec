import * as fc from "fast-check";
import { expect, test } from "vitest";
import { eachBounded } from "./bounded.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("every item is worked on once, in order, never more than so many at a time (B1)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 30 }), fc.integer({ min: 1, max: 6 }), async (turns, most) => {
      const begun: number[] = [];
      let now = 0;
      let peak = 0;
      await eachBounded(turns, most, async (item, index) => {
        begun.push(index);
        now += 1;
        peak = Math.max(peak, now);
        for (let at = 0; at < item; at++) await turn();
        now -= 1;
      });
      expect(begun).toEqual(turns.map((_, index) => index));
      expect(peak).toBeLessThanOrEqual(most);
      const full = turns.length >= most && turns.every((item) => item > 0);
      expect(full ? peak : most).toBe(most);
    }),
  );
});

test("after a failure nothing is begun, and all that was begun ends before it is told (B2)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 6 }), fc.nat(19), async (count, most, which) => {
      const broken = which % count;
      const begun: number[] = [];
      let failedAt = Number.POSITIVE_INFINITY;
      let working = 0;
      const all = eachBounded([...Array(count).keys()], most, async (item) => {
        expect(begun.length).toBeLessThan(failedAt);
        begun.push(item);
        working += 1;
        await turn();
        working -= 1;
        if (item !== broken) return await turn();
        failedAt = begun.length;
        throw new Error("broken");
      });
      await expect(all).rejects.toThrow("broken");
      expect(working).toBe(0);
      expect(begun.length).toBe(failedAt);
    }),
  );
});

test("an aborted signal ends it before the next item", async () => {
  const leaving = new AbortController();
  const begun: number[] = [];
  const all = eachBounded(
    [0, 1, 2],
    1,
    async (item) => {
      begun.push(item);
      leaving.abort(new Error("gone"));
    },
    leaving.signal,
  );
  await expect(all).rejects.toThrow("gone");
  expect(begun).toEqual([0]);
});
