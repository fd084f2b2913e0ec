import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openClassify, type ClassifyParts } from "../../../test/kit/classify.ts";
import { inferenceRow, minutesLater, modelRow, reviewRow, rowTime } from "../../../test/kit/classify-rows.ts";
import { tester } from "../../../test/kit/workflow.ts";
import { lineOf } from "../engine/lines.ts";
import { addAnswer, findAnswers, listAsked, listWords, lockAnswers, nameItem, type AnswerRow } from "./answers.ts";
import {
  currentInferences,
  earlierInferences,
  fingerprintOf,
  insertCompletion,
  insertInference,
  listCodedPeriods,
  listCodedSales,
  listInferencesBy,
  listLapsedSales,
  listModelsOf,
  listPeriods,
  readCompletion,
} from "./inferences.ts";
import { insertLine, insertModel } from "./lines.ts";
import { insertRevision, listReported, listRevisions, readFigures, type ReportFigure } from "./reports.ts";
import { auditRates, countReviews, findAsking, findPlaces, getReview, listAnswers, listReviews, queueReviews } from "./reviews.ts";

let parts: ClassifyParts;
const line = "GBR-WASTE";
const sales = "classify/sales/2026-10/GBR.csv";
/** The version of the sales that is current. */
let version = "";
let former = "";

beforeAll(async () => {
  parts = await openClassify();
  await parts.database.transaction(async (tx) => await insertLine(tx, parts.vault, lineOf("GBR", "WASTE"), rowTime));
  await insertModel(parts.database, modelRow("m1", line));
  await insertModel(parts.database, modelRow("m2", line));
  former = (await parts.put(sales, ["id", "1"])).version;
  version = (await parts.put(sales, ["id", "2"])).version;
});
afterAll(async () => await parts.close());

describe("inferences", () => {
  test("are read as they were written; of one id the first stands", async () => {
    const row = inferenceRow("i1", line, "m1", {
      sales: { key: sales, version },
      schemeRevision: 3,
      badRows: 2,
      shared: { "other@1": 4 },
      figures: {
        "1": { K: { items: 1, units: 2, kg: 0.1, autoItems: 1, autoUnits: 2, autoKg: 0.1, doubtItems: 0, doubtUnits: 0, doubtKg: 0 } },
      },
      drift: { level: "ok" },
    });
    expect(await insertInference(parts.database, row)).toBe(true);
    expect(await insertInference(parts.database, { ...row, items: 999 })).toBe(false);
    expect(await currentInferences(parts.database, "2026-10")).toEqual([row]);
  });

  test("count only when they coded the current version of the sales, the newest of each line", async () => {
    await insertInference(parts.database, inferenceRow("i0", line, "m2", { sales: { key: sales, version: former }, at: minutesLater(9) }));
    const counting = async () => (await currentInferences(parts.database, "2026-10", "GBR")).map(({ id }) => id);
    expect(await counting()).toEqual(["i1"]);
    await insertInference(parts.database, inferenceRow("i2", line, "m2", { sales: { key: sales, version }, at: minutesLater(1) }));
    expect(await counting()).toEqual(["i2"]);
    // Of the same moment, the greater id: whoever asks gets the same answer.
    await insertInference(parts.database, inferenceRow("i3", line, "m1", { sales: { key: sales, version }, at: minutesLater(1) }));
    expect(await counting()).toEqual(["i3"]);
    expect(await currentInferences(parts.database, "2026-10", "DEU")).toEqual([]);
    expect(await currentInferences(parts.database, "2026-11")).toEqual([]);
  });

  test("of former versions and models are found by what they are asked for", async () => {
    expect(await listCodedSales(parts.database, line)).toEqual([former, version].toSorted().map((one) => ({ key: sales, version: one })));
    expect(await listInferencesBy(parts.database, line, "m2")).toEqual(["i0", "i2"]);
    expect(await listModelsOf(parts.database, ["i0", "i1", "i2"])).toEqual([
      { line, model: "m1" },
      { line, model: "m2" },
    ]);
    expect(await listLapsedSales(parts.database, ["i0", "i1"])).toEqual([{ key: sales, replaced: true }]);
    expect(await listLapsedSales(parts.database, [])).toEqual([]);
  });

  test("of earlier months go back a year and no further", async () => {
    for (const period of ["2025-09", "2025-10", "2026-09"]) {
      const key = `classify/sales/${period}/GBR.csv`;
      const stored = await parts.put(key, ["id"]);
      await insertInference(parts.database, inferenceRow(`e${period}`, line, "m1", { period, sales: stored }));
    }
    expect((await earlierInferences(parts.database, line, "2026-10")).map(({ period }) => period)).toEqual(["2025-10", "2026-09"]);
    expect(await listCodedPeriods(parts.database, line, 2)).toEqual(["2026-10", "2026-09"]);
    expect((await listPeriods(parts.database)).map(({ period }) => period)).toEqual(["2026-10", "2026-09", "2025-10", "2025-09"]);
  });
});

describe("completion", () => {
  test("says which line has not coded which current sales", async () => {
    const all = [
      { key: sales, version },
      { key: "classify/sales/2026-10/GBR/b.csv", version: "1" },
    ];
    const read = async (lines: readonly string[]) => await readCompletion(parts.database, "2026-10", "GBR", all, lines);
    expect((await read([line])).missing).toEqual([{ line, sales: "classify/sales/2026-10/GBR/b.csv" }]);
    expect((await read([])).missing).toEqual([]);
    expect((await read([line])).inferences.map(({ id }) => id)).toEqual(["i3"]);
  });

  test("of one set of inferences is announced once, whatever their order", async () => {
    const [one, two] = [inferenceRow("a", line, "m1"), inferenceRow("b", line, "m1")];
    const print = fingerprintOf([one, two]);
    expect(fingerprintOf([two, one])).toBe(print);
    expect(fingerprintOf([one])).not.toBe(print);
    expect(await insertCompletion(parts.database, "2026-10", "GBR", print, rowTime)).toBe(true);
    expect(await insertCompletion(parts.database, "2026-10", "GBR", print, minutesLater(1))).toBe(false);
    expect(await insertCompletion(parts.database, "2026-10", "*", print, rowTime)).toBe(true);
  });
});

describe("reviews and answers", () => {
  const answer = async (review: string, given: Partial<AnswerRow>): Promise<AnswerRow> => {
    const { itemId: item, day, schemeVersion, period } = await getReview(parts.database, review);
    const usual = { answer: "T", kind: "given", reviewer: "ann", reason: "", source: undefined, at: rowTime } as const;
    return await parts.database.transaction(async (tx) => {
      await lockAnswers(tx, line);
      return await addAnswer(tx, { line, item, day, schemeVersion, period, review, ...usual, ...given });
    });
  };

  beforeAll(async () => {
    await queueReviews(parts.database, [
      reviewRow("r1", "i3", line, { units: 1 }),
      reviewRow("r2", "i3", line, { units: 5 }),
      reviewRow("r3", "i3", line, { kind: "audit", units: 1 }),
      // The same item, asked for by a coding that counts no more.
      reviewRow("old", "i1", line, { itemId: "item-r1" }),
    ]);
  });

  test("stand once; audit samples come first, then what is heaviest; those of former codings are not asked about", async () => {
    await queueReviews(parts.database, [reviewRow("r1", "i3", line, { predicted: "changed" })]);
    const waiting = await listReviews(parts.database, { line, state: "waiting" });
    expect(waiting.map(({ id }) => id)).toEqual(["r3", "r2", "r1"]);
    expect(waiting.at(-1)?.predicted).toBe("K");
    expect((await listReviews(parts.database, { line, kind: "low", limit: 1 })).map(({ id }) => id)).toEqual(["r2"]);
    expect((await getReview(parts.database, "old")).state).toBe("superseded");
    await expect(getReview(parts.database, "none")).rejects.toMatchObject({ code: "REVIEW_MISSING", kind: "missing" });
  });

  test("an answer is the item's: every review of it in that version has it, and the last word holds", async () => {
    const first = await answer("r1", {});
    expect(first.revision).toBe(0);
    const second = await answer("r1", { answer: "L", kind: "amended", reason: "looked again" });
    expect(second.revision).toBe(1);
    expect(second.id).not.toBe(first.id);
    for (const id of ["r1", "old"])
      expect(await getReview(parts.database, id)).toMatchObject({ state: "answered", answer: "L", answerId: second.id });
    expect((await listWords(parts.database, "item-r1", "2026-10")).map(({ answer: said }) => said)).toEqual(["T", "L"]);
    const key = { item: "item-r1", day: "2026-10-11" };
    expect((await findAnswers(parts.database, line, [key])).get(nameItem(key))?.map(({ answer: said }) => said)).toEqual(["L"]);
    expect((await findAnswers(parts.database, line, [])).size).toBe(0);
    expect((await findAnswers(parts.database, "DEU-WASTE", [key])).size).toBe(0);
    expect((await findAsking(parts.database, line, [key])).map(({ id }) => id)).toEqual(["r1"]);
    expect((await listAnswers(parts.database, { line })).map(({ answer: said }) => said)).toEqual(["L"]);
    expect((await listAnswers(parts.database, { line, answers: [first.id] })).map(({ answer: said }) => said)).toEqual(["T"]);
  });

  test("an answer taken back leaves the review waiting, with what was last said beside it", async () => {
    await answer("r2", {});
    await answer("r2", { answer: undefined, kind: "lapsed", reviewer: "law" });
    expect(await getReview(parts.database, "r2")).toMatchObject({
      state: "waiting",
      answer: undefined,
      former: { answer: "T", reviewer: "ann" },
    });
    expect((await listAsked(parts.database, line, "2026-10")).map(({ item, answered }) => [item, answered])).toEqual([
      ["item-r1", true],
      ["item-r2", true],
      ["item-r3", false],
    ]);
  });

  test("answers to audit samples give the rate of errors", async () => {
    expect(await auditRates(parts.database)).toEqual([]);
    await answer("r3", { answer: "T" });
    expect(await auditRates(parts.database)).toEqual([{ line, answered: 1, wrong: 1 }]);
    expect(await countReviews(parts.database)).toEqual([
      { line, kind: "audit", state: "answered", count: 1 },
      { line, kind: "low", state: "answered", count: 1 },
      { line, kind: "low", state: "superseded", count: 1 },
      { line, kind: "low", state: "waiting", count: 1 },
    ]);
    expect(await findPlaces(parts.database, ["r3", "none"])).toEqual(
      new Map([["r3", { object: { key: "classify/review/r3", version: "1" }, row: 0 }]]),
    );
  });

  test("two who answer at once get two revisions, one after the other", async () => {
    const both = await Promise.all([
      answer("r3", { answer: "A", at: minutesLater(1) }),
      answer("r3", { answer: "B", at: minutesLater(1) }),
    ]);
    expect(both.map(({ revision }) => revision).toSorted((a, b) => a - b)).toEqual([1, 2]);
    const last = both.find(({ revision }) => revision === 2);
    expect((await getReview(parts.database, "r3")).answer).toBe(last?.answer);
  });
});

describe("reports", () => {
  const figure = (code: string): ReportFigure => ({
    scheme: "WASTE",
    schemeVersion: "1",
    code,
    items: 1,
    units: 2,
    kg: 0.123,
    itemsMargin: 1,
    unitsMargin: 1,
    kgMargin: 0.5,
    returnedUnits: 0,
    returnedKg: 0,
  });
  const revision = (number: number) => ({
    period: "2026-10",
    country: "GBR",
    revision: number,
    reason: `reason ${number}`,
    source: { inferences: ["i3"] },
    object: { key: "classify/reports/x", version: "1" },
    at: rowTime,
  });

  test("are read as they were written, figures in the order of their code units, revisions in theirs", async () => {
    await insertRevision(parts.database, revision(1), [figure("b"), figure("a"), figure("B")]);
    await insertRevision(parts.database, revision(0), []);
    expect(await listRevisions(parts.database, "2026-10")).toEqual([revision(0), revision(1)]);
    expect(await readFigures(parts.database, "2026-10", "GBR", 1)).toEqual([figure("B"), figure("a"), figure("b")]);
    expect(await readFigures(parts.database, "2026-10", "GBR", 0)).toEqual([]);
    expect(await listReported(parts.database)).toEqual([{ period: "2026-10", country: "GBR" }]);
  });

  test("a revision is never written twice, and a figure stands once in it", async () => {
    await expect(insertRevision(parts.database, revision(1), [])).rejects.toMatchObject({ code: "23505" });
    const twice = parts.database.transaction(async (tx) => await insertRevision(tx, revision(2), [figure("a"), figure("a")]));
    await expect(twice).rejects.toMatchObject({ code: "23505" });
    expect(await listRevisions(parts.database, "2026-10")).toHaveLength(2);
  });
});

test("sales that were deleted have no coding that counts, and their month is no month with figures", async () => {
  await parts.objects.remove(tester, "classify/sales/2025-09/GBR.csv");
  expect(await currentInferences(parts.database, "2025-09")).toEqual([]);
  expect(await listLapsedSales(parts.database, ["e2025-09"])).toEqual([{ key: "classify/sales/2025-09/GBR.csv", replaced: false }]);
  expect((await listPeriods(parts.database)).map(({ period }) => period)).not.toContain("2025-09");
});
