import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coverageAtPrecision, scoreDecisions, scoreLabels, scoreProbabilities } from "./metrics.ts";

const truth = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 0, 1];
const predicted = [0, 0, 1, 1, 2, 2, 2, 0, 2, 0, 0, 1];

const labels = fc
  .integer({ min: 1, max: 6 })
  .chain((classes) =>
    fc.tuple(
      fc.constant(classes),
      fc.array(fc.tuple(fc.integer({ min: -1, max: classes - 1 }), fc.integer({ min: 0, max: classes - 1 })), { maxLength: 60 }),
    ),
  );

describe("scoreLabels", () => {
  test("agrees with scikit-learn", () => {
    // f1_score (macro, weighted), accuracy_score, precision_recall_fscore_support of scikit-learn 1.2.1
    const scores = scoreLabels(truth, predicted, 4);
    expect(scores.macroF1).toBeCloseTo(0.5208333333333333, 15);
    expect(scores.weightedF1).toBeCloseTo(0.6388888888888888, 15);
    expect(scores.accuracy).toBeCloseTo(0.6666666666666666, 15);
    expect(scores.classes.map((one) => one.precision)).toEqual([0.6, 2 / 3, 0.75, 0]);
    expect(scores.classes.map((one) => one.recall)).toEqual([0.75, 2 / 3, 0.75, 0]);
    expect(scores.classes.map((one) => one.support)).toEqual([4, 3, 4, 1]);
  });

  test("counts every code that is true or guessed, as scikit-learn does", () => {
    // By hand, as f1_score(average="macro") of scikit-learn defines it: a code that no answer has, one that no truth has, and both at once.
    expect(scoreLabels([0, 0, 1, 1, 2], [0, 0, 1, 0, 0], 3).macroF1).toBeCloseTo(4 / 9, 15);
    expect(scoreLabels([0, 0, 1, 1], [0, 0, 1, 2], 3).macroF1).toBeCloseTo(5 / 9, 15);
    expect(scoreLabels([0, 0, 1, 1, 3], [0, 0, 1, 2, 1], 4).macroF1).toBeCloseTo(0.375, 15);
    expect(scoreLabels([0, 0, 1, 1, 3], [0, 0, 1, 2, 1], 4).weightedF1).toBeCloseTo(0.6, 15);
    expect(scoreLabels([0, 0, 1, 1, 3], [0, 0, 1, 2, 1], 9).macroF1).toBeCloseTo(0.375, 15);
  });

  test("leaves codes that are neither true nor guessed out of the mean, and counts those without a number as one wrong code", () => {
    expect(scoreLabels([0, 0], [0, 0], 5).macroF1).toBe(1);
    expect(scoreLabels([0, -1], [0, 0], 2)).toMatchObject({ items: 2, accuracy: 0.5, macroF1: 1 / 3 });
    expect(scoreLabels([], [], 3)).toMatchObject({ accuracy: 0, macroF1: 0, weightedF1: 0 });
  });

  test("stays in 0..1, is 1 exactly when all is right, and does not mind the order of items", () => {
    fc.assert(
      fc.property(labels, ([classes, pairs]) => {
        const score = (rows: typeof pairs) =>
          scoreLabels(
            rows.map(([t]) => t),
            rows.map(([, p]) => p),
            classes,
          );
        const scores = score(pairs);
        for (const value of [scores.accuracy, scores.macroF1, scores.weightedF1]) expect(value >= 0 && value <= 1 + 1e-12).toBe(true);
        expect(scores.accuracy === 1).toBe(pairs.length > 0 && pairs.every(([t, p]) => t === p));
        expect(score(pairs.toReversed()).macroF1).toBeCloseTo(scores.macroF1, 12);
      }),
    );
  });
});

describe("scoreProbabilities", () => {
  test("agrees with scikit-learn and with arithmetic", () => {
    // log_loss of scikit-learn 1.2.1; Brier by numpy
    const scores = scoreProbabilities(Float64Array.of(0.7, 0.2, 0.1, 0.1, 0.6, 0.3, 0.2, 0.5, 0.3), 3, [0, 1, 2]);
    expect(scores.logLoss).toBeCloseTo(0.6904911240102196, 14);
    expect(scores.brier).toBeCloseTo(0.39333333333333337, 14);
    // Three bins: 0.7 right, 0.6 right, 0.5 wrong.
    expect(scores.ece).toBeCloseTo((0.3 + 0.4 + 0.5) / 3, 14);
  });

  test("is finite for certainty that was wrong, unknown codes and nothing at all", () => {
    expect(scoreProbabilities(Float64Array.of(1, 0), 2, [1])).toEqual({ logLoss: expect.closeTo(-Math.log(1e-15), 9), brier: 2, ece: 1 });
    expect(scoreProbabilities(Float64Array.of(1, 0), 2, [-1]).brier).toBe(2);
    expect(scoreProbabilities(new Float64Array(0), 2, [])).toEqual({ logLoss: 0, brier: 0, ece: 0 });
  });
});

test("coverageAtPrecision finds the best threshold of all, ties taken together", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 1 })), { maxLength: 60 }),
      fc.constantFrom(0.5, 0.8, 0.9, 1),
      (rows, precision) => {
        const best = coverageAtPrecision(
          rows.map(([c]) => c / 10),
          rows.map(([, r]) => r),
          precision,
        );
        let brute = 0;
        for (const [level] of rows) {
          const taken = rows.filter(([c]) => c >= level);
          if (taken.filter(([, r]) => r === 1).length >= precision * taken.length) brute = Math.max(brute, taken.length / rows.length);
        }
        expect(best.coverage).toBeCloseTo(brute, 12);
        expect(rows.filter(([c]) => c / 10 >= best.confidence)).toHaveLength(Math.round(best.coverage * rows.length));
      },
    ),
  );
});

test("scoreDecisions adds up its segments", () => {
  const scores = scoreDecisions([1, 1, 0, 1], [1, 0, 1, 1], ["b", "b", "a", "a"]);
  expect(scores.all).toMatchObject({ items: 4, automatic: 3, coverage: 0.75, precision: 2 / 3 });
  expect(Object.keys(scores.segments)).toEqual(["a", "b"]);
  expect(scores.segments["a"]).toMatchObject({ items: 2, automatic: 1, precision: 1 });
  expect(scoreDecisions([], []).all).toMatchObject({ items: 0, coverage: 0, precision: 0, interval: { low: 0, high: 1 } });
});
