// Wide files: dates, parts of dates or items stand in the header, demand beneath.

import { readPart } from "./date-parts.ts";
import { type ColumnProfile, type FileProfile, isDateName } from "../../../platform/intake/profile.ts";
import { wordsOfName } from "../../../platform/intake/names.ts";
import { dateStyles, findDateStyle } from "../../../platform/intake/dates.ts";
import { calendarWords, demandNames, dimensionNames, itemNames, knownNames, stockNames } from "./names.ts";
import type { GivenIntake, Proposal, Question } from "./contract.ts";
import { isId, mapped, quoted, rank } from "./columns.ts";
import { liesOnNoGrid, reasonOfDate, styleOf } from "./parts.ts";

// --- wide tables -----------------------------------------------------------------------------------------------------------------------------

/** A column a date, or a column an item. */
export function findWide(profile: FileProfile, given: GivenIntake): Proposal | undefined {
  if (given.map !== undefined && Object.values(given.map).includes("demand")) return undefined;
  return wideByDate(profile, given) ?? wideByPart(profile, given) ?? wideByItem(profile, given);
}

/** What tells the rows of one item apart in a wide table, where nothing forecasts by it: units beside revenue must not be summed in silence. */
function rowsApart(
  { sample }: FileProfile,
  item: ColumnProfile | undefined,
  dimensions: readonly ColumnProfile[],
  rest: readonly ColumnProfile[],
): Question | undefined {
  const keys = (columns: readonly ColumnProfile[]): number =>
    new Set(sample.map((row) => columns.map(({ place }) => row[place]).join("\u0000"))).size;
  const known = [...(item === undefined ? [] : [item]), ...dimensions];
  if (keys(known) >= 0.95 * sample.length) return undefined;
  const column = rest.find(
    (one) =>
      !known.includes(one) &&
      one.kind === "text" &&
      one.distinct > 1 &&
      one.distinct <= 20 &&
      keys([...known, one]) >= 0.95 * sample.length,
  );
  if (column === undefined) return undefined;
  const [first, second] = column.examples;
  return {
    about: "demand",
    text: `Which rows say how much was sold? Each item has several, which differ in "${column.name}" (${quoted(column.examples)}).`,
    answers: [
      ...[first, second].flatMap((value) => (value === undefined ? [] : [`--where "${column.name}=${value}"`])),
      `--dimensions "${column.name}"`,
    ],
  };
}

function wideByDate(profile: FileProfile, given: GivenIntake): Proposal | undefined {
  const readers = [...dateStyles, ...["yyyy", "yyyymm"].flatMap((id) => findDateStyle(id) ?? [])];
  const readable = readers
    .map((style) => ({
      style,
      columns: profile.columns.filter(
        (column) => style.read(column.name.trim()) !== undefined && (column.kind === "number" || column.kind === "empty"),
      ),
    }))
    .toSorted((a, b) => b.columns.length - a.columns.length)[0];
  if (readable === undefined || readable.columns.length < 3 || readable.columns.length < profile.columns.length / 2) return undefined;
  const { style, columns } = readable;
  const rest = profile.columns.filter((column) => !columns.includes(column));
  const item =
    mapped(profile, given, ["item_id"]) ?? rest.toSorted((a, b) => rank(a, itemNames) - rank(b, itemNames) || b.distinct - a.distinct)[0];
  const dimensions = rest.filter(
    (column) => column !== item && (given.dimensions?.includes(column.name) ?? Number.isFinite(rank(column, dimensionNames))),
  );
  const apart = rowsApart(profile, item, dimensions, rest);
  const decimal = given.decimal ?? (columns.some(({ number }) => number?.sure === true && number.decimal === ",") ? "," : ".");
  return {
    plan: {
      shape: "wide-dates",
      timestamp: null,
      dateParts: [],
      dateStyle: style.id,
      byDay: false,
      negate: false,
      item: item?.name ?? null,
      demand: null,
      dimensions: dimensions.map(({ name }) => name),
      known: [],
      values: columns.map(({ name }) => name),
      decimal,
      metadata: rest.filter((column) => column !== item && !dimensions.includes(column) && column.kind === "text").map(({ name }) => name),
    },
    uses: [
      ...(item === undefined ? [] : [{ column: item.name, use: "item" as const, why: "a row an item" }]),
      ...dimensions.map(({ name }) => ({ column: name, use: "dimension" as const, why: "its name" })),
      {
        column: `${columns[0]?.name ?? ""} .. ${columns.at(-1)?.name ?? ""}`,
        use: "demand",
        why: `${columns.length} columns, one a date (${style.id})`,
      },
      ...rest
        .filter((column) => column !== item && !dimensions.includes(column))
        .map(({ name }) => ({ column: name, use: "left out" as const, why: "says nothing of demand" })),
    ],
    questions: apart === undefined ? [] : [apart],
    notes: ["A column a date: each becomes a row."],
  };
}

const wideParts = [
  ["month", "yyyy-mm", 6],
  ["quarter", "yyyy-Qq", 4],
  ["week", "yyyy-Www", 20],
] as const;

/** A column of years, and one for each month, quarter or week. */
function wideByPart(profile: FileProfile, given: GivenIntake): Proposal | undefined {
  const isYear = ({ place }: ColumnProfile): boolean =>
    profile.sample.length > 0 && profile.sample.every((row) => /^\s*(?:19|20)\d\d\s*$/.test(row[place] ?? ""));
  const year = mapped(profile, given, ["timestamp"]) ?? profile.columns.find((column) => isDateName(column.name) && isYear(column));
  if (year === undefined || !isYear(year)) return undefined;
  const found = wideParts
    .map(([part, style, least]) => ({
      style,
      least,
      columns: profile.columns.filter(
        (column) => column !== year && (column.kind === "number" || column.kind === "empty") && readPart(part, column.name) !== undefined,
      ),
    }))
    .find(({ columns, least }) => columns.length >= least);
  if (found === undefined) return undefined;
  const { columns, style } = found;
  const rest = profile.columns.filter((column) => column !== year && !columns.includes(column));
  const texts = rest.filter(({ kind }) => kind === "text" || kind === "number");
  const item =
    mapped(profile, given, ["item_id"]) ?? texts.toSorted((a, b) => rank(a, itemNames) - rank(b, itemNames) || b.distinct - a.distinct)[0];
  const dimensions = rest.filter(
    (column) => column !== item && given.dimensions?.includes(column.name) !== false && Number.isFinite(rank(column, dimensionNames)),
  );
  const left = rest.filter((column) => column !== item && !dimensions.includes(column));
  return {
    plan: {
      shape: "wide-dates",
      timestamp: year.name,
      dateParts: [],
      dateStyle: style,
      byDay: false,
      negate: false,
      item: item?.name ?? null,
      demand: null,
      dimensions: dimensions.map(({ name }) => name),
      known: [],
      values: columns.map(({ name }) => name),
      decimal: given.decimal ?? (columns.some(({ number }) => number?.sure === true && number.decimal === ",") ? "," : "."),
      metadata: [],
    },
    uses: [
      { column: year.name, use: "timestamp", why: "the year; the month, quarter or week stands in the header" },
      ...(item === undefined ? [] : [{ column: item.name, use: "item" as const, why: "its name, or the only text" }]),
      ...dimensions.map(({ name }) => ({ column: name, use: "dimension" as const, why: "its name" })),
      {
        column: `${columns[0]?.name ?? ""} .. ${columns.at(-1)?.name ?? ""}`,
        use: "demand",
        why: `${columns.length} columns, one a part of the year`,
      },
      ...left.map(({ name }) => ({ column: name, use: "left out" as const, why: "says nothing of demand" })),
    ],
    questions: [],
    notes: ["A row a year, a column a part of it: each becomes a row."],
  };
}

/** A column that adds up others of its row. */
const sumNames = /^(?:grand )?(?:total|totals|sum|summe|gesamt|gesamtsumme|totale|totaal|somme|suma|razem)$/;

function wideByItem(profile: FileProfile, given: GivenIntake): Proposal | undefined {
  const dates = profile.columns.filter(({ kind }) => kind === "date");
  const [timestamp] = dates;
  const isCalendarName = ({ name }: ColumnProfile): boolean => calendarWords.test(wordsOfName(name));
  const sums = profile.columns.filter((column) => column.kind === "number" && sumNames.test(wordsOfName(column.name)));
  const numbers = profile.columns.filter((column) => column.kind === "number" && !isCalendarName(column) && !sums.includes(column));
  const rest = profile.columns.filter((column) => column !== timestamp && !numbers.includes(column) && !sums.includes(column));
  if (timestamp === undefined || dates.length !== 1 || numbers.length < 3 || rest.some((column) => !isCalendarName(column)))
    return undefined;
  // Each date once, and none of the numbers has a name of its own that says what it is.
  if (timestamp.many ? false : timestamp.distinct < 0.98 * profile.rows) return undefined;
  const parts = [...demandNames, ...knownNames, ...stockNames, ...dimensionNames];
  const known = numbers.filter(
    (column) => Number.isFinite(rank(column, parts)) || isId(column) || calendarWords.test(wordsOfName(column.name)),
  );
  if (known.length > 0) return undefined;
  const questions: Question[] = [];
  const style = styleOf(timestamp, given, questions);
  return {
    plan: {
      shape: "wide-items",
      timestamp: timestamp.name,
      dateParts: [],
      dateStyle: style?.id ?? "yyyy-mm-dd",
      byDay: liesOnNoGrid(profile, timestamp, style),
      negate: false,
      item: null,
      demand: null,
      dimensions: [],
      known: [],
      values: numbers.map(({ name }) => name),
      decimal: given.decimal ?? (numbers.some(({ number }) => number?.sure === true && number.decimal === ",") ? "," : "."),
      metadata: [],
    },
    uses: [
      { column: timestamp.name, use: "timestamp", why: reasonOfDate(timestamp, given) },
      {
        column: `${numbers[0]?.name ?? ""} .. ${numbers.at(-1)?.name ?? ""}`,
        use: "demand",
        why: `${numbers.length} columns, one an item`,
      },
      ...sums.map(({ name }) => ({ column: name, use: "left out" as const, why: "adds up the others" })),
    ],
    questions,
    notes: ["A column an item: each becomes a series."],
  };
}
