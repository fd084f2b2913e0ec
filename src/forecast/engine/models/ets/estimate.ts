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

/** The free parts of theta, in its order: what the search moves. Within the usual bounds beta stands for beta / alpha and gamma for gamma / (1 - alpha). */
interface Coordinates {
  /** Where each stands in theta. */
  readonly places: readonly number[];
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Whether beta and gamma move along with alpha. */
  readonly freeBeta: boolean;
  readonly freeGamma: boolean;
  /** The place of the season that makes up their sum; -1 where they are fixed or there are none. */
  readonly lastSeason: number;
  readonly seasonTotal: number;
}

function coordinatesOf(structure: Structure, { fixed, bounds }: SearchOptions): Coordinates {
  const relative = bounds !== "admissible";
  const period = structure.season === "N" ? 0 : structure.period;
  const trended = structure.trend !== "N";
  const hasSeason = period > 0 && fixed.season === undefined;
  const places: number[] = [];
  if (fixed.alpha === undefined) places.push(alphaAt);
  if (trended && fixed.beta === undefined) places.push(betaAt);
  if (period > 0 && fixed.gamma === undefined) places.push(gammaAt);
  if (structure.damped && fixed.phi === undefined) places.push(phiAt);
  if (fixed.level === undefined) places.push(levelAt);
  if (trended && fixed.growth === undefined) places.push(growthAt);
  if (hasSeason) for (let j = 0; j < period - 1; j++) places.push(seasonAt + j);
  return {
    places,
    low: Float64Array.from(places, (place) => (place === phiAt ? leastDamping : place < phiAt ? least : -Infinity)),
    high: Float64Array.from(places, (place) => (place === phiAt ? mostDamping : place < phiAt ? (relative ? most : 2) : Infinity)),
    freeBeta: relative && places.includes(betaAt),
    freeGamma: relative && places.includes(gammaAt),
    lastSeason: hasSeason ? seasonAt + period - 1 : -1,
    seasonTotal: structure.season === "M" ? period : 0,
  };
}

/** The point that stands for a theta, moved into the bounds. */
function pointOf({ places, low, high, freeBeta, freeGamma }: Coordinates, theta: Float64Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(places, (place, i) => {
    let value = theta[place];
    if (place === betaAt && freeBeta) value /= Math.max(theta[alphaAt], least);
    if (place === gammaAt && freeGamma) value /= Math.max(1 - theta[alphaAt], least);
    return Math.min(Math.max(value, low[i]), high[i]);
  });
}

/** Writes the theta that a point stands for; fixed parts stay. */
function writeTheta({ places, freeBeta, freeGamma, lastSeason, seasonTotal }: Coordinates, point: Float64Array, theta: Float64Array): void {
  let sum = 0;
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    theta[place] = point[i];
    if (place >= seasonAt) sum += point[i];
  }
  if (freeBeta) theta[betaAt] *= theta[alphaAt];
  if (freeGamma) theta[gammaAt] *= 1 - theta[alphaAt];
  if (lastSeason >= 0) theta[lastSeason] = seasonTotal - sum;
}

/** How theta moves with one coordinate. */
function pointTowards({ freeBeta, freeGamma }: Coordinates, place: number, theta: Float64Array, direction: Direction): void {
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
}

/** A search under way: the best point so far, and room for its slope and the next try. */
interface Search {
  readonly pass: Pass;
  readonly structure: Structure;
  readonly options: SearchOptions;
  readonly coordinates: Coordinates;
  readonly workspace: Workspace;
  point: Float64Array;
  theta: Float64Array;
  squares: number;
  trial: Float64Array;
  trialTheta: Float64Array;
  /** Downhill, by coordinate. */
  readonly slope: Float64Array;
  readonly mean: Float64Array;
  readonly step: Float64Array;
  /** By observation; empty for additive errors. */
  readonly weight: Float64Array;
  readonly direction: Direction;
  /** Coordinates that may move: the first `count`. */
  readonly active: Int32Array;
  count: number;
  damping: number;
  /** `pass` holds another run than that of `theta`. */
  stale: boolean;
}

function openSearch(pass: Pass, structure: Structure, start: Float64Array, options: SearchOptions, workspace: Workspace): Search {
  const coordinates = coordinatesOf(structure, options);
  const size = coordinates.places.length;
  const point = pointOf(coordinates, start);
  const theta = Float64Array.from(start);
  writeTheta(coordinates, point, theta);
  return {
    pass,
    structure,
    options,
    coordinates,
    workspace,
    point,
    theta,
    squares: Infinity,
    trial: new Float64Array(size),
    trialTheta: Float64Array.from(start),
    slope: new Float64Array(size),
    mean: new Float64Array(size),
    step: new Float64Array(size),
    weight: new Float64Array(structure.error === "M" ? pass.length : 0),
    direction: { alpha: 0, beta: 0, gamma: 0, phi: 0, level: 0, growth: 0, phase: -1 },
    active: new Int32Array(size),
    count: 0,
    damping: 1e-3,
    stale: true,
  };
}

/** The sum of squares at a theta, Infinity outside the bounds or the domain. Leaves the run in `pass`. */
function measure({ pass, structure, options }: Search, theta: Float64Array): number {
  if (!isWithin(theta, structure, options.bounds) || !runFilter(pass, structure, theta)) return Infinity;
  return sumSquares(pass, structure.error === "M");
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
  const search = openSearch(pass, structure, start, options, workspace);
  search.squares = measure(search, search.theta);
  if (!Number.isFinite(search.squares)) return undefined;
  const size = search.coordinates.places.length;
  const found = (converged: boolean): Estimate => ({
    theta: search.theta,
    squares: search.squares,
    deviance: devianceOf(search.squares, pass.observed),
    converged,
  });
  if (size === 0) return found(true);
  if (workspace.columns.length < size * pass.length) workspace.columns = new Float64Array(size * pass.length);
  if (workspace.matrix.length < size * size) {
    workspace.matrix = new Float64Array(size * size);
    workspace.factor = new Float64Array(size * size);
  }
  for (let iteration = 0; iteration < options.maxIterations; iteration++) {
    if (search.squares <= pass.observed * 1e-24) return found(true);
    if (search.stale) runFilter(pass, structure, search.theta);
    const currentSum = linearize(search);
    holdAtBounds(search);
    if (search.count === 0) return found(true);
    const outcome = descend(search, currentSum, iteration);
    if (outcome === "hopeless") return found(false);
    if (outcome === "done") return found(true);
  }
  return found(false);
}

/** Leaves the tangents of all coordinates in the workspace, their products in its matrix and the slope; gives the sum that the slope is of. */
function linearize({ pass, structure, coordinates, workspace, theta, slope, mean, weight, direction, squares }: Search): number {
  const { length, observed, mu, error } = pass;
  const { places } = coordinates;
  const { columns, matrix } = workspace;
  const multiplicative = structure.error === "M";
  const size = places.length;
  let relativeSquares = 0;
  if (multiplicative) {
    for (let t = 0; t < length; t++) {
      const ratio = error[t] / mu[t];
      relativeSquares += ratio * ratio;
      weight[t] = (1 + ratio) / mu[t];
    }
  }
  for (let i = 0; i < size; i++) {
    pointTowards(coordinates, places[i], theta, direction);
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
  if (!multiplicative) return squares;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      matrix[i * size + j] += relativeSquares * mean[i] * mean[j] - slope[i] * mean[j] - mean[i] * slope[j];
    }
  }
  for (let i = 0; i < size; i++) slope[i] -= relativeSquares * mean[i];
  return relativeSquares;
}

/** Holds the coordinates that would leave their bounds downhill, or that change nothing. */
function holdAtBounds(search: Search): void {
  const { coordinates, point, slope, active, workspace } = search;
  const { low, high, places } = coordinates;
  const size = places.length;
  let count = 0;
  for (let i = 0; i < size; i++) {
    if ((point[i] <= low[i] && slope[i] < 0) || (point[i] >= high[i] && slope[i] > 0)) continue;
    if (!(workspace.matrix[i * size + i] > 0)) continue;
    active[count++] = i;
  }
  search.count = count;
}

/** The step of the damped normal equations, clipped to the bounds, into `trial`; gives the predicted fall of the sum, undefined where they have no solution. */
function tryStep({ coordinates, workspace, point, trial, slope, step, active, count, damping }: Search): number | undefined {
  const { low, high, places } = coordinates;
  const { matrix, factor } = workspace;
  const size = places.length;
  for (let i = 0; i < count; i++) {
    const row = active[i] * size;
    for (let j = 0; j < i; j++) factor[i * count + j] = matrix[row + active[j]];
    factor[i * count + i] = matrix[row + active[i]] * (1 + damping);
    step[i] = slope[active[i]];
  }
  if (!cholesky(factor, count)) return undefined;
  solveCholesky(factor, count, step);
  trial.set(point);
  let predicted = 0;
  for (let i = 0; i < count; i++) {
    const at = active[i];
    trial[at] = Math.min(Math.max(point[at] + step[i], low[at]), high[at]);
    predicted += slope[at] * step[i];
  }
  return predicted;
}

/** One step downhill, damped more until one is found. `done`: there is none worth taking; `hopeless`: no way down to the cutoff from here. */
function descend(search: Search, currentSum: number, iteration: number): "moved" | "done" | "hopeless" {
  const { pass, options, coordinates } = search;
  const { observed } = pass;
  for (let attempt = 0; attempt < 12; attempt++) {
    const predicted = tryStep(search);
    if (predicted === undefined) {
      search.damping = Math.max(search.damping * 10, 1e-6);
      continue;
    }
    const gain = (observed * predicted) / currentSum;
    if (attempt === 0 && gain < options.tolerance) return "done";
    if (attempt === 0 && iteration >= 2 && devianceOf(search.squares, observed) - 3 * gain - 1 > options.cutoff) return "hopeless";
    writeTheta(coordinates, search.trial, search.trialTheta);
    const next = measure(search, search.trialTheta);
    if (next < search.squares) {
      const won = observed * Math.log(search.squares / Math.max(next, observed * 1e-24));
      search.squares = next;
      [search.point, search.trial] = [search.trial, search.point];
      [search.theta, search.trialTheta] = [search.trialTheta, search.theta];
      search.damping = Math.max(search.damping * (won > 0.7 * gain ? 0.1 : 0.4), 1e-9);
      search.stale = false;
      return "moved";
    }
    search.damping = Math.max(search.damping * 6, 1e-5);
    search.stale = true;
    if (gain < options.tolerance) return "done";
  }
  return "done";
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
