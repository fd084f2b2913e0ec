// Levels: how much a series sells at all, and how much a new one would, judged by what it has in common with others.
//
// Owns: the level of each series at a cut, the level of similar ones. Does not own: features.
// Additive effects of categories on the logarithm of the level, fitted by backfitting with shrinkage (Hastie & Tibshirani 1990; the shrinkage
// is that of a random effect, Robinson 1991, "That BLUP is a good thing").

import type { Panel } from "../contract.ts";
import { historyLength, seriesCount } from "../panel/series.ts";

export interface Levels {
  /** Level of series like this one, leaving its own demand out; one per series, > 0. */
  readonly similar: Float64Array;
  /** The geometric mean of all levels; 1 where nothing ever sold. */
  readonly typical: number;
}

/** An effect is believed as if this many further series without it had been seen. */
const shrinkage = 2;
const rounds = 6;

/** Levels at a cut (a grid index): mean |demand| over the last `window` steps, or over all where nothing sold in them. */
export function similarLevels(panel: Panel, cut: number, window: number): Levels {
  const count = seriesCount(panel);
  const logs = new Float64Array(count).fill(Number.NaN);
  let total = 0;
  let seen = 0;
  for (let i = 0; i < count; i++) {
    const level = levelAt(panel, i, cut, window);
    if (level > 0) {
      logs[i] = Math.log(level);
      total += logs[i];
      seen++;
    }
  }
  const middle = seen > 0 ? total / seen : 0;
  const columns = columnsOf(panel);
  const effects = columns.map((column) => new Float64Array(column.levels));
  const residual = logs.map((log) => log - middle);
  const sums = columns.map((column) => new Float64Array(column.levels));
  const counts = columns.map((column) => new Float64Array(column.levels));
  columns.forEach((column, c) => {
    for (let i = 0; i < count; i++) if (column.codes[i] >= 0 && logs[i] === logs[i]) counts[c][column.codes[i]]++;
  });
  for (let round = 0; round < rounds; round++) {
    columns.forEach((column, c) => {
      sums[c].fill(0);
      for (let i = 0; i < count; i++) {
        const code = column.codes[i];
        if (code >= 0 && residual[i] === residual[i]) sums[c][code] += residual[i] + effects[c][code];
      }
      for (let i = 0; i < count; i++) {
        const code = column.codes[i];
        if (code >= 0) residual[i] += effects[c][code] - sums[c][code] / (counts[c][code] + shrinkage);
      }
      for (let code = 0; code < column.levels; code++) effects[c][code] = sums[c][code] / (counts[c][code] + shrinkage);
    });
  }
  const similar = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let log = middle;
    columns.forEach((column, c) => {
      const code = column.codes[i];
      if (code < 0) return;
      const own = logs[i] === logs[i];
      // What this series itself put into the effect is taken out of it.
      const part = own ? residual[i] + effects[c][code] : 0;
      log += (sums[c][code] - part) / (counts[c][code] - (own ? 1 : 0) + shrinkage);
    });
    similar[i] = Math.exp(Math.max(-700, Math.min(700, log)));
  }
  return { similar, typical: Math.exp(middle) };
}

function levelAt(panel: Panel, i: number, cut: number, window: number): number {
  const first = panel.offsets[i];
  const end = first + Math.max(0, historyLength(panel, i) + Math.min(0, cut - panel.grid.length));
  for (const from of [Math.max(first, end - window), first]) {
    let sum = 0;
    let seen = 0;
    for (let k = from; k < end; k++) {
      const value = panel.values[k];
      if (value !== value) continue;
      sum += Math.abs(value);
      seen++;
    }
    if (sum > 0) return sum / seen;
  }
  return 0;
}

interface Column {
  readonly codes: Int32Array;
  readonly levels: number;
}

function columnsOf(panel: Panel): readonly Column[] {
  const items = new Map<string, number>();
  const codes = new Int32Array(panel.itemIds.length);
  panel.itemIds.forEach((item, i) => {
    const code = items.get(item) ?? items.size;
    items.set(item, code);
    codes[i] = code;
  });
  const columns: Column[] = [];
  for (const each of [...panel.metadata, ...panel.dimensions]) {
    if (each.levels.length > 1) columns.push({ codes: each.codes, levels: each.levels.length });
  }
  // An item says something of its own only where several series share it.
  if (items.size > 1 && items.size < codes.length) columns.push({ codes, levels: items.size });
  return columns;
}
