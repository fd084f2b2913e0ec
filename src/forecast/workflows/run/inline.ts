// The pool's contract without threads: tasks run one after another where they are asked for. For scripts, examples and tests.

import type { Compute, ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { StockroomError } from "../../../platform/errors.ts";

type TaskFunction = (input: unknown, tools: TaskTools) => unknown;

const isTaskFunction = (value: unknown): value is TaskFunction => typeof value === "function";

/** Runs tasks in this thread. Nothing needs closing. */
export function inlineCompute(): Compute {
  return {
    threads: 1,
    close: () => Promise.resolve(),
    async run<Input, Output>(
      task: ComputeTask<Input, Output>,
      input: Input,
      options: { signal?: AbortSignal; onProgress?: (done: number, total: number, note: string) => void } = {},
    ): Promise<Output> {
      const { signal = new AbortController().signal, onProgress } = options;
      signal.throwIfAborted();
      const loaded: unknown = await import(task.module);
      const run = typeof loaded === "object" && loaded !== null && "run" in loaded ? loaded.run : undefined;
      if (!isTaskFunction(run)) {
        throw new StockroomError("fault", "COMPUTE_TASK_UNLOADABLE", `Expected ${task.name} to export a function run but it does not.`);
      }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the module returns is declared by its ComputeTask
      return (await run(input, { signal, progress: (done, total, note = "") => onProgress?.(done, total, note) })) as Output;
    },
  };
}
