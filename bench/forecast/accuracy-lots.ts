// Lots: series with a known past and a future to be judged by, forecast by the engine's own pipeline and scored.

import { makeRandom } from "../../src/platform/random.ts";
import type { GivenForecast, MixOptions } from "../../src/forecast/engine/combine/contract.ts";
import { mixForecast } from "../../src/forecast/engine/combine/mix.ts";
import { planMix } from "../../src/forecast/engine/combine/plan.ts";
import { trialLevels, tryModels } from "../../src/forecast/engine/combine/trial.ts";
import type { Forecast, Frequency, Model, Panel, Series } from "../../src/forecast/engine/contract.ts";
import { fitGlobal, forecastGlobal } from "../../src/forecast/engine/global/global.ts";
import {
  accuracyOf,
  addTally,
  makeTally,
  owaOf,
  scaleOf,
  tallyForecast,
  type Accuracy,
} from "../../src/forecast/engine/metrics/metrics.ts";
import { naive2 } from "../../src/forecast/engine/models/naive/naive.ts";
import { makePanel, type PlainSeries } from "../../src/forecast/engine/panel/make.ts";
import { seriesAt } from "../../src/forecast/engine/panel/series.ts";
import type { Cell, ResultTable } from "../machine.ts";

export const levels = [0.1, 0.5, 0.9] as const;

/** Series that are forecast together. */
export interface Lot {
  readonly name: string;
  readonly horizon: number;
  /** Seasonal lag of the scores. */
  readonly lag: number;
  readonly panel: Panel;
  /** What came, series by series. */
  readonly actuals: readonly Float64Array[];
  readonly nonNegative: boolean;
}

export interface LotShape {
  readonly name: string;
  readonly horizon: number;
  readonly lag: number;
  readonly frequency: Frequency;
  readonly startMs?: number;
  readonly seasons: readonly number[];
  readonly nonNegative: boolean;
}

/** A lot of series that end at the same step; `actuals` one for each. */
export function makeLot(shape: LotShape, series: readonly PlainSeries[], actuals: readonly Float64Array[]): Lot {
  const length = series.reduce((most, each) => Math.max(most, each.values.length), 0);
  const grid = { frequency: shape.frequency, startMs: shape.startMs ?? Date.UTC(2000, 0, 3), length, horizon: shape.horizon };
  const panel = makePanel({ grid, series, seasons: shape.seasons });
  return { name: shape.name, horizon: shape.horizon, lag: shape.lag, panel, actuals, nonNegative: shape.nonNegative };
}

const count = (lot: Lot): number => lot.actuals.length;
const key = (lot: Lot, i: number): string => `${lot.name}/${i}`;

/** The whole pipeline on a lot: every candidate, the global model if `rows` (its training rows) is above zero, weights, calibration. */
export function mixLot(lot: Lot, windows: number, rows: number): { forecasts: Forecast[]; global: (Forecast | undefined)[] } {
  const options: MixOptions = {
    horizon: lot.horizon,
    levels,
    windows,
    offset: lot.horizon,
    nonNegative: lot.nonNegative,
    models: "auto",
    random: makeRandom(1),
  };
  const given = rows > 0 ? giveGlobal(lot, options, rows) : undefined;
  const trials = lot.actuals.map((_, i) => tryModels(key(lot, i), seriesAt(lot.panel, i), options, given === undefined ? [] : [given[i]]));
  const plan = planMix(trials, options);
  const forecasts = trials.map((trial, i) => {
    const { forecast } = mixForecast(trial, plan, i, options);
    const zeros = new Float64Array(lot.horizon);
    return forecast ?? { mean: zeros, levels, quantiles: new Float64Array(levels.length * lot.horizon) };
  });
  return { forecasts, global: given?.map((each) => each.future) ?? [] };
}

function giveGlobal(lot: Lot, options: MixOptions, rows: number): GivenForecast[] {
  const { panel, horizon } = lot;
  const asked = trialLevels(levels);
  const at = (cut: number): Forecast[] | undefined => {
    const model = fitGlobal(panel, { cut, horizon, levels: asked, random: makeRandom(2), nonNegative: lot.nonNegative, rows });
    return model.kind === "unfit" ? undefined : forecastGlobal(model, panel, { from: 0, to: count(lot) }, { cut, horizon, levels: asked });
  };
  const cuts = Array.from({ length: options.windows }, (_, w) => panel.grid.length - (options.windows - w) * horizon);
  const windows = cuts.map(at);
  const future = at(panel.grid.length);
  return lot.actuals.map((_, i) => ({ name: "global", windows: windows.map((each) => each?.[i]), future: future?.[i] }));
}

/** One of the engine's models alone, fitted to each whole history; zeros where it does not serve. */
export function modelLot(lot: Lot, model: Pick<Model, "fit">): Forecast[] {
  return lot.actuals.map((_, i) => {
    const series: Series = { ...seriesAt(lot.panel, i), regressors: [] };
    const fitted = model.fit(series, { horizon: lot.horizon, random: makeRandom(1).fork(key(lot, i)), nonNegative: lot.nonNegative });
    return fitted.kind === "fitted" ? fitted.forecast(lot.horizon, levels) : pointForecast(new Float64Array(lot.horizon));
  });
}

/** A point forecast as quantiles that are all the same. */
export function pointForecast(mean: Float64Array): Forecast {
  return { mean, levels: [], quantiles: new Float64Array(0) };
}

export function naive2Lot(lot: Lot): Forecast[] {
  return lot.actuals.map((_, i) => pointForecast(naive2(seriesAt(lot.panel, i).values, lot.lag, lot.horizon)));
}

/** The mean of two forecasts, quantile by quantile. */
export function meanOfTwo(a: Forecast, b: Forecast): Forecast {
  const middle = (x: Float64Array, y: Float64Array): Float64Array => x.map((value, i) => (value + y[i]) / 2);
  return { mean: middle(a.mean, b.mean), levels: a.levels, quantiles: middle(a.quantiles, b.quantiles) };
}

/** Scores the series for which `which` holds. */
export function scoreLot(lot: Lot, forecasts: readonly Forecast[], which: (i: number) => boolean = () => true): Accuracy {
  const total = makeTally(forecasts[0].levels);
  for (const [i, forecast] of forecasts.entries()) {
    if (which(i)) addTally(total, tallyForecast(lot.actuals[i], forecast, scaleOf(seriesAt(lot.panel, i).values, lot.lag)));
  }
  const accuracy = accuracyOf(total);
  if (accuracy === undefined) throw new RangeError(`Expected actuals in ${lot.name} but found none.`);
  return accuracy;
}

const round = (value: number, digits = 4): Cell => (Number.isFinite(value) ? Number(value.toFixed(digits)) : "");

/** A table of methods, each over the same series; the benchmark of the OWA is the entry `Naive2`. */
export function scoreTable(caption: string, lot: Lot, methods: Readonly<Record<string, readonly Forecast[]>>): ResultTable {
  const benchmark = scoreLot(lot, methods["Naive2"] ?? naive2Lot(lot));
  const rows = Object.entries(methods).map(([name, forecasts]): Cell[] => {
    const own = scoreLot(lot, forecasts);
    const spread = forecasts[0].levels.length > 0;
    return [
      name,
      round(100 * own.smape, 3),
      round(own.mase),
      round(owaOf(own, benchmark)),
      spread ? round(100 * (own.coverage["0.8"] ?? Number.NaN), 1) : "",
      spread ? round(own.averageWql) : "",
      round(own.rmsse),
      round(own.wape),
    ];
  });
  return {
    caption: `${caption}: ${count(lot)} series, ${lot.horizon} steps`,
    columns: ["method", "sMAPE", "MASE", "OWA", "within 80 %", "average wQL", "RMSSE", "WAPE"],
    rows: rows.map((row) => row.map((cell) => (typeof cell === "number" ? String(cell) : cell))),
  };
}
