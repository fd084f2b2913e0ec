// Totals: the forecast of a sum of series whose forecasts are known, when nobody forecast the sum itself.
//
// Means add up. Quantiles do not: they are read off joint draws in which series go together as their errors did in the backtests (coherent.ts).
//   T1. The mean is the sum of the means, and quantiles never cross.
//   T2. One series alone keeps its own quantiles, digit by digit.

import { StockroomError } from "../../../platform/errors.ts";
import type { Random } from "../../../platform/random.ts";
import type { Forecast } from "../contract.ts";
import { reconcileForecasts } from "./coherent.ts";
import { makeReconciler } from "./reconcile.ts";
import { makeHierarchy } from "./structure.ts";

/** How the quantiles of a sum came about. */
export type SumMethod =
  /** Of one series: its own. */
  | "own"
  /** Off joint draws that go together as the errors did. */
  | "joint draws"
  /** Off draws of series taken as independent, because too few errors are known. */
  | "independent draws"
  /** There are none: the forecasts have fewer than two quantiles. */
  | "none";

export interface SumOptions {
  /** Errors of the backtests, series by series: `[i * (errors.length / parts) + t]`, the same t being the same step of the same window; NaN where unknown. */
  readonly errors: Float64Array;
  readonly random: Random;
  /** Draws a step; default 400, fewer for thousands of series, whose sum needs fewer. */
  readonly paths?: number;
}

export interface SummedForecast {
  readonly forecast: Forecast;
  readonly method: SumMethod;
  readonly paths: number;
}

/** Steps of errors below which nothing is known of how series go together; as coherent.ts has it. */
const fewestErrors = 8;

/** About as many draws of a step as can be made of so many series in a few seconds. */
const pathsOf = (parts: number): number => (parts > 10_000 ? 100 : parts > 1_000 ? 200 : 400);

/** Sums forecasts of one horizon and the same levels, one at least. Throws `SUM_EMPTY`, and `COHERENT_LEVELS` for forecasts that differ in either. */
export function sumForecasts(parts: readonly Forecast[], { errors, random, paths = pathsOf(parts.length) }: SumOptions): SummedForecast {
  const [first] = parts;
  if (first === undefined) {
    throw new StockroomError(
      "input",
      "SUM_EMPTY",
      "Expected one forecast at least to sum but received none. Choose series that were forecast.",
    );
  }
  if (parts.length === 1) return { forecast: first, method: "own", paths: 0 };
  const { levels } = first;
  const mean = new Float64Array(first.mean.length);
  for (const part of parts) for (let h = 0; h < mean.length; h++) mean[h] += part.mean[h];
  if (levels.length < 2) return { forecast: { mean, quantiles: new Float64Array(0), levels: [] }, method: "none", paths: 0 };
  const hierarchy = makeHierarchy(parts.length, [{ name: "all", labels: ["all"], codes: new Int32Array(parts.length) }]);
  const steps = errors.length / parts.length;
  // The sum's own errors and forecast are not read: bottom-up makes every draw of it from the draws of its parts.
  const residuals = new Float64Array((parts.length + 1) * steps).fill(Number.NaN);
  residuals.set(errors, steps);
  const known = enoughErrors(errors, parts.length);
  const [summed] = reconcileForecasts(hierarchy, [first, ...parts], levels, {
    reconciler: makeReconciler(hierarchy, { method: "bottom-up" }),
    ...(known ? { residuals } : {}),
    paths,
    random,
  });
  return {
    forecast: { mean, quantiles: summed?.quantiles ?? new Float64Array(0), levels },
    method: known ? "joint draws" : "independent draws",
    paths,
  };
}

/** Whether there are steps enough in which the errors of two series or more are known together. */
function enoughErrors(errors: Float64Array, parts: number): boolean {
  const steps = errors.length / parts;
  let together = 0;
  for (let t = 0; t < steps; t++) {
    let known = 0;
    for (let i = 0; i < parts && known < 2; i++) if (!Number.isNaN(errors[i * steps + t])) known += 1;
    if (known === 2) together += 1;
  }
  return together >= fewestErrors;
}
