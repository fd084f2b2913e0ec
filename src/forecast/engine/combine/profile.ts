// What a series is like, in the few figures by which models are chosen and series are called similar.
//
// Sources: Syntetos, Boylan and Croston 2005, "On the categorization of demand patterns" (interval and squared variation, cut-offs 1.32 and
// 0.49); Wang, Smith and Hyndman 2006, "Characteristic-based clustering for time series data" (strength of season and trend).

import type { Series } from "../contract.ts";
import type { DemandClass, Profile } from "./contract.ts";

const intervalCut = 1.32;
const variationCut = 0.49;

/** Profiles the first `end` values of a series (default: all of it). Leading zeros are time before the first sale and do not count. */
export function profileSeries(series: Series, end: number = series.values.length): Profile {
  const { values } = series;
  const lag = series.seasons.length === 0 ? 1 : Math.max(1, Math.round(series.seasons[0]));
  let first = -1;
  let last = -1;
  let known = 0;
  let sales = 0;
  let sum = 0;
  let squares = 0;
  let sinceSale = 0;
  for (let t = 0; t < end; t++) {
    const value = values[t];
    if (Number.isNaN(value)) continue;
    if (first < 0) first = t;
    last = t;
    known++;
    if (value !== 0) {
      sales++;
      sum += value;
      squares += value * value;
    }
    if (sales > 0) sinceSale++;
  }
  const interval = sales === 0 ? 0 : sinceSale / sales;
  const mean = sales === 0 ? 0 : sum / sales;
  const variation = sales < 2 || mean === 0 ? 0 : Math.max(0, squares / sales - mean * mean) / (mean * mean);
  const { season, trend } = strengths(values, first, last + 1, lag);
  return {
    demand: demandClass(sales, interval, variation),
    length: first < 0 ? 0 : last - first + 1,
    known,
    interval,
    variation,
    lag,
    seasons: series.seasons.length,
    seasonStrength: season,
    trendStrength: trend,
  };
}

function demandClass(sales: number, interval: number, variation: number): DemandClass {
  if (sales === 0) return "none";
  if (interval < intervalCut) return variation < variationCut ? "smooth" : "erratic";
  return variation < variationCut ? "intermittent" : "lumpy";
}

/** Shares of the variance that a season of fixed shape, and a moving average over one season, explain. */
function strengths(values: Float64Array, begin: number, end: number, lag: number): { season: number; trend: number } {
  const half = Math.max(1, lag >> 1);
  const width = lag > 1 ? 2 * half : 3;
  if (end - begin < Math.max(2 * lag, 6)) return { season: 0, trend: 0 };
  const level = new Float64Array(end - begin).fill(Number.NaN);
  // A running window of odd length with half weights at its ends when the season is even: every position of the season counts the same.
  for (let t = begin + half; t + half < end; t++) {
    let sum = 0;
    let weights = 0;
    for (let k = -half; k <= half; k++) {
      const value = values[t + k];
      if (Number.isNaN(value)) continue;
      const weight = lag > 1 && lag % 2 === 0 && Math.abs(k) === half ? 0.5 : 1;
      sum += weight * value;
      weights += weight;
    }
    if (weights > 0.5 * width) level[t - begin] = sum / weights;
  }
  const sums = new Float64Array(lag);
  const counts = new Float64Array(lag);
  for (let t = begin; t < end; t++) {
    const apart = values[t] - level[t - begin];
    if (Number.isNaN(apart)) continue;
    sums[t % lag] += apart;
    counts[t % lag]++;
  }
  const rest = moments();
  const withSeason = moments();
  const withTrend = moments();
  for (let t = begin; t < end; t++) {
    const apart = values[t] - level[t - begin];
    if (Number.isNaN(apart)) continue;
    const left = apart - (counts[t % lag] > 0 ? sums[t % lag] / counts[t % lag] : 0);
    rest.add(left);
    withSeason.add(apart);
    withTrend.add(left + level[t - begin]);
  }
  const share = (whole: number): number => (whole > 0 ? Math.min(1, Math.max(0, 1 - rest.variance() / whole)) : 0);
  return { season: lag > 1 ? share(withSeason.variance()) : 0, trend: share(withTrend.variance()) };
}

function moments(): { add(value: number): void; variance(): number } {
  let n = 0;
  let mean = 0;
  let sum = 0;
  return {
    add(value) {
      n++;
      const change = value - mean;
      mean += change / n;
      sum += change * (value - mean);
    },
    variance: () => (n === 0 ? 0 : sum / n),
  };
}

/** The name under which similar series meet: kind of demand, season, and how much of a past there is. */
export function groupOf(profile: Profile): string {
  const { demand, lag, known } = profile;
  const seasons = known / lag;
  const size =
    lag === 1 ? (known < 16 ? "short" : known < 40 ? "middle" : "long") : seasons < 4 ? "short" : seasons < 9 ? "middle" : "long";
  return `${demand}/${lag}/${size}`;
}
