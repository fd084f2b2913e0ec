// Maximum likelihood for one order.
//
// Owns: the objective, the search over its parameters, the information criteria. Does not own: which order, which regressors.
//   E1. Regression coefficients and s2 never take part in the search: given the AR and MA parameters they have a closed form.
//   E2. Without gaps the likelihood is that of the differenced series (`arma.ts`); with gaps, that of the levels (`kalman.ts`).

import { minimize } from "../../numerics/minimize.ts";
import { cholesky, solveCholesky } from "../../numerics/linear.ts";
import { concentrate, makeArmaFilter, runArmaFilter, runConditional } from "./arma.ts";
import { runKalman } from "./kalman.ts";
import { difference } from "./differencing.ts";
import { bound, countParameters, differencingCoefficients, expand, lostByDifferencing, makePolynomials } from "./order.ts";
import type { ArimaOrder } from "./order.ts";

/** What an order is estimated on: the levels, and columns to regress them on (with the constant, if any, among them). */
export interface Sample {
  /** NaN is missing; the first and the last are there. */
  readonly values: Float64Array;
  readonly columns: readonly Float64Array[];
  readonly hasGaps: boolean;
}

/** An order with its parameters. */
export interface Estimate {
  readonly order: ArimaOrder;
  /** [ar | ma | sar | sma]. */
  readonly parameters: Float64Array;
  /** The same before `bound`: where a search of a neighbour may begin. */
  readonly free: Float64Array;
  /** One per column. */
  readonly coefficients: Float64Array;
  /** Maximum likelihood: squares over observations that count. */
  readonly s2: number;
  readonly logLik: number;
  /** Observations that count. */
  readonly count: number;
  /** Estimated numbers, s2 among them. */
  readonly degrees: number;
  readonly aicc: number;
}

/** Prior variance, in units of s2, of levels before the first where there are gaps; large enough to leave no trace, small enough for rounding. */
export const GAP_KAPPA = 1e8;

/** Below this share of the sample's own scale, squared, a variance is rounding. The sample is scaled to about 1. */
const LEAST_VARIANCE = 1e-24;

/** AIC corrected for short samples (Hurvich & Tsai 1989); Infinity where it has no meaning. */
export function aiccOf(logLik: number, degrees: number, count: number): number {
  const workspace = count - degrees - 1;
  return workspace > 0 ? -2 * logLik + 2 * degrees + (2 * degrees * (degrees + 1)) / workspace : Infinity;
}

export interface EstimateOptions {
  /** `conditional` searches by conditional squares and then scores by the exact likelihood at what was found. */
  readonly method: "exact" | "conditional";
  /** Starts of the search, in free form; the best end counts. */
  readonly starts: readonly Float64Array[];
  /** Share of the objective below which a gain ends the search. */
  readonly tolerance: number;
  readonly maxIterations: number;
  /** An AICc to come below: a search that is clearly not going to is given up, and what it has by then is answered. */
  readonly hurdle?: number;
}

/** One sample under one pair of differences, ready for many orders. */
export interface Workbench {
  readonly sample: Sample;
  /** The sample differenced; empty where it has gaps. */
  readonly differenced: readonly Float64Array[];
  /** Coefficients estimated elsewhere, which count among the degrees of every order. */
  readonly spent: number;
}

/** Differences a sample as an order asks. */
export function makeWorkbench(sample: Sample, d: number, D: number, period: number, spent = 0): Workbench {
  const differenced = sample.hasGaps ? [] : [sample.values, ...sample.columns].map((each) => difference(difference(each, period, D), 1, d));
  return { sample, differenced, spent };
}

/** Estimates an order; undefined when its likelihood cannot be worked out anywhere near the starts. */
export function estimate(bench: Workbench, order: ArimaOrder, options: EstimateOptions): Estimate | undefined {
  return bench.sample.hasGaps ? estimateWithGaps(bench.sample, order, options) : estimateWhole(bench, order, options);
}

function estimateWhole({ differenced, spent }: Workbench, order: ArimaOrder, options: EstimateOptions): Estimate | undefined {
  const count = differenced[0].length;
  const degrees = countParameters(order) + differenced.length + spent;
  const polynomials = makePolynomials(order);
  const filter = makeArmaFilter(polynomials, differenced);
  const parameters = new Float64Array(countParameters(order));
  const exact = (free: Float64Array): number => {
    bound(order, free, parameters);
    expand(order, parameters, polynomials);
    const logs = runArmaFilter(filter);
    if (Number.isNaN(logs)) return Infinity;
    return 0.5 * (Math.log(Math.max(concentrate(filter, 0) / count, LEAST_VARIANCE)) + logs / count);
  };
  const from = order.p + order.P * order.period;
  const conditional = (free: Float64Array): number => {
    bound(order, free, parameters);
    expand(order, parameters, polynomials);
    runConditional(filter, from);
    return 0.5 * Math.log(Math.max(concentrate(filter, from) / (count - from), LEAST_VARIANCE));
  };
  const byCondition = options.method === "conditional" && count > from + degrees;
  const target = options.hurdle === undefined ? Infinity : valueAt(options.hurdle, degrees, count);
  const free = search(byCondition ? conditional : exact, options, byCondition ? target + CONDITIONAL_SLACK / count : target);
  if (free === undefined) return undefined;
  const value = exact(free);
  if (!Number.isFinite(value)) return undefined;
  const s2 = Math.max(concentrate(filter, 0) / count, LEAST_VARIANCE);
  const logLik = -count * (value + 0.5 * (1 + Math.log(2 * Math.PI)));
  const coefficients = filter.coefficients.slice();
  return { order, parameters, free, coefficients, s2, logLik, count, degrees, aicc: aiccOf(logLik, degrees, count) };
}

function estimateWithGaps(sample: Sample, order: ArimaOrder, options: EstimateOptions): Estimate | undefined {
  const columns = [sample.values, ...sample.columns];
  const degrees = countParameters(order) + columns.length;
  const polynomials = makePolynomials(order);
  const delta = differencingCoefficients(order);
  const parameters = new Float64Array(countParameters(order));
  let scored: Scored | undefined;
  const exact = (free: Float64Array): number => {
    bound(order, free, parameters);
    expand(order, parameters, polynomials);
    const pass = runKalman(polynomials, delta, columns, GAP_KAPPA);
    scored = pass === undefined ? undefined : score(pass.innovations, columns.length, pass.logs, pass.count);
    return scored === undefined ? Infinity : scored.value;
  };
  const free = search(exact, options, Infinity);
  if (free === undefined || !Number.isFinite(exact(free)) || scored === undefined) return undefined;
  const { coefficients, s2, value, count } = scored;
  const logLik = -count * (value + 0.5 * (1 + Math.log(2 * Math.PI)));
  return { order, parameters, free, coefficients, s2, logLik, count, degrees, aicc: aiccOf(logLik, degrees, count) };
}

interface Scored {
  readonly coefficients: Float64Array;
  readonly s2: number;
  /** Half of log s2 plus the mean log variance. */
  readonly value: number;
  readonly count: number;
}

/** Generalised least squares on innovations with gaps. */
function score(innovations: Float64Array, wide: number, logs: number, count: number): Scored | undefined {
  const length = innovations.length / wide;
  const others = wide - 1;
  const normal = new Float64Array(others * others);
  const coefficients = new Float64Array(others);
  for (let t = 0; t < length; t++) {
    if (Number.isNaN(innovations[t])) continue;
    for (let a = 0; a < others; a++) {
      const value = innovations[(a + 1) * length + t];
      coefficients[a] += value * innovations[t];
      for (let b = 0; b <= a; b++) normal[a * others + b] += value * innovations[(b + 1) * length + t];
    }
  }
  if (count === 0 || (others > 0 && !cholesky(normal, others, 1e-12))) return undefined;
  solveCholesky(normal, others, coefficients);
  let squares = 0;
  for (let t = 0; t < length; t++) {
    if (Number.isNaN(innovations[t])) continue;
    let value = innovations[t];
    for (let a = 0; a < others; a++) value -= coefficients[a] * innovations[(a + 1) * length + t];
    squares += value * value;
  }
  const s2 = Math.max(squares / count, LEAST_VARIANCE);
  return { coefficients, s2, value: 0.5 * (Math.log(s2) + logs / count), count };
}

/** The value of the objective at which the AICc is `hurdle`. */
function valueAt(hurdle: number, degrees: number, count: number): number {
  return (hurdle - aiccOf(0, degrees, count)) / (2 * count) - 0.5 * (1 + Math.log(2 * Math.PI));
}

/** Steps of the size of the last one that a search is granted before it is given up. */
const PATIENCE = 50;
/** Log-likelihood by which conditional squares may look worse than the exact likelihood they stand for. */
const CONDITIONAL_SLACK = 5;
/** Before it has seen some curvature a search says nothing about where it will end. */
const LEAST_ITERATIONS = 5;

function search(objective: (free: Float64Array) => number, options: EstimateOptions, least: number): Float64Array | undefined {
  let best: Float64Array | undefined;
  let lowest = Infinity;
  for (const start of options.starts) {
    let iterations = 0;
    const end = minimize(objective, start, {
      differences: "forward",
      step: 1e-6,
      tolerance: options.tolerance,
      maxIterations: options.maxIterations,
      maxStep: 1,
      enough: (value, gain) => ++iterations >= LEAST_ITERATIONS && value - PATIENCE * gain > least,
    });
    if (end.value < lowest) {
      lowest = end.value;
      best = end.point;
    }
  }
  return best;
}

/** The free vector of one order as a start for another: shared lags are kept, new ones begin at zero, at which they change nothing. */
export function carry(from: ArimaOrder, free: Float64Array, to: ArimaOrder): Float64Array {
  const out = new Float64Array(countParameters(to));
  let a = 0;
  let b = 0;
  for (const [has, wants] of [
    [from.p, to.p],
    [from.q, to.q],
    [from.P, to.P],
    [from.Q, to.Q],
  ]) {
    for (let i = 0; i < Math.min(has, wants); i++) out[b + i] = free[a + i];
    a += has;
    b += wants;
  }
  return out;
}

/** An ARIMA model with all its numbers given. */
export interface GivenModel {
  readonly order: ArimaOrder;
  /** [ar | ma | sar | sma]; the AR part must be stationary. */
  readonly parameters: Float64Array;
  /** Regressors (a constant or a trend among them) and their coefficients. */
  readonly columns: readonly Float64Array[];
  readonly coefficients: Float64Array;
}

/**
 * Log-likelihood of levels (NaN is missing) under a model with given parameters, s2 concentrated out.
 *
 * `kappa` is the variance, in units of s2, of the d + mD levels before the first, about zero: 1e6, the default, is what R's `arima` with
 * `method = "ML"` reports. `kappa` Infinity (no gaps only) is its limit, the likelihood of the differenced series, which does not depend on the
 * level of the series. (Of a model without differences R drops innovations whose variance is 1e4 s2 or more, which takes an AR root within about
 * 5e-5 of the circle; here they count.) NaN when the AR part is not stationary.
 */
export function logLikelihood(values: Float64Array, model: GivenModel, kappa = 1e6): number {
  const { order, parameters, columns, coefficients } = model;
  const rest = values.slice();
  for (let j = 0; j < columns.length; j++) for (let t = 0; t < rest.length; t++) rest[t] -= coefficients[j] * columns[j][t];
  const polynomials = makePolynomials(order);
  expand(order, parameters, polynomials);
  let logs: number;
  let squares = 0;
  let count = 0;
  if (kappa === Infinity) {
    const filter = makeArmaFilter(polynomials, [difference(difference(rest, order.period, order.D), 1, order.d)]);
    logs = runArmaFilter(filter);
    squares = concentrate(filter, 0);
    count = filter.length;
  } else {
    const pass = runKalman(polynomials, differencingCoefficients(order), [rest], kappa);
    if (pass === undefined) return Number.NaN;
    logs = pass.logs;
    for (const each of pass.innovations) {
      if (Number.isNaN(each)) continue;
      squares += each * each;
      count++;
    }
  }
  // Like R: the mean square is over innovations that count, the likelihood over values seen less those spent on differencing.
  let seen = 0;
  for (let t = 0; t < values.length; t++) if (!Number.isNaN(values[t])) seen++;
  const used = seen - lostByDifferencing(order);
  return -0.5 * used * (Math.log((2 * Math.PI * squares) / count) + 1 + logs / count);
}
