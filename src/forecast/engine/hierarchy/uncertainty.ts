// How unsure the forecast of a node is: what reconciliation weighs it by, and how far it may move it.
//
//   A node's errors in a few windows say little, and with none a rule must stand in. The spread of its own quantiles is always there, in its own
//   units: it counts as so many errors, and errors seen move it as far as their number deserves.

import type { Forecast } from "../contract.ts";
import { scoresOf, spreadAround } from "./marginal.ts";

/** Errors that the spread of a node's own quantiles is worth. */
const spreadWorth = 12;
/** Reconciliation takes no mean out of about the middle 80 % of its own distribution. */
const mostMove = 1.28;

/** By node. */
export interface Uncertainty {
  /** Squared standard deviation of a forecast, the mean of its steps. */
  readonly variance: Float64Array;
  /** Of the nodes from `aggregates` on: the most that they may move, node by node, then step by step. */
  readonly bounds: Float64Array;
}

/**
 * The uncertainty of forecasts with two quantile levels or more.
 *
 * `residuals` as in `ReconcileOptions`: any number for each node, NaN where unknown; none at all is allowed. A node without any spread and
 * without an error is certain and does not move.
 */
export function uncertaintyOf(base: readonly Forecast[], aggregates: number, residuals: Float64Array): Uncertainty {
  const nodes = base.length;
  const steps = residuals.length / nodes;
  const horizon = base[0]?.mean.length ?? 0;
  const variance = new Float64Array(nodes);
  const bounds = new Float64Array((nodes - aggregates) * horizon);
  const spreads = new Float64Array(horizon);
  for (const [node, { mean, quantiles, levels }] of base.entries()) {
    const scores = scoresOf(levels);
    let spread = 0;
    for (let h = 0; h < horizon; h++) {
      spreads[h] = spreadAround(mean[h], scores, quantiles, h, horizon);
      spread += spreads[h] ** 2 / horizon;
    }
    let squares = 0;
    let known = 0;
    for (let t = node * steps; t < (node + 1) * steps; t++) {
      if (Number.isNaN(residuals[t])) continue;
      squares += residuals[t] ** 2;
      known++;
    }
    variance[node] = (spreadWorth * spread + squares) / (spreadWorth + known);
    if (node < aggregates) continue;
    const grown = spread > 0 ? Math.sqrt(variance[node] / spread) : 0;
    for (let h = 0; h < horizon; h++) {
      bounds[(node - aggregates) * horizon + h] = mostMove * (spread > 0 ? grown * spreads[h] : Math.sqrt(variance[node]));
    }
  }
  return { variance, bounds };
}
