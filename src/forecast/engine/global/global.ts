// The global model: one forest of trees learned across all series of a panel, for every step of the horizon at once.
//
// Owns: fitting over past origins, forecasting from a cut, cold starts. Does not own: backtests, mixing with local models, calibration.
//   L1. Direct, never recursive: the step ahead is a feature and lags count from the origin, so no forecast is fed on another.
//   L2. A model is plain data (structured clone, bytes.ts). Fitted at an early cut it serves later ones: features move on, trees stay.
//   L3. The mean is learned on demand divided by the series' level: Tweedie deviance on the log link where demand cannot be negative,
//       squared error otherwise. Quantiles are learned for a few levels, interpolated on the normal scale and sorted.
//   L4. Series without demand are forecast from categories, prices and calendar, at the level of similar series: some rows are taught so.
//
// Sources: Januschowski et al. 2022, "Forecasting with trees"; Montero-Manso & Hyndman 2021, "Principles and algorithms for forecasting groups of
// time series"; Makridakis et al. 2022 on the M5 competition (Tweedie loss, direct models, calendar and price features).

import type { Random } from "../../../base/random.ts";
import type { Forecast, Panel, Unfit } from "../contract.ts";
import { normalQuantile } from "../numerics/normal.ts";
import { findEdges } from "./bins.ts";
import { boostMean, boostQuantiles } from "./boost.ts";
import type { BoostOptions, Labels } from "./boost.ts";
import { openPanel, openSeries, writeRow } from "./features.ts";
import type { Reader } from "./features.ts";
import { meanOf } from "./losses.ts";
import type { MeanLoss } from "./losses.ts";
import { makePlan } from "./plan.ts";
import type { Plan } from "./plan.ts";
import { binRows, drawRows } from "./rows.ts";
import type { Drawn } from "./rows.ts";
import { walkForest } from "./trees.ts";
import type { Columns, Forest } from "./trees.ts";

export interface GlobalOptions {
  /** Grid index: demand before it is learned from, nothing at or after it is read. */
  readonly cut: number;
  /** Steps that will be asked for, at most. */
  readonly horizon: number;
  /** Levels that will be asked for; others are interpolated. Ascending, strictly between 0 and 1. */
  readonly levels: readonly number[];
  readonly random: Random;
  readonly nonNegative: boolean;
  /** Most training rows. Default 400,000: time and memory go with it. */
  readonly rows?: number;
  /** Settings of the trees; defaults were chosen on backtests inside training parts. */
  readonly tuning?: Partial<Tuning>;
}

export interface Tuning extends BoostOptions {
  readonly power: number;
  readonly quantileTrees: number;
  readonly bins: number;
  /** Rows count with the level of their series to this power: 0 counts series alike, 1 units. */
  readonly weightPower: number;
  readonly coldShare: number;
  /** Learn once more with the rows that said when to stop. */
  readonly refit: boolean;
  readonly ratio: boolean;
  readonly perLevel: boolean;
}

export const tunings: Tuning = {
  trees: 150,
  leaves: 31,
  depth: 10,
  l2: 1,
  minChild: 30,
  rate: 0.08,
  rowShare: 0.6,
  featureShare: 0.6,
  patience: 20,
  power: 1.5,
  quantileTrees: 150,
  bins: 100,
  weightPower: 0.5,
  coldShare: 0.05,
  refit: false,
  ratio: false,
  perLevel: false,
};

/** A fitted global model: plain data. */
export interface GlobalModel {
  readonly kind: "global";
  readonly plan: Plan;
  readonly edges: readonly Float32Array[];
  readonly loss: MeanLoss;
  readonly mean: Forest;
  /** Levels of the outputs of `quantiles`. */
  readonly levels: readonly number[];
  readonly quantiles: Forest;
  readonly nonNegative: boolean;
  /** The level from which `level beside others` is measured. */
  readonly typical: number;
  readonly ratio: boolean;
  /** What it was learned from, for reports. */
  readonly rows: number;
}

const leastRows = 50;

/** Levels learned when more than five are asked for. */
const nodes = [0.025, 0.1, 0.3, 0.5, 0.7, 0.9, 0.975];

/**
 * Learns one model across all series of a panel.
 *
 * Time: about 0.3 s CPU per 1,000 rows of the default 400,000 at most; memory about 350 bytes a row. `Unfit` where the panel has too few values.
 */
export function fitGlobal(panel: Panel, options: GlobalOptions): GlobalModel | Unfit {
  const { cut, horizon, random, nonNegative } = options;
  const tuning = { ...tunings, ...options.tuning };
  const budget = options.rows ?? 400_000;
  const plan = makePlan(panel, cut, horizon);
  const reach = Math.max(400, 10 * horizon, 3 * (plan.seasons.at(-1) ?? 0));
  const longest = Math.min(cut, longestHistory(panel, cut));
  const tail = longest >= 4 * horizon + 4 ? horizon : 0;
  const reader = openPanel(plan, panel, { cut, from: Math.max(0, cut - reach), to: cut });
  const drawn = drawRows(
    reader,
    { cut, tail, rows: budget, tailRows: budget / 5, coldShare: tuning.coldShare, reach },
    random.fork("rows"),
  );
  if (drawn.train < leastRows) {
    return {
      kind: "unfit",
      reason: `A global model wants at least ${leastRows} known steps to learn from but the panel has ${drawn.train} before the cut.`,
    };
  }
  const negative = !nonNegative || drawn.targets.some((each) => each < 0);
  const loss: MeanLoss = negative ? { kind: "squared" } : { kind: "tweedie", power: tuning.power };
  const weights = weigh(drawn, reader.typical, tuning.weightPower);
  const { columns, edges } = binColumns(plan, drawn, tuning.bins);
  const labels: Labels = { targets: drawn.targets, weights, train: drawn.train };
  let mean = boostMean(columns, labels, loss, tuning, random.fork("mean"));
  if (tuning.refit && drawn.rows > drawn.train) {
    mean = boostMean(
      columns,
      { ...labels, train: drawn.rows },
      loss,
      { ...tuning, trees: Math.ceil(mean.roots.length * 1.1) },
      random.fork("mean"),
    );
  }
  const levels = learnedLevels(options.levels);
  let target = labels;
  if (tuning.ratio) {
    const fitted = new Float64Array(drawn.rows);
    const t2 = new Float32Array(drawn.rows);
    const w2 = new Float32Array(drawn.rows);
    const rowBins = new Uint8Array(drawn.rows * plan.features.length);
    binRows(plan, edges, drawn.features, drawn.rows, rowBins);
    walkForest(mean, rowBins, plan.features.length, drawn.rows, fitted);
    for (let i = 0; i < drawn.rows; i++) {
      const m = meanOf(loss, fitted[i]);
      t2[i] = negative ? drawn.targets[i] - m : drawn.targets[i] / m;
      w2[i] = negative ? weights[i] : weights[i] * m;
    }
    target = { targets: t2, weights: w2, train: drawn.train };
  }
  let quantiles = boostQuantiles(columns, target, levels, { ...tuning, trees: tuning.quantileTrees }, random.fork("quantiles"));
  if (tuning.refit && drawn.rows > drawn.train) {
    quantiles = boostQuantiles(
      columns,
      { ...target, train: drawn.rows },
      levels,
      { ...tuning, trees: Math.ceil(quantiles.roots.length * 1.1) },
      random.fork("quantiles"),
    );
  }
  return {
    kind: "global",
    plan,
    edges,
    loss,
    mean,
    levels,
    quantiles,
    nonNegative,
    typical: reader.typical,
    ratio: tuning.ratio,
    rows: drawn.train,
  };
}

function longestHistory(panel: Panel, cut: number): number {
  let longest = 0;
  for (let i = 0; i + 1 < panel.offsets.length; i++) {
    longest = Math.max(longest, panel.offsets[i + 1] - panel.offsets[i] + cut - panel.grid.length);
  }
  return longest;
}

// Within a factor of 30 of the typical series: one giant may not be all that is learned.
const weightBound = 30;

function weigh(drawn: Drawn, typical: number, power: number): Float32Array {
  const weights = new Float32Array(drawn.rows);
  for (let r = 0; r < drawn.rows; r++) {
    weights[r] = Math.pow(Math.max(1 / weightBound, Math.min(weightBound, drawn.levels[r] / typical)), power);
  }
  return weights;
}

function binColumns(plan: Plan, drawn: Drawn, most: number): { columns: Columns; edges: Float32Array[] } {
  const width = plan.features.length;
  const { rows, train, features } = drawn;
  const coded = width - plan.categories.length;
  const edges: Float32Array[] = [];
  const bins = new Uint8Array(width * rows);
  const binCounts = new Uint16Array(width);
  const categorical = new Uint8Array(width);
  for (let f = 0; f < width; f++) {
    categorical[f] = plan.features[f].categorical ? 1 : 0;
    if (f < coded) edges.push(findEdges(features, width, train, f, most));
    binCounts[f] = f < coded ? edges[f].length + 2 : plan.categories[f - coded].levels.length + 1;
  }
  const rowBins = new Uint8Array(width * rows);
  binRows(plan, edges, features, rows, rowBins);
  for (let r = 0; r < rows; r++) for (let f = 0; f < width; f++) bins[f * rows + r] = rowBins[r * width + f];
  return { columns: { rows, bins, binCounts, categorical }, edges };
}

function learnedLevels(asked: readonly number[]): readonly number[] {
  if (asked.length > 5) return nodes;
  return asked.length === 0 ? [0.5] : asked;
}

/** A model made ready for one panel at one cut, for many calls of `forecastReady`. Holds scratch memory: one thread only. */
export interface ReadyGlobal {
  readonly model: GlobalModel;
  readonly reader: Reader;
  readonly cut: number;
}

/** Makes a model ready to forecast a panel from a cut. Reads the panel once (levels of similar series, regressors of others). */
export function readyGlobal(model: GlobalModel, panel: Panel, cut: number): ReadyGlobal {
  const reader = openPanel(model.plan, panel, { cut, from: cut, to: cut + model.plan.horizon }, model.typical);
  return { model, reader, cut };
}

/** Forecasts series `[from, to)` of a ready panel, in order. `horizon` at most that of the model. */
export function forecastReady(
  ready: ReadyGlobal,
  range: { readonly from: number; readonly to: number },
  horizon: number,
  levels: readonly number[],
): Forecast[] {
  const { model, reader, cut } = ready;
  const width = model.plan.features.length;
  const features = new Float32Array(horizon * width);
  const bins = new Uint8Array(horizon * width);
  const scores = new Float64Array(horizon);
  const outputs = model.levels.length;
  const learned = new Float64Array(horizon * outputs);
  const forecasts: Forecast[] = [];
  const mixing = mixLevels(model.levels, levels);
  for (let i = range.from; i < range.to; i++) {
    openSeries(reader, i, cut);
    let level = 1;
    for (let h = 0; h < horizon; h++) level = writeRow(reader, cut, h + 1, false, features, h * width);
    binRows(model.plan, model.edges, features, horizon, bins);
    walkForest(model.mean, bins, width, horizon, scores);
    walkForest(model.quantiles, bins, width, horizon, learned);
    const mean = new Float64Array(horizon);
    const quantiles = new Float64Array(levels.length * horizon);
    for (let h = 0; h < horizon; h++) {
      mean[h] = finish(model, meanOf(model.loss, scores[h]) * level);
      const row = learned.subarray(h * outputs, (h + 1) * outputs).sort();
      for (let q = 0; q < levels.length; q++) {
        const { low, high, share } = mixing[q];
        const value = row[low] + share * (row[high] - row[low]);
        const m = meanOf(model.loss, scores[h]);
        quantiles[q * horizon + h] = finish(model, (model.ratio ? (model.loss.kind === "squared" ? m + value : m * value) : value) * level);
      }
    }
    forecasts.push({ mean, quantiles, levels });
  }
  return forecasts;
}

/** Forecasts series `[from, to)` of a panel from `cut`; see `readyGlobal` for many calls. */
export function forecastGlobal(
  model: GlobalModel,
  panel: Panel,
  range: { readonly from: number; readonly to: number },
  options: { readonly cut: number; readonly horizon: number; readonly levels: readonly number[] },
): Forecast[] {
  return forecastReady(readyGlobal(model, panel, options.cut), range, options.horizon, options.levels);
}

function finish(model: GlobalModel, value: number): number {
  const bounded = Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
  return model.nonNegative && bounded < 0 ? 0 : bounded;
}

interface Mix {
  readonly low: number;
  readonly high: number;
  /** 0 is all `low`; outside of 0..1 it goes on in a straight line beyond the outermost learned levels. */
  readonly share: number;
}

/** How each asked level is made of two learned ones: a straight line over normal scores. */
function mixLevels(learned: readonly number[], asked: readonly number[]): readonly Mix[] {
  return asked.map((level) => {
    if (learned.length === 1) return { low: 0, high: 0, share: 0 };
    let high = 1;
    while (high < learned.length - 1 && learned[high] < level) high++;
    const low = high - 1;
    const from = normalQuantile(learned[low]);
    return { low, high, share: (normalQuantile(level) - from) / (normalQuantile(learned[high]) - from) };
  });
}
