import * as fc from "fast-check";
import { expect, test } from "vitest";
import { makeSemaphore } from "./semaphore.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Visit {
  readonly at: number;
  readonly weight: number;
  readonly quitting: AbortController;
  state: "waiting" | "inside" | "refused" | "gone";
  leave?: () => void;
}

test("a fast-checked crowd stays within every bound, in order, and leaves nothing held (S1, S2, S3)", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("come" as const), weight: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ kind: fc.constantFrom("leave" as const, "quit" as const), which: fc.nat(20) }),
  );
  const bounds = fc.record({ most: fc.integer({ min: 1, max: 4 }), capacity: fc.integer({ min: 1, max: 10 }), mostWaiting: fc.nat(5) });
  await fc.assert(
    fc.asyncProperty(bounds, fc.array(step, { maxLength: 60 }), async ({ most, capacity, mostWaiting }, steps) => {
      const semaphore = makeSemaphore({ most, capacity, mostWaiting, refusal: () => new Error("full") });
      const visits: Visit[] = [];
      const entered: number[] = [];
      const early: Visit[] = [];
      const of = (state: Visit["state"]): Visit[] => visits.filter((visit) => visit.state === state);
      const settled = async (): Promise<void> => {
        await turn();
        const inside = of("inside");
        const weight = inside.reduce((sum, visit) => sum + visit.weight, 0);
        expect(inside.length).toBeLessThanOrEqual(most);
        expect(weight <= capacity || inside.length === 1).toBe(true);
        expect([semaphore.inside, semaphore.waiting]).toEqual([inside.length, of("waiting").length]);
        expect(semaphore.waiting).toBeLessThanOrEqual(mostWaiting);
        // Nobody waits for room that is there.
        const [head] = of("waiting");
        expect(head === undefined || inside.length === most || (inside.length > 0 && weight + head.weight > capacity)).toBe(true);
        expect(early).toEqual([]);
        expect(entered).toEqual(entered.toSorted((a, b) => a - b));
      };
      for (const next of steps) {
        if (next.kind === "come") {
          const visit: Visit = { at: visits.length, weight: next.weight, quitting: new AbortController(), state: "waiting" };
          visits.push(visit);
          const wasFull = semaphore.waiting >= mostWaiting;
          void (async () => {
            try {
              visit.leave = await semaphore.enter(next.weight, visit.quitting.signal);
              visit.state = "inside";
              entered.push(visit.at);
            } catch (error) {
              visit.state = (error as Error).message === "full" ? "refused" : "gone";
            }
          })();
          await turn();
          if (visit.state === "refused" && !wasFull) early.push(visit);
        } else if (next.kind === "leave") {
          const inside = of("inside");
          const one = inside[next.which % Math.max(1, inside.length)];
          if (one !== undefined) {
            one.state = "gone";
            one.leave?.();
            one.leave?.();
          }
        } else {
          const waiting = of("waiting");
          waiting[next.which % Math.max(1, waiting.length)]?.quitting.abort(new Error("tired"));
        }
        await settled();
      }
      for (const one of of("waiting")) one.quitting.abort(new Error("closing"));
      await turn();
      for (const one of of("inside")) one.leave?.();
      expect([semaphore.inside, semaphore.waiting]).toEqual([0, 0]);
    }),
    { numRuns: 200 },
  );
});

test("a light one behind a heavy one that gave up enters at once", async () => {
  const semaphore = makeSemaphore({ most: 3, capacity: 10 });
  const { signal } = new AbortController();
  const tired = new AbortController();
  await semaphore.enter(6, signal);
  const heavy = semaphore.enter(9, tired.signal);
  const light = semaphore.enter(2, signal);
  tired.abort(new Error("tired"));
  await expect(heavy).rejects.toThrow("tired");
  await light;
  expect([semaphore.inside, semaphore.waiting]).toEqual([2, 0]);
});

test("the refusal of a full one is busy, unless the owner has words of its own", async () => {
  const { signal } = new AbortController();
  const plain = makeSemaphore({ most: 1, mostWaiting: 0 });
  await plain.enter(1, signal);
  await expect(plain.enter(1, signal)).rejects.toMatchObject({ kind: "busy", code: "SEMAPHORE_FULL" });
  await expect(plain.enter(1, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
});
