// The forecasts everything else must beat: the last value, the value a season ago, and Naive2 of the M competitions.
//
// Means, variances and their growth after Hyndman & Athanasopoulos 2021, "Forecasting: Principles and Practice", table 5.2.

import type { Fitted, Model, Series, Unfit } from "../../contract.ts";
import { normalQuantile } from "../../numerics/normal.ts";

/** The last value goes on; a random walk whose steps have the size seen so far. */
export const naive: Model = {
  name: "naive",
  about: "The last value goes on, with the uncertainty of a random walk.",
  usesRegressors: false,
  fit: (series) => fitWalk(series, 1, "Naive"),
};

/** Each value repeats the one a season before; a random walk for each phase of the season. Fractional seasons are rounded. Unfit without one whole season. */
export const snaive: Model = {
  name: "snaive",
  about: "Every value repeats that of one season before.",
  usesRegressors: false,
  fit: fitSeasonal,
};

function fitSeasonal(series: Series): Fitted | Unfit {
  const period = Math.round(series.seasons[0] ?? 1);
  if (period < 2)
    return { kind: "unfit", reason: "The seasonal naive forecast needs a season of at least 2 steps, but the series has none." };
  if (series.values.length < period) {
    const reason = `The seasonal naive forecast needs one whole season of ${period} steps, but the series has ${series.values.length}.`;
    return { kind: "unfit", reason };
  }
  return fitWalk(series, period, `Seasonal naive[${period}]`);
}

/** Share of its size by which a value is thought to change before any change was seen. */
const blindSpread = 0.5;
/** What that belief weighs, in changes: one until two changes were seen. One point, and two that happen to be equal, are no certainty. */
const unseen = (steps: number): number => (steps < 2 ? 1 : 0);

function fitWalk(series: Series, period: number, title: string): Fitted | Unfit {
  const { values } = series;
  // Last value of each phase and how many seasons ago it stood: a gap of k seasons makes a step of variance k.
  const last = new Float64Array(period).fill(Number.NaN);
  const at = new Int32Array(period);
  const fitted = new Float64Array(values.length).fill(Number.NaN);
  let sum = 0;
  let steps = 0;
  let total = 0;
  let count = 0;
  for (let t = 0; t < values.length; t++) {
    const phase = t % period;
    fitted[t] = last[phase];
    if (Number.isNaN(values[t])) continue;
    if (!Number.isNaN(last[phase])) {
      const step = values[t] - last[phase];
      sum += (step * step * period) / (t - at[phase]);
      steps++;
    }
    last[phase] = values[t];
    at[phase] = t;
    total += values[t];
    count++;
  }
  if (count === 0) return { kind: "unfit", reason: `The forecast needs a value, but all ${values.length} of the series are missing.` };
  const sigma = Math.sqrt((sum + unseen(steps) * (blindSpread * (total / count)) ** 2) / Math.max(1, steps + unseen(steps)));
  // The next steps in order: their starting value and how many seasons lie between.
  const start = new Float64Array(period);
  const age = new Int32Array(period);
  for (let j = 0; j < period; j++) {
    const t = values.length + j;
    const phase = t % period;
    const known = !Number.isNaN(last[phase]);
    start[j] = known ? last[phase] : total / count;
    age[j] = known ? (t - at[phase]) / period : 1;
  }
  return {
    kind: "fitted",
    title,
    parameters: { sigma },
    fitted,
    forecast: (horizon, levels) => {
      const mean = new Float64Array(horizon);
      const quantiles = new Float64Array(levels.length * horizon);
      const scores = levels.map(normalQuantile);
      for (let h = 0; h < horizon; h++) {
        const j = h % period;
        mean[h] = start[j];
        const width = sigma * Math.sqrt(age[j] + Math.floor(h / period));
        for (let i = 0; i < levels.length; i++) quantiles[i * horizon + h] = mean[h] + scores[i] * width;
      }
      return { mean, quantiles, levels };
    },
    simulate: (horizon, paths, random) => {
      const samples = new Float64Array(paths * horizon);
      for (let p = 0; p < paths; p++) {
        for (let h = 0; h < horizon; h++) {
          const i = p * horizon + h;
          samples[i] = h < period ? start[h] + sigma * Math.sqrt(age[h]) * random.normal() : samples[i - period] + sigma * random.normal();
        }
      }
      return samples;
    },
    advance: (next) => fitWalk(next, period, title),
  };
}

/**
 * Naive2: the last value of the seasonally adjusted history, with the season put back if a test finds one. Length: `horizon`.
 *
 * The test asks whether the autocorrelation at one season exceeds its 90 % bound and needs three whole seasons; the adjustment is the classical
 * multiplicative decomposition. NaN in `values` is skipped; without any value the forecast is NaN. Source: Makridakis & Hibon 2000, "The
 * M3-Competition"; bound and details as published with M4 (Makridakis, Spiliotis & Assimakopoulos 2020).
 *
 * @testing
 */
export function naive2(values: Float64Array, season: number, horizon: number): Float64Array {
  const index = hasSeason(values, season) ? classicalIndices(values, season) : undefined;
  let last = Number.NaN;
  for (let t = values.length - 1; t >= 0 && Number.isNaN(last); t--) last = values[t] / (index ? index[t % season] : 1);
  return Float64Array.from({ length: horizon }, (_, h) => last * (index ? index[(values.length + h) % season] : 1));
}

/** Whether the autocorrelation at lag `season` exceeds 1.645 standard errors (Bartlett's formula); false under three whole seasons. */
export function hasSeason(values: Float64Array, season: number): boolean {
  if (!(Number.isInteger(season) && season > 1) || values.length < 3 * season) return false;
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  const mean = sum / count;
  const correlate = (lag: number): number => {
    let product = 0;
    for (let t = lag; t < values.length; t++) {
      const step = (values[t] - mean) * (values[t - lag] - mean);
      if (!Number.isNaN(step)) product += step;
    }
    return product;
  };
  const variance = correlate(0);
  if (!(variance > 0)) return false;
  let bound = 1;
  for (let lag = 1; lag < season; lag++) bound += 2 * (correlate(lag) / variance) ** 2;
  return Math.abs(correlate(season) / variance) > 1.645 * Math.sqrt(bound / count);
}

/**
 * Multiplicative seasonal indices by phase (step t has phase t % season), with mean 1: ratios to the centred moving average over a season,
 * averaged. Undefined where an index would not be above zero.
 */
export function classicalIndices(values: Float64Array, season: number): Float64Array | undefined {
  const half = season >> 1;
  const even = season % 2 === 0;
  const index = new Float64Array(season);
  const counts = new Float64Array(season);
  for (let t = half; t + half < values.length; t++) {
    let sum = 0;
    for (let k = t - half; k <= t + half; k++) sum += values[k] * (even && (k === t - half || k === t + half) ? 0.5 : 1);
    const ratio = values[t] / (sum / season);
    if (!Number.isFinite(ratio)) continue;
    index[t % season] += ratio;
    counts[t % season]++;
  }
  let total = 0;
  for (let j = 0; j < season; j++) {
    index[j] /= counts[j];
    total += index[j];
  }
  for (let j = 0; j < season; j++) {
    index[j] *= season / total;
    if (!(index[j] > 0 && Number.isFinite(index[j]))) return undefined;
  }
  return index;
}
