// Level shifts: series whose values are of another size from one step on, as when an export changes its unit.
//
// A model takes such a step for a season or a trend, and the backtests after it cannot tell.

import type { Panel } from "../../engine/contract.ts";

/** On either side of the step; fewer are a launch or a clearance. */
const leastSteps = 8;
/** Nearly all values after it are this many times nearly all values before it, or the other way round. */
const leastRatio = 5;
const [low, high] = [0.1, 0.9];

export interface LevelShift {
  /** Index into the panel's series. */
  readonly series: number;
  /** The first step of the new level, on the panel's grid. */
  readonly step: number;
  /** Medians. */
  readonly before: number;
  readonly after: number;
}

/** The shift of one series; undefined where there is none. NaN is skipped. Cost: two passes; a sort for those whose mean moved. */
function shiftOf(values: Float64Array): Omit<LevelShift, "series"> | undefined {
  let [total, count] = [0, 0];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    total += sizeOf(value);
    count++;
  }
  if (count < 2 * leastSteps) return undefined;
  // Where the cumulated deviation from the mean is largest: the place of a single shift (CUSUM; Page 1954).
  let [sum, largest, step, before, seen] = [0, 0, 0, 0, 0];
  for (let t = 0; t < values.length; t++) {
    if (Number.isNaN(values[t])) continue;
    sum += sizeOf(values[t]);
    seen++;
    const deviation = Math.abs(sum - (seen * total) / count);
    if (deviation > largest) [largest, step, before] = [deviation, t + 1, seen];
  }
  const after = count - before;
  // The means of both sides are this far apart, at the least, where the levels are.
  if (before < leastSteps || after < leastSteps || largest * (1 / before + 1 / after) < Math.log(leastRatio) / 2) return undefined;
  const [earlier, later] = [sorted(values.subarray(0, step)), sorted(values.subarray(step))];
  const isAbove = (larger: Float64Array, smaller: Float64Array): boolean =>
    quantile(smaller, low) > 0 && quantile(larger, low) >= leastRatio * quantile(smaller, high);
  if (!isAbove(later, earlier) && !isAbove(earlier, later)) return undefined;
  return { step, before: quantile(earlier, 0.5), after: quantile(later, 0.5) };
}

const sizeOf = (value: number): number => Math.log1p(Math.abs(value));
const sorted = (values: Float64Array): Float64Array => values.filter((value) => !Number.isNaN(value)).toSorted();
const quantile = (ascending: Float64Array, level: number): number => ascending[Math.round(level * (ascending.length - 1))];

/**
 * The series whose level shifted, when they hold most of what the panel holds in its last steps; else none: one product that grew is no mistake.
 */
export function levelShifts({ grid, offsets, values }: Panel): readonly LevelShift[] {
  const shifts: LevelShift[] = [];
  let [all, shifted] = [0, 0];
  for (let series = 0; series + 1 < offsets.length; series++) {
    const own = values.subarray(offsets[series], offsets[series + 1]);
    let latest = 0;
    for (const value of own.subarray(Math.max(0, own.length - leastSteps))) if (!Number.isNaN(value)) latest += Math.abs(value);
    all += latest;
    const shift = shiftOf(own);
    if (shift === undefined) continue;
    shifted += latest;
    shifts.push({ ...shift, series, step: grid.length - own.length + shift.step });
  }
  // A fall leaves little behind, so series count as well as value.
  const count = offsets.length - 1;
  return shifts.length > 0 && (shifted > all / 2 || shifts.length > count / 2) ? shifts : [];
}
