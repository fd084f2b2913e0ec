// Vouched: people whom a provider of accounts vouches for, kept with the roles of now.

import type { Tx } from "../database/contract.ts";
import { StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Clock } from "../time.ts";
import type { Vouched } from "./contract.ts";
import { digestOf } from "./secrets.ts";
import type { makeSessions } from "./sessions.ts";
import { type makeUsers, nameKey } from "./users.ts";

interface VouchedDeps {
  readonly database: Tx;
  readonly clock: Clock;
  readonly log: Log;
  readonly users: ReturnType<typeof makeUsers>;
  readonly sessions: ReturnType<typeof makeSessions>;
}

/** Keeps who a provider vouched for, with the roles of now; gives the id. */
export async function admitVouched(
  { database, clock, log, users, sessions }: VouchedDeps,
  { issuer, subject, name, roles }: Vouched,
): Promise<string> {
  const id = `oidc:${digestOf(`${issuer}\n${subject}`).toString("base64url").slice(0, 32)}`;
  const at = new Date(clock.now()).toISOString();
  const refuse = async (code: string, message: string): Promise<never> => {
    await database.query("update stockroom.identity_user set roles = '{}' where id = $1", [id]);
    await sessions.end({ userId: id });
    log.warn("sign-in refused", { by: "oidc", code });
    throw new StockroomError("denied", code, message);
  };
  if (roles.length === 0) {
    return await refuse(
      "SIGN_IN_NO_ROLE",
      "Expected an account in one of the groups that have a role here but yours is in none. Ask an administrator for one.",
    );
  }
  const taken = async (): Promise<never> =>
    await refuse("SIGN_IN_NAME_TAKEN", `Expected a name of your own but another user here is called ${name}. Ask an administrator.`);
  if (users.find(name) !== undefined) return await taken();
  const rows = await database.query(
    `insert into stockroom.identity_user (id, name, name_key, roles, seen_at)
     select $1, $2, $3, $4, $5 where not exists (select 1 from stockroom.identity_user where name_key = $3 and id <> $1)
     on conflict (id) do update set name = excluded.name, name_key = excluded.name_key, roles = excluded.roles, seen_at = excluded.seen_at
     returning id`,
    [id, name, nameKey(name), [...roles], at],
  );
  return rows.length === 0 ? await taken() : id;
}
