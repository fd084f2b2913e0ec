// The Theta model: season out, theta lines, season back in.
//
// Owns: members, their mix, quantiles. Does not own: the recursion (lines.ts), the season's indices (season.ts).
//   T1. Members of a mix share their shocks: its quantiles are the means of theirs (Vincent averaging), and its paths agree with its quantiles.

import type { Random } from "../../../../platform/random.ts";
import type { FitOptions, Fitted, Forecast, Model, Series, Unfit } from "../../contract.ts";
import { bridgeGaps, type Whole } from "../../numerics/gaps.ts";
import { normalQuantile } from "../../numerics/normal.ts";
import {
  fitLines,
  growthOfErrors,
  runLines,
  varianceOfSteps,
  walkLines,
  type ThetaLine,
  type ThetaParameters,
  type ThetaState,
} from "./lines.ts";
import { classicalIndices, deseason, findSeason, seasonless, type SeasonForm, type SeasonIndices } from "./season.ts";

/** One member of the Theta family. */
export interface ThetaMember {
  readonly title: string;
  readonly line: ThetaLine;
  /** Whether theta is estimated (at least 1) or stands at 2. */
  readonly free: boolean;
  /** Straight lines over logarithms, that is exponential trends (Spiliotis, Assimakopoulos & Makridakis 2020); only for positive values. */
  readonly log: boolean;
}

/** The members of the literature: Assimakopoulos & Nikolopoulos 2000 (`standard`), Fiorucci et al. 2016 (the others), Spiliotis et al. 2020 (`exponential`). */
export const thetaMembers = {
  standard: { title: "Theta", line: "drift", free: false, log: false },
  static: { title: "STM", line: "static", free: false, log: false },
  optimised: { title: "OTM", line: "static", free: true, log: false },
  dynamicStandard: { title: "DSTM", line: "dynamic", free: false, log: false },
  dynamicOptimised: { title: "DOTM", line: "dynamic", free: true, log: false },
  exponential: { title: "logSTM", line: "static", free: false, log: true },
} as const satisfies Record<string, ThetaMember>;

// Chosen on the last `horizon` values of the training parts of M1, M3, M4 weekly, hospital and NN5, out of the nine members with and without
// logarithms and a dozen equal mixes: no mix of up to eight members did better on all, and a pick by in-sample error did worse.
const mix: readonly ThetaMember[] = [thetaMembers.dynamicOptimised, thetaMembers.exponential];

interface Part {
  readonly member: ThetaMember;
  readonly state: ThetaState;
  /** Standard deviation of the one-step errors on the member's scale. */
  readonly sigma: number;
  /** By what power of the step the error variance outgrows the model's. */
  readonly growth: number;
}

interface Body {
  readonly whole: Whole;
  /** Length of the history as given, with its missing start. */
  readonly length: number;
  readonly season: SeasonIndices;
  readonly parts: readonly Part[];
  readonly options: FitOptions;
  readonly members: readonly ThetaMember[];
}

const fewest = 4;
const largestExponent = 690;

/**
 * Fits an equal mix of members of the Theta family; one member alone is itself.
 *
 * The season is `series.seasons[0]`, rounded, where a 90 % test of autocorrelation finds it: multiplicative for positive values, else additive.
 * A member over logarithms gives way to the same one without where values are not positive or its growth would leave four times the range of
 * the history within `options.horizon`. Its point forecasts are medians, taken for means. Unfit below 4 values.
 */
export function fitTheta(series: Series, options: FitOptions, members: readonly ThetaMember[] = mix): Fitted | Unfit {
  const period = wholePeriod(series);
  const whole = bridgeGaps(series.values, period);
  const count = whole?.count ?? 0;
  if (whole === undefined || count < fewest) {
    return { kind: "unfit", reason: `Theta needs at least ${fewest} values; the history has ${count}.` };
  }
  const season = findSeason(whole.values, period);
  const plain = deseason(whole.values, season);
  const parts: Part[] = [];
  for (const member of members) parts.push(fitMember(member, whole, plain, season.form, options.horizon));
  return makeFitted({ whole, length: series.values.length, season, parts, options, members });
}

function wholePeriod(series: Series): number {
  const period = series.seasons.length === 0 ? 1 : Math.round(series.seasons[0]);
  return period >= 2 ? period : 1;
}

function fitMember(member: ThetaMember, whole: Whole, plain: Float64Array, form: SeasonForm, horizon: number): Part {
  if (member.log) {
    const logs = form === "additive" ? undefined : logarithms(plain);
    if (logs !== undefined) {
      const part = makePart(member, logs, whole.known, fitLines(logs, whole.known, member.line, member.free), horizon);
      if (isTame(part, logs, horizon)) return part;
    }
  }
  const linear: ThetaMember = member.log ? { ...member, title: member.title.replace(/^log/, ""), log: false } : member;
  return makePart(linear, plain, whole.known, fitLines(plain, whole.known, linear.line, linear.free), horizon);
}

function makePart(member: ThetaMember, values: Float64Array, known: Uint8Array, parameters: ThetaParameters, horizon: number): Part {
  const state = runLines(values, known, parameters);
  let count = 0;
  for (let t = 0; t < known.length; t++) count += known[t];
  const freedom = Math.max(1, count - (member.free ? 3 : 2));
  // The 90 % point of Student's t over that of the normal: what a short history hides of its own spread.
  const sigma = Math.sqrt(state.sse / freedom) * (1 + 0.66 / freedom);
  return { member, state, sigma, growth: growthOfErrors(values, known, state, horizon) };
}

/** Standard deviation of each of the next steps on the member's scale. */
function spreads({ state, sigma, growth }: Part, horizon: number): Float64Array {
  const out = varianceOfSteps(state, horizon);
  for (let h = 0; h < horizon; h++) out[h] = sigma * Math.sqrt(out[h] * (h + 1) ** growth);
  return out;
}

function logarithms(values: Float64Array): Float64Array | undefined {
  const logs = new Float64Array(values.length);
  for (let t = 0; t < logs.length; t++) {
    if (!(values[t] > 0)) return undefined;
    logs[t] = Math.log(values[t]);
  }
  return logs;
}

// Log 4 beyond the range either way, and a spread of two (a factor of 7) at the last step: past that a straight line is the safer reading.
function isTame(part: Part, logs: Float64Array, horizon: number): boolean {
  let low = Infinity;
  let high = -Infinity;
  for (let t = 0; t < logs.length; t++) {
    if (logs[t] < low) low = logs[t];
    if (logs[t] > high) high = logs[t];
  }
  const steps = Math.max(1, horizon);
  const path = new Float64Array(steps);
  walkLines(part.state, steps, new Float64Array(steps), path, 0);
  const spread = spreads(part, steps)[steps - 1];
  const margin = Math.log(4);
  return spread <= 2 && path.every((value) => value >= low - margin && value <= high + margin);
}

function makeFitted(body: Body): Fitted {
  const { parts, season } = body;
  const titles = [...new Set(parts.map((part) => part.member.title))];
  const mark = season.form === "none" ? "" : `, ${season.form} season of ${season.indices.length}`;
  return {
    kind: "fitted",
    title: `${titles.join(" + ")}${mark}`,
    parameters: namedParameters(parts),
    fitted: fittedValues(body),
    forecast: (horizon, levels) => forecast(body, horizon, levels),
    simulate: (horizon, paths, random) => simulate(body, horizon, paths, random),
    advance: (series) => advance(body, series),
  };
}

function namedParameters(parts: readonly Part[]): Record<string, number> {
  const named: Record<string, number> = {};
  for (const { member, state } of parts) {
    const prefix = parts.length === 1 ? "" : `${member.title}.`;
    named[`${prefix}alpha`] = state.alpha;
    named[`${prefix}level`] = state.level;
    named[`${prefix}theta`] = member.line === "drift" ? 2 : 1 / Math.max(1e-9, 1 - state.share);
  }
  return named;
}

/** From a member's scale to that of the history: step t after its first value. */
function restore(value: number, log: boolean, season: SeasonIndices, t: number): number {
  const level = log ? Math.exp(value > largestExponent ? largestExponent : value) : value;
  if (season.form === "none") return level;
  const index = season.indices[t % season.indices.length];
  return season.form === "additive" ? level + index : level * index;
}

function fittedValues({ whole, length, season, parts }: Body): Float64Array {
  const fitted = new Float64Array(length).fill(Number.NaN);
  for (let t = 0; t < whole.values.length; t++) {
    let sum = 0;
    for (const part of parts) sum += restore(part.state.fitted[t], part.member.log, season, t);
    fitted[whole.start + t] = sum / parts.length;
  }
  return fitted;
}

function forecast(body: Body, horizon: number, levels: readonly number[]): Forecast {
  const { whole, season, parts, options } = body;
  const n = whole.values.length;
  const mean = new Float64Array(horizon);
  const quantiles = new Float64Array(levels.length * horizon);
  const still = new Float64Array(horizon);
  const path = new Float64Array(horizon);
  const bounds = levels.map(normalQuantile);
  for (const part of parts) {
    const { member, state } = part;
    walkLines(state, horizon, still, path, 0);
    const spread = spreads(part, horizon);
    for (let h = 0; h < horizon; h++) {
      mean[h] += restore(path[h], member.log, season, n + h) / parts.length;
      for (let i = 0; i < bounds.length; i++) {
        quantiles[i * horizon + h] += restore(path[h] + bounds[i] * spread[h], member.log, season, n + h) / parts.length;
      }
    }
  }
  if (options.nonNegative) {
    clamp(mean);
    clamp(quantiles);
  }
  return { mean, quantiles, levels };
}

function simulate(body: Body, horizon: number, paths: number, random: Random): Float64Array {
  const { whole, season, parts, options } = body;
  const n = whole.values.length;
  const standard = new Float64Array(horizon * paths);
  for (let i = 0; i < standard.length; i++) standard[i] = random.normal();
  const shocks = new Float64Array(standard.length);
  const walked = new Float64Array(standard.length);
  const out = new Float64Array(standard.length);
  const still = new Float64Array(horizon);
  const middle = new Float64Array(horizon);
  for (const { member, state, sigma, growth } of parts) {
    walkLines(state, horizon, still, middle, 0);
    for (let i = 0; i < shocks.length; i++) shocks[i] = sigma * standard[i];
    for (let p = 0; p < paths; p++) {
      const at = p * horizon;
      walkLines(state, horizon, shocks, walked, at);
      for (let h = 0; h < horizon; h++) {
        const value = middle[h] + (walked[at + h] - middle[h]) * (h + 1) ** (growth / 2);
        out[at + h] += restore(value, member.log, season, n + h) / parts.length;
      }
    }
  }
  if (options.nonNegative) clamp(out);
  return out;
}

function clamp(values: Float64Array): void {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
}

// The season keeps its form and its indices are worked out anew: they are averages, not searched for. Where the new values forbid the
// form or the logarithms (a zero came), the structure no longer holds and is chosen again.
function advance(body: Body, series: Series): Fitted | Unfit {
  const { season, parts, options, members } = body;
  const period = season.form === "none" ? wholePeriod(series) : season.indices.length;
  const whole = bridgeGaps(series.values, period);
  if (whole === undefined || whole.count < fewest) {
    return { kind: "unfit", reason: `Theta needs at least ${fewest} values; the history has ${whole?.count ?? 0}.` };
  }
  let fresh = seasonless;
  if (season.form !== "none") {
    if (whole.values.length <= 2 * period) return fitTheta(series, options, members);
    fresh = classicalIndices(whole.values, period, season.form);
    if (season.form === "multiplicative" && !fresh.indices.every((index) => index > 0.01)) return fitTheta(series, options, members);
  }
  const plain = deseason(whole.values, fresh);
  const next: Part[] = [];
  for (const { member, state } of parts) {
    const values = member.log ? logarithms(plain) : plain;
    if (values === undefined) return fitTheta(series, options, members);
    const { line, alpha, level, share } = state;
    next.push(makePart(member, values, whole.known, { line, alpha, level, share }, options.horizon));
  }
  return makeFitted({ ...body, whole, length: series.values.length, season: fresh, parts: next });
}

/** The mean of the dynamic optimised Theta model and the Theta model of exponential trends. */
export const theta: Model = {
  name: "theta",
  about: "Theta: smoothing plus a share of the trend, the mean of a dynamic linear and a fixed exponential one, season taken out first.",
  usesRegressors: false,
  fit: (series, options) => fitTheta(series, options),
};
