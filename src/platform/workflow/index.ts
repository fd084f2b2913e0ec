// The door of the part: what app.ts and the parts above need.

export * from "./contract.ts";
export { workflowMigrations } from "./migrations.ts";
export { anyUnderway } from "./runs.ts";
export { openWorkflows } from "./workflows.ts";
export type { OpenWorkflows, OpenWorkflowsOptions } from "./workflows.ts";
export type { WorkflowSetup } from "./setup.ts";
