import { describe, expect, test } from "vitest";
import { forecastValues, makeRandom, makeSeries, models } from "./library.ts";

describe("the door of the library", () => {
  const wave = Array.from({ length: 48 }, (_, t) => 100 + t + 20 * Math.sin((2 * Math.PI * t) / 12));

  test("has every local model under its name", () => {
    for (const [name, model] of Object.entries(models)) {
      expect(model.name).toBe(name);
      const fitted = model.fit(makeSeries(wave, { seasons: [12] }), { horizon: 6, random: makeRandom(1), nonNegative: true });
      const text = fitted.kind === "unfit" ? fitted.reason : fitted.title;
      expect(text.length).toBeGreaterThan(2);
      const mean = fitted.kind === "unfit" ? [] : [...fitted.forecast(6, [0.1, 0.9]).mean];
      expect(mean.every((value) => value > 50 && value < 300)).toBe(true);
    }
  });

  test("forecasts values by all models that suit them", () => {
    const { forecast, components, backtests } = forecastValues(wave, { horizon: 6, seasons: [12], windows: 2 });
    expect(forecast?.levels).toEqual([0.1, 0.5, 0.9]);
    for (const [h, value] of (forecast?.mean ?? []).entries()) {
      expect(Math.abs(value - (148 + h + 20 * Math.sin((2 * Math.PI * (48 + h)) / 12)))).toBeLessThan(8);
    }
    expect(components.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 9);
    expect(backtests.map(({ cut }) => cut)).toEqual([36, 42]);
    expect(forecastValues([], { horizon: 3 }).forecast).toBeUndefined();
    expect(forecastValues(wave, { horizon: 6, seed: 1 })).toEqual(forecastValues(wave, { horizon: 6 }));
  });
});
