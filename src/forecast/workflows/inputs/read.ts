// Inputs: target, related and metadata files become one panel.
//
// Owns: the order of reading. Does not own: options (options.ts), files (files.ts), rows (rows.ts), what is a problem or worth a note
// (row-checks.ts, panel-checks.ts), cells (engine/panel).
//   N1. A bad row is set apart and the rest goes on. What concerns an input as a whole is told at once, all of it, in one error.
//   N2. As Amazon Forecast does: a timestamp belongs to the step around it, rows of one step are aggregated, gaps are filled by rule.
//       Two things it does without a word are refused here unless `aggregation` was asked for: the very same timestamp twice for one series,
//       and a few timestamps beside the grid that nearly all others keep (see phases.ts). With `aggregation` both are notes.
//   N3. May run in a thread: everything comes in as arguments, and the panel lies in shared memory.

import { type EventSpan } from "../../engine/calendar/events.ts";
import { seasonsOf } from "../../engine/calendar/seasons.ts";
import type { Frequency, Panel } from "../../engine/contract.ts";
import {
  type BuiltPanel,
  buildPanel,
  type CensoredCells,
  gatherTarget,
  type ItemMetadata,
  type TargetCells,
} from "../../engine/panel/build.ts";
import { relatedFill, relatedFill as unknownFill, targetFill } from "../../engine/panel/fill.ts";
import type { RelatedAttribute } from "../../engine/panel/related.ts";
import type { BadRows } from "./rejected.ts";
import { readEvents, spansOf } from "./events.ts";
import { parseTimestamp } from "./fields.ts";
import { type OpenedFile, openFiles, orProblem, readOr, rowReading } from "./files.ts";
import { gathered, type InputNote, type Problem } from "./notes.ts";
import { type Reading, type ReadInputsOptions, readSettings } from "./options.ts";
import { checkPanel, holidaysOn, withEvents } from "./panel-checks.ts";
import { checkRelated, checkTarget, checkBadRows, dateProblems, offsetNotes, turnClocks, waysOfReading } from "./row-checks.ts";
import { readMetadata, type ReadRows } from "./rows.ts";
import { outOfStockCells } from "./stock.ts";

export type { InputNote } from "./notes.ts";
export type { AttributeRule, ReadInputsOptions } from "./options.ts";

export interface Inputs {
  readonly panel: Panel;
  readonly bad: readonly BadRows[];
  readonly notes: readonly InputNote[];
  /** What the domain calls its item and its target: the headers of what goes out. */
  readonly names: { readonly item: string; readonly target: string };
}

/**
 * Reads the files and builds the panel.
 *
 * Throws `input`: one problem under its own code (`INPUT_FREQUENCY_UNKNOWN`, `INPUT_HORIZON_WRONG`, `INPUT_HOLIDAYS_UNKNOWN`,
 * `INPUT_SEASONS_WRONG`, `INPUT_COLUMN_MISSING`, `INPUT_DIMENSION_MISSING`, `INPUT_RULE_UNKNOWN`, `INPUT_OFF_GRID`, `INPUT_DUPLICATES`,
 * `INPUT_RELATED_SHORT`, `INPUT_HORIZON_TOO_LONG`, `PANEL_EMPTY`, ... and those of `readTable`), several as `FORECAST_INPUT_INVALID` with a line each.
 *
 * @example
 * const { panel, bad, notes } = await readInputs({ target: { name: "sales.csv", body: fileBody("sales.csv") }, frequency: "D", horizon: 28 });
 */
export async function readInputs(options: ReadInputsOptions): Promise<Inputs> {
  const problems: Problem[] = [];
  const notes: InputNote[] = [];
  const settings = readSettings(options, problems);
  const reading: Reading = { options, settings, problems, notes };
  const ofEvents: InputNote[] = [];
  const events = await eventsOf({ ...reading, notes: ofEvents });
  const files = await openFiles(reading);
  try {
    const { target, related, metadata } = files;
    if (problems.length > 0 || target === undefined) {
      // What is wrong with the rows of the files that can be read is told in the same breath.
      for (const [kind, file] of [["target", target] as const, ["related", related] as const]) {
        if (file === undefined) continue;
        const rows = await rowsOf(reading, file, kind);
        if (rows !== undefined) checkBadRows(reading, file, rows);
      }
      throw gathered(problems);
    }
    const targetName = target.columns.numbers[0].name;
    let total = 0;
    const count = (rows: number): void => {
      total += rows;
      options.onRows?.(total);
    };
    const targetRows = await rowsOf(reading, target, "target", count);
    // Related rows before cells only where they say what was in stock: cells are a third of their rows.
    const early = related?.columns.stock === undefined ? undefined : await rowsOf(reading, related, "related", count);
    const isBad = targetRows === undefined || checkBadRows(reading, target, targetRows);
    const frequency = isBad ? undefined : checkTarget(reading, target, targetRows);
    const skipped = frequency === undefined || targetRows === undefined ? [] : turnClocks(reading, frequency, target, targetRows);
    const cells =
      frequency === undefined || targetRows === undefined ? undefined : gather(reading, frequency, { target, targetRows, early, skipped });
    const isRead = related?.columns.stock !== undefined;
    const relatedRows = related === undefined ? undefined : isRead ? early : await rowsOf(reading, related, "related", count);
    if (related !== undefined && relatedRows !== undefined && !checkBadRows(reading, related, relatedRows))
      checkRelated(reading, related, relatedRows);
    const items = metadata === undefined ? undefined : await readMetadata(rowReading(reading, metadata, count));
    if (metadata !== undefined && items !== undefined) checkBadRows(reading, metadata, { rows: { count: items.items.size }, size: 0 });
    const isWhole = related === undefined || relatedRows !== undefined;
    const built = cells === undefined || !isWhole ? undefined : build(reading, { cells, related, relatedRows, items });
    if (built === undefined || cells === undefined || targetRows === undefined) throw gathered(problems);
    notes.push(...offsetNotes(target, targetRows), ...(related === undefined ? [] : offsetNotes(related, relatedRows)));
    notes.push(...waysOfReading(target, targetRows), ...(related === undefined ? [] : waysOfReading(related, relatedRows)));
    const named = {
      relatedItems: relatedRows?.keys.levels[0] ?? [],
      metadataItems: items === undefined ? undefined : new Set(items.items.keys()),
    };
    const checked = checkPanel(reading, { target, related, metadata, targetRows, cells, ...named }, built);
    notes.push(...ofEvents);
    const panel = withEvents(reading, checked, events);
    if (problems.length > 0) throw gathered(problems);
    return {
      panel,
      bad: [target, related, metadata].flatMap((file) => (file === undefined ? [] : [file.apart.result()])),
      notes,
      names: { item: settings.domain.item, target: targetName },
    };
  } finally {
    for (const file of [files.target, files.related, files.metadata]) await file?.open.close();
  }
}

/** The rows of a file; undefined when its numbers can be read in two ways, which is told, with dates that cannot be read either. */
async function rowsOf(
  reading: Reading,
  file: OpenedFile,
  kind: "target" | "related",
  onRows?: (rows: number) => void,
): Promise<ReadRows | undefined> {
  const rows = await readOr(reading, rowReading(reading, file, onRows), kind);
  if (rows === undefined) reading.problems.push(...dateProblems(reading, file));
  return rows;
}

interface Gathered {
  readonly cells: TargetCells;
  readonly related: OpenedFile | undefined;
  readonly relatedRows: ReadRows | undefined;
  readonly items: ItemMetadata | undefined;
}

function gather(
  reading: Reading,
  frequency: Frequency,
  read: {
    readonly target: OpenedFile;
    readonly targetRows: ReadRows;
    readonly early: ReadRows | undefined;
    readonly skipped: readonly number[];
  },
): TargetCells | undefined {
  const { options } = reading;
  const { target, targetRows, early } = read;
  const rule = options.rules?.[target.columns.numbers[0].name] ?? {};
  const aggregation = options.aggregation ?? rule.aggregation ?? "sum";
  const isDemand = options.nonNegative ?? true;
  const ended = options.ended ?? (isDemand ? undefined : "unknown");
  const { keys, rows, out } = targetRows;
  const isStockKnown = target.columns.stock !== undefined || early !== undefined;
  return orProblem(reading, target, () =>
    gatherTarget(
      {
        keys,
        rows,
        aggregation,
        fill: { ...(isDemand ? targetFill : unknownFill), ...rule },
        emptyRows: rule.middle === undefined && rule.back === undefined ? "unknown" : "fill",
        ...(ended === undefined ? {} : { ended }),
        skipped: read.skipped,
        ...(isStockKnown ? { censored: (_, steps): CensoredCells => outOfStockCells(keys, out, early, steps) } : {}),
      },
      frequency,
    ),
  );
}

function build(reading: Reading, read: Gathered): BuiltPanel | undefined {
  const { options } = reading;
  const { horizon, holidays } = options;
  const { cells, related, relatedRows, items } = read;
  const attributes: readonly RelatedAttribute[] = (related?.columns.numbers ?? []).map(({ name }) => {
    const own = options.rules?.[name] ?? {};
    return { name, aggregation: own.aggregation ?? "avg", fill: { ...relatedFill, ...own } };
  });
  return orProblem(reading, related, () =>
    buildPanel({
      horizon,
      seasons: options.seasons === undefined ? seasonsOf(cells.frequency) : options.seasons.toSorted((a, b) => a - b),
      target: cells,
      ...(relatedRows === undefined ? {} : { related: { keys: relatedRows.keys, rows: relatedRows.rows, attributes } }),
      ...(items === undefined ? {} : { metadata: items }),
      ...(holidays === undefined ? {} : { shared: (grid) => holidaysOn(grid, holidays, reading.notes) }),
    }),
  );
}

/** The events of the settings and of their file. */
async function eventsOf({ options, settings, problems, notes }: Reading): Promise<readonly EventSpan[]> {
  const { parseTime } = settings;
  const rows = spansOf(options.eventRows ?? [], parseTimestamp);
  if (options.events === undefined) return rows;
  // Days of the events file may be ISO although those of the others are not.
  const either = (text: string): number => {
    const seconds = parseTimestamp(text);
    return Number.isNaN(seconds) ? parseTime(text) : seconds;
  };
  return [
    ...rows,
    ...(await readEvents(options.events, { parseTime: either, encoding: options.encoding, signal: options.signal, problems, notes })),
  ];
}
