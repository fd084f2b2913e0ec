// Pages: the module for people without the console. Only the exported dashboard has a script, its own; the others work without any.
//
//   P1. What goes wrong in a page is told as a page with the error's words and code; who may not enter at all is answered by the server.
//   P2. Names that begin with a hyphen are no group's, so a group is never in the way of a page: /forecast/-/imports.

import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { servePage, whileCalling } from "../../../platform/web/route.ts";
import { makeShown } from "../../../platform/web/shown.ts";
import type { ForecastDeps } from "../../workflows/deps.ts";
import { listAdjustments } from "../../store/adjustments.ts";
import { listAnswers } from "../../store/answers.ts";
import { findLatest, listGroups, listRuns } from "../../store/runs.ts";
import { listImports } from "../../store/sap.ts";
import { line as text, readFields } from "../fields.ts";
import { findExport, findShown, operatorOverHttp, parseDrill, readExports, readImport, type Driller } from "../reading.ts";
import { dashboardHeaders, withLinks } from "./dashboard.ts";
import { figuresPage } from "./figures.ts";
import { groupPath, page } from "./frame.ts";
import { adjustmentsPage, importPage, importsPage, overviewPage, scenariosPage } from "./overview.ts";

const nothing = z.strictObject({});
const runQuery = z.strictObject({ run: text(500).optional() });
const importQuery = z.strictObject({ answers: z.enum(["failed", "all"]).default("failed") });
const ofOneGroup = z.strictObject({ group: text(500).optional() });
const ofGroup = z.strictObject({ group: text(500) });
const ofImport = z.strictObject({ id: text(500) });

const shownRuns = 50;
const shownAdjustments = 500;
const shownScenarios = 200;
const shownImports = { overview: 5, page: 100 };
const shownAnswers = 500;
/** A dashboard is bounded by its making (report/contract.ts). */
const maxDashboardBytes = 32 << 20;

/** Mounts /forecast and what lies below it. */
export async function mountPages(
  server: FastifyInstance,
  deps: Pick<ForecastDeps, "database" | "objects">,
  driller: Driller,
): Promise<void> {
  const { database, objects } = deps;

  servePage(
    server,
    { method: "GET", path: "/forecast", needs: "viewer" },
    shown("/forecast", async (request) => {
      readFields("query", nothing, request.query);
      const [groups, imports] = await Promise.all([listGroups(database), listImports(database, shownImports.overview)]);
      const rows = await Promise.all(groups.map(async (group) => ({ ...group, latest: await findLatest(database, group.name) })));
      return { title: "Forecasts", body: overviewPage(rows, imports) };
    }),
  );

  servePage(
    server,
    { method: "GET", path: "/forecast/:group", needs: "viewer" },
    shown("", async (request, reply) => {
      const { run: asked } = readFields("query", runQuery, request.query);
      const run = await findShown(deps, readFields("path", ofGroup, request.params).group, asked);
      const entry = await findExport(deps, run, "dashboard.html");
      const [bytes, runs, exports] = await Promise.all([
        objects.read(operatorOverHttp(groupPath(run.group)), entry.key, { version: entry.version, maxBytes: maxDashboardBytes }),
        listRuns(database, { group: run.group, limit: shownRuns }),
        readExports(deps, run),
      ]);
      const markup = Buffer.from(bytes).toString("utf8");
      const done = runs.filter((one) => one.state === "done").toSorted((a, b) => ((a.endedAt ?? "") > (b.endedAt ?? "") ? -1 : 1));
      reply.headers(dashboardHeaders(markup));
      return { whole: withLinks(markup, { run, runs: done, exports }) };
    }),
  );

  servePage(
    server,
    { method: "GET", path: "/forecast/:group/figures", needs: "viewer" },
    shown("", async (request, reply) => {
      const { by, where } = parseDrill(request.query);
      const asked = where.find(([name]) => name === "run")?.[1];
      const run = await findShown(deps, readFields("path", ofGroup, request.params).group, asked);
      const held = where.filter(([name]) => name !== "run");
      const drill = await driller.read(run, { by, where: held }, `${groupPath(run.group)}/figures`, whileCalling(reply));
      return { title: `Figures of ${run.group}`, body: figuresPage(run, asked, drill) };
    }),
  );

  servePage(
    server,
    { method: "GET", path: "/forecast/-/adjustments", needs: "viewer" },
    shown("/forecast/-/adjustments", async (request) => {
      const { group } = readFields("query", ofOneGroup, request.query);
      const adjustments = await listAdjustments(database, { limit: shownAdjustments, ...(group === undefined ? {} : { group }) });
      return { title: group === undefined ? "Adjustments" : `Adjustments of ${group}`, body: adjustmentsPage(adjustments) };
    }),
  );

  servePage(
    server,
    { method: "GET", path: "/forecast/-/scenarios", needs: "viewer" },
    shown("/forecast/-/scenarios", async (request) => {
      const { group } = readFields("query", ofOneGroup, request.query);
      const scenarios = await listAnswers(database, { limit: shownScenarios, ...(group === undefined ? {} : { group }) });
      return { title: group === undefined ? "What was asked" : `What was asked of ${group}`, body: scenariosPage(scenarios) };
    }),
  );

  servePage(
    server,
    { method: "GET", path: "/forecast/-/imports", needs: "viewer" },
    shown("/forecast/-/imports", async (request) => {
      readFields("query", nothing, request.query);
      return { title: "Imports into SAP", body: importsPage(await listImports(database, shownImports.page)) };
    }),
  );

  servePage(
    server,
    { method: "GET", path: "/forecast/-/imports/:id", needs: "viewer" },
    shown("", async (request) => {
      const { answers } = readFields("query", importQuery, request.query);
      const { id } = readFields("path", ofImport, request.params);
      const all = answers === "all";
      const detail = await readImport(deps, id, { all, limit: shownAnswers, purpose: "http GET /forecast/-/imports" });
      return { title: `Import of ${detail.import.group} into ${detail.import.target}`, body: importPage(detail, all) };
    }),
  );
}

const shown = makeShown({ page, failed: "Not shown", onward: { path: "/forecast", name: "To the forecasts" } });
