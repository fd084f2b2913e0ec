// The hierarchy: which series add up to which totals.
//
// Owns: groupings of bottom series and their order, summing up. Does not own: making the sums agree (reconcile.ts).
//   H1. Nodes are numbered level by level, top first, then the bottom series in the panel's own order.
//   H2. Every level takes in every bottom series once; an unknown code is a group of its own, so that each level sums to the same total.
//   H3. The summing matrix is never written out: each level is one code per bottom series.

import { StockroomError } from "../../../platform/errors.ts";
import type { Panel } from "../contract.ts";

/** A grouping of the bottom series: `category` by its values, or the total. */
export interface Level {
  readonly name: string;
  readonly labels: readonly string[];
  /** One per bottom series, each in `[0, labels.length)`. */
  readonly codes: Int32Array;
}

export interface Hierarchy {
  /** Number of bottom series. */
  readonly bottom: number;
  /** Number of sums over all levels; node `aggregates + b` is bottom series b. */
  readonly aggregates: number;
  readonly nodes: number;
  /** Top first. The bottom is not among them. */
  readonly levels: readonly Level[];
  /** First node of each level. */
  readonly first: Int32Array;
  /** Parent of each node (-1 for roots) when every level refines the one before; undefined when groupings cross. */
  readonly parents: Int32Array | undefined;
}

const unknown = "(unknown)";

/**
 * Puts levels in order, from few groups to many.
 *
 * Throws `HIERARCHY_LEVEL` for a level whose codes do not fit the bottom series.
 */
export function makeHierarchy(bottom: number, levels: readonly Level[]): Hierarchy {
  for (const level of levels) {
    const wrong = level.codes.findIndex((code) => code < 0 || code >= level.labels.length);
    if (level.codes.length !== bottom || wrong >= 0) {
      throw new StockroomError(
        "input",
        "HIERARCHY_LEVEL",
        `Expected level ${level.name} to have a code in 0..${level.labels.length - 1} for each of ${bottom} series but received ` +
          (wrong >= 0 ? `${level.codes[wrong]} for series ${wrong}.` : `${level.codes.length} codes.`),
      );
    }
  }
  const ordered = levels.toSorted((a, b) => a.labels.length - b.labels.length);
  const first = new Int32Array(ordered.length);
  let aggregates = 0;
  for (const [l, level] of ordered.entries()) {
    first[l] = aggregates;
    aggregates += level.labels.length;
  }
  const nodes = aggregates + bottom;
  return { bottom, aggregates, nodes, levels: ordered, first, parents: findParents(bottom, nodes, ordered, first) };
}

function findParents(bottom: number, nodes: number, levels: readonly Level[], first: Int32Array): Int32Array | undefined {
  const parents = new Int32Array(nodes).fill(-1);
  for (let l = 0; l + 1 < levels.length; l++) {
    const coarse = levels[l].codes;
    const fine = levels[l + 1].codes;
    for (let b = 0; b < bottom; b++) {
      const child = first[l + 1] + fine[b];
      const parent = first[l] + coarse[b];
      if (parents[child] === -1) parents[child] = parent;
      else if (parents[child] !== parent) return undefined;
    }
  }
  const last = levels.length - 1;
  if (last >= 0) for (let b = 0; b < bottom; b++) parents[nodes - bottom + b] = first[last] + levels[last].codes[b];
  return parents;
}

/** What of a panel a hierarchy is built from. */
export type Named = Pick<Panel, "itemIds" | "dimensions" | "metadata">;

/**
 * Builds the hierarchy of a panel from column names: `[["category"], ["category", "location"], []]`, where `[]` is the total and
 * `item_id` the item summed over its dimensions.
 *
 * Without `groupings`: the total, each metadata column that groups items, the item where there are dimensions, and each dimension.
 * Throws `HIERARCHY_COLUMN` for a name that is no column.
 */
export function hierarchyOf(panel: Named, groupings: readonly (readonly string[])[] = usualGroupings(panel)): Hierarchy {
  const bottom = panel.itemIds.length;
  const levels: Level[] = [];
  const seen = new Set<string>();
  for (const names of groupings) {
    const level = groupBy(panel, names);
    // A grouping with one series a group is the bottom again, and two equal groupings are one.
    const key = level.codes.join(",");
    if (level.labels.length === bottom || seen.has(key)) continue;
    seen.add(key);
    levels.push(level);
  }
  return makeHierarchy(bottom, levels);
}

/** Columns of a hierarchy that divide nothing that those before them had not divided: their sums are no level of their own. */
export function idleColumns(panel: Named, names: readonly string[]): readonly string[] {
  return names.filter((_, i) => {
    if (i === 0) return false;
    return groupBy(panel, names.slice(0, i + 1)).labels.length === groupBy(panel, names.slice(0, i)).labels.length;
  });
}

function usualGroupings(panel: Named): string[][] {
  const items = new Set(panel.itemIds).size;
  const groupings: string[][] = [[]];
  for (const { name, levels } of panel.metadata) if (levels.length > 1 && levels.length <= items / 2) groupings.push([name]);
  if (panel.dimensions.length > 0) {
    groupings.push(["item_id"]);
    for (const { name, levels } of panel.dimensions) if (levels.length > 1) groupings.push([name]);
  }
  return groupings;
}

function groupBy(panel: Named, names: readonly string[]): Level {
  const columns = names.map((name) => textOf(panel, name));
  const labels: string[] = [];
  const known = new Map<string, number>();
  const codes = new Int32Array(panel.itemIds.length);
  for (let b = 0; b < codes.length; b++) {
    const texts = columns.map((column) => column(b));
    // Quoted as JSON, so that values holding the separator stay apart.
    const key = JSON.stringify(texts);
    let code = known.get(key);
    if (code === undefined) {
      code = labels.length;
      known.set(key, code);
      labels.push(names.length === 0 ? "total" : texts.join(" / "));
    }
    codes[b] = code;
  }
  return { name: names.length === 0 ? "total" : names.join(" x "), labels, codes };
}

function textOf(panel: Named, name: string): (series: number) => string {
  const column = [...panel.dimensions, ...panel.metadata].find((category) => category.name === name);
  if (column !== undefined) return (b) => (column.codes[b] < 0 ? unknown : column.levels[column.codes[b]]);
  if (name === "item_id") return (b) => panel.itemIds[b];
  const names = ["item_id", ...[...panel.dimensions, ...panel.metadata].map((category) => category.name)];
  throw new StockroomError("input", "HIERARCHY_COLUMN", `Expected a column to group by among ${names.join(", ")} but received ${name}.`);
}

/** Level and label of a node; the bottom's level is `series`, its label its number. */
export function describeNode(hierarchy: Hierarchy, node: number): { readonly level: string; readonly label: string } {
  if (node >= hierarchy.aggregates) return { level: "series", label: String(node - hierarchy.aggregates) };
  let l = hierarchy.levels.length - 1;
  while (hierarchy.first[l] > node) l--;
  return { level: hierarchy.levels[l].name, label: hierarchy.levels[l].labels[node - hierarchy.first[l]] };
}

/**
 * Sums bottom values up: `bottom` holds `width` numbers per bottom series, the result `width` numbers per node.
 *
 * NaN in a bottom value makes its sums NaN. Cost: levels x series x width.
 */
export function sumUp(hierarchy: Hierarchy, bottom: Float64Array, width: number): Float64Array {
  const out = new Float64Array(hierarchy.nodes * width);
  out.set(bottom, hierarchy.aggregates * width);
  sumInPlace(hierarchy, out, width);
  return out;
}

/** Overwrites all sums in `all` (`width` numbers per node) by those of its bottom. */
export function sumInPlace(hierarchy: Hierarchy, all: Float64Array, width: number): void {
  const { bottom, aggregates, levels, first } = hierarchy;
  all.fill(0, 0, aggregates * width);
  for (let l = 0; l < levels.length; l++) {
    const { codes } = levels[l];
    for (let b = 0; b < bottom; b++) {
      const to = (first[l] + codes[b]) * width;
      const from = (aggregates + b) * width;
      for (let c = 0; c < width; c++) all[to + c] += all[from + c];
    }
  }
}
