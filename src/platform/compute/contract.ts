// Compute: a minute of arithmetic off the main thread, with cancel and progress.
//
// Owns: the one pool of worker threads (piscina). Does not own: the tasks; each lives in a module of its own module.
//   C1. What crosses is structured-cloneable and small: references and handles, not tables.
//   C2. Aborting stops the task at its next check, at the latest by ending its thread; the pool goes on.
//   C3. A thread that dies fails its task with a `fault`, never the process.

/** A task is a module that exports `run(input, tools)`; named by file URL so that it works from src and from dist. */
export interface ComputeTask<Input, Output> {
  readonly module: string;
  readonly name: string;
  /** Types only; never read. */
  readonly io?: { readonly input: Input; readonly output: Output };
}

/** What a task sees of the app, inside its thread. */
export interface TaskTools {
  readonly signal: AbortSignal;
  /** At most 10 reach the caller a second. */
  progress(done: number, total: number, note?: string): void;
}

export interface ComputeOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number, note: string) => void;
  /** Buffers to move instead of copy. */
  readonly transfer?: readonly ArrayBuffer[];
}

export interface Compute {
  run<Input, Output>(task: ComputeTask<Input, Output>, input: Input, options?: ComputeOptions): Promise<Output>;
  readonly threads: number;
  close(): Promise<void>;
}
