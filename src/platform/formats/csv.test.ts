import { gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Body, gather } from "../bytes.ts";
import type { BadRow, ReadOptions } from "./contract.ts";
import { plainNumber, readTable, writeTable } from "./index.ts";

interface Outcome {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly lines: readonly number[];
  readonly bad: readonly BadRow[];
  /** The error that ended the rows, if one did. */
  readonly stopped?: unknown;
}

async function* inChunks(bytes: Uint8Array, sizes: readonly number[]): Body {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[i % sizes.length] ?? 1);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function read(source: string | Uint8Array, options: Partial<ReadOptions> = {}, sizes: readonly number[] = []): Promise<Outcome> {
  const bytes = typeof source === "string" ? Buffer.from(source) : source;
  const bad: BadRow[] = [];
  const table = await readTable(inChunks(bytes, sizes), { name: "t.csv", onBadRow: (row) => bad.push(row), ...options });
  const rows: (readonly string[])[] = [];
  const lines: number[] = [];
  let stopped: unknown;
  try {
    for await (const batch of table.batches) {
      rows.push(...batch.rows);
      lines.push(...batch.lines);
    }
  } catch (thrown) {
    stopped = thrown;
  }
  return { columns: table.columns, rows, lines, bad, ...(stopped === undefined ? {} : { stopped }) };
}

async function* oneBatch<T>(rows: readonly T[]): AsyncGenerator<readonly T[]> {
  yield rows;
}

const places = (outcome: Outcome): readonly string[] => outcome.bad.map((bad) => `${bad.code} ${bad.line}:${bad.column}`);

/** Text rich in what matters to CSV. */
const spicy = fc.string({
  unit: fc.constantFrom("a", "b", '"', '""', ",", "\n", "\r\n", "\r", "é", "漢", "😀", "", " ", ";", "\t", "x", "\uFEFF"),
  maxLength: 12,
});
const chunkSizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });
const matrix = (width: number, cell: fc.Arbitrary<string>): fc.Arbitrary<string[][]> =>
  fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 12 });

describe("well-formed CSV", () => {
  it("reads quotes, newlines in fields, every line end, and the line each row begins on", async () => {
    const outcome = await read('\uFEFFid,text\r\n1,plain\n2,"a ""b"", c"\r3,"two\r\nlines\rthree"\n\n4,27" screen\r\n5,');
    expect(outcome).toEqual({
      columns: ["id", "text"],
      rows: [
        ["1", "plain"],
        ["2", 'a "b", c'],
        ["3", "two\r\nlines\rthree"],
        ["4", '27" screen'],
        ["5", ""],
      ],
      lines: [2, 3, 4, 8, 9],
      bad: [],
    });
  });

  it("gives what csv-parse gives, whatever the chunks", async () => {
    const table = fc
      .integer({ min: 1, max: 4 })
      .chain((width) => fc.tuple(fc.uniqueArray(spicy, { minLength: width, maxLength: width }), matrix(width, spicy)));
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom("\n", "\r\n"), fc.boolean(), chunkSizes, async ([header, body], lineEnd, final, sizes) => {
        const text =
          [header, ...body].map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")).join(lineEnd) +
          (final ? lineEnd : "");
        const golden: string[][] = parse(text, { record_delimiter: ["\n", "\r\n", "\r"] });
        const outcome = await read(text, {}, sizes);
        expect(outcome.bad).toEqual([]);
        expect([outcome.columns, ...outcome.rows]).toEqual(golden);
      }),
      { numRuns: 300 },
    );
  });

  it("gives what csv-parse gives for fields quoted only where they must be", async () => {
    const cell = fc.string({ unit: fc.constantFrom("a", " ", "1", "é", "漢", ",", '"', "\n"), maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(matrix(3, cell), chunkSizes, async (body, sizes) => {
        const bytes = await gather(writeTable(oneBatch(body), { format: "csv", columns: ["a", "b", "c"] }));
        const outcome = await read(bytes, {}, sizes);
        const golden: string[][] = parse(Buffer.from(bytes));
        expect([outcome.columns, ...outcome.rows]).toEqual(golden);
      }),
      { numRuns: 200 },
    );
  });

  it("finds `;` and tab when only they stand in the header", async () => {
    expect((await read("a;b\n1,5;2")).rows).toEqual([["1,5", "2"]]);
    expect((await read("a\tb\n1\t2")).columns).toEqual(["a", "b"]);
    expect((await read('"x;y\n";b\n1;2', {}, [1])).columns).toEqual(["x;y\n", "b"]);
    expect((await read("a,b;c\n1,2")).columns).toEqual(["a", "b;c"]);
    expect((await read('"a;b"\n1;2')).rows).toEqual([["1;2"]]);
    expect((await read("1;2\n", { header: false, columns: ["a", "b"] })).rows).toEqual([["1", "2"]]);
    expect((await read("1;2,5\n", { header: false, columns: ["a", "b"] })).rows).toEqual([["1;2", "5"]]);
  });

  it("reads several gzip members as one file", async () => {
    const packed = Buffer.concat([gzipSync("a,b\n1,"), gzipSync("2\n3,4\n")]);
    expect((await read(packed, { name: "t.csv.gz" }, [5])).rows).toEqual([
      ["1", "2"],
      ["3", "4"],
    ]);
  });

  it("reads UTF-16 of either order by its mark", async () => {
    const text = "\uFEFFid,title\n1,Höhle 漢😀\n";
    const little = Buffer.from(text, "utf16le");
    expect((await read(little, {}, [3])).rows).toEqual([["1", "Höhle 漢😀"]]);
    expect((await read(Buffer.from(little).swap16(), {}, [1])).rows).toEqual([["1", "Höhle 漢😀"]]);
  });

  it("has no rows when there is only a header", async () => {
    expect(await read("a,b")).toEqual({ columns: ["a", "b"], rows: [], lines: [], bad: [] });
  });

  it("cuts batches as asked", async () => {
    const text = `a\n${"x\n".repeat(10)}`;
    const table = await readTable(inChunks(Buffer.from(text), []), { name: "t.csv", batchRows: 4, onBadRow: () => {} });
    const sizes: number[] = [];
    for await (const batch of table.batches) sizes.push(batch.rows.length);
    expect(sizes).toEqual([4, 4, 2]);
  });
});

describe("bad rows", () => {
  it("sets apart text after a closing quote and goes on at the next line", async () => {
    const outcome = await read('a,b\n1,"abc"def\n2,ok\n');
    expect(outcome.rows).toEqual([["2", "ok"]]);
    expect(places(outcome)).toEqual(["TABLE_QUOTE_BROKEN 2:8"]);
    expect(outcome.bad[0]?.sample).toBe('1,"abc"def');
  });

  it("loses one line of 50,000 to a quote that never closes, at its line and column", async () => {
    const lines = Array.from({ length: 50_000 }, (_, i) => (i === 39_998 ? `${i},"never closed` : `${i},text`));
    const outcome = await read(`id,text\n${lines.join("\n")}\n`, {}, [7000]);
    expect(outcome.rows.length).toBe(49_999);
    expect(places(outcome)).toEqual(["TABLE_QUOTE_OPEN 40000:7"]);
    expect(outcome.lines.at(-1)).toBe(50_001);
    expect(outcome.rows.at(-1)).toEqual(["49999", "text"]);
  });

  it("loses one line to a lost quote when every other row has quotes too", async () => {
    const outcome = await read('id,text\n1,"one"\n2,"two\n3,"three"\n4,"four"\n');
    expect(outcome.rows.map((row) => row[0])).toEqual(["1", "3", "4"]);
    expect(places(outcome)).toEqual(["TABLE_QUOTE_OPEN 3:3"]);
  });

  it("keeps the good lines of a row that began before the broken quote out of the rows", async () => {
    const outcome = await read('a,b,c\n1,"two\nlines","x"y\n2,3,4\n');
    expect(outcome.rows).toEqual([["2", "3", "4"]]);
    expect(places(outcome)).toEqual(["TABLE_QUOTE_BROKEN 3:11"]);
    expect(outcome.bad[0]?.reason).toContain("line 2");
  });

  it("sets apart rows that are too long to be rows", async () => {
    const long = "x".repeat(100);
    const outcome = await read(`a,b\n1,${long}\n2,ok\n3,"${"q\n".repeat(60)}\n4,ok\n`, { maxRecordChars: 50 }, [9]);
    expect(outcome.rows.filter((row) => row[1] === "ok").map((row) => row[0])).toEqual(["2", "4"]);
    expect(places(outcome).slice(0, 2)).toEqual(["TABLE_RECORD_TOO_LONG 2:1", "TABLE_QUOTE_OPEN 4:3"]);
  });

  it("sets apart rows with too few and too many fields", async () => {
    const outcome = await read('a,b\n1\n1,2,3\n4,5\n"x\ny"\n');
    expect(outcome.rows).toEqual([["4", "5"]]);
    expect(places(outcome)).toEqual(["TABLE_ROW_SHORT 2:2", "TABLE_ROW_LONG 3:6", "TABLE_ROW_SHORT 5:undefined"]);
  });

  it("sets apart rows with bytes that are not UTF-8, and with NUL", async () => {
    const bytes = Buffer.concat([
      Buffer.from("a,b\n1,漢"),
      Buffer.from([0xfc]),
      Buffer.from("ber\n2,ok�\n3,a\0b\n4,ok\n5,"),
      Buffer.from([0xe6, 0xbc]),
    ]);
    for (const size of [1, 2, 3, 1000]) {
      const outcome = await read(bytes, {}, [size]);
      expect(outcome.rows).toEqual([
        ["2", "ok\uFFFD"],
        ["4", "ok"],
      ]);
      expect(places(outcome)).toEqual(["TABLE_NOT_UTF8 2:6", "TABLE_NUL 4:4", "TABLE_NOT_UTF8 6:3"]);
    }
  });

  it("is not moved by where the chunks end", async () => {
    const dirty = fc
      .array(fc.constantFrom("a", "bb", '"', '"', ",", ",", "\n", "\r\n", "\r", "é", "😀", "\0", "", "12345678"), { maxLength: 60 })
      .map((parts) => Buffer.from(`h1,h2\n${parts.join("")}`));
    const broken = fc
      .tuple(dirty, fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 128, max: 255 })), { maxLength: 3 }))
      .map(([bytes, hits]) => {
        const copy = Buffer.from(bytes);
        for (const [at, value] of hits) if (at >= 6 && at < copy.length) copy[at] = value;
        return copy;
      });
    await fc.assert(
      fc.asyncProperty(broken, chunkSizes, fc.constantFrom(10, 25, 1 << 20), async (bytes, sizes, maxRecordChars) => {
        expect(await read(bytes, { maxRecordChars }, sizes)).toEqual(await read(bytes, { maxRecordChars }));
      }),
      { numRuns: 1500 },
    );
  });

  it("gives every good line between broken ones", async () => {
    // Lines without quotes stay rows, whatever one line in their midst does with a lost quote.
    const good = fc.array(fc.constantFrom("1,x", "2,yy", "3,", ",4"), { maxLength: 8 });
    const wreck = fc.constantFrom('5,"', '"', '"5,a', '"a"b,c', '5,"a"b"', '5,"""', '"""a""');
    await fc.assert(
      fc.asyncProperty(good, wreck, good, chunkSizes, async (before, broken, after, sizes) => {
        const outcome = await read(["a,b", ...before, broken, ...after].join("\n"), {}, sizes);
        expect(outcome.rows.map((row) => row.join(","))).toEqual([...before, ...after]);
        expect(outcome.bad.map((bad) => bad.line)).toEqual([before.length + 2]);
      }),
      { numRuns: 400 },
    );
  });
});

const refusal = async (source: string | Uint8Array, options: Partial<ReadOptions> = {}): Promise<string> =>
  read(source, options).then(
    () => "read",
    (thrown: { kind: string; code: string }) => `${thrown.kind} ${thrown.code}`,
  );

describe("files refused whole, or broken off", () => {
  it("refuses what is no table", async () => {
    expect(await refusal("")).toBe("input TABLE_EMPTY");
    expect(await refusal("\uFEFF")).toBe("input TABLE_EMPTY");
    expect(await refusal("\r\n\n")).toBe("input TABLE_EMPTY");
    expect(await refusal("a,b,a\n1,2,3")).toBe("input TABLE_HEADER_DUPLICATE");
    expect(await refusal('a,"b"c\n1,2')).toBe("input TABLE_HEADER_BROKEN");
    expect(await refusal('a,"b\n1,2')).toBe("input TABLE_HEADER_BROKEN");
    expect(await refusal(Buffer.from([0x61, 0xff, 0x2c, 0x0a]))).toBe("input TABLE_NOT_UTF8");
    expect(await refusal("a\0,b\n1,2\n")).toBe("input TABLE_NOT_TEXT");
    expect(await refusal("PK\u0003\u0004rest")).toBe("input TABLE_ARCHIVE_BROKEN");
    expect(await refusal("1,2", { header: false })).toBe("input TABLE_NO_COLUMNS");
  });

  it("hands out the rows before truncated gzip, then says at which line", async () => {
    const text = `id,text\n${Array.from({ length: 60_000 }, (_, i) => `${i},${((i * 7919) % 100_003).toString(36)}`).join("\n")}\n`;
    const packed = gzipSync(text);
    const outcome = await read(packed.subarray(0, packed.length >> 1), {}, [1000]);
    expect(outcome.stopped).toMatchObject({ kind: "input", code: "TABLE_GZIP_TRUNCATED", facts: { name: "t.csv" } });
    expect(outcome.rows.length).toBeGreaterThan(1000);
    expect(outcome.stopped).toMatchObject({ facts: { line: (outcome.lines.at(-1) ?? 0) + 1 } });
  });

  it("says that damaged gzip is damaged", async () => {
    const packed = gzipSync(`a\n${"x\n".repeat(10_000)}`);
    packed[packed.length - 6] = (packed[packed.length - 6] ?? 0) ^ 1;
    expect(await refusal(packed)).toBe("input TABLE_GZIP_BROKEN");
  });

  it("passes on the error of its source, and closes the source when left early", async () => {
    let closed = false;
    const source = async function* (): Body {
      try {
        yield Buffer.from(`a\n${"x\n".repeat(5000)}`);
        throw new Error("disk gone");
      } finally {
        closed = true;
      }
    };
    const failing = await readTable(source(), { name: "t.csv", onBadRow: () => {} });
    const all = async (): Promise<void> => {
      for await (const batch of failing.batches) expect(batch.rows.length).toBeGreaterThan(0);
    };
    await expect(all()).rejects.toThrow("disk gone");
    closed = false;
    const table = await readTable(source(), { name: "t.csv", onBadRow: () => {} });
    for await (const batch of table.batches) {
      expect(batch.rows.length).toBe(2048);
      break;
    }
    expect(closed).toBe(true);
  });
});

const write = (row: readonly (string | number)[], columns = ["a"]): Promise<Uint8Array> =>
  gather(writeTable(oneBatch([row]), { format: "csv", columns, gzip: true }));

describe("writing", () => {
  it("writes what it reads back, in every text format, packed or plain", async () => {
    const table = fc
      .integer({ min: 1, max: 4 })
      .chain((width) => fc.tuple(fc.uniqueArray(spicy, { minLength: width, maxLength: width }), matrix(width, spicy)));
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom("csv", "tsv"), fc.boolean(), chunkSizes, async ([columns, rows], format, gzip, sizes) => {
        const bytes = await gather(writeTable(oneBatch(rows), { format, gzip, columns }));
        const outcome = await read(bytes, { name: `t.${format}` }, sizes);
        expect(outcome).toMatchObject({ columns, rows, bad: [] });
      }),
      { numRuns: 300 },
    );
  });

  it("writes numbers in plain decimals that read back as the same number", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = plainNumber(value);
        expect(text).toMatch(/^-?\d+(\.\d+)?$/);
        expect(Number(text) === value).toBe(true);
      }),
    );
    expect([1e21, 1.5e-7, -2e-9, 1.25e22].map(plainNumber)).toEqual([
      "1000000000000000000000",
      "0.00000015",
      "-0.000000002",
      "12500000000000000000000",
    ]);
  });

  it("refuses what no table can hold", async () => {
    await expect(write(["a\0b"])).rejects.toMatchObject({ code: "TABLE_NUL" });
    await expect(write([Number.NaN])).rejects.toMatchObject({ code: "TABLE_NUMBER_NOT_FINITE" });
    await expect(write(["a", "b"])).rejects.toMatchObject({ code: "TABLE_ROW_WIDTH" });
    expect(() => writeTable(oneBatch([]), { format: "csv", columns: [] })).toThrow("at least one column");
    expect(() => writeTable(oneBatch([]), { format: "csv", columns: ["a", "a"] })).toThrow("a name of its own");
  });
});

describe("encodings", () => {
  const text = "id,title\n1,Kühlschrank groß\n2,Pâté à 5 €\n3,27\u201d – ½ °C\n";
  const rows = [
    ["1", "Kühlschrank groß"],
    ["2", "Pâté à 5 €"],
    ["3", "27\u201d – ½ °C"],
  ];
  const windows1252 = Buffer.from(text.replaceAll("€", "\x80").replaceAll("\u201d", "\x94").replaceAll("–", "\x96"), "latin1");
  const swapped = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16();
  const open = async (bytes: Uint8Array, options: Partial<ReadOptions> = {}, size = 1000) => {
    const table = await readTable(inChunks(bytes, [size]), {
      name: "t.csv",
      onBadRow: (row) => expect.unreachable(row.reason),
      ...options,
    });
    const found: (readonly string[])[] = [];
    for await (const batch of table.batches) found.push(...batch.rows);
    return { rows: found, encoding: table.encoding?.() };
  };

  it.each([
    ["UTF-8", Buffer.from(text), "utf-8", "bytes"],
    ["UTF-8 with a mark", Buffer.from(`\uFEFF${text}`), "utf-8", "mark"],
    ["UTF-16 with a mark", Buffer.from(`\uFEFF${text}`, "utf16le"), "utf-16le", "mark"],
    ["UTF-16 with a mark, the other way", swapped(Buffer.from(`\uFEFF${text}`, "utf16le")), "utf-16be", "mark"],
    ["UTF-16 without a mark", Buffer.from(text, "utf16le"), "utf-16le", "bytes"],
    ["UTF-16 without a mark, the other way", swapped(Buffer.from(text, "utf16le")), "utf-16be", "bytes"],
    ["Windows-1252", windows1252, "windows-1252", "bytes"],
  ] as const)("finds %s", async (_, bytes, name, from) => {
    for (const size of [1, 2, 3, 1000]) expect(await open(bytes, {}, size)).toEqual({ rows, encoding: { name, from } });
  });

  it("finds Windows-1252 also where ASCII comes first for long, and in the header", async () => {
    const long = Buffer.concat([Buffer.from(`id,title\n${"0,plain\n".repeat(60_000)}`), windows1252.subarray(9)]);
    expect((await open(long, {}, 70_000)).rows.slice(-3)).toEqual(rows);
    expect(
      (await readTable(inChunks(Buffer.from("id,Stückzahl\n1,2\n", "latin1"), []), { name: "t.csv", onBadRow: () => undefined })).columns,
    ).toEqual(["id", "Stückzahl"]);
  });

  it("reads JSON lines too", async () => {
    expect((await open(Buffer.from('{"a":"Kühl"}\n', "latin1"), { format: "jsonl" })).rows).toEqual([["Kühl"]]);
  });

  it("reads the encoding a person named", async () => {
    const polish = Buffer.from([0x61, 0x0a, 0xa3, 0xf3, 0x64, 0x9f, 0x0a]);
    expect((await open(polish, { encoding: "windows-1250" })).rows).toEqual([["Łódź"]]);
    expect((await open(Buffer.from("a\nKühl\n", "latin1"), { encoding: "latin1" })).encoding).toEqual({
      name: "windows-1252",
      from: "given",
    });
    await expect(open(Buffer.from("a\n"), { encoding: "utf9" })).rejects.toMatchObject({ kind: "input", code: "TABLE_ENCODING_UNKNOWN" });
  });

  it("does not take other encodings for Windows-1252", async () => {
    // "Холодильник, утюг" in Windows-1251; "ψυγείο" in Windows-1253.
    const cyrillic = Buffer.from([0xd5, 0xee, 0xeb, 0xee, 0xe4, 0xe8, 0xeb, 0xfc, 0xed, 0xe8, 0xea, 0x20, 0xf3, 0xf2, 0xfe, 0xe3]);
    const greek = Buffer.from([0xf8, 0xf5, 0xe3, 0xe5, 0xdf, 0xef]);
    for (const word of [cyrillic, greek]) {
      const outcome = await read(Buffer.concat([Buffer.from("a,b\n1,"), word, Buffer.from("\n2,x\n")]));
      expect(outcome.rows).toEqual([["2", "x"]]);
      expect(outcome.bad[0]?.reason).toContain("or name its encoding");
    }
  });

  it("sets the rows apart whose characters the named encoding does not know", async () => {
    const outcome = await read(Buffer.from([0x61, 0x0a, 0x78, 0x0a, 0xff, 0xff, 0x0a]), { encoding: "shift_jis" });
    expect(outcome.rows).toEqual([["x"]]);
    expect(outcome.bad.map((bad) => bad.line)).toEqual([3]);
  });
});

describe("CSV that people open", () => {
  const write = async (rows: readonly (readonly (string | number)[])[], spreadsheet: boolean): Promise<Buffer> =>
    Buffer.from(await gather(writeTable(oneBatch(rows), { format: "csv", columns: ["a", "b"], spreadsheet })));

  it("runs no text as a formula, and leaves numbers as they are", async () => {
    const rows = ["=1+1", "+cmd", "-x", "@sum(a)", "\t=1", "-5", "+1,5", "plain", "it's", "'=x", "1-2"].map((text) => [text, -5]);
    const text = (await write(rows, true)).toString("utf8");
    for (const line of text.split("\n").slice(1)) expect(line).not.toMatch(/^"?[=@]|^"?[+-][^\d]|^"?\t/);
    expect(text).toContain("'=1+1,-5");
    expect(text).toContain("\n-5,-5\n");
    expect((await write(rows, false)).toString("utf8")).toContain("\n=1+1,-5\n");
  });

  it("gives every text back", async () => {
    const text = fc.string({ unit: fc.constantFrom("'", "=", "+", "-", "@", "\t", "a", "1", ",", '"', "\n"), maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(matrix(2, text), async (rows) => {
        const outcome = await read(await write(rows, true), { spreadsheet: true });
        expect(outcome.bad).toEqual([]);
        expect(outcome.rows).toEqual(rows);
      }),
      { numRuns: 300 },
    );
  });
});
