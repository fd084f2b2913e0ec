// How good a forecast was: errors of the mean and of the quantiles against what came, in sums that add up over items and windows.
//
// Owns: the definitions. Point measures use the mean, as Amazon Forecast does. Does not own: what is compared with what.
//   A1. A missing actual (NaN) is skipped everywhere; where nothing was measured there is no accuracy (undefined), never NaN.
//   A2. Where a divisor is zero the error is given undivided, as Amazon Forecast does for wQL and WAPE when the actuals sum to about zero.
//   A3. Tallies add: the accuracy of a whole is that of the sum of its parts.
//
// Sources: wQL, WAPE, MAPE, RMSE: Amazon Forecast Developer Guide, "Evaluating Predictor Accuracy". sMAPE, MASE, OWA: Makridakis, Spiliotis and
// Assimakopoulos 2020, "The M4 Competition"; MASE after Hyndman and Koehler 2006. RMSSE: the M5 Competitors' Guide 2020.

import type { Forecast } from "../contract.ts";

/** A divisor below this counts as zero. */
const nothing = 1e-12;

/** What the errors of a series are divided by. Zero: unknown, or the history never moved. */
export interface Scale {
  /** Mean |y[t] - y[t - lag]| over the history (MASE). */
  readonly absolute: number;
  /** Mean (y[t] - y[t - 1])² from the first value that is not zero on (RMSSE). */
  readonly squared: number;
}

/** Sums over points, from which every measure follows. All plain numbers and arrays: they cross threads. */
export interface Tally {
  readonly levels: readonly number[];
  /** Points with an actual. */
  points: number;
  absoluteActual: number;
  absoluteError: number;
  squaredError: number;
  /** Sum of actual - mean. */
  error: number;
  /** Sum of 2|y - f| / (|y| + |f|). */
  symmetric: number;
  /** Sum of |y - f| / |y| over points whose actual is not about zero. */
  percent: number;
  percentPoints: number;
  /** Sum of |y - f| / scale over points of series that have one. */
  scaled: number;
  scaledPoints: number;
  /** Sum of the root mean squared scaled errors of the parts (a series in a window) that have a scale. */
  rootScaled: number;
  rootScaledParts: number;
  /** Sum of |y - seasonal naive|, and of |y|, over points that the seasonal naive forecast reaches. */
  naiveError: number;
  naiveActual: number;
  /** For each level: sum of t max(y - q, 0) + (1 - t) max(q - y, 0). */
  readonly pinball: number[];
  /** For each level: points not above the quantile. */
  readonly notAbove: number[];
  /** For each level below a half whose mirror (1 - level) is there too: points within the two, ends included. */
  readonly inside: number[];
}

/** The measures. Fractions, not percent: a sMAPE of 0.13 is what M4 prints as 13. */
export interface Accuracy {
  readonly points: number;
  readonly rmse: number;
  readonly wape: number;
  readonly mape: number;
  readonly smape: number;
  readonly mase: number;
  readonly rmsse: number;
  /** Mean of actual - mean over mean |actual|: above zero the forecast is too low. */
  readonly bias: number;
  /** WAPE of the seasonal naive forecast over the same points; undefined where it was not asked or reaches none. */
  readonly naiveWape: number | undefined;
  /** By level, in the order of `levels`. */
  readonly wql: readonly number[];
  readonly averageWql: number;
  /** Share of points within each central interval, by its nominal width: `{ 0.8: 0.79 }` from the levels 0.1 and 0.9. */
  readonly coverage: Readonly<Record<string, number>>;
}

/**
 * Scale of a history for MASE and RMSSE; pairs with a missing value are skipped.
 *
 * A history with no pair `lag` steps apart is scaled by one step instead.
 */
export function scaleOf(history: Float64Array, lag: number): Scale {
  const season = Math.max(1, Math.round(lag));
  let sum = 0;
  let pairs = 0;
  for (const step of season === 1 ? [1] : [season, 1]) {
    for (let t = step; t < history.length; t++) {
      const change = Math.abs(history[t] - history[t - step]);
      if (change >= 0) {
        sum += change;
        pairs++;
      }
    }
    if (pairs > 0) break;
  }
  let first = 0;
  while (first < history.length && !(Math.abs(history[first]) > 0)) first++;
  let squares = 0;
  let steps = 0;
  for (let t = first + 1; t < history.length; t++) {
    const change = history[t] - history[t - 1];
    if (Number.isNaN(change)) continue;
    squares += change * change;
    steps++;
  }
  return { absolute: pairs === 0 ? 0 : sum / pairs, squared: steps === 0 ? 0 : squares / steps };
}

/**
 * The seasonal naive forecast: each step repeats that of one season before, the nearest season known; without a whole season the last value.
 *
 * NaN where that was missing.
 */
export function repeatSeason(history: Float64Array, lag: number, horizon: number): Float64Array {
  const season = Math.max(1, Math.round(lag));
  const n = history.length;
  let last = n - 1;
  while (last >= 0 && Number.isNaN(history[last])) last--;
  return Float64Array.from({ length: horizon }, (_, h) => {
    if (n < season || season === 1) return last < 0 ? Number.NaN : history[last];
    return history[n - season + (h % season)];
  });
}

/** A tally of nothing, to add to. */
export function makeTally(levels: readonly number[]): Tally {
  return {
    levels,
    points: 0,
    absoluteActual: 0,
    absoluteError: 0,
    squaredError: 0,
    error: 0,
    symmetric: 0,
    percent: 0,
    percentPoints: 0,
    scaled: 0,
    scaledPoints: 0,
    rootScaled: 0,
    rootScaledParts: 0,
    naiveError: 0,
    naiveActual: 0,
    pinball: levels.map(() => 0),
    notAbove: levels.map(() => 0),
    inside: levels.map(() => 0),
  };
}

/** Where the mirror of a level stands among the levels; -1 when it is missing or the level is not below a half. */
export function mirrorOf(levels: readonly number[], i: number): number {
  return levels[i] < 0.5 ? levels.findIndex((level) => Math.abs(level + levels[i] - 1) < 1e-9) : -1;
}

/** Whether one number lies below another, both as panels keep numbers (32 bits): an actual of 0.12 lies on a quantile of 0.12, not below it. */
export const isBelow = (one: number, other: number): boolean => Math.fround(one) < Math.fround(other);

/**
 * Tallies the forecast of one series in one window against what came.
 *
 * `actual` may be shorter than the forecast (the future is not all known yet) and NaN where missing. `naive` is what repeating the last season says,
 * to be measured beside it.
 */
export function tallyForecast(actual: Float64Array, forecast: Forecast, scale: Scale, naive?: Float64Array): Tally {
  const { levels, mean, quantiles } = forecast;
  const tally = makeTally(levels);
  const horizon = mean.length;
  const mirrors = levels.map((_, i) => mirrorOf(levels, i));
  for (let h = 0; h < Math.min(horizon, actual.length); h++) {
    const y = actual[h];
    if (Number.isNaN(y)) continue;
    const error = Math.abs(y - mean[h]);
    const size = Math.abs(y) + Math.abs(mean[h]);
    tally.points++;
    tally.absoluteActual += Math.abs(y);
    tally.absoluteError += error;
    tally.squaredError += error * error;
    tally.error += y - mean[h];
    if (naive !== undefined && !Number.isNaN(naive[h])) {
      tally.naiveError += Math.abs(y - naive[h]);
      tally.naiveActual += Math.abs(y);
    }
    if (size > 0) tally.symmetric += (2 * error) / size;
    if (Math.abs(y) > nothing) {
      tally.percent += error / Math.abs(y);
      tally.percentPoints++;
    }
    for (let i = 0; i < levels.length; i++) {
      const q = quantiles[i * horizon + h];
      tally.pinball[i] += y > q ? levels[i] * (y - q) : (1 - levels[i]) * (q - y);
      if (!isBelow(q, y)) tally.notAbove[i]++;
      if (mirrors[i] >= 0 && !isBelow(y, q) && !isBelow(quantiles[mirrors[i] * horizon + h], y)) tally.inside[i]++;
    }
  }
  if (scale.absolute > nothing) {
    tally.scaled = tally.absoluteError / scale.absolute;
    tally.scaledPoints = tally.points;
  }
  if (Math.sqrt(scale.squared) > nothing && tally.points > 0) {
    tally.rootScaled = Math.sqrt(tally.squaredError / tally.points / scale.squared);
    tally.rootScaledParts = 1;
  }
  return tally;
}

/** Adds `part` to `total` in place. Both must have the same levels. */
export function addTally(total: Tally, part: Tally): void {
  total.points += part.points;
  total.absoluteActual += part.absoluteActual;
  total.absoluteError += part.absoluteError;
  total.squaredError += part.squaredError;
  total.error += part.error;
  total.symmetric += part.symmetric;
  total.percent += part.percent;
  total.percentPoints += part.percentPoints;
  total.scaled += part.scaled;
  total.scaledPoints += part.scaledPoints;
  total.rootScaled += part.rootScaled;
  total.rootScaledParts += part.rootScaledParts;
  total.naiveError += part.naiveError;
  total.naiveActual += part.naiveActual;
  for (let i = 0; i < total.levels.length; i++) {
    total.pinball[i] += part.pinball[i];
    total.notAbove[i] += part.notAbove[i];
    total.inside[i] += part.inside[i];
  }
}

const over = (sum: number, divisor: number): number => (divisor > nothing ? sum / divisor : sum);

/** The measures of a tally; undefined where no actual was known. */
export function accuracyOf(tally: Tally): Accuracy | undefined {
  const { points, levels } = tally;
  if (points === 0) return undefined;
  const wql = tally.pinball.map((loss) => over(2 * loss, tally.absoluteActual));
  const meanError = tally.absoluteError / points;
  const rmse = Math.sqrt(tally.squaredError / points);
  const coverage: Record<string, number> = {};
  for (let i = 0; i < levels.length; i++) {
    if (mirrorOf(levels, i) >= 0) coverage[String(Number((1 - 2 * levels[i]).toFixed(6)))] = tally.inside[i] / points;
  }
  return {
    points,
    rmse,
    wape: over(tally.absoluteError, tally.absoluteActual),
    mape: tally.percentPoints > 0 ? tally.percent / tally.percentPoints : meanError,
    smape: tally.symmetric / points,
    mase: tally.scaledPoints > 0 ? tally.scaled / tally.scaledPoints : meanError,
    rmsse: tally.rootScaledParts > 0 ? tally.rootScaled / tally.rootScaledParts : rmse,
    bias: over(tally.error, tally.absoluteActual),
    naiveWape: tally.naiveError + tally.naiveActual > 0 ? over(tally.naiveError, tally.naiveActual) : undefined,
    wql,
    averageWql: wql.length === 0 ? 0 : wql.reduce((sum, each) => sum + each, 0) / wql.length,
    coverage,
  };
}

/**
 * Overall weighted average of M4: the mean of sMAPE and MASE, each relative to that of the benchmark (Naive2) over the same series.
 *
 * A measure that is zero for the benchmark is left out; with both zero the answer is 1.
 */
export function owaOf(own: Pick<Accuracy, "smape" | "mase">, benchmark: Pick<Accuracy, "smape" | "mase">): number {
  const ratios = [
    ...(benchmark.smape > 0 ? [own.smape / benchmark.smape] : []),
    ...(benchmark.mase > 0 ? [own.mase / benchmark.mase] : []),
  ];
  return ratios.length === 0 ? 1 : ratios.reduce((sum, each) => sum + each, 0) / ratios.length;
}
