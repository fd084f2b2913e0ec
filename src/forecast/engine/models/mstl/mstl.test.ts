import { describe, expect, it } from "vitest";
import { makeRandom } from "../../../../platform/random.ts";
import type { FitOptions, Fitted, Series, Unfit } from "../../contract.ts";
import { joinEntries } from "../../../../../test/kit/golden.ts";
import expected from "../../../../../test/golden/mstl/expected.json" with { type: "json" };
import input from "../../../../../test/golden/mstl/input.json" with { type: "json" };
import { mstl } from "./mstl.ts";
import { decomposeMstl, decomposeStl } from "./stl.ts";

interface Stl {
  readonly values: readonly number[];
  readonly period: number;
  readonly options: { readonly seasonal: string | number; readonly robust: boolean };
}
interface Mstl {
  readonly values: readonly number[];
  readonly seasons: readonly number[];
}
interface Decomposed<Season> {
  readonly trend: readonly number[];
  readonly seasonal: readonly Season[];
}

const series = (values: ArrayLike<number>, seasons: readonly number[]): Series => ({
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
const distance = (ours: Float64Array, theirs: readonly number[]): number => {
  let most = 0;
  for (let t = 0; t < theirs.length; t++) most = Math.max(most, Math.abs(ours[t] - theirs[t]));
  return most;
};

describe("components beside R", () => {
  it.each(joinEntries<Stl, Decomposed<number>>(input.stl, expected.stl))(
    "stl, %s",
    (_name, { values, period, options: { seasonal, robust }, ...theirs }) => {
      const window = typeof seasonal === "number" ? seasonal : "periodic";
      const ours = decomposeStl(Float64Array.from(values), period, { seasonal: window, robust });
      expect(distance(ours.seasonal, theirs.seasonal)).toBeLessThan(1e-5);
      expect(distance(ours.trend, theirs.trend)).toBeLessThan(1e-5);
    },
  );

  it.each(joinEntries<Mstl, Decomposed<readonly number[]>>(input.mstl, expected.mstl))(
    "mstl, %s",
    (_name, { values, seasons, trend, seasonal }) => {
      const ours = decomposeMstl(Float64Array.from(values), seasons);
      expect(distance(ours.trend, trend)).toBeLessThan(1e-5);
      seasonal.forEach((theirs, i) => expect(distance(ours.seasonals[i], theirs)).toBeLessThan(1e-5));
    },
  );
});

const hourly = input.mstl.hourly.values;
const monthly = input.mstl.monthly.values;

describe("mstl", () => {
  it("forecasts two exact seasons", () => {
    const at = (t: number): number => 100 + 10 * Math.sin((2 * Math.PI * t) / 24) + (Math.floor(t / 24) % 7 > 4 ? -30 : 0);
    const fit = sure(
      mstl.fit(
        series(
          Array.from({ length: 24 * 35 }, (_, t) => at(t)),
          [24, 168],
        ),
        options(48),
      ),
    );
    const { mean } = fit.forecast(48, levels);
    for (let h = 0; h < 48; h++) expect(Math.abs(mean[h] - at(24 * 35 + h))).toBeLessThan(0.5);
    expect(fit.title).toContain("24, 168");
  });

  it("does better on real-looking hours than the same hour of yesterday", () => {
    const fit = sure(mstl.fit(series(hourly.slice(0, 452), [24, 168]), options(48)));
    const { mean } = fit.forecast(48, levels);
    let ours = 0;
    let naive = 0;
    for (let h = 0; h < 48; h++) {
      ours += Math.abs(mean[h] - hourly[452 + h]);
      naive += Math.abs(hourly[428 + (h % 24)] - hourly[452 + h]);
    }
    expect(ours).toBeLessThan(naive);
  });

  it("takes out only seasons that come back", () => {
    const random = makeRandom(4);
    const noise = Array.from({ length: 120 }, () => 10 + random.normal());
    expect(sure(mstl.fit(series(noise, [12]), options(12))).title).toContain("MSTL(no season");
    expect(sure(mstl.fit(series(monthly, [12]), options(12))).title).toContain("MSTL(12");
  });

  it("takes no year for a season of which two rounds tell nothing but their noise", () => {
    const random = makeRandom(5);
    let level = 100;
    const walk = Array.from(
      { length: 760 },
      (_, t) => (level += 0.5 * random.normal()) + 10 * Math.sin((2 * Math.PI * t) / 7) + 2 * random.normal(),
    );
    expect(sure(mstl.fit(series(walk, [7, 365.25]), options(28))).title).toMatch(/^MSTL\(7[;)]/);
  });

  it("keeps a year of days in step over leap years", () => {
    const at = (t: number): number => 50 + 20 * Math.sin((2 * Math.PI * t) / 365.25);
    const fit = sure(
      mstl.fit(
        series(
          Array.from({ length: 1900 }, (_, t) => at(t)),
          [7, 365.25],
        ),
        options(28),
      ),
    );
    const { mean } = fit.forecast(28, levels);
    for (let h = 0; h < 28; h++) expect(Math.abs(mean[h] - at(1900 + h))).toBeLessThan(1);
  });

  it("has quantiles that do not cross and agree with its paths", () => {
    const fit = sure(mstl.fit(series(monthly, [12]), options(12)));
    const { quantiles } = fit.forecast(12, levels);
    for (let i = 1; i < levels.length; i++) {
      for (let h = 0; h < 12; h++) expect(quantiles[i * 12 + h]).toBeGreaterThan(quantiles[(i - 1) * 12 + h]);
    }
    const paths = fit.simulate(12, 3000, makeRandom(3));
    for (const h of [0, 11]) {
      const at = Float64Array.from({ length: 3000 }, (_, p) => paths[p * 12 + h]).sort();
      expect(Math.abs(at[300] - quantiles[12 + h])).toBeLessThan(0.15 * (quantiles[3 * 12 + h] - quantiles[12 + h]));
    }
  });

  it("scales with its values", () => {
    const base = sure(mstl.fit(series(monthly, [12]), options(6))).forecast(6, levels);
    for (const scale of [1e7, 1e-9]) {
      const scaled = sure(
        mstl.fit(
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

  it("advances with the same structure and parameters", () => {
    const short = sure(mstl.fit(series(monthly.slice(0, 90), [12]), options(6)));
    const longer = sure(short.advance(series(monthly.slice(0, 96), [12])));
    expect(longer.parameters).toEqual(short.parameters);
    expect(longer.title).toBe(short.title);
    expect(longer.fitted.length).toBe(96);
    const same = sure(short.advance(series(monthly.slice(0, 90), [12])));
    expect([...same.forecast(6, levels).quantiles]).toEqual([...short.forecast(6, levels).quantiles]);
  });

  it.each([
    ["constant", Array.from({ length: 30 }, () => 7)],
    ["zeros", Array.from({ length: 30 }, () => 0)],
    ["gaps", Array.from({ length: 60 }, (_, t) => (t % 3 === 0 ? Number.NaN : 10 + (t % 12)))],
    ["a lost phase", Array.from({ length: 60 }, (_, t) => (t % 12 === 0 ? Number.NaN : 10 + (t % 12)))],
    ["late", [...Array.from({ length: 20 }, () => Number.NaN), ...Array.from({ length: 30 }, (_, t) => t)]],
    ["ends missing", [...Array.from({ length: 30 }, (_, t) => t % 12), Number.NaN, Number.NaN]],
    ["explosive", Array.from({ length: 30 }, (_, t) => 1e-9 * 5 ** t)],
    ["one spike", Array.from({ length: 30 }, (_, t) => (t === 4 ? 1e7 : 1e-9))],
  ])("serves a strange series: %s", (_name, values) => {
    for (const nonNegative of [false, true]) {
      const fit = sure(mstl.fit(series(values, [12]), options(14, nonNegative)));
      const { mean, quantiles } = fit.forecast(14, levels);
      for (const each of [mean, quantiles, fit.simulate(14, 20, makeRandom(2))]) {
        expect(each.every(Number.isFinite)).toBe(true);
        expect(nonNegative && each.some((value) => value < 0)).toBe(false);
      }
    }
  });

  it("says why it does not serve", () => {
    expect(mstl.fit(series(monthly, []), options(3))).toMatchObject({ reason: "MSTL needs a season; the series has none." });
    expect(mstl.fit(series(monthly.slice(0, 24), [12]), options(3))).toMatchObject({
      reason: expect.stringContaining("25 values; the history has 24"),
    });
    expect(mstl.fit(series([], [12]), options(3)).kind).toBe("unfit");
    expect(
      mstl.fit(
        series(
          Array.from({ length: 40 }, () => Number.NaN),
          [12],
        ),
        options(3),
      ).kind,
    ).toBe("unfit");
  });
});
