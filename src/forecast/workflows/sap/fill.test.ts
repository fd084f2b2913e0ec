import { expect, test } from "vitest";
import { checkFields, fillRow, seriesFields, seriesOf } from "./fill.ts";
import type { FieldFill } from "./settings.ts";

const fields: Readonly<Record<string, FieldFill>> = {
  Client: { value: "100" },
  Material: { from: "item_id", as: "text", decimals: 3 },
  Plant: { from: "store", as: "text", decimals: 3 },
  Day: { from: "timestamp", as: "dats", decimals: 3 },
  At: { from: "timestamp", as: "date", decimals: 3 },
  Quantity: { from: "p50", as: "decimal", decimals: 3 },
  Mean: { from: "mean", as: "number", decimals: 3 },
};
const target = { name: "apo", fields };
const columns = ["item_id", "store", "timestamp", "p50", "mean"];
const places = new Map(columns.map((name, place) => [name, place]));
const fill = (...row: readonly string[]): unknown => fillRow(target, places, row);

test("a row becomes fields as they were asked for, keys as they are", () => {
  expect(fill("000123", "20240131", "2026-10-31", "1.5", "2")).toEqual({
    Client: "100",
    Material: "000123",
    Plant: "20240131",
    Day: "20261031",
    At: { date: Date.UTC(2026, 9, 31) },
    Quantity: "1.500",
    Mean: 2,
  });
  expect(fill("a", "b", "2026-10-31 12:30:00", "1", "0.1")).toMatchObject({ Day: "20261031", At: { date: Date.UTC(2026, 9, 31, 12, 30) } });
});

test.each([
  ["Quantity", ["a", "b", "2026-10-31", "", "1"]],
  ["Mean", ["a", "b", "2026-10-31", "1", "many"]],
  ["Day", ["a", "b", "soon", "1", "1"]],
])("what is no value for %s is told with the field, never sent as something else", (field, row) => {
  expect(() => fill(...row)).toThrow(
    expect.objectContaining({ kind: "input", code: "SAP_VALUE", message: expect.stringContaining(field) }),
  );
});

test("columns that an export lacks are told at once, all of them", () => {
  expect(() => checkFields(target, ["item_id", "timestamp", "mean"])).toThrow(
    expect.objectContaining({ code: "SAP_FIELDS", message: expect.stringMatching(/Plant \(from store\), Quantity \(from p50\)/) }),
  );
  expect(() => checkFields(target, columns)).not.toThrow();
});

test("rows of one series have one name, whatever their time and values; of another, another", () => {
  const named = seriesFields(target, columns);
  expect(named).toEqual(["Material", "Plant"]);
  const of = (item: string, store: string, p50: string): string =>
    seriesOf(named, fillRow(target, places, [item, store, "2026-10-31", p50, "1"]));
  expect(of("a", "b", "1")).toBe(of("a", "b", "2"));
  expect(new Set([of("a", "b", "1"), of("b", "a", "1"), of("ab", "", "1"), of("", "ab", "1")]).size).toBe(4);
});
