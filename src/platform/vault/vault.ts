// The vault itself: grants decided and uses written in one statement, then the key.
//
// The current version of a zone's key is read from the database with every handle, so that a rotation elsewhere is seen at once.

import { createHmac } from "node:crypto";
import type { Clock } from "../time.ts";
import { StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Database } from "../database/contract.ts";
import type { Access, Actor, Grant, KeyUse, Vault, Zone } from "./contract.ts";
import { currentCaller } from "../web/caller.ts";
import { makeGrants } from "./grants.ts";
import { makeKeyFileSource } from "./key-source.ts";
import { Keyring } from "./keyring.ts";
import { checkPersonRole, peopleGrants, personRolesOf } from "./people.ts";
import { makeZones } from "./zones.ts";

export interface VaultOptions {
  /** Path of the key file; made at the first start. One key file belongs to one database. */
  readonly keyFile: string;
  readonly zones: readonly Zone[];
  /** The modules' defaults; rows in the database go before them. */
  readonly grants: readonly Grant[];
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** Bound into every seal, so that an object of another store does not open here. */
const storeName = "stockroom";
/**
 * Opens the vault; makes the key file and the keys of new zones.
 *
 * Throws `input` `VAULT_BAD_ZONES`; `fault` `VAULT_KEY_FILE_EXPOSED`, `VAULT_KEY_FILE_BROKEN`, `VAULT_KEY_FILE_UNREADABLE`,
 * `VAULT_KEY_FILE_LOST` (the database knows keys, the file is gone), `VAULT_ZONE_LOST`, `VAULT_KEY_FILE_WRONG` (it is another store's).
 */
export async function openVault(options: VaultOptions): Promise<Vault> {
  const { database, clock, log } = options;
  const zones = makeZones(options.zones);
  for (const grant of options.grants) zones.check(grant.zone);
  const grants = makeGrants(database, [...options.grants, ...peopleGrants(zones.names)]);
  const keyring = await Keyring.open({ source: makeKeyFileSource(options.keyFile), zones: zones.names, database, clock });
  const mac = (purpose: string, data: Uint8Array | string): Uint8Array => {
    // A key per purpose, so that a digest made for one can never stand for another.
    const key = createHmac("sha256", keyring.macKey).update(purpose).digest();
    return createHmac("sha256", key).update(data).digest();
  };
  return {
    zoneOf: (key) => zones.of(key),
    handle: async (actor, access, key, sealed) => {
      const zone = sealed?.zone ?? zones.of(key).name;
      const byDefault = grants.isDefault({ role: actor.role, zone, access });
      const version = await recordUse(options, { actor, access, key, zone, byDefault, keyVersion: sealed?.keyVersion });
      const wrapping = await keyring.find(zone, version);
      const name = sealed?.namedPlainly === true ? { key } : { name: Buffer.from(mac("object name", key)).toString("hex") };
      return {
        zone,
        keyVersion: wrapping.version,
        wrappingKey: Uint8Array.from(wrapping.key),
        object: key,
        context: { store: storeName, zone, ...name },
      };
    },
    grants: () => grants.list(),
    setGrant: async (grant, allowed) => {
      zones.check(grant.zone);
      checkPersonRole(grant.role);
      await grants.set(grant, allowed, clock.now());
      log.info("grant set", { role: grant.role, zone: grant.zone, access: grant.access, allowed });
    },
    rotate: async (zone) => {
      zones.check(zone);
      const version = await keyring.rotate(zone);
      log.info("key rotated", { zone, version });
      return version;
    },
    keys: () => keyring.list(),
    uses: (query) => listUses(database, query),
    mac,
  };
}

interface Use {
  readonly actor: Actor;
  readonly access: Access;
  readonly key: string;
  readonly zone: string;
  readonly byDefault: boolean;
  /** Undefined: the zone's current key. */
  readonly keyVersion: number | undefined;
}

/**
 * Decides on a use and writes it into the log, also when denied; gives the key's version. A person needs the grant of one of their roles besides
 * (people.ts). Throws `VAULT_NO_GRANT` (denied).
 */
async function recordUse(
  { database, clock, log }: VaultOptions,
  { actor, access, key, zone, byDefault, keyVersion }: Use,
): Promise<number> {
  const caller = currentCaller();
  const [by, people] = [caller?.name, personRolesOf(caller)];
  const [use] = await database.query<{ allowed: boolean; version: number; part: boolean }>(
    `with decision as (
       select coalesce((select allowed from stockroom.vault_grant where role = $1 and zone = $2 and access = $3), $4::boolean) as part,
              $10::text[] is null or exists (
                select from unnest($10::text[]) as person
                 where coalesce((select allowed from stockroom.vault_grant where role = person and zone = $2 and access = $3), true)
              ) as person,
              coalesce($5::integer, (select max(version) from stockroom.vault_key where zone = $2)) as version
     ), used as (
       insert into stockroom.key_use (at, role, purpose, zone, key_version, access, object_key, allowed, by_user)
       select $6::timestamptz, $1, $7, $2, version, $3, $8, part and person, $9 from decision
       returning allowed, key_version as version
     )
     select used.allowed, used.version, decision.part from used, decision`,
    [
      actor.role,
      zone,
      access,
      byDefault,
      keyVersion ?? null,
      new Date(clock.now()).toISOString(),
      actor.purpose,
      key,
      by ?? null,
      people === undefined ? null : [...people],
    ],
  );
  if (use === undefined)
    throw new StockroomError("fault", "VAULT_NO_USE_ROW", "Expected a row of the use log but the database gave none back.");
  if (!use.allowed) {
    // The part itself may: then it is the person who may not.
    const role = use.part ? (people ?? []).join(" or ") : actor.role;
    log.warn("key use denied", { role, by, purpose: actor.purpose, zone, access, key });
    throw new StockroomError(
      "denied",
      "VAULT_NO_GRANT",
      `Expected role "${role}" to hold the grant to ${access} zone "${zone}" but it does not. ` +
        `Ask for it, or give it with: stockroom keys grants.`,
      { facts: { role, zone, access, key } },
    );
  }
  return use.version;
}

async function listUses(database: Database, query: Parameters<Vault["uses"]>[0]): Promise<readonly KeyUse[]> {
  const rows = await database.query<Omit<KeyUse, "id" | "keyVersion"> & { id: number; key_version: number; by_user: string | null }>(
    `select id::float8 as id, at, role, purpose, zone, key_version, access, object_key as key, allowed, by_user from stockroom.key_use
     where ($1::text is null or zone = $1) and ($2::text is null or role = $2) and ($4::bigint is null or key_use.id < $4)
     order by key_use.id desc limit $3`,
    [query.zone ?? null, query.role ?? null, query.limit ?? 100, query.after ?? null],
  );
  return rows.map(({ key_version: keyVersion, by_user: by, ...row }) => ({ ...row, keyVersion, ...(by === null ? {} : { by }) }));
}
