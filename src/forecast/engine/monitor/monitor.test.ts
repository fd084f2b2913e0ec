import { describe, expect, it } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import type { Forecast } from "../contract.ts";
import { normalQuantile } from "../numerics/normal.ts";
import { binomialUpper, clusteredScore, cusum, discoveries, inflation, pooledCorrelation, signTest, twoSided } from "./bounds.ts";
import { monitorForecast, type Watched } from "./monitor.ts";
import { forecastValueAdded, type Cell } from "./value-added.ts";

const levels = [0.1, 0.5, 0.9];

function normal(mean: number, spread: number, horizon: number): Forecast {
  const quantiles = Float64Array.from({ length: 3 * horizon }, (_, k) => mean + spread * normalQuantile(levels[Math.floor(k / horizon)]));
  return { mean: new Float64Array(horizon).fill(mean), quantiles, levels };
}

interface World {
  readonly items: number;
  readonly steps: number;
  /** Added to every actual, in spreads. */
  readonly bias?: number;
  /** True spread over the forecast's. */
  readonly wild?: number;
  /** Correlation of neighbouring steps. */
  readonly rho?: number;
  /** Share of the variance that all items have in common. */
  readonly common?: number;
}

function watch(seed: number, { items, steps, bias = 0, wild = 1, rho = 0, common = 0 }: World): readonly Watched[] {
  const random = makeRandom(seed);
  const shocks = Float64Array.from({ length: steps }, () => random.normal());
  return Array.from({ length: items }, (_, i) => {
    let own = random.normal();
    const actual = Float64Array.from({ length: steps }, (_, t) => {
      if (t > 0) own = rho * own + Math.sqrt(1 - rho * rho) * random.normal();
      return 100 + 10 * (bias + wild * (Math.sqrt(common) * shocks[t] + Math.sqrt(1 - common) * own));
    });
    return { id: `item ${i}`, actual, forecast: normal(100, 10, steps) };
  });
}

const rate = (world: World, verdict: string, runs = 200): number => {
  let count = 0;
  for (let seed = 0; seed < runs; seed++) if (monitorForecast(watch(seed, world)).verdict === verdict) count++;
  return count / runs;
};

describe("monitor", () => {
  it("seldom raises an alarm when nothing is wrong, correlated or not", () => {
    expect(rate({ items: 40, steps: 14 }, "alarm")).toBeLessThan(0.04);
    expect(rate({ items: 40, steps: 14, rho: 0.6 }, "alarm")).toBeLessThan(0.05);
    expect(rate({ items: 40, steps: 14, common: 0.4 }, "alarm")).toBeLessThan(0.04);
    expect(rate({ items: 1, steps: 28 }, "alarm")).toBeLessThan(0.04);
    // One strange day proves nothing against the forecast.
    expect(rate({ items: 40, steps: 1, common: 0.9 }, "alarm")).toBeLessThan(0.02);
  });

  it("finds forecasts that are too low, and intervals that are too narrow", () => {
    expect(rate({ items: 40, steps: 14, bias: 0.8 }, "alarm", 60)).toBeGreaterThan(0.9);
    expect(rate({ items: 40, steps: 14, wild: 2 }, "alarm", 60)).toBeGreaterThan(0.9);
    const { verdict, reason, coverage } = monitorForecast(watch(1, { items: 40, steps: 14, wild: 2 }));
    expect(verdict).toBe("alarm");
    expect(coverage?.nominal).toBeCloseTo(0.8, 12);
    expect(coverage?.observed).toBeLessThan(0.6);
    expect(reason).toContain("inside the 80 % intervals");
  });

  it("names the items that went wrong and leaves the others alone", () => {
    const items = watch(3, { items: 200, steps: 14 }).map((item, i) =>
      i < 3 ? { ...item, actual: item.actual.map((y) => y + 25) } : item,
    );
    const report = monitorForecast(items);
    const alarmed = report.items.filter(({ verdict }) => verdict === "alarm").map(({ id }) => id);
    expect(alarmed).toEqual(expect.arrayContaining(["item 0", "item 1", "item 2"]));
    expect(alarmed.length).toBeLessThanOrEqual(5);
    expect(report.items[0].reason).toContain("above the forecast");
    expect(report.items[0].trackingSignal).toBeCloseTo(14, 0);
    expect(report.verdict).not.toBe("fine");
  });

  it("notices a shift in mid-window by its CUSUM", () => {
    const items = watch(4, { items: 60, steps: 20 }).map((item, i) =>
      i === 5 ? { ...item, actual: item.actual.map((y, t) => (t < 14 ? y - 3 : y + 16)) } : item,
    );
    expect(monitorForecast(items).items[5]).toMatchObject({ verdict: expect.stringMatching(/watch|alarm/) });
    expect(monitorForecast(items).items[5].cusum).toBeGreaterThan(5);
  });

  it("compares with the backtests by their own spread", () => {
    const items = watch(5, { items: 30, steps: 10 });
    const { accuracy } = monitorForecast(items);
    const wql = accuracy?.averageWql ?? Number.NaN;
    const backtests = (factor: number) =>
      monitorForecast(items, { backtestWql: [wql / factor, (wql / factor) * 1.02, (wql / factor) * 0.98] });
    expect(backtests(1)).toMatchObject({ verdict: "fine" });
    expect(backtests(1.6)).toMatchObject({ verdict: "alarm", reason: expect.stringContaining("times the backtests'") });
    expect(backtests(1.6).ratio).toBeCloseTo(1.6, 2);
    expect(monitorForecast(items, { backtestWql: [wql / 1.6, wql, wql / 2.6] }).verdict).not.toBe("alarm");
    expect(monitorForecast([{ ...items[0], promisedWql: 1e-3 }]).items[0].ratio).toBeGreaterThan(10);
  });

  it("says so when there is nothing to judge by", () => {
    expect(monitorForecast([])).toMatchObject({ verdict: "unknown" });
    const blank = { id: "a", actual: Float64Array.of(Number.NaN), forecast: normal(5, 1, 1) };
    expect(monitorForecast([blank])).toMatchObject({ verdict: "unknown", items: [{ verdict: "unknown", accuracy: undefined }] });
    const bare = {
      id: "b",
      actual: Float64Array.of(3),
      forecast: { mean: Float64Array.of(4), quantiles: new Float64Array(0), levels: [] },
    };
    expect(monitorForecast([bare])).toMatchObject({ verdict: "unknown", items: [{ verdict: "unknown", trackingSignal: -1 }] });
  });

  it("takes demand that is mostly zero as calm when it is forecast so", () => {
    const random = makeRandom(6);
    const items = Array.from({ length: 50 }, (_, i) => {
      const forecast = { mean: new Float64Array(12).fill(0.2), quantiles: new Float64Array(36).fill(0).fill(1, 24), levels };
      return { id: String(i), actual: Float64Array.from({ length: 12 }, () => (random.next() < 0.2 ? 1 : 0)), forecast };
    });
    expect(monitorForecast(items).verdict).not.toBe("alarm");
  });
});

describe("bounds", () => {
  it("knows tails, discoveries and signs", () => {
    expect(twoSided(1.959964)).toBeCloseTo(0.05, 6);
    // 3 or more heads of 4: 5/16.
    expect(binomialUpper(3, 4, 0.5)).toBeCloseTo(5 / 16, 12);
    expect(binomialUpper(0, 4, 0.5)).toBe(1);
    expect(binomialUpper(5, 4, 0.5)).toBe(0);
    expect(signTest(9, 10)).toBeCloseTo(22 / 1024, 12);
    expect(signTest(0, 0)).toBe(1);
    // The example of Benjamini & Hochberg (1995), section 3.2: four of fifteen at 0.05.
    const p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1];
    expect(discoveries(p, 0.05).filter(Boolean).length).toBe(4);
    expect(discoveries([], 0.05)).toEqual([]);
  });

  it("measures and allows for correlation", () => {
    expect(inflation(10, 0)).toBe(1);
    expect(inflation(2, 0.5)).toBeCloseTo(1.5, 12);
    const random = makeRandom(2);
    const rows = Array.from({ length: 300 }, () => {
      let z = random.normal();
      return Float64Array.from({ length: 14 }, () => (z = 0.5 * z + Math.sqrt(0.75) * random.normal()));
    });
    expect(Math.abs(pooledCorrelation(rows) - 0.5)).toBeLessThan(0.06);
    expect(pooledCorrelation([Float64Array.of(1, 2)])).toBe(0);
    expect(cusum(Float64Array.of(1, 1, Number.NaN, 1), 0)).toEqual({ high: 1.5, low: 0 });
    expect(clusteredScore([Float64Array.of(1, 1, 1, 1)], 1)).toBe(2);
    expect(clusteredScore([new Float64Array(3)], 1)).toBe(0);
  });
});

describe("forecast value added", () => {
  const cell = (item: string, actual: number, system: number, adjusted?: number, author = "ana"): Cell => ({
    item,
    actual,
    naive: actual + 10,
    system,
    ...(adjusted === undefined ? {} : { adjustment: { value: adjusted, author, reason: "promotion" } }),
  });

  it("gives WAPE of the three, by direction and author", () => {
    const report = forecastValueAdded([
      cell("a", 100, 90, 98),
      cell("a", 100, 104),
      cell("b", 50, 50, 45, "bo"),
      cell("c", Number.NaN, 1, 2),
    ]);
    expect(report.all).toEqual({
      points: 3,
      wapeNaive: 30 / 250,
      wapeSystem: 14 / 250,
      wapeUsed: 11 / 250,
      systemAdded: 16 / 250,
      adjustmentAdded: 3 / 250,
    });
    expect(report.upwards).toMatchObject({ points: 1, improved: 1, worsened: 0, adjustmentAdded: 8 / 100 });
    expect(report.downwards).toMatchObject({ points: 1, improved: 0, worsened: 1, adjustmentAdded: -5 / 50 });
    expect(report.byAuthor.map(({ group }) => group)).toEqual(["ana", "bo"]);
    expect(report.adjusted.meanChange).toBeCloseTo(13 / 140, 12);
    expect(report.verdict).toBe("no clear difference");
  });

  it("calls it when many items agree", () => {
    const cells = Array.from({ length: 12 }, (_, i) => cell(`item ${i}`, 100, 80, i === 0 ? 70 : 95));
    expect(forecastValueAdded(cells)).toMatchObject({
      verdict: "adjustments help",
      reason: expect.stringContaining("11 items became better, 1 worse"),
    });
    expect(forecastValueAdded(cells.map((each) => ({ ...each, actual: 60 })))).toMatchObject({ verdict: "adjustments harm" });
    expect(forecastValueAdded([cell("a", 1, 1)])).toMatchObject({ verdict: "no adjustments", chance: 1 });
    expect(forecastValueAdded([cell("a", 0, 2, 1)]).adjusted).toMatchObject({ wapeSystem: 2, wapeUsed: 1 });
  });
});
