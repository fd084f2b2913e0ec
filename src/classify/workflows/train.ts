// Train: one line learns from all its labelled items that are current (and all answers of reviewers) and becomes a challenger.
//
//   T1. One training per (line, object version) that starts it, whatever it then learns from; the model's name is the hash of its bytes, so the same data
//       and seed give the same model.
//   T2. Trials run side by side on the pool; one that fails is kept with its reason and does not end the search.
//   T3. What a training learns from is settled by its first step: the current versions of all labelled files of its country, and those without a country's
//       folder. A file without labels of the line adds nothing and stops nothing; one deleted or replaced is not among them.
//   T4. Model, profile, test set, rows, audit record and the event `classify.model.trained` become visible in one transaction.

import { createHash } from "node:crypto";
import { describeError, StockroomError } from "../../platform/errors.ts";
import { faultPoint } from "../../platform/faults.ts";
import type { ObjectEntry, ObjectStore, ReadHandle } from "../../platform/objects/contract.ts";
import { appendEvent } from "../../platform/database/outbox.ts";
import type { RunContext, WorkflowDefinition } from "../../platform/workflow/contract.ts";
import type { FitOptions } from "../engine/fit.ts";
import { climbRungs, type TrialResult } from "../engine/search.ts";
import { lineOf, parseLine, type Line } from "../engine/lines.ts";
import { prefixes, readKey, type ObjectRef } from "../store/keys.ts";
import { insertAudit } from "../store/audit.ts";
import { findGround, type GroundRow } from "../store/champions.ts";
import { insertLine, insertModel } from "../store/lines.ts";
import { listAnswers, type ReviewRow } from "../store/reviews.ts";
import { findScheme } from "../store/schemes.ts";
import { profileKey } from "./labelling.ts";
import { importWaitingSchemes } from "./schemes.ts";
import { appraiseJob } from "./jobs/appraise-job.ts";
import { finishJob } from "./jobs/finish-job.ts";
import type { LabelledInput } from "./jobs/labelled.ts";
import { learnJob } from "./jobs/learn-job.ts";
import { loadJob } from "./jobs/load-job.ts";
import { prepareJob } from "./jobs/prepare-job.ts";
import { trialJob } from "./jobs/trial-job.ts";
import { actAs, timeOf, type ClassifyDeps } from "./deps.ts";

export type TrainInput = { readonly line: string; readonly key: string; readonly version: string };

export type TrainResult = { readonly model: string; readonly isNew: boolean; readonly macroF1: number };

/** What the first step found; the second learns from exactly this. */
type Prepared = {
  readonly counts: Readonly<Record<string, number>>;
  readonly version: string;
  readonly newestDay: string;
  readonly test: { readonly key: string; readonly version: string };
  /** The oldest first. */
  readonly sources: readonly Source[];
  /** Test items kept from before. */
  readonly ground: readonly Pick<GroundRow, "model" | "object" | "labels">[];
  readonly schemeRevision: number | null;
  /** Answers known when the training began: a later one waits for the next. */
  readonly answers: readonly string[];
};

/** A labelled file as it was when the training began. */
type Source = ObjectRef & { readonly sha256: string; readonly at: string };

export function makeTrain(deps: ClassifyDeps): WorkflowDefinition<TrainInput, TrainResult> {
  return {
    name: "classify.train",
    queue: "classify.heavy",
    title: (input) => `train ${input.line} on ${input.key}`,
    run: async (context, input) => {
      const line = parseLine(input.line);
      const prepared = await context.step("prepare", async (signal) => await prepare(deps, context.runId, line, input, signal));
      return await context.step("fit", async (signal) => await fit(deps, context, line, input, prepared, signal));
    },
  };
}

async function prepare(deps: ClassifyDeps, runId: string, line: Line, input: TrainInput, signal: AbortSignal): Promise<Prepared> {
  const actor = actAs("train", runId);
  await importWaitingSchemes(deps, runId);
  const answers = await listAnswers(deps.database, { line: line.line });
  const sources = await findSources(deps, line);
  const ground = await findGround(deps.database, line.line);
  const labelled = await labelledInput(deps, runId, line, { sources, answers, ground, schemeRevision: undefined });
  const { train } = deps.settings;
  const test = await deps.objects.writeHandle(actor, `${prefixes.tests}${line.country}/${line.scheme}/${input.version}.csv`);
  const result = await deps.compute.run(prepareJob, { labelled, minRows: train.minRows, test }, { signal });
  const [entry] = await deps.objects.commit(actor, [result.test], {
    contentType: "text/csv",
    announce: false,
    labels: { line: line.line },
  });
  const revision = await findScheme(deps.database, line.scheme);
  return {
    counts: result.counts,
    version: result.version,
    newestDay: result.newestDay,
    test: { key: entry?.key ?? "", version: entry?.version ?? "" },
    sources,
    ground: ground.map(({ model, object, labels }) => ({ model, object, labels })),
    schemeRevision: revision?.revision ?? null,
    answers: answers.flatMap((answer) => answer.answerId ?? []),
  };
}

/** The current labelled files that may hold labels of a line, the oldest first. Throws `missing` `LABELLED_MISSING`. */
async function findSources(deps: ClassifyDeps, line: Line): Promise<readonly Source[]> {
  const entries = await listLabelled(deps.objects, line.country);
  if (entries.length === 0) {
    throw new StockroomError(
      "missing",
      "LABELLED_MISSING",
      `Expected labelled items of ${line.line} under ${prefixes.labelled}${line.country}/ but there are none any more. Put a file there.`,
    );
  }
  return entries.map((entry) => ({ key: entry.key, version: entry.version, sha256: entry.sha256, at: entry.storedAt }));
}

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

interface LearnedFrom {
  readonly sources: readonly Source[];
  readonly answers: readonly ReviewRow[];
  readonly ground: Prepared["ground"];
  readonly schemeRevision: number | undefined;
}

/** Handles for everything a line learns from. They never leave the step. */
async function labelledInput(
  deps: ClassifyDeps,
  runId: string,
  line: Line,
  { sources, answers, ground, schemeRevision }: LearnedFrom,
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
  const files: LabelledInput["sources"][number][] = [];
  for (const { key, version, at } of sources) {
    const place = readKey(key);
    files.push({
      handle: await deps.objects.readHandle(actor, key, version),
      country: place.kind === "labelled" ? (place.country ?? null) : null,
      at,
    });
  }
  const kept: LabelledInput["ground"][number][] = [];
  for (const { object, labels } of ground) kept.push({ handle: await deps.objects.readHandle(actor, object.key, object.version), labels });
  const scheme = await findScheme(deps.database, line.scheme, schemeRevision);
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

async function fit(
  deps: ClassifyDeps,
  context: RunContext,
  line: Line,
  input: TrainInput,
  prepared: Prepared,
  signal: AbortSignal,
): Promise<TrainResult> {
  const actor = actAs("train", context.runId);
  const { train } = deps.settings;
  const answers = await listAnswers(deps.database, { line: line.line, answers: prepared.answers });
  const labelled = await labelledInput(deps, context.runId, line, {
    sources: prepared.sources,
    answers,
    ground: prepared.ground,
    schemeRevision: prepared.schemeRevision ?? undefined,
  });
  const options: FitOptions = {
    seed: train.seed,
    trials: train.trials,
    validationShare: train.validationShare,
    promise: train.promisedPrecision,
    floor: deps.settings.review.floor,
    label: line.scheme,
    date: prepared.newestDay,
    data: { ...nameSources(prepared.sources), rows: prepared.counts["rows"] ?? 0, badRows: prepared.counts["badRows"] ?? 0 },
  };
  const plan = await deps.compute.run(loadJob, { labelled, options }, { signal });

  const search = climbRungs(train.seed, train.trials > 1 ? train.trials : 0, plan.sides.train.length);
  const all: TrialResult[] = [];
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
    all.push(...results);
    context.progress(all.length, 0, "trials");
    step = search.next(results);
  }

  // Side by side where threads are free; when all are busy with other lines, one after the other costs them no more.
  const part = { plan, parameters: step.value.parameters, options };
  const [appraisal, weights] = await Promise.all([
    deps.compute.run(appraiseJob, part, { signal }),
    deps.compute.run(learnJob, part, { signal }),
  ]);
  const stem = `${prefixes.models}${line.country}/${line.scheme}/${input.version}`;
  const result = await deps.compute.run(
    finishJob,
    {
      labelled,
      plan,
      search: step.value,
      options,
      appraisal,
      weights,
      model: await deps.objects.writeHandle(actor, `${stem}.model`),
      profile: await deps.objects.writeHandle(actor, profileKey(`${stem}.model`)),
    },
    { signal },
  );
  faultPoint("classify.train.fitted");
  const id = `${line.line}@${result.sha256.slice(0, 16)}`;
  const at = timeOf(deps);
  let isNew = false;
  await deps.objects.commit(actor, [result.model, result.profile], {
    contentType: "application/octet-stream",
    announce: false,
    labels: { line: line.line, model: id },
    alongside: async (tx, entries) => {
      const [entry] = entries;
      await insertLine(tx, deps.vault, lineOf(line.country, line.scheme), at);
      isNew = await insertModel(tx, {
        id,
        line: line.line,
        object: { key: entry?.key ?? "", version: entry?.version ?? "" },
        test: prepared.test,
        ground: prepared.ground.map(({ model }) => model),
        trainedOn: prepared.sources.map(({ key, version, sha256 }) => ({ key, version, sha256 })),
        schemeVersion: prepared.version,
        schemeRevision: prepared.schemeRevision ?? undefined,
        parameters: result.parameters,
        metrics: result.metrics,
        counts: prepared.counts,
        trials: step.value.trials,
        seed: train.seed,
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
          seed: train.seed,
        },
        objects: [{ key: entry?.key ?? "", version: entry?.version ?? "", sha256: result.sha256 }],
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
  return { model: id, isNew, macroF1: Number(result.metrics["macro_f1"] ?? 0) };
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
