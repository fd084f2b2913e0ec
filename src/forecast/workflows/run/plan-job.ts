// Plan: the weights and the calibration of all series at once, in a thread, because trials of a whole catalogue take seconds to look through.

import type { ComputeTask } from "../../../platform/compute/contract.ts";
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
  // Nothing is planned by quantiles of the future, which are a third of a trial.
  const futureQuantiles = new Float64Array(0);
  for (const chunk of input.trials) {
    for (const trial of unpackTrials(new Uint8Array(chunk))) trials.push({ ...trial, futureQuantiles });
  }
  return pack(planMix(trials, mixOptions(input.options)));
}
