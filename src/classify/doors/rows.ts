// Rows: files of items as the engine's commands read them: filtered, hashed on the way, bad rows set apart.
//
//   W1. A bad row never stops the file; it is counted, told of and written beside the output.
//   W2. A column asked for that the file lacks is an error that lists those it has.

import { createHash } from "node:crypto";
import type { Body } from "../../base/bytes.ts";
import { StockroomError } from "../../base/errors.ts";
import { fileBody, readTable, type BadRow } from "../../base/tables/index.ts";
import type { Item, ItemColumnNames } from "../engine/dataset.ts";

/** `column=value`, `column!=value`; several values separated by commas: one of them, none of them. */
export interface Condition {
  readonly column: string;
  readonly not: boolean;
  readonly values: readonly string[];
}

/** Reads one `--where`; throws `input` `USAGE`. A value that holds a comma stands in double quotes. */
export function parseCondition(text: string): Condition {
  const match = /^([^=!]+)(!?=)(.*)$/su.exec(text);
  const [, column = "", operator = "", list = ""] = match ?? [];
  if (match === null || column.trim() === "") {
    throw new StockroomError("input", "USAGE", `Expected --where COLUMN=VALUE or COLUMN!=VALUE but "${text}" came. Correct it.`);
  }
  const values = [...list.matchAll(/"([^"]*)"(?:,|$)|([^,]*)(?:,|$)/gu)].map((part) => part[1] ?? part[2] ?? "");
  // The pattern also matches the empty end of the list.
  if (values.length > 1) values.pop();
  return { column: column.trim(), not: operator === "!=", values };
}

/** `a,b,c` to names; "" to none. */
export function parseNames(text: string | undefined): readonly string[] {
  return (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** All values of an option that may be given again and again; the parser of the command line keeps only the last. */
export function repeatedOption(rawArgs: readonly string[], name: string): readonly string[] {
  const flag = `--${name}`;
  return rawArgs.flatMap((arg, at) => {
    if (arg.startsWith(`${flag}=`)) return [arg.slice(flag.length + 1)];
    const next = rawArgs[at + 1];
    return arg === flag && next !== undefined ? [next] : [];
  });
}

export interface Rows {
  readonly columns: readonly string[];
  /** Filtered rows with the lines they begin on, in batches. */
  readonly batches: AsyncIterable<{ readonly rows: readonly (readonly string[])[]; readonly lines: readonly number[] }>;
  /** SHA-256 of the bytes read; whole once the batches are through. */
  hash(): string;
  /** Where a column stands; throws `input` `COLUMN_MISSING`. */
  at(column: string, purpose: string): number;
}

/** Opens a file of items. Throws what `fileBody` and `readTable` throw, and `COLUMN_MISSING` for a condition on no column. */
export async function openRows(
  file: string,
  conditions: readonly Condition[],
  onBadRow: (row: BadRow) => void,
  signal: AbortSignal,
): Promise<Rows> {
  const digest = createHash("sha256");
  const hashed = async function* (): Body {
    for await (const chunk of fileBody(file, signal)) {
      digest.update(chunk);
      yield chunk;
    }
  };
  const table = await readTable(hashed(), { name: file, onBadRow, signal });
  const at = (column: string, purpose: string): number => {
    const index = table.columns.indexOf(column);
    if (index >= 0) return index;
    throw new StockroomError(
      "input",
      "COLUMN_MISSING",
      `Expected ${file} to have the ${purpose} "${column}" but its columns are ${table.columns.join(", ")}. Name one of them.`,
      { facts: { file, column } },
    );
  };
  const tests = conditions.map(({ column, not, values }) => ({ index: at(column, "column of --where"), not, values: new Set(values) }));
  const passes = (row: readonly string[]): boolean => tests.every(({ index, not, values }) => values.has(row[index] ?? "") !== not);
  const batches = async function* (): AsyncGenerator<{ rows: (readonly string[])[]; lines: number[] }> {
    for await (const batch of table.batches) {
      const rows: (readonly string[])[] = [];
      const lines: number[] = [];
      for (const [index, row] of batch.rows.entries()) {
        if (!passes(row)) continue;
        rows.push(row);
        lines.push(batch.lines[index] ?? 0);
      }
      yield { rows, lines };
    }
  };
  return { columns: table.columns, batches: batches(), hash: () => digest.copy().digest("hex"), at };
}

/** Makes a reader of items from rows of a file that has all the columns. */
export function itemReader(rows: Rows, columns: ItemColumnNames): (row: readonly string[]) => Item {
  const places = (names: readonly string[], purpose: string): readonly number[] => names.map((name) => rows.at(name, purpose));
  const text = places(columns.text, "text column");
  const categories = places(columns.categories, "category column");
  const numbers = places(columns.numbers, "number column");
  const pick = (row: readonly string[], indices: readonly number[]): string[] => indices.map((index) => row[index] ?? "");
  return (row) => ({ text: pick(row, text), categories: pick(row, categories), numbers: pick(row, numbers) });
}
