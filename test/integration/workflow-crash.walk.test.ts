// What is promised of runs, with real processes and real deaths: nothing lost, nothing done twice that shows.

import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { makeMemoryLog } from "../../src/platform/log.ts";
import { makeRandom } from "../../src/platform/random.ts";
import type { Database } from "../../src/platform/database/contract.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import { appendEvent } from "../../src/platform/database/outbox.ts";
import { openEvents } from "../../src/platform/events/events.ts";
import { workflowMigrations } from "../../src/platform/workflow/index.ts";
import type { OpenWorkflows, OpenWorkflowsOptions } from "../../src/platform/workflow/index.ts";
import { testDatabase } from "../kit/database.ts";
import type { TestDatabase } from "../kit/database.ts";
import { disband, join } from "./workflow-fleet.ts";
import { makePrograms, marksTable, openApp } from "./workflow-programs.ts";
import type { Op } from "./workflow-programs.ts";
import { everySecond, subscriptionTo } from "./workflow-subjects.ts";

let postgres: TestDatabase;
let database: Database;
let app: OpenWorkflows | undefined;

beforeAll(async () => {
  postgres = await testDatabase();
  database = await openDatabase({ url: postgres.url, home: "", log: makeMemoryLog(), migrations: workflowMigrations });
  await database.query(marksTable);
});

afterEach(async () => {
  await app?.close();
  app = undefined;
  await disband();
});

afterAll(async () => {
  await database.close();
  await postgres.drop();
});

async function survive(more: Partial<OpenWorkflowsOptions> = {}): Promise<OpenWorkflows> {
  app = await openApp(database, "survivor", makeMemoryLog(), more);
  return app;
}

/** How often each step was done. */
async function marksOf(run: string): Promise<Record<string, number>> {
  const rows = await database.query<{ step: string; times: number }>(
    `select step, count(*)::int as times from mark where run = $1 group by step order by step`,
    [run],
  );
  return Object.fromEntries(rows.map((row) => [row.step, row.times]));
}

describe("killed at a named point, a run ends as if nothing had been", () => {
  test.each([
    { fault: "workflow.start.enqueued", times: { s1: 1, s2: 1, s3: 1 }, crashes: 0 },
    { fault: "workflow.run.begun", times: { s1: 1, s2: 1, s3: 1 }, crashes: 1 },
    { fault: "workflow.step.before#2", times: { s1: 1, s2: 1, s3: 1 }, crashes: 1 },
    { fault: "app.line.s2", times: { s1: 1, s2: 2, s3: 1 }, crashes: 1 },
    { fault: "workflow.step.done#3", times: { s1: 1, s2: 1, s3: 2 }, crashes: 1 },
    { fault: "workflow.step.recorded#2", times: { s1: 1, s2: 1, s3: 1 }, crashes: 1 },
    { fault: "workflow.run.done", times: { s1: 1, s2: 1, s3: 1 }, crashes: 1 },
    { fault: "workflow.run.recorded", times: { s1: 1, s2: 1, s3: 1 }, crashes: 0 },
  ])("$fault", async ({ fault, times, crashes }) => {
    const id = `line ${fault}`;
    const victim = join(postgres.url, "victim", ["start", "app.line", id, `{"steps":3}`], fault);
    expect(await victim.end).toBe("SIGKILL");
    const survivor = await survive();
    // Whoever asked and heard nothing asks again.
    if (fault === "workflow.start.enqueued") await survivor.start("app.line", { steps: 3 }, { id });
    expect(await survivor.outcome(id)).toEqual({ kind: "done", value: 6 });
    expect(await marksOf(id)).toEqual(times);
    expect(await survivor.show(id)).toMatchObject({ tries: 1, crashes });
  });

  test("workflow.retry.recorded", async () => {
    const victim = join(postgres.url, "victim", ["start", "app.flaky", "flaky", "null"], "workflow.retry.recorded");
    expect(await victim.end).toBe("SIGKILL");
    const survivor = await survive();
    expect(await survivor.outcome("flaky")).toEqual({ kind: "done", value: "well" });
    expect(await marksOf("flaky")).toEqual({ before: 1, flaky: 2 });
    expect(await survivor.show("flaky")).toMatchObject({ tries: 2, crashes: 0 });
  });

  test.each(["app.told", "workflow.dead.recorded"])("%s, and workflow.redrive.enqueued", async (fault) => {
    const id = `poison ${fault}`;
    const victim = join(postgres.url, "victim", ["start", "app.poison", id, `{"kills":false}`], fault);
    expect(await victim.end).toBe("SIGKILL");
    const survivor = await survive();
    expect(await survivor.outcome(id)).toMatchObject({ kind: "failed", error: { code: "HOUSE_POISON" } });
    const letters = (await survivor.deadLetters({ state: "waiting" })).filter((letter) => letter.runId === id);
    expect(letters).toHaveLength(1);
    await survivor.close();

    await database.query(`insert into mark values ($1, 'antidote', 'person')`, [id]);
    const redriver = join(postgres.url, "victim", ["redrive", letters[0]?.id ?? ""], "workflow.redrive.enqueued");
    expect(await redriver.end).toBe("SIGKILL");
    const second = await survive();
    // Not committed: the letter still waits, and the person does it again.
    expect(await second.deadLetter(letters[0]?.id ?? "")).toMatchObject({ state: "waiting" });
    await second.redrive(letters[0]?.id ?? "");
    expect(await second.outcome(id)).toEqual({ kind: "done", value: "cured" });
    expect((await marksOf(id))["before"]).toBe(1);
  });

  test("workflow.sweep.put-back", async () => {
    const first = join(postgres.url, "first", ["start", "app.line", "swept", `{"steps":3}`], "workflow.step.done#2");
    expect(await first.end).toBe("SIGKILL");
    const second = join(postgres.url, "second", [], "workflow.sweep.put-back");
    expect(await second.end).toBe("SIGKILL");
    const survivor = await survive();
    expect(await survivor.outcome("swept")).toEqual({ kind: "done", value: 6 });
    expect(await marksOf("swept")).toEqual({ s1: 1, s2: 2, s3: 1 });
  });

  test("workflow.schedule.started", async () => {
    const victim = join(postgres.url, "victim", ["tick"], "workflow.schedule.started");
    expect(await victim.end).toBe("SIGKILL");
    expect(await database.query(`select 1 from stockroom.run where id like 'schedule/%'`)).toEqual([]);
    const survivor = await survive({ schedules: [everySecond] });
    await expect
      .poll(async () => (await survivor.list({ state: "done" })).some((run) => run.id.startsWith("schedule/tick/")), { timeout: 10_000 })
      .toBe(true);
  });

  test.each(["events.relay.started", "events.relay.committed"])("%s", async (fault) => {
    await database.transaction((tx) => appendEvent(tx, { kind: "app.asked", subject: fault, data: {}, dedupe: fault }));
    const victim = join(postgres.url, "victim", ["relay"], fault);
    expect(await victim.end).toBe("SIGKILL");
    const survivor = await survive();
    const subscriptions = [subscriptionTo(makePrograms(database, "survivor"))];
    const events = await openEvents({ database, workflows: survivor, subscriptions, log: makeMemoryLog() });
    await expect.poll(async () => survivor.idle(), { timeout: 20_000 }).toBe(true);
    expect(await survivor.outcome(`event/${fault}/line`)).toEqual({ kind: "done", value: 6 });
    expect(Object.values(await marksOf(`event/${fault}/line`)).every((times) => times <= 2)).toBe(true);
    await events.close();
  });
});

test("four processes that open an empty database at once all come to work", async () => {
  const empty = await testDatabase();
  const all = ["a", "b", "c", "d"].map((name) => join(empty.url, name));
  await Promise.all(all.map((member) => member.ready));
  for (const member of all) member.leave();
  expect(await Promise.all(all.map((member) => member.end))).toEqual([undefined, undefined, undefined, undefined]);
  await empty.drop();
});

test("two executors, one killed: every run ends once, the other does the rest", async () => {
  const starter = await openApp(database, "starter", makeMemoryLog(), { work: false });
  app = starter;
  const ids = Array.from({ length: 60 }, (_, index) => `fleet-${index}`);
  const one = join(postgres.url, "one");
  const two = join(postgres.url, "two");
  await Promise.all([one.ready, two.ready]);
  // All at once, so that both have their hands full.
  await database.transaction(async (tx) => {
    for (const id of ids) await starter.startIn(tx, "app.line", { steps: 4 }, { id });
  });
  const marksBy = async (executor: string): Promise<number> =>
    (await database.query(`select 1 as one from mark where run like 'fleet-%' and executor = $1`, [executor])).length;
  await expect.poll(() => marksBy("one"), { timeout: 20_000, interval: 5 }).toBeGreaterThan(0);
  one.kill();
  await one.end;
  for (const id of ids) expect(await starter.outcome(id)).toEqual({ kind: "done", value: 10 });
  const doubled = await database.query<{ run: string; times: number }>(
    `select run, step, count(*)::int as times from mark where run like 'fleet-%' group by run, step having count(*) > 1`,
  );
  // Only what was under way in the dead process, at most one step for each place in its queue.
  expect(doubled.length).toBeLessThanOrEqual(6);
  expect(await marksBy("two")).toBeGreaterThan(0);
  // Every step was recorded once, by whoever did it.
  const steps = await database.query<{ run_id: string }>(`select run_id from stockroom.run_step where run_id like 'fleet-%'`);
  expect(steps).toHaveLength(240);
  two.leave();
  expect(await two.end).toBeUndefined();
});

test("a live executor's runs are left alone, however busy the sweep of another", async () => {
  const starter = await openApp(database, "watcher", makeMemoryLog(), { work: false });
  app = starter;
  const alive = join(postgres.url, "alive");
  await alive.ready;
  await starter.start(
    "app.program",
    [
      { kind: "sleep", ms: 1_500 },
      { kind: "step", name: "after", value: 1 },
    ],
    { id: "undisturbed" },
  );
  expect(await starter.outcome("undisturbed")).toEqual({ kind: "done", value: [1] });
  // About fifteen sweeps have gone by.
  expect(await starter.show("undisturbed")).toMatchObject({ executor: "alive", crashes: 0, tries: 1 });
  const twin = join(postgres.url, "alive");
  await expect(twin.end).rejects.toThrow("ended with 1");
  alive.leave();
  expect(await alive.end).toBeUndefined();
});

test("a run that always kills its process becomes a dead letter after three deaths; the others end well", async () => {
  const starter = await openApp(database, "starter", makeMemoryLog(), { work: false });
  app = starter;
  const ids = Array.from({ length: 8 }, (_, index) => `bystander-${index}`);
  await starter.start("app.poison", { kills: true }, { id: "killer", priority: 1 });
  // Slow enough to die beside it each time, were they not kept apart after the second.
  const slow = (id: string): Op => ({ kind: "slow", name: id, ms: 150 });
  for (const id of ids) await starter.start("app.program", [slow(id)], { id });
  let deaths = 0;
  for (;;) {
    const member = join(postgres.url, "worker");
    const over = starter.outcome("killer").then(() => "over" as const);
    if ((await Promise.race([member.end, over])) === "over") {
      member.leave();
      break;
    }
    deaths += 1;
    expect(deaths).toBeLessThanOrEqual(3);
  }
  expect(deaths).toBe(3);
  const last = join(postgres.url, "last");
  for (const id of ids) expect(await starter.outcome(id)).toEqual({ kind: "done", value: [150] });
  expect(await starter.show("killer")).toMatchObject({
    state: "dead",
    crashes: 3,
    error: { code: "WORKFLOW_CRASHED", facts: { deaths: 3 } },
  });
  const letter = (await starter.deadLetters({ state: "waiting" })).find((one) => one.runId === "killer");
  await database.query(`insert into mark values ('killer', 'antidote', 'person')`);
  await starter.redrive(letter?.id ?? "");
  expect(await starter.outcome("killer")).toEqual({ kind: "done", value: "cured" });
  expect((await marksOf("killer"))["before"]).toBe(1);
  last.leave();
  await last.end;
});

/** A random program: steps one after the other and side by side, failures that are caught, children, naps. */
function writeProgram(seed: number): readonly Op[] {
  const random = makeRandom(seed);
  return Array.from({ length: 3 + random.below(5) }, (_, index): Op => {
    const name = `${seed}-${index}`;
    switch (random.below(6)) {
      case 0:
        return { kind: "fails", name };
      case 1:
      case 2: {
        const chains = Array.from({ length: 2 + random.below(3) }, (_, chain) =>
          Array.from({ length: 1 + random.below(3) }, (_, link) => `${name}-${chain}-${link}`),
        );
        return { kind: "side", chains };
      }
      case 3:
        return { kind: "child", name, value: random.below(100) };
      case 4:
        return { kind: "sleep", ms: random.below(20) };
      default:
        return { kind: "step", name, value: random.below(1_000) };
    }
  });
}

test("a resumed run equals an undisturbed one, wherever it was killed", async () => {
  // Six processes die; one run may have stood in three of them, and would rightly be given up.
  vi.stubEnv("FLEET_CRASH_LIMIT", "50");
  onTestFinished(() => void vi.unstubAllEnvs());
  const points = ["workflow.step.before", "workflow.step.done", "workflow.step.recorded", "workflow.run.begun"];
  const seeds = [1, 2, 3, 4, 5, 6];
  const calm = await survive();
  for (const seed of seeds) await calm.start("app.program", writeProgram(seed), { id: `calm-${seed}` });
  const undisturbed = new Map<number, unknown>();
  for (const seed of seeds) undisturbed.set(seed, await calm.outcome(`calm-${seed}`));
  await calm.close();

  await Promise.all(
    seeds.map(async (seed) => {
      const random = makeRandom(seed).fork("kill");
      const fault = `${points[random.below(points.length)]}#${1 + random.below(3)}`;
      const id = `killed-${seed}`;
      const victim = join(postgres.url, `victim-${seed}`, ["start", "app.program", id, JSON.stringify(writeProgram(seed))], fault);
      await victim.ready.catch(() => undefined);
      // A short program may end before its point is reached, or be another victim's by then.
      const over = async (): Promise<boolean> =>
        victim.isDead() || (await database.query(`select 1 as one from stockroom.run where id = $1 and state = 'done'`, [id])).length > 0;
      await expect.poll(over, { timeout: 30_000 }).toBe(true);
    }),
  );
  await disband();
  const survivor = await survive();
  for (const seed of seeds) {
    // A victim may have died at the work of another before it asked for its own.
    await survivor.start("app.program", writeProgram(seed), { id: `killed-${seed}` });
    expect({ seed, outcome: await survivor.outcome(`killed-${seed}`) }).toEqual({ seed, outcome: undisturbed.get(seed) });
    expect(Object.keys(await marksOf(`killed-${seed}`))).toEqual(Object.keys(await marksOf(`calm-${seed}`)));
  }
});
