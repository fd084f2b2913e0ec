// Control: what a person does to a run that exists: cancels it, tries it again, redrives or drops its dead letter.
//
// Owns: which states allow what. Does not own: the rows (runs.ts), who is told (the hooks).

import { StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import type { Clock } from "../time.ts";
import type { Database, Tx } from "../database/contract.ts";
import type { DeadLetter, RunDetail, RunState } from "./contract.ts";
import type { Engine } from "./engine.ts";
import { unknownRun, type Outcomes } from "./outcomes.ts";
import { cancelRuns, closeLetters, dropRun, failedChildren, findLetter, findRun, findUnderway, lockRun, reviveRun } from "./runs.ts";
import type { Registry } from "./setup.ts";
import type { StartIn } from "./start.ts";

/** On which processes learn that runs were cancelled. */
export const cancelChannel = "stockroom_cancel";

export interface ControlHooks {
  /** In the transaction that cancels runs; they are given with all they had started. */
  readonly onCancelled?: (tx: Tx, runIds: readonly string[]) => Promise<void>;
  /** In the transaction that starts a run again which had died or been cancelled. */
  readonly onRevived?: (tx: Tx, runId: string) => Promise<void>;
}

export interface ControlDeps {
  readonly database: Database;
  readonly engine: Pick<Engine, "enqueue">;
  readonly outcomes: Outcomes;
  readonly hooks: ControlHooks;
}

export interface RerunDeps {
  readonly database: Database;
  readonly registry: Registry;
  readonly startIn: StartIn;
  readonly clock: Clock;
}

/** Cancels a run with all it started. Throws `RUN_UNKNOWN` (missing), `RUN_ENDED` (conflict). */
export async function cancelRun({ database, outcomes, hooks }: ControlDeps, runId: string): Promise<void> {
  const cancelled = await database.transaction(async (tx) => {
    const ids = await cancelRuns(tx, runId);
    if (ids.length > 0) {
      await hooks.onCancelled?.(tx, ids);
      await tx.query(`select pg_notify('${cancelChannel}', '')`);
      return ids;
    }
    const run = await findRun(tx, runId);
    if (run === undefined) throw unknownRun(runId);
    // Cancelled before: what was asked for is so.
    if (run.state !== "cancelled") throw endedRun(runId, run.state);
    return ids;
  });
  for (const id of cancelled) outcomes.ended(id);
}

/** Goes on with a run that ended badly. Throws `RUN_UNKNOWN` (missing), `RUN_NOT_ENDED_BADLY` (conflict). */
export async function retryRun(deps: ControlDeps, runId: string): Promise<void> {
  await deps.database.transaction(async (tx) => {
    if (await revive(deps, tx, runId, false)) return;
    const run = await findRun(tx, runId);
    if (run === undefined) throw unknownRun(runId);
    throw new StockroomError(
      "conflict",
      "RUN_NOT_ENDED_BADLY",
      `Expected run "${runId}" to be failed, cancelled or dead but it is ${run.state}. Only such a run can be retried.`,
      { facts: { runId, state: run.state } },
    );
  });
}

/** The input of a run that does the same again; undefined: none is to. */
export function repeatOf(
  registry: Registry,
  { workflow, state, input }: Pick<RunDetail, "workflow" | "state" | "input">,
  at: string,
): unknown {
  return state === "done" && registry.has(workflow) ? registry.get(workflow).rerun?.(input, at) : undefined;
}

/** What a run that does the same again is named by: reruns of reruns stand beside each other. */
const againOf = (runId: string): string => `${runId.replace(/\/again\/[^/]*$/, "")}/again/`;

/**
 * Starts a run that does the same again, or gives the one that is under way: asked for twice at once is asked for once.
 * Throws `RUN_UNKNOWN` (missing), `RUN_NOT_DONE`, `RUN_NOT_REPEATABLE` (conflict).
 */
export async function rerunRun({ database, registry, startIn, clock }: RerunDeps, runId: string): Promise<string> {
  return await database.transaction(async (tx) => {
    // Whoever asks at the same time waits here, and finds the run that the other started.
    await lockRun(tx, runId);
    const run = await findRun(tx, runId);
    if (run === undefined) throw unknownRun(runId);
    const { state, workflow } = run;
    const facts = { runId, state, workflow };
    if (state !== "done") {
      const next = ["failed", "cancelled", "dead"].includes(state) ? "`stockroom runs retry` lets it go on." : "Wait until it has ended.";
      throw new StockroomError("conflict", "RUN_NOT_DONE", `Expected run "${runId}" to be done but it is ${state}. ${next}`, { facts });
    }
    const at = new Date(clock.now()).toISOString();
    const input = repeatOf(registry, run, at);
    if (input === undefined) throw notRepeatable(registry, runId, workflow, facts);
    const again = againOf(runId);
    return (await findUnderway(tx, workflow, again)) ?? (await startIn(tx, workflow, input, { id: `${again}${at}` }));
  });
}

/** Goes on with the run of a dead letter, after its last step or from the start. Throws as `getLetter`, and `DEAD_LETTER_SETTLED` (conflict). */
export async function redriveLetter(deps: ControlDeps, id: string, fromStart: boolean): Promise<string> {
  return await deps.database.transaction(async (tx) => {
    const letter = await getWaitingLetter(tx, id);
    await revive(deps, tx, letter.runId, fromStart);
    faultPoint("workflow.redrive.enqueued");
    return letter.runId;
  });
}

/** Gives the run of a dead letter up. Throws as `redriveLetter`. */
export async function dropLetter({ database }: Pick<ControlDeps, "database">, id: string): Promise<void> {
  await database.transaction(async (tx) => {
    const letter = await getWaitingLetter(tx, id);
    await closeLetters(tx, letter.runId, "dropped");
    await dropRun(tx, letter.runId);
  });
}

/** Throws `DEAD_LETTER_UNKNOWN` (missing). */
export async function getLetter(tx: Tx, id: string): Promise<DeadLetter> {
  const letter = await findLetter(tx, id);
  if (letter !== undefined) return letter;
  throw new StockroomError(
    "missing",
    "DEAD_LETTER_UNKNOWN",
    `Expected a dead letter with the number ${id} but there is none. See \`stockroom dead\`.`,
    { facts: { deadLetter: id } },
  );
}

/** Starts a new attempt of a run that ended badly, and of those of its children which did. False: it did not end so. */
async function revive(deps: ControlDeps, tx: Tx, runId: string, fromStart: boolean): Promise<boolean> {
  const run = await reviveRun(tx, runId, fromStart);
  if (run === undefined) return false;
  await deps.hooks.onRevived?.(tx, runId);
  await closeLetters(tx, runId, "redriven");
  await deps.engine.enqueue(tx, { runId, number: run.attempt }, { workflow: run.workflow, queue: run.queue, priority: run.priority });
  for (const child of await failedChildren(tx, runId)) await revive(deps, tx, child, fromStart);
  return true;
}

/** Of two who decide on one at once, the second sees what the first did: the run is held, which every change of its letters holds first. */
async function getWaitingLetter(tx: Tx, id: string): Promise<DeadLetter> {
  const { runId } = await getLetter(tx, id);
  await tx.query("select id from stockroom.run where id = $1 for update", [runId]);
  const letter = await getLetter(tx, id);
  if (letter.state === "waiting") return letter;
  throw new StockroomError(
    "conflict",
    "DEAD_LETTER_SETTLED",
    `Expected dead letter ${id} to be waiting but it was ${letter.state}. See its run with \`stockroom runs show ${letter.runId}\`.`,
    { facts: { deadLetter: id, state: letter.state } },
  );
}

function endedRun(runId: string, state: RunState): StockroomError {
  const next = state === "dead" ? "Its dead letter waits: `stockroom dead drop` lets it rest." : "There is nothing to stop.";
  return new StockroomError("conflict", "RUN_ENDED", `Expected run "${runId}" to be under way but it is ${state}. ${next}`, {
    facts: { runId, state },
  });
}

function notRepeatable(registry: Registry, runId: string, workflow: string, facts: Readonly<Record<string, string>>): StockroomError {
  const kinds = registry.names.filter((name) => registry.get(name).rerun !== undefined).join(", ");
  return new StockroomError(
    "conflict",
    "RUN_NOT_REPEATABLE",
    `Expected a run that can be done again (${kinds === "" ? "no workflow here can" : `of ${kinds}`}) but "${runId}" of ${workflow} cannot: with the same input it would change nothing, or tell or send something twice. Give it new input, such as a new version of its file.`,
    { facts },
  );
}
