// Routes that read forecasts: groups, runs, exports, figures, curves, cells, exceptions. Answered by routes.ts.

import { z } from "zod";
import { line as text } from "../../platform/web/fields.ts";
import { next, pageQuery } from "../../platform/web/paging.ts";
import { bytes, list } from "../../platform/web/route.ts";
import { defineRoute, optional, record, number, input, byId, ofExport, exportRow, tables, viewed } from "./contract-parts.ts";

const group = z
  .strictObject({
    name: z.string(),
    since: z.string(),
    /** Finished ones. */
    runs: z.number(),
    /** Id of the latest forecast. */
    latest: z.string().optional(),
    state: z.enum(["idle", "queued", "waiting", "running", "failed", "cancelled"]),
    why: z.string().optional(),
    runId: z.string().optional(),
  })
  .meta({ id: "ForecastGroup" });

export const listGroups = defineRoute({
  ...viewed,
  name: "listForecastGroups",
  path: "/api/forecast/groups",
  summary: "Every dataset group, with what it is about at present",
  answer: z.strictObject({ groups: list(group) }),
});

export const removeGroup = defineRoute({
  name: "removeForecastGroup",
  method: "DELETE",
  path: "/api/forecast/groups/:id",
  summary: "Remove a group: its files and what its runs kept for themselves go, its exports stay",
  needs: "operator",
  params: byId,
  answer: z.strictObject({ group: z.string(), files: z.number(), pieces: z.number() }),
});

const runRow = z.strictObject({
  id: z.string(),
  group: z.string(),
  /** The durable run that made it. */
  runId: z.string(),
  request: z.string(),
  content: z.string(),
  recipe: z.string(),
  inputs: z.strictObject({ target: input, related: input, metadata: input, events: input }),
  reuses: z.string().optional(),
  state: z.enum(["running", "done", "superseded", "failed", "cancelled"]),
  why: z.string().optional(),
  /** Series, WAPE, average wQL, MASE, leading model, `warnings`. */
  summary: record.optional(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  currentAt: z.string().optional(),
});

export const listForecasts = defineRoute({
  ...viewed,
  name: "listForecasts",
  path: "/api/forecast/runs",
  summary: "Forecasts, the newest first",
  query: z.strictObject({ group: optional, ...pageQuery() }),
  answer: z.strictObject({ runs: list(runRow.meta({ id: "Forecast" })), next }),
});

export const getForecast = defineRoute({
  ...viewed,
  name: "getForecast",
  path: "/api/forecast/runs/:id",
  summary: "A forecast with the settings it had, and its exports",
  params: byId,
  answer: z.strictObject({ run: runRow.extend({ settings: record }), exports: list(exportRow) }),
});

export const getForecastExport = defineRoute({
  ...viewed,
  name: "getForecastExport",
  path: "/api/forecast/runs/:id/exports/*",
  summary: "An export of a forecast, as a download",
  params: ofExport,
  answer: tables,
});

export const getDashboard = defineRoute({
  ...viewed,
  name: "getForecastDashboard",
  path: "/api/forecast/runs/:id/dashboard",
  summary: "The dashboard's data as JSON",
  params: byId,
  answer: bytes("application/json"),
});

/** Every name that is none of a route's own is an axis that is held at a level. */
const heldAxes = text(1_000);
const axis = z.strictObject({ column: z.string(), name: z.string() });

export const getFigures = defineRoute({
  ...viewed,
  name: "getForecastFigures",
  path: "/api/forecast/runs/:id/figures",
  summary: "Sold, errors and forecast by the levels of an axis, within the levels that are held",
  params: byId,
  query: z.object({ by: text(100).optional() }).catchall(heldAxes),
  answer: z.strictObject({
    axes: list(axis),
    by: axis,
    chosen: list(z.strictObject({ axis, level: z.string() })),
    levels: list(
      z.strictObject({
        name: z.string().nullable(),
        series: z.number(),
        actual: number,
        wape: number,
        naiveWape: number,
        bias: number,
        ahead: number,
      }),
    ),
    more: z.number(),
    instants: list(z.strictObject({ at: z.string(), actual: number, forecast: number })),
    since: z.string().optional(),
  }),
});

const curveForecast = z.strictObject({ mean: list(z.number()), quantiles: list(list(z.number())) }).nullable();

export const getCurve = defineRoute({
  ...viewed,
  name: "getForecastCurve",
  path: "/api/forecast/runs/:id/curve",
  summary: "The series at the levels that are held as one curve: history, forecast with quantiles, backtests, what is known ahead",
  params: byId,
  query: z.object({}).catchall(heldAxes),
  answer: z.strictObject({
    series: z.number(),
    /** Those that have a forecast. */
    forecast: z.number(),
    levels: list(z.number()),
    instants: list(z.string()),
    /** Index of the first forecast step in `instants`. */
    split: z.number(),
    yearSteps: number,
    history: list(number),
    system: curveForecast,
    /** Where planners changed something. */
    planners: curveForecast,
    backtests: list(z.strictObject({ at: z.number(), mean: list(z.number()) })),
    /** By step ahead: series by series, and as one sum. */
    errors: list(z.strictObject({ step: z.number(), points: z.number(), wape: number, sumWape: number, bias: number })),
    /** Prices, promotions: the mean over the series, and what was seen of them. */
    related: list(
      z.strictObject({
        name: z.string(),
        values: list(number),
        seen: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
      }),
    ),
    /** How quantiles of a sum came about. */
    summed: z.strictObject({
      method: z.enum(["own", "joint draws", "independent draws", "none"]),
      paths: z.number(),
      windows: z.number(),
    }),
    warnings: list(z.string()),
  }),
});

export const getCells = defineRoute({
  ...viewed,
  name: "getForecastCells",
  path: "/api/forecast/runs/:id/cells",
  summary: "The series at the levels that are held, step by step: the system's mean, the one in use, the outermost quantiles",
  params: byId,
  query: z.object({ find: text(200).optional(), ...pageQuery(50, 500) }).catchall(heldAxes),
  answer: z.strictObject({
    total: z.number(),
    idColumns: list(z.string()),
    instants: list(z.string()),
    levels: list(z.number()),
    rows: list(
      z.strictObject({
        ids: list(z.string()),
        system: list(z.number()),
        used: list(z.number()),
        low: list(z.number()),
        high: list(z.number()),
      }),
    ),
    next,
  }),
});

const exceptionKinds = ["no forecast", "ended", "new", "bias", "worse than last season"] as const;

export const listExceptions = defineRoute({
  ...viewed,
  name: "listForecastExceptions",
  path: "/api/forecast/runs/:id/exceptions",
  summary: "The series at the levels that are held that deserve a look, the most money first where a price is known",
  params: byId,
  query: z.object({ kind: z.enum(exceptionKinds).optional(), ...pageQuery(100, 1_000) }).catchall(heldAxes),
  answer: z.strictObject({
    series: z.number(),
    counts: z.strictObject(
      Object.fromEntries(exceptionKinds.map((kind) => [kind, z.number()])) as Record<(typeof exceptionKinds)[number], z.ZodNumber>,
    ),
    rows: list(
      z.strictObject({
        ids: list(z.string()),
        kinds: list(z.enum(exceptionKinds)),
        reasons: list(z.string()),
        ahead: z.number(),
        price: number,
        money: number,
        wape: number,
        naiveWape: number,
        bias: number,
      }),
    ),
    next,
  }),
});
