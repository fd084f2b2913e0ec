// Do timestamps stand on the grid? Weekly rows should share one weekday, monthly rows one day, daily rows one time.
//
// A timestamp's phase is its distance from the begin of its step. Rows of one phase are on the grid, whichever it is: weeks may be stamped on
// Thursdays. Rows of many phases are data finer than the forecast, and are summed (or whatever was asked) within their step. Rows of which
// nearly all share one phase, and a few do not, are a mistake: summing them would double a week without a word.

import { minuteOfUnit, truncate, unitOfMinute } from "../../engine/calendar/grid.ts";
import type { Frequency } from "../../engine/contract.ts";
import type { Rows } from "../../engine/panel/rows.ts";

/** At this share of rows the commonest phase is the rule and others are strays. */
const ruleShare = 0.9;

/** With more phases than these the data is finer, whatever the shares. */
const mostPhases = 2048;

interface Phase {
  readonly line: number;
  readonly example: number;
  count: number;
}

export interface Strays {
  readonly rows: number;
  readonly line: number;
  /** Seconds since 1970 of the first stray and of a row that follows the rule. */
  readonly stray: number;
  readonly usual: number;
}

/** The rows that break a rule which nearly all follow; undefined when there is no such rule or none breaks it. */
export function findStrays(frequency: Frequency, rows: Rows): Strays | undefined {
  const phases = new Map<number, Phase>();
  let total = 0;
  for (const { values, minutes, seconds, lines, count } of rows.blocks) {
    let lastMinute = Number.NaN;
    let last: Phase | undefined;
    for (let i = 0; i < count; i++) {
      if (Number.isNaN(values[0][i])) continue;
      total += 1;
      const minute = minutes[i];
      const second = seconds[i];
      if (minute === lastMinute && second === 0 && last !== undefined) {
        last.count += 1;
        continue;
      }
      const key = phaseOf(frequency, minute) * 60 + second;
      let phase = phases.get(key);
      if (phase === undefined) {
        phase = { line: lines?.[i] ?? 0, example: minute * 60 + second, count: 0 };
        phases.set(key, phase);
        if (phases.size > mostPhases) return undefined;
      }
      phase.count += 1;
      lastMinute = second === 0 ? minute : Number.NaN;
      last = phase;
    }
  }
  if (phases.size < 2) return undefined;
  const [usual, ...others] = [...phases.values()].sort((a, b) => b.count - a.count);
  if (usual.count < ruleShare * total) return undefined;
  const first = others.reduce((best, phase) => (phase.line < best.line ? phase : best));
  return { rows: total - usual.count, line: first.line, stray: first.example, usual: usual.example };
}

/** Minutes from the begin of the step; the last day of a month, quarter or year is one phase however long they are. */
function phaseOf(frequency: Frequency, minute: number): number {
  const { unit } = frequency;
  const begin = truncate(frequency, minute * 60_000) / 60_000;
  if (unit === "M" || unit === "Q" || unit === "Y") {
    const next = unitOfMinute(frequency, minute) + 1;
    const left = minuteOfUnit(frequency, next) - minute;
    if (left <= 1440) return -left;
  }
  return minute - begin;
}
