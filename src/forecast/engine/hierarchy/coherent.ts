// Coherent forecasts: means that add up, and quantiles of sums that are sums of samples.
//
// Quantiles do not add up and must not: the 90 % quantile of a total is less than the total of 90 % quantiles. What adds up is each sample.
// Owns: joint samples of all nodes, their reconciliation, quantiles read off them. Does not own: the base forecasts.
//   Q1. Every sample is coherent: its sums are the sums of its bottom.
//   Q2. Samples keep each base forecast's own distribution before reconciliation, and the errors' habit of going together.

import type { Random } from "../../../platform/random.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { Forecast } from "../contract.ts";
import { normalQuantile } from "../numerics/normal.ts";
import { scoresOf, valueAt } from "./marginal.ts";
import type { Reconciler } from "./reconcile.ts";
import type { Hierarchy } from "./structure.ts";

export interface CoherentOptions {
  readonly reconciler: Reconciler;
  /** One-step errors of all nodes, as for the reconciler: the same t is the same instant. Absent or fewer than 8 steps: nodes are taken as independent. */
  readonly residuals?: Float64Array;
  /** Samples per step; default 200. */
  readonly paths?: number;
  /** Steps that are drawn in one piece; default 4. */
  readonly block?: number;
  readonly random: Random;
}

const fewestSteps = 8;
/** Share of own noise mixed into a drawn score, so that samples are not limited to the errors seen. */
const jitter = 0.25;

/** Place of a value that is in the sorted array. */
function rankOf(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] >= value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Normal scores of errors by rank within their node; NaN where unknown. */
function scoresOfErrors(residuals: Float64Array, nodes: number, steps: number): Float64Array {
  const scores = new Float64Array(residuals.length).fill(Number.NaN);
  for (let i = 0; i < nodes; i++) {
    const at = i * steps;
    const order: number[] = [];
    for (let t = 0; t < steps; t++) if (Number.isFinite(residuals[at + t])) order.push(t);
    order.sort((a, b) => residuals[at + a] - residuals[at + b] || a - b);
    for (const [rank, t] of order.entries()) scores[at + t] = normalQuantile((rank + 0.5) / order.length);
  }
  return scores;
}

/**
 * Draws coherent samples of every node, step by step: `visit(h, samples)` gets `paths` numbers per node, sums being the sums of the bottom.
 *
 * Each path draws blocks of past instants, one instant for all nodes at once; a node's rank among its own errors at that instant picks its place in
 * its own forecast (an empirical copula, as in Ben Taieb, Taylor & Hyndman 2021, JASA 116(533)). `samples` is only valid during the visit.
 * Throws `COHERENT_LEVELS` when a base forecast has fewer than two quantile levels or another horizon.
 */
export function drawCoherent(
  hierarchy: Hierarchy,
  base: readonly Forecast[],
  options: CoherentOptions,
  visit: (step: number, samples: Float64Array) => void,
): void {
  const { nodes } = hierarchy;
  const { reconciler, residuals, paths = 200, block = 4, random } = options;
  const horizon = base[0]?.mean.length ?? 0;
  const wrong = base.findIndex((forecast) => forecast.levels.length < 2 || forecast.mean.length !== horizon);
  if (base.length !== nodes || wrong >= 0) {
    throw new StockroomError(
      "input",
      "COHERENT_LEVELS",
      `Expected a forecast of ${horizon} steps with two quantile levels or more for each of ${nodes} nodes but received ` +
        (wrong >= 0
          ? `${base[wrong].mean.length} steps and ${base[wrong].levels.length} levels for node ${wrong}.`
          : `${base.length} forecasts.`),
    );
  }
  const steps = residuals === undefined ? 0 : residuals.length / nodes;
  const errorScores = residuals === undefined || steps < fewestSteps ? undefined : scoresOfErrors(residuals, nodes, steps);
  const instants = new Int32Array(horizon * paths);
  if (errorScores !== undefined) {
    for (let p = 0; p < paths; p++) {
      let t = 0;
      for (let h = 0; h < horizon; h++) {
        t = h % block === 0 ? random.below(steps) : (t + 1) % steps;
        instants[h * paths + p] = t;
      }
    }
  }
  const keep = 1 / Math.sqrt(1 + jitter * jitter);
  const samples = new Float64Array(nodes * paths);
  // What is drawn decides the order alone: the scores themselves are spread evenly, so that a node's own distribution does not move with the seed.
  const even = Float64Array.from({ length: paths }, (_, p) => normalQuantile((p + 0.5) / paths));
  const drawn = new Float64Array(paths);
  const ranked = new Float64Array(paths);
  const levelScores = new Map<readonly number[], Float64Array>();
  for (let h = 0; h < horizon; h++) {
    for (let i = 0; i < nodes; i++) {
      const { levels, quantiles } = base[i];
      let scores = levelScores.get(levels);
      if (scores === undefined) levelScores.set(levels, (scores = scoresOf(levels)));
      for (let p = 0; p < paths; p++) {
        const own = random.normal();
        const shared = errorScores === undefined ? Number.NaN : errorScores[i * steps + instants[h * paths + p]];
        drawn[p] = Number.isNaN(shared) ? own : keep * (shared + jitter * own);
      }
      ranked.set(drawn);
      ranked.sort();
      for (let p = 0; p < paths; p++) samples[i * paths + p] = valueAt(scores, quantiles, h, horizon, even[rankOf(ranked, drawn[p])]);
    }
    visit(h, reconciler.apply(samples, paths, h));
  }
}

/**
 * Reconciles base forecasts of all nodes (in the hierarchy's order): coherent means, and quantiles at `levels` read off coherent samples.
 *
 * Throws as `drawCoherent`. Cost: nodes x horizon x paths for the samples, and as much for sorting.
 */
export function reconcileForecasts(
  hierarchy: Hierarchy,
  base: readonly Forecast[],
  levels: readonly number[],
  options: CoherentOptions,
): readonly Forecast[] {
  const { nodes } = hierarchy;
  const { paths = 200 } = options;
  const horizon = base[0]?.mean.length ?? 0;
  const quantiles = base.map(() => new Float64Array(levels.length * horizon));
  drawCoherent(hierarchy, base, options, (h, samples) => {
    for (let i = 0; i < nodes; i++) {
      const column = samples.subarray(i * paths, (i + 1) * paths).sort();
      for (let l = 0; l < levels.length; l++) {
        const place = Math.min(paths - 1, Math.max(0, levels[l] * paths - 0.5));
        const below = Math.floor(place);
        const above = Math.min(below + 1, paths - 1);
        quantiles[i][l * horizon + h] = column[below] + (place - below) * (column[above] - column[below]);
      }
    }
  });
  const means = new Float64Array(nodes * horizon);
  for (let i = 0; i < nodes; i++) means.set(base[i].mean, i * horizon);
  const coherent = options.reconciler.apply(means, horizon);
  return base.map((_, i) => ({ mean: coherent.slice(i * horizon, (i + 1) * horizon), quantiles: quantiles[i], levels }));
}
