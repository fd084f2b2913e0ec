// Rows on their way into a panel: keys as numbers, instants as minutes, values in typed columns that grow by blocks.
//
// Owns: interning, growth. Does not own: text and its mistakes (workflows/inputs), steps and filling (build.ts).
//   R1. A row costs 9 bytes and its values, 4 more where lines are kept; nothing is copied when the columns grow: 58 million target rows
//       are 1.1 GiB.
//   R2. Texts are kept once per distinct value and are no slices of the file they came from.

import { StockroomError } from "../../../platform/errors.ts";

/** Rows of the first block; each next one has four times as many, up to the largest, which wastes little as the last one. */
const firstBlockRows = 1 << 10;
const largestBlockRows = 1 << 18;

/** Codes of a column beyond the first must fit beside a key in 53 bits. */
const mostCodes = 2 ** 22;

/** The keys of a table: a tuple of texts (item, then dimensions) is a number from 0, in order of first appearance. */
export class KeySpace {
  readonly names: readonly string[];
  /** Distinct texts of each column, by code. */
  readonly levels: readonly string[][];
  /** Codes of each key, column by column: `codes[c][key]`. */
  readonly codes: readonly number[][];
  /** Line on which each key stood first; for messages. */
  readonly lines: number[] = [];
  readonly #known: readonly Map<string, number>[];
  /** For each column but the first: (key so far, code) as one number -> key so far. */
  readonly #joined: readonly Map<number, number>[];
  readonly #last: string[];
  #lastKey = -1;

  constructor(names: readonly string[]) {
    this.names = names;
    this.levels = names.map(() => []);
    this.codes = names.map(() => []);
    this.#known = names.map(() => new Map<string, number>());
    this.#joined = names.map(() => new Map<number, number>());
    this.#last = names.map(() => "");
  }

  get size(): number {
    return this.lines.length;
  }

  /** The key of the texts in `row` at `places`, one per name; made when new. Throws `PANEL_TOO_WIDE` beyond 4 million values of a dimension. */
  intern(row: readonly string[], places: readonly number[], line: number): number {
    let same = this.#lastKey >= 0;
    for (let c = 0; same && c < places.length; c++) same = row[places[c]] === this.#last[c];
    if (same) return this.#lastKey;
    let node = -1;
    for (let c = 0; c < places.length; c++) {
      const text = row[places[c]];
      const known = this.#known[c];
      let code = known.get(text);
      if (code === undefined) {
        code = this.levels[c].length;
        if (c > 0 && code >= mostCodes) throw tooWide(this.names[c]);
        const own = Buffer.from(text, "utf8").toString("utf8");
        known.set(own, code);
        this.levels[c].push(own);
      }
      this.#last[c] = this.levels[c][code];
      node = c === 0 ? code : this.#join(c, node, code);
    }
    // With one column the code of the item is the key; with more, the last join made it.
    if (node === this.lines.length) {
      this.lines.push(line);
      for (let c = 0; c < places.length; c++) this.codes[c].push(this.#known[c].get(this.#last[c]) ?? -1);
    }
    this.#lastKey = node;
    return node;
  }

  #join(column: number, node: number, code: number): number {
    const pair = node * mostCodes + code;
    const joined = this.#joined[column];
    let key = joined.get(pair);
    if (key === undefined) {
      key = joined.size;
      joined.set(pair, key);
    }
    return key;
  }

  /** The key of texts, one per name; -1 when there is none. */
  find(texts: readonly string[]): number {
    let node = -1;
    for (const [c, text] of texts.entries()) {
      const code = this.#known[c].get(text);
      if (code === undefined) return -1;
      node = c === 0 ? code : (this.#joined[c].get(node * mostCodes + code) ?? -1);
      if (node < 0) return -1;
    }
    return node;
  }

  /** The text of one column of a key. */
  text(key: number, column: number): string {
    return this.levels[column][this.codes[column][key]];
  }
}

function tooWide(name: string): StockroomError {
  return new StockroomError(
    "input",
    "PANEL_TOO_WIDE",
    `Expected at most ${mostCodes} different values of ${name} but there are more. Is it a dimension, or an id of each row?`,
    { facts: { column: name } },
  );
}

/** One block of rows; arrays have room for more than `count`. */
export interface RowBlock {
  readonly keys: Int32Array;
  /** Since 1970, UTC. */
  readonly minutes: Int32Array;
  /** 0..59. */
  readonly seconds: Uint8Array;
  /** Line of each row in its file, where kept. */
  readonly lines: Int32Array | undefined;
  /** Column by column; NaN is missing. Emptied by `release`. */
  readonly values: (Float64Array | Float32Array)[];
  count: number;
}

/** Rows in blocks: a key, an instant and some numbers each. One writer; read it when all are in. */
export class Rows {
  readonly columns: number;
  readonly #target: boolean;
  #blocks: RowBlock[] = [];
  #last: RowBlock | undefined;
  #count = 0;

  /** A target has values of 8 bytes and keeps the line of each row; related numbers have 4 bytes and keep none. */
  constructor(columns: number, kind: "target" | "related") {
    this.columns = columns;
    this.#target = kind === "target";
  }

  get count(): number {
    return this.#count;
  }

  get blocks(): readonly RowBlock[] {
    return this.#blocks;
  }

  /** Adds a row whose values are missing until `put` gives them. */
  add(key: number, minute: number, second: number, line: number): void {
    let block = this.#last;
    if (block === undefined || block.count === block.keys.length) {
      const blockRows = Math.min(largestBlockRows, firstBlockRows * 4 ** this.#blocks.length);
      block = {
        keys: new Int32Array(blockRows),
        minutes: new Int32Array(blockRows),
        seconds: new Uint8Array(blockRows),
        lines: this.#target ? new Int32Array(blockRows) : undefined,
        values: Array.from({ length: this.columns }, () => (this.#target ? new Float64Array(blockRows) : new Float32Array(blockRows))),
        count: 0,
      };
      this.#blocks.push(block);
      this.#last = block;
    }
    const at = block.count++;
    block.keys[at] = key;
    block.minutes[at] = minute;
    block.seconds[at] = second;
    if (block.lines !== undefined) block.lines[at] = line;
    for (let c = 0; c < this.columns; c++) block.values[c][at] = Number.NaN;
    this.#count += 1;
  }

  /** Gives the row added last the value of a column. */
  put(column: number, value: number): void {
    const block = this.#last;
    // Adding 0 makes a negative zero a plain one: two rows that look alike shall be alike.
    if (block !== undefined) block.values[column][block.count - 1] = value + 0;
  }

  /** Lets go of one column that has been read. */
  release(column: number): void {
    for (const block of this.#blocks) block.values[column] = new Float32Array(0);
  }

  /** Lets go of everything. */
  clear(): void {
    this.#blocks = [];
    this.#last = undefined;
  }
}

/** Room for one number per row of any of these blocks. */
export function scratchFor(blocks: readonly RowBlock[]): Int32Array {
  let size = 0;
  for (const block of blocks) size = Math.max(size, block.keys.length);
  return new Int32Array(size);
}
