// Shape: how a file is made, as far as the next one of the same sender may differ from it.
//
// Owns: what is compared, what of it does harm. Does not own: keeping shapes, what becomes of a change.
//   S1. A change is harmful when reading on could give other numbers or none: a column in use that is gone or holds another kind, another
//       decimal sign, dates that can be read in two ways. All others are told and read on.

import type { DecimalSign, TableFormat } from "../formats/index.ts";
import type { ColumnProfile, FileProfile } from "./profile.ts";
import type { ValueKind } from "./values.ts";

export interface ColumnShape {
  readonly name: string;
  readonly kind: ValueKind;
  /** Absent where nothing proves it, and where the column holds no numbers. */
  readonly decimal?: DecimalSign;
  /** The style of its dates. */
  readonly date?: string;
}

/** Plain JSON. */
export interface FileShape {
  readonly format: TableFormat;
  readonly delimiter: string | null;
  readonly encoding: string | null;
  readonly columns: readonly ColumnShape[];
}

export interface ShapeChange {
  readonly what: "format" | "separator" | "encoding" | "new" | "gone" | "kind" | "decimal" | "date";
  readonly column: string | null;
  /** Reading on could give other numbers, or none (S1). */
  readonly harmful: boolean;
  /** A sentence without its full stop. */
  readonly text: string;
}

const shapeOfColumn = ({ name, kind, number, date }: ColumnProfile, style: string | undefined): ColumnShape => ({
  name,
  kind,
  ...(number?.sure === true && !number.whole ? { decimal: number.decimal } : {}),
  ...(date === undefined ? {} : { date: style ?? date.style.id }),
});

/**
 * @param styles By column: the style that its dates are read in, where somebody chose among several.
 */
export const shapeOf = ({ format, layout, encoding, columns }: FileProfile, styles: Readonly<Record<string, string>> = {}): FileShape => ({
  format,
  delimiter: layout?.delimiter ?? null,
  encoding: encoding?.name ?? null,
  columns: columns.map((column) => shapeOfColumn(column, styles[column.name])),
});

const separators: Readonly<Record<string, string>> = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars" };
const namesMost = 8;

const listed = (names: readonly string[]): string =>
  names.length <= namesMost ? names.join(", ") : `${names.slice(0, namesMost).join(", ")} and ${names.length - namesMost} more`;

/**
 * What is other than in the file before, the harmful first.
 *
 * @param used Names of the columns that are read.
 */
export function compareShapes(before: FileShape, profile: FileProfile, used: ReadonlySet<string>): readonly ShapeChange[] {
  const now = shapeOf(profile);
  const changes: ShapeChange[] = [];
  const add = (what: ShapeChange["what"], column: string | null, harmful: boolean, text: string): void =>
    void changes.push({ what, column, harmful, text });
  if (before.format !== now.format)
    add("format", null, false, `it is ${now.format.toUpperCase()} now and was ${before.format.toUpperCase()}`);
  if (before.delimiter !== now.delimiter && before.delimiter !== null && now.delimiter !== null) {
    add(
      "separator",
      null,
      false,
      `its columns are separated by ${separators[now.delimiter] ?? now.delimiter} now and were by ${separators[before.delimiter] ?? before.delimiter}`,
    );
  }
  if (before.encoding !== now.encoding && before.encoding !== null && now.encoding !== null)
    add("encoding", null, false, `its encoding is ${now.encoding} now and was ${before.encoding}`);
  const known = new Map(before.columns.map((column) => [column.name, column]));
  const present = new Map(profile.columns.map((column) => [column.name, column]));
  const fresh = now.columns.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  if (fresh.length > 0) add("new", null, false, `new: ${listed(fresh)}; not used`);
  const gone = before.columns.filter(({ name }) => !present.has(name)).map(({ name }) => name);
  for (const name of gone.filter((each) => used.has(each))) add("gone", name, true, `the column "${name}", which was in use, is gone`);
  const unused = gone.filter((name) => !used.has(name));
  if (unused.length > 0) add("gone", null, false, `gone: ${listed(unused)}; not used before either`);
  for (const column of now.columns) {
    const former = known.get(column.name);
    const profiled = present.get(column.name);
    if (former === undefined || profiled === undefined || !used.has(column.name)) continue;
    const example = profiled.examples[0] ?? "";
    if (former.kind !== column.kind && former.kind !== "empty") {
      add(
        "kind",
        column.name,
        true,
        `"${column.name}" holds ${column.kind === "empty" ? "nothing" : `${column.kind}s (${example})`} now and held ${former.kind}s`,
      );
      continue;
    }
    if (former.decimal !== undefined && column.decimal !== undefined && former.decimal !== column.decimal)
      add(
        "decimal",
        column.name,
        true,
        `the decimal sign of "${column.name}" is ${column.decimal} now (${withSign(profiled, column.decimal)}) and was ${former.decimal}`,
      );
    if (former.date !== undefined && column.date !== undefined && former.date !== column.date && former.date !== profiled.date?.rival?.id) {
      const doubtful = profiled.date?.rival !== undefined;
      add(
        "date",
        column.name,
        doubtful,
        `the dates of "${column.name}" are written ${column.date}${doubtful ? ` or ${profiled.date.rival.id}` : ""} now (${example}) and were ${former.date}`,
      );
    }
  }
  return changes.toSorted((a, b) => Number(b.harmful) - Number(a.harmful));
}

const withSign = ({ examples }: ColumnProfile, sign: string): string => examples.find((text) => text.includes(sign)) ?? examples[0] ?? "";
