// The aggregated view: actual and forecast in one table, in Parquet, a folder for each month.
//
//   timestamp, identifier, metric, p1..p99, mean, dimension_1..10, metadata_1..10      under aggregated/month_starting=2026-10-01/
//
// Names, order and types are those of the AWS solution's Glue table ("Improving Forecast Accuracy with Machine Learning", source/glue/jobs/
// forecast_etl.py, `ForecastStatus.empty`): a timestamp, strings, doubles; all may be empty.
//
//   V1. Before the first backtest a row is history; in a backtest it is history beside what was forecast; after the end it is forecast alone.
//   V2. Every file has every column. Quantiles nobody asked for lie between those that were (engine/numerics/spread.ts); the file's metadata
//       say which were asked. What was asked between whole percents is in the CSV exports alone.
//   V3. One month is written at a time: memory does not grow with the number of months.

import { writeTable, type Cell } from "../../../platform/formats/index.ts";
import { makeSpread } from "../../engine/numerics/spread.ts";
import { instantAt } from "../../engine/calendar/grid.ts";
import type { ObjectRef } from "../../store/keys.ts";
import { cutsOf } from "../run/global-model.ts";
import type { RunResult } from "../run/contract.ts";
import { idsOf, instantsOf, labelOf, round } from "../run/rows.ts";
import type { ForecastDeps } from "../deps.ts";
import { putExport, type ExportPlace, type Exports } from "./exports.ts";

const rowsAtOnce = 2_048;
/** A file of more rows would be large to open at once. */
const rowsOfPart = 500_000;
const mostNames = 10;
const percents: readonly number[] = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
const numbered = (prefix: string): readonly string[] => Array.from({ length: mostNames }, (_, i) => `${prefix}${i + 1}`);

/** Columns of the view, in their order. */
const viewColumns: readonly string[] = [
  "timestamp",
  "identifier",
  "metric",
  ...percents.map(labelOf),
  "mean",
  ...numbered("dimension_"),
  ...numbered("metadata_"),
];

const viewTypes = Object.fromEntries(
  viewColumns.map((name) => [
    name,
    name === "timestamp"
      ? ("timestamp" as const)
      : /^(?:identifier|dimension_|metadata_)/.test(name)
        ? ("text" as const)
        : ("number" as const),
  ]),
);

/** Months of the panel in order, each with its first and last grid index (end exclusive). */
function monthsOf(result: Pick<RunResult, "panel">): readonly { readonly month: string; readonly from: number; readonly to: number }[] {
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

/** Writes the view. */
export async function writeAggregated(deps: ForecastDeps, where: ExportPlace, result: RunResult, signal: AbortSignal): Promise<Exports> {
  const { panel, settings } = result;
  const { grid } = panel;
  const dimensions = panel.dimensions.slice(0, mostNames);
  const metadata = panel.metadata.slice(0, mostNames);
  const spread = makeSpread(settings.levels, percents, settings.nonNegative ? 0 : -Infinity);
  const firstCut = cutsOf(panel, settings)[0] ?? grid.length;
  const instant = instantsOf(panel);
  const empty: readonly Cell[] = Array.from({ length: percents.length + 1 }, () => null);
  const filled = (cells: readonly Cell[]): readonly Cell[] => [...cells, ...Array.from({ length: mostNames - cells.length }, () => null)];

  const aboutOf = (series: number): readonly Cell[] => [
    ...filled(idsOf(panel, series).slice(1, 1 + dimensions.length)),
    ...filled(metadata.map(({ levels, codes }) => levels[codes[series] ?? -1] ?? null)),
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

  async function* forecasts(from: number, to: number): AsyncGenerator<readonly (readonly Cell[])[]> {
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
          const sold = actual?.[h];
          const metric = sold === undefined || Number.isNaN(sold) ? null : sold;
          const given = settings.levels.map((_, i) => round(forecast.quantiles[i * steps + h] ?? Number.NaN));
          const quantiles = spread(given).map((value) => (Number.isNaN(value) ? null : round(value)));
          rows.push({ index, cells: [metric, ...quantiles, round(forecast.mean[h] ?? Number.NaN)] });
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
  const about = aboutView(result);
  for (const { month, from, to } of monthsOf(result)) {
    const batches = to <= firstCut ? history(from, to) : forecasts(from, to);
    for await (const [part, rows] of partsOf(batches)) {
      const name = `aggregated/month_starting=${month}/part-${part}.parquet`;
      const body = writeTable(rows, { format: "parquet", columns: viewColumns, types: viewTypes, metadata: about });
      exports[name] = await putExport(deps, where, { name, contentType: "application/vnd.apache.parquet", body }, signal);
    }
  }
  return exports;
}

type Batches = AsyncGenerator<readonly (readonly Cell[])[]>;

/** Cuts rows into parts, each pulled to its end before the next. There is at least one. */
async function* partsOf(batches: Batches): AsyncGenerator<readonly [part: number, rows: Batches]> {
  let ended = false;
  async function* rows(): Batches {
    for (let count = 0; count < rowsOfPart;) {
      const next = await batches.next();
      ended = next.done === true;
      if (next.done === true) return;
      count += next.value.length;
      yield next.value;
    }
  }
  for (let part = 0; !ended; part++) yield [part, rows()];
}

/** What a file says of itself to whoever opens it without our documentation: which quantiles are forecasts, what has no column. */
function aboutView({ settings: { levels, nonNegative }, panel }: Pick<RunResult, "settings" | "panel">): Readonly<Record<string, string>> {
  const rest =
    levels.length === 0
      ? "No quantile was asked for, so there is none."
      : levels.length === 1
        ? "The others are empty: one quantile tells nothing of the spread."
        : `The other quantiles lie between these on straight lines over the normal scale, beyond the outermost two on their line${nonNegative ? ", never below 0" : ""}; they are no forecasts of their own.`;
  const left = [...panel.dimensions.slice(mostNames), ...panel.metadata.slice(mostNames)].map(({ name }) => name);
  return {
    "stockroom.quantiles.forecast": levels.map(labelOf).join(","),
    "stockroom.quantiles.interpolated": rest,
    ...(left.length === 0 ? {} : { "stockroom.columns.left_out": left.join(",") }),
  };
}
