// Open: one way to PostgreSQL, whether it is ours (embedded) or given (DATABASE_URL).

import { isStockroomError, StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Migration, Database, DatabaseAbout, Tx } from "./contract.ts";
import { openEmbedded } from "./embedded.ts";
import type { EmbeddedServer } from "./embedded.ts";
import { poolerRefused } from "./failures.ts";
import { migrate } from "./migrate.ts";
import { databaseMigrations } from "./outbox.ts";
import { parseDatabaseUrl, type Place } from "./places.ts";
import { openPool, type Connections } from "./pool.ts";

export interface DatabaseOptions {
  /** A PostgreSQL of your own (14 or newer). Absent: the embedded server of `home`. */
  readonly url?: string | undefined;
  readonly home: string;
  readonly log: Log;
  /** The other parts' migrations, in the order of the parts; the database's own come first by themselves. */
  readonly migrations: readonly Migration[];
  /** Gives up opening. Has no effect once open. */
  readonly signal?: AbortSignal | undefined;
  /** Connections at once, all of a process together. Default 10, at least 5. */
  readonly poolSize?: number | undefined;
  /** How long a statement may be without an answer. Default 60,000. */
  readonly statementMs?: number | undefined;
  /** Shown in pg_stat_activity. Default `stockroom`. */
  readonly applicationName?: string | undefined;
}

const oldestVersion = 140_000;

/**
 * Opens the database: starts or adopts the embedded server if there is no `url`, connects, brings the tables up to date.
 *
 * Any number of processes may open the same home or the same url at the same time.
 * Throws `input` `RECORDS_BAD_URL`, `busy` `RECORDS_UNREACHABLE`, `denied` `RECORDS_PASSWORD_REFUSED`, `missing`
 * `RECORDS_NO_DATABASE`, `conflict` `RECORDS_TOO_OLD`, `RECORDS_STANDBY`, `RECORDS_POOLER` and `RECORDS_NEWER`, and what `openEmbedded` and `migrate` throw.
 *
 * @example
 * const database = await openDatabase({ home: ".stockroom", log, migrations: [...vaultMigrations, ...objectMigrations] });
 * await database.transaction(async (tx) => appendEvent(tx, { kind: "shop.opened", subject: "shop/1", data: {} }));
 * await database.close();
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const log = options.log.child({ part: "database" });
  const given = options.url === undefined ? undefined : makeRotation(parseDatabaseUrl(options.url));
  const server = given === undefined ? await openEmbedded({ home: options.home, log, signal: options.signal }) : undefined;
  const pool = openPool({
    where: () => server?.where() ?? { connectionString: given?.current().url },
    lost: () => given?.next(),
    applicationName: options.applicationName ?? "stockroom",
    size: Math.max(2, (options.poolSize ?? 10) - ownConnections),
    log,
    statementMs: options.statementMs,
  });
  try {
    await checkServer(pool, given);
    if (given !== undefined) await checkSession(pool);
    const own = databaseMigrations.filter(({ id }) => !options.migrations.some((one) => one.id === id));
    await migrate(pool, [...own, ...options.migrations], log);
    options.signal?.throwIfAborted();
  } catch (thrown) {
    await pool.close();
    await server?.close();
    throw thrown;
  }
  let closed: Promise<void> | undefined;
  return {
    query: pool.query,
    transaction: pool.transaction,
    session: pool.session,
    listen: pool.listen,
    reset: pool.reset,
    driverPool: pool.pool,
    get url() {
      return given?.current().url ?? server?.url() ?? "";
    },
    about: () => describe(server, given),
    close: (closeOptions) => {
      closed ??= pool.close().then(() => server?.close(closeOptions));
      return closed;
    },
  };
}

/** Of a process's connections: one that hears, one that holds its lock, one that watches the embedded server or opens the engine. */
const ownConnections = 3;

/** Several places, one of which is in use; after a loss the next one is tried. */
interface Rotation {
  readonly places: readonly Place[];
  current(): Place;
  next(): void;
}

function makeRotation(places: readonly [Place, ...Place[]]): Rotation {
  let at = 0;
  return {
    places,
    current: () => places[at] ?? places[0],
    next: () => {
      at = (at + 1) % places.length;
    },
  };
}

function describe(server: EmbeddedServer | undefined, given: Rotation | undefined): DatabaseAbout {
  if (server !== undefined) return server.about();
  const place = given?.current();
  return { kind: "external", host: place?.host ?? "", port: place?.port ?? 0, database: place?.database ?? "" };
}

/** Finds a server among the places that is new enough and takes writes; looks at each twice before it gives up. */
async function checkServer(pool: Connections, given: Rotation | undefined): Promise<void> {
  const most = (given?.places.length ?? 1) * 2;
  for (let attempt = 1; ; attempt++) {
    const at = given?.current();
    try {
      const [row] = await pool.query<{ version: number; standby: boolean }>(
        "select current_setting('server_version_num')::int as version, pg_is_in_recovery() as standby",
      );
      const version = row?.version ?? 0;
      if (version < oldestVersion) throw tooOld(version);
      if (!row?.standby) return;
      if (given === undefined || attempt >= most) throw standbyOnly(given);
      given.next();
      pool.reset();
    } catch (thrown) {
      if (given === undefined || !isStockroomError(thrown) || thrown.code !== "RECORDS_UNREACHABLE") throw thrown;
      if (attempt >= most || given.places.length === 1) throw unreached(given, thrown);
      // A refused connection has moved on by itself; one that was let in and cut has not.
      if (given.current() === at) given.next();
    }
  }
}

function tooOld(version: number): StockroomError {
  return new StockroomError(
    "conflict",
    "RECORDS_TOO_OLD",
    `Expected PostgreSQL ${oldestVersion / 10_000} or newer but the server is ${Math.floor(version / 10_000)}. Upgrade it.`,
    { facts: { version } },
  );
}

const addresses = (given: Rotation | undefined): string => (given?.places ?? []).map(({ host, port }) => `${host}:${port}`).join(", ");

function standbyOnly(given: Rotation | undefined): StockroomError {
  const where = addresses(given);
  return new StockroomError(
    "conflict",
    "RECORDS_STANDBY",
    `Expected a PostgreSQL server that takes writes at ${where} but it is a standby. Name the primary in DATABASE_URL, or all of them with commas.`,
    { facts: { where } },
  );
}

function unreached(given: Rotation, cause: unknown): StockroomError {
  const where = addresses(given);
  return new StockroomError(
    "busy",
    "RECORDS_UNREACHABLE",
    `Expected PostgreSQL at ${where} but it did not answer. Start it, or correct DATABASE_URL (without one, an embedded server is used).`,
    { cause, facts: { where } },
  );
}

/**
 * Finds out whether a connection is one session of the server. A pooler in transaction mode gives a connection back after each
 * transaction: while another client holds the backend we have just been given, we are given another one.
 *
 * Throws `conflict` `RECORDS_POOLER`.
 */
async function checkSession(pool: Connections): Promise<void> {
  const pidOf = async (tx: Tx): Promise<number | undefined> => (await tx.query<{ pid: number }>("select pg_backend_pid() as pid"))[0]?.pid;
  await pool.session(async (ours) => {
    const before = await pidOf(ours);
    await pool.session(async (other) => {
      await other.query("begin");
      const theirs = await pidOf(other);
      const after = await pidOf(ours);
      await other.query("commit");
      if (theirs === before || before !== after) throw poolerRefused();
    });
  });
}
