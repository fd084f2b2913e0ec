// Where in a SQL text something stands, and the errors both kinds of warehouse share.

import { type ErrorKind, type Facts, StockroomError } from "../errors.ts";
import type { Parameter } from "./contract.ts";

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The line and column (from 1) of a character offset (from 0). */
export function placeAt(sql: string, offset: number): Place {
  const before = sql.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** The first word of a statement, in lower case, after comments and opening brackets. */
export function firstWord(sql: string): string {
  const found = /^(?:\s|\(|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*([a-z]+)/i.exec(sql);
  return (found?.[1] ?? "").toLowerCase();
}

/** Strings, quoted names, comments and dollar quotes, in which `$name` means nothing; and `$name` itself. */
const token = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|\$([A-Za-z_]\w*)/g;

/**
 * Puts `$1`, `$2`, ... in the place of `$name`, and gives the values in that order.
 *
 * The text keeps its length (spaces fill up), so that a place the server names is the place in the caller's text.
 */
export function bindNames(
  sql: string,
  parameters: Readonly<Record<string, Parameter>>,
): { readonly sql: string; readonly values: readonly Parameter[] } {
  const numbers = new Map<string, number>();
  const values: Parameter[] = [];
  const bound = sql.replace(token, (whole: string, _tag: string | undefined, name: string | undefined, offset: number) => {
    if (name === undefined) return whole;
    const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (value === undefined) throw sqlError(`there is no parameter named ${name}`, placeAt(sql, offset));
    const number = numbers.get(name) ?? values.push(value);
    numbers.set(name, number);
    return `$${number}`.padEnd(whole.length);
  });
  return { sql: bound, values };
}

export function sqlError(words: string, place: Place | undefined, cause?: unknown): StockroomError {
  const where = place === undefined ? "" : ` (line ${place.line}, column ${place.column})`;
  return new StockroomError(
    "input",
    "WAREHOUSE_SQL",
    `Expected SQL that the warehouse can run${where} but it says: ${words}. Correct the statement.`,
    {
      facts: { ...place },
      cause,
    },
  );
}

export function notSelect(what: string): StockroomError {
  return new StockroomError("input", "WAREHOUSE_NOT_SELECT", `Expected one SELECT but ${what}. Warehouses are only read: send one SELECT.`);
}

export function warehouseError(kind: ErrorKind, code: string, message: string, facts: Facts, cause?: unknown): StockroomError {
  return new StockroomError(kind, code, message, { facts, cause });
}
