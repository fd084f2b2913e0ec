// The frequency of a run: what was asked for, held against what the rows say.
//
// Owns: inference, the file's own anchor, refusals of a grid that would be mostly invented. Does not own: stamps beside the grid (phases.ts).
//   Q1. Asked for none (`auto`), the rows decide; where they do not tell, the question goes back to the user.
//   Q2. A step finer than the rows is refused: all between two rows would be invented. A coarser one sums rows, and that is told.
//   Q3. Weeks begin with the file's stamps, months and quarters keep the day they are stamped with; an anchor that was named and contradicts is refused.

import { percent } from "../../../platform/figures.ts";
import { frequenciesAllowed, parseFrequency, printFrequency, stepMinutes, weekdayName } from "../../engine/calendar/frequency.ts";
import { instantText, minuteOfUnit, unitOfMinute } from "../../engine/calendar/grid.ts";
import { endingWeeks, inferFrequency, type Inferred } from "../../engine/calendar/infer.ts";
import type { Frequency } from "../../engine/contract.ts";
import { type KeySpace, type Rows, scratchFor } from "../../engine/panel/rows.ts";
import { emptyShare, type Spread, spreadOf, strayEnds } from "../../engine/panel/span.ts";
import { makeSteps } from "../../engine/panel/steps.ts";
import type { InputNote, Problem } from "./notes.ts";

export interface FrequencyRequest {
  /** "auto", or what `parseFrequency` reads. */
  readonly asked: string;
  /** Weekly stamps are the last day of their week. */
  readonly weeksEnd: boolean;
  readonly file: string;
  /** Of the timestamp, from 1. */
  readonly column: number;
  /** Columns that tell no series apart are taken for dimensions: the rhythm of each says nothing. */
  readonly splitWrong: boolean;
  readonly problems: Problem[];
  readonly notes: InputNote[];
}

/** So many different stamps are enough to tell; reading on would only cost memory. */
const mostStamps = 200_000;
/** The rows of so many series are looked at for a rhythm of each. */
const lookedSeries = 200;

/** The frequency to forecast at; undefined when a problem was told. */
export function decideFrequency(rows: Rows, request: FrequencyRequest): Frequency | undefined {
  const { asked, file, column, problems, notes } = request;
  const stamps = stampsOf(rows);
  const inferred = inferFrequency(stamps);
  const own = inferred.kind === "regular" && !request.splitWrong ? rhythmOfSeries(rows, inferred.frequency) : undefined;
  const facts = { file, column };
  const examples = stamps
    .slice(0, 3)
    .map((seconds) => secondsText(seconds))
    .join(", ");
  if (asked === "auto") {
    if (own !== undefined && inferred.kind === "regular") {
      problems.push({
        code: "INPUT_FREQUENCY_UNKNOWN",
        message: `Expected one frequency of all series of ${file} but most come every ${printFrequency(own)}, at different days of it. Name the step they are put into, such as --frequency ${own.unit}.`,
        facts,
      });
      return undefined;
    }
    const apart = inferred.kind === "regular" ? stepsApart(stamps, inferred.frequency) : undefined;
    if (apart !== undefined && inferred.kind === "regular") {
      const { least, most } = apart;
      const unit = printFrequency({ unit: inferred.frequency.unit, multiple: 1 });
      problems.push({
        code: "INPUT_FREQUENCY_UNKNOWN",
        message: `Expected rows of ${file} in equal steps but they come every ${least === most ? least : `${least} to ${most}`} ${unit} (${examples}) and never closer: as steps of ${nameOf(inferred.frequency)} ${Math.round(100 * apart.empty)} % of them would be invented. Name the step they are put into, such as --frequency M or Q; or --frequency ${unit} if the steps between are true zeros.`,
        facts,
      });
      return undefined;
    }
    if (inferred.kind === "regular") {
      const found = anchored(inferred.frequency, request);
      notes.push({ code: "INPUT_FREQUENCY_INFERRED", message: `Rows of ${file} come every ${nameOf(found)}: forecast at that frequency.` });
      return found;
    }
    problems.push({
      code: "INPUT_FREQUENCY_UNKNOWN",
      message:
        inferred.kind === "few"
          ? `Expected rows of at least 3 different times to tell their frequency but ${file} has ${inferred.stamps}. Name it: --frequency ${frequenciesAllowed}.`
          : `Expected rows of ${file} in equal steps but their times follow none (${examples}): they look like single transactions. Name the step to sum them in, such as --frequency D.`,
      facts,
    });
    return undefined;
  }
  const wanted = parseFrequency(asked);
  // Told where settings are read.
  if (wanted === undefined || inferred.kind !== "regular") return wanted;
  return fit(wanted, own ?? inferred.frequency, own !== undefined, examples, request);
}

function fit(wanted: Frequency, found: Frequency, differ: boolean, examples: string, request: FrequencyRequest): Frequency | undefined {
  const { file, column, problems, notes } = request;
  const ratio = stepMinutes(wanted) / stepMinutes(found);
  if (ratio < 0.97) {
    problems.push({
      code: "INPUT_FREQUENCY_FINER",
      message: `Expected rows every ${printFrequency(wanted)} but those of ${file} come every ${printFrequency(found)} (${examples}): ${Math.round(100 * (1 - ratio))} % of the steps would be invented. Use --frequency auto or ${printFrequency(found)}, or send finer data.`,
      facts: { file, column, frequency: printFrequency(wanted), found: printFrequency(found) },
    });
    return undefined;
  }
  const isSame = ratio < 1.03;
  if (!isSame || differ) {
    if (!isSame)
      notes.push({
        code: "INPUT_FREQUENCY_COARSER",
        message: `Rows of ${file} come every ${printFrequency(found)} and are put together into steps of ${printFrequency(wanted)}.`,
      });
    const named = wanted.begins !== undefined || wanted.stamp !== undefined;
    if (wanted.unit !== found.unit || named || differ) return wanted;
    return { ...anchored(found, request), multiple: wanted.multiple };
  }
  const own = anchored(found, request);
  const named = wanted.begins !== undefined || wanted.stamp !== undefined;
  // Three months that begin in February are quarters; the calendar's own three months begin in January.
  if (!named) return wanted.unit === own.unit ? { ...own, multiple: wanted.multiple } : own;
  if ((wanted.begins ?? 0) === (own.begins ?? 0) && sameStamp(wanted, own)) return { ...own, multiple: wanted.multiple };
  problems.push({
    code: "INPUT_FREQUENCY_ANCHOR",
    message: `Expected steps of ${request.asked} but rows of ${file} are stamped otherwise (${examples}). Use --frequency ${printFrequency(own)}, which keeps the file's own stamps.`,
    facts: { file, column, frequency: request.asked, found: printFrequency(own) },
  });
  return undefined;
}

function sameStamp(a: Frequency, b: Frequency): boolean {
  const [one, two] = [a.stamp ?? { from: "begin", seconds: 0 }, b.stamp ?? { from: "begin", seconds: 0 }];
  return one.from === two.from && one.seconds === two.seconds;
}

/** So many times are enough for a rhythm of longer steps to show. */
const rhythmFrom = 8;

/** How many steps lie between one time and the next, where no two of all series are ever one step apart: the true step is a longer one, as of trading months. */
function stepsApart(
  stamps: readonly number[],
  frequency: Frequency,
): { readonly least: number; readonly most: number; readonly empty: number } | undefined {
  if (stamps.length < rhythmFrom || stamps.length >= mostStamps) return undefined;
  const units = stamps.map((seconds) => Math.floor(unitOfMinute(frequency, Math.floor(seconds / 60)) / frequency.multiple));
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 1; i < units.length; i++) {
    const gap = units[i] - units[i - 1];
    if (gap === 0) continue;
    least = Math.min(least, gap);
    most = Math.max(most, gap);
  }
  if (!(least > 1) || most > 2 * least) return undefined;
  const { multiple } = frequency;
  return { least: least * multiple, most: most * multiple, empty: 1 - units.length / (units[units.length - 1] - units[0] + 1) };
}

const anchored = (found: Frequency, { weeksEnd }: FrequencyRequest): Frequency => (weeksEnd ? endingWeeks(found) : found);

const nameOf = (frequency: Frequency): string =>
  frequency.unit === "W"
    ? `${printFrequency(frequency)} (weeks that begin on ${weekdayName(frequency.begins ?? 0)})`
    : printFrequency(frequency);

function stampsOf(rows: Rows): readonly number[] {
  const seen = new Set<number>();
  for (const block of rows.blocks) {
    let last = Number.NaN;
    for (let i = 0; i < block.count; i++) {
      const seconds = block.minutes[i] * 60 + block.seconds[i];
      if (seconds === last || Number.isNaN(block.values[0][i])) continue;
      last = seconds;
      seen.add(seconds);
      if (seen.size >= mostStamps) return [...seen].toSorted((a, b) => a - b);
    }
  }
  return [...seen].toSorted((a, b) => a - b);
}

/** Different stamps of the first series, ascending, by their key. */
function stampsBySeries(rows: Rows): ReadonlyMap<number, readonly number[]> {
  const byKey = new Map<number, Set<number>>();
  for (const block of rows.blocks) {
    for (let i = 0; i < block.count; i++) {
      const key = block.keys[i];
      let own = byKey.get(key);
      if (own === undefined) {
        if (byKey.size >= lookedSeries) continue;
        own = new Set();
        byKey.set(key, own);
      }
      if (own.size < 2000) own.add(block.minutes[i] * 60 + block.seconds[i]);
    }
  }
  return new Map([...byKey].map(([key, stamps]) => [key, [...stamps].toSorted((a, b) => a - b)]));
}

/** A coarser frequency that nearly all series have for themselves, each with stamps of its own: weeks of different weekdays look like days. */
function rhythmOfSeries(rows: Rows, together: Frequency): Frequency | undefined {
  const found: Inferred[] = [...stampsBySeries(rows).values()]
    .filter((stamps) => stamps.length >= rhythmFrom)
    .map((stamps) => inferFrequency(stamps));
  const coarser = found.flatMap((each) =>
    each.kind === "regular" && stepMinutes(each.frequency) > 1.5 * stepMinutes(together) && isDense(each.frequency) ? [each.frequency] : [],
  );
  if (found.length < 2 || coarser.length < 0.9 * found.length) return undefined;
  const { unit, multiple } = coarser[0];
  return coarser.every((each) => each.unit === unit && each.multiple === multiple) ? { unit, multiple } : undefined;
}

/**
 * Tells of series that have a row in nearly every longer step, at one and the same place of it, and none between: a weekly item among daily ones. All
 * between its rows is invented.
 */
export function slowerNotes(
  keys: KeySpace,
  rows: Rows,
  frequency: Frequency,
  { file, target }: { file: string; target: string },
): readonly InputNote[] {
  const slower = [...stampsBySeries(rows)].flatMap(([key, stamps]) => {
    if (stamps.length < rhythmFrom) return [];
    const own = inferFrequency(stamps);
    if (own.kind !== "regular" || !isDense(own.frequency)) return [];
    const ratio = stepMinutes(own.frequency) / stepMinutes(frequency);
    const span = (stamps[stamps.length - 1] - stamps[0]) / (60 * stepMinutes(own.frequency)) + 1;
    return ratio > 1.9 && stamps.length >= 0.8 * span ? [{ key, frequency: own.frequency, empty: 1 - 1 / ratio }] : [];
  });
  const [first] = slower;
  if (first === undefined || slower.length === keys.size) return [];
  const name = keys.names.map((_, c) => keys.text(first.key, c)).join(" / ");
  const some = keys.size > lookedSeries ? `of the ${lookedSeries} looked at` : `of ${keys.size}`;
  return [
    {
      code: "INPUT_SLOWER_SERIES",
      message: `${slower.length} ${some} series of ${file} have a row every ${nameOf(first.frequency)} and none between, such as ${name}, while the file comes every ${nameOf(frequency)}: ${Math.round(100 * first.empty)} % of their steps are filled by rule. If nobody wrote down what was sold between, forecast at --frequency ${first.frequency.unit}, or take their rows to a file of their own; --fill "${target} middlefill=nan" makes the steps between unknown.`,
    },
  ];
}

/** Multiples of a unit come about by chance in sparse series; whole units do not. */
const isDense = ({ multiple }: Frequency): boolean => multiple === 1;

const secondsText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ").replace(" 00:00:00", "");

export interface SpanRequest {
  readonly file: string;
  readonly column: number;
  /** The ends of the history were named, and are meant. */
  readonly firstNamed: boolean;
  readonly lastNamed: boolean;
  /** What fills the middle was named, and is meant. */
  readonly fillNamed: boolean;
  readonly problems: Problem[];
}

/** Share of steps without a row of any series beyond which a grid is not believed. */
const mostEmpty = 0.9;

/** Refuses rows far off at an end, and a grid in whose steps hardly any series has a row. */
export function checkSpan(keys: KeySpace, rows: Rows, frequency: Frequency, request: SpanRequest): void {
  const range = rangeOf(rows);
  if (range === undefined) return;
  const steps = makeSteps(frequency, range.earliest, range.latest);
  const spread = spreadOf(rows, steps);
  const { file, column, problems } = request;
  const textOf = (step: number): string =>
    instantText(minuteOfUnit(frequency, unitOfMinute(frequency, steps.startMs / 60_000) + step * frequency.multiple) * 60_000, frequency);
  const ends = strayEnds(spread).filter(({ end }) => !(end === "first" ? request.firstNamed : request.lastNamed));
  for (const stray of ends) {
    const found = rowsBeyond(keys, rows, steps, stray.from, stray.end);
    const some = found.map(({ line, key, minute }) => `line ${line} (${key}, ${secondsText(minute * 60)})`).join(", ");
    const flag = stray.end === "last" ? "end" : "begin";
    const command = stray.end === "last" ? "end" : "begin";
    problems.push({
      code: "INPUT_STRAY_DATES",
      message: `Expected the history of ${file} to ${command} where that of its series does but ${stray.rows} rows stand beyond the others, which ${command} at ${textOf(stray.usual)}${stray.gap > 0 ? `, ${stray.gap} steps away` : ""}: ${some}${found.length < stray.rows ? ", ..." : ""}. Correct or remove them, or name the ${stray.end} day that counts: --${flag} ${textOf(stray.usual).slice(0, 10)} (rows beyond are left out), or --${flag} ${textOf(stray.from).slice(0, 10)} if they are meant.`,
      facts: { file, line: found[0]?.line, column, rows: stray.rows },
    });
  }
  if (ends.length === 0) refuseEmptyGrid(spread, frequency, request);
}

function refuseEmptyGrid(spread: Spread, frequency: Frequency, { file, column, fillNamed, problems }: SpanRequest): void {
  const share = emptyShare(spread);
  if (share <= mostEmpty || fillNamed || spread.steps.length < 3) return;
  problems.push({
    code: "INPUT_MOSTLY_EMPTY",
    message: `Expected rows in most steps of ${printFrequency(frequency)} but in ${percent(share)} of those of ${file} no series has one, and all of them would be invented. Use a coarser --frequency, or say what the steps without a row hold: --fill "demand middlefill=zero" (or nan).`,
    facts: { file, column, emptyShare: share },
  });
}

function rangeOf(rows: Rows): { readonly earliest: number; readonly latest: number } | undefined {
  let earliest = Number.POSITIVE_INFINITY;
  let latest = Number.NEGATIVE_INFINITY;
  for (const { values, minutes, count } of rows.blocks) {
    for (let i = 0; i < count; i++) {
      if (Number.isNaN(values[0][i])) continue;
      if (minutes[i] < earliest) earliest = minutes[i];
      if (minutes[i] > latest) latest = minutes[i];
    }
  }
  return latest < earliest ? undefined : { earliest, latest };
}

interface FoundRow {
  readonly line: number;
  readonly key: string;
  readonly minute: number;
}

/** The first rows of the file beyond a step. */
function rowsBeyond(
  keys: KeySpace,
  rows: Rows,
  steps: ReturnType<typeof makeSteps>,
  from: number,
  end: "first" | "last",
): readonly FoundRow[] {
  const found: FoundRow[] = [];
  const at = scratchFor(rows.blocks);
  for (const block of rows.blocks) {
    steps.stepsOf(block.minutes, block.count, at);
    for (let i = 0; i < block.count; i++) {
      if (Number.isNaN(block.values[0][i]) || (end === "last" ? at[i] < from : at[i] > from)) continue;
      const key = keys.names.map((_, c) => keys.text(block.keys[i], c)).join(" / ");
      found.push({ line: block.lines?.[i] ?? 0, key, minute: block.minutes[i] });
    }
  }
  return found.toSorted((a, b) => a.line - b.line).slice(0, 3);
}
