// What people file: only current sales count, answers outlive every later coding and can be amended. One house, one small line, figures by hand.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findAudit } from "../../src/classify/flow/audit.ts";
import { readReport } from "../../src/classify/flow/commands.ts";
import { recodePeriod } from "../../src/classify/flow/recode.ts";
import { writeReport } from "../../src/classify/flow/report.ts";
import { currentInferences, listPeriods } from "../../src/classify/store/inferences.ts";
import { listRevisions, readFigures } from "../../src/classify/store/reports.ts";
import type { House } from "../../src/house.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/house.ts";

const country = "GBR";
const signal = new AbortController().signal;
let place: TestPlace;
let house: House;

const labelled = `id,country,title,brand,description,date,code.GBR-TEST\n${Array.from(
  { length: 400 },
  (_, i) => `g${i},GBR,${i % 2 === 0 ? "kettle steel" : "phone case"} ${i},Acme,,2026-01-01,${i % 2 === 0 ? "K" : "P"}`,
).join("\n")}\n`;

const soldHead = "id,country,title,brand,description,date,units,kg\n";
/** Items `from` to `to - 1` of a period; every other one is a kettle, each weighs 1.5 kg. */
const sold = (period: string, from: number, to: number): string =>
  Array.from(
    { length: to - from },
    (_, i) => `s${from + i},GBR,${(from + i) % 2 === 0 ? "kettle steel" : "phone case"} ${from + i},Acme,,${period}-05,2,1.5\n`,
  ).join("");

const put = async (key: string, text: string): Promise<void> => {
  await house.objects.put(operator, key, textBytes(text));
  await settled(house);
};
const remove = async (key: string): Promise<void> => {
  await house.objects.remove(operator, key);
  await settled(house);
};
const figuresNow = async (period: string): Promise<Record<string, number>> => {
  const last = (await listRevisions(house.records, period, country)).at(-1);
  const figures = await readFigures(house.records, period, country, last?.revision ?? -1);
  return Object.fromEntries(figures.map((figure) => [figure.code, figure.items]));
};

beforeAll(async () => {
  place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "2" });
  house = await openAt(place, { work: true, quiet: true });
  await put("classify/labelled/GBR/all.csv", labelled);
}, 120_000);

afterAll(async () => {
  await house.close();
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
    await remove(`${folder}/GBR.csv`);

    const inferences = await currentInferences(house.records, period);
    expect(inferences.map((row) => [row.sales.key.slice(folder.length), row.items])).toEqual([
      ["/GBR/part-1.csv", 61],
      ["/GBR/part-2.csv", 61],
    ]);
    expect(await figuresNow(period)).toEqual({ K: 61, P: 61 });
    expect((await listRevisions(house.records, period)).at(-1)?.reason).toContain(`${folder}/GBR.csv was deleted`);
    expect(await listPeriods(house.records)).toEqual([{ period, countries: 1, items: 122 }]);
    expect(await findAudit(house.classify.parts, "test", "s3", period, signal)).toHaveLength(1);
    const recoded = await recodePeriod(house.classify.parts, "test", { period, scheme: undefined, to: undefined }, signal);
    expect(recoded).toEqual([]);
  }, 60_000);

  test("a file replaced by a smaller one counts with its new rows only", async () => {
    await put(`${folder}/GBR/part-2.csv`, soldHead + sold(period, 61, 71));
    expect(await figuresNow(period)).toEqual({ K: 36, P: 35 });
    expect((await listRevisions(house.records, period)).at(-1)?.reason).toContain("part-2.csv was replaced by a newer version");
  }, 60_000);

  test("a replacement that cannot be coded leaves the last revision standing, and says what it waits for", async () => {
    const before = await listRevisions(house.records, period);
    await put(`${folder}/GBR/part-2.csv`, `${soldHead}s1,GBR,kettle,Acme,,no date,2,1\n`);
    expect(await writeReport(house.classify.parts, "test", period, country)).toMatchObject({
      isNew: false,
      waits: [`${folder}/GBR/part-2.csv by GBR-GBR-TEST`],
    });
    expect(await listRevisions(house.records, period)).toEqual(before);
    const { reports } = await readReport(house.classify.parts, { period });
    expect(reports[0]?.waits).toEqual([`${folder}/GBR/part-2.csv by GBR-GBR-TEST`]);
  }, 60_000);

  test("sales deleted to the last file are restated to nothing", async () => {
    await remove(`${folder}/GBR/part-2.csv`);
    expect(await figuresNow(period)).toEqual({ K: 31, P: 30 });
    await remove(`${folder}/GBR/part-1.csv`);
    expect(await figuresNow(period)).toEqual({});
    const { reports } = await readReport(house.classify.parts, { period });
    expect(reports[0]?.figures.map((figure) => [figure.code, figure.items, figure.first?.items])).toEqual([
      ["K", 0, 61],
      ["P", 0, 61],
    ]);
    expect(await listPeriods(house.records)).toEqual([{ period, countries: 0, items: 0 }]);
  }, 60_000);
});
