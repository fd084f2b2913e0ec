// Shapley values of a forest: how much each feature moved one row's score away from the average one.
//
// Owns: the exact values for trees, with the training rows of each branch as the background. Does not own: what features mean.
//   S1. Base plus all values of a row is the row's score, to rounding.
//   S2. A feature that no tree asks gets exactly 0.
// Positional parameters stay in inner loops: an object for every call cost 11 % of CPU (decisions/typescript.md).
//
// Source: Lundberg, Erion & Lee 2018, "Consistent individualized feature attribution for tree ensembles", algorithm 2 (path-dependent TreeSHAP).

import type { Forest } from "../global/trees.ts";

/** A forest with room to walk its paths; holds scratch memory, one thread only. */
export interface Shap {
  readonly forest: Forest;
  readonly output: number;
  /** Mean score over the training rows: what a row is expected to score before anything is known of it. */
  readonly base: number;
  readonly path: Path;
}

// The features asked so far on the way down, one stretch of entries per depth: which feature, the share of background rows and of this
// row (1 or 0) that go on, and the weight of all subsets of a size.
interface Path {
  readonly feature: Int32Array;
  readonly zero: Float64Array;
  readonly one: Float64Array;
  readonly weight: Float64Array;
}

/** Prepares the Shapley values of one output of a forest. Cost of a row: trees x leaves x depth². */
export function prepareShap(forest: Forest, output = 0): Shap {
  let depth = 0;
  let base = forest.base[output];
  const visit = (at: number, level: number): number => {
    depth = Math.max(depth, level);
    if (at < 0) return forest.values[~at * forest.outputs + output];
    const right = forest.children[2 * at];
    const left = forest.children[2 * at + 1];
    const share = shareOf(forest, left, right);
    return share * visit(left, level + 1) + (1 - share) * visit(right, level + 1);
  };
  for (const root of forest.roots) base += visit(root, 0);
  const size = ((depth + 2) * (depth + 3)) / 2;
  return {
    forest,
    output,
    base,
    path: {
      feature: new Int32Array(size),
      zero: new Float64Array(size),
      one: new Float64Array(size),
      weight: new Float64Array(size),
    },
  };
}

const coverOf = (forest: Forest, at: number): number => (at < 0 ? forest.leafCover[~at] : forest.nodeCover[at]);

function shareOf(forest: Forest, left: number, right: number): number {
  const a = coverOf(forest, left);
  const b = coverOf(forest, right);
  return a + b > 0 ? a / (a + b) : 0.5;
}

/** Adds the Shapley values of one row of bins to `out`, one per feature. */
export function addShap(shap: Shap, bins: Uint8Array, out: Float64Array): void {
  for (const root of shap.forest.roots) if (root >= 0) descend(shap, bins, out, root, 0, 0, 1, 1, -1);
}

function descend(
  shap: Shap,
  bins: Uint8Array,
  out: Float64Array,
  at: number,
  from: number,
  length: number,
  zero: number,
  one: number,
  feature: number,
): void {
  const { forest, path } = shap;
  // Each depth works on a copy of its parent's path, behind it.
  const start = from + length;
  for (let i = 0; i < length; i++) {
    path.feature[start + i] = path.feature[from + i];
    path.zero[start + i] = path.zero[from + i];
    path.one[start + i] = path.one[from + i];
    path.weight[start + i] = path.weight[from + i];
  }
  extend(path, start, length, zero, one, feature);
  let size = length + 1;
  if (at < 0) {
    const value = forest.values[~at * forest.outputs + shap.output];
    for (let i = 1; i < size; i++) {
      out[path.feature[start + i]] += unwoundSum(path, start, size, i) * (path.one[start + i] - path.zero[start + i]) * value;
    }
    return;
  }
  const asked = forest.feature[at];
  const bin = bins[asked];
  const goesLeft = (forest.sets[8 * at + (bin >> 5)] >>> (bin & 31)) & 1;
  const right = forest.children[2 * at];
  const left = forest.children[2 * at + 1];
  const share = shareOf(forest, left, right);
  // A feature asked before is taken back out and asked once, with both answers together.
  let zeroBefore = 1;
  let oneBefore = 1;
  for (let i = 1; i < size; i++) {
    if (path.feature[start + i] !== asked) continue;
    zeroBefore = path.zero[start + i];
    oneBefore = path.one[start + i];
    unwind(path, start, size, i);
    size--;
    break;
  }
  descend(shap, bins, out, left, start, size, zeroBefore * share, goesLeft * oneBefore, asked);
  descend(shap, bins, out, right, start, size, zeroBefore * (1 - share), (1 - goesLeft) * oneBefore, asked);
}

function extend(path: Path, start: number, length: number, zero: number, one: number, feature: number): void {
  const { weight } = path;
  path.feature[start + length] = feature;
  path.zero[start + length] = zero;
  path.one[start + length] = one;
  weight[start + length] = length === 0 ? 1 : 0;
  for (let i = length - 1; i >= 0; i--) {
    weight[start + i + 1] += (one * weight[start + i] * (i + 1)) / (length + 1);
    weight[start + i] = (zero * weight[start + i] * (length - i)) / (length + 1);
  }
}

/** Takes entry `index` of a path of `size` entries out again. */
function unwind(path: Path, start: number, size: number, index: number): void {
  const { weight } = path;
  const one = path.one[start + index];
  const zero = path.zero[start + index];
  const last = size - 1;
  let next = weight[start + last];
  for (let i = last - 1; i >= 0; i--) {
    if (one === 0) {
      weight[start + i] = (weight[start + i] * size) / (zero * (size - 1 - i));
    } else {
      const old = weight[start + i];
      weight[start + i] = (next * size) / ((i + 1) * one);
      next = old - (weight[start + i] * zero * (size - 1 - i)) / size;
    }
  }
  for (let i = index; i < last; i++) {
    path.feature[start + i] = path.feature[start + i + 1];
    path.zero[start + i] = path.zero[start + i + 1];
    path.one[start + i] = path.one[start + i + 1];
  }
}

/** Sum of the weights that would remain if entry `index` were taken out. */
function unwoundSum(path: Path, start: number, size: number, index: number): number {
  const { weight } = path;
  const one = path.one[start + index];
  const zero = path.zero[start + index];
  const last = size - 1;
  let sum = 0;
  let next = weight[start + last];
  for (let i = last - 1; i >= 0; i--) {
    if (one === 0) {
      sum += (weight[start + i] * size) / (zero * (size - 1 - i));
    } else {
      const part = (next * size) / ((i + 1) * one);
      sum += part;
      next = weight[start + i] - (part * zero * (size - 1 - i)) / size;
    }
  }
  return sum;
}
