// CSV scanner: text in blocks becomes records, each with the physical line on which it begins.
//
// Owns: quotes, line ends, the width of rows, and finding back into step after a broken quote. Does not own: bytes, files, the meaning of columns.
//   S1. Where the blocks end changes nothing: the same text gives the same rows and bad rows.
//   S2. A broken quote costs the line on which its field opened. Scanning goes on at the next physical line, however far the quote reached.
//   S3. Every line that is not blank ends in exactly one row or one bad row (a bad row may span lines; its reason says so).
//   S4. Work is linear in the text: what is scanned again after a lost quote holds no second lost quote.
//
// A quote inside an unquoted field (`27" screen`) is text, as everybody writes it; only a field that opens with a quote must close with one.
// Blank lines are no rows. Line ends are LF, CRLF or CR, also mixed.

import type { BadRow, RowBatch } from "./contract.ts";

const quote = 34;
const lineFeed = 10;
const carriageReturn = 13;
const sampleChars = 200;

export interface ScanOptions {
  readonly delimiter: string;
  /** Fields of a row; undefined: as many as the first record has, which is taken for the header. */
  readonly width: number | undefined;
  /** The physical line of the first record. Default 1. */
  readonly firstLine?: number;
  readonly batchRows: number;
  readonly maxRecordChars: number;
  readonly onHeader: (fields: readonly string[], text: string) => void;
  readonly onHeaderBroken: (bad: BadRow) => never;
  readonly onBadRow: (row: BadRow) => void;
}

/** What came of a record: its fields, not enough text yet, or why it is broken. */
type Outcome = "complete" | "unfinished" | Fault;
/** Text after a closing quote; a quote that never closes; too many characters. */
type Fault = "garbage" | "lost" | "long";

/** A fault's place while a record is being scanned. */
interface Mark {
  readonly line: number;
  readonly lineStart: number;
  readonly at: number;
}

const nowhere: Mark = { line: 0, lineStart: 0, at: 0 };

/**
 * Scans one text. `push` blocks in order, then `finish`; both give the batches that became full (`finish` also the last one).
 *
 * Values are slices of the block they came from: whoever keeps a few of them for long keeps their blocks alive (some 256 KiB each).
 */
export class CsvScanner {
  readonly #options: ScanOptions;
  readonly #delimiter: number;
  /** No character above it ends a field. */
  readonly #highest: number;
  readonly #maxRecordChars: number;
  #width: number | undefined;
  #text = "";
  /** First physical line of `#text`. */
  #line = 1;
  #suspicious = false;
  /** After a line too long to hold: drop everything up to the next line end. */
  #skipping = false;
  /** Below this many characters the unfinished record at the front is not tried again; it doubles, so trying stays linear. */
  #tryAgainAt = 0;
  /** The record being scanned; one object for all, so that scanning makes none. `line` and `lineStart` are those of `at`. */
  readonly #record = { fields: new Array<string>(), at: 0, line: 1, lineStart: 0, end: 0, broken: nowhere };
  #rows: (readonly string[])[] = [];
  #lines: number[] = [];

  constructor(options: ScanOptions) {
    this.#options = options;
    this.#delimiter = options.delimiter.charCodeAt(0);
    this.#highest = Math.max(this.#delimiter, carriageReturn);
    this.#maxRecordChars = options.maxRecordChars;
    this.#width = options.width;
    this.#line = options.firstLine ?? 1;
  }

  push(text: string, suspicious: boolean): RowBatch[] {
    this.#suspicious = suspicious || (this.#suspicious && isSuspicious(this.#text));
    this.#text = this.#text === "" ? text : this.#text + text;
    return this.#text.length < this.#tryAgainAt ? [] : this.#scan(false);
  }

  /** Ends the text: what is left becomes rows. */
  finish(): RowBatch[] {
    return [...this.#scan(true), ...this.stop()];
  }

  /** Gives the whole rows not yet handed out, and leaves the unfinished record be: for text that breaks off by an error. */
  stop(): RowBatch[] {
    if (this.#rows.length === 0) return [];
    const last = { rows: this.#rows, lines: this.#lines };
    this.#rows = [];
    this.#lines = [];
    return [last];
  }

  /** The physical line that the next record begins on; for errors that stop the file. */
  get line(): number {
    return this.#line;
  }

  #scan(final: boolean): RowBatch[] {
    const full: RowBatch[] = [];
    const { batchRows } = this.#options;
    const record = this.#record;
    const { length } = this.#text;
    let start = 0;
    record.line = this.#line;
    if (this.#skipping) {
      start = this.#lineEndAfter(0, final);
      if (start < 0) return this.#skip(full, final);
      this.#skipping = false;
      record.line += 1;
    }
    while (start < length) {
      this.#line = record.line;
      record.fields = [];
      record.at = start;
      record.lineStart = start;
      const outcome = this.#readRecord(start, final);
      if (outcome === "unfinished") break;
      if (outcome !== "complete") {
        const bound = start + this.#maxRecordChars + 1;
        const { broken } = record;
        const next = this.#lineEndAfter(broken.lineStart, final);
        if (next < 0 && !final && length < bound) break;
        this.#setApart(broken, outcome, this.#line, bound);
        if (next < 0) {
          this.#line = broken.line;
          return this.#skip(full, final);
        }
        start = next;
        record.line = broken.line + 1;
        continue;
      }
      if (record.end > start && this.#accept(start) && this.#rows.length === batchRows) full.push(...this.stop());
      start = record.at;
      record.line += 1;
    }
    // Whatever is left is the front of an unfinished record.
    if (start < length) {
      this.#text = this.#text.slice(start);
      this.#tryAgainAt = 2 * (length - start);
    } else {
      this.#line = record.line;
      this.#text = "";
      this.#tryAgainAt = 0;
    }
    return full;
  }

  /** Drops the text held, a line too long: all up to the next line end goes. */
  #skip(full: RowBatch[], final: boolean): RowBatch[] {
    this.#skipping = true;
    // A CR at the very end may be half of a CRLF: keep it.
    this.#text = !final && this.#text.charCodeAt(this.#text.length - 1) === carriageReturn ? "\r" : "";
    return full;
  }

  /** Reads the record at `start` into `#record`: its fields, where it ends, and where the next one begins. */
  #readRecord(start: number, final: boolean): Outcome {
    const text = this.#text;
    const { length } = text;
    const record = this.#record;
    const { fields } = record;
    const delimiter = this.#delimiter;
    const highest = this.#highest;
    const bound = start + this.#maxRecordChars + 1;
    const limit = Math.min(length, bound);
    let { at } = record;
    for (;;) {
      if (at >= bound) return this.#tooLong();
      let code = at < length ? text.charCodeAt(at) : 0;
      if (code === quote) {
        record.at = at;
        const outcome = this.#readQuoted(limit, limit < bound && !final, final);
        if (outcome !== "complete") return outcome;
        at = record.at;
        if (at >= length) {
          record.end = at;
          break;
        }
        code = text.charCodeAt(at);
      } else {
        const from = at;
        while (at < limit) {
          code = text.charCodeAt(at);
          if (code <= highest && (code === delimiter || code === lineFeed || code === carriageReturn)) break;
          at += 1;
        }
        if (at >= limit) {
          if (limit === bound) return this.#tooLong();
          if (!final) return "unfinished";
          fields.push(text.slice(from, at));
          record.end = at;
          break;
        }
        fields.push(text.slice(from, at));
      }
      if (code === delimiter) {
        at += 1;
        continue;
      }
      record.end = at;
      at += 1;
      if (code === carriageReturn) {
        if (at >= length && !final) return "unfinished";
        if (text.charCodeAt(at) === lineFeed) at += 1;
      }
      break;
    }
    record.at = at;
    return record.end - start > this.#maxRecordChars ? this.#tooLong() : "complete";
  }

  /** Reads the field whose quote opens at `#record.at`; leaves `at` on what follows the closing one. */
  #readQuoted(limit: number, mayGoOn: boolean, final: boolean): Outcome {
    const text = this.#text;
    const { length } = text;
    const record = this.#record;
    const from = record.at;
    const openLine = record.line;
    const openLineStart = record.lineStart;
    let doubled = false;
    let at = from + 1;
    for (;;) {
      if (at >= limit) {
        if (mayGoOn) return "unfinished";
        record.broken = { line: openLine, lineStart: openLineStart, at: from };
        return "lost";
      }
      const code = text.charCodeAt(at);
      if (code === quote) {
        if (at + 1 >= length && !final) return "unfinished";
        if (text.charCodeAt(at + 1) !== quote) break;
        doubled = true;
        at += 1;
      } else if (code === lineFeed) {
        record.line += 1;
        record.lineStart = at + 1;
      } else if (code === carriageReturn) {
        if (at + 1 >= length && !final) return "unfinished";
        if (text.charCodeAt(at + 1) !== lineFeed) {
          record.line += 1;
          record.lineStart = at + 1;
        }
      }
      at += 1;
    }
    const value = text.slice(from + 1, at);
    record.fields.push(doubled ? value.replaceAll('""', '"') : value);
    at += 1;
    record.at = at;
    if (at >= length) return final ? "complete" : "unfinished";
    const code = text.charCodeAt(at);
    if (code === this.#delimiter || code === lineFeed || code === carriageReturn) return "complete";
    // On another line than its opening the close was in truth the next field's opening: the opening is what is wrong.
    const isHere = openLine === record.line;
    record.broken = { line: openLine, lineStart: openLineStart, at: isHere ? at : from };
    return isHere ? "garbage" : "lost";
  }

  #tooLong(): Outcome {
    const { line, lineStart } = this.#record;
    this.#record.broken = { line, lineStart, at: lineStart };
    return "long";
  }

  /** Takes the record that begins at `start`: the header, a row, or a bad row. True when it became a row. */
  #accept(start: number): boolean {
    const text = this.#text;
    const line = this.#line;
    const { fields, end, line: lastLine, lineStart: lastLineStart } = this.#record;
    if (this.#suspicious) {
      const wrong = findWrongCharacter(text.slice(start, end), line);
      if (wrong !== undefined) {
        this.#report(wrong);
        return false;
      }
    }
    if (this.#width === undefined) {
      this.#width = fields.length;
      this.#options.onHeader(fields, text.slice(start, end));
      return false;
    }
    if (fields.length !== this.#width) {
      const span = lastLine === line ? "" : ` (the row spans lines ${line} to ${lastLine})`;
      this.#report({
        line,
        column: lastLine === line ? end - lastLineStart + 1 : undefined,
        code: fields.length < this.#width ? "TABLE_ROW_SHORT" : "TABLE_ROW_LONG",
        reason: `Expected ${this.#width} fields but the row has ${fields.length}${span}. Add or remove delimiters, or quote the field that holds one.`,
        sample: sampleOf(text, start, end),
      });
      return false;
    }
    this.#rows.push(fields);
    this.#lines.push(line);
    return true;
  }

  #setApart(mark: Mark, reason: Fault, recordLine: number, bound: number): void {
    const maxRecordChars = this.#maxRecordChars;
    const span = mark.line === recordLine ? "" : ` The row began in line ${recordLine}.`;
    const said = {
      garbage: [
        "TABLE_QUOTE_BROKEN",
        `Expected a delimiter or the line's end after a closing quote but text goes on. Double the quotes within the field.`,
      ],
      lost: [
        "TABLE_QUOTE_OPEN",
        `Expected the quote opened here to close in its field but it does not. Close it or double it; reading goes on at the next line.`,
      ],
      long: [
        "TABLE_RECORD_TOO_LONG",
        `Expected at most ${maxRecordChars} characters in a row but it is longer. Raise the limit or correct the row.`,
      ],
    }[reason];
    this.#report({
      line: mark.line,
      column: mark.at - mark.lineStart + 1,
      code: said[0] ?? "",
      reason: `${said[1]}${span}`,
      sample: sampleOf(this.#text, mark.lineStart, bound),
    });
  }

  #report(bad: BadRow): void {
    if (this.#width === undefined) this.#options.onHeaderBroken(bad);
    this.#options.onBadRow(bad);
  }

  /** Where the line after the one at `from` begins; -1 when that is not known yet, or there is none. */
  #lineEndAfter(from: number, final: boolean): number {
    const text = this.#text;
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === lineFeed) return at + 1;
      if (code !== carriageReturn) continue;
      if (at + 1 >= text.length && !final) return -1;
      return text.charCodeAt(at + 1) === lineFeed ? at + 2 : at + 1;
    }
    return -1;
  }
}

function isSuspicious(text: string): boolean {
  return text.includes("\0") || !text.isWellFormed();
}

/** The first NUL or wrong byte (a lone surrogate, see text-in) of a record, as the bad row it makes. */
export function findWrongCharacter(record: string, recordLine: number): BadRow | undefined {
  let line = recordLine;
  let lineStart = 0;
  for (let at = 0; at < record.length; at++) {
    const code = record.charCodeAt(at);
    if (code === lineFeed || (code === carriageReturn && record.charCodeAt(at + 1) !== lineFeed)) {
      line += 1;
      lineStart = at + 1;
      continue;
    }
    const place = { line, sample: sampleOf(record, lineStart, record.length) };
    if (code === 0) {
      const reason = "Expected text but a NUL character came. Remove it.";
      return { ...place, column: at - lineStart + 1, code: "TABLE_NUL", reason };
    }
    if (code < 0xd800 || code > 0xdfff) continue;
    if (code < 0xdc00) {
      at += 1;
      continue;
    }
    const byte = (code & 0xff).toString(16).padStart(2, "0");
    const reason = `Expected UTF-8 but byte 0x${byte} does not belong to a character (the column counts bytes). Save the file as UTF-8, or name its encoding.`;
    return { ...place, column: Buffer.byteLength(record.slice(lineStart, at)) + 1, code: "TABLE_NOT_UTF8", reason };
  }
  return undefined;
}

/** The line at `from`, at most 200 characters, safe to print as UTF-8. */
function sampleOf(text: string, from: number, to: number): string {
  const block = text.slice(from, Math.min(to, from + sampleChars));
  const end = block.search(/[\r\n]/);
  return (end < 0 ? block : block.slice(0, end)).toWellFormed();
}
