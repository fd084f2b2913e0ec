// Again: the forecast of some series once more, with other numbers ahead, by the models and weights of a finished run.
//
//   A1. With the same numbers ahead it gives the same forecast, bit by bit: nothing is weighed anew, only what is ahead is asked again.

import type { Panel } from "../../engine/contract.ts";
import type { Forecast } from "../../engine/contract.ts";
import { againJob } from "./again-job.ts";
import type { RunModel, RunSettings, RunTools } from "./contract.ts";
import { keyOf, sentOptions } from "./jobs.ts";

export type AgainTools = Pick<RunTools, "compute" | "signal"> & { readonly onProgress?: (done: number, total: number) => void };

/** A series and its forecast. */
export interface Again {
  readonly index: number;
  readonly forecast: Forecast | undefined;
}

const seriesAtOnce = 32;

/**
 * Forecasts the series `indices` of `panel`, whose history must be that of the run the model is from; what lies ahead may differ.
 *
 * The answers come in the order of `indices`, whatever the number of threads.
 */
export async function forecastAgain(
  panel: Panel,
  settings: RunSettings,
  model: RunModel,
  indices: readonly number[],
  tools: AgainTools,
): Promise<readonly Again[]> {
  const { compute, signal, onProgress } = tools;
  const options = sentOptions(panel, settings);
  const parts: number[][] = [];
  for (let from = 0; from < indices.length; from += seriesAtOnce) parts.push(indices.slice(from, from + seriesAtOnce));
  const answers: (readonly Again[])[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    while (next < parts.length) {
      signal?.throwIfAborted();
      const part = next++;
      const input = { panel, indices: parts[part], keys: parts[part].map((index) => keyOf(panel, index)), options, model };
      answers[part] = await compute.run(againJob, input, signal === undefined ? {} : { signal });
      done += parts[part].length;
      onProgress?.(done, indices.length);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(parts.length, compute.threads) }, work));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return answers.flat();
}
