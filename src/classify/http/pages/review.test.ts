import { describe, expect, test } from "vitest";
import type { ReviewItem } from "../../workflows/review.ts";
import type { CodeBook } from "./codes.ts";
import { reviewPage, type ReviewView } from "./review.ts";

const review: ReviewItem = {
  id: "1",
  inference: "i",
  line: "GBR-WASTE",
  period: "2026-10",
  kind: "low",
  object: { key: "k", version: "1" },
  row: 0,
  schemeVersion: "2019",
  predicted: "5",
  runnerUp: "6",
  probability: 0.5,
  units: 1,
  kg: 1,
  state: "waiting",
  answer: undefined,
  reviewer: undefined,
  answeredAt: undefined,
  answerId: undefined,
  former: undefined,
  itemId: "1",
  day: "2026-10-03",
  item: { title: "kettle", id: "x", units: "1" },
  evidence: "electric kettle:2.49 :0.53 16:9:-0.10",
  reason: "below the floor",
};
const bookOf = (codes: readonly string[] | undefined): CodeBook => ({
  codes: () => codes?.map((code) => ({ code, name: `name of ${code}` })),
  name: (_scheme, _version, code) => (codes?.includes(code) === true ? `name of ${code}` : ""),
});
const pageOf = (changes: Partial<ReviewItem>, view: Partial<ReviewView> = {}): string =>
  reviewPage({
    reviews: [{ ...review, ...changes }],
    book: bookOf(["5", "6", "7"]),
    filter: {},
    lines: ["GBR-WASTE"],
    periods: ["2026-10"],
    waiting: 1,
    textColumns: ["title", "description"],
    saidColumns: ["units", "kg"],
    reviewer: "ann",
    token: "t",
    kept: undefined,
    ...view,
  })
    .toString()
    .replaceAll(/\s+/g, " ");

describe("reviewPage", () => {
  test("says why an item was not decided automatically", () => {
    expect(pageOf({})).toContain("<dt>Not automatic</dt> <dd>below the floor</dd>");
    expect(pageOf({ reason: "" })).not.toContain("Not automatic");
  });

  test("offers what was predicted, the runner-up, and every code by name", () => {
    const page = pageOf({});
    expect(page).toContain('<form method="post" action="/classify/review">');
    expect(page).toMatch(/<button name="code" value="5"[^>]*>Confirm 5<\/button>/);
    expect(page).toMatch(/<button name="code" value="6"[^>]*>Runner-up 6<\/button>/);
    for (const code of ["5", "6", "7"]) expect(page).toContain(`<option value="${code}">${code} · name of ${code}</option>`);
  });

  test("offers nothing that would be refused: no empty code, none of another version, no runner-up that says the same", () => {
    expect(pageOf({ predicted: "", runnerUp: "" })).not.toContain("<button name=");
    expect(pageOf({ predicted: "", runnerUp: "" })).toContain("only a person can say");
    expect(pageOf({ predicted: "99", runnerUp: "5" })).not.toContain("Confirm");
    expect(pageOf({ runnerUp: "5" })).not.toMatch(/>Runner-up 5/);
  });

  test("lets any code be written where nobody imported the version", () => {
    const page = pageOf({}, { book: bookOf(undefined) });
    expect(page).toContain('<input name="code" required');
    expect(page).toContain("Confirm 5");
  });

  test("lets nobody answer without a name", () => {
    const page = pageOf({}, { reviewer: "" });
    expect(page).not.toContain('<form method="post" action="/classify/review">');
    expect(page).not.toContain("Confirm");
    expect(page).toContain("Say who you are");
  });

  test("shows evidence word by word, whatever signs a word holds, and bounds an endless one", () => {
    const page = pageOf({});
    for (const [word, weight] of [
      ["electric kettle", "2.49"],
      ["an empty field", "0.53"],
      ["16:9", "-0.10"],
    ]) {
      expect(page).toContain(`<bdi>${word}</bdi> <small>${weight}</small>`);
    }
    expect(pageOf({ evidence: "x".repeat(1_000_000) }).length).toBeLessThan(20_000);
    expect(pageOf({ evidence: "1:".repeat(500_000) }).length).toBeLessThan(20_000);
  });

  test("shows other columns beside the text, and says it when there is no text", () => {
    expect(pageOf({})).toMatch(/<dt>id<\/dt> <dd><bdi>x<\/bdi><\/dd>/);
    expect(pageOf({})).not.toContain("<dt>units</dt>");
    expect(pageOf({ item: { title: " " } })).toContain("(no text)");
  });
});
