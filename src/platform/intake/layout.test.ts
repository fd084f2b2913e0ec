import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findLayout } from "./layout.ts";
import { provedSign } from "./values.ts";

test.each([
  ["a comma table", "a,b\n1,2\n3,4\n", { delimiter: ",", columns: ["a", "b"], skippedLines: 1, headerRows: 1 }],
  ["commas as decimals", "Datum;Menge\n01.02.2024;3,5\n02.02.2024;4,5\n", { delimiter: ";", columns: ["Datum", "Menge"] }],
  ["commas in texts", 'day|name|n\n2024-01-01|"a, b"|1\n2024-01-02|c, d|2\n', { delimiter: "|", columns: ["day", "name", "n"] }],
  [
    "a preamble",
    "Report\nShop 3;;\n\nDatum;Artikel;Menge\n01.02.2024;Tee;3\n02.02.2024;Tee;4\n",
    { skippedLines: 4, preamble: ["Report", "Shop 3"] },
  ],
  ["no header", "2024-01-01,A,3\n2024-01-02,A,4\n", { headerRows: 0, skippedLines: 0, columns: ["column_1", "column_2", "column_3"] }],
  ["no header, texts alone", "A,x\nB,y\nA,x\n", { headerRows: 0 }],
  [
    "a header that comes again, texts alone",
    `t,c\n${Array.from({ length: 12 }, (_, i) => `k ${i},${"xy"[i % 2]}\n`).join("t,c\n")}`,
    { headerRows: 1 },
  ],
  ["months in digits as names", "product,202011,202012,202101\nA,1,2,3\nB,2,3,4\n", { headerRows: 1 }],
  ["years as names", "product,2019,2020,2021\nA,1,2,3\nB,2,3,4\n", { headerRows: 1, columns: ["product", "2019", "2020", "2021"] }],
  [
    "two rows of names",
    "date,A,,B,\n,pcs,eur,pcs,eur\n2024-01-01,3,4.5,0,0\n2024-01-02,3,4.5,0,0\n2024-01-03,3,4.5,0,0\n",
    {
      headerRows: 2,
      columns: ["date", "A pcs", "A eur", "B pcs", "B eur"],
      skippedLines: 2,
    },
  ],
  ["names twice and none", "a,a,\n1,2,3\n4,5,6\n", { columns: ["a", "a_2", "column_3"] }],
  ["a header over two lines", '"a\nb",c\n1,2\n3,4\n', { columns: ["a b", "c"], skippedLines: 2 }],
  ["one column", "n\n1\n2\n", { columns: ["n"], headerRows: 1 }],
  ["nothing", "", { columns: ["column_1"] }],
] as const)("%s", (_, text, layout) => {
  expect(findLayout(text, true)).toMatchObject(layout);
});

test("L3: of any text the columns have names, each once", () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 400, unit: fc.constantFrom(",", ";", "\t", "|", '"', "\n", "\r", "a", "1", ".", "-", " ", "é") }),
      fc.boolean(),
      (text, isWhole) => {
        const { columns, skippedLines } = findLayout(text, isWhole);
        expect(columns.length).toBeGreaterThan(0);
        expect(new Set(columns).size).toBe(columns.length);
        expect(columns.every((name) => name !== "")).toBe(true);
        expect(skippedLines).toBeGreaterThanOrEqual(0);
      },
    ),
  );
});

test("a number tells its decimal sign only where it can mean nothing else", () => {
  expect(["1.5", "1,5", "1.234,5", "1,234.5", "1.234.567", "0,125", "12,3456"].map(provedSign)).toEqual([
    ".",
    ",",
    ",",
    ".",
    ",",
    ",",
    ",",
  ]);
  expect(["1,234", "12.345", "7", "1 234"].map(provedSign)).toEqual([undefined, undefined, undefined, undefined]);
});

test("a column of paths is not taken apart, whatever its separator", () => {
  for (const sign of ["|", ";", "\t"]) {
    const rows = Array.from({ length: 30 }, (_, i) => `Thing ${i},Home${sign}Kitchen${sign}K${i % 4}${sign}Part ${i}${sign}More`);
    expect(findLayout(["name,category", ...rows, ""].join("\n"), true)).toMatchObject({ delimiter: ",", columns: ["name", "category"] });
  }
  // A line before the table is none of it, though it holds a comma as its numbers do.
  const sold = Array.from({ length: 30 }, (_, i) => `0${i + 1}.01.2024;Tea;${i},5`);
  expect(findLayout(["Report, branch 3", "Datum;Artikel;Menge", ...sold, ""].join("\n"), true)).toMatchObject({
    delimiter: ";",
    skippedLines: 2,
  });
});
