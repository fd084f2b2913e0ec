import { describe, expect, it } from "vitest";
import { markWords, parseEvidence } from "./evidence.ts";

const marked = (text: string, evidence: string): readonly string[] =>
  markWords(text, parseEvidence(evidence)).flatMap((piece) => (piece.weight === undefined ? [] : [`${piece.text}:${piece.weight}`]));

describe("evidence in an item's text", () => {
  it("reads words with their weights, also an empty field and words with colons", () => {
    expect(parseEvidence("kettle:0.52 stainless steel:-0.31 :0.10 a:b:1.00")).toEqual([
      { word: "kettle", weight: 0.52 },
      { word: "stainless steel", weight: -0.31 },
      { word: "", weight: 0.1 },
      { word: "a:b", weight: 1 },
    ]);
    expect(parseEvidence("")).toEqual([]);
  });

  it("marks whole words whatever their case and form, and the longest run first", () => {
    expect(marked("KETTLE of Stainless Steel, steel-grey, kettles", "kettle:0.52 stainless steel:0.31 steel:0.10")).toEqual([
      "KETTLE:0.52",
      "Stainless Steel:0.31",
      "steel:0.1",
    ]);
    expect(marked("Zamrażarka skrzyniowa", "zamrażarka:4.88")).toEqual(["Zamrażarka:4.88"]);
    expect(marked("ＫＥＴＴＬＥ", "kettle:1.00")).toEqual(["ＫＥＴＴＬＥ:1"]);
  });

  it("marks single characters of scripts without spaces", () => {
    expect(marked("静音 デスクライト", "ス:2.13 デ:1.83")).toEqual(["デ:1.83", "ス:2.13"]);
  });

  it("loses nothing of the text", () => {
    for (const text of ["", "a kettle 😀 of steel", "kettle", "2段ベッド"])
      expect(
        markWords(text, parseEvidence("kettle:1.00 段:1.00"))
          .map((piece) => piece.text)
          .join(""),
      ).toBe(text);
  });
});
