// Learn: the weights of the finished model, from all items, in place on shared memory and given back in it.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { learn, type FitOptions, type FitPlan } from "../../engine/fit.ts";
import type { ModelWeights } from "../../engine/model.ts";
import { placeShared } from "../../engine/prepare.ts";
import type { Hyperparameters } from "../../engine/term-weights.ts";

/** What either part of the end of a fit needs. */
export interface PartInput {
  readonly plan: FitPlan;
  readonly parameters: Hyperparameters;
  readonly options: FitOptions;
}

export const learnJob: ComputeTask<PartInput, ModelWeights> = { module: import.meta.url, name: "classify.learn" };

export function run({ plan, parameters, options }: PartInput, tools: TaskTools): ModelWeights {
  const { buckets, frequencyClasses, scales, weights, items } = learn(plan, parameters, options, tools.signal);
  return {
    buckets: placeShared(buckets),
    frequencyClasses: placeShared(frequencyClasses),
    scales: placeShared(scales),
    weights: placeShared(weights),
    items,
  };
}
