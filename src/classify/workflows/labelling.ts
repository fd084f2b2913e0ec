// Labelling: the job that codes items, as the workflows ask for it.
//
// Owns: what the job is told of a line, and the settings it runs with. Does not own: the coding itself (jobs/label-job.ts), what becomes of its results.
//   B1. The handles in a task hold keys: they never leave the step that asked for them.

import type { Tx } from "../../platform/database/contract.ts";
import type { ReadHandle } from "../../platform/objects/contract.ts";
import type { Actor } from "../../platform/vault/contract.ts";
import type { RunContext } from "../../platform/workflow/contract.ts";
import { parseLine } from "../engine/lines.ts";
import { listAsked } from "../store/answers.ts";
import { isAutomatic } from "../store/champions.ts";
import { earlierInferences } from "../store/inferences.ts";
import { getModel, type ModelRow } from "../store/lines.ts";
import { findScheme, type SchemeRevision } from "../store/schemes.ts";
import { actAs, type ClassifyDeps } from "./deps.ts";
import type { LabelInput, LabelResult, LineTask } from "./jobs/label-contract.ts";
import { labelJob } from "./jobs/label-job.ts";

/** Beside every model lies how its training items looked. */
export function profileKey(modelKey: string): string {
  return modelKey.replace(/\.model$/, ".profile.json");
}

/** A model that codes a line. */
export type LineModel = { readonly line: string; readonly model: string };

export interface TaskOptions extends LineModel {
  /** The run that asks. */
  readonly purpose: string;
  readonly role: "infer" | "compare";
  /** Keys to write to; no review items without one. */
  readonly predictions: string;
  readonly review: string | null;
  /** Null for a test set: it has no earlier months and nobody was asked about it. */
  readonly period: string | null;
}

/** Everything the job needs to know of one line. */
export async function makeLineTask(
  deps: ClassifyDeps,
  options: TaskOptions,
): Promise<{ readonly task: LineTask; readonly model: ModelRow; readonly scheme: SchemeRevision | undefined }> {
  const { line, role, period } = options;
  const actor = actAs(role, options.purpose);
  const model = await getModel(deps.database, options.model);
  const scheme = await findScheme(deps.database, parseLine(line).scheme);
  const task: LineTask = {
    line,
    model: options.model,
    modelHandle: await deps.objects.readHandle(actor, model.object.key, model.object.version),
    modelSchemeVersion: model.schemeVersion,
    scheme: scheme?.scheme ?? null,
    automatic: role === "compare" || (await isAutomatic(deps.database, line)),
    profile: role === "compare" ? null : await profileOf(deps, actor, model),
    predictions: await deps.objects.writeHandle(actor, options.predictions),
    review: options.review === null ? null : await deps.objects.writeHandle(actor, options.review),
    asked: period === null ? [] : await listAsked(deps.database, line, period),
    usualKg: period === null ? {} : await usualKg(deps.database, line, model.schemeVersion, period),
  };
  return { task, model, scheme };
}

/** The profile of a model's own items: a training that is started again writes its model and profile under the same keys. */
async function profileOf(deps: Pick<ClassifyDeps, "objects">, actor: Actor, { id, object }: ModelRow): Promise<ReadHandle> {
  const key = profileKey(object.key);
  const versions = await deps.objects.versions(key);
  // One that came out the same as the former model's has no version of its own: it is the newest from before the model.
  const own = versions.find((entry) => entry.labels["model"] === id) ?? versions.find((entry) => entry.version < object.version);
  return await deps.objects.readHandle(actor, key, own?.version);
}

/** Runs the job with the module's settings; unless asked for, without review items, other files of the same sales and an object for rejected rows. */
export async function runLabelling(
  deps: Pick<ClassifyDeps, "compute" | "settings">,
  context: Pick<RunContext, "progress">,
  signal: AbortSignal,
  input: Pick<LabelInput, "source" | "lines" | "versions"> & Partial<LabelInput>,
): Promise<LabelResult> {
  const { columns, sales, review, drift, train } = deps.settings;
  const usual = { others: [], rejected: null, reviewPerLine: 0, auditPerLine: 0 };
  return await deps.compute.run(
    labelJob,
    { columns, limits: sales, floor: review.floor, drift, seed: train.seed, ...usual, ...input },
    { signal, onProgress: (done, total, note) => context.progress(done, total, note) },
  );
}

/** Units that must have been sold of a code before its usual weight is believed. */
const fewestUnits = 100;

/** Kg a unit of each code of a version in a line's earlier months. */
async function usualKg(tx: Tx, line: string, version: string, period: string): Promise<Readonly<Record<string, number>>> {
  const sums = new Map<string, { units: number; kg: number }>();
  for (const inference of await earlierInferences(tx, line, period)) {
    for (const [code, figures] of Object.entries(inference.figures[version] ?? {})) {
      const sum = sums.get(code) ?? { units: 0, kg: 0 };
      sums.set(code, sum);
      sum.units += figures.units;
      sum.kg += figures.kg;
    }
  }
  return Object.fromEntries([...sums].flatMap(([code, { units, kg }]) => (units >= fewestUnits && kg > 0 ? [[code, kg / units]] : [])));
}
