// Quantiles of the whole pipeline on every retail set and a promotion panel of our own: each tail against its nominal share, means against
// quantiles, the service that orders reach; the seasonal naive beside it.
//
//   node bench/forecast/calibration.ts [--sets oj,uci,...] [--origins 0,1,2] [--sample N] [--keep FILE]
//   node bench/forecast/calibration.ts --join NOW,NOW,... [--before BEFORE,BEFORE,...] [--missing SET,SET,...]
//
// `--keep` writes the rows to FILE instead, so that sets can be run one by one; `--join` makes the result of such files, beside those of another
// commit's program.
// Writes bench/results/forecast-calibration.md and .json. Origin 0 ends with the data; 1, 2, 3 lie as many horizons earlier, and settings were chosen
// by those alone. `--sample N` takes every N-th series of what each set gives by itself.

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Forecast } from "../../src/forecast/engine/contract.ts";
import { repeatSeason } from "../../src/forecast/engine/metrics/metrics.ts";
import { snaive } from "../../src/forecast/engine/models/naive/naive.ts";
import { seriesAt } from "../../src/forecast/engine/panel/series.ts";
import { proposeOrder } from "../../src/forecast/engine/replenish/proposal.ts";
import { inlineCompute } from "../../src/forecast/workflows/run/inline.ts";
import { memoryChunks } from "../../src/forecast/workflows/run/pieces.ts";
import { runForecast } from "../../src/forecast/workflows/run/run.ts";
import { type Cell, machine, writeResult } from "../machine.ts";
import { needData } from "./accuracy-data.ts";
import { type Lot, modelLot } from "./accuracy-lots.ts";
import { lotAt, retailSets } from "./retail-sets.ts";

/** Between p10, p50, p90 and p95, which are scored, others: how much of a sale that equals several quantiles lies in which tail is seen by them. */
const levels = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
const asked = 0.95;
/** Every so many series of a set, so that each is a hundred to two hundred. */
const thinned: Readonly<Record<string, number>> = { oj: 6, "oj-priced": 6, uci: 20, journey: 2, electronics: 15, jewelry: 2, carparts: 15 };

const { values: flags } = parseArgs({
  options: {
    sets: { type: "string", default: Object.keys(retailSets).join(",") },
    origins: { type: "string", default: "0,1,2" },
    sample: { type: "string", default: "1" },
    keep: { type: "string" },
    join: { type: "string" },
    before: { type: "string" },
    missing: { type: "string" },
  },
});

interface Score {
  points: number;
  below: number;
  above: number;
  ties: number;
  /** Points in each tail, those that equal quantiles by the share of them that lies there. */
  low: number;
  high: number;
  meanAbove: number;
  orders: number;
  served: number;
  pinball: number;
  actual: number;
  missed: number;
  error: number;
}
const noScore = (): Score => ({
  points: 0,
  below: 0,
  above: 0,
  ties: 0,
  low: 0,
  high: 0,
  meanAbove: 0,
  orders: 0,
  served: 0,
  pinball: 0,
  actual: 0,
  missed: 0,
  error: 0,
});

/**
 * Where a sale lies in what was forecast, from one probability to another: the same where it lies between two quantiles, a range where it equals some,
 * as nothing sold does on most days of a rare item. Its share of a tail is the chance that a uniform draw from the range lies there: the expectation of
 * the randomised probability integral transform (Czado, Gneiting and Held 2009). Whole numbers can hold nominal tails by no other measure: below a
 * p10 of zero there is nothing. Where an atom ends between two levels, half-way. `unit`: 1 for whole numbers, of which a quantile of 0.2 holds as many
 * as one of 0, else 0.
 */
function rangeOf({ levels: own, mean, quantiles }: Forecast, y: number, h: number, unit: number): readonly [number, number] {
  const at = (l: number): number => quantiles[l * mean.length + h];
  let first = 0;
  while (first < own.length && at(first) < y) first++;
  let next = first;
  while (next < own.length && (at(next) === y || at(next) < y + unit)) next++;
  const below = first === 0 ? 0 : own[first - 1];
  const above = next === own.length ? 1 : own[next];
  // No tie: a point between its neighbours, so on the same side of p10 and p90 as they are.
  if (next === first) return [(below + above) / 2, (below + above) / 2];
  return [y === 0 ? 0 : (below + own[first]) / 2, (own[next - 1] + above) / 2];
}

const shareBelow = ([from, to]: readonly [number, number], level: number): number =>
  from === to ? (from < level ? 1 : 0) : Math.max(0, Math.min(1, (level - from) / (to - from)));

function scoreOf(lot: Lot, forecasts: readonly (Forecast | undefined)[]): Score {
  const score = noScore();
  const unit = lot.panel.values.every((value) => Number.isNaN(value) || Number.isInteger(value)) ? 1 : 0;
  for (const [i, forecast] of forecasts.entries()) {
    const actual = lot.actuals[i];
    if (forecast === undefined) continue;
    const at = (level: number, h: number): number => forecast.quantiles[forecast.levels.indexOf(level) * lot.horizon + h];
    for (let h = 0; h < lot.horizon; h++) {
      const y = actual[h];
      if (Number.isNaN(y)) continue;
      score.points++;
      score.actual += Math.abs(y);
      score.missed += Math.abs(y - forecast.mean[h]);
      score.error += forecast.mean[h] - y;
      if (forecast.levels.length === 0) continue;
      if (y < at(0.1, h)) score.below++;
      if (y === at(0.1, h)) score.ties++;
      if (y > at(0.9, h)) score.above++;
      const range = rangeOf(forecast, y, h, unit);
      score.low += shareBelow(range, 0.1);
      score.high += 1 - shareBelow(range, 0.9);
      if (forecast.mean[h] > at(0.9, h)) score.meanAbove++;
      for (const level of [0.1, 0.5, 0.9]) {
        const gap = y - at(level, h);
        score.pinball += (2 / 3) * (gap > 0 ? level * gap : (level - 1) * gap);
      }
    }
    // An order now comes in a step and must last for two.
    const demand = actual[0] + actual[1];
    if (forecast.levels.length === 0 || Number.isNaN(demand)) continue;
    const service = { kind: "cycle", level: asked } as const;
    const { reorderPoint } = proposeOrder({ forecast, onHand: 0, leadTime: 1, reviewPeriod: 1, service });
    score.orders++;
    if (demand <= reorderPoint + 1e-9) score.served++;
  }
  return score;
}

async function forecastLot({ panel, horizon }: Lot): Promise<(Forecast | undefined)[]> {
  const settings = { levels, mean: true, windows: 3, offset: horizon, models: "auto", nonNegative: true, seed: 1, hierarchy: [] } as const;
  const result = await runForecast(panel, settings, { compute: inlineCompute(), chunks: memoryChunks() });
  const out: (Forecast | undefined)[] = [];
  for await (const { mixed } of result.series()) out.push(mixed.forecast);
  return out;
}

/** The seasonal naive with a random walk's spread where a whole season is known, and its point alone elsewhere. */
function naiveLot(lot: Lot, lag: number): readonly Forecast[] {
  const long = modelLot(lot, snaive);
  return lot.actuals.map((_, i) => {
    const { values } = seriesAt(lot.panel, i);
    if (values.length >= lag) {
      const { mean, quantiles } = long[i];
      // The lots' levels have no 95 %: as far again as a normal distribution has it.
      const wide = Float64Array.from({ length: lot.horizon }, (__, h) => mean[h] + 1.2835 * (quantiles[2 * lot.horizon + h] - mean[h]));
      return { mean, levels: [0.1, 0.5, 0.9, 0.95], quantiles: Float64Array.from([...quantiles, ...wide]) };
    }
    return { mean: repeatSeason(values, lag, lot.horizon), levels: [], quantiles: new Float64Array(0) };
  });
}

const percent = (part: number, whole: number): string => (whole > 0 ? (100 * (part / whole)).toFixed(1) : "");
const rowOf = (name: string, origin: string, method: string, score: Score, spread = true): Cell[] => [
  name,
  origin,
  method,
  spread ? percent(score.below, score.points) : "",
  spread ? percent(score.ties, score.points) : "",
  spread ? percent(score.above, score.points) : "",
  spread ? percent(score.meanAbove, score.points) : "",
  spread ? percent(score.served, score.orders) : "",
  spread ? (score.pinball / score.actual).toFixed(4) : "",
  percent(score.missed, score.actual),
  percent(score.error, score.actual),
  spread ? percent(score.low, score.points) : "",
  spread ? percent(score.high, score.points) : "",
];

/** The rows of a file that `--keep` or an older program wrote; and the commit they are of. */
function readKept(file: string): { readonly commit: string; readonly rows: readonly Cell[][] } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this program
  return JSON.parse(readFileSync(file, "utf8")) as { commit: string; rows: Cell[][] };
}

async function measure(): Promise<Cell[][]> {
  const folder = needData();
  const rows: Cell[][] = [];
  for (const name of flags.sets.split(",")) {
    const set = retailSets[name]?.(folder);
    if (set === undefined) throw new RangeError(`Expected sets among ${Object.keys(retailSets).join(", ")} but received ${name}.`);
    const all: Score = noScore();
    const pooled: Score = noScore();
    for (const origin of flags.origins.split(",")) {
      const lot = lotAt(set, Number(origin), (thinned[name] ?? 1) * Number(flags.sample));
      const own = scoreOf(lot, await forecastLot(lot));
      const naive = naiveLot(lot, set.lag);
      const other = scoreOf(lot, naive);
      rows.push(rowOf(`${set.name}, ${lot.actuals.length} series`, origin, "Stockroom", own));
      rows.push(
        rowOf(
          "",
          "",
          "seasonal naive",
          other,
          naive.every((each) => each.levels.length > 0),
        ),
      );
      for (const key of Object.keys(all) as (keyof Score)[]) {
        all[key] += own[key];
        pooled[key] += other[key];
      }
    }
    rows.push(rowOf(set.name, "all", "Stockroom", all), rowOf("", "all", "seasonal naive", pooled, false));
    console.log(rows.at(-2)?.join("  "));
  }
  return rows;
}

const list = (text: string | undefined): string[] => (text === undefined || text === "" ? [] : text.split(","));
const columns = [
  "set",
  "origin",
  "method",
  "below p10",
  "equal p10",
  "above p90",
  "mean > p90",
  "service",
  "wQL",
  "WAPE",
  "bias",
  "low tail",
  "high tail",
];
const about =
  "Shares of what came below p10 and above p90, percent (nominal 10 each; `equal p10` are ties, most of them zeros, which lie neither below nor above); `low tail` and `high tail` count a sale that equals quantiles by the share of it that lies in the tail (the expected randomised PIT), which alone is 10 each for whole numbers as for any; rows whose mean lies above p90; the share of cycles without running out when orders are for 95 % over a lead time and a review of one step each. The whole run with three windows.";

/** Pools and origins now, each followed by what the older program said of it. */
function joined(now: readonly Cell[][], before: readonly Cell[][]): Cell[][] {
  const place = (rows: readonly Cell[][], at: number): string => {
    let first = at;
    while (rows[first][0] === "") first--;
    return `${rows[first][0]}|${rows[first][1]}`;
  };
  const older = new Map(before.flatMap((row, at) => (row[2] === "Stockroom" ? [[place(before, at), row] as const] : [])));
  return now.flatMap((row, at) => {
    const was = row[2] === "Stockroom" ? older.get(place(now, at)) : undefined;
    const told = was?.slice(3) ?? [];
    // Older rows have fewer measures.
    const blank = Array.from({ length: columns.length - 3 - told.length }, () => "");
    return was === undefined ? [row] : [row, ["", "", "Stockroom, before", ...told, ...blank]];
  });
}

const kept = list(flags.join).map(readKept);
const older = list(flags.before).map(readKept);
const own = flags.join === undefined ? await measure() : kept.flatMap(({ rows }) => rows);
const machineNow = machine([]);
if (flags.keep !== undefined) {
  writeFileSync(flags.keep, JSON.stringify({ commit: machineNow.commit, rows: own }));
} else {
  const missing = flags.join === undefined ? [] : list(flags.missing);
  const commits = [...new Set(older.map(({ commit }) => commit))].join(", ");
  const measuredAt = kept.map(({ commit }) => commit).join(", ");
  const thin = Object.entries(thinned).map(([name, every]) => `${name} one in ${every}`);
  console.log(
    writeResult("forecast-calibration", {
      title: "Tails, means and service on retail data",
      about,
      command: `node bench/forecast/calibration.ts --origins ${flags.origins}${flags.sample === "1" ? "" : ` --sample ${flags.sample}`}`,
      tables: [
        {
          caption: "By set and origin",
          columns,
          rows: joined(
            own,
            older.flatMap(({ rows }) => rows),
          ),
        },
      ],
      notes: [
        "Origin 0 ends with the data; no setting was chosen by it. The others lie one and two horizons earlier.",
        `Series: ${thin.join(", ")}; the others in full.`,
        ...(measuredAt === "" ? [] : [`Set by set, in this order, at commit ${measuredAt}.`]),
        ...(commits === ""
          ? []
          : [
              `Before: the same series at commit ${commits}; orders then took errors of neighbouring steps to correlate by 0.3, now by 0.5.`,
            ]),
      ],
      notMeasured: ["the held-out third of each data set", ...missing],
      machine: machineNow,
    }),
  );
}
