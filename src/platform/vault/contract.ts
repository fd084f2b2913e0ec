// Vault: who may read which zone, and the keys with which zones are sealed.
//
// Owns: the key file, a wrapping key per zone (with its former versions), roles, grants, the log of uses, sealing and opening of streams.
// Does not own: where the sealed bytes lie.
//   V1. No use of a key without a grant for (role, zone, access) and a row in the log, written before the key is handed out.
//   V2. Sealing binds the object's name: a sealed object moved to another name does not open. What is at rest carries a keyed digest of
//       the name, so that neither a sealed file nor its path tells what it is about.
//   V3. A key never reaches a log, an error or a row.
//   V4. A handle is plain data, good for one object, so that a worker thread can seal and open without the vault or the database.

export type Access = "read" | "write";

/** A part of the store with a key of its own. Modules declare theirs. */
export interface Zone {
  /** e.g. `labelled`, `models`, `sales`, `predictions`. */
  readonly name: string;
  /** Objects whose key starts with one of these are sealed with this zone's key. Longest prefix wins. */
  readonly prefixes: readonly string[];
}

/** What a role may do unless the settings or `stockroom keys grants` say otherwise. */
export interface Grant {
  readonly role: string;
  readonly zone: string;
  readonly access: Access;
}

/** Who asks: the role, and for the log the run or command on whose behalf. */
export interface Actor {
  readonly role: string;
  readonly purpose: string;
}

/** What a worker thread needs to seal or open one object. Crosses threads by structured clone; never stored, never logged. */
export interface ObjectHandle {
  readonly zone: string;
  readonly keyVersion: number;
  /** 32 bytes: the zone's wrapping key of that version. */
  readonly wrappingKey: Uint8Array;
  /** The object's name, for errors alone: the sealed form carries its keyed digest. */
  readonly object: string;
  /** Bound into the seal and readable in its header; opening with another context fails. Holds no name. */
  readonly context: Readonly<Record<string, string>>;
}

/** The key with which an object was sealed. */
export interface Sealed {
  readonly zone: string;
  readonly keyVersion: number;
  /** True: by an earlier release, which bound the name itself. */
  readonly namedPlainly?: boolean;
}

export interface Vault {
  zoneOf(key: string): Zone;
  /**
   * Checks the grant, writes the log row, then gives the handle. Throws `denied` `VAULT_NO_GRANT` naming role and zone.
   *
   * `sealed`: how an object at rest was sealed; its zone may be another than the one its key belongs to today. Absent: the current key.
   */
  handle(actor: Actor, access: Access, key: string, sealed?: Sealed): Promise<ObjectHandle>;
  grants(): Promise<readonly Grant[]>;
  setGrant(grant: Grant, allowed: boolean): Promise<void>;
  /** Makes a new version of the zone's key; new objects use it, old ones keep opening with theirs. */
  rotate(zone: string): Promise<number>;
  keys(): Promise<readonly ZoneKey[]>;
  uses(query: {
    readonly zone?: string | undefined;
    readonly role?: string | undefined;
    /** Only those older than this use. */
    readonly after?: number | undefined;
    readonly limit?: number | undefined;
  }): Promise<readonly KeyUse[]>;
  /** Keyed digest (HMAC-SHA-256, a key of its own in the key file) for hash chains and stable pseudonyms. */
  mac(purpose: string, data: Uint8Array | string): Uint8Array;
}

export interface ZoneKey {
  readonly zone: string;
  readonly version: number;
  readonly createdAt: string;
  readonly current: boolean;
}

export interface KeyUse {
  readonly id: number;
  readonly at: string;
  readonly role: string;
  readonly purpose: string;
  readonly zone: string;
  readonly keyVersion: number;
  readonly access: Access;
  readonly key: string;
  readonly allowed: boolean;
  /** The person or machine that signed in and for whom it was. */
  readonly by?: string;
}
