import { describe, expect, test } from "vitest";
import { makeRandom } from "../../platform/random.ts";
import { differenceBound, estimateCodeMargins, type AuditedMove, type MarginInput } from "./margins.ts";
import { noMoves, type CodeMoves, type Triple } from "./figures.ts";

const none: Triple = [0, 0, 0];
const still: CodeMoves = noMoves();

/** A code of automatic items alone, each of one unit and 2 kg, with this doubt. */
function code(name: string, items: number, doubt: number, more: Partial<CodeMoves> = {}): MarginInput {
  const moving: Triple = [items * doubt, items * doubt, 2 * items * doubt];
  const spread: Triple = [2 * items * doubt, 2 * items * doubt, 8 * items * doubt];
  return { code: name, items, autoItems: items, moves: { ...still, autoOut: moving, autoIn: moving, autoSpread: spread, ...more } };
}

const right = (count: number, name = "A"): AuditedMove[] => Array.from({ length: count }, () => ({ from: name, to: name }));
const wrong = (count: number, from = "A", to = "B"): AuditedMove[] => Array.from({ length: count }, () => ({ from, to }));
const marginOf = (codes: readonly MarginInput[], audited: readonly AuditedMove[], name = "A"): Triple =>
  estimateCodeMargins(codes, audited).get(name) ?? none;

const line = [code("A", 123, 0.02), code("B", 400, 0.02), code("C", 10, 0.02)];

describe("the audit sample", () => {
  test("one right answer says next to nothing", () => {
    const [before] = marginOf(line, []);
    const [after] = marginOf(line, right(1));
    expect(before).toBeLessThan(15);
    expect(after).toBeLessThanOrEqual(before);
    expect(after).toBeGreaterThan(before * 0.8);
  });

  test("many right answers narrow a margin, never to nothing", () => {
    const sizes = [0, 1, 10, 100, 500].map((count) => marginOf(line, right(count))[0]);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(sizes.at(-1)).toBeGreaterThan(0);
  });

  test("wrong answers outweigh the models' own word", () => {
    const [before] = marginOf(line, []);
    const [after] = marginOf(line, [...right(80), ...wrong(20)]);
    // A fifth of the audited items went from A to B.
    expect(after).toBeGreaterThan(45);
    expect(after).toBeGreaterThan(before * 3);
    expect(marginOf(line, [...right(80), ...wrong(20)], "B")[0]).toBeGreaterThan(45);
    // What has no part in it is moved less.
    expect(marginOf(line, [...right(80), ...wrong(20)], "C")[0]).toBeLessThan(20);
  });

  test("an item of a rare code found among the others counts for that code", () => {
    const rare = [code("A", 2000, 0.01), code("R", 4, 0.01)];
    expect(marginOf(rare, right(30), "R")[0]).toBeLessThan(8);
    expect(marginOf(rare, [...right(29), ...wrong(1, "A", "R")], "R")[0]).toBeGreaterThan(10);
  });
});

describe("what moves", () => {
  test("counts both ways, also for a code that nothing was given to", () => {
    const misses = [
      code("A", 500, 0, { autoOut: none, autoIn: none, autoSpread: none }),
      { ...code("N", 0, 0), moves: { ...still, reviewIn: [40, 80, 20], reviewSpread: [30, 60, 10] } as CodeMoves },
    ];
    const [items, units, kg] = marginOf(misses, [], "N");
    expect([items, units, kg].every((margin, k) => margin >= [40, 80, 20][k])).toBe(true);
  });

  test("the whole of a split code is in the margins of every code it may be", () => {
    const split = [
      code("7", 100, 0.01, { splitOut: [60, 90, 30] }),
      { ...code("7.1", 0, 0), moves: { ...still, splitIn: [60, 90, 30] } as CodeMoves },
    ];
    expect(marginOf(split, [], "7")[0]).toBeGreaterThanOrEqual(60);
    expect(marginOf(split, [], "7.1")).toEqual([60, 90, 30]);
  });

  test("heavy items make the same expected amount less certain", () => {
    const even = marginOf([code("A", 100, 0.02), code("B", 100, 0.02)], [])[2];
    const lumpy = marginOf([code("A", 100, 0.02, { autoSpread: [4, 4, 200] }), code("B", 100, 0.02)], [])[2];
    expect(lumpy).toBeGreaterThan(2 * even);
  });

  test("nothing sold and nothing doubted have no margin, and none is NaN", () => {
    expect(marginOf([{ ...code("A", 0, 0), moves: still }], [])).toEqual([0, 0, 0]);
    expect(estimateCodeMargins([], right(3)).size).toBe(0);
    for (const margin of marginOf([{ code: "A", items: 5, autoItems: 5, moves: still }], [])) expect(Number.isFinite(margin)).toBe(true);
  });
});

test("the bound of a difference of counts holds as often as it says", () => {
  const random = makeRandom(3);
  const poisson = (mean: number): number => {
    let count = 0;
    for (let at = -Math.log(1 - random.next()); at < mean; at -= Math.log(1 - random.next())) count += 1;
    return count;
  };
  for (const [out, into] of [
    [0.05, 0],
    [0.3, 0.2],
    [3, 1],
    [20, 20],
    [90, 10],
    [200, 200],
  ] as const) {
    const bound = differenceBound(out, into);
    let inside = 0;
    for (let i = 0; i < 4000; i++) if (Math.abs(poisson(out) - poisson(into)) <= bound) inside += 1;
    expect([out, into, inside / 4000 >= 0.937]).toEqual([out, into, true]);
  }
});
