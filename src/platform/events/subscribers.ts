// Subscribers: who is known to want which events. The rows are the truth of the whole fleet; each process speaks for those it has.
//
// Owns: what is written about subscribers and who has which event. Does not own: the tables (database), starting runs (events.ts).

import { StockroomError } from "../errors.ts";
import type { Tx } from "../database/contract.ts";
import { servedMs, wants } from "../database/outbox.ts";
import type { Json } from "../workflow/contract.ts";
import type { KnownSubscription, Subscription, StoredEvent } from "./contract.ts";

/** How often a process speaks for its subscribers. */
export const speakMs = 20_000;

/** Speaks for subscribers: they are known from now on, and served. */
export async function registerSubscribers(tx: Tx, subscriptions: readonly Subscription[]): Promise<void> {
  await tx.query(
    `insert into stockroom.subscription (name, kind, prefix, workflow)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) order by 1
     on conflict (name) do update set
       kind = excluded.kind, prefix = excluded.prefix, workflow = excluded.workflow, seen_at = clock_timestamp()`,
    [
      subscriptions.map(({ name }) => name),
      subscriptions.map(({ kind }) => kind),
      subscriptions.map(({ prefix }) => prefix ?? ""),
      subscriptions.map(({ workflow }) => workflow.name),
    ],
  );
}

export interface WaitingEvent {
  readonly id: number;
  readonly kind: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, Json>>;
  readonly dedupe: string | null;
  readonly at: string;
  readonly relayed_at: string | null;
  readonly by_user: string | null;
  readonly trace: string | null;
  /** The known subscribers that still wait for it. */
  readonly waiting: readonly string[];
}

export type EventRow = Omit<WaitingEvent, "waiting">;

export function eventOf(row: EventRow): StoredEvent {
  const { id, kind, subject, data, at, relayed_at: relayedAt, by_user: by } = row;
  return { id, kind, subject, data, at, relayedAt: relayedAt ?? undefined, ...(by === null ? {} : { by }) };
}

export const eventColumns = `id::float8 as id, kind, subject, data, dedupe, at, relayed_at, by_user, trace`;

/**
 * Locks the oldest events with which this process can get on: one of `mine` waits for it, or nobody does.
 *
 * `stuck` holds `<event> <subscriber>` for what this process has failed at. Without any known subscriber only a process that `serves`
 * takes an event: to a command on a database on which nobody has worked yet, an event must not be lost to those who come.
 */
export async function takeEvents(
  tx: Tx,
  { mine, stuck, serves, limit }: { mine: readonly string[]; stuck: readonly string[]; serves: boolean; limit: number },
): Promise<WaitingEvent[]> {
  return tx.query<WaitingEvent>(
    `select ${eventColumns}, array(select s.name from stockroom.subscription s where ${wants} order by s.name) as waiting
     from stockroom.outbox o
     where relayed_at is null and ($4 or exists (select 1 from stockroom.subscription))
       and (exists (select 1 from stockroom.subscription s where ${wants} and s.name = any($1) and o.id || ' ' || s.name <> all($2))
            or not exists (select 1 from stockroom.subscription s where ${wants}))
     order by o.id limit $3 for update of o skip locked`,
    [mine, stuck, limit, serves],
  );
}

/** Writes down who has each event now, and that it is done when nobody waits any more. */
export async function markGiven(tx: Tx, given: readonly { readonly event: number; readonly names: readonly string[] }[]): Promise<void> {
  if (given.length === 0) return;
  await tx.query(
    `update stockroom.outbox as o
     set given = news.given,
         relayed_at = case when exists (
           select 1 from stockroom.subscription s where s.kind = o.kind and starts_with(o.subject, s.prefix) and s.name <> all(news.given)
         ) then null else clock_timestamp() end
     from (
       select o.id, o.given || array(select jsonb_array_elements_text(news.names)) as given
       from stockroom.outbox o join unnest($1::bigint[], $2::jsonb[]) as news(id, names) on news.id = o.id
     ) as news
     where o.id = news.id`,
    [given.map(({ event }) => event), given.map(({ names }) => JSON.stringify(names))],
  );
}

export async function listSubscribers(tx: Tx): Promise<KnownSubscription[]> {
  return tx.query<KnownSubscription>(
    `select s.name, s.kind, s.prefix, s.workflow, s.seen_at as "seenAt",
            s.seen_at > clock_timestamp() - make_interval(secs => $1::float8 / 1000) as served,
            (select count(*)::float8 from stockroom.outbox o where o.relayed_at is null and ${wants}) as waiting
     from stockroom.subscription s order by s.name`,
    [servedMs],
  );
}

/** Forgets subscribers nobody has spoken for in `olderThanMs`; gives their names. Their events are done when nobody else waits. */
export async function forgetUnseen(tx: Tx, olderThanMs: number): Promise<string[]> {
  const rows = await tx.query<{ name: string }>(
    `delete from stockroom.subscription where seen_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000) returning name`,
    [olderThanMs],
  );
  return rows.map(({ name }) => name);
}

/** Forgets one subscriber; see `Events.forget`. */
export async function forgetSubscriber(tx: Tx, name: string): Promise<number> {
  const known = (await listSubscribers(tx)).find((one) => one.name === name);
  if (known === undefined) {
    throw new StockroomError(
      "missing",
      "SUBSCRIPTION_UNKNOWN",
      `Expected a known subscription but received "${name}". List them with \`stockroom subscriptions list\`.`,
      { facts: { subscription: name } },
    );
  }
  if (known.served) {
    throw new StockroomError(
      "conflict",
      "SUBSCRIPTION_SERVED",
      `Expected a subscription that no process serves but a process spoke for "${name}" at ${known.seenAt}. Take it out of that process's settings and stop the process first.`,
      { facts: { subscription: name } },
    );
  }
  await tx.query(`delete from stockroom.subscription where name = $1`, [name]);
  return known.waiting;
}
