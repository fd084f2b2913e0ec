// The platform's routes as data: what they take, what they answer, whom they ask for. platform.ts, objects.ts, health.ts and metrics.ts answer them.
//
// docs/reference/http.md lists them for people. No code that works is imported here: the client has its types from these declarations.

import { isSender, senderRule } from "../platform/mappings/senders.ts";
import { z } from "zod";
import { problem } from "../platform/web/problem.ts";
import { limitOf, line } from "../platform/web/fields.ts";
import { next, pageQuery } from "../platform/web/paging.ts";
import { bytes, defineRoute, list } from "../platform/web/route.ts";

/** Every state a run can be in, in the order of a run's life. */
const runStates = ["queued", "running", "retrying", "done", "failed", "cancelled", "dead"] as const;

/** Of a line that was logged for a run. */
const logLevels = ["info", "warn", "error"] as const;

/** Every state of a dead letter. */
const letterStates = ["waiting", "redriven", "dropped"] as const;

const anything = z.unknown().optional();
const record = z.record(z.string(), z.unknown());

/** An error as it is kept with a run. */
const errorRecord = problem
  .pick({ kind: true, code: true, message: true })
  .extend({ facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]).optional()) })
  .meta({ id: "ErrorRecord" });

const runRow = z.strictObject({
  id: z.string(),
  workflow: z.string(),
  title: z.string(),
  state: z.enum(runStates),
  queue: z.string(),
  tries: z.number(),
  crashes: z.number(),
  executor: z.string().optional(),
  createdAt: z.string(),
  updatedAt: z.string(),
  error: errorRecord.optional(),
  progress: z.strictObject({ done: z.number(), total: z.number(), note: z.string() }).optional(),
  parent: z.string().optional(),
});
const run = runRow.meta({ id: "Run" });

const runDetail = runRow
  .extend({
    /** It is done, and may be done again: `POST /api/runs/ID/rerun`. */
    repeatable: z.boolean(),
    input: anything,
    output: anything,
    steps: list(
      z.strictObject({
        name: z.string(),
        startedAt: z.string().optional(),
        endedAt: z.string().optional(),
        error: z.string().optional(),
        tries: z.number(),
      }),
    ),
  })
  .meta({ id: "RunDetail" });

const deadLetter = z
  .strictObject({
    id: z.string(),
    runId: z.string(),
    workflow: z.string(),
    title: z.string(),
    error: errorRecord,
    tries: z.number(),
    crashes: z.number(),
    at: z.string(),
    state: z.enum(letterStates),
  })
  .meta({ id: "DeadLetter" });

const event = z
  .strictObject({
    id: z.number(),
    kind: z.string(),
    subject: z.string(),
    data: record,
    at: z.string(),
    relayedAt: z.string().optional(),
    /** Who signed in and from whose request it came. */
    by: z.string().optional(),
  })
  .meta({ id: "Event" });

const notice = z
  .strictObject({
    id: z.string(),
    topic: z.string(),
    severity: z.enum(["info", "warning", "alarm"]),
    title: z.string(),
    body: z.string(),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    at: z.string(),
    deliveries: list(
      z.strictObject({
        channel: z.string(),
        state: z.enum(["waiting", "delivered", "failed"]),
        at: z.string().optional(),
        error: z.string().optional(),
      }),
    ),
  })
  .meta({ id: "Notice" });

const schedule = z
  .strictObject({
    name: z.string(),
    /** Five or six fields, UTC. */
    cron: z.string(),
    workflow: z.string(),
    input: anything,
    lastAt: z.string().optional(),
    /** ISO, `paused`, or `never`. */
    nextAt: z.string(),
    paused: z.strictObject({ at: z.string(), by: z.string(), reason: z.string().optional() }).optional(),
  })
  .meta({ id: "Schedule" });

const objectEntry = z
  .strictObject({
    key: z.string(),
    version: z.string(),
    zone: z.string(),
    keyVersion: z.number(),
    bytes: z.number(),
    sealedBytes: z.number(),
    sha256: z.string(),
    contentType: z.string(),
    writtenBy: z.string(),
    storedAt: z.string(),
    labels: z.record(z.string(), z.string()),
  })
  .meta({ id: "Object" });

const byId = z.strictObject({ id: z.string().min(1) });
const byKey = z.strictObject({ "*": z.string() });

export const getLive = defineRoute({
  name: "getLive",
  method: "GET",
  path: "/health/live",
  summary: "Whether the process lives",
  needs: "anyone",
  query: z.looseObject({}),
  answer: z.strictObject({ live: z.boolean(), version: z.string() }),
});

const health = z
  .strictObject({
    ready: z.boolean(),
    version: z.string(),
    /** The id of the home it serves: tells one Stockroom from another on the same port. */
    home: z.string().optional(),
    parts: z.record(z.string(), z.strictObject({ ok: z.boolean(), ms: z.number(), code: z.string().optional() })),
  })
  .meta({ id: "Health" });

const healthRoute = {
  method: "GET",
  summary: "Whether every part answers, and how soon; 503 when one does not",
  needs: "anyone",
  query: z.looseObject({}),
  answer: health,
  status: [200, 503],
} as const;
export const getHealth = defineRoute({ ...healthRoute, name: "getHealth", path: "/health" });
export const getReady = defineRoute({ ...healthRoute, name: "getReady", path: "/health/ready" });

export const getMetrics = defineRoute({
  name: "getMetrics",
  method: "GET",
  path: "/metrics",
  summary: "All numbers, for Prometheus",
  needs: "viewer",
  query: z.looseObject({}),
  answer: bytes("text/plain"),
});

export const listObjects = defineRoute({
  name: "listObjects",
  method: "GET",
  path: "/objects",
  summary: "Objects by the beginning of their key, in the order of their keys",
  needs: "viewer",
  query: z.strictObject({
    prefix: z.string().default(""),
    /** The same as `cursor`, which is the last key of the page before. */
    after: z.string().optional(),
    ...pageQuery(),
  }),
  answer: z.strictObject({ objects: list(objectEntry), next }),
});

/** What a finished PUT answers; the object is whole and committed by then. */
const stored = z
  .strictObject({
    key: z.string(),
    version: z.string(),
    bytes: z.number(),
    sha256: z.string(),
    contentType: z.string(),
    storedAt: z.string(),
    /** Of an upload that nothing waits for, or that does not count as it is: why, and what was probably meant. Also in `x-stockroom-hint`. */
    hint: z.string().optional(),
    /** Of a file that has not the usual columns: how they are read, in up to ten lines, and what is not clear. */
    understood: list(z.string()).optional(),
  })
  .meta({ id: "StoredObject" });

export const putObject = defineRoute({
  name: "putObject",
  method: "PUT",
  path: "/objects/*",
  summary: "Store an object; 200 when the same bytes were there already",
  needs: "operator",
  params: byKey,
  query: z.strictObject({
    /** Whose file it is: files of one sender are read alike. Absent: the operator's. */
    sender: z.string().refine(isSender, `expected ${senderRule}`).optional(),
  }),
  body: bytes("application/octet-stream"),
  answer: stored,
  status: [201, 200],
});

export const lookAtBody = defineRoute({
  name: "lookAtBody",
  method: "POST",
  path: "/api/look",
  summary: "What a file holds and what could be made of it; nothing is stored",
  needs: "viewer",
  query: z.strictObject({
    /** Its endings tell the format. */
    name: line(500).default("file.csv"),
    encoding: line(100).optional(),
    decimal: z.enum([".", ","]).optional(),
  }),
  body: bytes("application/octet-stream"),
  answer: z
    .strictObject({
      profile: record,
      lines: list(z.string()),
      first: list(list(z.string())),
      /** By module: what it could make of the file, in lines. */
      advice: z.record(z.string(), list(z.string())),
      /** By module: the same as plain JSON. */
      proposals: record,
    })
    .meta({ id: "FileLook" }),
});

const version = z.strictObject({ version: z.string().optional() });

export const getObject = defineRoute({
  name: "getObject",
  method: "GET",
  path: "/objects/*",
  summary: "An object's bytes, as a download",
  needs: "operator",
  params: byKey,
  query: version,
  answer: bytes("application/octet-stream"),
  status: [200, 304],
});

export const headObject = defineRoute({
  name: "headObject",
  method: "HEAD",
  path: "/objects/*",
  summary: "What an object is, in headers",
  needs: "viewer",
  params: byKey,
  query: version,
  answer: bytes("application/octet-stream"),
});

export const removeObject = defineRoute({
  name: "removeObject",
  method: "DELETE",
  path: "/objects/*",
  summary: "Remove an object: hidden at once, its bytes go at the next sweep",
  needs: "operator",
  params: byKey,
  answer: "nothing",
});

/** A day (its beginning in UTC) or an instant, ISO. */
const instant = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);
/** Of when a run began: from `since` on, before `until`. */
const began = { since: instant.optional(), until: instant.optional() };

export const listRuns = defineRoute({
  name: "listRuns",
  method: "GET",
  path: "/api/runs",
  summary: "Runs, the newest first",
  needs: "viewer",
  query: z.strictObject({
    state: z.enum(runStates).optional(),
    workflow: z.string().optional(),
    parent: z.string().optional(),
    ...began,
    ...pageQuery(),
  }),
  answer: z.strictObject({ runs: list(run), next }),
});

export const countRuns = defineRoute({
  name: "countRuns",
  method: "GET",
  path: "/api/runs/counts",
  summary: "How many runs began in each hour or day (UTC), by workflow and state, the oldest first",
  needs: "viewer",
  query: z.strictObject({
    state: z.enum(runStates).optional(),
    workflow: z.string().optional(),
    /** Absent: 48 hours or 60 days ago. At most 31 days of hours, 3,700 days. */
    since: instant.optional(),
    by: z.enum(["hour", "day"]).default("day"),
  }),
  answer: z.strictObject({
    since: z.string(),
    counts: list(z.strictObject({ at: z.string(), workflow: z.string(), state: z.enum(runStates), count: z.number() })),
  }),
});

export const getRun = defineRoute({
  name: "getRun",
  method: "GET",
  path: "/api/runs/:id",
  summary: "A run with its steps",
  needs: "viewer",
  params: byId,
  answer: runDetail,
});

const logLine = z.strictObject({
  id: z.number(),
  at: z.string(),
  level: z.enum(logLevels),
  step: z.string().optional(),
  tries: z.number(),
  executor: z.string(),
  message: z.string(),
  facts: z.record(z.string(), anything),
});

export const listRunLog = defineRoute({
  name: "listRunLog",
  method: "GET",
  path: "/api/runs/:id/logs",
  summary: "What was logged while a run was worked at, the oldest line first",
  needs: "viewer",
  params: byId,
  query: z.strictObject({
    step: z.string().optional(),
    /** That and worse. */
    level: z.enum(logLevels).default("info"),
    /** Only lines after the one of this id: to follow a run, ask again with the last one's. */
    after: z.coerce.number().int().min(0).optional(),
    ...pageQuery(500, 2_000),
  }),
  answer: z.strictObject({
    lines: list(logLine),
    next,
  }),
});

const reason = line(2_000).optional();

export const listLogs = defineRoute({
  name: "listLogs",
  method: "GET",
  path: "/api/logs",
  summary: "What was logged while runs were worked at, of all of them, the oldest line first",
  needs: "viewer",
  query: z.strictObject({
    /** That and worse. */
    level: z.enum(logLevels).default("info"),
    /** Only lines of this moment or later. */
    since: instant.optional(),
    /** Only lines after the one of this id; absent: the newest there are. */
    after: z.coerce.number().int().min(0).optional(),
    limit: pageQuery(500, 2_000).limit,
  }),
  answer: z.strictObject({ lines: list(logLine.extend({ run: z.string() })) }),
});

export const cancelRun = defineRoute({
  name: "cancelRun",
  method: "POST",
  path: "/api/runs/:id/cancel",
  summary: "Stop a run at its next step; what is done stays done",
  needs: "operator",
  params: byId,
  body: z.strictObject({ reason }),
  answer: z.strictObject({ id: z.string() }),
  status: [202],
});

export const retryRun = defineRoute({
  name: "retryRun",
  method: "POST",
  path: "/api/runs/:id/retry",
  summary: "Start a failed, cancelled or dead run again from the step where it stopped",
  needs: "operator",
  params: byId,
  body: z.strictObject({ reason }),
  answer: z.strictObject({ id: z.string() }),
  status: [202],
});

export const rerunRun = defineRoute({
  name: "rerunRun",
  method: "POST",
  path: "/api/runs/:id/rerun",
  summary: "Do again what a run that is done did, as a new run",
  needs: "operator",
  params: byId,
  body: z.strictObject({ reason }),
  answer: z.strictObject({ id: z.string() }),
  status: [202],
});

export const listDead = defineRoute({
  name: "listDead",
  method: "GET",
  path: "/api/dead",
  summary: "Runs that were given up and wait for a person, the newest first",
  needs: "viewer",
  query: z.strictObject({ state: z.enum(letterStates).optional(), run: z.string().optional(), ...pageQuery() }),
  answer: z.strictObject({ letters: list(deadLetter), next }),
});

export const getDead = defineRoute({
  name: "getDead",
  method: "GET",
  path: "/api/dead/:id",
  summary: "A dead letter: what it was and why it failed",
  needs: "viewer",
  params: byId,
  answer: deadLetter,
});

export const redriveDead = defineRoute({
  name: "redriveDead",
  method: "POST",
  path: "/api/dead/:id/redrive",
  summary: "Do it again, from the step where it failed",
  needs: "operator",
  params: byId,
  body: z.strictObject({ reason }),
  answer: z.strictObject({ run: z.string() }),
  status: [202],
});

export const dropDead = defineRoute({
  name: "dropDead",
  method: "POST",
  path: "/api/dead/:id/drop",
  summary: "Let it rest: the letter is kept but waits no more",
  needs: "operator",
  params: byId,
  body: z.strictObject({ reason }),
  answer: z.strictObject({ id: z.string() }),
  status: [202],
});

export const listEvents = defineRoute({
  name: "listEvents",
  method: "GET",
  path: "/api/events",
  summary: "Events of the outbox, the newest first",
  needs: "viewer",
  query: z.strictObject({ kind: z.string().optional(), prefix: z.string().optional(), ...pageQuery() }),
  answer: z.strictObject({ events: list(event), next }),
});

export const listNotices = defineRoute({
  name: "listNotices",
  method: "GET",
  path: "/api/notices",
  summary: "What people and systems were told, the newest first, with the state of each delivery",
  needs: "viewer",
  query: z.strictObject({ topic: z.string().optional(), ...pageQuery() }),
  answer: z.strictObject({ notices: list(notice), next }),
});

export const listSchedules = defineRoute({
  name: "listSchedules",
  method: "GET",
  path: "/api/schedules",
  summary: "What runs by the clock, with the last and the next start",
  needs: "viewer",
  answer: z.strictObject({ schedules: list(schedule) }),
});

export const listVersions = defineRoute({
  name: "listObjectVersions",
  method: "GET",
  path: "/api/object-versions",
  summary: "Every version of one object, the newest first",
  needs: "viewer",
  query: z.strictObject({ key: z.string().min(1) }),
  answer: z.strictObject({ objects: list(objectEntry) }),
});

const ids = z.array(z.string().min(1)).min(1).max(1_000);
const acted = z
  .strictObject({ done: list(z.string()), failed: list(z.strictObject({ id: z.string(), error: errorRecord })) })
  .meta({ id: "Acted" });
const manyRoute = { method: "POST", needs: "operator", answer: acted } as const;
/** These, or all of a state, a workflow and a time at which they began: at most 1,000, the newest first. */
const runsMeant = { ids: ids.optional(), state: z.enum(runStates).optional(), workflow: z.string().optional(), ...began, reason };

export const cancelRuns = defineRoute({
  ...manyRoute,
  name: "cancelRuns",
  path: "/api/runs/cancel",
  summary: "Stop many runs, by their ids or by state, workflow and time",
  body: z.strictObject(runsMeant),
});

export const retryRuns = defineRoute({
  ...manyRoute,
  name: "retryRuns",
  path: "/api/runs/retry",
  summary: "Start many runs again, by their ids or by state, workflow and time",
  body: z.strictObject(runsMeant),
});

/** These, or every waiting letter of a workflow, or of all with `all`: at most 1,000, the newest first. */
const lettersMeant = { ids: ids.optional(), workflow: z.string().optional(), all: z.literal(true).optional(), reason };

export const redriveMany = defineRoute({
  ...manyRoute,
  name: "redriveManyDead",
  path: "/api/dead/redrive",
  summary: "Do many dead letters again",
  body: z.strictObject(lettersMeant),
});

export const dropMany = defineRoute({
  ...manyRoute,
  name: "dropManyDead",
  path: "/api/dead/drop",
  summary: "Let many dead letters rest",
  body: z.strictObject(lettersMeant),
});

const subscription = z
  .strictObject({
    name: z.string(),
    kind: z.string(),
    prefix: z.string(),
    workflow: z.string(),
    seenAt: z.string(),
    served: z.boolean(),
    waiting: z.number(),
  })
  .meta({ id: "Subscription" });

export const listSubscriptions = defineRoute({
  name: "listSubscriptions",
  method: "GET",
  path: "/api/subscriptions",
  summary: "Who is told of which events, whether a process serves it, and how many events wait for it",
  needs: "viewer",
  answer: z.strictObject({ subscriptions: list(subscription) }),
});

const byName = z.strictObject({ name: z.string().min(1) });

export const forgetSubscription = defineRoute({
  name: "forgetSubscription",
  method: "DELETE",
  path: "/api/subscriptions/:name",
  summary: "Give up a subscription that no process serves any more, with the events and runs that wait for it",
  needs: "operator",
  params: byName,
  answer: z.strictObject({ events: z.number(), runs: z.number() }),
});

export const resendNotice = defineRoute({
  name: "resendNotice",
  method: "POST",
  path: "/api/notices/:id/resend",
  summary: "Send a notice again by the channels that failed",
  needs: "operator",
  params: byId,
  body: z.strictObject({ channel: z.string().optional() }),
  answer: z.strictObject({ deliveries: list(z.strictObject({ channel: z.string(), run: z.string() })) }),
  status: [202],
});

export const pauseSchedule = defineRoute({
  name: "pauseSchedule",
  method: "POST",
  path: "/api/schedules/:name/pause",
  summary: "Start nothing of it until it is resumed; what would have begun meanwhile is passed over",
  needs: "operator",
  params: byName,
  body: z.strictObject({ reason }),
  answer: z.strictObject({ name: z.string() }),
});

export const resumeSchedule = defineRoute({
  name: "resumeSchedule",
  method: "POST",
  path: "/api/schedules/:name/resume",
  summary: "Go on with the next time",
  needs: "operator",
  params: byName,
  answer: z.strictObject({ name: z.string() }),
});

export const runSchedule = defineRoute({
  name: "runSchedule",
  method: "POST",
  path: "/api/schedules/:name/run",
  summary: "Start its run now, beside its times",
  needs: "operator",
  params: byName,
  answer: z.strictObject({ run: z.string() }),
  status: [202],
});

export const listKeys = defineRoute({
  name: "listKeys",
  method: "GET",
  path: "/api/keys",
  summary: "The key versions of every zone; never the keys themselves",
  needs: "operator",
  answer: z.strictObject({
    keys: list(z.strictObject({ zone: z.string(), version: z.number(), createdAt: z.string(), current: z.boolean() })),
  }),
});

export const rotateKey = defineRoute({
  name: "rotateKey",
  method: "POST",
  path: "/api/keys/:zone/rotate",
  summary: "Make a new key for a zone; back the key file up afterwards",
  needs: "administrator",
  params: z.strictObject({ zone: z.string().min(1) }),
  answer: z.strictObject({ zone: z.string(), version: z.number() }),
});

const access = z.enum(["read", "write"]);
const grant = z.strictObject({ role: z.string(), zone: z.string(), access });

export const listGrants = defineRoute({
  name: "listGrants",
  method: "GET",
  path: "/api/grants",
  summary: "Who may read and write which zone",
  needs: "operator",
  answer: z.strictObject({ grants: list(grant) }),
});

const grantPath = { params: grant, answer: grant.extend({ allowed: z.boolean() }), needs: "administrator" } as const;

export const allowGrant = defineRoute({
  ...grantPath,
  name: "allowGrant",
  method: "PUT",
  path: "/api/grants/:role/:zone/:access",
  summary: "Give a role access to a zone",
});

export const denyGrant = defineRoute({
  ...grantPath,
  name: "denyGrant",
  method: "DELETE",
  path: "/api/grants/:role/:zone/:access",
  summary: "Take a role's access to a zone away",
});

export const listUses = defineRoute({
  name: "listKeyUses",
  method: "GET",
  path: "/api/keys/uses",
  summary: "Every use of a key and every refusal, the newest first",
  needs: "operator",
  query: z.strictObject({ zone: z.string().optional(), role: z.string().optional(), ...pageQuery() }),
  answer: z.strictObject({
    uses: list(
      z.strictObject({
        id: z.number(),
        at: z.string(),
        role: z.string(),
        purpose: z.string(),
        zone: z.string(),
        keyVersion: z.number(),
        access,
        key: z.string(),
        allowed: z.boolean(),
        /** Who signed in and for whom it was. */
        by: z.string().optional(),
      }),
    ),
    next,
  }),
});

export const listSettings = defineRoute({
  name: "listSettings",
  method: "GET",
  path: "/api/settings",
  summary: "Every setting of this process with its value and where it came from; secrets are masked",
  needs: "operator",
  answer: z.strictObject({
    settings: list(
      z.strictObject({
        path: z.string(),
        value: anything,
        origin: z.looseObject({ kind: z.enum(["default", "file", "env", "flag"]) }),
        environment: z.string(),
        description: z.string(),
      }),
    ),
    warnings: list(z.string()),
  }),
});

export const getHome = defineRoute({
  name: "getHome",
  method: "GET",
  path: "/api/home",
  summary: "Which home is served, whether it is the one the database knows, and which modules are open",
  needs: "viewer",
  answer: z.strictObject({
    id: z.string(),
    standing: z.enum(["active", "quiet", "copied"]),
    elsewhere: z.string().optional(),
    version: z.string(),
    /** Those that are open. */
    modules: list(z.string()),
  }),
});

const zoneBytes = { zone: z.string(), objects: z.number(), bytes: z.number() };

export const getGrowth = defineRoute({
  name: "getGrowth",
  method: "GET",
  path: "/api/growth",
  summary: "Who works, how much the store holds by zone, what came each day, and how much room the disks have",
  needs: "operator",
  query: z.strictObject({
    /** Of what came each day (UTC): so many days up to today. */
    days: limitOf(30, 366),
  }),
  answer: z.strictObject({
    workers: list(z.strictObject({ id: z.string(), workflows: z.number(), since: z.string(), seenAt: z.string(), runs: z.number() })),
    /** Sealed bytes, as they lie in the store, former versions included. */
    zones: list(z.strictObject(zoneBytes)),
    since: z.string(),
    days: list(z.strictObject({ day: z.string(), ...zoneBytes })),
    database: z.strictObject({ bytes: z.number() }),
    /** Of the home folder and of a store in a folder; bytes. */
    disks: list(z.strictObject({ folder: z.string(), free: z.number(), size: z.number() })),
  }),
});

export const listDamaged = defineRoute({
  name: "listDamaged",
  method: "GET",
  path: "/api/damage",
  summary: "Objects whose bytes the last readings of the store found damaged; the schedule app.scrub reads them",
  needs: "operator",
  answer: z.strictObject({
    damage: list(z.strictObject({ key: z.string(), version: z.string(), code: z.string(), foundAt: z.string() })),
  }),
});

export const listTables = defineRoute({
  name: "listTables",
  method: "GET",
  path: "/api/sql",
  summary: "Every table that can be asked, with its columns",
  needs: "viewer",
  answer: z.strictObject({
    tables: list(z.strictObject({ table: z.string(), about: z.string(), columns: z.string() })),
  }),
});

/** Forms of an answer of `POST /api/sql`, by the name that asks for them. */
export const sqlTypes = {
  json: "application/json",
  csv: "text/csv",
  parquet: "application/vnd.apache.parquet",
  arrow: "application/vnd.apache.arrow.stream",
} as const;

export const askSql = defineRoute({
  name: "askSql",
  method: "POST",
  path: "/api/sql",
  summary: "Ask the tables by one SELECT; JSON `{ columns, rows, more }`, CSV, Parquet or an Arrow stream, by `format` or Accept",
  needs: "viewer",
  body: z.strictObject({
    query: z.string().min(1).max(100_000),
    /** Stockroom's own tables, in PostgreSQL's SQL. */
    system: z.boolean().default(false),
    format: z.enum(["json", "csv", "parquet", "arrow"]).optional(),
    /** Rows at most; default 1,000 of JSON, else all up to 1,000,000. */
    limit: z.int().min(1).max(1_000_000).optional(),
    timeoutSeconds: z.int().min(1).max(600).default(60),
    memoryMb: z.int().min(64).max(2_048).default(512),
  }),
  answer: bytes("application/json", "text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"),
});

/** What an event of the stream holds, by its name. */
export const streamed = { event, run, gap: z.strictObject({ from: z.number(), to: z.number() }) } as const;

export const stream = defineRoute({
  name: "streamChanges",
  method: "GET",
  path: "/api/stream",
  summary: "Events and changes of runs as they happen (server-sent events), resumable by Last-Event-ID",
  needs: "viewer",
  query: z.strictObject({
    /** Only events of this kind. */
    kind: z.string().optional(),
    /** Absent: both. */
    of: z.enum(["events", "runs"]).optional(),
  }),
  answer: bytes("text/event-stream"),
});
