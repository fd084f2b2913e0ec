// The events file: name, date or range, place, window before and after. Small, so all of its mistakes are told at once and none is left out.

import { isStockroomError } from "../../../platform/errors.ts";
import { nearest } from "../../../platform/similar.ts";
import { guessDatePatterns, parseDateFormat, type DateFormat } from "../../../platform/formats/dates.ts";
import { readTable } from "../../../platform/formats/index.ts";
import type { EventSpan } from "../../engine/calendar/events.ts";
import { dayMs } from "../../engine/calendar/grid.ts";
import type { InputFile } from "./open.ts";
import type { InputNote, Problem } from "./notes.ts";

/** An event as settings hold it: plain JSON, days as `yyyy-MM-dd`. */
export interface EventRow {
  readonly name: string;
  readonly from: string;
  /** The last day; absent: `from`. */
  readonly to?: string;
  readonly place?: string;
  readonly before?: number;
  readonly after?: number;
}

/** What the columns may be called. */
const columnNames = {
  name: ["name", "event", "holiday"],
  from: ["date", "from", "start", "begin", "day", "ds", "timestamp"],
  to: ["to", "end", "until"],
  place: ["place", "location", "country", "region"],
  before: ["before", "window_before", "days_before", "lower_window"],
  after: ["after", "window_after", "days_after", "upper_window"],
} as const;

const mostWindow = 60;
const mostDays = 366;
const shownMistakes = 5;

export interface EventReading {
  readonly parseTime: (text: string) => number;
  readonly encoding: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly problems: Problem[];
  readonly notes?: InputNote[];
}

/** Reads the file; what is wrong with it goes to `problems`. */
export async function readEvents(file: InputFile, reading: EventReading): Promise<readonly EventSpan[]> {
  const { problems, signal } = reading;
  const mistakes: string[] = [];
  const events: EventSpan[] = [];
  try {
    const table = await readTable(file.body, {
      name: file.name,
      onBadRow: ({ line, reason }) => mistakes.push(`line ${line}: ${reason}`),
      encoding: reading.encoding,
      ...(signal === undefined ? {} : { signal }),
    });
    const lower = table.columns.map((column) => column.trim().toLowerCase());
    const place = (part: keyof typeof columnNames): number => lower.findIndex((name) => columnNames[part].some((each) => each === name));
    const at = {
      name: place("name"),
      from: place("from"),
      to: place("to"),
      place: place("place"),
      before: place("before"),
      after: place("after"),
    };
    const absent = (["name", "from"] as const).filter((part) => at[part] < 0);
    if (absent.length > 0) {
      const wanted = absent.map((part) => columnNames[part][0]).join(" and ");
      problems.push({
        code: "INPUT_EVENTS_COLUMNS",
        message: `Expected the columns name and date (and to, place, before, after where wanted) in ${file.name} but ${wanted} ${absent.length === 1 ? "is" : "are"} missing among ${table.columns.join(", ")}. Name them so.`,
        facts: { file: file.name },
      });
      for await (const _ of table.batches);
      return [];
    }
    reading.notes?.push(...strangeColumns(file.name, table.columns));
    const all: { readonly line: number; readonly texts: EventTexts }[] = [];
    for await (const { rows, lines } of table.batches) {
      for (const [r, row] of rows.entries()) {
        const text = (index: number): string => (index < 0 ? "" : (row[index] ?? "").trim());
        const texts = {
          name: text(at.name),
          from: text(at.from),
          to: text(at.to),
          place: text(at.place),
          before: text(at.before),
          after: text(at.after),
        };
        all.push({ line: lines[r] ?? 0, texts });
      }
    }
    const days = all.flatMap(({ texts }) =>
      [...texts.from.split(rangeSign), texts.to].map((part) => part.trim()).filter((part) => part !== ""),
    );
    const own = ownFormat(days, reading.parseTime);
    if (own.format !== undefined)
      reading.notes?.push({ code: "INPUT_EVENTS_DATES", message: `The days of ${file.name} were read as ${own.format.pattern}.` });
    const parseTime = (text: string): number => own.format?.parse(text) ?? reading.parseTime(text);
    for (const { line, texts } of all) {
      const made = makeEvent(texts, parseTime);
      if (typeof made === "string") mistakes.push(`line ${line}: ${made}${own.question}`);
      else events.push(made);
    }
  } catch (thrown) {
    if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
    problems.push({ code: thrown.code, message: thrown.message, facts: thrown.facts });
    return [];
  }
  if (mistakes.length === 0 && events.length === 0)
    reading.notes?.push({ code: "INPUT_EVENTS_NONE", message: `${file.name} holds no events: nothing of it is used.` });
  if (mistakes.length > 0) {
    const more = mistakes.length > shownMistakes ? ` and ${mistakes.length - shownMistakes} more` : "";
    problems.push({
      code: "INPUT_EVENTS_WRONG",
      message: `Expected events without mistakes in ${file.name} but found ${mistakes.length}: ${mistakes.slice(0, shownMistakes).join(" ")}${more}`,
      facts: { file: file.name, mistakes: mistakes.length },
    });
  }
  return events;
}

/**
 * How the days of a file are written that are not written as those of the others: as all of them prove. `question`: where they may be read in two ways.
 */
function ownFormat(
  days: readonly string[],
  parseTime: (text: string) => number,
): { readonly format: DateFormat | undefined; readonly question: string } {
  const none = { format: undefined, question: "" };
  if (days.every((day) => !Number.isNaN(parseTime(day)))) return none;
  const [pattern, other] = guessDatePatterns(days);
  const format = pattern === undefined ? undefined : parseDateFormat(pattern);
  if (format === undefined || days.some((day) => Number.isNaN(format.parse(day)))) return none;
  return other === undefined ? { format, question: "" } : { format: undefined, question: ` (It may be ${pattern} or ${other}.)` };
}

/** Columns that mean nothing here: told, because a misspelt window would be none. */
function strangeColumns(file: string, columns: readonly string[]): readonly InputNote[] {
  const known: readonly string[] = Object.values(columnNames).flat();
  const strange = columns.filter((column) => !known.includes(column.trim().toLowerCase()));
  if (strange.length === 0) return [];
  const names = strange.map((column) => {
    const meant = nearest(column.trim(), known);
    return meant === undefined ? column : `${column} (did you mean ${meant}?)`;
  });
  return [
    {
      code: "INPUT_EVENTS_UNKNOWN",
      message: `Of ${file} these columns are not used: ${names.join(", ")}. Events have ${Object.keys(columnNames).join(", ").replace("from", "date (or from)")}.`,
    },
  ];
}

/** Events of settings; their texts were checked where settings are read. */
export const spansOf = (rows: readonly EventRow[], parseTime: (text: string) => number): readonly EventSpan[] =>
  rows.flatMap((row) => {
    const made = spanOfRow(row, parseTime);
    return typeof made === "string" ? [] : [made];
  });

/** An event of settings, or what is wrong with it. */
export function spanOfRow(row: EventRow, parseTime: (text: string) => number): EventSpan | string {
  const { name, from, to = "", place = "", before = 0, after = 0 } = row;
  return makeEvent({ name, from, to, place, before: String(before), after: String(after) }, parseTime);
}

/** Between the first and the last day of a range; of two days in a row of dots, the two. */
const rangeSign = /\.\.|\/(?=\d{4}-)/;

type EventTexts = Readonly<Record<"name" | "from" | "to" | "place" | "before" | "after", string>>;

/** An event, or what is wrong with it. A date may be a range: `2026-11-27..2026-11-30`. */
function makeEvent(texts: EventTexts, parseTime: (text: string) => number): EventSpan | string {
  const { name, place } = texts;
  if (name === "") return "Expected the name of an event but the field is empty.";
  const [first = "", second] = texts.from.split(rangeSign).map((part) => part.trim());
  const last = second ?? (texts.to === "" ? first : texts.to);
  const [day, end] = [dayOf(first, parseTime), dayOf(last, parseTime)];
  if (Number.isNaN(day) || Number.isNaN(end)) {
    return `Expected a day as yyyy-MM-dd but received "${(Number.isNaN(day) ? first : last).slice(0, 60)}" for ${name.slice(0, 60)}. Write it so, or name its --date-format.`;
  }
  const days = end - day + 1;
  if (days < 1 || days > mostDays)
    return `Expected ${name.slice(0, 60)} to end on or after ${first}, within a year, but it ends on ${last}.`;
  const windows = [texts.before, texts.after].map((text) => (text === "" ? 0 : Math.abs(Number(text))));
  const wrong = windows.findIndex((days) => !Number.isInteger(days) || days > mostWindow);
  if (wrong >= 0)
    return `Expected 0 to ${mostWindow} whole days around ${name.slice(0, 60)} but received "${wrong === 0 ? texts.before : texts.after}".`;
  const [before = 0, after = 0] = windows;
  return { name, day, days, place: place === "" || place === "*" ? undefined : place, before, after };
}

const dayOf = (text: string, parseTime: (text: string) => number): number => {
  const seconds = parseTime(text);
  return Math.floor((seconds * 1000) / dayMs);
};
