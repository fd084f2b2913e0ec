import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import type { Panel } from "../contract.ts";
import { boostMean } from "../global/boost.ts";
import { fitGlobal, forecastGlobal } from "../global/global.ts";
import type { Columns, Forest } from "../global/trees.ts";
import { walkForest } from "../global/trees.ts";
import { makePanel } from "../panel/make.ts";
import { explainGlobal } from "./explain.ts";
import { addShap, prepareShap } from "./shap.ts";

const features = 5;

function smallForest(seed: number): { forest: Forest; rows: Uint8Array } {
  const random = makeRandom(seed);
  const count = 400;
  const bins = Uint8Array.from({ length: count * features }, () => random.below(6));
  const columns: Columns = { rows: count, bins, binCounts: new Uint16Array(features).fill(6), categorical: Uint8Array.of(0, 0, 1, 0, 0) };
  const targets = Float32Array.from(
    { length: count },
    (_, r) => bins[r] * bins[count + r] + (bins[2 * count + r] % 2) * 4 + random.normal(),
  );
  const labels = { targets, weights: Float32Array.from(targets, () => 0.5 + random.next()), train: count };
  const options = { trees: 8, leaves: 12, depth: 6, l2: 1, minChild: 4, rate: 0.3, rowShare: 0.8, featureShare: 0.8, patience: 9 };
  const forest = boostMean(columns, labels, { kind: "squared" }, options, makeRandom(seed + 1));
  const rows = Uint8Array.from({ length: 10 * features }, () => random.below(6));
  return { forest, rows };
}

/** What the forest expects of a row of which only the features in `known` (a set of bits) are known: the definition, branch by branch. */
function expected(forest: Forest, row: Uint8Array, known: number): number {
  const cover = (at: number): number => (at < 0 ? forest.leafCover[~at] : forest.nodeCover[at]);
  const visit = (at: number): number => {
    if (at < 0) return forest.values[~at];
    const right = forest.children[2 * at];
    const left = forest.children[2 * at + 1];
    const asked = forest.feature[at];
    if (((known >> asked) & 1) === 1) return visit((forest.sets[8 * at] >>> row[asked]) & 1 ? left : right);
    return (cover(left) * visit(left) + cover(right) * visit(right)) / (cover(left) + cover(right));
  };
  return forest.roots.reduce((sum, root) => sum + visit(root), forest.base[0]);
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
const bitsOf = (set: number): number => (set === 0 ? 0 : (set & 1) + bitsOf(set >> 1));

describe("Shapley values of a forest", () => {
  test("equal Shapley's own definition over all subsets of features", () => {
    for (let seed = 0; seed < 5; seed++) {
      const { forest, rows } = smallForest(seed);
      const shap = prepareShap(forest);
      for (let r = 0; r < 10; r++) {
        const row = rows.subarray(r * features, (r + 1) * features);
        const values = new Float64Array(features);
        addShap(shap, row, values);
        for (let f = 0; f < features; f++) {
          let value = 0;
          for (let set = 0; set < 1 << features; set++) {
            if (((set >> f) & 1) === 1) continue;
            const size = bitsOf(set);
            const weight = (factorial(size) * factorial(features - size - 1)) / factorial(features);
            value += weight * (expected(forest, row, set | (1 << f)) - expected(forest, row, set));
          }
          expect(values[f]).toBeCloseTo(value, 8);
        }
      }
    }
  });

  test("add up to the score, and are 0 for a feature nobody asks", () => {
    const { forest, rows } = smallForest(7);
    const shap = prepareShap(forest);
    const scores = new Float64Array(10);
    walkForest(forest, rows, features, 10, scores);
    for (let r = 0; r < 10; r++) {
      const values = new Float64Array(features + 1);
      addShap(shap, rows.subarray(r * features, (r + 1) * features), values);
      expect(values.reduce((sum, value) => sum + value, shap.base)).toBeCloseTo(scores[r], 9);
      expect(values[features]).toBe(0);
    }
  });
});

describe("an explanation", () => {
  const length = 60;
  const horizon = 4;
  const random = makeRandom(3);
  const panel: Panel = makePanel({
    grid: { frequency: { unit: "W", multiple: 1 }, startMs: Date.UTC(2024, 0, 1), length, horizon },
    series: Array.from({ length: 20 }, (_, i) => {
      const promotion = Float64Array.from({ length: length + horizon }, () => (random.next() < 0.3 ? 1 : 0));
      promotion.fill(i % 2, length);
      const noise = Float64Array.from({ length: length + horizon }, () => random.below(2));
      const values = Array.from({ length }, (__, t) => 10 * (1 + i) * (1 + 3 * promotion[t]) * (0.9 + 0.2 * random.next()));
      return { item: `item ${i}`, metadata: { brand: `brand ${i % 3}` }, values, regressors: { promotion, noise } };
    }),
  });
  const model = fitGlobal(panel, {
    cut: length,
    horizon,
    levels: [0.5],
    random: makeRandom(1),
    nonNegative: true,
    rows: 4000,
    tuning: { trees: 60, rate: 0.1 },
  });
  if (model.kind === "unfit") throw new Error(model.reason);
  const all = panel.itemIds.map((_, i) => i);
  const explanation = explainGlobal(model, panel, all, { cut: length, horizon });
  const forecasts = forecastGlobal(model, panel, { from: 0, to: 20 }, { cut: length, horizon, levels: [0.5] });

  test("adds up to the forecast, in units and on the link", () => {
    for (const each of explanation.series) {
      for (let h = 0; h < horizon; h++) {
        let units = each.base[h];
        let link = each.linkBase;
        for (let a = 0; a < explanation.attributes.length; a++) {
          units += each.impacts[a * horizon + h];
          link += each.linkImpacts[a * horizon + h];
        }
        const mean = forecasts[each.series].mean[h];
        expect(units / mean).toBeCloseTo(1, 6);
        expect(each.mean[h] / mean).toBeCloseTo(1, 6);
        const level = each.base[h] / Math.exp(each.linkBase);
        expect(Math.exp(link) * level * (1 / mean)).toBeCloseTo(1, 6);
      }
    }
  });

  test("names the promotion first, up where it runs and down where it does not", () => {
    expect(explanation.attributes[0]).toBe("promotion");
    expect(explanation.attributes).toContain("brand");
    for (const each of explanation.series) expect(Math.sign(each.scores[0])).toBe(each.series % 2 === 1 ? 1 : -1);
  });

  test("scores lie in -1..1 and the strongest attribute has 1", () => {
    expect(explanation.strengths[0]).toBe(1);
    for (const each of explanation.series) {
      const sizes = [...each.scores].map((score) => Math.abs(score));
      expect(Math.max(...sizes)).toBe(1);
    }
    for (const score of explanation.scores) expect(Math.abs(score)).toBeLessThanOrEqual(1);
  });
});
