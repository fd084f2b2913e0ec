// The recursions of exponential smoothing over a history, and their derivatives by every parameter.
//
// Owns: one pass through the data, the sum of squares, tangents. Does not own: where parameters come from, what is done with the likelihood.
//   E1. The path of the states depends on trend and season only: written with the raw error y - mu, additive and multiplicative errors
//       make the same states. The kind of error decides the likelihood alone.
//   E2. A missing value passes with no correction: the states go on by their own forecast.
//   E3. Loops allocate nothing; all parts live in `Pass`.
//   E4. Each kind of trend and season has a loop of its own, alike as they are: none asks within a step which kind it is.
// Positional parameters stay in inner loops: an object for every call cost 11 % of CPU (decisions/typescript.md).
//
// theta = [alpha, beta, gamma, phi, level, growth, season(0), ..., season(m - 1)], season(j) being used first at step j. Without trend beta
// and growth are 0 (growth 1 when multiplicative), undamped phi is 1, without season gamma is 0.
// State equations: Hyndman, Koehler, Ord & Snyder 2008, tables 2.2 and 2.3.

import type { Structure } from "./structure.ts";

/** Places in theta. */
export const alphaAt = 0;
export const betaAt = 1;
export const gammaAt = 2;
export const phiAt = 3;
export const levelAt = 4;
export const growthAt = 5;
export const seasonAt = 6;

/** Below this, a level or a seasonal index of a multiplicative model has lost its meaning (data are scaled to a mean size of 1). */
const tiny = 1e-9;

/** The parts one history of `length` steps needs; reused from model to model. */
export interface Pass {
  readonly length: number;
  /** Scaled history; 0 where missing. */
  readonly values: Float64Array;
  /** 1 where a value stands, 0 where it is missing. */
  readonly seen: Float64Array;
  readonly observed: number;
  /** One-step forecasts. */
  readonly mu: Float64Array;
  /** y - mu; 0 where missing. */
  readonly error: Float64Array;
  /** Forecast without season. */
  readonly base: Float64Array;
  /** Growth before the step, and its damped power for multiplicative trends. */
  readonly growth: Float64Array;
  readonly power: Float64Array;
  /** Level before the step. */
  readonly level: Float64Array;
  /** Seasonal state used at the step. */
  readonly season: Float64Array;
  /** Seasonal states after the last step, by phase. */
  readonly seasons: Float64Array;
  /** Level and growth after the last step. */
  readonly last: Float64Array;
  /** Scratch of the tangents: seasons by phase. */
  readonly tangent: Float64Array;
}

/** Rooms for a history; `scale` divides every value. */
export function makePass(history: Float64Array, scale: number, period: number): Pass {
  const length = history.length;
  const values = new Float64Array(length);
  const seen = new Float64Array(length);
  let observed = 0;
  for (let t = 0; t < length; t++) {
    if (Number.isNaN(history[t])) continue;
    values[t] = history[t] / scale;
    seen[t] = 1;
    observed++;
  }
  const workspace = (): Float64Array => new Float64Array(length);
  return {
    length,
    values,
    seen,
    observed,
    mu: workspace(),
    error: workspace(),
    base: workspace(),
    growth: workspace(),
    power: workspace(),
    level: workspace(),
    season: workspace(),
    seasons: new Float64Array(period),
    last: new Float64Array(2),
    tangent: new Float64Array(2 * period),
  };
}

/**
 * Runs the model through the history, filling `pass`. False when a multiplicative model leaves its domain (a level or index at or below zero),
 * and nothing in `pass` may be used then, unless `lenient` let it go on.
 */
export function runFilter(pass: Pass, structure: Structure, theta: Float64Array, lenient = false): boolean {
  if (structure.trend === "M") return runRatio(pass, structure, theta, lenient);
  if (structure.season === "M") return runScaled(pass, structure.period, theta, lenient);
  if (structure.season === "A") runShifted(pass, structure.period, theta);
  else runPlain(pass, theta);
  return true;
}

function runPlain(pass: Pass, theta: Float64Array): void {
  const { length, values, seen, mu, error, base, growth } = pass;
  const alpha = theta[alphaAt];
  const beta = theta[betaAt];
  const phi = theta[phiAt];
  let l = theta[levelAt];
  let b = theta[growthAt];
  for (let t = 0; t < length; t++) {
    growth[t] = b;
    b *= phi;
    const q = l + b;
    const e = (values[t] - q) * seen[t];
    mu[t] = q;
    base[t] = q;
    error[t] = e;
    l = q + alpha * e;
    b += beta * e;
  }
  pass.last[0] = l;
  pass.last[1] = b;
}

function runShifted(pass: Pass, period: number, theta: Float64Array): void {
  const { length, values, seen, mu, error, base, growth, season, seasons } = pass;
  const alpha = theta[alphaAt];
  const beta = theta[betaAt];
  const gamma = theta[gammaAt];
  const phi = theta[phiAt];
  let l = theta[levelAt];
  let b = theta[growthAt];
  for (let j = 0; j < period; j++) seasons[j] = theta[seasonAt + j];
  for (let t = 0, j = 0; t < length; t++) {
    const s = seasons[j];
    growth[t] = b;
    b *= phi;
    const q = l + b;
    const m = q + s;
    const e = (values[t] - m) * seen[t];
    season[t] = s;
    mu[t] = m;
    base[t] = q;
    error[t] = e;
    l = q + alpha * e;
    b += beta * e;
    seasons[j] = s + gamma * e;
    if (++j === period) j = 0;
  }
  pass.last[0] = l;
  pass.last[1] = b;
}

function runScaled(pass: Pass, period: number, theta: Float64Array, lenient: boolean): boolean {
  const { length, values, seen, mu, error, base, growth, season, seasons } = pass;
  const alpha = theta[alphaAt];
  const beta = theta[betaAt];
  const gamma = theta[gammaAt];
  const phi = theta[phiAt];
  let l = theta[levelAt];
  let b = theta[growthAt];
  for (let j = 0; j < period; j++) seasons[j] = theta[seasonAt + j];
  for (let t = 0, j = 0; t < length; t++) {
    const s = seasons[j];
    growth[t] = b;
    b *= phi;
    const q = l + b;
    if (!(q > tiny && s > tiny) && !lenient) return false;
    const m = q * s;
    const e = (values[t] - m) * seen[t];
    season[t] = s;
    mu[t] = m;
    base[t] = q;
    error[t] = e;
    const u = e / s;
    l = q + alpha * u;
    b += beta * u;
    seasons[j] = s + (gamma * e) / q;
    if (++j === period) j = 0;
  }
  pass.last[0] = l;
  pass.last[1] = b;
  return true;
}

/** Multiplicative trends, any season. */
function runRatio(pass: Pass, structure: Structure, theta: Float64Array, lenient: boolean): boolean {
  const { length, values, seen, mu, error, base, growth, power, level, season, seasons } = pass;
  const period = structure.season === "N" ? 0 : structure.period;
  const scaled = structure.season === "M";
  const alpha = theta[alphaAt];
  const beta = theta[betaAt];
  const gamma = theta[gammaAt];
  const phi = theta[phiAt];
  let l = theta[levelAt];
  let b = theta[growthAt];
  for (let j = 0; j < period; j++) seasons[j] = theta[seasonAt + j];
  for (let t = 0, j = 0; t < length; t++) {
    const s = period > 0 ? seasons[j] : 0;
    const grown = phi === 1 ? b : Math.pow(b, phi);
    const q = l * grown;
    if (!(l > tiny && b > tiny && q > tiny && (!scaled || s > tiny)) && !lenient) return false;
    const m = scaled ? q * s : q + s;
    const e = (values[t] - m) * seen[t];
    growth[t] = b;
    power[t] = grown;
    level[t] = l;
    season[t] = s;
    mu[t] = m;
    base[t] = q;
    error[t] = e;
    const u = scaled ? e / s : e;
    b = grown + (beta * u) / l;
    l = q + alpha * u;
    if (period > 0) {
      seasons[j] = scaled ? s + (gamma * e) / q : s + gamma * e;
      if (++j === period) j = 0;
    }
  }
  pass.last[0] = l;
  pass.last[1] = b;
  return true;
}

/**
 * Sum of squares whose power n is, up to a constant, exp(-2 log-likelihood): sum(e^2) for additive errors, sum((e / mu)^2) * prod(|mu|)^(2/n)
 * for multiplicative ones (Hyndman et al. 2002, equation 4). Infinity where a multiplicative error meets a forecast at or below zero.
 */
export function sumSquares(pass: Pass, multiplicative: boolean, lenient = false): number {
  const { length, mu, error, seen, observed } = pass;
  let sum = 0;
  if (!multiplicative) {
    for (let t = 0; t < length; t++) sum += error[t] * error[t];
    return sum;
  }
  // The product is taken in pieces that neither overflow nor vanish, so that a logarithm is needed only now and then.
  let logs = 0;
  let product = 1;
  for (let t = 0; t < length; t++) {
    if (seen[t] === 0) continue;
    const m = mu[t];
    if (!(m > tiny) && !lenient) return Infinity;
    const ratio = error[t] / m;
    sum += ratio * ratio;
    product *= Math.abs(m);
    if (product > 1e100 || product < 1e-100) {
      logs += Math.log(product);
      product = 1;
    }
  }
  logs += Math.log(product);
  return sum * Math.exp((2 * logs) / observed);
}

/** What a tangent starts from: the derivative of each part of theta by one coordinate of the search. */
export interface Direction {
  alpha: number;
  beta: number;
  gamma: number;
  phi: number;
  level: number;
  growth: number;
  /** Derivatives of the first seasonal states: +1 at this phase and -1 at the last one; -1 for none. */
  phase: number;
}

/**
 * Writes the derivative of mu along `direction` to `column[offset ..]`; zero where missing. `pass` must hold the run of the same theta.
 * Forward differentiation of the state equations, one coordinate at a time, so that its few numbers stay in registers.
 */
export function runTangent(
  pass: Pass,
  structure: Structure,
  theta: Float64Array,
  direction: Direction,
  column: Float64Array,
  offset: number,
): void {
  if (structure.trend === "M") tangentRatio(pass, structure, theta, direction, column, offset);
  else if (structure.season === "M") tangentScaled(pass, structure.period, theta, direction, column, offset);
  else if (structure.season === "A") tangentShifted(pass, structure.period, theta, direction, column, offset);
  else tangentPlain(pass, theta, direction, column, offset);
}

function tangentPlain(pass: Pass, theta: Float64Array, direction: Direction, column: Float64Array, offset: number): void {
  const { length, seen, error, growth } = pass;
  const alpha = theta[alphaAt];
  const beta = theta[betaAt];
  const phi = theta[phiAt];
  const { alpha: da, beta: db, phi: dp } = direction;
  let l = direction.level;
  let b = direction.growth;
  for (let t = 0; t < length; t++) {
    b = phi * b + dp * growth[t];
    const q = l + b;
    const d = q * seen[t];
    const e = error[t];
    column[offset + t] = d;
    l = q - alpha * d + da * e;
    b += db * e - beta * d;
  }
}

function startSeasons(tangent: Float64Array, period: number, phase: number): void {
  tangent.fill(0, 0, period);
  if (phase < 0) return;
  tangent[phase] = 1;
  tangent[period - 1] = -1;
}

function tangentShifted(pass: Pass, period: number, theta: Float64Array, direction: Direction, column: Float64Array, offset: number): void {
  const { length, seen, error, growth, tangent } = pass;
  const alpha = theta[alphaAt];
  const beta = theta[betaAt];
  const gamma = theta[gammaAt];
  const phi = theta[phiAt];
  const { alpha: da, beta: db, gamma: dg, phi: dp } = direction;
  let l = direction.level;
  let b = direction.growth;
  startSeasons(tangent, period, direction.phase);
  for (let t = 0, j = 0; t < length; t++) {
    const s = tangent[j];
    b = phi * b + dp * growth[t];
    const q = l + b;
    const d = (q + s) * seen[t];
    const e = error[t];
    column[offset + t] = d;
    l = q - alpha * d + da * e;
    b += db * e - beta * d;
    tangent[j] = s - gamma * d + dg * e;
    if (++j === period) j = 0;
  }
}

function tangentScaled(pass: Pass, period: number, theta: Float64Array, direction: Direction, column: Float64Array, offset: number): void {
  const { length, seen, error, growth, base, season, tangent } = pass;
  const alpha = theta[alphaAt];
  const beta = theta[betaAt];
  const gamma = theta[gammaAt];
  const phi = theta[phiAt];
  const { alpha: da, beta: db, gamma: dg, phi: dp } = direction;
  let l = direction.level;
  let b = direction.growth;
  startSeasons(tangent, period, direction.phase);
  for (let t = 0, j = 0; t < length; t++) {
    const ds = tangent[j];
    b = phi * b + dp * growth[t];
    const dq = l + b;
    const q = base[t];
    const s = season[t];
    const d = (dq * s + q * ds) * seen[t];
    column[offset + t] = d;
    // Corrections u = e / s of the level and v = e / q of the season.
    const u = error[t] / s;
    const v = error[t] / q;
    const du = -(d + u * ds) / s;
    const dv = -(d + v * dq) / q;
    l = dq + alpha * du + da * u;
    b += beta * du + db * u;
    tangent[j] = ds + gamma * dv + dg * v;
    if (++j === period) j = 0;
  }
}

function tangentRatio(
  pass: Pass,
  structure: Structure,
  theta: Float64Array,
  direction: Direction,
  column: Float64Array,
  offset: number,
): void {
  const { length, seen, error, growth, power, level, base, season, tangent } = pass;
  const period = structure.season === "N" ? 0 : structure.period;
  const scaled = structure.season === "M";
  const alpha = theta[alphaAt];
  const beta = theta[betaAt];
  const gamma = theta[gammaAt];
  const phi = theta[phiAt];
  const { alpha: da, beta: db, gamma: dg, phi: dp } = direction;
  let dl = direction.level;
  let dGrowth = direction.growth;
  if (period > 0) startSeasons(tangent, period, direction.phase);
  for (let t = 0, j = 0; t < length; t++) {
    const ds = period > 0 ? tangent[j] : 0;
    const grown = power[t];
    const dGrown = grown * ((phi * dGrowth) / growth[t] + (dp === 0 ? 0 : dp * Math.log(growth[t])));
    const dq = dl * grown + level[t] * dGrown;
    const q = base[t];
    const s = season[t];
    const d = (scaled ? dq * s + q * ds : dq + ds) * seen[t];
    column[offset + t] = d;
    const u = scaled ? error[t] / s : error[t];
    const du = scaled ? -(d + u * ds) / s : -d;
    const step = u / level[t];
    dGrowth = dGrown + beta * ((du - step * dl) / level[t]) + db * step;
    dl = dq + alpha * du + da * u;
    if (period > 0) {
      if (scaled) {
        const v = error[t] / q;
        tangent[j] = ds - (gamma * (d + v * dq)) / q + dg * v;
      } else tangent[j] = ds - gamma * d + dg * error[t];
      if (++j === period) j = 0;
    }
  }
}
