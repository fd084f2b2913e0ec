// Try: every candidate on every series of a chunk, in a thread.

import type { ComputeTask, TaskTools } from "../../../base/compute/contract.ts";
import type { GivenForecast, Trial } from "../../engine/combine/contract.ts";
import { tryModels } from "../../engine/combine/trial.ts";
import { yearlyFactors } from "../../engine/combine/yearly.ts";
import type { Panel } from "../../engine/contract.ts";
import { seriesAt } from "../../engine/panel/series.ts";
import { companyOf, mixOptions, type SentOptions } from "./jobs.ts";
import { givenForecasts, type Learned } from "./learned.ts";
import { pack } from "./pieces.ts";

export interface TryInput {
  /** Without texts, unless a learned model reads them. */
  readonly panel: Panel;
  readonly from: number;
  readonly to: number;
  /** Of the series of the chunk. */
  readonly keys: readonly string[];
  readonly options: SentOptions;
  readonly learned: Learned | undefined;
}

/** A packed `Trial[]`, in the order of the series. */
export const tryJob: ComputeTask<TryInput, Uint8Array> = { module: import.meta.url, name: "forecast.try" };

export function run(input: TryInput, tools: TaskTools): Uint8Array {
  const { panel, from, to, keys } = input;
  const options = mixOptions(input.options);
  const given: readonly (readonly GivenForecast[])[] | undefined =
    input.learned === undefined ? undefined : givenForecasts(input.learned, panel, from, to, options);
  const yearly = options.nonNegative ? yearlyFactors(panel) : undefined;
  const trials: Trial[] = [];
  for (let index = from; index < to; index++) {
    tools.signal.throwIfAborted();
    const company = companyOf(panel, index, yearly);
    trials.push(tryModels(keys[index - from], seriesAt(panel, index), options, given?.[index - from] ?? [], company));
    tools.progress(index + 1 - from, to - from);
  }
  return pack(trials);
}
