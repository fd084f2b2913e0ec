// Items: rows of labelled and sales files, read by name through the settings' columns.
//
// Owns: which column is what, the label of a row in a scheme. Does not own: parsing (tables), hashing (engine).
//   M1. A missing optional column reads as ""; a file without id and without any text column is refused.
//   M2. Columns of people's files are the settings' own also where capitals, spaces or signs differ: `Date` is no file without dates. That is told.

import { StockroomError } from "../../../platform/errors.ts";
import { wordsOfName } from "../../../platform/intake/names.ts";
import type { ObjectEntry } from "../../../platform/objects/contract.ts";
import {
  numberText,
  readNumbers,
  type BadRow,
  type DecimalSign,
  type NumberedBatch,
  type RowBatch,
  type Table,
} from "../../../platform/formats/index.ts";
import { makeDayReader, type DayReader } from "../../engine/days.ts";
import { isScheme } from "../../engine/lines.ts";
import type { ClassifySettings } from "../settings.ts";

/** The columns of labelled files that hold codes start with this: `code.UK15`. */
export const codeColumnPrefix = "code.";

export type ColumnSettings = ClassifySettings["columns"];

/** Index of each named column, -1 when the file has none. */
export interface ItemColumns {
  readonly names: readonly string[];
  readonly id: number;
  readonly country: number;
  readonly date: number;
  readonly group: number;
  readonly units: number;
  readonly kg: number;
  readonly text: readonly number[];
  readonly categories: readonly number[];
  readonly numbers: readonly number[];
  /** Wide labels: scheme -> column. */
  readonly codes: ReadonlyMap<string, number>;
  /** Long labels: one scheme and code a row. */
  readonly scheme: number;
  readonly code: number;
}

/** All names of the settings; "" says that there is no such column. */
const namesIn = ({ id, country, date, group, units, kg, text, categories, numbers }: ColumnSettings): readonly string[] =>
  [id, country, date, group, units, kg, ...text, ...categories, ...numbers].filter((name) => name !== "");

export interface NamedTable {
  readonly table: Table;
  /** A sentence about each column that was taken under another name. */
  readonly notes: readonly string[];
}

/**
 * A person's table under the settings' names (M2). `more`: further names, such as those that models were taught with.
 *
 * Throws `input` `ITEM_COLUMNS` where two columns could be the one wanted.
 */
export function underOurNames(table: Table, settings: ColumnSettings, file: string, more: readonly string[] = []): NamedTable {
  const renamed = new Map<string, string>();
  const ours = new Set([...namesIn(settings), ...more]);
  for (const wanted of ours) {
    if (table.columns.includes(wanted)) continue;
    const words = wordsOfName(wanted);
    const [alike, ...others] = table.columns.filter((name) => words !== "" && wordsOfName(name) === words && !ours.has(name));
    if (alike === undefined || renamed.has(alike)) continue;
    if (others.length > 0) {
      throw new StockroomError(
        "input",
        "ITEM_COLUMNS",
        `Expected one column "${wanted}" in ${file} but "${[alike, ...others].join('" and "')}" could both be it. Rename one, or name yours in classify.columns.`,
        { facts: { file } },
      );
    }
    renamed.set(alike, wanted);
  }
  if (renamed.size === 0) return { table, notes: [] };
  const written = new Map([...renamed].map(([from, to]) => [to, from]));
  const { isTyped } = table;
  return {
    table: {
      ...table,
      columns: table.columns.map((name) => renamed.get(name) ?? name),
      ...(isTyped === undefined ? {} : { isTyped: (name) => isTyped(written.get(name) ?? name) }),
    },
    notes: table.columns.flatMap((from) => (renamed.has(from) ? [`The column "${from}" was read as "${renamed.get(from)}".`] : [])),
  };
}

/** Finds the columns; throws `input` `ITEM_COLUMNS` when no text column is there. */
export function findColumns(names: readonly string[], settings: ColumnSettings, file: string): ItemColumns {
  const at = (name: string): number => names.indexOf(name);
  const text = settings.text.map(at);
  if (text.every((index) => index < 0)) {
    throw new StockroomError(
      "input",
      "ITEM_COLUMNS",
      `Expected ${file} to have one of the text columns ${settings.text.join(", ")} but its header (line 1) has ${names.join(", ")}. Rename a column or set classify.columns.text.`,
      { facts: { file } },
    );
  }
  const codes = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const scheme = name.startsWith(codeColumnPrefix) ? name.slice(codeColumnPrefix.length) : "";
    if (isScheme(scheme)) codes.set(scheme, index);
  }
  return {
    names,
    id: at(settings.id),
    country: at(settings.country),
    date: at(settings.date),
    group: at(settings.group),
    units: at(settings.units),
    kg: at(settings.kg),
    text,
    categories: settings.categories.map(at),
    numbers: settings.numbers.map(at),
    codes,
    scheme: at("scheme"),
    code: at("code"),
  };
}

/** How an object's text and numbers are written. */
export interface Dialect {
  readonly encoding: string | undefined;
  readonly decimal: DecimalSign | undefined;
}

/** As the settings say of people's files; those that our own extraction wrote are in UTF-8, and say their decimal sign themselves. */
export function dialectOf(entry: Pick<ObjectEntry, "labels">, settings: ColumnSettings): Dialect {
  const { extract, decimal } = entry.labels;
  if (extract === undefined) return { encoding: settings.encoding, decimal: settings.decimal };
  return { encoding: "utf-8", decimal: decimal === "." || decimal === "," ? decimal : undefined };
}

/** A table whose number columns (classify.columns.numbers) are in canonical text; a row with one that cannot be read is a bad row. */
export function readItemTable(
  table: Table,
  settings: ColumnSettings,
  {
    name,
    decimal,
    onBadRow,
  }: { readonly name: string; readonly decimal: DecimalSign | undefined; readonly onBadRow: (row: BadRow) => void },
): Table {
  const columns = settings.numbers
    .map((column) => ({ name: column, index: table.columns.indexOf(column) }))
    .filter(({ index }) => index >= 0);
  if (columns.length === 0) return table;
  const { batches } = readNumbers(table, {
    name,
    columns,
    onBadRow,
    decimal,
    delimiter: table.delimiter,
    howToSay,
  });
  return {
    ...table,
    batches: withTexts(
      batches,
      columns.map(({ index }) => index),
    ),
  };
}

/** Where a person says how numbers are written, in the app. */
export const howToSay = "Say which in the settings, classify.columns.decimal.";

async function* withTexts(batches: AsyncIterable<NumberedBatch>, places: readonly number[]): AsyncGenerator<RowBatch> {
  for await (const { rows, lines, numbers } of batches) yield { rows: rowsWithTexts(rows, places, numbers), lines };
}

/** Copies of rows with numbers in canonical text at `places`. */
export function rowsWithTexts(
  rows: readonly (readonly string[])[],
  places: readonly number[],
  numbers: readonly Float64Array[],
): readonly (readonly string[])[] {
  return rows.map((row, r) => {
    const copy = [...row];
    for (const [n, place] of places.entries()) copy[place] = numberText(numbers[n]?.[r] ?? Number.NaN);
    return copy;
  });
}

export function cell(row: readonly string[], index: number): string {
  return index < 0 ? "" : (row[index] ?? "");
}

/** The code a row gives in a scheme, "" when it gives none. */
export function labelOf(row: readonly string[], columns: ItemColumns, scheme: string): string {
  const wide = columns.codes.get(scheme);
  if (wide !== undefined) return (row[wide] ?? "").trim();
  if (columns.code >= 0 && cell(row, columns.scheme) === scheme) return cell(row, columns.code).trim();
  return "";
}

/** Every (scheme, code) a row gives. */
export function labelsOf(row: readonly string[], columns: ItemColumns): readonly (readonly [scheme: string, code: string])[] {
  const labels: [string, string][] = [];
  for (const [scheme, index] of columns.codes) {
    const code = (row[index] ?? "").trim();
    if (code !== "") labels.push([scheme, code]);
  }
  const scheme = cell(row, columns.scheme);
  const code = cell(row, columns.code).trim();
  if (isScheme(scheme) && code !== "") labels.push([scheme, code]);
  return labels;
}

/** The day of a row as it is written, "" when none is given, `undefined` when it is not a date. */
export const dayOf: DayReader = makeDayReader();
