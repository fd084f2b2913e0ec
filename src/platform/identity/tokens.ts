// Tokens: named keys for programs, of a person or a machine, with roles of their own, an end, and a word that ends them sooner.
//
//   T1. The token itself is shown once, when it is made.
//   T2. It begins with `stockroom_`, so that whoever finds one in a log or a repository knows what it is.

import { StockroomError } from "../errors.ts";
import type { Tx } from "../database/contract.ts";
import type { Clock } from "../time.ts";
import type { Caller } from "../web/caller.ts";
import { may, roles as allRoles, within, type Role } from "../web/roles.ts";
import { digestOf, makeId, makeSecret } from "./secrets.ts";

/** A token as it is listed. */
export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Role[];
  /** A person's id; absent: a machine's. */
  readonly owner?: string;
  readonly madeBy: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly usedAt?: string;
  readonly revokedAt?: string;
  readonly revokedBy?: string;
}

export interface NewToken {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly days: number;
  /** True: of a machine. False: of the maker. */
  readonly machine: boolean;
}

export interface Tokens {
  /** Throws `TOKEN_NAME` (input), `TOKEN_ROLE`, `TOKEN_MAKER` (denied). */
  add(token: NewToken, maker: Caller): Promise<{ readonly token: ApiToken; readonly secret: string }>;
  /** Newest first. `owner`: only those of one person. */
  list(owner?: string): Promise<readonly ApiToken[]>;
  /** Ends one; ending it again changes nothing. Throws `TOKEN_MISSING` (missing), also for somebody else's. */
  revoke(id: string, by: Caller): Promise<ApiToken>;
  /** The one that works now, and notes its use. */
  find(by: { readonly secret: string } | { readonly id: string }): Promise<ApiToken | undefined>;
}

export const tokenPrefix = "stockroom_";
export const tokenDays = { usual: 90, most: 366 } as const;
const usedEveryMs = 60_000;

interface Row {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly owner: string | null;
  readonly made_by: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly used_at: string | null;
  readonly revoked_at: string | null;
  readonly revoked_by: string | null;
}

const columns = "id, name, roles, owner, made_by, created_at, expires_at, used_at, revoked_at, revoked_by";

const tokenOf = (row: Row): ApiToken => ({
  id: row.id,
  name: row.name,
  roles: allRoles.filter((role) => row.roles.includes(role)),
  ...(row.owner === null ? {} : { owner: row.owner }),
  madeBy: row.made_by,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  ...(row.used_at === null ? {} : { usedAt: row.used_at }),
  ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
  ...(row.revoked_by === null ? {} : { revokedBy: row.revoked_by }),
});

/** As a row names whoever it was. */
export const nameOf = (caller: Caller): string => caller.name ?? caller.id;

export function makeTokens(database: Tx, clock: Clock): Tokens {
  const at = (ms = 0): string => new Date(clock.now() + ms).toISOString();
  return {
    add: async ({ name: text, roles, days, machine }, maker) => {
      const name = readTokenName(text);
      checkMaker(maker, roles, machine);
      const secret = `${tokenPrefix}${makeSecret()}`;
      const [row] = await database.query<Row>(
        `insert into stockroom.identity_token (id, digest, name, roles, owner, made_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${columns}`,
        [
          makeId(),
          digestOf(secret),
          name,
          [...new Set(roles)],
          machine ? null : maker.id,
          nameOf(maker),
          at(),
          at(Math.min(days, tokenDays.most) * 86_400_000),
        ],
      );
      if (row === undefined)
        throw new StockroomError("fault", "TOKEN_NO_ROW", "Expected a row of the token but the database gave none back.");
      return { token: tokenOf(row), secret };
    },
    list: async (owner) => {
      const rows = await database.query<Row>(
        `select ${columns} from stockroom.identity_token where $1::text is null or owner = $1 order by created_at desc, id`,
        [owner ?? null],
      );
      return rows.map(tokenOf);
    },
    revoke: async (id, by) => {
      const [row] = await database.query<Row>(
        `update stockroom.identity_token set revoked_at = coalesce(revoked_at, $2), revoked_by = coalesce(revoked_by, $3)
         where id = $1 and ($4 or owner = $5) returning ${columns}`,
        [id, at(), nameOf(by), may(by.roles, "administrator"), by.id],
      );
      if (row !== undefined) return tokenOf(row);
      throw new StockroomError("missing", "TOKEN_MISSING", `Expected one of your tokens but there is no ${id}. See which there are.`);
    },
    find: async (by) => {
      const [row] = await database.query<Row>(
        `with found as (
           select * from stockroom.identity_token
           where ${"id" in by ? "id" : "digest"} = $1 and revoked_at is null and expires_at > $2
         ), used as (
           update stockroom.identity_token t set used_at = $2 from found
           where t.id = found.id and (found.used_at is null or found.used_at < $3)
         )
         select ${columns} from found`,
        ["id" in by ? by.id : digestOf(by.secret), at(), at(-usedEveryMs)],
      );
      return row === undefined ? undefined : tokenOf(row);
    },
  };
}

function readTokenName(text: string): string {
  const name = text.normalize("NFKC").trim();
  if (/^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,59}$/u.test(name)) return name;
  throw new StockroomError(
    "input",
    "TOKEN_NAME",
    `Expected a name of letters, digits, dots, dashes and blanks, at most 60 of them, but received "${name.slice(0, 80)}". Say what the token is for.`,
  );
}

/** Nobody hands on more than they hold, and no token makes another: one that leaked would never end. */
function checkMaker(maker: Caller, roles: readonly Role[], machine: boolean): void {
  if (maker.via === "token") {
    throw new StockroomError("denied", "TOKEN_MAKER", "Expected a person to make a token but a token asks. Sign in, and make it there.");
  }
  const isAdministrator = may(maker.roles, "administrator");
  if (machine ? !isAdministrator : maker.name === undefined) {
    throw new StockroomError(
      "denied",
      "TOKEN_MAKER",
      machine
        ? "Expected an administrator to make the token of a machine. Make one of your own, or ask an administrator."
        : "Expected somebody who signed in to make a token of their own but nobody did. Make one of a machine.",
    );
  }
  const beyond = roles.find((role) => within([role], maker.roles)[0] !== role);
  if (roles.length > 0 && beyond === undefined) return;
  throw new StockroomError(
    "denied",
    "TOKEN_ROLE",
    `Expected a role that its maker holds (${maker.roles.join(", ")}) but received ${beyond ?? "none"}. Choose a lesser one.`,
  );
}
