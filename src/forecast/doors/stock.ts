// A table of stock: what lies on the shelf, what is on its way and how it may be ordered, row by row; bad rows are set apart.

import { fileBody, readTable, type BadRow } from "../../base/tables/index.ts";
import { StockroomError } from "../../base/errors.ts";
import type { ReplenishInput, Service } from "../engine/replenish/proposal.ts";

/** One row of stock, as `proposeOrder` wants it but for the forecast. */
export interface StockRow {
  readonly line: number;
  /** Item and dimensions, in the order asked for. */
  readonly ids: readonly string[];
  readonly input: Omit<ReplenishInput, "forecast" | "random">;
}

/** What holds where a row says nothing. */
export interface StockDefaults {
  readonly leadTime: number;
  readonly reviewPeriod: number;
  readonly service: Service;
}

const numbers = [
  "on_hand",
  "backorders",
  "on_order",
  "on_order_due",
  "lead_time",
  "lead_time_sd",
  "review_period",
  "pack_size",
  "min_order",
  "service_level",
  "fill_rate",
  "max_stock",
  "shelf_life",
] as const;
type NumberName = (typeof numbers)[number];

/**
 * Reads a stock table: the columns of a series (`item_id` and dimensions), `on_hand`, and any of the others named in docs/forecast.md.
 *
 * Throws `input` `STOCK_COLUMNS` for a table without the needed columns or with unknown ones.
 */
export async function readStock(
  file: string,
  ids: readonly string[],
  defaults: StockDefaults,
  options: { readonly signal: AbortSignal; readonly onBadRow: (row: BadRow) => void },
): Promise<readonly StockRow[]> {
  const { signal, onBadRow } = options;
  const table = await readTable(fileBody(file, signal), { name: file, onBadRow, signal });
  const needed = [...ids, "on_hand"];
  const missing = needed.filter((name) => !table.columns.includes(name));
  const unknown = table.columns.filter((name) => !ids.includes(name) && !(numbers as readonly string[]).includes(name));
  if (missing.length > 0 || unknown.length > 0) {
    const wrong = [
      ...(missing.length > 0 ? [`lacks ${missing.join(", ")}`] : []),
      ...(unknown.length > 0 ? [`has ${unknown.join(", ")}`] : []),
    ];
    throw new StockroomError(
      "input",
      "STOCK_COLUMNS",
      `Expected ${file} to have ${needed.join(", ")} and any of ${numbers.slice(1).join(", ")} but it ${wrong.join(" and ")}. Correct its header.`,
      { facts: { file } },
    );
  }
  const places = new Map(table.columns.map((name, at) => [name, at]));
  const rows: StockRow[] = [];
  for await (const batch of table.batches) {
    for (const [at, row] of batch.rows.entries()) {
      const line = batch.lines[at];
      const values: Partial<Record<NumberName, number>> = {};
      let bad = false;
      for (const name of numbers) {
        const place = places.get(name);
        const text = place === undefined ? "" : (row[place] ?? "").trim();
        if (text === "" && name !== "on_hand") continue;
        const value = Number(text);
        if (text !== "" && Number.isFinite(value)) {
          values[name] = value;
          continue;
        }
        const reason = `Expected a number in ${name} but "${text.slice(0, 40)}" came. Correct it.`;
        onBadRow({ line, column: (place ?? 0) + 1, code: "STOCK_NUMBER", reason, sample: text.slice(0, 200) });
        bad = true;
        break;
      }
      if (!bad) rows.push({ line, ids: ids.map((name) => row[places.get(name) ?? -1] ?? ""), input: inputOf(values, defaults) });
    }
  }
  return rows;
}

function inputOf(values: Partial<Record<NumberName, number>>, defaults: StockDefaults): StockRow["input"] {
  const service: Service =
    values.fill_rate !== undefined
      ? { kind: "fill", level: values.fill_rate }
      : values.service_level !== undefined
        ? { kind: "cycle", level: values.service_level }
        : defaults.service;
  const { on_order: onOrder, on_order_due: due = 0 } = values;
  return {
    onHand: values.on_hand ?? 0,
    leadTime: values.lead_time ?? defaults.leadTime,
    reviewPeriod: values.review_period ?? defaults.reviewPeriod,
    service,
    ...(values.backorders === undefined ? {} : { backorders: values.backorders }),
    ...(onOrder === undefined ? {} : { openOrders: [{ quantity: onOrder, dueStep: due }] }),
    ...(values.lead_time_sd === undefined ? {} : { leadTimeSd: values.lead_time_sd }),
    ...(values.pack_size === undefined ? {} : { packSize: values.pack_size }),
    ...(values.min_order === undefined ? {} : { minOrder: values.min_order }),
    ...(values.max_stock === undefined ? {} : { maxStock: values.max_stock }),
    ...(values.shelf_life === undefined ? {} : { shelfLife: values.shelf_life }),
  };
}
