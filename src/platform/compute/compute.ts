// The pool: one for the app, each thread with one task at a time.
//
//   P1. Threads start with the first task, not with the app.
//   P2. A run settles once its thread is free of it: after an abort too, so that nobody cleans up under a task still writing.
//   P3. After an abort a task has `graceMs` to notice; then its thread is ended and replaced.

import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { type MessagePort, MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { Piscina } from "piscina";
import { StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Compute, ComputeOptions, ComputeTask } from "./contract.ts";
import { type Envelope, type ProgressMessage, type Reply, flagCells } from "./protocol.ts";

export interface OpenComputeOptions {
  /** Default: as many as the machine runs at once. */
  readonly threads?: number;
  readonly log: Log;
  /** How long an aborted task may take to notice. Default 5,000. */
  readonly graceMs?: number;
  /** Heap of one thread (buffers and WASM memory lie outside of it). Default: Node's own bound. */
  readonly maxHeapMb?: number;
}

/** A run under way, as `close` sees it. */
interface ActiveTask {
  readonly abort: () => void;
  readonly settled: Promise<void>;
}

// From the sources it is a .ts file, from dist a .js file; a URL in a string is not rewritten by the compiler.
const threadModule = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "../../platform/compute/thread.js", import.meta.url),
);

/**
 * Opens the pool of worker threads. Close it, or the process stays alive.
 *
 * `run` may be called from anywhere at the same time; tasks beyond `threads` wait in order. It rejects with what the task threw
 * (a StockroomError keeps kind, code and facts; anything else becomes a `fault`), with the signal's reason after an abort, and with
 * `COMPUTE_THREAD_DIED`, `COMPUTE_OUT_OF_MEMORY`, `COMPUTE_NOT_CLONEABLE`, `COMPUTE_TASK_UNLOADABLE` (all `fault`) or `COMPUTE_CLOSED` (`busy`).
 *
 * @example
 * const fit: ComputeTask<FitInput, FitResult> = { name: "classify.fit", module: new URL("./fit-task.ts", import.meta.url).href };
 * const result = await compute.run(fit, input, { signal, onProgress });
 */
export function openCompute(options: OpenComputeOptions): Compute {
  const { threads = availableParallelism(), graceMs = 5000, log } = options;
  const active = new Set<ActiveTask>();
  let pool: Piscina<Envelope, Reply> | undefined;
  let closing: Promise<void> | undefined;

  const openPool = (): Piscina<Envelope, Reply> => {
    const opened = new Piscina<Envelope, Reply>({
      // Never fewer: a pool that ended its last thread would leave waiting tasks to wait.
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      // Idle threads keep their event loop, so that what a task left behind (closing files) comes to its end.
      atomics: "disabled",
      recordTiming: false,
      ...(options.maxHeapMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMb } }),
    });
    // A thread that dies between tasks harms nobody, but without this it would end the process.
    opened.on("error", (thrown: unknown) => log.warn("A worker thread died while idle; another takes its place.", { error: thrown }));
    return opened;
  };

  const run = async <Input, Output>(task: ComputeTask<Input, Output>, input: Input, runOptions: ComputeOptions = {}): Promise<Output> => {
    const { signal, onProgress, transfer = [] } = runOptions;
    signal?.throwIfAborted();
    if (closing !== undefined) throw closedError(task.name);
    pool ??= openPool();
    const flags = new Int32Array(new SharedArrayBuffer(4 * flagCells.count));
    const kill = new AbortController();
    const { port1: ours, port2: theirs } = new MessageChannel();
    const tell = ([done, total, note]: ProgressMessage): void => onProgress?.(done, total, note);
    ours.on("message", tell);
    ours.unref();

    const state: { ended: "no" | "aborted" | "closed"; grace?: NodeJS.Timeout } = { ended: "no" };
    const end = (why: "aborted" | "closed"): void => {
      if (state.ended !== "no") return;
      state.ended = why;
      Atomics.store(flags, flagCells.aborted, 1);
      Atomics.notify(flags, flagCells.aborted);
      // A task still in the queue has nothing to notice with.
      if (Atomics.load(flags, flagCells.started) === 0) kill.abort();
      else state.grace = setTimeout(() => kill.abort(), graceMs);
    };
    const onAbort = (): void => end("aborted");
    signal?.addEventListener("abort", onAbort, { once: true });
    const settled = Promise.withResolvers<void>();
    const self: ActiveTask = { abort: () => end("closed"), settled: settled.promise };
    active.add(self);

    try {
      const envelope: Envelope = { module: task.module, name: task.name, input, flags: flags.buffer, progress: theirs };
      const reply = await pool.run(envelope, {
        filename: threadModule,
        name: "runEnvelope",
        signal: kill.signal,
        transferList: [theirs, ...transfer],
      });
      drain(ours, tell);
      if (reply.kind === "failed") throw revive(reply, task.name);
      if (state.ended === "no") {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the module returns is declared by its ComputeTask
        return reply.value as Output;
      }
    } catch (thrown) {
      if (state.ended === "no") throw explain(thrown, task.name);
    } finally {
      clearTimeout(state.grace);
      signal?.removeEventListener("abort", onAbort);
      ours.close();
      theirs.close();
      active.delete(self);
      settled.resolve();
    }
    throw state.ended === "aborted" ? signal?.reason : closedError(task.name);
  };

  const close = async (): Promise<void> => {
    for (const one of active) one.abort();
    await Promise.all([...active].map((one) => one.settled));
    await pool?.destroy();
  };

  return {
    run,
    threads,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Messages still under way when the reply overtook them. */
function drain(port: MessagePort, tell: (message: ProgressMessage) => void): void {
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return;
    tell(received.message);
  }
}

function revive(reply: Extract<Reply, { kind: "failed" }>, task: string): StockroomError {
  const { kind, code, message, facts } = reply.error;
  const cause = new Error(`in the thread of ${task}: ${message}`);
  if (reply.stack !== undefined) cause.stack = reply.stack;
  return new StockroomError(kind, code, message, { facts, cause });
}

function closedError(task: string): StockroomError {
  return new StockroomError(
    "busy",
    "COMPUTE_CLOSED",
    `Expected the worker threads to be open for ${task} but they are being closed. Try again after the restart.`,
    {
      facts: { task },
    },
  );
}

/** What the pool itself threw: a thread that died, or data that cannot cross. */
function explain(thrown: unknown, task: string): unknown {
  if (thrown instanceof StockroomError || !(thrown instanceof Error)) return thrown;
  const options = { facts: { task }, cause: thrown };
  const code = "code" in thrown ? thrown.code : undefined;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") {
    return new StockroomError(
      "fault",
      "COMPUTE_OUT_OF_MEMORY",
      `Expected ${task} to fit its thread's memory but it ran out. Give it less data or more memory.`,
      options,
    );
  }
  // From the thread it comes as a plain error; only its stack still has the name.
  if (thrown.stack?.startsWith("DataCloneError") === true) {
    return new StockroomError(
      "fault",
      "COMPUTE_NOT_CLONEABLE",
      `Expected plain data to and from ${task} but it cannot cross threads: ${thrown.message}`,
      options,
    );
  }
  return new StockroomError("fault", "COMPUTE_THREAD_DIED", `Expected ${task} to finish but its thread died: ${thrown.message}.`, options);
}
