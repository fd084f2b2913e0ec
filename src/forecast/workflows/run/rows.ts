// The rows of a run's tables, streamed series by series: forecasts, backtests, accuracy, models.
//
//   Columns are those of Amazon Forecast's exports where it has them. Timestamps are written as the input has them.

import { writeTable, type Cell, type TableFormat } from "../../../platform/formats/index.ts";
import type { Body } from "../../../platform/bytes.ts";
import { timestampOf } from "../../engine/calendar/grid.ts";
import type { Forecast, Panel } from "../../engine/contract.ts";
import { accuracyOf, addTally, makeTally, type Accuracy } from "../../engine/metrics/metrics.ts";
import type { RunResult, SeriesResult } from "./contract.ts";
import { windowOf } from "./result.ts";

/** A table before it is bytes. */
export interface Rows {
  readonly columns: readonly string[];
  readonly types: Readonly<Record<string, "text" | "number">>;
  readonly batches: AsyncIterable<readonly (readonly Cell[])[]>;
}

export type RunTable = "forecast" | "forecasted-values" | "accuracy-metrics" | "accuracy" | "models";

const rowsAtOnce = 2_048;

/** `p10` of 0.1, `p2.5` of 0.025. */
export function labelOf(level: number): string {
  return `p${Number((100 * level).toFixed(6))}`;
}

/** Seven digits are more than any forecast is worth; they keep the files small and the same everywhere. */
export function round(value: number): number {
  return value === 0 || !Number.isFinite(value) ? 0 : Number(value.toPrecision(7));
}

/** The bytes of a table, pulled by their reader. */
export function tableBody(rows: Rows, format: TableFormat = "csv"): Body {
  return writeTable(rows.batches, { format, columns: rows.columns, types: rows.types });
}

/** The rows of one of the run's tables, in the order of the panel. */
export function rowsOf(result: RunResult, table: RunTable, signal?: AbortSignal): Rows {
  const { panel } = result;
  const { columns, texts, write } = tables[table](result);
  const names = idColumns(panel);
  const types = Object.fromEntries(
    [...names, ...columns].map((name) => [name, names.includes(name) || texts.includes(name) ? "text" : "number"]),
  );
  async function* batches(): AsyncGenerator<readonly (readonly Cell[])[]> {
    let batch: Cell[][] = [];
    for await (const series of result.series(signal)) {
      const ids = idsOf(panel, series.index);
      write(series, (...cells) => batch.push([...ids, ...cells]));
      if (batch.length < rowsAtOnce) continue;
      yield batch;
      batch = [];
    }
    yield batch;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made just above
  return { columns: [...names, ...columns], types: types as Rows["types"], batches: batches() };
}

/** The sums of a run with a hierarchy: `level, node, timestamp`, then as in the forecast. */
export function sumRows(result: RunResult): Rows {
  const { panel, settings } = result;
  const { length, horizon } = panel.grid;
  const instant = instantsOf(panel);
  const texts = ["level", "node", "timestamp"];
  const values = [...(settings.mean ? ["mean"] : []), ...settings.levels.map(labelOf)];
  async function* batches(): AsyncGenerator<readonly (readonly Cell[])[]> {
    for (const { level, label, result: sum } of await result.sums()) {
      const { forecast } = sum.mixed;
      if (forecast === undefined) continue;
      yield Array.from({ length: horizon }, (_, h) => [level, label, instant(length + h), ...valuesAt(forecast, h, settings.mean)]);
    }
  }
  const types = Object.fromEntries([...texts.map((name) => [name, "text"] as const), ...values.map((name) => [name, "number"] as const)]);
  return { columns: [...texts, ...values], types, batches: batches() };
}

/** `item_id` and the dimensions. */
export function idColumns(panel: Panel): string[] {
  return ["item_id", ...panel.dimensions.map(({ name }) => name)];
}

/** Who a series is, in the columns of `idColumns`. */
export function idsOf(panel: Panel, index: number): string[] {
  return [panel.itemIds[index], ...panel.dimensions.map(({ levels, codes }) => levels[codes[index]] ?? "")];
}

/** Instants of a panel as text, each made once. */
export function instantsOf(panel: Panel): (index: number) => string {
  const known = new Map<number, string>();
  return (index) => {
    const text = known.get(index) ?? timestampOf(panel.grid, index);
    known.set(index, text);
    return text;
  };
}

interface TableKind {
  readonly columns: readonly string[];
  readonly texts: readonly string[];
  readonly write: (series: SeriesResult, add: (...cells: Cell[]) => void) => void;
}

const windowColumns = ["backtestwindow_start_time", "backtestwindow_end_time"];

/** Mean where asked for, then the quantiles of one step. */
function valuesAt(forecast: Forecast, step: number, withMean: boolean): number[] {
  const { mean, quantiles, levels } = forecast;
  const values = levels.map((_, i) => round(quantiles[i * mean.length + step]));
  return withMean ? [round(mean[step]), ...values] : values;
}

const measures = (levels: readonly number[]): string[] => [
  ...levels.map((level) => `wQL[${Number(level.toFixed(6))}]`),
  "average_wQL",
  "WAPE",
  "MASE",
  "MAPE",
  "RMSE",
];

const measured = (accuracy: Accuracy): number[] =>
  [...accuracy.wql, accuracy.averageWql, accuracy.wape, accuracy.mase, accuracy.mape, accuracy.rmse].map(round);

const tables: Readonly<Record<RunTable, (result: RunResult) => TableKind>> = {
  forecast: ({ panel, settings }) => {
    const instant = instantsOf(panel);
    const { length, horizon } = panel.grid;
    return {
      columns: ["timestamp", ...(settings.mean ? ["mean"] : []), ...settings.levels.map(labelOf)],
      texts: ["timestamp"],
      write: ({ mixed: { forecast } }, add) => {
        if (forecast === undefined) return;
        for (let h = 0; h < horizon; h++) add(instant(length + h), ...valuesAt(forecast, h, settings.mean));
      },
    };
  },

  "forecasted-values": ({ panel, settings }) => {
    const instant = instantsOf(panel);
    const { horizon } = panel.grid;
    return {
      columns: ["timestamp", "target_value", ...windowColumns, ...(settings.mean ? ["mean"] : []), ...settings.levels.map(labelOf)],
      texts: ["timestamp", ...windowColumns],
      write: ({ mixed }, add) => {
        for (const { cut, actual, forecast } of mixed.backtests) {
          for (let h = 0; h < horizon; h++) {
            const value = h < actual.length && !Number.isNaN(actual[h]) ? actual[h] : null;
            add(instant(cut + h), value, instant(cut), instant(cut + horizon - 1), ...valuesAt(forecast, h, settings.mean));
          }
        }
      },
    };
  },

  "accuracy-metrics": ({ panel, settings }) => {
    const instant = instantsOf(panel);
    return {
      columns: ["backtest_window", ...windowColumns, ...measures(settings.levels)],
      texts: windowColumns,
      write: ({ mixed, tallies }, add) => {
        for (const [at, { cut }] of mixed.backtests.entries()) {
          const accuracy = accuracyOf(tallies[at]);
          if (accuracy === undefined) continue;
          add(windowOf(panel, settings, cut), instant(cut), instant(cut + panel.grid.horizon - 1), ...measured(accuracy));
        }
      },
    };
  },

  accuracy: ({ settings }) => ({
    columns: ["windows", "points", "actual", ...measures(settings.levels), "sMAPE", "RMSSE", "bias", "seasonal_naive_WAPE"],
    texts: [],
    write: ({ tallies }, add) => {
      const total = makeTally(settings.levels);
      for (const tally of tallies) addTally(total, tally);
      const accuracy = accuracyOf(total);
      if (accuracy === undefined) return;
      const { smape, rmsse, bias, naiveWape } = accuracy;
      add(
        tallies.length,
        total.points,
        round(total.absoluteActual),
        ...measured(accuracy),
        round(smape),
        round(rmsse),
        round(bias),
        naiveWape === undefined ? null : round(naiveWape),
      );
    },
  }),

  models: () => ({
    columns: ["demand", "model", "title", "weight", "reason"],
    texts: ["demand", "model", "title", "reason"],
    write: ({ mixed, demand, unfit }, add) => {
      for (const { model, title, weight } of mixed.components) add(demand, model, title, round(weight), null);
      for (const { model, reason } of unfit) add(demand, model, null, 0, reason);
    },
  }),
};
