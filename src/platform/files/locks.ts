// Locks: one process at a time, by the kernel and by a process number that others can read.
//
//   files.L1. A file lock is the kernel's: kill -9 of its holder frees it at once. Node has no flock, but its SQLite takes a real file lock on all
//       systems. Nothing is ever written into the file.
//   files.L2. A pid lock names its holder, so that a person can be told who it is; one left by a process that is no more is taken over. Taking
//       happens under a file lock, so that of two that find a dead holder one gets it.

import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { codeOf } from "../errors.ts";
import { writeFileAtomically } from "./atomic-write.ts";

export interface FileLockOptions {
  readonly patienceMs: number;
  /** What is thrown when another has held the lock for so long. */
  readonly onTimeout: () => Error;
  readonly signal?: AbortSignal | undefined;
}

/** Runs `work` while holding the kernel's lock on `file`, which is made when it is not there; its folder must be. */
export async function withFileLock<T>(file: string, work: () => Promise<T>, options: FileLockOptions): Promise<T> {
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    const deadline = Date.now() + options.patienceMs;
    while (!tryLock(lock)) {
      if (Date.now() > deadline) throw options.onTimeout();
      await pause(15, undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
    return await work();
  } finally {
    lock.close();
  }
}

const sqliteBusy = 5;

function tryLock(lock: DatabaseSync): boolean {
  try {
    lock.exec("begin exclusive");
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === "ERR_SQLITE_ERROR" && thrown instanceof Error && "errcode" in thrown && thrown.errcode === sqliteBusy)
      return false;
    throw thrown;
  }
}

export type PidLock = { readonly kind: "held"; release(): Promise<void> } | { readonly kind: "busy"; readonly pid: number };

/** Files whose lock this process holds: its number in any other was left by a former process of the same number. */
const heldHere = new Set<string>();

/** Takes the lock `file` for this process, or says which living process has it. */
export async function takePidLock(file: string): Promise<PidLock> {
  const name = path.resolve(file);
  const take = async (): Promise<PidLock> => {
    const pid = Number(await readFile(name, "utf8").catch(() => ""));
    if (pid === process.pid ? heldHere.has(name) : isAlive(pid)) return { kind: "busy", pid };
    await writeFileAtomically(name, String(process.pid));
    heldHere.add(name);
    const release = async (): Promise<void> => {
      heldHere.delete(name);
      await rm(name, { force: true });
    };
    return { kind: "held", release };
  };
  const onTimeout = (): Error => new Error(`Expected to look at ${name} within a minute but another process is at it. Try again.`);
  return await withFileLock(`${name}.lock`, take, { patienceMs: 60_000, onTimeout });
}

/** Whether a process of this number lives, of whatever user and kind; numbers are used again. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) === "EPERM";
  }
}
