import { describe, expect, test } from "vitest";
import { sapSettings } from "./settings.ts";

const source = {
  name: "demand",
  url: "https://sap.example.com/sap/ZDEMAND_SRV",
  set: "Facts",
  keys: ["Product", "Day"],
  group: "retail",
  columns: { item_id: "Product", timestamp: "Day", demand: "Quantity" },
};
const target = { name: "car", kind: "odata", url: source.url, set: "Forecasts", fields: { PRODUCT: { from: "item_id" } } };

/** Paths of what is wrong. */
const wrong = (settings: unknown): readonly string[] =>
  (sapSettings.safeParse(settings).error?.issues ?? []).map(({ path }) => path.join("."));

test("a source and a target as the documents have them are right", () => {
  expect(wrong({ sources: [source], targets: [target] })).toEqual([]);
  expect(wrong({ sources: [{ ...source, cron: "0 4 * * *", types: { demand: "number" } }] })).toEqual([]);
});

describe("what can only be a slip is told before anything runs", () => {
  test.each([
    ["a type of a column that the source has not", { types: { launhc: "time" } }, "types.launhc"],
    ["a time that cron does not know", { cron: "61 * * * *" }, "cron"],
    ["a group that no key can name", { group: "re tail" }, "group"],
  ])("%s", (_, change, at) => {
    expect(wrong({ sources: [{ ...source, ...change }] })).toEqual([`sources.0.${at}`]);
  });

  test.each([
    ["a key that no field fills", { keys: ["PRODUCT", "DAY"] }, "keys.1"],
    ["a group that no key can name", { automatic: ["retail", "re tail"] }, "automatic.1"],
  ])("%s", (_, change, at) => {
    expect(wrong({ targets: [{ ...target, ...change }] })).toEqual([`targets.0.${at}`]);
  });
});
