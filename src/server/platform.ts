// Platform routes: runs, dead letters, events, notices, schedules as JSON.

import type { FastifyInstance } from "fastify";
import { StockroomError } from "../platform/errors.ts";
import { giveUpSubscription } from "../platform/events/give-up.ts";
import { listDamage } from "../platform/maintenance/maintenance.ts";
import { callerOf } from "../platform/web/caller.ts";
import { cursorsOf } from "../platform/web/paging.ts";
import { serve, whileCalling } from "../platform/web/route.ts";
import { actOn, actOnMany } from "../platform/workflow/acts.ts";
import * as routes from "./contract.ts";
import type { ServerDeps } from "./deps.ts";

export function mountPlatform(server: FastifyInstance, deps: ServerDeps): void {
  mountRuns(server, deps);
  mountDead(server, deps);
  mountTold(server, deps);
  mountSchedules(server, deps);
}

/** What each list's pages are cut by. */
const cursors = {
  runs: cursorsOf("runs", "whole", "text"),
  logs: cursorsOf("logs", "whole"),
  dead: cursorsOf("dead", "whole"),
  events: cursorsOf("events", "whole"),
  notices: cursorsOf("notices", "whole", "text"),
};

function mountRuns(server: FastifyInstance, deps: ServerDeps): void {
  const { workflows } = deps;
  serve(server, routes.listRuns, async ({ query: { cursor, limit, ...query } }) => {
    const after = cursors.runs.read(cursor);
    const { rows: runs, ...more } = cursors.runs.page(await workflows.place({ ...query, after, limit: limit + 1 }), limit);
    return { runs, ...more };
  });
  serve(server, routes.countRuns, async ({ query: { since, by, ...query } }) => {
    const from = countedFrom(since, by, Date.now());
    return { since: from, counts: await workflows.count({ ...query, since: from, by }) };
  });
  serve(server, routes.getRun, async ({ params }) => await workflows.show(params.id));
  serve(server, routes.listRunLog, async ({ params, query: { cursor, after, limit, ...query } }) => {
    const from = cursors.logs.read(cursor)?.[0];
    const found = await workflows.logs(params.id, { ...query, after: from === undefined ? after : Number(from), limit: limit + 1 });
    const keyed = found.map((row) => ({ row, key: [String(row.id)] }));
    const { rows: lines, ...more } = cursors.logs.page(keyed, limit);
    return { lines, ...more };
  });
  serve(server, routes.listLogs, async ({ query }) => ({ lines: await workflows.allLogs(query) }));
  serve(server, routes.cancelRun, async ({ params: { id }, body, request }) => ({
    id: await actOn(deps, "cancel", id, { by: callerOf(request), reason: body.reason }),
  }));
  serve(server, routes.retryRun, async ({ params: { id }, body, request }) => ({
    id: await actOn(deps, "retry", id, { by: callerOf(request), reason: body.reason }),
  }));
  serve(server, routes.rerunRun, async ({ params: { id }, body, request }) => ({
    id: await actOn(deps, "rerun", id, { by: callerOf(request), reason: body.reason }),
  }));
  for (const [route, act] of [
    [routes.cancelRuns, "cancel"],
    [routes.retryRuns, "retry"],
  ] as const) {
    serve(server, route, async ({ body: { ids, reason, ...filter }, request, reply }) => {
      checkMeant(
        route.path,
        ids,
        Object.values(filter).find((value) => value !== undefined),
      );
      const meant = ids ?? (await workflows.list({ ...filter, limit: mostAtOnce })).map(({ id }) => id);
      return await actOnMany(deps, act, meant, { by: callerOf(request), reason }, whileCalling(reply));
    });
  }
}

const dayMs = 86_400_000;
/** How far back counts go at most, and how far unless told. */
const countedBack = { hour: { most: 31 * dayMs, usual: 2 * dayMs }, day: { most: 3_700 * dayMs, usual: 60 * dayMs } } as const;

/** From when on runs are counted: what was asked for, as far as it makes no more stretches than a page can show. */
function countedFrom(since: string | undefined, by: "hour" | "day", now: number): string {
  const { most, usual } = countedBack[by];
  return new Date(Math.max(since === undefined ? now - usual : Date.parse(since), now - most)).toISOString();
}

const mostAtOnce = 1_000;

/** By ids or by a filter, never by neither: an empty body must not mean everything. */
function checkMeant(path: string, ids: readonly string[] | undefined, filter: unknown): void {
  if ((ids === undefined) !== (filter === undefined)) return;
  throw new StockroomError(
    "input",
    "BODY_BAD",
    `Expected which ones are meant, either by ids or by a filter, but received ${ids === undefined ? "neither" : "both"} with POST ${path}. See docs/reference/http.md.`,
  );
}

function mountDead(server: FastifyInstance, deps: ServerDeps): void {
  const { workflows } = deps;
  serve(server, routes.listDead, async ({ query: { cursor, limit, state, run: runId } }) => {
    const after = cursors.dead.read(cursor)?.[0];
    const found = await workflows.deadLetters({ state, runId, after, limit: limit + 1 });
    const keyed = found.map((row) => ({ row, key: [row.id] }));
    const { rows: letters, ...more } = cursors.dead.page(keyed, limit);
    return { letters, ...more };
  });
  serve(server, routes.getDead, async ({ params }) => await workflows.deadLetter(params.id));
  serve(server, routes.redriveDead, async ({ params: { id }, body, request }) => ({
    run: await actOn(deps, "redrive", id, { by: callerOf(request), reason: body.reason }),
  }));
  serve(server, routes.dropDead, async ({ params: { id }, body, request }) => ({
    id: await actOn(deps, "drop", id, { by: callerOf(request), reason: body.reason }),
  }));
  for (const [route, act] of [
    [routes.redriveMany, "redrive"],
    [routes.dropMany, "drop"],
  ] as const) {
    serve(server, route, async ({ body: { ids, workflow, all, reason }, request, reply }) => {
      checkMeant(route.path, ids, workflow ?? all);
      const waiting = ids ?? (await workflows.deadLetters({ state: "waiting", workflow, limit: mostAtOnce })).map(({ id }) => id);
      return await actOnMany(deps, act, waiting, { by: callerOf(request), reason }, whileCalling(reply));
    });
  }
}

/** What was told to subscribers and people. */
function mountTold(server: FastifyInstance, { database, events, notices, workflows }: ServerDeps): void {
  serve(server, routes.listEvents, async ({ query: { cursor, limit, ...query } }) => {
    const after = cursors.events.read(cursor)?.[0];
    const found = await events.list({ ...query, after: after === undefined ? undefined : Number(after), limit: limit + 1 });
    const keyed = found.map((row) => ({ row, key: [String(row.id)] }));
    const { rows, ...more } = cursors.events.page(keyed, limit);
    return { events: rows, ...more };
  });
  serve(server, routes.listNotices, async ({ query: { cursor, limit, topic } }) => {
    const after = cursors.notices.read(cursor);
    const { rows, ...more } = cursors.notices.page(await notices.place({ topic, after, limit: limit + 1 }), limit);
    return { notices: rows, ...more };
  });
  serve(server, routes.resendNotice, async ({ params, body }) => ({
    deliveries: await notices.resend(workflows, params.id, body.channel),
  }));
  serve(server, routes.listSubscriptions, async () => ({ subscriptions: await events.subscriptions() }));
  serve(server, routes.forgetSubscription, async ({ params }) => await giveUpSubscription({ events, workflows }, params.name));
  serve(server, routes.listDamaged, async () => ({ damage: await listDamage(database) }));
}

function mountSchedules(server: FastifyInstance, { workflows }: ServerDeps): void {
  serve(server, routes.listSchedules, async () => ({ schedules: await workflows.schedules() }));
  serve(server, routes.pauseSchedule, async ({ params: { name }, body, request }) => {
    await workflows.pauseSchedule(name, { by: callerOf(request), reason: body.reason });
    return { name };
  });
  serve(server, routes.resumeSchedule, async ({ params: { name } }) => {
    await workflows.resumeSchedule(name);
    return { name };
  });
  serve(server, routes.runSchedule, async ({ params }) => ({ run: await workflows.runSchedule(params.name) }));
}
