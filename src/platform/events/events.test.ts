import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { testDatabase } from "../../../test/kit/database.ts";
import type { TestDatabase } from "../../../test/kit/database.ts";
import { makeMemoryLog } from "../log.ts";
import type { Database } from "../database/contract.ts";
import { openDatabase } from "../database/open.ts";
import { appendEvent } from "../database/outbox.ts";
import type { WorkflowDefinition } from "../workflow/contract.ts";
import { openWorkflows, workflowMigrations } from "../workflow/index.ts";
import type { OpenWorkflows } from "../workflow/index.ts";
import type { Events, Subscription } from "./contract.ts";
import { openEvents, runIdOf } from "./events.ts";

let postgres: TestDatabase;
let database: Database;
let workflows: OpenWorkflows;
let open: Events[] = [];

const echo: WorkflowDefinition = { name: "t.echo", queue: "main", run: async (_, input) => input };
const other: WorkflowDefinition = { name: "t.other", queue: "main", run: async (_, input) => input };

beforeAll(async () => {
  postgres = await testDatabase();
  database = await openDatabase({ url: postgres.url, home: "", log: makeMemoryLog(), migrations: workflowMigrations });
  workflows = await openWorkflows({
    database,
    executorId: "one",
    queues: [{ name: "main", perWorker: 8 }],
    workflows: [echo, other],
    log: makeMemoryLog(),
    livenessMs: 100,
    pollMs: 20,
  });
});

afterEach(async () => {
  await Promise.all(open.map((events) => events.close()));
  open = [];
  // Who subscribed in one test is nobody the next should wait for.
  await database.query("delete from stockroom.subscription");
});

afterAll(async () => {
  await workflows.close();
  await database.close();
  await postgres.drop();
});

async function openRelay(subscriptions: readonly Subscription[], log = makeMemoryLog(), pollMs = 3_600_000): Promise<Events> {
  const events = await openEvents({ database, workflows, subscriptions, log, pollMs, batch: 10 });
  open.push(events);
  return events;
}

const subscription = (name: string, more: Partial<Subscription> = {}): Subscription => ({
  name,
  kind: "thing.made",
  workflow: echo,
  input: (event) => ({ subject: event.subject, data: event.data }),
  ...more,
});

const append = (subject: string, dedupe?: string): Promise<number | undefined> =>
  database.transaction((tx) =>
    appendEvent(tx, { kind: "thing.made", subject, data: { subject }, ...(dedupe === undefined ? {} : { dedupe }) }),
  );

/** Waits until the event is relayed: another round may hold the outbox when ours begins, and look at it before the event was there. */
async function relayed(events: Events, prefix: string): Promise<void> {
  await expect
    .poll(
      async () => {
        await events.relayNow();
        return (await events.list({ prefix })).every((event) => event.relayedAt !== undefined);
      },
      { timeout: 10_000 },
    )
    .toBe(true);
}

test("every subscriber of an event gets one run, the others none", async () => {
  await openRelay([
    subscription("all"),
    subscription("near", { prefix: "near/", workflow: other }),
    subscription("far", { prefix: "far/" }),
    subscription("uncaring", { input: () => undefined }),
    subscription("deaf", { kind: "thing.lost" }),
  ]);
  await append("near/1", "d1");
  // The relay hears of it by itself: its poll is an hour away.
  await expect
    .poll(async () => (await workflows.list()).map((run) => run.id).toSorted(), { timeout: 10_000 })
    .toEqual(["event/d1/all", "event/d1/near"]);
  expect(await workflows.outcome("event/d1/near")).toEqual({ kind: "done", value: { subject: "near/1", data: { subject: "near/1" } } });
  expect(await workflows.outcome("event/d1/all")).toMatchObject({ kind: "done" });
  expect(await workflows.idle()).toBe(true);
});

test("an event rolled back is never heard of, and a repeated one starts nothing new", async () => {
  const events = await openRelay([subscription("repeat")]);
  await expect(
    database.transaction(async (tx) => {
      await appendEvent(tx, { kind: "thing.made", subject: "ghost", data: {}, dedupe: "ghost" });
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  await append("same", "same");
  expect(await append("same", "same")).toBeUndefined();
  await relayed(events, "same");
  // As if the mark had been lost: delivery is at least once, its effect is not.
  await database.query(`update stockroom.outbox set relayed_at = null where dedupe = 'same'`);
  expect(await workflows.idle()).toBe(false);
  await relayed(events, "same");
  expect((await workflows.list()).filter((run) => run.id.includes("same") || run.id.includes("ghost"))).toHaveLength(1);
});

test("many relays at once skip no event and share the work", async () => {
  const relays = await Promise.all([1, 2, 3].map(() => openRelay([subscription("shared")])));
  const ids = await Promise.all(Array.from({ length: 60 }, (_, index) => append(`many/${index}`)));
  await Promise.all(relays.map((events) => events.relayNow()));
  await expect
    .poll(async () => (await database.query(`select 1 from stockroom.outbox where relayed_at is null`)).length, { timeout: 10_000 })
    .toBe(0);
  const runs = new Set((await workflows.list({ limit: 1_000 })).map((run) => run.id));
  for (const id of ids) expect(runs).toContain(runIdOf({ id: id ?? 0 }, undefined, { name: "shared" }));
});

test("an event that a subscriber cannot take stays, is told of and holds up no other", async () => {
  const log = makeMemoryLog();
  const picky = subscription("picky", {
    input: (event) => {
      if (event.subject === "bad") throw new Error("cannot read");
      return event.subject === "huge" ? "x".repeat(2_000_000) : event.subject;
    },
  });
  const events = await openRelay([subscription("before"), picky], log);
  await append("bad", "bad");
  await append("huge", "huge");
  await append("good", "good");
  await relayed(events, "good");
  await expect.poll(() => log.lines.filter((line) => line.level === "error").length, { timeout: 10_000 }).toBe(2);
  // The subscriber that could take it has it; the event waits for the other. A relay passes over rows that another holds at that moment.
  const known = async (): Promise<string[]> => {
    await events.relayNow();
    return (await workflows.list({ limit: 1_000 })).map((run) => run.id);
  };
  await expect.poll(known, { timeout: 10_000 }).toEqual(expect.arrayContaining(["event/good/picky", "event/bad/before"]));
  const ids = await known();
  expect(ids).not.toContain("event/bad/picky");
  const told = log.lines.filter((line) => line.level === "error").map((line) => line.facts["subject"]);
  expect(told).toHaveLength(2);
  expect(told).toEqual(expect.arrayContaining(["bad", "huge"]));
  expect((await events.list({ prefix: "bad" }))[0]?.relayedAt).toBeUndefined();
  expect((await events.list({ prefix: "good" }))[0]?.relayedAt).toEqual(expect.any(String));
  await events.close();
  // After the fix the waiting events go out.
  const repaired = await openRelay([subscription("before"), subscription("picky")]);
  await relayed(repaired, "bad");
  await relayed(repaired, "huge");
});

test("an event is done when everybody known has it, also those whom this process does not know", async () => {
  // Two processes with different settings or releases: each relays for its own subscribers, and neither takes the event from the other.
  const few = await openRelay([subscription("common")]);
  const more = await openRelay([subscription("common"), subscription("extra", { workflow: other })]);
  await append("shared", "shared");
  await few.relayNow();
  await expect.poll(async () => (await workflows.list({ limit: 1_000 })).some(({ id }) => id === "event/shared/common")).toBe(true);
  await relayed(more, "shared");
  const runs = (await workflows.list({ limit: 1_000 })).filter(({ id }) => id.startsWith("event/shared/")).map(({ id }) => id);
  expect(runs.toSorted()).toEqual(["event/shared/common", "event/shared/extra"]);

  // The one that knows it is gone: its events wait, and are told.
  await more.close();
  await append("later", "later");
  // A relay passes over rows that another holds at that moment.
  await expect
    .poll(async () => {
      await few.relayNow();
      return (await few.subscriptions()).find(({ name }) => name === "common")?.waiting;
    })
    .toBe(0);
  expect((await few.list({ prefix: "later" }))[0]?.relayedAt).toBeUndefined();
  expect(await few.subscriptions()).toMatchObject([
    { name: "common", waiting: 0, served: true },
    { name: "extra", waiting: 1, workflow: "t.other" },
  ]);
  await expect(few.forget("extra")).rejects.toMatchObject({ code: "SUBSCRIPTION_SERVED" });
  await expect(few.forget("extar")).rejects.toMatchObject({ code: "SUBSCRIPTION_UNKNOWN" });
  await database.query(`update stockroom.subscription set seen_at = now() - interval '10 minutes' where name = 'extra'`);
  // What waits for nobody's process keeps nothing busy.
  await expect.poll(() => workflows.idle(), { timeout: 10_000 }).toBe(true);
  expect(await few.forget("extra")).toBe(1);
  await relayed(few, "later");
});

test("a command on a database on which nobody has worked yet takes no event from those who come", async () => {
  const command = await openEvents({
    database,
    workflows,
    subscriptions: [subscription("all")],
    log: makeMemoryLog(),
    pollMs: 3_600_000,
    serves: false,
  });
  open.push(command);
  await append("early", "early");
  expect(await command.relayNow()).toBe(0);
  const worker = await openRelay([subscription("all"), subscription("extra")]);
  await relayed(worker, "early");
  const runs = (await workflows.list({ limit: 1_000 })).filter(({ id }) => id.startsWith("event/early/"));
  expect(runs).toHaveLength(2);
});

test("a subscription nobody could serve keeps the app shut, and all faults are told at once", async () => {
  const lost = { ...echo, name: "t.nobody" };
  await expect(openRelay([subscription("a", { workflow: lost }), subscription("b"), subscription("b")])).rejects.toMatchObject({
    kind: "input",
    code: "EVENTS_SETUP",
    message: expect.stringMatching(/"b" is defined twice.*t\.nobody/),
  });
});

test("run ids tell an event's number from a dedupe key, and long keys fit", () => {
  expect(runIdOf({ id: 7 }, undefined, { name: "s" })).not.toBe(runIdOf({ id: 7 }, "7", { name: "s" }));
  const long = runIdOf({ id: 7 }, "é".repeat(5_000), { name: "s" });
  expect(Buffer.byteLength(long)).toBeLessThan(200);
  expect(long).not.toBe(runIdOf({ id: 7 }, "é".repeat(5_001), { name: "s" }));
});

test("relayed events are forgotten after their time, waiting ones never", async () => {
  await append("old", "old");
  await relayed(await openRelay([]), "old");
  await append("waiting", "waiting");
  await database.query(`update stockroom.outbox set relayed_at = now() - interval '31 days' where dedupe = 'old'`);
  await database.query(`update stockroom.outbox set relayed_at = null, kind = 'thing.stuck' where dedupe = 'waiting'`);
  const stuck = subscription("stuck", {
    kind: "thing.stuck",
    input: () => {
      throw new Error("no");
    },
  });
  // It forgets when it begins.
  const events = await openRelay([stuck]);
  await expect.poll(async () => events.list({ prefix: "old" }), { timeout: 10_000 }).toEqual([]);
  expect(await events.list({ prefix: "waiting" })).toHaveLength(1);
});
