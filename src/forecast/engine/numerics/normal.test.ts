import { describe, expect, test } from "vitest";
import { normalCdf, normalPdf, normalQuantile } from "./normal.ts";

// R 4.2.2: pnorm(x), qnorm(p), dnorm(1.3), printed with 17 digits.
describe("the standard normal", () => {
  test.each([
    [-10, 7.6198530241605269e-24],
    [-3.5, 2.3262907903552494e-4],
    [-2.9999, 1.350341282954925e-3],
    [-1, 0.15865525393145705],
    [0, 0.5],
    [0.3, 0.61791142218895256],
    [1.96, 0.97500210485177952],
    [5, 0.99999971334842808],
  ])("distribution function at %d", (x, expected) => {
    expect(Math.abs(normalCdf(x) / expected - 1)).toBeLessThan(1e-13);
  });

  test.each([
    [1e-300, -37.0470962993612],
    [1e-10, -6.3613409024040557],
    [0.01, -2.3263478740408408],
    [0.1, -1.2815515655446004],
    [0.4, -0.25334710313579978],
    [0.975, 1.959963984540054],
  ])("quantile of %d", (p, expected) => {
    expect(Math.abs(normalQuantile(p) / expected - 1)).toBeLessThan(1e-14);
  });

  test("the quantile undoes the distribution function", () => {
    for (let x = -8; x <= 5; x += 0.37) expect(normalQuantile(normalCdf(x))).toBeCloseTo(x, 9);
  });

  test("edges", () => {
    expect(normalPdf(1.3)).toBeCloseTo(0.17136859204780736, 15);
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
    expect([normalQuantile(-0.1), normalCdf(Number.NaN)]).toEqual([Number.NaN, Number.NaN]);
    expect([normalCdf(-50), normalCdf(50)]).toEqual([0, 1]);
  });
});
