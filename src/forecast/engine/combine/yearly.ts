// A long season (a year of weeks) from its first year on: what the group did, taken out of what a model is shown and put onto what it says.
//
// A series' own year is one noisy year; a category's is the same year seen many times. Pooled seasonal indices: Dekker, van Donselaar and Ouwehand
// 2004, "How to use aggregation and combined forecasting to improve seasonal demand forecasts"; shrunk as in Miller and Williams 2003. What a series
// does in a way of its own the seasonal naive repeats, which is mixed by what it was worth in the backtests.
//   Y1. Made of what lay before a cut alone.
//   Y2. Believed as far as years repeat themselves: step by step against how far they differ, and all together by what earlier years said.

import type { Forecast, Panel } from "../contract.ts";
import type { CandidateName } from "./contract.ts";

/** Seasons up to this long are carried by the models themselves. */
const shortSeason = 24;
/** Steps that see the same level, before the cut and around any step. */
const recent = 8;
/** Fewer series than this are no group: the whole panel stands in, or nothing. */
const fewest = 5;
/** A season never multiplies or divides by more than this. */
const mostFactor = 6;
/** A step's index is held back by so many times the variance that it has by chance. */
const sureness = 2;
/** Weight of what jumps from step to step say of that variance, in steps seen twice. */
const jumpsWeigh = 2;
/** Before anything is seen, a year repeats itself with this standard deviation about in full; what that weighs, in steps. */
const [priorSpread, priorSteps] = [0.5, 6];
/** A logarithm of the season beyond this is a high (or a low) season: it never falls on the same steps twice. */
const high = 0.35;
/** Ordinary steps whose middle half bounds what a high season leaves. */
const ordinarySteps = 26;

/** Candidates that repeat a series' own year. */
const repeatsYear = (name: CandidateName): boolean => name === "snaive" || name === "mstl";

/** Candidates that may see the year in part: by the calendar or by all series at once. */
const maySeeYear = (name: CandidateName): boolean => name === "global" || name === "regression";

/**
 * The season of a series of the panel as it was known at a cut of the grid: logarithms on the steps `[0, cut + horizon)` of the grid, 0 on an ordinary
 * step. Undefined where nothing is known of a season.
 */
export type YearlySeason = (index: number, cut: number) => Float64Array | undefined;

/** Reads the panel when first asked for a cut; keeps what it found. Undefined where the main season is short. */
export function yearlySeason(panel: Panel): YearlySeason | undefined {
  const lag = Math.round(panel.seasons[0] ?? 1);
  const series = panel.offsets.length - 1;
  if (lag <= shortSeason || series === 0) return undefined;
  const codes = panel.metadata[0]?.codes;
  const sizes = new Map<number, number>();
  if (codes !== undefined) for (const code of codes) sizes.set(code, (sizes.get(code) ?? 0) + 1);
  const groupOf = (index: number): number => {
    const code = codes?.[index] ?? -1;
    return (sizes.get(code) ?? 0) < fewest ? -1 : code;
  };
  const groups = [...new Set(Array.from({ length: series }, (_, index) => groupOf(index)))];
  const made = new Map<number, ReadonlyMap<number, Float64Array>>();
  return (index, cut) => {
    let seasons = made.get(cut);
    if (seasons === undefined) made.set(cut, (seasons = seasonsAt(panel, lag, cut, { codes, groups })));
    return seasons.get(groupOf(index));
  };
}

/** The seasons of all groups at a cut, each believed as far as the years of the panel repeat themselves. */
function seasonsAt(
  panel: Panel,
  lag: number,
  cut: number,
  { codes, groups }: { readonly codes: Int32Array | undefined; readonly groups: readonly number[] },
): ReadonlyMap<number, Float64Array> {
  const seasons = new Map<number, Float64Array>();
  if (cut < lag + recent) return seasons;
  const repeats: Repeats = { xx: 0, xy: 0, yy: 0, count: 0 };
  const isFew = panel.offsets.length - 1 < fewest;
  for (const code of groups) {
    const index = pooledIndex(panel, lag, cut, { codes, code });
    if (index === undefined) continue;
    // What few series do slowly may be no season but a level that wanders: it counts for what repeats, not only what stands out of its surroundings.
    const logs = isFew ? withoutTrend(index.logs, lag) : index.logs;
    const season = isFew ? seasonOfFew(logs, lag, panel.grid.horizon) : seasonOf(index, lag, panel.grid.horizon);
    addRepeats(repeats, logs, season, { lag, reach: isFew ? logs.length : recent });
    seasons.set(code, season);
  }
  const belief = beliefOf(repeats);
  for (const [code, season] of seasons) {
    seasons.set(
      code,
      season.map((each) => belief * each),
    );
  }
  return seasons;
}

/** The series of one category; all of them where the code is below zero. */
interface Group {
  readonly codes: Int32Array | undefined;
  readonly code: number;
}

/** What a group did on the steps before a cut, as logarithms against an ordinary step of the last season; NaN where too few series are known. */
interface PooledIndex {
  readonly logs: Float64Array;
  /** The variance of each by chance, were the series independent. */
  readonly noise: Float64Array;
}

/** Each series in units of its own mean over the season before `cut`; those that are younger tell nothing. */
function pooledIndex(panel: Panel, lag: number, cut: number, { codes, code }: Group): PooledIndex | undefined {
  const sums = new Float64Array(cut);
  const squares = new Float64Array(cut);
  const counts = new Int32Array(cut);
  let members = 0;
  for (let i = 0; i + 1 < panel.offsets.length; i++) {
    if (code >= 0 && codes?.[i] !== code) continue;
    const values = panel.values.subarray(panel.offsets[i], panel.offsets[i + 1]);
    const start = panel.grid.length - values.length;
    if (start > cut - lag) continue;
    const unit = meanOf(values.subarray(cut - lag - start, cut - start));
    if (!(unit > 0)) continue;
    members++;
    for (let t = start; t < cut; t++) {
      const value = values[t - start] / unit;
      if (Number.isNaN(value)) continue;
      sums[t] += value;
      squares[t] += value * value;
      counts[t]++;
    }
  }
  // Of few series every step wants all of them, or one that is missing would look like a change.
  const wanted = Math.max(1, Math.min(fewest, members));
  const logs = sums.map((sum, t) => (counts[t] >= wanted && sum > 0 ? Math.log(sum / counts[t]) : Number.NaN));
  const year = logs
    .subarray(cut - lag)
    .filter((each) => !Number.isNaN(each))
    .sort();
  if (year.length < lag / 2) return undefined;
  const ordinary = year[year.length >> 1];
  const noise = sums.map((sum, t) => {
    const mean = sum / counts[t];
    return Math.max(0, squares[t] / counts[t] - mean * mean) / counts[t] / (mean * mean);
  });
  return { logs: logs.map((each) => each - ordinary), noise };
}

/** The season on the steps `[0, cut + horizon)`: of the first year its own, later what the years before did. */
function seasonOf({ logs, noise }: PooledIndex, lag: number, horizon: number): Float64Array {
  const cut = logs.length;
  const common = commonNoise(logs, lag);
  const season = new Float64Array(cut + horizon);
  for (let t = 0; t < season.length; t++) {
    let [sum, variance, years] = [0, 0, 0];
    for (let at = t < lag ? t : t - lag; at >= 0; at -= lag) {
      if (at >= cut || Number.isNaN(logs[at])) continue;
      sum += logs[at];
      variance += noise[at] + common;
      years++;
    }
    if (years === 0 || sum === 0) continue;
    // What chance alone could have made is taken off (James and Stein 1961).
    const kept = Math.max(0, 1 - (sureness * variance) / (sum * sum));
    season[t] = Math.max(-Math.log(mostFactor), Math.min(Math.log(mostFactor), (kept * sum) / years));
  }
  return season;
}

/** Steps on each side that a smooth season of few series is averaged over, nearer ones more. */
const smoothReach = 3;
/** A single step of few series stands out of the smooth season beyond so many times its variance: of 52 the largest by chance lies there. */
const fewSureness = 8;
/** Steps seen twice at which half of their change from year to year is believed to be a trend. */
const trendSteps = 8;

/**
 * The season of fewer series than make a group. Nothing but time tells chance from season there: a smooth course is kept as far as it is more than the
 * average of chance, all of it or nothing, and on top of it what stands far out of it.
 */
function seasonOfFew(logs: Float64Array, lag: number, horizon: number): Float64Array {
  const cut = logs.length;
  const noise = commonNoise(logs, lag);
  const season = new Float64Array(cut + horizon);
  for (let from = 0; from < season.length; from += lag) {
    // Of the first year its own, later what the years before did (Y1, and what repeats are judged by).
    const year = yearOf(logs.subarray(0, Math.min(cut, Math.max(lag, from))), lag, noise);
    for (let t = from; t < Math.min(season.length, from + lag); t++) season[t] = year[t - from];
  }
  return season;
}

/** A trend is no season: it is what a year adds to the same steps. */
function withoutTrend(logs: Float64Array, lag: number): Float64Array {
  const changes = logs
    .map((each, t) => (t < lag ? Number.NaN : each - logs[t - lag]))
    .filter((each) => !Number.isNaN(each))
    .toSorted();
  if (changes.length === 0) return logs;
  const trend = ((changes[changes.length >> 1] / lag) * changes.length) / (changes.length + trendSteps);
  return logs.map((each, t) => each - trend * (t - logs.length));
}

/** One year of a season, from the years of `logs`. */
function yearOf(logs: Float64Array, lag: number, noise: number): Float64Array {
  const sums = new Float64Array(lag);
  const years = new Int32Array(lag);
  for (const [t, each] of logs.entries()) {
    if (Number.isNaN(each)) continue;
    sums[t % lag] += each;
    years[t % lag]++;
  }
  const means = sums.map((sum, phase) => (years[phase] === 0 ? Number.NaN : sum / years[phase]));
  const known = means.filter((each) => !Number.isNaN(each)).toSorted();
  if (known.length < lag / 2) return new Float64Array(lag);
  const ordinary = known[known.length >> 1];
  const smooth = new Float64Array(lag);
  let [power, chance] = [0, 0];
  for (let phase = 0; phase < lag; phase++) {
    let [sum, weights, squares] = [0, 0, 0];
    for (let k = -smoothReach; k <= smoothReach; k++) {
      const at = (phase + k + lag) % lag;
      if (years[at] === 0) continue;
      const weight = smoothReach + 1 - Math.abs(k);
      sum += weight * Math.max(-high, Math.min(high, means[at] - ordinary));
      weights += weight;
      squares += (weight * weight) / years[at];
    }
    if (weights === 0) continue;
    smooth[phase] = sum / weights;
    power += smooth[phase] ** 2;
    chance += (noise * squares) / weights ** 2;
  }
  const kept = power > 0 ? Math.max(0, 1 - (sureness * chance) / power) : 0;
  const apart = means.map((each, phase) => (years[phase] === 0 ? 0 : each - ordinary - kept * smooth[phase]));
  return smooth.map((each, phase) => {
    const beside = (apart[(phase + lag - 1) % lag] + apart[phase] + apart[(phase + 1) % lag]) / 3;
    // Weeks side by side that stand out alike say more than one; the square leaves what is plainly more than chance nearly whole.
    const seen = Math.max(apart[phase] ** 2, beside * apart[phase] > 0 ? 3 * beside ** 2 : 0);
    const beyond = seen === 0 ? 0 : Math.max(0, 1 - ((fewSureness * noise) / Math.max(1, years[phase]) / seen) ** 2);
    return Math.max(-Math.log(mostFactor), Math.min(Math.log(mostFactor), kept * each + beyond * apart[phase]));
  });
}

/** The mean of the known values of `values` within `reach` steps of `t`, from `from` on. */
const levelAround = (values: Float64Array, t: number, from: number, reach: number = recent): number =>
  meanOf(values.subarray(Math.max(from, t - reach), t + reach + 1));

/**
 * How much of a step's index is chance that all series share (a promotion in every store), as a variance: half of that of its change from year to
 * year, changes of level apart. Before a year is seen twice: from how far the index usually jumps; a season moves slowly, or seldom.
 */
function commonNoise(logs: Float64Array, lag: number): number {
  const jumps: number[] = [];
  for (let t = 1; t < logs.length; t++) if (!Number.isNaN(logs[t] - logs[t - 1])) jumps.push(Math.abs(logs[t] - logs[t - 1]));
  // 1.4826 makes a middle distance a standard deviation; a jump has two steps' noise.
  const usual = jumps.length === 0 ? 1 : (1.4826 * jumps.toSorted((a, b) => a - b)[jumps.length >> 1]) ** 2 / 2;
  const changes = logs.map((each, t) => (t < lag ? Number.NaN : each - logs[t - lag]));
  let [sum, count] = [0, 0];
  for (let t = lag; t < logs.length; t++) {
    if (Number.isNaN(changes[t])) continue;
    sum += (changes[t] - levelAround(changes, t, lag)) ** 2 / 2;
    count++;
  }
  return (sum + jumpsWeigh * usual) / (count + jumpsWeigh);
}

/**
 * What came on what earlier years said of it, each against the steps around: sums of squares and products over steps seen twice. Steps weigh by how
 * much was said of them beside the most that is said of any: that small things did not repeat is no evidence against a Christmas.
 */
interface Repeats {
  xx: number;
  xy: number;
  yy: number;
  count: number;
}

function addRepeats(sums: Repeats, logs: Float64Array, season: Float64Array, { lag, reach }: { lag: number; reach: number }): void {
  const said = season.map((each, t) => (Number.isNaN(logs[t] ?? Number.NaN) ? Number.NaN : each));
  const most = season.reduce((sum, each) => Math.max(sum, Math.abs(each)), 0);
  for (let t = lag; t < logs.length; t++) {
    if (Number.isNaN(logs[t])) continue;
    const x = said[t] - levelAround(said, t, lag, reach);
    const y = logs[t] - levelAround(logs, t, lag, reach);
    const weight = most > 0 ? Math.min(1, Math.abs(x) / most) : 0;
    sums.xx += weight * x * x;
    sums.xy += weight * x * y;
    sums.yy += weight * y * y;
    sums.count += weight;
  }
}

/** How far years repeat themselves, 0 to 1: the slope of what came on what was said, held to one as a Bayesian would. */
function beliefOf({ xx, xy, yy, count }: Repeats): number {
  if (count === 0 || xx === 0) return 1;
  const held = (priorSteps * Math.max(0, yy - (xy * xy) / xx)) / count / priorSpread ** 2;
  return Math.max(0, Math.min(1, (xy + held) / (xx + held)));
}

/**
 * What a model is shown of a past without its season; itself where there is none, or the model sees or repeats a year by itself.
 *
 * A high season comes a few steps earlier or later, stronger or weaker than before: what it leaves says little of the level, and is held within the
 * middle half of the ordinary steps before.
 */
export function withoutSeason(name: CandidateName, values: Float64Array, season: Float64Array | undefined): Float64Array {
  if (season === undefined || repeatsYear(name) || maySeeYear(name)) return values;
  const isHigh = (t: number): boolean => [t - 1, t, t + 1].some((each) => Math.abs(season[Math.max(0, each)]) > high);
  const out = values.map((value, t) => value * Math.exp(-season[t]));
  const ordinary: number[] = [];
  for (let t = 0; t < out.length; t++) {
    if (Number.isNaN(out[t])) continue;
    if (!isHigh(t)) {
      ordinary.push(out[t]);
      continue;
    }
    const near = ordinary.slice(-ordinarySteps).sort((a, b) => a - b);
    const edge = near.length >> 2;
    if (edge > 0) out[t] = Math.max(near[edge], Math.min(near[near.length - 1 - edge], out[t]));
  }
  return out;
}

/** A candidate's forecast with the season: in full where it was not shown it, else as far as it does not follow it. `past` ends at the cut. */
export function inSeason(name: CandidateName, forecast: Forecast, season: Float64Array | undefined, past: Float64Array): Forecast {
  if (season === undefined || repeatsYear(name)) return forecast;
  const end = past.length;
  let logs = season.subarray(end);
  if (maySeeYear(name)) {
    const from = Math.max(0, end - recent);
    const level = meanOf(past.subarray(from));
    // Without a past there is no level to follow the season from.
    if (!(level > 0)) return forecast;
    const before = Math.log(meanOf(season.subarray(from, end).map(Math.exp)));
    const ahead = logs.map((each) => each - before);
    const missing = 1 - followedShare(forecast.mean, ahead, level);
    logs = ahead.map((each) => each * missing);
  }
  const scaled = (value: number, k: number): number => value * Math.exp(logs[k % logs.length]);
  return { ...forecast, mean: forecast.mean.map(scaled), quantiles: forecast.quantiles.map(scaled) };
}

/** The slope of a forecast, against the level before it (above zero), on a season; 0 to 1, all in logarithms. One where nothing can be told. */
function followedShare(mean: Float64Array, season: Float64Array, level: number): number {
  let [xx, xy] = [0, 0];
  for (const [h, log] of season.entries()) {
    if (!(mean[h] > 0)) return 1;
    xx += log * log;
    xy += log * Math.log(mean[h] / level);
  }
  return xx > 0 ? Math.max(0, Math.min(1, xy / xx)) : 1;
}

/** The mean of the known values; NaN without any. */
function meanOf(values: Float64Array): number {
  let [sum, known] = [0, 0];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    known++;
  }
  return sum / known;
}
