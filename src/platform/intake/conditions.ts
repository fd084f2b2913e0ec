// Conditions: which rows of a table count, as people write them: COLUMN=VALUE, COLUMN!=VALUE, several values with commas.

import { StockroomError } from "../errors.ts";

/** `column=value`, `column!=value`; several values: one of them, none of them. */
export interface Condition {
  readonly column: string;
  readonly not: boolean;
  readonly values: readonly string[];
}

/** Reads one `--where`; throws `input` `USAGE`. A value that holds a comma stands in double quotes. */
export function parseCondition(text: string): Condition {
  const match = /^([^=!]+)(!?=)(.*)$/su.exec(text);
  const [, column = "", operator = "", list = ""] = match ?? [];
  if (match === null || column.trim() === "") {
    throw new StockroomError("input", "USAGE", `Expected --where COLUMN=VALUE or COLUMN!=VALUE but received "${text}". Correct it.`);
  }
  const values = [...list.matchAll(/"([^"]*)"(?:,|$)|([^,]*)(?:,|$)/gu)].map((part) => part[1] ?? part[2] ?? "");
  // The pattern also matches the empty end of the list.
  if (values.length > 1) values.pop();
  return { column: column.trim(), not: operator === "!=", values };
}

/** Several conditions with semicolons between, all of which must hold. */
export const parseConditions = (text: string): readonly Condition[] =>
  text.split(/;(?=(?:[^"]*"[^"]*")*[^"]*$)/u).map((part) => {
    const { column, not, values } = parseCondition(part);
    return { column, not, values: values.map((value) => value.trim()) };
  });

/** A condition as `parseCondition` reads it. */
export const conditionText = ({ column, not, values }: Condition): string =>
  `${column}${not ? "!=" : "="}${values.map((value) => (/[,;]/.test(value) ? `"${value}"` : value)).join(",")}`;
