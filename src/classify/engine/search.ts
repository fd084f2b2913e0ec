// Search: which hyperparameters to try, and which of them to try harder.
//
// Owns: the space, the rungs, the choice. Does not own: who runs the trials.
//   S1. The plan depends on seed and number of trials alone; the first trial is the default.
//   S2. A trial depends on its spec and the data alone, so trials may run anywhere, in any order.
//   S3. A failed trial drops out; the search fails only when all do.
//   S4. Random search with successive halving: every trial gets a taste (a part of the items, few epochs), the best third of them more,
//       the best third of those everything.
//   S5. Judged by folds, a trial is worth its mean over them. For each fold there is a choice of its own from what the others say, climbed like the choice
//       from all of them: what its parameters are worth on the fold was never looked at in choosing them (choose and judge by nested parts; the trials are
//       shared between the choices, so that it costs no more than plain cross-validation).

import { makeRandom } from "../../platform/random.ts";
import { describeError, StockroomError, type ErrorRecord } from "../../platform/errors.ts";
import { scoreLabels, scoreProbabilities } from "./metrics.ts";
import { applyCalibration, fitTemperature } from "./calibration.ts";
import { splitOf } from "./dataset.ts";
import type { Prepared } from "./prepare.ts";
import { scoreItems, train } from "./train.ts";
import { defaultHyperparameters, type Hyperparameters } from "./term-weights.ts";

/** One trial at one rung: plain data that says all a thread needs to know besides the prepared items. */
export interface TrialSpec {
  readonly trial: number;
  readonly rung: number;
  readonly parameters: Hyperparameters;
  /** Share of the training items it may learn from; 0..1. */
  readonly share: number;
  readonly seed: number;
  /** The fold that judges it, all others learning; absent: the sides of the split do. */
  readonly fold?: number;
}

export type TrialResult = TrialSpec &
  (
    | { readonly kind: "done"; readonly macroF1: number; readonly accuracy: number; readonly logLoss: number }
    | { readonly kind: "failed"; readonly error: ErrorRecord }
  );

/** Runs the trials of one rung, in any order and on any threads; results in the order of the specs. */
export type RunTrials = (specs: readonly TrialSpec[]) => Promise<readonly TrialResult[]>;

/** Which items learn and which judge. */
export interface Sides {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

interface Rung {
  readonly share: number;
  readonly epochs: number;
}

const RUNGS: readonly Rung[] = [
  { share: 0.25, epochs: 3 },
  { share: 0.5, epochs: 4 },
  { share: 1, epochs: 100 },
];
/** A rung of fewer items would choose by luck. */
const FEWEST_ITEMS = 1500;

/** The first rung: the default and `trials - 1` draws from the space. A single trial goes straight to the last rung. */
export function drawTrials(seed: number, trials: number, items: number): readonly TrialSpec[] {
  const first = trials > 1 ? 0 : RUNGS.length - 1;
  return Array.from({ length: trials }, (_, trial) =>
    atRung({ trial, rung: first, parameters: trial === 0 ? defaultHyperparameters : draw(seed, trial), share: 1, seed }, first, items),
  );
}

/** The next rung: the best third of the trials that did not fail; empty after the last rung. */
export function nextRung(results: readonly TrialResult[], items: number): readonly TrialSpec[] {
  const rung = 1 + Math.max(-1, ...results.map((result) => result.rung));
  if (rung >= RUNGS.length) return [];
  const alive = rankTrials(results);
  return alive.slice(0, Math.max(1, Math.ceil(alive.length / 3))).map((result) => atRung(result, rung, items));
}

/** Results from the best to the worst, failed ones left out: higher macro-F1, then lower log-loss, then the earlier trial. */
export function rankTrials(results: readonly TrialResult[]): readonly (TrialResult & { kind: "done" })[] {
  return results
    .filter((result) => result.kind === "done")
    .toSorted((a, b) => b.macroF1 - a.macroF1 || a.logLoss - b.logLoss || a.trial - b.trial);
}

/**
 * Climbs all rungs; gives back the best parameters and every result. Throws `FIT_ALL_TRIALS_FAILED` (a `fault`).
 *
 * `folds`: how many of them judge; 0: the split does.
 */
export function* climbRungs(
  seed: number,
  trials: number,
  items: number,
  folds = 0,
): Generator<readonly TrialSpec[], SearchOutcome, readonly TrialResult[]> {
  const all: TrialResult[] = [];
  const first = drawTrials(seed, trials, items);
  // The choice from all folds, and one without each of them.
  const choices = [undefined, ...Array.from({ length: folds }, (_, fold) => fold)].map((without) => ({ without, specs: first, best: 0 }));
  for (;;) {
    const specs = unionOf(choices.map((choice) => choice.specs));
    if (specs.length === 0) break;
    const results = yield folds === 0 ? specs : specs.flatMap((spec) => Array.from({ length: folds }, (_, fold) => ({ ...spec, fold })));
    for (const choice of choices) {
      const own = new Set(choice.specs.map(({ trial }) => trial));
      const judged = overFolds(results, choice.without).filter(({ trial }) => own.has(trial));
      if (choice.without === undefined) all.push(...judged);
      const [best] = rankTrials(judged);
      if (own.size > 0 && best === undefined) throw allFailed(results);
      choice.best = best?.trial ?? choice.best;
      choice.specs = own.size === 0 ? [] : nextRung(judged, items);
    }
  }
  const [whole, ...others] = choices.map(({ best }) => plainParameters(best, seed));
  return { parameters: whole ?? defaultHyperparameters, ofFolds: others, trials: all };
}

/** Specs of several choices, each trial once, in the order of the trials. */
const unionOf = (choices: readonly (readonly TrialSpec[])[]): readonly TrialSpec[] =>
  [...new Map(choices.flat().map((spec) => [spec.trial, spec])).values()].toSorted((a, b) => a.trial - b.trial);

/** One result a trial: the mean over the folds but one; failed where one of them failed. Results without folds stay as they are. */
function overFolds(results: readonly TrialResult[], without: number | undefined): readonly TrialResult[] {
  const of = new Map<number, TrialResult[]>();
  for (const result of results) {
    if (result.fold === undefined) of.set(result.trial, [result]);
    else if (result.fold !== without) of.set(result.trial, [...(of.get(result.trial) ?? []), result]);
  }
  return [...of.values()].flatMap((folds): TrialResult[] => {
    const [head] = folds;
    if (head?.fold === undefined) return folds;
    const { fold: _, ...one } = folds.find(({ kind }) => kind === "failed") ?? head;
    if (one.kind === "failed") return [one];
    const mean = (name: "macroF1" | "accuracy" | "logLoss"): number =>
      folds.reduce((sum, each) => sum + (each.kind === "done" ? each[name] : 0), 0) / folds.length;
    return [{ ...one, macroF1: mean("macroF1"), accuracy: mean("accuracy"), logLoss: mean("logLoss") }];
  });
}

function allFailed(results: readonly TrialResult[]): StockroomError {
  const failed = results.find((result) => result.kind === "failed");
  return new StockroomError(
    "fault",
    "FIT_ALL_TRIALS_FAILED",
    `Expected at least one of ${results.length} trials to end but all failed; the first said: ${failed?.error.message ?? "nothing"}`,
  );
}

export interface SearchOutcome {
  readonly parameters: Hyperparameters;
  /** What each fold is judged with: chosen by the other folds alone. Empty without folds. */
  readonly ofFolds: readonly Hyperparameters[];
  readonly trials: readonly TrialResult[];
}

/** Runs one trial; what goes wrong is its result, but an abort is thrown. */
export function runTrial(prepared: Prepared, sides: Sides, spec: TrialSpec, signal?: AbortSignal): TrialResult {
  try {
    const items = spec.share >= 1 ? sides.train : takeShare(prepared, sides.train, spec);
    const trained = train(prepared, items, spec.parameters, { seed: spec.seed, ...(signal === undefined ? {} : { signal }) });
    const logits = scoreItems(prepared, sides.validation, trained);
    const classes = prepared.classes.length;
    const labels = Int32Array.from(sides.validation, (item) => prepared.labels[item]);
    const predicted = topClasses(logits, classes);
    const temperature = fitTemperature({ logits, classes, labels });
    const probabilities = applyCalibration({ kind: "temperature", temperature }, logits, classes);
    const { accuracy, macroF1 } = scoreLabels(labels, predicted, classes);
    return { ...spec, kind: "done", accuracy, macroF1, logLoss: scoreProbabilities(probabilities, classes, labels).logLoss };
  } catch (thrown) {
    signal?.throwIfAborted();
    return { ...spec, kind: "failed", error: describeError(thrown) };
  }
}

/** Index of the largest of each row; the first of equals. */
export function topClasses(scores: Float32Array | Float64Array, classes: number): Int32Array {
  const tops = new Int32Array(scores.length / classes);
  for (let row = 0; row < tops.length; row++) {
    let top = 0;
    for (let c = 1; c < classes; c++) if (scores[row * classes + c] > scores[row * classes + top]) top = c;
    tops[row] = top;
  }
  return tops;
}

function takeShare(prepared: Prepared, items: Uint32Array, spec: TrialSpec): Uint32Array {
  // By group, like every split, and the same items for every trial of a rung.
  const some = items.filter((item) => splitOf(prepared.groups[item], spec.seed + 7919) < spec.share);
  return some.length > 0 ? some : items;
}

function atRung(spec: TrialSpec, rung: number, items: number): TrialSpec {
  const { share, epochs } = RUNGS[rung];
  const full = plainParameters(spec.trial, spec.seed);
  return {
    trial: spec.trial,
    rung,
    parameters: { ...full, epochs: Math.min(full.epochs, epochs) },
    share: Math.min(1, Math.max(share, FEWEST_ITEMS / Math.max(1, items))),
    seed: spec.seed,
  };
}

function plainParameters(trial: number, seed: number): Hyperparameters {
  return trial === 0 ? defaultHyperparameters : draw(seed, trial);
}

function draw(seed: number, trial: number): Hyperparameters {
  const random = makeRandom(seed).fork(`trial ${trial}`);
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)];
  /** Log-uniform around the default. */
  const near = (value: number, factor: number): number => Number((value * factor ** (2 * random.next() - 1)).toPrecision(3));
  const base = defaultHyperparameters;
  return {
    epochs: pick([4, 5, 6, 8, 12]),
    rate: near(base.rate, 2),
    firstTextScale: near(base.firstTextScale, 1.6),
    otherTextScale: near(base.otherTextScale, 1.8),
    categoryScale: near(base.categoryScale, 2),
    crossScale: near(base.crossScale, 2),
    numberScale: near(base.numberScale, 2.5),
    idfPower: pick([0, 0.5, 0.5, 1] as const),
    minItems: pick([1, 1, 1, 2]),
    minChars: 3,
    maxChars: pick([4, 5, 5]),
    pairs: pick([true, true, true, false]),
    dropout: pick([0, 0, 0.1, 0.2]),
    classPower: pick([0, 0, 0, 0.25, 0.5] as const),
  };
}
