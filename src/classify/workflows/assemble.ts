// The module put together: its workflows, the queues they wait in, and which event starts which.

import type { Subscription } from "../../platform/events/contract.ts";
import type { Json, QueueDefinition, ScheduleDefinition, WorkflowDefinition } from "../../platform/workflow/contract.ts";
import { prefixOf, type KeyPattern } from "../../platform/objects/awaited.ts";
import { awaited } from "../store/keys.ts";
import { makeCatchUp } from "./catch-up.ts";
import { makeCompare } from "./compare.ts";
import { makeExtract } from "./extract.ts";
import { makeInfer } from "./infer.ts";
import { makeIntake } from "./intake.ts";
import type { ClassifyDeps } from "./deps.ts";
import { makeReport, makeRestate, makeRetract } from "./report.ts";
import { makeSchemeImport } from "./schemes.ts";
import { makeTrain } from "./train.ts";
import { makeTrial } from "./trial.ts";

export interface ClassifyModule {
  readonly workflows: readonly WorkflowDefinition<Json>[];
  readonly queues: readonly QueueDefinition[];
  readonly subscriptions: readonly Subscription[];
  readonly schedules: readonly ScheduleDefinition[];
  /** The keys under which objects are of use to this module. */
  readonly awaited: readonly KeyPattern[];
}

/** Text of an event's fact; the module's own events always have it. */
function textOf(data: Readonly<Record<string, Json>>, name: string): string {
  const value = data[name];
  return typeof value === "string" ? value : "";
}

/** Makes the module's definitions over its parts. Starts nothing. */
export function makeModule(deps: ClassifyDeps): ClassifyModule {
  const infer = makeInfer(deps);
  const train = makeTrain(deps);
  const trial = makeTrial(deps);
  const compare = makeCompare(deps, infer, trial);
  const intake = makeIntake(deps, train);
  const catchUp = makeCatchUp(deps, infer);
  const extract = makeExtract(deps);
  const report = makeReport(deps);
  const restate = makeRestate(deps);
  const retract = makeRetract(deps);
  const schemeImport = makeSchemeImport(deps);
  return {
    awaited: Object.values(awaited),
    workflows: [intake, train, compare, trial, infer, catchUp, extract, report, restate, retract, schemeImport],
    queues: [
      // One heavy run a thread: each keeps one thread of the pool busy.
      { name: "classify.heavy", perWorker: deps.compute.threads },
      { name: "classify.light", perWorker: 8 },
    ],
    subscriptions: [
      {
        name: "classify.intake",
        kind: "object.stored",
        prefix: prefixOf(awaited.labelled),
        workflow: intake,
        input: (event) => ({ key: textOf(event.data, "key"), version: textOf(event.data, "version") }),
      },
      {
        name: "classify.infer",
        kind: "object.stored",
        prefix: prefixOf(awaited.sales),
        workflow: infer,
        input: (event) => ({ kind: "period", key: textOf(event.data, "key"), version: textOf(event.data, "version"), lines: null }),
      },
      {
        name: "classify.retract",
        kind: "object.removed",
        prefix: prefixOf(awaited.sales),
        workflow: retract,
        input: (event) => ({ key: textOf(event.data, "key") }),
      },
      {
        name: "classify.scheme-import",
        kind: "object.stored",
        prefix: prefixOf(awaited.schemes),
        workflow: schemeImport,
        input: (event) => ({ key: textOf(event.data, "key"), version: textOf(event.data, "version") }),
      },
      {
        name: "classify.compare",
        kind: "classify.model.trained",
        workflow: compare,
        input: (event) => ({ model: textOf(event.data, "model") }),
      },
      {
        name: "classify.catch-up",
        kind: "classify.champion.changed",
        workflow: catchUp,
        input: (event) => (event.data["first"] === true ? { line: textOf(event.data, "line") } : undefined),
      },
      {
        name: "classify.report",
        kind: "classify.period.coded",
        workflow: report,
        input: (event) => ({
          period: textOf(event.data, "period"),
          country: textOf(event.data, "country"),
          fingerprint: textOf(event.data, "fingerprint"),
        }),
      },
    ],
    schedules: [
      { name: "classify.restate", cron: "0 3 * * *", workflow: restate.name, input: {} },
      ...deps.settings.extracts.flatMap((settings): ScheduleDefinition[] =>
        settings.cron === undefined
          ? []
          : [
              {
                name: `classify.extract.${settings.name}`,
                cron: settings.cron,
                workflow: extract.name,
                input: { name: settings.name, period: null },
              },
            ],
      ),
    ],
  };
}
