// Outbox: facts written in the transaction that makes them true, for the relay to hand out (events room).

import type { Migration, OutboxEvent, Tx } from "./contract.ts";

/** NOTIFY on this channel tells that the outbox has grown; the payload is empty. */
export const outboxChannel = "stockroom_outbox";

export const recordsMigrations: readonly Migration[] = [
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
       insert into stockroom.outbox (kind, subject, data, dedupe) values ($1, $2, $3, $4)
       on conflict (dedupe) do nothing
       returning id
     )
     select id::float8 as id, pg_notify('${outboxChannel}', '') from written`,
    [event.kind, event.subject, JSON.stringify(event.data), event.dedupe ?? null],
  );
  return row?.id;
}
