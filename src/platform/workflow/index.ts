// What app.ts and the parts above may import.

export * from "./contract.ts";
export { workflowMigrations } from "./migrations.ts";
export { redriveAsked } from "./asked.ts";
export { listWorkers } from "./lanes.ts";
export { anyUnderway, isWorkedAt } from "./runs.ts";
export { openWorkflows } from "./workflows.ts";
export type { OpenWorkflows, OpenWorkflowsOptions } from "./workflows.ts";
export type { WorkflowSetup } from "./setup.ts";
