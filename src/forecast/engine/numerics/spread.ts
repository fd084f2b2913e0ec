// Spread: more quantiles from few, for readers that want all of a fixed list.
//
//   S1. A quantile that is given comes back as it is; none crosses another, whatever lies between them.
//   S2. Between two given levels quantiles lie on a straight line over the normal scale (the line of a normal probability plot), beyond the
//       outermost on the line of the outermost two: exact for a normal distribution, and for a step of it where the two ends are equal.
//   S3. One quantile tells nothing of the spread: then all others are unknown (NaN).

import { normalQuantile } from "./normal.ts";

/** Where a wanted level lies: on the line through two given ones (the same twice: it is given), as a share of the way from `low` to `high`. */
interface Place {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

/**
 * Makes the function from quantiles at `levels` to quantiles at `wanted` (both ascending, in 0..1, exclusive).
 *
 * The values given must not decrease. `floor`: no interpolated value lies below it (demand: 0).
 */
export function makeSpread(
  levels: readonly number[],
  wanted: readonly number[],
  floor = -Infinity,
): (values: readonly number[]) => readonly number[] {
  const scale = levels.map(normalQuantile);
  const places = wanted.map((level): Place | undefined => {
    const same = levels.findIndex((each) => Math.abs(each - level) < 1e-9);
    if (same >= 0) return { low: same, high: same, share: 0 };
    if (levels.length < 2) return undefined;
    const above = levels.findIndex((each) => each > level);
    const high = above < 0 ? levels.length - 1 : Math.max(1, above);
    return { low: high - 1, high, share: (normalQuantile(level) - scale[high - 1]) / (scale[high] - scale[high - 1]) };
  });
  return (values) =>
    places.map((place) => {
      if (place === undefined) return Number.NaN;
      const low = values[place.low];
      const high = values[place.high];
      if (place.low === place.high) return low;
      const value = low + place.share * (high - low);
      // Rounding must not carry a value past the quantile it lies beside.
      const held = place.share < 0 ? Math.min(low, value) : place.share > 1 ? Math.max(high, value) : Math.min(high, Math.max(low, value));
      return Math.max(held, Math.min(floor, low));
    });
}
