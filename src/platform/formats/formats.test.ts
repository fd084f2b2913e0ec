import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import * as fc from "fast-check";
import { parquetMetadata } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Body, gather } from "../bytes.ts";
import type { BadRow, ReadOptions, WriteOptions } from "./contract.ts";
import { type Cell, detectFormat, fileBody, formatOf, readTable, writeTable } from "./index.ts";

let folder = "";
let duck: DuckDBInstance;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "stockroom-tables-"));
  duck = await DuckDBInstance.create(":memory:");
});
afterAll(() => {
  duck.closeSync();
  rmSync(folder, { recursive: true });
});

async function sql(statement: string): Promise<unknown[][]> {
  const connection = await duck.connect();
  try {
    return (await connection.runAndReadAll(statement)).getRowsJS();
  } finally {
    connection.closeSync();
  }
}

async function* chunks(bytes: Uint8Array, size = 1 << 16): Body {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

interface Outcome {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly lines: readonly number[];
  readonly bad: readonly BadRow[];
}

async function read(source: string | Uint8Array, options: Partial<ReadOptions> = {}, size?: number): Promise<Outcome> {
  const bytes = typeof source === "string" ? Buffer.from(source) : source;
  const bad: BadRow[] = [];
  const table = await readTable(chunks(bytes, size), { name: "t.jsonl", onBadRow: (row) => bad.push(row), ...options });
  const rows: (readonly string[])[] = [];
  const lines: number[] = [];
  for await (const batch of table.batches) {
    rows.push(...batch.rows);
    lines.push(...batch.lines);
  }
  return { columns: table.columns, rows, lines, bad };
}

async function* oneBatch<T>(rows: readonly T[]): AsyncGenerator<readonly T[]> {
  yield rows;
}

const write = (rows: readonly (readonly Cell[])[], options: WriteOptions): Promise<Uint8Array> =>
  gather(writeTable(oneBatch(rows), options));

const refusal = (reading: Promise<unknown>): Promise<string> =>
  reading.then(
    () => "read",
    (thrown: { kind: string; code: string }) => `${thrown.kind} ${thrown.code}`,
  );

const places = (outcome: Outcome): readonly string[] => outcome.bad.map((bad) => `${bad.code} ${bad.line}:${bad.column}`);

const anyText = fc.string({
  unit: fc.constantFrom("a", '"', "\\", "\n", "\r", "é", "漢", "😀", " ", "{", "\uFEFF", "\u2028", "1"),
  maxLength: 10,
});
/** Not a whole number (JSON puts such keys first) and no byte order mark in front (Parquet's reader takes it off names). */
const anyName = anyText.filter((name) => !/^\d+$/.test(name) && !name.startsWith("\uFEFF"));
const anyTable = fc
  .integer({ min: 1, max: 4 })
  .chain((width) =>
    fc.tuple(
      fc.uniqueArray(anyName, { minLength: width, maxLength: width }),
      fc.array(fc.array(anyText, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 10 }),
    ),
  );

describe("format by name and bytes", () => {
  it("reads endings, and believes gzip and Parquet marks over them", () => {
    expect(["a.csv", "a.CSV.gz", "a.tsv", "b.ndjson", "c.jsonl.gz", "d.parquet", "e", "f.gz", "x.csv/e"].map(formatOf)).toEqual([
      "csv",
      "csv",
      "tsv",
      "jsonl",
      "jsonl",
      "parquet",
      undefined,
      undefined,
      undefined,
    ]);
    expect(detectFormat("a.csv", gzipSync("a,b"))).toEqual({ format: "csv", gzip: true });
    expect(detectFormat("a.csv", Buffer.from("PAR1...."))).toEqual({ format: "parquet", gzip: false });
    expect(detectFormat("upload", Buffer.from('\n {"a":1}'))).toEqual({ format: "jsonl", gzip: false });
    expect(detectFormat("upload", Buffer.from("a,b\n"))).toEqual({ format: "csv", gzip: false });
  });

  it("finds the format within gzip by itself", async () => {
    expect((await read(gzipSync('{"a":"1"}\n'), { name: "upload" })).columns).toEqual(["a"]);
    expect((await read(gzipSync("a;b\n1;2\n"), { name: "upload.gz" })).columns).toEqual(["a", "b"]);
  });

  it("says what is wrong with a path", async () => {
    writeFileSync(path.join(folder, "t.csv"), "a\n1\n");
    expect(Buffer.from(await gather(fileBody(path.join(folder, "t.csv")))).toString()).toBe("a\n1\n");
    expect(await refusal(gather(fileBody(path.join(folder, "absent.csv"))))).toBe("missing FILE_MISSING");
    expect(await refusal(gather(fileBody(folder)))).toBe("input FILE_NOT_A_FILE");
  });
});

describe("JSONL", () => {
  it("reads values as text, each in its canonical form", async () => {
    const source = [
      '\uFEFF{"id":12345678901234567890,"price":1.50,"new":true,"note":null}',
      "",
      '{"id":"7","tags":["a",{"b":1}],"price":1e21,"inner":{"id":99999999999999999999}}\r',
      '{"note":"line\\nbreak \\ud83d\\ude00"}',
    ].join("\n");
    for (const size of [1, 7, 1 << 16]) {
      const outcome = await read(source, {}, size);
      expect(outcome.bad).toEqual([]);
      expect(outcome.columns).toEqual(["id", "price", "new", "note", "tags", "inner"]);
      expect(outcome.lines).toEqual([1, 3, 4]);
      expect(outcome.rows[0]).toEqual(["12345678901234567890", "1.5", "true", "", "", ""]);
      expect(outcome.rows[1]?.slice(0, 5)).toEqual(["7", "1000000000000000000000", "", "", '["a",{"b":1}]']);
      expect(outcome.rows[2]?.[3]).toBe("line\nbreak 😀");
    }
  });

  it("sets bad lines apart with line and column, and goes on", async () => {
    const many = Array.from({ length: 1000 }, (_, i) => `{"a":${i}}`);
    const source = [
      ...many,
      '{"a":1,}',
      "[1]",
      '{"b":1}',
      '{"a":"\\u0000"}',
      '{"a":"\\ud800"}',
      `{"a":"${"x".repeat(300)}"}`,
      '{"a":"end"}',
    ].join("\n");
    const outcome = await read(source, { maxRecordChars: 250 }, 100);
    expect(outcome.rows.length).toBe(1001);
    expect(outcome.rows.at(-1)).toEqual(["end"]);
    expect(places(outcome)).toEqual([
      "TABLE_JSON_BROKEN 1001:8",
      "TABLE_JSON_NOT_OBJECT 1002:1",
      "TABLE_JSON_UNKNOWN_KEY 1003:undefined",
      "TABLE_NUL 1004:undefined",
      "TABLE_NOT_UTF8 1005:undefined",
      "TABLE_RECORD_TOO_LONG 1006:1",
    ]);
  });

  it("sets lines with wrong bytes apart", async () => {
    const source = Buffer.concat([Buffer.from('{"a":"1"}\n{"a":"é'), Buffer.from([0xe9]), Buffer.from('"}\n{"a":"2"}\n')]);
    for (const size of [1, 3, 1000]) {
      const outcome = await read(source, {}, size);
      expect(outcome.rows).toEqual([["1"], ["2"]]);
      expect(places(outcome)).toEqual(["TABLE_NOT_UTF8 2:9"]);
    }
  });

  it("refuses what holds no objects", async () => {
    expect(await refusal(read(""))).toBe("input TABLE_EMPTY");
    expect(await refusal(read("{}\n{}\n"))).toBe("input TABLE_EMPTY");
    expect(await refusal(read('[{"a":1},\n{"a":2}]'))).toBe("input TABLE_NOT_JSONL");
  });

  it("takes the columns it is told, also for no rows at all", async () => {
    expect(await read("", { columns: ["a", "b"] })).toMatchObject({ columns: ["a", "b"], rows: [] });
    expect(places(await read('{"a":1,"c":2}', { columns: ["a", "b"] }))).toEqual(["TABLE_JSON_UNKNOWN_KEY 1:undefined"]);
  });

  it("reads keys of one escaped character as they are, whatever keys came before", async () => {
    const names = ["", "\r", "\\", "\n", '"', "a", "\t", "\u0001"];
    for (let round = 0; round < 400; round++) {
      const columns = [names[round % 8], names[(round * 3 + 1) % 8], names[(round * 5 + 2) % 8]].filter(
        (name, i, all) => all.indexOf(name) === i,
      );
      const text = `${JSON.stringify(Object.fromEntries(columns.map((name) => [name, "x"])))}\n`;
      expect((await read(text)).columns).toEqual(columns);
    }
  });

  it("reads keys with escapes as they are after keys that look like the beginning of their text", async () => {
    const keys = ["\\", '"', "\n", "a\\", 'a"', "a\n", "ab\\", "ab\t", "x\\y", 'x"y'];
    for (let round = 0; round < 3; round++) {
      for (const first of keys) {
        for (const second of keys.filter((key) => key !== first)) {
          const columns = ["", first, second];
          expect((await read(await write([["", "1", "2"]], { format: "jsonl", columns }), {}, 30)).columns).toEqual(columns);
        }
      }
    }
    const nested = Buffer.from('{"a\\\\":{"b\\n":[1,{"c\\"":"x,"}]},"n":"\\ue000"}\n');
    expect(await read(nested, {}, 30)).toMatchObject({
      columns: ["a\\", "n"],
      rows: [[JSON.stringify({ "b\n": [1, { 'c"': "x," }] }), "\ue000"]],
    });
  });

  it("reads back what it writes, whatever the chunks", async () => {
    await fc.assert(
      fc.asyncProperty(anyTable, fc.boolean(), fc.integer({ min: 1, max: 30 }), async ([columns, rows], gzip, size) => {
        const bytes = await write(rows, { format: "jsonl", gzip, columns });
        expect(await read(bytes, {}, size)).toMatchObject({ columns, rows, bad: [] });
      }),
      { numRuns: 200 },
    );
  });

  it("writes numbers, booleans and nulls as such when it is told their types", async () => {
    const bytes = await write(
      [
        [1, "12345678901234567890", true, "2026-10-31"],
        [null, "", "false", null],
      ],
      { format: "jsonl", columns: ["n", "big", "b", "d"], types: { n: "number", big: "number", b: "boolean", d: "date" } },
    );
    expect(Buffer.from(bytes).toString()).toBe(
      '{"n":1,"big":12345678901234567890,"b":true,"d":"2026-10-31"}\n{"n":null,"big":null,"b":false,"d":null}\n',
    );
    expect(await refusal(write([["x"]], { format: "jsonl", columns: ["n"], types: { n: "number" } }))).toBe("input TABLE_VALUE_TYPE");
  });
});

describe("Parquet", () => {
  it("reads what DuckDB writes, every type digit for digit, in every packing DuckDB and the rest of the world use", async () => {
    const select = `select * from (values
      (1::integer, 9007199254740993::bigint, 18446744073709551615::ubigint, 12345678901234567890.123456789::decimal(38,9), -0.05::decimal(4,2), 0.1::float, 1e-7::double,
       true, 'héllo "q"', date '2018-08-15', timestamp '2026-10-31 12:34:56.123456', timestamptz '2026-10-31 12:34:56Z', time '23:59:59.5',
       '123e4567-e89b-12d3-a456-426614174000'::uuid, [1,2], {'a': 'x', 'n': 9007199254740993}, -5::tinyint, 1969::usmallint),
      (null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)
    ) as t(i, big, ubig, dec, small, f, d, b, s, day, ts, tz, tm, id, list, struct, tiny, us)`;
    for (const codec of ["snappy", "zstd", "gzip", "brotli", "uncompressed"]) {
      const file = path.join(folder, `${codec}.parquet`);
      await sql(`copy (${select}) to '${file}' (format parquet, codec '${codec}')`);
      const outcome = await read(readFileSync(file), { name: file });
      expect(outcome.bad).toEqual([]);
      expect(outcome.columns.length).toBe(18);
      expect(outcome.rows[0]).toEqual([
        "1",
        "9007199254740993",
        "18446744073709551615",
        "12345678901234567890.123456789",
        "-0.05",
        "0.1",
        "0.0000001",
        "true",
        'héllo "q"',
        "2018-08-15",
        "2026-10-31T12:34:56.123456",
        "2026-10-31T12:34:56Z",
        "23:59:59.5",
        "123e4567-e89b-12d3-a456-426614174000",
        "[1,2]",
        '{"a":"x","n":"9007199254740993"}',
        "-5",
        "1969",
      ]);
      expect(outcome.rows[1]).toEqual(Array.from({ length: 18 }, () => ""));
      expect(outcome.lines).toEqual([1, 2]);
    }
  });

  it("reads many row groups, with dictionaries and without", async () => {
    const file = path.join(folder, "groups.parquet");
    await sql(
      `copy (select i, 'name ' || (i % 7) as n, md5(i::varchar) as h from range(20000) t(i)) to '${file}' (format parquet, row_group_size 4096)`,
    );
    const outcome = await read(readFileSync(file), { name: file });
    expect(outcome.rows.length).toBe(20_000);
    expect(outcome.rows.every((row, i) => row[0] === String(i) && row[1] === `name ${i % 7}`)).toBe(true);
    expect(outcome.lines.at(-1)).toBe(20_000);
  });

  it("sets apart rows with bytes that are no text", async () => {
    const file = path.join(folder, "blob.parquet");
    await sql(`copy (select * from (values ('ok'::blob), ('\\xFF'::blob), ('a\\x00b'::blob)) t(b)) to '${file}' (format parquet)`);
    const outcome = await read(readFileSync(file), { name: file });
    expect(outcome.rows).toEqual([["ok"]]);
    expect(places(outcome)).toEqual(["TABLE_NOT_UTF8 2:1", "TABLE_NUL 3:1"]);
  });

  it("refuses a file that is cut, damaged or packed in a way we do not know", async () => {
    const file = path.join(folder, "whole.parquet");
    await sql(`copy (select i from range(1000) t(i)) to '${file}' (format parquet)`);
    const whole = readFileSync(file);
    expect(await refusal(read(whole.subarray(0, whole.length - 20), { name: "cut.parquet" }))).toBe("input TABLE_PARQUET_BROKEN");
    expect(await refusal(read(whole.subarray(0, 6), { name: "cut.parquet" }))).toBe("input TABLE_PARQUET_BROKEN");
    expect(await refusal(read("", { name: "empty.parquet" }))).toBe("input TABLE_EMPTY");
    await sql(`copy (select i from range(1000) t(i)) to '${file}' (format parquet, codec 'lz4_raw')`);
    expect(await refusal(read(readFileSync(file), { name: "lz4.parquet" }))).toBe("input TABLE_PARQUET_UNSUPPORTED");
  });

  it("answers damaged bytes with a clear error or a wrong value, never with an escaped rejection", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => [String(i), `n${i}`]);
    const whole = await write(rows, { format: "parquet", columns: ["i", "n"] });
    // Only the table of contents: damaged pages can send the library into work without end (decisions/parquet.md says what that means).
    const from = whole.length - 190;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: from, max: whole.length - 1 }), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        async (hits) => {
          const copy = Buffer.from(whole);
          for (const [at, value] of hits) copy[at] = value;
          expect(await refusal(read(copy, { name: "fuzz.parquet", format: "parquet" }))).toMatch(/^(read|input TABLE_)/);
        },
      ),
      { numRuns: 400, seed: 7 },
    );
  });

  it("reads back what it writes, and so does DuckDB", async () => {
    await fc.assert(
      fc.asyncProperty(anyTable, async ([columns, rows]) => {
        const bytes = await write(rows, { format: "parquet", columns });
        expect(await read(bytes, { name: "t.parquet" })).toMatchObject({ columns, rows, bad: [] });
      }),
      { numRuns: 100 },
    );
    const file = path.join(folder, "ours.parquet");
    const columns = ["t", "n", "b", "d"];
    const rows: Cell[][] = [
      ["é", 1.5, true, "2026-10-31"],
      [null, "2", null, "1600-02-29"],
    ];
    writeFileSync(file, await write(rows, { format: "parquet", columns, types: { n: "number", b: "boolean", d: "date" } }));
    expect(await sql(`select t, n, b, d::varchar from '${file}'`)).toEqual(rows.map((row) => row.map((cell) => (cell === "2" ? 2 : cell))));
  });

  it("keeps its columns without any rows, and its rows over group bounds", async () => {
    expect(await read(await write([], { format: "parquet", columns: ["a", "b"] }), { name: "t.parquet" })).toMatchObject({
      columns: ["a", "b"],
      rows: [],
    });
    const rows = Array.from({ length: 70_000 }, (_, i) => [String(i), `name ${i % 3}`]);
    const outcome = await read(await write(rows, { format: "parquet", columns: ["a", "b"] }), { name: "t.parquet" });
    expect(outcome.rows).toEqual(rows);
  });

  it("refuses values that its types cannot hold", async () => {
    const typed = (cell: Cell, kind: "number" | "boolean" | "date"): Promise<string> =>
      refusal(write([[cell]], { format: "parquet", columns: ["a"], types: { a: kind } }));
    expect(await typed("9007199254740993", "number")).toBe("input TABLE_VALUE_TYPE");
    expect(await typed("x", "boolean")).toBe("input TABLE_VALUE_TYPE");
    expect(await typed("2026-02-30", "date")).toBe("input TABLE_VALUE_TYPE");
    expect(await typed("", "date")).toBe("read");
    expect(await refusal(write([["a\0"]], { format: "parquet", columns: ["a"] }))).toBe("input TABLE_NUL");
  });
});

describe("row groups of Parquet", () => {
  const groupsOf = async (rows: readonly (readonly Cell[])[]): Promise<readonly number[]> => {
    const bytes = await write(rows, { format: "parquet", columns: ["a", "b"] });
    return parquetMetadata(Uint8Array.from(bytes).buffer).row_groups.map(({ num_rows: count }) => Number(count));
  };

  it("end after 65,536 rows, and after 64 MB of texts: one is held in memory", async () => {
    expect(await groupsOf(Array.from({ length: 65_537 }, () => ["x", null]))).toEqual([65_536, 1]);
    expect(await groupsOf(Array.from({ length: 40 }, () => ["x".repeat(4 << 20), null]))).toEqual([16, 16, 8]);
    expect(await groupsOf([])).toEqual([]);
  });
});
