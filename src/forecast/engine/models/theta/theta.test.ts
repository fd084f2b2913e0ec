import { describe, expect, it } from "vitest";
import { makeRandom } from "../../../../platform/random.ts";
import type { FitOptions, Fitted, Series, Unfit } from "../../contract.ts";
import { fitLines, growthOfErrors, runLines, varianceOfSteps, walkLines } from "./lines.ts";
import { classicalIndices, findSeason } from "./season.ts";
import { joinEntries } from "../../../../../test/kit/golden.ts";
import expected from "../../../../../test/golden/theta/expected.json" with { type: "json" };
import input from "../../../../../test/golden/theta/input.json" with { type: "json" };
import { fitTheta, theta, thetaMembers } from "./theta.ts";

const series = (values: ArrayLike<number>, seasons: readonly number[] = []): Series => ({
  values: Float64Array.from(values),
  seasons,
  regressors: [],
  position: 0,
});
const options = (horizon: number, nonNegative = false): FitOptions => ({ horizon, random: makeRandom(1), nonNegative });
const sure = (fit: Fitted | Unfit): Fitted => {
  if (fit.kind === "unfit") throw new Error(fit.reason);
  return fit;
};
const levels = [0.05, 0.1, 0.5, 0.9, 0.95];

describe("standard Theta beside R", () => {
  // R searches alpha and the first level together by Nelder-Mead to about 1e-4 and stops short of the optimum; here the optimum is exact.
  it.each(joinEntries(input.series, expected.series))("%s", (_name, { season, values, mean }) => {
    const fit = sure(fitTheta(series(values, season > 1 ? [season] : []), options(mean.length), [thetaMembers.standard]));
    const ours = fit.forecast(mean.length, []).mean;
    for (let h = 0; h < mean.length; h++) expect(Math.abs(ours[h] / mean[h] - 1)).toBeLessThan(2e-5);
  });
});

describe("theta lines", () => {
  const values = Float64Array.from(input.series.yearly.values);
  const known = new Uint8Array(values.length).fill(1);

  it.each(["drift", "static", "dynamic"] as const)("of kind %s are the least squares of their neighbourhood", (line) => {
    const found = fitLines(values, known, line, true);
    const best = runLines(values, known, found).sse;
    for (const step of [-1e-3, 1e-3]) {
      const alpha = Math.min(0.9999, Math.max(1e-4, found.alpha + step));
      expect(runLines(values, known, { ...found, alpha }).sse).toBeGreaterThanOrEqual(best * (1 - 1e-12));
      expect(runLines(values, known, { ...found, level: found.level + step }).sse).toBeGreaterThanOrEqual(best * (1 - 1e-12));
      const share = Math.min(1, Math.max(0, found.share + (line === "drift" ? 0 : step)));
      expect(runLines(values, known, { ...found, share }).sse).toBeGreaterThanOrEqual(best * (1 - 1e-12));
    }
  });

  it("of a moving line forecast what the recursion says of the extended history", () => {
    const state = runLines(values, known, { line: "dynamic", alpha: 0.4, level: 60, share: 0.5 });
    const path = new Float64Array(3);
    walkLines(state, 3, new Float64Array(3), path, 0);
    const longer = Float64Array.from([...values, ...path]);
    const continued = runLines(longer, new Uint8Array(longer.length).fill(1), { line: "dynamic", alpha: 0.4, level: 60, share: 0.5 });
    for (let h = 0; h < 3; h++) expect(continued.fitted[values.length + h]).toBeCloseTo(path[h], 9);
  });

  it.each(["drift", "static", "dynamic"] as const)("of kind %s have the variance their paths show", (line) => {
    const state = runLines(values, known, { line, alpha: 0.4, level: 60, share: 0.5 });
    const variance = varianceOfSteps(state, 6);
    const base = new Float64Array(6);
    walkLines(state, 6, new Float64Array(6), base, 0);
    const sum = new Float64Array(6);
    // Independent unit shocks, one at a time: squares of the responses add up to the variance.
    for (let j = 0; j < 6; j++) {
      const shocks = new Float64Array(6);
      shocks[j] = 1;
      const path = new Float64Array(6);
      walkLines(state, 6, shocks, path, 0);
      for (let h = 0; h < 6; h++) sum[h] += (path[h] - base[h]) ** 2;
    }
    for (let h = 0; h < 6; h++) expect(variance[h]).toBeCloseTo(sum[h], 9);
  });
});

describe("the growth of errors", () => {
  const growthOf = (make: (t: number) => number): number => {
    const values = Float64Array.from({ length: 200 }, (_, t) => make(t));
    const known = new Uint8Array(200).fill(1);
    const parameters = fitLines(values, known, "drift", false);
    return growthOfErrors(values, known, runLines(values, known, parameters), 12);
  };

  it("is near none where the model is right, and plain where the slope wanders", () => {
    const random = makeRandom(11);
    let walk = 0;
    expect(Math.abs(growthOf(() => (walk += random.normal())))).toBeLessThan(0.4);
    let slope = 0;
    let level = 0;
    const wandering = growthOf(() => {
      slope += 0.2 * random.normal();
      level += slope;
      return level + random.normal();
    });
    expect(wandering).toBeGreaterThan(0.6);
  });

  it("is none where the history cannot tell", () => {
    expect(growthOf(() => 5)).toBe(0);
  });
});

describe("the season", () => {
  it("is found where it is, multiplicative for positive values, additive otherwise", () => {
    const wave = Array.from({ length: 60 }, (_, t) => 20 + 5 * Math.sin((2 * Math.PI * t) / 12));
    expect(findSeason(Float64Array.from(wave), 12).form).toBe("multiplicative");
    expect(
      findSeason(
        Float64Array.from(wave, (y) => y - 20),
        12,
      ).form,
    ).toBe("additive");
    const random = makeRandom(5);
    expect(
      findSeason(
        Float64Array.from({ length: 60 }, () => random.normal()),
        12,
      ).form,
    ).toBe("none");
  });

  it("of an exact pattern has exact indices", () => {
    const pattern = [0.5, 1, 1.5];
    const { indices } = classicalIndices(
      Float64Array.from({ length: 12 }, (_, t) => 40 * pattern[t % 3]),
      3,
      "multiplicative",
    );
    for (let p = 0; p < 3; p++) expect(indices[p]).toBeCloseTo(pattern[p], 12);
  });
});

describe("theta", () => {
  const monthly = input.series.monthly.values;

  it("has quantiles that do not cross and agree with its paths", () => {
    const fit = sure(theta.fit(series(monthly, [12]), options(12)));
    const { quantiles, mean } = fit.forecast(12, levels);
    for (let i = 1; i < levels.length; i++) {
      for (let h = 0; h < 12; h++) expect(quantiles[i * 12 + h]).toBeGreaterThan(quantiles[(i - 1) * 12 + h]);
    }
    const paths = fit.simulate(12, 4000, makeRandom(3));
    for (const h of [0, 5, 11]) {
      const at = Float64Array.from({ length: 4000 }, (_, p) => paths[p * 12 + h]).sort();
      expect(Math.abs(at[400] - quantiles[12 + h])).toBeLessThan(0.15 * (quantiles[3 * 12 + h] - quantiles[12 + h]));
      expect(Math.abs(at[2000] - mean[h])).toBeLessThan(0.05 * (quantiles[3 * 12 + h] - quantiles[12 + h]));
    }
  });

  it("scales with its values", () => {
    const base = sure(theta.fit(series(monthly, [12]), options(6))).forecast(6, levels);
    for (const scale of [1e7, 1e-9]) {
      const scaled = sure(
        theta.fit(
          series(
            monthly.map((y) => y * scale),
            [12],
          ),
          options(6),
        ),
      ).forecast(6, levels);
      for (let i = 0; i < base.quantiles.length; i++) expect(scaled.quantiles[i] / scale / base.quantiles[i]).toBeCloseTo(1, 5);
    }
  });

  it("advances as if its parameters had been run over the longer history", () => {
    const short = sure(theta.fit(series(monthly.slice(0, 90), [12]), options(6)));
    const longer = sure(short.advance(series(monthly.slice(0, 96), [12])));
    expect(longer.parameters).toEqual(short.parameters);
    const same = sure(short.advance(series(monthly.slice(0, 90), [12])));
    expect([...same.forecast(6, levels).quantiles]).toEqual([...short.forecast(6, levels).quantiles]);
    expect(longer.fitted.length).toBe(96);
  });

  it("chooses again when a zero forbids its logarithms", () => {
    const short = sure(theta.fit(series(monthly.slice(0, 90), [12]), options(6)));
    const broken = sure(short.advance(series([...monthly.slice(0, 90), 0], [12])));
    expect(broken.forecast(6, levels).mean.every(Number.isFinite)).toBe(true);
  });

  it.each([
    ["constant", Array.from({ length: 30 }, () => 7)],
    ["zeros", Array.from({ length: 30 }, () => 0)],
    ["gaps", Array.from({ length: 40 }, (_, t) => (t % 3 === 0 ? Number.NaN : 10 + (t % 12)))],
    ["late", [...Array.from({ length: 20 }, () => Number.NaN), 1, 2, 3, 4, 5]],
    ["ends missing", [5, 6, 7, 8, 9, 10, Number.NaN, Number.NaN]],
    ["explosive", Array.from({ length: 30 }, (_, t) => 1e-9 * 5 ** t)],
    ["infinite", [1, 2, Infinity, 4, 5, 6, 7]],
    ["negative", Array.from({ length: 30 }, (_, t) => -5 * t)],
    ["one spike", Array.from({ length: 30 }, (_, t) => (t === 4 ? 1e7 : 1e-9))],
  ])("serves a strange series: %s", (_name, values) => {
    for (const nonNegative of [false, true]) {
      const fit = sure(theta.fit(series(values, [12]), options(14, nonNegative)));
      const { mean, quantiles } = fit.forecast(14, levels);
      const paths = fit.simulate(14, 20, makeRandom(2));
      for (const each of [mean, quantiles, paths]) {
        expect(each.every(Number.isFinite)).toBe(true);
        expect(nonNegative && each.some((value) => value < 0)).toBe(false);
      }
      expect(fit.fitted.length).toBe(values.length);
    }
  });

  it("keeps a constant constant", () => {
    const { mean, quantiles } = sure(theta.fit(series(Array.from({ length: 20 }, () => 7)), options(5))).forecast(5, levels);
    for (const value of [...mean, ...quantiles]) expect(value).toBeCloseTo(7, 6);
  });

  it.each([[[]], [[3]], [[3, 4]], [[Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN]]])("says why %j is too short", (values) => {
    expect(theta.fit(series(values), options(3))).toMatchObject({ kind: "unfit", reason: expect.stringContaining("at least 4 values") });
  });
});
