// Preview: what adjustments would do to a forecast and to the orders that follow from it, in a thread. Nothing is written.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { ReadHandle } from "../../../platform/objects/contract.ts";
import { openHandle } from "../../../platform/objects/handles.ts";
import { adjustAll, makeAdjuster, type Adjustment, type ForecastRow } from "../../engine/adjust/adjust.ts";
import type { Forecast } from "../../engine/contract.ts";
import type { StockDefaults } from "../../engine/replenish/proposal.ts";
import { unpackNames } from "../pipeline/pieces.ts";
import { round } from "../run/rows.ts";
import type { NumberedAdjustment } from "./adjusted-job.ts";
import { brokenExport, forecastOf, keyOfIds, placesIn, readRows, type StoredRows, type StoredSeries } from "./finished.ts";
import { proposeOrders } from "./orders.ts";
import { readOpenOrders, readStock } from "./stock.ts";

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

export interface PreviewOrder {
  readonly ids: readonly string[];
  readonly before: number;
  readonly after: number;
  /** Of the order as it would be: whole sentences. */
  readonly reasons: readonly string[];
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
  const orders = input.stock === undefined ? null : await ordersOf(input, { ids: rows.idColumns, instants, before, after }, signal);
  return {
    levels: rows.levels,
    series: before.size,
    cells,
    more: met - cells.length,
    sum: { before: round(sum.before), after: round(sum.after) },
    orders,
    warnings:
      met === 0
        ? ["These dates lie outside of the forecast: nothing would change now. A later forecast that reaches them takes it in."]
        : [],
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
  const distances = levels.map((level) => Math.abs(level - 0.5));
  return { mean: round(row?.mean ?? quantiles[distances.indexOf(Math.min(...distances))] ?? 0), quantiles };
}

interface Met {
  readonly ids: readonly string[];
  readonly instants: readonly number[];
  readonly before: ReadonlyMap<string, Forecast>;
  readonly after: ReadonlyMap<string, Forecast>;
}

/** Orders of the series that are met, from both forecasts; rows of stock that cannot be read are told when orders are proposed. */
async function ordersOf(input: PreviewInput, { ids, instants, before, after }: Met, signal: AbortSignal): Promise<readonly PreviewOrder[]> {
  const { stock, openOrders: open, defaults } = input;
  const onBadRow = (): void => undefined;
  if (stock === undefined || [...before.values()].some(({ levels }) => levels.length < 2)) return [];
  const options = { ids, instants, signal, onBadRow };
  const all = await readStock(openHandle(stock, signal), stock.entry.key, defaults, options);
  const wanted = all.filter((row) => before.has(keyOfIds(row.ids)));
  const openOrders = open === undefined ? undefined : await readOpenOrders(openHandle(open, signal), open.entry.key, options);
  const propose = (forecasts: ReadonlyMap<string, Forecast>) =>
    proposeOrders(wanted, forecasts, { ...(openOrders === undefined ? {} : { openOrders }), signal, onBadRow });
  const was = new Map(propose(before).map(({ row, proposal }) => [keyOfIds(row.ids), proposal]));
  return propose(after)
    .map(({ row, proposal }) => ({
      ids: row.ids,
      before: round(was.get(keyOfIds(row.ids))?.quantity ?? 0),
      after: round(proposal.quantity),
      reasons: proposal.reasons,
    }))
    .toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
}
