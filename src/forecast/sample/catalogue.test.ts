import { describe, expect, test } from "vitest";
import { gather } from "../../platform/bytes.ts";
import { makeCatalogue, type CatalogueOptions } from "./catalogue.ts";

const options: CatalogueOptions = { seed: 4, items: 12, stores: 2, frequency: "W", length: 110, horizon: 8, newItems: 1 };
const textOf = async (body: Parameters<typeof gather>[0]): Promise<string> => Buffer.from(await gather(body)).toString("utf8");

describe("the sample catalogue", () => {
  test("is the same for the same options and another for another seed", async () => {
    const [one, same, other] = [options, options, { ...options, seed: 5 }].map(makeCatalogue);
    expect(same.panel()).toEqual(one.panel());
    expect(await textOf(same.related())).toBe(await textOf(one.related()));
    expect(other.panel().values).not.toEqual(one.panel().values);
  });

  test("gives an item the same numbers whatever else is in the range", () => {
    const few = makeCatalogue({ ...options, items: 3, newItems: 0 }).panel();
    const many = makeCatalogue({ ...options, newItems: 0 }).panel();
    expect(many.values.subarray(0, few.values.length)).toEqual(few.values);
    expect(many.itemIds.slice(0, few.itemIds.length)).toEqual(few.itemIds);
  });

  test("holds in its files what its panel holds", async () => {
    const catalogue = makeCatalogue(options);
    const panel = catalogue.panel();
    const rows = (await textOf(catalogue.target()))
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.split(","));
    expect(rows.map((row) => Number(row[3]))).toEqual([...panel.values]);
    expect(rows[0]).toEqual([panel.itemIds[0], "store_001", expect.stringMatching(/^20\d\d-\d\d-\d\d$/), expect.any(String)]);
    const related = (await textOf(catalogue.related())).trimEnd().split("\n").slice(1);
    expect(related).toHaveLength(panel.regressors[0].values.length);
    expect((await textOf(catalogue.metadata())).trimEnd().split("\n")).toHaveLength(14);
  });

  test("sells more at a lower price and in promotions, never less than nothing", () => {
    const catalogue = makeCatalogue({ ...options, items: 60, intermittent: 0 });
    const { values, offsets, regressors, grid } = catalogue.panel();
    expect(values.every((value) => value >= 0 && Number.isInteger(value))).toBe(true);
    const sums = { promoted: 0, promotedSteps: 0, plain: 0, plainSteps: 0 };
    for (let s = 0; s < offsets.length - 1; s++) {
      const own = values.subarray(offsets[s], offsets[s + 1]);
      const mean = own.reduce((sum, value) => sum + value, 0) / Math.max(1, own.length);
      if (mean === 0) continue;
      for (let t = 0; t < own.length; t++) {
        const promoted = regressors[1].values[offsets[s] + s * grid.horizon + t] > 0;
        sums[promoted ? "promoted" : "plain"] += own[t] / mean;
        sums[promoted ? "promotedSteps" : "plainSteps"] += 1;
      }
    }
    expect(sums.promoted / sums.promotedSteps).toBeGreaterThan(1.25 * (sums.plain / sums.plainSteps));
  });

  test("lets new items begin late or not at all", () => {
    const catalogue = makeCatalogue({ ...options, items: 60 });
    const { offsets } = catalogue.panel();
    const lengths = Array.from({ length: offsets.length - 1 }, (_, s) => offsets[s + 1] - offsets[s]);
    expect(lengths.slice(-2)).toEqual([0, 0]);
    expect(lengths.filter((length) => length > 0 && length < options.length).length).toBeGreaterThan(0);
    expect(catalogue.future()).toHaveLength(lengths.length * options.horizon);
  });

  test("refuses sizes that make no sense", () => {
    expect(() => makeCatalogue({ ...options, items: 0 })).toThrow(/items to be a whole number from 1/);
    expect(() => makeCatalogue({ ...options, start: "soon" })).toThrow(/start to be a date/);
  });
});
