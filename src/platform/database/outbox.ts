// Outbox: facts written in the transaction that makes them true, for the relay to hand out (events part).

import { currentTrace } from "../tracing/spans.ts";
import { currentCaller } from "../web/caller.ts";
import type { Migration, OutboxEvent, Tx } from "./contract.ts";

/** NOTIFY on this channel tells that the outbox has grown; the payload is empty. */
export const outboxChannel = "stockroom_outbox";

export const databaseMigrations: readonly Migration[] = [
  {
    id: "records-001-outbox",
    sql: `
      create table stockroom.outbox (
        id bigserial primary key,
        kind text not null,
        subject text not null,
        data jsonb not null,
        dedupe text unique,
        at timestamptz not null default clock_timestamp(),
        relayed_at timestamptz
      );
      create index outbox_waiting on stockroom.outbox (id) where relayed_at is null;
      create index outbox_subject on stockroom.outbox (kind, subject text_pattern_ops, id);
    `,
  },
  {
    id: "records-002-subscriptions",
    sql: `
      create table stockroom.subscription (
        name text primary key,
        kind text not null,
        prefix text not null,
        workflow text not null,
        since timestamptz not null default clock_timestamp(),
        seen_at timestamptz not null default clock_timestamp()
      );
      -- The subscribers that have the event, while others still wait for it.
      alter table stockroom.outbox add column given text[] not null default '{}';
    `,
  },
  {
    id: "records-003-homes",
    sql: `
      create table stockroom.home (
        id text primary key,
        host text not null,
        path text not null,
        device text not null,
        inode text not null,
        -- quiet: works, but what acts on others rests.
        mode text not null check (mode in ('active', 'quiet')),
        since timestamptz not null default clock_timestamp(),
        seen_at timestamptz not null default clock_timestamp()
      );
    `,
  },
  {
    id: "records-004-users",
    // Who signed in; null: nobody in particular, or the app itself.
    sql: "alter table stockroom.outbox add column by_user text",
  },
  {
    id: "records-005-traces",
    // The trace of what wrote it, as W3C Trace Context does.
    sql: "alter table stockroom.outbox add column trace text",
  },
];

/**
 * Writes an event into the outbox of this transaction and wakes the relay when it commits. Gives the event's id, or `undefined`
 * when one with the same `dedupe` was there already.
 *
 * Two transactions with the same `dedupe` wait for each other: the second learns what became of the first.
 */
export async function appendEvent(tx: Tx, event: OutboxEvent): Promise<number | undefined> {
  const [row] = await tx.query<{ id: number }>(
    `with written as (
       insert into stockroom.outbox (kind, subject, data, dedupe, by_user, trace) values ($1, $2, $3, $4, $5, $6)
       on conflict (dedupe) do nothing
       returning id
     )
     select id::float8 as id, pg_notify('${outboxChannel}', '') from written`,
    [event.kind, event.subject, JSON.stringify(event.data), event.dedupe ?? null, currentCaller()?.name ?? null, currentTrace()],
  );
  return row?.id;
}

/** A subscriber nobody has spoken for so long is served by no process: several times the pause between two words. */
export const servedMs = 90_000;

/** SQL: whether a subscriber `s` wants the event `o` and does not have it yet. */
export const wants = `s.kind = o.kind and starts_with(o.subject, s.prefix) and s.name <> all(o.given)`;

/** Whether an event waits to be relayed. One that waits only for subscribers whom no process serves does not keep a system busy. */
export async function anyEventWaits(tx: Tx): Promise<boolean> {
  const rows = await tx.query(
    `select 1 as one from stockroom.outbox o
     where relayed_at is null
       and (not exists (select 1 from stockroom.subscription s where ${wants})
            or exists (select 1 from stockroom.subscription s where ${wants}
                       and s.seen_at > clock_timestamp() - make_interval(secs => $1::float8 / 1000)))
     limit 1`,
    [servedMs],
  );
  return rows.length > 0;
}
