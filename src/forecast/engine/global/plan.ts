// The plan of a global model: which features a panel offers, in which order, by which names. Plain data; a later panel is read by the same plan.
//
// Owns: the list of features and what each belongs to. Does not own: their values (features.ts).

import { featuresOf } from "../calendar/features.ts";
import type { CalendarFeature } from "../calendar/features.ts";
import { dayMs, instantAt } from "../calendar/grid.ts";
import type { Category, Grid, Panel } from "../contract.ts";
import { historyLength, seriesCount } from "../panel/series.ts";

/** How a regressor's numbers are compared: flags by equality, positive numbers (prices) by ratio, others by difference. */
export type RegressorKind = "flag" | "positive" | "number";

export interface PlannedRegressor {
  readonly name: string;
  readonly kind: RegressorKind;
}

export interface PlannedCategory {
  readonly source: "item" | "dimension" | "metadata";
  readonly name: string;
  /** The commonest levels; level k is bin k + 1, anything else is bin 0 (unknown). */
  readonly levels: readonly string[];
}

export interface PlannedFeature {
  readonly name: string;
  /** What a planner calls it: `price`, `recent sales`, `season`, `brand`. */
  readonly attribute: string;
  readonly categorical: boolean;
}

export interface Plan {
  readonly horizon: number;
  /** Steps over whose mean a series is scaled. */
  readonly scaleWindow: number;
  readonly lags: number;
  readonly windows: readonly number[];
  /** Whole steps after which a season is back; multiples of the shortest one. */
  readonly seasons: readonly number[];
  readonly regressors: readonly PlannedRegressor[];
  readonly shared: readonly PlannedRegressor[];
  /** Whether the regressors of other series of the same place are features. */
  readonly rivals: boolean;
  readonly calendar: readonly CalendarFeature[];
  readonly categories: readonly PlannedCategory[];
  readonly features: readonly PlannedFeature[];
}

/** Attributes that are not a column of the caller's. */
export const attributes = {
  recent: "recent sales",
  season: "season",
  calendar: "calendar",
  horizon: "steps ahead",
  history: "sales history",
  /** Of all regressors at once; explain shares it out among them. */
  together: "regressors",
  holidays: "days to a special day",
} as const;

const mostLevels = 250;
// Bin 0 is the unknown one; six more are left for what binning may ever need.

/** Makes the plan for a panel as it stands before `cut`, to forecast up to `horizon` steps. */
export function makePlan(panel: Panel, cut: number, horizon: number): Plan {
  const seasons = wholeSeasons(panel.seasons, cut);
  const main = seasons[0] ?? 0;
  const windows = windowsFor(main, cut);
  const regressors = panel.regressors.map((each) => ({ name: each.name, kind: kindOf(knownAt(panel, each.values, cut + horizon)) }));
  const shared = panel.shared.map((each) => ({ name: each.name, kind: kindOf([each.values.subarray(0, cut + horizon)]) }));
  const categories: PlannedCategory[] = [];
  const items = new Set(panel.itemIds).size;
  if (items > 1 && items <= mostLevels && items * 2 <= seriesCount(panel)) {
    categories.push({ source: "item", name: "item", levels: [...new Set(panel.itemIds)] });
  }
  for (const each of panel.dimensions) categories.push({ source: "dimension", name: each.name, levels: commonest(each) });
  for (const each of panel.metadata) categories.push({ source: "metadata", name: each.name, levels: commonest(each) });
  const base = {
    horizon,
    scaleWindow: Math.max(8, Math.min(64, 2 * horizon)),
    lags: Math.min(8, main > 1 && main <= 8 ? main : 4),
    windows,
    seasons,
    regressors,
    shared,
    rivals: panel.dimensions.length > 0 && regressors.length > 0,
    calendar: calendarFor(panel.grid, cut),
    categories: categories.filter((each) => each.levels.length > 1),
  };
  return { ...base, features: listFeatures(base) };
}

/** The features of the calendar that came round at least twice before the cut: one that did not is a date, not a season. */
function calendarFor(grid: Grid, cut: number): readonly CalendarFeature[] {
  const years = (instantAt(grid, cut) - instantAt(grid, 0)) / (365.25 * dayMs);
  const yearly: readonly CalendarFeature[] = ["month", "weekOfYear"];
  const never: readonly CalendarFeature[] = ["year", "quarter", "dayOfYear"];
  return featuresOf(grid).filter((each) => !never.includes(each) && (years >= 2 || !yearly.includes(each)));
}

function wholeSeasons(seasons: readonly number[], length: number): readonly number[] {
  const whole: number[] = [];
  for (const season of seasons) {
    const first = whole[0];
    // A year of days is taken as 52 whole weeks: the weekday counts for more than the date.
    const steps = first === undefined ? Math.round(season) : Math.round(season / first) * first;
    if (steps > 1 && steps < length && !whole.includes(steps)) whole.push(steps);
  }
  return whole;
}

function windowsFor(main: number, cut: number): readonly number[] {
  const wanted =
    main > 1 && main <= 8
      ? [main, 2 * main, 4 * main, 8 * main, 16 * main, 52 * main]
      : main > 8
        ? [3, Math.round(main / 4), Math.round(main / 2), main, 2 * main]
        : [2, 4, 8, 16, 32];
  return [...new Set(wanted)].filter((each) => each > 1 && each <= Math.max(2, cut));
}

/** What stands before grid index `end` of each series of a regressor. */
function* knownAt(panel: Panel, values: Float32Array, end: number): Generator<Float32Array> {
  const { length, horizon } = panel.grid;
  for (let i = 0; i < seriesCount(panel); i++) {
    const first = panel.offsets[i] + i * horizon;
    const steps = historyLength(panel, i) + Math.min(0, end - length);
    yield values.subarray(first, first + Math.max(0, Math.min(historyLength(panel, i) + horizon, steps)));
  }
}

function kindOf(parts: Iterable<Float32Array>): RegressorKind {
  let flag = true;
  let positive = true;
  for (const values of parts) {
    for (let k = 0; k < values.length; k++) {
      const value = values[k];
      if (Number.isNaN(value)) continue;
      if (value !== 0 && value !== 1) flag = false;
      if (value <= 0) positive = false;
    }
  }
  return flag ? "flag" : positive ? "positive" : "number";
}

function commonest(category: Category): readonly string[] {
  const counts = new Float64Array(category.levels.length);
  for (const code of category.codes) if (code >= 0) counts[code]++;
  return category.levels
    .map((level, code) => ({ level, code }))
    .filter((each) => counts[each.code] > 0)
    .sort((a, b) => counts[b.code] - counts[a.code] || a.code - b.code)
    .slice(0, mostLevels)
    .map((each) => each.level);
}

/** The features in the order in which features.ts writes them. */
function listFeatures(plan: Omit<Plan, "features">): readonly PlannedFeature[] {
  const list: PlannedFeature[] = [];
  const add = (attribute: string, ...names: string[]): void => {
    for (const name of names) list.push({ name, attribute, categorical: false });
  };
  for (let k = 1; k <= plan.lags; k++) add(attributes.recent, `sales ${k} back`);
  for (const w of plan.windows) add(attributes.recent, `mean of ${w}`, `deviation of ${w}`, `share without sales of ${w}`);
  add(attributes.recent, "slow level", "quick level", "change of level", "steps since a sale");
  add(attributes.history, "age", "mean of all", "size of a sale", "share without sales", "level beside others");
  for (const m of plan.seasons)
    add(attributes.season, `sales ${m} back`, `mean of 4 seasons of ${m}`, `mean of 8 seasons of ${m}`, `seasonal swing of ${m}`);
  for (const each of plan.regressors) {
    add(
      each.name,
      each.name,
      `${each.name} beside recent`,
      `${each.name} beside usual`,
      `${each.name} a step before`,
      `sales at this ${each.name}`,
    );
    if (plan.rivals) add(each.name, `${each.name} of others here`);
  }
  if (plan.regressors.length > 1) add(attributes.together, "sales in like conditions");
  for (const each of plan.shared) add(each.name, each.name, `${each.name} a step before`, `${each.name} a step after`);
  if (plan.shared.some((each) => each.kind === "flag")) add(attributes.holidays, "steps since a special day", "steps to a special day");
  for (const each of plan.calendar) list.push({ name: each, attribute: attributes.calendar, categorical: each === "dayOfWeek" });
  add(attributes.horizon, "steps ahead");
  for (const each of plan.categories) list.push({ name: each.name, attribute: each.name, categorical: true });
  return list;
}
