// Zero end: demand that is 0 in every row from some day on, as of a plan that nobody filled in yet.

import type { ColumnProfile, FileProfile } from "../../../platform/intake/profile.ts";
import { isUnknown, readAmount } from "../../../platform/intake/values.ts";

/** Steps of nothing at all that are worth a word, and their share of all steps. */
const fewestSteps = 3;
const leastShare = 0.05;

/** The note about it; none where anything is sold until the end. `secondsOf`: the instant of a row, NaN where it has none. */
export function zeroEndNotes(
  { sample }: FileProfile,
  demand: ColumnProfile | undefined,
  secondsOf: (row: readonly string[]) => number,
): readonly string[] {
  if (demand === undefined) return [];
  const decimal = demand.number?.decimal ?? ".";
  const steps = new Set<number>();
  let lastSold = Number.NEGATIVE_INFINITY;
  const zeros: number[] = [];
  for (const row of sample) {
    const text = row[demand.place] ?? "";
    const at = secondsOf(row);
    if (Number.isNaN(at) || isUnknown(text)) continue;
    steps.add(at);
    if (readAmount(text, decimal) === 0) zeros.push(at);
    else lastSold = Math.max(lastSold, at);
  }
  const behind = zeros.filter((at) => at > lastSold);
  const ended = new Set(behind).size;
  if (lastSold === Number.NEGATIVE_INFINITY || ended < Math.max(fewestSteps, leastShare * steps.size)) return [];
  const day = new Date(lastSold * 1_000).toISOString().slice(0, 10);
  return [
    `"${demand.name}" is 0 in every row behind ${day} (${behind.length} rows): where that is not known yet rather than none sold, --end ${day} leaves them out.`,
  ];
}
