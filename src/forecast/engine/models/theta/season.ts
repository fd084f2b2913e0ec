// The season of the Theta method: is there one, and what are its indices.

/** How a season joins the rest of a series. */
export type SeasonForm = "none" | "additive" | "multiplicative";

/** Seasonal indices by phase (index t mod season), of mean 0 or 1. */
export interface SeasonIndices {
  readonly form: SeasonForm;
  /** Length: season; empty for `none`. */
  readonly indices: Float64Array;
}

/** No season. */
export const seasonless: SeasonIndices = { form: "none", indices: new Float64Array(0) };

/**
 * Whether a history without holes is seasonal: its autocorrelation at the lag of the season passes the two-sided 90 % bound under Bartlett's
 * variance from the shorter lags (Assimakopoulos & Nikolopoulos 2000, section 3.3). Needs more than two rounds.
 */
export function hasSeason(values: Float64Array, season: number): boolean {
  const n = values.length;
  if (season < 2 || n <= 2 * season) return false;
  let mean = 0;
  for (let t = 0; t < n; t++) mean += values[t];
  mean /= n;
  const centred = new Float64Array(n);
  let power = 0;
  for (let t = 0; t < n; t++) {
    centred[t] = values[t] - mean;
    power += centred[t] * centred[t];
  }
  if (!(power > 1e-20 * n * mean * mean)) return false;
  let squares = 0;
  let last = 0;
  for (let lag = 1; lag <= season; lag++) {
    let sum = 0;
    for (let t = lag; t < n; t++) sum += centred[t] * centred[t - lag];
    last = sum / power;
    if (lag < season) squares += last * last;
  }
  return Math.abs(last) > 1.6448536269514722 * Math.sqrt((1 + 2 * squares) / n);
}

/** Classical decomposition (Makridakis, Wheelwright & Hyndman 1998, section 3.4): centred moving average, then means of the deviations by phase. */
export function classicalIndices(values: Float64Array, season: number, form: "additive" | "multiplicative"): SeasonIndices {
  const n = values.length;
  const sums = new Float64Array(season);
  const counts = new Int32Array(season);
  const half = Math.floor(season / 2);
  const even = season % 2 === 0;
  let window = 0;
  for (let t = 0; t < season; t++) window += values[t];
  // `window` holds values[t - half .. t - half + season) at each centre t.
  for (let t = half; t + half < n; t++) {
    const first = t - half;
    const trend = even ? (window + 0.5 * (values[first + season] - values[first])) / season : window / season;
    sums[t % season] += form === "additive" ? values[t] - trend : values[t] / trend;
    counts[t % season]++;
    if (first + season < n) window += values[first + season] - values[first];
  }
  let mean = 0;
  for (let p = 0; p < season; p++) {
    sums[p] = counts[p] > 0 ? sums[p] / counts[p] : form === "additive" ? 0 : 1;
    mean += sums[p] / season;
  }
  for (let p = 0; p < season; p++) sums[p] = form === "additive" ? sums[p] - mean : sums[p] / mean;
  return { form, indices: sums };
}

/** The indices a Theta model takes: multiplicative for positive values, additive otherwise, none without a season. */
export function findSeason(values: Float64Array, season: number): SeasonIndices {
  if (!hasSeason(values, season)) return seasonless;
  let positive = true;
  for (let t = 0; t < values.length && positive; t++) positive = values[t] > 0;
  if (positive) {
    const found = classicalIndices(values, season, "multiplicative");
    // An index near zero would blow its phase up when divided by.
    if (found.indices.every((index) => index > 0.01)) return found;
  }
  return classicalIndices(values, season, "additive");
}

/** Takes the season out of `values`; a new array. */
export function deseason(values: Float64Array, season: SeasonIndices): Float64Array {
  const { form, indices } = season;
  if (form === "none") return values.slice();
  const out = new Float64Array(values.length);
  for (let t = 0; t < out.length; t++) {
    const index = indices[t % indices.length];
    out[t] = form === "additive" ? values[t] - index : values[t] / index;
  }
  return out;
}
