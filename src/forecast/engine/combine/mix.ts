// The forecast of one series from its trial and the plan: the last and cheapest step.

import { anchorsOf, blendWindow, boundMean, boundQuantiles, calibrate, makeBlend, round } from "./blend.ts";
import type { Forecast } from "../contract.ts";
import type { Backtest, MixedForecast, MixOptions, MixPlan, Trial } from "./contract.ts";

/**
 * Mixes the future and the windows asked for of trial `index` of the plan.
 *
 * Pure and cheap: sums over what the trial holds. Quantiles never cross; with `nonNegative` nothing is below zero, nor a quantile above what
 * its mean leaves room for.
 */
export function mixForecast(trial: Trial, plan: MixPlan, index: number, options: MixOptions): MixedForecast {
  const { horizon, cuts, models, asked } = trial;
  const own = plan.series[index];
  const rows = options.levels.map((level) => trial.levels.findIndex((each) => Math.abs(each - level) < 1e-9));
  const anchors = anchorsOf(trial.levels);
  const blend = makeBlend(trial);
  const mixed = (w: number): Forecast | undefined => {
    if (!blendWindow(trial, w, w, own, blend)) return undefined;
    calibrate(blend, horizon, anchors, plan.calibrations[own.calibration[w]]);
    round(blend, trial.levels.length, horizon, options.nonNegative);
    if (own.centred) boundMean(blend, horizon, anchors);
    if (options.nonNegative) boundQuantiles(blend, horizon, trial.levels);
    const quantiles = new Float64Array(rows.length * horizon);
    for (const [i, row] of rows.entries()) quantiles.set(blend.quantiles.subarray(row * horizon, (row + 1) * horizon), i * horizon);
    return { mean: blend.mean.slice(), levels: options.levels, quantiles };
  };
  const backtests: Backtest[] = [];
  for (let w = cuts.length - asked; w < cuts.length; w++) {
    const forecast = mixed(w);
    if (forecast !== undefined) {
      backtests.push({ cut: cuts[w], actual: trial.actuals.slice(w * horizon, (w + 1) * horizon), forecast });
    }
  }
  const future = cuts.length * models.length;
  const components = models
    .map((model, m) => ({ model, title: trial.titles[m], weight: own.weights[future + m] }))
    .filter((each) => each.weight > 0)
    .toSorted((a, b) => b.weight - a.weight || (a.model < b.model ? -1 : 1));
  return { key: trial.key, forecast: mixed(cuts.length), components, backtests };
}
