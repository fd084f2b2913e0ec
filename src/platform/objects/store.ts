// The store itself: who may, which version, and the bytes through seal and driver. How bytes become an object is commit.ts.

import { gather, once, type Body } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import type { Clock } from "../time.ts";
import type { Log } from "../log.ts";
import type { Database } from "../database/contract.ts";
import type { Actor, Vault } from "../vault/contract.ts";
import { announceRemoved, entryOf, findRow, hideVersions, listEntries, listVersions, sealedAs, type ObjectRow } from "./catalogue.ts";
import { commit, discard, tooLarge, type StoreDeps } from "./commit.ts";
import type { DriverAddress, ObjectEntry, ObjectStore, PutOptions, ReadHandle, WriteHandle } from "./contract.ts";
import { openDriver } from "./drivers/open.ts";
import { openHandle, writeThrough } from "./handles.ts";
import { lockKeys } from "./locks.ts";
import { checkKey, idOf, makeStagingPath } from "./names.ts";
import { reconcile } from "./reconcile.ts";

export interface ObjectStoreOptions {
  readonly driver: DriverAddress;
  readonly vault: Vault;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a file without row must have been seen unchanged before a reconcile sweeps it. Default 24 hours. */
  readonly graceMs?: number;
}

const defaultReadBytes = 64 << 20;

/** Opens the store. Any number of processes and threads may use one store at the same time. */
export async function openObjectStore(options: ObjectStoreOptions): Promise<ObjectStore> {
  const { database, clock, log, graceMs = 24 * 60 * 60 * 1000 } = options;
  const deps = { driver: openDriver(options.driver), database, clock, log };
  const handles = makeHandles(options);
  return {
    ...handles,
    put: (actor, key, body, putOptions = {}) => put(deps, handles, { actor, key, body, options: putOptions }),
    get: async (actor, key, { version, signal } = {}) => {
      const handle = await handles.readHandle(actor, key, version);
      return { entry: handle.entry, body: openHandle(handle, signal) };
    },
    read: async (actor, key, { version, maxBytes = defaultReadBytes } = {}) => {
      const row = await getRow(database, key, version);
      if (row.bytes > maxBytes) throw tooLarge(key, maxBytes);
      return gather(openHandle(await handles.readHandle(actor, key, row.version)));
    },
    head: async (key, version) => {
      checkKey(key);
      const row = await findRow(database, key, version);
      return row === undefined ? undefined : entryOf(row);
    },
    list: (prefix, { after, limit = 1000 } = {}) => listEntries(database, prefix, after, limit),
    versions: async (key) => {
      checkKey(key);
      return await listVersions(database, key);
    },
    remove: (actor, key) => remove(options, actor, key),
    commit: (actor, staged, commitOptions) => commit(deps, actor, staged, commitOptions),
    discard: (staged) => discard(deps, staged),
    reconcile: () => reconcile({ ...deps, graceMs }),
    // The driver holds nothing open, and database and vault belong to the app.
    close: async () => undefined,
  };
}

type Handles = Pick<ObjectStore, "readHandle" | "writeHandle">;

function makeHandles({ vault, database, driver }: ObjectStoreOptions): Handles {
  return {
    readHandle: async (actor, key, version): Promise<ReadHandle> => {
      const row = await getRow(database, key, version);
      const seal = await vault.handle(actor, "read", key, sealedAs(row));
      return { entry: entryOf(row), driver, path: row.path, seal: bindId(seal, row.path) };
    },
    writeHandle: async (actor, key): Promise<WriteHandle> => {
      checkKey(key);
      const seal = await vault.handle(actor, "write", key);
      const stagingPath = makeStagingPath();
      return { key, driver, stagingPath, seal: bindId(seal, stagingPath) };
    },
  };
}

async function put(
  deps: StoreDeps,
  handles: Handles,
  {
    actor,
    key,
    body,
    options,
  }: { readonly actor: Actor; readonly key: string; readonly body: Body | Uint8Array; readonly options: PutOptions },
): Promise<ObjectEntry> {
  const handle = await handles.writeHandle(actor, key);
  const bounded = atMost(key, body instanceof Uint8Array ? once(body) : body, options.maxBytes);
  const staged = await writeThrough(handle, bounded, options.signal);
  const [entry] = await commit(deps, actor, [staged], options).catch(async (thrown: unknown) => {
    await discard(deps, [handle]).catch((error: unknown) => deps.log.warn("sealed bytes left for the sweep", { key, error }));
    throw thrown;
  });
  if (entry === undefined)
    throw new StockroomError("fault", "OBJECT_NO_ENTRY", "Expected an entry for the committed object but got none. Report this.");
  return entry;
}

async function remove({ vault, database, clock, log }: ObjectStoreOptions, actor: Actor, key: string): Promise<void> {
  const row = await getRow(database, key);
  await vault.handle(actor, "write", key, sealedAs(row));
  await database.transaction(async (tx) => {
    await lockKeys(tx, [key]);
    const newest = await hideVersions(tx, key, { actor, atMs: clock.now() });
    if (newest === undefined) throw missing(key);
    await announceRemoved(tx, key, newest);
  });
  log.debug("object removed", { key, role: actor.role, purpose: actor.purpose });
}

async function getRow(database: Database, key: string, version?: string): Promise<ObjectRow> {
  checkKey(key);
  const row = await findRow(database, key, version);
  if (row === undefined) throw missing(key, version);
  return row;
}

/** The store's id joins what the vault binds, so that an older version of the same key does not open in place of a newer one. */
function bindId(seal: WriteHandle["seal"], path: string): WriteHandle["seal"] {
  return { ...seal, context: { ...seal.context, object: idOf(path) } };
}

async function* atMost(key: string, body: Body, maxBytes: number | undefined): Body {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (maxBytes !== undefined && bytes > maxBytes) throw tooLarge(key, maxBytes);
    yield chunk;
  }
}

const missing = (key: string, version?: string): StockroomError =>
  new StockroomError(
    "missing",
    "OBJECT_MISSING",
    `Expected an object "${key}"${version === undefined ? "" : ` with version ${version}`} but there is none. ` +
      `List what is there with: stockroom ls.`,
    { facts: { key, version } },
  );
