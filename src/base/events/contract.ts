// Events: facts from the outbox, each handed to every subscriber at least once, as one run per (event, subscriber).
//
// Owns: subscriptions, the relay, its place in the outbox. Does not own: the outbox table (records), the runs (workflow).
//   E1. A run's id is derived from the event's dedupe key (or id) and the subscriber's name: repeated delivery starts nothing new.
//   E2. An event is marked relayed in the transaction that enqueues every subscriber's run: all of it or nothing.
//   E3. Two relays on one database never skip an event (row locks, SKIP LOCKED).
//   E4. An event whose subscriber cannot make its input stays in the outbox, is told of, and holds up no other.

import type { Json, WorkflowDefinition } from "../workflow/contract.ts";

export interface StoredEvent {
  readonly id: number;
  readonly kind: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, Json>>;
  readonly at: string;
  readonly relayedAt: string | undefined;
}

export interface Subscription {
  /** Stable and unique. */
  readonly name: string;
  readonly kind: string;
  /** Only events whose subject starts so; absent: all. */
  readonly prefix?: string;
  readonly workflow: WorkflowDefinition;
  /** Makes the run's input; `undefined` means this subscriber does not care. Pure. */
  readonly input: (event: StoredEvent) => Json | undefined;
}

export interface Events {
  /** Newest first. Default limit 100. */
  list(query?: { readonly kind?: string; readonly prefix?: string; readonly limit?: number }): Promise<readonly StoredEvent[]>;
  /** Relays what waits now and gives how many; the relay also runs by itself (LISTEN/NOTIFY with a poll as the net). */
  relayNow(): Promise<number>;
  close(): Promise<void>;
}
