import * as fc from "fast-check";
import { expect, test } from "vitest";
import { makeLatch } from "./latch.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("who comes while it is shut waits until it opens or gives up", async () => {
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

test("nobody passes while it is shut, and all pass once it stays open (L1)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom("open", "shut", "come", "turn"), { maxLength: 30 }), async (steps) => {
      const latch = makeLatch();
      const { signal } = new AbortController();
      let come = 0;
      let passed = 0;
      /** How many may have passed by now: all while it is open, nobody more while it is shut. */
      let mayHave = 0;
      const pass = async (): Promise<void> => {
        await latch.pass(signal);
        passed += 1;
      };
      for (const step of steps) {
        if (step === "come") {
          come += 1;
          void pass();
        } else if (step === "open" || step === "shut") latch[step]();
        if (latch.isOpen || step === "shut") mayHave = come;
        if (step === "turn") await turn();
        expect(passed).toBeLessThanOrEqual(mayHave);
        expect(step === "turn" && latch.isOpen ? passed : come).toBe(come);
      }
      latch.open();
      await turn();
      expect(passed).toBe(come);
    }),
  );
});

test("shut before those it let pass have run, it keeps them waiting (L1)", async () => {
  const latch = makeLatch();
  let passed = false;
  void latch.pass(new AbortController().signal).finally(() => (passed = true));
  await turn();
  latch.open();
  latch.shut();
  await turn();
  expect(passed).toBe(false);
  latch.open();
  await turn();
  expect(passed).toBe(true);
});
