// Adjustments: what planners say, read, checked against the group it is of, kept, and taken back.
//
// Owns: the words. Does not own: laying them over a forecast (`adjusted.ts`), whose run starts in the same transaction.

import { StockroomError } from "../../../platform/errors.ts";
import type { Workflows } from "../../../platform/workflow/contract.ts";
import { checkValue, type AdjustmentKind } from "../../engine/adjust/adjust.ts";
import { dayMs } from "../../engine/calendar/grid.ts";
import { findSeries, parseInstant, unknownTexts } from "../../engine/scenario/apply.ts";
import type { Condition, Fault } from "../../engine/scenario/change.ts";
import { parseConditions } from "../../engine/scenario/command.ts";
import { addAdjustment, listAdjustments, lockGroup, withdrawAdjustment, type AdjustmentRow } from "../../store/adjustments.ts";
import { findLatest, listGroups, type ForecastRunRow } from "../../store/runs.ts";
import { actAs, timeOf, type ForecastDeps } from "../deps.ts";
import type { PanelNames } from "../pipeline/pieces.ts";
import { startAdjust } from "./adjusted.ts";
import { readNames } from "./stored.ts";

/** What a planner says, as typed. */
export interface AdjustmentAsked {
  readonly group: string;
  readonly kind: AdjustmentKind;
  readonly value: number;
  /** `item_id = A and location in (oslo, bergen)`; empty: every series. */
  readonly where: string;
  /** `yyyy-MM-dd` or `yyyy-MM-dd HH:mm:ss`; of `to` a day counts to its end, a time is the last instant that counts. */
  readonly from: string;
  readonly to: string;
  readonly author: string;
  readonly reason: string;
}

export const faultsText = (faults: readonly Fault[]): string => faults.map(({ where, message }) => `${where}: ${message}`).join(" ");

/** Reads an adjustment; throws `input` `ADJUSTMENT_FAULTS` with everything that is wrong with it. */
export function readAdjustment(asked: AdjustmentAsked, at: string): Omit<AdjustmentRow, "id" | "withdrawnAt" | "withdrawnBy"> {
  const faults: string[] = [];
  const wrong = checkValue(asked.kind, asked.value);
  if (wrong !== undefined) faults.push(wrong);
  let conditions: readonly Condition[] = [];
  if (asked.where.trim() !== "") {
    const parsed = parseConditions(asked.where);
    if (parsed.kind === "faults") faults.push(faultsText(parsed.faults));
    else conditions = parsed.conditions;
  }
  const instant = (name: string, text: string): number => {
    const ms = parseInstant(text);
    if (ms === undefined) faults.push(`Expected --${name} as yyyy-MM-dd or "yyyy-MM-dd HH:mm:ss" but received "${text}".`);
    return ms ?? 0;
  };
  const fromMs = instant("from", asked.from);
  const untilMs = instant("to", asked.to) + (/^\d{4}-\d{2}-\d{2}$/.test(asked.to) ? dayMs : 1);
  if (faults.length === 0 && untilMs <= fromMs) faults.push(`Expected --to at or after --from but received ${asked.from} to ${asked.to}.`);
  for (const [name, text] of [
    ["author", asked.author],
    ["reason", asked.reason],
  ] as const) {
    if (text.trim() === "" || text.length > 500) faults.push(`Expected a ${name} of 1 to 500 characters but received ${text.length}.`);
  }
  if (faults.length > 0) throw new StockroomError("input", "ADJUSTMENT_FAULTS", faults.join(" "));
  return {
    group: asked.group,
    kind: asked.kind,
    value: asked.value,
    said: asked.where.trim(),
    conditions,
    fromAt: new Date(fromMs).toISOString(),
    untilAt: new Date(untilMs).toISOString(),
    author: asked.author.trim(),
    reason: asked.reason.trim(),
    madeAt: at,
  };
}

/** An adjustment that was kept, the series of the latest forecast it meets (undefined without one), and the durable run that lays it over. */
export interface KeptAdjustment {
  readonly row: AdjustmentRow;
  readonly series: number | undefined;
  readonly runId: string;
}

/**
 * Keeps a planner's word and starts laying it over the group's latest forecast, both or neither.
 *
 * Throws `input` `ADJUSTMENT_FAULTS` for names the group does not have too and `ADJUSTMENT_NO_SERIES` with what was probably meant, `missing`
 * `FORECAST_GROUP_MISSING`, and without `again` `conflict` `ADJUSTMENT_SAID` when the same stands already.
 */
export async function sayAdjustment(
  deps: ForecastDeps,
  workflows: Pick<Workflows, "startIn">,
  asked: AdjustmentAsked,
  { purpose, again = false }: { readonly purpose: string; readonly again?: boolean },
): Promise<KeptAdjustment> {
  const row = readAdjustment(asked, timeOf(deps));
  const groups = await listGroups(deps.database);
  if (!groups.some((group) => group.name === asked.group)) {
    throw new StockroomError(
      "missing",
      "FORECAST_GROUP_MISSING",
      `Expected a dataset group but received "${asked.group}". ${groups.length === 0 ? "There is no group yet." : `Groups: ${groups.map((group) => group.name).join(", ")}.`}`,
    );
  }
  const latest = await findLatest(deps.database, asked.group);
  let series: number | undefined;
  if (latest !== undefined) {
    const names = await readNames(deps, actAs("plan", purpose), latest);
    series = countSeries(names, row, latest);
  }
  return await deps.database.transaction(async (tx) => {
    await lockGroup(tx, asked.group);
    const same = again
      ? undefined
      : (await listAdjustments(tx, { group: asked.group, standing: true })).find((each) => saysSame(each, row));
    if (same !== undefined) {
      throw new StockroomError(
        "conflict",
        "ADJUSTMENT_SAID",
        `Expected something that was not said yet but adjustment ${same.id} says the same for the same series and dates (${same.author}: ${same.reason}). If it is meant to be said once more, say so: --again (HTTP: "again": true).`,
        { facts: { adjustment: same.id } },
      );
    }
    const made = await addAdjustment(tx, row);
    const runId = await startAdjust(workflows, tx, asked.group, made.id);
    return { row: made, series, runId };
  });
}

/** How many series of a forecast an adjustment meets. Throws `input` `ADJUSTMENT_FAULTS`, `ADJUSTMENT_NO_SERIES`. */
export function countSeries(names: PanelNames, { conditions }: Pick<AdjustmentRow, "conditions">, run: ForecastRunRow): number {
  const found = findSeries(names, conditions);
  if (found.kind === "faults") throw new StockroomError("input", "ADJUSTMENT_FAULTS", found.faults.map(({ message }) => message).join(" "));
  const series = found.series.reduce((sum, one) => sum + one, 0);
  if (series === 0 || unknownTexts(names, conditions).length > 0) throw noSeries(names, conditions, run);
  return series;
}

/** Whether two adjustments do the same to the same series and dates, whatever their reasons. */
export function saysSame(a: Pick<AdjustmentRow, "kind" | "value" | "conditions" | "fromAt" | "untilAt">, b: typeof a): boolean {
  const key = ({ kind, value, conditions, fromAt, untilAt }: typeof a): string => {
    const all = conditions.map(({ attribute, comparison, values }) =>
      JSON.stringify([attribute.toLowerCase(), comparison, values.toSorted()]),
    );
    return JSON.stringify([kind, value, all.toSorted(), Date.parse(fromAt), Date.parse(untilAt)]);
  };
  return key(a) === key(b);
}

/** Why no series is met: the values nobody has, each with the nearest there is; or that no series has all of them together. */
function noSeries(names: PanelNames, conditions: readonly Condition[], { id, group }: ForecastRunRow): StockroomError {
  const unknown = unknownTexts(names, conditions);
  const detail = unknown.length > 0 ? unknown.join("; ") : "no series meets all conditions together";
  return new StockroomError(
    "input",
    "ADJUSTMENT_NO_SERIES",
    `Expected conditions that series of ${group} meet but ${detail}. Nothing was kept; correct them (forecast ${id} has the series).`,
  );
}

/** Takes an adjustment back and starts the export without it, both or neither. Throws `missing` `ADJUSTMENT_MISSING`, `conflict` `ADJUSTMENT_WITHDRAWN`. */
export async function takeBack(
  deps: Pick<ForecastDeps, "database" | "clock">,
  workflows: Pick<Workflows, "startIn">,
  id: string,
  by: string,
): Promise<{ readonly row: AdjustmentRow; readonly runId: string }> {
  return await deps.database.transaction(async (tx) => {
    const row = await withdrawAdjustment(tx, id, by, timeOf(deps));
    return { row, runId: await startAdjust(workflows, tx, row.group, `${id}/withdrawn`) };
  });
}
