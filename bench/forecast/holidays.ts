// Whether public holidays help: daily series of the shared data over spans that hold holidays, with the country's holidays and without.
//
//   node bench/forecast/holidays.ts [--sets uci,journey,nn5]
//
// Each span is forecast from what lay before it, by the whole run with two windows, twice: the same in all but `--holidays`. Beside it what repeating
// the last week would have had. Writes bench/results/forecast-holidays.md and .json. Nothing was chosen by these figures.

import { parseArgs } from "node:util";
import type { Forecast } from "../../src/forecast/engine/contract.ts";
import { daysOf, holidayRegressors } from "../../src/forecast/engine/calendar/holidays.ts";
import { repeatSeason } from "../../src/forecast/engine/metrics/metrics.ts";
import { seriesAt } from "../../src/forecast/engine/panel/series.ts";
import { holidaysOf } from "../../src/forecast/workflows/inputs/holidays.ts";
import { inlineCompute } from "../../src/forecast/workflows/run/inline.ts";
import { memoryChunks } from "../../src/forecast/workflows/run/pieces.ts";
import { runForecast } from "../../src/forecast/workflows/run/run.ts";
import { type Cell, machine, writeResult } from "../machine.ts";
import { needData, readRows, readSeries } from "./accuracy-data.ts";
import { type Lot, makeLot } from "./accuracy-lots.ts";

const dayMs = 86_400_000;
const horizon = 28;
/** Days around a holiday that count as near it: the window the engine looks at. */
const [before, after] = [3, 2];
/** A series sold on most days of its past, so that its WAPE tells of days and not of chance. */
const leastKnown = 100;

/** Daily series from one day on, and the days at which spans of four weeks begin. */
interface DailySet {
  readonly name: string;
  readonly country: string;
  readonly startMs: number;
  readonly seasons: readonly number[];
  readonly series: ReadonlyMap<string, Float64Array>;
  readonly spans: readonly string[];
}

/** Sums by key and day; days without a row are nothing sold. Keys that sold on fewer than two thirds of the days with any sale are left out, and of the others all but each `every`-th. */
function daily(
  rows: readonly { readonly key: string; readonly day: string; readonly sold: number }[],
  every = 1,
): Pick<DailySet, "startMs" | "series"> {
  const days = rows.map(({ day }) => Date.parse(`${day.slice(0, 10)}T00:00:00Z`) / dayMs);
  const first = days.reduce((least, day) => Math.min(least, day), Number.POSITIVE_INFINITY);
  const length = days.reduce((most, day) => Math.max(most, day), 0) - first + 1;
  const open = new Set(days).size;
  const series = new Map<string, Float64Array>();
  for (const [i, { key, sold }] of rows.entries()) {
    let values = series.get(key);
    if (values === undefined) series.set(key, (values = new Float64Array(length)));
    values[days[i] - first] += sold;
  }
  for (const [key, values] of series) if (values.filter((value) => value > 0).length < (2 / 3) * open) series.delete(key);
  return { startMs: first * dayMs, series: new Map([...series].filter((_, i) => i % every === 0)) };
}

const sets: Readonly<Record<string, (folder: string) => DailySet>> = {
  uci: (folder) => ({
    name: "UCI, families",
    country: "GB",
    seasons: [7],
    spans: ["2011-04-11", "2011-05-16", "2011-08-15"],
    ...daily(
      readRows(folder, "uci_target.csv.gz").map((row) => ({
        key: `${row["item_id"].slice(0, 3)}|${row["location"]}`,
        day: row["timestamp"],
        sold: Number(row["demand"]),
      })),
      3,
    ),
  }),
  journey: (folder) => {
    const department = new Map(readRows(folder, "cj_products.csv.gz").map((row) => [row["product_id"], row["department"]]));
    return {
      name: "Complete Journey, departments",
      country: "US",
      seasons: [7],
      spans: ["2017-06-19", "2017-08-21", "2017-11-06", "2017-12-04"],
      ...daily(
        readRows(folder, "cj_transactions.csv.gz")
          .map((row) => ({
            key: department.get(row["product_id"]) ?? "",
            day: row["timestamp"],
            sold: Number(row["quantity"]),
          }))
          // Fuel is counted in hundredths, by the thousand.
          .filter(({ key }) => !/FUEL|COUPON|MISC|^$/.test(key)),
      ),
    };
  },
  nn5: (folder) => ({
    name: "NN5, cash machines",
    country: "GB",
    startMs: Date.UTC(1996, 2, 18),
    seasons: [7, 365.25],
    spans: ["1997-12-08", "1998-03-23", "1998-04-20"],
    series: new Map(
      readSeries(folder, "nn5")
        .filter((_, i) => i % 6 === 0)
        .map((row) => [row.id, Float64Array.from([...row.train, ...row.test])]),
    ),
  }),
};

/** The set as it stood at the beginning of a span. */
function lotAt(set: DailySet, span: string): Lot {
  const cut = (Date.parse(`${span}T00:00:00Z`) - set.startMs) / dayMs;
  const known = [...set.series].filter(([, values]) => values.length >= cut + horizon && cut >= leastKnown);
  const shape = { frequency: { unit: "D", multiple: 1 }, startMs: set.startMs, seasons: set.seasons, nonNegative: true } as const;
  return makeLot(
    { name: set.name, horizon, lag: 7, ...shape },
    known.map(([item, values]) => ({ item, values: values.slice(0, cut) })),
    known.map(([, values]) => values.slice(cut, cut + horizon)),
  );
}

async function forecastLot(lot: Lot, country: string | undefined): Promise<readonly (Forecast | undefined)[]> {
  const { from, to } = daysOf(lot.panel.grid);
  const panel =
    country === undefined ? lot.panel : { ...lot.panel, shared: holidayRegressors(lot.panel.grid, holidaysOf(country, from, to)) };
  const settings = {
    levels: [0.1, 0.5, 0.9],
    mean: true,
    windows: 2,
    offset: horizon,
    models: "auto",
    nonNegative: true,
    seed: 1,
  } as const;
  const result = await runForecast(panel, { ...settings, hierarchy: [] }, { compute: inlineCompute(), chunks: memoryChunks() });
  const out: (Forecast | undefined)[] = [];
  for await (const { mixed } of result.series()) out.push(mixed.forecast);
  return out;
}

/** WAPE of all steps, of those near a holiday, of holidays themselves; and wQL, in percent. */
function scores(lot: Lot, forecasts: readonly (Forecast | undefined)[], holidays: ReadonlySet<number>): Cell[] {
  const first = daysOf(lot.panel.grid).from + lot.panel.grid.length;
  const near = (h: number): boolean =>
    Array.from({ length: before + after + 1 }, (_, k) => first + h - after + k).some((day) => holidays.has(day));
  const parts = { all: [0, 0], near: [0, 0], on: [0, 0], loss: [0, 0] };
  for (const [i, forecast] of forecasts.entries()) {
    if (forecast === undefined) continue;
    for (let h = 0; h < horizon; h++) {
      const y = lot.actuals[i][h];
      if (Number.isNaN(y)) continue;
      const add = (part: number[], missed: number): void => {
        part[0] += missed;
        part[1] += Math.abs(y);
      };
      const missed = Math.abs(y - forecast.mean[h]);
      add(parts.all, missed);
      if (near(h)) add(parts.near, missed);
      // Nothing is sold on closed days: their errors are told beside what the span's other days sold.
      if (holidays.has(first + h)) parts.on[0] += missed;
      for (const [l, level] of forecast.levels.entries()) {
        const gap = y - forecast.quantiles[l * horizon + h];
        parts.loss[0] += (2 / 3) * Math.max(level * gap, (level - 1) * gap);
      }
    }
  }
  const share = (missed: number, whole: number): string => (whole > 0 ? ((100 * missed) / whole).toFixed(1) : "");
  const { all, near: close, on, loss } = parts;
  return [share(all[0], all[1]), share(close[0], close[1]), share(on[0], all[1]), loss[0] > 0 ? share(loss[0], all[1]) : ""];
}

const { values: flags } = parseArgs({ options: { sets: { type: "string", default: Object.keys(sets).join(",") } } });
const folder = needData();
const rows: Cell[][] = [];
for (const name of flags.sets.split(",")) {
  const set = sets[name]?.(folder);
  if (set === undefined) throw new RangeError(`Expected sets among ${Object.keys(sets).join(", ")} but received ${name}.`);
  for (const span of set.spans) {
    const lot = lotAt(set, span);
    const day = Date.parse(`${span}T00:00:00Z`) / dayMs;
    const ahead = holidaysOf(set.country, day, day + horizon);
    const days = new Set(ahead.flatMap((each) => Array.from({ length: each.days }, (_, k) => each.day + k)));
    const naive = lot.actuals.map((_, i): Forecast => {
      const mean = repeatSeason(seriesAt(lot.panel, i).values, 7, horizon);
      return { mean, levels: [], quantiles: new Float64Array(0) };
    });
    const names = [...new Set(ahead.map((each) => each.name))].join(", ");
    rows.push([
      `${set.name}, ${lot.actuals.length} series`,
      span,
      names,
      "with holidays",
      ...scores(lot, await forecastLot(lot, set.country), days),
    ]);
    rows.push(["", "", "", "without", ...scores(lot, await forecastLot(lot, undefined), days)]);
    rows.push(["", "", "", "last week again", ...scores(lot, naive, days)]);
    console.log(
      rows
        .slice(-3)
        .map((row) => row.join("  "))
        .join("\n"),
    );
  }
}
console.log(
  writeResult("forecast-holidays", {
    title: "Public holidays on real daily series",
    about: `Spans of ${horizon} days that hold public holidays, each forecast from what lay before it by the whole run with two windows: with the holidays of the country and without. WAPE in percent: of all days; of days from ${before} before to ${after} after a holiday; the error on the holidays themselves as a share of what the whole span sold (shops may be closed on them). wQL over p10, p50 and p90.`,
    command: `node bench/forecast/holidays.ts --sets ${flags.sets}`,
    tables: [
      {
        caption: "By set and span",
        columns: ["set", "span from", "holidays ahead", "forecast", "WAPE", "WAPE near holidays", "missed on holidays", "wQL"],
        rows,
      },
    ],
    notes: [
      "UCI (a year) and Complete Journey (2017) hold each holiday once: what is known of one ahead is what the others did.",
      "UCI: every third family, NN5: every sixth series; cash drawn, not sales; Christmas and Easter were seen once or twice before.",
    ],
    notMeasured: ["a shop's own events", "a second year of daily retail sales: no shared set has one"],
    machine: machine([]),
  }),
);
