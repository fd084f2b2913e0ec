// Appraise: what the hyperparameters chosen are worth on unseen items. Beside `learn-job.ts`, at the same time when a thread is free.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { appraise, type Appraisal } from "../../engine/fit.ts";
import type { PartInput } from "./learn-job.ts";

export const appraiseJob: ComputeTask<PartInput, Appraisal> = { module: import.meta.url, name: "classify.appraise" };

export function run({ plan, parameters, options }: PartInput, tools: TaskTools): Appraisal {
  return appraise(plan, parameters, options, tools.signal);
}
