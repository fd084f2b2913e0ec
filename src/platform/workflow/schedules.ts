// Schedules: runs at certain times, one run a tick however many processes look at the clock.
//
// Owns: cron lines (UTC) and the last tick of each schedule. Does not own: the runs.
//   S1. A tick's run has the id `schedule/<name>/<instant>` and is started in the transaction that moves the schedule to that tick.
//   S2. Of the ticks missed while nobody was there, the latest is run, once.
//   S3. A schedule seen for the first time has missed nothing.

import { setTimeout as pause } from "node:timers/promises";
import { Cron } from "croner";
import type { Clock } from "../time.ts";
import { StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import type { Log } from "../log.ts";
import type { Database, Tx } from "../database/contract.ts";
import type { Json, ScheduleDefinition, StartOptions } from "./contract.ts";

/** A cron line that has been understood. Instants in milliseconds since 1970. */
export interface Timetable {
  /** The first tick after `afterMs`; undefined: never again. */
  next(afterMs: number): number | undefined;
  /** The last tick at or before `atMs`; undefined: none within reach. */
  latest(atMs: number): number | undefined;
}

/** Reads five or six fields, UTC. Throws `SCHEDULE_BAD_CRON` (input). */
export function parseCron(cron: string, name: string): Timetable {
  const fields = cron.trim().split(/\s+/).length;
  let pattern: Cron;
  try {
    if (fields !== 5 && fields !== 6) throw new Error(`it has ${fields} fields`);
    pattern = new Cron(cron.trim(), { timezone: "UTC", paused: true });
  } catch (thrown) {
    throw new StockroomError(
      "input",
      "SCHEDULE_BAD_CRON",
      `Expected five or six cron fields for schedule "${name}" but came "${cron}": ${thrown instanceof Error ? thrown.message : String(thrown)}. Example: "0 3 * * 1" is Mondays at 3:00 UTC.`,
      { facts: { schedule: name }, cause: thrown },
    );
  }
  return {
    next: (afterMs) => pattern.nextRun(new Date(afterMs))?.getTime(),
    // The pattern looks strictly before its reference, to the second.
    latest: (atMs) => pattern.previousRuns(1, new Date(Math.floor(atMs / 1000) * 1000 + 1000))[0]?.getTime(),
  };
}

export interface ScheduleOptions {
  readonly database: Database;
  readonly schedules: readonly ScheduleDefinition[];
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly startIn: (tx: Tx, workflow: string, input: Json, options: StartOptions) => Promise<string>;
  /** How often the clock is looked at. */
  readonly lookMs: number;
}

export interface Schedules {
  list(): Promise<readonly (ScheduleDefinition & { readonly lastAt: string | undefined; readonly nextAt: string })[]>;
  /** Starts what is due now; gives the ids. Safe in any number of processes at once. */
  lookNow(): Promise<readonly string[]>;
  readonly ended: Promise<void>;
}

/** Notes the schedules and begins to look at the clock. */
export async function openSchedules(options: ScheduleOptions): Promise<Schedules> {
  const { database, clock, log, signal } = options;
  const tables = new Map(options.schedules.map((schedule) => [schedule.name, parseCron(schedule.cron, schedule.name)]));
  for (const schedule of options.schedules) {
    await database.query(
      `insert into stockroom.schedule (name, cron, last_tick) values ($1, $2, to_timestamp($3::float8 / 1000))
       on conflict (name) do update set
         -- Another timetable: its past ticks were never promised.
         last_tick = case when schedule.cron = excluded.cron then schedule.last_tick else excluded.last_tick end,
         cron = excluded.cron`,
      [schedule.name, schedule.cron, clock.now()],
    );
  }

  const startDue = async (schedule: ScheduleDefinition): Promise<string | undefined> => {
    const tick = tables.get(schedule.name)?.latest(clock.now());
    if (tick === undefined) return undefined;
    return database.transaction(async (tx) => {
      // The row lock makes a second process wait, then find the tick taken.
      const rows = await tx.query(
        `update stockroom.schedule set last_tick = to_timestamp($2::float8 / 1000), last_started_at = clock_timestamp()
         where name = $1 and last_tick < to_timestamp($2::float8 / 1000) and cron = $3 returning 1 as one`,
        [schedule.name, tick, schedule.cron],
      );
      if (rows.length === 0) return undefined;
      const id = await options.startIn(tx, schedule.workflow, schedule.input, {
        id: `schedule/${schedule.name}/${new Date(tick).toISOString()}`,
      });
      faultPoint("workflow.schedule.started");
      return id;
    });
  };

  const lookNow = async (): Promise<readonly string[]> => {
    const ids: string[] = [];
    for (const schedule of options.schedules) {
      const id = await startDue(schedule);
      if (id !== undefined) ids.push(id);
    }
    return ids;
  };

  const look = async (): Promise<void> => {
    // One statement per schedule only when its tick has changed since we last looked.
    const seen = new Map<string, number>();
    while (!signal.aborted) {
      for (const schedule of options.schedules) {
        const tick = tables.get(schedule.name)?.latest(clock.now());
        if (tick === undefined || seen.get(schedule.name) === tick) continue;
        try {
          await startDue(schedule);
          seen.set(schedule.name, tick);
        } catch (thrown) {
          if (signal.aborted) return;
          log.warn("a schedule could not start its run; it is tried again", { schedule: schedule.name, error: thrown });
        }
      }
      await pause(options.lookMs, undefined, { signal }).catch(() => undefined);
    }
  };

  return {
    ended: options.schedules.length === 0 ? Promise.resolve() : look(),
    lookNow,
    list: async () => {
      const rows = await database.query<{ name: string; last_ms: number }>(
        `select name, (extract(epoch from last_tick) * 1000)::float8 as last_ms from stockroom.schedule
         where name = any($1) and last_started_at is not null`,
        [options.schedules.map((schedule) => schedule.name)],
      );
      const last = new Map(rows.map((row) => [row.name, row.last_ms]));
      return options.schedules.map((schedule) => {
        const lastMs = last.get(schedule.name);
        const nextMs = tables.get(schedule.name)?.next(clock.now());
        return {
          ...schedule,
          lastAt: lastMs === undefined ? undefined : new Date(lastMs).toISOString(),
          nextAt: nextMs === undefined ? "never" : new Date(nextMs).toISOString(),
        };
      });
    },
  };
}
