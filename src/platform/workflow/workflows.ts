// Workflows: the part as others see it. Puts engine, liveness, schedules and attempts together and takes them apart again.
//
// Owns: the order of opening and closing. Does not own: any of its parts' insides.

import { hostname } from "node:os";
import { systemClock } from "../time.ts";
import type { Clock } from "../time.ts";
import { StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Database, Tx } from "../database/contract.ts";
import { anyEventWaits } from "../database/outbox.ts";
import { makeMutex } from "../concurrency/mutex.ts";
import { Attempts } from "./attempts.ts";
import type { ChildOutcome, DeadLetter, Workflows } from "./contract.ts";
import {
  cancelChannel,
  cancelRun,
  dropLetter,
  getLetter,
  redriveLetter,
  repeatOf,
  rerunRun,
  retryRun,
  type ControlDeps,
  type ControlHooks,
  type RerunDeps,
} from "./control.ts";
import { openEngine, refuseSecondEngine, type Engine } from "./engine.ts";
import { forgetExecutor, openLanes, registerExecutor, renewMs, type Lanes } from "./lanes.ts";
import { holdLock, sweep, type Liveness, type LivenessOptions } from "./liveness.ts";
import { makeOutcomes, readOutcome, unknownRun, type Outcomes } from "./outcomes.ts";
import { Interrupted } from "./persist.ts";
import { listAllLog, listRunLog, makeRunLogs, type RunLogs } from "./run-log.ts";
import { anyActive, countRuns, findRun, listLetters, listRuns } from "./runs.ts";
import { openSchedules } from "./schedules.ts";
import { checkSetup, makeRegistry, type WorkflowSetup } from "./setup.ts";
import { makeStartIn } from "./start.ts";
import { every, forgetOld, requeueRuns, type UpkeepDeps } from "./upkeep.ts";

const dayMs = 86_400_000;

export interface OpenWorkflowsOptions extends WorkflowSetup, ControlHooks {
  readonly database: Database;
  /** Stable name of this process in the fleet: the same after a restart, never that of another that is alive. Default: the host's name. */
  readonly executorId?: string;
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
  /** Starts the runs whose tick has come, without waiting for the next look at the clock. */
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
  checkSetup(options);
  refuseSecondEngine();
  const { database, log, queues, resting = new Set<string>(), work: working = true } = options;
  const { keepDays = 90, graceMs = 10_000, misses = 3, onDead } = options;
  const closing = new AbortController();
  const registry = makeRegistry(options.workflows);
  const executor = { ...executorOf(options), signal: closing.signal };
  const { executorId } = executor;
  const taken = options.workflows.filter(({ queue }) => !resting.has(queue)).map(({ name }) => name);

  const liveness = await holdLock(executor);
  const lanes = await openLanes(database);
  if (working) {
    await registerExecutor(database, executorId, taken);
    await lanes.refresh();
  }
  const attempts = new Attempts({ database, registry, liveness, log });
  let engine: Engine;
  try {
    engine = await openEngine({
      database,
      executorId,
      queues,
      pollMs: options.pollMs ?? 200,
      workflows: registry.names,
      listens: working ? { queues: queues.flatMap(({ name }) => (resting.has(name) ? [] : [name])), workflows: taken } : undefined,
      lanes,
      queueOf: (workflow) => registry.get(workflow).queue,
      log,
      run: (workflow, attempt) => attempts.run(workflow, attempt),
    });
  } catch (thrown) {
    closing.abort(new Interrupted("stopping"));
    attempts.refuse(closing.signal.reason);
    await liveness.ended;
    throw thrown;
  }

  const startIn = makeStartIn(registry, engine);
  const outcomes = makeOutcomes(database, log);
  const runLogs = makeRunLogs(database, executorId, Date.now);
  attempts.begin({
    database,
    engine,
    executorId,
    crashLimit: options.crashLimit ?? 3,
    log,
    runLogs,
    suspects: makeMutex(),
    stopping: closing.signal,
    startIn,
    outcome: (runId, signal) => outcomes.wait(runId, signal),
    onDead: async (tx, letter) => onDead?.(tx, letter),
    ended: (runId) => outcomes.ended(runId),
  });
  const stopListening = await database.listen(
    cancelChannel,
    () => void attempts.stopLost().catch((error: unknown) => log.debug("the look for lost runs failed; it is tried again", { error })),
  );
  const upkeep = { database, engine, log, signal: closing.signal };
  const clock = options.clock ?? systemClock;
  const schedules = await openSchedules({ ...upkeep, schedules: options.schedules ?? [], clock, startIn, lookMs: 1_000 });
  const forget = async (attemptMs: number): Promise<void> => await forgetOld(upkeep, keepDays, attemptMs);
  const works = working ? taken : undefined;
  const loops = [...startLoops({ executor, upkeep, liveness, lanes, attempts, runLogs, misses, works, forget }), schedules.ended];

  const close = async (): Promise<void> => {
    closing.abort(new Interrupted("stopping"));
    attempts.stop();
    await engine.stop().catch((thrown: unknown) => log.warn("the engine did not stop cleanly", { error: thrown }));
    await attempts.rest(graceMs);
    await Promise.allSettled(loops);
    await runLogs.flush().catch((thrown: unknown) => log.warn("the last lines of runs could not be kept", { error: thrown }));
    await stopListening();
    await leave({ database, engine, attempts, log }, working ? executorId : undefined);
    await engine.close();
    await liveness.ended;
  };

  let closed: Promise<void> | undefined;
  return {
    ...makeRunsApi({ database, engine, outcomes, hooks: options, registry, startIn, clock }, attempts, closing.signal),
    startIn,
    start: (workflow, input, wanted) => database.transaction((tx) => startIn(tx, workflow, input, wanted)),
    has: (workflow) => registry.has(workflow),
    schedules: () => schedules.list(),
    pauseSchedule: async (...asked) => await schedules.pause(...asked),
    resumeSchedule: async (...asked) => await schedules.resume(...asked),
    runSchedule: async (...asked) => await schedules.runNow(...asked),
    startDueSchedules: () => schedules.lookNow(),
    idle: () => isIdle(database, resting),
    repair: () => requeueRuns(upkeep),
    forget,
    get taking() {
      return working && liveness.holding;
    },
    close: () => (closed ??= close()),
  };
}

/** Who this process is to the fleet, and how it shows that it is alive. */
function executorOf(options: OpenWorkflowsOptions): Omit<LivenessOptions, "signal"> {
  return {
    database: options.database,
    executorId: options.executorId ?? hostname(),
    livenessMs: options.livenessMs ?? 2_000,
    patienceMs: options.patienceMs ?? 1_000,
    silenceMs: options.silenceMs ?? 12_000,
    log: options.log,
  };
}

interface LoopDeps {
  readonly executor: LivenessOptions;
  readonly upkeep: UpkeepDeps;
  readonly liveness: Liveness;
  readonly lanes: Lanes;
  readonly attempts: Attempts;
  readonly runLogs: RunLogs;
  readonly misses: number;
  /** The workflows this process takes up; undefined: it takes up none. */
  readonly works: readonly string[] | undefined;
  readonly forget: (attemptMs: number) => Promise<void>;
}

/** What is looked at again and again until the part closes. */
function startLoops(deps: LoopDeps): readonly Promise<void>[] {
  const { executor, upkeep, liveness, lanes, attempts, misses, works } = deps;
  const { database, executorId, livenessMs } = executor;
  return [
    sweep({ ...executor, engine: upkeep.engine, liveness, misses, atWork: attempts.inHand }),
    every(upkeep, livenessMs, "the look for lost runs", () => attempts.stopLost()),
    every(upkeep, livenessMs, "the look who works", () => lanes.refresh()),
    every(upkeep, renewMs, "the word that this process works", async () => {
      if (works !== undefined && liveness.holding) await registerExecutor(database, executorId, works);
    }),
    every(upkeep, Math.max(30_000, livenessMs), "the look for runs without an attempt", () => requeueRuns(upkeep)),
    every(upkeep, 500, "the report of progress", () => attempts.writeProgress()),
    every(upkeep, 500, "the keeping of runs' lines", () => deps.runLogs.flush()),
    every(upkeep, 3_600_000, "the sweep of old runs", () => deps.forget(dayMs)),
  ];
}

/** Takes this process out of the fleet, and gives back what it had claimed and not begun: others need not wait until they find it gone. */
async function leave(
  { database, engine, attempts, log }: { database: Database; engine: Engine; attempts: Attempts; log: Log },
  executorId: string | undefined,
): Promise<void> {
  try {
    if (executorId !== undefined) await forgetExecutor(database, executorId);
    const unfinished = attempts.unfinished();
    const claims = await engine.held(database);
    await engine.putBackClaims(
      database,
      claims.filter((claim) => !unfinished.has(claim.attemptId)),
    );
  } catch (thrown) {
    log.warn("unfinished runs could not be put back; they are when this process is found gone", { error: thrown });
  }
}

type RunsApi = Pick<
  Workflows,
  | "outcome"
  | "list"
  | "place"
  | "count"
  | "show"
  | "logs"
  | "allLogs"
  | "cancel"
  | "retry"
  | "rerun"
  | "deadLetters"
  | "deadLetter"
  | "redrive"
  | "drop"
>;

/** Looking at runs and dead letters, and deciding on them. */
function makeRunsApi(deps: ControlDeps & RerunDeps, attempts: Attempts, closing: AbortSignal): RunsApi {
  const { database } = deps;
  return {
    outcome: (runId, wanted = {}) => waitFor(deps.outcomes, runId, wanted, closing),
    list: async (query = {}) => (await listRuns(database, query)).map(({ row }) => row),
    place: async (query) => await listRuns(database, query),
    count: (query) => countRuns(database, query),
    show: async (runId) => {
      const run = await findRun(database, runId);
      if (run === undefined) throw unknownRun(runId);
      return { ...run, repeatable: repeatOf(deps.registry, run, new Date(deps.clock.now()).toISOString()) !== undefined };
    },
    allLogs: async (query = {}) => await listAllLog(database, query),
    logs: async (runId, query = {}) => {
      const lines = await listRunLog(database, runId, query);
      if (lines.length === 0 && (await findRun(database, runId)) === undefined) throw unknownRun(runId);
      return lines;
    },
    cancel: async (runId) => {
      await cancelRun(deps, runId);
      await attempts.stopLost();
    },
    retry: (runId) => retryRun(deps, runId),
    rerun: (runId) => rerunRun(deps, runId),
    deadLetters: (query = {}) => listLetters(database, { ...query, limit: query.limit ?? 100 }),
    deadLetter: (id) => getLetter(database, id),
    redrive: (id, wanted = {}) => redriveLetter(deps, id, wanted.fromStart ?? false),
    drop: (id) => dropLetter(deps, id),
  };
}

async function waitFor<T>(
  outcomes: Outcomes,
  runId: string,
  { timeoutMs, signal }: { readonly timeoutMs?: number | undefined; readonly signal?: AbortSignal | undefined },
  closing: AbortSignal,
): Promise<ChildOutcome<T>> {
  const late = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => late.abort(notEnded(runId, timeoutMs)), timeoutMs);
  try {
    const signals = [closing, late.signal, ...(signal === undefined ? [] : [signal])];
    return readOutcome<T>(await outcomes.wait(runId, AbortSignal.any(signals)));
  } finally {
    clearTimeout(timer);
  }
}

async function isIdle(database: Database, resting: ReadonlySet<string>): Promise<boolean> {
  if (await anyActive(database, resting)) return false;
  if (await anyEventWaits(database)) return false;
  // In this order: an event is marked relayed in the transaction that starts its runs, so what left the outbox shows as a run.
  return !(await anyActive(database, resting));
}

function notEnded(runId: string, timeoutMs: number): StockroomError {
  return new StockroomError(
    "busy",
    "RUN_NOT_ENDED",
    `Expected run "${runId}" to end within ${timeoutMs} ms but it has not. It goes on; look at it with \`stockroom runs show\`.`,
    { facts: { runId } },
  );
}
