// Maximum likelihood of one exponential smoothing model: smoothing parameters and first states together.
//
// Minimising `sumSquares` maximises the Gaussian likelihood. It is a sum of squares of n numbers whose derivatives `runTangent` gives exactly,
// so Levenberg's and Marquardt's damped Gauss-Newton steps (Marquardt 1963) reach the optimum in some ten passes where a simplex search needs
// thousands; a box keeps the smoothing parameters (active coordinates are held, as in Bertsekas 1982, "Projected Newton methods").

import { cholesky, solveCholesky } from "../../numerics/linear.ts";
import {
  alphaAt,
  betaAt,
  type Direction,
  gammaAt,
  growthAt,
  levelAt,
  type Pass,
  phiAt,
  runFilter,
  runTangent,
  seasonAt,
  sumSquares,
} from "./filter.ts";
import { type Bounds, isAdmissible, type Structure } from "./structure.ts";

/** Values that are given instead of estimated. `season`: all first seasonal states, the one of the first step first. */
export interface FixedParameters {
  readonly alpha?: number;
  readonly beta?: number;
  readonly gamma?: number;
  readonly phi?: number;
  readonly level?: number;
  readonly growth?: number;
  readonly season?: readonly number[];
}

export interface SearchOptions {
  readonly bounds: Bounds;
  readonly fixed: FixedParameters;
  /** Stops when a step wins less than this in -2 log-likelihood. */
  readonly tolerance: number;
  readonly maxIterations: number;
  /** Gives up early when -2 log-likelihood will evidently stay above this. */
  readonly cutoff: number;
}

/** Where a search ended. `deviance` is -2 log-likelihood without constants: n log(sumSquares). */
export interface Estimate {
  readonly theta: Float64Array;
  readonly squares: number;
  readonly deviance: number;
  /** False when cut off or out of iterations. */
  readonly converged: boolean;
}

const least = 1e-4;
const most = 1 - 1e-4;
const leastDamping = 0.8;
const mostDamping = 0.98;

/** Scratch of the search; grows as needed and serves one search at a time. */
export interface Workspace {
  columns: Float64Array;
  matrix: Float64Array;
  factor: Float64Array;
}

export function makeWorkspace(): Workspace {
  return { columns: new Float64Array(0), matrix: new Float64Array(0), factor: new Float64Array(0) };
}

function isWithin(theta: Float64Array, structure: Structure, bounds: Bounds): boolean {
  if (bounds === "usual" || (bounds === "both" && structure.season === "N")) return true;
  return isAdmissible({ alpha: theta[alphaAt], beta: theta[betaAt], gamma: theta[gammaAt], phi: theta[phiAt] }, structure);
}

/** Deviance of a perfect fit is -Infinity; this floor (relative to data of size 1) keeps it a number. */
function devianceOf(squares: number, observed: number): number {
  return observed * Math.log(Math.max(squares, observed * 1e-24));
}

/** Deviance at `theta`, Infinity outside the domain. Leaves the run in `pass`. */
export function evaluate(pass: Pass, structure: Structure, theta: Float64Array, lenient = false): number {
  if (!runFilter(pass, structure, theta, lenient)) return Infinity;
  const squares = sumSquares(pass, structure.error === "M", lenient);
  return Number.isFinite(squares) ? devianceOf(squares, pass.observed) : Infinity;
}

/**
 * Searches from `start` (a theta; its smoothing parameters are moved into the bounds) for the maximum of the likelihood.
 *
 * Undefined when `start` lies outside the model's domain. Cost: some ten passes with a tangent for each free parameter.
 */
export function estimate(
  pass: Pass,
  structure: Structure,
  start: Float64Array,
  options: SearchOptions,
  workspace: Workspace,
): Estimate | undefined {
  const { length, observed, mu, error } = pass;
  const { fixed, bounds } = options;
  const relative = bounds !== "admissible";
  const multiplicative = structure.error === "M";
  const period = structure.season === "N" ? 0 : structure.period;
  const seasonTotal = structure.season === "M" ? period : 0;
  const lastSeason = seasonAt + period - 1;
  const trended = structure.trend !== "N";

  // Coordinates: the free parts of theta, in its order. Within the usual bounds beta stands for beta / alpha and gamma for gamma / (1 - alpha).
  const places: number[] = [];
  if (fixed.alpha === undefined) places.push(alphaAt);
  if (trended && fixed.beta === undefined) places.push(betaAt);
  if (period > 0 && fixed.gamma === undefined) places.push(gammaAt);
  if (structure.damped && fixed.phi === undefined) places.push(phiAt);
  if (fixed.level === undefined) places.push(levelAt);
  if (trended && fixed.growth === undefined) places.push(growthAt);
  if (period > 0 && fixed.season === undefined) for (let j = 0; j < period - 1; j++) places.push(seasonAt + j);
  const size = places.length;
  const freeBeta = relative && places.includes(betaAt);
  const freeGamma = relative && places.includes(gammaAt);

  let point = new Float64Array(size);
  let trial = new Float64Array(size);
  let theta = Float64Array.from(start);
  let trialTheta = Float64Array.from(start);
  const low = new Float64Array(size).fill(-Infinity);
  const high = new Float64Array(size).fill(Infinity);
  for (let i = 0; i < size; i++) {
    const place = places[i];
    let value = start[place];
    if (place === phiAt) {
      low[i] = leastDamping;
      high[i] = mostDamping;
    } else if (place < phiAt) {
      low[i] = least;
      high[i] = relative ? most : 2;
      if (place === betaAt && relative) value /= Math.max(start[alphaAt], least);
      if (place === gammaAt && relative) value /= Math.max(1 - start[alphaAt], least);
    }
    point[i] = Math.min(Math.max(value, low[i]), high[i]);
  }
  const write = (from: Float64Array, to: Float64Array): void => {
    let sum = 0;
    for (let i = 0; i < size; i++) {
      const place = places[i];
      to[place] = from[i];
      if (place >= seasonAt) sum += from[i];
    }
    if (freeBeta) to[betaAt] *= to[alphaAt];
    if (freeGamma) to[gammaAt] *= 1 - to[alphaAt];
    if (period > 0 && fixed.season === undefined) to[lastSeason] = seasonTotal - sum;
  };
  const measure = (at: Float64Array): number => {
    if (!isWithin(at, structure, bounds) || !runFilter(pass, structure, at)) return Infinity;
    return sumSquares(pass, multiplicative);
  };

  write(point, theta);
  let squares = measure(theta);
  if (!Number.isFinite(squares)) return undefined;
  const floor = observed * 1e-24;
  if (size === 0) return { theta, squares, deviance: devianceOf(squares, observed), converged: true };

  if (workspace.columns.length < size * length) workspace.columns = new Float64Array(size * length);
  if (workspace.matrix.length < size * size) {
    workspace.matrix = new Float64Array(size * size);
    workspace.factor = new Float64Array(size * size);
  }
  const { columns, matrix, factor } = workspace;
  const slope = new Float64Array(size);
  const mean = new Float64Array(size);
  const active = new Int32Array(size);
  const step = new Float64Array(size);
  const weight = new Float64Array(multiplicative ? length : 0);
  const direction: Direction = { alpha: 0, beta: 0, gamma: 0, phi: 0, level: 0, growth: 0, phase: -1 };

  let damping = 1e-3;
  let converged = false;
  let stale = true;
  for (let iteration = 0; iteration < options.maxIterations && !converged; iteration++) {
    if (squares <= floor) {
      converged = true;
      break;
    }
    if (stale) runFilter(pass, structure, theta);
    let relativeSquares = 0;
    if (multiplicative) {
      for (let t = 0; t < length; t++) {
        const ratio = error[t] / mu[t];
        relativeSquares += ratio * ratio;
        weight[t] = (1 + ratio) / mu[t];
      }
    }
    for (let i = 0; i < size; i++) {
      const place = places[i];
      direction.alpha = place === alphaAt ? 1 : 0;
      direction.beta = 0;
      direction.gamma = 0;
      if (place === alphaAt) {
        if (freeBeta) direction.beta = theta[betaAt] / theta[alphaAt];
        if (freeGamma) direction.gamma = -theta[gammaAt] / (1 - theta[alphaAt]);
      } else if (place === betaAt) direction.beta = freeBeta ? theta[alphaAt] : 1;
      else if (place === gammaAt) direction.gamma = freeGamma ? 1 - theta[alphaAt] : 1;
      direction.phi = place === phiAt ? 1 : 0;
      direction.level = place === levelAt ? 1 : 0;
      direction.growth = place === growthAt ? 1 : 0;
      direction.phase = place >= seasonAt ? place - seasonAt : -1;
      const offset = i * length;
      runTangent(pass, structure, theta, direction, columns, offset);
      let dot = 0;
      let sum = 0;
      if (multiplicative) {
        // d(e / mu) = -(1 + e / mu) dmu / mu, and the geometric mean of mu moves by the mean of dmu / mu.
        for (let t = 0; t < length; t++) {
          const d = columns[offset + t];
          const c = d * weight[t];
          sum += d / mu[t];
          dot += (c * error[t]) / mu[t];
          columns[offset + t] = c;
        }
        mean[i] = sum / observed;
      } else {
        for (let t = 0; t < length; t++) dot += columns[offset + t] * error[t];
      }
      slope[i] = dot;
    }
    multiplyColumns(columns, size, length, matrix);
    if (multiplicative) {
      for (let i = 0; i < size; i++) {
        for (let j = 0; j <= i; j++) {
          matrix[i * size + j] += relativeSquares * mean[i] * mean[j] - slope[i] * mean[j] - mean[i] * slope[j];
        }
      }
      for (let i = 0; i < size; i++) slope[i] -= relativeSquares * mean[i];
    }
    // `slope` now points downhill. Hold what would leave its box.
    let count = 0;
    for (let i = 0; i < size; i++) {
      if ((point[i] <= low[i] && slope[i] < 0) || (point[i] >= high[i] && slope[i] > 0)) continue;
      if (!(matrix[i * size + i] > 0)) continue;
      active[count++] = i;
    }
    if (count === 0) {
      converged = true;
      break;
    }
    const currentSum = multiplicative ? relativeSquares : squares;
    let accepted = false;
    for (let attempt = 0; attempt < 12; attempt++) {
      for (let i = 0; i < count; i++) {
        const row = active[i] * size;
        for (let j = 0; j < i; j++) factor[i * count + j] = matrix[row + active[j]];
        factor[i * count + i] = matrix[row + active[i]] * (1 + damping);
        step[i] = slope[active[i]];
      }
      if (!cholesky(factor, count)) {
        damping = Math.max(damping * 10, 1e-6);
        continue;
      }
      solveCholesky(factor, count, step);
      trial.set(point);
      let predicted = 0;
      for (let i = 0; i < count; i++) {
        const at = active[i];
        trial[at] = Math.min(Math.max(point[at] + step[i], low[at]), high[at]);
        predicted += slope[at] * step[i];
      }
      const gain = (observed * predicted) / currentSum;
      if (attempt === 0 && gain < options.tolerance) {
        converged = true;
        break;
      }
      if (attempt === 0 && iteration >= 2 && devianceOf(squares, observed) - 3 * gain - 1 > options.cutoff) {
        return { theta, squares, deviance: devianceOf(squares, observed), converged: false };
      }
      write(trial, trialTheta);
      const next = measure(trialTheta);
      if (next < squares) {
        const won = observed * Math.log(squares / Math.max(next, floor));
        squares = next;
        [point, trial] = [trial, point];
        [theta, trialTheta] = [trialTheta, theta];
        damping = Math.max(damping * (won > 0.7 * gain ? 0.1 : 0.4), 1e-9);
        accepted = true;
        stale = false;
        break;
      }
      damping = Math.max(damping * 6, 1e-5);
      stale = true;
      if (gain < options.tolerance) break;
    }
    if (!accepted) {
      converged = true;
    }
  }
  return { theta, squares, deviance: devianceOf(squares, observed), converged };
}

/** Writes the products of all columns (each `length` long, one after the other) to the lower triangle of `matrix`; works on 2 x 2 tiles. */
export function multiplyColumns(columns: Float64Array, size: number, length: number, matrix: Float64Array): void {
  for (let i = 0; i < size; i += 2) {
    const a0 = i * length;
    const pair = i + 1 < size;
    const a1 = pair ? a0 + length : a0;
    for (let j = 0; j <= i; j += 2) {
      const b0 = j * length;
      const b1 = j + 1 < size ? b0 + length : b0;
      let s00 = 0;
      let s01 = 0;
      let s10 = 0;
      let s11 = 0;
      for (let t = 0; t < length; t++) {
        const x0 = columns[a0 + t];
        const x1 = columns[a1 + t];
        const y0 = columns[b0 + t];
        const y1 = columns[b1 + t];
        s00 += x0 * y0;
        s01 += x0 * y1;
        s10 += x1 * y0;
        s11 += x1 * y1;
      }
      matrix[i * size + j] = s00;
      if (j < i) matrix[i * size + j + 1] = s01;
      if (pair) {
        matrix[(i + 1) * size + j] = s10;
        if (j + 1 < size) matrix[(i + 1) * size + j + 1] = s11;
      }
    }
  }
}
