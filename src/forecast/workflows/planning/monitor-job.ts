// Monitor: what came against the forecast made before it, and whose forecast was better, in a thread.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { openHandle, writeThrough } from "../../../platform/objects/handles.ts";
import { readTable, writeTable, type Cell as TableCell } from "../../../platform/formats/index.ts";
import { adjustAll, makeAdjuster } from "../../engine/adjust/adjust.ts";
import { indexAt, stampAt } from "../../engine/calendar/grid.ts";
import type { Panel } from "../../engine/contract.ts";
import { scaleOf } from "../../engine/metrics/metrics.ts";
import { monitorForecast, type MonitorReport, type Watched } from "../../engine/monitor/monitor.ts";
import {
  forecastValueAdded,
  type AdjustmentValue,
  type Cell,
  type ValueAdded,
  type ValueReport,
} from "../../engine/monitor/value-added.ts";
import type { MonitorSummary } from "../../store/answers.ts";
import { unpackPanel } from "../pipeline/pieces.ts";
import { round } from "../run/rows.ts";
import type { NumberedAdjustment } from "./adjusted-job.ts";
import { brokenExport, forecastOf, keyOfIds, placesIn, readRows, titleOfIds } from "./finished.ts";

export interface MonitorInput {
  /** The system's forecast made before. */
  readonly forecast: ReadHandle;
  /** Its accuracy by series in the backtests; absent without one. */
  readonly accuracy: ReadHandle | undefined;
  /** Average wQL of its backtest windows. */
  readonly backtestWql: readonly number[];
  /** The panel of the data that came. */
  readonly panel: ReadHandle;
  /** What was laid over the forecast when it was used. */
  readonly adjustments: readonly (NumberedAdjustment & { readonly author: string; readonly reason: string })[];
  readonly items: WriteHandle;
  readonly value: WriteHandle;
  readonly cells: WriteHandle;
}

export interface MonitorOutput {
  readonly summary: MonitorSummary;
  /** Items, value added, and the cells that were adjusted. Empty without points. */
  readonly staged: readonly StagedObject[];
}

export const monitorJob: ComputeTask<MonitorInput, MonitorOutput> = { module: import.meta.url, name: "forecast.monitor" };

export async function run(input: MonitorInput, tools: TaskTools): Promise<MonitorOutput> {
  const { signal } = tools;
  const panel = await unpackPanel(openHandle(input.panel, signal));
  const promised = input.accuracy === undefined ? new Map<string, number>() : await readPromises(input.accuracy, signal);
  const rows = await readRows(openHandle(input.forecast, signal), input.forecast.entry.key, { signal, broken: brokenExport });
  const places = placesIn(panel);
  const adjuster = makeAdjuster(panel, input.adjustments);
  const lag = Math.max(1, Math.round(panel.seasons[0] ?? 1));
  const watched: Watched[] = [];
  const ids: (readonly string[])[] = [];
  const cells: Cell[] = [];
  const cellRows: TableCell[][] = [];
  let from: string | null = null;
  let to: string | null = null;
  for await (const stored of rows.series()) {
    signal.throwIfAborted();
    const place = places.get(keyOfIds(stored.ids));
    if (place === undefined) continue;
    const actual = actualsOf(panel, place, stored.instants);
    if (actual === undefined) continue;
    const forecast = forecastOf(stored, rows.levels);
    const first = indexAt(panel.grid, stored.instants[0] ?? 0);
    const history = historyBefore(panel, place, first);
    const promisedWql = promised.get(keyOfIds(stored.ids));
    const id = titleOfIds(stored.ids);
    watched.push({ id, actual, forecast, scale: scaleOf(history, lag), ...(promisedWql === undefined ? {} : { promisedWql }) });
    ids.push(stored.ids);
    for (const [h, observed] of actual.entries()) {
      if (Number.isNaN(observed)) continue;
      const timestamp = stored.timestamps[h] ?? "";
      if (from === null || timestamp < from) from = timestamp;
      if (to === null || timestamp > to) to = timestamp;
      const spoken = adjuster.at(place, stored.instants[h] ?? 0);
      const system = forecast.mean[h] ?? 0;
      const naive = seasonBefore(history, lag, h);
      const last = spoken.at(-1);
      if (last === undefined) {
        cells.push({ item: id, actual: observed, naive, system });
        continue;
      }
      const quantiles = stored.quantiles[h] ?? [];
      const value = adjustAll({ mean: system, quantiles }, rows.levels, spoken).mean ?? system;
      cells.push({ item: id, actual: observed, naive, system, adjustment: { value, author: last.author, reason: last.reason } });
      cellRows.push([
        ...stored.ids,
        timestamp,
        round(observed),
        round(naive),
        round(system),
        round(value),
        last.id,
        last.author,
        last.reason,
      ]);
    }
  }
  const report = monitorForecast(watched, { backtestWql: input.backtestWql });
  const value = forecastValueAdded(cells);
  const points = cells.length;
  const { accuracy, coverage } = report;
  const staged =
    points === 0
      ? []
      : [
          await writeThrough(input.items, table([...rows.idColumns, ...itemColumns], itemRows(report, watched, ids)), signal),
          await writeThrough(input.value, table(valueColumns, valueRows(value)), signal),
          await writeThrough(input.cells, table([...rows.idColumns, ...cellColumns], cellRows), signal),
        ];
  const summary: MonitorSummary = {
    points,
    series: watched.length,
    from,
    to,
    verdict: report.verdict,
    reason: report.reason,
    wape: accuracy?.wape ?? null,
    averageWql: accuracy?.averageWql ?? null,
    bias: accuracy?.bias ?? null,
    coverage: coverage?.observed ?? null,
    ratio: report.ratio ?? null,
    ratioBound: report.ratioBound ?? null,
    alarms: report.items.filter((item) => item.verdict === "alarm").length,
    watches: report.items.filter((item) => item.verdict === "watch").length,
    value: { all: value.all, adjusted: value.adjusted, verdict: value.verdict, reason: value.reason },
  };
  return { summary, staged };
}

/** What came in the forecast's steps; undefined when nothing did, or when the two stand on different grids. */
function actualsOf(panel: Panel, place: number, instants: readonly number[]): Float64Array | undefined {
  const { grid, offsets, values } = panel;
  const end = offsets[place + 1] ?? 0;
  const start = grid.length - (end - (offsets[place] ?? 0));
  const actual = new Float64Array(instants.length).fill(Number.NaN);
  let known = false;
  for (const [h, ms] of instants.entries()) {
    const index = indexAt(grid, ms);
    if (stampAt(grid, index) !== ms) return undefined;
    if (index < start || index >= grid.length) continue;
    const value = values[end - (grid.length - index)] ?? Number.NaN;
    actual[h] = value;
    known ||= !Number.isNaN(value);
  }
  return known ? actual : undefined;
}

/** The series before a step of the grid. */
function historyBefore(panel: Panel, place: number, index: number): Float64Array {
  const end = panel.offsets[place + 1] ?? 0;
  return panel.values.subarray(panel.offsets[place] ?? 0, Math.max(panel.offsets[place] ?? 0, end - (panel.grid.length - index)));
}

/** The seasonal naive forecast, as simple as it gets: the last known value of the same phase, else the last known at all; NaN without one. */
function seasonBefore(history: Float64Array, lag: number, h: number): number {
  for (let at = history.length - lag + (h % lag); at >= 0; at -= lag) {
    const value = history[at] ?? Number.NaN;
    if (!Number.isNaN(value)) return value;
  }
  for (let at = history.length - 1; at >= 0; at--) {
    const value = history[at] ?? Number.NaN;
    if (!Number.isNaN(value)) return value;
  }
  return Number.NaN;
}

async function readPromises(handle: ReadHandle, signal: AbortSignal): Promise<Map<string, number>> {
  const table = await readTable(openHandle(handle, signal), { name: handle.entry.key, signal, onBadRow: () => undefined });
  const at = table.columns.indexOf("average_wQL");
  const first = table.columns.indexOf("windows");
  const promised = new Map<string, number>();
  if (at < 0 || first < 0) return promised;
  for await (const { rows } of table.batches) {
    for (const row of rows) promised.set(keyOfIds(row.slice(0, first)), Number(row[at]));
  }
  return promised;
}

const itemColumns = [
  "verdict",
  "points",
  "wape",
  "average_wql",
  "bias",
  "tracking_signal",
  "inside_interval",
  "cusum",
  "ratio_to_backtest",
  "chance_of_bias",
  "chance_of_misses",
  "reason",
];

const orNull = (value: number | undefined): number | null => (value === undefined ? null : round(value));

function itemRows(report: MonitorReport, watched: readonly Watched[], ids: readonly (readonly string[])[]): TableCell[][] {
  return report.items.map((item, at) => [
    ...(ids[at] ?? []),
    item.verdict,
    (watched[at]?.actual ?? new Float64Array(0)).reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : 1), 0),
    orNull(item.accuracy?.wape),
    orNull(item.accuracy?.averageWql),
    orNull(item.accuracy?.bias),
    orNull(item.trackingSignal),
    orNull(item.coverage?.observed),
    orNull(item.cusum),
    orNull(item.ratio),
    round(item.biasP),
    round(item.coverageP),
    item.reason,
  ]);
}

const cellColumns = ["timestamp", "actual", "seasonal_naive", "system", "adjusted", "adjustment", "author", "reason"];

/** Columns of a value-added table; `by` is all, adjusted, direction, author, reason or item. */
export const valueColumns: readonly string[] = [
  "by",
  "name",
  "points",
  "wape_seasonal_naive",
  "wape_system",
  "wape_used",
  "system_added",
  "adjustment_added",
  "improved",
  "worsened",
  "mean_change",
];

/** The rows of a value-added report. */
export function valueRows(report: ValueReport): TableCell[][] {
  const row = (by: string, name: string, value: ValueAdded, more?: AdjustmentValue): TableCell[] => [
    by,
    name,
    value.points,
    round(value.wapeNaive),
    round(value.wapeSystem),
    round(value.wapeUsed),
    round(value.systemAdded),
    round(value.adjustmentAdded),
    more?.improved ?? null,
    more?.worsened ?? null,
    more === undefined ? null : round(more.meanChange),
  ];
  const groups = (by: string, list: readonly AdjustmentValue[]): TableCell[][] => list.map((each) => row(by, each.group, each, each));
  return [
    row("all", "all", report.all),
    row("adjusted", "adjusted", report.adjusted, report.adjusted),
    ...groups("direction", [report.upwards, report.downwards]),
    ...groups("author", report.byAuthor),
    ...groups("reason", report.byReason),
    ...groups("item", report.byItem),
  ];
}

/** The bytes of a table that is in memory. */
export function table(columns: readonly string[], rows: readonly (readonly TableCell[])[]): ReturnType<typeof writeTable> {
  async function* batches(): AsyncGenerator<readonly (readonly TableCell[])[]> {
    for (let from = 0; from < rows.length; from += 2_048) yield rows.slice(from, from + 2_048);
  }
  return writeTable(batches(), { format: "csv", columns });
}
