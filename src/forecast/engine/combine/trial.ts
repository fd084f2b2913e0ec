// One series tried with every candidate: each backtest window and the future.
//
// Owns: cuts, what is shown to a model, the form of a trial. Does not own: which models there are, what the errors are worth.
//   T1. At a cut a model sees `values[0..cut)` and of the regressors nothing past cut + horizon.
//   T2. Events whose lift is known at a cut are taken out of what a model is shown there, and put onto what it says (engine/events).
//   T3. Which candidates serve a window, and the group, are decided from what lay before the first cut.

import type { Fitted, FitOptions, Forecast, Series } from "../contract.ts";
import { liftAt, raise, withoutLift } from "../events/raise.ts";
import { scaleOf } from "../metrics/metrics.ts";
import { candidatesFor } from "./candidates.ts";
import { closedSteps, withoutClosed } from "./closed.ts";
import { isOfCalendar } from "../calendar/holidays.ts";
import { inSeason, withoutSeason } from "./yearly.ts";
import type { CandidateName, GivenForecast, MixOptions, Trial } from "./contract.ts";
import { groupOf, profileSeries } from "./profile.ts";

/** Windows from which the weights of later ones are learned; more are tried than asked for when fewer are. */
const learningWindows = 3;
/** The levels every trial has, whatever is asked for. */
const ownLevels = [0.1, 0.5, 0.9];

/** The levels of a trial: those asked for and the mix's own, ascending. */
export function trialLevels(levels: readonly number[]): readonly number[] {
  const missing = ownLevels.filter((own) => !levels.some((level) => Math.abs(level - own) < 1e-9));
  return [...levels, ...missing].toSorted((a, b) => a - b);
}

/** What is known of a series from its company. */
export interface Company {
  /** Tells series apart that should not share weights. */
  readonly group?: string;
  /** A long season, on the steps up to a cut of the series and a horizon beyond it (yearly.ts). */
  readonly yearly?: (end: number) => Float64Array | undefined;
}

/**
 * Tries every candidate on one series. Pure: the random stream is forked from `options.random` by `key`, which must be the series' own.
 *
 * `given` are forecasts made elsewhere, weighed like the others. Never throws for a
 * strange series: a candidate that cannot serve it is listed in `unfit`.
 */
export function tryModels(
  key: string,
  series: Series,
  options: MixOptions,
  given: readonly GivenForecast[] = [],
  company: Company = {},
): Trial {
  const { group = "", yearly } = company;
  const { values } = series;
  const { horizon } = options;
  const levels = trialLevels(options.levels);
  const { cuts, asked } = chooseCuts(series, options);
  const seenAt = makePasts(series, options.nonNegative);
  const plain = seenAt(values.length);
  const plainBefore = cuts.length === 0 ? plain : seenAt(cuts[0]);
  const whole = profileSeries(plain);
  const before = cuts.length === 0 ? whole : profileSeries(plainBefore, cuts[0]);
  const early = new Set(candidatesFor(before, plainBefore, options));
  const late = new Set(candidatesFor(whole, plain, options));
  const locals = [...new Set([...early, ...late])];
  const models: CandidateName[] = [...locals.map((each) => each.name), ...given.map((each) => each.name)];
  const windows = cuts.length;
  const block = levels.length * horizon;
  const trial = {
    key,
    profile: whole,
    group: group + groupOf(before),
    futureGroup: group + groupOf(whole),
    informed: plain.regressors.some(({ name }) => !isOfCalendar(name)),
    scale: unitOf(values.subarray(0, cuts.length === 0 ? values.length : cuts[0]), whole.lag),
    levels,
    horizon,
    models,
    titles: models.map(() => ""),
    unfit: [] as { model: CandidateName; reason: string }[],
    cuts,
    asked,
    actuals: new Float64Array(windows * horizon).fill(Number.NaN),
    means: new Float32Array(models.length * windows * horizon).fill(Number.NaN),
    quantiles: new Float32Array(models.length * windows * block).fill(Number.NaN),
    futureMeans: new Float64Array(models.length * horizon).fill(Number.NaN),
    futureQuantiles: new Float64Array(models.length * block).fill(Number.NaN),
  } satisfies Trial;
  for (let w = 0; w < windows; w++) trial.actuals.set(values.subarray(cuts[w], cuts[w] + horizon), w * horizon);

  // By window and then of the future: steps on which nothing ever sells.
  const closed = [...cuts, values.length].map((end) => (options.nonNegative ? closedSteps(series, end, horizon) : undefined));
  const endOf = (w: number): number => (w === windows ? values.length : cuts[w]);
  const keep = (m: number, w: number, given: Forecast): void => {
    const forecast = raise(hush(given, closed[w]), liftAt(series, endOf(w)));
    if (w === windows) {
      trial.futureMeans.set(forecast.mean, m * horizon);
      trial.futureQuantiles.set(forecast.quantiles, m * block);
    } else {
      trial.means.set(forecast.mean, (m * windows + w) * horizon);
      trial.quantiles.set(forecast.quantiles, (m * windows + w) * block);
    }
  };

  const seasoned = (name: CandidateName, w: number, forecast: Forecast): Forecast =>
    inSeason(name, forecast, yearly?.(endOf(w)), seenAt(endOf(w)).values.subarray(0, endOf(w)));

  const own = options.random.fork(key);
  for (const [m, candidate] of locals.entries()) {
    const random = own.fork(candidate.name);
    const fit: FitOptions = { horizon, random, nonNegative: options.nonNegative };
    let fitted: Fitted | undefined;
    for (let w = 0; w <= windows; w++) {
      if (!(w === windows ? late : early).has(candidate)) continue;
      const end = endOf(w);
      const bare = seenAt(end);
      const season = yearly?.(end);
      const ordinary = withoutSeason(candidate.name, bare.values.subarray(0, end), season);
      const shown = show({ ...bare, values: ordinary }, end, horizon, candidate.limit);
      const anew = fitted === undefined || shown.values.length < candidate.refitBelow;
      const result = anew || fitted === undefined ? candidate.model.fit(shown, fit) : fitted.advance(shown);
      if (result.kind === "unfit") {
        if (w === windows) trial.unfit.push({ model: candidate.name, reason: result.reason });
        continue;
      }
      fitted = result;
      const forecast = result.forecast(horizon, levels);
      const sound = isSound(forecast, largestOf(values.subarray(0, end)));
      if (sound) keep(m, w, seasoned(candidate.name, w, forecast));
      if (w === windows && sound) trial.titles[m] = result.title;
      if (w === windows && !sound) trial.unfit.push({ model: candidate.name, reason: "Its forecast left every bound of the history." });
    }
  }
  for (const [i, each] of given.entries()) {
    const m = locals.length + i;
    for (let w = 0; w < asked; w++) {
      const forecast = each.windows[each.windows.length - asked + w];
      if (forecast !== undefined) keep(m, windows - asked + w, seasoned(each.name, windows - asked + w, atLevels(forecast, levels)));
    }
    if (each.future === undefined) continue;
    keep(m, windows, seasoned(each.name, windows, atLevels(each.future, levels)));
    trial.titles[m] = each.name;
  }
  return trial;
}

/** What lay before an instant as models see it: without what events did, and of demand without closed steps. */
function makePasts(series: Series, nonNegative: boolean): (end: number) => Series {
  const seen = new Map<number, Series>();
  return (end) => {
    let found = seen.get(end);
    if (found !== undefined) return found;
    const bare = withoutLift(series, end);
    found = nonNegative ? { ...bare, values: withoutClosed(bare, end) } : bare;
    seen.set(end, found);
    return found;
  };
}

/** The grid indexes of a panel at which any of its series may have a cut, latest first. */
export function possibleCuts({ windows, offset, horizon }: Omit<MixOptions, "random">, length: number): readonly number[] {
  const latest = length - Math.max(offset, horizon);
  return Array.from({ length: Math.max(windows, learningWindows) }, (_, w) => latest - w * horizon).filter((cut) => cut > 0);
}

/** Cuts from the end of the history backwards, one horizon apart, as far as enough lies before them; and how many of them were asked for. */
function chooseCuts(series: Series, options: MixOptions): { cuts: Int32Array; asked: number } {
  const { horizon, windows } = options;
  const { values, seasons } = series;
  const lag = seasons.length === 0 ? 1 : Math.round(seasons[0]);
  let first = 0;
  while (first < values.length && Number.isNaN(values[first])) first++;
  const latest = values.length - Math.max(options.offset, horizon);
  const cuts: number[] = [];
  let asked = 0;
  for (let cut = latest; cuts.length < Math.max(windows, learningWindows); cut -= horizon) {
    const past = cut - first;
    const isAsked = cuts.length < windows;
    // A window that was asked for needs a past; one to learn from needs a past that resembles the series' own.
    if (past < (isAsked ? 2 : Math.max(8, 2 * lag + 2, 0.4 * (values.length - first)))) break;
    cuts.unshift(cut);
    if (isAsked) asked++;
  }
  return { cuts: Int32Array.from(cuts), asked };
}

/** The series as it stood before `end`, its latest `limit` steps. */
function show(series: Series, end: number, horizon: number, limit: number): Series {
  const start = Math.max(0, end - limit);
  return {
    values: series.values.subarray(start, end),
    seasons: series.seasons,
    regressors: series.regressors.map(({ name, values }) => ({ name, values: values.subarray(start, end + horizon) })),
    position: series.position + start,
  };
}

/** A unit of error for a series: its mean absolute seasonal change, or else its mean size, or else one. */
function unitOf(past: Float64Array, lag: number): number {
  const { absolute } = scaleOf(past, lag);
  if (absolute > 0) return absolute;
  let sum = 0;
  let known = 0;
  for (const value of past) {
    if (Number.isNaN(value)) continue;
    sum += Math.abs(value);
    known++;
  }
  return sum > 0 ? sum / known : 1;
}

/** No mean of a sound model lies farther out than this many times the largest value known, no quantile than ten times that. */
const mostMean = 1e3;
/** Nor is one step in ten expected beyond this many times the largest value known: a multiplicative error whose spread explodes is no forecast. */
const mostUsual = 20;

/** The largest value known; 1 where all are nothing. */
function largestOf(values: Float64Array): number {
  let largest = 0;
  for (const value of values) if (Math.abs(value) > largest) largest = Math.abs(value);
  return largest === 0 ? 1 : largest;
}

function isSound({ mean, levels, quantiles }: Forecast, largest: number): boolean {
  for (const value of mean) if (!(Math.abs(value) <= mostMean * largest)) return false;
  for (const [l, level] of levels.entries()) {
    const most = (level > 0.1 - 1e-9 && level < 0.9 + 1e-9 ? mostUsual : 10 * mostMean) * largest;
    for (let h = 0; h < mean.length; h++) if (!(Math.abs(quantiles[l * mean.length + h]) <= most)) return false;
  }
  return true;
}

/** A forecast with nothing on closed steps. */
function hush(forecast: Forecast, closed: Uint8Array | undefined): Forecast {
  if (closed === undefined) return forecast;
  const open = (value: number, k: number): number => (closed[k % closed.length] === 1 ? 0 : value);
  return { ...forecast, mean: forecast.mean.map(open), quantiles: forecast.quantiles.map(open) };
}

/** A forecast at other levels: linear between its own, level beyond them. */
function atLevels(forecast: Forecast, levels: readonly number[]): Forecast {
  const horizon = forecast.mean.length;
  const own = forecast.levels;
  if (own.length === levels.length && own.every((level, i) => level === levels[i])) return forecast;
  const quantiles = new Float64Array(levels.length * horizon);
  for (const [i, level] of levels.entries()) {
    let above = own.findIndex((each) => each >= level - 1e-9);
    if (above < 0) above = own.length - 1;
    const below = Math.max(0, above - 1);
    const gap = own[above] - own[below];
    const share = gap > 0 ? Math.min(1, Math.max(0, (level - own[below]) / gap)) : 1;
    for (let h = 0; h < horizon; h++) {
      quantiles[i * horizon + h] =
        own.length === 0
          ? forecast.mean[h]
          : (1 - share) * forecast.quantiles[below * horizon + h] + share * forecast.quantiles[above * horizon + h];
    }
  }
  return { mean: forecast.mean, levels, quantiles };
}
