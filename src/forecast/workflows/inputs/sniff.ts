// What the columns of a file hold, by a look at its first rows: before a column is given its part, and to say which one is meant.

import type { RowBatch } from "../../../platform/formats/contract.ts";
import { guessCoarseDates, guessDatePatterns } from "../../../platform/formats/dates.ts";

/** What most values of a column are. */
export interface Look {
  readonly name: string;
  readonly place: number;
  readonly kind: "empty" | "date" | "number" | "text";
  /** Of dates: the patterns that fit; several where day and month cannot be told apart. */
  readonly patterns: readonly string[];
  /** The first value, or of a text the first that is no number, and its line. */
  readonly example: string;
  readonly line: number;
}

/** At this share of its values a column is what they are. */
const mostly = 0.8;
/** Digits in any country's way of writing, with a sign, a currency or a percent sign. */
const numberLike = /^[-+(]?\s*(?:\p{Sc}|[A-Z]{3})?\s*\d[\d.,' \u00a0\u202f’]*(?:[eE][-+]?\d+)?\)?\s*(?:\p{Sc}|[A-Z]{3}|%)?-?$/u;
const unknown = new Set(["", "nan", "na", "n/a", "null", "none"]);

const isUnknownText = (text: string): boolean => unknown.has(text.trim().toLowerCase());

/** Looks at each column of a sample. */
export function lookAt(columns: readonly string[], { rows, lines }: RowBatch): readonly Look[] {
  return columns.map((name, place) => {
    const texts: string[] = [];
    const at: number[] = [];
    for (const [r, row] of rows.entries()) {
      const text = (row[place] ?? "").trim();
      if (isUnknownText(text)) continue;
      texts.push(text);
      at.push(lines[r] ?? 0);
    }
    const look = (kind: Look["kind"], patterns: readonly string[], first: number): Look => ({
      name,
      place,
      kind,
      patterns,
      example: (texts[first] ?? "").slice(0, 60),
      line: at[first] ?? 0,
    });
    if (texts.length === 0) return look("empty", [], 0);
    // Eight digits may be a date or a number; what a column is called by decides elsewhere.
    const patterns = guessDatePatterns(texts.slice(0, 500));
    const numbers = texts.reduce((sum, text) => sum + (numberLike.test(text) ? 1 : 0), 0);
    const isNumber = numbers >= mostly * texts.length;
    if (patterns.length > 0 && !(isNumber && patterns.every((pattern) => !/[^a-z]/i.test(pattern)))) return look("date", patterns, 0);
    if (isNumber) return look("number", patterns, 0);
    return look(
      "text",
      [],
      Math.max(
        0,
        texts.findIndex((text) => !numberLike.test(text)),
      ),
    );
  });
}

/** `"31.01.2024", line 2` */
export const shown = ({ example, line }: Look): string => `"${example}", line ${line}`;

/** How a missing column can be named: by the one that looks like it. */
export function cureOf(what: "item" | "timestamp" | "target", wanted: string, free: readonly Look[]): string {
  const fitting = free.filter((look) =>
    what === "timestamp"
      ? look.kind === "date" || (look.kind === "number" && look.patterns.length > 0)
      : what === "target"
        ? look.kind === "number"
        : look.kind === "text" || look.kind === "number",
  );
  const best = what === "item" ? (fitting.find(({ kind }) => kind === "text") ?? fitting[0]) : fitting[0];
  if (best === undefined) return `Say which column it is: --map COLUMN=${wanted}. Or name the domain whose columns these are.`;
  const pattern = best.patterns.length > 0 && what === "timestamp" ? ` ${patternCure(best)}` : "";
  return `Is it ${best.name} (${shown(best)})? Then say --map ${best.name}=${wanted}.${pattern}`;
}

/** What to say so that the dates of a column can be read; nothing where they can be. */
export function patternCure(look: Look): string {
  const { name, example } = look;
  const coarse = look.patterns.length === 0 ? guessCoarseDates([example]) : undefined;
  const patterns = coarse === undefined ? look.patterns : [coarse];
  const counted = patterns.length > 0 ? undefined : countedTime(example);
  if (counted !== undefined) return `They look like ${counted}. Write them as days, such as 2026-01-31.`;
  const [only, other] = patterns;
  if (only === undefined || only === "yyyy-mm-dd" || only === "yyyy-mm-dd hh:mm:ss" || only === "yyyy-mm-ddThh:mm:ss") return "";
  return other === undefined
    ? `Its dates are read with --date-format ${quote(only)}.`
    : `Its dates may be ${patterns.join(" or ")}: no value of ${name} tells which ("${example}"). Say --date-format ${patterns.map(quote).join(" or --date-format ")}.`;
}

/** Times as programs count them; a number alone does not say that it is one, so they are not read. */
function countedTime(text: string): string | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const value = Number(text);
  if (value >= 20_000 && value < 80_000) return "the day numbers of a spreadsheet";
  if (value >= 2e8 && value < 8e9) return "seconds since 1970";
  return value >= 2e11 && value < 8e12 ? "milliseconds since 1970" : undefined;
}

const quote = (pattern: string): string => (pattern.includes(" ") ? `"${pattern}"` : pattern);
