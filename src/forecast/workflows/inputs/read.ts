// Inputs: target, related and metadata files become one panel.
//
// Owns: the order of reading, what makes an input useless as a whole, what is worth a note. Does not own: rows (rows.ts), cells (engine/panel).
//   N1. A bad row is set apart and the rest goes on. What concerns an input as a whole is told at once, all of it, in one error.
//   N2. As Amazon Forecast does: a timestamp belongs to the step around it, rows of one step are aggregated, gaps are filled by rule.
//       Two things it does without a word are refused here unless `aggregation` was asked for: the very same timestamp twice for one series,
//       and a few timestamps beside the grid that nearly all others keep (see phases.ts). With `aggregation` both are notes.
//   N3. May run in a thread: everything comes in as arguments, and the panel lies in shared memory.

import { isStockroomError } from "../../../platform/errors.ts";
import type { ColumnMap } from "../../../platform/formats/columns.ts";
import { datePatternsAllowed, type DateFormat, parseDateFormat } from "../../../platform/formats/dates.ts";
import { type BadRow, type DecimalSign, encodingNotes, numberNotes } from "../../../platform/formats/index.ts";
import { frequenciesAllowed, parseFrequency, printFrequency, stepMinutes } from "../../engine/calendar/frequency.ts";
import { timestampOf } from "../../engine/calendar/grid.ts";
import { type EventSpan, placeEvents } from "../../engine/calendar/events.ts";
import { daysOf, holidayRegressors } from "../../engine/calendar/holidays.ts";
import { seasonsOf } from "../../engine/calendar/seasons.ts";
import type { Frequency, Panel } from "../../engine/contract.ts";
import type { Aggregation } from "../../engine/panel/aggregate.ts";
import {
  type BuiltPanel,
  buildPanel,
  type CensoredCells,
  gatherTarget,
  type ItemMetadata,
  type TargetCells,
} from "../../engine/panel/build.ts";
import { averageTwice, findClockChanges } from "../../engine/panel/clock.ts";
import { farAhead, farText } from "../../engine/scenario/far.ts";
import { type FillRule, relatedFill, relatedFill as unknownFill, targetFill } from "../../engine/panel/fill.ts";
import type { RelatedAttribute } from "../../engine/panel/related.ts";
import { type Isolated, type BadRows, mostBadShare, setApart } from "./rejected.ts";
import { type EventRow, readEvents, spansOf } from "./events.ts";
import { parseTimestamp } from "./fields.ts";
import { checkSpan, decideFrequency } from "./frequency.ts";
import { holidaysOf, knowsHolidays } from "./holidays.ts";
import { type Look, lookAt, patternCure, shown } from "./sniff.ts";
import { type InputFile, openInput, type OpenFile } from "./open.ts";
import { findStrays } from "./phases.ts";
import { readMetadata, type ReadRows, readRows, type RowReading } from "./rows.ts";
import { assignColumns, type Columns, type Domain, domains, type InputKind } from "./schema.ts";
import { outOfStockCells } from "./stock.ts";
import { gathered, type InputNote, type Problem } from "./notes.ts";

export type { BadRows } from "./rejected.ts";
export type { InputNote } from "./notes.ts";

/** How one attribute is treated; what is absent has its default. */
export interface AttributeRule extends Partial<FillRule> {
  readonly aggregation?: Aggregation;
}

export interface ReadInputsOptions {
  readonly target: InputFile;
  readonly related?: InputFile;
  readonly metadata?: InputFile;
  /** As `D`, `15min`, `3M`, `W-SUN`; `auto` (default): as often as rows come. */
  readonly frequency?: string;
  /** Steps to forecast, at least 1. */
  readonly horizon: number;
  /** Default RETAIL. */
  readonly domain?: Domain;
  /** Columns of the target to forecast by, beside the item; others are summed over. Default: all there are. */
  readonly dimensions?: readonly string[];
  /** Of several target rows in one step. Default sum; naming it also accepts duplicates and strays (N2). */
  readonly aggregation?: Aggregation;
  /** By attribute: the target's or a related number's name. */
  readonly rules?: Readonly<Record<string, AttributeRule>>;
  /** Columns to leave out, for one a related number of which only the past is known. */
  readonly without?: readonly string[];
  /** Weekly stamps are the first day of their week (default), or the last. */
  readonly stamps?: "begin" | "end";
  /** First and last day (or instant) of the history; rows outside are left out. Naming them also says that rows far off are meant. */
  readonly begin?: string;
  readonly end?: string;
  /** What a series holds from where it ended before the others to the end of the history; default: what its back rule says. */
  readonly ended?: "zero" | "unknown" | "discontinued";
  /** Demand (default): a gap in sales is no sale. False: numbers that may be negative, of which a gap is unknown. */
  readonly nonNegative?: boolean;
  /** Share of rows, and of the target's value, that may be bad; default 0.1. */
  readonly mostBadShare?: number;
  /** A column of the target or the related file that is 0 (or false) where there was no stock: demand is then unknown, not zero. */
  readonly stockColumn?: string;
  /** How dates are written, as `dd.mm.yyyy`; default ISO. */
  readonly dateFormat?: string;
  /** The decimal sign of numbers; default: what the values of a column prove. */
  readonly decimal?: DecimalSign;
  /** Of text files; default: found. */
  readonly encoding?: string;
  /** From a file's own names of columns to those of the domain. */
  readonly map?: ColumnMap;
  /**
   * Related numbers of which some of the horizon is unknown. "refuse" (default): an error. "leave-out": left out with a note when most of it is
   * unknown, otherwise unknown where it is, for files that Amazon Forecast's AutoPredictor took. "keep": NaN where unknown, for backtests within
   * the history.
   */
  readonly shortRelated?: "refuse" | "leave-out" | "keep";
  /** Country (`US`) or state (`US-CA`) whose holidays become shared regressors. */
  readonly holidays?: string;
  /** Events of one's own, alone or beside a country's holidays: a file (see events.ts), and rows of settings. */
  readonly events?: InputFile;
  readonly eventRows?: readonly EventRow[];
  /** Seasonal periods in steps; default by frequency. */
  readonly seasons?: readonly number[];
  /** Every bad row as it comes. The result keeps the first 1,000 of each file. */
  readonly onBadRow?: (kind: InputKind, row: BadRow) => void;
  /** Rows read so far, of all files. */
  readonly onRows?: (rows: number) => void;
  readonly signal?: AbortSignal;
}

export interface Inputs {
  readonly panel: Panel;
  readonly bad: readonly BadRows[];
  readonly notes: readonly InputNote[];
  /** What the domain calls its item and its target: the headers of what goes out. */
  readonly names: { readonly item: string; readonly target: string };
}

/**
 * Reads the files and builds the panel.
 *
 * Throws `input`: one problem under its own code (`INPUT_FREQUENCY_UNKNOWN`, `INPUT_HORIZON_WRONG`, `INPUT_HOLIDAYS_UNKNOWN`,
 * `INPUT_SEASONS_WRONG`, `INPUT_COLUMN_MISSING`, `INPUT_DIMENSION_MISSING`, `INPUT_RULE_UNKNOWN`, `INPUT_OFF_GRID`, `INPUT_DUPLICATES`,
 * `INPUT_RELATED_SHORT`, `INPUT_HORIZON_TOO_LONG`, `PANEL_EMPTY`, ... and those of `readTable`), several as `FORECAST_INPUT_INVALID` with a line each.
 *
 * @example
 * const { panel, bad, notes } = await readInputs({ target: { name: "sales.csv", body: fileBody("sales.csv") }, frequency: "D", horizon: 28 });
 */
export async function readInputs(options: ReadInputsOptions): Promise<Inputs> {
  const problems: Problem[] = [];
  const settings = readSettings(options, problems);
  const ofEvents: InputNote[] = [];
  const events = await eventsOf(options, settings, problems, ofEvents);
  const files = await openAll(options, settings, problems);
  try {
    const { target, related, metadata } = files;
    if (problems.length > 0 || target === undefined) {
      // What is wrong with the rows of the files that can be read is told in the same breath.
      for (const [kind, file] of [["target", target] as const, ["related", related] as const]) {
        if (file === undefined) continue;
        const rows = await readOr(readingOf(file, options, settings, undefined), kind, problems);
        if (rows !== undefined) tellBad(file, rows, problems, settings);
      }
      throw gathered(problems);
    }
    const targetName = target.columns.numbers[0].name;
    const notes: InputNote[] = [];
    let total = 0;
    const reading = (file: Opened): RowReading =>
      readingOf(file, options, settings, (rows) => {
        total += rows;
        options.onRows?.(total);
      });
    const targetRows = await readOr(reading(target), "target", problems);
    // Related rows before cells only where they say what was in stock: cells are a third of their rows.
    const early = related?.columns.stock === undefined ? undefined : await readOr(reading(related), "related", problems);
    const isBad = targetRows === undefined || tellBad(target, targetRows, problems, settings);
    const frequency = isBad ? undefined : judgeRows(options, settings, target, targetRows, problems, notes);
    const skipped = frequency === undefined || targetRows === undefined ? [] : turnClocks(frequency, target, targetRows, notes);
    const cells =
      frequency === undefined || targetRows === undefined
        ? undefined
        : gather(options, frequency, { target, targetRows, early, skipped }, problems);
    const isRead = related?.columns.stock !== undefined;
    const relatedRows = related === undefined ? undefined : isRead ? early : await readOr(reading(related), "related", problems);
    if (related !== undefined && relatedRows !== undefined && !tellBad(related, relatedRows, problems, settings))
      checkRelated(options, related, relatedRows, problems, notes);
    const items = metadata === undefined ? undefined : await readMetadata(reading(metadata));
    if (metadata !== undefined && items !== undefined)
      tellBad(metadata, { rows: { count: items.items.size }, size: 0 }, problems, settings);
    const isWhole = related === undefined || relatedRows !== undefined;
    const built = cells === undefined || !isWhole ? undefined : build(options, { cells, related, relatedRows, items }, problems);
    if (built === undefined || cells === undefined || targetRows === undefined) throw gathered(problems);
    notes.push(...offsetNotes(target, targetRows), ...(related === undefined ? [] : offsetNotes(related, relatedRows)));
    notes.push(...waysOfReading(target, targetRows), ...(related === undefined ? [] : waysOfReading(related, relatedRows)));
    const named = {
      relatedItems: relatedRows?.keys.levels[0] ?? [],
      metadataItems: items === undefined ? undefined : new Set(items.items.keys()),
    };
    const judged = judge(options, { target, related, metadata, targetRows, cells, ...named }, built, problems, notes);
    notes.push(...ofEvents);
    const panel = withEvents(judged, events, options, notes);
    if (problems.length > 0) throw gathered(problems);
    return {
      panel,
      bad: [target, related, metadata].flatMap((file) => (file === undefined ? [] : [file.apart.result()])),
      notes,
      names: { item: settings.domain.item, target: targetName },
    };
  } finally {
    for (const file of [files.target, files.related, files.metadata]) await file?.open.close();
  }
}

function readingOf(file: Opened, options: ReadInputsOptions, settings: Settings, onRows: ((rows: number) => void) | undefined): RowReading {
  const isTarget = file.kind === "target";
  return {
    name: file.apart.file,
    table: file.open.table,
    decimal: options.decimal,
    columns: file.columns,
    parseTime: settings.parseTime,
    timePattern: settings.timePattern,
    between: isTarget ? settings.between : { from: Number.NEGATIVE_INFINITY, before: Number.POSITIVE_INFINITY },
    onBadRow: file.apart.add,
    onRows: onRows ?? (() => undefined),
    signal: options.signal,
  };
}

/** Whether so much of a file is bad that nothing can be told of the rest. */
function tellBad(
  file: Opened,
  good: { readonly rows: { readonly count: number }; readonly size: number },
  problems: Problem[],
  settings: Settings,
): boolean {
  const { apart, columns, looks } = file;
  const problem = apart.problem({ rows: good.rows.count, size: good.size }, columns.item.place + 1);
  if (problem === undefined) return false;
  const blank = columns.assumed.filter(({ place }) => looks[place]?.kind === "empty");
  if (blank.length > 0) problems.push(emptyColumns(file, blank));
  else problems.push(problem);
  // A row is set apart for its first mistake: dates that nothing could be read from either are told by a look at them.
  const look = columns.timestamp === undefined ? undefined : looks[columns.timestamp.place];
  const cure = look === undefined ? "" : patternCure(look);
  if (look !== undefined && cure !== "" && Number.isNaN(settings.parseTime(look.example)) && !problem.message.includes(cure)) {
    problems.push({
      code: "INPUT_TIMESTAMP_WRONG",
      message: `Expected dates of ${apart.file} as ${settings.timePattern} in ${look.name} but received ${shown(look)}. ${cure}`,
      facts: { file: apart.file, line: look.line, column: look.place + 1 },
    });
  }
  return true;
}

/** Columns nobody named as dimensions, and nobody filled in. */
function emptyColumns({ apart, columns }: Opened, blank: Columns["assumed"]): Problem {
  const names = blank.map(({ name, place }) => (name === "" ? `column ${place + 1}, which has no name,` : `${name} (column ${place + 1})`));
  const kept = columns.dimensions.filter((each) => !blank.includes(each)).map(({ name }) => name);
  return {
    code: "INPUT_COLUMN_EMPTY",
    message: `Expected values in the columns of ${apart.file} that tell series apart but ${names.join(", ")} ${blank.length === 1 ? "is" : "are"} empty. Leave ${blank.length === 1 ? "it" : "them"} out: --dimensions ${kept.length === 0 ? "none" : kept.join(",")}; or fill ${blank.length === 1 ? "it" : "them"} in.`,
    facts: { file: apart.file, column: (blank[0]?.place ?? 0) + 1 },
  };
}

/** The rows of a file; undefined when its numbers can be read in two ways, which is told. */
async function readOr(reading: RowReading, kind: "target" | "related", problems: Problem[]): Promise<ReadRows | undefined> {
  try {
    return await readRows(reading, kind);
  } catch (thrown) {
    if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
    problems.push({ code: thrown.code, message: thrown.message, facts: thrown.facts });
    return undefined;
  }
}

/** Notes on how texts became numbers, where it was not the usual way. */
function waysOfReading(file: Opened, rows: ReadRows | undefined): readonly InputNote[] {
  const { open, apart } = file;
  // That a column is constant or empty is told where it matters.
  const formats = (rows?.numbers ?? []).map((summary) => ({ ...summary, values: 0, missing: 0 }));
  const { stock } = file.columns;
  const taken = stock === undefined ? [] : [`${stock.name} of ${apart.file} is read as what was in stock: 0 or false is out of stock.`];
  // A group's schema was given to name columns by; without one nobody said what they are.
  const named =
    open.headless && file.schema === undefined
      ? [`The first line of ${apart.file} is data, not a header: its columns are taken as ${open.table.columns.join(", ")}.`]
      : [];
  const told = [
    ...named,
    ...taken,
    ...encodingNotes(apart.file, open.table.encoding?.()),
    ...numberNotes(formats).map((note) => `${apart.file}: ${note}`),
  ];
  return told.map((message) => ({ code: "INPUT_READ_AS", message }));
}

/** Offsets from UTC that stamps came with: a day of sales is a day where they were made. */
function offsetNotes(file: Opened, rows: ReadRows | undefined): readonly InputNote[] {
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

interface Settings {
  readonly domain: { readonly item: string; readonly target: string };
  readonly parseTime: (text: string) => number;
  readonly timePattern: string;
  readonly between: { readonly from: number; readonly before: number };
}

function readSettings(options: ReadInputsOptions, problems: Problem[]): Settings {
  const { frequency = "auto" } = options;
  if (frequency !== "auto" && parseFrequency(frequency) === undefined) {
    problems.push({
      code: "INPUT_FREQUENCY_UNKNOWN",
      message: `Expected a frequency but received "${frequency}". Write auto, ${frequenciesAllowed}.`,
      facts: { frequency },
    });
  }
  if (!Number.isInteger(options.horizon) || options.horizon < 1) {
    problems.push({
      code: "INPUT_HORIZON_WRONG",
      message: `Expected a whole number of steps for the horizon but received ${options.horizon}. Give 1 or more.`,
    });
  }
  if (options.seasons?.some((period) => !(period > 1 && Number.isFinite(period))) === true) {
    problems.push({
      code: "INPUT_SEASONS_WRONG",
      message: `Expected seasonal periods above 1 but received ${options.seasons.join(", ")}. Give steps per season, such as 12.`,
    });
  }
  if (options.holidays !== undefined && !knowsHolidays(options.holidays)) {
    problems.push({
      code: "INPUT_HOLIDAYS_UNKNOWN",
      message: `Expected a country with known holidays but received "${options.holidays}". Write its two letters (US), or with a state US-CA.`,
    });
  }
  const format = dateFormatOf(options.dateFormat, problems);
  const instant = (name: "begin" | "end"): number | undefined => {
    const text = options[name];
    if (text === undefined) return undefined;
    const seconds = parseTimestamp(text);
    if (!Number.isNaN(seconds)) return seconds;
    problems.push({
      code: "INPUT_RANGE_WRONG",
      message: `Expected ${name} as yyyy-MM-dd or yyyy-MM-dd HH:mm:ss but received "${text}". Write it so.`,
    });
    return undefined;
  };
  const end = instant("end");
  return {
    domain: domains[options.domain ?? "RETAIL"],
    parseTime: format === undefined ? parseTimestamp : (text) => format.parse(text),
    timePattern: format === undefined ? "yyyy-MM-dd or yyyy-MM-dd HH:mm:ss (UTC)" : format.pattern,
    between: {
      from: instant("begin") ?? Number.NEGATIVE_INFINITY,
      // A day that is named is in as a whole.
      before: end === undefined ? Number.POSITIVE_INFINITY : end + ((options.end ?? "").length > 10 ? 1 : 86_400),
    },
  };
}

function dateFormatOf(pattern: string | undefined, problems: Problem[]): DateFormat | undefined {
  if (pattern === undefined) return undefined;
  const format = parseDateFormat(pattern);
  if (format === undefined) {
    problems.push({
      code: "INPUT_DATE_FORMAT_WRONG",
      message: `Expected a date format as ${datePatternsAllowed} but received "${pattern}". Write it so.`,
    });
  }
  return format;
}

interface Opened {
  readonly kind: InputKind;
  readonly open: OpenFile;
  readonly columns: Columns;
  readonly looks: readonly Look[];
  readonly apart: Isolated;
  readonly schema: InputFile["schema"];
}

interface OpenedFiles {
  readonly target: Opened | undefined;
  readonly related: Opened | undefined;
  readonly metadata: Opened | undefined;
}

async function openAll(options: ReadInputsOptions, settings: Settings, problems: Problem[]): Promise<OpenedFiles> {
  const unmapped: (readonly string[])[] = [];
  const opening = { options, settings, problems, unmapped };
  const target = await openOne("target", options.target, options.dimensions, opening);
  const dimensions = target?.columns.dimensions.map(({ name }) => name);
  const related = options.related === undefined ? undefined : await openOne("related", options.related, dimensions, opening);
  const metadata = options.metadata === undefined ? undefined : await openOne("metadata", options.metadata, undefined, opening);
  const [some, ...others] = unmapped;
  for (const name of some ?? []) {
    if (!others.every((missing) => missing.includes(name))) continue;
    problems.push({
      code: "INPUT_MAP_UNKNOWN",
      message: `Expected columns of the files on the left of --map but none is called ${name}. Correct the name.`,
    });
  }
  checkNames(options, { target, related, metadata }, problems);
  return { target, related, metadata };
}

/** Names that options give and no file has. */
function checkNames(options: ReadInputsOptions, { target, related }: OpenedFiles, problems: Problem[]): void {
  if (target === undefined || (options.related !== undefined && related === undefined)) return;
  const numbers = [...target.columns.numbers, ...(related?.columns.numbers ?? [])].map(({ name }) => name);
  for (const name of Object.keys(options.rules ?? {})) {
    if (numbers.includes(name) || options.without?.includes(name) === true) continue;
    problems.push({
      code: "INPUT_RULE_UNKNOWN",
      message: `Expected filling rules for ${numbers.join(", ")} but one names ${name}. Correct the name, or add the column.`,
    });
  }
  const { stockColumn } = options;
  if (stockColumn !== undefined && target.columns.stock === undefined && related?.columns.stock === undefined) {
    problems.push({
      code: "INPUT_STOCK_MISSING",
      message: `Expected a column ${stockColumn} that says what was in stock, in the target or the related file, but neither has it. Correct the name.`,
    });
  }
}

interface Opening {
  readonly options: ReadInputsOptions;
  readonly settings: Settings;
  readonly problems: Problem[];
  readonly unmapped: (readonly string[])[];
}

async function openOne(
  kind: InputKind,
  file: InputFile,
  dimensions: readonly string[] | undefined,
  { options, settings, problems, unmapped }: Opening,
): Promise<Opened | undefined> {
  const domain = options.domain ?? "RETAIL";
  let looks: readonly Look[] = [];
  const apart = setApart(kind, file.name, {
    onBadRow: options.onBadRow,
    mostBadShare: options.mostBadShare ?? mostBadShare,
    looks: () => looks,
  });
  let open: OpenFile;
  try {
    open = await openInput(file, {
      kind,
      domain,
      map: options.map ?? {},
      encoding: options.encoding,
      parseTime: settings.parseTime,
      onBadRow: (row) => apart.add(row),
      signal: options.signal,
    });
  } catch (thrown) {
    if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
    problems.push({ code: thrown.code, message: thrown.message, facts: thrown.facts });
    return undefined;
  }
  unmapped.push(open.unmapped);
  looks = lookAt(open.table.columns, open.sample);
  const assigned = assignColumns({
    kind,
    file: file.name,
    domain,
    columns: open.table.columns,
    schema: file.schema,
    dimensions,
    without: options.without ?? [],
    stockColumn: options.stockColumn,
    looks,
    readsTime: (text) => !Number.isNaN(settings.parseTime(text)),
  });
  if (assigned.columns === undefined) {
    problems.push(...assigned.problems);
    await open.close();
    return undefined;
  }
  return { kind, open, columns: assigned.columns, looks, apart, schema: file.schema };
}

/** What the rows say of their frequency, their ends and their columns; the frequency, unless a problem was told. */
function judgeRows(
  options: ReadInputsOptions,
  settings: Settings,
  target: Opened,
  read: ReadRows,
  problems: Problem[],
  notes: InputNote[],
): Frequency | undefined {
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
  checkDimensions(target, read, problems, notes);
  const ofNames = nameNotes(target, read);
  const before = problems.length;
  const frequency = decideFrequency(read.rows, {
    asked: options.frequency ?? "auto",
    weeksEnd: options.stamps === "end",
    file,
    column,
    problems,
    notes,
  });
  notes.push(...ofNames);
  if (frequency === undefined) return undefined;
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
    const told = `${strays.rows} timestamps of ${file} stand beside the grid of the others (${printFrequency(frequency)}, such as ${instantText(strays.usual)}); the first is ${instantText(strays.stray)} (${where})`;
    if (options.aggregation === undefined) {
      problems.push({
        code: "INPUT_OFF_GRID",
        message: `Expected timestamps on one grid but ${told}. Correct them, or name an aggregation to put them into the step around them.`,
        facts: { file, line: strays.line, column, rows: strays.rows },
      });
    } else notes.push({ code: "INPUT_OFF_GRID", message: `${told}. They were put into the step around them.` });
  }
  // A panel of a grid that is not believed may be huge.
  return problems.slice(before).some(({ code }) => code === "INPUT_STRAY_DATES") ? undefined : frequency;
}

/** A file without rows, or without a number in any. */
function saysNothing(target: Opened, { rows, empty, outside }: ReadRows): Problem | undefined {
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
function turnClocks(frequency: Frequency, target: Opened, { rows }: ReadRows, notes: InputNote[]): readonly number[] {
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
function checkRelated(
  options: ReadInputsOptions,
  related: Opened,
  { keys, rows }: ReadRows,
  problems: Problem[],
  notes: InputNote[],
): void {
  const { file } = related.apart;
  const { numbers } = related.columns;
  for (const { name, place, values, apart } of tellingApart(numbers, { keys, rows })) {
    if (options.rules?.[name]?.aggregation !== undefined) continue;
    const told = `${name} of ${file} (column ${place + 1}; ${values.join(", ")}, ...) tells ${apart} rows of one item and time apart, as a dimension does, and the target has no such column`;
    const cure = `Add ${name} to the target, or leave it out (--without ${name}; Inputs.Without in the settings) if the others may be averaged over it.`;
    if (options.shortRelated === "leave-out") {
      notes.push({ code: "INPUT_RELATED_DIMENSION", message: `${told}: it and all other numbers were averaged over it. ${cure}` });
    } else {
      problems.push({
        code: "INPUT_RELATED_DIMENSION",
        message: `Expected numbers that are known of an item at a time but ${told}. ${cure}`,
        facts: { file, column: place + 1, attribute: name, rows: apart },
      });
    }
  }
}

/** Of so many rows a column is judged. */
const lookedRelated = 300_000;
/** Marks of a dimension are few beside the rows. */
const mostMarks = 1_000;

/** With a larger share of filled steps, and no word about them, a forecast is worth a second look. */
const mostFilled = 0.9;

function tellingApart(
  numbers: readonly { readonly name: string; readonly place: number }[],
  { keys, rows }: Pick<ReadRows, "keys" | "rows">,
): readonly { readonly name: string; readonly place: number; readonly values: readonly number[]; readonly apart: number }[] {
  if (numbers.length < 2 || keys.size === 0) return [];
  const seen = new Set<string>();
  const withMark = numbers.map(() => new Set<string>());
  const marks = numbers.map(() => new Set<number>());
  let looked = 0;
  for (const block of rows.blocks) {
    for (let i = 0; i < block.count && looked < lookedRelated; i++, looked++) {
      const at = `${block.keys[i]} ${block.minutes[i]} ${block.seconds[i]}`;
      seen.add(at);
      for (let c = 0; c < numbers.length; c++) {
        const value = block.values[c][i];
        if (!Number.isInteger(value) || marks[c].size > mostMarks) continue;
        marks[c].add(value);
        withMark[c].add(`${at} ${value}`);
      }
    }
  }
  const apart = looked - seen.size;
  if (apart === 0) return [];
  return numbers.flatMap(({ name, place }, c) => {
    const isOne = withMark[c].size === looked && marks[c].size > 1 && marks[c].size <= mostMarks && marks[c].size * 4 < looked;
    return isOne ? [{ name, place, values: [...marks[c]].toSorted((a, b) => a - b).slice(0, 3), apart }] : [];
  });
}

/** Names of the sum of all others. */
const totals = /^(?:grand )?(?:totals?|all|sum|overall|gesamt|summe|insgesamt|totaal|tous|todos)$/i;

/** Items, or values of a dimension, that are most likely one written in two ways; and an item that is most likely the sum of the others. */
function nameNotes(target: Opened, { keys }: ReadRows): readonly InputNote[] {
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

/** Texts that nobody named as dimensions are told; those that tell no two rows of one time apart are none. */
function checkDimensions(target: Opened, { keys, rows }: ReadRows, problems: Problem[], notes: InputNote[]): void {
  const { assumed } = target.columns;
  if (assumed.length === 0 || keys.size === 0) return;
  const { file } = target.apart;
  const items = keys.levels[0].length;
  const names = assumed.map(({ name, place }, c) => `${name} (${keys.levels[c + 1]?.length ?? 0} values, column ${place + 1})`);
  // Rows of one item at one time: with a true dimension there are several somewhere.
  const times = new Set<number>();
  let looked = 0;
  let together = 0;
  for (const block of rows.blocks) {
    for (let i = 0; i < block.count && looked < 300_000; i++) {
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
    return;
  }
  notes.push({
    code: "INPUT_DIMENSIONS",
    message: `${file} is forecast by ${names.join(", ")} beside the item: ${keys.size} series of ${items} items. --dimensions names others, or none.`,
  });
}

interface Gathered {
  readonly cells: TargetCells;
  readonly related: Opened | undefined;
  readonly relatedRows: ReadRows | undefined;
  readonly items: ItemMetadata | undefined;
}

function gather(
  options: ReadInputsOptions,
  frequency: Frequency,
  read: {
    readonly target: Opened;
    readonly targetRows: ReadRows;
    readonly early: ReadRows | undefined;
    readonly skipped: readonly number[];
  },
  problems: Problem[],
): TargetCells | undefined {
  const { target, targetRows, early } = read;
  const rule = options.rules?.[target.columns.numbers[0].name] ?? {};
  const aggregation = options.aggregation ?? rule.aggregation ?? "sum";
  const isDemand = options.nonNegative ?? true;
  const ended = options.ended ?? (isDemand ? undefined : "unknown");
  const { keys, rows, out } = targetRows;
  const isStockKnown = target.columns.stock !== undefined || early !== undefined;
  return orProblem(problems, target, () =>
    gatherTarget(
      {
        keys,
        rows,
        aggregation,
        fill: { ...(isDemand ? targetFill : unknownFill), ...rule },
        emptyRows: rule.middle === undefined && rule.back === undefined ? "unknown" : "fill",
        ...(ended === undefined ? {} : { ended }),
        skipped: read.skipped,
        ...(isStockKnown ? { censored: (_, steps): CensoredCells => outOfStockCells(keys, out, early, steps) } : {}),
      },
      frequency,
    ),
  );
}

function build(options: ReadInputsOptions, read: Gathered, problems: Problem[]): BuiltPanel | undefined {
  const { horizon, holidays } = options;
  const { cells, related, relatedRows, items } = read;
  const attributes: readonly RelatedAttribute[] = (related?.columns.numbers ?? []).map(({ name }) => {
    const own = options.rules?.[name] ?? {};
    return { name, aggregation: own.aggregation ?? "avg", fill: { ...relatedFill, ...own } };
  });
  return orProblem(problems, related, () =>
    buildPanel({
      horizon,
      seasons: options.seasons === undefined ? seasonsOf(cells.frequency) : options.seasons.toSorted((a, b) => a - b),
      target: cells,
      ...(relatedRows === undefined ? {} : { related: { keys: relatedRows.keys, rows: relatedRows.rows, attributes } }),
      ...(items === undefined ? {} : { metadata: items }),
      ...(holidays === undefined
        ? {}
        : {
            shared: (grid) => {
              const { from, to } = daysOf(grid);
              return holidayRegressors(grid, holidaysOf(holidays, from, to));
            },
          }),
    }),
  );
}

/** What `make` gives, or its refusal as a problem, with the first row of the file that was set apart. */
function orProblem<T>(problems: Problem[], file: Opened | undefined, make: () => T): T | undefined {
  try {
    return make();
  } catch (thrown) {
    if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
    const { count, rows } = file?.apart.result() ?? { count: 0, rows: [] };
    const [first] = rows;
    const why =
      first === undefined ? "" : ` ${count} rows of ${file?.apart.file} were set apart, the first in line ${first.line}: ${first.reason}`;
    problems.push({ code: thrown.code, message: `${thrown.message}${why}`, facts: { ...thrown.facts, file: file?.apart.file } });
    return undefined;
  }
}

/** Looks at what came of it: problems that only the panel shows, and notes. Gives the panel without the numbers left out. */
function judge(
  options: ReadInputsOptions,
  files: {
    readonly target: Opened;
    readonly related: Opened | undefined;
    readonly metadata: Opened | undefined;
    readonly targetRows: ReadRows;
    readonly cells: TargetCells;
    /** Items the other files name. */
    readonly relatedItems: readonly string[];
    readonly metadataItems: ReadonlySet<string> | undefined;
  },
  built: BuiltPanel,
  problems: Problem[],
  notes: InputNote[],
): Panel {
  const { panel, merged } = built;
  const { grid } = panel;
  const file = files.target.apart.file;
  for (const { item, file: kind, line } of built.unknownItems) {
    const opened = kind === "target" ? files.target : files.related;
    opened?.apart.add({
      line,
      column: opened.columns.item.place + 1,
      code: "INPUT_ITEM_UNKNOWN",
      reason:
        "Expected history or metadata of each item to forecast but this one has neither. Add a line to the metadata, or remove the item.",
      sample: item.slice(0, 200),
    });
  }
  // Where columns are summed over, equal timestamps of what they told apart are no duplicates, but equal rows are.
  const summedOver = files.target.columns.ignored.length > 0;
  const { repeats } = files.targetRows;
  const duplicates = summedOver ? repeats.count : merged.duplicates;
  const firstDuplicate = summedOver ? repeats : merged.firstDuplicate;
  if (duplicates > 0) {
    const at = firstDuplicate === undefined ? "" : `; the first is line ${firstDuplicate.line}, which repeats line ${firstDuplicate.of}`;
    const told = `${duplicates} rows of ${file} repeat ${summedOver ? "another row" : "the timestamp of another row of their series"}${at}`;
    if (options.aggregation === undefined) {
      const column = (files.target.columns.timestamp?.place ?? 0) + 1;
      problems.push({
        code: "INPUT_DUPLICATES",
        message: `Expected each timestamp of a series once but ${told} (column ${column}). Remove them, or name an aggregation such as sum.`,
        facts: { file, line: firstDuplicate?.line, column, duplicates },
      });
    } else notes.push({ code: "INPUT_DUPLICATES", message: `${told}. They were aggregated (${options.aggregation}).` });
  }
  if (merged.rows > duplicates) {
    notes.push({
      code: "INPUT_AGGREGATED",
      message: `${merged.rows - duplicates} rows of ${file} share their step of ${printFrequency(grid.frequency)} with another and were aggregated (${options.aggregation ?? options.rules?.[files.target.columns.numbers[0].name]?.aggregation ?? "sum"}).`,
    });
  }
  notes.push(...filledNotes(options, files, panel));
  if (options.horizon + 2 > grid.length) {
    problems.push({
      code: "INPUT_HORIZON_TOO_LONG",
      message: `Expected a history of at least ${options.horizon + 2} steps for a horizon of ${options.horizon} (no backtest is possible with less) but ${file} has ${grid.length}. Shorten the horizon or send more history.`,
      facts: { file, horizon: options.horizon, history: grid.length },
    });
  } else if (options.horizon * 3 > grid.length || options.horizon > 500) {
    notes.push({
      code: "INPUT_HORIZON_LONG",
      message: `The horizon of ${options.horizon} steps is beyond what Amazon Forecast takes (500 steps, and a third of the history of ${grid.length}); fewer backtest windows fit.`,
    });
  }
  if (built.coldStarts > 0) {
    notes.push({
      code: "INPUT_COLD_STARTS",
      message: `${built.coldStarts} series have no history and are forecast from what is known of their item, where a model serves that can do so.`,
    });
  }
  const sold = files.targetRows.keys.levels[0];
  const unnamed = files.metadataItems === undefined ? [] : sold.filter((item) => files.metadataItems?.has(item) === false);
  if (unnamed.length > 0) {
    notes.push({
      code: "INPUT_METADATA_MISSING",
      message: `${unnamed.length} of ${sold.length} items have no row in ${files.metadata?.apart.file ?? "the metadata"}, such as ${unnamed[0]}: nothing is known of them there.${unnamed.length === sold.length ? strangersTo([...(files.metadataItems ?? [])], panel) : ""}`,
    });
  }
  return withoutShort(options, files, built, problems, notes);
}

async function eventsOf(
  options: ReadInputsOptions,
  settings: Settings,
  problems: Problem[],
  notes: InputNote[],
): Promise<readonly EventSpan[]> {
  const { parseTime } = settings;
  const rows = spansOf(options.eventRows ?? [], parseTimestamp);
  if (options.events === undefined) return rows;
  // Days of the events file may be ISO although those of the others are not.
  const either = (text: string): number => {
    const seconds = parseTimestamp(text);
    return Number.isNaN(seconds) ? parseTime(text) : seconds;
  };
  return [
    ...rows,
    ...(await readEvents(options.events, { parseTime: either, encoding: options.encoding, signal: options.signal, problems, notes })),
  ];
}

/** The panel with its events, and notes on those nothing is known of. */
function withEvents(panel: Panel, events: readonly EventSpan[], { holidays }: ReadInputsOptions, notes: InputNote[]): Panel {
  if (events.length === 0) return panel;
  const levels = new Set(panel.dimensions.flatMap((each) => each.levels));
  const country = holidays?.toLowerCase();
  const known: EventSpan[] = [];
  const elsewhere = new Map<string, number>();
  for (const event of events) {
    const { place } = event;
    if (place === undefined || levels.has(place)) known.push(event);
    else if (country !== undefined && (country === place.toLowerCase() || country.split("-")[0] === place.toLowerCase()))
      known.push({ ...event, place: undefined });
    else elsewhere.set(place, (elsewhere.get(place) ?? 0) + 1);
  }
  if (elsewhere.size > 0) {
    const some = [...elsewhere].slice(0, 5).map(([place, count]) => `${place} (${count} events)`);
    notes.push({
      code: "INPUT_EVENTS_ELSEWHERE",
      message: `Events in ${some.join(", ")}${elsewhere.size > 5 ? ", ..." : ""} are left out: a place is a value of a dimension (${panel.dimensions.map(({ name }) => name).join(", ") || "the target has none"}) or the country named by --holidays.`,
    });
  }
  const placed = placeEvents(panel, known);
  const day = (since1970: number): string => instantText(since1970 * 86_400);
  for (const { name, last, day: next } of placed.missing) {
    notes.push({
      code: "INPUT_EVENT_AHEAD_MISSING",
      message: `${name} was last on ${day(last)} and is due again about ${day(next)}, within the horizon, but the events do not have it: these days are forecast as ordinary ones. Add it if it takes place.`,
    });
  }
  if (placed.unseen.length > 0) {
    notes.push({
      code: "INPUT_EVENT_UNSEEN",
      message: `Nothing can be learnt of ${placed.unseen.slice(0, 5).join(", ")}${placed.unseen.length > 5 ? ", ..." : ""}: the history has none of them.`,
    });
  }
  return { ...panel, regressors: [...panel.regressors, ...placed.regressors], shared: [...panel.shared, ...placed.shared] };
}

/** What stands in the history without a row that says so. */
function filledNotes(
  options: ReadInputsOptions,
  { target, targetRows, cells }: { readonly target: Opened; readonly targetRows: ReadRows; readonly cells: TargetCells },
  { grid }: Panel,
): readonly InputNote[] {
  const { facts } = cells;
  const { file } = target.apart;
  const { name } = target.columns.numbers[0];
  const rule = options.rules?.[name];
  const isDemand = options.nonNegative ?? true;
  const notes: InputNote[] = [];
  if (targetRows.empty > 0) {
    notes.push({
      code: "INPUT_EMPTY_VALUES",
      message: `${targetRows.empty} rows of ${file} have no ${name}; ${facts.emptyKept > 0 || (rule?.middle === undefined && rule?.back === undefined) ? "they count as unknown, not as zero" : "they were filled by rule"}.`,
    });
  }
  if (facts.ended !== undefined) {
    const { count, first, lastStep } = facts.ended;
    const assumed = options.ended ?? (isDemand ? `${(rule?.back ?? targetFill.back).kind} (the fill of the back)` : "unknown");
    const end = timestampOf(grid, grid.length - 1);
    notes.push({
      code: "INPUT_ENDED_EARLY",
      message: `${count} of ${cells.keys.size} series end before ${end}, the first is ${first} at ${timestampOf(grid, lastStep)}; from there on ${assumed === "discontinued" ? "they count as discontinued and are not forecast" : `they were taken as ${assumed}`}. --ended zero, unknown or discontinued says what is true.`,
    });
  }
  if (facts.gaps > 0.2 * facts.cells && facts.filled > 0) {
    // Whoever named the rule knows of it; else a forecast of little but what was filled in is a doubtful one.
    const isMostly = facts.filled > mostFilled * facts.cells && rule?.middle === undefined;
    const cure = `The forecast is mostly of what was filled in: if these steps are true, say so (--fill "${name} middlefill=zero"; in settings, a middlefill of ${name}), or use a coarser frequency.`;
    notes.push({
      code: isMostly ? "INPUT_MOSTLY_FILLED" : "INPUT_FILLED",
      message: `${facts.filled} of ${facts.cells} steps of history (${Math.round((100 * facts.filled) / facts.cells)} %) had no row in ${file} and were filled by rule (${(rule?.middle ?? targetFill.middle).kind}).${isMostly ? ` ${cure}` : ""}`,
    });
  }
  if (facts.censored + facts.censoredKept > 0) {
    notes.push({
      code: "INPUT_OUT_OF_STOCK",
      message: `${facts.censored + facts.censoredKept} steps of history were out of stock: in ${facts.censored} demand counts as unknown, in ${facts.censoredKept} more than usual was sold all the same and stands as the least that was wanted.`,
    });
  }
  return notes;
}

function countBelowZero({ rows }: ReadRows): number {
  let below = 0;
  for (const { values, count } of rows.blocks) for (let i = 0; i < count; i++) if (values[0][i] < 0) below += 1;
  return below;
}

/** Related numbers of which the horizon is unknown: refused, or left out. */
function withoutShort(
  options: ReadInputsOptions,
  files: { readonly related: Opened | undefined; readonly relatedItems: readonly string[] },
  built: BuiltPanel,
  problems: Problem[],
  notes: InputNote[],
): Panel {
  const { panel } = built;
  const { grid } = panel;
  const file = files.related?.apart.file ?? "";
  const leftOut = new Set<string>();
  for (const facts of built.related) {
    const { name } = facts;
    if (facts.merged.rows > 0) {
      notes.push({
        code: "INPUT_RELATED_AGGREGATED",
        message: `${facts.merged.rows} values of ${name} in ${file} share their step with another and were aggregated (${options.rules?.[name]?.aggregation ?? "avg"}).`,
      });
    }
    if (facts.historyMissing > 0) {
      notes.push({
        code: "INPUT_RELATED_UNKNOWN",
        message: `${facts.historyMissing} of ${facts.historyCells} steps of history have no ${name} and count as unknown. Name a middlefill to fill them.`,
      });
    }
    const far = farAhead(panel, name);
    if (far !== undefined) {
      notes.push({
        code: "INPUT_RELATED_FAR",
        message: `${name} of ${file} lies far outside anything seen in ${far.cells} of ${panel.itemIds.length * grid.horizon} steps ahead: ${farText(panel, far)} Correct it if it is a slip.`,
      });
    }
    if (facts.futureMissing === 0) continue;
    const place = files.related?.columns.numbers.find((column) => column.name === name)?.place ?? 0;
    const step = timestampOf(grid, facts.firstShortStep);
    const end = timestampOf(grid, grid.length + grid.horizon - 1);
    const told =
      `${name} of ${file} ${facts.firstShortIsGap ? "has gaps in the horizon" : "ends before the horizon"} for ${facts.seriesShort} of ${panel.itemIds.length} series, the first being ${seriesName(panel, facts.firstShort)} at ${step}` +
      strangersTo(files.relatedItems, panel);
    const repair = `Add its values to ${end}, or say what it will be: futurefill of ${name} (Featurizations in forecast-defaults.yaml, --fill of the command).`;
    // A number that is mostly known serves although some of it is not: models take an unknown price for a usual one.
    const mostlyUnknown = facts.futureMissing * 2 >= panel.itemIds.length * grid.horizon;
    if (options.shortRelated === "leave-out" && mostlyUnknown) {
      leftOut.add(name);
      notes.push({ code: "INPUT_RELATED_SHORT", message: `${told} (needed to ${end}). It was left out. ${repair}` });
    } else if (options.shortRelated === "keep" || options.shortRelated === "leave-out") {
      notes.push({ code: "INPUT_RELATED_SHORT", message: `${told} (needed to ${end}). It is unknown there. ${repair}` });
    } else {
      problems.push({
        code: "INPUT_RELATED_SHORT",
        message: `Expected ${name} to be known to the end of the horizon (${end}) but ${told} (column ${place + 1}). Add its values, name a futurefill for it, or leave it out.`,
        facts: { file, column: place + 1, attribute: name, series: facts.seriesShort, needed: end },
      });
    }
  }
  return leftOut.size === 0 ? panel : { ...panel, regressors: panel.regressors.filter(({ name }) => !leftOut.has(name)) };
}

/** Words for items of another file of which none was ever sold: two ways of writing one name, most likely. */
function strangersTo(items: readonly string[], panel: Panel): string {
  const sold = new Set(panel.itemIds.filter((_, i) => panel.offsets[i + 1] > panel.offsets[i]));
  const [first] = items;
  if (first === undefined || items.some((item) => sold.has(item))) return "";
  return ` (none of its ${items.length} items has a history, "${first}" neither: are items written there as in the target, such as "${[...sold][0]}"?)`;
}

/** A series in words: item and dimensions. */
function seriesName(panel: Panel, i: number): string {
  return [panel.itemIds[i], ...panel.dimensions.map(({ levels, codes }) => levels[codes[i]] ?? "")].join(" / ");
}

const instantText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ").replace(" 00:00:00", "");
