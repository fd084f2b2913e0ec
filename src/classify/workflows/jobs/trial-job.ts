// Trial: one set of hyperparameters on one rung of the search, in place on shared memory.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { sidesOf, type FitPlan } from "../../engine/fit.ts";
import { runTrial, type TrialResult, type TrialSpec } from "../../engine/search.ts";

export interface TrialInput {
  readonly plan: FitPlan;
  readonly spec: TrialSpec;
}

export const trialJob: ComputeTask<TrialInput, TrialResult> = { module: import.meta.url, name: "classify.trial" };

export function run(input: TrialInput, tools: TaskTools): TrialResult {
  return runTrial(input.plan.prepared, sidesOf(input.plan, input.spec), input.spec, tools.signal);
}
