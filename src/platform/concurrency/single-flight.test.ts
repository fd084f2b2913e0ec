import * as fc from "fast-check";
import { expect, test } from "vitest";
import { makeSingleFlight } from "./single-flight.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Work {
  readonly key: string;
  readonly signal: AbortSignal;
  readonly end: PromiseWithResolvers<string>;
  callers: number;
  over: boolean;
}

test("in whatever order callers come and go, a key is never worked on twice at once, and only work nobody wants is given up (F1, F2)", async () => {
  const step = fc.record({ kind: fc.constantFrom("come", "go", "end", "fail"), key: fc.constantFrom("a", "b"), which: fc.nat(10) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const flight = makeSingleFlight<string>();
      const works: Work[] = [];
      const callers: { readonly work: Work | undefined; readonly leaving: AbortController }[] = [];
      const running = (key: string): Work[] => works.filter((work) => work.key === key && !work.over && !work.signal.aborted);
      const come = async (key: string): Promise<void> => {
        const leaving = new AbortController();
        const before = running(key).length;
        const { joined, value } = flight.join(key, leaving.signal, (signal) => {
          const work: Work = { key, signal, end: Promise.withResolvers<string>(), callers: 0, over: false };
          works.push(work);
          return work.end.promise;
        });
        value.catch(() => undefined);
        await turn();
        expect([joined, running(key).length]).toEqual([before === 1, 1]);
        const [work] = running(key);
        if (work !== undefined) work.callers += 1;
        callers.push({ work, leaving });
      };
      const go = (which: number): void => {
        const here = callers.filter(({ work, leaving }) => work?.over === false && !leaving.signal.aborted);
        const one = here[which % Math.max(1, here.length)];
        if (one?.work !== undefined) one.work.callers -= 1;
        one?.leaving.abort(new Error("gone"));
      };
      const end = (work: Work, kind: "end" | "fail"): void => {
        work.over = true;
        if (kind === "end") work.end.resolve("done");
        else work.end.reject(new Error("broken"));
      };
      for (const { kind, key, which } of steps) {
        if (kind === "come") await come(key);
        else if (kind === "go") go(which);
        else for (const work of running(key)) end(work, kind);
        await turn();
        expect(works.filter((work) => !work.over && work.signal.aborted !== (work.callers === 0))).toEqual([]);
        expect(flight.size).toBe(running("a").length + running("b").length);
      }
      await flight.close(new Error("closing"));
      expect(flight.size).toBe(0);
      expect(works.every((work) => work.over || work.signal.aborted)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test("all who joined are given one value, or one failure, and the next one starts anew", async () => {
  const flight = makeSingleFlight<number>();
  let works = 0;
  const ask = () => flight.join("a", undefined, async () => ++works);
  expect(await Promise.all([ask().value, ask().value])).toEqual([1, 1]);
  expect(await ask().value).toBe(2);
  const fail = () => flight.join("b", undefined, async () => await Promise.reject(new Error("broken"))).value;
  const both = await Promise.allSettled([fail(), fail()]);
  expect(both.map((end) => end.status === "rejected" && String(end.reason))).toEqual(["Error: broken", "Error: broken"]);
});

test("a deadline answers every caller, whatever the work does with its signal (F3)", async () => {
  const flight = makeSingleFlight<number>({ deadline: { ms: 5, error: () => new Error("late") } });
  let signal: AbortSignal | undefined;
  const deaf = (): Promise<number> => flight.join("a", undefined, (given) => ((signal = given), new Promise(() => undefined))).value;
  const ends = await Promise.allSettled([deaf(), deaf()]);
  expect(ends.map((end) => end.status === "rejected" && String(end.reason))).toEqual(["Error: late", "Error: late"]);
  expect([signal?.aborted, flight.size]).toEqual([true, 0]);
});
