// Survey: one pass over a labelled file to learn which lines it holds labels for, setting bad rows apart; of a file with columns of its own a look before.
//
//   S1. A file with a question is not surveyed: nothing is set apart, nothing counted.

import { openHandle } from "../../../platform/objects/handles.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { encodingNotes } from "../../../platform/formats/index.ts";
import { isSameCountry } from "../../engine/countries.ts";
import { isCountry, isScheme } from "../../engine/lines.ts";
import { isStrictlyLabelled, isWithoutCodes, type LabelledLook, type LabelledWords, lookAtLabelled } from "../intake/take-in.ts";
import { cell, codeColumnPrefix, findColumns, labelsOf, type ColumnSettings } from "./items.ts";
import { openLabelled } from "./labelled.ts";
import { collectRejects } from "./rejects.ts";

export interface SurveyInput {
  readonly source: ReadHandle;
  readonly rejected: WriteHandle;
  /** From the object's key; null: the rows' country column decides. */
  readonly country: string | null;
  readonly columns: ColumnSettings;
  /** What is known of files with columns of their own; null: the file is read as it stands. */
  readonly words: LabelledWords | null;
}

export interface SurveyResult {
  /** Of a file with columns of its own: how it was read, or what is asked. */
  readonly look: LabelledLook | null;
  readonly rows: number;
  readonly badRows: number;
  /** The first few, without item text. */
  readonly reasons: readonly string[];
  /** How the file was read, where that was found rather than known. */
  readonly notes: readonly string[];
  /** Columns that begin like labels but name no scheme. */
  readonly unread: readonly string[];
  readonly columnNames: readonly string[];
  readonly codeColumns: readonly string[];
  readonly lines: readonly { readonly country: string; readonly scheme: string; readonly labels: number }[];
  /** The bad rows as JSON lines, when there were any. */
  readonly staged: StagedObject | null;
}

export const surveyJob: ComputeTask<SurveyInput, SurveyResult> = { module: import.meta.url, name: "classify.survey" };

export async function run(input: SurveyInput, tools: TaskTools): Promise<SurveyResult> {
  const rejects = collectRejects();
  const reject = rejects.add;
  const name = input.source.entry.key;
  const look = await lookIfNeeded(input, tools.signal);
  if (look !== null && look.questions.length > 0) return { ...nothing, look };
  const opened = { columns: input.columns, onBadRow: reject, signal: tools.signal };
  const { table, notes } = await openLabelled(input.source, look?.taken ?? null, opened);
  const columns = findColumns(table.columns, input.columns, name);
  const counts = new Map<string, Map<string, number>>();
  let rows = 0;
  for await (const batch of table.batches) {
    for (const [index, row] of batch.rows.entries()) {
      const written = cell(row, columns.country).trim();
      if (input.country !== null && written !== "" && !isSameCountry(written, input.country)) {
        reject({
          line: batch.lines[index] ?? 0,
          column: columns.country + 1,
          code: "ITEM_COUNTRY",
          reason: `Expected ${input.country} in the column "${input.columns.country}" but received "${written.slice(0, 40).toWellFormed()}". Put it into the file of its own country.`,
          sample: row.join(",").slice(0, 200).toWellFormed(),
        });
        continue;
      }
      const country = input.country ?? written;
      if (!isCountry(country)) {
        reject({
          line: batch.lines[index] ?? 0,
          column: undefined,
          code: "ITEM_COUNTRY",
          reason: `Expected a country such as GBR in the column "${input.columns.country}" but there is none. Put the file under classify/labelled/COUNTRY/ or fill the column.`,
          sample: row.join(",").slice(0, 200),
        });
        continue;
      }
      rows += 1;
      let schemes = counts.get(country);
      if (schemes === undefined) counts.set(country, (schemes = new Map()));
      for (const [scheme] of labelsOf(row, columns)) schemes.set(scheme, (schemes.get(scheme) ?? 0) + 1);
    }
    tools.progress(rows, 0, "rows read");
  }
  const { rejected: staged, badRows, reasons } = await rejects.finish(input.source.entry, input.rejected, tools.signal);
  return {
    look,
    rows,
    badRows,
    reasons,
    notes: [...notes, ...encodingNotes(name, table.encoding?.())],
    unread: table.columns.filter((column) => column.startsWith(codeColumnPrefix) && !isScheme(column.slice(codeColumnPrefix.length))),
    columnNames: table.columns,
    codeColumns: [...columns.codes].map(([scheme]) => `code.${scheme}`),
    lines: [...counts]
      .flatMap(([country, schemes]) => [...schemes].map(([scheme, labels]) => ({ country, scheme, labels })))
      .toSorted((a, b) => b.labels - a.labels || (a.country + a.scheme < b.country + b.scheme ? -1 : 1)),
    staged,
  };
}

const nothing = { rows: 0, badRows: 0, reasons: [], notes: [], unread: [], columnNames: [], codeColumns: [], lines: [], staged: null };

async function lookIfNeeded({ source, words }: SurveyInput, signal: AbortSignal): Promise<LabelledLook | null> {
  if (words === null) return null;
  const file = { name: source.entry.key, open: () => openHandle(source, signal) };
  if (await isStrictlyLabelled(file, words.columns.encoding, signal)) return null;
  const look = await lookAtLabelled(file, words, signal);
  return isWithoutCodes(look, words.columns) ? null : look;
}
