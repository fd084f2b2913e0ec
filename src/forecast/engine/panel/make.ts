// A small panel from plain lists: for tests, examples and callers that hold their series in memory.

import { StockroomError } from "../../../platform/errors.ts";
import type { Category, Grid, Panel, PanelRegressor, SharedRegressor } from "../contract.ts";

/** One series by name; its values end at the last step of the grid's history. */
export interface PlainSeries {
  readonly item: string;
  /** By dimension name. */
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Oldest first, NaN is missing, at most `grid.length` of them; empty is a cold start. */
  readonly values: ArrayLike<number>;
  /** By regressor name; length: values + horizon. */
  readonly regressors?: Readonly<Record<string, ArrayLike<number>>>;
}

export interface PlainPanel {
  readonly grid: Grid;
  readonly series: readonly PlainSeries[];
  /** By name; length: grid.length + grid.horizon. */
  readonly shared?: Readonly<Record<string, ArrayLike<number>>>;
  /** Default: none. */
  readonly seasons?: readonly number[];
}

/** A Float64Array over shared memory, so that threads read it without a copy. */
export function sharedFloat64(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
}

/** A Float32Array over shared memory. */
export function sharedFloat32(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}

/** An Int32Array over shared memory. */
export function sharedInt32(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
}

/** Texts as codes: levels in order of first appearance, -1 where absent. */
function makeCategory(name: string, texts: readonly (string | undefined)[]): Category {
  const levels: string[] = [];
  const known = new Map<string, number>();
  const codes = sharedInt32(texts.length);
  for (const [i, text] of texts.entries()) {
    if (text === undefined) {
      codes[i] = -1;
      continue;
    }
    let code = known.get(text);
    if (code === undefined) {
      code = levels.length;
      known.set(text, code);
      levels.push(text);
    }
    codes[i] = code;
  }
  return { name, levels, codes };
}

/**
 * Makes a panel of series held in memory; a regressor a series does not name is NaN there.
 *
 * Throws `PANEL_SHAPE` (input) when a list is longer or shorter than the grid asks.
 *
 * @example
 * const panel = makePanel({ grid: { frequency: { unit: "M", multiple: 1 }, startMs: 0, length: 3, horizon: 2 }, series: [{ item: "a", values: [1, 2, 3] }] });
 */
export function makePanel(plain: PlainPanel): Panel {
  const { grid, series } = plain;
  const offsets = sharedInt32(series.length + 1);
  for (const [i, each] of series.entries()) {
    if (each.values.length > grid.length) {
      throw wrongShape(`Expected at most ${grid.length} values for ${each.item} but received ${each.values.length}.`);
    }
    offsets[i + 1] = offsets[i] + each.values.length;
  }
  const values = sharedFloat64(offsets[series.length]);
  for (const [i, each] of series.entries()) values.set(each.values, offsets[i]);
  return {
    grid,
    itemIds: series.map((each) => each.item),
    dimensions: categoriesOf(series.map((each) => each.dimensions ?? {})),
    metadata: categoriesOf(series.map((each) => each.metadata ?? {})),
    offsets,
    values,
    regressors: regressorsOf(series, offsets, grid.horizon),
    shared: Object.entries(plain.shared ?? {}).map(([name, numbers]) => sharedRegressor(name, numbers, grid)),
    seasons: plain.seasons ?? [],
  };
}

function wrongShape(message: string): StockroomError {
  return new StockroomError("input", "PANEL_SHAPE", message);
}

function categoriesOf(rows: readonly Readonly<Record<string, string>>[]): readonly Category[] {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  return [...names].map((name) =>
    makeCategory(
      name,
      rows.map((row) => row[name]),
    ),
  );
}

function regressorsOf(series: readonly PlainSeries[], offsets: Int32Array, horizon: number): readonly PanelRegressor[] {
  const names = new Set(series.flatMap((each) => Object.keys(each.regressors ?? {})));
  return [...names].map((name) => {
    const cells = sharedFloat32(offsets[series.length] + series.length * horizon).fill(Number.NaN);
    for (const [i, each] of series.entries()) {
      const numbers = each.regressors?.[name];
      if (numbers === undefined) continue;
      const expected = each.values.length + horizon;
      if (numbers.length !== expected) {
        throw wrongShape(`Expected ${expected} numbers of ${name} for ${each.item} (history and horizon) but received ${numbers.length}.`);
      }
      cells.set(numbers, offsets[i] + i * horizon);
    }
    return { name, values: cells };
  });
}

function sharedRegressor(name: string, numbers: ArrayLike<number>, grid: Grid): SharedRegressor {
  const expected = grid.length + grid.horizon;
  if (numbers.length !== expected) {
    throw wrongShape(`Expected ${expected} numbers of ${name} (history and horizon) but received ${numbers.length}.`);
  }
  const values = sharedFloat32(expected);
  values.set(numbers);
  return { name, values };
}
