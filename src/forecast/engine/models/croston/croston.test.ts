import { describe, expect, it } from "vitest";
import { makeRandom } from "../../../../platform/random.ts";
import type { FitOptions, Fitted, Model, Series, Unfit } from "../../contract.ts";
import { fitAdida, fitImapa, meanInterval, sumBuckets } from "./aggregate.ts";
import { joinEntries } from "../../../../../test/kit/golden.ts";
import expected from "../../../../../test/golden/croston/expected.json" with { type: "json" };
import input from "../../../../../test/golden/croston/input.json" with { type: "json" };
import { adida, croston, imapa, sba, tsb } from "./croston.ts";
import { fitRate, readDemand, runRate, type Demand } from "./demand.ts";
import { makeOutcome, meanOf, quantileOf, sampleOutcome } from "./outcome.ts";

const series = (values: ArrayLike<number>): Series => ({ values: Float64Array.from(values), seasons: [12], regressors: [], position: 0 });
const options: FitOptions = { horizon: 6, random: makeRandom(1), nonNegative: true };
const sure = (fit: Fitted | Unfit): Fitted => {
  if (fit.kind === "unfit") throw new Error(fit.reason);
  return fit;
};
const demandOf = (values: ArrayLike<number>): Demand => {
  const demand = readDemand(Float64Array.from(values));
  if (demand === undefined) throw new Error("negative");
  return demand;
};
const levels = [0.05, 0.1, 0.5, 0.75, 0.9, 0.95, 0.99];
const models: readonly Model[] = [croston, sba, tsb, adida, imapa];
const sparse = (seed: number, length = 60): number[] => {
  const random = makeRandom(seed);
  return Array.from({ length }, () => (random.next() < 0.3 ? 1 + random.below(6) : 0));
};

describe("Croston beside R, constants given", () => {
  it.each(joinEntries(input.series, expected.series))("%s", (_name, { values, alpha, mean, fitted }) => {
    const ours = new Float64Array(values.length);
    const parameters = { smoothing: "interval", sizeAlpha: alpha, occurrenceAlpha: alpha, factor: 1, start: "first" } as const;
    const { size, occurrence } = runRate(demandOf(values), parameters, ours);
    expect(size * occurrence).toBeCloseTo(mean, 9);
    // R has no forecast of the first value; ours is 0, as for all before the first demand.
    fitted.slice(1).forEach((theirs, t) => expect(ours[t + 1]).toBeCloseTo(theirs ?? 0, 9));
  });
});

describe("rates worked by hand", () => {
  const demand = demandOf([0, 2, 0, 0, 4]);
  const start = "first";

  it("Croston: size 2 then 2.2, interval 2 then 2.1", () => {
    const rate = runRate(demand, { smoothing: "interval", sizeAlpha: 0.1, occurrenceAlpha: 0.1, factor: 1, start });
    expect(rate.size).toBeCloseTo(2.2, 12);
    expect(rate.occurrence).toBeCloseTo(1 / 2.1, 12);
  });

  it("SBA: the same times 0.95", () => {
    const rate = runRate(demand, { smoothing: "interval", sizeAlpha: 0.1, occurrenceAlpha: 0.1, factor: 0.95, start });
    expect(rate.occurrence).toBeCloseTo(0.95 / 2.1, 12);
  });

  it("TSB: probability 0.5, 0.45, 0.405, then 0.4645", () => {
    const rate = runRate(demand, { smoothing: "probability", sizeAlpha: 0.1, occurrenceAlpha: 0.1, factor: 1, start });
    expect(rate.occurrence).toBeCloseTo(0.4645, 12);
  });

  it("TSB fades out when demand ceases; Croston does not", () => {
    const ceased = demandOf([...sparse(2), ...Array.from({ length: 60 }, () => 0)]);
    const rates = (["interval", "probability"] as const).map((smoothing) => {
      const { size, occurrence } = runRate(ceased, { smoothing, sizeAlpha: 0.1, occurrenceAlpha: 0.1, factor: 1, start });
      return size * occurrence;
    });
    expect(rates[1]).toBeLessThan(0.01 * rates[0]);
  });

  it("the search beats every other pair of its grid at the rate error", () => {
    const values = sparse(7);
    const data = demandOf(values);
    const loss = (sizeAlpha: number, occurrenceAlpha: number): number => {
      const fitted = new Float64Array(values.length);
      runRate(data, { smoothing: "interval", sizeAlpha, occurrenceAlpha, factor: 1, start: "mean" }, fitted);
      let sum = 0;
      let error = 0;
      values.forEach((value, t) => {
        sum += value;
        error += (fitted[t] - sum / (t + 1)) ** 2;
      });
      return error;
    };
    const found = fitRate(data, "interval", false);
    for (const a of [0.01, 0.05, 0.12, 0.3]) {
      for (const b of [0.01, 0.05, 0.12, 0.3])
        expect(loss(a, b)).toBeGreaterThanOrEqual(loss(found.sizeAlpha, found.occurrenceAlpha) - 1e-9);
    }
  });
});

describe("buckets", () => {
  it("end with the history and leave out what fills none", () => {
    expect([...sumBuckets(Float64Array.from([9, 1, 2, 3, 4]), 2)]).toEqual([3, 7]);
  });

  it("of ADIDA span the mean interval; those of iMAPA every span up to it", () => {
    const data = demandOf(sparse(3));
    expect(fitAdida(data).map(({ steps }) => steps)).toEqual([meanInterval(data)]);
    expect(fitImapa(data).map(({ steps }) => steps)).toEqual(Array.from({ length: meanInterval(data) }, (_, i) => i + 1));
  });
});

describe("the outcome of a step", () => {
  it("has the mean it was made for, whole sizes and a tail beyond the largest", () => {
    const data = demandOf(sparse(4));
    for (const rate of [0.8, 0.9, 1.4]) {
      const outcome = makeOutcome(data, rate, 0.3, 20);
      expect(meanOf(outcome)).toBeCloseTo(rate, 6);
      expect(outcome.sizes.every(Number.isInteger)).toBe(true);
      expect(quantileOf(outcome, 0.9999)).toBeGreaterThan(6);
      expect(quantileOf(outcome, 0.69)).toBe(0);
      expect(quantileOf(outcome, 0.71)).toBeGreaterThan(0);
    }
  });

  it("keeps its mean by the chance of demand where sizes cannot", () => {
    const data = demandOf(sparse(4));
    expect(meanOf(makeOutcome(data, 0.2, 0.5, 20))).toBeCloseTo(0.2, 9);
    expect(meanOf(makeOutcome(data, 40, 0.5, 20))).toBeCloseTo(40, 9);
    expect(meanOf(makeOutcome(demandOf([0, 3, 0, 3]), 1, 0.9, 20))).toBeCloseTo(1, 9);
  });

  it("is drawn by its paths: same quantiles, same mean", () => {
    const outcome = makeOutcome(demandOf(sparse(5)), 1.2, 0.35, 15);
    const paths = sampleOutcome(outcome, 2, 20_000, makeRandom(6));
    const last = Float64Array.from({ length: 20_000 }, (_, p) => paths[2 * p + 1]).sort();
    let mean = 0;
    for (const value of last) mean += value / last.length;
    expect(Math.abs(mean - 1.2)).toBeLessThan(0.05);
    for (const level of [0.5, 0.75, 0.9]) {
      const at = quantileOf(outcome, level);
      const below = last.filter((value) => value <= at).length / last.length;
      expect(below).toBeGreaterThan(level - 0.01);
      expect(last.filter((value) => value < at).length / last.length).toBeLessThan(level + 0.01);
    }
  });

  it("covers what comes: of demand drawn alike, 90 % and 99 % are at most the quantile, no fewer", () => {
    const random = makeRandom(8);
    const draw = (): number => (random.next() < 0.4 ? 1 + Math.floor(-3 * Math.log(1 - random.next())) : 0);
    let within90 = 0;
    let within99 = 0;
    const rounds = 400;
    for (let i = 0; i < rounds; i++) {
      const { quantiles } = sure(tsb.fit(series(Array.from({ length: 50 }, draw)), options)).forecast(1, [0.9, 0.99]);
      const next = draw();
      if (next <= quantiles[0]) within90++;
      if (next <= quantiles[1]) within99++;
    }
    expect(within90 / rounds).toBeGreaterThan(0.86);
    expect(within99 / rounds).toBeGreaterThan(0.965);
    expect(within90 / rounds).toBeLessThan(0.97);
  });
});

describe.each(models.map((model) => [model.name, model] as const))("%s", (_name, model) => {
  it("finds about the rate of steady demand", () => {
    const values = sparse(9, 200);
    const actual = values.reduce((sum, value) => sum + value, 0) / values.length;
    const { mean } = sure(model.fit(series(values), options)).forecast(6, levels);
    for (const value of mean) expect(Math.abs(value / actual - 1)).toBeLessThan(0.35);
  });

  it("has quantiles that do not cross, whole for whole demand, and paths alike", () => {
    const fit = sure(model.fit(series(sparse(10)), options));
    const { quantiles } = fit.forecast(6, levels);
    for (let i = 1; i < levels.length; i++) {
      for (let h = 0; h < 6; h++) expect(quantiles[i * 6 + h]).toBeGreaterThanOrEqual(quantiles[(i - 1) * 6 + h]);
    }
    expect(quantiles.every(Number.isInteger)).toBe(true);
    expect(fit.simulate(6, 50, makeRandom(1)).every(Number.isInteger)).toBe(true);
  });

  it("scales with real-valued demand", () => {
    const values = sparse(11).map((value) => value * 1.37);
    const base = sure(model.fit(series(values), options)).forecast(3, levels);
    for (const scale of [1e7 + 0.5, 1e-9]) {
      const { mean } = sure(model.fit(series(values.map((value) => value * scale)), options)).forecast(3, levels);
      expect(mean[0] / scale / base.mean[0]).toBeCloseTo(1, 6);
    }
  });

  it("advances with its parameters, and to the same history changes nothing", () => {
    const values = sparse(12);
    const fit = sure(model.fit(series(values), options));
    const same = sure(fit.advance(series(values)));
    expect(same.forecast(6, levels)).toEqual(fit.forecast(6, levels));
    const longer = sure(fit.advance(series([...values, 5, 0, 3])));
    expect(longer.parameters).toEqual(fit.parameters);
    expect(longer.fitted.length).toBe(values.length + 3);
    expect(longer.forecast(1, []).mean[0]).toBeGreaterThan(fit.forecast(1, []).mean[0]);
  });

  it.each([
    ["zeros", Array.from({ length: 30 }, () => 0)],
    ["constant", Array.from({ length: 30 }, () => 7)],
    ["one demand", [0, 0, 0, 5, 0, 0]],
    ["two points", [0, 3]],
    ["gaps", [Number.NaN, 0, Number.NaN, 2, 0, 0, Number.NaN, 1, 0]],
    ["never zero", Array.from({ length: 30 }, (_, t) => 10 + (t % 5) * 0.5)],
    ["huge and tiny", Array.from({ length: 30 }, (_, t) => (t % 7 === 0 ? 1e7 : t % 5 === 0 ? 1e-9 : 0))],
  ])("serves a strange series: %s", (_what, values) => {
    const fit = sure(model.fit(series(values), options));
    const { mean, quantiles } = fit.forecast(6, levels);
    for (const each of [mean, quantiles, fit.simulate(6, 20, makeRandom(2))]) {
      expect(each.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
    }
    expect(fit.fitted.length).toBe(values.length);
  });

  it("says why it does not serve", () => {
    expect(model.fit(series([]), options)).toMatchObject({ reason: expect.stringContaining("at least 2 values; the history has 0") });
    expect(model.fit(series([4]), options).kind).toBe("unfit");
    expect(model.fit(series([1, 0, -2, 0]), options)).toMatchObject({ reason: expect.stringContaining("negative") });
  });
});
