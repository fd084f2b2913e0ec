// The workflows of the crash tests, shared by the test process and the processes it kills.
//
// Every step leaves a row in `mark`, so that a test can count what was done how often, and by whom.

import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { faultPoint } from "../../src/platform/faults.ts";
import { StockroomError, describeError } from "../../src/platform/errors.ts";
import type { Log } from "../../src/platform/log.ts";
import type { Database } from "../../src/platform/database/contract.ts";
import type { RunContext, WorkflowDefinition } from "../../src/platform/workflow/contract.ts";
import { openWorkflows } from "../../src/platform/workflow/index.ts";
import type { OpenWorkflows, OpenWorkflowsOptions } from "../../src/platform/workflow/index.ts";

export const marksTable = `create table if not exists mark (run text not null, step text not null, executor text not null)`;

/** One thing a program does. Names are unique within the program. */
export type Op =
  | { readonly kind: "step"; readonly name: string; readonly value: number }
  | { readonly kind: "fails"; readonly name: string }
  | { readonly kind: "side"; readonly chains: readonly (readonly string[])[] }
  | { readonly kind: "child"; readonly name: string; readonly value: number }
  | { readonly kind: "slow"; readonly name: string; readonly ms: number }
  | { readonly kind: "sleep"; readonly ms: number };

export const queues = [
  { name: "work", perWorker: 6 },
  { name: "children", perWorker: 6 },
];

/** Makes the workflows over these records; `executor` signs the marks. */
export function makePrograms(database: Database, executor: string): readonly WorkflowDefinition[] {
  const mark = async (context: RunContext, step: string): Promise<void> => {
    await database.query(`insert into mark (run, step, executor) values ($1, $2, $3)`, [context.runId, step, executor]);
  };
  const step = (context: RunContext, name: string, value: number): Promise<number> =>
    context.step(name, async () => {
      await mark(context, name);
      return value;
    });

  const line: WorkflowDefinition<{ readonly steps: number }, number> = {
    name: "app.line",
    queue: "work",
    run: async (context, input) => {
      let sum = 0;
      for (let n = 1; n <= input.steps; n++) sum += await step(context, `s${n}`, n);
      return sum;
    },
  };

  const flaky: WorkflowDefinition<null, string> = {
    name: "app.flaky",
    queue: "work",
    backoffMs: 1,
    run: async (context) => {
      await step(context, "before", 1);
      return context.step(
        "flaky",
        async () => {
          await mark(context, "flaky");
          const rows = await database.query(`select 1 as one from mark where run = $1 and step = 'flaky'`, [context.runId]);
          if (rows.length < 2) throw new StockroomError("busy", "HOUSE_FLAKY", "Expected a second chance.");
          return "well";
        },
        { tries: 1 },
      );
    },
  };

  /** Poisonous as long as nobody has put the antidote into the marks. */
  const poison: WorkflowDefinition<{ readonly kills: boolean }, string> = {
    name: "app.poison",
    queue: "work",
    run: async (context, input) => {
      await step(context, "before", 1);
      return context.step("poison", async () => {
        await mark(context, "poison");
        const antidote = await database.query(`select 1 as one from mark where run = $1 and step = 'antidote'`, [context.runId]);
        if (antidote.length > 0) return "cured";
        if (input.kills) process.kill(process.pid, "SIGKILL");
        throw new StockroomError("input", "HOUSE_POISON", "Expected an antidote.");
      });
    },
  };

  const square: WorkflowDefinition<number, number> = {
    name: "app.square",
    queue: "children",
    run: async (context, n) => step(context, "square", n * n),
  };

  const program: WorkflowDefinition<readonly Op[]> = {
    name: "app.program",
    queue: "work",
    run: async (context, ops) => {
      const seen: unknown[] = [];
      for (const op of ops) {
        switch (op.kind) {
          case "step":
            seen.push(await step(context, op.name, op.value));
            break;
          case "fails":
            seen.push(
              await context
                .step(op.name, async () => {
                  await mark(context, op.name);
                  throw new StockroomError("conflict", "HOUSE_FAILS", `Expected ${op.name} to fail.`, { facts: { op: op.name } });
                })
                .catch((thrown: unknown) => describeError(thrown)),
            );
            break;
          case "side":
            seen.push(
              await Promise.all(
                op.chains.map(async (names) => {
                  let sum = 0;
                  for (const name of names) sum += await step(context, name, name.length);
                  return sum;
                }),
              ),
            );
            break;
          case "child": {
            const id = await context.startChild(square, op.value, { id: `${context.runId}/${op.name}` });
            seen.push(await context.childResult(id));
            break;
          }
          case "slow":
            seen.push(
              await context.step(op.name, async (signal) => {
                await pause(op.ms, undefined, { signal });
                await mark(context, op.name);
                return op.ms;
              }),
            );
            break;
          case "sleep":
            await context.sleep(op.ms);
        }
      }
      return seen;
    },
  };

  return [line, flaky, poison, square, program];
}

/** Opens a part over these workflows with the haste of a test. */
export async function openApp(
  database: Database,
  executorId: string,
  log: Log,
  more: Partial<OpenWorkflowsOptions> = {},
): Promise<OpenWorkflows> {
  return openWorkflows({
    database,
    executorId,
    queues,
    workflows: makePrograms(database, executorId),
    log,
    livenessMs: 100,
    misses: 2,
    pollMs: 20,
    onDead: async () => faultPoint("app.told"),
    // Where several processes are to be killed, one run may stand in more of them than the default allows.
    crashLimit: Number(process.env["FLEET_CRASH_LIMIT"] ?? 3),
    ...more,
  });
}
