// Which exponential smoothing model: every candidate is fitted by maximum likelihood and the lowest AICc wins.
//
// AICc after Hurvich & Tsai 1989, counting smoothing parameters, first states and the variance, as Hyndman et al. 2008, section 7.1.
// To be quick, candidates run in the order of what they reach before any search; relatives that share a path of states (E1 in filter.ts)
// hand on their optimum; one that evidently cannot overtake the best any more is given up.

import { type Estimate, estimate, evaluate, type FixedParameters, makeWorkspace, type Workspace, type SearchOptions } from "./estimate.ts";
import { alphaAt, betaAt, gammaAt, growthAt, levelAt, makePass, type Pass, phiAt, seasonAt } from "./filter.ts";
import { listStarts, startSeason, startStates } from "./start.ts";
import { type Bounds, countParameters, listCandidates, type Structure } from "./structure.ts";

/** A fitted model in the units of scaled data: values divided by `scale`. */
export interface Choice {
  readonly structure: Structure;
  readonly theta: Float64Array;
  readonly scale: number;
  readonly criteria: Criteria;
}

/** `logLik` without the constants of the normal density: -n/2 log(sum e^2) - sum log|mu| for multiplicative errors. */
export interface Criteria {
  readonly logLik: number;
  readonly aic: number;
  readonly aicc: number;
  readonly bic: number;
}

export interface SelectOptions {
  readonly bounds: Bounds;
  readonly fixed: FixedParameters;
}

const noneFixed: SelectOptions = { bounds: "both", fixed: {} };
const coarse = { tolerance: 1e-2, maxIterations: 40 };
const fine = { tolerance: 1e-7, maxIterations: 200 };

/** In longer histories the likelihood has one clear summit, and a second start only costs. */
const longForStarts = 300;

/** Mean size of the present values; 1 for all zeros. */
export function scaleOf(history: Float64Array): number {
  let sum = 0;
  let count = 0;
  for (let t = 0; t < history.length; t++) {
    if (Number.isNaN(history[t])) continue;
    sum += Math.abs(history[t]);
    count++;
  }
  return sum > 0 && Number.isFinite(sum) ? sum / count : 1;
}

/** Criteria of a deviance in scaled units. AICc is Infinity with too few values for it. */
export function judge(deviance: number, structure: Structure, observed: number, scale: number, given = 0): Criteria {
  const parameters = countParameters(structure) + 1 - given;
  const whole = deviance + 2 * observed * Math.log(scale);
  const spare = observed - parameters - 1;
  const aic = whole + 2 * parameters;
  return {
    logLik: -0.5 * whole,
    aic,
    aicc: spare > 0 ? aic + (2 * parameters * (parameters + 1)) / spare : Infinity,
    bic: whole + parameters * Math.log(observed),
  };
}

/** Parameters that were given, not estimated. */
export function countFixed(fixed: FixedParameters, structure: Structure): number {
  let count = 0;
  if (fixed.alpha !== undefined) count++;
  if (fixed.level !== undefined) count++;
  if (structure.trend !== "N") count += (fixed.beta === undefined ? 0 : 1) + (fixed.growth === undefined ? 0 : 1);
  if (structure.damped && fixed.phi !== undefined) count++;
  if (structure.season !== "N") count += (fixed.gamma === undefined ? 0 : 1) + (fixed.season === undefined ? 0 : structure.period - 1);
  return count;
}

function applyFixed(theta: Float64Array, fixed: FixedParameters, structure: Structure, scale: number): void {
  if (fixed.alpha !== undefined) theta[alphaAt] = fixed.alpha;
  if (fixed.level !== undefined) theta[levelAt] = fixed.level / scale;
  if (structure.trend !== "N") {
    if (fixed.beta !== undefined) theta[betaAt] = fixed.beta;
    if (fixed.growth !== undefined) theta[growthAt] = structure.trend === "M" ? fixed.growth : fixed.growth / scale;
  }
  if (structure.damped && fixed.phi !== undefined) theta[phiAt] = fixed.phi;
  if (structure.season !== "N") {
    if (fixed.gamma !== undefined) theta[gammaAt] = fixed.gamma;
    if (fixed.season !== undefined) {
      for (let j = 0; j < structure.period; j++) theta[seasonAt + j] = structure.season === "M" ? fixed.season[j] : fixed.season[j] / scale;
    }
  }
}

interface Runner {
  readonly structure: Structure;
  /** Starting points, the better one first. */
  readonly starts: readonly Float64Array[];
  /** What AICc adds to the deviance. */
  readonly cost: number;
  /** AICc of the first start. */
  readonly promise: number;
}

function penalty(structure: Structure, observed: number): number {
  return judge(0, structure, observed, 1).aicc;
}

/** Fits one structure; undefined when no start lies in its domain. */
export function fitStructure(history: Float64Array, structure: Structure, options: SelectOptions = noneFixed): Choice | undefined {
  const scale = scaleOf(history);
  const pass = makePass(history, scale, structure.period);
  const season = structure.season === "N" ? undefined : startSeason(pass, structure.period, structure.season === "M");
  const theta = startStates(pass, structure, season);
  const given = countFixed(options.fixed, structure);
  if (given === countParameters(structure)) {
    applyFixed(theta, options.fixed, structure, scale);
    const deviance = evaluate(pass, structure, theta, true);
    if (!Number.isFinite(deviance)) return undefined;
    return { structure, theta, scale, criteria: judge(deviance, structure, pass.observed, scale, given) };
  }
  const workspace = makeWorkspace();
  let best: Estimate | undefined;
  for (const { theta: start } of listStarts(pass, structure, theta)) {
    applyFixed(start, options.fixed, structure, scale);
    const found = estimate(pass, structure, start, { ...fine, ...options, cutoff: Infinity }, workspace);
    if (found && (best === undefined || found.deviance < best.deviance)) best = found;
  }
  if (best === undefined) return undefined;
  return { structure, theta: best.theta, scale, criteria: judge(best.deviance, structure, pass.observed, scale, given) };
}

/** Candidates further than this from the lowest AICc say nothing. */
export const widestGap = 12;

/**
 * The models whose AICc is within `gap` of the lowest, the lowest first, for `history` (NaN is missing, the first value is not; at least five
 * values, not all equal).
 *
 * `period` 1: no season. Empty when no candidate can be estimated. The first is searched to the end, the others until a step wins less than
 * 0.01 in -2 log-likelihood.
 */
export function rankStructures(history: Float64Array, period: number, gap: number): readonly Choice[] {
  const scale = scaleOf(history);
  const pass = makePass(history, scale, period);
  const workspace = makeWorkspace();
  let positive = true;
  for (let t = 0; t < pass.length; t++) if (pass.seen[t] === 1 && !(pass.values[t] > 0)) positive = false;

  const { observed } = pass;
  let lowest = Infinity;
  const optima = new Map<string, Float64Array>();
  const ranked: { readonly structure: Structure; readonly found: Estimate; readonly aicc: number }[] = [];
  for (const { structure, starts, cost } of lineUp(pass, period, positive)) {
    const key = `${structure.trend}${structure.damped ? "d" : ""}${structure.season}`;
    const relative = optima.get(key);
    const tries = relative ? [relative, ...starts] : starts;
    let found: Estimate | undefined;
    for (const start of observed > longForStarts ? tries.slice(0, 1) : tries) {
      const cutoff = Math.min(lowest + gap - cost, found === undefined ? Infinity : found.deviance);
      const next = estimate(pass, structure, start, { ...coarse, ...noneFixed, cutoff }, workspace);
      if (next && (found === undefined || next.deviance < found.deviance)) found = next;
    }
    if (!found) continue;
    optima.set(key, found.theta);
    const aicc = found.deviance + cost;
    lowest = Math.min(lowest, aicc);
    ranked.push({ structure, found, aicc });
  }
  ranked.sort((a, b) => a.aicc - b.aicc);
  return ranked
    .filter(({ aicc }) => aicc <= lowest + gap)
    .map(({ structure, found }, rank) => {
      const { theta, deviance } = rank === 0 ? (polish(pass, structure, found, workspace) ?? found) : found;
      return { structure, theta, scale, criteria: judge(deviance, structure, observed, scale) };
    });
}

function polish(pass: Pass, structure: Structure, found: Estimate, workspace: Workspace): Estimate | undefined {
  const options: SearchOptions = { ...fine, ...noneFixed, cutoff: Infinity };
  return estimate(pass, structure, found.theta, options, workspace);
}

/** Candidates with their starting points, the most promising first. */
function lineUp(pass: Pass, period: number, positive: boolean): readonly Runner[] {
  const seasonal = period > 1;
  const added = seasonal ? startSeason(pass, period, false) : undefined;
  const scaled = seasonal && positive ? startSeason(pass, period, true) : undefined;
  const runners: Runner[] = [];
  for (const structure of listCandidates(period, positive)) {
    const cost = penalty(structure, pass.observed);
    if (!Number.isFinite(cost)) continue;
    const theta = startStates(pass, structure, structure.season === "A" ? added : structure.season === "M" ? scaled : undefined);
    const starts = listStarts(pass, structure, theta);
    runners.push({ structure, starts: starts.map((start) => start.theta), cost, promise: starts[0].deviance + cost });
  }
  return runners.sort((a, b) => a.promise - b.promise);
}
