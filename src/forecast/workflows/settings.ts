// The settings of the forecasting module. How each group is forecast stands in forecast-defaults.yaml, not here.

import { z } from "zod";
import { duration } from "../../platform/config/index.ts";
import { sapSettings } from "./sap/settings.ts";

export const forecastSettings = z.strictObject({
  settleMs: duration({ description: "How long a request waits for a newer one of the same burst." }).prefault("3 s"),
  sap: sapSettings.prefault({}),
});

export type ForecastSettings = z.infer<typeof forecastSettings>;
