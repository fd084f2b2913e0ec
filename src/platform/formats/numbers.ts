// Numbers: the one reader of numbers that people and their programs wrote into tables.
//
// Owns: decimal point or comma, thousands separators, signs, currencies, percent; which of them a column uses. Does not own: what a number means.
//   N1. A format is accepted only when it is proved: by a value that can be read in one way alone (`1234,56`, `0.5`, `1.234,56`, `1,234,567`).
//       What can be read in two ways (`5,320`) and stands in a column without proof is refused with the value shown; nothing is guessed. One
//       exception: a column of `1.234` alone, in a file that is not separated by semicolons, is read with a decimal point, and that is told.
//   N2. A value that contradicts the accepted format is a bad row with its line, column and value; it is never a missing value.
//   N3. A comma or point as thousands separator needs a proof of its own (both separators in one value, or one of them twice): in a column
//       of `12.50` a lone `5,320` is more likely a slip than five thousand.
//   N4. What came as a number and not as text (Parquet, JSONL) has a decimal point, whatever a person said of their texts.
//   N5. One pass, bounded memory: at most `lookaheadRows` rows are held, and only while a column's format is open.

import { StockroomError } from "../errors.ts";
import type { BadRow, RowBatch, Table } from "./contract.ts";
import { plainNumber } from "./values.ts";

export type DecimalSign = "." | ",";

/** A column to read numbers from. */
export interface NumberColumn {
  readonly name: string;
  /** Its place in the table. */
  readonly index: number;
  /** Whether `€ 12`, `12 EUR` and `12 %` are numbers here; default true. Percent are hundredths: `12 %` is 0.12. */
  readonly signs?: boolean;
}

export interface NumberOptions {
  /** Of the file; named in errors. */
  readonly name: string;
  readonly columns: readonly NumberColumn[];
  /** What a person said about the file: settles it, and makes the other sign the thousands separator. */
  readonly decimal?: DecimalSign | undefined;
  readonly onBadRow: (row: BadRow) => void;
  /** The file's field delimiter, where it has one: semicolons are the mark of countries that write a decimal comma. */
  readonly delimiter?: string | undefined;
  /** How a person can say it, for error texts; default `Say --decimal , or --decimal .`. */
  readonly howToSay?: string;
  /** Rows to look ahead while a column's format is open. Default 8,192. */
  readonly lookaheadRows?: number;
}

interface Refusal {
  readonly code: string;
  readonly reason: string;
}

/** Rows whose numbers could be read. */
export interface NumberedBatch extends RowBatch {
  /** One array for each column asked for, index-aligned with `rows`; NaN where nothing is given. */
  readonly numbers: readonly Float64Array[];
}

/** How a column came to be read. `plain`: no separator stands in it. */
export type NumberFormat =
  | { readonly kind: "plain" }
  | {
      readonly kind: "given" | "proved" | "assumed";
      readonly decimal: DecimalSign;
      /** The value that proved it, or that made it necessary to assume. */
      readonly value: string;
      readonly line: number;
    };

/** What was found in a column, once the batches are through. */
export interface NumberSummary {
  readonly name: string;
  readonly format: NumberFormat;
  readonly values: number;
  readonly missing: number;
  readonly wrong: number;
  /** Infinity and -Infinity when there are no values. */
  readonly min: number;
  readonly max: number;
}

export interface NumberedTable {
  readonly columns: readonly string[];
  readonly batches: AsyncIterable<NumberedBatch>;
  /** Of each column asked for, as far as it was read. */
  summary(): readonly NumberSummary[];
}

/** What a text gives in a known format: a number, NaN for a missing value, `notNumber` for anything else. */
export const notNumber = Number.POSITIVE_INFINITY;

const missingWords = new Set(["", "nan", "na", "n/a", "#n/a", "null", "none", "nil", "\\n", "-", "--", "–", "—"]);
const localSigns = "US\\$|R\\$|kr\\.?|zł|Kč|Ft|lei|лв\\.?|Fr\\.";
const currencyCodes = new Set(Intl.supportedValuesOf("currency"));
const sameCurrency: Readonly<Record<string, string>> = { "€": "EUR", "£": "GBP", "kr.": "kr", "лв.": "лв" };
const before = new RegExp(`^(\\p{Sc}|${localSigns}|[A-Z]{3})\\s*(?=[-+−(\\d.,])`, "u");
const after = new RegExp(`(?<=[\\d).,])\\s*(\\p{Sc}|${localSigns}|[A-Z]{3}|%)$`, "u");
const grouped = /^[1-9]\d{0,2}(?:([.,' ])\d{3})(?:\1\d{3})*$/;
const groupedByHundreds = /^[1-9]\d?(?:,\d{2})+,\d{3}$/;

/** A number taken apart, its separators not yet understood. */
interface Parts {
  readonly negative: boolean;
  /** Digits and separators; all spaces are " ", all apostrophes "'". */
  readonly body: string;
  readonly exponent: string;
  readonly currency: string;
  readonly percent: boolean;
}

function takeApart(text: string): Parts | undefined {
  let rest = text.trim();
  let currency = "";
  let percent = false;
  let negative = false;
  const sign = (): void => {
    const found = /^[-+−]\s*/.exec(rest);
    if (found === null) return;
    negative = !rest.startsWith("+");
    rest = rest.slice(found[0].length);
  };
  const unit = (pattern: RegExp, cut: (length: number) => string): boolean => {
    const found = pattern.exec(rest);
    if (found === null) return true;
    const name = found[1] ?? "";
    if (currency !== "" || (/^[A-Z]{3}$/.test(name) && !currencyCodes.has(name))) return false;
    if (name === "%") percent = true;
    else currency = sameCurrency[name] ?? name;
    rest = cut(found[0].length);
    return true;
  };
  sign();
  if (!unit(before, (length) => rest.slice(length))) return undefined;
  if (!negative) sign();
  if (!unit(after, (length) => rest.slice(0, rest.length - length))) return undefined;
  // Accountants write (12.50) and SAP 12.50- for a negative amount.
  const closed = /^\((.+)\)$/.exec(rest) ?? /^(.+?)[-−]$/.exec(rest);
  if (closed !== null) {
    if (negative) return undefined;
    negative = true;
    rest = closed[1] ?? "";
  }
  const exponent = /[eE]([+-]?\d{1,3})$/.exec(rest);
  if (exponent !== null) rest = rest.slice(0, exponent.index);
  const body = rest
    .trim()
    .replaceAll(/[\u00a0\u2007\u2009\u202f]/g, " ")
    .replaceAll("’", "'");
  if (!/^[\d.,' ]*\d[\d.,' ]*$/.test(body)) return undefined;
  return { negative, body, exponent: exponent?.[1] ?? "", currency, percent };
}

interface Reading {
  readonly value: number;
  /** The thousands separator that stands in it, or "". */
  readonly grouping: string;
}

/** Reads the parts with this decimal sign, or gives undefined when they cannot be meant so. */
function readAs({ body, exponent, negative, percent }: Parts, decimal: DecimalSign): Reading | undefined {
  const [whole = "", fraction = "", ...more] = body.split(decimal);
  if (more.length > 0 || !/^\d*$/.test(fraction)) return undefined;
  let grouping = "";
  if (!/^\d+$/.test(whole)) {
    if (whole === "") {
      if (fraction === "") return undefined;
    } else {
      const found = grouped.exec(whole);
      if (found === null && !groupedByHundreds.test(whole)) return undefined;
      grouping = found?.[1] ?? ",";
      if (grouping === decimal) return undefined;
    }
  }
  const digits = grouping === "" ? whole : whole.replaceAll(grouping, "");
  const value = Number(
    `${negative ? "-" : ""}${digits === "" ? "0" : digits}.${fraction === "" ? "0" : fraction}e${exponent === "" ? 0 : exponent}`,
  );
  if (!Number.isFinite(value)) return undefined;
  return { value: percent ? value / 100 : value, grouping };
}

/** What a value says about the decimal sign. `plain`: nothing. */
type Evidence = "plain" | DecimalSign | "ambiguous" | "none";

function evidenceOf(parts: Parts): Evidence {
  const [point, comma] = [readAs(parts, "."), readAs(parts, ",")];
  if (point === undefined) return comma === undefined ? "none" : ",";
  if (comma === undefined) return ".";
  return point.value === comma.value ? "plain" : "ambiguous";
}

/** Whether a comma or point stands in it as nothing but a thousands separator: both signs, or one of them twice. */
function provesGrouping({ body }: Parts): boolean {
  const count = (sign: string): number => body.split(sign).length - 1;
  const [points, commas] = [count("."), count(",")];
  return (points > 0 && commas > 0) || points > 1 || commas > 1;
}

const powersOfTen = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/**
 * The fast road of a known decimal sign: an optional minus, digits, at most one decimal sign; undefined for anything else.
 *
 * Exact: at most 15 digits make a whole number below 2^53, and dividing it by a power of ten up to 10^15 rounds once (Clinger 1990).
 */
function readFast(text: string, decimal: number): number | undefined {
  const { length } = text;
  const minus = text.charCodeAt(0) === 45;
  let whole = 0;
  let digits = 0;
  let decimals = -1;
  for (let at = minus ? 1 : 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) {
      whole = whole * 10 + code - 48;
      digits += 1;
      if (decimals >= 0) decimals += 1;
    } else if (code === decimal && decimals < 0) decimals = 0;
    else return undefined;
  }
  if (digits === 0 || digits > 15) return undefined;
  const value = decimals > 0 ? whole / (powersOfTen[decimals] ?? 1) : whole;
  return minus ? -value : value;
}

const noSign = -1;

/** Canonical text of a number that was read; "" for a missing one. */
export function numberText(value: number): string {
  return Number.isNaN(value) ? "" : plainNumber(value);
}

/**
 * Reads one text whose decimal sign is known, the other sign being the thousands separator; without a memory of other values.
 *
 * Gives NaN for a missing value (empty, `n/a`, `nan`) and `notNumber` for anything that is no number.
 */
export function parseNumber(text: string, decimal: DecimalSign = "."): number {
  const fast = readFast(text, decimal.charCodeAt(0));
  if (fast !== undefined) return fast;
  if (missingWords.has(text.trim().toLowerCase())) return Number.NaN;
  const parts = takeApart(text);
  return (parts === undefined ? undefined : readAs(parts, decimal))?.value ?? notNumber;
}

/** Reads what a person says about the decimal sign; throws `input` `USAGE`. */
export function parseDecimalSign(text: string | undefined, flag = "--decimal"): DecimalSign | undefined {
  if (text === undefined) return undefined;
  if (text === "," || text === "comma") return ",";
  if (text === "." || text === "point") return ".";
  throw new StockroomError("input", "USAGE", `Expected ${flag} to be , or . but "${text}" came. Correct it.`);
}

interface Seen {
  readonly value: string;
  readonly line: number;
}

/** What one column has shown so far. */
class ColumnState {
  readonly column: NumberColumn;
  format: NumberFormat = { kind: "plain" };
  /** Values held back that no format is known for. */
  open: Seen | undefined;
  readonly proofs: Record<DecimalSign, { count: number; first: Seen | undefined }> = {
    ".": { count: 0, first: undefined },
    ",": { count: 0, first: undefined },
  };
  ambiguous = 0;
  /** The sign in the ambiguous values: undefined when both have come. */
  ambiguousSigns = new Set<string>();
  groupingProved = false;
  readonly currencies = new Map<string, number>();
  readonly percents = { with: 0, without: 0 };
  currency = "";
  percent: boolean | undefined;
  values = 0;
  missing = 0;
  wrong = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;

  constructor(column: NumberColumn, given: DecimalSign | undefined) {
    this.column = column;
    if (given === undefined) return;
    this.format = { kind: "given", decimal: given, value: "", line: 0 };
    this.groupingProved = true;
  }

  /** Looks at a value while the format is open. Digits alone say nothing. */
  look(text: string, line: number): void {
    if (readFast(text, noSign) !== undefined) {
      this.percents.without += 1;
      return;
    }
    if (missingWords.has(text.trim().toLowerCase())) return;
    const parts = takeApart(text);
    if (parts === undefined) return;
    if (parts.currency !== "") this.currencies.set(parts.currency, (this.currencies.get(parts.currency) ?? 0) + 1);
    this.percents[parts.percent ? "with" : "without"] += 1;
    const evidence = evidenceOf(parts);
    if (evidence === "ambiguous") {
      this.open ??= { value: text, line };
      this.ambiguous += 1;
      this.ambiguousSigns.add(parts.body.includes(",") ? "," : ".");
    } else if (evidence === "." || evidence === ",") {
      this.proofs[evidence].count += 1;
      this.proofs[evidence].first ??= { value: text, line };
      this.groupingProved ||= provesGrouping(parts);
    }
  }

  /** The unit that most values carry is the column's. */
  decideUnits(): void {
    if (this.percent === undefined && this.percents.with + this.percents.without > 0)
      this.percent = this.percents.with > this.percents.without;
    if (this.currency === "") this.currency = [...this.currencies].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? "";
  }
}

/** Of two proved signs the other may stand in this share of the values, as slips. */
const mostSlips = 0.1;

/**
 * Reads the numbers of a table's columns. Rows in which one cannot be read become bad rows; all others are handed on with their numbers.
 *
 * Throws while the batches are walked, all `input`: `TABLE_NUMBER_AMBIGUOUS` (a column of values like `5,320` and no proof),
 * `TABLE_NUMBER_MIXED` (point and comma both stand for decimals in more than a tenth of the values).
 *
 * @example
 * const read = readNumbers(table, { name, columns: [{ name: "price", index: 3 }], onBadRow });
 * for await (const { rows, numbers } of read.batches) total += numbers[0].reduce((a, b) => a + b, 0);
 */
export function readNumbers(table: Table, options: NumberOptions): NumberedTable {
  const states = options.columns.map((column) => new ColumnState(column, options.decimal));
  // As far as it was read: of JSONL that is known row by row.
  const decideTyped = (): void => {
    if (table.isTyped === undefined || options.decimal === ".") return;
    for (const state of states) if (table.isTyped(state.column.name)) state.format = { kind: "given", decimal: ".", value: "", line: 0 };
  };
  return {
    columns: table.columns,
    batches: numberedBatches(table.batches, states, { ...options, decideTyped }),
    summary: () =>
      states.map(({ column, format, values, missing, wrong, min, max }) => ({
        name: column.name,
        format,
        values,
        missing,
        wrong,
        min,
        max,
      })),
  };
}

async function* numberedBatches(
  batches: AsyncIterable<RowBatch>,
  states: readonly ColumnState[],
  options: NumberOptions & { readonly decideTyped: () => void },
): AsyncGenerator<NumberedBatch> {
  if (states.length === 0) {
    for await (const { rows, lines } of batches) yield { rows, lines, numbers: [] };
    return;
  }
  const { lookaheadRows = 8192 } = options;
  let held: RowBatch[] = [];
  let heldRows = 0;
  for await (const batch of batches) {
    options.decideTyped();
    lookAhead(batch, states);
    held.push(batch);
    heldRows += batch.rows.length;
    // Values without a decimal sign are the same in every format: only what needs one is worth waiting for.
    if (heldRows < lookaheadRows && !states.every(isDecided)) continue;
    decide(states, options);
    for (const one of held) yield readBatch(one, states, options);
    held = [];
    heldRows = 0;
  }
  decide(states, options);
  for (const one of held) yield readBatch(one, states, options);
}

const isDecided = (state: ColumnState): boolean => state.format.kind === "given" || state.format.kind === "proved";

function lookAhead(batch: RowBatch, states: readonly ColumnState[]): void {
  for (const state of states) {
    if (state.percent !== undefined && isDecided(state)) continue;
    const { index } = state.column;
    for (let r = 0; r < batch.rows.length; r++) state.look(batch.rows[r]?.[index] ?? "", batch.lines[r] ?? 0);
  }
}

/** Decides every column for which something speaks. */
function decide(states: readonly ColumnState[], options: NumberOptions): void {
  for (const state of states) {
    state.decideUnits();
    if (isDecided(state)) continue;
    const { ".": points, ",": commas } = state.proofs;
    if (points.count === 0 && commas.count === 0) continue;
    const decimal: DecimalSign = points.count >= commas.count ? "." : ",";
    const other = decimal === "." ? "," : ".";
    const [most, fewest] = [state.proofs[decimal], state.proofs[other]];
    if (fewest.first !== undefined && (fewest.count > mostSlips * (most.count + fewest.count) || state.format.kind === "assumed")) {
      throw mixed(state, state.format.kind === "assumed" ? state.format : most.first, fewest.first, options);
    }
    if (state.format.kind === "assumed" && state.format.decimal !== decimal) throw mixed(state, state.format, most.first, options);
    state.format = { kind: "proved", decimal, value: own(most.first?.value ?? ""), line: most.first?.line ?? 0 };
  }
  for (const state of states)
    if (state.format.kind === "plain" && state.open !== undefined) decideByOthers(state, state.open, states, options);
}

/** A column of ambiguous values alone: the file's other columns may prove what is meant. */
function decideByOthers(state: ColumnState, open: Seen, states: readonly ColumnState[], options: NumberOptions): void {
  const known = new Set(states.flatMap(({ format }) => (format.kind === "proved" ? [format.decimal] : [])));
  const grouping = states.some((one) => one.groupingProved);
  const [decimal] = known;
  const [sign] = state.ambiguousSigns;
  const proved = known.size === 1 && decimal !== undefined && (grouping || (state.ambiguousSigns.size === 1 && sign === decimal));
  if (proved) {
    state.format = { kind: "proved", decimal, value: own(open.value), line: open.line };
    state.groupingProved ||= grouping;
    return;
  }
  const pointsAlone = state.ambiguousSigns.size === 1 && sign === ".";
  if (pointsAlone && known.size === 0 && options.delimiter !== ";") {
    state.format = { kind: "assumed", decimal: ".", value: own(open.value), line: open.line };
    return;
  }
  throw ambiguous(state, open, options);
}

/** A copy: a slice would keep its block of the file in memory. */
const own = (text: string): string => Buffer.from(text.slice(0, 200).toWellFormed()).toString();

function readBatch(batch: RowBatch, states: readonly ColumnState[], options: NumberOptions): NumberedBatch {
  const { rows, lines } = batch;
  const numbers = states.map(() => new Float64Array(rows.length));
  const wrong = new Set<number>();
  for (const [c, state] of states.entries()) {
    const { index } = state.column;
    const column = numbers[c] ?? new Float64Array(0);
    const decimal = state.format.kind === "plain" ? noSign : state.format.decimal.charCodeAt(0);
    const bare = state.percent !== true;
    for (let r = 0; r < rows.length; r++) {
      const text = rows[r]?.[index] ?? "";
      const fast = bare ? readFast(text, decimal) : undefined;
      const value = fast ?? readSlow(text, state);
      if (typeof value === "number") {
        column[r] = value;
        if (Number.isNaN(value)) state.missing += 1;
        else {
          state.values += 1;
          if (value < state.min) state.min = value;
          if (value > state.max) state.max = value;
        }
        continue;
      }
      state.wrong += 1;
      // A row is set apart once, for its first wrong number.
      if (wrong.has(r)) continue;
      wrong.add(r);
      options.onBadRow({
        line: lines[r] ?? 0,
        column: index + 1,
        code: value.code,
        reason: value.reason,
        sample: text.slice(0, 200).toWellFormed(),
      });
    }
  }
  if (wrong.size === 0) return { rows, lines, numbers };
  const kept = [...rows.keys()].filter((r) => !wrong.has(r));
  return {
    rows: kept.map((r) => rows[r] ?? []),
    lines: kept.map((r) => lines[r] ?? 0),
    numbers: numbers.map((column) => Float64Array.from(kept, (r) => column[r] ?? Number.NaN)),
  };
}

/** The road of every other text: missing, with signs or thousands separators, or no number of this column. */
function readSlow(text: string, state: ColumnState): number | Refusal {
  if (missingWords.has(text.trim().toLowerCase())) return Number.NaN;
  const { format, column } = state;
  const parts = takeApart(text);
  const decimal = format.kind === "plain" ? "." : format.decimal;
  const reading = parts === undefined ? undefined : readAs(parts, decimal);
  const came = `but received "${shown(text)}"`;
  if (parts === undefined || reading === undefined) {
    const how = format.kind === "plain" ? "" : ` with a decimal ${nameOf(decimal)}${since(format)}`;
    return {
      code: "TABLE_NUMBER_WRONG",
      reason: `Expected a number in "${column.name}"${how} ${came}. Write it so, or leave it empty where unknown.`,
    };
  }
  const unit = wrongUnit(parts, state);
  if (unit !== undefined)
    return { code: "TABLE_NUMBER_UNIT", reason: `Expected ${unit} in "${column.name}" ${came}. Write all values of a column in one unit.` };
  if (reading.grouping === "," || reading.grouping === ".") {
    state.groupingProved ||= provesGrouping(parts);
    if (!state.groupingProved) {
      const other = readAs(parts, decimal === "." ? "," : ".")?.value;
      return {
        code: "TABLE_NUMBER_AMBIGUOUS",
        reason: `Expected a number in "${column.name}" that can be read in one way ${came}, which may be ${reading.value} or ${other}. Write it as the other values are.`,
      };
    }
  }
  return reading.value;
}

function wrongUnit({ currency, percent }: Parts, state: ColumnState): string | undefined {
  if (state.column.signs === false) return currency === "" && !percent ? undefined : "a bare number";
  if (currency !== "" && currency !== state.currency) {
    if (state.currency !== "") return `amounts in ${state.currency}`;
    state.currency = currency;
  }
  state.percent ??= percent;
  if (percent === state.percent) return undefined;
  return state.percent ? "a percentage" : "a number without %";
}

const since = (format: NumberFormat): string =>
  format.kind === "plain" || format.kind === "given" ? "" : `, as "${shown(format.value)}" on line ${format.line}`;

const nameOf = (decimal: DecimalSign): string => (decimal === "." ? "point" : "comma");

const shown = (text: string): string => text.slice(0, 40).toWellFormed();

const howToSay = (options: NumberOptions): string => options.howToSay ?? "Say which with --decimal , or --decimal .";

function ambiguous(state: ColumnState, { value, line }: Seen, options: NumberOptions): StockroomError {
  const parts = takeApart(value);
  const [point, comma] = parts === undefined ? [] : [readAs(parts, ".")?.value, readAs(parts, ",")?.value];
  return new StockroomError(
    "input",
    "TABLE_NUMBER_AMBIGUOUS",
    `Expected numbers in the column "${state.column.name}" of ${options.name} that can be read in one way but received "${shown(value)}" on line ${line}, which is ${comma} with a decimal comma and ${point} with a decimal point, and no value of the file tells. ${howToSay(options)}`,
    { facts: { name: options.name, column: state.column.name, line } },
  );
}

function mixed(state: ColumnState, one: Seen | undefined, two: Seen | undefined, options: NumberOptions): StockroomError {
  return new StockroomError(
    "input",
    "TABLE_NUMBER_MIXED",
    `Expected one decimal sign in the column "${state.column.name}" of ${options.name} but received "${shown(one?.value ?? "")}" on line ${one?.line ?? 0} and "${shown(two?.value ?? "")}" on line ${two?.line ?? 0}. Write the column in one way. ${howToSay(options)}`,
    { facts: { name: options.name, column: state.column.name, line: two?.line } },
  );
}

/**
 * What a person should know of how a column was read, in sentences: an unusual format, an assumed one, a column that is empty or constant.
 *
 * Empty for a column that was read as usual.
 */
export function numberNotes(
  summary: readonly NumberSummary[],
  tell: { readonly constant: boolean } = { constant: true },
): readonly string[] {
  return summary.flatMap(({ name, format, values, missing, min, max }) => {
    const notes: string[] = [];
    if (format.kind === "assumed") {
      notes.push(
        `The column "${name}" was read with a decimal point: "${shown(format.value)}" on line ${format.line} is ${parseNumber(format.value)}. If it is ${parseNumber(format.value, ",")}, say --decimal ,`,
      );
    } else if (format.kind === "proved" && format.decimal === ",") {
      notes.push(
        `The column "${name}" was read with a decimal comma: "${shown(format.value)}" on line ${format.line} is ${parseNumber(format.value, ",")}.`,
      );
    }
    if (values === 0 && missing > 0) notes.push(`The column "${name}" is empty: none of its ${missing} values is a number.`);
    else if (tell.constant && values > 1 && min === max)
      notes.push(`The column "${name}" is constant: all of its ${values} numbers are ${min}.`);
    return notes;
  });
}
