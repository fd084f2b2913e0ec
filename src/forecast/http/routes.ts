// Routes: the module over HTTP. What the app has of forecasts, to be read; the pages for people stand in pages/.
//
// Owns: /api/forecast and what it answers. Does not own: the guard, the shape of errors (server), what is forecast and when (flow).
//   R1. Every parameter is checked; an unknown one is refused.
//   R2. Exports are read in the role `operator`, and every reading stands in the log of key uses.
//   R3. Answers are bounded by their limit; exports stream.
//
// docs/forecast-http.md lists the routes with examples.

import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { adjustmentKinds } from "../engine/adjust/adjust.ts";
import { removeGroup, type RemovedGroup } from "../workflows/pipeline/remove.ts";
import { sayAdjustment } from "../workflows/planning/adjustments.ts";
import type { ModuleApp } from "../../platform/module.ts";
import type { Workflows } from "../../platform/workflow/contract.ts";
import type { Drill } from "../workflows/views/drill.ts";
import type { ForecastDeps } from "../workflows/deps.ts";
import { listAdjustments, type AdjustmentRow } from "../store/adjustments.ts";
import { getAnswer, listAnswers, answerKinds, type Answer } from "../store/answers.ts";
import { getRun, listGroups, listRuns, type ForecastRunRow } from "../store/runs.ts";
import { listImports, type ImportRow } from "../store/sap.ts";
import { limitOf, line as text, readFields } from "./fields.ts";
import { mountPages } from "./pages/routes.ts";
import {
  findExport,
  makeDriller,
  operatorOverHttp,
  parseDrill,
  readExports,
  readImport,
  type Exporter,
  type ExportRow,
  type ImportDetail,
} from "./reading.ts";

/** GET /api/forecast/groups */
export interface GroupList {
  readonly groups: Awaited<ReturnType<typeof listGroups>>;
}

/** GET /api/forecast/runs: newest first. */
export interface ForecastRunList {
  readonly runs: readonly Omit<ForecastRunRow, "settings" | "exports">[];
}

/** GET /api/forecast/runs/ID */
export interface ForecastRunDetail {
  readonly run: Omit<ForecastRunRow, "exports">;
  readonly exports: readonly ExportRow[];
}

/** GET /api/forecast/imports: newest first. */
export interface ImportList {
  readonly imports: readonly ImportRow[];
}

/** GET /api/forecast/adjustments: in the order in which they were made; with a limit the last ones. */
export interface AdjustmentList {
  readonly adjustments: readonly AdjustmentRow[];
}

/** POST /api/forecast/adjustments: 202; `series` it meets, and the durable run that lays it over. 409 when the same was said already. */
export interface SaidAdjustment {
  readonly adjustment: AdjustmentRow;
  readonly series: number | undefined;
  readonly run: string;
}

/** GET /api/forecast/scenarios: what was asked of finished runs and what came of it, newest first. */
export interface ScenarioList {
  readonly scenarios: readonly Answer[];
}

/** GET /api/forecast/scenarios/ID */
export interface ScenarioDetail {
  readonly scenario: Answer;
  readonly exports: readonly ExportRow[];
}

const api = "/api/forecast";

const nothing = z.strictObject({});
const runsQuery = z.strictObject({ group: text().optional(), limit: limitOf(100, 1_000) });
const adjustmentsQuery = z.strictObject({
  group: text().optional(),
  standing: z.enum(["yes", "no"]).default("no"),
  limit: limitOf(100, 10_000),
});
const scenariosQuery = z.strictObject({ group: text().optional(), kind: z.enum(answerKinds).optional(), limit: limitOf(100, 1_000) });
const importsQuery = z.strictObject({ limit: limitOf(100, 1_000) });
const importQuery = z.strictObject({ answers: z.enum(["failed", "all"]).default("failed"), limit: limitOf(100, 10_000) });
const byId = z.strictObject({ id: text(500) });

/** Mounts the module's routes and pages. Throws nothing; the routes throw `StockroomError`s, which the server answers. */
export async function mountRoutes(server: FastifyInstance, { deps, workflows }: ModuleApp<ForecastDeps>): Promise<void> {
  const { database } = deps;
  const driller = makeDriller(deps);

  server.get(`${api}/groups`, async (request): Promise<GroupList> => {
    readFields("query", nothing, request.query);
    return { groups: await listGroups(database) };
  });

  server.get(`${api}/runs`, async (request): Promise<ForecastRunList> => {
    const query = readFields("query", runsQuery, request.query);
    const runs = await listRuns(database, { limit: query.limit, ...(query.group === undefined ? {} : { group: query.group }) });
    return { runs: runs.map(({ settings: _settings, exports: _exports, ...run }) => run) };
  });

  server.get(`${api}/runs/:id`, async (request): Promise<ForecastRunDetail> => {
    readFields("query", nothing, request.query);
    const { exports: _exports, ...run } = await getRun(database, readFields("path", byId, request.params).id);
    return { run, exports: await readExports(deps, { ...run, exports: _exports }) };
  });

  server.get<{ Params: { "*": string; readonly id: string } }>(`${api}/runs/:id/exports/*`, async (request, reply) => {
    readFields("query", nothing, request.query);
    const run = await getRun(database, readFields("path", byId, { id: request.params.id }).id);
    return await sendExport(deps, reply, run, request.params["*"]);
  });

  server.get(`${api}/runs/:id/dashboard`, async (request, reply) => {
    readFields("query", nothing, request.query);
    const run = await getRun(database, readFields("path", byId, request.params).id);
    const entry = await findExport(deps, run, "dashboard.json");
    const { body } = await deps.objects.get(operatorOverHttp(`${api}/runs/${run.id}/dashboard`), entry.key, { version: entry.version });
    return await reply.type("application/json; charset=utf-8").send(Readable.from(body, { objectMode: false }));
  });

  server.get(`${api}/runs/:id/figures`, async (request): Promise<Drill> => {
    const { by, where } = parseDrill(request.query);
    const run = await getRun(database, readFields("path", byId, request.params).id);
    return await driller.read(run, { by, where }, `${api}/runs/${run.id}/figures`);
  });

  server.get(`${api}/adjustments`, async (request): Promise<AdjustmentList> => {
    const { group, standing, limit } = readFields("query", adjustmentsQuery, request.query);
    const wanted = { standing: standing === "yes", limit, ...(group === undefined ? {} : { group }) };
    return { adjustments: await listAdjustments(database, wanted) };
  });

  server.get(`${api}/scenarios`, async (request): Promise<ScenarioList> => {
    const { group, kind, limit } = readFields("query", scenariosQuery, request.query);
    const wanted = { limit, ...(kind === undefined ? {} : { kinds: [kind] }), ...(group === undefined ? {} : { group }) };
    return { scenarios: await listAnswers(database, wanted) };
  });

  server.get(`${api}/scenarios/:id`, async (request): Promise<ScenarioDetail> => {
    readFields("query", nothing, request.query);
    const scenario = await getAnswer(database, readFields("path", byId, request.params).id);
    return { scenario, exports: await readExports(deps, scenario) };
  });

  server.get<{ Params: { "*": string; readonly id: string } }>(`${api}/scenarios/:id/exports/*`, async (request, reply) => {
    readFields("query", nothing, request.query);
    const scenario = await getAnswer(database, readFields("path", byId, { id: request.params.id }).id);
    return await sendExport(deps, reply, scenario, request.params["*"]);
  });

  server.get(`${api}/imports`, async (request): Promise<ImportList> => {
    const { limit } = readFields("query", importsQuery, request.query);
    return { imports: await listImports(database, limit) };
  });

  server.get(`${api}/imports/:id`, async (request): Promise<ImportDetail> => {
    const { answers, limit } = readFields("query", importQuery, request.query);
    const { id } = readFields("path", byId, request.params);
    return await readImport(deps, id, { all: answers === "all", limit, purpose: `http GET ${api}/imports/${id}` });
  });

  mountChanges(server, deps, workflows);
  await mountPages(server, deps, driller);
}

const adjustmentBody = z.strictObject({
  group: text(),
  kind: z.enum(adjustmentKinds),
  value: z.number(),
  where: z.string().max(4_000).default(""),
  from: text(),
  to: text().optional(),
  author: text(),
  reason: text(500),
  again: z.boolean().default(false),
});

/** What changes something: a planner's word, a group that goes. */
function mountChanges(server: FastifyInstance, deps: ForecastDeps, workflows: Pick<Workflows, "startIn" | "cancel">): void {
  server.post(`${api}/adjustments`, async (request, reply) => {
    readFields("query", nothing, request.query);
    const { again, ...asked } = readFields("body", adjustmentBody, request.body);
    const kept = await sayAdjustment(
      deps,
      workflows,
      { ...asked, to: asked.to ?? asked.from },
      { purpose: `http POST ${api}/adjustments`, again },
    );
    return await reply.code(202).send({ adjustment: kept.row, series: kept.series, run: kept.runId } satisfies SaidAdjustment);
  });

  server.delete(`${api}/groups/:id`, async (request): Promise<RemovedGroup> => {
    readFields("query", nothing, request.query);
    return await removeGroup(deps, workflows, readFields("path", byId, request.params).id, `http DELETE ${api}/groups`);
  });
}

/** Streams an export as a download: never run as a page of ours. */
async function sendExport(deps: ForecastDeps, reply: FastifyReply, of: Exporter, name: string): Promise<FastifyReply> {
  const { key, version, bytes, contentType, sha256 } = await findExport(deps, of, name);
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  const { body } = await deps.objects.get(operatorOverHttp(`${api} ${of.id} ${name}`), key, {
    version,
    signal: gone.signal,
  });
  const source = body[Symbol.asyncIterator]();
  // The first piece before any header is out, so that an object that cannot be opened is still answered as an error.
  const first = await source.next();
  async function* rest(): AsyncGenerator<Uint8Array> {
    try {
      for (let next = first; next.done !== true; next = await source.next()) yield next.value;
    } finally {
      await source.return?.();
    }
  }
  return await reply
    .headers({
      "content-type": contentType,
      "content-length": bytes,
      "content-disposition": `attachment; filename="${fileName(of, name)}"`,
      "content-security-policy": "sandbox; default-src 'none'",
      etag: `"${sha256}"`,
    })
    .send(Readable.from(rest(), { objectMode: false }));
}

/** `retail-20261101T000000Z-0123abcd-forecast.csv`: groups and runs have plain letters only, and what else might come is taken out. */
function fileName(of: Exporter, name: string): string {
  const ending = /\.[a-z]+$/.exec(of.exports[name]?.key ?? "")?.[0] ?? "";
  const whole = `${of.group}-${of.id}-${name.replaceAll("/", "-")}`.replaceAll(/[^\w.=-]/g, "_");
  return whole.endsWith(ending) ? whole : `${whole}${ending}`;
}
