import { describe, expect, test } from "vitest";
import { numberText, parseWire, pickDelta, rawText, readDeltaLinks, readErrorText, readPage, timeText, type DeltaEntry } from "./wire.ts";

test.each([
  ["/Date(1706659200000)/", "2024-01-31"],
  ["/Date(1706704200000+0060)/", "2024-01-31 12:30:00"],
  ["20240131", "2024-01-31"],
  ["19691231", "1969-12-31"],
  ["20240131123000", "2024-01-31 12:30:00"],
  ["00000000", ""],
  ["2024-01-31T00:00:00", "2024-01-31"],
  ["2024-01-31T12:30:00.000Z", "2024-01-31 12:30:00"],
  ["2024-01-31", "2024-01-31"],
  ["20241331", "20241331"],
  ["soon", "soon"],
  ["/Date(99999999999999999999)/", "/Date(99999999999999999999)/"],
])("the time %s is %s", (text, expected) => {
  expect(timeText(text)).toBe(expected);
});

test.each([
  ["12.500-", "-12.500"],
  [" 3 ", "3"],
  ["1E5", "1E5"],
  ["12-3", "12-3"],
])("the number %s is %s", (text, expected) => {
  expect(numberText(text)).toBe(expected);
});

test.each([
  ["20240131", "20240131"],
  ["4711-", "4711-"],
  ["000123", "000123"],
  ["1E5", "1E5"],
  ["/Date(0)/", "/Date(0)/"],
  [" A ", " A "],
  [null, ""],
  [undefined, ""],
  [true, "true"],
  [12.5, "12.5"],
])("the text %j stays as it came", (value, expected) => {
  expect(rawText(value)).toBe(expected);
});

describe("a page", () => {
  const page = (d: unknown): unknown => readPage({ d }, "there");
  test("ends where its next link is the delta link", () => {
    expect(page({ results: [], __next: "F?!deltatoken='D1'" })).toEqual({ rows: [], next: undefined, delta: "F?!deltatoken='D1'" });
    expect(page({ results: [], __next: "F?!deltatoken='D1'&$skiptoken=2" })).toMatchObject({ delta: undefined, next: expect.any(String) });
    expect(page({ results: [], __next: "F?!deltatoken='D2'", __delta: "F?!deltatoken='D1'" })).toMatchObject({
      delta: "F?!deltatoken='D1'",
    });
  });

  test("that is none is told", () => {
    expect(() => page({})).toThrow(/d.results.*there/);
  });
});

describe("the token among those of DeltaLinksOf", () => {
  const entry = (token: string, at: number | undefined, isInitialLoad: boolean | undefined): DeltaEntry => ({ token, at, isInitialLoad });
  const full = { full: true, rows: 5, begunAt: 100_000, from: undefined };
  const delta = { full: false, rows: 5, begunAt: 100_000, from: "old" };

  test("is that of the first load, not the newest", () => {
    expect(pickDelta([entry("init", 100_000, true), entry("newer", 300_000, false)], full)).toEqual({ token: "init", certain: true });
  });

  test("is the first one made since our load began, not another subscriber's later one", () => {
    const entries = [entry("before", 50_000, true), entry("ours", 100_000, true), entry("theirs", 900_000, true)];
    expect(pickDelta(entries, full)).toEqual({ token: "ours", certain: false });
    expect(pickDelta(entries.slice(0, 2), full)).toEqual({ token: "ours", certain: true });
  });

  test("is certain where the others were made before or after our pages", () => {
    const entries = [entry("before", 50_000, true), entry("ours", 130_000, true), entry("theirs", 900_000, true)];
    expect(pickDelta(entries, { ...full, endedAt: 131_000 })).toEqual({ token: "ours", certain: true });
    expect(pickDelta([...entries, entry("near", 132_000, true)], { ...full, endedAt: 131_000 })).toEqual({ token: "ours", certain: false });
  });

  test("after a delta is never that of a first load, nor one from before", () => {
    const entries = [
      entry("older", 10_000, false),
      entry("old", 20_000, false),
      entry("init", 150_000, true),
      entry("new", 100_500, false),
    ];
    expect(pickDelta(entries, delta)).toEqual({ token: "new", certain: true });
    expect(pickDelta(entries.slice(0, 3), delta)).toEqual({ token: "old", certain: false });
    expect(pickDelta(entries.slice(0, 3), { ...delta, rows: 0 })).toEqual({ token: "old", certain: true });
  });

  test("is the newest where the service says neither time nor kind", () => {
    expect(pickDelta([entry("D20260102_1", undefined, undefined), entry("D20260101_9", undefined, undefined)], full)?.token).toBe(
      "D20260102_1",
    );
  });

  test("is none where there is none", () => {
    expect(pickDelta([], full)).toBeUndefined();
    expect(pickDelta([entry("init", 1, true)], { ...delta, from: "gone" })).toBeUndefined();
  });

  test("is read with its flag in every spelling", () => {
    const results = [
      { DeltaToken: "a", CreatedAt: "/Date(5)/", IsInitialLoad: true },
      { DeltaToken: "b", IsInitialLoad: "X" },
      { DeltaToken: "c", IsInitialLoad: "" },
      { DeltaToken: "" },
    ];
    expect(readDeltaLinks({ d: { results } }, "there")).toEqual([
      entry("a", 5, true),
      entry("b", undefined, true),
      entry("c", undefined, false),
    ]);
  });
});

test("an error is read in JSON and in XML", () => {
  expect(readErrorText(`{"error":{"code":"A/1","message":{"value":"no"}}}`)).toMatchObject([{ id: "A/1", text: "no" }]);
  const xml = `<?xml version="1.0"?><error xmlns="x"><code>A/1</code><message xml:lang="en">a &amp; b</message></error>`;
  expect(readErrorText(xml)).toMatchObject([{ id: "A/1", text: "a & b" }]);
  expect(readErrorText("<html>")).toEqual([]);
});

test.each([
  ["/Date(1388534400000+0060)/", "2014-01-01"],
  [" 20240131 ", "2024-01-31"],
  ["0000-00-00", ""],
  ["99991231", "9999-12-31"],
  ["2024-01-31T12:30:00+02:00", "2024-01-31 10:30:00"],
  ["2024-01-31T12:30:00.1234567", "2024-01-31 12:30:00"],
  ["2024-01-31T00:00", "2024-01-31"],
  ["31.01.2024", "31.01.2024"],
])("a time %s is %s in the file", (given, expected) => {
  expect(timeText(given)).toBe(expected);
});

test.each([
  [".5-", "-.5"],
  ["1.2E+3-", "-1.2E+3"],
  ["12.500 -", "-12.500"],
  ["1,234.50-", "1,234.50-"],
])("a number %s is %s in the file", (given, expected) => {
  expect(numberText(given)).toBe(expected);
});

test("the words of application/problem+json are read", () => {
  expect(readErrorText(JSON.stringify({ title: "Bad Gateway", status: 502, detail: "no route" }))).toMatchObject([{ text: "no route" }]);
});

test("a number of more digits than JavaScript keeps stays what it is", () => {
  const text = `{"d":{"results":[{"Material":12345678901234567890,"Ean":[4006381333931],"Price":1.50,"Rate":0.12345678901234567891}]}}`;
  expect(parseWire(text)).toEqual({
    d: { results: [{ Material: "12345678901234567890", Ean: [4_006_381_333_931], Price: 1.5, Rate: "0.12345678901234567891" }] },
  });
  expect(parseWire(`{"a":1}`)).toEqual({ a: 1 });
});
