// Canonical: rows of a labelled upload with columns of its own as rows of the columns that the settings name, so that all that learns reads one kind.
//
// Owns: which column of the file becomes which, the table made of it. Does not own: the choice of columns (proposal.ts), what a row is good for (jobs).
//   N1. A text stands in the column of its meaning (title, description, brand); one that has none there is joined to the first.
//   N2. Models of the app know the settings' columns alone: what else the file has is left out, and told.

import type { BadRow, Table } from "../../../platform/formats/index.ts";
import type { Condition } from "../../../platform/intake/conditions.ts";
import { findDateStyle } from "../../../platform/intake/dates.ts";
import { rankOfName } from "../../../platform/intake/names.ts";
import type { IntakeFile, LookHints } from "../../../platform/intake/profile.ts";
import { isUnknown } from "../../../platform/intake/values.ts";
import { countryOf } from "../../engine/countries.ts";
import { codeColumnPrefix, type ColumnSettings } from "../jobs/items.ts";
import { countryNames, languageNames, textNames } from "./names.ts";
import type { CataloguePlan } from "./proposal.ts";
import { openRows } from "./rows.ts";

/** How a labelled upload is read: plain JSON, kept with each version of it. */
export interface TakenLabelled {
  readonly plan: CataloguePlan;
  readonly where: readonly Condition[];
  readonly hints: Pick<LookHints, "encoding" | "decimal"> & { readonly export: string };
  /** Where the country of a row stands: in a column, in what a person said; null: in the key. */
  readonly country: { readonly column: string } | { readonly code: string } | null;
  readonly date: { readonly column: string; readonly style: string } | null;
  readonly scheme: string;
}

/** By column of the settings those of the file that fill it. */
export interface ItemPlaces {
  readonly text: Readonly<Record<string, readonly string[]>>;
  readonly beside: Readonly<Record<string, string>>;
  /** Columns that no model of these settings knows. */
  readonly unknown: readonly string[];
}

const meaningOf = (name: string): number | undefined => {
  const rank = rankOfName(name, textNames);
  return rank === undefined ? undefined : rank % textNames.length;
};

const isSameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Names that mean the same beside the words of an item: the language, the country. */
const alike = [languageNames, countryNames].map((list) => [list] as const);
const isAlike = (a: string, b: string): boolean =>
  isSameName(a, b) || alike.some((lists) => rankOfName(a, lists) === 0 && rankOfName(b, lists) === 0);

/** Which columns of the file fill which of the settings (N1). */
export function placesOf(plan: Pick<CataloguePlan, "text" | "categories" | "numbers">, columns: ColumnSettings): ItemPlaces {
  const [first = ""] = columns.text;
  const text: Record<string, string[]> = {};
  for (const name of plan.text) {
    const meaning = meaningOf(name);
    const own =
      columns.text.find((one) => isSameName(one, name)) ??
      (meaning === undefined ? undefined : columns.text.find((one) => meaningOf(one) === meaning)) ??
      first;
    (text[own] ??= []).push(name);
  }
  const beside: Record<string, string> = {};
  const used = new Set<string>();
  for (const [names, from] of [
    [columns.categories, plan.categories],
    [columns.numbers, plan.numbers],
  ] as const) {
    for (const name of names) {
      const found = from.find((one) => isAlike(one, name));
      if (found === undefined || columns.text.includes(name)) continue;
      beside[name] = found;
      used.add(found);
    }
  }
  return { text, beside, unknown: [...plan.categories, ...plan.numbers].filter((name) => !used.has(name)) };
}

interface OpenOptions {
  readonly columns: ColumnSettings;
  readonly onBadRow: (row: BadRow) => void;
  readonly signal: AbortSignal;
}

/** Opens the file as the settings' columns. Throws what opening rows throws. */
export async function openCanonical(
  file: IntakeFile,
  { plan, where, hints, country, date, scheme }: TakenLabelled,
  { columns, onBadRow, signal }: OpenOptions,
): Promise<Table> {
  const { export: from, ...dialect } = hints;
  const reading = { export: from, inherit: plan.inherit };
  const rows = await openRows(file, { ...dialect, conditions: where, reading, onBadRow, signal });
  const { text, beside } = placesOf(plan, columns);
  const codeOf = rows.labels(plan.label);
  const at = (name: string | null, purpose: string): number => (name === null ? -1 : rows.at(name, purpose));
  const [idAt, groupAt] = [at(plan.id, "id column"), at(plan.group, "group column")];
  const countryAt = country !== null && "column" in country ? rows.at(country.column, "country column") : -1;
  const dateAt = at(date?.column ?? null, "date column");
  const style = date === null ? undefined : findDateStyle(date.style);
  const texts = Object.entries(text);
  const cells = Object.entries(beside);
  const cellAt = (row: readonly string[], index: number): string => (index < 0 ? "" : known(row[index] ?? ""));
  const dayAt = (row: readonly string[]): string => {
    const written = cellAt(row, dateAt);
    const seconds = style?.read(written)?.seconds;
    // What cannot be read stays as it is: it is set apart as a date that is none.
    return seconds === undefined ? written : new Date(seconds * 1_000).toISOString().slice(0, 10);
  };
  const countryAtRow = (row: readonly string[]): string => {
    if (country === null) return "";
    if ("code" in country) return country.code;
    const written = cellAt(row, countryAt);
    return countryOf(written) ?? written;
  };
  const all: readonly (readonly [name: string, valueOf: (row: readonly string[], words: readonly string[]) => string])[] = [
    [columns.id, (row) => cellAt(row, idAt)],
    [columns.country, countryAtRow],
    ...(date === null ? [] : [[columns.date, dayAt] as const]),
    // A row that names no group is one of its own.
    [columns.group, (row) => (groupAt < 0 ? "" : cellAt(row, groupAt) || cellAt(row, idAt))],
    ...texts.map(([name, from]) => {
      const places = from.map((one) => plan.text.indexOf(one));
      return [name, (_: readonly string[], words: readonly string[]) => joined(places.map((place) => words[place] ?? ""))] as const;
    }),
    ...cells.map(([name, one]) => {
      const place = rows.at(one, "column");
      return [name, (row: readonly string[]) => cellAt(row, place)] as const;
    }),
    [`${codeColumnPrefix}${scheme}`, (row) => codeOf(row)],
  ];
  // Settings may name no such column, or one column twice.
  const fields = all.filter(([name], i) => name !== "" && all.findIndex(([other]) => other === name) === i);
  async function* batches(): AsyncGenerator<{ rows: string[][]; lines: readonly number[] }> {
    for await (const batch of rows.items({ text: plan.text, categories: [], numbers: [] })) {
      yield {
        rows: batch.rows.map((row, r) => fields.map(([, valueOf]) => valueOf(row, batch.items[r]?.text ?? []))),
        lines: batch.lines,
      };
    }
  }
  return { columns: fields.map(([name]) => name), ...(rows.encoding === undefined ? {} : { encoding: rows.encoding }), batches: batches() };
}

const known = (text: string): string => (isUnknown(text) ? "" : text.trim());

const joined = (words: readonly string[]): string => words.filter((word) => known(word) !== "").join(" ");
