import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { makePrinter, makeProgress, printable, renderTable } from "./output.ts";
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

interface Row {
  readonly name: string;
  readonly n: number | undefined;
}
const columns = { name: (row: Row) => row.name, n: (row: Row) => row.n };

describe("a table", () => {
  it("is aligned, numbers to the right, wide letters counted as two", () => {
    const rows = [
      { name: "Zürich", n: 7 },
      { name: "東京", n: 1200 },
      { name: "e\u0301", n: undefined },
    ];
    expect(renderTable(rows, columns)).toBe(["NAME       N", "Zürich     7", "東京    1200", "e\u0301          -"].join("\n"));
  });

  it("takes as many rows, and as long a cell, as there are", () => {
    const many = Array.from({ length: 150_000 }, (_, at) => ({ name: "", n: at }));
    expect(renderTable(many, columns).split("\n")).toHaveLength(150_001);
    const long = renderTable([{ name: "x".repeat(300_000), n: 1 }], columns, { fit: 20 });
    expect(long).toBe(`NAME${" ".repeat(15)}N\n${"x".repeat(16)}…  1`);
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

describe("times and states", () => {
  const nowMs = Date.parse("2026-10-31T12:00:00Z");
  const rows = [
    { state: "done", at: "2026-10-31T11:59:48.200Z" },
    { state: "failed", at: undefined },
    { state: "odd", at: "2026-10-31T14:30:00Z" },
  ];
  const ofRows = { state: (row: (typeof rows)[0]) => row.state, at: (row: (typeof rows)[0]) => ({ at: row.at }) };

  it("are times in columns that are not named, too", () => {
    expect(renderTable([{ name: "a", ended: { at: "2026-10-31T11:00:00Z" } }], undefined, { nowMs, fit: 80 })).toBe(
      "NAME  ENDED\na     1 h ago",
    );
  });

  it("are told as how long ago and in colours on a terminal, in full and plain elsewhere", () => {
    expect(renderTable(rows, ofRows, { nowMs })).toBe("STATE   AT\ndone    2026-10-31 11:59:48\nfailed  -\nodd     2026-10-31 14:30:00");
    expect(renderTable(rows, ofRows, { nowMs, fit: 80 })).toBe("STATE   AT\ndone    11 s ago\nfailed  -\nodd     in 2 h");
    expect(renderTable(rows, ofRows, { nowMs, fit: 80, color: true })).toBe(
      "STATE   AT\n\u001B[32mdone\u001B[39m    11 s ago\n\u001B[31mfailed\u001B[39m  -\nodd     in 2 h",
    );
  });
});

describe("a table on a terminal", () => {
  const rows = [
    { id: "schedule/forecast.monitor/2026-10-31T06:00:00.000Z", title: "compare the store's files", n: 123_456_789 },
    { id: "short", title: "東京".repeat(20), n: 7 },
  ];

  it("fits its width: the widest cells give way first, and numbers never", () => {
    const lines = renderTable(rows, undefined, { fit: 60 }).split("\n");
    // Two columns share what there is, and 60 leaves one over.
    expect(lines.slice(0, 2).map((line) => line.length)).toEqual([59, 59]);
    expect(lines[1]).toMatch(/^schedule\/forecast\.mon\S*…  compare the store's f.*123456789$/);
    expect(lines[2]).toMatch(/^short {10,}(東京){4,}東?… +7$/);
    // Too narrow for what may not be cut: still whole numbers and headings.
    expect(renderTable(rows, undefined, { fit: 10 })).toContain("123456789");
  });

  it("is never wider than it, whatever the cells, when headings and numbers leave room", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ name: fc.string({ maxLength: 90 }), title: fc.string({ maxLength: 90 }) }), { minLength: 1 }),
        fc.integer({ min: 18, max: 120 }),
        (made, fit) => {
          for (const line of renderTable(made, undefined, { fit }).split("\n")) expect(line.length).toBeLessThanOrEqual(fit);
        },
      ),
    );
  });

  it("is complete where it goes elsewhere, and as JSON", () => {
    const piped = memoryOutput();
    makePrinter(piped).table(rows, { json: false, empty: "" });
    expect(piped.printed[0]).not.toContain("…");
    const terminal = { ...memoryOutput(), terminalColumns: 40 };
    makePrinter(terminal).table(rows, { json: true, empty: "" });
    expect(JSON.parse(terminal.printed[0] ?? "")).toEqual(rows);
    makePrinter(terminal).table(rows, { json: false, empty: "" });
    expect(terminal.printed[1]).toContain("…");
  });
});

describe("rows", () => {
  it("with --json are one document, the empty list included; without, an empty list says so", () => {
    const json = memoryOutput();
    makePrinter(json).table([{ name: "a", n: undefined }], { json: true, empty: "none", columns });
    makePrinter(json).table([], { json: true, empty: "none", columns });
    expect(json.printed.map((text): unknown => JSON.parse(text))).toEqual([[{ name: "a" }], []]);
    expect(json.said).toEqual([]);
    const plain = memoryOutput();
    makePrinter(plain).table([], { json: false, empty: "no rows" });
    expect([plain.printed, plain.said]).toEqual([[], ["no rows"]]);
    makePrinter(plain).json({ big: 12n });
    expect(plain.printed).toEqual(['{\n  "big": "12"\n}']);
  });

  it("without columns are tables of their first row's fields, what is no plain value as JSON", () => {
    const output = memoryOutput();
    makePrinter(output).table(
      [
        { id: 1, of: ["a", "b"], at: undefined },
        { id: 2, of: [], at: "x" },
      ],
      { json: false, empty: "" },
    );
    expect(output.printed).toEqual([["ID  OF         AT", ' 1  ["a","b"]  -', " 2  []         x"].join("\n")]);
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
