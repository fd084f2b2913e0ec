// Plan: the weights and the calibration of all series at once, in a thread, because trials of a whole catalogue take seconds to look through.

import type { ComputeTask } from "../../../base/compute/contract.ts";
import type { Trial } from "../../engine/combine/contract.ts";
import { planMix } from "../../engine/combine/plan.ts";
import { mixOptions, type SentOptions } from "./jobs.ts";
import { pack, unpackTrials } from "./pieces.ts";

export interface PlanInput {
  /** Packed trials, chunk by chunk, in shared memory: they are large. */
  readonly trials: readonly SharedArrayBuffer[];
  readonly options: SentOptions;
}

/** A packed `MixPlan`. */
export const planJob: ComputeTask<PlanInput, Uint8Array> = { module: import.meta.url, name: "forecast.plan" };

export function run(input: PlanInput): Uint8Array {
  const trials: Trial[] = [];
  // The packer reads only memory of its own thread.
  for (const chunk of input.trials) trials.push(...unpackTrials(Uint8Array.from(new Uint8Array(chunk))));
  return pack(planMix(trials, mixOptions(input.options)));
}
