// Routes of what comes in and goes out: SAP, the settings of all groups, mappings of files. Answered by routes.ts and planning.ts.

import { mappingFields } from "../../platform/mappings/fields.ts";
import { z } from "zod";
import { line as text } from "../../platform/web/fields.ts";
import { next, pageQuery } from "../../platform/web/paging.ts";
import { list } from "../../platform/web/route.ts";
import { defineRoute, optional, record, byId } from "./contract-parts.ts";

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

/** A row as it was sent. */
const importedRow = z.strictObject({ seq: z.number(), fields: record, series: z.string().optional() });
const message = z.strictObject({ type: z.string(), id: z.string(), text: z.string() });

export const getImport = defineRoute({
  name: "getSapImport",
  method: "GET",
  path: "/api/forecast/imports/:id",
  summary: "What the ERP said to each refused row, or to every row",
  needs: "viewer",
  params: byId,
  query: z.strictObject({
    answers: z.enum(["failed", "all"]).default("failed"),
    /** Also the rows themselves that were refused, or of which nobody knows. */
    rows: z.enum(["yes", "no"]).default("no"),
    limit: pageQuery(100, 10_000).limit,
  }),
  answer: z.strictObject({
    import: importRow,
    batches: list(z.strictObject({ round: z.number(), batch: z.number(), sent: z.number(), failed: z.number() })),
    unsure: list(z.strictObject({ round: z.number(), batch: z.number(), rows: z.number(), reason: z.string() })),
    answers: list(z.strictObject({ round: z.number(), batch: z.number(), seq: z.number(), taken: z.boolean(), messages: list(message) })),
    more: z.boolean(),
    refusedRows: list(
      importedRow.extend({ batch: z.number(), round: z.number(), messages: list(z.looseObject({ ...message.shape, field: z.string() })) }),
    ).optional(),
    unsureRows: list(
      z.strictObject({ round: z.number(), batch: z.number(), at: z.string(), reason: z.string(), rows: list(importedRow) }),
    ).optional(),
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
