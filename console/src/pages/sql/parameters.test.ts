import { assert, pre, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { parametersOf, withValues } from "./parameters.ts";

describe("parameters of a query", () => {
  it("finds them, and nothing in quotes, comments and casts", () => {
    expect(parametersOf(`select a::date, ':no', ":not" from t where a > :from and b = :item -- :never\n/* :ever */ and c = :from`)).toEqual(
      ["from", "item"],
    );
  });

  it("puts values in as literals", () => {
    expect(withValues("select :a, :b, :c, :d, '::', x::int", { a: "12.5", b: "O'Neill", c: "", d: "007" })).toBe(
      "select 12.5, 'O''Neill', NULL, '007', '::', x::int",
    );
  });

  it("never lets a value out of its quotes", () => {
    assert(
      property(string({ unit: "grapheme" }), (value) => {
        const query = withValues("select :it", { it: value });
        const inside = query.slice("select ".length);
        if (inside === "NULL" || /^-?[\d.]+$/.test(inside)) return;
        // Quotes at both ends, and within them no quote that stands alone.
        expect(inside).toMatch(/^'(?:[^']|'')*'$/);
        expect(inside.slice(1, -1).replaceAll("''", "'")).toBe(value);
      }),
    );
  });

  it("leaves every other character as it was", () => {
    assert(
      property(string(), (query) => {
        pre(parametersOf(query).length === 0);
        expect(withValues(query, {})).toBe(query);
      }),
    );
  });
});
