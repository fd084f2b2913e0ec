// Two releases of one small program, for fleets whose processes differ.

import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import type { Subscription } from "../../src/platform/events/contract.ts";
import { notifyMigrations } from "../../src/platform/notify/notify.ts";
import type { Database } from "../../src/platform/database/contract.ts";
import { workflowMigrations } from "../../src/platform/workflow/index.ts";
import type { QueueDefinition, WorkflowDefinition } from "../../src/platform/workflow/contract.ts";

export const fleetMigrations = [...workflowMigrations, ...notifyMigrations];

export interface Release {
  readonly queues: readonly QueueDefinition[];
  readonly workflows: readonly WorkflowDefinition[];
  readonly subscriptions: readonly Subscription[];
}

/** Each run leaves a row `(run, step, executor)` in `mark`. */
export function releaseOf(isNew: boolean, database: Database, executor: string): Release {
  const mark = async (run: string, step: string): Promise<void> => {
    await database.query(`insert into mark (run, step, executor) values ($1, $2, $3)`, [run, step, executor]);
  };
  const marking = (name: string): WorkflowDefinition => ({
    name,
    queue: "work",
    run: async (context) => await context.step("mark", async () => await mark(context.runId, name)),
  });
  const slow: WorkflowDefinition = {
    name: "fleet.slow",
    queue: "work",
    run: async (context) => {
      await context.step("begin", async () => await mark(context.runId, "begin"));
      // Many short steps: whoever is frozen or cut off stands in one of them.
      const steps = process.env["FLEET_DEFAULTS"] === undefined ? 40 : 2_000;
      for (let n = 0; n < steps; n++) await context.step(`s${n}`, async (signal) => await pause(25, undefined, { signal }));
      await context.step("end", async () => await mark(context.runId, "end"));
      return "done";
    },
  };
  const common = marking("fleet.common");
  const extra = marking("fleet.extra");
  const toEvery = (name: string, workflow: WorkflowDefinition): Subscription => ({
    name,
    kind: "fleet.asked",
    workflow,
    input: (event) => event.subject,
  });
  return {
    queues: [{ name: "work", perWorker: 8 }],
    workflows: [common, slow, ...(isNew ? [extra] : [])],
    subscriptions: [toEvery("common", common), ...(isNew ? [toEvery("extra", extra)] : [])],
  };
}
