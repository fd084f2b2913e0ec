import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BadRow } from "./contract.ts";
import {
  type DecimalSign,
  type NumberFormat,
  notNumber,
  numberNotes,
  parseDecimalSign,
  parseNumber,
  readNumbers,
  readTable,
  writeTable,
} from "./index.ts";

interface Outcome {
  readonly numbers: readonly number[][];
  readonly bad: readonly BadRow[];
  readonly formats: readonly NumberFormat[];
  readonly notes: readonly string[];
}

interface Given {
  readonly decimal?: DecimalSign;
  readonly lookaheadRows?: number;
  readonly delimiter?: string;
  readonly batchRows?: number;
  readonly signs?: boolean;
}

/** Reads columns of values, each column a list; missing places are "". */
async function read(columns: readonly (readonly string[])[], given: Given = {}): Promise<Outcome> {
  const names = columns.map((_, index) => `c${index}`);
  const rows = Array.from({ length: Math.max(...columns.map((column) => column.length)) }, (_, r) =>
    columns.map((column) => column[r] ?? ""),
  );
  const { delimiter = ",", batchRows = 2048 } = given;
  const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const text = [names, ...rows].map((row) => row.map(quote).join(delimiter)).join("\n");
  const bad: BadRow[] = [];
  const onBadRow = (row: BadRow): void => void bad.push(row);
  const table = await readTable(
    (async function* () {
      yield Buffer.from(text);
    })(),
    { name: "t.csv", onBadRow, batchRows },
  );
  const read = readNumbers(table, {
    name: "t.csv",
    columns: names.map((name, index) => ({ name, index, ...(given.signs === undefined ? {} : { signs: given.signs }) })),
    onBadRow,
    delimiter: table.delimiter,
    decimal: given.decimal,
    ...(given.lookaheadRows === undefined ? {} : { lookaheadRows: given.lookaheadRows }),
  });
  const numbers: number[][] = names.map(() => []);
  for await (const batch of read.batches) {
    expect(batch.rows.length).toBe(batch.lines.length);
    for (const [c, column] of batch.numbers.entries()) {
      expect(column.length).toBe(batch.rows.length);
      numbers[c]?.push(...column);
    }
  }
  const summary = read.summary();
  return { numbers, bad, formats: summary.map((one) => one.format), notes: numberNotes(summary) };
}

describe("a format the column proves", () => {
  it.each([
    ["decimal point", ["12.50", "7", "-3.25"], [12.5, 7, -3.25]],
    ["decimal comma", ["1234,56", "7", "-3,25"], [1234.56, 7, -3.25]],
    ["comma with point thousands", ["1.234,56", "5.320", "7,5"], [1234.56, 5320, 7.5]],
    ["point with comma thousands", ["1,234.56", "5,320", "7.5"], [1234.56, 5320, 7.5]],
    ["two thousands separators", ["1,234,567", "5,320"], [1_234_567, 5320]],
    ["points twice", ["1.234.567", "5.320"], [1_234_567, 5320]],
    ["spaces", ["1 234,56", "12 000"], [1234.56, 12_000]],
    ["no-break spaces", ["1\u00a0234,56", "1\u202f000"], [1234.56, 1000]],
    ["apostrophes", ["1'234.50", "1’000.25", "12'000"], [1234.5, 1000.25, 12_000]],
    ["lakhs", ["12,34,567.50", "1,00,000"], [1_234_567.5, 100_000]],
    ["a leading zero", ["0,320", "5,320"], [0.32, 5.32]],
    ["a zero before three decimals", ["0.320", "5.320"], [0.32, 5.32]],
    ["four decimals", ["5,3201", "5,320"], [5.3201, 5.32]],
    ["euros", ["€ 1.234,56", "12,50 €", "EUR 3,5"], [1234.56, 12.5, 3.5]],
    ["pounds", ["£1,234.56", "-£5.20"], [1234.56, -5.2]],
    ["crowns", ["1 234,50 kr", "99,90 kr"], [1234.5, 99.9]],
    ["percent", ["12,5 %", "100%", "3 %"], [0.125, 1, 0.03]],
    ["minus signs", ["−12,50", "12,50-", "(1.234,50)", "+3,5"], [-12.5, -12.5, -1234.5, 3.5]],
    ["exponents", ["1,5e3", "1,5E-2", "2e2"], [1500, 0.015, 200]],
    ["bare decimals", [",5", "12,"], [0.5, 12]],
    ["missing values", ["", "n/a", "NaN", "1,5", "-"], [Number.NaN, Number.NaN, Number.NaN, 1.5, Number.NaN]],
    ["digits alone", ["1", "200", "3000"], [1, 200, 3000]],
  ])("%s", async (_, values, expected) => {
    const { numbers, bad } = await read([values]);
    expect(bad).toEqual([]);
    expect(numbers[0]).toEqual(expected);
  });

  it("tells a decimal comma with the value that proved it", async () => {
    expect((await read([["7", "1234,56"]])).notes).toEqual([
      'The column "c0" was read with a decimal comma: "1234,56" on line 3 is 1234.56.',
    ]);
  });
});

describe("what can be read in two ways", () => {
  it.each([[["5,320"]], [["5,320", "12", "1,000"]], [["5,320", "1.234"]], [["€ 5,320"]], [["-5,320"]]])("refuses %s", async (values) => {
    await expect(read([values])).rejects.toMatchObject({
      kind: "input",
      code: "TABLE_NUMBER_AMBIGUOUS",
      message: expect.stringContaining(`"${values[0]}" on line 2`),
    });
  });

  it("shows both readings and the option", async () => {
    await expect(read([["5,320"]])).rejects.toThrow(/5\.32 with a decimal comma and 5320 with a decimal point.*--decimal ,/);
  });

  it.each([
    [",", "5,320", 5.32],
    [".", "5,320", 5320],
    [",", "5.320", 5320],
    [".", "5.320", 5.32],
  ] as const)("reads what a person said: --decimal %s, %s", async (decimal, value, expected) => {
    expect((await read([[value]], { decimal })).numbers[0]).toEqual([expected]);
  });

  it("lets the other columns of the file prove it", async () => {
    expect((await read([["5,320"], ["1,5"]])).numbers[0]).toEqual([5.32]);
    expect((await read([["5.320"], ["1.5"]])).numbers[0]).toEqual([5.32]);
    expect((await read([["5.320"], ["1.234,5"]])).numbers[0]).toEqual([5320]);
    expect((await read([["5,320"], ["1,234.5"]])).numbers[0]).toEqual([5320]);
  });

  it("refuses where the other columns prove the sign, but no thousands", async () => {
    await expect(read([["5.320"], ["1,5"]])).rejects.toMatchObject({ code: "TABLE_NUMBER_AMBIGUOUS" });
    await expect(read([["5,320"], ["1.5"]])).rejects.toMatchObject({ code: "TABLE_NUMBER_AMBIGUOUS" });
  });

  it("reads 1.234 alone with a point and tells it, but not in a file of semicolons", async () => {
    const { numbers, notes } = await read([["1.234", "2.500"]]);
    expect(numbers[0]).toEqual([1.234, 2.5]);
    expect(notes).toEqual([expect.stringMatching(/decimal point: "1\.234" on line 2 is 1\.234\. If it is 1234, say --decimal ,/)]);
    await expect(read([["1.234"], ["a"]], { delimiter: ";" })).rejects.toMatchObject({ code: "TABLE_NUMBER_AMBIGUOUS" });
  });

  it("refuses the file when a later value shows that the assumption was wrong", async () => {
    const values = [...Array.from({ length: 20 }, () => "1.234"), "1.234,56"];
    await expect(read([values], { lookaheadRows: 5, batchRows: 5 })).rejects.toMatchObject({ code: "TABLE_NUMBER_MIXED" });
  });

  it("takes a lone thousands separator among decimals for a slip", async () => {
    const { numbers, bad } = await read([["12.50", "5,320", "7.25"]]);
    expect(numbers[0]).toEqual([12.5, 7.25]);
    expect(bad).toEqual([expect.objectContaining({ line: 3, column: 1, code: "TABLE_NUMBER_AMBIGUOUS", sample: "5,320" })]);
    expect(bad[0]?.reason).toContain("may be 5320 or 5.32");
  });
});

describe("a value that contradicts", () => {
  it.each(["abc", "12,5", "1.234,56", "0x10", "1e999", "12 kg", "1,23,4.5", "1..5", "--5", "Infinity", "12.5.6"])(
    "%s is a bad row with its value",
    async (value) => {
      const rest = Array.from({ length: 20 }, (_, index) => `${index}.5`);
      const { numbers, bad } = await read([[...rest, value]]);
      expect(numbers[0]).toHaveLength(20);
      expect(bad).toEqual([expect.objectContaining({ line: 22, column: 1, sample: value })]);
      expect(bad[0]?.reason).toContain(`"${value}"`);
    },
  );

  it("refuses a column of two decimal signs", async () => {
    await expect(read([["1,5", "2.5", "3,5", "4.5"]])).rejects.toMatchObject({
      code: "TABLE_NUMBER_MIXED",
      message: expect.stringContaining('"2.5" on line 3'),
    });
  });

  it("sets other currencies and stray percents apart", async () => {
    expect((await read([["€ 1,5", "$ 2,5", "EUR 3,5"]])).bad).toEqual([
      expect.objectContaining({ code: "TABLE_NUMBER_UNIT", sample: "$ 2,5" }),
    ]);
    expect((await read([["12 %", "0.5", "3 %"]])).bad).toEqual([expect.objectContaining({ code: "TABLE_NUMBER_UNIT", sample: "0.5" })]);
    expect((await read([["€ 1,5", "2"]], { signs: false })).bad).toEqual([expect.objectContaining({ sample: "€ 1,5" })]);
    expect((await read([["12 PCS", "2"]])).bad).toEqual([expect.objectContaining({ sample: "12 PCS" })]);
  });

  it("checks the rest of a long file against its beginning", async () => {
    const values = Array.from({ length: 10_000 }, (_, index) => (index === 9000 ? "12.5" : `${index % 50},5`));
    const { numbers, bad } = await read([values], { lookaheadRows: 100, batchRows: 64 });
    expect(numbers[0]).toHaveLength(9999);
    expect(bad).toEqual([expect.objectContaining({ line: 9002, sample: "12.5" })]);
  });

  it("finds a proof that comes late, as long as nothing needed it before", async () => {
    const values = [...Array.from({ length: 5000 }, () => "12"), "1.234,56"];
    expect((await read([values], { lookaheadRows: 100, batchRows: 64 })).numbers[0]?.at(-1)).toBe(1234.56);
  });
});

describe("columns that tell nothing", () => {
  it("tells an empty and a constant one", async () => {
    const { notes } = await read([
      ["", "", "n/a"],
      ["5", "5", "5.0"],
      ["1", "2", "3"],
    ]);
    expect(notes).toEqual([
      'The column "c0" is empty: none of its 3 values is a number.',
      'The column "c1" is constant: all of its 3 numbers are 5.',
    ]);
  });
});

describe("every way of writing a number", () => {
  const formats = [
    { decimal: ",", grouping: "." },
    { decimal: ".", grouping: "," },
    { decimal: ",", grouping: " " },
    { decimal: ",", grouping: "\u00a0" },
    { decimal: ".", grouping: "'" },
    { decimal: ",", grouping: "" },
  ] as const;

  it("gives the number back when the column proves the format", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...formats),
        fc.array(fc.integer({ min: -1e9, max: 1e9 }), { minLength: 1, maxLength: 30 }),
        async ({ decimal, grouping }, cents) => {
          const write = (value: number): string => {
            const [whole = "", fraction = ""] = (Math.abs(value) / 100).toFixed(2).split(".");
            return `${value < 0 ? "-" : ""}${whole.replaceAll(/\B(?=(\d{3})+$)/g, grouping)}${decimal}${fraction}`;
          };
          const { numbers, bad } = await read([cents.map(write)]);
          expect(bad).toEqual([]);
          expect(numbers[0]).toEqual(cents.map((value) => value / 100 + 0));
          for (const value of cents) expect(parseNumber(write(value), decimal)).toBe(value / 100 + 0);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("one text of a known format", () => {
  it("gives its number, NaN for nothing, and notNumber for anything else", () => {
    expect(parseNumber("1.234,5", ",")).toBe(1234.5);
    expect(parseNumber(" n/a ")).toBeNaN();
    expect(parseNumber("")).toBeNaN();
    for (const text of ["abc", "0x1f", "1,2,3", "1e999", "12 kg"]) expect(parseNumber(text)).toBe(notNumber);
  });

  it("takes the decimal sign a person names", () => {
    expect([",", "comma", ".", "point", undefined].map((text) => parseDecimalSign(text))).toEqual([",", ",", ".", ".", undefined]);
    expect(() => parseDecimalSign(";")).toThrow(/Expected --decimal to be , or \. but ";" came/);
  });
});

describe("numbers that came as numbers", () => {
  const rows = [
    ["1.250", "1,250"],
    ["0.5", "12"],
    ["3", ""],
  ];
  const batches = async function* (): AsyncGenerator<string[][]> {
    yield rows;
  };
  it.each([
    ["parquet", { kg: "number" }],
    ["jsonl", { kg: "number" }],
  ] as const)("keep their decimal point in %s, though texts are said to have a comma", async (format, types) => {
    const name = `items.${format}`;
    const bad: BadRow[] = [];
    const onBadRow = (row: BadRow): void => void bad.push(row);
    const body = writeTable(batches(), { format, columns: ["kg", "price"], types });
    const table = await readTable(body, { name, onBadRow });
    const columns = table.columns.map((column, index) => ({ name: column, index }));
    const read = readNumbers(table, { name, columns, onBadRow, decimal: "," });
    const numbers: number[][] = [[], []];
    for await (const batch of read.batches) for (const [c, column] of batch.numbers.entries()) numbers[c]?.push(...column);
    expect(bad).toEqual([]);
    expect(numbers).toEqual([
      [1.25, 0.5, 3],
      [1.25, 12, Number.NaN],
    ]);
  });
});
