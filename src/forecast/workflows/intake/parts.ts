// The parts of a long file: which column is the instant, the item, the demand, the stock, and what is asked where nothing decides (R3).

import { type ColumnProfile, type FileProfile, isDateName, isTotalWord } from "../../../platform/intake/profile.ts";
import { wordsOfName } from "../../../platform/intake/names.ts";
import { dateStyles, findDateStyle, type DateStyle } from "../../../platform/intake/dates.ts";
import { isStockName, saysEmpty } from "../inputs/stock-names.ts";
import { asideWords, calendarWords, demandNames, dimensionNames, itemNames, knownNames, stockNames, timestampNames } from "./names.ts";
import type { GivenIntake, Question } from "./contract.ts";
import { comesAgain, distinctIn, equalIn, findColumn, isExactly, isId, mapped, quoted, rank } from "./columns.ts";

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
export function totalQuestions(
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
export function rowNotes(profile: FileProfile, item: ColumnProfile | undefined, given: GivenIntake): readonly string[] {
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
export function zoneNotes({ sample }: FileProfile, column: ColumnProfile | undefined, style: DateStyle | undefined): readonly string[] {
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

export function chooseItem(
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

// --- the demand ------------------------------------------------------------------------------------------------------------------------------

export function chooseDemand(
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
