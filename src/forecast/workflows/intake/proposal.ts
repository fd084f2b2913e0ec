// The proposal: which column of a stranger's file plays which part in a forecast, with reasons, doubts and what is left out.
//
// Owns: the choice. Does not own: what columns hold (platform/intake), rows (apply.ts), the question to a person (the command).
//   R1. What a person said stands; the rest is proposed by name first, then by what the values are.
//   R2. A column becomes a dimension only when it was named, or is a few-valued text that splits the rows of one step over nearly all items.
//       Numbers never become one by themselves, unless their name says that they number places.
//   R3. What nothing speaks for is a question, not a guess. A proposal with questions is not applied by itself.
//   R4. Every column is told of: used, or left out with the reason.

import { findDateParts, joinDate, readPart } from "./date-parts.ts";
import { columnsOfPart } from "../../../platform/intake/exports/index.ts";
import { type ColumnProfile, type FileProfile, isDateName, isTotalWord } from "../../../platform/intake/profile.ts";
import { isUnknown } from "../../../platform/intake/values.ts";
import { rankOfName, wordsOfName } from "../../../platform/intake/names.ts";
import { dateStyles, findDateStyle, type DateStyle } from "../../../platform/intake/dates.ts";
import type { DecimalSign } from "../../../platform/formats/index.ts";
import { isStockName, saysEmpty } from "../inputs/stock-names.ts";
import { mixedQuestions } from "./mixed.ts";
import { zeroEndNotes } from "./zero-end.ts";
import {
  asideWords,
  calendarWords,
  demandNames,
  dimensionNames,
  idWords,
  itemNames,
  knownNames,
  stockNames,
  timestampNames,
} from "./names.ts";

/** What a person said of the file. */
export interface GivenIntake {
  /** From a file's own name of a column to `item_id`, `timestamp`, `demand` or a dimension's name. */
  readonly map?: Readonly<Record<string, string>>;
  readonly dimensions?: readonly string[];
  readonly known?: readonly string[];
  /** The column that says whether there was stock. */
  readonly stock?: string;
  readonly without?: readonly string[];
  /** Every row is one piece. */
  readonly count?: boolean;
  readonly dateStyle?: string;
  readonly decimal?: DecimalSign;
  /** Why a column is what `map` or `dimensions` say, where no person said it. */
  readonly because?: Readonly<Record<string, string>>;
  /** Nothing is found beside what is said: a mapping that was accepted before. */
  readonly exact?: boolean;
}

/** How a file becomes rows of item, timestamp, demand: plain JSON, kept with what was made of it. */
export interface IntakePlan {
  readonly shape: "long" | "wide-dates" | "wide-items";
  /** The column of instants; of `wide-dates` null: they stand in the header. */
  readonly timestamp: string | null;
  /** Columns that make a date of a column of years: the month and the day, the week or the quarter. */
  readonly dateParts: readonly string[];
  readonly dateStyle: string;
  /** Instants within a day are put on the day: they lie on no grid of their own. */
  readonly byDay: boolean;
  /** Demand is written below zero, as what leaves a store: its sign is turned. */
  readonly negate: boolean;
  /** Null: one series, named `all`; of `wide-items` the header names the items. */
  readonly item: string | null;
  /** Null: each row counts one; of wide shapes the values in `values`. */
  readonly demand: string | null;
  readonly dimensions: readonly string[];
  /** Numbers that are known ahead. */
  readonly known: readonly string[];
  /** The column that says whether there was stock: demand is unknown where there was none. */
  readonly stock?: string | undefined;
  /** Dimensions and known numbers that are called otherwise in what comes out, by the file's name. */
  readonly names?: Readonly<Record<string, string>>;
  /** Columns whose blanks are those of the row above: merged cells. */
  readonly fillDown?: readonly string[];
  /** The word behind every number of the demand: `Stk`. */
  readonly unit?: string;
  /** Of wide shapes: columns that hold demand. */
  readonly values: readonly string[];
  readonly decimal: DecimalSign;
  /** Columns of texts that name the product: they go where metadata goes. */
  readonly metadata: readonly string[];
}

export interface Question {
  readonly about: "timestamp" | "demand" | "item" | "day" | "decimal";
  /** What is asked, with what speaks for each answer. */
  readonly text: string;
  /** Flags that answer it. */
  readonly answers: readonly string[];
}

export interface ColumnUse {
  readonly column: string;
  readonly use: "timestamp" | "item" | "demand" | "dimension" | "known" | "stock" | "metadata" | "left out";
  readonly why: string;
}

export interface Proposal {
  readonly plan: IntakePlan;
  readonly uses: readonly ColumnUse[];
  readonly questions: readonly Question[];
  /** What was assumed, in sentences. */
  readonly notes: readonly string[];
}

const mostFewValued = 100;

/** Makes a proposal for a file. Never throws: what cannot be is a question. */
export function proposeForecast(profile: FileProfile, said: GivenIntake = {}): Proposal {
  const given = withExport(profile, said);
  const merged = findMerged(profile, given);
  const filled = merged === undefined ? profile : withFilled(profile, merged);
  const wide = findWide(filled, given);
  const made = wide ?? proposeLong(filled, given);
  if (merged === undefined) return made;
  const told = `"${merged.name}" is blank where it goes on from the row above, as merged cells are: such rows belong to the value above.`;
  return { ...made, plan: { ...made.plan, fillDown: [merged.name] }, notes: [told, ...made.notes] };
}

/** A column of items that says each of them once, on the first of its rows. */
function findMerged({ columns, rows, sample }: FileProfile, given: GivenIntake): ColumnProfile | undefined {
  return columns.find(
    (column) =>
      !column.many &&
      column.filled > 0 &&
      column.filled <= 0.5 * rows &&
      column.filled === column.distinct &&
      given.without?.includes(column.name) !== true &&
      !isUnknown(sample[0]?.[column.place] ?? "") &&
      (isExactly(column, itemNames) || given.map?.[column.name] === "item_id"),
  );
}

/** The profile as it is with a column's blanks filled. */
function withFilled(profile: FileProfile, { place }: ColumnProfile): FileProfile {
  let above = "";
  const sample = profile.sample.map((row) => {
    above = isUnknown(row[place] ?? "") ? above : (row[place] ?? "");
    return row.map((text, i) => (i === place ? above : text));
  });
  return {
    ...profile,
    sample,
    columns: profile.columns.map((column) => (column.place === place ? { ...column, filled: profile.rows } : column)),
  };
}

const exportParts = [
  ["timestamp", "instant", ["timestamp"]],
  ["item_id", "item", ["item_id"]],
  ["demand", "quantity", ["demand", "target_value", "value"]],
] as const;

/** What is known of a well-known export is said by it, where no person says something else (R1). */
function withExport(profile: FileProfile, said: GivenIntake): GivenIntake {
  const known = profile.export;
  if (known === undefined || said.exact === true) return said;
  const names = profile.columns.map(({ name }) => name);
  const filled = (name: string): number => profile.columns.find((column) => column.name === name)?.filled ?? 0;
  const map: Record<string, string> = { ...said.map };
  const targets = new Set(Object.values(map));
  const because: Record<string, string> = {};
  for (const [target, part, others] of exportParts) {
    if (others.some((one) => targets.has(one)) || (target === "demand" && said.count === true)) continue;
    const columns = columnsOfPart(known, part, names).filter((name) => !Object.hasOwn(map, name) && said.without?.includes(name) !== true);
    // An item's code where every line has one, else its name.
    const best = columns.find((name) => filled(name) >= 0.98 * profile.rows) ?? columns.toSorted((a, b) => filled(b) - filled(a))[0];
    if (best === undefined) continue;
    map[best] = target;
    because[best] = `as in ${known.title}`;
  }
  const places = columnsOfPart(known, "place", names).filter((name) => !Object.hasOwn(map, name) && said.without?.includes(name) !== true);
  const varied = places.filter((name) => (profile.columns.find((column) => column.name === name)?.distinct ?? 0) > 1);
  if (said.dimensions === undefined) for (const name of varied) because[name] = `as in ${known.title}`;
  return { ...said, map, dimensions: said.dimensions ?? varied, because };
}

/** What a column of the plan is called in what comes out. */
export const nameIn = ({ names }: Pick<IntakePlan, "names">, column: string): string => names?.[column] ?? column;

export const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");

/** What a map may say beside names of dimensions and known numbers. */
const mappedParts = ["item_id", "timestamp", "demand", "target_value", "value"];

/** The file's column that a person mapped to a part. */
export function mapped(profile: FileProfile, given: GivenIntake, part: readonly string[]): ColumnProfile | undefined {
  const entry = Object.entries(given.map ?? {}).find(([, to]) => part.includes(to));
  return entry === undefined ? undefined : findColumn(profile, entry[0]);
}

export function findColumn(profile: FileProfile, name: string): ColumnProfile | undefined {
  return (
    profile.columns.find((column) => column.name === name) ??
    profile.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
  );
}

export const rank = (column: ColumnProfile, lists: readonly (readonly string[])[]): number =>
  rankOfName(column.name, lists) ?? Number.POSITIVE_INFINITY;

/** Whether a name is one of the lists', and does not only hold it among other words. */
const isExactly = (column: ColumnProfile, lists: readonly (readonly string[])[]): boolean => rank(column, lists) < lists.length;

export const isId = ({ name }: ColumnProfile): boolean => idWords.test(wordsOfName(name));

function proposeLong(profile: FileProfile, given: GivenIntake): Proposal {
  const uses: ColumnUse[] = [];
  const questions: Question[] = [];
  const notes: string[] = [];
  const taken = new Set<ColumnProfile>();
  const use = (column: ColumnProfile, part: ColumnUse["use"], why: string): void => {
    taken.add(column);
    uses.push({ column: column.name, use: part, why });
  };
  const without = new Set(given.without ?? []);
  for (const column of profile.columns) if (without.has(column.name)) use(column, "left out", "as you said");
  for (const column of profile.columns) if (!taken.has(column) && column.kind === "empty") use(column, "left out", "holds nothing");
  const free = (): readonly ColumnProfile[] => profile.columns.filter((column) => !taken.has(column));

  const timestamp = chooseTimestamp(profile, given, free(), questions);
  if (timestamp !== undefined) use(timestamp, "timestamp", reasonOfDate(timestamp, given));
  const parts = findDateParts(profile, timestamp);
  for (const column of parts?.columns ?? []) use(column, "timestamp", `with "${timestamp?.name ?? ""}"`);
  const style = parts === undefined ? styleOf(timestamp, given, questions) : findDateStyle(parts.style);

  const item = chooseItem(profile, given, free(), timestamp, questions);
  if (item !== undefined) use(item.column, "item", item.why);

  const renamed = Object.entries(given.map ?? {}).filter(([, to]) => !mappedParts.includes(to));
  const fileName = (name: string): string => renamed.find(([, to]) => to === name)?.[0] ?? name;
  const stock = chooseStock(profile, given, free());
  if (stock !== undefined) use(stock.column, "stock", stock.why);
  for (const name of given.known ?? []) {
    const column = findColumn(profile, fileName(name));
    if (column !== undefined && !taken.has(column)) use(column, "known", "as you said");
  }
  for (const name of [...(given.dimensions ?? []), ...renamed.map(([from]) => from)]) {
    const column = findColumn(profile, fileName(name));
    if (column !== undefined && !taken.has(column)) use(column, "dimension", given.because?.[column.name] ?? "as you said");
  }
  const names = Object.fromEntries(
    renamed.flatMap(([from, to]) => {
      const column = findColumn(profile, from);
      return column === undefined || column.name === to ? [] : [[column.name, to]];
    }),
  );
  const demand = given.count === true ? undefined : chooseDemand(profile, given, free(), questions);
  if (demand !== undefined) use(demand.column, "demand", demand.why);
  else if (questions.every(({ about }) => about !== "demand")) notes.push("Every row counts one: no column says how many.");

  const stampOf = (row: readonly string[]): string => {
    const text = timestamp === undefined ? "" : (row[timestamp.place] ?? "").trim();
    return parts === undefined
      ? text
      : joinDate(
          parts.style,
          text,
          parts.columns.map(({ place }) => row[place] ?? ""),
        );
  };
  const relations = makeRelations({ profile, timestamp, style, stampOf, item: item?.column, demand: demand?.column });
  for (const column of free()) judge(column, { given, relations, stock: stock?.column, use });
  questions.push(...totalQuestions(profile, item), ...decimalQuestions(demand?.column, given));
  if (questions.every(({ about }) => about !== "demand"))
    questions.push(...mixedQuestions({ profile, given, demand: demand?.column, stock: stock?.column, followsItem: relations.followsItem }));
  notes.push(
    ...rowNotes(profile, item?.column, given),
    ...zeroEndNotes(profile, demand?.column, (row) => style?.read(stampOf(row))?.seconds ?? Number.NaN),
  );
  const negate = (demand?.column.number?.negative ?? 0) > 0.9;
  if (negate) notes.push(`Nearly all of "${demand?.column.name ?? ""}" is below zero, as of goods that leave: the sign is turned.`);
  const decimal =
    given.decimal ?? demand?.column.number?.decimal ?? demand?.column.unit?.number.decimal ?? demand?.column.mixed?.number.decimal ?? ".";
  const dimensions = profile.columns.filter(({ name }) => uses.some(({ column, use: part }) => column === name && part === "dimension"));
  const columnsOf = (part: ColumnUse["use"]): readonly string[] => uses.filter((one) => one.use === part).map(({ column }) => column);
  return {
    plan: {
      shape: "long",
      timestamp: timestamp?.name ?? null,
      dateParts: parts?.columns.map(({ name }) => name) ?? [],
      dateStyle: style?.id ?? "yyyy-mm-dd",
      byDay: liesOnNoGrid(profile, timestamp, style),
      negate,
      item: item?.column.name ?? null,
      demand: demand?.column.name ?? null,
      dimensions: columnsOf("dimension"),
      known: columnsOf("known"),
      ...(stock === undefined ? {} : { stock: stock.column.name }),
      ...(Object.keys(names).length === 0 ? {} : { names }),
      ...(demand?.column.unit === undefined ? {} : { unit: demand.column.unit.word }),
      values: [],
      decimal,
      metadata: columnsOf("metadata"),
    },
    uses,
    questions,
    notes: [
      ...notes,
      ...(relations.repeats(dimensions) ? ["Several rows of one series and step are summed."] : []),
      ...zoneNotes(profile, timestamp, style),
    ],
  };
}

/** The column that says whether there was stock: the one that was named, else by its name, surest names first. */
export function chooseStock(
  profile: FileProfile,
  given: GivenIntake,
  free: readonly ColumnProfile[],
): { readonly column: ColumnProfile; readonly why: string } | undefined {
  const said = given.stock === undefined ? undefined : findColumn(profile, given.stock);
  if (said !== undefined) return { column: said, why: "as you said: demand is unknown where nothing was there" };
  // What was accepted before has words for it; a mapping kept by an older program has it among what is known ahead.
  const isOld = given.exact === true;
  const isSaid = ({ name }: ColumnProfile): boolean =>
    given.dimensions?.includes(name) === true || Object.hasOwn(given.map ?? {}, name) || given.known?.includes(name) === true;
  const [best] = free
    .filter((column) => (column.kind === "number" || column.isFlag || column.distinct <= 3) && Number.isFinite(rank(column, stockNames)))
    .filter((column) => column.distinct > 1 || column.many)
    .filter((column) => (isOld ? given.known?.includes(column.name) === true : !isSaid(column) || isStockName(column.name)))
    .toSorted((a, b) => rank(a, stockNames) - rank(b, stockNames));
  if (best === undefined) return undefined;
  const sense = saysEmpty(best.name) ? "is not 0" : "is 0";
  return { column: best, why: `its name: demand is unknown where it ${sense}` };
}

/** Whether a name among the items is the sum of the others, where nobody said what the item is. */
function totalQuestions(
  profile: FileProfile,
  item: { readonly column: ColumnProfile; readonly why: string } | undefined,
): readonly Question[] {
  const sums = item === undefined || item.why === "as you said" ? undefined : totalAmong(profile, item.column);
  if (sums === undefined || item === undefined) return [];
  return [
    {
      about: "item",
      text: `Does "${sums}" in "${item.column.name}" add up the other items? It would be forecast as one of them.`,
      answers: [`--where "${item.column.name}!=${sums}"`, `--map "${item.column.name}=item_id"`],
    },
  ];
}

/** Asks which sign is the decimal one, where the values of a column allow both and nobody said. */
export function decimalQuestions(demand: ColumnProfile | undefined, given: GivenIntake): readonly Question[] {
  if (demand?.number?.sure !== false || given.decimal !== undefined) return [];
  const example = demand.examples.find((text) => /[.,]/.test(text)) ?? "";
  return [
    {
      about: "decimal",
      text: `Is ${example} in "${demand.name}" a number of thousands or has it decimals?`,
      answers: ["--decimal .", "--decimal ,"],
    },
  ];
}

/** What is worth knowing of the rows: cancelled ones that count, and items whose codes a spreadsheet has cut. */
function rowNotes(profile: FileProfile, item: ColumnProfile | undefined, given: GivenIntake): readonly string[] {
  const notes: string[] = [];
  const undone = profile.columns.find(({ name, kind }) => kind === "text" && statusNames.test(wordsOfName(name)));
  const words = undone?.examples.filter((text) => undoneWords.test(text)) ?? [];
  if (undone !== undefined && words.length > 0 && !given.without?.includes(undone.name))
    notes.push(
      `Rows whose "${undone.name}" is ${words.join(" or ")} are counted; --where "${undone.name}!=${words.join(",")}" leaves them out.`,
    );
  const cut = item?.examples.find((text) => /^\d(?:[.,]\d+)?E\+?\d+$/i.test(text));
  if (cut !== undefined)
    notes.push(
      `"${item?.name ?? ""}" holds codes such as ${cut}: a spreadsheet has cut their digits, and different items may have become one.`,
    );
  return notes;
}

// --- the instant -----------------------------------------------------------------------------------------------------------------------------

export function chooseTimestamp(
  profile: FileProfile,
  given: GivenIntake,
  free: readonly ColumnProfile[],
  questions: Question[],
): ColumnProfile | undefined {
  const said = mapped(profile, given, ["timestamp"]);
  if (said !== undefined) return said;
  const dates = free.filter(({ kind }) => kind === "date");
  // A finer date beats a coarser one, and a column that is always filled one that is not.
  const ordered = dates.toSorted(
    (a, b) => rank(a, timestampNames) - rank(b, timestampNames) || b.filled - a.filled || b.distinct - a.distinct,
  );
  const [best, second] = ordered;
  const unsure = free
    .filter((column) => column.dates !== undefined)
    .toSorted((a, b) => rank(a, timestampNames) - rank(b, timestampNames))[0];
  if (best === undefined && unsure !== undefined) {
    questions.push(askMixedDates(unsure));
    return unsure;
  }
  if (best === undefined) {
    questions.push({
      about: "timestamp",
      text: `Which column says when? None of ${quoted(profile.columns.map(({ name }) => name))} holds dates that can be read.`,
      answers: ["--map COLUMN=timestamp", "--map COLUMN=timestamp --date-format dd.mm.yyyy"],
    });
    return undefined;
  }
  const equal = second !== undefined && rank(best, timestampNames) === rank(second, timestampNames) && second.filled >= 0.9 * best.filled;
  if (equal && !Number.isFinite(rank(best, timestampNames)) && second !== undefined) {
    questions.push({
      about: "timestamp",
      text: `Which of ${quoted([best.name, second.name])} says when something was sold? Both hold dates.`,
      answers: [best, second].map(({ name }) => `--map "${name}=timestamp"`),
    });
  }
  return best;
}

function askMixedDates({ name, dates }: ColumnProfile): Question {
  const styles = dates?.styles ?? [];
  const told = styles.map(({ id, share, unread }) => `${Math.round(share * 100)} % as ${id}, but not "${unread}"`).join("; ");
  return {
    about: "timestamp",
    text: `How are the dates of "${name}" written? No one way reads nearly all of them: ${told}.`,
    answers: styles.map(
      ({ id, share }) =>
        `--map "${name}=timestamp" --date-format "${id}" --max-bad-share ${Math.min(1, Math.ceil((1 - share) * 20 + 1) / 20)}`,
    ),
  };
}

export function reasonOfDate(column: ColumnProfile, given: GivenIntake): string {
  if (given.dateStyle !== undefined) return `dates as ${given.dateStyle}, as you said`;
  const { date } = column;
  if (date === undefined) return "as you said";
  if (date.reason === "proved") return `dates as ${date.style.id}, proved by ${date.proof ?? ""}`;
  if (date.reason === "order") return `dates as ${date.style.id}: only so the rows are in order`;
  if (date.reason === "grid") return `dates as ${date.style.id}: one day of each month`;
  if (date.reason === "dots" && date.style.id.startsWith("dd")) return `dates as ${date.style.id}, as is usual with dots`;
  return `dates as ${date.style.id}`;
}

export function styleOf(column: ColumnProfile | undefined, given: GivenIntake, questions: Question[]): DateStyle | undefined {
  if (given.dateStyle !== undefined) return findDateStyle(given.dateStyle) ?? dateStyles[0];
  const found = column?.date;
  if (found?.rival !== undefined) {
    questions.push({
      about: "day",
      text: `Does "${column?.examples[0] ?? ""}" in "${column?.name ?? ""}" begin with the day or the ${found.rival.id.startsWith("y") || found.style.id.startsWith("y") ? "year" : "month"}? Every value can be read both ways.`,
      answers: [`--date-format ${found.style.id}`, `--date-format ${found.rival.id}`],
    });
  }
  return found?.style;
}

/** Instants with a zone belong to the days of that zone until somebody says whose they are. */
function zoneNotes({ sample }: FileProfile, column: ColumnProfile | undefined, style: DateStyle | undefined): readonly string[] {
  if (column === undefined || style === undefined) return [];
  const zoned = sample.some((row) => style.read((row[column.place] ?? "").trim())?.offset !== undefined);
  return zoned ? ["Instants name their zone and are taken by its clock; --time-zone puts them into the days of the shops."] : [];
}

/** Whether instants have a time of day that is no multiple of five minutes: moments of sales, not of a clock that counts them. */
export function liesOnNoGrid(profile: FileProfile, column: ColumnProfile | undefined, style: DateStyle | undefined): boolean {
  if (column === undefined || style === undefined) return false;
  return profile.sample.some((row) => {
    const read = style.read((row[column.place] ?? "").trim());
    return read?.unit === "time" && read.seconds % 300 !== 0;
  });
}

// --- the item --------------------------------------------------------------------------------------------------------------------------------

function chooseItem(
  profile: FileProfile,
  given: GivenIntake,
  free: readonly ColumnProfile[],
  timestamp: ColumnProfile | undefined,
  questions: Question[],
): { readonly column: ColumnProfile; readonly why: string } | undefined {
  const said = mapped(profile, given, ["item_id"]);
  if (said !== undefined) return { column: said, why: given.because?.[said.name] ?? "as you said" };
  if (given.exact === true) return undefined;
  // Codes such as 2023-01 look like dates.
  const isCode = (column: ColumnProfile): boolean => column.kind === "date" && isExactly(column, itemNames) && !isDateName(column.name);
  const candidates = free.filter(
    (column) =>
      (column.kind === "text" || column.kind === "number" || isCode(column)) && column !== timestamp && column.filled > 0.5 * profile.rows,
  );
  const byName = candidates
    .filter((column) => Number.isFinite(rank(column, itemNames)) && (column.kind !== "number" || column.number?.whole === true))
    .filter((column) => !Number.isFinite(rank(column, demandNames.slice(0, 2))))
    .toSorted((a, b) => rank(a, itemNames) - rank(b, itemNames) || a.distinct - b.distinct);
  // What hardly ever comes again is an order's number or a title of its own, and no series.
  const [first] = byName;
  const best = byName.find((column) => comesAgain(profile, column)) ?? first;
  if (best !== undefined && !comesAgain(profile, best)) {
    questions.push({
      about: "item",
      text: `Which column names the item? The values of "${best.name}" hardly ever come again (${profile.sample.length} rows, ${distinctIn(profile, best)} values).`,
      answers: [`--map "${best.name}=item_id"`, "--map COLUMN=item_id"],
    });
  }
  if (best !== undefined) return { column: best, why: "its name" };
  // A single text whose values come again and again, and that is not what names places.
  const texts = candidates.filter(
    (column) =>
      column.kind === "text" &&
      !Number.isFinite(rank(column, dimensionNames)) &&
      column.distinct > 1 &&
      (column.many || column.distinct <= 0.5 * profile.rows),
  );
  const [only] = texts;
  return texts.length === 1 && only !== undefined ? { column: only, why: "the only text whose values come again" } : undefined;
}

/** What an order's state is called, and what says that nothing was sold. */
const statusNames = /(?:^| )(?:status|state|order status|zustand|estado|statut|stato)(?:$| )/;
const undoneWords = /cancel|storn|void|annul|abgebrochen|anulad|cancelad|refund|erstattet/i;

/** An item that is called as a sum, among others. */
function totalAmong({ sample }: FileProfile, { place, distinct, many }: ColumnProfile): string | undefined {
  if (distinct < 3 && !many) return undefined;
  const found = sample.find((row) => isTotalWord(row[place] ?? ""));
  return found?.[place]?.trim();
}

const distinctIn = ({ sample }: FileProfile, { place }: ColumnProfile): number => new Set(sample.map((row) => row[place])).size;

/** Whether a value stands in two rows or more, on average of those looked at. */
const comesAgain = (profile: FileProfile, column: ColumnProfile): boolean => 2 * distinctIn(profile, column) <= profile.sample.length;

// --- the demand ------------------------------------------------------------------------------------------------------------------------------

function chooseDemand(
  profile: FileProfile,
  given: GivenIntake,
  free: readonly ColumnProfile[],
  questions: Question[],
): { readonly column: ColumnProfile; readonly why: string } | undefined {
  const said = mapped(profile, given, ["demand", "target_value", "value"]);
  if (said !== undefined) return { column: said, why: given.because?.[said.name] ?? "as you said" };
  const numbers = free.filter((column) => column.kind === "number" || (column.unit !== undefined && isExactly(column, demandNames)));
  const measures = numbers.filter(
    (column) =>
      !isId(column) &&
      !calendarWords.test(wordsOfName(column.name)) &&
      !Number.isFinite(rank(column, knownNames)) &&
      !Number.isFinite(rank(column, stockNames)) &&
      !asideWords.test(wordsOfName(column.name)) &&
      !Number.isFinite(rank(column, dimensionNames)),
  );
  const named = numbers
    .filter(
      (column) =>
        Number.isFinite(rank(column, demandNames)) && (!Number.isFinite(rank(column, stockNames)) || isExactly(column, demandNames)),
    )
    .filter((column) => rank(column, demandNames) < rank(column, knownNames))
    // A name that only holds a word for demand may be of something beside it.
    .filter((column) => isExactly(column, demandNames) || !asideWords.test(wordsOfName(column.name)))
    .toSorted((a, b) => rank(a, demandNames) - rank(b, demandNames));
  const [best] = named;
  const mixed = mixedDemand(free);
  if (mixed !== undefined && (best === undefined || rank(mixed, demandNames) < rank(best, demandNames))) {
    questions.push(askMixed(mixed));
    return { column: mixed, why: "a guess" };
  }
  if (best !== undefined) {
    // Of two columns of one name the second has a number behind it.
    const isAlike = (column: ColumnProfile): boolean =>
      column === best || rank(column, demandNames) === rank(best, demandNames) || column.name.replace(/_\d+$/, "") === best.name;
    const second = named.find((column) => column !== best && isAlike(column) && !equalIn(profile, best, column));
    if (second !== undefined) {
      const same = named.filter(isAlike);
      questions.push({
        about: "demand",
        text: `Which of ${quoted(same.map(({ name }) => name))} says how much was sold?`,
        answers: same.slice(0, 5).map(({ name }) => `--map "${name}=demand"`),
      });
    }
    if (best.unit !== undefined) return { column: best, why: `its name; in ${best.unit.word}` };
    const money = rank(best, demandNames) % demandNames.length === demandNames.length - 1;
    return { column: best, why: money ? "its name; it is money, no column tells pieces" : "its name" };
  }
  const [only, second] = measures;
  if (only !== undefined && second === undefined) return { column: only, why: "the only number that measures something" };
  if (measures.length > 1) {
    questions.push({
      about: "demand",
      text: `Which of ${quoted(measures.map(({ name }) => name))} says how much was sold?`,
      answers: measures.slice(0, 5).map(({ name }) => `--map "${name}=demand"`),
    });
    return only === undefined ? undefined : { column: only, why: "a guess" };
  }
  if (profile.rows > 0) {
    questions.push({
      about: "demand",
      text: "No column says how much was sold. Is every row one piece?",
      answers: ["--count", "--map COLUMN=demand"],
    });
  }
  return undefined;
}

/** A column that is called as what was sold is, of which only some values are numbers. */
const mixedDemand = (free: readonly ColumnProfile[]): ColumnProfile | undefined =>
  free
    .filter((column) => column.mixed !== undefined && isExactly(column, demandNames))
    .toSorted((a, b) => rank(a, demandNames) - rank(b, demandNames))[0];

function askMixed({ name, mixed }: ColumnProfile): Question {
  const { unreadable = 0, odd = [] } = mixed ?? {};
  const share = Math.min(1, Math.ceil(unreadable * 20 + 1) / 20);
  return {
    about: "demand",
    text: `Does "${name}" say how much was sold? ${Math.round(unreadable * 100)} % of its values are no numbers (${quoted(odd)}).`,
    answers: [`--map "${name}=demand" --max-bad-share ${share}`, "--map COLUMN=demand", "--count"],
  };
}

const equalIn = ({ sample }: FileProfile, a: ColumnProfile, b: ColumnProfile): boolean =>
  sample.every((row) => row[a.place] === row[b.place]);

// --- all other columns -----------------------------------------------------------------------------------------------------------------------

interface Relations {
  /** Whether a column's value follows from that of the item, or of the instant. */
  readonly followsItem: (column: ColumnProfile) => boolean;
  readonly followsDate: (column: ColumnProfile) => boolean;
  /** Whether a column splits rows of one item and step, for nearly all items. */
  readonly splits: (column: ColumnProfile) => boolean;
  /** In which share of a column's values the middle item is. */
  readonly coverage: (column: ColumnProfile) => number;
  /** Share of the rows without demand behind the last one with it, in which this column has a value. */
  readonly knownAhead: (column: ColumnProfile) => number;
  /** Whether several rows have item, step and these dimensions in common. */
  readonly repeats: (dimensions: readonly ColumnProfile[]) => boolean;
}

interface Related {
  readonly profile: FileProfile;
  readonly timestamp: ColumnProfile | undefined;
  readonly style: DateStyle | undefined;
  /** The text of a row's instant, joined where it stands in several columns. */
  readonly stampOf: (row: readonly string[]) => string;
  readonly item: ColumnProfile | undefined;
  readonly demand: ColumnProfile | undefined;
}

function makeRelations({ profile: { sample }, timestamp, style, stampOf, item, demand }: Related): Relations {
  const at = (row: readonly string[], column: ColumnProfile | undefined): string => (column === undefined ? "" : (row[column.place] ?? ""));
  const follows =
    (from: ColumnProfile | undefined) =>
    (column: ColumnProfile): boolean => {
      if (from === undefined) return false;
      const seen = new Map<string, string>();
      let [again, broken] = [0, 0];
      for (const row of sample) {
        const key = at(row, from);
        const before = seen.get(key);
        if (before === undefined) seen.set(key, at(row, column));
        else {
          again += 1;
          if (before !== at(row, column)) broken += 1;
        }
      }
      return again >= 10 && broken <= 0.01 * again;
    };
  const seconds = (row: readonly string[]): number => style?.read(stampOf(row))?.seconds ?? Number.NaN;
  const withDemand = sample.map((row) => (demand === undefined ? true : !isUnknown(at(row, demand))));
  let lastSold = Number.NEGATIVE_INFINITY;
  for (const [i, row] of sample.entries()) if ((withDemand[i] ?? false) && seconds(row) > lastSold) lastSold = seconds(row);
  const ahead = sample.filter((row, i) => !(withDemand[i] ?? true) && seconds(row) > lastSold);
  const pairs = (column: ColumnProfile | undefined): number => {
    const seen = new Set<string>();
    for (const row of sample) seen.add(`${at(row, item)}\u0000${stampOf(row)}\u0000${at(row, column)}`);
    return seen.size;
  };
  const coverage = (column: ColumnProfile): number => {
    const values = new Map<string, Set<string>>();
    for (const row of sample) {
      const key = at(row, item);
      values.set(key, (values.get(key) ?? new Set()).add(at(row, column)));
    }
    const all = new Set(sample.map((row) => at(row, column))).size;
    const shares = [...values.values()].map((set) => set.size / Math.max(1, all)).toSorted((a, b) => a - b);
    return shares[Math.floor(shares.length / 2)] ?? 0;
  };
  const without = pairs(undefined);
  const duplicates = sample.length - without;
  return {
    followsItem: follows(item),
    followsDate: (column) =>
      isCalendar(column, sample, seconds) || (timestamp !== undefined && item === undefined ? false : follows(timestamp)(column)),
    splits: (column) => {
      if (duplicates < 0.05 * sample.length || column.distinct > mostFewValued || column.many) return false;
      return pairs(column) - without >= 0.5 * duplicates && coverage(column) >= 0.5;
    },
    coverage,
    knownAhead: (column) => (ahead.length === 0 ? 0 : ahead.filter((row) => !isUnknown(at(row, column))).length / ahead.length),
    repeats: (dimensions) => {
      const seen = new Set(
        sample.map((row) => [at(row, item), stampOf(row), ...dimensions.map((column) => at(row, column))].join("\u0000")),
      );
      return sample.length - seen.size >= 0.01 * sample.length && sample.length > seen.size;
    },
  };
}

/** Whether a number is the year, month, week, weekday or day of its row's date. */
function isCalendar(column: ColumnProfile, sample: readonly (readonly string[])[], seconds: (row: readonly string[]) => number): boolean {
  if (column.kind !== "number" || !calendarWords.test(wordsOfName(column.name))) return false;
  const seen = new Map<string, string>();
  for (const row of sample.slice(0, 3_000)) {
    const day = seconds(row);
    if (Number.isNaN(day)) continue;
    const key = String(Math.floor(day / 86_400));
    const before = seen.get(key);
    if (before !== undefined && before !== row[column.place]) return false;
    seen.set(key, row[column.place] ?? "");
  }
  return true;
}

interface Judging {
  readonly given: GivenIntake;
  readonly relations: Relations;
  readonly stock: ColumnProfile | undefined;
  readonly use: (column: ColumnProfile, part: ColumnUse["use"], why: string) => void;
}

/** Gives a column that no part was found for yet its use (R2, R4). */
function judge(column: ColumnProfile, { given, relations, stock, use }: Judging): void {
  const words = wordsOfName(column.name);
  const isPlace =
    rank(column, dimensionNames) < dimensionNames.length || (column.kind === "text" && Number.isFinite(rank(column, dimensionNames)));
  if (column.distinct === 1 && !column.many) return use(column, "left out", `is ${column.examples[0] ?? ""} in every row`);
  if (column.kind === "date") return use(column, "left out", "another date");
  if (
    given.dimensions === undefined &&
    isPlace &&
    !column.many &&
    !relations.followsItem(column) &&
    (column.kind === "text" || column.number?.whole === true)
  ) {
    const coverage = relations.coverage(column);
    const least = rank(column, dimensionNames) % dimensionNames.length === 0 ? 0.05 : 0.5;
    if (coverage >= least) return use(column, "dimension", `its name; ${column.distinct} values`);
    return use(
      column,
      "left out",
      `a place, but half of the items are in ${Math.round(coverage * column.distinct)} of its ${column.distinct} or fewer; --dimensions forecasts by it`,
    );
  }
  if (column.kind === "text" && !column.isFlag) {
    if (relations.followsItem(column)) return use(column, "metadata", "follows from the item");
    if (relations.followsDate(column)) return use(column, "left out", "follows from the date");
    if (given.dimensions === undefined && relations.splits(column))
      return use(column, "dimension", `${column.distinct} values over nearly every item`);
    return use(
      column,
      "left out",
      column.many || column.distinct > mostFewValued
        ? "too many values to forecast by"
        : "a text that is neither item nor place; --dimensions forecasts by it",
    );
  }
  if (given.exact === true) return use(column, "left out", "not used before");
  if (stock !== undefined && Number.isFinite(rank(column, stockNames)))
    return use(column, "left out", `"${stock.name}" says what was in stock`);
  if (calendarWords.test(words) && relations.followsDate(column)) return use(column, "left out", "follows from the date");
  if (isId(column)) return use(column, "left out", "a number that names something");
  const share = relations.knownAhead(column);
  if (share >= 0.9) return use(column, "known", `known ahead in ${Math.round(share * 100)} % of the rows behind the last sale`);
  if (relations.followsItem(column)) return use(column, "left out", "a number that follows from the item");
  const told = Number.isFinite(rank(column, knownNames))
    ? "its future is not in the file; --known uses it where rows of the future are added"
    : "a number that is not known ahead";
  return use(column, "left out", told);
}

// --- wide tables -----------------------------------------------------------------------------------------------------------------------------

/** A column a date, or a column an item. */
function findWide(profile: FileProfile, given: GivenIntake): Proposal | undefined {
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
