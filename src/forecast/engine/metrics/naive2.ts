// Naive2, the benchmark of the M competitions: the last value, seasonally adjusted where the season is significant.
//
// Source: Makridakis, Spiliotis and Assimakopoulos 2020, "The M4 Competition", appendix A: a 90 % autocorrelation test, then classical
// multiplicative decomposition by moving averages.

/**
 * Forecasts with Naive2; the seasonal lag is the M4 one (1: no season).
 *
 * Missing values are carried over from the one before; a history without any value forecasts zeros.
 */
export function naive2(history: Float64Array, lag: number, horizon: number): Float64Array {
  const values = carried(history);
  const out = new Float64Array(horizon);
  if (values.length === 0) return out;
  const indices = lag > 1 && isSeasonal(values, lag) ? seasonalIndices(values, lag) : undefined;
  const last = values.length - 1;
  for (let h = 0; h < horizon; h++) {
    out[h] = indices === undefined ? values[last] : (values[last] / indices[last % lag]) * indices[(last + 1 + h) % lag];
  }
  return out;
}

function carried(history: Float64Array): Float64Array {
  let first = 0;
  while (first < history.length && Number.isNaN(history[first])) first++;
  const values = history.slice(first);
  for (let t = 1; t < values.length; t++) if (Number.isNaN(values[t])) values[t] = values[t - 1];
  return values;
}

/** Whether the autocorrelation at `lag` is outside its 90 % band (Bartlett); false below three full seasons. */
export function isSeasonal(values: Float64Array, lag: number): boolean {
  const n = values.length;
  if (n < 3 * lag) return false;
  let mean = 0;
  for (const value of values) mean += value / n;
  let variance = 0;
  for (const value of values) variance += (value - mean) ** 2;
  if (!(variance > 0)) return false;
  const correlation = (k: number): number => {
    let sum = 0;
    for (let t = k; t < n; t++) sum += (values[t] - mean) * (values[t - k] - mean);
    return sum / variance;
  };
  let squares = 0;
  for (let k = 1; k < lag; k++) squares += correlation(k) ** 2;
  return Math.abs(correlation(lag)) > 1.645 * Math.sqrt((1 + 2 * squares) / n);
}

/** Multiplicative indices by position in the season, with mean one; all ones where the values allow no division. */
function seasonalIndices(values: Float64Array, lag: number): Float64Array {
  const sums = new Float64Array(lag);
  const counts = new Float64Array(lag);
  const half = lag >> 1;
  const even = lag % 2 === 0;
  for (let t = half; t + half < values.length; t++) {
    let trend = 0;
    for (let k = -half; k <= half; k++) trend += values[t + k] * (even && Math.abs(k) === half ? 0.5 : 1);
    trend /= lag;
    const ratio = values[t] / trend;
    if (!Number.isFinite(ratio)) continue;
    sums[t % lag] += ratio;
    counts[t % lag]++;
  }
  const indices = sums.map((sum, i) => (counts[i] > 0 ? sum / counts[i] : 1));
  const mean = indices.reduce((total, each) => total + each, 0) / lag;
  const sound = mean > 0 && indices.every((each) => each > 0);
  return sound ? indices.map((each) => each / mean) : indices.fill(1);
}
