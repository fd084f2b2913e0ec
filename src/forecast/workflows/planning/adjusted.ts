// Adjusted: what planners say is kept, and laid over the latest forecast of the group: the one that stands, and each new one.
//
//   L1. The system's forecast is never touched: `forecast.adjusted.csv` stands beside `forecast.csv`.
//   L2. What is exported last holds all that was said: an export made while something newer was said is dropped, because that has a run of its own.
//   L3. When all is withdrawn, the adjusted export says again what the system says: whoever took the former one takes this one.

import { isStockroomError } from "../../../platform/errors.ts";
import { faultPoint } from "../../../platform/faults.ts";
import { appendEvent } from "../../../platform/database/outbox.ts";
import type { Tx } from "../../../platform/database/contract.ts";
import type { ObjectEntry, WriteHandle } from "../../../platform/objects/contract.ts";
import type { WorkflowDefinition, Workflows } from "../../../platform/workflow/contract.ts";
import { findAdjusted, insertAdjusted, listAdjustments, lockGroup, type AdjustmentRow } from "../../store/adjustments.ts";
import { prefixes, type ObjectRef } from "../../store/keys.ts";
import { findLatest, putRunExport, type ForecastRunRow } from "../../store/runs.ts";
import { actAs, timeOf, type ForecastDeps } from "../deps.ts";
import { adjustedJob, type AdjustedOutput, type NumberedAdjustment } from "./adjusted-job.ts";
import { exportOf, panelKey } from "./stored.ts";

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

/** What stands, to be laid over a forecast. */
interface Overlay {
  /** For the vault. */
  readonly purpose: string;
  readonly run: Pick<ForecastRunRow, "id" | "group" | "content" | "exports">;
  readonly standing: readonly AdjustmentRow[];
  readonly signal: AbortSignal;
}

/** An overlay that was written and is not visible yet. */
interface StagedOverlay extends Pick<AdjustedOutput, "staged" | "cells" | "misfits"> {
  readonly out: WriteHandle;
}

/** What is said in the transaction that makes an overlay visible; `ref` undefined where nothing was met and nothing is exported. */
type Alongside = (tx: Tx, ref: ObjectRef | undefined, cells: number) => Promise<void>;

const idsOf = (rows: readonly AdjustmentRow[]): readonly string[] => rows.map((row) => row.id);
const sameIds = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((id, at) => id === b[at]);

/** Lays what stands over a finished run and tells of the export, all in one transaction. With nothing new said it changes nothing. */
export async function layOver(deps: ForecastDeps, purpose: string, run: ForecastRunRow, signal: AbortSignal): Promise<AdjustResult> {
  const standing = await listAdjustments(deps.database, { group: run.group, standing: true });
  const known = await findAdjusted(deps.database, run.id);
  const adjustments = standing.length;
  if (sameIds(known?.adjustments ?? [], idsOf(standing)))
    return { outcome: known === undefined ? "none" : "unchanged", run: run.id, cells: known?.cells ?? 0, adjustments };
  const overlay = { purpose, run, standing, signal };
  const alongside: Alongside = async (tx, ref, cells) => {
    await lockGroup(tx, run.group);
    if (!sameIds(idsOf(standing), idsOf(await listAdjustments(tx, { group: run.group, standing: true })))) throw new Outdated();
    await insertAdjusted(tx, { run: run.id, adjustments: idsOf(standing), cells, export: ref ?? known?.export, at: timeOf(deps) });
    // The same bytes once more are the same version, and told of already.
    if (ref === undefined || ref.version === run.exports["adjusted"]?.version) return;
    await putRunExport(tx, run.id, "adjusted", ref);
    await appendEvent(tx, {
      kind: "forecast.exported",
      subject: run.group,
      data: { group: run.group, run: run.id, key: ref.key, version: ref.version },
      dedupe: `forecast.exported/${run.id}/${ref.version}`,
    });
  };
  try {
    const laid = await stageOver(deps, overlay);
    const exported = await commitOver(deps, overlay, laid, { always: known?.export !== undefined, alongside });
    faultPoint("forecast.adjust.exported");
    return { outcome: exported === undefined ? "none" : "exported", run: run.id, cells: laid.cells, adjustments };
  } catch (thrown) {
    if (!(thrown instanceof Outdated)) throw thrown;
    return { outcome: "newer", run: run.id, cells: 0, adjustments };
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
  const overlay = { purpose, run: { ...run, exports: { forecast } }, standing, signal };
  const alongside: Alongside = async (tx, ref, cells) =>
    await insertAdjusted(tx, { run: run.id, adjustments: idsOf(standing), cells, export: ref, at: timeOf(deps) });
  return await commitOver(deps, overlay, await stageOver(deps, overlay), { always: false, alongside });
}

/** Writes an overlay, in a thread. Throws `fault` `FORECAST_EXPORT_MISSING`. */
async function stageOver(deps: ForecastDeps, { purpose, run, standing, signal }: Overlay): Promise<StagedOverlay> {
  const actor = actAs("plan", purpose);
  const forecast = exportOf(run, "forecast");
  const out = await deps.objects.writeHandle(actor, `${prefixes.exports}${run.group}/${run.id}/forecast.adjusted.csv`);
  const input = {
    forecast: await deps.objects.readHandle(actor, forecast.key, forecast.version),
    panel: await deps.objects.readHandle(actor, panelKey(run)),
    adjustments: numberedOf(standing),
    out,
  };
  return { ...(await deps.compute.run(adjustedJob, input, { signal })), out };
}

/** Makes an overlay visible, with what `alongside` says and a notice of each misfit. Without a cell met it is dropped, unless `always`. */
async function commitOver(
  deps: ForecastDeps,
  { purpose, run, signal }: Overlay,
  { staged, cells, misfits, out }: StagedOverlay,
  { always, alongside }: { readonly always: boolean; readonly alongside: Alongside },
): Promise<ObjectRef | undefined> {
  const commitWords = async (tx: Tx, ref: ObjectRef | undefined): Promise<void> => {
    await alongside(tx, ref, cells);
    await postMisfits(deps, tx, run, misfits);
  };
  if (cells === 0 && !always) {
    await deps.objects.discard([out]);
    await deps.database.transaction(async (tx) => await commitWords(tx, undefined));
    return undefined;
  }
  const refOf = (entry: ObjectEntry | undefined): ObjectRef | undefined =>
    entry === undefined ? undefined : { key: entry.key, version: entry.version };
  try {
    const [entry] = await deps.objects.commit(actAs("plan", purpose), [staged], {
      contentType: "text/csv",
      announce: false,
      signal,
      alongside: async (tx, [visible]) => await commitWords(tx, refOf(visible)),
    });
    return refOf(entry);
  } catch (thrown) {
    if (thrown instanceof Outdated || isStockroomError(thrown)) await deps.objects.discard([out]).catch(() => undefined);
    throw thrown;
  }
}

async function postMisfits(
  deps: Pick<ForecastDeps, "postNotice">,
  tx: Tx,
  { id: run, group }: Pick<ForecastRunRow, "id" | "group">,
  misfits: AdjustedOutput["misfits"],
): Promise<void> {
  for (const { id, reason } of misfits) {
    await deps.postNotice(tx, {
      topic: "forecast",
      id: `forecast.adjustment-misfit/${id}/${run}`,
      severity: "warning",
      title: `Adjustment ${id} of ${group} no longer fits`,
      body: `It was left out of the adjusted forecast ${run}. ${reason} \`stockroom forecast adjustments withdraw ${id}\` takes it back.`,
      facts: { group, run, adjustment: id },
    });
  }
}

/** Starts the run that lays over what stands; `cause` says which word of a planner asked for it. */
export async function startAdjust(workflows: Pick<Workflows, "startIn">, tx: Tx, group: string, cause: string): Promise<string> {
  return await workflows.startIn<AdjustInput>(tx, adjustName, { group, cause }, { id: `${adjustName}/${group}/${cause}` });
}
