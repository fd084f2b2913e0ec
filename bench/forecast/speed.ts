// How many series a second each model does on one core, beside R's `forecast` package on the same series in the same run.
//
//   node bench/forecast/speed.ts [--series 400] [--no-r]
//
// Measured: CPU seconds (user + system of this process; of R its own) of fitting one monthly series of about 100 points and forecasting 18 steps with
// an 80 % interval, one series after another in one thread, after a warm-up over the first twentieth; and the whole mix with three windows.
// Not measured: wall time, memory, several threads at once, accuracy (accuracy.ts), the time R takes to start.
// R's slower methods see fewer of the series (the table says how many).

import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { makeCatalogue } from "../../src/forecast/sample/catalogue.ts";
import { fitGlobal, forecastGlobal, forecastValues, makeRandom, makeSeries, models } from "../../src/forecast/library.ts";
import type { ModelName, Series } from "../../src/forecast/library.ts";
import { machine, writeResult, type Cell } from "../machine.ts";
import { findR, runRival, type RivalMethod } from "./accuracy-rivals.ts";

const { values: flags } = parseArgs({
  options: { series: { type: "string", default: "400" }, "no-r": { type: "boolean", default: false } },
});
const count = Number(flags.series);
if (!Number.isInteger(count) || count < 20) throw new Error(`Expected --series of at least 20 but "${flags.series}" came.`);

const horizon = 18;
const levels = [0.1, 0.5, 0.9];
const length = 104;

/** What the contract asks for on one core. */
const wanted: Partial<Record<ModelName, number>> = { ets: 100, theta: 2000, arima: 10 };
/** The same model in R, and on how many of the series it is run. */
const rivals: Partial<Record<ModelName, { readonly method: RivalMethod; readonly series: number }>> = {
  ets: { method: "ets", series: 40 },
  theta: { method: "thetaf", series: 200 },
  arima: { method: "arima", series: 12 },
  croston: { method: "croston", series: 100 },
  snaive: { method: "snaive", series: 100 },
  mstl: { method: "stlm", series: 40 },
};

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Series a second of CPU. */
function pace(work: (series: Series) => void, all: readonly Series[]): number {
  for (const one of all.slice(0, Math.ceil(all.length / 20))) work(one);
  const before = cpu();
  for (const one of all) work(one);
  return all.length / Math.max(1e-6, cpu() - before);
}

const panelOf = (intermittent: number, prices: boolean) =>
  makeCatalogue({ seed: 1, items: count, frequency: "M", length, horizon, intermittent, prices }).panel();
const smooth = panelOf(0, false);
const rare = panelOf(1, false);
const seriesOf = (panel: typeof smooth): Series[] =>
  Array.from({ length: count }, (_, s) => makeSeries(panel.values.subarray(panel.offsets[s], panel.offsets[s + 1]), { seasons: [12] }));
const seasonal = seriesOf(smooth);
const intermittent = seriesOf(rare);
const forRare = new Set<ModelName>(["croston", "sba", "tsb", "adida", "imapa", "npts"]);

const versions = flags["no-r"] ? undefined : findR();
const cache = mkdtempSync(path.join(os.tmpdir(), "forecast-speed-"));
process.env["STOCKROOM_BENCH_CACHE"] = cache;

const rows: Cell[][] = [];
try {
  for (const [name, model] of Object.entries(models)) {
    const all = forRare.has(model.name) ? intermittent : seasonal;
    let fitted = 0;
    const speed = pace((series) => {
      const result = model.fit(series, { horizon, random: makeRandom(1), nonNegative: true });
      if (result.kind === "unfit") return;
      result.forecast(horizon, levels);
      fitted += 1;
    }, all);
    const rival = rivals[model.name];
    let theirs: Cell = "";
    let shown: Cell = "";
    if (rival !== undefined && versions !== undefined) {
      const tasks = all
        .slice(0, Math.min(rival.series, all.length))
        .map(({ values }) => ({ values, lag: forRare.has(model.name) ? 1 : 12, horizon }));
      const { forecasts } = await runRival(rival.method, tasks, versions);
      const seconds = forecasts.reduce((sum, each) => sum + (each?.cpuSeconds ?? 0), 0);
      theirs = Number((tasks.length / Math.max(1e-6, seconds)).toPrecision(3));
      shown = tasks.length;
    }
    const target = wanted[model.name];
    rows.push([name, fitted === 0 ? "serves none" : Number(speed.toPrecision(3)), target ?? "", theirs, shown]);
    console.log(
      `${name}: ${speed.toFixed(1)} series/s${target === undefined ? "" : ` (wanted ${target})`}${theirs === "" ? "" : `, R ${theirs}`}`,
    );
  }
  const mix = pace(
    (series) => void forecastValues(series.values, { horizon, seasons: series.seasons, windows: 3 }),
    seasonal.slice(0, Math.ceil(count / 5)),
  );
  rows.push(["the mix, 3 windows", Number(mix.toPrecision(3)), "", "", ""]);
  console.log(`the mix, 3 windows: ${mix.toFixed(1)} series/s`);

  const priced = panelOf(0.3, true);
  const before = cpu();
  const global = fitGlobal(priced, { cut: length, horizon, levels, random: makeRandom(1), nonNegative: true });
  const learned = cpu();
  if (global.kind === "global") {
    forecastGlobal(global, priced, { from: 0, to: count }, { cut: length, horizon, levels });
    const told = `${(learned - before).toFixed(1)} s to learn from ${global.rows} rows, then ${(count / (cpu() - learned)).toFixed(0)} series/s`;
    rows.push(["global (forecast)", Number((count / (cpu() - learned)).toPrecision(3)), "", "", ""]);
    console.log(`global: ${told}`);
  }
} finally {
  rmSync(cache, { recursive: true, force: true });
}

writeResult("forecast-speed", {
  title: "Forecasting: series a second on one core",
  about: `${count} made-up monthly series of ${length} points (the intermittent models: as many that sell rarely), each fitted and forecast ${horizon} steps ahead with an 80 % interval; CPU seconds, one thread.`,
  command: `node bench/forecast/speed.ts --series ${count}`,
  tables: [{ caption: "Series per CPU second", columns: ["model", "ours", "wanted", "R", "series R saw"], rows }],
  notMeasured: [
    "wall time",
    "memory",
    "accuracy (see forecast-accuracy)",
    "R's start and its C code's threads",
    "augurs (Rust in WASM): 196 series/s for MSTL+ETS is its own claim, on its own machine",
  ],
  machine: { ...machine([]), rivals: versions === undefined ? {} : { R: versions } },
});
