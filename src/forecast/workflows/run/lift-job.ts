// Lift: what each event does to each series, as it is known at every cut, in a thread.

import type { ComputeTask } from "../../../platform/compute/contract.ts";
import type { Panel } from "../../engine/contract.ts";
import { liftPanel, type PanelLifts } from "../../engine/events/lifts.ts";

export interface LiftInput {
  readonly panel: Panel;
  /** Grid indexes. */
  readonly cuts: readonly number[];
}

/** Undefined for a panel without events. The numbers are in shared memory. */
export const liftJob: ComputeTask<LiftInput, readonly PanelLifts[] | undefined> = { module: import.meta.url, name: "forecast.lift" };

export const run = ({ panel, cuts }: LiftInput): readonly PanelLifts[] | undefined => liftPanel(panel, cuts);
