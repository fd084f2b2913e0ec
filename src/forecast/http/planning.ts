// Planning: what planners and operators ask for over HTTP, by the same core as the commands. A run is started, never waited for.

import type { FastifyInstance } from "fastify";
import { shownMapping } from "../../platform/mappings/fields.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { ModuleApp } from "../../platform/module.ts";
import { cursorsOf } from "../../platform/web/paging.ts";
import { serve, whileCalling } from "../../platform/web/route.ts";
import { parseDefaults, refuseDefaults, type BadDefaults, type ForecastDefaults } from "../workflows/defaults/parse.ts";
import { sampleDefaults, usualSample } from "../workflows/defaults/sample.ts";
import { shortGroup } from "../workflows/defaults/short.ts";
import type { ForecastDeps } from "../workflows/deps.ts";
import { intakeSchema } from "../workflows/intake/said.ts";
import { answerFor, forgetFor, listKept, noMapping } from "../workflows/pipeline/kept.ts";
import { removeGroup } from "../workflows/pipeline/remove.ts";
import { sayAdjustment, takeBack } from "../workflows/planning/adjustments.ts";
import { compareAnswers } from "../workflows/planning/compare.ts";
import { askExplain } from "../workflows/planning/explain.ts";
import { previewAdjustments } from "../workflows/planning/preview.ts";
import { askReplenish } from "../workflows/planning/replenish.ts";
import { readStandingOut } from "../workflows/planning/standing-out.ts";
import { checkGroup } from "../workflows/planning/stored.ts";
import { readValueAdded } from "../workflows/planning/value.ts";
import { askWhatif, readChanges } from "../workflows/planning/whatif.ts";
import { askExtract, askImport, askResume, findExported, settleImport, type AskedRun } from "../workflows/sap/asks.ts";
import { placeAnswers } from "../store/answers.ts";
import { defaultsKey, prefixes } from "../store/keys.ts";
import * as routes from "./contract.ts";
import { readFields } from "./fields.ts";
import { operatorOverHttp } from "./reading.ts";

type App = ModuleApp<ForecastDeps>;

/** Mounts the routes by which something is said, asked or changed. */
export function mountPlanning(server: FastifyInstance, app: App): void {
  mountAdjustments(server, app);
  mountQuestions(server, app);
  mountJudgements(server, app);
  mountSap(server, app);
  mountDefaults(server, app);
  mountMappings(server, app);
}

const purposeOf = ({ method, path }: { readonly method: string; readonly path: string }): string => `http ${method} ${path}`;

const starter =
  ({ workflows }: App) =>
  async ({ workflow, input, id }: AskedRun): Promise<string> =>
    await workflows.start(workflow, input, { id });

function mountAdjustments(server: FastifyInstance, { deps, workflows }: App): void {
  serve(server, routes.adjust, async ({ body: { again, ...asked } }) => {
    const kept = await sayAdjustment(
      deps,
      workflows,
      { ...asked, to: asked.to ?? asked.from },
      { purpose: purposeOf(routes.adjust), again },
    );
    return { adjustment: kept.row, series: kept.series, run: kept.runId };
  });
  serve(
    server,
    routes.previewAdjustments,
    async ({ body: { words, ...asked }, reply }) =>
      await previewAdjustments(
        deps,
        { ...asked, words: words.map((word) => ({ ...word, to: word.to ?? word.from })) },
        purposeOf(routes.previewAdjustments),
        whileCalling(reply),
      ),
  );
  serve(server, routes.withdrawAdjustment, async ({ params, body }) => {
    const { row, runId } = await takeBack(deps, workflows, params.id, body.author);
    return { adjustment: row, run: runId };
  });
  serve(
    server,
    routes.removeGroup,
    async ({ params }) => await removeGroup(deps, workflows, params.id, "http DELETE /api/forecast/groups"),
  );
}

function mountQuestions(server: FastifyInstance, app: App): void {
  const { deps } = app;
  const start = starter(app);
  serve(server, routes.askWhatif, async ({ body: { forecast, author, set, changes: json } }) => {
    const changes = readChanges(set, json === undefined ? undefined : JSON.stringify(json));
    const said = [set, json === undefined ? undefined : `${json.length} changes`].filter((part) => part !== undefined).join("; ");
    const { answer, ...question } = await askWhatif(deps, forecast, { changes, said, author });
    return { scenario: answer, run: await start({ workflow: "forecast.whatif", ...question }) };
  });
  serve(server, routes.askExplain, async ({ body: { forecast, author, item } }) => {
    const { answer, ...question } = await askExplain(deps, forecast, item ?? null, author);
    return { scenario: answer, run: await start({ workflow: "forecast.explain", ...question }) };
  });
  serve(server, routes.askReplenish, async ({ body: { forecast, author, ...defaults } }) => {
    const { answer, ...question } = await askReplenish(deps, forecast, defaults, author);
    return { scenario: answer, run: await start({ workflow: "forecast.replenish", ...question }) };
  });
  serve(server, routes.compareScenarios, async ({ query }) => {
    const ids = query.ids.split(",").map((id) => id.trim());
    const { answers, value, rows } = await compareAnswers(deps, purposeOf(routes.compareScenarios), ids);
    return { value, scenarios: answers, rows: rows.map(({ name, values }) => ({ name, values: values.map((each) => each ?? null) })) };
  });
}

const judgements = cursorsOf("forecast.monitor", "whole", "text");

function mountJudgements(server: FastifyInstance, { deps }: App): void {
  serve(server, routes.getMonitor, async ({ query: { group, limit, cursor }, reply }) => {
    await checkGroup(deps.database, group);
    const after = judgements.read(cursor);
    const found = await placeAnswers(deps.database, { kinds: ["monitor"], group, after, limit: limit + 1 });
    const { rows: imports, ...more } = judgements.page(found, limit);
    const newest = after === undefined ? imports[0] : undefined;
    const items =
      newest === undefined ? [] : await readStandingOut(deps, operatorOverHttp(routes.getMonitor.path), newest, whileCalling(reply));
    return { imports, items, ...more };
  });
  serve(server, routes.getValueAdded, async ({ query: { group } }) => {
    await checkGroup(deps.database, group);
    const { judged, adjusted } = await readValueAdded(deps, purposeOf(routes.getValueAdded), group);
    const imports = judged.map(({ id, group: of, run, title, summary }) => ({
      id,
      group: of,
      forecast: run,
      period: title,
      value: summary.value,
    }));
    return { imports, adjusted };
  });
}

function mountSap(server: FastifyInstance, app: App): void {
  const { deps, workflows } = app;
  const start = starter(app);
  serve(server, routes.extractFromSap, async ({ body }) => ({ run: await start(askExtract(deps, body)) }));
  serve(server, routes.exportToSap, async ({ body: { forecast, to } }) => {
    const { import: id, ...run } = askImport(deps, to, await findExported(deps, forecast));
    return { import: id, run: await start(run) };
  });
  serve(server, routes.resumeImport, async ({ params }) => {
    const { import: id, ...run } = await askResume(deps, params.id);
    return { import: id, run: await start(run) };
  });
  serve(server, routes.settleImport, async ({ params, body: { batch, as } }) => {
    const purpose = purposeOf(routes.settleImport);
    return { import: params.id, batch, as, goesOn: await settleImport(deps, workflows, { importId: params.id, batch, as, purpose }) };
  });
}

function mountDefaults(server: FastifyInstance, { deps }: App): void {
  const stored = async (route: string): Promise<string> =>
    Buffer.from(await deps.objects.read(operatorOverHttp(route), defaultsKey)).toString("utf8");
  serve(server, routes.getDefaults, async () => ({ content: await stored(routes.getDefaults.path) }));
  serve(server, routes.sampleDefaults, () => ({ content: sampleDefaults(usualSample) }));
  serve(server, routes.checkDefaults, async ({ body }) =>
    checkOf(parseDefaults(body.content ?? (await stored(routes.checkDefaults.path)), defaultsKey)),
  );
  serve(server, routes.putDefaults, async ({ body: { content } }) => {
    const parsed = parseDefaults(content, defaultsKey);
    if (parsed.kind === "bad") refuseDefaults(parsed, defaultsKey);
    const actor = { role: "operator", purpose: purposeOf(routes.putDefaults) };
    const { version } = await deps.objects.put(actor, defaultsKey, Buffer.from(content, "utf8"), { contentType: "application/yaml" });
    return { ...checkOf(parsed), version };
  });
}

function mountMappings(server: FastifyInstance, { deps, workflows }: App): void {
  serve(server, routes.listMappings, async ({ query }) => ({
    mappings: (await listKept(deps.database, query.group)).map(({ group, kind, row, intake }) => ({
      group,
      kind,
      ...shownMapping(row, intake),
    })),
  }));
  serve(server, routes.setMapping, async ({ body: { group, kind, intake } }) => {
    const block = readFields("body", intakeSchema, intake);
    if (Object.keys(block).length === 0) {
      throw new StockroomError(
        "input",
        "BODY_BAD",
        'Expected intake to say how the file is read, such as { "map": { "Menge": "demand" } }, but it is empty. Give one word at least.',
      );
    }
    const { place, goesOn } = await answerFor(deps, workflows, { group, kind, block, prefix: prefixes.train });
    return { group, kind, sender: place.sender, goesOn };
  });
  serve(server, routes.forgetMappings, async ({ query: { group, kind, sender } }) => {
    const { forgotten, goesOn } = await forgetFor(deps, workflows, { group, kind, sender });
    if (forgotten === 0) throw noMapping(group);
    return { group, forgotten, goesOn };
  });
}

const checkOf = (parsed: ForecastDefaults | BadDefaults) =>
  parsed.kind === "bad"
    ? { file: defaultsKey, good: false, problems: parsed.problems, remarks: [], groups: [] }
    : {
        file: defaultsKey,
        good: true,
        problems: [],
        remarks: parsed.notes,
        groups: ["Default", ...parsed.names].map((name) => shortGroup(parsed.group(name))),
      };
