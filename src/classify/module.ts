// The door of the classification module: what the app, the server and the command line may use of it.

export { makeEngineCommands } from "./cli/engine.ts";
export { makeAppCommands } from "./cli/commands.ts";
export {
  classifyRoutes,
  type ItemStories,
  type LineList,
  type ModelList,
  type PeriodList,
  type ReviewList,
  type RoutedApp,
  type SchemeList,
  type StartedRuns,
  type VerdictList,
  type WholeScheme,
} from "./http/routes.ts";
export type { ClassifyApp, ClassifyTools } from "./cli/tools.ts";
export type { PeriodReport } from "./workflows/commands.ts";
export { classifyGrants, classifyZones, type ClassifyDeps } from "./workflows/deps.ts";
export { classifySettings } from "./workflows/settings.ts";
export { classifyTables } from "./workflows/views.ts";
export { makeModule, type ClassifyModule } from "./workflows/assemble.ts";
export { classifyMigrations } from "./store/migrations.ts";
export { seedShop, type SeedTools } from "./sample/seed.ts";
