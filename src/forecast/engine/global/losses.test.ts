import * as fc from "fast-check";
import { expect, test } from "vitest";
import { differentiate, meanLossOf, weightedQuantile } from "./losses.ts";
import type { MeanLoss, Scored } from "./losses.ts";

test("a weighted quantile is the one a sorted list gives", () => {
  const entry = fc.record({ value: fc.integer({ min: -3, max: 8 }), weight: fc.integer({ min: 1, max: 4 }) });
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 60 }), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (entries, level) => {
      const sorted = [...entries].sort((a, b) => a.value - b.value);
      const total = sorted.reduce((sum, each) => sum + each.weight, 0);
      let below = 0;
      const expected = sorted.find((each) => (below += each.weight) >= level * total - 1e-9);
      const values = Float64Array.from(entries, (each) => each.value);
      const weights = Float32Array.from(entries, (each) => each.weight);
      expect(weightedQuantile(values, weights, entries.length, level)).toBe(expected?.value);
    }),
  );
});

test("gradients and hessians are the derivatives of the loss", () => {
  const losses: MeanLoss[] = [
    { kind: "tweedie", power: 1 },
    { kind: "tweedie", power: 1.3 },
    { kind: "tweedie", power: 1.8 },
  ];
  const g = new Float32Array(1);
  const h = new Float32Array(1);
  for (const loss of losses) {
    for (const y of [0, 0.5, 3]) {
      for (const score of [-1, 0.2, 1.5]) {
        const rowAt = (s: number): Scored => ({ targets: Float32Array.of(y), weights: Float32Array.of(1), scores: Float64Array.of(s) });
        const value = (s: number): number => meanLossOf(loss, rowAt(s), 0, 1);
        differentiate(loss, rowAt(score), 1, { gradients: g, hessians: h });
        const d = 1e-4;
        expect(g[0]).toBeCloseTo((value(score + d) - value(score - d)) / (2 * d), 4);
        expect(h[0]).toBeCloseTo((value(score + d) - 2 * value(score) + value(score - d)) / d ** 2, 3);
      }
    }
  }
});
