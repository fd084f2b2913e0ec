// The real series of the accuracy benchmark, read in place.
//
// The data lies outside the repository: in `forecast/` under STOCKROOM_DATA, or else under ../shared/data beside the repository.
// Its README says where each file comes from and under which licence. Nothing is copied from there.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { gunzipSync } from "node:zlib";

/** One series with the part that is known and the part to be forecast. */
export interface BenchSeries {
  readonly id: string;
  /** YEARLY, QUARTERLY, MONTHLY, WEEKLY, DAILY, HOURLY or OTHER. */
  readonly period: string;
  /** Field of the series in its source (MICRO, FINANCE); "" when none. */
  readonly category: string;
  readonly horizon: number;
  readonly train: Float64Array;
  readonly test: Float64Array;
}

/** The folder of the forecasting data; without it, says so and ends the program: a benchmark that has nothing to measure has not failed. */
export function needData(): string {
  const root = process.env["STOCKROOM_DATA"] ?? path.resolve(import.meta.dirname, "../../../shared/data");
  const folder = path.join(root, "forecast");
  if (!existsSync(path.join(folder, "m3.csv.gz"))) {
    console.log(
      "The benchmark needs the forecasting data in `forecast/` under STOCKROOM_DATA (or ../shared/data); there is none. Nothing was done.",
    );
    process.exit(0);
  }
  return folder;
}

/** The rows of a table by column name. Plain CSV without line breaks in fields, as the data's own script writes it. */
export function readRows(folder: string, file: string): Readonly<Record<string, string>>[] {
  const bytes = readFileSync(path.join(folder, file));
  const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  const [header, ...lines] = text.split("\n");
  const columns = splitLine(header);
  return lines.filter((line) => line !== "").map((line) => Object.fromEntries(splitLine(line).map((cell, i) => [columns[i], cell])));
}

function splitLine(line: string): string[] {
  if (!line.includes('"')) return line.split(",");
  const cells: string[] = [];
  const pattern = /(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g;
  for (const match of line.matchAll(pattern)) cells.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
  return cells;
}

const numbers = (text: string): Float64Array => (text === "" ? new Float64Array(0) : Float64Array.from(text.split(" "), Number));

/** The series of one of the files that hold a series a row: `m3`, `m1`, `m4_weekly`, `carparts` and so on. */
export function readSeries(folder: string, name: string): readonly BenchSeries[] {
  return readRows(folder, `${name}.csv.gz`).map((row) => ({
    id: row["series_id"],
    period: row["period"],
    category: row["category"] ?? "",
    horizon: Number(row["horizon"]),
    train: numbers(row["train"]),
    test: numbers(row["test"]),
  }));
}

/** The published results of 24 methods on all 3,003 series of M3. */
export function readPublished(folder: string): readonly { period: string; method: string; n: number; smape: number; mase: number }[] {
  return readRows(folder, "m3_published_methods.csv").map((row) => ({
    period: row["period"],
    method: row["method"],
    n: Number(row["n"]),
    smape: row["sMAPE"] === "" ? Number.NaN : Number(row["sMAPE"]),
    mase: row["MASE"] === "" ? Number.NaN : Number(row["MASE"]),
  }));
}

/** Seasonal lag of a period as M4 scores it; NN5, daily, is scored with 7. */
export const lagOf: Readonly<Record<string, number>> = { YEARLY: 1, QUARTERLY: 4, MONTHLY: 12, WEEKLY: 1, DAILY: 1, HOURLY: 24, OTHER: 1 };

/** Seasons a forecaster would name for a period. */
export const seasonsOf: Readonly<Record<string, readonly number[]>> = {
  YEARLY: [],
  QUARTERLY: [4],
  MONTHLY: [12],
  WEEKLY: [365.25 / 7],
  DAILY: [7, 365.25],
  HOURLY: [24, 168],
  OTHER: [],
};
