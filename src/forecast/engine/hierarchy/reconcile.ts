// Reconciliation: forecasts of all nodes become forecasts that add up.
//
// Owns: bottom-up and minimum-trace reconciliation. Does not own: which forecasts go in, quantiles (coherent.ts).
//   C1. What comes out is the sum of its bottom at every level: the sums are made last, from the bottom.
//   C2. Coherent forecasts pass unchanged (but for `nonNegative`), and applying twice is applying once: it is a projection.
//   C3. No matrix of bottom x bottom is ever made. Nested levels with a diagonal covariance cost one pass up and one down.
//   C4. No node moves by more than its own standard deviation times the distance of the forecasts from agreement (Mahalanobis); with `bounds` no
//       bottom series leaves its own, however far the sums are from it.

import { StockroomError } from "../../../platform/errors.ts";
import { cholesky, solveCholesky } from "../numerics/linear.ts";
import { sumInPlace, type Hierarchy } from "./structure.ts";

/**
 * `bottom-up`: sums of the bottom. `ols`, `struct`, `variance`: errors independent, of variance one, proportional to the number of series below,
 * or as the residuals' own. `shrink`: the residuals' covariance, shrunk towards its diagonal.
 */
export type Method = "bottom-up" | "ols" | "struct" | "variance" | "shrink";

export interface ReconcileOptions {
  readonly method: Method;
  /** One-step errors, node by node: `[node * (residuals.length / nodes) + t]`, the same t being the same instant; NaN where unknown. For `variance` and `shrink`. */
  readonly residuals?: Float64Array;
  /** Squared standard deviation of each node's forecast, where more is known of it than its residuals tell; for `variance` and `shrink`. */
  readonly variance?: Float64Array;
  /** The most that each bottom series may move, series by series, then step by step; default no limit. */
  readonly bounds?: Float64Array;
  /** Negative bottom values become zero before the sums are made (Di Fonzo & Girolimetto 2023, "set negative to zero"). */
  readonly nonNegative?: boolean;
  /** Up to this many sums a system is factored once; beyond, each column is solved by conjugate gradients. Default 1200. */
  readonly denseLimit?: number;
}

export interface Reconciler {
  readonly method: Method;
  /** Shrinkage intensity of `shrink`, 0..1. */
  readonly shrinkage: number | undefined;
  /** `base` holds `width` numbers per node: steps of a horizon, or samples of one `step`. The result has the same shape. */
  apply(base: Float64Array, width: number, step?: number): Float64Array;
}

/**
 * Makes a reconciler: MinT of Wickramasuriya, Athanasopoulos & Hyndman (2019), JASA 114(526), in the form
 * `y - W C' (C W C')^-1 C y` with C = [I, -A], whose system is only as large as the number of sums.
 *
 * Cost on one core, 30,490 bottom series under 12,350 crossed sums, a column: `struct` 14 ms, `variance` 40 ms, `shrink` with 100 errors 220 ms; with
 * samples to reconcile, shrink pays off up to a few thousand nodes.
 * Throws `RECONCILE_RESIDUALS` when residuals are needed and absent or of a wrong length.
 */
export function makeReconciler(hierarchy: Hierarchy, options: ReconcileOptions): Reconciler {
  const { method, nonNegative = false, denseLimit = 1200, bounds } = options;
  const { aggregates } = hierarchy;
  if (method === "bottom-up" || aggregates === 0) {
    return { method, shrinkage: undefined, apply: (base, width) => finish(hierarchy, base.slice(), width, nonNegative) };
  }
  const { variance, covariance } = covarianceOf(hierarchy, options);
  const project =
    covariance === undefined && hierarchy.parents !== undefined
      ? treeProjection(hierarchy, hierarchy.parents, variance)
      : systemProjection(hierarchy, variance, covariance, aggregates <= denseLimit);
  return {
    method,
    shrinkage: covariance?.intensity,
    apply: (base, width, step) => {
      const out = base.slice();
      project(out, width);
      if (bounds !== undefined) holdBack(hierarchy, base, out, { width, step, bounds });
      return finish(hierarchy, out, width, nonNegative);
    },
  };
}

/** The diagonal of W, and what of the covariance is not on it. */
function covarianceOf(
  hierarchy: Hierarchy,
  { method, residuals, variance: given }: ReconcileOptions,
): { readonly variance: Float64Array; readonly covariance: Covariance | undefined } {
  const { nodes, aggregates, bottom } = hierarchy;
  const variance = new Float64Array(nodes).fill(1);
  if (method === "struct") {
    variance.fill(0, 0, aggregates);
    for (let l = 0; l < hierarchy.levels.length; l++) {
      const { codes } = hierarchy.levels[l];
      for (let b = 0; b < bottom; b++) variance[hierarchy.first[l] + codes[b]]++;
    }
  }
  if (method !== "variance" && method !== "shrink") return { variance, covariance: undefined };
  const some = residuals !== undefined && residuals.length > 0 && residuals.length % nodes === 0;
  if (!some && (given === undefined || method === "shrink")) {
    throw new StockroomError(
      "input",
      "RECONCILE_RESIDUALS",
      `Expected residuals for ${nodes} nodes, the same number for each, but received ${residuals?.length ?? "none"}.`,
    );
  }
  const own = given === undefined ? undefined : floored(given);
  if (!some) return { variance: own ?? variance, covariance: undefined };
  const steps = residuals.length / nodes;
  const seen = variances(hierarchy, residuals, steps);
  if (method === "variance") return { variance: own ?? seen, covariance: undefined };
  const covariance = shrinkCovariance(hierarchy, residuals, steps, seen, own ?? seen);
  return { variance: (own ?? seen).map((each) => each * covariance.intensity), covariance };
}

/** Variances between which a system can be solved: none smaller than a billionth of a billionth of the largest. */
function floored(variance: Float64Array): Float64Array {
  const most = variance.reduce((largest, each) => Math.max(largest, each), 0);
  const least = most > 0 ? 1e-18 * most : 1;
  return variance.map((each) => Math.max(each, least));
}

/** Takes bottom series back to where their bounds are. */
function holdBack(
  { aggregates, bottom }: Hierarchy,
  base: Float64Array,
  out: Float64Array,
  { width, step, bounds }: { readonly width: number; readonly step: number | undefined; readonly bounds: Float64Array },
): void {
  const steps = bounds.length / bottom;
  for (let b = 0; b < bottom; b++) {
    for (let c = 0; c < width; c++) {
      const bound = bounds[b * steps + (step ?? c)];
      const at = (aggregates + b) * width + c;
      out[at] = base[at] + Math.max(-bound, Math.min(bound, out[at] - base[at]));
    }
  }
}

function finish(hierarchy: Hierarchy, all: Float64Array, width: number, nonNegative: boolean): Float64Array {
  if (nonNegative) for (let i = hierarchy.aggregates * width; i < all.length; i++) if (all[i] < 0) all[i] = 0;
  sumInPlace(hierarchy, all, width);
  return all;
}

/** Mean squared error by node; a node without errors gets the mean of its kind, and none is smaller than a millionth of the largest bottom's. */
function variances(hierarchy: Hierarchy, residuals: Float64Array, steps: number): Float64Array {
  const { nodes, aggregates } = hierarchy;
  const out = new Float64Array(nodes).fill(Number.NaN);
  for (let i = 0; i < nodes; i++) {
    let sum = 0;
    let count = 0;
    for (let t = 0; t < steps; t++) {
      const e = residuals[i * steps + t];
      if (!Number.isFinite(e)) continue;
      sum += e * e;
      count++;
    }
    if (count > 0) out[i] = sum / count;
  }
  for (const [from, to] of [
    [0, aggregates],
    [aggregates, nodes],
  ]) {
    let sum = 0;
    let count = 0;
    let most = 0;
    for (let i = from; i < to; i++) {
      if (Number.isNaN(out[i])) continue;
      sum += out[i];
      count++;
      most = Math.max(most, out[i]);
    }
    const usual = count > 0 && sum > 0 ? sum / count : 1;
    for (let i = from; i < to; i++) out[i] = Math.max(Number.isNaN(out[i]) ? usual : out[i], 1e-6 * (most > 0 ? most : usual));
  }
  return out;
}

/** `W = intensity * diagonal + factor factor'`, factor being nodes x steps. */
interface Covariance {
  readonly intensity: number;
  readonly factor: Float64Array;
  readonly steps: number;
}

/**
 * Shrinks correlations towards zero by the intensity of Schaefer & Strimmer (2005), Statistical Applications in Genetics and Molecular Biology 4(1).
 *
 * `variance` is that of the residuals, by which they are made alike; `scale` what the covariance is to have on its diagonal.
 * The double sums over pairs of nodes are worked out through the steps x steps matrix of inner products, so the cost is nodes x steps^2.
 */
function shrinkCovariance(
  hierarchy: Hierarchy,
  residuals: Float64Array,
  steps: number,
  variance: Float64Array,
  scale: Float64Array,
): Covariance {
  const { nodes } = hierarchy;
  const x = new Float64Array(nodes * steps);
  let fourth = 0;
  let ownSquares = 0;
  const perStep = new Float64Array(steps);
  for (let i = 0; i < nodes; i++) {
    let count = 0;
    for (let t = 0; t < steps; t++) if (Number.isFinite(residuals[i * steps + t])) count++;
    const scale = count === 0 ? 0 : Math.sqrt(steps / count / variance[i]);
    let own = 0;
    for (let t = 0; t < steps; t++) {
      const e = residuals[i * steps + t];
      const value = Number.isFinite(e) ? e * scale : 0;
      x[i * steps + t] = value;
      const square = value * value;
      fourth += square * square;
      own += square;
      perStep[t] += square;
    }
    ownSquares += own * own;
  }
  let inner = 0;
  for (let t = 0; t < steps; t++) {
    for (let s = 0; s <= t; s++) {
      let sum = 0;
      for (let i = 0; i < nodes; i++) sum += x[i * steps + t] * x[i * steps + s];
      inner += (s === t ? 1 : 2) * sum * sum;
    }
  }
  let products = 0;
  for (let t = 0; t < steps; t++) products += perStep[t] * perStep[t];
  const offSquares = (inner - ownSquares) / ((steps - 1) * (steps - 1));
  const spread = (steps / (steps - 1) ** 3) * (products - fourth - (inner - ownSquares) / steps);
  // One step of errors says nothing of how they go together. The full covariance is never used bare: it has no more rank than steps.
  const intensity = steps < 3 || !(offSquares > 0) ? 1 : Math.min(1, Math.max(0.02, spread / offSquares));
  const weight = Math.sqrt((1 - intensity) / steps);
  for (let i = 0; i < nodes; i++) {
    const back = Math.sqrt(scale[i]) * weight;
    for (let t = 0; t < steps; t++) x[i * steps + t] *= back;
  }
  return { intensity, factor: x, steps };
}

type Projection = (all: Float64Array, width: number) => void;

/**
 * Nested levels, independent errors: generalised least squares by one pass up (combining the children's sum with the node's own forecast) and
 * one down (handing the correction out by variance), as in multiscale smoothing (Chou, Willsky & Benveniste 1994). Exact, linear in nodes.
 */
function treeProjection(hierarchy: Hierarchy, parents: Int32Array, variance: Float64Array): Projection {
  const { nodes, aggregates } = hierarchy;
  const childVariance = new Float64Array(aggregates);
  // Share of the children's sum in the combined estimate of a sum, and variance of that estimate.
  const trust = new Float64Array(aggregates);
  const combined = variance.slice();
  for (let i = nodes - 1; i >= 0; i--) {
    if (i < aggregates) {
      trust[i] = variance[i] / (childVariance[i] + variance[i]);
      combined[i] = trust[i] * childVariance[i];
    }
    if (parents[i] >= 0) childVariance[parents[i]] += combined[i];
  }
  return (all, width) => {
    const sums = new Float64Array(aggregates * width);
    for (let i = nodes - 1; i >= 0; i--) {
      const at = i * width;
      if (i < aggregates) {
        for (let c = 0; c < width; c++) all[at + c] += trust[i] * (sums[at + c] - all[at + c]);
      }
      if (parents[i] >= 0) {
        const up = parents[i] * width;
        for (let c = 0; c < width; c++) sums[up + c] += all[at + c];
      }
    }
    for (let i = 0; i < nodes; i++) {
      if (parents[i] < 0) continue;
      const at = i * width;
      const up = parents[i] * width;
      const share = combined[i] / childVariance[parents[i]];
      for (let c = 0; c < width; c++) all[at + c] += share * (all[up + c] - sums[up + c]);
    }
  };
}

/** Crossed levels, or errors that go together: the system of the sums, factored when small and iterated when large. */
function systemProjection(hierarchy: Hierarchy, variance: Float64Array, covariance: Covariance | undefined, dense: boolean): Projection {
  const { bottom, aggregates, levels, first, nodes } = hierarchy;
  const steps = covariance?.steps ?? 0;
  // C times the factor: each sum's own row less its children's.
  const gaps = new Float64Array(aggregates * steps);
  if (covariance !== undefined) gapsOf(hierarchy, covariance.factor, steps, gaps);

  let factor: Float64Array | undefined;
  if (dense) {
    factor = new Float64Array(aggregates * aggregates);
    for (let i = 0; i < aggregates; i++) factor[i * aggregates + i] = variance[i];
    for (let l = 0; l < levels.length; l++) {
      for (let m = 0; m <= l; m++) {
        const fine = levels[l].codes;
        const coarse = levels[m].codes;
        for (let b = 0; b < bottom; b++) {
          // Levels are numbered top first, so `l`'s node is never above `m`'s in the lower triangle.
          factor[(first[l] + fine[b]) * aggregates + first[m] + coarse[b]] += variance[aggregates + b];
        }
      }
    }
    for (let i = 0; i < aggregates; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let t = 0; t < steps; t++) sum += gaps[i * steps + t] * gaps[j * steps + t];
        factor[i * aggregates + j] += sum;
      }
    }
    // Variances of very different size may cost the factor its last digits: then iterate.
    if (!cholesky(factor, aggregates)) factor = undefined;
  }

  const diagonal = new Float64Array(aggregates);
  for (let i = 0; i < aggregates; i++) {
    let sum = variance[i];
    for (let t = 0; t < steps; t++) sum += gaps[i * steps + t] ** 2;
    diagonal[i] = sum;
  }
  for (let l = 0; l < levels.length; l++) {
    const { codes } = levels[l];
    for (let b = 0; b < bottom; b++) diagonal[first[l] + codes[b]] += variance[aggregates + b];
  }

  const middle = new Float64Array(bottom);
  const along = new Float64Array(steps);
  /** Bottom part of A'x: what each bottom series' sums say together. */
  const spreadDown = (x: Float64Array): void => {
    middle.fill(0);
    for (let l = 0; l < levels.length; l++) {
      const { codes } = levels[l];
      const from = first[l];
      for (let b = 0; b < bottom; b++) middle[b] += x[from + codes[b]];
    }
  };
  const through = (x: Float64Array): void => {
    along.fill(0);
    for (let i = 0; i < aggregates; i++) for (let t = 0; t < steps; t++) along[t] += gaps[i * steps + t] * x[i];
  };
  const multiply = (x: Float64Array, out: Float64Array): void => {
    spreadDown(x);
    for (let b = 0; b < bottom; b++) middle[b] *= variance[aggregates + b];
    for (let i = 0; i < aggregates; i++) out[i] = variance[i] * x[i];
    for (let l = 0; l < levels.length; l++) {
      const { codes } = levels[l];
      const to = first[l];
      for (let b = 0; b < bottom; b++) out[to + codes[b]] += middle[b];
    }
    if (steps === 0) return;
    through(x);
    for (let i = 0; i < aggregates; i++) for (let t = 0; t < steps; t++) out[i] += gaps[i * steps + t] * along[t];
  };

  return (all, width) => {
    const x = new Float64Array(aggregates);
    const gap = new Float64Array(aggregates * width);
    gapsOf(hierarchy, all, width, gap);
    for (let c = 0; c < width; c++) {
      for (let i = 0; i < aggregates; i++) x[i] = gap[i * width + c];
      if (factor === undefined) conjugateGradients(multiply, diagonal, x);
      else solveCholesky(factor, aggregates, x);
      // y_b - (W C' x)_b; the sums are made anew afterwards, so theirs need not be worked out.
      spreadDown(x);
      for (let b = 0; b < bottom; b++) all[(aggregates + b) * width + c] += variance[aggregates + b] * middle[b];
      if (covariance !== undefined) {
        through(x);
        for (let i = aggregates; i < nodes; i++) {
          let sum = 0;
          for (let t = 0; t < steps; t++) sum += covariance.factor[i * steps + t] * along[t];
          all[i * width + c] -= sum;
        }
      }
    }
  };
}

/** C times `all`: each sum less the sum of its bottom, `width` numbers per sum. */
function gapsOf(hierarchy: Hierarchy, all: Float64Array, width: number, out: Float64Array): void {
  const { bottom, aggregates, levels, first } = hierarchy;
  out.set(all.subarray(0, aggregates * width));
  for (let l = 0; l < levels.length; l++) {
    const { codes } = levels[l];
    for (let b = 0; b < bottom; b++) {
      const to = (first[l] + codes[b]) * width;
      const from = (aggregates + b) * width;
      for (let c = 0; c < width; c++) out[to + c] -= all[from + c];
    }
  }
}

/** Solves in place by conjugate gradients (Hestenes & Stiefel 1952), preconditioned by the diagonal, to 1e-12 of the right side. */
function conjugateGradients(multiply: (x: Float64Array, out: Float64Array) => void, diagonal: Float64Array, b: Float64Array): void {
  const n = b.length;
  const residual = b.slice();
  const direction = new Float64Array(n);
  const image = new Float64Array(n);
  let size = 0;
  let inner = 0;
  for (let i = 0; i < n; i++) {
    size += b[i] * b[i];
    direction[i] = residual[i] / diagonal[i];
    inner += residual[i] * direction[i];
  }
  b.fill(0);
  const enough = 1e-24 * size;
  for (let round = 0; round < 10 * n + 100 && inner > 0; round++) {
    multiply(direction, image);
    let curve = 0;
    for (let i = 0; i < n; i++) curve += direction[i] * image[i];
    if (!(curve > 0)) return;
    const step = inner / curve;
    let left = 0;
    for (let i = 0; i < n; i++) {
      b[i] += step * direction[i];
      residual[i] -= step * image[i];
      left += residual[i] * residual[i];
    }
    if (left <= enough) return;
    let next = 0;
    for (let i = 0; i < n; i++) next += (residual[i] * residual[i]) / diagonal[i];
    const turn = next / inner;
    for (let i = 0; i < n; i++) direction[i] = residual[i] / diagonal[i] + turn * direction[i];
    inner = next;
  }
}
