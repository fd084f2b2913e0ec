// Related numbers (price, promotion) on the steps of the series they belong to, history and horizon.
//
// A related table may name fewer dimensions than the target: then its numbers go to every series that agrees in those it names.
//   L1. Attribute by attribute: cells by related key, filled there, then copied to the series; rows of an attribute are let go once read.

import { StockroomError } from "../../../platform/errors.ts";
import type { Grid, PanelRegressor } from "../contract.ts";
import { aggregate, type Aggregation, type CellsOf, type Merged } from "./aggregate.ts";
import { entriesBefore, type FillRule, fillGaps } from "./fill.ts";
import { sharedFloat32 } from "./make.ts";
import { type KeySpace, type Rows, scratchFor } from "./rows.ts";
import type { Steps } from "./steps.ts";

export interface RelatedAttribute {
  readonly name: string;
  /** Of several rows in one step. Amazon Forecast knows none for related numbers; a mean is the default of workflows/inputs. */
  readonly aggregation: Aggregation;
  readonly fill: FillRule;
}

export interface RelatedRows {
  /** Item first, then those dimensions of the target that the table has. */
  readonly keys: KeySpace;
  /** A column per attribute. */
  readonly rows: Rows;
  readonly attributes: readonly RelatedAttribute[];
}

/** What came of one attribute. Counts are of cells (series x steps) after filling. */
export interface RelatedFacts {
  readonly name: string;
  readonly merged: Merged;
  readonly historyCells: number;
  readonly historyMissing: number;
  readonly futureMissing: number;
  /** Series of which a step of the horizon is unknown. */
  readonly seriesShort: number;
  /** The first of them in the panel, and its first unknown step as a grid index; -1 for none. */
  readonly firstShort: number;
  readonly firstShortStep: number;
  /** Known again later: a gap rather than an end. */
  readonly firstShortIsGap: boolean;
}

export interface SeriesPlaces {
  readonly grid: Grid;
  readonly steps: Steps;
  /** Of the target. */
  readonly keys: KeySpace;
  /** Item and dimensions of each series. */
  readonly texts: readonly (readonly string[])[];
  readonly offsets: Int32Array;
}

/** Makes one regressor per attribute. Lets go of the rows. Throws `PANEL_TOO_LARGE` where related cells do not fit. */
export function relatedRegressors(
  related: RelatedRows,
  places: SeriesPlaces,
): { readonly regressors: readonly PanelRegressor[]; readonly facts: readonly RelatedFacts[] } {
  const { grid, steps, texts } = places;
  const end = grid.length + grid.horizon;
  const lows = lowSteps(related, steps, grid);
  const offsets = new Int32Array(related.keys.size + 1);
  let cells = 0;
  for (let key = 0; key < related.keys.size; key++) {
    cells += end - lows[key];
    if (cells > 0x7fffffff) throw tooManyCells();
    offsets[key + 1] = cells;
  }
  if (places.offsets[texts.length] + texts.length * grid.horizon > 0x7fffffff) throw tooManyCells();
  const keyOf = keysOfSeries(related, places);
  const cellsOf: CellsOf = (block, into) => {
    steps.stepsOf(block.minutes, block.count, into);
    for (let i = 0; i < block.count; i++) {
      const key = block.keys[i];
      into[i] = into[i] < lows[key] || into[i] >= end ? -1 : offsets[key] + into[i] - lows[key];
    }
  };
  const regressors: PanelRegressor[] = [];
  const facts: RelatedFacts[] = [];
  const dense = new Float32Array(cells);
  for (const [column, attribute] of related.attributes.entries()) {
    dense.fill(Number.NaN);
    const merged = aggregate({ blocks: related.rows.blocks, column, cellsOf }, dense, attribute.aggregation);
    related.rows.release(column);
    for (let key = 0; key < related.keys.size; key++) {
      fillGaps(dense, offsets[key], offsets[key + 1], offsets[key] + grid.length - lows[key], attribute.fill);
    }
    const values = spread(dense, { offsets, lows, keyOf }, places, attribute.fill);
    regressors.push({ name: attribute.name, values });
    facts.push({ name: attribute.name, merged, ...missing(values, places) });
  }
  related.rows.clear();
  return { regressors, facts };
}

/** The step at which the cells of each key begin: its first row's, at most 64 steps before the grid and never after its history. */
function lowSteps(related: RelatedRows, steps: Steps, grid: Grid): Int32Array {
  const lows = new Int32Array(related.keys.size).fill(grid.length);
  const at = scratchFor(related.rows.blocks);
  for (const block of related.rows.blocks) {
    steps.stepsOf(block.minutes, block.count, at);
    for (let i = 0; i < block.count; i++) {
      const step = Math.max(at[i], -entriesBefore);
      if (step < lows[block.keys[i]]) lows[block.keys[i]] = step;
    }
  }
  return lows;
}

/** The related key of each series, -1 for none. */
function keysOfSeries(related: RelatedRows, places: SeriesPlaces): Int32Array {
  const columns = related.keys.names.map((name) => places.keys.names.indexOf(name));
  const keyOf = new Int32Array(places.texts.length);
  for (const [i, texts] of places.texts.entries()) keyOf[i] = related.keys.find(columns.map((column) => texts[column] ?? ""));
  return keyOf;
}

/** Where the cells of each related key begin, as place and as step, and the key of each series. */
interface RelatedCells {
  readonly offsets: Int32Array;
  readonly lows: Int32Array;
  readonly keyOf: Int32Array;
}

/** Copies the cells of each key to its series. */
function spread(dense: Float32Array, { offsets, lows, keyOf }: RelatedCells, places: SeriesPlaces, fill: FillRule): Float32Array {
  const { grid, texts } = places;
  const { horizon, length } = grid;
  const fixed = (filling: FillRule["front"]): number =>
    filling.kind === "value" ? filling.value : filling.kind === "zero" ? 0 : Number.NaN;
  const values = sharedFloat32(places.offsets[texts.length] + texts.length * horizon).fill(Number.NaN);
  for (let i = 0; i < texts.length; i++) {
    const from = places.offsets[i] + i * horizon;
    const to = places.offsets[i + 1] + (i + 1) * horizon;
    const start = length - (to - from - horizon);
    const key = keyOf[i];
    if (key < 0) {
      values.fill(fixed(fill.middle), from, to - horizon);
      values.fill(fixed(fill.future), to - horizon, to);
      continue;
    }
    const shared = Math.max(start, lows[key]);
    values.fill(fixed(fill.front), from, from + shared - start);
    values.set(dense.subarray(offsets[key] + shared - lows[key], offsets[key + 1]), from + shared - start);
  }
  return values;
}

function missing(values: Float32Array, places: SeriesPlaces): Omit<RelatedFacts, "name" | "merged"> {
  const { horizon, length } = places.grid;
  let historyMissing = 0;
  let futureMissing = 0;
  let seriesShort = 0;
  let firstShort = -1;
  let firstShortStep = -1;
  let firstShortIsGap = false;
  for (let i = 0; i < places.texts.length; i++) {
    const from = places.offsets[i] + i * horizon;
    const future = places.offsets[i + 1] + i * horizon;
    for (let at = from; at < future; at++) if (Number.isNaN(values[at])) historyMissing += 1;
    let short = 0;
    for (let at = future; at < future + horizon; at++) {
      if (!Number.isNaN(values[at])) continue;
      if (firstShort < 0) {
        firstShort = i;
        firstShortStep = length + at - future;
        firstShortIsGap = !Number.isNaN(values[future + horizon - 1]);
      }
      short += 1;
    }
    futureMissing += short;
    if (short > 0) seriesShort += 1;
  }
  const historyCells = places.offsets[places.texts.length];
  return { historyCells, historyMissing, futureMissing, seriesShort, firstShort, firstShortStep, firstShortIsGap };
}

function tooManyCells(): StockroomError {
  return new StockroomError(
    "input",
    "PANEL_TOO_LARGE",
    "Expected at most 2^31 related values of one attribute but there are more. Use a coarser frequency or split the items.",
  );
}
