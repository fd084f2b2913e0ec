// The full Kalman filter of an ARIMA model in levels: missing values, differencing inside the state, exact variances ahead.
//
// Owns: the state of a model and its covariance. Does not own: where parameters come from.
//   State: the ARMA state of Harvey 1989 (section 3.3), then the last d + mD levels. Observed: y(t) = a_0(t) + sum delta_k y(t-k). Variances are in
//   units of s2. Levels before the first are given variance `kappa` around zero, and an innovation whose variance is DIFFUSE or more counts as spent
//   on them and not as evidence: with kappa = 1e6 this is the definition of the likelihood in R's `arima` (whose documentation names both numbers).
//   The limit kappa -> Infinity is the likelihood of the differenced series, which `arma.ts` works out without the detour.
// Positional parameters stay in inner loops: an object for every call cost 11 % of CPU (decisions/typescript.md).

import { makeStartWorkspace, startingColumn, startingCovariance } from "./arma.ts";
import type { Polynomials } from "./order.ts";

const DIFFUSE = 1e4;
const STEADY = 1e-12;

/** What is known of the state before the next step. */
export interface State {
  readonly polynomials: Polynomials;
  /** y(t) = w(t) + sum delta[k] y(t - 1 - k). */
  readonly delta: Float64Array;
  /** polynomials.size + delta.length. */
  readonly size: number;
  readonly mean: Float64Array;
  /** size x size, in units of s2. */
  readonly covariance: Float64Array;
}

/** A pass over a history. */
export interface Pass {
  /** Innovations divided by the roots of their variances, column after column; NaN where nothing was seen, or what was seen was spent on the start. */
  readonly innovations: Float64Array;
  /** Roots of the variances of the innovations, in units of the root of s2; length: that of a column. */
  readonly deviations: Float64Array;
  /** What was expected of the first column before it was seen; length: that of a column. */
  readonly predictions: Float64Array;
  /** Sum of the logs of the variances of the innovations that count. */
  readonly logs: number;
  /** How many count. */
  readonly count: number;
  /** State of each column before the first step after the history: column c at `[c * size]`. */
  readonly means: Float64Array;
  readonly covariance: Float64Array;
}

/**
 * Filters columns of equal length under common gains: the series first (NaN is missing), then its regressors (no NaN).
 *
 * Undefined when the polynomials are not stationary. Cost: about 5 size^2 a step until the gains stand still, then size a column.
 */
export function runKalman(
  polynomials: Polynomials,
  delta: Float64Array,
  columns: readonly Float64Array[],
  kappa: number,
): Pass | undefined {
  const { size: arma, phi, theta } = polynomials;
  const lost = delta.length;
  const size = arma + lost;
  const length = columns[0].length;
  const wide = columns.length;
  const first = new Float64Array(arma);
  if (!startingColumn(polynomials, makeStartWorkspace(arma), first)) return undefined;
  let covariance = new Float64Array(size * size);
  let next = new Float64Array(size * size);
  startingCovariance(polynomials, first, covariance, size);
  for (let k = arma; k < size; k++) covariance[k * size + k] = kappa;
  const deltaAt = Int32Array.from(delta.keys()).filter((k) => delta[k] !== 0);
  // What the prior leaves behind in rounding never goes away.
  const steadyBelow = Math.max(STEADY, lost > 0 ? kappa * 1e-15 : 0);
  const middle = new Float64Array(size * size);
  const gain = new Float64Array(size);
  const moved = new Float64Array(size);
  const means = new Float64Array(size * wide);
  const innovations = new Float64Array(length * wide);
  const deviations = new Float64Array(length);
  const predictions = new Float64Array(length);
  let logs = 0;
  let count = 0;
  let variance = 1;
  let deviation = 1;
  let steady = false;
  for (let t = 0; t < length; t++) {
    const seen = !Number.isNaN(columns[0][t]);
    if (!seen) steady = false;
    if (!steady) {
      for (let i = 0; i < size; i++) {
        const row = i * size;
        let sum = covariance[row];
        for (let l = 0; l < deltaAt.length; l++) sum += delta[deltaAt[l]] * covariance[row + arma + deltaAt[l]];
        gain[i] = sum;
      }
      variance = gain[0];
      for (let l = 0; l < deltaAt.length; l++) variance += delta[deltaAt[l]] * gain[arma + deltaAt[l]];
      deviation = Math.sqrt(variance);
    }
    const counts = seen && (variance < DIFFUSE || lost === 0);
    deviations[t] = deviation;
    if (counts) {
      logs += 2 * Math.log(deviation);
      count++;
    }
    for (let c = 0; c < wide; c++) {
      const base = c * size;
      let predicted = means[base];
      for (let l = 0; l < deltaAt.length; l++) predicted += delta[deltaAt[l]] * means[base + arma + deltaAt[l]];
      if (c === 0) predictions[t] = predicted;
      if (seen) {
        const innovation = columns[c][t] - predicted;
        innovations[c * length + t] = counts ? innovation / deviation : Number.NaN;
        const push = innovation / variance;
        for (let i = 0; i < size; i++) means[base + i] += gain[i] * push;
      } else {
        innovations[c * length + t] = Number.NaN;
      }
      stepMean(phi, arma, size, delta, deltaAt, means, base, moved);
    }
    if (steady) continue;
    if (seen) {
      const scale = 1 / variance;
      for (let i = 0; i < size; i++) {
        const factor = gain[i] * scale;
        for (let j = 0; j <= i; j++) {
          const value = covariance[i * size + j] - factor * gain[j];
          covariance[i * size + j] = value;
          covariance[j * size + i] = value;
        }
      }
    }
    stepCovariance(phi, theta, arma, size, delta, deltaAt, covariance, middle, next);
    // Nothing left to learn about the state: every later gain is this one, until a value is missing.
    if (seen && variance - 1 < 1e-6) {
      let largest = 0;
      for (let i = 0; i < size && largest < steadyBelow; i++) largest = Math.max(largest, Math.abs(covariance[i * size + i]));
      if (largest < steadyBelow) {
        steady = true;
        variance = 1;
        deviation = 1;
        for (let i = 0; i < arma; i++) gain[i] = theta[i];
        gain.fill(0, arma);
        next.fill(0);
        for (let i = 0; i < arma; i++) for (let j = 0; j < arma; j++) next[i * size + j] = theta[i] * theta[j];
      }
    }
    const spare = covariance;
    covariance = next;
    next = spare;
  }
  return { innovations, deviations, predictions, logs, count, means, covariance };
}

/** mean := T mean, for the column at `base`. */
function stepMean(
  phi: Float64Array,
  arma: number,
  size: number,
  delta: Float64Array,
  deltaAt: Int32Array,
  means: Float64Array,
  base: number,
  moved: Float64Array,
): void {
  const head = means[base];
  for (let i = 0; i < arma; i++) moved[i] = phi[i] * head + (i + 1 < arma ? means[base + i + 1] : 0);
  if (size > arma) {
    let level = head;
    for (let l = 0; l < deltaAt.length; l++) level += delta[deltaAt[l]] * means[base + arma + deltaAt[l]];
    moved[arma] = level;
    for (let k = arma + 1; k < size; k++) moved[k] = means[base + k - 1];
  }
  for (let i = 0; i < size; i++) means[base + i] = moved[i];
}

/** next := T covariance T' + R R'. */
function stepCovariance(
  phi: Float64Array,
  theta: Float64Array,
  arma: number,
  size: number,
  delta: Float64Array,
  deltaAt: Int32Array,
  covariance: Float64Array,
  middle: Float64Array,
  next: Float64Array,
): void {
  for (let i = 0; i < size; i++) {
    const row = i * size;
    if (i < arma) {
      const factor = phi[i];
      const below = row + size;
      if (i + 1 < arma) for (let j = 0; j < size; j++) middle[row + j] = factor * covariance[j] + covariance[below + j];
      else for (let j = 0; j < size; j++) middle[row + j] = factor * covariance[j];
    } else if (i === arma) {
      for (let j = 0; j < size; j++) middle[row + j] = covariance[j];
      for (let l = 0; l < deltaAt.length; l++) {
        const factor = delta[deltaAt[l]];
        const from = (arma + deltaAt[l]) * size;
        for (let j = 0; j < size; j++) middle[row + j] += factor * covariance[from + j];
      }
    } else {
      for (let j = 0; j < size; j++) middle[row + j] = covariance[row - size + j];
    }
  }
  for (let i = 0; i < size; i++) {
    const row = i * size;
    const head = middle[row];
    for (let j = 0; j <= i; j++) {
      let value: number;
      if (j < arma) {
        value = phi[j] * head + (j + 1 < arma ? middle[row + j + 1] : 0);
        if (i < arma) value += theta[i] * theta[j];
      } else if (j === arma) {
        value = head;
        for (let l = 0; l < deltaAt.length; l++) value += delta[deltaAt[l]] * middle[row + arma + deltaAt[l]];
      } else {
        value = middle[row + j - 1];
      }
      next[row + j] = value;
      next[j * size + i] = value;
    }
  }
}

/** Means and variances (in units of s2) of the next `horizon` levels; exact given the parameters. */
export function predict(state: State, horizon: number): { readonly mean: Float64Array; readonly variance: Float64Array } {
  const { polynomials, delta, size } = state;
  const { size: arma, phi, theta } = polynomials;
  const deltaAt = Int32Array.from(delta.keys()).filter((k) => delta[k] !== 0);
  const means = state.mean.slice();
  let covariance = state.covariance.slice();
  let next = new Float64Array(size * size);
  const middle = new Float64Array(size * size);
  const moved = new Float64Array(size);
  const mean = new Float64Array(horizon);
  const variance = new Float64Array(horizon);
  for (let h = 0; h < horizon; h++) {
    let level = means[0];
    let spread = covariance[0];
    for (let l = 0; l < deltaAt.length; l++) {
      const k = deltaAt[l];
      level += delta[k] * means[arma + k];
      spread += 2 * delta[k] * covariance[arma + k];
      const row = (arma + k) * size + arma;
      for (let n = 0; n < deltaAt.length; n++) spread += delta[k] * delta[deltaAt[n]] * covariance[row + deltaAt[n]];
    }
    mean[h] = level;
    variance[h] = Math.max(spread, 0);
    if (h + 1 === horizon) break;
    stepMean(phi, arma, size, delta, deltaAt, means, 0, moved);
    stepCovariance(phi, theta, arma, size, delta, deltaAt, covariance, middle, next);
    const spare = covariance;
    covariance = next;
    next = spare;
  }
  return { mean, variance };
}
