// The door `stockroom/forecast`: the engine and the run alone, without app, database or command line.
//
// One series:   values -> makeSeries -> models.ets.fit -> Fitted -> forecast, simulate          (or forecastValues: every model, weighed)
// Many series:  rows or lists -> Panel -> runForecast -> RunResult -> rows, report
// Any file:     look -> FileProfile -> propose -> Proposal -> apply -> readInputs
// Afterwards:   reconcile, what-if, explain, replenish, monitor
//
// The engine is pure and synchronous; chance comes in as a `Random`, so that the same input and seed give the same numbers everywhere. A model
// that cannot serve a series says why (`Unfit`); wrong use throws a `StockroomError` with a stable `code`.

import { StockroomError } from "../platform/errors.ts";
import { type FileProfile, type IntakeFile, type LookHints, profileFile } from "../platform/intake/profile.ts";
import { makeRandom } from "../platform/random.ts";
import type { CandidateName, Component } from "./engine/combine/contract.ts";
import { mixForecast } from "./engine/combine/mix.ts";
import { planMix } from "./engine/combine/plan.ts";
import { tryModels } from "./engine/combine/trial.ts";
import type { Forecast, Regressor, Series } from "./engine/contract.ts";
import { applyPlan, type IntakeFilter } from "./workflows/intake/apply.ts";
import { type GivenIntake, nameIn, type Proposal as IntakeProposal } from "./workflows/intake/contract.ts";
import { proposeForecast } from "./workflows/intake/proposal.ts";
import type { InputFile } from "./workflows/inputs/open.ts";
import type { ReadInputsOptions } from "./workflows/inputs/options.ts";
import { type Domain, domains } from "./workflows/inputs/schema.ts";

export { openCompute, type Compute, type ComputeTask } from "../platform/compute/index.ts";
export { StockroomError, type ErrorKind } from "../platform/errors.ts";
export { makeLog, type Log } from "../platform/log.ts";
export { makeRandom, type Random } from "../platform/random.ts";
export { fileBody } from "../platform/formats/index.ts";
export { makeCatalogue, type Catalogue, type CatalogueOptions } from "./sample/catalogue.ts";
export { parseFrequency, printFrequency } from "./engine/calendar/frequency.ts";
export { instantAt, timestampOf } from "./engine/calendar/grid.ts";
export { seasonsOf } from "./engine/calendar/seasons.ts";
export type { CandidateName, Component, GivenForecast, MixedForecast, MixOptions, MixPlan, Trial } from "./engine/combine/contract.ts";
export { mixForecast } from "./engine/combine/mix.ts";
export { planMix } from "./engine/combine/plan.ts";
export { tryModels } from "./engine/combine/trial.ts";
export type {
  Fitted,
  FitOptions,
  Forecast,
  Frequency,
  Grid,
  Model,
  ModelName,
  Panel,
  PanelRegressor,
  Regressor,
  Series,
  SharedRegressor,
  Unfit,
} from "./engine/contract.ts";
export { explainGlobal, type Explanation, type SeriesExplanation } from "./engine/explain/explain.ts";
export { decodeGlobal, encodeGlobal } from "./engine/global/bytes.ts";
export { fitGlobal, forecastGlobal, type GlobalModel, type GlobalOptions } from "./engine/global/global.ts";
export { reconcileForecasts } from "./engine/hierarchy/coherent.ts";
export { makeReconciler, type Method, type Reconciler } from "./engine/hierarchy/reconcile.ts";
export { describeNode, hierarchyOf, makeHierarchy, sumUp, type Hierarchy, type Level } from "./engine/hierarchy/structure.ts";
export {
  accuracyOf,
  addTally,
  makeTally,
  owaOf,
  scaleOf,
  tallyForecast,
  type Accuracy,
  type Scale,
  type Tally,
} from "./engine/metrics/metrics.ts";
export { models } from "./engine/models/registry.ts";
export { monitorForecast, type MonitorReport, type Watched } from "./engine/monitor/monitor.ts";
export { forecastValueAdded, type ValueReport } from "./engine/monitor/value-added.ts";
export type { ColumnProfile, FileProfile, IntakeFile, LookHints } from "../platform/intake/profile.ts";
export type {
  ColumnUse,
  GivenIntake,
  IntakePlan,
  Proposal as IntakeProposal,
  Question as IntakeQuestion,
} from "./workflows/intake/contract.ts";
export { makePanel, type PlainPanel, type PlainSeries } from "./engine/panel/make.ts";
export { historyLength, seriesAt, seriesCount } from "./engine/panel/series.ts";
export { proposeOrder, type Proposal, type ReplenishInput } from "./engine/replenish/proposal.ts";
export { applyChanges, type Applied } from "./engine/scenario/apply.ts";
export { parseTransformations, type Change } from "./engine/scenario/change.ts";
export { parseCommand } from "./engine/scenario/command.ts";
export { compareForecasts, type Comparison } from "./engine/scenario/comparison.ts";
export { readInputs, type Inputs, type ReadInputsOptions } from "./workflows/inputs/read.ts";
export { reforecast } from "./workflows/run/reforecast.ts";
export type { ChunkStore, RunModel, RunProgress, RunResult, RunSettings, RunSummary, SeriesResult } from "./workflows/run/contract.ts";
export { inlineCompute } from "./workflows/run/inline.ts";
export { memoryChunks } from "./workflows/run/pieces.ts";
export { makeReport } from "./workflows/run/report-data.ts";
export { renderReport } from "./workflows/run/report/page.ts";
export { rowsOf, tableBody, type RunTable } from "./workflows/run/rows.ts";
export { openRun, runForecast, type ForecastRun } from "./workflows/run/run.ts";

/** What a series has beside its values. */
export interface SeriesOptions {
  /** Seasonal periods in steps, ascending: `[12]`, `[7, 365.25]`. Default: none. */
  readonly seasons?: readonly number[];
  /** Each covers the history and the horizon. */
  readonly regressors?: readonly Regressor[];
}

/** A series of plain values, oldest first; NaN is missing. */
export function makeSeries(values: ArrayLike<number>, options: SeriesOptions = {}): Series {
  return { values: Float64Array.from(values), seasons: options.seasons ?? [], regressors: options.regressors ?? [], position: 0 };
}

export interface ForecastValuesOptions extends SeriesOptions {
  /** Steps ahead. */
  readonly horizon: number;
  /** Quantile levels, ascending. Default 0.1, 0.5, 0.9. */
  readonly levels?: readonly number[];
  /** Default `auto`: those that suit the series. */
  readonly models?: "auto" | readonly CandidateName[];
  /** Backtest windows to report; default 0. Weights are learned from windows of the past either way. */
  readonly windows?: number;
  /** Nothing below zero. Default true: demand. */
  readonly nonNegative?: boolean;
  /** Default 1. */
  readonly seed?: number;
}

/** The mix's forecast of one series, and what it is made of. */
export interface ValuesForecast {
  /** Undefined only for a series without a single value. */
  readonly forecast: Forecast | undefined;
  /** Heaviest first. */
  readonly components: readonly Component[];
  /** Oldest first. */
  readonly backtests: readonly { readonly cut: number; readonly actual: Float64Array; readonly forecast: Forecast }[];
}

/**
 * Forecasts one series by every model that suits it, weighed by what each would have been worth in the past.
 *
 * @example
 * const { forecast, components } = forecastValues([10, 12, 11, 14, 13, 15, 16, 15], { horizon: 2 });
 * console.log(components[0]?.title, forecast?.mean);
 */
export function forecastValues(values: ArrayLike<number>, options: ForecastValuesOptions): ValuesForecast {
  const { horizon, levels = [0.1, 0.5, 0.9], windows = 0, nonNegative = true, seed = 1 } = options;
  const mix = { horizon, levels, windows, offset: horizon, nonNegative, models: options.models ?? "auto", random: makeRandom(seed) };
  const trial = tryModels("series", makeSeries(values, options), mix);
  const { forecast, components, backtests } = mixForecast(trial, planMix([trial], mix), 0, mix);
  return { forecast, components, backtests };
}

/**
 * Looks at a file of any shape: where its table is, what its columns hold. One pass; memory does not grow with the file.
 *
 * Throws `input` what cannot be read at all: `TABLE_EMPTY`, `TABLE_ARCHIVE_MANY`, `TABLE_JSON_ARRAY`, ...
 */
export async function look(file: IntakeFile, hints: LookHints = {}): Promise<FileProfile> {
  return await profileFile(file, hints);
}

/** Proposes which column plays which part. What `given` says stands; what nothing speaks for is in `questions`, and is not guessed. */
export function propose(profile: FileProfile, given: GivenIntake = {}): IntakeProposal {
  return proposeForecast(profile, given);
}

export interface ApplyIntakeOptions extends IntakeFilter {
  /** What the file was looked at with. */
  readonly hints?: LookHints;
  /** Default RETAIL. */
  readonly domain?: Domain;
}

/**
 * A file read by a proposal, as `readInputs` takes it: its rows in the domain's own columns, and what it knows ahead as related numbers.
 *
 * Throws `input` `INTAKE_QUESTION` for a proposal with a question: answer it in `given` and propose again.
 *
 * @example
 * const file = { name: "sales.csv", open: () => fileBody("sales.csv") };
 * const { panel } = await readInputs({ ...apply(file, propose(await look(file))), horizon: 12 });
 */
export function apply(
  file: IntakeFile,
  { plan, questions }: Pick<IntakeProposal, "plan" | "questions">,
  { hints = {}, domain = "RETAIL", ...filter }: ApplyIntakeOptions = {},
): Pick<ReadInputsOptions, "target" | "related" | "dimensions" | "aggregation" | "shortRelated" | "domain"> {
  const [question] = questions;
  if (question !== undefined) {
    throw new StockroomError(
      "input",
      "INTAKE_QUESTION",
      `Expected to know how ${file.name} is to be read but it does not tell everything. ${question.text} Answer in \`given\` and propose again.`,
      { facts: { about: question.about } },
    );
  }
  const part = (of: "target" | "related"): InputFile => {
    // What was in stock stands beside what was sold: it is read once.
    const read = of === "target" ? plan : { ...plan, stock: undefined };
    return {
      name: file.name,
      body: noBytes(),
      decimal: plan.decimal,
      stockColumn: read.stock,
      table: async (onBadRow) => await applyPlan(file, read, of, { ...filter, hints, onBadRow, names: domains[domain] }),
    };
  };
  return {
    target: part("target"),
    ...(plan.known.length === 0 ? {} : { related: part("related"), shortRelated: "leave-out" as const }),
    dimensions: plan.dimensions.map((name) => nameIn(plan, name)),
    aggregation: "sum",
    domain,
  };
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}
