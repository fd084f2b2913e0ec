import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import type { Forecast } from "../contract.ts";
import { normalQuantile } from "../numerics/normal.ts";
import { reconcileForecasts } from "./coherent.ts";
import { makeReconciler } from "./reconcile.ts";
import { makeHierarchy, sumUp, type Hierarchy } from "./structure.ts";
import { uncertaintyOf } from "./uncertainty.ts";

const levels = [0.1, 0.5, 0.9];

function around(mean: number, sd: number, horizon = 2): Forecast {
  const quantiles = Float64Array.from({ length: 3 * horizon }, (_, k) =>
    Math.max(0, mean + sd * normalQuantile(levels[Math.floor(k / horizon)])),
  );
  return { mean: new Float64Array(horizon).fill(mean), quantiles, levels };
}

/** A total over `kinds` groups of as many series as `sizes` has entries, series by series. */
function tree(bottom: number, kinds: number): Hierarchy {
  const codes = Int32Array.from({ length: bottom }, (_, b) => b % kinds);
  return makeHierarchy(bottom, [
    { name: "total", labels: ["total"], codes: new Int32Array(bottom) },
    { name: "kind", labels: Array.from({ length: kinds }, (_, k) => `kind ${k}`), codes },
  ]);
}

describe("reconciling moves a node by no more than its own uncertainty explains", () => {
  const size = fc.double({ min: -1, max: 6, noNaN: true }).map((x) => 10 ** x);
  const errorSteps = fc.constantFrom(0, 1, 3, 8, 24);

  it("every node by its standard deviation times the disagreement, every series by 1.28 of its deviations", () => {
    fc.assert(
      fc.property(
        fc.array(size, { minLength: 3, maxLength: 30 }),
        fc.integer({ min: 1, max: 3 }),
        errorSteps,
        fc.integer(),
        (sizes, kinds, steps, seed) => {
          const random = makeRandom(seed);
          const hierarchy = tree(sizes.length, Math.min(kinds, sizes.length - 1));
          const { aggregates, nodes } = hierarchy;
          const truth = sumUp(hierarchy, Float64Array.from(sizes), 1);
          // Sums say something else than their parts, now and then something wild.
          const base = Array.from(truth, (value, i) =>
            around(Math.max(0, value * (1 + 0.3 * random.normal() + (i === 0 && random.next() < 0.3 ? 3 : 0))), 0.3 * value),
          );
          const residuals = Float64Array.from({ length: nodes * steps }, (_, k) => 0.4 * truth[Math.floor(k / steps)] * random.normal());
          const { variance, bounds } = uncertaintyOf(base, aggregates, residuals);
          expect([...variance].every((each) => each > 0)).toBe(true);
          const known = steps >= 8;
          const means = Float64Array.from(base, ({ mean }) => mean[0]);
          const gap = (all: Float64Array): Float64Array => {
            const sums = sumUp(hierarchy, all.subarray(aggregates), 1);
            return Float64Array.from({ length: aggregates }, (_, i) => all[i] - sums[i]);
          };
          for (const method of known ? (["variance", "shrink"] as const) : (["variance"] as const)) {
            const options = { method, variance, ...(known ? { residuals } : {}) };
            const free = makeReconciler(hierarchy, options).apply(means, 1);
            // Squared Mahalanobis distance: gap' (C W C')^-1 gap = (move' W^-1 move), which for the diagonal W is a sum over nodes.
            const moves = free.map((value, i) => value - means[i]);
            const distance = Math.sqrt(moves.reduce((sum, move, i) => sum + move ** 2 / variance[i], 0));
            const worst = moves.reduce((most, move, i) => Math.max(most, Math.abs(move) / Math.sqrt(variance[i])), 0);
            expect(method === "shrink" || worst <= distance * 1.000001).toBe(true);
            const held = makeReconciler(hierarchy, { ...options, bounds, nonNegative: true }).apply(means, 1);
            for (let b = 0; b < sizes.length; b++) {
              expect(Math.abs(held[aggregates + b] - means[aggregates + b])).toBeLessThanOrEqual(
                1.2801 * Math.sqrt(variance[aggregates + b]),
              );
            }
            expect(Math.max(...gap(held).map(Math.abs))).toBeLessThanOrEqual(1e-9 * Math.max(1, held[0]));
            // And what agreed already stays.
            const reapplied = makeReconciler(hierarchy, { ...options, bounds }).apply(held, 1);
            for (const [i, value] of reapplied.entries())
              expect(Math.abs(value - held[i])).toBeLessThanOrEqual(1e-6 * Math.max(1, held[0]));
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it("sixty categories, one of 30,000 a week and the rest 1 to 30, with few errors or none: the small stay what they were", () => {
    const sizes = Array.from({ length: 60 }, (_, b) => (b === 17 ? 30_000 : 1 + (b % 30)));
    const hierarchy = makeHierarchy(60, [{ name: "total", labels: ["total"], codes: new Int32Array(60) }]);
    const sum = sizes.reduce((total, each) => total + each, 0);
    // The whole is forecast 3,000 lower than its parts say.
    const base = [around(sum - 3000, 3500), ...sizes.map((each) => around(each, Math.sqrt(each) + 0.1 * each))];
    for (const steps of [0, 4, 7, 12]) {
      const random = makeRandom(steps);
      const residuals = Float64Array.from({ length: 61 * steps }, (_, k) => {
        const node = Math.floor(k / steps);
        return (node === 0 ? 2500 : 0.2 * sizes[node - 1]) * random.normal();
      });
      const { variance, bounds } = uncertaintyOf(base, 1, residuals);
      const reconciler = makeReconciler(hierarchy, { method: "variance", variance, bounds, nonNegative: true });
      const reconciled = reconcileForecasts(hierarchy, base, levels, { reconciler, residuals, random: makeRandom(1) });
      for (const [b, each] of sizes.entries()) {
        if (b === 17) continue;
        expect(Math.abs(reconciled[1 + b].mean[0] - each)).toBeLessThan(0.05 * each);
        expect(reconciled[1 + b].quantiles[4]).toBeLessThan(each + 2 * (Math.sqrt(each) + 0.1 * each) * 1.1);
        expect(Math.abs(reconciled[1 + b].quantiles[2] - each)).toBeLessThan(0.25 * (Math.sqrt(each) + 0.1 * each) + 0.2);
      }
      // The large one and the whole meet between what each said.
      expect(reconciled[0].mean[0]).toBeLessThan(sum);
      expect(reconciled[0].mean[0]).toBeGreaterThan(sum - 3000);
    }
  });

  it("what is certain does not move, and nothing is divided by zero", () => {
    const hierarchy = makeHierarchy(3, [{ name: "total", labels: ["total"], codes: new Int32Array(3) }]);
    const base = [around(100, 0), around(0, 0), around(0, 0), around(50, 0)];
    const { variance, bounds } = uncertaintyOf(base, 1, new Float64Array(0));
    const out = makeReconciler(hierarchy, { method: "variance", variance, bounds }).apply(Float64Array.of(100, 0, 0, 50), 1);
    expect([...out]).toEqual([50, 0, 0, 50]);
  });
});
