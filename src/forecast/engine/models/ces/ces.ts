// CES: complex exponential smoothing, its seasonal forms weighted by AICc.
//
// It needs no choice between level and trend: the second part of the state carries what growth there is. Source: Svetunkov, Kourentzes & Ord
// 2022. Parameters maximise the Gaussian likelihood; first states follow from them by least squares (C2 in filter.ts) and are counted in AICc.

import type { Fitted, Forecast, Model, Series, Unfit } from "../../contract.ts";
import { nelderMead } from "../../numerics/nelder-mead.ts";
import { normalQuantile } from "../../numerics/normal.ts";
import type { Random } from "../../../../platform/random.ts";
import { blend, type Member, weigh } from "../ets/blend.ts";
import { longestPeriod } from "../ets/structure.ts";
import {
  type CesPass,
  type CesSeason,
  countStates,
  isStableCes,
  makeCesPass,
  makePairs,
  makeStateWorkspace,
  runCes,
  searched,
  solveStates,
} from "./filter.ts";

/** A fitted form: its parameters and first states in scaled units. */
interface Choice {
  readonly season: CesSeason;
  readonly period: number;
  readonly point: Float64Array;
  readonly first: Float64Array;
  readonly scale: number;
}

/** Fewest values for which AICc of the smallest form exists. */
const fewest = 7;

/** Largest growth of a forecast in one season (one step without season): faster ones explode in long horizons. */
const fastest = 1.05;

/** Parameters of long histories are searched on this many last values, or ten seasons. */
const searchLength = 400;

const starts = {
  none: [
    [1.3, 0.999],
    [1.05, 0.99],
    [1.8, 0.999],
  ],
  simple: [
    [1.3, 0.999],
    [1.05, 0.99],
  ],
  partial: [
    [1.3, 0.999, 0.1],
    [1.05, 0.99, 0.05],
  ],
  full: [
    [1.3, 0.999, 1.1, 0.999],
    [1.1, 0.99, 1.3, 1],
  ],
} as const satisfies Record<CesSeason, readonly (readonly number[])[]>;

/** Complex exponential smoothing with no, simple, partial or full seasonality. Seasons over 24 steps or fractional are left out. Unfit under seven values. */
export const ces: Model = {
  name: "ces",
  about:
    "Complex exponential smoothing: level and growth as one complex state, with no, simple, partial or full seasonality, weighted by AICc.",
  usesRegressors: false,
  fit: (series) => fitCes(series),
};

/**
 * Fits CES: the form given, or all that the history can carry, mixed by weight of evidence as in `ets`.
 *
 * `parameters`: a0 and a1 of the complex smoothing parameter, b0 and b1 of the seasonal one, `sigma`. The log-likelihood leaves out the same
 * constants as that of `fitEts`, so the two compare. A constant series has none.
 */
export function fitCes(series: Series, season?: CesSeason): Fitted | Unfit {
  const lead = series.values.findIndex((value) => !Number.isNaN(value));
  if (lead < 0) return unfit("CES needs values, but every value of the series is missing.");
  const history = series.values.subarray(lead);
  let count = 0;
  let sum = 0;
  let constant = true;
  for (const value of history) {
    if (Number.isNaN(value)) continue;
    count++;
    sum += Math.abs(value);
    if (value !== history[0]) constant = false;
  }
  if (count < fewest) return unfit(`CES needs at least ${fewest} values, but the series has ${count}.`);
  const scale = sum > 0 ? sum / count : 1;
  const main = series.seasons[0] ?? 1;
  const period = Number.isInteger(main) && main > 1 && main <= longestPeriod ? main : 1;
  if (season !== undefined && season !== "none" && period === 1)
    return unfit(`CES with ${season} seasonality needs a whole season of 2 to ${longestPeriod} steps.`);
  if (constant) return present(series, lead, stayAt(history[0] / scale, scale));

  const forms: readonly CesSeason[] = season === undefined ? (period > 1 ? ["none", "simple", "partial", "full"] : ["none"]) : [season];
  const fits: { readonly choice: Choice; readonly aicc: number }[] = [];
  for (const form of forms) {
    const own = form === "none" ? 1 : period;
    if (form !== "none" && count < 2 * period) continue;
    const parameters = searched[form] + countStates(form, own) + 1;
    if (count - parameters - 1 <= 0) continue;
    const span = Math.max(searchLength, 10 * own);
    const recent = history.length > span ? history.subarray(history.length - (span - (span % own))) : history;
    const point = search(makeCesPass(recent, scale, own), form, Math.pow(fastest, 1 / period));
    if (!point) continue;
    const whole = makeCesPass(history, scale, own);
    const solved = solveStates(whole, form, point, makeStateWorkspace(whole.length, countStates(form, own)));
    if (!solved) continue;
    const { aicc } = judge(solved.squares, count, parameters, scale);
    fits.push({ choice: { season: form, period: own, point, first: solved.first, scale }, aicc });
  }
  if (fits.length === 0) return unfit(`No form of CES could be estimated from the ${count} values of the series.`);
  fits.sort((a, b) => a.aicc - b.aicc);
  return blend(
    fits.map(({ choice }) => present(series, lead, choice)),
    weigh(fits.map(({ aicc }) => aicc)),
  );
}

function unfit(reason: string): Unfit {
  return { kind: "unfit", reason };
}

function stayAt(value: number, scale: number): Choice {
  return { season: "none", period: 1, point: Float64Array.of(1, 1), first: Float64Array.of(value, 0, 0, 0), scale };
}

function judge(squares: number, observed: number, parameters: number, scale: number): NonNullable<Fitted["likelihood"]> {
  const deviance = observed * Math.log(Math.max(squares, observed * 1e-24)) + 2 * observed * Math.log(scale);
  const aic = deviance + 2 * parameters;
  const spare = observed - parameters - 1;
  return {
    logLik: -0.5 * deviance,
    aic,
    aicc: spare > 0 ? aic + (2 * parameters * (parameters + 1)) / spare : Infinity,
    bic: deviance + parameters * Math.log(observed),
  };
}

/** Parameters of the largest likelihood; undefined if no start is stable. */
function search(pass: CesPass, season: CesSeason, growth: number): Float64Array | undefined {
  const workspace = makeStateWorkspace(pass.length, countStates(season, pass.period));
  const objective = (point: Float64Array): number => {
    if (!isStableCes(season, point, pass.period, growth)) return Infinity;
    const solved = solveStates(pass, season, point, workspace);
    return solved ? pass.observed * Math.log(Math.max(solved.squares, pass.observed * 1e-24)) : Infinity;
  };
  let best: { readonly start: readonly number[]; readonly value: number } | undefined;
  for (const start of starts[season]) {
    const value = objective(Float64Array.from(start));
    if (Number.isFinite(value) && (best === undefined || value < best.value)) best = { start, value };
  }
  if (best === undefined) return undefined;
  const step = Float64Array.from(best.start, (_, i) => (i % 2 === 1 ? -0.02 : 0.15));
  return nelderMead(objective, best.start, { step, tolerance: 1e-6, maxEvaluations: 60 * best.start.length }).point;
}

function present(series: Series, lead: number, choice: Choice): Member {
  const { season, period, point, first, scale } = choice;
  const pass = makeCesPass(series.values.subarray(lead), scale, period);
  const { quick, slow } = makePairs(season, point);
  pass.states.set(first);
  runCes(pass, quick, slow, pass.values);
  let squares = 0;
  for (const error of pass.error) squares += error * error;
  const states = countStates(season, period);
  const spare = pass.observed - searched[season] - states;
  const sigma = Math.sqrt(squares / (spare > 0 ? spare : pass.observed));
  const fitted = new Float64Array(series.values.length).fill(Number.NaN);
  for (let t = 0; t < pass.length; t++) fitted[lead + t] = pass.mu[t] * scale;
  // The next step's phase comes first from here on.
  const last = pass.states.slice();
  for (let j = 0; j < period; j++) {
    const phase = (pass.length + j) % period;
    last[2 + j] = pass.states[2 + phase];
    last[2 + period + j] = pass.states[2 + period + phase];
  }
  const member = {
    kind: "fitted",
    title: season === "none" ? "CES" : `CES(${season})[${period}]`,
    parameters: listParameters(season, point, sigma * scale),
    fitted,
    forecast: (horizon: number, levels: readonly number[]) => forecast(choice, last, sigma, horizon, levels),
    spread: (horizon: number) => spread(choice, last, sigma, horizon),
    simulate: (horizon: number, paths: number, random: Random) => simulate(choice, { last, sigma, horizon, paths }, random),
    advance: (next: Series) => advance(series, lead, choice, next),
  } as const;
  return squares > 0 ? { ...member, likelihood: judge(squares, pass.observed, searched[season] + states + 1, scale) } : member;
}

function listParameters(season: CesSeason, point: Float64Array, sigma: number): Record<string, number> {
  const list: Record<string, number> = { a0: point[0], a1: point[1] };
  if (season === "partial" || season === "full") list["b0"] = point[2];
  if (season === "full") list["b1"] = point[3];
  list["sigma"] = sigma;
  return list;
}

/** Path of the forecasts with `shocks` as errors, in scaled units, from `states` (which are left alone). */
function follow({ season, period, point }: Choice, states: Float64Array, shocks: Float64Array): Float64Array {
  const horizon = shocks.length;
  const { quick, slow } = makePairs(season, point);
  const path = new Float64Array(horizon);
  const { turn, feed, keep, gain, push } = quick;
  const at = states.slice();
  for (let h = 0, j = 2; h < horizon; h++) {
    const [l, c] = at;
    const level = at[j];
    const second = at[j + period];
    const e = shocks[h];
    path[h] = l + level + e;
    at[0] = l + turn * c + gain * e;
    at[1] = feed * l + keep * c + push * e;
    at[j] = level + slow.turn * second + slow.gain * e;
    at[j + period] = slow.feed * level + slow.keep * second + slow.push * e;
    if (++j === period + 2) j = 2;
  }
  return path;
}

function spread(choice: Choice, last: Float64Array, sigma: number, horizon: number): NonNullable<ReturnType<Member["spread"]>> {
  const mean = follow(choice, last, new Float64Array(horizon));
  // The model is linear: the response to one error gives the variance of every step.
  const impulse = new Float64Array(horizon);
  if (horizon > 0) impulse[0] = 1;
  const response = follow(choice, new Float64Array(last.length), impulse);
  let variance = 0;
  for (let h = 0; h < horizon; h++) {
    variance += response[h] * response[h];
    mean[h] *= choice.scale;
    response[h] = sigma * Math.sqrt(variance) * choice.scale;
  }
  return { mean, deviation: response };
}

function forecast(choice: Choice, last: Float64Array, sigma: number, horizon: number, levels: readonly number[]): Forecast {
  const { mean, deviation } = spread(choice, last, sigma, horizon);
  const quantiles = new Float64Array(levels.length * horizon);
  for (let i = 0; i < levels.length; i++) {
    const score = normalQuantile(levels[i]);
    for (let h = 0; h < horizon; h++) quantiles[i * horizon + h] = mean[h] + score * deviation[h];
  }
  return { mean, quantiles, levels };
}

interface Simulation {
  readonly last: Float64Array;
  readonly sigma: number;
  readonly horizon: number;
  readonly paths: number;
}

function simulate(choice: Choice, { last, sigma, horizon, paths }: Simulation, random: Random): Float64Array {
  const samples = new Float64Array(horizon * paths);
  const shocks = new Float64Array(horizon);
  for (let p = 0; p < paths; p++) {
    for (let h = 0; h < horizon; h++) shocks[h] = sigma * random.normal();
    const path = follow(choice, last, shocks);
    for (let h = 0; h < horizon; h++) samples[p * horizon + h] = path[h] * choice.scale;
  }
  return samples;
}

/** The same parameters over another history; first states stay where the history goes on, and are solved anew elsewhere. */
function advance(series: Series, lead: number, choice: Choice, next: Series): Member | Unfit {
  const start = next.values.findIndex((value) => !Number.isNaN(value));
  if (start < 0) return unfit("CES needs values, but every value of the series is missing.");
  const shared = Math.min(series.values.length, next.values.length);
  let same = start === lead && series.position === next.position;
  for (let t = 0; t < shared && same; t++) same = Object.is(series.values[t], next.values[t]);
  if (same) return present(next, start, choice);
  const { season, period, point, scale } = choice;
  const pass = makeCesPass(next.values.subarray(start), scale, period);
  const states = countStates(season, period);
  if (pass.observed < states)
    return unfit(`${season === "none" ? "CES" : `CES(${season})`} needs at least ${states} values, but the series has ${pass.observed}.`);
  const solved = solveStates(pass, season, point, makeStateWorkspace(pass.length, states));
  return solved ? present(next, start, { ...choice, first: solved.first }) : unfit("CES finds no first states for the other history.");
}
