// Attempts: what this process works at, from the engine's call until everything has come to rest.
//
// Owns: which attempts are in hand and their executions. Does not own: the work on one (execution.ts), the claims (engine.ts).
//   A1. An attempt handed out before the part has finished opening waits until it has: DBOS hands out work before it is open itself.
//   A2. The call of an attempt that is handed back never settles: DBOS takes a settled promise for the attempt's end.

import { setTimeout as pause } from "node:timers/promises";
import type { Log } from "../log.ts";
import type { Database } from "../database/contract.ts";
import { attemptId, type Attempt } from "./engine.ts";
import { execute, type Ending } from "./execution.ts";
import type { Liveness } from "./liveness.ts";
import { Interrupted } from "./persist.ts";
import type { Execution, ExecutionDeps } from "./run-context.ts";
import { lostRuns, writeProgress } from "./runs.ts";
import type { Registry } from "./setup.ts";

export interface AttemptsDeps {
  readonly database: Database;
  readonly registry: Registry;
  readonly liveness: Liveness;
  readonly log: Log;
}

/** The attempts of one process. */
export class Attempts {
  readonly #deps: AttemptsDeps;
  readonly #ready = Promise.withResolvers<ExecutionDeps>();
  readonly #inHand = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #executions = new Map<string, Execution>();

  constructor(deps: AttemptsDeps) {
    this.#deps = deps;
    this.#ready.promise.catch(() => undefined);
  }

  /** The part has opened (A1). */
  begin(deps: ExecutionDeps): void {
    this.#ready.resolve(deps);
  }

  /** The part could not open; whatever waits is given the reason. */
  refuse(reason: unknown): void {
    this.#ready.reject(reason);
  }

  /** The engine's names of the attempts that this process is at work on. */
  get inHand(): ReadonlySet<string> {
    return this.#inHand;
  }

  /** The same, of those whose execution has not come to rest. */
  unfinished(): ReadonlySet<string> {
    return new Set([...this.#executions.values()].filter((execution) => !execution.over).map((execution) => execution.attemptId));
  }

  /** Runs an attempt to its end; see A2. Never rejects. */
  async run(workflow: string, attempt: Attempt): Promise<void> {
    const id = attemptId(attempt);
    this.#inHand.add(id);
    const doing = this.#execute(workflow, attempt);
    this.#underWay.add(doing);
    let ending: Ending;
    try {
      ending = await doing;
    } catch (thrown) {
      ending = thrown instanceof Interrupted ? "handed-back" : await putBack(await this.#ready.promise, id, workflow, thrown);
    } finally {
      this.#underWay.delete(doing);
    }
    if (ending === "handed-back") await new Promise<never>(() => undefined);
    this.#inHand.delete(id);
  }

  async #execute(workflow: string, attempt: Attempt): Promise<Ending> {
    const { registry, liveness } = this.#deps;
    const executions = this.#executions;
    const deps = await this.#ready.promise;
    await liveness.held();
    return execute(deps, registry.get(workflow), attempt, (execution) => executions.set(execution.token, execution)).finally(() => {
      for (const [token, execution] of executions) if (execution.runId === attempt.runId && execution.over) executions.delete(token);
    });
  }

  /** Stops the executions whose run has been cancelled or is another's by now. */
  async stopLost(): Promise<void> {
    if (this.#executions.size === 0) return;
    for (const lost of await lostRuns(this.#deps.database, [...this.#executions.values()])) {
      this.#executions.get(lost.token)?.stop(lost.state === "cancelled" ? "cancelled" : "lost");
    }
  }

  /** Writes what runs have reported since the last time. */
  async writeProgress(): Promise<void> {
    const news = [...this.#executions.values()].flatMap(({ runId, token, progressed }) =>
      progressed === undefined ? [] : [{ runId, token, progress: progressed }],
    );
    for (const execution of this.#executions.values()) execution.progressed = undefined;
    if (news.length > 0) await writeProgress(this.#deps.database, news);
  }

  /** Tells every execution to stop. */
  stop(): void {
    for (const execution of this.#executions.values()) execution.stop("stopping");
  }

  /** Waits until all have come to rest, but no longer than `graceMs`. */
  async rest(graceMs: number): Promise<void> {
    const grace = new AbortController();
    await Promise.race([Promise.allSettled(this.#underWay), pause(graceMs, undefined, { signal: grace.signal }).catch(() => undefined)]);
    grace.abort();
    if (this.#underWay.size > 0) {
      this.#deps.log.warn("some runs did not come to rest in time; they go on after a restart", { runs: this.#underWay.size });
    }
  }
}

/** An error of this part, not of the run: the attempt goes back, and as its begin stays open, it comes back no more often than a crash may. */
async function putBack({ engine, database, log }: ExecutionDeps, id: string, workflow: string, thrown: unknown): Promise<"over"> {
  log.error("a run could not be worked at; it goes back into its queue", { attempt: id, workflow, error: thrown });
  try {
    const claims = (await engine.held(database)).filter((claim) => claim.attemptId === id);
    await engine.putBackClaims(database, claims);
  } catch (error) {
    log.warn("the run could not be put back yet; the sweep will start it anew", { attempt: id, error });
  }
  return "over";
}
