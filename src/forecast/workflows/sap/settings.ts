// The settings of the way to and from SAP: what is fetched, where forecasts go, and which field holds what.

import { z } from "zod";
import { duration } from "../../../platform/config/index.ts";
import { StockroomError } from "../../../platform/errors.ts";
import { parseCron } from "../../../platform/workflow/schedules.ts";

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, "lower-case letters, digits and hyphens")
  .describe("what commands and pages call it");
const group = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, "the name of a dataset group: a letter, then letters, digits, - and _")
  .describe("a dataset group");
const field = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "the name of an OData property or ABAP field");
const address = z.url({ protocol: /^https?$/ });
const credentials = z
  .string()
  .regex(/^secrets\/.+/, "a key under secrets/")
  .describe("an object of the store: { kind: basic, user, password } or { kind: oauth2, tokenUrl, clientId, clientSecret, scope? }");

const retries = {
  tries: z.int().min(1).max(20).default(6).describe("of one request, before its step fails and is tried again later"),
  pauseMs: duration().prefault("1 s").describe("after the first failure; doubles each time; a Retry-After of the server goes before it"),
  timeoutMs: duration().prefault("2 min").describe("for one request"),
} as const;

/** Whatever of a request is the same for all of them. */
const every = {
  client: z
    .string()
    .regex(/^\d{3}$/, "three digits, in quotes")
    .optional()
    .describe("sap-client of every request, links included; goes before one in the address"),
  language: z
    .string()
    .regex(/^[A-Za-z0-9]{1,2}$/, "an SAP language key, e.g. EN")
    .optional()
    .describe("sap-language: of texts and messages"),
  headers: z
    .record(
      z
        .string()
        .regex(
          /^(?!authorization$|cookie$|x-csrf-token$)[A-Za-z0-9!#$%&'*+.^_`|~-]+$/i,
          "a header's name; secrets belong into the credentials object",
        ),
      z.string().regex(/^[\t\x20-\x7e]*$/, "printable ASCII"),
    )
    .default({})
    .describe("further headers of every request; secret ones stand under `headers` in the credentials object"),
} as const;

function isCron(text: string): boolean {
  try {
    parseCron(text, "");
    return true;
  } catch {
    return false;
  }
}

const sourceShape = z.strictObject({
  name,
  url: address.describe("the OData V2 service, e.g. https://host/sap/opu/odata/sap/ZDEMAND_SRV"),
  set: field.describe("the entity set, e.g. FactsOfZDEMAND"),
  keys: z.array(field).min(1).describe("the fields that name one row"),
  credentials: credentials.optional(),
  filter: z.string().min(1).optional().describe("$filter of the first load; deltas follow it"),
  pageRows: z.int().min(1).max(1_000_000).default(10_000).describe("rows asked for in one page"),
  track: z.boolean().default(true).describe("false: every extraction loads everything"),
  kind: z
    .enum(["auto", "additive", "overwriting"])
    .default("auto")
    .describe(
      "additive: changes are added to the number columns; overwriting: they replace the row; auto: additive once the source sends differences",
    ),
  group: group.describe("the dataset group whose file is written"),
  file: z.enum(["target", "related", "metadata"]).default("target").describe("which file of the group is written"),
  columns: z
    .record(z.string().min(1), field)
    .refine((columns) => Object.keys(columns).length > 0, "at least one column")
    .describe("column of the file -> field of the entity, in the file's order"),
  types: z
    .record(z.string().min(1), z.enum(["text", "number", "time"]))
    .default({})
    .describe("of columns; absent: timestamp is a time, the target's value a number, keys are text, others as $metadata says"),
  holdBelow: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe("a whole load with fewer rows than this share of the former ones (or none at all) is held until somebody accepts it"),
  ...every,
  cron: z.string().refine(isCron, "five or six cron fields, such as 0 4 * * *").optional().describe("UTC; absent: by command only"),
  ...retries,
});

/** A name that is none of those it must be one of is a mistake, not a wish. */
const source = sourceShape.check(({ value, issues }) => {
  for (const column of Object.keys(value.types)) {
    if (column in value.columns) continue;
    const message = `a column of this source (${Object.keys(value.columns).join(", ")})`;
    issues.push({ code: "custom", input: column, path: ["types", column], message });
  }
});

/** How one field of the ERP is filled: from a column of the export, or with a fixed value. */
const filled = z.union([
  z.strictObject({
    from: z.string().min(1),
    as: z.enum(["text", "number", "decimal", "date", "dats"]).default("text"),
    decimals: z.int().min(0).max(9).default(3).describe("for decimal"),
  }),
  z.strictObject({ value: z.union([z.string(), z.number(), z.boolean()]) }),
]);

const target = {
  name,
  fields: z
    .record(field, filled)
    .refine((fields) => Object.keys(fields).length > 0, "at least one field")
    .describe("field of the ERP -> the export's column it is filled from, or a fixed value"),
  batchRows: z.int().min(1).max(5_000).default(500).describe("rows sent in one request"),
  repeatable: z
    .boolean()
    .optional()
    .describe(
      "absent: a batch is repeated only after the receiver has said that it carries a repeated request id out once; false: never; true: you vouch for it (soap, module; an OData service must say so itself)",
    ),
  remembers: duration().prefault("1 h").describe("for how long a receiver knows a request id; an older one is not repeated"),
  automatic: z.array(group).default([]).describe("dataset groups whose forecasts go there as soon as they are written"),
  ...retries,
} as const;

const targets = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("odata"),
    ...target,
    ...every,
    url: address.describe("the OData V2 service"),
    set: field.describe("the entity set that takes the rows"),
    keys: z
      .array(field)
      .min(1)
      .optional()
      .describe("the fields that name one row of the set, by which it can be read back; absent: the key of $metadata"),
    credentials: credentials.optional(),
  }),
  z.strictObject({
    kind: z.literal("soap"),
    ...target,
    ...every,
    url: address.describe("e.g. https://host/sap/bc/soap/rfc"),
    credentials: credentials.optional(),
    function: z
      .string()
      .regex(/^[A-Z0-9_/]+$/, "the name of a remote-enabled function module")
      .describe("the function module that is called"),
    table: field.default("IT_FORECAST").describe("the table parameter that takes the rows"),
    returns: field.default("ET_RETURN").describe("the BAPIRET2 table; its field ROW numbers the row of the table from 1"),
    guard: field
      .default("IV_REQUEST_ID")
      .describe("a parameter with which the function module knows a repeated call; SOAP itself knows none"),
    echo: field
      .default("EV_REQUEST_ID")
      .describe("an export parameter that gives the request id back: so the module says that it knows repeats"),
  }),
  z.strictObject({
    kind: z.literal("file"),
    ...target,
    folder: z.string().min(1).describe("absolute, or from the working directory"),
    format: z.enum(["csv", "jsonl"]).default("csv").describe("of the files"),
  }),
  z.strictObject({
    kind: z.literal("module"),
    ...target,
    module: z.string().min(1).describe("a file that exports openWriter(target), e.g. over JCo or node-rfc"),
    credentials: credentials.optional(),
    options: z.record(z.string(), z.unknown()).default({}).describe("whatever the module wants to know"),
  }),
]);

/** Rows are read back by these, so they must be sent. */
const checkedTargets = targets.check(({ value, issues }) => {
  if (value.kind !== "odata") return;
  for (const [at, key] of (value.keys ?? []).entries()) {
    if (key in value.fields) continue;
    issues.push({
      code: "custom",
      input: key,
      path: ["keys", at],
      message: `one of the target's fields (${Object.keys(value.fields).join(", ")})`,
    });
  }
});

const distinct = (list: readonly { readonly name: string }[]): boolean => new Set(list.map((one) => one.name)).size === list.length;

export const sapSettings = z.strictObject({
  sources: z.array(source).default([]).refine(distinct, "names that differ").describe("what is fetched from SAP"),
  targets: z.array(checkedTargets).default([]).refine(distinct, "names that differ").describe("where forecasts go"),
});

export type SapSettings = z.infer<typeof sapSettings>;
export type SapSource = SapSettings["sources"][number];
export type SapTarget = SapSettings["targets"][number];
export type FieldFill = SapTarget["fields"][string];

/** The source or target of that name. Throws `missing` `SAP_SOURCE_MISSING` or `SAP_TARGET_MISSING`, naming those there are. */
export function getNamed<One extends { readonly name: string }>(kind: "source" | "target", all: readonly One[], name: string): One {
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new StockroomError(
    "missing",
    kind === "source" ? "SAP_SOURCE_MISSING" : "SAP_TARGET_MISSING",
    `Expected a ${kind} named "${name}" in the settings (forecast.sap.${kind}s) but ${all.length === 0 ? "there is none. Add it there" : `there are ${all.map((one) => one.name).join(", ")}. Name one of those, or add it there`}.`,
  );
}
