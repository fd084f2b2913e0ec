// Workflows: the durable definitions of this module, as module.ts puts them together. Imported when an app opens.

export { makeCompare } from "./compare.ts";
export { makeExtract } from "./extract.ts";
export { makeCatchUp } from "./catch-up.ts";
export { makeInfer } from "./infer.ts";
export { makeIntake } from "./intake.ts";
export { understandLabelled } from "./kept.ts";
export { makeReport, makeRestate, makeRetract } from "./report.ts";
export { makeSchemeImport } from "./schemes.ts";
export { makeCleanUp, makeTrain } from "./train.ts";
export { makeTrial } from "./trial.ts";
