// Orders of a preview: of the series that adjustments meet, from the forecast as it stands and as it would be.
//
//   V1. What stands is what a proposal from the same stock says (orders.ts), and what it would be warned of is told here, too.

import { isStockroomError } from "../../../platform/errors.ts";
import type { Forecast } from "../../engine/contract.ts";
import type { StockDefaults } from "../../engine/replenish/proposal.ts";
import { round } from "../run/rows.ts";
import { keyOfIds } from "./finished.ts";
import { beyondForecast, proposeOrders, type ReplenishTables, type TableFile } from "./orders.ts";
import { readOpenOrders, readStock, type StockOptions } from "./stock.ts";

export interface PreviewOrder {
  readonly ids: readonly string[];
  readonly before: number;
  readonly after: number;
  /** Of the order as it would be: whole sentences. */
  readonly reasons: readonly string[];
}

/** Series that are met, by `keyOfIds`. */
export interface MetSeries {
  /** Columns that tell series apart. */
  readonly ids: readonly string[];
  readonly instants: readonly number[];
  readonly before: ReadonlyMap<string, Forecast>;
  readonly after: ReadonlyMap<string, Forecast>;
}

export interface PreviewOrders {
  /** Those that would change most first. */
  readonly orders: readonly PreviewOrder[];
  /** Whole sentences. */
  readonly warnings: readonly string[];
}

/** Previews orders. Tables that cannot be read are told, not thrown: what adjustments do to the forecast can be seen without them. */
export async function previewOrders(
  met: MetSeries,
  tables: ReplenishTables,
  defaults: StockDefaults,
  signal: AbortSignal,
): Promise<PreviewOrders> {
  const [first] = met.before.values();
  if (first === undefined) return { orders: [], warnings: [] };
  if (first.levels.length < 2)
    return {
      orders: [],
      warnings: ["There are no orders: they need a forecast with two quantiles or more (ForecastTypes in the settings)."],
    };
  try {
    return await ordersOf(met, tables, defaults, signal);
  } catch (thrown) {
    if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
    return { orders: [], warnings: [`There are no orders: ${thrown.message}`] };
  }
}

async function ordersOf(
  { ids, instants, before, after }: MetSeries,
  { stock, openOrders }: ReplenishTables,
  defaults: StockDefaults,
  signal: AbortSignal,
): Promise<PreviewOrders> {
  const warnings: string[] = [];
  const bad: string[] = [];
  const optionsOf = ({ name }: TableFile): StockOptions => ({
    ids,
    instants,
    signal,
    onBadRow: ({ line, reason }) => void bad.push(`${name}, line ${line}: ${reason}`),
    onNote: (note) => void warnings.push(note),
  });
  const rows = (await readStock(stock.body, stock.name, defaults, optionsOf(stock))).filter((row) => before.has(keyOfIds(row.ids)));
  const open = openOrders === undefined ? undefined : await readOpenOrders(openOrders.body, openOrders.name, optionsOf(openOrders));
  const propose = (forecasts: ReadonlyMap<string, Forecast>, onBadRow: StockOptions["onBadRow"]) =>
    proposeOrders(rows, forecasts, { ...(open === undefined ? {} : { openOrders: open }), signal, onBadRow });
  const was = new Map(propose(before, () => undefined).map(({ row, proposal }) => [keyOfIds(row.ids), proposal]));
  const is = propose(after, optionsOf(stock).onBadRow);
  const [firstBad] = bad;
  if (firstBad !== undefined) warnings.push(`${bad.length} rows of stock or of open orders are set apart: ${firstBad}`);
  const missing = before.size - is.length;
  if (missing > 0)
    warnings.push(`${missing} of ${before.size} series that change have no row of stock that counts, so nothing is ordered of them.`);
  warnings.push(...beyondForecast(is, instants.length));
  return {
    orders: is
      .map(({ row, proposal }) => ({
        ids: row.ids,
        before: round(was.get(keyOfIds(row.ids))?.quantity ?? 0),
        after: round(proposal.quantity),
        reasons: proposal.reasons,
      }))
      .toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before)),
    warnings,
  };
}
