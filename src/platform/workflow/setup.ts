// Setup: whether queues, workflows and schedules fit together, and the workflows by name.
//
// Owns: what can be known to be wrong before anything is opened. Does not own: opening (workflows.ts).

import { StockroomError } from "../errors.ts";
import type { QueueDefinition, ScheduleDefinition, WorkflowDefinition } from "./contract.ts";
import { parseCron } from "./schedules.ts";

/** What a process is opened with. */
export interface WorkflowSetup {
  readonly queues: readonly QueueDefinition[];
  readonly workflows: readonly WorkflowDefinition[];
  readonly schedules?: readonly ScheduleDefinition[];
  /** Names of queues this process takes nothing from: their runs are started and watched here, and wait for another process. Default: none. */
  readonly resting?: ReadonlySet<string>;
}

/** Throws `WORKFLOW_SETUP` (input) with everything that does not fit, at once. */
export function checkSetup({ queues, workflows, schedules = [] }: WorkflowSetup): void {
  const problems = [
    ...twice(queues, "queue"),
    ...twice(workflows, "workflow"),
    ...twice(schedules, "schedule"),
    ...queues.flatMap(problemsOfQueue),
    ...undefinedQueues(workflows, queues),
    ...schedules.flatMap((schedule) => problemsOfSchedule(schedule, workflows)),
  ];
  if (problems.length === 0) return;
  throw new StockroomError(
    "input",
    "WORKFLOW_SETUP",
    `Expected queues, workflows and schedules that fit together but: ${problems.join("; ")}. Correct these definitions.`,
    { facts: { problems: problems.length } },
  );
}

function twice(definitions: readonly { readonly name: string }[], what: string): string[] {
  const names = definitions.map(({ name }) => name);
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))].map((name) => `${what} "${name}" is defined twice`);
}

function problemsOfQueue({ name, perWorker, overall }: QueueDefinition): string[] {
  const isCount = (value: number): boolean => Number.isInteger(value) && value > 0;
  return [
    ...(isCount(perWorker) ? [] : [`queue "${name}" has perWorker ${perWorker}`]),
    ...(overall === undefined || isCount(overall) ? [] : [`queue "${name}" has overall ${overall}`]),
    ...(name.startsWith("_dbos") ? [`queue "${name}" uses a name of the engine`] : []),
  ];
}

function undefinedQueues(workflows: readonly WorkflowDefinition[], queues: readonly QueueDefinition[]): string[] {
  const known = new Set(queues.map(({ name }) => name));
  return workflows
    .filter(({ queue }) => !known.has(queue))
    .map(({ name, queue }) => `workflow "${name}" names the queue "${queue}", which is not defined`);
}

function problemsOfSchedule({ name, cron, workflow }: ScheduleDefinition, workflows: readonly WorkflowDefinition[]): string[] {
  const problems: string[] = [];
  if (!workflows.some((known) => known.name === workflow)) {
    problems.push(`schedule "${name}" names the workflow "${workflow}", which is not defined`);
  }
  try {
    parseCron(cron, name);
  } catch (thrown) {
    problems.push(thrown instanceof Error ? thrown.message : String(thrown));
  }
  return problems;
}

export interface Registry {
  readonly names: readonly string[];
  has(workflow: string): boolean;
  /** Throws `WORKFLOW_UNKNOWN` (missing). */
  get(workflow: { readonly name: string } | string): WorkflowDefinition;
}

/** The workflows of a process by name. */
export function makeRegistry(workflows: readonly WorkflowDefinition[]): Registry {
  const definitions = new Map(workflows.map((definition) => [definition.name, definition]));
  return {
    names: [...definitions.keys()],
    has: (workflow) => definitions.has(workflow),
    get: (workflow) => {
      const name = typeof workflow === "string" ? workflow : workflow.name;
      const definition = definitions.get(name);
      if (definition !== undefined) return definition;
      throw new StockroomError(
        "missing",
        "WORKFLOW_UNKNOWN",
        `Expected a registered workflow but received "${name}". Register it in its module.`,
        { facts: { workflow: name } },
      );
    },
  };
}
