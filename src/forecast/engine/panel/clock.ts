// Nights on which clocks change, in hours or finer steps of local time: an hour that stands twice, an hour that is not there.
//
// Owns: finding them by the rows alone, and what becomes of the hour twice. Does not own: time zones; stamps are taken as they stand.
//   T1. An hour counts as twice only where nearly all of its rows come in pairs and the hour a day before and after does not.
//   T2. The two are averaged: a sum would be a peak that no other day has.

import type { Rows } from "./rows.ts";

/** Hours since 1970. */
export interface ClockChanges {
  readonly twice: readonly number[];
  readonly missing: readonly number[];
}

/** Clocks change in the first hours of a day, everywhere. */
const lastHour = 3;
/** More in a year are no changes of clocks. */
const mostPerYear = 2;

/** Hours that stand twice for nearly all series, and hours without any row whose neighbours and namesakes have rows. */
export function findClockChanges(rows: Rows): ClockChanges {
  const counts = new Map<number, number>();
  for (const { values, minutes, count } of rows.blocks) {
    for (let i = 0; i < count; i++) {
      if (Number.isNaN(values[0][i])) continue;
      const hour = Math.floor(minutes[i] / 60);
      counts.set(hour, (counts.get(hour) ?? 0) + 1);
    }
  }
  const at = (hour: number): number => counts.get(hour) ?? 0;
  const isNight = (hour: number): boolean => ((hour % 24) + 24) % 24 <= lastHour;
  const doubled: number[] = [];
  const missing: number[] = [];
  for (const [hour, count] of counts) {
    const usual = Math.max(at(hour - 24), at(hour + 24));
    if (isNight(hour) && usual > 0 && count >= 1.8 * usual) doubled.push(hour);
    const next = hour + 1;
    if (isNight(next) && at(next) === 0 && at(next + 1) > 0 && at(next - 24) > 0 && at(next + 24) > 0) missing.push(next);
  }
  const hours = [...counts.keys()];
  const years = hours.length === 0 ? 1 : (hours.reduce((a, b) => Math.max(a, b)) - hours.reduce((a, b) => Math.min(a, b))) / 8766;
  const most = mostPerYear * Math.ceil(Math.max(1, years));
  return {
    twice: doubled.length > most ? [] : doubled.filter((hour) => arePairs(rows, hour)).toSorted((a, b) => a - b),
    missing: missing.length > most ? [] : missing.toSorted((a, b) => a - b),
  };
}

function* rowsIn(rows: Rows, hour: number): Generator<{ readonly key: number; readonly minute: number; value: number }> {
  for (const { keys, values, minutes, count } of rows.blocks) {
    for (let i = 0; i < count; i++) {
      if (Math.floor(minutes[i] / 60) !== hour || Number.isNaN(values[0][i])) continue;
      const row = { key: keys[i], minute: minutes[i], value: values[0][i] };
      yield row;
      values[0][i] = row.value;
    }
  }
}

function arePairs(rows: Rows, hour: number): boolean {
  const seen = new Map<string, number>();
  for (const { key, minute } of rowsIn(rows, hour)) seen.set(`${key}/${minute}`, (seen.get(`${key}/${minute}`) ?? 0) + 1);
  const pairs = [...seen.values()].filter((count) => count === 2).length;
  return pairs >= 0.9 * seen.size;
}

/** Gives the first row of each pair the mean of both, and the second none. Gives the number of pairs. */
export function averageTwice(rows: Rows, hours: readonly number[]): number {
  let pairs = 0;
  for (const hour of hours) {
    const sums = new Map<string, { sum: number; count: number }>();
    for (const { key, minute, value } of rowsIn(rows, hour)) {
      const known = sums.get(`${key}/${minute}`);
      if (known === undefined) sums.set(`${key}/${minute}`, { sum: value, count: 1 });
      else {
        known.sum += value;
        known.count += 1;
        pairs += 1;
      }
    }
    const given = new Set<string>();
    for (const row of rowsIn(rows, hour)) {
      const name = `${row.key}/${row.minute}`;
      const known = sums.get(name);
      if (known === undefined) continue;
      row.value = given.has(name) ? Number.NaN : known.sum / known.count;
      given.add(name);
    }
  }
  return pairs;
}
