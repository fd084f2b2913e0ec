import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labelledRows, openClassify, salesRows, type ClassifyParts } from "../../../test/kit/classify.ts";
import { runWorkflow, tester, withRival } from "../../../test/kit/workflow.ts";
import { lineOf } from "../engine/lines.ts";
import { currentInferences } from "../store/inferences.ts";
import type { ObjectRef } from "../store/keys.ts";
import { insertLine } from "../store/lines.ts";
import { listRevisions, readFigures } from "../store/reports.ts";
import { listReviews } from "../store/reviews.ts";
import { makeCatchUp } from "./catch-up.ts";
import { makeCompare } from "./compare.ts";
import type { ClassifyDeps } from "./deps.ts";
import { makeInfer } from "./infer.ts";
import { listRejected } from "./rejected.ts";
import { makeReport, makeRestate, makeRetract } from "./report.ts";
import { answerReview } from "./review.ts";
import { makeTrain } from "./train.ts";
import { makeTrial } from "./trial.ts";

let parts: ClassifyParts;
const at = "2026-10-15T08:00:00.000Z";

beforeAll(async () => {
  parts = await openClassify();
  const file = await parts.put("classify/labelled/GBR/a.csv", labelledRows(120));
  const trained = await runWorkflow(makeTrain(parts.deps), { line: "GBR-WASTE", ...file });
  const compare = makeCompare(parts.deps, makeInfer(parts.deps), makeTrial(parts.deps));
  await runWorkflow(compare, { model: trained.output.model }, { runId: "compare", child: async (one) => await one.run() });
  // A second line of another country, without a champion.
  await parts.database.transaction(async (tx) => await insertLine(tx, parts.vault, lineOf("DEU", "WASTE"), at));
});
afterAll(async () => await parts.close());

const infer = async (key: string, lines: readonly string[]) => {
  const object = await parts.put(key, lines);
  return await runWorkflow(makeInfer(parts.deps), { kind: "period", ...object, lines: null }, { runId: `infer/${key}@${object.version}` });
};
const about = async (text: string) => (await parts.notices()).filter(({ id }) => id.includes(text));

describe("sales", () => {
  test("under a key that says no period and country are refused", async () => {
    await expect(infer("classify/sales/october.csv", salesRows(3))).rejects.toMatchObject({ code: "SALES_KEY", kind: "input" });
  });

  test("of a country without a line are in no figure, and that is told with the country that may be meant", async () => {
    const run = await infer("classify/sales/2026-10/GBX.csv", salesRows(3));
    expect(run.ran).toEqual(["plan", "tell"]);
    expect(run.output).toEqual({ items: 0, badRows: 0, predictions: [], waiting: [] });
    expect(await about("2026-10/GBX")).toMatchObject([{ severity: "warning", body: expect.stringContaining("Did you mean GBR?") }]);
    expect(await currentInferences(parts.database, "2026-10", "GBX")).toEqual([]);
  });

  test("of a line without a champion wait for it", async () => {
    const run = await infer("classify/sales/2026-10/DEU.csv", salesRows(3));
    expect(run.output).toMatchObject({ items: 0, waiting: ["DEU-WASTE"] });
    expect(await about("2026-10/DEU")).toMatchObject([{ title: "classify/sales/2026-10/DEU.csv waits for DEU-WASTE" }]);
    // Nothing to catch up with before there is a champion.
    const caught = await runWorkflow(makeCatchUp(parts.deps, makeInfer(parts.deps)), { line: "DEU-WASTE" });
    expect(caught.output.started).toEqual([]);
  });

  test("of mostly bad rows are coded by nobody, and the rows are listed", async () => {
    const bad = salesRows(6, "2026-08").map((row, index) => (index === 0 ? row : row.replace("2026-08", "2026-07")));
    await expect(infer("classify/sales/2026-08/GBR.csv", bad)).rejects.toMatchObject({
      code: "TOO_MANY_BAD_ROWS",
      message: expect.stringContaining("6 of 6 are not (6 ITEM_PERIOD)"),
    });
    expect(await currentInferences(parts.database, "2026-08")).toEqual([]);
    expect((await listRejected(parts.deps, "test", { period: "2026-08", limit: 10 })).total).toBe(6);
  });

  test("are coded once for a run, and their period is announced once", async () => {
    const run = await infer("classify/sales/2026-10/GBR.csv", [...salesRows(30), "bad,2026-10-11,kettle,one,2"]);
    expect(run.ran).toEqual(["plan", "label", "complete"]);
    expect(run.output).toMatchObject({ items: 30, badRows: 1, waiting: [] });
    const [coded, ...more] = await currentInferences(parts.database, "2026-10", "GBR");
    expect(more).toEqual([]);
    expect(coded).toMatchObject({ items: 30, badRows: 1 });
    expect(await about("classify.bad-rows/classify/sales/2026-10/GBR")).toMatchObject([{ body: expect.stringContaining("1 of 31 rows") }]);
    // A process that died after the commit labels again: the same row, the same news.
    const plan = new Map([...run.recorded].filter(([name]) => name === "plan"));
    const object = { key: "classify/sales/2026-10/GBR.csv", version: coded?.sales.version ?? "" };
    const again = await runWorkflow(
      makeInfer(parts.deps),
      { kind: "period", ...object, lines: null },
      { runId: `infer/${object.key}@${object.version}`, recorded: plan },
    );
    expect(again.ran).toEqual(["label", "complete"]);
    expect(await currentInferences(parts.database, "2026-10", "GBR")).toEqual([coded]);
    expect((await parts.events()).filter((event) => event.startsWith("classify.period.coded"))).toEqual([
      "classify.period.coded 2026-10/GBR",
    ]);
  });
});

describe("a report", () => {
  const report = async (period: string) =>
    (await runWorkflow(makeReport(parts.deps), { period, country: "GBR", fingerprint: "" }, { runId: `report/${period}` })).output;

  test("waits while a line has sales it has not coded", async () => {
    await parts.put("classify/sales/2026-09/GBR.csv", salesRows(6, "2026-09"));
    expect(await report("2026-09")).toEqual({
      revision: -1,
      isNew: false,
      figures: 0,
      waits: ["classify/sales/2026-09/GBR.csv by GBR-WASTE"],
    });
    expect(await listRevisions(parts.database, "2026-09", "GBR")).toEqual([]);
  });

  test("is written once, and again when an answer changes its figures; the night's restatement finds that", async () => {
    expect(await report("2026-10")).toMatchObject({ revision: 0, isNew: true, waits: [] });
    expect(await report("2026-10")).toMatchObject({ revision: 0, isNew: false });
    const restate = async () => (await runWorkflow(makeRestate(parts.deps), {}, { runId: "restate" })).output.written;
    expect(await restate()).toBe(0);
    const [review] = await listReviews(parts.database, { line: "GBR-WASTE", state: "waiting" });
    const other = review?.predicted === "K" ? "T" : "K";
    await answerReview(parts.deps, review?.id ?? "", other, "ann");
    expect(await restate()).toBe(1);
    const [first, second, ...more] = await listRevisions(parts.database, "2026-10", "GBR");
    expect([first?.reason, second?.reason, more]).toEqual(["first figures", "1 answers of reviewers since revision 0", []]);
    const itemsOf = async (revision: number, code: string) =>
      (await readFigures(parts.database, "2026-10", "GBR", revision)).find((figure) => figure.code === code)?.items ?? 0;
    expect((await itemsOf(1, other)) - (await itemsOf(0, other))).toBe(1);
  });

  test("is restated without sales that were deleted; of sales nobody reported nothing is written", async () => {
    const retract = async (key: string) => (await runWorkflow(makeRetract(parts.deps), { key }, { runId: `retract/${key}` })).output;
    expect(await retract("classify/models/x")).toEqual({ written: false, waits: [] });
    await parts.objects.remove(tester, "classify/sales/2026-09/GBR.csv");
    expect(await retract("classify/sales/2026-09/GBR.csv")).toEqual({ written: false, waits: [] });
    await parts.objects.remove(tester, "classify/sales/2026-10/GBR.csv");
    expect(await retract("classify/sales/2026-10/GBR.csv")).toEqual({ written: true, waits: [] });
    expect((await listRevisions(parts.database, "2026-10", "GBR")).at(-1)?.reason).toBe("classify/sales/2026-10/GBR.csv was deleted");
    expect(await readFigures(parts.database, "2026-10", "GBR", 2)).toEqual([]);
  });
});

describe("sales of one period in several files", () => {
  test("in files whose names differ in their ending or folder alone are coded, kept and listed side by side", async () => {
    const tabbed = (rows: readonly string[]): readonly string[] => rows.map((row) => row.replaceAll(",", "\t"));
    const rows = (name: string): readonly string[] => [
      ...salesRows(4, "2026-07").map((row) => row.replace(/^s/, name)),
      `${name}bad,2026-07-11,kettle,,2`,
    ];
    const files: readonly (readonly [string, readonly string[]])[] = [
      ["GBR.csv", rows("a")],
      ["GBR.tsv", tabbed(rows("b"))],
      ["GBR/part-1.csv", rows("c")],
      ["GBR/part-1.tsv", tabbed(rows("d"))],
      ["GBR/part/1.csv", rows("e")],
    ];
    for (const [name, lines] of files) await infer(`classify/sales/2026-07/${name}`, lines);
    const coded = await currentInferences(parts.database, "2026-07", "GBR");
    expect(new Set(coded.map(({ predictions }) => predictions.key)).size).toBe(files.length);
    // As they were named before there was another file beside them.
    expect(coded.map(({ predictions }) => predictions.key)).toEqual(
      expect.arrayContaining(["", ".part-1"].map((part) => `classify/predictions/2026-07/GBR/WASTE${part}.csv`)),
    );
    const { rows: rejected } = await listRejected(parts.deps, "test", { period: "2026-07", limit: 10 });
    expect(rejected.map(({ file }) => file.replace("classify/sales/2026-07/", "")).toSorted()).toEqual(
      files.map(([name]) => name).toSorted(),
    );
  });

  test("what came back, in a file of its own, is in no file twice; what was sold, in two, is", async () => {
    await infer("classify/sales/2026-04/GBR/sold.csv", salesRows(6, "2026-04"));
    const back = salesRows(3, "2026-04").map((row) => row.replace(",2,3.5", ",-1,1.75"));
    await infer("classify/sales/2026-04/GBR/back.csv", back);
    const shared = async () =>
      (await currentInferences(parts.database, "2026-04", "GBR")).map((one) => [
        one.sales.key.replace(/^.*\//, ""),
        Object.values(one.shared),
      ]);
    expect(await shared()).toEqual([
      ["back.csv", []],
      ["sold.csv", []],
    ]);
    await infer("classify/sales/2026-04/GBR/more.csv", [...salesRows(2, "2026-04"), ...back.slice(1)]);
    expect(Object.fromEntries(await shared())).toEqual({ "back.csv": [], "sold.csv": [], "more.csv": [3, 2] });
  });

  test("another file that cannot be read, or is removed meanwhile, is no hindrance; one removed before it is coded is coded by nobody", async () => {
    const [header = "", ...rows] = salesRows(6, "2027-01");
    const bad = infer("classify/sales/2027-01/GBR/bad.csv", ["id,Date,DATE,title,units,kg", "s0,2027-01-11,2027-01-11,kettle,2,3.5"]);
    await expect(bad).rejects.toMatchObject({ code: "ITEM_COLUMNS" });
    await infer("classify/sales/2027-01/GBR/gone.csv", [header, ...rows.slice(0, 2)]);
    const object = await parts.put("classify/sales/2027-01/GBR/good.csv", [header, ...rows]);
    const code = async (objects: ClassifyDeps["objects"], run: string) =>
      await runWorkflow(makeInfer({ ...parts.deps, objects }), { kind: "period", ...object, lines: null }, { runId: run });
    const raced = await code(
      withRival(parts.objects, tester, (key) => key.endsWith("/gone.csv")),
      "infer/raced",
    );
    expect(raced.output).toMatchObject({ items: 6, badRows: 0 });
    expect((await currentInferences(parts.database, "2027-01", "GBR")).map(({ sales, items }) => [sales.key, items])).toEqual([
      [object.key, 6],
    ]);
    await parts.objects.remove(tester, object.key);
    expect((await code(parts.objects, "infer/removed")).output).toEqual({ items: 0, badRows: 0, predictions: [], waiting: [] });
  });

  test("a version that was replaced while it was coded hides nothing of the one that counts", async () => {
    const key = "classify/sales/2026-03/GBR.csv";
    const former = await parts.put(key, [...salesRows(6, "2026-03"), "old,2026-03-11,kettle,,2"]);
    await infer(key, [...salesRows(7, "2026-03"), "new,2026-03-11,kettle,,2"]);
    const late = await runWorkflow(makeInfer(parts.deps), { kind: "period", ...former, lines: null }, { runId: "infer/late" });
    expect(late.output).toMatchObject({ predictions: [] });
    expect(await currentInferences(parts.database, "2026-03", "GBR")).toMatchObject([{ items: 7 }]);
    const { rows } = await listRejected(parts.deps, "test", { period: "2026-03", limit: 10 });
    expect(rows.map(({ line }) => line)).toEqual([9]);
  });

  test("a file put again with the same bad row: it is listed, once", async () => {
    const rows = [...salesRows(6, "2026-05"), "none,2026-05-11,kettle,,2"];
    const listed = async () => (await listRejected(parts.deps, "test", { period: "2026-05", limit: 10 })).rows.map(({ line }) => line);
    await infer("classify/sales/2026-05/GBR.csv", rows);
    expect(await listed()).toEqual([8]);
    await infer("classify/sales/2026-05/GBR.csv", [...rows, "more,2026-05-11,kettle,1,2"]);
    expect(await listed()).toEqual([8]);
    // Somebody else removes it between the list and the reading.
    const objects = withRival(parts.objects, tester, (each) => each.includes("/rejected"));
    expect(await listRejected({ objects }, "test", { period: "2026-05", limit: 10 })).toEqual({ rows: [], total: 0 });
  });

  test("coded again with wider bounds: rows that count now are listed no more, nor any row twice", async () => {
    const key = "classify/sales/2026-06/GBR.csv";
    const rows = [...salesRows(6, "2026-06"), "heavy,2026-06-11,kettle,1,3000"];
    await infer(key, rows);
    const total = async (): Promise<number> => (await listRejected(parts.deps, "test", { period: "2026-06", limit: 10 })).total;
    expect(await total()).toBe(1);
    // A file of the same name takes its place and goes again: what is kept of the first now lies under another key.
    const second = await parts.put(
      "classify/sales/2026-06/GBR.tsv",
      rows.map((row) => row.replaceAll(",", "\t").replace(/^s/, "t")),
    );
    const again = async (object: ObjectRef, deps: ClassifyDeps, runId: string): Promise<void> => {
      parts.clock.advance(1000);
      await runWorkflow(makeInfer(deps), { kind: "period", ...object, lines: null }, { runId });
    };
    await again(second, parts.deps, "infer/second");
    await parts.objects.remove(tester, key);
    await again(second, parts.deps, "infer/second/again");
    expect(await total()).toBe(1);

    const { settings } = parts.deps;
    // Whose rows set apart are taken away by somebody else before it comes to do so.
    const objects = withRival(parts.objects, tester, (each) => each.includes("/rejected"));
    const wide: ClassifyDeps = { ...parts.deps, objects, settings: { ...settings, sales: { ...settings.sales, maxUnitKg: 10_000 } } };
    await again(second, wide, "infer/second/wide");
    const [coded] = await currentInferences(parts.database, "2026-06", "GBR");
    expect(coded).toMatchObject({ items: 7, badRows: 0 });
    expect(await total()).toBe(0);
  });
});

test("sales under other names, with a column of days that none is named after: how they were read is told", async () => {
  const [, ...rows] = salesRows(6, "2026-12");
  await infer("classify/sales/2026-12/GBR.csv", ["ID,Belegdatum,Title,Units,KG", ...rows, "Total,,,12,21"]);
  expect(await currentInferences(parts.database, "2026-12", "GBR")).toMatchObject([{ items: 6, badRows: 1 }]);
  const [notice] = await about("classify.bad-rows/classify/sales/2026-12/GBR");
  expect(notice?.body).toContain("(1 ITEM_TOTAL)");
  expect(notice?.body).toContain('The column "Title" was read as "title".');
  expect(notice?.body).toContain('there is no column "date", and "Belegdatum" (2026-12-11) was not read.');
});
