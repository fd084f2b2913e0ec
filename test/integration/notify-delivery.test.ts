// A notice from its transaction to its receivers, on a real database and real receivers. The engine's part (tries) is played here;
// that the engine does keep its promises is tested in its own part.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeError, meanings } from "../../src/platform/errors.ts";
import { makeMemoryLog } from "../../src/platform/log.ts";
import type { Notice } from "../../src/platform/notify/contract.ts";
import { registerSubscribers } from "../../src/platform/events/subscribers.ts";
import { makeNotify, notifyMigrations, postNotice } from "../../src/platform/notify/notify.ts";
import type { NotifyOptions } from "../../src/platform/notify/notify.ts";
import type { Database } from "../../src/platform/database/contract.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import type { RunContext } from "../../src/platform/workflow/contract.ts";
import { testDatabase } from "../kit/database.ts";
import type { TestDatabase } from "../kit/database.ts";

let postgres: TestDatabase;
let database: Database;
const log = makeMemoryLog();

beforeAll(async () => {
  postgres = await testDatabase();
  database = await openDatabase({ url: postgres.url, home: "", log, migrations: notifyMigrations });
});
afterAll(async () => {
  await database.close();
  await postgres.drop();
});

const makeNotice = (id: string, topic = "mlops"): Notice => ({
  topic,
  id,
  severity: "alarm",
  title: "Line broken",
  body: "Look.",
  facts: { line: "GBR/GB-WEEE" },
});
const post = (notice: Notice) => database.transaction((tx) => postNotice(tx, notice));
const open = (options: Partial<NotifyOptions>) =>
  makeNotify({ database, log, channels: {}, topics: {}, tries: 3, backoffMs: 1, ...options });

/** Runs a delivery as the engine would, without its pauses; gives what the run ended with. */
async function deliver(notify: ReturnType<typeof open>, notice: string, channel: string, signal = new AbortController().signal) {
  const context = {
    runId: "r",
    attempt: 0,
    signal,
    step: async (_name, work, options) => {
      for (let tried = 1; ; tried++) {
        try {
          return await work(signal);
        } catch (error) {
          if (signal.aborted || !meanings[describeError(error).kind].retry || tried >= (options?.tries ?? 4)) throw error;
        }
      }
    },
    startChild: () => Promise.reject(new Error("not asked for")),
    childResult: () => Promise.reject(new Error("not asked for")),
    sleep: () => Promise.resolve(),
    progress: () => {},
  } satisfies RunContext;
  try {
    await notify.workflows[0]?.run(context, { notice, channel });
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

/** Receives webhooks and answers each with the next of `statuses`, then with 204. */
async function receiver(statuses: number[]) {
  const ids: string[] = [];
  const server = createServer((request, response) => {
    ids.push(String(request.headers["webhook-id"]));
    request.resume().on("end", () => response.writeHead(statuses.shift() ?? 204, { "retry-after": "0" }).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: string | AddressInfo | null = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const settings = {
    kind: "webhook" as const,
    url: `http://127.0.0.1:${port}/`,
    secret: `whsec_${Buffer.from("sesame").toString("base64")}`,
  };
  return { ids, settings, close: () => new Promise((resolve) => server.close(resolve)) };
}

describe("posting", () => {
  it("is one with the transaction of the fact: rolled back together, committed together, once", async () => {
    const notify = open({});
    await expect(
      database.transaction(async (tx) => {
        await postNotice(tx, makeNotice("rolled-back"));
        throw new Error("the fact did not come about");
      }),
    ).rejects.toThrow("did not come about");
    await Promise.all([post(makeNotice("once")), post(makeNotice("once")), post(makeNotice("once"))]);
    await post({ ...makeNotice("once"), title: "Another title" });
    const rows = await notify.list();
    expect(rows.map((row) => [row.id, row.title])).toEqual([["once", "Line broken"]]);
    const events = await database.query(`select subject, data from stockroom.outbox where kind = 'notice.posted'`);
    expect(events).toEqual([{ subject: "mlops", data: { notice: "once", severity: "alarm" } }]);
  });

  it("reaches exactly the channels of its topic", async () => {
    const notify = open({
      channels: { team: { kind: "slack", url: "https://example.com/" } },
      topics: { "stakeholders.": ["team", "log"], mlops: ["team"] },
    });
    await registerSubscribers(database, notify.subscriptions);
    const toWhom = async (topic: string) => {
      const event = { id: 1, kind: "notice.posted", subject: topic, data: { notice: "n" }, at: "", relayedAt: undefined };
      const inputs = await Promise.all(notify.subscriptions.map(async (subscription) => await subscription.input(event, database)));
      return inputs.filter((input) => input !== undefined);
    };
    expect(await toWhom("stakeholders.GBR")).toEqual([
      { notice: "n", channel: "log" },
      { notice: "n", channel: "team" },
    ]);
    expect(await toWhom("mlops")).toEqual([{ notice: "n", channel: "team" }]);
    expect(await toWhom("other")).toEqual([{ notice: "n", channel: "log" }]);
    expect(new Set(notify.subscriptions.map(({ name }) => name)).size).toBe(2);
  });

  it("is not possible to a channel nobody has", () => {
    expect(() => open({ topics: { mlops: ["tema"] } })).toThrow(/Topic mlops: expected one of the channels log but it names tema/);
  });
});

describe("delivery", () => {
  it("tries again until it is taken, with the same id, and is not repeated once it was", async () => {
    const hook = await receiver([503, 429]);
    const notify = open({ channels: { ops: hook.settings } });
    await post(makeNotice("retried"));
    expect(await deliver(notify, "retried", "ops")).toBeUndefined();
    expect(await deliver(notify, "retried", "ops")).toBeUndefined();
    expect(hook.ids).toHaveLength(3);
    expect(new Set(hook.ids).size).toBe(1);
    const [row] = await notify.list({ topic: "mlops", limit: 1 });
    expect(row?.deliveries).toMatchObject([{ channel: "ops", state: "delivered" }]);
    await hook.close();
  });

  it("that fails its tries fails the run, says why in the list, and leaves the other channels alone", async () => {
    const hook = await receiver([500, 500, 500]);
    const notify = open({ channels: { ops: hook.settings } });
    await post(makeNotice("half", "half"));
    expect(await deliver(notify, "half", "ops")).toMatchObject({ kind: "busy", code: "NOTIFY_UNREACHED", facts: { status: 500 } });
    expect(await deliver(notify, "half", "log")).toBeUndefined();
    const [row] = await notify.list({ topic: "half" });
    expect(row?.deliveries).toMatchObject([
      { channel: "log", state: "delivered" },
      { channel: "ops", state: "failed", error: "Expected channel ops to answer 2xx but it answered 500." },
    ]);
    expect(log.lines.at(-1)).toMatchObject({ level: "warn", message: "Line broken", facts: { notice: "half", line: "GBR/GB-WEEE" } });
    // Redriven after the receiver was mended.
    expect(await deliver(notify, "half", "ops")).toBeUndefined();
    const [mended] = await notify.list({ topic: "half" });
    expect(mended?.deliveries.map(({ state, error }) => [state, error])).toEqual([
      ["delivered", undefined],
      ["delivered", undefined],
    ]);
    await hook.close();
  });

  it("stops at once where a person must act", async () => {
    const hook = await receiver([410]);
    const notify = open({ channels: { ops: hook.settings } });
    await post(makeNotice("gone", "gone"));
    expect(await deliver(notify, "gone", "ops")).toMatchObject({ kind: "input", code: "NOTIFY_GONE" });
    expect(hook.ids).toHaveLength(1);
    await hook.close();
    expect(await deliver(notify, "gone", "pigeon")).toMatchObject({ kind: "missing", code: "NOTIFY_CHANNEL_MISSING" });
    expect(await deliver(notify, "never-posted", "ops")).toMatchObject({ kind: "missing", code: "NOTICE_MISSING" });
    const [row] = await notify.list({ topic: "gone" });
    expect(row?.deliveries.map(({ channel, state }) => [channel, state])).toEqual([
      ["ops", "failed"],
      ["pigeon", "failed"],
    ]);
  });

  it("cancelled on the way leaves the delivery waiting, for nothing is known to have failed", async () => {
    const stop = new AbortController();
    const server = createServer(() => stop.abort());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address: string | AddressInfo | null = server.address();
    const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`;
    const notify = open({ channels: { ops: { kind: "slack", url } } });
    await post(makeNotice("cut", "cut"));
    expect(await deliver(notify, "cut", "ops", stop.signal)).toMatchObject({ code: "FAULT" });
    const [row] = await notify.list({ topic: "cut" });
    expect(row?.deliveries).toMatchObject([{ channel: "ops", state: "waiting" }]);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
