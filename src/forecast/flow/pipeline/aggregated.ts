// The aggregated view: what came and what is forecast in one table, in Parquet, a folder for each month.
//
//   timestamp, identifier, metric, mean, p.., dimension_1..10, metadata_1..10      under aggregated/month_starting=2026-10-01/
//
//   V1. Before the first backtest a row is history; in a backtest it is history beside what was forecast; after the end it is forecast alone.
//   V2. Only quantiles that were asked for are columns of the files; readers that want p1..p99 take the others as empty.
//   V3. One month is written at a time: memory does not grow with the number of months.

import { writeTable, type Cell } from "../../../base/tables/index.ts";
import { instantAt } from "../../engine/calendar/grid.ts";
import type { ObjectRef } from "../../store/keys.ts";
import { cutsOf } from "../run/learned.ts";
import type { RunResult } from "../run/contract.ts";
import { idsOf, instantsOf, labelOf, tidy } from "../run/rows.ts";
import type { ForecastParts } from "../parts.ts";
import { putExport, type ExportPlace, type Exports } from "./exports.ts";

const rowsAtOnce = 2_048;
const mostDimensions = 10;

/** Months of the panel in order, each with its first and last grid index (end exclusive). */
export function monthsOf(
  result: Pick<RunResult, "panel">,
): readonly { readonly month: string; readonly from: number; readonly to: number }[] {
  const { grid } = result.panel;
  const months: { month: string; from: number; to: number }[] = [];
  for (let index = 0; index < grid.length + grid.horizon; index++) {
    const month = `${new Date(instantAt(grid, index)).toISOString().slice(0, 7)}-01`;
    const last = months.at(-1);
    if (last?.month === month) last.to = index + 1;
    else months.push({ month, from: index, to: index + 1 });
  }
  return months;
}

/** Columns of the view as its files have them. */
export function viewColumns(levels: readonly number[], dimensions: number, metadata: number): readonly string[] {
  return [
    "timestamp",
    "identifier",
    "metric",
    "mean",
    ...levels.map(labelOf),
    ...Array.from({ length: dimensions }, (_, i) => `dimension_${i + 1}`),
    ...Array.from({ length: metadata }, (_, i) => `metadata_${i + 1}`),
  ];
}

/** Writes the view. */
export async function writeAggregated(parts: ForecastParts, where: ExportPlace, result: RunResult, signal: AbortSignal): Promise<Exports> {
  const { panel, settings } = result;
  const { grid } = panel;
  const dimensions = panel.dimensions.slice(0, mostDimensions);
  const metadata = panel.metadata.slice(0, mostDimensions);
  const columns = viewColumns(settings.levels, dimensions.length, metadata.length);
  const texts = new Set(["timestamp", "identifier", ...columns.filter((name) => /^(?:dimension|metadata)_/.test(name))]);
  const types = Object.fromEntries(columns.map((name) => [name, texts.has(name) ? ("text" as const) : ("number" as const)]));
  const firstCut = cutsOf(panel, settings)[0] ?? grid.length;
  const instant = instantsOf(panel);
  const empty: readonly Cell[] = Array.from({ length: settings.levels.length + 1 }, () => null);

  const aboutOf = (series: number): readonly Cell[] => [
    ...idsOf(panel, series).slice(1, 1 + dimensions.length),
    ...metadata.map(({ levels, codes }) => levels[codes[series] ?? -1] ?? null),
  ];

  async function* history(from: number, to: number): AsyncGenerator<readonly (readonly Cell[])[]> {
    let batch: Cell[][] = [];
    for (let series = 0; series + 1 < panel.offsets.length; series++) {
      const begin = panel.offsets[series] ?? 0;
      const end = panel.offsets[series + 1] ?? 0;
      const start = grid.length - (end - begin);
      const about = aboutOf(series);
      for (let index = Math.max(from, start); index < to; index++) {
        const value = panel.values[begin + index - start] ?? Number.NaN;
        if (Number.isNaN(value)) continue;
        batch.push([instant(index), panel.itemIds[series] ?? "", value, ...empty, ...about]);
      }
      if (batch.length < rowsAtOnce) continue;
      signal.throwIfAborted();
      yield batch;
      batch = [];
    }
    yield batch;
  }

  async function* told(from: number, to: number): AsyncGenerator<readonly (readonly Cell[])[]> {
    let batch: Cell[][] = [];
    for await (const { index: series, mixed } of result.series(signal)) {
      const about = aboutOf(series);
      const covered = new Set<number>();
      const rows: { readonly index: number; readonly cells: readonly Cell[] }[] = [];
      const add = (cut: number, forecast: NonNullable<typeof mixed.forecast>, actual: Float64Array | undefined): void => {
        const steps = forecast.mean.length;
        for (let h = 0; h < steps; h++) {
          const index = cut + h;
          if (index < from || index >= to) continue;
          covered.add(index);
          const came = actual?.[h];
          const metric = came === undefined || Number.isNaN(came) ? null : came;
          const quantiles = forecast.levels.map((_, i) => tidy(forecast.quantiles[i * steps + h] ?? Number.NaN));
          rows.push({ index, cells: [metric, tidy(forecast.mean[h] ?? Number.NaN), ...quantiles] });
        }
      };
      for (const { cut, actual, forecast } of mixed.backtests) add(cut, forecast, actual);
      if (mixed.forecast !== undefined) add(grid.length, mixed.forecast, undefined);
      // Instants between the backtests and the end that no window covers are history like any other.
      const begin = panel.offsets[series] ?? 0;
      const start = grid.length - ((panel.offsets[series + 1] ?? 0) - begin);
      for (let index = Math.max(from, start); index < Math.min(to, grid.length); index++) {
        const value = panel.values[begin + index - start] ?? Number.NaN;
        if (!covered.has(index) && !Number.isNaN(value)) rows.push({ index, cells: [value, ...empty] });
      }
      rows.sort((a, b) => a.index - b.index);
      for (const row of rows) batch.push([instant(row.index), panel.itemIds[series] ?? "", ...row.cells, ...about]);
      if (batch.length < rowsAtOnce) continue;
      yield batch;
      batch = [];
    }
    yield batch;
  }

  const exports: Record<string, ObjectRef> = {};
  for (const { month, from, to } of monthsOf(result)) {
    const name = `aggregated/month_starting=${month}/part-0.parquet`;
    const batches = to <= firstCut ? history(from, to) : told(from, to);
    exports[name] = await putExport(
      parts,
      where,
      name,
      writeTable(batches, { format: "parquet", columns, types }),
      "application/vnd.apache.parquet",
      signal,
    );
  }
  return exports;
}
