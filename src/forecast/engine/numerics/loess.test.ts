import { describe, expect, it } from "vitest";
import { fitLocally, smoothLoess } from "./loess.ts";

const smooth = (values: readonly number[], window: number, degree: 0 | 1, jump: number, robustness?: Float64Array): number[] => {
  const out = new Float64Array(values.length);
  smoothLoess(Float64Array.from(values), 0, values.length, window, degree, jump, robustness, out, 0, new Float64Array(values.length + 1));
  return [...out];
};

describe("smoothLoess", () => {
  const wave = Array.from({ length: 40 }, (_, t) => 10 + Math.sin(t / 5) + (t % 3));

  it("leaves a straight line as it is, whatever the window and jump", () => {
    const line = Array.from({ length: 30 }, (_, t) => 3 * t - 7);
    for (const window of [5, 13, 41]) {
      for (const jump of [1, 4]) smooth(line, window, 1, jump).forEach((value, t) => expect(value).toBeCloseTo(line[t], 9));
    }
  });

  it("is the same by its fast way in the middle as by the local fits of the definition", () => {
    const fast = smooth(wave, 9, 1, 1);
    const slow = smooth(wave, 9, 1, 1, new Float64Array(40).fill(1));
    fast.forEach((value, t) => expect(value).toBeCloseTo(slow[t], 12));
  });

  it("of degree 0 weighs its neighbours by the tricube, worked by hand for three points", () => {
    // Reach 2 from the first of [1, 2, 4]: weights 1, (1 - 1/8)^3, and 0 at the far end.
    const near = (1 - 1 / 8) ** 3;
    expect(fitLocally(Float64Array.from([1, 2, 4]), 0, 3, 3, 0, 0, 0, 2, undefined, new Float64Array(3))).toBeCloseTo(
      (1 + 2 * near) / (1 + near),
      12,
    );
  });

  it("ignores a value of no weight, and keeps a value where no weight is left", () => {
    const weights = new Float64Array(40).fill(1);
    weights[20] = 0;
    const spoiled = wave.map((value, t) => (t === 20 ? 1e6 : value));
    smooth(spoiled, 9, 1, 1, weights).forEach((value) => expect(value).toBeLessThan(20));
    expect(smooth([5, 6, 7], 3, 1, 1, new Float64Array(3))).toEqual([5, 6, 7]);
  });

  it("serves one value and none", () => {
    expect(smooth([4], 5, 1, 1)).toEqual([4]);
    expect(smooth([], 5, 1, 1)).toEqual([]);
  });
});
