// Cluster: the data folder of a home's own PostgreSQL server: made, checked, owned, and the password that opens it.
//
// Owns: home/postgres and what lies in it. Does not own: the running server (postmaster.ts), who uses it (embedded.ts).
//   K1. A data folder exists only whole: it is initialised (or restored) aside, synced and renamed.
//   K2. A folder that holds something else than a database is never filled and never removed.
// Everything here happens under the home's lock.

import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, open, readdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { codeOf, StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import { renameDurably, syncTree, writeFileAtomically } from "../files/index.ts";
import type { Cluster } from "./cluster-places.ts";
import { dataArgument, findPostmaster, runProgram, serverFailure, stopPostmaster } from "./postmaster.ts";

/** The one role of an embedded server. */
export const serverRole = "stockroom";
/** The one database of an embedded server: the one initdb makes anyway. */
export const serverDatabase = "postgres";

/** Creates a folder only we may look into; leaves one that is there as it is. */
export async function makeFolder(folder: string): Promise<void> {
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
export async function readyCluster(cluster: Cluster, mayCreate: boolean): Promise<string> {
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
  await ownData(cluster);
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

const initArguments = [
  "--username",
  serverRole,
  "--auth=scram-sha-256",
  "--encoding=UTF8",
  "--locale-provider=builtin",
  "--locale=C.UTF-8",
];

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
    const outcome = await runProgram(cluster, {
      program: binaries.initdb,
      args: [
        "-D",
        byDescriptor ? "/proc/self/cwd" : aside,
        `--pwfile=${byDescriptor ? "/proc/self/fd/3" : handover}`,
        "--no-instructions",
        // It would sync a thousand files one after the other, which a busy disk makes seconds of.
        "--no-sync",
        ...initArguments,
      ],
      folder: aside,
      descriptor: file.fd,
    });
    if (outcome.exit !== 0) throw serverFailure("initialise", outcome.output);
  } finally {
    await file.close();
    await rm(handover, { force: true });
  }
  if (cluster.durable) await syncTree(aside);
  faultPoint("records.initialised-aside");
  await rm(places.data, { recursive: true, force: true });
  await renameDurably(aside, places.data);
  log.info("made a new database", { folder: places.data, tookMs: Math.round(performance.now() - started) });
  return password;
}

const writeSecret = (file: string, text: string): Promise<number> => writeFileAtomically(file, text, { mode: 0o600 });

/** The password file is gone: who owns the files owns the data, so the single-user mode sets a new one. */
async function replacePassword(cluster: Cluster): Promise<string> {
  const { places, log } = cluster;
  const running = await findPostmaster(places.data);
  if (running !== undefined) await stopPostmaster(places, running.pid, log);
  const password = randomBytes(24).toString("base64url");
  const outcome = await runProgram(cluster, {
    program: cluster.binaries.postgres,
    args: ["--single", "-D", dataArgument(cluster), serverDatabase],
    folder: places.data,
    input: `alter role ${serverRole} password '${password}'\n`,
  });
  if (outcome.exit !== 0 || /ERROR:/.test(outcome.output)) throw serverFailure("set a new password for", outcome.output);
  await writeSecret(places.password, password);
  log.warn("the database's password file was missing, a new password was set", { file: places.password });
  return password;
}

/** A data folder that was copied may be open to all, which the server refuses, or belong to root, and then it could not open it. */
async function ownData(cluster: Cluster): Promise<void> {
  const { mode, uid: owner } = await stat(cluster.places.data);
  if (process.platform !== "win32" && (mode & 0o077) !== 0) await chmod(cluster.places.data, 0o700);
  if (cluster.user === undefined || owner === cluster.user.uid) return;
  const { uid, gid } = cluster.user;
  const give = async (at: string): Promise<void> => {
    await chown(at, uid, gid);
    for (const entry of await readdir(at, { withFileTypes: true })) {
      const inner = path.join(at, entry.name);
      if (entry.isDirectory()) await give(inner);
      else if (entry.isFile()) await chown(inner, uid, gid);
    }
  };
  await give(cluster.places.data);
}
