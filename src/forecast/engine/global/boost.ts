// Boosting: forests that learn a mean or several quantiles, tree by tree, each on what the former left over.
//
// Owns: sampling, shrinkage, early stopping on the rows kept for it. Does not own: how a tree grows, where rows come from.
//   B1. Rows `[0, train)` of the columns are learned from; rows from `train` on only say when to stop. The caller puts the latest ones there.
//   B2. All quantiles share the structure of each tree: the gradient that shapes it goes through the levels in turn, and every leaf is
//       refitted for every level. One walk then serves all levels, which costs a fifth of five forests.
//
// Sources: Friedman 2002, "Stochastic gradient boosting"; for B2's refitted leaves Friedman 2001, algorithm 3 (least absolute deviation).

import type { Random } from "../../../platform/random.ts";
import { differentiate, meanLossOf, pinball, startOf, weightedQuantile } from "./losses.ts";
import type { MeanLoss } from "./losses.ts";
import { buildForest, growTree, layGround, leafOf } from "./trees.ts";
import type { Columns, Forest, Ground, Grown, GrowOptions } from "./trees.ts";

export interface BoostOptions extends GrowOptions {
  /** Most trees. */
  readonly trees: number;
  /** Shrinkage of each tree. */
  readonly rate: number;
  /** Share of rows and of features that each tree sees. */
  readonly rowShare: number;
  readonly featureShare: number;
  /** Trees without a better loss on the kept rows before boosting stops; the best count is kept. */
  readonly patience: number;
}

/** Targets and weights, one per row of the columns. */
export interface Labels {
  readonly targets: Float32Array;
  readonly weights: Float32Array;
  /** Rows to learn from; the ones behind only say when to stop. */
  readonly train: number;
}

/** Learns the mean. A forest with one output: the score that `meanOf` turns into a mean. */
export function boostMean(columns: Columns, labels: Labels, loss: MeanLoss, options: BoostOptions, random: Random): Forest {
  const { targets, weights, train } = labels;
  const rows = columns.rows;
  const ground = layGround(columns, options.leaves);
  const start = startOf(loss, targets, weights, train);
  const scores = new Float64Array(rows).fill(start);
  const scored = { targets, weights, scores };
  const slopes = { gradients: new Float32Array(rows), hessians: new Float32Array(rows) };
  const builder = buildForest(1);
  const watch = makeWatch(options.patience, meanLossOf(loss, scored, train, rows));
  for (let t = 0; t < options.trees; t++) {
    differentiate(loss, scored, train, slopes);
    const bag = drawBag(ground, train, options.rowShare, random);
    const tree = growTree(ground, { rows: bag, features: drawFeatures(columns, options.featureShare, random), ...slopes }, options);
    const unit = bag > 0 ? sumOf(tree.sumH, tree.leaves) / bag : 1;
    const values = new Float32Array(tree.leaves);
    // A leaf that would move a score on the log link by more than 2 (a factor of 7) in one tree has nearly no hessian to stand on.
    for (let k = 0; k < tree.leaves; k++) {
      const step = -tree.sumG[k] / (tree.sumH[k] + options.l2 * unit);
      values[k] = options.rate * (loss.kind === "squared" ? step : Math.max(-2, Math.min(2, step)));
    }
    builder.add(tree, values);
    advance(ground, tree, { bag, rows, values, outputs: 1 }, scores);
    if (rows > train && watch.stop(t + 1, meanLossOf(loss, scored, train, rows))) break;
  }
  return builder.done(Float64Array.of(start), rows > train ? watch.best() : options.trees);
}

/** Learns the quantiles of `levels`. A forest with one output per level; outputs of a row may cross and are sorted by whoever reads them. */
export function boostQuantiles(columns: Columns, labels: Labels, levels: readonly number[], options: BoostOptions, random: Random): Forest {
  const { targets, weights, train } = labels;
  const rows = columns.rows;
  const outputs = levels.length;
  const ground = layGround(columns, options.leaves);
  const base = new Float64Array(outputs);
  const errors = new Float64Array(rows);
  const errorWeights = new Float32Array(rows);
  const scores = new Float64Array(rows * outputs);
  levels.forEach((level, k) => {
    for (let i = 0; i < train; i++) {
      errors[i] = targets[i];
      errorWeights[i] = weights[i];
    }
    base[k] = weightedQuantile(errors, errorWeights, train, level);
  });
  for (let i = 0; i < rows; i++) scores.set(base, i * outputs);
  const gradients = new Float32Array(rows);
  const builder = buildForest(outputs);
  const watch = makeWatch(options.patience, quantileLoss(levels, labels, scores, rows));
  for (let t = 0; t < options.trees; t++) {
    const turn = t % outputs;
    const level = levels[turn];
    for (let i = 0; i < train; i++) {
      gradients[i] = targets[i] > scores[i * outputs + turn] ? -level * weights[i] : (1 - level) * weights[i];
    }
    const bag = drawBag(ground, train, options.rowShare, random);
    const features = drawFeatures(columns, options.featureShare, random);
    const tree = growTree(ground, { rows: bag, features, gradients, hessians: weights }, options);
    const values = new Float32Array(tree.leaves * outputs);
    for (let leaf = 0; leaf < tree.leaves; leaf++) {
      const from = tree.from[leaf];
      const length = tree.to[leaf] - from;
      for (let k = 0; k < outputs; k++) {
        for (let i = 0; i < length; i++) {
          const row = ground.order[from + i];
          errors[i] = targets[row] - scores[row * outputs + k];
          errorWeights[i] = weights[row];
        }
        values[leaf * outputs + k] = options.rate * weightedQuantile(errors, errorWeights, length, levels[k]);
      }
    }
    builder.add(tree, values);
    advance(ground, tree, { bag, rows, values, outputs }, scores);
    if (rows > train && watch.stop(t + 1, quantileLoss(levels, labels, scores, rows))) break;
  }
  return builder.done(base, rows > train ? watch.best() : options.trees);
}

function quantileLoss(levels: readonly number[], labels: Labels, scores: Float64Array, rows: number): number {
  const outputs = levels.length;
  let sum = 0;
  let weight = 0;
  for (let i = labels.train; i < rows; i++) {
    weight += labels.weights[i];
    for (let k = 0; k < outputs; k++) {
      sum += labels.weights[i] * pinball(levels[k], labels.targets[i], scores[i * outputs + k]);
    }
  }
  return weight > 0 ? sum / weight : 0;
}

function sumOf(values: Float64Array, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += values[i];
  return sum;
}

/** Marks every row as in the bag or not; rows in the bag fill the front of `order`, ascending, the others the end of it. */
function drawBag(ground: Ground, train: number, share: number, random: Random): number {
  const { order } = ground;
  let bag = 0;
  let rest = train;
  for (let i = 0; i < train; i++) {
    if (share >= 1 || random.next() < share) order[bag++] = i;
    else order[--rest] = i;
  }
  return bag;
}

function drawFeatures(columns: Columns, share: number, random: Random): Int32Array {
  const usable: number[] = [];
  for (let f = 0; f < columns.binCounts.length; f++) if (columns.binCounts[f] > 1) usable.push(f);
  const wanted = Math.max(1, Math.ceil(share * usable.length));
  for (let k = 0; k < wanted && k < usable.length; k++) {
    const other = k + random.below(usable.length - k);
    const kept = usable[k];
    usable[k] = usable[other];
    usable[other] = kept;
  }
  return Int32Array.from(usable.slice(0, wanted)).sort();
}

/** Adds a tree to the scores of all rows: those in the bag lie in its leaves already, the others walk. */
function advance(
  ground: Ground,
  tree: Grown,
  { bag, rows, values, outputs }: { readonly bag: number; readonly rows: number; readonly values: Float32Array; readonly outputs: number },
  scores: Float64Array,
): void {
  const { order, columns } = ground;
  for (let leaf = 0; leaf < tree.leaves; leaf++) {
    for (let i = tree.from[leaf]; i < tree.to[leaf]; i++) {
      const at = order[i] * outputs;
      for (let k = 0; k < outputs; k++) scores[at + k] = scores[at + k] + values[leaf * outputs + k];
    }
  }
  for (let i = bag; i < rows; i++) {
    // Behind the bag stand first the rows left out of it, then (never moved) those kept for stopping.
    const row = order[i];
    const leaf = leafOf(tree, columns, row);
    for (let k = 0; k < outputs; k++) scores[row * outputs + k] = scores[row * outputs + k] + values[leaf * outputs + k];
  }
}

interface Watch {
  stop(trees: number, loss: number): boolean;
  best(): number;
}

function makeWatch(patience: number, start: number): Watch {
  let best = 0;
  let least = start;
  return {
    stop: (trees, loss) => {
      if (loss < least) {
        least = loss;
        best = trees;
      }
      return trees - best >= patience;
    },
    best: () => best,
  };
}
