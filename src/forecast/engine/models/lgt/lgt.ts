// LGT: a level with a global trend that grows with a power of it, and a local trend, averaged over what the data leave open.
//
//   y[t]     = m[t] + s[t] e[t],   m[t] = l[t-1] + gamma l[t-1]^rho + lambda b[t-1],   s[t] = sigma l[t-1]^tau,   e ~ Student t
//   l[t]     = alpha y[t] + (1 - alpha) l[t-1]
//   b[t]     = beta (l[t] - l[t-1]) + (1 - beta) b[t-1]
//
// Source: Smyl, Bergmeir, Dokumentov, Long, Wibowo and Schmidt 2023, "Local and global trend Bayesian exponential smoothing models". They sample
// the posterior by Hamiltonian Monte Carlo; here it is met by adaptive multiple importance sampling (Cornuet, Marin, Mira and Robert 2012) from
// a seeded stream, a thousand passes over the history, so that it costs milliseconds. On short histories the average over parameters is
// worth more than any best fit. A season is taken out beforehand as in the Theta method.

import type { Random } from "../../../../platform/random.ts";
import type { FitOptions, Fitted, Forecast, Model, Series, Unfit } from "../../contract.ts";
import { deseason, findSeason, type SeasonIndices } from "../theta/season.ts";
import { bridgeGaps, type Whole } from "../../numerics/gaps.ts";

const dims = 7;
const fewest = 6;
const firstDraws = 400;
const stages = 3;
const stageDraws = 260;
/** Draws of the posterior kept for forecasts. */
const kept = 120;
const degrees = 5;

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

interface Draws {
  /** kept x dims, natural parameters: alpha, beta, gamma, rho, lambda, tau, first trend; on the scale where the mean is one. */
  readonly parameters: Float64Array;
}

/** What parameters a point of the sampler's space stands for. */
function toNatural(x: Float64Array, at: number, step: number, out: Float64Array, to: number): void {
  out[to] = logistic(x[at]);
  out[to + 1] = logistic(x[at + 1]);
  out[to + 2] = x[at + 2];
  out[to + 3] = -0.5 + 1.5 * logistic(x[at + 3]);
  out[to + 4] = logistic(x[at + 4]);
  out[to + 5] = logistic(x[at + 5]);
  out[to + 6] = step * x[at + 6];
}

const gammaWidth = 0.01;

/** Log density of the priors in the sampler's space, up to a constant: uniform on the intervals, Cauchy for gamma, normal for the first trend. */
function logPrior(x: Float64Array, at: number): number {
  let sum = 0;
  for (const i of [0, 1, 3, 4, 5]) {
    const z = Math.abs(x[at + i]);
    sum -= z + 2 * Math.log1p(Math.exp(-z));
  }
  const g = x[at + 2] / gammaWidth;
  return sum - Math.log1p(g * g) - 0.5 * x[at + 6] * x[at + 6];
}

/** What one pass over a history writes. */
interface Pass {
  readonly residuals: Float64Array;
  /** Logarithms of the scale of each step, but for sigma. */
  readonly spreads: Float64Array;
  /** Level and trend at the end, and sigma. */
  readonly end: Float64Array;
}

const makePass = (n: number): Pass => ({ residuals: new Float64Array(n), spreads: new Float64Array(n), end: new Float64Array(3) });

/** Runs the recursion under the parameters at `p[at]`: residuals, log scales, last level and trend; false where the level leaves zero. */
function run(y: Float64Array, p: Float64Array, at: number, { residuals, spreads, end }: Pass): boolean {
  const alpha = p[at];
  const beta = p[at + 1];
  const gamma = p[at + 2];
  const rho = p[at + 3];
  const lambda = p[at + 4];
  const tau = p[at + 5];
  let l = y[0];
  let b = p[at + 6];
  for (let t = 1; t < y.length; t++) {
    const log = Math.log(l);
    const mean = l + gamma * Math.exp(rho * log) + lambda * b;
    spreads[t] = tau * log;
    residuals[t] = y[t] - mean;
    const next = alpha * y[t] + (1 - alpha) * l;
    b = beta * (next - l) + (1 - beta) * b;
    l = next;
    if (!(l > 1e-6)) return false;
  }
  end[0] = l;
  end[1] = b;
  return true;
}

/** Log likelihood of a pass with sigma at its best; writes that sigma. The residuals are spent. */
function logLikelihood(n: number, { residuals, spreads, end }: Pass): number {
  let logs = 0;
  let squares = 0;
  for (let t = 1; t < n; t++) {
    logs += spreads[t];
    const r = residuals[t] * Math.exp(-spreads[t]);
    residuals[t] = r * r;
    squares += r * r;
  }
  const count = n - 1;
  let variance = Math.max(squares / count, 1e-12);
  // The scale of a Student t by its fixed point (Lange, Little and Taylor 1989); three steps come close enough.
  for (let round = 0; round < 4; round++) {
    let sum = 0;
    for (let t = 1; t < n; t++) sum += ((degrees + 1) * residuals[t]) / (degrees + residuals[t] / variance);
    variance = Math.max(sum / count, 1e-12);
  }
  let value = -logs - (count / 2) * Math.log(variance);
  for (let t = 1; t < n; t++) value -= ((degrees + 1) / 2) * Math.log1p(residuals[t] / (degrees * variance));
  end[2] = Math.sqrt(variance);
  return value;
}

/** Samples the posterior of a positive history of mean about one. */
function sample(y: Float64Array, random: Random): Draws {
  const n = y.length;
  let step = 0;
  for (let t = 1; t < n; t++) step += Math.abs(y[t] - y[t - 1]) / (n - 1);
  step = Math.max(step, 1e-6);
  const total = firstDraws + stages * stageDraws;
  const points = new Float64Array(total * dims);
  const natural = new Float64Array(dims);
  const target = new Float64Array(total).fill(Number.NEGATIVE_INFINITY);
  const pass = makePass(n);
  const judge = (i: number): void => {
    toNatural(points, i * dims, step, natural, 0);
    if (run(y, natural, 0, pass)) target[i] = logPrior(points, i * dims) + logLikelihood(n, pass);
  };
  for (let i = 0; i < firstDraws; i++) {
    for (let d = 0; d < dims; d++) {
      const u = 0.001 + 0.998 * random.next();
      const at = i * dims + d;
      if (d === 2) points[at] = gammaWidth * Math.tan(Math.PI * 0.96 * (u - 0.5));
      else if (d === 6) points[at] = random.normal();
      else points[at] = Math.log(u / (1 - u));
    }
    judge(i);
  }
  // Each stage draws around the weighted points of those before it, tempered so far that enough of them count.
  const proposals: Proposal[] = [];
  const mixture = new Float64Array(total);
  const weights = new Float64Array(total);
  const work = new Float64Array(dims);
  for (let stage = 0; stage < stages; stage++) {
    const end = firstDraws + stage * stageDraws;
    for (let i = 0; i < end; i++) {
      const drawn = stage === 0 || i < firstDraws ? logPrior(points, i * dims) : mixture[i];
      weights[i] = stage > 0 && i < firstDraws ? Number.NEGATIVE_INFINITY : target[i] - drawn;
    }
    temper(weights, end, stage === 0 ? 25 : 60);
    const proposal = makeProposal(points, weights, end);
    proposals.push(proposal);
    for (let i = end; i < end + stageDraws; i++) {
      drawPoint(proposal, random, work, points, i * dims);
      judge(i);
    }
    for (let i = firstDraws; i < end + stageDraws; i++) {
      let density = 0;
      let largest = Number.NEGATIVE_INFINITY;
      const logs = proposals.map((each) => logDensity(each, points, i * dims, work));
      for (const log of logs) largest = Math.max(largest, log);
      for (const log of logs) density += Math.exp(log - largest) / proposals.length;
      mixture[i] = largest + Math.log(density);
    }
  }
  for (let i = 0; i < total; i++) weights[i] = i < firstDraws ? Number.NEGATIVE_INFINITY : target[i] - mixture[i];
  temper(weights, total, 30);
  return { parameters: resample(points, weights, step, random) };
}

/** Turns log weights into weights that sum to one, flattened where fewer than `wanted` would count (effective sample size). */
function temper(weights: Float64Array, end: number, wanted: number): void {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < end; i++) if (weights[i] > largest) largest = weights[i];
  const logs = weights.slice(0, end);
  for (let power = 1; ; power *= 0.75) {
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < end; i++) {
      weights[i] = logs[i] === Number.NEGATIVE_INFINITY ? 0 : Math.exp(power * (logs[i] - largest));
      sum += weights[i];
      squares += weights[i] * weights[i];
    }
    if (!(sum > 0)) {
      weights.fill(1 / end, 0, end);
      return;
    }
    for (let i = 0; i < end; i++) weights[i] /= sum;
    if ((sum * sum) / squares >= wanted || power < 0.01) return;
  }
}

/** A multivariate Student t: centre and lower Cholesky factor of its scale. */
interface Proposal {
  readonly centre: Float64Array;
  readonly factor: Float64Array;
  readonly logDeterminant: number;
}

const proposalDegrees = 6;

function makeProposal(points: Float64Array, weights: Float64Array, end: number): Proposal {
  const centre = new Float64Array(dims);
  const factor = new Float64Array(dims * dims);
  for (let i = 0; i < end; i++) for (let d = 0; d < dims; d++) centre[d] += weights[i] * points[i * dims + d];
  for (let i = 0; i < end; i++) {
    if (weights[i] < 1e-12) continue;
    for (let r = 0; r < dims; r++) {
      for (let c = 0; c <= r; c++) {
        factor[r * dims + c] += weights[i] * (points[i * dims + r] - centre[r]) * (points[i * dims + c] - centre[c]);
      }
    }
  }
  let logDeterminant = 0;
  for (let r = 0; r < dims; r++) {
    for (let c = 0; c <= r; c++) {
      let sum = r === c ? 1.2 * factor[r * dims + c] + 1e-9 : 1.2 * factor[r * dims + c];
      for (let k = 0; k < c; k++) sum -= factor[r * dims + k] * factor[c * dims + k];
      factor[r * dims + c] = r === c ? Math.sqrt(Math.max(sum, 1e-10)) : sum / factor[c * dims + c];
    }
    logDeterminant += Math.log(factor[r * dims + r]);
  }
  return { centre, factor, logDeterminant };
}

function drawPoint({ centre, factor }: Proposal, random: Random, work: Float64Array, points: Float64Array, at: number): void {
  let chi = 0;
  for (let k = 0; k < proposalDegrees; k++) chi += random.normal() ** 2;
  const stretch = Math.sqrt(proposalDegrees / chi);
  for (let d = 0; d < dims; d++) work[d] = random.normal() * stretch;
  for (let r = 0; r < dims; r++) {
    let value = centre[r];
    for (let c = 0; c <= r; c++) value += factor[r * dims + c] * work[c];
    points[at + r] = value;
  }
}

function logDensity({ centre, factor, logDeterminant }: Proposal, points: Float64Array, at: number, work: Float64Array): number {
  let squares = 0;
  for (let r = 0; r < dims; r++) {
    let value = points[at + r] - centre[r];
    for (let c = 0; c < r; c++) value -= factor[r * dims + c] * work[c];
    work[r] = value / factor[r * dims + r];
    squares += work[r] * work[r];
  }
  return -logDeterminant - ((proposalDegrees + dims) / 2) * Math.log1p(squares / proposalDegrees);
}

/** Systematic resampling: `kept` draws of equal weight, as natural parameters. */
function resample(points: Float64Array, weights: Float64Array, step: number, random: Random): Float64Array {
  const parameters = new Float64Array(kept * dims);
  const offset = random.next();
  let sum = weights[0];
  let i = 0;
  for (let k = 0; k < kept; k++) {
    const goal = (k + offset) / kept;
    while (sum < goal && i < weights.length - 1) sum += weights[++i];
    toNatural(points, i * dims, step, parameters, k * dims);
  }
  return parameters;
}

interface Body {
  readonly whole: Whole;
  readonly length: number;
  readonly season: SeasonIndices;
  readonly unit: number;
  readonly draws: Draws;
  readonly random: Random;
}

/** LGT with a posterior average; a season is taken out as in the Theta method. */
export const lgt: Model = {
  name: "lgt",
  about: "A level with a global trend growing with a power of it and a damped local one, averaged over the posterior of its parameters.",
  usesRegressors: false,
  fit: fitLgt,
};

function wholePeriod(series: Series): number {
  const period = series.seasons.length === 0 ? 1 : Math.round(series.seasons[0]);
  return period >= 2 ? period : 1;
}

/** Fits LGT to values above zero. Unfit below 6 values, where one is zero or less, and where nothing moves. */
function fitLgt(series: Series, options: FitOptions): Fitted | Unfit {
  const period = wholePeriod(series);
  const whole = bridgeGaps(series.values, period);
  if (whole === undefined || whole.count < fewest) {
    return { kind: "unfit", reason: `LGT needs at least ${fewest} values; the history has ${whole?.count ?? 0}.` };
  }
  return prepare(series, whole, period, options.random.fork("lgt"), undefined);
}

function prepare(series: Series, whole: Whole, period: number, random: Random, draws: Draws | undefined): Fitted | Unfit {
  let sum = 0;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const value of whole.values) {
    sum += value;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (!(least > 0)) return { kind: "unfit", reason: `LGT needs values above zero; the least is ${least}.` };
  if (most - least < 1e-9 * most) return { kind: "unfit", reason: "LGT needs values that differ; all are the same." };
  const season = findSeason(whole.values, period);
  const unit = sum / whole.values.length;
  const y = deseason(whole.values, season);
  for (let t = 0; t < y.length; t++) {
    y[t] /= unit;
    if (!(y[t] > 1e-6)) return { kind: "unfit", reason: "LGT needs values above zero once the season is taken out." };
  }
  const used = draws ?? sample(y, random);
  return makeFitted({ whole, length: series.values.length, season, unit, draws: used, random }, y, period);
}

/** The posterior over a history: where each draw stands at its end, and what stands between steps and values. */
interface Posterior {
  readonly parameters: Float64Array;
  /** Level, trend and sigma at the end, draw by draw; NaN where a draw's level left zero. */
  readonly ends: Float64Array;
  /** Steps of the history. */
  readonly n: number;
  readonly season: SeasonIndices;
  readonly unit: number;
  /** No path goes above this. */
  readonly ceiling: number;
}

/** Runs every draw over the history; `mean` has each step's forecast, averaged over the draws, undefined where none lasted. */
function follow(
  { season, unit, draws }: Body,
  y: Float64Array,
): { readonly posterior: Posterior; readonly mean: Float64Array | undefined } {
  const n = y.length;
  const { parameters } = draws;
  const pass = makePass(n);
  const ends = new Float64Array(kept * 3);
  const sums = new Float64Array(n);
  let used = 0;
  for (let k = 0; k < kept; k++) {
    if (!run(y, parameters, k * dims, pass)) {
      ends[k * 3] = Number.NaN;
      continue;
    }
    for (let t = 1; t < n; t++) sums[t] += y[t] - pass.residuals[t];
    used++;
    logLikelihood(n, pass);
    ends.set(pass.end, k * 3);
  }
  let highest = 0;
  for (const value of y) if (value > highest) highest = value;
  const posterior = { parameters, ends, n, season, unit, ceiling: 20 * highest };
  return { posterior, mean: used > 0 ? sums.map((sum) => sum / used) : undefined };
}

/** A number of the recursion as a value of step t. */
function seasonal({ season, unit }: Posterior, value: number, t: number): number {
  if (season.form === "none") return value * unit;
  const index = season.indices[t % season.indices.length];
  return season.form === "additive" ? value * unit + index : value * unit * index;
}

/** Writes one path of draw k, or of the next that lasted; without a stream, the path of no shocks. */
function walk(posterior: Posterior, k: number, path: Float64Array, stream: Random | undefined): void {
  const { parameters, ends, n, ceiling } = posterior;
  let draw = k;
  while (Number.isNaN(ends[draw * 3])) draw = (draw + 1) % kept;
  const base = draw * dims;
  let l = ends[draw * 3];
  let b = ends[draw * 3 + 1];
  for (let h = 0; h < path.length; h++) {
    const log = Math.log(l);
    let value = l + parameters[base + 2] * Math.exp(parameters[base + 3] * log) + parameters[base + 4] * b;
    if (stream !== undefined) {
      let chi = 0;
      for (let d = 0; d < degrees; d++) chi += stream.normal() ** 2;
      value += ends[draw * 3 + 2] * Math.exp(parameters[base + 5] * log) * stream.normal() * Math.sqrt(degrees / chi);
    }
    value = Math.min(ceiling, Math.max(value, 1e-4));
    const next = Math.max(parameters[base] * value + (1 - parameters[base]) * l, 1e-4);
    b = parameters[base + 1] * (next - l) + (1 - parameters[base + 1]) * b;
    l = next;
    path[h] = seasonal(posterior, value, n + h);
  }
}

function simulate(posterior: Posterior, horizon: number, paths: number, stream: Random): Float64Array {
  const result = new Float64Array(paths * horizon);
  for (let p = 0; p < paths; p++) walk(posterior, p % kept, result.subarray(p * horizon, (p + 1) * horizon), stream);
  return result;
}

function forecast(posterior: Posterior, horizon: number, levels: readonly number[], random: Random): Forecast {
  const mean = new Float64Array(horizon);
  const path = new Float64Array(horizon);
  for (let k = 0; k < kept; k++) {
    walk(posterior, k, path, undefined);
    for (let h = 0; h < horizon; h++) mean[h] += path[h] / kept;
  }
  const paths = 4 * kept;
  const simulated = levels.length === 0 ? new Float64Array(0) : simulate(posterior, horizon, paths, random.fork("paths"));
  const quantiles = new Float64Array(levels.length * horizon);
  const column = new Float64Array(paths);
  for (let h = 0; h < horizon && levels.length > 0; h++) {
    for (let p = 0; p < paths; p++) column[p] = simulated[p * horizon + h];
    column.sort();
    for (const [i, level] of levels.entries()) {
      const place = level * (paths - 1);
      const below = Math.floor(place);
      const above = Math.min(paths - 1, below + 1);
      quantiles[i * horizon + h] = column[below] + (place - below) * (column[above] - column[below]);
    }
  }
  return { mean, levels, quantiles };
}

const names = ["alpha", "beta", "gamma", "rho", "lambda", "tau"] as const;

/** The parameters by name, each averaged over the draws. */
function averages(parameters: Float64Array): Record<string, number> {
  return Object.fromEntries(
    names.map((name, d) => {
      let sum = 0;
      for (let k = 0; k < kept; k++) sum += parameters[k * dims + d] / kept;
      return [name, sum];
    }),
  );
}

function makeFitted(body: Body, y: Float64Array, period: number): Fitted {
  const { whole, season, draws, random } = body;
  const { posterior, mean } = follow(body, y);
  const fitted = new Float64Array(body.length).fill(Number.NaN);
  if (mean !== undefined) for (let t = 1; t < y.length; t++) fitted[whole.start + t] = seasonal(posterior, mean[t], t);
  return {
    kind: "fitted",
    title: season.form === "none" ? "LGT" : `LGT, ${season.form} season`,
    parameters: averages(draws.parameters),
    fitted,
    forecast: (horizon, levels) => forecast(posterior, horizon, levels, random),
    simulate: (horizon, paths, stream) => simulate(posterior, horizon, paths, stream),
    advance: (series) => {
      const next = bridgeGaps(series.values, period);
      if (next === undefined || next.count < fewest) return { kind: "unfit", reason: "LGT has too few values to go on." };
      return prepare(series, next, period, random, draws);
    },
  };
}
