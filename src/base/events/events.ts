// The relay: takes events out of the outbox in order and starts one run for each subscriber.
//
// Concurrency: any number of relays on one database; each takes rows nobody else has locked and marks them in the same transaction (E2, E3).

import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { StockroomError, describeError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import type { Log } from "../log.ts";
import type { Records, Tx } from "../records/contract.ts";
import { outboxChannel } from "../records/outbox.ts";
import type { Json, Workflows } from "../workflow/contract.ts";
import type { Events, StoredEvent, Subscription } from "./contract.ts";

const dayMs = 86_400_000;

export interface OpenEventsOptions {
  readonly records: Records;
  readonly workflows: Pick<Workflows, "has" | "startIn">;
  readonly subscriptions: readonly Subscription[];
  readonly log: Log;
  /** Stops the relay, as `close` does. */
  readonly signal?: AbortSignal;
  /** How often the outbox is looked into although nobody called. Default 1,000. */
  readonly pollMs?: number;
  /** Events taken in one transaction. Default 100. */
  readonly batch?: number;
  /** How long relayed events are kept for people to see. Default 30. */
  readonly keepDays?: number;
}

/**
 * Opens the relay. Throws `EVENTS_SETUP` (input) with everything wrong at once: a subscription to a workflow nobody registered would
 * take events and lose them, so the house does not open.
 *
 * @example
 * const events = await openEvents({ records, workflows, log, subscriptions: [
 *   { name: "train", kind: "object.stored", prefix: "classify/labelled/", workflow: train, input: (event) => ({ key: event.subject }) },
 * ] });
 */
export async function openEvents(options: OpenEventsOptions): Promise<Events> {
  const { records, workflows, log } = options;
  checkSubscriptions(options);
  const closing = new AbortController();
  const signal = options.signal === undefined ? closing.signal : AbortSignal.any([closing.signal, options.signal]);
  const batch = options.batch ?? 100;
  /** Events that cannot be relayed by this process, until it is started anew with better code. */
  const stuck = new Set<number>();
  let wake = new AbortController();

  /** Starts the runs of one event, all or none. False: a subscriber failed (E4). */
  const relayOne = async (tx: Tx, event: StoredEvent, dedupe: string | undefined): Promise<boolean> => {
    const wanting = options.subscriptions.filter(
      (subscription) => subscription.kind === event.kind && event.subject.startsWith(subscription.prefix ?? ""),
    );
    if (wanting.length === 0) return true;
    await tx.query("savepoint event");
    for (const subscription of wanting) {
      try {
        const input = subscription.input(event);
        if (input !== undefined)
          await workflows.startIn(tx, subscription.workflow.name, input, { id: runIdOf(event, dedupe, subscription) });
      } catch (thrown) {
        // The database being away is no fault of the event.
        if (describeError(thrown).kind === "busy") throw thrown;
        await tx.query("rollback to savepoint event");
        stuck.add(event.id);
        log.error("a subscriber could not take an event; the event stays in the outbox", {
          event: event.id,
          kind: event.kind,
          subject: event.subject,
          subscription: subscription.name,
          error: thrown,
        });
        return false;
      }
    }
    await tx.query("release savepoint event");
    return true;
  };

  /** Relays one batch; gives how many were taken and how many relayed. */
  const relayBatch = async (): Promise<{ readonly taken: number; readonly relayed: number }> =>
    records.transaction(async (tx) => {
      const rows = await tx.query<EventRow>(
        `select ${eventColumns} from stockroom.outbox where relayed_at is null and id <> all($1::bigint[])
         order by outbox.id limit $2 for update skip locked`,
        [[...stuck], batch],
      );
      const relayed: number[] = [];
      for (const row of rows) {
        if (await relayOne(tx, eventOf(row), row.dedupe ?? undefined)) relayed.push(row.id);
      }
      faultPoint("events.relay.started");
      if (relayed.length > 0) {
        await tx.query(`update stockroom.outbox set relayed_at = clock_timestamp() where id = any($1::bigint[])`, [relayed]);
      }
      return { taken: rows.length, relayed: relayed.length };
    });

  const relayNow = async (): Promise<number> => {
    let total = 0;
    for (;;) {
      const { taken, relayed } = await relayBatch();
      if (relayed > 0) faultPoint("events.relay.committed");
      total += relayed;
      if (taken < batch) return total;
    }
  };

  const loop = async (): Promise<void> => {
    let forgetAt = Date.now();
    while (!signal.aborted) {
      // Made before looking, so that a call during the look is not lost.
      wake = new AbortController();
      try {
        await relayNow();
        if (Date.now() >= forgetAt) {
          forgetAt = Date.now() + 3_600_000;
          await forgetEvents(records, (options.keepDays ?? 30) * dayMs);
        }
      } catch (thrown) {
        if (!signal.aborted) log.warn("the relay failed; it is tried again", { error: thrown });
      }
      await pause(options.pollMs ?? 1_000, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => undefined);
    }
  };

  const stopListening = await records.listen(outboxChannel, () => wake.abort());
  const ended = loop();

  return {
    relayNow,
    list: async (query = {}) => {
      const rows = await records.query<EventRow>(
        `select ${eventColumns} from stockroom.outbox
         where ($1::text is null or kind = $1) and starts_with(subject, $2) order by outbox.id desc limit $3`,
        [query.kind ?? null, query.prefix ?? "", query.limit ?? 100],
      );
      return rows.map(eventOf);
    },
    close: async () => {
      closing.abort();
      await stopListening();
      await ended;
    },
  };
}

/** E1. A long dedupe key is hashed, because a run's id must fit into an index. */
export function runIdOf(event: Pick<StoredEvent, "id">, dedupe: string | undefined, subscription: Pick<Subscription, "name">): string {
  if (dedupe === undefined) return `event/#${event.id}/${subscription.name}`;
  const key = Buffer.byteLength(dedupe) <= 1_000 ? dedupe : `sha256:${createHash("sha256").update(dedupe).digest("hex")}`;
  return `event/${key}/${subscription.name}`;
}

interface EventRow {
  readonly id: number;
  readonly kind: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, Json>>;
  readonly dedupe: string | null;
  readonly at: string;
  readonly relayed_at: string | null;
}

const eventColumns = `id::float8 as id, kind, subject, data, dedupe, at, relayed_at`;

function eventOf(row: EventRow): StoredEvent {
  return { id: row.id, kind: row.kind, subject: row.subject, data: row.data, at: row.at, relayedAt: row.relayed_at ?? undefined };
}

async function forgetEvents(tx: Tx, olderThanMs: number): Promise<void> {
  await tx.query(`delete from stockroom.outbox where relayed_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000)`, [
    olderThanMs,
  ]);
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
