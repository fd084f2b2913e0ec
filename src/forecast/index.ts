// The door of the forecasting wing: what the house, the server and the command line may use of it.

export { makeDirectVerbs } from "./doors/direct-verbs.ts";
export {
  forecastRoutes,
  type AdjustmentList,
  type ForecastRoutedHouse,
  type ForecastRunDetail,
  type ForecastRunList,
  type GroupList,
  type ImportList,
  type ScenarioDetail,
  type ScenarioList,
} from "./doors/routes.ts";
export type { ImportDetail } from "./doors/reading.ts";
export type { Drill } from "./flow/views/drill.ts";
export type { HouseTools as ForecastHouseTools } from "./doors/house-tools.ts";
export { makeHouseVerbs } from "./doors/house-verbs.ts";
export type { DirectTools } from "./doors/tools.ts";
export { forecastGrants, forecastZones, type ForecastParts } from "./flow/parts.ts";
export { forecastSettings } from "./flow/settings.ts";
export { forecastTables } from "./flow/views/tables.ts";
export { makeWing as makeForecastWing, type ForecastWing } from "./flow/wing.ts";
export { forecastMigrations } from "./store/migrations.ts";
export { seedDemand, type ForecastSeedTools } from "./demo/seed.ts";
