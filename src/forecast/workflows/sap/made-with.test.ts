import { expect, test } from "vitest";
import { isOtherKind, madeWith } from "./made-with.ts";

const source = {
  url: "https://sap.example.com/sap/ZDEMAND_SRV",
  client: undefined,
  set: "Facts",
  filter: undefined,
  keys: ["Product", "Day"],
  columns: { item_id: "Product", timestamp: "Day", demand: "Quantity" },
};

test.each([
  ["the host", { url: "https://other.example.com/sap/ZDEMAND_SRV" }],
  ["the client", { client: "300" }],
  ["the client in the address", { url: `${source.url}?sap-client=300` }],
  ["the set", { set: "FactsOfOther" }],
  ["the filter", { filter: "Product ne 'P9'" }],
  ["the keys", { keys: ["Product", "Day", "Unit"] }],
  ["a column with another field", { columns: { ...source.columns, price: "Price" } }],
])("other rows or fields by %s", (_, change) => {
  expect(madeWith({ ...source, ...change })).not.toBe(madeWith(source));
});

test.each([
  ["another order of keys", { keys: ["Day", "Product"] }],
  ["another name of a column", { columns: { item_id: "Product", timestamp: "Day", sales: "Quantity" } }],
])("the same rows and fields by %s", (_, change) => {
  expect(madeWith({ ...source, ...change })).toBe(madeWith(source));
});

test("the client may stand in the address or by itself", () => {
  expect(madeWith({ ...source, client: "100" })).toBe(madeWith({ ...source, url: `${source.url}?sap-client=100` }));
});

test("a kind that is said goes before one that was found", () => {
  expect([isOtherKind({ kind: "additive" }, null), isOtherKind({ kind: "overwriting" }, "additive")]).toEqual([true, true]);
  expect([isOtherKind({ kind: "auto" }, "additive"), isOtherKind({ kind: "overwriting" }, null)]).toEqual([false, false]);
});
