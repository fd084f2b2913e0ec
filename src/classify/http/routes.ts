// Routes: the module over HTTP. The same operations as the commands, with the same errors; the pages for people stand in pages/.
//
// Owns: what /api/classify answers. Does not own: what the routes take and need (contract.ts), the guard, the shape of errors (server), what the
// operations do (workflows).
//   R1. Every parameter is checked; an unknown one is refused. What a command refuses is refused here with the same code.
//   R2. Answers are bounded: a list by its limit, a reading of many objects by how many such readings go on at once.
//   R3. Item text is read in the role `review` (or `report`), and every reading stands in the log of key uses.
//   R4. A run is started, never waited for: 202 and its id; /api/runs tells how it goes.
//
// docs/reference/classify-http.md lists the routes with examples.

import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import { StockroomError } from "../../platform/errors.ts";
import { shownMapping } from "../../platform/mappings/fields.ts";
import type { ModuleApp } from "../../platform/module.ts";
import { cursorsOf } from "../../platform/web/paging.ts";
import { serve, whileCalling, type AnswerOf } from "../../platform/web/route.ts";
import { wilson } from "../engine/intervals.ts";
import { parseLine, parsePeriod } from "../engine/lines.ts";
import { adoptRows, findAudit, verifyAuditLog } from "../workflows/audit.ts";
import {
  checkProof,
  parseAnchor,
  parseLimit,
  parseMoment,
  parseReviewQuery,
  newCompareRuns,
  newExtractRuns,
  newInferRuns,
  newTrainRuns,
  readReport,
  restate,
  type NewRun,
} from "../workflows/commands.ts";
import type { ClassifyDeps } from "../workflows/deps.ts";
import { catalogueBlockSchema } from "../workflows/intake/said.ts";
import { answerFor, forgetFor, listKept } from "../workflows/kept.ts";
import { recodePeriod } from "../workflows/recode.ts";
import { placeRejected } from "../workflows/rejected.ts";
import { ruleOnHeld, setAutomatic, setChampion } from "../workflows/champions.ts";
import { amendReview, answerReview, readWords } from "../workflows/review.ts";
import { importSchemes } from "../workflows/schemes.ts";
import { exportAudit, findHead } from "../store/audit.ts";
import { listAutomatic, listChampions, listHeld } from "../store/champions.ts";
import { countCodings, listBounds, listPeriods, placeCodings, type InferenceRow } from "../store/inferences.ts";
import { countModels, countVerdicts, getLine, listLines, placeModels, placeVerdicts } from "../store/lines.ts";
import { listReported } from "../store/reports.ts";
import { auditRates, countReviews, placeReviews } from "../store/reviews.ts";
import { listSchemes, type SchemeRevision } from "../store/schemes.ts";
import * as routes from "./contract.ts";
import { readFields } from "./fields.ts";
import { listLimits, reviewLimits } from "./contract.ts";
import { mountPages } from "./pages/routes.ts";

export type LineList = AnswerOf<typeof routes.listLines>;
export type ModelList = AnswerOf<typeof routes.listModels>;
export type VerdictList = AnswerOf<typeof routes.listVerdicts>;
export type SchemeList = { readonly schemes: readonly ReturnType<typeof summarised>[] };
export type WholeScheme = { readonly schemes: readonly [SchemeRevision] };
export type PeriodList = AnswerOf<typeof routes.listPeriods>;
export type ReviewList = AnswerOf<typeof routes.listReviews>;
export type StartedRuns = AnswerOf<typeof routes.train>;
export type ItemStories = AnswerOf<typeof routes.auditItem>;

/** Readings of a whole period's objects, or of all of them, that may go on at once. */
const readingsAtOnce = 2;
const mostSchemeBytes = 16 << 20;

/** What each list's pages are cut by. */
const cursors = {
  models: cursorsOf("classify.models", "text", "whole", "text"),
  verdicts: cursorsOf("classify.verdicts", "whole", "text"),
  codings: cursorsOf("classify.codings", "whole", "text"),
  reviews: cursorsOf("classify.reviews", "text", "number", "text"),
  rejected: cursorsOf("classify.rejected", "text", "text", "whole"),
};

/** Mounts the module's routes and pages. Throws nothing; the routes throw `StockroomError`s, which the server answers. */
export async function mountRoutes(server: FastifyInstance, app: ModuleApp<ClassifyDeps>): Promise<void> {
  mountLists(server, app.deps);
  mountSchemes(server, app.deps);
  mountChampions(server, app.deps);
  mountReviews(server, app.deps);
  mountRuns(server, app);
  mountMappings(server, app);
  mountAudit(server, app.deps);
  await mountPages(server, app.deps);
}

const most = (limit: string | undefined): number => parseLimit(limit ?? String(listLimits.usual), listLimits.most);

function mountLists(server: FastifyInstance, deps: ClassifyDeps): void {
  const { database } = deps;
  serve(server, routes.listLines, async ({ query: { date } }) => ({
    lines: await listLines(database, date === undefined ? {} : { at: parseMoment(date) }),
  }));

  serve(server, routes.listModels, async ({ query: { line, limit, cursor } }) => {
    const [after, size] = [cursors.models.read(cursor), most(limit)];
    const of = line === undefined ? undefined : (await getLine(database, line)).line;
    const { rows, ...more } = cursors.models.page(await placeModels(database, of, { after, limit: size + 1 }), size);
    const champions = new Set((await listLines(database)).map((row) => row.champion));
    const models = rows.map((model) => ({ ...model, champion: champions.has(model.id) }));
    return { models, total: await countModels(database, of), ...more };
  });

  serve(server, routes.listVerdicts, async ({ query: { line, date, limit, cursor } }) => {
    const [after, size] = [cursors.verdicts.read(cursor), most(limit)];
    const until = date === undefined ? undefined : parseMoment(date);
    const of = line === undefined ? undefined : (await getLine(database, line)).line;
    const found = await placeVerdicts(database, of, { after, limit: size + 1, ...(until === undefined ? {} : { until }) });
    const { rows, ...more } = cursors.verdicts.page(found, size);
    return { verdicts: rows, total: await countVerdicts(database, of, until), ...more };
  });

  serve(server, routes.listCodings, async ({ query: { line, limit, cursor } }) => {
    const [after, size] = [cursors.codings.read(cursor), most(limit)];
    const of = line === undefined ? undefined : (await getLine(database, line)).line;
    const { rows, ...more } = cursors.codings.page(await placeCodings(database, of, { after, limit: size + 1 }), size);
    return { codings: rows.map(shownCoding), total: await countCodings(database, of), ...more };
  });

  serve(server, routes.listPeriods, async () => {
    const reported = Map.groupBy(await listReported(database), (row) => row.period);
    const periods = await listPeriods(database);
    return {
      periods: periods.map((period) => ({ ...period, reported: (reported.get(period.period) ?? []).map((row) => row.country) })),
    };
  });

  serve(server, routes.getReport, async ({ query }) => await readReport(deps, query));

  serve(server, routes.restate, async ({ body }) => {
    await restate(deps, `http POST ${routes.restate.path}`, body);
    return await readReport(deps, body);
  });
}

/** Without what the reports hold: figures, and where the predictions lie. */
function shownCoding({
  figures: _figures,
  predictions: _predictions,
  shared: _shared,
  schemeRevision: _revision,
  drift,
  ...row
}: InferenceRow & { readonly counts: boolean }): AnswerOf<typeof routes.listCodings>["codings"][number] {
  const { level, psi, summary, features } = drift as AnswerOf<typeof routes.listCodings>["codings"][number]["drift"];
  return { ...row, drift: { level, psi, summary, features } };
}

function mountMappings(server: FastifyInstance, { deps, workflows }: ModuleApp<ClassifyDeps>): void {
  serve(server, routes.listMappings, async ({ query: { file } }) => ({
    mappings: (await listKept(deps.database, file)).map(({ row, intake }) => shownMapping(row, intake)),
  }));

  serve(server, routes.setMapping, async ({ body: { file, intake } }) => {
    const block = readFields("body", catalogueBlockSchema, intake);
    if (Object.keys(block).length === 0) {
      throw new StockroomError(
        "input",
        "BODY_BAD",
        'Expected intake to say how the file is read, such as { "map": { "Type": "label" } }, but it is empty. Give one word at least.',
      );
    }
    const { place, key, goesOn } = await answerFor(deps, workflows, file, block);
    return { sender: place.sender, prefix: place.prefix, key, goesOn };
  });

  serve(server, routes.forgetMappings, async ({ query: { file, sender } }) => await forgetFor(deps, workflows, file, sender));
}

function mountSchemes(server: FastifyInstance, deps: ClassifyDeps): void {
  serve(server, routes.listSchemes, async ({ query: { scheme: wanted } }): Promise<SchemeList | WholeScheme> => {
    const schemes = await listSchemes(deps.database);
    if (wanted === undefined) return { schemes: schemes.map(summarised) };
    const found = schemes.find((revision) => revision.scheme.scheme === wanted);
    if (found !== undefined) return { schemes: [found] };
    throw new StockroomError(
      "missing",
      "SCHEME_MISSING",
      `Expected the scheme ${wanted} to be imported but it is not. Import it: stockroom classify schemes import FILE`,
    );
  });

  serve(
    server,
    routes.importSchemes,
    async ({ body: { files } }) => {
      const read = files.map(({ name, content }) => ({ name, bytes: Buffer.from(content, "utf8") }));
      const { schemes, warnings } = await importSchemes(deps, read, `http ${files.map((file) => file.name).join(", ")}`);
      return { schemes: schemes.map(({ scheme, revision, isNew }) => ({ scheme, revision, changed: isNew })), warnings };
    },
    { bodyLimit: mostSchemeBytes },
  );

  serve(server, routes.recode, async ({ body: { period, scheme, to }, reply }) => ({
    recoded: await recodePeriod(deps, `http POST ${routes.recode.path}`, { period: parsePeriod(period), scheme, to }, whileCalling(reply)),
  }));
}

const summarised = ({ scheme, revision, source, importedAt }: SchemeRevision) => ({
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
  serve(server, routes.listChampions, async ({ query: { line: asked } }) => {
    const line = asked === undefined ? undefined : parseLine(asked).line;
    return {
      champions: await listChampions(database, line),
      held: await listHeld(database, line),
      automatic: await listAutomatic(database, line),
    };
  });
  serve(server, routes.setChampion, async ({ body: { line, model, ...said } }) => await setChampion(deps, line, model, said));
  serve(server, routes.ruleOnHeld, async ({ body: { held, ruling, ...said } }) => await ruleOnHeld(deps, held, ruling, said));
  serve(server, routes.setAutomatic, async ({ body: { line, automatic, ...said } }) => await setAutomatic(deps, line, automatic, said));
}

function mountReviews(server: FastifyInstance, deps: ClassifyDeps): void {
  const { database } = deps;
  serve(server, routes.listReviews, async ({ query: { cursor, ...typed } }) => {
    const query = parseReviewQuery(typed, reviewLimits);
    const after = cursors.reviews.read(cursor);
    const found = await placeReviews(database, { ...query, limit: query.limit + 1, after });
    const { rows: asked, ...more } = cursors.reviews.page(found, query.limit);
    const rows = await readWords(deps, `http GET ${routes.listReviews.path}`, asked);
    const bounds = await listBounds(database, [...new Set(rows.map((row) => row.inference))]);
    return { reviews: rows, counts: await countReviews(database), texts: deps.settings.columns.text, bounds, ...more };
  });
  serve(server, routes.reviewCounts, async () => ({ counts: await countReviews(database) }));
  serve(server, routes.reviewRates, async () => ({
    rates: (await auditRates(database)).map((row) => ({
      ...row,
      rate: row.answered === 0 ? null : row.wrong / row.answered,
      ...wilson(row.wrong, row.answered),
    })),
  }));

  serve(server, routes.listRejected, async ({ query: { period, country, limit, cursor } }) => {
    const [after, size] = [cursors.rejected.read(cursor), most(limit)];
    const asked = { period, country, after, limit: size + 1 };
    const { rows, total } = await placeRejected(deps, `http GET ${routes.listRejected.path}`, asked);
    return { total, ...cursors.rejected.page(rows, size) };
  });

  serve(server, routes.answerReview, async ({ params, body }) => await answerReview(deps, params.id, body.code.trim(), body.by.trim()));
  serve(
    server,
    routes.amendReview,
    async ({ params, body: { code, by, reason } }) =>
      await amendReview(deps, params.id, { code: code.trim(), reviewer: by.trim(), reason: reason.trim() }),
  );
}

function mountRuns(server: FastifyInstance, { deps, workflows }: ModuleApp<ClassifyDeps>): void {
  const start = async (planned: readonly NewRun[]): Promise<StartedRuns> => {
    const runs: string[] = [];
    for (const { workflow, input, id } of planned) runs.push(await workflows.start(workflow, input, { id }));
    return { runs };
  };
  serve(server, routes.train, async ({ body }) => await start(await newTrainRuns(deps, body)));
  serve(server, routes.compare, async ({ body }) => await start(await newCompareRuns(deps, body)));
  serve(server, routes.infer, async ({ body }) => await start(await newInferRuns(deps, body)));
  serve(server, routes.extract, async ({ body }) => await start(newExtractRuns(deps, body)));
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
    const gone = whileCalling(reply);
    readings += 1;
    try {
      return await read(gone);
    } catch (error) {
      throw gone.aborted ? gone.reason : error;
    } finally {
      readings -= 1;
    }
  };

  serve(server, routes.verifyAudit, async ({ query: { anchor }, reply }) => {
    const anchors = anchor === undefined ? [] : [parseAnchor(anchor)];
    const proof = await reading(
      reply,
      async (signal) => await verifyAuditLog(deps, `http GET ${routes.verifyAudit.path}`, signal, anchors),
    );
    checkProof(proof);
    return proof;
  });

  serve(server, routes.auditItem, async ({ query: { id, period }, reply }) => {
    const wanted = parsePeriod(period);
    return {
      stories: await reading(reply, async (signal) => await findAudit(deps, `http GET ${routes.auditItem.path}`, id, wanted, signal)),
    };
  });

  serve(server, routes.auditHead, async () => {
    const head = await findHead(deps.database);
    return { head: head === undefined ? "0:none" : `${head.seq}:${head.hash}` };
  });

  serve(server, routes.adoptAudit, async ({ body: { by, reason }, reply }) => ({
    adopted: await reading(reply, async (signal) => await adoptRows(deps, by, reason, signal)),
  }));

  serve(server, routes.exportAudit, async ({ reply }) => {
    const lines = async function* (): AsyncGenerator<string> {
      for await (const record of exportAudit(deps.database)) yield `${JSON.stringify(record)}\n`;
    };
    return await reply.type("application/x-ndjson").send(Readable.from(lines(), { objectMode: false }));
  });
}
