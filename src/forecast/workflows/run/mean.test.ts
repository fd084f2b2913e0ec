import { expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import type { Panel } from "../../engine/contract.ts";
import { makePanel } from "../../engine/panel/make.ts";
import { inlineCompute } from "./inline.ts";
import { memoryChunks } from "./pieces.ts";
import { runForecast } from "./run.ts";

const [length, horizon] = [112, 6];

/** By kind: what is expected of a step at a price of one, and how far sales lie from it, in parts of it. */
const kinds: Readonly<Record<string, { readonly rate: (t: number) => number; readonly noise: number }>> = {
  steady: { rate: () => 60, noise: 0.1 },
  small: { rate: () => 6, noise: 0.3 },
  growing: { rate: (t) => 20 + t, noise: 0.1 },
  falling: { rate: (t) => 10 + 1.5 * (length - t), noise: 0.1 },
  seasonal: { rate: (t) => 50 * (1 + 0.6 * Math.sin((2 * Math.PI * t) / 52)), noise: 0.15 },
  // Four times as much a year ago as now: the level it is measured by says nothing of now.
  fallen: { rate: (t) => (t < 66 ? 640 : 150), noise: 0.1 },
  risen: { rate: (t) => (t < 90 ? 30 : 120), noise: 0.1 },
  "one peak": { rate: (t) => 160 + 540 * Math.exp(-(((t - 60) / 8) ** 2)), noise: 0.1 },
  skewed: { rate: () => 40, noise: 0.8 },
  rare: { rate: () => 0.15, noise: 0 },
  ended: { rate: (t) => (t < 70 ? 30 : 0), noise: 0.1 },
};

/** Three series of each kind, with a price that is cut now and then; the same seed gives the same panel. */
function market(seed: number): Panel {
  const series = Object.entries(kinds).flatMap(([kind, { rate, noise }], k) =>
    [1, 2, 3].map((n) => {
      const random = makeRandom(seed).fork(`${kind} ${n}`);
      const price = Array.from({ length: length + horizon }, () => (random.next() < 0.12 ? 0.8 : 1));
      const values = Array.from({ length }, (_, t) => {
        const mean = n * rate(t) * price[t] ** -2;
        if (mean < 1) return random.next() < mean ? 1 + random.below(4) : 0;
        return Math.max(0, Math.round(mean * Math.exp(noise * random.normal() - noise ** 2 / 2)));
      });
      return { item: `${kind} ${n}`, metadata: { category: k % 2 === 0 ? "x" : "y" }, values, regressors: { price } };
    }),
  );
  return makePanel({
    grid: { frequency: { unit: "W", multiple: 1 }, startMs: Date.UTC(2023, 0, 2), length, horizon },
    series,
    seasons: [365.25 / 7],
  });
}

test.each([
  [1, [0.1, 0.5, 0.9]],
  [2, [0.01, 0.1, 0.5, 0.9, 0.99]],
  [3, [0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95]],
])("means lie where their quantiles leave room for them, whatever a series is like (seed %d, levels %j)", async (seed, levels) => {
  const panel = market(seed);
  const settings = { levels, mean: true, windows: 3, offset: horizon, models: "auto", nonNegative: true, seed, hierarchy: [] } as const;
  const result = await runForecast(panel, settings, { compute: inlineCompute(), chunks: memoryChunks() });
  const wrong: string[] = [];
  for await (const { mixed } of result.series()) {
    const { mean, quantiles } = mixed.forecast ?? { mean: new Float64Array(0), quantiles: new Float64Array(0) };
    expect(mean).toHaveLength(horizon);
    const at = (level: number, h: number): number => quantiles[levels.indexOf(level) * horizon + h];
    for (let h = 0; h < horizon; h++) {
      const [low, middle, high] = [at(0.1, h), at(0.5, h), at(0.9, h)];
      const figures = `${mixed.key} step ${h}: mean ${mean[h].toFixed(2)}, p10 ${low.toFixed(2)}, p50 ${middle.toFixed(2)}, p90 ${high.toFixed(2)}`;
      // Markov's inequality, for every distribution of demand.
      if (levels.some((level) => (1 - level) * at(level, h) > mean[h] * (1 + 1e-9))) wrong.push(`${figures} (too high a quantile)`);
      // Where something is sold nine times in ten: Swanson's mean of three quantiles, to a seventh of the fan.
      if (low > 0 && Math.abs(mean[h] - (0.3 * low + 0.4 * middle + 0.3 * high)) > 0.15 * (high - low)) wrong.push(figures);
    }
  }
  expect(wrong).toEqual([]);
});
