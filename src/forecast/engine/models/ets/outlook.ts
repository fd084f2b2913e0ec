// From the last states of an exponential smoothing model to its future: mean, variance, sample paths.
//
// Variances are exact for the linear models with additive errors (class 1) and with multiplicative ones (class 2), and within a period for
// class 3 (multiplicative errors and seasons), where later ones neglect products of small variances: Hyndman, Koehler, Ord & Snyder 2005,
// "Prediction intervals for exponential smoothing using two new classes of state space models"; 2008, chapter 6. The remaining models have no
// formula and are simulated.

import type { Random } from "../../../../platform/random.ts";
import { alphaAt, betaAt, gammaAt, phiAt } from "./filter.ts";
import type { Structure } from "./structure.ts";

/** The end of a history, in scaled units. */
export interface Outlook {
  readonly structure: Structure;
  readonly theta: Float64Array;
  readonly level: number;
  readonly growth: number;
  /** Seasonal states, the next step's first; empty without season. */
  readonly seasons: Float64Array;
  /** Standard deviation of the error: of y - mu, or relative to mu when multiplicative. */
  readonly sigma: number;
}

/** Forecasts with all future errors zero: the mean of classes 1 and 2, and for the others the usual stand-in for it. */
export function followStates({ structure, theta, level, growth, seasons }: Outlook, horizon: number): Float64Array {
  const path = new Float64Array(horizon);
  const phi = theta[phiAt];
  let l = level;
  let b = growth;
  for (let h = 0; h < horizon; h++) {
    if (structure.trend === "M") {
      b = Math.pow(b, phi);
      l *= b;
    } else {
      b *= phi;
      l += b;
    }
    const s = structure.season === "N" ? 0 : seasons[h % seasons.length];
    path[h] = structure.season === "M" ? l * s : l + s;
  }
  return path;
}

/** Variance of each coming step; undefined for models without a formula. */
export function findVariances(outlook: Outlook, horizon: number): Float64Array | undefined {
  const { structure, theta, seasons, sigma } = outlook;
  const { error, trend, season, period } = structure;
  if (trend === "M" || (error === "A" && season === "M")) return undefined;
  const alpha = theta[alphaAt];
  const beta = theta[betaAt];
  const gamma = theta[gammaAt];
  const phi = theta[phiAt];
  const square = sigma * sigma;
  // How much an error now moves the forecast j steps later.
  const reach = new Float64Array(horizon + 1);
  for (let j = 1, damped = phi, sum = 0; j <= horizon; j++, damped *= phi) {
    sum += trend === "N" ? 0 : damped;
    reach[j] = alpha + beta * sum + (season === "A" && j % period === 0 ? gamma : 0);
  }
  const variances = new Float64Array(horizon);
  if (error === "A") {
    let sum = 1;
    for (let h = 0; h < horizon; h++) {
      variances[h] = square * sum;
      sum += reach[h + 1] * reach[h + 1];
    }
    return variances;
  }
  const base =
    season === "M" ? followStates({ ...outlook, structure: { ...structure, season: "N" } }, horizon) : followStates(outlook, horizon);
  const moments = new Float64Array(horizon);
  for (let h = 0; h < horizon; h++) {
    let sum = 0;
    for (let j = 1; j <= h; j++) sum += reach[j] * reach[j] * moments[h - j];
    moments[h] = base[h] * base[h] + square * sum;
    const turns = season === "M" ? Math.floor(h / period) : 0;
    const spread = moments[h] * (1 + square) * Math.pow(1 + gamma * gamma * square, turns) - base[h] * base[h];
    const s = season === "M" ? seasons[h % period] : 1;
    variances[h] = Math.min(s * s * Math.max(spread, 0), 1e200);
  }
  return variances;
}

/**
 * Sample paths, path by path, in scaled units. A multiplicative error below -1 is held there, and positive states stay positive: the normal law
 * reaches where the model has no meaning.
 */
export function samplePaths(outlook: Outlook, horizon: number, paths: number, random: Random): Float64Array {
  const { structure, theta, level, growth, seasons, sigma } = outlook;
  const multiplicative = structure.error === "M";
  const ratio = structure.trend === "M";
  const scaled = structure.season === "M";
  const period = structure.season === "N" ? 0 : structure.period;
  const alpha = theta[alphaAt];
  const beta = theta[betaAt];
  const gamma = theta[gammaAt];
  const phi = theta[phiAt];
  const samples = new Float64Array(horizon * paths);
  const states = new Float64Array(period);
  for (let p = 0; p < paths; p++) {
    let l = level;
    let b = growth;
    states.set(seasons);
    for (let h = 0, j = 0; h < horizon; h++) {
      const s = period > 0 ? states[j] : 0;
      const before = l;
      const grown = ratio ? Math.pow(b, phi) : phi * b;
      const q = ratio ? l * grown : l + grown;
      const mu = scaled ? q * s : q + s;
      const shock = sigma * random.normal();
      const e = multiplicative ? mu * Math.max(shock, -1) : shock;
      samples[p * horizon + h] = mu + e;
      const u = scaled ? e / s : e;
      l = q + alpha * u;
      b = grown + (ratio ? (beta * u) / before : beta * u);
      if (period > 0) {
        states[j] = scaled ? Math.max(s + (gamma * e) / q, 1e-6) : s + gamma * e;
        if (++j === period) j = 0;
      }
      if (scaled || ratio) l = Math.max(l, 1e-6);
      if (ratio) b = Math.min(Math.max(b, 1e-3), 1e3);
    }
  }
  return samples;
}
