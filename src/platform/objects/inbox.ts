// Inbox: a folder; what is dropped there becomes an object, and the plain file goes.
//
// Owns: when a file is finished, its way into the store, what becomes of one that cannot be taken. Does not own: what the object starts.
//   I1. A file is taken when its size and time have stayed the same for `unchangedMs`, seen twice.
//   I2. It is first moved to `.taking/ID/` (one rename), so that a new file of the same name, or another process, cannot get mixed up in it.
//   I3. It is deleted after the commit. A crash in between repeats the put, which changes nothing: same bytes, or a version that carries
//       the same mark of the file.
//   I4. A file that can never be taken (bad name, no zone, no grant) goes to `.rejected/` with a `.reason.txt`; one that cannot be taken
//       now (disk full, database away) stays and is tried again.
//   I5. Names that begin with a dot or end in .part, .tmp or .crdownload, links and devices are left alone.

import { randomBytes } from "node:crypto";
import { watch } from "node:fs";
import { lstat, mkdir, open, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { makeMutex } from "../concurrency/mutex.ts";
import type { Body } from "../bytes.ts";
import type { Clock } from "../time.ts";
import { describeError, meanings, StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import { fileStateOf } from "../files/index.ts";
import type { Log } from "../log.ts";
import type { Actor } from "../vault/contract.ts";
import type { Tx } from "../database/contract.ts";
import type { ObjectEntry, ObjectStore, StagedObject, WriteHandle } from "./contract.ts";
import { checkKey } from "./names.ts";
import { writeThrough } from "./handles.ts";
import { traced } from "../tracing/spans.ts";

export interface InboxOptions {
  readonly folder: string;
  readonly store: ObjectStore;
  /** On whose behalf files are put; needs the grant to write each zone that may be dropped into. */
  readonly actor: Actor;
  readonly clock: Clock;
  readonly log: Log;
  /** What to say of an object that nothing waits for; said in the log, and `tell` keeps it in the transaction of the commit. */
  readonly hintOf?: (key: string) => Promise<string | undefined>;
  readonly tell?: (tx: Tx, entry: ObjectEntry, hint: string) => Promise<void>;
  /** Default 2,000. */
  readonly unchangedMs?: number;
  /** How often the folder is looked through when the system reports nothing. Default 5,000. */
  readonly pollMs?: number;
  /** Stops watching; a file half taken is finished or left for the next start. */
  readonly signal?: AbortSignal;
}

export interface InboxReport {
  /** Keys. */
  readonly taken: readonly string[];
  /** Paths below the inbox. */
  readonly rejected: readonly string[];
  /** Files still settling, or to be tried again. */
  readonly waiting: number;
}

export interface Inbox {
  /** Looks through the folder once. Two scans with `unchangedMs` between them take a finished file. */
  scan(): Promise<InboxReport>;
  /** Ends the watching after the file under way. */
  close(): Promise<void>;
}

interface Found {
  /** Below the inbox, with the system's separators. */
  readonly path: string;
  readonly key: string;
  readonly mark: string;
  readonly taking: boolean;
}

interface Seen {
  readonly mark: string;
  readonly sinceMs: number;
  /** How often taking it has failed, and when it is tried again. */
  readonly failures: number;
  readonly notBeforeMs: number;
}

type Outcome =
  | { readonly kind: "taken"; readonly key: string }
  | { readonly kind: "rejected" }
  | { readonly kind: "failed"; readonly path: string }
  | { readonly kind: "changed"; readonly path: string }
  | { readonly kind: "gone" };

const takingFolder = ".taking";
const rejectedFolder = ".rejected";
/** The longest pause between two tries of one file. */
const maxRetryMs = 60_000;
const unfinished = /\.(part|tmp|crdownload)$/i;

/** Makes the folder and scans it without watching; `openInbox` is what an app uses. */
export async function makeInbox(options: InboxOptions): Promise<Inbox> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const unchangedMs = options.unchangedMs ?? 2000;
  let seen = new Map<string, Seen>();
  const turn = makeMutex();
  const never = new AbortController().signal;

  async function scanNow(): Promise<InboxReport> {
    const nowMs = options.clock.now();
    const next = new Map<string, Seen>();
    const taken: string[] = [];
    const rejected: string[] = [];
    for await (const found of findFiles(options.folder, "", undefined)) {
      if (options.signal?.aborted === true) break;
      const before = seen.get(found.path);
      const now = before?.mark === found.mark ? before : { mark: found.mark, sinceMs: nowMs, failures: 0, notBeforeMs: 0 };
      next.set(found.path, now);
      if (before === undefined || nowMs - now.sinceMs < unchangedMs || nowMs < now.notBeforeMs) continue;
      const outcome = await take(options, found, now.failures === 0);
      next.delete(found.path);
      if (outcome.kind === "taken") taken.push(outcome.key);
      if (outcome.kind === "rejected") rejected.push(found.path);
      // A large file on a full disk must not be written again with every scan.
      if (outcome.kind === "failed") {
        const waitMs = Math.min(maxRetryMs, unchangedMs * 2 ** now.failures);
        next.set(outcome.path, { ...now, failures: now.failures + 1, notBeforeMs: nowMs + waitMs });
      }
      // Whatever it looks like next time, it is new.
      if (outcome.kind === "changed") next.set(outcome.path, { mark: "", sinceMs: nowMs, failures: 0, notBeforeMs: 0 });
    }
    seen = next;
    return { taken, rejected, waiting: next.size };
  }
  return {
    // One after another: two scans at once would count that time twice.
    scan: async () => {
      const leave = await turn.enter(never);
      try {
        return await scanNow();
      } finally {
        leave();
      }
    },
    close: async () => {
      (await turn.enter(never))();
    },
  };
}

/**
 * Watches the inbox until `close` or `signal`. The system's reports only wake it early; a poll finds what they miss.
 *
 * @example
 * const inbox = await openInbox({ folder, store, actor: { role: "upload", purpose: "inbox" }, clock, log, signal });
 */
export async function openInbox(options: InboxOptions): Promise<Inbox> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  const inbox = await makeInbox({ ...options, signal });
  const unchangedMs = options.unchangedMs ?? 2000;
  const pollMs = options.pollMs ?? 5000;
  let wake: (() => void) | undefined;
  const watcher = startWatch(options, signal, () => wake?.());
  const running = (async () => {
    while (!signal.aborted) {
      let waiting = 0;
      try {
        waiting = (await inbox.scan()).waiting;
      } catch (error) {
        options.log.warn("inbox could not be looked through; trying again", { folder: options.folder, error });
      }
      // While a file may still grow there is no use in waking earlier than it can have kept still.
      await pause(waiting > 0 ? Math.min(unchangedMs, pollMs) : pollMs, signal, (resolve) => {
        wake = waiting > 0 ? undefined : resolve;
      });
    }
  })();
  return {
    scan: () => inbox.scan(),
    close: async () => {
      stop.abort();
      watcher?.close();
      await running;
      await inbox.close();
    },
  };
}

function startWatch(options: InboxOptions, signal: AbortSignal, wake: () => void): { close(): void } | undefined {
  try {
    const watcher = watch(options.folder, { recursive: true, signal }, wake);
    watcher.on("error", (error) => {
      options.log.warn("the system no longer reports changes of the inbox; polling alone from here on", { folder: options.folder, error });
      watcher.close();
    });
    return watcher;
  } catch (error) {
    options.log.warn("the system does not report changes of the inbox; polling alone", { folder: options.folder, error });
    return undefined;
  }
}

function pause(ms: number, signal: AbortSignal, expose: (resolve: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      expose(() => undefined);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    expose(done);
    if (signal.aborted) done();
  });
}

/** `taking`: the path below the inbox at which keys begin, inside `.taking/ID`. */
async function* findFiles(root: string, below: string, taking: string | undefined): AsyncGenerator<Found, void, undefined> {
  const entries = await readdir(path.join(root, below), { withFileTypes: true }).catch(noneIfGone);
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const here = path.join(below, entry.name);
    if (below === "" && entry.isDirectory() && entry.name === takingFolder) {
      for (const id of await readdir(path.join(root, here)).catch(noneIfGone))
        yield* findFiles(root, path.join(here, id), path.join(here, id));
    } else if (entry.name.startsWith(".") || unfinished.test(entry.name)) {
      continue;
    } else if (entry.isDirectory()) {
      yield* findFiles(root, here, taking);
    } else if (entry.isFile()) {
      const mark = await markOf(path.join(root, here));
      if (mark === undefined) continue;
      // Some systems hand out decomposed letters; a key is the same text whoever typed it.
      const key = path
        .relative(taking ?? "", here)
        .split(path.sep)
        .join("/")
        .normalize("NFC");
      yield { path: here, key, mark, taking: taking !== undefined };
    }
  }
}

function noneIfGone(cause: unknown): never[] {
  if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) return [];
  throw cause;
}

/** Tells one state of one file from any other; survives a rename. */
async function markOf(file: string): Promise<string | undefined> {
  const about = await lstat(file, { bigint: true }).catch(() => undefined);
  return about === undefined || !about.isFile() ? undefined : fileStateOf(about);
}

async function take(options: InboxOptions, found: Found, isFirst: boolean): Promise<Outcome> {
  const { store, actor, log } = options;
  let inside = found.path;
  let handle: WriteHandle | undefined;
  try {
    checkKey(found.key);
    handle = await store.writeHandle(actor, found.key);
    if (!found.taking) {
      inside = path.join(takingFolder, randomBytes(8).toString("hex"), found.path);
      await mkdir(path.dirname(path.join(options.folder, inside)), { recursive: true, mode: 0o700 });
      await rename(path.join(options.folder, found.path), path.join(options.folder, inside));
      faultPoint("objects.inbox-moved");
    }
    const file = path.join(options.folder, inside);
    const staged = await writeThrough(handle, readPlain(file), options.signal);
    if ((await markOf(file)) !== found.mark) {
      // Somebody still holds it open and writes; it has to keep still anew where it now lies.
      await store.discard([handle]);
      return { kind: "changed", path: inside };
    }
    const versions = await store.versions(found.key);
    const known = versions.some((entry) => entry.sha256 === staged.sha256 && entry.labels["inbox"] === found.mark);
    if (known) await store.discard([handle]);
    else
      await traced("inbox", { parent: null, attributes: { "stockroom.key": found.key } }, async () => await commit(options, staged, found));
    faultPoint("objects.inbox-committed");
    await rm(file, { force: true });
    await removeEmpty(options.folder, path.dirname(inside));
    log.info("inbox file taken", { key: found.key, bytes: staged.bytes });
    return { kind: "taken", key: found.key };
  } catch (thrown) {
    if (handle !== undefined) {
      await store.discard([handle]).catch((error: unknown) => log.warn("sealed bytes left for the sweep", { key: found.key, error }));
    }
    const error = describeError(thrown);
    if (error.code === "ENOENT") return { kind: "gone" };
    if (meanings[error.kind].retry || options.signal?.aborted === true) {
      // Said once, not with every try.
      if (isFirst) log.warn("inbox file could not be taken; it stays and is tried again", { path: found.path, error: thrown });
      return { kind: "failed", path: inside };
    }
    await reject(options, inside, found.key, `${error.message}\n\ncode ${error.code}\n`);
    log.warn("inbox file rejected", { path: found.path, code: error.code });
    return { kind: "rejected" };
  }
}

async function commit(options: InboxOptions, staged: StagedObject, { key, mark }: Found): Promise<void> {
  const { store, actor, log, tell } = options;
  const hint = await options.hintOf?.(key);
  await store.commit(actor, [staged], {
    labels: { inbox: mark },
    alongside: async (tx, entries) => {
      for (const entry of entries) if (hint !== undefined) await tell?.(tx, entry, hint);
    },
  });
  if (hint !== undefined) log.warn(`inbox file stored, but ${hint}`, { key });
}

async function* readPlain(file: string): Body {
  const handle = await open(file, "r").catch((cause: unknown) => {
    if (!(cause instanceof Error && "code" in cause && (cause.code === "EACCES" || cause.code === "EPERM"))) throw cause;
    throw new StockroomError(
      "denied",
      "INBOX_UNREADABLE",
      "Expected to read the file but the system refused. Make it readable for the user that runs Stockroom and drop it again.",
    );
  });
  try {
    const { size } = await handle.stat();
    for (;;) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(1 << 20, size + 1));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Moves the file aside under its own name; a number is put behind when that is taken. */
async function reject(options: InboxOptions, inside: string, key: string, reason: string): Promise<void> {
  const wanted = path.join(
    options.folder,
    rejectedFolder,
    ...key.split("/").map((part) => (part === "" || part === "." || part === ".." ? "_" : part)),
  );
  await mkdir(path.dirname(wanted), { recursive: true, mode: 0o700 });
  let target = wanted;
  for (let n = 2; (await markOf(target)) !== undefined; n++) target = `${wanted}~${n}`;
  await rename(path.join(options.folder, inside), target);
  await writeFile(`${target}.reason.txt`, reason, { mode: 0o600 });
  await removeEmpty(options.folder, path.dirname(inside));
}

/** Takes away the folders made for taking, as far as they are empty. Folders people made stay. */
async function removeEmpty(root: string, below: string): Promise<void> {
  for (let at = below; at.startsWith(takingFolder + path.sep); at = path.dirname(at)) {
    const removed = await rmdir(path.join(root, at)).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}
