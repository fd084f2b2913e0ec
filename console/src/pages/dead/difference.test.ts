import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { differenceOf, isComparable, mostCompared, readStart, separatorOf } from "./difference.ts";

const streamOf = (bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> => new Blob([bytes]).stream();
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

describe("the difference between two files", () => {
  it("tells columns, separators, lines, and the lines that one of them alone has", () => {
    const found = differenceOf("id,title,units\na,Tea,3\nb,Mug,4\nc,Pan,1\n", 'id;"title";menge\nc;Pan;1\nb,Mug,4\n');
    expect(found.separator).toEqual({ before: ",", now: ";" });
    expect(found.columns.gone).toEqual(["units"]);
    expect(found.columns.added).toEqual(["menge"]);
    expect(found.lines).toEqual({ before: 4, now: 3 });
    expect(found.added).toEqual({
      count: 2,
      first: [
        { line: 1, text: 'id;"title";menge' },
        { line: 2, text: "c;Pan;1" },
      ],
    });
    expect(found.gone.first.map(({ line }) => line)).toEqual([1, 2, 4]);
  });

  it("is none where rows were only moved, and counts a row that came twice", () => {
    expect(differenceOf("a\n1\n2\n", "a\r\n2\r\n1\r\n")).toMatchObject({ added: { count: 0 }, gone: { count: 0 } });
    expect(differenceOf("a\n1\n", "a\n1\n1\n").added).toEqual({ count: 1, first: [{ line: 3, text: "1" }] });
  });

  it("shows at most twenty lines and counts them all", () => {
    const many = Array.from({ length: 50 }, (_, at) => `row ${at}`).join("\n");
    const { added } = differenceOf("a\n", `a\n${many}`);
    expect([added.count, added.first.length]).toEqual([50, 20]);
  });

  it("knows separators and which files are text", () => {
    expect([separatorOf("a;b;c,d"), separatorOf("a\tb"), separatorOf("one")]).toEqual([";", "\t", ";"]);
    expect([isComparable("x/a.csv"), isComparable("a.CSV.gz"), isComparable("a.parquet"), isComparable("a.xlsx")]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe("the start of a file", () => {
  it("is whole where it is small, unpacked where it is packed", async () => {
    expect(await readStart(streamOf(bytesOf("a\nü\n")), "a.csv")).toEqual({ text: "a\nü\n", isWhole: true });
    expect(await readStart(streamOf(new Uint8Array(gzipSync("a\n1\n"))), "a.csv.gz")).toEqual({ text: "a\n1\n", isWhole: true });
  });

  it("ends with a whole line where it is large", async () => {
    const line = `${"x".repeat(99)}\n`;
    const { text, isWhole } = await readStart(streamOf(bytesOf(line.repeat(mostCompared / 50))), "a.csv");
    expect(isWhole).toBe(false);
    expect(text.length % 100).toBe(0);
    expect(text.length).toBeLessThan((line.length * mostCompared) / 50);
  });
});
