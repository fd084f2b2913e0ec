// Conformal calibration: how far the mix's quantiles must lie from its median for their levels to hold, learned from earlier windows of similar series.
//
// The ratio of (actual - median) to (quantile - median) is the score of split conformal prediction normalised by the model's own spread (Lei et
// al. 2018; Romano, Patterson and Candes 2019); scores are pooled over windows and series of a group, step by step, as Xu and Xie 2021 pool
// those of one series over time. The factor of a level is the quantile of the scores at which that level holds.
//
// Windows are few, and all series of one err together: what a window has in common is an error of that window, not a shape.
//   K1. Each window is centred on its own median first, so that factors are learned from the shape within windows.
//   K2. What a window's middle errs by comes back whole and with both signs, the variance between windows being part of what the next one errs by: it
//       widens both sides alike and never leans the fan to one.
//   K3. The median moves only by where the middle lies when the mean is right: a line through the windows tells, as a mean may err by a few large
//       sales that the middle knows nothing of.
//   K4. Steps share one factor but for what windows agree on: three windows hold three Christmases at most, and no shape over the horizon.
//   K5. Models fitted to little say too little spread, by a share that falls as the past grows: scores of an early window count less that.

import { blendWindow, makeBlend, type MixWeights } from "./blend.ts";
import type { Calibration } from "./contract.ts";
import type { Lesson } from "./weights.ts";

/** Scores wanted for one step; a step with fewer borrows from its neighbours. */
const wantedScores = 400;
/** Weight of "the models are right", in lessons: of where their median lies, and of how far their quantiles lie from it. */
const [doubt, factorDoubt] = [15, 10];
const maxLessons = 4000;
/** Scores of a step beyond which every second, third ... is enough. */
const mostScores = 700;
/** Windows correct a mean only as far as they agree beyond two standard errors. */
const sureness = 4;
/** A sale of more units of its series than this counts as so many. */
const mostScaled = 50;
/** Scores count towards a mean up to this. */
const mostScore = 6;
/** No factor beyond this, nor (above the median) below its inverse: a model that saw hardly any spread in its first windows may see it now. */
const mostFactor = 2;
/** Below the median: skewed sales under a model that knows no skew want a third. */
const leastBelow = 1 / 3;
/** Windows at which half of what a step's own scores say is believed, the rest being said by all steps. */
const stepDoubt = 7;
/** By how much what models expect is too narrow: so many parts of the steps they were fitted to. M3, retail sets: two to six serve alike. */
const unseen = 3;
const narrownessOf = (pastSteps: number): number => 1 + unseen / Math.max(1, pastSteps);

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
  return { factors: new Float64Array(levels * horizon).fill(1), shift: 0, scale: 1 };
}

/** What the mix said in the lessons and what came, as far as calibration needs it. */
interface Scores {
  readonly count: number;
  /** Actual less median, in spreads: `[h * count + i]`; NaN where unknown. */
  readonly apart: Float64Array;
  /** Mean less median, in spreads: `[h * count + i]`. */
  readonly skew: Float64Array;
  /** Quantile less median, in spreads: `[(l * horizon + h) * count + i]`. */
  readonly width: Float64Array;
  /** Windows back from what is to be calibrated, 1 for the latest. */
  readonly age: Int32Array;
  /** How much too narrow the models were then (K5). */
  readonly narrowness: Float64Array;
}

/** Learns the factors of one group; all lessons have the same levels and horizon. Without lessons every factor is one. */
export function makeCalibration(lessons: readonly CalibrationLesson[], levels: readonly number[], horizon: number): Calibration {
  const calibration = noCalibration(levels.length, horizon);
  const scores = gatherScores(lessons, levels, horizon);
  if (scores.count === 0) return calibration;
  const { middle, bias } = centresOf(scores, horizon);
  const { shift, errors } = shapeOf(middle, bias);
  const narrowness = narrownessOf(lessons.reduce((sum, lesson) => sum + pastOf(lesson), 0) / lessons.length);
  const windows = middle.size;
  for (const [l, level] of levels.entries()) {
    if (level === 0.5) continue;
    const upper = level > 0.5;
    // Logarithm of the factor at which the level holds in `pooled`, shrunk by how little that is.
    const learn = (pooled: Float64Array): number => {
      if (pooled.length === 0) return 0;
      const trust = Math.min(pooled.length / errors.length, scores.count);
      // A score above the factor lies outside: beyond an upper quantile, or beneath a lower one.
      const factor = Math.min(mostFactor, Math.max(upper ? 1 / mostFactor : leastBelow, quantileOf(pooled, upper ? level : 1 - level)));
      return (Math.log(factor) * trust) / (trust + factorDoubt);
    };
    const common = learn(pool(scores, { l, h: 0, horizon, middle, errors, wanted: Number.POSITIVE_INFINITY }));
    for (let h = 0; h < horizon; h++) {
      const own = learn(pool(scores, { l, h, horizon, middle, errors, wanted: wantedScores }));
      calibration.factors[l * horizon + h] = narrowness * Math.exp(common + ((own - common) * windows) / (windows + stepDoubt));
    }
  }
  return { ...calibration, shift };
}

/** The mean of rare sales is corrected by no more than this, nor less than its inverse. */
const mostScale = 1.5;

/**
 * The correction of means where sales are rare: weights that err least in the root of squares lean to low means, as a month without a sale costs
 * nothing then. What came over what was said, window by window, in units of each series; the windows' mean, shrunk by how they differ (James and
 * Stein 1961, but by two standard errors).
 */
export function makeScale(lessons: readonly CalibrationLesson[], levels: readonly number[], horizon: number): Calibration {
  const byAge = new Map<number, { said: number; came: number }>();
  const blend = makeBlend({ levels, horizon });
  for (const { trial, window, row, plan } of lessons) {
    if (!blendWindow(trial, window, row, plan, blend)) continue;
    let own = byAge.get(row - window);
    if (own === undefined) byAge.set(row - window, (own = { said: 0, came: 0 }));
    for (let h = 0; h < horizon; h++) {
      const y = trial.actuals[window * horizon + h];
      if (Number.isNaN(y)) continue;
      own.said += Math.max(0, blend.mean[h]) / trial.scale;
      own.came += Math.min(y, mostScaled * trial.scale) / trial.scale;
    }
  }
  const logs = [...byAge.values()].filter(({ said, came }) => said > 0 && came > 0).map(({ said, came }) => Math.log(came / said));
  const calibration = noCalibration(levels.length, horizon);
  if (logs.length < 2) return calibration;
  const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length;
  const variance = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (logs.length - 1) / logs.length;
  const kept = mean === 0 ? 0 : mean * Math.max(0, 1 - (sureness * variance) / mean ** 2);
  return { ...calibration, scale: Math.min(mostScale, Math.max(1 / mostScale, Math.exp(kept))) };
}

function gatherScores(lessons: readonly CalibrationLesson[], levels: readonly number[], horizon: number): Scores {
  const [low, median, high] = [levels.indexOf(0.1), levels.indexOf(0.5), levels.indexOf(0.9)];
  const step = Math.max(1, lessons.length / maxLessons);
  const count = Math.floor(lessons.length / step);
  const apart = new Float64Array(horizon * count).fill(Number.NaN);
  const skew = new Float64Array(horizon * count);
  const width = new Float64Array(levels.length * horizon * count).fill(Number.NaN);
  const age = new Int32Array(count);
  const narrowness = new Float64Array(count);
  const blend = makeBlend({ levels, horizon });
  for (let i = 0; i < count; i++) {
    const { trial, window, row, plan } = lessons[Math.floor(i * step)];
    age[i] = row - window;
    narrowness[i] = narrownessOf(trial.cuts[window]);
    if (!blendWindow(trial, window, row, plan, blend)) continue;
    const least = 1e-3 * trial.scale;
    for (let h = 0; h < horizon; h++) {
      const middle = blend.quantiles[median * horizon + h];
      const spread = (blend.quantiles[high * horizon + h] - blend.quantiles[low * horizon + h]) / 2;
      const y = trial.actuals[window * horizon + h];
      // Where the models see no spread a factor changes nothing, so nothing can be learned for one.
      if (Number.isNaN(y) || !(spread > least)) continue;
      apart[h * count + i] = (y - middle) / spread;
      skew[h * count + i] = (blend.mean[h] - middle) / spread;
      for (let l = 0; l < levels.length; l++) {
        const own = (blend.quantiles[l * horizon + h] - middle) / spread;
        if (Math.abs(own) * spread > least) width[(l * horizon + h) * count + i] = own;
      }
    }
  }
  return { count, apart, skew, width, age, narrowness };
}

/** What the windows say of where the median is, by their age: of the middle of the scores, and how much of it is an error of the mean. */
interface Centres {
  readonly middle: ReadonlyMap<number, number>;
  readonly bias: ReadonlyMap<number, number>;
}

function centresOf({ count, apart, skew, age }: Scores, horizon: number): Centres {
  const byAge = new Map<number, { scores: number[]; bias: number }>();
  for (let i = 0; i < count; i++) {
    let own = byAge.get(age[i]);
    if (own === undefined) byAge.set(age[i], (own = { scores: [], bias: 0 }));
    for (let h = 0; h < horizon; h++) {
      const score = apart[h * count + i];
      if (Number.isNaN(score)) continue;
      own.scores.push(score);
      own.bias += Math.max(-mostScore, Math.min(mostScore, score)) - skew[h * count + i];
    }
  }
  const middle = new Map<number, number>();
  const bias = new Map<number, number>();
  for (const [each, own] of byAge) {
    const n = own.scores.length;
    if (n === 0) continue;
    const weight = 1 / (n + doubt);
    middle.set(each, quantileOf(Float64Array.from(own.scores).sort(), 0.5) * n * weight);
    bias.set(each, own.bias * weight);
  }
  return { middle, bias };
}

/** Standard deviations before anything is seen: of the shape about none, of how the middle follows the mean about fully, of a window's middle. */
const [shapeSpread, followSpread, middleSpread] = [0.2, 0.5, 0.15];

/**
 * Where the middle lies when the mean is right (a line through the windows, held to nothing and to a middle that goes with the mean), and what the
 * middle of each window errs by beside that, with either sign: nothing says that the next one errs as the last did.
 */
function shapeOf(middle: ReadonlyMap<number, number>, bias: ReadonlyMap<number, number>): { shift: number; errors: number[] } {
  // The normal equations of y = shape + follow x.
  let one = (middleSpread / shapeSpread) ** 2;
  let xx = (middleSpread / followSpread) ** 2;
  let [x, y, xy] = [0, 0, xx];
  for (const [age, own] of middle) {
    const error = bias.get(age) ?? 0;
    one += 1;
    x += error;
    y += own;
    xx += error * error;
    xy += error * own;
  }
  const follow = Math.max(0, Math.min(1, (one * xy - x * y) / (one * xx - x * x)));
  const shift = (y - follow * x) / one;
  const errors = [...middle.values()].flatMap((own) => [own - shift, shift - own]);
  return { shift, errors };
}

/** The scores of a step, and of as many steps around it as it takes to have enough; sorted. */
function pool(
  { count, apart, width, age, narrowness }: Scores,
  asked: {
    readonly l: number;
    readonly h: number;
    readonly horizon: number;
    readonly middle: ReadonlyMap<number, number>;
    readonly errors: readonly number[];
    /** Scores that are enough. */
    readonly wanted: number;
  },
): Float64Array {
  const { l, h, horizon, middle, errors, wanted } = asked;
  for (let around = 0; ; around++) {
    const from = Math.max(0, h - around);
    const to = Math.min(horizon, h + around + 1);
    let known = 0;
    for (let k = from * count; k < to * count; k++) if (!Number.isNaN(apart[k]) && !Number.isNaN(width[l * horizon * count + k])) known++;
    if (known < wanted && !(from === 0 && to === horizon)) continue;
    const stride = Math.max(1, Math.floor(known / mostScores));
    const out: number[] = [];
    let seen = 0;
    for (let s = from; s < to; s++) {
      for (let i = 0; i < count; i++) {
        const own = apart[s * count + i];
        const size = width[(l * horizon + s) * count + i];
        if (Number.isNaN(own) || Number.isNaN(size) || seen++ % stride !== 0) continue;
        const centred = own - (middle.get(age[i]) ?? 0);
        for (const error of errors) out.push((centred + error) / size / narrowness[i]);
      }
    }
    return Float64Array.from(out).sort();
  }
}

/** The conformal quantile: the smallest value that level x (n + 1) of n + 1 do not exceed, interpolated. */
function quantileOf(sorted: Float64Array, level: number): number {
  const place = Math.min(sorted.length, Math.max(1, level * (sorted.length + 1))) - 1;
  const below = Math.floor(place);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
