// Which seasons a frequency is expected to have, in steps.

import type { Frequency } from "../contract.ts";
import { stepMinutes } from "./frequency.ts";

const hour = 60;
const day = 24 * hour;
/** 365.25 days, as the literature of forecasting has it; a year of weeks is then 52.18. */
const year = 365.25 * day;

/** The cycles, in minutes, that the steps of a unit may follow. */
const cycles: Readonly<Record<Frequency["unit"], readonly number[]>> = {
  Y: [],
  Q: [year],
  M: [year],
  W: [year],
  D: [7 * day, year],
  H: [day, 7 * day],
  min: [hour, day, 7 * day],
};

/**
 * Default seasonal periods of a frequency, ascending, in steps: M [12], Q [4], W [52.18], D [7, 365.25], H [24, 168], 15min [96, 672].
 *
 * Cycles shorter than two steps are dropped; an hour is a season only of steps of 5 minutes or less. Periods have two decimals.
 */
export function seasonsOf(frequency: Frequency): readonly number[] {
  if (frequency.unit === "M" || frequency.unit === "Q") {
    return [(frequency.unit === "M" ? 12 : 4) / frequency.multiple].filter((period) => period >= 2);
  }
  const step = stepMinutes(frequency);
  return cycles[frequency.unit]
    .filter((cycle) => cycle !== hour || step <= 5)
    .map((cycle) => round(cycle / step))
    .filter((period) => period >= 2);
}

function round(period: number): number {
  return Math.round(period * 100) / 100;
}

/** Reads `12` or `7,365.25`, or `1` for none; undefined when a part is no number above 1. Ascending, each once. */
export function parseSeasons(text: string): readonly number[] | undefined {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.some((part) => !/^\d+(\.\d+)?$/.test(part))) return undefined;
  const periods = [...new Set(parts.map(Number))].sort((a, b) => a - b);
  if (periods.length === 1 && periods[0] === 1) return [];
  return periods.every((period) => period > 1) ? periods : undefined;
}
