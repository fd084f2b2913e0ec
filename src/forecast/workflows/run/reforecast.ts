// Again: the forecast of some series once more, with other numbers ahead, by the models and weights of a finished run.
//
//   A1. With the same numbers ahead it gives the same forecast, bit by bit: nothing is weighed anew, only what is ahead is asked again.

import { eachBounded } from "../../../platform/concurrency/bounded.ts";
import type { Panel } from "../../engine/contract.ts";
import { reforecastJob } from "./reforecast-job.ts";
import type { Reforecast, RunModel, RunSettings, RunTools } from "./contract.ts";
import { liftsOf } from "./lifted.ts";
import { keyOf, sentOptions } from "./jobs.ts";
import { unpackPlan } from "./pieces.ts";

export type ReforecastTools = Pick<RunTools, "compute" | "signal"> & { readonly onProgress?: (done: number, total: number) => void };

/** A task makes the global model ready once, which reads the whole panel: few tasks, but enough for every thread. */
const leastAtOnce = 32;
const mostTasks = 32;

/**
 * Forecasts the series `indices` of `panel`, whose history must be that of the run the model is from; what lies ahead may differ.
 *
 * The answers come in the order of `indices`, whatever the number of threads.
 */
export async function reforecast(
  panel: Panel,
  settings: RunSettings,
  model: RunModel,
  indices: readonly number[],
  tools: ReforecastTools,
): Promise<readonly Reforecast[]> {
  const { compute, signal, onProgress } = tools;
  const options = sentOptions(panel, settings);
  const lifts = await liftsOf(panel, settings, tools);
  const { series: plans, calibrations } = unpackPlan(model.plan);
  const atOnce = Math.max(leastAtOnce, Math.ceil(indices.length / mostTasks));
  const parts: number[][] = [];
  for (let from = 0; from < indices.length; from += atOnce) parts.push(indices.slice(from, from + atOnce));
  const answers: (readonly Reforecast[])[] = [];
  let done = 0;
  const work = async (own: readonly number[], part: number): Promise<void> => {
    const input = {
      panel,
      indices: own,
      keys: own.map((index) => keyOf(panel, index)),
      options,
      plan: { series: own.map((index) => plans[index]), calibrations },
      global: model.global,
      lifts,
    };
    answers[part] = await compute.run(reforecastJob, input, signal === undefined ? {} : { signal });
    done += own.length;
    onProgress?.(done, indices.length);
  };
  await eachBounded(parts, compute.threads, work, signal);
  return answers.flat();
}
