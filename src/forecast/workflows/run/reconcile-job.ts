// Agree: one window of all nodes made to add up, in a thread.

import { makeRandom } from "../../../platform/random.ts";
import type { ComputeTask } from "../../../platform/compute/contract.ts";
import type { Forecast } from "../../engine/contract.ts";
import { reconcileForecasts } from "../../engine/hierarchy/coherent.ts";
import { makeReconciler } from "../../engine/hierarchy/reconcile.ts";
import { uncertaintyOf } from "../../engine/hierarchy/uncertainty.ts";
import { makeHierarchy, type Level } from "../../engine/hierarchy/structure.ts";

export interface ReconcileInput {
  readonly bottom: number;
  readonly groups: readonly Level[];
  readonly horizon: number;
  readonly levels: readonly number[];
  /** Node by node, sums first. */
  readonly means: Float64Array;
  readonly quantiles: Float64Array;
  /** Errors of windows before, node by node; empty where there is none. */
  readonly residuals: Float64Array;
  readonly nonNegative: boolean;
  readonly seed: number;
}

export interface ReconciledBlock {
  readonly means: Float64Array;
  readonly quantiles: Float64Array;
}

export const reconcileJob: ComputeTask<ReconcileInput, ReconciledBlock> = { module: import.meta.url, name: "forecast.reconcile" };

/** With fewer errors a node, nothing is said of how they go together. */
const fewestErrors = 8;
/** Errors of one window are much the same error: how they go together is learned from two windows or more (decisions/forecast-mix.md). */
const fewestWindows = 2;
/** Beyond so many nodes the errors' going together costs more time than it is worth (reconcile.ts). */
const mostTogether = 3000;

export function run(input: ReconcileInput): ReconciledBlock {
  const { bottom, groups, horizon, levels, means, quantiles, residuals, nonNegative, seed } = input;
  const hierarchy = makeHierarchy(bottom, groups);
  const { nodes } = hierarchy;
  const block = levels.length * horizon;
  const base = Array.from({ length: nodes }, (_, node): Forecast => ({
    mean: means.slice(node * horizon, (node + 1) * horizon),
    quantiles: quantiles.slice(node * block, (node + 1) * block),
    levels,
  }));
  const known = residuals.length / nodes >= fewestErrors;
  const together = residuals.length / nodes >= Math.max(fewestErrors, fewestWindows * horizon) && nodes <= mostTogether;
  const { variance, bounds } = uncertaintyOf(base, hierarchy.aggregates, residuals);
  const reconciler = makeReconciler(hierarchy, {
    method: together ? "shrink" : "variance",
    ...(together ? { residuals } : {}),
    variance,
    bounds,
    nonNegative,
  });
  const coherent = reconcileForecasts(hierarchy, base, levels, { reconciler, random: makeRandom(seed), ...(known ? { residuals } : {}) });
  const reconciled = { means: new Float64Array(nodes * horizon), quantiles: new Float64Array(nodes * block) };
  for (const [node, forecast] of coherent.entries()) {
    reconciled.means.set(forecast.mean, node * horizon);
    reconciled.quantiles.set(forecast.quantiles, node * block);
  }
  return reconciled;
}
