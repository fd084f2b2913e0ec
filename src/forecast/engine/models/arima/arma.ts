// Exact innovations of a stationary ARMA process without gaps, in time proportional to the length of its state.
//
// Owns: the covariance at the start, the recursion of gains, the innovations of any number of columns under the same gains.
//   State as in Harvey 1989 (section 3.3): a_i(t+1) = phi_i a_0(t) + a_(i+1)(t) + theta_i e(t+1), observed w(t) = a_0(t); variances in units of s2.
//   A1. Gains depend on the parameters alone, so regressors go through the same filter as the series (generalised least squares).
//   A2. Once the gains stand still to 1e-12 they are kept: the rest of the series costs no more than conditional least squares.

import { cholesky, solveCholesky } from "../../numerics/linear.ts";
import type { Polynomials } from "./order.ts";

const STEADY = 1e-12;

/** Covariance of each state with the observation, at the start: the first column of the stationary P. False when not stationary. */
export function startingColumn({ size, phi, theta, phiLags, thetaLags }: Polynomials, work: StartWorkspace, column: Float64Array): boolean {
  const { partial, predictors, pure, gamma, psi } = work;
  const p = phiLags.length === 0 ? 0 : phiLags[phiLags.length - 1];
  const q = thetaLags.length === 0 ? 0 : thetaLags[thetaLags.length - 1];
  // Autocovariances `pure` of the AR part alone: down to the partial autocorrelations and up again (Levinson-Durbin), keeping every predictor.
  for (let i = 0; i < p; i++) predictors[(p - 1) * size + i] = phi[i];
  let variance = 1;
  for (let k = p - 1; k >= 0; k--) {
    const r = predictors[k * size + k];
    const left = 1 - r * r;
    if (!(left > 0)) return false;
    partial[k] = r;
    variance /= left;
    const scale = 1 / left;
    for (let i = 0; i < k; i++) predictors[(k - 1) * size + i] = (predictors[k * size + i] + r * predictors[k * size + k - 1 - i]) * scale;
  }
  if (!(variance < 1e14)) return false;
  const reach = size + q;
  pure[0] = variance;
  for (let k = 1; k <= Math.min(p, reach); k++) {
    // `variance` is that of the error of predicting from k - 1 values.
    let sum = partial[k - 1] * variance;
    const before = (k - 2) * size;
    for (let j = 1; j < k; j++) sum += predictors[before + j - 1] * pure[k - j];
    pure[k] = sum;
    variance *= 1 - partial[k - 1] * partial[k - 1];
  }
  for (let k = p + 1; k <= reach; k++) {
    let sum = 0;
    for (let l = 0; l < phiLags.length; l++) sum += phi[phiLags[l] - 1] * pure[k - phiLags[l]];
    pure[k] = sum;
  }
  // gamma_k = sum over pairs of MA lags of theta_i theta_j pure(k + i - j).
  for (let k = 0; k <= size; k++) {
    let sum = 0;
    for (let a = -1; a < thetaLags.length; a++) {
      const i = a < 0 ? 0 : thetaLags[a];
      let inner = 0;
      for (let b = -1; b < thetaLags.length; b++) {
        const j = b < 0 ? 0 : thetaLags[b];
        const lag = k + i - j;
        inner += theta[j] * pure[lag < 0 ? -lag : lag];
      }
      sum += theta[i] * inner;
    }
    gamma[k] = sum;
  }
  for (let k = 0; k < size; k++) {
    let sum = theta[k];
    for (let l = 0; l < phiLags.length && phiLags[l] <= k; l++) sum += phi[phiLags[l] - 1] * psi[k - phiLags[l]];
    psi[k] = sum;
  }
  column[0] = gamma[0];
  for (let i = 1; i < size; i++) {
    let sum = 0;
    for (let l = 0; l < phiLags.length; l++) {
      const k = phiLags[l] - 1 - i;
      if (k >= 0) sum += phi[phiLags[l] - 1] * gamma[k + 1];
    }
    for (let l = 0; l < thetaLags.length; l++) {
      const k = thetaLags[l] - i;
      if (k >= 0) sum += theta[thetaLags[l]] * psi[k];
    }
    column[i] = sum;
  }
  return column[0] > 0;
}

/** Room for `startingColumn`. */
export interface StartWorkspace {
  readonly partial: Float64Array;
  readonly predictors: Float64Array;
  readonly pure: Float64Array;
  readonly gamma: Float64Array;
  readonly psi: Float64Array;
}

/** Room for a state of `size`. */
export function makeStartWorkspace(size: number): StartWorkspace {
  return {
    partial: new Float64Array(size),
    predictors: new Float64Array(size * size),
    pure: new Float64Array(2 * size + 2),
    gamma: new Float64Array(size + 1),
    psi: new Float64Array(size + 1),
  };
}

/**
 * The whole stationary covariance P (size x size) of the state, from its first column: P = T P T' + R R' read from the last entry upwards.
 *
 * Gives what Gardner, Harvey & Phillips 1980 (algorithm AS 154) solve a linear system for.
 */
export function startingCovariance({ size, phi, theta }: Polynomials, column: Float64Array, out: Float64Array, stride: number): void {
  for (let i = size - 1; i >= 0; i--) {
    for (let j = i; j >= 0; j--) {
      let value: number;
      if (j === 0) {
        value = column[i];
      } else {
        value = phi[i] * phi[j] * column[0] + theta[i] * theta[j];
        if (j + 1 < size) value += phi[i] * column[j + 1];
        if (i + 1 < size) value += phi[j] * column[i + 1] + out[(i + 1) * stride + j + 1];
      }
      out[i * stride + j] = value;
      out[j * stride + i] = value;
    }
  }
}

/** What is kept between evaluations of one model on one set of columns. */
export interface ArmaFilter {
  readonly polynomials: Polynomials;
  readonly length: number;
  readonly columns: readonly Float64Array[];
  readonly start: StartWorkspace;
  readonly first: Float64Array;
  readonly gain: Float64Array;
  readonly increment: Float64Array;
  readonly states: Float64Array;
  /** Innovations of the columns divided by the root of their variance, column after column. */
  readonly innovations: Float64Array;
  /** Normal equations of column 0 on the others. */
  readonly cross: Float64Array;
  readonly factor: Float64Array;
  /** Coefficients of the columns after the first, as of the last evaluation. */
  readonly coefficients: Float64Array;
}

/** Prepares the filter: columns of equal length without NaN, the series first, then its regressors. */
export function makeArmaFilter(polynomials: Polynomials, columns: readonly Float64Array[]): ArmaFilter {
  const { size } = polynomials;
  const length = columns[0].length;
  const wide = columns.length;
  return {
    polynomials,
    length,
    columns,
    start: makeStartWorkspace(size),
    first: new Float64Array(size),
    gain: new Float64Array(size),
    increment: new Float64Array(size),
    states: new Float64Array(size * wide),
    innovations: new Float64Array(length * wide),
    cross: new Float64Array(wide * wide),
    factor: new Float64Array(wide * wide),
    coefficients: new Float64Array(wide - 1),
  };
}

/** What a pass over the history leaves for forecasts; `runArmaFilter` fills it from its first column. */
export interface Trace {
  /** What was expected before it was seen; length: that of a column. */
  readonly predictions: Float64Array;
  /** State before the first step after the history. */
  readonly mean: Float64Array;
  /** Its covariance in units of s2, size x size. */
  readonly covariance: Float64Array;
}

/** One pass over a series without gaps, to stand at its end; undefined when the polynomials are not stationary. */
export function passArma(polynomials: Polynomials, values: Float64Array): Trace | undefined {
  const { size } = polynomials;
  const trace: Trace = {
    predictions: new Float64Array(values.length),
    mean: new Float64Array(size),
    covariance: new Float64Array(size * size),
  };
  return Number.isNaN(runArmaFilter(makeArmaFilter(polynomials, [values]), trace)) ? undefined : trace;
}

/**
 * Runs all columns through the filter of the polynomials as they stand; gives back the sum of the logs of the innovations' variances.
 *
 * NaN when the polynomials are not stationary. The gains follow the recursion of Chandrasekhar type of Morf, Sidhu & Kailath 1974 ("Some new
 * algorithms for recursive estimation in constant, linear, discrete-time systems", IEEE Trans. Autom. Control 19), in which the covariance
 * changes by one outer product a step. Cost: length * size * (4 + 4 columns).
 */
export function runArmaFilter(filter: ArmaFilter, trace?: Trace): number {
  const { polynomials, length, columns, first, gain, increment, states, innovations } = filter;
  const { size, phi, theta, phiLags, thetaLags } = polynomials;
  if (!startingColumn(polynomials, filter.start, first)) return Number.NaN;
  const wide = columns.length;
  const last = size - 1;
  states.fill(0);
  if (trace !== undefined) startingCovariance(polynomials, first, trace.covariance, size);
  let variance = first[0];
  // gain = T P Z', not yet divided by the variance.
  for (let i = 0; i < size; i++) {
    gain[i] = phi[i] * variance + (i < last ? first[i + 1] : 0);
    increment[i] = gain[i];
  }
  let weight = -1 / variance;
  let logs = 0;
  let t = 0;
  let steadyAt = -1;
  // Sparse steps need the last `size` innovations to have been made with steady gains.
  const sparseAfter = size;
  for (; t < length; t++) {
    if (steadyAt >= 0 && t - steadyAt >= sparseAfter) break;
    const scale = 1 / Math.sqrt(variance);
    const inverse = 1 / variance;
    if (trace !== undefined) trace.predictions[t] = states[0];
    if (steadyAt < 0) logs += Math.log(variance);
    for (let c = 0; c < wide; c++) {
      const base = c * size;
      const observed = columns[c][t];
      const head = states[base];
      const innovation = observed - head;
      innovations[c * length + t] = innovation * scale;
      const push = innovation * inverse;
      for (let i = 0; i < last; i++) states[base + i] = states[base + i + 1] + phi[i] * head + gain[i] * push;
      states[base + last] = phi[last] * head + gain[last] * push;
    }
    if (steadyAt >= 0) continue;
    if (trace !== undefined) addOuter(trace.covariance, increment, size, weight);
    const lead = increment[0];
    const moved = weight * lead;
    const next = variance + moved * lead;
    // A variance of e(t) or less is rounding: it cannot fall below.
    const nextVariance = next > 1 ? next : 1;
    const pull = lead / nextVariance;
    let largest = 0;
    for (let i = 0; i < size; i++) {
      const shifted = phi[i] * lead + (i < last ? increment[i + 1] : 0);
      const renewed = gain[i] + shifted * moved;
      gain[i] = renewed;
      const left = shifted - renewed * pull;
      increment[i] = left;
      const square = left * left;
      if (square > largest) largest = square;
    }
    weight += (moved * moved) / variance;
    variance = nextVariance;
    if (largest * Math.abs(weight) < STEADY && variance - 1 < STEADY) {
      steadyAt = t + 1;
      variance = 1;
      for (let i = 0; i < size; i++) gain[i] = phi[i] + (i < last ? theta[i + 1] : 0);
      // Nothing but the next shock is unknown.
      if (trace !== undefined) {
        trace.covariance.fill(0);
        addOuter(trace.covariance, theta, size, 1);
      }
    }
  }
  if (t < length) {
    for (let c = 0; c < wide; c++) {
      const column = columns[c];
      const base = c * length;
      for (let s = t; s < length; s++) {
        let expected = 0;
        for (let l = 0; l < phiLags.length; l++) expected += phi[phiLags[l] - 1] * column[s - phiLags[l]];
        for (let l = 0; l < thetaLags.length; l++) expected += theta[thetaLags[l]] * innovations[base + s - thetaLags[l]];
        innovations[base + s] = column[s] - expected;
        if (c === 0 && trace !== undefined) trace.predictions[s] = expected;
      }
    }
  }
  if (trace !== undefined) {
    if (t === length) {
      trace.mean.set(states.subarray(0, size));
    } else {
      // The state from the values and innovations it remembers.
      for (let i = 0; i < size; i++) {
        let sum = 0;
        for (let k = 0; i + k < size; k++) {
          sum += phi[i + k] * columns[0][length - 1 - k];
          if (i + k < last) sum += theta[i + k + 1] * innovations[length - 1 - k];
        }
        trace.mean[i] = sum;
      }
    }
  }
  return logs;
}

/** matrix += weight * vector vector'. */
function addOuter(matrix: Float64Array, vector: Float64Array, size: number, weight: number): void {
  for (let i = 0; i < size; i++) {
    const factor = weight * vector[i];
    for (let j = 0; j < size; j++) matrix[i * size + j] += factor * vector[j];
  }
}

/**
 * Sum of squares left of the first column after generalised least squares on the others, from innovations `from` on.
 *
 * Coefficients go to `filter.coefficients`. NaN when the columns are collinear.
 */
export function concentrate(filter: ArmaFilter, from: number): number {
  const { innovations, length, cross, factor, coefficients } = filter;
  const wide = filter.columns.length;
  const count = wide - 1;
  for (let a = 0; a < wide; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      const left = a * length;
      const right = b * length;
      for (let t = from; t < length; t++) sum += innovations[left + t] * innovations[right + t];
      cross[a * wide + b] = sum;
    }
  }
  if (count === 0) return cross[0];
  for (let a = 0; a < count; a++) {
    for (let b = 0; b <= a; b++) factor[a * count + b] = cross[(a + 1) * wide + b + 1];
    coefficients[a] = cross[(a + 1) * wide];
  }
  if (!cholesky(factor, count, 1e-12)) return Number.NaN;
  solveCholesky(factor, count, coefficients);
  // Directly and not as a difference of sums: what is left may be tiny beside the whole.
  let squares = 0;
  for (let t = from; t < length; t++) {
    let value = innovations[t];
    for (let a = 0; a < count; a++) value -= coefficients[a] * innovations[(a + 1) * length + t];
    squares += value * value;
  }
  return squares;
}

/**
 * Sums of squares left of the first column after regression on the first 0, 1, 2, ... others, from the normal equations of the last
 * `concentrate`; NaN from the first column on that is collinear with those before it. Length: columns.
 */
export function nestedSquares({ cross, columns }: ArmaFilter): Float64Array {
  const wide = columns.length;
  const count = wide - 1;
  const out = new Float64Array(wide).fill(Number.NaN);
  out[0] = cross[0];
  // Row by row of the Cholesky factor of the others, and with it the part of the first column that each row explains.
  const factor = new Float64Array(count * count);
  const explained = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = cross[(i + 1) * wide + j + 1];
      for (let k = 0; k < j; k++) sum -= factor[i * count + k] * factor[j * count + k];
      if (j < i) factor[i * count + j] = sum / factor[j * count + j];
      else if (sum > 1e-12 * cross[(i + 1) * wide + i + 1]) factor[i * count + i] = Math.sqrt(sum);
      else return out;
    }
    let sum = cross[(i + 1) * wide];
    for (let k = 0; k < i; k++) sum -= factor[i * count + k] * explained[k];
    explained[i] = sum / factor[i * count + i];
    out[i + 1] = Math.max(0, out[i] - explained[i] * explained[i]);
  }
  return out;
}

/**
 * Conditional innovations: everything before `from` is taken as given and the innovations there as zero (Box & Jenkins 1970, section 7.1.2).
 *
 * Cost: length * (number of AR and MA lags) a column.
 */
export function runConditional(filter: ArmaFilter, from: number): void {
  const { polynomials, columns, length, innovations } = filter;
  const { phi, theta, phiLags, thetaLags } = polynomials;
  for (let c = 0; c < columns.length; c++) {
    const column = columns[c];
    const base = c * length;
    innovations.fill(0, base, base + Math.min(from, length));
    for (let s = from; s < length; s++) {
      let value = column[s];
      for (let l = 0; l < phiLags.length; l++) value -= phi[phiLags[l] - 1] * column[s - phiLags[l]];
      for (let l = 0; l < thetaLags.length; l++) {
        const lag = thetaLags[l];
        if (lag > s) break;
        value -= theta[lag] * innovations[base + s - lag];
      }
      innovations[base + s] = value;
    }
  }
}
