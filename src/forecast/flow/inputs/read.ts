// Inputs: target, related and metadata files become one panel.
//
// Owns: the order of reading, what makes an input useless as a whole, what is worth a note. Does not own: rows (rows.ts), cells (engine/panel).
//   N1. A bad row is set apart and the rest goes on. What concerns an input as a whole is told at once, all of it, in one error.
//   N2. As Amazon Forecast does: a timestamp belongs to the step around it, rows of one step are aggregated, gaps are filled by rule.
//       Two things it does without a word are refused here unless `aggregation` was asked for: the very same timestamp twice for one series,
//       and a few timestamps beside the grid that nearly all others keep (see phases.ts). With `aggregation` both are notes.
//   N3. May run in a thread: everything comes in as arguments, and the panel lies in shared memory.

import { type Facts, isStockroomError, StockroomError } from "../../../base/errors.ts";
import type { BadRow } from "../../../base/tables/index.ts";
import { frequenciesAllowed, parseFrequency, printFrequency } from "../../engine/calendar/frequency.ts";
import { instantAt, timestampOf } from "../../engine/calendar/grid.ts";
import { daysOf, holidayRegressors } from "../../engine/calendar/holidays.ts";
import { seasonsOf } from "../../engine/calendar/seasons.ts";
import type { Frequency, Panel } from "../../engine/contract.ts";
import type { Aggregation } from "../../engine/panel/aggregate.ts";
import { type BuiltPanel, buildPanel, gatherTarget, type ItemMetadata, type TargetCells } from "../../engine/panel/build.ts";
import { type FillRule, relatedFill, targetFill } from "../../engine/panel/fill.ts";
import type { RelatedAttribute } from "../../engine/panel/related.ts";
import { holidaysOf, knowsHolidays } from "./holidays.ts";
import { type InputFile, openInput, type OpenFile } from "./open.ts";
import { PhaseTally } from "./phases.ts";
import { readMetadata, type ReadRows, readRows, type RowReading } from "./rows.ts";
import { assignColumns, type Columns, type Domain, domains, type InputKind } from "./schema.ts";

/** How one attribute is treated; what is absent has its default. */
export interface AttributeRule extends Partial<FillRule> {
  readonly aggregation?: Aggregation;
}

export interface ReadInputsOptions {
  readonly target: InputFile;
  readonly related?: InputFile;
  readonly metadata?: InputFile;
  /** As `D`, `15min`, `3M`. */
  readonly frequency: string;
  /** Steps to forecast, at least 1. */
  readonly horizon: number;
  /** Default RETAIL. */
  readonly domain?: Domain;
  /** Columns of the target to forecast by, beside the item; others are summed over. Default: all there are. */
  readonly dimensions?: readonly string[];
  /** Of several target rows in one step. Default sum; naming it also accepts duplicates and strays (N2). */
  readonly aggregation?: Aggregation;
  /** By attribute: the target's or a related number's name. */
  readonly rules?: Readonly<Record<string, AttributeRule>>;
  /** Related numbers to leave out, for one because only their past is known. */
  readonly without?: readonly string[];
  /**
   * Related numbers of which some of the horizon is unknown. "refuse" (default): an error. "leave-out": left out with a note when most of it is
   * unknown, otherwise unknown where it is, for files that Amazon Forecast's AutoPredictor took. "keep": NaN where unknown, for backtests within
   * the history.
   */
  readonly shortRelated?: "refuse" | "leave-out" | "keep";
  /** Country (`US`) or state (`US-CA`) whose holidays become shared regressors. */
  readonly holidays?: string;
  /** Seasonal periods in steps; default by frequency. */
  readonly seasons?: readonly number[];
  /** Every bad row as it comes. The result keeps the first 1,000 of each file. */
  readonly onBadRow?: (kind: InputKind, row: BadRow) => void;
  /** Rows read so far, of all files. */
  readonly onRows?: (rows: number) => void;
  readonly signal?: AbortSignal;
}

/** Rows of one file that were set apart. */
export interface BadRows {
  readonly file: string;
  readonly count: number;
  /** The first 1,000 by line. */
  readonly rows: readonly BadRow[];
}

/** Something that was decided on the user's behalf. */
export interface InputNote {
  readonly code: string;
  readonly message: string;
}

export interface Inputs {
  readonly panel: Panel;
  readonly bad: readonly BadRows[];
  readonly notes: readonly InputNote[];
  /** What the domain calls its item and its target: the headers of what goes out. */
  readonly names: { readonly item: string; readonly target: string };
}

/** Something that makes the input useless as a whole. */
interface Problem {
  readonly code: string;
  readonly message: string;
  readonly facts?: Facts;
}

const keptBadRows = 1000;

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
  const settings = readSettings(options, problems);
  const files = await openAll(options, problems);
  try {
    const { target, related, metadata } = files;
    if (problems.length > 0 || settings === undefined || target === undefined) throw gathered(problems);
    const targetName = target.columns.numbers[0].name;
    const notes: InputNote[] = [];
    let total = 0;
    const reading = (file: Opened): RowReading => ({
      table: file.open.table,
      columns: file.columns,
      onBadRow: file.apart.add,
      onRows: (rows) => {
        total += rows;
        options.onRows?.(total);
      },
      signal: options.signal,
    });
    const phases = new PhaseTally(settings.frequency);
    const targetRows = await readRows(reading(target), "target", phases);
    const strays = phases.strays();
    if (strays !== undefined) {
      const text = (seconds: number): string => instantText(seconds);
      const where = `${target.apart.file}, line ${strays.line}, column ${(target.columns.timestamp?.place ?? 0) + 1}`;
      const told = `${strays.rows} timestamps of ${target.apart.file} stand beside the grid of the others (${printFrequency(settings.frequency)}, such as ${text(strays.usual)}); the first is ${text(strays.stray)} (${where})`;
      if (options.aggregation === undefined) {
        problems.push({
          code: "INPUT_OFF_GRID",
          message: `Expected timestamps on one grid but ${told}. Correct them, or name an aggregation to put them into the step around them.`,
          facts: { file: target.apart.file, line: strays.line, column: (target.columns.timestamp?.place ?? 0) + 1, rows: strays.rows },
        });
      } else notes.push({ code: "INPUT_OFF_GRID", message: `${told}. They were put into the step around them.` });
    }
    if (targetRows.empty > 0) {
      notes.push({
        code: "INPUT_EMPTY_VALUES",
        message: `${targetRows.empty} rows of ${target.apart.file} have no ${targetName}; they count as unknown and are filled by rule.`,
      });
    }
    // Cells before anything else is read: they are a third of their rows.
    const cells = gather(options, settings, target, targetRows, problems);
    const relatedRows = related === undefined ? undefined : await readRows(reading(related), "related", undefined);
    const items = metadata === undefined ? undefined : await readMetadata(reading(metadata));
    const built = cells === undefined ? undefined : build(options, { cells, related, relatedRows, items }, problems);
    if (built === undefined) throw gathered(problems);
    const panel = judge(options, settings, { target, related }, built, problems, notes);
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

interface Settings {
  readonly frequency: Frequency;
  readonly domain: { readonly item: string; readonly target: string };
}

function readSettings(options: ReadInputsOptions, problems: Problem[]): Settings | undefined {
  const frequency = parseFrequency(options.frequency);
  if (frequency === undefined) {
    problems.push({
      code: "INPUT_FREQUENCY_UNKNOWN",
      message: `Expected a frequency but received "${options.frequency}". Write ${frequenciesAllowed}.`,
      facts: { frequency: options.frequency },
    });
  }
  if (!Number.isInteger(options.horizon) || options.horizon < 1) {
    problems.push({
      code: "INPUT_HORIZON_WRONG",
      message: `Expected a whole number of steps for the horizon but received ${options.horizon}. Give 1 or more.`,
    });
  }
  if (options.seasons?.some((period) => !(period > 1 && Number.isFinite(period))) === true) {
    problems.push({
      code: "INPUT_SEASONS_WRONG",
      message: `Expected seasonal periods above 1 but received ${options.seasons.join(", ")}. Give steps per season, such as 12.`,
    });
  }
  if (options.holidays !== undefined && !knowsHolidays(options.holidays)) {
    problems.push({
      code: "INPUT_HOLIDAYS_UNKNOWN",
      message: `Expected a country with known holidays but received "${options.holidays}". Write its two letters (US), or with a state US-CA.`,
    });
  }
  if (frequency === undefined) return undefined;
  return { frequency, domain: domains[options.domain ?? "RETAIL"] };
}

/** Bad rows of one file as they gather. */
interface Apart {
  readonly file: string;
  readonly add: (row: BadRow) => void;
  result(): BadRows;
}

function setApart(kind: InputKind, file: string, options: ReadInputsOptions): Apart {
  const rows: BadRow[] = [];
  let count = 0;
  return {
    file,
    add: (row) => {
      count += 1;
      if (rows.length < keptBadRows) rows.push(row);
      options.onBadRow?.(kind, row);
    },
    result: () => ({ file, count, rows: rows.toSorted((a, b) => a.line - b.line) }),
  };
}

interface Opened {
  readonly open: OpenFile;
  readonly columns: Columns;
  readonly apart: Apart;
}

interface OpenedFiles {
  readonly target: Opened | undefined;
  readonly related: Opened | undefined;
  readonly metadata: Opened | undefined;
}

async function openAll(options: ReadInputsOptions, problems: Problem[]): Promise<OpenedFiles> {
  const target = await openOne("target", options.target, options.dimensions, options, problems);
  const dimensions = target?.columns.dimensions.map(({ name }) => name);
  const related = options.related === undefined ? undefined : await openOne("related", options.related, dimensions, options, problems);
  const metadata = options.metadata === undefined ? undefined : await openOne("metadata", options.metadata, undefined, options, problems);
  const known = new Set([...(target?.columns.numbers ?? []), ...(related?.columns.numbers ?? [])].map(({ name }) => name));
  for (const name of Object.keys(options.rules ?? {})) {
    if (
      known.has(name) ||
      target === undefined ||
      (options.related !== undefined && related === undefined) ||
      options.without?.includes(name)
    )
      continue;
    problems.push({
      code: "INPUT_RULE_UNKNOWN",
      message: `Expected filling rules for ${[...known].join(", ")} but one names ${name}. Correct the name, or add the column.`,
    });
  }
  return { target, related, metadata };
}

async function openOne(
  kind: InputKind,
  file: InputFile,
  dimensions: readonly string[] | undefined,
  options: ReadInputsOptions,
  problems: Problem[],
): Promise<Opened | undefined> {
  const domain = options.domain ?? "RETAIL";
  const apart = setApart(kind, file.name, options);
  let open: OpenFile;
  try {
    open = await openInput(file, { kind, domain, onBadRow: apart.add, signal: options.signal });
  } catch (thrown) {
    if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
    problems.push({ code: thrown.code, message: thrown.message, facts: thrown.facts });
    return undefined;
  }
  const assigned = assignColumns({
    kind,
    file: file.name,
    domain,
    columns: open.table.columns,
    schema: file.schema,
    dimensions,
    without: options.without ?? [],
  });
  if (assigned.columns === undefined) {
    problems.push(...assigned.problems);
    await open.close();
    return undefined;
  }
  return { open, columns: assigned.columns, apart };
}

interface Gathered {
  readonly cells: TargetCells;
  readonly related: Opened | undefined;
  readonly relatedRows: ReadRows | undefined;
  readonly items: ItemMetadata | undefined;
}

function gather(
  options: ReadInputsOptions,
  settings: Settings,
  target: Opened,
  { keys, rows }: ReadRows,
  problems: Problem[],
): TargetCells | undefined {
  const rule = options.rules?.[target.columns.numbers[0].name] ?? {};
  const aggregation = options.aggregation ?? rule.aggregation ?? "sum";
  return orProblem(problems, target, () => gatherTarget({ keys, rows, aggregation, fill: { ...targetFill, ...rule } }, settings.frequency));
}

function build(options: ReadInputsOptions, read: Gathered, problems: Problem[]): BuiltPanel | undefined {
  const { horizon, holidays } = options;
  const { cells, related, relatedRows, items } = read;
  const attributes: readonly RelatedAttribute[] = (related?.columns.numbers ?? []).map(({ name }) => {
    const own = options.rules?.[name] ?? {};
    return { name, aggregation: own.aggregation ?? "avg", fill: { ...relatedFill, ...own } };
  });
  return orProblem(problems, related, () =>
    buildPanel({
      horizon,
      seasons: options.seasons === undefined ? seasonsOf(cells.frequency) : options.seasons.toSorted((a, b) => a - b),
      target: cells,
      ...(relatedRows === undefined ? {} : { related: { keys: relatedRows.keys, rows: relatedRows.rows, attributes } }),
      ...(items === undefined ? {} : { metadata: items }),
      ...(holidays === undefined
        ? {}
        : {
            shared: (grid) => {
              const { from, to } = daysOf(grid);
              return holidayRegressors(grid, holidaysOf(holidays, from, to));
            },
          }),
    }),
  );
}

/** What `make` gives, or its refusal as a problem, with the first row of the file that was set apart. */
function orProblem<T>(problems: Problem[], file: Opened | undefined, make: () => T): T | undefined {
  try {
    return make();
  } catch (thrown) {
    if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
    const { count, rows } = file?.apart.result() ?? { count: 0, rows: [] };
    const [first] = rows;
    const why =
      first === undefined ? "" : ` ${count} rows of ${file?.apart.file} were set apart, the first in line ${first.line}: ${first.reason}`;
    problems.push({ code: thrown.code, message: `${thrown.message}${why}`, facts: { ...thrown.facts, file: file?.apart.file } });
    return undefined;
  }
}

/** Looks at what came of it: problems that only the panel shows, and notes. Gives the panel without the numbers left out. */
function judge(
  options: ReadInputsOptions,
  settings: Settings,
  files: { readonly target: Opened; readonly related: Opened | undefined },
  built: BuiltPanel,
  problems: Problem[],
  notes: InputNote[],
): Panel {
  const { panel, merged } = built;
  const { grid } = panel;
  const file = files.target.apart.file;
  for (const { item, file: kind, line } of built.unknownItems) {
    const opened = kind === "target" ? files.target : files.related;
    opened?.apart.add({
      line,
      column: opened.columns.item.place + 1,
      code: "INPUT_ITEM_UNKNOWN",
      reason:
        "Expected history or metadata of each item to forecast but this one has neither. Add a line to the metadata, or remove the item.",
      sample: item.slice(0, 200),
    });
  }
  // Where columns are summed over, equal timestamps of what they told apart are no duplicates.
  const summedOver = files.target.open.table.columns.length - 3 - panel.dimensions.length > 0;
  const { firstDuplicate } = merged;
  const duplicates = summedOver ? 0 : merged.duplicates;
  if (duplicates > 0) {
    const at = firstDuplicate === undefined ? "" : `; the first is line ${firstDuplicate.line}, which repeats line ${firstDuplicate.of}`;
    const told = `${duplicates} rows of ${file} repeat the timestamp of another row of their series${at}`;
    if (options.aggregation === undefined) {
      const column = (files.target.columns.timestamp?.place ?? 0) + 1;
      problems.push({
        code: "INPUT_DUPLICATES",
        message: `Expected each timestamp of a series once but ${told} (column ${column}). Remove them, or name an aggregation such as sum.`,
        facts: { file, line: firstDuplicate?.line, column, duplicates },
      });
    } else notes.push({ code: "INPUT_DUPLICATES", message: `${told}. They were aggregated (${options.aggregation}).` });
  }
  if (merged.rows > duplicates) {
    notes.push({
      code: "INPUT_AGGREGATED",
      message: `${merged.rows - duplicates} rows of ${file} share their step of ${printFrequency(settings.frequency)} with another and were aggregated (${options.aggregation ?? options.rules?.[files.target.columns.numbers[0].name]?.aggregation ?? "sum"}).`,
    });
  }
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
      message: `${built.coldStarts} series have no history and are forecast from what is known of their item.`,
    });
  }
  return withoutShort(options, files, built, problems, notes);
}

/** Related numbers of which the horizon is unknown: refused, or left out. */
function withoutShort(
  options: ReadInputsOptions,
  files: { readonly related: Opened | undefined },
  built: BuiltPanel,
  problems: Problem[],
  notes: InputNote[],
): Panel {
  const { panel } = built;
  const { grid } = panel;
  const file = files.related?.apart.file ?? "";
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
    if (facts.futureMissing === 0) continue;
    const place = files.related?.columns.numbers.find((column) => column.name === name)?.place ?? 0;
    const step = timestampOf(grid.frequency, instantAt(grid, facts.firstShortStep));
    const end = timestampOf(grid.frequency, instantAt(grid, grid.length + grid.horizon - 1));
    const told = `${name} of ${file} ends before the horizon for ${facts.seriesShort} of ${panel.itemIds.length} series, the first being ${seriesName(panel, facts.firstShort)} at ${step}`;
    // A number that is mostly known serves although some of it is not: models take an unknown price for a usual one.
    const mostlyUnknown = facts.futureMissing * 2 >= panel.itemIds.length * grid.horizon;
    if (options.shortRelated === "leave-out" && mostlyUnknown) {
      leftOut.add(name);
      notes.push({ code: "INPUT_RELATED_SHORT", message: `${told} (needed to ${end}). It was left out.` });
    } else if (options.shortRelated === "keep" || options.shortRelated === "leave-out") {
      notes.push({ code: "INPUT_RELATED_SHORT", message: `${told} (needed to ${end}). It is unknown there.` });
    } else {
      problems.push({
        code: "INPUT_RELATED_SHORT",
        message: `Expected ${name} to be known to the end of the horizon (${end}) but ${told} (column ${place + 1}). Add its values, name a futurefill for it, or leave it out.`,
        facts: { file, column: place + 1, attribute: name, series: facts.seriesShort, needed: end },
      });
    }
  }
  return leftOut.size === 0 ? panel : { ...panel, regressors: panel.regressors.filter(({ name }) => !leftOut.has(name)) };
}

/** A series in words: item and dimensions. */
function seriesName(panel: Panel, i: number): string {
  return [panel.itemIds[i], ...panel.dimensions.map(({ levels, codes }) => levels[codes[i]] ?? "")].join(" / ");
}

function instantText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ").replace(" 00:00:00", "");
}

function gathered(problems: readonly Problem[]): StockroomError {
  const [only] = problems;
  if (problems.length === 1 && only !== undefined) return new StockroomError("input", only.code, only.message, { facts: only.facts ?? {} });
  const lines = problems.map(({ code, message }) => `  ${code}: ${message}`);
  return new StockroomError(
    "input",
    "FORECAST_INPUT_INVALID",
    [`Expected inputs without mistakes but found ${problems.length}. Correct them and start again:`, ...lines].join("\n"),
    { facts: { problems: problems.length, codes: problems.map(({ code }) => code).join(",") } },
  );
}
