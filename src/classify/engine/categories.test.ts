import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codeAt, findLabelShape, labelOfRow, levelsOf, pathsOf, type LabelRule } from "./categories.ts";

const many = (make: (i: number) => string, count = 40): readonly string[] => [...new Set(Array.from({ length: count }, (_, i) => make(i)))];
const tops = ["Home", "Garden", "Toys"];
const path = (i: number, join: string): string => [tops[i % 3], `${tops[i % 3]} kind ${i % 6}`, `part ${i}`].join(join);

describe("how cells are written", () => {
  test.each([
    ["greater than", (i: number) => path(i, " > "), { path: ">", several: null }],
    ["two signs", (i: number) => `["${path(i, " >> ")}"]`, { path: "list", several: null }],
    ["slashes", (i: number) => path(i, "/"), { path: "/", several: null }],
    ["bars", (i: number) => path(i, "|"), { path: "|", several: null }],
    ["colons", (i: number) => path(i, "::"), { path: "::", several: null }],
    ["JSON lists", (i: number) => JSON.stringify(path(i, "~").split("~")), { path: "list", several: null }],
    ["Python lists", (i: number) => `['${path(i, "', '")}']`, { path: "list", several: null }],
    ["nested lists", (i: number) => JSON.stringify([path(i, "~").split("~"), ["Sale"]]), { path: "list", several: null }],
    ["tags from broad to fine", (i: number) => path(i, ","), { path: ",", several: null }],
    ["several paths", (i: number) => `${tops[i % 3]}, ${path(i, " > ")}`, { path: ">", several: "," }],
    ["commas within names", (i: number) => `Food, Drinks & More > kind ${i % 7} > part ${i}`, { path: ">", several: null }],
    ["sets of names", (i: number) => [`t${i % 5}`, `t${(i + 1 + (i % 3)) % 5}`].join("|"), { path: null, several: "|" }],
    ["codes with slashes", (i: number) => `${8400 + i}`, { path: null, several: null }],
    ["names with a slash here and there", (i: number) => (i % 3 === 0 ? `Video/Audio ${i}` : `Thing ${i}`), { path: null, several: null }],
    ["names with commas", (i: number) => `Kettles, ${i}`, { path: null, several: null }],
  ] as const)("%s", (_, make, shape) => {
    expect(findLabelShape(many(make))).toEqual(shape);
  });
});

const rule = (more: Partial<LabelRule>): LabelRule => ({ columns: ["category"], path: null, several: null, level: null, ...more });

test.each([
  [["Home > Kitchen > Knives"], rule({ path: ">", level: "leaf" }), "Home > Kitchen > Knives"],
  [["Home > Kitchen > Knives"], rule({ path: ">", level: 2 }), "Home > Kitchen"],
  [["Home > Kitchen"], rule({ path: ">", level: 3 }), "Home > Kitchen"],
  [["Home>Kitchen"], rule({ path: ">", level: "top" }), "Home"],
  [["Sale, Home > Kitchen, Home"], rule({ path: ">", several: ",", level: "leaf" }), "Home > Kitchen"],
  [['[["Sale"],["Home","Kitchen"]]'], rule({ path: "list", level: "leaf" }), "Home > Kitchen"],
  [[`['Women\\'s', "Men's"]`], rule({ path: "list", level: "leaf" }), "Women's > Men's"],
  [["Action|Comedy"], rule({ several: "|" }), "Action"],
  [["Home", "Kitchen", "Knives"], rule({ columns: ["a", "b", "c"], level: 2 }), "Home > Kitchen"],
  [["Home", "", "Knives"], rule({ columns: ["a", "b", "c"], level: "leaf" }), "Home"],
  [[" 0471 "], rule({}), "0471"],
  [["A > B"], rule({}), "A > B"],
  [[""], rule({ path: ">", level: "leaf" }), ""],
  [["[]"], rule({ path: "list", level: "leaf" }), ""],
] as const)("the code of %j by %j is %s", (cells, by, code) => {
  expect(labelOfRow(cells, by)).toBe(code);
});

test("a code at a level is the beginning of the code below it, whatever the cell", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.constantFrom(">", "|", "/", "list", ","),
      fc.integer({ min: 1, max: 4 }),
      (text, separator, level) => {
        const [first = []] = pathsOf(text, { path: separator, several: null });
        expect(codeAt(first, "leaf").startsWith(codeAt(first, level))).toBe(true);
        expect(codeAt(first, level).startsWith(codeAt(first, "top"))).toBe(true);
      },
    ),
  );
});

test("figures of levels count codes, those of one item, and what enough items have", () => {
  const paths = [["A", "x"], ["A", "x"], ["A", "y"], ["B"]];
  expect(levelsOf(paths, 2)).toEqual([
    { level: "top", codes: 2, single: 1, covered: 0.75 },
    { level: "leaf", codes: 3, single: 2, covered: 0.5 },
  ]);
});
