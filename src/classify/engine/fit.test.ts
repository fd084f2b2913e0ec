import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../platform/random.ts";
import { makeDatasetBuilder, hashItemText, splitOf, type Dataset, type Item } from "./dataset.ts";
import { openEvaluator } from "./evaluate.ts";
import { appraise, fitModel, fitModelWith, learn, planFit, sidesOf, type FitOptions } from "./fit.ts";
import { wilson } from "./intervals.ts";
import { decodeModel, encodeModel, type Model } from "./model.ts";
import { openPredictor, openPredictors } from "./predict.ts";
import { climbRungs, nextRung, drawTrials, runTrial, type TrialResult } from "./search.ts";

const columns = { text: ["title", "fault"], categories: ["country", "brand"], numbers: ["price"] };
const kinds = ["kettle", "toaster", "lamp", "drill", "phone"];
const words = ["old", "new", "red", "broken", "wire", "switch", "wont", "start", "smells", "leaks"];

/** A shop: titles name the kind with typing errors, some are missing; prices and brands lean towards a kind. */
function makeItems(count: number, seed: number): { item: Item; label: string }[] {
  const random = makeRandom(seed);
  return Array.from({ length: count }, () => {
    const kind = random.below(kinds.length);
    const word = kinds[kind];
    const slip = random.below(word.length);
    const name = random.next() < 0.2 ? word.slice(0, slip) + word.slice(slip + 1) : word;
    const title = random.next() < 0.15 ? "" : `${words[random.below(10)]} ${name} ${random.below(1000)}`;
    const fault = `${words[random.below(10)]} ${words[random.below(10)]} ${random.next() < 0.3 ? word : ""}`;
    const brand = random.next() < 0.5 ? `brand${kind}` : `brand${random.below(9)}`;
    const price = random.next() < 0.1 ? "" : String(10 * (kind + 1) + random.below(20));
    return { item: { text: [title, fault], categories: [["GBR", "DEU"][random.below(2)], brand], numbers: [price] }, label: `c-${word}` };
  });
}

function build(rows: readonly { item: Item; label: string }[]): Dataset {
  const builder = makeDatasetBuilder(columns);
  for (const { item, label } of rows) builder.add(item, label);
  return builder.build();
}

const options: FitOptions = {
  seed: 1,
  label: "code",
  date: "2026-01-31",
  data: { name: "toy", hash: "", rows: 0, badRows: 0 },
};
const rows = makeItems(1200, 5);
const dataset = build(rows);
const model = fitModel(dataset, options);
const bytes = encodeModel(model);

describe("a fit", () => {
  test("learns what there is to learn and knows how sure it may be", () => {
    const fresh = makeItems(800, 6);
    const evaluator = openEvaluator(model);
    const items = fresh.map((row) => row.item);
    evaluator.add(
      items,
      fresh.map((row) => row.label),
      openPredictor(model).predict(items),
    );
    const report = evaluator.finish();
    expect(report.accuracy).toBeGreaterThan(0.93);
    expect(report.ece).toBeLessThan(0.06);
    expect(report.automatic.coverage).toBeGreaterThan(0.5);
    expect(Object.keys(report.segments)).toEqual(["DEU", "GBR"]);
  });

  test("is scored on every code: those it does not know, and those it guesses though no item has them", () => {
    const items = makeItems(60, 9);
    const predictions = openPredictor(model).predict(items.map((row) => row.item));
    const [first = ""] = model.classes;
    // One item of a code never met, and no item of the first code left among the true ones.
    const kept = items.flatMap((row, index) => (row.label === first && index > 0 ? [] : [{ row, answer: predictions[index] }]));
    const evaluator = openEvaluator(model);
    const truth = kept.map(({ row }, index) => (index === 0 ? "NEW" : row.label));
    const answers = kept.map(({ answer }, index) => (index === 1 ? { ...answer, code: first } : answer));
    evaluator.add(
      kept.map(({ row }) => row.item),
      truth,
      answers,
    );
    const report = evaluator.finish();
    const codes = new Set([...truth, ...answers.map((answer) => answer.code)]);
    const f1 = [...codes].map((code) => {
      const count = (test: (index: number) => boolean): number => truth.filter((_, index) => test(index)).length;
      const hits = count((index) => truth[index] === code && answers[index].code === code);
      return (2 * hits) / (count((index) => truth[index] === code) + count((index) => answers[index].code === code));
    });
    expect(report.macroF1).toBeCloseTo(f1.reduce((sum, one) => sum + one, 0) / codes.size, 12);
    expect(report.unknownCodes).toBe(1);
    expect(report.classes.find(({ code }) => code === "NEW")).toMatchObject({ support: 1, predicted: 0, f1: 0 });
    expect(report.classes.find(({ code }) => code === first)).toMatchObject({ support: 0, f1: 0 });
  });

  test("gives the same bytes again, and with the plain kernel", () => {
    expect(Buffer.from(encodeModel(fitModel(build(rows), options))).equals(bytes)).toBe(true);
    expect(Buffer.from(encodeModel(fitModel(dataset, { ...options, kernel: "plain" }))).equals(bytes)).toBe(true);
  });

  test("gives the same bytes whoever runs the trials, in whatever order", async () => {
    const small = build(rows.slice(0, 400));
    const wanted = { ...options, trials: 5 };
    const here = encodeModel(fitModel(small, wanted));
    const plan = planFit(small, wanted, true);
    const elsewhere = await fitModelWith(plan, wanted, {
      runTrials: async (specs) => {
        const results: TrialResult[] = [];
        for (const spec of specs.toReversed()) results.unshift(runTrial(plan.prepared, sidesOf(plan, spec), spec));
        return results;
      },
      appraise: async (chosen) => appraise(structuredClone(plan), chosen, wanted),
      learn: async (parameters) => learn(structuredClone(plan), parameters, wanted),
    });
    expect(Buffer.from(encodeModel(elsewhere)).equals(here)).toBe(true);
  });

  test("learns once when the caller's own items judge, wherever that is", async () => {
    const wanted = { ...options, validationFrom: 900 };
    const plan = planFit(dataset, wanted, true);
    const elsewhere = await fitModelWith(plan, wanted, {
      runTrials: () => Promise.reject(new Error("A single trial has nothing to be compared with.")),
      appraise: async (chosen) => appraise(structuredClone(plan), chosen, wanted),
      learn: () => Promise.reject(new Error("What was appraised is what answers.")),
    });
    expect(Buffer.from(encodeModel(elsewhere)).equals(encodeModel(fitModel(dataset, wanted)))).toBe(true);
  });

  test("stops when aborted, as no failure of a trial", () => {
    const plan = planFit(dataset, options);
    const aborted = AbortSignal.abort(new Error("enough"));
    const [spec] = drawTrials(1, 1, dataset.size);
    expect(() => runTrial(plan.prepared, plan.sides, spec, aborted)).toThrow("enough");
    expect(() => appraise(plan, { parameters: spec.parameters, ofFolds: [] }, options, aborted)).toThrow("enough");
    expect(() => learn(plan, spec.parameters, options, aborted)).toThrow("enough");
  });

  test("depends on the seed", () => {
    expect(Buffer.from(encodeModel(fitModel(dataset, { ...options, seed: 2 }))).equals(bytes)).toBe(false);
  });

  test("judges by the caller's own items without learning from them", () => {
    const own = fitModel(dataset, { ...options, validationFrom: 900 });
    expect(own.card.items).toEqual({ train: 900, validation: 300 });
    expect(own.seen).not.toEqual(model.seen);
    const other = rows.map((row, index) => (index < 900 ? row : { ...row, item: { ...row.item, text: ["zebra", "zebra"] } }));
    const blind = fitModel(build(other), { ...options, validationFrom: 900 });
    expect(blind.weights).toEqual(own.weights);
  });

  test.each([
    [
      "constant texts",
      rows.slice(0, 60).map((row) => ({ ...row, item: { text: ["same", "same"], categories: ["GBR", "b"], numbers: ["1"] } })),
    ],
    ["empty items", rows.slice(0, 60).map((row) => ({ ...row, item: { text: ["", ""], categories: ["", ""], numbers: [""] } }))],
    ["one item a code", rows.slice(0, 40).map((row, index) => ({ ...row, label: `c${index}` }))],
    [
      "wild text",
      rows.slice(0, 40).map((row, index) => ({ ...row, item: { ...row.item, text: ["🔌\ud800", String.fromCharCode(0, index)] } })),
    ],
  ])("stays finite on %s", (_, some) => {
    const odd = fitModel(build(some), options);
    expect(odd.scales.every(Number.isFinite)).toBe(true);
    for (const prediction of openPredictor(odd).predict(some.map((row) => row.item))) {
      expect(prediction.probability).toBeGreaterThan(0);
      expect(prediction.probability).toBeLessThanOrEqual(1);
      expect(prediction.probability).toBeGreaterThanOrEqual(prediction.runnerUpProbability);
    }
    expect(Object.values(odd.card.metrics).every(Number.isFinite)).toBe(true);
  });

  test("refuses what cannot be learned, in words", () => {
    expect(() => fitModel(build([]), options)).toThrow(/at least 10 labelled items but there are 0/);
    expect(() => fitModel(build(rows.slice(0, 2)), options)).toThrow(/there are 2/);
    expect(() => fitModel(build(rows.slice(0, 50).map((row) => ({ ...row, label: "one" }))), options)).toThrow(/at least two codes/);
    const late = rows.slice(0, 50).map((row, index) => ({ ...row, label: index < 40 ? "one" : "two" }));
    expect(() => fitModel(build(late), { ...options, validationFrom: 40 })).toThrow(/all 40 have the same/);
  });
});

describe("a model file", () => {
  test("comes back the same to the byte", () => {
    const again = decodeModel(bytes);
    expect(again).toEqual(model);
    expect(Buffer.from(encodeModel(again)).equals(bytes)).toBe(true);
  });

  test("is refused after any flipped bit or cut", () => {
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 7 }), (at, bit) => {
        const flipped = Uint8Array.from(bytes);
        flipped[at] ^= 1 << bit;
        expect(() => decodeModel(flipped)).toThrow(/^Expected the model file to be a model but/);
        expect(() => decodeModel(bytes.slice(0, at))).toThrow(/^Expected the model file to be a model but/);
      }),
    );
  });

  test("says which way it is wrong", () => {
    expect(() => decodeModel(new Uint8Array(0))).toThrow(/does not begin as one/);
    expect(() => decodeModel(Buffer.from("id,title\n1,kettle\n"))).toThrow(/does not begin as one/);
    const newer = Uint8Array.from(bytes);
    newer[8] = 9;
    expect(() => decodeModel(newer)).toThrow(/version 9/);
    expect(() => decodeModel(bytes.slice(0, -100))).toThrow(/its end is missing/);
  });
});

describe("answers", () => {
  const items = makeItems(300, 9).map((row) => row.item);
  const strip = (predictions: ReturnType<ReturnType<typeof openPredictor>["predict"]>): unknown =>
    predictions.map((prediction) => Object.assign({}, prediction, { evidence: [] }));

  test("do not depend on the neighbours in the batch", () => {
    const whole = openPredictor(model).predict(items);
    const predictor = openPredictor(model);
    expect(items.flatMap((item) => predictor.predict([item]))).toEqual(whole);
    expect(predictor.predict(items.toReversed()).toReversed()).toEqual(whole);
  });

  test("are the same from the plain kernel, without evidence, and from several models at once", () => {
    const whole = openPredictor(model).predict(items);
    expect(openPredictor(model, { kernel: "plain" }).predict(items)).toEqual(whole);
    expect(strip(openPredictor(model, { evidence: false }).predict(items))).toEqual(strip(whole));
    const other = fitModel(build(makeItems(500, 77)), { ...options, seed: 3 });
    const [first, second, third] = openPredictors([model, other, model]).predict(items);
    expect(first).toEqual(whole);
    expect(third).toEqual(whole);
    expect(second).toEqual(openPredictor(other).predict(items));
  });

  test("are the same from models that read the same features and differ only in how many bits of a key count", () => {
    const plain = (count: number, seed: number): Model =>
      fitModel(build(makeItems(count, seed).map((row) => ({ ...row, item: { ...row.item, numbers: [""] } }))), options);
    const [large, small] = [plain(1500, 5), plain(60, 77)];
    expect(small.spec.bits).not.toBe(large.spec.bits);
    expect({ ...small.spec, bits: 0 }).toEqual({ ...large.spec, bits: 0 });
    const alone = [large, small].map((one) => openPredictor(one).predict(items));
    expect(openPredictors([large, small]).predict(items)).toEqual(alone);
  });

  test("name the word that decided", () => {
    const [answer] = openPredictor(model).predict([{ text: ["red toaster", "smells"], categories: ["GBR", ""], numbers: [""] }]);
    expect(answer.code).toBe("c-toaster");
    expect(answer.evidence[0]).toMatchObject({ column: "title", text: "toaster" });
  });

  test("come for a text far longer than the stage", () => {
    const long = Array.from({ length: 400_000 }, (_, i) => kinds[i % 5] + String(i)).join(" ");
    const item = { text: [long, long], categories: ["GBR", "b"], numbers: ["3"] };
    const batch = [items[0], item, items[1], item];
    const predictor = openPredictor(model);
    expect(predictor.predict(batch)).toEqual(batch.flatMap((one) => openPredictor(model).predict([one])));
  });
});

describe("the search", () => {
  test("plans by seed and number alone, the default first", () => {
    expect(drawTrials(7, 20, 5000)).toEqual(drawTrials(7, 20, 5000));
    expect(drawTrials(7, 20, 5000).slice(0, 5)).toEqual(drawTrials(7, 5, 5000));
    expect(drawTrials(8, 20, 5000)[1]).not.toEqual(drawTrials(7, 20, 5000)[1]);
  });

  test("keeps the best third of what did not fail, and ends", () => {
    const results = drawTrials(1, 9, 10_000).map((spec): TrialResult =>
      spec.trial === 8
        ? { ...spec, kind: "failed", error: { kind: "fault", code: "X", message: "broke", facts: {} } }
        : { ...spec, kind: "done", macroF1: spec.trial / 10, accuracy: 0.5, logLoss: 1 },
    );
    const second = nextRung(results, 10_000);
    expect(second.map((spec) => spec.trial)).toEqual([7, 6, 5]);
    const third = nextRung(
      second.map((spec): TrialResult => ({ ...spec, kind: "done", macroF1: 0.5, accuracy: 0.5, logLoss: spec.trial })),
      10_000,
    );
    expect(third.map((spec) => spec.trial)).toEqual([5]);
    expect(third[0].share).toBe(1);
    expect(
      nextRung(
        third.map((spec): TrialResult => ({ ...spec, kind: "done", macroF1: 1, accuracy: 1, logLoss: 0 })),
        10_000,
      ),
    ).toEqual([]);
  });

  test("fails only when every trial does", () => {
    const failed = (spec: ReturnType<typeof drawTrials>[number]): TrialResult => ({
      ...spec,
      kind: "failed",
      error: { kind: "fault", code: "X", message: "broke", facts: {} },
    });
    const search = climbRungs(1, 3, 100);
    const specs = search.next();
    if (specs.done === true) throw new Error("Expected a first rung but the search had ended.");
    expect(() => search.next(specs.value.map(failed))).toThrow(/all failed; the first said: broke/);
  });
});

test("more codes than a learner has room for are refused in words", () => {
  const many = Array.from({ length: 22_000 }, (_, i) => ({ item: rows[i % 1000].item, label: `c${i >> 1}` }));
  expect(() => planFit(build(many), options)).toThrow(/at most 10000 codes for 22000 items but there are 11000\. Learn a coarser level/);
});

describe("few items", () => {
  const few: FitOptions = { ...options, trials: 6 };
  const small = rows.slice(0, 300);

  test("are judged once each, by hyperparameters that their fold had no part in choosing", () => {
    const folded = fitModel(build(small), few);
    expect(folded.card).toMatchObject({ items: { train: 300, validation: 300 }, folds: 5 });
    const fresh = makeItems(800, 6);
    const answers = openPredictor(folded).predict(fresh.map((row) => row.item));
    const accuracy = fresh.filter((row, i) => answers[i].code === row.label).length / fresh.length;
    const { low, high } = wilson(Math.round(300 * folded.card.metrics.accuracy), 300);
    expect(accuracy).toBeGreaterThan(low);
    expect(accuracy).toBeLessThan(high);
  });

  test("choose for each fold by what the other folds say", () => {
    const search = climbRungs(1, 4, 300, 3);
    const scores = new Map<string, number>();
    let step = search.next();
    while (step.done !== true) {
      step = search.next(
        step.value.map((spec): TrialResult => {
          // Trial 1 is the best on fold 0 by far, trial 2 a little on all others: without fold 0, trial 2 wins.
          const macroF1 = spec.fold === 0 && spec.trial === 1 ? 0.99 : spec.trial === 2 ? 0.6 : spec.trial === 1 ? 0.55 : 0.1;
          scores.set(`${spec.trial}/${spec.fold ?? "-"}`, macroF1);
          return { ...spec, kind: "done", macroF1, accuracy: macroF1, logLoss: 1 };
        }),
      );
    }
    const of = (trial: number) => drawTrials(1, 4, 300)[trial]?.parameters.rate;
    expect(step.value.parameters.rate).toBe(of(1));
    expect(step.value.ofFolds.map(({ rate }) => rate)).toEqual([of(2), of(1), of(1)]);
    expect(scores.size).toBe(12);
    expect(step.value.trials.every((trial) => trial.fold === undefined)).toBe(true);
  });

  test("stay with the caller's items where there are some, and with a share set aside where asked for", () => {
    expect(fitModel(build(small), { ...few, validationFrom: 200 }).card).toMatchObject({ items: { train: 200, validation: 100 } });
    expect(fitModel(build(small), { ...few, validationFrom: 200 }).card.folds).toBeUndefined();
    expect(fitModel(build(small), { ...few, folds: 0 }).card.items.validation).toBeLessThan(120);
  });
});

test("a split is a function of group and seed, and fair", () => {
  const groups = Array.from({ length: 4000 }, (_, i) => hashItemText({ text: [`item ${i}`], categories: [], numbers: [] }));
  const share = groups.filter((group) => splitOf(group, 3) < 0.3).length / groups.length;
  expect(Math.abs(share - 0.3)).toBeLessThan(0.03);
  const both = groups.filter((group) => splitOf(group, 3) < 0.3 && splitOf(group, 4) < 0.3).length / groups.length;
  expect(Math.abs(both - 0.09)).toBeLessThan(0.02);
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const hash = (one: string): number => hashItemText({ text: [one, "x"], categories: [], numbers: [] });
      expect(hash(` ${text}\t`)).toBe(hash(text));
      expect(hash(text.normalize("NFD"))).toBe(hash(text.normalize("NFC")));
    }),
  );
});
