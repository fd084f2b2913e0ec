// Binning: a feature as a byte. Bin 0 is missing; the others are ranges with about equally many rows, or single values where there are few.

/** Upper bounds of the ranges of each feature, ascending: value v is in the first bin whose bound is not below it, or in the last one. */
export type Edges = readonly Float32Array[];

/** Most rows looked at for the bounds of one feature. */
const mostRows = 50_000;

/** Bounds for one feature given as column `f` of rows of `width` features; at most `most` ranges. */
export function findEdges(values: Float32Array, width: number, rows: number, f: number, most: number): Float32Array {
  const stride = Math.max(1, Math.floor(rows / mostRows));
  const sample = new Float32Array(Math.ceil(rows / stride));
  let seen = 0;
  for (let r = 0; r < rows; r += stride) {
    const value = values[r * width + f];
    if (Number.isFinite(value)) sample[seen++] = value;
  }
  const sorted = sample.subarray(0, seen).sort();
  const distinct: number[] = [];
  for (let k = 0; k < seen && distinct.length <= most; k++) if (k === 0 || sorted[k] !== sorted[k - 1]) distinct.push(sorted[k]);
  // The last range has no upper bound.
  if (distinct.length <= most) {
    return Float32Array.from(distinct.slice(0, -1), (value, k) => value + (distinct[k + 1] - value) / 2);
  }
  const edges: number[] = [];
  for (let b = 1; b < most; b++) {
    const edge = sorted[Math.floor((b * seen) / most)];
    if (edges.length === 0 || edge > edges[edges.length - 1]) edges.push(edge);
  }
  if (edges[edges.length - 1] === sorted[seen - 1]) edges.pop();
  return Float32Array.from(edges);
}

/** The bin of a value: 0 where it is NaN, else 1 + how many bounds lie below it. */
export function binOf(edges: Float32Array, value: number): number {
  if (value !== value) return 0;
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low + 1;
}
