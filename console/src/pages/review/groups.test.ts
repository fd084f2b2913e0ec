import { describe, expect, it } from "vitest";
import { alikeOf, groupReviews, paceOf, placesText, plainTitle, toSend, type Review } from "./groups.ts";

const review = (id: string, given: Partial<Review> = {}): Review => ({
  id,
  inference: "i",
  line: "GBR-WASTE",
  period: "2026-10",
  kind: "low",
  itemId: "freezer",
  day: "2026-10-11",
  object: { key: "k", version: "1" },
  row: 0,
  schemeVersion: "1",
  predicted: "1",
  runnerUp: "2",
  probability: 0.5,
  units: 3,
  kg: 9,
  state: "waiting",
  item: { title: "Chest freezer 200 l", brand: "Norvelo" },
  evidence: "",
  reason: "",
  ...given,
});
const columns = ["title", "description"];

describe("what is asked once", () => {
  it("asks a freezer of three codings in one scheme version once, and its other scheme right after", () => {
    const groups = groupReviews(
      [
        review("a"),
        review("other", { itemId: "lamp", item: { title: "Lamp" } }),
        review("b", { period: "2026-09", day: "2026-09-30" }),
        review("customs", { line: "GBR-CUSTOMS" }),
        review("c", { line: "IRL-WASTE" }),
      ],
      columns,
    );
    expect(groups.map((group) => group.reviews.map(({ id }) => id))).toEqual([["a", "b", "c"], ["customs"], ["other"]]);
    expect(placesText(groups[0])).toBe("GBR-WASTE 2026-09, 2026-10; IRL-WASTE 2026-10");
    expect(groups[0]).toMatchObject({ scheme: "WASTE", version: "1", title: "Chest freezer 200 l" });
  });

  it("keeps apart another version, and one id with other words", () => {
    const groups = groupReviews([review("a"), review("b", { schemeVersion: "2" }), review("c", { item: { title: "Desk lamp" } })], columns);
    expect(groups.map(({ reviews }) => reviews.length)).toEqual([1, 1, 1]);
  });

  it("sends one answer for rows of one item on one day: the server takes it for all of them", () => {
    const rows = [
      review("sold"),
      review("returned", { units: -1 }),
      review("later", { day: "2026-10-20" }),
      review("abroad", { line: "IRL-WASTE" }),
    ];
    expect(toSend(rows).map(({ id }) => id)).toEqual(["sold", "later", "abroad"]);
  });

  it("finds what is alike: the same title and predicted code, in the same scheme version", () => {
    const groups = groupReviews(
      [
        review("a"),
        review("b", { itemId: "x1", item: { title: "CHEST FREEZER, 200 L!" } }),
        review("c", { itemId: "x2", predicted: "2" }),
        review("d", { itemId: "x3", item: { title: "Chest freezer 300 l" } }),
        review("e", { itemId: "x4", schemeVersion: "2" }),
      ],
      columns,
    );
    expect(alikeOf(groups[0], groups).map(({ reviews }) => reviews[0].id)).toEqual(["b"]);
    expect(plainTitle("  Chest-Freezer (200 l) ")).toBe("chest freezer 200 l");
  });
});

describe("the pace", () => {
  it("counts answers of the last ten minutes, from the third one on", () => {
    expect(paceOf([0, 1_000], 2_000)).toBeUndefined();
    // Five answers, four stretches of 7.2 s: 500 an hour.
    expect(paceOf([0, 7_200, 14_400, 21_600, 28_800], 30_000)).toBeCloseTo(500, 6);
    expect(paceOf([0, 1, 2], 700_000)).toBeUndefined();
  });
});
