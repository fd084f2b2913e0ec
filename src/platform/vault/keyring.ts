// The keyring: the key source (a file) and the database's list of its keys, held together.
//
// Owns: making, adding and finding keys, the table `vault_key`. Does not own: who may use one (vault.ts), how the file looks (key-source.ts).
// Safe for many processes on one database: keys are made and added under one advisory lock.

import type { Clock } from "../time.ts";
import { StockroomError } from "../errors.ts";
import type { Database, Tx } from "../database/contract.ts";
import type { ZoneKey } from "./contract.ts";
import { fingerprintOf, makeKeyFileSource, type KeySet, type KeySource, type WrappingKey } from "./key-source.ts";

/** The MAC key's row in stockroom.vault_key; no zone can be called so. */
const macZone = "#mac";

export interface KeyringDeps {
  readonly source: KeySource;
  readonly zones: readonly string[];
  readonly database: Database;
  readonly clock: Clock;
}

/** The keys of an open vault. */
export class Keyring {
  readonly #deps: KeyringDeps;
  #keys: KeySet;

  private constructor(deps: KeyringDeps, keys: KeySet) {
    this.#deps = deps;
    this.#keys = keys;
  }

  /** Makes the file and the keys of new zones. Throws as `openVault` does. */
  static async open(deps: KeyringDeps): Promise<Keyring> {
    return new Keyring(deps, await underLock(deps.database, (tx) => syncKeys(tx, deps)));
  }

  get macKey(): Uint8Array {
    return this.#keys.macKey;
  }

  /** Throws `VAULT_KEY_MISSING` (fault). */
  async find(zone: string, version: number): Promise<WrappingKey> {
    const { source } = this.#deps;
    const isWanted = (key: WrappingKey): boolean => key.zone === zone && key.version === version;
    const known = this.#keys.keys.find(isWanted);
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
    this.#keys = fresh;
    return found;
  }

  /** Adds a key to a zone; gives its version. */
  async rotate(zone: string): Promise<number> {
    const { source, database, clock } = this.#deps;
    this.#keys = await underLock(database, async (tx) => {
      // Whatever a killed process left half done is completed first.
      await syncKeys(tx, this.#deps);
      await source.add([zone], new Date(clock.now()).toISOString());
      return syncKeys(tx, this.#deps);
    });
    return Math.max(...this.#keys.keys.filter((key) => key.zone === zone).map((key) => key.version));
  }

  async list(): Promise<readonly ZoneKey[]> {
    const rows = await this.#deps.database.query<{ zone: string; version: number; created_at: string; current: boolean }>(
      `select zone, version, created_at, version = max(version) over (partition by zone) as current
       from stockroom.vault_key where zone <> $1 order by zone, version`,
      [macZone],
    );
    return rows.map((row) => ({ zone: row.zone, version: row.version, createdAt: row.created_at, current: row.current }));
  }
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
async function syncKeys(tx: Tx, { source, zones, clock }: KeyringDeps): Promise<KeySet> {
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
