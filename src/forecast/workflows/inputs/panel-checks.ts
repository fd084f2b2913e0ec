// What only the panel shows: repeated rows, what was filled in, a horizon too long, numbers that end too early, events of elsewhere.

import { printFrequency } from "../../engine/calendar/frequency.ts";
import { dayMs, instantAt, timestampOf } from "../../engine/calendar/grid.ts";
import { daysOf, holidayRegressors } from "../../engine/calendar/holidays.ts";
import { type EventSpan, placeEvents } from "../../engine/calendar/events.ts";
import type { Grid, Panel, SharedRegressor } from "../../engine/contract.ts";
import type { BuiltPanel, TargetCells } from "../../engine/panel/build.ts";
import { targetFill } from "../../engine/panel/fill.ts";
import { farAhead, farText } from "../../engine/scenario/far.ts";
import { instantText } from "./fields.ts";
import type { OpenedFile, OpenedFiles } from "./files.ts";
import { levelShifts } from "./level-shifts.ts";
import { holidaysOf } from "./holidays.ts";
import type { InputNote, Problem } from "./notes.ts";
import type { Reading } from "./options.ts";
import type { ReadRows } from "./rows.ts";

/** What a panel was made of. */
export interface PanelSources extends OpenedFiles {
  readonly target: OpenedFile;
  readonly targetRows: ReadRows;
  readonly cells: TargetCells;
  /** Items the other files name. */
  readonly relatedItems: readonly string[];
  readonly metadataItems: ReadonlySet<string> | undefined;
}

/** Looks at what came of it: problems that only the panel shows, and notes. Gives the panel without the numbers left out. */
export function checkPanel(reading: Reading, sources: PanelSources, built: BuiltPanel): Panel {
  const { options, problems, notes } = reading;
  const { target, targetRows } = sources;
  const { panel } = built;
  const { grid } = panel;
  const file = target.apart.file;
  for (const { item, file: kind, line } of built.unknownItems) {
    const opened = kind === "target" ? target : sources.related;
    opened?.apart.add({
      line,
      column: opened.columns.item.place + 1,
      code: "INPUT_ITEM_UNKNOWN",
      reason:
        "Expected history or metadata of each item to forecast but this one has neither. Add a line to the metadata, or remove the item.",
      sample: item.slice(0, 200),
    });
  }
  checkRepeats(reading, sources, built);
  if (options.nonNegative !== false) {
    const negative = mostlyNegative(sources, panel);
    if (negative !== undefined) problems.push(negative);
  }
  notes.push(...filledNotes(options, sources, panel), ...unknownNotes(options.horizon, sources, panel), ...levelNotes(sources, panel));
  if (options.horizon + 2 > grid.length) {
    problems.push({
      code: "INPUT_HORIZON_TOO_LONG",
      message: `Expected a history of at least ${options.horizon + 2} steps for a horizon of ${options.horizon} (no backtest is possible with less) but ${file} has ${grid.length}. Shorten the horizon or send more history.`,
      facts: { file, horizon: options.horizon, history: grid.length },
    });
  } else if (options.horizon * 3 > grid.length || options.horizon > 500) {
    notes.push({
      code: "INPUT_HORIZON_LONG",
      message: `The horizon of ${options.horizon} steps is beyond what Amazon Forecast takes (500 steps, and a third of the history of ${grid.length}); fewer backtest windows fit.`,
    });
  }
  if (built.coldStarts > 0) {
    notes.push({
      code: "INPUT_COLD_STARTS",
      message: `${built.coldStarts} series have no history and are forecast from what is known of their item, where a model serves that can do so.`,
    });
  }
  const sold = targetRows.keys.levels[0];
  const unnamed = sources.metadataItems === undefined ? [] : sold.filter((item) => sources.metadataItems?.has(item) === false);
  if (unnamed.length > 0) {
    notes.push({
      code: "INPUT_METADATA_MISSING",
      message: `${unnamed.length} of ${sold.length} items have no row in ${sources.metadata?.apart.file ?? "the metadata"}, such as ${unnamed[0]}: nothing is known of them there.${unnamed.length === sold.length ? strangersTo([...(sources.metadataItems ?? [])], panel) : ""}`,
    });
  }
  return withoutShort(reading, sources, built);
}

/** Rows that repeat another, and rows that share their step with another. */
function checkRepeats({ options, problems, notes }: Reading, { target, targetRows }: PanelSources, { panel, merged }: BuiltPanel): void {
  const { file } = target.apart;
  // Where columns are summed over, equal timestamps of what they told apart are no duplicates, but equal rows are.
  const summedOver = target.columns.ignored.length > 0;
  const { repeats } = targetRows;
  const duplicates = summedOver ? repeats.count : merged.duplicates;
  const firstDuplicate = summedOver ? repeats : merged.firstDuplicate;
  if (duplicates > 0) {
    const at = firstDuplicate === undefined ? "" : `; the first is line ${firstDuplicate.line}, which repeats line ${firstDuplicate.of}`;
    const finding = `${duplicates} rows of ${file} repeat ${summedOver ? "another row" : "the timestamp of another row of their series"}${at}`;
    if (options.aggregation === undefined) {
      const column = (target.columns.timestamp?.place ?? 0) + 1;
      problems.push({
        code: "INPUT_DUPLICATES",
        message: `Expected each timestamp of a series once but ${finding} (column ${column}). Remove them, or name an aggregation such as sum.`,
        facts: { file, line: firstDuplicate?.line, column, duplicates },
      });
    } else notes.push({ code: "INPUT_DUPLICATES", message: `${finding}. They were aggregated (${options.aggregation}).` });
  }
  if (merged.rows > duplicates) {
    notes.push({
      code: "INPUT_AGGREGATED",
      message: `${merged.rows - duplicates} rows of ${file} share their step of ${printFrequency(panel.grid.frequency)} with another and were aggregated (${options.aggregation ?? options.rules?.[target.columns.numbers[0].name]?.aggregation ?? "sum"}).`,
    });
  }
}

const unseenNote = (names: readonly string[]): InputNote => ({
  code: "INPUT_EVENT_UNSEEN",
  message: `Nothing can be learnt of ${names.slice(0, 5).join(", ")}${names.length > 5 ? ", ..." : ""}: the history has none of them.`,
});

/** The regressors of a country's holidays; a note on those that lie ahead and in none of the history. */
export function holidaysOn(grid: Grid, place: string, notes: InputNote[]): readonly SharedRegressor[] {
  const { from, to } = daysOf(grid);
  const known = holidaysOf(place, from, to);
  const ahead = Math.floor(instantAt(grid, grid.length) / dayMs);
  const seen = new Set(known.filter(({ day }) => day < ahead).map(({ name }) => name));
  const unseen = new Set(known.map(({ name }) => name).filter((name) => !seen.has(name)));
  if (unseen.size > 0) notes.push(unseenNote([...unseen]));
  return holidayRegressors(grid, known);
}

/** The panel with its events, and notes on those nothing is known of. */
export function withEvents({ options, notes }: Reading, panel: Panel, events: readonly EventSpan[]): Panel {
  if (events.length === 0) return panel;
  const levels = new Set(panel.dimensions.flatMap((each) => each.levels));
  const country = options.holidays?.toLowerCase();
  const known: EventSpan[] = [];
  const elsewhere = new Map<string, number>();
  for (const event of events) {
    const { place } = event;
    if (place === undefined || levels.has(place)) known.push(event);
    else if (country !== undefined && (country === place.toLowerCase() || country.split("-")[0] === place.toLowerCase()))
      known.push({ ...event, place: undefined });
    else elsewhere.set(place, (elsewhere.get(place) ?? 0) + 1);
  }
  if (elsewhere.size > 0) {
    const some = [...elsewhere].slice(0, 5).map(([place, count]) => `${place} (${count} events)`);
    notes.push({
      code: "INPUT_EVENTS_ELSEWHERE",
      message: `Events in ${some.join(", ")}${elsewhere.size > 5 ? ", ..." : ""} are left out: a place is a value of a dimension (${panel.dimensions.map(({ name }) => name).join(", ") || "the target has none"}) or the country named by --holidays.`,
    });
  }
  const placed = placeEvents(panel, known);
  const day = (since1970: number): string => instantText(since1970 * 86_400);
  for (const { name, last, day: next } of placed.missing) {
    notes.push({
      code: "INPUT_EVENT_AHEAD_MISSING",
      message: `${name} was last on ${day(last)} and is due again about ${day(next)}, within the horizon, but the events do not have it: these days are forecast as ordinary ones. Add it if it takes place.`,
    });
  }
  if (placed.unseen.length > 0) notes.push(unseenNote(placed.unseen));
  return { ...panel, regressors: [...panel.regressors, ...placed.regressors], shared: [...panel.shared, ...placed.shared] };
}

/** Values that are no demand as it is: all zero, or of another size from one step on. */
function levelNotes({ target }: PanelSources, panel: Panel): readonly InputNote[] {
  const { grid, values } = panel;
  const { file } = target.apart;
  const { name } = target.columns.numbers[0];
  if (values.length > 0 && values.every((value) => value === 0 || Number.isNaN(value))) {
    const message = `${name} of ${file} is zero in every step, and so is the forecast: is it the column that was meant?`;
    return [{ code: "INPUT_ALL_ZERO", message }];
  }
  const shifts = levelShifts(panel);
  const [first] = shifts;
  if (first === undefined) return [];
  const size = (value: number): string => String(Number(value.toPrecision(3)));
  return [
    {
      code: "INPUT_LEVEL_SHIFT",
      message: `${shifts.length} of ${panel.itemIds.length} series of ${file} are of another size from one step on, such as ${seriesName(panel, first.series)} at ${timestampOf(grid, first.step)} (from about ${size(first.before)} to ${size(first.after)}). If the unit of ${name} changed, write all of it in one; if what is before counts no more, leave it out (--begin; in settings, Begin under Inputs).`,
    },
  ];
}

/** With a larger share of steps below zero, of those that are not zero, a number is no demand with returns. */
const mostNegative = 0.25;

/** Whether what is to be forecast is no demand: it is below zero too often, even when rows of one step are summed. */
function mostlyNegative({ target }: PanelSources, { values }: Panel): Problem | undefined {
  let [below, above] = [0, 0];
  for (const value of values) {
    if (value < 0) below++;
    else if (value > 0) above++;
  }
  const steps = below + above;
  if (below <= mostNegative * steps) return undefined;
  const { file } = target.apart;
  const { name } = target.columns.numbers[0];
  return {
    code: "INPUT_MOSTLY_NEGATIVE",
    message: `Expected ${name} of ${file} to be demand but ${below} of its ${steps} steps with a value other than zero (${Math.round((100 * below) / steps)} %) are below it, which no returns are. If it may be negative (a profit, a change, a balance), say so: --negative (in settings, Negative: true under Inputs); if its sign says which way goods went, turn it; if these are mistakes, correct them.`,
    facts: { file, steps, below },
  };
}

/** Horizons at the end of the history with which backtests compare unless told otherwise; known values below this share of them say little. */
const [comparedHorizons, leastKnown] = [3, 0.25];

/** Whether what backtests compare with is mostly unknown: empty, or out of stock. */
function unknownNotes(horizon: number, { target }: PanelSources, { grid, offsets, values }: Panel): readonly InputNote[] {
  const steps = Math.min(comparedHorizons * horizon, grid.length);
  let [cells, known] = [0, 0];
  for (let i = 0; i + 1 < offsets.length; i++) {
    for (let k = Math.max(offsets[i], offsets[i + 1] - steps); k < offsets[i + 1]; k++) {
      cells++;
      if (!Number.isNaN(values[k])) known++;
    }
  }
  if (cells === 0 || known >= leastKnown * cells) return [];
  return [
    {
      code: "INPUT_LATEST_UNKNOWN",
      message: `Of the ${cells} values of the last ${steps} steps of ${target.apart.file} only ${known} are known (the others are empty or were out of stock): the backtests compare with hardly anything there, so their figures say little.`,
    },
  ];
}

/** With a larger share of filled steps, and no word about them, a forecast is worth a second look. */
const mostFilled = 0.9;

/** What stands in the history without a row that says so. */
function filledNotes(options: Reading["options"], { target, targetRows, cells }: PanelSources, { grid }: Panel): readonly InputNote[] {
  const { facts } = cells;
  const { file } = target.apart;
  const { name } = target.columns.numbers[0];
  const rule = options.rules?.[name];
  const isDemand = options.nonNegative ?? true;
  const notes: InputNote[] = [];
  if (targetRows.empty > 0) {
    notes.push({
      code: "INPUT_EMPTY_VALUES",
      message: `${targetRows.empty} rows of ${file} have no ${name}; ${facts.emptyKept > 0 || (rule?.middle === undefined && rule?.back === undefined) ? "they count as unknown, not as zero" : "they were filled by rule"}.`,
    });
  }
  if (facts.ended !== undefined) {
    const { count, first, lastStep } = facts.ended;
    const assumed = options.ended ?? (isDemand ? `${(rule?.back ?? targetFill.back).kind} (the fill of the back)` : "unknown");
    const end = timestampOf(grid, grid.length - 1);
    notes.push({
      code: "INPUT_ENDED_EARLY",
      message: `${count} of ${cells.keys.size} series end before ${end}, the first is ${first} at ${timestampOf(grid, lastStep)}; from there on ${assumed === "discontinued" ? "they count as discontinued and are not forecast" : `they were taken as ${assumed}`}. --ended zero, unknown or discontinued says what is true.`,
    });
  }
  if (facts.gaps > 0.2 * facts.cells && facts.filled > 0) {
    // Whoever named the rule knows of it; else a forecast of little but what was filled in is a doubtful one.
    const isMostly = facts.filled > mostFilled * facts.cells && rule?.middle === undefined;
    const cure = `The forecast is mostly of what was filled in: if these steps are true, say so (--fill "${name} middlefill=zero"; in settings, a middlefill of ${name}), or use a coarser frequency.`;
    notes.push({
      code: isMostly ? "INPUT_MOSTLY_FILLED" : "INPUT_FILLED",
      message: `${facts.filled} of ${facts.cells} steps of history (${Math.round((100 * facts.filled) / facts.cells)} %) had no row in ${file} and were filled by rule (${(rule?.middle ?? targetFill.middle).kind}).${isMostly ? ` ${cure}` : ""}`,
    });
  }
  if (facts.censored + facts.censoredKept > 0) {
    notes.push({
      code: "INPUT_OUT_OF_STOCK",
      message: `${facts.censored + facts.censoredKept} steps of history were out of stock: in ${facts.censored} demand counts as unknown, in ${facts.censoredKept} more than usual was sold all the same and stands as the least that was wanted.`,
    });
  }
  return notes;
}

/** Related numbers of which the horizon is unknown: refused, or left out. */
function withoutShort({ options, problems, notes }: Reading, { related, relatedItems }: PanelSources, built: BuiltPanel): Panel {
  const { panel } = built;
  const { grid } = panel;
  const file = related?.apart.file ?? "";
  const leftOut = new Set<string>();
  for (const facts of built.related) {
    const { name } = facts;
    if (facts.merged.rows > 0) {
      notes.push({
        code: "INPUT_RELATED_AGGREGATED",
        message: `${facts.merged.rows} values of ${name} in ${file} share their step with another and were aggregated (${options.rules?.[name]?.aggregation ?? "avg"}).`,
      });
    }
    if (facts.historyMissing > 0) {
      notes.push({
        code: "INPUT_RELATED_UNKNOWN",
        message: `${facts.historyMissing} of ${facts.historyCells} steps of history have no ${name} and count as unknown. Name a middlefill to fill them.`,
      });
    }
    const far = farAhead(panel, name);
    if (far !== undefined) {
      notes.push({
        code: "INPUT_RELATED_FAR",
        message: `${name} of ${file} lies far outside anything seen in ${far.cells} of ${panel.itemIds.length * grid.horizon} steps ahead: ${farText(panel, far)} Correct it if it is a slip.`,
      });
    }
    if (facts.futureMissing === 0) continue;
    const place = related?.columns.numbers.find((column) => column.name === name)?.place ?? 0;
    const step = timestampOf(grid, facts.firstShortStep);
    const end = timestampOf(grid, grid.length + grid.horizon - 1);
    const finding =
      `${name} of ${file} ${facts.firstShortIsGap ? "has gaps in the horizon" : "ends before the horizon"} for ${facts.seriesShort} of ${panel.itemIds.length} series, the first being ${seriesName(panel, facts.firstShort)} at ${step}` +
      strangersTo(relatedItems, panel);
    const repair = `Add its values to ${end}, or say what it will be: futurefill of ${name} (Featurizations in forecast-defaults.yaml, --fill of the command).`;
    // A number that is mostly known serves although some of it is not: models take an unknown price for a usual one.
    const mostlyUnknown = facts.futureMissing * 2 >= panel.itemIds.length * grid.horizon;
    if (options.shortRelated === "leave-out" && mostlyUnknown) {
      leftOut.add(name);
      notes.push({ code: "INPUT_RELATED_SHORT", message: `${finding} (needed to ${end}). It was left out. ${repair}` });
    } else if (options.shortRelated === "keep" || options.shortRelated === "leave-out") {
      notes.push({ code: "INPUT_RELATED_SHORT", message: `${finding} (needed to ${end}). It is unknown there. ${repair}` });
    } else {
      problems.push({
        code: "INPUT_RELATED_SHORT",
        message: `Expected ${name} to be known to the end of the horizon (${end}) but ${finding} (column ${place + 1}). Add its values, name a futurefill for it, or leave it out.`,
        facts: { file, column: place + 1, attribute: name, series: facts.seriesShort, needed: end },
      });
    }
  }
  return leftOut.size === 0 ? panel : { ...panel, regressors: panel.regressors.filter(({ name }) => !leftOut.has(name)) };
}

/** Words for items of another file of which none was ever sold: two ways of writing one name, most likely. */
function strangersTo(items: readonly string[], panel: Panel): string {
  const sold = new Set(panel.itemIds.filter((_, i) => panel.offsets[i + 1] > panel.offsets[i]));
  const [first] = items;
  if (first === undefined || items.some((item) => sold.has(item))) return "";
  return ` (none of its ${items.length} items has a history, "${first}" neither: are items written there as in the target, such as "${[...sold][0]}"?)`;
}

/** A series in words: item and dimensions. */
function seriesName(panel: Panel, i: number): string {
  return [panel.itemIds[i], ...panel.dimensions.map(({ levels, codes }) => levels[codes[i]] ?? "")].join(" / ");
}
