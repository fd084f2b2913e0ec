// Every retail set of the shared data, and a promotion panel of our own, as one shape that can be cut at any origin.
//
// Owns: what a set is, its steps and its numbers known ahead. Does not own: forecasting, scoring.

import { makeRandom } from "../../src/platform/random.ts";
import type { FrequencyUnit } from "../../src/forecast/engine/contract.ts";
import type { PlainSeries } from "../../src/forecast/engine/panel/make.ts";
import { readRows, readSeries } from "./accuracy-data.ts";
import { type Lot, makeLot } from "./accuracy-lots.ts";

const dayMs = 86_400_000;

/** A series of a set: the whole of it, and numbers known ahead over the same steps. */
interface SetSeries {
  readonly item: string;
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>>;
  /** From the set's first step on; NaN is missing. */
  readonly values: Float64Array;
  readonly regressors?: Readonly<Record<string, Float64Array>>;
}

/** Series that end at the same step. */
export interface RetailSet {
  readonly name: string;
  readonly unit: FrequencyUnit;
  readonly startMs: number;
  readonly seasons: readonly number[];
  /** Seasonal lag of the seasonal naive beside us. */
  readonly lag: number;
  readonly horizon: number;
  /** Fewest steps a series has before an origin. */
  readonly past: number;
  readonly series: readonly SetSeries[];
}

/** The set as it stood `origin + 1` horizons before its end, and the horizon that came. */
export function lotAt(set: RetailSet, origin: number, sample: number): Lot {
  const length = set.series[0].values.length;
  const cut = length - (origin + 1) * set.horizon;
  const series: PlainSeries[] = [];
  const actuals: Float64Array[] = [];
  for (const [i, each] of set.series.entries()) {
    if (i % sample !== 0) continue;
    const first = each.values.findIndex((value) => !Number.isNaN(value));
    if (first < 0 || first > cut - set.past) continue;
    const wide = (values: Float64Array): Float64Array => values.slice(first, cut + set.horizon);
    const regressors = Object.fromEntries(Object.entries(each.regressors ?? {}).map(([name, values]) => [name, wide(values)]));
    series.push({ ...each, values: each.values.slice(first, cut), regressors });
    actuals.push(each.values.slice(cut, cut + set.horizon));
  }
  const { name, unit, startMs, seasons, horizon, lag } = set;
  return makeLot({ name, horizon, lag, frequency: { unit, multiple: 1 }, startMs, seasons, nonNegative: true }, series, actuals);
}

/** Values by item and place on one grid of days or weeks. */
function onGrid(
  rows: readonly { readonly key: string; readonly time: number; readonly demand: number }[],
  stepMs: number,
): { readonly cells: ReadonlyMap<string, Float64Array>; readonly startMs: number; readonly length: number } {
  let startMs = Number.POSITIVE_INFINITY;
  let endMs = 0;
  for (const { time } of rows) {
    startMs = Math.min(startMs, time);
    endMs = Math.max(endMs, time);
  }
  const length = Math.round((endMs - startMs) / stepMs) + 1;
  const cells = new Map<string, Float64Array>();
  for (const { key, time, demand } of rows) {
    let values = cells.get(key);
    if (values === undefined) cells.set(key, (values = new Float64Array(length).fill(Number.NaN)));
    const step = Math.round((time - startMs) / stepMs);
    values[step] = (Number.isNaN(values[step]) ? 0 : values[step]) + demand;
  }
  return { cells, startMs, length };
}

/** From the first sale on, what is missing is nothing sold. */
function zeroAfterFirst(values: Float64Array): Float64Array {
  const first = values.findIndex((value) => value > 0);
  return values.map((value, t) => (t >= first && Number.isNaN(value) ? 0 : value));
}

const timeOf = (row: Readonly<Record<string, string>>, column = "timestamp"): number => Date.parse(`${row[column].slice(0, 10)}T00:00:00Z`);

function orangeJuice(folder: string, priced: boolean): RetailSet {
  const names = { price: "price", promotion: "promotion_applied", feature: "feature", deal: "deal" };
  const target = readRows(folder, "oj_target.csv.gz");
  const keyOf = (row: Readonly<Record<string, string>>): string => `${row["item_id"]}|${row["location"]}`;
  const { cells, startMs, length } = onGrid(
    target.map((row) => ({ key: keyOf(row), time: timeOf(row), demand: Number(row["demand"]) })),
    7 * dayMs,
  );
  const brands = new Map(readRows(folder, "oj_metadata.csv.gz").map((row) => [row["item_id"], row["brand"]]));
  const related = new Map<string, Record<string, Float64Array>>();
  for (const row of priced ? readRows(folder, "oj_related.csv.gz") : []) {
    let own = related.get(keyOf(row));
    if (own === undefined) {
      own = Object.fromEntries(Object.keys(names).map((name) => [name, new Float64Array(length).fill(Number.NaN)]));
      related.set(keyOf(row), own);
    }
    const step = Math.round((timeOf(row) - startMs) / (7 * dayMs));
    for (const [name, column] of Object.entries(names)) own[name][step] = Number(row[column]);
  }
  const series = [...cells].map(([key, values]): SetSeries => {
    const [item, location] = key.split("|");
    return { item, dimensions: { location }, metadata: { brand: brands.get(item) ?? "" }, values, regressors: related.get(key) ?? {} };
  });
  return {
    name: priced ? "orange juice, prices known" : "orange juice",
    unit: "W",
    startMs,
    seasons: [365.25 / 7],
    lag: 52,
    horizon: 8,
    past: 20,
    series,
  };
}

function uci(folder: string): RetailSet {
  const rows = readRows(folder, "uci_target.csv.gz");
  const { cells, startMs } = onGrid(
    rows.map((row) => ({ key: `${row["item_id"]}|${row["location"]}`, time: timeOf(row), demand: Number(row["demand"]) })),
    dayMs,
  );
  const series = [...cells].map(([key, values]): SetSeries => {
    const [item, location] = key.split("|");
    return { item, dimensions: { location }, metadata: { family: item.slice(0, 3) }, values: zeroAfterFirst(values) };
  });
  return { name: "UCI, days", unit: "D", startMs, seasons: [7], lag: 7, horizon: 28, past: 60, series };
}

/** Complete Journey: category by store, weeks; the week numbers of its own calendar. */
function journey(folder: string): RetailSet {
  const products = new Map(readRows(folder, "cj_products.csv.gz").map((row) => [row["product_id"], row]));
  const startMs = Date.UTC(2016, 11, 26);
  const rows = readRows(folder, "cj_transactions.csv.gz").flatMap((row) => {
    const product = products.get(row["product_id"]);
    if (product === undefined) return [];
    const key = `${product["product_category"]}|${product["department"]}`;
    return [{ key, time: startMs + (Number(row["week"]) - 1) * 7 * dayMs, demand: Number(row["quantity"]) }];
  });
  // Fuel is sold in hundredths, by the thousand.
  const { cells } = onGrid(
    rows.filter(({ key }) => !/FUEL|COUPON|MISC/.test(key)),
    7 * dayMs,
  );
  const series = [...cells].map(([key, values]): SetSeries => {
    const [item, department] = key.split("|");
    return { item: key, metadata: { department, category: item }, values: zeroAfterFirst(values).subarray(0, 52) };
  });
  const sold = series.filter(({ values }) => values.reduce((sum, value) => sum + (value > 0 ? value : 0), 0) >= 52);
  return { name: "Complete Journey, weeks", unit: "W", startMs, seasons: [365.25 / 7], lag: 52, horizon: 4, past: 20, series: sold };
}

function electronics(folder: string): RetailSet {
  const keyOf = (row: Readonly<Record<string, string>>): string => `${row["item_id"]}|${row["store_id"]}`;
  const monthOf = (row: Readonly<Record<string, string>>): number => {
    const date = new Date(timeOf(row));
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
  };
  const target = readRows(folder, "aws_electronics_target.csv.gz");
  const from = target.reduce((least, row) => Math.min(least, monthOf(row)), Number.POSITIVE_INFINITY);
  const length = target.reduce((most, row) => Math.max(most, monthOf(row)), 0) - from + 1;
  const cells = new Map<string, { values: Float64Array; price: Float64Array }>();
  const cellOf = (row: Readonly<Record<string, string>>): { values: Float64Array; price: Float64Array } => {
    let cell = cells.get(keyOf(row));
    if (cell === undefined) {
      cell = { values: new Float64Array(length).fill(Number.NaN), price: new Float64Array(length).fill(Number.NaN) };
      cells.set(keyOf(row), cell);
    }
    return cell;
  };
  for (const row of target) cellOf(row).values[monthOf(row) - from] = Number(row["demand"]);
  for (const row of readRows(folder, "aws_electronics_related.csv.gz")) {
    const step = monthOf(row) - from;
    if (step < length) cellOf(row).price[step] = Number(row["price"]);
  }
  const series = [...cells].map(([key, { values, price }]): SetSeries => {
    const [item, store] = key.split("|");
    return { item, dimensions: { store }, values, regressors: { price } };
  });
  const startMs = Date.UTC(Math.floor(from / 12), from % 12, 1);
  return { name: "AWS electronics, prices known", unit: "M", startMs, seasons: [12], lag: 12, horizon: 3, past: 12, series };
}

function listed(folder: string, file: string, changes: Pick<RetailSet, "name" | "unit" | "seasons" | "lag" | "horizon">): RetailSet {
  const rows = readSeries(folder, file);
  const length = rows.reduce((most, { train, test }) => Math.max(most, train.length + test.length), 0);
  const series = rows.map((row): SetSeries => {
    const values = new Float64Array(length).fill(Number.NaN);
    values.set(row.train, length - row.train.length - row.test.length);
    values.set(row.test, length - row.test.length);
    return { item: row.id, values };
  });
  return { ...changes, startMs: Date.UTC(1998, 0, 5), past: 2 * changes.horizon, series };
}

function turnover(folder: string): RetailSet {
  const rows = readRows(folder, "aus_retail.csv.gz");
  const months = [...new Set(rows.map((row) => row["month"]))].toSorted().slice(-180);
  const at = new Map(months.map((month, i) => [month, i]));
  const cells = new Map<string, Float64Array>();
  for (const row of rows) {
    const key = `${row["state"]}|${row["industry"]}`;
    let values = cells.get(key);
    if (values === undefined) cells.set(key, (values = new Float64Array(months.length).fill(Number.NaN)));
    const step = at.get(row["month"]);
    if (step !== undefined) values[step] = Number(row["turnover_m_aud"]);
  }
  const series = [...cells].map(([key, values]): SetSeries => {
    const [state, industry] = key.split("|");
    return { item: key, metadata: { state, industry }, values };
  });
  const startMs = timeOf({ timestamp: months[0] });
  return { name: "retail turnover, months", unit: "M", startMs, seasons: [12], lag: 12, horizon: 12, past: 60, series };
}

/**
 * A panel of our own: weeks of two years and a half, prices cut now and then and known ahead, lifts that differ by category, a second Christmas,
 * negative binomial sales. The same seed gives the same panel; the truth behind it is never shown to anybody.
 */
export function promotionPanel(seed: number, items = 120): RetailSet {
  const weeks = 130;
  const random = makeRandom(seed);
  const series = Array.from({ length: items }, (_, i): SetSeries => {
    const own = random.fork(`item ${i}`);
    const category = `category ${i % 6}`;
    const level = Math.exp(1.5 + 3 * own.next());
    const elasticity = 1.5 + 0.5 * (i % 6) + 0.3 * own.normal();
    const christmas = 0.2 + 0.25 * (i % 6);
    const usual = 2 + 8 * own.next();
    const price = new Float64Array(weeks);
    const promotion = new Float64Array(weeks);
    const values = new Float64Array(weeks);
    let drift = 0;
    for (let t = 0; t < weeks; t++) {
      if (t % 4 === 0) promotion[t] = own.next() < 0.25 ? 1 : 0;
      else promotion[t] = t % 4 === 1 ? promotion[t - 1] : 0;
      const cut = promotion[t] === 1 ? 0.65 + 0.2 * own.next() : 1;
      price[t] = Number((usual * cut).toFixed(2));
      drift = 0.97 * drift + 0.05 * own.normal();
      const week = t % 52;
      const season = christmas * Math.exp(-(((week - 49) / 2.5) ** 2)) + 0.1 * Math.sin((2 * Math.PI * week) / 52);
      const mean = level * Math.exp(drift + season - elasticity * Math.log(price[t] / usual));
      // Gamma mixed Poisson by a sum of exponentials: shape 5.
      let gamma = 0;
      for (let k = 0; k < 5; k++) gamma -= Math.log(1 - own.next()) / 5;
      values[t] = poisson(mean * gamma, () => own.next());
    }
    return { item: `item ${i}`, metadata: { category }, values, regressors: { price, promotion } };
  });
  const startMs = Date.UTC(2022, 0, 3);
  return { name: "promotion panel", unit: "W", startMs, seasons: [365.25 / 7], lag: 52, horizon: 8, past: 60, series };
}

/** Inversion by parts, so that large means do not underflow. */
function poisson(mean: number, next: () => number): number {
  let left = mean;
  let count = 0;
  while (left > 0) {
    const part = Math.min(left, 30);
    left -= part;
    let product = next();
    const end = Math.exp(-part);
    while (product > end) {
      count++;
      product *= next();
    }
  }
  return count;
}

/** By short names; each reads its files when asked. */
export const retailSets: Readonly<Record<string, (folder: string) => RetailSet>> = {
  oj: (folder) => orangeJuice(folder, false),
  "oj-priced": (folder) => orangeJuice(folder, true),
  uci,
  journey,
  electronics,
  jewelry: (folder) => listed(folder, "jewelry", { name: "jewellery, weeks", unit: "W", seasons: [365.25 / 7], lag: 52, horizon: 12 }),
  carparts: (folder) => listed(folder, "carparts", { name: "car parts, months", unit: "M", seasons: [12], lag: 12, horizon: 6 }),
  turnover,
  promotion: () => promotionPanel(11),
};
