// Thread: the end of the pool that runs inside a worker thread. Loaded by the pool, never imported.

import { performance } from "node:perf_hooks";
import type { MessagePort } from "node:worker_threads";
import { StockroomError, describeError } from "../errors.ts";
import type { TaskTools } from "./contract.ts";
import { type Envelope, type ProgressMessage, type Reply, flagCells, progressSpacingMs } from "./protocol.ts";

/** Runs one task; a throw comes back as a reply, so that the error's kind, code and facts survive the crossing. */
export async function runEnvelope(envelope: Envelope): Promise<Reply> {
  const flags = new Int32Array(envelope.flags);
  Atomics.store(flags, flagCells.started, 1);
  const progress = makeProgress(envelope.progress);
  const watch = watchAbort(flags);
  try {
    const run = await loadTask(envelope);
    const value: unknown = await run(envelope.input, { signal: watch.signal, progress: progress.say });
    return { kind: "done", value };
  } catch (thrown) {
    return { kind: "failed", error: describeError(thrown), stack: thrown instanceof Error ? thrown.stack : undefined };
  } finally {
    watch.stop();
    progress.end();
  }
}

type TaskFunction = (input: unknown, tools: TaskTools) => unknown;

const isTaskFunction = (value: unknown): value is TaskFunction => typeof value === "function";

async function loadTask(envelope: Envelope): Promise<TaskFunction> {
  const { module, name } = envelope;
  const loaded: unknown = await import(module).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StockroomError("fault", "COMPUTE_TASK_UNLOADABLE", `Expected to load the task ${name} but its module fails: ${why}`, {
      facts: { task: name, module },
      cause,
    });
  });
  const run = typeof loaded === "object" && loaded !== null && "run" in loaded ? loaded.run : undefined;
  if (isTaskFunction(run)) return run;
  throw new StockroomError(
    "fault",
    "COMPUTE_TASK_UNLOADABLE",
    `Expected the module of the task ${name} to export a function run but it does not.`,
    {
      facts: { task: name, module },
    },
  );
}

/**
 * Makes an AbortSignal that looks at the shared flag whenever it is asked.
 *
 * A loop that never yields gets no events, so `aborted` and `throwIfAborted` read the flag themselves; code that waits is told by the
 * event, which a waiter on the flag raises.
 */
function watchAbort(flags: Int32Array<SharedArrayBuffer>): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const { signal } = controller;
  let over = false;
  const look = (): boolean => {
    if (!over && Atomics.load(flags, flagCells.aborted) === 1) {
      over = true;
      controller.abort();
    }
    return over && signal.reason !== undefined;
  };
  Object.defineProperty(signal, "aborted", { get: look });
  Object.defineProperty(signal, "throwIfAborted", {
    value: () => {
      if (look()) throw signal.reason;
    },
  });
  const wait = Atomics.waitAsync(flags, flagCells.aborted, 0);
  if (wait.async) void wait.value.then(look);
  else look();
  return {
    signal,
    stop: () => {
      over = true;
      Atomics.notify(flags, flagCells.aborted);
    },
  };
}

function makeProgress(port: MessagePort): { say: TaskTools["progress"]; end(): void } {
  let saidAt = Number.NEGATIVE_INFINITY;
  let waiting: ProgressMessage | undefined;
  return {
    say: (done, total, note = "") => {
      const now = performance.now();
      if (now - saidAt < progressSpacingMs) {
        waiting = [done, total, note];
        return;
      }
      saidAt = now;
      waiting = undefined;
      port.postMessage([done, total, note] satisfies ProgressMessage);
    },
    end: () => {
      if (waiting !== undefined) port.postMessage(waiting);
      port.close();
    },
  };
}
