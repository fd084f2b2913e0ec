// Days: which day of the calendar a sale was made on, where it was made.
//
// Owns: dates and moments in files, the time zones of countries. Does not own: periods and scheme versions, which go by the day.
//   Y1. A date, and a moment without an offset, is local time: its day is the one written.
//   Y2. A moment with `Z` or an offset is an instant; its day is the one in the country at that instant: 2026-09-30T22:30:00Z is the 1st of October in
//       Germany. A country not listed here goes by the offset as written.
//   Y3. What is no day of the calendar, or no time of day, is no date.

/** The time zone most people of a country live in; islands and outer zones are a setting (classify.sales.timeZones). */
const zones: Readonly<Record<string, string>> = {
  ARE: "Asia/Dubai",
  ARG: "America/Argentina/Buenos_Aires",
  AUS: "Australia/Sydney",
  AUT: "Europe/Vienna",
  BEL: "Europe/Brussels",
  BGR: "Europe/Sofia",
  BIH: "Europe/Sarajevo",
  BRA: "America/Sao_Paulo",
  CAN: "America/Toronto",
  CHE: "Europe/Zurich",
  CHL: "America/Santiago",
  CHN: "Asia/Shanghai",
  COL: "America/Bogota",
  CYP: "Asia/Nicosia",
  CZE: "Europe/Prague",
  DEU: "Europe/Berlin",
  DNK: "Europe/Copenhagen",
  ESP: "Europe/Madrid",
  EST: "Europe/Tallinn",
  FIN: "Europe/Helsinki",
  FRA: "Europe/Paris",
  GBR: "Europe/London",
  GRC: "Europe/Athens",
  HRV: "Europe/Zagreb",
  HUN: "Europe/Budapest",
  IND: "Asia/Kolkata",
  IRL: "Europe/Dublin",
  ISL: "Atlantic/Reykjavik",
  ISR: "Asia/Jerusalem",
  ITA: "Europe/Rome",
  JPN: "Asia/Tokyo",
  KOR: "Asia/Seoul",
  LIE: "Europe/Vaduz",
  LTU: "Europe/Vilnius",
  LUX: "Europe/Luxembourg",
  LVA: "Europe/Riga",
  MEX: "America/Mexico_City",
  MKD: "Europe/Skopje",
  MLT: "Europe/Malta",
  MNE: "Europe/Podgorica",
  NLD: "Europe/Amsterdam",
  NOR: "Europe/Oslo",
  NZL: "Pacific/Auckland",
  POL: "Europe/Warsaw",
  PRT: "Europe/Lisbon",
  ROU: "Europe/Bucharest",
  SAU: "Asia/Riyadh",
  SGP: "Asia/Singapore",
  SRB: "Europe/Belgrade",
  SVK: "Europe/Bratislava",
  SVN: "Europe/Ljubljana",
  SWE: "Europe/Stockholm",
  TUR: "Europe/Istanbul",
  UKR: "Europe/Kyiv",
  USA: "America/New_York",
  ZAF: "Africa/Johannesburg",
};

/** The time zone of a country (three letters), or undefined. */
export function zoneOf(country: string): string | undefined {
  return zones[country];
}

const pattern = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?$/;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Reads the day of texts in one time zone. */
export type DayReader = (text: string) => string | undefined;

/**
 * Makes a reader of days: `2026-10-31` for a date or moment, "" for nothing, `undefined` for what is no date.
 *
 * `zone`: an IANA name; absent, instants go by the offset as written.
 */
export function makeDayReader(zone?: string): DayReader {
  const offsetAt = zone === undefined ? undefined : makeOffsets(zone);
  // A month of sales has thirty dates and millions of rows.
  const known = new Map<string, string | undefined>();
  return (text) => {
    if (text === "") return "";
    if (known.has(text)) return known.get(text);
    const day = readDay(text, offsetAt);
    if (known.size >= 10_000) known.clear();
    // A copy: a slice would keep the whole piece of the file alive.
    known.set(Buffer.from(text).toString(), day);
    return day;
  };
}

function readDay(text: string, offsetAt: ((instant: number) => number) | undefined): string | undefined {
  const found = pattern.exec(text.trim());
  if (found === null) return undefined;
  const [, day = "", hour = "0", minute = "0", second = "0", offset] = found;
  const midnight = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  if (offset === undefined || offsetAt === undefined) return Buffer.from(day).toString();
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})?$/.exec(offset) ?? [];
  const shift = sign === undefined ? 0 : (sign === "-" ? -1 : 1) * (Number(hours) * hourMs + Number(minutes ?? 0) * 60_000);
  const instant = midnight + Number(hour) * hourMs + Number(minute) * 60_000 + Number(second) * 1000 - shift;
  return new Date(instant + offsetAt(instant)).toISOString().slice(0, 10);
}

/** Milliseconds to add to UTC at an instant; looked up once for every quarter of an hour, which is as fine as offsets change. */
function makeOffsets(zone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const quarter = hourMs / 4;
  const known = new Map<number, number>();
  return (instant) => {
    const at = Math.floor(instant / quarter);
    const seen = known.get(at);
    if (seen !== undefined) return seen;
    const parts = new Map(format.formatToParts(at * quarter).map(({ type, value }) => [type, Number(value)]));
    const get = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
    const local = Date.UTC(get("year"), get("month") - 1, get("day"), get("hour"), get("minute"), get("second"));
    const offset = local - at * quarter;
    if (known.size >= 10_000) known.clear();
    known.set(at, Math.abs(offset) <= dayMs ? offset : 0);
    return known.get(at) ?? 0;
  };
}
