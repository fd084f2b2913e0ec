import { expect, test } from "vitest";
import { parseConditions } from "../../../../src/forecast/engine/scenario/command.ts";
import { csvCells, csvRows } from "./csv.ts";
import { parseNode, printNode, titleOf, whereOf, type Node } from "./node.ts";

const odd: Node = [
  ["category", 'tea; "green" = 50%'],
  ["identifier", "Grüner Tee, 20er"],
  ["store", ""],
];

test("a node goes through the URL and comes back the same", () => {
  expect(parseNode(printNode(odd))).toEqual(odd);
  expect(parseNode(new URLSearchParams(new URLSearchParams({ at: printNode(odd) }).toString()).get("at") ?? "")).toEqual(odd);
  expect(parseNode("")).toEqual([]);
  expect(parseNode("=x;a=%;b=c")).toEqual([["b", "c"]]);
});

test("its conditions are read by the server as they are meant", () => {
  expect(parseConditions(whereOf(odd.slice(0, 2)))).toEqual({
    kind: "conditions",
    conditions: [
      { attribute: "category", comparison: "EQUALS", values: ['tea; "green" = 50%'] },
      { attribute: "item_id", comparison: "EQUALS", values: ["Grüner Tee, 20er"] },
    ],
  });
  expect(titleOf(odd.slice(2))).toBe("store (none)");
  expect(titleOf([])).toBe("all series");
});

test("CSV: quotes, line breaks in cells, a last line without an end, empty cells", () => {
  expect(csvCells('a,b\r\n"x, ""y""","1\n2"\n,\nlast,')).toEqual([
    ["a", "b"],
    ['x, "y"', "1\n2"],
    ["", ""],
    ["last", ""],
  ]);
  expect(csvCells("")).toEqual([]);
  expect(csvRows("item_id,mean\ntea,3\n")).toEqual([{ item_id: "tea", mean: "3" }]);
});
