// Compute, what other parts may import. See contract.ts for what it promises.

export type { Compute, ComputeOptions, ComputeTask, TaskTools } from "./contract.ts";
export { type OpenComputeOptions, openCompute } from "./compute.ts";
