// Temporal aggregation: the same history as months, quarters and years, each forecast on its own, and the answers made to agree.
//
// The season shows best in months, the trend in years; a model that misreads one level is outvoted by the others. Sources: Kourentzes, Petropoulos
// and Trapero 2014 (multiple aggregation); Athanasopoulos, Hyndman, Kourentzes and Petropoulos 2017, "Forecasting with temporal hierarchies"
// (agreement by weighted least squares with structural scaling).

import type { Random } from "../../../../platform/random.ts";
import { ets } from "../ets/ets.ts";
import type { FitOptions, Fitted, Forecast, Model, Series, Unfit } from "../../contract.ts";

/** Steps of each level's own kind that a model needs at least. */
const fewestRounds = 5;

interface Level {
  /** Steps that one step of this level sums. */
  readonly size: number;
  readonly fitted: Fitted;
}

/** The levels of a season: its divisors, itself included, for which the history is long enough. */
function sizesOf(period: number, length: number): readonly number[] {
  const sizes: number[] = [];
  for (let size = 1; size <= period; size++) if (period % size === 0 && Math.floor(length / size) >= fewestRounds) sizes.push(size);
  return sizes;
}

/** Sums of `size` steps, counted from the end; what is left over at the start is dropped. A sum with a hole is one. */
function aggregate(values: Float64Array, size: number): Float64Array {
  const count = Math.floor(values.length / size);
  const start = values.length - count * size;
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) for (let k = 0; k < size; k++) out[i] += values[start + i * size + k];
  return out;
}

export const mapa: Model = {
  name: "mapa",
  ...overLevels(ets, "ETS over months, quarters and years at once, or the like for other seasons, made to agree."),
};

/** A model of temporal aggregation over another one. */
export function overLevels(base: Pick<Model, "fit">, about: string): Omit<Model, "name"> {
  return { about, usesRegressors: false, fit: (series, options) => fitLevels(series, options, base) };
}

function fitLevels(series: Series, options: FitOptions, base: Pick<Model, "fit">): Fitted | Unfit {
  const period = series.seasons.length === 0 ? 1 : Math.round(series.seasons[0]);
  if (period < 2 || period > 24) {
    return { kind: "unfit", reason: `Temporal aggregation needs a season of 2 to 24 steps; this one has ${period}.` };
  }
  let first = 0;
  while (first < series.values.length && Number.isNaN(series.values[first])) first++;
  const sizes = sizesOf(period, series.values.length - first);
  if (sizes.length < 2) {
    return {
      kind: "unfit",
      reason: `Temporal aggregation needs ${fewestRounds} steps of two levels; the history has ${series.values.length - first}.`,
    };
  }
  return assemble(series, options, period, sizes, (size, part) =>
    base.fit(part, { ...options, horizon: stepsOf(options.horizon, period, size) }),
  );
}

const stepsOf = (horizon: number, period: number, size: number): number => (Math.ceil(horizon / period) * period) / size;

function levelSeries(series: Series, period: number, size: number): Series {
  let first = 0;
  while (first < series.values.length && Number.isNaN(series.values[first])) first++;
  const known = series.values.subarray(first);
  return {
    values: size === 1 ? known : aggregate(known, size),
    seasons: period / size > 1 ? [period / size] : [],
    regressors: [],
    position: 0,
  };
}

function assemble(
  series: Series,
  options: FitOptions,
  period: number,
  sizes: readonly number[],
  fit: (size: number, part: Series) => Fitted | Unfit,
): Fitted | Unfit {
  const levels: Level[] = [];
  for (const size of sizes) {
    const fitted = fit(size, levelSeries(series, period, size));
    if (fitted.kind === "fitted") levels.push({ size, fitted });
    else if (size === 1) return fitted;
  }
  if (levels[0]?.size !== 1 || levels.length < 2) return { kind: "unfit", reason: "No level but the finest could be fitted." };
  const projection = project(
    period,
    levels.map((level) => level.size),
  );
  const forecast = (horizon: number, quantileLevels: readonly number[]): Forecast => {
    const rounds = Math.ceil(horizon / period);
    const means = levels.map(({ size, fitted }) => fitted.forecast((rounds * period) / size, []).mean);
    const finest = levels[0].fitted.forecast(horizon, quantileLevels);
    const mean = new Float64Array(horizon);
    for (let h = 0; h < horizon; h++) {
      const round = Math.floor(h / period);
      let column = 0;
      for (const [l, { size }] of levels.entries()) {
        const each = period / size;
        for (let k = 0; k < each; k++)
          mean[h] += projection[(h % period) * projectionWidth(period, levels) + column++] * means[l][round * each + k];
      }
    }
    const quantiles = finest.quantiles.map((value, k) => value + mean[k % horizon] - finest.mean[k % horizon]);
    return { mean, levels: quantileLevels, quantiles };
  };
  const finest = levels[0].fitted;
  const before = new Float64Array(series.values.length).fill(Number.NaN);
  before.set(finest.fitted, series.values.length - finest.fitted.length);
  return {
    kind: "fitted",
    title: `${levels.map((level) => level.fitted.title).join(" / ")} over ${levels.map((level) => level.size).join(", ")} steps`,
    parameters: {},
    fitted: before,
    forecast,
    simulate: (horizon: number, paths: number, random: Random) => {
      const drawn = finest.simulate(horizon, paths, random);
      const own = finest.forecast(horizon, []).mean;
      const reconciled = forecast(horizon, []).mean;
      for (let k = 0; k < drawn.length; k++) drawn[k] += reconciled[k % horizon] - own[k % horizon];
      return drawn;
    },
    advance: (next) =>
      assemble(next, options, period, sizes, (size, part) => {
        const level = levels.find((each) => each.size === size);
        return level === undefined ? { kind: "unfit", reason: "This level was not fitted." } : level.fitted.advance(part);
      }),
  };
}

const projectionWidth = (period: number, levels: readonly Level[]): number => levels.reduce((sum, level) => sum + period / level.size, 0);

/**
 * The rows that turn one season's forecasts of all levels into agreed ones of the finest: (S' W^-1 S)^-1 S' W^-1 with W the number of finest
 * steps in each sum. Layout: period x (sum of period / size), levels in the order given.
 */
function project(period: number, sizes: readonly number[]): Float64Array {
  const width = sizes.reduce((sum, size) => sum + period / size, 0);
  // S' W^-1 S, then its inverse by Gauss and Jordan: at most 24 x 24, and well conditioned as the finest level adds the identity.
  const normal = new Float64Array(period * period);
  const right = new Float64Array(period * width);
  let column = 0;
  for (const size of sizes) {
    for (let k = 0; k < period / size; k++, column++) {
      for (let i = k * size; i < (k + 1) * size; i++) {
        right[i * width + column] = 1 / size;
        for (let j = k * size; j < (k + 1) * size; j++) normal[i * period + j] += 1 / size;
      }
    }
  }
  for (let p = 0; p < period; p++) {
    const pivot = normal[p * period + p];
    for (let j = 0; j < period; j++) normal[p * period + j] /= pivot;
    for (let j = 0; j < width; j++) right[p * width + j] /= pivot;
    for (let i = 0; i < period; i++) {
      const factor = normal[i * period + p];
      if (i === p || factor === 0) continue;
      for (let j = 0; j < period; j++) normal[i * period + j] -= factor * normal[p * period + j];
      for (let j = 0; j < width; j++) right[i * width + j] -= factor * right[p * width + j];
    }
  }
  return right;
}
