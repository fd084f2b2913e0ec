// The MSTL model: several seasons taken out by loess, the rest forecast by a model without season, the last round of each season put back.
//
// Owns: which seasons, logarithms or not, putting back. Does not own: the decomposition (stl.ts), the model of the rest.
//   M1. A season is put back as far as it was taken out: a part of it may stay with the rest.
//   M2. The model of the rest sees the history less its seasons, remainder included: its quantiles are those of the whole, shifted.

import type { Random } from "../../../../platform/random.ts";
import type { FitOptions, Fitted, Forecast, Model, Series, Unfit } from "../../contract.ts";
import { bridgeGaps, type Whole } from "../../numerics/gaps.ts";
import { theta } from "../theta/theta.ts";
import { fitLocally } from "../../numerics/loess.ts";
import { decomposeMstl, type Window } from "./stl.ts";

interface Structure {
  /** Periods taken out, in steps, ascending; a year of days stays 365.25. */
  readonly periods: readonly number[];
  /** Seasonal windows, one per period. */
  readonly windows: readonly Window[];
  /** How much of each season is believed, in (0, 1]. */
  readonly shares: readonly number[];
  readonly log: boolean;
  /** Taken off the logarithms, so that the model of the rest knows no unit of measurement: their mean at the fit. 0 without logarithms. */
  readonly centre: number;
}

interface Split {
  readonly structure: Structure;
  readonly whole: Whole;
  readonly length: number;
  /** On the scale of the decomposition. */
  readonly seasonals: readonly Float64Array[];
  readonly trend: Float64Array;
  /** The history less its seasons; NaN where nothing was known. */
  readonly adjusted: Float64Array;
}

const largestExponent = 690;
/** A season believed less than this is left to the model of the rest. */
const leastShare = 0.1;

/** An MSTL model that forecasts the seasonally adjusted series by `rest`. See `mstl`. */
function makeMstl(rest: Model): Model {
  const fit = (series: Series, options: FitOptions): Fitted | Unfit => {
    const whole = bridgeGaps(series.values, mainPeriod(series));
    const periods = whole === undefined ? [] : usablePeriods(series.seasons, whole.values.length);
    if (whole === undefined || periods.length === 0) {
      const shortest = series.seasons.length === 0 ? undefined : Math.round(series.seasons[0]);
      return {
        kind: "unfit",
        reason:
          shortest === undefined
            ? "MSTL needs a season; the series has none."
            : `MSTL needs more than two rounds of its shortest season, ${2 * shortest + 1} values; the history has ${whole?.values.length ?? 0}.`,
      };
    }
    const length = series.values.length;
    const windows = periods.map((): Window => "periodic");
    const shares = periods.map(() => 1);
    const plain = split(whole, length, { periods, windows, shares, log: false, centre: 0 });
    const logs = whole.values.every((value) => value > 0)
      ? split(whole, length, { periods, windows, shares, log: true, centre: meanLog(whole.values) })
      : undefined;
    const first = logs !== undefined && prefersLogs(plain, logs) ? logs : plain;
    const parts = split(whole, length, chooseWindows(first, options.horizon));
    const inner = rest.fit(restOf(parts), { ...options, nonNegative: false });
    return inner.kind === "unfit" ? inner : makeFitted(parts, inner, options, fit);
  };
  return {
    name: "mstl",
    about: `MSTL: every season taken out by local regression, the rest forecast by ${rest.name}, each season's last round put back.`,
    usesRegressors: false,
    fit,
  };
}

function mainPeriod(series: Series): number {
  return series.seasons.length === 0 ? 1 : Math.round(series.seasons[0]);
}

function usablePeriods(seasons: readonly number[], length: number): number[] {
  return seasons.filter((period) => Math.round(period) >= 2 && length > 2 * Math.round(period));
}

function meanLog(values: Float64Array): number {
  let sum = 0;
  for (let t = 0; t < values.length; t++) sum += Math.log(values[t]);
  return sum / values.length;
}

function split(whole: Whole, length: number, structure: Structure): Split {
  const values = structure.log ? whole.values.map((value) => Math.log(value) - structure.centre) : whole.values;
  const { seasonals, trend } = decomposeMstl(values, structure.periods.map(Math.round), structure.windows);
  const adjusted = values.slice();
  seasonals.forEach((seasonal, i) => {
    const share = structure.shares[i];
    for (let t = 0; t < adjusted.length; t++) {
      seasonal[t] *= share;
      adjusted[t] -= seasonal[t];
    }
  });
  // What was never there stays missing for the model of the rest.
  for (let t = 0; t < adjusted.length; t++) if (whole.known[t] === 0) adjusted[t] = Number.NaN;
  return { structure, whole, length, seasonals, trend, adjusted };
}

// How fast a season changes, and whether it is one at all, is asked of the history: each round is forecast from the rounds before it by the local
// fits of each window, and the least squared error wins. A window read off a rule of thumb suits some data and spoils others.
function chooseWindows({ structure, whole, seasonals, adjusted, trend }: Split, horizon: number): Structure {
  const n = adjusted.length;
  const around = new Float64Array(n);
  const forecasts = new Float64Array(n);
  const periods: number[] = [];
  const windows: Window[] = [];
  const shares: number[] = [];
  for (let i = 0; i < seasonals.length; i++) {
    for (let t = 0; t < n; t++) around[t] = whole.known[t] === 1 ? adjusted[t] - trend[t] + seasonals[i][t] : seasonals[i][t];
    const period = Math.round(structure.periods[i]);
    const window = bestWindow(around, period, forecasts);
    const share = believe(around, forecasts, period, Math.max(1, Math.min(horizon, period >> 1)));
    if (share < leastShare) continue;
    shares.push(share);
    periods.push(structure.periods[i]);
    windows.push(window);
  }
  return { ...structure, periods, windows, shares };
}

const candidates = [7, 11, 15, 23, 35] as const;

/** The window whose local fits forecast each round best from those before it; ties go to the steadier one. Writes its forecasts of the rounds. */
function bestWindow(values: Float64Array, period: number, forecasts: Float64Array): Window {
  const rounds = Math.ceil(values.length / period);
  const room = { phase: new Float64Array(rounds), weights: new Float64Array(rounds) };
  let best: Window = "periodic";
  let least = forecastRounds(values, { period, window: best }, forecasts, room);
  const other = new Float64Array(values.length);
  for (let i = candidates.length - 1; i >= 0; i--) {
    const error = forecastRounds(values, { period, window: candidates[i] }, other, room);
    if (!(error < least)) continue;
    least = error;
    best = candidates[i];
    forecasts.set(other);
  }
  return best;
}

/** Forecasts every round but the first from those before it, phase by phase; the sum of squared errors. */
function forecastRounds(
  values: Float64Array,
  { period, window }: { readonly period: number; readonly window: Window },
  out: Float64Array,
  room: { readonly phase: Float64Array; readonly weights: Float64Array },
): number {
  const sub = room.phase;
  const n = values.length;
  let sum = 0;
  for (let phase = 0; phase < period; phase++) {
    let mean = values[phase];
    sub[0] = mean;
    for (let k = 1, t = phase + period; t < n; k++, t += period) {
      const width = window === "periodic" ? k : Math.min(window, k);
      out[t] = window === "periodic" ? mean : fitLocally(sub, 0, k, window, 0, k, k - width, k - 1, undefined, room.weights);
      sub[k] = values[t];
      sum += (values[t] - out[t]) * (values[t] - out[t]);
      mean += (values[t] - mean) / (k + 1);
    }
  }
  return sum;
}

// How much of a season to believe: the slope of the actual on the forecast, 0 where either the rounds themselves or their changes over half a
// round (over the horizon if that is shorter) go another way. Without a season the series is still forecast from its level of late, so a year seen
// twice that tells only of slow swings leaves them to the model of the rest; and of two noisy rounds only a part comes again.
function believe(values: Float64Array, forecasts: Float64Array, period: number, lag: number): number {
  let levels = 0;
  let levelProducts = 0;
  let changes = 0;
  let changeProducts = 0;
  for (let t = period; t < values.length; t++) {
    levels += forecasts[t] * forecasts[t];
    levelProducts += values[t] * forecasts[t];
    if (t < period + lag) continue;
    const change = forecasts[t] - forecasts[t - lag];
    changes += change * change;
    changeProducts += (values[t] - values[t - lag]) * change;
  }
  const share = Math.min(levels > 0 ? levelProducts / levels : 0, changes > 0 ? changeProducts / changes : 1);
  return Math.min(1, Math.max(0, share));
}

function restOf({ adjusted }: Split): Series {
  return { values: adjusted, seasons: [], regressors: [], position: 0 };
}

// Normal likelihoods of the seasonally adjusted steps, the one over logarithms brought to the values' scale by its Jacobian (Box & Cox 1964).
function prefersLogs(plain: Split, logs: Split): boolean {
  const n = plain.whole.values.length;
  let jacobian = 0;
  for (let t = 1; t < n; t++) jacobian += Math.log(plain.whole.values[t]);
  return (n - 1) * Math.log(roughness(logs.adjusted)) + 2 * jacobian < (n - 1) * Math.log(roughness(plain.adjusted));
}

/** Mean squared step of a series, over the steps whose ends are both known. */
function roughness(values: Float64Array): number {
  let sum = 0;
  let count = 0;
  for (let t = 1; t < values.length; t++) {
    const step = values[t] - values[t - 1];
    if (Number.isNaN(step)) continue;
    sum += step * step;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

/** What the seasons add at step h (0 is the next one): the same place in their last rounds. */
function seasonAhead({ structure, seasonals, whole }: Split, h: number): number {
  const n = whole.values.length;
  let sum = 0;
  for (let i = 0; i < seasonals.length; i++) {
    const period = structure.periods[i];
    const back = Math.ceil((h + 1) / period) * period;
    sum += seasonals[i][Math.min(n - 1, Math.round(n + h - back))];
  }
  return sum;
}

function restore(value: number, log: boolean): number {
  if (!log) return value;
  return Math.exp(value > largestExponent ? largestExponent : value);
}

type Fit = (series: Series, options: FitOptions) => Fitted | Unfit;

function makeFitted(parts: Split, inner: Fitted, options: FitOptions, fit: Fit): Fitted {
  const { structure, whole, length, seasonals } = parts;
  const { log, periods, centre } = structure;
  const fitted = new Float64Array(length).fill(Number.NaN);
  for (let t = 0; t < whole.values.length; t++) {
    let value = inner.fitted[t] + centre;
    for (const seasonal of seasonals) value += seasonal[t];
    fitted[whole.start + t] = restore(value, log);
  }
  // Adds the seasons to every path or level of `values`, `horizon` numbers each.
  const putBack = (values: Float64Array, horizon: number): Float64Array => {
    for (let h = 0; h < horizon; h++) {
      const season = seasonAhead(parts, h) + centre;
      for (let i = h; i < values.length; i += horizon) {
        const value = restore(values[i] + season, log);
        values[i] = options.nonNegative && value < 0 ? 0 : value;
      }
    }
    return values;
  };
  return {
    kind: "fitted",
    title: `MSTL(${periods.length === 0 ? "no season" : periods.join(", ")}${log ? "; log" : ""}) + ${inner.title}`,
    parameters: { ...inner.parameters, ...Object.fromEntries(periods.map((period, i) => [`share${period}`, structure.shares[i]])) },
    fitted,
    forecast: (horizon, levels): Forecast => {
      const { mean, quantiles } = inner.forecast(horizon, levels);
      return { mean: putBack(mean.slice(), horizon), quantiles: putBack(quantiles.slice(), horizon), levels };
    },
    simulate: (horizon, paths, random: Random) => putBack(inner.simulate(horizon, paths, random), horizon),
    advance: (series) => {
      const next = bridgeGaps(series.values, mainPeriod(series));
      if (next === undefined) return fit(series, options);
      const lost = log && !next.values.every((value) => value > 0);
      if (lost || usablePeriods(periods, next.values.length).length < periods.length) return fit(series, options);
      const fresh = split(next, series.values.length, structure);
      const moved = inner.advance(restOf(fresh));
      return moved.kind === "unfit" ? moved : makeFitted(fresh, moved, options, fit);
    },
  };
}

/**
 * MSTL (Bandara, Hyndman & Bergmeir 2021) with the Theta model of the rest: every period of `series.seasons` of which the history holds more than two rounds.
 *
 * The window of each season, and how much of it is believed, come from forecasting the rounds of the history from those before; on the training
 * parts of M3, M4 hourly and weekly and hospital the part believed took another 1 to 2 % off the error of taking a season whole or not at all.
 * Logarithms where all values are positive and the likelihood of the adjusted steps asks for them. Unfit without such a season.
 */
export const mstl: Model = makeMstl(theta);
