// Routes: the module over HTTP. What the app has of forecasts, to be read; what planners and operators ask for stands in planning.ts, the pages
// for people in pages/.
//
// Owns: what /api/forecast answers. Does not own: what the routes take and need (contract.ts), the guard, the shape of errors (server), what is
// forecast and when (workflows).
//   R1. Every parameter is checked; an unknown one is refused.
//   R2. Exports are read in the role `operator`, and every reading stands in the log of key uses.
//   R3. Answers are bounded by their limit; exports stream.
//
// docs/reference/forecast-http.md lists the routes with examples.

import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ModuleApp } from "../../platform/module.ts";
import { cursorsOf, pageOfAll } from "../../platform/web/paging.ts";
import { serve, whileCalling, type AnswerOf } from "../../platform/web/route.ts";
import type { ForecastDeps } from "../workflows/deps.ts";
import { readCells, readCurve, readExceptions, type Look } from "../workflows/node/node.ts";
import { keyOfIds } from "../workflows/planning/finished.ts";
import { findFinished } from "../workflows/planning/stored.ts";
import { listAdjustments } from "../store/adjustments.ts";
import { getAnswer, placeAnswers } from "../store/answers.ts";
import { getRun, listGroups, placeRuns } from "../store/runs.ts";
import { readRefused, readUnsure } from "../workflows/sap/deliver.ts";
import { placeImports } from "../store/sap.ts";
import * as routes from "./contract.ts";
import { mountPages } from "./pages/routes.ts";
import { mountPlanning } from "./planning.ts";
import { findExport, makeDriller, operatorOverHttp, readExports, readImport, type Exporter } from "./reading.ts";

export type GroupList = AnswerOf<typeof routes.listGroups>;
export type ForecastRunList = AnswerOf<typeof routes.listForecasts>;
export type ForecastRunDetail = AnswerOf<typeof routes.getForecast>;
export type ImportList = AnswerOf<typeof routes.listImports>;
export type AdjustmentList = AnswerOf<typeof routes.listAdjustments>;
export type SaidAdjustment = AnswerOf<typeof routes.adjust>;
export type ScenarioList = AnswerOf<typeof routes.listScenarios>;
export type ScenarioDetail = AnswerOf<typeof routes.getScenario>;

const api = "/api/forecast";

/** Mounts the module's routes and pages. Throws nothing; the routes throw `StockroomError`s, which the server answers. */
export async function mountRoutes(server: FastifyInstance, app: ModuleApp<ForecastDeps>): Promise<void> {
  const { deps } = app;
  const driller = makeDriller(deps);
  mountForecasts(server, deps);
  serve(server, routes.getFigures, async ({ params, query: { by, ...held }, reply }) => {
    const run = await getRun(deps.database, params.id);
    return await driller.read(
      run,
      { by: by === "" ? undefined : by, where: Object.entries(held) },
      `${api}/runs/${run.id}/figures`,
      whileCalling(reply),
    );
  });
  mountNodes(server, deps);
  mountSaid(server, deps);
  mountImports(server, deps);
  mountPlanning(server, app);
  await mountPages(server, deps, driller);
}

/** What each list's pages are cut by. */
const cursors = {
  runs: cursorsOf("forecast.runs", "whole", "text"),
  cells: cursorsOf("forecast.cells", "text"),
  exceptions: cursorsOf("forecast.exceptions", "text"),
  adjustments: cursorsOf("forecast.adjustments", "whole"),
  scenarios: cursorsOf("forecast.scenarios", "whole", "text"),
  imports: cursorsOf("forecast.imports", "whole", "text"),
};

function mountForecasts(server: FastifyInstance, deps: ForecastDeps): void {
  const { database } = deps;
  serve(server, routes.listGroups, async () => ({ groups: await listGroups(database) }));

  serve(server, routes.listForecasts, async ({ query: { group, limit, cursor } }) => {
    const after = cursors.runs.read(cursor);
    const { rows, ...more } = cursors.runs.page(await placeRuns(database, { limit: limit + 1, group, after }), limit);
    return { runs: rows.map(({ settings: _settings, exports: _exports, ...run }) => run), ...more };
  });

  serve(server, routes.getForecast, async ({ params }) => {
    const { exports: _exports, ...run } = await getRun(database, params.id);
    return { run, exports: await readExports(deps, { ...run, exports: _exports }) };
  });

  serve(
    server,
    routes.getForecastExport,
    async ({ params, reply }) => await sendExport(deps, reply, await getRun(database, params.id), params["*"]),
  );

  serve(server, routes.getDashboard, async ({ params, reply }) => {
    const run = await getRun(database, params.id);
    const entry = await findExport(deps, run, "dashboard.json");
    const { body } = await deps.objects.get(operatorOverHttp(`${api}/runs/${run.id}/dashboard`), entry.key, { version: entry.version });
    return await reply.type("application/json; charset=utf-8").send(Readable.from(body, { objectMode: false }));
  });
}

/** The series of a forecast that have the levels asked for. */
function mountNodes(server: FastifyInstance, deps: ForecastDeps): void {
  const lookAt = async (id: string, held: Readonly<Record<string, string>>, part: string, reply: FastifyReply): Promise<Look> => ({
    actor: operatorOverHttp(`${api}/runs/${id}/${part}`),
    run: await findFinished(deps.database, (await getRun(deps.database, id)).id),
    where: Object.entries(held),
    signal: whileCalling(reply),
  });
  serve(
    server,
    routes.getCurve,
    async ({ params: { id }, query, reply }) => await readCurve(deps, await lookAt(id, query, "curve", reply)),
  );
  serve(server, routes.getCells, async ({ params: { id }, query: { find, limit, cursor, ...held }, reply }) => {
    const { rows, ...cells } = await readCells(deps, await lookAt(id, held, "cells", reply), find ?? "");
    return { ...cells, total: rows.length, ...pageOfAll(cursors.cells, rows, { limit, cursor }, ({ ids }) => keyOfIds(ids)) };
  });
  serve(server, routes.listExceptions, async ({ params: { id }, query: { kind, limit, cursor, ...held }, reply }) => {
    const { rows, ...found } = await readExceptions(deps, await lookAt(id, held, "exceptions", reply));
    const wanted = kind === undefined ? rows : rows.filter(({ kinds }) => kinds.includes(kind));
    return { ...found, ...pageOfAll(cursors.exceptions, wanted, { limit, cursor }, ({ ids }) => keyOfIds(ids)) };
  });
}

/** What planners said, and what was asked. */
function mountSaid(server: FastifyInstance, deps: ForecastDeps): void {
  const { database } = deps;
  serve(server, routes.listAdjustments, async ({ query: { group, standing, limit, cursor } }) => {
    const before = cursors.adjustments.read(cursor)?.[0];
    const found = await listAdjustments(database, { standing: standing === "yes", limit: limit + 1, group, before });
    // The last ones, in their order: the next page is the one before.
    const keyed = found.toReversed().map((row) => ({ row, key: [row.id] }));
    const { rows, ...more } = cursors.adjustments.page(keyed, limit);
    return { adjustments: rows.toReversed(), ...more };
  });

  serve(server, routes.listScenarios, async ({ query: { group, kind, run, limit, cursor } }) => {
    const after = cursors.scenarios.read(cursor);
    const wanted = { limit: limit + 1, group, run, after, ...(kind === undefined ? {} : { kinds: [kind] }) };
    const { rows: scenarios, ...more } = cursors.scenarios.page(await placeAnswers(database, wanted), limit);
    return { scenarios, ...more };
  });

  serve(server, routes.getScenario, async ({ params }) => {
    const scenario = await getAnswer(database, params.id);
    return { scenario, exports: await readExports(deps, scenario) };
  });

  serve(
    server,
    routes.getScenarioExport,
    async ({ params, reply }) => await sendExport(deps, reply, await getAnswer(database, params.id), params["*"]),
  );
}

function mountImports(server: FastifyInstance, deps: ForecastDeps): void {
  serve(server, routes.listImports, async ({ query: { limit, cursor, state } }) => {
    const after = cursors.imports.read(cursor);
    const { rows: imports, ...more } = cursors.imports.page(await placeImports(deps.database, limit + 1, after, state), limit);
    return { imports, ...more };
  });

  serve(server, routes.getImport, async ({ params: { id }, query: { answers, rows, limit } }) => {
    const purpose = `http GET ${api}/imports/${id}`;
    const found = await readImport(deps, id, { all: answers === "all", limit, purpose });
    if (rows === "no") return found;
    return { ...found, refusedRows: await readRefused(deps, purpose, id), unsureRows: await readUnsure(deps, purpose, id) };
  });
}

/** Streams an export as a download: never run as a page of ours. */
async function sendExport(deps: ForecastDeps, reply: FastifyReply, of: Exporter, name: string): Promise<FastifyReply> {
  const { key, version, bytes, contentType, sha256 } = await findExport(deps, of, name);
  const { body } = await deps.objects.get(operatorOverHttp(`${api} ${of.id} ${name}`), key, {
    version,
    signal: whileCalling(reply),
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
