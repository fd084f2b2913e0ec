// Fit: from labelled items to a finished model.
//
// Owns: the order of things: split, search, appraise, learn from everything, compose. Does not own: any of their arithmetic.
//   I1. What judges a model (hyperparameters, calibration, thresholds) was not learned from by the model judged.
//   I2. Without validation items of the caller's own, a share of the groups is set aside, and the finished model learns from all items: its
//       calibration and thresholds were found on one that had seen fewer, so they promise rather too little than too much.
//       Where items are few, so small a share would say little and the search would fit it by luck: then each item is judged once, by a model that learned
//       from the other folds with hyperparameters that the other folds chose (search.ts S5).
//   I3. Same dataset, same options, same bytes, whoever runs the trials and the two parts of the end (`appraise`, `learn`), in whatever order.
//   I4. A plan holds all that any of them reads, in arrays that threads can share; nobody writes them.

import { StockroomError } from "../../platform/errors.ts";
import { applyCalibration, calibrationError, fitCalibration, type Calibration } from "./calibration.ts";
import { checkLearnable, splitOf, type Dataset, type ItemColumnNames } from "./dataset.ts";
import { fitDecisions, type Decisions, type Judged } from "./decisions.ts";
import type { KernelKind } from "./kernel.ts";
import { openVocabularyCheck } from "./vocabulary.ts";
import { scoreLabels, scoreProbabilities } from "./metrics.ts";
import { quantise, type ModelWeights, type Model, type ModelCard } from "./model.ts";
import { placeShared, prepare, type Prepared } from "./prepare.ts";
import { climbRungs, runTrial, topClasses, type RunTrials, type SearchOutcome, type Sides, type TrialSpec } from "./search.ts";
import { scoreItems, train, type Trained } from "./train.ts";
import type { Hyperparameters } from "./term-weights.ts";

export interface FitOptions {
  readonly seed: number;
  /** Default 1: the defaults, without a search. */
  readonly trials?: number;
  /** Items from this index on are validation items of the caller's own; absent: a share is set aside. */
  readonly validationFrom?: number;
  /** Share of the groups set aside; default 0.3. */
  readonly validationShare?: number;
  /** Folds that judge in the place of a share set aside; 0: none. Default 5 for fewer than `FEW_ITEMS`. With items of the caller's own they choose alone. */
  readonly folds?: number;
  /** Promised precision of automatic decisions; default 0.98. */
  readonly promise?: number;
  /** Least calibrated probability of an automatic decision; default `usualFloor`. */
  readonly floor?: number;
  /** The category column whose values get thresholds of their own; default "country" when there is one. */
  readonly segment?: string;
  /** For the card. */
  readonly label: string;
  readonly date: string;
  readonly data: ModelCard["data"];
  readonly reading?: ModelCard["reading"];
  readonly kernel?: KernelKind;
}

/** All that a fit reads once its items are hashed: plain data that crosses threads without being copied when shared. */
export interface FitPlan {
  readonly prepared: Prepared;
  /** With folds that judge, both sides are all items. */
  readonly sides: Sides;
  /** The fold of each item, where folds choose; items of the caller's own are in none (255). */
  readonly folds: { readonly count: number; readonly of: Uint8Array } | undefined;
  readonly columns: ItemColumnNames;
  /** Hash of the text per item. */
  readonly texts: Uint32Array;
  /** The category whose values get thresholds of their own, and which of them each item has. */
  readonly segment: { readonly column: string; readonly values: readonly string[]; readonly valueOf: Uint32Array } | undefined;
}

/** What a model of some hyperparameters is worth on items it has not learned from: how its scores become probabilities and decisions. */
export interface Appraisal {
  readonly calibration: Calibration;
  readonly decisions: Decisions;
  readonly metrics: ModelCard["metrics"];
  /** The weights appraised, where they are those of the finished model: with validation items of the caller's own. */
  readonly weights: ModelWeights | undefined;
}

/** The hyperparameters of the finished model, and those that each fold is judged with. */
export type Chosen = Pick<SearchOutcome, "parameters" | "ofFolds">;

/** Who runs the parts of a fit, on threads say. */
export interface FitWork {
  readonly runTrials: RunTrials;
  readonly appraise: (chosen: Chosen) => Promise<Appraisal>;
  readonly learn: (parameters: Hyperparameters) => Promise<ModelWeights>;
}

/**
 * Splits and hashes; throws `FIT_TOO_FEW` or `FIT_ONE_CLASS` (`input`) when there is nothing to learn, `FIT_TOO_MANY_CODES` when there is too much.
 *
 * `shared` puts the arrays into shared memory for work on other threads.
 */
export function planFit(dataset: Dataset, options: FitOptions, shared = false): FitPlan {
  checkLearnable(dataset, undefined, options.validationFrom);
  const folds = splitFolds(dataset, options);
  const { train: learning, validation } = splitSides(dataset, options, folds !== undefined);
  refuseTooManyCodes(dataset, validation.length);
  const segment = findSegment(dataset, options);
  const place = shared ? placeShared : <T>(array: T): T => array;
  return {
    prepared: prepare(dataset, { shared, decidedBy: options.validationFrom ?? dataset.size }),
    sides: { train: place(learning), validation: place(validation) },
    folds: folds === undefined ? undefined : { count: folds.count, of: place(folds.of) },
    columns: dataset.columns,
    texts: place(dataset.texts),
    segment: segment === undefined ? undefined : { ...segment, valueOf: place(segment.valueOf) },
  };
}

/** With fewer items to learn from a share set aside says little. */
const FEW_ITEMS = 3000;
const USUAL_FOLDS = 5;
const noFold = 255;

/** Which items learn and which judge in a trial: the sides of the split, or the other folds and its own. */
export function sidesOf({ sides, folds }: Pick<FitPlan, "sides" | "folds">, { fold }: Pick<TrialSpec, "fold">): Sides {
  if (fold === undefined || folds === undefined) return sides;
  return {
    train: sides.train.filter((item) => folds.of[item] !== fold),
    validation: sides.train.filter((item) => folds.of[item] === fold),
  };
}

/** The search over a plan, to be climbed by whoever runs its trials. */
export const searchOver = (plan: FitPlan, options: Pick<FitOptions, "seed" | "trials">): ReturnType<typeof climbRungs> =>
  climbRungs(options.seed, trialsOf(options), plan.sides.train.length, plan.folds?.count ?? 0);

/** Weights of more codes do not fit into a learner's memory, and scores of more items and codes not into that of one thread. */
const MOST_CODES = 10_000;
const MOST_SCORES = 1.5e8;

function refuseTooManyCodes({ size, classes }: Dataset, judged: number): void {
  if (classes.length <= MOST_CODES && classes.length * judged <= MOST_SCORES) return;
  const most = Math.min(MOST_CODES, Math.floor(MOST_SCORES / Math.max(1, judged)));
  throw new StockroomError(
    "input",
    "FIT_TOO_MANY_CODES",
    `Expected at most ${most} codes for ${size} items but there are ${classes.length}. Learn a coarser level of them (--label-level), leave rare ones out, or check the label column.`,
    { facts: { items: size, codes: classes.length } },
  );
}

/** Fits in this thread, one part after the other. */
export function fitModel(dataset: Dataset, options: FitOptions): Model {
  const plan = planFit(dataset, options);
  const search = searchOver(plan, options);
  let step = search.next();
  while (step.done !== true) step = search.next(step.value.map((spec) => runTrial(plan.prepared, sidesOf(plan, spec), spec)));
  const { parameters } = step.value;
  const appraisal = appraise(plan, step.value, options);
  return composeModel(plan, step.value, options, appraisal, appraisal.weights ?? learn(plan, parameters, options));
}

/** Fits with the parts run by `work`, those that do not wait for each other at the same time. The model is the same to the byte. */
export async function fitModelWith(plan: FitPlan, options: FitOptions, work: FitWork): Promise<Model> {
  const search = searchOver(plan, options);
  let step = search.next();
  while (step.done !== true) step = search.next(await work.runTrials(step.value));
  const { parameters } = step.value;
  const learning = options.validationFrom === undefined ? work.learn(parameters) : undefined;
  const [appraisal, weights] = await Promise.all([work.appraise(step.value), learning]);
  return composeModel(plan, step.value, options, appraisal, appraisal.weights ?? weights ?? learn(plan, parameters, options));
}

/** A single trial has nothing to be compared with, so none is run. */
const trialsOf = (options: Pick<FitOptions, "trials">): number => ((options.trials ?? 1) > 1 ? (options.trials ?? 1) : 0);

/** Learns from the training side and judges by the other, or fold by fold: calibration, thresholds, metrics. Throws the signal's reason after an abort. */
export function appraise(plan: FitPlan, chosen: Chosen, options: FitOptions, signal?: AbortSignal): Appraisal {
  const { prepared, sides, segment } = plan;
  const classes = prepared.classes.length;
  const { logits, known, trained } = judgesByFolds(plan, options)
    ? scoreFolds(plan, chosen, options, signal)
    : scoreSides(plan, sides, { parameters: chosen.parameters, options, signal });
  const labels = Int32Array.from(sides.validation, (item) => prepared.labels[item]);
  const { calibration } = fitCalibration({ logits, classes, labels });
  const probabilities = applyCalibration(calibration, logits, classes);
  const verdicts = judge(probabilities, classes, labels);
  const segments = segment === undefined ? undefined : Array.from(sides.validation, (item) => segment.values[segment.valueOf[item]]);
  const decisions = fitDecisions(
    { ...verdicts, known, ...(segments === undefined ? {} : { segments }) },
    { promise: options.promise ?? 0.98, ...(options.floor === undefined ? {} : { floor: options.floor }) },
  );
  const { accuracy, macroF1, weightedF1 } = scoreLabels(labels, topClasses(logits, classes), classes);
  const { logLoss } = scoreProbabilities(probabilities, classes, labels);
  const ece = calibrationError(verdicts.top, verdicts.right);
  return {
    calibration,
    decisions,
    metrics: { accuracy, macroF1, weightedF1, logLoss, ece, coverage: decisions.coverage },
    weights: options.validationFrom === undefined || trained === undefined ? undefined : quantise(prepared, trained),
  };
}

/** Whether each item is judged by a fold; folds beside items of the caller's own choose alone. */
const judgesByFolds = ({ folds }: FitPlan, options: FitOptions): boolean => folds !== undefined && options.validationFrom === undefined;

/** Scores of items that were not learned from, in the order of the validation side, and which of them the model knows enough of. */
interface Scores {
  readonly logits: Float32Array;
  readonly known: Uint8Array;
  readonly trained: Trained | undefined;
}

interface Scoring {
  readonly parameters: Hyperparameters;
  readonly options: FitOptions;
  readonly signal: AbortSignal | undefined;
}

function scoreSides(plan: FitPlan, { train: learning, validation }: Sides, { parameters, options, signal }: Scoring): Scores {
  const trained = trainOn(plan, learning, parameters, options, signal);
  const logits = scoreItems(plan.prepared, validation, trained);
  return { logits, known: findKnown(plan, validation, parameters, trained), trained };
}

/** Every fold by a model of the others, with the hyperparameters that the others chose. */
function scoreFolds(plan: FitPlan, { parameters, ofFolds }: Chosen, options: FitOptions, signal: AbortSignal | undefined): Scores {
  const { prepared, sides, folds } = plan;
  const classes = prepared.classes.length;
  const logits = new Float32Array(sides.validation.length * classes);
  const known = new Uint8Array(sides.validation.length);
  const placeOf = new Map(Array.from(sides.validation, (item, place) => [item, place]));
  for (let fold = 0; fold < (folds?.count ?? 0); fold++) {
    const parts = sidesOf(plan, { fold });
    if (parts.validation.length === 0) continue;
    const scores = scoreSides(plan, parts, { parameters: ofFolds[fold] ?? parameters, options, signal });
    for (const [at, item] of parts.validation.entries()) {
      const place = placeOf.get(item) ?? 0;
      logits.set(scores.logits.subarray(at * classes, (at + 1) * classes), place * classes);
      known[place] = scores.known[at];
    }
  }
  return { logits, known, trained: undefined };
}

/** Learns what the finished model knows. Throws the signal's reason after an abort. */
export function learn(plan: FitPlan, parameters: Hyperparameters, options: FitOptions, signal?: AbortSignal): ModelWeights {
  return quantise(plan.prepared, trainOn(plan, trainingItems(plan, options), parameters, options, signal));
}

/** Puts the parts together. Pure: the same plan, search, options and parts give the same model. */
export function composeModel(
  plan: FitPlan,
  search: SearchOutcome,
  options: FitOptions,
  appraisal: Appraisal,
  weights: ModelWeights,
): Model {
  const { prepared } = plan;
  const items = trainingItems(plan, options);
  return {
    card: {
      date: options.date,
      data: options.data,
      label: options.label,
      columns: plan.columns,
      ...(options.reading === undefined ? {} : { reading: options.reading }),
      segment: plan.segment?.column ?? "",
      items: { train: items.length, validation: plan.sides.validation.length },
      ...(plan.folds === undefined || options.validationFrom !== undefined ? {} : { folds: plan.folds.count }),
      metrics: appraisal.metrics,
      seed: options.seed,
      trials: search.trials,
    },
    classes: prepared.classes,
    spec: prepared.spec,
    parameters: search.parameters,
    calibration: appraisal.calibration,
    decisions: appraisal.decisions,
    ...weights,
    seen: Uint32Array.from(new Set(Array.from(items, (item) => plan.texts[item]))).sort(),
  };
}

/** All items, but never those the caller keeps to judge by. */
function trainingItems({ prepared, sides }: FitPlan, options: FitOptions): Uint32Array {
  return options.validationFrom === undefined ? Uint32Array.from({ length: prepared.size }, (_, item) => item) : sides.train;
}

function trainOn(
  plan: FitPlan,
  items: Uint32Array,
  parameters: Hyperparameters,
  { seed, kernel }: FitOptions,
  signal: AbortSignal | undefined,
): Trained {
  return train(plan.prepared, items, parameters, {
    seed,
    ...(kernel === undefined ? {} : { kernel }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** 1 for each validation item of whose text the model appraised knows enough. */
function findKnown({ prepared }: FitPlan, judged: Uint32Array, parameters: Hyperparameters, { frequencyClasses }: Trained): Uint8Array {
  const text = openVocabularyCheck(prepared.spec);
  const fewest = Math.max(1, parameters.minItems);
  const { features, kinds } = prepared.entries;
  return Uint8Array.from(judged, (item) => {
    text.begin();
    for (let entry = prepared.starts[item]; entry < prepared.starts[item + 1]; entry++) {
      const frequency = frequencyClasses[features[entry]];
      text.add(kinds[entry], frequency >= fewest ? frequency : 0);
    }
    return text.finish() === "" ? 1 : 0;
  });
}

/** Top and second probability of each row and whether the top is right. */
function judge(
  probabilities: Float64Array,
  classes: number,
  labels: Int32Array,
): Judged & { readonly top: Float64Array; readonly right: Uint8Array } {
  const top = new Float64Array(labels.length);
  const second = new Float64Array(labels.length);
  const right = new Uint8Array(labels.length);
  for (let row = 0; row < labels.length; row++) {
    let best = -1;
    for (let c = 0; c < classes; c++) {
      const p = probabilities[row * classes + c];
      if (best < 0 || p > top[row]) {
        if (best >= 0) second[row] = top[row];
        top[row] = p;
        best = c;
      } else if (p > second[row]) second[row] = p;
    }
    right[row] = best === labels[row] ? 1 : 0;
  }
  return { top, second, right };
}

function findSegment(dataset: Dataset, options: FitOptions): FitPlan["segment"] {
  const column = options.segment ?? "country";
  const category = dataset.columns.categories.indexOf(column);
  if (category < 0) return undefined;
  const numbers = new Map<string, number>();
  const valueOf = Uint32Array.from(dataset.items, (item) => {
    const value = item.categories[category];
    const number = numbers.get(value) ?? numbers.size;
    numbers.set(value, number);
    return number;
  });
  return { column, values: [...numbers.keys()], valueOf };
}

function splitSides(dataset: Dataset, options: FitOptions, isFolded: boolean): Sides {
  const all = Uint32Array.from(dataset.items.keys());
  const from = options.validationFrom;
  if (from !== undefined) return { train: all.subarray(0, from), validation: all.subarray(from) };
  if (isFolded) return { train: all, validation: all };
  const share = options.validationShare ?? 0.3;
  const isValidation = (item: number): boolean => splitOf(dataset.groups[item], options.seed) < share;
  return { train: all.filter((item) => !isValidation(item)), validation: all.filter(isValidation) };
}

/** Folds by group, like every split; undefined where items are many, or fewer than two folds would hold any. */
function splitFolds(dataset: Dataset, options: FitOptions): FitPlan["folds"] {
  const { validationFrom, seed } = options;
  const learning = validationFrom ?? dataset.size;
  const count = options.folds ?? (learning < FEW_ITEMS ? USUAL_FOLDS : 0);
  // Items of the caller's own judge, so that a single trial needs no folds.
  if (count < 2 || (validationFrom !== undefined && trialsOf(options) === 0)) return undefined;
  const of = Uint8Array.from(dataset.groups, (group, item) => (item < learning ? Math.floor(splitOf(group, seed) * count) : noFold));
  return new Set(of.subarray(0, learning)).size < 2 ? undefined : { count, of };
}
