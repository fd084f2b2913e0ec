import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Frequency, Panel } from "../contract.ts";
import { type Aggregation, aggregations } from "./aggregate.ts";
import { type BuiltPanel, buildPanel, gatherTarget, type ItemMetadata } from "./build.ts";
import { type FillRule, fillGaps, type Filling, relatedFill, targetFill } from "./fill.ts";
import { KeySpace, Rows } from "./rows.ts";
import { seriesAt, seriesCount } from "./series.ts";

interface Sale {
  readonly item: string;
  readonly location: string;
  readonly minute: number;
  readonly value: number;
}

interface Choice {
  readonly frequency?: Frequency;
  readonly horizon?: number;
  readonly aggregation?: Aggregation;
  readonly fill?: FillRule;
  readonly related?: readonly Sale[];
  /** Default: item and location. */
  readonly relatedBy?: readonly string[];
  readonly relatedRule?: FillRule;
  readonly metadata?: ItemMetadata;
}

const day = 1440;
const days = { unit: "D", multiple: 1 } as const;
const unknown: Filling = { kind: "nan" };

function fillRows(sales: readonly Sale[], names: readonly string[], kind: "target" | "related"): { keys: KeySpace; rows: Rows } {
  const keys = new KeySpace(names);
  const rows = new Rows(1, kind);
  for (const [at, sale] of sales.entries()) {
    const row = [sale.item, sale.location];
    const key = keys.intern(
      row,
      names.map((_, c) => c),
      at + 2,
    );
    rows.add(key, Math.floor(sale.minute), 0, at + 2);
    rows.put(0, sale.value);
  }
  return { keys, rows };
}

function build(sales: readonly Sale[], choice: Choice = {}): BuiltPanel {
  return buildPanel({
    horizon: choice.horizon ?? 2,
    seasons: [7],
    target: gatherTarget(
      { ...fillRows(sales, ["item_id", "location"], "target"), aggregation: choice.aggregation ?? "sum", fill: choice.fill ?? targetFill },
      choice.frequency ?? days,
    ),
    ...(choice.related === undefined
      ? {}
      : {
          related: {
            ...fillRows(choice.related, choice.relatedBy ?? ["item_id", "location"], "related"),
            attributes: [{ name: "price", aggregation: "avg", fill: choice.relatedRule ?? relatedFill }],
          },
        }),
    ...(choice.metadata === undefined ? {} : { metadata: choice.metadata }),
  });
}

const sale = (item: string, dayIndex: number, value: number, location = "x"): Sale => ({ item, location, minute: dayIndex * day, value });

const historyOf = (panel: Panel, i: number): number[] => [...seriesAt(panel, i).values];
const priceOf = (panel: Panel, i: number): number[] => [
  ...panel.regressors[0].values.subarray(panel.offsets[i] + i * panel.grid.horizon, panel.offsets[i + 1] + (i + 1) * panel.grid.horizon),
];

describe("buildPanel", () => {
  test("aligns every series to the common end and begins it with its first value", () => {
    const { panel } = build([sale("b", 12, 5), sale("a", 10, 1), sale("a", 13, 2), sale("b", 11, 4)]);
    expect(panel.itemIds).toEqual(["a", "b"]);
    expect(panel.grid).toEqual({ frequency: days, startMs: 10 * 86_400_000, length: 4, horizon: 2 });
    expect(historyOf(panel, 0)).toEqual([1, 0, 0, 2]);
    expect(historyOf(panel, 1)).toEqual([4, 5, 0]);
    expect(panel.values.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  test("leaves gaps unknown where asked, and begins at the front where asked", () => {
    const nan = { ...targetFill, middle: unknown, back: unknown };
    expect(historyOf(build([sale("a", 0, 1), sale("a", 2, 2), sale("b", 4, 1)], { fill: nan }).panel, 0)).toEqual([1, NaN, 2, NaN, NaN]);
    const front: FillRule = { ...targetFill, front: { kind: "value", value: 9 } };
    expect(historyOf(build([sale("a", 0, 1), sale("b", 2, 1)], { fill: front }).panel, 1)).toEqual([9, 9, 1]);
  });

  test("aggregates rows of one step and counts duplicates apart", () => {
    const rows = [sale("a", 0, 3), sale("a", 0.5, 1), sale("a", 0, 4), sale("a", 1, 10)];
    const result = (aggregation: Aggregation): number => historyOf(build(rows, { aggregation }).panel, 0)[0];
    expect(aggregations.map((aggregation) => [aggregation, result(aggregation)])).toEqual([
      ["sum", 8],
      ["avg", 8 / 3],
      ["first", 3],
      ["min", 1],
      ["max", 4],
    ]);
    expect(build(rows).merged).toEqual({ rows: 2, duplicates: 1, firstDuplicate: { line: 4, of: 2 } });
  });

  test("sums months, and weeks from Monday", () => {
    const rows = Array.from({ length: 60 }, (_, i) => sale("a", i, 1));
    expect(historyOf(build(rows, { frequency: { unit: "M", multiple: 1 } }).panel, 0)).toEqual([31, 28, 1]);
    expect(historyOf(build(rows, { frequency: { unit: "W", multiple: 1 } }).panel, 0).slice(0, 2)).toEqual([4, 7]);
    const weeks = build(rows, { frequency: { unit: "W", multiple: 2 } }).panel;
    expect(historyOf(weeks, 0)[0]).toBe(11);
    expect(weeks.grid.startMs).toBe(-3 * 86_400_000);
  });

  test("spreads related numbers of items over places, history and horizon", () => {
    const sales = [sale("a", 0, 1, "x"), sale("a", 2, 1, "y"), sale("b", 2, 1, "x")];
    const related = [sale("a", 0, 10), sale("a", 1, 11), sale("a", 4, 14), sale("b", 0, 20)];
    const { panel, related: facts } = build(sales, { related, relatedBy: ["item_id"] });
    expect(priceOf(panel, 0)).toEqual([10, 11, NaN, NaN, 14]);
    expect(priceOf(panel, 1)).toEqual([NaN, NaN, 14]);
    expect(priceOf(panel, 2)).toEqual([NaN, NaN, NaN]);
    expect(facts).toEqual([
      {
        name: "price",
        merged: { rows: 0, duplicates: 0, firstDuplicate: undefined },
        historyCells: 5,
        historyMissing: 3,
        futureMissing: 4,
        seriesShort: 3,
        firstShort: 0,
        firstShortStep: 3,
        firstShortIsGap: true,
      },
    ]);
  });

  test("fills related numbers by their own rule", () => {
    const rule: FillRule = { front: unknown, middle: { kind: "mean" }, back: { kind: "max" }, future: { kind: "value", value: 7 } };
    const { panel } = build([sale("a", 0, 1), sale("a", 5, 1), sale("b", 0, 1)], {
      related: [sale("a", 1, 2), sale("a", 2, 4), sale("a", 4, 1)],
      relatedRule: rule,
    });
    expect(priceOf(panel, 0)).toEqual([NaN, 2, 4, 3, 1, 4, 7, 7]);
    expect(priceOf(panel, 1)).toEqual([NaN, NaN, NaN, NaN, NaN, NaN, 7, 7]);
  });

  test("makes cold starts of what metadata or the related future names, and reports what nobody knows", () => {
    const metadata: ItemMetadata = {
      names: ["brand"],
      items: new Map([
        ["a", ["Acme"]],
        ["new", ["Best"]],
        ["late", [""]],
      ]),
    };
    const sales = [
      sale("a", 0, 1, "x"),
      sale("a", 0, 1, "y"),
      { ...sale("late", 0, 1), value: Number.NaN },
      { ...sale("ghost", 0, 1), value: Number.NaN },
    ];
    const related = [sale("a", 1, 5, "z"), sale("a", 0, 5, "w"), sale("phantom", 1, 5)];
    const { panel, unknownItems, coldStarts } = build(sales, { related, metadata });
    expect(panel.itemIds).toEqual(["a", "a", "a", "late", "new", "new"]);
    expect([...panel.dimensions[0].codes].map((code) => panel.dimensions[0].levels[code])).toEqual(["x", "y", "z", "x", "x", "y"]);
    expect(panel.metadata[0]).toMatchObject({ name: "brand", levels: ["Acme", "Best"] });
    expect([...panel.metadata[0].codes]).toEqual([0, 0, 0, -1, 1, 1]);
    expect(coldStarts).toBe(4);
    expect(unknownItems).toEqual([
      { item: "ghost", file: "target", line: 5 },
      { item: "phantom", file: "related", line: 4 },
    ]);
    expect(seriesAt(panel, 2).position).toBe(1);
    expect(priceOf(panel, 2)).toEqual([5, NaN]);
  });

  test("refuses rows without a value, and a stray timestamp that would blow the panel up", () => {
    expect(() => build([{ ...sale("a", 0, 1), value: Number.NaN }])).toThrow(/there is none/);
    const many = Array.from({ length: 2000 }, (_, i) => sale(`i${i}`, 0, 1));
    expect(() => build([...many, sale("i0", 1_400_000, 1)])).toThrow(/from 1970-01-01 to 5803-/);
  });
});

const sales = fc.array(
  fc.record({
    item: fc.constantFrom("a", "b", "c"),
    location: fc.constantFrom("x", "y"),
    minute: fc.integer({ min: 0, max: 20 * day }),
    value: fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constant(Number.NaN)),
  }),
  { minLength: 1, maxLength: 40 },
);

const filling = fc.oneof(
  fc.constantFrom<Filling>({ kind: "nan" }, { kind: "zero" }, { kind: "mean" }, { kind: "median" }, { kind: "min" }, { kind: "max" }),
  fc.record({ kind: fc.constant("value" as const), value: fc.integer() }),
);

/** All of it but lines, which are of the order of rows. */
const plain = (built: BuiltPanel): unknown =>
  JSON.parse(
    JSON.stringify(
      { ...built, merged: { ...built.merged, firstDuplicate: 0 }, unknownItems: built.unknownItems.map(({ item }) => item) },
      (_, value: unknown) => (ArrayBuffer.isView(value) ? [...(value as Float64Array)].map(String) : value),
    ),
  );

describe("the panel as a law", () => {
  test("does not depend on the order of rows, to the last bit", () => {
    fc.assert(
      fc.property(sales, sales, fc.constantFrom(...aggregations), fc.infiniteStream(fc.nat()), (target, related, aggregation, stream) => {
        fc.pre(target.some((row) => !Number.isNaN(row.value)));
        const shuffled = (rows: readonly Sale[]): Sale[] =>
          rows
            .map((row) => ({ row, at: Number(stream.next().value) }))
            .sort((a, b) => a.at - b.at)
            .map(({ row }) => row);
        expect(plain(build(shuffled(target), { aggregation, related: shuffled(related) }))).toEqual(
          plain(build(target, { aggregation, related })),
        );
      }),
    );
  });

  test("agrees with a table worked out the slow way", () => {
    fc.assert(
      fc.property(sales, (target) => {
        fc.pre(target.some((row) => !Number.isNaN(row.value)));
        const { panel } = build(target);
        const good = target.filter((row) => !Number.isNaN(row.value));
        const first = Math.min(...good.map((row) => Math.floor(row.minute / day)));
        for (let i = 0; i < seriesCount(panel); i++) {
          const place = panel.dimensions[0].levels[panel.dimensions[0].codes[i]];
          const own = good.filter((row) => row.item === panel.itemIds[i] && row.location === place);
          const sums = new Map<number, number>();
          for (const row of own.sort((a, b) => a.value - b.value)) {
            const step = Math.floor(row.minute / day) - first;
            sums.set(step, (sums.get(step) ?? 0) + row.value);
          }
          const start = Math.min(...sums.keys());
          // A row without a value says that nothing is known, no row says that nothing was sold.
          const unknownSteps = new Set(
            target
              .filter((row) => Number.isNaN(row.value) && row.item === panel.itemIds[i] && row.location === place)
              .map((row) => Math.floor(row.minute / day) - first),
          );
          const known = (step: number): number => sums.get(step) ?? (unknownSteps.has(step) ? Number.NaN : 0);
          expect(historyOf(panel, i)).toEqual(
            sums.size === 0 ? [] : Array.from({ length: panel.grid.length - start }, (_, k) => known(start + k)),
          );
        }
      }),
    );
  });

  test("never shows in a cut what came later, however gaps are filled", () => {
    fc.assert(
      fc.property(sales, filling, fc.integer({ min: 1, max: 20 }), (target, gap, cutDay) => {
        const rule: FillRule = { front: unknown, middle: gap, back: gap, future: unknown };
        // The first and the last day hold a value in both, so that both have one grid.
        const frame = [sale("c", 0, 1), sale("c", 21, 1)];
        const as = build([...frame, ...target], { fill: rule }).panel;
        const other = build([...frame, ...target.map((row) => (row.minute >= cutDay * day ? { ...row, value: 1e9 } : row))], {
          fill: rule,
        }).panel;
        const names = (panel: Panel): string[] => panel.itemIds.map((item, i) => `${item}/${panel.dimensions[0].codes[i]}`);
        for (const [i, name] of names(as).entries()) {
          const j = names(other).indexOf(name);
          expect([...seriesAt(other, j, cutDay).values]).toEqual([...seriesAt(as, i, cutDay).values]);
        }
      }),
    );
  });
});

describe("fillGaps", () => {
  test("looks at no more than 64 entries before a gap, and at none that were filled", () => {
    const cells = new Float64Array(72).fill(1);
    cells[0] = 1000;
    cells[70] = Number.NaN;
    fillGaps(cells, 0, 72, 72, { ...targetFill, middle: { kind: "max" } });
    expect(cells[70]).toBe(1);
    const few = Float64Array.of(1, Number.NaN, 5, Number.NaN, 3);
    fillGaps(few, 0, 5, 5, { ...targetFill, middle: { kind: "median" } });
    expect([...few]).toEqual([1, 1, 5, 3, 3]);
  });

  test("tells middle, back and future apart", () => {
    const rule: FillRule = { front: { kind: "zero" }, middle: { kind: "min" }, back: { kind: "max" }, future: { kind: "mean" } };
    const cells = Float64Array.of(Number.NaN, 2, Number.NaN, 4, Number.NaN, Number.NaN, Number.NaN);
    fillGaps(cells, 0, 7, 5, rule);
    expect([...cells]).toEqual([0, 2, 2, 4, 4, 3, 3]);
    const across = Float64Array.of(2, 4, Number.NaN, Number.NaN, 8);
    fillGaps(across, 0, 5, 3, rule);
    expect([...across]).toEqual([2, 4, 2, 3, 8]);
  });

  test("with values in the horizon alone, or none", () => {
    const rule: FillRule = { front: unknown, middle: { kind: "zero" }, back: unknown, future: { kind: "value", value: 3 } };
    const late = Float64Array.of(Number.NaN, Number.NaN, Number.NaN, 8);
    fillGaps(late, 0, 4, 2, rule);
    expect([...late]).toEqual([0, 0, 3, 8]);
    const none = new Float64Array(3).fill(Number.NaN);
    fillGaps(none, 0, 3, 2, rule);
    expect([...none]).toEqual([0, 0, 3]);
  });
});
