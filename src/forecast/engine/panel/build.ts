// From rows to a panel: steps, aggregation, filling, related numbers, cold starts.
//
// Owns: which series there are and what their cells hold. Does not own: text, files, messages for people (workflows/inputs).
//   B1. The order of rows changes nothing: series stand sorted by item, then dimensions (by code units), and so do levels.
//   B2. History ends at the last step that holds a value of any series; a row without a value extends nothing.
//   B3. Memory: target rows become cells before anything else is read (`gatherTarget`), and rows are let go as soon as they are cells; see
//       rows.ts. At most `mostCells` cells of history.
//   B4. A series without history is a cold start. It is there when the target names it without a value, when related numbers of that very
//       key reach into the horizon, or when metadata names an item that has no series: then once for every tuple of dimensions that sells.
//       An item without any history must stand in the metadata; otherwise it is left out and reported.

import { StockroomError } from "../../../platform/errors.ts";
import { instantText } from "../calendar/grid.ts";
import type { Category, Frequency, Grid, Panel, PanelRegressor, SharedRegressor } from "../contract.ts";
import { aggregate, type Aggregation, type CellsOf, type Merged } from "./aggregate.ts";
import { type FillRule, fillGaps } from "./fill.ts";
import { sharedFloat64, sharedInt32 } from "./make.ts";
import { relatedRegressors, type RelatedFacts, type RelatedRows } from "./related.ts";
import { type KeySpace, type Rows, scratchFor } from "./rows.ts";
import { makeSteps, type Steps } from "./steps.ts";

/** Cells of history a panel may have: 4 GiB of values. */
const mostCells = 2 ** 29;

export interface TargetRows {
  /** Item first, then dimensions in column order. */
  readonly keys: KeySpace;
  /** One column, wide. */
  readonly rows: Rows;
  readonly aggregation: Aggregation;
  readonly fill: FillRule;
  /** A step whose rows give no value: `unknown` stays so, `fill` is a gap like any other. Default `unknown`. */
  readonly emptyRows?: "unknown" | "fill";
  /** What a series holds after it ended (see `EndedSeries`); absent: what its back rule says. */
  readonly ended?: "zero" | "unknown" | "discontinued";
  /** Steps in which the item was out of stock: what was sold is less than what was wanted. */
  readonly censored?: (keys: KeySpace, steps: Steps) => CensoredCells | undefined;
  /** Minutes since 1970 whose steps are unknown where no row stands: an hour that a clock left out. */
  readonly skipped?: readonly number[];
}

/** Calls `visit` for every cell that was out of stock: a key of the target and a step of its history. */
export interface CensoredCells {
  each(visit: (key: number, step: number) => void): void;
}

/** Series that stopped before the others did, judged by the rhythm of each (see `hasEnded`). */
export interface EndedSeries {
  readonly count: number;
  /** Item and dimensions of the one that ended first, and the grid index of its last row. */
  readonly first: string;
  readonly lastStep: number;
}

/** What stands in the history without a row that says so. */
export interface FilledFacts {
  /** Cells of all series from their first row on. */
  readonly cells: number;
  /** Of these: cells without a row. */
  readonly gaps: number;
  /** Of these: cells that were given a value. */
  readonly filled: number;
  /** Cells whose rows give no value and that stay unknown. */
  readonly emptyKept: number;
  /** Cells out of stock: made unknown, and kept because more than usual was sold all the same. */
  readonly censored: number;
  readonly censoredKept: number;
  readonly ended: EndedSeries | undefined;
}

/** The first step of a key without a value. */
const noStep = 0x7fffffff;

/** Text columns of items. */
export interface ItemMetadata {
  readonly names: readonly string[];
  /** By item; index-aligned with `names`, "" is unknown. */
  readonly items: ReadonlyMap<string, readonly string[]>;
}

/** The history of every key of a target, aggregated and filled. */
export interface TargetCells {
  readonly frequency: Frequency;
  readonly keys: KeySpace;
  readonly steps: Steps;
  /** Steps of history of the panel to be. */
  readonly length: number;
  /** 1 for a key with a value. */
  readonly sells: Uint8Array;
  /** History of a key: `values[offsets[key] .. offsets[key + 1])`, ending at `length`. */
  readonly offsets: Int32Array;
  readonly values: Float64Array;
  readonly merged: Merged;
  readonly facts: FilledFacts;
  /** 1 for a key that is not forecast because it is discontinued; undefined where none is. */
  readonly discontinued: Uint8Array | undefined;
}

export interface PanelInput {
  /** At least 1. */
  readonly horizon: number;
  readonly seasons: readonly number[];
  readonly target: TargetCells;
  readonly related?: RelatedRows;
  readonly metadata?: ItemMetadata;
  /** Asked once the grid is known. */
  readonly shared?: (grid: Grid) => readonly SharedRegressor[];
}

/** An item that was asked for and of which nothing is known. */
export interface UnknownItem {
  readonly item: string;
  readonly file: "target" | "related";
  readonly line: number;
}

export interface BuiltPanel {
  readonly panel: Panel;
  readonly merged: Merged;
  readonly related: readonly RelatedFacts[];
  readonly unknownItems: readonly UnknownItem[];
  /** Series without history. */
  readonly coldStarts: number;
}

/** A series to be: its texts (item, dimensions) and its key among the target's rows, -1 for none. */
interface Entry {
  readonly texts: readonly string[];
  readonly key: number;
}

/**
 * Puts target rows onto a grid; lets go of them.
 *
 * Throws, all `input`: `PANEL_EMPTY` when no row has a value, `PANEL_TOO_LARGE` beyond 537 million cells (a stray timestamp may do that).
 */
export function gatherTarget(target: TargetRows, frequency: Frequency): TargetCells {
  const { keys, rows, fill } = target;
  const span = spanOf(rows);
  if (span === undefined) {
    throw new StockroomError(
      "input",
      "PANEL_EMPTY",
      "Expected rows with a value but there is none. Check the target column and its numbers.",
    );
  }
  const steps = makeSteps(frequency, span.earliest, span.latest);
  const length = steps.stepOf(span.latest) + 1;
  const firsts = firstSteps(rows, keys.size, steps);
  const sells = new Uint8Array(keys.size);
  const offsets = new Int32Array(keys.size + 1);
  /** Cell of step 0 of each key; only steps from its first one on are asked for. */
  const bases = new Int32Array(keys.size);
  let cells = 0;
  for (let key = 0; key < keys.size; key++) {
    if (firsts[key] !== noStep) {
      sells[key] = 1;
      cells += fill.front.kind === "nan" ? length - firsts[key] : length;
    }
    if (cells > mostCells) throw tooLarge(frequency, span, keys.size);
    offsets[key + 1] = cells;
    bases[key] = cells - length;
  }
  const values = sharedFloat64(cells).fill(Number.NaN);
  const cellsOf: CellsOf = (block, into) => {
    steps.stepsOf(block.minutes, block.count, into);
    for (let i = 0; i < block.count; i++) into[i] = sells[block.keys[i]] === 1 ? bases[block.keys[i]] + into[i] : -1;
  };
  const merged = aggregate({ blocks: rows.blocks, column: 0, cellsOf }, values, target.aggregation);
  const emptyRows = target.emptyRows === "fill" ? undefined : emptyCells(rows, cellsOf, values, offsets);
  rows.clear();
  const shape: Shape = { keys, length, offsets, sells };
  const censor = censorCells(target.censored?.(keys, steps), values, shape);
  const out = skipSteps(target.skipped ?? [], steps, values, censor.out, shape);
  const filled = fillSeries(target, values, { empty: emptyRows, out }, shape);
  const { discontinued, ...facts } = filled;
  return { frequency, keys, steps, length, sells, offsets, values, merged, discontinued, facts: { ...facts, ...censor.facts } };
}

interface Shape {
  readonly keys: KeySpace;
  readonly length: number;
  readonly offsets: Int32Array;
  readonly sells: Uint8Array;
}

/** 1 for the cells of which rows tell no value; undefined where all rows have one. */
function emptyCells(rows: Rows, cellsOf: CellsOf, values: Float64Array, offsets: Int32Array): Uint8Array | undefined {
  let empty: Uint8Array | undefined;
  const cells = scratchFor(rows.blocks);
  for (const block of rows.blocks) {
    const source = block.values[0];
    let any = false;
    for (let i = 0; i < block.count && !any; i++) any = Number.isNaN(source[i]);
    if (!any) continue;
    cellsOf(block, cells);
    for (let i = 0; i < block.count; i++) {
      const cell = cells[i];
      const key = block.keys[i];
      // A row beyond the grid or before the first value of its series is none of its cells.
      if (!Number.isNaN(source[i]) || cell < offsets[key] || cell >= offsets[key + 1] || !Number.isNaN(values[cell])) continue;
      empty ??= new Uint8Array(values.length);
      empty[cell] = 1;
    }
  }
  return empty;
}

/** Cells that stay unknown whatever the rule: 1 where rows tell no value, 1 where the item was out of stock. */
interface UnknownCells {
  readonly empty: Uint8Array | undefined;
  readonly out: Uint8Array | undefined;
}

/** Fills each series by rule and says what came about without a row. */
function fillSeries(
  target: TargetRows,
  values: Float64Array,
  unknown: UnknownCells,
  { keys, length, offsets, sells }: Shape,
): Pick<FilledFacts, "cells" | "gaps" | "filled" | "emptyKept" | "ended"> & { readonly discontinued: Uint8Array | undefined } {
  const { fill } = target;
  const unknownBack: FillRule = { ...fill, back: { kind: "nan" } };
  const zeroBack: FillRule = { ...fill, back: { kind: "zero" } };
  let gaps = 0;
  let filled = 0;
  let emptyKept = 0;
  let count = 0;
  let first = -1;
  let lastStep = length;
  let discontinued: Uint8Array | undefined;
  const usual = densityOf(values, unknown, { keys, length, offsets, sells });
  for (let key = 0; key < keys.size; key++) {
    if (sells[key] !== 1) continue;
    const [begin, end] = [offsets[key], offsets[key + 1]];
    const own = gapsOf(values, unknown, begin, end);
    gaps += own.missing;
    let rule = fill;
    if (hasEnded(own, usual)) {
      count += 1;
      const last = length - own.trailing - 1;
      if (last < lastStep) [lastStep, first] = [last, key];
      if (target.ended === "discontinued") (discontinued ??= new Uint8Array(keys.size))[key] = 1;
      if (target.ended === "zero") rule = zeroBack;
      else if (target.ended !== undefined) rule = unknownBack;
    }
    fillGaps(values, begin, end, end, rule);
    let left = 0;
    for (let cell = begin; cell < end; cell++) {
      if (unknown.out?.[cell] === 1) values[cell] = Number.NaN;
      else if (unknown.empty?.[cell] === 1) {
        values[cell] = Number.NaN;
        emptyKept += 1;
      } else if (Number.isNaN(values[cell])) left += 1;
    }
    filled += Math.max(0, own.missing - left);
  }
  const name = first < 0 ? "" : keys.names.map((_, c) => keys.text(first, c)).join(" / ");
  return {
    cells: values.length,
    gaps,
    filled,
    emptyKept,
    ended: count === 0 ? undefined : { count, first: name, lastStep },
    discontinued,
  };
}

/** At a chance below this, a silence is an end and no pause. */
const silenceByChance = 0.01;
/** So many steps' worth of the other series' density stand beside what a series shows itself. */
const densitySteps = 2;

/**
 * Whether a series has ended: its silence is longer than twice the longest pause it made before, and hardly to be expected at its own rhythm.
 *
 * The steps between its first and its last row are a Bernoulli sample of its rhythm, with the density of all series as the prior (beta): the chance
 * of `trailing` empty steps is then a product. An item sold twice in a year is silent for months; one sold daily is not.
 */
function hasEnded({ rows, missing, largest, trailing }: Gaps, usual: number): boolean {
  if (trailing === 0 || trailing <= 2 * largest) return false;
  // The first row is where counting begins.
  const sold = rows - 1 + densitySteps * usual;
  const silent = missing - trailing + densitySteps * (1 - usual);
  let chance = 1;
  for (let k = 0; k < trailing && chance >= silenceByChance; k++) chance *= (silent + k) / (sold + silent + k);
  return chance < silenceByChance;
}

/** The share of steps with a row from the first one on, of all series together; silences at the end count, or rare items would look frequent. */
function densityOf(values: Float64Array, unknown: UnknownCells, { keys, offsets, sells }: Shape): number {
  let rows = 0;
  let steps = 0;
  for (let key = 0; key < keys.size; key++) {
    if (sells[key] !== 1) continue;
    const own = gapsOf(values, unknown, offsets[key], offsets[key + 1]);
    rows += own.rows;
    steps += own.rows + own.missing;
  }
  return steps === 0 ? 1 : rows / steps;
}

interface Gaps {
  /** Cells with a row, or known to be unknown. */
  readonly rows: number;
  readonly missing: number;
  readonly largest: number;
  readonly trailing: number;
}

/** Cells without a row from the first value on: all of them, the longest run between rows, and the run at the end. */
function gapsOf(values: Float64Array, { empty, out }: UnknownCells, begin: number, end: number): Gaps {
  let rows = 0;
  let missing = 0;
  let largest = 0;
  let run = 0;
  let started = false;
  for (let cell = begin; cell < end; cell++) {
    if (Number.isNaN(values[cell]) && empty?.[cell] !== 1 && out?.[cell] !== 1) {
      if (!started) continue;
      missing += 1;
      run += 1;
    } else {
      started = true;
      rows += 1;
      if (run > largest) largest = run;
      run = 0;
    }
  }
  return { rows, missing, largest, trailing: run };
}

/** Marks the cells of steps that never were, where no row stands. */
function skipSteps(
  skipped: readonly number[],
  steps: Steps,
  values: Float64Array,
  known: Uint8Array | undefined,
  { length, offsets, sells }: Shape,
): Uint8Array | undefined {
  let out = known;
  for (const minute of skipped) {
    const step = steps.stepOf(minute);
    if (step < 0 || step >= length) continue;
    for (let key = 0; key < sells.length; key++) {
      const cell = offsets[key + 1] - length + step;
      if (sells[key] !== 1 || cell < offsets[key] || !Number.isNaN(values[cell])) continue;
      out ??= new Uint8Array(values.length);
      out[cell] = 1;
    }
  }
  return out;
}

/** What was sold before, of which a median tells what is usual. */
const usualBefore = 64;

/**
 * Sales of a step without stock tell only that demand was no less. Such a cell becomes unknown; where more than usual was sold all the same (above
 * the median of up to 64 values in stock before), it stays as it is: demand was at least that, and to drop the best days would bias low.
 * Looks back alone, so that no later value moves an earlier one.
 */
function censorCells(
  found: CensoredCells | undefined,
  values: Float64Array,
  { length, offsets, sells }: Shape,
): { readonly out: Uint8Array | undefined; readonly facts: Pick<FilledFacts, "censored" | "censoredKept"> } {
  if (found === undefined) return { out: undefined, facts: { censored: 0, censoredKept: 0 } };
  const marks = new Uint8Array(values.length);
  found.each((key, step) => {
    const cell = offsets[key + 1] - length + step;
    if (sells[key] === 1 && step < length && cell >= offsets[key]) marks[cell] = 1;
  });
  let censored = 0;
  let censoredKept = 0;
  const recent = new Float64Array(usualBefore);
  for (let key = 0; key < sells.length; key++) {
    let seen = 0;
    for (let cell = offsets[key]; cell < offsets[key + 1]; cell++) {
      const value = values[cell];
      if (marks[cell] !== 1) {
        if (!Number.isNaN(value)) recent[seen++ % usualBefore] = value;
        continue;
      }
      const before = recent.slice(0, Math.min(seen, usualBefore)).sort();
      if (!Number.isNaN(value) && value > (before[before.length >> 1] ?? Number.POSITIVE_INFINITY)) {
        censoredKept += 1;
        marks[cell] = 0;
        continue;
      }
      censored += 1;
      values[cell] = Number.NaN;
    }
  }
  return { out: marks, facts: { censored, censoredKept } };
}

/** Builds the panel; lets go of related rows. Throws `input` `PANEL_TOO_LARGE` when related cells do not fit. */
export function buildPanel(input: PanelInput): BuiltPanel {
  const { target, horizon } = input;
  const { keys, steps, length } = target;
  const grid: Grid = { frequency: target.frequency, startMs: steps.startMs, length, horizon };
  const { entries, unknownItems } = listEntries(input, grid);
  const { offsets, values } = arrange(entries, target);
  const texts = entries.map((entry) => entry.texts);
  const related =
    input.related === undefined ? { regressors: [], facts: [] } : relatedRegressors(input.related, { grid, steps, keys, texts, offsets });
  return {
    panel: {
      grid,
      itemIds: texts.map((each) => each[0]),
      dimensions: keys.names.slice(1).map((name, d) => categoryOf(name, texts, (each) => each[d + 1])),
      metadata: metadataOf(input.metadata, texts),
      offsets,
      values,
      regressors: related.regressors satisfies readonly PanelRegressor[],
      shared: input.shared?.(grid) ?? [],
      seasons: input.seasons,
    },
    merged: target.merged,
    related: related.facts,
    unknownItems,
    coldStarts: entries.filter((_, i) => offsets[i] === offsets[i + 1]).length,
  };
}

/** The cells in the order of the series; as they are where that is the order they have. */
function arrange(entries: readonly Entry[], target: TargetCells): { readonly offsets: Int32Array; readonly values: Float64Array } {
  const offsets = sharedInt32(entries.length + 1);
  let ordered = true;
  let last = -1;
  for (const [i, { key }] of entries.entries()) {
    const size = key < 0 ? 0 : target.offsets[key + 1] - target.offsets[key];
    offsets[i + 1] = offsets[i] + size;
    if (size === 0) continue;
    ordered &&= key > last;
    last = key;
  }
  if (ordered) return { offsets, values: target.values };
  const values = sharedFloat64(offsets[entries.length]);
  for (const [i, { key }] of entries.entries()) {
    if (key >= 0) values.set(target.values.subarray(target.offsets[key], target.offsets[key + 1]), offsets[i]);
  }
  return { offsets, values };
}

interface Span {
  readonly earliest: number;
  readonly latest: number;
}

/** The minutes between which values stand. */
function spanOf(rows: Rows): Span | undefined {
  let earliest = Number.POSITIVE_INFINITY;
  let latest = Number.NEGATIVE_INFINITY;
  for (const block of rows.blocks) {
    const values = block.values[0];
    for (let i = 0; i < block.count; i++) {
      if (Number.isNaN(values[i])) continue;
      const minute = block.minutes[i];
      if (minute < earliest) earliest = minute;
      if (minute > latest) latest = minute;
    }
  }
  return latest < earliest ? undefined : { earliest, latest };
}

/** The step of each key's first value; 2^31 - 1 where it has none. */
function firstSteps(rows: Rows, size: number, steps: Steps): Int32Array {
  const firsts = new Int32Array(size).fill(noStep);
  const at = scratchFor(rows.blocks);
  for (const block of rows.blocks) {
    steps.stepsOf(block.minutes, block.count, at);
    const values = block.values[0];
    for (let i = 0; i < block.count; i++) {
      if (!Number.isNaN(values[i]) && at[i] < firsts[block.keys[i]]) firsts[block.keys[i]] = at[i];
    }
  }
  return firsts;
}

function listEntries(input: PanelInput, grid: Grid): { readonly entries: readonly Entry[]; readonly unknownItems: readonly UnknownItem[] } {
  const { keys, steps, sells } = input.target;
  const textsOf = (space: KeySpace, key: number): string[] => space.names.map((_, c) => space.text(key, c));
  const soldItems = new Set<string>();
  for (let key = 0; key < keys.size; key++) if (sells[key] === 1) soldItems.add(keys.text(key, 0));
  const known = (item: string): boolean => soldItems.has(item) || input.metadata?.items.has(item) === true;
  const { discontinued } = input.target;

  const entries: Entry[] = [];
  const unknown = new Map<string, UnknownItem>();
  const seriesOf = new Set<string>();
  const tuples = new Map<string, readonly string[]>();
  const take = (texts: readonly string[], key: number): void => {
    entries.push({ texts, key });
    seriesOf.add(texts[0]);
  };
  for (let key = 0; key < keys.size; key++) {
    const texts = textsOf(keys, key);
    const [item] = texts;
    if (sells[key] === 1) tuples.set(texts.slice(1).join("\0"), texts.slice(1));
    if (discontinued?.[key] === 1) seriesOf.add(item);
    else if (known(item)) take(texts, key);
    else if (!unknown.has(item)) unknown.set(item, { item, file: "target", line: keys.lines[key] });
  }
  const { related } = input;
  if (related !== undefined) {
    const reaches = reachHorizon(related, steps, grid);
    const places = keys.names.map((name) => related.keys.names.indexOf(name));
    for (let key = 0; key < related.keys.size; key++) {
      const item = related.keys.text(key, 0);
      if (!known(item)) {
        if (reaches[key] === 1 && !unknown.has(item)) unknown.set(item, { item, file: "related", line: related.keys.lines[key] });
        continue;
      }
      if (reaches[key] === 0 || places.includes(-1)) continue;
      const texts = places.map((place) => related.keys.text(key, place));
      if (keys.find(texts) < 0) take(texts, -1);
    }
  }
  for (const item of input.metadata?.items.keys() ?? []) {
    if (!seriesOf.has(item)) for (const tuple of tuples.values()) entries.push({ texts: [item, ...tuple], key: -1 });
  }
  entries.sort((a, b) => compareTexts(a.texts, b.texts));
  return { entries, unknownItems: [...unknown.values()].sort((a, b) => compareText(a.item, b.item)) };
}

/** 1 for each related key with a row at or after the first step of the horizon. */
function reachHorizon(related: RelatedRows, steps: Steps, grid: Grid): Uint8Array {
  const reaches = new Uint8Array(related.keys.size);
  const at = scratchFor(related.rows.blocks);
  for (const block of related.rows.blocks) {
    steps.stepsOf(block.minutes, block.count, at);
    for (let i = 0; i < block.count; i++) if (at[i] >= grid.length) reaches[block.keys[i]] = 1;
  }
  return reaches;
}

function metadataOf(metadata: ItemMetadata | undefined, texts: readonly (readonly string[])[]): readonly Category[] {
  if (metadata === undefined) return [];
  return metadata.names.map((name, c) =>
    categoryOf(name, texts, (each) => {
      const text = metadata.items.get(each[0])?.[c];
      return text === "" ? undefined : text;
    }),
  );
}

/** Levels sorted by code units, so that the order of rows does not show. */
function categoryOf(
  name: string,
  texts: readonly (readonly string[])[],
  textOf: (texts: readonly string[]) => string | undefined,
): Category {
  const all = texts.map(textOf);
  const levels = [...new Set(all.filter((text) => text !== undefined))].sort(compareText);
  const codes = sharedInt32(texts.length);
  const codeOf = new Map(levels.map((level, code) => [level, code]));
  for (const [i, text] of all.entries()) codes[i] = text === undefined ? -1 : (codeOf.get(text) ?? -1);
  return { name, levels, codes };
}

function compareTexts(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareText(a[i], b[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function tooLarge(frequency: Frequency, span: Span, series: number): StockroomError {
  const from = instantText(span.earliest * 60_000, frequency);
  const to = instantText(span.latest * 60_000, frequency);
  return new StockroomError(
    "input",
    "PANEL_TOO_LARGE",
    `Expected at most ${mostCells} values of history but ${series} series from ${from} to ${to} have more. Is one of these timestamps a mistake? Otherwise use a coarser frequency or split the items.`,
    { facts: { series, from, to, mostCells } },
  );
}
