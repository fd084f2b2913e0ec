// Short: the settings of a group in the few words that a person checks.

import { printFrequency } from "../../engine/calendar/frequency.ts";
import type { GroupSettings } from "./settings.ts";

/** A group's settings as a list shows them. */
export const shortGroup = (group: GroupSettings) => ({
  group: group.name,
  domain: group.domain,
  frequency: printFrequency(group.frequency),
  horizon: group.horizon,
  dimensions: group.dimensions,
  windows: group.windows,
  quantiles: group.forecastTypes.levels,
  filesOf: group.filesOf,
});
