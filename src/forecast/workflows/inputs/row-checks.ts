// What the rows of the files say before there is a panel: bad rows, the frequency and its grid, names, and columns that are not what they seem.

import { encodingNotes, numberNotes } from "../../../platform/formats/index.ts";
import { printFrequency, stepMinutes } from "../../engine/calendar/frequency.ts";
import type { Frequency } from "../../engine/contract.ts";
import { averageTwice, findClockChanges } from "../../engine/panel/clock.ts";
import { instantText } from "./fields.ts";
import type { OpenedFile } from "./files.ts";
import { checkSpan, decideFrequency, slowerNotes } from "./frequency.ts";
import type { InputNote, Problem } from "./notes.ts";
import type { Reading } from "./options.ts";
import { findStrays } from "./phases.ts";
import type { ReadRows } from "./rows.ts";
import type { Columns } from "./schema.ts";
import { patternCure, shown } from "./sniff.ts";

/** Whether so much of a file is bad that nothing can be told of the rest. */
export function checkBadRows(
  { settings, problems }: Reading,
  file: OpenedFile,
  good: { readonly rows: { readonly count: number }; readonly size: number },
): boolean {
  const { apart, columns, looks } = file;
  const problem = apart.problem({ rows: good.rows.count, size: good.size }, columns.item.place + 1);
  if (problem === undefined) return false;
  const blank = columns.assumed.filter(({ place }) => looks[place]?.kind === "empty");
  if (blank.length > 0) problems.push(emptyColumns(file, blank));
  else problems.push(problem);
  // A row is set apart for its first mistake: dates that nothing could be read from either are told by a look at them.
  problems.push(...dateProblems({ settings }, file, problem.message));
  return true;
}

/** Dates that cannot be read, told by a look at them where rows were refused for something else; nothing where `message` says it already. */
export function dateProblems(
  { settings }: Pick<Reading, "settings">,
  { apart, columns, looks, shaped }: OpenedFile,
  message = "",
): readonly Problem[] {
  const look = columns.timestamp === undefined ? undefined : looks[columns.timestamp.place];
  if (look === undefined || look.kind === "empty" || shaped !== undefined || !Number.isNaN(settings.parseTime(look.example))) return [];
  const cure = patternCure(look);
  if (message.includes(cure === "" ? `in ${look.name.trim()} (column` : cure)) return [];
  return [
    {
      code: "INPUT_TIMESTAMP_WRONG",
      message: `Expected dates of ${apart.file} as ${settings.timePattern} in ${look.name} but received ${shown(look)}. ${cure === "" ? "Write them so, or name their --date-format." : cure}`,
      facts: { file: apart.file, line: look.line, column: look.place + 1 },
    },
  ];
}

/** Columns nobody named as dimensions, and nobody filled in. */
function emptyColumns({ apart, columns }: OpenedFile, blank: Columns["assumed"]): Problem {
  const names = blank.map(({ name, place }) => (name === "" ? `column ${place + 1}, which has no name,` : `${name} (column ${place + 1})`));
  const kept = columns.dimensions.filter((each) => !blank.includes(each)).map(({ name }) => name);
  return {
    code: "INPUT_COLUMN_EMPTY",
    message: `Expected values in the columns of ${apart.file} that tell series apart but ${names.join(", ")} ${blank.length === 1 ? "is" : "are"} empty. Leave ${blank.length === 1 ? "it" : "them"} out: --dimensions ${kept.length === 0 ? "none" : kept.join(",")}; or fill ${blank.length === 1 ? "it" : "them"} in.`,
    facts: { file: apart.file, column: (blank[0]?.place ?? 0) + 1 },
  };
}

/** Notes on how texts became numbers, where it was not the usual way. */
export function waysOfReading(file: OpenedFile, rows: ReadRows | undefined): readonly InputNote[] {
  const { open, apart } = file;
  // That a column is constant or empty is told where it matters.
  const formats = (rows?.numbers ?? []).map((summary) => ({ ...summary, values: 0, missing: 0 }));
  const { stock } = file.columns;
  const taken =
    stock === undefined
      ? []
      : stock.saysEmpty
        ? [`${stock.name} of ${apart.file} is read as what was out of stock: 1 or true is out of stock.`]
        : [`${stock.name} of ${apart.file} is read as what was in stock: 0 or false is out of stock.`];
  // A group's schema was given to name columns by; without one nobody said what they are.
  const named =
    open.headless && file.schema === undefined
      ? [`The first line of ${apart.file} is data, not a header: its columns are taken as ${open.table.columns.join(", ")}.`]
      : [];
  const messages = [
    ...(open.note === undefined ? [] : [`Of ${apart.file} ${open.note}.`]),
    ...named,
    ...taken,
    ...encodingNotes(apart.file, open.table.encoding?.()),
    ...numberNotes(formats).map((note) => `${apart.file}: ${note}`),
  ];
  return messages.map((message) => ({ code: "INPUT_READ_AS", message }));
}

/** Offsets from UTC that stamps came with: a day of sales is a day where they were made. */
export function offsetNotes(file: OpenedFile, rows: ReadRows | undefined): readonly InputNote[] {
  const offsets = [...(rows?.offsets ?? [])].toSorted();
  if (offsets.every((each) => each === "Z")) return [];
  const name = file.apart.file;
  const mixed = offsets.includes("Z") ? ` Those with Z are taken as UTC: write one kind, or rows of one time may fall apart.` : "";
  return [
    {
      code: "INPUT_UTC_OFFSETS",
      message: `Stamps of ${name} carry offsets from UTC (${offsets.join(", ")}) and are taken as the local time they show: 2026-01-31T00:00+01:00 is a time of 31 January.${mixed}`,
    },
  ];
}

/** What the rows say of their frequency, their ends and their columns; the frequency, unless a problem was told. */
export function checkTarget(reading: Reading, target: OpenedFile, read: ReadRows): Frequency | undefined {
  const { options, settings, problems, notes } = reading;
  const { file } = target.apart;
  const column = (target.columns.timestamp?.place ?? 0) + 1;
  const targetName = target.columns.numbers[0].name;
  const rule = options.rules?.[targetName];
  if (read.outside > 0) {
    notes.push({
      code: "INPUT_OUTSIDE",
      message: `${read.outside} rows of ${file} lie before ${options.begin ?? "the begin"} or after ${options.end ?? "the end"} and were left out.`,
    });
  }
  const nothing = saysNothing(target, read);
  if (nothing !== undefined) {
    problems.push(nothing);
    return undefined;
  }
  const below = options.nonNegative === false ? 0 : countBelowZero(read);
  if (below > 0) {
    notes.push({
      code: "INPUT_NEGATIVE",
      message: `${below} rows of ${file} have ${targetName} below zero, as returns do: they are taken off what was sold in their step, and the forecast does not go below zero. If this is no demand and may be negative, say --negative; if they are mistakes, correct them.`,
    });
  }
  const splitWrong = !checkDimensions(reading, target, read);
  const ofNames = nameNotes(target, read);
  const before = problems.length;
  const frequency = decideFrequency(read.rows, {
    asked: options.frequency ?? "auto",
    weeksEnd: options.stamps === "end",
    file,
    column,
    splitWrong,
    problems,
    notes,
  });
  notes.push(...ofNames);
  if (frequency === undefined) return undefined;
  const isFilled = options.nonNegative !== false && rule?.middle === undefined;
  if (isFilled && !splitWrong) notes.push(...slowerNotes(read.keys, read.rows, frequency, { file, target: targetName }));
  const { from, before: after } = settings.between;
  checkSpan(read.keys, read.rows, frequency, {
    file,
    column,
    firstNamed: Number.isFinite(from),
    lastNamed: Number.isFinite(after),
    fillNamed: rule?.middle !== undefined,
    problems,
  });
  const strays = findStrays(frequency, read.rows);
  if (strays !== undefined) {
    const where = `${file}, line ${strays.line}, column ${column}`;
    const facts = `${strays.rows} timestamps of ${file} stand beside the grid of the others (${printFrequency(frequency)}, such as ${instantText(strays.usual)}); the first is ${instantText(strays.stray)} (${where})`;
    if (options.aggregation === undefined) {
      problems.push({
        code: "INPUT_OFF_GRID",
        message: `Expected timestamps on one grid but ${facts}. Correct them, or name an aggregation to put them into the step around them.`,
        facts: { file, line: strays.line, column, rows: strays.rows },
      });
    } else notes.push({ code: "INPUT_OFF_GRID", message: `${facts}. They were put into the step around them.` });
  }
  // A panel of a grid that is not believed may be huge.
  return problems.slice(before).some(({ code }) => code === "INPUT_STRAY_DATES") ? undefined : frequency;
}

/** A file without rows, or without a number in any. */
function saysNothing(target: OpenedFile, { rows, empty, outside }: ReadRows): Problem | undefined {
  const { file } = target.apart;
  const { name } = target.columns.numbers[0];
  if (rows.count > 0 && empty < rows.count) return undefined;
  const { count: bad, rows: apart } = target.apart.result();
  const [first] = apart;
  const what =
    rows.count > 0
      ? `none of its ${rows.count} rows has one`
      : outside > 0
        ? `all of its ${outside} rows lie outside of the days that count`
        : bad > 0
          ? `its ${bad} rows were all set apart${first === undefined ? "" : `, the first in line ${first.line}: ${first.reason.replace(/\.$/, "")}`}`
          : "it has no rows";
  return {
    code: "PANEL_EMPTY",
    message: `Expected values of ${name} in ${file} but ${what}. Send the history that is to be forecast.`,
    facts: { file },
  };
}

/** Nights on which clocks change: an hour twice is averaged, an hour that was left out is unknown; its minutes are given. */
export function turnClocks({ notes }: Reading, frequency: Frequency, target: OpenedFile, { rows }: ReadRows): readonly number[] {
  const step = stepMinutes(frequency);
  if (step > 60) return [];
  const { twice, missing } = findClockChanges(rows);
  const { file } = target.apart;
  const text = (hours: readonly number[]): string => hours.map((hour) => instantText(hour * 3600)).join(", ");
  if (twice.length > 0) {
    const pairs = averageTwice(rows, twice);
    notes.push({
      code: "INPUT_CLOCK_BACK",
      message: `${pairs} rows of ${file} stand twice at ${text(twice)}, as when clocks go back: each pair was averaged, not summed.`,
    });
  }
  if (missing.length > 0) {
    notes.push({
      code: "INPUT_CLOCK_FORWARD",
      message: `No series of ${file} has a row at ${text(missing)}, as when clocks go forward: the hour counts as unknown, not as zero.`,
    });
  }
  return missing.flatMap((hour) => Array.from({ length: Math.round(60 / step) }, (_, i) => hour * 60 + i * step));
}

/**
 * A number that tells the rows of one item and time apart, such as a shop's number, is a dimension that the target lacks: other numbers would be
 * averaged over it, and it with them. Asked, or told where related numbers are taken as they come.
 */
export function checkRelated({ options, problems, notes }: Reading, related: OpenedFile, { keys, rows }: ReadRows): void {
  const { file } = related.apart;
  const { numbers } = related.columns;
  for (const { name, place, values, apart } of tellingApart(numbers, { keys, rows })) {
    if (options.rules?.[name]?.aggregation !== undefined) continue;
    const finding = `${name} of ${file} (column ${place + 1}; ${values.join(", ")}, ...) tells ${apart} rows of one item and time apart, as a dimension does, and the target has no such column`;
    const cure = `Add ${name} to the target, or leave it out (--without ${name}; Inputs.Without in the settings) if the others may be averaged over it.`;
    if (options.shortRelated === "leave-out") {
      notes.push({ code: "INPUT_RELATED_DIMENSION", message: `${finding}: it and all other numbers were averaged over it. ${cure}` });
    } else {
      problems.push({
        code: "INPUT_RELATED_DIMENSION",
        message: `Expected numbers that are known of an item at a time but ${finding}. ${cure}`,
        facts: { file, column: place + 1, attribute: name, rows: apart },
      });
    }
  }
}

/** Of so many rows a column is judged. */
const lookedRows = 300_000;
/** Values of a dimension are few beside the rows. */
const mostValues = 1_000;

function tellingApart(
  numbers: readonly { readonly name: string; readonly place: number }[],
  { keys, rows }: Pick<ReadRows, "keys" | "rows">,
): readonly { readonly name: string; readonly place: number; readonly values: readonly number[]; readonly apart: number }[] {
  if (numbers.length < 2 || keys.size === 0) return [];
  const seen = new Set<string>();
  const withValue = numbers.map(() => new Set<string>());
  const distinct = numbers.map(() => new Set<number>());
  let looked = 0;
  for (const block of rows.blocks) {
    for (let i = 0; i < block.count && looked < lookedRows; i++, looked++) {
      const at = `${block.keys[i]} ${block.minutes[i]} ${block.seconds[i]}`;
      seen.add(at);
      for (let c = 0; c < numbers.length; c++) {
        const value = block.values[c][i];
        if (!Number.isInteger(value) || distinct[c].size > mostValues) continue;
        distinct[c].add(value);
        withValue[c].add(`${at} ${value}`);
      }
    }
  }
  const apart = looked - seen.size;
  if (apart === 0) return [];
  return numbers.flatMap(({ name, place }, c) => {
    const isOne = withValue[c].size === looked && distinct[c].size > 1 && distinct[c].size <= mostValues && distinct[c].size * 4 < looked;
    return isOne ? [{ name, place, values: [...distinct[c]].toSorted((a, b) => a - b).slice(0, 3), apart }] : [];
  });
}

/** Names of the sum of all others. */
const totals = /^(?:grand )?(?:totals?|all|sum|overall|gesamt|summe|insgesamt|totaal|tous|todos)$/i;

/** Items, or values of a dimension, that are most likely one written in two ways; and an item that is most likely the sum of the others. */
function nameNotes(target: OpenedFile, { keys }: ReadRows): readonly InputNote[] {
  const { file } = target.apart;
  const notes: InputNote[] = [];
  for (const [c, levels] of keys.levels.entries()) {
    const known = new Map<string, string>();
    const alike: (readonly [string, string])[] = [];
    for (const text of levels) {
      const plain = text.normalize("NFKC").trim().replaceAll(/\s+/g, " ").toLowerCase();
      const other = known.get(plain);
      if (other === undefined) known.set(plain, text);
      else alike.push([other, text]);
    }
    const [first] = alike;
    if (first !== undefined) {
      notes.push({
        code: "INPUT_NAMES_ALIKE",
        message: `${alike.length} values of ${keys.names[c]} in ${file} differ from others only in blanks, capitals or how letters are encoded, such as ${JSON.stringify(first[0])} and ${JSON.stringify(first[1])}: they are series of their own. Write them alike if they are one.`,
      });
    }
    const total = levels.length < 2 ? undefined : levels.find((text) => totals.test(text.trim()));
    if (total !== undefined) {
      notes.push({
        code: "INPUT_TOTAL",
        message: `${keys.names[c]} ${JSON.stringify(total)} of ${file} sounds like the sum of the others: it is forecast beside them, and whatever is added up counts it twice. Leave its rows out if it is; sums are forecast by --hierarchy.`,
      });
    }
  }
  return notes;
}

/** Texts that nobody named as dimensions are told; those that tell no two rows of one time apart are none: false. */
function checkDimensions({ problems, notes }: Reading, target: OpenedFile, { keys, rows }: ReadRows): boolean {
  const { assumed } = target.columns;
  if (assumed.length === 0 || keys.size === 0) return true;
  const { file } = target.apart;
  const items = keys.levels[0].length;
  const names = assumed.map(({ name, place }, c) => `${name} (${keys.levels[c + 1]?.length ?? 0} values, column ${place + 1})`);
  // Rows of one item at one time: with a true dimension there are several somewhere.
  const times = new Set<number>();
  let looked = 0;
  let together = 0;
  for (const block of rows.blocks) {
    for (let i = 0; i < block.count && looked < lookedRows; i++) {
      looked += 1;
      const at = keys.codes[0][block.keys[i]] * 2 ** 32 + block.minutes[i];
      if (times.has(at)) together += 1;
      else times.add(at);
    }
  }
  if (keys.size > items && together === 0 && looked > 2 * items) {
    problems.push({
      code: "INPUT_DIMENSION_VARIES",
      message: `Expected columns that tell series apart beside the item but ${names.join(", ")} of ${file} ${assumed.length === 1 ? "changes" : "change"} from row to row and no item has two rows at one time: ${keys.size} series would come of ${items} items. Leave ${assumed.length === 1 ? "it" : "them"} out (--dimensions none), or name what to forecast by (--dimensions ${assumed.map(({ name }) => name).join(",")}).`,
      facts: { file, series: keys.size, items },
    });
    return false;
  }
  notes.push({
    code: "INPUT_DIMENSIONS",
    message: `${file} is forecast by ${names.join(", ")} beside the item: ${keys.size} series of ${items} items. --dimensions names others, or none.`,
  });
  return true;
}

function countBelowZero({ rows }: ReadRows): number {
  let below = 0;
  for (const { values, count } of rows.blocks) for (let i = 0; i < count; i++) if (values[0][i] < 0) below += 1;
  return below;
}
