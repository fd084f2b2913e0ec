import { expect, test } from "vitest";
import { parseConditions } from "../../../../src/forecast/engine/scenario/command.ts";
import { afterKey, isSelected, parseSelection, printSelection, wordsOf } from "./cells.ts";

const row = (...ids: string[]) => ({ ids, system: [], used: [], low: [], high: [] });
const cells = {
  idColumns: ["item_id", "store"],
  instants: ["2026-01-01", "2026-02-01", "2026-03-01"],
  rows: [row("tea", "oslo"), row("green tea", "oslo"), row("tea", "bergen")],
};

test("a selection goes through the URL, and one beyond the grid is none", () => {
  const selection = { fromRow: 2, fromStep: 1, toRow: 0, toStep: 2 };
  expect(parseSelection(printSelection(selection), 3, 3)).toEqual(selection);
  expect(parseSelection(printSelection(selection), 2, 3)).toBeUndefined();
  expect(parseSelection("0.0", 3, 3)).toBeUndefined();
  expect(isSelected(selection, 1, 1)).toBe(true);
  expect(isSelected(selection, 1, 0)).toBe(false);
});

test("keys move the selection, with Shift its end, and never beyond the grid", () => {
  const start = { fromRow: 0, fromStep: 0, toRow: 0, toStep: 0 };
  expect(afterKey(start, "ArrowDown", true, 3, 3)).toEqual({ ...start, toRow: 1 });
  expect(afterKey({ ...start, toRow: 1 }, "End", false, 3, 3)).toEqual({ fromRow: 1, fromStep: 2, toRow: 1, toStep: 2 });
  expect(afterKey(start, "ArrowUp", false, 3, 3)).toEqual(start);
  expect(afterKey(start, "x", false, 3, 3)).toBeUndefined();
});

test("series that differ in their item alone are one adjustment, which the server reads as it is meant", () => {
  const words = wordsOf(cells, { fromRow: 2, fromStep: 2, toRow: 0, toStep: 1 }, { kind: "percent", value: 10 });
  expect(words).toEqual([
    { kind: "percent", value: 10, where: 'item_id in (tea, "green tea") and store = oslo', from: "2026-02-01", to: "2026-03-01" },
    { kind: "percent", value: 10, where: "item_id = tea and store = bergen", from: "2026-02-01", to: "2026-03-01" },
  ]);
  expect(parseConditions(words[0]?.where ?? "")).toMatchObject({
    conditions: [
      { attribute: "item_id", values: ["tea", "green tea"] },
      { attribute: "store", values: ["oslo"] },
    ],
  });
});

test("a long list is several adjustments, none of them too long for the server, none of the items lost", () => {
  const many = { ...cells, rows: Array.from({ length: 400 }, (_, at) => row(`item_number_${at}`, "oslo")) };
  const words = wordsOf(many, { fromRow: 0, fromStep: 0, toRow: 399, toStep: 0 }, { kind: "set", value: 1 });
  expect(words.length).toBeGreaterThan(1);
  for (const { where = "" } of words) expect(where.length).toBeLessThan(4_000);
  const items = words.flatMap(({ where = "" }) => {
    const parsed = parseConditions(where);
    return parsed.kind === "conditions" ? (parsed.conditions[0]?.values ?? []) : [];
  });
  expect(items).toEqual(many.rows.map(({ ids }) => ids[0]));
});
