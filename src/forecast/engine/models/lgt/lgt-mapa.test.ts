import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../../platform/random.ts";
import type { Fitted, FitOptions, Series, Unfit } from "../../contract.ts";
import { ets } from "../ets/ets.ts";
import { lgt } from "./lgt.ts";
import { overLevels } from "../mapa/mapa.ts";

const options: FitOptions = { horizon: 8, random: makeRandom(5), nonNegative: true };
const seriesOf = (values: readonly number[], seasons: readonly number[] = []): Series => ({
  values: Float64Array.from(values),
  seasons,
  regressors: [],
  position: 0,
});
const random = makeRandom(11);
const growing = Array.from({ length: 24 }, (_, t) => 100 * 1.04 ** t * (1 + 0.02 * random.normal()));
const seasonal = Array.from({ length: 48 }, (_, t) => (100 + t) * (1 + 0.3 * Math.sin((t * Math.PI) / 2)) + random.normal());
const mapa = overLevels(ets, "ETS over levels.");

function mustFit(result: Fitted | Unfit): Fitted {
  if (result.kind === "unfit") throw new Error(result.reason);
  return result;
}

describe("LGT", () => {
  test("follows growth, and says the same twice", () => {
    const fitted = mustFit(lgt.fit(seriesOf(growing), options));
    const { mean, quantiles } = fitted.forecast(8, [0.1, 0.5, 0.9]);
    for (let h = 0; h < 8; h++) {
      const truth = 100 * 1.04 ** (24 + h);
      expect(Math.abs(mean[h] / truth - 1)).toBeLessThan(0.15);
      expect(quantiles[h]).toBeLessThan(quantiles[8 + h]);
      expect(quantiles[8 + h]).toBeLessThan(quantiles[16 + h]);
    }
    expect(lgt.fit(seriesOf(growing), options)).toMatchObject({ parameters: fitted.parameters });
    expect(fitted.forecast(8, [0.1, 0.5, 0.9])).toEqual({ mean, quantiles, levels: [0.1, 0.5, 0.9] });
  });

  test("keeps its scale: a thousand times the history is a thousand times the forecast", () => {
    const one = mustFit(lgt.fit(seriesOf(growing), options)).forecast(4, []).mean;
    const thousand = mustFit(lgt.fit(seriesOf(growing.map((each) => 1000 * each)), options)).forecast(4, []).mean;
    for (let h = 0; h < 4; h++) expect(thousand[h] / (1000 * one[h])).toBeCloseTo(1, 6);
  });

  test("goes on over a longer history with the parameters it has", () => {
    const fitted = mustFit(lgt.fit(seriesOf(growing.slice(0, 20)), options));
    const later = mustFit(fitted.advance(seriesOf(growing)));
    expect(later.parameters).toEqual(fitted.parameters);
    expect(later.forecast(2, []).mean[0]).not.toBe(fitted.forecast(2, []).mean[0]);
  });

  test("says why it does not serve", () => {
    expect(lgt.fit(seriesOf([1, 2, 3]), options)).toMatchObject({ kind: "unfit" });
    expect(lgt.fit(seriesOf([1, 2, 3, 0, 5, 6, 7]), options)).toMatchObject({ kind: "unfit" });
    expect(lgt.fit(seriesOf([4, 4, 4, 4, 4, 4, 4]), options)).toMatchObject({ kind: "unfit" });
  });
});

describe("temporal aggregation", () => {
  test("keeps the season and the trend", () => {
    const { mean } = mustFit(mapa.fit(seriesOf(seasonal, [4]), options)).forecast(8, [0.5]);
    for (let h = 0; h < 8; h++) {
      const truth = (148 + h) * (1 + 0.3 * Math.sin(((48 + h) * Math.PI) / 2));
      expect(Math.abs(mean[h] / truth - 1)).toBeLessThan(0.1);
    }
  });

  test("agrees with a level that all others agree with: a constant stays", () => {
    const flat = Array.from({ length: 40 }, () => 7);
    const { mean } = mustFit(mapa.fit(seriesOf(flat, [4]), options)).forecast(6, []);
    for (const value of mean) expect(value).toBeCloseTo(7, 6);
  });

  test("advances every level, and needs a season", () => {
    const fitted = mustFit(mapa.fit(seriesOf(seasonal.slice(0, 40), [4]), options));
    const later = mustFit(fitted.advance(seriesOf(seasonal, [4])));
    expect(later.title).toBe(fitted.title);
    expect(later.forecast(4, []).mean).not.toEqual(fitted.forecast(4, []).mean);
    expect(mapa.fit(seriesOf(seasonal), options)).toMatchObject({ kind: "unfit" });
  });
});
