// ETS: exponential smoothing as a state space model, chosen by AICc, with its likelihood, quantiles and sample paths.
//
// Owns: the way from a `Series` to a `Fitted`. The filter, the search and the selection are the neighbours' (filter, estimate, select).
// Method: Hyndman, Koehler, Snyder & Grose 2002; Hyndman, Koehler, Ord & Snyder 2008.

import { makeRandom, type Random } from "../../../../platform/random.ts";
import type { Fitted, Forecast, Model, Series, Unfit } from "../../contract.ts";
import { normalQuantile } from "../../numerics/normal.ts";
import { estimate, evaluate, type FixedParameters, makeWorkspace } from "./estimate.ts";
import { alphaAt, betaAt, gammaAt, growthAt, levelAt, makePass, type Pass, phiAt, seasonAt } from "./filter.ts";
import { blend, type Member, weigh } from "./blend.ts";
import { findVariances, followStates, type Outlook, samplePaths } from "./outlook.ts";
import { type Choice, countFixed, fitStructure, judge, rankStructures, scaleOf, widestGap } from "./select.ts";
import { startSeason, startStates } from "./start.ts";
import { type Bounds, countParameters, longestPeriod, nameStructure, parseStructure, type Structure } from "./structure.ts";

/** Choices of `fitEts`. */
export interface EtsOptions {
  /** `AAdM`, `MNN`, `ETS(A,A,N)`; left out, AICc chooses. Multiplicative trends are to be had by name only. */
  readonly model?: string;
  /** Without `model`: instead of the best alone, all good ones by weight of evidence, as `ets` does. */
  readonly mix?: boolean;
  /** Parameters that are given instead of estimated; needs `model`. All of them given: nothing is searched. */
  readonly fixed?: FixedParameters;
  /** Default `both`, as is usual. */
  readonly bounds?: Bounds;
  /** For models whose quantiles are simulated. Default: a fixed seed. */
  readonly random?: Random;
}

/** Sample paths behind the quantiles of models without a variance formula. */
const pathCount = 2000;

/** Fewest values for which AICc of the smallest model exists. */
const fewest = 5;

/**
 * Exponential smoothing: the stable additive and multiplicative models, weighted by AICc (`fitEts` with `mix`).
 *
 * Long seasons (over 24 steps) and fractional ones are left out. Unfit under five values.
 */
export const ets: Model = {
  name: "ets",
  about: "Exponential smoothing in state space form: error, trend and season, each additive or multiplicative, weighted by AICc.",
  usesRegressors: false,
  fit: (series, options) => fitEts(series, { mix: true, random: options.random }),
};

/**
 * Fits ETS to a series: the model named, or the one with the lowest AICc.
 *
 * `likelihood.logLik` leaves out the normal density's constants, as R's `ets` does, so the two compare; a constant series has none.
 * `parameters`: alpha, beta, gamma, phi; first states `l`, `b` and `s1` ... in the order of the first steps; `sigma`.
 * Time: some ten passes for each candidate; a fit keeps the history and its one-step forecasts.
 *
 * @example
 * const fitted = fitEts(series, { model: "AAdM" });
 */
export function fitEts(series: Series, options: EtsOptions = {}): Fitted | Unfit {
  const lead = series.values.findIndex((value) => !Number.isNaN(value));
  if (lead < 0) return unfit("ETS needs values, but every value of the series is missing.");
  const history = series.values.subarray(lead);
  const random = options.random ?? makeRandom(1);
  let count = 0;
  let constant = true;
  let positive = true;
  for (const value of history) {
    if (Number.isNaN(value)) continue;
    count++;
    if (value !== history[0]) constant = false;
    if (!(value > 0)) positive = false;
  }
  const period = periodOf(series);
  if (options.model !== undefined) {
    const structure = parseStructure(options.model, period);
    if (structure === undefined) {
      return unfit(
        `Expected a model such as AAdM with a whole season of at least 2 steps but received ${options.model} with season ${period}.`,
      );
    }
    const multiplicative = structure.error === "M" || structure.trend === "M" || structure.season === "M";
    if (multiplicative && !positive) return unfit(`${nameStructure(structure)} needs values above zero, but the series has others.`);
    const fixed = options.fixed ?? {};
    const free = countParameters(structure) - countFixed(fixed, structure);
    if (free > 0 && count < free + 2) {
      return unfit(
        `${nameStructure(structure)} with ${free} free parameters needs at least ${free + 2} values, but the series has ${count}.`,
      );
    }
    if (fixed.season !== undefined && structure.season !== "N" && fixed.season.length !== period) {
      return unfit(`Expected ${period} seasonal states but received ${fixed.season.length}.`);
    }
    const choice = fitStructure(history, structure, { bounds: options.bounds ?? "both", fixed });
    if (choice === undefined)
      return unfit(`${nameStructure(structure)} finds no states that keep its forecasts above zero on this series.`);
    return present(series, lead, choice, random);
  }
  if (count < fewest) return unfit(`ETS needs at least ${fewest} values to compare models, but the series has ${count}.`);
  if (constant) return present(series, lead, stayAt(history[0]), random);
  const choices = rankStructures(history, period, options.mix === true ? widestGap : 0);
  if (choices.length === 0) return unfit(`No ETS model could be estimated from the ${count} values of the series.`);
  const members = choices.map((choice) => present(series, lead, choice, random));
  return options.mix === true ? blend(members, weigh(choices.map(({ criteria }) => criteria.aicc))) : members[0];
}

function unfit(reason: string): Unfit {
  return { kind: "unfit", reason };
}

/** The main season if seasonal states can carry it, else 1. */
function periodOf(series: Series): number {
  const main = series.seasons[0] ?? 1;
  return Number.isInteger(main) && main > 1 && main <= longestPeriod ? main : 1;
}

/** The model of a constant: simple smoothing that never moves, without error and so without likelihood. */
function stayAt(value: number): Choice {
  const structure: Structure = { error: "A", trend: "N", damped: false, season: "N", period: 1 };
  const theta = new Float64Array(seasonAt);
  const scale = value === 0 ? 1 : Math.abs(value);
  theta[levelAt] = value / scale;
  theta[phiAt] = 1;
  return { structure, theta, scale, criteria: { logLik: Infinity, aic: -Infinity, aicc: -Infinity, bic: -Infinity } };
}

/** A choice as the contract's `Fitted`. */
function present(series: Series, lead: number, choice: Choice, random: Random): Member {
  const { structure, theta, scale, criteria } = choice;
  const pass = makePass(series.values.subarray(lead), scale, structure.period);
  evaluate(pass, structure, theta, true);
  const outlook = look(pass, structure, theta);
  const fitted = new Float64Array(series.values.length).fill(Number.NaN);
  for (let t = 0; t < pass.length; t++) fitted[lead + t] = pass.mu[t] * scale;
  const member = {
    kind: "fitted",
    title: nameStructure(structure),
    parameters: listParameters(structure, theta, scale, outlook.sigma),
    fitted,
    spread: (horizon: number) => spread(outlook, scale, horizon),
    forecast: (horizon: number, levels: readonly number[]) => forecast(outlook, scale, horizon, levels, random),
    simulate: (horizon: number, paths: number, stream: Random) => {
      const samples = samplePaths(outlook, horizon, paths, stream);
      for (let i = 0; i < samples.length; i++) samples[i] = bounded(samples[i] * scale);
      return samples;
    },
    advance: (next: Series) => advance(series, lead, choice, random, next),
  } as const;
  return Number.isFinite(criteria.logLik) ? { ...member, likelihood: criteria } : member;
}

function look(pass: Pass, structure: Structure, theta: Float64Array): Outlook {
  let sum = 0;
  for (let t = 0; t < pass.length; t++) {
    const e = structure.error === "M" ? pass.error[t] / pass.mu[t] : pass.error[t];
    sum += e * e;
  }
  const spare = pass.observed - countParameters(structure);
  const period = structure.season === "N" ? 0 : structure.period;
  const seasons = new Float64Array(period);
  for (let j = 0; j < period; j++) seasons[j] = pass.seasons[(pass.length + j) % period];
  const sigma = Math.sqrt(sum / (spare > 0 ? spare : Math.max(pass.observed, 1)));
  return { structure, theta, level: pass.last[0], growth: pass.last[1], seasons, sigma: Number.isFinite(sigma) ? sigma : 0 };
}

function listParameters(structure: Structure, theta: Float64Array, scale: number, sigma: number): Record<string, number> {
  const list: Record<string, number> = { alpha: theta[alphaAt] };
  const trended = structure.trend !== "N";
  if (trended) list["beta"] = theta[betaAt];
  if (structure.season !== "N") list["gamma"] = theta[gammaAt];
  if (structure.damped) list["phi"] = theta[phiAt];
  list["l"] = theta[levelAt] * scale;
  if (trended) list["b"] = theta[growthAt] * (structure.trend === "M" ? 1 : scale);
  if (structure.season !== "N") {
    for (let j = 0; j < structure.period; j++) list[`s${j + 1}`] = theta[seasonAt + j] * (structure.season === "M" ? 1 : scale);
  }
  list["sigma"] = structure.error === "M" ? sigma : sigma * scale;
  return list;
}

function spread(outlook: Outlook, scale: number, horizon: number): ReturnType<Member["spread"]> {
  const variances = findVariances(outlook, horizon);
  if (!variances) return undefined;
  return {
    mean: followStates(outlook, horizon).map((value) => bounded(value * scale)),
    deviation: variances.map((value) => bounded(Math.sqrt(value) * scale)),
  };
}

/** Multiplicative models can run away; a forecast stays a number. */
function bounded(value: number): number {
  return Number.isNaN(value) ? 0 : Math.min(Math.max(value, -1e300), 1e300);
}

function forecast(outlook: Outlook, scale: number, horizon: number, levels: readonly number[], random: Random): Forecast {
  const quantiles = new Float64Array(levels.length * horizon);
  const known = spread(outlook, scale, horizon);
  if (known) {
    for (let i = 0; i < levels.length; i++) {
      const z = normalQuantile(levels[i]);
      for (let h = 0; h < horizon; h++) quantiles[i * horizon + h] = known.mean[h] + z * known.deviation[h];
    }
    return { mean: known.mean, quantiles, levels };
  }
  const samples = samplePaths(outlook, horizon, pathCount, random.fork("ets/quantiles"));
  const step = new Float64Array(pathCount);
  for (let h = 0; h < horizon; h++) {
    for (let p = 0; p < pathCount; p++) step[p] = samples[p * horizon + h];
    step.sort();
    for (let i = 0; i < levels.length; i++) {
      const place = levels[i] * (pathCount - 1);
      const below = Math.floor(place);
      const above = Math.min(below + 1, pathCount - 1);
      quantiles[i * horizon + h] = bounded((step[below] + (place - below) * (step[above] - step[below])) * scale);
    }
  }
  return { mean: followStates(outlook, horizon).map((value) => bounded(value * scale)), quantiles, levels };
}

/** Whether `next` is the same history, perhaps some steps longer or shorter: then its first states stay what they were. */
function continues(series: Series, next: Series): boolean {
  if (series.position !== next.position) return false;
  const shared = Math.min(series.values.length, next.values.length);
  for (let t = 0; t < shared; t++) if (!Object.is(series.values[t], next.values[t])) return false;
  return true;
}

/** First states with the mean of all values for a level, and no growth. */
function levelled(theta: Float64Array, { values, seen, length }: Pass, structure: Structure): Float64Array {
  const level = theta.slice();
  let sum = 0;
  let count = 0;
  for (let t = 0; t < length; t++) {
    if (seen[t] === 0) continue;
    sum += values[t];
    count++;
  }
  level[levelAt] = sum / count;
  if (structure.trend !== "N") level[growthAt] = structure.trend === "M" ? 1 : 0;
  return level;
}

function advance(series: Series, lead: number, choice: Choice, random: Random, next: Series): Member | Unfit {
  const { structure, scale } = choice;
  const start = next.values.findIndex((value) => !Number.isNaN(value));
  if (start < 0) return unfit("ETS needs values, but every value of the series is missing.");
  const history = next.values.subarray(start);
  const multiplicative = structure.error === "M" || structure.trend === "M" || structure.season === "M";
  if (multiplicative && history.some((value) => value <= 0)) {
    return unfit(
      `${choice.structure.error === "M" ? "Multiplicative errors" : "Multiplicative states"} need values above zero, but the history now has others.`,
    );
  }
  let theta = choice.theta;
  let unit = scale;
  if (start !== lead || !continues(series, next)) {
    // Another history: its first states are fitted with the smoothing parameters held, which is a linear problem or nearly one.
    unit = scaleOf(history);
    const pass = makePass(history, unit, structure.period);
    const season = structure.season === "N" ? undefined : startSeason(pass, structure.period, structure.season === "M");
    const first = startStates(pass, structure, season);
    first.set(theta.subarray(0, levelAt));
    const fixed = { alpha: theta[alphaAt], beta: theta[betaAt], gamma: theta[gammaAt], phi: theta[phiAt] };
    const options = { bounds: "usual", fixed, tolerance: 1e-3, maxIterations: 4, cutoff: Infinity } as const;
    const refit = (from: Float64Array): Float64Array | undefined => estimate(pass, structure, from, options, makeWorkspace())?.theta;
    // A growth read off the first few values may run below zero long before the last: then the search begins without growth.
    const found = pass.observed > first.length ? (refit(first) ?? refit(levelled(first, pass, structure))) : first;
    if (found === undefined)
      return unfit(`${nameStructure(structure)} finds no states that keep its forecasts above zero on the longer history.`);
    theta = found;
  }
  const pass = makePass(history, unit, structure.period);
  const deviance = evaluate(pass, structure, theta, true);
  if (!Number.isFinite(deviance)) return unfit(`${nameStructure(structure)} has no likelihood on the longer history.`);
  const still = !Number.isFinite(choice.criteria.logLik) && pass.error.every((error) => error === 0);
  const criteria = still ? choice.criteria : judge(deviance, structure, pass.observed, unit);
  return present(next, start, { structure, theta, scale: unit, criteria }, random);
}
