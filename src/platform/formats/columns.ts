// Columns by the names a program expects: `Datum=timestamp` says which column of a file is meant.

import { StockroomError } from "../errors.ts";

/** From the file's name of a column to the expected one. */
export type ColumnMap = Readonly<Record<string, string>>;

/**
 * Reads `Datum=timestamp,Artikel=item_id`; a name that holds a comma stands in double quotes. Throws `input` `USAGE`.
 *
 * `again`: what several columns may stand for.
 */
export function parseColumnMap(text: string, flag = "--map", again: readonly string[] = []): ColumnMap {
  const map: Record<string, string> = {};
  const targets = new Set<string>();
  for (const part of text.match(/(?:"[^"]*"|[^,"])+/gu) ?? []) {
    if (part.trim() === "") continue;
    const at = part.lastIndexOf("=");
    const [from, to] = [
      part
        .slice(0, Math.max(0, at))
        .trim()
        .replace(/^"([^"]*)"$/u, "$1"),
      part.slice(at + 1).trim(),
    ];
    if (at < 1 || from === "" || to === "")
      throw new StockroomError(
        "input",
        "USAGE",
        `Expected ${flag} as COLUMN=NAME,COLUMN=NAME (a column of the file, and the name it stands for) but "${part}" came. Correct it.`,
      );
    if (Object.hasOwn(map, from) || (targets.has(to) && !again.includes(to)))
      throw new StockroomError("input", "USAGE", `Expected each name of ${flag} once but "${part}" repeats one. Remove it.`);
    map[from] = to;
    targets.add(to);
  }
  return map;
}

/** An entry of a map as `parseColumnMap` reads it. */
export const mapEntry = (from: string, to: string): string => (from.includes(",") ? `"${from}"=${to}` : `${from}=${to}`);

/** Columns with the names they stand for, and the names of the map that no column has. Upper and lower case count where both are there. */
export function renameColumns(
  columns: readonly string[],
  map: ColumnMap,
): { readonly columns: readonly string[]; readonly missing: readonly string[] } {
  const renamed = [...columns];
  const missing: string[] = [];
  for (const [from, to] of Object.entries(map)) {
    const exact = columns.findIndex((column) => column.trim() === from);
    const place = exact >= 0 ? exact : columns.findIndex((column) => column.trim().toLowerCase() === from.toLowerCase());
    if (place < 0) missing.push(from);
    else renamed[place] = to;
  }
  return { columns: renamed, missing };
}
