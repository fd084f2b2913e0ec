// Line coder: one line's part in the pass over a file: predictions, figures, review picks and drift of its model's answers.
//
// Owns: the order in which a row passes them. Does not own: reading the file (label-job.ts), any of their arithmetic.
//   O1. One coder is used by one thread, batch after batch: `take`, then `flush`; at the end `finish`, or `fail` after an error.

import { gather, makePipe, type Pipe } from "../../../platform/bytes.ts";
import { writeTable } from "../../../platform/formats/index.ts";
import type { StagedObject } from "../../../platform/objects/contract.ts";
import { openHandle, writeThrough } from "../../../platform/objects/handles.ts";
import type { Item } from "../../engine/dataset.ts";
import { compareProfiles, featurize, openProfile, type Profile } from "../../engine/drift.ts";
import { wasTrainedOn, type Model } from "../../engine/model.ts";
import type { Prediction } from "../../engine/predict.ts";
import { openCodeSums, type CodedRow } from "./code-sums.ts";
import type { ItemColumns } from "./items.ts";
import type { LabelInput, LabelledLine, LineTask } from "./label-contract.ts";
import { makeOutcomes, type Outcome } from "./outcomes.ts";
import { openReviewPicks } from "./review-picks.ts";
import type { Sold } from "./sold.ts";

/** Rows of the file with what one model said of them, index by index. */
export interface AnsweredBatch {
  readonly sold: readonly Sold[];
  readonly items: readonly Item[];
  readonly answers: readonly Prediction[];
  /** Number of the first row in the file. */
  readonly firstRow: number;
  /** Drift looks at every so many rows. */
  readonly stride: number;
}

export interface LineCoder {
  take(batch: AnsweredBatch): void;
  /** Hands on what was taken; waits while the store is behind. */
  flush(): Promise<void>;
  finish(): Promise<LabelledLine>;
  fail(error: unknown): Promise<void>;
}

export interface LineCoderOptions {
  readonly input: LabelInput;
  readonly task: LineTask;
  readonly model: Model;
  readonly columns: ItemColumns;
  /** The file's columns. */
  readonly names: readonly string[];
  readonly signal: AbortSignal;
}

export async function openLineCoder({ input, task, model, columns, names, signal }: LineCoderOptions): Promise<LineCoder> {
  const outcomeOf = makeOutcomes(task, input.versions);
  const predictions = openPredictions(task, signal);
  const sums = openCodeSums();
  const picks = openReviewPicks(input, task, { names, columns });
  const drift = await openDrift(task, model, input.drift, signal);
  let items = 0;
  let autoItems = 0;
  return {
    take({ sold, items: read, answers, firstRow, stride }) {
      for (const [index, one] of sold.entries()) {
        const answer = answers[index];
        const item = read[index];
        const outcome = outcomeOf(answer.code, one.day);
        const reason = reasonOf(task, outcome, answer);
        const row = {
          sold: one,
          answer,
          outcome,
          second: outcomeOf(answer.runnerUp, one.day),
          probability: Math.round(answer.probability * 1e6) / 1e6,
          decision: reason === "" ? "auto" : "review",
          reason,
          evidence: answer.evidence.map((word) => `${word.text === "" ? word.column : word.text}:${word.weight.toFixed(2)}`).join(" "),
        } as const;
        items += 1;
        if (row.decision === "auto") autoItems += 1;
        predictions.add(row);
        sums.add(row);
        picks.add(row, item);
        if ((firstRow + index) % stride === 0) drift.add(item, answer);
      }
    },
    flush: async () => await predictions.flush(),
    async finish() {
      const written = await predictions.finish();
      const picked = await picks.finish(signal);
      return {
        line: task.line,
        model: task.model,
        predictions: written,
        ...picked,
        items,
        autoItems,
        figures: sums.finish(),
        drift: drift.finish(),
      };
    },
    fail: async (cause) => await predictions.fail(cause),
  };
}

/** Why a person must look; "" for an automatic decision. */
function reasonOf(task: LineTask, outcome: Outcome, answer: Prediction): string {
  if (!task.automatic) return "the line is on review";
  return outcome.certain ? answer.reason : "no certain code on that day";
}

const predictionColumns = [
  "id",
  "date",
  "units",
  "kg",
  "code",
  "probability",
  "decision",
  "runner_up",
  "evidence",
  "scheme_version",
  "model",
  "reason",
] as const;

type PredictionRow = CodedRow & { readonly evidence: string; readonly reason: string };

/** The predictions of a line, written as they come. */
function openPredictions(
  task: LineTask,
  signal: AbortSignal,
): { add(row: PredictionRow): void; flush(): Promise<void>; finish(): Promise<StagedObject>; fail(cause: unknown): Promise<void> } {
  const pipe: Pipe<(string | number)[][]> = makePipe(2);
  const written = writeThrough(
    task.predictions,
    writeTable(pipe, { format: "csv", columns: predictionColumns, spreadsheet: true }),
    signal,
  );
  // Met where it is awaited; until then it must not count as unhandled.
  void written.catch(() => undefined);
  let pending: (string | number)[][] = [];
  return {
    add({ sold, outcome, second, probability, decision, evidence, reason }) {
      pending.push([
        sold.id,
        sold.day,
        sold.units,
        sold.kg,
        outcome.code,
        probability,
        decision,
        second.code,
        evidence,
        outcome.version,
        task.model,
        reason,
      ]);
    },
    async flush() {
      const batch = pending;
      pending = [];
      // When the writer has failed, its own error is the one to hear.
      await Promise.race([pipe.write(batch), written]);
    },
    async finish() {
      pipe.end();
      return await written;
    },
    async fail(cause) {
      pipe.fail(cause);
      await Promise.allSettled([written]);
    },
  };
}

/** How far the file's items are from those of training; a line without a profile measures nothing. */
async function openDrift(
  task: LineTask,
  model: Model,
  bounds: LabelInput["drift"],
  signal: AbortSignal,
): Promise<{ add(item: Item, answer: Prediction): void; finish(): LabelledLine["drift"] }> {
  if (task.profile === null)
    return { add: () => undefined, finish: () => ({ level: "ok", psi: 0, summary: "not measured", features: {} }) };
  // Written by the training beside the model.
  const reference = JSON.parse(Buffer.from(await gather(openHandle(task.profile, signal))).toString("utf8")) as Profile;
  const profiler = openProfile(reference.columns, reference);
  return {
    add(item, answer) {
      profiler.addItem(featurize(item));
      // A model is surer of what it has learned from, and the reference is of unseen items: only those compare.
      if (!wasTrainedOn(model, item)) profiler.addPrediction(answer.code, answer.probability);
    },
    finish() {
      const { level, psi, summary, features } = compareProfiles(reference, profiler.finish(), bounds);
      return { level, psi, summary, features: Object.fromEntries(features.map((one) => [one.name, one.excess])) };
    },
  };
}
