// Occurrences: the steps of each series on which an event or a public holiday is felt, and which day of it each one is.
//
//   A holiday has windows of days before and after that nobody asked for: they count for nothing unless demand shows them (pool.ts).
//   A day is known by its part (before, the event, after) and its place in that part: the second day of one time is compared with the second of others.

import type { Panel } from "../contract.ts";
import { historyLength, seriesCount } from "../panel/series.ts";

/** A step on which an event is felt. */
export interface EventOccurrence {
  /** Index into the names. */
  readonly event: number;
  /** Which day of it: `part * maxDays + place`. */
  readonly day: number;
  /** Grid index. */
  readonly step: number;
  /** 1; in steps of several days how many of them, in sums which share of the series. */
  readonly dose: number;
  /** Grid index at which this time began: the same for all series it is common to. */
  readonly began: number;
}

export interface EventOccurrences {
  readonly names: readonly string[];
  /** Whether it is a public holiday: then it must show what it does. */
  isHoliday(event: number): boolean;
  regressorsOf(name: string): readonly string[];
  /** In order of events, then steps. */
  of(series: number): readonly EventOccurrence[];
  /** Whether a step is no ordinary one: an event or a holiday. */
  isSpecial(series: number, step: number): boolean;
}

/** Days of one part of an event told apart. */
export const maxDays = 64;
const partNames = ["", " before", " after"] as const;
const prefix = "event:";
const holidayPrefix = "holiday:";
/** Days around a public holiday that are looked at: people shop before it, and what is closed is made up for. */
const holidayWindow = { before: 3, after: 2 } as const;

const eventRegressors = ({ shared, regressors }: Panel): readonly string[] =>
  [...shared, ...regressors].map(({ name }) => name).filter((name) => name.startsWith(prefix));

const holidayRegressorsOf = ({ shared }: Panel): readonly string[] =>
  shared.map(({ name }) => name).filter((name) => name.startsWith(holidayPrefix));

/** Whether a panel has events or public holidays, and steps of a week at most. */
export function hasEvents(panel: Panel): boolean {
  const { unit, multiple } = panel.grid.frequency;
  const isShort = unit === "D" ? multiple <= 7 : unit === "W" ? multiple === 1 : unit === "H" || unit === "min";
  return isShort && (eventRegressors(panel).length > 0 || holidayRegressorsOf(panel).length > 0);
}

/** The occurrences of a panel's `event:` and `holiday:` regressors; undefined where it has none, or where its steps are longer than a week. */
export function findOccurrences(panel: Panel): EventOccurrences | undefined {
  if (!hasEvents(panel)) return undefined;
  const { grid } = panel;
  const all = eventRegressors(panel);
  const names = [...new Set(all.map((name) => name.slice(prefix.length)))].filter(
    (name) => !partNames.some((part) => part !== "" && name.endsWith(part) && all.includes(`${prefix}${name.slice(0, -part.length)}`)),
  );
  names.sort();
  const events = names.length;
  names.push(...holidayRegressorsOf(panel));
  const isHoliday = (event: number): boolean => event >= events;
  const size = grid.length + grid.horizon;
  const sharedOf = new Map(panel.shared.map(({ name, values }) => [name, values]));
  const ownOf = new Map(panel.regressors.map(({ name, values }) => [name, values]));
  const partOf = (name: string, part: string, i: number): ((step: number) => number) => {
    const shared = sharedOf.get(`${prefix}${name}${part}`);
    if (shared !== undefined) return (step) => shared[step];
    const own = ownOf.get(`${prefix}${name}${part}`);
    if (own === undefined) return () => 0;
    const first = panel.offsets[i] + i * grid.horizon - (grid.length - historyLength(panel, i));
    return (step) => own[first + step];
  };
  const isCommon = names.map((name) => partNames.every((part) => !ownOf.has(`${prefix}${name}${part}`)));
  const common = names.map((name, e) => {
    if (isHoliday(e)) return scan(e, windowed(sharedOf.get(name) ?? new Float32Array(size), windowSteps(panel)), 0, size);
    return isCommon[e] ? scan(e, (part) => partOf(name, part, 0), 0, size) : [];
  });
  const holiday = sharedOf.get("holiday");
  const commonSteps = new Set(common.flat().map(({ step }) => step));
  const isAllCommon = isCommon.every(Boolean);
  const known: (readonly EventOccurrence[] | undefined)[] = Array.from({ length: seriesCount(panel) }, () => undefined);
  const of = (i: number): readonly EventOccurrence[] => {
    const start = grid.length - historyLength(panel, i);
    return (known[i] ??= names.flatMap((name, e) =>
      isCommon[e] ? common[e].filter(({ step }) => step >= start) : scan(e, (part) => partOf(name, part, i), start, size),
    ));
  };
  let last: { readonly series: number; readonly steps: ReadonlySet<number> } | undefined;
  return {
    names,
    isHoliday,
    regressorsOf: (name) => (names.indexOf(name) >= events ? [name] : partNames.map((part) => `${prefix}${name}${part}`)),
    of,
    isSpecial(series, step) {
      if (holiday !== undefined && holiday[step] > 0) return true;
      if (isAllCommon) return commonSteps.has(step);
      if (last?.series !== series) last = { series, steps: new Set(of(series).map((occurrence) => occurrence.step)) };
      return last.steps.has(step);
    },
  };
}

/** How many steps the window of a holiday has on each side: days have days, other steps none, because a week has its days in it. */
function windowSteps({ grid: { frequency } }: Panel): { readonly before: number; readonly after: number } {
  return frequency.unit === "D" && frequency.multiple === 1 ? holidayWindow : { before: 0, after: 0 };
}

/** The parts of a holiday, from the steps it falls on. */
function windowed(
  during: Float32Array,
  { before, after }: { readonly before: number; readonly after: number },
): (part: string) => (step: number) => number {
  const near = (step: number, from: number, to: number): number => {
    for (let k = from; k <= to; k++) if (during[step + k] > 0) return 1;
    return 0;
  };
  return (part) => {
    if (part === "") return (step) => during[step];
    if (part === " before") return (step) => near(step, 1, before);
    return (step) => near(step, -after, -1);
  };
}

function scan(event: number, reader: (part: string) => (step: number) => number, from: number, to: number): EventOccurrence[] {
  const [during, before, after] = partNames.map(reader);
  const occurrences: EventOccurrence[] = [];
  let part = -1;
  let place = 0;
  let began = -1;
  for (let step = from; step < to; step++) {
    const doses = [during(step), before(step), after(step)];
    const now = doses.findIndex((dose) => dose > 0);
    if (now !== part) place = 0;
    // Days before follow days after, or anything follows nothing: another time.
    if (now >= 0 && (part < 0 || (now !== part && (now === 1 || part === 2)))) began = step;
    part = now;
    if (now < 0) continue;
    occurrences.push({ event, day: now * maxDays + Math.min(place, maxDays - 1), step, dose: doses[now], began });
    place++;
  }
  return occurrences;
}

/** What an event of `dose` days in one step does, from what one of one day does. */
export const doseLog = (log: number, dose: number): number => (dose === 1 ? log : Math.log(Math.max(0.02, 1 + dose * (Math.exp(log) - 1))));
