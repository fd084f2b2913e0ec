// Fold: the replica of an entity set and the pages read since, into the new replica and the file the forecast is made from.
//
//   D1. Changes are applied in their order: that of the pages, or by unit of work where the service numbers them (changes.ts).
//   D2. The same replica and pages give the same bytes: rows are written in the order in which their keys were first seen.
//   D3. Replica and pages hold the texts that came; times and numbers are converted in the file alone, and only where they are columns of it.
//
// Memory: about 250 bytes and the kept fields of every row, 1 million rows in some 450 MiB.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { openHandle, writeThrough } from "../../../platform/objects/handles.ts";
import { readTable, writeTable } from "../../../platform/formats/index.ts";
import {
  Book,
  byUnit,
  isAdditive,
  isBeforeImage,
  orderFields,
  type ChangeKind,
  type ChangeRecord,
  noCounts,
  type Repeated,
  type Trouble,
} from "./changes.ts";
import { numberText, timeText } from "./wire.ts";

export type ColumnType = "text" | "number" | "time";

export interface FoldInput {
  /** Absent: a first load. */
  readonly replica: ReadHandle | undefined;
  readonly pages: readonly ReadHandle[];
  readonly keys: readonly string[];
  /** Column of the file -> field of the entity. */
  readonly columns: Readonly<Record<string, string>>;
  /** Type of each column of the file; text where it is not named. */
  readonly types: Readonly<Record<string, ColumnType>>;
  /** Absent: found from the changes. */
  readonly kind: ChangeKind | undefined;
  readonly repeated: Repeated;
  /** The delta may hold changes that the replica has already: whether that is harmless is seen from what it holds. */
  readonly mayRepeat?: boolean;
  readonly newReplica: WriteHandle;
  readonly file: WriteHandle;
}

export interface FoldResult {
  readonly rows: number;
  readonly set: number;
  readonly deleted: number;
  readonly repeated: number;
  readonly recreated: number;
  readonly sample: string | undefined;
  /** Keys that stand for no record and still have an amount: no row of the file, told of. */
  readonly leftover: number;
  readonly leftoverSample: string | undefined;
  /** Changes that came again under the number they had: applied once. */
  readonly again: number;
  /** What kind the source is, as far as it is known now. */
  readonly kind: ChangeKind | undefined;
  readonly written: { readonly replica: StagedObject; readonly file: StagedObject } | undefined;
  /** Why nothing was written. */
  readonly trouble: Trouble | undefined;
  /** Nothing was written because changes that may come twice are not harmless here (`mayRepeat`): load everything. */
  readonly needsWhole?: true;
}

export const foldJob: ComputeTask<FoldInput, FoldResult> = { module: import.meta.url, name: "forecast.sap.fold" };

/** The columns of a page that say what became of the row. */
export const changeColumns: readonly string[] = ["ODQ_CHANGEMODE", "ODQ_ENTITYCNTR", ...orderFields];

const counterColumn = "ODQ_ENTITYCNTR";
const batchRows = 2_048;

export async function run(input: FoldInput, tools: TaskTools): Promise<FoldResult> {
  const fields = fieldsOf(input.keys, input.columns);
  const seen = input.replica === undefined ? { additive: false, both: false, ordered: false } : await scan(input, tools.signal);
  const found = input.kind ?? (seen.additive ? "additive" : undefined);
  // Twice the same row is that row; twice the same difference, or image of two, is another sum.
  if (input.mayRepeat === true && input.replica !== undefined && (found === "additive" || seen.both))
    return { rows: 0, ...noCounts, again: 0, kind: found, written: undefined, trouble: undefined, needsWhole: true };
  const measures = Object.entries(input.columns)
    .filter(([column, field]) => input.types[column] === "number" && !input.keys.includes(field))
    .map(([, field]) => fields.indexOf(field));
  if (found === "additive" && measures.length === 0) {
    const said = `Expected a number column for an additive source to add to but the file has none of ${Object.keys(input.columns).join(", ")}. Name it under \`types\`.`;
    return { rows: 0, ...noCounts, again: 0, kind: found, written: undefined, trouble: { code: "SAP_KIND", said } };
  }
  const book = new Book({
    kind: found ?? "overwriting",
    repeated: input.repeated,
    keys: input.keys.map((key) => fields.indexOf(key)),
    measures: [...new Set(measures)],
    names: fields,
  });
  if (input.replica !== undefined) {
    for await (const row of rowsOf(input.replica, [...fields, counterColumn], tools.signal))
      book.hold(row.slice(0, -1), Number(row.at(-1)));
  }
  const apply = (record: ChangeRecord): void => (input.replica === undefined ? book.load(record) : book.change(record, seen.both));
  const waiting: Numbered[] = [];
  for (const [index, page] of input.pages.entries()) {
    for await (const { record, unit } of recordsOf(page, fields, tools.signal)) {
      if (seen.ordered) waiting.push({ record, unit });
      else apply(record);
    }
    tools.progress(index + 1, input.pages.length, "pages");
  }
  const inOrder = once(waiting.toSorted((a, b) => byUnit(a.unit, b.unit)));
  for (const { record } of inOrder) apply(record);
  const again = waiting.length - inOrder.length;
  const refused = input.replica === undefined && book.counts.repeated > 0 && found !== "additive" && input.repeated === "refuse";
  if (book.trouble !== undefined || refused)
    return { rows: 0, ...book.counts, again, kind: found, written: undefined, trouble: book.trouble };
  return { ...(await write(input, book, fields, tools.signal)), ...book.counts, again, kind: found, trouble: undefined };
}

interface Numbered {
  readonly record: ChangeRecord;
  readonly unit: readonly string[];
}

/** Without those that came twice: the same record under the same transaction, unit and number of SAP's queue is no second change. */
function once(sorted: readonly Numbered[]): readonly Numbered[] {
  let seen = new Set<string>();
  let before: readonly string[] = [];
  return sorted.filter(({ record, unit }) => {
    if (byUnit(before, unit) !== 0) seen = new Set();
    before = unit;
    if (unit.includes("")) return true;
    const text = JSON.stringify([record.fields, record.mode, record.counter]);
    return !seen.has(text) && seen.add(text) !== undefined;
  });
}

interface Seen {
  readonly additive: boolean;
  /** Images from before and after. */
  readonly both: boolean;
  /** The service numbers its changes. */
  readonly ordered: boolean;
}

/** What a delta is like must be known before its first record is applied. */
async function scan(input: FoldInput, signal: AbortSignal): Promise<Seen> {
  const seen = { additive: false, both: false, ordered: false };
  for (const page of input.pages) {
    for await (const [mode = "", counter = "", ...unit] of rowsOf(page, changeColumns, signal)) {
      if (isAdditive({ mode, counter })) seen.additive = true;
      if (isBeforeImage({ mode, counter })) seen.both = true;
      if (unit.some((text) => text !== "")) seen.ordered = true;
    }
  }
  return seen;
}

async function write(
  input: FoldInput,
  book: Book,
  fields: readonly string[],
  signal: AbortSignal,
): Promise<Pick<FoldResult, "rows" | "written">> {
  const replica = await writeThrough(
    input.newReplica,
    writeTable(
      batchesOf(book.kept(), (row) => [...row.fields, String(row.counter)]),
      { format: "csv", columns: [...fields, counterColumn] },
    ),
    signal,
  );
  const columns = Object.entries(input.columns).map(([column, field]) => ({
    at: fields.indexOf(field),
    convert: converters[input.types[column] ?? "text"],
  }));
  let rows = 0;
  const file = await writeThrough(
    input.file,
    writeTable(
      batchesOf(book.rows(), (row) => {
        rows += 1;
        return columns.map(({ at, convert }) => convert(row.fields[at] ?? ""));
      }),
      { format: "csv", columns: Object.keys(input.columns) },
    ),
    signal,
  );
  return { rows, written: { replica, file } };
}

const converters: Readonly<Record<ColumnType, (text: string) => string>> = {
  text: (text) => text,
  number: numberText,
  time: timeText,
};

/** The fields that are kept of every row: its keys, then what the file needs. */
export function fieldsOf(keys: readonly string[], columns: Readonly<Record<string, string>>): readonly string[] {
  return [...new Set([...keys, ...Object.values(columns)])];
}

async function* recordsOf(page: ReadHandle, fields: readonly string[], signal: AbortSignal): AsyncGenerator<Numbered> {
  for await (const row of rowsOf(page, [...fields, ...changeColumns], signal)) {
    const [mode = "", counter = "", ...unit] = row.slice(fields.length);
    yield { record: { fields: row.slice(0, fields.length), mode, counter }, unit };
  }
}

async function* rowsOf(handle: ReadHandle, columns: readonly string[], signal: AbortSignal): AsyncGenerator<readonly string[]> {
  const table = await readTable(openHandle(handle, signal), {
    name: handle.entry.key,
    format: "csv",
    signal,
    onBadRow: (row) => {
      throw new Error(`Row ${row.line} of ${handle.entry.key}, which this installation wrote, cannot be read: ${row.reason}`);
    },
  });
  const at = columns.map((column) => table.columns.indexOf(column));
  for await (const batch of table.batches) {
    // Copied, because values may be slices of their piece of the file.
    for (const row of batch.rows) yield at.map((index) => detached(row[index] ?? ""));
  }
}

/** A text of its own memory: a slice would keep the whole piece of the file it was cut from. */
function detached(text: string): string {
  return text.length < 13 ? text : Buffer.from(text).toString();
}

async function* batchesOf<Row>(rows: Iterable<Row>, map: (row: Row) => readonly string[]): AsyncGenerator<(readonly string[])[]> {
  let batch: (readonly string[])[] = [];
  for (const row of rows) {
    batch.push(map(row));
    if (batch.length < batchRows) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
