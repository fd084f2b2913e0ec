import * as fc from "fast-check";
import { expect, test } from "vitest";
import { jsonText, maxJsonBytes, readJson } from "./json.ts";

test("what is written is read back the same, keys in their order, any text", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = jsonText(value, "it");
      expect(JSON.stringify(readJson(text))).toBe(text);
      // -0 becomes 0, as JSON knows only one zero.
      expect(JSON.stringify(readJson(text))).toBe(JSON.stringify(value));
    }),
  );
});

class Thing {
  readonly name = "thing";
}

const loop: Record<string, unknown> = {};
loop["self"] = { loop };

test.each([
  ["undefined", undefined, ""],
  ["a bigint", { rows: [1, { n: 1n }] }, ".rows[1].n"],
  ["NaN", [Number.NaN], "[0]"],
  ["Infinity", { a: { b: Number.POSITIVE_INFINITY } }, ".a.b"],
  ["a undefined", { gone: undefined }, ".gone"],
  // oxlint-disable-next-line no-sparse-arrays -- the hole is the point
  ["a undefined", [1, , 3], "[1]"],
  ["a Date object", { at: new Date(0) }, ".at"],
  ["a Map object", new Map(), ""],
  ["a Uint8Array object", { bytes: new Uint8Array(2) }, ".bytes"],
  ["a Thing object", [new Thing()], "[0]"],
  ["a function", { call: () => 1 }, ".call"],
  ["a symbol", { key: Symbol("s") }, ".key"],
  ["toJSON", { toJSON: () => 1 }, ""],
  ["contains itself", loop, ".self.loop"],
])("%s is refused with its place", (found, value, place) => {
  expect(() => jsonText(value, "the result")).toThrow(
    expect.objectContaining({ code: "WORKFLOW_NOT_JSON", facts: { path: place }, message: expect.stringContaining(found) }),
  );
});

test("the same object twice is no circle", () => {
  const shared = { a: 1 };
  expect(jsonText([shared, shared], "it")).toBe(`[{"a":1},{"a":1}]`);
});

test("data is refused, references are not", () => {
  expect(() => jsonText("é".repeat(maxJsonBytes / 2), "it")).toThrow(expect.objectContaining({ code: "WORKFLOW_TOO_LARGE" }));
  expect(jsonText("é".repeat(maxJsonBytes / 2 - 1), "it")).toHaveLength(maxJsonBytes / 2 + 1);
});
