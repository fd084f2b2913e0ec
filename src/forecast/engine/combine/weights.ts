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

/**
 * How the error of a group is measured: the size of the mean's errors; their root mean square in each window, where sales are rare and a mean is
 * not a median; or the pinball loss of the quantiles.
 */
export type Loss = "absolute" | "root" | "pinball";

/** Series beyond this many say nothing new about a handful of weights. */
const maxLessons = 1200;
const rounds = 120;
/** The prior's pull, however few the lessons, in units of the scaled loss: what is plainly better always gets through. */
const mostHold = 0.3;

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
  const { errors, share, level, lesson } = loss === "pinball" ? gatherQuantiles(names, used) : gatherMeans(names, used);
  const rows = share.length;
  const roots = new Float64Array(used.length);
  if (rows === 0 || k < 2) return prior.slice();
  const weights = prior.slice();
  const best = prior.slice();
  const gradient = new Float64Array(k);
  let bestValue = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    gradient.fill(0);
    let value = 0;
    if (loss === "root") {
      roots.fill(0);
      for (let r = 0; r < rows; r++) roots[lesson[r]] += share[r] * mixAt(errors, weights, r * k, k) ** 2;
      for (let i = 0; i < roots.length; i++) {
        roots[i] = Math.sqrt(roots[i] + 1e-4);
        value += roots[i] / used.length;
      }
    }
    for (let r = 0; r < rows; r++) {
      const row = r * k;
      const error = mixAt(errors, weights, row, k);
      let slope: number;
      if (loss === "absolute") {
        // Smooth within a tenth of the unit, so that the descent settles.
        const root = Math.sqrt(error * error + 0.01);
        value += (share[r] * root) / used.length;
        slope = (share[r] * error) / (root * used.length);
      } else if (loss === "root") {
        slope = (share[r] * error) / (roots[lesson[r]] * used.length);
      } else {
        // The error is forecast less actual: above zero the quantile was too high.
        slope = ((error > 0 ? 1 - level[r] : -level[r]) * share[r]) / used.length;
        value += slope * error;
      }
      let total = 0;
      for (let m = 0; m < k; m++) if (!Number.isNaN(errors[row + m])) total += weights[m];
      if (!(total > 0)) continue;
      for (let m = 0; m < k; m++) if (!Number.isNaN(errors[row + m])) gradient[m] += (slope * (errors[row + m] - error)) / total;
    }
    const hold = Math.min(mostHold, strength / used.length);
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

/** The error of the mix in row `row`; 0 where no model gave a forecast. */
function mixAt(errors: Float64Array, weights: Float64Array, row: number, k: number): number {
  let sum = 0;
  let total = 0;
  for (let m = 0; m < k; m++) {
    const error = errors[row + m];
    if (Number.isNaN(error)) continue;
    sum += weights[m] * error;
    total += weights[m];
  }
  return total > 0 ? sum / total : 0;
}

/** Errors in units of each series' scale, row by row; the shares of one lesson sum to one (times its weight). */
interface Rows {
  readonly errors: Float64Array;
  readonly share: Float64Array;
  readonly level: Float64Array;
  readonly lesson: Int32Array;
}

// A broken series must not outweigh a thousand sound ones.
const bound = (error: number): number => (error > 50 ? 50 : error < -50 ? -50 : error);

const columnsOf = (names: readonly CandidateName[], { trial, window }: Lesson): number[] =>
  names.map((name) => {
    const m = trial.models.indexOf(name);
    return m >= 0 && hasForecast(trial, m, window) ? m * trial.cuts.length + window : -1;
  });

const countKnown = ({ trial, window }: Lesson): number =>
  trial.actuals.subarray(window * trial.horizon, (window + 1) * trial.horizon).reduce((sum, y) => sum + (Number.isNaN(y) ? 0 : 1), 0);

function gatherMeans(names: readonly CandidateName[], lessons: readonly Lesson[]): Rows {
  const errors: number[] = [];
  const share: number[] = [];
  const lesson: number[] = [];
  for (const [i, each] of lessons.entries()) {
    const { horizon, scale, actuals, means } = each.trial;
    const columns = columnsOf(names, each);
    const known = countKnown(each);
    for (let h = 0; h < horizon; h++) {
      const y = actuals[each.window * horizon + h];
      if (Number.isNaN(y)) continue;
      share.push(1 / known);
      lesson.push(i);
      for (const column of columns) errors.push(column < 0 ? Number.NaN : bound((means[column * horizon + h] - y) / scale));
    }
  }
  return {
    errors: Float64Array.from(errors),
    share: Float64Array.from(share),
    level: new Float64Array(0),
    lesson: Int32Array.from(lesson),
  };
}

/** One giant may not be all that is learned from. */
const mostWeight = 30;

/** As for means, at the levels 0.1, 0.5 and 0.9; larger series count more, as they do in wQL. */
function gatherQuantiles(names: readonly CandidateName[], lessons: readonly Lesson[]): Rows {
  const errors: number[] = [];
  const share: number[] = [];
  const level: number[] = [];
  const lesson: number[] = [];
  const typical = lessons.map(({ trial }) => trial.scale).toSorted((a, b) => a - b)[lessons.length >> 1] ?? 1;
  for (const [i, each] of lessons.entries()) {
    const { horizon, scale, actuals, quantiles, levels } = each.trial;
    const columns = columnsOf(names, each);
    const known = countKnown(each);
    const weight = Math.min(mostWeight, scale / typical) / (3 * known);
    for (const wanted of [0.1, 0.5, 0.9]) {
      const l = levels.findIndex((own) => Math.abs(own - wanted) < 1e-9);
      for (let h = 0; h < horizon; h++) {
        const y = actuals[each.window * horizon + h];
        if (Number.isNaN(y)) continue;
        share.push(weight);
        level.push(wanted);
        lesson.push(i);
        for (const column of columns) {
          errors.push(column < 0 ? Number.NaN : bound((quantiles[(column * levels.length + l) * horizon + h] - y) / scale));
        }
      }
    }
  }
  return {
    errors: Float64Array.from(errors),
    share: Float64Array.from(share),
    level: Float64Array.from(level),
    lesson: Int32Array.from(lesson),
  };
}
