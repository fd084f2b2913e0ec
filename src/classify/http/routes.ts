// Routes: the module over HTTP. The same operations as the commands, with the same errors; the pages for people stand in pages/.
//
// Owns: /api/classify and what it answers. Does not own: the guard, the shape of errors (server), what the operations do (flow).
//   R1. Every parameter is checked; an unknown one is refused. What a command refuses is refused here with the same code.
//   R2. Answers are bounded: a list by its limit, a reading of many objects by how many such readings go on at once.
//   R3. Item text is read in the role `review` (or `report`), and every reading stands in the log of key uses.
//   R4. A run is started, never waited for: 202 and its id; /api/runs tells how it goes.
//
// docs/classify-http.md lists the routes with examples.

import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { StockroomError } from "../../platform/errors.ts";
import type { ModuleApp } from "../../platform/module.ts";
import type { Scheme, SchemeVersion } from "../engine/schemes.ts";
import { parseLine, parsePeriod } from "../engine/lines.ts";
import { findAudit, verifyAuditLog, type AuditProof, type ItemStory } from "../workflows/audit.ts";
import {
  checkProof,
  parseLimit,
  parseMoment,
  parseReviewQuery,
  planCompare,
  planExtract,
  planInfer,
  planTrain,
  readReport,
  type PeriodReport,
  type PlannedRun,
} from "../workflows/commands.ts";
import type { ClassifyDeps } from "../workflows/deps.ts";
import { listRejected, type RejectedRow } from "../workflows/rejected.ts";
import { ruleOnHeld, setAutomatic, setChampion } from "../workflows/champions.ts";
import { amendReview, answerReview, readReviews, type ReviewItem } from "../workflows/review.ts";
import { listAutomatic, listChampions, listHeld, type AutomaticRow, type ChampionRow, type Held, type Ruling } from "../store/champions.ts";
import { listPeriods } from "../store/inferences.ts";
import { getLine, listLines, listModels, listVerdicts, type LineRow, type ModelRow, type VerdictRow } from "../store/lines.ts";
import { listReported } from "../store/reports.ts";
import { countReviews, type ReviewRow } from "../store/reviews.ts";
import { listSchemes, type SchemeRevision } from "../store/schemes.ts";
import { line as text, readFields } from "./fields.ts";
import { mountPages } from "./pages/routes.ts";

/** GET /api/classify/lines */
export interface LineList {
  readonly lines: readonly LineRow[];
}

/** GET /api/classify/models: the newest of each line first; `total` before the limit. */
export interface ModelList {
  readonly models: readonly (ModelRow & { readonly champion: boolean })[];
  readonly total: number;
}

/** GET /api/classify/verdicts: the newest first; `total` before the limit. */
export interface VerdictList {
  readonly verdicts: readonly VerdictRow[];
  readonly total: number;
}

/** GET /api/classify/champions: every champion there was, promotions that wait, and the newest word on lines' automatic decisions. */
export interface ChampionList {
  readonly champions: readonly ChampionRow[];
  readonly held: readonly Held[];
  readonly automatic: readonly AutomaticRow[];
}

/** GET /api/classify/schemes: codes counted; with `?scheme=` that one whole. */
export interface SchemeList {
  readonly schemes: readonly (Pick<SchemeRevision, "revision" | "source" | "importedAt"> &
    Pick<Scheme, "scheme" | "country" | "name"> & {
      readonly versions: readonly (Omit<SchemeVersion, "codes"> & { readonly codes: number })[];
    })[];
}

export interface WholeScheme {
  readonly schemes: readonly [SchemeRevision];
}

/** GET /api/classify/periods: `reported` are the countries that have a report. */
export interface PeriodList {
  readonly periods: readonly {
    readonly period: string;
    readonly countries: number;
    readonly items: number;
    readonly reported: readonly string[];
  }[];
}

/** GET /api/classify/review: what waits (or with `state=answered` what was answered), audit samples first, then by units; `counts` is over everything ever queued. */
export interface ReviewList {
  readonly reviews: readonly ReviewItem[];
  readonly counts: Awaited<ReturnType<typeof countReviews>>;
}

/** GET /api/classify/rejected: rows of sales that are in no figure; `total` before the limit. */
export interface RejectedList {
  readonly rows: readonly RejectedRow[];
  readonly total: number;
}

/** POST /api/classify/train, compare, infer, extract */
export interface StartedRuns {
  readonly runs: readonly string[];
}

/** GET /api/classify/audit/item */
export interface ItemStories {
  readonly stories: readonly ItemStory[];
}

const api = "/api/classify";
const listLimits = { usual: "100", most: 1_000 };
const reviewLimits = { usual: 20, most: 500 };
/** Readings of a whole period's objects, or of all of them, that may go on at once. */
const readingsAtOnce = 2;

const optional = text().optional();
const linesQuery = z.strictObject({ date: optional });
const modelsQuery = z.strictObject({ line: optional, limit: optional });
const verdictsQuery = z.strictObject({ line: optional, date: optional, limit: optional });
const schemesQuery = z.strictObject({ scheme: optional });
const reportQuery = z.strictObject({ period: text(), country: optional, revision: optional });
const reviewQuery = z.strictObject({ line: optional, period: optional, kind: optional, state: optional, limit: optional });
const rejectedQuery = z.strictObject({ period: text(), country: optional, limit: optional });
const itemQuery = z.strictObject({ id: text(1_000), period: text() });
const nothing = z.strictObject({});
const byId = z.strictObject({ id: text(2_000) });
const answerBody = z.strictObject({ code: text(), by: text(100) });
const amendBody = z.strictObject({ code: text(), by: text(100), reason: text(1_000) });
const championsQuery = z.strictObject({ line: optional });
const word = { reason: text(2_000), by: text(100).optional() };
const championBody = z.strictObject({ line: text(), model: text(), ...word });
const heldBody = z.strictObject({ held: text(2_000), ruling: z.enum(["approved", "rejected"]), ...word });
const automaticBody = z.strictObject({ line: text(), automatic: z.boolean(), ...word });
const trainBody = z.strictObject({ line: optional });
const compareBody = z.strictObject({ line: optional, model: optional });
const inferBody = z.strictObject({ period: text(), line: optional });
const extractBody = z.strictObject({ name: optional, period: optional });

/** Mounts the module's routes and pages. Throws nothing; the routes throw `StockroomError`s, which the server answers. */
export async function mountRoutes(server: FastifyInstance, app: ModuleApp<ClassifyDeps>): Promise<void> {
  mountLists(server, app.deps);
  mountChampions(server, app.deps);
  mountReviews(server, app.deps);
  mountRuns(server, app);
  mountAudit(server, app.deps);
  await mountPages(server, app.deps);
}

function mountLists(server: FastifyInstance, deps: ClassifyDeps): void {
  const { database } = deps;
  server.get(`${api}/lines`, async (request): Promise<LineList> => {
    const { date } = readFields("query", linesQuery, request.query);
    return { lines: await listLines(database, date === undefined ? {} : { at: parseMoment(date) }) };
  });

  server.get(`${api}/models`, async (request): Promise<ModelList> => {
    const { line, limit } = readFields("query", modelsQuery, request.query);
    const most = parseLimit(limit ?? listLimits.usual, listLimits.most);
    const models = await listModels(database, line === undefined ? undefined : (await getLine(database, line)).line);
    const champions = new Set((await listLines(database)).map((row) => row.champion));
    return { models: models.slice(0, most).map((model) => ({ ...model, champion: champions.has(model.id) })), total: models.length };
  });

  server.get(`${api}/verdicts`, async (request): Promise<VerdictList> => {
    const { line, date, limit } = readFields("query", verdictsQuery, request.query);
    const most = parseLimit(limit ?? listLimits.usual, listLimits.most);
    const until = date === undefined ? Infinity : Date.parse(parseMoment(date));
    const verdicts = await listVerdicts(database, line === undefined ? undefined : (await getLine(database, line)).line);
    const before = verdicts.filter((verdict) => Date.parse(verdict.at) <= until);
    return { verdicts: before.slice(0, most), total: before.length };
  });

  server.get(`${api}/schemes`, async (request): Promise<SchemeList | WholeScheme> => {
    const { scheme: wanted } = readFields("query", schemesQuery, request.query);
    const schemes = await listSchemes(database);
    if (wanted === undefined) return { schemes: schemes.map(summarised) };
    const found = schemes.find((revision) => revision.scheme.scheme === wanted);
    if (found !== undefined) return { schemes: [found] };
    throw new StockroomError(
      "missing",
      "SCHEME_MISSING",
      `Expected the scheme ${wanted} to be imported but it is not. Import it: stockroom classify schemes import FILE`,
    );
  });

  server.get(`${api}/periods`, async (request): Promise<PeriodList> => {
    readFields("query", nothing, request.query);
    const reported = Map.groupBy(await listReported(database), (row) => row.period);
    const periods = await listPeriods(database);
    return {
      periods: periods.map((period) => ({ ...period, reported: (reported.get(period.period) ?? []).map((row) => row.country) })),
    };
  });

  server.get(
    `${api}/report`,
    async (request): Promise<PeriodReport> => await readReport(deps, readFields("query", reportQuery, request.query)),
  );
}

const summarised = ({ scheme, revision, source, importedAt }: SchemeRevision): SchemeList["schemes"][number] => ({
  scheme: scheme.scheme,
  country: scheme.country,
  ...(scheme.name === undefined ? {} : { name: scheme.name }),
  revision,
  source,
  importedAt,
  versions: scheme.versions.map((version) => ({ ...version, codes: version.codes.length })),
});

function mountChampions(server: FastifyInstance, deps: ClassifyDeps): void {
  const { database } = deps;
  server.get(`${api}/champions`, async (request): Promise<ChampionList> => {
    const { line: asked } = readFields("query", championsQuery, request.query);
    const line = asked === undefined ? undefined : parseLine(asked).line;
    return {
      champions: await listChampions(database, line),
      held: await listHeld(database, line),
      automatic: await listAutomatic(database, line),
    };
  });

  server.post(`${api}/champions`, async (request): Promise<ChampionRow> => {
    const { line, model, ...said } = readFields("body", championBody, request.body);
    return await setChampion(deps, line, model, said);
  });

  server.post(`${api}/champions/held`, async (request): Promise<Ruling> => {
    const { held, ruling, ...said } = readFields("body", heldBody, request.body);
    return await ruleOnHeld(deps, held, ruling, said);
  });

  server.post(`${api}/champions/automatic`, async (request): Promise<AutomaticRow> => {
    const { line, automatic, ...said } = readFields("body", automaticBody, request.body);
    return await setAutomatic(deps, line, automatic, said);
  });
}

function mountReviews(server: FastifyInstance, deps: ClassifyDeps): void {
  server.get(`${api}/review`, async (request): Promise<ReviewList> => {
    const query = parseReviewQuery(readFields("query", reviewQuery, request.query), reviewLimits);
    return { reviews: await readReviews(deps, `http GET ${api}/review`, query), counts: await countReviews(deps.database) };
  });

  server.get(`${api}/rejected`, async (request): Promise<RejectedList> => {
    const { period, country, limit } = readFields("query", rejectedQuery, request.query);
    const most = parseLimit(limit ?? listLimits.usual, listLimits.most);
    return await listRejected(deps, `http GET ${api}/rejected`, { period, country, limit: most });
  });

  server.post(`${api}/review/:id`, async (request): Promise<ReviewRow> => {
    const { id } = readFields("path", byId, request.params);
    const { code, by } = readFields("body", answerBody, request.body);
    return await answerReview(deps, id, code.trim(), by.trim());
  });

  server.post(`${api}/review/:id/amend`, async (request): Promise<ReviewRow> => {
    const { id } = readFields("path", byId, request.params);
    const { code, by, reason } = readFields("body", amendBody, request.body);
    return await amendReview(deps, id, { code: code.trim(), reviewer: by.trim(), reason: reason.trim() });
  });
}

function mountRuns(server: FastifyInstance, { deps, workflows }: ModuleApp<ClassifyDeps>): void {
  const start = async (reply: FastifyReply, planned: readonly PlannedRun[]): Promise<FastifyReply> => {
    const runs: string[] = [];
    for (const { workflow, input, id } of planned) runs.push(await workflows.start(workflow, input, { id }));
    return await reply.code(202).send({ runs } satisfies StartedRuns);
  };
  server.post(
    `${api}/train`,
    async (request, reply) => await start(reply, await planTrain(deps, readFields("body", trainBody, request.body))),
  );
  server.post(`${api}/compare`, async (request, reply) =>
    start(reply, await planCompare(deps, readFields("body", compareBody, request.body))),
  );
  server.post(
    `${api}/infer`,
    async (request, reply) => await start(reply, await planInfer(deps, readFields("body", inferBody, request.body))),
  );
  server.post(
    `${api}/extract`,
    async (request, reply) => await start(reply, planExtract(deps, readFields("body", extractBody, request.body))),
  );
}

function mountAudit(server: FastifyInstance, deps: ClassifyDeps): void {
  let readings = 0;
  /** Reads while the caller is there, if not too many do. */
  const reading = async <T>(reply: FastifyReply, read: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    if (readings >= readingsAtOnce) {
      throw new StockroomError(
        "busy",
        "AUDIT_BUSY",
        `Expected fewer than ${readingsAtOnce} readings of the audit at once but so many go on. Ask again soon.`,
      );
    }
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort());
    readings += 1;
    try {
      return await read(gone.signal);
    } catch (error) {
      if (!gone.signal.aborted) throw error;
      throw new StockroomError("input", "CALLER_GONE", "Expected the caller to wait for the answer but the connection ended.", {
        cause: error,
      });
    } finally {
      readings -= 1;
    }
  };

  server.get(`${api}/audit/verify`, async (request, reply): Promise<AuditProof> => {
    readFields("query", nothing, request.query);
    const proof = await reading(reply, async (signal) => await verifyAuditLog(deps, `http GET ${api}/audit/verify`, signal));
    checkProof(proof);
    return proof;
  });

  server.get(`${api}/audit/item`, async (request, reply): Promise<ItemStories> => {
    const { id, period } = readFields("query", itemQuery, request.query);
    const wanted = parsePeriod(period);
    return { stories: await reading(reply, async (signal) => await findAudit(deps, `http GET ${api}/audit/item`, id, wanted, signal)) };
  });
}
