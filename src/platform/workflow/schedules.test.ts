import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testDatabase } from "../../../test/kit/database.ts";
import type { TestDatabase } from "../../../test/kit/database.ts";
import { makeManualClock } from "../time.ts";
import type { Clock } from "../time.ts";
import { makeMemoryLog } from "../log.ts";
import type { Database } from "../database/contract.ts";
import { openDatabase } from "../database/open.ts";
import type { ScheduleDefinition } from "./contract.ts";
import { workflowMigrations } from "./migrations.ts";
import { openSchedules, parseCron } from "./schedules.ts";
import type { Schedules } from "./schedules.ts";

const at = (text: string): number => Date.parse(text);

describe("cron lines", () => {
  test.each([
    ["0 3 * * 1", "2026-11-23T00:00:00Z", "2026-11-23T03:00:00Z"],
    ["0 3 * * 1", "2026-11-23T03:00:00Z", "2026-11-30T03:00:00Z"],
    ["0 0 1 * *", "2026-11-23T00:00:00Z", "2026-12-01T00:00:00Z"],
    ["0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"],
    ["*/15 * * * *", "2026-11-23T10:14:59.999Z", "2026-11-23T10:15:00Z"],
    ["30 0 0 * * *", "2026-11-23T00:00:30Z", "2026-11-24T00:00:30Z"],
    // A clock change somewhere in the world is none in UTC.
    ["30 2 * * *", "2026-03-29T00:00:00Z", "2026-03-29T02:30:00Z"],
  ])("%s after %s is %s", (cron, after, next) => {
    expect(parseCron(cron, "t").next(at(after))).toBe(at(next));
  });

  test.each(["", "* * * *", "* * * * * * *", "61 * * * *", "0 0 31 13 *", "every day", "@daily"])("%j is refused", (cron) => {
    expect(() => parseCron(cron, "t")).toThrow(expect.objectContaining({ kind: "input", code: "SCHEDULE_BAD_CRON" }));
  });

  test("the latest tick is at or before now, and no tick lies between it and now", () => {
    const field = (max: number): fc.Arbitrary<string> =>
      fc.oneof(
        fc.constant("*"),
        fc.integer({ min: 0, max }).map(String),
        fc.integer({ min: 2, max: 20 }).map((step) => `*/${step}`),
      );
    const cron = fc.tuple(field(59), field(23)).map(([minute, hour]) => `${minute} ${hour} * * *`);
    const instant = fc.integer({ min: at("2020-01-01T00:00:00Z"), max: at("2035-01-01T00:00:00Z") });
    fc.assert(
      fc.property(cron, instant, (line, now) => {
        const table = parseCron(line, "t");
        const latest = table.latest(now) ?? Number.NaN;
        expect(latest).toBeLessThanOrEqual(now);
        expect(table.next(latest)).toBeGreaterThan(now);
        // On a tick, that tick is the latest.
        expect(table.latest(latest)).toBe(latest);
      }),
      { numRuns: 200 },
    );
  });
});

describe("ticks", () => {
  let postgres: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    postgres = await testDatabase();
    database = await openDatabase({ url: postgres.url, home: "", log: makeMemoryLog(), migrations: workflowMigrations });
  });

  afterAll(async () => {
    await database.close();
    await postgres.drop();
  });

  /** Opens without the loop, so that only the test looks at the clock. */
  async function openStill(schedules: readonly ScheduleDefinition[], clock: Clock, started: string[]): Promise<Schedules> {
    const stopped = new AbortController();
    stopped.abort();
    return openSchedules({
      database,
      schedules,
      clock,
      log: makeMemoryLog(),
      signal: stopped.signal,
      lookMs: 1_000,
      startIn: async (_, workflow, __, options) => {
        started.push(`${workflow} ${options.id}`);
        return options.id;
      },
    });
  }

  const daily = (name: string, cron = "0 3 * * *"): ScheduleDefinition => ({ name, cron, workflow: "t.daily", input: null });

  test("each tick starts one run, however many look; of missed ticks only the latest", async () => {
    const clock = makeManualClock(at("2026-11-23T02:00:00Z"));
    const started: string[] = [];
    const rooms = await Promise.all([1, 2, 3].map(() => openStill([daily("many")], clock, started)));
    const look = async (): Promise<string[]> => {
      started.length = 0;
      await Promise.all(rooms.map((room) => room.lookNow()));
      return [...started];
    };
    // S3: the ticks before it was first seen are none of its.
    expect(await look()).toEqual([]);
    expect(await rooms[0]?.list()).toMatchObject([{ lastAt: undefined, nextAt: "2026-11-23T03:00:00.000Z" }]);
    clock.advance(3_600_000);
    expect(await look()).toEqual(["t.daily schedule/many/2026-11-23T03:00:00.000Z"]);
    expect(await look()).toEqual([]);
    clock.advance(5 * 86_400_000);
    expect(await look()).toEqual(["t.daily schedule/many/2026-11-28T03:00:00.000Z"]);
    expect(await rooms[1]?.list()).toMatchObject([{ lastAt: "2026-11-28T03:00:00.000Z", nextAt: "2026-11-29T03:00:00.000Z" }]);
    // A part opened later misses nothing that was done.
    const late = await openStill([daily("many")], clock, started);
    started.length = 0;
    expect(await late.lookNow()).toEqual([]);
  });

  test("a changed cron line owes nothing for the past", async () => {
    const clock = makeManualClock(at("2026-11-23T02:00:00Z"));
    const started: string[] = [];
    await openStill([daily("changed")], clock, started);
    clock.advance(86_400_000);
    const changed = await openStill([daily("changed", "0 1 * * *")], clock, started);
    expect(await changed.lookNow()).toEqual([]);
    clock.advance(86_400_000);
    expect(await changed.lookNow()).toEqual(["schedule/changed/2026-11-25T01:00:00.000Z"]);
  });

  test("a schedule that never fires again says so", async () => {
    const still = await openStill([daily("never", "0 0 30 2 *")], makeManualClock(at("2026-11-23T02:00:00Z")), []);
    expect(await still.lookNow()).toEqual([]);
    expect(await still.list()).toMatchObject([{ nextAt: "never" }]);
  });
});
