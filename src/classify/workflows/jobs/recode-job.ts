// Recode: writes predictions again in the codes of another version, row by row, by a table made beforehand.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { openHandle, writeThrough } from "../../../platform/objects/handles.ts";
import { readTable, writeTable } from "../../../platform/formats/index.ts";
import type { Recoded } from "../../engine/schemes.ts";
import { cell } from "./items.ts";

export interface RecodeInput {
  readonly source: ReadHandle;
  readonly target: WriteHandle;
  readonly to: string;
  /** version -> code -> what became of it. */
  readonly table: Readonly<Record<string, Readonly<Record<string, Recoded>>>>;
  readonly answers: readonly AnsweredItem[];
  /** The day of items without one. */
  readonly firstDay: string;
}

/** What people said of an item. */
export interface AnsweredItem {
  readonly item: string;
  readonly day: string;
  readonly reviewer: string;
  /** In the version recoded to; undefined: no mapping brings it there, a person must say again. */
  readonly code: string | undefined;
  /** As it was given. */
  readonly former: string;
  readonly candidates: readonly string[];
}

/** An item whose answer does not carry over, as the recoding leaves it. */
export interface OpenItem {
  readonly itemId: string;
  readonly day: string;
  readonly predicted: string;
  readonly probability: number;
  readonly units: number;
  readonly kg: number;
}

export interface RecodeResult {
  readonly staged: StagedObject;
  readonly counts: Readonly<Record<"same" | "mapped" | "ambiguous" | "dropped" | "unmapped" | "answered", number>>;
  readonly open: readonly OpenItem[];
}

export const recodeJob: ComputeTask<RecodeInput, RecodeResult> = { module: import.meta.url, name: "classify.recode" };

export async function run(input: RecodeInput, tools: TaskTools): Promise<RecodeResult> {
  const { source, to } = input;
  const table = await readTable(openHandle(source, tools.signal), {
    name: source.entry.key,
    format: "csv",
    spreadsheet: true,
    signal: tools.signal,
    onBadRow: (row) => {
      throw new Error(`line ${row.line} of ${source.entry.key} is not well formed: ${row.reason}`);
    },
  });
  const [code, version] = [table.columns.indexOf("code"), table.columns.indexOf("scheme_version")];
  const [id, date, probability, units, kg] = ["id", "date", "probability", "units", "kg"].map((name) => table.columns.indexOf(name));
  const counts = { same: 0, mapped: 0, ambiguous: 0, dropped: 0, unmapped: 0, answered: 0 };
  const answers = new Map(input.answers.map((answer) => [`${answer.item}\n${answer.day}`, answer]));
  const open: OpenItem[] = [];
  const batches = (async function* () {
    for await (const batch of table.batches) {
      yield batch.rows.map((row) => {
        const [former, from] = [cell(row, code), cell(row, version)];
        const recoded = input.table[from]?.[former] ?? { kind: "unmapped" as const, reason: "" };
        const mapped = recoded.kind === "same" || recoded.kind === "mapped" ? recoded.code : "";
        const rewrite = (now: string, kind: string, candidates: readonly string[], answer = "", reviewer = ""): string[] =>
          row
            .map((value, index) => (index === code ? now : index === version ? to : value))
            .concat(former, from, kind, candidates.join(" "), answer, reviewer);
        const day = cell(row, date ?? -1) === "" ? input.firstDay : cell(row, date ?? -1);
        const answer = answers.size === 0 ? undefined : answers.get(`${cell(row, id ?? -1)}\n${day}`);
        if (answer?.code !== undefined) {
          counts.answered += 1;
          return rewrite(answer.code, "answered", [], answer.former, answer.reviewer);
        }
        if (answer !== undefined) {
          counts.ambiguous += 1;
          const [of, many, weight] = [probability, units, kg].map((index) => Number(cell(row, index ?? -1)));
          open.push({ itemId: answer.item, day, predicted: mapped, probability: of ?? 0, units: many ?? 0, kg: weight ?? 0 });
          return rewrite("", "ambiguous", answer.candidates, answer.former, answer.reviewer);
        }
        counts[recoded.kind] += 1;
        return rewrite(mapped, recoded.kind, recoded.kind === "ambiguous" ? recoded.candidates : []);
      });
    }
  })();
  const columns = [...table.columns, "former_code", "former_version", "recoding", "candidates", "answer", "reviewer"];
  const staged = await writeThrough(input.target, writeTable(batches, { format: "csv", columns, spreadsheet: true }), tools.signal);
  return { staged, counts, open };
}
