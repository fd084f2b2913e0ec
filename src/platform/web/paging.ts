// Paging: long lists in pages, the same way everywhere. An answer that has more carries `next`; given back as `cursor`, it is where the next
// page begins. What stands in a cursor is nobody's business but the list's that made it.
//
//   P1. A page begins after a row, not after a number of rows: what comes in meanwhile is neither shown twice nor makes others be left out.

import { z } from "zod";
import { StockroomError } from "../errors.ts";
import { limitOf } from "./fields.ts";

/** Query parameters of a list; `limit` is a whole number from 1 to `most`. */
export const pageQuery = (usual = 100, most = 1_000) => ({ limit: limitOf(usual, most), cursor: z.string().max(2_000).optional() });

/** The cursor of the next page; absent on the last one. */
export const next = z.string().optional();

/** Puts the id of a page's last row into a cursor. */
export const makeCursor = (id: string): string => Buffer.from(id, "utf8").toString("base64url");

/** The id of the row after which a page begins. Throws `input` `CURSOR_BAD` for what was no cursor. */
export function readCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const id = Buffer.from(cursor, "base64url").toString("utf8");
  if (id !== "" && makeCursor(id) === cursor) return id;
  throw badCursor();
}

/** The error of a cursor that belongs to no row of the list, which it may have been deleted from. */
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

/** What a page is made of: `rows` are one more than `limit` when there is a next one. */
export function pageOf<Row>(rows: readonly Row[], limit: number, idOf: (row: Row) => string): Page<Row> {
  const last = rows[limit - 1];
  return rows.length > limit && last !== undefined ? { rows: rows.slice(0, limit), next: makeCursor(idOf(last)) } : { rows };
}

/** The page of a list that is whole in memory. Throws `input` `CURSOR_BAD`. */
export function pageOfAll<Row>(
  all: readonly Row[],
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  idOf: (row: Row) => string,
): Page<Row> {
  const id = readCursor(cursor);
  const after = id === undefined ? -1 : all.findIndex((row) => idOf(row) === id);
  if (id !== undefined && after < 0) throw badCursor();
  return pageOf(all.slice(after + 1, after + 2 + limit), limit, idOf);
}
