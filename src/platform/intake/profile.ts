// Profile: what a table holds, column by column, in one pass over its rows.
//
// Owns: counts, kinds, ranges, examples, what follows from what. Does not own: where the table is (layout.ts), what its columns are good for.
//   P1. Every row is counted; kinds, ranges and relations come from a sample spread over the whole file, the first rows always in it.
//   P2. Memory does not grow with the file: the sample, and at most `mostDistinct` values a column.
//   P3. Rows that only add up others (totals), repeat the header or hold nothing are counted apart and belong to no column's figures.

import type { Body } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import type { RowBatch } from "../formats/contract.ts";
import { type BadRow, detectFormat, formatOf, readTable, type DecimalSign, type Table, type TableFormat } from "../formats/index.ts";
import { unpack } from "../formats/container.ts";
import { decodeText, peek } from "../formats/text-in.ts";
import type { TextEncoding } from "../formats/contract.ts";
import { type Condition, conditionText } from "./conditions.ts";
import { bareStyles, bareWeekStyles, type DateStyle, dateStyles, findStyle, type FoundStyle } from "./dates.ts";
import { conditionsOf, type ExportProfile, findExport, inheritanceOf } from "./exports/index.ts";
import { type Inheritance, inheriting } from "./inherit.ts";
import { findLayout, isRule, type Layout } from "./layout.ts";
import { asciiDigits, hasOtherDigits, withAsciiDigits, withoutObjects } from "./normal.ts";
import { isUnknown, kindOf, provedSign, readAmount, readFlag, type ValueKind } from "./values.ts";

/** What a person may say of a file; what is absent is found. */
export interface LookHints {
  readonly encoding?: string | undefined;
  readonly decimal?: DecimalSign | undefined;
  /** Rows that count: those for which all of these hold. */
  readonly where?: readonly Condition[];
  /** The profile of an export that the file is read by (exports/index.ts); absent: recognised by its columns; `none`: as it stands. */
  readonly export?: string | undefined;
  /** What rows that leave columns blank take from others; absent: as the export has it. */
  readonly inherit?: Inheritance | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ColumnProfile {
  readonly name: string;
  readonly place: number;
  readonly kind: ValueKind;
  /** Rows with a value, of all that are counted. */
  readonly filled: number;
  /** Different values; `many` when they are more than were counted. */
  readonly distinct: number;
  readonly many: boolean;
  /** The most frequent first, at most five. */
  readonly examples: readonly string[];
  readonly date: FoundStyle | undefined;
  /** First and last instant of all rows, in seconds since 1970. */
  readonly span: readonly [first: number, last: number] | undefined;
  readonly number: NumberProfile | undefined;
  /** Of texts: all say yes or no. */
  readonly isFlag: boolean;
  /** Of texts: many of them are numbers. */
  readonly mixed: MixedColumn | undefined;
  /** Of texts: all of them are numbers with one word behind, as `12 Stk`. */
  readonly unit: { readonly word: string; readonly number: NumberProfile } | undefined;
  /** Of what is called a date, or looks like one: several ways of writing, none of which reads nearly all. */
  readonly dates: MixedDates | undefined;
}

/** A column of dates in more ways than one. */
export interface MixedDates {
  /** The ways that read most, the best first, at most two: its share of the values, and one that it does not read. */
  readonly styles: readonly { readonly id: string; readonly share: number; readonly unread: string }[];
}

/** A column that would be one of numbers if some of its values were none. */
export interface MixedColumn {
  /** Of the values looked at, those that are no numbers. */
  readonly unreadable: number;
  /** The first of those, at most three. */
  readonly odd: readonly string[];
  readonly number: NumberProfile;
}

export interface NumberProfile {
  readonly decimal: DecimalSign;
  /** False: every value could be read with either sign and means something else with the other. */
  readonly sure: boolean;
  readonly whole: boolean;
  /** Of all rows; of those looked at where a column has more different values than are counted. */
  readonly least: number;
  readonly most: number;
  /** Share of the values below zero. */
  readonly negative: number;
}

/** A file as it was found. */
export interface FileProfile {
  readonly name: string;
  readonly format: TableFormat;
  readonly layout: Layout | undefined;
  readonly encoding: TextEncoding | undefined;
  /** What of a container was read, where it holds more: one sheet of a workbook. */
  readonly note: string | undefined;
  readonly rows: number;
  /** The system it comes from, where it is known. */
  readonly export: ExportProfile | undefined;
  readonly columns: readonly ColumnProfile[];
  /** Rows spread over the file, in its order; index-aligned with the columns. */
  readonly sample: readonly (readonly string[])[];
  readonly left: LeftOut & { readonly broken: number };
  /** Rows that do not count by what the export says of them, and by which of its conditions. */
  readonly uncounted: { readonly rows: number; readonly by: readonly string[] };
  /** The first rows that could not be read at all. */
  readonly bad: readonly BadRow[];
}

interface LeftOut {
  readonly totals: number;
  readonly headers: number;
  readonly blank: number;
}

/** A file that can be read more than once. */
export interface IntakeFile {
  readonly name: string;
  readonly open: () => Body;
}

export const mostDistinct = 5_000;
const sampleBytes = 1 << 18;
/** The first rows, and as many spread over the rest. */
const firstRows = 4_000;
const spreadRows = 12_000;
/** Values of a column whose kind and style are looked at one by one. */
const judged = 2_000;
/** A column is what nine in ten of its values are. */
const mostly = 0.9;
/** From this share of numbers on, a column of texts may have been meant as one of numbers. */
const partly = 0.3;

/** A table where its layout says it is, with the rows that count. */
export interface LaidOut {
  readonly table: Table;
  readonly format: TableFormat;
  readonly layout: Layout | undefined;
  readonly export: ExportProfile | undefined;
  /** What of a container was read, where it holds more. */
  readonly note: string | undefined;
  /** Rows that the export's own conditions left out, of those read so far. */
  readonly uncounted: () => FileProfile["uncounted"];
}

/** Opens the file's table. Throws what `readTable` and `findExport` throw. */
export async function openLaidOut(file: IntakeFile, hints: LookHints, onBadRow: (row: BadRow) => void): Promise<LaidOut> {
  const { table, format, layout, note } = await openTable(file, hints, onBadRow);
  const { columns } = table;
  const known = findExport(columns, hints.export);
  const inherit = hints.inherit ?? (known === undefined ? undefined : inheritanceOf(known, columns));
  const { where = [] } = hints;
  const kept = known === undefined ? [] : conditionsOf(known, columns, where);
  const whole =
    inherit === undefined ? table : inheriting(table, inherit, async () => (await openTable(file, hints, () => undefined)).table);
  let gone = 0;
  const counting = withRows(withRows(whole, where), kept, (rows) => (gone += rows));
  return { table: counting, format, layout, note, export: known, uncounted: () => ({ rows: gone, by: kept.map(conditionText) }) };
}

async function openTable(
  file: IntakeFile,
  hints: LookHints,
  onBadRow: (row: BadRow) => void,
): Promise<Pick<LaidOut, "table" | "format" | "layout" | "note">> {
  const packed = await unpack(file.open(), file.name);
  const { first, body } = await peek(packed.body, sampleBytes);
  const format = detectFormat(packed.name, first).format ?? formatOf(packed.name) ?? "csv";
  const common = { name: file.name, onBadRow, encoding: hints.encoding, ...(hints.signal === undefined ? {} : { signal: hints.signal }) };
  if (format !== "csv" && format !== "tsv") {
    const table = await readTable(body, { ...common, format });
    return { table: format === "jsonl" ? await withoutObjects(table) : table, format, layout: undefined, note: packed.note };
  }
  const text = await textOf(first, hints);
  if (/^\s*\[\s*[{[]/.test(text)) {
    throw new StockroomError(
      "input",
      "TABLE_JSON_ARRAY",
      `Expected a table in ${file.name} but it is one JSON list. Write one object a line (JSON Lines): jq -c '.[]' does so.`,
      { facts: { name: file.name } },
    );
  }
  const isOther = hasOtherDigits(text);
  const layout = findLayout(isOther ? asciiDigits(text) : text, first.length < sampleBytes);
  const { columns, delimiter, skippedLines } = layout;
  const table = await readTable(body, { ...common, format: "csv", header: false, columns, delimiter, skippedLines });
  return { table: isOther ? withAsciiDigits(table) : table, format, layout, note: packed.note };
}

/** The table without the rows that conditions leave out; how many those are goes to `leave`. A column that is not there has no value. */
function withRows(table: Table, where: readonly Condition[], leave: (rows: number) => void = () => undefined): Table {
  if (where.length === 0) return table;
  const conditions = where.map(({ column, not, values }) => ({ place: table.columns.indexOf(column), not, values: new Set(values) }));
  const counts = (row: readonly string[]): boolean =>
    conditions.every(({ place, not, values }) => values.has((row[place] ?? "").trim()) !== not);
  async function* batches(): AsyncGenerator<RowBatch> {
    for await (const batch of table.batches) {
      const kept = batch.rows.flatMap((row, i) => (counts(row) || leftOut(row, table.columns) !== undefined ? [i] : []));
      leave(batch.rows.length - kept.length);
      yield { rows: kept.map((i) => batch.rows[i] ?? []), lines: kept.map((i) => batch.lines[i] ?? 0) };
    }
  }
  return { ...table, batches: batches() };
}

async function textOf(bytes: Uint8Array, hints: LookHints): Promise<string> {
  async function* once(): AsyncGenerator<Uint8Array> {
    yield bytes;
  }
  let text = "";
  for await (const block of decodeText(once(), { encoding: hints.encoding, signal: hints.signal })) text += block.text;
  return text;
}

/** What a row of totals is called: the word alone, as an item may be named after it ("Total yoghurt"). */
const totalWords =
  /^(?:grand |sub[- ]?)?(?:totals?|sum|summe|gesamt(?:summe)?|zwischensumme|total general|totale|totaal|somme|suma|razem|i alt|yhteensä|celkem|合計|总计)\s*:?$/iu;

/** The letters that such words begin with: cheap, as it is asked of every cell. */
const totalLetters = new Set(Array.from("gtszruiycGTSZRUIYC合总 \t\u00a0", (letter) => letter.codePointAt(0)));

/** Whether a text is a word for a total, and nothing else. */
export const isTotalWord = (text: string): boolean =>
  text.length > 1 && text.length < 40 && totalLetters.has(text.codePointAt(0)) && totalWords.test(text.trim());

/** Whether a row only adds up others: a word for a total, and no more than it and numbers beside it. */
export function isTotal(row: readonly string[]): boolean {
  let words = 0;
  let found = false;
  for (const text of row) {
    if (text === "" || isUnknown(text)) continue;
    const kind = kindOf(text);
    if (kind === "number") continue;
    words += 1;
    if (kind === "text" && totalWords.test(text.trim())) found = true;
  }
  return found && words <= 1;
}

/** Reads the whole file once. Throws what `readTable` throws. */
export async function profileFile(file: IntakeFile, hints: LookHints = {}): Promise<FileProfile> {
  const bad: BadRow[] = [];
  let broken = 0;
  const opened = await openLaidOut(file, hints, (row) => {
    broken += 1;
    if (bad.length < 20) bad.push({ ...row, sample: row.sample.slice(0, 80) });
  });
  const { table, format, layout } = opened;
  const { columns } = table;
  const sampler = makeSampler();
  const counts = columns.map((name) => new ColumnCount(name));
  const left = { totals: 0, headers: 0, blank: 0 };
  let rows = 0;
  for await (const batch of table.batches) {
    hints.signal?.throwIfAborted();
    for (const row of batch.rows) {
      const why = leftOut(row, columns);
      if (why !== undefined) {
        left[why] += 1;
        continue;
      }
      rows += 1;
      sampler.add(row);
      for (let i = 0; i < columns.length; i++) {
        const text = row[i] ?? "";
        if (!isUnknown(text)) counts[i]?.add(text);
      }
    }
  }
  const sample = sampler.rows();
  return {
    name: file.name,
    format,
    layout,
    encoding: table.encoding?.(),
    note: opened.note,
    rows,
    export: opened.export,
    uncounted: opened.uncounted(),
    columns: decideSigns(
      columns.map((name, place) => profileColumn(name, place, sample, counts[place] ?? new ColumnCount(name), hints)),
      hints,
    ),
    sample,
    left: { ...left, broken },
    bad,
  };
}

/** Why a row belongs to no figure (P3); undefined for all others. */
export function leftOut(row: readonly string[], columns: readonly string[]): "totals" | "headers" | "blank" | undefined {
  let blank = true;
  let names = 0;
  for (let i = 0; i < row.length; i++) {
    const text = row[i] ?? "";
    if (text === "") continue;
    blank = false;
    if (text === columns[i]) names += 1;
  }
  if (blank || row.every((text) => text.trim() === "") || isRule(row)) return "blank";
  if (names >= 2 && names >= columns.length - 1) return "headers";
  return row.some(isTotalWord) && isTotal(row) ? "totals" : undefined;
}

interface Sampler {
  readonly add: (row: readonly string[]) => void;
  readonly rows: () => readonly (readonly string[])[];
}

/** The first rows and every n-th of the others, n doubling as the file grows (P1, P2). Rows are copied: slices would keep the file in memory. */
function makeSampler(): Sampler {
  const first: (readonly string[])[] = [];
  let spread: (readonly string[])[] = [];
  let every = 1;
  let seen = 0;
  const copy = (row: readonly string[]): readonly string[] => row.map((text) => Buffer.from(text).toString());
  return {
    add: (row) => {
      if (first.length < firstRows) {
        first.push(copy(row));
        return;
      }
      if (seen % every === 0) {
        spread.push(copy(row));
        if (spread.length >= spreadRows) {
          spread = spread.filter((_, i) => i % 2 === 0);
          every *= 2;
        }
      }
      seen += 1;
    },
    rows: () => [...first, ...spread],
  };
}

/** How often each value of a column came, up to `mostDistinct` of them; of instants beyond that the first and the last. */
class ColumnCount {
  filled = 0;
  many = false;
  readonly values = new Map<string, number>();
  readonly #name: string;
  #style: DateStyle | undefined;
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  constructor(name: string) {
    this.#name = name;
  }

  add(text: string): void {
    this.filled += 1;
    const before = this.values.get(text);
    if (before !== undefined) this.values.set(text, before + 1);
    else if (this.many) this.#note(text);
    else if (this.values.size < mostDistinct) this.values.set(Buffer.from(text).toString(), 1);
    else {
      this.many = true;
      this.#style = findColumnStyle(this.#name, [...this.values.keys()])?.style;
      this.#note(text);
    }
  }

  #note(text: string): void {
    const seconds = this.#style?.read(text.trim())?.seconds;
    if (seconds === undefined) return;
    if (seconds < this.#first) this.#first = seconds;
    if (seconds > this.#last) this.#last = seconds;
  }

  /** First and last instant of all values read in a style; undefined when there are none, or they were noted in another one. */
  spanIn(style: DateStyle): readonly [first: number, last: number] | undefined {
    if (this.many && this.#style !== style) return undefined;
    let [first, last] = [this.#first, this.#last];
    for (const text of this.values.keys()) {
      const seconds = style.read(text.trim())?.seconds;
      if (seconds === undefined) continue;
      first = Math.min(first, seconds);
      last = Math.max(last, seconds);
    }
    return first <= last ? [first, last] : undefined;
  }
}

/** The style of a column's dates; bare digits are dates only under a name that says so. */
const findColumnStyle = (name: string, texts: readonly string[]): FoundStyle | undefined => findStyle(texts, stylesFor(name));

/** Under the name of weeks `2023/05` is a week; elsewhere a month. */
function stylesFor(name: string): readonly DateStyle[] {
  if (!isDateName(name)) return dateStyles;
  const all = [...dateStyles, ...bareStyles];
  return isWeekName(name) ? [...all.filter(({ id }) => !/^(?:yyyy-?mm|mm\/yyyy)$/.test(id)), ...bareWeekStyles] : all;
}

function profileColumn(
  name: string,
  place: number,
  sample: readonly (readonly string[])[],
  counted: ColumnCount,
  hints: LookHints,
): ColumnProfile {
  const all = sample.flatMap((row) => {
    const text = row[place] ?? "";
    return isUnknown(text) ? [] : [text.trim()];
  });
  const step = Math.max(1, Math.floor(all.length / judged));
  // Neighbours tell the order of dates, so the first thousand stand together.
  const texts = step === 1 ? all : [...all.slice(0, judged / 2), ...all.slice(judged / 2).filter((_, i) => i % step === 0)];
  const kinds: Record<ValueKind, number> = { empty: 0, number: 0, date: 0, text: 0 };
  for (const text of texts) kinds[kindOf(text)] += 1;
  const named = isDateName(name);
  const date = kinds.date >= mostly * texts.length || named ? findColumnStyle(name, texts) : undefined;
  // Digits with zeros before them are a code, whatever they count to.
  const isCode = texts.some((text) => /^0\d{2,}$/.test(text));
  const numbers = !isCode && kinds.number >= mostly * texts.length;
  const kind: ValueKind = texts.length === 0 ? "empty" : date !== undefined ? "date" : numbers ? "number" : "text";
  const examples = [...counted.values]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, 5)
    .map(([text]) => text.replaceAll(/\s+/g, " ").slice(0, 40));
  return {
    name,
    place,
    kind,
    filled: counted.filled,
    distinct: counted.values.size,
    many: counted.many,
    examples,
    date,
    span: date === undefined ? undefined : counted.spanIn(date.style),
    number: kind === "number" ? profileNumbers(texts, counted, hints.decimal) : undefined,
    unit: kind === "text" && !isCode ? unitIn(texts, hints.decimal) : undefined,
    dates: date === undefined && (named || kinds.date >= partly * texts.length) ? mixedDates(texts) : undefined,
    mixed:
      kind === "text" && !isCode && kinds.number >= partly * texts.length
        ? mixedOf(texts, kinds.number, counted, hints.decimal)
        : undefined,
    isFlag: kind === "text" && counted.values.size <= 2 && [...counted.values.keys()].every((text) => readFlag(text) !== undefined),
  };
}

function mixedOf(texts: readonly string[], numbers: number, counted: ColumnCount, decimal: DecimalSign | undefined): MixedColumn {
  const isOdd = (text: string): boolean => kindOf(text) !== "number";
  return {
    unreadable: 1 - numbers / texts.length,
    odd: [...new Set(texts.filter(isOdd))].slice(0, 3).map((text) => text.slice(0, 40)),
    number: profileNumbers(
      texts.filter((text) => !isOdd(text)),
      counted,
      decimal,
    ),
  };
}

/** A number before one word without digits: `12 Stk`, `3,5 kg`. */
const withUnit = /^([-+]?[\d.,' ]*\d)\s*(\p{L}{1,12}\.?)$/u;

/** A text without the unit behind it. */
export const withoutUnit = (text: string, unit: string): string =>
  text.trim().endsWith(unit) ? text.trim().slice(0, -unit.length).trim() : text;

function unitIn(texts: readonly string[], decimal: DecimalSign | undefined): ColumnProfile["unit"] {
  const word = withUnit.exec(texts[0] ?? "")?.[2];
  if (word === undefined || texts.length < 3) return undefined;
  const bare = texts.map((text) => (withUnit.exec(text)?.[2] === word ? withoutUnit(text, word) : text));
  if (bare.filter((text) => kindOf(text) === "number").length < mostly * texts.length) return undefined;
  return { word, number: profileNumbers(bare, new ColumnCount(""), decimal) };
}

function mixedDates(texts: readonly string[]): MixedDates | undefined {
  const styles = [...dateStyles]
    .map((style) => {
      const unread = texts.filter((text) => style.read(text) === undefined);
      return { id: style.id, share: 1 - unread.length / texts.length, unread: (unread[0] ?? "").slice(0, 40) };
    })
    .filter(({ share }) => share >= 0.1)
    .toSorted((a, b) => b.share - a.share);
  return styles.length === 0 ? undefined : { styles: styles.slice(0, 2) };
}

const minOf = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
const maxOf = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);

/** Names of columns of instants, in many languages. Only such a name makes `2004` or `202401` a date. */
const dateNames =
  /(?:^|[\s_\-(])(?:date|datum|dato|data|fecha|jour|day|dag|tag|time|timestamp|datetime|ds|ts|week|wk|kw|cw|woche|kalenderwoche|semaine|semana|settimana|vecka|uge|tydzień|month|monat|mois|mes|mese|maand|måned|månad|miesiąc|year|jahr|année|annee|año|ano|anno|jaar|år|rok|period|periode|période|período|calday|calmonth|fiscper|created|ordered|purchased|shipped|delivered|paid|sold|when|zeit|zeitpunkt|quarter|quartal|trimestre|التاريخ|تاريخ|日付|日期|月)(?:$|[\s_\-)])/iu;

const weekNames = /(?:^|[\s_\-(])(?:week|weeks|wk|kw|cw|woche|kalenderwoche|semaine|semana|settimana|vecka|uge|tydzień)(?:$|[\s_\-)])/iu;

const isWeekName = (name: string): boolean => weekNames.test(name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_"));

export const isDateName = (name: string): boolean => dateNames.test(name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_"));

function profileNumbers(texts: readonly string[], counted: ColumnCount, given: DecimalSign | undefined): NumberProfile {
  const proofs = { ".": 0, ",": 0 };
  let open = 0;
  for (const text of texts) {
    if (!text.includes(",") && !text.includes(".")) continue;
    const sign = provedSign(text);
    if (sign === undefined) open += 1;
    else proofs[sign] += 1;
  }
  const decimal = given ?? (proofs[","] > proofs["."] ? "," : ".");
  const range = rangeOf(counted.many || counted.values.size === 0 ? texts : [...counted.values.keys()], decimal);
  return { ...range, negative: rangeOf(texts, decimal).negative, decimal, sure: given !== undefined || open === 0 || proofs[decimal] > 0 };
}

function rangeOf(texts: readonly string[], decimal: DecimalSign): Omit<NumberProfile, "decimal" | "sure"> {
  const values = texts.flatMap((text) => {
    const value = readAmount(text, decimal);
    return value === undefined || Number.isNaN(value) ? [] : [value];
  });
  const below = values.reduce((sum, value) => sum + (value < 0 ? 1 : 0), 0);
  return {
    whole: values.every((value) => Number.isInteger(value)),
    least: values.length === 0 ? 0 : minOf(values),
    most: values.length === 0 ? 0 : maxOf(values),
    negative: values.length === 0 ? 0 : below / values.length,
  };
}

/** One hand wrote the file: a column that proves nothing is read as those that prove something. */
function decideSigns(columns: readonly ColumnProfile[], hints: LookHints): readonly ColumnProfile[] {
  if (hints.decimal !== undefined) return columns;
  const proved = new Set(columns.flatMap(({ number }) => (number?.sure === true && number.decimal === "," ? [number.decimal] : [])));
  const fractions = columns.some(({ number }) => number?.sure === true && number.decimal === "." && !number.whole);
  if (proved.size === 0 && !fractions) return columns;
  const sign: DecimalSign = proved.has(",") && !fractions ? "," : ".";
  return columns.map((column) =>
    column.number === undefined || column.number.sure ? column : { ...column, number: { ...column.number, decimal: sign, sure: true } },
  );
}
