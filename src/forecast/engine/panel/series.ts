// One series out of a panel, as a model sees it: whole, or as it stood at an earlier instant.
//
// Owns: the arithmetic of offsets, the cut. Does not own: how a panel came about (build.ts, make.ts).
//   P1. Every series ends at `grid.length`; a cut at grid index c keeps what stands before c, so one c is one instant for all series.
//   P2. A cut series never shows a history value at or after c, and of its regressors nothing after c + horizon.

import type { Panel, Regressor, Series } from "../contract.ts";

/** How many series a panel holds, cold-start ones included. */
export function seriesCount(panel: Panel): number {
  return panel.offsets.length - 1;
}

/** Steps of history of series i; 0 is a cold start. */
export function historyLength(panel: Panel, i: number): number {
  return panel.offsets[i + 1] - panel.offsets[i];
}

/**
 * Series i of a panel, as a view of its history; do not write into `values`.
 *
 * `cut` is a grid index in [0, grid.length]: the history is then what stands before it, and regressors go on for `grid.horizon` steps after
 * it. Default: the whole history. A series that begins at or after the cut is empty and stands at the cut; its regressors are NaN where the
 * panel has no cell.
 */
export function seriesAt(panel: Panel, i: number, cut: number = panel.grid.length): Series {
  const { length, horizon } = panel.grid;
  const begin = panel.offsets[i];
  const start = length - historyLength(panel, i);
  const position = Math.min(start, cut);
  const values = panel.values.subarray(begin, begin + Math.max(0, cut - start));
  const size = cut - position + horizon;
  const first = begin + i * horizon;
  const missing = Math.min(size, start - position);
  const regressors: Regressor[] = [];
  for (const each of panel.regressors) {
    const cells = new Float64Array(size).fill(Number.NaN, 0, missing);
    cells.set(each.values.subarray(first, first + size - missing), missing);
    regressors.push({ name: each.name, values: cells });
  }
  for (const each of panel.shared) {
    regressors.push({ name: each.name, values: Float64Array.from(each.values.subarray(position, position + size)) });
  }
  return { values, seasons: panel.seasons, regressors, position };
}
