// Where rows lie in time: which steps have any, and which rows stand far off at an end where hardly a series has one.
//
// A single row of another year would draw every series to it: the steps between would be filled, and forecasts begin where nothing was sold.

import { type Rows, scratchFor } from "./rows.ts";
import type { Steps } from "./steps.ts";

/** Steps that have rows with a value, ascending, and how many. */
export interface Spread {
  readonly steps: Float64Array;
  readonly counts: Float64Array;
  readonly rows: number;
}

export function spreadOf(rows: Rows, steps: Steps): Spread {
  const counts = new Map<number, number>();
  const at = scratchFor(rows.blocks);
  let total = 0;
  for (const block of rows.blocks) {
    steps.stepsOf(block.minutes, block.count, at);
    let last = Number.NaN;
    let run = 0;
    for (let i = 0; i < block.count; i++) {
      if (Number.isNaN(block.values[0][i])) continue;
      total += 1;
      if (at[i] === last) {
        run += 1;
        continue;
      }
      if (run > 0) counts.set(last, (counts.get(last) ?? 0) + run);
      last = at[i];
      run = 1;
    }
    if (run > 0) counts.set(last, (counts.get(last) ?? 0) + run);
  }
  const sorted = Float64Array.from(counts.keys()).sort();
  return { steps: sorted, counts: sorted.map((step) => counts.get(step) ?? 0), rows: total };
}

/** Of the steps between the first and the last: the share in which no series has a row. */
export function emptyShare({ steps }: Spread): number {
  return steps.length === 0 ? 0 : 1 - steps.length / (steps[steps.length - 1] - steps[0] + 1);
}

export interface StrayEnd {
  readonly end: "first" | "last";
  /** Strays stand at or beyond this step. */
  readonly from: number;
  readonly rows: number;
  /** The step at which the others end (or begin). */
  readonly usual: number;
  /** Steps between. */
  readonly gap: number;
}

/** Strays are at most this share of all rows (and a few rows always may be). */
const strayShare = 0.01;
const strayRows = 3;
/** A gap is one only if as many rows as these would have been expected in it, and it is twice as long as any other. */
const expectedRows = 20;
/** A last step is thin with less than this share of the usual rows of a step, where these are at least `expectedRows`. */
const thinShare = 0.05;
/** Steps before the end whose rows are the usual ones. */
const lookBack = 60;

/** Rows far beyond the end of all others, or far before their begin, and last steps that hardly any series has. */
export function strayEnds(spread: Spread): readonly StrayEnd[] {
  const { steps, counts } = spread;
  const found: StrayEnd[] = [];
  const core = coreOf(spread);
  if (core === undefined) return found;
  const { first, last, perStep, largestGap } = core;
  const isGap = (gap: number): boolean => gap * perStep >= expectedRows && gap > 2 * largestGap;
  let before = 0;
  let far: StrayEnd | undefined;
  for (let i = 0; i < first; i++) {
    before += counts[i];
    const gap = steps[i + 1] - steps[i] - 1;
    if (isGap(gap)) far = { end: "first", from: steps[i], rows: before, usual: steps[i + 1], gap };
  }
  if (far !== undefined) found.push(far);
  let after = 0;
  far = undefined;
  for (let i = steps.length - 1; i > last; i--) {
    after += counts[i];
    const gap = steps[i] - steps[i - 1] - 1;
    if (isGap(gap)) far = { end: "last", from: steps[i], rows: after, usual: steps[i - 1], gap };
  }
  far ??= thinEnd(spread);
  if (far !== undefined) found.push(far);
  return found;
}

/** Last steps with hardly a row, where each step before them has many. */
function thinEnd({ steps, counts, rows }: Spread): StrayEnd | undefined {
  let found: StrayEnd | undefined;
  let thin = 0;
  let most = 0;
  for (let i = counts.length - 1; i >= 4; i--) {
    thin += counts[i];
    most = Math.max(most, counts[i]);
    if (thin > Math.max(strayRows, strayShare * rows)) break;
    const usual = counts.slice(Math.max(0, i - lookBack), i).sort();
    const median = usual[usual.length >> 1];
    if (median < expectedRows || most > thinShare * median || most * 2 > usual[0]) continue;
    found = { end: "last", from: steps[i], rows: thin, usual: steps[i - 1], gap: steps[i] - steps[i - 1] - 1 };
  }
  return found;
}

/** The steps without a few rows at both ends: how dense they are, and their largest gap. */
function coreOf({
  steps,
  counts,
  rows,
}: Spread): { readonly first: number; readonly last: number; readonly perStep: number; readonly largestGap: number } | undefined {
  const few = Math.max(strayRows, strayShare * rows);
  let first = 0;
  for (let sum = counts[0] ?? 0; sum <= few && first < steps.length; first++) sum += counts[first + 1] ?? 0;
  let last = steps.length - 1;
  for (let sum = counts[last] ?? 0; sum <= few && last > 0; last--) sum += counts[last - 1] ?? 0;
  if (last - first < 3) return undefined;
  let within = counts[first];
  let largestGap = 0;
  for (let i = first + 1; i <= last; i++) {
    within += counts[i];
    largestGap = Math.max(largestGap, steps[i] - steps[i - 1] - 1);
  }
  return { first, last, perStep: within / (steps[last] - steps[first] + 1), largestGap };
}
