import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { bytesText, makeProgress, printable, printRows, renderTable, timeText, toJson } from "./output.ts";
import type { Output } from "./output.ts";

function memoryOutput(live = false): Output & { readonly printed: string[]; readonly said: string[] } {
  const printed: string[] = [];
  const said: string[] = [];
  return {
    printed,
    said,
    columns: 80,
    live,
    print: (text) => printed.push(text),
    write: () => Promise.resolve(),
    say: (text) => said.push(text),
  };
}

const columns = [
  { name: "name", cell: (row: { name: string; n: number | undefined }) => row.name },
  { name: "n", cell: (row: { name: string; n: number | undefined }) => row.n },
];

describe("a table", () => {
  it("is aligned, numbers to the right, wide letters counted as two", () => {
    const rows = [
      { name: "Zürich", n: 7 },
      { name: "東京", n: 1200 },
      { name: "e\u0301", n: undefined },
    ];
    expect(renderTable(rows, columns)).toBe(["NAME       N", "Zürich     7", "東京    1200", "e\u0301          -"].join("\n"));
  });

  it("never lets a cell move the cursor or break a line", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (name) => {
        const text = renderTable([{ name, n: 1 }], columns);
        expect(text.split("\n")).toHaveLength(2);
        expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202A-\u202E]/u);
      }),
    );
    expect(printable("a\u001B[2Jb\n c")).toBe("a\\u{001B}[2Jb c");
  });
});

describe("rows", () => {
  it("with --json are one document, the empty list included; without, an empty list says so", () => {
    const json = memoryOutput();
    printRows(json, [{ name: "a", n: undefined }], columns, { json: true, none: "none" });
    printRows(json, [], columns, { json: true, none: "none" });
    expect(json.printed.map((text): unknown => JSON.parse(text))).toEqual([[{ name: "a" }], []]);
    expect(json.said).toEqual([]);
    const plain = memoryOutput();
    printRows(plain, [], columns, { json: false, none: "no rows" });
    expect([plain.printed, plain.said]).toEqual([[], ["no rows"]]);
    expect(toJson({ big: 12n })).toBe('{\n  "big": "12"\n}');
  });
});

describe("progress without a terminal", () => {
  it("says nothing for short work, and nothing at the end", () => {
    const output = memoryOutput();
    const progress = makeProgress(output, "put x");
    for (let done = 0; done <= 100; done++) progress.update(done, 100, "note");
    progress.end();
    expect(output.said).toEqual([]);
  });
});

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [52_428_800, "50 MiB"],
  [2 ** 50, "1024 TiB"],
])("%i bytes are %s", (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

it("times are shown in UTC to the second", () => {
  expect(timeText("2026-10-01T02:03:04.567Z")).toBe("2026-10-01 02:03:04");
  expect(timeText(undefined)).toBe("-");
});
