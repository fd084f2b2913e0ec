import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../../platform/random.ts";
import type { Fitted, Series, Unfit } from "../../contract.ts";
import { classicalIndices, hasSeason, naive, naive2, snaive } from "./naive.ts";

// International airline passengers 1949-1953, thousands (Box, Jenkins & Reinsel, series G). Reference numbers: R 4.2.2, forecast 8.20.
const passengers = Float64Array.from(
  (
    "112 118 132 129 121 135 148 148 136 119 104 118 115 126 141 135 125 149 170 170 158 133 114 140 145 150 178 163 172 178 199 199 " +
    "184 162 146 166 171 180 193 181 183 218 230 242 209 191 172 194 196 196 236 235 229 243 264 272 237 211 180 201"
  ).split(" "),
  Number,
);
const seriesOf = (values: ArrayLike<number>, seasons: readonly number[] = [12]): Series => ({
  values: Float64Array.from(values),
  seasons,
  regressors: [],
  position: 0,
});
const options = { horizon: 14, random: makeRandom(1), nonNegative: true };

function fitted(result: Fitted | Unfit): Fitted {
  if (result.kind === "unfit") throw new Error(result.reason);
  return result;
}

describe("naive and seasonal naive", () => {
  test("agree with R's naive() and snaive()", () => {
    const walk = fitted(naive.fit(seriesOf(passengers), options)).forecast(3, [0.9]);
    [223.171400802, 232.355095711, 239.401992664].forEach((upper, h) => expect(walk.quantiles[h]).toBeCloseTo(upper, 8));
    const { mean, quantiles } = fitted(snaive.fit(seriesOf(passengers), options)).forecast(14, [0.1, 0.9]);
    expect([...mean.subarray(0, 3), mean[12]]).toEqual([196, 196, 236, 196]);
    expect(quantiles[14]).toBeCloseTo(230.868841293, 8);
    expect(quantiles[14 + 12]).toBeCloseTo(245.31198826, 8);
    expect(quantiles[12] + quantiles[26]).toBeCloseTo(2 * 196, 8);
  });

  test("a gap widens what follows and is not a step", () => {
    const fit = fitted(naive.fit(seriesOf([1, 2, 3, 4, Number.NaN, Number.NaN]), options));
    expect(fit.parameters["sigma"]).toBe(1);
    const { mean, quantiles } = fit.forecast(2, [0.8413447460685429]);
    expect([...mean]).toEqual([4, 4]);
    expect(quantiles[0]).toBeCloseTo(4 + Math.sqrt(3), 9);
    expect(quantiles[1]).toBeCloseTo(4 + Math.sqrt(4), 9);
  });

  test("sample paths spread as the quantiles do", () => {
    const fit = fitted(snaive.fit(seriesOf(passengers), options));
    const samples = fit.simulate(14, 4000, makeRandom(4));
    const step = Array.from({ length: 4000 }, (_, p) => samples[p * 14 + 13]).sort((a, b) => a - b);
    const { quantiles } = fit.forecast(14, [0.1, 0.9]);
    expect(Math.abs(step[400] - quantiles[13])).toBeLessThan(3);
    expect(Math.abs(step[3600] - quantiles[27])).toBeLessThan(3);
  });

  test("advancing reads no further than it is given", () => {
    const fit = fitted(snaive.fit(seriesOf(passengers.subarray(0, 40)), options));
    const longer = fitted(fit.advance(seriesOf(passengers)));
    expect([...longer.fitted.subarray(0, 40)]).toEqual([...fit.fitted]);
    expect(longer.forecast(1, []).mean[0]).toBe(196);
  });

  test("strange series", () => {
    expect(naive.fit(seriesOf([]), options).kind).toBe("unfit");
    expect(naive.fit(seriesOf([Number.NaN]), options)).toMatchObject({ kind: "unfit" });
    // One value says nothing of change: half of its size is thought possible, not none.
    const one = fitted(naive.fit(seriesOf([7]), options)).forecast(2, [0.1, 0.9]);
    expect([...one.mean]).toEqual([7, 7]);
    expect([...one.quantiles].map(Math.round)).toEqual([3, 1, 11, 13]);
    expect(snaive.fit(seriesOf([1, 2, 3]), options)).toMatchObject({ reason: expect.stringMatching(/12 steps.*has 3/) });
    expect(snaive.fit(seriesOf([1, 2, 3], []), options)).toMatchObject({ reason: expect.stringMatching(/has none/) });
    const holed = fitted(snaive.fit(seriesOf([1, Number.NaN, 3, 2, Number.NaN, 4], [3]), options));
    expect([...holed.forecast(3, []).mean]).toEqual([2, 2.5, 4]);
  });
});

describe("Naive2", () => {
  test("indices agree with R's decompose()", () => {
    const index = classicalIndices(passengers, 12)!;
    expect(index[0]).toBeCloseTo(0.910634500966, 11);
    expect(index[6]).toBeCloseTo(1.174789985872, 11);
    expect(index[11]).toBeCloseTo(0.911639264302, 11);
  });

  test("no season is found where the trend drowns it, as R's acf() says; then it is naive", () => {
    expect(hasSeason(passengers, 12)).toBe(false);
    expect([...naive2(passengers, 12, 2)]).toEqual([201, 201]);
  });

  test("a season that is there is put back", () => {
    const values = Float64Array.from({ length: 38 }, (_, t) => 100 * [0.8, 1, 1.1, 1.1][t % 4]);
    expect(hasSeason(values, 4)).toBe(true);
    naive2(values, 4, 6).forEach((value, h) => expect(value).toBeCloseTo(100 * [0.8, 1, 1.1, 1.1][(38 + h) % 4], 9));
  });

  test("short, constant and zero histories stay plain", () => {
    expect([...naive2(Float64Array.of(1, 2, 3), 12, 2)]).toEqual([3, 3]);
    expect([...naive2(new Float64Array(48).fill(5), 12, 1)]).toEqual([5]);
    expect([
      ...naive2(
        Float64Array.from({ length: 48 }, (_, t) => (t % 4 === 0 ? 9 : 0)),
        4,
        2,
      ),
    ]).toEqual([0, 0]);
  });
});
