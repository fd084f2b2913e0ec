// Learn: the global model over the whole panel as it stood at one cut, in a thread.

import { makeRandom } from "../../../platform/random.ts";
import type { ComputeTask } from "../../../platform/compute/contract.ts";
import { trialLevels } from "../../engine/combine/trial.ts";
import type { Panel } from "../../engine/contract.ts";
import { fitGlobal } from "../../engine/global/global.ts";
import type { SentOptions } from "./jobs.ts";
import { pack } from "./pieces.ts";

export interface LearnInput {
  readonly panel: Panel;
  readonly cut: number;
  readonly options: SentOptions;
}

/** A packed `GlobalModel`, or `Unfit`. */
export const learnJob: ComputeTask<LearnInput, Uint8Array> = { module: import.meta.url, name: "forecast.learn" };

export function run({ panel, cut, options }: LearnInput): Uint8Array {
  const { horizon, levels, nonNegative, seed } = options;
  const random = makeRandom(seed).fork("global");
  return pack(fitGlobal(panel, { cut, horizon, levels: trialLevels(levels), random, nonNegative }));
}
