// Engine: the only part that talks to DBOS Transact. DBOS dispatches: queues, priorities, limits, delays, and which process holds a run.
//
// Owns: the DBOS singleton of this process, the attempts (one DBOS workflow per try of a run) and their way back to the queue.
// Does not own: what a run is, its steps, its errors and its end; those are ours (runs.ts, execution.ts). See decisions/workflow-on-dbos.md.
//   N1. An attempt is enqueued in the transaction that says so in `stockroom.run`.
//   N2. An attempt put back names its queue.
// Concurrency: one engine a process, because DBOS keeps its state in module variables.

import { setTimeout as pause } from "node:timers/promises";
import { DBOS, DBOSClient } from "@dbos-inc/dbos-sdk";
import { dbRetryConfig } from "@dbos-inc/dbos-sdk/internal/utils";
import type { ClientBase } from "pg";
import { StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Database, Tx } from "../database/contract.ts";
import { translate } from "../database/failures.ts";
import type { QueueDefinition } from "./contract.ts";
import { laneOf, laneSql, type Lanes } from "./lanes.ts";

/** DBOS gives a run only to processes of its own version; ours is pinned, so that a new release goes on with old runs. */
const pinnedVersion = "stockroom";
const schema = "dbos";

/** One try of a run. */
export interface Attempt {
  readonly runId: string;
  /** From 1. */
  readonly number: number;
}

/** The engine's name of an attempt. Attempts before the run's id, because a run's id may hold any text. */
export function attemptId(attempt: Attempt): string {
  return `${attempt.number}/${attempt.runId}`;
}

export interface EngineOptions {
  readonly database: Database;
  readonly executorId: string;
  readonly queues: readonly QueueDefinition[];
  /** How often a queue is asked for work. */
  readonly pollMs: number;
  /** From which queues and of which workflows this process takes runs up. Absent: it starts runs and watches them, but takes none up. */
  readonly listens: { readonly queues: readonly string[]; readonly workflows: readonly string[] } | undefined;
  readonly workflows: readonly string[];
  readonly lanes: Lanes;
  /** The queue of a workflow of this process. */
  readonly queueOf: (workflow: string) => string;
  readonly log: Log;
  /** Runs an attempt. Its promise ends the attempt; one that never settles leaves the attempt to be put back. Never rejects. */
  readonly run: (workflow: string, attempt: Attempt) => Promise<void>;
}

export interface EnqueueOptions {
  readonly workflow: string;
  readonly queue: string;
  readonly priority: number;
  readonly delayMs?: number;
}

export interface Engine {
  enqueue(tx: Tx, attempt: Attempt, options: EnqueueOptions): Promise<void>;
  /** Executors that hold attempts, this one included. */
  holders(tx: Tx): Promise<string[]>;
  /** Puts every attempt of a dead executor back; the caller holds that executor's lock. Gives how many. */
  putBack(tx: Tx, executorId: string): Promise<number>;
  /** Attempts this executor holds, with the token of the claim. */
  held(tx: Tx): Promise<{ readonly attemptId: string; readonly claim: string }[]>;
  /** Puts single attempts of this executor back, if the claim is still the one seen. */
  putBackClaims(tx: Tx, claims: readonly { readonly attemptId: string; readonly claim: string }[]): Promise<number>;
  /** Removes attempts that ended more than `olderThanMs` ago; an attempt says nothing that the run's row does not. */
  sweepAttempts(olderThanMs: number): Promise<number>;
  /** Takes no more attempts. */
  stop(): Promise<void>;
  /** Ends what `stop` left open. */
  close(): Promise<void>;
}

// DBOS would let up to a minute pass after an outage before it ends an attempt, which keeps a place in its queue meanwhile.
dbRetryConfig.initialBackoffSec = 0.2;
dbRetryConfig.maxBackoffSec = 5;

let open = false;

/** Throws `WORKFLOW_OPEN_TWICE` (conflict) while an engine is open in this process. */
export function refuseSecondEngine(): void {
  if (open) {
    throw new StockroomError(
      "conflict",
      "WORKFLOW_OPEN_TWICE",
      "Expected the workflow engine to be open once in a process but it is open already. Close the first, or use another process.",
    );
  }
}

/** Opens DBOS on the app's database, schema `dbos`. Throws `WORKFLOW_OPEN_TWICE`. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { database } = options;
  refuseSecondEngine();
  open = true;
  // One pool for all: a process takes few connections, and what bounds its statements bounds the engine's too.
  const pool = database.driverPool;
  const client = await DBOSClient.create({ systemDatabaseUrl: database.url, systemDatabasePool: pool, applicationName: pinnedVersion });
  const end = async (): Promise<void> => {
    await client.destroy().catch(() => undefined);
    open = false;
  };
  try {
    await launch(options, pool);
  } catch (thrown) {
    await DBOS.shutdown({ deregister: true }).catch(() => undefined);
    await end();
    throw translate(thrown);
  }
  const queues = makeQueueRegister(options);
  return {
    enqueue: async (tx, attempt, wanted) => {
      const place = options.lanes.placeOf(wanted.workflow, wanted.queue);
      await queues.ensure(place, wanted.queue);
      await client.enqueueInTransaction<(runId: string, number: number) => Promise<void>>(
        asClient(tx),
        {
          workflowName: wanted.workflow,
          queueName: place,
          workflowID: attemptId(attempt),
          priority: wanted.priority,
          appVersion: pinnedVersion,
          ...(wanted.delayMs === undefined ? {} : { delaySeconds: Math.ceil(wanted.delayMs) / 1000 }),
        },
        attempt.runId,
        attempt.number,
      );
    },
    ...makeClaims(options, queues),
    sweepAttempts: async (olderThanMs) => await sweepAttempts(database, olderThanMs),
    stop: async () => {
      await DBOS.shutdown({ deregister: true });
    },
    close: end,
  };
}

/** Registers workflows and queues and starts DBOS. */
async function launch(options: EngineOptions, pool: Database["driverPool"]): Promise<void> {
  const { database, log } = options;
  for (const workflow of options.workflows) {
    DBOS.registerWorkflow(
      async (runId: string, number: number) => {
        await options.run(workflow, { runId, number });
      },
      // DBOS counts every recovery as a strike; our own counter knows a death from a restart (runs.ts).
      { name: workflow, maxRecoveryAttempts: 1_000_000_000 },
    );
  }
  DBOS.setConfig({
    name: pinnedVersion,
    applicationVersion: pinnedVersion,
    executorID: options.executorId,
    systemDatabaseUrl: database.url,
    systemDatabasePool: pool,
    systemDatabaseSchemaName: schema,
    // We use none of what it would listen for: messages, events and streams of DBOS.
    useListenNotify: false,
    // Nor its schedules; it still looks for some.
    schedulerPollingIntervalMs: 3_600_000,
    // A queue or lane that nobody has registered costs nothing; those of others are none of our business (lanes.L1).
    listenQueues:
      options.listens === undefined
        ? []
        : [...options.listens.queues, ...options.listens.workflows.map((workflow) => laneOf(workflow, options.queueOf(workflow)))],
    logger: {
      debug: () => undefined,
      info: (entry) => log.debug("dbos", { entry: String(entry) }),
      warn: (entry) => log.debug("dbos warns", { entry: String(entry) }),
      error: (entry) => log.warn("dbos reports an error", { entry: entry instanceof Error ? entry : String(entry) }),
    },
  });
  await oneAtATime(database, () => DBOS.launch());
  for (const queue of options.queues) await registerQueue(queue.name, queue, options.pollMs);
}

interface QueueRegister {
  /** Registers the place of a run, with the bounds of its queue, unless this process has done so. */
  ensure(place: string, queue: string): Promise<void>;
}

function makeQueueRegister({ queues, pollMs }: Pick<EngineOptions, "queues" | "pollMs">): QueueRegister {
  const bounds = new Map(queues.map((queue) => [queue.name, queue]));
  const registered = new Set(bounds.keys());
  return {
    ensure: async (place, queue) => {
      if (registered.has(place)) return;
      await registerQueue(place, bounds.get(queue) ?? { perWorker: 1 }, Math.max(pollMs, lanePollMs));
      registered.add(place);
    },
  };
}

/** Who holds which attempts, and their way back into the queue. */
function makeClaims(
  { executorId, workflows }: Pick<EngineOptions, "executorId" | "workflows">,
  queues: QueueRegister,
): Pick<Engine, "holders" | "putBack" | "held" | "putBackClaims"> {
  return {
    holders: async (tx) => {
      const rows = await tx.query<{ executor_id: string }>(
        `select distinct executor_id from ${schema}.workflow_status
         where status = 'PENDING' and application_name = $1 and executor_id is not null`,
        [pinnedVersion],
      );
      return rows.map((row) => row.executor_id);
    },

    putBack: async (tx, dead) => {
      const rows = await tx.query(`${putBackSql} and attempt.executor_id = $2 returning 1 as one`, [pinnedVersion, dead]);
      return rows.length;
    },

    held: async (tx) => {
      const rows = await tx.query<{ workflow_uuid: string; owner_xid: string }>(
        `select workflow_uuid, owner_xid from ${schema}.workflow_status
         where status = 'PENDING' and application_name = $1 and executor_id = $2 and owner_xid is not null`,
        [pinnedVersion, executorId],
      );
      return rows.map((row) => ({ attemptId: row.workflow_uuid, claim: row.owner_xid }));
    },

    putBackClaims: async (tx, claims) => {
      const rows = await tx.query<{ place: string; queue: string }>(
        `${putBackClaimsSql} and attempt.executor_id = $2 and (attempt.workflow_uuid, attempt.owner_xid) in
           (select * from unnest($3::text[], $4::text[])) returning attempt.queue_name as place, run.queue`,
        [pinnedVersion, executorId, claims.map((claim) => claim.attemptId), claims.map((claim) => claim.claim), workflows],
      );
      for (const { place, queue } of rows) await queues.ensure(place, queue);
      return rows.length;
    },
  };
}

async function sweepAttempts(database: Database, olderThanMs: number): Promise<number> {
  const rows = await database.query<{ workflow_uuid: string }>(
    `select workflow_uuid from ${schema}.workflow_status
     where application_name = $1 and status in ('SUCCESS', 'ERROR', 'CANCELLED')
       and completed_at < (extract(epoch from now()) * 1000)::bigint - $2::bigint
     limit 2000`,
    [pinnedVersion, Math.round(olderThanMs)],
  );
  // Through DBOS, because its payload tables hang on no foreign key.
  if (rows.length > 0) await DBOS.deleteWorkflows(rows.map((row) => row.workflow_uuid));
  return rows.length;
}

/**
 * Lets one process of the database launch at a time: DBOS makes its indexes concurrently, and two that do so at once deadlock.
 *
 * The lock is asked for again and again instead of waited for, because a statement that waits is itself what such an index waits for.
 */
async function oneAtATime(database: Database, launch: () => Promise<void>): Promise<void> {
  await database.session(async (tx) => {
    for (;;) {
      const [row] = await tx.query<{ got: boolean }>(
        "select pg_try_advisory_lock(hashtextextended('stockroom.workflow.launch', 0)) as got",
      );
      if (row?.got) break;
      await pause(25);
    }
    await launch();
  });
}

const putBackWhere = `
  from stockroom.run as run
  where attempt.status = 'PENDING' and attempt.application_name = $1 and attempt.workflow_uuid = run.leg || '/' || run.id`;

/** The columns DBOS itself sets when it recovers a workflow; the queue is named even if the row had lost it (N2). */
const putBackSet = `
  update ${schema}.workflow_status as attempt
  set status = 'ENQUEUED', owner_xid = null, started_at_epoch_ms = null, updated_at = (extract(epoch from now()) * 1000)::bigint`;

const putBackSql = `${putBackSet}, queue_name = coalesce(attempt.queue_name, run.queue) ${putBackWhere}`;

/** What this process ($5: the workflows it knows) should not have claimed waits in its lane from now on (lanes.L2). */
const putBackClaimsSql = `${putBackSet},
  queue_name = case when run.workflow = any($5::text[]) then coalesce(attempt.queue_name, run.queue) else ${laneSql} end ${putBackWhere}`;

/** How often a lane is asked for work: less than a queue, because lanes are many and rarely used. */
const lanePollMs = 1_000;

async function registerQueue(name: string, { perWorker, overall }: Omit<QueueDefinition, "name">, pollMs: number): Promise<void> {
  await DBOS.registerQueue(name, {
    workerConcurrency: overall === undefined ? perWorker : Math.min(perWorker, overall),
    ...(overall === undefined ? {} : { globalConcurrency: overall }),
    minPollingIntervalMs: pollMs,
    onConflict: "always_update",
  });
}

/** DBOS asks of a client in a transaction only `query(text, values)` with `rows` in the answer. */
function asClient(tx: Tx): ClientBase {
  const shim = {
    query: async (text: string, values?: readonly unknown[]) => {
      const rows = await tx.query(text, values);
      return { rows, rowCount: rows.length };
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the rest of a client is never asked for
  return shim as unknown as ClientBase;
}
