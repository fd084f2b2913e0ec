// Ends: what becomes of a forecast whose run does not get to its end: given up, cancelled, and when it goes on after all.
//
//   Z1. A forecast ends in the transaction that ends its run: none is under way for ever.
//   Z2. Whoever reads about a group reads why, and where more is told.

import type { Tx } from "../../../platform/database/contract.ts";
import type { DeadLetter, Workflows } from "../../../platform/workflow/contract.ts";
import { endUndone, readRunId, resumeRun, setGroupState } from "../../store/runs.ts";
import { timeOf, type ForecastDeps } from "../deps.ts";
import type { CleanupInput } from "./cleanup.ts";

/** A run was given up: its forecast failed, and whoever waits for it is told why. */
export async function endFailed(
  deps: Pick<ForecastDeps, "clock" | "postNotice" | "link">,
  tx: Tx,
  { id, runId, error }: Pick<DeadLetter, "id" | "runId" | "error">,
): Promise<void> {
  const run = readRunId(runId);
  if (run === undefined) return;
  await endUndone(tx, run.runId, "failed", timeOf(deps), error.message);
  await setGroupState(tx, run.group, run.request, "failed", error.message);
  const link = deps.link(`/api/runs/${encodeURIComponent(runId)}`);
  await deps.postNotice(tx, {
    topic: "forecast",
    id: `forecast.failed/${id}`,
    severity: "alarm",
    title: `The forecast of ${run.group} failed`,
    body: `${error.message}\n\nThe former forecast stands. More of it: ${link} or \`stockroom runs show '${runId}'\`. A corrected file that is put is forecast by itself; when the cause lies elsewhere and is mended: \`stockroom dead redrive ${id}\`.`,
    facts: { group: run.group, run: runId, code: error.code, deadLetter: id, link },
  });
}

/** Runs were cancelled: so are their forecasts, and what they kept for themselves goes. */
export async function endCancelled(
  deps: Pick<ForecastDeps, "clock">,
  tx: Tx,
  workflows: Pick<Workflows, "startIn">,
  runIds: readonly string[],
): Promise<void> {
  for (const runId of runIds) {
    const run = readRunId(runId);
    if (run === undefined) continue;
    await setGroupState(tx, run.group, run.request, "cancelled", `cancelled; \`stockroom runs retry '${run.runId}'\` goes on with it`);
    const at = timeOf(deps);
    const ended = await endUndone(tx, run.runId, "cancelled", at);
    if (ended === undefined) continue;
    await workflows.startIn<CleanupInput>(tx, "forecast.tidy", ended, { id: `forecast.tidy/${run.runId}/${at}` });
  }
}

/** A run goes on after all, and so does its forecast. */
export async function goOn(tx: Tx, runId: string): Promise<void> {
  const run = readRunId(runId);
  if (run === undefined) return;
  await resumeRun(tx, run.runId);
  await setGroupState(tx, run.group, run.request, "queued");
}
