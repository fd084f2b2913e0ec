// What events do to a panel at every cut of a run. Worked out anew when a run goes on: it costs less than it would to keep.

import { possibleCuts } from "../../engine/combine/trial.ts";
import type { Panel } from "../../engine/contract.ts";
import type { PanelLifts } from "../../engine/events/lifts.ts";
import { hasEvents } from "../../engine/events/occurrences.ts";
import type { RunSettings, RunTools } from "./contract.ts";
import { sentOptions } from "./jobs.ts";
import { cutsOf } from "./global-model.ts";
import { liftJob } from "./lift-job.ts";

/** Undefined without events, and where demand may be negative: nothing multiplies that. */
export async function liftsOf(
  panel: Panel,
  settings: RunSettings,
  { compute, signal }: Pick<RunTools, "compute" | "signal">,
): Promise<readonly PanelLifts[] | undefined> {
  if (!settings.nonNegative || !hasEvents(panel)) return undefined;
  const { length } = panel.grid;
  const cuts = [...new Set([...possibleCuts(sentOptions(panel, settings), length), ...cutsOf(panel, settings), length])];
  return compute.run(liftJob, { panel, cuts }, signal === undefined ? {} : { signal });
}
