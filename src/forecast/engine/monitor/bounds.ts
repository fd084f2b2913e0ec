// The statistics behind an alarm: how surprising it is, when nothing is wrong.

import { normalCdf } from "../numerics/normal.ts";

/** Two-sided p-value of a standard normal score. */
export function twoSided(z: number): number {
  return Math.min(1, 2 * normalCdf(-Math.abs(z)));
}

/** P(X >= k) for X binomial(n, p), summed exactly in logarithms. */
export function binomialUpper(k: number, n: number, p: number): number {
  if (k <= 0) return 1;
  if (k > n || p <= 0) return 0;
  if (p >= 1) return 1;
  // log of n choose j, times p^j (1 - p)^(n - j), from j = 0 upwards by ratios.
  let log = n * Math.log1p(-p);
  const odds = Math.log(p) - Math.log1p(-p);
  let sum = 0;
  for (let j = 0; j <= n; j++) {
    if (j >= k) sum += Math.exp(log);
    log += Math.log((n - j) / (j + 1)) + odds;
  }
  return Math.min(1, sum);
}

/** Two-sided p-value of `wins` out of `n` fair coins (sign test). */
export function signTest(wins: number, n: number): number {
  if (n === 0) return 1;
  return Math.min(1, 2 * binomialUpper(Math.max(wins, n - wins), n, 0.5));
}

/**
 * Which p-values are discoveries at false discovery rate `rate` (Benjamini & Hochberg 1995): of a thousand items a handful look strange by chance
 * alone, and those must not raise a thousand alarms.
 */
export function discoveries(pValues: readonly number[], rate: number): readonly boolean[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a] - pValues[b]);
  let last = -1;
  for (const [rank, i] of order.entries()) if (pValues[i] <= (rate * (rank + 1)) / pValues.length) last = rank;
  const found = pValues.map(() => false);
  for (let rank = 0; rank <= last; rank++) found[order[rank]] = true;
  return found;
}

/** How many times as variable a sum of `n` steps is when neighbours correlate by `rho` and fade geometrically, against independent ones. */
export function inflation(n: number, rho: number): number {
  let sum = 0;
  let power = rho;
  for (let lag = 1; lag < n && power > 1e-9; lag++) {
    sum += (1 - lag / n) * power;
    power *= rho;
  }
  return 1 + 2 * sum;
}

/**
 * Correlation of neighbouring scores, pooled over items (`scores[i]` in order of time, NaN is missing), each around its own mean.
 *
 * The loss to estimating the means is put back (Kendall 1954, Biometrika 41). In [0, 0.8]; 0 where there is too little to tell.
 */
export function pooledCorrelation(scores: readonly Float64Array[]): number {
  let products = 0;
  let squares = 0;
  let steps = 0;
  let items = 0;
  for (const z of scores) {
    let sum = 0;
    let count = 0;
    for (const x of z) {
      if (Number.isNaN(x)) continue;
      sum += x;
      count++;
    }
    if (count < 4) continue;
    const mean = sum / count;
    items++;
    steps += count;
    for (let t = 0; t < z.length; t++) {
      if (Number.isNaN(z[t])) continue;
      squares += (z[t] - mean) ** 2;
      if (t > 0 && !Number.isNaN(z[t - 1])) products += (z[t] - mean) * (z[t - 1] - mean);
    }
  }
  if (!(squares > 0)) return 0;
  const n = steps / items;
  return Math.max(0, Math.min(0.8, (products / squares + 1 / n) / Math.max(0.25, 1 - 3 / n)));
}

/** Highest points of a two-sided CUSUM of scores (Page 1954), slack 0.5; each step first cleared of its neighbour by `rho`. */
export function cusum(scores: Float64Array, rho: number): { readonly high: number; readonly low: number } {
  const fresh = Math.sqrt(1 - rho * rho);
  let before = Number.NaN;
  let up = 0;
  let down = 0;
  let high = 0;
  let low = 0;
  for (const z of scores) {
    if (!Number.isNaN(z)) {
      const e = Number.isNaN(before) ? z : (z - rho * before) / fresh;
      up = Math.max(0, up + e - 0.5);
      down = Math.max(0, down - e - 0.5);
      high = Math.max(high, up);
      low = Math.max(low, down);
    }
    before = z;
  }
  return { high, low };
}

/**
 * Score of the hypothesis that numbers (`values[i][t]`: item i, step t; NaN is missing) have mean zero, when items share the shocks of a step and
 * steps share the habits of an item: variance clustered both ways (Cameron, Gelbach & Miller 2011) under the hypothesis itself, steps' part
 * times `stepInflation`. Fewer than three items are not a cluster side of their own. Cautious: a single step, however strange, scores 1 at most.
 */
export function clusteredScore(values: readonly Float64Array[], stepInflation: number): number {
  const steps = values.reduce((most, row) => Math.max(most, row.length), 0);
  const perStep = new Float64Array(steps);
  let total = 0;
  let squares = 0;
  let byItem = 0;
  let items = 0;
  for (const row of values) {
    let sum = 0;
    let count = 0;
    for (let t = 0; t < row.length; t++) {
      if (Number.isNaN(row[t])) continue;
      sum += row[t];
      squares += row[t] * row[t];
      perStep[t] += row[t];
      count++;
    }
    if (count > 0) items++;
    total += sum;
    byItem += sum * sum;
  }
  let byStep = 0;
  for (let t = 0; t < steps; t++) byStep += perStep[t] * perStep[t];
  if (!(squares > 0)) return 0;
  const variance = stepInflation * byStep + (items >= 3 ? byItem - squares : 0);
  return total / Math.sqrt(Math.max(variance, squares));
}
