// What people file: only current sales count, answers outlive every later coding and can be amended. One app, one small line, figures by hand.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findAudit, verifyAuditLog } from "../../src/classify/workflows/audit.ts";
import { setChampion } from "../../src/classify/workflows/champions.ts";
import { readReport } from "../../src/classify/workflows/commands.ts";
import { recodePeriod } from "../../src/classify/workflows/recode.ts";
import { writeReport } from "../../src/classify/workflows/report.ts";
import { currentInferences, listPeriods } from "../../src/classify/store/inferences.ts";
import { listRevisions, readFigures } from "../../src/classify/store/reports.ts";
import { listAnswers, listReviews, type ReviewRow } from "../../src/classify/store/reviews.ts";
import { amendReview, answerReview, readReviews } from "../../src/classify/workflows/review.ts";
import { newInferRuns } from "../../src/classify/workflows/commands.ts";
import type { App } from "../../src/app.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/app.ts";

const country = "GBR";
const signal = new AbortController().signal;
let place: TestPlace;
let app: App;

const labelled = `id,country,title,brand,description,date,code.GBR-TEST\n${Array.from(
  { length: 400 },
  (_, i) => `g${i},GBR,${i % 2 === 0 ? "kettle steel" : "phone case"} ${i},Acme,,2026-01-01,${i % 2 === 0 ? "K" : "P"}`,
).join("\n")}\n`;

/** From October on: kettles have a new code, phone cases are split. `september`: the first day of the new version moved there. */
const scheme = (from = "2026-10-01", lastDay = "2026-09-30"): string => `scheme: GBR-TEST
country: GBR
versions:
  - version: old
    valid_from: 2020-01-01
    valid_to: ${lastDay}
    codes: [{ code: K, name: kettles }, { code: P, name: phone things }, { code: X, name: other things }]
  - version: new
    valid_from: ${from}
    codes: [{ code: K2, name: kettles }, { code: P1, name: cases }, { code: P2, name: covers }, { code: X2, name: other things }]
mappings:
  - from: old
    to: new
    codes: [{ from: K, to: [K2] }, { from: P, to: [P1, P2] }, { from: X, to: [X2] }]
`;

const soldHead = "id,country,title,brand,description,date,units,kg\n";
/** Items `from` to `to - 1` of a period; every other one is a kettle, each weighs 1.5 kg. */
const sold = (period: string, from: number, to: number): string =>
  Array.from(
    { length: to - from },
    (_, i) => `s${from + i},GBR,${(from + i) % 2 === 0 ? "kettle steel" : "phone case"} ${from + i},Acme,,${period}-05,2,1.5\n`,
  ).join("");

const put = async (key: string, text: string): Promise<void> => {
  await app.objects.put(operator, key, textBytes(text));
  await settled(app);
};
const remove = async (key: string): Promise<void> => {
  await app.objects.remove(operator, key);
  await settled(app);
};
const figuresNow = async (period: string): Promise<Record<string, number>> => {
  const last = (await listRevisions(app.database, period, country)).at(-1);
  const figures = await readFigures(app.database, period, country, last?.revision ?? -1);
  return Object.fromEntries(figures.map((figure) => [figure.code, figure.items]));
};

beforeAll(async () => {
  place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "2" });
  app = await openAt(place, { work: true, quiet: true });
  await put("classify/schemes/test.yaml", scheme());
  await put("classify/labelled/GBR/all.csv", labelled);
  // A second model, before anybody has answered anything: it says the same of every item.
  await put("classify/labelled/GBR/more.csv", labelled.replaceAll("Acme", "Bolt").replaceAll(/^g/gm, "h"));
}, 120_000);

afterAll(async () => {
  await app.close();
  await place.remove();
});

describe("only current sales count", () => {
  const period = "2026-08";
  const folder = `classify/sales/${period}`;

  test("a file deleted after its parts were put leaves the parts alone in every figure, and the report is restated with the reason", async () => {
    await put(`${folder}/GBR.csv`, soldHead + sold(period, 0, 122));
    expect(await figuresNow(period)).toEqual({ K: 61, P: 61 });
    await put(`${folder}/GBR/part-1.csv`, soldHead + sold(period, 0, 61));
    await put(`${folder}/GBR/part-2.csv`, soldHead + sold(period, 61, 122));
    const twice = async () => (await readReport(app.classify.deps, { period })).reports[0]?.twice ?? [];
    expect(await twice()).toEqual([
      `61 items of ${folder}/GBR/part-1.csv are also in ${folder}/GBR.csv and count in both; delete one of the files`,
      `61 items of ${folder}/GBR/part-2.csv are also in ${folder}/GBR.csv and count in both; delete one of the files`,
    ]);
    const notices = await app.notices.list({ topic: "mlops", limit: 1000 });
    expect(notices.some((notice) => notice.body.includes("61 of its items are also in"))).toBe(true);
    await remove(`${folder}/GBR.csv`);
    expect(await twice()).toEqual([]);

    const inferences = await currentInferences(app.database, period);
    expect(inferences.map((row) => [row.sales.key.slice(folder.length), row.items])).toEqual([
      ["/GBR/part-1.csv", 61],
      ["/GBR/part-2.csv", 61],
    ]);
    expect(await figuresNow(period)).toEqual({ K: 61, P: 61 });
    expect((await listRevisions(app.database, period)).at(-1)?.reason).toContain(`${folder}/GBR.csv was deleted`);
    expect(await listPeriods(app.database)).toEqual([{ period, countries: 1, items: 122 }]);
    expect(await findAudit(app.classify.deps, "test", "s3", period, signal)).toHaveLength(1);
    const recoded = await recodePeriod(app.classify.deps, "test", { period, scheme: undefined, to: undefined }, signal);
    expect(recoded.map((one) => [one.same, one.mapped, one.ambiguous])).toEqual([
      [0, 31, 30],
      [0, 30, 31],
    ]);
    const waiting = await listReviews(app.database, { period, state: "waiting", limit: 10_000 });
    const known = new Set(inferences.map((row) => row.id));
    expect(waiting.length).toBeGreaterThan(0);
    for (const review of waiting) expect(known).toContain(review.inference);
  }, 60_000);

  test("a file replaced by a smaller one counts with its new rows only", async () => {
    await put(`${folder}/GBR/part-2.csv`, soldHead + sold(period, 61, 71));
    expect(await figuresNow(period)).toEqual({ K: 36, P: 35 });
    expect((await listRevisions(app.database, period)).at(-1)?.reason).toContain("part-2.csv was replaced by a newer version");
  }, 60_000);

  test("a replacement that cannot be coded leaves the last revision standing, and says what it waits for", async () => {
    const before = await listRevisions(app.database, period);
    await put(`${folder}/GBR/part-2.csv`, `${soldHead}s1,GBR,kettle,Acme,,no date,2,1\n`);
    expect(await writeReport(app.classify.deps, "test", period, country)).toMatchObject({
      isNew: false,
      waits: [`${folder}/GBR/part-2.csv by GBR-GBR-TEST`],
    });
    expect(await listRevisions(app.database, period)).toEqual(before);
    const { reports } = await readReport(app.classify.deps, { period });
    expect(reports[0]?.waits).toEqual([`${folder}/GBR/part-2.csv by GBR-GBR-TEST`]);
  }, 60_000);

  test("sales deleted to the last file are restated to nothing", async () => {
    await remove(`${folder}/GBR/part-2.csv`);
    expect(await figuresNow(period)).toEqual({ K: 31, P: 30 });
    await remove(`${folder}/GBR/part-1.csv`);
    expect(await figuresNow(period)).toEqual({});
    const { reports } = await readReport(app.classify.deps, { period });
    expect(reports[0]?.figures.map((figure) => [figure.code, figure.items, figure.first?.items])).toEqual([
      ["K", 0, 61],
      ["P", 0, 61],
    ]);
    expect(await listPeriods(app.database)).toEqual([{ period, countries: 0, items: 0 }]);
  }, 60_000);
});

describe("an answer belongs to the item and outlives every later coding", () => {
  const period = "2026-07";
  const key = `classify/sales/${period}/GBR.csv`;
  const line = "GBR-GBR-TEST";
  /** Phone cases that a person calls other things. */
  let answered: readonly ReviewRow[];

  const waiting = async (): Promise<readonly string[]> =>
    (await listReviews(app.database, { line, period, state: "waiting", limit: 10_000 })).map((review) => review.itemId).toSorted();
  const storyOf = async (item: string) => {
    const stories = await findAudit(app.classify.deps, "test", item, period, signal);
    expect(stories).toHaveLength(1);
    return stories[0];
  };
  const codeAgain = async (): Promise<void> => {
    for (const run of await newInferRuns(app.classify.deps, { period, line }))
      await app.workflows.start(run.workflow, run.input, { id: run.id });
    await settled(app);
    await writeReport(app.classify.deps, "test", period, country);
  };
  /** 100 items, five answers: five cases less and five other things more, whatever codes them. */
  const expectAnswersLaidOver = async (): Promise<void> => {
    expect(await figuresNow(period)).toEqual({ K: 50, P: 45, X: 5 });
    expect(await waiting()).not.toEqual(
      expect.arrayContaining([expect.stringMatching(new RegExp(`^(${answered.map((one) => one.itemId).join("|")})$`))]),
    );
    for (const one of answered) expect(await storyOf(one.itemId)).toMatchObject({ code: "P", reviewed_code: "X", reviewer: "ann" });
  };

  test("infer again, the file put again with the same items, a new champion: the same figures, nothing queued again, the reviewer is shown", async () => {
    await put(key, soldHead + sold(period, 0, 100));
    expect(await figuresNow(period)).toEqual({ K: 50, P: 50 });
    // Of those that nothing was sure of: what was decided by itself and is called wrong would hold the line.
    answered = (await listReviews(app.database, { line, period, limit: 10_000 }))
      .filter((review) => review.predicted === "P" && review.kind === "low")
      .slice(0, 5);
    expect(answered).toHaveLength(5);
    for (const review of answered) await answerReview(app.classify.deps, review.id, "X", "ann");
    await writeReport(app.classify.deps, "test", period, country);
    await expectAnswersLaidOver();
    const queue = await waiting();
    const revisions = (await listRevisions(app.database, period, country)).length;

    await codeAgain();
    await expectAnswersLaidOver();
    expect(await waiting()).toEqual(queue);
    expect(await listRevisions(app.database, period, country)).toHaveLength(revisions);

    // Other rows in another order, the answered items among them.
    await put(key, soldHead + sold(period, 50, 100) + sold(period, 0, 50));
    await expectAnswersLaidOver();

    const before = (await currentInferences(app.database, period))[0]?.model;
    const [model] = await app.database.query<{ id: string }>("select id from stockroom.classify_model where id <> $1", [before]);
    await setChampion(app.classify.deps, line, model?.id ?? "", { reason: "to see what comes of it" });
    await codeAgain();
    expect((await currentInferences(app.database, period))[0]?.model).toBe(model?.id);
    await expectAnswersLaidOver();
  }, 90_000);

  test("one answered but not in the file any more counts nowhere, and does again when it comes back", async () => {
    const gone = answered.map((one) => one.itemId);
    const without = (soldHead + sold(period, 0, 100)).split("\n").filter((row) => !gone.includes(row.split(",")[0] ?? ""));
    await put(key, without.join("\n"));
    expect(await figuresNow(period)).toEqual({ K: 50, P: 45 });
    await put(key, soldHead + sold(period, 0, 100));
    await expectAnswersLaidOver();
  }, 60_000);

  test("a recoding takes the answer where the mapping leaves no choice, and asks again where it splits", async () => {
    const kettle = (await listReviews(app.database, { line, period, limit: 10_000 })).find((review) => review.predicted === "K");
    const split = (await listReviews(app.database, { line, period, limit: 10_000 })).find(
      (review) => review.predicted === "K" && review.id !== kettle?.id,
    );
    await answerReview(app.classify.deps, kettle?.id ?? "", "X", "bob");
    await answerReview(app.classify.deps, split?.id ?? "", "P", "bob");
    const recodeNow = async () => await recodePeriod(app.classify.deps, "test", { period, scheme: "GBR-TEST", to: "new" }, signal);
    expect(await recodeNow()).toMatchObject([{ answered: 6, mapped: 48, ambiguous: 46 }]);
    const again = await readReviews(app.classify.deps, "test", { line, period, kind: "recode", state: "waiting" });
    expect(again).toMatchObject([
      { itemId: split?.itemId, schemeVersion: "new", predicted: "K2", former: { answer: "P", reviewer: "bob" } },
    ]);
    expect(again[0]?.item["title"]).toContain("kettle");
    await answerReview(app.classify.deps, again[0]?.id ?? "", "P2", "cyd");
    const [made] = await recodeNow();
    expect(made).toMatchObject({ answered: 7, mapped: 48, ambiguous: 45 });
    const text = Buffer.from(await app.objects.read(operator, made?.object ?? "")).toString("utf8");
    const rowOf = (item: string | undefined): string => text.split("\n").find((row) => row.startsWith(`${item},`)) ?? "";
    expect(rowOf(split?.itemId)).toMatch(/,P2,.*,answered,,P2,cyd$/);
    expect(rowOf(kettle?.itemId)).toMatch(/,X2,.*,answered,,X,bob$/);
    // Of the figures, in the version they were coded by, the answers in another version are no part.
    await writeReport(app.classify.deps, "test", period, country);
    expect(await figuresNow(period)).toEqual({ K: 48, P: 46, X: 6 });
  }, 60_000);

  test("where the law moves under the items, answers are carried by the mapping, or the items wait again with the former answer", async () => {
    await put("classify/schemes/test.yaml", scheme("2026-07-01", "2026-06-30"));
    await codeAgain();
    const stories = await Promise.all(answered.map(async (one) => await storyOf(one.itemId)));
    for (const story of stories) expect(story).toMatchObject({ scheme_version: "new", reviewed_code: "X2", reviewer: "ann" });
    const all = await listReviews(app.database, { line, period, limit: 10_000 });
    expect(all.filter((review) => review.answer === "X2")).toHaveLength(6);
    // The split one was answered for the new version already.
    expect(all.find((review) => review.answer === "P2")).toMatchObject({ reviewer: "cyd" });
    expect((await figuresNow(period))["X2"]).toBe(6);

    const case9 = all.find((review) => review.predicted.startsWith("P") && review.state === "waiting");
    await answerReview(app.classify.deps, case9?.id ?? "", "P1", "dan");
    await put("classify/schemes/test.yaml", scheme());
    await codeAgain();
    // No mapping leads back: what was said in the new version alone is asked again, what was said in the old one stands.
    const back = await listReviews(app.database, { line, period, state: "waiting", limit: 10_000 });
    expect(back.find((review) => review.itemId === case9?.itemId)).toMatchObject({
      schemeVersion: "old",
      former: { answer: "P1", reviewer: "dan" },
    });
    expect(await figuresNow(period)).toEqual({ K: 48, P: 46, X: 6 });
  }, 60_000);

  test("an answer is amended with a reason: figures and labels follow, the old word stays", async () => {
    const [first] = answered;
    const amend = async (code: string, reviewer: string, reason: string) =>
      await amendReview(app.classify.deps, first?.id ?? "", { code, reviewer, reason });
    await expect(answerReview(app.classify.deps, first?.id ?? "", "K", "bob")).rejects.toMatchObject({ code: "REVIEW_ANSWERED" });
    await expect(amend("none", "bob", "why")).rejects.toMatchObject({ code: "REVIEW_CODE" });
    await expect(amend("K", "bob", "")).rejects.toMatchObject({ code: "REVIEW_ANSWER" });
    await expect(amend("X", "bob", "why")).rejects.toMatchObject({ code: "REVIEW_SAME" });
    await amend("P", "bob", "it is a case after all");
    await writeReport(app.classify.deps, "test", period, country);
    expect(await figuresNow(period)).toEqual({ K: 48, P: 47, X: 5 });
    expect(await storyOf(first?.itemId ?? "")).toMatchObject({ reviewed_code: "P", reviewer: "bob" });
    const told = (await storyOf(first?.itemId ?? ""))?.answers.join("\n");
    expect(told).toMatch(/^X \(version old, given by ann/);
    expect(told).toMatch(/P \(version old, amended by bob at .*: it is a case after all\)$/);
    const labels = await listAnswers(app.database, { line });
    expect(labels.filter((label) => label.itemId === first?.itemId)).toMatchObject([{ answer: "P", reviewer: "bob" }]);
    const log = await app.database.query("select record from stockroom.classify_audit where kind = 'answer' order by seq");
    expect(log.at(-1)).toMatchObject({ record: { answer: "P", reviewer: "bob", former: "X", formerReviewer: "ann" } });
    await codeAgain();
    expect(await figuresNow(period)).toEqual({ K: 48, P: 47, X: 5 });
  }, 60_000);
});

test("an answer on an item moves it as sold and as returned", async () => {
  const period = "2026-06";
  await put(`classify/sales/${period}/GBR.csv`, `${soldHead}${sold(period, 0, 4)}s1,GBR,phone case 1,Acme,,${period}-05,-1,-0.75\n`);
  const [review] = (await listReviews(app.database, { period, limit: 100 })).filter((one) => one.itemId === "s1" && one.units > 0);
  await answerReview(app.classify.deps, review?.id ?? "", "X", "ann");
  const unitsNow = async () => {
    await writeReport(app.classify.deps, "test", period, country);
    const figures = await readFigures(app.database, period, country, (await listRevisions(app.database, period, country)).length - 1);
    return Object.fromEntries(
      figures.map(({ code, units, kg, returnedUnits, returnedKg }) => [code, [units, kg, returnedUnits, returnedKg]]),
    );
  };
  // What came back of the item is told with the code that the item has now.
  const right = { K: [4, 3, 0, 0], P: [2, 1.5, 0, 0], X: [1, 0.75, 1, 0.75] };
  expect(await unitsNow()).toEqual(right);
  for (const run of await newInferRuns(app.classify.deps, { period })) await app.workflows.start(run.workflow, run.input, { id: run.id });
  await settled(app);
  expect(await unitsNow()).toEqual(right);
  expect(await listRevisions(app.database, period, country)).toHaveLength(2);
}, 60_000);

test("after all of it the log vouches for every row", async () => {
  expect((await verifyAuditLog(app.classify.deps, "test", signal)).problems).toEqual([]);
});
