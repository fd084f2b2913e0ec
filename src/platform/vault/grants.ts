// Grants: which role may read or write which zone: the modules' defaults, and rows in the database that go before them.

import { StockroomError } from "../errors.ts";
import type { Database } from "../database/contract.ts";
import type { Grant } from "./contract.ts";

export interface Grants {
  isDefault(grant: Grant): boolean;
  /** What holds now. */
  list(): Promise<readonly Grant[]>;
  set(grant: Grant, allowed: boolean, atMs: number): Promise<void>;
}

export function makeGrants(database: Database, granted: readonly Grant[]): Grants {
  const defaults = new Map(granted.map((grant) => [grantId(grant), grant]));
  return {
    isDefault: (grant) => defaults.has(grantId(grant)),
    list: async () => {
      const rows = await database.query<Grant & { allowed: boolean }>("select role, zone, access, allowed from stockroom.vault_grant");
      const all = new Map(defaults);
      for (const { role, zone, access, allowed } of rows) {
        const grant = { role, zone, access };
        if (allowed) all.set(grantId(grant), grant);
        else all.delete(grantId(grant));
      }
      return [...all.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, grant]) => grant);
    },
    set: async (grant, allowed, atMs) => {
      if (grant.role.trim() === "")
        throw new StockroomError("input", "VAULT_NO_ROLE", "Expected the name of a role but received none. Name one.");
      await database.query(
        `insert into stockroom.vault_grant (role, zone, access, allowed, changed_at) values ($1, $2, $3, $4, $5)
         on conflict (role, zone, access) do update set allowed = excluded.allowed, changed_at = excluded.changed_at`,
        [grant.role, grant.zone, grant.access, allowed, new Date(atMs).toISOString()],
      );
    },
  };
}

const grantId = (grant: Grant): string => JSON.stringify([grant.role, grant.zone, grant.access]);
