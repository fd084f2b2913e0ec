// The rows of opened files become typed rows; a row that cannot be read is set apart with its line, column and reason.
//
// Owns: fields and their mistakes. Does not own: columns (schema.ts), steps (engine/panel), what so many mistakes amount to (rejected.ts).
//   I1. A bad row costs itself alone. Its column is the number of the field, 1 for the first; its reason names the column. It is set apart once,
//       for its first mistake; all of its mistakes are counted.
//   I2. An empty number (or `nan`) is no mistake: the value is missing, the row stands.

import {
  type BadRow,
  type DecimalSign,
  notNumber,
  type NumberSummary,
  parseNumber,
  readNumbers,
  type Table,
} from "../../../platform/formats/index.ts";
import type { ItemMetadata } from "../../engine/panel/build.ts";
import { KeySpace, Rows } from "../../engine/panel/rows.ts";
import { offsetOf } from "./fields.ts";
import { isUnknown, provedSign, readFlag } from "../../../platform/intake/values.ts";
import type { Column, Columns, StockColumn } from "./schema.ts";

const sampleChars = 200;

export interface RowReading {
  /** The file's, for messages. */
  readonly name: string;
  readonly table: Table;
  /** What was said of its decimal sign. */
  readonly decimal: DecimalSign | undefined;
  readonly columns: Columns;
  /** Seconds since 1970, NaN for what is no timestamp. */
  readonly parseTime: (text: string) => number;
  /** How timestamps are written, for reasons. */
  readonly timePattern: string;
  /** Rows outside are left out. Seconds since 1970; `before` is the first instant after. */
  readonly between: { readonly from: number; readonly before: number };
  readonly onBadRow: (row: BadRow, value: string) => void;
  readonly onRows: (rows: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** Rows in which a column said that there was no stock. */
export interface OutOfStock {
  readonly keys: number[];
  readonly minutes: number[];
}

export interface ReadRows {
  readonly keys: KeySpace;
  readonly rows: Rows;
  /** Rows of which no number was given. */
  readonly empty: number;
  /** Rows outside of what was asked for. */
  readonly outside: number;
  /** Sum of the sizes of all numbers of the first column. */
  readonly size: number;
  readonly out: OutOfStock;
  /** Offsets from UTC that stamps came with, as they stand; Z for UTC itself. */
  readonly offsets: ReadonlySet<string>;
  /** Rows that repeat another in every column, those not read included; told of the first rows of a file. */
  readonly repeats: { readonly count: number; readonly line: number; readonly of: number };
  /** How each number column was read. */
  readonly numbers: readonly NumberSummary[];
}

/** Rows that are remembered to find repeated ones where columns are summed over: two places tell two rows of one day apart. */
const rememberedRows = 200_000;

/** Reads target or related rows. Throws what `readNumbers` throws. */
export async function readRows(reading: RowReading, kind: "target" | "related"): Promise<ReadRows> {
  const { columns, between } = reading;
  const keyed = [columns.item, ...columns.dimensions];
  const keys = new KeySpace(keyed.map(({ name }) => name));
  const places = keyed.map(({ place }) => place);
  const { numbers, stock } = columns;
  const rows = new Rows(numbers.length, kind);
  const when = columns.timestamp?.place ?? -1;
  const first = numbers[0]?.place ?? -1;
  const values = new Float64Array(numbers.length);
  const out: OutOfStock = { keys: [], minutes: [] };
  const ignored = kind === "target" ? columns.ignored : [];
  const seen = new Map<string, number>();
  const repeats = { count: 0, line: 0, of: 0 };
  const offsets = new Set<string>();
  let empty = 0;
  let outside = 0;
  let size = 0;
  let lastText = "";
  let lastSeconds = Number.NaN;
  const numbered = readNumbers(reading.table, {
    name: reading.name,
    columns: numbers.map(({ name, place }) => ({ name, index: place })),
    decimal: reading.decimal,
    delimiter: reading.table.delimiter,
    // One family of codes for all that is wrong with inputs.
    onBadRow: (row) =>
      reading.onBadRow({ ...row, code: row.code.replace(/^TABLE_/, "INPUT_") }, row.column === first + 1 ? row.sample : ""),
  });
  for await (const batch of numbered.batches) {
    reading.signal?.throwIfAborted();
    for (let r = 0; r < batch.rows.length; r++) {
      const row = batch.rows[r];
      const line = batch.lines[r];
      let bad: BadRow | undefined;
      const wrongKey = places.findIndex((place) => row[place] === "");
      if (wrongKey >= 0) bad = missingKey(keyed[wrongKey], wrongKey, line);
      if (row[when] !== lastText) {
        lastText = row[when];
        lastSeconds = reading.parseTime(lastText);
        const offset = offsetOf(lastText);
        if (offset !== undefined && offsets.size < 20) offsets.add(offset);
      }
      if (Number.isNaN(lastSeconds)) bad ??= wrongTimestamp(columns.timestamp, row[when], line, reading.timePattern);
      let known = 0;
      for (let c = 0; c < numbers.length; c++) {
        const value = batch.numbers[c][r];
        if (!Number.isNaN(value)) known += 1;
        if (Math.abs(value) > mostNumber) bad ??= tooLarge(numbers[c], row[numbers[c].place], line);
        values[c] = value;
      }
      const isOut = stock === undefined ? undefined : isOutOfStock(row[stock.place], stock, reading.decimal);
      if (isOut === "wrong" && stock !== undefined) bad ??= wrongStock(stock, row[stock.place], line);
      if (bad !== undefined) {
        reading.onBadRow(bad, first < 0 ? "" : row[first]);
        continue;
      }
      if (lastSeconds < between.from || lastSeconds >= between.before) {
        outside += 1;
        continue;
      }
      const minute = Math.floor(lastSeconds / 60);
      if (known === 0) empty += 1;
      else if (!Number.isNaN(values[0])) size += Math.abs(values[0]);
      const key = keys.intern(row, places, line);
      if (ignored.length > 0 && seen.size < rememberedRows) {
        const whole = [key, lastSeconds, ...ignored.map(({ place }) => row[place])].join("\0");
        const of = seen.get(whole);
        if (of === undefined) seen.set(whole, line);
        else if (repeats.count++ === 0) Object.assign(repeats, { line, of });
      }
      if (isOut === true) {
        out.keys.push(key);
        out.minutes.push(minute);
      }
      rows.add(key, minute, lastSeconds - minute * 60, line);
      for (let c = 0; c < numbers.length; c++) rows.put(c, values[c]);
    }
    reading.onRows(batch.rows.length);
  }
  return { keys, rows, empty, outside, size, out, offsets, repeats, numbers: numbered.summary() };
}

const outWords = new Set(["out", "out of stock", "out_of_stock", "sold out", "ausverkauft", "nicht lieferbar"]);
const inWords = new Set(["in", "in stock", "in_stock", "available", "vorhanden", "lieferbar", "auf lager"]);

/** Of a stock column: whether nothing was there. An empty field does not say. */
function isOutOfStock(text: string, { saysEmpty }: StockColumn, decimal: DecimalSign | undefined): boolean | "wrong" {
  if (isUnknown(text)) return false;
  const word = text.trim().toLowerCase();
  if (outWords.has(word)) return true;
  if (inWords.has(word)) return false;
  const flag = readFlag(word);
  if (flag !== undefined) return (flag === 1) === saysEmpty;
  const value = parseNumber(text, provedSign(text) ?? decimal ?? ".");
  return value === notNumber ? "wrong" : value > 0 === saysEmpty;
}

/** Reads metadata; an item that comes again with other texts is a bad row, with the same texts it is none. */
export async function readMetadata(reading: RowReading): Promise<ItemMetadata> {
  const { item, texts } = reading.columns;
  const items = new Map<string, readonly string[]>();
  const lines = new Map<string, number>();
  for await (const batch of reading.table.batches) {
    reading.signal?.throwIfAborted();
    for (let r = 0; r < batch.rows.length; r++) {
      const row = batch.rows[r];
      const line = batch.lines[r];
      const id = row[item.place];
      if (id === "") {
        reading.onBadRow(missingKey(item, 0, line), "");
        continue;
      }
      const known = items.get(id);
      if (known === undefined) {
        const own = Buffer.from(id, "utf8").toString("utf8");
        items.set(
          own,
          texts.map(({ place }) => Buffer.from(row[place], "utf8").toString("utf8")),
        );
        lines.set(own, line);
        continue;
      }
      const other = texts.find(({ place }, c) => row[place] !== known[c]);
      if (other === undefined) continue;
      reading.onBadRow(
        {
          line,
          column: other.place + 1,
          code: "INPUT_ITEM_TWICE",
          reason: `Expected each item once but line ${lines.get(id)} gives this one another ${other.name}. The first is kept; remove one.`,
          sample: id.slice(0, sampleChars),
        },
        "",
      );
    }
    reading.onRows(batch.rows.length);
  }
  return { names: texts.map(({ name }) => name), items };
}

function missingKey(column: Column, index: number, line: number): BadRow {
  return {
    line,
    column: column.place + 1,
    code: index === 0 ? "INPUT_ITEM_EMPTY" : "INPUT_DIMENSION_EMPTY",
    reason:
      index === 0
        ? `Expected an item in ${column.name} but the field is empty. Fill it in.`
        : `Expected a value in ${column.name}, which is forecast by, but the field is empty. Fill it in, or leave the column out: --without ${column.name}.`,
    sample: "",
  };
}

function wrongTimestamp(column: Column | undefined, text: string, line: number, pattern: string): BadRow {
  return {
    line,
    column: (column?.place ?? 0) + 1,
    code: "INPUT_TIMESTAMP_WRONG",
    reason: `Expected a day of the calendar in ${column?.name ?? "timestamp"} as ${pattern}, from 1700 to 2299, but received "${short(text)}". Write it so, or say how it is written with --date-format.`,
    sample: text.slice(0, sampleChars),
  };
}

/** Nothing is sold by more than this: a slip, and a number whose squares no sum holds. */
const mostNumber = 1e18;

function tooLarge(column: Column, text: string, line: number): BadRow {
  return {
    line,
    column: column.place + 1,
    code: "INPUT_NUMBER_TOO_LARGE",
    reason: `Expected a number within 1e18 in ${column.name} but received "${short(text)}". Correct it, or leave it empty where unknown.`,
    sample: text.slice(0, sampleChars),
  };
}

function wrongStock(column: StockColumn, text: string, line: number): BadRow {
  const expected = column.saysEmpty
    ? `1 or true in ${column.name} where there was no stock, and 0 or false elsewhere,`
    : `0 or false in ${column.name} where there was no stock, and 1, true or a stock elsewhere,`;
  return {
    line,
    column: column.place + 1,
    code: "INPUT_STOCK_WRONG",
    reason: `Expected ${expected} but received "${short(text)}". Write it so.`,
    sample: text.slice(0, sampleChars),
  };
}

const short = (text: string): string => text.slice(0, 60).toWellFormed();
