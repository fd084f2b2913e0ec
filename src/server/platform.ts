// Platform routes: runs, dead letters, events, notices, schedules as JSON.

import type { FastifyInstance } from "fastify";
import { badCursor, pageOf, readCursor } from "../platform/web/paging.ts";
import { serve } from "../platform/web/route.ts";
import * as routes from "./contract.ts";
import type { ServerDeps } from "./deps.ts";

export function mountPlatform(server: FastifyInstance, deps: ServerDeps): void {
  mountRuns(server, deps);
  mountDead(server, deps);
  mountTold(server, deps);
}

/** Of lists whose rows have numbers. */
function readNumber(cursor: string | undefined): number | undefined {
  const id = readCursor(cursor);
  if (id !== undefined && !/^\d{1,15}$/.test(id)) throw badCursor();
  return id === undefined ? undefined : Number(id);
}

function mountRuns(server: FastifyInstance, { workflows }: ServerDeps): void {
  serve(server, routes.listRuns, async ({ query: { cursor, limit, ...query } }) => {
    const after = readCursor(cursor);
    const { rows: runs, ...more } = pageOf(await workflows.list({ ...query, after, limit: limit + 1 }), limit, ({ id }) => id);
    if (after !== undefined && runs.length === 0) {
      await workflows.show(after).catch(() => {
        throw badCursor();
      });
    }
    return { runs, ...more };
  });
  serve(server, routes.getRun, async ({ params }) => await workflows.show(params.id));
  serve(server, routes.cancelRun, async ({ params }) => {
    await workflows.cancel(params.id);
    return { id: params.id };
  });
  serve(server, routes.retryRun, async ({ params }) => {
    await workflows.retry(params.id);
    return { id: params.id };
  });
}

function mountDead(server: FastifyInstance, { workflows }: ServerDeps): void {
  serve(server, routes.listDead, async ({ query: { cursor, limit, state } }) => {
    const after = readNumber(cursor)?.toString();
    const { rows: letters, ...more } = pageOf(await workflows.deadLetters({ state, after, limit: limit + 1 }), limit, ({ id }) => id);
    return { letters, ...more };
  });
  serve(server, routes.getDead, async ({ params }) => await workflows.deadLetter(params.id));
  serve(server, routes.redriveDead, async ({ params }) => ({ run: await workflows.redrive(params.id) }));
  serve(server, routes.dropDead, async ({ params }) => {
    await workflows.drop(params.id);
    return { id: params.id };
  });
}

/** What was told to subscribers and people, and what the clock starts. */
function mountTold(server: FastifyInstance, { events, notices, workflows }: ServerDeps): void {
  serve(server, routes.listEvents, async ({ query: { cursor, limit, ...query } }) => {
    const found = await events.list({ ...query, after: readNumber(cursor), limit: limit + 1 });
    const { rows, ...more } = pageOf(found, limit, ({ id }) => String(id));
    return { events: rows, ...more };
  });
  serve(server, routes.listNotices, async ({ query: { cursor, limit, topic } }) => {
    const after = readCursor(cursor);
    const { rows, ...more } = pageOf(await notices.list({ topic, after, limit: limit + 1 }), limit, ({ id }) => id);
    return { notices: rows, ...more };
  });
  serve(server, routes.listSchedules, async () => ({ schedules: await workflows.schedules() }));
}
