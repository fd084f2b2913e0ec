// Mix: the forecast and the backtests of every series of a chunk, with how good they were, in a thread.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { MixPlan } from "../../engine/combine/contract.ts";
import { mixForecast } from "../../engine/combine/mix.ts";
import type { Panel } from "../../engine/contract.ts";
import { repeatSeason, scaleOf, tallyForecast } from "../../engine/metrics/metrics.ts";
import { historyLength, seriesAt } from "../../engine/panel/series.ts";
import type { SeriesResult } from "./contract.ts";
import { mixOptions, type SentOptions } from "./jobs.ts";
import { pack, unpackTrials } from "./pieces.ts";

export interface MixInput {
  /** Without texts. */
  readonly panel: Panel;
  readonly from: number;
  /** Packed `Trial[]` of the chunk. */
  readonly trials: Uint8Array;
  /** The plan of just these series. */
  readonly plan: MixPlan;
  readonly options: SentOptions;
}

/** A packed `SeriesResult[]`, in the order of the series. */
export const mixJob: ComputeTask<MixInput, Uint8Array> = { module: import.meta.url, name: "forecast.mix" };

export function run(input: MixInput, tools: TaskTools): Uint8Array {
  const { panel, from, plan } = input;
  const options = mixOptions(input.options);
  const lag = panel.seasons[0] ?? 1;
  const results: SeriesResult[] = [];
  for (const [at, trial] of unpackTrials(input.trials).entries()) {
    tools.signal.throwIfAborted();
    const index = from + at;
    const inSeries = mixForecast(trial, plan, at, options);
    // A trial counts from the first value of its series; a result by the grid, where a cut is one instant for all.
    const position = panel.grid.length - historyLength(panel, index);
    const mixed = { ...inSeries, backtests: inSeries.backtests.map((each) => ({ ...each, cut: each.cut + position })) };
    // Errors of a window are scaled by what was known before it.
    const tallies = mixed.backtests.map(({ cut, actual, forecast }) => {
      const before = seriesAt(panel, index, cut).values;
      return tallyForecast(actual, forecast, scaleOf(before, lag), repeatSeason(before, lag, panel.grid.horizon));
    });
    results.push({ index, mixed, tallies, demand: trial.profile.demand, unfit: trial.unfit });
  }
  return pack(results);
}
