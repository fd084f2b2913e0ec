// Do timestamps stand on the grid? Weekly rows should share one weekday, monthly rows one day, daily rows one time.
//
// A timestamp's phase is its distance from the begin of its step. Rows of one phase are on the grid, whichever it is: weeks may be stamped on
// Thursdays. Rows of many phases are data finer than the forecast, and are summed (or whatever was asked) within their step. Rows of which
// nearly all share one phase, and a few do not, are a mistake: summing them would double a week without a word.

import { minuteOfUnit, truncate, unitOfMinute } from "../../engine/calendar/grid.ts";
import type { Frequency } from "../../engine/contract.ts";

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

/** Counts phases while rows pass. */
export class PhaseTally {
  readonly #frequency: Frequency;
  readonly #phases = new Map<number, Phase>();
  #rows = 0;
  #lastMinute = Number.NaN;
  #last: Phase | undefined;

  constructor(frequency: Frequency) {
    this.#frequency = frequency;
  }

  add(minute: number, second: number, line: number): void {
    this.#rows += 1;
    if (minute === this.#lastMinute && second === 0 && this.#last !== undefined) {
      this.#last.count += 1;
      return;
    }
    if (this.#phases.size > mostPhases) return;
    const key = phaseOf(this.#frequency, minute) * 60 + second;
    let phase = this.#phases.get(key);
    if (phase === undefined) {
      phase = { line, example: minute * 60 + second, count: 0 };
      this.#phases.set(key, phase);
    }
    phase.count += 1;
    this.#lastMinute = second === 0 ? minute : Number.NaN;
    this.#last = phase;
  }

  /** The rows that break a rule which nearly all follow; undefined when there is no such rule or none breaks it. */
  strays(): Strays | undefined {
    if (this.#phases.size < 2 || this.#phases.size > mostPhases) return undefined;
    const phases = [...this.#phases.values()].sort((a, b) => b.count - a.count);
    const [usual, ...others] = phases;
    if (usual.count < ruleShare * this.#rows) return undefined;
    const first = others.reduce((best, phase) => (phase.line < best.line ? phase : best));
    return { rows: this.#rows - usual.count, line: first.line, stray: first.example, usual: usual.example };
  }
}

/** Minutes from the begin of the step; the last day of a month, quarter or year is one phase however long they are. */
function phaseOf(frequency: Frequency, minute: number): number {
  const { unit } = frequency;
  const begin = truncate(frequency, minute * 60_000) / 60_000;
  if (unit === "M" || unit === "Q" || unit === "Y") {
    const next = unitOfMinute(unit, minute) + 1;
    const left = minuteOfUnit(unit, next) - minute;
    if (left <= 1440) return -left;
  }
  return minute - begin;
}
