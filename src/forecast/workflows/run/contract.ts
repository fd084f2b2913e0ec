// A run: from a panel to forecasts, backtests, accuracy and a report, spread over threads, in pieces that survive an interruption.
//
// Owns: what is done in which order, what a piece is called, how pieces are read back. Does not own: files, the store, the pool; they come in.
//
//   panel + settings -> learn (the global model) -> try (every model on every series, by chunks) -> plan (weights) -> mix (by chunks) -> RunResult
//
//   U1. Pieces are put into a ChunkStore under names made of the content of everything they depend on. A run that finds them there does not make
//       them again; so the same call after an interruption goes on where the former one stopped. Nothing else is remembered between calls.
//   U2. The same panel, settings and seed give the same bytes, whatever the number of threads and however often it was interrupted.
//   U3. Memory is bounded by the panel, the trials' arrays while weights are planned, and a few chunks.
//
// A durable workflow calls `openRun` in each of its steps with a store of sealed objects: `learn`, `try`, `plan`, `mix` may be steps of their own.

import type { Compute } from "../../../platform/compute/contract.ts";
import type { Forecast, Panel } from "../../engine/contract.ts";
import type { Accuracy, Tally } from "../../engine/metrics/metrics.ts";
import type { CandidateName, MixedForecast } from "../../engine/combine/contract.ts";

/** What a panel is forecast with. The frequency, the horizon and the seasons are the panel's. */
export interface RunSettings {
  /** Quantile levels, ascending, each strictly between 0 and 1. May be empty. */
  readonly levels: readonly number[];
  /** Whether exports have a column `mean`. */
  readonly mean: boolean;
  /** Backtest windows; 0 is allowed. */
  readonly windows: number;
  /** Steps between the end of the history and the latest cut; at least the horizon. */
  readonly offset: number;
  readonly models: "auto" | readonly CandidateName[];
  /** Demand: nothing below zero. */
  readonly nonNegative: boolean;
  readonly seed: number;
  /** Columns from the whole to the parts (`category`, `item_id`): forecasts of all levels are then reconciled, so that sums hold. Empty: each series for itself. */
  readonly hierarchy: readonly string[];
}

/** Where pieces of a run rest until it is done: files, sealed objects, memory. Called from one run at a time. */
export interface ChunkStore {
  has(name: string): Promise<boolean>;
  /** Whole or not at all. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Throws when it is not there. */
  get(name: string): Promise<Uint8Array>;
}

export type RunStage = "learn" | "try" | "plan" | "mix" | "reconcile";

export interface RunProgress {
  readonly stage: RunStage;
  readonly done: number;
  readonly total: number;
}

export interface RunTools {
  readonly compute: Compute;
  readonly chunks: ChunkStore;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RunProgress) => void;
}

/** What a finished run is forecast with again: a planner's what-if, an explanation. Packed by `pieces.ts`. */
export interface RunModel {
  /** Weights and calibration of all series. */
  readonly plan: Uint8Array;
  /** The global model of everything; absent where there is none. */
  readonly global: Uint8Array | undefined;
}

/** One series of a result. */
export interface SeriesResult {
  /** Index in the panel. */
  readonly index: number;
  /** Its backtests' cuts are indices of the grid. */
  readonly mixed: MixedForecast;
  /** Demand class and other figures for `models.csv`. */
  readonly demand: string;
  readonly unfit: readonly { readonly model: string; readonly reason: string }[];
  /** One for each of `mixed.backtests`. */
  readonly tallies: readonly Tally[];
}

/** A sum of series in a run with a hierarchy. */
export interface SumResult {
  /** `total`, `category`, `category x item_id`. */
  readonly level: string;
  readonly label: string;
  readonly result: SeriesResult;
}

/** What a run says of itself in a few figures; plain JSON. */
export interface RunSummary {
  readonly series: number;
  /** Series without a forecast: no value, no metadata to go by. */
  readonly silent: number;
  readonly points: number;
  /** Undefined without a backtest. */
  readonly accuracy: Accuracy | undefined;
  /** Oldest window first. */
  readonly byWindow: readonly { readonly window: number; readonly cut: number; readonly accuracy: Accuracy }[];
  readonly models: readonly ModelShare[];
}

export interface ModelShare {
  readonly model: CandidateName;
  /** Share of series in which it has the largest weight. */
  readonly leads: number;
  readonly weight: number;
}

/** A finished run: every series, read from its chunks in the order of the panel as often as wanted. */
export interface RunResult {
  readonly panel: Panel;
  readonly settings: RunSettings;
  /** SHA-256 of panel and settings: the same for the same results. */
  readonly key: string;
  series(signal?: AbortSignal): AsyncIterable<SeriesResult>;
  /** Of a run with a hierarchy: its sums, the whole first. Otherwise none. */
  sums(): Promise<readonly SumResult[]>;
  summary(): Promise<RunSummary>;
}

/** A series and its forecast. */
export interface Reforecast {
  readonly index: number;
  readonly forecast: Forecast | undefined;
}
