import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openClassify, type ClassifyParts } from "../../../test/kit/classify.ts";
import { minutesLater, modelRow, rowTime, verdictRow } from "../../../test/kit/classify-rows.ts";
import { lineOf } from "../engine/lines.ts";
import { exportAudit } from "./audit.ts";
import {
  findGround,
  findRuling,
  insertAutomatic,
  insertChampion,
  insertGround,
  insertRuling,
  isAutomatic,
  listAutomatic,
  listChampions,
  listHeld,
  lockLine,
} from "./champions.ts";
import { findChampion, getLine, getModel, insertLine, insertModel, insertVerdict, listLines, listModels, listVerdicts } from "./lines.ts";

let parts: ClassifyParts;
const line = "GBR-WASTE";

beforeAll(async () => {
  parts = await openClassify();
  for (const name of [line, "DEU-WASTE"])
    await parts.database.transaction(async (tx) => await insertLine(tx, parts.vault, lineOf(name.slice(0, 3), "WASTE"), rowTime));
  for (const id of ["m1", "m2", "m3"]) await insertModel(parts.database, modelRow(id, line));
});
afterAll(async () => await parts.close());

describe("lines", () => {
  test("the first insert wins and is logged; a second one changes and logs nothing", async () => {
    const again = { ...lineOf("GBR", "WASTE"), country: "QQQ" };
    await parts.database.transaction(async (tx) => await insertLine(tx, parts.vault, again, minutesLater(5)));
    expect((await listLines(parts.database)).map((row) => [row.line, row.country])).toEqual([
      ["DEU-WASTE", "DEU"],
      ["GBR-WASTE", "GBR"],
    ]);
    const logged = [];
    for await (const row of exportAudit(parts.database)) if (row.kind === "line") logged.push(row.record["line"]);
    expect(logged).toEqual(["GBR-WASTE", "DEU-WASTE"]);
    expect((await listLines(parts.database, { country: "DEU" })).map((row) => row.line)).toEqual(["DEU-WASTE"]);
  });

  test("a name nobody has is missing, with the line that may be meant", async () => {
    await expect(getLine(parts.database, "GBR-WASTR")).rejects.toMatchObject({ code: "LINE_MISSING", facts: { near: "GBR-WASTE" } });
    await expect(getLine(parts.database, "waste")).rejects.toMatchObject({ code: "LINE_NAME", kind: "input" });
  });
});

describe("models", () => {
  test("of the same bytes stand once, as they were first inserted", async () => {
    expect(await insertModel(parts.database, modelRow("m1", line, { seed: 99 }))).toBe(false);
    expect((await getModel(parts.database, "m1")).seed).toBe(1);
    await expect(getModel(parts.database, "none")).rejects.toMatchObject({ code: "MODEL_MISSING", kind: "missing" });
  });

  test("read as they were written, every column", async () => {
    const row = modelRow("full", "DEU-WASTE", {
      ground: ["m1"],
      trainedOn: [{ key: "k", version: "2", sha256: "s" }],
      schemeRevision: 7,
      parameters: { rate: 0.1 },
      metrics: { macro_f1: 0.5, why_nothing_automatic: "few" },
      counts: { rows: 3 },
      trials: [{ kind: "failed" }],
      seed: 2 ** 40,
    });
    expect(await insertModel(parts.database, row)).toBe(true);
    expect(await getModel(parts.database, "full")).toEqual(row);
  });

  test("come by line, the newest first", async () => {
    await insertModel(parts.database, modelRow("m0", line, { trainedAt: minutesLater(9) }));
    expect((await listModels(parts.database, line)).map(({ id }) => id)).toEqual(["m0", "m1", "m2", "m3"]);
  });

  test("of a line that is not there are refused by the database", async () => {
    await expect(insertModel(parts.database, modelRow("lost", "FRA-WASTE"))).rejects.toMatchObject({ code: "23503" });
  });
});

describe("verdicts and champions", () => {
  test("a promotion is its verdict's, once; the champion on a date is the last one since before it", async () => {
    expect(await insertVerdict(parts.database, verdictRow("v1", line, "m1"))).toBe(true);
    expect(await insertVerdict(parts.database, verdictRow("v1", line, "m2"))).toBe(false);
    expect(
      await insertVerdict(
        parts.database,
        verdictRow("v2", line, "m2", { champion: "m1", decision: "keep", promoted: false, at: minutesLater(1) }),
      ),
    ).toBe(true);
    expect((await listChampions(parts.database, line)).map(({ model, verdict, kind }) => [model, verdict, kind])).toEqual([
      ["m1", "v1", "gate"],
    ]);
    await insertChampion(parts.database, {
      line,
      since: minutesLater(60),
      model: "m3",
      verdict: null,
      kind: "set",
      reason: "better",
      by: "ann",
    });
    expect((await findChampion(parts.database, line))?.id).toBe("m3");
    expect((await findChampion(parts.database, line, minutesLater(30)))?.id).toBe("m1");
    expect(await findChampion(parts.database, line, "2020-01-01T00:00:00.000Z")).toBeUndefined();
    expect((await listLines(parts.database, { at: minutesLater(30) })).map(({ champion }) => champion)).toEqual([undefined, "m1"]);
    expect((await listVerdicts(parts.database, line)).map(({ id }) => id)).toEqual(["v2", "v1"]);
  });

  test("two champions of one moment are refused: the order of changes is never a guess", async () => {
    const row = { line, since: minutesLater(60), model: "m1", verdict: null, kind: "set", reason: "x", by: "bob" } as const;
    await expect(insertChampion(parts.database, row)).rejects.toMatchObject({ code: "23505" });
  });

  test("a held promotion waits until somebody rules on it, or the champion it was judged against has gone", async () => {
    const held = { champion: "m3", decision: "held", promoted: false } as const;
    await insertVerdict(parts.database, verdictRow("h1", line, "m2", { ...held, at: minutesLater(61) }));
    await insertVerdict(parts.database, verdictRow("h2", line, "m0", { ...held, champion: "m1", at: minutesLater(62) }));
    expect((await listHeld(parts.database, line)).map(({ verdict }) => verdict)).toEqual(["h1"]);
    const ruling = { verdict: "h1", line, ruling: "rejected", reason: "no", by: "ann", at: minutesLater(63) } as const;
    await insertRuling(parts.database, ruling);
    expect(await listHeld(parts.database, line)).toEqual([]);
    expect(await findRuling(parts.database, "h1")).toEqual(ruling);
    expect(await findRuling(parts.database, "h2")).toBeUndefined();
    // One word for a verdict: the second one is refused.
    await expect(insertRuling(parts.database, { ...ruling, ruling: "approved" })).rejects.toMatchObject({ code: "23505" });
  });

  test("who changes a line holds its lock: the second one waits until the first has committed", async () => {
    const order: string[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let locked = (): void => undefined;
    const isLocked = new Promise<void>((resolve) => (locked = resolve));
    const first = parts.database.transaction(async (tx) => {
      await lockLine(tx, line);
      locked();
      await held;
      order.push("first");
    });
    await isLocked;
    const second = parts.database.transaction(async (tx) => {
      await lockLine(tx, line);
      order.push("second");
    });
    // Another line's lock is free meanwhile.
    await parts.database.transaction(async (tx) => {
      await lockLine(tx, "DEU-WASTE");
      order.push("other");
    });
    release();
    await Promise.all([first, second]);
    expect(order).toEqual(["other", "first", "second"]);
  });
});

describe("what a line keeps", () => {
  test("a model's test items stand once; an object that another one holds already is not read twice", async () => {
    const ground = (model: string, base: readonly string[], minutes: number) => ({
      model,
      line,
      object: { key: `classify/tests/${model}`, version: "1" },
      base,
      labels: "kept" as const,
      at: minutesLater(minutes),
    });
    expect(await insertGround(parts.database, ground("m1", [], 0))).toBe(true);
    expect(await insertGround(parts.database, { ...ground("m1", [], 0), labels: "latest" })).toBe(false);
    expect((await findGround(parts.database, line)).map(({ model, labels }) => [model, labels])).toEqual([["m1", "kept"]]);
    await insertGround(parts.database, ground("m3", [], 2));
    await insertGround(parts.database, ground("m2", ["m1"], 1));
    expect((await findGround(parts.database, line)).map(({ model }) => model)).toEqual(["m2", "m3"]);
    expect(await findGround(parts.database, "DEU-WASTE")).toEqual([]);
  });

  test("a line decides by itself until a word says otherwise, and the newest word counts", async () => {
    expect(await isAutomatic(parts.database, line)).toBe(true);
    const word = { line, model: "m1", reason: "r", by: "ann", at: rowTime };
    await insertAutomatic(parts.database, { ...word, automatic: false });
    expect(await isAutomatic(parts.database, line)).toBe(false);
    expect(await isAutomatic(parts.database, "DEU-WASTE")).toBe(true);
    // Of the same moment: the one that came later.
    await insertAutomatic(parts.database, { ...word, automatic: true, by: "bob" });
    expect((await listAutomatic(parts.database)).map(({ automatic, by }) => [automatic, by])).toEqual([[true, "bob"]]);
  });
});
