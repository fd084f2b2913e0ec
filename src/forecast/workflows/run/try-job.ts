// Try: every candidate on every series of a chunk, in a thread.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { GivenForecast, Trial } from "../../engine/combine/contract.ts";
import { tryModels } from "../../engine/combine/trial.ts";
import type { Panel } from "../../engine/contract.ts";
import type { PanelLifts } from "../../engine/events/lifts.ts";
import { seriesLifts } from "../../engine/events/raise.ts";
import { seriesAt } from "../../engine/panel/series.ts";
import { companyOf, mixOptions, type SentOptions } from "./jobs.ts";
import { givenForecasts, type GlobalModels, yearlyWithout } from "./global-model.ts";
import { pack } from "./pieces.ts";

export interface TryInput {
  /** Without texts, unless a learned model reads them. */
  readonly panel: Panel;
  readonly from: number;
  readonly to: number;
  /** Of the series of the chunk. */
  readonly keys: readonly string[];
  readonly options: SentOptions;
  readonly globalModels: GlobalModels | undefined;
  /** What events do, at every cut; undefined: there are none. */
  readonly lifts: readonly PanelLifts[] | undefined;
}

/** A packed `Trial[]`, in the order of the series. */
export const tryJob: ComputeTask<TryInput, Uint8Array> = { module: import.meta.url, name: "forecast.try" };

export function run(input: TryInput, tools: TaskTools): Uint8Array {
  const { panel, from, to, keys } = input;
  const options = mixOptions(input.options);
  const given: readonly (readonly GivenForecast[])[] | undefined =
    input.globalModels === undefined ? undefined : givenForecasts(input.globalModels, { panel, lifts: input.lifts }, [from, to], options);
  const yearly = options.nonNegative ? yearlyWithout({ panel, lifts: input.lifts }) : undefined;
  const trials: Trial[] = [];
  for (let index = from; index < to; index++) {
    tools.signal.throwIfAborted();
    const series = seriesAt(panel, index);
    const lifted = input.lifts === undefined ? series : { ...series, lifts: seriesLifts(panel, input.lifts, index) };
    trials.push(tryModels(keys[index - from], lifted, options, given?.[index - from] ?? [], companyOf(panel, index, yearly)));
    tools.progress(index + 1 - from, to - from);
  }
  return pack(trials);
}
