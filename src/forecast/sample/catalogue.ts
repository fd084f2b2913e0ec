// The sample catalogue: what a retailer that never was has sold, at which prices and promotions, made from a seed.
//
// Owns: numbers and files of demand, related and metadata rows. Does not own: where they go, what is forecast from them.
//   G1. A series is a function of (seed, item, store) alone, so any part can be made without the rest and millions of rows stream.
//   G2. The same options give the same bytes, on every machine.
//   G3. Prices and promotions are known over the horizon; demand is not: what would have been sold is `future`, for tests that look behind the curtain.

import type { Body } from "../../platform/bytes.ts";
import { StockroomError } from "../../platform/errors.ts";
import { makeRandom, type Random } from "../../platform/random.ts";
import { writeTable, type Cell } from "../../platform/formats/index.ts";
import { seasonsOf } from "../engine/calendar/seasons.ts";
import type { Category, Panel } from "../engine/contract.ts";

export interface CatalogueOptions {
  readonly seed: number;
  readonly items: number;
  /** Default 1; with more than one, rows have a `location`. */
  readonly stores?: number;
  readonly frequency: "D" | "W" | "M";
  /** Steps of history. */
  readonly length: number;
  readonly horizon: number;
  /** First instant, `yyyy-MM-dd`; a Monday for weeks, the first of a month for months. Default 2021-01-04 or 2021-01-01. */
  readonly start?: string;
  /** Items that are announced in the metadata (and priced) but have never been sold. Default 0. */
  readonly newItems?: number;
  /** Share of items that sell on few days only. Default 0.3. */
  readonly intermittent?: number;
  /** Prices and promotions. Default true. */
  readonly prices?: boolean;
}

/** What is known of an item before anything is drawn for a store. */
export interface CatalogueItem {
  readonly id: string;
  readonly category: string;
  readonly brand: string;
  readonly basePrice: number;
  /** Demand is multiplied by (price / basePrice) to this power; negative. */
  readonly elasticity: number;
  /** Demand is multiplied by this while the promotion lasts, beyond what the price does. */
  readonly uplift: number;
  /** Units a step in a store of middle size. */
  readonly rate: number;
  readonly intermittent: boolean;
  /** Step at which it came into the range; 0 for most, beyond the history for new items. */
  readonly launch: number;
}

export interface Catalogue {
  readonly items: readonly CatalogueItem[];
  readonly stores: readonly string[];
  /** All series at once, item by item and store by store. 8 bytes a step and series, twice that with prices. */
  panel(): Panel;
  /** What would be sold over the horizon, series by series in the order of the panel. */
  future(): Float64Array;
  /** `item_id, [location,] timestamp, demand`. */
  target(): Body;
  /** `item_id, [location,] timestamp, price, promotion_applied`, over history and horizon. */
  related(): Body;
  /** `item_id, category, brand`. */
  metadata(): Body;
}

const dayMs = 86_400_000;

const categories = [
  { name: "fruit", yearly: 0.35, peak: 0.5, december: 1.1, price: 2.5, weekend: 1.25 },
  { name: "dairy", yearly: 0.05, peak: 0.0, december: 1.1, price: 1.8, weekend: 1.15 },
  { name: "ice cream", yearly: 0.7, peak: 0.52, december: 0.8, price: 3.5, weekend: 1.4 },
  { name: "toys", yearly: 0.15, peak: 0.9, december: 2.8, price: 19, weekend: 1.6 },
  { name: "stationery", yearly: 0.3, peak: 0.66, december: 1.0, price: 4, weekend: 0.8 },
  { name: "garden", yearly: 0.75, peak: 0.38, december: 0.6, price: 14, weekend: 1.7 },
  { name: "household", yearly: 0.05, peak: 0.2, december: 1.2, price: 6, weekend: 1.2 },
] as const;
const brands = ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir"] as const;

/**
 * Makes the sample catalogue. Nothing is drawn before it is asked for.
 *
 * Weekly and yearly seasons, trends that fade, a December peak, prices with an elasticity and promotions of one to two weeks, items that sell
 * rarely, items that came late, weeks without stock (which sell nothing). Throws `input` `CATALOGUE_OPTIONS`.
 *
 * @example
 * const catalogue = makeCatalogue({ seed: 1, items: 20, stores: 3, frequency: "W", length: 156, horizon: 13 });
 * const panel = catalogue.panel();
 */
export function makeCatalogue(options: CatalogueOptions): Catalogue {
  const world = makeWorld(options);
  const { items, stores, length } = world;
  const ids = stores.length > 1 ? ["item_id", "location"] : ["item_id"];
  const instant = (step: number): string => new Date(world.calendar.ms[step] ?? 0).toISOString().slice(0, 10);
  const namesOf = (item: CatalogueItem, store: number): string[] => (stores.length > 1 ? [item.id, stores[store] ?? ""] : [item.id]);

  async function* targetRows(): AsyncGenerator<Cell[][]> {
    for (const { item, store, demand } of eachSeries(world)) {
      const batch: Cell[][] = [];
      for (let t = Math.min(length, item.launch); t < length; t++) batch.push([...namesOf(item, store), instant(t), demand()[t] ?? 0]);
      yield batch;
    }
  }
  async function* relatedRows(): AsyncGenerator<Cell[][]> {
    for (const { item, store, drawn } of eachSeries(world)) {
      const batch: Cell[][] = [];
      for (let t = Math.min(length, item.launch); t < world.steps; t++)
        batch.push([...namesOf(item, store), instant(t), Math.round((drawn.price[t] ?? 0) * 100) / 100, drawn.promotion[t] ?? 0]);
      yield batch;
    }
  }
  async function* metadataRows(): AsyncGenerator<Cell[][]> {
    yield items.map((item) => [item.id, item.category, item.brand]);
  }
  return {
    items,
    stores,
    panel: () => panelOf(world),
    future: () => futureOf(world),
    target: () => writeTable(targetRows(), { format: "csv", columns: [...ids, "timestamp", "demand"] }),
    related: () => writeTable(relatedRows(), { format: "csv", columns: [...ids, "timestamp", "price", "promotion_applied"] }),
    metadata: () => writeTable(metadataRows(), { format: "csv", columns: ["item_id", "category", "brand"] }),
  };
}

/** What is drawn from: options in full, and who sells what since when. */
interface World {
  readonly frequency: CatalogueOptions["frequency"];
  readonly startMs: number;
  readonly length: number;
  readonly horizon: number;
  readonly steps: number;
  readonly priced: boolean;
  readonly calendar: Calendar;
  readonly root: Random;
  readonly items: readonly CatalogueItem[];
  readonly stores: readonly string[];
}

function makeWorld(options: CatalogueOptions): World {
  const { seed, frequency, length, horizon, stores = 1, newItems = 0, prices = true } = options;
  for (const [name, value, least] of [
    ["items", options.items, 1],
    ["stores", stores, 1],
    ["length", length, 1],
    ["horizon", horizon, 1],
    ["newItems", newItems, 0],
  ] as const) {
    if (!Number.isInteger(value) || value < least)
      throw new StockroomError(
        "input",
        "CATALOGUE_OPTIONS",
        `Expected ${name} to be a whole number from ${least} but ${value} came. Correct it.`,
      );
  }
  const start = options.start ?? (frequency === "W" ? "2021-01-04" : "2021-01-01");
  const startMs = Date.parse(`${start}T00:00:00Z`);
  if (Number.isNaN(startMs))
    throw new StockroomError("input", "CATALOGUE_OPTIONS", `Expected start to be a date like 2021-01-04 but "${start}" came. Correct it.`);
  const steps = length + horizon;
  const root = makeRandom(seed);
  return {
    frequency,
    startMs,
    length,
    horizon,
    steps,
    priced: prices,
    calendar: makeCalendar(frequency, startMs, steps),
    root,
    items: Array.from({ length: options.items + newItems }, (_, index) =>
      makeItem(root.fork(`item/${index}`), index, options, index >= options.items),
    ),
    stores: Array.from({ length: stores }, (_, index) => `store_${String(index + 1).padStart(3, "0")}`),
  };
}

interface DrawnSeries {
  readonly item: CatalogueItem;
  readonly store: number;
  /** Place among all series: items in order, each in its stores. */
  readonly at: number;
  readonly drawn: Drawn;
  /** The whole series, horizon included, NaN before its launch; drawn when first asked for, gone with the next series. */
  readonly demand: () => Float64Array;
}

/** Every item in every store. Prices of an item are those of all its stores. */
function* eachSeries(world: World): Generator<DrawnSeries> {
  const { items, stores, steps, calendar, root, priced, length } = world;
  const row = new Float64Array(steps);
  for (const [index, item] of items.entries()) {
    const drawn = drawPrices(item, root.fork(`price/${index}`), steps, calendar.stepDays, priced);
    for (const store of stores.keys()) {
      let isDrawn = false;
      const demand = (): Float64Array => {
        if (!isDrawn) {
          const size = 0.5 + root.fork(`store/${store}`).next() * 1.5;
          drawDemand({ item, random: root.fork(`series/${index}/${store}`), size, drawn, calendar, length }, row);
        }
        isDrawn = true;
        return row;
      };
      yield { item, store, at: index * stores.length + store, drawn, demand };
    }
  }
}

function panelOf(world: World): Panel {
  const { items, stores, length, horizon, priced, frequency, startMs } = world;
  const seriesCount = items.length * stores.length;
  const offsets = new Int32Array(new SharedArrayBuffer(4 * (seriesCount + 1)));
  const itemAt = (at: number): CatalogueItem => items[Math.floor(at / stores.length)];
  for (let at = 0; at < seriesCount; at++) offsets[at + 1] = offsets[at] + Math.max(0, length - itemAt(at).launch);
  const total = offsets[seriesCount];
  const values = new Float64Array(new SharedArrayBuffer(8 * total));
  const wide = total + seriesCount * horizon;
  const price = new Float32Array(new SharedArrayBuffer(priced ? 4 * wide : 0));
  const promotion = new Float32Array(new SharedArrayBuffer(priced ? 4 * wide : 0));
  for (const { item, at, drawn, demand } of eachSeries(world)) {
    const launch = Math.min(length, item.launch);
    values.set(demand().subarray(launch, length), offsets[at]);
    if (!priced) continue;
    const from = offsets[at] + at * horizon;
    price.set(drawn.price.subarray(launch), from);
    promotion.set(drawn.promotion.subarray(launch), from);
  }
  const categoryOf = (name: string, levels: readonly string[], codeOf: (at: number) => number): Category => {
    const codes = new Int32Array(new SharedArrayBuffer(4 * seriesCount));
    for (let at = 0; at < seriesCount; at++) codes[at] = codeOf(at);
    return { name, levels, codes };
  };
  const textOf = (name: "category" | "brand"): Category => {
    const levels = [...new Set(items.map((item) => item[name]))].sort();
    return categoryOf(name, levels, (at) => levels.indexOf(itemAt(at)[name]));
  };
  return {
    grid: { frequency: { unit: frequency, multiple: 1 }, startMs, length, horizon },
    itemIds: items.flatMap((item) => stores.map(() => item.id)),
    dimensions: stores.length > 1 ? [categoryOf("location", stores, (at) => at % stores.length)] : [],
    metadata: [textOf("category"), textOf("brand")],
    offsets,
    values,
    regressors: priced
      ? [
          { name: "price", values: price },
          { name: "promotion_applied", values: promotion },
        ]
      : [],
    shared: [],
    seasons: seasonsOf({ unit: frequency, multiple: 1 }),
  };
}

/** What comes after the history, series by series. */
function futureOf(world: World): Float64Array {
  const { items, stores, length, horizon } = world;
  const all = new Float64Array(items.length * stores.length * horizon);
  for (const { at, demand } of eachSeries(world)) all.set(demand().subarray(length), at * horizon);
  return all;
}

interface Calendar {
  readonly ms: Float64Array;
  /** Share of the year at the middle of each step, 0..1. */
  readonly ofYear: Float64Array;
  /** Monday 0 .. Sunday 6; -1 unless steps are days. */
  readonly weekday: Int8Array;
  /** Share of the step's days that lie in the weeks before Christmas. */
  readonly december: Float64Array;
  readonly stepDays: number;
}

function makeCalendar(frequency: "D" | "W" | "M", startMs: number, steps: number): Calendar {
  const first = new Date(startMs);
  const startOf = (t: number): number =>
    frequency === "M"
      ? Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + t, first.getUTCDate())
      : startMs + t * dayMs * (frequency === "W" ? 7 : 1);
  const ms = new Float64Array(steps);
  const ofYear = new Float64Array(steps);
  const weekday = new Int8Array(steps).fill(-1);
  const december = new Float64Array(steps);
  for (let t = 0; t < steps; t++) {
    const from = startOf(t);
    const days = Math.round((startOf(t + 1) - from) / dayMs);
    const middle = new Date(from + (days * dayMs) / 2);
    const newYear = Date.UTC(middle.getUTCFullYear(), 0, 1);
    ms[t] = from;
    ofYear[t] = (middle.getTime() - newYear) / (365.25 * dayMs);
    if (frequency === "D") weekday[t] = (middle.getUTCDay() + 6) % 7;
    let festive = 0;
    for (let day = 0; day < days; day++) {
      const date = new Date(from + day * dayMs);
      if (date.getUTCMonth() === 11 && date.getUTCDate() <= 24) festive += date.getUTCDate() / 16;
    }
    december[t] = festive / days;
  }
  return { ms, ofYear, weekday, december, stepDays: frequency === "D" ? 1 : frequency === "W" ? 7 : 30.4 };
}

function makeItem(random: Random, index: number, options: CatalogueOptions, isNew: boolean): CatalogueItem {
  const category = categories[random.below(categories.length)] ?? categories[0];
  const stepDays = options.frequency === "D" ? 1 : options.frequency === "W" ? 7 : 30.4;
  const intermittent = random.next() < (options.intermittent ?? 0.3);
  const perDay = intermittent ? Math.exp(-2.4 + 0.7 * random.normal()) : Math.exp(1 + 0.9 * random.normal());
  const late = random.next() < 0.15;
  const launch = late ? Math.floor(random.next() * 0.8 * options.length) : 0;
  return {
    id: `item_${String(index + 1).padStart(5, "0")}`,
    category: category.name,
    brand: brands[random.below(brands.length)] ?? brands[0],
    basePrice: Math.round(category.price * Math.exp(0.4 * random.normal()) * 100) / 100 || 0.01,
    elasticity: -0.8 - 1.6 * random.next(),
    uplift: 1.1 + 0.6 * random.next(),
    rate: perDay * stepDays,
    intermittent,
    launch: isNew ? options.length : launch,
  };
}

interface Drawn {
  readonly price: Float32Array;
  readonly promotion: Float32Array;
}

/** Prices hold for months; promotions come about eight times a year, last one or two weeks and cut the price by 10 to 30 %. */
function drawPrices(item: CatalogueItem, random: Random, steps: number, stepDays: number, priced: boolean): Drawn {
  const price = new Float32Array(steps);
  const promotion = new Float32Array(steps);
  let base = item.basePrice;
  let left = 0;
  let cut = 0;
  for (let t = 0; t < steps; t++) {
    if (random.next() < stepDays / 240) base = item.basePrice * (0.9 + 0.3 * random.next());
    if (left <= 0 && random.next() < (stepDays * 8) / 365) {
      left = Math.max(1, Math.round((7 + 7 * random.next()) / stepDays));
      cut = 0.1 + 0.2 * random.next();
    }
    const promoted = priced && left-- > 0;
    promotion[t] = promoted ? 1 : 0;
    price[t] = Math.max(0.01, Math.round((priced ? base * (promoted ? 1 - cut : 1) : item.basePrice) * 100) / 100);
  }
  return { price, promotion };
}

interface DemandDraw {
  readonly item: CatalogueItem;
  readonly random: Random;
  /** How much the store sells, about 1. */
  readonly size: number;
  readonly drawn: Drawn;
  readonly calendar: Calendar;
  readonly length: number;
}

function drawDemand({ item, random, size, drawn, calendar, length }: DemandDraw, into: Float64Array): void {
  const category = categories.find(({ name }) => name === item.category) ?? categories[0];
  const trend = 0.25 * random.normal();
  const launch = Math.min(item.launch, length);
  const years = 365.25 / calendar.stepDays;
  // Days are only partly independent of each other, so a longer step evens out less than their number says.
  const spread = calendar.stepDays ** 0.8;
  const stockOut = item.intermittent ? 0 : (0.004 * calendar.stepDays) / 7;
  let empty = 0;
  let drift = 0;
  into.fill(Number.NaN, 0, launch);
  for (let t = launch; t < into.length; t++) {
    drift = 0.98 * drift + 0.04 * random.normal();
    const age = (t - launch) / years;
    const season =
      1 +
      category.yearly * Math.cos(2 * Math.PI * ((calendar.ofYear[t] ?? 0) - category.peak)) +
      (category.december - 1) * (calendar.december[t] ?? 0);
    const day = calendar.weekday[t] ?? -1;
    const week = day < 0 ? 1 : day >= 5 ? category.weekend : (7 - 2 * category.weekend) / 5;
    const ratio = (drawn.price[t] ?? item.basePrice) / item.basePrice;
    const mean =
      item.rate *
      size *
      Math.exp(trend * (1 - Math.exp(-age / 2)) + drift) *
      Math.max(0.05, season) *
      week *
      ratio ** item.elasticity *
      ((drawn.promotion[t] ?? 0) > 0 ? item.uplift : 1);
    // An empty shelf sells nothing. It is drawn whether or not it is used, so that the rest of the stream stays where it is.
    const breaks = random.next() < stockOut;
    if (breaks && empty <= 0) empty = 1 + random.below(Math.max(1, Math.round(6 / calendar.stepDays)));
    const sold = drawCount(mean, (item.intermittent ? 1.2 : 5) * spread, random);
    into[t] = empty-- > 0 ? 0 : sold;
  }
}

/** A negative binomial count: Poisson with a gamma mean of shape `shape` (Greenwood & Yule 1920); by a rounded normal where the mean is large. */
function drawCount(mean: number, shape: number, random: Random): number {
  if (mean > 60) return Math.max(0, Math.round(mean + random.normal() * Math.sqrt(mean + (mean * mean) / (shape * 4))));
  let rate = (mean * drawGamma(shape, random)) / shape;
  // Knuth 1969, in parts of at most 30 so that exp(-rate) stays in range.
  let count = 0;
  while (rate > 0) {
    const part = Math.min(30, rate);
    rate -= part;
    const floor = Math.exp(-part);
    for (let product = random.next(); product > floor; product *= random.next()) count += 1;
  }
  return count;
}

/** Gamma by Marsaglia & Tsang 2000; shape >= 1. */
function drawGamma(shape: number, random: Random): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
