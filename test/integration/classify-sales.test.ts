// Sales as people send them, in a real app: rows that do not belong, returns, decimal commas, empty months, and what is told of all that.

import { gather } from "../../src/platform/bytes.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { App } from "../../src/app.ts";
import { newCompareRuns, newInferRuns, newTrainRuns, readReport } from "../../src/classify/workflows/commands.ts";
import { findAudit } from "../../src/classify/workflows/audit.ts";
import { listRejected } from "../../src/classify/workflows/rejected.ts";
import { listLines, listModels } from "../../src/classify/store/lines.ts";
import { listRevisions } from "../../src/classify/store/reports.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/app.ts";

let place: TestPlace;
let app: App;

const words = { K: "kettle steel", P: "phone case" };
const labelled = (scheme: string, count: number): string =>
  `id;country;lang;title;brand;description;date;price;code.${scheme}\n${Array.from({ length: count }, (_, i) => {
    const code = i % 2 === 0 ? "K" : "P";
    return `l${i};GBR;en;${words[code]} ${i};Acme;;2026-01-02;${i % 90},50;${code}`;
  }).join("\n")}\n`;
const head = "id;country;lang;title;brand;description;date;units;kg";
const sold = (id: string, code: "K" | "P", more: { country?: string; date?: string; units?: string; kg?: string } = {}): string =>
  [
    id,
    more.country ?? "GBR",
    "en",
    `${words[code]} ${id}`,
    "Acme",
    "",
    more.date ?? "2026-08-05",
    more.units ?? "2",
    more.kg ?? "2,5",
  ].join(";");
const put = async (key: string, rows: readonly string[]): Promise<void> => {
  await app.objects.put(operator, `classify/${key}`, textBytes(`${[head, ...rows].join("\n")}\n`));
  await settled(app);
};
const notices = async (id: string) => (await app.notices.list({ topic: "mlops" })).filter((notice) => notice.id.includes(id));
const reportOf = async (period: string) => (await readReport(app.classify.deps, { period, country: "GBR" })).reports[0];

beforeAll(async () => {
  place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "1", STOCKROOM_CLASSIFY_COLUMNS_NUMBERS: '["price"]' });
  app = await openAt(place, { work: true, quiet: true });
  await app.objects.put(operator, "classify/labelled/GBR/all.csv", textBytes(labelled("GBR-TEST", 900)));
  await settled(app);
}, 120_000);

afterAll(async () => {
  await app.close();
  await place.remove();
});

test("rows that do not belong are in no figure, and are listed with file, line, column and value", async () => {
  const good = Array.from({ length: 40 }, (_, i) => sold(`g${i}`, i % 2 === 0 ? "K" : "P"));
  await put("sales/2026-08/GBR.csv", [
    ...good,
    sold("month", "K", { date: "2026-07-31" }),
    sold("zone", "K", { date: "2026-08-31T23:30:00Z" }),
    sold("country", "K", { country: "FRA" }),
    sold("g0", "K"),
    sold("", "K"),
    sold("units", "K", { units: "" }),
    sold("kg", "K", { kg: "" }),
    sold("absurd", "K", { kg: "999999999" }),
    sold("slip", "K", { kg: "2.5" }),
    sold("back", "K", { units: "-1", kg: "1,25" }),
  ]);
  const { rows, total } = await listRejected(app.classify.deps, "test", { period: "2026-08", country: "GBR", limit: 100 });
  expect(rows.map(({ line, column, code }) => [line, column, code])).toEqual([
    [50, 9, "TABLE_NUMBER_WRONG"],
    [42, 7, "ITEM_PERIOD"],
    [43, 7, "ITEM_PERIOD"],
    [44, 2, "ITEM_COUNTRY"],
    [45, 1, "ITEM_ID_TWICE"],
    [46, 1, "ITEM_ID_EMPTY"],
    [47, 8, "ITEM_MISSING"],
    [48, 9, "ITEM_MISSING"],
    [49, 9, "ITEM_ABSURD"],
  ]);
  expect(total).toBe(9);
  expect(rows[0]).toMatchObject({ file: "classify/sales/2026-08/GBR.csv", reason: expect.stringContaining('"2.5"') });
  const [told] = await notices("bad-rows/classify/sales/2026-08/GBR.csv");
  expect(told?.title).toContain("9 rows");
  expect(told?.body).toContain("decimal comma");
  const report = await reportOf("2026-08");
  const sum = (of: (figure: NonNullable<typeof report>["figures"][number]) => number): number =>
    (report?.figures ?? []).reduce((total, figure) => total + of(figure), 0);
  // 40 items of 2 units and 2.5 kg, and one that came back.
  expect([sum((one) => one.items), sum((one) => one.units), sum((one) => one.kg)]).toEqual([41, 79, 98.75]);
  expect([sum((one) => one.returnedUnits), sum((one) => one.returnedKg)]).toEqual([1, 1.25]);
}, 60_000);

test("a weight that no item of its code has is set apart by what earlier months say", async () => {
  const good = Array.from({ length: 40 }, (_, i) => sold(`n${i}`, i % 2 === 0 ? "K" : "P", { date: "2026-09-05" }));
  // Grams instead of kilograms: within the bound of any item, but a thousand times a kettle.
  await put("sales/2026-09/GBR.csv", [...good, sold("grams", "K", { date: "2026-09-05", units: "1", kg: "990" })]);
  const { rows } = await listRejected(app.classify.deps, "test", { period: "2026-09", limit: 100 });
  const figures = (await reportOf("2026-09"))?.figures ?? [];
  const usual = figures.reduce((total, figure) => total + figure.units, 0);
  // Only where a code sold a hundred units before is its weight known: 2026-08 has 40 of each.
  expect([rows.length, usual]).toEqual([0, 81]);
  const many = Array.from({ length: 120 }, (_, i) => sold(`m${i}`, i % 2 === 0 ? "K" : "P", { date: "2026-10-05" }));
  await put("sales/2026-10/GBR.csv", many);
  await put("sales/2026-11/GBR.csv", [
    ...many.map((row) => row.replace("2026-10-05", "2026-11-05")),
    sold("grams", "K", { date: "2026-11-05", units: "1", kg: "990" }),
  ]);
  const later = await listRejected(app.classify.deps, "test", { period: "2026-11", limit: 100 });
  expect(later.rows).toEqual([
    expect.objectContaining({
      line: 122,
      column: 9,
      code: "ITEM_ABSURD",
      reason: expect.stringMatching(/as is usual for K of GBR-GBR-TEST.*990/),
    }),
  ]);
}, 90_000);

test("a file of mostly bad rows is refused with its reasons, and they are listed", async () => {
  await put("sales/2026-12/GBR.csv", [
    sold("a", "K", { date: "2026-12-05" }),
    ...Array.from({ length: 9 }, (_, i) => sold(`b${i}`, "K", { date: "2026-11-05" })),
  ]);
  const [letter] = (await app.workflows.deadLetters({ state: "waiting" })).filter((one) => one.title.includes("2026-12"));
  expect(letter.error.code).toBe("TOO_MANY_BAD_ROWS");
  expect(letter.error.message).toMatch(/9 of 10 are not \(9 ITEM_PERIOD\).*2026-11-05/);
  expect((await listRejected(app.classify.deps, "test", { period: "2026-12", limit: 5 })).total).toBe(9);
  expect(await listRevisions(app.database, "2026-12", "GBR")).toEqual([]);
  // Mended, nothing of it is listed any more.
  await put("sales/2026-12/GBR.csv", [sold("a", "K", { date: "2026-12-05" })]);
  expect((await listRejected(app.classify.deps, "test", { period: "2026-12", limit: 5 })).total).toBe(0);
}, 60_000);

test("a file with a header alone is a month of zero sales", async () => {
  await put("sales/2027-01/GBR.csv", []);
  expect((await app.workflows.deadLetters({ state: "waiting" })).filter((one) => one.title.includes("2027-01"))).toEqual([]);
  const [revision] = await listRevisions(app.database, "2027-01", "GBR");
  expect(revision).toMatchObject({ revision: 0 });
  const report = await app.objects.get(operator, revision?.object.key ?? "");
  expect(
    Buffer.from(await gather(report.body))
      .toString("utf8")
      .trim()
      .split("\n"),
  ).toHaveLength(1);
}, 60_000);

test("every country is coded only when every country that has lines is", async () => {
  const whole = async (period: string) =>
    (await app.notices.list({ topic: "stakeholders" })).filter((notice) => notice.title.includes(period));
  expect(await whole("2026-08")).toHaveLength(1);
  // A line of France without a champion, for want of items.
  const few = labelled("FRA-TEST", 30).replaceAll(";GBR;en;", ";FRA;fr;");
  await app.objects.put(operator, "classify/labelled/FRA/few.csv", textBytes(few));
  await settled(app);
  await put("sales/2027-02/GBR.csv", [sold("a", "K", { date: "2027-02-05" })]);
  expect(await whole("2027-02")).toEqual([]);
  await put("sales/2027-02/FRA.csv", [sold("a", "K", { date: "2027-02-05", country: "FRA" })]);
  expect(await whole("2027-02")).toEqual([]);
  expect((await notices("waiting/classify/sales/2027-02/FRA.csv"))[0]?.title).toContain("waits for FRA-FRA-TEST");
  await put("sales/2027-02/ITA.csv", [sold("a", "K", { date: "2027-02-05", country: "ITA" })]);
  expect((await notices("waiting/classify/sales/2027-02/ITA.csv"))[0]?.body).toContain("ITA has no line");
}, 60_000);

test("a line that is not there is an error that names the one meant", async () => {
  const { deps } = app.classify;
  const line = "GBR-GBR-TSET";
  const named = { kind: "missing", code: "LINE_MISSING", message: expect.stringContaining("Did you mean GBR-GBR-TEST?") };
  await expect(newTrainRuns(deps, { line })).rejects.toMatchObject(named);
  await expect(newCompareRuns(deps, { line, model: undefined })).rejects.toMatchObject(named);
  await expect(newInferRuns(deps, { period: "2026-08", line })).rejects.toMatchObject(named);
  await expect(newInferRuns(deps, { period: "2020-01", line: undefined })).rejects.toMatchObject({
    code: "SALES_MISSING",
    message: expect.stringContaining("2026-08"),
  });
  await expect(newInferRuns(deps, { period: "2027-02", line: "FRA-FRA-TEST" })).rejects.toMatchObject({ code: "CHAMPION_MISSING" });
});

test("labels of another country's scheme, of an unknown one, and a column that names none are told", async () => {
  await app.objects.put(
    operator,
    "classify/schemes/uk.yaml",
    textBytes(
      "scheme: UK15\ncountry: GBR\nversions:\n  - version: UK15\n    valid_from: 2025-01-01\n    codes:\n      - { code: K, name: kettles }\n      - { code: P, name: phones }\n",
    ),
  );
  await settled(app);
  const rows = Array.from({ length: 20 }, (_, i) => `s${i};DEU;${words.K} ${i};2026-01-02;K;K;K`);
  await app.objects.put(
    operator,
    "classify/labelled/DEU/slips.csv",
    textBytes(`${["id;country;title;date;code.UK15;code.UK51;code.two words", ...rows].join("\n")}\n`),
  );
  await settled(app);
  const [told] = await notices("classify.labelled/classify/labelled/DEU/slips.csv");
  expect(told?.severity).toBe("warning");
  expect(told?.body).toMatch(/UK15, which is a scheme of GBR/);
  expect(told?.body).toMatch(/UK51, which was never imported\. Did you mean UK15\?/);
  expect(told?.body).toMatch(/"code\.two words" names no scheme/);
}, 60_000);

test("a line that decides nothing by itself says why", async () => {
  await app.objects.put(operator, "classify/labelled/GBR/small.csv", textBytes(labelled("GBR-SMALL", 100)));
  await settled(app);
  const line = (await listLines(app.database)).find((one) => one.line === "GBR-GBR-SMALL");
  expect(line?.coverage).toBe(0);
  expect(line?.whyNothing).toMatch(
    /^107 unseen items decided without an error are needed .* of \d\d unseen items the \d\d surest had no error, .* labelled items would do/,
  );
  expect(
    (await app.notices.list({ topic: "mlops" })).some((notice) => notice.body.includes("decides nothing by itself: 107 unseen items")),
  ).toBe(true);
}, 60_000);

test("an id that a spreadsheet would run as a formula is safe in the file, and found by its own name", async () => {
  const ids = ["=1+1", "@SUM(A1)", "-x", "+cmd", "'=y"];
  await put(
    "sales/2027-03/GBR.csv",
    [...ids, "plain"].map((id, i) => sold(id, i % 2 === 0 ? "K" : "P", { date: "2027-03-05" })),
  );
  const { body } = await app.objects.get(operator, "classify/predictions/2027-03/GBR/GBR-TEST.csv");
  const written = Buffer.from(await gather(body))
    .toString("utf8")
    .trim()
    .split("\n")
    .slice(1);
  expect(written.map((line) => line.split(",")[0])).toEqual(["'=1+1", "'@SUM(A1)", "'-x", "'+cmd", "''=y", "plain"]);
  for (const id of ids) {
    const stories = await findAudit(app.classify.deps, "test", id, "2027-03", new AbortController().signal);
    expect(stories.length).toBeGreaterThan(0);
  }
}, 60_000);

test("a labelled row of another country is set apart and told; the country's other names are its own", async () => {
  const others = new Map([
    [7, "FRA"],
    [10, "Frankreich"],
    [11, "Atlantis"],
  ]);
  const rows = Array.from({ length: 240 }, (_, i) => {
    const country = ["GBR", "United Kingdom", "", "GB", "GBR", "GBR"][i % 6] ?? "";
    return `w${i};${others.get(i) ?? country};en;${i % 2 === 0 ? "kettle steel" : "phone case"} ${i};Acme;;2026-01-02;9,50;${i % 2 === 0 ? "K" : "P"}`;
  });
  const key = "classify/labelled/GBR/others.csv";
  await app.objects.put(operator, key, textBytes(`id;country;lang;title;brand;description;date;price;code.OTHERS\n${rows.join("\n")}\n`));
  await settled(app);

  const [told] = await notices(`bad-rows/${key}`);
  expect(told).toMatchObject({ title: `3 rows of ${key} were set apart`, severity: "warning" });
  expect(told?.body).toContain('line 9: Expected GBR in the column "country" but received "FRA"');
  const version = (await app.objects.head(key))?.version ?? "";
  const { body } = await app.objects.get({ role: "train", purpose: "test" }, `classify/rejected/${key}@${version}.jsonl`);
  const apart = Buffer.from(await gather(body))
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { line: number; column: number; code: string });
  expect(apart.map(({ line, column, code }) => [line, column, code])).toEqual([9, 12, 13].map((line) => [line, 2, "ITEM_COUNTRY"]));
  // Nobody learns from them: neither this country's line nor the other's.
  expect((await listModels(app.database, "GBR-OTHERS"))[0]?.counts["rows"]).toBe(237);
  expect((await listLines(app.database)).filter(({ line }) => line.endsWith("-OTHERS")).map(({ line }) => line)).toEqual(["GBR-OTHERS"]);
}, 60_000);
