// Rejects: the rows of a file that were set apart, counted, and written as JSON lines.

import type { BadRow } from "../../../platform/formats/index.ts";
import type { ObjectEntry, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { writeThrough } from "../../../platform/objects/handles.ts";

/** Bad rows kept in memory at most; a file with more is refused or its first ones show what is wrong. */
const keptBadRows = 100_000;

export interface Rejects {
  readonly add: (row: BadRow) => void;
  /**
   * Writes them, each with the version of the file it was in: the same rows of another version are other bytes, hence an object with labels of its own.
   * Null without a bad row or without a target.
   */
  finish(
    source: Pick<ObjectEntry, "key" | "version">,
    target: WriteHandle | null,
    signal: AbortSignal,
  ): Promise<{
    readonly badRows: number;
    /** How many for each code of reason. */
    readonly kinds: Readonly<Record<string, number>>;
    /** The first few, without item text. */
    readonly reasons: readonly string[];
    readonly rejected: StagedObject | null;
  }>;
}

/** Counts the rows set apart, and keeps the first of them. */
export function collectRejects(): Rejects {
  const bad: BadRow[] = [];
  const kinds: Record<string, number> = {};
  let badRows = 0;
  return {
    add(row) {
      badRows += 1;
      kinds[row.code] = (kinds[row.code] ?? 0) + 1;
      if (bad.length < keptBadRows) bad.push(row);
    },
    async finish({ key, version }, target, signal) {
      const lines = badRowLines(bad, `${key}@${version}`);
      const rejected = badRows === 0 || target === null ? null : await writeThrough(target, lines, signal);
      return { badRows, kinds, reasons: bad.slice(0, 3).map((row) => `line ${row.line}: ${row.reason}`), rejected };
    },
  };
}

/** Bad rows as JSON lines, with `KEY@VERSION` of their file where it is given; they hold item text, so only a sealed object may take them. */
export async function* badRowLines(rows: readonly BadRow[], source?: string): AsyncIterable<Uint8Array> {
  for (const row of rows) yield Buffer.from(`${JSON.stringify({ ...row, source })}\n`);
}
