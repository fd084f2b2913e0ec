// How many waves of a long season a series bears.
//
// Owns: the number of harmonics of each season. Does not own: what a wave is (`design.ts`), the coefficients (`estimate.ts`).
//   After "dynamic harmonic regression", Hyndman & Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), section 10.5: the number with
//   the lowest AICc. The errors' model is the same for all numbers, so that one filter pass compares them.

import type { Series } from "../../contract.ts";
import { concentrate, makeArmaFilter, nestedSquares, runConditional } from "./arma.ts";
import { makeWaves, prepare, residualsOf } from "./design.ts";
import type { Column } from "./design.ts";
import { chooseDifferences, chooseSeasonalDifferences, difference } from "./differencing.ts";
import { aiccOf, estimate, makeWorkbench } from "./estimate.ts";
import { countParameters, expand, makePolynomials } from "./order.ts";
import type { ArimaOrder } from "./order.ts";

const MAX_HARMONICS = 10;
/** Harmonics taken out before it is asked how the rest is to be differenced and correlated. */
const MIDDLING = 3;

/** A series as the search for its model sees it. */
export interface WaveTask {
  readonly series: Series;
  /** Scaled, about zero, gaps bridged. */
  readonly whole: Float64Array;
  /** Step of the series at which `whole` begins. */
  readonly first: number;
  /** Of the lags; 1 is none. */
  readonly period: number;
  /** Size of the values in units of their spread: what rounding is measured by. */
  readonly rough: number;
}

/** The columns given and, of each season, the first harmonics; at most `part` columns more. */
export function addWaves(task: WaveTask, given: readonly Column[], seasons: readonly number[], workspace: number): readonly Column[] {
  const { series, whole, first, period, rough } = task;
  const end = first + whole.length;
  let columns = given;
  for (const season of seasons) {
    const most = Math.min(MAX_HARMONICS, Math.floor(season / 2), Math.floor((workspace - (columns.length - given.length)) / 2));
    if (most < 1) continue;
    const middling = [...columns, ...makeWaves(season, Math.min(MIDDLING, most), period)];
    const left = residualsOf(whole, prepare(series, middling, first, end).values);
    const D = period > 1 ? chooseSeasonalDifferences(left, period, rough) : 0;
    const d = chooseDifferences(difference(left, period, D), 2, rough);
    const long = period > 1 ? 1 : 0;
    const order: ArimaOrder = { p: 1, d, q: 1, P: long, D, Q: long, period };
    const errors = estimate(makeWorkbench({ values: left, columns: [], hasGaps: false }, d, D, period), order, {
      method: "conditional",
      starts: [new Float64Array(countParameters(order))],
      tolerance: 1e-5,
      maxIterations: 30,
    });
    if (errors === undefined) continue;
    const polynomials = makePolynomials(order);
    expand(order, errors.parameters, polynomials);
    const all = [...columns, ...makeWaves(season, most, period)];
    const { values } = prepare(series, all, first, end);
    if (values.length < all.length) continue;
    const filter = makeArmaFilter(polynomials, makeWorkbench({ values: whole, columns: values, hasGaps: false }, d, D, period).differenced);
    const from = order.p + order.P * period;
    runConditional(filter, from);
    concentrate(filter, from);
    const squares = nestedSquares(filter);
    const count = filter.length - from;
    let best = Infinity;
    let kept = columns;
    for (let k = 0; k <= most; k++) {
      const tried = [...columns, ...makeWaves(season, k, period)];
      const degrees = countParameters(order) + tried.length + 1;
      const logLik = -0.5 * count * Math.log(squares[tried.length] / count);
      const aicc = aiccOf(logLik, degrees, count);
      if (aicc < best) {
        best = aicc;
        kept = tried;
      }
    }
    columns = kept;
  }
  return columns;
}
