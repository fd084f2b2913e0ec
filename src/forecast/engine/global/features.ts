// Features of the global model: what a panel tells about one step of one series, as it stood when the step was still ahead.
//
// Owns: the numbers of each feature, the level by which a series is scaled. Does not own: their list and names (plan.ts), binning.
//   G1. A row (series, origin, step) reads demand before its origin, and of regressors and calendar nothing after its target or its horizon.
//   G2. Demand enters divided by the level of its series, so that no feature has a unit: series of any scale stand side by side.
//   G3. A cold row tells nothing of the series' own demand; its level is that of similar series.
// Positional parameters stay in inner loops: an object for every call cost 11 % of CPU (decisions/typescript.md).

import { featureTable } from "../calendar/features.ts";
import type { Panel, PanelRegressor, SharedRegressor } from "../contract.ts";
import { historyLength, seriesCount } from "../panel/series.ts";
import { similarLevels } from "./levels.ts";
import type { Plan, RegressorKind } from "./plan.ts";

/** Steps back over which the effect of a regressor on a series is looked up. */
const memory = 104;
/** The farthest special day that counts. */
const farthest = 14;

/** A panel opened for reading rows by a plan. Holds scratch memory: one reader belongs to one thread. */
export interface Reader {
  readonly plan: Plan;
  readonly panel: Panel;
  /** Level of a series without demand of its own, and what `level beside others` is measured from. */
  readonly similar: Float64Array;
  readonly typical: number;
  readonly regressors: readonly (PanelRegressor | undefined)[];
  readonly shared: readonly (SharedRegressor | undefined)[];
  /** Steps to and since the nearest special day, per grid index. */
  readonly since: Float32Array;
  readonly until: Float32Array;
  readonly calendar: readonly Int16Array[];
  /** Bin of each series, one array per category. */
  readonly categories: readonly Uint8Array[];
  readonly rivals: Rivals;
  /** Of the series now open, prefix sums: entry k is over its first k steps. */
  readonly open: Opened;
}

interface Opened {
  series: number;
  /** Grid index of its first step, and how many steps may be read. */
  start: number;
  length: number;
  readonly sum: Float64Array;
  readonly square: Float64Array;
  readonly count: Float64Array;
  readonly sales: Float64Array;
  readonly absolute: Float64Array;
  readonly slow: Float64Array;
  readonly quick: Float64Array;
  readonly lastSale: Int32Array;
  /** Per regressor: sum and number of its known cells before step k. */
  readonly cellSum: readonly Float64Array[];
  readonly cellCount: readonly Float64Array[];
  /** Of the origin last asked for: the features that do not depend on the step ahead, and the spread of each regressor. */
  origin: number;
  level: number;
  readonly block: Float32Array;
  readonly middle: Float64Array;
  readonly width: Float64Array;
}

interface Rivals {
  readonly from: number;
  readonly steps: number;
  /** Place of each series; empty: no rivals are looked at. */
  readonly places: Int32Array;
  readonly sums: readonly Float32Array[];
  readonly counts: readonly Float32Array[];
}

/**
 * Opens a panel: `cut` says up to where levels of similar series may look, `[from, to)` for which targets rows will be written.
 *
 * `typical` is the level from which others are measured; where undefined, that of this panel. Reads the whole panel once.
 */
export function openPanel(
  plan: Plan,
  panel: Panel,
  range: { readonly cut: number; readonly from: number; readonly to: number },
  typical?: number,
): Reader {
  const longest = panel.grid.length + panel.grid.horizon;
  const regressors = plan.regressors.map((planned) => panel.regressors.find((each) => each.name === planned.name));
  const shared = plan.shared.map((planned) => panel.shared.find((each) => each.name === planned.name));
  const levels = similarLevels(panel, range.cut, plan.scaleWindow);
  const days = specialDays(plan, shared, longest);
  return {
    plan,
    panel,
    similar: levels.similar,
    typical: typical ?? levels.typical,
    regressors,
    shared,
    since: days.since,
    until: days.until,
    calendar: plan.calendar.map((name) => featureTable(panel.grid, name)),
    categories: plan.categories.map((each) => categoryBins(panel, each)),
    rivals: gatherRivals(plan, panel, regressors, range.from, range.to),
    open: {
      series: -1,
      start: 0,
      length: 0,
      sum: new Float64Array(longest + 1),
      square: new Float64Array(longest + 1),
      count: new Float64Array(longest + 1),
      sales: new Float64Array(longest + 1),
      absolute: new Float64Array(longest + 1),
      slow: new Float64Array(longest + 1),
      quick: new Float64Array(longest + 1),
      lastSale: new Int32Array(longest + 1),
      cellSum: regressors.map(() => new Float64Array(longest + 1)),
      cellCount: regressors.map(() => new Float64Array(longest + 1)),
      origin: -1,
      level: 1,
      block: new Float32Array(plan.features.length),
      middle: new Float64Array(regressors.length),
      width: new Float64Array(regressors.length),
    },
  };
}

function categoryBins(panel: Panel, planned: Plan["categories"][number]): Uint8Array {
  const bins = new Uint8Array(seriesCount(panel));
  const places = new Map(planned.levels.map((level, k) => [level, k + 1]));
  if (planned.source === "item") return bins.map((_, i) => places.get(panel.itemIds[i]) ?? 0);
  const found = (planned.source === "dimension" ? panel.dimensions : panel.metadata).find((each) => each.name === planned.name);
  if (found === undefined) return bins;
  const byCode = found.levels.map((level) => places.get(level) ?? 0);
  return bins.map((_, i) => (found.codes[i] < 0 ? 0 : byCode[found.codes[i]]));
}

function specialDays(plan: Plan, shared: readonly (SharedRegressor | undefined)[], longest: number): Pick<Reader, "since" | "until"> {
  const since = new Float32Array(longest).fill(farthest);
  const until = new Float32Array(longest).fill(farthest);
  const special = (t: number): boolean =>
    shared.some((each, r) => plan.shared[r].kind === "flag" && each !== undefined && each.values[t] === 1);
  for (let t = 0; t < longest; t++) since[t] = special(t) ? 0 : Math.min(farthest, (t > 0 ? since[t - 1] : farthest) + 1);
  for (let t = longest - 1; t >= 0; t--) until[t] = special(t) ? 0 : Math.min(farthest, (t < longest - 1 ? until[t + 1] : farthest) + 1);
  return { since, until };
}

// Sums over places take this many cells at most per regressor: beyond, rivals are left out (their features are missing).
const mostCells = 8_000_000;

function gatherRivals(plan: Plan, panel: Panel, regressors: Reader["regressors"], from: number, to: number): Rivals {
  const none: Rivals = { from, steps: 0, places: new Int32Array(0), sums: [], counts: [] };
  const steps = Math.max(0, to - from);
  if (!plan.rivals) return none;
  const places = new Int32Array(seriesCount(panel));
  const known = new Map<string, number>();
  for (let i = 0; i < places.length; i++) {
    const key = panel.dimensions.map((each) => each.codes[i]).join("/");
    const place = known.get(key) ?? known.size;
    known.set(key, place);
    places[i] = place;
  }
  if (known.size * steps > mostCells) return none;
  const { length, horizon } = panel.grid;
  const sums = regressors.map(() => new Float32Array(known.size * steps));
  const counts = regressors.map(() => new Float32Array(known.size * steps));
  regressors.forEach((regressor, r) => {
    const { kind } = plan.regressors[r];
    if (regressor === undefined || kind === "number") return;
    for (let i = 0; i < places.length; i++) {
      const first = panel.offsets[i] + i * horizon;
      const start = length - historyLength(panel, i);
      let sum = 0;
      let count = 0;
      for (let t = start; t < to; t++) {
        const cell = regressor.values[first + t - start];
        if (Number.isNaN(cell)) continue;
        sum += cell;
        count++;
        if (t < from) continue;
        const at = places[i] * steps + t - from;
        sums[r][at] += kind === "flag" ? cell : Math.log((cell * count) / sum);
        counts[r][at]++;
      }
    }
  });
  return { from, steps, places, sums, counts };
}

/** Reads series i up to grid index `end` (of demand) into the reader's prefix sums; regressors up to `end` plus the plan's horizon. */
export function openSeries(reader: Reader, i: number, end: number): void {
  const { panel, open, plan } = reader;
  const all = historyLength(panel, i);
  open.series = i;
  open.start = panel.grid.length - all;
  open.length = Math.max(0, Math.min(all, end - open.start));
  open.origin = -1;
  const { sum, square, count, sales, absolute, slow, quick, lastSale } = open;
  const { values } = panel;
  const first = panel.offsets[i];
  lastSale[0] = -1;
  slow[0] = Number.NaN;
  quick[0] = Number.NaN;
  for (let k = 0; k < open.length; k++) {
    const value = values[first + k];
    const known = value === value;
    sum[k + 1] = sum[k] + (known ? value : 0);
    square[k + 1] = square[k] + (known ? value * value : 0);
    absolute[k + 1] = absolute[k] + (known ? Math.abs(value) : 0);
    count[k + 1] = count[k] + (known ? 1 : 0);
    sales[k + 1] = sales[k] + (known && value !== 0 ? 1 : 0);
    lastSale[k + 1] = known && value !== 0 ? k : lastSale[k];
    // Exponential levels: 0.1 and 0.3 of each new value, the plain mean while there are fewer.
    const seen = count[k + 1];
    slow[k + 1] = known ? (seen === 1 ? value : slow[k] + Math.max(0.1, 1 / seen) * (value - slow[k])) : slow[k];
    quick[k + 1] = known ? (seen === 1 ? value : quick[k] + Math.max(0.3, 1 / seen) * (value - quick[k])) : quick[k];
  }
  const cells = Math.max(0, Math.min(all + panel.grid.horizon, end + plan.horizon - open.start));
  const base = first + i * panel.grid.horizon;
  for (let r = 0; r < reader.regressors.length; r++) {
    const regressor = reader.regressors[r];
    const cellSum = open.cellSum[r];
    const cellCount = open.cellCount[r];
    for (let k = 0; k < cells; k++) {
      const cell = regressor === undefined ? Number.NaN : regressor.values[base + k];
      const known = cell === cell;
      cellSum[k + 1] = cellSum[k] + (known ? cell : 0);
      cellCount[k + 1] = cellCount[k] + (known ? 1 : 0);
    }
  }
}

/** The level of the open series before its step `k`: mean of |demand| over recent steps, never of a moment's lull alone. */
function levelBefore(reader: Reader, k: number): number {
  const { open, plan } = reader;
  const seen = open.count[k];
  const similar = reader.similar[open.series];
  if (seen === 0) return similar;
  const all = open.absolute[k] / seen;
  // Never sold: about one sale of its kind in all the time it was there.
  if (all === 0) return similar / (seen + 1);
  const recent = meanOver(open.absolute, open.count, k - plan.scaleWindow, k);
  const longer = meanOver(open.absolute, open.count, k - 4 * plan.scaleWindow, k);
  const lull = longer > 0 ? longer / 4 : all / 16;
  return recent > lull ? recent : lull;
}

function meanOver(sums: Float64Array, counts: Float64Array, from: number, to: number): number {
  const begin = from > 0 ? from : 0;
  if (begin >= to) return Number.NaN;
  const seen = counts[to] - counts[begin];
  return seen > 0 ? (sums[to] - sums[begin]) / seen : Number.NaN;
}

/** Writes the features that depend on the origin alone; returns how many. */
function writeOrigin(reader: Reader, k: number, out: Float32Array): number {
  const { plan, open, panel } = reader;
  const { sum, square, count, sales } = open;
  const level = open.level;
  const first = panel.offsets[open.series];
  let at = 0;
  for (let lag = 1; lag <= plan.lags; lag++) out[at++] = k >= lag ? panel.values[first + k - lag] / level : Number.NaN;
  for (const window of plan.windows) {
    const begin = Math.max(0, k - window);
    const seen = count[k] - count[begin];
    const mean = seen > 0 ? (sum[k] - sum[begin]) / seen : Number.NaN;
    out[at++] = mean / level;
    out[at++] = seen > 1 ? Math.sqrt(Math.max(0, (square[k] - square[begin]) / seen - mean * mean)) / level : Number.NaN;
    out[at++] = seen > 0 ? 1 - (sales[k] - sales[begin]) / seen : Number.NaN;
  }
  out[at++] = open.slow[k] / level;
  out[at++] = open.quick[k] / level;
  out[at++] =
    (meanOver(sum, count, k - plan.scaleWindow, k) - meanOver(sum, count, k - 2 * plan.scaleWindow, k - plan.scaleWindow)) / level;
  out[at++] = open.lastSale[k] < 0 ? Number.NaN : k - open.lastSale[k];
  // Beyond, an age would be a date, and what was so at the latest date would be thought to last.
  out[at++] = Math.min(k, 2 * plan.scaleWindow);
  out[at++] = count[k] > 0 ? sum[k] / count[k] / level : Number.NaN;
  out[at++] = sales[k] > 0 ? sum[k] / sales[k] / level : Number.NaN;
  out[at++] = count[k] > 0 ? 1 - sales[k] / count[k] : Number.NaN;
  out[at++] = Math.log(level / reader.typical);
  return at;
}

/** Middle and width of each regressor over the steps before `k` that are looked back on: what counts as "like" today's value. */
function measureRegressors(reader: Reader, k: number): void {
  const { plan, open, panel } = reader;
  const base = panel.offsets[open.series] + open.series * panel.grid.horizon;
  const begin = Math.max(0, k - memory);
  for (let r = 0; r < plan.regressors.length; r++) {
    const regressor = reader.regressors[r];
    const mean = meanOver(open.cellSum[r], open.cellCount[r], begin, k);
    let squares = 0;
    let seen = 0;
    if (regressor !== undefined) {
      for (let j = begin; j < k; j++) {
        const cell = regressor.values[base + j];
        if (cell !== cell) continue;
        squares += (cell - mean) * (cell - mean);
        seen++;
      }
    }
    const spread = seen > 0 ? Math.sqrt(squares / seen) : 0;
    open.middle[r] = mean;
    open.width[r] = widthOf(plan.regressors[r].kind, mean, spread);
  }
}

// A price within about 3 % is the same price, and so is one within half of the usual spread.
function widthOf(kind: RegressorKind, mean: number, spread: number): number {
  if (kind === "flag") return 0.5;
  const width = Math.max(0.5 * spread, 0.03 * Math.abs(mean), 1e-9);
  return Number.isFinite(width) ? width : 1;
}

/** Mean demand over past steps, each counting the more the closer regressor `r` (-1: all of them) was to its value at step `target`. */
function likeSales(reader: Reader, k: number, target: number, r: number): number {
  const { plan, open, panel } = reader;
  const { values } = panel;
  const first = panel.offsets[open.series];
  const base = first + open.series * panel.grid.horizon;
  const begin = Math.max(0, k - memory);
  const usual = meanOver(open.sum, open.count, begin, k);
  if (usual !== usual) return Number.NaN;
  const from = r < 0 ? 0 : r;
  const to = r < 0 ? plan.regressors.length : r + 1;
  let weights = 0.5;
  let sum = 0.5 * usual;
  for (let j = begin; j < k; j++) {
    const value = values[first + j];
    if (value !== value) continue;
    let distance = 1;
    for (let q = from; q < to; q++) {
      const regressor = reader.regressors[q];
      if (regressor === undefined) continue;
      const apart = (regressor.values[base + j] - regressor.values[base + target]) / open.width[q];
      if (apart === apart) distance += apart * apart;
    }
    const weight = 1 / (distance * distance);
    weights += weight;
    sum += weight * value;
  }
  return sum / weights;
}

/**
 * Writes one row of features: the open series, the origin at grid index `origin` (demand before it is known), `step` >= 1 ahead.
 *
 * Returns the level by which the row's demand is scaled. `cold` hides the series' own demand, as if it were new.
 */
export function writeRow(reader: Reader, origin: number, step: number, cold: boolean, out: Float32Array, offset: number): number {
  const { plan, open } = reader;
  const i = open.series;
  const k = Math.max(0, Math.min(open.length, origin - open.start));
  const hidden = cold || k === 0;
  const end = offset + plan.features.length;
  let at = offset;
  let level: number;
  if (hidden) {
    level = reader.similar[i];
    const blanks = plan.lags + 3 * plan.windows.length + 4 + 4;
    out.fill(Number.NaN, at, at + blanks);
    at += blanks;
    out[at++] = Math.log(level / reader.typical);
  } else {
    if (open.origin !== k) {
      open.origin = k;
      open.level = levelBefore(reader, k);
      writeOrigin(reader, k, open.block);
      if (plan.regressors.length > 0) measureRegressors(reader, k);
    }
    level = open.level;
    const size = plan.lags + 3 * plan.windows.length + 9;
    for (let f = 0; f < size; f++) out[at++] = open.block[f];
  }
  // Local index of the target.
  const target = origin + step - 1 - open.start;
  for (const season of plan.seasons) at = writeSeason(reader, k, target, season, hidden, level, out, at);
  at = writeRegressors(reader, k, target, hidden, level, out, at);
  const t = origin + step - 1;
  for (const each of reader.shared) {
    const values = each?.values;
    out[at++] = values === undefined ? Number.NaN : values[t];
    out[at++] = values === undefined || t === 0 ? Number.NaN : values[t - 1];
    out[at++] = values === undefined || step >= plan.horizon ? Number.NaN : (values[t + 1] ?? Number.NaN);
  }
  if (plan.shared.some((each) => each.kind === "flag")) {
    out[at++] = reader.since[t];
    // A special day beyond the horizon is not known of.
    out[at++] = step + reader.until[t] <= plan.horizon ? reader.until[t] : farthest;
  }
  for (const table of reader.calendar) out[at++] = table[t];
  out[at++] = step;
  for (const bins of reader.categories) out[at++] = bins[i];
  if (at !== end) throw new RangeError(`Expected ${plan.features.length} features but wrote ${at - offset}.`);
  return level;
}

function writeSeason(
  reader: Reader,
  k: number,
  target: number,
  season: number,
  hidden: boolean,
  level: number,
  out: Float32Array,
  offset: number,
): number {
  const { open, panel, plan } = reader;
  const first = panel.offsets[open.series];
  let at = offset;
  // The latest step of the same season that is known at the origin.
  const back = Math.max(1, Math.ceil((target - k + 1) / season)) * season;
  const lag = target - back;
  out[at++] = !hidden && lag >= 0 ? panel.values[first + lag] / level : Number.NaN;
  let sum = 0;
  let seen = 0;
  for (let n = 0; n < 8; n++) {
    const j = lag - n * season;
    if (!hidden && j >= 0) {
      const value = panel.values[first + j];
      if (value === value) {
        sum += value;
        seen++;
      }
    }
    if (n === 3 || n === 7) out[at++] = seen > 0 ? sum / seen / level : Number.NaN;
  }
  // What the season did last time between the origin and the target, smoothed over neighbours where the season is long.
  const around = season >= 300 ? 3 : season >= 40 ? 1 : 0;
  const then = hidden || lag < 0 ? Number.NaN : meanOver(open.sum, open.count, lag - around, Math.min(k, lag + around + 1));
  const before = hidden || k - back < 1 ? Number.NaN : meanOver(open.sum, open.count, k - back - plan.scaleWindow, k - back);
  out[at++] = before > 0 ? Math.min(50, then / before) : Number.NaN;
  return at;
}

function writeRegressors(
  reader: Reader,
  k: number,
  target: number,
  hidden: boolean,
  level: number,
  out: Float32Array,
  offset: number,
): number {
  const { plan, open, panel, rivals } = reader;
  const base = panel.offsets[open.series] + open.series * panel.grid.horizon;
  let at = offset;
  for (let r = 0; r < plan.regressors.length; r++) {
    const { kind } = plan.regressors[r];
    const values = reader.regressors[r]?.values;
    const now = values === undefined || target < 0 ? Number.NaN : values[base + target];
    const past = values === undefined || target < 1 ? Number.NaN : values[base + target - 1];
    out[at++] = now;
    out[at++] = compare(kind, now, hidden ? Number.NaN : meanOver(open.cellSum[r], open.cellCount[r], k - plan.scaleWindow, k));
    out[at++] = compare(kind, now, hidden ? Number.NaN : meanOver(open.cellSum[r], open.cellCount[r], 0, k));
    out[at++] = kind === "flag" ? past : compare(kind, now, past);
    out[at++] = hidden || now !== now ? Number.NaN : likeSales(reader, k, target, r) / level;
    if (!plan.rivals) continue;
    const own = kind === "flag" ? now : Math.log((now * open.cellCount[r][target + 1]) / open.cellSum[r][target + 1]);
    out[at++] = othersHere(rivals, r, open.series, open.start + target, own);
  }
  if (plan.regressors.length > 1) out[at++] = hidden ? Number.NaN : likeSales(reader, k, target, -1) / level;
  return at;
}

function compare(kind: RegressorKind, now: number, with_: number): number {
  return kind === "positive" ? Math.log(now / with_) : now - with_;
}

function othersHere(rivals: Rivals, r: number, series: number, t: number, own: number): number {
  const step = t - rivals.from;
  if (rivals.places.length === 0 || step < 0 || step >= rivals.steps) return Number.NaN;
  const at = rivals.places[series] * rivals.steps + step;
  const known = own === own;
  const count = rivals.counts[r][at] - (known ? 1 : 0);
  return count > 0 ? (rivals.sums[r][at] - (known ? own : 0)) / count : Number.NaN;
}
