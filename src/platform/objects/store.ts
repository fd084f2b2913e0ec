// The store itself: bytes first, then one transaction that makes them an object.
//
// The order of a put, and what a crash leaves after each step:
//   1. seal into staging/ID, synced            -> a file without row; swept after the grace time
//   2. rename to objects/HH/HASH-ID, synced    -> the same
//   3. one transaction: row, `object.stored`   -> the object, whole
// The final path holds the staging id, so two writers of one key never meet in a file, and which of them becomes current is decided by
// the transactions alone (an advisory lock per key). See decisions/object-commit-order.md.

import { gather, once, type Body } from "../bytes.ts";
import type { Clock } from "../time.ts";
import { contentTypeOf } from "./types.ts";
import { StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import type { Log } from "../log.ts";
import type { Database, Tx } from "../database/contract.ts";
import { appendEvent } from "../database/outbox.ts";
import type { Actor, Sealed, Vault } from "../vault/contract.ts";
import type { DriverAddress, ObjectEntry, ObjectStore, PutOptions, ReadHandle, StagedObject, WriteHandle } from "./contract.ts";
import { openDriver } from "./drivers/open.ts";
import { lockFiles, lockKeys } from "./locks.ts";
import { checkKey, idOf, isPlainPath, makeStagingPath, objectPath } from "./names.ts";
import { reconcile } from "./reconcile.ts";
import { openHandle, writeThrough } from "./handles.ts";

export interface ObjectStoreOptions {
  readonly driver: DriverAddress;
  readonly vault: Vault;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a file without row must have been seen unchanged before a reconcile sweeps it. Default 24 hours. */
  readonly graceMs?: number;
}

interface ObjectRow {
  readonly key: string;
  readonly version: string;
  readonly zone: string;
  readonly key_version: number;
  readonly path: string;
  readonly bytes: number;
  readonly sealed_bytes: number;
  readonly sha256: string;
  readonly content_type: string;
  readonly written_by: string;
  readonly stored_at: string;
  readonly labels: Readonly<Record<string, string>>;
}

const columns = `o.key, o.version, o.zone, o.key_version, o.path, o.bytes::float8 as bytes, o.sealed_bytes::float8 as sealed_bytes,
  o.sha256, o.content_type, o.written_by, o.stored_at, o.labels`;
const defaultReadBytes = 64 << 20;

/** Opens the store. Any number of processes and threads may use one store at the same time. */
export async function openObjectStore(options: ObjectStoreOptions): Promise<ObjectStore> {
  const { vault, database, clock, log } = options;
  const driver = openDriver(options.driver);
  const graceMs = options.graceMs ?? 24 * 60 * 60 * 1000;

  async function findRow(key: string, version?: string): Promise<ObjectRow | undefined> {
    const [row] = await database.query<ObjectRow>(
      version === undefined
        ? `select ${columns} from stockroom.object o where key = $1 and state = 'current'`
        : `select ${columns} from stockroom.object o where key = $1 and version = $2 and state in ('current', 'former')`,
      version === undefined ? [key] : [key, version],
    );
    return row;
  }

  async function getRow(key: string, version?: string): Promise<ObjectRow> {
    checkKey(key);
    const row = await findRow(key, version);
    if (row === undefined) throw missing(key, version);
    return row;
  }

  async function readHandle(actor: Actor, key: string, version?: string): Promise<ReadHandle> {
    const row = await getRow(key, version);
    const seal = await vault.handle(actor, "read", key, sealedAs(row));
    return { entry: entryOf(row), driver: options.driver, path: row.path, seal: bindId(seal, row.path) };
  }

  async function writeHandle(actor: Actor, key: string): Promise<WriteHandle> {
    checkKey(key);
    const seal = await vault.handle(actor, "write", key);
    const stagingPath = makeStagingPath();
    return { key, driver: options.driver, stagingPath, seal: bindId(seal, stagingPath) };
  }

  async function put(actor: Actor, key: string, body: Body | Uint8Array, putOptions: PutOptions = {}): Promise<ObjectEntry> {
    const handle = await writeHandle(actor, key);
    const bounded = atMost(key, body instanceof Uint8Array ? once(body) : body, putOptions.maxBytes);
    const staged = await writeThrough(handle, bounded, putOptions.signal);
    const [entry] = await commit(actor, [staged], putOptions).catch(async (thrown: unknown) => {
      // Only what has no row goes: a commit whose answer was lost may have happened.
      await discard([handle]).catch((error: unknown) => log.warn("sealed bytes left for the sweep", { key, error }));
      throw thrown;
    });
    if (entry === undefined)
      throw new StockroomError("fault", "OBJECT_NO_ENTRY", "Expected an entry for the committed object but got none. Report this.");
    return entry;
  }

  async function get(
    actor: Actor,
    key: string,
    getOptions: { readonly version?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<{ readonly entry: ObjectEntry; readonly body: Body }> {
    const handle = await readHandle(actor, key, getOptions.version);
    return { entry: handle.entry, body: openHandle(handle, getOptions.signal) };
  }

  async function read(
    actor: Actor,
    key: string,
    readOptions: { readonly version?: string | undefined; readonly maxBytes?: number | undefined } = {},
  ): Promise<Uint8Array> {
    const maxBytes = readOptions.maxBytes ?? defaultReadBytes;
    const row = await getRow(key, readOptions.version);
    if (row.bytes > maxBytes) throw tooLarge(key, maxBytes);
    const handle = await readHandle(actor, key, row.version);
    return gather(openHandle(handle));
  }

  async function head(key: string, version?: string): Promise<ObjectEntry | undefined> {
    checkKey(key);
    const row = await findRow(key, version);
    return row === undefined ? undefined : entryOf(row);
  }

  async function list(
    prefix: string,
    listOptions: { readonly after?: string | undefined; readonly limit?: number | undefined } = {},
  ): Promise<readonly ObjectEntry[]> {
    // In byte order the last key with a prefix stands before prefix + U+10FFFF, so the index gives exactly the range.
    const rows = await database.query<ObjectRow>(
      `select ${columns} from stockroom.object o
       where state = 'current' and key >= $1 and key < $1 || chr(1114111) and ($2::text is null or key > $2) order by key limit $3`,
      [prefix, listOptions.after ?? null, listOptions.limit ?? 1000],
    );
    return rows.map(entryOf);
  }

  async function versions(key: string): Promise<readonly ObjectEntry[]> {
    checkKey(key);
    const rows = await database.query<ObjectRow>(
      `select ${columns} from stockroom.object o where key = $1 and state in ('current', 'former') order by version desc`,
      [key],
    );
    return rows.map(entryOf);
  }

  async function remove(actor: Actor, key: string): Promise<void> {
    const row = await getRow(key);
    await vault.handle(actor, "write", key, sealedAs(row));
    await database.transaction(async (tx) => {
      await lockKeys(tx, [key]);
      const hidden = await tx.query<{ version: string; zone: string }>(
        `with hidden as (
           update stockroom.object set state = 'removed' where key = $1 and state in ('current', 'former') returning version, zone
         )
         insert into stockroom.object_tombstone (key, version, removed_by, removed_at) select $1, version, $2, $3 from hidden
         returning version, (select zone from hidden h where h.version = object_tombstone.version) as zone`,
        [key, byOf(actor), new Date(clock.now()).toISOString()],
      );
      const newest = hidden.toSorted((a, b) => (a.version < b.version ? 1 : -1))[0];
      if (newest === undefined) throw missing(key);
      await appendEvent(tx, {
        kind: "object.removed",
        subject: key,
        data: { key, version: newest.version, zone: newest.zone },
        dedupe: `object/${key}/${newest.version}/removed`,
      });
    });
    log.debug("object removed", { key, role: actor.role, purpose: actor.purpose });
  }

  async function commit(
    actor: Actor,
    staged: readonly StagedObject[],
    commitOptions: PutOptions & { readonly alongside?: (tx: Tx, entries: readonly ObjectEntry[]) => Promise<void> | undefined } = {},
  ): Promise<readonly ObjectEntry[]> {
    commitOptions.signal?.throwIfAborted();
    const stagingPaths = staged.map((one) => one.handle.stagingPath);
    if (new Set(stagingPaths).size !== staged.length) {
      throw new StockroomError("input", "OBJECT_STAGED_TWICE", "Expected each staged object once but one is listed twice. List it once.");
    }
    for (const one of staged) checkStaged(one, commitOptions.maxBytes);
    const before = await findCommitted(database, staged);
    for (const { handle } of staged) {
      if (before.has(handle.stagingPath)) continue;
      // Gone, or committed by another process this very moment: the transaction sees which.
      await driver.promote(handle.stagingPath, pathOf(handle)).catch(ignoreNoFile);
      faultPoint("objects.promoted");
    }
    const unused: string[] = [];
    const entries = await database.transaction(async (tx) => {
      unused.length = 0;
      await lockKeys(
        tx,
        staged.map((one) => one.handle.key),
      );
      // Against a sweep of the same files (reconcile.ts).
      await lockFiles(tx, stagingPaths);
      const done = await findCommitted(tx, staged);
      if (done.size > 0) {
        // Committed before, with whatever stood alongside: a resumed step gets the same answer.
        return staged.map((one) => done.get(one.handle.stagingPath) ?? fail(mixed()));
      }
      const made: ObjectEntry[] = [];
      for (const one of staged) {
        const path = pathOf(one.handle);
        const { entry, isNew } = await insertVersion(tx, actor, one, path, commitOptions);
        if (!isNew) unused.push(path);
        made.push(entry);
      }
      await commitOptions.alongside?.(tx, made);
      faultPoint("objects.written");
      return made;
    });
    faultPoint("objects.committed");
    // The bytes of puts that changed nothing. If this fails or we die, the sweep takes them.
    for (const path of unused)
      await driver.remove(path).catch((error: unknown) => log.warn("unused bytes left for the sweep", { path, error }));
    return entries;
  }

  async function insertVersion(
    tx: Tx,
    actor: Actor,
    staged: StagedObject,
    path: string,
    commitOptions: PutOptions,
  ): Promise<{ readonly entry: ObjectEntry; readonly isNew: boolean }> {
    const { key, seal, stagingPath } = staged.handle;
    const file = await driver.stat(path);
    if (file?.bytes !== staged.sealedBytes) throw gone(staged.handle);
    const [current] = await tx.query<ObjectRow>(`select ${columns} from stockroom.object o where key = $1 and state = 'current'`, [key]);
    // In another zone it is not the same: who may read it has changed.
    const isSame = current?.sha256 === staged.sha256 && current.bytes === staged.bytes && current.zone === seal.zone;
    let row = current;
    if (!isSame) {
      await tx.query("update stockroom.object set state = 'former' where key = $1 and state = 'current'", [key]);
      [row] = await tx.query<ObjectRow>(
        `insert into stockroom.object as o (key, version, state, zone, key_version, path, bytes, sealed_bytes, sha256, content_type,
           written_by, stored_at, labels)
         values ($1, lpad(nextval('stockroom.object_version')::text, 12, '0'), 'current', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         returning ${columns}`,
        [
          key,
          seal.zone,
          seal.keyVersion,
          path,
          staged.bytes,
          staged.sealedBytes,
          staged.sha256,
          contentTypeOf(key, commitOptions.contentType),
          byOf(actor),
          new Date(clock.now()).toISOString(),
          JSON.stringify(commitOptions.labels ?? {}),
        ],
      );
    }
    if (row === undefined)
      throw new StockroomError("fault", "OBJECT_NO_ENTRY", "Expected the new row of the catalogue but got none. Report this.");
    await tx.query("insert into stockroom.object_staging (staging_path, key, version) values ($1, $2, $3)", [
      stagingPath,
      key,
      row.version,
    ]);
    const entry = entryOf(row);
    if (!isSame && commitOptions.announce !== false) {
      const { version, zone, bytes, sha256, labels } = entry;
      await appendEvent(tx, {
        kind: "object.stored",
        subject: key,
        data: { key, version, zone, bytes, sha256, labels },
        dedupe: `object/${key}/${version}`,
      });
    }
    return { entry, isNew: !isSame };
  }

  async function discard(handles: readonly WriteHandle[]): Promise<void> {
    for (const handle of handles) {
      await driver.remove(handle.stagingPath);
      const path = pathOf(handle);
      if ((await driver.stat(path)) === undefined) continue;
      await database.transaction(async (tx) => {
        await lockFiles(tx, [path]);
        const [row] = await tx.query("select 1 from stockroom.object where path = $1", [path]);
        if (row === undefined) await driver.remove(path);
      });
    }
  }

  return {
    put,
    get,
    read,
    head,
    list,
    versions,
    remove,
    readHandle,
    writeHandle,
    commit,
    discard,
    reconcile: () => reconcile({ driver, database, clock, log, graceMs }),
    // The driver holds nothing open, and records and vault belong to the app.
    close: async () => undefined,
  };
}

/** The store's id joins what the vault binds, so that an older version of the same key does not open in place of a newer one. */
function bindId(seal: WriteHandle["seal"], path: string): WriteHandle["seal"] {
  return { ...seal, context: { ...seal.context, object: idOf(path) } };
}

/** Where the object of a handle lies once promoted. */
const pathOf = (handle: WriteHandle): string => objectPath(handle.seal.context["name"] ?? "", handle.stagingPath);

const sealedAs = (row: ObjectRow): Sealed => ({
  zone: row.zone,
  keyVersion: row.key_version,
  namedPlainly: isPlainPath(row.key, row.path),
});

const byOf = (actor: Actor): string => `${actor.role}: ${actor.purpose}`;

const entryOf = (row: ObjectRow): ObjectEntry => ({
  key: row.key,
  version: row.version,
  zone: row.zone,
  keyVersion: row.key_version,
  bytes: row.bytes,
  sealedBytes: row.sealed_bytes,
  sha256: row.sha256,
  contentType: row.content_type,
  writtenBy: row.written_by,
  storedAt: row.stored_at,
  labels: row.labels,
});

/** By the mark of the upload or, when retention has taken that, by the path, which holds the same id. */
async function findCommitted(tx: Tx, staged: readonly StagedObject[]): Promise<ReadonlyMap<string, ObjectEntry>> {
  if (staged.length === 0) return new Map();
  const paths = new Map(staged.map(({ handle }) => [pathOf(handle), handle.stagingPath]));
  const stagingPaths = [...paths.values()];
  const made = await tx.query<ObjectRow>(`select ${columns} from stockroom.object o where o.path = any($1)`, [[...paths.keys()]]);
  const rows = await tx.query<ObjectRow & { staging_path: string }>(
    `select ${columns}, s.staging_path from stockroom.object_staging s join stockroom.object o using (key, version)
     where s.staging_path = any($1)`,
    [stagingPaths],
  );
  return new Map([
    ...made.map((row) => [paths.get(row.path) ?? "", entryOf(row)] as const),
    ...rows.map((row) => [row.staging_path, entryOf(row)] as const),
  ]);
}

function checkStaged(staged: StagedObject, maxBytes: number | undefined): void {
  checkKey(staged.handle.key);
  if (staged.handle.seal.object !== staged.handle.key || staged.handle.seal.context["object"] !== idOf(staged.handle.stagingPath)) {
    throw new StockroomError("input", "OBJECT_BAD_TICKET", "Expected a handle as the store gave it but it was changed. Ask for a new one.");
  }
  if (maxBytes !== undefined && staged.bytes > maxBytes) throw tooLarge(staged.handle.key, maxBytes);
}

async function* atMost(key: string, body: Body, maxBytes: number | undefined): Body {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (maxBytes !== undefined && bytes > maxBytes) throw tooLarge(key, maxBytes);
    yield chunk;
  }
}

function ignoreNoFile(cause: unknown): void {
  if (!(cause instanceof StockroomError) || cause.code !== "STORE_NO_FILE") throw cause;
}

function fail(error: StockroomError): never {
  throw error;
}

const tooLarge = (key: string, maxBytes: number): StockroomError =>
  new StockroomError(
    "input",
    "OBJECT_TOO_LARGE",
    `Expected "${key}" to have at most ${maxBytes} bytes but it has more. Split it, or raise the limit where it is set.`,
    { facts: { key, maxBytes } },
  );

const missing = (key: string, version?: string): StockroomError =>
  new StockroomError(
    "missing",
    "OBJECT_MISSING",
    `Expected an object "${key}"${version === undefined ? "" : ` with version ${version}`} but there is none. ` +
      `List what is there with: stockroom ls.`,
    { facts: { key, version } },
  );

const gone = (handle: WriteHandle): StockroomError =>
  new StockroomError(
    "conflict",
    "OBJECT_STAGING_GONE",
    `Expected the staged bytes of "${handle.key}" as they were written but they are gone or changed. Write them again with a new handle.`,
    { facts: { key: handle.key, stagingPath: handle.stagingPath } },
  );

const mixed = (): StockroomError =>
  new StockroomError(
    "conflict",
    "OBJECT_COMMIT_MIXED",
    "Expected to commit objects for the first time, or the same ones again, but some of these were committed before and some were not. " +
      "Commit the rest by themselves.",
  );
