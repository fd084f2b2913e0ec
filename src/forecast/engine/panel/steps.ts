// From minutes to steps of a grid, many at a time.

import { anchorUnit, minuteOfUnit, unitOfMinute } from "../calendar/grid.ts";
import type { Frequency } from "../contract.ts";

/** Steps of a frequency, counted from the one in which an earliest minute falls. */
export interface Steps {
  readonly startMs: number;
  /** Writes the step of each of the first `count` minutes; those before the earliest are negative. */
  stepsOf(minutes: Int32Array, count: number, into: Int32Array): void;
  stepOf(minute: number): number;
}

/** Makes the steps that begin with `earliest`; `latest` is the last minute that will be asked for (others are slower, not wrong). */
export function makeSteps(frequency: Frequency, earliest: number, latest: number): Steps {
  const { unit, multiple } = frequency;
  const anchor = anchorUnit(frequency, unitOfMinute(frequency, earliest));
  const stepOf = (minute: number): number => Math.floor((unitOfMinute(frequency, minute) - anchor) / multiple);
  const startMs = minuteOfUnit(frequency, anchor) * 60_000;
  if (unit === "min" || unit === "H") {
    const length = multiple * (unit === "H" ? 60 : 1);
    const first = startMs / 60_000;
    return {
      startMs,
      stepOf,
      stepsOf: (minutes, count, into) => {
        for (let i = 0; i < count; i++) into[i] = Math.floor((minutes[i] - first) / length);
      },
    };
  }
  // Steps of days and longer: one table of days serves all rows.
  const firstDay = Math.floor(earliest / 1440);
  const table = new Int32Array(Math.floor(latest / 1440) - firstDay + 1);
  for (let day = 0; day < table.length; day++) table[day] = stepOf((firstDay + day) * 1440);
  return {
    startMs,
    stepOf,
    stepsOf: (minutes, count, into) => {
      for (let i = 0; i < count; i++) {
        const day = Math.floor(minutes[i] / 1440) - firstDay;
        into[i] = day >= 0 && day < table.length ? table[day] : stepOf(minutes[i]);
      }
    },
  };
}
