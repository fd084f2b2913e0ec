import { afterAll, beforeAll, expect, test } from "vitest";
import { labelledRows, openClassify, type ClassifyParts } from "../../../test/kit/classify.ts";
import { runWorkflow, tester } from "../../../test/kit/workflow.ts";
import { listLines } from "../store/lines.ts";
import { makeIntake } from "./intake.ts";
import { importSchemes } from "./schemes.ts";
import { makeTrain } from "./train.ts";

let parts: ClassifyParts;
beforeAll(async () => {
  parts = await openClassify();
});
afterAll(async () => await parts.close());

const intake = async (key: string, lines: readonly string[], recorded?: ReadonlyMap<string, unknown>) => {
  const object = await parts.put(key, lines);
  return await runWorkflow(makeIntake(parts.deps, makeTrain(parts.deps)), object, {
    runId: `intake/${key}`,
    ...(recorded === undefined ? {} : { recorded }),
  });
};

test("a file without labels starts nothing, and its error names the columns it has", async () => {
  await expect(intake("classify/labelled/FRA/none.csv", ["id,title", "1,kettle"])).rejects.toMatchObject({
    code: "LABELS_MISSING",
    kind: "input",
    message: expect.stringContaining("only the columns id, title"),
  });
  await expect(intake("classify/labelled/FRA/empty.csv", ["id,title,code.X", "1,kettle,"])).rejects.toMatchObject({
    message: expect.stringContaining("no code in code.X"),
  });
  expect((await listLines(parts.database)).filter((line) => line.country === "FRA")).toEqual([]);
});

test("a file that was removed before anybody looked at it starts nothing", async () => {
  const object = await parts.put("classify/labelled/FRA/gone.csv", labelledRows(90));
  await parts.objects.remove(tester, object.key);
  const run = await runWorkflow(makeIntake(parts.deps, makeTrain(parts.deps)), object, { runId: "intake/gone" });
  expect([run.output, run.ran, run.children]).toEqual([{ rows: 0, badRows: 0, trainings: [] }, ["survey"], []]);
});

test("a file of mostly bad rows is refused, and its rows lie there to be read", async () => {
  const rows = ["id,country,title,code.X", ...Array.from({ length: 9 }, (_, at) => `${at},France,kettle,K`), "9,GBR,kettle,K"];
  await expect(intake("classify/labelled/GBR/foreign.csv", rows)).rejects.toMatchObject({
    code: "TOO_MANY_BAD_ROWS",
    message: expect.stringContaining("9 of 10"),
  });
  const [kept] = await parts.objects.list("classify/rejected/classify/labelled/GBR/foreign.csv");
  expect(kept?.contentType).toBe("application/jsonl");
  expect((await listLines(parts.database)).filter((line) => line.country === "GBR")).toEqual([]);
});

test("a line of each scheme with labels, the one with most labels trained first; bad rows are told once", async () => {
  const rows = [
    "id,country,title,code.BIG,code.SMALL",
    ...Array.from({ length: 90 }, (_, at) => `${at},ITA,kettle ${at},K,${at < 5 ? "S" : ""}`),
  ];
  const run = await intake("classify/labelled/ITA/two.csv", [...rows, "90,GBR,kettle,K,"]);
  expect(run.ran).toEqual(["survey", "lines", "told"]);
  expect(run.output).toMatchObject({ rows: 90, badRows: 1 });
  expect(run.children.map(({ workflow, input }) => [workflow, input])).toEqual([
    ["classify.train", expect.objectContaining({ line: "ITA-BIG" })],
    ["classify.train", expect.objectContaining({ line: "ITA-SMALL" })],
  ]);
  expect(run.children[0]?.priority).toBeLessThan(run.children[1]?.priority ?? 0);
  expect((await listLines(parts.database, { country: "ITA" })).map(({ line }) => line)).toEqual(["ITA-BIG", "ITA-SMALL"]);
  expect((await parts.notices()).filter(({ id }) => id.includes("ITA/two.csv"))).toMatchObject([
    { severity: "warning", title: "1 row of classify/labelled/ITA/two.csv was set apart" },
  ]);
  // Resumed after the survey was recorded: the file is not read again, the same trainings are started, nothing is told twice.
  const resumed = await intake("classify/labelled/ITA/two.csv", [...rows, "90,GBR,kettle,K,"], new Map([...run.recorded].slice(0, 1)));
  expect(resumed.ran).toEqual(["lines", "told"]);
  expect(resumed.children.map(({ id }) => id)).toEqual(run.children.map(({ id }) => id));
  expect((await parts.notices()).filter(({ id }) => id.includes("ITA/two.csv"))).toHaveLength(1);
});

test("a scheme that is another country's, and one that was never imported, are doubted; without any scheme nothing is", async () => {
  const about = async (key: string) => (await parts.notices()).filter(({ id }) => id.startsWith(`classify.labelled/${key}@`));
  await intake("classify/labelled/ESP/before.csv", labelledRows(6, "WASTE"));
  expect(await about("classify/labelled/ESP/before.csv")).toEqual([]);
  const versions = [{ version: "1", valid_from: "2020-01-01", codes: [{ code: "K" }, { code: "T" }, { code: "L" }] }];
  const bytes = Buffer.from(JSON.stringify([{ scheme: "WASTE", country: "PRT", versions }]));
  await importSchemes(parts.deps, [{ name: "waste.json", bytes }], "test");
  await intake("classify/labelled/ESP/after.csv", labelledRows(6, "WASTE"));
  await intake("classify/labelled/PRT/slip.csv", labelledRows(6, "WASTES"));
  await intake("classify/labelled/PRT/right.csv", labelledRows(6, "WASTE"));
  expect(await about("classify/labelled/ESP/after.csv")).toMatchObject([{ body: expect.stringContaining("which is a scheme of PRT") }]);
  expect(await about("classify/labelled/PRT/slip.csv")).toMatchObject([
    { severity: "warning", body: expect.stringContaining("never imported. Did you mean WASTE?") },
  ]);
  expect(await about("classify/labelled/PRT/right.csv")).toEqual([]);
});

test("columns whose names differ in capitals count: rows of another country are set apart, and how the file was read is told", async () => {
  const rows = ["ID,Country,Title,code.CASE", ...Array.from({ length: 9 }, (_, at) => `${at},ESP,kettle,K`), "9,GBR,kettle,K"];
  expect((await intake("classify/labelled/ESP/case.csv", rows)).output).toMatchObject({ rows: 9, badRows: 1 });
  const notices = (await parts.notices()).filter(({ id }) => id.includes("ESP/case.csv"));
  expect(notices.map(({ body }) => body).join(" ")).toContain('The column "Country" was read as "country".');
});
