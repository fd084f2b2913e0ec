// The forecasting module as one value: what it declares, what it is made of, which event starts which workflow.

import { prefixOf } from "../platform/objects/awaited.ts";
import { defineModule, storedObject, textOf } from "../platform/module.ts";
import type { StoredEvent } from "../platform/events/contract.ts";
import type { ScheduleDefinition } from "../platform/workflow/contract.ts";
import { forecastGauges } from "./store/gauges.ts";
import { awaited } from "./store/keys.ts";
import { forecastMigrations } from "./store/migrations.ts";
import { forecastGrants, forecastZones, type ForecastDeps } from "./workflows/deps.ts";
import { forecastSettings } from "./workflows/settings.ts";

/** What the module answers over HTTP, as declared: for the types of a client. */
export type * as routes from "./http/contract.ts";
export type {
  AdjustmentList,
  ForecastRunDetail,
  ForecastRunList,
  GroupList,
  ImportList,
  ScenarioDetail,
  ScenarioList,
} from "./http/routes.ts";
export type { ImportDetail } from "./http/reading.ts";
export type { Drill } from "./workflows/views/drill.ts";

export const forecast = defineModule({
  name: "forecast",
  about: "Demand: forecasts, backtests, accuracy, what-ifs, orders, planners and the way into SAP",
  settings: forecastSettings,
  migrations: forecastMigrations,
  zones: forecastZones,
  grants: forecastGrants,
  gauges: forecastGauges,

  make: async (platform) => {
    const deps: ForecastDeps = { ...platform, checks: platform.openCompute(1) };
    const make = await import("./workflows/index.ts");
    const monitor = make.makeMonitor(deps);
    const explain = make.makeExplain(deps);
    const train = make.makeTrain(deps, { explain });
    const cleanup = make.makeCleanup(deps);
    const groupRun = make.makeGroupRun(deps, { monitor, train });
    const intake = make.makeIntake(deps, groupRun);
    const extract = make.makeSapExtract(deps);
    const deliver = make.makeSapDeliver(deps);
    const { sap } = deps.settings;
    return {
      deps,
      awaited: Object.values(awaited),
      understand: async (key) => await make.understand(deps, key),
      remark: async (key, isStored) => await make.remarkOn(deps, key, isStored),
      ends: {
        dead: async (tx, letter) => await make.endFailed(deps, tx, letter),
        cancelled: async (tx, workflows, runIds) => await make.endCancelled(deps, tx, workflows, runIds),
        revived: async (tx, runId) => await make.goOn(tx, runId),
      },
      workflows: [
        intake,
        groupRun,
        train,
        cleanup,
        extract,
        deliver,
        monitor,
        explain,
        make.makeAdjust(deps),
        make.makeWhatif(deps),
        make.makeReplenish(deps),
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
          input: storedObject,
        })),
        ...sap.targets
          .filter((target) => target.automatic.length > 0)
          .map((target) => ({
            name: `forecast.sap.deliver.${target.name}`,
            kind: "forecast.exported",
            workflow: deliver,
            input: (event: StoredEvent) =>
              target.automatic.includes(textOf(event, "group"))
                ? { kind: "new", target: target.name, group: textOf(event, "group"), export: storedObject(event) }
                : undefined,
          })),
      ],
      schedules: sap.sources.flatMap((source): ScheduleDefinition[] =>
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
  },

  routes: async (server, app) => await (await import("./http/routes.ts")).mountRoutes(server, app),
  page: {
    path: "/forecast",
    name: "Forecasts",
    about: "dataset groups and their dashboards, figures, exports, imports into SAP",
  },

  commands: async (tools) => (await import("./cli/commands.ts")).makeCommands(tools),
  nouns: { forecasts: { make: async (tools) => (await import("./cli/commands.ts")).makeForecasts(tools) } },

  formerWords: [
    { old: "forecast list", now: "forecasts list" },
    { old: "forecast show", now: "forecasts show" },
    { old: "forecast export", now: "forecasts export" },
    { old: "forecast remove", now: "forecast groups remove" },
    { old: "forecast adjust", now: "forecast adjustments add" },
    { old: "forecast value-added", now: "forecast adjustments value" },
    { old: "forecast scenario", now: "forecast scenarios" },
  ],
  staysHere: {
    look: { kind: "files", why: "it reads files of this machine and asks no installation" },
    run: { kind: "files", why: "it reads files of this machine and asks no installation" },
    accuracy: { kind: "files", why: "it reads the folder of a `forecast run` on this machine and asks no installation" },
    whatif: { kind: "files", why: "it reads the folder of a `forecast run` on this machine and asks no installation" },
    explain: { kind: "files", why: "it reads the folder of a `forecast run` on this machine and asks no installation" },
    replenish: { kind: "files", why: "it reads the folder of a `forecast run` on this machine and asks no installation" },
    "defaults sample": { kind: "files", why: "it prints a text that is the same everywhere" },
  },
  forFiles: "run",
  look: async (profile) => (await import("./workflows/intake/intake.ts")).adviceOn(profile),
  propose: async (profile) => (await import("./workflows/intake/intake.ts")).proposalOf(profile),

  tablesChange: ["forecast.exported"],
  tables: async (deps, actor) => await (await import("./workflows/views/tables.ts")).makeTables(deps, actor),

  sample: {
    seed: async (tools) => await (await import("./sample/seed.ts")).seed(tools),
    tour: [
      ["stockroom forecasts list", "what is forecast, how well, and when"],
      [
        'stockroom sql "select identifier, sum(mean) from aggregated where metric is null group by 1"',
        "plain SQL over history, backtests and forecasts",
      ],
    ],
  },

  examples: {
    sql: [
      'stockroom sql "select timestamp, sum(p50) from forecasts group by all order by all"',
      "stockroom sql \"select identifier, metric, p10, p50, p90 from aggregated where dataset_group = 'retail' and month_starting = '2026-10-01'\"",
      'stockroom sql "select item_id, avg(WAPE) from backtest_accuracy group by all order by 2 desc limit 20" --json',
      'stockroom sql "from forecasts" --csv > forecasts.csv',
    ],
  },
});
