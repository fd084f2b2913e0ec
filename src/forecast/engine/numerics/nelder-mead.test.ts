import { expect, test } from "vitest";
import { nelderMead } from "./nelder-mead.ts";

test("finds the bottom of Rosenbrock's valley", () => {
  const found = nelderMead((p) => 100 * (p[1] - p[0] ** 2) ** 2 + (1 - p[0]) ** 2, [-1.2, 1], {
    tolerance: 1e-14,
    maxEvaluations: 2000,
  });
  expect(found.converged).toBe(true);
  expect(found.point[0]).toBeCloseTo(1, 5);
  expect(found.point[1]).toBeCloseTo(1, 5);
});

test("keeps inside a domain told by Infinity", () => {
  const found = nelderMead((p) => (p[0] < 0.5 ? Infinity : p[0] ** 2 + (p[1] - 3) ** 2), [2, 0], { step: [0.5, 0.2] });
  expect(found.point[0]).toBeGreaterThanOrEqual(0.5);
  expect(found.point[0]).toBeCloseTo(0.5, 2);
});

test("a sphere in ten coordinates, and no coordinates at all", () => {
  const found = nelderMead((p) => p.reduce((sum, x, i) => sum + (i + 1) * (x - i) ** 2, 0), new Float64Array(10), {
    maxEvaluations: 20000,
    tolerance: 1e-12,
  });
  for (let i = 0; i < 10; i++) expect(found.point[i]).toBeCloseTo(i, 3);
  expect(nelderMead(() => 7, [])).toMatchObject({ value: 7, converged: true });
});

test("stops when the evaluations run out", () => {
  expect(nelderMead((p) => p[0] ** 2, [5], { maxEvaluations: 4 }).converged).toBe(false);
});
