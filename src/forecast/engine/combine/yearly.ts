// A long season (a year of weeks) before a series has seen two of it: what the group did a season ago, as a factor on models that know no season.
//
// A series' own year is one noisy year; a category's is the same year seen many times. Pooled seasonal indices: Dekker, van Donselaar and Ouwehand
// 2004, "How to use aggregation and combined forecasting to improve seasonal demand forecasts"; shrunk as in Miller and Williams 2003.
//   Y1. Made of what lay before a cut alone.

import type { Panel } from "../contract.ts";
import type { CandidateName } from "./contract.ts";

/** Seasons up to this long are carried by the models themselves. */
const shortSeason = 24;
/** Steps before the cut whose level the models go on from. */
const recent = 8;
/** Fewer series than this are no group: the whole panel stands in, or nothing. */
const fewest = 5;
/** A factor never leaves this and its inverse. */
const mostFactor = 6;

/** Candidates that see the season themselves, or all series at once. */
export const seesYear = (name: CandidateName): boolean =>
  name === "global" || name === "snaive" || name === "mstl" || name === "regression";

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
  return (index, cut) => {
    const code = codes === undefined || codes[index] < 0 || (sizes.get(codes[index]) ?? 0) < fewest ? -1 : codes[index];
    const key = cut * 65_536 + code + 1;
    if (!made.has(key)) made.set(key, factorsOf(panel, lag, cut, code < 0 ? undefined : { codes, code }));
    return made.get(key);
  };
}

interface Group {
  readonly codes: Int32Array | undefined;
  readonly code: number;
}

function factorsOf(panel: Panel, lag: number, cut: number, group: Group | undefined): Float64Array | undefined {
  const { horizon, length } = panel.grid;
  const from = cut - lag - recent;
  if (from < 0) return undefined;
  const steps = recent + lag;
  const sums = new Float64Array(steps);
  const squares = new Float64Array(steps);
  const counts = new Int32Array(steps);
  for (let i = 0; i + 1 < panel.offsets.length; i++) {
    if (group !== undefined && group.codes?.[i] !== group.code) continue;
    const values = panel.values.subarray(panel.offsets[i], panel.offsets[i + 1]);
    const start = length - values.length;
    if (start > from) continue;
    // In units of its own mean over the season before the cut.
    let sum = 0;
    let known = 0;
    for (let t = cut - lag - start; t < cut - start; t++) {
      if (Number.isNaN(values[t])) continue;
      sum += values[t];
      known++;
    }
    if (!(sum > 0)) continue;
    for (let s = 0; s < steps && from + s < cut; s++) {
      const value = (values[from + s - start] * known) / sum;
      if (Number.isNaN(value)) continue;
      sums[s] += value;
      squares[s] += value * value;
      counts[s]++;
    }
  }
  let level = 0;
  for (let s = 0; s < recent; s++) {
    if (counts[s] < fewest) return undefined;
    level += sums[s] / counts[s] / recent;
  }
  if (!(level > 0)) return undefined;
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
