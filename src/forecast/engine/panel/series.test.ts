import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Grid, Panel } from "../contract.ts";
import { makePanel } from "./make.ts";
import { historyLength, seriesAt, seriesCount } from "./series.ts";

const grid: Grid = { frequency: { unit: "D", multiple: 1 }, startMs: 0, length: 5, horizon: 2 };

const shop = makePanel({
  grid,
  series: [
    { item: "a", dimensions: { location: "x" }, values: [1, 2, 3, 4, 5], regressors: { price: [10, 11, 12, 13, 14, 15, 16] } },
    { item: "b", dimensions: { location: "y" }, values: [7, 8], regressors: { price: [20, 21, 22, 23] } },
    { item: "c", values: [], regressors: { price: [30, 31] } },
  ],
  shared: { holiday: [0, 1, 2, 3, 4, 5, 6] },
  seasons: [7],
});

const regressor = (panel: Panel, i: number, name: string, cut?: number): number[] => [
  ...seriesAt(panel, i, cut).regressors.find((each) => each.name === name)!.values,
];

describe("seriesAt", () => {
  test("gives the whole history with regressors over the horizon", () => {
    expect(seriesCount(shop)).toBe(3);
    expect([...seriesAt(shop, 1).values]).toEqual([7, 8]);
    expect(seriesAt(shop, 1).position).toBe(3);
    expect(regressor(shop, 1, "price")).toEqual([20, 21, 22, 23]);
    expect(regressor(shop, 1, "holiday")).toEqual([3, 4, 5, 6]);
    expect(shop.dimensions[0]).toMatchObject({ name: "location", levels: ["x", "y"] });
    expect([...shop.dimensions[0].codes]).toEqual([0, 1, -1]);
  });

  test("gives a cold start its horizon", () => {
    const cold = seriesAt(shop, 2);
    expect(cold.values).toHaveLength(0);
    expect(cold.position).toBe(5);
    expect(regressor(shop, 2, "price")).toEqual([30, 31]);
    expect(regressor(shop, 2, "holiday")).toEqual([5, 6]);
  });

  test("cuts at the same instant for every series", () => {
    expect([...seriesAt(shop, 0, 4).values]).toEqual([1, 2, 3, 4]);
    expect(regressor(shop, 0, "price", 4)).toEqual([10, 11, 12, 13, 14, 15]);
    expect([...seriesAt(shop, 1, 4).values]).toEqual([7]);
    expect(regressor(shop, 1, "holiday", 4)).toEqual([3, 4, 5]);
  });

  test("leaves a series that begins after the cut empty, its unknown cells NaN", () => {
    const early = seriesAt(shop, 1, 2);
    expect(early.values).toHaveLength(0);
    expect(early.position).toBe(2);
    expect(regressor(shop, 1, "price", 2)).toEqual([Number.NaN, 20]);
    expect(regressor(shop, 1, "price", 0)).toEqual([Number.NaN, Number.NaN]);
    expect(regressor(shop, 1, "holiday", 2)).toEqual([2, 3]);
  });

  test("never shows a value at or after the cut, whatever stands there", () => {
    const lists = fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 12 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(lists, fc.nat(12), fc.nat(4), (lists, cut, horizon) => {
        const make = (change: (value: number, index: number) => number): Panel =>
          makePanel({
            grid: { ...grid, length: 12, horizon },
            series: lists.map((values, i) => ({
              item: `i${i}`,
              values: values.map((value, k) => change(value, 12 - values.length + k)),
              regressors: { price: Array.from({ length: values.length + horizon }, (_, k) => change(k, 12 - values.length + k - horizon)) },
            })),
          });
        const as = make((value) => value);
        const other = make((value, index) => (index >= cut ? -1000 : value));
        for (const i of lists.keys()) {
          expect(seriesAt(other, i, cut)).toEqual(seriesAt(as, i, cut));
          expect(seriesAt(as, i, cut).values).toHaveLength(Math.max(0, historyLength(as, i) - (12 - cut)));
          expect(seriesAt(as, i, cut).regressors[0].values).toHaveLength(Math.max(seriesAt(as, i, cut).values.length, 0) + horizon);
        }
      }),
    );
  });

  test("refuses lists that do not fit the grid", () => {
    expect(() => makePanel({ grid, series: [{ item: "a", values: [1, 2, 3, 4, 5, 6] }] })).toThrow(/at most 5 values for a/);
    expect(() => makePanel({ grid, series: [{ item: "a", values: [1], regressors: { price: [1] } }] })).toThrow(
      /Expected 3 numbers of price/,
    );
    expect(() => makePanel({ grid, series: [], shared: { holiday: [1] } })).toThrow(/Expected 7 numbers of holiday/);
  });
});
