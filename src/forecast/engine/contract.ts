// The forecasting engine: from the past of a series to quantiles of its future.
//
// Owns: models, their selection and mixing, calibration, metrics, reconciliation, explanation, scenarios. Does not own: files, threads, the clock.
// Data goes one way: rows -> Panel -> Series -> Model.fit -> Fitted -> Forecast; every value on the way is plain data.
//   F1. Everything here is pure and synchronous; chance comes in as a `Random`. Same input, same seed, same bytes.
//   F2. A missing value is NaN in a history and never in a forecast. A gap is not a zero.
//   F3. Quantiles of one step never cross. A model that cannot serve a series says why (`Unfit`); it neither throws nor guesses.
//   F4. Nothing after a cut is read by anything before it: a backtest sees `values[0..cut)` and regressors, which are known ahead by definition.

import type { Random } from "../../platform/random.ts";

/** A number known ahead for every step of the history and of the horizon: price, promotion, holiday. */
export interface Regressor {
  readonly name: string;
  /** Length: history + horizon. NaN where unknown. */
  readonly values: Float64Array;
}

/** One series on a regular grid, oldest first, as a model sees it. */
export interface Series {
  /** The history; NaN is missing. */
  readonly values: Float64Array;
  /** Seasonal periods in steps, ascending, each > 1; a year of days is 365.25. Empty: no season. The first one is the main one of single-season models. */
  readonly seasons: readonly number[];
  /** Empty: none. Each covers the history and at least the horizon asked for. */
  readonly regressors: readonly Regressor[];
  /** Grid index of `values[0]` in its panel: the same index is the same instant for every series. */
  readonly position: number;
  /** What is known of events at the ends that will be asked for. Absent: no event. Only the mix reads it; models are shown the rest without events. */
  readonly lifts?: readonly SeriesLift[];
}

/** The events of a series as they are known at one end. */
export interface SeriesLift {
  /** Index into `values`: what stands before it is known. */
  readonly end: number;
  /** `values[0..end)` as they would have been without events. */
  readonly values: Float64Array;
  /** Regressors whose effect the lift carries. */
  readonly names: readonly string[];
  /** Natural logarithm of the factor on each step ahead, and its standard deviation. Length: horizon. */
  readonly logs: Float32Array;
  readonly spreads: Float32Array;
}

/** What a model may use besides the series. */
export interface FitOptions {
  /** Steps that will be asked for. A model may be asked for fewer, not for more. */
  readonly horizon: number;
  readonly random: Random;
  /** Demand: negative values mean nothing. Models are free to use it; the mix clamps in the end. */
  readonly nonNegative: boolean;
}

/** Quantiles and mean of the next steps. */
export interface Forecast {
  /** Length: horizon. */
  readonly mean: Float64Array;
  /** Level by level: the quantile of `levels[i]` at step h is `quantiles[i * horizon + h]`. */
  readonly quantiles: Float64Array;
  /** Ascending, each strictly between 0 and 1. */
  readonly levels: readonly number[];
}

/** A model that has seen a series. Plain values behind functions; holds no more memory than a few times its history. */
export interface Fitted {
  readonly kind: "fitted";
  /** The model as its literature writes it: `ETS(M,Ad,M)`, `ARIMA(0,1,1)(0,1,1)[12]`. */
  readonly title: string;
  /** Estimated parameters by their usual names, for reports and tests. */
  readonly parameters: Readonly<Record<string, number>>;
  /** One-step forecasts of the history (same length); NaN where there is none. */
  readonly fitted: Float64Array;
  /** Absent where the model has no likelihood. `aicc` as in Hurvich & Tsai 1989. */
  readonly likelihood?: { readonly logLik: number; readonly aic: number; readonly aicc: number; readonly bic: number } | undefined;
  /** Exact or simulated by a stream derived from the fit's own: calling twice gives the same numbers. */
  forecast(horizon: number, levels: readonly number[]): Forecast;
  /** Sample paths, path by path: step h of path p is `[p * horizon + h]`. */
  simulate(horizon: number, paths: number, random: Random): Float64Array;
  /** The same structure and parameters over another history (in backtests: the same one, some steps longer), states worked out anew. Cheap: one pass, no search. */
  advance(series: Series): Fitted | Unfit;
}

/** Why a model does not serve a series: a whole sentence, with the figure that decided. */
export interface Unfit {
  readonly kind: "unfit";
  readonly reason: string;
}

export type ModelName =
  | "naive"
  | "snaive"
  | "ets"
  | "ces"
  | "theta"
  | "arima"
  | "mstl"
  | "croston"
  | "sba"
  | "tsb"
  | "adida"
  | "imapa"
  | "npts"
  | "regression"
  | "lgt"
  | "mapa";

/** A local model: it learns from one series alone. */
export interface Model {
  readonly name: ModelName;
  /** One true sentence for reports. */
  readonly about: string;
  /** Reads `series.regressors` where given. */
  readonly usesRegressors: boolean;
  fit(series: Series, options: FitOptions): Fitted | Unfit;
}

// ---------------------------------------------------------------------------------------------------------------------------------------------
// Panels: all series of one group, in typed arrays over SharedArrayBuffer, so that threads read them without a copy.

export type FrequencyUnit = "Y" | "Q" | "M" | "W" | "D" | "H" | "min";

/** Where in its step the stamp of a step stands: so many seconds after its begin, or before its end (86,400: the step's last day). */
export interface Stamp {
  readonly from: "begin" | "end";
  readonly seconds: number;
}

/** `{ unit: "min", multiple: 15 }` is 15min; `{ unit: "W", multiple: 1, begins: 6 }` are weeks from Sunday. */
export interface Frequency {
  readonly unit: FrequencyUnit;
  readonly multiple: number;
  /** Of weeks: the weekday they begin with, 0 Monday (absent) to 6 Sunday. Of quarters and years: their first month, 0 January (absent) to 11. */
  readonly begins?: number;
  /** How the files stamp a step; absent: by its begin. */
  readonly stamp?: Stamp;
}

/** The instants of a panel: index 0 is `startMs` (UTC), each next one a step of `frequency` later. */
export interface Grid {
  readonly frequency: Frequency;
  readonly startMs: number;
  /** Steps of history: index `length` is the first forecast instant. */
  readonly length: number;
  readonly horizon: number;
}

/** A text column of item metadata or a dimension, as codes. */
export interface Category {
  readonly name: string;
  readonly levels: readonly string[];
  /** One per series; -1 is unknown. */
  readonly codes: Int32Array;
}

/** A number per step that is the same for every series (holidays of a country, one place's weather). Length: grid.length + grid.horizon. */
export interface SharedRegressor {
  readonly name: string;
  readonly values: Float32Array;
}

/** A number per step and series. Series i occupies `[offsets[i] + i * horizon, offsets[i + 1] + (i + 1) * horizon)`: its history, then the horizon. NaN is unknown. */
export interface PanelRegressor {
  readonly name: string;
  readonly values: Float32Array;
}

/** All series of a group. Every series ends at `grid.length` (NaN where nothing is known); each begins where its first value stands. */
export interface Panel {
  readonly grid: Grid;
  /** Item of each series. */
  readonly itemIds: readonly string[];
  /** Forecast dimensions beyond the item, by name (`location`), in column order. */
  readonly dimensions: readonly Category[];
  /** Item metadata, spread to series. */
  readonly metadata: readonly Category[];
  /** History of series i: `values[offsets[i] .. offsets[i + 1])`; a series without history is empty (cold start). Length: series + 1. */
  readonly offsets: Int32Array;
  readonly values: Float64Array;
  readonly regressors: readonly PanelRegressor[];
  readonly shared: readonly SharedRegressor[];
  /** Seasonal periods of the frequency, as in `Series`. */
  readonly seasons: readonly number[];
}
