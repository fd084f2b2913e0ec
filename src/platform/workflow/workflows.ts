// Workflows: the part as others see it. Puts engine, liveness, schedules and executions together and takes them apart again.
//
// Owns: the order of opening and closing, what is registered. Does not own: any of its parts' insides.

import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../time.ts";
import type { Clock } from "../time.ts";
import { StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import type { Log } from "../log.ts";
import type { Database, Tx } from "../database/contract.ts";
import { anyEventWaits } from "../database/outbox.ts";
import type { DeadLetter, QueueDefinition, RunState, ScheduleDefinition, StartOptions, WorkflowDefinition, Workflows } from "./contract.ts";
import { attemptId, openEngine, refuseSecondEngine } from "./engine.ts";
import type { Engine, Attempt } from "./engine.ts";
import { execute } from "./execution.ts";
import type { Execution, ExecutionDeps } from "./run-context.ts";
import { jsonText } from "./json.ts";
import { forgetExecutor, openLanes, registerExecutor, renewMs } from "./lanes.ts";
import { holdLock, sweep } from "./liveness.ts";
import { Interrupted } from "./persist.ts";
import { makeOutcomes, readOutcome, unknownRun } from "./outcomes.ts";
import {
  anyActive,
  cancelRuns,
  dropRun,
  failedChildren,
  findLetter,
  findRun,
  forgetRuns,
  insertRun,
  listLetters,
  listRuns,
  lostRuns,
  renewAttempts,
  reviveRun,
  settleLetters,
  writeProgress,
} from "./runs.ts";
import { openSchedules, parseCron } from "./schedules.ts";
import { makeMutex } from "../concurrency/mutex.ts";

const cancelChannel = "stockroom_cancel";
const dayMs = 86_400_000;
/** What one statement of a sweep takes at most. */
const sweepRows = 2_000;
/** An index entry of PostgreSQL holds about 2,700 bytes. */
const maxIdBytes = 1_500;

export interface OpenWorkflowsOptions {
  readonly database: Database;
  /** Stable name of this process in the fleet: the same after a restart, never that of another that is alive. Default: the host's name. */
  readonly executorId?: string;
  readonly queues: readonly QueueDefinition[];
  /** Names of queues this process takes nothing from: their runs are started and watched here, and wait for another process. Default: none. */
  readonly resting?: ReadonlySet<string>;
  readonly workflows: readonly WorkflowDefinition[];
  readonly schedules?: readonly ScheduleDefinition[];
  readonly log: Log;
  /** For schedules only. */
  readonly clock?: Clock;
  /** How often the sign of life is checked and others' are looked for. Default 2,000. */
  readonly livenessMs?: number;
  /** How long an executor id that another process holds is asked for before it counts as taken. Default 1,000. */
  readonly patienceMs?: number;
  /** How long this process may be silent (frozen, cut off) before the server ends its sign of life. Default 12,000. */
  readonly silenceMs?: number;
  /** Times in a row that an executor must be found dead before its runs are taken over. Default 3. */
  readonly misses?: number;
  /** Deaths of a process under a run, without a step done in between, before the dead letters. Default 3. */
  readonly crashLimit?: number;
  /** Told of every dead letter, in the transaction that writes it. */
  readonly onDead?: (tx: Tx, letter: DeadLetter) => Promise<void>;
  /** In the transaction that cancels runs; they are given with all they had started. */
  readonly onCancelled?: (tx: Tx, runIds: readonly string[]) => Promise<void>;
  /** In the transaction that starts a run again which had died or been cancelled. */
  readonly onRevived?: (tx: Tx, runId: string) => Promise<void>;
  /** How often each queue is asked for work. Default 200. */
  readonly pollMs?: number;
  /** How long `close` waits for runs to come to rest. Default 10,000. */
  readonly graceMs?: number;
  /** False: starts and watches runs but takes none up (a command beside a running app). Default true. */
  readonly work?: boolean;
  /** How long runs that ended are kept. Default 90. */
  readonly keepDays?: number;
}

/** The part with what only the app needs of it. */
export interface OpenWorkflows extends Workflows {
  /** Starts the runs whose tick has come, without waiting for the room to look by itself. */
  startDueSchedules(): Promise<readonly string[]>;
  /** Puts runs that lost their place in the queue there again; the part does so every half minute. */
  repair(): Promise<void>;
  /** Forgets runs older than `keepDays` and what the engine kept of ended tries longer than `attemptMs` ago; the part does so every hour. */
  forget(attemptMs: number): Promise<void>;
  /** Whether this process holds its sign of life and takes up work; for `/health`. */
  readonly taking: boolean;
}

/**
 * Opens the part: one a process. Needs `workflowMigrations` applied.
 *
 * Throws `WORKFLOW_SETUP` (input) with everything wrong at once, `WORKFLOW_OPEN_TWICE` and `WORKFLOW_EXECUTOR_TAKEN` (conflict).
 */
export async function openWorkflows(options: OpenWorkflowsOptions): Promise<OpenWorkflows> {
  const { database, log } = options;
  const executorId = options.executorId ?? hostname();
  const livenessMs = options.livenessMs ?? 2_000;
  const patienceMs = options.patienceMs ?? 1_000;
  const misses = options.misses ?? 3;
  const silenceMs = options.silenceMs ?? 12_000;
  const working = options.work ?? true;
  checkSetup(options);
  refuseSecondEngine();

  const resting = options.resting ?? new Set<string>();
  const taken = options.workflows.filter(({ queue }) => !resting.has(queue)).map(({ name }) => name);
  const definitions = new Map(options.workflows.map((definition) => [definition.name, definition]));
  const closing = new AbortController();
  const executions = new Map<string, Execution>();
  const atWork = new Set<string>();
  const underWay = new Set<Promise<unknown>>();
  const outcomes = makeOutcomes(database, log);

  const definitionOf = (workflow: { readonly name: string } | string): WorkflowDefinition => {
    const name = typeof workflow === "string" ? workflow : workflow.name;
    const definition = definitions.get(name);
    if (definition === undefined) {
      throw new StockroomError(
        "missing",
        "WORKFLOW_UNKNOWN",
        `Expected a registered workflow but came "${name}". Register it in its module.`,
        {
          facts: { workflow: name },
        },
      );
    }
    return definition;
  };

  const startIn = async (
    tx: Tx,
    workflow: { readonly name: string } | string,
    input: unknown,
    wanted: StartOptions & { readonly parent?: string | undefined },
  ): Promise<string> => {
    const definition = definitionOf(workflow);
    const idBytes = Buffer.byteLength(wanted.id);
    if (wanted.id.trim() === "" || idBytes > maxIdBytes) {
      throw new StockroomError(
        "input",
        "RUN_BAD_ID",
        `Expected a run id of 1 to ${maxIdBytes} bytes but came ${idBytes}. Derive it from what the run is about.`,
      );
    }
    const priority = wanted.priority ?? 100;
    const isNew = await insertRun(tx, {
      id: wanted.id,
      workflow: definition.name,
      queue: definition.queue,
      title: definition.title?.(input) ?? definition.name,
      input: jsonText(input, `the input of ${definition.name}`),
      priority,
      parent: wanted.parent,
    });
    if (isNew) {
      await engine.enqueue(tx, { runId: wanted.id, number: 1 }, { workflow: definition.name, queue: definition.queue, priority });
      faultPoint("workflow.start.enqueued");
    }
    return wanted.id;
  };

  const liveness = await holdLock({ database, executorId, livenessMs, patienceMs, silenceMs, log, signal: closing.signal });

  const lanes = await openLanes(database);
  if (working) {
    await registerExecutor(database, executorId, taken);
    await lanes.refresh();
  }

  // DBOS hands out work before it has finished opening, and before the rest of this part has.
  const ready = Promise.withResolvers<ExecutionDeps>();
  ready.promise.catch(() => undefined);

  const runAttempt = async (workflow: string, attempt: Attempt): Promise<"over" | "handed-back"> => {
    const deps = await ready.promise;
    await liveness.held();
    return execute(deps, definitionOf(workflow), attempt, (execution) => executions.set(execution.token, execution)).finally(() => {
      for (const [token, execution] of executions) if (execution.runId === attempt.runId && execution.over) executions.delete(token);
    });
  };

  let engine: Engine;
  try {
    engine = await openEngine({
      database,
      executorId,
      queues: options.queues,
      pollMs: options.pollMs ?? 200,
      workflows: [...definitions.keys()],
      listens: working ? { queues: options.queues.flatMap(({ name }) => (resting.has(name) ? [] : [name])), workflows: taken } : undefined,
      lanes,
      queueOf: (workflow) => definitionOf(workflow).queue,
      log,
      run: async (workflow, attempt) => {
        const id = attemptId(attempt);
        atWork.add(id);
        const doing = runAttempt(workflow, attempt);
        underWay.add(doing);
        let ending: "over" | "handed-back";
        try {
          ending = await doing;
        } catch (thrown) {
          ending = thrown instanceof Interrupted ? "handed-back" : await giveUp(await ready.promise, id, workflow, thrown);
        } finally {
          underWay.delete(doing);
        }
        // DBOS takes a settled promise for the end of the attempt; this one has not ended and goes back when the part closes.
        if (ending === "handed-back") await new Promise<never>(() => undefined);
        atWork.delete(id);
      },
    });
  } catch (thrown) {
    closing.abort(new Interrupted("stopping"));
    ready.reject(closing.signal.reason);
    await liveness.ended;
    throw thrown;
  }

  const deps: ExecutionDeps = {
    database,
    engine,
    executorId,
    crashLimit: options.crashLimit ?? 3,
    log,
    suspects: makeMutex(),
    stopping: closing.signal,
    startIn,
    outcome: (runId, signal) => outcomes.wait(runId, signal),
    onDead: async (tx, letter) => options.onDead?.(tx, letter),
    ended: (runId) => outcomes.ended(runId),
  };

  ready.resolve(deps);

  const stopLost = async (): Promise<void> => {
    if (executions.size === 0) return;
    for (const lost of await lostRuns(database, [...executions.values()])) {
      executions.get(lost.token)?.stop(lost.state === "cancelled" ? "cancelled" : "lost");
    }
  };

  /** A run that waits for an attempt which is not there (the engine's tables were restored, or mended by hand) gets a new one. */
  const startUnqueued = async (): Promise<void> => {
    await database.transaction(async (tx) => {
      for (const run of await renewAttempts(tx, 60_000)) {
        log.warn("a run had lost its place in the queue; it is put there again", { runId: run.id });
        await engine.enqueue(
          tx,
          { runId: run.id, number: run.attempt },
          { workflow: run.workflow, queue: run.queue, priority: run.priority },
        );
      }
    });
  };

  const reportProgress = async (): Promise<void> => {
    const news = [...executions.values()].flatMap(({ runId, token, progressed }) =>
      progressed === undefined ? [] : [{ runId, token, progress: progressed }],
    );
    for (const execution of executions.values()) execution.progressed = undefined;
    if (news.length > 0) await writeProgress(database, news);
  };

  const every = async (ms: number, what: string, work: () => Promise<unknown>): Promise<void> => {
    while (!closing.signal.aborted) {
      await pause(ms, undefined, { signal: closing.signal }).catch(() => undefined);
      if (closing.signal.aborted) return;
      try {
        await work();
      } catch (thrown) {
        log.debug(`${what} failed; it is tried again`, { error: thrown });
      }
    }
  };

  const forget = async (attemptMs: number): Promise<void> => {
    while ((await engine.sweepAttempts(attemptMs)) >= sweepRows && !closing.signal.aborted);
    while ((await forgetRuns(database, (options.keepDays ?? 90) * dayMs)) >= sweepRows && !closing.signal.aborted);
  };

  const stopListening = await database.listen(cancelChannel, () => {
    stopLost().catch((thrown: unknown) => log.debug("could not look for cancelled runs; it is tried again", { error: thrown }));
  });
  const schedules = await openSchedules({
    database,
    schedules: options.schedules ?? [],
    clock: options.clock ?? systemClock,
    log,
    signal: closing.signal,
    startIn,
    lookMs: 1_000,
  });
  const loops = [
    sweep({ database, executorId, livenessMs, patienceMs, silenceMs, log, signal: closing.signal, engine, liveness, misses, atWork }),
    every(livenessMs, "the look for lost runs", stopLost),
    every(livenessMs, "the look who works", () => lanes.refresh()),
    every(renewMs, "the word that this process works", async () => {
      if (working && liveness.holding) await registerExecutor(database, executorId, taken);
    }),
    every(Math.max(30_000, livenessMs), "the look for runs without an attempt", startUnqueued),
    every(500, "the report of progress", reportProgress),
    every(3_600_000, "the sweep of old runs", () => forget(dayMs)),
    schedules.ended,
  ];

  const revive = async (tx: Tx, runId: string, fromStart: boolean): Promise<boolean> => {
    const run = await reviveRun(tx, runId, fromStart);
    if (run === undefined) return false;
    await options.onRevived?.(tx, runId);
    await settleLetters(tx, runId, "redriven");
    await engine.enqueue(tx, { runId, number: run.attempt }, { workflow: run.workflow, queue: run.queue, priority: run.priority });
    for (const child of await failedChildren(tx, runId)) await revive(tx, child, fromStart);
    return true;
  };

  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    closing.abort(new Interrupted("stopping"));
    for (const execution of executions.values()) execution.stop("stopping");
    await engine.stop().catch((thrown: unknown) => log.warn("the engine did not stop cleanly", { error: thrown }));
    const grace = new AbortController();
    await Promise.race([
      Promise.allSettled(underWay),
      pause(options.graceMs ?? 10_000, undefined, { signal: grace.signal }).catch(() => undefined),
    ]);
    grace.abort();
    if (underWay.size > 0) log.warn("some runs did not come to rest in time; they go on after a restart", { runs: underWay.size });
    await Promise.allSettled(loops);
    await stopListening();
    try {
      if (working) await forgetExecutor(database, executorId);
      // Others need not wait until they find us gone.
      const claims = await engine.held(database);
      const busy = new Set([...executions.values()].filter((execution) => !execution.over).map((execution) => execution.attemptId));
      await engine.putBackClaims(
        database,
        claims.filter((claim) => !busy.has(claim.attemptId)),
      );
    } catch (thrown) {
      log.warn("unfinished runs could not be put back; they are when this process is found gone", { error: thrown });
    }
    await engine.close();
    await liveness.ended;
  };

  return {
    startIn,
    start: (workflow, input, wanted) => database.transaction((tx) => startIn(tx, workflow, input, wanted)),
    has: (workflow) => definitions.has(workflow),
    outcome: async <T>(runId: string, wanted: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}) => {
      const late = new AbortController();
      const timer =
        wanted.timeoutMs === undefined ? undefined : setTimeout(() => late.abort(notEnded(runId, wanted.timeoutMs)), wanted.timeoutMs);
      try {
        const signals = [closing.signal, late.signal, ...(wanted.signal === undefined ? [] : [wanted.signal])];
        return readOutcome<T>(await outcomes.wait(runId, AbortSignal.any(signals)));
      } finally {
        clearTimeout(timer);
      }
    },
    list: (query = {}) => listRuns(database, query),
    show: async (runId) => {
      const run = await findRun(database, runId);
      if (run === undefined) throw unknownRun(runId);
      return run;
    },
    cancel: async (runId) => {
      const cancelled = await database.transaction(async (tx) => {
        const ids = await cancelRuns(tx, runId);
        if (ids.length === 0) {
          const run = await findRun(tx, runId);
          if (run === undefined) throw unknownRun(runId);
          // Cancelled before: what was asked for is so.
          if (run.state !== "cancelled") throw endedRun(runId, run.state);
        }
        if (ids.length > 0) {
          await options.onCancelled?.(tx, ids);
          await tx.query(`select pg_notify('${cancelChannel}', '')`);
        }
        return ids;
      });
      for (const id of cancelled) outcomes.ended(id);
      await stopLost();
    },
    retry: async (runId) => {
      await database.transaction(async (tx) => {
        if (await revive(tx, runId, false)) return;
        const run = await findRun(tx, runId);
        if (run === undefined) throw unknownRun(runId);
        throw new StockroomError(
          "conflict",
          "RUN_NOT_ENDED_BADLY",
          `Expected run "${runId}" to be failed, cancelled or dead but it is ${run.state}. Only such a run can be retried.`,
          { facts: { runId, state: run.state } },
        );
      });
    },
    deadLetters: (query = {}) => listLetters(database, { ...query, limit: query.limit ?? 100 }),
    deadLetter: (id) => letterOf(database, id),
    redrive: (id, wanted = {}) =>
      database.transaction(async (tx) => {
        const letter = await waitingLetter(tx, id);
        await revive(tx, letter.runId, wanted.fromStart ?? false);
        faultPoint("workflow.redrive.enqueued");
        return letter.runId;
      }),
    drop: (id) =>
      database.transaction(async (tx) => {
        const letter = await waitingLetter(tx, id);
        await settleLetters(tx, letter.runId, "dropped");
        await dropRun(tx, letter.runId);
      }),
    schedules: () => schedules.list(),
    startDueSchedules: () => schedules.lookNow(),
    idle: async () => {
      if (await anyActive(database, resting)) return false;
      if (await anyEventWaits(database)) return false;
      // In this order: an event is marked relayed in the transaction that starts its runs, so what left the outbox shows as a run.
      return !(await anyActive(database, resting));
    },
    repair: startUnqueued,
    forget,
    get taking() {
      return working && liveness.holding;
    },
    close: () => (closed ??= close()),
  };
}

function endedRun(runId: string, state: RunState): StockroomError {
  const next = state === "dead" ? "Its dead letter waits: `stockroom dead drop` lets it rest." : "There is nothing to stop.";
  return new StockroomError("conflict", "RUN_ENDED", `Expected run "${runId}" to be under way but it is ${state}. ${next}`, {
    facts: { runId, state },
  });
}

async function letterOf(tx: Tx, id: string): Promise<DeadLetter> {
  const letter = await findLetter(tx, id);
  if (letter === undefined) {
    throw new StockroomError(
      "missing",
      "DEAD_LETTER_UNKNOWN",
      `Expected a dead letter with the number ${id} but there is none. See \`stockroom dead\`.`,
      {
        facts: { deadLetter: id },
      },
    );
  }
  return letter;
}

async function waitingLetter(tx: Tx, id: string): Promise<DeadLetter> {
  const letter = await letterOf(tx, id);
  if (letter.state !== "waiting") {
    throw new StockroomError(
      "conflict",
      "DEAD_LETTER_SETTLED",
      `Expected dead letter ${id} to be waiting but it was ${letter.state}. See its run with \`stockroom runs show ${letter.runId}\`.`,
      { facts: { deadLetter: id, state: letter.state } },
    );
  }
  return letter;
}

/** An error of this part, not of the run: the attempt goes back, and as its begin stays open, it comes back no more often than a crash may. */
async function giveUp({ engine, database, log }: ExecutionDeps, id: string, workflow: string, thrown: unknown): Promise<"over"> {
  log.error("a run could not be worked at; it goes back into its queue", { attempt: id, workflow, error: thrown });
  try {
    const claims = (await engine.held(database)).filter((claim) => claim.attemptId === id);
    await engine.putBackClaims(database, claims);
  } catch (again) {
    log.warn("the run could not be put back yet; the sweep will start it anew", { attempt: id, error: again });
  }
  return "over";
}

function notEnded(runId: string, timeoutMs: number | undefined): StockroomError {
  return new StockroomError(
    "busy",
    "RUN_NOT_ENDED",
    `Expected run "${runId}" to end within ${timeoutMs ?? 0} ms but it has not. It goes on; look at it with \`stockroom runs show\`.`,
    { facts: { runId } },
  );
}

/** Everything that can be known to be wrong before anything is opened, told at once. */
function checkSetup(options: OpenWorkflowsOptions): void {
  const wrong: string[] = [];
  const twice = (names: readonly string[], what: string): void => {
    for (const name of new Set(names.filter((one, index) => names.indexOf(one) !== index)))
      wrong.push(`${what} "${name}" is defined twice`);
  };
  const queues = options.queues.map((queue) => queue.name);
  const workflows = options.workflows.map((workflow) => workflow.name);
  const schedules = options.schedules ?? [];
  twice(queues, "queue");
  twice(workflows, "workflow");
  twice(
    schedules.map((schedule) => schedule.name),
    "schedule",
  );
  for (const queue of options.queues) {
    if (!(Number.isInteger(queue.perWorker) && queue.perWorker > 0)) wrong.push(`queue "${queue.name}" has perWorker ${queue.perWorker}`);
    if (queue.overall !== undefined && !(Number.isInteger(queue.overall) && queue.overall > 0)) {
      wrong.push(`queue "${queue.name}" has overall ${queue.overall}`);
    }
    if (queue.name.startsWith("_dbos")) wrong.push(`queue "${queue.name}" uses a name of the engine`);
  }
  for (const workflow of options.workflows) {
    if (!queues.includes(workflow.queue))
      wrong.push(`workflow "${workflow.name}" names the queue "${workflow.queue}", which is not defined`);
  }
  for (const schedule of schedules) {
    if (!workflows.includes(schedule.workflow)) {
      wrong.push(`schedule "${schedule.name}" names the workflow "${schedule.workflow}", which is not defined`);
    }
    try {
      parseCron(schedule.cron, schedule.name);
    } catch (thrown) {
      wrong.push(thrown instanceof Error ? thrown.message : String(thrown));
    }
  }
  if (wrong.length > 0) {
    throw new StockroomError(
      "input",
      "WORKFLOW_SETUP",
      `Expected queues, workflows and schedules that fit together but: ${wrong.join("; ")}. Correct these definitions.`,
      { facts: { problems: wrong.length } },
    );
  }
}
