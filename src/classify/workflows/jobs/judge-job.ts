// Judge: reads the unseen items' true codes and both models' answers, and asks the gate.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { ReadHandle } from "../../../platform/objects/contract.ts";
import { openHandle } from "../../../platform/objects/handles.ts";
import { readTable } from "../../../platform/formats/index.ts";
import { judgeChallenger, type Bout, type Verdict } from "../../engine/gate.ts";
import { judgeHolding, type GroundVerdict } from "../../engine/holding.ts";

export interface JudgeInput {
  /** A test set as the training wrote it; see `prepare-job.ts`. */
  readonly test: ReadHandle;
  readonly challenger: ReadHandle;
  readonly champion: ReadHandle | null;
  readonly alpha: number;
  readonly seed: number;
}

export interface JudgeResult {
  /** On all items: those the line has kept, and the new ones. */
  readonly verdict: Verdict;
  /** On those kept; null without a champion or without any. */
  readonly ground: GroundVerdict | null;
  /** Items to which the two give different codes, by what they are and what either says, the most frequent first; none without a champion. */
  readonly changes: readonly Change[];
}

/** Items of one true code that the champion gives one code and the challenger another. */
export interface Change {
  readonly truth: string;
  readonly champion: string;
  readonly challenger: string;
  readonly items: number;
}

/** As many as a person looks at; the rest is said as a number of items by McNemar's test. */
const mostChanges = 200;

export const judgeJob: ComputeTask<JudgeInput, JudgeResult> = { module: import.meta.url, name: "classify.judge" };

export async function run(input: JudgeInput, tools: TaskTools): Promise<JudgeResult> {
  const [ids = [], codes = [], keptCodes = []] = await readColumns(input.test, ["id", "code", "kept_code"], tools.signal);
  const challenger = await readColumns(input.challenger, ["id", "code"], tools.signal);
  const champion = input.champion === null ? undefined : await readColumns(input.champion, ["id", "code"], tools.signal);
  for (const [who, answers] of [["challenger", challenger] as const, ["champion", champion] as const]) {
    const answered = answers?.[0];
    if (answered !== undefined && (answered.length !== ids.length || answered.some((id, row) => id !== ids[row]))) {
      throw new StockroomError(
        "fault",
        "JUDGE_ROWS",
        `Expected the ${who}'s answers to be those of the ${ids.length} items of the test set, in its order, but they are not. Compare again.`,
      );
    }
  }
  // A code that only a model says is a class too, and counts in its mean.
  const classes = new Map<string, number>();
  const indexOf = (code: string): number => {
    let index = classes.get(code);
    if (index === undefined) classes.set(code, (index = classes.size));
    return index;
  };
  // Kept items whose label no mapping brings into today's version have no truth to be judged by.
  const judged = [...codes.keys()].filter((row) => codes[row] !== "");
  const take = (answers: readonly string[] = [], rows: readonly number[]): Int32Array =>
    Int32Array.from(rows, (row) => indexOf(answers[row] ?? ""));
  const boutOf = (rows: readonly number[]): Bout => {
    const truth = take(codes, rows);
    const own = take(challenger[1], rows);
    return { truth, challenger: own, ...(champion === undefined ? {} : { champion: take(champion[1], rows) }), classes: classes.size };
  };
  const options = { alpha: input.alpha, seed: input.seed };
  const all = boutOf(judged);
  const kept = judged.filter((row) => keptCodes[row] !== "");
  const { champion: opponent, ...onKept } = boutOf(kept);
  return {
    verdict: judgeChallenger(all, options),
    ground: opponent === undefined || kept.length === 0 ? null : judgeHolding({ ...onKept, champion: opponent }, options),
    changes:
      champion === undefined ? [] : countChanges(judged, { truth: codes, champion: champion[1] ?? [], challenger: challenger[1] ?? [] }),
  };
}

type Codes = Readonly<Record<"truth" | "champion" | "challenger", readonly string[]>>;

/** Pure. Of equally frequent changes the one whose codes come first. */
export function countChanges(rows: readonly number[], codes: Codes, most = mostChanges): readonly Change[] {
  const counts = new Map<string, Change>();
  for (const row of rows) {
    const [truth, champion, challenger] = [codes.truth[row] ?? "", codes.champion[row] ?? "", codes.challenger[row] ?? ""];
    if (champion === challenger) continue;
    const name = JSON.stringify([truth, champion, challenger]);
    counts.set(name, { truth, champion, challenger, items: (counts.get(name)?.items ?? 0) + 1 });
  }
  return [...counts]
    .toSorted(([a, one], [b, other]) => other.items - one.items || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([, change]) => change);
}

/** Whole columns of a small object, by name. */
export async function readColumns(
  handle: ReadHandle,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly (readonly string[])[]> {
  const table = await readTable(openHandle(handle, signal), {
    name: handle.entry.key,
    format: "csv",
    spreadsheet: true,
    signal,
    onBadRow: (row) => {
      throw new StockroomError(
        "fault",
        "OBJECT_BAD_ROW",
        `Expected our own ${handle.entry.key} to be well formed but line ${row.line} is not: ${row.reason}`,
      );
    },
  });
  const at = names.map((name) => table.columns.indexOf(name));
  const columns: string[][] = names.map(() => []);
  for await (const batch of table.batches) {
    for (const row of batch.rows) for (const [index, column] of columns.entries()) column.push(row[at[index] ?? -1] ?? "");
  }
  return columns;
}
