// A long season (a year of weeks) before a series has seen two of it: what the group did a season ago, as a factor on models that know no season.
//
// A series' own year is one noisy year; a category's is the same year seen many times. Pooled seasonal indices: Dekker, van Donselaar and Ouwehand
// 2004, "How to use aggregation and combined forecasting to improve seasonal demand forecasts"; shrunk as in Miller and Williams 2003.
//   Y1. Made of what lay before a cut alone.
//   Y2. Believed as far as earlier years repeated themselves: what the same factors would have said at earlier cuts, against what came.

import type { Forecast, Panel } from "../contract.ts";
import type { CandidateName } from "./contract.ts";

/** Seasons up to this long are carried by the models themselves. */
const shortSeason = 24;
/** Steps before the cut whose level the models go on from. */
const recent = 8;
/** Fewer series than this are no group: the whole panel stands in, or nothing. */
const fewest = 5;
/** A factor never leaves this and its inverse. */
const mostFactor = 6;
/** Earlier cuts, one horizon apart, at which factors are tried. */
const mostTrials = 8;
/** Before anything is seen, a year repeats itself with this standard deviation about in full. */
const priorSpread = 0.5;

/** Candidates that repeat a series' own year. */
const repeatsYear = (name: CandidateName): boolean => name === "snaive" || name === "mstl";

/** Candidates that may see the year in part: by the calendar or by all series at once. */
const maySeeYear = (name: CandidateName): boolean => name === "global" || name === "regression";

/** Factors on the steps after a cut of the grid, for a series of the panel; undefined where nothing is known of a season. */
export type YearlyFactors = (index: number, cut: number) => Float64Array | undefined;

/** Reads the panel when first asked for a cut; keeps what it found. Undefined where the main season is short. */
export function yearlyFactors(panel: Panel): YearlyFactors | undefined {
  const lag = Math.round(panel.seasons[0] ?? 1);
  const series = panel.offsets.length - 1;
  if (lag <= shortSeason || series < fewest) return undefined;
  const codes = panel.metadata[0]?.codes;
  const made = new Map<number, Float64Array | undefined>();
  const sizes = new Map<number, number>();
  if (codes !== undefined) for (const code of codes) sizes.set(code, (sizes.get(code) ?? 0) + 1);
  const raw = new Map<number, Float64Array | undefined>();
  const rawFactors = (code: number, cut: number): Float64Array | undefined => {
    const key = cut * 65_536 + code + 1;
    if (!raw.has(key)) raw.set(key, factorsOf(panel, lag, cut, { codes, code }));
    return raw.get(key);
  };
  const believedFactors = (code: number, cut: number): Float64Array | undefined => {
    const factors = rawFactors(code, cut);
    if (factors === undefined) return undefined;
    const belief = beliefOf(panel, lag, cut, { codes, code }, (earlier) => rawFactors(code, earlier));
    return factors.map((factor) => factor ** belief);
  };
  return (index, cut) => {
    const code = codes === undefined || codes[index] < 0 || (sizes.get(codes[index]) ?? 0) < fewest ? -1 : codes[index];
    const key = cut * 65_536 + code + 1;
    if (!made.has(key)) made.set(key, believedFactors(code, cut));
    return made.get(key);
  };
}

/** The series of one category; all of them where the code is below zero. */
interface Group {
  readonly codes: Int32Array | undefined;
  readonly code: number;
}

/** What a group did step by step, each series in units of its own mean over the season before `cut`. */
interface PooledIndex {
  readonly sums: Float64Array;
  readonly squares: Float64Array;
  readonly counts: Int32Array;
}

function pooledIndex(panel: Panel, lag: number, cut: number, { codes, code }: Group, span: { from: number; to: number }): PooledIndex {
  const { length } = panel.grid;
  const { from } = span;
  const steps = span.to - from;
  const sums = new Float64Array(steps);
  const squares = new Float64Array(steps);
  const counts = new Int32Array(steps);
  for (let i = 0; i + 1 < panel.offsets.length; i++) {
    if (code >= 0 && codes?.[i] !== code) continue;
    const values = panel.values.subarray(panel.offsets[i], panel.offsets[i + 1]);
    const start = length - values.length;
    if (start > Math.min(from, cut - lag)) continue;
    let sum = 0;
    let known = 0;
    for (let t = cut - lag - start; t < cut - start; t++) {
      if (Number.isNaN(values[t])) continue;
      sum += values[t];
      known++;
    }
    if (!(sum > 0)) continue;
    for (let s = 0; s < steps; s++) {
      const value = (values[from + s - start] * known) / sum;
      if (Number.isNaN(value)) continue;
      sums[s] += value;
      squares[s] += value * value;
      counts[s]++;
    }
  }
  return { sums, squares, counts };
}

/** The mean of the first `recent` steps; NaN where too few series are known. */
function levelOf({ sums, counts }: PooledIndex): number {
  let level = 0;
  for (let s = 0; s < recent; s++) level += counts[s] < fewest ? Number.NaN : sums[s] / counts[s] / recent;
  return level > 0 ? level : Number.NaN;
}

function factorsOf(panel: Panel, lag: number, cut: number, group: Group): Float64Array | undefined {
  const { horizon } = panel.grid;
  const from = cut - lag - recent;
  if (from < 0) return undefined;
  const index = pooledIndex(panel, lag, cut, group, { from, to: cut });
  const { sums, squares, counts } = index;
  const level = levelOf(index);
  if (Number.isNaN(level)) return undefined;
  const common = commonNoise(sums, counts);
  const ratio = (s: number): number => (counts[s] >= fewest ? sums[s] / counts[s] / level : Number.NaN);
  const factors = new Float64Array(horizon).fill(1);
  for (let h = 0; h < horizon; h++) {
    const s = recent + (h % lag);
    const [before, own, after] = [ratio(s - 1), ratio(s), ratio(s + 1)];
    const smooth = 0.25 * (Number.isNaN(before) ? own : before) + 0.5 * own + 0.25 * (Number.isNaN(after) ? own : after);
    if (!(smooth > 0)) continue;
    const log = Math.log(smooth);
    const mean = sums[s] / counts[s];
    const noise = Math.max(0, squares[s] / counts[s] - mean * mean) / counts[s] / (mean * mean);
    // What noise alone could have made is taken off (James and Stein 1961, by two standard errors).
    const kept = log === 0 ? 0 : Math.max(0, 1 - (4 * (noise + common)) / (log * log));
    factors[h] = Math.max(1 / mostFactor, Math.min(mostFactor, Math.exp(kept * log)));
  }
  return factors;
}

/**
 * How far a year repeated itself, 0 to 1: the slope of what came on what the factors of earlier cuts said, both as logarithms against the eight steps
 * before, held to one as a Bayesian would. The steps of one cut err together and count as one.
 */
function beliefOf(panel: Panel, lag: number, cut: number, group: Group, factorsAt: (cut: number) => Float64Array | undefined): number {
  const { horizon } = panel.grid;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  let trials = 0;
  for (let k = 1; k <= mostTrials; k++) {
    const earlier = cut - k * horizon;
    const said = earlier < 0 ? undefined : factorsAt(earlier);
    if (said === undefined) break;
    const index = pooledIndex(panel, lag, earlier, group, { from: earlier - recent, to: earlier + horizon });
    const level = levelOf(index);
    if (Number.isNaN(level)) continue;
    trials++;
    for (let h = 0; h < horizon; h++) {
      const at = recent + h;
      if (index.counts[at] < fewest || !(index.sums[at] > 0)) continue;
      const x = Math.log(said[h]);
      const y = Math.log(index.sums[at] / index.counts[at] / level);
      xx += (x * x) / horizon;
      xy += (x * y) / horizon;
      yy += (y * y) / horizon;
    }
  }
  if (trials === 0 || xx === 0) return 1;
  const slope = xy / xx;
  const noise = Math.max(0, yy - slope * xy) / trials;
  const held = noise / priorSpread ** 2;
  return Math.max(0, Math.min(1, (xy + held) / (xx + held)));
}

/** A candidate's forecast that follows a season of the group: in full where it knows none, else as far as it does not yet. `past` ends at the cut. */
export function inSeason(name: CandidateName, forecast: Forecast, factors: Float64Array | undefined, past: Float64Array): Forecast {
  if (factors === undefined || repeatsYear(name)) return forecast;
  const missing = maySeeYear(name) ? 1 - followedShare(forecast.mean, factors, recentLevel(past)) : 1;
  if (missing === 0) return forecast;
  const scale = factors.map((factor) => factor ** missing);
  const scaled = (value: number, k: number): number => value * scale[k % scale.length];
  return { ...forecast, mean: forecast.mean.map(scaled), quantiles: forecast.quantiles.map(scaled) };
}

/** The slope of a forecast, against the level before it, on the factors; 0 to 1, all in logarithms. One where nothing can be told. */
function followedShare(mean: Float64Array, factors: Float64Array, level: number): number {
  if (!(level > 0)) return 1;
  let xx = 0;
  let xy = 0;
  for (const [h, factor] of factors.entries()) {
    if (!(mean[h] > 0)) return 1;
    const x = Math.log(factor);
    xx += x * x;
    xy += x * Math.log(mean[h] / level);
  }
  return xx > 0 ? Math.max(0, Math.min(1, xy / xx)) : 1;
}

/** The mean of the steps just before a cut. */
function recentLevel(values: Float64Array): number {
  const known = values.subarray(Math.max(0, values.length - recent)).filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

/**
 * How much of a step's index is shared noise (a promotion in every store), as a variance of its logarithm: from how far the index usually jumps from
 * step to step. A season moves slowly, or seldom; so the middle jump is none of it.
 */
function commonNoise(sums: Float64Array, counts: Int32Array): number {
  const jumps: number[] = [];
  for (let s = 1; s < sums.length; s++) {
    if (counts[s] < fewest || counts[s - 1] < fewest || !(sums[s] > 0) || !(sums[s - 1] > 0)) continue;
    jumps.push(Math.abs(Math.log(sums[s] / counts[s] / (sums[s - 1] / counts[s - 1]))));
  }
  if (jumps.length === 0) return 1;
  // 1.4826 makes a middle distance a standard deviation; a jump has two steps' noise.
  return (1.4826 * jumps.toSorted((a, b) => a - b)[jumps.length >> 1]) ** 2 / 2;
}
