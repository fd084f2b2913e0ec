// The settings of the forecasting wing. How each group is forecast stands in forecast-defaults.yaml, not here.

import { z } from "zod";
import { sapSettings } from "./sap/settings.ts";

export const forecastSettings = z.strictObject({
  sap: sapSettings.prefault({}),
});

export type ForecastSettings = z.infer<typeof forecastSettings>;
