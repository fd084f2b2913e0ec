// Agree: forecasts of sums (a category, the whole) and of their parts made to add up, in every window and ahead.
//
// Owns: the panel of sums, what goes into the reconciliation, what becomes of its answer. Does not own: the method (engine/hierarchy).
//   H1. Sums are series of their own: they are tried, weighed and mixed like any other, then all levels are reconciled.
//   H2. A window is reconciled by errors of windows before it alone: changing the future never changes a backtest.
//   H3. A part without a forecast is no part: its sums are those of the others, and it stays without one.

import type { Compute } from "../../../platform/compute/contract.ts";
import type { Forecast, Panel } from "../../engine/contract.ts";
import { describeNode, hierarchyOf, makeHierarchy, type Hierarchy, type Level } from "../../engine/hierarchy/structure.ts";
import { repeatSeason, scaleOf, tallyForecast } from "../../engine/metrics/metrics.ts";
import { makePanel, sharedFloat64 } from "../../engine/panel/make.ts";
import { historyLength, seriesAt } from "../../engine/panel/series.ts";
import { reconcileJob } from "./reconcile-job.ts";
import type { RunSettings, SeriesResult, SumResult } from "./contract.ts";
import { cutsOf } from "./global-model.ts";

/** `["category", "item_id"]`: the whole, each category, each item of a category; what groups nothing is left out. Throws `HIERARCHY_COLUMN`. */
export function hierarchyFor(panel: Panel, columns: readonly string[]): Hierarchy {
  return hierarchyOf(
    panel,
    columns.reduce<string[][]>((groupings, name) => [...groupings, [...(groupings.at(-1) ?? []), name]], [[]]),
  );
}

/** The sums of a hierarchy as a panel of their own. Missing values are left out of a sum; regressors are the parts' mean. */
export function sumsOf(panel: Panel, hierarchy: Hierarchy): Panel {
  const { length, horizon } = panel.grid;
  const wide = length + horizon;
  const parts = Array.from({ length: hierarchy.aggregates }, (): number[] => []);
  for (const [l, { codes }] of hierarchy.levels.entries()) {
    for (const [series, code] of codes.entries()) parts[hierarchy.first[l] + code].push(series);
  }
  const series = parts.map((own, node) => {
    const { level, label } = describeNode(hierarchy, node);
    const values = new Float64Array(length).fill(Number.NaN);
    const sums = panel.regressors.map(() => new Float64Array(wide));
    const counts = panel.regressors.map(() => new Int32Array(wide));
    let first = length;
    for (const part of own) {
      const start = length - historyLength(panel, part);
      first = Math.min(first, start);
      for (let t = start; t < length; t++) {
        const value = panel.values[panel.offsets[part] + t - start];
        if (!Number.isNaN(value)) values[t] = value + (Number.isNaN(values[t]) ? 0 : values[t]);
      }
      for (const [r, { values: cells }] of panel.regressors.entries()) {
        const base = panel.offsets[part] + part * horizon;
        for (let t = start; t < wide; t++) {
          const cell = cells[base + t - start];
          if (Number.isNaN(cell)) continue;
          sums[r][t] += cell;
          counts[r][t] += 1;
        }
      }
    }
    const regressors = Object.fromEntries(
      panel.regressors.map(({ name }, r) => [
        name,
        sums[r].map((sum, t) => (counts[r][t] > 0 ? sum / counts[r][t] : Number.NaN)).subarray(first),
      ]),
    );
    return { item: `${level}: ${label}`, values: values.subarray(first), regressors };
  });
  const made = makePanel({ grid: panel.grid, series, seasons: panel.seasons });
  return { ...made, shared: panel.shared };
}

export interface ReconcileTools {
  readonly compute: Compute;
  readonly signal?: AbortSignal;
}

/** All nodes of one window, or of what is ahead: sums first, then the series of the panel. */
interface Stand {
  readonly means: Float64Array;
  readonly quantiles: Float64Array;
  /** Series that have a forecast there. */
  readonly present: Uint8Array;
  /** Sums that have one of their own. */
  readonly known: Uint8Array;
}

/** What was forecast for every node and what came, and then what is reconciled. */
export interface Reconciliation {
  /** The series of one chunk with the reconciled forecasts. */
  apply(series: readonly SeriesResult[]): readonly SeriesResult[];
  readonly sums: readonly SumResult[];
}

/** Both runs, of the same settings. */
export interface Reconcilable {
  readonly panel: Panel;
  readonly settings: RunSettings;
  readonly hierarchy: Hierarchy;
  readonly sums: { readonly panel: Panel; readonly series: readonly SeriesResult[] };
  /** The series of the panel. */
  readonly bottom: AsyncIterable<SeriesResult>;
}

/** Reads both runs, reconciles every window and what is ahead, each in a task of its own. */
export async function reconcileRun(
  { panel, settings, hierarchy, sums, bottom }: Reconcilable,
  tools: ReconcileTools,
): Promise<Reconciliation> {
  const { nodes, aggregates } = hierarchy;
  const { length, horizon } = panel.grid;
  const { levels } = settings;
  const cuts = cutsOf(panel, settings);
  const places = new Map(cuts.map((cut, w) => [cut, w]));
  const block = levels.length * horizon;
  const stands = [...cuts, length].map((): Stand => ({
    means: new Float64Array(nodes * horizon),
    quantiles: new Float64Array(nodes * block),
    present: new Uint8Array(hierarchy.bottom),
    known: new Uint8Array(aggregates),
  }));
  const errors = new Float64Array(nodes * cuts.length * horizon).fill(Number.NaN);
  const put = (node: number, stand: Stand, forecast: Forecast): void => {
    stand.means.set(forecast.mean, node * horizon);
    stand.quantiles.set(forecast.quantiles, node * block);
    if (node >= aggregates) stand.present[node - aggregates] = 1;
    else stand.known[node] = 1;
  };
  const note = (node: number, { mixed }: SeriesResult): void => {
    if (mixed.forecast !== undefined) put(node, stands[cuts.length], mixed.forecast);
    for (const { cut, actual, forecast } of mixed.backtests) {
      const w = places.get(cut);
      if (w === undefined) continue;
      put(node, stands[w], forecast);
      for (let h = 0; h < Math.min(horizon, actual.length); h++)
        errors[(node * cuts.length + w) * horizon + h] = actual[h] - forecast.mean[h];
    }
  };
  for (const each of sums.series) note(each.index, each);
  for await (const each of bottom) note(aggregates + each.index, each);

  for (const stand of stands) addUnknownSums(hierarchy, stand, horizon, block);
  const ends = await Promise.allSettled(
    stands.map(async (stand, w) => {
      const { groups, nodesOf } = presentPart(hierarchy, stand.present);
      if (nodesOf.length === 0) return;
      // Errors of the windows before this one, side by side for every node.
      const steps = w * horizon;
      const means = sharedFloat64(nodesOf.length * horizon);
      const quantiles = sharedFloat64(nodesOf.length * block);
      const residuals = sharedFloat64(nodesOf.length * steps);
      for (const [at, node] of nodesOf.entries()) {
        const from = node * cuts.length * horizon;
        means.set(stand.means.subarray(node * horizon, (node + 1) * horizon), at * horizon);
        quantiles.set(stand.quantiles.subarray(node * block, (node + 1) * block), at * block);
        residuals.set(errors.subarray(from, from + steps), at * steps);
      }
      const input = {
        bottom: stand.present.reduce((sum, each) => sum + each, 0),
        groups,
        horizon,
        levels,
        means,
        quantiles,
        residuals,
        nonNegative: settings.nonNegative,
        seed: settings.seed + w,
      };
      const answer = await tools.compute.run(reconcileJob, input, tools.signal === undefined ? {} : { signal: tools.signal });
      for (const [at, node] of nodesOf.entries()) {
        stand.means.set(answer.means.subarray(at * horizon, (at + 1) * horizon), node * horizon);
        stand.quantiles.set(answer.quantiles.subarray(at * block, (at + 1) * block), node * block);
      }
    }),
  );
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  const forecastOf = (node: number, w: number): Forecast => ({
    mean: stands[w].means.slice(node * horizon, (node + 1) * horizon),
    quantiles: stands[w].quantiles.slice(node * block, (node + 1) * block),
    levels,
  });
  const applyOne = (one: SeriesResult, node: number, own: Panel): SeriesResult => {
    const { mixed, index } = one;
    const backtests = mixed.backtests.map((test) => ({ ...test, forecast: forecastOf(node, places.get(test.cut) ?? 0) }));
    const lag = panel.seasons[0] ?? 1;
    const tallies = backtests.map(({ cut, actual, forecast }) => {
      const before = seriesAt(own, index, cut).values;
      return tallyForecast(actual, forecast, scaleOf(before, lag), repeatSeason(before, lag, horizon));
    });
    return {
      ...one,
      mixed: { ...mixed, backtests, forecast: mixed.forecast === undefined ? undefined : forecastOf(node, cuts.length) },
      tallies,
    };
  };
  return {
    apply: (series) => series.map((one) => applyOne(one, aggregates + one.index, panel)),
    sums: sums.series.map((one) => ({ ...describeNode(hierarchy, one.index), result: applyOne(one, one.index, sums.panel) })),
  };
}

/** A sum that no model served is forecast as the sum of its parts, so that it has no say of its own. */
function addUnknownSums(hierarchy: Hierarchy, { means, quantiles, present, known }: Stand, horizon: number, block: number): void {
  for (const [l, { codes }] of hierarchy.levels.entries()) {
    for (const [series, code] of codes.entries()) {
      const node = hierarchy.first[l] + code;
      if (known[node] === 1 || present[series] === 0) continue;
      const part = hierarchy.aggregates + series;
      for (let h = 0; h < horizon; h++) means[node * horizon + h] += means[part * horizon + h];
      for (let q = 0; q < block; q++) quantiles[node * block + q] += quantiles[part * block + q];
    }
  }
}

/** The hierarchy over the series that are present alone; `nodesOf[k]` is the node of the whole that stands at k. */
function presentPart(
  hierarchy: Hierarchy,
  present: Uint8Array,
): { readonly groups: readonly Level[]; readonly nodesOf: readonly number[] } {
  const series = Array.from(present.keys()).filter((each) => present[each] === 1);
  const groups = hierarchy.levels.map(({ name, codes }, l): Level => {
    const used = [...new Set(series.map((each) => codes[each]))].toSorted((a, b) => a - b);
    const places = new Map(used.map((code, at) => [code, at]));
    // The label says which node of the whole it is.
    return {
      name,
      labels: used.map((code) => String(hierarchy.first[l] + code)),
      codes: Int32Array.from(series, (each) => places.get(codes[each]) ?? 0),
    };
  });
  // As makeHierarchy orders them, here and in the thread.
  const { levels } = makeHierarchy(series.length, groups);
  const sums = levels.flatMap(({ labels }) => labels.map(Number));
  return { groups, nodesOf: series.length === 0 ? [] : [...sums, ...series.map((each) => hierarchy.aggregates + each)] };
}
