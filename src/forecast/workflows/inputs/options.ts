// What is asked of a reading of files, and the parts of it that hold for every file.

import { datePatternsAllowed, parseDateFormat, type DateFormat } from "../../../platform/formats/dates.ts";
import type { ColumnMap } from "../../../platform/formats/columns.ts";
import type { BadRow, DecimalSign } from "../../../platform/formats/index.ts";
import { frequenciesAllowed, parseFrequency } from "../../engine/calendar/frequency.ts";
import type { Aggregation } from "../../engine/panel/aggregate.ts";
import type { FillRule } from "../../engine/panel/fill.ts";
import type { EventRow } from "./events.ts";
import { parseTimestamp } from "./fields.ts";
import { knowsHolidays, placeMeant } from "./holidays.ts";
import type { InputNote, Problem } from "./notes.ts";
import type { InputFile } from "./open.ts";
import { domains, type Domain, type InputKind } from "./schema.ts";

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
  /** A column of the target or the related file that is 0 (or false) where there was no stock, or called `stockout` and not 0: demand is then unknown, not zero. */
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

/** What holds for every file. */
export interface InputSettings {
  readonly domain: { readonly item: string; readonly target: string };
  readonly parseTime: (text: string) => number;
  readonly timePattern: string;
  readonly between: { readonly from: number; readonly before: number };
}

/** One reading: what is asked, and what is found on the way. */
export interface Reading {
  readonly options: ReadInputsOptions;
  readonly settings: InputSettings;
  readonly problems: Problem[];
  readonly notes: InputNote[];
}

/** Reads the options that hold for every file; what is wrong with them goes to `problems`. */
export function readSettings(options: ReadInputsOptions, problems: Problem[]): InputSettings {
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
      message: `Expected a country with known holidays but received "${options.holidays}". Write its two letters (US), or with a state US-CA.${placeMeant(options.holidays)}`,
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
    parseTime: format === undefined ? parseTimestamp : eitherOf(format),
    timePattern: format === undefined ? "yyyy-MM-dd or yyyy-MM-dd HH:mm:ss (UTC)" : format.pattern,
    between: {
      from: instant("begin") ?? Number.NEGATIVE_INFINITY,
      // A day that is named is in as a whole.
      before: end === undefined ? Number.POSITIVE_INFINITY : end + ((options.end ?? "").length > 10 ? 1 : 86_400),
    },
  };
}

/** Dates as they were said to be, or as in ISO 8601, which no order but the year's first is taken for: one of several files may have them. */
function eitherOf(format: DateFormat): (text: string) => number {
  if (format.pattern.startsWith("y")) return (text) => format.parse(text);
  return (text) => {
    const seconds = format.parse(text);
    return Number.isNaN(seconds) ? parseTimestamp(text) : seconds;
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
