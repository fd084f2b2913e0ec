// The library `stockroom/classify`: the engine alone, without app, database or command line.
//
// Data goes:  rows -> Dataset -> Model -> Prediction
// Any file:   look -> FileProfile -> propose -> CatalogueProposal -> apply -> Dataset
//
// The engine is pure and synchronous but for `fitModelWith`, which lets the caller run trials where it likes. Errors are `StockroomError` with a stable
// `code`.

import { StockroomError } from "../platform/errors.ts";
import type { BadRow } from "../platform/formats/index.ts";
import { type FileProfile, type IntakeFile, type LookHints, profileFile } from "../platform/intake/profile.ts";
import type { Dataset } from "./engine/dataset.ts";
import type { FitOptions } from "./engine/fit.ts";
import { readLabelledFiles, takenOf } from "./workflows/intake/apply.ts";
import { type CatalogueProposal, type GivenCatalogue, proposeCatalogue } from "./workflows/intake/proposal.ts";

export { StockroomError, type ErrorKind } from "../platform/errors.ts";
export { fileBody } from "../platform/formats/index.ts";
export type { ColumnProfile, FileProfile, IntakeFile, LookHints } from "../platform/intake/profile.ts";
export { calibrationError } from "./engine/calibration.ts";
export {
  checkLearnable,
  makeDatasetBuilder,
  splitOf,
  type Dataset,
  type DatasetBuilder,
  type Item,
  type ItemColumnNames,
} from "./engine/dataset.ts";
export { decide, fitDecisions, reasonForReview, usualFloor, type Decisions, type ReviewReason } from "./engine/decisions.ts";
export { compareProfiles, openProfile, type DriftReport, type Profile } from "./engine/drift.ts";
export { openEvaluator, type Evaluation, type Evaluator } from "./engine/evaluate.ts";
export { fitModel, fitModelWith, planFit, type FitOptions, type FitPlan } from "./engine/fit.ts";
export { judgeChallenger, type Bout, type GateOptions, type Verdict } from "./engine/gate.ts";
export { clopperPearson, wilson, type Interval } from "./engine/intervals.ts";
export { decodeModel, encodeModel, type Model, type ModelCard } from "./engine/model.ts";
export { exportOnnx, type OnnxExport } from "./engine/onnx.ts";
export { openPredictor, openPredictors, type Evidence, type Prediction, type Predictor } from "./engine/predict.ts";
export { parseSchemes, recode, versionOn, type Recoded, type Scheme } from "./engine/schemes.ts";
export { runTrial, type TrialResult, type TrialSpec } from "./engine/search.ts";
export type { CataloguePlan, CatalogueProposal, CatalogueQuestion, CatalogueUse, GivenCatalogue } from "./workflows/intake/proposal.ts";

/**
 * Looks at a file of any shape: where its table is, what its columns hold. One pass; memory does not grow with the file.
 *
 * Throws `input` what cannot be read at all: `TABLE_EMPTY`, `TABLE_ARCHIVE_MANY`, `TABLE_JSON_ARRAY`, ...
 */
export async function look(file: IntakeFile, hints: LookHints = {}): Promise<FileProfile> {
  return await profileFile(file, hints);
}

/** Proposes which columns hold the code and what it is read from. What `given` says stands; what nothing speaks for is in `questions`, not guessed. */
export function propose(profile: FileProfile, given: GivenCatalogue = {}): CatalogueProposal {
  return proposeCatalogue(profile, given);
}

export interface ApplyCatalogueOptions {
  /** What the file was looked at with. */
  readonly hints?: LookHints;
  /** Told of every row that cannot be used. */
  readonly onBadRow?: (row: BadRow) => void;
}

/** Labelled items, and what a model's card says of where they came from: as `fitModel` takes them. */
export interface AppliedCatalogue {
  readonly dataset: Dataset;
  /** `date` is the newest in the file, "" where it has none. */
  readonly card: Required<Pick<FitOptions, "label" | "date" | "data" | "reading">>;
  /** Rows without a code: they teach nothing. */
  readonly unlabelled: number;
  /** What a person should know of how the file was read. */
  readonly notes: readonly string[];
}

/**
 * A file read by a proposal.
 *
 * Throws `input` `INTAKE_QUESTION` for a proposal with a question: answer it in `given` and propose again.
 *
 * @example
 * const file = { name: "catalogue.csv", open: () => fileBody("catalogue.csv") };
 * const profile = await look(file);
 * const { dataset, card } = await apply(file, profile, propose(profile));
 * const model = fitModel(dataset, { ...card, seed: 1 });
 */
export async function apply(
  file: IntakeFile,
  profile: Pick<FileProfile, "export">,
  { plan, questions }: Pick<CatalogueProposal, "plan" | "questions">,
  { hints = {}, onBadRow = () => undefined }: ApplyCatalogueOptions = {},
): Promise<AppliedCatalogue> {
  const [question] = questions;
  if (question !== undefined) {
    throw new StockroomError(
      "input",
      "INTAKE_QUESTION",
      `Expected to know how ${file.name} is to be read but it does not tell everything. ${question.text} Answer in \`given\` and propose again.`,
      { facts: { about: question.about } },
    );
  }
  const taken = takenOf(profile, plan);
  const { encoding, decimal, where = [], signal = new AbortController().signal } = hints;
  const read = await readLabelledFiles({ file, valid: undefined, conditions: where, ...taken }, { encoding, decimal, onBadRow, signal });
  return {
    dataset: read.build(),
    card: {
      label: plan.label.columns.join(" > "),
      date: read.newest,
      data: { name: file.name, hash: read.hash, rows: read.rows, badRows: read.badRows },
      reading: taken.reading,
    },
    unlabelled: read.unlabelled,
    notes: read.notes,
  };
}
