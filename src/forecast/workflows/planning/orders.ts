// Orders: what to order of each series, from its forecast and its row of stock.
//
//   R1. A proposal is of its own forecast and stock alone: neither a seed nor a row more or less changes it.

import type { Body } from "../../../platform/bytes.ts";
import { isStockroomError } from "../../../platform/errors.ts";
import { writeTable, type BadRow, type Cell } from "../../../platform/formats/index.ts";
import type { Forecast } from "../../engine/contract.ts";
import { proposeOrder, type Proposal } from "../../engine/replenish/proposal.ts";
import { round } from "../run/rows.ts";
import { keyOfIds } from "./finished.ts";
import type { OpenOrder, StockRow } from "./stock.ts";

export interface Order {
  readonly row: StockRow;
  readonly proposal: Proposal;
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
