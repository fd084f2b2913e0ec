// A distribution from a few of its quantiles.

import { normalQuantile } from "../numerics/normal.ts";

/** Standard normal scores of levels, the abscissa on which quantiles are interpolated. */
export function scoresOf(levels: readonly number[]): Float64Array {
  return Float64Array.from(levels, normalQuantile);
}

/**
 * The value of a distribution at the standard normal score `z`, from its quantiles `values[at + i * stride]` at `scores[i]`, ascending.
 *
 * Straight lines over normal scores between the levels (exact for a normal distribution), the outermost lines continued beyond them, but no tail
 * is longer than twice the outermost line's span. One level alone is a point.
 */
export function valueAt(scores: Float64Array, values: ArrayLike<number>, at: number, stride: number, z: number): number {
  const last = scores.length - 1;
  if (last === 0) return values[at];
  let i = 0;
  while (i < last - 1 && z > scores[i + 1]) i++;
  const share = (z - scores[i]) / (scores[i + 1] - scores[i]);
  const low = values[at + i * stride];
  return low + Math.max(-2, Math.min(3, share)) * (values[at + (i + 1) * stride] - low);
}

/** The normal score at which the distribution takes `value`, clamped to [-limit, limit]: the inverse of `valueAt`, the middle of flat stretches. */
export function scoreAt(scores: Float64Array, values: ArrayLike<number>, at: number, stride: number, value: number, limit: number): number {
  const last = scores.length - 1;
  const clamp = (z: number): number => Math.max(-limit, Math.min(limit, z));
  if (last === 0) return value < values[at] ? -limit : value > values[at] ? limit : 0;
  let low = -1;
  let high = -1;
  for (let i = 0; i <= last; i++) {
    if (values[at + i * stride] === value) {
      if (low < 0) low = i;
      high = i;
    }
  }
  // A flat stretch (often at zero) holds this value with the whole probability between its ends; an open end reaches out to the limit.
  if (low >= 0 && high > low) return clamp(((low === 0 ? -limit : scores[low]) + (high === last ? limit : scores[high])) / 2);
  let i = 0;
  while (i < last - 1 && value > values[at + (i + 1) * stride]) i++;
  const from = values[at + i * stride];
  const rise = values[at + (i + 1) * stride] - from;
  if (!(rise > 0)) return value < from ? -limit : limit;
  return clamp(scores[i] + ((value - from) / rise) * (scores[i + 1] - scores[i]));
}
