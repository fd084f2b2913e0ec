// Adjusted: what planners say is kept, and laid over the latest forecast of the group: the one that stands, and each new one.
//
//   L1. The system's forecast is never touched: `forecast.adjusted.csv` stands beside `forecast.csv`.
//   L2. What is exported last holds all that was said: an export made while something newer was said is dropped, because that has a run of its own.
//   L3. When all is withdrawn, the adjusted export says again what the system says: whoever took the former one takes this one.

import { editDistance } from "../../../platform/config/index.ts";
import { isStockroomError, StockroomError } from "../../../platform/errors.ts";
import { faultPoint } from "../../../platform/faults.ts";
import { appendEvent } from "../../../platform/database/outbox.ts";
import type { Tx } from "../../../platform/database/contract.ts";
import type { WorkflowDefinition, Workflows } from "../../../platform/workflow/contract.ts";
import { checkValue, type AdjustmentKind } from "../../engine/adjust/adjust.ts";
import { dayMs } from "../../engine/calendar/grid.ts";
import { findSeries, parseInstant } from "../../engine/scenario/apply.ts";
import type { Condition, Fault } from "../../engine/scenario/change.ts";
import { parseConditions } from "../../engine/scenario/command.ts";
import {
  addAdjustment,
  findAdjusted,
  insertAdjusted,
  listAdjustments,
  lockGroup,
  withdrawAdjustment,
  type AdjustmentRow,
} from "../../store/adjustments.ts";
import { prefixes, type ObjectRef } from "../../store/keys.ts";
import { findLatest, listGroups, putRunExport, type ForecastRunRow } from "../../store/runs.ts";
import { actAs, timeOf, type ForecastDeps } from "../deps.ts";
import { adjustedJob, type NumberedAdjustment } from "./adjusted-job.ts";
import type { PanelNames } from "../pipeline/pieces.ts";
import { panelKey, readNames } from "./stored.ts";

/** `cause` tells which word of a planner asked. */
export type AdjustInput = { readonly group: string; readonly cause: string };

export type AdjustResult = {
  /** `newer`: something said since has a run of its own. `none`: nothing to lay over, or over nothing. */
  readonly outcome: "exported" | "unchanged" | "newer" | "none";
  readonly run: string | null;
  readonly cells: number;
  readonly adjustments: number;
};

const adjustName = "forecast.adjust";

export function makeAdjust(deps: ForecastDeps): WorkflowDefinition<AdjustInput, AdjustResult> {
  return {
    name: adjustName,
    queue: "forecast.plan",
    title: (input) => `adjust the forecast of ${input.group}`,
    run: async (context, input) =>
      await context.step("export", async (signal): Promise<AdjustResult> => {
        const latest = await findLatest(deps.database, input.group);
        if (latest === undefined) return { outcome: "none", run: null, cells: 0, adjustments: 0 };
        return await layOver(deps, context.runId, latest, signal);
      }),
  };
}

/** Says that what was laid over is no longer all that was said; never leaves this file. */
class Outdated extends Error {}

const numbered = (row: AdjustmentRow): NumberedAdjustment => ({
  id: row.id,
  kind: row.kind,
  value: row.value,
  conditions: row.conditions,
  fromMs: Date.parse(row.fromAt),
  untilMs: Date.parse(row.untilAt),
});

/** The adjustments of rows, for the engine. */
export const numberedOf = (rows: readonly AdjustmentRow[]): readonly NumberedAdjustment[] => rows.map(numbered);

/** Lays what stands over a finished run and tells of the export, all in one transaction. Again with nothing new said it changes nothing. */
export async function layOver(deps: ForecastDeps, purpose: string, run: ForecastRunRow, signal: AbortSignal): Promise<AdjustResult> {
  const standing = await listAdjustments(deps.database, { group: run.group, standing: true });
  const known = await findAdjusted(deps.database, run.id);
  const same = (ids: readonly string[], rows: readonly AdjustmentRow[]): boolean =>
    ids.length === rows.length && rows.every((row, at) => row.id === ids[at]);
  if (same(known?.adjustments ?? [], standing)) {
    return { outcome: known === undefined ? "none" : "unchanged", run: run.id, cells: known?.cells ?? 0, adjustments: standing.length };
  }
  try {
    const laid = await stageOver(
      deps,
      purpose,
      run,
      standing,
      signal,
      async (tx, ref, cells) => {
        await lockGroup(tx, run.group);
        if (
          !same(
            standing.map((row) => row.id),
            await listAdjustments(tx, { group: run.group, standing: true }),
          )
        )
          throw new Outdated();
        await insertAdjusted(tx, {
          run: run.id,
          adjustments: standing.map((row) => row.id),
          cells,
          export: ref ?? known?.export,
          at: timeOf(deps),
        });
        // The same bytes again are the same version, and told of already.
        if (ref === undefined || ref.version === run.exports["adjusted"]?.version) return;
        await putRunExport(tx, run.id, "adjusted", ref);
        await appendEvent(tx, {
          kind: "forecast.exported",
          subject: run.group,
          data: { group: run.group, run: run.id, key: ref.key, version: ref.version },
          dedupe: `forecast.exported/${run.id}/${ref.version}`,
        });
      },
      known?.export !== undefined,
    );
    faultPoint("forecast.adjust.exported");
    return { outcome: laid.export === undefined ? "none" : "exported", run: run.id, cells: laid.cells, adjustments: standing.length };
  } catch (thrown) {
    if (!(thrown instanceof Outdated)) throw thrown;
    return { outcome: "newer", run: run.id, cells: 0, adjustments: standing.length };
  }
}

/**
 * Lays what stands over a run that is not finished yet, for the run itself to tell of; undefined where nothing meets it.
 *
 * What is said while it works is laid over when the run is finished (`layOver`).
 */
export async function adjustBeforehand(
  deps: ForecastDeps,
  purpose: string,
  run: Pick<ForecastRunRow, "id" | "group" | "content">,
  forecast: ObjectRef,
  signal: AbortSignal,
): Promise<ObjectRef | undefined> {
  const standing = await listAdjustments(deps.database, { group: run.group, standing: true });
  if (standing.length === 0) return undefined;
  const laid = await stageOver(
    deps,
    purpose,
    { ...run, exports: { forecast } },
    standing,
    signal,
    async (tx, ref, cells) =>
      await insertAdjusted(tx, { run: run.id, adjustments: standing.map((row) => row.id), cells, export: ref, at: timeOf(deps) }),
    false,
  );
  return laid.export;
}

/** Writes the export and, in the transaction that makes it visible, what `alongside` says. Without a cell met and `always` false nothing is written. */
async function stageOver(
  deps: ForecastDeps,
  purpose: string,
  run: Pick<ForecastRunRow, "id" | "group" | "content" | "exports">,
  standing: readonly AdjustmentRow[],
  signal: AbortSignal,
  alongside: (tx: Tx, ref: ObjectRef | undefined, cells: number) => Promise<void>,
  always: boolean,
): Promise<{ readonly export: ObjectRef | undefined; readonly cells: number }> {
  const actor = actAs("plan", purpose);
  const { forecast } = run.exports;
  if (forecast === undefined)
    throw new StockroomError(
      "fault",
      "FORECAST_EXPORT_MISSING",
      `Expected forecast ${run.id} to have an export but it has none. Report this.`,
    );
  const out = await deps.objects.writeHandle(actor, `${prefixes.exports}${run.group}/${run.id}/forecast.adjusted.csv`);
  const { staged, cells, misfits } = await deps.compute.run(
    adjustedJob,
    {
      forecast: await deps.objects.readHandle(actor, forecast.key, forecast.version),
      panel: await deps.objects.readHandle(actor, panelKey(run)),
      adjustments: numberedOf(standing),
      out,
    },
    { signal },
  );
  const tellMisfits = async (tx: Tx): Promise<void> => {
    for (const { id, reason } of misfits) {
      await deps.postNotice(tx, {
        topic: "forecast",
        id: `forecast.adjustment-misfit/${id}/${run.id}`,
        severity: "warning",
        title: `Adjustment ${id} of ${run.group} no longer fits`,
        body: `It was left out of the adjusted forecast ${run.id}. ${reason} \`stockroom forecast adjustments withdraw ${id}\` takes it back.`,
        facts: { group: run.group, run: run.id, adjustment: id },
      });
    }
  };
  if (cells === 0 && !always) {
    await deps.objects.discard([out]);
    await deps.database.transaction(async (tx) => {
      await alongside(tx, undefined, 0);
      await tellMisfits(tx);
    });
    return { export: undefined, cells };
  }
  let told: ObjectRef | undefined;
  try {
    const entries = await deps.objects.commit(actor, [staged], {
      contentType: "text/csv",
      announce: false,
      signal,
      alongside: async (tx, [entry]) => {
        await alongside(tx, entry === undefined ? undefined : { key: entry.key, version: entry.version }, cells);
        await tellMisfits(tx);
      },
    });
    const [entry] = entries;
    told = entry === undefined ? undefined : { key: entry.key, version: entry.version };
  } catch (thrown) {
    if (thrown instanceof Outdated || isStockroomError(thrown)) await deps.objects.discard([out]).catch(() => undefined);
    throw thrown;
  }
  return { export: told, cells };
}

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
  purpose: string,
  again = false,
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
    const found = findSeries(names, row.conditions);
    if (found.kind === "faults")
      throw new StockroomError("input", "ADJUSTMENT_FAULTS", found.faults.map(({ message }) => message).join(" "));
    series = found.series.reduce((sum, one) => sum + one, 0);
    if (series === 0) throw noSeries(names, row.conditions, latest);
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

/** Whether two adjustments do the same to the same series and dates, whatever their reasons. */
function saysSame(a: Pick<AdjustmentRow, "kind" | "value" | "conditions" | "fromAt" | "untilAt">, b: typeof a): boolean {
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
  const items = [...new Set(names.itemIds)];
  const unknown = conditions.flatMap(({ attribute, comparison, values }) => {
    if (comparison !== "EQUALS") return [];
    const name = attribute.toLowerCase();
    const category = [...names.dimensions, ...names.metadata].find((each) => each.name.toLowerCase() === name);
    const known = category?.levels ?? items;
    return values
      .filter((value) => !known.includes(value))
      .map((value) => {
        const near = nearest(value, known);
        return `no ${attribute} is "${value}"${near.length === 0 ? "" : `; near it: ${near.join(", ")}`}`;
      });
  });
  const detail = unknown.length > 0 ? unknown.join("; ") : "no series meets all conditions together";
  return new StockroomError(
    "input",
    "ADJUSTMENT_NO_SERIES",
    `Expected conditions that at least one series of ${group} meets but none does: ${detail}. Nothing was kept; correct them (forecast ${id} has the series).`,
  );
}

/** The texts most like one, at most three: fewest letters to change, among those that share more than they do not. */
function nearest(text: string, known: readonly string[]): readonly string[] {
  const lower = text.toLowerCase();
  return known
    .map((each) => ({ each, far: editDistance(lower, each.toLowerCase()) }))
    .filter(({ each, far }) => far <= Math.max(1, Math.ceil(Math.max(each.length, text.length) / 2)))
    .toSorted((a, b) => a.far - b.far || (a.each < b.each ? -1 : 1))
    .slice(0, 3)
    .map(({ each }) => each);
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

async function startAdjust(workflows: Pick<Workflows, "startIn">, tx: Tx, group: string, cause: string): Promise<string> {
  return await workflows.startIn<AdjustInput>(tx, adjustName, { group, cause }, { id: `${adjustName}/${group}/${cause}` });
}
