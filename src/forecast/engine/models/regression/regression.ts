// Regression: a bending trend, seasons, prices, promotions and holidays, with errors that remember.
//
//   g(y[t]) = trend(t) + seasons(t) + regressors(t) + e[t],   g the identity or a logarithm
//
// The decomposition of Taylor & Letham (2018), "Forecasting at Scale", The American Statistician 72(1); unlike there, it is solved in closed form,
// the errors are autocorrelated, and the last slope fades.
// Owns: the model `regression`. Does not own: columns (design.ts), strengths (ridge.ts), error memory (errors.ts), the target's scale (scale.ts).
//   G1. Two passes decide everything: without bends for the memory of the errors, then whitened by it for the strengths. `advance` repeats only the
//       last solve.
//   G2. Numbers inside are in units of the history's own spread, so the target's scale does not matter.

import type { Fitted, FitOptions, Forecast, Model, Series, Unfit } from "../../contract.ts";
import type { Random } from "../../../../platform/random.ts";
import { groups, makeColumns, makeStructure, type Structure } from "./design.ts";
import { chooseMemory, innovationSquares, whiten, type Memory } from "./errors.ts";
import { allowsLog, makeScale, scaleTarget, type Scale } from "./scale.ts";
import { chooseStrengths, makeNormal, makeScratch, solveRidge, spread, type Normal, type Solved } from "./ridge.ts";

// Three years of days: what is older tells little of the present shape and costs as much.
const maxHistory = 1100;
const minValues = 6;
const forecastPaths = 500;

/** All that `advance` keeps. */
interface Shape {
  readonly structure: Structure;
  readonly scale: Scale;
  readonly memory: Memory;
  readonly penalty: Float64Array;
  readonly options: FitOptions;
  /** What the slope keeps from one step to the next beyond the history. */
  readonly fade: number;
}

/** A history as the solve sees it: steps from `start` on, columns and scaled target over them. */
interface Seen {
  readonly series: Series;
  readonly start: number;
  readonly known: Uint8Array;
  readonly count: number;
  readonly columns: Float64Array;
  readonly z: Float64Array;
}

function residuals(columns: Float64Array, z: Float64Array, beta: Float64Array, known: Uint8Array, out: Float64Array): void {
  const count = known.length;
  out.set(z);
  for (let j = 0; j < beta.length; j++) {
    const b = beta[j];
    if (b === 0) continue;
    const at = j * count;
    for (let t = 0; t < count; t++) out[t] -= b * columns[at + t];
  }
  for (let t = 0; t < count; t++) if (known[t] === 0) out[t] = 0;
}

/** Zeroes rows without a value, for normal equations without whitening. */
function masked(columns: Float64Array, width: number, known: Uint8Array): Float64Array {
  let whole = true;
  for (let t = 0; t < known.length; t++) if (known[t] === 0) whole = false;
  if (whole) return columns;
  const out = columns.slice();
  const count = known.length;
  for (let j = 0; j < width; j++) for (let t = 0; t < count; t++) if (known[t] === 0) out[j * count + t] = 0;
  return out;
}

const historyStart = (values: Float64Array): number => {
  let start = Math.max(0, values.length - maxHistory);
  while (start < values.length && !Number.isFinite(values[start])) start++;
  return start;
};

/** The steps from `start` on: 1 where a value is known. */
function knownFrom(values: Float64Array, start: number): { readonly steps: number; readonly known: Uint8Array; readonly count: number } {
  const known = Uint8Array.from(values.subarray(start), (value) => (Number.isFinite(value) ? 1 : 0));
  return { steps: known.length, known, count: known.reduce((sum, each) => sum + each, 0) };
}

function fit(series: Series, options: FitOptions): Fitted | Unfit {
  const start = historyStart(series.values);
  const { steps, known, count } = knownFrom(series.values, start);
  if (count < minValues) {
    return { kind: "unfit", reason: `A regression needs ${minValues} known values, and the history has ${count}.` };
  }
  const structure = makeStructure(series, start, count);
  const { width, group, weight } = structure;
  const columns = makeColumns(structure, series, structure.origin, steps);
  const scratch = makeScratch(width);
  const penalty = new Float64Array(width);

  // First pass: no bends, so that what the trend cannot follow shows as memory of the errors; and the choice between sum and product.
  spread(Float64Array.of(0, 1e6, 2, 5), group, weight, penalty);
  const plain = masked(columns, width, known);
  let normal: Normal | undefined;
  let scale: Scale | undefined;
  let z: Float64Array = new Float64Array(0);
  let memory: Memory = { phi: 0, alpha: 0 };
  let best = Number.POSITIVE_INFINITY;
  const errors = new Float64Array(steps);
  for (const log of allowsLog(series.values, start, count) ? [false, true] : [false]) {
    const tried = makeScale(series.values, start, log);
    const target = scaleTarget(tried, series.values, start, known);
    normal = makeNormal({ columns: plain, width, count: steps, rows: count }, target, normal);
    const { beta } = solveRidge(normal, penalty, scratch);
    residuals(columns, target, beta, known, errors);
    const found = chooseMemory(errors, known, count);
    const squares = innovationSquares(errors, known, found.phi, found.alpha);
    // Minus twice the log-likelihood of the one-step errors on the scale of the target (the Jacobian of g added): both have the same parameters.
    let score = count * (Math.log(Math.max(squares, 1e-20) / count) + 2 * Math.log(tried.spread));
    if (log) {
      for (let t = 0; t < steps; t++) {
        if (known[t] === 1) score += 2 * Math.log(Math.max(tried.floor, series.values[start + t] + tried.shift));
      }
    }
    if (scale === undefined || score < best) {
      best = score;
      scale = tried;
      z = target;
      memory = found;
    }
  }
  if (scale === undefined) return { kind: "unfit", reason: "The history has no spread that a regression could use." };

  // Second pass: whitened, so that cross-validation sees independent errors.
  const white = new Float64Array(columns.length);
  const whiteZ = new Float64Array(steps);
  whiten(columns, width, known, memory, white);
  whiten(z, 1, known, memory, whiteZ);
  normal = makeNormal({ columns: white, width, count: steps, rows: count }, whiteZ);
  const strengths = chooseStrengths(normal, group, weight, scratch);
  const weights = weight.slice();
  spread(strengths, group, weights, penalty);
  let solved = solveRidge(normal, penalty, scratch);
  const beta = solved.beta.slice();
  // Few bends rather than many small ones, as the paper's Laplace prior: each bend is held by its own size (local approximation of Zou & Li 2008).
  let score = solved.gcv;
  for (let round = 0; round < 3 && structure.knots.length > 1 && strengths[groups.knots] < 1e5; round++) {
    let mean = 0;
    for (let j = 0; j < width; j++) if (group[j] === groups.knots) mean += Math.abs(beta[j]) / structure.knots.length;
    if (!(mean > 0)) break;
    const trial = weights.slice();
    for (let j = 0; j < width; j++) if (group[j] === groups.knots) trial[j] = mean / (Math.abs(beta[j]) + 0.05 * mean);
    spread(strengths, group, trial, penalty);
    solved = solveRidge(normal, penalty, scratch);
    if (!(solved.gcv < score)) break;
    score = solved.gcv;
    beta.set(solved.beta);
    weights.set(trial);
  }
  spread(strengths, group, weights, penalty);
  residuals(columns, z, beta, known, errors);
  const settled = chooseMemory(errors, known, count);
  const changed = settled.phi !== memory.phi || settled.alpha !== memory.alpha;

  // A slope is trusted for a sixth of the history ahead (its damped sum tends to that many steps), at least six steps.
  const shape: Shape = { structure, scale, memory: settled, penalty, options, fade: Math.exp(-1 / Math.max(6, steps / 6)) };
  return solveShape(shape, { series, start, known, count, columns, z }, changed ? undefined : normal);
}

/** Solves for the coefficients of a decided shape and wraps them up. */
function solveShape(shape: Shape, seen: Seen, ready: Normal | undefined): Fitted | Unfit {
  const { structure, memory, penalty } = shape;
  const { known, count, columns, z } = seen;
  const { width } = structure;
  const steps = known.length;
  const scratch = makeScratch(width);
  let white: Float64Array | undefined;
  const whiteZ = new Float64Array(steps);
  let normal = ready;
  if (normal === undefined) {
    white = new Float64Array(columns.length);
    whiten(columns, width, known, memory, white);
    whiten(z, 1, known, memory, whiteZ);
    normal = makeNormal({ columns: white, width, count: steps, rows: count }, whiteZ);
  }
  const solved = solveRidge(normal, penalty, scratch);
  const beta = solved.beta.slice();
  const errors = new Float64Array(steps);
  const innovations = new Float64Array(steps);
  residuals(columns, z, beta, known, errors);
  whiten(errors, 1, known, memory, innovations);

  // A few values far outside the rest must not bend the coefficients (Huber 1964): they are pulled in for one more solve.
  const width6 = 6 * deviation(innovations, known, count);
  let wild = 0;
  for (let t = 0; t < steps; t++) if (known[t] === 1 && Math.abs(innovations[t]) > width6) wild++;
  if (wild > 0 && wild <= 0.04 * count && width6 > 0) {
    const tame = z.slice();
    for (let t = 0; t < steps; t++) {
      if (known[t] === 1 && Math.abs(innovations[t]) > width6) tame[t] -= innovations[t] - Math.sign(innovations[t]) * (width6 / 2);
    }
    if (white === undefined) {
      white = new Float64Array(columns.length);
      whiten(columns, width, known, memory, white);
    }
    whiten(tame, 1, known, memory, whiteZ);
    beta.set(solveRidge(makeNormal({ columns: white, width, count: steps, rows: count }, whiteZ, normal), penalty, scratch).beta);
    residuals(columns, z, beta, known, errors);
    whiten(errors, 1, known, memory, innovations);
  }
  for (let j = 0; j < width; j++)
    if (!Number.isFinite(beta[j])) return { kind: "unfit", reason: "The normal equations of the regression have no solution." };
  return makeFitted(shape, seen, { beta, innovations, solved, factor: scratch.factor });
}

/** What the level of the errors at the end makes of each column: the part of a coefficient's error that the level takes back. */
function endLevels(columns: Float64Array, width: number, known: Uint8Array, memory: Memory): Float64Array {
  const { phi, alpha } = memory;
  const count = known.length;
  const out = new Float64Array(width);
  for (let j = 0; j < width; j++) {
    let level = 0;
    for (let t = 0; t < count; t++) {
      const expected = phi * level;
      level = known[t] === 1 ? expected + alpha * (columns[j * count + t] - expected) : expected;
    }
    out[j] = level;
  }
  return out;
}

/** Root of c'(X'X + P)^-1 c, from the factor of X'X + P: the standard error of c'b in innovation spreads. */
function standardError(factor: Float64Array, width: number, contrast: Float64Array, room: Float64Array): number {
  let squares = 0;
  for (let i = 0; i < width; i++) {
    let sum = contrast[i];
    for (let k = 0; k < i; k++) sum -= factor[i * width + k] * room[k];
    room[i] = sum / factor[i * width + i];
    squares += room[i] * room[i];
  }
  return Math.sqrt(squares);
}

/** 1.4826 times the median absolute innovation. */
function deviation(innovations: Float64Array, known: Uint8Array, count: number): number {
  const sizes = new Float64Array(count);
  let at = 0;
  for (let t = 0; t < known.length; t++) if (known[t] === 1) sizes[at++] = Math.abs(innovations[t]);
  sizes.sort();
  return 1.4826 * sizes[Math.floor(count / 2)];
}

/** Coefficients that were solved for, the innovations they leave, and the factor of their normal equations. */
interface Coefficients {
  readonly beta: Float64Array;
  readonly innovations: Float64Array;
  readonly solved: Solved;
  readonly factor: Float64Array;
}

/** What the next steps start from, in units of the fit. */
interface Outlook extends Pick<Coefficients, "beta" | "factor"> {
  readonly shape: Shape;
  readonly series: Series;
  /** Of the errors, at the end. */
  readonly level: number;
  readonly sigma: number;
  /** What the levels of the columns' errors take of each coefficient. */
  readonly taken: Float64Array;
  /** Nothing is forecast further outside the past than twice its range: a product of many effects must not run away. */
  readonly ground: number;
  readonly roof: number;
  /** Innovations about zero, with their variance kept. */
  readonly pool: Float64Array;
  /** Mean size of a bend, and the chance of one in a step. */
  readonly bendSize: number;
  readonly bendChance: number;
}

/** From units of the fit to those of the series; `lift` is added before the logarithm is undone. */
function unscale({ scale, options }: Shape, x: number, lift: number): number {
  const y = scale.log ? Math.exp(x * scale.spread + scale.centre + lift) - scale.shift : x * scale.spread + scale.centre;
  return options.nonNegative && y < 0 ? 0 : y;
}

/** One-step forecasts of the history, and the level of the errors at its end. */
function walk(
  shape: Shape,
  { series, start, known, columns }: Seen,
  { beta, innovations }: Coefficients,
  sigma: number,
): { readonly fitted: Float64Array; readonly level: number } {
  const { memory, scale } = shape;
  const steps = known.length;
  const fitted = new Float64Array(series.values.length).fill(Number.NaN);
  const half = 0.5 * (sigma * scale.spread) ** 2;
  const mu = new Float64Array(steps);
  for (let j = 0; j < beta.length; j++) for (let t = 0; t < steps; t++) mu[t] += beta[j] * columns[j * steps + t];
  let level = 0;
  for (let t = 0; t < steps; t++) {
    const expected = memory.phi * level;
    fitted[start + t] = unscale(shape, mu[t] + expected, Math.min(half, 0.7));
    level = known[t] === 1 ? expected + memory.alpha * innovations[t] : expected;
  }
  return { fitted, level };
}

/** The known innovations, moved to zero and stretched to the variance that the degrees of freedom leave. */
function poolOf(innovations: Float64Array, known: Uint8Array, count: number, freedom: number): Float64Array {
  const pool = new Float64Array(count);
  let mean = 0;
  let at = 0;
  for (let t = 0; t < known.length; t++) if (known[t] === 1) pool[at++] = innovations[t];
  for (let i = 0; i < count; i++) mean += pool[i] / count;
  const inflate = Math.sqrt(count / freedom);
  for (let i = 0; i < count; i++) pool[i] = (pool[i] - mean) * inflate;
  return pool;
}

function boundsOf(z: Float64Array, known: Uint8Array): { readonly ground: number; readonly roof: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let t = 0; t < known.length; t++) {
    if (known[t] !== 1) continue;
    low = Math.min(low, z[t]);
    high = Math.max(high, z[t]);
  }
  const range = Math.max(high - low, 1e-9);
  return { ground: low - 2 * range, roof: high + 2 * range };
}

const within = ({ ground, roof }: Outlook, x: number): number => (x < ground ? ground : x > roof ? roof : x);

/** Slope at the end by step, and mean size of a bend. */
function trendOf({ knots, span }: Shape["structure"], beta: Float64Array): { readonly slope: number; readonly bendSize: number } {
  let slope = beta[1];
  let bendSize = 0;
  for (let k = 0; k < knots.length; k++) {
    slope += beta[2 + k];
    bendSize += Math.abs(beta[2 + k]);
  }
  return { slope: slope / span, bendSize: knots.length === 0 ? 0 : bendSize / knots.length / span };
}

function makeFitted(shape: Shape, seen: Seen, coefficients: Coefficients): Fitted {
  const { series, known, count, columns, z } = seen;
  const { structure, memory } = shape;
  const { beta, innovations, solved, factor } = coefficients;
  const freedom = Math.max(1, count - Math.min(solved.edf, 0.6 * count));
  let squares = 0;
  for (let t = 0; t < known.length; t++) squares += innovations[t] * innovations[t];
  const sigma = Math.sqrt(squares / freedom);
  const { fitted, level } = walk(shape, seen, coefficients, sigma);
  const { slope, bendSize } = trendOf(structure, beta);
  const outlook: Outlook = {
    shape,
    series,
    beta,
    factor,
    level,
    sigma,
    taken: endLevels(columns, structure.width, known, memory),
    ...boundsOf(z, known),
    pool: poolOf(innovations, known, count, freedom),
    bendSize,
    bendChance: structure.knots.length / (0.85 * structure.span),
  };
  return {
    kind: "fitted",
    title: titleOf(shape),
    parameters: parametersOf(shape, { beta, sigma, slope, edf: solved.edf }),
    fitted,
    forecast: (horizon, levels) => forecastFrom(outlook, horizon, levels),
    simulate: (horizon, paths, random) => {
      const out = drawPaths(outlook, { horizon, paths, random, perPath: horizon, perStep: 1 });
      for (let i = 0; i < out.length; i++) out[i] = unscale(shape, out[i], 0);
      return out;
    },
    advance: (longer) => advance(shape, longer),
  };
}

/** Centre line of the next steps without the level of the errors, and its standard error. */
function courseOf(outlook: Outlook, horizon: number): { readonly line: Float64Array; readonly doubt: Float64Array } {
  const { series, beta, factor, sigma, taken } = outlook;
  const { structure, memory, fade } = outlook.shape;
  const { width, knots, span } = structure;
  const end = series.position + series.values.length;
  const ahead = makeColumns(structure, series, end, horizon);
  const line = new Float64Array(horizon);
  const doubt = new Float64Array(horizon);
  const contrast = new Float64Array(width);
  const room = new Float64Array(width);
  const last = end - 1;
  let travelled = 0;
  let pace = 1;
  let held = 1;
  for (let h = 0; h < horizon; h++) {
    pace *= fade;
    travelled += pace;
    held *= memory.phi;
    contrast[0] = 1;
    contrast[1] = (last - structure.origin + travelled) / span;
    for (let k = 0; k < knots.length; k++) contrast[2 + k] = (Math.max(0, last - knots[k]) + travelled) / span;
    for (let j = 2 + knots.length; j < width; j++) contrast[j] = ahead[j * horizon + h];
    let sum = 0;
    for (let j = 0; j < width; j++) {
      sum += beta[j] * contrast[j];
      contrast[j] -= held * taken[j];
    }
    line[h] = sum;
    doubt[h] = sigma * standardError(factor, width, contrast, room);
  }
  return { line, doubt };
}

/** How many paths, and where step h of path p goes: `[p * perPath + h * perStep]`. */
interface Draw {
  readonly horizon: number;
  readonly paths: number;
  readonly random: Random;
  readonly perPath: number;
  readonly perStep: number;
}

/** Sample paths in units of the fit. */
function drawPaths(outlook: Outlook, { horizon, paths, random, perPath, perStep }: Draw): Float64Array {
  const { pool, sigma, level, bendSize, bendChance, ground, roof } = outlook;
  const { memory, fade } = outlook.shape;
  const { line, doubt } = courseOf(outlook, horizon);
  const out = new Float64Array(paths * horizon);
  // Smoothed bootstrap (Silverman & Young 1987), with the variance kept; drawn from a well filled beforehand.
  const blur = 0.9 * pool.length ** -0.2;
  const shrink = 1 / Math.sqrt(1 + blur * blur);
  const wellSize = sigma === 0 ? 1 : 2048;
  const well = new Float64Array(wellSize);
  if (sigma > 0) for (let i = 0; i < wellSize; i++) well[i] = shrink * (pool[random.below(pool.length)] + blur * sigma * random.normal());
  const { phi, alpha } = memory;
  const logStay = bendSize > 0 && bendChance > 0 ? Math.log(1 - Math.min(0.5, bendChance)) : 0;
  for (let p = 0; p < paths; p++) {
    let l = level;
    // Coefficients are known with their standard error only; bends to come are as frequent, and as strong, as those of the past.
    const unsure = random.normal();
    let bend = 0;
    let drift = 0;
    let next = logStay === 0 ? horizon : Math.floor(Math.log(1 - random.next()) / logStay);
    for (let h = 0; h < horizon; h++) {
      if (h === next) {
        const u = random.next() - 0.5;
        bend -= bendSize * Math.sign(u) * Math.log(Math.max(1e-12, 1 - 2 * Math.abs(u)));
        next += 1 + Math.floor(Math.log(1 - random.next()) / logStay);
      }
      bend *= fade;
      drift += bend;
      const v = well[Math.floor(random.next() * wellSize)];
      const expected = phi * l;
      const x = line[h] + unsure * doubt[h] + drift + expected + v;
      out[p * perPath + h * perStep] = x < ground ? ground : x > roof ? roof : x;
      l = expected + alpha * v;
    }
  }
  return out;
}

function forecastFrom(outlook: Outlook, horizon: number, levels: readonly number[]): Forecast {
  const { shape, sigma } = outlook;
  const { memory, scale, options } = shape;
  const { line } = courseOf(outlook, horizon);
  const mean = new Float64Array(horizon);
  let l = outlook.level;
  let variance = sigma * sigma;
  for (let h = 0; h < horizon; h++) {
    l *= memory.phi;
    // The mean of a lognormal, as long as that is a correction and not the forecast itself.
    const lift = Math.min(0.5 * variance * scale.spread * scale.spread, 0.7);
    mean[h] = unscale(shape, within(outlook, line[h] + l), lift);
    variance += (memory.alpha * sigma) ** 2 * (memory.phi * memory.phi) ** (h + 1);
  }
  const quantiles = new Float64Array(levels.length * horizon);
  if (levels.length === 0) return { mean, quantiles, levels };
  const random = options.random.fork("regression");
  const paths = drawPaths(outlook, { horizon, paths: forecastPaths, random, perPath: 1, perStep: forecastPaths });
  for (let h = 0; h < horizon; h++) {
    const column = paths.subarray(h * forecastPaths, (h + 1) * forecastPaths).sort();
    for (let i = 0; i < levels.length; i++) {
      const place = levels[i] * (forecastPaths - 1);
      const below = Math.floor(place);
      const above = Math.min(below + 1, forecastPaths - 1);
      quantiles[i * horizon + h] = unscale(shape, column[below] + (place - below) * (column[above] - column[below]), 0);
    }
  }
  return { mean, quantiles, levels };
}

interface Figures {
  readonly beta: Float64Array;
  readonly sigma: number;
  readonly slope: number;
  readonly edf: number;
}

function parametersOf({ structure, memory, scale, fade }: Shape, { beta, sigma, slope, edf }: Figures): Readonly<Record<string, number>> {
  const parameters: Record<string, number> = {
    phi: memory.phi,
    alpha: memory.alpha,
    sigma: sigma * scale.spread,
    edf,
    slope: slope * scale.spread,
    fade,
    bends: structure.knots.length,
    log: scale.log ? 1 : 0,
  };
  const first = structure.width - structure.inputs.length;
  for (let i = 0; i < structure.inputs.length; i++) {
    parameters[`beta ${structure.names[first + i]}`] = (beta[first + i] * scale.spread) / structure.inputs[i].scale;
  }
  return parameters;
}

function titleOf({ structure, memory, scale }: Shape): string {
  const { knots, cycles, inputs } = structure;
  const words = [
    scale.log ? "multiplicative" : "additive",
    `${knots.length} bends`,
    ...(cycles.length === 0 ? [] : [`${cycles.length} waves`]),
    ...(inputs.length === 0 ? [] : [`${inputs.length} regressors`]),
    memory.alpha === 0 ? "white errors" : `errors phi ${memory.phi} alpha ${memory.alpha}`,
  ];
  return `Regression(${words.join(", ")})`;
}

function advance(shape: Shape, series: Series): Fitted | Unfit {
  const needed = shape.structure.inputs.reduce((most, input) => Math.max(most, input.index + 1), 0);
  if (series.regressors.length < needed) {
    return {
      kind: "unfit",
      reason: `The fit reads ${needed} regressors, and the history to advance over has ${series.regressors.length}.`,
    };
  }
  const start = historyStart(series.values);
  const { steps, known, count } = knownFrom(series.values, start);
  if (count < minValues) return { kind: "unfit", reason: `A regression needs ${minValues} known values, and the history has ${count}.` };
  const columns = makeColumns(shape.structure, series, series.position + start, steps);
  const z = scaleTarget(shape.scale, series.values, start, known);
  return solveShape(shape, { series, start, known, count, columns, z }, undefined);
}

/** Regression with trend, seasons, holidays, prices and promotions: the model other parts of the engine choose by name. */
export const regression: Model = {
  name: "regression",
  about: "A trend that may bend, smooth seasons, prices, promotions and holidays, added up or multiplied, with errors that remember.",
  usesRegressors: true,
  fit,
};
