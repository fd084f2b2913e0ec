// Prepare: a group's files into a panel, in a thread; bad rows set apart.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { openHandle, writeThrough } from "../../../platform/objects/handles.ts";
import { type Facts, isStockroomError } from "../../../platform/errors.ts";
import type { BadRow } from "../../../platform/formats/index.ts";
import { inputOptionsOf } from "../defaults/parse.ts";
import type { IntakeFile } from "../../../platform/intake/profile.ts";
import { type Inputs, readInputs, type InputNote } from "../inputs/read.ts";
import { packPanel } from "./pieces.ts";
import type { Recipe } from "./recipe.ts";
import { type IntakeRecord, takeInGroup, type Taking } from "./taking.ts";
import type { UploadKind } from "./uploads.ts";

export interface PrepareInput {
  readonly files: { readonly [kind in UploadKind]?: ReadHandle };
  readonly recipe: Recipe;
  /** How files of the same senders were read before. */
  readonly kept: Taking["kept"];
  readonly answers: Taking["answers"];
  readonly panel: WriteHandle;
  readonly rejected: WriteHandle;
}

/** Files that are useless as a whole: why, and the list of their bad rows where there are any. */
export interface PrepareRefusal {
  readonly kind: "refused";
  readonly code: string;
  readonly message: string;
  readonly facts: Facts;
  readonly rejected: StagedObject | undefined;
}

export interface PrepareResult {
  readonly kind: "read";
  readonly series: number;
  readonly points: number;
  readonly steps: number;
  readonly bad: readonly { readonly file: string; readonly count: number; readonly reasons: readonly string[] }[];
  readonly notes: readonly InputNote[];
  /** Of files that were looked at, as they have not the domain's own columns. */
  readonly intake: readonly IntakeRecord[];
  readonly panel: StagedObject;
  /** Absent when no row was set apart. */
  readonly rejected: StagedObject | undefined;
}

export const prepareJob: ComputeTask<PrepareInput, PrepareResult | PrepareRefusal> = { module: import.meta.url, name: "forecast.prepare" };

/** Bad rows kept in memory at most, of all files. */
const keptBadRows = 100_000;

export async function run(input: PrepareInput, tools: TaskTools): Promise<PrepareResult | PrepareRefusal> {
  const { recipe, files } = input;
  const target = files.target;
  if (target === undefined) throw new Error("A group is prepared only with its target.");
  const sourceOf = (handle: ReadHandle): IntakeFile => ({ name: handle.entry.key, open: () => openHandle(handle, tools.signal) });
  const kept: (BadRow & { readonly file: string })[] = [];
  const rejectedOf = async (): Promise<StagedObject | undefined> =>
    kept.length === 0 ? undefined : await writeThrough(input.rejected, linesOf(kept), tools.signal);
  const reading = async (): Promise<Inputs & Pick<PrepareResult, "intake">> => {
    const { options, records, notes } = await takeInGroup(
      {
        target: sourceOf(target),
        ...(files.related === undefined ? {} : { related: sourceOf(files.related) }),
        ...(files.metadata === undefined ? {} : { metadata: sourceOf(files.metadata) }),
      },
      { recipe, kept: input.kept, answers: input.answers, signal: tools.signal },
    );
    const inputs = await readInputs({
      ...inputOptionsOf(recipe),
      ...options,
      ...(files.events === undefined ? {} : { events: { name: files.events.entry.key, body: openHandle(files.events, tools.signal) } }),
      onBadRow: (kind, row) => {
        const file = files[kind]?.entry.key ?? kind;
        if (kept.length < keptBadRows) kept.push({ file, ...row });
      },
      onRows: (rows) => tools.progress(rows, 0, "rows read"),
      signal: tools.signal,
    });
    return { ...inputs, notes: [...notes, ...inputs.notes], intake: records };
  };
  const read = await reading().catch(async (thrown: unknown): Promise<PrepareRefusal> => {
    if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
    const { code, message, facts } = thrown;
    return { kind: "refused", code, message, facts, rejected: await rejectedOf() };
  });
  if ("kind" in read) return read;
  const { panel } = read;
  const staged = await writeThrough(input.panel, packPanel(panel), tools.signal);
  const rejected = await rejectedOf();
  return {
    kind: "read",
    series: panel.offsets.length - 1,
    points: panel.values.length,
    steps: panel.grid.length,
    bad: read.bad
      .filter((file) => file.count > 0)
      .map((file) => ({
        file: file.file,
        count: file.count,
        reasons: file.rows.slice(0, 3).map((row) => `line ${row.line}: ${row.reason}`),
      })),
    notes: read.notes,
    intake: read.intake,
    panel: staged,
    rejected,
  };
}

async function* linesOf(rows: readonly object[]): AsyncGenerator<Uint8Array> {
  for (const row of rows) yield Buffer.from(`${JSON.stringify(row)}\n`);
}
