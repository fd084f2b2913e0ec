// Replenish: a forecast's rows and a table of stock to order proposals, in a thread.

import type { Body } from "../../../platform/bytes.ts";
import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { openHandle, writeThrough } from "../../../platform/objects/handles.ts";
import type { BadRow } from "../../../platform/formats/index.ts";
import type { Forecast } from "../../engine/contract.ts";
import { forecastOf, keyOfIds, readRows } from "./finished.ts";
import { ordersBody, proposeOrders } from "./orders.ts";
import { readOpenOrders, readStock, type StockDefaults } from "./stock.ts";

export interface ReplenishJobInput {
  readonly forecast: ReadHandle;
  readonly stock: ReadHandle;
  readonly openOrders: ReadHandle | undefined;
  readonly defaults: StockDefaults;
  readonly orders: WriteHandle;
  readonly bad: WriteHandle;
}

export interface ReplenishJobOutput {
  /** Rows of stock that were served. */
  readonly rows: number;
  readonly orders: number;
  readonly units: number;
  /** Of series that want an order: the highest chance of running out before it arrives. */
  readonly highestStockOutChance: number;
  readonly badRows: number;
  readonly firstBad: string | null;
  readonly staged: readonly StagedObject[];
}

export const replenishJob: ComputeTask<ReplenishJobInput, ReplenishJobOutput> = { module: import.meta.url, name: "forecast.replenish" };

export async function run(input: ReplenishJobInput, tools: TaskTools): Promise<ReplenishJobOutput> {
  const { signal } = tools;
  const rows = await readRows(openHandle(input.forecast, signal), input.forecast.entry.key, signal);
  if (rows.levels.length < 2) {
    throw new StockroomError(
      "input",
      "REPLENISH_QUANTILES",
      `Expected a forecast with two quantiles or more but it has ${rows.levels.length}. Name more in ForecastTypes and forecast again.`,
    );
  }
  const forecasts = new Map<string, Forecast>();
  let instants: readonly number[] = [];
  for await (const stored of rows.series()) {
    if (instants.length === 0) instants = stored.instants;
    forecasts.set(keyOfIds(stored.ids), forecastOf(stored, rows.levels));
  }
  const bad: (BadRow & { readonly file: string })[] = [];
  const optionsOf = (handle: ReadHandle): Parameters<typeof readStock>[3] => ({
    ids: rows.idColumns,
    instants,
    signal,
    onBadRow: (row) => void bad.push({ file: handle.entry.key, ...row }),
  });
  const { stock: stockHandle, openOrders: ordersHandle } = input;
  const stock = await readStock(openHandle(stockHandle, signal), stockHandle.entry.key, input.defaults, optionsOf(stockHandle));
  const openOrders =
    ordersHandle === undefined
      ? undefined
      : await readOpenOrders(openHandle(ordersHandle, signal), ordersHandle.entry.key, optionsOf(ordersHandle));
  const orders = proposeOrders(stock, forecasts, {
    ...(openOrders === undefined ? {} : { openOrders }),
    signal,
    onBadRow: optionsOf(stockHandle).onBadRow,
  });
  const wanted = orders.filter(({ proposal }) => proposal.quantity > 0);
  const staged = [await writeThrough(input.orders, ordersBody(rows.idColumns, orders), signal)];
  if (bad.length > 0) staged.push(await writeThrough(input.bad, linesOf(bad), signal));
  const [first] = bad;
  return {
    rows: orders.length,
    orders: wanted.length,
    units: wanted.reduce((sum, { proposal }) => sum + proposal.quantity, 0),
    highestStockOutChance: wanted.reduce((most, { proposal }) => Math.max(most, proposal.stockOutChance), 0),
    badRows: bad.length,
    firstBad: first === undefined ? null : `${first.file}, line ${first.line}: ${first.reason}`,
    staged,
  };
}

async function* linesOf(rows: readonly object[]): Body {
  for (const row of rows) yield Buffer.from(`${JSON.stringify(row)}\n`);
}
