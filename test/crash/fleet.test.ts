// Fleets that are not as they should be: a frozen worker, one cut off from the database, processes with other settings or of another release.

import { createServer } from "node:http";
import process from "node:process";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openEvents, type Events } from "../../src/platform/events/index.ts";
import { makeMemoryLog } from "../../src/platform/log.ts";
import { makeNotify, postNotice, type Notices } from "../../src/platform/notify/notify.ts";
import type { ChannelSettings } from "../../src/platform/config/index.ts";
import type { Database } from "../../src/platform/database/contract.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import { appendEvent } from "../../src/platform/database/outbox.ts";
import { openWorkflows, type OpenWorkflows } from "../../src/platform/workflow/index.ts";
import { disband, join } from "../integration/workflow-fleet.ts";
import { marksTable } from "../integration/workflow-programs.ts";
import { openCutProxy } from "../kit/cut-proxy.ts";
import { testDatabase, type TestDatabase } from "../kit/database.ts";
import { waitFor } from "../kit/app.ts";
import { fleetMigrations, releaseOf } from "./fleet-release.ts";

let postgres: TestDatabase;
let database: Database;
const opened: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  postgres = await testDatabase();
  database = await openDatabase({ url: postgres.url, home: "", log: makeMemoryLog(), migrations: fleetMigrations });
  await database.query(marksTable);
});

afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
  await disband();
  await database.query("delete from stockroom.subscription");
  await database.query("delete from stockroom.notice_topic");
});

afterAll(async () => {
  await database.close();
  await postgres.drop();
});

interface Here {
  readonly workflows: OpenWorkflows;
  readonly events: Events;
  readonly notices: Notices;
}

/** A process of the fleet in this very process: of the new release, with the channels given. */
async function openHere(channels: Readonly<Record<string, ChannelSettings>> = {}): Promise<Here> {
  const log = makeMemoryLog();
  const topics = Object.keys(channels).length === 0 ? { "*": ["log"] } : { "*": Object.keys(channels) };
  const notices = makeNotify({ database, channels, topics, log });
  const parts = releaseOf(true, database, "here");
  const workflows = await openWorkflows({
    database,
    executorId: "here",
    queues: [...parts.queues, notices.queue],
    workflows: [...parts.workflows, ...notices.workflows],
    log,
    livenessMs: 200,
    misses: 2,
    silenceMs: 2_000,
    pollMs: 20,
  });
  opened.push(() => workflows.close());
  await notices.publishTopics();
  const subscriptions = [...parts.subscriptions, ...notices.subscriptions];
  const events = await openEvents({ database, workflows, subscriptions, log, pollMs: 20 });
  opened.push(() => events.close());
  return { workflows, events, notices };
}

async function marksOf(run: string): Promise<Record<string, number>> {
  const rows = await database.query<{ step: string; times: number }>(
    `select step, count(*)::int as times from mark where run = $1 group by step`,
    [run],
  );
  return Object.fromEntries(rows.map((row) => [row.step, row.times]));
}

const begun = (run: string): Promise<boolean> =>
  waitFor(`the run ${run} to begin`, async () => (await marksOf(run))["begin"] === 1 && true);

test("a frozen worker's runs go on elsewhere, and what it does when it wakes changes nothing", async () => {
  const worker = join(postgres.url, "frozen", ["new"], undefined, "../crash/fleet-child.ts");
  await worker.ready;
  await database.transaction((tx) => appendEvent(tx, { kind: "fleet.warm", subject: "", data: {} }));
  const here = await openHere();
  // Only the worker is there to take it: this process is asked once the worker stands still.
  await here.workflows.close();
  const id = "frozen run";
  const client = await openClient();
  await client.start("fleet.slow", null, { id });
  await begun(id);
  process.kill(worker.pid, "SIGSTOP");
  await client.close();
  const survivor = await openHere();
  expect(await survivor.workflows.outcome(id)).toEqual({ kind: "done", value: "done" });
  const run = await survivor.workflows.show(id);
  expect(run).toMatchObject({ executor: "here", crashes: 1 });
  process.kill(worker.pid, "SIGCONT");
  // It finds its run gone, and takes up new work under its own name again.
  await survivor.workflows.close();
  const after = await openClient();
  await after.start("fleet.slow", null, { id: "after the thaw" });
  expect(await after.outcome("after the thaw")).toMatchObject({ kind: "done" });
  expect(await after.show("after the thaw")).toMatchObject({ executor: "frozen" });
  expect(await marksOf(id)).toEqual({ begin: 1, end: 1 });
  expect(await after.show(id)).toMatchObject({ executor: "here", state: "done" });
  await after.close();
});

/** Starts and watches, takes nothing up. */
async function openClient(): Promise<OpenWorkflows> {
  const parts = releaseOf(true, database, "client");
  const workflows = await openWorkflows({
    database,
    executorId: "client",
    ...parts,
    log: makeMemoryLog(),
    livenessMs: 200,
    pollMs: 20,
    work: false,
  });
  opened.push(() => workflows.close());
  return workflows;
}

test("a worker whose connections went silent loses its runs, and works again over new ones", async () => {
  const url = new URL(postgres.url);
  const proxy = await openCutProxy(Number(url.port));
  opened.push(() => proxy.close());
  url.port = String(proxy.port);
  url.hostname = "127.0.0.1";
  const worker = join(url.href, "cut", ["new"], undefined, "../crash/fleet-child.ts");
  await worker.ready;
  const client = await openClient();
  const id = "cut run";
  await client.start("fleet.slow", null, { id });
  await begun(id);
  // New connections are swallowed too: nothing tells the worker that anything is amiss.
  proxy.cut({ closed: true });
  await client.close();
  const survivor = await openHere();
  expect(await survivor.workflows.outcome(id)).toEqual({ kind: "done", value: "done" });
  expect(await survivor.workflows.show(id)).toMatchObject({ executor: "here" });
  await survivor.workflows.close();
  proxy.repair();
  const after = await openClient();
  await after.start("fleet.slow", null, { id: "after the cut" });
  expect(await after.outcome("after the cut")).toMatchObject({ kind: "done" });
  expect(await after.show("after the cut")).toMatchObject({ executor: "cut" });
  expect(await marksOf(id)).toMatchObject({ end: 1 });
  await after.close();
});

test("every notice reaches the channel that only one of two processes has", async () => {
  const heard = new Set<string>();
  const receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      heard.add(/"id":"([^"]+)"/.exec(body)?.[1] ?? "");
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  opened.push(() => new Promise((resolve) => receiver.close(resolve)));
  const address = receiver.address();
  const hook: ChannelSettings = {
    kind: "webhook",
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`,
    secret: `whsec_${Buffer.from("sesame").toString("base64")}`,
  };
  const workers = ["plain-1", "plain-2"].map((name) => join(postgres.url, name, ["new"], undefined, "../crash/fleet-child.ts"));
  await Promise.all(workers.map((worker) => worker.ready));
  const here = await openHere({ hook });
  const ids = Array.from({ length: 32 }, (_, n) => `unequal/${n}`);
  for (const id of ids) {
    await database.transaction((tx) => postNotice(tx, { topic: `mlops.${id}`, id, severity: "alarm", title: "Look", body: "", facts: {} }));
  }
  await waitFor("every notice at the webhook", async () => heard.size === ids.length && true);
  expect([...heard].toSorted()).toEqual(ids.toSorted());
  await waitFor("nothing left to do", () => here.workflows.idle());
  expect(await here.workflows.deadLetters({ state: "waiting" })).toEqual([]);
  expect((await here.events.list({ kind: "notice.posted" })).every(({ relayedAt }) => relayedAt !== undefined)).toBe(true);
  const rows = await here.notices.list();
  expect(
    rows
      .filter(({ id }) => ids.includes(id))
      .every(({ deliveries }) => deliveries.some(({ channel, state }) => channel === "hook" && state === "delivered")),
  ).toBe(true);
  // No process ever took up what it cannot deliver.
  const claimed = await database.query(
    `select id from stockroom.run where workflow = 'notify.deliver.hook' and executor is distinct from 'here'`,
  );
  expect(claimed).toEqual([]);
});

test("a subscriber that comes with a rolling upgrade misses nothing, whoever relays", async () => {
  const old = ["old-1", "old-2"].map((name) => join(postgres.url, name, ["old"], undefined, "../crash/fleet-child.ts"));
  await Promise.all(old.map((worker) => worker.ready));
  const here = await openHere();
  const subjects = Array.from({ length: 40 }, (_, n) => `upgrade/${n}`);
  for (const subject of subjects) {
    await database.transaction((tx) => appendEvent(tx, { kind: "fleet.asked", subject, data: {}, dedupe: subject }));
  }
  await waitFor("nothing left to do", () => here.workflows.idle());
  const rows = await database.query<{ step: string; runs: number; executors: string[] }>(
    `select step, count(distinct run)::int as runs, array_agg(distinct executor) as executors from mark where run like 'event/upgrade/%' group by step order by step`,
  );
  expect(rows.map(({ step, runs }) => [step, runs])).toEqual([
    ["fleet.common", 40],
    ["fleet.extra", 40],
  ]);
  expect(rows[1]?.executors).toEqual(["here"]);
});
