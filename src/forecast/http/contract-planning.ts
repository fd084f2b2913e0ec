// Routes of planners: adjustments, scenarios, monitoring, whose forecast was better. Answered by routes.ts and planning.ts.

import { z } from "zod";
import { line as text, speaker } from "../../platform/web/fields.ts";
import { next, pageQuery } from "../../platform/web/paging.ts";
import { list } from "../../platform/web/route.ts";
import { defineRoute, optional, number, ref, refs, byId, ofExport, exportRow, tables, viewed } from "./contract-parts.ts";

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
  ...viewed,
  name: "listAdjustments",
  path: "/api/forecast/adjustments",
  summary: "What planners said, in the order in which they said it; the last page first",
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
  ...viewed,
  name: "listScenarios",
  path: "/api/forecast/scenarios",
  summary: "What was asked of forecasts, with each answer in a few figures, the newest first",
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
  ...viewed,
  name: "getScenario",
  path: "/api/forecast/scenarios/:id",
  summary: "One answer and its tables",
  params: byId,
  answer: z.strictObject({ scenario, exports: list(exportRow) }),
});

export const getScenarioExport = defineRoute({
  ...viewed,
  name: "getScenarioExport",
  path: "/api/forecast/scenarios/:id/exports/*",
  summary: "A table of an answer, as a download",
  params: ofExport,
  answer: tables,
});

export const compareScenarios = defineRoute({
  ...viewed,
  name: "compareScenarios",
  path: "/api/forecast/scenarios/compare",
  summary: "Answers to questions of one kind side by side, series by series",
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
  ...viewed,
  name: "getMonitor",
  path: "/api/forecast/monitor",
  summary: "Each import against the forecast made before it, the newest first, and the series that stand out in that one",
  query: z.strictObject({ group: text(), ...pageQuery() }),
  answer: z.strictObject({
    imports: list(monitorAnswer),
    items: list(z.strictObject({ series: z.string(), verdict: z.string(), reason: z.string() })),
    next,
  }),
});

const valueList = list(adjustmentValue);

export const getValueAdded = defineRoute({
  ...viewed,
  name: "getValueAdded",
  path: "/api/forecast/value-added",
  summary: "Whose forecast was better: the seasonal naive one, the system's, or the planners'",
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
