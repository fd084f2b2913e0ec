import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { serialize } from "node:v8";
import { makeDatasetBuilder, takeItems, type Item } from "../../engine/dataset.ts";
import { decodePrepared, encodePrepared, type PreparedItems } from "./prepared.ts";

const columns = { text: ["title", "brand"], categories: ["country"], numbers: ["kg"] };
/** Any code units: lone surrogates, controls and the empty text too. */
const text = fc.oneof(fc.string({ unit: "binary", maxLength: 12 }), fc.constantFrom("", "kettle", "\ud800", "é", "日本", "\u0000"));
const item: fc.Arbitrary<Item> = fc.record({
  text: fc.tuple(text, text),
  categories: fc.tuple(text),
  numbers: fc.tuple(text),
});
const rows = fc.array(
  fc.record({
    item,
    code: fc.constantFrom("A", "B", "C"),
    group: fc.option(fc.constantFrom("g", "h"), { nil: undefined }),
    isTest: fc.boolean(),
  }),
  { maxLength: 40 },
);

function prepare(
  all: readonly { readonly item: Item; readonly code: string; readonly group: string | undefined; readonly isTest: boolean }[],
): PreparedItems {
  const builder = makeDatasetBuilder(columns);
  for (const row of all) builder.add(row.item, row.code, row.group);
  return { items: builder.build(), isTest: Uint8Array.from(all, (row) => (row.isTest ? 1 : 0)) };
}

describe("prepared items", () => {
  test("are read as they were written, whatever their texts", () => {
    fc.assert(
      fc.property(rows, (all) => {
        const prepared = prepare(all);
        expect(decodePrepared(encodePrepared(prepared))).toEqual(prepared);
      }),
    );
  });

  test("are the same bytes for the same items, and name a repeated text once", () => {
    const title = "a long title that many items have ".repeat(10);
    const one = { item: { text: [title, "Acme"], categories: ["GBR"], numbers: ["1"] }, code: "A", group: undefined, isTest: false };
    const bytes = encodePrepared(prepare(Array.from({ length: 500 }, () => one)));
    expect(bytes).toEqual(encodePrepared(prepare(Array.from({ length: 500 }, () => one))));
    expect(bytes.length).toBeLessThan(500 * 50);
  });

  test("of another release are refused, with the way out", () => {
    for (const other of [{ format: 0 }, { format: 2 }, {}]) {
      expect(() => decodePrepared(serialize(other))).toThrow(expect.objectContaining({ code: "PREPARED_FORMAT", kind: "fault" }));
    }
  });
});

test("items taken from a dataset make the dataset that they alone would make", () => {
  fc.assert(
    fc.property(rows, fc.func(fc.boolean()), (all, isWanted) => {
      const { items } = prepare(all);
      const wanted = [...all.keys()].filter((index) => isWanted(index));
      const builder = makeDatasetBuilder(columns);
      for (const index of wanted) builder.add(all[index].item, all[index].code, String(items.groups[index]));
      expect(takeItems(items, wanted)).toEqual(builder.build());
    }),
  );
});
