// A forecasting run: its settings checked, its stages in order.

import { StockroomError } from "../../../platform/errors.ts";
import type { Panel } from "../../engine/contract.ts";
import type { RunModel, RunResult, RunSettings, RunTools, SeriesResult } from "./contract.ts";
import { hashPanel, hashRun } from "./pieces.ts";
import { hierarchyFor } from "./reconcile.ts";
import { openResult } from "./result.ts";
import {
  globalPieceOf,
  mixForecasts,
  openContext,
  planMixes,
  readChunk,
  readPlan,
  readSums,
  reconcileSums,
  tryCandidates,
} from "./stages.ts";

/** A run under way. Each stage may be called again: what is in the store is not made anew; a stage makes first what it needs of those before it. */
export interface ForecastRun {
  readonly key: string;
  /** The piece of the global model on everything: put there before `learn`, another run's serves in its place. */
  readonly globalPiece: string;
  /** The global model: at the earliest cut and on everything. Nothing where it cannot help. */
  learn(): Promise<void>;
  /** Every candidate on every series. The long part. */
  try(): Promise<void>;
  /** Weights and calibration, over all series. */
  plan(): Promise<void>;
  /** Forecast, backtests and their accuracy of every series; with a hierarchy, of every sum as well, reconciled. */
  mix(): Promise<void>;
  /** What `mix` left to forecast again with. */
  model(): Promise<RunModel>;
  /** Reads what `mix` left. Throws `FORECAST_PIECE_MISSING` while reading when it did not come to its end. */
  result(): RunResult;
}

/**
 * Checks the settings and names the pieces of a run; starts nothing.
 *
 * Throws `input` `FORECAST_SETTINGS`. The panel must stay as it is until the run is done.
 */
export async function openRun(panel: Panel, settings: RunSettings, tools: RunTools): Promise<ForecastRun> {
  checkSettings(panel, settings);
  const key = hashRun(await hashPanel(panel), settings);
  const context = openContext(panel, settings, key, tools);
  const { onProgress: _, ...quiet } = tools;
  async function* forecastSums(sums: Panel): AsyncGenerator<SeriesResult> {
    const upper = await runForecast(sums, { ...settings, hierarchy: [] }, quiet);
    yield* upper.series(tools.signal);
  }
  const last = settings.hierarchy.length === 0 ? "mix" : "reconcile";
  return {
    key,
    globalPiece: globalPieceOf(key),
    learn: async () => void (await context.globalModels()),
    try: async () => await tryCandidates(context),
    plan: async () => void (await planMixes(context)),
    mix: async () => {
      await mixForecasts(context);
      await reconcileSums(context, forecastSums);
    },
    model: async () => {
      const plan = await readPlan(context);
      const models = await context.globalModels();
      return { plan, global: models?.late === undefined ? undefined : Uint8Array.from(new Uint8Array(models.late)) };
    },
    result: () =>
      openResult(panel, settings, key, {
        parts: context.ranges.length,
        read: (chunk) => readChunk(context, last, chunk),
        sums: async () => (last === "mix" ? [] : await readSums(context)),
      }),
  };
}

/**
 * Forecasts a panel: every model on every series, weighed by what they would have been worth in the past.
 *
 * Rejects with the signal's reason after an abort; called again with the same store it goes on. The same panel, settings and seed give the same
 * numbers on any number of threads.
 *
 * @example
 * const result = await runForecast(panel, settings, { compute: inlineCompute(), chunks: memoryChunks() });
 * for await (const { mixed } of result.series()) console.log(mixed.key, mixed.forecast?.mean);
 */
export async function runForecast(panel: Panel, settings: RunSettings, tools: RunTools): Promise<RunResult> {
  const run = await openRun(panel, settings, tools);
  await run.mix();
  return run.result();
}

const most = { levels: 99, windows: 20 } as const;

function checkSettings(panel: Panel, settings: RunSettings): void {
  const { levels, windows, offset } = settings;
  const { length, horizon } = panel.grid;
  const wrong = (expected: string, received: string | number, cure: string): never => {
    throw new StockroomError("input", "FORECAST_SETTINGS", `Expected ${expected} but received ${received}. ${cure}`);
  };
  if (panel.offsets.length < 2) wrong("at least one series", 0, "Check the target file.");
  if (!Number.isInteger(horizon) || horizon < 1) wrong("a horizon of at least one step", horizon, "Correct the horizon.");
  if (levels.length > most.levels) wrong(`at most ${most.levels} quantiles`, levels.length, "Ask for fewer.");
  if (levels.some((level, i) => !(level > 0 && level < 1) || (i > 0 && !(level > levels[i - 1]))))
    wrong("quantiles between 0 and 1 in rising order", levels.join(", "), "Correct them.");
  if (settings.hierarchy.length > 0) {
    if (levels.length < 2) wrong("two quantiles or more for sums that agree", levels.length, "Ask for quantiles such as 0.1, 0.5, 0.9.");
    hierarchyFor(panel, settings.hierarchy);
  }
  if (!Number.isInteger(windows) || windows < 0 || windows > most.windows)
    wrong(`0 to ${most.windows} backtest windows`, windows, "Correct their number.");
  if (windows > 0 && (!Number.isInteger(offset) || offset < horizon))
    wrong(`a backtest offset of at least the horizon (${horizon} steps)`, offset, "Raise it.");
  if (windows > 0 && offset >= length)
    wrong(`a backtest offset shorter than the history (${length} steps)`, offset, "Lower it, or ask for no backtest windows.");
}
