// What an ARIMA model is regressed on: known regressors, and waves for seasons too long for a lag.
//
// Owns: which columns there are, their values in any stretch of time, gaps in them. Does not own: their coefficients.
//   D1. A column is a function of the series alone, so the same design serves a longer history.
//   D2. A constant column, and one that is a sum of those before it, is left out.

import type { Series } from "../../contract.ts";
import { leastSquares } from "../../numerics/linear.ts";
import { spreadOf } from "./differencing.ts";

/** One column. */
export type Column =
  | { readonly kind: "regressor"; readonly name: string; /** Stands in where the regressor is unknown. */ readonly filling: number }
  | { readonly kind: "wave"; readonly name: string; readonly period: number; readonly harmonic: number; readonly phase: "sin" | "cos" };

/** A column of the regression, centred and scaled. */
export interface Term {
  readonly column: Column;
  readonly centre: number;
  readonly scale: number;
  /** Of the centred and scaled column, for the scaled series. */
  readonly coefficient: number;
}

/** Values of a column at the steps [from, to) of the series, counted from its first value; undefined when the series does not have it. */
export function columnValues(column: Column, series: Series, from: number, to: number): Float64Array | undefined {
  const out = new Float64Array(to - from);
  if (column.kind === "wave") {
    const turn = (2 * Math.PI * column.harmonic) / column.period;
    for (let t = from; t < to; t++) {
      const angle = turn * (series.position + t);
      out[t - from] = column.phase === "sin" ? Math.sin(angle) : Math.cos(angle);
    }
    return out;
  }
  const regressor = series.regressors.find((each) => each.name === column.name);
  if (regressor === undefined) return undefined;
  for (let t = from; t < to; t++) {
    const value = t < regressor.values.length ? regressor.values[t] : Number.NaN;
    out[t - from] = Number.isFinite(value) ? value : column.filling;
  }
  return out;
}

/** The regressors of a series that vary over [from, to) and reach `end`, each with its mean over [from, to) as filling. */
export function findRegressors(series: Series, from: number, to: number, end: number): Column[] {
  const found: Column[] = [];
  const names = new Set<string>();
  for (const { name, values } of series.regressors) {
    if (names.has(name) || values.length < end) continue;
    names.add(name);
    let sum = 0;
    let count = 0;
    let low = Infinity;
    let high = -Infinity;
    for (let t = from; t < to; t++) {
      const value = values[t];
      if (!Number.isFinite(value)) continue;
      sum += value;
      count++;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (count > 0 && high - low > 1e-10 * Math.max(Math.abs(high), Math.abs(low)))
      found.push({ kind: "regressor", name, filling: sum / count });
  }
  return found;
}

/** Sine and cosine of the first `harmonics` of a period, without those that are whole waves of `within` (0: none), which a lag of that length sees. */
export function makeWaves(period: number, harmonics: number, within: number): Column[] {
  const waves: Column[] = [];
  for (let k = 1; k <= harmonics; k++) {
    const wave = period / k;
    if (within > 1 && Math.abs(within / wave - Math.round(within / wave)) < 1e-9 && within >= wave) continue;
    // At two steps a wave the sine is zero throughout.
    if (wave < 2 - 1e-9) break;
    if (wave > 2 + 1e-9) waves.push({ kind: "wave", name: `sin${k}-${period}`, period, harmonic: k, phase: "sin" });
    waves.push({ kind: "wave", name: `cos${k}-${period}`, period, harmonic: k, phase: "cos" });
  }
  return waves;
}

/**
 * Which of some columns say something of their own, after a constant: indices, ascending.
 *
 * At most `part`; when there are more, those whose changes go best with the changes of `values` are kept.
 */
export function independentColumns(values: Float64Array, columns: readonly Float64Array[], workspace: number): number[] {
  const n = values.length;
  let order = columns.map((_, j) => j);
  if (columns.length > workspace) {
    const agreement = columns.map((column) => Math.abs(correlationOfChanges(values, column)));
    order = order.toSorted((a, b) => agreement[b] - agreement[a] || a - b);
  }
  const x = new Float64Array(n * (columns.length + 1)).fill(1, 0, n);
  for (const [place, j] of order.entries()) {
    const column = columns[j];
    let mean = 0;
    for (let t = 0; t < n; t++) mean += column[t];
    mean /= n;
    for (let t = 0; t < n; t++) x[(place + 1) * n + t] = column[t] - mean;
  }
  const { kept } = leastSquares(x, n, columns.length + 1, values, { tolerance: 1e-6 });
  return kept
    .filter((each) => each > 0)
    .slice(0, Math.max(0, workspace))
    .map((each) => order[each - 1])
    .toSorted((a, b) => a - b);
}

function correlationOfChanges(a: Float64Array, b: Float64Array): number {
  let both = 0;
  let first = 0;
  let second = 0;
  for (let t = 1; t < a.length; t++) {
    const x = a[t] - a[t - 1];
    const y = b[t] - b[t - 1];
    both += x * y;
    first += x * x;
    second += y * y;
  }
  return first > 0 && second > 0 ? both / Math.sqrt(first * second) : 0;
}

/** Columns ready for an estimate: `values[j]` is that of `terms[j]`, centred and scaled. */
export interface Prepared {
  readonly terms: readonly Term[];
  readonly values: readonly Float64Array[];
}

/** Centres and scales columns over [from, to); one that does not vary there is left out. */
export function prepare(series: Series, columns: readonly Column[], from: number, to: number): Prepared {
  const terms: Term[] = [];
  const values: Float64Array[] = [];
  for (const column of columns) {
    const raw = columnValues(column, series, from, to);
    if (raw === undefined) continue;
    let centre = 0;
    for (const value of raw) centre += value / raw.length;
    const scale = Math.sqrt(spreadOf(raw) / raw.length);
    if (!(scale > 0 && scale < Infinity)) continue;
    terms.push({ column, centre, scale, coefficient: 0 });
    values.push(raw.map((value) => (value - centre) / scale));
  }
  return { terms, values };
}

/** What a regression on a constant and the columns leaves. */
export function residualsOf(whole: Float64Array, columns: readonly Float64Array[]): Float64Array {
  if (columns.length === 0) return whole;
  const n = whole.length;
  const x = new Float64Array(n * (columns.length + 1)).fill(1, 0, n);
  for (const [j, column] of columns.entries()) x.set(column, (j + 1) * n);
  return leastSquares(x, n, columns.length + 1, whole).residuals;
}
