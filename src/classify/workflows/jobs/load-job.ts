// Load: a line's items hashed once into shared memory, for all trials on all threads.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { planFit, type FitOptions, type FitPlan } from "../../engine/fit.ts";
import { trainingItemsOf, readLabelled, type LabelledInput } from "./labelled.ts";

export interface LoadInput {
  readonly labelled: LabelledInput;
  readonly options: FitOptions;
}

export const loadJob: ComputeTask<LoadInput, FitPlan> = { module: import.meta.url, name: "classify.load" };

export async function run(input: LoadInput, tools: TaskTools): Promise<FitPlan> {
  return planFit(trainingItemsOf(await readLabelled(input.labelled, tools.signal)), input.options, true);
}
