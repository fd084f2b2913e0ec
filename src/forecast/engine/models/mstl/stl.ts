// STL and MSTL: a series as trend + seasons + remainder, by loess.
//
// Owns: the decomposition of a whole series. Does not own: gaps, logarithms, forecasts (mstl.ts).
//   S1. trend + seasonal + remainder = values, exactly what was taken away.
//   S2. Buffers are made once per decomposition; the loops allocate nothing.

import { fitLocally, smoothLoess } from "../../numerics/loess.ts";

/** A seasonal window in rounds (odd), or a season that never changes. */
export type Window = number | "periodic";

/** What one season's decomposition does. */
export interface StlOptions {
  readonly seasonal: Window;
  /** Bisquare weights against outliers: 15 outer rounds of one inner, instead of two inner ones. */
  readonly robust: boolean;
}

/** One season. Lengths: those of the values. */
export interface StlParts {
  readonly trend: Float64Array;
  readonly seasonal: Float64Array;
}

const nextOdd = (x: number): number => {
  const whole = Math.round(x);
  return whole % 2 === 0 ? whole + 1 : whole;
};

/**
 * Decomposes `values` (whole, longer than two periods) by STL (Cleveland et al. 1990): seasonal degree 0, trend and low-pass degree 1, the
 * paper's default windows (trend: the least odd number >= 1.5 period / (1 - 1.5 / seasonal); low-pass: the least odd one >= period), jumps of a
 * tenth of each window.
 */
export function decomposeStl(values: Float64Array, period: number, options: StlOptions): StlParts {
  const n = values.length;
  const periodic = options.seasonal === "periodic";
  const seasonalWindow = options.seasonal === "periodic" ? 10 * n + 1 : nextOdd(options.seasonal);
  const trendWindow = nextOdd(Math.ceil((1.5 * period) / (1 - 1.5 / seasonalWindow)));
  const lowWindow = nextOdd(period);
  const padded = n + 2 * period;
  const rounds = Math.ceil(n / period);
  const seasonal = new Float64Array(n);
  const trend = new Float64Array(n);
  const cycle = new Float64Array(padded);
  const averaged = new Float64Array(padded);
  const twice = new Float64Array(padded);
  const rest = new Float64Array(n);
  const sub = new Float64Array(rounds);
  const subOut = new Float64Array(rounds);
  const subWeights = options.robust ? new Float64Array(rounds) : undefined;
  const robustness = options.robust ? new Float64Array(n).fill(1) : undefined;
  const room = new Float64Array(Math.max(rounds, Math.min(n, Math.max(trendWindow, lowWindow))) + 1);
  const seasonalJump = Math.ceil(seasonalWindow / 10);
  const outer = options.robust ? 15 : 0;
  const inner = options.robust ? 1 : 2;
  for (let round = 0; ; round++) {
    const weights = round === 0 ? undefined : robustness;
    for (let pass = 0; pass < inner; pass++) {
      for (let t = 0; t < n; t++) rest[t] = values[t] - trend[t];
      for (let phase = 0; phase < period; phase++) {
        const count = Math.floor((n - 1 - phase) / period) + 1;
        for (let i = 0; i < count; i++) sub[i] = rest[phase + i * period];
        let own: Float64Array | undefined;
        if (weights !== undefined && subWeights !== undefined) {
          for (let i = 0; i < count; i++) subWeights[i] = weights[phase + i * period];
          own = subWeights;
        }
        smoothLoess(sub, 0, count, seasonalWindow, 0, seasonalJump, own, subOut, 0, room);
        const width = Math.min(seasonalWindow, count);
        const before = fitLocally(sub, 0, count, seasonalWindow, 0, -1, 0, width - 1, own, room);
        const after = fitLocally(sub, 0, count, seasonalWindow, 0, count, count - width, count - 1, own, room);
        cycle[phase] = Number.isNaN(before) ? subOut[0] : before;
        for (let i = 0; i < count; i++) cycle[phase + (i + 1) * period] = subOut[i];
        cycle[phase + (count + 1) * period] = Number.isNaN(after) ? subOut[count - 1] : after;
      }
      // Low-pass: two moving averages of a period and one of three, each shorter by its window less one, then loess.
      movingAverage(cycle, padded, period, averaged);
      movingAverage(averaged, padded - period + 1, period, twice);
      movingAverage(twice, n + 2, 3, averaged);
      smoothLoess(averaged, 0, n, lowWindow, 1, Math.ceil(lowWindow / 10), undefined, rest, 0, room);
      for (let t = 0; t < n; t++) seasonal[t] = cycle[period + t] - rest[t];
      for (let t = 0; t < n; t++) rest[t] = values[t] - seasonal[t];
      smoothLoess(rest, 0, n, trendWindow, 1, Math.ceil(trendWindow / 10), weights, trend, 0, room);
    }
    if (round >= outer || robustness === undefined) break;
    weigh(values, seasonal, trend, robustness, rest);
  }
  if (periodic) averageByPhase(seasonal, period);
  return { trend, seasonal };
}

function movingAverage(values: Float64Array, length: number, window: number, out: Float64Array): void {
  let sum = 0;
  for (let t = 0; t < window; t++) sum += values[t];
  out[0] = sum / window;
  for (let t = window; t < length; t++) {
    sum += values[t] - values[t - window];
    out[t - window + 1] = sum / window;
  }
}

/** Bisquare weights of the remainder at six times its median size. */
function weigh(values: Float64Array, seasonal: Float64Array, trend: Float64Array, robustness: Float64Array, sorted: Float64Array): void {
  const n = values.length;
  for (let t = 0; t < n; t++) {
    robustness[t] = Math.abs(values[t] - seasonal[t] - trend[t]);
    sorted[t] = robustness[t];
  }
  sorted.sort();
  const bound = 3 * (sorted[(n - 1) >> 1] + sorted[n >> 1]);
  for (let t = 0; t < n; t++) {
    const size = robustness[t];
    const ratio = size / bound;
    const rest = 1 - ratio * ratio;
    robustness[t] = size <= 0.001 * bound ? 1 : size <= 0.999 * bound ? rest * rest : 0;
  }
}

function averageByPhase(seasonal: Float64Array, period: number): void {
  const n = seasonal.length;
  for (let phase = 0; phase < period; phase++) {
    let sum = 0;
    let count = 0;
    for (let t = phase; t < n; t += period) {
      sum += seasonal[t];
      count++;
    }
    for (let t = phase; t < n; t += period) seasonal[t] = sum / count;
  }
}

/** Several seasons. Lengths: those of the values. */
export interface MstlParts {
  readonly trend: Float64Array;
  /** One per period given, in order. */
  readonly seasonals: readonly Float64Array[];
}

/**
 * Decomposes `values` by several seasons (Bandara, Hyndman & Bergmeir 2021, "MSTL"): STL on each period in turn, ascending, the others' seasons
 * taken out; two rounds; seasonal windows 11, 15, 19, ... unless `windows` says otherwise. Each period is a whole number < length / 2.
 */
export function decomposeMstl(values: Float64Array, periods: readonly number[], windows?: readonly Window[]): MstlParts {
  const n = values.length;
  const seasonals = periods.map(() => new Float64Array(n));
  const rest = values.slice();
  let trend: Float64Array = new Float64Array(n);
  const rounds = periods.length > 1 ? 2 : 1;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < periods.length; i++) {
      const former = seasonals[i];
      for (let t = 0; t < n; t++) rest[t] += former[t];
      const parts = decomposeStl(rest, periods[i], { seasonal: windows?.[i] ?? 11 + 4 * i, robust: false });
      trend = parts.trend;
      former.set(parts.seasonal);
      for (let t = 0; t < n; t++) rest[t] -= former[t];
    }
  }
  return { trend, seasonals };
}
