// Appraise: what the hyperparameters chosen are worth on unseen items. Beside `learn-job.ts`, at the same time when a thread is free.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { appraise, type Appraisal, type Chosen } from "../../engine/fit.ts";
import type { PartInput } from "./learn-job.ts";

export interface AppraiseInput extends Pick<PartInput, "plan" | "options"> {
  readonly chosen: Chosen;
}

export const appraiseJob: ComputeTask<AppraiseInput, Appraisal> = { module: import.meta.url, name: "classify.appraise" };

export function run({ plan, chosen, options }: AppraiseInput, tools: TaskTools): Appraisal {
  return appraise(plan, chosen, options, tools.signal);
}
