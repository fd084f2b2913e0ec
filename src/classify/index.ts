// The door of the classification wing: what the house, the server and the command line may use of it.

export { makeEngineVerbs } from "./doors/engine-verbs.ts";
export { makeHouseVerbs } from "./doors/verbs.ts";
export {
  classifyRoutes,
  type ItemStories,
  type LineList,
  type ModelList,
  type PeriodList,
  type ReviewList,
  type RoutedHouse,
  type SchemeList,
  type StartedRuns,
  type VerdictList,
  type WholeScheme,
} from "./doors/routes.ts";
export type { ClassifyHouse, Printer, VerbTools } from "./doors/tools.ts";
export type { PeriodReport } from "./flow/commands.ts";
export { classifyGrants, classifyZones, type ClassifyParts } from "./flow/parts.ts";
export { classifySettings } from "./flow/settings.ts";
export { classifyTables } from "./flow/views.ts";
export { makeWing, type ClassifyWing } from "./flow/wing.ts";
export { classifyMigrations } from "./store/migrations.ts";
export { seedShop, type SeedTools } from "./demo/seed.ts";
