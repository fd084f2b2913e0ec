// Which labels a line learns from, on what ground its champion is judged, and who may change it. One house, one small line, figures by hand.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { planTrain } from "../../src/classify/flow/commands.ts";
import { listModels } from "../../src/classify/store/lines.ts";
import type { House } from "../../src/house.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/house.ts";

let place: TestPlace;
let house: House;

const kinds = ["kettle steel", "phone case", "desk lamp", "hair dryer"] as const;
const codes = ["K", "P", "L", "H"] as const;

/** Rows `from` to `to - 1` of a labelled file of one scheme; `codeOf` may say otherwise than the title does. */
const labels = (
  scheme: string,
  from: number,
  to: number,
  codeOf: (kind: number, row: number) => string = (kind) => codes[kind] ?? "",
): string =>
  `id,country,title,brand,description,date,code.${scheme}\n${Array.from({ length: to - from }, (_, at) => {
    const row = from + at;
    return `g${row},GBR,${kinds[row % 4]} ${row},Acme,,2026-01-01,${codeOf(row % 4, row)}\n`;
  }).join("")}`;

const put = async (key: string, text: string): Promise<void> => {
  await house.objects.put(operator, key, textBytes(text));
  await settled(house);
};
const remove = async (key: string): Promise<void> => {
  await house.objects.remove(operator, key);
  await settled(house);
};
const train = async (line: string): Promise<void> => {
  for (const run of await planTrain(house.classify.parts, { line })) await house.workflows.start(run.workflow, run.input, { id: run.id });
  await settled(house);
};
const newest = async (line: string) => (await listModels(house.records, line))[0];

beforeAll(async () => {
  place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "1" });
  house = await openAt(place, { work: true, quiet: true });
}, 120_000);

afterAll(async () => {
  await house.close();
  await place.remove();
});

describe("training learns from all labelled files that are current", () => {
  const line = "GBR-LABELS";
  const keysOf = async (): Promise<readonly string[]> =>
    ((await newest(line))?.trainedOn ?? []).map(({ key }) => key.slice("classify/labelled/".length));
  const rowsOf = async (): Promise<number | undefined> => (await newest(line))?.counts["rows"];

  test("a small new file adds to a large old one", async () => {
    await put("classify/labelled/GBR/old.csv", labels("LABELS", 0, 600));
    expect(await rowsOf()).toBe(600);
    await put("classify/labelled/GBR/new.csv", labels("LABELS", 600, 680));
    expect(await rowsOf()).toBe(680);
    expect(await keysOf()).toEqual(["GBR/old.csv", "GBR/new.csv"]);
  }, 60_000);

  test("a file of another scheme, or none at all, makes no training of this one fail", async () => {
    await put("classify/labelled/GBR/other.csv", labels("OTHER", 0, 200));
    await put("classify/labelled/GBR/notes.csv", "remark,who\nlooks good,ann\n");
    await train(line);
    expect(await rowsOf()).toBe(680);
    expect(await newest("GBR-OTHER")).toMatchObject({ counts: { rows: 200 } });
    expect((await house.workflows.deadLetters()).map((letter) => letter.title)).toEqual(["look into classify/labelled/GBR/notes.csv"]);
    await remove("classify/labelled/GBR/notes.csv");
  }, 60_000);

  test("the later label of an id wins, whichever file was there first", async () => {
    await put(
      "classify/labelled/GBR/corrections.csv",
      labels("LABELS", 0, 4, () => "K"),
    );
    expect(await newest(line)).toMatchObject({ counts: { rows: 680, replaced: 4 } });
    // The old file again, with a new row: now its labels are the later ones.
    await put("classify/labelled/GBR/old.csv", labels("LABELS", 0, 601));
    expect(await newest(line)).toMatchObject({ counts: { rows: 680, replaced: 5 } });
    expect(await keysOf()).toEqual(["GBR/new.csv", "GBR/other.csv", "GBR/corrections.csv", "GBR/old.csv"]);
  }, 60_000);

  test("a file without a country's folder counts by its rows' country; one deleted or replaced is not learned from", async () => {
    await put("classify/labelled/everywhere.csv", labels("LABELS", 700, 720).replace("g700,GBR", "g700,DEU"));
    expect(await rowsOf()).toBe(699);
    await remove("classify/labelled/GBR/old.csv");
    await train(line);
    // New ones (80), corrections (4), everywhere (19).
    expect(await rowsOf()).toBe(103);
    await put("classify/labelled/GBR/new.csv", labels("LABELS", 600, 670));
    expect(await rowsOf()).toBe(93);
  }, 60_000);
});
