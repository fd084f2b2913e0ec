// Adjustments: what a planner says of a forecast instead of the system, laid over its rows. The system's own numbers stay as they are.
//
// Owns: which rows an adjustment meets, what becomes of mean and quantiles. Does not own: who may adjust, where adjustments are kept.
//   J1. Adjustments act in the order in which they were made: `set` replaces whatever came before it, `add` and `percent` act on what it left.
//   J2. Quantiles never cross and never go below zero, whatever is adjusted in whatever order.
//   J3. A step counts by the instant at which it begins.

import type { Condition, Fault } from "../scenario/change.ts";
import { middleOfLevels } from "../numerics/levels.ts";
import { findSeries, type Names } from "../scenario/apply.ts";

export const adjustmentKinds = ["set", "add", "percent"] as const;
export type AdjustmentKind = (typeof adjustmentKinds)[number];

/** A planner's word on the series that meet all conditions, for the steps that begin in [fromMs, untilMs). */
export interface Adjustment {
  readonly kind: AdjustmentKind;
  /** Units of the forecast; for `percent` the change in percent, -100 or more. */
  readonly value: number;
  /** On the item, dimensions and item metadata. Empty: every series. */
  readonly conditions: readonly Condition[];
  /** UTC. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** One row of a forecast, by column: the mean where there is one, and quantiles at ascending levels. */
export interface ForecastRow {
  readonly mean: number | undefined;
  readonly quantiles: readonly number[];
}

/** Why a value cannot be: a whole sentence; undefined when it can. */
export function checkValue(kind: AdjustmentKind, value: number): string | undefined {
  if (!Number.isFinite(value)) return `Expected a number to ${kind} but received ${value}.`;
  if (kind === "set" && value < 0) return `Expected 0 or more to set demand to but received ${value}.`;
  if (kind === "percent" && value < -100) return `Expected a percentage of -100 or more but received ${value}.`;
  return undefined;
}

/** The middle of a row: its median, else its mean, else the quantile nearest to the middle. Undefined for a row without numbers. */
function middleOf(row: ForecastRow, levels: readonly number[]): number | undefined {
  const median = levels.indexOf(0.5);
  if (median >= 0) return row.quantiles[median];
  if (row.mean !== undefined) return row.mean;
  return row.quantiles[middleOfLevels(levels)];
}

const floored = (value: number): number => Math.max(0, value);

/**
 * Lays one adjustment over a row.
 *
 * `set` puts mean and median on the value; the other quantiles keep their ratio to the median (to the mean where the median is less than a
 * quarter of it; where both are 0, their distance). `add` moves all by as much, down to zero at most; `percent` stretches all alike.
 */
export function adjustRow(row: ForecastRow, levels: readonly number[], { kind, value }: Pick<Adjustment, "kind" | "value">): ForecastRow {
  if (kind === "add") return mapRow(row, (x) => floored(x + value));
  if (kind === "percent") return mapRow(row, (x) => floored(x * (1 + value / 100)));
  const median = middleOf(row, levels) ?? 0;
  // Of rare demand the median says little: near zero it would stretch the upper quantiles beyond all sense.
  const middle = row.mean !== undefined && median < row.mean / 4 ? row.mean : median;
  const base = middle > 1e-6 * Math.max(0, ...row.quantiles) ? middle : 0;
  const quantiles = row.quantiles.map((x, i) => {
    const moved = base > 0 ? (x * value) / base : x + value;
    const level = levels[i] ?? 0.5;
    if (level === 0.5) return value;
    return level < 0.5 ? floored(Math.min(moved, value)) : Math.max(moved, value);
  });
  return { mean: row.mean === undefined ? undefined : value, quantiles };
}

function mapRow(row: ForecastRow, change: (x: number) => number): ForecastRow {
  return { mean: row.mean === undefined ? undefined : change(row.mean), quantiles: row.quantiles.map(change) };
}

/** Finds the adjustments of a step of a series, in their order. */
export interface Adjuster<Kept extends Adjustment> {
  /** Those that meet a series at an instant; most often none. */
  at(series: number, ms: number): readonly Kept[];
  /** Those that no longer fit the names of this panel, and why. */
  readonly misfits: readonly { readonly adjustment: Kept; readonly faults: readonly Fault[] }[];
}

const none: readonly never[] = [];

/** Makes the adjuster of a panel's series. Costs a pass over the series for each adjustment; asking costs next to nothing. */
export function makeAdjuster<Kept extends Adjustment>(panel: Names, adjustments: readonly Kept[]): Adjuster<Kept> {
  const bySeries = new Map<number, Kept[]>();
  const misfits: { adjustment: Kept; faults: readonly Fault[] }[] = [];
  for (const adjustment of adjustments) {
    const found = findSeries(panel, adjustment.conditions);
    if (found.kind === "faults") {
      misfits.push({ adjustment, faults: found.faults });
      continue;
    }
    for (let i = 0; i < found.series.length; i++) {
      if (found.series[i] === 0) continue;
      const known = bySeries.get(i);
      if (known === undefined) bySeries.set(i, [adjustment]);
      else known.push(adjustment);
    }
  }
  return {
    at: (series, ms) => bySeries.get(series)?.filter(({ fromMs, untilMs }) => ms >= fromMs && ms < untilMs) ?? none,
    misfits,
  };
}

/** All adjustments of a row in their order (J1). */
export function adjustAll(
  row: ForecastRow,
  levels: readonly number[],
  adjustments: readonly Pick<Adjustment, "kind" | "value">[],
): ForecastRow {
  return adjustments.reduce((each, adjustment) => adjustRow(each, levels, adjustment), row);
}
