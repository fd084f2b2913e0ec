// The module's routes as data: what they take, what they answer, whom they ask for. routes.ts answers them.
//
// docs/reference/classify-http.md lists them for people. No code that works is imported here: the client has its types from these declarations.

import { z } from "zod";
import { mappingFields } from "../../platform/mappings/fields.ts";
import { line as text, speaker } from "../../platform/web/fields.ts";
import { next } from "../../platform/web/paging.ts";
import { bytes, list, routesOf } from "../../platform/web/route.ts";

const defineRoute = routesOf("classify");

const optional = text().optional();
const anything = z.unknown();
const record = z.record(z.string(), anything);
const numbers = z.record(z.string(), z.number());

/** A whole number from 1 to `most`, read by the module's own parser: the command and the route refuse the same with the same code. */
const limit = (usual: number, most: number): z.ZodType<string | undefined, string | number | undefined> =>
  optional.meta({ type: "integer", minimum: 1, maximum: most, default: usual });
const page = (usual = 100, most = 1_000) => ({ limit: limit(usual, most), cursor: z.string().max(2_000).optional() });

export const listLimits = { usual: 100, most: 1_000 } as const;
export const reviewLimits = { usual: 20, most: 500 } as const;

const ref = z.strictObject({ key: z.string(), version: z.string() });

const lineRow = z
  .strictObject({
    line: z.string(),
    country: z.string(),
    scheme: z.string(),
    champion: z.string().optional(),
    championSince: z.string().optional(),
    models: z.number(),
    macroF1: z.number().optional(),
    coverage: z.number().optional(),
    whyNothing: z.string().optional(),
    lastVerdict: z.string().optional(),
    automatic: z.boolean(),
  })
  .meta({ id: "ClassifyLine" });

export const listLines = defineRoute({
  name: "listClassifyLines",
  method: "GET",
  path: "/api/classify/lines",
  summary: "Every line with its champion (on that day), its score and the last verdict",
  needs: "viewer",
  query: z.strictObject({ date: optional }),
  answer: z.strictObject({ lines: list(lineRow) }),
});

const modelRow = z
  .strictObject({
    id: z.string(),
    line: z.string(),
    object: ref,
    test: ref,
    ground: list(z.string()),
    trainedOn: list(ref.extend({ sha256: z.string() })),
    schemeVersion: z.string(),
    schemeRevision: z.number().optional(),
    parameters: record,
    metrics: record,
    counts: numbers,
    trials: list(anything),
    seed: z.number(),
    runId: z.string(),
    trainedAt: z.string(),
    champion: z.boolean(),
  })
  .meta({ id: "ClassifyModel" });

export const listModels = defineRoute({
  name: "listClassifyModels",
  method: "GET",
  path: "/api/classify/models",
  summary: "Models with data versions, parameters, metrics and trials, the newest of each line first",
  needs: "viewer",
  query: z.strictObject({ line: optional, ...page() }),
  answer: z.strictObject({ models: list(modelRow), total: z.number(), next }),
});

const verdictRow = z
  .strictObject({
    id: z.string(),
    line: z.string(),
    challenger: z.string(),
    champion: z.string().optional(),
    decision: z.enum(["promote", "keep", "first", "held"]),
    promoted: z.boolean(),
    reason: z.string(),
    verdict: record,
    data: record,
    at: z.string(),
  })
  .meta({ id: "ClassifyVerdict" });

export const listVerdicts = defineRoute({
  name: "listClassifyVerdicts",
  method: "GET",
  path: "/api/classify/verdicts",
  summary: "What the gate decided up to a date, the newest first",
  needs: "viewer",
  query: z.strictObject({ line: optional, date: optional, ...page() }),
  answer: z.strictObject({ verdicts: list(verdictRow), total: z.number(), next }),
});

const championRow = z
  .strictObject({
    line: z.string(),
    since: z.string(),
    model: z.string(),
    kind: z.enum(["gate", "approved", "set"]),
    verdict: z.string().nullable(),
    reason: z.string(),
    by: z.string(),
  })
  .meta({ id: "ClassifyChampion" });

const held = z
  .strictObject({
    verdict: z.string(),
    line: z.string(),
    challenger: z.string(),
    champion: z.string(),
    reason: z.string(),
    at: z.string(),
  })
  .meta({ id: "ClassifyHeld" });

const automaticRow = z
  .strictObject({
    line: z.string(),
    automatic: z.boolean(),
    model: z.string().nullable(),
    reason: z.string(),
    by: z.string(),
    at: z.string(),
  })
  .meta({ id: "ClassifyAutomatic" });

export const listChampions = defineRoute({
  name: "listClassifyChampions",
  method: "GET",
  path: "/api/classify/champions",
  summary: "Every champion there was and by whose word, promotions that wait, the newest word on automatic decisions",
  needs: "viewer",
  query: z.strictObject({ line: optional }),
  answer: z.strictObject({ champions: list(championRow), held: list(held), automatic: list(automaticRow) }),
});

const word = { reason: text(2_000), by: speaker(100, "optional") };

const codingRow = z
  .strictObject({
    id: z.string(),
    period: z.string(),
    country: z.string(),
    line: z.string(),
    model: z.string(),
    sales: ref,
    items: z.number(),
    autoItems: z.number(),
    reviewItems: z.number(),
    badRows: z.number(),
    /** How far the items are from those of training, whole and by column. */
    drift: z.strictObject({
      level: z.string().optional(),
      psi: z.number().optional(),
      summary: z.string().optional(),
      features: numbers.optional(),
    }),
    /** Whether it is in the figures: the newest of sales that are current. */
    counts: z.boolean(),
    runId: z.string(),
    at: z.string(),
  })
  .meta({ id: "ClassifyCoding" });

export const listCodings = defineRoute({
  name: "listClassifyCodings",
  method: "GET",
  path: "/api/classify/codings",
  summary: "Which model coded which sales, how many by itself, and how far they were from its training data, the newest first",
  needs: "viewer",
  query: z.strictObject({ line: optional, ...page() }),
  answer: z.strictObject({ codings: list(codingRow), total: z.number(), next }),
});

export const setChampion = defineRoute({
  name: "setClassifyChampion",
  method: "POST",
  path: "/api/classify/champions",
  summary: "Make a model the line's champion: an earlier one or any other of the line",
  needs: "operator",
  body: z.strictObject({ line: text(), model: text(), ...word }),
  answer: championRow,
});

export const ruleOnHeld = defineRoute({
  name: "ruleOnHeldChampion",
  method: "POST",
  path: "/api/classify/champions/held",
  summary: "Promote a held challenger, or leave the champion as it is",
  needs: "operator",
  body: z.strictObject({ held: text(2_000), ruling: z.enum(["approved", "rejected"]), ...word }),
  answer: z.strictObject({
    verdict: z.string(),
    line: z.string(),
    ruling: z.enum(["approved", "rejected"]),
    reason: z.string(),
    by: z.string(),
    at: z.string(),
  }),
});

export const setAutomatic = defineRoute({
  name: "setClassifyAutomatic",
  method: "POST",
  path: "/api/classify/champions/automatic",
  summary: "Let a line decide by itself, or send all its items to people",
  needs: "operator",
  body: z.strictObject({ line: text(), automatic: z.boolean(), ...word }),
  answer: automaticRow,
});

const schemeVersion = z.strictObject({
  version: z.string(),
  validFrom: z.string(),
  validTo: z.string().optional(),
  basis: z.string().optional(),
});
const code = z.strictObject({ code: z.string(), name: z.string(), parent: z.string().optional(), heading: z.literal(true).optional() });

const shortScheme = z.strictObject({
  scheme: z.string(),
  country: z.string(),
  name: z.string().optional(),
  revision: z.number(),
  source: z.string(),
  importedAt: z.string(),
  versions: list(schemeVersion.extend({ codes: z.number() })),
});

const wholeScheme = z.strictObject({
  revision: z.number(),
  source: z.string(),
  importedAt: z.string(),
  scheme: z.strictObject({
    scheme: z.string(),
    country: z.string(),
    name: z.string().optional(),
    versions: list(schemeVersion.extend({ codes: list(code) })),
    mappings: list(
      z.strictObject({ from: z.string(), to: z.string(), codes: list(z.strictObject({ from: z.string(), to: list(z.string()) })) }),
    ),
  }),
});

export const listSchemes = defineRoute({
  name: "listClassifySchemes",
  method: "GET",
  path: "/api/classify/schemes",
  summary: "Schemes with their versions and numbers of codes; with `scheme` that one whole",
  needs: "viewer",
  query: z.strictObject({ scheme: optional }),
  answer: z.union([z.strictObject({ schemes: list(shortScheme) }), z.strictObject({ schemes: z.tuple([wholeScheme]).readonly() })]),
});

export const listPeriods = defineRoute({
  name: "listClassifyPeriods",
  method: "GET",
  path: "/api/classify/periods",
  summary: "What was coded, and which countries have a report",
  needs: "viewer",
  answer: z.strictObject({
    periods: list(z.strictObject({ period: z.string(), countries: z.number(), items: z.number(), reported: list(z.string()) })),
  }),
});

const figure = z.strictObject({
  scheme: z.string(),
  schemeVersion: z.string(),
  code: z.string(),
  items: z.number(),
  units: z.number(),
  kg: z.number(),
  itemsMargin: z.number(),
  unitsMargin: z.number(),
  kgMargin: z.number(),
  returnedUnits: z.number(),
  returnedKg: z.number(),
});

const revision = z.strictObject({ revision: z.number(), reason: z.string(), at: z.string() });

const periodReport = z
  .strictObject({
    period: z.string(),
    reports: list(
      revision.extend({
        country: z.string(),
        /** Each with what was told first of the same code. */
        figures: list(figure.extend({ first: figure.nullable() })),
        models: list(z.strictObject({ line: z.string(), model: z.string() })),
        revisions: list(revision),
        outdated: z.boolean(),
        waits: list(z.string()),
        twice: list(z.string()),
      }),
    ),
    unreported: list(z.string()),
  })
  .meta({ id: "ClassifyReport" });

export const getReport = defineRoute({
  name: "getClassifyReport",
  method: "GET",
  path: "/api/classify/report",
  summary: "A period's figures by country, scheme and code, with margins, beside those told first",
  needs: "viewer",
  query: z.strictObject({ period: text(), country: optional, revision: optional }),
  answer: periodReport,
});

const reviewRow = z.strictObject({
  id: z.string(),
  inference: z.string(),
  line: z.string(),
  period: z.string(),
  kind: z.enum(["low", "audit", "former", "recode"]),
  itemId: z.string(),
  day: z.string(),
  object: ref,
  row: z.number(),
  schemeVersion: z.string(),
  predicted: z.string(),
  runnerUp: z.string(),
  probability: z.number(),
  units: z.number(),
  kg: z.number(),
  state: z.enum(["waiting", "answered", "superseded"]),
  answer: z.string().optional(),
  reviewer: z.string().optional(),
  answeredAt: z.string().optional(),
  answerId: z.string().optional(),
  former: z.strictObject({ answer: z.string(), schemeVersion: z.string(), reviewer: z.string(), at: z.string() }).optional(),
});
const review = reviewRow.meta({ id: "ClassifyReview" });

const bounds = z.strictObject({
  inference: z.string(),
  model: z.string(),
  /** Least probability of an automatic decision. */
  floor: z.number().optional(),
  /** Least confidence of one: the probability against that of the runner-up. */
  confidence: z.number().optional(),
});

const reviewCount = z.strictObject({ line: z.string(), kind: z.string(), state: z.string(), count: z.number() });

export const listReviews = defineRoute({
  name: "listClassifyReviews",
  method: "GET",
  path: "/api/classify/review",
  summary: "What waits for people or was answered, with the items' words: audit samples first, then by units",
  needs: "reviewer",
  query: z.strictObject({
    line: optional,
    period: optional,
    kind: optional,
    state: optional,
    ...page(reviewLimits.usual, reviewLimits.most),
  }),
  answer: z.strictObject({
    reviews: list(reviewRow.extend({ item: z.record(z.string(), z.string()), evidence: z.string(), reason: z.string() })),
    /** Over everything ever queued. */
    counts: list(reviewCount),
    /** Columns with an item's words, the most telling first. */
    texts: list(z.string()),
    /** From where on the codings of these reviews decide by themselves. */
    bounds: list(bounds),
    next,
  }),
});

const byId = z.strictObject({ id: text(2_000) });

export const answerReview = defineRoute({
  name: "answerClassifyReview",
  method: "POST",
  path: "/api/classify/review/:id",
  summary: "Give the right code",
  needs: "reviewer",
  params: byId,
  body: z.strictObject({ code: text(), by: speaker() }),
  answer: review,
});

export const amendReview = defineRoute({
  name: "amendClassifyReview",
  method: "POST",
  path: "/api/classify/review/:id/amend",
  summary: "Correct an answer; the old one stays in the log",
  needs: "reviewer",
  params: byId,
  body: z.strictObject({ code: text(), by: speaker(), reason: text(1_000) }),
  answer: review,
});

export const listRejected = defineRoute({
  name: "listClassifyRejected",
  method: "GET",
  path: "/api/classify/rejected",
  summary: "Rows of a period's current sales files that are in no figure",
  needs: "reviewer",
  query: z.strictObject({ period: text(), country: optional, ...page() }),
  answer: z.strictObject({
    rows: list(
      z.strictObject({
        file: z.string(),
        line: z.number(),
        column: z.number().nullable(),
        code: z.string(),
        reason: z.string(),
        sample: z.string(),
      }),
    ),
    total: z.number(),
    next,
  }),
});

export const listMappings = defineRoute({
  name: "listClassifyMappings",
  method: "GET",
  path: "/api/classify/mappings",
  summary: "How labelled files with columns of their own are read, by sender and key prefix",
  needs: "viewer",
  query: z.strictObject({ file: optional }),
  answer: z.strictObject({ mappings: list(z.strictObject(mappingFields)) }),
});

export const setMapping = defineRoute({
  name: "setClassifyMapping",
  method: "PUT",
  path: "/api/classify/mappings",
  summary: "Say how the labelled files of one name are read that come from the sender of the newest one",
  needs: "operator",
  body: z.strictObject({
    /** A key, with or without `classify/labelled/` and its ending. */
    file: text(),
    /** Words of the flags as a block: `{ "map": { "Type": "label" }, "scheme": "UK15" }`. */
    intake: record,
  }),
  answer: z.strictObject({
    sender: z.string(),
    prefix: z.string(),
    /** The newest file; it is looked at now where `goesOn` says so. */
    key: z.string(),
    goesOn: z.boolean(),
  }),
});

export const forgetMappings = defineRoute({
  name: "forgetClassifyMappings",
  method: "DELETE",
  path: "/api/classify/mappings",
  summary: "Forget how labelled files of one name are read: the next one is looked at anew",
  needs: "operator",
  query: z.strictObject({ file: text(), sender: optional }),
  answer: z.strictObject({ forgotten: z.number(), goesOn: z.boolean() }),
});

const started = z.strictObject({ runs: list(z.string()) }).meta({ id: "StartedRuns" });
const startRoute = { method: "POST", needs: "operator", answer: started, status: [202] } as const;

export const train = defineRoute({
  ...startRoute,
  name: "trainClassify",
  path: "/api/classify/train",
  summary: "Train a line, or all, on all current labelled files",
  body: z.strictObject({ line: optional }),
});

export const compare = defineRoute({
  ...startRoute,
  name: "compareClassify",
  path: "/api/classify/compare",
  summary: "Compare a model, or the newest of a line or of all, with the champion",
  body: z.strictObject({ line: optional, model: optional }),
});

export const infer = defineRoute({
  ...startRoute,
  name: "inferClassify",
  path: "/api/classify/infer",
  summary: "Code a period's sales again with today's champions",
  body: z.strictObject({ period: text(), line: optional }),
});

export const extract = defineRoute({
  ...startRoute,
  name: "extractClassify",
  path: "/api/classify/extract",
  summary: "Run an extraction of the settings, or all",
  body: z.strictObject({ name: optional, period: optional }),
});

const anchor = z.strictObject({ seq: z.number(), hash: z.string() });

export const verifyAudit = defineRoute({
  name: "verifyClassifyAudit",
  method: "GET",
  path: "/api/classify/audit/verify",
  summary: "Prove the log, the tables' rows against it and every object it names",
  needs: "operator",
  query: z.strictObject({
    /** `SEQ:HASH`, as the head was earlier. */
    anchor: optional,
  }),
  answer: z.strictObject({
    ok: z.boolean(),
    rows: z.number(),
    tableRows: z.number(),
    objects: z.number(),
    anchors: z.number(),
    head: anchor.optional(),
    problems: list(z.string()),
    adopted: list(z.string()),
    lines: list(z.string()),
  }),
});

export const auditItem = defineRoute({
  name: "getClassifyAuditItem",
  method: "GET",
  path: "/api/classify/audit/item",
  summary: "All that was decided about an item, line by line",
  needs: "reviewer",
  query: z.strictObject({ id: text(1_000), period: text() }),
  answer: z.strictObject({
    stories: list(
      z.strictObject({
        line: z.string(),
        code: z.string(),
        scheme_version: z.string(),
        probability: z.string(),
        decision: z.string(),
        evidence: z.string(),
        model: z.string(),
        coded_at: z.string(),
        reviewed_code: z.string().optional(),
        reviewer: z.string().optional(),
        reviewed_at: z.string().optional(),
        answers: list(z.string()),
      }),
    ),
  }),
});

export const importSchemes = defineRoute({
  name: "importClassifySchemes",
  method: "POST",
  path: "/api/classify/schemes",
  summary: "Import scheme files (YAML, JSON, CSV tables), all read together; with a problem nothing is imported",
  needs: "operator",
  body: z.strictObject({
    files: z
      .array(z.strictObject({ name: text(), content: z.string() }))
      .min(1)
      .max(100),
  }),
  answer: z.strictObject({
    schemes: list(z.strictObject({ scheme: z.string(), revision: z.number(), changed: z.boolean() })),
    warnings: list(z.string()),
  }),
});

export const recode = defineRoute({
  name: "recodeClassifySchemes",
  method: "POST",
  path: "/api/classify/schemes/recode",
  summary: "Write a period's predictions in another version's codes, by the mappings; the first codes stay as they are",
  needs: "operator",
  body: z.strictObject({ period: text(), scheme: optional, to: optional }),
  answer: z.strictObject({
    recoded: list(
      z.strictObject({
        line: z.string(),
        object: z.string(),
        to: z.string(),
        same: z.number(),
        mapped: z.number(),
        ambiguous: z.number(),
        dropped: z.number(),
        unmapped: z.number(),
        answered: z.number(),
      }),
    ),
  }),
});

export const restate = defineRoute({
  name: "restateClassifyReport",
  method: "POST",
  path: "/api/classify/report/restate",
  summary: "Write a new revision now where answers or codings have changed the figures",
  needs: "operator",
  body: z.strictObject({ period: text(), country: optional }),
  answer: periodReport,
});

export const reviewRates = defineRoute({
  name: "getClassifyReviewRates",
  method: "GET",
  path: "/api/classify/review/rates",
  summary: "The real error rate of automatic decisions, from the audit sample's answers, with 95 % intervals",
  needs: "viewer",
  answer: z.strictObject({
    rates: list(
      z.strictObject({
        line: z.string(),
        answered: z.number(),
        wrong: z.number(),
        rate: z.number().nullable(),
        low: z.number(),
        high: z.number(),
      }),
    ),
  }),
});

export const reviewCounts = defineRoute({
  name: "getClassifyReviewCounts",
  method: "GET",
  path: "/api/classify/review/counts",
  summary: "How many wait and were answered, by line",
  needs: "viewer",
  answer: z.strictObject({ counts: list(reviewCount) }),
});

export const auditHead = defineRoute({
  name: "getClassifyAuditHead",
  method: "GET",
  path: "/api/classify/audit/head",
  summary: "Where the log ends: keep it outside, give it back as `anchor` later",
  needs: "viewer",
  answer: z.strictObject({
    /** `SEQ:HASH`; `0:none` of an empty log. */
    head: z.string(),
  }),
});

export const adoptAudit = defineRoute({
  name: "adoptClassifyAudit",
  method: "POST",
  path: "/api/classify/audit/adopt",
  summary: "Vouch for rows the log does not vouch for, as they stand",
  needs: "administrator",
  body: z.strictObject({ by: speaker(), reason: text(1_000) }),
  answer: z.strictObject({ adopted: z.number() }),
});

export const exportAudit = defineRoute({
  name: "exportClassifyAudit",
  method: "GET",
  path: "/api/classify/audit/export",
  summary: "The whole log as JSON lines, with what is needed to verify it elsewhere",
  needs: "operator",
  answer: bytes("application/x-ndjson"),
});
