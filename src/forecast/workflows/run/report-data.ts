// From a result to what the report shows: two walks over the series, the first for sums and figures, the second for the few that are drawn.
//
//   D1. Memory: a few numbers a series, and the curves of those that are shown.

import { grouped, percent } from "../../../platform/figures.ts";
import { timestampOf } from "../../engine/calendar/grid.ts";
import { printFrequency } from "../../engine/calendar/frequency.ts";
import type { Category, Forecast, Frequency, Panel } from "../../engine/contract.ts";
import { accuracyOf, addTally, makeTally, type Tally } from "../../engine/metrics/metrics.ts";
import { normalQuantile } from "../../engine/numerics/normal.ts";
import type { MixedForecast } from "../../engine/combine/contract.ts";
import type { RunResult, RunSummary, SeriesResult, SumResult } from "./contract.ts";
import { cutsOf } from "./global-model.ts";
import type { Report, ReportCurve, ReportMetrics, ReportRow, ReportSeries } from "./report/contract.ts";
import { idsOf, labelOf } from "./rows.ts";
import { doubtsOf } from "./doubts.ts";
import { unservedNote } from "./served.ts";

export interface ReportOptions {
  readonly title: string;
  /** Whole sentences on the data: bad rows, fills. */
  readonly notes?: readonly string[];
  /** Beside the settings: file names, hashes, versions. */
  readonly facts?: readonly (readonly [string, string])[];
}

/** Series drawn in each of the groups worst, best, largest. */
const shownInGroup = 20;
/** Steps of history drawn at most. */
const mostSteps = 400;
const mostLevels = 15;
const mostCategories = 4;
const mostNotes = 50;

/** Reads the result twice and gives the report. */
export async function makeReport(result: RunResult, options: ReportOptions): Promise<Report> {
  const { panel, settings } = result;
  const { grid } = panel;
  const summary = await result.summary();
  const first = await gatherFigures(result);
  const shown = choose(first.tallies, first.volumes);
  const from = Math.max(
    0,
    grid.length -
      Math.min(mostSteps, Math.max(3 * Math.round(panel.seasons[0] ?? 0), 4 * grid.horizon, 5 * settings.windows * grid.horizon, 60)),
  );
  const drawn = new Map<number, ReportSeries>();
  if (shown.size > 0) {
    for await (const series of result.series()) {
      const group = shown.get(series.index);
      if (group !== undefined) drawn.set(series.index, drawSeries(result, series, group, from));
    }
  }
  const order = [...shown.keys()];
  const places = new Map(order.map((index, place) => [index, place]));
  const row = (index: number): ReportRow => ({
    name: nameOf(panel, index),
    series: 1,
    actual: round(first.tallies[index]?.absoluteActual ?? 0),
    ...metricsOf(first.tallies[index]),
    shown: places.get(index),
  });
  const inGroup = (group: string): ReportRow[] => order.filter((index) => shown.get(index) === group).map(row);
  const split = grid.length - from;
  return {
    title: options.title,
    subtitle: `${grouped(summary.series)} series, ${paceOf(grid.frequency)}, ${grid.horizon} steps ahead: ${stamp(panel, grid.length)} to ${stamp(panel, grid.length + grid.horizon - 1)}`,
    dates: Array.from({ length: split + grid.horizon }, (_, at) => stamp(panel, from + at)),
    split,
    horizon: grid.horizon,
    levels: settings.levels,
    labels: settings.levels.map(labelOf),
    total: { ...first.total(from), ...wholeCurve(await result.sums(), from) },
    series: order.flatMap((index) => drawn.get(index) ?? []),
    calibration: summary.accuracy === undefined ? [] : first.calibration,
    tiles: tilesOf(panel, summary, first),
    worst: inGroup("Worst in the backtests").slice(0, 12),
    best: inGroup("Best in the backtests").slice(0, 12),
    categories: categoriesOf(panel, first.tallies),
    winners: summary.models.slice(0, 16),
    notes: notesOf(result, summary, first.rare, options.notes ?? []),
    facts: [
      ["quantiles", settings.levels.map(labelOf).join(", ") || "none"],
      ["backtest windows", String(settings.windows)],
      ["offset", String(settings.offset)],
      ["models", typeof settings.models === "string" ? settings.models : settings.models.join(", ")],
      ["seasons", panel.seasons.join(", ") || "none"],
      ["seed", String(settings.seed)],
      ["run", result.key],
      ...(options.facts ?? []),
    ],
  };
}

/** What the first walk leaves. */
interface Figures {
  /** By series; undefined without a backtest. */
  readonly tallies: readonly (Tally | undefined)[];
  /** By series: forecast units. */
  readonly volumes: Float64Array;
  readonly calibration: readonly { readonly level: number; readonly observed: number }[];
  readonly ahead: number;
  /** Series whose mean lies above their highest quantile of p90 or more in some step of the horizon. */
  readonly rare: number;
  /** What was sold in as many steps just before. */
  readonly before: number;
  /** And a year before the horizon; undefined where the history does not reach. */
  readonly yearBefore: number | undefined;
  total(from: number): ReportCurve;
}

async function gatherFigures(result: RunResult): Promise<Figures> {
  const { panel, settings } = result;
  const { length, horizon } = panel.grid;
  const { levels } = settings;
  const seriesCount = panel.offsets.length - 1;
  const tallies: (Tally | undefined)[] = [];
  const volumes = new Float64Array(seriesCount);
  const spread = makeSpread(levels);
  const cuts = cutsOf(panel, settings);
  const windows = new Map(
    cuts.map((cut) => [
      cut,
      { mean: new Float64Array(horizon), variance: new Float64Array(horizon), error: new Float64Array(horizon), known: 0 },
    ]),
  );
  const mean = new Float64Array(horizon);
  const variance = new Float64Array(horizon);
  const all = makeTally(levels);
  let rare = 0;
  for await (const { index, mixed, tallies: own } of result.series()) {
    if (mixed.forecast !== undefined) {
      if (isAboveFan(mixed.forecast)) rare += 1;
      for (let h = 0; h < horizon; h++) {
        mean[h] += mixed.forecast.mean[h];
        volumes[index] += mixed.forecast.mean[h];
        variance[h] += spread(mixed.forecast, h) ** 2;
      }
    }
    const total = makeTally(levels);
    for (const tally of own) addTally(total, tally);
    addTally(all, total);
    tallies[index] = total.points > 0 ? total : undefined;
    for (const { cut, actual, forecast } of mixed.backtests) {
      const window = windows.get(cut);
      if (window === undefined) continue;
      window.known += 1;
      for (let h = 0; h < horizon; h++) {
        window.mean[h] += forecast.mean[h];
        window.variance[h] += spread(forecast, h) ** 2;
        if (h < actual.length && !Number.isNaN(actual[h])) window.error[h] += actual[h] - forecast.mean[h];
      }
    }
  }
  // Series rise and fall together, so the spread of their sum is neither that of independent series nor the sum of spreads. How far it is from
  // the former is seen in the errors of the sum over all windows and steps.
  let errors = 0;
  let expected = 0;
  for (const window of windows.values()) {
    for (let h = 0; h < horizon; h++) {
      errors += window.error[h] ** 2;
      expected += window.variance[h];
    }
  }
  const together = expected > 0 ? Math.max(1, errors / expected) : 1;
  const fan = (means: Float64Array, variances: Float64Array): number[][] =>
    levels.map((level) =>
      Array.from(means, (value, h) => {
        const quantile = value + normalQuantile(level) * Math.sqrt(together * variances[h]);
        return round(settings.nonNegative ? Math.max(0, quantile) : quantile);
      }),
    );
  const history = sumOfHistories(panel);
  const sumOf = (from: number, to: number): number => {
    let sum = 0;
    for (let t = Math.max(0, from); t < to; t++) sum += Number.isNaN(history[t]) ? 0 : history[t];
    return sum;
  };
  const year = Math.round(panel.seasons.at(-1) ?? 0);
  const calibration = levels.map((level, i) => ({ level, observed: all.points > 0 ? round(all.notAbove[i] / all.points) : 0 }));
  return {
    tallies,
    volumes,
    calibration,
    ahead: mean.reduce((sum, value) => sum + value, 0),
    rare,
    before: sumOf(length - horizon, length),
    yearBefore: year >= horizon && length >= year ? sumOf(length - year, length - year + horizon) : undefined,
    total: (from) => ({
      name: "all series",
      first: 0,
      history: Array.from(history.subarray(from), orNull),
      mean: Array.from(mean, round),
      quantiles: fan(mean, variance),
      backtests: [...windows]
        .filter(([cut, { known }]) => known > 0 && cut >= from)
        .map(([cut, window]) => ({ at: cut - from, mean: Array.from(window.mean, round), quantiles: fan(window.mean, window.variance) })),
    }),
  };
}

/** Whether a mean lies above the highest quantile, where that is p90 or more: sales in fewer than one step of ten, a sound fan of a rare item. */
function isAboveFan({ mean, quantiles, levels }: Forecast): boolean {
  const last = levels.length - 1;
  return last >= 0 && levels[last] >= 0.9 - 1e-9 && mean.some((value, h) => value > quantiles[last * mean.length + h] + 1e-9);
}

/** A deviation like a normal one's, from the distance of the outermost quantiles; zero where there are not two. */
function makeSpread(levels: readonly number[]): (forecast: Forecast, step: number) => number {
  const last = levels.length - 1;
  if (last < 1) return () => 0;
  const width = normalQuantile(levels[last]) - normalQuantile(levels[0]);
  return ({ mean, quantiles }, step) => Math.max(0, quantiles[last * mean.length + step] - quantiles[step]) / width;
}

/** Missing where no series has a value. */
function sumOfHistories(panel: Panel): Float64Array {
  const { length } = panel.grid;
  const sum = new Float64Array(length).fill(Number.NaN);
  for (let s = 0; s + 1 < panel.offsets.length; s++) {
    const own = panel.values.subarray(panel.offsets[s], panel.offsets[s + 1]);
    const start = length - own.length;
    for (let t = 0; t < own.length; t++) {
      if (Number.isNaN(own[t])) continue;
      sum[start + t] = own[t] + (Number.isNaN(sum[start + t]) ? 0 : sum[start + t]);
    }
  }
  return sum;
}

/** The worst by units missed, the best by WAPE among the half that sells most, the largest; each once. In the order of the report. */
function choose(tallies: readonly (Tally | undefined)[], volumes: Float64Array): Map<number, string> {
  const indices = Array.from(volumes.keys());
  const measured = indices.filter((index) => tallies[index] !== undefined);
  const missed = (index: number): number => tallies[index]?.absoluteError ?? 0;
  const sold = (index: number): number => tallies[index]?.absoluteActual ?? 0;
  const wape = (index: number): number => (sold(index) > 0 ? missed(index) / sold(index) : Number.POSITIVE_INFINITY);
  const selling = measured.toSorted((a, b) => sold(b) - sold(a)).slice(0, Math.ceil(measured.length / 2));
  const chosen = new Map<number, string>();
  const take = (order: readonly number[], group: string): void => {
    let taken = 0;
    for (const index of order) {
      if (taken >= shownInGroup) return;
      if (chosen.has(index)) continue;
      chosen.set(index, group);
      taken += 1;
    }
  };
  const fair = Math.max(1, Math.ceil(measured.length / 3));
  take(measured.toSorted((a, b) => missed(b) - missed(a)).slice(0, fair), "Worst in the backtests");
  take(selling.toSorted((a, b) => wape(a) - wape(b)).slice(0, 2 * fair), "Best in the backtests");
  take(
    indices.toSorted((a, b) => volumes[b] - volumes[a]),
    "Largest forecasts",
  );
  return chosen;
}

function drawSeries(result: RunResult, { index, mixed, tallies }: SeriesResult, group: string, from: number): ReportSeries {
  const { panel, settings } = result;
  const { length } = panel.grid;
  const history = panel.values.subarray(panel.offsets[index], panel.offsets[index + 1]);
  const start = length - history.length;
  const total = makeTally(settings.levels);
  for (const tally of tallies) addTally(total, tally);
  const [leader, ...rest] = mixed.components;
  const models =
    leader === undefined
      ? settings.models === "auto"
        ? "none: there is nothing to go by"
        : "none: no model that was named suits it"
      : [
          `${leader.title || leader.model} ${percent(leader.weight, { digits: 0 })}`,
          ...rest.slice(0, 5).map(({ model, weight }) => `${model} ${percent(weight, { digits: 0 })}`),
        ].join(", ");
  return {
    name: nameOf(panel, index),
    group,
    first: Math.max(0, start - from),
    history: Array.from(history.subarray(Math.max(0, from - start)), orNull),
    ...curveOf(mixed.forecast),
    backtests: backtestsOf(mixed, from),
    models,
    metrics: metricsOf(total.points > 0 ? total : undefined),
    about: panel.metadata
      .slice(0, 6)
      .flatMap(({ name, levels, codes }) => (codes[index] < 0 ? [] : [[name, levels[codes[index]]] as const])),
  };
}

/** Of a run with a hierarchy the whole was forecast by itself; its curve is then better than one put together. */
function wholeCurve(sums: readonly SumResult[], from: number): Pick<ReportCurve, "mean" | "quantiles" | "backtests"> | undefined {
  const whole = sums.find(({ level }) => level === "total")?.result.mixed;
  if (whole?.forecast === undefined) return undefined;
  return { ...curveOf(whole.forecast), backtests: backtestsOf(whole, from) };
}

const backtestsOf = ({ backtests }: MixedForecast, from: number): ReportCurve["backtests"] =>
  backtests.filter(({ cut }) => cut >= from).map(({ cut, forecast }) => ({ at: cut - from, ...curveOf(forecast) }));

function curveOf(forecast: Forecast | undefined): { mean: number[]; quantiles: number[][] } {
  if (forecast === undefined) return { mean: [], quantiles: [] };
  const { mean, quantiles, levels } = forecast;
  return {
    mean: Array.from(mean, round),
    quantiles: levels.map((_, i) => Array.from(quantiles.subarray(i * mean.length, (i + 1) * mean.length), round)),
  };
}

function metricsOf(tally: Tally | undefined): ReportMetrics {
  const accuracy = tally === undefined ? undefined : accuracyOf(tally);
  if (accuracy === undefined) return { wape: null, naiveWape: null, wql: null, mase: null, rmse: null, bias: null };
  const { wape, naiveWape, averageWql, mase, rmse, bias } = accuracy;
  const naive = naiveWape === undefined ? null : round(naiveWape);
  return { wape: round(wape), naiveWape: naive, wql: round(averageWql), mase: round(mase), rmse: round(rmse), bias: round(bias) };
}

function tilesOf(panel: Panel, { accuracy }: RunSummary, { ahead, before, yearBefore }: Figures): Report["tiles"] {
  const change = (than: number): string => percent(ahead / than - 1, { signed: true });
  const { horizon } = panel.grid;
  const tiles = [{ value: grouped(Math.round(ahead)), name: `expected in the next ${horizon} steps` }];
  if (before > 0) tiles.push({ value: change(before), name: `against the ${horizon} steps before` });
  if (yearBefore !== undefined && yearBefore > 0) tiles.push({ value: change(yearBefore), name: "against a season ago" });
  if (accuracy === undefined) return tiles;
  tiles.push(
    { value: percent(accuracy.wape), name: "WAPE in the backtests" },
    ...(accuracy.naiveWape === undefined
      ? []
      : [{ value: percent(accuracy.naiveWape), name: "WAPE of the seasonal naive (repeating the last season)" }]),
    { value: accuracy.averageWql.toFixed(3), name: "average wQL" },
    { value: accuracy.mase.toFixed(2), name: "MASE (1: as good as repeating the last season)" },
    { value: percent(accuracy.bias), name: accuracy.bias > 0 ? "bias: forecasts were too low" : "bias: forecasts were too high" },
  );
  for (const [nominal, observed] of Object.entries(accuracy.coverage).slice(0, 1))
    tiles.push({ value: percent(observed), name: `within the ${percent(Number(nominal), { digits: 0 })} interval` });
  return tiles;
}

/** By dimension and metadata column, where the column has fewer levels than series and more than one. */
function categoriesOf(panel: Panel, tallies: readonly (Tally | undefined)[]): Report["categories"] {
  const usable = [...panel.metadata, ...panel.dimensions].filter(
    ({ levels }) => levels.length > 1 && levels.length <= Math.max(2, tallies.length / 2),
  );
  return usable.slice(0, mostCategories).flatMap((category) => {
    const rows = rowsBy(category, tallies);
    return rows.length === 0 ? [] : [{ name: category.name, rows: rows.slice(0, mostLevels), more: Math.max(0, rows.length - mostLevels) }];
  });
}

function rowsBy({ levels, codes }: Category, tallies: readonly (Tally | undefined)[]): ReportRow[] {
  const sums = new Map<number, { tally: Tally; series: number }>();
  for (const [index, tally] of tallies.entries()) {
    if (tally === undefined) continue;
    const sum = sums.get(codes[index]) ?? { tally: makeTally(tally.levels), series: 0 };
    sums.set(codes[index], sum);
    addTally(sum.tally, tally);
    sum.series += 1;
  }
  return [...sums]
    .sort(([, a], [, b]) => b.tally.absoluteActual - a.tally.absoluteActual)
    .map(([code, { tally, series }]) => ({
      name: levels[code] ?? "(unknown)",
      series,
      actual: round(tally.absoluteActual),
      ...metricsOf(tally),
    }));
}

function notesOf({ panel, settings }: RunResult, summary: RunSummary, rare: number, given: readonly string[]): string[] {
  const notes = [
    ...given.slice(0, mostNotes),
    ...(given.length > mostNotes ? [`and ${grouped(given.length - mostNotes)} more notes of this kind`] : []),
  ];
  let cold = 0;
  for (let s = 0; s + 1 < panel.offsets.length; s++) if (panel.offsets[s] === panel.offsets[s + 1]) cold += 1;
  const served = cold - Math.min(cold, summary.silent);
  if (served > 0 && !given.some((note) => note.includes("no history")))
    notes.push(`${grouped(served)} series have no history: they are forecast from items like them.`);
  const unserved = unservedNote(summary.series, summary.silent, settings.models);
  if (unserved !== undefined) notes.push(unserved);
  notes.push(...doubtsOf(summary.accuracy));
  if (rare > 0)
    notes.push(
      `${grouped(rare)} series sell in so few steps that ${labelOf(settings.levels.at(-1) ?? 0)} of a step is below its mean: most steps sell nothing, a few sell all. Neither is wrong; order by a proposal for the whole lead time, or by the mean, not by a sum of ${labelOf(settings.levels.at(-1) ?? 0)}.`,
    );
  if (settings.windows > 0 && summary.accuracy === undefined)
    notes.push("No series was long enough for a backtest, so nothing is known about the accuracy.");
  return notes;
}

const nameOf = (panel: Panel, index: number): string => idsOf(panel, index).join(" · ");
const stamp = (panel: Panel, index: number): string => timestampOf(panel.grid, index);
/** `weekly`, `every 15min`. */
const paceOf = (frequency: Frequency): string => (frequency.multiple === 1 ? paces[frequency.unit] : `every ${printFrequency(frequency)}`);
const paces: Readonly<Record<Frequency["unit"], string>> = {
  Y: "yearly",
  Q: "quarterly",
  M: "monthly",
  W: "weekly",
  D: "daily",
  H: "hourly",
  min: "every minute",
};

/** What a reader of charts can tell apart. */
function round(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : 0;
}

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : round(value));
