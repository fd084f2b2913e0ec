// Load: a line's items hashed once into shared memory, for all trials on all threads.

import { gather } from "../../../platform/bytes.ts";
import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { ReadHandle } from "../../../platform/objects/contract.ts";
import { openHandle } from "../../../platform/objects/handles.ts";
import { takeItems } from "../../engine/dataset.ts";
import { planFit, type FitOptions, type FitPlan } from "../../engine/fit.ts";
import { decodePrepared } from "./prepared.ts";

export interface LoadInput {
  readonly prepared: ReadHandle;
  readonly options: FitOptions;
}

export const loadJob: ComputeTask<LoadInput, FitPlan> = { module: import.meta.url, name: "classify.load" };

export async function run(input: LoadInput, tools: TaskTools): Promise<FitPlan> {
  const { items, isTest } = decodePrepared(await gather(openHandle(input.prepared, tools.signal)));
  const learning = [...isTest.keys()].filter((index) => isTest[index] === 0);
  return planFit(takeItems(items, learning), input.options, true);
}
