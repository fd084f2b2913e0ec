// Applying a proposal: labelled items read as it says, for whoever learns from them.
//
// Owns: which rows teach, their codes and groups. Does not own: rows (rows.ts), the proposal.

import { StockroomError } from "../../../platform/errors.ts";
import { counted } from "../../../platform/figures.ts";
import type { BadRow } from "../../../platform/formats/index.ts";
import type { Condition } from "../../../platform/intake/conditions.ts";
import { noExport } from "../../../platform/intake/exports/index.ts";
import type { FileProfile, IntakeFile } from "../../../platform/intake/profile.ts";
import type { LabelRule } from "../../engine/categories.ts";
import { makeDatasetBuilder, type Dataset, type ItemColumnNames } from "../../engine/dataset.ts";
import { makeDayReader } from "../../engine/days.ts";
import type { Reading } from "../../engine/reading.ts";
import type { CataloguePlan } from "./proposal.ts";
import { openRows, type RowsOptions } from "./rows.ts";

/** What a fit reads of a file. */
export interface TakenCatalogue {
  readonly label: LabelRule;
  readonly group: string | undefined;
  /** What names an item whose row names no group: variants may name it as theirs. */
  readonly id: string | undefined;
  readonly columns: ItemColumnNames;
  /** Undefined: strictly. */
  readonly reading: Reading | undefined;
}

/** How a fit reads a file by a proposal. */
export const takenOf = (
  profile: Pick<FileProfile, "export">,
  { text, categories, numbers, label, group, id, inherit }: CataloguePlan,
): TakenCatalogue & { readonly reading: Reading } => ({
  label,
  group: group ?? undefined,
  id: id ?? undefined,
  columns: { text, categories, numbers },
  reading: { label, export: profile.export?.name ?? noExport, inherit },
});

const dayOf = makeDayReader();

export interface LabelledFiles extends TakenCatalogue {
  readonly file: IntakeFile;
  /** Items to judge by; absent: a part of those of `file`. */
  readonly valid: IntakeFile | undefined;
  readonly conditions: readonly Condition[];
}

/** What was read to learn from. */
export interface LabelledItems {
  readonly items: number;
  readonly rows: number;
  readonly badRows: number;
  /** Rows without a code: they teach nothing. */
  readonly unlabelled: number;
  /** Bad rows but for those without a code: a file of items labelled in part is usual and no damage. */
  readonly damaged: number;
  readonly validationFrom: number | undefined;
  /** The newest date in the data, "" where it has none. */
  readonly newest: string;
  readonly notes: readonly string[];
  readonly hash: string;
  build(): Dataset;
}

/** Reads the files of a fit. Throws `input` `FIT_NO_VALIDATION`, and what opening rows throws. */
export async function readLabelledFiles(
  { file, valid, label, group, id, columns, conditions, reading: asItLies }: LabelledFiles,
  { onBadRow, ...reading }: Pick<RowsOptions, "encoding" | "decimal" | "onBadRow" | "signal">,
): Promise<LabelledItems> {
  const builder = makeDatasetBuilder(columns);
  const notes: string[] = [];
  let badRows = 0;
  const setApart = (row: BadRow): void => {
    badRows += 1;
    onBadRow(row);
  };
  let [newest, rowsRead, unlabelled, wordless] = ["", 0, 0, 0];
  const read = async (source: IntakeFile, filters: readonly Condition[]): Promise<string> => {
    const rows = await openRows(source, { ...reading, reading: asItLies, conditions: filters, onBadRow: setApart });
    const codeOf = rows.labels(label);
    const labelAt = rows.at(label.columns[0] ?? "", "label column");
    const groupAt = group === undefined ? -1 : rows.at(group, "group column");
    const idAt = id === undefined ? -1 : rows.at(id, "id column");
    const days = rows.columns.flatMap((column, index) => (/^date$|_date$/i.test(column) ? [index] : []));
    for await (const batch of rows.items(columns)) {
      for (const [index, row] of batch.rows.entries()) {
        rowsRead += 1;
        const code = codeOf(row);
        if (code === "" && asItLies !== undefined) {
          unlabelled += 1;
          continue;
        }
        if (code === "") {
          const reason = `Expected a code in the column "${label.columns.join('", "')}" but it is empty. Fill it in or filter the row out.`;
          setApart({ line: batch.lines[index], column: labelAt + 1, code: "FIT_NO_LABEL", reason, sample: "" });
          unlabelled += 1;
          continue;
        }
        for (const day of days) {
          const found = dayOf(row[day] ?? "") ?? "";
          if (found > newest) newest = found;
        }
        const item = batch.items[index];
        if (item.text.every((text) => text.trim() === "")) wordless += 1;
        // A row that names no group is one of its own.
        const named = groupAt < 0 ? "" : (row[groupAt] ?? "").trim() || (row[idAt] ?? "").trim();
        builder.add(item, code, named === "" ? undefined : named);
      }
    }
    notes.push(...rows.notes());
    return rows.hash();
  };
  let hash = await read(file, conditions);
  const validationFrom = valid === undefined ? undefined : builder.size;
  if (valid !== undefined) {
    // A condition such as split=train picks the rows to learn from; it is not meant for the file to judge by.
    hash += await read(valid, []);
    if (builder.size === validationFrom) {
      throw new StockroomError(
        "input",
        "FIT_NO_VALIDATION",
        `Expected labelled items in ${valid.name} but there are none. Leave --valid out to set items aside.`,
      );
    }
  }
  if (asItLies !== undefined && unlabelled > 0) notes.push(`${unlabelled} of ${counted(rowsRead, "row")} have no code and teach nothing.`);
  if (wordless > 0) notes.push(`${counted(wordless, "item")} with a code ${wordless === 1 ? "has" : "have"} no text at all.`);
  const counts = {
    items: builder.size,
    rows: rowsRead,
    badRows,
    unlabelled,
    damaged: asItLies === undefined ? badRows - unlabelled : badRows,
  };
  return { ...counts, validationFrom, newest, notes, hash, build: () => builder.build() };
}
