// A table of stock: what lies on the shelf, what is on its way and how it may be ordered, row by row; bad rows are set apart. Decimals have a
// point or a comma, as each column proves.

import type { Body } from "../../../platform/bytes.ts";
import { parseNumber, readNumbers, readTable, type BadRow, type Table } from "../../../platform/formats/index.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { ReplenishInput, Service, StockDefaults } from "../../engine/replenish/proposal.ts";
import { parseInstant } from "../../engine/scenario/apply.ts";
import { keyOfIds } from "./finished.ts";

/** One row of stock, as `proposeOrder` wants it but for the forecast. */
export interface StockRow {
  readonly line: number;
  /** Item and dimensions, in the order asked for. */
  readonly ids: readonly string[];
  readonly input: Omit<ReplenishInput, "forecast" | "random">;
}

/** A quantity on its way, and when it comes in steps from the begin of the forecast. */
export interface OpenOrder {
  readonly quantity: number;
  readonly dueStep: number;
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

export interface StockOptions {
  /** Columns that tell series apart: `item_id` and dimensions. */
  readonly ids: readonly string[];
  /** When the steps of the forecast begin (UTC), so that dates may stand where steps do; absent: steps only. */
  readonly instants?: readonly number[];
  readonly signal: AbortSignal;
  readonly onBadRow: (row: BadRow) => void;
  /** A column that may be read in two ways and was read in the likelier one: a whole sentence. */
  readonly onNote?: (note: string) => void;
}

/**
 * A step as it is typed: a number of steps from the begin of the forecast (decimal point or comma), or a date where `instants` are known. Undefined for
 * anything else.
 */
function readStep(text: string, instants: readonly number[] | undefined): number | undefined {
  const steps = parseNumber(text, text.includes(",") ? "," : ".");
  if (Number.isFinite(steps)) return steps;
  const ms = parseInstant(text);
  const [first, second] = instants ?? [];
  if (ms === undefined || instants === undefined || first === undefined || second === undefined) return undefined;
  if (ms <= first) return (ms - first) / (second - first);
  const after = instants.findIndex((instant) => instant > ms);
  const from = after < 0 ? instants.length - 2 : after - 1;
  const [begin = 0, end = 0] = instants.slice(from);
  return from + (ms - begin) / (end - begin);
}

const stepWanted = (instants: readonly number[] | undefined): string =>
  instants === undefined ? "a number of steps" : "a number of steps or a date such as 2026-07-31";

/** Throws `input` `STOCK_COLUMNS` when needed columns lack or unknown ones stand there. */
function checkColumns(name: string, columns: readonly string[], needed: readonly string[], others: readonly string[]): void {
  const missing = needed.filter((each) => !columns.includes(each));
  const unknown = columns.filter((each) => !needed.includes(each) && !others.includes(each));
  if (missing.length === 0 && unknown.length === 0) return;
  const wrong = [
    ...(missing.length > 0 ? [`lacks ${missing.join(", ")}`] : []),
    ...(unknown.length > 0 ? [`has ${unknown.join(", ")}`] : []),
  ];
  throw new StockroomError(
    "input",
    "STOCK_COLUMNS",
    `Expected ${name} to have ${needed.join(", ")}${others.length > 0 ? ` and any of ${others.join(", ")}` : ""} but it ${wrong.join(" and ")}. Correct its header.`,
    { facts: { file: name } },
  );
}

/** Rows with their quantities: point or comma as the column proves; rows in which one cannot be read are set apart. */
async function* readQuantities(
  table: Table,
  name: string,
  columns: readonly string[],
  { onBadRow, onNote }: StockOptions,
): ReturnType<typeof readNumbers>["batches"] {
  const read = readNumbers(table, {
    name,
    columns: columns.map((column) => ({ name: column, index: table.columns.indexOf(column) })),
    delimiter: table.delimiter,
    howToSay: "Write its numbers with a decimal point and no thousands separator.",
    onBadRow: (row) => onBadRow({ ...row, code: "STOCK_NUMBER" }),
  });
  yield* read.batches;
  for (const { name: column, format } of read.summary()) {
    if (format.kind !== "assumed") continue;
    const [point, comma] = [parseNumber(format.value), parseNumber(format.value, ",")];
    onNote?.(
      `${column} of ${name} was read with a decimal point: "${format.value}" on line ${format.line} is ${point}. If it is ${comma}, write it without a separator.`,
    );
  }
}

/**
 * Reads a stock table: the columns of a series (`item_id` and dimensions), `on_hand`, and any of the others named in docs/how-to/forecast-planning.md.
 *
 * Throws `input` `STOCK_COLUMNS` for a table without the needed columns or with unknown ones, `TABLE_NUMBER_AMBIGUOUS` and `TABLE_NUMBER_MIXED` as
 * `readNumbers` does.
 */
export async function readStock(body: Body, name: string, defaults: StockDefaults, options: StockOptions): Promise<readonly StockRow[]> {
  const { ids, instants, signal, onBadRow } = options;
  const table = await readTable(body, { name, onBadRow, signal });
  checkColumns(name, table.columns, [...ids, "on_hand"], numbers.slice(1));
  const places = new Map(table.columns.map((column, at) => [column, at]));
  const due = places.get("on_order_due");
  const quantities = numbers.filter((column) => column !== "on_order_due" && places.has(column));
  const rows: StockRow[] = [];
  for await (const batch of readQuantities(table, name, quantities, options)) {
    for (const [at, row] of batch.rows.entries()) {
      const line = batch.lines[at] ?? 0;
      const values: Partial<Record<NumberName, number>> = {};
      for (const [c, column] of quantities.entries()) {
        const value = batch.numbers[c]?.[at] ?? Number.NaN;
        if (!Number.isNaN(value)) values[column] = value;
      }
      const dueText = due === undefined ? "" : (row[due] ?? "").trim();
      const dueStep = dueText === "" ? undefined : readStep(dueText, instants);
      const setApart = (column: NumberName, wanted: string): void => {
        const place = places.get(column) ?? 0;
        const text = row[place] ?? "";
        const reason = `Expected ${wanted} in ${column} but "${text.slice(0, 40)}" came. Correct it.`;
        onBadRow({ line, column: place + 1, code: "STOCK_NUMBER", reason, sample: text.slice(0, 200) });
      };
      if (values.on_hand === undefined) setApart("on_hand", "a number");
      else if (dueText !== "" && dueStep === undefined) setApart("on_order_due", stepWanted(instants));
      else {
        if (dueStep !== undefined) values.on_order_due = dueStep;
        rows.push({ line, ids: ids.map((each) => row[places.get(each) ?? -1] ?? ""), input: inputOf(values, defaults) });
      }
    }
  }
  return rows;
}

/**
 * Reads a table of open orders, any number for a series: the columns of a series, `quantity` and `due` (steps or a date). By `keyOfIds`.
 *
 * Throws as `readStock` does.
 */
export async function readOpenOrders(body: Body, name: string, options: StockOptions): Promise<ReadonlyMap<string, readonly OpenOrder[]>> {
  const { ids, instants, signal, onBadRow } = options;
  const table = await readTable(body, { name, onBadRow, signal });
  checkColumns(name, table.columns, [...ids, "quantity", "due"], []);
  const at = (column: string): number => table.columns.indexOf(column);
  const orders = new Map<string, OpenOrder[]>();
  for await (const { rows, lines, numbers: quantities } of readQuantities(table, name, ["quantity"], options)) {
    for (const [index, row] of rows.entries()) {
      const [amount, due] = [row[at("quantity")] ?? "", (row[at("due")] ?? "").trim()];
      const quantity = quantities[0]?.[index] ?? Number.NaN;
      const dueStep = readStep(due, instants);
      if (!Number.isFinite(quantity) || quantity < 0 || dueStep === undefined) {
        const isDue = dueStep === undefined;
        const text = isDue ? due : amount;
        onBadRow({
          line: lines[index] ?? 0,
          column: at(isDue ? "due" : "quantity") + 1,
          code: "STOCK_NUMBER",
          reason: `Expected ${isDue ? `${stepWanted(instants)} in due` : "a number of 0 or more in quantity"} but "${text.slice(0, 40)}" came. Correct it.`,
          sample: text.slice(0, 200),
        });
        continue;
      }
      const key = keyOfIds(ids.map((each) => row[at(each)] ?? ""));
      const known = orders.get(key);
      if (known === undefined) orders.set(key, [{ quantity, dueStep }]);
      else known.push({ quantity, dueStep });
    }
  }
  return orders;
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
