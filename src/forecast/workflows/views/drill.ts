// Drill: a run's figures by the levels of a dimension or category, within what was chosen before.
//
//   L1. Levels and instants come from the aggregated view, so that they add up to what SQL says.
//   L2. Bounded: the newest months that hold about `mostRows` rows, the `mostLevels` largest levels; what is left out is said.

import { StockroomError } from "../../../platform/errors.ts";
import type { Actor } from "../../../platform/vault/contract.ts";
import { openSealed, type AnswerCell } from "../../../platform/warehouse/index.ts";
import type { ForecastRunRow } from "../../store/runs.ts";
import { domains } from "../inputs/schema.ts";
import type { ForecastDeps } from "../deps.ts";
import { accuracyTable, aggregatedTable, recipeOf } from "./tables.ts";

const mostRows = 3_000_000;
const mostLevels = 200;
const maxMemoryMb = 512;

/** What can be drilled by: a column of the view, and what the group calls it. */
export interface DrillAxis {
  readonly column: string;
  readonly name: string;
}

export interface DrillLevel {
  /** `null`: rows that have none. */
  readonly name: string | null;
  readonly series: number;
  /** Sum of what was sold in the backtest windows; `null` without any. */
  readonly actual: number | null;
  /** Sum of |actual - mean|, over sum of |actual|. */
  readonly wape: number | null;
  /**
   * The same of repeating the last season, over the series and windows it reaches. Of the backtests as a whole: where earlier months were left out,
   * each series by what it sold in those that were read.
   */
  readonly naiveWape: number | null;
  /** Sum of (actual - mean), over sum of |actual|; above zero: the forecast was too low. */
  readonly bias: number | null;
  /** Sum of the mean forecast over the horizon. */
  readonly ahead: number | null;
}

export interface DrillInstant {
  /** ISO without zone. */
  readonly at: string;
  readonly actual: number | null;
  /** The mean that was forecast, in backtests and ahead. */
  readonly forecast: number | null;
}

export interface Drill {
  readonly axes: readonly DrillAxis[];
  readonly by: DrillAxis;
  readonly chosen: readonly { readonly axis: DrillAxis; readonly level: string }[];
  readonly levels: readonly DrillLevel[];
  /** Levels beyond those shown. */
  readonly more: number;
  readonly instants: readonly DrillInstant[];
  /** The first month that was read, when earlier ones were left out. */
  readonly since: string | undefined;
}

/** The axes of a run: its dimensions, its metadata, its items last. */
export function axesOf(run: ForecastRunRow): readonly DrillAxis[] {
  const recipe = recipeOf(run);
  const { item } = domains[recipe.domain];
  const metadata = (recipe.datasets.metadata?.schema ?? []).filter((attribute) => attribute.name !== item).slice(0, 10);
  return [
    ...metadata.map(({ name }, index) => ({ column: `metadata_${index + 1}`, name })),
    ...recipe.dimensions.slice(0, 10).map((name, index) => ({ column: `dimension_${index + 1}`, name })),
    { column: "identifier", name: item },
  ];
}

/** The axis of that column or name. Throws `input` `FORECAST_AXIS`. */
export function findAxis(axes: readonly DrillAxis[], text: string): DrillAxis {
  const found = axes.find((axis) => axis.column === text) ?? axes.find((axis) => axis.name === text);
  if (found !== undefined) return found;
  const names = axes.map((axis) => axis.name).join(", ");
  throw new StockroomError("input", "FORECAST_AXIS", `Expected one of ${names} but received ${text}. Choose one of them.`);
}

/**
 * Reads a run's figures. `by` and the names in `where` are axes, by column or name.
 *
 * Throws `input` `FORECAST_AXIS` for what is none of them.
 */
export async function readDrill(
  { objects, lake }: Pick<ForecastDeps, "objects" | "lake">,
  actor: Actor,
  run: ForecastRunRow,
  asked: { readonly by?: string | undefined; readonly where: readonly (readonly [string, string])[] },
  signal: AbortSignal,
): Promise<Drill> {
  const axes = axesOf(run);
  const axisOf = (text: string): DrillAxis => findAxis(axes, text);
  const chosen = asked.where.map(([name, level]) => ({ axis: axisOf(name), level }));
  const by = asked.by === undefined ? axes.find((axis) => chosen.every((one) => one.axis !== axis)) : axisOf(asked.by);
  const { exports, since } = newestMonths(run);
  const sealed = openSealed(objects, actor);
  const table = aggregatedTable(sealed, "view", [{ ...run, exports }], "");
  const accuracy = accuracyTable(sealed, "accuracy", run);
  const column = (by ?? axisOf("identifier")).column;
  const sql = drillSql(axes, { by: column, chosen, measured: accuracy !== undefined });
  const { batches } = await lake.ask(accuracy === undefined ? [table] : [table, accuracy], sql, { signal, maxMemoryMb });
  const levels: DrillLevel[] = [];
  const instants: DrillInstant[] = [];
  for await (const batch of batches) {
    for (const [
      kind,
      name = null,
      series = null,
      sum = null,
      mean = null,
      missed = null,
      error = null,
      ahead = null,
      naive = null,
    ] of batch) {
      const actual = numberOf(sum);
      const share = (value: AnswerCell): number | null => (actual === null || actual === 0 ? null : (numberOf(value) ?? 0) / actual);
      if (kind === "instant") instants.push({ at: typeof name === "string" ? name : "", actual, forecast: numberOf(mean) });
      else {
        levels.push({
          name: typeof name === "string" ? name : null,
          series: numberOf(series) ?? 0,
          actual,
          wape: share(missed),
          naiveWape: numberOf(naive),
          bias: share(error),
          ahead: numberOf(ahead),
        });
      }
    }
  }
  const size = (level: DrillLevel): number => level.actual ?? level.ahead ?? 0;
  levels.sort((a, b) => size(b) - size(a));
  instants.sort((a, b) => (a.at < b.at ? -1 : 1));
  return {
    axes,
    by: by ?? axisOf("identifier"),
    chosen,
    levels: levels.slice(0, mostLevels),
    more: Math.max(0, levels.length - mostLevels),
    instants,
    since,
  };
}

const numberOf = (value: AnswerCell): number | null => (typeof value === "number" ? value : null);

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Names as SQL has them. */
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

interface DrillQuery {
  /** A column of the view. */
  readonly by: string;
  readonly chosen: readonly { readonly axis: DrillAxis; readonly level: string }[];
  /** Whether there is a table `accuracy`. */
  readonly measured: boolean;
}

function drillSql(axes: readonly DrillAxis[], { by, chosen, measured }: DrillQuery): string {
  const where = chosen.map(({ axis, level }) => `${axis.column} is not distinct from ${level === "" ? "null" : literal(level)}`);
  const ids = axes.filter(({ column }) => !column.startsWith("metadata_"));
  const keyOf = (names: readonly string[]): string => `concat_ws(chr(31), ${names.map((name) => `coalesce(${name}, '')`).join(", ")})`;
  // The export calls an item `item_id` in every domain.
  const exported = ids.map(({ column, name }) => quoted(column === "identifier" ? "item_id" : name));
  const naive = measured
    ? `select ${keyOf(exported)} as series, any_value(seasonal_naive_WAPE) as rate from accuracy group by all`
    : `select null::varchar as series, null::double as rate where false`;
  // A row for each series and instant: backtests that overlap count once.
  return `with cell as materialized (
      select ${by} as level, ${keyOf(ids.map(({ column }) => column))} as series, timestamp, avg(metric) as actual, avg(mean) as forecast
        from view ${where.length === 0 ? "" : `where ${where.join(" and ")}`} group by all),
    ends as (select max(timestamp) as last from cell where actual is not null),
    naive as (${naive})
    select 'level' as kind, level as name, count(distinct series) as series,
           sum(abs(actual)) filter (where forecast is not null) as actual, null as forecast,
           sum(abs(actual - forecast)) as missed, sum(actual - forecast) as error,
           sum(forecast) filter (where timestamp > last or last is null) as ahead,
           sum(abs(actual) * rate) filter (where forecast is not null)
             / nullif(sum(abs(actual)) filter (where forecast is not null and rate is not null), 0) as naive
      from cell left join naive using (series), ends group by level
    union all
    select 'instant', strftime(timestamp, '%Y-%m-%dT%H:%M:%S'), null, sum(actual), sum(forecast), null, null, null, null
      from cell group by timestamp`;
}

/** The newest months of the view that hold about `mostRows` rows, as the exports of a run. */
function newestMonths(run: ForecastRunRow): { readonly exports: ForecastRunRow["exports"]; readonly since: string | undefined } {
  const monthOf = (name: string): string => /^aggregated\/month_starting=([\d-]+)\//.exec(name)?.[1] ?? "";
  const months = [...new Set(Object.keys(run.exports).map(monthOf))]
    .filter((month) => month !== "")
    .toSorted()
    .toReversed();
  const points = Number(run.summary?.["points"] ?? 0);
  const kept = Math.max(2, Math.floor(mostRows / Math.max(1, points / Math.max(1, months.length))));
  const chosen = new Set(months.slice(0, kept));
  const since = months.length > kept ? months[kept - 1] : undefined;
  return { exports: Object.fromEntries(Object.entries(run.exports).filter(([name]) => chosen.has(monthOf(name)))), since };
}
