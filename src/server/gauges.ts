// Gauges: numbers that the database knows, brought up to date at each scrape: those of the platform here, those of a module as it declares them.
//
//   M1. A scrape costs a few indexed queries and never fails the page: a number that cannot be had now is left out, and `stockroom_scrape_ok` says so.

import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Database } from "../platform/database/contract.ts";
import { isStockroomError } from "../platform/errors.ts";
import type { Log } from "../platform/log.ts";
import type { GaugeQuery } from "../platform/module.ts";

const platformGauges: readonly GaugeQuery[] = [
  {
    name: "stockroom_runs",
    help: "Runs by state",
    labels: ["state"],
    sql: "select state, count(*)::float8 as value from stockroom.run group by state",
  },
  {
    name: "stockroom_queue_waiting",
    help: "Runs that wait for a worker, by queue",
    labels: ["queue"],
    sql: "select queue, count(*)::float8 as value from stockroom.run where state = 'queued' group by queue",
  },
  {
    name: "stockroom_queue_age_seconds",
    help: "Age of the run that has waited longest for a worker, by queue: what to scale workers by",
    labels: ["queue"],
    // Since it was queued last: one that was redriven or handed back has not waited since it was made.
    sql: `select queue, extract(epoch from clock_timestamp() - min(updated_at))::float8 as value
            from stockroom.run where state = 'queued' group by queue`,
  },
  {
    name: "stockroom_dead_letters_waiting",
    help: "Dead letters that wait for a person",
    labels: [],
    sql: "select count(*)::float8 as value from stockroom.dead_letter where state = 'waiting'",
  },
  {
    name: "stockroom_outbox_waiting",
    help: "Events not relayed yet",
    labels: [],
    sql: "select count(*)::float8 as value from stockroom.outbox where relayed_at is null",
  },
  {
    name: "stockroom_outbox_lag_seconds",
    help: "Age of the oldest event not relayed yet",
    labels: [],
    sql: `select coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::float8 as value
            from stockroom.outbox where relayed_at is null`,
  },
];

interface UseCount {
  readonly role: string;
  readonly zone: string;
  readonly access: string;
  readonly allowed: string;
  readonly uses: number;
  readonly last: number;
}

interface EndedRun {
  readonly id: string;
  readonly workflow: string;
  readonly state: string;
  readonly seconds: number;
  readonly ended: string;
}

const mostEnded = 10_000;

/** What one query tells. */
interface Numbers {
  readonly name: string;
  readonly bring: () => Promise<void>;
  /** Nothing is shown rather than what was so at an earlier scrape. */
  readonly leaveOut: () => void;
}

function gaugeOf({ name, help, labels, sql }: GaugeQuery, database: Database, registers: Registry[]): Numbers {
  const gauge = new Gauge({ name, help, labelNames: [...labels], registers });
  const leaveOut = (): void => {
    gauge.reset();
    // Without labels the library would show zero.
    if (labels.length === 0) gauge.remove();
  };
  return {
    name,
    leaveOut,
    bring: async () => {
      const rows = await database.query<Record<string, unknown> & { value: number | null }>(sql);
      leaveOut();
      for (const row of rows) {
        if (row.value !== null) gauge.set(Object.fromEntries(labels.map((label) => [label, String(row[label])])), row.value);
      }
    },
  };
}

/** Gives a function that brings the numbers of the database up to date. One at a time: two scrapes at once share one round. */
export function makeGauges(registry: Registry, database: Database, log: Log, modules: readonly GaugeQuery[]): () => Promise<void> {
  const registers = [registry];
  const ok = new Gauge({ name: "stockroom_scrape_ok", help: "1 if the database told every number", registers });
  const gauges = [...platformGauges, ...modules].map((query) => gaugeOf(query, database, registers));
  const uses = new Counter({
    name: "stockroom_key_uses_total",
    help: "Uses of zone keys, refused ones included",
    labelNames: ["role", "zone", "access", "allowed"],
    registers,
  });
  const durations = new Histogram({
    name: "stockroom_run_seconds",
    help: "Time from a run's start to its end, waiting included, of runs that ended while this process has been open",
    labelNames: ["workflow", "state"],
    buckets: [0.1, 1, 10, 60, 600, 3_600, 21_600],
    registers,
  });
  let lastUse = 0;
  let lastEnd: { readonly at: string; readonly id: string } = { at: new Date().toISOString(), id: "" };

  /** Only the new rows of a log that grows for ever. The log's ids follow its commits closely enough for a rate. */
  const countUses = async (): Promise<void> => {
    const used = await database.query<UseCount>(
      `select role, zone, access, allowed::text as allowed, count(*)::int as uses, max(id)::float8 as last
         from stockroom.key_use where id > $1 group by role, zone, access, allowed`,
      [lastUse],
    );
    for (const { role, zone, access, allowed, uses: count, last } of used) {
      uses.inc({ role, zone, access, allowed }, count);
      lastUse = Math.max(lastUse, last);
    }
  };
  const timeRuns = async (): Promise<void> => {
    const ended = await database.query<EndedRun>(
      `select id, workflow, state, extract(epoch from ended_at - created_at)::float8 as seconds, ended_at::text as ended
         from stockroom.run where ended_at is not null and (ended_at, id) > ($1::timestamptz, $2) order by ended_at, id limit ${mostEnded}`,
      [lastEnd.at, lastEnd.id],
    );
    for (const { workflow, state, seconds } of ended) durations.observe({ workflow, state }, seconds);
    const last = ended.at(-1);
    if (last !== undefined) lastEnd = { at: last.ended, id: last.id };
  };
  // What is counted goes on from where it is.
  const leaveOut = (): void => undefined;
  const numbers: readonly Numbers[] = [
    ...gauges,
    { name: "stockroom_key_uses_total", bring: countUses, leaveOut },
    { name: "stockroom_run_seconds", bring: timeRuns, leaveOut },
  ];
  const ask = async (): Promise<boolean> => {
    let isWhole = true;
    for (const [at, { name, bring, leaveOut }] of numbers.entries()) {
      try {
        await bring();
      } catch (error) {
        isWhole = false;
        log.warn("metrics: a number could not be had", { name, error });
        leaveOut();
        // SQL that is refused is one number's trouble; of a database that does not answer nothing else is to be had.
        if (!isStockroomError(error)) continue;
        for (const rest of numbers.slice(at + 1)) rest.leaveOut();
        break;
      }
    }
    return isWhole;
  };

  let round: Promise<void> | undefined;
  return () => {
    round ??= ask()
      .then((isWhole) => ok.set(isWhole ? 1 : 0))
      .finally(() => {
        round = undefined;
      });
    return round;
  };
}
