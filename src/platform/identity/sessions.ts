// Sessions: what follows a sign-in by a browser. A row of ours, found by the digest of what the cookie holds.
//
//   S1. A sign-in makes a new one and ends the one the browser came with: nobody can be given a session to sign in to.
//   S2. One that is not used ends, one that is used ends too, later.

import { StockroomError } from "../errors.ts";
import type { Tx } from "../database/contract.ts";
import type { Clock } from "../time.ts";
import { digestOf, makeId, makeSecret } from "./secrets.ts";

/** A session as it is listed. */
export interface Session {
  readonly id: string;
  readonly userId: string;
  /** As the browser called itself. */
  readonly agent: string;
  readonly address: string;
  readonly createdAt: string;
  readonly seenAt: string;
  readonly expiresAt: string;
}

export interface SessionTimes {
  /** Without use it ends after so long. */
  readonly idleMs: number;
  /** It ends after so long in any case. */
  readonly longestMs: number;
}

export interface Sessions {
  start(
    userId: string,
    from: { readonly address: string; readonly agent: string; readonly session?: string | undefined },
  ): Promise<{
    readonly secret: string;
    readonly session: Session;
  }>;
  /** The one that is open now, and notes its use unless told otherwise. */
  find(secret: string, isUse?: boolean): Promise<Session | undefined>;
  /** Open ones, newest first; `userId`: only of one. */
  list(userId?: string): Promise<readonly Session[]>;
  end(by: { readonly secret: string } | { readonly userId: string }): Promise<void>;
  /** Throws `SESSION_MISSING` (missing); `userId`: only if it is theirs. */
  endById(id: string, userId?: string): Promise<void>;
}

const seenEveryMs = 60_000;
const columns = "id, user_id, agent, address, created_at, seen_at, expires_at";

interface Row {
  readonly id: string;
  readonly user_id: string;
  readonly agent: string;
  readonly address: string;
  readonly created_at: string;
  readonly seen_at: string;
  readonly expires_at: string;
}

const sessionOf = (row: Row): Session => ({
  id: row.id,
  userId: row.user_id,
  agent: row.agent,
  address: row.address,
  createdAt: row.created_at,
  seenAt: row.seen_at,
  expiresAt: row.expires_at,
});

export function makeSessions(database: Tx, clock: Clock, { idleMs, longestMs }: SessionTimes): Sessions {
  const at = (ms = 0): string => new Date(clock.now() + ms).toISOString();
  return {
    start: async (userId, { address, agent, session }) => {
      const secret = makeSecret();
      const [row] = await database.query<Row>(
        `with ended as (delete from stockroom.identity_session where digest = $2 or expires_at < $6 or seen_at < $8)
         insert into stockroom.identity_session (id, digest, user_id, agent, address, created_at, seen_at, expires_at)
         values ($1, $3, $4, $5, $9, $6, $6, $7) returning ${columns}`,
        [
          makeId(),
          digestOf(session ?? ""),
          digestOf(secret),
          userId,
          agent.slice(0, 200),
          at(),
          at(longestMs),
          at(-idleMs),
          address.slice(0, 100),
        ],
      );
      if (row === undefined)
        throw new StockroomError("fault", "SESSION_NO_ROW", "Expected a row of the session but the database gave none back.");
      return { secret, session: sessionOf(row) };
    },
    find: async (secret, isUse = true) => {
      const [row] = await database.query<Row>(
        `with found as (
           select * from stockroom.identity_session where digest = $1 and expires_at > $2 and seen_at > $3
         ), seen as (
           update stockroom.identity_session s set seen_at = $2 from found where s.id = found.id and found.seen_at < $4 and $5::boolean
         )
         select ${columns} from found`,
        [digestOf(secret), at(), at(-idleMs), at(-seenEveryMs), isUse],
      );
      return row === undefined ? undefined : sessionOf(row);
    },
    list: async (userId) => {
      const rows = await database.query<Row>(
        `select ${columns} from stockroom.identity_session
         where ($1::text is null or user_id = $1) and expires_at > $2 and seen_at > $3 order by created_at desc, id`,
        [userId ?? null, at(), at(-idleMs)],
      );
      return rows.map(sessionOf);
    },
    end: async (by) => {
      if ("secret" in by) await database.query("delete from stockroom.identity_session where digest = $1", [digestOf(by.secret)]);
      else await database.query("delete from stockroom.identity_session where user_id = $1", [by.userId]);
    },
    endById: async (id, userId) => {
      const rows = await database.query(
        "delete from stockroom.identity_session where id = $1 and ($2::text is null or user_id = $2) returning id",
        [id, userId ?? null],
      );
      if (rows.length === 0)
        throw new StockroomError("missing", "SESSION_MISSING", `Expected an open session but there is no ${id}. See which there are.`);
    },
  };
}
