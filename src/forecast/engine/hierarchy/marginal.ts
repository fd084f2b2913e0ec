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

const points = 40;
const middleScores = Float64Array.from({ length: points }, (_, k) => normalQuantile((k + 0.5) / points));

/** Root mean square distance of a distribution, given as in `valueAt`, from `centre`. */
export function spreadAround(centre: number, scores: Float64Array, values: ArrayLike<number>, at: number, stride: number): number {
  let sum = 0;
  for (let k = 0; k < points; k++) sum += (valueAt(scores, values, at, stride, middleScores[k]) - centre) ** 2;
  return Math.sqrt(sum / points);
}
