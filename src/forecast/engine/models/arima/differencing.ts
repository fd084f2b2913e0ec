// How often a series is differenced before it is modelled: D by the strength of its season, then d by KPSS tests.
//
// Owns: differencing and both decisions. Does not own: the rest of the order. All series here are without gaps.

import { decomposeStl } from "../mstl/stl.ts";

/** The series of differences x(t) - x(t - lag), `times` over; shorter by lag * times. */
export function difference(values: Float64Array, lag: number, times: number): Float64Array {
  let current = values;
  for (let i = 0; i < times; i++) {
    const length = Math.max(0, current.length - lag);
    const next = new Float64Array(length);
    for (let t = 0; t < length; t++) next[t] = current[t + lag] - current[t];
    current = next;
  }
  return current;
}

/** Whether nothing but rounding tells the values apart, `scale` being the size of what they were made from. */
function isConstant(values: Float64Array, scale: number): boolean {
  let low = Infinity;
  let high = -Infinity;
  for (let t = 0; t < values.length; t++) {
    if (values[t] < low) low = values[t];
    if (values[t] > high) high = values[t];
  }
  return !(high - low > 1e-10 * scale);
}

/** The 5 % point of the KPSS statistic about a level: Kwiatkowski et al. 1992, table 1. */
const KPSS_LEVEL_5 = 0.463;

/**
 * The KPSS statistic of stationarity about a level: Kwiatkowski, Phillips, Schmidt & Shin 1992, J. Econometrics 54, 159-178, equation 13.
 *
 * The long-run variance has Bartlett weights over 3 sqrt(n) / 13 lags, rounded down.
 */
export function kpss(values: Float64Array): number {
  const n = values.length;
  let mean = 0;
  for (let t = 0; t < n; t++) mean += values[t];
  mean /= n;
  const lags = Math.floor((3 * Math.sqrt(n)) / 13);
  let partial = 0;
  let squares = 0;
  let spread = 0;
  for (let t = 0; t < n; t++) {
    const e = values[t] - mean;
    partial += e;
    squares += partial * partial;
    spread += e * e;
  }
  for (let lag = 1; lag <= lags; lag++) {
    let sum = 0;
    for (let t = lag; t < n; t++) sum += (values[t] - mean) * (values[t - lag] - mean);
    spread += 2 * (1 - lag / (lags + 1)) * sum;
  }
  return squares / (n * spread);
}

/** The least d up to `most` after which KPSS no longer rejects a stationary level at 5 %: Hyndman & Khandakar 2008, section 3.1. */
export function chooseDifferences(values: Float64Array, most: number, scale: number): number {
  let current = values;
  for (let d = 0; d < most; d++) {
    if (current.length < 4 || isConstant(current, scale) || !(kpss(current) > KPSS_LEVEL_5)) return d;
    current = difference(current, 1, 1);
  }
  return most;
}

/** Above this strength a season is differenced: Hyndman & Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), section 9.1. */
const STRONG = 0.64;

/**
 * 1 when the season is strong enough for a seasonal difference, else 0.
 *
 * Strength is 1 - var(rest) / var(season + rest), not below 0 (Wang, Smith & Hyndman 2006), of an STL decomposition.
 */
export function chooseSeasonalDifferences(values: Float64Array, period: number, scale: number): 0 | 1 {
  if (values.length <= 2 * period || isConstant(values, scale)) return 0;
  if (!(seasonalStrength(values, period) > STRONG)) return 0;
  return 1;
}

/** Strength of a season of `period` steps, 0..1; needs more than two rounds. */
function seasonalStrength(values: Float64Array, period: number): number {
  const { trend, seasonal } = decomposeStl(values, period, { seasonal: 11, robust: false });
  const rest = values.map((value, t) => value - trend[t] - seasonal[t]);
  const whole = spreadOf(values.map((value, t) => value - trend[t]));
  return whole > 0 ? Math.max(0, 1 - spreadOf(rest) / whole) : 0;
}

/** Sum of squares about the mean. */
export function spreadOf(values: Float64Array): number {
  let mean = 0;
  for (let t = 0; t < values.length; t++) mean += values[t];
  mean /= values.length;
  let sum = 0;
  for (let t = 0; t < values.length; t++) sum += (values[t] - mean) ** 2;
  return sum;
}
