import { describe, expect, test } from "vitest";
import { readNumbers, readTable, type BadRow } from "../../../platform/formats/index.ts";
import { classifySettings } from "../settings.ts";
import { findColumns, underOurNames } from "./items.ts";
import { checkSoldColumns, makeSoldReader, unreadNotes, type Sold } from "./sold.ts";

const names = classifySettings.parse({}).columns;

const tableOf = async (text: string, onBadRow: (row: BadRow) => void = () => undefined, name = "sales.csv") =>
  await readTable(
    (async function* () {
      yield Buffer.from(text);
    })(),
    { name, onBadRow },
  );

async function read(
  text: string,
  settings: object = {},
  country = "DEU",
  onOtherName: (written: string) => void = () => undefined,
): Promise<{ readonly sold: readonly Sold[]; readonly bad: readonly BadRow[] }> {
  const bad: BadRow[] = [];
  const reject = (row: BadRow): void => void bad.push(row);
  const { table } = underOurNames(await tableOf(text, reject), names, "sales.csv");
  const columns = findColumns(table.columns, names, "sales.csv");
  checkSoldColumns(columns, names, "sales.csv");
  const amounts = [columns.units, columns.kg].map((index) => ({ name: table.columns[index] ?? "", index, signs: false }));
  const numbers = readNumbers(table, { name: "sales.csv", columns: amounts, onBadRow: reject, delimiter: table.delimiter });
  const place = { period: "2026-10", country };
  const { sales: limits } = classifySettings.parse({ sales: settings });
  const reader = makeSoldReader({ columns, names, limits, place, delimiter: table.delimiter, reject, onOtherName });
  const sold: Sold[] = [];
  for await (const batch of numbers.batches) sold.push(...reader(batch));
  return { sold, bad };
}

const head = "id,country,title,date,units,kg";
const good = "ok,DEU,kettle,2026-10-15,2,3.5";
const one = async (row: string, settings: object = {}, country = "DEU", onOtherName?: (written: string) => void) =>
  await read([head, good, row].join("\n"), settings, country, onOtherName);

test("the country under its other names is the same country, and told", async () => {
  const warnings: string[] = [];
  for (const name of ["DE", "de", "Germany", "Deutschland", "", "DEU"]) {
    const { sold, bad } = await one(`a,${name},kettle,2026-10-15,1,1`, {}, "DEU", (written) => warnings.push(written));
    expect([sold.map((item) => item.id), bad]).toEqual([["ok", "a"], []]);
  }
  expect(warnings).toEqual(["DE", "de", "Germany", "Deutschland"]);
});

describe("rows that do not belong into the file", () => {
  test.each([
    ["another month", "a,DEU,kettle,2026-09-30,1,1", "ITEM_PERIOD", 4, "2026-09-30"],
    ["another year", "a,DEU,kettle,2025-10-15,1,1", "ITEM_PERIOD", 4, "2025-10-15"],
    ["a moment that is the next month there", "a,DEU,kettle,2026-10-31T23:30:00Z,1,1", "ITEM_PERIOD", 4, "2026-10-31T23:30:00Z"],
    ["no date where there is a column for it", "a,DEU,kettle,,1,1", "ITEM_PERIOD", 4, ""],
    ["no day of the calendar", "a,DEU,kettle,2026-10-32,1,1", "ITEM_VALUE", 4, "2026-10-32"],
    ["another country", "a,FRA,kettle,2026-10-15,1,1", "ITEM_COUNTRY", 2, "FRA"],
    ["no id", ",DEU,kettle,2026-10-15,1,1", "ITEM_ID_EMPTY", 1, ""],
    ["an id that says that there is none", "#N/A,DEU,kettle,2026-10-15,1,1", "ITEM_ID_EMPTY", 1, "#N/A"],
    ["the sum of the others", "Summe,,,,3,4.5", "ITEM_TOTAL", 1, "Summe"],
    ["an id of spaces", "  ,DEU,kettle,2026-10-15,1,1", "ITEM_ID_EMPTY", 1, "  "],
    ["an id that was there", "ok,DEU,lamp,2026-10-16,1,1", "ITEM_ID_TWICE", 1, "ok"],
    ["an id that was there, with spaces about it", " ok\u00A0,DEU,lamp,2026-10-16,1,1", "ITEM_ID_TWICE", 1, " ok\u00A0"],
    ["no units", "a,DEU,kettle,2026-10-15,,1", "ITEM_MISSING", 5, ""],
    ["no kg", "a,DEU,kettle,2026-10-15,1,", "ITEM_MISSING", 6, ""],
    ["NaN for kg", "a,DEU,kettle,2026-10-15,1,NaN", "ITEM_MISSING", 6, "NaN"],
    ["a placeholder for kg", "a,DEU,kettle,2026-10-15,1,999999999", "ITEM_ABSURD", 6, "999999999"],
    ["a placeholder for units", "a,DEU,kettle,2026-10-15,999999999,1", "ITEM_ABSURD", 5, "999999999"],
    ["negative kg of what was sold", "a,DEU,kettle,2026-10-15,1,-1", "ITEM_VALUE", 6, "-1"],
    ["a weight of nothing", "a,DEU,kettle,2026-10-15,0,5", "ITEM_VALUE", 6, "5"],
    ["a word for kg", "a,DEU,kettle,2026-10-15,1,heavy", "TABLE_NUMBER_WRONG", 6, "heavy"],
    ["a currency for kg", "a,DEU,kettle,2026-10-15,1,€ 5", "TABLE_NUMBER_UNIT", 6, "€ 5"],
  ])("%s", async (_, row, code, column, value) => {
    const { sold, bad } = await one(row);
    expect(sold.map((item) => item.id)).toEqual(["ok"]);
    expect(bad).toEqual([expect.objectContaining({ line: 3, code, column })]);
    expect(bad[0]?.reason).toContain(`"${value}"`);
  });
});

describe("rows that belong", () => {
  test.each([
    ["the first moment of the month there", "a,DEU,kettle,2026-09-30T22:30:00Z,1,1", "DEU", "2026-10-01"],
    ["the last moment of the month there", "a,DEU,kettle,2026-10-31T22:59:59Z,1,1", "DEU", "2026-10-31"],
    ["a moment with the offset of the shop", "a,DEU,kettle,2026-10-31T23:30:00+01:00,1,1", "DEU", "2026-10-31"],
    ["no country", "a,,kettle,2026-10-15,1,1", "DEU", "2026-10-15"],
  ])("%s", async (_, row, country, day) => {
    const { sold, bad } = await one(row, {}, country);
    expect(bad).toEqual([]);
    expect(sold[1]).toMatchObject({ id: "a", day });
  });

  test("returns count with negative units and kg, whatever sign the weight has", async () => {
    const { sold, bad } = await read([head, good, "ok,DEU,kettle,2026-10-20,-1,1.75", "b,DEU,kettle,2026-10-20,-2,-3.5"].join("\n"));
    expect(bad).toEqual([]);
    expect(sold.map(({ id, units, kg }) => [id, units, kg])).toEqual([
      ["ok", 2, 3.5],
      ["ok", -1, -1.75],
      ["b", -2, -3.5],
    ]);
  });

  test("an item that is called as a sum is", async () => {
    const { sold, bad } = await one("Total,DEU,yoghurt,2026-10-15,1,1");
    expect(bad).toEqual([]);
    expect(sold[1]).toMatchObject({ id: "Total" });
  });

  test("a decimal comma", async () => {
    const { sold, bad } = await read("id;title;date;units;kg\na;kettle;2026-10-15;2;1.234,5\nb;lamp;2026-10-15;1;0,5\n");
    expect(bad).toEqual([]);
    expect(sold.map(({ kg }) => kg)).toEqual([1234.5, 0.5]);
  });

  test("bounds and time zones are settings", async () => {
    expect((await one("a,DEU,kettle,2026-10-15,1,5000", { maxUnitKg: 10_000 })).bad).toEqual([]);
    expect((await one("a,USA,kettle,2026-11-01T05:30:00Z,1,1", {}, "USA")).bad).toHaveLength(2);
    const west = await read(
      [head, "a,USA,kettle,2026-11-01T05:30:00Z,1,1"].join("\n"),
      { timeZones: { USA: "America/Los_Angeles" } },
      "USA",
    );
    expect(west.bad).toEqual([]);
  });

  test("a hundred thousand ids are told apart", async () => {
    const rows = Array.from({ length: 100_000 }, (_, index) => `item-${index},DEU,kettle,2026-10-15,1,1`);
    const { sold, bad } = await read([head, ...rows, "item-77777,DEU,kettle,2026-10-15,1,1"].join("\n"));
    expect(sold).toHaveLength(100_000);
    expect(bad).toEqual([
      expect.objectContaining({ line: 100_002, code: "ITEM_ID_TWICE", reason: expect.stringContaining("Line 77779 has it") }),
    ]);
  });
});

describe("a quote that a program without quoting left open", () => {
  test.each([
    ["before the amounts", head, 'a,DEU,"Best of,2026-10-15,1,1', 'c,DEU,Monitor 24",2026-10-15,1,1', 3],
    ["behind the amounts", "id,units,kg,title", 'a,1,1,"Best of', 'c,1,1,Monitor 24"', 4],
  ])("%s: the rows within are not lost in silence", async (_, header, open, close, column) => {
    const plain = header === head ? good : "ok,2,3.5,kettle";
    for (const between of [[], [plain.replace("ok", "b")]]) {
      const { sold, bad } = await read([header, plain, open, ...between, close].join("\n"));
      expect(sold.map(({ id }) => id)).toEqual(["ok"]);
      expect(bad).toEqual([expect.objectContaining({ line: 3, column, code: "TABLE_QUOTE_OPEN" })]);
    }
  });

  test("words of several lines with commas are words", async () => {
    const { sold, bad } = await one('a,DEU,"kettle, red, 2 l\nfor tea, coffee, 24",2026-10-15,1,1');
    expect(bad).toEqual([]);
    expect(sold[1]?.row[2]).toContain("for tea");
  });
});

test("a file without ids, units or kg is refused", async () => {
  await expect(read("id,title,date\na,kettle,2026-10-15\n")).rejects.toMatchObject({
    code: "SALES_COLUMNS",
    message: expect.stringContaining('"units" and "kg"'),
  });
  await expect(read("title,units,kg\nkettle,1,1\n")).rejects.toMatchObject({
    code: "SALES_COLUMNS",
    message: expect.stringContaining('"id"'),
  });
});

describe("columns under other names", () => {
  test.each([
    ["capitals", "ID,Country,Title,Date,Units,KG"],
    ["spaces after the commas", "id, country, title, date, units, kg"],
    ["marks that nobody sees", "\uFEFFid,country\u00A0,title,\u200Bdate,units,kg"],
  ])("%s: days and countries count all the same", async (_, header) => {
    const { sold, bad } = await read([header, good, "a,DEU,kettle,2026-09-30,1,1", "b,FRA,kettle,2026-10-15,1,1"].join("\n"));
    expect(sold.map(({ id, day }) => [id, day])).toEqual([["ok", "2026-10-15"]]);
    expect(bad.map(({ line, code }) => [line, code])).toEqual([
      [3, "ITEM_PERIOD"],
      [4, "ITEM_COUNTRY"],
    ]);
  });

  test("are told, and numbers that came as numbers stay so", async () => {
    const found = underOurNames(await tableOf('{"id":"a","Title":"kettle","KG":1.5}\n', undefined, "sales.jsonl"), names, "sales.jsonl");
    expect(found.table.columns).toEqual(["id", "title", "kg"]);
    expect(found.notes).toEqual(['The column "Title" was read as "title".', 'The column "KG" was read as "kg".']);
    for await (const { rows } of found.table.batches) expect(rows).toEqual([["a", "kettle", "1.5"]]);
    expect(found.table.isTyped?.("kg")).toBe(true);
  });

  test("the name itself goes before one alike, and of two alike neither is taken", async () => {
    const own = underOurNames(await tableOf("id,title,Title,units,kg\n"), names, "sales.csv");
    expect([own.table.columns, own.notes]).toEqual([["id", "title", "Title", "units", "kg"], []]);
    await expect(read("id,title,DATE,Date,units,kg\n")).rejects.toMatchObject({
      code: "ITEM_COLUMNS",
      message: expect.stringContaining('"DATE" and "Date" could both be it'),
    });
  });

  test("what models were taught with keeps its name", async () => {
    const found = underOurNames(await tableOf("id,Title,units,kg\n"), names, "sales.csv", ["Title"]);
    expect(found.table.columns).toEqual(["id", "Title", "units", "kg"]);
  });
});

test("a column of days or countries that is not read is told", () => {
  const place = { period: "2026-10", country: "DEU" };
  const notes = (header: string, ...rows: readonly string[]) =>
    unreadNotes(
      rows.map((row) => row.split(",")),
      findColumns(header.split(","), names, "sales.csv"),
      names,
      place,
    );
  const [day, land, ...more] = notes("id,title,Belegdatum,Land,units,kg", "a,kettle,2026-09-01,FR,1,1", "b,lamp,,DE,1,1");
  expect(day).toContain('All rows count as sold in 2026-10: there is no column "date", and "Belegdatum" (2026-09-01) was not read.');
  expect(land).toContain('All rows count for DEU: there is no column "country", and "Land" (FR) was not read.');
  expect(more).toEqual([]);
  expect(notes("id,title,date,Land,units,kg", "a,kettle,2026-10-01,DE,1,1")).toEqual([]);
  expect(notes("id,title,Kasse,units,kg", "a,kettle,7,1,1")).toEqual([]);
});
