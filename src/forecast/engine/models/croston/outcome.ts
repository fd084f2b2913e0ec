// The distribution of demand in one step: nothing with some probability, otherwise a size drawn from those seen.
//
// Owns: sizes as weighted atoms, their tilt to a wanted mean, quantiles, paths. Does not own: the rate (demand.ts, aggregate.ts).
//   O1. Whole demands stay whole; nothing is ever below zero.
//   O2. The mean of the distribution is the rate it was made for.
//   O3. Paths and quantiles agree at every single step; along a path the chance of demand is itself uncertain and kept.

import type { Random } from "../../../../platform/random.ts";
import type { Demand } from "./demand.ts";

/** The next step: sizes with cumulated probabilities, given that there is demand. */
export interface Outcome {
  /** Probability of demand, 0..1. */
  readonly occurrence: number;
  /** Ascending. */
  readonly sizes: Float64Array;
  /** Probability of a size up to each one; ends at 1. */
  readonly cumulated: Float64Array;
  /** Steps' worth of evidence behind `occurrence`. */
  readonly evidence: number;
}

const tailAtoms = 8;

/**
 * The distribution whose mean is `rate`, of which the part `occurrence` says how often demand comes.
 *
 * Sizes: those seen, in equal parts, and beyond the largest of k an exponential tail of mass 1/(k + 1) (what exchangeable draws give a new
 * record) with their standard deviation for its mean; tilted exponentially to the mean rate / occurrence, the nearest distribution with that mean
 * (Efron 1981). A rate above all sizes scales them, whole ones to the nearest whole.
 */
export function makeOutcome(demand: Demand, rate: number, occurrence: number, evidence: number): Outcome {
  if (!(rate > 0) || !(occurrence > 0) || demand.occurrences === 0) {
    return { occurrence: 0, sizes: new Float64Array(0), cumulated: new Float64Array(0), evidence };
  }
  const { sizes, weights } = atoms(demand);
  // The chance gives way where the mean size would have to leave the range of sizes.
  const chance = Math.min(1, Math.max(rate / sizes[sizes.length - 1], Math.min(occurrence, rate / sizes[0])));
  const target = rate / chance;
  const reached = tilt(sizes, weights, target);
  if (target > reached * (1 + 1e-6)) {
    for (let i = 0; i < sizes.length; i++) {
      const scaled = (sizes[i] * target) / reached;
      sizes[i] = demand.whole ? Math.round(scaled) : scaled;
    }
  }
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i];
    weights[i] = sum;
  }
  weights[weights.length - 1] = 1;
  return { occurrence: chance, sizes, cumulated: weights, evidence };
}

function atoms({ values, occurrences, meanSize, whole }: Demand): { sizes: Float64Array; weights: Float64Array } {
  const seen = values.filter((value) => value > 0).sort();
  let spread = 0;
  for (let i = 0; i < occurrences; i++) spread += (seen[i] - meanSize) * (seen[i] - meanSize);
  spread = Math.sqrt(spread / Math.max(1, occurrences - 1));
  const sizes = new Float64Array(occurrences + tailAtoms);
  const weights = new Float64Array(occurrences + tailAtoms);
  let count = 0;
  const put = (size: number, weight: number): void => {
    if (count > 0 && sizes[count - 1] === size) weights[count - 1] += weight;
    else {
      sizes[count] = size;
      weights[count] = weight;
      count++;
    }
  };
  const record = 1 / (occurrences + 1);
  for (let i = 0; i < occurrences; i++) put(seen[i], (1 - record) / occurrences);
  for (let i = 0; i < tailAtoms; i++) {
    const excess = -spread * Math.log(1 - (i + 0.5) / tailAtoms);
    put(seen[occurrences - 1] + (whole ? Math.round(excess) : excess), record / tailAtoms);
  }
  return { sizes: sizes.slice(0, count), weights: weights.slice(0, count) };
}

// Newton's steps, kept in a bracket, on log weights linear in size: brings the mean to `target`, or to the nearest size. Returns the mean.
function tilt(sizes: Float64Array, weights: Float64Array, target: number): number {
  const n = sizes.length;
  const scale = sizes[n - 1];
  if (n === 1 || target <= sizes[0] || target >= sizes[n - 1]) {
    weights.fill(0);
    weights[target <= sizes[0] ? 0 : n - 1] = 1;
    return target <= sizes[0] ? sizes[0] : sizes[n - 1];
  }
  const base = weights.slice();
  let bend = 0;
  let low = -Infinity;
  let high = Infinity;
  let mean = 0;
  for (let round = 0; round < 60; round++) {
    let total = 0;
    let first = 0;
    let second = 0;
    // The largest exponent is 0, whichever end it is at.
    const peak = bend > 0 ? 1 : sizes[0] / scale;
    for (let i = 0; i < n; i++) {
      const size = sizes[i] / scale;
      const weight = base[i] * Math.exp(bend * (size - peak));
      weights[i] = weight;
      total += weight;
      first += weight * size;
      second += weight * size * size;
    }
    first /= total;
    mean = first * scale;
    for (let i = 0; i < n; i++) weights[i] /= total;
    const miss = target / scale - first;
    if (Math.abs(miss) < 1e-9 * first) break;
    if (miss > 0) low = bend;
    else high = bend;
    const variance = second / total - first * first;
    let next = bend + miss / variance;
    if (!(next > low && next < high)) {
      if (low === -Infinity) next = 2 * high - 8;
      else if (high === Infinity) next = 2 * low + 8;
      else next = 0.5 * (low + high);
    }
    bend = next;
  }
  return mean;
}

/** Mean of the distribution. */
export function meanOf({ occurrence, sizes, cumulated }: Outcome): number {
  let mean = 0;
  for (let i = 0; i < sizes.length; i++) mean += sizes[i] * (cumulated[i] - (i === 0 ? 0 : cumulated[i - 1]));
  return occurrence * mean;
}

/** The least demand whose probability of not being exceeded is at least `level`. */
export function quantileOf({ occurrence, sizes, cumulated }: Outcome, level: number): number {
  const above = level - (1 - occurrence);
  if (sizes.length === 0 || above <= 1e-12) return 0;
  return sizes[find(cumulated, above / occurrence - 1e-12)];
}

function find(cumulated: Float64Array, share: number): number {
  let low = 0;
  let high = cumulated.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulated[middle] >= share) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Paths of the next steps, path by path. The chance of demand is drawn once per path from a beta distribution of its evidence: its mean is `occurrence`. */
export function sampleOutcome(outcome: Outcome, horizon: number, paths: number, random: Random): Float64Array {
  const { occurrence, sizes, cumulated, evidence } = outcome;
  const out = new Float64Array(horizon * paths);
  if (sizes.length === 0) return out;
  for (let p = 0; p < paths; p++) {
    let chance = occurrence;
    if (occurrence < 1) {
      const yes = gamma(Math.max(1e-3, occurrence * evidence), random);
      const no = gamma(Math.max(1e-3, (1 - occurrence) * evidence), random);
      chance = yes + no > 0 ? yes / (yes + no) : occurrence;
    }
    for (let h = 0; h < horizon; h++) {
      const drawn = random.next() < chance;
      const share = random.next();
      if (drawn) out[p * horizon + h] = sizes[find(cumulated, share)];
    }
  }
  return out;
}

/** A gamma variate of the given shape and scale 1 (Marsaglia & Tsang 2000). */
function gamma(shape: number, random: Random): number {
  if (shape < 1) return gamma(shape + 1, random) * (1 - random.next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
