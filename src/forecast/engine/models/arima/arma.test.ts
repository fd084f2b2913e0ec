import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../../platform/random.ts";
import { cholesky } from "../../numerics/linear.ts";
import {
  concentrate,
  makeArmaFilter,
  makeStartWorkspace,
  nestedSquares,
  passArma,
  runArmaFilter,
  startingColumn,
  startingCovariance,
} from "./arma.ts";
import { runKalman } from "./kalman.ts";
import { bound, clearOfCircle, countParameters, differencingCoefficients, expand, makePolynomials, titleOf } from "./order.ts";
import type { ArimaOrder } from "./order.ts";

const orders = fc.record({
  p: fc.integer({ min: 0, max: 3 }),
  d: fc.constant(0),
  q: fc.integer({ min: 0, max: 3 }),
  P: fc.integer({ min: 0, max: 2 }),
  D: fc.constant(0),
  Q: fc.integer({ min: 0, max: 2 }),
  period: fc.constantFrom(4, 7),
}) satisfies fc.Arbitrary<ArimaOrder>;

function drawModel(order: ArimaOrder, seed: number, reach: number) {
  const random = makeRandom(seed);
  const free = Float64Array.from({ length: countParameters(order) }, () => reach * (2 * random.next() - 1));
  const parameters = new Float64Array(free.length);
  bound(order, free, parameters);
  const polynomials = makePolynomials(order);
  expand(order, parameters, polynomials);
  return { parameters, polynomials };
}

describe("polynomials", () => {
  test("whatever is free is bound to a stationary, invertible model", () => {
    fc.assert(
      fc.property(orders, fc.nat(), (order, seed) => {
        expect(clearOfCircle(order, drawModel(order, seed, 1.5).parameters, 1)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test("the circle is measured in each factor's own lag", () => {
    const order: ArimaOrder = { p: 0, d: 0, q: 2, P: 0, D: 0, Q: 1, period: 12 };
    // 1 - 1.9 B + 0.9 B^2 has its roots at 1 and 1 / 0.9.
    expect(clearOfCircle(order, Float64Array.of(-1.9, 0.9, 0.5), 1)).toBe(false);
    expect(clearOfCircle(order, Float64Array.of(-1.7, 0.72, 0.95), 1.04)).toBe(true);
    expect(clearOfCircle(order, Float64Array.of(-1.7, 0.72, 0.95), 1.06)).toBe(false);
  });

  test("factors multiply out", () => {
    const order: ArimaOrder = { p: 1, d: 1, q: 1, P: 1, D: 1, Q: 1, period: 4 };
    const polynomials = makePolynomials(order);
    expand(order, Float64Array.of(0.5, -0.4, 0.3, 0.2), polynomials);
    expect(polynomials.size).toBe(6);
    expect([...polynomials.phi]).toEqual([0.5, 0, 0, 0.3, -0.15, 0]);
    [1, -0.4, 0, 0, 0.2, -0.08].forEach((value, i) => expect(polynomials.theta[i]).toBeCloseTo(value, 14));
    expect([...polynomials.phiLags]).toEqual([1, 4, 5]);
    expect([...differencingCoefficients(order)]).toEqual([1, 0, 0, 1, -1]);
    expect(titleOf(order)).toBe("ARIMA(1,1,1)(1,1,1)[4]");
  });
});

describe("the quick filter", () => {
  /** Log-likelihood by the density of the whole vector: autocovariances from a long MA form, then Cholesky. */
  function bruteForce(polynomials: ReturnType<typeof makePolynomials>, values: Float64Array): number {
    const { size, phi, theta } = polynomials;
    const reach = 4000;
    const psi = new Float64Array(reach);
    for (let k = 0; k < reach; k++) {
      psi[k] = k < size ? theta[k] : 0;
      for (let i = 0; i < Math.min(size, k); i++) psi[k] += phi[i] * psi[k - 1 - i];
    }
    const n = values.length;
    const covariance = new Float64Array(n * n);
    for (let lag = 0; lag < n; lag++) {
      let sum = 0;
      for (let k = 0; k + lag < reach; k++) sum += psi[k] * psi[k + lag];
      for (let i = lag; i < n; i++) covariance[i * n + i - lag] = sum;
    }
    expect(cholesky(covariance, n)).toBe(true);
    let squares = 0;
    let logs = 0;
    const e = values.slice();
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) e[i] -= covariance[i * n + k] * e[k];
      e[i] /= covariance[i * n + i];
      squares += e[i] * e[i];
      logs += 2 * Math.log(covariance[i * n + i]);
    }
    return squares + logs;
  }

  test("equals the density of the whole vector", () => {
    fc.assert(
      fc.property(orders, fc.nat(), (order, seed) => {
        const { polynomials } = drawModel(order, seed, 1);
        const random = makeRandom(seed + 1);
        const values = Float64Array.from({ length: 40 }, () => random.normal());
        const filter = makeArmaFilter(polynomials, [values]);
        const logs = runArmaFilter(filter);
        expect(logs + concentrate(filter, 0)).toBeCloseTo(bruteForce(polynomials, values), 7);
      }),
      { numRuns: 60 },
    );
  });

  test("equals the full filter, innovation by innovation, also after its gains stand still", () => {
    fc.assert(
      fc.property(orders, fc.nat(), fc.constantFrom(0.3, 1, 1.3), (order, seed, reach) => {
        const { polynomials } = drawModel(order, seed, reach);
        const random = makeRandom(seed + 1);
        const columns = [0, 1].map(() => Float64Array.from({ length: 160 }, () => random.normal()));
        const filter = makeArmaFilter(polynomials, columns);
        const logs = runArmaFilter(filter);
        const pass = runKalman(polynomials, new Float64Array(0), columns, 0)!;
        const end = passArma(polynomials, columns[0])!;
        const near = (a: Float64Array, b: Float64Array): void => {
          for (let i = 0; i < a.length; i++) expect(Math.abs(a[i] - b[i])).toBeLessThan(1e-6 * (1 + Math.abs(b[i])));
        };
        near(end.mean, pass.means.subarray(0, polynomials.size));
        near(end.covariance, pass.covariance);
        near(end.predictions, pass.predictions);
        expect(Math.abs(logs - pass.logs)).toBeLessThan(1e-6);
        for (let i = 0; i < filter.innovations.length; i++) {
          expect(Math.abs(filter.innovations[i] - pass.innovations[i])).toBeLessThan(1e-6 * (1 + Math.abs(pass.innovations[i])));
        }
      }),
      { numRuns: 100 },
    );
  });

  test("the covariance at the start is the one that a step leaves as it is", () => {
    fc.assert(
      fc.property(orders, fc.nat(), (order, seed) => {
        const { polynomials } = drawModel(order, seed, 1);
        const { size, phi, theta } = polynomials;
        const column = new Float64Array(size);
        expect(startingColumn(polynomials, makeStartWorkspace(size), column)).toBe(true);
        const covariance = new Float64Array(size * size);
        startingCovariance(polynomials, column, covariance, size);
        const at = (i: number, j: number): number => (i < size && j < size ? covariance[i * size + j] : 0);
        for (let i = 0; i < size; i++) {
          for (let j = 0; j < size; j++) {
            const next =
              phi[i] * phi[j] * at(0, 0) + phi[i] * at(0, j + 1) + phi[j] * at(i + 1, 0) + at(i + 1, j + 1) + theta[i] * theta[j];
            expect(Math.abs(next - at(i, j))).toBeLessThan(1e-9 * (1 + at(0, 0)));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("nested sums of squares are those of each regression on its own", () => {
    const polynomials = makePolynomials({ p: 0, d: 0, q: 0, P: 0, D: 0, Q: 0, period: 1 });
    const random = makeRandom(6);
    const columns = [0, 1, 2, 3].map(() => Float64Array.from({ length: 30 }, () => random.normal()));
    const filter = makeArmaFilter(polynomials, columns);
    runArmaFilter(filter);
    concentrate(filter, 0);
    const nested = nestedSquares(filter);
    for (let k = 0; k <= 3; k++) {
      const alone = makeArmaFilter(polynomials, columns.slice(0, k + 1));
      runArmaFilter(alone);
      expect(nested[k]).toBeCloseTo(concentrate(alone, 0), 9);
    }
  });

  test("generalised least squares finds the coefficient of a regressor under correlated errors", () => {
    const order: ArimaOrder = { p: 1, d: 0, q: 0, P: 0, D: 0, Q: 0, period: 1 };
    const polynomials = makePolynomials(order);
    expand(order, Float64Array.of(0.8), polynomials);
    const random = makeRandom(5);
    const x = Float64Array.from({ length: 50 }, () => random.normal());
    const y = x.map((value) => 3 * value);
    const filter = makeArmaFilter(polynomials, [y, x]);
    runArmaFilter(filter);
    expect(concentrate(filter, 0)).toBeLessThan(1e-20);
    expect(filter.coefficients[0]).toBeCloseTo(3, 10);
  });
});
