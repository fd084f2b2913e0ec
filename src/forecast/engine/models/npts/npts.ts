// NPTS: the future drawn from the past, recent values more often than old ones.
//
// Owns: which past values may stand for a step ahead (all, or those of its place in a season), their weights, exact weighted quantiles.
//   N1. Nothing but values of the history is ever forecast: whole demand stays whole, zeros keep their share, nothing leaves the range seen.
//   N2. A value of age a (the last one's is 0) weighs exp(-rate a); rate 0 is the plain history.
//   N3. What stands for a step before `cut` is known before `cut`: the search looks at each target from half a horizon before it.

import type { Random } from "../../../../platform/random.ts";
import type { FitOptions, Fitted, Forecast, Model, Series, Unfit } from "../../contract.ts";

/** A rule for which past values stand for a step, and for how much. */
interface Shape {
  /** In steps; 0: every past value may stand for every step ahead. */
  readonly season: number;
  /** Steps either side of the same place in the season that may stand for it too. */
  readonly width: number;
  /** Per step. */
  readonly rate: number;
}

/** A shape with its weights by age, and its part in a mix; parts add up to 1. */
interface Expert extends Shape {
  readonly share: number;
  /** Weight of each age; what is older than this is forgotten. */
  readonly fading: Float64Array;
}

interface Past {
  readonly length: number;
  /** The known values, ascending. */
  readonly sorted: Float64Array;
  /** Place in the history of each sorted value. */
  readonly at: Int32Array;
  /** Place among the sorted values of each step of the history; -1 where nothing is known. */
  readonly rank: Int32Array;
}

/** Room for the values that stand for one step: places among the sorted values, ascending, and weights of sum 1. */
interface Cloud {
  readonly ranks: Int32Array;
  readonly weights: Float64Array;
}

const fewest = 2;
const lossLevels = [0.1, 0.3, 0.5, 0.7, 0.9] as const;
const mostTargets = 24;
const mostExperts = 6;
/** Weights below e^-30 change nothing. */
const forgotten = 30;
/** Steps at the end of a history that have one-step fits. */
const traced = 64;

function readPast(history: Float64Array): Past {
  const order: number[] = [];
  for (let t = 0; t < history.length; t++) if (Number.isFinite(history[t])) order.push(t);
  order.sort((a, b) => history[a] - history[b] || a - b);
  const sorted = new Float64Array(order.length);
  const rank = new Int32Array(history.length).fill(-1);
  for (let i = 0; i < order.length; i++) {
    sorted[i] = history[order[i]];
    rank[order[i]] = i;
  }
  return { length: history.length, sorted, at: Int32Array.from(order), rank };
}

function makeExpert(shape: Shape, share: number, length: number): Expert {
  const ages = shape.rate > 0 ? Math.min(length, Math.ceil(forgotten / shape.rate)) : length;
  const fading = new Float64Array(ages);
  for (let age = 0; age < ages; age++) fading[age] = Math.exp(-shape.rate * age);
  return { ...shape, share, fading };
}

/** Collects what stands for `target` seen from before `cut`; returns how many, 0 where nothing does. */
function collect(
  { sorted, at, rank }: Past,
  { season, width, fading }: Expert,
  target: number,
  cut: number,
  { ranks, weights }: Cloud,
): number {
  let count = 0;
  let total = 0;
  if (season === 0) {
    for (let i = 0; i < sorted.length; i++) {
      const age = cut - 1 - at[i];
      if (age < 0 || age >= fading.length) continue;
      ranks[count] = i;
      weights[count++] = fading[age];
      total += fading[age];
    }
  } else {
    for (let round = 1; ; round++) {
      const centre = target - Math.round(round * season);
      if (centre + width < cut - fading.length || centre + width < 0) break;
      for (let t = Math.max(0, centre - width); t <= centre + width && t < cut; t++) if (rank[t] >= 0) ranks[count++] = rank[t];
    }
    ranks.subarray(0, count).sort();
    for (let i = 0; i < count; i++) {
      const age = cut - 1 - at[ranks[i]];
      const weight = age < fading.length ? fading[age] : 0;
      weights[i] = weight;
      total += weight;
    }
  }
  if (total === 0) return 0;
  for (let i = 0; i < count; i++) weights[i] /= total;
  return count;
}

function shapesOf(seasons: readonly number[], length: number): Shape[] {
  const shapes: Shape[] = [];
  const lasting = [0, 2, 5, 12, 30];
  const add = (season: number, width: number, rates: readonly number[]): void => {
    for (const rate of rates) shapes.push({ season, width, rate: rate / length });
  };
  add(0, 0, [...lasting, 80]);
  for (const season of seasons) {
    if (season < 2 || length < 2 * season) continue;
    // Two or three values in one place are no distribution; a year of days or weeks lends its neighbours.
    if (length >= 4 * season) add(season, 0, lasting);
    if (season >= 26) add(season, Math.round(season / 26), lasting);
  }
  return shapes;
}

/** Pinball loss of one expert over the targets. */
function lossOf(
  past: Past,
  expert: Expert,
  { history, targets, lead }: { readonly history: Float64Array; readonly targets: readonly number[]; readonly lead: number },
  cloud: Cloud,
): number {
  const { sorted } = past;
  let loss = 0;
  for (const target of targets) {
    const cut = target - lead + 1;
    let count = collect(past, expert, target, cut, cloud);
    if (count === 0) count = collect(past, makeExpert(plain, 1, past.length), target, cut, cloud);
    if (count === 0) continue;
    const actual = history[target];
    let sum = 0;
    let i = 0;
    for (let k = 0; k < lossLevels.length; k++) {
      const level = lossLevels[k];
      while (sum + cloud.weights[i] < level - 1e-9 && i < count - 1) sum += cloud.weights[i++];
      const miss = actual - sorted[cloud.ranks[i]];
      loss += miss > 0 ? level * miss : (level - 1) * miss;
    }
  }
  return loss;
}

const plain: Shape = { season: 0, width: 0, rate: 0 };

/**
 * The shapes of least loss, weighted by exp(-0.4 loss / the best one's mean loss per target): the exponentially weighted average of experts, which a
 * few lucky targets cannot lead astray as they do a choice of one. 0.4 did better than 1 on the training parts of car parts and UCI.
 */
function mixShapes(past: Past, history: Float64Array, shapes: readonly Shape[], lead: number): Expert[] {
  const n = past.length;
  const targets: number[] = [];
  const earliest = Math.max(lead + fewest, Math.floor(n / 3));
  const stride = Math.max(1, Math.floor((n - earliest) / mostTargets));
  for (let target = n - 1; target >= earliest; target -= stride) if (Number.isFinite(history[target])) targets.push(target);
  const cloud: Cloud = { ranks: new Int32Array(past.sorted.length), weights: new Float64Array(past.sorted.length) };
  const experts = shapes.map((shape) => makeExpert(shape, 1, n));
  const test = { history, targets, lead };
  const losses = experts.map((expert) => lossOf(past, expert, test, cloud));
  const least = Math.min(...losses);
  const ranked = experts
    .map((expert, i) => ({
      expert,
      share: least > 0 ? Math.exp(-0.4 * targets.length * (losses[i] / least - 1)) : losses[i] === 0 ? 1 : 0,
    }))
    .sort((a, b) => b.share - a.share)
    .slice(0, mostExperts)
    .filter(({ share }, _, all) => share > 0.01 * all[0].share);
  let total = 0;
  for (const { share } of ranked) total += share;
  return ranked.map(({ expert, share }) => ({ ...expert, share: share / total }));
}

/** The distribution of one step: probability of a value up to each sorted one. False where nothing stands for it. */
function cumulate(
  past: Past,
  mix: readonly Expert[],
  { target, cut, cloud }: { readonly target: number; readonly cut: number; readonly cloud: Cloud },
  cumulated: Float64Array,
): boolean {
  cumulated.fill(0);
  let total = 0;
  for (const expert of mix) {
    let count = collect(past, expert, target, cut, cloud);
    if (count === 0) count = collect(past, makeExpert(plain, 1, past.length), target, cut, cloud);
    if (count > 0) total += expert.share;
    for (let i = 0; i < count; i++) cumulated[cloud.ranks[i]] += expert.share * cloud.weights[i];
  }
  let sum = 0;
  for (let i = 0; i < cumulated.length; i++) {
    sum += cumulated[i] / total;
    cumulated[i] = sum;
  }
  return total > 0;
}

/** The least value with at least `level` of the weight at or below it. */
function quantile(sorted: Float64Array, cumulated: Float64Array, level: number): number {
  const bound = Math.min(level, cumulated[cumulated.length - 1]) - 1e-9;
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulated[middle] >= bound) high = middle;
    else low = middle + 1;
  }
  return sorted[low];
}

function average(sorted: Float64Array, cumulated: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < sorted.length; i++) sum += sorted[i] * (cumulated[i] - (i === 0 ? 0 : cumulated[i - 1]));
  return sum;
}

function makeFitted(past: Past, mix: readonly Expert[], options: FitOptions): Fitted {
  const { sorted, length: n } = past;
  const seasonal = mix.some(({ season }) => season > 0);
  const main = mix[0];
  const floor = (value: number): number => (options.nonNegative && value < 0 ? 0 : value);
  const makeCloud = (): Cloud => ({ ranks: new Int32Array(sorted.length), weights: new Float64Array(sorted.length) });
  const forEachStep = (horizon: number, visit: (h: number, cumulated: Float64Array) => void): void => {
    const cumulated = new Float64Array(sorted.length);
    const cloud = makeCloud();
    for (let h = 0; h < horizon; h++) {
      // Without a season all steps are alike.
      if (h === 0 || seasonal) cumulate(past, mix, { target: n + h, cut: n, cloud }, cumulated);
      visit(h, cumulated);
    }
  };
  return {
    kind: "fitted",
    title: main.season === 0 ? "NPTS" : `NPTS(${main.season})`,
    parameters: { rate: main.rate, season: main.season, width: main.width, share: main.share },
    // Asked for seldom, and dearer than the forecast itself.
    get fitted() {
      const fitted = new Float64Array(n).fill(Number.NaN);
      const cumulated = new Float64Array(sorted.length);
      const cloud = makeCloud();
      for (let t = Math.max(1, n - traced); t < n; t++) {
        if (cumulate(past, mix, { target: t, cut: t, cloud }, cumulated)) fitted[t] = floor(average(sorted, cumulated));
      }
      return fitted;
    },
    forecast: (horizon, levels): Forecast => {
      const mean = new Float64Array(horizon);
      const quantiles = new Float64Array(levels.length * horizon);
      forEachStep(horizon, (h, cumulated) => {
        mean[h] = floor(average(sorted, cumulated));
        for (let i = 0; i < levels.length; i++) quantiles[i * horizon + h] = floor(quantile(sorted, cumulated, levels[i]));
      });
      return { mean, quantiles, levels };
    },
    simulate: (horizon, paths, random: Random) => {
      const out = new Float64Array(horizon * paths);
      forEachStep(horizon, (h, cumulated) => {
        for (let p = 0; p < paths; p++) out[p * horizon + h] = floor(quantile(sorted, cumulated, random.next()));
      });
      return out;
    },
    advance: (series) => {
      const next = readPast(series.values);
      if (next.sorted.length < fewest) return tooShort(next.sorted.length);
      const experts = mix.map((expert) => makeExpert(expert, expert.share, next.length));
      return makeFitted(next, experts, options);
    },
  };
}

function tooShort(count: number): Unfit {
  return { kind: "unfit", reason: `NPTS needs at least ${fewest} values; the history has ${count}.` };
}

/**
 * The non-parametric time series forecaster (Gasthaus 2016, "Non-parametric time series forecaster", Amazon; also in GluonTS): quantiles of the past
 * under exponentially falling weights, of all values or of those at the same place in one of the seasons.
 *
 * Seasons and rates are mixed by their pinball loss over up to 24 targets in the last two thirds of the history, each forecast from half the
 * horizon before it. Quantiles are exact; steps of a path are independent. One-step fits are given for the last 64 steps.
 */
export const npts: Model = {
  name: "npts",
  about: "NPTS: quantiles of past values, recent ones weighing more, where it helps those at the same place in the season.",
  usesRegressors: false,
  fit: (series: Series, options: FitOptions): Fitted | Unfit => {
    const past = readPast(series.values);
    if (past.sorted.length < fewest) return tooShort(past.sorted.length);
    const lead = Math.max(1, Math.min(Math.ceil(options.horizon / 2), Math.floor(past.length / 4)));
    return makeFitted(past, mixShapes(past, series.values, shapesOf(series.seasons, past.length), lead), options);
  },
};
