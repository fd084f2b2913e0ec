// Orders: what to order of each series, from its forecast and its row of stock.
//
//   R1. A proposal is of its own forecast and stock alone: neither a seed nor a row more or less changes it.

import type { Body } from "../../../platform/bytes.ts";
import { isStockroomError, StockroomError } from "../../../platform/errors.ts";
import { writeTable, type BadRow, type Cell } from "../../../platform/formats/index.ts";
import type { Forecast } from "../../engine/contract.ts";
import { proposeOrder, type Proposal, type StockDefaults } from "../../engine/replenish/proposal.ts";
import type { ReplenishSummary } from "../../store/answers.ts";
import { round } from "../run/rows.ts";
import { gatherForecasts, keyOfIds, type FinishedForecast } from "./finished.ts";
import { readOpenOrders, readStock, type OpenOrder, type StockOptions, type StockRow } from "./stock.ts";

export interface Order {
  readonly row: StockRow;
  readonly proposal: Proposal;
}

/** A table to read. */
export interface TableFile {
  readonly name: string;
  readonly body: Body;
}

export interface ReplenishTables {
  readonly stock: TableFile;
  /** Orders on their way besides those in the stock table. */
  readonly openOrders?: TableFile;
}

export interface ReplenishAnswer {
  /** Columns that tell series apart. */
  readonly idColumns: readonly string[];
  /** One for each row of stock that was served. */
  readonly orders: readonly Order[];
  /** In the order in which they were met. */
  readonly bad: readonly BadRowOf[];
  readonly summary: ReplenishSummary;
}

/** A row that was set apart, and the file it is of. */
export interface BadRowOf {
  readonly file: string;
  readonly row: BadRow;
}

/**
 * Proposes orders from the forecast in use; rows that cannot be read or served are set apart.
 *
 * Throws `input` `REPLENISH_QUANTILES` for a forecast of fewer than two quantiles, `STOCK_COLUMNS`.
 */
export async function replenishForecast(
  finished: Pick<FinishedForecast, "rows">,
  { stock, openOrders }: ReplenishTables,
  defaults: StockDefaults,
  signal: AbortSignal,
): Promise<ReplenishAnswer> {
  const rows = await finished.rows("used");
  if (rows.levels.length < 2) {
    throw new StockroomError(
      "input",
      "REPLENISH_QUANTILES",
      `Expected a forecast with two quantiles or more but it has ${rows.levels.length}. Name more (--quantiles, or ForecastTypes in the settings) and forecast again.`,
    );
  }
  const { forecasts, instants } = await gatherForecasts(rows);
  const bad: BadRowOf[] = [];
  const warnings: string[] = [];
  const optionsOf = ({ name }: TableFile): StockOptions => ({
    ids: rows.idColumns,
    instants,
    signal,
    onBadRow: (row) => void bad.push({ file: name, row }),
    onNote: (note) => void warnings.push(note),
  });
  const stockRows = await readStock(stock.body, stock.name, defaults, optionsOf(stock));
  const open = openOrders === undefined ? undefined : await readOpenOrders(openOrders.body, openOrders.name, optionsOf(openOrders));
  const orders = proposeOrders(stockRows, forecasts, {
    ...(open === undefined ? {} : { openOrders: open }),
    signal,
    onBadRow: optionsOf(stock).onBadRow,
  });
  const horizon = Math.max(0, ...[...forecasts.values()].slice(0, 1).map(({ mean }) => mean.length));
  warnings.push(...beyondForecast(orders, horizon));
  const wanted = orders.filter(({ proposal }) => proposal.quantity > 0);
  const [first] = bad;
  return {
    idColumns: rows.idColumns,
    orders,
    bad,
    summary: {
      rows: orders.length,
      orders: wanted.length,
      units: wanted.reduce((sum, { proposal }) => sum + proposal.quantity, 0),
      highestStockOutChance: wanted.reduce((most, { proposal }) => Math.max(most, proposal.stockOutChance), 0),
      badRows: bad.length,
      firstBad: first === undefined ? null : `${first.file}, line ${first.row.line}: ${first.row.reason}`,
      withoutStock: withoutStock(stockRows, forecasts).length,
      warnings,
    },
  };
}

export interface OrderOptions {
  /** By `keyOfIds`: open orders besides those in the stock table. */
  readonly openOrders?: ReadonlyMap<string, readonly OpenOrder[]>;
  readonly signal: AbortSignal;
  readonly onBadRow: (row: BadRow) => void;
}

/** Proposes an order for every row of stock; rows that cannot be served are set apart. */
export function proposeOrders(
  stock: readonly StockRow[],
  forecasts: ReadonlyMap<string, Forecast>,
  options: OrderOptions,
): readonly Order[] {
  const { openOrders, signal, onBadRow } = options;
  const orders: Order[] = [];
  const bySeries = Map.groupBy(stock, ({ ids }) => keyOfIds(ids));
  for (const row of stock) {
    signal.throwIfAborted();
    const key = keyOfIds(row.ids);
    const forecast = forecasts.get(key);
    const setApart = (reason: string): void =>
      onBadRow({ line: row.line, column: 1, code: "STOCK_ROW", reason, sample: row.ids.join(", ").slice(0, 200) });
    if (forecast === undefined) {
      setApart("Expected a series that was forecast but this one was not. Correct its item or dimensions, or remove the row.");
      continue;
    }
    // Which of them is true nobody knows, so nothing is ordered by any.
    const same = bySeries.get(key) ?? [];
    if (same.length > 1) {
      const [other] = same.slice(0, 2).filter((each) => each !== row);
      const which = `line ${other?.line ?? 0}${same.length === 2 ? " is" : ` and ${same.length - 2} more are`}`;
      setApart(
        `Expected one row of stock for each series but ${which} of this one, too: nothing is ordered for it. Add them up, or keep the one that is true.`,
      );
      continue;
    }
    const open = [...(row.input.openOrders ?? []), ...(openOrders?.get(key) ?? [])];
    try {
      orders.push({ row, proposal: proposeOrder({ ...row.input, openOrders: open, forecast }) });
    } catch (thrown) {
      if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
      setApart(thrown.message);
    }
  }
  return orders;
}

/** What is told of orders that must last longer than anything was forecast. */
export function beyondForecast(
  orders: readonly { readonly proposal: Pick<Order["proposal"], "protection"> }[],
  horizon: number,
): readonly string[] {
  const far = orders.filter(({ proposal }) => proposal.protection > horizon);
  if (far.length === 0) return [];
  const last = Math.ceil(far.reduce((most, { proposal }) => Math.max(most, proposal.protection), 0));
  return [
    `${far.length} of ${orders.length} orders must last up to ${last} steps (lead time and review period) but ${horizon} were forecast: what lies beyond was taken as these steps once more, so no season or event there is seen. Forecast ${last} steps ahead, or correct the times.`,
  ];
}

/** Series that were forecast and have no row of stock: nothing is proposed for them. */
function withoutStock(stock: readonly StockRow[], forecasts: ReadonlyMap<string, Forecast>): readonly string[] {
  const stocked = new Set(stock.map((row) => keyOfIds(row.ids)));
  return [...forecasts.keys()].filter((key) => !stocked.has(key));
}

const columns = [
  "quantity",
  "packs",
  "position",
  "reorder_point",
  "safety_stock",
  "expected_demand",
  "protection",
  "cycle_service",
  "fill_rate",
  "stock_out_step",
  "stock_out_chance",
  "decided_by",
  "reasons",
];

/** The table of orders, a row for every row of stock that was served. */
export function ordersBody(ids: readonly string[], orders: readonly Order[]): Body {
  async function* rows(): AsyncGenerator<Cell[][]> {
    yield orders.map(({ row, proposal }) => [
      ...row.ids,
      round(proposal.quantity),
      proposal.packs,
      round(proposal.position),
      round(proposal.reorderPoint),
      round(proposal.safetyStock),
      round(proposal.expectedDemand),
      round(proposal.protection),
      round(proposal.cycleService),
      round(proposal.fillRate),
      proposal.stockOutStep === undefined ? null : round(proposal.stockOutStep),
      round(proposal.stockOutChance),
      proposal.decidedBy,
      proposal.reasons.join(" "),
    ]);
  }
  // People open it; nothing of ours reads it back.
  return writeTable(rows(), { format: "csv", columns: [...ids, ...columns], spreadsheet: true });
}
