// The classification flow end to end, in a real app: uploads start everything, repeats start nothing, bad input ends where it should.

import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeShop } from "../../src/classify/sample/shop.ts";
import { gather } from "../../src/platform/bytes.ts";
import type { App } from "../../src/app.ts";
import { currentInferences } from "../../src/classify/store/inferences.ts";
import { listLines, listModels, listVerdicts } from "../../src/classify/store/lines.ts";
import { listRevisions, readFigures } from "../../src/classify/store/reports.ts";
import { listReviews } from "../../src/classify/store/reviews.ts";
import { answerReview, readReviews } from "../../src/classify/workflows/review.ts";
import { writeReport } from "../../src/classify/workflows/report.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/app.ts";

const shop = makeShop({ seed: 11, items: 500, countries: ["DEU", "GBR"], months: ["2026-09", "2026-10"] });
const shopFiles = [...shop.files()];

describe("an upload of labels and sales", () => {
  let place: TestPlace;
  let app: App;

  beforeAll(async () => {
    place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "4" });
    app = await openAt(place, { work: true, quiet: true });
    for (const file of shopFiles) if (!file.key.includes("/sales/")) await app.objects.put(operator, file.key, file.body());
    await settled(app);
    for (const file of shopFiles) if (file.key.includes("/sales/")) await app.objects.put(operator, file.key, file.body());
    await settled(app);
  }, 180_000);

  afterAll(async () => {
    await app.close();
    await place.remove();
  });

  test("leaves nothing in the dead letters", async () => {
    expect(await app.workflows.deadLetters()).toEqual([]);
  });

  test("trains every line once and gives each its first champion by a verdict", async () => {
    const lines = await listLines(app.database);
    expect(lines.map((line) => line.line)).toEqual(["DEU-DEU-CUSTOMS", "DEU-DEU-WASTE", "GBR-GBR-CUSTOMS", "GBR-GBR-WASTE"]);
    for (const line of lines) {
      expect(line.models).toBe(1);
      expect(line.champion).toBeDefined();
    }
    const verdicts = await listVerdicts(app.database);
    expect(verdicts).toHaveLength(lines.length);
    expect(verdicts.map((verdict) => [verdict.decision, verdict.promoted])).toEqual(lines.map(() => ["first", true]));
    for (const verdict of verdicts) {
      expect(verdict.verdict).toMatchObject({ metric: "macro-F1", p: expect.any(Number) });
      expect(verdict.data).toMatchObject({
        seed: 1,
        trainedOn: [expect.objectContaining({ key: expect.stringContaining("classify/labelled/") })],
      });
    }
  });

  test("codes every period with all champions and reports it with margins", async () => {
    for (const period of shop.months) {
      for (const country of ["DEU", "GBR"]) {
        const sold = [...shop.salesRows(country, period)];
        const units = shop.salesColumns.indexOf("units");
        const inferences = await currentInferences(app.database, period, country);
        expect(inferences).toHaveLength(2);
        for (const inference of inferences) {
          expect(inference.items).toBe(sold.length);
          expect(inference.autoItems + inference.reviewItems).toBe(inference.items);
        }
        const [revision, ...more] = await listRevisions(app.database, period, country);
        expect(more).toEqual([]);
        const figures = await readFigures(app.database, period, country, revision?.revision ?? -1);
        for (const scheme of ["CUSTOMS", "WASTE"]) {
          const own = figures.filter((figure) => figure.scheme === `${country}-${scheme}`);
          expect(own.reduce((sum, figure) => sum + figure.items, 0)).toBe(sold.length);
          expect(own.reduce((sum, figure) => sum + figure.units, 0)).toBeCloseTo(
            sold.reduce((sum, row) => sum + Number(row[units]), 0),
            3,
          );
          for (const figure of own) expect(figure.itemsMargin).toBeGreaterThanOrEqual(0);
        }
      }
    }
  });

  test("codes items by the scheme version valid on their date", async () => {
    const changing = shop.schemes().find((file) => file.versions.length > 1);
    expect(changing).toBeDefined();
    const scheme = changing?.scheme ?? "";
    const country = scheme.slice(0, 3);
    const [before] = await currentInferences(app.database, "2026-09", country).then((rows) =>
      rows.filter((row) => row.line.endsWith(scheme)),
    );
    const [after] = await currentInferences(app.database, "2026-10", country).then((rows) =>
      rows.filter((row) => row.line.endsWith(scheme)),
    );
    const versionsOf = (figures: object): string[] => Object.keys(figures).toSorted();
    expect(versionsOf(after?.figures ?? {})).not.toEqual(versionsOf(before?.figures ?? {}));
  });

  test("does nothing when the same files come again", async () => {
    const runs = (await app.workflows.list({ limit: 10_000 })).length;
    for (const file of shopFiles) await app.objects.put(operator, file.key, file.body());
    await settled(app);
    expect((await app.workflows.list({ limit: 10_000 })).length).toBe(runs);
    expect(await listModels(app.database)).toHaveLength(4);
  });

  test("shows items for review with their words, takes an answer once, and restates the report beside the first figures", async () => {
    const [review] = await readReviews(app.classify.deps, "test", { state: "waiting", kind: "low", limit: 5 });
    expect(review).toBeDefined();
    if (review === undefined) return;
    expect(Object.values(review.item).join(" ")).toMatch(/\p{L}{3}/u);
    const other = review.runnerUp;
    await expect(answerReview(app.classify.deps, review.id, "no such code", "ann")).rejects.toMatchObject({ code: "REVIEW_CODE" });
    await answerReview(app.classify.deps, review.id, other, "ann");
    await expect(answerReview(app.classify.deps, review.id, other, "bob")).rejects.toMatchObject({ code: "REVIEW_ANSWERED" });
    const country = review.line.slice(0, 3);
    const before = await readFigures(app.database, review.period, country, 0);
    const result = await writeReport(app.classify.deps, "test", review.period, country);
    expect(result).toMatchObject({ revision: 1, isNew: true });
    const after = await readFigures(app.database, review.period, country, 1);
    const sum = (figures: typeof before): number => figures.reduce((total, figure) => total + figure.items, 0);
    expect(sum(after)).toBe(sum(before));
    expect(await readFigures(app.database, review.period, country, 0)).toEqual(before);
    expect(await writeReport(app.classify.deps, "test", review.period, country)).toMatchObject({ revision: 1, isNew: false });
  });

  test("learns from answers at the next training of the line", async () => {
    const answered = await listReviews(app.database, { state: "answered" });
    const line = answered[0]?.line ?? "";
    const country = line.slice(0, 3);
    const file = shopFiles.find((one) => one.key.startsWith(`classify/labelled/${country}/`));
    const text = Buffer.from(await gather(file?.body() ?? (async function* () {})())).toString("utf8");
    const plain = file?.key.endsWith(".gz") === true ? gunzipSync(text).toString("utf8") : text;
    const rows = plain.split("\n");
    await app.objects.put(operator, `classify/labelled/${country}/november.csv`, textBytes(`${rows.slice(0, -20).join("\n")}\n`));
    await settled(app);
    const models = await listModels(app.database, line);
    expect(models).toHaveLength(2);
    expect(models[0]?.counts["answers"]).toBe(answered.filter((review) => review.line === line).length);
    const verdicts = await listVerdicts(app.database, line);
    expect(verdicts[0]?.champion).toBeDefined();
    expect(["promote", "keep"]).toContain(verdicts[0]?.decision);
  }, 120_000);

  test("posts notices to the topics of operations and of those concerned", async () => {
    const notices = await app.notices.list({ limit: 1000 });
    const topics = new Set(notices.map((notice) => notice.topic));
    expect(topics).toEqual(new Set(["mlops", "stakeholders", "stakeholders.DEU", "stakeholders.GBR"]));
    for (const notice of notices) for (const delivery of notice.deliveries) expect(delivery.state).toBe("delivered");
  });
});

describe("bad input", () => {
  let place: TestPlace;
  let app: App;
  const head = "id,country,lang,title,brand,description,date,group,code.GBR-TEST\n";
  const good = (count: number): string =>
    Array.from(
      { length: count },
      (_, i) => `g${i},GBR,en,${i % 2 === 0 ? "kettle steel" : "phone case"} ${i},Acme,,2026-01-01,,${i % 2 === 0 ? "K" : "P"}`,
    ).join("\n");

  beforeAll(async () => {
    place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "2" });
    app = await openAt(place, { work: true, quiet: true });
  });

  afterAll(async () => {
    await app.close();
    await place.remove();
  });

  const put = async (name: string, bytes: Uint8Array | string): Promise<string> => {
    const key = `classify/labelled/GBR/${name}`;
    await app.objects.put(operator, key, typeof bytes === "string" ? textBytes(bytes) : bytes);
    await settled(app);
    const letters = await app.workflows.deadLetters({ state: "waiting" });
    return letters.find((letter) => letter.title.includes(key))?.error.code ?? "";
  };

  test.each([
    ["an empty file", "empty.csv", "", /^INTAKE_NO_ROWS$/],
    ["no header", "headless.csv", "1,2\n3,4\n", /^INTAKE_QUESTION$/],
    [
      "no label column",
      "unlabelled.csv",
      `${head.replace(",code.GBR-TEST", "")}x,GBR,en,kettle,Acme,,2026-01-01,\n`,
      /^(?:LABELS_MISSING|INTAKE_QUESTION)$/,
    ],
    ["one class only", "single.csv", `${head}${good(300).replaceAll(/,P$/gm, ",K")}\n`, /^FIT_ONE_CLASS$/],
    ["two rows", "two.csv", `${head}${good(2)}\n`, /^FIT_TOO_FEW/],
    ["bytes that are not text", "picture.csv", Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 37) % 256)), /^INTAKE_NO_ROWS$/],
  ])("%s ends in the dead letters and says why", async (_what, name, bytes, wanted) => {
    const code = await put(name, bytes);
    expect(code).toMatch(wanted);
    const notices = await app.notices.list({ topic: "mlops" });
    expect(notices.some((notice) => notice.severity === "alarm" && notice.facts["code"] === code)).toBe(true);
    // What is current is learned from, by whichever file comes next.
    await app.objects.remove(operator, `classify/labelled/GBR/${name}`);
  });

  test("a broken quote costs one row, is told with its line, and the rest trains", async () => {
    const rows = good(400).split("\n");
    rows[199] = 'bad,GBR,en,"never closed,Acme,,2026-01-01,,K';
    expect(await put("quote.csv", `${head}${rows.join("\n")}\n`)).toBe("");
    const notices = await app.notices.list({ topic: "mlops" });
    const told = notices.find((notice) => notice.id.includes("quote.csv"));
    expect(told?.body).toContain("line 201");
    expect((await listModels(app.database, "GBR-GBR-TEST")).length).toBeGreaterThan(0);
  });

  test("a dead letter comes back when nothing was mended, and is done when redriven after the cause is", async () => {
    expect(await put("few.csv", `${head.replace("GBR-TEST", "GBR-FEW")}${good(40)}\n`)).toBe("FIT_TOO_FEW");
    const [letter] = (await app.workflows.deadLetters({ state: "waiting" })).filter((one) => one.title.includes("few.csv"));
    await app.workflows.redrive(letter.id);
    await settled(app);
    const [again] = (await app.workflows.deadLetters({ state: "waiting" })).filter((one) => one.runId === letter.runId);
    expect(again.id).not.toBe(letter.id);
    expect(again.error.code).toBe("FIT_TOO_FEW");
    await expect(app.workflows.redrive(letter.id)).rejects.toMatchObject({ code: "DEAD_LETTER_SETTLED" });

    // The cause is a setting: fewer rows are allowed from now on.
    await app.close();
    place = { ...place, env: { ...place.env, STOCKROOM_CLASSIFY_TRAIN_MIN_ROWS: "20" } };
    app = await openAt(place, { work: true, quiet: true });
    await app.workflows.redrive(again.id);
    await settled(app);
    expect(await app.workflows.outcome(letter.runId)).toMatchObject({ kind: "done" });
    expect(await listModels(app.database, "GBR-GBR-FEW")).toHaveLength(1);
    expect((await app.workflows.deadLetters({ state: "waiting" })).filter((one) => one.runId === letter.runId)).toEqual([]);
  });

  test("sales without a champion wait, and are coded once there is one", async () => {
    const sales = `id,country,lang,title,brand,description,date,units,kg\n${Array.from({ length: 50 }, (_, i) => `s${i},FRA,fr,${i % 2 === 0 ? "bouilloire" : "coque"} ${i},Acme,,2026-05-03,2,1.5`).join("\n")}\n`;
    await app.objects.put(operator, "classify/sales/2026-05/FRA.csv", textBytes(sales));
    await settled(app);
    expect(await currentInferences(app.database, "2026-05", "FRA")).toEqual([]);
    const labelled = good(400).replaceAll("GBR,en,kettle steel", "FRA,fr,bouilloire").replaceAll("GBR,en,phone case", "FRA,fr,coque");
    await app.objects.put(operator, "classify/labelled/FRA/all.csv", textBytes(`${head.replace("GBR-TEST", "FRA-TEST")}${labelled}\n`));
    await settled(app);
    const [inference] = await currentInferences(app.database, "2026-05", "FRA");
    expect(inference).toMatchObject({ line: "FRA-FRA-TEST", items: 50 });
  });
});
