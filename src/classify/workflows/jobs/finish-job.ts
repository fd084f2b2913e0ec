// Finish: puts the parts of a fit together and seals the model with the profile of its items.

import { createHash } from "node:crypto";
import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { gather, once } from "../../../platform/bytes.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { openHandle, writeThrough } from "../../../platform/objects/handles.ts";
import { featurize, openProfile, type Profile } from "../../engine/drift.ts";
import { composeModel, type Appraisal, type FitOptions, type FitPlan } from "../../engine/fit.ts";
import { encodeModel, type ModelWeights, type Model } from "../../engine/model.ts";
import { openPredictor } from "../../engine/predict.ts";
import type { SearchOutcome } from "../../engine/search.ts";
import { usualFloor, whyNothing, type Decisions } from "../../engine/decisions.ts";
import { decodePrepared, type PreparedItems } from "./prepared.ts";

export interface FinishInput {
  readonly prepared: ReadHandle;
  readonly plan: FitPlan;
  readonly search: SearchOutcome;
  readonly options: FitOptions;
  readonly appraisal: Appraisal;
  readonly weights: ModelWeights;
  readonly model: WriteHandle;
  readonly profile: WriteHandle;
}

export interface FinishResult {
  readonly model: StagedObject;
  readonly profile: StagedObject;
  /** Hash of the model's bytes: its name. */
  readonly sha256: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly metrics: Readonly<Record<string, number | string>>;
}

export const finishJob: ComputeTask<FinishInput, FinishResult> = { module: import.meta.url, name: "classify.finish" };

export async function run(input: FinishInput, tools: TaskTools): Promise<FinishResult> {
  const prepared = decodePrepared(await gather(openHandle(input.prepared, tools.signal)));
  const model = composeModel(input.plan, input.search, input.options, input.appraisal, input.weights);
  const bytes = encodeModel(model);
  const why = whyNothing(model.decisions, model.card.items.validation);
  const { accuracy, macroF1, weightedF1, logLoss, ece, coverage } = model.card.metrics;
  return {
    model: await writeThrough(input.model, once(bytes), tools.signal),
    profile: await writeThrough(input.profile, once(Buffer.from(JSON.stringify(profileOf(prepared, model)))), tools.signal),
    sha256: createHash("sha256").update(bytes).digest("hex"),
    parameters: { ...model.parameters },
    metrics: {
      accuracy,
      macro_f1: macroF1,
      weighted_f1: weightedF1,
      log_loss: logLoss,
      ece,
      coverage,
      ...bounds(model.decisions),
      ...(why === undefined ? {} : { why_nothing_automatic: why }),
    },
  };
}

/** From where on an item is decided without a person: its probability, and its confidence (the probability against that of the runner-up). */
function bounds({ segments, unknown, floor = usualFloor }: Decisions): Readonly<Record<string, number>> {
  const own = Object.values(segments);
  // A line is of one country; a model of several goes by the strictest.
  const rule = own.length === 1 ? own[0] : unknown;
  return { automatic_floor: floor, ...(rule.kind === "from" ? { automatic_confidence: rule.confidence } : {}) };
}

/** The look of all items; codes and confidences of the unseen ones, because a model is surer of those it has learned from. */
function profileOf({ items: dataset, isTest }: PreparedItems, model: Model): Profile {
  const { text, categories, numbers } = dataset.columns;
  const profiler = openProfile({ texts: text, categories, numbers });
  for (const item of dataset.items) profiler.addItem(featurize(item));
  const unseen = dataset.items.filter((_, index) => isTest[index] === 1);
  for (const answer of openPredictor(model, { evidence: false }).predict(unseen)) profiler.addPrediction(answer.code, answer.probability);
  return profiler.finish();
}
