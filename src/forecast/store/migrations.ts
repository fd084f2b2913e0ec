// The tables of the forecasting module, in the order in which they came.

import type { Migration } from "../../platform/database/contract.ts";
import { adjustmentMigrations } from "./adjustments.ts";
import { planMigrations } from "./answers.ts";
import { currentMigrations, endMigrations, runMigrations } from "./runs.ts";
import { sapChangeMigrations, sapDoubtMigrations, sapMigrations, sapOrderMigrations, sapSettingsMigrations } from "./sap.ts";

export const forecastMigrations: readonly Migration[] = [
  ...sapMigrations,
  ...runMigrations,
  ...adjustmentMigrations,
  ...planMigrations,
  ...currentMigrations,
  ...sapChangeMigrations,
  ...endMigrations,
  ...sapOrderMigrations,
  ...sapDoubtMigrations,
  ...sapSettingsMigrations,
];
