// Several rows of one step become one value.
//
//   A1. The order of rows changes nothing, not even the last bit of a sum: values of a step are sorted before they are added.
//   A2. Work and memory for this are spent on steps with more than one row alone.

import { type RowBlock, scratchFor } from "./rows.ts";

export type Aggregation = "sum" | "avg" | "first" | "min" | "max";

export const aggregations: readonly Aggregation[] = ["sum", "avg", "first", "min", "max"];

/** What aggregation met. */
export interface Merged {
  /** Rows beyond the first of their step. */
  readonly rows: number;
  /** Of these: rows with the very timestamp of another row of their key. */
  readonly duplicates: number;
  /** Lines of the duplicate that stands first in the file, and of the row it repeats; undefined where lines are not kept or none is. */
  readonly firstDuplicate: { readonly line: number; readonly of: number } | undefined;
}

/** Writes the cell of each row of a block: an index into the values, or -1 for rows that have none. */
export type CellsOf = (block: RowBlock, into: Int32Array) => void;

/** One column of rows and the cells it goes to. */
export interface CellSource {
  readonly blocks: readonly RowBlock[];
  readonly column: number;
  readonly cellsOf: CellsOf;
}

/**
 * Puts one column of rows into cells that are NaN before; a row without a value leaves its cell as it is.
 *
 * `first` is the value of the earliest timestamp; of equal timestamps the smallest value.
 */
export function aggregate(source: CellSource, values: Float64Array | Float32Array, aggregation: Aggregation): Merged {
  const { blocks, column, cellsOf } = source;
  const cells = scratchFor(blocks);
  let counts: Uint8Array | undefined;
  for (const block of blocks) {
    cellsOf(block, cells);
    const numbers = block.values[column];
    for (let i = 0; i < block.count; i++) {
      const cell = cells[i];
      const value = numbers[i];
      if (cell < 0 || Number.isNaN(value)) continue;
      if (Number.isNaN(values[cell])) values[cell] = value;
      else {
        counts ??= new Uint8Array(values.length);
        counts[cell] = 1;
      }
    }
  }
  return counts === undefined ? { rows: 0, duplicates: 0, firstDuplicate: undefined } : mergeCells(source, values, aggregation, counts);
}

function mergeCells(
  { blocks, column, cellsOf }: CellSource,
  values: Float64Array | Float32Array,
  aggregation: Aggregation,
  several: Uint8Array,
): Merged {
  // Counting sort by cell: `ends[cell]` counts its rows, then moves from where they begin to where they end.
  const ends = new Int32Array(values.length);
  const cells = scratchFor(blocks);
  let total = 0;
  for (const block of blocks) {
    cellsOf(block, cells);
    const numbers = block.values[column];
    for (let i = 0; i < block.count; i++) {
      const cell = cells[i];
      if (cell < 0 || several[cell] === 0 || Number.isNaN(numbers[i])) continue;
      ends[cell] += 1;
      total += 1;
    }
  }
  let begin = 0;
  for (let cell = 0; cell < ends.length; cell++) {
    const count = ends[cell];
    ends[cell] = begin;
    begin += count;
  }
  const sorted = new Float64Array(total);
  const instants = new Float64Array(total);
  const lines = new Int32Array(total);
  for (const block of blocks) {
    cellsOf(block, cells);
    const numbers = block.values[column];
    for (let i = 0; i < block.count; i++) {
      const cell = cells[i];
      if (cell < 0 || several[cell] === 0 || Number.isNaN(numbers[i])) continue;
      const at = ends[cell]++;
      sorted[at] = numbers[i];
      instants[at] = block.minutes[i] * 60 + block.seconds[i];
      if (block.lines !== undefined) lines[at] = block.lines[i];
    }
  }
  let merged = 0;
  let duplicates = 0;
  let firstDuplicate: Merged["firstDuplicate"];
  let from = 0;
  for (let cell = 0; cell < ends.length; cell++) {
    if (several[cell] === 0) continue;
    const to = ends[cell];
    merged += to - from - 1;
    values[cell] = one(sorted, instants, from, to, aggregation);
    const times = instants.slice(from, to).sort();
    let repeated = 0;
    for (let i = 1; i < times.length; i++) if (times[i] === times[i - 1]) repeated += 1;
    if (repeated > 0) firstDuplicate = earlier(firstDuplicate, instants, lines, from, to);
    duplicates += repeated;
    from = to;
  }
  return { rows: merged, duplicates, firstDuplicate };
}

/** The duplicate of the lower line: the one known, or one among the rows [from, to) of a cell. */
function earlier(
  known: Merged["firstDuplicate"],
  instants: Float64Array,
  lines: Int32Array,
  from: number,
  to: number,
): Merged["firstDuplicate"] {
  const seen = new Map<number, number>();
  let best = known;
  const order = Array.from({ length: to - from }, (_, i) => from + i).sort((a, b) => lines[a] - lines[b]);
  for (const at of order) {
    const of = seen.get(instants[at]);
    if (of === undefined) seen.set(instants[at], lines[at]);
    else if (lines[at] > 0 && (best === undefined || lines[at] < best.line)) best = { line: lines[at], of };
  }
  return best;
}

function one(sorted: Float64Array, instants: Float64Array, from: number, to: number, aggregation: Aggregation): number {
  if (aggregation === "first") {
    let best = from;
    for (let i = from + 1; i < to; i++) {
      if (instants[i] < instants[best] || (instants[i] === instants[best] && sorted[i] < sorted[best])) best = i;
    }
    return sorted[best];
  }
  const own = sorted.subarray(from, to).sort();
  if (aggregation === "min") return own[0];
  if (aggregation === "max") return own[own.length - 1];
  let sum = 0;
  for (let i = 0; i < own.length; i++) sum += own[i];
  return aggregation === "sum" ? sum : sum / own.length;
}
