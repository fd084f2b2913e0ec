// Train: one line learns from all its labelled items that are current (and all answers of reviewers) and becomes a challenger.
//
//   T1. One training per (line, object version) that starts it, whatever it then learns from; the model's name is the hash of its bytes, so the same data
//       and seed give the same model.
//   T2. Trials run side by side on the pool; one that fails is kept with its reason and does not end the search.
//   T3. What a training learns from is fixed by its first step: the current versions of all labelled files of its country, and those without a country's
//       folder. A file without labels of the line adds nothing and stops nothing; one deleted or replaced is not among them.
//   T5. A labelled file is opened, decrypted and parsed by that first step alone: it seals the items as columns, which the later steps read and the last
//       one removes. Those of a training that never came to its end go a week later; taken up after that, it reads its files again.
//   T4. Model, profile, test set, rows, audit record and the event `classify.model.trained` become visible in one transaction.

import { createHash } from "node:crypto";
import { describeError, StockroomError } from "../../platform/errors.ts";
import { faultPoint } from "../../platform/faults.ts";
import type { ObjectEntry, ObjectStore, ReadHandle, StagedObject } from "../../platform/objects/contract.ts";
import { removeListed, unlessGone } from "../../platform/objects/gone.ts";
import { appendEvent } from "../../platform/database/outbox.ts";
import type { RunContext, WorkflowDefinition } from "../../platform/workflow/contract.ts";
import { searchOver, type FitOptions, type FitPlan } from "../engine/fit.ts";
import { rankTrials, type SearchOutcome, type TrialResult } from "../engine/search.ts";
import { parseLine, type Line } from "../engine/lines.ts";
import { prefixes, readKey, type ObjectRef } from "../store/keys.ts";
import { insertAudit } from "../store/audit.ts";
import { findGround, type GroundRow } from "../store/champions.ts";
import { insertLine, insertModel } from "../store/lines.ts";
import { listAnswers, type ReviewRow } from "../store/reviews.ts";
import { findScheme } from "../store/schemes.ts";
import type { TakenLabelled } from "./intake/canonical.ts";
import { findTaken } from "./kept.ts";
import { profileKey } from "./labelling.ts";
import { importWaitingSchemes } from "./schemes.ts";
import { appraiseJob } from "./jobs/appraise-job.ts";
import { finishJob, type FinishResult } from "./jobs/finish-job.ts";
import type { LabelledInput } from "./jobs/labelled.ts";
import { learnJob } from "./jobs/learn-job.ts";
import { loadJob } from "./jobs/load-job.ts";
import { prepareJob } from "./jobs/prepare-job.ts";
import { trialJob } from "./jobs/trial-job.ts";
import { actAs, timeOf, type ClassifyDeps } from "./deps.ts";

export type TrainInput = { readonly line: string; readonly key: string; readonly version: string };

export type TrainResult = { readonly model: string; readonly isNew: boolean; readonly macroF1: number };

/** What the first step found; the later ones learn from exactly this. */
type Prepared = {
  readonly counts: Readonly<Record<string, number>>;
  readonly version: string;
  readonly newestDay: string;
  readonly test: ObjectRef;
  /** The items as columns. Absent where a release without them took this step. */
  readonly columns?: ObjectRef;
  /** The oldest first. */
  readonly sources: readonly Source[];
  /** Test items kept from before. */
  readonly ground: readonly Pick<GroundRow, "model" | "object" | "labels">[];
  readonly schemeRevision: number | null;
  /** Answers known when the training began: a later one waits for the next. */
  readonly answers: readonly string[];
};

/** A labelled file as it was when the training began. */
type Source = ObjectRef & {
  readonly sha256: string;
  readonly at: string;
  /** How it was read when it came, where it has columns of its own. */
  readonly taken?: TakenLabelled;
};

/** One training on its way. */
interface Training {
  readonly deps: ClassifyDeps;
  readonly context: RunContext;
  readonly line: Line;
  readonly input: TrainInput;
}

export function makeTrain(deps: ClassifyDeps): WorkflowDefinition<TrainInput, TrainResult> {
  return {
    name: "classify.train",
    queue: "classify.heavy",
    title: (input) => `train ${input.line} on ${input.key}`,
    // On all labelled items there are now, as `classify train` does; a model of the same items has the same name.
    rerun: (input) => input,
    run: async (context, input) => {
      const training: Training = { deps, context, line: parseLine(input.line), input };
      const prepared = await context.step("prepare", async (signal) => await prepare(training, signal));
      const columns = prepared.columns ?? (await context.step("columns", async (signal) => await prepareAgain(training, prepared, signal)));
      const result = await context.step("fit", async (signal) => await fit(training, prepared, columns, signal));
      await context.step("clear", async () => {
        // By a resumed run it may be gone already.
        await removeListed(deps.objects, actAs("train", context.runId), [columns]);
        return null;
      });
      return result;
    },
  };
}

/** Seals the same items once more. Throws `missing` `OBJECT_MISSING` where a file of then was removed since: without it they would be others. */
async function prepareAgain(training: Training, prepared: Prepared, signal: AbortSignal): Promise<ObjectRef> {
  const { deps, context } = training;
  const answers = await listAnswers(deps.database, { line: training.input.line, answers: prepared.answers });
  const sources: OpenSource[] = [];
  for (const source of prepared.sources) sources.push(await openSource(deps, context.runId, source));
  return (await prepareItems(training, { ...prepared, sources, answers }, signal)).columns;
}

/** How long the items of a training that was cancelled or failed wait for it to be taken up again. */
const columnsMs = 7 * 86_400_000;

/** Every night: the items that trainings left behind are removed. */
export function makeCleanUp(
  deps: Pick<ClassifyDeps, "objects" | "clock">,
): WorkflowDefinition<Record<string, never>, { readonly removed: number }> {
  return {
    name: "classify.tidy",
    queue: "classify.light",
    title: () => "take away the items of trainings that never ended",
    run: async (context) => ({
      removed: await context.step("remove", async () => {
        const before = deps.clock.now() - columnsMs;
        const all = await deps.objects.list(prefixes.prepared, { limit: 1_000_000 });
        const left = all.filter((entry) => Date.parse(entry.storedAt) < before);
        return await removeListed(deps.objects, actAs("train", context.runId), left);
      }),
    }),
  };
}

async function prepare(training: Training, signal: AbortSignal): Promise<Prepared> {
  const { deps, context, line } = training;
  await importWaitingSchemes(deps, context.runId);
  const revision = await findScheme(deps.database, line.scheme);
  const sources = await findSources(deps, context.runId, line);
  const trainedOn: TrainedOn = {
    answers: await listAnswers(deps.database, { line: line.line }),
    sources,
    ground: (await findGround(deps.database, line.line)).map(({ model, object, labels }) => ({ model, object, labels })),
    schemeRevision: revision?.revision ?? null,
  };
  return {
    ...(await prepareItems(training, trainedOn, signal)),
    sources: sources.map(({ key, version, sha256, at, taken }) => ({
      key,
      version,
      sha256,
      at,
      ...(taken === undefined ? {} : { taken }),
    })),
    ground: trainedOn.ground,
    schemeRevision: trainedOn.schemeRevision,
    answers: trainedOn.answers.flatMap((answer) => answer.answerId ?? []),
  };
}

/** Reads the files and seals the items as columns, and the unseen ones for the comparison. */
async function prepareItems(
  { deps, context, line, input }: Training,
  trainedOn: TrainedOn,
  signal: AbortSignal,
): Promise<Pick<Prepared, "counts" | "version" | "newestDay" | "test"> & { readonly columns: ObjectRef }> {
  const actor = actAs("train", context.runId);
  const place = `${line.country}/${line.scheme}`;
  // By the run, not by the file: a second training on the same file must not read or remove the columns of the first.
  const own = createHash("sha256").update(context.runId).digest("hex").slice(0, 24);
  const result = await deps.compute.run(
    prepareJob,
    {
      labelled: await labelledInput(deps, context.runId, line, trainedOn),
      minRows: deps.settings.train.minRows,
      test: await deps.objects.writeHandle(actor, `${prefixes.tests}${place}/${input.version}.csv`),
      prepared: await deps.objects.writeHandle(actor, `${prefixes.prepared}${place}/${own}.columns`),
    },
    { signal },
  );
  deps.log.info("gathered what the line learns from", {
    runId: context.runId,
    line: line.line,
    files: trainedOn.sources.length,
    ...result.counts,
  });
  const commit = async (staged: StagedObject, contentType: string): Promise<ObjectRef> => {
    const [entry] = await deps.objects.commit(actor, [staged], { contentType, announce: false, labels: { line: line.line } });
    return { key: entry?.key ?? "", version: entry?.version ?? "" };
  };
  const columns = await commit(result.prepared, "application/octet-stream");
  faultPoint("classify.train.prepared");
  return {
    counts: result.counts,
    version: result.version,
    newestDay: result.newestDay,
    test: await commit(result.test, "text/csv"),
    columns,
  };
}

/** The current labelled files that may hold labels of a line, the oldest first. Throws `missing` `LABELLED_MISSING`. */
async function findSources(deps: ClassifyDeps, runId: string, line: Line): Promise<readonly OpenSource[]> {
  const sources: OpenSource[] = [];
  for (const { key, version, sha256, storedAt: at } of await listLabelled(deps.objects, line.country)) {
    const taken = await findTaken(deps.database, { key, version });
    const source = await unlessGone(openSource(deps, runId, { key, version, sha256, at, ...(taken === undefined ? {} : { taken }) }));
    if (source !== undefined) sources.push(source);
  }
  if (sources.length === 0) {
    throw new StockroomError(
      "missing",
      "LABELLED_MISSING",
      `Expected labelled items of ${line.line} under ${prefixes.labelled}${line.country}/ but there are none any more. Put a file there.`,
    );
  }
  return sources;
}

/** A labelled file with what it is read by, which never leaves the step. */
type OpenSource = Source & { readonly handle: ReadHandle };

const openSource = async (deps: ClassifyDeps, runId: string, source: Source): Promise<OpenSource> => ({
  ...source,
  handle: await deps.objects.readHandle(actAs("train", runId), source.key, source.version),
});

/** Labelled files that are current, of one country: those in its folder and those in none; the oldest first. */
export async function listLabelled(objects: Pick<ObjectStore, "list">, country: string): Promise<readonly ObjectEntry[]> {
  const entries = await objects.list(prefixes.labelled, { limit: 1_000_000 });
  return entries
    .filter((entry) => {
      const place = readKey(entry.key);
      return place.kind === "labelled" && (place.country ?? country) === country;
    })
    .toSorted((a, b) => (a.version < b.version ? -1 : 1));
}

interface TrainedOn {
  readonly sources: readonly OpenSource[];
  readonly answers: readonly ReviewRow[];
  readonly ground: Prepared["ground"];
  readonly schemeRevision: number | null;
}

/** Handles for everything a line learns from. They never leave the step. */
async function labelledInput(
  deps: ClassifyDeps,
  runId: string,
  line: Line,
  { sources, answers, ground, schemeRevision }: TrainedOn,
): Promise<LabelledInput> {
  const actor = actAs("train", runId);
  const objects = new Map<string, ReviewRow[]>();
  for (const answer of answers) {
    const name = `${answer.object.key}@${answer.object.version}`;
    const known = objects.get(name);
    if (known === undefined) objects.set(name, [answer]);
    else known.push(answer);
  }
  const answered: { readonly handle: ReadHandle; readonly rows: LabelledInput["answers"][number]["rows"] }[] = [];
  for (const rows of objects.values()) {
    const [first] = rows;
    if (first === undefined) continue;
    answered.push({
      handle: await deps.objects.readHandle(actor, first.object.key, first.object.version),
      rows: rows.map((row) => ({ row: row.row, code: row.answer ?? "", version: row.schemeVersion, at: row.answeredAt ?? "" })),
    });
  }
  const files = sources.map(({ key, handle, at, taken }): LabelledInput["sources"][number] => {
    const place = readKey(key);
    return { handle, country: place.kind === "labelled" ? (place.country ?? null) : null, at, taken: taken ?? null };
  });
  const kept: LabelledInput["ground"][number][] = [];
  for (const { object, labels } of ground) kept.push({ handle: await deps.objects.readHandle(actor, object.key, object.version), labels });
  const scheme = await findScheme(deps.database, line.scheme, schemeRevision ?? undefined);
  return {
    country: line.country,
    scheme: line.scheme,
    sources: files,
    answers: answered,
    ground: kept,
    definition: scheme?.scheme ?? null,
    columns: deps.settings.columns,
    testShare: deps.settings.train.testShare,
  };
}

async function fit(training: Training, prepared: Prepared, columns: ObjectRef, signal: AbortSignal): Promise<TrainResult> {
  const { deps, context, line, input } = training;
  const actor = actAs("train", context.runId);
  const { train, review } = deps.settings;
  const options: FitOptions = {
    seed: train.seed,
    trials: train.trials,
    validationShare: train.validationShare,
    promise: train.promisedPrecision,
    floor: review.floor,
    label: line.scheme,
    date: prepared.newestDay,
    data: { ...nameSources(prepared.sources), rows: prepared.counts["rows"] ?? 0, badRows: prepared.counts["badRows"] ?? 0 },
  };
  // They are gone where the training was taken up again late.
  const sealed = (await deps.objects.head(columns.key)) ?? (await prepareAgain(training, prepared, signal));
  const items = await deps.objects.readHandle(actor, sealed.key, sealed.version);
  const plan = await deps.compute.run(loadJob, { prepared: items, options }, { signal });
  const search = await searchParameters(training, plan, signal);
  // Side by side where threads are free; when all are busy with other lines, one after the other costs them no more.
  const part = { plan, parameters: search.parameters, options };
  const [appraisal, weights] = await Promise.all([
    deps.compute.run(appraiseJob, { plan, chosen: search, options }, { signal }),
    deps.compute.run(learnJob, part, { signal }),
  ]);
  const key = `${prefixes.models}${line.country}/${line.scheme}/${input.version}.model`;
  const model = await deps.objects.writeHandle(actor, key);
  const profile = await deps.objects.writeHandle(actor, profileKey(key));
  const result = await deps.compute.run(
    finishJob,
    { prepared: items, plan, search, options, appraisal, weights, model, profile },
    { signal },
  );
  faultPoint("classify.train.fitted");
  return await insertTraining(training, prepared, search, result);
}

/** As a person reads it in a log. */
const rounded = (share: number): number => Number(share.toFixed(4));

/** Climbs the rungs of the search, each rung's trials side by side. */
async function searchParameters({ deps, context }: Training, plan: FitPlan, signal: AbortSignal): Promise<SearchOutcome> {
  const search = searchOver(plan, deps.settings.train);
  let done = 0;
  let step = search.next();
  while (step.done !== true) {
    const results = await Promise.all(
      step.value.map(async (spec): Promise<TrialResult> => {
        try {
          return await deps.compute.run(trialJob, { plan, spec }, { signal });
        } catch (error) {
          // Told to stop, the whole search stops; a trial that fails by itself is only a bad trial.
          signal.throwIfAborted();
          return { ...spec, kind: "failed", error: describeError(error) };
        }
      }),
    );
    done += results.length;
    context.progress(done, 0, "trials");
    const failed = results.filter(({ kind }) => kind === "failed").length;
    const [best] = rankTrials(results);
    deps.log.info("tried parameters", {
      runId: context.runId,
      trials: results.length,
      failed,
      bestMacroF1: best === undefined ? undefined : rounded(best.macroF1),
    });
    step = search.next(results);
  }
  return step.value;
}

/** Makes the model visible with its rows, its record and its event (T4). Harmless to repeat. */
async function insertTraining(
  { deps, context, line }: Training,
  prepared: Prepared,
  search: SearchOutcome,
  result: FinishResult,
): Promise<TrainResult> {
  const { seed } = deps.settings.train;
  const id = `${line.line}@${result.sha256.slice(0, 16)}`;
  const at = timeOf(deps);
  let isNew = false;
  await deps.objects.commit(actAs("train", context.runId), [result.model, result.profile], {
    contentType: "application/octet-stream",
    announce: false,
    labels: { line: line.line, model: id },
    alongside: async (tx, [entry]) => {
      const object = { key: entry?.key ?? "", version: entry?.version ?? "" };
      await insertLine(tx, deps.vault, line, at);
      isNew = await insertModel(tx, {
        id,
        line: line.line,
        object,
        test: prepared.test,
        ground: prepared.ground.map(({ model }) => model),
        trainedOn: prepared.sources.map(({ key, version, sha256 }) => ({ key, version, sha256 })),
        schemeVersion: prepared.version,
        schemeRevision: prepared.schemeRevision ?? undefined,
        parameters: result.parameters,
        metrics: result.metrics,
        counts: prepared.counts,
        trials: search.trials,
        seed,
        runId: context.runId,
        trainedAt: at,
      });
      if (!isNew) return;
      await insertAudit(tx, deps.vault, {
        at,
        kind: "model",
        record: {
          id,
          line: line.line,
          sha256: result.sha256,
          trainedOn: prepared.sources.map(({ key }) => key),
          data: nameSources(prepared.sources).hash,
          seed,
        },
        objects: [{ ...object, sha256: result.sha256 }],
        written: [{ table: "classify_model", where: { id } }],
      });
      await appendEvent(tx, {
        kind: "classify.model.trained",
        subject: line.line,
        data: { line: line.line, model: id },
        dedupe: `model/${id}`,
      });
    },
  });
  faultPoint("classify.train.stored");
  const macroF1 = Number(result.metrics["macro_f1"] ?? 0);
  deps.log.info(isNew ? "learned a new model" : "learned the model that there is already", {
    runId: context.runId,
    model: id,
    macroF1: rounded(macroF1),
  });
  return { model: id, isNew, macroF1 };
}

/** Names what was learned from: the same files give the same name and hash, whichever of them started the training. */
function nameSources(sources: readonly Source[]): { readonly name: string; readonly hash: string } {
  const [only] = sources;
  if (sources.length === 1 && only !== undefined) return { name: only.key, hash: only.sha256 };
  const list = sources.map(({ key, sha256 }) => `${sha256} ${key}\n`).join("");
  return {
    name: `${sources.length} files, the newest ${sources.at(-1)?.key ?? ""}`,
    hash: createHash("sha256").update(list).digest("hex"),
  };
}
