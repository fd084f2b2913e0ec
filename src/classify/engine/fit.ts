// Fit: from labelled items to a finished model.
//
// Owns: the order of things: split, search, appraise, learn from everything, compose. Does not own: any of their arithmetic.
//   I1. What judges a model (hyperparameters, calibration, thresholds) was not learned from by the model judged.
//   I2. Without validation items of the caller's own, a share of the groups is set aside, and the finished model learns from all items: its
//       calibration and thresholds were found on one that had seen fewer, so they promise rather too little than too much.
//   I3. Same dataset, same options, same bytes, whoever runs the trials and the two parts of the end (`appraise`, `learn`), in whatever order.
//   I4. A plan holds all that any of them reads, in arrays that threads can share; nobody writes them.

import { applyCalibration, calibrationError, fitCalibration, type Calibration } from "./calibration.ts";
import { checkLearnable, splitOf, type Dataset, type ItemColumnNames } from "./dataset.ts";
import { fitDecisions, type Decisions, type Judged } from "./decisions.ts";
import type { KernelKind } from "./kernel.ts";
import { openVocabularyCheck } from "./vocabulary.ts";
import { scoreLabels, scoreProbabilities } from "./metrics.ts";
import { quantise, type ModelWeights, type Model, type ModelCard } from "./model.ts";
import { placeShared, prepare, type Prepared } from "./prepare.ts";
import { climbRungs, runTrial, topClasses, type RunTrials, type SearchOutcome, type Sides } from "./search.ts";
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
  readonly sides: Sides;
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

/** Who runs the parts of a fit, on threads say. */
export interface FitWork {
  readonly runTrials: RunTrials;
  readonly appraise: (parameters: Hyperparameters) => Promise<Appraisal>;
  readonly learn: (parameters: Hyperparameters) => Promise<ModelWeights>;
}

/**
 * Splits and hashes; throws `FIT_TOO_FEW` or `FIT_ONE_CLASS` (`input`) when there is nothing to learn.
 *
 * `shared` puts the arrays into shared memory for work on other threads.
 */
export function planFit(dataset: Dataset, options: FitOptions, shared = false): FitPlan {
  checkLearnable(dataset, undefined, options.validationFrom);
  const { train: learning, validation } = splitSides(dataset, options);
  const segment = findSegment(dataset, options);
  const place = shared ? placeShared : <T>(array: T): T => array;
  return {
    prepared: prepare(dataset, { shared, decidedBy: options.validationFrom ?? dataset.size }),
    sides: { train: place(learning), validation: place(validation) },
    columns: dataset.columns,
    texts: place(dataset.texts),
    segment: segment === undefined ? undefined : { ...segment, valueOf: place(segment.valueOf) },
  };
}

/** Fits in this thread, one part after the other. */
export function fitModel(dataset: Dataset, options: FitOptions): Model {
  const plan = planFit(dataset, options);
  const search = climbRungs(options.seed, trialsOf(options), plan.sides.train.length);
  let step = search.next();
  while (step.done !== true) step = search.next(step.value.map((spec) => runTrial(plan.prepared, plan.sides, spec)));
  const { parameters } = step.value;
  const appraisal = appraise(plan, parameters, options);
  return composeModel(plan, step.value, options, appraisal, appraisal.weights ?? learn(plan, parameters, options));
}

/** Fits with the parts run by `work`, those that do not wait for each other at the same time. The model is the same to the byte. */
export async function fitModelWith(plan: FitPlan, options: FitOptions, work: FitWork): Promise<Model> {
  const search = climbRungs(options.seed, trialsOf(options), plan.sides.train.length);
  let step = search.next();
  while (step.done !== true) step = search.next(await work.runTrials(step.value));
  const { parameters } = step.value;
  const learning = options.validationFrom === undefined ? work.learn(parameters) : undefined;
  const [appraisal, weights] = await Promise.all([work.appraise(parameters), learning]);
  return composeModel(plan, step.value, options, appraisal, appraisal.weights ?? weights ?? learn(plan, parameters, options));
}

/** A single trial has nothing to be compared with, so none is run. */
const trialsOf = (options: FitOptions): number => ((options.trials ?? 1) > 1 ? (options.trials ?? 1) : 0);

/** Learns from the training side and judges by the other: calibration, thresholds, metrics. Throws the signal's reason after an abort. */
export function appraise(plan: FitPlan, parameters: Hyperparameters, options: FitOptions, signal?: AbortSignal): Appraisal {
  const { prepared, sides, segment } = plan;
  const classes = prepared.classes.length;
  const trained = trainOn(plan, sides.train, parameters, options, signal);
  const logits = scoreItems(prepared, sides.validation, trained);
  const labels = Int32Array.from(sides.validation, (item) => prepared.labels[item]);
  const { calibration } = fitCalibration({ logits, classes, labels });
  const probabilities = applyCalibration(calibration, logits, classes);
  const verdicts = judge(probabilities, classes, labels);
  const segments = segment === undefined ? undefined : Array.from(sides.validation, (item) => segment.values[segment.valueOf[item]]);
  const decisions = fitDecisions(
    { ...verdicts, known: findKnown(plan, parameters, trained), ...(segments === undefined ? {} : { segments }) },
    { promise: options.promise ?? 0.98, ...(options.floor === undefined ? {} : { floor: options.floor }) },
  );
  const { accuracy, macroF1, weightedF1 } = scoreLabels(labels, topClasses(logits, classes), classes);
  const { logLoss } = scoreProbabilities(probabilities, classes, labels);
  const ece = calibrationError(verdicts.top, verdicts.right);
  return {
    calibration,
    decisions,
    metrics: { accuracy, macroF1, weightedF1, logLoss, ece, coverage: decisions.coverage },
    weights: options.validationFrom === undefined ? undefined : quantise(prepared, trained),
  };
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
function findKnown({ prepared, sides }: FitPlan, parameters: Hyperparameters, { frequencyClasses }: Trained): Uint8Array {
  const text = openVocabularyCheck(prepared.spec);
  const fewest = Math.max(1, parameters.minItems);
  const { features, kinds } = prepared.entries;
  return Uint8Array.from(sides.validation, (item) => {
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

function splitSides(dataset: Dataset, options: FitOptions): Sides {
  const all = Uint32Array.from(dataset.items.keys());
  const from = options.validationFrom;
  if (from !== undefined) return { train: all.subarray(0, from), validation: all.subarray(from) };
  const share = options.validationShare ?? 0.3;
  const isValidation = (item: number): boolean => splitOf(dataset.groups[item], options.seed) < share;
  return { train: all.filter((item) => !isValidation(item)), validation: all.filter(isValidation) };
}
