// The door of the forecasting module: what the app, the server and the command line may use of it.

export { makeDirectCommands } from "./cli/direct.ts";
export {
  forecastRoutes,
  type AdjustmentList,
  type ForecastRoutedApp,
  type ForecastRunDetail,
  type ForecastRunList,
  type GroupList,
  type ImportList,
  type ScenarioDetail,
  type ScenarioList,
} from "./http/routes.ts";
export type { ImportDetail } from "./http/reading.ts";
export type { Drill } from "./workflows/views/drill.ts";
export type { ForecastTools } from "./cli/app-tools.ts";
export { makeAppCommands } from "./cli/commands.ts";
export { forecastGrants, forecastZones, type ForecastDeps } from "./workflows/deps.ts";
export { forecastSettings } from "./workflows/settings.ts";
export { forecastTables } from "./workflows/views/tables.ts";
export { makeModule as makeForecastModule, type ForecastModule } from "./workflows/assemble.ts";
export { forecastMigrations } from "./store/migrations.ts";
export { seedDemand, type ForecastSeedTools } from "./sample/seed.ts";
