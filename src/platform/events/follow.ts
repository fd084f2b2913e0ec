// Follow: the outbox in order, from a place on, as it grows. For who watches; whoever must not miss an event subscribes.
//
//   W1. Every event once, in the order of its number, none left out: numbers are given before their transactions commit, so one that is missing
//       is waited for until every transaction that was under way when it was missed has ended. Then nobody can bring it any more.
//   W2. Whoever begins now hears also of events whose number is lower than the newest one, but whose transaction was under way at the begin.

import type { Tx } from "../database/contract.ts";
import type { StoredEvent } from "./contract.ts";
import { eventColumns, eventOf, type EventRow } from "./subscribers.ts";

export interface Follower {
  /** The number of the last event given. */
  readonly position: number;
  /** What has come since, at most `limit`. */
  next(limit: number): Promise<readonly StoredEvent[]>;
}

/** Where somebody begins who wants what comes from now on. */
export interface Begin {
  /** The newest number; 0 when there never was an event. */
  readonly position: number;
  /** Lower numbers that transactions may still bring, until all those before `until` have ended (W2). */
  readonly late: { readonly numbers: readonly number[]; readonly until: number };
}

/** So far back a number may lie whose transaction is under way. */
const lateNumbers = 1_000;

/** The place of now. */
export async function beginNow(tx: Tx): Promise<Begin> {
  const [row] = await tx.query<{ newest: number; until: number; numbers: number[] }>(
    `with newest as (
       select coalesce(max(id), (select case when is_called then last_value else 0 end from stockroom.outbox_id_seq)) as id from stockroom.outbox
     )
     select id::float8 as newest, pg_snapshot_xmax(pg_current_snapshot())::text::float8 as until,
            case when pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot()) then '{}'::float8[]
                 else array(select n::float8 from generate_series(greatest(1, id - $1 + 1), id) n
                             where not exists (select from stockroom.outbox o where o.id = n)) end as numbers
       from newest`,
    [lateNumbers],
  );
  return { position: row?.newest ?? 0, late: { numbers: row?.numbers ?? [], until: row?.until ?? 0 } };
}

/** The number of the oldest event that is still kept; undefined when there is none. */
export async function oldestEvent(tx: Tx): Promise<number | undefined> {
  const [row] = await tx.query<{ oldest: number | null }>("select min(id)::float8 as oldest from stockroom.outbox");
  return row?.oldest ?? undefined;
}

/** Follows the outbox from after an event's number, or from a begin. */
export function followEvents(tx: Tx, after: number | Begin): Follower {
  let position = typeof after === "number" ? after : after.position;
  const late = makeLate(tx, typeof after === "number" ? undefined : after.late);
  /** A number that is missing, and the transactions that may bring it: those before `newest`. */
  let gap: { readonly after: number; readonly newest: number } | undefined;
  return {
    get position() {
      return position;
    },
    next: async (limit) => {
      const events = await late();
      const rows = await tx.query<EventRow & { oldest_open: number; newest: number }>(
        `select ${eventColumns}, pg_snapshot_xmin(pg_current_snapshot())::text::float8 as oldest_open,
                pg_snapshot_xmax(pg_current_snapshot())::text::float8 as newest
           from stockroom.outbox where outbox.id > $1 order by outbox.id limit $2`,
        [position, limit],
      );
      for (const { oldest_open: oldestOpen, newest, ...row } of rows) {
        const event = eventOf(row);
        if (event.id !== position + 1) {
          if (gap?.after !== position) gap = { after: position, newest };
          if (oldestOpen < gap.newest) break;
        }
        events.push(event);
        position = event.id;
      }
      return events;
    },
  };
}

/** Gives late events as they come, each once, and nothing any more when none can come. */
function makeLate(tx: Tx, begin: Begin["late"] | undefined): () => Promise<StoredEvent[]> {
  const numbers = new Set(begin?.numbers);
  return async () => {
    if (begin === undefined || numbers.size === 0) return [];
    // Asked before the rows: when all of those transactions have ended by now, the rows below are all that there will be.
    const [row] = await tx.query<{ oldest_open: number }>("select pg_snapshot_xmin(pg_current_snapshot())::text::float8 as oldest_open");
    const rows = await tx.query<EventRow>(
      `select ${eventColumns} from stockroom.outbox where outbox.id = any($1::bigint[]) order by outbox.id`,
      [[...numbers]],
    );
    const events = rows.map((one) => eventOf(one));
    for (const { id } of events) numbers.delete(id);
    if ((row?.oldest_open ?? 0) >= begin.until) numbers.clear();
    return events;
  };
}
