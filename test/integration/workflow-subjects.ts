// What the crash tests subscribe to and schedule.

import type { Subscription } from "../../src/platform/events/contract.ts";
import type { ScheduleDefinition, WorkflowDefinition } from "../../src/platform/workflow/contract.ts";

export const everySecond: ScheduleDefinition = { name: "tick", cron: "* * * * * *", workflow: "app.line", input: { steps: 1 } };

/** Every `app.asked` event starts a line of three steps. */
export function subscriptionTo(programs: readonly WorkflowDefinition[]): Subscription {
  const workflow = programs.find((one) => one.name === "app.line");
  if (workflow === undefined) throw new Error("the programs have no app.line");
  return { name: "line", kind: "app.asked", workflow, input: () => ({ steps: 3 }) };
}
