// The door of the room: what house.ts and the rooms above need.

export * from "./contract.ts";
export { workflowMigrations } from "./migrations.ts";
export { anyUnderway } from "./runs.ts";
export { openWorkflows } from "./workflows.ts";
export type { OpenWorkflows, OpenWorkflowsOptions } from "./workflows.ts";
