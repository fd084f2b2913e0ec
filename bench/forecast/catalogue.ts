// A whole catalogue: daily series through every stage of a run, with pieces on disk, as `stockroom forecast run` does it.
//
//   node bench/forecast/catalogue.ts                                     30,490 series x 1,900 days, horizon 28, 3 windows, 2 threads
//   node bench/forecast/catalogue.ts --series 1000                       fewer, with what the whole would take by CPU seconds
//
// Measured: wall and CPU seconds (all threads) and peak memory of the run from the panel to the last table on disk, with `auto` models: every model
// that suits a series, the global one included, weighed over three windows.
// Not measured: making the sample panel, reading CSV (tables.ts), other machines; with --series the whole is an extrapolation, and says so.

import { createWriteStream } from "node:fs";
import { access, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { openCompute } from "../../src/platform/compute/index.ts";
import { makeLog } from "../../src/platform/log.ts";
import { makeCatalogue } from "../../src/forecast/sample/catalogue.ts";
import { openRun, rowsOf, tableBody } from "../../src/forecast/library.ts";
import type { ChunkStore, RunSettings, RunTable } from "../../src/forecast/library.ts";
import { cpuSeconds, measure, writeResult } from "../machine.ts";

const wanted = { series: 30_490, minutes: 20, mib: 4096 };

const { values: flags } = parseArgs({
  options: {
    series: { type: "string", default: String(wanted.series) },
    days: { type: "string", default: "1900" },
    horizon: { type: "string", default: "28" },
    windows: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
  },
});
const whole = (name: keyof typeof flags): number => {
  const value = Number(flags[name]);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`Expected --${name} to be a whole number above 0 but "${flags[name]}" came.`);
};
const [series, days, horizon, windows, threads] = (["series", "days", "horizon", "windows", "threads"] as const).map(whole);
const stores = 10;
const items = Math.ceil(series / stores);

const panel = makeCatalogue({ seed: 1, items, stores, frequency: "D", length: days, horizon }).panel();
const made = panel.itemIds.length;
const settings: RunSettings = {
  levels: [0.1, 0.5, 0.9],
  mean: true,
  windows,
  offset: horizon,
  models: "auto",
  nonNegative: true,
  seed: 1,
  hierarchy: [],
};

const folder = await mkdtemp(path.join(os.tmpdir(), "forecast-catalogue-"));
const chunks: ChunkStore = {
  has: (name) =>
    access(path.join(folder, name)).then(
      () => true,
      () => false,
    ),
  put: (name, bytes) => writeFile(path.join(folder, name), bytes),
  get: (name) => readFile(path.join(folder, name)),
};
const tables: readonly RunTable[] = ["forecast", "forecasted-values", "accuracy-metrics", "accuracy", "models"];
const stages: { name: string; wall: number; cpu: number }[] = [];
const compute = openCompute({ threads, log: makeLog({ level: "silent" }) });
try {
  const {
    wallSeconds,
    cpuSeconds: cpu,
    peakMiB,
    value,
  } = await measure(async () => {
    let last = { wall: performance.now(), cpu: cpuSeconds() };
    const mark = (name: string): void => {
      const now = { wall: performance.now(), cpu: cpuSeconds() };
      stages.push({ name, wall: (now.wall - last.wall) / 1000, cpu: now.cpu - last.cpu });
      console.log(`${name}: ${stages.at(-1)?.wall.toFixed(1)} s, CPU ${stages.at(-1)?.cpu.toFixed(1)} s`);
      last = now;
    };
    const run = await openRun(panel, settings, { compute, chunks });
    mark("hash the panel");
    await run.learn();
    mark("learn the global model (twice)");
    await run.try();
    mark("try the models");
    await run.plan();
    mark("plan weights and calibration");
    await run.mix();
    mark("mix");
    const result = run.result();
    for (const table of tables)
      await pipeline(
        Readable.from(tableBody(rowsOf(result, table)), { objectMode: false }),
        createWriteStream(path.join(folder, `${table}.csv`)),
      );
    mark("write the tables");
    return result.summary();
  });
  const scale = wanted.series / made;
  // What is learned once for all does not grow with the catalogue: its rows are bounded.
  const once = stages.filter(({ name }) => name.startsWith("learn")).reduce((sum, stage) => sum + stage.cpu, 0);
  const wholeCpu = (cpu - once) * scale + once;
  const exact = made >= wanted.series;
  const { accuracy } = value;
  console.log(
    `${made} series x ${days} days: ${wallSeconds.toFixed(0)} s, CPU ${cpu.toFixed(0)} s, peak ${peakMiB.toFixed(0)} MiB, WAPE ${accuracy?.wape.toFixed(3)}`,
  );
  if (!exact)
    console.log(
      `${wanted.series} series by CPU seconds: ${(wholeCpu / 60).toFixed(1)} min of CPU, ${(wholeCpu / 120).toFixed(1)} min on 2 cores`,
    );
  writeResult("forecast-catalogue", {
    title: "Forecasting: a whole catalogue",
    about: `${made} made-up daily series (${items} items x ${stores} stores, prices and promotions) of at most ${days} days, horizon ${horizon}, ${windows} windows, every model that suits a series and the global one, ${threads} threads, pieces and tables on disk.`,
    command: `node bench/forecast/catalogue.ts --series ${series} --days ${days} --horizon ${horizon} --windows ${windows} --threads ${threads}`,
    tables: [
      { caption: "Stages", columns: ["stage", "wall s", "CPU s"], rows: stages.map(({ name, wall, cpu: own }) => [name, wall, own]) },
      {
        caption: exact ? "The whole" : `The whole, and ${wanted.series} series by CPU seconds (an extrapolation)`,
        columns: ["figure", "measured", exact ? "wanted" : "extrapolated"],
        rows: [
          ["wall minutes on 2 cores", wallSeconds / 60, exact ? wanted.minutes : wholeCpu / 120],
          ["CPU minutes", cpu / 60, exact ? "" : wholeCpu / 60],
          ["peak MiB", peakMiB, exact ? wanted.mib : "not extrapolated"],
        ],
      },
      {
        caption: "Backtests, for what they are worth on made-up series",
        columns: ["WAPE", "average wQL", "MASE"],
        rows: accuracy === undefined ? [] : [[accuracy.wape, accuracy.averageWql, accuracy.mase]],
      },
    ],
    notMeasured: [
      "making the sample panel",
      "reading CSV (see tables)",
      "other machines and more cores",
      "accuracy on real series (see forecast-accuracy)",
    ],
  });
} finally {
  await compute.close();
  await rm(folder, { recursive: true, force: true });
}
