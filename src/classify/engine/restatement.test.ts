import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addFigures, findChanges, findDiscrepancies, restate, tellHistory, totalByScheme } from "./restatement.ts";
import type { Amounts, Figure, Statement } from "./restatement.ts";

const figure = (code: string, items: number, units = items, kg = items / 10, margin = 0): Figure => ({
  scheme: "GBR-WEEE",
  schemeVersion: "UK15",
  code,
  items,
  units,
  kg,
  itemsMargin: margin,
  unitsMargin: margin,
  kgMargin: margin,
});

const amount = fc.integer({ min: 0, max: 1e8 }).map((n) => n / 1000);
const anyFigure: fc.Arbitrary<Figure> = fc.record({
  scheme: fc.constantFrom("A", "B"),
  schemeVersion: fc.constantFrom("1", "2"),
  code: fc.constantFrom("x", "y", "z"),
  items: fc.nat(1e6),
  units: amount,
  kg: amount,
  itemsMargin: amount,
  unitsMargin: amount,
  kgMargin: amount,
});
const anyFigures = fc.array(anyFigure, { maxLength: 12 });

function statements(all: readonly (readonly Figure[])[]): Statement[] {
  const history: Statement[] = [];
  all.forEach((figures, i) => {
    const next = restate(history, figures, `reason ${i}`);
    if (next.kind !== "unchanged") history.push(next.statement);
  });
  return history;
}

const plus = (a: Amounts, b: Amounts): Amounts => ({
  items: Math.round((a.items + b.items) * 1e6) / 1e6,
  units: Math.round((a.units + b.units) * 1e6) / 1e6,
  kg: Math.round((a.kg + b.kg) * 1e6) / 1e6,
});

function totalOf(figures: readonly Figure[], scheme: string): Amounts {
  return totalByScheme(figures).find((total) => total.scheme === scheme) ?? { items: 0, units: 0, kg: 0 };
}

describe("restate", () => {
  test("the first figures, nothing new, and a correction beside them", () => {
    const first = restate([], [figure("1", 100), figure("2", 50)], "first figures");
    expect(first).toMatchObject({ kind: "first", statement: { revision: 0 } });
    const again = restate([first.statement], [figure("2", 50), figure("1", 100)], "again");
    expect(again).toEqual({ kind: "unchanged", statement: first.statement });
    const corrected = restate([first.statement], [figure("1", 99), figure("2", 50), figure("3", 1)], "1 answer");
    expect(corrected).toMatchObject({
      kind: "restated",
      statement: { revision: 1, reason: "1 answer" },
      changes: [
        { code: "1", before: { items: 100 }, now: { items: 99 }, difference: { items: -1, units: -1, kg: -0.1 } },
        { code: "3", before: { items: 0, units: 0, kg: 0 }, difference: { items: 1 } },
      ],
    });
    expect(first.statement.figures).toHaveLength(2);
  });

  test("a margin alone is restated, without changes of figures", () => {
    const first = restate([], [figure("1", 100, 100, 10, 5)], "first");
    expect(restate([first.statement], [figure("1", 100, 100, 10, 3)], "audit")).toMatchObject({ kind: "restated", changes: [] });
  });

  test("figures that vanish are told as zero", () => {
    const first = restate([], [figure("1", 3)], "first");
    expect(restate([first.statement], [], "taken back")).toMatchObject({
      kind: "restated",
      statement: { figures: [] },
      changes: [{ code: "1", now: { items: 0 }, difference: { items: -3, units: -3, kg: -0.3 } }],
    });
  });
});

describe("history", () => {
  test("first plus all restatements is the latest, for every figure and every history", () => {
    fc.assert(
      fc.property(fc.array(anyFigures, { minLength: 1, maxLength: 5 }), (all) => {
        const history = statements(all);
        const told = tellHistory(history.toReversed());
        for (const one of told) {
          expect(one.restatements.reduce((sum, change) => plus(sum, change.difference), one.first)).toEqual(one.now);
          expect(one.restatements.map((change) => change.revision)).toEqual(
            one.restatements.map((change) => change.revision).sort((a, b) => a - b),
          );
        }
        const now = told.filter(({ now: amounts }) => amounts.items !== 0 || amounts.units !== 0 || amounts.kg !== 0);
        const last = addFigures(all.at(-1) ?? []).filter((one) => one.items !== 0 || one.units !== 0 || one.kg !== 0);
        expect(now.map((one) => [one.scheme, one.schemeVersion, one.code, one.now])).toEqual(
          last.map(({ scheme, schemeVersion, code, items, units, kg }) => [scheme, schemeVersion, code, { items, units, kg }]),
        );
      }),
    );
    expect(tellHistory([])).toEqual([]);
  });
});

describe("addFigures", () => {
  test("does not mind order or grouping, byte for byte", () => {
    fc.assert(
      fc.property(anyFigures, fc.nat(12), (figures, cut) => {
        const at_once = JSON.stringify(addFigures(figures));
        expect(JSON.stringify(addFigures(figures.toReversed()))).toBe(at_once);
        expect(JSON.stringify(addFigures([...addFigures(figures.slice(0, cut)), ...addFigures(figures.slice(cut))]))).toBe(at_once);
      }),
    );
  });

  test("tenths add up to whole numbers", () => {
    const tenths = Array.from({ length: 10 }, () => figure("1", 0, 0.1, 0.7));
    expect(addFigures(tenths)).toMatchObject([{ units: 1, kg: 7 }]);
  });
});

describe("totals", () => {
  test("reconcile through any restatement", () => {
    fc.assert(
      fc.property(anyFigures, anyFigures, (before, now) => {
        const changes = findChanges(before, now);
        for (const scheme of ["A", "B"]) {
          const moved = changes
            .filter((change) => change.scheme === scheme)
            .reduce((sum, change) => plus(sum, change.difference), totalOf(before, scheme));
          expect(totalOf(now, scheme)).toMatchObject(moved);
        }
      }),
    );
  });

  test("what does not add up to what was sold is found", () => {
    const sold = [{ scheme: "GBR-WEEE", items: 150, units: 150, kg: 15 }];
    expect(findDiscrepancies([figure("1", 100), figure("2", 50)], sold)).toEqual([]);
    expect(findDiscrepancies([figure("1", 100)], sold)).toMatchObject([
      { scheme: "GBR-WEEE", difference: { items: -50, units: -50, kg: -5 } },
    ]);
    expect(findDiscrepancies([], sold)).toHaveLength(1);
    expect(findDiscrepancies([figure("1", 1)], [])).toHaveLength(1);
  });
});
