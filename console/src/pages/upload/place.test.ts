import { describe, expect, it } from "vitest";
import { endingOf, groupOf, keyOf, likelyKind, placeOf } from "./place.ts";

describe("where a file is put", () => {
  it("is told by its name", () => {
    expect(groupOf("Umsätze Filialen 2026.csv")).toBe("Umsatze_Filialen_2026");
    expect(groupOf("2026.csv")).toBe("sales");
    expect([endingOf("a.CSV.gz"), endingOf("a.xlsx"), endingOf("a.dat")]).toEqual([".csv.gz", ".xlsx", ".csv"]);
    expect(placeOf("sales_GBR_2026-10.csv", "sales")).toMatchObject({ country: "GBR", period: "2026-10" });
  });

  it("is a key of what it is, or says what is missing", () => {
    const place = placeOf("Verkauf.csv", "target");
    expect(keyOf(place, "Verkauf.csv")).toEqual({ key: "forecast/train/Verkauf.csv" });
    expect(keyOf({ ...place, kind: "related" }, "Preise.xlsx")).toEqual({ key: "forecast/train/Verkauf.related.xlsx" });
    expect(keyOf({ ...place, kind: "labelled", country: "GBR" }, "june.csv")).toEqual({ key: "classify/labelled/GBR/june.csv" });
    expect(keyOf({ ...place, kind: "labelled" }, "june.csv")).toEqual({ key: "classify/labelled/june.csv" });
    expect(keyOf({ ...place, kind: "sales", country: "GBR", period: "2026-10" }, "x.csv")).toEqual({
      key: "classify/sales/2026-10/GBR.csv",
    });
    expect(keyOf({ ...place, kind: "sales", country: "GBR", period: "2026-13" }, "x.csv")).toHaveProperty("missing");
    expect(keyOf({ ...place, kind: "sales", country: "gb!", period: "2026-10" }, "x.csv")).toHaveProperty("missing");
    expect(keyOf({ ...place, group: "9" }, "x.csv")).toHaveProperty("missing");
    expect(keyOf({ ...place, kind: "other", key: "notes/a.txt" }, "a.txt")).toEqual({ key: "notes/a.txt" });
    expect(keyOf({ ...place, kind: "other", key: "/a" }, "a.txt")).toHaveProperty("missing");
  });

  it("is of the kind that the modules see in it", () => {
    const forecast = { uses: [], questions: [], notes: [], isLong: true, intake: {}, horizon: 28 };
    const catalogue = { uses: [], questions: [], notes: [], hasLabel: true, level: undefined, flags: [] };
    expect(likelyKind(forecast, undefined)).toBe("target");
    expect(likelyKind(undefined, catalogue)).toBe("labelled");
    expect(likelyKind({ ...forecast, questions: [{ text: "Which?", answers: [] }] }, catalogue)).toBe("labelled");
    expect(likelyKind(forecast, catalogue)).toBe("target");
    expect(likelyKind(undefined, { ...catalogue, hasLabel: false })).toBe("other");
  });
});
