// Said: what every module lets a person say of a file in a block of settings, and what is wrong with it.
//
// Owns: the words of `where`, `encoding`, `decimal`, `export` and `without`; names that no column has. Does not own: what a module's columns are called.

import { stringify } from "yaml";
import { z } from "zod";
import { isStockroomError, StockroomError } from "../errors.ts";
import { checkEncoding } from "../formats/index.ts";
import { type Condition, conditionText, parseConditions } from "./conditions.ts";
import { exportProfiles, noExport } from "./exports/index.ts";
import type { FileProfile } from "./profile.ts";
import type { ShapeChange } from "./shape.ts";

/** Rows that count: by column the value they have, or conditions as the flag has them (`Country=DE,AT;Status!=open`). */
export type WhereWords = Readonly<Record<string, string>> | string;

export const conditionsIn = (where: WhereWords): readonly Condition[] =>
  typeof where === "string"
    ? parseConditions(where)
    : Object.entries(where).map(([column, value]) => ({ column, not: false, values: [value] }));

/** Conditions as a block has them: a map where each is a single value. */
export const whereIn = (where: readonly Condition[]): WhereWords =>
  where.every(({ not, values }) => !not && values.length === 1)
    ? Object.fromEntries(where.map(({ column, values }) => [column, values[0] ?? ""]))
    : where.map(conditionText).join(";");

function throws(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch (thrown) {
    if (!isStockroomError(thrown)) throw thrown;
    return true;
  }
}

export const isEncoding = (label: string): boolean => !throws(() => checkEncoding(label));
export const isWhere = (text: string): boolean => !throws(() => parseConditions(text));
export const whereAllowed = "COLUMN=VALUE or COLUMN!=VALUE, several with semicolons";
export const exportNames: readonly string[] = [...exportProfiles.map(({ name }) => name), noExport];

const texts = z.record(z.string(), z.string());

export const columnNames = z.array(z.string().min(1));

/** Fields of every module's block. */
export const saidFields = {
  where: z
    .union([texts, z.string().refine(isWhere, whereAllowed)])
    .optional()
    .meta({ description: "rows that count" }),
  without: columnNames.optional().meta({ description: "columns to leave out" }),
  decimal: z.enum([".", ","]).optional().meta({ description: "the decimal sign of numbers" }),
  encoding: z
    .string()
    .refine(isEncoding, "an encoding such as utf-8 or windows-1252")
    .optional()
    .meta({ description: "how the text is encoded" }),
  export: z.enum(exportNames).optional().meta({ description: "the system the file comes from" }),
};

/** From columns of the file to what they are. */
export const columnMap = texts.optional();

/** The block as it stands in a settings file, a line each. */
export const printBlock = (block: object): readonly string[] =>
  stringify({ intake: block }, { lineWidth: 0, flowCollectionPadding: true }).trimEnd().split("\n");

/** Names that no column has are told at once, with those there are. Throws `input` `INTAKE_COLUMN_MISSING`. */
export function checkColumnNames({ name, columns }: Pick<FileProfile, "name" | "columns">, asked: readonly string[]): void {
  const known = new Set(columns.flatMap((column) => [column.name, column.name.toLowerCase()]));
  const missing = [...new Set(asked.filter((one) => !known.has(one) && !known.has(one.toLowerCase())))].join(", ");
  if (missing === "") return;
  const there = columns.map((column) => column.name).join(", ");
  throw new StockroomError(
    "input",
    "INTAKE_COLUMN_MISSING",
    `Expected ${missing} among the columns of ${name} but they are ${there}. Correct the name.`,
    { facts: { missing, columns: there } },
  );
}

/** The error of a file of which no row counts. */
export function noRowsOf(name: string, where: readonly Condition[]): StockroomError {
  const which = where.length === 0 ? "" : ` with ${where.map(conditionText).join(" and ")}`;
  const advice = where.length === 0 ? "Check the file." : "Correct the condition (where); upper and lower case count.";
  return new StockroomError("input", "INTAKE_NO_ROWS", `Expected rows of ${name}${which} but there is none. ${advice}`, {
    facts: { file: name },
  });
}

/** The question about changes that could give other figures; undefined where none could. */
export function changeQuestion(name: string, changes: readonly ShapeChange[]): string | undefined {
  const harmful = changes.filter((change) => change.harmful);
  return harmful.length === 0
    ? undefined
    : `${name} is made otherwise than the file before it from the same sender: ${harmful.map(({ text }) => text).join("; ")}. Is that meant?`;
}

/** The error of a question that nobody is there to answer. `how`: how to answer it. */
export const questionOf = (
  name: string,
  { about, text }: { readonly about: string; readonly text: string },
  how: string,
  facts: Readonly<Record<string, string>> = {},
): StockroomError =>
  new StockroomError(
    "input",
    "INTAKE_QUESTION",
    `Expected to know how ${name} is to be read but it does not tell everything. ${text} ${how}`,
    { facts: { about, file: name, ...facts } },
  );
