// Start: a run and its first attempt, in the caller's transaction.

import { StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import type { Tx } from "../database/contract.ts";
import type { StartOptions } from "./contract.ts";
import type { Engine } from "./engine.ts";
import { jsonText } from "./json.ts";
import { insertRun } from "./runs.ts";
import type { Registry } from "./setup.ts";

/** An index entry of PostgreSQL holds about 2,700 bytes. */
const maxIdBytes = 1_500;

/** Starts a run unless one of its id exists; gives the id. Throws `WORKFLOW_UNKNOWN` (missing), `RUN_BAD_ID` (input). */
export type StartIn = (
  tx: Tx,
  workflow: { readonly name: string } | string,
  input: unknown,
  wanted: StartOptions & { readonly parent?: string | undefined },
) => Promise<string>;

export function makeStartIn(registry: Registry, engine: Pick<Engine, "enqueue">): StartIn {
  return async (tx, workflow, input, wanted) => {
    const definition = registry.get(workflow);
    const idBytes = Buffer.byteLength(wanted.id);
    if (wanted.id.trim() === "" || idBytes > maxIdBytes) {
      throw new StockroomError(
        "input",
        "RUN_BAD_ID",
        `Expected a run id of 1 to ${maxIdBytes} bytes but received ${idBytes}. Derive it from what the run is about.`,
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
}
