// Embedded: the supervisor of a home's own PostgreSQL server.
//
// Owns: first start, adoption, restart after a crash, the last one's stop. Does not own: the data folder (cluster.ts), the
// process (postmaster.ts), the pool and the schema (pool.ts, migrate.ts).
//   E1. Starting, adopting and stopping happen under the home's lock: never two servers, never a stop under someone who just came.
//   E2. Everyone who uses the server holds a shared advisory lock in it; who can take it alone is the last, and stops the server.
//       The lock is the connection's, so a killed process leaves no trace and its server is adopted by the next.
//   E3. The server outlives us (its own session, no pipe to us): a killed command never takes the database from the others.
//   E4. fsync is on; what a transaction was told is kept is on the disk.
//
// PostgreSQL refuses root. As root we run it under another user, with the data folder as its working directory and named
// /proc/self/cwd: so the home may lie where that user cannot walk, such as /root.

import type { ChildProcess } from "node:child_process";
import { stat } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import type { ClientConfig } from "pg";
import { codeOf, StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import type { Log } from "../log.ts";
import { findBinaries } from "./binaries.ts";
import { makeFolder, readyCluster, serverDatabase, serverRole } from "./cluster.ts";
import { placesOf } from "./cluster-places.ts";
import type { Cluster } from "./cluster-places.ts";
import type { DatabaseAbout } from "./contract.ts";
import { isUnreachable } from "./failures.ts";
import { withHomeLock } from "./home-lock.ts";
import { findPostmaster, serverHost, startServer, stopPostmaster } from "./postmaster.ts";
import type { Postmaster } from "./postmaster.ts";
import { chooseServerUser } from "./server-process.ts";

/** The advisory lock of E2: "stockroom" and 1, as two 32-bit numbers. */
const presenceLock = "1937006946, 1";

/** How long a server in recovery is waited for when leaving. */
const leavePatienceMs = 30_000;

export interface EmbeddedOptions {
  readonly home: string;
  readonly log: Log;
  /** Gives up opening; no effect once open. */
  readonly signal?: AbortSignal | undefined;
  /** Default true. False gives up E4 for speed: only for tests, whose data nobody will miss. */
  readonly durable?: boolean | undefined;
}

export interface EmbeddedServer {
  /** Where to connect right now. */
  where(): ClientConfig;
  url(): string;
  about(): Extract<DatabaseAbout, { kind: "embedded" }>;
  /** Leaves; the last one stops the server unless `keepServer`. */
  close(options?: { readonly keepServer?: boolean | undefined }): Promise<void>;
}

/** A server as we found or started it, with our presence in it. */
interface Presence {
  readonly client: Client;
  readonly port: number;
  readonly pid: number;
  readonly adopted: boolean;
}

/**
 * Starts the server of `home`, or adopts the one that runs, and keeps it running until closed.
 *
 * Throws `conflict` `RECORDS_OTHER_VERSION` (data of another major version), `denied` `RECORDS_PASSWORD_REFUSED` and
 * `RECORDS_FOREIGN_HOME`, `busy` `RECORDS_DISK_FULL`, `fault` `RECORDS_SERVER_FAILED` with the last lines of the server's log.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const { log } = options;
  const places = placesOf(options.home);
  await makeFolder(places.root);
  const serverUser = await chooseServerUser(places);
  const closing = new AbortController();
  const cluster: Cluster = {
    places,
    binaries: await findBinaries(serverUser),
    user: serverUser,
    durable: options.durable ?? true,
    log,
    signal: closing.signal,
  };
  let password = "";
  let port = 0;
  let adopted = false;
  let presence: Presence | undefined;
  let restoring: Promise<void> | undefined;

  const enter = async (first: boolean): Promise<void> => {
    const signal = first && options.signal !== undefined ? options.signal : closing.signal;
    const within: Cluster = { ...cluster, signal };
    const entered = await withHomeLock(
      places.lock,
      async () => {
        password = await readyCluster(within, first);
        return enterServer(within, password);
      },
      signal,
    );
    ({ port, adopted } = entered);
    presence = entered;
    entered.client.once("end", () => {
      if (presence !== entered) return;
      presence = undefined;
      if (!closing.signal.aborted) restoring = restore();
    });
  };

  /** Tries until it is back: after 50 ms, then up to every 5 s. */
  const restore = async (): Promise<void> => {
    log.warn("the database server went away, bringing it back", { port });
    for (let waitMs = 50; !closing.signal.aborted; waitMs = Math.min(waitMs * 2, 5_000)) {
      try {
        await enter(false);
        log.info("the database server is back", { port });
        return;
      } catch (thrown) {
        if (closing.signal.aborted) return;
        log.error("the database server could not be brought back yet", { error: thrown });
        await pause(waitMs, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
  };

  await enter(true);

  return {
    where: () => ({ host: serverHost, port, user: serverRole, password, database: serverDatabase }),
    url: () => `postgres://${serverRole}:${encodeURIComponent(password)}@${serverHost}:${port}/${serverDatabase}`,
    about: () => ({
      kind: "embedded",
      port,
      pid: presence?.pid,
      state: presence === undefined ? "down" : "up",
      adopted,
      folder: places.data,
      serverLog: places.serverLog,
      uid: serverUser?.uid,
    }),
    close: async ({ keepServer = false } = {}) => {
      if (closing.signal.aborted) return;
      closing.abort();
      await restoring;
      const last = presence;
      presence = undefined;
      if (keepServer) await last?.client.end().catch(() => undefined);
      else await withHomeLock(places.lock, () => leaveServer(cluster, last, password));
    },
  };
}

/** Connects to the server that runs, or starts one and connects; in either case holds the presence lock when it returns. */
async function enterServer(cluster: Cluster, password: string): Promise<Presence> {
  let started: ChildProcess | undefined;
  try {
    for (let attempt = 1; ; attempt++) {
      cluster.signal.throwIfAborted();
      const running = await findPostmaster(cluster.places.data);
      if (running === undefined) {
        started = await startServer(cluster);
        faultPoint("records.server-started");
        continue;
      }
      if (running.ready) {
        const entered = await enterAt(running, password, started?.pid !== running.pid, cluster.places.password);
        if (entered !== undefined) return entered;
      }
      // Starting (a recovery after a crash can take minutes) or stopping: its own file says when that is over.
      await pause(attempt < 50 ? 5 : 50, undefined, { signal: cluster.signal });
    }
  } catch (thrown) {
    // Nobody else can have entered a server that was started under this lock.
    if (started?.pid !== undefined) await stopPostmaster(cluster.places, started.pid, cluster.log);
    throw thrown;
  }
}

/** `undefined`: it does not answer yet, or any more. */
async function enterAt(running: Postmaster, password: string, adopted: boolean, passwordFile: string): Promise<Presence | undefined> {
  const client = new Client({
    host: serverHost,
    port: running.port,
    user: serverRole,
    password,
    database: serverDatabase,
    application_name: "stockroom presence",
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query(`select pg_advisory_lock_shared(${presenceLock})`);
    return { client, port: running.port, pid: running.pid, adopted };
  } catch (thrown) {
    await client.end().catch(() => undefined);
    if (isUnreachable(thrown)) return undefined;
    if (codeOf(thrown) !== "28P01") throw thrown;
    throw new StockroomError(
      "denied",
      "RECORDS_PASSWORD_REFUSED",
      `Expected the password in ${passwordFile} to open the database but the server refused it. Put the right file back, or delete it: then a new password is set.`,
      { cause: thrown, facts: { file: passwordFile } },
    );
  }
}

/** Leaves the server, and stops it if nobody else is in it. Holds the home's lock. */
async function leaveServer(cluster: Cluster, presence: Presence | undefined, password: string): Promise<void> {
  const { places, log } = cluster;
  const started = performance.now();
  let leaving = presence;
  try {
    // Our place in it may have been lost, now or before; if the server runs nevertheless, it must not be left behind alone.
    for (;;) {
      const running = await findPostmaster(places.data);
      if (running === undefined) return;
      if (running.ready) leaving ??= await enterAt(running, password, true, places.password);
      if (leaving !== undefined) {
        const alone = await isAlone(leaving.client);
        if (alone) await stopPostmaster(places, running.pid, log);
        if (alone !== undefined) return;
        await leaving.client.end().catch(() => undefined);
        leaving = undefined;
      }
      if (performance.now() - started > leavePatienceMs) {
        log.warn("the database server does not answer, leaving it as it is", { pid: running.pid });
        return;
      }
      await pause(10);
    }
  } catch (thrown) {
    log.warn("could not ask who else uses the database", { error: thrown });
  } finally {
    await leaving?.client.end().catch(() => undefined);
  }
}

/** Gives up this presence and tells whether there is no other; `undefined` when the connection was lost over it. */
async function isAlone(client: Client): Promise<boolean | undefined> {
  try {
    await client.query(`select pg_advisory_unlock_shared(${presenceLock})`);
    const { rows } = await client.query<{ alone: boolean }>(`select pg_try_advisory_lock(${presenceLock}) as alone`);
    return rows[0]?.alone ?? false;
  } catch (thrown) {
    if (isUnreachable(thrown)) return undefined;
    throw thrown;
  }
}

/**
 * Stops whatever server runs on `home`, no matter who uses it: for reset and for tests.
 *
 * @testing
 */
export async function stopEmbedded(home: string, log: Log): Promise<void> {
  const places = placesOf(home);
  if ((await stat(places.root).catch(() => undefined)) === undefined) return;
  await withHomeLock(places.lock, async () => {
    const running = await findPostmaster(places.data);
    if (running !== undefined) await stopPostmaster(places, running.pid, log);
  });
}
