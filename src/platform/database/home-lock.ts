// Home lock: one process at a time may start, adopt or stop the server of a home (files.L1).

import { StockroomError } from "../errors.ts";
import { withFileLock } from "../files/index.ts";

/** Runs `work` while holding the lock at `path`. Throws `busy` `RECORDS_HOME_LOCKED` when another holds it for longer than `patienceMs`. */
export async function withHomeLock<T>(path: string, work: () => Promise<T>, signal?: AbortSignal, patienceMs = 300_000): Promise<T> {
  const onTimeout = (): StockroomError =>
    new StockroomError(
      "busy",
      "RECORDS_HOME_LOCKED",
      `Expected to get ${path} but another process has been starting or stopping this database for ${patienceMs / 1000} s. End it and try again.`,
      { facts: { path } },
    );
  return await withFileLock(path, work, { patienceMs, onTimeout, signal });
}
