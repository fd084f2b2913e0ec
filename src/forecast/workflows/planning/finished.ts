// A finished forecast: what questions are put to, wherever it lies.
//
// Owns: the port, and how a table of forecasts is read back. Does not own: the store (`stored.ts`) and the folder (`cli/finished.ts`) behind it.
//   F1. What-if, explain and replenish read through this port alone: the same question to the same forecast has the same answer from both sides.

import type { Body } from "../../../platform/bytes.ts";
import { StockroomError } from "../../../platform/errors.ts";
import { readTable } from "../../../platform/formats/index.ts";
import type { Forecast, Panel } from "../../engine/contract.ts";
import type { GlobalModel } from "../../engine/global/global.ts";
import { middleOfLevels } from "../../engine/numerics/levels.ts";
import { parseInstant } from "../../engine/scenario/apply.ts";
import type { RunModel, RunSettings } from "../run/contract.ts";

/** Each part is read when it is asked for; whoever wants one twice keeps it. A question names the parts it needs (`Pick`). */
export interface FinishedForecast {
  /** What it was forecast with. */
  readonly settings: RunSettings;
  panel(): Promise<Panel>;
  /** Weights of all series and the global model, to forecast again with. */
  model(): Promise<RunModel>;
  /** Undefined where there is none: too few series, or other models were named. */
  globalModel(): Promise<GlobalModel | undefined>;
  /** The forecast as it was written down: the system's, or the one in use, which is the planners' where they said something. */
  rows(whose: "system" | "used"): Promise<StoredRows>;
}

/** One series of an export. */
export interface StoredSeries {
  /** Item and dimensions. */
  readonly ids: readonly string[];
  /** One text and one instant (UTC) for each step. */
  readonly timestamps: readonly string[];
  readonly instants: readonly number[];
  /** Mean by step; undefined where the export has none. */
  readonly mean: readonly number[] | undefined;
  /** Step by step, the quantiles at `levels`. */
  readonly quantiles: readonly (readonly number[])[];
}

export interface StoredRows {
  /** All columns, as they stand in the file. */
  readonly columns: readonly string[];
  readonly idColumns: readonly string[];
  readonly hasMean: boolean;
  /** Ascending. */
  readonly levels: readonly number[];
  /** In the order of the file, whose rows of one series stand together. */
  series(): AsyncGenerator<StoredSeries>;
}

export interface ReadRowsOptions {
  readonly signal: AbortSignal;
  /** The error of a table that no forecast wrote; `detail` says why it is none. */
  readonly broken: (name: string, detail: string) => StockroomError;
}

/** The error of a table of the store that no forecast wrote. */
export const brokenExport = (name: string, detail: string): StockroomError =>
  new StockroomError("fault", "FORECAST_EXPORT_BROKEN", `Expected ${name} to be what a forecast wrote but ${detail}. Run the group again.`);

/** The columns of quantiles from a place on, with their levels: `p10` is 0.1. */
export const quantileColumns = (columns: readonly string[], from: number): readonly { readonly at: number; readonly level: number }[] =>
  columns.flatMap((column, at) => {
    const found = at >= from ? /^p(\d+(?:\.\d+)?)$/.exec(column) : null;
    return found === null ? [] : [{ at, level: Number((Number(found[1]) / 100).toFixed(8)) }];
  });

/** Reads a `forecast.csv`; throws what `broken` makes. */
export async function readRows(body: Body, name: string, options: ReadRowsOptions): Promise<StoredRows> {
  const { signal } = options;
  const broken = (detail: string): never => {
    throw options.broken(name, detail);
  };
  const table = await readTable(body, { name, signal, onBadRow: (row) => broken(`line ${row.line} is not: ${row.reason}`) });
  const { columns } = table;
  const time = columns.indexOf("timestamp");
  if (time < 1) broken("it has no timestamp");
  const meanAt = columns.indexOf("mean", time);
  const levelAt = quantileColumns(columns, time + 1);
  async function* series(): AsyncGenerator<StoredSeries> {
    let key: string | undefined;
    let open: { ids: string[]; timestamps: string[]; instants: number[]; mean: number[]; quantiles: number[][] } | undefined;
    const given = (): StoredSeries[] => (open === undefined ? [] : [{ ...open, mean: meanAt < 0 ? undefined : open.mean }]);
    for await (const { rows } of table.batches) {
      for (const row of rows) {
        const ids = row.slice(0, time);
        const own = keyOfIds(ids);
        if (own !== key) {
          yield* given();
          key = own;
          open = { ids, timestamps: [], instants: [], mean: [], quantiles: [] };
        }
        const text = row[time] ?? "";
        open?.timestamps.push(text);
        open?.instants.push(parseInstant(text) ?? broken(`"${text}" is no instant`));
        open?.mean.push(meanAt < 0 ? 0 : Number(row[meanAt]));
        open?.quantiles.push(levelAt.map(({ at }) => Number(row[at])));
      }
    }
    yield* given();
  }
  return {
    columns,
    idColumns: columns.slice(0, time),
    hasMean: meanAt >= 0,
    levels: levelAt.map(({ level }) => level),
    series,
  };
}

/** A stored series as the engine has it. Without a mean the quantile nearest to the middle stands for it. */
export function forecastOf({ mean, quantiles }: StoredSeries, levels: readonly number[]): Forecast {
  const horizon = quantiles.length;
  const middle = middleOfLevels(levels);
  const all = new Float64Array(levels.length * horizon);
  for (let h = 0; h < horizon; h++) for (let i = 0; i < levels.length; i++) all[i * horizon + h] = quantiles[h]?.[i] ?? 0;
  return {
    mean: Float64Array.from({ length: horizon }, (_, h) => mean?.[h] ?? quantiles[h]?.[middle] ?? 0),
    quantiles: all,
    levels,
  };
}

/** All series of a table by `keyOfIds`, and the instants (UTC) of its steps. */
export async function gatherForecasts(
  rows: StoredRows,
): Promise<{ readonly forecasts: ReadonlyMap<string, Forecast>; readonly instants: readonly number[] }> {
  const forecasts = new Map<string, Forecast>();
  let instants: readonly number[] = [];
  for await (const stored of rows.series()) {
    if (forecasts.size === 0) ({ instants } = stored);
    forecasts.set(keyOfIds(stored.ids), forecastOf(stored, rows.levels));
  }
  return { forecasts, instants };
}

/** Item and dimensions as one text; no two series share it. */
export const keyOfIds = (ids: readonly string[]): string => JSON.stringify(ids);

/** Item and dimensions for people. */
export const titleOfIds = (ids: readonly string[]): string => ids.join(" · ");

/** Where each series stands in a panel. */
export function placesIn(panel: Pick<Panel, "itemIds" | "dimensions">): ReadonlyMap<string, number> {
  return new Map(
    panel.itemIds.map((item, i) => [keyOfIds([item, ...panel.dimensions.map(({ levels, codes }) => levels[codes[i] ?? -1] ?? "")]), i]),
  );
}
