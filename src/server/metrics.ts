// Metrics: the app in numbers, for Prometheus.
//
// Owns: the registry, numbers of HTTP, the page. Does not own: what the database knows (gauges.ts), what a module's front counts.
//   M2. Labels come from fixed sets (routes, states, zones, roles), never from keys or items.

import type { FastifyInstance } from "fastify";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { GaugeQuery } from "../platform/module.ts";
import { serve } from "../platform/web/route.ts";
import { getMetrics } from "./contract.ts";
import { makeGauges } from "./gauges.ts";
import type { Traffic } from "./objects.ts";
import type { ServerDeps } from "./deps.ts";

export interface Metrics {
  /** The one registry; whoever has numbers adds them here. */
  readonly registry: Registry;
  readonly traffic: Traffic;
  mount(server: FastifyInstance): void;
}

export function makeMetrics({ database, log }: ServerDeps, version: string, queries: readonly GaugeQuery[]): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({ name: "stockroom_info", help: "1, with the version as label", labelNames: ["version"], registers: [registry] }).set(
    { version },
    1,
  );
  const requests = new Histogram({
    name: "stockroom_http_request_seconds",
    help: "Time to answer, by route",
    labelNames: ["method", "route", "status"],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600],
    registers: [registry],
  });
  const bytes = new Counter({
    name: "stockroom_object_bytes_total",
    help: "Plain bytes of objects moved over HTTP",
    labelNames: ["direction"],
    registers: [registry],
  });
  const gauges = makeGauges(registry, database, log, queries);

  return {
    registry,
    traffic: {
      received: (count) => bytes.inc({ direction: "in" }, count),
      sent: (count) => bytes.inc({ direction: "out" }, count),
    },
    mount: (server) => {
      server.addHook("onResponse", async (request, reply) => {
        const route = request.routeOptions.url ?? "none";
        requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
      });
      serve(server, getMetrics, async ({ reply }) => {
        await gauges();
        return await reply.type(registry.contentType).send(await registry.metrics());
      });
    },
  };
}
