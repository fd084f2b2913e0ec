// Loess: local regression of equally spaced values, as seasonal-trend decomposition uses it.
//
// After Cleveland, Cleveland, McRae & Terpenning 1990, "STL: A seasonal-trend decomposition procedure based on loess", section 2 and 6.
// Positions count from 0. Nothing here allocates.
// Positional parameters stay in inner loops: an object for every call cost 11 % of CPU (decisions/typescript.md).

/**
 * The local fit of `degree` 0 or 1 at position `at` from values `[left, right]` of a series of `length`, tricube weights times `robustness`.
 *
 * The reach of the weights is the farther end of the window, and longer by half of what `window` exceeds the series. Returns NaN where all
 * weights are zero. `weights` is room for at least right - left + 1 numbers.
 */
export function fitLocally(
  values: Float64Array,
  offset: number,
  length: number,
  window: number,
  degree: 0 | 1,
  at: number,
  left: number,
  right: number,
  robustness: Float64Array | undefined,
  weights: Float64Array,
): number {
  let reach = Math.max(at - left, right - at);
  if (window > length) reach += Math.floor((window - length) / 2);
  const far = 0.999 * reach;
  const near = 0.001 * reach;
  let total = 0;
  for (let j = left; j <= right; j++) {
    const distance = Math.abs(j - at);
    let weight = 0;
    if (distance <= far) {
      weight = 1;
      if (distance > near) {
        const ratio = distance / reach;
        const rest = 1 - ratio * ratio * ratio;
        weight = rest * rest * rest;
      }
      if (robustness !== undefined) weight *= robustness[offset + j];
      total += weight;
    }
    weights[j - left] = weight;
  }
  if (!(total > 0)) return Number.NaN;
  let sum = 0;
  let centre = 0;
  for (let j = left; j <= right; j++) {
    const weight = weights[j - left];
    sum += weight * values[offset + j];
    centre += weight * j;
  }
  const mean = sum / total;
  if (degree === 0 || reach === 0) return mean;
  centre /= total;
  let spread = 0;
  let slope = 0;
  for (let j = left; j <= right; j++) {
    const weight = weights[j - left] * (j - centre);
    spread += weight * (j - centre);
    slope += weight * values[offset + j];
  }
  spread /= total;
  // All weight on one point: a line has no slope there.
  if (Math.sqrt(spread) <= 0.001 * (length - 1)) return mean;
  return mean + ((at - centre) * (slope / total)) / spread;
}

/**
 * Smooths `values[offset .. offset + length)` into `out[to .. to + length)`.
 *
 * `window` points (odd) take part in each local fit; fits are made at every `jump`-th position and at the last one, with straight lines between.
 * `weights` is room for min(window, length) numbers. `values` and `out` must not overlap.
 */
export function smoothLoess(
  values: Float64Array,
  offset: number,
  length: number,
  window: number,
  degree: 0 | 1,
  jump: number,
  robustness: Float64Array | undefined,
  out: Float64Array,
  to: number,
  weights: Float64Array,
): void {
  if (length < 2) {
    if (length === 1) out[to] = values[offset];
    return;
  }
  const step = Math.max(1, Math.min(jump, length - 1));
  const half = (window - 1) >> 1;
  let inner = 0;
  if (robustness === undefined && window < length) {
    // Away from the ends the window is centred and the fit is one and the same weighted mean, of whatever degree: the weights of one side.
    inner = 1;
    for (let r = 1; r <= half; r++) {
      const ratio = r / half;
      const rest = ratio <= 0.999 ? 1 - ratio * ratio * ratio : 0;
      weights[r] = ratio > 0.001 ? rest * rest * rest : 1;
      inner += 2 * weights[r];
    }
  }
  const latest = length - window;
  for (let t = 0; t < length; t += step) {
    if (inner > 0 && t >= half && t - half <= latest) {
      let sum = values[offset + t];
      for (let r = 1; r < half; r++) sum += weights[r] * (values[offset + t - r] + values[offset + t + r]);
      out[to + t] = sum / inner;
    } else if (inner === 0) {
      out[to + t] = fitAt(values, offset, length, window, degree, t, robustness, weights);
    }
  }
  if (inner > 0) {
    // The ends use the same room for weights of their own: they come last.
    for (let t = 0; t < length; t += step) {
      if (t < half || t - half > latest) out[to + t] = fitAt(values, offset, length, window, degree, t, robustness, weights);
    }
  }
  const final = Math.floor((length - 1) / step) * step;
  if (final < length - 1) out[to + length - 1] = fitAt(values, offset, length, window, degree, length - 1, robustness, weights);
  if (step === 1) return;
  for (let t = 0; t < length - 1; t += step) {
    const next = Math.min(t + step, length - 1);
    const slope = (out[to + next] - out[to + t]) / (next - t);
    for (let s = t + 1; s < next; s++) out[to + s] = out[to + t] + slope * (s - t);
  }
}

function fitAt(
  values: Float64Array,
  offset: number,
  length: number,
  window: number,
  degree: 0 | 1,
  at: number,
  robustness: Float64Array | undefined,
  weights: Float64Array,
): number {
  const width = Math.min(window, length);
  const left = Math.max(0, Math.min(at - ((window - 1) >> 1), length - width));
  const value = fitLocally(values, offset, length, window, degree, at, left, left + width - 1, robustness, weights);
  return Number.isNaN(value) ? values[offset + at] : value;
}
