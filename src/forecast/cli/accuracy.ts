// `stockroom forecast accuracy`: how good a run's backtests were, in all, by window, and where they were worst and best.

import path from "node:path";
import { defineCommand, type Command, type Cell, type CommandTools } from "../../platform/command/contract.ts";
import { percent, rounded } from "../../platform/figures.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { fileBody, readTable } from "../../platform/formats/index.ts";
import type { Accuracy } from "../engine/metrics/metrics.ts";
import { readRecord } from "./finished.ts";

const shownRows = 10;

export const accuracyCommand = (tools: CommandTools): Command =>
  defineCommand({
    meta: { name: "accuracy", description: "How good the backtests of a run were: in all, by window, worst and best series" },
    args: {
      dir: { type: "positional", required: true, description: "folder of a run" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { summary, request } = await readRecord(args.dir);
      const series = await readSeries(path.join(args.dir, "accuracy.csv"), tools.signal);
      const missed = (row: SeriesRow): number => row.wape * row.actual;
      const worst = series.toSorted((a, b) => missed(b) - missed(a)).slice(0, shownRows);
      const selling = series.toSorted((a, b) => b.actual - a.actual).slice(0, Math.ceil(series.length / 2));
      const best = selling.toSorted((a, b) => a.wape - b.wape).slice(0, shownRows);
      const { print } = tools;
      if (args.json) {
        print.json({
          series: summary.series,
          quantiles: request.quantiles,
          accuracy: summary.accuracy ?? null,
          windows: summary.byWindow,
          models: summary.models,
          worst,
          best,
        });
        return;
      }
      if (summary.accuracy === undefined) {
        print.line("No series was long enough for a backtest, or none was asked for: nothing is known about the accuracy.");
        return;
      }
      const rows = [
        ...summary.byWindow.map(({ window, accuracy }) => ({ window: String(window), ...cellsOf(accuracy) })),
        { window: "all", ...cellsOf(summary.accuracy) },
      ];
      print.table(rows, { json: false, empty: "" });
      print.line("");
      print.line("Worst, by units missed:");
      print.table(worst.map(shownRow), { json: false, empty: "none" });
      print.line("");
      print.line("Best, among those that sell:");
      print.table(best.map(shownRow), { json: false, empty: "none" });
    },
  });

const three = (value: number): number => rounded(value, 3);

const cellsOf = (accuracy: Accuracy): Record<string, Cell> => ({
  points: accuracy.points,
  WAPE: three(accuracy.wape),
  // Runs of an older program did not measure it.
  "seasonal naive WAPE": accuracy.naiveWape === undefined ? "" : three(accuracy.naiveWape),
  average_wQL: three(accuracy.averageWql),
  MASE: three(accuracy.mase),
  MAPE: three(accuracy.mape),
  RMSE: three(accuracy.rmse),
  bias: three(accuracy.bias),
  ...Object.fromEntries(
    Object.entries(accuracy.coverage).map(([nominal, observed]) => [`in ${percent(Number(nominal), { digits: 0 })}`, three(observed)]),
  ),
});

interface SeriesRow {
  readonly series: string;
  readonly actual: number;
  readonly wape: number;
  readonly seasonal_naive_wape: number | null;
  readonly average_wql: number;
  readonly mase: number;
  readonly bias: number;
}

const shownRow = ({ series, actual, wape, seasonal_naive_wape: naive, average_wql: wql, mase, bias }: SeriesRow): Record<string, Cell> => ({
  series,
  sold: actual,
  WAPE: three(wape),
  "seasonal naive WAPE": naive === null ? "" : three(naive),
  average_wQL: three(wql),
  MASE: three(mase),
  bias: three(bias),
});

async function readSeries(file: string, signal: AbortSignal): Promise<SeriesRow[]> {
  const table = await readTable(fileBody(file, signal), { name: file, onBadRow: () => undefined, signal });
  const place = (name: string): number => table.columns.indexOf(name);
  const ids = place("windows");
  const [actual, wape, wql, mase, bias, naive] = ["actual", "WAPE", "average_wQL", "MASE", "bias", "seasonal_naive_WAPE"].map(place);
  const rows: SeriesRow[] = [];
  for await (const batch of table.batches) {
    for (const row of batch.rows) {
      rows.push({
        series: row.slice(0, ids).join(" · "),
        actual: Number(row[actual]),
        wape: Number(row[wape]),
        seasonal_naive_wape: naive < 0 || (row[naive] ?? "") === "" ? null : Number(row[naive]),
        average_wql: Number(row[wql]),
        mase: Number(row[mase]),
        bias: Number(row[bias]),
      });
    }
  }
  return rows;
}
