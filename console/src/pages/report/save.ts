// Saving a report as a file.

import { saveBlob } from "../../data/save.ts";
import { csvOf, heads, type Cell } from "./rows.ts";

export const saveCsv = (rows: readonly (readonly Cell[])[], name: string): void =>
  saveBlob(new Blob([csvOf(rows)], { type: "text/csv;charset=utf-8" }), `${name}.csv`);

/** The library that writes workbooks is fetched when one is first saved. */
export async function saveXlsx(rows: readonly (readonly Cell[])[], name: string): Promise<void> {
  const { default: writeXlsx } = await import("write-excel-file/browser");
  const data = [
    heads.map((head) => ({ value: head, fontWeight: "bold" as const })),
    ...rows.map((row) =>
      row.map((cell) => (typeof cell === "number" ? { value: cell, type: Number } : { value: cell ?? "", type: String })),
    ),
  ];
  await writeXlsx(data, { sheet: "Report", stickyRowsCount: 1 }).toFile(`${name}.xlsx`);
}
