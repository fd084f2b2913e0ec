// The rows of opened files become typed rows; a row that cannot be read is set apart with its line, column and reason.
//
// Owns: fields and their mistakes. Does not own: columns (schema.ts), steps (engine/panel).
//   I1. A bad row costs itself alone. Its column is the number of the field, 1 for the first; its reason names the column.
//   I2. An empty number (or `nan`) is no mistake: the value is missing, the row stands.

import type { BadRow, Table } from "../../../base/tables/index.ts";
import type { ItemMetadata } from "../../engine/panel/build.ts";
import { KeySpace, Rows } from "../../engine/panel/rows.ts";
import { notNumber, parseNumber, parseTimestamp } from "./fields.ts";
import type { PhaseTally } from "./phases.ts";
import type { Column, Columns } from "./schema.ts";

const sampleChars = 200;

export interface RowReading {
  readonly table: Table;
  readonly columns: Columns;
  readonly onBadRow: (row: BadRow) => void;
  readonly onRows: (rows: number) => void;
  readonly signal: AbortSignal | undefined;
}

export interface ReadRows {
  readonly keys: KeySpace;
  readonly rows: Rows;
  /** Rows of which no number was given. */
  readonly empty: number;
}

/** Reads target or related rows. `phases` sees the instant of every good row. */
export async function readRows(reading: RowReading, kind: "target" | "related", phases: PhaseTally | undefined): Promise<ReadRows> {
  const { columns } = reading;
  const keyed = [columns.item, ...columns.dimensions];
  const keys = new KeySpace(keyed.map(({ name }) => name));
  const places = keyed.map(({ place }) => place);
  const { numbers } = columns;
  const rows = new Rows(numbers.length, kind);
  const when = columns.timestamp?.place ?? -1;
  const values = new Float64Array(numbers.length);
  let empty = 0;
  let lastText = "";
  let lastSeconds = Number.NaN;
  for await (const batch of reading.table.batches) {
    reading.signal?.throwIfAborted();
    for (let r = 0; r < batch.rows.length; r++) {
      const row = batch.rows[r];
      const line = batch.lines[r];
      const wrongKey = places.findIndex((place) => row[place] === "");
      if (wrongKey >= 0) {
        reading.onBadRow(missingKey(keyed[wrongKey], wrongKey, line));
        continue;
      }
      if (row[when] !== lastText) {
        lastText = row[when];
        lastSeconds = parseTimestamp(lastText);
      }
      if (Number.isNaN(lastSeconds)) {
        reading.onBadRow(wrongTimestamp(columns.timestamp, row[when], line));
        continue;
      }
      let wrong = -1;
      let known = 0;
      for (let c = 0; c < numbers.length; c++) {
        const value = parseNumber(row[numbers[c].place]);
        if (value === notNumber) wrong = wrong < 0 ? c : wrong;
        else if (!Number.isNaN(value)) known += 1;
        values[c] = value;
      }
      if (wrong >= 0) {
        reading.onBadRow(wrongNumber(numbers[wrong], row[numbers[wrong].place], line));
        continue;
      }
      const minute = Math.floor(lastSeconds / 60);
      const second = lastSeconds - minute * 60;
      if (known === 0) empty += 1;
      else phases?.add(minute, second, line);
      rows.add(keys.intern(row, places, line), minute, second, line);
      for (let c = 0; c < numbers.length; c++) rows.put(c, values[c]);
    }
    reading.onRows(batch.rows.length);
  }
  return { keys, rows, empty };
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
        reading.onBadRow(missingKey(item, 0, line));
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
      reading.onBadRow({
        line,
        column: other.place + 1,
        code: "INPUT_ITEM_TWICE",
        reason: `Expected each item once but line ${lines.get(id)} gives this one another ${other.name}. The first is kept; remove one.`,
        sample: id.slice(0, sampleChars),
      });
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
    reason: `Expected ${index === 0 ? "an item" : "a value"} in ${column.name} but the field is empty. Fill it in.`,
    sample: "",
  };
}

function wrongTimestamp(column: Column | undefined, text: string, line: number): BadRow {
  return {
    line,
    column: (column?.place ?? 0) + 1,
    code: "INPUT_TIMESTAMP_WRONG",
    reason: `Expected a day of the calendar in ${column?.name ?? "timestamp"} as yyyy-MM-dd or yyyy-MM-dd HH:mm:ss, in UTC, from 1700 to 2299, but other text came. Write it so.`,
    sample: text.slice(0, sampleChars),
  };
}

function wrongNumber(column: Column, text: string, line: number): BadRow {
  return {
    line,
    column: column.place + 1,
    code: "INPUT_NUMBER_WRONG",
    reason: `Expected a number in ${column.name} but other text came. Write digits and a decimal point, without separators or units; leave it empty where unknown.`,
    sample: text.slice(0, sampleChars),
  };
}
