// Rows set apart: kept, counted by what is wrong with them, and held against bounds. Of a file that is mostly wrong nothing is forecast.
//
//   B1. Every kind of mistake is told at once, each with how often, the first values with their lines, and what to do about it.
//   B2. More than `mostBadShare` of the rows, or of the value, set apart is a problem of the whole file: what is left would be forecast too low.

import { type BadRow, parseNumber } from "../../../platform/formats/index.ts";
import { percent } from "../../../platform/figures.ts";
import type { InputKind } from "./schema.ts";
import { type Look, patternCure } from "./sniff.ts";
import type { Problem } from "./notes.ts";

/** Rows of one file that were set apart. */
export interface BadRows {
  readonly file: string;
  readonly count: number;
  /** The first 1,000 by line. */
  readonly rows: readonly BadRow[];
}

/** Bad rows of one file as they gather. */
export interface Isolated {
  readonly file: string;
  /** `value`: what the row had for its value, to tell how much of the whole is lost. */
  readonly add: (row: BadRow, value?: string) => void;
  result(): BadRows;
  /** All kinds of mistakes in one sentence each; "" for none. */
  summary(): string;
  /** What makes the file useless; `rows` and `size` are those of the good rows. */
  problem(good: { readonly rows: number; readonly size: number }, column: number): Problem | undefined;
}

const keptBadRows = 1000;
/** Beyond this share of rows or of value, what is left is another file. */
export const mostBadShare = 0.1;
/** A handful of bad rows is no share. */
const handful = 10;

interface Mistake {
  count: number;
  readonly code: string;
  readonly column: number | undefined;
  readonly examples: { readonly line: number; readonly sample: string; readonly reason: string }[];
}

export function setApart(
  kind: InputKind,
  file: string,
  options: {
    readonly onBadRow: ((kind: InputKind, row: BadRow) => void) | undefined;
    readonly mostBadShare: number;
    readonly looks: () => readonly Look[];
  },
): Isolated {
  const rows: BadRow[] = [];
  const mistakes = new Map<string, Mistake>();
  let count = 0;
  let lost = 0;
  const summary = (): string =>
    [...mistakes.values()]
      .toSorted((a, b) => b.count - a.count)
      .slice(0, 8)
      .map((mistake) => sentence(mistake, options.looks()))
      .join(" ");
  return {
    file,
    add: (row, value = "") => {
      count += 1;
      lost += sizeOf(value);
      const key = `${row.code}/${row.column}`;
      const mistake = mistakes.get(key) ?? { count: 0, code: row.code, column: row.column, examples: [] };
      mistakes.set(key, mistake);
      mistake.count += 1;
      if (mistake.examples.length < 3) mistake.examples.push({ line: row.line, sample: row.sample, reason: row.reason });
      if (rows.length < keptBadRows) rows.push(row);
      options.onBadRow?.(kind, row);
    },
    result: () => ({ file, count, rows: rows.toSorted((a, b) => a.line - b.line) }),
    summary,
    problem: (good, column) => {
      if (count === 0) return undefined;
      const ofRows = count / (count + good.rows);
      const ofValue = lost / Math.max(Number.MIN_VALUE, lost + good.size);
      const isMany = ofRows > options.mostBadShare && count > handful;
      const isMuch = kind === "target" && ofValue > options.mostBadShare;
      if (!isMany && !isMuch) return undefined;
      const shown = (share: number): string => percent(share, { digits: share > 0.995 && share < 1 ? 1 : 0 });
      const much = kind === "target" && lost > 0 ? `, with about ${shown(ofValue)} of the value` : "";
      const [first] = rows.toSorted((a, b) => a.line - b.line);
      return {
        code: "INPUT_BAD_ROWS",
        message: `Expected at most ${shown(options.mostBadShare)} bad rows in ${file} but ${count} of ${count + good.rows} (${shown(ofRows)}${much}) were set apart. ${summary()} Correct them, or raise the bound with --max-bad-share ${Math.min(1, Math.ceil(Math.max(ofRows, ofValue) * 20) / 20)} if the rest is enough.`,
        facts: { file, line: first?.line, column: first?.column ?? column, rows: count, share: ofRows, valueShare: ofValue },
      };
    },
  };
}

function sentence({ count, code, column, examples }: Mistake, looks: readonly Look[]): string {
  const look = looks.find(({ place }) => place + 1 === column);
  const cure = look === undefined || code !== "INPUT_TIMESTAMP_WRONG" ? "" : patternCure(look);
  const values = examples.map(({ line, sample }) => `"${sample.slice(0, 60).toWellFormed()}" (line ${line})`).join(", ");
  const where = look === undefined ? (column === undefined ? "" : ` in column ${column}`) : ` in ${look.name.trim()} (column ${column})`;
  return `${count} rows${where}: ${values}. ${cure === "" ? (examples[0]?.reason ?? "") : cure}`;
}

/** About how much a value that could not be read stands for, in either country's way of writing. */
function sizeOf(text: string): number {
  for (const decimal of [".", ","] as const) {
    const value = parseNumber(text, decimal);
    if (Number.isFinite(value)) return Math.abs(value);
  }
  const digits = /\d[\d.,' ]*/.exec(text)?.[0].replace(/[.,]\d{1,2}$/, "");
  return Number((digits ?? "").replaceAll(/\D/g, "").slice(0, 15));
}
