// Postmaster: the server's process: found, started, stopped.
//
// Owns: the pid file's meaning, the settings the server runs with, its port, its log. Does not own: the data folder (cluster.ts).
//   M1. A pid file proves nothing by itself; a file of a dead or foreign process is no obstacle.
//   M2. Nothing of our environment lives on in the server's.
// Everything here happens under the home's lock.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { open, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { codeOf, StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Cluster, ServerPlaces } from "./cluster-places.ts";
import { isPostmasterOf } from "./server-process.ts";

/** Loopback only. */
export const serverHost = "127.0.0.1";
const stopPatienceMs = 60_000;
const serverLogMaxBytes = 10 * 1024 * 1024;

/** How the server's programs are told of the data folder (see the head of this file). */
export function dataArgument(cluster: Cluster): string {
  return cluster.user === undefined ? cluster.places.data : "/proc/self/cwd";
}

export interface ProgramCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  /** Becomes its file 3. */
  readonly descriptor?: number;
  /** What it reads from standard input. */
  readonly input?: string;
}

/** Runs one of the server's programs to its end, as the cluster's user. */
export async function runProgram(
  cluster: Pick<Cluster, "user">,
  { program, args, folder, descriptor, input = "" }: ProgramCall,
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

/** What a program that ended has to say. */
export function serverFailure(what: string, output: string): StockroomError {
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

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly ready: boolean;
}

/** The server that runs on this data folder, going by its own pid file; a file left by a dead or by a foreign process does not count. */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const found = await lookForPostmaster(data);
  // The server would take any living process of that number for a rival, even a zombie or another program; and an empty file, which
  // a power cut can leave, for one that cannot be read.
  if (found === undefined) await rm(path.join(data, "postmaster.pid"), { force: true });
  return found;
}

/** The same, and a file that means nothing is left where it is. */
export async function lookForPostmaster(data: string): Promise<Postmaster | undefined> {
  const file = path.join(data, "postmaster.pid");
  const text = await readFile(file, "utf8").catch((thrown: unknown) => {
    if (codeOf(thrown) === "ENOENT") return "";
    throw thrown;
  });
  // pid, data folder, start time, port, socket folder, address, shared memory, status
  const lines = text.split("\n").map((line) => line.trim());
  const pid = Number(lines[0]);
  if (pid > 1 && (await isPostmasterOf(pid, data))) return { pid, port: Number(lines[3]), ready: lines[7] === "ready" };
  return undefined;
}

/** Starts the server and waits until its pid file says it is ready; gives up only when it ends. */
export async function startServer(cluster: Cluster): Promise<ChildProcess> {
  const { places, log } = cluster;
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
    const outcome = await untilReady(cluster, child, ended).catch(async (thrown: unknown) => {
      // Given up while it was starting: nobody has entered yet, so nobody misses it.
      if (child.pid !== undefined) signalProcess(child.pid, "SIGINT");
      await ended;
      throw thrown;
    });
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
    cluster.signal.throwIfAborted();
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
    listen_addresses: serverHost,
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
    // One at a time keeps the log of a running backup.
    max_replication_slots: 4,
    timezone: "UTC",
    log_timezone: "UTC",
    log_checkpoints: "off",
    log_line_prefix: "%m [%p] ",
    // Neither statements nor the values of a broken constraint belong into a log.
    log_min_error_statement: "panic",
    log_error_verbosity: "terse",
    ...(cluster.durable ? { fsync: "on", synchronous_commit: "on" } : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  return ["-D", dataArgument(cluster), ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
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
    probe.listen(0, serverHost, resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("a TCP port has a number");
  return address.port;
}

/** Fast shutdown: sessions end, what was committed is on disk. After a minute, the immediate one, which recovers at the next start. */
export async function stopPostmaster(places: ServerPlaces, pid: number, log: Log): Promise<void> {
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
