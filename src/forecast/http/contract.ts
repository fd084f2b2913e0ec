// The module's routes as data: what they take, what they answer, whom they ask for. routes.ts and planning.ts answer them.
//
// docs/reference/forecast-http.md lists them for people. No code that works is imported here: the client has its types from these declarations.

import { mappingFields } from "../../platform/mappings/fields.ts";
import { z } from "zod";
import { line as text, speaker } from "../../platform/web/fields.ts";
import { next, pageQuery } from "../../platform/web/paging.ts";
import { bytes, list, routesOf } from "../../platform/web/route.ts";

const defineRoute = routesOf("forecast");

const optional = text().optional();
const record = z.record(z.string(), z.unknown());
/** JSON has no NaN: of nothing it is null. */
const number = z.number().nullable();

const ref = z.strictObject({ key: z.string(), version: z.string() });
const refs = z.record(z.string(), ref);
const input = ref.extend({ sha256: z.string() }).optional();

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
  name: "listForecastGroups",
  method: "GET",
  path: "/api/forecast/groups",
  summary: "Every dataset group, with what it is about at present",
  needs: "viewer",
  answer: z.strictObject({ groups: list(group) }),
});

const byId = z.strictObject({ id: text(500) });
const ofExport = z.strictObject({ id: text(500), "*": z.string() });

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
  name: "listForecasts",
  method: "GET",
  path: "/api/forecast/runs",
  summary: "Forecasts, the newest first",
  needs: "viewer",
  query: z.strictObject({ group: optional, ...pageQuery() }),
  answer: z.strictObject({ runs: list(runRow.meta({ id: "Forecast" })), next }),
});

const exportRow = z
  .strictObject({ name: z.string(), key: z.string(), version: z.string(), bytes: z.number(), contentType: z.string() })
  .meta({ id: "ForecastExport" });

export const getForecast = defineRoute({
  name: "getForecast",
  method: "GET",
  path: "/api/forecast/runs/:id",
  summary: "A forecast with the settings it had, and its exports",
  needs: "viewer",
  params: byId,
  answer: z.strictObject({ run: runRow.extend({ settings: record }), exports: list(exportRow) }),
});

const tables = bytes("text/csv", "application/vnd.apache.parquet", "application/json", "text/html");

export const getForecastExport = defineRoute({
  name: "getForecastExport",
  method: "GET",
  path: "/api/forecast/runs/:id/exports/*",
  summary: "An export of a forecast, as a download",
  needs: "viewer",
  params: ofExport,
  answer: tables,
});

export const getDashboard = defineRoute({
  name: "getForecastDashboard",
  method: "GET",
  path: "/api/forecast/runs/:id/dashboard",
  summary: "The dashboard's data as JSON",
  needs: "viewer",
  params: byId,
  answer: bytes("application/json"),
});

const axis = z.strictObject({ column: z.string(), name: z.string() });

export const getFigures = defineRoute({
  name: "getForecastFigures",
  method: "GET",
  path: "/api/forecast/runs/:id/figures",
  summary: "Sold, errors and forecast by the levels of an axis, within the levels that are held",
  needs: "viewer",
  params: byId,
  // Every other name is an axis that is held at a level.
  query: z.object({ by: text(100).optional() }).catchall(text(1_000)),
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

/** Every name that is none of a route's own is an axis that is held at a level. */
const heldAxes = text(1_000);
const curveForecast = z.strictObject({ mean: list(z.number()), quantiles: list(list(z.number())) }).nullable();

export const getCurve = defineRoute({
  name: "getForecastCurve",
  method: "GET",
  path: "/api/forecast/runs/:id/curve",
  summary: "The series at the levels that are held as one curve: history, forecast with quantiles, backtests, what is known ahead",
  needs: "viewer",
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
  name: "getForecastCells",
  method: "GET",
  path: "/api/forecast/runs/:id/cells",
  summary: "The series at the levels that are held, step by step: the system's mean, the one in use, the outermost quantiles",
  needs: "viewer",
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
  name: "listForecastExceptions",
  method: "GET",
  path: "/api/forecast/runs/:id/exceptions",
  summary: "The series at the levels that are held that deserve a look, the most money first where a price is known",
  needs: "viewer",
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

const comparisons = ["EQUALS", "NOT_EQUALS", "LESS_THAN", "GREATER_THAN", "AT_MOST", "AT_LEAST"] as const;
const condition = z.strictObject({ attribute: z.string(), comparison: z.enum(comparisons), values: list(z.string()) });

const adjustmentKinds = ["set", "add", "percent"] as const;
const adjustment = z
  .strictObject({
    id: z.string(),
    group: z.string(),
    kind: z.enum(adjustmentKinds),
    value: z.number(),
    said: z.string(),
    conditions: list(condition),
    fromAt: z.string(),
    untilAt: z.string(),
    author: z.string(),
    reason: z.string(),
    madeAt: z.string(),
    withdrawnAt: z.string().optional(),
    withdrawnBy: z.string().optional(),
  })
  .meta({ id: "Adjustment" });

export const listAdjustments = defineRoute({
  name: "listAdjustments",
  method: "GET",
  path: "/api/forecast/adjustments",
  summary: "What planners said, in the order in which they said it; the last page first",
  needs: "viewer",
  query: z.strictObject({ group: optional, standing: z.enum(["yes", "no"]).default("no"), ...pageQuery(100, 10_000) }),
  answer: z.strictObject({ adjustments: list(adjustment), next }),
});

export const adjust = defineRoute({
  name: "adjustForecast",
  method: "POST",
  path: "/api/forecast/adjustments",
  summary: "Say what demand will be instead of the system, for items, places and dates",
  needs: "planner",
  body: z.strictObject({
    group: text(),
    kind: z.enum(adjustmentKinds),
    value: z.number(),
    where: z.string().max(4_000).default(""),
    from: text(),
    to: text().optional(),
    author: speaker(300),
    reason: text(500),
    again: z.boolean().default(false),
  }),
  /** `series` it meets, and the durable run that lays it over. */
  answer: z.strictObject({ adjustment, series: z.number().optional(), run: z.string() }),
  status: [202],
});

const previewed = z.strictObject({ mean: z.number(), quantiles: list(z.number()) });

export const previewAdjustments = defineRoute({
  name: "previewAdjustments",
  method: "POST",
  path: "/api/forecast/adjustments/preview",
  summary: "What adjustments would do to the latest forecast and to its orders; nothing is kept",
  needs: "planner",
  body: z.strictObject({
    group: text(),
    /** In the order in which they would be said. */
    words: z
      .array(
        z.strictObject({
          kind: z.enum(adjustmentKinds),
          value: z.number(),
          where: z.string().max(4_000).default(""),
          from: text(),
          to: text().optional(),
        }),
      )
      .min(1)
      .max(200),
    /** Cells told at most; sums are of all. */
    limit: z.int().min(1).max(5_000).default(500),
  }),
  answer: z.strictObject({
    run: z.string(),
    levels: list(z.number()),
    series: z.number(),
    cells: list(z.strictObject({ ids: list(z.string()), at: z.string(), before: previewed, after: previewed })),
    more: z.number(),
    sum: z.strictObject({ before: z.number(), after: z.number() }),
    /** Of the series that are met and have a row of stock; null without a table of stock. */
    orders: list(z.strictObject({ ids: list(z.string()), before: z.number(), after: z.number(), reasons: list(z.string()) })).nullable(),
    warnings: list(z.string()),
  }),
});

export const withdrawAdjustment = defineRoute({
  name: "withdrawAdjustment",
  method: "POST",
  path: "/api/forecast/adjustments/:id/withdraw",
  summary: "Take an adjustment back; it stays in the list, and the forecast is exported without it",
  needs: "planner",
  params: byId,
  body: z.strictObject({ author: speaker() }),
  answer: z.strictObject({ adjustment, run: z.string() }),
  status: [202],
});

const answerBase = {
  id: z.string(),
  group: z.string(),
  run: z.string(),
  title: z.string(),
  author: z.string(),
  exports: refs,
  at: z.string(),
};

const valueAdded = {
  points: number,
  wapeNaive: number,
  wapeSystem: number,
  wapeUsed: number,
  systemAdded: number,
  adjustmentAdded: number,
};
const adjustmentValue = z.strictObject({ ...valueAdded, group: z.string(), improved: number, worsened: number, meanChange: number });
const valueVerdict = z.enum(["adjustments help", "adjustments harm", "no clear difference", "no adjustments"]);

const whatifAnswer = z.strictObject({
  ...answerBase,
  kind: z.literal("whatif"),
  asked: z.strictObject({
    changes: list(
      z.strictObject({
        attribute: z.string(),
        operation: z.enum(["ADD", "SUBTRACT", "MULTIPLY", "DIVIDE", "SET"]),
        value: z.number(),
        conditions: list(condition),
      }),
    ),
  }),
  summary: z.strictObject({
    baseline: number,
    scenario: number,
    delta: number,
    percent: number,
    series: z.number(),
    moved: z.number(),
    steps: list(z.tuple([number, number]).readonly()),
    effects: list(z.strictObject({ cells: z.number(), series: z.number() })),
    warnings: list(z.string()),
  }),
});

const explainAnswer = z.strictObject({
  ...answerBase,
  kind: z.literal("explain"),
  asked: z.strictObject({ item: z.string().nullable() }),
  summary: z.strictObject({
    series: z.number(),
    attributes: list(z.strictObject({ attribute: z.string(), score: number, strength: number, impact: number })),
  }),
});

const service = z.strictObject({ kind: z.enum(["cycle", "fill"]), level: z.number() });

const replenishAnswer = z.strictObject({
  ...answerBase,
  kind: z.literal("replenish"),
  asked: z.strictObject({
    forecast: ref,
    stock: ref,
    openOrders: ref.nullable(),
    defaults: z.strictObject({ leadTime: z.number(), reviewPeriod: z.number(), service }),
  }),
  summary: z.strictObject({
    rows: z.number(),
    orders: z.number(),
    units: number,
    highestStockOutChance: number,
    badRows: z.number(),
    firstBad: z.string().nullable(),
    withoutStock: z.number().optional(),
    warnings: list(z.string()).optional(),
  }),
});

const monitorAnswer = z.strictObject({
  ...answerBase,
  kind: z.literal("monitor"),
  asked: z.strictObject({ sha256: z.string(), adjustments: list(z.string()) }),
  summary: z.strictObject({
    points: z.number(),
    series: z.number(),
    from: z.string().nullable(),
    to: z.string().nullable(),
    verdict: z.enum(["fine", "watch", "alarm", "unknown"]),
    reason: z.string(),
    wape: number,
    averageWql: number,
    bias: number,
    coverage: number,
    ratio: number,
    ratioBound: number,
    alarms: z.number(),
    watches: z.number(),
    value: z.strictObject({
      all: z.strictObject(valueAdded),
      adjusted: adjustmentValue,
      verdict: valueVerdict,
      reason: z.string(),
    }),
  }),
});

const scenario = z.discriminatedUnion("kind", [whatifAnswer, explainAnswer, replenishAnswer, monitorAnswer]).meta({ id: "Scenario" });

export const listScenarios = defineRoute({
  name: "listScenarios",
  method: "GET",
  path: "/api/forecast/scenarios",
  summary: "What was asked of forecasts, with each answer in a few figures, the newest first",
  needs: "viewer",
  query: z.strictObject({
    group: optional,
    /** Of this forecast. */
    run: text(500).optional(),
    kind: z.enum(["whatif", "explain", "replenish", "monitor"]).optional(),
    ...pageQuery(),
  }),
  answer: z.strictObject({ scenarios: list(scenario), next }),
});

export const getScenario = defineRoute({
  name: "getScenario",
  method: "GET",
  path: "/api/forecast/scenarios/:id",
  summary: "One answer and its tables",
  needs: "viewer",
  params: byId,
  answer: z.strictObject({ scenario, exports: list(exportRow) }),
});

export const getScenarioExport = defineRoute({
  name: "getScenarioExport",
  method: "GET",
  path: "/api/forecast/scenarios/:id/exports/*",
  summary: "A table of an answer, as a download",
  needs: "viewer",
  params: ofExport,
  answer: tables,
});

export const compareScenarios = defineRoute({
  name: "compareScenarios",
  method: "GET",
  path: "/api/forecast/scenarios/compare",
  summary: "Answers to questions of one kind side by side, series by series",
  needs: "viewer",
  query: z.strictObject({
    /** Ids, separated by commas. */
    ids: text(2_000),
  }),
  answer: z.strictObject({
    value: z.string(),
    scenarios: list(scenario),
    rows: list(z.strictObject({ name: z.string(), values: list(number) })),
  }),
});

/** Of a question: where its answer will be, and the durable run that finds it. */
const asked = z.strictObject({ scenario: z.string(), run: z.string() }).meta({ id: "AskedScenario" });
const askRoute = { method: "POST", needs: "planner", answer: asked, status: [202] } as const;
/** A dataset group (its latest forecast) or the id of a forecast. */
const question = { forecast: text(500), author: speaker() };

export const askWhatif = defineRoute({
  ...askRoute,
  name: "askWhatif",
  path: "/api/forecast/scenarios/whatif",
  summary: "Forecast once more under other prices, promotions or holidays, beside the forecast that was made",
  body: z.strictObject({
    ...question,
    /** `price *= 0.9 where category = juice`, separated by semicolons. */
    set: z.string().max(10_000).optional(),
    /** TimeSeriesTransformations. */
    changes: z.array(z.unknown()).max(30).optional(),
  }),
});

export const askExplain = defineRoute({
  ...askRoute,
  name: "askExplain",
  path: "/api/forecast/scenarios/explain",
  summary: "What each attribute does to the forecast: for one item, or for all",
  body: z.strictObject({ ...question, item: text().optional() }),
});

export const askReplenish = defineRoute({
  ...askRoute,
  name: "askReplenish",
  path: "/api/forecast/scenarios/replenish",
  summary: "Propose orders from the forecast and the group's stock",
  body: z.strictObject({
    ...question,
    /** Steps, where the stock does not say. */
    leadTime: z.number().default(1),
    reviewPeriod: z.number().default(1),
    service: service.default({ kind: "cycle", level: 0.95 }),
  }),
});

export const getMonitor = defineRoute({
  name: "getMonitor",
  method: "GET",
  path: "/api/forecast/monitor",
  summary: "Each import against the forecast made before it, the newest first, and the series that stand out in that one",
  needs: "viewer",
  query: z.strictObject({ group: text(), ...pageQuery() }),
  answer: z.strictObject({
    imports: list(monitorAnswer),
    items: list(z.strictObject({ series: z.string(), verdict: z.string(), reason: z.string() })),
    next,
  }),
});

const valueList = list(adjustmentValue);

export const getValueAdded = defineRoute({
  name: "getValueAdded",
  method: "GET",
  path: "/api/forecast/value-added",
  summary: "Whose forecast was better: the seasonal naive one, the system's, or the planners'",
  needs: "viewer",
  query: z.strictObject({ group: optional }),
  answer: z.strictObject({
    imports: list(
      z.strictObject({
        id: z.string(),
        group: z.string(),
        forecast: z.string(),
        period: z.string(),
        value: monitorAnswer.shape.summary.shape.value,
      }),
    ),
    adjusted: z.strictObject({
      all: z.strictObject(valueAdded),
      adjusted: adjustmentValue,
      upwards: adjustmentValue,
      downwards: adjustmentValue,
      byAuthor: valueList,
      byReason: valueList,
      byItem: valueList,
      chance: number,
      verdict: valueVerdict,
      reason: z.string(),
    }),
  }),
});

const importState = z.enum(["running", "unsure", "done", "partly", "superseded"]);

const importRow = z
  .strictObject({
    id: z.string(),
    target: z.string(),
    group: z.string(),
    sourceKey: z.string(),
    sourceVersion: z.string(),
    state: importState,
    rows: z.number(),
    sent: z.number(),
    failed: z.number(),
    unsure: z.number(),
    batchRows: z.number().optional(),
    runId: z.string().optional(),
    startedAt: z.string(),
    endedAt: z.string().optional(),
  })
  .meta({ id: "SapImport" });

export const listImports = defineRoute({
  name: "listSapImports",
  method: "GET",
  path: "/api/forecast/imports",
  summary: "What was brought into SAP, the newest first",
  needs: "viewer",
  query: z.strictObject({ state: importState.optional(), ...pageQuery() }),
  answer: z.strictObject({ imports: list(importRow), next }),
});

const message = z.strictObject({ type: z.string(), id: z.string(), text: z.string() });

export const getImport = defineRoute({
  name: "getSapImport",
  method: "GET",
  path: "/api/forecast/imports/:id",
  summary: "What the ERP said to each refused row, or to every row",
  needs: "viewer",
  params: byId,
  query: z.strictObject({ answers: z.enum(["failed", "all"]).default("failed"), limit: pageQuery(100, 10_000).limit }),
  answer: z.strictObject({
    import: importRow,
    batches: list(z.strictObject({ round: z.number(), batch: z.number(), sent: z.number(), failed: z.number() })),
    unsure: list(z.strictObject({ round: z.number(), batch: z.number(), rows: z.number(), reason: z.string() })),
    answers: list(z.strictObject({ round: z.number(), batch: z.number(), seq: z.number(), taken: z.boolean(), messages: list(message) })),
    more: z.boolean(),
  }),
});

export const resumeImport = defineRoute({
  name: "resumeSapImport",
  method: "POST",
  path: "/api/forecast/imports/:id/resume",
  summary: "Send the refused rows again, and no others",
  needs: "operator",
  params: byId,
  answer: z.strictObject({ import: z.string(), run: z.string() }),
  status: [202],
});

export const settleImport = defineRoute({
  name: "settleSapImport",
  method: "POST",
  path: "/api/forecast/imports/:id/settle",
  summary: "Say of rows that nobody knows of whether the ERP has them; when nothing is unsure any more the import goes on",
  needs: "operator",
  params: byId,
  body: z.strictObject({ batch: z.int().min(1).max(999_999_999), as: z.enum(["taken", "lost"]) }),
  answer: z.strictObject({ import: z.string(), batch: z.number(), as: z.enum(["taken", "lost"]), goesOn: z.boolean() }),
});

export const exportToSap = defineRoute({
  name: "exportToSap",
  method: "POST",
  path: "/api/forecast/sap/exports",
  summary: "Bring a forecast into a target of the settings; the same forecast goes there once",
  needs: "operator",
  body: z.strictObject({ forecast: text(500), to: text() }),
  answer: z.strictObject({ import: z.string(), run: z.string() }),
  status: [202],
});

export const extractFromSap = defineRoute({
  name: "extractFromSap",
  method: "POST",
  path: "/api/forecast/sap/extracts",
  summary: "Fetch a source of the settings: what is new since last time, or all",
  needs: "operator",
  body: z.strictObject({ source: text(), afresh: z.boolean().default(false), accept: z.boolean().default(false) }),
  answer: z.strictObject({ run: z.string() }),
  status: [202],
});

const remark = z.strictObject({ path: z.string(), line: z.number(), column: z.number(), message: z.string() });

const checked = z
  .strictObject({
    file: z.string(),
    good: z.boolean(),
    problems: list(remark),
    /** What is honoured in another way than its words say. */
    remarks: list(remark),
    groups: list(
      z.strictObject({
        group: z.string(),
        domain: z.string(),
        frequency: z.string(),
        horizon: z.number(),
        dimensions: list(z.string()),
        windows: z.number(),
        quantiles: list(z.number()),
        filesOf: z.string(),
      }),
    ),
  })
  .meta({ id: "CheckedDefaults" });

const settingsText = z.string().max(1_000_000);

export const checkDefaults = defineRoute({
  name: "checkForecastDefaults",
  method: "POST",
  path: "/api/forecast/defaults/check",
  summary: "Read the settings of all groups, those given or those in the store, and tell everything that is wrong with them",
  needs: "viewer",
  body: z.strictObject({ content: settingsText.optional() }),
  answer: checked,
});

export const putDefaults = defineRoute({
  name: "putForecastDefaults",
  method: "PUT",
  path: "/api/forecast/defaults",
  summary: "Change the settings of all groups; with a mistake nothing is changed",
  needs: "planner",
  body: z.strictObject({ content: settingsText }),
  answer: checked.extend({ version: z.string() }),
});

export const getDefaults = defineRoute({
  name: "getForecastDefaults",
  method: "GET",
  path: "/api/forecast/defaults",
  summary: "The settings of all groups as they lie in the store",
  needs: "viewer",
  answer: z.strictObject({ content: z.string() }),
});

export const sampleDefaults = defineRoute({
  name: "getForecastDefaultsSample",
  method: "GET",
  path: "/api/forecast/defaults/sample",
  summary: "Settings to begin with, with a word on every line",
  needs: "viewer",
  answer: z.strictObject({ content: z.string() }),
});

const inputKinds = ["target", "related", "metadata"] as const;

export const listMappings = defineRoute({
  name: "listForecastMappings",
  method: "GET",
  path: "/api/forecast/mappings",
  summary: "How files with columns of their own are read, by sender and key prefix",
  needs: "viewer",
  query: z.strictObject({ group: optional }),
  answer: z.strictObject({
    mappings: list(
      z.strictObject({
        group: z.string(),
        kind: z.enum(inputKinds),
        ...mappingFields,
      }),
    ),
  }),
});

export const setMapping = defineRoute({
  name: "setForecastMapping",
  method: "PUT",
  path: "/api/forecast/mappings",
  summary: "Say how the files of a group are read that come from the sender of its newest file",
  needs: "planner",
  body: z.strictObject({
    group: text(),
    kind: z.enum(inputKinds).default("target"),
    /** Words of the intake block in the settings: `{ "map": { "Menge": "demand" } }`. */
    intake: record,
  }),
  answer: z.strictObject({ group: z.string(), kind: z.enum(inputKinds), sender: z.string(), goesOn: z.boolean() }),
});

export const forgetMappings = defineRoute({
  name: "forgetForecastMappings",
  method: "DELETE",
  path: "/api/forecast/mappings",
  summary: "Forget how the files of a group are read: the next one is looked at anew",
  needs: "planner",
  query: z.strictObject({ group: text(), kind: z.enum(inputKinds).optional(), sender: optional }),
  answer: z.strictObject({ group: z.string(), forgotten: z.number(), goesOn: z.boolean() }),
});
