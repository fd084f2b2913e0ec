// Theta lines as one state-space model: simple exponential smoothing of the series plus a share of its (fixed or moving) straight line.
//
// After Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler 2016, "Models for optimising the theta method and their relationship to state space
// models", eq. 6-12. With q = 1 - alpha, w = 1 - 1/theta and a line of intercept A and slope B (per step, at step 0 and on):
//     mu[t] = level[t-1] + w (q^(t-1) A[t-1] + (1 - q^t) / alpha B[t-1]),    level[t] = alpha y[t] + q level[t-1],    e[t] = y[t] - mu[t].
//   L1. For a given alpha the errors are linear in (level[0], w): least squares over both is a 2 x 2 system, w kept in [0, 1] (theta >= 1), so that
//       the search is over alpha alone and finds the exact optimum of the other two.
//   L2. A bridged value moves the states and adds nothing to the errors.
// Positional parameters stay in inner loops: an object for every call cost 11 % of CPU (decisions/typescript.md).

/**
 * Which line goes with the smoothing.
 *
 * `drift`: none while fitting, half the fitted slope added to the forecasts (Hyndman & Billah 2003, "Unmasking the Theta method", eq. 11);
 * `static`: the least-squares line of the whole history; `dynamic`: the least-squares line of the history so far.
 */
export type ThetaLine = "drift" | "static" | "dynamic";

/** What the search finds. */
export interface ThetaParameters {
  readonly line: ThetaLine;
  readonly alpha: number;
  /** Level before the first value. */
  readonly level: number;
  /** 1 - 1/theta, in [0, 1]. 0.5 is theta = 2. */
  readonly share: number;
}

/** The state after the last value, with what forecasts need. */
export interface ThetaState extends ThetaParameters {
  /** Values seen. */
  readonly length: number;
  readonly lastLevel: number;
  readonly mean: number;
  readonly intercept: number;
  readonly slope: number;
  /** One-step forecasts; length: values. */
  readonly fitted: Float64Array;
  /** Sum of squared one-step errors over the known values. */
  readonly sse: number;
}

interface Trend {
  readonly intercepts: Float64Array;
  readonly slopes: Float64Array;
}

/** Lines of the history before each value, `[t]` after t values; length n + 1. */
function movingLines(values: Float64Array): Trend {
  const n = values.length;
  const intercepts = new Float64Array(n + 1);
  const slopes = new Float64Array(n + 1);
  let mean = 0;
  let slope = 0;
  for (let t = 1; t <= n; t++) {
    const value = values[t - 1];
    if (t > 1) slope = ((t - 2) * slope + (6 / t) * (value - mean)) / (t + 1);
    mean += (value - mean) / t;
    slopes[t] = slope;
    intercepts[t] = mean - 0.5 * (t + 1) * slope;
  }
  return { intercepts, slopes };
}

// Of one alpha: the best level and share, and the sum of squares, in `out` = [sse, level, share].
function profile(
  values: Float64Array,
  known: Uint8Array,
  trend: Trend,
  line: ThetaLine,
  free: boolean,
  alpha: number,
  out: Float64Array,
): number {
  const n = values.length;
  const { intercepts, slopes } = trend;
  const fixed = line === "static";
  const lastIntercept = intercepts[n];
  const lastSlope = slopes[n];
  const q = 1 - alpha;
  let power = 1;
  let level = 0;
  // Sums of squares and products of a (errors from level 0 without line), p (weight of level[0]) and w (the line's part).
  let aa = 0;
  let ap = 0;
  let pp = 0;
  let aw = 0;
  let pw = 0;
  let ww = 0;
  const smooth = line === "drift";
  for (let t = 0; t < n; t++) {
    const value = values[t];
    const a = value - level;
    if (known[t] === 1) {
      aa += a * a;
      ap += a * power;
      pp += power * power;
      if (!smooth) {
        const w = fixed
          ? power * lastIntercept + ((1 - power * q) / alpha) * lastSlope
          : power * intercepts[t] + ((1 - power * q) / alpha) * slopes[t];
        aw += a * w;
        pw += power * w;
        ww += w * w;
      }
    }
    level += alpha * a;
    power *= q;
  }
  let share = smooth ? 0 : 0.5;
  if (free && !smooth) {
    const determinant = pp * ww - pw * pw;
    share = determinant > 1e-12 * pp * ww ? (pp * aw - ap * pw) / determinant : 0.5;
    if (!(share > 0)) share = 0;
    else if (share > 1) share = 1;
  }
  const first = (ap - share * pw) / pp;
  out[1] = first;
  out[2] = share;
  const sse = aa - 2 * first * ap - 2 * share * aw + first * first * pp + 2 * first * share * pw + share * share * ww;
  out[0] = sse;
  return sse;
}

const alphaFloor = 1e-4;
const alphaCeiling = 0.9999;
const grid = [0.0001, 0.03, 0.08, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.93, 0.9999];
const golden = 0.3819660112501051;

/**
 * Least squares over (alpha, level, share) of a history without holes; `share` stays 0.5 (theta = 2) unless `free`.
 *
 * A grid over alpha, then Brent's parabolic search within the best bracket, to 1e-7 in alpha. Cost: about 35 passes.
 */
export function fitLines(values: Float64Array, known: Uint8Array, line: ThetaLine, free: boolean): ThetaParameters {
  // Sums of squares about a point near the data: a level of 1e7 with errors of 1 keeps its digits.
  const shift = values[0];
  const centred = new Float64Array(values.length);
  for (let t = 0; t < centred.length; t++) centred[t] = values[t] - shift;
  const trend = movingLines(values);
  // Shifting a line's data by a constant shifts its intercept; the model is not invariant to that, so the line's own part keeps the true intercept.
  const out = new Float64Array(3);
  let best = 0;
  let bestSse = Infinity;
  for (let i = 0; i < grid.length; i++) {
    const sse = profile(centred, known, trend, line, free, grid[i], out);
    if (sse < bestSse) {
      bestSse = sse;
      best = i;
    }
  }
  let low = best === 0 ? alphaFloor : grid[best - 1];
  let high = best === grid.length - 1 ? alphaCeiling : grid[best + 1];
  let x = grid[best];
  let w = x;
  let v = x;
  let fx = bestSse;
  let fw = fx;
  let fv = fx;
  let step = 0;
  let former = 0;
  for (let round = 0; round < 40; round++) {
    const middle = 0.5 * (low + high);
    const tolerance = 1e-7;
    if (Math.abs(x - middle) <= 2 * tolerance - 0.5 * (high - low)) break;
    let parabolic = false;
    if (Math.abs(former) > tolerance) {
      const r = (x - w) * (fx - fv);
      let q = (x - v) * (fx - fw);
      let p = (x - v) * q - (x - w) * r;
      q = 2 * (q - r);
      if (q > 0) p = -p;
      else q = -q;
      const was = former;
      former = step;
      if (Math.abs(p) < Math.abs(0.5 * q * was) && p > q * (low - x) && p < q * (high - x)) {
        step = p / q;
        const u = x + step;
        if (u - low < 2 * tolerance || high - u < 2 * tolerance) step = x < middle ? tolerance : -tolerance;
        parabolic = true;
      }
    }
    if (!parabolic) {
      former = x < middle ? high - x : low - x;
      step = golden * former;
    }
    const u = x + (Math.abs(step) >= tolerance ? step : step > 0 ? tolerance : -tolerance);
    const fu = profile(centred, known, trend, line, free, u, out);
    if (fu <= fx) {
      if (u >= x) low = x;
      else high = x;
      v = w;
      fv = fw;
      w = x;
      fw = fx;
      x = u;
      fx = fu;
    } else {
      if (u < x) low = u;
      else high = u;
      if (fu <= fw || w === x) {
        v = w;
        fv = fw;
        w = u;
        fw = fu;
      } else if (fu <= fv || v === x || v === w) {
        v = u;
        fv = fu;
      }
    }
  }
  profile(centred, known, trend, line, free, x, out);
  return { line, alpha: x, level: out[1] + shift, share: out[2] };
}

/** Runs the model over a history without holes: one pass. */
export function runLines(values: Float64Array, known: Uint8Array, parameters: ThetaParameters): ThetaState {
  const { line, alpha, share } = parameters;
  const n = values.length;
  const trend = movingLines(values);
  const q = 1 - alpha;
  const fitted = new Float64Array(n);
  let level = parameters.level;
  let power = 1;
  let sse = 0;
  let mean = 0;
  for (let t = 0; t < n; t++) {
    const at = line === "static" ? n : t;
    let mu = level;
    if (line !== "drift") mu += share * (power * trend.intercepts[at] + ((1 - power * q) / alpha) * trend.slopes[at]);
    fitted[t] = mu;
    if (known[t] === 1) sse += (values[t] - mu) * (values[t] - mu);
    level += alpha * (values[t] - level);
    power *= q;
    mean += (values[t] - mean) / (t + 1);
  }
  return { ...parameters, length: n, lastLevel: level, mean, intercept: trend.intercepts[n], slope: trend.slopes[n], fitted, sse };
}

/**
 * Writes one path of the next `horizon` values to `out` from `at` on; `shocks[at + h]` is the error of step h (all zero: the mean path).
 */
export function walkLines(state: ThetaState, horizon: number, shocks: Float64Array, out: Float64Array, at: number): void {
  const { line, alpha, share } = state;
  const q = 1 - alpha;
  let { lastLevel: level, mean, intercept, slope } = state;
  let power = q ** state.length;
  if (line === "drift") {
    for (let h = 0; h < horizon; h++) {
      // The line's half: slope / 2 per step, and what smoothing lags behind it.
      const drift = 0.5 * slope * (h + (1 - power) / alpha);
      out[at + h] = level + drift + shocks[at + h];
      level += alpha * shocks[at + h];
    }
    return;
  }
  let t = state.length;
  for (let h = 0; h < horizon; h++) {
    const value = level + share * (power * intercept + ((1 - power * q) / alpha) * slope) + shocks[at + h];
    out[at + h] = value;
    level += alpha * (value - level);
    power *= q;
    t++;
    if (line === "dynamic") {
      if (t > 1) slope = ((t - 2) * slope + (6 / t) * (value - mean)) / (t + 1);
      mean += (value - mean) / t;
      intercept = mean - 0.5 * (t + 1) * slope;
    }
  }
}

/** Variance of the error of each of the next steps for one-step errors of variance 1: exact, since the model is linear in its errors. */
export function varianceOfSteps(state: ThetaState, horizon: number): Float64Array {
  const { line, alpha, share } = state;
  const q = 1 - alpha;
  const variance = new Float64Array(horizon).fill(1);
  if (line !== "dynamic" || share === 0) {
    for (let h = 0; h < horizon; h++) variance[h] = 1 + h * alpha * alpha;
    return variance;
  }
  for (let from = 0; from < horizon - 1; from++) {
    // What a unit error at step `from` does to level, mean and line, and by them to the later steps.
    let t = state.length + from + 1;
    let level = alpha;
    let mean = 1 / t;
    let slope = t > 1 ? 6 / (t * (t + 1)) : 0;
    let intercept = mean - 0.5 * (t + 1) * slope;
    let power = q ** t;
    for (let h = from + 1; h < horizon; h++) {
      const value = level + share * (power * intercept + ((1 - power * q) / alpha) * slope);
      variance[h] += value * value;
      level += alpha * (value - level);
      power *= q;
      t++;
      slope = ((t - 2) * slope + (6 / t) * (value - mean)) / (t + 1);
      mean += (value - mean) / t;
      intercept = mean - 0.5 * (t + 1) * slope;
    }
  }
  return variance;
}

/**
 * How much faster than the model says its errors grow with the step: the g for which the error variance of step h is about h^g times that of
 * `varianceOfSteps`, in -0.5..1.5; 0 where the history is too short to tell.
 *
 * Errors of several steps are taken from every origin in the last three quarters of the history (the parameters are of the whole of it), after Lee &
 * Scholtes 2014, "Empirical prediction intervals revisited". The slope of log variance ratios on log h is drawn towards 0 by a normal prior of
 * deviation 0.5, overlapping errors counting as count / h independent ones. Cost: length times horizon.
 */
export function growthOfErrors(values: Float64Array, known: Uint8Array, state: ThetaState, horizon: number): number {
  const n = values.length;
  const steps = Math.min(horizon, Math.floor(n / 2));
  if (steps < 2) return 0;
  const { line, alpha, share } = state;
  const q = 1 - alpha;
  const trend = movingLines(values);
  const squares = new Float64Array(steps);
  const counts = new Float64Array(steps);
  let originLevel = state.level;
  let originPower = 1;
  let originMean = 0;
  const first = Math.max(2, Math.floor(n / 4));
  for (let origin = 0; origin < n; origin++) {
    if (origin >= first) {
      let level = originLevel;
      let power = originPower;
      let mean = originMean;
      const at = line === "dynamic" ? origin : n;
      let intercept = trend.intercepts[at];
      let slope = trend.slopes[at];
      let t = origin;
      const last = Math.min(steps, n - origin);
      for (let h = 0; h < last; h++) {
        let value = level;
        if (line === "drift") value += 0.5 * slope * (h + (1 - originPower) / alpha);
        else value += share * (power * intercept + ((1 - power * q) / alpha) * slope);
        if (known[origin + h] === 1) {
          const error = values[origin + h] - value;
          squares[h] += error * error;
          counts[h]++;
        }
        if (line === "drift") continue;
        level += alpha * (value - level);
        power *= q;
        t++;
        if (line === "dynamic") {
          slope = ((t - 2) * slope + (6 / t) * (value - mean)) / (t + 1);
          mean += (value - mean) / t;
          intercept = mean - 0.5 * (t + 1) * slope;
        }
      }
    }
    originLevel += alpha * (values[origin] - originLevel);
    originPower *= q;
    originMean += (values[origin] - originMean) / (origin + 1);
  }
  const base = squares[0] / counts[0];
  if (!(base > 0)) return 0;
  const variance = varianceOfSteps(state, steps);
  let products = 0;
  let logs = 0;
  for (let h = 1; h < steps; h++) {
    const ratio = squares[h] / counts[h] / (base * variance[h]);
    if (!(ratio > 0)) continue;
    const log = Math.log(h + 1);
    const weight = counts[h] / (h + 1);
    products += weight * log * Math.log(ratio);
    logs += weight * log * log;
  }
  // A log variance of k independent errors has variance 2 / k; steps of one origin tell the same story, so their evidence is averaged.
  const precision = logs / 2 / (steps - 1);
  const growth = logs > 0 ? (products / logs) * (precision / (precision + priorPrecision)) : 0;
  return Math.min(1.5, Math.max(-0.5, growth));
}

const priorPrecision = 4;
