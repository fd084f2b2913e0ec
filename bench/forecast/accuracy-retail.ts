// The retail tables of the accuracy benchmark as lots: items by place on one grid, the last steps held back.

import type { PlainSeries } from "../../src/forecast/engine/panel/make.ts";
import { type Hierarchy, hierarchyOf, sumUp } from "../../src/forecast/engine/hierarchy/structure.ts";
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

/** Retail turnover of Australia by state and industry, months: every sum and every series of the hierarchy as one lot, the sums first. */
export function readTurnover(folder: string, horizon: number, months: number): { lot: Lot; hierarchy: Hierarchy } {
  const rows = readRows(folder, "aus_retail.csv.gz");
  const instants = [...new Set(rows.map((row) => row["month"]))].toSorted().slice(-months);
  const at = new Map(instants.map((month, i) => [month, i]));
  const cells = new Map<string, Float64Array>();
  for (const row of rows) {
    const key = `${row["state"]}|${row["industry"]}`;
    let values = cells.get(key);
    if (values === undefined) cells.set(key, (values = new Float64Array(instants.length).fill(Number.NaN)));
    const step = at.get(row["month"]);
    if (step !== undefined) values[step] = Number(row["turnover_m_aud"]);
  }
  // A sum with a hole is none: series that do not cover all months are left out of the hierarchy.
  const whole = [...cells].filter(([, values]) => values.every((value) => !Number.isNaN(value)));
  const cut = instants.length - horizon;
  const shape = {
    lag: 12,
    horizon,
    frequency: { unit: "M", multiple: 1 } as const,
    startMs: Date.parse(`${instants[0]}T00:00:00Z`),
    seasons: [12],
  };
  const plain = whole.map(([key, values]): PlainSeries => {
    const [state, industry] = key.split("|");
    return { item: key, dimensions: { state, industry }, values: values.subarray(0, cut) };
  });
  const bottom = makeLot(
    { ...shape, name: "bottom", nonNegative: true },
    plain,
    whole.map(([, values]) => values.slice(cut)),
  );
  const hierarchy = hierarchyOf(bottom.panel, [[], ["state"], ["industry"]]);
  const all = sumUp(hierarchy, Float64Array.from(whole.flatMap(([, values]) => [...values])), instants.length);
  const nodes = Array.from({ length: hierarchy.nodes }, (_, i) => all.slice(i * instants.length, (i + 1) * instants.length));
  const lot = makeLot(
    { ...shape, name: "turnover", nonNegative: true },
    nodes.map((values, i) => ({ item: `node ${i}`, values: values.subarray(0, cut) })),
    nodes.map((values) => values.slice(cut)),
  );
  return { lot, hierarchy };
}
