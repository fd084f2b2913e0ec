// Words: the plain values the classification module passes between its parts.
//
// Owns: names of lines, periods and objects. Does not own: rows (store), arithmetic (engine).
//   W1. A line is a country and a scheme: `GBR-UK15`. The country is everything before the first hyphen.
//   W2. Where an object lies says what it is; nothing else about a file's name matters.
//   W3. No item text in any of these values: they go into rows, events and notices.

import { StockroomError } from "../../platform/errors.ts";

/** A country and a scheme: the unit that has a model. */
export interface Line {
  readonly line: string;
  readonly country: string;
  readonly scheme: string;
}

const countryPattern = /^[A-Z]{2,3}$/;
const schemePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const periodPattern = /^\d{4}-(0[1-9]|1[0-2])$/;

/** Names the line of a country and a scheme. */
export function lineOf(country: string, scheme: string): Line {
  return { line: `${country}-${scheme}`, country, scheme };
}

/** Reads `GBR-UK15`; throws `input` `LINE_NAME` when it is not a country, a hyphen and a scheme. */
export function parseLine(text: string): Line {
  const hyphen = text.indexOf("-");
  const country = text.slice(0, Math.max(0, hyphen));
  const scheme = text.slice(hyphen + 1);
  if (!countryPattern.test(country) || !schemePattern.test(scheme)) {
    throw new StockroomError(
      "input",
      "LINE_NAME",
      `Expected a line such as GBR-UK15 (country, hyphen, scheme) but received "${text}". See \`stockroom classify lines\`.`,
    );
  }
  return { line: text, country, scheme };
}

export function isScheme(text: string): boolean {
  return schemePattern.test(text);
}

export function isCountry(text: string): boolean {
  return countryPattern.test(text);
}

/** Reads `2026-10`; throws `input` `PERIOD_NAME`. */
export function parsePeriod(text: string): string {
  if (!periodPattern.test(text)) {
    throw new StockroomError("input", "PERIOD_NAME", `Expected a period such as 2026-10 (year, month) but received "${text}".`);
  }
  return text;
}

/** The known name that a mistyped one is most like, if one is near (Levenshtein, letters of either case alike). */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const one of known) {
    const distance = editDistance(name.toUpperCase(), one.toUpperCase());
    if (distance < least) [best, least] = [one, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The columns of labelled files that hold codes start with this: `code.UK15`. */
export const codeColumnPrefix = "code.";

/** What an object's key says about it. */
export type ClassifyKey =
  | { readonly kind: "labelled"; readonly country: string | undefined }
  | { readonly kind: "sales"; readonly period: string; readonly country: string }
  | { readonly kind: "scheme" }
  | { readonly kind: "other" };

export const prefixes = {
  labelled: "classify/labelled/",
  tests: "classify/tests/",
  sales: "classify/sales/",
  models: "classify/models/",
  predictions: "classify/predictions/",
  review: "classify/review/",
  reports: "classify/reports/",
  rejected: "classify/rejected/",
  schemes: "classify/schemes/",
} as const;

/**
 * Says what an object is by where it lies:
 * `classify/labelled/GBR/june.csv` (or without the country folder: the rows' country column decides),
 * `classify/sales/2026-10/GBR.csv`, `classify/sales/2026-10/GBR/part-1.csv`, `classify/schemes/uk.yaml`.
 */
export function readKey(key: string): ClassifyKey {
  if (key.startsWith(prefixes.labelled)) {
    const [folder = "", ...rest] = key.slice(prefixes.labelled.length).split("/");
    return { kind: "labelled", country: rest.length > 0 && countryPattern.test(folder) ? folder : undefined };
  }
  if (key.startsWith(prefixes.sales)) {
    const [period = "", place = ""] = key.slice(prefixes.sales.length).split("/");
    const country = place.split(".")[0] ?? "";
    if (periodPattern.test(period) && countryPattern.test(country)) return { kind: "sales", period, country };
    return { kind: "other" };
  }
  return key.startsWith(prefixes.schemes) ? { kind: "scheme" } : { kind: "other" };
}

/** A version of an object, as events and rows name it. */
export type ObjectRef = { readonly key: string; readonly version: string };

/** A day as ISO text: `2026-10-31`. */
export type DayText = string;

/** An amount in items, units and kg. */
export type Triple = readonly [items: number, units: number, kg: number];

/**
 * What the models' own probabilities say of how a code's figures may be wrong, in items, units and kg; amounts of returns count by their size.
 *
 * An item with probability p for its code and q for its runner-up leaves with 1 - p, goes to the runner-up with q and anywhere else with the rest.
 */
export interface CodeMoves {
  readonly autoOut: Triple;
  readonly autoIn: Triple;
  readonly autoRest: Triple;
  /** Sums of squared amounts times p (1 - p), and q (1 - q) at the runner-up. */
  readonly autoSpread: Triple;
  readonly reviewOut: Triple;
  readonly reviewIn: Triple;
  readonly reviewRest: Triple;
  readonly reviewSpread: Triple;
  /** Whole amounts whose code a law has split: all of it may belong to another of the codes (out), or come to this one (in). */
  readonly splitOut: Triple;
  readonly splitIn: Triple;
}

/** The figures of one code in one inference: what reports add up. Units and kg are net of returns. */
export interface CodeFigures {
  readonly items: number;
  readonly units: number;
  readonly kg: number;
  /** The part of them that the model decided by itself. */
  readonly autoItems: number;
  readonly autoUnits: number;
  readonly autoKg: number;
  /** Expected wrong ones among the rest: the sum of 1 - probability (times units, kg). */
  readonly doubtItems: number;
  readonly doubtUnits: number;
  readonly doubtKg: number;
  /** Rows that were returns, and how many units and kg came back: positive numbers. Absent: none. */
  readonly returned?: Triple;
  /** Absent in codings of earlier versions of this program. */
  readonly moves?: CodeMoves;
}
