// Regression trees over binned features: how one tree grows and how a forest of them answers.
//
// Owns: histograms, splits, leaf-wise growth, the walk from a row to its leaves. Does not own: losses, what a feature means, binning.
//   T1. A feature is a byte per row. Bin 0 is "missing", in every feature; which way it goes is learned at every split like any other bin.
//   T2. A split is the set of bins that go left: a prefix for a number, any set for a category. Walking needs no other case.
//   T3. Same columns, gradients and rows, same tree: sums run in row order and ties go to the lower feature and bin.
// Positional parameters stay in inner loops: an object for every call cost 11 % of CPU (decisions/typescript.md).
//
// Sources: Friedman 2001, "Greedy function approximation"; Ke et al. 2017, "LightGBM" (histograms, leaf-wise growth, subtraction);
// Chen & Guestrin 2016, "XGBoost" (second-order gain, learned direction of missing values); Fisher 1958, "On grouping for maximum homogeneity"
// (the best set of categories is a prefix when they are sorted by their mean response).

/** Binned features, column by column: row r of feature f is `bins[f * rows + r]`. */
export interface Columns {
  readonly rows: number;
  readonly bins: Uint8Array;
  /** Bins of each feature, the missing one included: 1..256. */
  readonly binCounts: Uint16Array;
  /** 1 where the order of bins means nothing. */
  readonly categorical: Uint8Array;
}

/** What bounds the growth of one tree. */
export interface GrowOptions {
  readonly leaves: number;
  readonly depth: number;
  /** L2 on leaf weights, in units of the mean hessian. */
  readonly l2: number;
  /** Least sum of hessians in a leaf, in units of the mean hessian: about the least number of rows. */
  readonly minChild: number;
}

/** Any number of trees in one set of flat arrays; plain data that can cross threads. */
export interface Forest {
  /** Values of a leaf: 1 for a mean, one per level for quantiles. */
  readonly outputs: number;
  /** What every row starts from, one per output. */
  readonly base: Float64Array;
  /** Root of each tree: a node, or `~leaf` for a tree that never split. */
  readonly roots: Int32Array;
  readonly feature: Uint16Array;
  /** Bins that go left, 256 bits a node. */
  readonly sets: Uint32Array;
  /** `[2 * node]` right, `[2 * node + 1]` left: a node, or `~leaf`. */
  readonly children: Int32Array;
  /** Training weight that came through each node and each leaf. */
  readonly nodeCover: Float32Array;
  readonly leafCover: Float32Array;
  /** Gain of each split. */
  readonly gain: Float32Array;
  /** Leaf by leaf, `outputs` each, shrinkage included. */
  readonly values: Float32Array;
}

/** Memory for growing trees over one set of columns; made once, used for every tree. */
export interface Ground {
  readonly columns: Columns;
  /** Rows of the tree being grown; the rows of a leaf lie together, in ascending order. */
  readonly order: Int32Array;
  readonly spare: Int32Array;
  readonly g: Float32Array;
  readonly h: Float32Array;
  /** Where the histogram of a feature begins, in bins. */
  readonly starts: Int32Array;
  readonly histograms: Float64Array[];
}

/** A grown tree: leaf k holds rows `order[from[k] .. to[k])` of its ground. */
export interface Grown {
  readonly nodes: number;
  readonly leaves: number;
  readonly root: number;
  readonly feature: Uint16Array;
  readonly sets: Uint32Array;
  readonly children: Int32Array;
  readonly nodeCover: Float32Array;
  readonly gain: Float32Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Sums of gradients and hessians of each leaf. */
  readonly sumG: Float64Array;
  readonly sumH: Float64Array;
}

/** Sets aside the memory for trees of up to `leaves` leaves over `columns`. Bytes: about 16 per row and 16 per bin and leaf. */
export function layGround(columns: Columns, leaves: number): Ground {
  const features = columns.binCounts.length;
  const starts = new Int32Array(features + 1);
  for (let f = 0; f < features; f++) starts[f + 1] = starts[f] + columns.binCounts[f];
  const histograms: Float64Array[] = [];
  for (let k = 0; k < leaves; k++) histograms.push(new Float64Array(2 * starts[features]));
  return {
    columns,
    order: Int32Array.from({ length: columns.rows }, (_, row) => row),
    spare: new Int32Array(columns.rows),
    g: new Float32Array(columns.rows),
    h: new Float32Array(columns.rows),
    starts,
    histograms,
  };
}

interface Split {
  gain: number;
  feature: number;
  leftG: number;
  leftH: number;
  readonly set: Uint32Array;
}

/** Sums gradients and hessians of `order[from .. to)` into the bins of the features asked for. */
function fillHistogram(
  ground: Ground,
  into: Float64Array,
  features: Int32Array,
  gradients: Float32Array,
  hessians: Float32Array,
  from: number,
  to: number,
): void {
  const { order, g, h, starts } = ground;
  const { bins, rows } = ground.columns;
  const length = to - from;
  for (let i = 0; i < length; i++) {
    const row = order[from + i];
    g[i] = gradients[row];
    h[i] = hessians[row];
  }
  for (let k = 0; k < features.length; k++) {
    const f = features[k];
    const start = 2 * starts[f];
    into.fill(0, start, 2 * starts[f + 1]);
    sumColumn(into.subarray(start, 2 * starts[f + 1]), bins.subarray(f * rows, (f + 1) * rows), order.subarray(from, to), g, h);
  }
}

// The one hot loop of fitting, kept apart so that the compiler sees it alone.
function sumColumn(into: Float64Array, column: Uint8Array, order: Int32Array, g: Float32Array, h: Float32Array): void {
  const length = order.length;
  for (let i = 0; i < length; i++) {
    const at = column[order[i]] << 1;
    into[at] = into[at] + g[i];
    into[at + 1] = into[at + 1] + h[i];
  }
}

// Categories are ordered by mean gradient; few rows say little about a mean, so it is pulled to 0 by this many rows, and splits pay more L2.
const categorySmoothing = 10;
const categoryL2 = 10;

const sortBins = new Uint16Array(256);
const sortKeys = new Float64Array(256);

function findSplit(
  best: Split,
  ground: Ground,
  histogram: Float64Array,
  features: Int32Array,
  totalG: number,
  totalH: number,
  l2: number,
  unit: number,
  minH: number,
): void {
  best.gain = 0;
  best.feature = -1;
  const { starts } = ground;
  const { binCounts, categorical } = ground.columns;
  const parent = (totalG * totalG) / (totalH + l2);
  let bin = -1;
  let missingLeft = false;
  for (let k = 0; k < features.length; k++) {
    const f = features[k];
    const at = 2 * starts[f];
    const count = binCounts[f];
    if (categorical[f] === 1) {
      if (findCategories(best, histogram, at, count, totalG, totalH, l2 + categoryL2 * unit, unit, minH)) {
        best.feature = f;
        bin = -1;
      }
      continue;
    }
    const missingG = histogram[at];
    const missingH = histogram[at + 1];
    let leftG = 0;
    let leftH = 0;
    // Splitting off the missing alone is the case "all numbers left, missing right": bin = count - 1.
    const last = missingH > 0 ? count : count - 1;
    for (let b = 1; b < last; b++) {
      const hb = histogram[at + 2 * b + 1];
      if (hb === 0) continue;
      leftG += histogram[at + 2 * b];
      leftH += hb;
      if (leftH >= minH && totalH - leftH >= minH) {
        const rightG = totalG - leftG;
        const gain = (leftG * leftG) / (leftH + l2) + (rightG * rightG) / (totalH - leftH + l2) - parent;
        if (gain > best.gain) {
          best.gain = gain;
          best.feature = f;
          best.leftG = leftG;
          best.leftH = leftH;
          bin = b;
          missingLeft = false;
        }
      }
      if (missingH > 0) {
        const withG = leftG + missingG;
        const withH = leftH + missingH;
        if (withH >= minH && totalH - withH >= minH) {
          const rightG = totalG - withG;
          const gain = (withG * withG) / (withH + l2) + (rightG * rightG) / (totalH - withH + l2) - parent;
          if (gain > best.gain) {
            best.gain = gain;
            best.feature = f;
            best.leftG = withG;
            best.leftH = withH;
            bin = b;
            missingLeft = true;
          }
        }
      }
    }
  }
  if (best.feature < 0 || bin < 0) return;
  // Where the leaf knows no missing value, a later one goes with the heavier side.
  if (histogram[2 * starts[best.feature] + 1] === 0) missingLeft = best.leftH * 2 >= totalH;
  best.set.fill(0);
  for (let b = missingLeft ? 0 : 1; b <= bin; b++) best.set[b >> 5] = best.set[b >> 5] | (1 << (b & 31));
}

function findCategories(
  best: Split,
  histogram: Float64Array,
  at: number,
  count: number,
  totalG: number,
  totalH: number,
  l2: number,
  unit: number,
  minH: number,
): boolean {
  let used = 0;
  for (let b = 0; b < count; b++) {
    const hb = histogram[at + 2 * b + 1];
    if (hb <= 0) continue;
    const key = histogram[at + 2 * b] / (hb + categorySmoothing * unit);
    let place = used++;
    while (place > 0 && sortKeys[place - 1] > key) {
      sortKeys[place] = sortKeys[place - 1];
      sortBins[place] = sortBins[place - 1];
      place--;
    }
    sortKeys[place] = key;
    sortBins[place] = b;
  }
  const parent = (totalG * totalG) / (totalH + l2);
  let leftG = 0;
  let leftH = 0;
  let cut = -1;
  for (let k = 0; k < used - 1; k++) {
    leftG += histogram[at + 2 * sortBins[k]];
    leftH += histogram[at + 2 * sortBins[k] + 1];
    if (leftH < minH) continue;
    if (totalH - leftH < minH) break;
    const rightG = totalG - leftG;
    const gain = (leftG * leftG) / (leftH + l2) + (rightG * rightG) / (totalH - leftH + l2) - parent;
    if (gain > best.gain) {
      best.gain = gain;
      best.leftG = leftG;
      best.leftH = leftH;
      cut = k;
    }
  }
  if (cut < 0) return false;
  best.set.fill(0);
  for (let k = 0; k <= cut; k++) best.set[sortBins[k] >> 5] = best.set[sortBins[k] >> 5] | (1 << (sortBins[k] & 31));
  return true;
}

/** What a tree grows on. */
export interface GrowInput {
  /** The rows are `ground.order[0 .. rows)`, ascending. */
  readonly rows: number;
  /** One number per row of the columns. */
  readonly gradients: Float32Array;
  readonly hessians: Float32Array;
  /** Columns that may split, ascending. */
  readonly features: Int32Array;
}

/**
 * Grows one tree, always splitting the leaf that gains most.
 *
 * The order of `ground.order` changes: afterwards the rows of a leaf lie together.
 */
export function growTree(ground: Ground, { rows, gradients, hessians, features }: GrowInput, options: GrowOptions): Grown {
  const most = Math.max(1, Math.min(options.leaves, ground.histograms.length));
  const feature = new Uint16Array(most);
  const sets = new Uint32Array(8 * most);
  const children = new Int32Array(2 * most);
  const nodeCover = new Float32Array(most);
  const gains = new Float32Array(most);
  const from = new Int32Array(most);
  const to = new Int32Array(most);
  const sumG = new Float64Array(most);
  const sumH = new Float64Array(most);
  const depth = new Int32Array(most);
  // Where a leaf hangs: index into `children`, or -1 for the root.
  const hook = new Int32Array(most).fill(-1);
  const slots = new Int32Array(most);
  const splits: Split[] = [];

  to[0] = rows;
  const { order } = ground;
  for (let i = 0; i < rows; i++) {
    sumG[0] = sumG[0] + gradients[order[i]];
    sumH[0] = sumH[0] + hessians[order[i]];
  }
  const unit = rows > 0 && sumH[0] > 0 ? sumH[0] / rows : 1;
  const l2 = options.l2 * unit;
  const minH = Math.max(options.minChild * unit, 1e-12);
  const consider = (leaf: number): void => {
    const split: Split = (splits[leaf] ??= { gain: 0, feature: -1, leftG: 0, leftH: 0, set: new Uint32Array(8) });
    split.feature = -1;
    split.gain = 0;
    if (depth[leaf] >= options.depth || sumH[leaf] < 2 * minH) return;
    findSplit(split, ground, ground.histograms[slots[leaf]], features, sumG[leaf], sumH[leaf], l2, unit, minH);
  };
  fillHistogram(ground, ground.histograms[0], features, gradients, hessians, 0, rows);
  consider(0);

  let leaves = 1;
  let nodes = 0;
  let root = -1;
  while (leaves < most) {
    let leaf = -1;
    for (let k = 0; k < leaves; k++) {
      if (splits[k].feature >= 0 && (leaf < 0 || splits[k].gain > splits[leaf].gain)) leaf = k;
    }
    if (leaf < 0) break;
    const split = splits[leaf];
    const begin = from[leaf];
    const end = to[leaf];
    const middle = divide(ground, split.feature, split.set, begin, end);
    if (middle === begin || middle === end) {
      split.feature = -1;
      continue;
    }
    const node = nodes++;
    feature[node] = split.feature;
    sets.set(split.set, 8 * node);
    nodeCover[node] = sumH[leaf];
    gains[node] = split.gain;
    if (hook[leaf] < 0) root = node;
    else children[hook[leaf]] = node;
    const right = leaves++;
    from[right] = middle;
    to[right] = end;
    to[leaf] = middle;
    sumG[right] = sumG[leaf] - split.leftG;
    sumH[right] = sumH[leaf] - split.leftH;
    sumG[leaf] = split.leftG;
    sumH[leaf] = split.leftH;
    depth[leaf] = depth[leaf] + 1;
    depth[right] = depth[leaf];
    hook[leaf] = 2 * node + 1;
    hook[right] = 2 * node;
    // The smaller side is summed, the larger one is what remains of the parent.
    const small = middle - begin <= end - middle ? leaf : right;
    const large = small === leaf ? right : leaf;
    slots[large] = slots[leaf];
    slots[small] = right;
    if (leaves < most) {
      fillHistogram(ground, ground.histograms[slots[small]], features, gradients, hessians, from[small], to[small]);
      subtract(ground, ground.histograms[slots[large]], ground.histograms[slots[small]], features);
      consider(leaf);
      consider(right);
    }
  }
  for (let k = 0; k < leaves; k++) if (hook[k] >= 0) children[hook[k]] = ~k;
  return { nodes, leaves, root, feature, sets, children, nodeCover, gain: gains, from, to, sumG, sumH };
}

function subtract(ground: Ground, from: Float64Array, part: Float64Array, features: Int32Array): void {
  for (let k = 0; k < features.length; k++) {
    const f = features[k];
    const end = 2 * ground.starts[f + 1];
    for (let i = 2 * ground.starts[f]; i < end; i += 2) {
      const h = from[i + 1] - part[i + 1];
      // What should be empty may be left with a rounding error of the subtraction; a bin without weight has no gradient.
      const empty = h <= 1e-9 * from[i + 1];
      from[i] = empty ? 0 : from[i] - part[i];
      from[i + 1] = empty ? 0 : h;
    }
  }
}

/** Puts the rows of `order[from .. to)` that go left before the others, both in their old order; returns where the others begin. */
function divide(ground: Ground, feature: number, set: Uint32Array, from: number, to: number): number {
  const { order, spare } = ground;
  const { bins, rows } = ground.columns;
  const column = bins.subarray(feature * rows, (feature + 1) * rows);
  let left = from;
  let right = 0;
  for (let i = from; i < to; i++) {
    const row = order[i];
    const bin = column[row];
    if (((set[bin >> 5] >>> (bin & 31)) & 1) === 1) order[left++] = row;
    else spare[right++] = row;
  }
  order.set(spare.subarray(0, right), left);
  return left;
}

/** Gathers trees until `done` makes a forest of the first of them. */
export interface ForestBuilder {
  /** Adds a tree whose leaf values (`outputs` a leaf) include shrinkage. */
  add(tree: Grown, values: Float32Array): void;
  done(base: Float64Array, trees: number): Forest;
}

/** Starts a forest of trees with `outputs` values a leaf. */
export function buildForest(outputs: number): ForestBuilder {
  const trees: { tree: Grown; values: Float32Array }[] = [];
  return {
    add: (tree, values) => void trees.push({ tree, values }),
    done: (base, count) => {
      const kept = trees.slice(0, count);
      let nodes = 0;
      let leaves = 0;
      for (const { tree } of kept) {
        nodes += tree.nodes;
        leaves += tree.leaves;
      }
      const forest: Forest = {
        outputs,
        base,
        roots: new Int32Array(kept.length),
        feature: new Uint16Array(nodes),
        sets: new Uint32Array(8 * nodes),
        children: new Int32Array(2 * nodes),
        nodeCover: new Float32Array(nodes),
        leafCover: new Float32Array(leaves),
        gain: new Float32Array(nodes),
        values: new Float32Array(leaves * outputs),
      };
      let node = 0;
      let leaf = 0;
      kept.forEach(({ tree, values }, t) => {
        forest.roots[t] = tree.nodes === 0 ? ~leaf : node + tree.root;
        forest.feature.set(tree.feature.subarray(0, tree.nodes), node);
        forest.sets.set(tree.sets.subarray(0, 8 * tree.nodes), 8 * node);
        forest.nodeCover.set(tree.nodeCover.subarray(0, tree.nodes), node);
        forest.gain.set(tree.gain.subarray(0, tree.nodes), node);
        for (let i = 0; i < 2 * tree.nodes; i++) {
          const child = tree.children[i];
          forest.children[2 * node + i] = child < 0 ? ~(~child + leaf) : child + node;
        }
        for (let k = 0; k < tree.leaves; k++) forest.leafCover[leaf + k] = tree.sumH[k];
        forest.values.set(values.subarray(0, tree.leaves * outputs), leaf * outputs);
        node += tree.nodes;
        leaf += tree.leaves;
      });
      return forest;
    },
  };
}

/** Leaf that row `row` of `columns` reaches in a tree that has just grown. */
export function leafOf(tree: Grown, columns: Columns, row: number): number {
  let at = tree.nodes === 0 ? -1 : tree.root;
  while (at >= 0) {
    const bin = columns.bins[tree.feature[at] * columns.rows + row];
    at = tree.children[2 * at + ((tree.sets[8 * at + (bin >> 5)] >>> (bin & 31)) & 1)];
  }
  return ~at;
}

/**
 * Adds up the trees for rows given row by row: feature f of row r is `bins[r * width + f]`.
 *
 * `out[r * outputs + k]` receives output k of row r. About 10 ns a row, tree and level of depth.
 */
export function walkForest(forest: Forest, bins: Uint8Array, width: number, rows: number, out: Float64Array): void {
  const { outputs, base, roots, feature, sets, children, values } = forest;
  for (let r = 0; r < rows; r++) for (let k = 0; k < outputs; k++) out[r * outputs + k] = base[k];
  for (let t = 0; t < roots.length; t++) {
    const root = roots[t];
    for (let r = 0; r < rows; r++) {
      let at = root;
      const row = r * width;
      while (at >= 0) {
        const bin = bins[row + feature[at]];
        at = children[2 * at + ((sets[8 * at + (bin >> 5)] >>> (bin & 31)) & 1)];
      }
      const leaf = ~at * outputs;
      for (let k = 0; k < outputs; k++) out[r * outputs + k] = out[r * outputs + k] + values[leaf + k];
    }
  }
}
