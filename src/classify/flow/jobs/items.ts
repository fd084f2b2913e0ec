// Items: rows of labelled and sales files, read by name through the settings' columns.
//
// Owns: which column is what, the label of a row in a scheme. Does not own: parsing (tables), hashing (engine).
//   M1. A missing optional column reads as ""; a file without id and without any text column is refused.

import { StockroomError } from "../../../base/errors.ts";
import { codeColumnPrefix, isScheme } from "../../engine/words.ts";
import type { ClassifySettings } from "../settings.ts";

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

const dayPattern = /^(\d{4}-\d{2}-\d{2})(?:[T ].*)?$/;

/** Days seen lately: a month of sales has thirty of them and millions of rows. */
const daysRead = new Map<string, string | undefined>();
const mostDays = 10_000;

/** The day of a row, "" when none is given, `undefined` when it is not a date. */
export function dayOf(text: string): string | undefined {
  if (text === "") return "";
  if (daysRead.has(text)) return daysRead.get(text);
  const day = readDay(text);
  if (daysRead.size >= mostDays) daysRead.clear();
  // A copy: a slice would keep the whole piece of the file alive.
  daysRead.set(Buffer.from(text).toString(), day);
  return day;
}

function readDay(text: string): string | undefined {
  const day = dayPattern.exec(text)?.[1];
  if (day === undefined) return undefined;
  const parsed = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(parsed) || new Date(parsed).toISOString().slice(0, 10) !== day ? undefined : Buffer.from(day).toString();
}
