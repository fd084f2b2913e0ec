// Inheritance: rows that leave blank what another row says for them: the further lines of an order, the variants of a product.
//
// Owns: filling blanks. Does not own: which columns they are (exports, proposals).
//   H1. Only blanks are filled, and only in the columns named.
//   H2. `above` looks at the rows just before alone; `parent` knows the whole file, whatever its order.

import type { RowBatch, Table } from "../formats/contract.ts";

export type Inheritance =
  /** Every row without a value takes that of the row above: cells that were merged. */
  | { readonly kind: "down"; readonly columns: readonly string[] }
  /** Later rows with the same value in `by`, as long as they follow each other. */
  | { readonly kind: "above"; readonly by: string; readonly columns: readonly string[] }
  /** Rows that name another one in `by`: by its value in the first of `keys`, or as `id:` and its value in the second. */
  | {
      readonly kind: "parent";
      readonly by: string;
      readonly keys: readonly [code: string, id: string];
      readonly columns: readonly string[];
    };

/** The table with blanks filled; `again` opens the same rows once more, to find the parents of them all. */
export function inheriting(table: Table, how: Inheritance, again: () => Promise<Table>): Table {
  const places = how.columns.map((name) => table.columns.indexOf(name)).filter((place) => place >= 0);
  if (how.kind === "down") return places.length === 0 ? table : { ...table, batches: fillDown(table, places) };
  const by = table.columns.indexOf(how.by);
  if (by < 0 || places.length === 0) return table;
  const batches = how.kind === "above" ? fillFromAbove(table, by, places) : fillFromParent(table, { by, places, how, again });
  return { ...table, batches };
}

const isBlank = (text: string | undefined): boolean => text === undefined || text.trim() === "";

/** A row with its blanks filled from another one; the row itself where nothing is. */
function filled(row: readonly string[], from: readonly string[] | undefined, places: readonly number[]): readonly string[] {
  if (from === undefined || !places.some((place) => isBlank(row[place]) && !isBlank(from[place]))) return row;
  const copy = [...row];
  for (const place of places) if (isBlank(copy[place])) copy[place] = from[place] ?? "";
  return copy;
}

async function* fillDown(table: Table, places: readonly number[]): AsyncGenerator<RowBatch> {
  let above: readonly string[] | undefined;
  for await (const { rows, lines } of table.batches) {
    yield {
      lines,
      rows: rows.map((row) => {
        // A row without anything is no row, and stays so.
        if (row.every(isBlank)) return row;
        above = filled(row, above, places);
        return above;
      }),
    };
  }
}

async function* fillFromAbove(table: Table, by: number, places: readonly number[]): AsyncGenerator<RowBatch> {
  let above: readonly string[] | undefined;
  for await (const { rows, lines } of table.batches) {
    yield {
      lines,
      rows: rows.map((row) => {
        const key = row[by];
        const isSame = above !== undefined && !isBlank(key) && above[by] === key;
        const whole = isSame ? filled(row, above, places) : row;
        above = whole;
        return whole;
      }),
    };
  }
}

interface Parents {
  readonly by: number;
  readonly places: readonly number[];
  readonly how: Inheritance & { readonly kind: "parent" };
  readonly again: () => Promise<Table>;
}

/** Memory: the inherited texts of the rows that name no other one. */
async function* fillFromParent(table: Table, { by, places, how, again }: Parents): AsyncGenerator<RowBatch> {
  const [code = -1, id = -1] = how.keys.map((name) => table.columns.indexOf(name));
  const parents = new Map<string, readonly string[]>();
  const first = await again();
  for await (const { rows } of first.batches) {
    for (const row of rows) {
      if (!isBlank(row[by])) continue;
      // Copied: values may be slices of their block of the file.
      const kept = row.map((text, place) => (places.includes(place) ? Buffer.from(text).toString() : ""));
      if (!isBlank(row[code])) parents.set((row[code] ?? "").trim(), kept);
      if (!isBlank(row[id])) parents.set(`id:${(row[id] ?? "").trim()}`, kept);
    }
  }
  for await (const { rows, lines } of table.batches)
    yield { lines, rows: rows.map((row) => (isBlank(row[by]) ? row : filled(row, parents.get((row[by] ?? "").trim()), places))) };
}
