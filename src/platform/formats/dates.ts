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

type Part = "year" | "shortYear" | "month" | "day" | "hour" | "minute" | "second";

/** What may be written, for messages. */
export const datePatternsAllowed =
  "d, m and yyyy (or yy) with what stands between them, such as dd.mm.yyyy, mm/dd/yyyy, yyyymmdd, dd.mm.yyyy hh:mm";

/**
 * Reads a pattern: `yyyy yy mm m dd d hh h ss`, upper and lower case alike; after an hour, `mm` is minutes. Undefined when it is no whole date.
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
    for (const [run] of token.toLowerCase().matchAll(/(.)\1*/g)) {
      const part = partOf(run, parts);
      if (part === undefined || parts.includes(part)) return undefined;
      parts.push(part);
      // In a run without separators every part has its full width.
      const fixed = token.length > run.length;
      source += part === "year" ? String.raw`(\d{4})` : part === "shortYear" || fixed ? String.raw`(\d{2})` : String.raw`(\d{1,2})`;
    }
  }
  const has = (part: Part): boolean => parts.includes(part);
  if (!(has("year") || has("shortYear")) || !has("month") || !has("day")) return undefined;
  const shape = new RegExp(`^${source}$`);
  return { pattern: text, parse: (given) => readParts(shape.exec(given.trim()), parts) };
}

function partOf(run: string, before: readonly Part[]): Part | undefined {
  switch (run) {
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
  const read = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
  for (const [i, part] of parts.entries()) {
    const value = Number(found[i + 1]);
    // As POSIX has it: 69 to 99 are of the last century.
    if (part === "shortYear") read.year = value + (value < 69 ? 2000 : 1900);
    else read[part] = value;
  }
  const { year, month, day, hour, minute, second } = read;
  if (year < firstYear || year > lastYear || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(ms);
  return back.getUTCMonth() + 1 === month && back.getUTCDate() === day ? ms / 1000 : Number.NaN;
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
