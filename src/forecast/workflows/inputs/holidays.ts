// Which days are holidays of a country: the library `date-holidays` (its data CC-BY, each country from its own laws), asked once per year.
//
// Public holidays alone. A day given in lieu (Monday for a Sunday) counts under the name of its holiday.

import Holidays from "date-holidays";
import { nearest } from "../../../platform/similar.ts";
import { dayMs } from "../../engine/calendar/grid.ts";
import type { Holiday } from "../../engine/calendar/holidays.ts";

/** `US`, or with a state `US-CA`, `DE-BY`: whether holidays of the place are known. */
export function knowsHolidays(place: string): boolean {
  const [country, state] = split(place);
  const library = new Holidays();
  if (library.getCountries()[country] === undefined) return false;
  return state === undefined || library.getStates(country)?.[state] !== undefined;
}

/** " Did you mean GB (United Kingdom)?" for a place that is not known but near one; a country by its other code or by its name too. Else "". */
export function placeMeant(place: string): string {
  const [country, state] = split(place);
  const library = new Holidays();
  const [english, own] = [library.getCountries("en"), library.getCountries()];
  const meant = (code: string, name: string | undefined): string => ` Did you mean ${code}${name === undefined ? "" : ` (${name})`}?`;
  if (english[country] !== undefined) {
    const states = library.getStates(country) ?? {};
    const known = Object.keys(states);
    if (known.length === 0) return ` ${english[country]} has no states here: write ${country}.`;
    const code = nearest(state ?? "", known) ?? known.find((each) => nearest(state ?? "", [states[each] ?? ""]) !== undefined) ?? "";
    return code === "" ? ` States of ${country}: ${known.join(", ")}.` : meant(`${country}-${code}`, states[code]);
  }
  // A code that was given up for another (UK) is known to the locales of the language.
  const current = /^[A-Z]{2}$/.test(country) ? Intl.getCanonicalLocales(`und-${country}`)[0]?.slice(4) : undefined;
  const code =
    otherCodes[country] ??
    (current !== undefined && english[current] !== undefined ? current : undefined) ??
    Object.keys(english).find((each) => nearest(place, [english[each] ?? "", own[each] ?? ""]) !== undefined);
  if (code === undefined) return "";
  const [land, part = state] = split(code);
  if (part === undefined) return meant(land, english[land]);
  const name = library.getStates(land)?.[part];
  return name === undefined ? placeMeant(`${land}-${part}`) : meant(`${land}-${part}`, name);
}

/** As people and tables write them, beside ISO 3166's two letters. */
const otherCodes: Readonly<Record<string, string>> = { UK: "GB", EL: "GR", USA: "US", ENGLAND: "GB-ENG", HOLLAND: "NL" };

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

/** What stands behind a second hyphen belongs to the state, so that no part of a place is passed over. */
function split(place: string): readonly [string, string | undefined] {
  const [country = "", ...state] = place.toUpperCase().split("-");
  return [country, state.length === 0 ? undefined : state.join("-")];
}
