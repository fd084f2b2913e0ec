// Again: some series forecast once more by the models and weights of a finished run, in a thread.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { MixPlan } from "../../engine/combine/contract.ts";
import { mixForecast } from "../../engine/combine/mix.ts";
import { trialLevels, tryModels } from "../../engine/combine/trial.ts";
import type { Panel } from "../../engine/contract.ts";
import type { PanelLifts } from "../../engine/events/lifts.ts";
import { seriesLifts } from "../../engine/events/raise.ts";
import { forecastReady, readyGlobal } from "../../engine/global/global.ts";
import { seriesAt } from "../../engine/panel/series.ts";
import type { Reforecast } from "./contract.ts";
import { companyOf, mixOptions, numbersOf, type SentOptions } from "./jobs.ts";
import { panelAt, yearlyWithout } from "./global-model.ts";
import { unpackGlobal } from "./pieces.ts";

export interface ReforecastInput {
  readonly panel: Panel;
  readonly indices: readonly number[];
  readonly keys: readonly string[];
  readonly options: SentOptions;
  /** Of just these series. */
  readonly plan: MixPlan;
  /** Packed. */
  readonly global: Uint8Array | undefined;
  readonly lifts: readonly PanelLifts[] | undefined;
}

export const reforecastJob: ComputeTask<ReforecastInput, readonly Reforecast[]> = { module: import.meta.url, name: "forecast.again" };

export function run(
  { panel, indices, keys, options: sent, plan, global, lifts }: ReforecastInput,
  tools: TaskTools,
): readonly Reforecast[] {
  const options = mixOptions(sent);
  const globalModels = global === undefined ? undefined : unpackGlobal(global);
  const { length } = panel.grid;
  const ready =
    globalModels === undefined || globalModels.kind === "unfit"
      ? undefined
      : readyGlobal(globalModels, panelAt({ panel, lifts }, length), length);
  const levels = trialLevels(options.levels);
  // As in the run: without a learned model it saw no metadata.
  const yearly = options.nonNegative ? yearlyWithout({ panel: globalModels === undefined ? numbersOf(panel) : panel, lifts }) : undefined;
  return indices.map((index, at) => {
    tools.signal.throwIfAborted();
    const ahead = ready === undefined ? undefined : forecastReady(ready, { from: index, to: index + 1 }, options.horizon, levels)[0];
    // Weights are known, so what it would have said in the windows is not asked; only its place among the models is kept.
    const windows = Array.from({ length: options.windows }, () => undefined);
    const given = ready === undefined ? [] : [{ name: "global" as const, windows, future: ahead }];
    const series = seriesAt(panel, index);
    const lifted = lifts === undefined ? series : { ...series, lifts: seriesLifts(panel, lifts, index) };
    const trial = tryModels(keys[at], lifted, options, given, companyOf(panel, index, yearly));
    return { index, forecast: mixForecast(trial, plan, at, options).forecast };
  });
}
