// Home lock: one process at a time may start, adopt or stop the server of a home.
//
// A lock of the kernel, so that kill -9 of its holder frees it at once: Node has no flock, but its SQLite takes a real file lock
// on all systems. Nothing is ever written into the file.

import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { StockroomError } from "../errors.ts";
import { codeOf } from "./failures.ts";

const sqliteBusy = 5;

/** Runs `work` while holding the lock at `path`. Throws `busy` `RECORDS_HOME_LOCKED` when another holds it for longer than `patienceMs`. */
export async function withHomeLock<T>(path: string, work: () => Promise<T>, signal?: AbortSignal, patienceMs = 300_000): Promise<T> {
  const file = new DatabaseSync(path, { timeout: 0 });
  try {
    const deadline = Date.now() + patienceMs;
    while (!tryLock(file)) {
      if (Date.now() > deadline) {
        throw new StockroomError(
          "busy",
          "RECORDS_HOME_LOCKED",
          `Expected to get ${path} but another process has been starting or stopping this database for ${patienceMs / 1000} s. End it and try again.`,
          { facts: { path } },
        );
      }
      await pause(15, undefined, { signal });
    }
    return await work();
  } finally {
    file.close();
  }
}

function tryLock(file: DatabaseSync): boolean {
  try {
    file.exec("begin exclusive");
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === "ERR_SQLITE_ERROR" && thrown instanceof Error && "errcode" in thrown && thrown.errcode === sqliteBusy)
      return false;
    throw thrown;
  }
}
