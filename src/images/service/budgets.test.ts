import { expect, it } from "vitest";
import { makeBudgets } from "./budgets.ts";

const { signal } = new AbortController();
const settings = { concurrency: 2, maxWaiting: 3, pixelsInFlight: 100 };
/** Enters as often as there are places, and as may wait behind them. */
const fill = async (
  semaphore: { enter(weight: number, signal: AbortSignal): Promise<() => void> },
  count: number,
): Promise<(() => void)[]> => await Promise.all(Array.from({ length: count }, () => semaphore.enter(1, signal)));

it("lets so many pictures and pixels work at once, and nobody is refused there (B1)", async () => {
  const budgets = makeBudgets(settings);
  const leave = await budgets.atWork.enter(90, signal);
  const second = budgets.atWork.enter(20, signal);
  expect(budgets.load()).toEqual({ working: 1, waiting: 1 });
  leave();
  (await second)();
  (await budgets.atWork.enter(1_000, signal))();
  await fill(budgets.atWork, 2);
  for (let n = 0; n < 50; n++) void budgets.atWork.enter(1, signal);
  expect(budgets.load()).toEqual({ working: 2, waiting: 50 });
});

it("holds a few originals more than can be worked on, and refuses at once past those that may wait (B2, B4)", async () => {
  const budgets = makeBudgets(settings);
  await fill(budgets.inHand, 8);
  for (let n = 0; n < 3; n++) void budgets.inHand.enter(1, signal);
  await expect(budgets.inHand.enter(1, signal)).rejects.toMatchObject({ kind: "busy", code: "ServiceBusy", facts: { status: 503 } });
  expect(budgets.load()).toEqual({ working: 0, waiting: 3 });
});

it("leaves two places to others whatever one source does (B3)", async () => {
  const budgets = makeBudgets(settings);
  await fill(budgets.readingFrom("slow"), 6);
  void budgets.readingFrom("slow").enter(1, signal);
  expect(budgets.load().waiting).toBe(1);
  await budgets.readingFrom("quick").enter(1, signal);
  expect(budgets.readingFrom("slow").inside + budgets.readingFrom("quick").inside).toBeLessThanOrEqual(8);
});

it("says when to come again, by what waits and how long pictures took", async () => {
  const budgets = makeBudgets(settings);
  expect([budgets.retryAfterSeconds(), budgets.isFull()]).toEqual([1, false]);
  await fill(budgets.atWork, 2);
  for (let n = 0; n < 9; n++) void budgets.atWork.enter(1, signal);
  expect(budgets.isFull()).toBe(true);
  for (let n = 0; n < 200; n++) budgets.took(4_000);
  // Nine wait, two at once, four seconds each.
  expect(budgets.retryAfterSeconds()).toBe(18);
  for (let n = 0; n < 200; n++) budgets.took(600_000);
  expect(budgets.retryAfterSeconds()).toBe(120);
});
