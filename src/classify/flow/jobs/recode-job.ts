// Recode: writes predictions again in the codes of another version, row by row, by a table made beforehand.

import type { ComputeTask, TaskTools } from "../../../base/compute/contract.ts";
import type { ReadTicket, StagedObject, WriteTicket } from "../../../base/objects/contract.ts";
import { openTicket, writeThrough } from "../../../base/objects/tickets.ts";
import { readTable, writeTable } from "../../../base/tables/index.ts";
import type { Recoded } from "../../engine/schemes.ts";
import { cell } from "./items.ts";

export interface RecodeInput {
  readonly source: ReadTicket;
  readonly target: WriteTicket;
  readonly to: string;
  /** version -> code -> what became of it. */
  readonly table: Readonly<Record<string, Readonly<Record<string, Recoded>>>>;
}

export interface RecodeResult {
  readonly staged: StagedObject;
  readonly counts: Readonly<Record<"same" | "mapped" | "ambiguous" | "dropped" | "unmapped", number>>;
}

export const recodeJob: ComputeTask<RecodeInput, RecodeResult> = { module: import.meta.url, name: "classify.recode" };

export async function run(input: RecodeInput, tools: TaskTools): Promise<RecodeResult> {
  const { source, to } = input;
  const table = await readTable(openTicket(source, tools.signal), {
    name: source.entry.key,
    format: "csv",
    signal: tools.signal,
    onBadRow: (row) => {
      throw new Error(`line ${row.line} of ${source.entry.key} is not well formed: ${row.reason}`);
    },
  });
  const [code, version] = [table.columns.indexOf("code"), table.columns.indexOf("scheme_version")];
  const counts = { same: 0, mapped: 0, ambiguous: 0, dropped: 0, unmapped: 0 };
  const batches = (async function* () {
    for await (const batch of table.batches) {
      yield batch.rows.map((row) => {
        const [former, from] = [cell(row, code), cell(row, version)];
        const recoded = input.table[from]?.[former] ?? { kind: "unmapped" as const, reason: "" };
        counts[recoded.kind] += 1;
        const now = recoded.kind === "same" || recoded.kind === "mapped" ? recoded.code : "";
        const candidates = recoded.kind === "ambiguous" ? recoded.candidates.join(" ") : "";
        return row
          .map((value, index) => (index === code ? now : index === version ? to : value))
          .concat(former, from, recoded.kind, candidates);
      });
    }
  })();
  const columns = [...table.columns, "former_code", "former_version", "recoding", "candidates"];
  const staged = await writeThrough(input.target, writeTable(batches, { format: "csv", columns }), tools.signal);
  return { staged, counts };
}
