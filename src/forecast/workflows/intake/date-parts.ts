// A date that stands in several columns: a year beside a month and a day, a week or a quarter.

import { findDateStyle } from "../../../platform/intake/dates.ts";
import { wordsOfName } from "../../../platform/intake/names.ts";
import type { ColumnProfile, FileProfile } from "../../../platform/intake/profile.ts";

type Part = "month" | "day" | "week" | "quarter";

const names: Readonly<Record<Part, RegExp>> = {
  month: /^(?:month|month number|month name|mon|monat|mois|mes|mese|maand|maned|manad|miesiac|月)$/,
  day: /^(?:day|day of month|dayofmonth|tag|jour|dia|giorno|dag|dzien)$/,
  week: /^(?:week|week number|weeknumber|woy|week of year|woche|kw|kalenderwoche|semaine|semana|settimana|vecka|uge|tydzien)$/,
  quarter: /^(?:quarter|qtr|quartal|trimestre|kwartaal)$/,
};
const most: Readonly<Record<Part, number>> = { month: 12, day: 31, week: 53, quarter: 4 };

/** The number of a part, a month's name as well; undefined for what is none. */
export function readPart(part: Part, text: string): number | undefined {
  const bare = text.trim().replace(/^(?:Q|KW|W|M)(?=\d)/i, "");
  if (/^\d{1,2}(?:\.0)?$/.test(bare)) {
    const value = Number(bare);
    return value >= 1 && value <= most[part] ? value : undefined;
  }
  if (part !== "month") return undefined;
  const read = findDateStyle("mmm yyyy")?.read(`${bare} 2000`);
  return read === undefined ? undefined : new Date(read.seconds * 1_000).getUTCMonth() + 1;
}

export interface DateParts {
  /** Columns behind the year's, in the order in which they make a date. */
  readonly columns: readonly ColumnProfile[];
  /** The style that the joined text has. */
  readonly style: "yyyy-mm" | "yyyy-mm-dd" | "yyyy-Www" | "yyyy-Qq";
}

/** The columns that make a whole date of a column of years; undefined where it stands alone. */
export function findDateParts({ columns, sample }: FileProfile, year: ColumnProfile | undefined): DateParts | undefined {
  if (year === undefined || !sample.every((row) => /^\s*(?:19|20)\d\d\s*$/.test(row[year.place] ?? ""))) return undefined;
  const find = (part: Part): ColumnProfile | undefined =>
    columns.find(
      (column) =>
        column !== year &&
        names[part].test(wordsOfName(column.name)) &&
        sample.every((row) => readPart(part, row[column.place] ?? "") !== undefined),
    );
  const month = find("month");
  if (month !== undefined) {
    const day = find("day");
    return day === undefined ? { columns: [month], style: "yyyy-mm" } : { columns: [month, day], style: "yyyy-mm-dd" };
  }
  const week = find("week");
  if (week !== undefined) return { columns: [week], style: "yyyy-Www" };
  const quarter = find("quarter");
  return quarter === undefined ? undefined : { columns: [quarter], style: "yyyy-Qq" };
}

const two = (value: number): string => String(value).padStart(2, "0");

/** Year and parts as one text in the style; as they stand, with blanks between, where one cannot be read. */
export function joinDate(style: string, year: string, parts: readonly string[]): string {
  const kinds: readonly Part[] = style === "yyyy-Www" ? ["week"] : style === "yyyy-Qq" ? ["quarter"] : ["month", "day"];
  const values = parts.map((text, i) => readPart(kinds[i] ?? "day", text));
  if (!values.every((value) => value !== undefined)) return [year, ...parts].join(" ");
  const [first = 1, second] = values;
  const bare = year.trim();
  if (style === "yyyy-Www") return `${bare}-W${two(first)}`;
  if (style === "yyyy-Qq") return `${bare}-Q${first}`;
  return second === undefined ? `${bare}-${two(first)}` : `${bare}-${two(first)}-${two(second)}`;
}
