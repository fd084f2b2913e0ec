// Dates as people write them: a pattern such as `dd.mm.yyyy` becomes a reader, and texts become the patterns that fit them.
//
// Owns: patterns, guesses. Does not own: what to do with a guess: whether 03/04/2024 is March or April is a question to the user, never a guess.

/** Reads texts of one pattern. */
export interface DateFormat {
  /** As it was given: `dd.mm.yyyy`, `mm/dd/yyyy hh:mm`. */
  readonly pattern: string;
  /** Seconds since 1970, taken as they stand (UTC); NaN for other texts and for days that do not exist. */
  parse(text: string): number;
}

type Part = "year" | "shortYear" | "quarter" | "week" | "month" | "day" | "hour" | "minute" | "second";

/** What may be written, for messages. */
export const datePatternsAllowed =
  "d, m and yyyy (or yy) with what stands between them, such as dd.mm.yyyy, mm/dd/yyyy, yyyymmdd, dd.mm.yyyy hh:mm, or without days: yyyy, yyyymm, yyyy-mm, yyyy-Qq, yyyy-Www";

/**
 * Reads a pattern: `yyyy yy mm m dd d hh h ss`, upper and lower case alike; after an hour, `mm` is minutes. `Qq` is a quarter, `Www` a week of
 * ISO 8601. Without a day (month) the first one is meant. Undefined when it is no date.
 *
 * @example
 * parseDateFormat("dd.mm.yyyy")?.parse("31.01.2024"); // 1706659200
 */
export function parseDateFormat(pattern: string): DateFormat | undefined {
  const parts: Part[] = [];
  let source = "";
  const text = pattern.trim();
  for (const [token] of text.matchAll(/[a-z]+|[^a-z]+/gi)) {
    if (!/^[a-z]/i.test(token)) {
      source += token.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
      continue;
    }
    if (token === "T") {
      source += "T";
      continue;
    }
    // `yyyymmdd` is one run of letters: each letter's own run is a part.
    for (const [run] of token.matchAll(/Qq|Www|(.)\1*/gi)) {
      const part = partOf(run === "Qq" || run === "Www" ? run : run.toLowerCase(), parts);
      if (part === undefined || parts.includes(part)) return undefined;
      parts.push(part);
      // In a run without separators every part has its full width.
      const fixed = token.length > run.length;
      if (part === "quarter" || part === "week") source += part === "quarter" ? "Q([1-4])" : String.raw`W(\d{2})`;
      else source += part === "year" ? String.raw`(\d{4})` : part === "shortYear" || fixed ? String.raw`(\d{2})` : String.raw`(\d{1,2})`;
    }
  }
  const has = (part: Part): boolean => parts.includes(part);
  if (!(has("year") || has("shortYear"))) return undefined;
  // A day of no month, an hour of no day, a month of a week: no date.
  if (has("quarter") || has("week")) {
    if (parts.length > 2) return undefined;
  } else if ((has("day") && !has("month")) || (has("hour") && !has("day"))) return undefined;
  const shape = new RegExp(`^${source}$`);
  return { pattern: text, parse: (given) => readParts(shape.exec(given.trim()), parts) };
}

function partOf(run: string, before: readonly Part[]): Part | undefined {
  switch (run) {
    case "Qq":
      return "quarter";
    case "Www":
      return "week";
    case "yyyy":
      return "year";
    case "yy":
      return "shortYear";
    case "d":
    case "dd":
      return "day";
    case "h":
    case "hh":
      return "hour";
    case "s":
    case "ss":
      return "second";
    case "m":
    case "mm":
      return before.includes("hour") ? "minute" : "month";
    default:
      return undefined;
  }
}

const firstYear = 1700;
const lastYear = 2299;

function readParts(found: RegExpExecArray | null, parts: readonly Part[]): number {
  if (found === null) return Number.NaN;
  const read = { year: 0, quarter: 1, week: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
  for (const [i, part] of parts.entries()) {
    const value = Number(found[i + 1]);
    // As POSIX has it: 69 to 99 are of the last century.
    if (part === "shortYear") read.year = value + (value < 69 ? 2000 : 1900);
    else read[part] = value;
  }
  const { year, day, hour, minute, second } = read;
  const month = read.month + 3 * (read.quarter - 1);
  if (year < firstYear || year > lastYear || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  if (parts.includes("week")) return mondayOf(year, read.week);
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(ms);
  return back.getUTCMonth() + 1 === month && back.getUTCDate() === day ? ms / 1000 : Number.NaN;
}

/** The Monday of a week of ISO 8601, in seconds: that with the 4th of January is the first. */
function mondayOf(year: number, week: number): number {
  const fourth = new Date(Date.UTC(year, 0, 4));
  const first = fourth.getTime() - ((fourth.getUTCDay() + 6) % 7) * 86_400_000;
  const monday = first + (week - 1) * 7 * 86_400_000;
  // Its Thursday tells the year of a week: there is no week 53 in most.
  return week >= 1 && new Date(monday + 3 * 86_400_000).getUTCFullYear() === year ? monday / 1000 : Number.NaN;
}

const days = [
  "yyyy-mm-dd",
  "dd.mm.yyyy",
  "dd/mm/yyyy",
  "mm/dd/yyyy",
  "yyyy/mm/dd",
  "dd-mm-yyyy",
  "mm-dd-yyyy",
  "yyyymmdd",
  "yyyy.mm.dd",
  "dd.mm.yy",
  "dd/mm/yy",
  "mm/dd/yy",
];
const known: readonly DateFormat[] = ["", " hh:mm", " hh:mm:ss", "Thh:mm", "Thh:mm:ss"].flatMap((time) =>
  days.flatMap((day) => parseDateFormat(`${day}${time}`) ?? []),
);

const coarse: readonly DateFormat[] = [
  "yyyy-mm",
  "yyyy/mm",
  "mm/yyyy",
  "mm.yyyy",
  "yyyy-Qq",
  "yyyyQq",
  "yyyy Qq",
  "yyyy-Www",
  "yyyyWww",
  "yyyymm",
  "yyyy",
].flatMap((pattern) => parseDateFormat(pattern) ?? []);

/** The pattern of months, quarters, weeks or years that fits all of these texts; only for a column that holds dates, because numbers look like years. */
export function guessCoarseDates(texts: readonly string[]): string | undefined {
  const given = texts.filter((text) => text.trim() !== "");
  return given.length === 0 ? undefined : coarse.find((format) => given.every((text) => !Number.isNaN(format.parse(text))))?.pattern;
}

/** The patterns that fit nearly all of these texts, best first; several when they cannot be told apart, none when these are no dates. */
export function guessDatePatterns(texts: readonly string[]): readonly string[] {
  const given = texts.filter((text) => text.trim() !== "");
  if (given.length === 0) return [];
  const fits = known
    .map((format) => ({
      pattern: format.pattern,
      count: given.reduce((sum, text) => sum + (Number.isNaN(format.parse(text)) ? 0 : 1), 0),
    }))
    .filter(({ count }) => count >= 0.8 * given.length);
  const best = Math.max(0, ...fits.map(({ count }) => count));
  return fits.filter(({ count }) => count === best).map(({ pattern }) => pattern);
}
