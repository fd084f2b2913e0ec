// The classification module as one value: what it declares, what it is made of, which event starts which workflow.

import { prefixOf } from "../platform/objects/awaited.ts";
import { defineModule, storedObject, textOf } from "../platform/module.ts";
import type { ScheduleDefinition } from "../platform/workflow/contract.ts";
import { classifyGauges } from "./store/gauges.ts";
import { classifyMigrations } from "./store/migrations.ts";
import { awaited } from "./store/keys.ts";
import { classifyGrants, classifyZones, type ClassifyDeps } from "./workflows/deps.ts";
import { classifySettings } from "./workflows/settings.ts";

/** What the module answers over HTTP, as declared: for the types of a client. */
export type * as routes from "./http/contract.ts";
export type {
  ItemStories,
  LineList,
  ModelList,
  PeriodList,
  ReviewList,
  SchemeList,
  StartedRuns,
  VerdictList,
  WholeScheme,
} from "./http/routes.ts";
export type { PeriodReport } from "./workflows/commands.ts";

export const classify = defineModule({
  name: "classify",
  about: "Codes for items: models, runs, verdicts, reviews, reports",
  settings: classifySettings,
  migrations: classifyMigrations,
  zones: classifyZones,
  // What reports rest on.
  records: classifyZones.map(({ name }) => name),
  grants: classifyGrants,
  gauges: classifyGauges,

  make: async (platform) => {
    const deps: ClassifyDeps = platform;
    const make = await import("./workflows/index.ts");
    const infer = make.makeInfer(deps);
    const train = make.makeTrain(deps);
    const trial = make.makeTrial(deps);
    const compare = make.makeCompare(deps, infer, trial);
    const intake = make.makeIntake(deps, train);
    const catchUp = make.makeCatchUp(deps, infer);
    const extract = make.makeExtract(deps);
    const report = make.makeReport(deps);
    const restate = make.makeRestate(deps);
    const retract = make.makeRetract(deps);
    const cleanUp = make.makeCleanUp(deps);
    const schemeImport = make.makeSchemeImport(deps);
    return {
      deps,
      awaited: Object.values(awaited),
      understand: async (key) => await make.understandLabelled(deps, key),
      workflows: [intake, train, compare, trial, infer, catchUp, extract, report, restate, retract, cleanUp, schemeImport],
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
          input: storedObject,
        },
        {
          name: "classify.infer",
          kind: "object.stored",
          prefix: prefixOf(awaited.sales),
          workflow: infer,
          input: (event) => ({ kind: "period", ...storedObject(event), lines: null }),
        },
        {
          name: "classify.retract",
          kind: "object.removed",
          prefix: prefixOf(awaited.sales),
          workflow: retract,
          input: (event) => ({ key: textOf(event, "key") }),
        },
        {
          name: "classify.scheme-import",
          kind: "object.stored",
          prefix: prefixOf(awaited.schemes),
          workflow: schemeImport,
          input: storedObject,
        },
        {
          name: "classify.compare",
          kind: "classify.model.trained",
          workflow: compare,
          input: (event) => ({ model: textOf(event, "model") }),
        },
        {
          name: "classify.catch-up",
          kind: "classify.champion.changed",
          workflow: catchUp,
          input: (event) => (event.data["first"] === true ? { line: textOf(event, "line") } : undefined),
        },
        {
          name: "classify.report",
          kind: "classify.period.coded",
          workflow: report,
          input: (event) => ({
            period: textOf(event, "period"),
            country: textOf(event, "country"),
            fingerprint: textOf(event, "fingerprint"),
          }),
        },
      ],
      schedules: [
        { name: "classify.restate", cron: "0 3 * * *", workflow: restate.name, input: {} },
        { name: "classify.tidy", cron: "30 3 * * *", workflow: cleanUp.name, input: {} },
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
  },

  routes: async (server, app) => await (await import("./http/routes.ts")).mountRoutes(server, app),
  formerWords: [
    { old: "classify models", now: "classify models list", unlessBefore: ["list"] },
    { old: "classify verdicts", now: "classify verdicts list", unlessBefore: ["list"] },
    { old: "classify champion history", now: "classify champions list" },
    { old: "classify champion", now: "classify champions" },
    { old: "classify review", now: "classify reviews" },
    { old: "classify report", now: "classify reports show" },
  ],
  staysHere: {
    fit: { kind: "files", why: "it reads files of this machine and asks no installation" },
    predict: { kind: "files", why: "it reads files of this machine and asks no installation" },
    evaluate: { kind: "files", why: "it reads files of this machine and asks no installation" },
    export: { kind: "files", why: "it reads files of this machine and asks no installation" },
  },
  page: { path: "/classify", name: "Classification", about: "lines and their champions, reports, items for review" },

  commands: async (tools) => (await import("./cli/commands.ts")).makeCommands(tools),

  look: async (profile) => (await import("./workflows/look.ts")).adviceOn(profile),
  propose: async (profile) => (await import("./workflows/look.ts")).proposalOf(profile),

  tablesChange: ["classify.period.coded", "classify.report.written"],
  tables: async (deps, actor) => (await import("./workflows/views.ts")).makeTables(deps, actor),

  sample: {
    seed: async (tools) => await (await import("./sample/seed.ts")).seed(tools),
    tour: [
      ["stockroom classify lines", "every country and scheme with its model in charge"],
      ["stockroom classify verdicts", "which model won, and why"],
      ["stockroom classify reports show --period 2026-10", "what was sold, by country, scheme and code"],
      ["stockroom classify reviews list", "items the models leave to people"],
      ["stockroom ls classify/", "every file, encrypted at rest; stockroom get KEY opens one"],
    ],
  },

  examples: {
    put: ["stockroom put june.csv classify/labelled/GBR/june.csv", "zcat june.csv.gz | stockroom put - classify/labelled/GBR/june.csv"],
    get: ["stockroom get classify/reports/2026-10.csv --out report.csv"],
  },
});
