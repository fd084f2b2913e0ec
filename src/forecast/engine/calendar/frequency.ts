// The frequency of a forecast in words: `D`, `15min`, `2W`, `3M`.
//
// Units and bounds are those of Amazon Forecast (FeaturizationConfig.ForecastFrequency): minutes 1-59, hours 1-23, days 1-6, weeks 1-4,
// months 1-11, years 1; a multiple may not reach the next larger unit. Quarters (`Q` is `3M`) are ours.

import type { Frequency, FrequencyUnit } from "../contract.ts";

const mostOf: Readonly<Record<FrequencyUnit, number>> = { Y: 1, Q: 3, M: 11, W: 4, D: 6, H: 23, min: 59 };

/** Units from coarse to fine. */
const units: readonly FrequencyUnit[] = ["Y", "Q", "M", "W", "D", "H", "min"];

/** What may be written, in one sentence part, for messages. */
export const frequenciesAllowed =
  "Y, Q, M, W, D, H, 30min, 15min, 10min, 5min, 1min, or a multiple as 2W, 3M, 6H (1-3Q, 1-11M, 1-4W, 1-6D, 1-23H, 1-59min)";

/** Reads `W`, `1W`, `15min`; undefined when it is not a frequency. Case matters: `M` is months, `min` minutes. */
export function parseFrequency(text: string): Frequency | undefined {
  const found = /^(\d{1,2})?(Y|Q|M|W|D|H|min)$/.exec(text.trim());
  if (found === null) return undefined;
  const unit = units.find((each) => each === found[2]);
  if (unit === undefined || (unit === "min" && found[1] === undefined)) return undefined;
  const multiple = found[1] === undefined ? 1 : Number(found[1]);
  return multiple >= 1 && multiple <= mostOf[unit] ? { unit, multiple } : undefined;
}

/** The way Amazon Forecast writes it: `D`, `2W`, `15min`, `1min`. `parseFrequency` reads it back. */
export function printFrequency(frequency: Frequency): string {
  return frequency.multiple === 1 && frequency.unit !== "min" ? frequency.unit : `${frequency.multiple}${frequency.unit}`;
}

const typicalMinutes: Readonly<Record<FrequencyUnit, number>> = {
  Y: 525_949.2,
  Q: 131_487.3,
  M: 43_829.1,
  W: 10_080,
  D: 1440,
  H: 60,
  min: 1,
};

/** Mean length of a step in minutes (Gregorian year of 365.2425 days); for comparing frequencies. */
export function stepMinutes(frequency: Frequency): number {
  return typicalMinutes[frequency.unit] * frequency.multiple;
}
