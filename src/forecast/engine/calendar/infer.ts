// How often rows come, told by their stamps alone.
//
// Owns: the frequency, the anchor and the stamp of regular rows. Does not own: what becomes of a file that was run at another one (workflows/inputs).
//
// The step is the coarsest unit in which nearly all stamps stand at one and the same place: months whose rows all lie on the 1st, weeks whose rows
// all lie on a Sunday. Days off, gaps and sparse items do not disturb that; a mean distance between rows would be misled by all of them.

import type { Frequency, FrequencyUnit, Stamp } from "../contract.ts";
import { firstDayOfMonth, monthOfDay, unitOfMinute } from "./grid.ts";

/** At this share of stamps one place within the step is the rule. */
const ruleShare = 0.9;
/** Of so few different stamps no frequency can be told. */
const fewestStamps = 3;
/** A multiple is believed from so many different stamps on. */
const fewestForMultiple = 5;
/** Sparse stamps stand on even steps by chance; one in a million is none. */
const unlikely = Math.log(1e6);
/** Times of day on fewer of their steps than this are single transactions, not a grid of hours or minutes. */
const sparsest = 0.02;

export type Inferred =
  | { readonly kind: "regular"; readonly frequency: Frequency; /** Different stamps it was told by. */ readonly stamps: number }
  /** Stamps keep no place: transactions. */
  | { readonly kind: "irregular"; readonly stamps: number }
  | { readonly kind: "few"; readonly stamps: number };

/** Multiples that are looked for, largest first; hours and minutes in whole parts of the next larger unit. */
const multiples: Readonly<Record<FrequencyUnit, readonly number[]>> = {
  Y: [],
  Q: [2],
  M: [11, 10, 9, 8, 7, 6, 5, 4, 3, 2],
  W: [4, 3, 2],
  D: [6, 5, 4, 3, 2],
  H: [12, 8, 6, 4, 3, 2],
  min: [30, 20, 15, 12, 10, 6, 5, 4, 3, 2],
};

/** The frequency of rows by their stamps (seconds since 1970, different ones, ascending, of all series together). */
export function inferFrequency(stamps: readonly number[]): Inferred {
  const count = stamps.length;
  if (count < fewestStamps) return { kind: "few", stamps: count };
  for (const unit of ["Y", "Q", "M", "W", "D", "H", "min"] as const) {
    const place = placeIn(unit, stamps);
    if (place === undefined) continue;
    const { begins, stamp } = place;
    const plain: Frequency = { unit, multiple: 1, ...(begins === 0 ? {} : { begins }) };
    const steps = [...new Set(stamps.map((seconds) => unitOfMinute(plain, Math.floor(seconds / 60))))];
    if (steps.length < fewestStamps) continue;
    const multiple = multipleOf(unit, steps);
    const span = (steps[steps.length - 1] - steps[0]) / multiple + 1;
    if ((unit === "H" || unit === "min") && steps.length / span < sparsest) return { kind: "irregular", stamps: count };
    return { kind: "regular", stamps: count, frequency: { ...plain, multiple, ...(isBegin(stamp) ? {} : { stamp }) } };
  }
  return { kind: "irregular", stamps: count };
}

const isBegin = ({ from, seconds }: Stamp): boolean => from === "begin" && seconds === 0;

/** Where in its unit each stamp stands, if nearly all agree. Weeks begin with their stamp. */
function placeIn(unit: FrequencyUnit, stamps: readonly number[]): { readonly begins: number; readonly stamp: Stamp } | undefined {
  if (unit === "Y" || unit === "Q" || unit === "M") return placeInMonths(unit === "Y" ? 12 : unit === "Q" ? 3 : 1, stamps);
  const length = { W: 604_800, D: 86_400, H: 3600, min: 60 }[unit];
  // The first Monday after 1970-01-01 was the 5th.
  const origin = unit === "W" ? 4 * 86_400 : 0;
  const { value, share } = commonest(stamps.map((seconds) => modulo(seconds - origin, length)));
  if (share < ruleShare) return undefined;
  if (unit !== "W") return { begins: 0, stamp: { from: "begin", seconds: value } };
  return { begins: Math.floor(value / 86_400), stamp: { from: "begin", seconds: value % 86_400 } };
}

/** Months, quarters, years: the same day of the month, or as far from its end; and of several months the same one. */
function placeInMonths(months: number, stamps: readonly number[]): { readonly begins: number; readonly stamp: Stamp } | undefined {
  const parts = stamps.map((seconds) => {
    const month = monthOfDay(Math.floor(seconds / 86_400));
    return { month, after: seconds - firstDayOfMonth(month) * 86_400, before: firstDayOfMonth(month + 1) * 86_400 - seconds };
  });
  const far = 100 * 86_400;
  const begin = commonest(parts.map(({ month, after }) => modulo(month, months) * far + after));
  const end = commonest(parts.map(({ month, before }) => modulo(month, months) * far + before));
  // The last day of a December is its 31st as well: whose months all end so are stamped at their end.
  const isLast = end.share === begin.share && end.value % far <= 86_400;
  const [best, from] = end.share > begin.share || isLast ? ([end, "end"] as const) : ([begin, "begin"] as const);
  if (best.share < ruleShare) return undefined;
  const month = Math.floor(best.value / far);
  // A quarter stamped at the end of March began in January.
  const begins = from === "begin" ? month : modulo(month + 1, months);
  return { begins, stamp: { from, seconds: best.value % far } };
}

/** Every how many units: where the steps stand, nearly all of them, or more than chance would put there. */
function multipleOf(unit: FrequencyUnit, steps: readonly number[]): number {
  const count = steps.length;
  if (count < fewestForMultiple) return 1;
  const span = steps[count - 1] - steps[0];
  for (const multiple of multiples[unit]) {
    if (commonest(steps.map((step) => modulo(step, multiple))).share < 0.98) continue;
    const isDense = count >= 0.8 * (span / multiple + 1);
    if (isDense || (count - 1) * Math.log(multiple) > unlikely) return multiple;
  }
  return 1;
}

function commonest(values: readonly number[]): { readonly value: number; readonly share: number } {
  const counts = new Map<number, number>();
  let best = values[0] ?? 0;
  for (const value of values) {
    const count = (counts.get(value) ?? 0) + 1;
    counts.set(value, count);
    if (count > (counts.get(best) ?? 0)) best = value;
  }
  return { value: best, share: (counts.get(best) ?? 0) / Math.max(1, values.length) };
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/** Weeks that end with their stamp: the same rows, read as the last day of their week. */
export function endingWeeks(frequency: Frequency): Frequency {
  if (frequency.unit !== "W") return frequency;
  const { unit, multiple } = frequency;
  const begins = ((frequency.begins ?? 0) + 1) % 7;
  return {
    unit,
    multiple,
    ...(begins === 0 ? {} : { begins }),
    stamp: { from: "end", seconds: 86_400 - (frequency.stamp?.seconds ?? 0) },
  };
}
