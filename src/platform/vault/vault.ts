// The vault itself: grants decided and uses written in one statement, then the key.
//
// Safe for many processes on one database: keys are made and added under one advisory lock, and the current version of a zone is read
// from the database with every handle, so that a rotation elsewhere is seen at once.

import { createHmac } from "node:crypto";
import type { Clock } from "../time.ts";
import { StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Database, Tx } from "../database/contract.ts";
import type { Access, Actor, Grant, KeyUse, Sealed, ObjectHandle, Vault, Zone, ZoneKey } from "./contract.ts";
import { fingerprintOf, makeKeyFileSource, type KeySet, type KeySource, type WrappingKey } from "./key-source.ts";

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
/** The MAC key's row in stockroom.vault_key; no zone can be called so. */
const macZone = "#mac";

/**
 * Opens the vault; makes the key file and the keys of new zones.
 *
 * Throws `input` `VAULT_BAD_ZONES`; `fault` `VAULT_KEY_FILE_EXPOSED`, `VAULT_KEY_FILE_BROKEN`, `VAULT_KEY_FILE_UNREADABLE`,
 * `VAULT_KEY_FILE_LOST` (the database knows keys, the file is gone), `VAULT_ZONE_LOST`, `VAULT_KEY_FILE_WRONG` (it is another store's).
 */
export async function openVault(options: VaultOptions): Promise<Vault> {
  const { database, clock, log } = options;
  const zones = checkZones(options.zones);
  const zoneNames = new Set(zones.map((zone) => zone.name));
  const source = makeKeyFileSource(options.keyFile);
  const defaults = new Map(options.grants.map((grant) => [grantId(grant), grant]));
  for (const grant of options.grants) checkZone(grant.zone);
  let keys = await underLock(database, (tx) => settleKeys(tx, source, [...zoneNames], clock));

  function checkZone(zone: string): void {
    if (zoneNames.has(zone)) return;
    throw new StockroomError(
      "input",
      "VAULT_UNKNOWN_ZONE",
      `Expected one of the zones ${[...zoneNames].join(", ")} but received "${zone}". Check its spelling.`,
      { facts: { zone } },
    );
  }

  function zoneOf(key: string): Zone {
    let found: Zone | undefined;
    let length = -1;
    for (const zone of zones) {
      for (const prefix of zone.prefixes) {
        if (prefix.length > length && key.startsWith(prefix)) {
          found = zone;
          length = prefix.length;
        }
      }
    }
    if (found !== undefined) return found;
    const prefixes = zones.flatMap((zone) => zone.prefixes).toSorted();
    throw new StockroomError(
      "input",
      "VAULT_NO_ZONE",
      `Expected a key that begins with one of ${prefixes.join(", ")} but received "${key}". Choose the part of the store it belongs to.`,
      { facts: { key } },
    );
  }

  async function findKey(zone: string, version: number): Promise<WrappingKey> {
    const isWanted = (key: WrappingKey): boolean => key.zone === zone && key.version === version;
    const known = keys.keys.find(isWanted);
    if (known !== undefined) return known;
    // Another process may have rotated since we read the file.
    const fresh = await source.load();
    const found = fresh?.keys.find(isWanted);
    if (fresh === undefined || found === undefined) {
      throw new StockroomError(
        "fault",
        "VAULT_KEY_MISSING",
        `Expected version ${version} of the key of zone "${zone}" in ${source.name} but it is not there. Restore or copy the current key file.`,
        { facts: { zone, keyVersion: version } },
      );
    }
    keys = fresh;
    return found;
  }

  async function handle(actor: Actor, access: Access, key: string, sealed?: Sealed): Promise<ObjectHandle> {
    const zone = sealed?.zone ?? zoneOf(key).name;
    const byDefault = defaults.has(grantId({ role: actor.role, zone, access }));
    const [use] = await database.query<{ allowed: boolean; version: number }>(
      `with decision as (
         select coalesce((select allowed from stockroom.vault_grant where role = $1 and zone = $2 and access = $3), $4::boolean) as allowed,
                coalesce($5::integer, (select max(version) from stockroom.vault_key where zone = $2)) as version
       )
       insert into stockroom.key_use (at, role, purpose, zone, key_version, access, object_key, allowed)
       select $6::timestamptz, $1, $7, $2, version, $3, $8, allowed from decision
       returning allowed, key_version as version`,
      [actor.role, zone, access, byDefault, sealed?.keyVersion ?? null, new Date(clock.now()).toISOString(), actor.purpose, key],
    );
    if (use === undefined)
      throw new StockroomError("fault", "VAULT_NO_USE_ROW", "Expected a row of the use log but the database gave none back.");
    if (!use.allowed) {
      log.warn("key use denied", { role: actor.role, purpose: actor.purpose, zone, access, key });
      throw new StockroomError(
        "denied",
        "VAULT_NO_GRANT",
        `Expected role "${actor.role}" to hold the grant to ${access} zone "${zone}" but it does not. ` +
          `Ask for it, or give it with: stockroom keys grants.`,
        { facts: { role: actor.role, zone, access, key } },
      );
    }
    const wrapping = await findKey(zone, use.version);
    return {
      zone,
      keyVersion: wrapping.version,
      wrappingKey: Uint8Array.from(wrapping.key),
      object: key,
      context: { store: storeName, zone, ...(sealed?.namedPlainly === true ? { key } : { name: nameDigest(key) }) },
    };
  }

  async function grants(): Promise<readonly Grant[]> {
    const rows = await database.query<Grant & { allowed: boolean }>("select role, zone, access, allowed from stockroom.vault_grant");
    const all = new Map(defaults);
    for (const { role, zone, access, allowed } of rows) {
      const grant = { role, zone, access };
      if (allowed) all.set(grantId(grant), grant);
      else all.delete(grantId(grant));
    }
    return [...all.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, grant]) => grant);
  }

  async function setGrant(grant: Grant, allowed: boolean): Promise<void> {
    checkZone(grant.zone);
    if (grant.role.trim() === "")
      throw new StockroomError("input", "VAULT_NO_ROLE", "Expected the name of a role but received none. Name one.");
    await database.query(
      `insert into stockroom.vault_grant (role, zone, access, allowed, changed_at) values ($1, $2, $3, $4, $5)
       on conflict (role, zone, access) do update set allowed = excluded.allowed, changed_at = excluded.changed_at`,
      [grant.role, grant.zone, grant.access, allowed, new Date(clock.now()).toISOString()],
    );
    log.info("grant set", { role: grant.role, zone: grant.zone, access: grant.access, allowed });
  }

  async function rotate(zone: string): Promise<number> {
    checkZone(zone);
    keys = await underLock(database, async (tx) => {
      // Whatever a killed process left half done is settled first.
      await settleKeys(tx, source, [...zoneNames], clock);
      await source.add([zone], new Date(clock.now()).toISOString());
      return settleKeys(tx, source, [...zoneNames], clock);
    });
    const version = Math.max(...keys.keys.filter((key) => key.zone === zone).map((key) => key.version));
    log.info("key rotated", { zone, version });
    return version;
  }

  async function listKeys(): Promise<readonly ZoneKey[]> {
    const rows = await database.query<{ zone: string; version: number; created_at: string; current: boolean }>(
      `select zone, version, created_at, version = max(version) over (partition by zone) as current
       from stockroom.vault_key where zone <> $1 order by zone, version`,
      [macZone],
    );
    return rows.map((row) => ({ zone: row.zone, version: row.version, createdAt: row.created_at, current: row.current }));
  }

  async function uses(query: {
    readonly zone?: string | undefined;
    readonly role?: string | undefined;
    readonly limit?: number | undefined;
  }): Promise<readonly KeyUse[]> {
    const rows = await database.query<Omit<KeyUse, "id" | "keyVersion"> & { id: number; key_version: number }>(
      `select id::float8 as id, at, role, purpose, zone, key_version, access, object_key as key, allowed from stockroom.key_use
       where ($1::text is null or zone = $1) and ($2::text is null or role = $2) order by key_use.id desc limit $3`,
      [query.zone ?? null, query.role ?? null, query.limit ?? 100],
    );
    return rows.map(({ key_version: keyVersion, ...row }) => ({ ...row, keyVersion }));
  }

  const nameDigest = (key: string): string => Buffer.from(mac("object name", key)).toString("hex");

  function mac(purpose: string, data: Uint8Array | string): Uint8Array {
    // A key per purpose, so that a digest made for one can never stand for another.
    const key = createHmac("sha256", keys.macKey).update(purpose).digest();
    return createHmac("sha256", key).update(data).digest();
  }

  return { zoneOf, handle, grants, setGrant, rotate, keys: listKeys, uses, mac };
}

const grantId = (grant: Grant): string => JSON.stringify([grant.role, grant.zone, grant.access]);

const badZones = (detail: string): StockroomError =>
  new StockroomError(
    "input",
    "VAULT_BAD_ZONES",
    `Expected zones with names and prefixes of their own but ${detail}. Correct the module that declares it.`,
  );

function checkZones(zones: readonly Zone[]): readonly Zone[] {
  const names = new Set<string>();
  const prefixes = new Set<string>();
  for (const zone of zones) {
    if (!/^[a-z][a-z0-9-]*$/.test(zone.name)) throw badZones(`"${zone.name}" is not lower-case letters, digits and dashes`);
    if (names.has(zone.name)) throw badZones(`"${zone.name}" is declared twice`);
    names.add(zone.name);
    for (const prefix of zone.prefixes) {
      if (prefixes.has(prefix)) throw badZones(`the prefix "${prefix}" is claimed twice`);
      prefixes.add(prefix);
    }
  }
  return zones;
}

function underLock<T>(database: Database, work: (tx: Tx) => Promise<T>): Promise<T> {
  return database.transaction(async (tx) => {
    await tx.query("select pg_advisory_xact_lock(hashtextextended('stockroom.vault', 0))");
    return work(tx);
  });
}

/**
 * Brings the key source and the database's list of keys together, making what is new and refusing what was lost. The caller holds the lock.
 *
 * The source is written first: a key nobody knows of does no harm, a row without its key would. The next call adds the missing rows.
 */
async function settleKeys(tx: Tx, source: KeySource, zones: readonly string[], clock: Clock): Promise<KeySet> {
  const createdAt = new Date(clock.now()).toISOString();
  const rows = await tx.query<{ zone: string; version: number; fingerprint: string }>(
    "select zone, version, fingerprint from stockroom.vault_key",
  );
  let set = await source.load();
  if (set === undefined) {
    if (rows.length > 0) throw lostFile(source.name);
    set = await source.create(zones, createdAt);
  }
  compareKeys(set, rows, source.name);
  const known = new Set(set.keys.map((key) => key.zone));
  const fresh = zones.filter((zone) => !known.has(zone));
  if (fresh.length > 0) set = await source.add(fresh, createdAt);
  const listed = new Set(rows.map((row) => `${row.zone}/${row.version}`));
  for (const [id, print] of printsOf(set)) {
    if (listed.has(id)) continue;
    await tx.query("insert into stockroom.vault_key (zone, version, fingerprint, created_at) values ($1, $2, $3, $4)", [
      print.zone,
      print.version,
      print.fingerprint,
      print.createdAt ?? createdAt,
    ]);
  }
  return set;
}

interface KnownKey {
  readonly zone: string;
  readonly version: number;
  readonly fingerprint: string;
}

/** Throws when the database knows a key that the set lacks or has differently. */
function compareKeys(set: KeySet, rows: readonly KnownKey[], name: string): void {
  const fingerprints = printsOf(set);
  for (const row of rows) {
    const found = fingerprints.get(`${row.zone}/${row.version}`);
    if (found === undefined) {
      throw new StockroomError(
        "fault",
        "VAULT_ZONE_LOST",
        `Expected version ${row.version} of the key of zone "${row.zone}" in ${name} but it is not there. Restore the newest key file.`,
        { facts: { zone: row.zone, keyVersion: row.version } },
      );
    }
    if (found.fingerprint !== row.fingerprint) {
      throw new StockroomError(
        "fault",
        "VAULT_KEY_FILE_WRONG",
        `Expected ${name} to hold the keys of this database but the key of zone "${row.zone}" is another one. ` +
          `Put back the key file that belongs to this database.`,
        { facts: { zone: row.zone, keyVersion: row.version } },
      );
    }
  }
}

/** Whether the key file at `keyFile` opens what the database has. Writes nothing; throws as `openVault` does. */
export async function checkKeyFile(tx: Tx, keyFile: string): Promise<void> {
  const source = makeKeyFileSource(keyFile);
  const set = await source.load();
  const rows = await tx.query<KnownKey>("select zone, version, fingerprint from stockroom.vault_key");
  if (set !== undefined) compareKeys(set, rows, source.name);
  else if (rows.length > 0) throw lostFile(source.name);
}

const lostFile = (name: string): StockroomError =>
  new StockroomError(
    "fault",
    "VAULT_KEY_FILE_LOST",
    `Expected ${name}, with which the objects of this database are sealed, but there is none. ` +
      `Put it back from its backup; a new one would open nothing.`,
  );

interface Print {
  readonly zone: string;
  readonly version: number;
  readonly fingerprint: string;
  readonly createdAt: string | undefined;
}

function printsOf(set: KeySet): ReadonlyMap<string, Print> {
  const prints: Print[] = set.keys.map((key) => ({
    zone: key.zone,
    version: key.version,
    fingerprint: fingerprintOf(key.key, `${key.zone}/${key.version}`),
    createdAt: key.createdAt,
  }));
  prints.push({ zone: macZone, version: 1, fingerprint: fingerprintOf(set.macKey, macZone), createdAt: undefined });
  return new Map(prints.map((print) => [`${print.zone}/${print.version}`, print]));
}
