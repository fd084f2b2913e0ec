// A report's rows: the present figure of each code beside what was told first, by one measure; and the same as a table to be saved.

import type { AnswerOf } from "../../data/client.ts";

export type PeriodReport = AnswerOf<"GET /api/classify/report">;
export type CountryReport = PeriodReport["reports"][number];
export type Figure = CountryReport["figures"][number];

export const measures = ["items", "units", "kg"] as const;
export type Measure = (typeof measures)[number];

export interface Row {
  readonly scheme: string;
  readonly version: string;
  readonly code: string;
  readonly value: number;
  readonly margin: number;
  /** Undefined: nothing was told of the code first. */
  readonly first: number | undefined;
  readonly firstMargin: number | undefined;
  readonly returned: number | undefined;
}

const margins = { items: "itemsMargin", units: "unitsMargin", kg: "kgMargin" } as const;

/** Pure. */
export function rowsOf(figures: readonly Figure[], measure: Measure): readonly Row[] {
  return figures.map((figure) => ({
    scheme: figure.scheme,
    version: figure.schemeVersion,
    code: figure.code,
    value: figure[measure],
    margin: figure[margins[measure]],
    first: figure.first?.[measure],
    firstMargin: figure.first?.[margins[measure]],
    returned: measure === "items" ? undefined : measure === "units" ? figure.returnedUnits : figure.returnedKg,
  }));
}

export interface Place {
  /** Shares of the width. */
  readonly bar: number;
  readonly low: number;
  readonly high: number;
}

/** Where a figure and its margin stand on an axis from zero to the largest of all. Returns may take a figure below zero: then it begins at zero. Pure. */
export function placeBar({ value, margin }: Pick<Row, "value" | "margin">, most: number): Place {
  const share = (amount: number): number => (most <= 0 ? 0 : Math.min(1, Math.max(0, amount / most)));
  return { bar: share(value), low: share(value - margin), high: share(value + margin) };
}

/** The end of the axis: the largest figure with its margin, first ones too. Pure. */
export const mostOf = (rows: readonly Row[]): number =>
  rows.reduce((most, { value, margin, first = 0, firstMargin = 0 }) => Math.max(most, value + margin, first + firstMargin), 0);

export type Cell = string | number | null;

export const heads = [
  "period",
  "country",
  "revision",
  "scheme",
  "scheme_version",
  "code",
  "name",
  "items",
  "items_margin",
  "units",
  "units_margin",
  "kg",
  "kg_margin",
  "returned_units",
  "returned_kg",
  "first_items",
  "first_units",
  "first_kg",
] as const;

/** Everything the report says, a row a code. Pure. */
export function tableOf(
  period: string,
  reports: readonly CountryReport[],
  nameOf: (scheme: string, version: string, code: string) => string,
): readonly (readonly Cell[])[] {
  return reports.flatMap(({ country, revision, figures }) =>
    figures.map((figure): readonly Cell[] => [
      period,
      country,
      revision,
      figure.scheme,
      figure.schemeVersion,
      figure.code,
      nameOf(figure.scheme, figure.schemeVersion, figure.code),
      figure.items,
      figure.itemsMargin,
      figure.units,
      figure.unitsMargin,
      figure.kg,
      figure.kgMargin,
      figure.returnedUnits,
      figure.returnedKg,
      figure.first?.items ?? null,
      figure.first?.units ?? null,
      figure.first?.kg ?? null,
    ]),
  );
}

/** A text that a spreadsheet does not take for a formula. */
const safe = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

/** RFC 4180, with the mark by which spreadsheets know UTF-8. Pure. */
export function csvOf(rows: readonly (readonly Cell[])[]): string {
  const field = (cell: Cell): string => {
    const text = cell === null ? "" : typeof cell === "number" ? String(cell) : safe(cell);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `\ufeff${[heads, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("")}`;
}
