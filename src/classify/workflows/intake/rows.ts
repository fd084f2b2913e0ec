// Rows: files of items as the engine's commands and its library read them: filtered, hashed on the way, bad rows set apart.
//
//   W1. A bad row never stops the file; it is counted, told of and written beside the output.
//   W2. What was found rather than known of a file (its encoding, its decimal sign) is told, and columns that tell nothing are.
//   W3. A column asked for that the file lacks is an error that lists those it has.

import { createHash, type Hash } from "node:crypto";
import type { Body } from "../../../platform/bytes.ts";
import { StockroomError } from "../../../platform/errors.ts";
import {
  encodingNotes,
  numberNotes,
  numberText,
  readNumbers,
  readTable,
  type BadRow,
  type DecimalSign,
  type RowBatch,
  type Table,
} from "../../../platform/formats/index.ts";
import type { Condition } from "../../../platform/intake/conditions.ts";
import { plainText } from "../../../platform/intake/html.ts";
import { type IntakeFile, leftOut, openLaidOut } from "../../../platform/intake/profile.ts";
import { isUnknown } from "../../../platform/intake/values.ts";
import { labelOfRow, type LabelRule } from "../../engine/categories.ts";
import type { Item, ItemColumnNames } from "../../engine/dataset.ts";
import type { Reading } from "../../engine/reading.ts";

export interface RowsOptions {
  readonly conditions: readonly Condition[];
  readonly onBadRow: (row: BadRow) => void;
  readonly signal: AbortSignal;
  /** What a person said of the file; absent: found from its bytes and values. */
  readonly encoding?: string | undefined;
  readonly decimal?: DecimalSign | undefined;
  /** Taken in as it lies: where its table is, what rows leave blank, tags in texts. Absent: strictly. */
  readonly reading?: Pick<Reading, "export" | "inherit"> | undefined;
}

/** Filtered rows with the lines they begin on, and the items they make. */
export interface ItemBatch {
  readonly rows: readonly (readonly string[])[];
  readonly lines: readonly number[];
  readonly items: readonly Item[];
}

export interface Rows {
  readonly columns: readonly string[];
  /** As `Table` has it. */
  readonly encoding: Table["encoding"];
  /** Reads all rows as items of these columns, once; a row with a number that cannot be read is a bad row. */
  items(columns: ItemColumnNames): AsyncIterable<ItemBatch>;
  /** What a person should know of how the file was read: its encoding, its decimal sign, columns that are empty or constant. After the items. */
  notes(): readonly string[];
  /** SHA-256 of the bytes read; whole once the items are through. */
  hash(): string;
  /** The code of a row by a rule; a word such as `n/a` gives none where the file is taken in as it lies. Throws `input` `COLUMN_MISSING`. */
  labels(rule: LabelRule): (row: readonly string[]) => string;
  /** Where a column stands; throws `input` `COLUMN_MISSING`. */
  at(column: string, purpose: string): number;
}

/** Opens a file of items. Throws what opening it, `readTable` and `readNumbers` throw, and `COLUMN_MISSING` for a condition on no column. */
export async function openRows(source: IntakeFile, options: RowsOptions): Promise<Rows> {
  const { conditions, onBadRow, signal, encoding, decimal, reading } = options;
  const file = source.name;
  let digest = createHash("sha256");
  const hashed = (): Body => {
    // Read again from the start where rows take texts from others.
    digest = createHash("sha256");
    return hashing(source.open(), digest);
  };
  const table =
    reading === undefined
      ? await readTable(hashed(), { name: file, onBadRow, signal, encoding })
      : await openAsItLies({ name: file, open: hashed }, { ...options, reading });
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
  let notes: () => readonly string[] = () => [];
  return {
    columns: table.columns,
    encoding: table.encoding,
    items: (columns) => {
      const textOf = reading === undefined ? (text: string) => text : plainText;
      const read = itemsOf({ ...table, batches: filtered(table, passes) }, { file, columns, at, onBadRow, decimal, textOf });
      notes = read.notes;
      return read.batches;
    },
    notes: () => [...encodingNotes(file, table.encoding?.()), ...notes()],
    hash: () => digest.copy().digest("hex"),
    labels: (rule) => {
      const places = rule.columns.map((column) => at(column, "label column"));
      const cellOf = (text: string): string => (reading !== undefined && isUnknown(text) ? "" : text);
      return (row) => {
        const code = labelOfRow(
          places.map((place) => cellOf(row[place] ?? "")),
          rule,
        );
        return cellOf(code);
      };
    },
    at,
  };
}

async function* hashing(body: Body, digest: Hash): Body {
  for await (const chunk of body) {
    digest.update(chunk);
    yield chunk;
  }
}

/** The table where it lies in the file, without rows of totals, blanks and headers that come again. */
async function openAsItLies(
  file: IntakeFile,
  { reading, onBadRow, signal, encoding }: RowsOptions & { readonly reading: Pick<Reading, "export" | "inherit"> },
): Promise<Table> {
  const hints = { encoding, export: reading.export, inherit: reading.inherit ?? undefined, signal };
  const { table } = await openLaidOut(file, hints, onBadRow);
  return { ...table, batches: filtered(table, (row) => leftOut(row, table.columns) === undefined) };
}

async function* filtered(table: Table, passes: (row: readonly string[]) => boolean): AsyncGenerator<RowBatch> {
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
}

interface ItemReading {
  readonly file: string;
  readonly columns: ItemColumnNames;
  readonly at: Rows["at"];
  readonly onBadRow: (row: BadRow) => void;
  readonly decimal: DecimalSign | undefined;
  readonly textOf: (text: string) => string;
}

function itemsOf(table: Table, { file, columns, at, onBadRow, decimal, textOf }: ItemReading) {
  const text = columns.text.map((name) => at(name, "text column"));
  const categories = columns.categories.map((name) => at(name, "category column"));
  const numbers = columns.numbers.map((name) => ({ name, index: at(name, "number column") }));
  const read = readNumbers(table, { name: file, columns: numbers, onBadRow, decimal, delimiter: table.delimiter });
  const tally = tallyColumns(
    [...new Set([...columns.text, ...columns.categories])].map((name) => ({ name, index: table.columns.indexOf(name) })),
  );
  const batches = async function* (): AsyncGenerator<ItemBatch> {
    for await (const batch of read.batches) {
      tally.add(batch.rows);
      yield {
        rows: batch.rows,
        lines: batch.lines,
        items: batch.rows.map((row, r) => ({
          text: text.map((index) => textOf(row[index] ?? "")),
          categories: categories.map((index) => row[index] ?? ""),
          numbers: batch.numbers.map((column) => numberText(column[r] ?? Number.NaN)),
        })),
      };
    }
  };
  return { batches: batches(), notes: () => [...numberNotes(read.summary()), ...tally.notes()] };
}

/** Watches columns of text for those that tell nothing. */
function tallyColumns(columns: readonly { readonly name: string; readonly index: number }[]) {
  const first: (string | undefined)[] = columns.map(() => undefined);
  const varies = columns.map(() => false);
  let rows = 0;
  return {
    add: (batch: readonly (readonly string[])[]): void => {
      rows += batch.length;
      for (const [c, { index }] of columns.entries()) {
        if (varies[c]) continue;
        for (const row of batch) {
          const value = (row[index] ?? "").trim();
          first[c] ??= Buffer.from(value).toString();
          if (value !== first[c]) varies[c] = true;
        }
      }
    },
    notes: (): readonly string[] =>
      columns.flatMap(({ name }, c) => {
        if (varies[c] || rows < 2) return [];
        return first[c] === ""
          ? [`The column "${name}" is empty in all ${rows} rows.`]
          : [`The column "${name}" is the same in all ${rows} rows.`];
      }),
  };
}
