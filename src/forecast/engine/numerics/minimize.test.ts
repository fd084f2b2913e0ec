import { describe, expect, test } from "vitest";
import { minimize } from "./minimize.ts";

const rosenbrock = (x: Float64Array): number => 100 * (x[1] - x[0] * x[0]) ** 2 + (1 - x[0]) ** 2;

describe("minimize", () => {
  test.each(["forward", "central"] as const)("finds the valley of Rosenbrock with %s differences", (differences) => {
    const { point, converged } = minimize(rosenbrock, [-1.2, 1], { differences, tolerance: 1e-14 });
    expect(converged).toBe(true);
    expect(point[0]).toBeCloseTo(1, 3);
    expect(point[1]).toBeCloseTo(1, 3);
  });

  test("uses a given gradient", () => {
    const { point, evaluations } = minimize(rosenbrock, [-1.2, 1], {
      tolerance: 1e-16,
      gradient: (x, out) => {
        out[0] = -400 * x[0] * (x[1] - x[0] * x[0]) - 2 * (1 - x[0]);
        out[1] = 200 * (x[1] - x[0] * x[0]);
      },
    });
    expect(point[0]).toBeCloseTo(1, 6);
    expect(evaluations).toBeLessThan(100);
  });

  test("gives up when told that it is enough", () => {
    const { value, converged } = minimize(rosenbrock, [-1.2, 1], { enough: (value) => value < 1 });
    expect(converged).toBe(false);
    expect(value).toBeLessThan(1);
    expect(value).toBeGreaterThan(1e-6);
  });

  test("stays out of a forbidden region", () => {
    const { point } = minimize((x) => (x[0] <= 1 ? Infinity : (x[0] - 0.5) ** 2), [3]);
    expect(point[0]).toBeGreaterThan(1);
    expect(point[0]).toBeLessThan(1.05);
  });

  test("gives back a start it cannot use, a point without coordinates and a flat function", () => {
    expect(minimize(() => Number.NaN, [1, 2])).toMatchObject({ value: Infinity, converged: false });
    expect(minimize(() => 4, [])).toMatchObject({ value: 4, converged: true });
    expect(minimize(() => 4, [1, 2])).toMatchObject({ value: 4, converged: true });
  });
});
