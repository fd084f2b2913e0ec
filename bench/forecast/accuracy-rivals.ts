// R's `forecast` package beside us: the same series, the same horizon, in the same run.
//
// R's `ets` takes half a second a series, so its answers are kept: under STOCKROOM_BENCH_CACHE, or `stockroom-rivals` in the system's temporary
// folder, one file for each method, keyed by what went in (values, lag, horizon) and the versions of R and the package. Delete the folder to have
// everything computed anew. `--no-r` uses what is kept and starts nothing.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

export type RivalMethod = "ets" | "thetaf" | "arima" | "snaive" | "stlm" | "tbats" | "croston";

/** What R said of one series; `lower` and `upper` are the ends of its 80 % interval and empty where the method has none. */
export interface RivalForecast {
  readonly mean: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly cpuSeconds: number;
}

export interface RivalTask {
  readonly values: Float64Array;
  readonly lag: number;
  readonly horizon: number;
}

export interface Rivals {
  readonly versions: string;
  /** One entry a task; undefined where R failed or was not asked. */
  readonly forecasts: readonly (RivalForecast | undefined)[];
  /** How many came from the cache. */
  readonly kept: number;
}

const script = path.join(import.meta.dirname, "rivals.R");
const numbers = (text: string): Float64Array => (text === "" ? new Float64Array(0) : Float64Array.from(text.trim().split(/ +/), Number));

/** The versions of R and of its package, or undefined where they are not installed. */
export function findR(): string | undefined {
  const asked = spawnSync("Rscript", [script, "none"], { input: "", encoding: "utf8" });
  if (asked.status !== 0) return undefined;
  const [, major, minor, version] = asked.stdout.trim().split("\t");
  return `R ${major}.${minor}, forecast ${version}`;
}

/** Forecasts each task with one method of R, from the cache where it has been done before. One process, one core. */
export async function runRival(method: RivalMethod, tasks: readonly RivalTask[], versions: string, start = true): Promise<Rivals> {
  const folder = process.env["STOCKROOM_BENCH_CACHE"] ?? path.join(os.tmpdir(), "stockroom-rivals");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${method}.tsv`);
  const known = new Map<string, RivalForecast | undefined>();
  if (existsSync(file)) {
    for (const line of readFileSync(file, "utf8").split("\n")) if (line.split("\t").length === 6) keep(line);
  }
  function keep(line: string): void {
    const [key, , seconds, mean, lower, upper] = line.split("\t");
    known.set(
      key,
      mean === "" ? undefined : { mean: numbers(mean), lower: numbers(lower), upper: numbers(upper), cpuSeconds: Number(seconds) },
    );
  }
  const lines = tasks.map((task) => `${task.lag}\t${task.horizon}\t${Array.from(task.values).join(" ")}`);
  const keys = lines.map((line) => createHash("sha1").update(`${versions}\n${line}`).digest("hex"));
  const missing = keys.flatMap((key, i) => (known.has(key) ? [] : [i]));
  if (missing.length > 0 && start) {
    const child = spawn("Rscript", [script, method], { stdio: ["pipe", "pipe", "ignore"] });
    child.stdin.end(missing.map((i) => `${keys[i]}\t${lines[i]}\n`).join(""));
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith("versions\t") || line.split("\t").length !== 6) continue;
      appendFileSync(file, `${line}\n`);
      keep(line);
    }
  }
  return { versions, forecasts: keys.map((key) => known.get(key)), kept: tasks.length - missing.length };
}
