import { expect, test } from "vitest";
import { doubtsOf } from "./doubts.ts";

const sound = {
  points: 60,
  rmse: 1,
  wape: 0.2,
  mape: 0.2,
  smape: 0.2,
  mase: 0.8,
  rmsse: 0.8,
  bias: 0,
  naiveWape: 0.25,
  wql: [0.1],
  averageWql: 0.1,
  coverage: { "0.8": 0.74 },
};

test("backtests that speak for a forecast, and too few of them, are no doubt", () => {
  expect(doubtsOf(sound)).toEqual([]);
  expect(doubtsOf(undefined)).toEqual([]);
  expect(doubtsOf({ ...sound, wape: 0.26 })).toEqual([]);
  expect(doubtsOf({ ...sound, wape: 0.015, naiveWape: 0 })).toEqual([]);
  expect(doubtsOf({ ...sound, points: 29, wape: 2, coverage: { "0.8": 0 } })).toEqual([]);
});

test("an interval that did not hold, and a naive forecast that was nearer, are told", () => {
  const [interval, naive, ...others] = doubtsOf({ ...sound, wape: 0.4, coverage: { "0.8": 0.16, "0.5": 0.1 } });
  expect(interval).toContain("only 16.0 % lay within the 80 % interval");
  expect(naive).toContain("repeating the last season was nearer (WAPE 25.0 %) than this forecast (40.0 %)");
  expect(others).toEqual([]);
  expect(doubtsOf({ ...sound, coverage: { "0.8": 0.59 } })).toHaveLength(1);
});
