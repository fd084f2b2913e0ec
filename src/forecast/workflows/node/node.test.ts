import { describe, expect, it } from "vitest";
import { curveWarnings } from "./curve-job.ts";
import { mostFirst, priceAmong } from "./exceptions-job.ts";

describe("exceptions", () => {
  const row = (id: string, ahead: number, price: number | null) => ({
    ids: [id],
    ahead,
    price,
    money: price === null ? null : ahead * price,
  });
  it("do not put what has no price behind everything that has one", () => {
    const rows = [row("screw", 3, 0.1), row("lamp", 10, 20), row("unpriced", 900, null), row("bolt", 5, 2)];
    expect(mostFirst(rows).map(({ ids }) => ids[0])).toEqual(["unpriced", "lamp", "bolt", "screw"]);
  });
  it("come by units where nothing has a price", () => {
    expect(mostFirst([row("few", 1, null), row("many", 9, null)]).map(({ ids }) => ids[0])).toEqual(["many", "few"]);
  });
  it("take the price for the price, whatever stands before it", () => {
    const find = (...names: string[]) => priceAmong(names.map((name) => ({ name })))?.name;
    expect(find("competitor_price", "price")).toBe("price");
    expect(find("promotion", "Stückpreis")).toBe("Stückpreis");
    expect(find("base_price")).toBe("base_price");
    expect(find("competitor_price")).toBe("competitor_price");
    expect(find("promotion", "temperature")).toBeUndefined();
    expect(find("fuel_price", "cpi")).toBeUndefined();
    expect(find("fuel_price", "competitor_price")).toBe("competitor_price");
  });
});

describe("a curve", () => {
  const whole = { series: 3, forecast: 3, method: "joint draws", windows: [] } as const;
  const two = [
    { start: "2024-01-01", series: 3 },
    { start: "2024-03-01", series: 3 },
  ];
  it("of which all is known says nothing besides", () => {
    expect(curveWarnings({ ...whole, windows: two })).toEqual([]);
  });
  it("tells which backtests are sums of fewer series than its own", () => {
    expect(curveWarnings({ ...whole, windows: [{ start: "2023-11-01", series: 1 }, ...two] })).toEqual([
      expect.stringContaining("2023-11-01 (1 of 3)"),
    ]);
  });
  it("tells that one backtest does not show what all series miss at once", () => {
    expect(curveWarnings({ ...whole, windows: two.slice(1) })).toEqual([expect.stringContaining("one backtest alone")]);
  });
});
