import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { makeRandom } from "../../../platform/random.ts";
import { regression } from "../models/regression/regression.ts";
import { makePanel } from "../panel/make.ts";
import { seriesAt } from "../panel/series.ts";
import type { Panel } from "../contract.ts";
import { applyChanges, parseInstant } from "./apply.ts";
import { comparisons, operations, parseTransformations, type Change } from "./change.ts";
import { parseCommand } from "./command.ts";
import { compareForecasts } from "./comparison.ts";

/** Two days of history, three ahead (3 to 5 January 2024): juice in two stores, bread in one; a holiday on 5 January. */
function shop(): Panel {
  const series = [
    { item: "oj", store: "1", category: "juice", price: [2, 2, 2, 2, 3] },
    { item: "oj", store: "2", category: "juice", price: [4, 4, 4, 4, Number.NaN] },
    { item: "rye", store: "1", category: "bread", price: [1, 1, 1, 1, 1] },
  ];
  return makePanel({
    grid: { frequency: { unit: "D", multiple: 1 }, startMs: Date.UTC(2024, 0, 1), length: 2, horizon: 3 },
    series: series.map(({ item, store, category, price }) => ({
      item,
      dimensions: { location: store },
      metadata: { category },
      values: [5, 6],
      regressors: { price },
    })),
    shared: { holiday: [0, 0, 0, 0, 1] },
  });
}

function changesOf(text: string): readonly Change[] {
  const parsed = parseCommand(text);
  if (parsed.kind === "faults") throw new Error(parsed.faults[0].message);
  return parsed.changes;
}

function applied(panel: Panel, text: string) {
  const result = applyChanges(panel, changesOf(text));
  if (result.kind === "faults") throw new Error(result.faults[0].message);
  const future = (name: string): number[][] =>
    panel.itemIds.map((_, i) => [...(seriesAt(result.panel, i).regressors.find((each) => each.name === name)?.values ?? [])].slice(2));
  return { ...result, future };
}

describe("command", () => {
  it("reads operations, percent, quotes and conditions", () => {
    expect(changesOf("price*=0.9 where category=juice and timestamp>=2024-01-01")).toEqual([
      {
        attribute: "price",
        operation: "MULTIPLY",
        value: 0.9,
        conditions: [
          { attribute: "category", comparison: "EQUALS", values: ["juice"] },
          { attribute: "timestamp", comparison: "AT_LEAST", values: ["2024-01-01"] },
        ],
      },
    ]);
    const [cut, set, list] = changesOf(
      `price -= 10%; "my price" = -1.5e1 WHERE date < '2024-01-02 12:00:00' ; promo+=1 where location not in (new york, "a, ""b""")`,
    );
    expect(cut).toEqual({ attribute: "price", operation: "MULTIPLY", value: 0.9, conditions: [] });
    expect(set).toMatchObject({
      attribute: "my price",
      operation: "SET",
      value: -15,
      conditions: [{ comparison: "LESS_THAN", values: ["2024-01-02 12:00:00"] }],
    });
    expect(list.conditions).toEqual([{ attribute: "location", comparison: "NOT_EQUALS", values: ["new york", 'a, "b"'] }]);
  });

  it.each([
    ["", 1, "the name of the attribute to change but received the end"],
    ["price", 6, "an operation (=, +=, -=, *=, /=) but received the end"],
    ["price *= ten", 10, 'a number but received "ten"'],
    ["price /= 0", 10, "a number other than 0"],
    ["price = 5%", 10, "a plain number to set"],
    ["price = 5 when x", 11, '"where", ";" or the end but received "when"'],
    ["price = 5 where", 16, "the name of an attribute to compare but received the end"],
    ["price = 5 where category", 25, "a comparison"],
    ["price = 5 where category =", 27, "a value but received the end"],
    ["price = 5 where category = juice or x = 1", 34, '"and", ";" or the end but received "or"'],
    ["price = 5 where category = 'juice", 28, "a closing '"],
    ["price = 5 where category in juice", 29, '"(" after in'],
    ["price = 5 where category in (a b", 33, '"," or ")"'],
    ["price = 5; = 3", 12, "the name of the attribute to change"],
  ])("says where %j is wrong", (text, character, message) => {
    const parsed = parseCommand(text);
    expect(parsed).toMatchObject({
      kind: "faults",
      faults: [{ where: `character ${character}`, message: expect.stringContaining(message) }],
    });
  });

  it("never throws, whatever is typed", () => {
    const word = fc.constantFrom(
      "price",
      "where",
      "and",
      "in",
      "(",
      ")",
      ",",
      ";",
      "=",
      "*=",
      "<",
      "0.9",
      "%",
      "'",
      '"',
      " ",
      "not",
      "é",
      "-",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 14 }), (words) => {
        expect(["changes", "faults"]).toContain(parseCommand(words.join("")).kind);
      }),
      { numRuns: 400 },
    );
  });
});

describe("transformations", () => {
  it("reads Amazon Forecast's form", () => {
    const json = {
      TimeSeriesTransformations: [
        {
          Action: { AttributeName: "price", Operation: "MULTIPLY", Value: 0.9 },
          TimeSeriesConditions: [{ AttributeName: "category", AttributeValue: "juice", Condition: "EQUALS" }],
        },
      ],
    };
    expect(parseTransformations(json)).toEqual({ kind: "changes", changes: changesOf("price *= 0.9 where category = juice") });
    expect(parseTransformations([{ Action: { AttributeName: "price", Operation: "ADD", Value: "2" } }])).toEqual({
      kind: "changes",
      changes: changesOf("price += 2"),
    });
  });

  it("reports all faults by path", () => {
    const parsed = parseTransformations([
      {
        Action: { AttributeName: "price", Operation: "TWICE", Value: "x" },
        TimeSeriesConditions: [{ AttributeName: "", AttributeValue: null, Condition: "LIKE" }],
      },
      { Action: { AttributeName: "p", Operation: "DIVIDE", Value: 0, Extra: 1 } },
      7,
    ]);
    expect(parsed.kind === "faults" ? parsed.faults.map(({ where }) => where) : []).toEqual([
      "TimeSeriesTransformations[0].Action.Operation",
      "TimeSeriesTransformations[0].Action.Value",
      "TimeSeriesTransformations[0].TimeSeriesConditions[0].Condition",
      "TimeSeriesTransformations[0].TimeSeriesConditions[0].AttributeValue",
      "TimeSeriesTransformations[0].TimeSeriesConditions[0].AttributeName",
      "TimeSeriesTransformations[1].Action.Extra",
      "TimeSeriesTransformations[1].Action.Value",
      "TimeSeriesTransformations[2]",
    ]);
    expect(parseTransformations("x").kind).toBe("faults");
    expect(parseTransformations([]).kind).toBe("faults");
  });
});

describe("applying", () => {
  it("changes what the conditions name, in the future only", () => {
    const panel = shop();
    const {
      future,
      effects,
      warnings,
      panel: changed,
    } = applied(panel, "price *= 0.5 where category = juice and location != 2 and timestamp > 2024-01-03");
    expect(future("price")).toEqual([
      [2, 1, 1.5],
      [4, 4, Number.NaN],
      [1, 1, 1],
    ]);
    expect(effects).toMatchObject([{ cells: 2, series: 1 }]);
    expect(warnings).toEqual([
      "Change 1 (price) sets 1 cells far outside anything seen: 1 of oj / 1 at 2024-01-04, but it never was anything but 2. What the models make of it is a guess.",
    ]);
    expect(applied(panel, "price *= 0.9 where item_id = rye").warnings).toEqual([]);
    expect(applied(panel, "price = 300 where item_id = rye; holiday = 40").warnings).toEqual([
      expect.stringContaining("sets 3 cells far outside anything seen: 300 of rye / 1 at 2024-01-03, but it never was anything but 1"),
      expect.stringContaining("sets 3 cells far outside anything seen: 40 at 2024-01-03, but it never was anything but 0"),
    ]);
    expect(changed.values).toBe(panel.values);
    expect(changed.shared).toEqual(panel.shared);
    expect([...panel.regressors[0].values.subarray(0, 5)]).toEqual([2, 2, 2, 2, 3]);
    expect(changed.regressors[0].values.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it("compares numbers as they stand before the change, and in order of changes", () => {
    expect(applied(shop(), "price += 1 where price <= 2; price = 9 where Price = 3").future("price")).toEqual([
      [9, 9, 9],
      [4, 4, Number.NaN],
      [2, 2, 2],
    ]);
    expect(applied(shop(), "price = 7 where item_id in (rye) and location < 2").future("price")[2]).toEqual([7, 7, 7]);
  });

  it("keeps a shared regressor shared while changes go by time, and spreads it otherwise", () => {
    const byTime = applied(shop(), "holiday = 1 where timestamp = 2024-01-04");
    expect([...byTime.panel.shared[0].values]).toEqual([0, 0, 0, 1, 1]);
    expect(byTime.effects).toMatchObject([{ cells: 1, series: 3 }]);
    const byItem = applied(shop(), "holiday = 1 where item = rye; holiday = 0 where timestamp = 2024-01-05");
    expect(byItem.panel.shared).toEqual([]);
    expect(byItem.future("holiday")).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [1, 1, 0],
    ]);
    const onHoliday = applied(shop(), "price *= 2 where holiday = 1");
    expect(onHoliday.future("price").map((row) => row[2])).toEqual([6, Number.NaN, 2]);
    expect(onHoliday.warnings[0]).toBe("Change 1 (price) left 1 cells alone that are unknown.");
  });

  it("sets unknown cells, and warns where nothing was met or prices fall below zero", () => {
    expect(applied(shop(), "price = 4 where location = 2").future("price")[1]).toEqual([4, 4, 4]);
    expect(applied(shop(), "price *= 2 where category = juice and price > 9").warnings).toEqual([
      "Change 1 (price) met no cell of the 3 steps ahead. Check its conditions.",
    ]);
    expect(applied(shop(), "price -= 3 where item_id = rye").warnings.slice(1)).toEqual(["Change 1 (price) made 3 cells negative."]);
  });

  it("refuses a text that no series has, with what is near, beside known ones and turned round too", () => {
    const refused = (said: string) => {
      const result = applyChanges(shop(), changesOf(said));
      return result.kind === "faults" ? result.faults.map(({ message }) => message) : [];
    };
    expect(refused("price *= 2 where category = juce")).toEqual([
      'Expected texts that some series has, but no category is "juce"; near it: juice.',
    ]);
    expect(refused("price *= 2 where item in (oj, ryee)")).toEqual([
      'Expected texts that some series has, but no item is "ryee"; near it: rye.',
    ]);
    expect(refused("price *= 2 where category != vegetables")).toEqual([
      'Expected texts that some series has, but no category is "vegetables".',
    ]);
    expect(refused("price *= 2 where location = 1 and category = bread")).toEqual([]);
  });

  it("refuses names and values that cannot be, all at once", () => {
    const result = applyChanges(
      shop(),
      changesOf("cost = 1; price = 1 where colour = red and timestamp > soon and price = cheap and category < 3"),
    );
    expect(result.kind === "faults" ? result.faults.map(({ where, message }) => `${where}: ${message}`) : []).toEqual([
      "change 1: Expected a related series among price, holiday to change but received cost.",
      "change 2: Expected a condition on one of item_id, location, category, price, holiday, timestamp but received colour.",
      "change 2: Expected yyyy-MM-dd or yyyy-MM-dd HH:mm:ss for timestamp but received soon.",
      "change 2: Expected a number to compare price with but received cheap.",
      "change 2: Expected EQUALS or NOT_EQUALS on category, which holds texts such as juice, but received LESS_THAN.",
    ]);
  });

  it("never touches history or target, and multiplying undoes dividing", () => {
    const numberChange = fc.record({
      attribute: fc.constantFrom("price", "holiday"),
      operation: fc.constantFrom(...operations),
      value: fc.constantFrom(0.5, 2, 4),
      conditions: fc.array(
        fc.constantFrom(
          ...comparisons.flatMap((comparison) => [
            { attribute: "price", comparison, values: ["2"] },
            { attribute: "timestamp", comparison, values: ["2024-01-04"] },
          ]),
          { attribute: "category", comparison: "EQUALS" as const, values: ["juice"] },
        ),
        { maxLength: 2 },
      ),
    });
    fc.assert(
      fc.property(fc.array(numberChange, { minLength: 1, maxLength: 4 }), (changes) => {
        const panel = shop();
        const result = applyChanges(panel, changes);
        if (result.kind === "faults") throw new Error("these changes are all possible");
        for (let i = 0; i < 3; i++) {
          const before = seriesAt(panel, i);
          const after = seriesAt(result.panel, i);
          expect(after.values).toEqual(before.values);
          for (const { name, values } of before.regressors) {
            const now = after.regressors.find((each) => each.name === name)?.values ?? new Float64Array(0);
            expect([...now.subarray(0, 2)]).toEqual([...values.subarray(0, 2)]);
          }
        }
        expect(shop().regressors[0].values).toEqual(panel.regressors[0].values);
      }),
      { numRuns: 80 },
    );
    expect(applied(shop(), "price *= 4; price /= 4").future("price")).toEqual(applied(shop(), "price += 0").future("price"));
  });

  it("reads instants, and only those that exist", () => {
    expect(parseInstant("2024-02-29")).toBe(Date.UTC(2024, 1, 29));
    expect(parseInstant("2024-02-29 23:30")).toBe(Date.UTC(2024, 1, 29, 23, 30));
    for (const wrong of ["2023-02-29", "2024-13-01", "2024-01-01 24:00:00", "yesterday", "2024-1-1"])
      expect(parseInstant(wrong)).toBeUndefined();
  });
});

describe("a what-if from end to end", () => {
  it("sells more at a lower price, by about the elasticity the history shows, and only where it was lowered", () => {
    const random = makeRandom(1);
    const price = Float64Array.from({ length: 112 }, (_, t) => (t < 100 && t % 10 < 3 ? 1.5 : 2));
    const values = Float64Array.from({ length: 100 }, (_, t) => 50 * (price[t] / 2) ** -2 * Math.exp(0.05 * random.normal()));
    const panel = makePanel({
      grid: { frequency: { unit: "W", multiple: 1 }, startMs: Date.UTC(2022, 0, 3), length: 100, horizon: 12 },
      series: ["a", "b"].map((item) => ({ item, values, regressors: { price } })),
    });
    const { panel: cheaper } = applied(panel, "price -= 25% where item_id = a");
    const meanOf = (from: Panel, i: number): Float64Array => {
      const fitted = regression.fit(seriesAt(from, i), { horizon: 12, random: makeRandom(2), nonNegative: true });
      return fitted.kind === "fitted" ? fitted.forecast(12, []).mean : new Float64Array(0);
    };
    const { items } = compareForecasts(
      [0, 1].map((i) => ({ id: panel.itemIds[i], baseline: meanOf(panel, i), scenario: meanOf(cheaper, i) })),
    );
    // 0.75 to the power of -2 is 1.78.
    expect(Math.abs((items[0].percent ?? 0) - 78)).toBeLessThan(6);
    expect(items[1].delta).toBe(0);
  });
});

describe("comparison", () => {
  it("gives items, steps and total", () => {
    const pairs = [
      { id: "a", baseline: Float64Array.of(10, 10), scenario: Float64Array.of(12, 13) },
      { id: "b", baseline: Float64Array.of(0, 0), scenario: Float64Array.of(1, 0) },
    ];
    const { items, steps, total } = compareForecasts(pairs);
    expect(items).toEqual([
      { id: "a", baseline: 20, scenario: 25, delta: 5, percent: 25 },
      { id: "b", baseline: 0, scenario: 1, delta: 1, percent: undefined },
    ]);
    expect(steps[0]).toEqual({ baseline: 10, scenario: 13, delta: 3, percent: 30 });
    expect(total).toEqual({ baseline: 20, scenario: 26, delta: 6, percent: 30 });
    expect(() => compareForecasts([{ id: "x", baseline: new Float64Array(2), scenario: new Float64Array(3) }])).toThrow(
      "baseline and scenario of x",
    );
  });
});
