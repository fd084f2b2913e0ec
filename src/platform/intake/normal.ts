// Normal: tables whose cells are written in ways that nothing later should have to know: digits of other scripts, objects within JSON lines.
//
//   N1. Only what a file holds costs anything: a table without such cells is handed on as it is.

import type { RowBatch, Table } from "../formats/contract.ts";

/** Arabic, Persian, Devanagari, Bengali and full-width digits. */
const otherDigits = /[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\uff10-\uff19]/;
const everyOther = /[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\uff10-\uff19]/g;
const zeros = [0x660, 0x6f0, 0x966, 0x9e6, 0xff10];

export const hasOtherDigits = (text: string): boolean => otherDigits.test(text);

/** A text with its digits as 0 to 9, and the Arabic signs of decimals and thousands as `.` and `,`. */
export const asciiDigits = (text: string): string =>
  !otherDigits.test(text)
    ? text
    : text
        .replaceAll(everyOther, (digit) => {
          const code = digit.codePointAt(0) ?? 0;
          return String(code - (zeros.findLast((zero) => zero <= code) ?? code));
        })
        .replaceAll("\u066b", ".")
        .replaceAll("\u066c", ",");

/** The table with digits as 0 to 9. */
export function withAsciiDigits(table: Table): Table {
  async function* batches(): AsyncGenerator<RowBatch> {
    for await (const { rows, lines } of table.batches) yield { lines, rows: rows.map((row) => row.map(asciiDigits)) };
  }
  return { ...table, columns: table.columns.map(asciiDigits), batches: batches() };
}

type Scalars = Readonly<Record<string, string>>;

/** An object's values as texts; undefined for what is none. What lies deeper stays JSON. */
function scalarsOf(text: string): Scalars | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        inner === null || inner === undefined ? "" : typeof inner === "object" ? JSON.stringify(inner) : String(inner),
      ]),
    );
  } catch {
    return undefined;
  }
}

/** The table with a column for each value of columns that hold objects: `product` becomes `product.sku` and `product.name`. Keys are those of the first rows. */
export async function withoutObjects(table: Table): Promise<Table> {
  const source = table.batches[Symbol.asyncIterator]();
  const first = await source.next();
  const rows = first.done === true ? [] : first.value.rows;
  const keysOf = table.columns.map((_, place) => {
    const texts = rows.flatMap((row) => (row[place] === undefined || row[place] === "" ? [] : [row[place]]));
    const found = texts.map(scalarsOf);
    return texts.length > 0 && found.every((one) => one !== undefined) ? [...new Set(found.flatMap((one) => Object.keys(one ?? {})))] : [];
  });
  const isPlain = keysOf.every((keys) => keys.length === 0);
  const columns = table.columns.flatMap((name, place) => {
    const keys = keysOf[place] ?? [];
    return keys.length === 0 ? [name] : keys.map((key) => `${name}.${key}`);
  });
  const flat = (row: readonly string[]): readonly string[] =>
    row.flatMap((text, place) => {
      const keys = keysOf[place] ?? [];
      if (keys.length === 0) return [text];
      const values = scalarsOf(text);
      return keys.map((key) => values?.[key] ?? "");
    });
  async function* batches(): AsyncGenerator<RowBatch> {
    try {
      for (let next = first; next.done !== true; next = await source.next())
        yield isPlain ? next.value : { lines: next.value.lines, rows: next.value.rows.map(flat) };
    } finally {
      await source.return?.();
    }
  }
  return { ...table, columns, batches: batches() };
}
