// Objects: the encrypted store. Every object is sealed, has a version, a row in the catalogue and an event.
//
// Owns: the catalogue rows, staging and commit, the drivers (folder now, S3 next), the start-up reconcile.
// Does not own: keys and grants (vault), what an upload starts (events).
//   O1. The catalogue row and its `object.stored` event are one transaction; before it the object does not exist, after it it is whole.
//   O2. Bytes are written to a staging name first; a crash leaves either nothing visible or the whole object.
//   O3. Objects are immutable: a second put of a key makes a new version; the same bytes under the same key make none and no event.
//   O4. Reconcile finds staged bytes without row (swept), rows without bytes (reported), and files put there by hand (never adopted as plain text).
//   O5. Any flipped bit is found on reading, before the last byte is handed out as good.

import type { Body } from "../bytes.ts";
import type { BaseSettings } from "../config/index.ts";
import type { Tx } from "../database/contract.ts";
import type { Actor, ObjectHandle } from "../vault/contract.ts";

/** A stored version of an object, as the catalogue has it. */
export interface ObjectEntry {
  readonly key: string;
  /** Sortable and unique; later is larger. */
  readonly version: string;
  readonly zone: string;
  readonly keyVersion: number;
  /** Plain size. */
  readonly bytes: number;
  readonly sealedBytes: number;
  /** Of the plain bytes, hex. */
  readonly sha256: string;
  readonly contentType: string;
  /** Who wrote it and why: role and purpose of the writing actor. */
  readonly writtenBy: string;
  readonly storedAt: string;
  /** Free facts of the writer, e.g. run id, period, model version. No item text. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface PutOptions {
  readonly contentType?: string | undefined;
  readonly labels?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Refuse bodies larger than this (plain bytes): `input` `OBJECT_TOO_LARGE`. */
  readonly maxBytes?: number;
  /** Default true. False writes the row without `object.stored`: for outputs that nobody should react to. */
  readonly announce?: boolean;
}

/** Everything a worker thread needs to read one object version on its own. Structured-cloneable. */
export interface ReadHandle {
  readonly entry: ObjectEntry;
  readonly driver: DriverAddress;
  readonly path: string;
  readonly seal: ObjectHandle;
}

/** Everything a worker thread needs to write one staged object on its own. Structured-cloneable. */
export interface WriteHandle {
  readonly key: string;
  readonly driver: DriverAddress;
  readonly stagingPath: string;
  readonly seal: ObjectHandle;
}

/** What came of writing through a handle; hand it to `commit`. */
export interface StagedObject {
  readonly handle: WriteHandle;
  readonly bytes: number;
  readonly sealedBytes: number;
  readonly sha256: string;
}

/**
 * Names a driver so that another thread can open it; its kinds are those that settings may name (`objects.driver`). app.ts makes it of the
 * settings: what a further kind needs to be opened comes in here, as a union by `kind`.
 */
export interface DriverAddress {
  readonly kind: BaseSettings["objects"]["driver"];
  readonly root: string;
}

export interface ObjectStore {
  put(actor: Actor, key: string, body: Body | Uint8Array, options?: PutOptions): Promise<ObjectEntry>;
  /** Throws `missing` `OBJECT_MISSING`, `denied` `VAULT_NO_GRANT`, `fault` `OBJECT_TAMPERED` (while streaming). */
  get(
    actor: Actor,
    key: string,
    options?: { readonly version?: string | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly entry: ObjectEntry; readonly body: Body }>;
  /** The whole object in memory; refuses more than `maxBytes` (default 64 MiB). */
  read(
    actor: Actor,
    key: string,
    options?: { readonly version?: string | undefined; readonly maxBytes?: number | undefined },
  ): Promise<Uint8Array>;
  head(key: string, version?: string): Promise<ObjectEntry | undefined>;
  /** Current versions, by key. */
  list(
    prefix: string,
    options?: { readonly after?: string | undefined; readonly limit?: number | undefined },
  ): Promise<readonly ObjectEntry[]>;
  versions(key: string): Promise<readonly ObjectEntry[]>;
  /** Hides the current version (a tombstone row and `object.removed`); bytes go at the next sweep. */
  remove(actor: Actor, key: string): Promise<void>;

  /** For worker threads: permission and keys are decided here, bytes move there. */
  readHandle(actor: Actor, key: string, version?: string): Promise<ReadHandle>;
  writeHandle(actor: Actor, key: string): Promise<WriteHandle>;
  /**
   * Makes staged objects visible in one transaction, all or none. `alongside` runs in the same transaction: rows of the caller's own,
   * further outbox events. Committing twice under the same `stagingPath` gives the same entries (so a resumed step is harmless).
   */
  commit(
    actor: Actor,
    staged: readonly StagedObject[],
    options?: PutOptions & { readonly alongside?: (tx: Tx, entries: readonly ObjectEntry[]) => Promise<void> | undefined },
  ): Promise<readonly ObjectEntry[]>;
  discard(staged: readonly WriteHandle[]): Promise<void>;

  reconcile(): Promise<ReconcileReport>;
  close(): Promise<void>;
}

export interface ReconcileReport {
  readonly sweptStaging: number;
  readonly missingBytes: readonly string[];
  readonly unknownFiles: readonly string[];
}

// In src/platform/objects/handles.ts, for worker threads, no database:
//   openHandle(handle: ReadHandle, signal?): Body
//   writeThrough(handle: WriteHandle, body: Body, signal?): Promise<StagedObject>
