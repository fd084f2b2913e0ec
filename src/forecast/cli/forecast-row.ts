// One row for one forecast, as `list` and `show` print it, and the word that names one.

import { type ForecastRunRow } from "../store/runs.ts";
import { figure } from "./app-tools.ts";

export const word = {
  type: "positional",
  required: true,
  description: "a dataset group (its latest forecast) or the id of a forecast",
} as const;

/** What a row needs to know of a forecast, of the app's own row or of a server's answer. */
export interface ShownRun extends Pick<ForecastRunRow, "id" | "group" | "runId" | "state" | "exports"> {
  readonly summary?: ForecastRunRow["summary"];
  readonly reuses?: string | undefined;
  readonly why?: string | undefined;
  readonly endedAt?: string | undefined;
}

export const warningsIn = (run: Pick<ShownRun, "summary">): readonly string[] => {
  const warnings = run.summary?.["warnings"];
  return Array.isArray(warnings) ? warnings.map(String) : [];
};

export const rowOf = (run: ShownRun) => ({
  group: run.group,
  forecast: run.id,
  state: run.state,
  series: figure(run.summary?.["series"]),
  wape: figure(run.summary?.["wape"]),
  "seasonal naive": figure(run.summary?.["seasonalNaiveWape"]),
  average_wql: figure(run.summary?.["averageWql"]),
  models: run.reuses === undefined ? "trained" : `of ${run.reuses}`,
  adjusted: run.exports["adjusted"] === undefined ? "" : "yes",
  warnings: warningsIn(run).length === 0 ? "" : String(warningsIn(run).length),
  ended: { at: run.endedAt },
});
