// File ends of the engine's commands: how a file of items is read, its bad rows set apart and bounded, and outputs that appear whole or not at all.

import type { CommandTools } from "../../platform/command/contract.ts";
import { readShare } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
import { checkEncoding, fileBody, parseDecimalSign, type BadRow, type DecimalSign } from "../../platform/formats/index.ts";
import type { IntakeFile } from "../../platform/intake/profile.ts";

/** A file by its path, to be opened as often as its reading needs. */
export const itemFile = (file: string, signal: AbortSignal): IntakeFile => ({ name: file, open: () => fileBody(file, signal) });

/** Enough to find what is wrong; a file of nothing but bad rows must not fill the memory. */
const MOST_BAD_ROWS = 100_000;

export interface BadRows {
  readonly count: number;
  readonly first: BadRow | undefined;
  readonly add: (row: BadRow) => void;
  /** Tells of them and asks for exit code 3, when there are any. */
  tell(tools: CommandTools, file?: string): void;
  /** Writes them beside `out` and asks for exit code 3, when there are any. */
  write(out: string, tools: CommandTools): Promise<void>;
}

export function collectBadRows(): BadRows {
  const kept: BadRow[] = [];
  let count = 0;
  const tell = (tools: CommandTools, file?: string): void => {
    if (count === 0) return;
    const where = file === undefined ? "" : ` See ${file}.`;
    tools.print.say(`${count} bad rows, the first on line ${kept[0]?.line ?? 0}: ${kept[0]?.reason ?? ""}${where}`);
    tools.exitWith(3);
  };
  return {
    get count() {
      return count;
    },
    get first() {
      return kept[0];
    },
    add: (row) => {
      count += 1;
      if (kept.length < MOST_BAD_ROWS) kept.push(row);
    },
    tell,
    write: async (out, tools) => {
      if (count === 0) return;
      const file = `${out}.bad.jsonl`;
      await writeFileAtomically(file, kept.map((row) => `${JSON.stringify(row)}\n`).join(""));
      tell(tools, file);
    },
  };
}

/** What a file gave, for the bound on its bad rows. */
export interface BadRowBound {
  readonly file: string;
  /** Rows that no reader could use, and all others. */
  readonly damaged: number;
  readonly usable: number;
  /** The largest share of damaged rows that passes. */
  readonly maxBad: number;
  /** What was not done because of it, as a sentence. */
  readonly refused: string;
  /** The output the bad rows are written beside; absent: they are told alone. */
  readonly out?: string;
}

/** The bound on bad rows: figures of what is left of a damaged file would pass for those of a whole one. Throws `input` `TOO_MANY_BAD_ROWS`. */
export async function refuseBadFile(bad: BadRows, bound: BadRowBound, tools: CommandTools): Promise<void> {
  const { file, damaged, usable, maxBad, refused, out } = bound;
  const all = damaged + usable;
  if (damaged <= maxBad * all) return;
  if (out !== undefined) await bad.write(out, tools);
  const where = out === undefined ? "" : ` See ${out}.bad.jsonl.`;
  throw new StockroomError(
    "input",
    "TOO_MANY_BAD_ROWS",
    `Expected most rows of ${file} to be usable but ${damaged} of ${all} are not: line ${bad.first?.line ?? 0}: ${bad.first?.reason ?? ""} ${refused} Correct the file, or raise --max-bad (${maxBad}).${where}`,
    { facts: { file, rows: all, badRows: damaged } },
  );
}

/** The options of every command that reads a file of items. */
export const readingArgs = {
  "max-bad": {
    type: "string",
    description: "refuse files with a larger share of bad rows than this",
    default: "0.5",
    valueHint: "SHARE",
  },
  encoding: {
    type: "string",
    description: "how the text is encoded, e.g. utf-8, windows-1252, utf-16le; absent: found from the bytes",
  },
  decimal: {
    type: "string",
    description: "the decimal sign of the numbers, , or . ; absent: found from the values",
    valueHint: "SIGN",
  },
} as const;

export interface Reading {
  readonly encoding: string | undefined;
  readonly decimal: DecimalSign | undefined;
  readonly maxBad: number;
}

/** Reads `readingArgs`; throws `input` `USAGE` and what the tables' own parsers throw. */
export function readingOf(args: {
  readonly encoding?: string | undefined;
  readonly decimal?: string | undefined;
  readonly "max-bad": string;
}): Reading {
  return {
    encoding: args.encoding === undefined ? undefined : checkEncoding(args.encoding),
    decimal: parseDecimalSign(args.decimal),
    maxBad: readShare("--max-bad", args["max-bad"]),
  };
}
