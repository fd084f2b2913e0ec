// Conformal calibration: how far the mix's quantiles must lie from its median for their levels to hold, learned from earlier windows of similar series.
//
// The ratio of (actual - median) to (quantile - median) is the score of split conformal prediction normalised by the model's own spread (Lei et
// al. 2018; Romano, Patterson and Candes 2019); scores are pooled over windows and series of a group, step by step, as Xu and Xie 2021 pool
// those of one series over time. The factor of a level is the quantile of the scores at which that level holds.

import { blendWindow, makeBlend, type MixWeights } from "./blend.ts";
import type { Calibration } from "./contract.ts";
import type { Lesson } from "./weights.ts";

/** Scores wanted for one step; a step with fewer borrows from its neighbours. */
const wantedScores = 400;
/** Weight of "the models are right", in lessons. */
const doubt = 15;
const maxLessons = 4000;
/** No factor beyond this, nor below its inverse: a model that saw hardly any spread in its first windows may see it now. */
const mostFactor = 2;
/**
 * Weights are learned on the windows they are calibrated on, and so a little too sure: the more so the shorter the histories. Held-out ends of
 * training parts (M1, M3) were covered by 77.7 % where 80 % was promised.
 */
const optimismOf = (pastSteps: number): number => 1 + Math.min(0.1, 4 / Math.max(1, pastSteps));

/** A lesson with the weights that are to be calibrated: those of window `row`, in whose past the lesson lies. */
export interface CalibrationLesson extends Lesson {
  readonly row: number;
  readonly plan: MixWeights;
}

/** Steps of history before what is to be calibrated. */
const pastOf = ({ trial: { cuts, horizon }, row }: CalibrationLesson): number =>
  row < cuts.length ? cuts[row] : cuts[cuts.length - 1] + horizon;

/** Leaves quantiles where the models put them. */
export function noCalibration(levels: number, horizon: number): Calibration {
  return { factors: new Float64Array(levels * horizon).fill(1) };
}

/** Learns the factors of one group; all lessons have the same levels and horizon. Without lessons every factor is one. */
export function makeCalibration(lessons: readonly CalibrationLesson[], levels: readonly number[], horizon: number): Calibration {
  const median = levels.indexOf(0.5);
  const calibration = noCalibration(levels.length, horizon);
  const step = Math.max(1, lessons.length / maxLessons);
  const count = Math.floor(lessons.length / step);
  if (count === 0) return calibration;
  const optimism = optimismOf(lessons.reduce((sum, lesson) => sum + pastOf(lesson), 0) / lessons.length);
  // Scores by level, step and lesson; NaN where there is none.
  const scores = new Float64Array(levels.length * horizon * count).fill(Number.NaN);
  const blend = makeBlend({ levels, horizon });
  for (let i = 0; i < count; i++) {
    const { trial, window, row, plan } = lessons[Math.floor(i * step)];
    if (!blendWindow(trial, window, row, plan, blend)) continue;
    const least = 1e-3 * trial.scale;
    for (let h = 0; h < horizon; h++) {
      const apart = trial.actuals[window * horizon + h] - blend.quantiles[median * horizon + h];
      if (Number.isNaN(apart)) continue;
      for (let l = 0; l < levels.length; l++) {
        const width = blend.quantiles[l * horizon + h] - blend.quantiles[median * horizon + h];
        // Where the models see no spread a factor changes nothing, so nothing can be learned for one.
        if (Math.abs(width) > least) scores[(l * horizon + h) * count + i] = apart / width;
      }
    }
  }
  for (let l = 0; l < levels.length; l++) {
    if (l === median) continue;
    // A score above the factor lies outside: beyond an upper quantile, or beneath a lower one.
    const level = l > median ? levels[l] : 1 - levels[l];
    for (let h = 0; h < horizon; h++) {
      const pooled = pool(scores, l * horizon, h, horizon, count);
      if (pooled.length === 0) continue;
      const trust = Math.min(pooled.length, count);
      const factor = Math.min(mostFactor, Math.max(1 / mostFactor, quantileOf(pooled, level)));
      calibration.factors[l * horizon + h] = (optimism * (trust * factor + doubt)) / (trust + doubt);
    }
  }
  return calibration;
}

/** The scores of a step, and of as many steps around it as it takes to have enough; sorted. */
function pool(scores: Float64Array, row: number, h: number, horizon: number, count: number): Float64Array {
  for (let around = 0; ; around++) {
    const from = Math.max(0, h - around);
    const to = Math.min(horizon, h + around + 1);
    const pooled = scores.subarray((row + from) * count, (row + to) * count).filter((score) => !Number.isNaN(score));
    if (pooled.length >= wantedScores || (from === 0 && to === horizon)) return pooled.sort();
  }
}

/** The conformal quantile: the smallest value that level x (n + 1) of n + 1 do not exceed, interpolated. */
function quantileOf(sorted: Float64Array, level: number): number {
  const place = Math.min(sorted.length, Math.max(1, level * (sorted.length + 1))) - 1;
  const below = Math.floor(place);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
