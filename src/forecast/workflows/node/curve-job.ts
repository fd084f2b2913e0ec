// Curve: one node of a finished forecast over time, in a thread: history, forecast, planners' forecast, backtests, what is known ahead.
//
//   C1. Means of a node are sums of its series; its quantiles are those of joint draws (engine/hierarchy/total.ts), and the answer says which.
//   C2. A step of history is missing only where no series has a value.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { readTable } from "../../../platform/formats/index.ts";
import type { ReadHandle } from "../../../platform/objects/contract.ts";
import { openHandle } from "../../../platform/objects/handles.ts";
import { makeRandom } from "../../../platform/random.ts";
import { timestampOf } from "../../engine/calendar/grid.ts";
import type { Forecast, Panel } from "../../engine/contract.ts";
import { sumForecasts, type SummedForecast, type SumMethod } from "../../engine/hierarchy/total.ts";
import { middleOfLevels } from "../../engine/numerics/levels.ts";
import { brokenExport, forecastOf, keyOfIds, quantileColumns, readRows } from "../planning/finished.ts";
import { unpackPanel } from "../pipeline/pieces.ts";
import { round } from "../run/rows.ts";
import { pickSeriesOf, placesOf, type Held } from "./pick.ts";

export interface CurveInput {
  readonly panel: ReadHandle;
  readonly forecast: ReadHandle;
  /** What planners made of it. */
  readonly adjusted: ReadHandle | undefined;
  readonly backtests: ReadHandle | undefined;
  readonly where: readonly Held[];
  /** Of the draws; the same question has the same answer. */
  readonly seed: number;
}

export interface CurveForecast {
  readonly mean: readonly number[];
  /** By level, then by step. */
  readonly quantiles: readonly (readonly number[])[];
}

export interface Curve {
  /** Series of the node, and those of them that were forecast. */
  readonly series: number;
  readonly forecast: number;
  readonly levels: readonly number[];
  /** Stamps: the end of the history, then the horizon. */
  readonly instants: readonly string[];
  /** Index of the first forecast step. */
  readonly split: number;
  /** Steps of a year, where the frequency has such a season. */
  readonly yearSteps: number | null;
  readonly history: readonly (number | null)[];
  readonly system: CurveForecast | null;
  /** Where planners changed something of this node. */
  readonly planners: CurveForecast | null;
  /** `at` is an index into `instants`. */
  readonly backtests: readonly { readonly at: number; readonly mean: readonly number[] }[];
  /** Step by step ahead: how far backtests were off, series by series and as one sum. */
  readonly errors: readonly {
    readonly step: number;
    readonly points: number;
    readonly wape: number | null;
    readonly sumWape: number | null;
    readonly bias: number | null;
  }[];
  /** Prices, promotions and the like: the mean over the series that know them. */
  readonly related: readonly {
    readonly name: string;
    readonly values: readonly (number | null)[];
    /** In the whole history. */
    readonly seen: { readonly low: number; readonly high: number } | null;
  }[];
  readonly summed: { readonly method: SumMethod; readonly paths: number; readonly windows: number };
  /** Whole sentences. */
  readonly warnings: readonly string[];
}

export const curveJob: ComputeTask<CurveInput, Curve> = { module: import.meta.url, name: "forecast.curve" };

/** Steps of history shown at most. */
const mostSteps = 1_200;

export async function run(input: CurveInput, { signal }: TaskTools): Promise<Curve> {
  const panel = await unpackPanel(openHandle(input.panel, signal));
  const { grid } = panel;
  const chosen = pickSeriesOf(panel, input.where);
  const places = placesOf(panel, chosen);
  const forecasts = await readForecasts(input.forecast, places, signal);
  const adjusted = input.adjusted === undefined ? undefined : await readForecasts(input.adjusted, places, signal);
  const tried = await readBacktests(input.backtests, places, grid.horizon, signal);
  const known = chosen.flatMap((_, at) => (forecasts.has(at) ? [at] : []));
  const errors = errorsOf(tried, known, grid.horizon);
  const sum = (of: ReadonlyMap<number, Forecast>): SummedForecast | undefined => {
    const parts = known.flatMap((at) => of.get(at) ?? []);
    return parts.length === 0 || parts.length < known.length ? undefined : sumForecasts(parts, { errors, random: makeRandom(input.seed) });
  };
  const system = sum(forecasts);
  const planners = adjusted === undefined ? undefined : sum(adjusted);
  const year = Math.round(panel.seasons.at(-1) ?? 0);
  const from = Math.max(0, grid.length - Math.min(mostSteps, Math.max(60, 2 * year + 2 * grid.horizon, 8 * grid.horizon)));
  const method = system?.method ?? "none";
  return {
    series: chosen.length,
    forecast: known.length,
    levels: system?.forecast.levels ?? [],
    instants: Array.from({ length: grid.length + grid.horizon - from }, (_, t) => timestampOf(grid, from + t)),
    split: grid.length - from,
    yearSteps: year > 1 ? year : null,
    history: historyOf(panel, chosen, from),
    system: system === undefined ? null : plain(system.forecast),
    planners: planners === undefined || isSame(planners.forecast, system?.forecast) ? null : plain(planners.forecast),
    backtests: [...tried.windows]
      .map(([start, window]) => ({ at: indexOf(panel, start, from), mean: Array.from(window.mean, round) }))
      .filter(({ at }) => at >= 0)
      .toSorted((a, b) => a.at - b.at),
    errors: errorsByStep(tried, grid.horizon),
    related: relatedOf(panel, chosen, from),
    summed: { method, paths: system?.paths ?? 0, windows: tried.windows.size },
    warnings: curveWarnings({
      series: chosen.length,
      forecast: known.length,
      method,
      windows: [...tried.windows].map(([start, { errors: own }]) => ({ start, series: own.size })),
    }),
  };
}

/** What the numbers do not say themselves: whole sentences. */
export function curveWarnings(curve: {
  readonly series: number;
  readonly forecast: number;
  readonly method: SumMethod;
  /** Backtests, and how many of the series each holds. */
  readonly windows: readonly { readonly start: string; readonly series: number }[];
}): readonly string[] {
  const { series, forecast, method, windows } = curve;
  const warnings: string[] = [];
  if (series === 0) warnings.push("No series has these levels. Take one of them back.");
  if (series > forecast && forecast > 0) warnings.push(`${series - forecast} of ${series} series have no forecast and are not in the sum.`);
  if (method === "independent draws") {
    warnings.push(
      "The band takes the series as independent, because the backtests hold fewer than 8 steps to learn from how they go together. The true band is likely wider.",
    );
  }
  if (method === "joint draws" && windows.length < 2) {
    warnings.push(
      "How the series go together was learned from one backtest alone, which does not show what all of them miss at once. The true band may be wider (more windows: NumberOfBacktestWindows).",
    );
  }
  const part = windows.filter((window) => window.series < forecast).toSorted((a, b) => (a.start < b.start ? -1 : 1));
  if (part.length > 0) {
    const each = part.map((window) => `${window.start} (${window.series} of ${forecast})`).join(", ");
    warnings.push(`Of some series the history was too short for each backtest, whose lines are sums of fewer: ${each}.`);
  }
  if (method === "none" && forecast > 1)
    warnings.push("There is no band: a sum needs two quantiles or more of each series (ForecastTypes in the settings).");
  return warnings;
}

/** Whether two forecasts are the same in every step: planners took back all that they said. */
const isSame = (one: Forecast, other: Forecast | undefined): boolean =>
  other !== undefined &&
  one.mean.every((value, h) => value === other.mean[h]) &&
  one.quantiles.every((value, at) => value === other.quantiles[at]);

const plain = ({ mean, quantiles, levels }: Forecast): CurveForecast => ({
  mean: Array.from(mean, round),
  quantiles: levels.map((_, i) => Array.from(quantiles.subarray(i * mean.length, (i + 1) * mean.length), round)),
});

/** Forecasts of the chosen series, by their place among them. */
async function readForecasts(
  handle: ReadHandle,
  places: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, Forecast>> {
  const rows = await readRows(openHandle(handle, signal), handle.entry.key, { signal, broken: brokenExport });
  const found = new Map<number, Forecast>();
  for await (const stored of rows.series()) {
    const at = places.get(keyOfIds(stored.ids));
    if (at !== undefined) found.set(at, forecastOf(stored, rows.levels));
  }
  return found;
}

interface Window {
  /** Of the sum of the series that have it. */
  readonly mean: Float64Array;
  readonly actual: Float64Array;
  /** Actual less mean, by the series' place. */
  readonly errors: Map<number, Float64Array>;
  /** Sums of |actual - mean| and of |actual|, step by step. */
  readonly missed: Float64Array;
  readonly sold: Float64Array;
  readonly points: Int32Array;
}

interface Tried {
  /** By the stamp of the window's first step. */
  readonly windows: ReadonlyMap<string, Window>;
}

async function readBacktests(
  handle: ReadHandle | undefined,
  places: ReadonlyMap<string, number>,
  horizon: number,
  signal: AbortSignal,
): Promise<Tried> {
  const windows = new Map<string, Window>();
  if (handle === undefined) return { windows };
  const table = await readTable(openHandle(handle, signal), { name: handle.entry.key, signal, onBadRow: () => undefined });
  const { columns } = table;
  const time = columns.lastIndexOf("timestamp");
  const [sold, start] = [columns.lastIndexOf("target_value"), columns.lastIndexOf("backtestwindow_start_time")];
  const quantiles = quantileColumns(columns, start);
  const mean = columns.indexOf("mean", start);
  const middle = mean >= 0 ? mean : (quantiles[middleOfLevels(quantiles.map(({ level }) => level))]?.at ?? -1);
  let [key, at, window, h]: [string, number | undefined, Window | undefined, number] = ["", undefined, undefined, 0];
  for await (const { rows } of table.batches) {
    for (const row of rows) {
      const own = `${keyOfIds(row.slice(0, time))} ${row[start] ?? ""}`;
      if (own !== key) {
        [key, h] = [own, 0];
        at = places.get(keyOfIds(row.slice(0, time)));
        window = at === undefined ? undefined : windowOf(windows, row[start] ?? "", horizon);
      }
      if (at !== undefined && window !== undefined && h < horizon) {
        const text = row[sold] ?? "";
        note(window, at, h, text === "" ? Number.NaN : Number(text), Number(row[middle]));
      }
      h += 1;
    }
  }
  return { windows };
}

function windowOf(windows: Map<string, Window>, start: string, horizon: number): Window {
  let window = windows.get(start);
  if (window === undefined) {
    const zeros = (): Float64Array => new Float64Array(horizon);
    window = { mean: zeros(), actual: zeros(), errors: new Map(), missed: zeros(), sold: zeros(), points: new Int32Array(horizon) };
    windows.set(start, window);
  }
  return window;
}

function note(window: Window, at: number, h: number, actual: number, mean: number): void {
  window.mean[h] += mean;
  let errors = window.errors.get(at);
  if (errors === undefined) window.errors.set(at, (errors = new Float64Array(window.mean.length).fill(Number.NaN)));
  if (Number.isNaN(actual)) return;
  errors[h] = actual - mean;
  window.actual[h] += actual;
  window.missed[h] += Math.abs(actual - mean);
  window.sold[h] += Math.abs(actual);
  window.points[h] += 1;
}

/** Errors of the known series side by side, window after window. */
function errorsOf({ windows }: Tried, known: readonly number[], horizon: number): Float64Array {
  const all = [...windows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, window]) => window);
  const steps = all.length * horizon;
  const errors = new Float64Array(known.length * steps).fill(Number.NaN);
  for (const [i, at] of known.entries()) {
    for (const [w, window] of all.entries()) {
      const own = window.errors.get(at);
      if (own !== undefined) errors.set(own, i * steps + w * horizon);
    }
  }
  return errors;
}

function errorsByStep({ windows }: Tried, horizon: number): Curve["errors"] {
  const all = [...windows.values()];
  if (all.length === 0) return [];
  const total = (of: (window: Window) => number): number => all.reduce((sum, window) => sum + of(window), 0);
  const share = (part: number, whole: number): number | null => (whole > 0 ? round(part / whole) : null);
  return Array.from({ length: horizon }, (_, h) => {
    const sold = total((window) => window.sold[h]);
    // The sum's error counts only the series whose actual is known, on both sides.
    const errorOf = (window: Window): number =>
      [...window.errors.values()].reduce((sum, own) => sum + (Number.isNaN(own[h]) ? 0 : own[h]), 0);
    return {
      step: h + 1,
      points: total((window) => window.points[h]),
      wape: share(
        total((window) => window.missed[h]),
        sold,
      ),
      sumWape: share(
        total((window) => Math.abs(errorOf(window))),
        sold,
      ),
      bias: share(total(errorOf), sold),
    };
  });
}

/** Index of a stamp among those shown; -1 for an earlier one. */
function indexOf({ grid }: Panel, stamp: string, from: number): number {
  for (let t = from; t < grid.length; t++) if (timestampOf(grid, t) === stamp) return t - from;
  return -1;
}

function historyOf(panel: Panel, chosen: readonly number[], from: number): (number | null)[] {
  const { length } = panel.grid;
  const sum: (number | null)[] = Array.from({ length: length - from }, () => null);
  for (const series of chosen) {
    const own = panel.values.subarray(panel.offsets[series], panel.offsets[series + 1]);
    const start = length - own.length;
    for (let t = Math.max(0, from - start); t < own.length; t++) {
      if (!Number.isNaN(own[t])) sum[start + t - from] = (sum[start + t - from] ?? 0) + own[t];
    }
  }
  return sum.map((value) => (value === null ? null : round(value)));
}

function relatedOf(panel: Panel, chosen: readonly number[], from: number): Curve["related"] {
  const { length, horizon } = panel.grid;
  const shown = length + horizon - from;
  const range = (low: number, high: number): { readonly low: number; readonly high: number } | null =>
    high < low ? null : { low: round(low), high: round(high) };
  const own = panel.regressors.map(({ name, values }) => {
    const sums = new Float64Array(shown);
    const counts = new Int32Array(shown);
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const series of chosen) {
      const begin = panel.offsets[series] + series * horizon;
      const own = panel.offsets[series + 1] - panel.offsets[series];
      const start = length - own;
      for (let t = 0; t < own + horizon; t++) {
        const value = values[begin + t];
        if (Number.isNaN(value)) continue;
        if (t < own) [low, high] = [Math.min(low, value), Math.max(high, value)];
        const place = start + t - from;
        if (place < 0) continue;
        sums[place] += value;
        counts[place] += 1;
      }
    }
    return { name, values: Array.from(sums, (sum, t) => (counts[t] === 0 ? null : round(sum / counts[t]))), seen: range(low, high) };
  });
  const shared = panel.shared.map(({ name, values }) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let t = 0; t < length; t++) if (!Number.isNaN(values[t])) [low, high] = [Math.min(low, values[t]), Math.max(high, values[t])];
    const all = Array.from(values.subarray(from, length + horizon), (value) => (Number.isNaN(value) ? null : round(value)));
    return { name, values: all, seen: range(low, high) };
  });
  return [...own, ...shared];
}
