// The time line of a run: where each step begins and ends, as shares of the whole.

import { grouped } from "../../../../src/platform/figures.ts";

export interface TimedStep {
  readonly name: string;
  readonly startedAt?: string | undefined;
  readonly endedAt?: string | undefined;
  readonly error?: string | undefined;
  readonly tries: number;
}

export interface TimedBar<Step> {
  readonly step: Step;
  /** 0..1 of the time line. */
  readonly from: number;
  readonly width: number;
  readonly tookMs: number | undefined;
}

export interface TimeLine<Step> {
  readonly beginMs: number;
  readonly endMs: number;
  readonly bars: readonly TimedBar<Step>[];
}

/** Bars from the run's begin to its last change; what is under way goes on until `now`. */
export function timeLineOf<Step extends TimedStep>(
  run: { readonly createdAt: string; readonly updatedAt: string; readonly steps: readonly Step[] },
  now: number | undefined,
): TimeLine<Step> {
  const instants = run.steps.flatMap(({ startedAt, endedAt }) =>
    [startedAt, endedAt].flatMap((at) => (at === undefined ? [] : [Date.parse(at)])),
  );
  const beginMs = Math.min(Date.parse(run.createdAt), ...instants);
  const endMs = Math.max(now ?? Date.parse(run.updatedAt), beginMs + 1, ...instants);
  const whole = endMs - beginMs;
  return {
    beginMs,
    endMs,
    bars: run.steps.map((step) => {
      const from = step.startedAt === undefined ? endMs : Date.parse(step.startedAt);
      const to = step.endedAt === undefined ? endMs : Date.parse(step.endedAt);
      const isTimed = step.startedAt !== undefined && step.endedAt !== undefined;
      return { step, from: (from - beginMs) / whole, width: Math.max(0, to - from) / whole, tookMs: isTimed ? to - from : undefined };
    }),
  };
}

/** Without a total it is not known how much there is: rows of a file that is still read. */
export const progressText = ({ done, total, note }: { readonly done: number; readonly total: number; readonly note: string }): string =>
  total > 0 ? `${grouped(done)} of ${grouped(total)}${note === "" ? "" : `: ${note}`}` : `${grouped(done)} ${note}`.trimEnd();
