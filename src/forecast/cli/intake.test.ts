import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { oddFiles } from "../../../test/kit/odd-strangers.ts";
import { type StrangerFile, strangerFiles } from "../../../test/kit/strangers.ts";
import { wornFiles } from "../../../test/kit/worn-strangers.ts";
import { fileBody, readNumbers } from "../../platform/formats/index.ts";
import { applyPlan } from "../workflows/intake/apply.ts";
import { readAnswer, answerQuestions } from "../../platform/command/questions.ts";
import { compareShapes, shapeOf } from "../../platform/intake/shape.ts";
import { describeFile } from "../../platform/intake/describe.ts";
import { adviceOn, lastWholeDay } from "../workflows/intake/intake.ts";
import { Reading } from "../../platform/documents/index.ts";
import { printBlock } from "../../platform/intake/said.ts";
import { blockOf, blockOfAnswer, readIntakeBlock, saidOf } from "../workflows/intake/said.ts";
import { lookAtTarget } from "../workflows/intake/take-in.ts";
import { lookAtFile, otherWords, takeInBeside, tellIntake } from "./intake.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "strangers-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { signal } = new AbortController();

const files = [...strangerFiles(), ...oddFiles(), ...wornFiles()].map((file) => [file.name, file] as const);
const put = (file: StrangerFile): string => {
  const at = path.join(folder, file.name);
  writeFileSync(at, file.bytes);
  return at;
};

test.each(files.filter(([, { question }]) => question === undefined))("%s is taken in as it is", async (name, file) => {
  const at = put(file);
  const intake = await lookAtFile(at, file.flags ?? {}, signal);
  const { proposal, taken, profile } = intake;
  expect(proposal).toMatchObject({ questions: [], plan: file.plan ?? {} });
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
  for (const row of rows) expect(row[1]).toMatch(/^\d{4}-\d\d-\d\d(?: \d\d:\d\d:00)?$/);
  expect(rows[0]).toEqual(expect.arrayContaining([...(file.first ?? [])]));
});

test.each(wornFiles().flatMap((file) => (file.sum === undefined ? [] : [[file.name, file, file.sum] as const])))(
  "every value of %s is read as what it is",
  async (name, file, sum) => {
    const at = put(file);
    const { plan, hints, filter } = (await lookAtFile(at, {}, signal)).taken;
    const bad: unknown[] = [];
    const onBadRow = (row: unknown): void => void bad.push(row);
    const table = await applyPlan({ name, open: () => fileBody(at) }, plan, "target", { ...filter, hints, onBadRow });
    const columns = [{ name: "demand", index: table.columns.indexOf("demand") }];
    let total = 0;
    for await (const { numbers } of readNumbers(table, { name, columns, onBadRow, decimal: plan.decimal, delimiter: table.delimiter })
      .batches)
      for (const value of numbers[0] ?? []) total += value;
    expect({ total, bad }).toEqual({ total: sum, bad: [] });
  },
);

test.each(files.filter(([, { question }]) => question !== undefined))(
  "%s asks one question, and fails with it where nobody can answer",
  async (_, file) => {
    const intake = await lookAtFile(put(file), {}, signal);
    expect(intake.proposal.questions.map(({ about }) => about)).toEqual([file.question]);
    await expect(answerQuestions(intake.profile.name, intake.proposal.questions, {}, signal)).rejects.toMatchObject({
      kind: "input",
      code: "INTAKE_QUESTION",
    });
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

test("demand that is 0 for all from some day on is told: it may be a plan that nobody filled in yet", async () => {
  const at = path.join(folder, "not-yet.csv");
  const row = (k: number, item: string): string =>
    `${new Date(Date.UTC(2024, 0, 1 + k)).toISOString().slice(0, 10)},${item},${k < 40 ? 3 + (k % 5) : 0}`;
  const rows = Array.from({ length: 60 }, (_, k) => ["A", "B"].map((item) => row(k, item))).flat();
  writeFileSync(at, `Date,Item,Qty\n${rows.join("\n")}\n`);
  const { proposal } = await lookAtFile(at, {}, signal);
  expect(proposal.notes).toContain(
    '"Qty" is 0 in every row behind 2024-02-09 (40 rows): where that is not known yet rather than none sold, --end 2024-02-09 leaves them out.',
  );
  // An item that ends while others go on is no such thing.
  writeFileSync(at, `Date,Item,Qty\n${rows.map((line) => line.replace(/,A,0$/, ",A,2")).join("\n")}\n`);
  expect((await lookAtFile(at, {}, signal)).proposal.notes).toEqual([]);
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
  ["W", "2024-03-04", "2024-03-03"],
  ["M", "2024-03-01", "2024-02-29"],
  ["W-SAT", "2024-03-06", "2024-03-02"],
  ["Q", "2024-05-05", "2024-03-31"],
  ["Y", "2024-05-05", "2023-12-31"],
  ["D", "2024-05-05", undefined],
])("at %s the last period of rows until %s ends on %s", (frequency, last, end) => {
  const seconds = (text: string): number => Date.parse(text) / 1_000;
  expect(lastWholeDay(frequency, [seconds("2021-01-15"), seconds(last)], 1)).toBe(end);
});

test("rows that are periods already are whole, whatever day they are stamped with", () => {
  const at = (text: string): number => Date.parse(text) / 1_000;
  expect(lastWholeDay("M", [at("2021-01-01"), at("2024-03-01")], 30)).toBeUndefined();
  expect(lastWholeDay("W", [at("2021-01-04"), at("2024-03-04")], 7)).toBeUndefined();
  expect(lastWholeDay("Q", [at("2021-01-01"), at("2024-04-01")], 91)).toBeUndefined();
});

const rowsOf = (lines: readonly string[], name: string): string => {
  const at = path.join(folder, name);
  writeFileSync(at, `${lines.join("\n")}\n`);
  return at;
};
const dayAfter = (i: number): string => new Date(Date.UTC(2023, 0, 1) + i * 86_400_000).toISOString().slice(0, 10);

test("a name that only holds a word for demand is not the demand", async () => {
  const at = rowsOf(
    [
      "Date,SKU,Unit Cost,Min Order Quantity,Sales Last Year,Shipped",
      ...Array.from({ length: 90 }, (_, i) => `${dayAfter(i)},A,${2 + (i % 3)}.5,12,${i % 7},${10 + (i % 5)}`),
    ],
    "aside.csv",
  );
  expect((await lookAtFile(at, {}, signal)).proposal.plan.demand).toBe("Shipped");
});

test("where customers are is no dimension when most items are sold in few of the places", async () => {
  const at = rowsOf(
    [
      "Order Date,Ship Date,Product ID,Region,State,City,Sales,Quantity,Discount,Profit",
      ...Array.from(
        { length: 900 },
        (_, i) =>
          `${dayAfter(i % 300)},${dayAfter((i % 300) + 3)},P${i % 60},R${i % 2},S${(i * 7) % 41},C${(i * 13) % 89},${i % 90}.5,${1 + (i % 5)},0.${i % 3},${i % 11}.25`,
      ),
    ],
    "orders.csv",
  );
  const { plan, uses } = { ...(await lookAtFile(at, {}, signal)).proposal };
  expect(plan).toMatchObject({ timestamp: "Order Date", item: "Product ID", demand: "Quantity" });
  expect(plan.dimensions).not.toContain("State");
  expect(plan.dimensions).not.toContain("City");
  expect(uses.find(({ column }) => column === "City")?.why).toMatch(/^a place, but half of the items/);
});

test("what hardly ever comes again is an order's number and no item", async () => {
  const order = (i: number): string => `#${1_000 + Math.floor(i / 1.3)}`;
  const lines = [
    "Name,Created at,Lineitem quantity,Lineitem name",
    ...Array.from({ length: 240 }, (_, i) => `${order(i)},${dayAfter(Math.floor(i / 3))} 09:00:05,1,Mug ${i % 4}`),
  ];
  expect((await lookAtFile(rowsOf(lines, "named.csv"), {}, signal)).proposal).toMatchObject({
    plan: { item: "Lineitem name" },
    questions: [],
  });
  const alone = lines.map((line) => line.split(",").slice(0, 3).join(","));
  expect((await lookAtFile(rowsOf(alone, "numbered.csv"), {}, signal)).proposal.questions.map(({ about }) => about)).toEqual(["item"]);
});

test.each([
  ["Year,Month,Sales", (i: number) => `${2019 + Math.floor(i / 12)},${(i % 12) + 1},${i}`, "yyyy-mm", "2019-02-01"],
  [
    "Year,Month,Sales",
    (i: number) => `${2019 + Math.floor(i / 12)},${"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")[i % 12]},${i}`,
    "yyyy-mm",
    "2019-02-01",
  ],
  ["Jahr;KW;Menge", (i: number) => `${2019 + Math.floor(i / 52)};${(i % 52) + 1};${i}`, "yyyy-Www", "2019-01-07"],
  ["Year,Quarter,Units", (i: number) => `${2009 + Math.floor(i / 4)},Q${(i % 4) + 1},${i}`, "yyyy-Qq", "2009-04-01"],
  ["year,month,day,qty", (i: number) => `${dayAfter(i).split("-").map(Number).join(",")},${i}`, "yyyy-mm-dd", "2023-01-02"],
] as const)("a date in several columns (%s) is put together", async (header, row, style, second) => {
  const at = rowsOf([header, ...Array.from({ length: 48 }, (_, i) => row(i))], `parts-${style}-${header.length}.csv`);
  const { proposal, taken } = await lookAtFile(at, {}, signal);
  expect(proposal).toMatchObject({ questions: [], plan: { dateStyle: style } });
  const table = await applyPlan({ name: "x", open: () => fileBody(at) }, taken.plan, "target", { hints: {}, onBadRow: () => undefined });
  const rows: (readonly string[])[] = [];
  for await (const batch of table.batches) rows.push(...batch.rows);
  expect(rows[1]?.slice(0, 2)).toEqual(["all", second]);
  expect(new Set(rows.map((one) => one[1])).size).toBe(48);
});

test("conditions hold before anything is found, and none that leave nothing", async () => {
  const at = rowsOf(
    ["Land,Datum,Artikel,Menge", ...Array.from({ length: 90 }, (_, i) => `${i < 40 ? "AT" : "DE"},${dayAfter(i)},A,${i}`)],
    "where.csv",
  );
  const { profile, proposal } = await lookAtFile(at, { where: "Land=AT" }, signal);
  expect(profile).toMatchObject({ rows: 40 });
  expect(proposal.plan.dimensions).toEqual([]);
  expect(profile.columns.find(({ name }) => name === "Datum")?.span?.[1]).toBe(Date.parse(dayAfter(39)) / 1_000);
  await expect(lookAtFile(at, { where: "Land=at" }, signal)).rejects.toMatchObject({ kind: "input", code: "INTAKE_NO_ROWS" });
});

test("the last day of a file is that of all its rows, not of those looked at", async () => {
  // More instants than are counted one by one, the last of them in the last row.
  const stamp = (i: number): string => new Date(Date.UTC(2023, 0, 1) + i * 3_600_000).toISOString().slice(0, 16).replace("T", " ");
  const at = rowsOf(["when,item,qty", ...Array.from({ length: 30_001 }, (_, i) => `${stamp(i)},A,${i % 9}`)], "long.csv");
  const { profile } = await lookAtFile(at, {}, signal);
  expect(profile.columns[0]?.span).toEqual([Date.UTC(2023, 0, 1) / 1_000, Date.UTC(2023, 0, 1) / 1_000 + 30_000 * 3_600]);
});

test("an item named after a total is none, a total alone is", async () => {
  const months = Array.from({ length: 6 }, (_, i) => `2023-0${i + 1}`);
  const at = rowsOf(
    [
      `Product,${months.join(",")}`,
      ...["Total yoghurt", "Sum 41 crisps", "Milk"].map((name) => `${name},${months.map((_, i) => 10 + i).join(",")}`),
      `Total:,${months.map(() => 99).join(",")}`,
    ],
    "totals.csv",
  );
  expect((await lookAtFile(at, {}, signal)).profile).toMatchObject({ rows: 3, left: { totals: 1 } });
});

test("the command that is told says all that was asked for", () => {
  expect(
    otherWords(["sales.csv", "--frequency", "M", "--where", "a=b", "--models=ets", "--negative", "--holidays", "US", "--out", "x"]),
  ).toEqual(["--frequency", "M", "--models=ets", "--negative", "--holidays", "US"]);
});

test("a text that is no table is told as doubtful", async () => {
  const at = rowsOf(
    ["# Notes", "", ...Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? "some words, and more" : "words"))],
    "notes.csv",
  );
  const { profile } = await lookAtFile(at, {}, signal);
  expect(describeFile(profile).join("\n")).toMatch(/doubtful: .* of the rows cannot be read; the first on line \d+/);
});

test("a question about a column of many texts names it, its share of unreadable values and some of them", async () => {
  const file = oddFiles().find(({ name }) => name === "a-third-unreadable.csv");
  const at = path.join(folder, "unreadable.csv");
  writeFileSync(at, file?.bytes ?? "");
  const [asked] = (await lookAtFile(at, {}, signal)).proposal.questions;
  expect(asked).toMatchObject({ text: expect.stringMatching(/"qty".* 33 % of its values are no numbers \("n\.b\."\)/) });
  const answer = asked?.answers[0] ?? "";
  expect(readAnswer(answer)).toEqual({ map: "qty=demand", "max-bad-share": "0.4" });
  expect(blockOfAnswer(answer)).toEqual({ map: { qty: "demand" }, maxBadShare: 0.4 });
  const answered = await lookAtFile(at, readAnswer(answer), signal);
  expect(answered.proposal).toMatchObject({ questions: [], plan: { demand: "qty" } });
});

test("a JSON list is told as what it is, and codes that a spreadsheet has cut are told", async () => {
  const list = rowsOf([JSON.stringify([{ date: "2024-01-01", sku: "A", qty: 1 }])], "list.json");
  await expect(lookAtFile(list, {}, signal)).rejects.toMatchObject({ kind: "input", code: "TABLE_JSON_ARRAY" });
  const cut = rowsOf(["date,barcode,qty", ...Array.from({ length: 60 }, (_, i) => `${dayAfter(i)},4.00638${i % 3}E+12,${i}`)], "cut.csv");
  expect((await lookAtFile(cut, {}, signal)).proposal.notes.join(" ")).toMatch(/codes such as 4\.00638\dE\+12: a spreadsheet has cut/);
});

test("rows of orders that came to nothing are told", async () => {
  const lines = Array.from({ length: 90 }, (_, i) => `${dayAfter(i)},A${i % 3},${i % 7},${i % 10 === 0 ? "Cancelled" : "Shipped"}`);
  const { notes, questions } = (await lookAtFile(rowsOf(["Date,SKU,Quantity,Status", ...lines], "status.csv"), {}, signal)).proposal;
  expect([questions, notes.join(" ")]).toEqual([
    [],
    expect.stringMatching(/"Status" is Cancelled are counted; --where "Status!=Cancelled"/),
  ]);
});

test("what a block of settings says is what the flags say, and is read back from what is printed", async () => {
  const at = rowsOf(
    ["Wann;Was;Filiale;Zahl", ...Array.from({ length: 90 }, (_, i) => `${dayAfter(i)};A${i % 2};F${i % 3};${i},5`)],
    "block.csv",
  );
  const flags = { map: "Wann=timestamp,Was=item_id,Zahl=demand,Filiale=store", where: "Filiale!=F2", "time-zone": "Europe/Berlin" };
  const { taken } = await lookAtFile(at, flags, signal);
  const printed = printBlock(blockOf(taken.plan, taken.filter, taken.hints)).join("\n");
  const reading = new Reading(`retail:\n${printed.replaceAll(/^/gm, "  ")}\n`, "x.yaml");
  const place = reading.entries(reading.entries(reading.root, "x")?.get("retail") ?? reading.root, "y")?.get("intake");
  const read = saidOf(readIntakeBlock(reading, place ?? reading.root));
  expect(reading.problems).toEqual([]);
  const again = await lookAtTarget({ name: taken.plan.shape, open: () => fileBody(at) }, { said: read });
  expect(again.taken.plan).toEqual({ ...taken.plan, names: { Filiale: "store" } });
  expect(again.taken.filter).toEqual(taken.filter);
});

test("files beside the target are joined by what they hold, whatever their columns are called", async () => {
  const sold = rowsOf(
    ["Datum;Artikel;Menge", ...Array.from({ length: 90 }, (_, i) => `${dayAfter(i)};${["T1", "S2"][i % 2]};${i}`)],
    "sold.csv",
  );
  const related = rowsOf(
    [
      "Stand;Bestand;Produkt;Preis brutto;Aktion",
      ...Array.from({ length: 120 }, (_, i) => `${dayAfter(i)};X${i % 7};${["T1", "S2"][i % 2]};${i % 3},5;${i % 5 === 0 ? "ja" : "nein"}`),
    ],
    "prices.csv",
  );
  const metadata = rowsOf(["Nr;Gruppe;Farbe;Text", "T1;heiss;rot;a", "S2;kalt;rot;b", "M3;kalt;rot;c", "W4;kalt;rot;d"], "items.csv");
  const target = await lookAtFile(sold, {}, signal);
  const { taken } = await takeInBeside({ related, metadata }, target, "RETAIL", signal);
  expect(taken.related?.plan).toMatchObject({ timestamp: "Stand", item: "Produkt", known: ["Preis brutto", "Aktion"], decimal: "," });
  expect(taken.metadata?.plan).toMatchObject({ item: "Nr", metadata: ["Gruppe"] });
  // In the domain's own columns they are read as they stand.
  const strict = rowsOf(["item_id,timestamp,price", `T1,${dayAfter(0)},1.5`], "strict-prices.csv");
  expect((await takeInBeside({ related: strict }, target, "RETAIL", signal)).taken).toEqual({});
  const other = rowsOf(["Stand;Kasse;Preis", ...Array.from({ length: 60 }, (_, i) => `${dayAfter(i)};K${i % 4};${i},5`)], "other.csv");
  await expect(takeInBeside({ related: other }, target, "RETAIL", signal)).rejects.toMatchObject({
    code: "INTAKE_QUESTION",
    message: expect.stringMatching(/names the item\?.*item_id, timestamp/),
  });
});

test.each([
  ["a new column", "Datum;Artikel;Menge;Neu", (line: string) => `${line};1`, [["new", false]]],
  [
    "a column in use that is gone",
    "Datum;Artikel;Stueck",
    (line: string) => line,
    [
      ["gone", true],
      ["new", false],
    ],
  ],
  ["another decimal sign", "Datum;Artikel;Menge", (line: string) => line.replace(",", "."), [["decimal", true]]],
  ["another separator", "Datum\tArtikel\tMenge", (line: string) => line.replaceAll(";", "\t"), [["separator", false]]],
  [
    "dates that are proved to be written otherwise",
    "Datum;Artikel;Menge",
    (line: string) => line.replace(/^(\d+)-(\d+)-(\d+)/, "$3.$2.$1"),
    [["date", false]],
  ],
  ["texts where numbers were", "Datum;Artikel;Menge", (line: string) => line.replace(/;[^;]*$/, ";viele"), [["kind", true]]],
  ["nothing", "Datum;Artikel;Menge", (line: string) => line, []],
] as const)("%s of the next file is told, harmful or not", async (_, header, change, expected) => {
  const lines = Array.from({ length: 90 }, (__, i) => `${dayAfter(i)};A${i % 2};${i},5`);
  const before = (await lookAtFile(rowsOf(["Datum;Artikel;Menge", ...lines], "before.csv"), {}, signal)).profile;
  const { profile } = await lookAtFile(rowsOf([header, ...lines.map(change)], "after.csv"), {}, signal);
  const changes = compareShapes(shapeOf(before), profile, new Set(["Datum", "Artikel", "Menge"]));
  expect(changes.map(({ what, harmful }) => [what, harmful])).toEqual(expected);
});
