// Complex exponential smoothing as a linear filter: its four seasonal forms, their stability, their first states.
//
// Method: Svetunkov, Kourentzes & Ord 2022, "Complex exponential smoothing", Naval Research Logistics 69. A level l and a hidden second part c
// turn into one another, y = l + e, l' = l - (1 - a1) c + (a0 - a1) e, c' = l + (1 - a0) c + (a0 + a1) e, with the complex parameter
// a0 + i a1. `none` has one such pair; `simple` one for each phase of the season; `partial` adds a plain seasonal state, s' = s + b e; `full`
// adds pairs for each phase with a parameter of their own.
//   C1. All forms run in one loop: what a form lacks has coefficients and states of zero.
//   C2. Errors are linear in the first states, so that for given parameters those follow by least squares; only 2 to 4 numbers are searched.

import { cholesky, solveCholesky } from "../../numerics/linear.ts";
import { multiplyColumns } from "../ets/estimate.ts";
import { isStable } from "../ets/structure.ts";

export type CesSeason = "none" | "simple" | "partial" | "full";

/** How many numbers are searched: a0, a1 of the quick pair, b0, b1 of the seasonal part, as far as the form has them. */
export const searched = { none: 2, simple: 2, partial: 3, full: 4 } as const satisfies Record<CesSeason, number>;

/** First states that are free: the quick pair; by phase the pairs of `simple` and `full`; by phase but one the states of `partial`. */
export function countStates(season: CesSeason, period: number): number {
  if (season === "none") return 2;
  if (season === "simple") return 2 * period;
  return season === "partial" ? 1 + period : 2 + 2 * period;
}

/** Coefficients of both pairs: `l' = l + turn c + gain e`, `c' = feed l + keep c + push e`; zero where the form lacks the pair. */
interface Pair {
  turn: number;
  feed: number;
  keep: number;
  gain: number;
  push: number;
}

const absent: Pair = { turn: 0, feed: 0, keep: 0, gain: 0, push: 0 };

function makePair(real: number, imaginary: number): Pair {
  return { turn: imaginary - 1, feed: 1, keep: 1 - real, gain: real - imaginary, push: real + imaginary };
}

/** The pairs of a form. `point` as counted by `searched`. */
export function makePairs(season: CesSeason, point: ArrayLike<number>): { readonly quick: Pair; readonly slow: Pair } {
  if (season === "simple") return { quick: absent, slow: makePair(point[0], point[1]) };
  const quick = makePair(point[0], point[1]);
  if (season === "none") return { quick, slow: absent };
  return { quick, slow: season === "full" ? makePair(point[2], point[3]) : { ...absent, gain: point[2] } };
}

/** Rooms for one history; `states` holds l, c, then the slow levels by phase, then their second parts. */
export interface CesPass {
  readonly length: number;
  readonly period: number;
  readonly observed: number;
  readonly values: Float64Array;
  readonly seen: Float64Array;
  readonly mu: Float64Array;
  readonly error: Float64Array;
  readonly states: Float64Array;
}

/** Rooms for `history` divided by `scale`; NaN is missing. */
export function makeCesPass(history: Float64Array, scale: number, period: number): CesPass {
  const length = history.length;
  const seen = Float64Array.from(history, (value) => (Number.isNaN(value) ? 0 : 1));
  return {
    length,
    period,
    observed: seen.reduce((sum, one) => sum + one, 0),
    values: history.map((value) => (Number.isNaN(value) ? 0 : value / scale)),
    seen,
    mu: new Float64Array(length),
    error: new Float64Array(length),
    states: new Float64Array(2 + 2 * period),
  };
}

/** Runs the filter from `pass.states`, leaving the last states there (phase 0 stays in place 0), mu and errors in `pass`. */
export function runCes(pass: CesPass, quick: Pair, slow: Pair, values: Float64Array): void {
  const { length, period, seen, mu, error, states } = pass;
  const { turn, feed, keep, gain, push } = quick;
  const { turn: slowTurn, feed: slowFeed, keep: slowKeep, gain: slowGain, push: slowPush } = slow;
  let l = states[0];
  let c = states[1];
  for (let t = 0, j = 2; t < length; t++) {
    const level = states[j];
    const second = states[j + period];
    const m = l + level;
    const e = (values[t] - m) * seen[t];
    mu[t] = m;
    error[t] = e;
    const next = l + turn * c + gain * e;
    c = feed * l + keep * c + push * e;
    l = next;
    states[j] = level + slowTurn * second + slowGain * e;
    states[j + period] = slowFeed * level + slowKeep * second + slowPush * e;
    if (++j === period + 2) j = 2;
  }
  states[0] = l;
  states[1] = c;
}

/**
 * Whether errors of the distant past are forgotten (the roots of the moving-average polynomial), and the forecast itself does not run away: no
 * root of the transition beyond `fastest` a step.
 */
export function isStableCes(season: CesSeason, point: ArrayLike<number>, period: number, fastest: number): boolean {
  const { quick, slow } = makePairs(season, point);
  // Characteristic p and response q of a pair in powers of B: y = (1 + q / p) e.
  const quickP = [1, -(1 + quick.keep), quick.keep - quick.turn * quick.feed];
  const quickQ = [0, quick.gain, quick.turn * quick.push - quick.keep * quick.gain];
  const slowP = season === "partial" ? [1, -1, 0] : [1, -(1 + slow.keep), slow.keep - slow.turn * slow.feed];
  const slowQ = season === "partial" ? [0, slow.gain, 0] : [0, slow.gain, slow.turn * slow.push - slow.keep * slow.gain];
  if (season !== "simple" && !isTame(quickP, fastest)) return false;
  if ((season === "simple" || season === "full") && !isTame(slowP, Math.pow(fastest, period))) return false;
  if (season === "none" || season === "simple") {
    const [p, q] = season === "none" ? [quickP, quickQ] : [slowP, slowQ];
    return isStable(Float64Array.of(1, p[1] + q[1], p[2] + q[2]));
  }
  const poly = new Float64Array(3 + 2 * period);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) poly[i + j * period] += (quickP[i] + quickQ[i]) * slowP[j] + quickP[i] * slowQ[j];
  }
  return isStable(season === "partial" ? poly.slice(0, 3 + period) : poly);
}

/** Whether the roots of `z^2 + p1 z + p2` have size at most `fastest`. */
function isTame([, p1, p2]: readonly number[], fastest: number): boolean {
  const f = fastest * fastest;
  return Math.abs(p2) <= f && Math.abs(p1) * fastest <= f + p2 + 1e-12;
}

/** Rooms for least squares over first states. */
export interface StateWorkspace {
  readonly columns: Float64Array;
  readonly matrix: Float64Array;
  readonly target: Float64Array;
}

export function makeStateWorkspace(length: number, states: number): StateWorkspace {
  return { columns: new Float64Array(length * states), matrix: new Float64Array(states * states), target: new Float64Array(states) };
}

/**
 * Sets `pass.states` to the first states of least squared errors, runs the filter from them, and returns the first states with the sum of
 * squares; undefined where the equations have no solution.
 */
export function solveStates(
  pass: CesPass,
  season: CesSeason,
  point: ArrayLike<number>,
  workspace: StateWorkspace,
): { readonly first: Float64Array; readonly squares: number } | undefined {
  const { length, period, observed, states, error, mu, seen, values } = pass;
  const { quick, slow } = makePairs(season, point);
  const size = countStates(season, period);
  const { columns, matrix, target } = workspace;
  const silence = new Float64Array(length);
  // Place of each free state; those of `partial` are kept summing to zero through the last phase.
  let column = 0;
  const respond = (place: number): void => {
    states.fill(0);
    states[place] = 1;
    if (season === "partial" && place >= 2) states[1 + period] = -1;
    runCes(pass, quick, slow, silence);
    const offset = column++ * length;
    for (let t = 0; t < length; t++) columns[offset + t] = mu[t] * seen[t];
  };
  if (season !== "simple") {
    respond(0);
    respond(1);
  }
  if (season === "partial") for (let j = 0; j < period - 1; j++) respond(2 + j);
  else if (season !== "none") {
    for (const place of [2, 2 + period]) {
      respond(place);
      for (let j = 1; j < period; j++) {
        if (observed < length) {
          respond(place + j);
          continue;
        }
        // Without gaps the response of a later phase is that of the first, later.
        const from = (column - j) * length;
        const to = column++ * length;
        columns.fill(0, to, to + j);
        columns.copyWithin(to + j, from, from + length - j);
      }
    }
  }
  states.fill(0);
  runCes(pass, quick, slow, values);
  multiplyColumns(columns, size, length, matrix);
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (let t = 0; t < length; t++) sum += columns[i * length + t] * error[t];
    target[i] = sum;
    matrix[i * size + i] = matrix[i * size + i] * (1 + 1e-9) + 1e-12;
  }
  if (!cholesky(matrix, size)) return undefined;
  solveCholesky(matrix, size, target);
  const first = new Float64Array(2 + 2 * period);
  if (season === "simple") for (let i = 0; i < size; i++) first[2 + i] = target[i];
  else for (let i = 0; i < size; i++) first[i] = target[i];
  if (season === "partial") {
    let sum = 0;
    for (let j = 0; j < period - 1; j++) sum += target[2 + j];
    first[1 + period] = -sum;
  }
  states.set(first);
  runCes(pass, quick, slow, values);
  let squares = 0;
  for (let t = 0; t < length; t++) squares += error[t] * error[t];
  return Number.isFinite(squares) ? { first, squares } : undefined;
}
