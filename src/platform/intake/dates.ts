// Dates: every way of writing an instant or a period that exports use, as styles that either read a text or do not.
//
// Owns: the styles, which of them fit a column, what speaks for day or month first. Does not own: what to ask when nothing speaks.
//   D1. A style reads a text whole or not at all, and no day that does not exist.
//   D2. 03/04/2024 is read by two styles. Only a value over 12, or the order of the rows, tells them apart; else both are given.
//   D3. A period is the instant at which it begins; what it is of (a day, a week, a month ...) is kept beside it.
// Names of months: CLDR, abbreviated and wide, in the languages of the countries that the product knows.

export type DateUnit = "year" | "quarter" | "month" | "week" | "day" | "time";

export interface ReadInstant {
  /** Since 1970 by the clock that was written down, whatever its zone. */
  readonly seconds: number;
  readonly unit: DateUnit;
  /** Seconds that the written clock is ahead of UTC; undefined where no zone is written. */
  readonly offset: number | undefined;
}

export interface DateStyle {
  /** As a person would write it: `dd.mm.yyyy`, `d mmm yyyy`, `yyyy-Www`. */
  readonly id: string;
  read(text: string): ReadInstant | undefined;
}

const monthLists: readonly string[] = [
  "january february march april may june july august september october november december",
  "jan feb mar apr may jun jul aug sep oct nov dec",
  "januar februar märz april mai juni juli august september oktober november dezember",
  "jän feb mär apr mai jun jul aug sept okt nov dez",
  "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
  "janv févr mars avr mai juin juil août sept oct nov déc",
  "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
  "ene feb mar abr may jun jul ago sep oct nov dic",
  "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
  "gen feb mar apr mag giu lug ago set ott nov dic",
  "januari februari maart april mei juni juli augustus september oktober november december",
  "jan feb mrt apr mei jun jul aug sep okt nov dec",
  "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
  "jan fev mar abr mai jun jul ago set out nov dez",
  "januar februar marts april maj juni juli august september oktober november december",
  "januari februari mars april maj juni juli augusti september oktober november december",
  "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
];
const monthNumbers = new Map(monthLists.flatMap((list) => list.split(" ").map((name, index) => [name, index + 1] as const)));

const firstYear = 1900;
const lastYear = 2199;

const monthOf = (name: string): number | undefined => monthNumbers.get(name.toLowerCase().replace(/\.$/, ""));

/** As POSIX has it: 69 to 99 are of the last century. */
const yearOf = (text: string): number => {
  const value = Number(text.replace(/^'/, ""));
  return text.replace(/^'/, "").length > 2 ? value : value + (value < 69 ? 2000 : 1900);
};

interface Clock {
  readonly seconds: number;
  readonly offset: number | undefined;
  readonly isTime: boolean;
}

const clockShape = String.raw`(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([AaPp]\.?[Mm]\.?)?\s*(Z|UTC|GMT|[A-Z]{3,4}|[-+]\d{2}:?\d{2})?)?`;

/** What a time of day and a zone add; undefined when there is no such time. */
function clockOf(found: RegExpExecArray, from: number): Clock | undefined {
  const [hours, minutes, seconds, half, zone] = found.slice(from, from + 5);
  if (hours === undefined) return { seconds: 0, offset: undefined, isTime: false };
  let hour = Number(hours);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return undefined;
    hour = (hour % 12) + (/^p/i.test(half) ? 12 : 0);
  }
  if (hour > 24 || Number(minutes) > 59 || Number(seconds ?? 0) > 59) return undefined;
  return { seconds: hour * 3_600 + Number(minutes) * 60 + Number(seconds ?? 0), offset: offsetOf(zone), isTime: true };
}

function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined) return undefined;
  const found = /^([-+])(\d{2}):?(\d{2})$/.exec(zone);
  if (found === null) return /^(?:Z|UTC|GMT)$/.test(zone) ? 0 : undefined;
  return (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 3_600 + Number(found[3]) * 60);
}

function dayOf(year: number, month: number | undefined, day: number): number | undefined {
  if (month === undefined || year < firstYear || year > lastYear) return undefined;
  const ms = Date.UTC(year, month - 1, day);
  const back = new Date(ms);
  return back.getUTCMonth() + 1 === month && back.getUTCDate() === day ? ms / 1_000 : undefined;
}

interface Places {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** A style of a day in numbers or with a month's name, with or without a time behind it. */
function dayStyle(id: string, shape: string, { year, month, day }: Places, named = false): DateStyle {
  const pattern = new RegExp(`^${named ? "" : weekday}${shape}${clockShape}$`, "u");
  return {
    id,
    read: (text) => {
      const found = pattern.exec(text);
      if (found === null) return undefined;
      const monthText = found[month] ?? "";
      const begin = dayOf(yearOf(found[year] ?? ""), named ? monthOf(monthText) : Number(monthText), Number(found[day]));
      const clock = clockOf(found, 4);
      if (begin === undefined || clock === undefined) return undefined;
      return { seconds: begin + clock.seconds, unit: clock.isTime ? "time" : "day", offset: clock.offset };
    },
  };
}

/** A style of a month or a longer period, from what was found to year and first month. */
function periodStyle(
  id: string,
  pattern: RegExp,
  unit: DateUnit,
  begin: (found: RegExpExecArray) => readonly [year: number, month: number | undefined],
): DateStyle {
  return {
    id,
    read: (text) => {
      const found = pattern.exec(text);
      if (found === null) return undefined;
      const [year, month] = begin(found);
      const seconds = dayOf(year, month !== undefined && month >= 1 && month <= 12 ? month : undefined, 1);
      return seconds === undefined ? undefined : { seconds, unit, offset: undefined };
    },
  };
}

/** ISO 8601: the first week of a year holds its first Thursday; weeks begin on Monday. */
function weekBegin(year: number, week: number): number | undefined {
  if (week < 1 || week > 53 || year < firstYear || year > lastYear) return undefined;
  const fourth = Date.UTC(year, 0, 4);
  const monday = fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * 86_400_000;
  const begin = monday + (week - 1) * 604_800_000;
  // A year of 52 weeks has no 53rd.
  if (week === 53 && new Date(begin + 3 * 86_400_000).getUTCFullYear() !== year) return undefined;
  return begin / 1_000;
}

function weekStyle(id: string, pattern: RegExp, yearAt: number, weekAt: number): DateStyle {
  return {
    id,
    read: (text) => {
      const found = pattern.exec(text);
      const seconds = found === null ? undefined : weekBegin(Number(found[yearAt]), Number(found[weekAt]));
      return seconds === undefined ? undefined : { seconds, unit: "week", offset: undefined };
    },
  };
}

const two = String.raw`(\d{1,2})`;
const four = String.raw`(\d{4})`;
const short = String.raw`('?\d{2})`;
const name = String.raw`(\p{L}{3,12}\.?)`;
/** A weekday, or what says that a week begins. */
const weekday = String.raw`(?:(?:\p{L}{2,12}\.?,?|[Ww]/?[Cc]:?|[Ww]eek (?:of|commencing|beginning|starting|from):?)\s+)?`;
/** What stands behind the number of a day, and between it, month and year: `1er`, `2nd`, `2 de enero de 2023`. */
const ordinal = String.raw`(?:\.|er|º|ª|st|nd|rd|th)?`;
const of = String.raw`(?:(?:de|del|of)\s+)?`;

const dmy = { day: 1, month: 2, year: 3 } as const;
const mdy = { month: 1, day: 2, year: 3 } as const;
const ymd = { year: 1, month: 2, day: 3 } as const;

const numericDays = [
  ["-", "-"],
  ["/", "/"],
  [".", String.raw`\.\s?`],
].flatMap(([sign = "", shape = ""]) => [
  dayStyle(`yyyy${sign}mm${sign}dd`, `${four}${shape}${two}${shape}${two}`, ymd),
  dayStyle(`dd${sign}mm${sign}yyyy`, `${two}${shape}${two}${shape}${four}`, dmy),
  dayStyle(`mm${sign}dd${sign}yyyy`, `${two}${shape}${two}${shape}${four}`, mdy),
  dayStyle(`dd${sign}mm${sign}yy`, `${two}${shape}${two}${shape}${short}`, dmy),
  dayStyle(`mm${sign}dd${sign}yy`, `${two}${shape}${two}${shape}${short}`, mdy),
  dayStyle(`yy${sign}mm${sign}dd`, `${short}${shape}${two}${shape}${two}`, ymd),
]);

/** From one day to another, as weekly and monthly lists have it: the period begins with the first. */
const spanSign = /\s+(?:-|–|—|to|bis|au|al|until|through)\s+/u;

const spanStyle = (day: DateStyle): DateStyle => ({
  id: `${day.id} - ${day.id}`,
  read: (text) => {
    const [from, to, more] = text.length < 13 ? [] : text.split(spanSign);
    if (from === undefined || to === undefined || more !== undefined) return undefined;
    const [begin, end] = [day.read(from), day.read(to)];
    if (begin === undefined || end === undefined || end.seconds < begin.seconds) return undefined;
    const days = (end.seconds - begin.seconds) / 86_400;
    return { ...begin, unit: days === 6 || days === 7 ? "week" : days > 26 ? "month" : "day" };
  },
});

/** All styles, the plainer first. */
export const dateStyles: readonly DateStyle[] = [
  ...numericDays,
  dayStyle("yyyymmdd", String.raw`(\d{4})(\d{2})(\d{2})`, ymd),
  dayStyle("d mmm yyyy", `${weekday}${two}${ordinal}[-\\s/]*${of}${name}[-\\s/,]*${of}${four}`, dmy, true),
  dayStyle("d mmm yy", `${weekday}${two}${ordinal}[-\\s/]*${of}${name}[-\\s/,]*${of}${short}`, dmy, true),
  dayStyle("yyyy年m月d日", String.raw`(\d{4})年\s?(\d{1,2})月\s?(\d{1,2})日?`, ymd),
  periodStyle("yyyy年m月", /^(\d{4})年\s?(\d{1,2})月$/u, "month", (m) => [Number(m[1]), Number(m[2])]),
  dayStyle("mmm d, yyyy", `${weekday}${name}[-\\s]*${two}(?:st|nd|rd|th)?[-,\\s]+${four}`, mdy, true),
  periodStyle("mmm yyyy", new RegExp(`^${name}[-\\s/,]*${four}$`, "u"), "month", (m) => [Number(m[2]), monthOf(m[1] ?? "")]),
  periodStyle("yyyy mmm", new RegExp(`^${four}[-\\s/,]*${name}$`, "u"), "month", (m) => [Number(m[1]), monthOf(m[2] ?? "")]),
  periodStyle("mmm yy", new RegExp(`^${name}[-\\s/]+${short}$`, "u"), "month", (m) => [yearOf(m[2] ?? ""), monthOf(m[1] ?? "")]),
  periodStyle("yyyy-mm", /^(\d{4})[-/. ](\d{1,2})$/, "month", (m) => [Number(m[1]), Number(m[2])]),
  periodStyle("yyyyMmm", /^(\d{4})-?M(\d{1,2})$/i, "month", (m) => [Number(m[1]), Number(m[2])]),
  periodStyle("mm/yyyy", /^0?(\d{1,2})[-/. ](\d{4})$/, "month", (m) => [Number(m[2]), Number(m[1])]),
  periodStyle("yyyy-Qq", /^(\d{4})[-\s/]*[QTK](\d)$/i, "quarter", (m) => [Number(m[1]), Number(m[2]) * 3 - 2]),
  periodStyle("Qq yyyy", /^[QTK](\d)[-\s/]*(\d{4})$/i, "quarter", (m) => [Number(m[2]), Number(m[1]) * 3 - 2]),
  periodStyle("Qq yy", /^[QTK](\d)[-\s/]+('?\d{2})$/i, "quarter", (m) => [yearOf(m[2] ?? ""), Number(m[1]) * 3 - 2]),
  periodStyle("qQyy", /^([1-4])[QT][-\s/]?('?\d{2}|\d{4})$/i, "quarter", (m) => [yearOf(m[2] ?? ""), Number(m[1]) * 3 - 2]),
  weekStyle("yyyy-Www", /^(\d{4})[-\s/]*(?:W|KW|CW|WK|S|T)\s?(\d{1,2})$/i, 1, 2),
  ...numericDays.map(spanStyle),
  weekStyle("Www yyyy", /^(?:W|KW|CW|WK|Week|Woche|Semaine|S)\s?(\d{1,2})[-\s/,]*(\d{4})$/i, 2, 1),
];

/** Styles of digits alone, which are dates only where a column's name says so. */
export const bareStyles: readonly DateStyle[] = [
  periodStyle("yyyy", /^(\d{4})$/, "year", (m) => [Number(m[1]), 1]),
  periodStyle("yyyymm", /^(\d{4})(\d{2})$/, "month", (m) => [Number(m[1]), Number(m[2])]),
  {
    // Days since 30 December 1899, from 1954 to 2091.
    id: "excel days",
    read: (text) => {
      const days = /^[2-6]\d{4}(?:[.,]\d+)?$/.test(text) ? Number(text.replace(",", ".")) : Number.NaN;
      if (Number.isNaN(days) || days < 20_000 || days > 70_000) return undefined;
      const seconds = Math.round((days - 25_569) * 86_400);
      return { seconds, unit: Number.isInteger(days) ? "day" : "time", offset: undefined };
    },
  },
  {
    id: "yyyymmdd hhmm",
    read: (text) => {
      const found = /^(\d{4})(\d{2})(\d{2})[ T_-]?(\d{2}):?(\d{2})(?::?(\d{2}))?$/.exec(text);
      const begin = found === null ? undefined : dayOf(Number(found[1]), Number(found[2]), Number(found[3]));
      const [hours, minutes, seconds] = (found ?? []).slice(4).map((part) => Number(part ?? 0));
      if (begin === undefined || hours === undefined || minutes === undefined || hours > 24 || minutes > 59) return undefined;
      return { seconds: begin + hours * 3_600 + minutes * 60 + (seconds ?? 0), unit: "time", offset: undefined };
    },
  },
  {
    id: "unix seconds",
    read: (text) => (/^1\d{9}(?:\.\d+)?$/.test(text) ? { seconds: Math.floor(Number(text)), unit: "time", offset: 0 } : undefined),
  },
  {
    id: "unix milliseconds",
    read: (text) => (/^1\d{12}$/.test(text) ? { seconds: Math.floor(Number(text) / 1_000), unit: "time", offset: 0 } : undefined),
  },
];

/** Styles of weeks that look like months, dates only where a column's name says that it holds weeks. */
export const bareWeekStyles: readonly DateStyle[] = [
  weekStyle("yyyyww", /^(\d{4})(\d{2})$/, 1, 2),
  weekStyle("yyyy/ww", /^(\d{4})[-/. ](\d{1,2})$/, 1, 2),
  weekStyle("ww/yyyy", /^(\d{1,2})[-/. ](\d{4})$/, 2, 1),
];

const byId = new Map([...dateStyles, ...bareStyles, ...bareWeekStyles].map((style) => [style.id, style]));

export const findDateStyle = (id: string): DateStyle | undefined => byId.get(id);

/** What a text is as a date by the first style that reads it. Cheap for what is none: every date begins with a digit or ends with one. */
export function readDate(text: string): ReadInstant | undefined {
  if (text.length < 5 || text.length > 60 || !/\d/.test(text)) return undefined;
  for (const style of dateStyles) {
    const read = style.read(text);
    if (read !== undefined) return read;
  }
  return undefined;
}

export interface FoundStyle {
  /** The style to read with; of two that cannot be told apart the first. */
  readonly style: DateStyle;
  /** Another style that reads every value as well: nothing speaks for either. */
  readonly rival: DateStyle | undefined;
  /** Why this one. */
  readonly reason: "only" | "proved" | "order" | "grid" | "dots";
  /** The value that proved it. */
  readonly proof: string | undefined;
}

/** Nearly all values must be read: a few slips are set apart later. */
const fitShare = 0.95;

/**
 * Which style a column of dates is written in (D2). `texts` in the order of the rows, without unknown ones.
 *
 * @param candidates Default: all but those of bare digits.
 */
export function findStyle(texts: readonly string[], candidates: readonly DateStyle[] = dateStyles): FoundStyle | undefined {
  const given = texts.map((text) => text.trim());
  if (given.length === 0) return undefined;
  const readings = candidates
    .map((style) => ({ style, read: given.map((text) => style.read(text)) }))
    .map(({ style, read }) => ({ style, read, count: read.reduce((sum, one) => sum + (one === undefined ? 0 : 1), 0) }))
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count);
  const [best, second] = withoutScattered(readings);
  if (best === undefined || best.count < fitShare * given.length) return undefined;
  if (second === undefined) return { style: best.style, rival: undefined, reason: "only", proof: undefined };
  if (second.count < best.count) {
    const at = best.read.findIndex((one, i) => one !== undefined && second.read[i] === undefined);
    return { style: best.style, rival: undefined, reason: "proved", proof: given[at] };
  }
  const same = best.read.every((one, i) => one?.seconds === second.read[i]?.seconds);
  if (same) return { style: best.style, rival: undefined, reason: "only", proof: undefined };
  const [a, b] = [falls(best.read), falls(second.read)];
  const [fewer, more] = [Math.min(a, b), Math.max(a, b)];
  const inOrder = (fewer === 0 && more >= 1 && given.length >= 10) || (fewer <= 0.02 * given.length && more >= 3);
  if (a !== b && inOrder) return { style: (a < b ? best : second).style, rival: undefined, reason: "order", proof: undefined };
  const pair = [best, second] as const;
  const monthly = pair.find((one) => isMonthly(one.read, pair.find((other) => other !== one)?.read ?? []));
  if (monthly !== undefined) return { style: monthly.style, rival: undefined, reason: "grid", proof: undefined };
  // Nobody who writes dots writes the month first.
  const dotted = pair.find(({ style }) => style.id.startsWith("dd."));
  if (dotted !== undefined) return { style: dotted.style, rival: undefined, reason: "dots", proof: undefined };
  return { style: best.style, rival: second.style, reason: "only", proof: undefined };
}

/**
 * Of two-digit years, first or last in `23-01-31`: the readings without those that scatter the days over three times as many years as another. The year
 * stands last unless only so the days lie together.
 */
function withoutScattered<
  Reading extends { readonly style: DateStyle; readonly read: readonly (ReadInstant | undefined)[]; readonly count: number },
>(readings: readonly Reading[]): readonly Reading[] {
  const isFirst = ({ style }: Reading): boolean => /^yy[^y]/.test(style.id);
  const isLast = ({ style }: Reading): boolean => /[^y]yy$/.test(style.id);
  const first = readings.find(isFirst);
  const last = readings.filter(isLast);
  if (first === undefined || last.length === 0) return readings;
  const yearsOf = ({ read }: Reading): number =>
    new Set(read.flatMap((one) => (one === undefined ? [] : [new Date(one.seconds * 1_000).getUTCFullYear()]))).size;
  const most = Math.max(...last.map(({ count }) => count));
  const together = first.count > most || (first.count === most && 3 * yearsOf(first) <= Math.min(...last.map(yearsOf)));
  return readings.filter((reading) => (together ? !isLast(reading) : !isFirst(reading)));
}

/** Whether one reading gives the same day of many months, where the other gives the first days of one month in several years. */
function isMonthly(read: readonly (ReadInstant | undefined)[], other: readonly (ReadInstant | undefined)[]): boolean {
  const dates = (all: readonly (ReadInstant | undefined)[]): readonly Date[] =>
    all.flatMap((one) => (one === undefined ? [] : [new Date(one.seconds * 1_000)]));
  const days = new Set(dates(read).map((at) => at.getUTCDate()));
  const months = new Set(dates(read).map((at) => at.getUTCFullYear() * 12 + at.getUTCMonth()));
  const years = new Set(dates(other).map((at) => at.getUTCFullYear()));
  return days.size === 1 && months.size >= 6 && years.size >= 2 && new Set(dates(other).map((at) => at.getUTCMonth())).size === 1;
}

/** How often a later row has an earlier instant, or the other way round where rows run backwards. */
function falls(read: readonly (ReadInstant | undefined)[]): number {
  let [down, up] = [0, 0];
  let last: number | undefined;
  for (const one of read) {
    if (one === undefined) continue;
    if (last !== undefined && one.seconds < last) down += 1;
    if (last !== undefined && one.seconds > last) up += 1;
    last = one.seconds;
  }
  return Math.min(down, up);
}
