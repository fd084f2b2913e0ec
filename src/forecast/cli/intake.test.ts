import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StrangerFile, strangerFiles } from "../../../test/kit/strangers.ts";
import { fileBody } from "../../platform/formats/index.ts";
import { applyPlan } from "../workflows/intake/apply.ts";
import { adviceOn, lastWholeDay } from "../workflows/intake/intake.ts";
import { lookAtFile, settleQuestions, tellIntake } from "./intake.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "strangers-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { signal } = new AbortController();

const files = strangerFiles().map((file) => [file.name, file] as const);
const put = (file: StrangerFile): string => {
  const at = path.join(folder, file.name);
  writeFileSync(at, file.bytes);
  return at;
};

test.each(files.filter(([, { question }]) => question === undefined))("%s is taken in as it is", async (name, file) => {
  const at = put(file);
  const intake = await lookAtFile(at, file.flags ?? {}, signal);
  const { proposal, taken, profile } = intake;
  expect(proposal).toMatchObject({ questions: [], plan: file.plan });
  const told = tellIntake(intake).join("\n");
  const unsaid = profile.columns.filter((column) => !told.includes(column.name) && !proposal.plan.values.includes(column.name));
  expect(unsaid).toEqual([]);
  const rows: (readonly string[])[] = [];
  const bad: unknown[] = [];
  const table = await applyPlan({ name, open: () => fileBody(at) }, taken.plan, "target", {
    ...taken.filter,
    hints: taken.hints,
    onBadRow: (row) => bad.push(row),
  });
  for await (const batch of table.batches) rows.push(...batch.rows);
  expect({ rows: rows.length, bad }).toEqual({ rows: file.rows, bad: [] });
  for (const row of rows) expect(row[1]).toMatch(/^\d{4}-\d\d-\d\d$/);
  expect(rows[0]).toEqual(expect.arrayContaining([...(file.first ?? [])]));
});

test.each(files.filter(([, { question }]) => question !== undefined))(
  "%s asks one question, and fails with it where nobody can answer",
  async (_, file) => {
    const intake = await lookAtFile(put(file), {}, signal);
    expect(intake.proposal.questions.map(({ about }) => about)).toEqual([file.question]);
    await expect(settleQuestions(intake, {}, signal)).rejects.toMatchObject({ kind: "input", code: "INTAKE_QUESTION" });
  },
);

test.each(files)("whoever only looks at %s is told the same", async (_, file) => {
  const { profile, proposal } = await lookAtFile(put(file), {}, signal);
  const advice = adviceOn(profile).join("\n");
  expect(advice).toMatch(proposal.questions.length > 0 ? /^question: .* Say --/ : /stockroom forecast run .* --horizon \d+$/);
});

test("a question is answered by the flag that it names, and the file is then taken in", async () => {
  const at = path.join(folder, "answered.csv");
  const file = strangerFiles().find(({ name }) => name === "day-or-month.csv");
  writeFileSync(at, file?.bytes ?? "");
  const asked = (await lookAtFile(at, {}, signal)).proposal.questions[0];
  expect(asked?.answers).toEqual(["--date-format dd/mm/yyyy", "--date-format mm/dd/yyyy"]);
  const answered = await lookAtFile(at, { "date-format": "mm/dd/yyyy" }, signal);
  expect(answered.proposal).toMatchObject({ questions: [], plan: { dateStyle: "mm/dd/yyyy" } });
});

test("names that no column has are told with those there are", async () => {
  const at = path.join(folder, "names.csv");
  writeFileSync(at, "Date,Item,Qty\n2024-01-01,A,1\n2024-01-02,A,2\n");
  await expect(lookAtFile(at, { map: "Datum=timestamp", known: "Price" }, signal)).rejects.toMatchObject({
    code: "INTAKE_COLUMN_MISSING",
    message: expect.stringMatching(/Datum, Price .* Date, Item, Qty/),
  });
});

test.each([
  ["M", "2024-03-05", "2024-02-29"],
  ["M", "2024-03-31", undefined],
  ["W", "2024-03-06", "2024-03-03"],
  ["W", "2024-03-10", undefined],
  ["W-SAT", "2024-03-06", "2024-03-02"],
  ["Q", "2024-05-05", "2024-03-31"],
  ["Y", "2024-05-05", "2023-12-31"],
  ["D", "2024-05-05", undefined],
])("at %s the last period of rows until %s ends on %s", (frequency, last, end) => {
  const seconds = (text: string): number => Date.parse(text) / 1_000;
  expect(lastWholeDay(frequency, [seconds("2021-01-15"), seconds(last)])).toBe(end);
});
