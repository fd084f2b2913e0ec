// Paging: long lists in pages, the same way everywhere. An answer that has more carries `next`; given back as `cursor`, it is where the next
// page begins. What stands in a cursor is nobody's business but the list's that made it.
//
//   P1. A page begins after a place in the list's order, not after a number of rows: what comes, changes or goes meanwhile neither shows a row twice
//       nor makes another be left out, and the row that a page ended with may be gone.
//   P2. A cursor names its list: of another one it is refused, and never understood as something else.

import { z } from "zod";
import { StockroomError } from "../errors.ts";
import { limitOf } from "./fields.ts";

/** Query parameters of a list; `limit` is a whole number from 1 to `most`. */
export const pageQuery = (usual = 100, most = 1_000) => ({ limit: limitOf(usual, most), cursor: z.string().max(2_000).optional() });

/** The cursor of the next page; absent on the last one. */
export const next = z.string().optional();

/** The error of a cursor that belongs to no place of the list. */
export const badCursor = (): StockroomError =>
  new StockroomError(
    "input",
    "CURSOR_BAD",
    "Expected a cursor as the list gave it as `next` but it names no place in this list. Begin without one.",
  );

export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next?: string;
}

/** What stands in a place of a key: any text, a whole number of up to 16 digits, a finite number. */
type Part = "text" | "whole" | "number";

const isPart: Readonly<Record<Part, (text: string) => boolean>> = {
  text: (text) => !text.includes("\0"),
  whole: (text) => /^-?\d{1,16}$/.test(text),
  number: (text) => /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text)),
};

/** The cursors of one list. */
export interface Cursors {
  /** The key after which a page begins. Throws `input` `CURSOR_BAD` for what is no cursor of this list. */
  read(cursor: string | undefined): readonly string[] | undefined;
  /** What a page is made of: `found` are one more than `limit` when there is a next one. */
  page<Row>(found: readonly { readonly row: Row; readonly key: readonly string[] }[], limit: number): Page<Row>;
}

/** The cursors of the list `name`, whose keys have these parts. */
export function cursorsOf(name: string, ...parts: readonly Part[]): Cursors {
  const make = (key: readonly string[]): string => Buffer.from(JSON.stringify([name, ...key]), "utf8").toString("base64url");
  return {
    read(cursor) {
      if (cursor === undefined) return undefined;
      const [list, ...key] = readTexts(Buffer.from(cursor, "base64url").toString("utf8"));
      const fits = list === name && key.length === parts.length && key.every((text, at) => isPart[parts[at] ?? "text"](text));
      if (fits && make(key) === cursor) return key;
      throw badCursor();
    },
    page(found, limit) {
      const last = found[limit - 1];
      const rows = found.slice(0, limit).map(({ row }) => row);
      return found.length > limit && last !== undefined ? { rows, next: make(last.key) } : { rows };
    },
  };
}

function readTexts(json: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) && value.every((part) => typeof part === "string") ? value : [];
  } catch {
    return [];
  }
}

/** The page of a list that is whole in memory and whose rows stand still. Throws `input` `CURSOR_BAD`. */
export function pageOfAll<Row>(
  cursors: Cursors,
  all: readonly Row[],
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  idOf: (row: Row) => string,
): Page<Row> {
  const id = cursors.read(cursor)?.[0];
  const after = id === undefined ? -1 : all.findIndex((row) => idOf(row) === id);
  if (id !== undefined && after < 0) throw badCursor();
  return cursors.page(
    all.slice(after + 1, after + 2 + limit).map((row) => ({ row, key: [idOf(row)] })),
    limit,
  );
}
