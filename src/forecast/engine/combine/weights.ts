// The weights of a group of similar series, by stacking: those with which the mix would have erred least in earlier windows.
//
// Convex stacking (Wolpert 1992; Breiman 1996) by exponentiated gradient (Kivinen and Warmuth 1997), held to a prior by its relative entropy: a
// group of few points stays where the literature put it, a large one goes where its backtests say.

import type { CandidateName, Trial } from "./contract.ts";
import { hasForecast } from "./blend.ts";

/** One window of one trial that may be learned from. */
export interface Lesson {
  readonly trial: Trial;
  readonly window: number;
}

/** How the error of a group is measured: the size of errors, or their square where means of rare sales are wanted. */
export type Loss = "absolute" | "squared";

/** Series beyond this many say nothing new about a handful of weights. */
const maxLessons = 1200;
const rounds = 120;

/**
 * Finds weights for `names` (those of the prior, summing to one) that minimise the mean scaled loss of the mix over the lessons, plus
 * `strength / lessons` times the entropy relative to the prior.
 *
 * Deterministic; costs rounds x points x models. Without lessons the prior is the answer.
 */
export function stackWeights(
  names: readonly CandidateName[],
  prior: Float64Array,
  lessons: readonly Lesson[],
  loss: Loss,
  strength: number,
): Float64Array {
  const k = names.length;
  const used = thin(lessons);
  const { actual, forecasts, share } = gather(names, used);
  const rows = actual.length;
  if (rows === 0 || k < 2) return prior.slice();
  const weights = prior.slice();
  const best = prior.slice();
  const gradient = new Float64Array(k);
  let bestValue = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    gradient.fill(0);
    let value = 0;
    for (let r = 0; r < rows; r++) {
      const row = r * k;
      let sum = 0;
      let total = 0;
      for (let m = 0; m < k; m++) {
        const forecast = forecasts[row + m];
        if (Number.isNaN(forecast)) continue;
        sum += weights[m] * forecast;
        total += weights[m];
      }
      if (!(total > 0)) continue;
      const mixed = sum / total;
      const error = mixed - actual[r];
      let slope: number;
      if (loss === "absolute") {
        // Smooth within a tenth of the unit, so that the descent settles.
        const root = Math.sqrt(error * error + 0.01);
        value += share[r] * root;
        slope = (share[r] * error) / root;
      } else {
        value += share[r] * error * error;
        slope = 2 * share[r] * error;
      }
      for (let m = 0; m < k; m++) {
        const forecast = forecasts[row + m];
        if (!Number.isNaN(forecast)) gradient[m] += (slope * (forecast - mixed)) / total;
      }
    }
    const hold = strength / used.length;
    for (let m = 0; m < k; m++) {
      if (!(prior[m] > 0)) continue;
      const ratio = Math.log(Math.max(weights[m], 1e-12) / prior[m]);
      value += hold * weights[m] * ratio;
      gradient[m] += hold * ratio;
    }
    if (value < bestValue) {
      bestValue = value;
      best.set(weights);
    }
    let largest = 1e-12;
    let middle = 0;
    for (let m = 0; m < k; m++) middle += weights[m] * gradient[m];
    for (let m = 0; m < k; m++) if (weights[m] > 1e-4) largest = Math.max(largest, Math.abs(gradient[m] - middle));
    const step = 0.5 / (largest * Math.sqrt(1 + round / 4));
    let total = 0;
    for (let m = 0; m < k; m++) {
      weights[m] =
        prior[m] > 0
          ? Math.max(1e-9, weights[m] * Math.exp(-step * Math.max(-3 * largest, Math.min(3 * largest, gradient[m] - middle))))
          : 0;
      total += weights[m];
    }
    for (let m = 0; m < k; m++) weights[m] /= total;
  }
  return best;
}

/** Every n-th lesson, so that no more than `maxLessons` are left. */
function thin(lessons: readonly Lesson[]): readonly Lesson[] {
  if (lessons.length <= maxLessons) return lessons;
  const step = lessons.length / maxLessons;
  return Array.from({ length: maxLessons }, (_, i) => lessons[Math.floor(i * step)]);
}

/** Actuals and forecasts in units of each series' scale, point by point; `share` makes every lesson count the same. */
function gather(
  names: readonly CandidateName[],
  lessons: readonly Lesson[],
): { actual: Float64Array; forecasts: Float64Array; share: Float64Array } {
  const k = names.length;
  const actual: number[] = [];
  const share: number[] = [];
  const forecasts: number[] = [];
  for (const { trial, window } of lessons) {
    const { horizon, scale } = trial;
    const windows = trial.cuts.length;
    const columns = names.map((name) => {
      const m = trial.models.indexOf(name);
      return m >= 0 && hasForecast(trial, m, window) ? (m * windows + window) * horizon : -1;
    });
    let known = 0;
    for (let h = 0; h < horizon; h++) if (!Number.isNaN(trial.actuals[window * horizon + h])) known++;
    for (let h = 0; h < horizon; h++) {
      const y = trial.actuals[window * horizon + h];
      if (Number.isNaN(y)) continue;
      // Measured from the actual and bounded: a broken series must not outweigh a thousand sound ones.
      actual.push(0);
      share.push(1 / (known * lessons.length));
      for (let m = 0; m < k; m++) {
        const error = columns[m] < 0 ? Number.NaN : (trial.means[columns[m] + h] - y) / scale;
        forecasts.push(error > 50 ? 50 : error < -50 ? -50 : error);
      }
    }
  }
  return { actual: Float64Array.from(actual), forecasts: Float64Array.from(forecasts), share: Float64Array.from(share) };
}
