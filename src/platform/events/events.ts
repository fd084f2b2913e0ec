// The relay: takes events out of the outbox in order and starts one run for each subscriber this process has.
//
// Concurrency: any number of relays on one database, with the same subscribers or others; each takes rows nobody else has locked and
// marks in the same transaction who has them (E2, E3, E5).

import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { StockroomError, describeError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import type { Log } from "../log.ts";
import type { Database, Tx } from "../database/contract.ts";
import { outboxChannel } from "../database/outbox.ts";
import { inTrace } from "../tracing/spans.ts";
import type { Workflows } from "../workflow/contract.ts";
import type { Events, StoredEvent, Subscription } from "./contract.ts";
import {
  eventColumns,
  forgetSubscriber,
  forgetUnseen,
  listSubscribers,
  markGiven,
  registerSubscribers,
  speakMs,
  takeEvents,
  type WaitingEvent,
  eventOf,
  type EventRow,
} from "./subscribers.ts";

const dayMs = 86_400_000;

export interface OpenEventsOptions {
  readonly database: Database;
  readonly workflows: Pick<Workflows, "has" | "startIn">;
  readonly subscriptions: readonly Subscription[];
  readonly log: Log;
  /** Stops the relay, as `close` does. */
  readonly signal?: AbortSignal;
  /** How often the outbox is looked into although nobody called. Default 1,000. */
  readonly pollMs?: number;
  /** Events taken in one transaction. Default 100. */
  readonly batch?: number;
  /** How long relayed events are kept for people to see, and how long a subscriber may be without a process. Default 30. */
  readonly keepDays?: number;
  /** True (the default): this process works, and speaks for its subscribers. A command beside it relays, but nobody need wait for it. */
  readonly serves?: boolean;
}

/**
 * Opens the relay. Throws `EVENTS_SETUP` (input) with everything wrong at once: a subscription to a workflow nobody registered would
 * take events and lose them, so the app does not open.
 *
 * @example
 * const events = await openEvents({ database, workflows, log, subscriptions: [
 *   { name: "train", kind: "object.stored", prefix: "classify/labelled/", workflow: train, input: (event) => ({ key: event.subject }) },
 * ] });
 */
export async function openEvents(options: OpenEventsOptions): Promise<Events> {
  const { database, log } = options;
  checkSubscriptions(options);
  const closing = new AbortController();
  const signal = options.signal === undefined ? closing.signal : AbortSignal.any([closing.signal, options.signal]);
  const serves = options.serves ?? true;
  const keepMs = (options.keepDays ?? 30) * dayMs;
  const relay = makeRelay(options);
  let wake = new AbortController();
  if (serves) await registerSubscribers(database, options.subscriptions);

  const loop = async (): Promise<void> => {
    let forgetAt = Date.now();
    let speakAt = Date.now() + speakMs;
    while (!signal.aborted) {
      // Made before looking, so that a call during the look is not lost.
      wake = new AbortController();
      try {
        if (serves && Date.now() >= speakAt) {
          speakAt = Date.now() + speakMs;
          await registerSubscribers(database, options.subscriptions);
        }
        await relay();
        if (serves && Date.now() >= forgetAt) {
          forgetAt = Date.now() + 3_600_000;
          await forgetOld(database, keepMs, log);
        }
      } catch (thrown) {
        if (!signal.aborted) log.warn("the relay failed; it is tried again", { error: thrown });
      }
      await pause(options.pollMs ?? 1_000, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => undefined);
    }
  };

  const stopListening = await database.listen(outboxChannel, () => wake.abort());
  const ended = loop();

  return {
    relayNow: relay,
    list: async (query = {}) => {
      const rows = await database.query<EventRow>(
        `select ${eventColumns} from stockroom.outbox
         where ($1::text is null or kind = $1) and starts_with(subject, $2) and ($4::bigint is null or outbox.id < $4)
         order by outbox.id desc limit $3`,
        [query.kind ?? null, query.prefix ?? "", query.limit ?? 100, query.after ?? null],
      );
      return rows.map(eventOf);
    },
    subscriptions: () => listSubscribers(database),
    forget: (subscription) => database.transaction((tx) => forgetSubscriber(tx, subscription)),
    close: async () => {
      closing.abort();
      await stopListening();
      await ended;
    },
  };
}

/** Makes what relays all that this process can, and gives how many events it handed to somebody. */
function makeRelay(options: OpenEventsOptions): () => Promise<number> {
  const { database } = options;
  const batch = options.batch ?? 100;
  const mine = new Map(options.subscriptions.map((subscription) => [subscription.name, subscription]));
  /** `<event> <subscriber>` of what this process cannot do until it is started anew with better code. */
  const stuck = new Set<string>();

  const relayBatch = async (): Promise<{ readonly taken: number; readonly relayed: number }> =>
    database.transaction(async (tx) => {
      const rows = await takeEvents(tx, { mine: [...mine.keys()], stuck: [...stuck], serves: options.serves ?? true, limit: batch });
      const given: { event: number; names: string[] }[] = [];
      for (const row of rows) {
        const names: string[] = [];
        for (const name of row.waiting) {
          const subscription = mine.get(name);
          if (subscription === undefined || stuck.has(`${row.id} ${name}`)) continue;
          if (await hand(options, tx, row, subscription)) names.push(name);
          else stuck.add(`${row.id} ${name}`);
        }
        if (names.length > 0 || row.waiting.length === 0) given.push({ event: row.id, names });
      }
      faultPoint("events.relay.started");
      await markGiven(tx, given);
      return { taken: rows.length, relayed: given.length };
    });

  return async () => {
    let total = 0;
    for (;;) {
      const { taken, relayed } = await relayBatch();
      if (relayed > 0) faultPoint("events.relay.committed");
      total += relayed;
      if (taken < batch) return total;
    }
  };
}

/** Starts the run of one event and subscriber. False: the subscriber failed, and nothing of it stands (E4). */
async function hand(options: OpenEventsOptions, tx: Tx, row: WaitingEvent, subscription: Subscription): Promise<boolean> {
  const event = eventOf(row);
  await tx.query("savepoint hand");
  try {
    const input = await subscription.input(event, tx);
    if (input !== undefined) {
      const id = runIdOf(event, row.dedupe ?? undefined, subscription);
      await inTrace(row.trace, async () => await options.workflows.startIn(tx, subscription.workflow.name, input, { id }));
    }
    await tx.query("release savepoint hand");
    return true;
  } catch (thrown) {
    // The database being away is no fault of the event.
    if (describeError(thrown).kind === "busy") throw thrown;
    await tx.query("rollback to savepoint hand");
    options.log.error("a subscriber could not take an event; the event stays in the outbox", {
      event: event.id,
      kind: event.kind,
      subject: event.subject,
      subscription: subscription.name,
      error: thrown,
    });
    return false;
  }
}

/** Drops events long relayed, and subscribers that no process has spoken for as long. */
async function forgetOld(database: Database, keepMs: number, log: Log): Promise<void> {
  for (const name of await forgetUnseen(database, keepMs)) {
    log.warn("a subscription is forgotten, because no process has served it for long; what waited for it is given up", {
      subscription: name,
      days: keepMs / dayMs,
    });
  }
  await database.query(`delete from stockroom.outbox where relayed_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000)`, [
    keepMs,
  ]);
}

/** E1. A long dedupe key is hashed, because a run's id must fit into an index. */
export function runIdOf(event: Pick<StoredEvent, "id">, dedupe: string | undefined, subscription: Pick<Subscription, "name">): string {
  if (dedupe === undefined) return `event/#${event.id}/${subscription.name}`;
  const key = Buffer.byteLength(dedupe) <= 1_000 ? dedupe : `sha256:${createHash("sha256").update(dedupe).digest("hex")}`;
  return `event/${key}/${subscription.name}`;
}

function checkSubscriptions(options: OpenEventsOptions): void {
  const wrong: string[] = [];
  const names = options.subscriptions.map((subscription) => subscription.name);
  for (const name of new Set(names.filter((one, index) => names.indexOf(one) !== index))) wrong.push(`"${name}" is defined twice`);
  for (const subscription of options.subscriptions) {
    const workflow = subscription.workflow.name;
    if (!options.workflows.has(workflow)) wrong.push(`"${subscription.name}" names the workflow "${workflow}", which is not registered`);
  }
  if (wrong.length > 0) {
    throw new StockroomError(
      "input",
      "EVENTS_SETUP",
      `Expected every subscription to have a name of its own and a registered workflow but: ${wrong.join("; ")}. Correct these definitions.`,
      { facts: { problems: wrong.length } },
    );
  }
}
