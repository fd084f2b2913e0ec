// Golden numbers of R's stats::arima; the versions stand in the file.

import { describe, expect, test } from "vitest";
import { chooseDifferences, chooseSeasonalDifferences, kpss } from "./differencing.ts";
import { estimate, logLikelihood, makeWorkbench } from "./estimate.ts";
import { fitPlan } from "./arima.ts";
import type { Plan } from "./arima.ts";
import type { ArimaOrder } from "./order.ts";
import { joinLists } from "../../../../../test/kit/golden.ts";
import expected from "../../../../../test/golden/arima/expected.json" with { type: "json" };
import input from "../../../../../test/golden/arima/input.json" with { type: "json" };

const golden = {
  cases: joinLists(input.cases, expected.cases),
  estimates: joinLists(input.estimates, expected.estimates),
  tests: joinLists(input.tests, expected.tests),
};

const numbers = (values: readonly (number | null)[]): Float64Array => Float64Array.from(values, (value) => value ?? Number.NaN);

const orderOf = ([p, d, q, P, D, Q, period]: readonly number[]): ArimaOrder => ({ p, d, q, P, D, Q, period });

/** R's vector is [ar | ma | sar | sma | mean | regressors], ours the same without the last two. */
function modelOf(entry: (typeof golden.cases)[number]) {
  const order = orderOf(entry.order);
  const own = order.p + order.q + order.P + order.Q;
  const columns = entry.xreg.map((column) => numbers(column));
  if (entry.mean) columns.unshift(new Float64Array(entry.y.length).fill(1));
  return { order, parameters: numbers(entry.coef.slice(0, own)), columns, coefficients: numbers(entry.coef.slice(own)) };
}

describe("likelihood for the same order and parameters as R", () => {
  test.each(golden.cases)("$name", (entry) => {
    const values = numbers(entry.y);
    const model = modelOf(entry);
    expect(Math.abs(logLikelihood(values, model) - entry.logLik)).toBeLessThan(1e-6);
    if (entry.limit === null) return;
    expect(Math.abs(logLikelihood(values, model, Infinity) - entry.limit)).toBeLessThan(1e-6);
    // The quick recursion and the full filter agree where both can go.
    expect(logLikelihood(values, model, 1e9)).toBeCloseTo(entry.limit, 4);
  });
});

describe("maximum of the likelihood is not below R's", () => {
  test.each(golden.estimates)("$name", (entry) => {
    const order = orderOf(entry.order);
    const values = numbers(entry.y);
    const columns = entry.xreg.map((column) => numbers(column));
    if (entry.mean) columns.unshift(new Float64Array(values.length).fill(1));
    const bench = makeWorkbench({ values, columns, hasGaps: values.some(Number.isNaN) }, order.d, order.D, order.period);
    const start = new Float64Array(order.p + order.q + order.P + order.Q).fill(0.1);
    const found = estimate(bench, order, { method: "exact", starts: [start], tolerance: 1e-10, maxIterations: 100 })!;
    const model = { order, parameters: found.parameters, columns, coefficients: found.coefficients };
    expect(logLikelihood(values, model)).toBeGreaterThan(entry.logLik - (order.d + order.D > 0 ? 2e-3 : 1e-5));
    for (const [i, value] of [...found.parameters, ...found.coefficients].entries())
      expect(Math.abs(value - entry.coef[i])).toBeLessThan(5e-3);
  });
});

describe("forecasts of a given model", () => {
  test.each(golden.cases)("$name", (entry) => {
    const { order, parameters, coefficients } = modelOf(entry);
    const isDrift = entry.xreg.length === 1 && entry.xreg[0][1] === 2;
    const regressors = isDrift ? [] : entry.xreg.map((column, j) => ({ name: `x${j}`, values: numbers([...column, ...entry.future[j]]) }));
    const own = entry.mean ? 1 : 0;
    const plan: Plan = {
      order,
      parameters,
      shift: 0,
      scale: 1,
      constant: entry.mean ? "mean" : isDrift ? "drift" : "none",
      level: coefficients[0] ?? 0,
      terms: regressors.map(({ name }, j) => ({
        column: { kind: "regressor", name, filling: 0 },
        centre: 0,
        scale: 1,
        coefficient: coefficients[own + j],
      })),
      variance: entry.sigma2,
      degrees: 1,
    };
    const settled = fitPlan(plan, { values: numbers(entry.y), seasons: [], regressors, position: 0 }, 0);
    if (settled.kind === "unfit") throw new Error(settled.reason);
    const horizon = entry.forecast.length;
    const { mean, quantiles } = settled.forecast(horizon, [0.8413447460685429]);
    // R's prior of 1e6 pulls differenced models a little; ours, without gaps, is the limit.
    const tolerance = order.d + order.D > 0 ? 2e-4 : 1e-7;
    for (let h = 0; h < horizon; h++) {
      const se = entry.se[h];
      expect(Math.abs(mean[h] - entry.forecast[h]) / se).toBeLessThan(tolerance);
      expect(Math.abs(quantiles[h] - mean[h] - se) / se).toBeLessThan(tolerance);
    }
    expect(settled.likelihood!.logLik).toBeCloseTo(entry.logLik, 6);
  });
});

describe("differences", () => {
  test.each(golden.tests)("$name", (entry) => {
    const values = numbers(entry.y);
    expect(kpss(values)).toBeCloseTo(entry.kpss, 9);
    expect(chooseDifferences(values, 2, 1)).toBe(entry.ndiffs);
    expect(chooseSeasonalDifferences(values, 12, 1)).toBe(entry.nsdiffs12);
    expect(chooseSeasonalDifferences(values, 4, 1)).toBe(entry.nsdiffs4);
  });
});
