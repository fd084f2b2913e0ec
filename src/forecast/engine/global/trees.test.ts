import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import type { Random } from "../../../platform/random.ts";
import { boostMean, boostQuantiles } from "./boost.ts";
import type { BoostOptions, Labels } from "./boost.ts";
import { meanOf } from "./losses.ts";
import type { MeanLoss } from "./losses.ts";
import { growTree, layGround, leafOf, walkForest } from "./trees.ts";
import type { Columns, Forest } from "./trees.ts";

const options: BoostOptions = {
  trees: 80,
  leaves: 15,
  depth: 8,
  l2: 1,
  minChild: 5,
  rate: 0.15,
  rowShare: 0.8,
  featureShare: 1,
  patience: 20,
};

/** Columns of random bins 1..count - 1, with a share of missing ones. */
function randomColumns(rows: number, counts: readonly number[], random: Random, missing = 0, categorical: readonly number[] = []): Columns {
  const bins = new Uint8Array(rows * counts.length);
  counts.forEach((count, f) => {
    for (let r = 0; r < rows; r++) bins[f * rows + r] = random.next() < missing ? 0 : 1 + random.below(count - 1);
  });
  return {
    rows,
    bins,
    binCounts: Uint16Array.from(counts),
    categorical: Uint8Array.from(counts, (_, f) => (categorical.includes(f) ? 1 : 0)),
  };
}

function rowsOf(columns: Columns): Uint8Array {
  const width = columns.binCounts.length;
  const rows = new Uint8Array(columns.rows * width);
  for (let r = 0; r < columns.rows; r++) for (let f = 0; f < width; f++) rows[r * width + f] = columns.bins[f * columns.rows + r];
  return rows;
}

function scoresOf(forest: Forest, columns: Columns): Float64Array {
  const out = new Float64Array(columns.rows * forest.outputs);
  walkForest(forest, rowsOf(columns), columns.binCounts.length, columns.rows, out);
  return out;
}

function labelled(columns: Columns, target: (row: number) => number, train = columns.rows): Labels {
  return {
    targets: Float32Array.from({ length: columns.rows }, (_, r) => target(r)),
    weights: new Float32Array(columns.rows).fill(1),
    train,
  };
}

describe("a tree", () => {
  test("finds the split a search over all splits finds, missing values on their better side", () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = makeRandom(seed);
      const columns = randomColumns(200, [6, 9, 4], random, 0.2);
      const g = Float32Array.from(
        { length: 200 },
        (_, r) => random.normal() + (columns.bins[200 + r] === 0 || columns.bins[200 + r] > 5 ? 1 : 0),
      );
      const h = new Float32Array(200).fill(1);
      const tree = growTree(
        layGround(columns, 2),
        { rows: 200, gradients: g, hessians: h, features: Int32Array.of(0, 1, 2) },
        { leaves: 2, depth: 1, l2: 1, minChild: 10 },
      );
      let best = 0;
      for (let f = 0; f < 3; f++) {
        for (let bin = 1; bin < columns.binCounts[f]; bin++) {
          for (const withMissing of [true, false]) {
            const sums = [0, 0, 0, 0];
            for (let r = 0; r < 200; r++) {
              const at = columns.bins[f * 200 + r];
              const left = at === 0 ? withMissing : at <= bin;
              sums[left ? 0 : 2] += g[r];
              sums[left ? 1 : 3] += 1;
            }
            if (sums[1] < 10 || sums[3] < 10) continue;
            const gain = sums[0] ** 2 / (sums[1] + 1) + sums[2] ** 2 / (sums[3] + 1) - (sums[0] + sums[2]) ** 2 / 201;
            best = Math.max(best, gain);
          }
        }
      }
      expect(tree.nodes === 0 ? 0 : tree.gain[0]).toBeCloseTo(best, 3);
    }
  });

  test("finds the best of all groupings of categories", () => {
    // Equally many rows of each category, so that smoothing does not change their order (Fisher 1958).
    const columns: Columns = {
      rows: 120,
      bins: Uint8Array.from({ length: 120 }, (_, r) => 1 + (r % 6)),
      binCounts: Uint16Array.of(7),
      categorical: Uint8Array.of(1),
    };
    const effects = [3, -1, 2.5, -2, 0.1, -1.2];
    const g = Float32Array.from({ length: 120 }, (_, r) => effects[r % 6]);
    const h = new Float32Array(120).fill(1);
    const tree = growTree(
      layGround(columns, 2),
      { rows: 120, gradients: g, hessians: h, features: Int32Array.of(0) },
      { leaves: 2, depth: 1, l2: 0, minChild: 1 },
    );
    let best = 0;
    let grouping = 0;
    const total = 20 * effects.reduce((a, b) => a + b, 0);
    for (let set = 1; set < 63; set++) {
      let left = 0;
      let rows = 0;
      effects.forEach((effect, k) => {
        if (((set >> k) & 1) === 0) return;
        left += 20 * effect;
        rows += 20;
      });
      const gain = left ** 2 / (rows + 10) + (total - left) ** 2 / (120 - rows + 10) - total ** 2 / 130;
      if (gain > best) [best, grouping] = [gain, set];
    }
    const found = (tree.sets[0] >> 1) & 63;
    expect([grouping, 63 - grouping]).toContain(found);
    expect(tree.gain[0]).toBeCloseTo(best, 2);
  });

  test("keeps every row in exactly the leaf it walks to", () => {
    const columns = randomColumns(1000, [20, 5, 30], makeRandom(3), 0.1, [1]);
    const random = makeRandom(4);
    const g = Float32Array.from({ length: 1000 }, () => random.normal());
    const ground = layGround(columns, 20);
    const tree = growTree(
      ground,
      { rows: 1000, gradients: g, hessians: new Float32Array(1000).fill(1), features: Int32Array.of(0, 1, 2) },
      {
        leaves: 20,
        depth: 6,
        l2: 1,
        minChild: 5,
      },
    );
    expect(tree.leaves).toBeGreaterThan(10);
    const seen = new Set<number>();
    for (let leaf = 0; leaf < tree.leaves; leaf++) {
      expect(tree.to[leaf] - tree.from[leaf]).toBeGreaterThanOrEqual(5);
      let sum = 0;
      for (let i = tree.from[leaf]; i < tree.to[leaf]; i++) {
        expect(leafOf(tree, columns, ground.order[i])).toBe(leaf);
        seen.add(ground.order[i]);
        sum += g[ground.order[i]];
      }
      expect(tree.sumG[leaf]).toBeCloseTo(sum, 3);
    }
    expect(seen.size).toBe(1000);
  });

  test("does not split where nothing differs", () => {
    const columns = randomColumns(50, [1, 1], makeRandom(1), 1);
    const forest = boostMean(
      columns,
      labelled(columns, () => 3),
      { kind: "squared" },
      options,
      makeRandom(1),
    );
    expect([...scoresOf(forest, columns)]).toEqual(Array.from({ length: 50 }, () => 3));
  });
});

describe("boosting", () => {
  const columns = randomColumns(3000, [40, 40, 12, 3], makeRandom(8), 0.05, [2]);
  const at = (f: number, r: number): number => columns.bins[f * 3000 + r];
  const truth = (r: number): number => 1 + at(0, r) / 20 + (at(1, r) > 20 ? 1 : 0) + [0, 2, 0, 1][at(2, r) % 4];

  for (const loss of [{ kind: "squared" }, { kind: "tweedie", power: 1 }, { kind: "tweedie", power: 1.5 }] satisfies MeanLoss[]) {
    test(`learns a mean by ${JSON.stringify(loss)}, and it sums to what was taught`, () => {
      const random = makeRandom(5);
      const labels = labelled(columns, (r) => truth(r) * (0.5 + random.next()), 2500);
      const forest = boostMean(columns, labels, loss, options, makeRandom(6));
      const scores = scoresOf(forest, columns);
      let error = 0;
      let spread = 0;
      let sum = 0;
      let taught = 0;
      for (let r = 0; r < 3000; r++) {
        const mean = meanOf(loss, scores[r]);
        if (r >= 2500) error += (mean - truth(r)) ** 2;
        if (r >= 2500) spread += (truth(r) - 3) ** 2;
        if (r < 2500) sum += mean;
        if (r < 2500) taught += labels.targets[r];
      }
      expect(error / spread).toBeLessThan(0.1);
      expect(Math.abs(sum / taught - 1)).toBeLessThan(0.02);
    });
  }

  test("quantiles cover what they claim where the spread differs from row to row", () => {
    const random = makeRandom(9);
    const labels = labelled(columns, (r) => truth(r) + at(1, r) * 0.1 * random.normal(), 2500);
    const forest = boostQuantiles(columns, labels, [0.1, 0.5, 0.9], options, makeRandom(6));
    const scores = scoresOf(forest, columns);
    const inside = [0, 0];
    const counts = [0, 0];
    for (let r = 2500; r < 3000; r++) {
      const wide = at(1, r) > 20 ? 1 : 0;
      counts[wide]++;
      if (labels.targets[r] > scores[3 * r] && labels.targets[r] < scores[3 * r + 2]) inside[wide]++;
    }
    for (const wide of [0, 1]) {
      expect(inside[wide] / counts[wide]).toBeGreaterThan(0.65);
      expect(inside[wide] / counts[wide]).toBeLessThan(0.92);
    }
  });

  test("stops when the kept rows no longer gain, and keeps the best count", () => {
    const random = makeRandom(2);
    const noise = labelled(columns, () => random.normal(), 2500);
    const forest = boostMean(columns, noise, { kind: "squared" }, { ...options, trees: 500, patience: 10 }, makeRandom(3));
    expect(forest.roots.length).toBeLessThan(30);
  });

  test("gives the same forest for the same seed, another for another", () => {
    const labels = labelled(columns, truth);
    const fit = (seed: number): Forest => boostMean(columns, labels, { kind: "squared" }, options, makeRandom(seed));
    expect(fit(1)).toEqual(fit(1));
    expect(fit(1).values).not.toEqual(fit(2).values);
  });
});
