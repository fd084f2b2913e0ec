// Events: facts from the outbox, each handed to every subscriber at least once, as one run per (event, subscriber).
//
// Owns: subscriptions, the relay, its place in the outbox. Does not own: the outbox table (database), the runs (workflow).
//   E1. A run's id is derived from the event's dedupe key (or id) and the subscriber's name: repeated delivery starts nothing new.
//   E2. A subscriber is marked as having an event in the transaction that enqueues its run, and the event is marked relayed in the
//       transaction that gives it to the last of them.
//   E3. Two relays on one database never skip an event (row locks, SKIP LOCKED).
//   E4. An event whose subscriber cannot make its input stays in the outbox, is told of, and holds up no other event and no other subscriber.
//   E5. Who subscribes stands in the database: a process that knows fewer subscribers than others (other settings, an older release)
//       relays for those it knows and leaves the event to the rest. A subscriber is forgotten only by a person, or after `keepDays`
//       in which no process spoke for it; both are told.

import type { Tx } from "../database/contract.ts";
import type { Json, WorkflowDefinition } from "../workflow/contract.ts";

export interface StoredEvent {
  readonly id: number;
  readonly kind: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, Json>>;
  readonly at: string;
  readonly relayedAt: string | undefined;
  /** The person or machine that signed in and from whose request it came. */
  readonly by?: string;
}

export interface Subscription {
  /** Stable and unique. */
  readonly name: string;
  readonly kind: string;
  /** Only events whose subject starts so; absent: all. */
  readonly prefix?: string;
  readonly workflow: WorkflowDefinition;
  /** Makes the run's input; `undefined` means this subscriber does not care. It may read, through `tx` alone, and changes nothing. */
  readonly input: (event: StoredEvent, tx: Tx) => Json | undefined | Promise<Json | undefined>;
}

/** A subscriber as the database knows it. */
export interface KnownSubscription {
  readonly name: string;
  readonly kind: string;
  readonly prefix: string;
  readonly workflow: string;
  /** When a process last spoke for it. */
  readonly seenAt: string;
  /** Whether a process has spoken for it lately; without one its events wait. */
  readonly served: boolean;
  /** Events that wait for it. */
  readonly waiting: number;
}

export interface Events {
  /** Newest first. Default limit 100. */
  list(query?: {
    readonly kind?: string | undefined;
    readonly prefix?: string | undefined;
    /** Only those older than this event. */
    readonly after?: number | undefined;
    readonly limit?: number | undefined;
  }): Promise<readonly StoredEvent[]>;
  /** Relays what waits now and gives how many; the relay also runs by itself (LISTEN/NOTIFY with a poll as the net). */
  relayNow(): Promise<number>;
  /** Every subscriber known to the database, by name. */
  subscriptions(): Promise<readonly KnownSubscription[]>;
  /**
   * Forgets a subscriber that no process serves: what waits for it alone is given up, and the number of such events is returned.
   * Throws `SUBSCRIPTION_UNKNOWN` (missing), `SUBSCRIPTION_SERVED` (conflict) while a process speaks for it: it would come back at once.
   */
  forget(subscription: string): Promise<number>;
  close(): Promise<void>;
}
