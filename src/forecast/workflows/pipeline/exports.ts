// Exports: a run's tables and its dashboard, sealed under a name of the run's own.
//
//   E1. The names and columns are those of the contract; the same run gives the same bytes, so a repeated step makes no second version.

import type { Body } from "../../../platform/bytes.ts";
import type { ObjectRef } from "../../store/keys.ts";
import type { RunResult } from "../run/contract.ts";
import { doubtsOf } from "../run/doubts.ts";
import { makeReport } from "../run/report-data.ts";
import { renderReport } from "../run/report/page.ts";
import { labelOf, rowsOf, tableBody, type Rows, type RunTable } from "../run/rows.ts";
import { actAs, type ForecastDeps } from "../deps.ts";
import type { Recipe } from "./recipe.ts";

/** By name: `forecast`, `backtest/forecasted-values`, ... */
export type Exports = Readonly<Record<string, ObjectRef>>;

/** Where a run's exports lie, and who writes them. */
export interface ExportPlace {
  readonly runId: string;
  /** Ends in a slash. */
  readonly prefix: string;
}

export interface ExportFile {
  /** Below the run's prefix. */
  readonly name: string;
  readonly contentType: string;
  readonly body: Body | Uint8Array;
}

/** Puts one export. */
export async function putExport(
  deps: Pick<ForecastDeps, "objects">,
  where: ExportPlace,
  { name, contentType, body }: ExportFile,
  signal: AbortSignal,
): Promise<ObjectRef> {
  const options = { contentType, announce: false, signal };
  const entry = await deps.objects.put(actAs("forecast", where.runId), `${where.prefix}${name}`, body, options);
  return { key: entry.key, version: entry.version };
}

const tableFile = (name: string, rows: Rows): ExportFile => ({ name: `${name}.csv`, contentType: "text/csv", body: tableBody(rows) });

/** The forecast in the types that were asked for, and which models made it. */
export async function exportForecast(
  deps: ForecastDeps,
  where: ExportPlace,
  recipe: Pick<Recipe, "forecastTypes">,
  result: RunResult,
  signal: AbortSignal,
): Promise<Exports> {
  const { levels, mean } = recipe.forecastTypes;
  const left = new Set([...(mean ? [] : ["mean"]), ...result.settings.levels.filter((level) => !levels.includes(level)).map(labelOf)]);
  const rows = withoutColumns(rowsOf(result, "forecast", signal), left);
  return {
    forecast: await putExport(deps, where, tableFile("forecast", rows), signal),
    models: await putExport(deps, where, tableFile("models", rowsOf(result, "models", signal)), signal),
  };
}

/** The rows without some columns: quantiles that are measured and not exported. */
function withoutColumns(rows: Rows, left: ReadonlySet<string>): Rows {
  const at = rows.columns.flatMap((column, index) => (left.has(column) ? [] : [index]));
  if (at.length === rows.columns.length) return rows;
  async function* batches(): Rows["batches"] extends AsyncIterable<infer Batch> ? AsyncGenerator<Batch> : never {
    for await (const batch of rows.batches) yield batch.map((row) => at.map((index) => row[index] ?? null));
  }
  return { columns: at.map((index) => rows.columns[index] ?? ""), types: rows.types, batches: batches() };
}

/** What the backtests forecast beside what came, and how good that was. */
export async function exportBacktest(deps: ForecastDeps, where: ExportPlace, result: RunResult, signal: AbortSignal): Promise<Exports> {
  const put = async (name: string, table: RunTable): Promise<ObjectRef> =>
    await putExport(deps, where, tableFile(name, rowsOf(result, table, signal)), signal);
  return {
    "backtest/forecasted-values": await put("backtest/forecasted-values", "forecasted-values"),
    "backtest/accuracy-metrics": await put("backtest/accuracy-metrics", "accuracy-metrics"),
    accuracy: await put("accuracy", "accuracy"),
  };
}

export interface ReportFacts {
  readonly group: string;
  readonly run: string;
  readonly notes: readonly { readonly code: string; readonly message: string }[];
  readonly badRows: number;
  readonly reuses: string | null;
}

/** The dashboard as data and as one page, and the figures of the run. */
export async function exportReport(
  deps: ForecastDeps,
  where: ExportPlace,
  result: RunResult,
  facts: ReportFacts,
  signal: AbortSignal,
): Promise<{
  readonly exports: Exports;
  readonly summary: Readonly<Record<string, number | string | null | readonly (number | string)[]>>;
}> {
  const notes = [
    ...facts.notes.map((note) => note.message),
    ...(facts.badRows > 0 ? [`${facts.badRows} rows could not be used and were set apart.`] : []),
    ...(facts.reuses === null ? [] : [`The models are those of ${facts.reuses}, which are younger than MaxAge.`]),
  ];
  const report = await makeReport(result, { title: facts.group, notes, facts: [["forecast", facts.run]] });
  const summary = await result.summary();
  const first = summary.models[0];
  const data = { name: "dashboard.json", contentType: "application/json", body: Buffer.from(JSON.stringify(report)) };
  const page = { name: "dashboard.html", contentType: "text/html; charset=utf-8", body: Buffer.from(await renderReport(report)) };
  return {
    exports: {
      "dashboard.json": await putExport(deps, where, data, signal),
      "dashboard.html": await putExport(deps, where, page, signal),
    },
    summary: {
      series: summary.series,
      silent: summary.silent,
      wape: summary.accuracy?.wape ?? null,
      seasonalNaiveWape: summary.accuracy?.naiveWape ?? null,
      averageWql: summary.accuracy?.averageWql ?? null,
      mase: summary.accuracy?.mase ?? null,
      doubts: doubtsOf(summary.accuracy),
      // What later imports are judged by.
      windowWql: summary.byWindow.map(({ accuracy }) => accuracy.averageWql),
      leader: first?.model ?? null,
      runKey: result.key,
    },
  };
}
