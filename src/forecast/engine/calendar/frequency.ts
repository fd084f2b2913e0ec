// The frequency of a forecast in words: `D`, `15min`, `2W`, `3M`.
//
// Units and bounds are those of Amazon Forecast (FeaturizationConfig.ForecastFrequency): minutes 1-59, hours 1-23, days 1-6, weeks 1-4,
// months 1-11, years 1; a multiple may not reach the next larger unit. Quarters (`Q` is `3M`) and anchors (`W-SUN`, `ME`) are ours.

import type { Frequency, FrequencyUnit, Stamp } from "../contract.ts";

const mostOf: Readonly<Record<FrequencyUnit, number>> = { Y: 1, Q: 3, M: 11, W: 4, D: 6, H: 23, min: 59 };

/** Units from coarse to fine. */
const units: readonly FrequencyUnit[] = ["Y", "Q", "M", "W", "D", "H", "min"];

/** What may be written, in one sentence part, for messages. */
export const frequenciesAllowed =
  "Y, Q, M, W, D, H, 30min, 15min, 10min, 5min, 1min, or a multiple as 2W, 3M, 6H (1-3Q, 1-11M, 1-4W, 1-6D, 1-23H, 1-59min); W-SUN for weeks from Sunday, MS or ME for months stamped at their begin or end";

const weekdays = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/** The last day of a step. */
const atEnd: Stamp = { from: "end", seconds: 86_400 };
const atBegin: Stamp = { from: "begin", seconds: 0 };

/**
 * Reads `W`, `1W`, `15min`; undefined when it is not a frequency. Case matters: `M` is months, `min` minutes.
 *
 * An anchor may follow: `W-SUN` are weeks from Sunday; `MS`, `QS`, `YS` are stamped at their begin and `ME`, `QE`, `YE` at their end;
 * `QS-FEB` and `YS-APR` begin with that month. Without one the files decide (see `fitFrequency`).
 */
export function parseFrequency(text: string): Frequency | undefined {
  const found = /^(\d{1,2})?(?:(Y|Q|M|W|D|H|min)|([YQM])([SE]))(?:-([A-Z]{3}))?$/.exec(text.trim());
  if (found === null) return undefined;
  const letters: string | undefined = found[2] ?? found[3];
  const unit = units.find((each) => each === letters);
  const place: string | undefined = found[4];
  const anchor: string | undefined = found[5];
  if (unit === undefined || (unit === "min" && found[1] === undefined)) return undefined;
  const multiple = found[1] === undefined ? 1 : Number(found[1]);
  if (multiple < 1 || multiple > mostOf[unit]) return undefined;
  const stamp = place === undefined ? {} : { stamp: place === "E" ? atEnd : atBegin };
  if (anchor === undefined) return { unit, multiple, ...stamp };
  if (unit === "W") {
    const begins = weekdays.indexOf(anchor);
    return begins < 0 ? undefined : { unit, multiple, begins, stamp: atBegin };
  }
  const month = months.indexOf(anchor);
  if (place !== "S" || month < 0 || (unit !== "Q" && unit !== "Y")) return undefined;
  return { unit, multiple, begins: unit === "Q" ? month % 3 : month, ...stamp };
}

/** The way Amazon Forecast writes it: `D`, `2W`, `15min`, `1min`; with the anchor where it is not the usual one: `W-SUN`, `ME`. `parseFrequency` reads it back. */
export function printFrequency(frequency: Frequency): string {
  const { unit, multiple, begins = 0, stamp } = frequency;
  const number = multiple === 1 && unit !== "min" ? "" : String(multiple);
  if (unit === "W") return `${number}W${begins === 0 ? "" : `-${weekdays[begins]}`}`;
  if (unit !== "M" && unit !== "Q" && unit !== "Y") return `${number}${unit}`;
  if (begins !== 0) return `${number}${unit}S-${months[begins]}`;
  return `${number}${unit}${stamp?.from === "end" && stamp.seconds === atEnd.seconds ? "E" : ""}`;
}

/** `MON` to `SUN`. */
export const weekdayName = (weekday: number): string => weekdays[weekday] ?? "";

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
