// First guesses for the search: first states read off the beginning of the history, smoothing parameters off a small grid.
//
// The states follow Hyndman, Koehler, Snyder & Grose 2002, section 3.1: indices from a decomposition by moving averages of the first seasons,
// level and growth from a line through the first deseasonalised values. They only have to be near; the search moves them.

import { alphaAt, betaAt, gammaAt, growthAt, levelAt, type Pass, phiAt, seasonAt } from "./filter.ts";
import { evaluate } from "./estimate.ts";
import type { Structure } from "./structure.ts";

/** Seasonal indices by phase, summing to 0 (additive) or to the period (multiplicative), from the first five seasons. */
export function startSeason(pass: Pass, period: number, multiplicative: boolean): Float64Array {
  const { values, seen } = pass;
  const length = Math.min(pass.length, 5 * period);
  const neutral = multiplicative ? 1 : 0;
  const index = new Float64Array(period);
  const counts = new Float64Array(period);
  // The moving average spans one period (the ends count half when it is even), over values that are there; short histories use their mean.
  const half = period >> 1;
  const even = period % 2 === 0;
  for (let t = 0; t < length; t++) {
    if (seen[t] === 0) continue;
    let sum = 0;
    let weight = 0;
    const whole = length >= 2 * period;
    if (whole && (t < half || t + half >= length)) continue;
    const from = whole ? t - half : 0;
    const to = whole ? t + half : length - 1;
    for (let k = from; k <= to; k++) {
      const w = whole && even && (k === from || k === to) ? 0.5 * seen[k] : seen[k];
      sum += w * values[k];
      weight += w;
    }
    const trend = sum / weight;
    if (multiplicative && !(trend > 0)) continue;
    index[t % period] += multiplicative ? values[t] / trend : values[t] - trend;
    counts[t % period]++;
  }
  let total = 0;
  for (let j = 0; j < period; j++) {
    index[j] = counts[j] > 0 ? index[j] / counts[j] : neutral;
    if (multiplicative) index[j] = Math.max(index[j], 0.01);
    total += index[j];
  }
  for (let j = 0; j < period; j++) index[j] = multiplicative ? (index[j] * period) / total : index[j] - total / period;
  return index;
}

/** A theta with first states from the history and middling smoothing parameters. `season` as `startSeason` made it; ignored without season. */
export function startStates(pass: Pass, structure: Structure, season: Float64Array | undefined): Float64Array {
  const { values, seen, length } = pass;
  const period = structure.season === "N" || season === undefined ? 0 : structure.period;
  const theta = new Float64Array(seasonAt + period);
  const span = Math.min(length, Math.max(10, 2 * period));
  let count = 0;
  let sumX = 0;
  let sumY = 0;
  let sumXX = 0;
  let sumXY = 0;
  for (let t = 0; t < length && (t < span || count < 3); t++) {
    if (seen[t] === 0) continue;
    const s = period > 0 && season !== undefined ? season[t % period] : 0;
    const y = period === 0 ? values[t] : structure.season === "M" ? values[t] / s : values[t] - s;
    const x = t + 1;
    count++;
    sumX += x;
    sumY += y;
    sumXX += x * x;
    sumXY += x * y;
  }
  const spread = count * sumXX - sumX * sumX;
  const growth = spread > 0 ? (count * sumXY - sumX * sumY) / spread : 0;
  const average = sumY / count;
  theta[alphaAt] = 0.3;
  theta[phiAt] = structure.damped ? 0.95 : 1;
  if (structure.trend === "N") theta[levelAt] = average;
  else {
    const intercept = average - (growth * sumX) / count;
    const positive = structure.trend === "M" || structure.season === "M" || structure.error === "M";
    theta[levelAt] = positive ? Math.max(intercept, 0.1 * average) : intercept;
    theta[growthAt] = structure.trend === "M" ? Math.min(Math.max(1 + growth / theta[levelAt], 0.8), 1.25) : growth;
    theta[betaAt] = 0.03;
  }
  if (period > 0 && season !== undefined) {
    theta[gammaAt] = 0.1;
    theta.set(season, seasonAt);
  }
  return theta;
}

/** Regions where the likelihood may have a summit of its own: slow and fast levels, and with a trend one that turns at once. */
const regions = [
  { alphas: [0.05, 0.2], betas: [0.02, 0.3] },
  { alphas: [0.5, 0.9], betas: [0.02, 0.3] },
  { alphas: [0.95], betas: [0.9] },
] as const;

/** A place to start from and the deviance there. */
export interface Start {
  readonly theta: Float64Array;
  readonly deviance: number;
}

/** The best smoothing parameters of a small grid in each region, joined to the states of `theta`; the best first. */
export function listStarts(pass: Pass, structure: Structure, theta: Float64Array): readonly Start[] {
  return regions
    .slice(0, structure.trend === "N" ? 2 : 3)
    .map(({ alphas, betas }) => {
      const own = Float64Array.from(theta);
      return { theta: own, deviance: startSmoothing(pass, structure, own, alphas, structure.trend === "N" ? [0] : betas) };
    })
    .sort((a, b) => a.deviance - b.deviance);
}

/** Sets the smoothing parameters of `theta` to the best of a grid and returns the deviance there; Infinity if none is in the domain. */
function startSmoothing(
  pass: Pass,
  structure: Structure,
  theta: Float64Array,
  alphas: readonly number[],
  betas: readonly number[],
): number {
  const gammas = structure.season === "N" ? [0] : [0.05, 0.4];
  let best = Infinity;
  let kept: readonly [number, number, number] = [theta[alphaAt], theta[betaAt], theta[gammaAt]];
  for (const alpha of alphas) {
    for (const beta of betas) {
      for (const gamma of gammas) {
        theta[alphaAt] = alpha;
        theta[betaAt] = beta * alpha;
        theta[gammaAt] = gamma * (1 - alpha);
        const deviance = evaluate(pass, structure, theta);
        if (deviance < best) {
          best = deviance;
          kept = [theta[alphaAt], theta[betaAt], theta[gammaAt]];
        }
      }
    }
  }
  [theta[alphaAt], theta[betaAt], theta[gammaAt]] = kept;
  return best;
}
