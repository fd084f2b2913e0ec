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
import type { Json, ScheduleDefinition, ScheduleRow, StartOptions } from "./contract.ts";

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
  list(): Promise<readonly ScheduleRow[]>;
  pause(name: string, word: { readonly by: string; readonly reason?: string | undefined }): Promise<void>;
  resume(name: string): Promise<void>;
  runNow(name: string): Promise<string>;
  /** Starts what is due now; gives the ids. Safe in any number of processes at once. */
  lookNow(): Promise<readonly string[]>;
  readonly ended: Promise<void>;
}

/** Notes the schedules and begins to look at the clock. */
export async function openSchedules(options: ScheduleOptions): Promise<Schedules> {
  const { database, clock } = options;
  const timetables = new Map(options.schedules.map((schedule) => [schedule.name, parseCron(schedule.cron, schedule.name)]));
  const watched: Watched = { ...options, latestTick: (schedule) => timetables.get(schedule.name)?.latest(clock.now()) };
  await insertSchedules(options);

  return {
    ended: options.schedules.length === 0 ? Promise.resolve() : watchClock(watched),
    lookNow: async () => {
      const ids: string[] = [];
      for (const schedule of options.schedules) {
        const id = await startDue(watched, schedule);
        if (id !== undefined) ids.push(id);
      }
      return ids;
    },
    list: async () => {
      const rows = await database.query<KeptRow & { name: string }>(
        `select name, case when last_started_at is not null then (extract(epoch from last_tick) * 1000)::float8 end as last_ms,
                paused_at as at, paused_by as by, paused_why as why
           from stockroom.schedule where name = any($1)`,
        [options.schedules.map((schedule) => schedule.name)],
      );
      const kept = new Map(rows.map((row) => [row.name, row]));
      return options.schedules.map((schedule) =>
        rowOf(schedule, kept.get(schedule.name), timetables.get(schedule.name)?.next(clock.now())),
      );
    },
    pause: async (name, { by, reason }) => {
      await database.query(
        `update stockroom.schedule set paused_at = coalesce(paused_at, clock_timestamp()), paused_by = $2, paused_why = $3 where name = $1`,
        [findSchedule(options.schedules, name).name, by, reason ?? null],
      );
    },
    resume: async (name) => {
      // What the clock passed while it rested is not made up for.
      await database.query(
        `update stockroom.schedule set paused_at = null, paused_by = null, paused_why = null,
           last_tick = greatest(last_tick, to_timestamp($2::float8 / 1000))
         where name = $1 and paused_at is not null`,
        [findSchedule(options.schedules, name).name, clock.now()],
      );
    },
    runNow: async (name) => {
      const { workflow, input } = findSchedule(options.schedules, name);
      const id = `schedule/${name}/now/${new Date(clock.now()).toISOString()}`;
      return await database.transaction(async (tx) => await options.startIn(tx, workflow, input, { id }));
    },
  };
}

/** The schedules of this process, with their timetables read. */
interface Watched extends ScheduleOptions {
  /** The last tick of a schedule until now; undefined: none within reach. */
  readonly latestTick: (schedule: ScheduleDefinition) => number | undefined;
}

async function insertSchedules({ database, clock, schedules }: ScheduleOptions): Promise<void> {
  for (const schedule of schedules) {
    await database.query(
      `insert into stockroom.schedule (name, cron, last_tick) values ($1, $2, to_timestamp($3::float8 / 1000))
       on conflict (name) do update set
         -- Another timetable: its past ticks were never promised.
         last_tick = case when schedule.cron = excluded.cron then schedule.last_tick else excluded.last_tick end,
         cron = excluded.cron`,
      [schedule.name, schedule.cron, clock.now()],
    );
  }
}

/** Starts the run of the last tick unless somebody has (S1); gives its id. */
async function startDue(watched: Watched, schedule: ScheduleDefinition): Promise<string | undefined> {
  const tick = watched.latestTick(schedule);
  if (tick === undefined) return undefined;
  return watched.database.transaction(async (tx) => {
    // The row lock makes a second process wait, then find the tick taken.
    const rows = await tx.query(
      `update stockroom.schedule set last_tick = to_timestamp($2::float8 / 1000), last_started_at = clock_timestamp()
       where name = $1 and last_tick < to_timestamp($2::float8 / 1000) and cron = $3 and paused_at is null returning 1 as one`,
      [schedule.name, tick, schedule.cron],
    );
    if (rows.length === 0) return undefined;
    const id = await watched.startIn(tx, schedule.workflow, schedule.input, {
      id: `schedule/${schedule.name}/${new Date(tick).toISOString()}`,
    });
    faultPoint("workflow.schedule.started");
    return id;
  });
}

/** Looks at the clock until the signal; ends with it. */
async function watchClock(watched: Watched): Promise<void> {
  const { schedules, signal, log, lookMs } = watched;
  // One statement per schedule only when its tick has changed since we last looked.
  const seen = new Map<string, number>();
  while (!signal.aborted) {
    for (const schedule of schedules) {
      const tick = watched.latestTick(schedule);
      if (tick === undefined || seen.get(schedule.name) === tick) continue;
      try {
        await startDue(watched, schedule);
        seen.set(schedule.name, tick);
      } catch (thrown) {
        if (signal.aborted) return;
        log.warn("a schedule could not start its run; it is tried again", { schedule: schedule.name, error: thrown });
      }
    }
    await pause(lookMs, undefined, { signal }).catch(() => undefined);
  }
}

function findSchedule(schedules: readonly ScheduleDefinition[], name: string): ScheduleDefinition {
  const found = schedules.find((schedule) => schedule.name === name);
  if (found !== undefined) return found;
  throw new StockroomError(
    "missing",
    "SCHEDULE_UNKNOWN",
    `Expected a schedule of this process but received "${name}". It has: ${schedules.map((schedule) => schedule.name).join(", ") || "none"}.`,
    { facts: { schedule: name } },
  );
}

interface KeptRow {
  readonly last_ms: number | null;
  readonly at: string | null;
  readonly by: string | null;
  readonly why: string | null;
}

function rowOf(schedule: ScheduleDefinition, row: KeptRow | undefined, nextMs: number | undefined): ScheduleRow {
  const lastMs = row?.last_ms ?? undefined;
  const paused = row === undefined || row.at === null ? undefined : { at: row.at, by: row.by ?? "", reason: row.why ?? undefined };
  return {
    ...schedule,
    lastAt: lastMs === undefined ? undefined : new Date(lastMs).toISOString(),
    nextAt: paused !== undefined ? "paused" : nextMs === undefined ? "never" : new Date(nextMs).toISOString(),
    paused,
  };
}
