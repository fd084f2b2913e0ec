// The retail tables of the accuracy benchmark as lots: items by place on one grid, the last steps held back.

import type { PlainSeries } from "../../src/forecast/engine/panel/make.ts";
import { readRows } from "./accuracy-data.ts";
import { type Lot, makeLot } from "./accuracy-lots.ts";

const dayMs = 86_400_000;

interface Cell {
  readonly step: number;
  readonly demand: number;
  readonly related: Readonly<Record<string, number>>;
}

/** Groups rows by item and place; `step` counts from the first instant of the table. */
function gather(
  folder: string,
  file: string,
  stepMs: number,
  related: ReadonlyMap<string, Readonly<Record<string, number>>>,
): { cells: Map<string, Cell[]>; startMs: number; length: number } {
  const rows = readRows(folder, file);
  const times = rows.map((row) => Date.parse(`${row["timestamp"]}T00:00:00Z`));
  const startMs = times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const cells = new Map<string, Cell[]>();
  let length = 0;
  for (const [i, row] of rows.entries()) {
    const key = `${row["item_id"]}|${row["location"]}`;
    const step = Math.round((times[i] - startMs) / stepMs);
    length = Math.max(length, step + 1);
    const cell = { step, demand: Number(row["demand"]), related: related.get(`${key}|${row["timestamp"]}`) ?? {} };
    const own = cells.get(key);
    if (own === undefined) cells.set(key, [cell]);
    else own.push(cell);
  }
  return { cells, startMs, length };
}

/**
 * Orange juice by store and brand, weeks; the last `horizon` held back. `priced`: price and promotion are known for the horizon too.
 *
 * A week without a row is missing, not zero.
 */
export function readOrangeJuice(folder: string, horizon: number, priced: boolean, sample: number): Lot {
  const related = new Map<string, Readonly<Record<string, number>>>();
  for (const row of readRows(folder, "oj_related.csv.gz")) {
    related.set(`${row["item_id"]}|${row["location"]}|${row["timestamp"]}`, {
      price: Number(row["price"]),
      promotion: Number(row["promotion_applied"]),
      feature: Number(row["feature"]),
      deal: Number(row["deal"]),
    });
  }
  const brands = new Map(readRows(folder, "oj_metadata.csv.gz").map((row) => [row["item_id"], row["brand"]]));
  const { cells, startMs, length } = gather(folder, "oj_target.csv.gz", 7 * dayMs, related);
  const cut = length - horizon;
  const series: PlainSeries[] = [];
  const actuals: Float64Array[] = [];
  for (const [i, [key, own]] of [...cells].entries()) {
    if (i % sample !== 0) continue;
    const first = own.reduce((least, cell) => Math.min(least, cell.step), length);
    if (first > cut - 20) continue;
    const [item, location] = key.split("|");
    const values = new Float64Array(length).fill(Number.NaN);
    const names = priced ? ["price", "promotion", "feature", "deal"] : [];
    const regressors = Object.fromEntries(names.map((name) => [name, new Float64Array(length).fill(Number.NaN)]));
    for (const cell of own) {
      values[cell.step] = cell.demand;
      for (const name of names) regressors[name][cell.step] = cell.related[name] ?? Number.NaN;
    }
    series.push({
      item,
      dimensions: { location },
      metadata: { brand: brands.get(item) ?? "" },
      values: values.subarray(first, cut),
      regressors: Object.fromEntries(names.map((name) => [name, regressors[name].subarray(first)])),
    });
    actuals.push(values.slice(cut));
  }
  const shape = {
    name: priced ? "oj-priced" : "oj",
    horizon,
    lag: 1,
    frequency: { unit: "W", multiple: 1 } as const,
    startMs,
    seasons: [365.25 / 7],
  };
  return makeLot({ ...shape, nonNegative: true }, series, actuals);
}

/** UCI Online Retail by item and place, days from the first sale on; a day without a row is a zero. */
export function readUci(folder: string, horizon: number, sample: number): Lot {
  const { cells, startMs, length } = gather(folder, "uci_target.csv.gz", dayMs, new Map());
  const cut = length - horizon;
  const series: PlainSeries[] = [];
  const actuals: Float64Array[] = [];
  for (const [i, [key, own]] of [...cells].entries()) {
    if (i % sample !== 0) continue;
    const values = new Float64Array(length);
    for (const cell of own) values[cell.step] += cell.demand;
    const first = values.findIndex((value) => value > 0);
    if (first > cut - 60) continue;
    const [item, location] = key.split("|");
    series.push({ item, dimensions: { location }, metadata: { family: item.slice(0, 3) }, values: values.subarray(first, cut) });
    actuals.push(values.slice(cut));
  }
  const shape = { name: "uci", horizon, lag: 1, frequency: { unit: "D", multiple: 1 } as const, startMs, seasons: [7] };
  return makeLot({ ...shape, nonNegative: true }, series, actuals);
}
