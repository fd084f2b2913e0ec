// What all tasks of a run are given: the panel without its texts, and the settings without what cannot cross threads.

import { makeRandom } from "../../../platform/random.ts";
import type { MixOptions } from "../../engine/combine/contract.ts";
import type { Company } from "../../engine/combine/trial.ts";
import type { YearlySeason } from "../../engine/combine/yearly.ts";
import type { Panel } from "../../engine/contract.ts";
import { historyLength } from "../../engine/panel/series.ts";
import type { RunSettings } from "./contract.ts";

/** The settings of a run as they cross threads: the seed instead of the stream. */
export type SentOptions = Omit<MixOptions, "random"> & { readonly seed: number };

export function sentOptions(panel: Panel, settings: RunSettings): SentOptions {
  const { levels, windows, offset, models, nonNegative, seed } = settings;
  return { horizon: panel.grid.horizon, levels, windows, offset, models, nonNegative, seed };
}

/** The options again, in the thread. */
export function mixOptions({ seed, ...rest }: SentOptions): MixOptions {
  return { ...rest, random: makeRandom(seed) };
}

/** The numbers of a panel: shared memory, so that nothing large crosses. */
export function numbersOf(panel: Panel): Panel {
  return { ...panel, itemIds: [], dimensions: [], metadata: [] };
}

/** What a series' company says of it, in steps of its own history. */
export function companyOf(panel: Panel, index: number, yearly: YearlySeason | undefined): Company {
  const position = panel.grid.length - historyLength(panel, index);
  return yearly === undefined ? {} : { yearly: (end) => yearly(index, position + end)?.subarray(position) };
}

/** Who a series is: its item and dimensions. The same whatever else is in the panel. */
export function keyOf(panel: Panel, index: number): string {
  const dimensions = panel.dimensions.map(({ levels, codes }) => levels[codes[index]] ?? "");
  return [panel.itemIds[index], ...dimensions].join("|");
}
