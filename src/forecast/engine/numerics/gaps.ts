// Gaps: a history with holes made whole for methods that need every value, with a note of which values are real.

/** A history from its first value to its end, without holes. */
export interface Whole {
  /** Index in the given history of `values[0]`. */
  readonly start: number;
  /** Finite throughout. */
  readonly values: Float64Array;
  /** 1 where the value was there, 0 where it was bridged. */
  readonly known: Uint8Array;
  /** How many were there. */
  readonly count: number;
}

/**
 * Bridges the missing values (anything not finite) of a history; values before the first one are dropped.
 *
 * With a `season` (whole steps, >= 2) and two rounds of it, a hole takes the straight line between its neighbours' deviations from the means of
 * their phases, plus the mean of its own phase; otherwise the straight line between its neighbours. A hole at the end keeps the last level.
 * Returns undefined when no value is there.
 */
export function bridgeGaps(history: Float64Array, season: number): Whole | undefined {
  let start = 0;
  while (start < history.length && !Number.isFinite(history[start])) start++;
  const length = history.length - start;
  if (length === 0) return undefined;
  const values = history.slice(start);
  const known = new Uint8Array(length);
  let count = 0;
  for (let t = 0; t < length; t++) {
    if (Number.isFinite(values[t])) {
      known[t] = 1;
      count++;
    }
  }
  if (count < length) {
    const base = season >= 2 && length >= 2 * season ? phaseMeans(values, known, season) : undefined;
    let last = 0;
    for (let t = 1; t < length; t++) {
      if (known[t] === 1) {
        bridge(values, last, t, base);
        last = t;
      }
    }
    const level = values[last] - (base === undefined ? 0 : base[last % season]);
    for (let t = last + 1; t < length; t++) values[t] = level + (base === undefined ? 0 : base[t % season]);
  }
  return { start, values, known, count };
}

function bridge(values: Float64Array, from: number, to: number, base: Float64Array | undefined): void {
  const season = base === undefined ? 1 : base.length;
  const a = values[from] - (base === undefined ? 0 : base[from % season]);
  const b = values[to] - (base === undefined ? 0 : base[to % season]);
  for (let t = from + 1; t < to; t++) {
    values[t] = a + ((b - a) * (t - from)) / (to - from) + (base === undefined ? 0 : base[t % season]);
  }
}

/** Means by phase, of one that was never seen (a closed day) that of the others; undefined when that is true of two thirds of them. */
function phaseMeans(values: Float64Array, known: Uint8Array, season: number): Float64Array | undefined {
  const sums = new Float64Array(season);
  const counts = new Int32Array(season);
  for (let t = 0; t < values.length; t++) {
    if (known[t] === 0) continue;
    sums[t % season] += values[t];
    counts[t % season]++;
  }
  let [total, seen] = [0, 0];
  for (let p = 0; p < season; p++) {
    if (counts[p] === 0) continue;
    sums[p] /= counts[p];
    total += sums[p];
    seen++;
  }
  if (3 * seen < season) return undefined;
  for (let p = 0; p < season; p++) if (counts[p] === 0) sums[p] = total / seen;
  return sums;
}
