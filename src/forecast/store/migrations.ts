// The tables of the forecasting wing, in the order in which they came.

import type { Migration } from "../../base/records/contract.ts";
import { runMigrations } from "./runs.ts";
import { sapMigrations } from "./sap.ts";

export const forecastMigrations: readonly Migration[] = [...sapMigrations, ...runMigrations];
