// Metrics: the app in numbers, for Prometheus.
//
// Owns: names, help texts, the SQL that counts. Does not own: the tables counted; they belong to their parts and are only read.
//   M1. A scrape costs a few indexed queries and never fails the page: a number that cannot be had now is left out, and `stockroom_scrape_ok` says so.
//   M2. Labels come from fixed sets (routes, states, zones, roles), never from keys or items.

import type { FastifyInstance } from "fastify";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Log } from "../platform/log.ts";
import { serve } from "../platform/web/route.ts";
import { getMetrics } from "./contract.ts";
import type { Traffic } from "./objects.ts";
import type { ServerDeps } from "./deps.ts";

export interface Metrics {
  /** The one registry; whoever has numbers adds them here. */
  readonly registry: Registry;
  readonly traffic: Traffic;
  mount(server: FastifyInstance): void;
}

export function makeMetrics({ database, log }: ServerDeps, version: string): Metrics {
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
  const gauges = makeGauges(registry, database, log);

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

interface Counted {
  readonly name: string;
  readonly count: number;
}

interface UseCount {
  readonly role: string;
  readonly zone: string;
  readonly access: string;
  readonly allowed: string;
  readonly uses: number;
  readonly last: number;
}

/** Gives a function that brings the numbers of the database up to date. One at a time: two scrapes at once share one round. */
function makeGauges(registry: Registry, database: ServerDeps["database"], log: Log): () => Promise<void> {
  const registers = [registry];
  const ok = new Gauge({ name: "stockroom_scrape_ok", help: "1 if the database could be asked", registers });
  const runs = new Gauge({ name: "stockroom_runs", help: "Runs by state", labelNames: ["state"], registers });
  const dead = new Gauge({ name: "stockroom_dead_letters_waiting", help: "Dead letters that wait for a person", registers });
  const waiting = new Gauge({ name: "stockroom_outbox_waiting", help: "Events not relayed yet", registers });
  const lag = new Gauge({ name: "stockroom_outbox_lag_seconds", help: "Age of the oldest event not relayed yet", registers });
  const uses = new Counter({
    name: "stockroom_key_uses_total",
    help: "Uses of zone keys, refused ones included",
    labelNames: ["role", "zone", "access", "allowed"],
    registers,
  });
  let lastUse = 0;

  const ask = async (): Promise<void> => {
    const states = await database.query<Counted>(`select state as name, count(*)::int as count from stockroom.run group by state`);
    const [letters] = await database.query<Counted>(
      `select '' as name, count(*)::int as count from stockroom.dead_letter where state = 'waiting'`,
    );
    const [outbox] = await database.query<Counted & { age: number }>(
      `select '' as name, count(*)::int as count, coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::float8 as age
       from stockroom.outbox where relayed_at is null`,
    );
    // Only the new rows of a log that grows for ever. The log's ids follow its commits closely enough for a rate.
    const used = await database.query<UseCount>(
      `select role, zone, access, allowed::text as allowed, count(*)::int as uses, max(id)::float8 as last
       from stockroom.key_use where id > $1 group by role, zone, access, allowed`,
      [lastUse],
    );
    runs.reset();
    for (const { name, count } of states) runs.set({ state: name }, count);
    dead.set(letters?.count ?? 0);
    waiting.set(outbox?.count ?? 0);
    lag.set(outbox?.age ?? 0);
    for (const { role, zone, access, allowed, uses: count, last } of used) {
      uses.inc({ role, zone, access, allowed }, count);
      lastUse = Math.max(lastUse, last);
    }
  };

  let round: Promise<void> | undefined;
  return () => {
    round ??= ask()
      .then(
        () => ok.set(1),
        (error: unknown) => {
          ok.set(0);
          log.warn("metrics: the database could not be asked", { error });
        },
      )
      .finally(() => {
        round = undefined;
      });
    return round;
  };
}
