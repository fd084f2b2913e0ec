// Ridge regression by its normal equations, with strengths found by generalized cross-validation.
//
// Owns: sums of squares, the penalised solve, the choice of strengths. Does not own: what the columns mean.
//   R1. The normal equations are built once; every strength tried costs one Cholesky factor of width x width.

import { cholesky, solveCholesky } from "../../numerics/linear.ts";
import { groups } from "./design.ts";

/** `X'X` (lower triangle, row by row), `X'y` and `y'y` over `rows` rows that counted. */
export interface Normal {
  readonly width: number;
  readonly gram: Float64Array;
  readonly cross: Float64Array;
  readonly square: number;
  readonly rows: number;
}

/** Coefficients and what they cost. */
export interface Solved {
  readonly beta: Float64Array;
  /** Sum of squared residuals. */
  readonly rss: number;
  /** Effective degrees of freedom: the trace of the hat matrix. */
  readonly edf: number;
  /** Generalized cross-validation score. */
  readonly gcv: number;
}

/** Columns of `count` steps each, of which `rows` count; the others are zero in all columns and in `y`. */
export interface Equations {
  readonly columns: Float64Array;
  readonly width: number;
  readonly count: number;
  readonly rows: number;
}

/** Builds the normal equations. `same`: earlier equations of the same columns, whose `X'X` is taken over. */
export function makeNormal({ columns, width, count, rows }: Equations, y: Float64Array, same?: Normal): Normal {
  const gram = same?.gram ?? makeGram(columns, width, count);
  const cross = new Float64Array(width);
  let square = 0;
  for (let t = 0; t < count; t++) square += y[t] * y[t];
  for (let i = 0; i < width; i++) {
    let sum = 0;
    const a = i * count;
    for (let t = 0; t < count; t++) sum += columns[a + t] * y[t];
    cross[i] = sum;
  }
  return { width, gram, cross, square, rows };
}

function makeGram(columns: Float64Array, width: number, count: number): Float64Array {
  const gram = new Float64Array(width * width);
  // Two columns against two columns: each number loaded is used twice.
  for (let i = 0; i < width; i += 2) {
    const a = i * count;
    const pairI = i + 1 < width;
    const b = pairI ? a + count : a;
    for (let j = 0; j <= i; j += 2) {
      const c = j * count;
      const pairJ = j + 1 < width;
      const d = pairJ ? c + count : c;
      let ac = 0;
      let ad = 0;
      let bc = 0;
      let bd = 0;
      for (let t = 0; t < count; t++) {
        const x = columns[a + t];
        const y2 = columns[b + t];
        const u = columns[c + t];
        const v = columns[d + t];
        ac += x * u;
        ad += x * v;
        bc += y2 * u;
        bd += y2 * v;
      }
      gram[i * width + j] = ac;
      if (pairJ && j + 1 <= i) gram[i * width + j + 1] = ad;
      if (pairI) gram[(i + 1) * width + j] = bc;
      if (pairI && pairJ) gram[(i + 1) * width + j + 1] = bd;
    }
  }
  return gram;
}

/** Room for factors, so that a search allocates once. */
export interface Scratch {
  readonly factor: Float64Array;
  readonly inverse: Float64Array;
  readonly beta: Float64Array;
}

export function makeScratch(width: number): Scratch {
  return { factor: new Float64Array(width * width), inverse: new Float64Array(width), beta: new Float64Array(width) };
}

/** Cross-validation counts each effective parameter 1.4 times: plain GCV undersmooths now and then (Kim & Gu 2004). */
const inflation = 1.4;

/**
 * Minimises `|y - X b|^2 + sum penalty[j] b[j]^2` (Hoerl & Kennard 1970) by Cholesky; GCV as in Golub, Heath & Wahba 1979.
 *
 * `beta` is the scratch's own: copy it to keep it. Where even the penalised system has no factor, all coefficients are zero and GCV is infinite.
 */
export function solveRidge(normal: Normal, penalty: Float64Array, scratch: Scratch): Solved {
  const { width, gram, cross, rows } = normal;
  const { factor, inverse, beta } = scratch;
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) factor[i * width + j] = gram[i * width + j];
    // A hair on the unpenalised columns, so that a history without a spread still has a factor.
    factor[i * width + i] += penalty[i] + 1e-10 * gram[i * width + i] + 1e-12;
  }
  beta.set(cross);
  if (!cholesky(factor, width)) {
    beta.fill(0);
    return { beta, rss: normal.square, edf: 0, gcv: Number.POSITIVE_INFINITY };
  }
  solveCholesky(factor, width, beta);
  // trace of (G + P)^-1 G = width - sum of penalty[j] times the j-th diagonal of the inverse.
  let edf = width;
  for (let j = 0; j < width; j++) {
    if (penalty[j] === 0) continue;
    let diagonal = 0;
    inverse[j] = 1 / factor[j * width + j];
    diagonal += inverse[j] * inverse[j];
    for (let i = j + 1; i < width; i++) {
      let sum = 0;
      const a = i * width;
      for (let k = j; k < i; k++) sum -= factor[a + k] * inverse[k];
      inverse[i] = sum / factor[a + i];
      diagonal += inverse[i] * inverse[i];
    }
    edf -= penalty[j] * diagonal;
  }
  let fit = 0;
  for (let j = 0; j < width; j++) fit += beta[j] * (cross[j] + penalty[j] * beta[j]);
  const rss = Math.max(0, normal.square - fit);
  const room = 1 - Math.min(0.98, (inflation * Math.max(0, edf)) / rows);
  return { beta, rss, edf: Math.max(0, edf), gcv: rss / rows / (room * room) };
}

/** Strengths tried, per group; the last one of each all but shuts the group off. */
const ladders: readonly (readonly number[])[] = [
  [0],
  [0.003, 0.03, 0.3, 3, 30, 1e6],
  [0.02, 0.2, 2, 20, 200, 1e6],
  [0.05, 0.5, 5, 50, 500, 1e6],
];

/** Penalties per column from strengths per group. */
export function spread(strengths: Float64Array, group: Uint8Array, weight: Float64Array, penalty: Float64Array): void {
  for (let j = 0; j < penalty.length; j++) penalty[j] = strengths[group[j]] * weight[j];
}

/**
 * Finds one strength per group of columns by walking the groups in turn, twice, keeping what lowers GCV.
 *
 * Returns strengths by group index.
 */
export function chooseStrengths(normal: Normal, group: Uint8Array, weight: Float64Array, scratch: Scratch): Float64Array {
  const place = [0, 3, 2, 1];
  const strengths = Float64Array.from(place, (at, g) => ladders[g][at]);
  const present = new Set(group);
  const penalty = new Float64Array(normal.width);
  const score = (): number => {
    spread(strengths, group, weight, penalty);
    return solveRidge(normal, penalty, scratch).gcv;
  };
  let best = score();
  for (let round = 0; round < 2; round++) {
    let moved = false;
    for (const g of [groups.seasons, groups.regressors, groups.knots]) {
      if (!present.has(g)) continue;
      const ladder = ladders[g];
      const home = place[g];
      for (const direction of [1, -1]) {
        if (direction === -1 && place[g] !== home) break;
        for (let at = home + direction; at >= 0 && at < ladder.length; at += direction) {
          strengths[g] = ladder[at];
          const found = score();
          if (found >= best * (1 - 1e-6)) break;
          best = found;
          place[g] = at;
          moved = true;
        }
      }
      strengths[g] = ladder[place[g]];
    }
    if (!moved) break;
  }
  return strengths;
}
