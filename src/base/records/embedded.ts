// Embedded: the supervisor of a home's own PostgreSQL server.
//
// Owns: home/postgres (data folder, password, port, server log), first start, adoption, restart after a crash, the last one's stop.
// Does not own: the pool and the schema (pool.ts, migrate.ts).
//   E1. Starting, adopting and stopping happen under the home's lock: never two servers, never a stop under someone who just came.
//   E2. Everyone who uses the server holds a shared advisory lock in it; who can take it alone is the last, and stops the server.
//       The lock is the connection's, so a killed process leaves no trace and its server is adopted by the next.
//   E3. A data folder exists only whole: it is initialised aside and renamed.
//   E4. The server outlives us (its own session, no pipe to us): a killed command never takes the database from the others.
//   E5. fsync is on; what a transaction was told is kept is on the disk.
//
// PostgreSQL refuses root. As root we run it under another user, with the data folder as its working directory and named
// /proc/self/cwd: so the home may lie where that user cannot walk, such as /root.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import type { ClientConfig } from "pg";
import { isStockroomError, StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import type { Log } from "../log.ts";
import { findBinaries } from "./binaries.ts";
import type { Binaries, ServerUser } from "./binaries.ts";
import { codeOf, isUnreachable } from "./failures.ts";
import { withHomeLock } from "./home-lock.ts";
import { chooseServerUser, isPostmasterOf } from "./server-process.ts";

const user = "stockroom";
const database = "postgres";
/** The advisory lock of E2: "stockroom" and 1, as two 32-bit numbers. */
const presenceLock = "1937006946, 1";
const host = "127.0.0.1";
const stopPatienceMs = 60_000;
const serverLogMaxBytes = 10 * 1024 * 1024;

export interface EmbeddedOptions {
  readonly home: string;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  /** Default true. False gives up E5 for speed: only for tests, whose data nobody will miss. */
  readonly durable?: boolean | undefined;
}

export interface EmbeddedServer {
  /** Where to connect right now. */
  where(): ClientConfig;
  url(databaseName?: string): string;
  about(): {
    port: number;
    pid: number | undefined;
    state: "up" | "down";
    adopted: boolean;
    folder: string;
    serverLog: string;
    uid: number | undefined;
  };
  /** Leaves; the last one stops the server unless `keepServer`. */
  close(options?: { readonly keepServer?: boolean | undefined }): Promise<void>;
}

/** Where everything of a home's server lies. */
export interface ServerPlaces {
  readonly root: string;
  readonly data: string;
  readonly password: string;
  readonly port: string;
  readonly lock: string;
  readonly serverLog: string;
}

export function placesOf(home: string): ServerPlaces {
  const root = path.resolve(home, "postgres");
  return {
    root,
    data: path.join(root, "data"),
    password: path.join(root, "password"),
    port: path.join(root, "port"),
    lock: path.join(root, "lock"),
    serverLog: path.join(root, "server.log"),
  };
}

/** A server as we found or started it, with our presence in it. */
interface Presence {
  readonly client: Client;
  readonly port: number;
  readonly pid: number;
  readonly adopted: boolean;
}

interface Cluster {
  readonly places: ServerPlaces;
  readonly binaries: Binaries;
  readonly user: ServerUser | undefined;
  readonly durable: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
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
  const signal = options.signal === undefined ? closing.signal : AbortSignal.any([options.signal, closing.signal]);
  const cluster: Cluster = {
    places,
    binaries: await findBinaries(serverUser),
    user: serverUser,
    durable: options.durable ?? true,
    log,
    signal,
  };
  let password = "";
  let presence: Presence | undefined;
  let port = 0;
  let adopted = false;
  let restoring: Promise<void> | undefined;

  const enter = async (first: boolean): Promise<void> => {
    const entered = await withHomeLock(
      places.lock,
      async () => {
        password = await readyCluster(cluster, first);
        return enterServer(cluster, password);
      },
      signal,
    );
    presence = entered;
    port = entered.port;
    adopted = entered.adopted;
    entered.client.once("end", () => {
      if (presence !== entered) return;
      presence = undefined;
      if (!closing.signal.aborted) restoring = restore();
    });
  };

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
    where: () => ({ host, port, user, password, database }),
    url: (name = database) => `postgres://${user}:${password}@${host}:${port}/${name}`,
    about: () => ({
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
      if (last === undefined) return;
      if (keepServer) {
        await last.client.end().catch(() => undefined);
        return;
      }
      await withHomeLock(places.lock, () => leaveServer(places, last, log));
    },
  };
}

/** Creates a folder only we may look into; leaves one that is there as it is. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS" && code !== "ENOTDIR" && code !== "EEXIST") throw thrown;
    throw new StockroomError(
      "input",
      "RECORDS_HOME_UNUSABLE",
      `Expected a folder we may write to at ${folder} but got ${code}. Choose another with STOCKROOM_HOME.`,
      { cause: thrown, facts: { folder } },
    );
  }
}

/** Makes the data folder and the password if they are not there, and checks the version. Gives the password. */
async function readyCluster(cluster: Cluster, mayCreate: boolean): Promise<string> {
  const { places, binaries } = cluster;
  const version = await readFile(path.join(places.data, "PG_VERSION"), "utf8").catch((thrown: unknown) => {
    if (codeOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  });
  if (version === undefined) {
    if (!mayCreate) {
      throw new StockroomError(
        "missing",
        "RECORDS_DATA_GONE",
        `Expected the database's files at ${places.data} but they are gone while we run. Put them back or restore a backup; nothing new is made in their place.`,
        { facts: { folder: places.data } },
      );
    }
    await rejectStrangers(places.data);
    return initialise(cluster);
  }
  if (Number.parseInt(version, 10) !== binaries.major) {
    throw new StockroomError(
      "conflict",
      "RECORDS_OTHER_VERSION",
      `Expected database files of PostgreSQL ${binaries.major} at ${places.data} but they are of version ${version.trim()}. Open them with the Stockroom that made them, take a backup of its tables, and import it here; or set STOCKROOM_HOME to another folder.`,
      { facts: { folder: places.data, expected: binaries.major, found: version.trim() } },
    );
  }
  const password = await readFile(places.password, "utf8").catch((thrown: unknown) => {
    if (codeOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  });
  if (password !== undefined && password.trim() !== "") return password.trim();
  return replacePassword(cluster);
}

/** A folder with anything in it that is not a database is somebody's; it is not ours to fill or remove. */
async function rejectStrangers(folder: string): Promise<void> {
  const inside = await readdir(folder).catch(() => []);
  if (inside.length === 0) return;
  throw new StockroomError(
    "conflict",
    "RECORDS_FOREIGN_FOLDER",
    `Expected ${folder} to be empty or a database but it holds ${inside.length} other files. Move them away or choose another STOCKROOM_HOME.`,
    { facts: { folder, files: inside.length } },
  );
}

/** How the server's programs are told of the data folder (see the head of this file). */
function dataArgument(cluster: Cluster): string {
  return cluster.user === undefined ? cluster.places.data : "/proc/self/cwd";
}

const initArguments = ["--username", user, "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"];

async function initialise(cluster: Cluster): Promise<string> {
  const { places, binaries, log } = cluster;
  const started = performance.now();
  const aside = `${places.data}.new`;
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside, { mode: 0o700 });
  const password = randomBytes(24).toString("base64url");
  await writeSecret(places.password, password);
  // initdb reads the password from a file its user may read; it goes as an open file, so its path need not be walkable.
  const handover = path.join(places.root, "password.new");
  await writeSecret(handover, password);
  if (cluster.user !== undefined) {
    await chown(aside, cluster.user.uid, cluster.user.gid);
    await chown(handover, cluster.user.uid, cluster.user.gid);
  }
  const file = await open(handover, "r");
  try {
    const byDescriptor = cluster.user !== undefined;
    const outcome = await runProgram(
      cluster,
      binaries.initdb,
      [
        "-D",
        byDescriptor ? "/proc/self/cwd" : aside,
        `--pwfile=${byDescriptor ? "/proc/self/fd/3" : handover}`,
        "--no-instructions",
        ...(cluster.durable ? [] : ["--no-sync"]),
        ...initArguments,
      ],
      aside,
      file.fd,
    );
    if (outcome.exit !== 0) throw serverFailure("initialise", outcome.output);
  } finally {
    await file.close();
    await rm(handover, { force: true });
  }
  faultPoint("records.initialised-aside");
  await rm(places.data, { recursive: true, force: true });
  await rename(aside, places.data);
  log.info("made a new database", { folder: places.data, tookMs: Math.round(performance.now() - started) });
  return password;
}

async function writeSecret(file: string, text: string): Promise<void> {
  await rm(file, { force: true });
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The password file is gone: who owns the files owns the data, so the single-user mode sets a new one. */
async function replacePassword(cluster: Cluster): Promise<string> {
  const { places, log } = cluster;
  const running = await findPostmaster(places.data);
  if (running !== undefined) await stopPostmaster(places, running.pid, log);
  const password = randomBytes(24).toString("base64url");
  const outcome = await runProgram(
    cluster,
    cluster.binaries.postgres,
    ["--single", "-D", dataArgument(cluster), database],
    places.data,
    undefined,
    `alter role ${user} password '${password}'\n`,
  );
  if (outcome.exit !== 0 || /ERROR:/.test(outcome.output)) throw serverFailure("set a new password for", outcome.output);
  await writeSecret(places.password, password);
  log.warn("the database's password file was missing, a new password was set", { file: places.password });
  return password;
}

async function runProgram(
  cluster: Cluster,
  program: string,
  args: readonly string[],
  folder: string,
  descriptor: number | undefined,
  input = "",
): Promise<{ exit: number; output: string }> {
  const child = spawn(program, args, {
    cwd: folder,
    ...cluster.user,
    env: serverEnvironment(),
    stdio: ["pipe", "pipe", "pipe", descriptor ?? "ignore"],
  });
  let output = "";
  const gather = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout?.on("data", gather);
  child.stderr?.on("data", gather);
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(cannotRun(program, error)));
    child.once("close", (exit) => resolve({ exit: exit ?? -1, output }));
  });
}

/** Only what the programs need: nothing of our environment (secrets!) lives on in the server's. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { LC_ALL: "C", TZ: "UTC" };
  for (const name of ["PATH", "SystemRoot", "TMPDIR", "TEMP", "TMP"]) {
    if (process.env[name] !== undefined) env[name] = process.env[name];
  }
  return env;
}

function cannotRun(program: string, error: Error): StockroomError {
  return new StockroomError(
    "fault",
    "RECORDS_SERVER_FAILED",
    `Expected to run ${program} but the system refused: ${error.message}. Reinstall the packages or set DATABASE_URL.`,
    { cause: error, facts: { program } },
  );
}

function serverFailure(what: string, output: string): StockroomError {
  const lines = output.trim().split("\n").slice(-12).join("\n");
  if (/no space left on device/i.test(output)) {
    return new StockroomError(
      "busy",
      "RECORDS_DISK_FULL",
      "Expected room on the database's disk but it is full. Nothing was lost; free some space and start again.",
      { facts: { output: lines } },
    );
  }
  return new StockroomError(
    "fault",
    "RECORDS_SERVER_FAILED",
    `Expected PostgreSQL to ${what} the database but it ended. Its last words:\n${lines}`,
    { facts: { output: lines } },
  );
}

/** Connects to the server that runs, or starts one and connects; in either case holds the presence lock when it returns. */
async function enterServer(cluster: Cluster, password: string): Promise<Presence> {
  let started: ChildProcess | undefined;
  for (let attempt = 1; ; attempt++) {
    cluster.signal.throwIfAborted();
    const running = await findPostmaster(cluster.places.data);
    if (running === undefined) {
      started = await startServer(cluster);
      continue;
    }
    if (running.ready) {
      const entered = await enterAt(running, password, started?.pid !== running.pid, cluster);
      if (entered !== undefined) return entered;
    }
    // Starting (a recovery after a crash can take minutes) or stopping: its own file says when that is over.
    await pause(attempt < 50 ? 5 : 50, undefined, { signal: cluster.signal });
  }
}

async function enterAt(running: Postmaster, password: string, adopted: boolean, cluster: Cluster): Promise<Presence | undefined> {
  const client = new Client({
    host,
    port: running.port,
    user,
    password,
    database,
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
    if (codeOf(thrown) === "28P01") {
      throw new StockroomError(
        "denied",
        "RECORDS_PASSWORD_REFUSED",
        `Expected the password in ${cluster.places.password} to open the database but the server refused it. Put the right file back, or delete it: then a new password is set.`,
        { cause: thrown, facts: { file: cluster.places.password } },
      );
    }
    throw thrown;
  }
}

interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly ready: boolean;
}

/** The server that runs on this data folder, going by its own pid file; a file left by a dead or by a foreign process does not count. */
async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const file = path.join(data, "postmaster.pid");
  const text = await readFile(file, "utf8").catch((thrown: unknown) => {
    if (codeOf(thrown) === "ENOENT") return "";
    throw thrown;
  });
  // pid, data folder, start time, port, socket folder, address, shared memory, status
  const lines = text.split("\n").map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1) {
    // A power cut can leave an empty file, at which the server would refuse to start.
    if (text.trim() !== "" || (await stat(file).catch(() => undefined)) !== undefined) await rm(file, { force: true });
    return undefined;
  }
  if (await isPostmasterOf(pid, data)) return { pid, port: Number(lines[3]), ready: lines[7] === "ready" };
  // The server would take any living process of that number for a rival, even a zombie or another program.
  await rm(file, { force: true });
  return undefined;
}

/** Starts the server and waits until its pid file says it is ready; gives up only when it ends. */
async function startServer(cluster: Cluster): Promise<ChildProcess> {
  const { places, log } = cluster;
  await ownData(cluster);
  const logSize = (await stat(places.serverLog).catch(() => undefined))?.size ?? 0;
  if (logSize > serverLogMaxBytes) await truncate(places.serverLog, 0);
  let port = await rememberedPort(places);
  for (let attempt = 1; ; attempt++) {
    const started = performance.now();
    const sink = await open(places.serverLog, "a", 0o600);
    let child: ChildProcess;
    const from = (await sink.stat()).size;
    try {
      child = spawn(cluster.binaries.postgres, serverArguments(cluster, port), {
        cwd: places.data,
        ...cluster.user,
        env: serverEnvironment(),
        // A session of its own: Ctrl-C on our terminal is for us.
        detached: true,
        stdio: ["ignore", sink.fd, sink.fd],
      });
    } finally {
      await sink.close();
    }
    const ended = new Promise<"ended">((resolve, reject) => {
      child.once("error", (error) => reject(cannotRun(cluster.binaries.postgres, error)));
      child.once("exit", () => resolve("ended"));
    });
    ended.catch(() => undefined);
    child.unref();
    const outcome = await untilReady(cluster, child, ended);
    if (outcome === "ready") {
      await writeFile(places.port, String(port));
      log.debug("started the database server", { port, pid: child.pid, tookMs: Math.round(performance.now() - started) });
      return child;
    }
    const words = await readFrom(places.serverLog, from);
    if (/could not bind|could not create any TCP\/IP sockets/i.test(words) && attempt < 20) {
      log.info("the database's port is taken, choosing another", { port });
      port = await freePort();
      continue;
    }
    // Sessions of a server that was killed need a moment to notice and let go of the shared memory.
    if (/pre-existing shared memory block/i.test(words) && attempt < 200) {
      await pause(50, undefined, { signal: cluster.signal });
      continue;
    }
    throw serverFailure("start", words);
  }
}

async function untilReady(cluster: Cluster, child: ChildProcess, ended: Promise<"ended">): Promise<"ready" | "ended"> {
  for (;;) {
    const found = child.pid === undefined ? undefined : await peekPostmaster(cluster.places.data, child.pid);
    if (found === true) return "ready";
    if ((await Promise.race([ended, pause(5, "waiting" as const)])) === "ended") return "ended";
  }
}

/** Whether the pid file is our child's and says ready; never removes the file, which the child may be writing. */
async function peekPostmaster(data: string, pid: number): Promise<boolean> {
  const text = await readFile(path.join(data, "postmaster.pid"), "utf8").catch(() => "");
  const lines = text.split("\n").map((line) => line.trim());
  return Number(lines[0]) === pid && lines[7] === "ready";
}

function serverArguments(cluster: Cluster, port: number): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: host,
    port,
    unix_socket_directories: "",
    cluster_name: "stockroom",
    // A laptop's worth: touched only as far as used.
    shared_buffers: "128MB",
    max_connections: 200,
    // On one machine the workers' round trips cost more than they bring.
    io_method: "sync",
    jit: "off",
    // Backups copy the write-ahead log; nobody streams it.
    wal_level: "replica",
    max_wal_senders: 0,
    max_replication_slots: 0,
    timezone: "UTC",
    log_timezone: "UTC",
    log_line_prefix: "%m [%p] ",
    // Neither statements nor the values of a broken constraint belong into a log.
    log_min_error_statement: "panic",
    log_error_verbosity: "terse",
    ...(cluster.durable ? { fsync: "on", synchronous_commit: "on" } : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  return ["-D", dataArgument(cluster), ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

/** As root: files somebody copied in as root are given back to the server's user, or it could not open them. */
async function ownData(cluster: Cluster): Promise<void> {
  if (cluster.user === undefined) return;
  const { uid, gid } = cluster.user;
  const give = async (at: string): Promise<void> => {
    await chown(at, uid, gid);
    for (const entry of await readdir(at, { withFileTypes: true })) {
      const inner = path.join(at, entry.name);
      if (entry.isDirectory()) await give(inner);
      else if (entry.isFile()) await chown(inner, uid, gid);
    }
  };
  if ((await stat(cluster.places.data)).uid !== uid) await give(cluster.places.data);
}

async function readFrom(file: string, from: number): Promise<string> {
  const bytes = await readFile(file).catch(() => Buffer.alloc(0));
  return bytes.subarray(from).toString();
}

async function rememberedPort(places: ServerPlaces): Promise<number> {
  const port = Number(await readFile(places.port, "utf8").catch(() => ""));
  return Number.isSafeInteger(port) && port > 0 && port < 65_536 ? port : freePort();
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject);
    probe.listen(0, host, resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("a TCP port has a number");
  return address.port;
}

/** Leaves the server, and stops it if nobody else is in it. Holds the home's lock. */
async function leaveServer(places: ServerPlaces, presence: Presence, log: Log): Promise<void> {
  let alone = false;
  try {
    await presence.client.query(`select pg_advisory_unlock_shared(${presenceLock})`);
    const rows = await presence.client.query<{ alone: boolean }>(`select pg_try_advisory_lock(${presenceLock}) as alone`);
    alone = rows.rows[0]?.alone ?? false;
  } catch (thrown) {
    if (!isUnreachable(thrown) && !isStockroomError(thrown)) log.warn("could not ask who else uses the database", { error: thrown });
    // It went away under us; if it runs again, somebody else has brought it back and will stop it.
  }
  await presence.client.end().catch(() => undefined);
  if (alone) await stopPostmaster(places, presence.pid, log);
}

/** Fast shutdown: sessions end, what was committed is on disk. After a minute, the immediate one, which recovers at the next start. */
async function stopPostmaster(places: ServerPlaces, pid: number, log: Log): Promise<void> {
  const started = performance.now();
  if (!(await isPostmasterOf(pid, places.data))) return;
  signalProcess(pid, "SIGINT");
  let pressed = false;
  while (await isPostmasterOf(pid, places.data)) {
    if (!pressed && performance.now() - started > stopPatienceMs) {
      pressed = true;
      log.warn("the database server does not stop, pressing it", { pid });
      signalProcess(pid, "SIGQUIT");
    }
    await pause(5);
  }
  log.debug("stopped the database server", { pid, tookMs: Math.round(performance.now() - started) });
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (thrown) {
    if (codeOf(thrown) !== "ESRCH") throw thrown;
  }
}

/** Stops whatever server runs on `home`, no matter who uses it: for restore, reset and tests. */
export async function stopEmbedded(home: string, log: Log): Promise<void> {
  const places = placesOf(home);
  if ((await stat(places.root).catch(() => undefined)) === undefined) return;
  await withHomeLock(places.lock, async () => {
    const running = await findPostmaster(places.data);
    if (running !== undefined) await stopPostmaster(places, running.pid, log);
  });
}
