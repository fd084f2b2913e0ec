// Workflows: the durable definitions of this module and what becomes of forecasts whose runs end, as module.ts puts them together. Imported
// when an app opens.

export { makeAdjust } from "./planning/adjusted.ts";
export { makeExplain } from "./planning/explain.ts";
export { makeMonitor } from "./planning/monitor.ts";
export { makeReplenish } from "./planning/replenish.ts";
export { makeWhatif } from "./planning/whatif.ts";
export { makeGroupRun, makeTrain } from "./pipeline/group-run.ts";
export { endCancelled, endFailed, goOn } from "./pipeline/ends.ts";
export { makeIntake } from "./pipeline/intake.ts";
export { remarkOn } from "./pipeline/remark.ts";
export { understand } from "./pipeline/understand.ts";
export { makeCleanup } from "./pipeline/cleanup.ts";
export { makeSapDeliver } from "./sap/deliver.ts";
export { makeSapExtract } from "./sap/extract.ts";
