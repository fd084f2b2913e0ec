import { expect, test } from "vitest";
import { answerOf, asCell, firstRows, gatherRows } from "./answer.ts";

test("rows are gathered however many come at once", async () => {
  const rows = Array.from({ length: 200_000 }, (_, at) => [at]);
  const gathered = await gatherRows(answerOf(["n"], [{ kind: "integer", bits: 32, signed: true }], rows), 1_024);
  expect([gathered.length, gathered.at(-1)]).toEqual([200_000, [199_999]]);
});

test("of the first rows it is told whether there were more", async () => {
  const answer = (limit: number) => firstRows(answerOf(["n"], [{ kind: "text" }], [["a"], ["b"]]), limit);
  for (const [limit, isCut] of [
    [1, true],
    [2, false],
    [3, false],
  ] as const) {
    const first = answer(limit);
    expect((await gatherRows(first, 64)).length).toBe(Math.min(2, limit));
    expect(first.isCut()).toBe(isCut);
  }
});

test("what a driver gives becomes what JSON has, and nothing of it null that is not", () => {
  expect([1.5, Number.NaN, -Infinity, "x", true, null, undefined, Buffer.from([1, 255])].map(asCell)).toEqual([
    1.5,
    "NaN",
    "-Infinity",
    "x",
    true,
    null,
    null,
    "\\x01ff",
  ]);
  expect(asCell([[Number.NaN, 1], [Buffer.from([7])], [null]])).toEqual([["NaN", 1], ["\\x07"], [null]]);
  expect(asCell({ a: [1, { b: null }] })).toEqual({ a: [1, { b: null }] });
});
