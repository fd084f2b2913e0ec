// Accuracy of the whole pipeline beside R's `forecast` package, simple references and the published methods, on the same series in the same run.
//
//   node bench/forecast/accuracy.ts [--only m3,m4,demand,monthly,retail,hierarchy] [--sample N] [--no-r]
//
// Writes bench/results/forecast-accuracy-PART.md and .json. `--sample N` takes every N-th series; `--no-r` uses only what R said before (see
// accuracy-rivals.ts for where that is kept). No choice was made by these figures: the settings of the engine come from M1 and from backtests
// inside training parts, and are the same for every data set here.

import { parseArgs } from "node:util";
import type { Forecast } from "../../src/forecast/engine/contract.ts";
import { makeReconciler, type Method } from "../../src/forecast/engine/hierarchy/reconcile.ts";
import { croston, sba, tsb } from "../../src/forecast/engine/models/croston/croston.ts";
import { naive, snaive } from "../../src/forecast/engine/models/naive/naive.ts";
import { seriesAt } from "../../src/forecast/engine/panel/series.ts";
import { machine, type Result, type ResultTable, writeResult } from "../machine.ts";
import { type BenchSeries, needData, lagOf, readPublished, readSeries, seasonsOf } from "./accuracy-data.ts";
import { type Lot, makeLot, meanOfTwo, mixLot, modelLot, naive2Lot, pointForecast, scoreLot, scoreTable } from "./accuracy-lots.ts";
import { readOrangeJuice, readTurnover, readUci } from "./accuracy-retail.ts";
import { findR, type RivalForecast, type RivalMethod, runRival } from "./accuracy-rivals.ts";

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "m3,m4,demand,monthly,retail,hierarchy" },
    sample: { type: "string", default: "1" },
    "no-r": { type: "boolean", default: false },
  },
});
const folder = needData();
const sample = Number(flags.sample);
const versions = findR();
const frequencyOf = { YEARLY: "Y", QUARTERLY: "Q", MONTHLY: "M", WEEKLY: "W", DAILY: "D", HOURLY: "H", OTHER: "D" } as const;

/** The series of one period of a file as a lot. */
function lotOf(name: string, period: string, changes: { seasons?: readonly number[]; lag?: number; nonNegative?: boolean } = {}): Lot {
  const own = readSeries(folder, name).filter((each) => each.period === period);
  const taken = own.filter((_, i) => i % sample === 0);
  const unit = frequencyOf[period as keyof typeof frequencyOf];
  const shape = {
    name: `${name} ${period.toLowerCase()}`,
    horizon: taken[0].horizon,
    lag: changes.lag ?? lagOf[period],
    frequency: { unit, multiple: 1 },
    seasons: changes.seasons ?? seasonsOf[period],
    nonNegative: changes.nonNegative ?? true,
  };
  const plain = (each: BenchSeries) => ({
    item: each.id,
    values: each.train,
    ...(each.category === "" ? {} : { metadata: { category: each.category } }),
  });
  return makeLot(
    shape,
    taken.map(plain),
    taken.map((each) => each.test),
  );
}

/** What R says of a lot; undefined where R is not there or failed on a series. */
async function rival(method: RivalMethod, lot: Lot, lag: number): Promise<Forecast[] | undefined> {
  const tasks = lot.actuals.map((_, i) => ({ values: seriesAt(lot.panel, i).values, lag, horizon: lot.horizon }));
  const { forecasts } = await runRival(method, tasks, versions ?? "none", versions !== undefined && !flags["no-r"]);
  const known = forecasts.filter((each): each is RivalForecast => each !== undefined);
  if (known.length < forecasts.length) return undefined;
  return known.map(({ mean, lower, upper }) => ({
    mean,
    levels: [0.1, 0.5, 0.9],
    quantiles: Float64Array.from([...lower, ...mean, ...upper]),
  }));
}

async function rivals(lot: Lot, lag: number): Promise<Record<string, readonly Forecast[]>> {
  const ets = await rival("ets", lot, lag);
  const theta = await rival("thetaf", lot, lag);
  return {
    ...(ets === undefined ? {} : { "R ets": ets }),
    ...(theta === undefined ? {} : { "R thetaf": theta }),
    ...(ets === undefined || theta === undefined ? {} : { "mean of R ets and thetaf": ets.map((each, i) => meanOfTwo(each, theta[i])) }),
  };
}

/** Ours with the global model's own figures beside it. */
function ours(lot: Lot, windows: number, rows: number): Record<string, readonly Forecast[]> {
  const { forecasts, global } = mixLot(lot, windows, rows);
  const alone = global.filter((each): each is Forecast => each !== undefined);
  return { Stockroom: forecasts, ...(alone.length === forecasts.length ? { "Stockroom, global model alone": alone } : {}) };
}

/** Gain of ours on the best rival, by measure. */
function gain(
  lot: Lot,
  own: readonly Forecast[],
  other: readonly Forecast[],
  measure: "smape" | "mase" | "rmsse" | "wape" | "averageWql",
): string {
  const better = 1 - scoreLot(lot, own)[measure] / scoreLot(lot, other)[measure];
  return `${(100 * better).toFixed(1)} %`;
}

const about =
  "Every series is forecast from its training part alone by the pipeline a run uses: candidates by profile, backtests inside the training part, weights from them, conformal calibration. sMAPE in percent; the 80 % interval goes from p10 to p90; average wQL over p10, p50 and p90, pooled.";
const notMeasured = [
  "the held-out third of each data set",
  "R's auto.arima, tbats and bagged ETS",
  "time (bench/forecast has its own programs for it)",
];

function write(part: string, title: string, tables: ResultTable[], notes: string[]): void {
  const command = `node bench/forecast/accuracy.ts --only ${part}${sample > 1 ? ` --sample ${sample}` : ""}`;
  const result: Result = {
    title,
    about: `${about} Rival: ${versions ?? "R is not installed"}.`,
    command,
    tables,
    notes,
    notMeasured,
    machine: machine(["r-cran-forecast"]),
  };
  console.log(writeResult(`forecast-accuracy-${part}`, result));
}

async function m3(): Promise<void> {
  const tables: ResultTable[] = [];
  const notes: string[] = [];
  const published = readPublished(folder);
  for (const period of ["YEARLY", "QUARTERLY", "MONTHLY", "OTHER"]) {
    const lot = lotOf("m3", period);
    const others = await rivals(lot, lagOf[period]);
    const own = ours(lot, 1, 40_000);
    tables.push(scoreTable(`M3 ${period.toLowerCase()}`, lot, { ...own, ...others, Naive2: naive2Lot(lot) }));
    const mean = others["mean of R ets and thetaf"];
    if (mean !== undefined) {
      const [smape, mase] = (["smape", "mase"] as const).map((measure) => gain(lot, own["Stockroom"], mean, measure));
      notes.push(`M3 ${period.toLowerCase()}: sMAPE ${smape} and MASE ${mase} below the mean of R's ets and thetaf (target 3 %).`);
    }
    const rows = published.filter((each) => each.period === period && each.n > 0).toSorted((a, b) => a.smape - b.smape);
    tables.push({
      caption: `Published on all ${Math.max(...rows.map((row) => row.n))} series of M3 ${period.toLowerCase()}`,
      columns: ["method", "sMAPE", "MASE"],
      rows: rows.map((row) => [row.method, String(row.smape), String(row.mase)]),
    });
  }
  write("m3", "Accuracy on M3", tables, notes);
}

async function m4(): Promise<void> {
  const tables: ResultTable[] = [];
  const weekly = lotOf("m4_weekly", "WEEKLY");
  tables.push(scoreTable("M4 weekly", weekly, { ...ours(weekly, 2, 60_000), ...(await rivals(weekly, 1)), Naive2: naive2Lot(weekly) }));
  const hourly = lotOf("m4_hourly", "HOURLY");
  const theta = await rival("thetaf", hourly, 24);
  tables.push(
    scoreTable("M4 hourly", hourly, {
      ...ours(hourly, 2, 100_000),
      "Seasonal naive": modelLot(hourly, snaive),
      ...(theta === undefined ? {} : { "R thetaf": theta }),
      Naive2: naive2Lot(hourly),
    }),
  );
  write("m4", "Accuracy on M4 weekly and hourly", tables, [
    "Targets: OWA at most 0.75 weekly, 0.44 hourly. Published best: 0.739 and 0.410.",
  ]);
}

async function demand(): Promise<void> {
  const tables: ResultTable[] = [];
  const notes: string[] = [];
  const parts = lotOf("carparts", "MONTHLY");
  // A part that is no longer on sale has no actual to be judged by.
  const sold = parts.actuals.map((actual) => actual.some((value) => !Number.isNaN(value)));
  const uci = readUci(folder, 28, sample);
  for (const [caption, lot, which] of [
    ["Car parts", parts, sold],
    ["UCI Online Retail, daily", uci, undefined],
  ] as const) {
    const own = ours(lot, 2, 60_000);
    const references = { TSB: modelLot(lot, tsb), SBA: modelLot(lot, sba), Croston: modelLot(lot, croston), Naive: modelLot(lot, naive) };
    tables.push(scoreTable(caption, lot, { ...own, ...references, Naive2: naive2Lot(lot) }));
    for (const name of ["TSB", "SBA"] as const) {
      const [rmsse, wql] = (["rmsse", "averageWql"] as const).map((measure) => gain(lot, own["Stockroom"], references[name], measure));
      notes.push(`${caption}: RMSSE ${rmsse}, average wQL ${wql} below ${name} (target 5 %).`);
    }
    if (which !== undefined) notes.push(`${caption}: ${which.filter(Boolean).length} of ${which.length} series have actuals.`);
  }
  write("demand", "Accuracy on rare demand", tables, [
    ...notes,
    "TSB, SBA and Croston are the engine's own, parity-tested in their folder; their quantiles are their own too.",
  ]);
}

async function monthly(): Promise<void> {
  const tables: ResultTable[] = [];
  const hospital = lotOf("hospital", "MONTHLY");
  tables.push(
    scoreTable("Hospital", hospital, { ...ours(hospital, 1, 40_000), ...(await rivals(hospital, 12)), Naive2: naive2Lot(hospital) }),
  );
  const jewellery = lotOf("jewelry", "WEEKLY");
  tables.push(
    scoreTable("Jewellery, weekly", jewellery, {
      ...ours(jewellery, 2, 40_000),
      ...(await rivals(jewellery, 1)),
      Naive2: naive2Lot(jewellery),
    }),
  );
  const nn5 = lotOf("nn5", "DAILY", { lag: 7 });
  tables.push(scoreTable("NN5, daily", nn5, { ...ours(nn5, 2, 60_000), "Seasonal naive": modelLot(nn5, snaive), Naive2: naive2Lot(nn5) }));
  const m1: Lot[] = ["YEARLY", "QUARTERLY", "MONTHLY"].map((period) => lotOf("m1", period));
  for (const lot of m1) {
    tables.push(
      scoreTable(`M1 (settings were chosen here) ${lot.name.slice(3)}`, lot, {
        ...ours(lot, 1, 40_000),
        ...(await rivals(lot, lot.lag)),
        Naive2: naive2Lot(lot),
      }),
    );
  }
  write("monthly", "Accuracy on hospital, jewellery, NN5 and M1", tables, []);
}

function retail(): void {
  const plain = readOrangeJuice(folder, 8, false, sample);
  const priced = readOrangeJuice(folder, 8, true, sample);
  const without = ours(plain, 2, 60_000);
  const withPrices = ours(priced, 2, 60_000);
  const methods = {
    "Stockroom, prices known": withPrices["Stockroom"],
    ...(withPrices["Stockroom, global model alone"] === undefined
      ? {}
      : { "global model alone, prices known": withPrices["Stockroom, global model alone"] }),
    "Stockroom, no prices": without["Stockroom"],
    ...(without["Stockroom, global model alone"] === undefined
      ? {}
      : { "global model alone, no prices": without["Stockroom, global model alone"] }),
    Naive: modelLot(plain, naive),
    Naive2: naive2Lot(plain).map((each) => pointForecast(each.mean)),
  };
  const note = `Orange juice: WAPE ${gain(plain, withPrices["Stockroom"], without["Stockroom"], "wape")} below ours without prices (target 25 % below the best without).`;
  write("retail", "Accuracy on orange juice, with and without prices", [scoreTable("Orange juice, weekly", plain, methods)], [note]);
}

/** Forecasts of all nodes, made to agree from the bottom alone and by structural weights (MinT). */
function hierarchy(): void {
  const { lot, hierarchy: tree } = readTurnover(folder, 12, 240);
  const own = ours(lot, 1, 40_000);
  const base = own["Stockroom"];
  const means = Float64Array.from(base.flatMap((each) => [...each.mean]));
  const agreed = (method: Method): Forecast[] => {
    const all = makeReconciler(tree, { method, nonNegative: true }).apply(means, lot.horizon);
    return base.map((_, i) => pointForecast(all.slice(i * lot.horizon, (i + 1) * lot.horizon)));
  };
  const methods = { ...own, "bottom-up": agreed("bottom-up"), "MinT, structural": agreed("struct"), Naive2: naive2Lot(lot) };
  const tables = [scoreTable("ABS retail turnover, all nodes", lot, methods)];
  const total = (name: string, forecasts: readonly Forecast[]): (string | number)[] => [
    name,
    ...["0", "sums", "bottom"].map((which) =>
      (
        100 *
        scoreLot(lot, forecasts, (i) => (which === "0" ? i === 0 : which === "sums" ? i < tree.aggregates : i >= tree.aggregates)).wape
      ).toFixed(3),
    ),
  ];
  tables.push({
    caption: "WAPE by level, percent",
    columns: ["method", "total", `all ${tree.aggregates} sums`, `${tree.bottom} series`],
    rows: Object.entries(methods).map(([name, forecasts]) => total(name, forecasts)),
  });
  write("hierarchy", "Accuracy on a hierarchy", tables, ["Quantiles of the agreed forecasts are not scored here."]);
}

const parts: Readonly<Record<string, () => Promise<void> | void>> = { m3, m4, demand, monthly, retail, hierarchy };
for (const name of flags.only.split(",")) {
  const part = parts[name];
  if (part === undefined) throw new RangeError(`Expected parts among ${Object.keys(parts).join(", ")} but received ${name}.`);
  await part();
}
