// Fill: a row of an export as the fields of an ERP.

import { createHash } from "node:crypto";
import { StockroomError } from "../../../platform/errors.ts";
import type { FieldFill, SapTarget } from "./settings.ts";
import type { FieldValue } from "./writers/contract.ts";

/** Throws `input` `SAP_FIELDS` naming every column the target asks for and the export lacks. */
export function checkFields(target: Pick<SapTarget, "name" | "fields">, columns: readonly string[]): void {
  const missing = Object.entries(target.fields).flatMap(([field, fill]) =>
    "from" in fill && !columns.includes(fill.from) ? [`${field} (from ${fill.from})`] : [],
  );
  if (missing.length === 0) return;
  throw new StockroomError(
    "input",
    "SAP_FIELDS",
    `Expected the export to have a column for ${missing.join(", ")} of target "${target.name}" but it has ${columns.join(", ")}. Correct the target's fields, or ask for the quantile in ForecastTypes.`,
    { facts: { target: target.name } },
  );
}

/** The fields of one row. Throws `input` `SAP_VALUE` when a text is no number or day and has to be one. */
export function fillRow(
  target: Pick<SapTarget, "name" | "fields">,
  columns: ReadonlyMap<string, number>,
  row: readonly string[],
): Readonly<Record<string, FieldValue>> {
  return Object.fromEntries(
    Object.entries(target.fields).map(([field, fill]): [string, FieldValue] => [
      field,
      "value" in fill ? fill.value : valueOf(target.name, field, fill, row[columns.get(fill.from) ?? -1] ?? ""),
    ]),
  );
}

/** The fields that say what a row is of: those filled from the item and the dimensions, which stand before the time in an export. */
export function seriesFields(target: Pick<SapTarget, "fields">, columns: readonly string[]): readonly string[] {
  const time = columns.indexOf("timestamp");
  return Object.entries(target.fields).flatMap(([field, fill]) => ("from" in fill && columns.indexOf(fill.from) < time ? [field] : []));
}

/** A number for what a row is of, as the receiver knows it: 64 bits, as text. Rows of two groups that have it in common overwrite each other. */
export function seriesOf(fields: readonly string[], row: Readonly<Record<string, FieldValue>>): string {
  return createHash("sha256")
    .update(JSON.stringify(fields.map((field) => row[field])))
    .digest()
    .readBigInt64BE()
    .toString();
}

function valueOf(target: string, field: string, fill: Extract<FieldFill, { readonly from: string }>, text: string): FieldValue {
  const wrong = (expected: string): StockroomError =>
    new StockroomError(
      "input",
      "SAP_VALUE",
      `Expected ${expected} in the column ${fill.from} for the field ${field} of target "${target}" but one row has none. Correct the target's fields.`,
      { facts: { target, field } },
    );
  if (fill.as === "text") return text;
  if (fill.as === "number" || fill.as === "decimal") {
    const value = Number(text);
    if (text === "" || !Number.isFinite(value)) throw wrong("a number");
    return fill.as === "number" ? value : value.toFixed(fill.decimals);
  }
  const ms = Date.parse(`${text.slice(0, 10)}T${text.length > 10 ? text.slice(11) : "00:00:00"}Z`);
  if (Number.isNaN(ms)) throw wrong("a day such as 2026-10-31");
  return fill.as === "dats" ? text.slice(0, 10).replaceAll("-", "") : { date: ms };
}
