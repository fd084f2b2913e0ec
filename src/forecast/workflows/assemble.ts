// The module put together: its workflows, the queues they wait in, and which event starts which.

import type { Tx } from "../../platform/database/contract.ts";
import type { StoredEvent, Subscription } from "../../platform/events/contract.ts";
import type {
  DeadLetter,
  Json,
  QueueDefinition,
  ScheduleDefinition,
  WorkflowDefinition,
  Workflows,
} from "../../platform/workflow/contract.ts";
import { prefixOf, type KeyPattern } from "../../platform/objects/awaited.ts";
import { awaited } from "../store/keys.ts";
import type { ForecastDeps } from "./deps.ts";
import { makeAdjust } from "./planning/adjusted.ts";
import { makeExplain } from "./planning/explain.ts";
import { makeMonitor } from "./planning/monitor.ts";
import { makeReplenish } from "./planning/replenish.ts";
import { makeWhatif } from "./planning/whatif.ts";
import { makeGroupRun, makeTrain } from "./pipeline/group-run.ts";
import { endCancelled, endFailed, goOn } from "./pipeline/ends.ts";
import { makeIntake } from "./pipeline/intake.ts";
import { remarkOn } from "./pipeline/remark.ts";
import { makeCleanup } from "./pipeline/cleanup.ts";
import { makeSapDeliver } from "./sap/deliver.ts";
import { makeSapExtract } from "./sap/extract.ts";

export interface ForecastModule {
  readonly workflows: readonly WorkflowDefinition<Json>[];
  readonly queues: readonly QueueDefinition[];
  readonly subscriptions: readonly Subscription[];
  readonly schedules: readonly ScheduleDefinition[];
  /** The keys under which objects are of use to this module. */
  readonly awaited: readonly KeyPattern[];
  /** What becomes of a forecast whose run is given up; in the transaction that gives it up. */
  dead(tx: Tx, letter: Pick<DeadLetter, "id" | "runId" | "error">): Promise<void>;
  /** What becomes of forecasts whose runs are cancelled; in the transaction that cancels them. */
  cancelled(tx: Tx, workflows: Pick<Workflows, "startIn">, runIds: readonly string[]): Promise<void>;
  /** What becomes of a forecast whose run goes on after all. */
  revived(tx: Tx, runId: string): Promise<void>;
  /**
   * What to tell whoever stored an object that is waited for and does not count as the settings are, or leaves open what the forecast needs; undefined
   * when all is well. `isStored` false: it is about to be stored, and is judged by its key alone.
   */
  remark(key: string, isStored: boolean): Promise<string | undefined>;
}

/** Text of an event's fact; the module's own events always have it. */
function textOf(data: Readonly<Record<string, Json>>, name: string): string {
  const value = data[name];
  return typeof value === "string" ? value : "";
}

/** Makes the module's definitions over its parts. Starts nothing. */
export function makeModule(deps: ForecastDeps): ForecastModule {
  const monitor = makeMonitor(deps);
  const explain = makeExplain(deps);
  const train = makeTrain(deps, { explain });
  const cleanup = makeCleanup(deps);
  const groupRun = makeGroupRun(deps, { monitor, train });
  const intake = makeIntake(deps, groupRun);
  const extract = makeSapExtract(deps);
  const deliver = makeSapDeliver(deps);
  return {
    awaited: Object.values(awaited),
    dead: async (tx, letter) => await endFailed(deps, tx, letter),
    cancelled: async (tx, workflows, runIds) => await endCancelled(deps, tx, workflows, runIds),
    revived: async (tx, runId) => await goOn(tx, runId),
    remark: async (key, isStored) => await remarkOn(deps, key, isStored),
    workflows: [
      intake,
      groupRun,
      train,
      cleanup,
      extract,
      deliver,
      monitor,
      explain,
      makeAdjust(deps),
      makeWhatif(deps),
      makeReplenish(deps),
    ],
    queues: [
      // A run spreads over all threads by itself, so more than two at once would only hold more panels in memory.
      { name: "forecast.heavy", perWorker: 2 },
      { name: "forecast.light", perWorker: 8 },
      // Each reads and checks its files, then waits for its training at no cost.
      { name: "forecast.check", perWorker: 1_000 },
      { name: "forecast.sap", perWorker: 4 },
      // A planner's questions do not wait behind trainings.
      { name: "forecast.plan", perWorker: 2 },
    ],
    subscriptions: [
      ...[
        { name: "forecast.intake", pattern: awaited.files },
        { name: "forecast.defaults", pattern: awaited.defaults },
      ].map(({ name, pattern }) => ({
        name,
        kind: "object.stored",
        prefix: prefixOf(pattern),
        workflow: intake,
        input: (event: StoredEvent) => ({ key: textOf(event.data, "key"), version: textOf(event.data, "version") }),
      })),
      ...deps.settings.sap.targets
        .filter((target) => target.automatic.length > 0)
        .map((target) => ({
          name: `forecast.sap.deliver.${target.name}`,
          kind: "forecast.exported",
          workflow: deliver,
          input: (event: StoredEvent) =>
            target.automatic.includes(textOf(event.data, "group"))
              ? {
                  kind: "new",
                  target: target.name,
                  group: textOf(event.data, "group"),
                  export: { key: textOf(event.data, "key"), version: textOf(event.data, "version") },
                }
              : undefined,
        })),
    ],
    schedules: deps.settings.sap.sources.flatMap((source): ScheduleDefinition[] =>
      source.cron === undefined
        ? []
        : [
            {
              name: `forecast.sap.extract.${source.name}`,
              cron: source.cron,
              workflow: extract.name,
              input: { source: source.name, requestedAt: "by schedule" },
            },
          ],
    ),
  };
}
