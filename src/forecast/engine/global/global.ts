// The global model: one forest of trees learned across all series of a panel, for every step of the horizon at once.
//
// Owns: fitting over past origins, forecasting from a cut, cold starts. Does not own: backtests, mixing with local models, calibration.
//   L1. Direct, never recursive: the step ahead is a feature and lags count from the origin, so no forecast is fed on another.
//   L2. A model is plain data (structured clone, bytes.ts). Fitted at an early cut it serves later ones: features move on, trees stay.
//   L3. The mean is learned on demand divided by the series' level: Tweedie deviance on the log link where demand cannot be negative,
//       squared error otherwise. Quantiles are learned for a few levels, interpolated on the normal scale and sorted.
//   L4. The two forests learn apart, and where few rows are like the one asked about they contradict each other. The mean's is balanced by its loss
//       and serves better, so quantiles are moved to where their own mean is that one. Not where p10 is zero: of rare sales a mean tells no median.
//   L5. Series without demand are forecast from categories, prices and calendar, at the level of similar series: some rows are taught so.
//
// Sources: Januschowski et al. 2022, "Forecasting with trees"; Montero-Manso & Hyndman 2021, "Principles and algorithms for forecasting groups of
// time series"; Makridakis et al. 2022 on the M5 competition (Tweedie loss, direct models, calendar and price features).

import type { Random } from "../../../platform/random.ts";
import type { Forecast, Panel, Unfit } from "../contract.ts";
import { middleOfLevels } from "../numerics/levels.ts";
import { normalQuantile } from "../numerics/normal.ts";
import { findEdges } from "./bins.ts";
import { boostMean, boostQuantiles } from "./boost.ts";
import type { BoostOptions, Labels } from "./boost.ts";
import { openPanel, openSeries, writeRow } from "./features.ts";
import type { Reader } from "./features.ts";
import { meanOf, weightedQuantile } from "./losses.ts";
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

/** Settings of the trees and of the rows they are taught by. */
export interface Tuning extends BoostOptions {
  /** Of the Tweedie deviance, 1 (Poisson) to below 2. */
  readonly power: number;
  /** Most ranges of a feature. */
  readonly bins: number;
  /** Rows count with the level of their series to this power: 0 counts series alike, 1 units. */
  readonly weightPower: number;
  /** Share of rows taught as if their series were new. */
  readonly coldShare: number;
  /** Most origins from which one target is seen. */
  readonly perTarget: number;
}

/** The defaults, one set for all panels. */
const tunings: Tuning = {
  trees: 250,
  leaves: 31,
  depth: 10,
  l2: 1,
  minChild: 50,
  rate: 0.05,
  rowShare: 0.6,
  featureShare: 0.6,
  patience: 40,
  power: 1.5,
  bins: 100,
  weightPower: 0.5,
  coldShare: 0.05,
  perTarget: 3,
};

/** A fitted global model: plain data. */
export interface GlobalModel {
  readonly kind: "global";
  readonly plan: Plan;
  /** Bounds of the bins of every feature that is not a category. */
  readonly edges: readonly Float32Array[];
  readonly loss: MeanLoss;
  readonly mean: Forest;
  /** Levels of the outputs of `quantiles`, ascending. */
  readonly levels: readonly number[];
  readonly quantiles: Forest;
  /** By how much the distance of each learned level from the middle one is stretched. */
  readonly widths: Float64Array;
  readonly nonNegative: boolean;
  /** The level from which `level beside others` is measured. */
  readonly typical: number;
  /** How many rows taught it. */
  readonly rows: number;
}

const leastRows = 50;
/** Fewer rows than this neither say when to stop nor stretch quantiles. */
const leastTail = 100;
/** Share of the row budget from which scouts learn. */
const scoutShare = 0.35;
/** Trees where nothing says when to stop. */
const blindTrees = 60;

/** Levels learned where more than five are asked for. */
const nodes: readonly number[] = [0.025, 0.1, 0.3, 0.5, 0.7, 0.9, 0.975];

/**
 * Learns one model across all series of a panel.
 *
 * Scouts keep the latest steps before the cut (at most a horizon, at most a quarter) from learning, to say when to stop and how wide quantiles
 * must be; the model itself learns from them too. Time: up to 90 s of CPU for 400,000 rows of 60 features; memory: about 500 bytes a row.
 * `Unfit` where the panel knows too few steps before the cut.
 */
export function fitGlobal(panel: Panel, options: GlobalOptions): GlobalModel | Unfit {
  const { cut, horizon, random, nonNegative } = options;
  const tuning = { ...tunings, ...options.tuning };
  const budget = options.rows ?? 400_000;
  const plan = makePlan(panel, cut, horizon);
  const reach = Math.max(400, 10 * horizon, 3 * (plan.seasons.at(-1) ?? 0));
  const reader = openPanel(plan, panel, { cut, from: Math.max(0, cut - reach), to: cut });
  const tail = Math.min(horizon, Math.floor(longestHistory(panel, cut) / 4));
  const draw = { cut, tail, rows: budget, tailRows: budget / 8, reach, coldShare: tuning.coldShare, perTarget: tuning.perTarget };
  let drawn = drawRows(reader, draw, random.fork("rows"));
  if (drawn.rows - drawn.train < leastTail || drawn.train < leastTail) drawn = drawRows(reader, { ...draw, tail: 0 }, random.fork("rows"));
  if (drawn.train < leastRows) {
    const reason = `A global model wants at least ${leastRows} known steps to learn from, but the panel has ${drawn.train} before the cut.`;
    return { kind: "unfit", reason };
  }
  const blind = drawn.rows === drawn.train;
  const weights = weigh(drawn, reader.typical, tuning.weightPower);
  const signed = !nonNegative || drawn.targets.some((each) => each < 0);
  const loss: MeanLoss = signed ? { kind: "squared" } : { kind: "tweedie", power: tuning.power };
  const { columns, edges } = binColumns(plan, drawn, tuning.bins);
  const labels: Labels = { targets: drawn.targets, weights, train: drawn.train };
  const levels = trainedLevels(options.levels);
  let meanTrees = Math.min(tuning.trees, blindTrees);
  let quantileTrees = meanTrees;
  let widths: Float64Array = new Float64Array(levels.length).fill(1);
  if (!blind) {
    // Scouts learn from a part of the rows before the tail and say how many trees are enough and how wide quantiles must be; then all is
    // learned from, the tail too: the latest demand tells most about the next.
    const scouts = thin(columns, labels, Math.max(1, Math.round(drawn.train / (scoutShare * budget))));
    meanTrees = enough(boostMean(scouts.columns, scouts.labels, loss, tuning, random.fork("mean scout")));
    const scout = boostQuantiles(scouts.columns, scouts.labels, levels, tuning, random.fork("quantile scout"));
    quantileTrees = enough(scout);
    widths = stretch({ plan, edges, drawn, labels, levels, forest: scout });
  }
  const all: Labels = { ...labels, train: drawn.rows };
  const grown = boostMean(columns, all, loss, { ...tuning, trees: meanTrees }, random.fork("mean"));
  const mean = loss.kind === "tweedie" ? balanced(grown, { plan, edges, drawn, loss, typical: reader.typical }) : grown;
  const quantiles = boostQuantiles(columns, all, levels, { ...tuning, trees: quantileTrees }, random.fork("quantiles"));
  return { kind: "global", plan, edges, loss, mean, levels, quantiles, widths, nonNegative, typical: reader.typical, rows: drawn.rows };
}

// More rows bear a few more trees than the scouts found.
const enough = (scout: Forest): number => Math.max(10, Math.ceil(1.1 * scout.roots.length));

/** Of rare sales: from this share of rows without any on. */
const rareShare = 0.5;
const mostBalance = 5;
/** Logarithms of a balance within this are left to the mix, which learns the scale of means on windows. */
const freeBalance = 0.1;

/**
 * The forest moved so that what it says of its own rows adds up to what was sold. The Tweedie deviance has no such balance on the log link (that of its
 * canonical link alone would), and with a sale in fifty steps its forests say half or a third of what sells. Denuit, Charpentier and Trufin 2021,
 * "Autocalibration and Tweedie-dominance for insurance pricing with machine learning". Where most steps sell it is balanced well enough.
 */
function balanced(
  forest: Forest,
  given: {
    readonly plan: Plan;
    readonly edges: readonly Float32Array[];
    readonly drawn: Drawn;
    readonly loss: MeanLoss;
    readonly typical: number;
  },
): Forest {
  const { plan, edges, drawn, loss, typical } = given;
  const { rows, demand, sold, levels, features } = drawn;
  let zeros = 0;
  for (let r = 0; r < rows; r++) if (demand[r] === 0) zeros++;
  if (zeros < rareShare * rows) return forest;
  const width = plan.features.length;
  const bins = new Uint8Array(rows * width);
  binRows(plan, edges, features, rows, bins);
  const scores = new Float64Array(rows);
  walkForest(forest, bins, width, rows, scores);
  let [said, came] = [0, 0];
  for (let r = 0; r < rows; r++) {
    // What never sold is forecast as nothing, whatever its kind sells.
    if (sold[r] === 0) continue;
    // A row of a large series counts like one of a typical one.
    const share = Math.min(1, typical / levels[r]);
    said += share * levels[r] * meanOf(loss, scores[r]);
    came += share * demand[r];
  }
  if (!(said > 0 && came > 0)) return forest;
  const apart = Math.log(Math.max(1 / mostBalance, Math.min(mostBalance, came / said)));
  const shift = Math.sign(apart) * Math.max(0, Math.abs(apart) - freeBalance);
  return { ...forest, base: forest.base.map((each) => each + shift) };
}

/** Every `stride`-th row that teaches, and all that say when to stop. */
function thin(columns: Columns, labels: Labels, stride: number): { columns: Columns; labels: Labels } {
  if (stride === 1) return { columns, labels };
  const train = Math.ceil(labels.train / stride);
  const rows = train + columns.rows - labels.train;
  const from = Int32Array.from({ length: rows }, (_, r) => (r < train ? r * stride : labels.train + r - train));
  const bins = new Uint8Array(rows * columns.binCounts.length);
  for (let f = 0; f < columns.binCounts.length; f++) {
    for (let r = 0; r < rows; r++) bins[f * rows + r] = columns.bins[f * columns.rows + from[r]];
  }
  const pick = (values: Float32Array): Float32Array => Float32Array.from(from, (row) => values[row]);
  return { columns: { ...columns, rows, bins }, labels: { targets: pick(labels.targets), weights: pick(labels.weights), train } };
}

/**
 * How far the learned levels must stand from the middle one for the least pinball loss on the rows kept from learning, level by level.
 *
 * Leaves know their own rows too well, so learned quantiles stand too close. A conformal step in the manner of Romano, Patterson & Candès 2019,
 * but by a factor, because the scale of demand differs from row to row: the best factor is a weighted quantile of (y - middle) / distance.
 */
function stretch(given: {
  readonly plan: Plan;
  readonly edges: readonly Float32Array[];
  readonly drawn: Drawn;
  readonly labels: Labels;
  readonly levels: readonly number[];
  readonly forest: Forest;
}): Float64Array {
  const { plan, edges, drawn, labels, levels, forest } = given;
  const width = plan.features.length;
  const rows = drawn.rows - drawn.train;
  const outputs = levels.length;
  const bins = new Uint8Array(rows * width);
  binRows(plan, edges, drawn.features.subarray(drawn.train * width), rows, bins);
  const predicted = new Float64Array(rows * outputs);
  walkForest(forest, bins, width, rows, predicted);
  for (let r = 0; r < rows; r++) predicted.subarray(r * outputs, (r + 1) * outputs).sort();
  const middle = middleOfLevels(levels);
  const widths = new Float64Array(outputs).fill(1);
  const ratios = new Float64Array(rows);
  const weights = new Float32Array(rows);
  for (let k = 0; k < outputs; k++) {
    if (k === middle) continue;
    let seen = 0;
    for (let r = 0; r < rows; r++) {
      const centre = predicted[r * outputs + middle];
      const apart = predicted[r * outputs + k] - centre;
      if (Math.abs(apart) < 1e-6) continue;
      ratios[seen] = (labels.targets[drawn.train + r] - centre) / apart;
      weights[seen++] = labels.weights[drawn.train + r] * Math.abs(apart);
    }
    if (seen < leastTail) continue;
    const best = weightedQuantile(ratios, weights, seen, k > middle ? levels[k] : 1 - levels[k]);
    widths[k] = Math.max(0.5, Math.min(3, best));
  }
  return widths;
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

function trainedLevels(asked: readonly number[]): readonly number[] {
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
  const { grid } = reader.panel;
  if (horizon > model.plan.horizon || cut + horizon > grid.length + grid.horizon) {
    throw new RangeError(
      `Expected a horizon of at most ${Math.min(model.plan.horizon, grid.length + grid.horizon - cut)} steps but received ${horizon}.`,
    );
  }
  const width = model.plan.features.length;
  const features = new Float32Array(horizon * width);
  const bins = new Uint8Array(horizon * width);
  const scores = new Float64Array(horizon);
  const outputs = model.levels.length;
  const predicted = new Float64Array(horizon * outputs);
  const forecasts: Forecast[] = [];
  const middle = middleOfLevels(model.levels);
  const swanson = swansonLevels(model.levels);
  const mixing = mixLevels(model.levels, levels);
  for (let i = range.from; i < range.to; i++) {
    openSeries(reader, i, cut);
    let level = 1;
    for (let h = 0; h < horizon; h++) level = writeRow(reader, cut, h + 1, false, features, h * width);
    binRows(model.plan, model.edges, features, horizon, bins);
    walkForest(model.mean, bins, width, horizon, scores);
    walkForest(model.quantiles, bins, width, horizon, predicted);
    const mean = new Float64Array(horizon);
    const quantiles = new Float64Array(levels.length * horizon);
    for (let h = 0; h < horizon; h++) {
      mean[h] = finish(model, meanOf(model.loss, scores[h]) * level);
      const row = predicted.subarray(h * outputs, (h + 1) * outputs).sort();
      const centre = row[middle];
      for (let k = 0; k < outputs; k++) row[k] = centre + model.widths[k] * (row[k] - centre);
      row.sort();
      if (swanson !== undefined) moveTo(mean[h] / level, row, swanson, model.nonNegative);
      for (let q = 0; q < levels.length; q++) {
        const { low, high, share } = mixing[q];
        const value = row[low] + share * (row[high] - row[low]);
        quantiles[q * horizon + h] = finish(model, value * level);
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

/** Where p10, p50 and p90 stand among learned levels; undefined where one is not learned. */
function swansonLevels(levels: readonly number[]): readonly [number, number, number] | undefined {
  const [low, middle, high] = [0.1, 0.5, 0.9].map((own) => levels.findIndex((level) => Math.abs(level - own) < 1e-9));
  return Math.min(low, middle, high) < 0 ? undefined : [low, middle, high];
}

/**
 * Moves ascending quantiles so that their mean is the given one (L4). Their mean is Swanson's, 0.3 p10 + 0.4 p50 + 0.3 p90, which holds for what is
 * not very skewed: Keefer and Bodily 1983, "Three-point approximations for continuous random variables". Demand keeps the shape of its fan in parts of
 * the mean.
 */
function moveTo(mean: number, row: Float64Array, [low, middle, high]: readonly [number, number, number], nonNegative: boolean): void {
  const own = 0.3 * row[low] + 0.4 * row[middle] + 0.3 * row[high];
  if (!nonNegative) for (let k = 0; k < row.length; k++) row[k] += mean - own;
  else if (row[low] > 0 && mean > 0) for (let k = 0; k < row.length; k++) row[k] *= mean / own;
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
function mixLevels(predicted: readonly number[], asked: readonly number[]): readonly Mix[] {
  return asked.map((level) => {
    if (predicted.length === 1) return { low: 0, high: 0, share: 0 };
    let high = 1;
    while (high < predicted.length - 1 && predicted[high] < level) high++;
    const low = high - 1;
    const from = normalQuantile(predicted[low]);
    return { low, high, share: (normalQuantile(level) - from) / (normalQuantile(predicted[high]) - from) };
  });
}
