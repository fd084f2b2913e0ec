// Tables: what can be asked of the module by SQL, and which sealed objects it is made of.
//
//   aggregated, forecasts, ...       the latest run of every group       aggregated_all, ...   every run that is done
//   <group>, groups.<group>          `aggregated` of one group
//
//   T1. Every row says its group and its run, so that groups and runs can be compared and a query can leave the others unread.
//   T2. A name without prefix belongs to the tables named here before it belongs to a group; of groups that differ in case alone the first has it.
//   T3. The aggregated view has the columns of the contract whatever a run was asked for: p1..p99, ten dimensions, ten metadata.

import { listPart, openSealed, type LakeColumn, type LakePlace, type LakeTable, type Sealed } from "../../../platform/warehouse/index.ts";
import type { Actor } from "../../../platform/vault/contract.ts";
import { printFrequency } from "../../engine/calendar/frequency.ts";
import { listAdjustments } from "../../store/adjustments.ts";
import type { ObjectRef } from "../../store/keys.ts";
import { listRuns, type ForecastRunRow } from "../../store/runs.ts";
import type { ForecastDeps } from "../deps.ts";
import type { Recipe } from "../pipeline/recipe.ts";

const mostRuns = 100_000;

const text = (name: string): LakeColumn => ({ name, type: "text" });
const number = (name: string): LakeColumn => ({ name, type: "number" });
const timestamp = (name: string): LakeColumn => ({ name, type: "timestamp" });
const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);

const whose: readonly LakeColumn[] = [text("dataset_group"), text("forecast_run")];

/** Exports that are CSV: the table's name, what it tells, the first column after those that say which series. */
const exported = [
  { table: "forecasts", name: "forecast", from: "timestamp", about: "What will sell: the system's forecasts as they were exported" },
  { table: "forecasts_adjusted", name: "adjusted", from: "timestamp", about: "The forecasts with what planners set in their place" },
  { table: "models", name: "models", from: "demand", about: "Which models make each forecast, by weight; and why others do not" },
  {
    table: "backtest_values",
    name: "backtest/forecasted-values",
    from: "timestamp",
    about: "What the backtests would have forecast, beside what came",
  },
  {
    table: "backtest_accuracy",
    name: "backtest/accuracy-metrics",
    from: "backtest_window",
    about: "How good the backtests were, by series and window",
  },
  { table: "accuracy", name: "accuracy", from: "windows", about: "How good the backtests were, by series, all windows together" },
] as const;

/** Columns of the exports that are numbers or instants; all others are text. */
const instants = new Set(["timestamp", "backtestwindow_start_time", "backtestwindow_end_time"]);
const numbers =
  /^(?:(?:\w+_)?(?:mean|p\d+(?:\.\d+)?)|wQL\[.*\]|average_wQL|WAPE|MASE|MAPE|RMSE|sMAPE|RMSSE|bias|seasonal_naive_WAPE|target_value|backtest_window|windows|points|actual|weight)$/;

const typeOf = (column: string): LakeColumn["type"] => (instants.has(column) ? "timestamp" : numbers.test(column) ? "number" : "text");

/** The module's tables as `actor` may read them. */
export async function makeTables(
  { database, objects }: Pick<ForecastDeps, "database" | "objects">,
  actor: Actor,
): Promise<readonly LakeTable[]> {
  const runs = await listRuns(database, { limit: mostRuns });
  const done = runs.filter((run) => run.state === "done");
  const latest = [...Map.groupBy(done, (run) => run.group).values()].map((own) => own.reduce(later)).toSorted(byGroup);
  const sealed = openSealed(objects, actor);
  const fixed: LakeTable[] = [
    aggregatedTable(sealed, "aggregated", latest, "History, backtests and forecasts of every group in one table"),
    aggregatedTable(sealed, "aggregated_all", done, "The same of every run there was"),
    ...exported.flatMap(({ table, name, from, about }) => [
      exportedTable(sealed, table, latest, { name, from, about: `${about}, the latest run of each group` }),
      exportedTable(sealed, `${table}_all`, done, { name, from, about: `${about}, every run` }),
    ]),
    runsTable(runs, latest),
    adjustmentsTable(database),
  ];
  const taken = new Set(fixed.map((table) => table.name));
  const groups = latest.flatMap((run): LakeTable[] => {
    const about = `The rows of ${run.group} in \`aggregated\``;
    const id = run.group.toLowerCase();
    const own = aggregatedTable(sealed, run.group, [run], about);
    const inSchema = { ...own, schema: "groups" };
    if (taken.has(`groups.${id}`)) return [];
    taken.add(`groups.${id}`);
    if (taken.has(id)) return [inSchema];
    taken.add(id);
    return [own, inSchema];
  });
  return [...fixed, ...groups];
}

const later = (a: ForecastRunRow, b: ForecastRunRow): ForecastRunRow =>
  `${a.currentAt ?? ""} ${a.id}` > `${b.currentAt ?? ""} ${b.id}` ? a : b;

const byGroup = (a: ForecastRunRow, b: ForecastRunRow): number => (a.group < b.group ? -1 : 1);

/** Settings of a run as its row has them; they were a recipe when they were written. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by beginRun from a recipe
export const recipeOf = (run: ForecastRunRow): Recipe => run.settings as Recipe;

/** The aggregated views of runs as one table. */
export function aggregatedTable(sealed: Sealed, name: string, runs: readonly ForecastRunRow[], about: string): LakeTable {
  return {
    name,
    about,
    open: async () => {
      const columns = [
        timestamp("timestamp"),
        text("identifier"),
        number("metric"),
        ...numbered("p", 99).map(number),
        number("mean"),
        ...numbered("dimension_", 10).map(text),
        ...numbered("metadata_", 10).map(text),
      ];
      const places = runs.flatMap((run) =>
        Object.entries(run.exports).flatMap(([path, ref]): LakePlace[] => {
          const month = /^aggregated\/month_starting=(\d{4}-\d\d-\d\d)\/.*\.parquet$/.exec(path)?.[1];
          if (month === undefined) return [];
          return [
            {
              part: sealed.part(ref, columns),
              constants: { dataset_group: run.group, forecast_run: run.id, month_starting: month },
              range: { column: "timestamp", from: month, to: nextMonth(month) },
            },
          ];
        }),
      );
      return { columns: [...columns, { name: "month_starting", type: "date" }, ...whose], places };
    },
  };
}

function nextMonth(month: string): string {
  const [year = 0, number = 0] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 10);
}

/** How good the backtests of a run were, by series; undefined where it has no such export. */
export function accuracyTable(sealed: Sealed, name: string, run: ForecastRunRow): LakeTable | undefined {
  if (run.exports["accuracy"] === undefined) return undefined;
  return exportedTable(sealed, name, [run], { name: "accuracy", from: "windows", about: "" });
}

function exportedTable(
  sealed: Sealed,
  table: string,
  runs: readonly ForecastRunRow[],
  { name, from, about }: { readonly name: string; readonly from: string; readonly about: string },
): LakeTable {
  return {
    name: table,
    about,
    open: async (signal) => {
      const all = new Map<string, LakeColumn>();
      const first: LakePlace[] = [];
      const found = runs.flatMap((run): { readonly run: ForecastRunRow; readonly ref: ObjectRef }[] => {
        const ref = run.exports[name];
        return ref === undefined ? [] : [{ run, ref }];
      });
      const headers: { readonly run: ForecastRunRow; readonly ref: ObjectRef; readonly ids: LakeColumn[]; readonly rest: LakeColumn[] }[] =
        [];
      for (const { run, ref } of found) {
        const header = (await sealed.headerOf(ref, signal)).filter((column) => !whose.some((own) => own.name === column.toLowerCase()));
        const split = Math.max(0, header.indexOf(from));
        headers.push({
          run,
          ref,
          ids: header.slice(0, split).map(text),
          rest: header.slice(split).map((column) => ({ name: column, type: typeOf(column) })),
        });
      }
      // What says which series before what is said of it; SQL takes names that differ in case alone for one.
      for (const column of [...headers.flatMap(({ ids }) => ids), ...headers.flatMap(({ rest }) => rest)]) {
        const id = column.name.toLowerCase();
        if (!all.has(id)) all.set(id, column);
      }
      const columns = [...all.values()];
      for (const { run, ref, ids, rest } of headers) {
        const own = [...ids, ...rest].filter((column) => columns.some((known) => known.name === column.name && known.type === column.type));
        first.push({ part: sealed.part(ref, own), constants: { dataset_group: run.group, forecast_run: run.id } });
      }
      return { columns: [...whose, ...columns], places: first };
    },
  };
}

const runColumns: readonly LakeColumn[] = [
  ...whose,
  text("state"),
  text("is_latest"),
  timestamp("started_at"),
  timestamp("ended_at"),
  text("reuses"),
  text("frequency"),
  number("horizon"),
  number("windows"),
  text("dimensions"),
  number("series"),
  number("points"),
  number("bad_rows"),
  number("wape"),
  number("seasonal_naive_wape"),
  number("average_wql"),
  number("mase"),
  text("leader"),
];

function runsTable(runs: readonly ForecastRunRow[], latest: readonly ForecastRunRow[]): LakeTable {
  const newest = new Set(latest.map((run) => run.id));
  const rowOf = (run: ForecastRunRow): Record<string, string | number | null | undefined> => {
    const recipe = recipeOf(run);
    const said = (name: string): string | number | null => {
      const value = run.summary?.[name];
      return typeof value === "number" || typeof value === "string" ? value : null;
    };
    return {
      dataset_group: run.group,
      forecast_run: run.id,
      state: run.state,
      is_latest: newest.has(run.id) ? "yes" : "no",
      started_at: isoOf(run.startedAt),
      ended_at: run.endedAt === undefined ? null : isoOf(run.endedAt),
      reuses: run.reuses,
      frequency: printFrequency(recipe.frequency),
      horizon: recipe.horizon,
      windows: recipe.windows,
      dimensions: recipe.dimensions.join(", "),
      series: said("series"),
      points: said("points"),
      bad_rows: said("badRows"),
      wape: said("wape"),
      seasonal_naive_wape: said("seasonalNaiveWape"),
      average_wql: said("averageWql"),
      mase: said("mase"),
      leader: said("leader"),
    };
  };
  return {
    name: "runs",
    about: "Every run over a group: when, how far ahead, how good in the backtests",
    open: async () => ({
      columns: runColumns,
      places: [{ part: listPart("forecast runs", runColumns, async () => runs.map(rowOf)), constants: {} }],
    }),
  };
}

const adjustmentColumns: readonly LakeColumn[] = [
  text("dataset_group"),
  text("id"),
  text("kind"),
  number("value"),
  text("said"),
  timestamp("from_at"),
  timestamp("until_at"),
  text("author"),
  text("reason"),
  timestamp("made_at"),
  timestamp("withdrawn_at"),
  text("withdrawn_by"),
];

function adjustmentsTable(database: ForecastDeps["database"]): LakeTable {
  const rows = async (): Promise<readonly Record<string, string | number | null | undefined>[]> =>
    (await listAdjustments(database)).map((row) => ({
      dataset_group: row.group,
      id: row.id,
      kind: row.kind,
      value: row.value,
      said: row.said,
      from_at: isoOf(row.fromAt),
      until_at: isoOf(row.untilAt),
      author: row.author,
      reason: row.reason,
      made_at: isoOf(row.madeAt),
      withdrawn_at: row.withdrawnAt === undefined ? null : isoOf(row.withdrawnAt),
      withdrawn_by: row.withdrawnBy,
    }));
  return {
    name: "adjustments",
    about: "What planners said of forecasts: who, when, why, and whether it still stands",
    open: async () => ({
      columns: adjustmentColumns,
      places: [{ part: listPart("forecast adjustments", adjustmentColumns, rows), constants: {} }],
    }),
  };
}

const isoOf = (at: string): string => new Date(at).toISOString();
