// Which days are holidays of a country: the library `date-holidays` (its data CC-BY, each country from its own laws), asked once per year.
//
// Public holidays alone. A day given in lieu (Monday for a Sunday) counts under the name of its holiday.

import Holidays from "date-holidays";
import { dayMs } from "../../engine/calendar/grid.ts";
import type { Holiday } from "../../engine/calendar/holidays.ts";

/** `US`, or with a state `US-CA`, `DE-BY`: whether holidays of the place are known. */
export function knowsHolidays(place: string): boolean {
  const [country, state] = split(place);
  const library = new Holidays();
  if (library.getCountries()[country] === undefined) return false;
  return state === undefined || library.getStates(country)?.[state] !== undefined;
}

/** The public holidays of a place for days [from, to), days since 1970-01-01; empty for a place that is not known. */
export function holidaysOf(place: string, from: number, to: number): readonly Holiday[] {
  if (!knowsHolidays(place)) return [];
  const [country, state] = split(place);
  const options = { types: ["public" as const], languages: ["en"], timezone: "UTC" };
  const library = state === undefined ? new Holidays(country, options) : new Holidays(country, state, options);
  const found: Holiday[] = [];
  // A year more on both sides: a day in lieu may fall into the neighbouring year.
  const last = new Date(to * dayMs).getUTCFullYear() + 1;
  for (let year = new Date(from * dayMs).getUTCFullYear() - 1; year <= last; year++) {
    for (const each of library.getHolidays(year, "en")) {
      const day = Date.parse(`${each.date.slice(0, 10)}T00:00:00Z`) / dayMs;
      // Some begin at sunset or in the afternoon; a part of a day is a day.
      const days = Math.max(1, Math.ceil((each.end.getTime() - each.start.getTime()) / dayMs));
      if (day + days <= from || day >= to) continue;
      found.push({ name: each.substitute === true ? each.name.replace(/\s*\([^)]*\)$/, "") : each.name, day, days });
    }
  }
  return found.sort((a, b) => a.day - b.day || (a.name < b.name ? -1 : 1));
}

function split(place: string): readonly [string, string | undefined] {
  const [country = "", state] = place.toUpperCase().split("-", 2);
  return [country, state];
}
