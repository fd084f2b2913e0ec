import * as fc from "fast-check";
import { expect, test } from "vitest";
import { makeMutex } from "./mutex.ts";

test("one passes at a time, in order, and those who give up hold up nobody", async () => {
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
