// One question, four forms of its answer: the same values in each. Arrow is read back by apache-arrow, Parquet by DuckDB itself.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { type Data, tableFromIPC } from "apache-arrow";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { gather } from "../platform/bytes.ts";
import { readTable } from "../platform/formats/index.ts";
import type { AnswerCell, AnswerType, ExactCell } from "../platform/warehouse/contract.ts";
import { exactOf } from "../platform/warehouse/exact.ts";
import { Lake } from "../platform/warehouse/lake.ts";
import { answerFile, type FileForm } from "./answer-file.ts";

const folder = mkdtempSync(path.join(tmpdir(), "stockroom-answer-"));
const lake = new Lake();
const reader = await DuckDBInstance.create(":memory:");
afterAll(async () => {
  await lake.close();
  reader.closeSync();
  rmSync(folder, { recursive: true });
});

async function rowsOf<T>(batches: AsyncIterable<readonly (readonly T[])[]>): Promise<(readonly T[])[]> {
  const rows: (readonly T[])[] = [];
  for await (const batch of batches) rows.push(...batch);
  return rows;
}

async function fileOf(form: FileForm, sql: string, limit = 1_000_000): Promise<Buffer> {
  const asks = { plain: async () => await lake.ask([], sql), exact: async () => await lake.askExact([], sql) };
  return Buffer.from(await gather((await answerFile(form, asks, limit)).body));
}

function never(): never {
  throw new Error("a column is missing");
}

/** Values of one column as apache-arrow has their buffers, not as it shows them: that loses microseconds. */
function valuesOf(data: Data, type: AnswerType): ExactCell[] {
  // Without rows there is nothing below.
  if (data.length === 0) return [];
  const at = <T>(make: (row: number) => T): (T | null)[] =>
    Array.from({ length: data.length }, (_, row) => (data.getValid(row) ? make(row) : null));
  const values = data.values as unknown as Record<number, number> & Record<number, bigint> & Uint8Array;
  const child = (place: number): Data => data.children[place] ?? never();
  const span = (row: number): [number, number] => [Number(data.valueOffsets[row]), Number(data.valueOffsets[row + 1])];
  switch (type.kind) {
    case "boolean":
      return at((row) => ((values[row >> 3] ?? 0) & (1 << (row & 7))) !== 0);
    case "decimal":
      return wide(at, values);
    case "integer":
      return type.bits === 128 ? wide(at, values) : at((row) => values[row] as number | bigint);
    case "float":
    case "date":
      return at((row) => values[row] as number);
    case "time":
    case "timestamp":
      return at((row) => BigInt(values[row] ?? 0));
    case "text":
      return at((row) => Buffer.from(values.subarray(...span(row))).toString("utf8"));
    case "bytes":
      return at((row) => Uint8Array.from(values.subarray(...span(row))));
    case "interval": {
      const bytes = Buffer.from((data.values as Uint8Array).buffer, (data.values as Uint8Array).byteOffset, data.length * 16);
      return at((row) => [bytes.readInt32LE(row * 16), bytes.readInt32LE(row * 16 + 4), bytes.readBigInt64LE(row * 16 + 8) / 1_000n]);
    }
    case "list":
    case "map": {
      const fields = type.kind === "map" ? [["key", type.key] as const, ["value", type.value] as const] : [];
      const of: AnswerType =
        type.kind === "list" ? type.of : { kind: "struct", fields: fields.map(([name, inner]) => ({ name, type: inner })) };
      const inner = valuesOf(child(0), of);
      return at((row) => inner.slice(...span(row)));
    }
    case "array": {
      const inner = valuesOf(child(0), type.of);
      return at((row) => inner.slice(row * type.length, (row + 1) * type.length));
    }
    case "struct": {
      const inner = type.fields.map((field, place) => valuesOf(child(place), field.type));
      return at((row) => inner.map((column) => column[row] ?? null));
    }
    case "union": {
      const inner = type.members.map((member, place) => valuesOf(child(place), member.type));
      return Array.from({ length: data.length }, (_, row) => {
        const tag = data.typeIds[row] ?? 0;
        const value = inner[tag]?.[row] ?? null;
        return value === null ? null : [tag, value];
      });
    }
    default:
      return Array.from({ length: data.length }, () => null);
  }
}

function wide(at: (make: (row: number) => bigint) => (bigint | null)[], words: Record<number, number>): (bigint | null)[] {
  return at((row) => {
    const word = (place: number): bigint => BigInt(words[row * 4 + place] ?? 0) << BigInt(place * 32);
    return BigInt.asIntN(128, word(0) | word(1) | word(2) | word(3));
  });
}

/** A value as JSON has it, taken back. */
function back(cell: AnswerCell, type: AnswerType): ExactCell {
  if (cell === null) return null;
  const list = cell as readonly AnswerCell[];
  const named = cell as Readonly<Record<string, AnswerCell>>;
  switch (type.kind) {
    case "list":
    case "array":
      return list.map((item) => back(item, type.of));
    case "struct":
      return type.fields.map((field) => back(named[field.name] ?? null, field.type));
    case "map":
      return list.map((pair) => {
        const { key = null, value = null } = pair as Readonly<Record<string, AnswerCell>>;
        return [back(key, type.key), back(value, type.value)];
      });
    case "union": {
      const tag = type.members.findIndex((member) => member.name === named["tag"]);
      return [tag, back(named["value"] ?? null, type.members[tag]?.type ?? { kind: "text" })];
    }
    case "interval":
      return typeof cell === "string" ? readInterval(cell) : null;
    case "float":
      // The shortest decimal that names a 32-bit number.
      return type.bits === 32 ? Math.fround(typeof cell === "object" ? Number.NaN : Number(cell)) : exactOf(cell, type, "v");
    default:
      return exactOf(cell, type, "v");
  }
}

/** `1 year 2 months -3 days 04:05:06.7` as months, days and microseconds. */
function readInterval(interval: string): ExactCell {
  const count = (word: string): number => Number(new RegExp(`(-?\\d+) ${word}`).exec(interval)?.[1] ?? 0);
  const [, sign = "", hours = "0", minutes = "0", seconds = "0", part = ""] = /(-?)(\d+):(\d+):(\d+)(?:\.(\d+))?$/.exec(interval) ?? [];
  const micros = (BigInt(hours) * 3_600n + BigInt(minutes) * 60n + BigInt(seconds)) * 1_000_000n + BigInt(part.padEnd(6, "0"));
  return [count("year") * 12 + count("month"), count("day"), sign === "-" ? -micros : micros];
}

const same = (value: ExactCell): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(same);
  // JSON knows no sign of zero.
  return typeof value === "number" ? value + 0 : value;
};

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const whole = (bits: number, signed: boolean) => {
  const most = 2n ** BigInt(signed ? bits - 1 : bits);
  return fc.oneof(fc.bigInt({ min: signed ? -most : 0n, max: most - 1n }), fc.bigInt({ min: 0n, max: 9n })).map(String);
};
const decimals = (width: number, scale: number) =>
  fc.bigInt({ min: -(10n ** BigInt(width)) + 1n, max: 10n ** BigInt(width) - 1n }).map((value) => {
    const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
    return `${value < 0n ? "-" : ""}${digits.slice(0, digits.length - scale)}${scale === 0 ? "" : "."}${digits.slice(digits.length - scale)}`;
  });
const doubles = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 1e22, 5e-324)).map(String);
const floats = fc.oneof(fc.float(), fc.constantFrom(Number.NaN, Infinity, -Infinity)).map(String);
const words = fc
  .oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "=1+1", "'=x", 'a"b\n,c', "\uFEFF", "null", "007", "-5"))
  .map((value) => value.replaceAll("\0", "0").toWellFormed());
const days = fc.oneof(
  fc.date({ noInvalidDate: true, min: new Date("0001-01-01"), max: new Date("9999-12-31") }).map((date) => date.toISOString().slice(0, 10)),
  fc.constantFrom("infinity", "-infinity", "0044-03-15 (BC)", "290000-01-01"),
);
const moments = (digits: number, from = "1700-01-01", to = "2200-01-01") =>
  fc
    .tuple(fc.date({ noInvalidDate: true, min: new Date(from), max: new Date(to) }), fc.integer({ min: 0, max: 10 ** digits - 1 }))
    .map(
      ([date, part]) =>
        `${date.toISOString().slice(0, 19).replace("T", " ")}${digits === 0 ? "" : `.${String(part).padStart(digits, "0")}`}`,
    );
const times = moments(6).map((moment) => moment.slice(11));

/** Every type that an answer can have, with values of it as SQL takes them between quotes. */
const columns: readonly (readonly [name: string, type: string, values: fc.Arbitrary<string>])[] = [
  ["b", "boolean", fc.boolean().map(String)],
  ["i8", "tinyint", whole(8, true)],
  ["i16", "smallint", whole(16, true)],
  ["i32", "integer", whole(32, true)],
  ["i64", "bigint", whole(64, true)],
  ["i128", "hugeint", whole(126, true)],
  ["u8", "utinyint", whole(8, false)],
  ["u16", "usmallint", whole(16, false)],
  ["u32", "uinteger", whole(32, false)],
  ["u64", "ubigint", whole(64, false)],
  ["u128", "uhugeint", whole(126, false)],
  ["f32", "float", floats],
  ["f64", "double", doubles],
  ["d4", "decimal(4,2)", decimals(4, 2)],
  ["d18", "decimal(18,0)", decimals(18, 0)],
  ["d38", "decimal(38,38)", decimals(38, 38)],
  ["big", "bignum", whole(200, true)],
  ["s", "varchar", words],
  [
    "x",
    "blob",
    fc.uint8Array({ maxLength: 8 }).map((value) => [...value].map((one) => `\\x${one.toString(16).padStart(2, "0")}`).join("")),
  ],
  ["d", "date", days],
  ["t", "time", times],
  ["tns", "time_ns", moments(9).map((moment) => moment.slice(11))],
  ["ttz", "timetz", times.map((time) => `${time}+05:30`)],
  ["ts", "timestamp", fc.oneof(moments(6), fc.constantFrom("infinity", "-infinity"))],
  ["tz", "timestamptz", moments(6).map((moment) => `${moment}+02`)],
  ["tss", "timestamp_s", fc.oneof(moments(0), fc.constantFrom("infinity", "-infinity"))],
  ["tsm", "timestamp_ms", fc.oneof(moments(3), fc.constantFrom("infinity"))],
  ["tsn", "timestamp_ns", fc.oneof(moments(9), fc.constantFrom("infinity"))],
  [
    "iv",
    "interval",
    fc
      .tuple(fc.integer({ min: -900, max: 900 }), fc.integer({ min: -900, max: 900 }), times)
      .map(([months, some, time]) => `${months} months ${some} days ${time}`),
  ],
  ["id", "uuid", fc.uuid()],
  ["e", "enum('low', 'high')", fc.constantFrom("low", "high")],
  ["bits", "bit", fc.stringMatching(/^[01]{1,20}$/)],
  ["j", "json", fc.json({ maxDepth: 1, stringUnit: "grapheme-ascii" })],
  ["l", "bigint[]", fc.array(whole(64, true), { maxLength: 3 }).map((list) => `[${list.join(",")}]`)],
  ["ll", "date[][]", fc.constantFrom("[]", "[[], [2026-10-31, NULL]]", "[NULL, [1999-01-01]]")],
  ["a", "double[2]", fc.tuple(doubles, doubles).map((pair) => `[${pair.join(",")}]`)],
  [
    "st",
    "struct(n hugeint, t timestamp, inner_one struct(x blob))",
    fc.constantFrom(
      "{'n': 170141183460469231731, 't': '2026-01-01 00:00:00.000001', 'inner_one': {'x': a}}",
      "{'n': NULL, 't': NULL, 'inner_one': NULL}",
    ),
  ],
  ["m", "map(varchar, decimal(20,3))", fc.constantFrom("{}", "{a=1.5, b=NULL}", "{k=12345678901234567.891}")],
];

const cell = (values: fc.Arbitrary<string>) => fc.option(values, { freq: 4 });
const tables = fc.array(fc.tuple(...columns.map(([, , values]) => cell(values))), { maxLength: 12 });
const union = "union(n integer, s varchar)";

function sqlOf(rows: readonly (readonly (string | null)[])[]): string {
  const names = columns.map(([name]) => name);
  const lines = rows.map((row, at) => `(${at}, ${row.map((value) => (value === null ? "null" : text(value))).join(", ")})`);
  const none = `(-1, ${names.map(() => "null::varchar").join(", ")})`;
  const unions = `case row % 3 when 0 then null when 1 then union_value(n := 3)::${union} else union_value(n := null)::${union} end`;
  return `select row, ${columns.map(([name, type]) => `${name}::${type} as ${name}`).join(", ")}, ${unions} as u, null as nothing
    from (values ${[none, ...lines].join(", ")}) t(row, ${names.join(", ")}) where row >= 0 order by row`;
}

describe("the same question", () => {
  it("has the same values as JSON, CSV, Parquet and Arrow, whatever its types", async () => {
    await fc.assert(
      fc.asyncProperty(tables, async (rows) => {
        const sql = sqlOf(rows);
        const json = await lake.ask([], sql);
        const cells: (readonly AnswerCell[])[] = JSON.parse(JSON.stringify(await rowsOf(json.batches)));
        const exact = await rowsOf((await lake.askExact([], sql)).batches);
        const { types, columns: names } = json;
        expect(cells.length).toBe(rows.length);
        expect(cells.map((row) => row.map((one, at) => same(back(one, types[at] ?? never()))))).toEqual(exact.map((row) => row.map(same)));

        const arrow = tableFromIPC(await fileOf("arrow", sql));
        expect(arrow.schema.fields.map((field) => field.name)).toEqual(names);
        const read = types.map((type, at) => arrow.batches.flatMap((batch) => valuesOf(batch.data.children[at] ?? never(), type)));
        // Arrow's union has nulls by its members alone.
        const nulls = (value: ExactCell, at: number): ExactCell =>
          types[at]?.kind === "union" && Array.isArray(value) && value[1] === null ? null : value;
        expect(exact.map((_row, row) => read.map((column) => same(column[row] ?? null)))).toEqual(
          exact.map((row) => row.map((value, at) => same(nulls(value, at)))),
        );

        const csv = await readTable(
          (async function* (bytes) {
            yield bytes;
          })(await fileOf("csv", sql)),
          { name: "answer.csv", spreadsheet: true, onBadRow: (bad) => expect(bad).toBeUndefined() },
        );
        const lines: (readonly string[])[] = [];
        for await (const batch of csv.batches) lines.push(...batch.rows);
        const plain = (one: AnswerCell): string => (one === null ? "" : typeof one === "object" ? JSON.stringify(one) : String(one));
        // Numbers in plain decimals: as they read, not as they are written.
        const asCell = (row: number, at: number, one: string): unknown => (typeof cells[row]?.[at] === "number" ? Number(one) : one);
        expect(lines.map((line, row) => line.map((one, at) => asCell(row, at, one)))).toEqual(
          cells.map((row) => row.map((one) => (typeof one === "number" ? one : plain(one)))),
        );

        const file = path.join(folder, "answer.parquet");
        writeFileSync(file, await fileOf("parquet", sql));
        // DuckDB reads of Parquet's nanoseconds of a day the microseconds.
        const shown = (type: AnswerType, name: string): string =>
          type.kind === "time" ? `left("${name}"::varchar, 15)::time::varchar` : `"${name}"${flat(type) ? "::varchar" : ""}`;
        const asText = types.map((type, at) => shown(type, names[at] ?? "")).join(", ");
        const connection = await reader.connect();
        try {
          const parquet = (await connection.runAndReadAll(`select ${asText} from '${file}'`)).getRows();
          const wanted = (await connection.runAndReadAll(`select ${asText} from (${sql})`)).getRows();
          expect(parquet).toEqual(
            wanted.map((row, at) =>
              row.map((one, place) => (flat(types[place] ?? never()) ? one : emptyIs(plain(cells[at]?.[place] ?? null)))),
            ),
          );
        } finally {
          connection.closeSync();
        }
      }),
      { numRuns: 12 },
    );
  }, 600_000);
});

const flat = (type: AnswerType): boolean => !["interval", "list", "array", "struct", "map", "union"].includes(type.kind);
const emptyIs = (value: string): string | null => (value === "" ? null : value);
describe("an Arrow answer", () => {
  it("has its schema without rows, names of its own for columns called alike, and many batches", async () => {
    const none = tableFromIPC(await fileOf("arrow", "select 1::bigint as n, 'x' as word, [true] as list where false"));
    expect([none.numRows, none.schema.fields.map(String)]).toEqual([0, ["n: Int64", "word: Utf8", "list: List<Bool>"]]);
    const twice = tableFromIPC(await fileOf("arrow", "select 1 as a, 2 as a, 3 as a_1, 4 as a"));
    expect(twice.schema.fields.map(({ name }) => name)).toEqual(["a", "a_2", "a_1", "a_3"]);
    const words = tableFromIPC(await fileOf("arrow", "select 'a'::variant as v, 12345678901234567890123::bignum as n"));
    expect([words.getChild("v")?.at(0), words.getChild("n")?.at(0)]).toEqual(["a", "12345678901234567890123"]);
    const many = tableFromIPC(await fileOf("arrow", "select i from range(10000) t(i)"));
    expect([many.numRows, many.getChild("i")?.at(9_999)]).toEqual([10_000, 9_999n]);
    expect(tableFromIPC(await fileOf("arrow", "select i from range(10000) t(i)", 3)).numRows).toBe(3);
  });

  it.each([
    ["arrow", "ARROW_RANGE", "select 170141183460469231731687303715884105727::hugeint as n"],
    ["arrow", "ARROW_RANGE", "select interval '3000000 hours' as n"],
    ["parquet", "PARQUET_RANGE", "select 340282366920938463463374607431768211455::uhugeint as n"],
    ["arrow", "WAREHOUSE_FIELD_NAMES", "select row(1, 2) as n"],
    ["csv", "WAREHOUSE_FIELD_NAMES", "select [row(1, 2)] as n"],
  ] as const)("refuses what %s cannot hold by name: %s of %s", async (form, code, sql) => {
    await expect(fileOf(form, sql)).rejects.toMatchObject({ kind: "input", code, message: expect.stringMatching(/^Expected .* but /) });
  });
});
