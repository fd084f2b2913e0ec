// The mix of one window: weighted averages of means, and of quantiles level by level.
//
// Averaging quantiles (Vincent 1912; Lichtendahl, Grushka-Cockayne and Winkler 2013) keeps the shape of the models' distributions, where averaging
// probabilities would widen them by their disagreement; what is then too narrow, calibration widens.

import type { Calibration, SeriesPlan, Trial } from "./contract.ts";

export type MixWeights = Pick<SeriesPlan, "weights" | "quantileWeights" | "centred">;

/** Room for the mix of one window: horizon means, and levels x horizon quantiles. */
export interface Blend {
  readonly mean: Float64Array;
  readonly quantiles: Float64Array;
}

export function makeBlend(trial: Pick<Trial, "levels" | "horizon">): Blend {
  return { mean: new Float64Array(trial.horizon), quantiles: new Float64Array(trial.levels.length * trial.horizon) };
}

/** Whether model `m` gave a forecast for window `w` (`cuts.length`: the future). */
export function hasForecast(trial: Trial, m: number, w: number): boolean {
  const windows = trial.cuts.length;
  return !Number.isNaN(w === windows ? trial.futureMeans[m * trial.horizon] : trial.means[(m * windows + w) * trial.horizon]);
}

/**
 * Mixes window `w` of a trial into `into`, by the weights its plan has for window `row` (mostly the same); false where no model has a weight.
 *
 * Weights count relative to the sum of those whose model gave a forecast.
 */
export function blendWindow(trial: Trial, w: number, row: number, plan: MixWeights, into: Blend): boolean {
  const { horizon, cuts, models } = trial;
  const windows = cuts.length;
  const at = row * models.length;
  const future = w === windows;
  const rowOf = (m: number): number => (future ? m : m * windows + w);
  const given = models.map((_, m) => hasForecast(trial, m, w));
  const ofMeans = { values: future ? trial.futureMeans : trial.means, rowOf, block: horizon };
  const quantiles = future ? trial.futureQuantiles : trial.quantiles;
  const block = trial.levels.length * horizon;
  const weights = plan.weights.subarray(at, at + models.length);
  const quantileWeights = plan.quantileWeights.subarray(at, at + models.length);
  if (!average(quantileWeights, given, { values: quantiles, rowOf, block }, into.quantiles)) return false;
  if (plan.centred && average(quantileWeights, given, ofMeans, into.mean)) {
    for (let k = 0; k < block; k++) into.quantiles[k] -= into.mean[k % horizon];
  }
  if (!average(weights, given, ofMeans, into.mean)) return false;
  if (plan.centred) for (let k = 0; k < block; k++) into.quantiles[k] += into.mean[k % horizon];
  return true;
}

/** What models said: `block` numbers each, those of model m in row `rowOf(m)`. */
interface ModelRows {
  readonly values: Float32Array | Float64Array;
  readonly rowOf: (m: number) => number;
  readonly block: number;
}

/** The weighted average of those that were given; false where they have no weight. */
function average(weights: Float64Array, given: readonly boolean[], { values, rowOf, block }: ModelRows, out: Float64Array): boolean {
  let total = 0;
  for (const [m, is] of given.entries()) if (is) total += weights[m];
  out.fill(0);
  if (!(total > 0)) return false;
  for (const [m, is] of given.entries()) {
    if (!is || !(weights[m] > 0)) continue;
    const share = weights[m] / total;
    const first = rowOf(m) * block;
    for (let k = 0; k < block; k++) out[k] += share * values[first + k];
  }
  return true;
}

/** The levels of a trial that calibration goes by. */
export interface Anchors {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

export const anchorsOf = (levels: readonly number[]): Anchors => ({
  low: levels.indexOf(0.1),
  median: levels.indexOf(0.5),
  high: levels.indexOf(0.9),
});

/** Moves quantiles away from or towards the median by the calibration's factors, all of them by its shift, and the mean by its scale. */
export function calibrate(blend: Blend, horizon: number, { low, median, high }: Anchors, calibration: Calibration): void {
  const { quantiles } = blend;
  const { factors, shift, scale } = calibration;
  const levels = quantiles.length / horizon;
  for (let h = 0; h < horizon; h++) {
    blend.mean[h] *= scale;
    const middle = quantiles[median * horizon + h];
    const moved = middle + (shift * (quantiles[high * horizon + h] - quantiles[low * horizon + h])) / 2;
    for (let l = 0; l < levels; l++) {
      const k = l * horizon + h;
      quantiles[k] = moved + factors[k] * (quantiles[k] - middle);
    }
  }
}

/** Of a normal distribution's distance from p50 to p90 or to p10: its standard deviation. */
const deviation = 1 / 1.2815515655446004;

/**
 * Keeps each mean within one standard deviation of the median, as every distribution has it; the deviation is that of the side it lies on. Not for
 * rare sales, whose quantiles from p10 to p90 may all be zero.
 */
export function boundMean({ mean, quantiles }: Blend, horizon: number, { low, median, high }: Anchors): void {
  for (let h = 0; h < horizon; h++) {
    const middle = quantiles[median * horizon + h];
    const least = middle - deviation * (middle - quantiles[low * horizon + h]);
    const most = middle + deviation * (quantiles[high * horizon + h] - middle);
    if (most > least) mean[h] = Math.max(least, Math.min(most, mean[h]));
  }
}

/**
 * Keeps quantiles of demand to what their mean leaves room for (Markov's inequality): one step in ten above 11 is a mean of 1.1 at least. The spread of
 * a series that ended is learned from the group that goes on, its mean from the series itself, so the mean is believed.
 */
export function boundQuantiles({ mean, quantiles }: Blend, horizon: number, levels: readonly number[]): void {
  for (const [l, level] of levels.entries()) {
    for (let h = 0; h < horizon; h++) {
      const k = l * horizon + h;
      quantiles[k] = Math.min(quantiles[k], mean[h] / (1 - level));
    }
  }
}

/** Puts the quantiles of each step in order and, for demand, lifts everything below zero to it. */
export function round(blend: Blend, levels: number, horizon: number, nonNegative: boolean): void {
  const { mean, quantiles } = blend;
  for (let h = 0; h < horizon; h++) {
    if (nonNegative && !(mean[h] > 0)) mean[h] = 0;
    // Insertion sort: the levels are few and nearly always in order.
    for (let i = 0; i < levels; i++) {
      const value = nonNegative && !(quantiles[i * horizon + h] > 0) ? 0 : quantiles[i * horizon + h];
      let j = i;
      for (; j > 0 && quantiles[(j - 1) * horizon + h] > value; j--) quantiles[j * horizon + h] = quantiles[(j - 1) * horizon + h];
      quantiles[j * horizon + h] = value;
    }
  }
}
