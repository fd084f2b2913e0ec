// Preview: what adjustments would do to a forecast and to the orders that follow from it, in a thread. Nothing is written.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { ReadHandle } from "../../../platform/objects/contract.ts";
import { openHandle } from "../../../platform/objects/handles.ts";
import { adjustAll, makeAdjuster, type Adjustment, type ForecastRow } from "../../engine/adjust/adjust.ts";
import type { Forecast } from "../../engine/contract.ts";
import { middleOfLevels } from "../../engine/numerics/levels.ts";
import type { StockDefaults } from "../../engine/replenish/proposal.ts";
import { unpackNames } from "../pipeline/pieces.ts";
import { round } from "../run/rows.ts";
import type { NumberedAdjustment } from "./adjusted-job.ts";
import { brokenExport, forecastOf, keyOfIds, placesIn, readRows, type StoredRows, type StoredSeries } from "./finished.ts";
import type { TableFile } from "./orders.ts";
import { previewOrders, type PreviewOrder } from "./preview-orders.ts";

export interface PreviewInput {
  readonly forecast: ReadHandle;
  readonly panel: ReadHandle;
  /** What planners said already, and what they are about to say. */
  readonly standing: readonly NumberedAdjustment[];
  readonly words: readonly Adjustment[];
  readonly stock: ReadHandle | undefined;
  readonly openOrders: ReadHandle | undefined;
  readonly defaults: StockDefaults;
  /** Cells told at most; sums are of all. */
  readonly limit: number;
}

/** A step of a series as it stands and as it would be. */
export interface PreviewCell {
  readonly ids: readonly string[];
  readonly at: string;
  readonly before: { readonly mean: number; readonly quantiles: readonly number[] };
  readonly after: { readonly mean: number; readonly quantiles: readonly number[] };
}

export interface Preview {
  readonly levels: readonly number[];
  readonly series: number;
  readonly cells: readonly PreviewCell[];
  /** Cells beyond those told. */
  readonly more: number;
  readonly sum: { readonly before: number; readonly after: number };
  /** Of the series that are met and have a row of stock, those whose order would change first; null without a table of stock. */
  readonly orders: readonly PreviewOrder[] | null;
  /** Whole sentences. */
  readonly warnings: readonly string[];
}

export const previewJob: ComputeTask<PreviewInput, Preview> = { module: import.meta.url, name: "forecast.preview" };

export async function run(input: PreviewInput, { signal }: TaskTools): Promise<Preview> {
  const names = await unpackNames(openHandle(input.panel, signal));
  const places = placesIn(names);
  const standing = makeAdjuster(names, input.standing);
  const words = makeAdjuster(names, input.words);
  const rows = await readRows(openHandle(input.forecast, signal), input.forecast.entry.key, { signal, broken: brokenExport });
  const cells: PreviewCell[] = [];
  const before = new Map<string, Forecast>();
  const after = new Map<string, Forecast>();
  const sum = { before: 0, after: 0 };
  let met = 0;
  let instants: readonly number[] = [];
  for await (const stored of rows.series()) {
    const place = places.get(keyOfIds(stored.ids)) ?? -1;
    if (instants.length === 0) ({ instants } = stored);
    const said = stored.instants.map((ms) => words.at(place, ms));
    if (said.every((each) => each.length === 0)) continue;
    const one = stored.timestamps.map((_, h) => adjustAll(rowOf(stored, h), rows.levels, standing.at(place, stored.instants[h] ?? 0)));
    const other = one.map((row, h) => adjustAll(row, rows.levels, said[h] ?? []));
    before.set(keyOfIds(stored.ids), forecastFrom(stored, one, rows));
    after.set(keyOfIds(stored.ids), forecastFrom(stored, other, rows));
    for (const [h, at] of stored.timestamps.entries()) {
      if ((said[h] ?? []).length === 0) continue;
      met += 1;
      const [was, is] = [plainOf(one[h], rows.levels), plainOf(other[h], rows.levels)];
      sum.before += was.mean;
      sum.after += is.mean;
      if (cells.length < input.limit) cells.push({ ids: stored.ids, at, before: was, after: is });
    }
  }
  const fileOf = (handle: ReadHandle): TableFile => ({ name: handle.entry.key, body: openHandle(handle, signal) });
  const { stock, openOrders } = input;
  const found =
    stock === undefined
      ? undefined
      : await previewOrders(
          { ids: rows.idColumns, instants, before, after },
          { stock: fileOf(stock), ...(openOrders === undefined ? {} : { openOrders: fileOf(openOrders) }) },
          input.defaults,
          signal,
        );
  return {
    levels: rows.levels,
    series: before.size,
    cells,
    more: met - cells.length,
    sum: { before: round(sum.before), after: round(sum.after) },
    orders: found?.orders ?? null,
    warnings: [
      ...(met === 0
        ? ["These dates lie outside of the forecast: nothing would change now. A later forecast that reaches them takes it in."]
        : []),
      ...(found?.warnings ?? []),
    ],
  };
}

const rowOf = ({ mean, quantiles }: StoredSeries, h: number): ForecastRow => ({ mean: mean?.[h], quantiles: quantiles[h] ?? [] });

/** Rows of a series as the engine has a forecast. */
const forecastFrom = (stored: StoredSeries, rows: readonly ForecastRow[], { hasMean, levels }: StoredRows): Forecast =>
  forecastOf(
    { ...stored, mean: hasMean ? rows.map(({ mean }) => mean ?? 0) : undefined, quantiles: rows.map(({ quantiles }) => quantiles) },
    levels,
  );

/** The mean, or where the export has none the quantile nearest to the middle. */
function plainOf(row: ForecastRow | undefined, levels: readonly number[]): PreviewCell["before"] {
  const quantiles = (row?.quantiles ?? []).map(round);
  return { mean: round(row?.mean ?? quantiles[middleOfLevels(levels)] ?? 0), quantiles };
}
