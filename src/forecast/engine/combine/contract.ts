// Mixing: from the forecasts of many models to one, with weights that were earned before the instant they are used at.
//
// Owns: what passes between the three steps. Does not own: threads, files, the global model's training.
//
//   1. tryModels    for each series on its own (any thread, any order): fits every candidate, forecasts every backtest window and the future -> Trial
//   2. planMix      once, over the trials of all series, in the order of the series (cheap, deterministic): weights and calibration  -> MixPlan
//   3. mixForecast  for each series on its own (cheap: sums over what a trial holds): the forecast and the backtests of the mix     -> MixedForecast
//
//     tryModels(key: string, series: Series, options: MixOptions, given?: readonly GivenForecast[], group?: string): Trial        (trial.ts)
//     planMix(trials: readonly Trial[], options: MixOptions): MixPlan                                                             (plan.ts)
//     mixForecast(trial: Trial, plan: MixPlan, index: number, options: MixOptions): MixedForecast                                 (mix.ts)
//
//   M1. A window's weights and calibration come only from windows whose actuals lie before its cut: changing the future never changes a backtest.
//   M2. Chance is forked from the series' key: neither the order of series, nor chunks, nor threads change a bit.
//   M3. A trial is plain typed data: it crosses threads without a copy and can rest in a file between steps.

import type { Random } from "../../../platform/random.ts";
import type { Forecast, ModelName } from "../contract.ts";

/** A local model, or a forecast given from outside: `global`. */
export type CandidateName = ModelName | "global";

/** What all series of a group are forecast with. */
export interface MixOptions {
  readonly horizon: number;
  /** Ascending, strictly between 0 and 1. */
  readonly levels: readonly number[];
  /** Backtest windows asked for. A series that is too short for all has the latest of them; none is allowed. */
  readonly windows: number;
  /** Steps between the end of the history and the latest cut; at least the horizon. Each earlier window lies one horizon earlier. */
  readonly offset: number;
  /** Demand: no quantile and no mean below zero. */
  readonly nonNegative: boolean;
  /** `auto`: by the profile of each series. Otherwise just these, where they serve. */
  readonly models: "auto" | readonly CandidateName[];
  /** The root; each series forks its own stream from it. */
  readonly random: Random;
}

/** Forecasts of one series made elsewhere (the global model), to be weighed like a candidate. Levels as in the options. */
export interface GivenForecast {
  readonly name: CandidateName;
  /** Oldest window first, one for each asked for; undefined where there is none. Each must be made from what lay before its cut. */
  readonly windows: readonly (Forecast | undefined)[];
  readonly future: Forecast | undefined;
}

/** Demand after Syntetos, Boylan and Croston 2005: by the mean interval between sales and the squared variation of their size. */
export type DemandClass = "smooth" | "erratic" | "intermittent" | "lumpy" | "none";

/** What a series is like, in the figures that decide how it is forecast. */
export interface Profile {
  readonly demand: DemandClass;
  /** Steps from the first known value to the last. */
  readonly length: number;
  /** Known values. */
  readonly known: number;
  /** Mean steps between values that are not zero. */
  readonly interval: number;
  /** Squared coefficient of variation of the values that are not zero. */
  readonly variation: number;
  /** The main season in whole steps; 1: none. */
  readonly lag: number;
  /** How many seasons: 2 for hours of a day and days of a week. */
  readonly seasons: number;
  /** 0..1 after Wang, Smith and Hyndman 2006; 0 without two full seasons. */
  readonly seasonStrength: number;
  readonly trendStrength: number;
}

/** What the candidates said of one series. Arrays are laid out model by model, then window by window, then (level by level, then) step by step. */
export interface Trial {
  readonly key: string;
  readonly profile: Profile;
  /** Similar series share weights and calibration: the class of the profile as it was at the first cut, and the caller's own grouping if any. */
  readonly group: string;
  /** The same, of the whole history: whose weights and calibration the future takes. */
  readonly futureGroup: string;
  /** Whether numbers known ahead (prices, promotions) came with the series; days of a calendar alone are none. */
  readonly informed: boolean;
  /** Mean absolute seasonal change before the first cut (of the whole history without a window): errors are compared in units of it. Above zero. */
  readonly scale: number;
  readonly levels: readonly number[];
  readonly horizon: number;
  readonly models: readonly CandidateName[];
  /** By model: how its future forecast writes itself (`ETS(M,Ad,M)`), or "" where it gave none. */
  readonly titles: readonly string[];
  /** Why a candidate gave nothing. */
  readonly unfit: readonly { readonly model: CandidateName; readonly reason: string }[];
  /** Cuts oldest first: window w forecasts `[cuts[w], cuts[w] + horizon)`. May begin with windows nobody asked for, from which to learn. */
  readonly cuts: Int32Array;
  /** The last so many of the cuts were asked for. */
  readonly asked: number;
  /** What came, window by window; NaN is missing. */
  readonly actuals: Float64Array;
  /** NaN throughout a window: the model gave none there. */
  readonly means: Float32Array;
  readonly quantiles: Float32Array;
  /** The future, model by model; NaN throughout where the model gave none. */
  readonly futureMeans: Float64Array;
  readonly futureQuantiles: Float64Array;
}

/** How far from the median the quantiles of a group have to be for their levels to hold, by level and step; the product of conformal calibration. */
export interface Calibration {
  /** Level by level, then step by step: factor on the distance from the median. */
  readonly factors: Float64Array;
  /** How far all quantiles move up, in halves of the distance from p10 to p90. */
  readonly shift: number;
  /** Factor on the mean: what its earlier windows were too low or too high by, all together. Not one only where sales are rare. */
  readonly scale: number;
}

/** Weights and calibration of one series, for each of its windows and then for the future. */
export interface SeriesPlan {
  /** `[(window or cuts.length for the future) * models + model]`; each row sums to one, or to zero where no model gave a forecast. */
  readonly weights: Float64Array;
  /**
   * The same for the quantiles. Differs where sales are rare, as the best mean and the best quantiles are then different models'; and elsewhere
   * halves the global model's, whose spread at a cut with little before it says less of its spread now.
   */
  readonly quantileWeights: Float64Array;
  /** Whether the quantiles are moved to where the mean is. */
  readonly centred: boolean;
  /** Index into the plan's calibrations for each window and then the future. */
  readonly calibration: Int32Array;
}

export interface MixPlan {
  /** In the order of the trials. */
  readonly series: readonly SeriesPlan[];
  readonly calibrations: readonly Calibration[];
}

/** One model's part in the future of a series. */
export interface Component {
  readonly model: CandidateName;
  readonly title: string;
  readonly weight: number;
}

/** The mix for one window, beside what came. */
export interface Backtest {
  readonly cut: number;
  readonly actual: Float64Array;
  readonly forecast: Forecast;
}

export interface MixedForecast {
  readonly key: string;
  /** Undefined only where no candidate served and the series has no value at all. */
  readonly forecast: Forecast | undefined;
  /** Heaviest first; those with a weight. */
  readonly components: readonly Component[];
  /** The windows asked for, oldest first. */
  readonly backtests: readonly Backtest[];
}
