// Evaluate: what a model was worth on labelled items, counted as they stream by.
//
//   V1. Kept per item are a few numbers, never its text.
//   V2. A true code the model does not know counts as wrong, has a row of its own and is a code of the means like any other (M2 of metrics).

import { calibrationError } from "./calibration.ts";
import type { Item } from "./dataset.ts";
import { confidenceOf } from "./decisions.ts";
import { coverageAtPrecision, scoreDecisions, scoreLabels, type ClassScore, type DecisionScore } from "./metrics.ts";
import { wasTrainedOn, type Model } from "./model.ts";
import type { Prediction } from "./predict.ts";

export interface Evaluation {
  readonly items: number;
  /** Items whose true code the model has never met. */
  readonly unknownCodes: number;
  readonly accuracy: number;
  readonly macroF1: number;
  readonly weightedF1: number;
  readonly ece: number;
  readonly promise: number;
  /** Automatic decisions, over all items and by segment. */
  readonly automatic: DecisionScore;
  readonly segments: Readonly<Record<string, DecisionScore>>;
  /** The largest coverage that any one threshold could reach at the promise on these very items: a ceiling. */
  readonly coverageCeiling: number;
  /** The items whose text was not among those learned from. */
  readonly unseen: { readonly items: number; readonly accuracy: number; readonly macroF1: number };
  /** Every code that the model knows or the items have. */
  readonly classes: readonly (ClassScore & { readonly code: string })[];
}

export interface Evaluator {
  add(items: readonly Item[], labels: readonly string[], predictions: readonly Prediction[]): void;
  finish(): Evaluation;
}

export function openEvaluator(model: Model): Evaluator {
  const codes = [...model.classes];
  const indexOf = new Map(codes.map((code, index) => [code, index]));
  const known = codes.length;
  const numberOf = (code: string): number => {
    let index = indexOf.get(code);
    if (index === undefined) {
      index = codes.push(code) - 1;
      indexOf.set(code, index);
    }
    return index;
  };
  const segment = model.card.columns.categories.indexOf(model.card.segment);
  const truth: number[] = [];
  const predicted: number[] = [];
  const top: number[] = [];
  const confidence: number[] = [];
  const right: number[] = [];
  const automatic: number[] = [];
  const segments: string[] = [];
  const unseen: number[] = [];
  return {
    add: (items, labels, predictions) => {
      for (const [row, prediction] of predictions.entries()) {
        const own = numberOf(labels[row]);
        const answer = numberOf(prediction.code);
        if (!wasTrainedOn(model, items[row])) unseen.push(truth.length);
        truth.push(own);
        predicted.push(answer);
        top.push(prediction.probability);
        confidence.push(confidenceOf(model.decisions.score, prediction.probability, prediction.runnerUpProbability));
        right.push(own === answer ? 1 : 0);
        automatic.push(prediction.decision === "auto" ? 1 : 0);
        segments.push(segment < 0 ? "" : items[row].categories[segment]);
      }
    },
    finish: () => {
      const classes = codes.length;
      const all = scoreLabels(truth, predicted, classes);
      const fresh = scoreLabels(
        unseen.map((row) => truth[row]),
        unseen.map((row) => predicted[row]),
        classes,
      );
      const decisions = scoreDecisions(automatic, right, segments);
      return {
        items: truth.length,
        unknownCodes: truth.filter((label) => label >= known).length,
        accuracy: all.accuracy,
        macroF1: all.macroF1,
        weightedF1: all.weightedF1,
        ece: calibrationError(top, right),
        promise: model.decisions.promise,
        automatic: decisions.all,
        segments: decisions.segments,
        coverageCeiling: coverageAtPrecision(confidence, right, model.decisions.promise).coverage,
        unseen: { items: unseen.length, accuracy: fresh.accuracy, macroF1: fresh.macroF1 },
        classes: all.classes.map((score, index) => Object.assign({ code: codes[index] }, score)),
      };
    },
  };
}
