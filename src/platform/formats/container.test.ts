import { gzipSync } from "node:zlib";
import { strToU8, zipSync } from "fflate";
import { expect, test } from "vitest";
import { unpack } from "./container.ts";
import { readTable } from "./read.ts";

const open = async (bytes: Uint8Array, name: string): Promise<{ columns: readonly string[]; rows: string[][] }> => {
  const table = await readTable(
    (async function* () {
      yield bytes;
    })(),
    { name, onBadRow: () => undefined },
  );
  const rows: string[][] = [];
  for await (const batch of table.batches) for (const row of batch.rows) rows.push([...row]);
  return { columns: table.columns, rows };
};

type CellXml = string;
const text = (at: string, value: string): CellXml => `<c r="${at}" t="inlineStr"><is><t>${value}</t></is></c>`;
const number = (at: string, value: number, style = 0): CellXml => `<c r="${at}" s="${style}"><v>${value}</v></c>`;

type Sheet = readonly (readonly CellXml[])[];

/** A workbook as Excel writes it, as small as it can be; style 1 is a date. Without a cover it has one sheet, Sales. */
function workbook(rows: Sheet, cover?: Sheet): Uint8Array {
  const xmlOf = (all: Sheet): string => all.map((cells, i) => `<row r="${i + 1}">${cells.join("")}</row>`).join("");
  const sheet = xmlOf(rows);
  const main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';
  return zipSync({
    "[Content_Types].xml": strToU8(
      '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
    ),
    "_rels/.rels": strToU8(
      '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    ),
    "xl/workbook.xml": strToU8(
      `<workbook ${main} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>${cover === undefined ? "" : '<sheet name="Cover" sheetId="2" r:id="rId3"/>'}<sheet name="Sales" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    ),
    "xl/_rels/workbook.xml.rels": strToU8(
      '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet2.xml"/></Relationships>',
    ),
    "xl/styles.xml": strToU8(
      `<styleSheet ${main}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>`,
    ),
    "xl/worksheets/sheet1.xml": strToU8(`<worksheet ${main}><sheetData>${sheet}</sheetData></worksheet>`),
    "xl/worksheets/sheet2.xml": strToU8(`<worksheet ${main}><sheetData>${xmlOf(cover ?? [])}</sheetData></worksheet>`),
  });
}

const csv = strToU8("item,n\nA,1\nB,2\n");

test("an archive of one file is that file, gzip within it too", async () => {
  const read = {
    columns: ["item", "n"],
    rows: [
      ["A", "1"],
      ["B", "2"],
    ],
  };
  expect(await open(zipSync({ "export/sales.csv": csv, "__MACOSX/x": csv, "empty/": new Uint8Array() }), "sales.zip")).toEqual(read);
  expect(await open(zipSync({ "sales.csv.gz": gzipSync(csv) }), "sales.zip")).toEqual(read);
  expect(await open(zipSync({ "sales.tsv": strToU8("item\tn\nA\t1\nB\t2\n") }), "sales.zip")).toEqual(read);
});

test("of several files it is asked which, and a damaged or empty archive is told", async () => {
  await expect(open(zipSync({ "a.csv": csv, "b.csv": csv }), "two.zip")).rejects.toMatchObject({
    code: "TABLE_ARCHIVE_MANY",
    message: expect.stringContaining("a.csv, b.csv"),
  });
  await expect(open(zipSync({ "a/": new Uint8Array() }), "none.zip")).rejects.toMatchObject({ kind: "input", code: "TABLE_ARCHIVE_EMPTY" });
  const cut = zipSync({ "a.csv": csv }).slice(0, 40);
  await expect(open(cut, "cut.zip")).rejects.toMatchObject({ kind: "input", code: "TABLE_ARCHIVE_BROKEN" });
});

test("a workbook reads as the CSV of its sheet: dates as ISO, numbers in plain decimals, blanks empty", async () => {
  const bytes = workbook([
    [text("A1", "Date"), text("B1", "Item"), text("C1", "Qty")],
    [number("A2", 45_322, 1), text("B2", "Tea, green"), number("C2", 0.000_001)],
    [number("A3", 45_323, 1), text("B3", "Milk")],
  ]);
  expect(await open(bytes, "sales.xlsx")).toEqual({
    columns: ["Date", "Item", "Qty"],
    rows: [
      ["2024-01-31", "Tea, green", "0.000001"],
      ["2024-02-01", "Milk", ""],
    ],
  });
});

test("of several sheets the one with most rows is read, and that is told", async () => {
  const rows = [[text("A1", "Item"), text("B1", "Qty")], ...[2, 3, 4].map((n) => [text(`A${n}`, `I${n}`), number(`B${n}`, n)])];
  const bytes = workbook(rows, [[text("A1", "Report")], [text("A2", "of May")]]);
  expect(await open(bytes, "sales.xlsx")).toMatchObject({ columns: ["Item", "Qty"], rows: { length: 3 } });
  async function* once(): AsyncGenerator<Uint8Array> {
    yield bytes;
  }
  expect((await unpack(once(), "sales.xlsx")).note).toMatch(/"Sales" was read.*not read: Cover/);
});

test("a workbook that is none is told", async () => {
  await expect(open(zipSync({ "xl/workbook.xml": strToU8("<nonsense/>") }), "odd.xlsx")).rejects.toMatchObject({ kind: "input" });
});
