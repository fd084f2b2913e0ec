// The platform's routes as data: what they take, what they answer, whom they ask for. platform.ts, objects.ts, health.ts and metrics.ts answer them.
//
// docs/http.md lists them for people. No code that works is imported here: the client has its types from these declarations.

import { z } from "zod";
import { problem } from "../platform/web/problem.ts";
import { line } from "../platform/web/fields.ts";
import { next, pageQuery } from "../platform/web/paging.ts";
import { bytes, defineRoute, list } from "../platform/web/route.ts";

/** Every state a run can be in, in the order of a run's life. */
const runStates = ["queued", "running", "retrying", "done", "failed", "cancelled", "dead"] as const;

/** Every state of a dead letter. */
const letterStates = ["waiting", "redriven", "dropped"] as const;

const anything = z.unknown();
const record = z.record(z.string(), anything);

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
    /** ISO, or `never`. */
    nextAt: z.string(),
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
    ...pageQuery(),
  }),
  answer: z.strictObject({ runs: list(run), next }),
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

const reason = line(2_000).optional();

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

export const listDead = defineRoute({
  name: "listDead",
  method: "GET",
  path: "/api/dead",
  summary: "Runs that were given up and wait for a person, the newest first",
  needs: "viewer",
  query: z.strictObject({ state: z.enum(letterStates).optional(), ...pageQuery() }),
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
