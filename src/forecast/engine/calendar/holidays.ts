// Holidays on a grid: days with a name become numbers per step that every series shares.
//
// Owns: the spreading onto steps. Does not own: which days are holidays of a country (workflows/inputs asks a library).

import type { Grid, SharedRegressor } from "../contract.ts";
import { dayMs, indexAt, instantAt } from "./grid.ts";

/** A holiday by the calendar of its country; a step of a panel is UTC, and the two are laid day upon day. */
export interface Holiday {
  /** The same name in every year; one regressor each. */
  readonly name: string;
  /** Days since 1970-01-01. */
  readonly day: number;
  /** 1 for most. */
  readonly days: number;
}

/** Whether a regressor only marks days of a calendar: holidays, and events. It tells nothing of any one series, as a price does. */
export const isOfCalendar = (name: string): boolean => name === "holiday" || name.startsWith("holiday:") || name.startsWith("event:");

/** The days a grid spans, history and horizon: first day, and the day after the last. Days since 1970-01-01. */
export function daysOf(grid: Grid): { readonly from: number; readonly to: number } {
  return {
    from: Math.floor(instantAt(grid, 0) / dayMs),
    to: Math.ceil(instantAt(grid, grid.length + grid.horizon) / dayMs),
  };
}

/**
 * Holidays as shared regressors `holiday:<name>`, one per name, plus `holiday` over all of them; sorted by name.
 *
 * Steps of a day or shorter hold 0 or 1: whether the step touches the holiday. Longer steps hold how many of its days fall into them (two
 * days of Christmas in one week make 2). A name that never falls into the grid's history is left out: nothing could be learnt of it.
 * `holiday` counts a day once, however many names it has. No holidays at all: an empty list.
 */
export function holidayRegressors(grid: Grid, holidays: readonly Holiday[]): readonly SharedRegressor[] {
  const daysByName = new Map<string, Set<number>>();
  for (const { name, day, days } of holidays) {
    const known = daysByName.get(name) ?? new Set<number>();
    daysByName.set(name, known);
    for (let i = 0; i < days; i++) known.add(day + i);
  }
  const made: SharedRegressor[] = [];
  const kept = new Set<number>();
  for (const name of [...daysByName.keys()].sort()) {
    const days = daysByName.get(name) ?? new Set<number>();
    const values = spread(grid, days);
    if (!values.subarray(0, grid.length).some((value) => value > 0)) continue;
    made.push({ name: `holiday:${name}`, values });
    for (const day of days) kept.add(day);
  }
  return made.length === 0 ? [] : [{ name: "holiday", values: spread(grid, kept) }, ...made];
}

/** Days on the steps of a grid: 0 or 1 for steps of a day or shorter, how many of them for longer ones. History and horizon, in shared memory. */
export function spread(grid: Grid, days: ReadonlySet<number>): Float32Array {
  const size = grid.length + grid.horizon;
  const values = new Float32Array(new SharedArrayBuffer(size * Float32Array.BYTES_PER_ELEMENT));
  const { unit } = grid.frequency;
  const counted = unit !== "H" && unit !== "min" && !(unit === "D" && grid.frequency.multiple === 1);
  for (const day of days) {
    const first = indexAt(grid, day * dayMs);
    const last = indexAt(grid, (day + 1) * dayMs - 1);
    for (let index = Math.max(0, first); index <= Math.min(last, size - 1); index++) {
      values[index] = counted ? values[index] + 1 : 1;
    }
  }
  return values;
}
