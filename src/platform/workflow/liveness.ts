// Liveness: how the processes of a fleet know which of them are alive, and what happens to the work of one that is not.
//
// Owns: the lock that is this process's sign of life, the sweep. Does not own: the attempts it puts back (engine).
//   V1. An executor is alive while it holds the session lock of its id. The lock ends with the connection, and the server ends a
//       connection that has been silent for `silenceMs` (a frozen process, a cut network), so no clocks are compared.
//   V2. Work is taken from an executor only by one that holds its lock meanwhile, after it was found free several times in a row:
//       a live executor cannot be robbed, and one that comes back waits until the sweep is done.
//   V3. Without the lock nothing new is taken up. After a lost connection (database restart) it is taken again.
// Concurrency: any number of processes sweep; putting back is one statement, so two sweeps of one dead executor do no harm.

import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { StockroomError, isStockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import type { Log } from "../log.ts";
import type { Database, Tx } from "../database/contract.ts";
import type { Engine } from "./engine.ts";
import { makeLatch } from "../concurrency/latch.ts";
import { forgetExecutor, silentExecutors } from "./lanes.ts";

/** The advisory lock of an executor: 63 bits of a hash, so that no two ids meet. */
export function lockKey(executorId: string): string {
  const digest = createHash("sha256").update(`stockroom.executor/${executorId}`).digest();
  return (digest.readBigUInt64BE(0) >> 1n).toString();
}

export interface LivenessOptions {
  readonly database: Database;
  readonly executorId: string;
  readonly livenessMs: number;
  /** How long to ask for the lock of its own id: an earlier process may be dying, a sweep may be testing it. */
  readonly patienceMs: number;
  /** How long the holder of the lock may be silent before the server takes it for gone. */
  readonly silenceMs: number;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface Liveness {
  /** Resolves while the lock is held. Throws the signal's reason when the process stops. */
  held(): Promise<void>;
  readonly holding: boolean;
  /** Resolves when the lock has been let go after the signal. */
  readonly ended: Promise<void>;
}

/** Takes the lock of this executor's id and keeps it. Throws `WORKFLOW_EXECUTOR_TAKEN` (conflict) when another process has it. */
export async function holdLock(options: LivenessOptions): Promise<Liveness> {
  const { database, executorId, livenessMs, patienceMs, log, signal } = options;
  const latch = makeLatch();
  const key = lockKey(executorId);
  const first = Promise.withResolvers<void>();
  let taken = false;

  const hold = async (tx: Tx): Promise<void> => {
    // A process that is frozen, or whose packets go nowhere, says nothing: then the server ends the session and with it the lock.
    await tx.query(`set idle_session_timeout = ${Math.max(options.silenceMs, livenessMs * 2)}`);
    const giveUpAt = Date.now() + patienceMs;
    for (;;) {
      const [row] = await tx.query<{ got: boolean }>(`select pg_try_advisory_lock($1::bigint) as got`, [key]);
      if (row?.got) break;
      if (Date.now() > giveUpAt) {
        throw new StockroomError(
          "conflict",
          "WORKFLOW_EXECUTOR_TAKEN",
          `Expected to be the only process with the executor id "${executorId}" on this database but another one is alive. Stop it, or give this one an id of its own.`,
          { facts: { executorId } },
        );
      }
      await pause(20, undefined, { signal });
    }
    if (taken) log.info("the executor lock is held again", { executorId });
    taken = true;
    latch.open();
    first.resolve();
    while (!signal.aborted) {
      await pause(livenessMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await bounded(tx.query("select 1 as one"), Math.min(options.silenceMs, Math.max(5_000, livenessMs * 5)));
    }
  };

  const keep = async (): Promise<void> => {
    for (let waitMs = 50; !signal.aborted; waitMs = Math.min(waitMs * 2, 2_000)) {
      try {
        await database.session(hold);
      } catch (thrown) {
        latch.shut();
        // The other connections go to the same silence; what waits on them is better told now.
        if (isStockroomError(thrown) && thrown.code === "WORKFLOW_LOCK_SILENT") database.reset();
        if (signal.aborted) break;
        if (!taken) {
          first.reject(thrown);
          return;
        }
        const rival = isStockroomError(thrown) && thrown.code === "WORKFLOW_EXECUTOR_TAKEN";
        if (rival) log.error("another process took this executor's id; no work is taken up", { executorId, error: thrown });
        else log.warn("the executor lock was lost; no work is taken up until it is held again", { executorId, error: thrown });
        await pause(waitMs, undefined, { signal }).catch(() => undefined);
      }
    }
    latch.shut();
    first.reject(signal.reason);
  };

  const ended = keep();
  await first.promise;
  return {
    held: () => latch.pass(signal),
    get holding() {
      return latch.isOpen;
    },
    ended,
  };
}

async function bounded<T>(promise: Promise<T>, limitMs: number): Promise<T> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      promise,
      pause(limitMs, undefined, { signal: timer.signal }).then((): never => {
        throw new StockroomError(
          "busy",
          "WORKFLOW_LOCK_SILENT",
          `Expected the database to answer within ${limitMs} ms but it did not. It is tried again.`,
        );
      }),
    ]);
  } finally {
    timer.abort();
  }
}

export interface SweepOptions extends LivenessOptions {
  readonly engine: Engine;
  readonly liveness: Liveness;
  /** Times in a row that a lock must be found free. */
  readonly misses: number;
  /** Attempts this process is at work on. */
  readonly atWork: ReadonlySet<string>;
}

/** Sweeps every `livenessMs` until the signal aborts. */
export async function sweep(options: SweepOptions): Promise<void> {
  const { livenessMs, log, signal, liveness } = options;
  const missed = new Map<string, number>();
  const strays = new Map<string, number>();
  while (!signal.aborted) {
    await pause(livenessMs * (0.8 + Math.random() * 0.4), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    if (!liveness.holding) {
      // What we saw before the database went away says nothing about now.
      missed.clear();
      strays.clear();
      continue;
    }
    try {
      await sweepDead(options, missed);
      await sweepStrays(options, strays);
    } catch (thrown) {
      if (signal.aborted) return;
      log.debug("a sweep failed; the next one follows", { error: thrown });
    }
  }
}

async function sweepDead(options: SweepOptions, missed: Map<string, number>): Promise<void> {
  const { database, engine, executorId, log } = options;
  const holders = new Set([...(await engine.holders(database)), ...(await silentExecutors(database))]);
  holders.delete(executorId);
  for (const known of missed.keys()) if (!holders.has(known)) missed.delete(known);
  for (const holder of holders) {
    await database.transaction(async (tx) => {
      const [row] = await tx.query<{ free: boolean }>(`select pg_try_advisory_xact_lock($1::bigint) as free`, [lockKey(holder)]);
      if (!row?.free) {
        missed.delete(holder);
        return;
      }
      const count = (missed.get(holder) ?? 0) + 1;
      missed.set(holder, count);
      if (count < options.misses) return;
      // The lock is ours until this transaction ends (V2).
      const attempts = await engine.putBack(tx, holder);
      await forgetExecutor(tx, holder);
      faultPoint("workflow.sweep.put-back");
      log.warn("took over the work of an executor that is dead", { executor: holder, runs: attempts });
      missed.delete(holder);
    });
  }
}

/** Puts back what this very executor claimed and never began: the claim's answer was lost with a connection. */
async function sweepStrays(options: SweepOptions, strays: Map<string, number>): Promise<void> {
  const { database, engine, atWork, log } = options;
  const held = (await engine.held(database)).filter((one) => !atWork.has(one.attemptId));
  const claims = new Set(held.map((one) => one.claim + one.attemptId));
  for (const known of strays.keys()) if (!claims.has(known)) strays.delete(known);
  const late = held.filter((one) => {
    const count = (strays.get(one.claim + one.attemptId) ?? 0) + 1;
    strays.set(one.claim + one.attemptId, count);
    return count >= Math.max(2, options.misses);
  });
  if (late.length === 0) return;
  const attempts = await engine.putBackClaims(database, late);
  log.info("put claimed but unbegun runs back into their queues", { runs: attempts });
}
