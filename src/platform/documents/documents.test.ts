import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { checkValue, isTree, parseYaml, Reading } from "./index.ts";

const at = (line: number, column: number): object => ({ line, column });

describe("a YAML text", () => {
  const document = parseYaml(["a:", "  b: [1, {c: x}]", "  '7.1': &n {d: }", "e: *n", ""].join("\n"));

  test("has a place for every key and entry", () => {
    expect(document.value()).toEqual({ a: { b: [1, { c: "x" }], "7.1": { d: null } }, e: { d: null } });
    expect(document.places().map(({ path, key, value }) => [path.join("/"), key, value])).toEqual([
      ["a", at(1, 1), at(1, 1)],
      ["a/b", at(2, 3), at(2, 3)],
      ["a/b/0", undefined, at(2, 7)],
      ["a/b/1", undefined, at(2, 10)],
      ["a/b/1/c", at(2, 11), at(2, 14)],
      ["a/7.1", at(3, 3), at(3, 3)],
      ["a/7.1/d", at(3, 14), at(3, 14)],
      ["e", at(4, 1), at(4, 1)],
    ]);
  });

  test("has for any path the nearest place above it", () => {
    expect(document.positionOf(["a", "b", 1, "c"])).toEqual(at(2, 11));
    expect(document.positionOf(["a", "b", "1", "none", 4])).toEqual(at(2, 10));
    expect(document.positionOf(["a", "7.1", "d"])).toEqual(at(3, 14));
    expect(document.positionOf(["none"])).toEqual(at(1, 1));
    expect(document.positionOf([])).toEqual(at(1, 1));
    expect(parseYaml("").positionOf(["a"])).toBeUndefined();
  });

  test("tells all its mistakes with their places, and JSON is one", () => {
    expect(parseYaml("a: 1\na: 2\nb: [\n").mistakes.map(({ line }) => line)).toEqual([2, 4]);
    expect(parseYaml('{"a": [1, {"b": null}]}').positionOf(["a", 1, "b"])).toEqual(at(1, 12));
  });

  test("whatever the values, a place for each, in reading order, whose text is the value", () => {
    const leaf = fc.oneof(fc.integer(), fc.stringMatching(/^[a-z]{1,8}$/));
    const tree = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.array(tie("node"), { maxLength: 3 }),
        fc.dictionary(fc.stringMatching(/^[a-z.]{1,5}$/), tie("node"), { maxKeys: 3 }),
      ),
    })).node;
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tree, { minKeys: 1, maxKeys: 4 }), (value) => {
        const text = stringify(value, { aliasDuplicateObjects: false });
        const read = parseYaml(text);
        expect(read.value()).toEqual(value);
        const lines = text.split("\n");
        const textAt = ({ line, column }: { readonly line: number; readonly column: number }): string =>
          (lines[line - 1]?.slice(column - 1) ?? "").replace(/^["']/, "");
        const wrong = read.places().filter(({ path, key, value: spot }) => {
          let inside: unknown = value;
          for (const step of path) inside = isTree(inside) || Array.isArray(inside) ? Reflect.get(inside, step) : undefined;
          const isNumberElsewhere = typeof inside === "number" && !textAt(spot).startsWith(String(inside));
          return isNumberElsewhere || (key !== undefined && !textAt(key).startsWith(String(path.at(-1))));
        });
        expect(wrong).toEqual([]);
      }),
    );
  });
});

describe("a schema", () => {
  const schema = z.object({
    name: z.string().min(1).meta({ expected: "a name" }),
    rows: z.array(z.object({ kind: z.enum(["x", "y"]), size: z.int().min(1).optional() })).default([]),
    by: z.union([z.object({ day: z.int() }), z.object({ week: z.string() })]).optional(),
    token: z.string().min(9).meta({ secret: "whole" }).optional(),
  });
  const told = (value: Record<string, unknown>): string[] =>
    checkValue(schema, value, {
      show: (_, metas) => (metas.some((meta) => meta["secret"] !== undefined) ? "a secret" : undefined),
      remedy: (path) => `; set ${path.join(".")}`,
    }).problems.map(({ path, message, of }) => `${path.join(".")} (${of}): ${message}`);

  test("tells all mistakes at every depth, and what was meant", () => {
    expect(told({ rows: [{ kind: "z" }, { knid: "x", size: 0 }, 7], by: { wek: "a" }, token: "short", extra: 1 })).toEqual([
      "rows.1.knid (key): unknown key; did you mean kind?",
      "by.wek (key): unknown key; did you mean week?",
      "extra (key): unknown key; known here: name, rows, by, token",
      "name (value): expected a name but it is missing; set name",
      'rows.0.kind (value): expected one of x, y but got "z"',
      "rows.1.size (value): expected at least 1 but got 0",
      "rows.2 (value): expected a section but got 7",
      "token (value): expected text of at least 9 characters but got a secret",
    ]);
  });

  test("that is satisfied gives the values, and leaves those it was given alone", () => {
    const given = { name: "n", rows: [{ kind: "x", sise: 1 }] };
    const before = structuredClone(given);
    const { data, problems } = checkValue(schema, given);
    expect(problems).toHaveLength(1);
    expect(data).toEqual({ name: "n", rows: [{ kind: "x" }] });
    expect(given).toEqual(before);
  });
});

test("a reading tells a mistake once at each path that has it, where it is written", () => {
  const reading = new Reading("base: &b {size: big, colour: red}\none: {<<: *b, size: 7}\n", "test.yaml");
  for (const [, place] of [...(reading.entries(reading.root, "the file") ?? []), ...(reading.entries(reading.root, "the file") ?? [])]) {
    reading.map(place, "a group", { size: (inner) => reading.number(inner, "size", 0, 9, true), colours: () => undefined });
  }
  expect(reading.problems.map(({ path, line, column, message }) => `${line}:${column}: ${path}: ${message}`).toSorted()).toEqual([
    '1:17: base.size: Expected size as a whole number from 0 to 9 but received "big".',
    "1:22: base.colour: Expected a key of a group but colour is none. Did you mean colours?",
    "1:22: one.colour: Expected a key of a group but colour is none. Did you mean colours?",
  ]);
});
