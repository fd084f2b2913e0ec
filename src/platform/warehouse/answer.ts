// Answer: what came of a query, whoever was asked: at most so many rows and bytes of it, and how tables and columns are named to people.

import { StockroomError } from "../errors.ts";
import type { AnswerCell, AnswerType, LakeColumn } from "./contract.ts";

/** Rows with the values of their columns, in batches. */
export interface Answer<Cell = AnswerCell> {
  readonly columns: readonly string[];
  readonly types: readonly AnswerType[];
  readonly batches: AsyncIterable<readonly (readonly Cell[])[]>;
}

type AnswerRows = readonly (readonly AnswerCell[])[];

/** Rows that are there already. */
export function answerOf(columns: readonly string[], types: readonly AnswerType[], rows: AnswerRows): Answer {
  return {
    columns,
    types,
    batches: (async function* () {
      yield rows;
    })(),
  };
}

/** At most `limit` rows of an answer. After they were read, `isCut` tells whether there were more. */
export function firstRows<Cell>(
  { columns, types, batches }: Answer<Cell>,
  limit: number,
): Answer<Cell> & { readonly isCut: () => boolean } {
  let isCut = false;
  return {
    columns,
    types,
    batches: (async function* () {
      let left = limit;
      for await (const batch of batches) {
        isCut = batch.length > left;
        if (left > 0) yield batch.slice(0, left);
        if (isCut) return;
        left -= batch.length;
      }
    })(),
    isCut: () => isCut,
  };
}

/** All rows at once. Throws `input` `SQL_ANSWER_TOO_LARGE` for more bytes than an answer that stands in memory as a whole may have. */
export async function gatherRows({ batches }: Answer, maxMemoryMb: number): Promise<AnswerRows> {
  const rows: (readonly AnswerCell[])[] = [];
  const mostBytes = mostAnswerBytes(maxMemoryMb);
  let bytes = 0;
  for await (const batch of batches) {
    bytes += batch.reduce((sum, row) => sum + row.reduce<number>((of, cell) => of + sizeOf(cell), 0), 0);
    if (bytes > mostBytes)
      throw answerTooLarge(
        mostBytes,
        "Ask for fewer rows, shorter columns or CSV (row by row), or allow more: --memory, over HTTP memoryMb.",
      );
    for (const row of batch) rows.push(row);
  }
  return rows;
}

/** An answer that is printed as a whole stands in memory several times: as rows, as text, as bytes. Strings end at 512 MB. */
export const mostAnswerBytes = (maxMemoryMb: number): number => Math.min(256, maxMemoryMb / 8) * 1_048_576;

const sizeOf = (cell: AnswerCell): number =>
  typeof cell === "string" ? cell.length : typeof cell === "object" && cell !== null ? JSON.stringify(cell).length : 8;

export function answerTooLarge(bytes: number, remedy: string): StockroomError {
  const mb = Math.floor(bytes / 1_048_576);
  return new StockroomError("input", "SQL_ANSWER_TOO_LARGE", `Expected an answer of at most ${mb} MB but it is larger. ${remedy}`, {
    facts: { mostMb: mb },
  });
}

export function queryTimedOut(timeoutS: number): StockroomError {
  return new StockroomError(
    "input",
    "SQL_TIMEOUT",
    `Expected an answer within ${timeoutS} s but there was none. Narrow the query or give it more time: --timeout, over HTTP timeoutSeconds.`,
  );
}

/** A value in one cell of a table or of CSV: what is nested as JSON. */
export const plainCell = (value: AnswerCell): string | number | boolean | null =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : value;

/** What a driver gave as a value of an answer; bytes in PostgreSQL's hex, numbers that JSON has not (NaN, Infinity) as text. */
export function asCell(value: unknown): AnswerCell {
  if (value === null || value === undefined) return null;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (Buffer.isBuffer(value)) return `\\x${value.toString("hex")}`;
  return Array.isArray(value) ? value.map(asCell) : JSON.parse(JSON.stringify(value));
}

/** Names told apart as DuckDB itself does where it has to: a second `units` is `units_1`. */
export function namesApart(names: readonly string[]): readonly string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    let made = name;
    for (let count = 1; seen.has(made) || (made !== name && taken.has(made)); count++) made = `${name}_${count}`;
    seen.add(made);
    return made;
  });
}

/** A name as SQL takes it. */
export const sqlName = (name: string): string => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

const typeNames: Readonly<Record<LakeColumn["type"], string>> = { text: "text", number: "double", timestamp: "timestamp", date: "date" };

/** Columns with their types for people; a run of numbered ones (p1, p2, ... p99) as one. */
export function columnList(columns: readonly LakeColumn[]): string {
  const shown: { first: string; last: string; readonly stem: string; next: number; readonly type: string }[] = [];
  for (const { name, type } of columns) {
    const [, stem = "", digits = ""] = /^(.*?)(\d+)$/.exec(name) ?? [];
    const before = shown.at(-1);
    if (
      before !== undefined &&
      digits !== "" &&
      before.stem === stem &&
      before.next === Number(digits) &&
      before.type === typeNames[type]
    ) {
      before.last = name;
      before.next += 1;
    } else shown.push({ first: name, last: name, stem, next: Number(digits) + 1, type: typeNames[type] });
  }
  return shown
    .map(({ first, last, type }) => `${first === last ? quotedColumn(first) : `${quotedColumn(first)}..${quotedColumn(last)}`} ${type}`)
    .join(", ");
}

/** SQL of both kinds takes other letters only in quotes. */
const quotedColumn = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);
