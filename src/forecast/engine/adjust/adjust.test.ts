import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makePanel } from "../panel/make.ts";
import { parseConditions } from "../scenario/command.ts";
import { adjustAll, adjustRow, checkValue, makeAdjuster, type Adjustment, type ForecastRow } from "./adjust.ts";

const levels = [0.1, 0.5, 0.9];
const row: ForecastRow = { mean: 11, quantiles: [5, 10, 20] };

const conditionsOf = (text: string): Adjustment["conditions"] => {
  const parsed = parseConditions(text);
  if (parsed.kind === "faults") throw new Error(JSON.stringify(parsed.faults));
  return parsed.conditions;
};

describe("one adjustment", () => {
  it("sets mean and median, and keeps the ratios of the other quantiles", () => {
    expect(adjustRow(row, levels, { kind: "set", value: 30 })).toEqual({ mean: 30, quantiles: [15, 30, 60] });
    expect(adjustRow(row, levels, { kind: "set", value: 0 })).toEqual({ mean: 0, quantiles: [0, 0, 0] });
  });
  it("leans on the mean where the median is zero, and on distances where both are", () => {
    expect(adjustRow({ mean: 2, quantiles: [0, 0, 6] }, levels, { kind: "set", value: 4 })).toEqual({ mean: 4, quantiles: [0, 4, 12] });
    expect(adjustRow({ mean: 0, quantiles: [0, 0, 0] }, levels, { kind: "set", value: 4 })).toEqual({ mean: 4, quantiles: [4, 4, 4] });
  });
  it("adds and stretches, never below zero", () => {
    expect(adjustRow(row, levels, { kind: "add", value: -7 })).toEqual({ mean: 4, quantiles: [0, 3, 13] });
    expect(adjustRow(row, levels, { kind: "percent", value: -50 })).toEqual({ mean: 5.5, quantiles: [2.5, 5, 10] });
  });
  it("serves rows without a mean or without a median", () => {
    expect(adjustRow({ mean: undefined, quantiles: [5, 10, 20] }, levels, { kind: "set", value: 20 }).mean).toBeUndefined();
    expect(adjustRow({ mean: 10, quantiles: [20] }, [0.9], { kind: "set", value: 5 })).toEqual({ mean: 5, quantiles: [10] });
  });
  it("knows values that cannot be", () => {
    expect(checkValue("set", -1)).toMatch(/0 or more/);
    expect(checkValue("percent", -101)).toMatch(/-100/);
    expect(checkValue("add", Number.NaN)).toMatch(/number/);
    expect(checkValue("add", -1)).toBeUndefined();
  });
});

describe("many adjustments", () => {
  it("a later set replaces, later ones stack on what it left", () => {
    const steps = [
      { kind: "percent", value: 100 },
      { kind: "set", value: 10 },
      { kind: "add", value: 2 },
      { kind: "percent", value: 50 },
    ] as const;
    expect(adjustAll(row, levels, steps)).toEqual({ mean: 18, quantiles: [10.5, 18, 33] });
  });
  it("leave quantiles in order and above zero, whatever is done", () => {
    const value = fc.double({ min: 0, max: 1e7, noNaN: true });
    const change = fc.oneof(
      fc.record({ kind: fc.constant("set" as const), value }),
      fc.record({ kind: fc.constant("add" as const), value: fc.double({ min: -1e6, max: 1e6, noNaN: true }) }),
      fc.record({ kind: fc.constant("percent" as const), value: fc.double({ min: -100, max: 1e3, noNaN: true }) }),
    );
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 3, maxLength: 3 }),
        fc.option(value),
        fc.array(change, { maxLength: 6 }),
        (q, mean, changes) => {
          const quantiles = q.toSorted((a, b) => a - b);
          const after = adjustAll({ mean: mean ?? undefined, quantiles }, levels, changes);
          for (const x of [...after.quantiles, after.mean ?? 0]) expect(Number.isFinite(x) && x >= 0).toBe(true);
          expect(after.quantiles.toSorted((a, b) => a - b)).toEqual(after.quantiles);
        },
      ),
    );
  });
});

describe("who is met", () => {
  const panel = makePanel({
    grid: { frequency: { unit: "D", multiple: 1 }, startMs: 0, length: 2, horizon: 2 },
    series: [
      { item: "a", dimensions: { shop: "oslo" }, metadata: { brand: "x" }, values: [1, 2] },
      { item: "a", dimensions: { shop: "bergen" }, metadata: { brand: "x" }, values: [1, 2] },
      { item: "b", dimensions: { shop: "oslo" }, metadata: { brand: "y" }, values: [1, 2], regressors: {} },
    ],
    shared: { holiday: [0, 0, 1, 0] },
  });
  const day = 86_400_000;
  const make = (where: string, fromMs = 0, untilMs = 10 * day): Adjustment => ({
    kind: "add",
    value: 1,
    conditions: where === "" ? [] : conditionsOf(where),
    fromMs,
    untilMs,
  });
  it("goes by item, dimension and metadata, and by the begin of the step", () => {
    const all = make("");
    const some = make("item_id = a and shop != bergen", day, 2 * day);
    const brand = make("brand in (y)");
    const adjuster = makeAdjuster(panel, [all, some, brand]);
    expect(adjuster.at(0, day)).toEqual([all, some]);
    expect(adjuster.at(0, 2 * day)).toEqual([all]);
    expect(adjuster.at(1, day)).toEqual([all]);
    expect(adjuster.at(2, day)).toEqual([all, brand]);
    expect(adjuster.misfits).toEqual([]);
  });
  it("tells what no longer fits and goes on with the rest", () => {
    const good = make("shop = oslo");
    const adjuster = makeAdjuster(panel, [make("colour = red"), make("holiday = 1"), good]);
    expect(adjuster.misfits).toHaveLength(2);
    expect(adjuster.at(0, 0)).toEqual([good]);
  });
});

describe("conditions alone", () => {
  it("are read like those of a change", () => {
    expect(parseConditions("item_id = A and shop in (oslo, 'x, y')")).toMatchObject({ kind: "conditions", conditions: [{}, {}] });
    expect(parseConditions("item_id = A or b = 2")).toMatchObject({ kind: "faults", faults: [{ where: "character 13" }] });
    expect(parseConditions("")).toMatchObject({ kind: "faults" });
  });
});
