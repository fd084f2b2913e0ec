// Follow: the outbox in order, from a place on, as it grows. For who watches; whoever must not miss an event subscribes.
//
//   W1. Every event once, in the order of its number, none left out: numbers are given before their transactions commit, so one that is missing
//       is waited for until every transaction that was under way when it was missed has ended. Then nobody can bring it any more.

import type { Tx } from "../database/contract.ts";
import type { StoredEvent } from "./contract.ts";
import { eventColumns, eventOf, type EventRow } from "./subscribers.ts";

export interface Follower {
  /** The number of the last event given. */
  readonly position: number;
  /** What has come since, at most `limit`. */
  next(limit: number): Promise<readonly StoredEvent[]>;
}

/** The number of the newest event; 0 when there is none. */
export async function newestEvent(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ newest: number }>("select coalesce(max(id), 0)::float8 as newest from stockroom.outbox");
  return row?.newest ?? 0;
}

/** The number of the oldest event that is still kept; undefined when there is none. */
export async function oldestEvent(tx: Tx): Promise<number | undefined> {
  const [row] = await tx.query<{ oldest: number | null }>("select min(id)::float8 as oldest from stockroom.outbox");
  return row?.oldest ?? undefined;
}

/** Follows the outbox from after an event's number. */
export function followEvents(tx: Tx, after: number): Follower {
  let position = after;
  /** A number that is missing, and the transactions that may bring it: those before `newest`. */
  let gap: { readonly after: number; readonly newest: number } | undefined;
  return {
    get position() {
      return position;
    },
    next: async (limit) => {
      const rows = await tx.query<EventRow & { oldest_open: number; newest: number }>(
        `select ${eventColumns}, pg_snapshot_xmin(pg_current_snapshot())::text::float8 as oldest_open,
                pg_snapshot_xmax(pg_current_snapshot())::text::float8 as newest
           from stockroom.outbox where outbox.id > $1 order by outbox.id limit $2`,
        [position, limit],
      );
      const events: StoredEvent[] = [];
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
