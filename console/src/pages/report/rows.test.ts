import { describe, expect, it } from "vitest";
import { csvOf, heads, mostOf, placeBar, rowsOf, tableOf, type Figure } from "./rows.ts";

const figure = (code: string, given: Partial<Figure> = {}): Figure => ({
  scheme: "WASTE",
  schemeVersion: "1",
  code,
  items: 10,
  units: 20,
  kg: 30.5,
  itemsMargin: 1,
  unitsMargin: 2,
  kgMargin: 3,
  returnedUnits: 4,
  returnedKg: 5,
  first: null,
  ...given,
});
const { first: _, ...told } = figure("K", { items: 8, kg: 20 });

describe("a report's rows", () => {
  it("puts the present figure beside the first, by the measure", () => {
    expect(rowsOf([figure("K", { first: told }), figure("T")], "kg")).toEqual([
      { scheme: "WASTE", version: "1", code: "K", value: 30.5, margin: 3, first: 20, firstMargin: 3, returned: 5 },
      { scheme: "WASTE", version: "1", code: "T", value: 30.5, margin: 3, first: undefined, firstMargin: undefined, returned: 5 },
    ]);
    expect(rowsOf([figure("K")], "items")[0]).toMatchObject({ value: 10, margin: 1, returned: undefined });
  });

  it("draws bars with their margins from zero to the largest, and none outside", () => {
    const rows = rowsOf([figure("K"), figure("T", { kg: 6.7, kgMargin: 10 })], "kg");
    const most = mostOf(rows);
    expect(most).toBe(33.5);
    expect(placeBar(rows[0], most)).toEqual({ bar: 30.5 / 33.5, low: 27.5 / 33.5, high: 1 });
    expect(placeBar(rows[1], most)).toEqual({ bar: 0.2, low: 0, high: expect.closeTo(16.7 / 33.5, 9) });
    expect(placeBar({ value: -3, margin: 1 }, 10)).toEqual({ bar: 0, low: 0, high: 0 });
    expect(placeBar({ value: 0, margin: 0 }, 0)).toEqual({ bar: 0, low: 0, high: 0 });
  });

  it("is saved whole: names with commas and quotes, nothing told first, no formula", () => {
    const report = { country: "GBR", revision: 1, figures: [figure("=K", { first: told }), figure("T")] };
    const rows = tableOf("2026-10", [report as never], (_scheme, _version, code) => (code === "T" ? 'Tools, "hand"' : ""));
    const [head, one, other] = csvOf(rows).split("\r\n");
    expect(head).toBe(`\ufeff${heads.join(",")}`);
    expect(one).toBe("2026-10,GBR,1,WASTE,1,'=K,,10,1,20,2,30.5,3,4,5,8,20,20");
    expect(other).toBe('2026-10,GBR,1,WASTE,1,T,"Tools, ""hand""",10,1,20,2,30.5,3,4,5,,,');
  });
});
