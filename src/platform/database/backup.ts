// Backup: a copy of the embedded database, taken while it works, and its way back.
//
// Owns: the copy's form, its check sums. Does not own: objects and keys; they are folders and files of their own, copied as such.
//   B1. A backup is the database as it was at one instant, however long the copying takes (PostgreSQL's online backup: files plus the
//       write-ahead log from before to after).
//   B2. A backup exists only whole; restoring checks every byte before anything is put in place.
//   B3. Restoring never writes over a database.
//
// PostgreSQL's own tools (pg_dump, pg_basebackup) are not among the embedded programs; a database of DATABASE_URL is backed up by
// those of its own installation.

import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { codeOf, StockroomError } from "../errors.ts";
import { renameDurably, syncTree, writeFileAtomically } from "../files/index.ts";
import type { Log } from "../log.ts";
import { makeFolder } from "./cluster.ts";
import { placesOf } from "./cluster-places.ts";
import type { Database, Tx } from "./contract.ts";
import { translate } from "./failures.ts";
import { withHomeLock } from "./home-lock.ts";

const manifestName = "stockroom-backup.json";
/** Made anew at every start, or of no use in a copy. */
const leftOut = new Set(["pg_wal", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans"]);
const skipped = /^(postmaster\.(pid|opts)|pg_internal\.init(\..*)?|pgsql_tmp.*|backup_label(\.old)?|tablespace_map)$/;
const control = path.join("global", "pg_control");

const manifestShape = z.object({
  format: z.literal(1),
  postgres: z.string(),
  takenAt: z.string(),
  folders: z.array(z.string()),
  files: z.array(z.object({ path: z.string(), bytes: z.number(), sha256: z.string() })),
});

/** What a backup holds, as its `stockroom-backup.json` has it. */
export type BackupManifest = z.output<typeof manifestShape>;

/**
 * Copies the embedded database into the new folder `target` while everyone goes on working.
 *
 * Cost: the size of the database, plus 16 to 32 MiB of log. Throws `conflict` `RECORDS_BACKUP_EXISTS` when `target` is there,
 * `input` `RECORDS_BACKUP_ELSEWHERE` for a database of DATABASE_URL, `busy` `RECORDS_DISK_FULL`.
 */
export async function backupDatabase(database: Database, target: string, signal?: AbortSignal): Promise<BackupManifest> {
  const about = database.about();
  if (about.kind === "external") {
    throw new StockroomError(
      "input",
      "RECORDS_BACKUP_ELSEWHERE",
      `Expected the embedded database but DATABASE_URL names one at ${about.host}. Back it up with the tools of its installation, e.g. pg_dump.`,
    );
  }
  if ((await stat(target).catch(() => undefined)) !== undefined) {
    throw new StockroomError(
      "conflict",
      "RECORDS_BACKUP_EXISTS",
      `Expected a new folder for the backup but ${target} is there already. Choose another name.`,
      { facts: { target } },
    );
  }
  const aside = `${path.resolve(target)}.partial-${randomBytes(4).toString("hex")}`;
  await makeFolder(aside);
  try {
    const manifest = await database.session((tx) => copyOnline(tx, about.folder, aside, signal));
    await syncTree(path.join(aside, "data"));
    await writeFileAtomically(path.join(aside, manifestName), JSON.stringify(manifest, undefined, 1), { mode: 0o600 });
    await renameDurably(aside, target);
    return manifest;
  } catch (thrown) {
    await rm(aside, { recursive: true, force: true });
    throw translate(thrown);
  }
}

async function copyOnline(tx: Tx, data: string, target: string, signal: AbortSignal | undefined): Promise<BackupManifest> {
  const slot = `stockroom_backup_${randomBytes(4).toString("hex")}`;
  // Keeps the log from being recycled under us; of this session, so that it goes with it whatever happens.
  await tx.query("select pg_create_physical_replication_slot($1, true, true)", [slot]);
  const [start] = await tx.query<{ segment: string; version: string; at: string }>(
    "select pg_walfile_name(pg_backup_start('stockroom', true)) as segment, current_setting('server_version') as version, now() as at",
  );
  const copy = new Copy(data, target, signal);
  await copy.folder("");
  // Last, as its state must be the newest: recovery begins from the label, not from it.
  await copy.file(control);
  const [stop] = await tx.query<{ segment: string; label: string; spaces: string }>(
    "select pg_walfile_name(lsn) as segment, labelfile as label, spcmapfile as spaces from pg_backup_stop(false)",
  );
  if (start === undefined || stop === undefined) throw new Error("pg_backup_start and pg_backup_stop give one row each");
  await copy.text("backup_label", stop.label);
  copy.folders.push("pg_wal");
  await mkdir(path.join(target, "data", "pg_wal"), { recursive: true, mode: 0o700 });
  for (const name of (await readdir(path.join(data, "pg_wal"))).sort()) {
    // Segments of one timeline sort as they were written.
    if (/^[0-9A-F]{24}$/.test(name) && name >= start.segment && name <= stop.segment) await copy.file(path.join("pg_wal", name));
    if (name.endsWith(".history")) await copy.file(path.join("pg_wal", name));
  }
  return { format: 1, postgres: start.version, takenAt: start.at, folders: copy.folders, files: copy.files };
}

/** One copy under way: what has been written so far. */
class Copy {
  readonly folders: string[] = [];
  readonly files: BackupManifest["files"] = [];
  readonly #from: string;
  readonly #to: string;
  readonly #signal: AbortSignal | undefined;

  constructor(from: string, to: string, signal: AbortSignal | undefined) {
    this.#from = from;
    this.#to = path.join(to, "data");
    this.#signal = signal;
  }

  async folder(at: string): Promise<void> {
    await mkdir(path.join(this.#to, at), { recursive: true, mode: 0o700 });
    if (at !== "") this.folders.push(at);
    if (leftOut.has(at)) return;
    const entries = await readdir(path.join(this.#from, at), { withFileTypes: true }).catch(ignoreGone);
    for (const entry of entries ?? []) {
      const inner = path.join(at, entry.name);
      if (skipped.test(entry.name) || inner === control) continue;
      if (entry.isDirectory()) {
        if (at !== "" || entry.name !== "pg_wal") await this.folder(inner);
      } else if (entry.isFile()) {
        await this.file(inner);
      }
    }
  }

  /** A table dropped meanwhile takes its file with it; the log tells so, and recovery does not miss it. */
  async file(at: string): Promise<void> {
    this.#signal?.throwIfAborted();
    const copied = await copyChecked(path.join(this.#from, at), path.join(this.#to, at)).catch(ignoreGone);
    if (copied !== undefined) this.files.push({ path: at.split(path.sep).join("/"), ...copied });
  }

  async text(at: string, text: string): Promise<void> {
    await writeFile(path.join(this.#to, at), text, { mode: 0o600, flush: true });
    this.files.push({ path: at, bytes: Buffer.byteLength(text), sha256: createHash("sha256").update(text).digest("hex") });
  }
}

function ignoreGone(thrown: unknown): undefined {
  if (codeOf(thrown) !== "ENOENT") throw thrown;
}

const chunkBytes = 1024 * 1024;

/** Copies a file and gives its size and check sum as they were written. Not yet synced: see `syncTree`. */
async function copyChecked(from: string, to: string): Promise<{ bytes: number; sha256: string }> {
  const source = await open(from, "r");
  try {
    const sink = await open(to, "wx", 0o600);
    try {
      const hash = createHash("sha256");
      const buffer = Buffer.allocUnsafe(chunkBytes);
      let bytes = 0;
      for (;;) {
        const { bytesRead } = await source.read(buffer, 0, chunkBytes, null);
        if (bytesRead === 0) break;
        const chunk = buffer.subarray(0, bytesRead);
        hash.update(chunk);
        for (let done = 0; done < bytesRead;) done += (await sink.write(chunk, done, bytesRead - done)).bytesWritten;
        bytes += bytesRead;
      }
      return { bytes, sha256: hash.digest("hex") };
    } finally {
      await sink.close();
    }
  } finally {
    await source.close();
  }
}

/**
 * Puts the backup at `source` into `home`, which must have no database; the next opening recovers it and sets a new password.
 *
 * Throws `conflict` `RECORDS_RESTORE_OVER_DATA`, `input` `RECORDS_BACKUP_UNREADABLE` (no backup, or made by a newer Stockroom),
 * `fault` `RECORDS_BACKUP_DAMAGED` naming the first file that differs; then the home is as before.
 */
export async function restoreDatabase(source: string, home: string, log: Log): Promise<BackupManifest> {
  const manifest = await readManifest(source);
  const places = placesOf(home);
  await makeFolder(places.root);
  return withHomeLock(places.lock, async () => {
    const there = await readdir(places.data).catch(() => []);
    if (there.length > 0) {
      throw new StockroomError(
        "conflict",
        "RECORDS_RESTORE_OVER_DATA",
        `Expected no database in ${places.data} but there is one. Stop every Stockroom of this home and move that folder away first.`,
        { facts: { folder: places.data } },
      );
    }
    const aside = `${places.data}.new`;
    await rm(aside, { recursive: true, force: true });
    try {
      await mkdir(aside, { mode: 0o700 });
      for (const folder of manifest.folders) await mkdir(path.join(aside, folder), { recursive: true, mode: 0o700 });
      for (const file of manifest.files) {
        const to = path.resolve(aside, file.path);
        const copied = to.startsWith(`${aside}${path.sep}`)
          ? await copyChecked(path.join(source, "data", file.path), to).catch(ignoreGone)
          : undefined;
        if (copied?.sha256 === file.sha256 && copied.bytes === file.bytes) continue;
        throw new StockroomError(
          "fault",
          "RECORDS_BACKUP_DAMAGED",
          `Expected ${file.path} of the backup as it was written but it is ${copied === undefined ? "missing" : "changed"}. Nothing was restored; use another backup.`,
          { facts: { source, file: file.path } },
        );
      }
      await syncTree(aside);
      // The old password, if any, does not open the restored database.
      await rm(places.password, { force: true });
      await rm(places.data, { recursive: true, force: true });
      await renameDurably(aside, places.data);
    } catch (thrown) {
      await rm(aside, { recursive: true, force: true });
      throw translate(thrown);
    }
    log.info("restored the database", { source, takenAt: manifest.takenAt });
    return manifest;
  });
}

async function readManifest(source: string): Promise<BackupManifest> {
  try {
    return manifestShape.parse(JSON.parse(await readFile(path.join(source, manifestName), "utf8")));
  } catch (thrown) {
    throw new StockroomError(
      "input",
      "RECORDS_BACKUP_UNREADABLE",
      `Expected a backup of this or an older Stockroom at ${source} but its ${manifestName} could not be read. Name the folder that a backup made.`,
      { cause: thrown, facts: { source } },
    );
  }
}
