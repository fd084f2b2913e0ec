// The forecasting engine alone: one series, then a small catalogue from panel to orders, without app or database.
//
//     node examples/forecast.ts          (in a clone; with the package installed, import from "stockroom/forecast")

import {
  applyChanges,
  reforecast,
  forecastValues,
  hierarchyOf,
  inlineCompute,
  makeCatalogue,
  makeRandom,
  makeReconciler,
  makeSeries,
  memoryChunks,
  models,
  openRun,
  parseCommand,
  proposeOrder,
  sumUp,
} from "../src/forecast/library.ts";
import type { RunSettings } from "../src/forecast/library.ts";

const round = (values: Iterable<number>): string => Array.from(values, (value) => value.toFixed(1)).join(" ");

// One series: a model by its name, its quantiles and its sample paths.
const sold = [12, 15, 21, 18, 13, 16, 23, 19, 14, 18, 25, 21, 15, 19, 27, 22, 17, 20, 29, 24];
const fitted = models.ets.fit(makeSeries(sold, { seasons: [4] }), { horizon: 4, random: makeRandom(1), nonNegative: true });
if (fitted.kind === "unfit") throw new Error(fitted.reason);
console.log(`${fitted.title}: ${round(fitted.forecast(4, [0.1, 0.9]).mean)}`);
console.log(`one path: ${round(fitted.simulate(4, 1, makeRandom(2)))}`);

// The same by all models that suit it, weighed by their past.
const mixed = forecastValues(sold, { horizon: 4, seasons: [4], windows: 2 });
console.log(
  `mixed from ${mixed.components.map(({ model, weight }) => `${model} ${weight.toFixed(2)}`).join(", ")}: ${round(mixed.forecast?.mean ?? [])}`,
);

// A catalogue with prices and promotions; threads instead of inlineCompute(): openCompute({ threads: 2, log }).
const panel = makeCatalogue({ seed: 1, items: 4, stores: 2, frequency: "W", length: 80, horizon: 6 }).panel();
const settings: RunSettings = {
  levels: [0.1, 0.5, 0.9],
  mean: true,
  windows: 2,
  offset: 6,
  models: ["theta", "ets", "regression"],
  nonNegative: true,
  seed: 1,
  hierarchy: [],
};
const compute = inlineCompute();
const run = await openRun(panel, settings, { compute, chunks: memoryChunks() });
await run.mix();
const { series, accuracy } = await run.result().summary();
console.log(`${series} series, WAPE ${(100 * (accuracy?.wape ?? 0)).toFixed(1)} %, average wQL ${accuracy?.averageWql.toFixed(3)}`);

// What would 20 % off in store_001 do? The same models and weights, other prices ahead.
const parsed = parseCommand("price *= 0.8 where location = store_001");
if (parsed.kind === "faults") throw new Error(parsed.faults[0]?.message);
const applied = applyChanges(panel, parsed.changes);
if (applied.kind === "faults") throw new Error(applied.faults[0]?.message);
const everyone = [...panel.itemIds.keys()];
const sum = (forecasts: Awaited<ReturnType<typeof reforecast>>): number =>
  forecasts.reduce((total, { forecast }) => total + (forecast?.mean.reduce((all, value) => all + value, 0) ?? 0), 0);
const model = await run.model();
const baseline = await reforecast(panel, settings, model, everyone, { compute });
const scenario = await reforecast(applied.panel, settings, model, everyone, { compute });
console.log(`20 % off: ${(100 * (sum(scenario) / sum(baseline) - 1)).toFixed(1)} % more is sold`);

// Sums that agree: forecasts of all nodes, bottom-up here; the other methods need forecasts of the sums as well.
const hierarchy = hierarchyOf(panel, [[], ["location"]]);
const bottom = Float64Array.from(baseline.flatMap(({ forecast }) => [...(forecast?.mean ?? new Float64Array(6))]));
const coherent = makeReconciler(hierarchy, { method: "bottom-up" }).apply(sumUp(hierarchy, bottom, 6), 6);
console.log(`all stores: ${round(coherent.subarray(0, 6))}`);

// And what to order for the first series.
const [first] = baseline;
if (first.forecast === undefined) throw new Error("Expected a forecast.");
const order = proposeOrder({
  forecast: first.forecast,
  onHand: 5,
  leadTime: 1,
  packSize: 6,
  service: { kind: "cycle", level: 0.95 },
});
console.log(`order ${order.quantity}: ${order.reasons.at(-1)}`);
