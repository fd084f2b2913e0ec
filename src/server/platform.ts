// Platform routes: runs, dead letters, events, notices, schedules as JSON.

import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { RunState } from "../platform/workflow/contract.ts";
import type { DeadLetterList, EventList, NoticeList, RunDetail, RunList, ScheduleList } from "./api.ts";
import { limitOf, readFields } from "./fields.ts";
import type { ServerDeps } from "./deps.ts";

/** Every state a run can be in, in the order of a run's life. */
export const runStates = ["queued", "running", "retrying", "done", "failed", "cancelled", "dead"] as const satisfies readonly RunState[];

/** Every state of a dead letter. */
export const letterStates = ["waiting", "redriven", "dropped"] as const;

const runsQuery = z.strictObject({ state: z.enum(runStates).optional(), workflow: z.string().optional(), limit: limitOf(100, 1_000) });
const deadQuery = z.strictObject({ state: z.enum(letterStates).optional(), limit: limitOf(100, 1_000) });
const eventsQuery = z.strictObject({ kind: z.string().optional(), prefix: z.string().optional(), limit: limitOf(100, 1_000) });
const noticesQuery = z.strictObject({ topic: z.string().optional(), limit: limitOf(100, 1_000) });

type ById = { Params: { id: string } };

export function mountPlatform(server: FastifyInstance, { workflows, events, notices }: ServerDeps): void {
  server.get("/api/runs", async (request): Promise<RunList> => ({
    runs: await workflows.list(readFields("query", runsQuery, request.query)),
  }));
  server.get<ById>("/api/runs/:id", async (request): Promise<RunDetail> => await workflows.show(request.params.id));
  server.post<ById>("/api/runs/:id/cancel", async (request, reply) => {
    await workflows.cancel(request.params.id);
    return await reply.code(202).send({ id: request.params.id });
  });
  server.post<ById>("/api/runs/:id/retry", async (request, reply) => {
    await workflows.retry(request.params.id);
    return await reply.code(202).send({ id: request.params.id });
  });

  server.get("/api/dead", async (request): Promise<DeadLetterList> => ({
    letters: await workflows.deadLetters(readFields("query", deadQuery, request.query)),
  }));
  server.post<ById>("/api/dead/:id/redrive", async (request, reply) =>
    reply.code(202).send({ run: await workflows.redrive(request.params.id) }),
  );
  server.post<ById>("/api/dead/:id/drop", async (request, reply) => {
    await workflows.drop(request.params.id);
    return await reply.code(202).send({ id: request.params.id });
  });

  server.get("/api/events", async (request): Promise<EventList> => ({
    events: await events.list(readFields("query", eventsQuery, request.query)),
  }));
  server.get("/api/notices", async (request): Promise<NoticeList> => ({
    notices: await notices.list(readFields("query", noticesQuery, request.query)),
  }));
  server.get("/api/schedules", async (): Promise<ScheduleList> => ({ schedules: await workflows.schedules() }));
}
