// The settings of the forecasting module. How each group is forecast stands in forecast-defaults.yaml, not here.

import { z } from "zod";
import { duration } from "../../platform/config/index.ts";
import { groupIntakeSchema } from "./intake/said.ts";
import { sapSettings } from "./sap/settings.ts";

export const forecastSettings = z.strictObject({
  settleMs: duration({ description: "How long a request waits for a newer one of the same burst." }).prefault("3 s"),
  intake: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]*$/), groupIntakeSchema)
    .default({})
    .meta({ description: "By group: which columns of its files are what. A section `intake` of forecast-defaults.yaml counts before it." }),
  sap: sapSettings.prefault({}),
});

export type ForecastSettings = z.infer<typeof forecastSettings>;
