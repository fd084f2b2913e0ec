// Fit: from labelled items to a finished model.
//
// Owns: the order of things: split, search, calibrate, promise, train on everything. Does not own: any of their arithmetic.
//   I1. What judges a model (hyperparameters, calibration, thresholds) was not learned from by the model judged.
//   I2. Without validation items of the caller's own, a share of the groups is set aside, and the finished model learns from all items: its
//       calibration and thresholds were found on one that had seen fewer, so they promise rather too little than too much.
//   I3. Same dataset, same options, same bytes, whoever runs the trials.

import { applyCalibration, calibrationError, fitCalibration } from "./calibration.ts";
import { checkLearnable, splitOf, type Dataset } from "./dataset.ts";
import { fitDecisions, type Judged } from "./decisions.ts";
import type { KernelKind } from "./kernel.ts";
import { scoreLabels, scoreProbabilities } from "./metrics.ts";
import { quantise, type Model, type ModelCard } from "./model.ts";
import { prepare, type Prepared } from "./prepare.ts";
import { climbRungs, runTrial, topClasses, type RunTrials, type SearchOutcome, type Sides } from "./search.ts";
import { scoreItems, train } from "./train.ts";

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
  /** The category column whose values get thresholds of their own; default "country" when there is one. */
  readonly segment?: string;
  /** For the card. */
  readonly label: string;
  readonly date: string;
  readonly data: ModelCard["data"];
  readonly kernel?: KernelKind;
  readonly onProgress?: (done: number, total: number, note: string) => void;
}

/** A fit under way: everything but the search's runs. */
export interface FitPlan {
  readonly prepared: Prepared;
  readonly sides: Sides;
}

/**
 * Splits and hashes; throws `FIT_TOO_FEW` or `FIT_ONE_CLASS` (`input`) when there is nothing to learn.
 *
 * `shared` puts the hashed items into shared memory for trials on other threads.
 */
export function planFit(dataset: Dataset, options: FitOptions, shared = false): FitPlan {
  checkLearnable(dataset, undefined, options.validationFrom);
  const sides = splitSides(dataset, options);
  return { prepared: prepare(dataset, { shared, decidedBy: options.validationFrom ?? dataset.size }), sides };
}

/** Fits with trials one after the other in this thread. */
export function fitModel(dataset: Dataset, options: FitOptions): Model {
  const plan = planFit(dataset, options);
  const search = climbRungs(options.seed, trialsOf(options), plan.sides.train.length);
  let step = search.next();
  let done = 0;
  while (step.done !== true) {
    const specs = step.value;
    const results = specs.map((spec) => {
      options.onProgress?.(done, done + specs.length, `trial ${spec.trial} of rung ${spec.rung + 1}`);
      done += 1;
      return runTrial(plan.prepared, plan.sides, spec);
    });
    step = search.next(results);
  }
  return finishFit(dataset, plan, step.value, options);
}

/** Fits with trials run by `runTrials`, on threads say. The model is the same to the byte. */
export async function fitModelWith(dataset: Dataset, plan: FitPlan, options: FitOptions, runTrials: RunTrials): Promise<Model> {
  const search = climbRungs(options.seed, trialsOf(options), plan.sides.train.length);
  let step = search.next();
  while (step.done !== true) step = search.next(await runTrials(step.value));
  return finishFit(dataset, plan, step.value, options);
}

/** A single trial has nothing to be compared with, so none is run. */
const trialsOf = (options: FitOptions): number => ((options.trials ?? 1) > 1 ? (options.trials ?? 1) : 0);

/** Makes the model once the search has chosen. Pure: the same dataset, plan, search and options give the same model. */
export function finishFit(dataset: Dataset, plan: FitPlan, search: SearchOutcome, options: FitOptions): Model {
  const { prepared, sides } = plan;
  const { parameters } = search;
  const own = options.validationFrom !== undefined;
  const classes = prepared.classes.length;
  const learn = (items: Uint32Array, note: string): ReturnType<typeof train> => {
    options.onProgress?.(0, 1, note);
    return train(prepared, items, parameters, { seed: options.seed, ...(options.kernel === undefined ? {} : { kernel: options.kernel }) });
  };

  const judged = learn(sides.train, "train");
  const logits = scoreItems(prepared, sides.validation, judged);
  const labels = Int32Array.from(sides.validation, (item) => prepared.labels[item]);
  const { calibration } = fitCalibration({ logits, classes, labels });
  const probabilities = applyCalibration(calibration, logits, classes);
  const segment = findSegment(dataset, options);
  const verdicts = judge(probabilities, classes, labels);
  const segments = segment < 0 ? undefined : Array.from(sides.validation, (item) => dataset.items[item].categories[segment]);
  const decisions = fitDecisions(
    { ...verdicts, ...(segments === undefined ? {} : { segments }) },
    {
      promise: options.promise ?? 0.98,
    },
  );
  const labelScores = scoreLabels(labels, topClasses(logits, classes), classes);
  const { logLoss } = scoreProbabilities(probabilities, classes, labels);

  const everything = Uint32Array.from(dataset.items.keys());
  const final = own ? judged : learn(everything, "train on all items");
  const learned = own ? sides.train : everything;
  return {
    card: {
      date: options.date,
      data: options.data,
      label: options.label,
      columns: dataset.columns,
      segment: segment < 0 ? "" : dataset.columns.categories[segment],
      items: { train: learned.length, validation: sides.validation.length },
      metrics: {
        accuracy: labelScores.accuracy,
        macroF1: labelScores.macroF1,
        weightedF1: labelScores.weightedF1,
        logLoss,
        ece: calibrationError(verdicts.top, verdicts.right),
        coverage: decisions.coverage,
      },
      seed: options.seed,
      trials: search.trials,
    },
    classes: prepared.classes,
    spec: prepared.spec,
    parameters,
    calibration,
    decisions,
    ...quantise(prepared, final),
    seen: Uint32Array.from(new Set(Array.from(learned, (item) => dataset.texts[item]))).sort(),
  };
}

/** Top and second probability of each row and whether the top is right. */
export function judge(
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

function findSegment(dataset: Dataset, options: FitOptions): number {
  return dataset.columns.categories.indexOf(options.segment ?? "country");
}

function splitSides(dataset: Dataset, options: FitOptions): Sides {
  const all = Uint32Array.from(dataset.items.keys());
  const from = options.validationFrom;
  if (from !== undefined) return { train: all.subarray(0, from), validation: all.subarray(from) };
  const share = options.validationShare ?? 0.3;
  const isValidation = (item: number): boolean => splitOf(dataset.groups[item], options.seed) < share;
  return { train: all.filter((item) => !isValidation(item)), validation: all.filter(isValidation) };
}
