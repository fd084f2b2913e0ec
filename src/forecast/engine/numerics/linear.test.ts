import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import { cholesky, leastSquares, solveCholesky } from "./linear.ts";

function draw(seed: number, count: number): Float64Array {
  const random = makeRandom(seed);
  return Float64Array.from({ length: count }, () => random.normal());
}

describe("cholesky", () => {
  test("solves a positive definite system", () => {
    const n = 6;
    const b = draw(1, n * n);
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) a[i * n + j] += b[i * n + k] * b[j * n + k];
    const truth = draw(2, n);
    const right = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) right[i] += a[i * n + j] * truth[j];
    expect(cholesky(a, n)).toBe(true);
    solveCholesky(a, n, right);
    for (let i = 0; i < n; i++) expect(right[i]).toBeCloseTo(truth[i], 8);
  });

  test("refuses what is not positive definite", () => {
    expect(cholesky(Float64Array.of(1, 2, 2, 1), 2)).toBe(false);
    expect(cholesky(Float64Array.of(1, 1, 1, 1), 2)).toBe(false);
    expect(cholesky(Float64Array.of(Number.NaN), 1)).toBe(false);
  });
});

describe("leastSquares", () => {
  test("leaves residuals at right angles to every column", () => {
    const rows = 40;
    const x = draw(3, rows * 4);
    const y = draw(4, rows);
    const fit = leastSquares(x, rows, 4, y);
    expect(fit.kept).toEqual([0, 1, 2, 3]);
    for (let j = 0; j < 4; j++) {
      let dot = 0;
      for (let i = 0; i < rows; i++) dot += x[j * rows + i] * fit.residuals[i];
      expect(Math.abs(dot)).toBeLessThan(1e-11);
    }
    expect(fit.squares).toBeCloseTo(
      fit.residuals.reduce((sum, e) => sum + e * e, 0),
      10,
    );
  });

  test("R'R is X'X", () => {
    const rows = 12;
    const x = draw(5, rows * 3);
    const { r } = leastSquares(x, rows, 3, draw(6, rows));
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        let left = 0;
        let right = 0;
        for (let k = 0; k < 3; k++) left += r[k * 3 + i] * r[k * 3 + j];
        for (let k = 0; k < rows; k++) right += x[i * rows + k] * x[j * rows + k];
        expect(left).toBeCloseTo(right, 10);
      }
    }
  });

  test("gives a collinear, a constant and a zero column nothing", () => {
    const rows = 20;
    const x = new Float64Array(rows * 5).fill(1, 0, rows);
    x.set(draw(7, rows), rows);
    for (let i = 0; i < rows; i++) x[2 * rows + i] = 3 - 2 * x[rows + i];
    x.fill(5, 3 * rows, 4 * rows);
    const fit = leastSquares(x, rows, 5, draw(8, rows));
    expect(fit.kept).toEqual([0, 1]);
    expect([...fit.coefficients.subarray(2)]).toEqual([0, 0, 0]);
  });

  test("a weight of two counts a row twice, and a ridge shrinks", () => {
    const x = Float64Array.of(1, 1, 1, 0, 1, 2);
    const y = Float64Array.of(1, 3, 4);
    const weighted = leastSquares(x, 3, 2, y, { weights: Float64Array.of(1, 1, 2) });
    const doubled = leastSquares(Float64Array.of(1, 1, 1, 1, 0, 1, 2, 2), 4, 2, Float64Array.of(1, 3, 4, 4));
    expect(weighted.coefficients[0]).toBeCloseTo(doubled.coefficients[0], 12);
    expect(weighted.coefficients[1]).toBeCloseTo(doubled.coefficients[1], 12);
    expect(weighted.squares).toBeCloseTo(doubled.squares, 12);
    // One column of ones, sum 8 over 3 rows: 8 / (3 + 1).
    const ridged = leastSquares(Float64Array.of(1, 1, 1), 3, 1, y, { ridge: Float64Array.of(1) });
    expect(ridged.coefficients[0]).toBeCloseTo(2, 12);
  });

  test("more columns than rows: fits exactly with as many as there are rows", () => {
    const fit = leastSquares(draw(9, 3 * 5), 3, 5, draw(10, 3));
    expect(fit.kept).toEqual([0, 1, 2]);
    expect(fit.squares).toBeLessThan(1e-20);
  });
});
