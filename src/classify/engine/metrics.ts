// Metrics: how good predictions and probabilities were on items whose code is known.
//
// Owns: the definitions of every figure we print. Does not own: whether a difference is more than chance (gate), intervals (intervals).
//   M1. No figure is ever NaN: what has no items is 0 with a support of 0, and says so.
//   M2. Macro-F1 is the mean over all codes that are true or predicted, as in scikit-learn: a code that was only guessed, or that no model knows, counts
//       with an F1 of 0. Whoever knows such codes by name numbers them like the others; see M3 for those who do not.
//   M3. A true code without a number is -1: always wrong, and all of them together count as one more code.

import { calibrationError } from "./calibration.ts";
import { wilson } from "./intervals.ts";
import type { Interval } from "./intervals.ts";

/** Figures of one code. */
export interface ClassScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Items truly of this code. */
  readonly support: number;
  /** Items predicted to be of this code. */
  readonly predicted: number;
}

/** Figures of labels against the true ones. */
export interface LabelScores {
  readonly items: number;
  readonly accuracy: number;
  readonly macroF1: number;
  /** Mean F1, each code weighted by its support. */
  readonly weightedF1: number;
  /** By class index. */
  readonly classes: readonly ClassScore[];
}

/** Figures of probabilities against the true labels. */
export interface ProbabilityScores {
  /** Mean negative natural logarithm of the probability of the true code; a probability counts as at least 1e-15. */
  readonly logLoss: number;
  /** Mean over items of the summed squared difference to the true code; 0 is perfect, 2 the worst. */
  readonly brier: number;
  /** Expected calibration error of the top probability, 15 bins: see `calibrationError`. */
  readonly ece: number;
}

/** Scores predicted classes against true ones. */
export function scoreLabels(truth: ArrayLike<number>, predicted: ArrayLike<number>, classes: number): LabelScores {
  const hits = new Float64Array(classes);
  const support = new Float64Array(classes);
  const named = new Float64Array(classes);
  let right = 0;
  let nameless = 0;
  for (let i = 0; i < truth.length; i++) {
    if (truth[i] >= 0) support[truth[i]] += 1;
    else nameless = 1;
    if (predicted[i] >= 0) named[predicted[i]] += 1;
    if (truth[i] >= 0 && truth[i] === predicted[i]) {
      hits[truth[i]] += 1;
      right += 1;
    }
  }
  let macro = 0;
  let weighted = 0;
  let present = nameless;
  const scores = Array.from({ length: classes }, (_, c): ClassScore => {
    const f1 = ratio(2 * hits[c], support[c] + named[c]);
    if (support[c] + named[c] > 0) present += 1;
    macro += f1;
    weighted += f1 * support[c];
    return { precision: ratio(hits[c], named[c]), recall: ratio(hits[c], support[c]), f1, support: support[c], predicted: named[c] };
  });
  return {
    items: truth.length,
    accuracy: ratio(right, truth.length),
    macroF1: ratio(macro, present),
    weightedF1: ratio(weighted, truth.length),
    classes: scores,
  };
}

/** Scores rows of probabilities, `classes` each, against true classes. */
export function scoreProbabilities(
  probabilities: Float32Array | Float64Array,
  classes: number,
  truth: ArrayLike<number>,
): ProbabilityScores {
  const items = truth.length;
  const tops = new Float64Array(items);
  const right = new Uint8Array(items);
  let loss = 0;
  let brier = 0;
  for (let item = 0; item < items; item++) {
    let top = 0;
    for (let c = 0; c < classes; c++) {
      const p = probabilities[item * classes + c];
      if (p > probabilities[item * classes + top]) top = c;
      brier += p * p;
    }
    const own = truth[item] >= 0 ? probabilities[item * classes + truth[item]] : 0;
    brier += 1 - 2 * own;
    loss -= Math.log(Math.max(own, 1e-15));
    tops[item] = classes === 0 ? 0 : probabilities[item * classes + top];
    right[item] = top === truth[item] ? 1 : 0;
  }
  return { logLoss: ratio(loss, items), brier: ratio(brier, items), ece: calibrationError(tops, right) };
}

/** How far one could go if the best threshold were known: a ceiling, not a promise. */
export interface CoverageAt {
  readonly coverage: number;
  /** The loosest confidence that reaches the precision on these very items; above 1 when none does. */
  readonly confidence: number;
  readonly precision: number;
}

/** The largest share of items that can be taken by confidence while `precision` of them are right, found on these very items. */
export function coverageAtPrecision(confidence: ArrayLike<number>, right: ArrayLike<number>, precision: number): CoverageAt {
  const order = Uint32Array.from({ length: confidence.length }, (_, i) => i).sort((a, b) => confidence[b] - confidence[a]);
  let best: CoverageAt = { coverage: 0, confidence: 2, precision: 0 };
  let hits = 0;
  for (let i = 0; i < order.length; i++) {
    hits += right[order[i]];
    const tied = i + 1 < order.length && confidence[order[i + 1]] === confidence[order[i]];
    if (tied || hits < precision * (i + 1)) continue;
    best = { coverage: (i + 1) / order.length, confidence: confidence[order[i]], precision: hits / (i + 1) };
  }
  return best;
}

/** What automatic decisions were worth on items whose code is known. */
export interface DecisionScore {
  readonly items: number;
  readonly automatic: number;
  readonly coverage: number;
  /** Share right among the automatic ones; 0 without any. */
  readonly precision: number;
  /** 95 % interval of the precision (Wilson). */
  readonly interval: Interval;
}

/** Scores decisions over all items and per segment, segments in the order of their names. */
export function scoreDecisions(
  automatic: ArrayLike<number | boolean>,
  right: ArrayLike<number>,
  segments?: ArrayLike<string>,
): { readonly all: DecisionScore; readonly segments: Readonly<Record<string, DecisionScore>> } {
  const all = { items: 0, automatic: 0, right: 0 };
  const counts = new Map<string, typeof all>();
  for (let i = 0; i < right.length; i++) {
    const segment = segments?.[i] ?? "";
    const own = counts.get(segment) ?? { items: 0, automatic: 0, right: 0 };
    counts.set(segment, own);
    for (const count of [all, own]) {
      count.items += 1;
      if (automatic[i]) {
        count.automatic += 1;
        count.right += right[i];
      }
    }
  }
  const score = (count: typeof all): DecisionScore => ({
    items: count.items,
    automatic: count.automatic,
    coverage: ratio(count.automatic, count.items),
    precision: ratio(count.right, count.automatic),
    interval: wilson(count.right, count.automatic),
  });
  const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return { all: score(all), segments: Object.fromEntries(sorted.map(([segment, count]) => [segment, score(count)])) };
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
