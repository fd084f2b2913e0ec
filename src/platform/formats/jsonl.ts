// JSONL: one JSON object a line.
//
//   J1. The columns are the keys of the first 1,000 good rows (or 1 MiB of them), in order of appearance
//       (but keys that are whole numbers come first, as JSON.parse has it). A later row with another key is a
//       bad row: its value has no column, and leaving it out would be silent loss.
//   J2. A missing key and null are both "". Strings stay, numbers become plain decimals (whole numbers digit for digit), true and false
//       their names, objects and arrays their JSON.

import type { Body } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import type { ColumnType, BadRow, ReadOptions, RowBatch, Table, WriteOptions } from "./contract.ts";
import { encode, wrongWidth } from "./csv.ts";
import { findWrongCharacter } from "./csv-scan.ts";
import { type TextBlock, decodeText } from "./text-in.ts";
import type { TextEncoding } from "./contract.ts";
import { type Cell, cellText, nestedText, plainNumber } from "./values.ts";

const headRows = 1000;
const headChars = 1 << 20;
const blockChars = 1 << 16;

interface TextLine {
  readonly text: string;
  readonly line: number;
  /** Holds NUL or wrong bytes, perhaps. */
  readonly suspicious: boolean;
}

interface ParsedRow {
  readonly values: ReadonlyMap<string, string>;
  readonly line: number;
  readonly text: string;
}

/** Reads JSONL bytes that are no longer packed. See `readTable`. */
export async function readJsonl(body: Body, options: ReadOptions): Promise<Table> {
  const { name } = options;
  let encoding: TextEncoding | undefined;
  const onEncoding = (found: TextEncoding): void => void (encoding = found);
  const typed = new Set<string>();
  const rows = parsedRows(decodeText(body, { signal: options.signal, encoding: options.encoding, onEncoding }), options, typed);
  try {
    const head: ParsedRow[] = [];
    const columns = new Map<string, number>((options.columns ?? []).map((column, index) => [column, index]));
    let chars = 0;
    while (options.columns === undefined && head.length < headRows && chars < headChars) {
      const next = await rows.next();
      if (next.done === true) break;
      head.push(next.value);
      chars += next.value.text.length;
      for (const key of next.value.values.keys()) if (!columns.has(key)) columns.set(key, columns.size);
    }
    if (columns.size === 0) {
      const message = `Expected a table in ${name} but no line holds a JSON object with keys. Write one object a line.`;
      throw new StockroomError("input", "TABLE_EMPTY", message, { facts: { name } });
    }
    return {
      columns: [...columns.keys()],
      encoding: () => encoding,
      isTyped: (column) => typed.has(column),
      batches: batchesOf(head, rows, columns, options),
    };
  } catch (thrown) {
    await rows.return(undefined);
    throw thrown;
  }
}

async function* batchesOf(
  head: readonly ParsedRow[],
  rest: AsyncGenerator<ParsedRow>,
  columns: ReadonlyMap<string, number>,
  options: ReadOptions,
): AsyncGenerator<RowBatch> {
  const { batchRows = 2048 } = options;
  let rows: string[][] = [];
  let lines: number[] = [];
  const take = (parsed: ParsedRow): void => {
    const row = Array.from<string>({ length: columns.size }).fill("");
    for (const [key, value] of parsed.values) {
      const index = columns.get(key);
      if (index === undefined) {
        options.onBadRow({
          line: parsed.line,
          column: undefined,
          code: "TABLE_JSON_UNKNOWN_KEY",
          reason: `Expected only the keys of the first rows but "${key.slice(0, 80).toWellFormed()}" came. Put it into the first row too, or leave it out.`,
          sample: parsed.text.slice(0, 200).toWellFormed(),
        });
        return;
      }
      row[index] = value;
    }
    rows.push(row);
    lines.push(parsed.line);
  };
  try {
    for (const parsed of head) {
      take(parsed);
      if (rows.length < batchRows) continue;
      yield { rows, lines };
      [rows, lines] = [[], []];
    }
    for (;;) {
      const next = await rest.next();
      if (next.done === true) break;
      take(next.value);
      if (rows.length < batchRows) continue;
      yield { rows, lines };
      [rows, lines] = [[], []];
    }
    if (rows.length > 0) yield { rows, lines };
  } catch (thrown) {
    if (rows.length > 0) yield { rows, lines };
    throw thrown;
  } finally {
    await rest.return(undefined);
  }
}

/** `typed` is told the keys of numbers with a fraction: whole ones are the same with every decimal sign. */
async function* parsedRows(body: AsyncIterable<TextBlock>, options: ReadOptions, typed: Set<string>): AsyncGenerator<ParsedRow> {
  let first = true;
  for await (const line of linesOf(body, options)) {
    if (/^\s*$/.test(line.text)) continue;
    if (first && /^\s*\[/.test(line.text)) {
      const message = `Expected one JSON object a line in ${options.name} but it begins with an array. Write each element as a line of its own.`;
      throw new StockroomError("input", "TABLE_NOT_JSONL", message, { facts: { name: options.name } });
    }
    first = false;
    const parsed = parseLine(line, typed);
    if ("values" in parsed) yield parsed;
    else options.onBadRow(parsed);
  }
}

function parseLine({ text, line, suspicious }: TextLine, typed: Set<string>): ParsedRow | BadRow {
  const bad = (code: string, reason: string, column?: number): BadRow => ({
    line,
    column,
    code,
    reason,
    sample: text.slice(0, 200).toWellFormed(),
  });
  const wrong = suspicious ? findWrongCharacter(text, line) : undefined;
  if (wrong !== undefined) return wrong;
  const marked = markEscapedKeys(text);
  let value: unknown;
  try {
    value = JSON.parse(marked.text);
  } catch (thrown) {
    const place = /position (\d+)/.exec(thrown instanceof Error ? thrown.message : "");
    const column = place === null ? text.length + 1 : Number(place[1]) + 1;
    return bad(
      "TABLE_JSON_BROKEN",
      "Expected a JSON object on this line but it is not valid JSON. Correct it; a newline within a value is written \\n.",
      column,
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return bad(
      "TABLE_JSON_NOT_OBJECT",
      "Expected a JSON object on this line but another JSON value came. Write { } with a key for each column.",
      1,
    );
  }
  const exact = /\d{16}|[eE]\+?\d{3}/.test(text) ? sourceNumbers(marked.text) : undefined;
  // Only an escape can bring what the look at the raw text did not find.
  const escaped = text.includes("\\u");
  const values = new Map<string, string>();
  for (const [found, inner] of Object.entries(value)) {
    const key = marked.clean?.(found) ?? found;
    const read = valueText(inner, exact?.get(found));
    const cell = marked.clean?.(read) ?? read;
    values.set(key, cell);
    if (typeof inner === "number" && !Number.isInteger(inner)) typed.add(key);
    if (!escaped) continue;
    if (cell.includes("\0") || key.includes("\0")) return bad("TABLE_NUL", "Expected text but a NUL character (\\u0000) came. Remove it.");
    if (!cell.isWellFormed() || !key.isWellFormed())
      return bad("TABLE_NOT_UTF8", "Expected text but half of a surrogate pair (\\ud800 to \\udfff) came. Remove it.");
  }
  return { values, line, text };
}

/** Where a key begins that holds an escape. Within a string no quote stands without a backslash before it. */
const escapedKey = /(?<=[{,]\s*)"(?=[^"\\]*\\.(?:[^"\\]|\\.)*"\s*:)/g;

interface Marked {
  readonly text: string;
  /** Takes the marks out of what was read; undefined where there are none. */
  readonly clean: ((text: string) => string) | undefined;
}

let marks = 0;

/**
 * A line whose keys with escapes begin in a way that no key began before. V8 (of Node 24.21) guesses the next key from objects read earlier, and
 * compares the guess with as many characters of the raw text as the key has: after a key `a\` it reads `"a\n"` as that. No guess begins like a mark.
 */
function markEscapedKeys(text: string): Marked {
  if (!text.includes("\\") || text.search(escapedKey) < 0) return { text, clean: undefined };
  let code = 0xe000;
  const lower = text.toLowerCase();
  while (text.includes(String.fromCharCode(code)) || lower.includes(`\\u${code.toString(16)}`)) code += 1;
  const sign = String.fromCharCode(code);
  const mark = new RegExp(`${sign}[0-9a-z]+${sign}`, "g");
  return {
    text: text.replaceAll(escapedKey, () => {
      marks += 1;
      return `"${sign}${marks.toString(36)}${sign}`;
    }),
    clean: (read) => read.replaceAll(mark, ""),
  };
}

function valueText(value: unknown, source: string | undefined): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      if (source !== undefined && /^-?\d+$/.test(source)) return source;
      return Number.isFinite(value) ? plainNumber(value) : (source ?? "");
    case "boolean":
      return String(value);
    default:
      return value === null ? "" : nestedText(value);
  }
}

/** The numbers of an object as they are written, because a whole number beyond 2^53 loses digits in parsing. */
function sourceNumbers(text: string): ReadonlyMap<string, string> {
  const found: { readonly holder: unknown; readonly key: string; readonly source: string }[] = [];
  const note = function (this: unknown, key: string, value: unknown, context?: { readonly source?: string }): unknown {
    if (typeof value === "number" && context?.source !== undefined) found.push({ holder: this, key, source: context.source });
    return value;
  };
  const root: unknown = JSON.parse(text, note);
  return new Map(found.filter((one) => one.holder === root).map((one) => [one.key, one.source]));
}

async function* linesOf(body: AsyncIterable<TextBlock>, options: ReadOptions): AsyncGenerator<TextLine> {
  const { maxRecordChars = 1 << 20 } = options;
  let text = "";
  let suspicious = false;
  let line = 1;
  let tooLong = false;
  const longRow = (from: number): void =>
    options.onBadRow({
      line,
      column: 1,
      code: "TABLE_RECORD_TOO_LONG",
      reason: `Expected at most ${maxRecordChars} characters on a line but it is longer. Raise the limit or correct the line.`,
      sample: text.slice(from, from + Math.min(200, maxRecordChars)).toWellFormed(),
    });
  for await (const block of body) {
    suspicious = block.suspicious || (suspicious && (text.includes("\0") || !text.isWellFormed()));
    text += block.text;
    let start = 0;
    for (let end = text.indexOf("\n", start); end >= 0; end = text.indexOf("\n", start)) {
      const stop = text.charCodeAt(end - 1) === 13 && end > start ? end - 1 : end;
      if (!tooLong && stop - start > maxRecordChars) longRow(start);
      else if (!tooLong) yield { text: text.slice(start, stop), line, suspicious };
      tooLong = false;
      start = end + 1;
      line += 1;
    }
    text = text.slice(start);
    // One more than the limit, because a last CR belongs to the line end.
    if (text.length > maxRecordChars + 1) {
      if (!tooLong) longRow(0);
      tooLong = true;
      text = "";
    }
  }
  if (tooLong || text === "") return;
  if (text.length > maxRecordChars) longRow(0);
  else yield { text, line, suspicious };
}

/** Writes JSONL. Without rows it has no keys either, so an empty table does not keep its columns. See `writeTable`. */
export async function* writeJsonl(batches: AsyncIterable<readonly (readonly Cell[])[]>, options: WriteOptions): Body {
  const { columns, types = {} } = options;
  const keys = columns.map((column, index) => `${index === 0 ? "{" : ","}${JSON.stringify(column.toWellFormed())}:`);
  const kinds = columns.map((column) => types[column] ?? "text");
  let block = "";
  for await (const rows of batches) {
    for (const row of rows) {
      if (row.length !== columns.length) throw wrongWidth(row.length, columns.length);
      for (let i = 0; i < keys.length; i++) block += (keys[i] ?? "") + jsonOf(row[i] ?? null, kinds[i] ?? "text", columns[i] ?? "");
      block += "}\n";
      if (block.length >= blockChars) {
        yield encode(block);
        block = "";
      }
    }
  }
  if (block !== "") yield encode(block);
}

function jsonOf(cell: Cell, kind: ColumnType, column: string): string {
  if (cell === null) return "null";
  if (kind === "text" || kind === "date" || kind === "timestamp") {
    const text = cellText(cell);
    if (text.includes("\0")) encode(text);
    return JSON.stringify(text.toWellFormed());
  }
  const text = cellText(cell);
  if (text === "") return "null";
  if (kind === "number" ? /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) : text === "true" || text === "false") return text;
  throw wrongType(kind, column);
}

export function wrongType(kind: string, column: string): StockroomError {
  return new StockroomError(
    "input",
    "TABLE_VALUE_TYPE",
    `Expected only ${kind} values in the column ${column} to write but another came. Write it as text.`,
    {
      facts: { column, kind },
    },
  );
}
