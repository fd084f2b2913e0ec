// Judge: reads the unseen items' true codes and both models' answers, and asks the gate.

import type { ComputeTask, TaskTools } from "../../../base/compute/contract.ts";
import { StockroomError } from "../../../base/errors.ts";
import type { ReadTicket } from "../../../base/objects/contract.ts";
import { openTicket } from "../../../base/objects/tickets.ts";
import { readTable } from "../../../base/tables/index.ts";
import { judgeChallenger, type Verdict } from "../../engine/gate.ts";

export interface JudgeInput {
  /** A test set as the training wrote it: `id` and `code`. */
  readonly test: ReadTicket;
  readonly challenger: ReadTicket;
  readonly champion: ReadTicket | null;
  readonly alpha: number;
  readonly seed: number;
}

export const judgeJob: ComputeTask<JudgeInput, Verdict> = { module: import.meta.url, name: "classify.judge" };

export async function run(input: JudgeInput, tools: TaskTools): Promise<Verdict> {
  const test = await readColumns(input.test, ["id", "code"], tools.signal);
  const challenger = await readColumns(input.challenger, ["id", "code"], tools.signal);
  const champion = input.champion === null ? undefined : await readColumns(input.champion, ["id", "code"], tools.signal);
  const [ids = [], codes = []] = test;
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
  // A code that only a model says is a class too; the truth decides none of it.
  const classes = new Map<string, number>();
  const indexOf = (code: string): number => {
    let index = classes.get(code);
    if (index === undefined) classes.set(code, (index = classes.size));
    return index;
  };
  const truth = Int32Array.from(codes, indexOf);
  const own = Int32Array.from(challenger[1] ?? [], indexOf);
  const other = champion === undefined ? undefined : Int32Array.from(champion[1] ?? [], indexOf);
  return judgeChallenger(
    { truth, challenger: own, classes: classes.size, ...(other === undefined ? {} : { champion: other }) },
    { alpha: input.alpha, seed: input.seed },
  );
}

/** Whole columns of a small object, by name. */
export async function readColumns(
  ticket: ReadTicket,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly (readonly string[])[]> {
  const table = await readTable(openTicket(ticket, signal), {
    name: ticket.entry.key,
    format: "csv",
    signal,
    onBadRow: (row) => {
      throw new StockroomError(
        "fault",
        "OBJECT_BAD_ROW",
        `Expected our own ${ticket.entry.key} to be well formed but line ${row.line} is not: ${row.reason}`,
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
