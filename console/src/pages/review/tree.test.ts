import { describe, expect, it } from "vitest";
import { makeCodeBook } from "../../data/codebook.ts";
import { layTree, searchCodes } from "./tree.ts";

const codes = [
  { code: "A", name: "Machines", heading: true },
  { code: "A1", name: "Kühlgeräte", parent: "A" },
  { code: "B", name: "Lamps" },
  { code: "A2", name: "Ovens", parent: "A" },
  { code: "A1.1", name: "Freezers", parent: "A1" },
  { code: "X", name: "Loop", parent: "Y" },
  { code: "Y", name: "Loop too", parent: "X" },
] as const;

describe("the tree of codes", () => {
  it("lays each code under its parent, in the law's order, and loses none", () => {
    const tree = layTree(codes);
    expect(tree.map(({ code, depth }) => `${code}:${depth}`)).toEqual(["A:0", "A1:1", "A1.1:2", "A2:1", "B:0", "X:0", "Y:0"]);
    expect(tree[2]?.above).toEqual(["Machines", "Kühlgeräte"]);
  });

  it("finds codes by their own words and by those above, whatever the accents; headings are no answer", () => {
    const tree = layTree(codes);
    expect(searchCodes(tree, "kuhl").map(({ code }) => code)).toEqual(["A1", "A1.1"]);
    expect(searchCodes(tree, "machines ov").map(({ code }) => code)).toEqual(["A2"]);
    expect(searchCodes(tree, "a1").map(({ code }) => code)).toEqual(["A1", "A1.1"]);
    expect(searchCodes(tree, " ")).toEqual(tree);
    expect(searchCodes(tree, "nothing")).toEqual([]);
  });

  it("knows names and what stands above, and says nothing of what it does not know", () => {
    const book = makeCodeBook(new Map([["WASTE", new Map([["1", codes]])]]));
    expect(book.nameOf("WASTE", "1", "B")).toBe("Lamps");
    expect(book.aboveOf("WASTE", "1", "A1.1")).toEqual(["Machines", "Kühlgeräte"]);
    expect(book.aboveOf("WASTE", "1", "X")).toEqual(["Loop too"]);
    expect(book.codesOf("WASTE", "2")).toBeUndefined();
    expect(book.nameOf("NONE", "1", "B")).toBe("");
  });
});
