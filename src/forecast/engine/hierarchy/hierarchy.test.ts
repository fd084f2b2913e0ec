import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { makeRandom, type Random } from "../../../platform/random.ts";
import type { Category, Forecast } from "../contract.ts";
import { normalQuantile } from "../numerics/normal.ts";
import { drawCoherent, reconcileForecasts } from "./coherent.ts";
import { scoresOf, spreadAround, valueAt } from "./marginal.ts";
import { makeReconciler, type Method } from "./reconcile.ts";
import { describeNode, hierarchyOf, idleColumns, makeHierarchy, sumUp, type Hierarchy } from "./structure.ts";

const methods: readonly Method[] = ["bottom-up", "ols", "struct", "variance", "shrink"];

function category(name: string, texts: readonly string[]): Category {
  const levels = [...new Set(texts)];
  return { name, levels, codes: Int32Array.from(texts, (text) => levels.indexOf(text)) };
}

/** Items in categories, each in every store: nested by category > item, crossed by store. */
function shop(items: number, stores: number, crossed: boolean): Hierarchy {
  const itemIds: string[] = [];
  const places: string[] = [];
  const kinds: string[] = [];
  for (let i = 0; i < items; i++) {
    for (let s = 0; s < stores; s++) {
      itemIds.push(`item ${i}`);
      places.push(`store ${s}`);
      kinds.push(`kind ${i % 3}`);
    }
  }
  const panel = { itemIds, dimensions: [category("location", places)], metadata: [category("category", kinds)] };
  return hierarchyOf(panel, crossed ? undefined : [[], ["category"], ["item_id"]]);
}

function noise(random: Random, length: number): Float64Array {
  return Float64Array.from({ length }, () => 10 + 3 * random.normal());
}

/** Errors with a part common to all bottom series. */
function errorsOf(hierarchy: Hierarchy, random: Random, steps: number): Float64Array {
  const bottom = new Float64Array(hierarchy.bottom * steps);
  for (let t = 0; t < steps; t++) {
    const common = random.normal();
    for (let b = 0; b < hierarchy.bottom; b++) bottom[b * steps + t] = common + (1 + (b % 4)) * random.normal();
  }
  const all = sumUp(hierarchy, bottom, steps);
  for (let i = 0; i < hierarchy.aggregates * steps; i++) all[i] += 2 * random.normal();
  return all;
}

/** The largest difference between a sum and the sum of its bottom, relative to the sum (or to 1). */
function gapOf(hierarchy: Hierarchy, all: Float64Array, width: number): number {
  return distance(all, sumUp(hierarchy, all.subarray(hierarchy.aggregates * width), width));
}

/** The largest difference, relative to the second (or to 1); NaN where there is a NaN. */
function distance(a: Float64Array, b: Float64Array): number {
  if (a.length !== b.length) return Number.NaN;
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]) / Math.max(1, Math.abs(b[i]))), 0);
}

describe("structure", () => {
  it("finds the total, categories, items and places of a panel, and knows whether they nest", () => {
    const crossed = shop(6, 4, true);
    expect(crossed.levels.map((level) => level.name)).toEqual(["total", "category", "location", "item_id"]);
    expect(crossed.parents).toBeUndefined();
    expect([crossed.bottom, crossed.aggregates, crossed.nodes]).toEqual([24, 14, 38]);
    const nested = shop(6, 4, false);
    expect(nested.parents).toBeDefined();
    expect(describeNode(nested, 0)).toEqual({ level: "total", label: "total" });
    expect(describeNode(nested, 4)).toEqual({ level: "item_id", label: "item 0" });
    expect(describeNode(nested, 10)).toEqual({ level: "series", label: "0" });
    expect([...sumUp(nested, new Float64Array(24).fill(1), 1).subarray(0, 5)]).toEqual([24, 8, 8, 8, 4]);
  });

  it("refuses columns that are none and codes that do not fit", () => {
    const panel = { itemIds: ["a", "b"], dimensions: [], metadata: [] };
    expect(() => hierarchyOf(panel, [["colour"]])).toThrow("Expected a column to group by among item_id but received colour.");
    expect(() => makeHierarchy(2, [{ name: "x", labels: ["one"], codes: Int32Array.of(0, 1) }])).toThrow("received 1 for series 1");
  });

  it("keeps series of unknown category in every level", () => {
    const kinds = { name: "category", levels: ["a"], codes: Int32Array.of(0, -1, 0, -1) };
    const hierarchy = hierarchyOf({ itemIds: ["1", "2", "3", "4"], dimensions: [], metadata: [kinds] }, [[], ["category"]]);
    expect(hierarchy.levels[1].labels).toEqual(["a", "(unknown)"]);
    expect(
      gapOf(hierarchy, makeReconciler(hierarchy, { method: "struct" }).apply(noise(makeRandom(1), hierarchy.nodes), 1), 1),
    ).toBeLessThanOrEqual(1e-9);
  });
});

/** S (S'W^-1 S)^-1 S'W^-1 y by plain elimination: the textbook form, bottom x bottom. */
function textbook(hierarchy: Hierarchy, w: Float64Array, y: Float64Array): Float64Array {
  const { nodes, bottom, aggregates } = hierarchy;
  const s = Array.from({ length: nodes }, () => new Float64Array(bottom));
  for (let b = 0; b < bottom; b++) {
    s[aggregates + b][b] = 1;
    for (const [l, level] of hierarchy.levels.entries()) s[hierarchy.first[l] + level.codes[b]][b] = 1;
  }
  const solve = (matrix: Float64Array[], right: Float64Array): Float64Array => {
    const n = right.length;
    const a = matrix.map((row, i) => Float64Array.of(...row, right[i]));
    for (let k = 0; k < n; k++) {
      let pivot = k;
      for (let i = k; i < n; i++) if (Math.abs(a[i][k]) > Math.abs(a[pivot][k])) pivot = i;
      [a[k], a[pivot]] = [a[pivot], a[k]];
      for (let i = 0; i < n; i++) {
        if (i === k) continue;
        const f = a[i][k] / a[k][k];
        for (let j = k; j <= n; j++) a[i][j] -= f * a[k][j];
      }
    }
    return Float64Array.from({ length: n }, (_, i) => a[i][n] / a[i][i]);
  };
  const rows = Array.from({ length: nodes }, (_, i) => w.subarray(i * nodes, (i + 1) * nodes));
  const columns = Array.from({ length: bottom }, (_, b) =>
    solve(
      rows,
      Float64Array.from({ length: nodes }, (_, i) => s[i][b]),
    ),
  );
  const gram = Array.from({ length: bottom }, (_, a) =>
    Float64Array.from({ length: bottom }, (_, b) => s.reduce((sum, row, i) => sum + row[b] * columns[a][i], 0)),
  );
  const right = Float64Array.from({ length: bottom }, (_, b) => y.reduce((sum, value, i) => sum + columns[b][i] * value, 0));
  return sumUp(hierarchy, solve(gram, right), 1);
}

describe("columns of a hierarchy", () => {
  const panel = {
    itemIds: ["tea", "tea", "juice", "cake"],
    dimensions: [category("location", ["oslo", "rome", "oslo", "oslo"])],
    metadata: [category("category", ["drink", "drink", "drink", "food"])],
  };
  it("from the whole to the parts divide, each what stands before it", () => {
    expect(idleColumns(panel, ["category", "item_id", "location"])).toEqual([]);
    expect(idleColumns(panel, ["category"])).toEqual([]);
  });
  it("from the parts to the whole divide nothing any more: told", () => {
    expect(idleColumns(panel, ["item_id", "category"])).toEqual(["category"]);
    expect(idleColumns(panel, ["item_id", "location", "category"])).toEqual(["category"]);
    expect(idleColumns(panel, ["item_id", "item_id"])).toEqual(["item_id"]);
  });
});

describe("reconciliation", () => {
  it.each(methods)("%s: sums agree, coherent passes unchanged, twice is once", (method) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        fc.integer(),
        (items, stores, crossed, seed) => {
          const random = makeRandom(seed);
          const hierarchy = shop(items, stores, crossed);
          const reconciler = makeReconciler(hierarchy, { method, residuals: errorsOf(hierarchy, random, 20) });
          const base = noise(random, hierarchy.nodes * 3);
          const once = reconciler.apply(base, 3);
          expect(gapOf(hierarchy, once, 3)).toBeLessThanOrEqual(1e-9);
          expect(distance(reconciler.apply(once, 3), once)).toBeLessThanOrEqual(1e-9);
          const coherent = sumUp(hierarchy, noise(random, hierarchy.bottom * 3), 3);
          expect(distance(reconciler.apply(coherent, 3), coherent)).toBeLessThanOrEqual(1e-9);
        },
      ),
      { numRuns: 25 },
    );
  });

  it.each([true, false])("equals the textbook formula (crossed: %s)", (crossed) => {
    const random = makeRandom(5);
    const hierarchy = shop(4, 3, crossed);
    const { nodes } = hierarchy;
    const residuals = errorsOf(hierarchy, random, 15);
    const y = noise(random, nodes);
    const variance = Float64Array.from(
      { length: nodes },
      (_, i) => residuals.subarray(i * 15, i * 15 + 15).reduce((sum, e) => sum + e * e, 0) / 15,
    );
    const below = sumUp(hierarchy, new Float64Array(hierarchy.bottom).fill(1), 1);
    const shrink = makeReconciler(hierarchy, { method: "shrink", residuals });
    const intensity = shrink.shrinkage ?? Number.NaN;
    // Schaefer & Strimmer's intensity by its definition, pair by pair.
    let spread = 0;
    let squares = 0;
    for (let i = 0; i < nodes; i++) {
      for (let j = 0; j < nodes; j++) {
        if (i === j) continue;
        const w = Float64Array.from(
          { length: 15 },
          (_, t) => (residuals[i * 15 + t] * residuals[j * 15 + t]) / Math.sqrt(variance[i] * variance[j]),
        );
        const mean = w.reduce((sum, x) => sum + x, 0) / 15;
        spread += (15 / 14 ** 3) * w.reduce((sum, x) => sum + (x - mean) ** 2, 0);
        squares += ((15 / 14) * mean) ** 2;
      }
    }
    expect(intensity).toBeCloseTo(Math.min(1, spread / squares), 10);
    const weights = {
      ols: (i: number, j: number) => (i === j ? 1 : 0),
      struct: (i: number, j: number) => (i === j ? below[i] : 0),
      variance: (i: number, j: number) => (i === j ? variance[i] : 0),
      shrink: (i: number, j: number) => {
        let sum = 0;
        for (let t = 0; t < 15; t++) sum += residuals[i * 15 + t] * residuals[j * 15 + t];
        return (i === j ? intensity * variance[i] : 0) + ((1 - intensity) * sum) / 15;
      },
    };
    for (const method of ["ols", "struct", "variance", "shrink"] as const) {
      const w = Float64Array.from({ length: nodes * nodes }, (_, k) => weights[method](Math.floor(k / nodes), k % nodes));
      expect(distance(makeReconciler(hierarchy, { method, residuals }).apply(y, 1), textbook(hierarchy, w, y))).toBeLessThanOrEqual(1e-7);
      expect(
        distance(makeReconciler(hierarchy, { method, residuals, denseLimit: 0 }).apply(y, 1), textbook(hierarchy, w, y)),
      ).toBeLessThanOrEqual(1e-7);
    }
  });

  it("never goes below zero where asked, and still adds up", () => {
    const hierarchy = shop(5, 4, true);
    const base = noise(makeRandom(2), hierarchy.nodes).map((x) => x - 11);
    const out = makeReconciler(hierarchy, { method: "ols", nonNegative: true }).apply(base, 1);
    expect(Math.min(...out)).toBe(0);
    expect(gapOf(hierarchy, out, 1)).toBeLessThanOrEqual(1e-9);
  });

  it("takes gaps in errors, and refuses errors of a wrong length", () => {
    const hierarchy = shop(3, 3, true);
    const residuals = errorsOf(hierarchy, makeRandom(3), 12).map((e, i) => (i % 7 === 0 || i < 12 ? Number.NaN : e));
    for (const method of methods)
      expect(
        gapOf(hierarchy, makeReconciler(hierarchy, { method, residuals }).apply(noise(makeRandom(4), hierarchy.nodes), 1), 1),
      ).toBeLessThanOrEqual(1e-9);
    expect(() => makeReconciler(hierarchy, { method: "shrink", residuals: residuals.subarray(1) })).toThrow("the same number for each");
  });

  it("does thousands of series, nested and crossed", () => {
    for (const crossed of [false, true]) {
      const hierarchy = shop(500, 10, crossed);
      const random = makeRandom(9);
      const base = noise(random, hierarchy.nodes * 2);
      for (const method of ["struct", "shrink"] as const) {
        const residuals = errorsOf(hierarchy, random, 12);
        expect(gapOf(hierarchy, makeReconciler(hierarchy, { method, residuals }).apply(base, 2), 2)).toBeLessThanOrEqual(1e-9);
      }
    }
  });
});

const levels = [0.1, 0.5, 0.9];

function normalForecast(mean: number, spread: number, horizon: number): Forecast {
  const quantiles = Float64Array.from({ length: 3 * horizon }, (_, k) => mean + spread * normalQuantile(levels[Math.floor(k / horizon)]));
  return { mean: new Float64Array(horizon).fill(mean), quantiles, levels };
}

describe("coherent quantiles", () => {
  it("draws samples that add up, and quantiles in order around coherent means", () => {
    const hierarchy = shop(4, 3, true);
    const base = Array.from({ length: hierarchy.nodes }, (_, i) => normalForecast(20 + i, 4, 5));
    const options = {
      reconciler: makeReconciler(hierarchy, { method: "struct", nonNegative: true }),
      residuals: errorsOf(hierarchy, makeRandom(1), 30),
      paths: 50,
    };
    drawCoherent(hierarchy, base, { ...options, random: makeRandom(1) }, (_, samples) =>
      expect(gapOf(hierarchy, samples, 50)).toBeLessThanOrEqual(1e-9),
    );
    const out = reconcileForecasts(hierarchy, base, levels, { ...options, random: makeRandom(1) });
    expect(reconcileForecasts(hierarchy, base, levels, { ...options, random: makeRandom(1) })).toEqual(out);
    const means = new Float64Array(hierarchy.nodes * 5);
    for (const [i, forecast] of out.entries()) {
      means.set(forecast.mean, i * 5);
      for (let h = 0; h < 5; h++) {
        expect(forecast.quantiles[h]).toBeLessThanOrEqual(forecast.quantiles[5 + h]);
        expect(forecast.quantiles[5 + h]).toBeLessThanOrEqual(forecast.quantiles[10 + h]);
      }
    }
    expect(gapOf(hierarchy, means, 5)).toBeLessThanOrEqual(1e-9);
  });

  it("gives a total the spread its parts have together: root n when independent, n when they move as one", () => {
    const hierarchy = makeHierarchy(9, [{ name: "total", labels: ["total"], codes: new Int32Array(9) }]);
    const base = [normalForecast(90, 9, 1), ...Array.from({ length: 9 }, () => normalForecast(10, 1, 1))];
    const width = (together: boolean): number => {
      const random = makeRandom(6);
      const steps = 2000;
      const residuals = new Float64Array(10 * steps);
      for (let t = 0; t < steps; t++) {
        const common = random.normal();
        for (let b = 1; b < 10; b++) residuals[b * steps + t] = together ? common : random.normal();
        for (let b = 1; b < 10; b++) residuals[t] += residuals[b * steps + t];
      }
      const reconciler = makeReconciler(hierarchy, { method: "bottom-up" });
      const [total] = reconcileForecasts(hierarchy, base, levels, { reconciler, residuals, random, paths: 2000 });
      return (total.quantiles[2] - total.quantiles[0]) / (2 * normalQuantile(0.9));
    };
    expect(width(false)).toBeGreaterThan(2.7);
    expect(width(false)).toBeLessThan(3.3);
    expect(width(true)).toBeGreaterThan(8);
    expect(width(true)).toBeLessThan(9.5);
  });

  it("asks for quantiles to draw from", () => {
    const hierarchy = makeHierarchy(1, []);
    const base = [{ mean: Float64Array.of(1), quantiles: Float64Array.of(1), levels: [0.5] }];
    const options = { reconciler: makeReconciler(hierarchy, { method: "ols" }), random: makeRandom(1) };
    expect(() => reconcileForecasts(hierarchy, base, levels, options)).toThrow("two quantile levels or more");
  });
});

describe("marginal", () => {
  it("is exact for a normal distribution, short-tailed beyond, and a point for one level", () => {
    const scores = scoresOf(levels);
    const values = levels.map((level) => 5 + 2 * normalQuantile(level));
    for (const z of [-2.5, -1, 0, 0.7, 2.2]) expect(valueAt(scores, values, 0, 1, z)).toBeCloseTo(5 + 2 * z, 9);
    expect(valueAt(scores, values, 0, 1, 99)).toBeLessThan(5 + 2 * 4);
    expect(valueAt(scoresOf([0.5]), [3], 0, 1, 2)).toBe(3);
    expect(Math.abs(spreadAround(5, scores, values, 0, 1) - 2)).toBeLessThan(0.04);
  });
});
