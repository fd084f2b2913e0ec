// Seasonal ARIMA with regressors, order and all chosen by itself.
//
// Owns: the way from a series to a fitted model and from there to forecasts. Does not own: each step of it (see the files beside this one).
//   series -> scaled, gaps bridged for choosing -> columns -> D, d -> order (search) -> estimate (exact) -> state at the end -> forecasts
//   R1. The numbers of a fit are fixed by `fit`; `advance` runs one filter pass and searches nothing.
//   R2. Seasons up to MAX_PERIOD steps are lags of the model; longer or broken ones are waves among the regressors (dynamic harmonic regression,
//       Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., section 10.5).

import type { Random } from "../../../../platform/random.ts";
import type { FitOptions, Fitted, Forecast, Model, Series, Unfit } from "../../contract.ts";
import { passArma } from "./arma.ts";
import { bridgeGaps } from "../../numerics/gaps.ts";
import { normalQuantile } from "../../numerics/normal.ts";
import { columnValues, findRegressors, independentColumns, prepare, residualsOf } from "./design.ts";
import type { Column, Term } from "./design.ts";
import { chooseDifferences, chooseSeasonalDifferences, difference } from "./differencing.ts";
import { GAP_KAPPA, aiccOf, logLikelihood } from "./estimate.ts";
import type { Sample } from "./estimate.ts";
import { predict, runKalman } from "./kalman.ts";
import type { State } from "./kalman.ts";
import { differencingCoefficients, expand, lostByDifferencing, makePolynomials, parameterNames, titleOf } from "./order.ts";
import type { ArimaOrder } from "./order.ts";
import { chooseOrder } from "./search.ts";
import { addWaves } from "./waves.ts";

const MAX_PERIOD = 24;
const LEAST_VALUES = 6;

/** Everything a fit decides; the series is (y - shift) / scale = constant + terms + ARIMA. */
export interface Plan {
  readonly order: ArimaOrder;
  readonly parameters: Float64Array;
  readonly shift: number;
  readonly scale: number;
  /** `mean` is a column of ones, `drift` the time in steps since the first value of the history fitted. */
  readonly constant: "none" | "mean" | "drift";
  readonly level: number;
  readonly terms: readonly Term[];
  /** Of the scaled series; squares over observations less coefficients. */
  readonly variance: number;
  readonly degrees: number;
}

/** Seasonal ARIMA by itself, with regressors where the series has them. */
export const arima: Model = {
  name: "arima",
  about: "Seasonal ARIMA with known regressors; differences by tests, orders by AICc, estimated by exact maximum likelihood.",
  usesRegressors: true,
  fit: fitArima,
};

/**
 * Fits a seasonal ARIMA of its own choice (Hyndman & Khandakar 2008) with regressors as regression with ARIMA errors.
 *
 * D by the strength of the season, d by KPSS tests of what a regression leaves, p, q, P, Q and the constant by a walk to a lower AICc, then exact
 * maximum likelihood, gaps included. A regressor that is constant, repeats others or does not reach the horizon is left out; where it is
 * unknown, its mean over the history stands in. Intervals are normal with the variance corrected for the number of coefficients; the
 * uncertainty of the estimates is not in them. Unfit: fewer than 6 values, or numbers beyond double precision.
 */
function fitArima(series: Series, options: FitOptions): Fitted | Unfit {
  const { values } = series;
  const [first, last] = ends(values);
  let seen = 0;
  for (let t = 0; t < values.length; t++) if (Number.isFinite(values[t])) seen++;
  if (seen < LEAST_VALUES) return unfit(`ARIMA needs ${LEAST_VALUES} values to compare orders; the series has ${seen}.`);
  const length = last + 1 - first;
  const seasons = series.seasons.filter((season) => season >= 2 && length > 2 * season);
  const period = seasons.find((season) => season <= MAX_PERIOD && Number.isInteger(season)) ?? 1;
  const bridged = bridgeGaps(values.subarray(first, last + 1), period > 1 ? period : 0);
  if (bridged === undefined) return unfit("ARIMA needs values; the series has none.");
  const hasGaps = bridged.count < length;

  let total = 0;
  let size = 0;
  for (const value of bridged.values) {
    total += value / length;
    size = Math.max(size, Math.abs(value));
  }
  if (!(size < 1e150)) return unfit(`ARIMA squares its numbers; the largest, ${size}, is beyond what double precision can square.`);
  const spread = Math.sqrt(bridged.values.reduce((sum, value) => sum + (value - total) ** 2 / length, 0));
  const scale = spread > 1e-10 * size ? spread : size > 1e-150 ? size : 1;
  const shift = total;
  const whole = bridged.values.map((value) => (value - shift) / scale);
  const gapped = hasGaps ? whole.map((value, t) => (bridged.known[t] === 1 ? value : Number.NaN)) : whole;
  const rough = size / scale;

  // Columns, then differences of what they leave, then the columns that survive differencing.
  const reach = values.length + options.horizon;
  const workspace = Math.max(0, Math.floor(seen / 8));
  const regressors = independentOf(findRegressors(series, first, last + 1, reach), { series, first, last, whole }, workspace);
  const long = seasons.filter((season) => season !== period && (season > MAX_PERIOD || !Number.isInteger(season)));
  const columns = addWaves({ series, whole, first, period, rough }, regressors, long, Math.max(0, workspace - regressors.length));
  let prepared = prepare(series, columns, first, last + 1);
  const left = residualsOf(whole, prepared.values);
  const D = period > 1 ? chooseSeasonalDifferences(left, period, rough) : 0;
  const d = chooseDifferences(difference(left, period, D), 2, rough);
  if (d + D > 0 && columns.length > 0) {
    const changed = (each: Float64Array): Float64Array => difference(difference(each, period, D), 1, d);
    const kept = independentColumns(changed(whole), prepared.values.map(changed), workspace);
    if (kept.length < columns.length) {
      prepared = prepare(
        series,
        kept.map((j) => columns[j]),
        first,
        last + 1,
      );
    }
  }

  const constantColumn = d + D > 1 ? undefined : new Float64Array(length).map((_, t) => (d + D === 0 ? 1 : t));
  // Without a constant a series of mean zero is meant: the shift would hide that. Under differences it changes nothing.
  const back = d + D === 0 && prepared.terms.length === 0 ? shift / scale : 0;
  const raise = (each: Float64Array): Float64Array => (back === 0 ? each : each.map((value) => value + back));
  const sample: Sample = { values: raise(gapped), columns: prepared.values, hasGaps };
  const chosen = chooseOrder({
    sample,
    whole: { values: raise(whole), columns: prepared.values, hasGaps: false },
    constantColumn,
    mayDropConstant: d + D > 0 || prepared.terms.length === 0,
    d,
    D,
    period,
  });
  if (chosen === undefined) return unfit(`No ARIMA order with ${d} differences (${D} seasonal) could be estimated on ${seen} values.`);
  const { order, parameters, coefficients, s2, count, degrees } = chosen.estimate;
  const own = chosen.constant ? 1 : 0;
  const plan: Plan = {
    order,
    parameters,
    shift: back === 0 ? shift : 0,
    scale,
    constant: own === 0 ? "none" : d + D === 0 ? "mean" : "drift",
    level: own === 0 ? 0 : coefficients[0],
    terms: prepared.terms.map((term, j) => ({ ...term, coefficient: coefficients[own + j] })),
    variance: (s2 * count) / Math.max(1, count - degrees + 1),
    degrees,
  };
  const settled = fitPlan(plan, series, first);
  if (settled.kind === "unfit") return settled;
  const { mean } = settled.forecast(options.horizon, []);
  return mean.every(Number.isFinite) ? settled : unfit(`${titleOf(order)} leaves the range of double precision within the horizon.`);
}

const unfit = (reason: string): Unfit => ({ kind: "unfit", reason });

/** First and last index with a value; [0, -1] when there is none. */
function ends(values: Float64Array): [number, number] {
  let first = 0;
  while (first < values.length && !Number.isFinite(values[first])) first++;
  let last = values.length - 1;
  while (last >= first && !Number.isFinite(values[last])) last--;
  return first <= last ? [first, last] : [0, -1];
}

/** Columns that are independent of each other, at most `part`. */
function independentOf(
  columns: readonly Column[],
  { series, first, last, whole }: { readonly series: Series; readonly first: number; readonly last: number; readonly whole: Float64Array },
  workspace: number,
): Column[] {
  if (columns.length === 0) return [];
  const { terms, values } = prepare(series, columns, first, last + 1);
  return independentColumns(whole, values, workspace).map((j) => terms[j].column);
}

/**
 * Runs a model with all its numbers given over a history and stands at its end, ready to forecast.
 *
 * `origin` is the step at which the drift is zero. Unfit: a history no longer than what differencing takes, a regressor that is not there, an AR
 * part that is not stationary. Cost: one filter pass.
 */
export function fitPlan(plan: Plan, series: Series, origin: number): Fitted | Unfit {
  const { order, parameters, shift, scale, variance } = plan;
  const { values } = series;
  const [first, last] = ends(values);
  const lost = lostByDifferencing(order);
  const title = titleOf(order, extrasOf(plan));
  if (last + 1 - first <= lost)
    return unfit(`${title} needs more than ${lost} values; the history spans ${Math.max(0, last + 1 - first)}.`);
  const explained = explain(plan, series, origin, first, last + 1);
  if (typeof explained === "string") return unfit(`${title} was fitted with the regressor "${explained}", which the series lacks.`);
  const length = last + 1 - first;
  const rest = new Float64Array(length);
  let hasGaps = false;
  for (let t = 0; t < length; t++) {
    const value = values[first + t];
    rest[t] = Number.isFinite(value) ? (value - shift) / scale - explained[t] : Number.NaN;
    hasGaps ||= Number.isNaN(rest[t]);
  }
  const polynomials = makePolynomials(order);
  expand(order, parameters, polynomials);
  const delta = differencingCoefficients(order);
  const size = polynomials.size + delta.length;
  const fitted = new Float64Array(values.length).fill(Number.NaN);
  let state: State;
  // The prior of the levels before the first is about zero: with gaps the filter counts from the first value.
  const base = hasGaps && lost > 0 ? rest[0] : 0;
  if (hasGaps) {
    for (let t = 0; t < length; t++) rest[t] -= base;
    const pass = runKalman(polynomials, delta, [rest], GAP_KAPPA);
    if (pass === undefined) return unfit(`${title} is not stationary.`);
    for (let t = 0; t < length; t++) {
      if (lost === 0 || pass.deviations[t] < 100) fitted[first + t] = shift + scale * (explained[t] + base + pass.predictions[t]);
    }
    state = { polynomials, delta, size, mean: pass.means, covariance: pass.covariance };
  } else {
    const changes = difference(difference(rest, order.period, order.D), 1, order.d);
    const end = passArma(polynomials, changes);
    if (end === undefined) return unfit(`${title} is not stationary.`);
    // From the past alone, not as the value less its error: what comes at t must not show in the forecast of t, not even by rounding.
    for (let t = lost; t < length; t++) {
      let level = end.predictions[t - lost];
      for (let k = 0; k < lost; k++) level += delta[k] * rest[t - 1 - k];
      fitted[first + t] = shift + scale * (explained[t] + level);
    }
    // The last levels are known.
    const mean = new Float64Array(size);
    mean.set(end.mean);
    for (let k = 0; k < lost; k++) mean[polynomials.size + k] = rest[length - 1 - k];
    const covariance = new Float64Array(size * size);
    for (let i = 0; i < polynomials.size; i++) {
      for (let j = 0; j < polynomials.size; j++) covariance[i * size + j] = end.covariance[i * polynomials.size + j];
    }
    state = { polynomials, delta, size, mean, covariance };
  }
  // Missing values at the end are steps ahead of the last one seen.
  const tail = values.length - 1 - last;
  const future = (horizon: number): Float64Array => {
    const ahead = explain(plan, series, origin, last + 1, values.length + horizon);
    if (typeof ahead === "string") throw new TypeError(`The regressor ${ahead} was there a moment ago.`);
    return ahead;
  };
  if (tail > 0) {
    const { mean } = predict(state, tail);
    const ahead = future(0);
    for (let h = 0; h < tail; h++) fitted[last + 1 + h] = shift + scale * (ahead[h] + base + mean[h]);
  }
  return {
    kind: "fitted",
    title,
    parameters: reportParameters(plan),
    fitted,
    get likelihood() {
      return likelihoodOf(plan, series, origin, first, last);
    },
    forecast: (horizon, levels): Forecast => {
      const { mean, variance: spreads } = predict(state, tail + horizon);
      const ahead = future(horizon);
      const out = { mean: new Float64Array(horizon), quantiles: new Float64Array(levels.length * horizon), levels: [...levels] };
      for (let h = 0; h < horizon; h++) out.mean[h] = shift + scale * (ahead[tail + h] + base + mean[tail + h]);
      for (const [i, level] of levels.entries()) {
        const z = normalQuantile(level);
        for (let h = 0; h < horizon; h++)
          out.quantiles[i * horizon + h] = out.mean[h] + z * scale * Math.sqrt(variance * spreads[tail + h]);
      }
      return out;
    },
    simulate: (horizon, paths, random) => {
      const ahead = future(horizon);
      const all = simulateLevels(state, Math.sqrt(variance), tail + horizon, paths, random);
      const out = new Float64Array(paths * horizon);
      for (let p = 0; p < paths; p++) {
        for (let h = 0; h < horizon; h++)
          out[p * horizon + h] = shift + scale * (ahead[tail + h] + base + all[p * (tail + horizon) + tail + h]);
      }
      return out;
    },
    advance: (next) => fitPlan(plan, next, origin),
  };
}

/** The regression's part of the scaled series at steps [from, to), or the name of a regressor the series lacks. */
function explain(plan: Plan, series: Series, origin: number, from: number, to: number): Float64Array | string {
  const out = new Float64Array(to - from);
  if (plan.constant === "mean") out.fill(plan.level);
  if (plan.constant === "drift") for (let t = from; t < to; t++) out[t - from] = plan.level * (t - origin);
  for (const { column, centre, scale, coefficient } of plan.terms) {
    const values = columnValues(column, series, from, to);
    if (values === undefined) return column.name;
    for (let t = 0; t < out.length; t++) out[t] += (coefficient * (values[t] - centre)) / scale;
  }
  return out;
}

/** Paths of the level part, path by path: the state drawn once, then shocks. */
function simulateLevels(state: State, deviation: number, horizon: number, paths: number, random: Random): Float64Array {
  const { polynomials, delta, size, mean, covariance } = state;
  const { size: arma, phi, theta } = polynomials;
  const root = semidefiniteRoot(covariance, size);
  const out = new Float64Array(paths * horizon);
  const now = new Float64Array(size);
  const deltaAt = Int32Array.from(delta.keys()).filter((k) => delta[k] !== 0);
  for (let p = 0; p < paths; p++) {
    now.set(mean);
    for (let j = 0; j < size; j++) {
      if (root[j * size + j] === 0) continue;
      const shock = deviation * random.normal();
      for (let i = j; i < size; i++) now[i] += root[i * size + j] * shock;
    }
    for (let h = 0; h < horizon; h++) {
      const head = now[0];
      let level = head;
      for (let l = 0; l < deltaAt.length; l++) level += delta[deltaAt[l]] * now[arma + deltaAt[l]];
      out[p * horizon + h] = level;
      const shock = deviation * random.normal();
      for (let i = 0; i < arma; i++) now[i] = phi[i] * head + (i + 1 < arma ? now[i + 1] : 0) + theta[i] * shock;
      if (size > arma) {
        now.copyWithin(arma + 1, arma, size - 1);
        now[arma] = level;
      }
    }
  }
  return out;
}

/** L with L L' = A for a covariance that may be of lower rank: what is below rounding counts as none. */
function semidefiniteRoot(a: Float64Array, n: number): Float64Array {
  const l = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    let pivot = a[j * n + j];
    for (let k = 0; k < j; k++) pivot -= l[j * n + k] ** 2;
    if (!(pivot > 1e-12 * Math.max(1, a[j * n + j]))) continue;
    const root = Math.sqrt(pivot);
    l[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
      l[i * n + j] = sum / root;
    }
  }
  return l;
}

/** Mean of the series where all regressors are zero, in its own units. */
function interceptOf({ shift, scale, level, terms }: Plan): number {
  let intercept = shift + scale * level;
  for (const term of terms) intercept -= (scale * term.coefficient * term.centre) / term.scale;
  return intercept;
}

function reportParameters(plan: Plan): Record<string, number> {
  const out: Record<string, number> = {};
  for (const [i, name] of parameterNames(plan.order).entries()) out[name] = plan.parameters[i];
  if (plan.constant === "mean") out["mean"] = interceptOf(plan);
  if (plan.constant === "drift") out["drift"] = plan.scale * plan.level;
  for (const { column, scale, coefficient } of plan.terms) out[column.name] = (plan.scale * coefficient) / scale;
  out["sigma2"] = plan.variance * plan.scale * plan.scale;
  return out;
}

function extrasOf({ constant, terms }: Plan): string[] {
  const extras: string[] = constant === "none" ? [] : [constant === "mean" ? "non-zero mean" : "drift"];
  const regressors = terms.filter(({ column }) => column.kind === "regressor").length;
  if (regressors > 0) extras.push(regressors === 1 ? "1 regressor" : `${regressors} regressors`);
  const harmonics = new Map<number, number>();
  for (const { column } of terms)
    if (column.kind === "wave") harmonics.set(column.period, Math.max(harmonics.get(column.period) ?? 0, column.harmonic));
  for (const [period, count] of harmonics) extras.push(count === 1 ? `1 harmonic of ${period}` : `${count} harmonics of ${period}`);
  return extras;
}

/** The likelihood as R's `arima` defines it, of the series in its own units (see `logLikelihood`); undefined for a perfect fit. */
function likelihoodOf(plan: Plan, series: Series, origin: number, first: number, last: number): Fitted["likelihood"] {
  const rest = series.values.slice(first, last + 1);
  let seen = 0;
  const intercept = plan.constant === "mean" ? interceptOf(plan) : 0;
  for (let t = 0; t < rest.length; t++) {
    if (Number.isFinite(rest[t])) seen++;
    else rest[t] = Number.NaN;
    // R counts the time of a drift from 1.
    rest[t] -= plan.constant === "drift" ? plan.scale * plan.level * (first + t + 1 - origin) : intercept;
  }
  for (const { column, scale, coefficient } of plan.terms) {
    const values = columnValues(column, series, first, last + 1);
    if (values === undefined) continue;
    for (let t = 0; t < rest.length; t++) rest[t] -= ((plan.scale * coefficient) / scale) * values[t];
  }
  const { order, parameters, degrees } = plan;
  const logLik = logLikelihood(rest, { order, parameters, columns: [], coefficients: new Float64Array(0) });
  if (!Number.isFinite(logLik)) return undefined;
  const count = seen - lostByDifferencing(order);
  return {
    logLik,
    aic: -2 * logLik + 2 * degrees,
    aicc: aiccOf(logLik, degrees, count),
    bic: -2 * logLik + Math.log(count) * degrees,
  };
}
