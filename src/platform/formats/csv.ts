// CSV and TSV: the scanner with a header, a delimiter and batches around it; and the way back.

import type { Body } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import type { BadRow, ReadOptions, RowBatch, Table, WriteOptions } from "./contract.ts";
import { CsvScanner } from "./csv-scan.ts";
import { type Cell, cellText } from "./values.ts";
import { type TextBlock, decodeText } from "./text-in.ts";
import type { TextEncoding } from "./contract.ts";

/** Characters of output gathered before they become bytes. */
const blockChars = 1 << 16;

/** Reads CSV (or TSV) bytes that are no longer packed. See `readTable`. */
export async function readCsv(body: Body, format: "csv" | "tsv", options: ReadOptions): Promise<Table> {
  let encoding: TextEncoding | undefined;
  const onEncoding = (found: TextEncoding): void => void (encoding = found);
  const blocks = decodeText(body, { signal: options.signal, encoding: options.encoding, onEncoding });
  try {
    const table = await openCsv(options.skippedLines === undefined ? blocks : withoutLines(blocks, options.skippedLines), format, options);
    return { ...table, batches: options.spreadsheet === true ? unguarded(table.batches) : table.batches, encoding: () => encoding };
  } catch (thrown) {
    await blocks.return(undefined);
    throw thrown;
  }
}

/** The text from behind its first lines on. */
async function* withoutLines(blocks: AsyncGenerator<TextBlock>, count: number): AsyncGenerator<TextBlock> {
  let left = count;
  let half = false;
  try {
    for await (const block of blocks) {
      let at = 0;
      const { text } = block;
      // A CR at the end of a block and an LF at the begin of the next are one end of a line.
      if (half && text.startsWith("\n")) at = 1;
      half = false;
      while (left > 0 && at < text.length) {
        const end = text.slice(at).search(/[\r\n]/);
        if (end < 0) {
          at = text.length;
          break;
        }
        at += end + 1;
        if (text[at - 1] === "\r") {
          if (text[at] === "\n") at += 1;
          else half = at === text.length;
        }
        left -= 1;
      }
      if (at < text.length) yield at === 0 ? block : { ...block, text: text.slice(at) };
    }
  } finally {
    await blocks.return(undefined);
  }
}

async function openCsv(blocks: AsyncGenerator<TextBlock>, format: "csv" | "tsv", options: ReadOptions): Promise<Table> {
  const { name, batchRows = 2048, maxRecordChars = 1 << 20 } = options;
  let columns = options.header === false ? options.columns : undefined;
  if (options.header === false && (columns === undefined || columns.length === 0)) {
    const message = `Expected the columns of ${name} to be named because it has no header. Name them.`;
    throw new StockroomError("input", "TABLE_NO_COLUMNS", message, { facts: { name } });
  }
  let text = "";
  let suspicious = false;
  let found = findDelimiter(text, columns?.length);
  while (!found.certain && text.length <= maxRecordChars) {
    const next = await blocks.next();
    if (next.done === true) break;
    text += next.value.text;
    suspicious ||= next.value.suspicious;
    found = findDelimiter(text, columns?.length);
  }
  const delimiter = options.delimiter ?? (format === "tsv" ? "\t" : found.delimiter);
  const scanner = new CsvScanner({
    delimiter,
    width: columns?.length,
    firstLine: (options.skippedLines ?? 0) + 1,
    batchRows,
    maxRecordChars,
    onHeader: (fields) => {
      columns = checkHeader(fields, name);
    },
    onHeaderBroken: (bad) => refuseHeader(bad, name),
    onBadRow: options.onBadRow,
  });
  const ready = scanner.push(text, suspicious);
  for (;;) {
    if (columns !== undefined) break;
    const next = await blocks.next();
    ready.push(...(next.done === true ? scanner.finish() : scanner.push(next.value.text, next.value.suspicious)));
    if (next.done === true) break;
  }
  if (columns === undefined) {
    const message = `Expected a table in ${name} but the file is empty. Send one with a header line.`;
    throw new StockroomError("input", "TABLE_EMPTY", message, { facts: { name } });
  }
  return { columns, delimiter, batches: batchesOf(ready, blocks, scanner, name) };
}

async function* batchesOf(
  ready: readonly RowBatch[],
  blocks: AsyncGenerator<TextBlock>,
  scanner: CsvScanner,
  name: string,
): AsyncGenerator<RowBatch> {
  try {
    yield* ready;
    for (;;) {
      const next = await blocks.next();
      if (next.done === true) break;
      yield* scanner.push(next.value.text, next.value.suspicious);
    }
  } catch (thrown) {
    // Rows before the place where the bytes broke off are good: hand them out, then tell where it happened.
    yield* scanner.stop();
    throw atLine(thrown, scanner.line, name);
  } finally {
    await blocks.return(undefined);
  }
  yield* scanner.finish();
}

/** Adds the line to an error of the bytes below, which cannot know it. */
function atLine(thrown: unknown, line: number, name: string): unknown {
  if (!(thrown instanceof StockroomError) || thrown.kind !== "input") return thrown;
  return new StockroomError(thrown.kind, thrown.code, `${thrown.message} The last whole row of ${name} stands before line ${line}.`, {
    facts: { ...thrown.facts, line },
    cause: thrown,
  });
}

interface FoundDelimiter {
  readonly delimiter: "," | ";" | "\t" | "|";
  /** False while the first record is not whole: more text may change the answer. */
  readonly certain: boolean;
}

/**
 * The delimiter of a first record: comma, unless only `;`, only tab or only `|` stands in it outside quotes.
 *
 * Without a header the number of columns is known, and a delimiter that makes that many fields is preferred.
 */
function findDelimiter(text: string, width: number | undefined): FoundDelimiter {
  const counts = { ",": 0, ";": 0, "\t": 0, "|": 0 };
  let quoted = false;
  let begun = false;
  let certain = false;
  for (const char of text) {
    if (char === '"') quoted = !quoted;
    if (quoted) continue;
    if (char === "\r" || char === "\n") {
      certain = begun;
      if (certain) break;
      continue;
    }
    begun = true;
    if (char === "," || char === ";" || char === "\t" || char === "|") counts[char] += 1;
  }
  const candidates = [",", ";", "\t", "|"] as const;
  const fitting = width === undefined ? undefined : candidates.find((candidate) => counts[candidate] + 1 === width);
  // A bar stands in texts, too: it counts where nothing else does.
  const usual = candidates.filter((candidate) => candidate !== "|" && counts[candidate] > 0);
  const present = usual.length > 0 ? usual : candidates.filter((candidate) => counts[candidate] > 0);
  return { delimiter: fitting ?? (present.length === 1 ? present[0] : undefined) ?? ",", certain };
}

function refuseHeader(bad: BadRow, name: string): never {
  const facts = { name, line: bad.line, column: bad.column };
  if (bad.code === "TABLE_NUL") {
    throw new StockroomError(
      "input",
      "TABLE_NOT_TEXT",
      `Expected a text table in ${name} but its first line holds NUL characters. Export it as CSV in UTF-8.`,
      {
        facts,
      },
    );
  }
  const code = bad.code === "TABLE_NOT_UTF8" ? bad.code : "TABLE_HEADER_BROKEN";
  throw new StockroomError("input", code, `The header of ${name} cannot be read (line ${bad.line}, column ${bad.column}): ${bad.reason}`, {
    facts,
  });
}

/** Throws `input` `TABLE_HEADER_DUPLICATE` when two columns share a name. */
export function checkHeader(fields: readonly string[], name: string): readonly string[] {
  const seen = new Map<string, number>();
  for (const [index, field] of fields.entries()) {
    const former = seen.get(field);
    if (former !== undefined) {
      throw new StockroomError(
        "input",
        "TABLE_HEADER_DUPLICATE",
        `Expected every column of ${name} to have a name of its own but "${field}" names both column ${former + 1} and column ${index + 1}. Rename one.`,
        { facts: { name, first: former + 1, second: index + 1 } },
      );
    }
    seen.set(field, index);
  }
  return fields;
}

const needsQuotes = /[",\r\n]/;
/** In a header also the other delimiters, lest the reader take one for the file's own; and a first character that looks like a byte order mark. */
const headerNeedsQuotes = /[",\r\n;\t]|^\uFEFF/;

/** Writes CSV or TSV; lines end in LF. See `writeTable`. */
export async function* writeCsv(batches: AsyncIterable<readonly (readonly Cell[])[]>, options: WriteOptions): Body {
  const delimiter = options.format === "tsv" ? "\t" : ",";
  const special = options.format === "tsv" ? /["\t\r\n]/ : needsQuotes;
  const { spreadsheet = false } = options;
  const width = options.columns.length;
  const sole = width === 1;
  let block =
    options.columns.map((column) => (headerNeedsQuotes.test(column) || (sole && column === "") ? quoted(column) : column)).join(delimiter) +
    "\n";
  for await (const rows of batches) {
    for (const row of rows) {
      if (row.length !== width) throw wrongWidth(row.length, width);
      let line = "";
      for (let i = 0; i < width; i++) {
        const cell = row[i];
        const plain = typeof cell === "string" ? cell : cellText(cell);
        const text = spreadsheet && typeof cell === "string" ? withoutFormula(plain) : plain;
        if (i > 0) line += delimiter;
        line += special.test(text) || (sole && text === "") ? quoted(text) : text;
      }
      block += line + "\n";
      if (block.length >= blockChars) {
        yield encode(block);
        block = "";
      }
    }
  }
  if (block !== "") yield encode(block);
}

const formula = /^'*[=+\-@\t\r]/;
const guarded = /^'+[=+\-@\t\r]/;
const number = /^[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?$/;

/** A text as a spreadsheet shows it: what would be a formula gets a quote before it, and so does what has quotes before a formula. */
export function withoutFormula(text: string): string {
  return formula.test(text) && !number.test(text) ? `'${text}` : text;
}

/** The text that `withoutFormula` was given. */
function withFormula(text: string): string {
  return text.charCodeAt(0) === 39 && guarded.test(text) ? text.slice(1) : text;
}

async function* unguarded(batches: AsyncIterable<RowBatch>): AsyncGenerator<RowBatch> {
  for await (const { rows, lines } of batches) yield { rows: rows.map((row) => row.map(withFormula)), lines };
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** Refuses NUL, which no reader of tables takes back. */
export function encode(block: string): Uint8Array {
  if (block.includes("\0")) {
    throw new StockroomError("input", "TABLE_NUL", "Expected text to write but a value holds a NUL character. Remove it.");
  }
  return Buffer.from(block, "utf8");
}

export function wrongWidth(came: number, expected: number): StockroomError {
  return new StockroomError("fault", "TABLE_ROW_WIDTH", `Expected ${expected} values in a row to write but ${came} came.`, {
    facts: { came, expected },
  });
}
